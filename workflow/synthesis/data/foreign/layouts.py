"""Columns known by their names: the layouts of databases and programs, and what people call the same things.

Metapsy: the Metapsy data standard (docs.metapsy.org, "Data Format"). RevMan: the "data rows" that RevMan Web exports
and what `read.rm5` of R's meta makes of RevMan 5. metafor: the arguments of `escalc`, as in the data sets of metadat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from synthesis.data.columns import BY_NAME
from synthesis.data.foreign.header import loose

# By these columns, without case and punctuation, a layout is known.
_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Metapsy": ("condition arm1", "condition arm2"),
    "RevMan": ("experimental n", "control n"),
    "RevMan, two header rows": ("experimental total", "control total"),
    "R's meta": ("n e", "n c"),
    "metafor, means": ("m1i", "m2i"),
    "metafor, events": ("ai", "ci"),
    "metafor, correlations": ("ri", "ni"),
    "metafor, escalc": ("yi", "vi"),
    "JASP": ("effect size", "standard error"),
}
_ARMS = {
    "treat": (
        "treat", "treatment", "treated", "tx", "trt", "t", "e", "exp", "experimental", "int", "intervention", "interv",
        "ig", "eg", "tg", "arm1", "arm 1", "1", "g1", "group1", "group 1", "1i", "active",
    ),
    "control": (
        "control", "controls", "ctrl", "ctl", "c", "con", "cont", "kon", "comparison", "comparator", "comp", "cg",
        "arm2", "arm 2", "2", "0", "g2", "group2", "group 2", "2i", "placebo", "pla", "reference",
    ),
}  # fmt: skip
_NUMBERS = {
    "mean": ("mean", "m", "means", "mn", "avg", "average", "mittelwert", "mw", "mean post", "post mean", "x"),
    "sd": ("sd", "s", "std", "stdev", "std dev", "standard deviation", "sds", "sd post", "post sd"),
    "n": ("n", "total", "size", "sample size", "samplesize", "ss", "num", "number", "no", "n post"),
}
_QUANTILES = {
    "median": ("median", "med", "mdn"),
    "q1": ("q1", "25", "p25", "lower quartile"),
    "q3": ("q3", "75", "p75", "upper quartile"),
    "min": ("min", "minimum"),
    "max": ("max", "maximum"),
    "n": _NUMBERS["n"],
}
_BEFORE = {
    "mean": ("mean pre", "m pre", "pre mean", "baseline mean", "mean baseline"),
    "sd": ("sd pre", "pre sd", "baseline sd", "sd baseline"),
}
_TIMES = ("t", "time", "person years", "py", "person time")
_EVENTS = ("event", "events", "cases", "case", "responders", "n events", "event n", "count", "ev")
_TOTALS = ("totaln", "total n", "total", "n", "n total", "size", "sample size")
# What the columns of every table may be called.
_SHARED: dict[str, tuple[str, ...]] = {
    "study": (
        "study", "studies", "trial", "trials", "author", "authors", "first author", "study id", "studyid", "studie",
        "study name", "studlab", "study label", "study or subgroup", "slab", "paper", "reference", "citation",
        "author year", "study author",
    ),
    "year": ("year", "yr", "publication year", "pub year", "pubyear", "study year", "jahr", "year of publication"),
    "outcome": ("outcome", "measure", "instrument", "scale", "outcome measure", "outcome name"),
    "treatment": ("treatment", "intervention", "condition arm1", "treatment name"),
    "comparator_detail": ("condition arm2", "comparator", "control condition", "control type", "comparison group"),
    "rater": ("rating",),
    "timepoint_detail": ("time", "timepoint", "time point"),
}  # fmt: skip
_SE = ("se", "sei", "sete", "se te", "std err", "standard error", "stderr", "g se", "se g", "d se", "se d", "giv se")
_VARIANCE = ("vi", "v", "var", "variance", "sampling variance", "vg", "v g", "var g", "vd", "var d")
_EFFECT = ("yi", "te", "es", "effect size", "effect", "effectsize", "estimate", "giv mean")
_LIMITS = {
    ours: (
        f"ci {short}",
        f"ci {side}",
        side,
        short[:2],
        f"{side[0]}cl",
        f"ci {side[0]}b",
        f"ci {end}",
        f"{side} ci",
        f"{side[0]}l",
        f"{side[0]}ci",
        f"ci {side[0]}",
        f"95 {side[0]}l",
        f"95 ci {side}",
        f"ci 95 {side}",
        f"{side} 95",
        f"{side} 95 ci",
        f"{side} limit",
        f"95 ci {side[0]}l",
        f"95 {side[0]}cl",
    )
    for ours, short, side, end in (("ci_low", "low", "lower", "start"), ("ci_high", "high", "upper", "end"))
}
_VALUE: dict[str, tuple[str, ...]] = {
    "r": ("r", "ri", "cor", "corr", "correlation", "pearson r", "es r", "rxy"),
    "z": ("z", "zr", "fisher z", "fishers z", "fisher s z", "zi", *_EFFECT),
    "g": ("g", "hedges g", "hedgesg", "smd", *_EFFECT),
    "smd": ("smd", "std mean difference", *_EFFECT),
    "d": ("d", "cohens d", "cohen s d", "cohen d", *_EFFECT),
    "or": ("or", "odds ratio", "oddsratio"),
    "rr": ("rr", "risk ratio", "relative risk"),
    "hr": ("hr", "hazard ratio"),
    "irr": ("irr", "rate ratio", "incidence rate ratio"),
    "rom": ("rom", "ratio of means"),
    "log_or": ("log or", "lnor", "logor", "ln or", "log odds ratio", *_EFFECT),
    "log_rr": ("log rr", "lnrr", "logrr", "ln rr", "log risk ratio", *_EFFECT),
    "log_hr": ("log hr", "lnhr", "loghr", "ln hr", "log hazard ratio", *_EFFECT),
    "log_irr": ("log irr", "lnirr", "logirr", "ln irr", "log rate ratio", *_EFFECT),
    "log_rom": ("log rom", "lnrom", "logrom", "lnrr", *_EFFECT),
    "rd": ("rd", "risk difference", *_EFFECT),
    "mean_difference": ("md", "mean difference", "wmd", *_EFFECT),
    "proportion": ("proportion", "prop", "rate", "prevalence", "p", "pi"),
    "coef": ("b", "coef", "coefficient", "estimate"),
    "semipartial_r": ("semi partial r", "semipartial r", "sr", "spcor"),
    "t": ("t", "t value", "tval", "t statistic"),
    "f": ("f", "f value", "fval", "f statistic"),
}
_N = ("n", "ni", "n total", "total n", "sample size", "samplesize", "es n", "size", "n tot", "ntotal")


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a table are: `columns` ours by theirs; `name` of the layout, empty for none that is known."""

    name: str
    columns: Mapping[str, str]


def _armed(numbers: Iterable[str], arm: str) -> list[str]:
    """The names of a number of an arm, in either order."""
    pairs = list(product(numbers, _ARMS[arm]))
    return [
        f"{a}{joint}{b}"
        for first, second in pairs
        for a, b in ((first, second), (second, first))
        for joint in ("", " ")
    ]


def _synonyms(statistic: str) -> dict[str, list[str]]:
    """The possible names of the columns that a statistic has."""
    synonyms = {ours: list(names) for ours, names in _SHARED.items()}
    arms = list(_ARMS)
    if statistic in {"mean_sd", "change_sd"}:
        change = " change" if statistic == "change_sd" else ""
        for arm, (number, names) in product(arms, _NUMBERS.items()):
            plain = _armed(names, arm)
            synonyms[f"{number}_{arm}"] = [*_armed([f"{n}{change}" for n in names], arm), *plain] if change else plain
    elif statistic in {"median", "pre_post", "ancova"}:
        for arm, (number, names) in product(arms, (_QUANTILES if statistic == "median" else _NUMBERS).items()):
            synonyms[f"{number}_{arm}"] = _armed(names, arm)
        if statistic == "pre_post":
            for arm, (number, names) in product(arms, _BEFORE.items()):
                synonyms[f"baseline_{number}_{arm}"] = _armed(names, arm)
            synonyms["pre_post_r"] = ["r", "ri", "r pre post", "pre post r"]
    elif statistic in {"count", "rate", "rates"}:
        synonyms |= {
            "events_treat": ["xi", "events", "event", "cases", "x"],
            "total_treat": list(_N),
            "time_treat": ["ti"],
        }
        if statistic == "rates":
            synonyms |= {
                "events_treat": ["x1i", *_armed(_EVENTS, "treat")],
                "events_control": ["x2i", *_armed(_EVENTS, "control")],
            }
            synonyms |= {f"time_{arm}": _armed(_TIMES, arm) for arm in arms}
    elif statistic == "2x2":
        synonyms["events_treat"] = [*_armed(_EVENTS, "treat"), "ai", "e1"]
        synonyms["events_control"] = [*_armed(_EVENTS, "control"), "ci", "e0", "e2"]
        synonyms |= {f"total_{arm}": _armed(_TOTALS, arm) for arm in arms}
        synonyms |= {"nonevents_treat": ["bi"], "nonevents_control": ["di"]}
    else:
        synonyms["value"] = list(_VALUE.get(statistic, (statistic, *_EFFECT)))
        synonyms["n"] = list(_N)
        if statistic not in {"r", "t", "f"}:
            synonyms |= {"se": list(_SE), "variance": list(_VARIANCE)} | {k: list(n) for k, n in _LIMITS.items()}
        if statistic not in {"r", "z"}:
            synonyms |= {f"n_{arm}": _armed(_NUMBERS["n"], arm) for arm in arms}
    return {ours: names for ours, names in synonyms.items() if ours in BY_NAME}


def recognise(header: Collection[str], statistic: str) -> tuple[Layout, dict[str, list[str]]]:
    """The columns of a statistic by their names, and those of which there are several that it could be."""
    by_name: dict[str, list[str]] = {}
    for theirs in header:
        by_name.setdefault(loose(theirs), []).append(theirs)
    columns: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for ours, names in _synonyms(statistic).items():
        candidates = [theirs for name in dict.fromkeys(names) for theirs in by_name.get(name, []) if theirs]
        if ours == "variance" and "se" in columns:
            continue
        if len(candidates) > 1 and ours not in _SHARED:
            several[ours] = candidates
        elif candidates and candidates[0] not in columns.values():
            columns[ours] = candidates[0]
    known = [name for name, needed in _SIGNATURES.items() if set(needed) <= set(by_name)]
    return Layout(known[0] if known else "", columns), several


def of_any_kind(theirs: str) -> bool:
    """Whether a column's name says that it holds effects, and not which: yi, "effect size"."""
    return loose(theirs) in _EFFECT


def likely(header: Collection[str], statistic: str, ours: str) -> list[str]:
    """Columns of a table that may be one of ours, by their names."""
    names = set(_synonyms(statistic).get(ours, ()))
    return [theirs for theirs in header if loose(theirs) in names]
