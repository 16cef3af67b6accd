"""The bridge: a pooled association and a pooled effect in common units, after pooling, under every declared reading.

It is a comparison under conversions, not a test of causes. Intervals are quantiles of the two pooled distributions: of
the means (t with the fit's df), and of a new setting (the distribution behind the fit's prediction interval). A reading
of one side is monotone, at least in its size: its limits are those of the value, read; of the size alone, where these
hold 0, no value at one end, as claims have it. The two sides are independent: the distribution of their difference is
an integral over the association alone, by the trapezoid rule in asinh of its standardised value,
which converges geometrically. A share of variance and an overlap have a kink at 0 and keep four digits, all others ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.compare import conversions as c
from synthesis.data.vocabulary import contrast_name, process_name
from synthesis.plan.config import Bridge
from synthesis.results.comparisons import BridgeRow, Reading
from synthesis.results.fitted import Fitted

Array = NDArray[np.float64]
Convert = Callable[[c.Values], c.Values]
# How a reading runs: with the value, or with its size alone.
Shape = Literal["rising", "size", "falling size"]
# Beyond this a correlation is 1 to the last digit.
_LARGEST_Z = 17.0
_SMALLEST_SCALE = 1e-200
# Of a distribution, what its nodes leave out in each tail.
_LEFT_OUT = 1e-13
_FIRST_NODES, _MOST_NODES = 64, 1024
_LEAST_WEIGHT = 1e-16
_CONVERGED = 1e-11
# A normal score this close to its goal is found, and the most steps to get there.
_FOUND, _MOST_STEPS = 1e-11, 100


@dataclass(frozen=True, slots=True)
class Unit:
    """One row of the bridge: how r and d are read, None where a reading would not be legitimate.

    `back` gives the d (the size of d, by `shape`) of a value, with infinities at the ends of its range.
    """

    contrast: str
    quantity: str
    unit: str
    of_r: Convert | None
    of_d: Convert
    back: Convert
    shape: Shape = "rising"
    inverse: bool = False
    note: str = ""


def units(rates: tuple[float, ...], constructs: tuple[str, ...] = ()) -> list[Unit]:
    """All rows of the bridge, in their order; `rates` of response among controls for the NNT that need one.

    `constructs`: what the association is of.
    """
    reading = {key: contrast_name(key, constructs) for key in c.CONTRASTS}
    causing = process_name(constructs, article=False)
    rows = [Unit(key, f"difference, {reading[key]}", "d", to_d, _same, _same) for key, to_d in c.CONTRASTS.items()]
    rows.append(
        Unit("probability", "probability of the better outcome", "%", _percent(c.concordance_of_r),
             _percent(c.concordance_of_d), lambda p: math.sqrt(2) * _of_share(p))
    )  # fmt: skip
    rows.append(
        Unit("concordance_r", "correlation at equal concordance", "r", _same, c.r_at_equal_concordance,
             lambda r: c.d_at_equal_concordance(np.clip(r, -1, 1)))
    )  # fmt: skip
    folded = f"without its sign, so never below 0; for a correlation it is not a share of outcome that {causing} causes"
    rows.append(
        Unit("variance", "shared variance", "%", c.variance_percent_of_r, c.variance_percent_of_d, _of_variance,
             "size", note=folded)
    )  # fmt: skip
    for key, to_d in c.CONTRASTS.items():
        rows.append(
            Unit(f"u3_{key}", f"U3, {reading[key]}", "%", _percent(_after(c.u3, to_d)), _percent(c.u3), _of_share)
        )
    for key, to_d in c.CONTRASTS.items():
        rows.append(
            Unit(f"overlap_{key}", f"overlap, {reading[key]}", "%", _percent(_after(c.overlap, to_d)),
                 _percent(c.overlap), lambda p: -2 * _of_share(np.clip(p, 0, 100) / 2), "falling size")
        )  # fmt: skip
    only = "randomised contrasts only"
    rows.append(
        Unit("nnt", "number needed to treat (Kraemer and Kupfer)", "people", None, c.benefit, _same, inverse=True,
             note=only)
    )  # fmt: skip
    for rate in rates:
        rows.append(
            Unit(f"nnt_{100 * rate:g}", f"number needed to treat where {100 * rate:g}% of controls respond", "people",
                 None, partial(c.benefit_at, rate=rate), _same, inverse=True, note=only)
        )  # fmt: skip
    return rows


def _of_share(percent: c.Values) -> c.Values:
    """The normal quantile of a percentage, infinite at and beyond 0 and 100."""
    converted: c.Values = scipy.special.ndtri(np.clip(percent, 0, 100) / 100)
    return converted


def _of_variance(percent: c.Values) -> c.Values:
    """The size of d whose share of variance this is."""
    inside = np.clip(percent, 0, 100)
    with np.errstate(divide="ignore"):
        converted: c.Values = 2 * np.sqrt(inside / (100 - inside))
    return converted


def _same(x: c.Values) -> c.Values:
    return x


def _percent(of: Convert) -> Convert:
    return lambda x: 100 * of(x)


def _after(outer: Convert, inner: Convert) -> Convert:
    return lambda x: outer(inner(x))


@dataclass(frozen=True)
class Law:
    """Where a value lies: `centre` + `scale` times t with `df`, normal where that is None; within `reach` of 0."""

    centre: float
    scale: float
    df: float | None
    reach: float = math.inf

    def below(self, x: c.Values) -> Array:
        """P(value <= x)."""
        at = (np.asarray(x) - self.centre) / max(self.scale, _SMALLEST_SCALE)
        return np.asarray(scipy.special.ndtr(at) if self.df is None else scipy.special.stdtr(self.df, at))

    def quantile(self, p: float) -> float:
        """The value that a share p is below."""
        at = float(scipy.special.ndtri(p) if self.df is None else scipy.special.stdtrit(self.df, p))
        return min(max(self.centre + self.scale * at, -self.reach), self.reach)

    def quantile_of_size(self, p: float) -> float:
        """The size, whatever its sign, that a share p is below."""
        high = max(abs(self.quantile((1 - p) / 2)), abs(self.quantile((1 + p) / 2)))
        return _solve(lambda x: float(self.below(x) - self.below(-x)), p, 0.0, high)

    def nodes(self, count: int) -> tuple[Array, Array]:
        """Values and their weights, shape (count,), for means over the distribution."""
        at, weights = _rule(self.df, count)
        return np.clip(self.centre + self.scale * at, -self.reach, self.reach), weights


@lru_cache(maxsize=64)
def _rule(df: float | None, count: int) -> tuple[Array, Array]:
    """Nodes and weights of the standardised distribution: evenly spaced in asinh."""
    end = math.asinh(-float(scipy.special.ndtri(_LEFT_OUT) if df is None else scipy.special.stdtrit(df, _LEFT_OUT)))
    s = np.linspace(-end, end, count)
    t = np.sinh(s)
    # But for its constant: the weights are divided by their sum.
    log = -0.5 * t * t if df is None else -(df + 1) / 2 * np.log1p(t * t / df)
    weights = np.exp(log) * np.cosh(s)
    weights /= weights.sum()
    kept = weights > _LEAST_WEIGHT
    return t[kept], weights[kept]


def _solve(below: Callable[[float], float], p: float, low: float, high: float) -> float:
    """Where a distribution function is `p`, between `low` and `high`: Illinois steps on its normal score.

    The score of what is nearly normal is nearly a line, so that a few steps do.
    """
    goal = float(scipy.special.ndtri(p))

    def score(x: float) -> float:
        return min(max(float(scipy.special.ndtri(below(x))), -40.0), 40.0) - goal

    at_low, at_high, last = score(low), score(high), 0
    for step in range(_MOST_STEPS):
        if at_low >= 0 or at_high <= 0:
            return low if at_low >= 0 else high
        x = low - at_low * (high - low) / (at_high - at_low) if step % 4 < 3 else (low + high) / 2
        if not low < x < high:
            return x
        at_x = score(x)
        if abs(at_x) < _FOUND:
            return x
        if at_x < 0:
            low, at_low, at_high = x, at_x, at_high / 2 if last < 0 else at_high
        else:
            high, at_high, at_low = x, at_x, at_low / 2 if last > 0 else at_low
        last = -1 if at_x < 0 else 1
    return x


# The mean, and a new setting where there is one.
Laws = tuple[Law, Law | None]


def laws(document: Fitted) -> Laws:
    """Where the pooled mean lies, and the true value in a new setting: t with samples - 2 df, as in its interval."""
    reach = _LARGEST_Z if document.metric == "z" else math.inf
    mean = Law(document.fit.estimate, document.fit.se, document.fit.df, reach)
    if document.fit.pi_low is None or document.fit.pi_high is None:
        return mean, None
    df = document.fit.independent - 2
    half = (document.fit.pi_high - document.fit.pi_low) / 2
    return mean, Law(
        document.fit.estimate, half / float(scipy.special.stdtrit(df, 0.5 + document.fit.level / 2)), df, reach
    )


@dataclass(frozen=True)
class Gap:
    """The reading of an association less that of an effect, in one unit."""

    unit: Unit
    z: Law
    d: Law

    @cached_property
    def _readings(self) -> tuple[Array, Array]:
        """Readings of the association at its nodes, and weights: as many as the sharper side needs."""
        tried = np.array([self._bracket(0.05)[0], self._bracket(0.95)[1]]) / 2
        count, before = _FIRST_NODES, np.full(len(tried), np.inf)
        while True:
            readings = self._at_nodes(count)
            now = np.array([self._below(x, *readings) for x in tried])
            if count >= _MOST_NODES or np.abs(now - before).max() < _CONVERGED:
                return readings
            count, before = 2 * count, now

    def _at_nodes(self, count: int) -> tuple[Array, Array]:
        z, weights = self.z.nodes(count)
        return np.asarray(_of(self.unit)(np.tanh(z))), weights

    def _below(self, x: float, readings: Array, weights: Array) -> float:
        at = self.unit.back(readings - x)
        match self.unit.shape:
            case "rising":
                above = 1 - self.d.below(at)
            case "size":
                above = 1 - (self.d.below(at) - self.d.below(-np.asarray(at)))
            case "falling size":
                above = self.d.below(at) - self.d.below(-np.asarray(at))
        return min(max(float(weights @ above), 0.0), 1.0)

    def below(self, x: float) -> float:
        """P(difference <= x)."""
        return self._below(x, *self._readings)

    def _bracket(self, p: float) -> tuple[float, float]:
        """Between these is what a share p is below: neither side is beyond its share of p, or of 1 - p."""
        of_r, of_d, shape = _of(self.unit), self.unit.of_d, self.unit.shape

        def r(share: float) -> float:
            return _at(lambda z: of_r(np.tanh(z)), self.z, shape, share)

        def d(share: float) -> float:
            return _at(of_d, self.d, shape, share)

        return r(p / 2) - d(1 - p / 2), r((1 + p) / 2) - d((1 - p) / 2)

    def quantile(self, p: float) -> float:
        """The difference that a share p is below."""
        return _solve(self.below, p, *self._bracket(p))


def _of(unit: Unit) -> Convert:
    if unit.of_r is None:
        raise TypeError(f"{unit.contrast} has no reading of r")
    return unit.of_r


def _at(convert: Convert, law: Law, shape: Shape, p: float) -> float:
    """What a share p of the readings is below."""
    if shape == "rising":
        return float(convert(law.quantile(p)))
    return float(convert(law.quantile_of_size(p if shape == "size" else 1 - p)))


def differences(association: Fitted, effect: Fitted) -> dict[str, tuple[float, float, float]]:
    """Pooled association minus pooled effect in d with its limits, by contrast: as in `bridge`, and nothing else."""
    z, d = laws(association)[0], laws(effect)[0]
    centre, tails = math.tanh(association.fit.estimate), _tails(association.fit.level)
    gaps = {}
    for unit in units(()):
        if unit.contrast in c.CONTRASTS:
            low, high = map(Gap(unit, z, d).quantile, tails)
            gaps[unit.contrast] = (float(_of(unit)(centre)) - effect.fit.estimate, low, high)
    return gaps


def _tails(level: float) -> list[float]:
    return [0.5 - level / 2, 0.5 + level / 2]


def bridge(name: str, plan: Bridge, association: Fitted, effect: Fitted, rates: tuple[float, ...]) -> list[BridgeRow]:
    """The pooled association beside the pooled effect: one row for each reading; `rates` as in `units`.

    `estimate` is the reading of the pooled value; `ci` and `pi` are quantiles for the mean and for a new setting. NNT
    are inverted after the quantiles; a limit behind which the benefit is not above 0 is missing.
    """
    pools = Pools(
        math.tanh(association.fit.estimate),
        laws(association),
        effect.fit.estimate,
        laws(effect),
        association.fit.level,
    )
    return [_row(name, plan, unit, pools) for unit in units(rates, association.constructs)]


@dataclass(frozen=True, slots=True)
class Pools:
    """The two sides of a bridge: a correlation (its laws are of Fisher's z) and a standardized difference."""

    r: float
    z: Laws
    d: float
    d_laws: Laws
    level: float


_NONE = Reading(None, None, None, None, None)


def _row(name: str, plan: Bridge, unit: Unit, pools: Pools) -> BridgeRow:
    d, tails = float(unit.of_d(pools.d)), _tails(pools.level)
    effect = _reading(d, *(_limits_of(law, unit.of_d, unit.shape, tails) for law in pools.d_laws))
    association, difference = _NONE, _NONE
    larger: tuple[float | None, float | None] = (None, None)
    note = unit.note
    if unit.inverse:
        effect = _inverted(effect)
    if unit.of_r is not None:
        r, of_z = float(unit.of_r(pools.r)), _after(unit.of_r, np.tanh)
        association = _reading(r, *(_limits_of(law, of_z, unit.shape, tails) for law in pools.z))
        gaps = [None if z is None or x is None else Gap(unit, z, x) for z, x in zip(pools.z, pools.d_laws, strict=True)]
        difference = _reading(r - d, *(_limits_between(gap, tails) for gap in gaps))
        larger = _share_above(gaps[0]), _share_above(gaps[1])
    elif effect.ci_low is None or effect.ci_high is None:
        note += "; the interval includes no effect, so it has no finite end"
    return BridgeRow(
        bridge=name,
        title=plan.title,
        contrast=unit.contrast,
        quantity=unit.quantity,
        unit=unit.unit,
        association=plan.association,
        effect=plan.effect,
        association_estimate=association.estimate,
        association_ci_low=association.ci_low,
        association_ci_high=association.ci_high,
        association_pi_low=association.pi_low,
        association_pi_high=association.pi_high,
        effect_estimate=effect.estimate,
        effect_ci_low=effect.ci_low,
        effect_ci_high=effect.ci_high,
        effect_pi_low=effect.pi_low,
        effect_pi_high=effect.pi_high,
        difference_estimate=difference.estimate,
        difference_ci_low=difference.ci_low,
        difference_ci_high=difference.ci_high,
        difference_pi_low=difference.pi_low,
        difference_pi_high=difference.pi_high,
        p_association_larger=larger[0],
        p_association_larger_new=larger[1],
        note=note,
    )


def _share_above(gap: Gap | None) -> float | None:
    return None if gap is None else 1 - gap.below(0.0)


def _reading(centre: float, ci: tuple[float | None, float | None], pi: tuple[float | None, float | None]) -> Reading:
    return Reading(centre, *ci, *pi)


def _limits_of(
    law: Law | None, convert: Convert, shape: Shape, tails: list[float]
) -> tuple[float | None, float | None]:
    """The readings of all values between those that the shares `tails` are below; None where there is no distribution.

    Quantiles of the size alone would leave out no difference even where the value's interval holds it.
    """
    if law is None:
        return None, None
    ends = law.quantile(tails[0]), law.quantile(tails[1])
    if shape != "rising" and ends[0] < 0 < ends[1]:
        ends = 0.0, max(-ends[0], ends[1])
    low, high = sorted(float(convert(end)) for end in ends)
    return low, high


def _limits_between(gap: Gap | None, tails: list[float]) -> tuple[float | None, float | None]:
    return (None, None) if gap is None else (gap.quantile(tails[0]), gap.quantile(tails[1]))


def _inverted(benefit: Reading) -> Reading:
    """NNT of a benefit: its limits change places, and there is none where the benefit is not above 0."""
    return Reading(
        _inverse(benefit.estimate),
        _inverse(benefit.ci_high),
        _inverse(benefit.ci_low),
        _inverse(benefit.pi_high),
        _inverse(benefit.pi_low),
    )


def _inverse(benefit: float | None) -> float | None:
    return 1 / benefit if benefit is not None and benefit > 0 else None
