"""Standard errors where no sample sizes are printed beside them: how many people they imply, and what others have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from synthesis.data.deviations import ARMS as ARMS_OF_ROW
from synthesis.data.deviations import spreads
from synthesis.data.implied import (
    DIFFERENCES,
    RATIOS,
    Doubt,
    arms_of,
    expected_se,
    implied_se,
    of_counts,
    reported_se,
)
from synthesis.data.printed import Numbered, Row, has
from synthesis.text import plain

Kind = Literal["difference", "change", "z", "logarithm", "risk", "units"]

# Standard errors that no study has. Below: a million people, or events. Above: four people with a difference, or a
# correlation; less than an event, as zero cells are counted.
SMALLEST: dict[Kind, float] = {"difference": 0.002, "change": 0.001, "z": 0.001, "logarithm": 0.0005}
LARGEST: dict[Kind, float] = {"difference": 2.0, "change": 2.0, "z": 1.0, "logarithm": 5.0}
# Units of an outcome have no such limits, and risks that are rare have small ones.
BOUNDED = tuple(LARGEST)
# What is this much smaller than all others of its table, and as its root among them, looks like a variance.
BELOW_OTHERS, AMONG_OTHERS = 4.0, 1.1
# Beside counts, whose errors are certain, its root may be that of a trial with twice the people of the largest.
AMONG_COUNTS, LEAST_COUNTS = 1.5, 3
# The body of a table's standard errors begins at this share of their median, and they lie within this factor of it.
BODY, FAR_FROM_MEDIAN = 4.0, 30.0
LEAST_OTHERS = 2
# People that half of a table's standard errors imply at least, where all of them are variances; as such they imply
# at least so many.
MANY_PEOPLE: dict[Kind, float] = {"difference": 1000.0, "change": 1000.0, "z": 5000.0}
FEWEST_PEOPLE = 8.0
# The errors of arms beside them are larger by this factor.
ARMS_ABOVE = 2.0
FEWEST_OF_ALL = 2.0
LEAST_ROWS = 3
# SDs of one outcome, as standard errors of a difference and sizes imply them, lie within this factor of their median.
SD_RATIO = 4.0
# An SD that a difference in SDs implies with its error, where others have the outcome's.
ONE_SD = (0.8, 1.4)
# Errors of one outcome that are alike: within this factor, so many at least.
ALIKE, LEAST_ALIKE = 2.0, 3


# Statistics of two arms that print sizes instead of an error, and counts.
ARMS = ("mean_sd", "change_sd", "median", "pre_post", "ancova", "t", "f")
COUNTS = ("2x2", "rates")


@dataclass(frozen=True, slots=True)
class _Error:
    """A row's standard error on the scale of its effect, and where it stands."""

    row: int
    cells: Row
    kind: Kind
    column: str
    se: float
    alone: bool


def alone(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """All doubts of a table's standard errors that no sample sizes explain."""
    printed = {row["statistic"].removeprefix("log_") for _, row in rows}
    ratio = "rr" if "rr" in printed and "or" not in printed else "or"
    in_units = "mean_difference" in printed
    errors = [error for number, row in rows for error in _errors(number, row, ratio, in_units)]
    for kind in BOUNDED:
        of_kind = [error for error in errors if error.kind == kind]
        doubted = dict(_beside_others(of_kind)) | dict(_out_of_range(of_kind))
        yield from doubted.items()
        yield from ((row, doubt) for row, doubt in _all_variances(kind, of_kind) if row not in doubted)
    yield from _beside_others([error for error in errors if error.kind == "risk"])
    for of_outcome in _by_outcome(errors):
        yield from (dict(_far_from_alike(of_outcome)) | dict(_beside_others(of_outcome))).items()
    if in_units:
        yield from _of_differences(rows)


def _by_outcome(errors: Sequence[_Error]) -> list[list[_Error]]:
    """Errors in units, by what they are units of."""
    groups: dict[tuple[str, str], list[_Error]] = {}
    for error in errors:
        if error.kind == "units":
            of = error.cells["construct"] if error.cells["statistic"] == "coef" else ""
            groups.setdefault((of, plain(error.cells["outcome"])), []).append(error)
    return [group for (_, outcome), group in groups.items() if outcome]


def _kind(row: Row) -> Kind | None:
    statistic = row["statistic"]
    if statistic in DIFFERENCES:
        return "difference"
    if statistic == "smd_within_arm_change":
        return "change"
    if statistic == "rd":
        return "risk"
    if statistic in ("mean_difference", "coef"):
        return "units"
    if statistic in RATIOS or statistic.startswith("log_"):
        return "logarithm"
    return "z" if statistic == "z" else None


def _errors(number: int, row: Row, ratio: str, in_units: bool) -> Iterator[_Error]:
    """The errors of a study; `alone` where neither sizes nor an interval stand beside it.

    Of counts, that of the ratio that the table has, and of the difference of risks; in units of the outcome where
    differences of means are printed, too.
    """
    if row["level"] != "study":
        return
    if row["statistic"] in ARMS:
        yield from _of_arms(number, row, in_units)
    elif row["statistic"] in COUNTS:
        measures: tuple[tuple[Kind, str], ...] = (("logarithm", ratio), ("risk", "rd"))
        for kind, measure in measures if row["statistic"] == "2x2" else (("logarithm", "irr"),):
            error = of_counts(row, measure)
            if error is not None:
                yield _Error(number, row, kind, "events_treat", error, False)
    elif (of_row := _error(number, row)) is not None:
        yield of_row


def _error(number: int, row: Row) -> _Error | None:
    kind, error, implied = _kind(row), reported_se(row), implied_se(row)
    if kind is None:
        return None
    if error is None:
        error = implied if implied is not None else expected_se(row)
        return None if error is None else _Error(number, row, kind, "ci_low", error, False)
    column = "se" if row["se"] is not None else "variance"
    explained = expected_se(row) is not None or implied is not None
    # With sizes it has a rule of its own.
    explained = explained or (row["statistic"] == "mean_difference" and _root(row) is not None)
    return _Error(number, row, kind, column, error, not explained)


def _of_arms(number: int, row: Row, in_units: bool) -> Iterator[_Error]:
    """The standard error that arms of these sizes have at the least of a difference in SDs, or of one group's change;
    and of the difference in units, where they print SDs.
    """
    if row["estimand"] == "one_group" and row["n_treat"]:
        yield _Error(number, row, "change", "n_treat", math.sqrt(1 / row["n_treat"]), False)
    if row["estimand"] != "d_between" or not has(row, "n_treat", "n_control"):
        return
    root = math.sqrt(1 / row["n_treat"] + 1 / row["n_control"])
    yield _Error(number, row, "difference", "n_treat", root, False)
    if in_units and (sd := _sd(row)) is not None:
        yield _Error(number, row, "units", "sd_treat", sd * root, False)


def _sd(row: Row) -> float | None:
    """The SD within arms, printed or as what is printed implies; None where nothing does."""
    by_time = dict(spreads(row))
    arms = by_time.get("after") or by_time.get("change") or ()
    if len(arms) != len(ARMS_OF_ROW):
        return None
    weights = [max(arm.n - 1, 0.0) for arm in arms]
    df = sum(weights)
    return math.sqrt(sum(w * arm.sd * arm.sd for w, arm in zip(weights, arms, strict=True)) / df) if df > 0 else None


def _root(row: Row) -> float | None:
    """The standard error of a difference in SDs that the sizes of a row imply at the least, of n those of halves."""
    arms, n = arms_of(row), row["n"]
    if arms is None and n is None:
        return None
    first, second = arms or (n / 2, n / 2)
    return math.sqrt(1 / first + 1 / second) if first > 0 and second > 0 else None


def _people(kind: Kind, value: float, error: float) -> float:
    """People behind a standard error: of two arms alike, of one group, of a correlation."""
    return {"difference": 4 + value**2 / 2, "change": 1 + value**2 / 2}.get(kind, 1.0) / error**2


def _cell_text(error: _Error) -> str:
    return f"{error.cells[error.column]:g}"


def _out_of_range(errors: Sequence[_Error]) -> Iterator[tuple[int, Doubt]]:
    for error in errors:
        low, high = SMALLEST[error.kind], LARGEST[error.kind]
        if error.kind in ("difference", "change"):
            # Of a huge difference even a few people have a larger one.
            high = max(high, math.sqrt((4 + (error.cells["value"] or 0.0) ** 2 / 2) / FEWEST_OF_ALL))
        if error.alone and not low <= error.se <= high:
            square = error.column == "variance"
            allowed = f"from {low**2 if square else low:.3g} to {high**2 if square else high:.3g}"
            hint = "it implies more than a million people: a p, or a decimal point?"
            if error.se > high:
                hint = "a number of people, an SD, or a percentage in the place of it?"
            yield error.row, (error.column, _cell_text(error), allowed, hint)


def _beside_others(errors: Sequence[_Error]) -> Iterator[tuple[int, Doubt]]:
    """Errors far from the others of their table, all of one kind."""
    if len(errors) <= LEAST_OTHERS:
        return
    usual = median(error.se for error in errors)
    body = sorted(error.se for error in errors if error.se >= usual / BODY)
    middle = body[len(body) // 4 : len(body) - len(body) // 4]
    counts = sum(error.column == "events_treat" for error in errors)
    others = f"the {len(errors) - 1} others of the table have"
    for error in errors:
        if not error.alone:
            continue
        low, high = body[0], body[-1]
        root = math.sqrt(error.se)
        among = middle[0] / AMONG_OTHERS < root < middle[-1] * AMONG_OTHERS
        among = among or (counts >= LEAST_COUNTS and low / AMONG_COUNTS < root < high)
        if error.column == "se" and error.se < low / BELOW_OTHERS and among:
            hint = "this looks like a variance: use the column variance"
            allowed = f"about {root:.3g}: {others} {low:.3g} to {high:.3g}"
            yield error.row, (error.column, _cell_text(error), allowed, hint)
        elif error.kind in BOUNDED and not 1 / FAR_FROM_MEDIAN < error.se / usual < FAR_FROM_MEDIAN:
            allowed = (
                f"a standard error within a factor of {FAR_FROM_MEDIAN:g} of {usual:.3g}, that of most of the table"
            )
            yield error.row, (error.column, _cell_text(error), allowed, "a decimal point, an SD, or a variance?")


def _far_from_alike(errors: Sequence[_Error]) -> Iterator[tuple[int, Doubt]]:
    """Errors of differences in points without sizes, far below or above all others of their outcome that are alike."""
    ordered = sorted(error.se for error in errors)
    for error in errors:
        if not error.alone or error.cells["statistic"] != "mean_difference" or len(ordered) <= LEAST_ALIKE:
            continue
        others = ordered.copy()
        others.remove(error.se)
        low, high = others[0], others[-1]
        if high > low * ALIKE or low / BELOW_OTHERS < error.se < high * BELOW_OTHERS:
            continue
        hint = "a variance, a standardized difference, or a decimal point?"
        if error.se > high:
            hint = "an SD or a variance entered as a standard error?"
        allowed = f"about {median(others):.3g}: the {len(others)} others of the outcome have {low:.3g} to {high:.3g}"
        yield error.row, (error.column, _cell_text(error), allowed, hint)


def _all_variances(kind: Kind, errors: Sequence[_Error]) -> Iterator[tuple[int, Doubt]]:
    """Rows of a table whose standard errors imply people by the thousand, and as variances as many as studies have.

    Arms that print their sizes must be of fewer people by far.
    """
    of_arms = [error.se for error in errors if error.cells["statistic"] in ARMS]
    errors = [error for error in errors if error.cells["statistic"] not in ARMS]
    if of_arms and errors and min(of_arms) < ARMS_ABOVE * max(error.se for error in errors):
        return
    if (
        kind not in MANY_PEOPLE
        or len(errors) < LEAST_ROWS
        or not all(error.alone and error.column == "se" for error in errors)
    ):
        return
    values = [error.cells["value"] or 0.0 for error in errors]
    people = [_people(kind, value, error.se) for value, error in zip(values, errors, strict=True)]
    as_variances = [_people(kind, value, math.sqrt(error.se)) for value, error in zip(values, errors, strict=True)]
    if median(people) <= MANY_PEOPLE[kind] or min(as_variances) < FEWEST_PEOPLE:
        return
    hint = "variances in most rows? Then use the column variance; with the sizes printed too, nothing is asked"
    for error, many, fewer in zip(errors, people, as_variances, strict=True):
        allowed = f"one of fewer people than {many:.0f}, which it implies; as a variance it implies {fewer:.0f}"
        yield error.row, (error.column, _cell_text(error), allowed, hint)


# --- differences of means -------------------------------------------------------------------------------------------


def _of_differences(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Errors of differences in units of the outcome: the SDs that they and the sizes imply are those of the others,
    printed or implied.
    """
    groups: dict[str, list[float]] = {}
    differences: dict[str, list[tuple[int, Row, float, float]]] = {}
    for number, row in rows:
        outcome = plain(row["outcome"])
        if row["level"] != "study" or row["estimand"] != "d_between" or not outcome:
            continue
        if row["statistic"] in ARMS and (sd := _sd(row)) is not None:
            groups.setdefault(outcome, []).append(sd)
        root, error = _root(row), reported_se(row) or implied_se(row)
        if row["statistic"] == "mean_difference" and root is not None and error is not None:
            groups.setdefault(outcome, []).append(error / root)
            differences.setdefault(outcome, []).append((number, row, error / root, root))
    for outcome, group in differences.items():
        deviations = groups[outcome]
        usual = median(deviations)
        for number, cells, sd, root in group if len(deviations) > LEAST_OTHERS else ():
            if not 1 / SD_RATIO < sd / usual < SD_RATIO:
                yield number, _of_difference(cells, sd, usual, root)


def _of_difference(cells: Row, sd: float, usual: float, root: float) -> Doubt:
    should, names = usual * root, ("se", "variance", "ci_low")
    column = next(name for name in names if cells[name] is not None)
    hint = "an SD entered as a standard error?" if sd > usual else "a variance, or another scale?"
    if sd < usual and ONE_SD[0] < sd < ONE_SD[1]:
        hint = "a variance, or a difference in SDs (statistic smd)?"
    stands = f"{cells[column]:g}" if column != "ci_low" else f"[{cells['ci_low']:g}, {cells['ci_high']:g}]"
    should = should**2 if column == "variance" else should
    of = "a standard error of " if column == "ci_low" else ""
    return (
        column,
        stands,
        f"{of}about {should:.3g}, as the others of outcome {cells['outcome']} imply with these sizes",
        hint,
    )
