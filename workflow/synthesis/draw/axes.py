"""One policy for the axes of all figures: what they hold, what they cut, where their ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from synthesis import text

if TYPE_CHECKING:
    from synthesis.draw.layout import Row

# Axis limits leave out this share of study limits at each end; those are drawn with arrows.
CLIP_SHARE = 0.02
# Limits that are cut although the axis would be longer by no more than this share extend it.
_NEARLY = 0.15
# Estimates that make the axis more than so many times as long are drawn as arrow heads at its edge, where they are at
# most this share of those of samples.
_STRETCH, _FEW = 3.0, 0.1
# Beyond estimates and diamonds, the axis reaches as far again as they do, or this many usual intervals.
_REACH = 3.0
# Beyond the outermost value, and beyond the outermost estimate where limits are cut, in shares of the axis.
_PAD, _CLEAR = 0.02, 0.06
# An axis has at least three ticks, one of ratios to this many.
_FEWEST, _MOST = 3, 8
# An axis of differences has about so many; each has so many more where a side of no effect would have none, or the
# axis without no effect three alone.
_ABOUT, _DENSER = 6, (0, 2, 4, 6)
# Multiples of a power of ten that an axis of ratios may show, from many ticks to few.
_MANTISSAS = ((1, 2, 5), (1, 3), (1,))
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class _Extent:
    """What an axis must hold, what it should hold, and how long a usual interval is."""

    points: tuple[float, ...]
    firm: tuple[float, ...]
    loose: tuple[float, ...]
    predicted: tuple[float, ...]
    usual: float
    left_out: bool


def axis_of(
    rows: Iterable[Row], ratio: bool, *, null: float | None = 0.0, clip: float = CLIP_SHARE
) -> tuple[float, float, tuple[float, ...], tuple[str, ...]]:
    """Limits, tick positions and tick texts that show the null, if any, nearly every interval, and every estimate but
    the few that would squeeze all others."""
    extent = _extent(list(rows), null)
    low, high = _limits(extent, null, clip)
    if null is not None:
        low, high = _to_ticks(low, high, null, ratio)
    while (wider := _with_near(extent, low, high)) != (low, high):
        low, high = wider if null is None else _to_ticks(*wider, null, ratio)
    about = next((about for about in _DENSER if _enough(_ticks(low, high, ratio, about)[0], low, high, null)), 0)
    return low, high, *_ticks(low, high, ratio, about)


def _ticks(low: float, high: float, ratio: bool, denser: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Ticks and their texts, `denser` more than usual."""
    if ratio:
        return ratio_ticks(low, high, _MOST + denser)
    ticks, decimals = linear_ticks(low, high, _ABOUT + denser)
    return tuple(ticks), tuple(text.number(t, decimals) for t in ticks)


def _sides(low: float, high: float, null: float) -> tuple[bool, bool]:
    """On which sides of no effect the axis shows more than its margin."""
    least = 2 * _PAD * (high - low)
    return null - low > least, high - null > least


def _enough(ticks: Sequence[float], low: float, high: float, null: float | None) -> bool:
    """Whether every side of no effect that the axis shows has a tick; without one, whether there are four."""
    if null is None:
        return len(ticks) > _FEWEST
    left, right = _sides(low, high, null)
    return (not left or any(t < null for t in ticks)) and (not right or any(t > null for t in ticks))


def _to_ticks(low: float, high: float, null: float, ratio: bool) -> tuple[float, float]:
    """The axis as far as the next tick on a side that shows none, where that is hardly longer."""
    ticks, _ = _ticks(low, high, ratio, 0)
    if len(ticks) < 2:
        return low, high
    room = _NEARLY * (high - low)
    left, right = _sides(low, high, null)
    below, above = _beyond(ticks[0], ticks[1], ratio), _beyond(ticks[-1], ticks[-2], ratio)
    if left and ticks[0] >= null and low - below <= room:
        low = min(low, below)
    if right and ticks[-1] <= null and above - high <= room:
        high = max(high, above)
    return low, high


def _beyond(end: float, inner: float, ratio: bool) -> float:
    """The tick after the last one, as far from it as the one before; of ratios by their difference."""
    if not ratio:
        return 2 * end - inner
    value = 2 * math.exp(end) - math.exp(inner)
    return math.log(value) if value > 0 else -math.inf


def _extent(rows: Sequence[Row], null: float | None) -> _Extent:
    firm: list[float] = []
    loose: list[float] = []
    lengths: list[float] = []
    others: list[float] = []
    for row in rows:
        study = row.kind == "study"
        ends = _ends(row)
        (loose if study else firm).extend(ends)
        if len(ends) == 2:
            (lengths if study else others).append(ends[1] - ends[0])
    usual = median(lengths or others or [0.0])
    fixed = [*(() if null is None else (null,)), *firm]
    fixed += [row.estimate for row in rows if row.kind != "study" and row.estimate is not None]
    left_out = _stretching(rows, fixed, usual)
    points = tuple(row.estimate for row in rows if row.estimate is not None and row not in left_out)
    for x in (end for row in left_out for end in _ends(row)):
        loose.remove(x)
    predicted = tuple(x for row in rows for x in (row.pi_low, row.pi_high) if x is not None)
    return _Extent(points, tuple(firm), tuple(sorted(loose)), predicted, usual, bool(left_out))


def _ends(row: Row) -> list[float]:
    return [x for x in (row.ci_low, row.ci_high) if x is not None]


def _stretching(rows: Sequence[Row], fixed: Sequence[float], usual: float) -> list[Row]:
    """The outermost samples that squeeze all others: as few as make the axis no more than half as long, if any do."""
    kept = sorted((row for row in rows if row.kind == "study" and row.estimate is not None), key=_estimate)
    most = int(_FEW * len(kept))

    def length(samples: Sequence[Row]) -> float:
        values = [*fixed, *(_estimate(row) for row in samples[:1]), *(_estimate(row) for row in samples[-1:])]
        return max(values) - min(values) + usual

    whole = length(kept) if kept else 0.0
    left_out: list[Row] = []
    while len(left_out) < most:
        first, last = length(kept[1:]), length(kept[:-1])
        left_out.append(kept.pop(0) if first < last else kept.pop())
        if min(first, last) * _STRETCH < whole:
            return left_out
    return []


def _estimate(row: Row) -> float:
    return row.estimate or 0.0


def _limits(extent: _Extent, null: float | None, clip: float) -> tuple[float, float]:
    """Ends of the axis, with room beyond what it holds.

    No effect, diamonds and all estimates that the extent holds are on it. Of the limits of studies, a share `clip` is
    cut at each end, unless the axis would hardly be longer with them; and so is what lies far beyond all of these.
    """
    core = (*(() if null is None else (null,)), *extent.points, *extent.firm)
    least, most = float(min(core)), float(max(core))
    loose = extent.loose
    cut = int(clip * len(loose))
    low, high = _widened(least, most, loose[cut : len(loose) - cut])
    room = _NEARLY * (high - low)
    near = [x for x in loose if low - room <= x <= high + room]
    low, high = _widened(low, high, [*near, *extent.predicted])
    reach = max(most - least, _REACH * extent.usual)
    low, high = max(low, least - reach), min(high, most + reach)
    ends = (*loose, *extent.predicted)
    cuts = extent.left_out or any(not low <= x <= high for x in ends)
    span = high - low or 1.0
    low, high = low - _PAD * span, high + _PAD * span
    if cuts and extent.points:
        # The arrow of a limit that is cut must not lie on the mark of the outermost estimate.
        low = min(low, min(extent.points) - _CLEAR * span)
        high = max(high, max(extent.points) + _CLEAR * span)
    return low, high


def _with_near(extent: _Extent, low: float, high: float) -> tuple[float, float]:
    """The axis as it is drawn, and as far again as limits that lie just outside it."""
    room = _NEARLY * (high - low)
    ends = (*extent.loose, *extent.predicted)
    pad = _PAD * (high - low)
    below = [x - pad for x in ends if low - room <= x < low]
    above = [x + pad for x in ends if high < x <= high + room]
    return min([low, *below]), max([high, *above])


def _widened(low: float, high: float, values: Sequence[float]) -> tuple[float, float]:
    return (min(low, *values), max(high, *values)) if values else (low, high)


def linear_ticks(low: float, high: float, about: int = _ABOUT) -> tuple[list[float], int]:
    """Multiples of 1, 2 or 5 times a power of ten inside the limits, with their decimals: `about` of them, at least
    three."""
    first = last = 0
    while last - first + 1 < _FEWEST:
        rough = (high - low) / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.9)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        about += 1
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [i * step for i in range(first, last + 1)], decimals


def ratio_ticks(low: float, high: float, about: int = _MOST) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Logarithms of round ratios between two logarithms, with their texts: at least three at any range, `about` at
    most, 1 among them where it lies between."""
    most = max(about, _FEWEST)
    series = [_decade_ticks(low, high, mantissas, 1) for mantissas in _MANTISSAS]
    every = 2
    while len(series[-1]) > most and len(sparse := _decade_ticks(low, high, (1,), every)) >= _FEWEST:
        series.append(sparse)
        every += 1
    enough = [ratios for ratios in series if len(ratios) >= _FEWEST]
    if enough:
        return _ratio_texts(next((ratios for ratios in enough if len(ratios) <= most), enough[-1]))
    # A short axis has round ratios of its own.
    kept_ticks: list[float] = []
    more = about
    decimals = 0
    while len(kept_ticks) < _FEWEST and more <= 8 * about:
        ticks, decimals = linear_ticks(math.exp(low), math.exp(high), more)
        kept_ticks = [t for t in ticks if t > 0]
        more += 2
    return tuple(math.log(t) for t in kept_ticks), tuple(_trimmed(f"{t:.{decimals}f}") for t in kept_ticks)


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _decade_ticks(low: float, high: float, mantissas: Sequence[int], every: int) -> list[tuple[int, int]]:
    """Mantissas and powers of ten between two natural logarithms; of the powers, those that `every` divides."""
    ten = math.log(10)
    first, last = math.floor(low / ten) - 1, math.ceil(high / ten) + 1
    return [
        (m, power)
        for power in range(first, last + 1)
        if power % every == 0
        for m in mantissas
        if low <= math.log(m) + power * ten <= high
    ]


def _ratio_texts(ratios: Sequence[tuple[int, int]]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    places = tuple(math.log(m) + power * math.log(10) for m, power in ratios)
    return places, tuple(_ratio_text(m, power) for m, power in ratios)


def _ratio_text(mantissa: int, power: int) -> str:
    """A round ratio as it is read: 0.02, 500, 10⁻⁶."""
    if -4 <= power < 5:
        return f"{mantissa * 10.0**power:.{max(0, -power)}f}"
    times = "" if mantissa == 1 else f"{mantissa}\N{MULTIPLICATION SIGN}"
    return f"{times}{power_of_ten(power)}"


def power_of_ten(power: int) -> str:
    """10 with a raised exponent."""
    return f"10{str(power).translate(_SUPERSCRIPTS)}"
