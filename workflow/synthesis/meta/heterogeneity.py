"""What is said about tau2 of one data set: standard error, intervals, I2 and H2, log-likelihood.

Arrays `y`, `v` have shape (k,), `x` is a design (k, p) or None for an intercept alone; k > p, v > 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from synthesis.meta.kernel import Array, Batch, Terms, estimate_tau2, log_likelihood, prepare, solve_q, spread_of, terms
from synthesis.meta.options import Tau2Method

# Relative width of the bracket at which a root is found, and the most steps to get there.
_ROOT_WIDTH = 1e-14
_ROOT_STEPS = 200
# Of a difference of sums, the share of them below which rounding is most of it.
_CANCELLED = 1e-8
IntervalKind = Literal["q_profile", "profile_likelihood"]


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """tau2 and what follows from it, in the squared units of yi; `i2` in percent. None: not defined.

    `q` is Cochran's (residual) Q with `q_df` degrees of freedom; `log_likelihood` is the restricted one for REML and
    the ordinary one otherwise, with its constant, as are `aic` and `bic`. `typical`: the "typical" variance within
    studies of Higgins & Thompson (2002), eq. 9, generalised to a design: (k - p) / tr P.
    """

    tau2: float
    tau2_se: float | None
    i2: float
    h2: float
    q: float
    q_df: int
    log_likelihood: float
    aic: float
    bic: float
    typical: float


def describe(
    y: Array, v: Array, method: Tau2Method, x: Array | None = None, fixed: float | None = None
) -> Heterogeneity:
    """Estimates tau2, or takes it as `fixed`, and describes it.

    I2, H2: Higgins & Thompson (2002) from tau2 and the typical variance; with FE from Q.
    """
    k, p = len(y), 1 if x is None else x.shape[1]
    tau2 = float(estimate_tau2(y[None], v[None], method, x)[0]) if fixed is None else fixed
    batch = prepare(y[None], v[None], x)
    sums = terms(batch.rows(np.array([0, 0])), np.array([0.0, tau2]))
    q, typical = float(sums.q[0]), (k - p) / float(sums.tr_p[0])
    if method == "FE":
        i2, h2 = (max(0.0, 100 * (q - (k - p)) / q) if q else 0.0), q / (k - p)
    else:
        i2, h2 = 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical
    value = _log_likelihood(batch, tau2, method == "REML", x)
    parameters = p + (method != "FE" and fixed is None)
    observations = k - p if method == "REML" else k
    return Heterogeneity(
        tau2=tau2,
        tau2_se=tau2_standard_error(v, tau2, method, batch, sums, x) if fixed is None else None,
        i2=i2,
        h2=h2,
        q=q,
        q_df=k - p,
        log_likelihood=value,
        aic=2 * parameters - 2 * value,
        bic=math.log(observations) * parameters - 2 * value,
        typical=typical,
    )


def full_log_likelihood(y: Array, v: Array, tau2: float, restricted: bool, x: Array | None = None) -> float:
    """(Restricted) log-likelihood at tau2 with its constant. Harville (1974) for the restricted one."""
    return _log_likelihood(prepare(y[None], v[None], x), tau2, restricted, x)


def _log_likelihood(batch: Batch, tau2: float, restricted: bool, x: Array | None) -> float:
    k, p = int(batch.y.shape[1]), batch.p
    value = float(log_likelihood(batch, np.array([tau2]), restricted)[0])
    if not restricted:
        return value - 0.5 * k * math.log(2 * math.pi)
    fixed = math.log(k) if x is None else float(np.linalg.slogdet(x.T @ x)[1])
    return value - 0.5 * (k - p) * math.log(2 * math.pi) + 0.5 * fixed


def tau2_standard_error(
    v: Array, tau2: float, method: Tau2Method, batch: Batch, sums: Terms, x: Array | None
) -> float | None:
    """Asymptotic standard error of tau2, of a `batch` of one data set and its terms at 0 and at tau2, in this order;
    None for FE and the two-step estimators.

    ML, REML: inverse Fisher information, Viechtbauer (2005); DL, HE, HS, SJ: variance of y'Ay for normal y,
    2 tr(ASAS) with S the marginal covariance; PM, PMM, EB: from the information of Q.
    """
    k, p = len(v), batch.p
    match method:
        case "FE" | "DL2" | "HE2":
            return None
        case "ML":
            return math.sqrt(2 / float(sums.s2[1]))
        case "REML":
            return math.sqrt(2 / float(sums.tr_p2[1]))
        case "EB" | "PM" | "PMM":
            return math.sqrt(2 * k * k / (k - p)) / float(sums.s1[1])
        case "HE":
            weights, factor = np.ones(k), 1 / (k - p)
        case "SJ":
            start = float(spread_of(batch)[0])
            if start == 0:
                return None
            weights, factor = 1 / (v + start), start / (k - p)
        case "DL" | "HS" | "HSk":
            weights = 1 / v
            factor = 1 / float(sums.tr_p[0] if method == "DL" else sums.s1[0])
            factor *= k / (k - p) if method == "HSk" else 1
    variance = _quadratic_form_variance(weights, v + tau2, x)
    return None if variance is None else factor * math.sqrt(variance)


def _quadratic_form_variance(weights: Array, marginal: Array, x: Array | None) -> float | None:
    """Variance of the weighted residual sum of squares: 2 tr(PSPS), P the projection with these weights.

    Without a design it is a sum of positive terms, right at any spread of variances. With one, it is a difference, and
    None where rounding is most of it.
    """
    ws = weights * marginal
    if x is None:
        among = others(weights) / weights.sum()
        pairs = weights * ws
        return float(2 * (np.sum((ws * among) ** 2) + np.sum(pairs * others(pairs)) / weights.sum() ** 2))
    basis = np.linalg.qr(np.sqrt(weights)[:, None] * x)[0]
    inner = basis.T @ (ws[:, None] * basis)
    cross = np.einsum("kp,k,kp->", basis, ws * ws, basis)
    whole = float(np.dot(ws, ws))
    variance = 2 * (whole - 2 * float(cross) + float(np.sum(inner * inner)))
    return variance if variance > _CANCELLED * whole else None


def others(values: Array) -> Array:
    """The sum of all values but each, without a difference."""
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    after = np.concatenate([np.cumsum(values[::-1])[-2::-1], [0.0]])
    return np.asarray(before + after)


def tau2_interval(
    y: Array,
    v: Array,
    level: float,
    x: Array | None = None,
    kind: IntervalKind = "q_profile",
    restricted: bool = True,
) -> tuple[float, float]:
    """Confidence interval of tau2.

    q_profile: Viechtbauer (2007), Stat Med 26:37-52; both limits are 0 where even tau2 = 0 leaves Q below its lower
    quantile. profile_likelihood: Hardy & Thompson (1996), from the restricted or the ordinary likelihood.
    """
    unit = float(v.min())
    batch = prepare(y[None] / math.sqrt(unit), v[None] / unit, x)
    if kind == "q_profile":
        tail = (1 - level) / 2
        df = len(y) - batch.p
        quantiles = np.array([scipy.special.chdtri(df, tail), scipy.special.chdtri(df, 1 - tail)])
        low, high = solve_q(batch.rows(np.array([0, 0])), quantiles)
        return float(low * unit), float(high * unit)
    top = float(estimate_tau2(batch.y, batch.v, "REML" if restricted else "ML", batch.x)[0])

    def height(t: float) -> float:
        return float(log_likelihood(batch, np.array([t]), restricted)[0])

    floor = height(top) - float(scipy.special.ndtri(0.5 + level / 2)) ** 2 / 2
    far = 2 * max(top, 1.0)
    while height(far) > floor:
        far *= 2
    low = 0.0 if height(0.0) >= floor else find_root(lambda t: floor - height(t), 0.0, top)
    return low * unit, find_root(lambda t: height(t) - floor, top, far) * unit


def find_root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a function that falls from above 0 at `low` to at most 0 at `high`, to about the last bit.

    The Illinois variant of regula falsi, bisecting whenever it does not halve the bracket. scipy's brentq would do;
    importing scipy.optimize costs each job half a second.
    """
    at_low, at_high = function(low), function(high)
    width = high - low
    for step in range(_ROOT_STEPS):
        if at_high == 0 or high - low <= _ROOT_WIDTH * max(abs(low), abs(high)):
            return high
        if step % 3 == 2 and high - low > width / 2:
            middle = low + (high - low) / 2
        else:
            middle = high - at_high * (high - low) / (at_high - at_low)
        width = high - low if step % 3 == 2 else width
        if not low < middle < high:
            middle = low + (high - low) / 2
        value = function(middle)
        if value > 0:
            low, at_low, at_high = middle, value, at_high / 2
        else:
            high, at_high, at_low = middle, value, at_low / 2
    return high
