"""Levels within levels (papers, samples, effects) with any sampling covariance, by restricted maximum likelihood.

    y = X beta + sum over levels of Z_l u_l + e,   var u_l = variance_l I,   cov e = V.

Three levels: Konstantopoulos (2011), Res Synth Methods 2:61-76. The likelihood and its derivatives are dense, by blocks
of the top level; `multilevel.py` is the fast way for samples with one correlation.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.covariance import check_covariance
from synthesis.meta.heterogeneity import find_root
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import check_reach
from synthesis.meta.robust import Robust, robust

_STARTS = (0.0, 0.1, 1.0)
_CLIMBED = 3
_STEPS = 100
_CONVERGED = 1e-10
_SMALLEST_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Nested:
    """A fitted model in the units of yi. `variances`: one per level, the top one first, that of effects last.

    `beta` (p,), its model-based `covariance` (p, p), `tested` by CR2 clustered at the top level; `log_likelihood` is
    restricted; `q` the residual Q under sampling error alone, `typical` the variance that I2 sets the others against.
    `weights` (k,) in percent, of the effects as they were given: the rows of the inverse marginal covariance, added up.
    """

    beta: Array
    covariance: Array
    variances: tuple[float, ...]
    log_likelihood: float
    q: float
    typical: float
    tested: Robust
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """The effects of one member of the top level; `levels` (levels, m, m): which effects share each level."""

    at: tuple[int, ...]
    y: Array
    x: Array
    v: Array
    levels: Array

    def marginal(self, theta: Array) -> Array:
        return np.asarray(self.v + np.tensordot(theta, self.levels, axes=1))


@dataclass(frozen=True, slots=True)
class _Point:
    value: float
    gradient: Array
    information: Array
    beta: Array
    covariance: Array
    q: float
    tr_p: float


def fit_nested(
    yi: ArrayLike,
    vi: ArrayLike,
    levels: Sequence[Sequence[Hashable]],
    *,
    covariance: ArrayLike | None = None,
    x: Array | None = None,
    level: float = 0.95,
) -> Nested:
    """Fits nested levels above the effect. `levels`: the labels (k,) of each level, the top one first, as
    [paper, sample]; a sample is one within its paper. `covariance` (k, k) is the sampling one, 0 between members of the
    top level; diagonal `vi` if left out. `x` (k, p): a constant if left out.

    Raises InputError for labels of another length, a matrix that `check_covariance` refuses, effects too far apart for
    a likelihood, and no more members of the top level than coefficients.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if not levels or any(len(labels) != len(y) for labels in levels):
        counts = ", ".join(str(len(labels)) for labels in levels) or "none"
        raise InputError([Problem("levels", f"{counts} labels", f"one per effect, that is {len(y)}, for each level")])
    check_reach(y, v)
    sampling = np.diag(v) if covariance is None else check_covariance(covariance, v, levels[0])
    design = np.ones((len(y), 1)) if x is None else x
    unit = float(np.median(v))
    blocks = _blocks(y / math.sqrt(unit), sampling / unit, design, levels)
    theta = _maximise(blocks, np.ones(len(levels) + 1, dtype=bool))
    point, none = _evaluate(blocks, theta), _evaluate(blocks, np.zeros(len(theta)))
    marginal = [block.marginal(theta) for block in blocks]
    tested = robust(
        [math.sqrt(unit) * (b.y - b.x @ point.beta) for b in blocks], point.beta * math.sqrt(unit),
        [b.x for b in blocks], [m * unit for m in marginal], level=level,
    )  # fmt: skip
    k, p = design.shape
    weights = np.empty(k)
    for block, m in zip(blocks, marginal, strict=True):
        weights[list(block.at)] = np.linalg.solve(m, np.ones(len(m)))
    return Nested(
        beta=point.beta * math.sqrt(unit),
        covariance=point.covariance * unit,
        variances=tuple(float(t) * unit for t in theta),
        log_likelihood=point.value - 0.5 * (k - p) * math.log(unit),
        q=max(none.q, 0.0),
        typical=(k - p) / none.tr_p * unit,
        tested=tested,
        weights=tuple((100 * weights / weights.sum()).tolist()),
    )


def _blocks(y: Array, v: Array, x: Array, levels: Sequence[Sequence[Hashable]]) -> list[_Block]:
    # A sample is one within its paper: the same name in two papers is two samples.
    inside = [list(zip(*levels[: depth + 1], strict=True)) for depth in range(len(levels))]
    positions: dict[Hashable, list[int]] = {}
    for i, name in enumerate(levels[0]):
        positions.setdefault(name, []).append(i)
    blocks = []
    for members in positions.values():
        shares = [np.array([[float(labels[i] == labels[j]) for j in members] for i in members]) for labels in inside]
        shares.append(np.eye(len(members)))
        blocks.append(_Block(tuple(members), y[members], x[members], v[np.ix_(members, members)], np.array(shares)))
    return blocks


def _evaluate(blocks: Sequence[_Block], theta: Array) -> _Point:
    """Restricted log-likelihood, its gradient (Harville 1977, J Am Stat Assoc 72) and its average information.

    That is the mean of observed and expected information, y'P G_i P G_j P y / 2: Gilmour, Thompson & Cullis (1995),
    Biometrics 51:1440-1450.
    """
    inverse = [np.linalg.inv(block.marginal(theta)) for block in blocks]
    p, count = blocks[0].x.shape[1], len(theta)
    solved = [w @ np.column_stack([b.x, b.y]) for b, w in zip(blocks, inverse, strict=True)]
    forms = sum((b.x.T @ s for b, s in zip(blocks, solved, strict=True)), np.zeros((p, p + 1)))
    covariance = np.linalg.inv(forms[:, :p])
    beta = covariance @ forms[:, p]
    log_det, q, trace = 0.0, 0.0, 0.0
    gradient, average, reach = np.zeros(count), np.zeros((count, count)), np.zeros((p, count))
    for b, w, s in zip(blocks, inverse, solved, strict=True):
        wx, e = s[:, :p], s[:, p] - s[:, :p] @ beta
        projected = w - wx @ covariance @ wx.T
        log_det -= float(np.linalg.slogdet(w)[1])
        q += float(e @ (b.y - b.x @ beta))
        trace += float(np.trace(projected))
        moved = b.levels @ e
        gradient += 0.5 * (moved @ e - np.einsum("lij,ij->l", b.levels, projected))
        average += 0.5 * moved @ w @ moved.T
        reach += wx.T @ moved.T
    information = average - 0.5 * reach.T @ covariance @ reach
    k = sum(len(b.at) for b in blocks)
    xx = sum((b.x.T @ b.x for b in blocks), np.zeros((p, p)))
    fixed = float(np.linalg.slogdet(xx)[1] + np.linalg.slogdet(covariance)[1])
    value = -0.5 * (log_det + q + (k - p) * math.log(2 * math.pi) - fixed)
    return _Point(value, gradient, information, np.asarray(beta, dtype=float), np.asarray(covariance), q, trace)


def _spread(blocks: Sequence[_Block]) -> float:
    y, x = np.concatenate([b.y for b in blocks]), np.concatenate([b.x for b in blocks])
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(residual @ residual / len(y)) + min(float(np.diag(b.v).min()) for b in blocks)


def _maximise(blocks: Sequence[_Block], free: NDArray[np.bool_]) -> Array:
    """The variances with the largest restricted likelihood, from several starts."""
    spread, count = _spread(blocks), len(free)
    starts = np.array(np.meshgrid(*[np.array(_STARTS) * spread] * count)).reshape(count, -1).T
    heights = np.array([_evaluate(blocks, start).value for start in starts])
    highest = np.argsort(-heights, kind="stable")[:_CLIMBED]
    ends = [_climb(blocks, starts[i], free, spread) for i in highest]
    return ends[int(np.argmax([_evaluate(blocks, end).value for end in ends]))]


def _climb(blocks: Sequence[_Block], start: Array, free: NDArray[np.bool_], spread: float) -> Array:
    """Average-information steps, halved where they overshoot; a variance stays 0 while the likelihood falls there."""
    theta, point = start.copy(), _evaluate(blocks, start)
    for _ in range(_STEPS):
        active = free & ((theta > 0) | (point.gradient > 0))
        if not active.any():
            return theta
        step = np.zeros(len(theta))
        held = np.ix_(active, active)
        step[active] = np.linalg.lstsq(point.information[held], point.gradient[active], rcond=None)[0]
        size = 1.0
        while size > _SMALLEST_STEP:
            new = np.maximum(0.0, theta + size * step)
            trial = _evaluate(blocks, new)
            if trial.value >= point.value:
                break
            size /= 2
        else:
            return theta
        moved = float(np.abs(new - theta).max())
        theta, point = new, trial
        if moved < _CONVERGED * spread:
            return theta
    return theta


def nested_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    levels: Sequence[Sequence[Hashable]],
    fitted: Nested,
    component: int,
    *,
    covariance: ArrayLike | None = None,
    x: Array | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """Profile-likelihood interval of `fitted.variances[component]`, the others maximised anew each time.

    The other arguments are those of `fit_nested`, whose result `fitted` is.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    unit = float(np.median(v))
    sampling = np.diag(v) if covariance is None else check_covariance(covariance, v, levels[0])
    blocks = _blocks(y / math.sqrt(unit), sampling / unit, np.ones((len(y), 1)) if x is None else x, levels)
    best = np.array(fitted.variances) / unit
    free = np.arange(len(best)) != component
    floor = _evaluate(blocks, best).value - float(scipy.special.chdtri(1, 1 - level)) / 2

    def above(t: float) -> float:
        start = np.where(free, best, t)
        return _evaluate(blocks, _climb(blocks, start, free, _spread(blocks))).value - floor

    top = float(best[component])
    far = 2 * max(top, _spread(blocks))
    while above(far) > 0:
        far *= 2
    low = 0.0 if top == 0 or above(0.0) >= 0 else find_root(lambda t: -above(t), 0.0, top)
    return low * unit, find_root(above, top, far) * unit
