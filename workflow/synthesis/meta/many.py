"""The same random-effects model fitted to many data sets at once: subsets, permutations, simulations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from synthesis.meta.inputs import check_options, check_rows, option
from synthesis.meta.kernel import Array, estimate_tau2, no_spread
from synthesis.meta.options import CiMethod, Tau2Method, terms

# The HKSJ interval of equal effects has width 0: as in `pool` the ad hoc one instead, or as it is.
EqualEffects = Literal["adhoc", "zero"]


@dataclass(frozen=True, slots=True)
class Fits:
    """One entry per data set, arrays of shape (n,), in the units of yi; `i2` in percent. `count`: studies.

    NaN: not defined for the data set, as the t interval of one study.
    """

    count: Array
    estimate: Array
    se: Array
    statistic: Array
    p: Array
    ci_low: Array
    ci_high: Array
    tau2: Array
    i2: Array
    h2: Array
    q: Array
    q_p: Array


def pool_many(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    level: float = 0.95,
    equal: EqualEffects = "adhoc",
) -> Fits:
    """Fits each row of `yi`, `vi`, shape (n, k); vi = inf marks a study that the row does not hold.

    A row with one study has tau2 = 0 and, for intervals other than wald, no interval (NaN). Same formulas as `pool`:
    where all effects of a row are equal, hksj gives the ad hoc interval. `equal="zero"` leaves it at width 0 with an
    infinite statistic (0 where the effects are 0), for ordering data sets by it. Raises InputError for unknown options,
    rows without a study, and effects and variances that `pool` would refuse.
    """
    y, v = check_rows(yi, vi)
    check_options(tau2, ci, level)
    option("equal", equal, terms(EqualEffects))
    return fit_rows(y, v, tau2=tau2, ci=ci, level=level, equal=equal)


def fit_rows(
    yi: Array,
    vi: Array,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    level: float = 0.95,
    equal: EqualEffects = "adhoc",
) -> Fits:
    """`pool_many` of arguments that were checked."""
    return fits_at(yi, vi, tau2_many(yi, vi, tau2), tau2=tau2, ci=ci, level=level, equal=equal)


def tau2_many(yi: Array, vi: Array, method: Tau2Method = "REML") -> Array:
    """tau2 of each row as `pool_many` has it: 0 for rows of one study."""
    several = np.isfinite(vi).sum(axis=1) > 1
    tau2 = np.zeros(len(yi))
    tau2[several] = estimate_tau2(yi[several], vi[several], method)
    return tau2


def fits_at(
    yi: Array,
    vi: Array,
    known: Array,
    *,
    tau2: Tau2Method,
    ci: CiMethod,
    level: float = 0.95,
    equal: EqualEffects = "adhoc",
) -> Fits:
    """The fits of `pool_many` where tau2 `known` (n,) is known already; `tau2` names the method behind it."""
    present = np.isfinite(vi)
    count = present.sum(axis=1).astype(float)
    several = count > 1
    w = 1 / (vi + known[:, None])
    total = w.sum(axis=1)
    centre = np.where(present, yi, 0.0)
    estimate = np.einsum("ij,ij->i", w, centre) / total
    se = total**-0.5
    df = count - 1
    residual = np.where(present, yi - estimate[:, None], 0.0)
    if ci.startswith("hksj"):
        rss = np.einsum("ij,ij,ij->i", w, residual, residual)
        factor = np.divide(rss, df, out=np.full(len(yi), np.nan), where=several)
        flat = no_spread(rss, w, centre)
        se = se * hksj_scale(factor, flat & several, ci, equal)
    statistic = ratio(estimate, se)
    tail = 0.5 + level / 2
    quantile = np.full(len(yi), scipy.special.ndtri(tail)) if ci == "wald" else scipy.special.stdtrit(df, tail)
    p = 2 * (scipy.special.ndtr(-abs(statistic)) if ci == "wald" else scipy.special.stdtr(df, -abs(statistic)))
    return Fits(
        count, estimate, se, statistic, p, estimate - quantile * se, estimate + quantile * se, known,
        *_heterogeneity(centre, vi, count, known, tau2),
    )  # fmt: skip


def hksj_scale(factor: Array, flat: NDArray[np.bool_], ci: CiMethod, equal: EqualEffects) -> Array:
    """What the standard errors are multiplied by; `factor` (n,), `flat`: data sets of equal effects."""
    if ci == "hksj_adhoc":
        return np.asarray(np.sqrt(np.maximum(1.0, factor)))
    return np.asarray(np.where(flat, 1.0 if equal == "adhoc" else 0.0, np.sqrt(factor)))


def finite(value: float) -> float | None:
    """A number of these arrays as documents have it: None where it is not defined."""
    return float(value) if math.isfinite(value) else None


def ratio(estimate: Array, se: Array) -> Array:
    """estimate / se; infinite where the standard error is 0 and the estimate is not, 0 where both are."""
    away = np.where(estimate == 0, 0.0, np.copysign(np.inf, estimate))
    return np.where(np.isnan(se), np.nan, np.divide(estimate, se, out=away, where=se > 0))


def _heterogeneity(
    y: Array, vi: Array, count: Array, tau2: Array, method: Tau2Method
) -> tuple[Array, Array, Array, Array]:
    w = 1 / vi
    total = w.sum(axis=1)
    mean = np.einsum("ij,ij->i", w, y) / total
    residual = np.where(np.isfinite(vi), y - mean[:, None], 0.0)
    q = np.einsum("ij,ij,ij->i", w, residual, residual)
    df = count - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "FE":
            i2, h2 = np.maximum(0.0, 100 * (q - df) / q), q / df
        else:
            typical = df * total / (total**2 - np.einsum("ij,ij->i", w, w))
            i2, h2 = 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical
    single = count == 1
    i2 = np.where(single | (q == 0) if method == "FE" else single, 0.0, i2)
    return i2, np.where(single, 1.0, h2), q, np.where(single, 1.0, scipy.special.chdtrc(np.maximum(df, 1), q))
