"""Columns and codes in the words that a reader knows; the underscores of a name that is not here become spaces."""

from __future__ import annotations

import re

from synthesis import text

# Columns, and levels of them, that a plan, a moderator or a remark may name.
_WORDS = {
    "n_total": "sample size",
    "n_treat": "people treated",
    "n_control": "people in the control group",
    "mean_treat": "mean of the treated",
    "mean_control": "mean of the control group",
    "sd_treat": "SD of the treated",
    "sd_control": "SD of the control group",
    "events_treat": "events, treated",
    "events_control": "events, control group",
    "total_treat": "total, treated",
    "total_control": "total, control group",
    "nonevents_treat": "without the event, treated",
    "nonevents_control": "without the event, control group",
    "baseline_mean_treat": "mean of the treated before treatment",
    "baseline_mean_control": "mean of the control group before treatment",
    "baseline_sd_treat": "SD of the treated before treatment",
    "baseline_sd_control": "SD of the control group before treatment",
    "ci_low": "lower limit",
    "ci_high": "upper limit",
    "se": "standard error",
    "df": "degrees of freedom",
    "df1": "degrees of freedom of the numerator",
    "rob": "risk of bias",
    "timepoint": "time",
    "exactness": "conversion",
    "estimand": "adjustment for baseline",
    "r_total": "not adjusted for baseline",
    "r_partial": "adjusted for baseline or earlier change",
    "r_therapist": "between therapists",
    "b_within": "within patients",
    "d_between": "between randomised arms",
    "intrcpt": "intercept",
    "sei": "standard error",
    "2x2": "two-by-two table",
    "flag": "remarks",
    "url": "address",
    "tier": "fit to the question, by the extractor",
    "strict_borderline": "strict (borderline)",
    "main_borderline": "main (borderline)",
}
_PARTS = {
    "sd": "SD",
    "se": "SE",
    "r2": "R\u00b2",
    "2x2": "two-by-two table",
    "se or ci": "standard error or interval",
}
# Statistics that a conversion starts from.
_STATISTICS = {
    "f2": "Cohen's f\u00b2",
    "chi2": "\u03c7\u00b2",
    "f": "F",
    "or": "odds ratio",
    "beta": "standardized coefficient",
}
# A name in the style of code: two parts or more that an underscore joins.
_CODE = re.compile(r"(?<![\w./-])[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+(?![\w/]|\.\w)")
# Terms of a regression that its notes name.
_TERM = re.compile(r"\b(?:intrcpt|sei)\b")
_NAME = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
# The end of a converter's name: the metric that it gives.
_TARGET = {"z": "Fisher z", "g": "Hedges g", "log_odds_ratio": "log odds ratio", "log_risk_ratio": "log risk ratio"}


def term(name: str) -> str:
    """A column, a level or another code in words: "n_total" is the sample size, "disorder_group" disorder (grouped)."""
    if name in _WORDS:
        return _WORDS[name]
    if not _NAME.fullmatch(name):
        return name
    stem = name.removesuffix("_group")
    if stem != name:
        return f"{term(stem)}, grouped"
    if "_to_" in name:
        return _conversion(name)
    return " ".join(_PARTS.get(part, part) for part in name.split("_"))


def _conversion(name: str) -> str:
    """ "mean_sd_to_g": from mean SD to Hedges g."""
    start, _, target = name.rpartition("_to_")
    return f"{_source(start)} to {_TARGET.get(target, term(target))}"


def _source(start: str) -> str:
    return _WORDS.get(start) or _STATISTICS.get(start) or " ".join(_PARTS.get(part, part) for part in start.split("_"))


def decoded(words: str) -> str:
    """A text of the run with every code in it in words, and statistics as they are printed; paths and addresses
    stay."""
    return text.lettered(_TERM.sub(lambda match: _WORDS[match[0]], _CODE.sub(lambda match: term(match[0]), words)))


def has_code(words: str) -> bool:
    """Whether a text has a name in the style of code."""
    return _CODE.search(words) is not None or _TERM.search(words) is not None
