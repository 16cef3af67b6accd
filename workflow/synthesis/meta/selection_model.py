"""Step-function selection models: how likely a study is to appear, by intervals of its p-value.

Vevea & Hedges (1995), Psychometrika 60:419-435; the three-parameter model has one step, at one-sided .025.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.heterogeneity import full_log_likelihood
from synthesis.meta.inputs import check_effects, check_level, column, labels, option
from synthesis.meta.kernel import Array, estimate_tau2
from synthesis.meta.maximum import polish, robust_errors, standard_errors
from synthesis.meta.options import terms

Alternative = Literal["greater", "less", "two-sided"]
# Each parameter takes its data; below this the likelihood is all but flat.
FEW_STUDIES = 10
# Robust errors without a correction are too small with fewer (Cameron & Miller 2015, J Hum Resour 50:317-372: from 20
# to 50, by how unequal the clusters are).
FEW_CLUSTERS = 50
# Starts: a grid of means (in SDs around the pooled one) and tau2 (shares of the variance of the effects).
_MEANS = np.arange(-4, 4.5, 0.5)
_TAU2 = np.array([0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
_PROFILE_ROUNDS = 20
_STARTS = 6
_LARGEST_START = 1e4
# Range of the effects in units of the smallest standard error.
_LARGEST_REACH = 1e5
# Shares of the likelihood below this count as this: their ratios must not overflow.
_LEAST_SHARE = 1e-100


@dataclass(frozen=True, slots=True)
class SelectionModel:
    """A fitted model, in the units of yi. `delta[j]`: chance of appearing relative to the first interval of p.

    `steps` end the intervals, the last being 1. `lrt` tests against the maximum-likelihood model without selection.
    Standard errors are None for a parameter on its bound.
    """

    steps: tuple[float, ...]
    alternative: str
    estimate: float
    se: float
    statistic: float
    p: float
    ci_low: float
    ci_high: float
    tau2: float
    tau2_se: float | None
    delta: tuple[float, ...]
    delta_se: tuple[float | None, ...]
    lrt: float
    lrt_df: int
    lrt_p: float
    log_likelihood: float
    k_per_interval: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepProblem:
    """Effects with upper and lower bounds (k, intervals, pieces) of each interval of p on the scale of the effects."""

    y: Array
    v: Array
    upper: Array
    lower: Array
    interval: np.ndarray
    counts: Array

    def shares(self, mean: Array, tau2: Array) -> Array:
        """Chance of each interval before selection: (n, k, intervals) for `mean`, `tau2` of shape (n,)."""
        s = np.sqrt(self.v + tau2[:, None])[:, :, None, None]
        u, w = (self.upper - mean[:, None, None, None]) / s, (self.lower - mean[:, None, None, None]) / s
        # The difference of two tails is taken on the side where they are small.
        return np.asarray(
            np.where(
                w > 0, scipy.special.ndtr(-w) - scipy.special.ndtr(-u), scipy.special.ndtr(u) - scipy.special.ndtr(w)
            ).sum(axis=3)
        )

    def value(self, theta: Array) -> float:
        """Log-likelihood at theta = (mean, tau2, delta_2, ...), Vevea & Hedges (1995), eq. 4."""
        delta = np.append(1.0, theta[2:])
        weight = self.shares(theta[:1], theta[1:2])[0] @ delta
        if not (weight > 0).all():
            return -math.inf
        s2 = self.v + theta[1]
        normal = -0.5 * (np.log(2 * math.pi * s2) + (self.y - theta[0]) ** 2 / s2)
        return float(np.sum(normal - np.log(weight)) + self.counts @ np.log(delta))

    def scores(self, theta: Array) -> Array:
        """What each effect adds to the gradient: (k, p)."""
        delta, s2 = np.append(1.0, theta[2:]), self.v + theta[1]
        share, s = self.shares(theta[:1], theta[1:2])[0], np.sqrt(s2)[:, None, None]
        edges = np.stack([self.upper, self.lower])
        u = np.where(np.isfinite(edges), (edges - theta[0]) / s, 0.0)
        density = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi) * np.isfinite(edges)
        by_mean = (np.diff(density, axis=0)[0] / s).sum(axis=2)
        by_tau2 = (np.diff(u * density, axis=0)[0] / s**2).sum(axis=2) / 2
        slopes = np.column_stack([by_mean @ delta, by_tau2 @ delta, share[:, 1:]]) / (share @ delta)[:, None]
        r = self.y - theta[0]
        by_delta = (self.interval[:, None] == np.arange(1, len(delta))) / delta[1:]
        return np.asarray(np.column_stack([r / s2, 0.5 * (r**2 / s2**2 - 1 / s2), by_delta]) - slopes)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (p,) and Hessian (p, p) of `value`."""
        delta, s2 = np.append(1.0, theta[2:]), self.v + theta[1]
        share = self.shares(theta[:1], theta[1:2])[0]
        s, edges = np.sqrt(s2)[:, None, None], np.stack([self.upper, self.lower])
        u = np.where(np.isfinite(edges), (edges - theta[0]) / s, 0.0)
        density = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi) * np.isfinite(edges)

        def across(factor: Array, power: int) -> Array:
            # factor phi(u) / s^power at the upper bound less that at the lower one, over pieces: (k, intervals).
            return np.asarray((-np.diff(factor * density, axis=0)[0] / s**power).sum(axis=2))

        m, t = -across(np.ones_like(u), 1), -across(u, 2) / 2
        mm, mt = -across(u, 2), across(1 - u * u, 3) / 2
        tt = across(u * (3 - u * u), 4) / 4
        weight = share @ delta
        r, size = self.y - theta[0], len(theta)
        first = np.column_stack([m @ delta, t @ delta, share[:, 1:]]) / weight[:, None]
        gradient = -first.sum(axis=0)
        gradient += [np.sum(r / s2), 0.5 * np.sum(r**2 / s2**2 - 1 / s2), *(self.counts[1:] / delta[1:])]
        second = np.zeros((size, size))
        for i, by in enumerate((m, t)):
            second[i, 2:] = second[2:, i] = (by[:, 1:] / weight[:, None]).sum(axis=0)
        second[0, 0], second[1, 1] = np.sum(mm @ delta / weight), np.sum(tt @ delta / weight)
        second[0, 1] = second[1, 0] = np.sum(mt @ delta / weight)
        hessian = first.T @ first - second
        hessian[0, 0] -= np.sum(1 / s2)
        hessian[0, 1] -= np.sum(r / s2**2)
        hessian[1, 0] = hessian[0, 1]
        hessian[1, 1] += np.sum(0.5 / s2**2 - r**2 / s2**3)
        hessian[range(2, size), range(2, size)] -= self.counts[1:] / delta[1:] ** 2
        return gradient, hessian


def selection_model(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    steps: Sequence[float] = (0.025,),
    alternative: Alternative = "greater",
    level: float = 0.95,
    clusters: Sequence[Hashable] | None = None,
) -> SelectionModel:
    """Fits the model to `yi`, `vi`, shape (k,), k >= 3, by maximum likelihood, with p-values cut at `steps`.

    `alternative`: p-values are one-sided (greater: large effects are significant; less: small ones) or two-sided.
    `clusters`, shape (k,): the sample of each effect, where effects hang together; standard errors, interval and test
    of the mean are then those of the sandwich estimator, the scores of a cluster summed (Pustejovsky, Citkowicz & Joshi
    2025, doi:10.31222/osf.io/qg5x6_v1; without a correction for few clusters, as in R's metaselection), and the test of
    the likelihood ratio, which takes effects as independent, is no test. Raises InputError for bad effects and steps,
    for an interval of p that holds no study, as its chance of appearing cannot be estimated, and for no more clusters
    than parameters.
    """
    y, v = check_effects(yi, vi)
    check_level(level)
    option("alternative", alternative, terms(Alternative))
    cuts = (*_checked_steps(steps), 1.0)
    groups = None if clusters is None else _groups(labels("clusters", clusters, len(y)), len(cuts) + 1)
    if len(y) < 3:
        raise InputError([Problem("yi", f"{len(y)} effects", "at least 3")])
    check_reach(y, v)
    unit = math.sqrt(float(np.median(v)))
    sign = -1.0 if alternative == "less" else 1.0
    problem = step_problem(sign * y / unit, v / unit**2, cuts, alternative == "two-sided")
    _check_counts(problem.counts, cuts, alternative)
    theta = _maximise(problem)
    errors = standard_errors(problem, theta) if groups is None else robust_errors(problem, theta, groups)
    notes = (*_notes(len(y), theta[1]), *_clustered(groups))
    return _fitted(problem, theta, errors, cuts, alternative, unit, level, notes)


def _fitted(
    problem: StepProblem,
    theta: Array,
    errors: Array,
    cuts: tuple[float, ...],
    alternative: str,
    unit: float,
    level: float,
    notes: tuple[str, ...],
) -> SelectionModel:
    """The maximum `theta` with its standard errors, brought back to the units and the sign of the effects."""
    value = problem.value(theta)
    gain = _gain(problem, value)
    estimate, se = (-theta[0] if alternative == "less" else theta[0]) * unit, errors[0] * unit
    half = float(scipy.special.ndtri(0.5 + level / 2)) * se
    return SelectionModel(
        steps=cuts,
        alternative=alternative,
        estimate=float(estimate),
        se=float(se),
        statistic=float(estimate / se),
        p=float(2 * math.exp(scipy.special.log_ndtr(-abs(estimate / se)))),
        ci_low=float(estimate - half),
        ci_high=float(estimate + half),
        tau2=float(theta[1]) * unit**2,
        tau2_se=float(errors[1]) * unit**2 if theta[1] > 0 else None,
        delta=(1.0, *map(float, theta[2:])),
        delta_se=(None, *map(float, errors[2:])),
        lrt=gain,
        lrt_df=len(cuts) - 1,
        lrt_p=float(scipy.special.chdtrc(len(cuts) - 1, gain)),
        log_likelihood=value - len(problem.y) * math.log(unit),
        k_per_interval=tuple(int(c) for c in problem.counts),
        notes=notes,
    )


def _groups(clusters: Sequence[Hashable], parameters: int) -> np.ndarray:
    """The number of the cluster of each effect, from 0."""
    places = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    if len(places) <= parameters:
        hint = "the scores of fewer clusters do not span the parameters; fewer steps"
        raise InputError([Problem("clusters", f"{len(places)} clusters", f"more than {parameters} parameters", hint)])
    return np.array([places[cluster] for cluster in clusters])


def _clustered(groups: np.ndarray | None) -> tuple[str, ...]:
    if groups is None:
        return ()
    count = int(groups.max()) + 1
    few = (f"with fewer than {FEW_CLUSTERS} clusters such errors tend to be too small",) if count < FEW_CLUSTERS else ()
    return (f"standard errors by the scores of {count} clusters", *few)


def _check_counts(counts: Array, cuts: Sequence[float], alternative: str) -> None:
    """Raises InputError for an interval of p, up to one of `cuts`, that holds no study."""
    for first, last, count in zip((0.0, *cuts[:-1]), cuts, counts, strict=True):
        if count == 0:
            sides = "two-sided" if alternative == "two-sided" else "one-sided"
            where = f"p-values from {first:g} to {last:g} ({sides})"
            hint = "fewer or other steps; without studies there its chance of appearing is not identified"
            raise InputError([Problem("steps", f"no study with {where}", "studies in every interval", hint)])


def _gain(problem: StepProblem, value: float) -> float:
    """Twice the log-likelihood `value` less that of the model without selection."""
    tau2 = float(estimate_tau2(problem.y[None], problem.v[None], "ML")[0])
    return max(0.0, 2 * (value - full_log_likelihood(problem.y, problem.v, tau2, restricted=False)))


def check_reach(y: Array, v: Array) -> None:
    """Raises InputError for effects so many standard errors apart that their p-values are all 0 or 1."""
    reach = float(np.ptp(y) / math.sqrt(v.min()))
    if reach > _LARGEST_REACH:
        allowed = f"a range of at most {_LARGEST_REACH:g} standard errors"
        hint = "p-values of such effects are all 0 or 1; an effect or a variance in other units?"
        raise InputError([Problem("yi, vi", f"effects {reach:.3g} standard errors apart", allowed, hint)])


def _checked_steps(steps: Sequence[float]) -> tuple[float, ...]:
    checked = tuple(column("steps", steps).tolist())
    if not checked or sorted(set(checked)) != list(checked) or checked[0] <= 0 or checked[-1] >= 1:
        raise InputError([Problem("steps", str(checked), "rising numbers between 0 and 1", "1 is added itself")])
    return checked


def _notes(k: int, tau2: float) -> tuple[str, ...]:
    notes = []
    if k < FEW_STUDIES:
        notes.append(f"{k} studies: with fewer than {FEW_STUDIES} the model is hardly estimable")
    if tau2 == 0:
        notes.append("tau2 is 0: its standard error is not defined")
    return tuple(notes)


def step_problem(y: Array, v: Array, cuts: tuple[float, ...], two_sided: bool) -> StepProblem:
    """Effects of shape (k,), large ones being significant, with the intervals of p that end at `cuts`, 1 last."""
    tails = np.array(cuts) / (2 if two_sided else 1)
    at = np.where(tails < 1, -scipy.special.ndtri(tails), -np.inf)
    edges = np.concatenate([[np.inf], at])
    root = np.sqrt(v)[:, None]
    with np.errstate(invalid="ignore"):
        upper, lower = edges[:-1] * root, edges[1:] * root
    p = scipy.special.ndtr(-np.abs(y) / np.sqrt(v)) * 2 if two_sided else scipy.special.ndtr(-y / np.sqrt(v))
    interval = np.searchsorted(np.array(cuts), p, side="left")
    counts = np.bincount(interval, minlength=len(cuts)).astype(float)
    if two_sided:
        # The same interval below 0: from -upper to -lower.
        return StepProblem(y, v, np.stack([upper, -lower], axis=2), np.stack([lower, -upper], axis=2), interval, counts)
    return StepProblem(y, v, upper[:, :, None], lower[:, :, None], interval, counts)


def _maximise(problem: StepProblem) -> Array:
    """Newton's method from the best points of a grid, of which the highest end wins.

    For a given mean and tau2 the likelihood is concave in log delta, so only those two need a grid.
    """
    tau2 = float(estimate_tau2(problem.y[None], problem.v[None], "ML")[0])
    w = 1 / (problem.v + tau2)
    centre = float(w @ problem.y / w.sum())
    spread = float(np.var(problem.y) + problem.v.min())
    means, variances = centre + math.sqrt(spread) * _MEANS, spread * _TAU2
    mean, t = (a.ravel() for a in np.meshgrid(means, variances, indexing="ij"))
    mean, t = np.append(mean, centre), np.append(t, tau2)
    share, delta = problem.shares(mean, t), np.ones((len(mean), len(problem.counts)))
    for _ in range(_PROFILE_ROUNDS):
        weight = np.maximum((share @ delta[:, :, None])[:, :, 0], _LEAST_SHARE)
        delta = problem.counts / np.maximum((share / weight[:, :, None]).sum(axis=1), _LEAST_SHARE)
        delta /= delta[:, :1]
    delta = np.clip(delta, 1 / _LARGEST_START, _LARGEST_START)
    starts = np.column_stack([mean, t, delta[:, 1:]])
    values = np.array([problem.value(start) for start in starts])
    grid = np.pad(values[:-1].reshape(len(means), len(variances)), 1, constant_values=-np.inf)
    around = [np.roll(grid, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    peaks = np.flatnonzero((grid >= np.max(around, axis=0))[1:-1, 1:-1].ravel())
    chosen = [*peaks[np.argsort(-values[peaks])][:_STARTS], len(values) - 1]
    ends = [polish(problem, starts[i], spread) for i in chosen if np.isfinite(values[i])]
    # A maximum at tau2 = 0 can hide beside a higher slope: search that edge alone, then let tau2 go.
    border = starts[np.argmax(np.where(t == 0, values, -np.inf))]
    edge, _, finite = polish(problem, border, spread, at_zero=True)
    if finite:
        ends.append(polish(problem, edge, spread))
    best = max(ends, key=lambda end: end[1])
    if not best[2]:
        where = f"mean {best[0][0]:.3g} standard errors, delta " + ", ".join(f"{d:.3g}" for d in best[0][2:])
        hint = "the search had no end, this is where it stopped; use fewer steps, or pool without selection"
        raise InputError([Problem("selection model", where, "data with a finite maximum", hint)])
    return best[0]
