"""How much single studies and samples carry: deletion diagnostics, cumulative meta-analysis, shrunken effects.

Viechtbauer & Cheung (2010), Res Synth Methods 1:112-125; Baujat et al. (2002), Stat Med 21:2641-2652.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtr, ndtri

from synthesis.errors import InputError, Problem
from synthesis.meta.kernel import Array, no_spread
from synthesis.meta.many import Fits, pool_many
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method
from synthesis.meta.pool import Fit, check_effects, check_options, pool


@dataclass(frozen=True, slots=True)
class Influence:
    """Deletion diagnostics, arrays of shape (k,) in the order of the studies. NaN: not defined, as 0/0.

    `rstudent`: standardised deleted residual; `dffits`, `dfbetas`, `cook`, `cov_ratio`: change of the estimate (and of
    its variance) without the study; `hat`: share of the weight; `tau2_without`, `q_without`; `rstandard`: internally
    standardised residual; `influential`: |dffits| > 3 sqrt(1/(k-1)), or Cook's distance beyond the median of
    chi-squared(1), or hat > 3/k, or |dfbetas| > 1.
    """

    rstudent: Array
    rstandard: Array
    dffits: Array
    dfbetas: Array
    cook: Array
    cov_ratio: Array
    hat: Array
    tau2_without: Array
    q_without: Array
    influential: Array


@dataclass(frozen=True, slots=True)
class Baujat:
    """Contribution of each study to the residual Q (`heterogeneity`) and to the estimate (`influence`), shape (k,)."""

    heterogeneity: Array
    influence: Array


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Empirical Bayes (best linear unbiased) effect of each study with its interval, shape (k,)."""

    estimate: Array
    se: Array
    low: Array
    high: Array


def _without_each(y: Array, v: Array) -> tuple[Array, Array]:
    k = len(y)
    variances = np.tile(v, (k, 1))
    np.fill_diagonal(variances, np.inf)
    return np.tile(y, (k, 1)), variances


def _checked(yi: ArrayLike, vi: ArrayLike, tau2: str, ci: str, least: int) -> tuple[Array, Array]:
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, 0.95)
    if len(y) < least:
        raise InputError([Problem("yi", f"{len(y)} effects", f"at least {least}")])
    return y, v


def leave_one_out(
    yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", ci: CiMethod = "hksj", level: float = 0.95
) -> Fits:
    """The pool without each study in turn; `yi`, `vi` (k,), k >= 2; entry i of the result is without study i."""
    y, v = _checked(yi, vi, tau2, ci, 2)
    return pool_many(*_without_each(y, v), tau2=tau2, ci=ci, level=level)


def leave_one_sample_out(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable],
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    rho: float = 0.6,
    model: DependenceModel = "composites",
    level: float = 0.95,
) -> dict[Hashable, Fit | None]:
    """The pool without each independent sample in turn, in order of first appearance.

    None where the rest cannot be fitted by `model` (too few samples are left for cluster-robust tests).
    """
    y, v = _checked(yi, vi, tau2, ci, 2)
    names = list(dict.fromkeys(cluster))
    if len(names) < 2:
        raise InputError([Problem("cluster", "one sample", "at least two samples")])
    near = None
    if model != "composites" and len(names) < len(y):
        whole = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=rho if model == "che" else 0.0)
        near = (whole.tau2, whole.omega2)
    found: dict[Hashable, Fit | None] = {}
    for name in names:
        keep = np.array([c != name for c in cluster])
        rest = [c for c in cluster if c != name]
        try:
            found[name] = pool(
                y[keep], v[keep], tau2=tau2, ci=ci, cluster=rest, rho=rho, model=model, level=level, near=near
            )
        except InputError:
            found[name] = None
    return found


def cumulative(
    yi: ArrayLike,
    vi: ArrayLike,
    order: Sequence[float] | None = None,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    level: float = 0.95,
) -> tuple[NDArray[np.intp], Fits]:
    """Positions of the studies sorted by `order` (such as the year; ties keep their order), and the pool of the first
    1, 2, ..., k of them. `yi`, `vi`, `order` (k,)."""
    y, v = _checked(yi, vi, tau2, ci, 1)
    positions = np.arange(len(y)) if order is None else np.argsort(np.asarray(order, dtype=float), kind="stable")
    later = np.triu(np.ones((len(y), len(y)), dtype=bool), 1)
    variances = np.where(later, np.inf, v[positions])
    fits = pool_many(np.tile(y[positions], (len(y), 1)), variances, tau2=tau2, ci=ci, level=level)
    return positions, fits


def influence(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", ci: CiMethod = "wald") -> Influence:
    """Deletion diagnostics of `yi`, `vi`, shape (k,), k >= 3. With hksj every variance has its factor."""
    y, v = _checked(yi, vi, tau2, ci, 3)
    k = len(y)
    whole = pool(y, v, tau2=tau2, ci=ci)
    without = pool_many(*_without_each(y, v), tau2=tau2, ci=ci)
    found = whole.tau2 or 0.0
    w = 1 / (v + found)
    hat = w / w.sum()
    change = whole.estimate - without.estimate
    scaled = v[None, :] + without.tau2[:, None]
    factor = np.ones(k)
    if ci.startswith("hksj"):
        residual = y[None, :] - without.estimate[:, None]
        squares = residual**2 / scaled
        np.fill_diagonal(squares, 0.0)
        factor = squares.sum(axis=1) / (k - 2)
        # As in `pool`: where the others are all equal, theirs is the ad hoc interval.
        alike = no_spread(squares.sum(axis=1), 1 / scaled, np.tile(y, (k, 1)))
        factor = np.where(alike, 1.0, np.maximum(1.0, factor) if ci == "hksj_adhoc" else factor)
    deleted = y - without.estimate
    dfbetas = change / np.sqrt(factor / (1 / scaled).sum(axis=1))
    dffits = change / np.sqrt(factor * hat * (v + without.tau2))
    cook = change**2 / whole.se**2
    # 3 sqrt(p/(k-p)), chi-squared median and 3p/k with p = 1
    marked = (np.abs(dffits) > 3 / np.sqrt(k - 1)) | (chdtr(1, cook) > 0.5) | (hat > 3 / k) | (np.abs(dfbetas) > 1)
    return Influence(
        rstudent=deleted / np.sqrt(factor * (v + without.tau2) + without.se**2),
        # v + tau2 - 1/sum(w), formed so that it stays above 0 where one study outweighs all others.
        rstandard=(y - whole.estimate) / np.sqrt((v + found) * np.where(np.eye(k) > 0, 0.0, w).sum(axis=1) / w.sum()),
        dffits=dffits,
        dfbetas=dfbetas,
        cook=cook,
        cov_ratio=without.se**2 / whole.se**2,
        hat=hat,
        tau2_without=without.tau2,
        q_without=without.q,
        influential=marked,
    )


def baujat(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "FE") -> Baujat:
    """Coordinates of the Baujat plot of `yi`, `vi`, shape (k,), k >= 2."""
    y, v = _checked(yi, vi, tau2, "wald", 2)
    whole = pool(y, v, tau2=tau2, ci="wald")
    without = pool_many(*_without_each(y, v), tau2=tau2, ci="wald")
    return Baujat(
        heterogeneity=(y - whole.estimate) ** 2 / (v + (whole.tau2 or 0.0)),
        influence=(whole.estimate - without.estimate) ** 2 / without.se**2,
    )


def shrunken(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", level: float = 0.95) -> Shrunken:
    """Empirical Bayes effects: each study drawn towards the mean by v/(v + tau2). Raudenbush & Bryk (1985)."""
    y, v = _checked(yi, vi, tau2, "wald", 2)
    fit = pool(y, v, tau2=tau2, ci="wald")
    found = fit.tau2 or 0.0
    pull = v / (v + found)
    estimate = pull * fit.estimate + (1 - pull) * y
    se = np.sqrt(pull * found + pull**2 * fit.se**2)
    half = ndtri(0.5 + level / 2) * se
    return Shrunken(estimate, se, estimate - half, estimate + half)
