"""Precision that cannot be: numbers of a row that contradict its sample sizes, each other, or the rest of the table.

Every rule doubts; none decides. A doubted row refuses the run until it is confirmed (`checked: yes` with
`checked_reason`), corrected or excluded. docs/defaults.md gives the thresholds with their reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synthesis.data.alone import alone
from synthesis.data.deviations import LEAST_OTHERS, arms, far_deviations, table_of
from synthesis.data.far import far_away, impossible
from synthesis.data.implied import (
    DIFFERENCES,
    RATIOS,
    Doubt,
    expected_se,
    implied_se,
    least_se,
    off_middle_by,
    reported_se,
    scale_of,
    sizes,
)
from synthesis.data.other_scale import other_scale
from synthesis.data.printed import Numbered, Row, has
from synthesis.data.shifted import shifted, shifted_beside_others
from synthesis.data.tables_of_errors import all_errors
from synthesis.data.tested import P_N_SLACK, P_Z_SLACK, against_p, tests
from synthesis.errors import Problem

__all__ = ["RATIOS", "check_precision", "expected_se"]

# Rounded limits of a printed interval imply a standard error within this ratio of the printed one.
SE_CI_RATIO = 1.15
# A standard error beside the one that the sample sizes imply. Adjustment for a baseline that correlates .8 leaves .6
# of it; a design effect of 4 doubles it.
SE_LOW, SE_HIGH = 0.5, 2.5
# How near a number must be to what it seems to be: a variance in the place of a standard error, or the reverse.
LOOKS_LIKE = 1.25
# Half of a 95% interval in the place of a standard error, in most rows of a table.
HALF_WIDTH = (1.85, 2.1)
# An estimate may stand this far, in half widths, from the middle of its interval: bootstrap and noncentral limits do.
OFF_MIDDLE = 0.25
CONFIRM = "right as printed? Then checked: yes, with checked_reason"


def check_precision(path: Path, rows: Iterable[Numbered]) -> list[Problem]:
    """The doubts of a source's typed rows, those confirmed or excluded aside, each by file, row and column."""
    used = [(number, row) for number, row in rows if not row["exclusion_reason"]]
    unchecked = [(number, row) for number, row in used if not row["checked"]]
    doubts = [(number, doubt) for number, row in unchecked for doubt in _of_row(row)]
    with_arms = table_of(unchecked)
    doubts += [*_half_widths(unchecked), *far_deviations(with_arms), *all_errors(with_arms)]
    # Confirmed rows stay among those that others are compared with.
    open_rows = {number for number, _ in unchecked}
    doubts += [numbered for numbered in (*alone(used), *shifted_beside_others(used)) if numbered[0] in open_rows]
    # A size after conversion follows from what is doubted already.
    doubted = {number for number, _ in doubts}
    for number, as_printed, doubt in far_away(used):
        if number in open_rows and (as_printed or number not in doubted):
            doubts.append((number, doubt))
    return [_problem(path, number, *doubt) for number, doubt in doubts]


def _of_row(row: Row) -> Iterator[Doubt]:
    yield from arms(row)
    yield from errors_of_arms(row)
    yield from against_size(row)
    yield from against_interval(row)
    off = [*off_middle(row), *without_width(row)]
    yield from off or other_scale(row)
    yield from tests(row)
    yield from shifted(row)
    yield from impossible(row)


def _problem(path: Path, number: int, column: str, value: str, allowed: str, hint: str) -> Problem:
    where = f"{path}, row {number}, column {column}"
    return Problem(where, value, allowed, f"{hint}; {CONFIRM}" if hint else CONFIRM)


def errors_of_arms(row: Row) -> Iterator[Doubt]:
    """A standard error of an arm's mean beside its SD and size."""
    for arm in ("treat", "control"):
        se, sd = f"se_{arm}", f"sd_{arm}"
        if has(row, se, sd, f"n_{arm}"):
            implied = row[sd] / math.sqrt(row[f"n_{arm}"])
            if not 1 / SE_CI_RATIO < row[se] / implied < SE_CI_RATIO:
                value = f"{row[se]:g} beside {sd} {row[sd]:g} and n_{arm} {row[f'n_{arm}']:g}"
                yield (
                    se,
                    value,
                    f"about {implied:.3g}",
                    "the SD or the n of another row, or one of them of the other kind?",
                )


# --- standard errors and sample sizes ---------------------------------------------------------------------------


def against_size(row: Row) -> Iterator[Doubt]:
    """A standard error, variance or interval beside the sample sizes."""
    expected = expected_se(row)
    if has(row, "se", "variance") and not 1 / SE_CI_RATIO < row["se"] / math.sqrt(row["variance"]) < SE_CI_RATIO:
        yield "variance", f"{row['variance']:g}", f"about {row['se'] ** 2:.3g}, the square of se {row['se']:g}", ""
    if expected is None:
        yield from _least_possible(row)
        return
    with_sizes = sizes(row)
    if row["se"] is not None and not SE_LOW < row["se"] / expected < SE_HIGH:
        hint = "a standard error of something else, or the n of another row?"
        if _near(row["se"], expected**2):
            hint = "this looks like a variance: use the column variance"
        yield "se", f"{row['se']:g}", f"about {expected:.3g} with {with_sizes}", hint
    if row["variance"] is not None:
        ratio = math.sqrt(row["variance"]) / expected
        likely_se = _near(row["variance"], expected) and not _near(row["variance"], expected**2)
        if likely_se or not SE_LOW < ratio < SE_HIGH:
            hint = "this looks like a standard error: use the column se" if likely_se else "the n of another row?"
            yield "variance", f"{row['variance']:g}", f"about {expected**2:.3g} with {with_sizes}", hint
    implied = implied_se(row)
    # On Fisher's z an interval of r has the width of its n alone.
    if row["statistic"] == "r" and row["n"] > 3:
        expected = 1 / math.sqrt(row["n"] - 3)
    if implied is not None and not SE_LOW < implied / expected < SE_HIGH:
        interval = f"[{row['ci_low']:g}, {row['ci_high']:g}], a standard error of {implied:.3g}"
        yield (
            "ci_low",
            interval,
            f"one of about {expected:.3g} with {with_sizes}",
            "limits of another row, or not of 95%?",
        )


def _least_possible(row: Row) -> Iterator[Doubt]:
    """No effect of two arms is more precise than with the rates of events that suit it best."""
    least = least_se(row)
    if least is None or row["estimand"] != "d_between":
        return
    for column, error in (("se", reported_se(row)), ("ci_low", implied_se(row))):
        if error is not None and error < SE_LOW * least:
            name = "variance" if column == "se" and row["se"] is None else column
            printed_value = f"{row[name]:g}" if name == column != "ci_low" else f"a standard error of {error:.3g}"
            hint = "a variance in the place of a standard error, or a ratio entered as its logarithm?"
            scale = "" if row["statistic"] == "rd" else " on the logarithm"
            yield name, printed_value, f"at least {least:.3g}{scale} with {sizes(row)}, value {row['value']:g}", hint


def _near(number: float, other: float) -> bool:
    return 1 / LOOKS_LIKE < number / other < LOOKS_LIKE


def _half_widths(rows: Sequence[Numbered]) -> list[tuple[int, Doubt]]:
    """Rows whose standard errors are about 1.96 times what the sizes imply, where most of the table's are."""
    ratios = [
        (number, row, row["se"] / expected)
        for number, row in rows
        if row["se"] is not None and (expected := expected_se(row)) is not None
    ]
    halved = [(number, row, ratio) for number, row, ratio in ratios if HALF_WIDTH[0] < ratio < HALF_WIDTH[1]]
    if len(halved) < LEAST_OTHERS or 2 * len(halved) <= len(ratios):
        return []
    hint = "half the width of a 95% interval entered as a standard error, in most rows?"
    return [
        (number, ("se", f"{row['se']:g}", f"about {row['se'] / ratio:.3g} with {sizes(row)}", hint))
        for number, row, ratio in halved
    ]


# --- intervals ----------------------------------------------------------------------------------------------------


def against_interval(row: Row) -> Iterator[Doubt]:
    """Standard error against interval, and both against p, where the source prints them."""
    scale, implied, se = scale_of(row), implied_se(row), reported_se(row)
    column = "se" if row["se"] is not None else "variance"
    # The standard error of r itself is not the one on Fisher's z.
    own_scale = row["statistic"] != "r"
    if se is not None and implied is not None and own_scale and not 1 / SE_CI_RATIO < se / implied < SE_CI_RATIO:
        hint = "an SD entered as SE, or an interval that is not 95%?"
        if HALF_WIDTH[0] < se / implied < HALF_WIDTH[1]:
            hint = "this is half the width of the interval"
        implied_value = implied if column == "se" else implied**2
        yield column, f"{row[column]:g}", f"about {implied_value:.3g}, as the interval implies", hint
    slack, what = P_Z_SLACK, "standard error"
    if not own_scale and implied is None:
        scale = float
    elif se is None or not own_scale:
        se = implied
    if se is None and row["statistic"] in ("r", "z") and row["level"] == "study" and (row["n"] or 0) > 3:
        se, slack, what = 1 / math.sqrt(row["n"] - 3), P_N_SLACK, "n"
        scale = math.atanh if row["statistic"] == "r" else float
    if se is None and row["statistic"] in DIFFERENCES:
        se, slack, what = expected_se(row), P_N_SLACK, "sizes"
    if se is not None and row["value"] is not None and scale is not None and (scale is float or _fits(row)):
        others = "value, se, interval" if what == "standard error" else f"value, {what}"
        yield from against_p(row, abs(scale(row["value"])) / se, slack, f"value and {what}", others)


def _fits(row: Row) -> bool:
    """Whether the value itself has a place on its interval's scale."""
    value = row["value"]
    return bool(value > 0) if row["statistic"] in RATIOS else bool(abs(value) < 1)


def off_middle(row: Row) -> Iterator[Doubt]:
    """An estimate far from the middle of its interval on the scale where that is symmetric."""
    scale, value = scale_of(row), row["value"]
    if implied_se(row) is None or scale is None or value is None or row["level"] != "study" or not _fits_any(row):
        return
    low, high = row["ci_low"], row["ci_high"]
    if not low <= value <= high:
        # Refused by itself.
        return
    off = off_middle_by(scale, value, low, high)
    if row["statistic"] == "r":
        # Some print r with limits of its own standard error.
        off = min(off, off_middle_by(float, value, low, high))
    if off <= OFF_MIDDLE:
        return
    hint = "a limit or the estimate of another row?"
    if (
        row["statistic"] not in RATIOS
        and low > 0
        and -low <= value
        and off_middle_by(scale, value, -low, high) <= OFF_MIDDLE
    ):
        hint = f"a minus lost from ci_low {low:g}?"
    if (
        row["statistic"] not in RATIOS
        and high < 0
        and value <= -high
        and off_middle_by(scale, value, low, -high) <= OFF_MIDDLE
    ):
        hint = f"a minus too many in ci_high {high:g}?"
    if row["statistic"] in RATIOS and off_middle_by(float, value, low, high) <= OFF_MIDDLE:
        hint = "symmetric as it stands, so not a ratio's interval: another statistic?"
    where = {"log": "on the logarithm", "atanh": "on Fisher's z"}.get(getattr(scale, "__name__", ""), "")
    allowed = f"near the middle of [{low:g}, {high:g}]" + (f" {where}" if where else "")
    yield "value", f"{value:g}", allowed, hint


def _fits_any(row: Row) -> bool:
    return row["statistic"] not in ("r", *RATIOS) or _fits(row)


def without_width(row: Row) -> Iterator[Doubt]:
    """An interval whose limits are one number, but of a proportion of none or all: what is pooled may not use it."""
    low, of_all = row["ci_low"], row["statistic"] == "proportion" and row["value"] in (0, 1)
    if low is not None and low == row["ci_high"] and row["level"] == "study" and not of_all:
        yield (
            "ci_high",
            f"{low:g}",
            f"above ci_low {low:g}",
            "the estimate in the place of its limits, or rounded away?",
        )
