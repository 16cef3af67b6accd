"""Cells of a row that contradict each other, or what people, studies and calendars can be.

As in `precision.py`, a doubted row refuses the run until it is confirmed (`checked: yes` with `checked_reason`),
corrected or excluded; an estimand that cannot be that of the statistic is corrected or excluded.
docs/defaults.md gives the thresholds with their reasons.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

# Their registrations say which statistic has a number in which lane.
import synthesis.data.converters  # noqa: F401
from synthesis.data.columns import RESULT_COLUMNS
from synthesis.data.implied import Doubt, implied_se, reported_se
from synthesis.data.precision import CONFIRM
from synthesis.data.printed import SIZES, Numbered, Row
from synthesis.data.registry import CONVERTERS
from synthesis.data.vocabulary import LANE_ESTIMANDS, LANE_METRICS
from synthesis.errors import Problem

# People behind n beside those of the arms: two thirds of those who are randomised may be lost.
LARGEST_LOSS = 3.0
# Counts of people with decimals, of cluster trials, are rounded.
PEOPLE_SLACK = 0.5
# No sample is older on average, was followed for longer (50 years), or had more sessions (five a week for four years).
LARGEST_OF_LIFE = {
    "mean_age": (110.0, "a decimal point lost, or months?"),
    "weeks": (2600.0, "days, or a decimal point lost?"),
    "sessions": (1000.0, "minutes, or a decimal point lost?"),
}
_PERCENT = 100.0
# SDs of a restricted and of the whole range hardly differ by more; no scale in use agrees less with itself.
RANGE_RATIOS = (0.3, 3.0)
LEAST_RELIABILITY = 0.3
# Beside so many others, standard errors of risk differences are not so many times smaller than their median.
LEAST_RISKS, RISKS_APART = 3, 30.0
# Tests and ratios of either kind of finding: what has no conversion is dropped by name.
_EITHER = frozenset(
    [
        "t",
        "f",
        "p",
        "chi2",
        "rr",
        "hr",
        "irr",
        "rom",
        "rd",
        "log_or",
        "log_rr",
        "log_hr",
        "log_irr",
        "log_rom",
        "threshold_points",
    ]
)
_OF_LANE = {lane: {s for s, metric in CONVERTERS if metric in metrics} for lane, metrics in LANE_METRICS.items()}
_CONVERTED = frozenset().union(*_OF_LANE.values())
_LANE_OF = {estimand: lane for lane, estimands in LANE_ESTIMANDS.items() for estimand in estimands}
_GIVES = {"A": "a correlation", "B": "a difference between arms", "C": "a number of one group"}
# The year of a paper ends its name: "Ada 2001", "Fay & Lee (2019b)"; those of cohorts and trials stand elsewhere.
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR_OF_PAPER = re.compile(r"(?<!\d)(?:19|20)\d\d[a-z]?\)?\s*$", re.IGNORECASE)
YEARS_APART = 3


def check_plausible(path: Path, rows: Iterable[Numbered]) -> list[Problem]:
    """Contradictions and doubts of a source's typed rows, each by file, row and column; none of excluded rows."""
    rows = list(rows)
    problems = risk_faults(path, rows)
    for number, row in rows:
        if row["exclusion_reason"]:
            continue
        place = f"{path}, row {number}, column"
        problems += [Problem(f"{place} {column}", *doubt) for column, *doubt in other_estimand(row)]
        if not row["checked"]:
            for column, value, allowed, hint in (*people(row), *years(row), *lives(row), *corrected(row)):
                problems.append(Problem(f"{place} {column}", value, allowed, f"{hint}; {CONFIRM}"))
    return problems


def _has_result(row: Row) -> bool:
    return any(row[name] is not None for name in RESULT_COLUMNS) or row["p"] != ""


def other_estimand(row: Row) -> Iterator[Doubt]:
    """An estimand that is not the statistic's: no synthesis would take the row, and none would say so."""
    estimand, statistic = row["estimand"], row["statistic"]
    lane = _LANE_OF.get(estimand)
    if lane is None or row["level"] != "study" or not _has_result(row):
        return
    if lane == "A" and row["construct"] == "protocol":
        hint = "nobody rates a protocol: a row of another lane, which no synthesis would take? Or name what was rated"
        yield "estimand", estimand, "d_between or one_group with construct protocol", hint
    elif statistic in _CONVERTED - _EITHER and statistic not in _OF_LANE[lane]:
        gives = next(other for other, statistics in _OF_LANE.items() if statistic in statistics)
        allowed = f"one of {', '.join(LANE_ESTIMANDS[gives])} with statistic {statistic}, or an exclusion_reason"
        hint = f"{statistic} gives {_GIVES[gives]}, {estimand} is {_GIVES[lane]}: one of the two is another row's?"
        yield "estimand", estimand, allowed, hint


def people(row: Row) -> Iterator[Doubt]:
    """The number of people beside those of the arms."""
    if row["level"] != "study":
        return
    for arms in (("n_treat", "n_control"), ("total_treat", "total_control")):
        printed = [name for name in arms if row[name] is not None]
        if row["n"] is None or not printed:
            continue
        together, each = sum(row[name] for name in printed), " and ".join(f"{name} {row[name]:g}" for name in printed)
        all_arms = len(printed) == len(arms) or row["estimand"] == "one_group"
        value = f"{row['n']:g} with {each}"
        if row["n"] < together - PEOPLE_SLACK and {row[name] for name in printed} != {row["n"]}:
            hint = "the n of one arm, or of another row? Where everybody is in both arms all three n are one"
            yield "n", value, f"at least {together:g}", hint
            return
        if all_arms and row["n"] > LARGEST_LOSS * together:
            hint = "a digit too many, the n of another row, or of a trial with more arms?"
            yield "n", value, f"{together:g}, or at most {LARGEST_LOSS:g} times as many where people were lost", hint
            return
    for arm in ("treat", "control"):
        n, total = row[f"n_{arm}"], row[f"total_{arm}"]
        if n is not None and total is not None and max(n, total) > LARGEST_LOSS * min(n, total):
            allowed = f"about n_{arm} {n:g}, or at most {LARGEST_LOSS:g} times as many or as few"
            yield f"total_{arm}", f"{total:g}", allowed, "a digit lost or too many in one of them?"


def years(row: Row) -> Iterator[Doubt]:
    """The year of publication beside the one in the study's name."""
    if row["year"] is None or not _has_result(row):
        return
    named = {column: [int(year) for year in _YEAR.findall(row[column])] for column in ("study", "label")}
    printed = [year for years_of in named.values() for year in years_of]
    of_paper = any(_YEAR_OF_PAPER.search(row[column]) for column in named)
    if of_paper and all(abs(row["year"] - year) > YEARS_APART for year in printed):
        column = next(name for name in named if named[name])
        alternatives = " or ".join(map(str, dict.fromkeys(printed)))
        allowed = f"{alternatives}, or at most {YEARS_APART} years from it (online first)"
        yield "year", f"{row['year']:.0f} beside {column} {row[column]}", allowed, "a slip in one of the two?"


def lives(row: Row) -> Iterator[Doubt]:
    """Ages, weeks, sessions and percentages that no sample has."""
    for name, (most, hint) in LARGEST_OF_LIFE.items():
        if row[name] is not None and row[name] > most:
            yield name, f"{row[name]:g}", f"at most {most:g}", hint
    for name, value in row.get("own", {}).items():
        if name.startswith("percent") and isinstance(value, float) and not 0 <= value <= _PERCENT:
            yield name, f"{value:g}", f"at least 0 and at most {_PERCENT:g}", "a decimal point lost, or another column?"


def corrected(row: Row) -> Iterator[Doubt]:
    """What a correlation is corrected by: it would become almost 0 or 1."""
    low, high = RANGE_RATIOS
    ratio = row["range_ratio"]
    if ratio is not None and not low <= ratio <= high:
        hint = "a percentage, a decimal point lost, or an SD in the place of the ratio of two?"
        yield "range_ratio", f"{ratio:g}", f"from {low:g} to {high:g}", hint
    for name in ("reliability_process", "reliability_outcome"):
        if row[name] is not None and row[name] < LEAST_RELIABILITY:
            hint = "a decimal point, a p, or a correlation in its place?"
            yield name, f"{row[name]:g}", f"at least {LEAST_RELIABILITY:g}, as scales in use have", hint


def risk_faults(path: Path, rows: Iterable[Numbered]) -> list[Problem]:
    """Risk differences so much more precise than the others of a table that they look divided by 100 twice."""
    errors = [(n, row, error) for n, row in rows if row["level"] == "study" and (error := _error_of_risks(row))]
    if len(errors) <= LEAST_RISKS:
        return []
    usual = median(error for _, _, error in errors)
    problems = []
    for number, row, error in errors:
        if (
            row["statistic"] == "rd"
            and error < usual / RISKS_APART
            and not row["checked"]
            and not row["exclusion_reason"]
        ):
            column = next(name for name in ("se", "variance", "ci_low") if row[name] is not None)
            allowed = f"a standard error like those of the table, about {usual:.2g}, not {error:.2g}"
            hint = f"a percentage divided by 100 twice, value too? {CONFIRM}"
            problems.append(Problem(f"{path}, row {number}, column {column}", f"{row[column]:g}", allowed, hint))
    return problems


def _error_of_risks(row: Row) -> float | None:
    """The standard error of a risk difference as printed, or as the counts of a row have it."""
    if row["statistic"] == "rd":
        error = reported_se(row)
        return implied_se(row) if error is None else error
    counts = [row[f"{name}_{arm}"] for arm in ("treat", "control") for name in ("events", "total")]
    if row["statistic"] != "2x2" or any(count is None for count in counts):
        return None
    # Half an event more and less: an arm without events has an error, too.
    risks = [((events + 0.5) / (total + 1), total) for events, total in (counts[:2], counts[2:])]
    if not all(0 < risk < 1 <= total for risk, total in risks):
        return None
    return math.sqrt(sum(risk * (1 - risk) / total for risk, total in risks))


def size_faults(path: Path, rows: list[Numbered]) -> list[Problem]:
    """Whole sizes of cluster trials beside effective ones: whole by chance, they would be divided twice."""
    kinds: dict[bool, list[tuple[int, str, float]]] = {True: [], False: []}
    for number, row in rows:
        if row["design_effect"] not in (None, 1):
            for name in SIZES:
                if row[name] is not None:
                    kinds[row[name].is_integer()].append((number, name, row[name]))
    if not kinds[True] or not kinds[False]:
        return []
    first, other, size = kinds[False][0]
    allowed = f"decimals as in row {first} ({other} {size:g}), or a design_effect of 1 where it is divided already"
    hint = "divide it, or say that it is: sizes of both kinds in one table"
    return [
        Problem(f"{path}, row {number}, column {name}", f"{size:g}", allowed, hint)
        for number, name, size in kinds[True]
    ]
