"""How much single studies and samples carry: deletion diagnostics, cumulative meta-analysis, shrunken effects.

Viechtbauer & Cheung (2010), Res Synth Methods 1:112-125; Baujat et al. (2002), Stat Med 21:2641-2652.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.covariance import check_covariance
from synthesis.meta.heterogeneity import others
from synthesis.meta.inputs import check_effects, check_options, check_rho, column, labels
from synthesis.meta.kernel import Array, no_spread
from synthesis.meta.many import Fits, fit_rows
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method
from synthesis.meta.pool import Fit, pool

# Cells of data sets x studies held at once: memory does not grow with the square of the studies.
_CELLS = 1 << 17


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


def _parts(k: int) -> Iterator[NDArray[np.intp]]:
    """Numbers of data sets of k studies that are held at once."""
    step = max(1, _CELLS // k)
    for start in range(0, k, step):
        yield np.arange(start, min(start + step, k))


def _joined(parts: Iterable[Fits]) -> Fits:
    fits = list(parts)
    return Fits(*(np.concatenate([getattr(part, f.name) for part in fits]) for f in fields(Fits)))


def _without_each(y: Array, v: Array, tau2: Tau2Method, ci: CiMethod, level: float = 0.95) -> Fits:
    """The fits without each study."""

    def fitted(rows: NDArray[np.intp]) -> Fits:
        variances = np.tile(v, (len(rows), 1))
        variances[np.arange(len(rows)), rows] = np.inf
        return fit_rows(np.tile(y, (len(rows), 1)), variances, tau2=tau2, ci=ci, level=level)

    return _joined(map(fitted, _parts(len(y))))


def _checked(yi: ArrayLike, vi: ArrayLike, tau2: str, ci: str, least: int, level: float = 0.95) -> tuple[Array, Array]:
    y, v = check_effects(yi, vi, least)
    check_options(tau2, ci, level)
    return y, v


def leave_one_out(
    yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", ci: CiMethod = "hksj", level: float = 0.95
) -> Fits:
    """The pool without each study in turn; `yi`, `vi` (k,), k >= 2; entry i of the result is without study i."""
    y, v = _checked(yi, vi, tau2, ci, 2, level)
    return _without_each(y, v, tau2, ci, level)


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
    V: ArrayLike | None = None,  # noqa: N803 - as `pool`
) -> dict[Hashable, Fit | None]:
    """The pool without each independent sample in turn, in order of first appearance. `V` as `pool`.

    None where the rest cannot be fitted by `model` (too few samples are left for cluster-robust tests).
    """
    y, v = _checked(yi, vi, tau2, ci, 2, level)
    check_options(tau2, ci, level, model)
    check_rho(rho)
    cluster = labels("cluster", cluster, len(y))
    names = list(dict.fromkeys(cluster))
    if len(names) < 2:
        raise InputError([Problem("cluster", "one sample", "at least two samples")])
    near = None
    covariance = None if V is None else check_covariance(V, v, cluster)
    if model != "composites" and len(names) < len(y):
        whole = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=rho if model == "che" else 0.0)
        near = (whole.tau2, whole.omega2)
    refits: dict[Hashable, Fit | None] = {}
    for name in names:
        keep = np.array([c != name for c in cluster])
        rest = [c for c in cluster if c != name]
        try:
            refits[name] = pool(
                y[keep], v[keep], tau2=tau2, ci=ci, cluster=rest, rho=rho, model=model, level=level, near=near,
                V=None if covariance is None else covariance[np.ix_(keep, keep)],
            )  # fmt: skip
        except InputError:
            refits[name] = None
    return refits


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
    y, v = _checked(yi, vi, tau2, ci, 1, level)
    positions = np.arange(len(y)) if order is None else np.argsort(column("order", order, len(y)), kind="stable")
    effects, precision, place = y[positions], v[positions], np.arange(len(y))

    def fitted(rows: NDArray[np.intp]) -> Fits:
        # No data set of this part holds a study beyond the last of its rows.
        studies = slice(0, int(rows[-1]) + 1)
        variances = np.where(place[studies] > rows[:, None], np.inf, precision[studies])
        return fit_rows(np.tile(effects[studies], (len(rows), 1)), variances, tau2=tau2, ci=ci, level=level)

    return positions, _joined(map(fitted, _parts(len(y))))


def influence(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", ci: CiMethod = "wald") -> Influence:
    """Deletion diagnostics of `yi`, `vi`, shape (k,), k >= 3. With hksj every variance has its factor."""
    y, v = _checked(yi, vi, tau2, ci, 3)
    k = len(y)
    whole = pool(y, v, tau2=tau2, ci=ci)
    without = _without_each(y, v, tau2, ci)
    between = whole.tau2 or 0.0
    w = 1 / (v + between)
    hat = w / w.sum()
    change = whole.estimate - without.estimate
    factor, total = _factors(y, v, without, ci)
    deleted = y - without.estimate
    dfbetas = change / np.sqrt(factor / total)
    dffits = change / np.sqrt(factor * hat * (v + without.tau2))
    cook = change**2 / whole.se**2
    # 3 sqrt(p/(k-p)), chi-squared median and 3p/k with p = 1
    marked = (
        (np.abs(dffits) > 3 / np.sqrt(k - 1))
        | (scipy.special.chdtr(1, cook) > 0.5)
        | (hat > 3 / k)
        | (np.abs(dfbetas) > 1)
    )
    return Influence(
        rstudent=deleted / np.sqrt(factor * (v + without.tau2) + without.se**2),
        # v + tau2 - 1/sum(w), formed so that it stays above 0 where one study outweighs all others.
        rstandard=(y - whole.estimate) / np.sqrt((v + between) * others(w) / w.sum()),
        dffits=dffits,
        dfbetas=dfbetas,
        cook=cook,
        cov_ratio=without.se**2 / whole.se**2,
        hat=hat,
        tau2_without=without.tau2,
        q_without=without.q,
        influential=marked,
    )


def deleted_residuals(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML") -> Array:
    """The `rstudent` (k,) of `influence` by Wald's variances, k >= 3, without what else that has."""
    y, v = _checked(yi, vi, tau2, "wald", 3)
    without = _without_each(y, v, tau2, "wald")
    return np.asarray((y - without.estimate) / np.sqrt(v + without.tau2 + without.se**2))


def _factors(y: Array, v: Array, without: Fits, ci: CiMethod) -> tuple[Array, Array]:
    """The factor of each variance under hksj (1 otherwise), and the sum of all weights at its tau2, (k,) each."""
    k = len(y)
    factor, total = np.ones(k), np.empty(k)
    for rows in _parts(k):
        scaled = v + without.tau2[rows, None]
        total[rows] = (1 / scaled).sum(axis=1)
        if not ci.startswith("hksj"):
            continue
        squares = (y - without.estimate[rows, None]) ** 2 / scaled
        squares[np.arange(len(rows)), rows] = 0.0
        rss = squares.sum(axis=1)
        # As in `pool`: where the others are all equal, theirs is the ad hoc interval.
        alike = no_spread(rss, 1 / scaled, np.broadcast_to(y, scaled.shape))
        factors = rss / (k - 2)
        factor[rows] = np.where(alike, 1.0, np.maximum(1.0, factors) if ci == "hksj_adhoc" else factors)
    return factor, total


def baujat(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "FE") -> Baujat:
    """Coordinates of the Baujat plot of `yi`, `vi`, shape (k,), k >= 2."""
    y, v = _checked(yi, vi, tau2, "wald", 2)
    whole = pool(y, v, tau2=tau2, ci="wald")
    without = _without_each(y, v, tau2, "wald")
    return Baujat(
        heterogeneity=(y - whole.estimate) ** 2 / (v + (whole.tau2 or 0.0)),
        influence=(whole.estimate - without.estimate) ** 2 / without.se**2,
    )


def shrunken(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", level: float = 0.95) -> Shrunken:
    """Empirical Bayes effects: each study drawn towards the mean by v/(v + tau2). Raudenbush & Bryk (1985)."""
    y, v = _checked(yi, vi, tau2, "wald", 2, level)
    fit = pool(y, v, tau2=tau2, ci="wald")
    between = fit.tau2 or 0.0
    pull = v / (v + between)
    estimate = pull * fit.estimate + (1 - pull) * y
    se = np.sqrt(pull * between + pull**2 * fit.se**2)
    half = scipy.special.ndtri(0.5 + level / 2) * se
    return Shrunken(estimate, se, estimate - half, estimate + half)
