"""z-curve: how often studies like these find something, by a mixture of powers fitted to the significant results alone.

Bartos & Schimmack (2022), Meta-Psychology 6, doi:10.15626/MP.2021.2720, the EM version, with the settings of R's
zcurve 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_effects, check_level, whole
from synthesis.meta.kernel import Array

# Means of the folded normals, SD 1; z beyond the last of the range counts as found with certainty.
_MEANS = np.arange(7.0)
_CRITICAL = float(scipy.special.ndtri(0.975))
_END = 6.0
# What zcurve asks for; its authors recommend many more.
FEWEST, FEW = 10, 100
# Added to either side of a bootstrap interval, from the authors' simulations.
_WIDER_REPLICABILITY, _WIDER_DISCOVERY = 0.03, 0.05
_STEPS, _HALVINGS, _FLAT, _RIDGE = 200, 40, 1e-10, 1e-9
_MOST_BOOTSTRAPS = 100_000


@dataclass(frozen=True, slots=True)
class ZCurve:
    """Shares of significant results: `observed` among all, `discovery` expected, `replicability` of the significant.

    `discovery`: the mean power of all studies that were done; `replicability`: how many of the significant ones would
    be significant again, in the same direction. `weights` of the means 0 to 6 and of what is beyond z = 6 among the
    significant; `missing`: studies without a significant result for each one with it, if `discovery` is right. Limits
    are None without bootstraps.
    """

    k: int
    significant: int
    fitted: int
    observed: float
    discovery: float
    discovery_low: float | None
    discovery_high: float | None
    replicability: float
    replicability_low: float | None
    replicability_high: float | None
    missing: float
    weights: tuple[float, ...]
    log_likelihood: float
    bootstraps: int
    seed: int | None
    notes: tuple[str, ...]


def z_curve(yi: ArrayLike, vi: ArrayLike, *, bootstraps: int = 0, seed: int = 1, level: float = 0.95) -> ZCurve:
    """z-curve of `yi` / sqrt(`vi`), shape (k,), whatever its sign; significant two-sided at .05.

    The significant z up to 6 are a mixture of folded normals of means 0 to 6 and SD 1, cut at 1.96 and 6; its weights
    by maximum likelihood. With P2 the two-sided power of a mean, P1 the one in its direction and w its weight among the
    significant, discovery = 1 / sum(w / P2), replicability = sum(w P1). `bootstraps` resamples of all z give percentile
    limits, widened by .05 and .03 as the authors do; 0: none. Raises InputError for bad effects and options, and for
    fewer than 10 significant z up to 6.
    """
    y, v = check_effects(yi, vi)
    whole("bootstraps", bootstraps, 0, _MOST_BOOTSTRAPS)
    whole("seed", seed, 0)
    check_level(level)
    z = np.abs(y) / np.sqrt(v)
    fitted = int(((z > _CRITICAL) & (z < _END)).sum())
    if fitted < FEWEST:
        where = f"{fitted} significant effects of {len(z)} (z from 1.96 to 6)"
        raise InputError([Problem("yi, vi", where, f"at least {FEWEST}", "z-curve is fitted to these alone")])
    rates = _rates(z)
    limits = _limits(z, bootstraps, seed, level)
    significant = int((z > _CRITICAL).sum())
    few = (f"{fitted} significant effects; its authors recommend many more than {FEWEST}",) if fitted < FEW else ()
    return ZCurve(
        k=len(z),
        significant=significant,
        fitted=fitted,
        observed=significant / len(z),
        discovery=rates.discovery,
        discovery_low=limits[0],
        discovery_high=limits[1],
        replicability=rates.replicability,
        replicability_low=limits[2],
        replicability_high=limits[3],
        missing=(1 - rates.discovery) / rates.discovery,
        weights=rates.weights,
        log_likelihood=rates.log_likelihood,
        bootstraps=bootstraps,
        seed=seed if bootstraps else None,
        notes=few,
    )


@dataclass(frozen=True, slots=True)
class _Rates:
    discovery: float
    replicability: float
    weights: tuple[float, ...]
    log_likelihood: float


def _rates(z: Array) -> _Rates:
    """Of |z| (k,), at least one of which is significant."""
    inside = z[(z > _CRITICAL) & (z < _END)]
    beyond = (z >= _END).sum() / (z > _CRITICAL).sum()
    weights, log_likelihood = np.zeros(len(_MEANS)), 0.0
    if len(inside):
        density = _densities(inside)
        weights = _mixture(density)
        log_likelihood = float(np.log(density @ weights).sum())
    one_sided = np.append(scipy.special.ndtr(_MEANS - _CRITICAL), 1.0)
    two_sided = np.append(one_sided[:-1] + scipy.special.ndtr(-_MEANS - _CRITICAL), 1.0)
    whole_weights = np.append(weights * (1 - beyond), beyond)
    return _Rates(
        discovery=float(1 / (whole_weights / two_sided).sum()),
        replicability=float(whole_weights @ one_sided),
        weights=tuple(map(float, whole_weights)),
        log_likelihood=log_likelihood,
    )


def _densities(z: Array) -> Array:
    """Of each z (n,) under each mean, folded and cut at both ends: (n, means)."""
    away, back = z[:, None] - _MEANS, z[:, None] + _MEANS
    folded = (np.exp(-0.5 * away**2) + np.exp(-0.5 * back**2)) / np.sqrt(2 * np.pi)
    right = scipy.special.ndtr(_END - _MEANS) - scipy.special.ndtr(_CRITICAL - _MEANS)
    left = scipy.special.ndtr(-_CRITICAL - _MEANS) - scipy.special.ndtr(-_END - _MEANS)
    return np.asarray(folded / (right + left))


def _mixture(density: Array) -> Array:
    """Weights (means,) that maximise sum log(density @ weights), by Newton's method projected on weights >= 0.

    The minimum of sum(weights) - mean log(density @ weights), which is convex, has weights that sum to 1.
    """
    w = np.full(density.shape[1], 1 / density.shape[1])

    def value(at: Array) -> float:
        mixed = density @ at
        return float(at.sum() - np.log(mixed).mean()) if (mixed > 0).all() else np.inf

    for _ in range(_STEPS):
        ratio = density / (density @ w)[:, None]
        slope = 1 - ratio.mean(axis=0)
        free = (w > 0) | (slope < 0)
        if np.abs(slope[free]).max() < _FLAT:
            break
        curvature = ratio[:, free].T @ ratio[:, free] / len(ratio)
        step = np.zeros_like(w)
        step[free] = -np.linalg.solve(curvature + _RIDGE * np.eye(int(free.sum())), slope[free])
        now, size = value(w), 1.0
        for _ in range(_HALVINGS):
            new = np.maximum(0.0, w + size * step)
            if value(new) < now:
                break
            size /= 2
        else:
            break
        w = new
    return np.asarray(w / w.sum())


def _limits(
    z: Array, bootstraps: int, seed: int, level: float
) -> tuple[float | None, float | None, float | None, float | None]:
    """Widened percentiles of discovery and of replicability; resamples without a significant z are drawn again."""
    if not bootstraps:
        return None, None, None, None
    rng = np.random.default_rng(seed)
    resampled: list[tuple[float, float]] = []
    while len(resampled) < bootstraps:
        drawn = z[rng.integers(0, len(z), len(z))]
        if (drawn > _CRITICAL).any():
            rates = _rates(drawn)
            resampled.append((rates.discovery, rates.replicability))
    low, high = np.quantile(np.array(resampled), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return (
        max(0.05, float(low[0]) - _WIDER_DISCOVERY),
        min(1.0, float(high[0]) + _WIDER_DISCOVERY),
        max(0.025, float(low[1]) - _WIDER_REPLICABILITY),
        min(1.0, float(high[1]) + _WIDER_REPLICABILITY),
    )
