"""Several effects of one sample, modelled: three-level and correlated-and-hierarchical-effects (CHE) models.

    y_ij = x_ij beta + u_j + w_ij + e_ij,   var u = tau2 (between samples), var w = omega2 (within samples),
    cov(e_ij, e_il) = rho sqrt(v_ij v_il).

rho = 0 is the three-level model of Konstantopoulos (2011) and Van den Noortgate et al. (2013); rho > 0 the CHE model
of Pustejovsky & Tipton (2022), Prev Sci 23:425-438. No Python library fits these with known sampling variances.
The marginal covariance of a sample is a diagonal plus rank two, so that every step costs O(k).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.components import root_of
from synthesis.meta.kernel import Array

_GRID = np.concatenate([[0.0], np.geomspace(1e-4, 30.0, 9)])
_STARTS = 3
# Cells of pairs of variances x effects x columns evaluated at once.
_CELLS = 1 << 18
_NEWTON_STEPS = 60
# Relative change of the variances at which the search ends, and the share of the spread that counts as 0 for it.
_CONVERGED = 1e-9
_FLOOR = 1e-3
_ROUNDING = 1e-12
_SMALLEST_STEP = 1e-10
_WIDTH = 1e-6
# (range of the effects)^2 and largest variance over the smallest variance.
_LARGEST_REACH = 1e10
# A component that ends below this share of the spread is compared with exactly 0.
_NEAR_ZERO = 1e-6


@dataclass(frozen=True, slots=True)
class Blocks:
    """Effects ordered by sample.

    `order` sorts the caller's effects; `starts` are the first positions of samples, `member` the sample of each effect.
    """

    y: Array
    v: Array
    x: Array
    rho: float
    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    member: NDArray[np.intp]
    samples: tuple[Hashable, ...]
    # What every evaluation of the likelihood needs and no variance changes: sqrt(v), v without what effects of a sample
    # share, [x, y], the rows v, sqrt(v) and 1, and log det x'x.
    root: Array = field(init=False, repr=False, compare=False)
    unshared: Array = field(init=False, repr=False, compare=False)
    columns: Array = field(init=False, repr=False, compare=False)
    powers: Array = field(init=False, repr=False, compare=False)
    log_det_x: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", np.sqrt(self.v))
        object.__setattr__(self, "powers", np.array([self.root * self.root, self.root, np.ones_like(self.root)]))
        object.__setattr__(self, "unshared", (1 - self.rho) * self.v)
        object.__setattr__(self, "columns", np.column_stack([self.x, self.y]))
        object.__setattr__(self, "log_det_x", float(np.linalg.slogdet(self.x.T @ self.x)[1]))

    def parts(self, values: Array) -> list[Array]:
        """Values of the effects (k, ...), sample by sample."""
        ends = [*self.starts[1:].tolist(), len(values)]
        return [values[start:end] for start, end in zip(self.starts.tolist(), ends, strict=True)]

    def marginal(self, tau2: float, omega2: float) -> list[Array]:
        """Marginal covariance matrix of each sample, made at once for those of one size."""
        sizes = np.diff(np.append(self.starts, len(self.v)))
        covariances: list[Array] = [np.empty(0)] * len(sizes)
        for size in np.unique(sizes):
            places, diagonal = np.flatnonzero(sizes == size), np.arange(size)
            v = self.v[self.starts[places][:, None] + diagonal]
            sampling = self.rho * np.sqrt(v[:, :, None] * v[:, None, :])
            sampling[:, diagonal, diagonal] = v
            for place, block in zip(places.tolist(), sampling + tau2 + omega2 * np.eye(size), strict=True):
                covariances[place] = block
        return covariances


@dataclass(frozen=True, slots=True)
class Multilevel:
    """A fitted model in the units of yi. `covariance` (p, p) is the model-based one of `beta` (p,).

    `tau2` and `omega2` are the variances between and within samples; `q` is the residual Q under sampling error alone;
    `typical` the variance that I2 sets them against (Higgins & Thompson's, generalised to k - p over tr P).
    """

    beta: Array
    covariance: Array
    tau2: float
    omega2: float
    log_likelihood: float
    q: float
    typical: float
    blocks: Blocks


@dataclass(frozen=True, slots=True)
class _Point:
    """The profiled likelihood at one pair of variances, with its gradient."""

    value: float
    gradient: Array
    beta: Array
    covariance: Array
    q: float
    tr_p: float


def blocks(y: Array, v: Array, x: Array, cluster: Sequence[Hashable], rho: float) -> Blocks:
    """Orders effects (k,) and design (k, p) by sample. Raises InputError for rho outside [0, 1)."""
    if not 0 <= rho < 1:
        raise InputError([Problem("rho", f"{rho:g}", "a correlation of at least 0 and below 1 for this model")])
    positions: dict[Hashable, list[int]] = {}
    for i, sample in enumerate(cluster):
        positions.setdefault(sample, []).append(i)
    order = np.array([i for members in positions.values() for i in members], dtype=np.intp)
    sizes = [len(members) for members in positions.values()]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    member = np.repeat(np.arange(len(sizes)), sizes)
    return Blocks(y[order], v[order], x[order], rho, order, starts, member, tuple(positions))


def _evaluate(b: Blocks, theta: Array, restricted: bool) -> _Point:
    """Profiled (restricted) log-likelihood with its constant, and its gradient in (tau2, omega2).

    V = diag(a) + S C S' with S = [sqrt(v), 1] within samples; solved by the Woodbury identity.
    """
    tau2, omega2 = float(theta[0]), float(theta[1])
    k, p = b.x.shape
    a, s, rho, member = 1 / (b.unshared + omega2), b.root, b.rho, b.member
    ss, st, tt = np.add.reduceat(b.powers * a, b.starts, axis=1)
    # K = C (I + S'A S C)^-1 is symmetric; V^-1 = A - A S K S' A.
    determinant = 1 + rho * ss + tau2 * tt + rho * tau2 * (ss * tt - st * st)
    k11 = rho * (1 + tau2 * tt) / determinant
    k22 = tau2 * (1 + rho * ss) / determinant
    k12 = -rho * tau2 * st / determinant
    az = a[:, None] * b.columns
    sums = np.add.reduceat(np.concatenate([s[:, None] * az, az], axis=1), b.starts, axis=0)
    first, second = sums[:, : p + 1], sums[:, p + 1 :]
    left = k11[:, None] * first + k12[:, None] * second
    right = k12[:, None] * first + k22[:, None] * second
    solved = az - a[:, None] * (s[:, None] * left[member] + right[member])
    vx, vy = solved[:, :p], solved[:, p]
    information = b.x.T @ vx
    covariance = _inverse(information)
    beta = covariance @ (b.x.T @ vy)
    e = vy - vx @ beta
    q = float(e @ (b.y - b.x @ beta))
    log_det = float(np.log(determinant).sum() - np.log(a).sum())
    value = -0.5 * (log_det + q + k * math.log(2 * math.pi))
    # tr(V^-1 G) for G = 11' within samples, and for G = I
    inner = np.add.reduceat(vx, b.starts, axis=0)
    ones = tt - (k11 * st * st + 2 * k12 * st * tt + k22 * tt * tt)
    ss2, st2, tt2 = np.add.reduceat(b.powers * (a * a), b.starts, axis=1)
    trace = float(a.sum() - (k11 * ss2 + 2 * k12 * st2 + k22 * tt2).sum())
    within = np.add.reduceat(e, b.starts)
    gradient = 0.5 * np.array([(within * within).sum() - ones.sum(), e @ e - trace])
    lost = np.array([((inner @ covariance) * inner).sum(), ((vx @ covariance) * vx).sum()])
    if restricted:
        gradient = gradient + 0.5 * lost
        fixed = b.log_det_x - _log_det(information)
        value += 0.5 * (fixed + p * math.log(2 * math.pi))
    return _Point(value, gradient, beta, covariance, q, trace - float(lost[1]))


def _log_det(information: Array) -> float:
    """The logarithm of the determinant of a positive definite matrix."""
    if len(information) == 1 and information[0, 0] > 0:
        return math.log(information[0, 0])
    return float(np.linalg.slogdet(information)[1])


def _inverse(information: Array) -> Array:
    """The inverse of a positive definite matrix, scaled to a diagonal of 1 first."""
    if len(information) == 1 and information[0, 0] > 0:
        # The same steps in plain numbers: most models have a mean alone.
        value = float(information[0, 0])
        unit = 1 / math.sqrt(value)
        root = unit / math.sqrt(value * (unit * unit))
        return np.array([[root * root]])
    scale = 1 / np.sqrt(np.diag(information))
    triangle = np.linalg.cholesky(information * np.outer(scale, scale))
    half = np.linalg.solve(triangle, np.diag(scale))
    return np.asarray(half.T @ half)


def _heights(b: Blocks, thetas: Array, restricted: bool) -> Array:
    """The likelihoods of `_evaluate` at many pairs of variances (n, 2), without gradients: good for choosing starts."""
    step = max(1, _CELLS // b.x.size)
    parts = [_heights_at(b, thetas[i : i + step], restricted) for i in range(0, len(thetas), step)]
    return np.concatenate(parts)


def _heights_at(b: Blocks, thetas: Array, restricted: bool) -> Array:
    tau2, rho, s = thetas[:, :1], b.rho, b.root
    a = 1 / (b.unshared + thetas[:, 1:])

    def total(z: Array) -> Array:
        return np.asarray(np.add.reduceat(z, b.starts, axis=1))

    ss, st, tt = total(s * s * a), total(s * a), total(a)
    determinant = 1 + rho * ss + tau2 * tt + rho * tau2 * (ss * tt - st * st)
    k11, k22 = rho * (1 + tau2 * tt) / determinant, tau2 * (1 + rho * ss) / determinant
    k12 = -rho * tau2 * st / determinant
    columns = b.columns
    az = a[:, :, None] * columns
    first, second = total(s[:, None] * az), total(az)
    left = k11[:, :, None] * first + k12[:, :, None] * second
    right = k12[:, :, None] * first + k22[:, :, None] * second
    solved = az - a[:, :, None] * (s[:, None] * left[:, b.member] + right[:, b.member])
    forms = solved.transpose(0, 2, 1) @ columns
    p = b.x.shape[1]
    information, xy = forms[:, :p, :p], forms[:, :p, p:]
    q = forms[:, p, p] - (xy.transpose(0, 2, 1) @ np.linalg.solve(information, xy))[:, 0, 0]
    height = -0.5 * (np.log(determinant).sum(axis=1) - np.log(a).sum(axis=1) + q)
    return np.asarray(height - 0.5 * np.linalg.slogdet(information)[1] if restricted else height)


def _spread(b: Blocks) -> float:
    """A variance that both components are of the order of: residual mean square plus the smallest variance."""
    residual = b.y - b.x @ np.linalg.lstsq(b.x, b.y, rcond=None)[0]
    return float(residual @ residual / len(b.y) + b.v.min())


def fit_multilevel(
    y: Array,
    v: Array,
    x: Array,
    cluster: Sequence[Hashable],
    *,
    rho: float = 0.0,
    restricted: bool = True,
    within: bool = True,
    between: bool = True,
    near: tuple[float, float] | None = None,
) -> Multilevel:
    """Fits tau2 and omega2 by (restricted) maximum likelihood; `y`, `v` (k,), `x` (k, p), `cluster` (k,).

    `within`, `between` switch a component off. The likelihood is searched on a grid over both variances, including
    their zeros, and its highest points are refined by Newton's method on the free components; the best one counts.
    `near` (tau2, omega2 of almost the same data) stands in for the grid.
    Raises InputError for rho outside [0, 1), and for effects or variances so far apart that no digit would be left.
    """
    check_reach(y, v)
    unit = float(np.median(v))
    b = blocks(y / math.sqrt(unit), v / unit, x, cluster, rho)
    free = np.array([between, within])
    theta, point = _maximise(b, free, restricted, None if near is None else np.array(near) / unit)
    none = _evaluate(b, np.zeros(2), restricted=True)
    k, p = x.shape
    shift = 0.5 * (k - p if restricted else k) * math.log(unit)
    return Multilevel(
        beta=point.beta * math.sqrt(unit),
        covariance=point.covariance * unit,
        tau2=float(theta[0]) * unit,
        omega2=float(theta[1]) * unit,
        log_likelihood=point.value - shift,
        q=max(none.q, 0.0),  # equal effects leave a rounding on either side of 0
        typical=(k - p) / none.tr_p * unit,
        blocks=dataclasses.replace(b, y=y[b.order], v=v[b.order]),
    )


def check_reach(y: Array, v: Array) -> None:
    """Raises InputError where effects or variances are too far apart for the likelihood of a multilevel model."""
    reach = float((np.ptp(y) ** 2 + v.max()) / v.min())
    if reach > _LARGEST_REACH:
        allowed = f"a range of at most {_LARGEST_REACH**0.5:g} times the smallest standard error for a multilevel model"
        hint = "an effect or a variance in other units? Model composites has no such limit"
        raise InputError([Problem("yi, vi", f"{reach**0.5:g} times", allowed, hint)])


def _maximise(b: Blocks, free: NDArray[np.bool_], restricted: bool, near: Array | None) -> tuple[Array, _Point]:
    """The pair of variances with the largest likelihood, and that point; components that are not free stay 0."""
    spread = _spread(b)
    if near is None:
        first = _GRID * spread if free[0] else np.zeros(1)
        second = _GRID * spread if free[1] else np.zeros(1)
        starts = [np.array([t, o]) for t in first for o in second]
        heights = _heights(b, np.array(starts), restricted)
        best = [starts[i] for i in np.argsort(-heights, kind="stable")[:_STARTS]]
    else:
        best = [near * free]
    ends = [_climb(b, start, free, restricted, spread) for start in best]
    for end, _ in list(ends):
        for i in np.flatnonzero(free & (end > 0)):
            if end[i] < _NEAR_ZERO * spread:
                edge = end.copy()
                edge[i] = 0.0
                other = free.copy()
                other[i] = False
                ends.append(_climb(b, edge, other, restricted, spread))
    return ends[int(np.argmax([point.value for _, point in ends]))]


def _climb(b: Blocks, start: Array, free: NDArray[np.bool_], restricted: bool, spread: float) -> tuple[Array, _Point]:
    """Newton's method with step halving, components held at 0 while the likelihood falls there: the end, its point."""
    theta = start.copy()
    point = _evaluate(b, theta, restricted)
    for _ in range(_NEWTON_STEPS):
        active = free & ((theta > 0) | (point.gradient > 0))
        if not active.any():
            return theta, point
        step = _newton_step(b, theta, point, active, restricted, spread)
        size = 1.0
        while size > _SMALLEST_STEP:
            new = np.maximum(0.0, theta + size * step)
            trial = _evaluate(b, new, restricted)
            # Next to the top the likelihood is flat to the last digit, and only the gradient still tells.
            level = abs(trial.value - point.value) <= _ROUNDING * (1 + abs(point.value))
            flatter = np.abs(trial.gradient[active]).max() < np.abs(point.gradient[active]).max()
            if (trial.value > point.value and not level) or (level and flatter):
                break
            size /= 2
        else:
            return theta, point
        moved = float(np.max(np.abs(new - theta) / (theta + _FLOOR * spread)))
        theta, point = new, trial
        if moved < _CONVERGED:
            break
    return theta, point


def _newton_step(
    b: Blocks, theta: Array, point: _Point, active: NDArray[np.bool_], restricted: bool, spread: float
) -> Array:
    """Newton step on the active components; the Hessian by forward differences of the gradient.

    Its error only slows the last steps down: the gradient that ends the search is exact.
    """
    chosen = np.flatnonzero(active)
    hessian = np.zeros((len(chosen), len(chosen)))
    for column, i in enumerate(chosen):
        width = _WIDTH * (theta[i] + 1e-2 * spread)
        up = theta.copy()
        up[i] += width
        slope = _evaluate(b, up, restricted).gradient - point.gradient
        hessian[:, column] = slope[chosen] / width
    hessian = (hessian + hessian.T) / 2
    gradient = point.gradient[chosen]
    values, vectors = np.linalg.eigh(hessian)
    # Where the likelihood is not concave the step still goes uphill.
    values = -np.maximum(np.abs(values), 1e-8 * np.abs(values).max() + 1e-300)
    step = np.zeros(2)
    step[chosen] = -(vectors / values) @ (vectors.T @ gradient)
    limit = 10 * (theta + spread)
    return np.asarray(np.clip(step, -limit, limit))


def variance_interval(model: Multilevel, component: int, level: float, restricted: bool = True) -> tuple[float, float]:
    """Profile-likelihood interval of tau2 (`component` 0) or omega2 (1), the other one maximised anew each time."""
    unit = float(np.median(model.blocks.v))
    old = model.blocks
    b = dataclasses.replace(old, y=old.y / math.sqrt(unit), v=old.v / unit)
    best = np.array([model.tau2, model.omega2]) / unit
    profile = _Profile(b, component, best, restricted, float(scipy.special.chdtri(1, 1 - level)) / 2)
    top = float(best[component])
    far = 2 * max(top, profile.spread)
    while profile.drop(far)[0] <= 0:
        far *= 2
    high = root_of(profile.drop, top, far, far)
    if top == 0:
        return 0.0, high * unit
    at_zero = profile.drop(0.0)[0]
    # Also where the likelihood at zero is that at the top to the last digit.
    if at_zero <= 0:
        return 0.0, high * unit
    # Where the chord of the root of the drop, which is nearly a line, crosses.
    start = top * at_zero / (at_zero + profile.allowed**0.5)
    return root_of(profile.drop, top, 0.0, start) * unit, high * unit


class _Profile:
    """The likelihood of one component, the other one maximised anew each time, from where it was before."""

    def __init__(self, b: Blocks, component: int, best: Array, restricted: bool, allowed: float) -> None:
        self.blocks, self.component, self.restricted, self.allowed = b, component, restricted, allowed
        self.spread, self.top = _spread(b), _evaluate(b, best, restricted).value
        self.free = np.array([component != 0, component != 1])
        self.other = float(best[1 - component])

    def drop(self, t: float) -> tuple[float, float]:
        """Root of the loss of log-likelihood at `t` less that of the `allowed` one, and its slope.

        The slope of a profile is the partial one, since the other component is at its maximum.
        """
        start = np.zeros(2)
        start[self.component], start[1 - self.component] = t, self.other
        theta, point = _climb(self.blocks, start, self.free, self.restricted, self.spread)
        self.other = float(theta[1 - self.component])
        root = math.sqrt(max(0.0, self.top - point.value))
        slope = -float(point.gradient[self.component])
        return root - math.sqrt(self.allowed), slope / (2 * root) if root > 0 else 0.0
