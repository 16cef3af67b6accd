"""Marginal likelihoods and posteriors of one mean under selection and small-study effects, by quadrature.

Effects are in units of the prior: mu ~ N(0, 1) or 0; tau ~ inverse gamma(1, 0.15) or 0; shares of p-intervals that
appear ~ cumulative Dirichlet(1, ..., 1), falling from 1; coefficients of PET and PEESE ~ half-Cauchy of scale 1 and 5.

Each parameter is taken to the line (log tau, log beta, logits of ratios of shares, asinh of the distance of mu from its
mode), where every integrand dies at both ends. The trapezoidal rule then converges faster than any power of the step
(Trefethen & Weideman 2014, SIAM Review 56:385-458), and cardinal sines through its nodes give distribution functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.meta.kernel import Array
from synthesis.meta.selection_model import StepProblem, step_problem

TAU_SCALE = 0.15
_LOG_2PI = math.log(2 * math.pi)
# Nodes of the search for the place of the mass, by parameter, and its rounds; a log density so far below the peak does
# not count.
_COARSE, _ROUNDS, _DEEP = 9, 4, 18.0
# exp(-0.15 / tau) is exp(-60) at the first of these; the others are where nothing is left under any data.
_LOG_TAU = (math.log(TAU_SCALE / 60), math.log(1e6))
_LOG_BETA = (-20.0, 20.0)
_FURTHEST_MEAN = 6.0
# Numbers of one array that is worked on at once.
_CHUNK = 2**18
# Logits of ratios so far from their mean do not count.
_FURTHEST_LOGIT = 15.0
# Their means and SDs: nodes up to so many SDs away, and sweeps over them.
_SEARCH, _SWEEPS = 6.0, 3
_UNIT = np.linspace(-_SEARCH, _SEARCH, 21)
# Nodes of each ratio in the search, and in proportion to those of the other parameters.
_ROUGH, _SHARES = 7, (2.4, 1.5, 1.1)
# Nodes where only beta and tau are left, in the same proportion.
_CLOSED = 4
# Shares below count as this, so that products of a few of them do not underflow.
_LEAST_SHARE, _FACTORS = 1e-60, 4


@dataclass(frozen=True, slots=True)
class Bias:
    """A model of bias: `steps` of p and their side for selection, else the name and scale of what beta multiplies."""

    name: str
    prior: float
    steps: tuple[float, ...] = ()
    two_sided: bool = False
    predictor: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Normals:
    """A mixture of normals: means, SDs and weights of one shape."""

    mean: Array
    sd: Array
    weight: Array

    def cdf(self, at: float) -> float:
        """Distribution function."""
        return float(np.sum(self.weight * scipy.special.ndtr((at - self.mean) / self.sd)))

    def average(self) -> float:
        """Mean."""
        return float(np.sum(self.weight * self.mean))


@dataclass(frozen=True, slots=True)
class Sines:
    """Masses (rows, nodes) at x = first + step * j, a row's value being centre + scale sinh(x), or exp(x) (`logs`)."""

    first: float
    step: float
    mass: Array
    centre: Array
    scale: Array
    logs: bool = False

    def cdf(self, at: float) -> float:
        """Distribution function, by cardinal sines through the nodes."""
        if self.logs:
            x = np.full(1, math.log(at) if at > 0 else -np.inf)
        else:
            x = np.arcsinh((at - self.centre) / self.scale)
        nodes = self.first + self.step * np.arange(self.mass.shape[1])
        steps = (x[:, None] - nodes) / self.step
        return float(np.sum(self.mass * (0.5 + scipy.special.sici(np.pi * steps)[0] / np.pi)))

    def average(self) -> float:
        """Mean."""
        x = self.first + self.step * np.arange(self.mass.shape[1])
        values = np.exp(x)[None, :] if self.logs else self.centre[:, None] + self.scale[:, None] * np.sinh(x)
        return float(np.sum(self.mass * values))


Law = Normals | Sines


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log marginal likelihood of the effects, and the posteriors of mu and tau; None where the model has 0."""

    log_marginal: float
    mu: Law | None
    tau: Sines | None


@dataclass(frozen=True, slots=True)
class _Line:
    """Equidistant nodes from `low` to `high`."""

    low: float
    high: float

    def nodes(self, n: int) -> Array:
        return np.linspace(self.low, self.high, n)

    def step(self, n: int) -> float:
        return (self.high - self.low) / (n - 1)

    def around(self, profile: Array) -> _Line:
        """The part where a log density with these values at the nodes counts, and a node beyond on either side."""
        counts = np.flatnonzero(profile > profile.max() - _DEEP)
        x = self.nodes(len(profile))
        return _Line(float(x[max(0, counts[0] - 1)]), float(x[min(len(x) - 1, counts[-1] + 1)]))


def _log_tau_prior(log_tau: Array) -> Array:
    """Log density of log tau, tau ~ inverse gamma(1, 0.15)."""
    return math.log(TAU_SCALE) - log_tau - TAU_SCALE * np.exp(-log_tau)


def evidence(y: Array, v: Array, bias: Bias, effect: bool, heterogeneity: bool, nodes: int) -> Evidence:
    """Of effects (k,) in units of the prior, with variances (k,), with `nodes` of each parameter."""
    if bias.steps:
        return _Selected(step_problem(y, v, (*bias.steps, 1.0), bias.two_sided), effect, heterogeneity).evidence(nodes)
    return _regressed(y, v, bias, effect, heterogeneity, nodes)


def _regressed(y: Array, v: Array, bias: Bias, effect: bool, heterogeneity: bool, nodes: int) -> Evidence:
    """Without selection mu integrates out in closed form; beta and tau remain."""
    x = {"": np.zeros_like(v), "se": np.sqrt(v), "v": v}[bias.predictor]
    line, slope = _Line(*_LOG_TAU), _Line(*_LOG_BETA)

    def log_density(n: int) -> tuple[Array, Array, Array]:
        log_tau = line.nodes(n) if heterogeneity else np.full(1, -np.inf)
        log_beta = slope.nodes(n) if bias.predictor else np.full(1, -np.inf)
        density, mean, precision = _given_slope(y, v, x, np.exp(log_tau), np.exp(log_beta), effect)
        if heterogeneity:
            density = density + _log_tau_prior(log_tau)[:, None]
        if bias.predictor:
            ratio = np.exp(log_beta) / bias.scale
            density = density + math.log(2 / math.pi) + np.log(ratio / (1 + ratio**2))
        return density, mean, precision

    for _ in range(_ROUNDS):
        density = log_density(4 * _COARSE + 1)[0]
        line = line.around(density.max(axis=1)) if heterogeneity else line
        slope = slope.around(density.max(axis=0)) if bias.predictor else slope
    density, mean, precision = log_density(_CLOSED * nodes)
    peak = density.max()
    mass = np.exp(density - peak)
    total = float(mass.sum())
    volume = (line.step(_CLOSED * nodes) if heterogeneity else 1.0) * (
        slope.step(_CLOSED * nodes) if bias.predictor else 1.0
    )
    mass /= total
    mu = Normals(mean, np.broadcast_to(1 / np.sqrt(precision)[:, None], mean.shape), mass) if effect else None
    tau = _log_law(line, _CLOSED * nodes, mass.sum(axis=1)) if heterogeneity else None
    return Evidence(float(peak + math.log(total * volume)), mu, tau)


def _log_law(line: _Line, n: int, mass: Array) -> Sines:
    return Sines(line.low, line.step(n), mass[None, :], np.zeros(1), np.ones(1), logs=True)


def _given_slope(y: Array, v: Array, x: Array, tau: Array, beta: Array, effect: bool) -> tuple[Array, Array, Array]:
    """Log likelihood, mean of mu (tau, beta) and its precision (tau,), mu integrated out if there is an `effect`."""
    total = v + tau[:, None] ** 2
    w = 1 / total
    precision = w.sum(axis=1) + 1
    yy, xy, xx = (w @ (y * y))[:, None], (w @ (x * y))[:, None], (w @ (x * x))[:, None]
    square = yy - 2 * beta * xy + beta**2 * xx
    mean = ((w @ y)[:, None] - beta * (w @ x)[:, None]) / precision[:, None]
    log = -0.5 * ((np.log(total) + _LOG_2PI).sum(axis=1)[:, None] + square)
    if effect:
        log = log + 0.5 * (precision[:, None] * mean**2 - np.log(precision)[:, None])
    return log, mean, precision


@dataclass(slots=True)
class _Selected:
    """A step model of selection, and where the mass of its mean and tau lies.

    `far`: of x, where mu = centre + scale sinh(x); `centres`: the modes of mu, by log tau.
    """

    problem: StepProblem
    effect: bool
    heterogeneity: bool
    log_tau: _Line = _Line(*_LOG_TAU)
    far: _Line = _Line(0.0, 0.0)
    centres: tuple[Array, Array] | None = None

    def evidence(self, nodes: int) -> Evidence:
        """By the product of trapezoidal rules with `nodes` each, placed where the mass is."""
        if self.effect:
            reach = math.asinh(_FURTHEST_MEAN * math.sqrt(float(np.sum(1 / self.problem.v)) + 1))
            self.far = _Line(-reach, reach)
        for _ in range(_ROUNDS if self.effect or self.heterogeneity else 0):
            self._narrow()
        grid = self._grid(nodes)
        log_mass = grid.density(round(nodes * _SHARES[len(self.problem.counts) - 2]))
        peak = float(log_mass.max())
        mass = np.exp(log_mass - peak)
        total, volume = float(mass.sum()), 1.0
        mass /= total
        mu, tau = None, None
        if self.effect:
            volume *= self.far.step(nodes)
            mu = Sines(self.far.low, self.far.step(nodes), mass, grid.centre, grid.scale)
        if self.heterogeneity:
            volume *= self.log_tau.step(nodes)
            tau = _log_law(self.log_tau, nodes, mass.sum(axis=1))
        return Evidence(peak + math.log(total * volume), mu, tau)

    def _grid(self, n: int) -> _Grid:
        log_tau = self.log_tau.nodes(n) if self.heterogeneity else np.full(1, -np.inf)
        w = 1 / (self.problem.v + np.exp(log_tau)[:, None] ** 2)
        precision = w.sum(axis=1) + 1
        if not self.effect:
            centre, x = np.zeros(len(log_tau)), np.zeros(1)
        else:
            centre, x = w @ self.problem.y / precision, self.far.nodes(n)
            if self.centres is not None:
                centre = np.interp(log_tau, *self.centres) if self.heterogeneity else self.centres[1]
        return _Grid(self.problem, self.effect, log_tau, x, centre, 1 / np.sqrt(precision))

    def _narrow(self) -> None:
        """Both lines are cut to where the density, at its largest over the other, counts."""
        grid = self._grid(_COARSE)
        density = grid.density()
        if self.effect:
            mu = grid.mu
            modes = np.take_along_axis(mu, density.argmax(axis=1)[:, None], axis=1)[:, 0]
            counts = density > density.max() - _DEEP
            near = counts.copy()
            near[:, 1:] |= counts[:, :-1]
            near[:, :-1] |= counts[:, 1:]
            far = np.arcsinh((mu - modes[:, None]) / grid.scale[:, None])[near]
            self.far, self.centres = _Line(float(far.min()), float(far.max())), (grid.log_tau, modes)
        if self.heterogeneity:
            self.log_tau = self.log_tau.around(density.max(axis=1))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Nodes of a step model: log tau (rows,) and x of mu, which is centre + scale sinh(x)."""

    problem: StepProblem
    effect: bool
    log_tau: Array
    x: Array
    centre: Array
    scale: Array

    @property
    def mu(self) -> Array:
        """Means (rows, x)."""
        return np.asarray(self.centre[:, None] + self.scale[:, None] * np.sinh(self.x))

    def density(self, nodes: int | None = None) -> Array:
        """Log density of (log tau, x), the chances to appear integrated out with `nodes` of each: (rows, x).

        None: roughly; with them, -inf where the rough density is too low to count.
        """
        before, counts = self._before(), self.problem.counts
        tau2 = np.repeat(np.exp(2 * self.log_tau), len(self.x))
        chances = _Chances.of(self.problem.shares(self.mu.ravel(), tau2), counts)
        rough = before + chances.log(_ROUGH).reshape(before.shape)
        if nodes is None:
            return np.asarray(rough)
        keep = rough > rough.max() - _DEEP
        fine = np.full(before.shape, -np.inf)
        fine[keep] = before[keep] + chances.log(nodes, keep.ravel())
        return fine

    def _before(self) -> Array:
        """Log density before selection of the effects, and of the priors: (rows, x)."""
        mu, total = self.mu, self.problem.v + np.exp(self.log_tau)[:, None] ** 2
        square = (self.problem.y - mu[:, :, None]) ** 2 / total[:, None, :]
        log = -0.5 * (square.sum(axis=2) + (np.log(total) + _LOG_2PI).sum(axis=1)[:, None])
        if self.effect:
            log -= 0.5 * (mu**2 + _LOG_2PI) - np.log(self.scale[:, None] * np.cosh(self.x))
        if np.isfinite(self.log_tau).all():
            log += _log_tau_prior(self.log_tau)[:, None]
        return np.asarray(log)


@dataclass(frozen=True, slots=True)
class _Chances:
    """Chances to appear, each the one before times a ratio, at n places of mean and tau.

    `intervals`: (n, k, intervals), the chance of each interval before selection. The ratios are independent a priori,
    the j-th of d with density (d - j) ratio^(d - j - 1), j from 0. `power`: of each in the likelihood, prior and
    Jacobian of its logit; `centre`, `spread`: mean and SD of the logit with the others at their means, (n, d).
    """

    intervals: Array
    power: Array
    centre: Array
    spread: Array

    @classmethod
    def of(cls, intervals: Array, counts: Array) -> _Chances:
        """`counts`: effects in each interval."""
        intervals, d = np.maximum(intervals, _LEAST_SHARE), len(counts) - 1
        power = np.cumsum(counts[:0:-1])[::-1] + d - np.arange(d)
        centre, spread = np.zeros((len(intervals), d)), np.full((len(intervals), d), _FURTHEST_LOGIT / _SEARCH)
        for _ in range(_SWEEPS):
            for j in range(d):
                _decide(intervals, power[j], centre, spread, j)
        return cls(intervals, power, centre, spread)

    def log(self, nodes: int, where: NDArray[np.bool_] | slice = slice(None)) -> Array:
        """Log integral over the chances of what they make of a likelihood: (n,), or of the places `where`."""
        intervals, centre, spread = self.intervals[where], self.centre[where], self.spread[where]
        d = len(self.power)
        reach = np.arcsinh(_FURTHEST_LOGIT / spread)
        x = np.linspace(-reach, reach, nodes, axis=2)
        logit = centre[:, :, None] + spread[:, :, None] * np.sinh(x)
        step = 2 * reach / (nodes - 1) * spread
        log = _log_ratio(logit, self.power[:, None]) + np.log(step[:, :, None] * np.cosh(x))
        ratio = scipy.special.expit(logit)
        size = max(1, _CHUNK // (intervals.shape[1] * nodes**d))
        parts = [
            _log_sum(_log_chance(intervals[i : i + size], ratio[i : i + size], log[i : i + size]))
            for i in range(0, len(ratio), size)
        ]
        return np.concatenate(parts) + math.lgamma(d + 1)


def _log_ratio(logit: Array, power: Array | float) -> Array:
    """Log of ratio^power (1 - ratio)."""
    return np.asarray(-power * np.logaddexp(0, -logit) - np.logaddexp(0, logit))


def _decide(intervals: Array, power: float, centre: Array, spread: Array, j: int) -> None:
    """Sets mean and SD of the logit of the j-th ratio, from nodes around those that there are."""
    logit = centre[:, j, None] + spread[:, j, None] * _UNIT
    ratio = scipy.special.expit(logit)
    others = scipy.special.expit(centre)
    others[:, j] = 1.0
    whole = intervals * np.cumprod(np.hstack([np.ones((len(centre), 1)), others]), axis=1)[:, None, :]
    fixed, moved = whole[:, :, : j + 1].sum(axis=2), whole[:, :, j + 1 :].sum(axis=2)
    log = _log_ratio(logit, power)
    for first in range(0, intervals.shape[1], _FACTORS):
        product = np.ones_like(ratio)
        for i in range(first, min(first + _FACTORS, intervals.shape[1])):
            product *= fixed[:, i, None] + moved[:, i, None] * ratio
        log -= np.log(product)
    mass = np.exp(log - log.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    centre[:, j] = (mass * logit).sum(axis=1)
    away = logit - centre[:, j, None]
    # At least half the distance of the nodes: what lies between two of them is seen in the next sweep.
    least = spread[:, j] * (_UNIT[1] - _UNIT[0]) / 2
    spread[:, j] = np.maximum(np.sqrt((mass * away**2).sum(axis=1)), least)


def _log_chance(intervals: Array, ratio: Array, log: Array) -> Array:
    """Log weights less the log chances of the effects to appear, for all combinations of ratios: (n, nodes^d).

    `intervals`: (n, k, intervals); `ratio` and `log`, its weights: (n, d, nodes).
    """
    n, d, nodes = ratio.shape
    chance, total = np.ones((n, 1)), np.zeros((n, 1))
    chances = np.ones((n, 1, 1))
    for j in range(d):
        chance = (chance[:, :, None] * ratio[:, None, j, :]).reshape(n, -1)
        total = (total[:, :, None] + log[:, None, j, :]).reshape(n, -1)
        chances = np.concatenate([np.repeat(chances, nodes, axis=2), chance[:, None, :]], axis=1)
    appear = intervals @ chances
    for first in range(0, appear.shape[1], _FACTORS):
        product = appear[:, first]
        for i in range(first + 1, min(first + _FACTORS, appear.shape[1])):
            product = product * appear[:, i]
        total -= np.log(product)
    return total


def _log_sum(log: Array) -> Array:
    """Log of the sum of exponentials over the last axis."""
    peak = log.max(axis=1)
    return np.asarray(peak + np.log(np.exp(log - peak[:, None]).sum(axis=1)))
