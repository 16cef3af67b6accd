"""The bridge: a pooled association and a pooled effect in common units, after pooling, under every declared reading.

It is a comparison under conversions, not a test of causes. Intervals are quantiles of draws from the two pooled
distributions: of the means (t with the fit's df), and of a new setting (the distribution behind the fit's prediction
interval). Draws are stratified: one in each of `draws` equally likely slices, in random order.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from synthesis.compare import conversions as c
from synthesis.data.vocabulary import CONTRAST_NAME
from synthesis.plan.config import Bridge, MonteCarlo
from synthesis.results.comparisons import BridgeRow, Reading
from synthesis.results.fitted import Fitted

Array = NDArray[np.float64]
Convert = Callable[[c.Values], c.Values]
# Draws of a mean, and of a new setting where there is one, in some unit.
Drawn = tuple[Array, Array | None]
_LARGEST_Z = 17.0


@dataclass(frozen=True, slots=True)
class Unit:
    """One row of the bridge: how r and d are read, None where a reading would not be legitimate."""

    contrast: str
    quantity: str
    unit: str
    of_r: Convert | None
    of_d: Convert
    inverse: bool = False
    note: str = ""


def units(rates: tuple[float, ...]) -> list[Unit]:
    """All rows of the bridge, in their order; `rates` of response among controls for the NNT that need one."""
    rows = [Unit(key, f"difference, {CONTRAST_NAME[key]}", "d", to_d, _same) for key, to_d in c.CONTRASTS.items()]
    rows.append(
        Unit("probability", "probability of the better outcome", "%", _percent(c.concordance_of_r),
             _percent(c.concordance_of_d))
    )  # fmt: skip
    rows.append(Unit("concordance_r", "correlation at equal concordance", "r", _same, c.r_at_equal_concordance))
    folded = "without its sign, so never below 0; for a correlation it is not a share of outcome that alliance causes"
    rows.append(Unit("variance", "shared variance", "%", c.variance_percent_of_r, c.variance_percent_of_d, note=folded))
    for key, to_d in c.CONTRASTS.items():
        rows.append(Unit(f"u3_{key}", f"U3, {CONTRAST_NAME[key]}", "%", _percent(_after(c.u3, to_d)), _percent(c.u3)))
    for key, to_d in c.CONTRASTS.items():
        rows.append(
            Unit(f"overlap_{key}", f"overlap, {CONTRAST_NAME[key]}", "%", _percent(_after(c.overlap, to_d)),
                 _percent(c.overlap))
        )  # fmt: skip
    only = "randomised contrasts only"
    rows.append(Unit("nnt", "number needed to treat (Kraemer and Kupfer)", "people", None, c.benefit, True, only))
    for rate in rates:
        rows.append(
            Unit(f"nnt_{100 * rate:g}", f"number needed to treat where {100 * rate:g}% of controls respond", "people",
                 None, partial(c.benefit_at, rate=rate), True, only)
        )  # fmt: skip
    return rows


def _same(x: c.Values) -> c.Values:
    return x


def _percent(of: Convert) -> Convert:
    return lambda x: 100 * of(x)


def _after(outer: Convert, inner: Convert) -> Convert:
    return lambda x: outer(inner(x))


def draws_of_mean(document: Fitted, plan: MonteCarlo) -> Array:
    """Draws of the pooled mean on the metric's scale.

    They depend on the synthesis, the fit and the plan's seed alone, not on what else is drawn.
    """
    return _draws(document, plan, document.fit.se, document.fit.df, False)


def draws_of_new(document: Fitted, plan: MonteCarlo) -> Array | None:
    """Draws of the true value in a new setting: t with samples - 2 df, as in the prediction interval; None without."""
    fit = document.fit
    if fit.pi_low is None or fit.pi_high is None:
        return None
    df = fit.samples - 2
    half = (fit.pi_high - fit.pi_low) / 2
    return _draws(document, plan, half / float(stdtrit(df, 0.5 + fit.level / 2)), df, True)


def _draws(document: Fitted, plan: MonteCarlo, scale: float, df: float | None, new: bool) -> Array:
    drawn = document.fit.estimate + scale * _quantiles(plan.draws, df)[_order(plan, document.synthesis, new)]
    if document.metric == "z":
        # Beyond this a correlation is 1 to the last digit.
        drawn = np.clip(drawn, -_LARGEST_Z, _LARGEST_Z)
    return np.asarray(drawn)


@lru_cache(maxsize=16)
def _order(plan: MonteCarlo, synthesis: str, new: bool) -> NDArray[np.int64]:
    return np.random.default_rng([plan.seed, zlib.crc32(synthesis.encode()), int(new)]).permutation(plan.draws)


@lru_cache(maxsize=16)
def _quantiles(count: int, df: float | None) -> Array:
    """The middle of each of `count` equally likely slices of t with df, or of the normal."""
    # Symmetric, so that half of them are computed.
    middle = (np.arange(count // 2) + 0.5) / count
    lower = np.asarray(ndtri(middle) if df is None else stdtrit(df, middle))
    return np.concatenate([lower, np.zeros(count % 2), -lower[::-1]])


def differences(association: Fitted, effect: Fitted, monte_carlo: MonteCarlo) -> dict[str, tuple[float, float, float]]:
    """Pooled association minus pooled effect in d with its limits, by contrast: as in `bridge`, and nothing else."""
    z, d = draws_of_mean(association, monte_carlo), draws_of_mean(effect, monte_carlo)
    r, centre = np.tanh(z), math.tanh(association.fit.estimate)
    tails = _tails(association.fit.level)
    gaps = {}
    for key, to_d in c.CONTRASTS.items():
        low, high = np.quantile(to_d(r) - d, tails)
        gaps[key] = (float(to_d(centre)) - effect.fit.estimate, float(low), float(high))
    return gaps


def _tails(level: float) -> list[float]:
    return [0.5 - level / 2, 0.5 + level / 2]


def bridge(name: str, plan: Bridge, association: Fitted, effect: Fitted, monte_carlo: MonteCarlo) -> list[BridgeRow]:
    """The pooled association beside the pooled effect: one row for each reading.

    `estimate` is the reading of the pooled value; `ci` and `pi` are quantiles of the draws for the mean and for a new
    setting. NNT are inverted after the quantiles; a limit behind which the benefit is not above 0 is missing.
    """
    z, new_z = draws_of_mean(association, monte_carlo), draws_of_new(association, monte_carlo)
    pools = Pools(
        math.tanh(association.fit.estimate),
        (np.tanh(z), None if new_z is None else np.tanh(new_z)),
        effect.fit.estimate,
        (draws_of_mean(effect, monte_carlo), draws_of_new(effect, monte_carlo)),
        association.fit.level,
    )
    return [_row(name, plan, unit, pools, monte_carlo) for unit in units(monte_carlo.control_response_rates)]


@dataclass(frozen=True, slots=True)
class Pools:
    """The two sides of a bridge: a correlation and a standardized difference, as pooled and as drawn."""

    r: float
    drawn_r: Drawn
    d: float
    drawn_d: Drawn
    level: float


_NONE = Reading(None, None, None, None, None)


def _row(name: str, plan: Bridge, unit: Unit, pools: Pools, monte_carlo: MonteCarlo) -> BridgeRow:
    d, drawn_d = float(unit.of_d(pools.d)), _converted(unit.of_d, pools.drawn_d)
    effect = _reading(d, drawn_d, pools.level)
    association, difference = _NONE, _NONE
    larger: tuple[float | None, float | None] = (None, None)
    note = unit.note
    if unit.inverse:
        effect = _inverted(effect)
    if unit.of_r is not None:
        r, drawn_r = float(unit.of_r(pools.r)), _converted(unit.of_r, pools.drawn_r)
        gaps = _gaps(drawn_r, drawn_d)
        association = _reading(r, drawn_r, pools.level)
        difference = _reading(r - d, gaps, pools.level)
        larger = _share_above(gaps[0]), None if gaps[1] is None else _share_above(gaps[1])
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
        draws=monte_carlo.draws,
        seed=monte_carlo.seed,
        note=note,
    )


def _converted(convert: Convert, drawn: Drawn) -> Drawn:
    mean, new = drawn
    return np.asarray(convert(mean)), None if new is None else np.asarray(convert(new))


def _gaps(first: Drawn, second: Drawn) -> Drawn:
    mean, new = first[0] - second[0], None
    if first[1] is not None and second[1] is not None:
        new = first[1] - second[1]
    return mean, new


def _share_above(gap: Array) -> float:
    return float(np.mean(gap > 0) + np.mean(gap == 0) / 2)


def _reading(centre: float, drawn: Drawn, level: float) -> Reading:
    """Estimate and quantiles."""
    ci = _limits(drawn[0], level)
    pi = (None, None) if drawn[1] is None else _limits(drawn[1], level)
    return Reading(centre, *ci, *pi)


def _limits(drawn: Array, level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, _tails(level))
    return float(low), float(high)


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
