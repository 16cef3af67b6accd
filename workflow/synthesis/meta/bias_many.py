"""Trim and fill, and PET-PEESE, of many data sets at once. Same results as `bias`, row by row."""

from __future__ import annotations

import numpy as np
import scipy

from synthesis.meta.bias import ALPHA
from synthesis.meta.kernel import Array, estimate_tau2, no_spread, without_rounding
from synthesis.meta.many import fits_at, tau2_many
from synthesis.meta.options import Tau2Method

_TRIM_ROUNDS = 100


def trim_fill_many(yi: Array, vi: Array, *, tau2: Tau2Method = "REML") -> tuple[Array, Array]:
    """Effects and variances (n, 2k) with the studies that trim and fill (L0) imputes; vi = inf marks an absent one.

    `yi`, `vi` (n, k), at least 3 studies in each row. As `bias.trim_fill`.
    """
    n, k = yi.shape
    present = np.isfinite(vi)
    count = present.sum(axis=1)
    sign = np.where(_slope(yi, vi, tau2) < 0, -1.0, 1.0)
    order = np.argsort(np.where(present, sign[:, None] * yi, np.inf), axis=1, kind="stable")
    y, v = np.take_along_axis(sign[:, None] * yi, order, axis=1), np.take_along_axis(vi, order, axis=1)
    place = np.arange(k)
    missing, centre = np.zeros(n, dtype=np.intp), np.zeros(n)
    active = np.arange(n)
    for _ in range(_TRIM_ROUNDS):
        active = active[count[active] - missing[active] >= 2]
        if not len(active):
            break
        kept = place < (count[active] - missing[active])[:, None]
        part_y, part_v = y[active], np.where(kept, v[active], np.inf)
        centre[active] = fits_at(part_y, part_v, tau2_many(part_y, part_v, tau2), tau2=tau2, ci="wald").estimate
        observed = place < count[active][:, None]
        largest = np.abs(np.where(observed, part_y, 0.0)).max(axis=1)[:, None]
        shifted = np.where(observed, without_rounding(part_y - centre[active][:, None], largest), np.inf)
        ranks = np.empty((len(active), k))
        by_size = np.argsort(np.abs(shifted), axis=1, kind="stable")
        np.put_along_axis(ranks, by_size, np.broadcast_to(place + 1.0, ranks.shape), axis=1)
        rank_sum = np.where(observed & (shifted > 0), ranks, 0.0).sum(axis=1)
        size = count[active]
        new = np.maximum(0, np.rint((4 * rank_sum - size * (size + 1)) / (2 * size - 1))).astype(np.intp)
        moved = new != missing[active]
        missing[active] = new
        active = active[moved]
    filled = (place < count[:, None]) & (place >= (count - missing)[:, None])
    mirrored = np.where(filled, sign[:, None] * (2 * centre[:, None] - y), 0.0)
    return np.concatenate([yi, mirrored], axis=1), np.concatenate([vi, np.where(filled, v, np.inf)], axis=1)


def _slope(yi: Array, vi: Array, method: Tau2Method) -> Array:
    """Slope of the effects on their standard errors; 0 where these do not vary."""
    present = np.isfinite(vi)
    x = np.sqrt(np.where(present, vi, 0.0))
    varies = np.where(present, vi, -np.inf).max(axis=1) > vi.min(axis=1)
    slope = np.zeros(len(yi))
    if varies.any():
        y, v, x = yi[varies], vi[varies], x[varies]
        design = np.stack([np.ones_like(x), x], axis=2)
        weights = 1 / (v + estimate_tau2(y, v, method, design)[:, None])
        slope[varies] = _weighted(y, x, weights)[1]
    return slope


def _weighted(y: Array, x: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    """Intercept, slope, and the variance of the intercept under weights w, with the residual sum of squares."""
    total = w.sum(axis=1)
    centre = np.einsum("ij,ij->i", w, x) / total
    mean = np.einsum("ij,ij->i", w, y) / total
    away = x - centre[:, None]
    spread = np.einsum("ij,ij,ij->i", w, away, away)
    slope = np.einsum("ij,ij,ij->i", w, away, y) / spread
    intercept = mean - slope * centre
    residual = y - intercept[:, None] - slope[:, None] * x
    return intercept, slope, 1 / total + centre**2 / spread, np.einsum("ij,ij,ij->i", w, residual, residual)


def pet_peese_many(yi: Array, vi: Array, *, level: float = 0.95) -> tuple[Array, Array, Array, Array]:
    """Estimate, limits and two-sided p of PET-PEESE, shape (n,) each. As `bias.pet_peese`.

    `yi`, `vi` (n, k), vi = inf marks an absent study; at least 3 studies in each row, not all of one variance. Limits
    and p are NaN where the effects lie exactly on the line.
    """
    present = np.isfinite(vi)
    w, y = 1 / vi, np.where(present, yi, 0.0)
    df = present.sum(axis=1) - 2.0
    lines = []
    for x in (np.sqrt(np.where(present, vi, 0.0)), np.where(present, vi, 0.0)):
        intercept, _, variance, residual = _weighted(y, x, w)
        # As in `bias.egger`: without residual spread there is no test.
        se = np.where(no_spread(residual, w, y), np.nan, np.sqrt(variance * residual / df))
        lines.append((intercept, se, 2 * scipy.special.stdtr(df, -np.abs(intercept / se))))
    peese = lines[0][2] < 2 * ALPHA
    estimate, se, p = (np.where(peese, b, a) for a, b in zip(*lines, strict=True))
    half = scipy.special.stdtrit(df, 0.5 + level / 2) * se
    return estimate, estimate - half, estimate + half, p
