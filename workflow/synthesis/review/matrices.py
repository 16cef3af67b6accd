"""Models of single effects written out with whole covariance matrices: the second route to `meta/clustered.py`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthesis.meta.kernel import Array
from synthesis.results.fitted import Fitted


def sampling_by_rho(v: Array, rho: float) -> Array:
    """Sampling covariance of effects with variances `v` (m,) that are correlated `rho`."""
    s = rho * np.sqrt(np.outer(v, v))
    np.fill_diagonal(s, v)
    return s


@dataclass(frozen=True, slots=True)
class Scaled:
    """Effects of a multilevel model, sample by sample, in units of the median variance."""

    scale: float
    y: list[Array]
    v: list[Array]
    sampling: list[Array]
    tau2: float
    omega2: float

    def marginal(self) -> list[Array]:
        """Covariance of the effects of each sample at our variances."""
        return [s + self.tau2 + self.omega2 * np.eye(len(s)) for s in self.sampling]


def scaled(document: Fitted) -> Scaled:
    """The effects of a document, in those units."""
    y = [np.array([m.yi for m in study.members]) for study in document.studies]
    v = [np.array([m.vi for m in study.members]) for study in document.studies]
    scale = float(np.median(np.concatenate(v)))
    rho = document.fit.rho or 0.0 if document.fit.model == "che" else 0.0
    sampling = [
        np.array(study.sampling) / scale if study.sampling else sampling_by_rho(sample_variances / scale, rho)
        for study, sample_variances in zip(document.studies, v, strict=True)
    ]
    variances = (document.fit.tau2 or 0.0) / scale, (document.fit.omega2 or 0.0) / scale
    return Scaled(scale, [a / math.sqrt(scale) for a in y], [a / scale for a in v], sampling, *variances)


def generalised(y: list[Array], marginal: list[Array]) -> float:
    """The mean by generalised least squares from all effects, whitened sample by sample.

    statsmodels GLS with the whole covariance matrix does the same, in as many steps as effects to the third power.
    """
    import statsmodels.api as sm

    left = [np.linalg.inv(np.linalg.cholesky(block)) for block in marginal]
    outcome = np.concatenate([root @ effects for root, effects in zip(left, y, strict=True)])
    design = np.concatenate([root.sum(axis=1) for root in left])
    return float(sm.OLS(outcome, design).fit().params[0])


def residual_q(parts: Scaled) -> float:
    """Q of all effects around their mean under sampling error alone."""
    w = [np.linalg.inv(s) for s in parts.sampling]
    total = math.fsum(float(wj.sum()) for wj in w)
    mean = math.fsum(float((wj @ y).sum()) for wj, y in zip(w, parts.y, strict=True)) / total
    return math.fsum(float((y - mean) @ wj @ (y - mean)) for wj, y in zip(w, parts.y, strict=True))


def model_based(y: list[Array], blocks: list[Array], groups: int | None = None) -> tuple[float, float, float]:
    """The weighted mean with the standard error of the model; df are samples - 1, or `groups` - 1."""
    w = [np.linalg.inv(block) for block in blocks]
    total = math.fsum(float(wj.sum()) for wj in w)
    mean = math.fsum(float((wj @ yj).sum()) for wj, yj in zip(w, y, strict=True)) / total
    return mean, math.sqrt(1 / total), float((groups or len(y)) - 1)


def cr2(y: list[Array], blocks: list[Array]) -> tuple[float, float, float]:
    """The weighted mean, its CR2 standard error and Satterthwaite df, from the hat matrix written out.

    Pustejovsky & Tipton (2018), J Bus Econ Stat 36:672-683, eqs. 8 to 11: with H the hat matrix, the adjustment of a
    sample is the symmetric A with A [(I - H) V (I - H)']_jj A' = V_jj in the sense of their eq. 9, and
    df = (sum g_i'V g_i)^2 / sum over i, j of (g_i'V g_j)^2 with g_i = (I - H)_i' A_i W_i 1 M.
    """
    from scipy.linalg import cholesky, sqrtm

    w = [np.linalg.inv(block) for block in blocks]
    ones = [wj.sum(axis=0) for wj in w]
    m = 1 / math.fsum(float(o.sum()) for o in ones)
    mean = m * math.fsum(float(o @ yj) for o, yj in zip(ones, y, strict=True))
    sizes = np.cumsum([0, *(len(yj) for yj in y)])
    hat_row = m * np.concatenate(ones)
    g = np.zeros((len(y), sizes[-1]))
    meat = 0.0
    for i, (block, wj, yj) in enumerate(zip(blocks, w, y, strict=True)):
        d = cholesky(block)
        a = d.T @ np.linalg.inv(np.real(sqrtm(d @ (block - m) @ d.T))) @ d
        score = m * (a @ wj.sum(axis=1))
        meat += float(score @ (yj - mean)) ** 2
        g[i] = -score.sum() * hat_row
        g[i, sizes[i] : sizes[i + 1]] += score
    spread = np.concatenate(
        [g[:, a:b] @ block for a, b, block in zip(sizes[:-1], sizes[1:], blocks, strict=True)], axis=1
    )
    across = spread @ g.T
    return mean, math.sqrt(meat), float(np.trace(across) ** 2 / np.sum(across * across))


# Points of the grid that are climbed from.
_STARTS = 2


def search(parts: Scaled) -> tuple[float, float]:
    """tau2 and omega2 with the largest restricted likelihood: L-BFGS-B from the best of a grid, then Newton's method.

    Our values are one more start only where the likelihood there is above all that was found without them.
    """
    from scipy.optimize import minimize

    groups = _by_size(parts)

    def falling(theta: Array) -> tuple[float, Array]:
        value, gradient = _restricted(groups, float(theta[0]), float(theta[1]))
        return -value, -gradient

    spread = float(np.var(np.concatenate(parts.y))) + min(float(v.min()) for v in parts.v)
    grid = [0.0, *(np.geomspace(3e-3, 3.0, 4) * spread)]
    starts = sorted((np.array([t, o]) for t in grid for o in grid), key=lambda s: falling(s)[0])[:_STARTS]

    def climbed(start: Array) -> Array:
        options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}
        optimum = minimize(falling, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2, options=options).x
        return _polished(falling, np.asarray(optimum, dtype=float), spread)

    best = min((climbed(start) for start in starts), key=lambda theta: falling(theta)[0])
    ours = np.array([parts.tau2, parts.omega2])
    if falling(ours)[0] < falling(best)[0] - 1e-9:
        best = climbed(ours)
    return float(best[0]), float(best[1])


def _by_size(parts: Scaled) -> list[tuple[Array, Array]]:
    """Effects (n, m) and sampling covariances (n, m, m) of the samples with m effects, for each m."""
    by_size: dict[int, list[tuple[Array, Array]]] = {}
    for y, s in zip(parts.y, parts.sampling, strict=True):
        by_size.setdefault(len(y), []).append((y, s))
    return [(np.array([a for a, _ in pairs]), np.array([s for _, s in pairs])) for pairs in by_size.values()]


def _restricted(groups: Iterable[tuple[Array, Array]], tau2: float, omega2: float) -> tuple[float, Array]:
    """Restricted log-likelihood without its constant, and its gradient in tau2 and omega2. Harville (1977)."""
    parts = []
    for y, sampling in groups:
        marginal = sampling + tau2 + omega2 * np.eye(y.shape[1])
        parts.append((y, np.linalg.inv(marginal), float(np.linalg.slogdet(marginal)[1].sum())))
    total = math.fsum(float(w.sum()) for _, w, _ in parts)
    mean = math.fsum(float(np.einsum("nij,nj->", w, y)) for y, w, _ in parts) / total
    value, trace, square = -math.log(total), np.zeros(2), np.zeros(2)
    for y, w, log_det in parts:
        u = np.einsum("nij,nj->ni", w, y - mean)
        rows = w.sum(axis=2)
        value -= log_det + float(np.sum(u * (y - mean)))
        trace += [
            float(rows.sum()) - float(np.sum(rows.sum(axis=1) ** 2)) / total,
            float(np.einsum("nii->", w)) - float(np.sum(rows**2)) / total,
        ]
        square += [float(np.sum(u.sum(axis=1) ** 2)), float(np.sum(u**2))]
    return value / 2, (square - trace) / 2


def _polished(falling: Any, theta: Array, spread: float) -> Array:
    """A few steps of Newton's method on the components above 0, while they bring the gradient down."""
    free = np.flatnonzero(theta > 0)
    for _ in range(20 if len(free) else 0):
        gradient = falling(theta)[1][free]
        hessian = np.empty((len(free), len(free)))
        for column, i in enumerate(free):
            step = np.zeros(len(theta))
            step[i] = min(1e-4 * (theta[i] + 1e-2 * spread), theta[i] / 2)
            ends = [falling(theta + sign * step)[1][free] for sign in (1, -1)]
            hessian[:, column] = (ends[0] - ends[1]) / (2 * step[i])
        new = theta.copy()
        new[free] -= np.linalg.lstsq((hessian + hessian.T) / 2, gradient, rcond=None)[0]
        if new.min() < 0 or not np.abs(falling(new)[1][free]).max() < np.abs(gradient).max():
            break
        theta = new
    return theta


# --- levels above the sample ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nested:
    """Effects by member of the top level, in units of the median variance. `shares`: of each member a matrix for each
    level, which of its effects are in one member of it; `variances`: ours."""

    scale: float
    y: list[Array]
    sampling: list[Array]
    shares: list[list[Array]]
    variances: Array

    def marginal(self, variances: Array) -> list[Array]:
        """Covariance of the effects of each member."""
        pairs = zip(self.sampling, self.shares, strict=True)
        return [s + np.tensordot(variances, np.array(g), axes=1) for s, g in pairs]


def nested(document: Fitted) -> Nested:
    """The effects of a document with levels above the sample, or crossed random effects."""
    plain = scaled(document)
    if any(level.crossed for level in document.fit.levels):
        return _crossed(document, plain)
    tops: dict[str, list[int]] = {}
    for at, study in enumerate(document.studies):
        tops.setdefault(next(iter(study.held_by.values())), []).append(at)
    y, sampling, shares = [], [], []
    for members in tops.values():
        sizes = [len(plain.y[at]) for at in members]
        levels = [[*document.studies[at].held_by.values(), document.studies[at].sample_id] for at in members]
        labels = [
            [name for name, m in zip(of, sizes, strict=True) for _ in range(m)] for of in zip(*levels, strict=True)
        ]
        grouped = [np.array([[float(a == b) for a in of] for b in of]) for of in labels]
        y.append(np.concatenate([plain.y[at] for at in members]))
        block = np.zeros((len(y[-1]), len(y[-1])))
        for start, m, at in zip(np.cumsum([0, *sizes[:-1]]), sizes, members, strict=True):
            block[start : start + m, start : start + m] = plain.sampling[at]
        sampling.append(block)
        shares.append([*grouped, np.eye(len(y[-1]))][: len(document.fit.levels)])
    ours = np.array([level.variance for level in document.fit.levels]) / plain.scale
    return Nested(plain.scale, y, sampling, shares, ours)


def _crossed(document: Fitted, plain: Scaled) -> Nested:
    """All effects as one member: what is crossed leaves none that is independent of the others."""
    from scipy.linalg import block_diag

    pairs = [(study, member) for study in document.studies for member in study.members]
    named = [[*m.crossed.values(), *study.held_by.values(), study.sample_id] for study, m in pairs]
    shares = [np.array([[float(a == b) for a in of] for b in of]) for of in zip(*named, strict=True)]
    ours = np.array([level.variance for level in document.fit.levels]) / plain.scale
    sampling = block_diag(*plain.sampling)
    return Nested(
        plain.scale, [np.concatenate(plain.y)], [sampling], [[*shares, np.eye(len(pairs))][: len(ours)]], ours
    )


def search_levels(parts: Nested, restricted: bool = True) -> Array:
    """The variances with the largest (restricted) likelihood: L-BFGS-B from several starts, then Newton's method."""
    from scipy.optimize import minimize

    def falling(theta: Array) -> tuple[float, Array]:
        value, gradient = _likelihood_of_levels(parts, theta, restricted)
        return -value, -gradient

    spread = float(np.var(np.concatenate(parts.y))) + min(float(np.diag(s).min()) for s in parts.sampling)
    count = len(parts.variances)
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}

    def climbed(start: Array) -> Array:
        optimum = minimize(falling, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * count, options=options).x
        return _polished(falling, np.asarray(optimum, dtype=float), spread)

    starts = [np.full(count, spread * share) for share in (0.03, 0.3)]
    return min((climbed(start) for start in starts), key=lambda theta: falling(theta)[0])


def _likelihood_of_levels(parts: Nested, theta: Array, restricted: bool) -> tuple[float, Array]:
    """(Restricted) log-likelihood without its constant, and its gradient in the variances. Harville (1977)."""
    w = [np.linalg.inv(block) for block in parts.marginal(theta)]
    total = math.fsum(float(wj.sum()) for wj in w)
    mean = math.fsum(float((wj @ y).sum()) for wj, y in zip(w, parts.y, strict=True)) / total
    value, gradient = -math.log(total) if restricted else 0.0, np.zeros(len(theta))
    for y, wj, shares in zip(parts.y, w, parts.shares, strict=True):
        u, ones = wj @ (y - mean), wj.sum(axis=1)
        value += float(np.linalg.slogdet(wj)[1]) - float(u @ (y - mean))
        gradient += [float(u @ g @ u - np.sum(wj * g) + restricted * ones @ g @ ones / total) for g in shares]
    return value / 2, gradient / 2
