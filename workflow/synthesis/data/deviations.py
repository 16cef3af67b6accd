"""Standard deviations of arms, printed or as errors, intervals and quartiles imply them: of one row, of one outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

from synthesis.data.implied import Doubt
from synthesis.data.moments import of_arm, of_quantiles
from synthesis.data.printed import Numbered, Row, has
from synthesis.errors import CannotConvert
from synthesis.text import plain

# Of a value after treatment, of one before it, and of change: the SDs of each are compared with their like.
Time = Literal["after", "before", "change"]
# Whence an SD is known: printed, or implied by what is printed in the place of one.
Source = Literal["sd", "se", "interval", "quantiles"]

ARMS = ("treat", "control")
# Standard deviations of two randomised arms, or of one arm before and after, hardly differ by more than this factor.
SD_RATIO = 4.0
# Standard deviations beside the median of the same outcome in other samples.
SD_FAR = 3.0
# SDs that follow from errors or intervals, where these are themselves as large as the others' SDs.
SD_FAR_IMPLIED = 2.0
# One or two other samples say what is usual where all their SDs are within this factor.
FEW_ALIKE = 1.5
# Standard errors times the root of n are standard deviations, within this factor of the median.
SD_AS_SE = 2.0
# Means on the same scale lie within this factor of one another; means of another scale do not.
SAME_SCALE = 3.0
# Other samples of the same outcome, of which a median says what is usual.
LEAST_OTHERS = 3
# From so many rows on, each is compared with all of them, itself too: the work must not grow with the square.
MANY_OTHERS = 200
_BEFORE_AND_AFTER = ("mean_sd", "pre_post", "ancova")
_AFTER = (*_BEFORE_AND_AFTER, "median")


@dataclass(frozen=True, slots=True)
class Spread:
    """The SD of an arm, the column that it is known by, and what stands there, as large as a standard error is."""

    column: str
    shown: str
    source: Source
    mean: float
    sd: float
    n: float
    error: float


def arms(row: Row) -> Iterator[Doubt]:
    """Standard deviations of two arms, and of an arm before and after."""
    after = [_of_cells(row, arm) for arm in ARMS]
    before = [_printed_before(row, arm) for arm in ARMS if row["statistic"] in _BEFORE_AND_AFTER]
    pairs = [(after[0], after[1]), *zip(after, before, strict=False)]
    if row["statistic"] == "pre_post":
        pairs += [(before[0], before[1])]
    for first, other in pairs:
        if first is None or other is None or max(first[1], other[1]) <= SD_RATIO * min(first[1], other[1]):
            continue
        value = f"{first[2]} beside {other[0]} {other[2]}"
        allowed = f"a ratio of at most {SD_RATIO:g}, or an exclusion_reason"
        implied = not (first[0].startswith(("sd", "baseline_sd")) and other[0].startswith(("sd", "baseline_sd")))
        hint = "a standard error entered as SD, or shifted cells? Settle it in corrections.csv"
        yield first[0], value, allowed, hint if not implied else hint.replace("as SD", "as SD, or the reverse")


def _of_cells(row: Row, arm: str) -> tuple[str, float, str] | None:
    """Column, SD and what stands there; of an arm whose mean and n may be missing."""
    if row[f"sd_{arm}"] is not None:
        return f"sd_{arm}", float(row[f"sd_{arm}"]), f"{row[f'sd_{arm}']:g}"
    if row["statistic"] not in (*_BEFORE_AND_AFTER, "change_sd"):
        return None
    spread = _implied(row, arm)
    return None if spread is None else (spread.column, spread.sd, spread.shown)


def _printed_before(row: Row, arm: str) -> tuple[str, float, str] | None:
    sd = row[f"baseline_sd_{arm}"]
    return None if sd is None else (f"baseline_sd_{arm}", float(sd), f"{sd:g}")


def _implied(row: Row, arm: str) -> Spread | None:
    """An arm with its mean and size; of medians, what the quartiles or the range imply."""
    mean, sd, n = row[f"mean_{arm}"], row[f"sd_{arm}"], row[f"n_{arm}"]
    if sd is not None and row["statistic"] != "median":
        return Spread(f"sd_{arm}", f"{sd:g}", "sd", mean, sd, n, sd) if sd > 0 and mean is not None and n else None
    if not n:
        return None
    try:
        of = of_quantiles(row, arm) if row["statistic"] == "median" else of_arm(row, arm)
    except CannotConvert:
        return None
    if not of.sd > 0:
        return None
    if row["statistic"] == "median":
        low, high = ("q1", "q3") if has(row, f"q1_{arm}", f"q3_{arm}") else ("min", "max")
        shown = f"[{row[f'{low}_{arm}']:g}, {row[f'{high}_{arm}']:g}], an SD of {of.sd:.3g}"
        half = (row[f"{high}_{arm}"] - row[f"{low}_{arm}"]) / 2
        return Spread(f"{low}_{arm}", shown, "quantiles", of.mean, of.sd, of.n, half)
    if row[f"se_{arm}"] is not None:
        error = float(row[f"se_{arm}"])
        return Spread(f"se_{arm}", f"{error:g}, an SD of {of.sd:.3g},", "se", of.mean, of.sd, of.n, error)
    low, high = f"mean_ci_low_{arm}", f"mean_ci_high_{arm}"
    shown = f"[{row[low]:g}, {row[high]:g}], an SD of {of.sd:.3g},"
    return Spread(low, shown, "interval", of.mean, of.sd, of.n, (row[high] - row[low]) / 2)


def _before(row: Row, arm: str) -> Spread | None:
    mean, sd, n = (row[name] for name in (f"baseline_mean_{arm}", f"baseline_sd_{arm}", f"n_{arm}"))
    if mean is None or not sd or not n:
        return None
    return Spread(f"baseline_sd_{arm}", f"{sd:g}", "sd", float(mean), float(sd), float(n), float(sd))


def spreads(row: Row) -> Iterator[tuple[Time, list[Spread]]]:
    """The SDs of a row's arms, of both or of the one that there is."""
    if row["statistic"] not in (*_AFTER, "change_sd"):
        return
    of_arms = ("treat",) if row["estimand"] == "one_group" else ARMS
    after = [spread for arm in of_arms if (spread := _implied(row, arm)) is not None]
    if len(after) == len(of_arms):
        yield ("change" if row["statistic"] == "change_sd" else "after"), after
    if row["statistic"] == "pre_post":
        before = [spread for arm in of_arms if (spread := _before(row, arm)) is not None]
        if len(before) == len(of_arms):
            yield "before", before


# --- standard deviations of one outcome -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sample:
    row: int
    cells: Row
    arms: list[Spread]


@dataclass(frozen=True, slots=True)
class _Usual:
    """Standard deviations and means of the other samples of an outcome."""

    arms: int
    deviation: float
    mean: float
    alike: bool
    # Enough samples, or two that are nearly the same; beside one, only standard errors are seen.
    enough: bool


# By row: its cells, and the SDs of its arms.
Table = list[tuple[int, Row, dict[Time, list[Spread]]]]


def table_of(rows: Sequence[Numbered]) -> Table:
    """The study rows whose arms have SDs."""
    studies = ((number, row, dict(spreads(row))) for number, row in rows if row["level"] == "study")
    return [(number, row, by_time) for number, row, by_time in studies if by_time]


def far_deviations(rows: Table) -> Iterator[tuple[int, Doubt]]:
    """Rows whose standard deviations, in both arms, are far from those of the same outcome in other samples.

    Rows without an outcome are compared with one another only where the others' deviations are alike.
    """
    groups: dict[tuple[str, str, str], list[_Sample]] = {}
    for number, row, by_time in rows:
        outcome = plain(row["outcome"])
        for time, of_arms in by_time.items():
            key = (time, outcome, "" if outcome else row["statistic"])
            groups.setdefault(key, []).append(_Sample(number, row, of_arms))
    for group in groups.values():
        # Beside so many others, a row's own deviations are not seen in the median.
        whole = _usual(group) if len(group) > MANY_OTHERS else None
        for sample in group:
            sample_id = sample.cells["sample_id"]
            usual = whole or _usual([other for other in group if other.cells["sample_id"] != sample_id])
            doubt = _far(sample, usual) if usual is not None else None
            if doubt is not None:
                yield sample.row, doubt


def _usual(group: Sequence[_Sample]) -> _Usual | None:
    """What is usual in samples; None where there are none, or few without an outcome or alike.

    Quartiles of skewed outcomes imply small SDs: where means are printed, too, they are left out.
    """
    group = [sample for sample in group if sample.arms[0].source != "quantiles"] or group
    if not group:
        return None
    deviations = [arm.sd for sample in group for arm in sample.arms]
    mean = median(abs(arm.mean) for sample in group for arm in sample.arms)
    spread = max(deviations) / min(deviations)
    samples = len({sample.cells["sample_id"] for sample in group})
    if samples < LEAST_OTHERS and (spread > FEW_ALIKE or not group[0].cells["outcome"]):
        return None
    return _Usual(len(deviations), median(deviations), mean, spread < SD_RATIO, samples >= LEAST_OTHERS - 1)


def _far(sample: _Sample, others: _Usual) -> Doubt | None:
    row, usual, of_arms = sample.cells, others.deviation, sample.arms
    same_scale = others.mean > 0 and all(1 / SAME_SCALE < abs(arm.mean) / others.mean < SAME_SCALE for arm in of_arms)
    if not same_scale or not (others.alike or row["outcome"]):
        return None
    slip = _slip(of_arms, others)
    # Of one arm alone, as of two arms of a row.
    factor = SD_FAR if len(of_arms) > 1 else SD_RATIO
    far = max(arm.sd for arm in of_arms) < usual / factor or min(arm.sd for arm in of_arms) > usual * factor
    generic = far and others.enough and row["outcome"] and of_arms[0].source != "quantiles"
    if slip is None and not generic:
        return None
    what = f"outcome {row['outcome']}" if row["outcome"] else "the other rows"
    value = " with ".join([of_arms[0].shown, *(f"{arm.column} {arm.shown}" for arm in of_arms[1:])]).rstrip(",")
    hint = slip or "a decimal point, another scale, or a standard error?"
    return of_arms[0].column, value, f"about {usual:.3g}, the median of {what} in {others.arms} arms", hint


def _slip(of_arms: Sequence[Spread], others: _Usual) -> str | None:
    """What numbers far from the usual SDs are by their size: errors for SDs, SDs for errors, other limits."""
    usual = others.deviation
    # One other sample may be the odd one: beside it only what fits well is a standard error.
    near = SD_AS_SE if others.enough else FEW_ALIKE

    def fits(numbers: Sequence[float], factor: float = near) -> bool:
        return all(1 / factor < number / usual < factor for number in numbers)

    source, errors = of_arms[0].source, [arm.error for arm in of_arms]
    if any(arm.source != source for arm in of_arms):
        return None
    times_root = [arm.error * math.sqrt(arm.n) for arm in of_arms]
    listed = " and ".join(f"{sd:.3g}" for sd in times_root)
    smaller, larger = max(arm.sd for arm in of_arms) * SD_FAR < usual, min(arm.sd for arm in of_arms) / usual
    if source == "sd":
        if smaller and fits(times_root):
            return f"these look like standard errors: times the root of n they are {listed}"
        squares = larger > SD_FAR and others.enough and fits([math.sqrt(arm.sd) for arm in of_arms], FEW_ALIKE)
        return "these look like variances" if squares else None
    if source == "quantiles":
        if smaller and fits(times_root):
            return f"limits of a standard error? Times the root of n it is {listed}: columns mean_* and se_*"
        ranges = [arm.error / _half_range(arm.n) for arm in of_arms]
        as_range = larger > SD_FAR and of_arms[0].column.startswith("q1") and fits(ranges, FEW_ALIKE)
        return "the smallest and largest value? Then the columns are min_* and max_*" if as_range else None
    if larger > SD_FAR_IMPLIED and fits(errors, FEW_ALIKE):
        kind = "SDs" if source == "se" else "limits one SD from the mean"
        return f"these look like {kind} themselves: columns sd_treat and sd_control"
    return None


def _half_range(n: float) -> float:
    """Half of the expected range of n people, in SDs, as Wan et al. (2014) have it."""
    return NormalDist().inv_cdf((n - 0.375) / (n + 0.25))
