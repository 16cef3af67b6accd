"""Means on the wrong side of zero, or on another scale, and arms of sizes that trials do not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from synthesis.data.implied import Doubt
from synthesis.data.printed import Cells, Numbered, Row, has
from synthesis.text import plain

ARMS = ("treat", "control")
# A mean is clearly on a side of zero from this share of its SD on; two arms are clearly on two sides from one SD.
CLEARLY, BOTH_SIDES = 1 / 3, 1.0
# Scales in SDs have both sides: SDs of about 1, and means of no more than this.
LIKE_Z, MEAN_OF_Z = (0.5, 1.5), 1.5
# A decimal point: so many times the other means, which are within a factor, with SDs within a factor of theirs.
DECIMAL, ALIKE_MEANS, SAME_SD = 7.0, 3.0, 1.5
LEAST_OTHERS = 2
# Arms of one trial: so many times as many people in one. Designs with arms beyond the second are unequal themselves.
UNEQUAL, UNEQUAL_DESIGN = 8.0, 4.0


@dataclass(frozen=True, slots=True)
class _Means:
    """The means of a row's arms, each with its SD and column."""

    row: int
    cells: Row
    means: tuple[float, ...]
    sds: tuple[float, ...]
    columns: tuple[str, ...]

    @property
    def side(self) -> int:
        """1 or -1 where every mean is clearly on that side of zero, else 0."""
        if all(mean > sd * CLEARLY for mean, sd in zip(self.means, self.sds, strict=True)):
            return 1
        return -1 if all(mean < -sd * CLEARLY for mean, sd in zip(self.means, self.sds, strict=True)) else 0


def sides(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """All doubts of means by side and scale, and of the sizes of two arms. `rows`: of studies, none excluded."""
    final, change = _by_outcome(rows)
    doubted = set()
    for number, doubt in _two_sides(rows):
        doubted.add(number)
        yield number, doubt
    doubts = [d for group in final for d in (*_other_side(group), *_other_scale(group))]
    doubts += [d for group in change for d in (*_one_arm(group), *_both_signs(group))]
    for number, doubt in doubts:
        if number not in doubted:
            doubted.add(number)
            yield number, doubt
    yield from _unequal(rows)


def _by_outcome(rows: Sequence[Numbered]) -> tuple[list[list[_Means]], list[list[_Means]]]:
    """Final means, and changes by the statistic that they are printed as, of named outcomes."""
    final: dict[str, list[_Means]] = {}
    change: dict[tuple[str, str], list[_Means]] = {}
    for number, row in rows:
        outcome = plain(row["outcome"])
        if outcome and row["statistic"] == "mean_sd" and (means := _means(number, row)):
            final.setdefault(outcome, []).append(means)
        if outcome and (means := _changes(number, row)):
            change.setdefault((row["statistic"], outcome), []).append(means)
    return [*final.values()], [*change.values()]


def _means(number: int, row: Row) -> _Means | None:
    arms = [arm for arm in ARMS if has(row, f"mean_{arm}", f"sd_{arm}")]
    if not arms or (row["estimand"] == "d_between" and len(arms) < len(ARMS)):
        return None
    means, sds = (tuple(row[f"{name}_{arm}"] for arm in arms) for name in ("mean", "sd"))
    return _Means(number, row, means, sds, tuple(f"mean_{arm}" for arm in arms))


def _changes(number: int, row: Row) -> _Means | None:
    """Changes as printed, or from before to after."""
    if row["statistic"] == "change_sd":
        return _means(number, row)
    if row["statistic"] == "smd_within_arm_change" and row["value"] is not None:
        return _Means(number, row, (row["value"],), (1.0,), ("value",))
    arms = [arm for arm in ARMS if has(row, f"mean_{arm}", f"sd_{arm}", f"baseline_mean_{arm}")]
    if row["statistic"] != "pre_post" or not arms:
        return None
    means = tuple(row[f"mean_{arm}"] - row[f"baseline_mean_{arm}"] for arm in arms)
    sds = tuple(max(row[f"sd_{arm}"], row[f"baseline_sd_{arm}"] or 0) for arm in arms)
    return _Means(number, row, means, sds, tuple(f"mean_{arm}" for arm in arms))


def _two_sides(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Two means of one row that are clearly on two sides of zero."""
    for number, row in rows:
        pairs = [("mean_treat", "sd_treat", "mean_control", "sd_control")]
        pairs += [(f"mean_{arm}", f"sd_{arm}", f"baseline_mean_{arm}", f"sd_{arm}") for arm in ARMS]
        for mean, sd, other, of_other in pairs:
            if not has(row, mean, sd, other, of_other) or row["statistic"] not in ("mean_sd", "change_sd", "pre_post"):
                continue
            if row[mean] * row[other] < 0 and all(
                abs(row[name]) > BOTH_SIDES * row[of] for name, of in ((mean, sd), (other, of_other))
            ):
                column, beside = (mean, other) if row[mean] < 0 else (other, mean)
                hint = "a minus lost or too many, or a change beside a final value?"
                allowed = f"on the side of zero where {beside} {row[beside]:g} is"
                yield number, (column, f"{row[column]:g}", allowed, hint)
                break


def _like_z(group: Sequence[_Means]) -> bool:
    """Whether an outcome is in SDs, around 0."""
    sd = median(sd for row in group for sd in row.sds)
    usual = median(abs(mean) for row in group for mean in row.means)
    return LIKE_Z[0] < sd < LIKE_Z[1] and usual < MEAN_OF_Z


def _other_side(group: Sequence[_Means]) -> Iterator[tuple[int, Doubt]]:
    """Final means clearly on the other side of zero than all others of the outcome."""
    below = [row for row in group if min(row.means) < 0]
    above = [row for row in group if max(row.means) > 0]
    if _like_z(group):
        return
    for side, odd_ones, others in ((1, below, above), (-1, above, below)):
        # One row of all is the odd one, and the others are clearly, most of them, where it is not.
        if len(odd_ones) != 1 or len(group) - 1 < (1 if side > 0 else LEAST_OTHERS):
            continue
        (row,) = odd_ones
        beside = [other.side for other in others if other is not row]
        if not beside or median(beside) != side:
            continue
        odd = [c for c, mean, sd in zip(row.columns, row.means, row.sds, strict=True) if -mean * side > sd * CLEARLY]
        # Both arms there are changes among final values, as databases print them: their difference is no other one.
        if not odd or len(odd) == len(row.means) or len(group) <= LEAST_OTHERS:
            continue
        hint = "a minus too many?"
        allowed = f"{'above' if side > 0 else 'below'} 0, as all others of outcome {row.cells['outcome']}"
        yield row.row, (odd[0], _shown(row), allowed, hint)


def _other_scale(group: Sequence[_Means]) -> Iterator[tuple[int, Doubt]]:
    """Final means that are about ten times the others, or a tenth of them, with the same SDs."""
    ordered = sorted(group, key=lambda row: max(abs(mean) for mean in row.means))
    for row, others in ((ordered[-1], ordered[:-1]), (ordered[0], ordered[1:])):
        sizes = sorted(abs(mean) for other in others for mean in other.means)
        if len(others) < LEAST_OTHERS or sizes[0] <= 0 or sizes[-1] / sizes[0] > ALIKE_MEANS:
            continue
        usual, sd = median(sizes), median(sd for other in others for sd in other.sds)
        ratios = [abs(mean) / usual for mean in row.means]
        same_sd = all(1 / SAME_SD < of_arm / sd < SAME_SD for of_arm in row.sds)
        if same_sd and (min(ratios) > DECIMAL or max(ratios) < 1 / DECIMAL):
            allowed = f"about {usual:.3g} with SDs of about {sd:.3g}, as the others of outcome {row.cells['outcome']}"
            hint = "a decimal point, or changes in the place of final values?"
            yield row.row, (row.columns[0], _shown(row), allowed, hint)


def _both_signs(group: Sequence[_Means]) -> Iterator[tuple[int, Doubt]]:
    """Changes of one outcome with both signs in different rows, each clear in all of its arms."""
    clear = [row for row in group if row.side]
    up, down = [row for row in clear if row.side > 0], [row for row in clear if row.side < 0]
    if not up or not down or _like_z(clear):
        return
    # Where both are as many: most people get better.
    worse = up if (up[0].cells["direction"] or -1) < 0 else down
    few = worse if len(up) == len(down) else min(up, down, key=len)
    many = down if few is up else up
    for row in few:
        first = many[0]
        side = "below" if row.side > 0 else "above"
        allowed = f"{side} 0, as the change in row {first.row} ({_shown(first)}) of outcome {row.cells['outcome']}"
        hint = "a reduction entered as a positive number? A change is after less before"
        if row.cells["statistic"] == "pre_post":
            hint = "before and after swapped?"
        yield row.row, (row.columns[0], _shown(row), allowed, hint)


def _one_arm(group: Sequence[_Means]) -> Iterator[tuple[int, Doubt]]:
    """A change of one arm clearly on the other side than the other arm and all other changes of the outcome."""
    odd_ones = [row for row in group if not row.side]
    of_others = {row.side for row in group if row.side}
    if _like_z(group) or len(odd_ones) != 1 or len(of_others) != 1 or len(group) <= LEAST_OTHERS:
        return
    (row,), (side,) = odd_ones, of_others
    places = [*zip(row.columns, row.means, row.sds, strict=True)]
    odd = [(column, mean) for column, mean, sd in places if -mean * side > sd * CLEARLY]
    if odd and any(mean * side > sd * CLEARLY for _, mean, sd in places):
        column, mean = odd[0]
        where = "above" if side > 0 else "below"
        allowed = f"{where} 0, as the other arm and all other changes of {row.cells['outcome']}"
        yield row.row, (column, f"{mean:g}", allowed, "a minus lost or too many, or a final value?")


def _shown(row: _Means) -> str:
    return " | ".join(f"{mean:.6g}" for mean in row.means)


def _unequal(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Arms of which one has many times as many people, where no other trial of the table has unequal arms."""
    ratios: list[tuple[int, Cells, str, float]] = []
    for number, row in rows:
        names = next((name for name in ("n", "total") if has(row, *(f"{name}_{arm}" for arm in ARMS))), None)
        if names and row["estimand"] == "d_between":
            treat, control = row[f"{names}_treat"], row[f"{names}_control"]
            ratios.append((number, row, names, max(treat, control) / min(treat, control)))
    unequal = {row["sample_id"] for _, row, _, ratio in ratios if ratio >= UNEQUAL_DESIGN}
    for number, row, name, ratio in ratios:
        if ratio >= UNEQUAL and len(unequal) == 1:
            column = max(ARMS, key=lambda arm: row[f"{name}_{arm}"])
            other = ARMS[1 - ARMS.index(column)]
            size, beside = row[f"{name}_{column}"], row[f"{name}_{other}"]
            allowed = f"less than {UNEQUAL:g} times {name}_{other} {beside:g}"
            yield number, (f"{name}_{column}", f"{size:g}", allowed, "a digit too many, or one lost in the other arm?")
