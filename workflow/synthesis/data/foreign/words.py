"""What the words of a foreign table say: directions, kinds of score, totals, outcomes of which one side is better."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from synthesis.data.foreign.header import loose

Side = Literal["larger", "smaller"]
SIDES: tuple[Side, ...] = ("larger", "smaller")

# Which values of the outcome are better, as tables say it; read without case and punctuation.
_LARGER = (
    "larger", "higher", "greater", "more", "up", "upward", "increase", "increases", "increasing", "positive", "pos",
    "bigger", "better when higher", "benefit", "hoher", "h\u00f6her", "gr\u00f6\u00dfer", "plus", "high is better",
    "more is better",
)  # fmt: skip
_SMALLER = (
    "smaller", "lower", "less", "fewer", "down", "downward", "decrease", "decreases", "decreasing", "negative", "neg",
    "worse when higher", "harm", "niedriger", "kleiner", "minus", "low is better", "less is better", "reversed",
    "reverse",
)  # fmt: skip
_SIGNS = {"1": "1", "+1": "1", "1.0": "1", "+": "1", "-1": "-1", "-1.0": "-1", "\u22121": "-1", "-": "-1"}
_ABOUT_DIRECTION = re.compile(
    r"\b(direction|dir|better|higher|lower|larger|smaller|reversed?|reverse coded|polarity|orientation|good|desirable)\b"
)
_TRUTHS = {"true", "false", "yes", "no", "y", "n", "0", "1", "t", "f"}

_FINAL = (
    "final", "final value", "final values", "final score", "final scores", "post", "post score", "post test",
    "posttest", "post treatment", "post intervention", "postintervention", "posttreatment", "endpoint", "end point",
    "end of treatment", "follow up", "followup", "raw", "absolute",
)  # fmt: skip
_CHANGE = (
    "change", "changes", "change score", "change scores", "change from baseline", "mean change", "cfb", "gain",
    "gain score", "gain scores", "difference from baseline", "delta", "diff", "pre post", "pre post change",
)  # fmt: skip

_TOTAL = re.compile(
    r"((sub|grand )?totals?|subtotals?|summary|overall|pooled|combined|heterogeneity|tests? (for|of)|"
    r"((weighted|grand|overall|pooled|unweighted) )?(mean|average|median)s?|sums?|all (studies|trials|samples|comparisons)|"
    r"(random|fixed|common|mixed) effects?|(re|fe|ce) model|prediction interval|95 (ci|pi|cri)|i 2|i2|i\u00b2|tau2?|tau\u00b2|"
    r"insgesamt|gesamt|gesamtergebnis|gesamteffekt|summe|mittelwert|totaal|totale|moyenne|promedio)\b(?P<rest>.*)"
)
_AFTER_TOTAL = frozenset(
    [
        "95",
        "99",
        "ci",
        "pi",
        "effect",
        "effects",
        "size",
        "sizes",
        "estimate",
        "estimates",
        "event",
        "events",
        "model",
        "of",
        "the",
        "all",
        "k",
        "n",
        "i2",
        "i²",
        "i",
        "squared",
        "tau2",
        "tau²",
        "tau",
        "q",
        "p",
        "df",
        "chi2",
        "chi²",
        "chi",
        "z",
        "2",
        "for",
        "in",
        "and",
        "across",
        "random",
        "fixed",
        "common",
        "mixed",
        "re",
        "fe",
        "ce",
        "reml",
        "dl",
        "hksj",
        "iv",
        "m",
        "h",
        "studies",
        "study",
        "trials",
        "trial",
        "samples",
        "comparisons",
        "outcomes",
        "groups",
        "group",
        "patients",
        "participants",
        "people",
        "weighted",
        "unweighted",
        "mean",
        "average",
        "total",
        "subtotal",
        "overall",
        "summary",
        "pooled",
        "result",
        "results",
        "score",
        "scores",
        "sd",
        "se",
        "or",
        "rr",
        "rd",
        "g",
        "d",
        "r",
        "smd",
        "md",
        "heterogeneity",
        "subgroup",
        "differences",
        "difference",
        "test",
        "with",
        "as",
        "by",
    ]
)
_YEAR = re.compile(r"\b(1[89]|20)\d\d")

_USUALLY_SMALLER = re.compile(
    r"\b(depress\w*|anxi\w*|bdi\w*|phq\w*|hrsd\w*|ham ?d\w*|hdrs\w*|ces ?d\w*|madrs\w*|gad ?7?|stai\w*|bai|ptsd\w*|ptss\w*|"
    r"caps ?5?|pcl\w*|ies ?r?|scl ?\d*\w*|bsi|gsi|symptoms?|severity|distress\w*|pain|insomnia|isi|y ?bocs\w*|ocd|panic|"
    r"worr(y|ies)|pswq|stress|suicid\w*|burn ?out|anger|hamilton\w*|fatigue|lonel\w*|lsas|spin|phobi\w*|relaps\w*|"
    r"recidiv\w*|re ?offend\w*|drop ?outs?|mortality|deaths?|grief|core om|oq ?45\w*|hopeless\w*|disability|impairment|"
    r"problems?|deteriorat\w*)\b"
)
_USUALLY_LARGER = re.compile(
    r"\b(quality of life|qol\w*|whoqol\w*|eq ?5d\w*|sf ?(12|36|6d)\w*|functioning|function|well ?being|who ?5|swls|"
    r"life satisfaction|satisfaction|self ?esteem|self ?efficacy|resilience|remission|remitted|response|responders?|"
    r"recover\w*|mindfulness|social support|gaf|abstinen\w*|coping|hope|happiness|positive affect|vitality|warwick\w*|"
    r"wemwbs|lebensqualit\w*|employment|attendance|completion)\b"
)
_OF_OUTCOMES = {"outcome", "outcomes", "scale", "measure", "instrument", "outcome measure", "outcome name", "endpoint"}


def direction(text: str) -> str | None:
    """1 or -1 for words or signs that say which values are better; None for others."""
    if text.strip() in _SIGNS:
        return _SIGNS[text.strip()]
    words = re.sub(r"^(scores? |values? )?(is |are )?|( (values?|scores?|numbers?))?( (is|are|means?|indicates?|equals?))?( "
                   r"(better|good|improvement|favou?rable|improved))?( outcomes?)?$", "", loose(text))  # fmt: skip
    words = words or loose(text)
    if words in _LARGER or loose(text) in _LARGER:
        return "1"
    return "-1" if words in _SMALLER or loose(text) in _SMALLER else None


def speaks_of_direction(name: str, cells: Iterable[str]) -> bool:
    """Whether a column says which values are better: by all of its words, or by its name and its signs or truths."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return False
    about = _ABOUT_DIRECTION.search(loose(name)) is not None
    words = [cell for cell in filled if cell.strip() not in _SIGNS]
    if words and all(direction(cell) for cell in filled):
        # "positive" and "negative" are said of findings, valences and tests, too, but of one thing at a time.
        return about or len(filled) > 1
    return about and all(cell.strip() in _SIGNS or cell.casefold() in _TRUTHS for cell in filled)


def speaks_of_favour(name: str, cells: Iterable[str]) -> bool:
    """Whether a column says whom each finding favours: by its name, or by all of its words."""
    filled = [loose(cell) for cell in cells if cell]
    if not filled:
        return False
    return re.match(r"favou?r", loose(name)) is not None or all(
        re.match(r"favou?r(s|ed|ing)?\b", cell) for cell in filled
    )


def score_kind(text: str) -> str | None:
    """mean_sd for final values, change_sd for change scores; None for other words."""
    words = loose(text)
    return "mean_sd" if words in _FINAL else "change_sd" if words in _CHANGE else None


def kinds_of_score(cells: Iterable[str]) -> set[str]:
    """The kinds of score that a column speaks of; none where a cell says something else."""
    kinds = [score_kind(cell) for cell in cells if cell]
    return {kind for kind in kinds if kind} if all(kinds) else set()


def is_total(name: str) -> bool:
    """Whether what names a row names a pooled result or a sum rather than a study: "Total (95% CI)", "Overall"."""
    total = _TOTAL.fullmatch(loose(name))
    if total is None or _YEAR.search(name) or "&" in name:
        return False
    return all(word in _AFTER_TOTAL or word.isdigit() for word in total["rest"].split())


def looks_like_total(name: str) -> bool:
    """Whether a study begins with a word that totals begin with: worth a word."""
    return _TOTAL.fullmatch(loose(name)) is not None and not is_total(name)


def usual_side(outcome: str) -> Side | None:
    """Which values of an outcome are usually better for the patient; None where its name does not say."""
    words = loose(outcome)
    smaller, larger = _USUALLY_SMALLER.search(words), _USUALLY_LARGER.search(words)
    if (smaller is None) == (larger is None):
        return None
    return "smaller" if smaller else "larger"


def names_outcomes(name: str) -> bool:
    """Whether a column's name says that it holds outcomes."""
    return loose(name) in _OF_OUTCOMES


_DESIGN_EFFECT = re.compile(
    r"deff|design effect|designeffect|icc|intra ?(cluster|class) correlation.*|eff(ective)? ?(n|sample size|ss)\b.*|n ?eff\b.*|ess\b.*"
)
_VARIANCE = re.compile(
    r"vi|v|var|variance|sampling variance|var(iance)? ?(yi|y|g|d|r|z|es|effect|smd|lnor|logor)|v(g|d|z|yi)|vg|"
    r"(yi|y|g|d|r|z|es|effect|smd|lnor|logor) ?var(iance)?"
)
_STANDARD_ERROR = re.compile(
    r"se|sei|se ?te|seyi|std ?err(or)?|standard error|se ?(yi|y|g|d|r|z|es|effect|smd|lnor|logor|te)|"
    r"(yi|y|g|d|r|z|es|effect|smd|lnor|logor) ?se|s e"
)


_LOGARITHM = re.compile(r"yi|(ln|log)( ?(or|rr|hr|irr|odds( ratio)?|(risk|rate|hazard) ratio))?")


def speaks_of_clusters(name: str) -> bool:
    """Whether a column's name is that of a design effect, an intraclass correlation or effective sample sizes."""
    return _DESIGN_EFFECT.fullmatch(loose(name)) is not None


def names_variance(name: str) -> bool:
    """Whether a column's name is that of sampling variances."""
    return _VARIANCE.fullmatch(loose(name)) is not None


def names_logarithm(name: str) -> bool:
    """Whether a column's name is that of logarithms of ratios."""
    return _LOGARITHM.fullmatch(loose(name)) is not None


def names_standard_error(name: str) -> bool:
    """Whether a column's name is that of standard errors."""
    return _STANDARD_ERROR.fullmatch(loose(name)) is not None
