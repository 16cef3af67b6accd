"""Standard errors where no sample sizes are printed beside them: how many people they imply, and what others have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from synthesis.data.implied import DIFFERENCES, RATIOS, Doubt, expected_se, implied_se, reported_se
from synthesis.data.printed import Numbered, Row, has
from synthesis.text import plain

Kind = Literal["difference", "change", "z", "logarithm"]

# Standard errors that no study has. Below: a million people, or events. Above: four people with a difference, or a
# correlation; less than an event, as zero cells are counted.
SMALLEST: dict[Kind, float] = {"difference": 0.002, "change": 0.001, "z": 0.001, "logarithm": 0.0005}
LARGEST: dict[Kind, float] = {"difference": 2.0, "change": 2.0, "z": 1.0, "logarithm": 5.0}
# What is this much smaller than all others of its table, and as its root among them, looks like a variance.
BELOW_OTHERS, AMONG_OTHERS = 4.0, 1.1
# The body of a table's standard errors begins at this share of their median, and they lie within this factor of it.
BODY, FAR_FROM_MEDIAN = 4.0, 30.0
LEAST_OTHERS = 2
# People that half of a table's standard errors imply at least, where all of them are variances; as such they imply
# at least so many.
MANY_PEOPLE: dict[Kind, float] = {"difference": 1000.0, "change": 1000.0, "z": 5000.0}
FEWEST_PEOPLE = 8.0
FEWEST_OF_ALL = 2.0
LEAST_ROWS = 3
# SDs of one outcome, as standard errors of a difference and sizes imply them, lie within this factor of their median.
SD_RATIO = 4.0


# Statistics of two arms that print sizes instead of an error.
ARMS = ("mean_sd", "change_sd", "median", "pre_post", "t", "f")


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
    errors = [error for number, row in rows if (error := _error(number, row)) is not None]
    for kind in LARGEST:
        of_kind = [error for error in errors if error.kind == kind]
        doubted = dict(_beside_others(of_kind)) | dict(_out_of_range(of_kind))
        yield from doubted.items()
        yield from ((row, doubt) for row, doubt in _all_variances(kind, of_kind) if row not in doubted)
    yield from _of_differences(rows)


def _kind(row: Row) -> Kind | None:
    statistic = row["statistic"]
    if statistic in (*DIFFERENCES, *ARMS):
        return "difference"
    if statistic == "smd_within_arm_change":
        return "change"
    if statistic in RATIOS or statistic.startswith("log_"):
        return "logarithm"
    return "z" if statistic == "z" else None


def _error(number: int, row: Row) -> _Error | None:
    """The error of a study; `alone` where neither sizes nor an interval stand beside it."""
    kind, error, implied = _kind(row), reported_se(row), implied_se(row)
    if row["level"] != "study" or kind is None:
        return None
    if row["statistic"] in ARMS:
        error = _of_sizes(row)
        return None if error is None else _Error(number, row, kind, "n_treat", error, False)
    if error is None:
        error = implied if implied is not None else expected_se(row)
        return None if error is None else _Error(number, row, kind, "ci_low", error, False)
    column = "se" if row["se"] is not None else "variance"
    return _Error(number, row, kind, column, error, expected_se(row) is None and implied is None)


def _of_sizes(row: Row) -> float | None:
    """The standard error of a difference in SDs that two arms of these sizes have at the least."""
    if row["estimand"] != "d_between" or not has(row, "n_treat", "n_control"):
        return None
    return math.sqrt(1 / row["n_treat"] + 1 / row["n_control"])


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
    others = f"the {len(errors) - 1} others of the table have"
    for error in errors:
        if not error.alone:
            continue
        low, high = body[0], body[-1]
        root = math.sqrt(error.se)
        among = middle[0] / AMONG_OTHERS < root < middle[-1] * AMONG_OTHERS
        if error.column == "se" and error.se < low / BELOW_OTHERS and among:
            hint = "this looks like a variance: use the column variance"
            allowed = f"about {root:.3g}: {others} {low:.3g} to {high:.3g}"
            yield error.row, (error.column, _cell_text(error), allowed, hint)
        elif not 1 / FAR_FROM_MEDIAN < error.se / usual < FAR_FROM_MEDIAN:
            allowed = (
                f"a standard error within a factor of {FAR_FROM_MEDIAN:g} of {usual:.3g}, that of most of the table"
            )
            yield error.row, (error.column, _cell_text(error), allowed, "a decimal point, an SD, or a variance?")


def _all_variances(kind: Kind, errors: Sequence[_Error]) -> Iterator[tuple[int, Doubt]]:
    """Rows of a table whose standard errors imply people by the thousand, and as variances as many as studies have."""
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
    """Errors of differences in units of the outcome: the SDs that they and the sizes imply are alike."""
    groups: dict[str, list[tuple[int, Row, float, float]]] = {}
    for number, row in rows:
        error = reported_se(row)
        if row["statistic"] != "mean_difference" or row["level"] != "study" or error is None:
            continue
        if has(row, "n_treat", "n_control"):
            root = math.sqrt(1 / row["n_treat"] + 1 / row["n_control"])
            groups.setdefault(plain(row["outcome"]), []).append((number, row, error / root, root))
    for outcome, group in groups.items():
        if len(group) <= LEAST_OTHERS or not outcome:
            continue
        usual = median(sd for _, _, sd, _ in group)
        for number, cells, sd, root in group:
            if not 1 / SD_RATIO < sd / usual < SD_RATIO:
                column = "se" if cells["se"] is not None else "variance"
                should = usual * root if column == "se" else (usual * root) ** 2
                hint = "an SD entered as a standard error?" if sd > usual else "a variance, or another scale?"
                allowed = f"about {should:.3g}, as the others of outcome {cells['outcome']} imply with these sizes"
                yield number, (column, f"{cells[column]:g}", allowed, hint)
