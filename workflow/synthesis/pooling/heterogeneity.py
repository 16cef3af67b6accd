"""Between-study variance tau2 of an intercept-only model: estimators, standard error, Q-profile interval.

Our own because PyMARE and statsmodels lack HS, SJ, EB and (safely) PM, and return tau2 = 0 where one variance
dwarfs the rest; `tests/test_pool.py` compares every estimator with metafor.
All functions take arrays `yi`, `vi` of shape (k,), k >= 2, finite, vi > 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from synthesis.models.vocabulary import Tau2Method

Array = NDArray[np.float64]

# Points of the likelihood's search grid per decade of tau2; the likelihood can have several maxima.
_GRID_PER_DECADE = 24


def weighted_mean(yi: Array, wi: Array) -> float:
    """Sum of wi yi over the sum of wi."""
    return float(np.dot(wi, yi) / wi.sum())


def generalized_q(yi: Array, vi: Array, tau2: float) -> float:
    """Q(tau2) = sum of (yi - mean)^2 / (vi + tau2), the mean being weighted likewise. DerSimonian & Kacker (2007)."""
    wi = 1 / (vi + tau2)
    return float(np.dot(wi, (yi - weighted_mean(yi, wi)) ** 2))


def typical_variance(vi: Array) -> float:
    """The "typical" within-study variance of Higgins & Thompson (2002), eq. 9, behind I2 and H2."""
    wi = 1 / vi
    total = wi.sum()
    return float((len(vi) - 1) * total / (total**2 - np.dot(wi, wi)))


def estimate_tau2(yi: Array, vi: Array, method: Tau2Method) -> float:
    """tau2 >= 0 by `method`, in the squared units of yi. FE gives 0.

    DL: DerSimonian & Laird (1986); HE: Hedges & Olkin (1985), ch. 9; HS: Hunter & Schmidt (1990), as in
    Viechtbauer (2005); SJ: Sidik & Jonkman (2005); ML, REML: Viechtbauer (2005), J Educ Behav Stat 30:261-293;
    EB: Morris (1983), the same root as PM for this model; PM: Paule & Mandel (1982).
    """
    if method == "FE":
        return 0.0
    # One unit for all data: thresholds below are then free of the data's scale.
    scale = float(np.median(vi))
    y, v = (yi - np.median(yi)) / np.sqrt(scale), vi / scale
    return max(0.0, _ESTIMATORS[method](y, v)) * scale


def _dl(y: Array, v: Array) -> float:
    w = 1 / v
    c = w.sum() - np.dot(w, w) / w.sum()
    return float((generalized_q(y, v, 0.0) - (len(y) - 1)) / c)


def _he(y: Array, v: Array) -> float:
    return float(np.var(y, ddof=1) - v.mean())


def _hs(y: Array, v: Array) -> float:
    return float((generalized_q(y, v, 0.0) - len(y)) / (1 / v).sum())


def _sj_start(y: Array) -> float:
    return float(np.var(y))


def _sj(y: Array, v: Array) -> float:
    start = _sj_start(y)
    if start == 0:
        return 0.0
    return start * generalized_q(y, v, start) / (len(y) - 1)


def _pm(y: Array, v: Array) -> float:
    return _root_of_q(y, v, len(y) - 1)


def _root_of_q(y: Array, v: Array, target: float) -> float:
    """The tau2 >= 0 with Q(tau2) = target, or 0 where Q(0) is already below it. Q falls monotonically."""
    if generalized_q(y, v, 0.0) <= target:
        return 0.0
    upper = float(np.ptp(y) ** 2 * len(y) / target) + float(v.max())
    return bisect(lambda t: generalized_q(y, v, t) - target, 0.0, upper)


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a function that falls from above 0 at `low` to at most 0 at `high`, to the last bit.

    scipy's brentq would do; importing scipy.optimize costs each job half a second.
    """
    low, high = float(low), float(high)
    while low < (middle := low + (high - low) / 2) < high:
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return high


def _score(y: Array, v: Array, tau2: float, restricted: bool) -> float:
    """Twice the derivative of the (restricted) log-likelihood in tau2."""
    w = 1 / (v + tau2)
    total = w.sum()
    score = np.dot(w * w, (y - np.dot(w, y) / total) ** 2) - total
    return float(score + np.dot(w, w) / total if restricted else score)


def log_likelihood(y: Array, v: Array, tau2: float, restricted: bool) -> float:
    """(Restricted) log-likelihood at tau2 with the mean profiled out, up to a constant."""
    w = 1 / (v + tau2)
    total = w.sum()
    value = -0.5 * (np.log(v + tau2).sum() + np.dot(w, (y - np.dot(w, y) / total) ** 2))
    return float(value - 0.5 * np.log(total) if restricted else value)


def _likelihood(y: Array, v: Array, restricted: bool) -> float:
    """Global maximum over tau2 >= 0: every sign change of the score on a fine grid is refined and compared."""
    low = float(v.min()) * 1e-8
    high = 10 * (float(np.ptp(y)) ** 2 + float(v.max()))
    points = int(np.ceil(np.log10(high / low) * _GRID_PER_DECADE)) + 2
    grid = np.concatenate([[0.0], np.geomspace(low, high, points)])
    scores = np.array([_score(y, v, t, restricted) for t in grid])
    candidates = [0.0] if scores[0] <= 0 else []
    for i in np.flatnonzero((scores[:-1] > 0) & (scores[1:] <= 0)):
        candidates.append(bisect(lambda t: _score(y, v, t, restricted), grid[i], grid[i + 1]))
    return max(candidates, key=lambda t: log_likelihood(y, v, t, restricted))


_ESTIMATORS: dict[str, Callable[[Array, Array], float]] = {
    "DL": _dl,
    "HE": _he,
    "HS": _hs,
    "SJ": _sj,
    "PM": _pm,
    "EB": _pm,
    "ML": lambda y, v: _likelihood(y, v, restricted=False),
    "REML": lambda y, v: _likelihood(y, v, restricted=True),
}


def tau2_standard_error(yi: Array, vi: Array, tau2: float, method: Tau2Method) -> float | None:
    """Asymptotic standard error of tau2 (moment estimators: from the variance of their quadratic form).

    ML, REML: inverse Fisher information, Viechtbauer (2005); DL, HE, HS, SJ: variance of y'Ay for normal y,
    2 tr(A S A S) with S the marginal covariance; PM, EB: from the information of Q. None for FE.
    """
    k = len(yi)
    wi = 1 / (vi + tau2)
    match method:
        case "FE":
            return None
        case "ML":
            return float(np.sqrt(2 / np.dot(wi, wi)))
        case "REML":
            s1, s2, s3 = wi.sum(), np.dot(wi, wi), np.dot(wi * wi, wi)
            return float(np.sqrt(2 / (s2 - 2 * s3 / s1 + (s2 / s1) ** 2)))
        case "EB" | "PM":
            return float(np.sqrt(2 * k * k / (k - 1)) / wi.sum())
        case "HE":
            weights, factor = np.ones(k), 1 / (k - 1)
        case "SJ":
            start = _sj_start(yi)
            if start == 0:
                return None
            weights, factor = 1 / (vi + start), start / (k - 1)
        case "DL" | "HS":
            weights = 1 / vi
            total = weights.sum()
            factor = 1 / (total if method == "HS" else total - np.dot(weights, weights) / total)
    return float(factor * np.sqrt(_quadratic_form_variance(weights, vi + tau2)))


def _quadratic_form_variance(weights: Array, marginal: Array) -> float:
    """Variance of the weighted sum of squares around its weighted mean: 2 tr(P S P S), P = W - ww'/sum(w)."""
    w, s, total = weights, marginal, weights.sum()
    diagonal = np.dot(w * s, w * s)
    cross = np.dot(w**3, s**2) / total
    square = (np.dot(w * w, s) / total) ** 2
    return float(2 * (diagonal - 2 * cross + square))


def q_profile(yi: Array, vi: Array, level: float) -> tuple[float, float]:
    """Q-profile confidence interval of tau2. Viechtbauer (2007), Stat Med 26:37-52.

    Both limits are 0 where even tau2 = 0 leaves Q below its lower quantile (the interval is empty).
    """
    scale = float(np.median(vi))
    y, v = (yi - np.median(yi)) / np.sqrt(scale), vi / scale
    tail = (1 - level) / 2
    df = len(yi) - 1
    upper, lower = float(chdtri(df, tail)), float(chdtri(df, 1 - tail))
    return _root_of_q(y, v, upper) * scale, _root_of_q(y, v, lower) * scale
