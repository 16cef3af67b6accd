"""Cluster-robust variance of weighted least squares with small-sample corrections.

CR0, CR1: Liang & Zeger (1986), CR1 with m/(m - p). CR2 with Satterthwaite degrees of freedom: Bell & McCaffrey (2002),
Tipton (2015), Pustejovsky & Tipton (2018), J Bus Econ Stat 36:672-683; weights are the inverse of the working
covariance. Our own because PyMARE's CR2 differs where variances differ within clusters (docs/engines.md), and
statsmodels has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.kernel import Array

Correction = Literal["CR0", "CR1", "CR2"]
# Below this many degrees of freedom the t approximation is not trusted: Tipton (2015), Psychol Methods 20:375-393.
LEAST_DF = 4.0
# A variance below this share of the model-based one is rounding error.
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class Robust:
    """Robust covariance (p, p) of coefficients and tests; `df` by Satterthwaite for CR2, else clusters - p.

    `spread`: False for a coefficient whose robust variance is 0 but for rounding (its effects are all equal): it has no
    test, and its statistic and p are NaN.
    """

    covariance: Array
    se: Array
    statistic: Array
    df: Array
    p: Array
    ci_low: Array
    ci_high: Array
    clusters: int
    spread: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Per cluster: X'WA (p, m) and what the working model needs."""

    scores: list[Array]
    bread: Array
    x: list[Array]
    v: list[Array]


def _parts(x: list[Array], v: list[Array], correction: Correction) -> _Parts:
    groups = _by_size(x, v)
    weighted = [np.asarray(xs.transpose(0, 2, 1) @ np.linalg.inv(vs)) for _, xs, vs in groups]
    shares: list[Array] = [np.empty(0)] * len(v)
    for (at, xs, _), score in zip(groups, weighted, strict=True):
        for i, share in zip(at, score @ xs, strict=True):
            shares[i] = share
    bread = np.asarray(np.linalg.inv(sum(shares, np.zeros(1))), dtype=float)
    scores: list[Array] = [np.empty(0)] * len(v)
    for (at, xs, vs), score in zip(groups, weighted, strict=True):
        adjusted = _adjusted(score, xs, vs, bread) if correction == "CR2" else score
        for i, adjusted_score in zip(at, adjusted, strict=True):
            scores[i] = adjusted_score
    return _Parts(scores, bread, x, v)


def _by_size(x: list[Array], v: list[Array]) -> list[tuple[list[int], Array, Array]]:
    """Clusters of one size together: which they are, their designs (n, m, p) and covariances (n, m, m)."""
    places: dict[int, list[int]] = {}
    for i, block in enumerate(v):
        places.setdefault(len(block), []).append(i)
    return [(at, np.array([x[i] for i in at]), np.array([v[i] for i in at])) for at in places.values()]


def _adjusted(scores: Array, x: Array, v: Array, bread: Array) -> Array:
    """X'WA (n, p, m) of CR2 from X'W, for clusters of one size."""
    lower = np.linalg.cholesky(v)
    upper = lower.transpose(0, 2, 1)
    inside = upper @ (v - x @ bread @ x.transpose(0, 2, 1)) @ lower
    values, vectors = np.linalg.eigh((inside + inside.transpose(0, 2, 1)) / 2)
    # A sample that alone carries a coefficient has no residual: its part is 0, not rounding error.
    kept = values > 1e-10 * np.trace(upper @ v @ lower, axis1=1, axis2=2)[:, None]
    if kept.all():
        roots = (vectors / np.sqrt(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    else:
        roots = np.array([(e[:, k] / np.sqrt(w[k])) @ e[:, k].T for e, w, k in zip(vectors, values, kept, strict=True)])
    return np.asarray(scores @ (lower @ roots @ upper))


def robust(
    residuals: list[Array],
    beta: Array,
    x: list[Array],
    v: list[Array],
    correction: Correction = "CR2",
    level: float = 0.95,
    rows: Array | None = None,
) -> Robust:
    """Robust tests of `beta` (p,) given per-cluster residuals (m_j,), designs (m_j, p) and working covariances.

    With `rows` (n, p) the tests are those of `rows` @ beta; the covariance stays that of beta. Raises InputError for
    fewer clusters than coefficients plus one.
    """
    clusters, p = len(x), len(beta)
    if clusters <= p:
        hint = "with so few independent samples their spread cannot be seen; pool without cluster-robust inference"
        raise InputError([Problem("cluster", f"{clusters} samples", f"more samples than coefficients ({p})", hint)])
    parts = _parts(x, v, correction)
    projected = [score @ e for score, e in zip(parts.scores, residuals, strict=True)]
    meat = sum((np.outer(s, s) for s in projected), np.zeros((p, p)))
    covariance = parts.bread @ meat @ parts.bread
    if correction == "CR1":
        covariance = covariance * (clusters / (clusters - p))
    if rows is None:
        rows = np.eye(p)
    if correction == "CR2":
        df = np.array([satterthwaite(parts, row[None]) for row in rows])
    else:
        df = np.full(len(rows), float(clusters - p))
    beta = rows @ beta
    variance = np.diag(rows @ covariance @ rows.T)
    se = np.sqrt(np.maximum(0.0, variance))
    spread = variance > _NO_SPREAD * np.diag(rows @ parts.bread @ rows.T)
    statistic = np.divide(beta, se, out=np.full(len(rows), np.nan), where=spread)
    with np.errstate(invalid="ignore"):
        half = scipy.special.stdtrit(df, 0.5 + level / 2) * se
        tails = 2 * scipy.special.stdtr(df, -abs(statistic))
    return Robust(covariance, se, statistic, df, tails, beta - half, beta + half, clusters, spread)


def too_few_df(df: float) -> str:
    """Why a test below LEAST_DF is not shown."""
    return f"no test: {max(df, 0.0):.1f} degrees of freedom, fewer than {LEAST_DF:g}"


def satterthwaite(parts: _Parts, contrast: Array) -> float:
    """Degrees of freedom of the robust covariance of `contrast` (q, p) under the working model.

    q = 1: Satterthwaite's; q > 1: those of the approximate Hotelling T2, Tipton & Pustejovsky (2015), J Educ Behav
    Stat 40:604-634, eq. 17. 0 where the estimator has no spread in some direction (a sample alone carries a level).
    """
    q = len(contrast)
    rows = [contrast @ parts.bread @ score for score in parts.scores]
    modelled = np.array([g @ vj @ g.T for g, vj in zip(rows, parts.v, strict=True)])
    reach = np.array([g @ xj for g, xj in zip(rows, parts.x, strict=True)])
    shared = (reach @ parts.bread) @ reach.transpose(0, 2, 1)
    # In units of what the estimator is on average; less than the true covariance where a sample alone carries a level.
    values, vectors = np.linalg.eigh((modelled - shared).sum(axis=0))
    if values.min() <= _NO_SPREAD * np.trace(contrast @ parts.bread @ contrast.T):
        return 0.0
    root = (vectors / np.sqrt(values)) @ vectors.T
    return q * (q + 1) / _spread_of_spread(root @ (modelled - shared) @ root, root @ reach, parts.bread)


def _spread_of_spread(left: Array, reach: Array, bread: Array) -> float:
    """Sum over clusters i, j and components s, t of A_ss A_tt + A_st A_ts, in one pass over the clusters.

    A_st(i, j), the covariance of the contributions of clusters i and j, is -reach_is bread reach_jt' between clusters
    and `left` (clusters, q, q) within them; `reach` (clusters, q, p). Between clusters the sums separate: with G_st =
    sum over i of reach_is' reach_it they are tr(bread G_st bread G_st') + tr(bread G_st bread G_st), less i = j.
    """
    shared = (reach @ bread) @ reach.transpose(0, 2, 1)
    gram = np.einsum("pr,isr,itu->stpu", bread, reach, reach, optimize=True)
    between = np.einsum("stpu,tsup->", gram, gram) + np.einsum("stpu,stup->", gram, gram)
    return _within(left) + float(between) - _within(shared)


def _within(blocks: Array) -> float:
    """Sum over clusters of (tr A)^2 + tr AA, `blocks` (clusters, q, q)."""
    traces = np.einsum("iss->i", blocks)
    return float(np.dot(traces, traces) + np.einsum("ist,its->", blocks, blocks))


def wald_test(
    beta: Array, tested: Robust, x: list[Array], v: list[Array], contrast: Array
) -> tuple[float, int, float, float]:
    """Approximate Hotelling T2 test that `contrast` (q, p) times beta is 0: F, its two df, and p. CR2 only."""
    q = len(contrast)
    difference = contrast @ beta
    parts = _parts(x, v, "CR2")
    eta = satterthwaite(parts, contrast)
    df2 = eta - q + 1
    if df2 <= 0:
        hint = "too few independent samples in the levels of this moderator for a test of all"
        raise InputError([Problem("moderators", f"{max(0.0, df2):.2f} degrees of freedom", "more than 0", hint)])
    spread = contrast @ tested.covariance @ contrast.T
    values = np.linalg.eigvalsh(spread)
    modelled = np.linalg.eigvalsh(contrast @ parts.bread @ contrast.T)
    if values[0] <= _NO_SPREAD * max(values[-1], modelled[0]):
        hint = "the effects of a level are all the same, as in a stress test that enters one number for them"
        raise InputError([Problem("moderators", "no spread within a level", "effects that differ", hint)])
    statistic = float(difference @ np.linalg.solve(spread, difference))
    f = statistic * df2 / (eta * q)
    return f, q, df2, float(scipy.special.fdtrc(q, df2, f))


def mean_intervals(
    rows: Array, beta: Array, tested: Robust, x: list[Array], v: list[Array], level: float = 0.95
) -> list[tuple[float, float | None, float | None]]:
    """Mean effect and its limits at design rows (n, p), each with its own Satterthwaite df. CR2 only.

    Limits are None below 4 degrees of freedom and where the effects have no spread.
    """
    parts = _parts(x, v, "CR2")
    means: list[tuple[float, float | None, float | None]] = []
    for row in rows:
        estimate, df = float(row @ beta), satterthwaite(parts, row[None])
        if df < LEAST_DF:
            means.append((estimate, None, None))
            continue
        variance = float(row @ tested.covariance @ row)
        if variance <= _NO_SPREAD * float(row @ parts.bread @ row):
            means.append((estimate, None, None))
            continue
        half = float(scipy.special.stdtrit(df, 0.5 + level / 2) * np.sqrt(variance))
        means.append((estimate, estimate - half, estimate + half))
    return means
