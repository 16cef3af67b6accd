"""The likelihood of variance components under any sampling covariance, dense by blocks; its maximum and its profile.

y = X beta + sum over components of Z_c u_c + e,   var u_c = variance_c I,   cov e = V.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.meta.kernel import Array

_STARTS = (0.0, 0.1, 1.0)
_CLIMBED = 3
_STEPS = 100
_CONVERGED = 1e-10
_SMALLEST_STEP = 1e-6
_ROUNDING = 1e-14
_NEWTON_STEPS = 60
# Relative length of the last Newton step towards a limit: what is left is about its square.
_LAST_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class Block:
    """Effects that share nothing with others, at the positions `at`; `levels` (components, m, m): which of them share a
    member of each component; `v` (m, m): sampling covariance, `x` (m, p)."""

    at: tuple[int, ...]
    y: Array
    x: Array
    v: Array
    levels: Array

    def marginal(self, theta: Array) -> Array:
        """Covariance (m, m) of the effects at the variances `theta`."""
        return np.asarray(self.v + np.tensordot(theta, self.levels, axes=1))


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at some variances. `q`: weighted squares of the residuals; `tr_p`: trace of the projection."""

    value: float
    gradient: Array
    information: Array
    beta: Array
    covariance: Array
    q: float
    tr_p: float


def evaluate(blocks: Sequence[Block], theta: Array, restricted: bool = True) -> Point:
    """(Restricted) log-likelihood, its gradient (Harville 1977, J Am Stat Assoc 72) and its average information.

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
        gradient += 0.5 * (moved @ e - np.einsum("lij,ij->l", b.levels, projected if restricted else w))
        average += 0.5 * moved @ w @ moved.T
        reach += wx.T @ moved.T
    information = average - 0.5 * reach.T @ covariance @ reach
    k = sum(len(b.at) for b in blocks)
    dimensions, fixed = k, 0.0
    if restricted:
        xx = sum((b.x.T @ b.x for b in blocks), np.zeros((p, p)))
        dimensions, fixed = k - p, float(np.linalg.slogdet(xx)[1] + np.linalg.slogdet(covariance)[1])
    value = -0.5 * (log_det + q + dimensions * math.log(2 * math.pi) - fixed)
    return Point(value, gradient, information, np.asarray(beta, dtype=float), np.asarray(covariance), q, trace)


def _spread(blocks: Sequence[Block]) -> float:
    y, x = np.concatenate([b.y for b in blocks]), np.concatenate([b.x for b in blocks])
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(residual @ residual / len(y)) + min(float(np.diag(b.v).min()) for b in blocks)


def maximise(blocks: Sequence[Block], restricted: bool = True) -> Array:
    """The variances with the largest (restricted) likelihood, from several starts."""
    spread, count = _spread(blocks), len(blocks[0].levels)
    free = np.ones(count, dtype=bool)
    starts = np.array(np.meshgrid(*[np.array(_STARTS) * spread] * count)).reshape(count, -1).T
    heights = np.array([evaluate(blocks, start, restricted).value for start in starts])
    highest = np.argsort(-heights, kind="stable")[:_CLIMBED]
    ends = [_climb(blocks, starts[i], free, spread, restricted) for i in highest]
    return ends[int(np.argmax([evaluate(blocks, end, restricted).value for end in ends]))]


def _climb(blocks: Sequence[Block], start: Array, free: NDArray[np.bool_], spread: float, restricted: bool) -> Array:
    """Average-information steps, halved where they overshoot; a variance stays 0 while the likelihood falls there."""
    theta, point = start.copy(), evaluate(blocks, start, restricted)
    for _ in range(_STEPS):
        active = free & ((theta > 0) | (point.gradient > 0))
        if not active.any():
            return theta
        step = np.zeros(len(theta))
        active_block = np.ix_(active, active)
        step[active] = np.linalg.lstsq(point.information[active_block], point.gradient[active], rcond=None)[0]
        # Of a step that promises less than the rounding of the likelihood nothing could be seen there.
        unseen = 0.5 * float(point.gradient[active] @ step[active]) <= _ROUNDING * (1 + abs(point.value))
        size = 1.0
        while size > _SMALLEST_STEP:
            new = np.maximum(0.0, theta + size * step)
            trial = evaluate(blocks, new, restricted)
            if unseen or trial.value >= point.value:
                break
            size /= 2
        else:
            return theta
        moved = float(np.abs(new - theta).max())
        theta, point = new, trial
        if moved < _CONVERGED * spread:
            return theta
    return theta


def profile_interval(
    blocks: Sequence[Block], best: Array, component: int, level: float, restricted: bool = True
) -> tuple[float, float]:
    """Profile-likelihood interval of one of the variances `best`, the others maximised anew each time."""
    profile = _Profile(blocks, best, component, float(scipy.special.chdtri(1, 1 - level)) / 2, restricted)
    top = float(best[component])
    far = 2 * max(top, profile.spread)
    while profile.drop(far)[0] <= 0:
        far *= 2
    high = root_of(profile.drop, top, far, far)
    if top == 0:
        return 0.0, high
    at_zero = profile.drop(0.0)[0]
    if at_zero <= 0:
        return 0.0, high
    # Where the chord of the root of the drop, which is nearly a line, crosses.
    return root_of(profile.drop, top, 0.0, top * at_zero / (at_zero + profile.allowed**0.5)), high


class _Profile:
    """The likelihood of one variance, the others maximised anew each time, from where they were before."""

    def __init__(self, blocks: Sequence[Block], best: Array, component: int, allowed: float, restricted: bool) -> None:
        self.blocks, self.component, self.allowed, self.restricted = blocks, component, allowed, restricted
        self.spread, self.top = _spread(blocks), evaluate(blocks, best, restricted).value
        self.free = np.arange(len(best)) != component
        self.others = best

    def drop(self, t: float) -> tuple[float, float]:
        """Root of the loss of log-likelihood at `t` less that of the `allowed` one, and its slope.

        The slope of a profile is the partial one, since the others are at their maximum.
        """
        start = np.where(self.free, self.others, t)
        self.others = _climb(self.blocks, start, self.free, self.spread, self.restricted)
        point = evaluate(self.blocks, self.others, self.restricted)
        root = math.sqrt(max(0.0, self.top - point.value))
        slope = -float(point.gradient[self.component])
        return root - math.sqrt(self.allowed), slope / (2 * root) if root > 0 else 0.0


def root_of(drop: Callable[[float], tuple[float, float]], inside: float, outside: float, start: float) -> float:
    """Where `drop`, a value with its slope, is 0: `inside` it is below, `outside` above. Newton, or else halving."""
    t = start
    for _ in range(_NEWTON_STEPS):
        value, slope = drop(t)
        inside, outside = (inside, t) if value > 0 else (t, outside)
        new = t - value / slope if slope else math.nan
        if not min(inside, outside) <= new <= max(inside, outside):
            new = (inside + outside) / 2
        if abs(new - t) <= _LAST_STEP * abs(new):
            return new
        t = new
    return t
