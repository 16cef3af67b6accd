"""What the heads of a foreign table say of their numbers, beside what they are taken for: kinds by words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.foreign.header import loose
from synthesis.errors import Problem

OTHERWISE = "or a column with another name"
# Words of heads by the kind of number that they say; a head may say several.
_KINDS: dict[str, str] = {
    "standard errors": "se|sem|std ?err(or)?s?|standard errors?",
    "SDs": "sds?|std|stdev|std ?dev|standard dev(iation)?s?",
    "variances": "var|variances?",
    "quartiles or ranges": "iqr|interquartile( range)?|ranges?|min max",
    "intervals": "ci|confidence intervals?|konfidenzintervall",
    "medians": "medians?|mdn|med",
    "means": "means?|avg|average|mittelwert|mw",
    "values before treatment": "pre|pre ?test|pre ?treat(ment)?|pre ?score|baseline|bl|before|intake|t0|vorher",
    "values after treatment": "post|post ?test|post ?treat(ment)?|post ?score|endpoint|final|after|fu|"
    "follow ?up|nachher",
    "changes": "changes?|chg|gains?|delta|diff|cfb|improvements?|reductions?|verbesserung",
    "percentages or rates": "pct|perc|percent(age)?s?|prozent|rates?|proportions?|prop",
    "counts": "n|no|num|number|counts?|anzahl",
    "R2": "r ?(2|\u00b2)|r ?sq(r|uared?)?|rsq|variance explained|explained variance",
    "eta squared": "(partial )?(eta|\u03b7|omega)( ?p)?( ?(2|\u00b2|sq|squared))?|np2|ges",
    "correlations": r"r(?! ?(?:\d|\u00b2|sq))|ri|rxy|cors?|corrs?|correlations?|pearsons?|spearmans?|rho|r(?=1\b)",
    "Fisher's z": "zr|fz|fishers?( s)?( z)?|fisherz|z transformed( r)?|r to z|r2z|rtoz",
    "SMD": "d|g|cohens?( s)?( d)?|hedges?( s)?( g)?|glass|smd|std ?mean ?diff(erence)?s?|"
    "standardi[sz]ed mean diff(erence)?s?",
    "mean differences": "md|wmd|(?<!std )(?<!ed )mean ?diff(erence)?s?",
    "odds ratios": "or|a?ors|odds ?ratios?|aor",
    "risk ratios": "rr|risk ?ratios?|relative ?risks?",
    "hazard ratios": "hr|a?hrs|hazard ?ratios?|ahr",
    "rate ratios": "irr|(incidence )?rate ?ratios?",
    "risk differences": "rd|risk ?diff(erence)?s?",
    "standardized coefficients": "beta|\u03b2|standardi[sz]ed (regression )?coef(ficient)?s?",
    "coefficients": "(?<!standardized )(?<!standardised )(coef|coefficient)s?|unstandardi[sz]ed( b)?",
    "logarithms": r"log|ln|(log|ln)(?=(or|rr|hr|irr|rom)\b)",
}  # fmt: skip
_PATTERNS = {kind: re.compile(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])") for kind, words in _KINDS.items()}
_JOINED = re.compile(r"\b(log|ln)(?=(or|rr|hr|irr)\b)")
# Letters that say a kind only where they are the whole head.
_ALONE = {
    "z": "Fisher's z",
    "b": "coefficients",
    "t": "t",
    "f": "F",
    "p": "p",
    "chi2": "chi-square",
    "x2": "chi-square",
}
_RATIOS = {"or": "odds ratios", "rr": "risk ratios", "hr": "hazard ratios", "irr": "rate ratios"}
# What the column value holds, by statistic; and the statistic of each kind.
_OF_STATISTIC = {
    "r": "correlations", "r2": "R2", "z": "Fisher's z", "beta": "standardized coefficients", "coef": "coefficients",
    "g": "SMD", "d": "SMD", "smd": "SMD", "mean_difference": "mean differences", "rd": "risk differences", "t": "t",
    "f": "F", "chi2": "chi-square", **_RATIOS,
    **{f"log_{name}": f"logarithms of {kind}" for name, kind in _RATIOS.items()},
}  # fmt: skip
_STATISTIC_OF = {kind: name for name, kind in reversed(_OF_STATISTIC.items())}
_STATISTIC_OF |= {"SMD": "smd", "percentages or rates": "proportion", "eta squared": "", "p": "p"}
_VALUES = frozenset(_STATISTIC_OF) - {"percentages or rates"}
_ONE_SIDED = re.compile(r"\b(one|1|einseitig\w*) ?(sided|tailed|side|tail|s|t)?\b")
# A size that says itself that every arm has as many.
_OF_EACH = re.compile(r"\b(per|each|every|pro|je|both|arm|arms|group|groups|gruppe|par|por)\b")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Kinds that a head may not say of columns that begin so, unless it says one of others, too; `statistics`: with
    which alone; `instead`: what it is taken for then."""

    ours: tuple[str, ...]
    kind: str
    unless: tuple[str, ...]
    instead: str
    statistics: frozenset[str] = frozenset()


_SCORES = ("mean_", "sd_", "se_")
_RULES = (
    _Rule(("sd_",), "standard errors", ("SDs",), "se_{arm}={theirs}"),
    _Rule(("sd_", "se_"), "variances", ("SDs", "standard errors"), "square roots of them"),
    _Rule(("sd_", "se_"), "quartiles or ranges", ("SDs", "standard errors"), "--statistic median with its quartiles"),
    _Rule(("sd_", "se_"), "intervals", ("SDs", "standard errors"), "mean_ci_low_{arm} and mean_ci_high_{arm}"),
    _Rule(("se_",), "SDs", ("standard errors",), "sd_{arm}={theirs}"),
    _Rule(("mean_treat", "mean_control"), "medians", ("means",), "--statistic median with median_{arm}={theirs}"),
    _Rule(("median_",), "means", ("medians",), "mean_{arm}={theirs}"),
    _Rule(("mean_treat", "mean_control"), "standard errors", ("means",), "a column of means"),
    _Rule(("mean_treat", "mean_control"), "SDs", ("means",), "a column of means"),
    _Rule(_SCORES, "changes", ("values after treatment",), "--statistic change_sd", frozenset({"mean_sd"})),
    _Rule(_SCORES, "values before treatment", ("values after treatment", "changes"), "values after treatment",
          frozenset({"mean_sd"})),
    _Rule(("mean_",), "values before treatment", ("values after treatment", "changes"), "values after treatment",
          frozenset({"pre_post", "ancova"})),
    _Rule(_SCORES, "values before treatment", ("changes",), "changes, or --statistic mean_sd and values after",
          frozenset({"change_sd"})),
    _Rule(_SCORES, "values after treatment", ("changes", "values before treatment"), "--statistic mean_sd",
          frozenset({"change_sd"})),
    _Rule(("baseline_",), "values after treatment", ("values before treatment",), "values before treatment"),
    _Rule(("events_", "nonevents_"), "percentages or rates", ("counts",), "numbers of people"),
)  # fmt: skip


def kinds_of(head: str) -> set[str]:
    """The kinds of number that a head says."""
    words = _JOINED.sub(r"\1 ", loose(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", head)))
    kinds = {kind for kind, pattern in _PATTERNS.items() if pattern.search(words)}
    kinds |= {_ALONE[words]} & {*_ALONE.values()} if words in _ALONE else set()
    if "%" in head:
        kinds.add("percentages or rates")
    if kinds & {"R2", "eta squared"}:
        kinds.discard("variances")
    if "logarithms" in kinds:
        ratios = kinds & {*_RATIOS.values()}
        kinds = (kinds - ratios - {"logarithms"}) | {f"logarithms of {kind}" for kind in ratios}
    return kinds


def other_kinds(
    columns: Mapping[str, str], statistics: Collection[str], header: Collection[str], ignore: Collection[str]
) -> list[Problem]:
    """Columns that their heads say are of another kind than what they are taken for, and those taken twice.

    `columns`: ours by theirs; `header`: of the table; `ignore`: heads that are confirmed.
    """
    problems = [*_twice(columns, ignore), *_one_sided(columns)]
    for ours, theirs in columns.items():
        if ours in ("value", "ci_low", "ci_high"):
            problems += _of_value(ours, theirs, statistics, header)
        elif fault := _of_arm(ours, theirs, statistics):
            problems.append(fault)
    return problems


def _of_arm(ours: str, theirs: str, statistics: Collection[str]) -> Problem | None:
    kinds = kinds_of(theirs)
    for rule in _RULES:
        if not ours.startswith(rule.ours) or rule.kind not in kinds or kinds & {*rule.unless}:
            continue
        if rule.statistics and not (statistics and set(statistics) <= rule.statistics):
            continue
        instead = rule.instead.replace("{arm}", ours.rpartition("_")[2]).replace("{theirs}", theirs)
        return Problem("--columns", f"{ours}={theirs}", f"{instead}, {OTHERWISE}", f"named as {rule.kind} are")
    return None


def _of_value(ours: str, theirs: str, statistics: Collection[str], header: Collection[str]) -> Iterator[Problem]:
    kinds = kinds_of(theirs) & _VALUES
    if "R2" in kinds and {"r1", "r 1"} & {loose(head) for head in header}:
        # The second of several correlations.
        kinds = (kinds - {"R2"}) | {"correlations"}
    for statistic in statistics if len(statistics) == 1 else ():
        meant = _OF_STATISTIC.get(statistic)
        if meant is None or not kinds or meant in kinds:
            continue
        kind = sorted(kinds)[0]
        named = _STATISTIC_OF[kind]
        allowed = f"--statistic {named}, {OTHERWISE}" if named else f"another statistic, {OTHERWISE}"
        yield Problem("--columns", f"{ours}={theirs}", allowed, f"taken as {meant}, and named as {kind} are")


def _one_sided(columns: Mapping[str, str]) -> Iterator[Problem]:
    theirs = columns.get("p")
    if theirs and "p_sides" not in columns and _ONE_SIDED.search(loose(theirs).removeprefix("p ")):
        allowed = f"p_sides=<a column that says one-sided>, {OTHERWISE}"
        yield Problem("--columns", f"p={theirs}", allowed, "read as the p of a two-sided test")


def _twice(columns: Mapping[str, str], ignore: Collection[str]) -> Iterator[Problem]:
    """A column of the table that is taken for two numbers: the people of both arms for those of each."""
    numbers = {
        ours: theirs for ours, theirs in columns.items() if ours in BY_NAME and BY_NAME[ours].kind in NUMERIC_KINDS
    }
    for theirs, times in Counter(numbers.values()).items():
        ours = [name for name, taken in numbers.items() if taken == theirs]
        if times == 1 or theirs in ignore or {name.partition("_")[0] for name in ours} == {"n", "total"}:
            continue
        sizes = all(name.startswith(("n_", "total_")) for name in ours)
        if sizes and _OF_EACH.search(loose(theirs)):
            continue
        hint = "the people of both arms, taken for those of each?" if sizes else "two numbers in one column?"
        allowed = "a column for each"
        if sizes:
            allowed += f"; where every arm has as many: --ignore {theirs if theirs.isalnum() else repr(theirs)}"
        yield Problem("--columns", " ".join(f"{name}={theirs}" for name in ours), allowed, hint)
