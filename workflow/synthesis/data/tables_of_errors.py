"""Tables, and lone outcomes, that print standard errors where SDs are expected, or SDs where standard errors are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, pstdev

from synthesis.data.deviations import LEAST_OTHERS, MANY_OTHERS, SD_AS_SE, SD_FAR, SD_RATIO, Spread, Table, Time
from synthesis.data.implied import Doubt
from synthesis.data.printed import Row
from synthesis.text import plain

# The difference of two arms in SDs that most rows of a table do not have; as standard errors they would be usual.
LARGE_DIFFERENCE, USUAL_DIFFERENCE = 2.0, 1.0
# The same where SDs times the root of n are this much more alike than the SDs, in at least so many rows.
LARGE_WHERE_ALIKE, ALIKE, LEAST_ALIKE = 1.0, 0.5, 4
# Standard errors are smaller beside their means than this, SDs of most scales larger.
ERROR_IN_MEANS = 0.25
# The least difference of an outcome that one sample has, its SDs beside its means far from those of the others.
LARGE_WHERE_LONE = 1.2


@dataclass(frozen=True, slots=True)
class _Apart:
    """A row whose arms print SDs, and how far they are apart in these, as they are and as standard errors."""

    row: int
    sample: object
    outcome: str
    arms: tuple[Spread, Spread]
    as_they_are: float
    as_errors: float

    def doubt(self, allowed: str, hint: str) -> tuple[int, Doubt]:
        first, second = self.arms
        return self.row, (first.column, f"{first.shown} with {second.column} {second.shown}", allowed, hint)


def all_errors(rows: Table) -> Iterator[tuple[int, Doubt]]:
    """Rows with differences of more than 2 SDs, where most rows have them and would have less than 1 were the SDs
    standard errors: a table that prints standard errors.
    """
    apart = [of_row for number, row, by_time in rows if (of_row := _apart(number, row, by_time)) is not None]
    yield from _lone(apart)
    yield from _all_deviations(rows)
    if len(apart) < LEAST_OTHERS or median(row.as_errors for row in apart) >= USUAL_DIFFERENCE:
        return
    large = LARGE_WHERE_ALIKE if _alike_as_errors(apart) else LARGE_DIFFERENCE
    if median(row.as_they_are for row in apart) <= large:
        return
    hint = (
        f"most rows differ by more than {large:g} SDs: does the table print standard errors? Times the root of n "
        "they are SDs"
    )
    if large < LARGE_DIFFERENCE:
        hint = f"{hint}, and much more alike"
    for row in apart:
        if row.as_they_are > large:
            yield row.doubt(f"arms that differ by at most {large:g} SDs, not {row.as_they_are:.3g}", hint)


def _apart(number: int, row: Row, by_time: dict[Time, list[Spread]]) -> _Apart | None:
    """Arms with printed SDs; of a row before and after, the difference of changes by the SDs before."""
    after = by_time.get("after") or by_time.get("change")
    compared = by_time.get("before", after)
    if after is None or compared is None or len(compared) != len(after) or len(after) != 2:
        return None
    first, second = compared
    if first.source != "sd" or second.source != "sd":
        return None
    difference = abs(after[0].mean - after[1].mean)
    if "before" in by_time:
        difference = abs(after[0].mean - first.mean - after[1].mean + second.mean)
    as_errors = math.hypot(math.sqrt(first.n) * first.sd, math.sqrt(second.n) * second.sd)
    as_they_are = difference / math.hypot(first.sd, second.sd) * math.sqrt(2)
    outcome = plain(row["outcome"])
    return _Apart(
        number, row["sample_id"], outcome, (first, second), as_they_are, difference / as_errors * math.sqrt(2)
    )


def _alike_as_errors(apart: Sequence[_Apart]) -> bool:
    """Whether SDs times the root of n are much more alike within outcomes than the SDs themselves."""
    groups: dict[str, list[_Apart]] = {}
    for row in apart:
        groups.setdefault(row.outcome, []).append(row)
    arms = [[arm for row in group for arm in row.arms] for group in groups.values() if len(group) >= LEAST_ALIKE]
    times_root = [[arm.sd * math.sqrt(arm.n) for arm in group] for group in arms]
    return _much_more_alike(times_root, [[arm.sd for arm in group] for group in arms])


def _much_more_alike(numbers: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> bool:
    return bool(numbers) and _spread(numbers) < ALIKE * _spread(others)


def _spread(groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation of logarithms within groups."""
    logs: list[float] = []
    for group in groups:
        middle = median(math.log(number) for number in group)
        logs += [math.log(number) - middle for number in group]
    return pstdev(logs)


def _all_deviations(rows: Table) -> Iterator[tuple[int, Doubt]]:
    """Rows of an outcome whose standard errors, or half widths of intervals, are much more alike than the SDs that
    they imply: SDs in the place of errors.
    """
    groups: dict[tuple[str, ...], list[tuple[int, list[Spread]]]] = {}
    for number, row, by_time in rows:
        for time, arms in by_time.items():
            sources = {arm.source for arm in arms}
            if sources in ({"se"}, {"interval"}):
                groups.setdefault((time, plain(row["outcome"]), *sources), []).append((number, arms))
    for group in groups.values():
        printed = [arm for _, arms in group for arm in arms]
        errors, deviations = [arm.error for arm in printed], [arm.sd for arm in printed]
        if len(group) < LEAST_ALIKE or not _much_more_alike([errors], [deviations]):
            continue
        if median(arm.error / abs(arm.mean) if arm.mean else math.inf for arm in printed) < ERROR_IN_MEANS:
            continue
        for number, (first, *_) in group:
            allowed = "standard errors that fall with the root of n, or intervals of such"
            hint = "SDs in most rows? They are much more alike than as errors: columns sd_treat and sd_control"
            yield number, (first.column, first.shown.rstrip(","), allowed, hint)


def _lone(apart: Sequence[_Apart]) -> Iterator[tuple[int, Doubt]]:
    """Outcomes of one sample whose SDs are small beside their means, and as errors like those of the others."""
    samples: dict[str, set[object]] = {}
    for row in apart:
        samples.setdefault(row.outcome, set()).add(row.sample)
    shares = [(row.outcome, arm.sd / abs(arm.mean)) for row in apart for arm in row.arms if arm.mean]
    # Beside so many others, a row's own are not seen in the median.
    whole = [share for _, share in shares] if len(apart) > MANY_OTHERS else None
    for row in apart:
        ratios = [arm.sd / abs(arm.mean) for arm in row.arms if arm.mean]
        if not row.outcome or len(samples[row.outcome]) > 1 or row.as_they_are <= LARGE_WHERE_LONE or len(ratios) < 2:
            continue
        others = whole or [share for outcome, share in shares if outcome != row.outcome]
        if row.as_errors >= USUAL_DIFFERENCE or len(others) < 2 * LEAST_OTHERS or max(others) > SD_RATIO * min(others):
            continue
        usual = float(median(others))
        times_root = [share * math.sqrt(arm.n) for share, arm in zip(ratios, row.arms, strict=True)]
        if max(ratios) * SD_FAR < usual and all(1 / SD_AS_SE < share / usual < SD_AS_SE for share in times_root):
            sds = " and ".join(f"{arm.sd * math.sqrt(arm.n):.3g}" for arm in row.arms)
            allowed = f"arms that differ by at most {LARGE_WHERE_LONE:g} SDs, not {row.as_they_are:.3g}"
            yield row.doubt(allowed, f"these look like standard errors: times the root of n they are {sds}")
