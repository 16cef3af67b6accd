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
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from synthesis.compare import conversions as c
from synthesis.data.vocabulary import CONTRAST_NAME
from synthesis.plan.config import Bridge, MonteCarlo

Array = NDArray[np.float64]
Record = dict[str, Any]
Reading = Callable[[c.Values], c.Values]
_SIDES = ("association", "effect")
_LARGEST_Z = 17.0
BRIDGE_COLUMNS = (
    "bridge", "title", "contrast", "quantity", "unit", "association", "effect",
    *(f"{side}_{field}" for side in (*_SIDES, "difference")
      for field in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")),
    "p_association_larger", "p_association_larger_new", "draws", "seed", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """One row of the bridge: how r and d are read, None where a reading would not be legitimate."""

    contrast: str
    quantity: str
    unit: str
    of_r: Reading | None
    of_d: Reading
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


def _percent(of: Reading) -> Reading:
    return lambda x: 100 * of(x)


def _after(outer: Reading, inner: Reading) -> Reading:
    return lambda x: outer(inner(x))


def draws_of_mean(document: Record, plan: MonteCarlo) -> Array:
    """Draws of the pooled mean on the metric's scale.

    They depend on the synthesis, the fit and the plan's seed alone, not on what else is drawn.
    """
    return _draws(document, plan, document["se"], document["df"], False)


def draws_of_new(document: Record, plan: MonteCarlo) -> Array | None:
    """Draws of the true value in a new setting: t with samples - 2 df, as in the prediction interval; None without."""
    if document["pi_low"] is None:
        return None
    df = document["samples"] - 2
    half = (document["pi_high"] - document["pi_low"]) / 2
    return _draws(document, plan, half / float(stdtrit(df, 0.5 + document["level"] / 2)), df, True)


def _draws(document: Record, plan: MonteCarlo, scale: float, df: float | None, new: bool) -> Array:
    drawn = document["estimate"] + scale * _quantiles(plan.draws, df)[_order(plan, document["synthesis"], new)]
    if document["metric"] == "z":
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


def differences(association: Record, effect: Record, monte_carlo: MonteCarlo) -> dict[str, tuple[float, float, float]]:
    """Pooled association minus pooled effect in d with its limits, by contrast: as in `bridge`, and nothing else."""
    z, d = draws_of_mean(association, monte_carlo), draws_of_mean(effect, monte_carlo)
    r, centre = np.tanh(z), math.tanh(association["estimate"])
    tails = _tails(association["level"])
    found = {}
    for key, to_d in c.CONTRASTS.items():
        low, high = np.quantile(to_d(r) - d, tails)
        found[key] = (float(to_d(centre)) - effect["estimate"], float(low), float(high))
    return found


def _tails(level: float) -> list[float]:
    return [0.5 - level / 2, 0.5 + level / 2]


def bridge(name: str, plan: Bridge, association: Record, effect: Record, monte_carlo: MonteCarlo) -> list[Record]:
    """The pooled association beside the pooled effect: one row for each reading.

    `estimate` is the reading of the pooled value; `ci` and `pi` are quantiles of the draws for the mean and for a new
    setting. NNT are inverted after the quantiles; a limit behind which the benefit is not above 0 is missing.
    """
    level = association["level"]
    drawn = {
        side: (draws_of_mean(document, monte_carlo), draws_of_new(document, monte_carlo))
        for side, document in zip(_SIDES, (association, effect), strict=True)
    }
    r = tuple(None if z is None else np.tanh(z) for z in drawn["association"])
    rows = []
    for unit in units(monte_carlo.control_response_rates):
        row: Record = dict.fromkeys(BRIDGE_COLUMNS) | {
            "bridge": name,
            "title": plan.title,
            "contrast": unit.contrast,
            "quantity": unit.quantity,
            "unit": unit.unit,
            "association": plan.association,
            "effect": plan.effect,
            "draws": monte_carlo.draws,
            "seed": monte_carlo.seed,
            "note": unit.note,
        }
        effects = tuple(None if d is None else unit.of_d(d) for d in drawn["effect"])
        row |= _fields("effect", unit.of_d(effect["estimate"]), effects, level, unit.inverse)
        if unit.of_r is not None:
            values = tuple(None if x is None else unit.of_r(x) for x in r)
            centre = float(unit.of_r(math.tanh(association["estimate"])))
            row |= _fields("association", centre, values, level, False)
            gaps = tuple(
                None if a is None or b is None else a - b for a, b in zip(values, effects, strict=True)
            )  # fmt: skip
            row |= _fields("difference", centre - float(unit.of_d(effect["estimate"])), gaps, level, False)
            row["p_association_larger"], row["p_association_larger_new"] = (_share_above(gap) for gap in gaps)
        elif row["effect_ci_low"] is None or row["effect_ci_high"] is None:
            row["note"] += "; the interval includes no effect, so it has no finite end"
        rows.append(row)
    return rows


def _share_above(gap: c.Values | None) -> float | None:
    return None if gap is None else float(np.mean(gap > 0) + np.mean(gap == 0) / 2)


def _fields(side: str, centre: c.Values, drawn: tuple[c.Values | None, ...], level: float, inverse: bool) -> Record:
    """Estimate and quantiles under the names of the table; inverted for NNT."""
    tails = _tails(level)
    values: Record = {f"{side}_estimate": float(centre)}
    for kind, sample in zip(("ci", "pi"), drawn, strict=True):
        low, high = (None, None) if sample is None else (float(q) for q in np.quantile(sample, tails))
        values |= {f"{side}_{kind}_low": low, f"{side}_{kind}_high": high}
    if inverse:
        turned = {key: 1 / x if x is not None and x > 0 else None for key, x in values.items()}
        for kind in ("ci", "pi"):
            low, high = turned[f"{side}_{kind}_low"], turned[f"{side}_{kind}_high"]
            turned |= {f"{side}_{kind}_low": high, f"{side}_{kind}_high": low}
        return turned
    return values
