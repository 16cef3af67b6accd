"""The beta selection model: the chance of appearing is a smooth function of the p-value.

Citkowicz & Vevea (2017), Psychol Methods 22:28-41: w(p) = p^(a - 1) (1 - p)^(b - 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.heterogeneity import full_log_likelihood
from synthesis.meta.inputs import check_effects, check_level, option
from synthesis.meta.kernel import Array, estimate_tau2
from synthesis.meta.maximum import polish, standard_errors
from synthesis.meta.options import terms
from synthesis.meta.selection_model import FEW_STUDIES, Alternative, check_reach

# p-values are kept this far from 0 and 1, where w has no bound; metafor's value.
LEAST_P = 1e-5
# a and b beyond these have no end in sight; metafor's bounds.
_LEAST_POWER, _LARGEST_POWER = 1e-5, 100.0
_STEPS = 20
# w is smooth in the z-value, and the density of effects never narrower than 1 there.
_NODES = 32
_CLOSER = 5
# Where searches start: a mean (share of the pooled one), a and b.
_STARTS = ((1.0, 1.0, 1.0), (0.5, 0.7, 0.9), (-1.0, 0.05, 2.0), (2.0, 2.0, 0.05))
_LOG_ROOT = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class BetaSelection:
    """A fitted model, in the units of yi. `powers`: a and b; both 1: no selection. `lrt` (2 df) tests that.

    `tau2_se` is None on its bound of 0.
    """

    alternative: str
    estimate: float
    se: float
    statistic: float
    p: float
    ci_low: float
    ci_high: float
    tau2: float
    tau2_se: float | None
    powers: tuple[float, float]
    powers_se: tuple[float, float]
    lrt: float
    lrt_df: int
    lrt_p: float
    log_likelihood: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Beta:
    """Effects, the logs (2, k) of their p and 1 - p, and the same (2, nodes + 2) at the nodes of the quadrature.

    Nodes are z-values; the last two stand for all below and above them, where p is at its bounds.
    """

    y: Array
    v: Array
    log_p: Array
    logs: Array
    nodes: Array
    weights: Array
    edge: float

    def _terms(self, theta: Array) -> tuple[Array, Array]:
        """Logs (k, nodes + 2) of the parts of the chance of appearing, and the standardised nodes and bounds."""
        s = np.sqrt(self.v + theta[1])[:, None]
        root = np.sqrt(self.v)[:, None]
        u = (self.nodes * root - theta[0]) / s
        inside = np.log(self.weights * root / s) - _LOG_ROOT - 0.5 * u * u
        ends = (np.array([-self.edge, self.edge]) * root - theta[0]) / s
        tails = np.column_stack([scipy.special.log_ndtr(ends[:, 0]), scipy.special.log_ndtr(-ends[:, 1])])
        w = (theta[2:] - 1) @ self.logs
        return np.column_stack([inside, tails]) + w, np.column_stack([u, ends])

    def value(self, theta: Array) -> float:
        """Log-likelihood at theta = (mean, tau2, a, b)."""
        parts, _ = self._terms(theta)
        top = parts.max(axis=1)
        appear = top + np.log(np.exp(parts - top[:, None]).sum(axis=1))
        s2 = self.v + theta[1]
        normal = -_LOG_ROOT - 0.5 * (np.log(s2) + (self.y - theta[0]) ** 2 / s2)
        return float(np.sum(normal - appear) + np.sum((theta[2:] - 1) @ self.log_p))

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (4,) and Hessian (4, 4): means of the scores of the parts, weighted by what they add."""
        parts, u = self._terms(theta)
        share = np.exp(parts - parts.max(axis=1)[:, None])
        share /= share.sum(axis=1)[:, None]
        s = np.sqrt(self.v + theta[1])[:, None]
        first, second = _scores(u, s)
        logs = np.broadcast_to(self.logs[:, None, :], (2, *u.shape))
        score = np.concatenate([first, logs])
        mean = np.einsum("kn,ikn->ik", share, score)
        square = np.einsum("kn,ikn,jkn->ij", share, score, score)
        # Of the mean and tau2 the second derivatives are known as such, not as squares of the first.
        square[:2, :2] = np.einsum("kn,ijkn->ij", share, second)
        s2 = self.v + theta[1]
        r = self.y - theta[0]
        gradient = -mean.sum(axis=1)
        gradient += [np.sum(r / s2), 0.5 * np.sum(r**2 / s2**2 - 1 / s2), *self.log_p.sum(axis=1)]
        hessian = mean @ mean.T - square
        hessian[0, 0] -= np.sum(1 / s2)
        hessian[0, 1] -= np.sum(r / s2**2)
        hessian[1, 0] = hessian[0, 1]
        hessian[1, 1] += np.sum(0.5 / s2**2 - r**2 / s2**3)
        return gradient, hessian


def _scores(u: Array, s: Array) -> tuple[Array, Array]:
    """Derivatives by mean and tau2 of the normal density at u and of the two tails, over themselves.

    First (2, k, n), second (2, 2, k, n).
    """
    low, high = u[:, -2:-1], u[:, -1:]
    # phi / tail: what the derivatives of a tail have in common.
    below = np.exp(-0.5 * low**2 - _LOG_ROOT - scipy.special.log_ndtr(low))
    above = np.exp(-0.5 * high**2 - _LOG_ROOT - scipy.special.log_ndtr(-high))
    z = u[:, :-2]
    first = np.stack([
        np.column_stack([z / s, -below / s, above / s]),
        np.column_stack([(z**2 - 1) / (2 * s**2), -below * low / (2 * s**2), above * high / (2 * s**2)]),
    ])  # fmt: skip
    mm = np.column_stack([(z**2 - 1) / s**2, -below * low / s**2, above * high / s**2])
    mt = np.column_stack([
        (z**3 - 3 * z) / (2 * s**3), -below * (low**2 - 1) / (2 * s**3), above * (high**2 - 1) / (2 * s**3)
    ])  # fmt: skip
    tt = np.column_stack([
        (z**4 - 6 * z**2 + 3) / (4 * s**4),
        -below * low * (low**2 - 3) / (4 * s**4),
        above * high * (high**2 - 3) / (4 * s**4),
    ])  # fmt: skip
    return first, np.stack([np.stack([mm, mt]), np.stack([mt, tt])])


def beta_selection(
    yi: ArrayLike, vi: ArrayLike, *, alternative: Alternative = "greater", level: float = 0.95
) -> BetaSelection:
    """Fits the model to `yi`, `vi`, shape (k,), k >= 3, by maximum likelihood, as metafor's selmodel(type="beta").

    `alternative`: p-values are one-sided (greater: large effects are significant; less: small ones) or two-sided; they
    count as at least 1e-5 from 0 and 1. Raises InputError for bad effects and where the likelihood has no maximum with
    a and b between 1e-5 and 100.
    """
    y, v = check_effects(yi, vi, 3)
    check_level(level)
    option("alternative", alternative, terms(Alternative))
    check_reach(y, v)
    unit, sign = math.sqrt(float(np.median(v))), -1.0 if alternative == "less" else 1.0
    problem = _problem(sign * y / unit, v / unit**2, alternative == "two-sided")
    theta, value, plain = _maximise(problem)
    errors = standard_errors(problem, theta)
    gain = max(0.0, 2 * (value - full_log_likelihood(problem.y, problem.v, plain, restricted=False)))
    estimate, se = sign * float(theta[0]) * unit, float(errors[0]) * unit
    half = float(scipy.special.ndtri(0.5 + level / 2)) * se
    few = (f"{len(y)} studies: with fewer than {FEW_STUDIES} the model is hardly estimable",)
    return BetaSelection(
        alternative=alternative,
        estimate=estimate,
        se=se,
        statistic=estimate / se,
        p=2 * float(scipy.special.ndtr(-abs(estimate / se))),
        ci_low=estimate - half,
        ci_high=estimate + half,
        tau2=float(theta[1]) * unit**2,
        tau2_se=float(errors[1]) * unit**2 if theta[1] > 0 else None,
        powers=(float(theta[2]), float(theta[3])),
        powers_se=(float(errors[2]), float(errors[3])),
        lrt=gain,
        lrt_df=2,
        lrt_p=float(scipy.special.chdtrc(2, gain)),
        log_likelihood=value - len(y) * math.log(unit),
        notes=few if len(y) < FEW_STUDIES else (),
    )


def _problem(y: Array, v: Array, two_sided: bool) -> _Beta:
    x, w = leggauss(_NODES)
    edge = -float(scipy.special.ndtri(LEAST_P / 2 if two_sided else LEAST_P))
    # Towards 0, where 1 - p is 0 and w a power of it that need not be whole, the nodes of a two-sided p lie closer.
    power = _CLOSER if two_sided else 1
    above = edge * ((1 + x) / 2) ** power
    weight = edge * power * ((1 + x) / 2) ** (power - 1) * w / 2
    nodes, weights = np.concatenate([-above, above]), np.concatenate([weight, weight])
    at = np.append(nodes, [-edge, edge])
    return _Beta(y, v, _logs(y / np.sqrt(v), two_sided), _logs(at, two_sided), nodes, weights, edge)


def _logs(z: Array, two_sided: bool) -> Array:
    p = 2 * scipy.special.ndtr(-np.abs(z)) if two_sided else scipy.special.ndtr(-z)
    p = np.clip(p, LEAST_P, 1 - LEAST_P)
    return np.stack([np.log(p), np.log1p(-p)])


def _maximise(problem: _Beta) -> tuple[Array, float, float]:
    """The highest end of Newton's method from some starts, its value, and tau2 without selection."""
    tau2 = float(estimate_tau2(problem.y[None], problem.v[None], "ML")[0])
    w = 1 / (problem.v + tau2)
    centre, spread = float(w @ problem.y / w.sum()), float(np.var(problem.y) + problem.v.min())
    ends = []
    for share, a, b in _STARTS:
        start = np.array([share * centre, tau2, a, b])
        theta, value, converged = polish(problem, start, spread, steps=_STEPS, bounds=(_LEAST_POWER, _LARGEST_POWER))
        ends.append((value, converged, theta))
    value, converged, theta = max(ends, key=lambda end: end[0])
    if not converged:
        # In words: where a search without an end stops differs in its last digits from machine to machine.
        named = zip("ab", theta[2:], strict=True)
        ends_at = [
            f"{n} goes to 0" if x <= _LEAST_POWER else f"{n} grows" if x >= _LARGEST_POWER else "" for n, x in named
        ]
        where = ", ".join(words for words in ends_at if words) or "the likelihood is all but flat"
        hint = "the search has no end; take a step model, or pool without selection"
        raise InputError([Problem("beta selection model", where, "data whose likelihood has a maximum", hint)])
    return theta, value, tau2
