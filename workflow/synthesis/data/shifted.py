"""Cells that stand in another's place: means and SDs swapped, means outside their limits, sizes of nobody."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from synthesis.data.implied import Doubt
from synthesis.data.moments import t_975
from synthesis.data.printed import SIZES, Numbered, Row, has
from synthesis.text import plain

ARMS = ("treat", "control")
# No study of people follows more of them than this; nor somebody older.
MOST_PEOPLE, OLDEST = 10_000_000, 110
# A size beside the median of its table.
FAR_SIZE, LARGE_SIZE = 10_000, 1_000_000
# The SD that an interval of a mean implies, beside the printed one.
SD_CI_RATIO = 1.15
# The same where the interval may be of a model: narrower than that of the raw mean, not by a standard error's factor.
SD_OF_MODEL = 2.0
# Means of most scales are twice their SDs and more; SDs and means that stand in each other's place are within these
# factors of the others'.
MEANS_IN_SDS, AS_OTHER_MEANS, AS_OTHER_SDS = 2.0, 1.5, 2.0
# Episodes and costs have SDs of two to nearly three means.
SKEWED = 3.0
LEAST_OTHERS, LEAST_ROWS = 2, 3
_LIMITED = ("mean_sd", "ancova", "pre_post")


def shifted(row: Row) -> Iterator[Doubt]:
    """Doubts of one row."""
    for arm in ARMS:
        yield from _outside(row, arm)
        yield from _against_interval(row, arm)
    for name in SIZES:
        if row[name] is not None and row[name] > MOST_PEOPLE:
            yield name, f"{row[name]:.12g}", f"at most {MOST_PEOPLE:,} people".replace(",", " "), "two cells in one?"
    if row["mean_age"] is not None and row["mean_age"] > OLDEST:
        yield "mean_age", f"{row['mean_age']:g}", f"at most {OLDEST}, in years", "a decimal point lost, or months?"


def _outside(row: Row, arm: str) -> Iterator[Doubt]:
    """Mean and SD beside the smallest and largest value."""
    low, high, mean, sd = f"min_{arm}", f"max_{arm}", f"mean_{arm}", f"sd_{arm}"
    if row["statistic"] not in _LIMITED or not has(row, low, high):
        return
    inside = f"[{row[low]:g}, {row[high]:g}], {low} and {high}"
    if row[mean] is not None and not row[low] <= row[mean] <= row[high]:
        yield mean, f"{row[mean]:g}", f"inside {inside}", "a decimal point lost, or another outcome's?"
    n = row[f"n_{arm}"] or 2
    most = (row[high] - row[low]) / 2 * math.sqrt(n / (n - 1))
    if row[sd] is not None and row[low] < row[high] and row[sd] > most * SD_CI_RATIO:
        yield (
            sd,
            f"{row[sd]:g}",
            f"at most {most:.3g}, with all values inside {inside}",
            "a variance, or shifted cells?",
        )


def _against_interval(row: Row, arm: str) -> Iterator[Doubt]:
    """Mean and SD beside the interval of the mean."""
    low, high, mean, sd = f"mean_ci_low_{arm}", f"mean_ci_high_{arm}", f"mean_{arm}", f"sd_{arm}"
    if not has(row, low, high, mean):
        return
    if not row[low] <= row[mean] <= row[high]:
        yield mean, f"{row[mean]:g}", f"inside [{row[low]:g}, {row[high]:g}]", "a sign lost, or another arm's limits?"
    elif has(row, sd, f"n_{arm}") and row[low] < row[high]:
        n = row[f"n_{arm}"]
        implied = math.sqrt(n) * (row[high] - row[low]) / (2 * t_975(n - 1))
        if not 1 / SD_OF_MODEL < row[sd] / implied < SD_OF_MODEL:
            value = f"{row[sd]:g} beside [{row[low]:g}, {row[high]:g}] and n_{arm} {n:g}"
            hint = "the SD or the n of another row, a standard error, or limits of something else?"
            yield sd, value, f"about {implied:.3g}", hint


# --- beside the rest of the table -----------------------------------------------------------------------------------


def shifted_beside_others(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Doubts of a row by the others of its table."""
    yield from _swapped(rows)
    yield from _far_sizes(rows)


def _swapped(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Means and SDs in each other's place, in both arms: of one row, or of all."""
    groups: dict[str, list[Numbered]] = {}
    for number, row in rows:
        if row["statistic"] == "mean_sd" and has(row, "mean_treat", "sd_treat", "mean_control", "sd_control"):
            groups.setdefault(plain(row["outcome"]), []).append((number, row))
    for group in groups.values():
        means = median(row[f"mean_{arm}"] for _, row in group for arm in ARMS)
        deviations = median(row[f"sd_{arm}"] for _, row in group for arm in ARMS)
        whole = len(group) >= LEAST_ROWS and _all_swapped(group)
        others = len(group) > LEAST_OTHERS and means > MEANS_IN_SDS * deviations
        for number, row in group:
            if whole or (others and _in_their_place(row, means, deviations)):
                value = f"{row['mean_treat']:g} with sd_treat {row['sd_treat']:g}"
                usual = f"means of about {means:.3g} with SDs of about {deviations:.3g}, as in the other rows"
                allowed = usual if not whole else "means above their SDs in some row, on a scale without negative means"
                yield number, ("mean_treat", value, allowed, "mean and SD swapped in both arms?")


def _in_their_place(row: Row, means: float, deviations: float) -> bool:
    for arm in ARMS:
        mean, sd = row[f"mean_{arm}"], row[f"sd_{arm}"]
        if not (0 < mean < sd and 1 / AS_OTHER_SDS < mean / deviations < AS_OTHER_SDS):
            return False
        if not 1 / AS_OTHER_MEANS < sd / means < AS_OTHER_MEANS:
            return False
    return True


def _all_swapped(rows: Sequence[Numbered]) -> bool:
    """Whether every SD is above its mean, and most are twice as large: rare even where the outcome is a count.

    Outcomes in SDs, whose means are near 0, have SDs near 1.
    """
    pairs = [(row[f"mean_{arm}"], row[f"sd_{arm}"]) for _, row in rows for arm in ARMS]
    if not all(0 < mean < sd for mean, sd in pairs) or median(sd for _, sd in pairs) < MEANS_IN_SDS:
        return False
    return bool(median(sd / mean for mean, sd in pairs) > SKEWED)


def _far_sizes(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Sizes ten thousand times those of the other rows."""
    for name in ("n", "n_treat", "n_control"):
        sizes = [(number, row[name]) for number, row in rows if row[name] is not None and row["level"] == "study"]
        if len(sizes) <= LEAST_ROWS:
            continue
        usual = median(size for _, size in sizes)
        for number, size in sizes:
            if MOST_PEOPLE >= size > max(LARGE_SIZE, FAR_SIZE * usual):
                allowed = (
                    f"at most {max(LARGE_SIZE, FAR_SIZE * usual):.0f} where half of the rows have at most {usual:g}"
                )
                yield number, (name, f"{size:.12g}", allowed, "digits too many, or two cells in one?")
