"""Newton's method for the likelihoods of selection models: parameters (mean, tau2, and positive ones taken in logs)."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from synthesis.errors import InputError, Problem
from synthesis.meta.kernel import Array

_STEPS = 300
# Largest entry of the gradient at the maximum, effects in units of sqrt(median(vi)).
_GRADIENT = 1e-8
# Beyond this (SDs of the effects for the mean, a ratio for delta) the search is taken to have no end.
_RUNAWAY = 1e8


class Likelihood(Protocol):
    """A log-likelihood at theta = (mean, tau2, delta ...), shape (p,), with its gradient (p,) and Hessian (p, p)."""

    def value(self, theta: Array) -> float:
        """The log-likelihood; -inf where there is none."""
        ...

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient and Hessian."""
        ...


def _free(theta: Array, gradient: Array, at_zero: bool) -> np.ndarray:
    """All parameters but a tau2 that is held at 0, or at 0 where the likelihood falls from there."""
    free = np.ones(len(theta), dtype=bool)
    free[1] = not at_zero and (theta[1] > 0 or gradient[1] > 0)
    return free


def _error(theta: Array, gradient: Array, at_zero: bool) -> float:
    """Largest entry of the gradient; a delta below 1 counts in logs, for its own gradient is rounding times 1/delta."""
    ratio = np.concatenate([[1.0, 1.0], np.minimum(1.0, theta[2:])])
    return float(np.abs(gradient * ratio)[_free(theta, gradient, at_zero)].max())


def _newton(curvature: Array, slope: Array, free: np.ndarray, by: float) -> Array:
    """Newton's step uphill in the `free` parameters, with tau2 changed by `by` if it is not one of them."""
    step = np.zeros(len(slope))
    step[1] = by
    values, vectors = np.linalg.eigh(-curvature[np.ix_(free, free)])
    values = np.maximum(np.abs(values), 1e-12 * np.abs(values).max())
    step[free] = vectors @ (vectors.T @ (slope + curvature[1] * by)[free] / values)
    return step


def polish(
    problem: Likelihood,
    theta: Array,
    spread: float,
    at_zero: bool = False,
    *,
    steps: int = _STEPS,
    bounds: tuple[float, float] = (0.0, _RUNAWAY),
) -> tuple[Array, float, bool]:
    """Newton's method within tau2 >= 0 in (mean, tau2, log delta): the end, its value, and whether it is a maximum.

    It is none where a delta has left its `bounds`.
    """
    value = problem.value(theta)
    gradient, hessian = problem.derivatives(theta)
    for _ in range(steps):
        free = _free(theta, gradient, at_zero)
        ratio = np.concatenate([[1.0, 1.0], theta[2:]])
        slope = gradient * ratio
        curvature = hessian * np.outer(ratio, ratio) + np.diag([0.0, 0.0, *slope[2:]])
        step = _newton(curvature, slope, free, 0.0)
        if theta[1] + step[1] < 0:
            # On the way to the bound the others follow along it: cut off alone, the step could go nowhere.
            free[1] = False
            step = _newton(curvature, slope, free, -theta[1])
        step[2:] = np.clip(step[2:], -2.0, 2.0)
        size, before = 1.0, _error(theta, gradient, at_zero)
        while size > 1e-12:
            new = np.concatenate([theta[:2] + size * step[:2], theta[2:] * np.exp(size * step[2:])])
            new[1] = max(0.0, new[1])
            trial = problem.value(new)
            if trial >= value - 1e-13 * (1 + abs(value)):
                break
            size /= 2
        else:
            break
        derivatives = problem.derivatives(new)
        after = _error(new, derivatives[0], at_zero)
        # At the maximum the value is all rounding: the gradient says when to stop.
        if before < _GRADIENT and after >= before:
            break
        theta, value, (gradient, hessian) = new, trial, derivatives
        if abs(theta[0]) > _RUNAWAY * math.sqrt(spread) or ((theta[2:] > bounds[1]) | (theta[2:] < bounds[0])).any():
            return theta, value, False
    return theta, value, _error(theta, gradient, at_zero) < 100 * _GRADIENT


class Scored(Likelihood, Protocol):
    """A log-likelihood that is a sum over effects."""

    def scores(self, theta: Array) -> Array:
        """What each effect adds to the gradient: (k, p)."""
        ...


def robust_errors(problem: Scored, theta: Array, groups: np.ndarray) -> Array:
    """Roots of the diagonal of the sandwich: inverse information, squares of the scores summed by group (k,), inverse
    information. Without tau2 when that is 0."""
    free, errors = np.ones(len(theta), dtype=bool), np.full(len(theta), np.nan)
    free[1] = theta[1] > 0
    bread = _inverse_information(problem, theta, free)
    summed = np.zeros((int(groups.max()) + 1, int(free.sum())))
    np.add.at(summed, groups, problem.scores(theta)[:, free])
    reach = summed @ bread
    errors[free] = np.sqrt((reach**2).sum(axis=0))
    return errors


def standard_errors(problem: Likelihood, theta: Array) -> Array:
    """Roots of the diagonal of the inverse observed information, without tau2 when that is 0."""
    free, errors = np.ones(len(theta), dtype=bool), np.full(len(theta), np.nan)
    free[1] = theta[1] > 0
    errors[free] = np.sqrt(np.diag(_inverse_information(problem, theta, free)))
    return errors


def _inverse_information(problem: Likelihood, theta: Array, free: np.ndarray) -> Array:
    """Inverse of the observed information of the `free` parameters. Raises InputError where there is none."""
    try:
        inverse = np.linalg.inv(-problem.derivatives(theta)[1][np.ix_(free, free)])
    except np.linalg.LinAlgError:
        raise _flat("singular") from None
    variances = np.diag(inverse)
    if not (np.isfinite(variances) & (variances > 0)).all():
        raise _flat("not positive")
    return np.asarray(inverse)


def _flat(information: str) -> InputError:
    hint = "the likelihood is flat there; use fewer steps, or pool without selection"
    return InputError(
        [Problem("selection model", f"information {information} at the maximum", "a sharp maximum", hint)]
    )
