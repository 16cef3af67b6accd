"""What the significant effects among all say: the test of excess significance, p-uniform*, p-curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_effects, check_level, check_options, number, option
from synthesis.meta.kernel import Array, estimate_tau2
from synthesis.meta.maximum import polish
from synthesis.meta.options import Tau2Method
from synthesis.meta.pool import pool
from synthesis.meta.selection_model import check_reach

Side = Literal["greater", "less"]
_ALPHA = 0.05
_HALVINGS = 200
_FURTHEST = 1e6
_CLOSE = 1e-9
_LOG_ROOT = 0.5 * math.log(2 * math.pi)
# Power that p-curve's second test holds the significant effects against.
_LITTLE_POWER = 1 / 3


@dataclass(frozen=True, slots=True)
class ExcessSignificance:
    """`observed` significant effects against the `expected` number, the sum of `power`.

    `p` is one-sided: as many or more. `exact`: from the distribution of a sum of unequal chances, else chi-squared.
    """

    k: int
    observed: int
    expected: float
    ratio: float
    p: float
    exact: bool
    effect: float
    tau2: float
    power: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PUniformStar:
    """The estimate given which effects are significant; limits by profile likelihood, None where one has no end.

    `lr` tests a mean effect of 0 by its likelihood ratio (1 df); `significant` of `k` effects are.
    """

    side: str
    k: int
    significant: int
    estimate: float
    ci_low: float | None
    ci_high: float | None
    tau2: float
    lr: float
    p: float
    log_likelihood: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PCurve:
    """Tests of right skew (`evidential`: more small p than without any effect) and of flatness (`flat`: less than with
    33% power), by Stouffer's z of all significant p (full) and of those up to half of .05 (half; None without any)."""

    k: int
    significant: int
    below_half: int
    binomial_p: float
    skew_full_z: float
    skew_full_p: float
    skew_half_z: float | None
    skew_half_p: float | None
    flat_full_z: float
    flat_full_p: float
    flat_half_z: float | None
    flat_half_p: float | None
    evidential: bool
    flat: bool


def excess_significance(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    alpha: float = 0.05,
    test: Literal["exact", "chi2"] = "exact",
) -> ExcessSignificance:
    """Test of excess significance of `yi`, `vi`, shape (k,). Ioannidis & Trikalinos (2007), Clin Trials 4:245-253.

    The power of effect i to be significant (two-sided `alpha`) if the true effects are normal around the pooled one
    with variance `tau2`: Phi((theta - c se_i) / sqrt(vi + tau2)) and the same on the other side, in closed form.
    exact: chance of as many or more, convolved; chi2: (O - E)^2 / (E (k - E) / k), as metafor::tes has for many.
    Raises InputError for bad effects and options.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, "wald", 0.95)
    number("alpha", alpha, 1e-12, 1 - 1e-12, allowed="between 0 and 1")
    option("test", test, ("exact", "chi2"))
    fit = pool(y, v, tau2=tau2, ci="wald")
    theta, between = fit.estimate, fit.tau2 or 0.0
    critical = -float(scipy.special.ndtri(alpha / 2)) * np.sqrt(v)
    spread = np.sqrt(v + between)
    power = scipy.special.ndtr((theta - critical) / spread) + scipy.special.ndtr((-theta - critical) / spread)
    observed, expected = int((np.abs(y) >= critical).sum()), float(power.sum())
    k = len(y)
    if test == "exact":
        p = _as_many(power, observed)
    else:
        scale = expected * (k - expected) / k
        p = float(scipy.special.ndtr(-(observed - expected) / math.sqrt(scale))) if scale > 0 else 1.0
    return ExcessSignificance(
        k=k,
        observed=observed,
        expected=expected,
        ratio=observed / expected,
        p=p,
        exact=test == "exact",
        effect=theta,
        tau2=between,
        power=tuple(map(float, power)),
    )


def _as_many(power: Array, observed: int) -> float:
    """Chance that at least `observed` of independent events with these chances happen."""
    chances = np.zeros(len(power) + 1)
    chances[0] = 1.0
    for p in power:
        chances[1:] = chances[1:] * (1 - p) + chances[:-1] * p
        chances[0] *= 1 - p
    return float(min(1.0, chances[observed:].sum()))


@dataclass(frozen=True, slots=True)
class _Conditional:
    """Effects and the value above which each is significant; the likelihood given on which side each lies."""

    y: Array
    v: Array
    cut: Array
    side: Array

    def value(self, theta: Array) -> float:
        s = np.sqrt(self.v + theta[1])
        u = (self.cut - theta[0]) / s
        normal = -_LOG_ROOT - np.log(s) - 0.5 * ((self.y - theta[0]) / s) ** 2
        return float(np.sum(normal - scipy.special.log_ndtr(-self.side * u)))

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        s2 = self.v + theta[1]
        s = np.sqrt(s2)
        u = (self.cut - theta[0]) / s
        # Derivative of log P by u is -side phi / P; by mean and tau2 through u.
        h = self.side * np.exp(-_LOG_ROOT - 0.5 * u * u - scipy.special.log_ndtr(-self.side * u))
        m, t = 1 / s, u / (2 * s2)
        first = np.stack([h * m, h * t])
        bend = h * u - h * h
        r = self.y - theta[0]
        gradient = np.array([np.sum(r / s2), 0.5 * np.sum(r**2 / s2**2 - 1 / s2)]) - first.sum(axis=1)
        mm, mt, tt = bend * m * m, bend * m * t - h / (2 * s * s2), bend * t * t - h * 0.75 * u / s2**2
        curvature = np.array([
            [np.sum(1 / s2), np.sum(r / s2**2)],
            [np.sum(r / s2**2), np.sum(r**2 / s2**3 - 0.5 / s2**2)],
        ])  # fmt: skip
        return gradient, -curvature - np.array([[mm.sum(), mt.sum()], [mt.sum(), tt.sum()]])


def p_uniform_star(yi: ArrayLike, vi: ArrayLike, *, side: Side = "greater", level: float = 0.95) -> PUniformStar:
    """p-uniform* of `yi`, `vi`, shape (k,), k >= 3, by maximum likelihood, van Aert & van Assen (2018).

    Each effect, normal with variance vi + tau2, given that it is significant (two-sided .05, in the direction `side`)
    or that it is not: whether significant ones are likelier to appear is left open, that they are equally likely among
    themselves is assumed, and so of the others. Raises InputError for bad effects, without any significant effect (or
    nothing else, and no finite maximum).
    """
    y, v = check_effects(yi, vi, 3)
    check_level(level)
    option("side", side, ("greater", "less"))
    check_reach(y, v)
    unit, sign = math.sqrt(float(np.median(v))), 1.0 if side == "greater" else -1.0
    y, v = sign * y / unit, v / unit**2
    cut = -float(scipy.special.ndtri(_ALPHA / 2)) * np.sqrt(v)
    above = y > cut
    if not above.any():
        hint = "without one there is nothing that its rule could have let through"
        raise InputError([Problem("yi, vi", "no significant effect", "at least one in that direction", hint)])
    problem = _Conditional(y, v, cut, np.where(above, 1.0, -1.0))
    theta, value = _maximise(problem)
    lr = max(0.0, 2 * (value - _profile(problem, 0.0, float(theta[1]))[0]))
    limits = _profile_limits(problem, theta, value, level)
    low, high = (None if limit is None else sign * limit * unit for limit in limits)
    return PUniformStar(
        side=side,
        k=len(y),
        significant=int(above.sum()),
        estimate=sign * float(theta[0]) * unit,
        ci_low=low if sign > 0 else high,
        ci_high=high if sign > 0 else low,
        tau2=float(theta[1]) * unit**2,
        lr=lr,
        p=float(scipy.special.chdtrc(1, lr)),
        log_likelihood=value - len(y) * math.log(unit),
        notes=() if not above.all() else ("all effects are significant",),
    )


def _maximise(problem: _Conditional) -> tuple[Array, float]:
    tau2 = float(estimate_tau2(problem.y[None], problem.v[None], "ML")[0])
    w = 1 / (problem.v + tau2)
    centre, spread = float(w @ problem.y / w.sum()), float(np.var(problem.y) + problem.v.min())
    ends = [
        polish(problem, np.array([share * centre, between]), spread)
        for share, between in ((1.0, tau2), (0.5, 0.0), (0.0, spread))
    ]
    theta, value, converged = max(ends, key=lambda end: end[1])
    if not converged or abs(theta[0]) > _FURTHEST:
        where = f"mean {theta[0]:.3g} standard errors, where the search stopped"
        raise InputError([Problem("p-uniform*", where, "data with a finite maximum", "take another adjustment")])
    return theta, value


def _profile(problem: _Conditional, mean: float, near: float) -> tuple[float, float]:
    """The highest log-likelihood with this mean, and its tau2: Newton's method in tau2 from near and from 0."""
    best = (-math.inf, near)
    for start in {near, 0.0}:
        theta = np.array([mean, start])
        value = problem.value(theta)
        for _ in range(_HALVINGS):
            gradient, hessian = problem.derivatives(theta)
            slope, curve = float(gradient[1]), float(hessian[1, 1])
            step = -slope / curve if curve < 0 else math.copysign(1 + theta[1], slope)
            new = max(0.0, theta[1] + step)
            while abs(new - theta[1]) > _CLOSE * (1 + theta[1]):
                trial = problem.value(np.array([mean, new]))
                if trial > value:
                    break
                new = (new + theta[1]) / 2
            else:
                break
            theta, value = np.array([mean, new]), trial
        best = max(best, (value, float(theta[1])))
    return best


def _profile_limits(
    problem: _Conditional, theta: Array, value: float, level: float
) -> tuple[float | None, float | None]:
    """Where twice the profile log-likelihood is below its maximum by the quantile of chi-squared with 1 df."""
    drop, limits = float(scipy.special.ndtri(0.5 + level / 2)), []
    for direction in (-1.0, 1.0):
        between = float(theta[1])

        def short(distance: float, direction: float = direction) -> float:
            """Root of the fall of the likelihood less the quantile's: nearly a line."""
            nonlocal between
            height, between = _profile(problem, float(theta[0]) + direction * distance, between)
            return math.sqrt(max(0.0, 2 * (value - height))) - drop

        reach = 1.0
        while (end := short(reach)) < 0 and reach < _FURTHEST:
            reach *= 2
        distance = _crossing(short, 0.0, -drop, reach, end) if reach < _FURTHEST else None
        limits.append(None if distance is None else float(theta[0]) + direction * distance)
    return limits[0], limits[1]


def _crossing(rising: Callable[[float], float], low: float, below: float, high: float, above: float) -> float:
    """Where a function that is `below` 0 at `low` and `above` at `high` passes it: false position (Illinois)."""
    for _ in range(_HALVINGS):
        middle = (low * above - high * below) / (above - below)
        if high - low <= _CLOSE * (1 + high):
            break
        value = rising(middle)
        if abs(value) < _CLOSE:
            break
        if value < 0:
            low, below, above = middle, value, above / 2
        else:
            high, above, below = middle, value, below / 2
    return middle


def _halved(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The border between a number for which something holds and one for which it does not."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if abs(outside - inside) <= 1e-11 * (1 + abs(middle)):
            break
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return (inside + outside) / 2


def p_curve(yi: ArrayLike, vi: ArrayLike) -> PCurve:
    """p-curve of `yi`, `vi`, shape (k,). Simonsohn, Nelson & Simmons (2014), J Exp Psychol Gen 143:534-547; (2015),
    144:1146-1152 for the half curve.

    p two-sided by the normal distribution, of effects in either direction. Right skew: Stouffer's z of p / .05 (half:
    p / .025), low where there is evidence; flatness: the same if each effect had a power of 33%. `evidential`: half
    curve below .05, or both below .1; `flat`: the full curve of the second test below .05, or half and binomial below
    .1. Raises InputError for bad effects and without a significant one.
    """
    y, v = check_effects(yi, vi)
    z = np.abs(y) / np.sqrt(v)
    z = z[2 * scipy.special.ndtr(-z) < _ALPHA]
    if not len(z):
        raise InputError([Problem("yi, vi", "no significant effect", "at least one")])
    half = z[2 * scipy.special.ndtr(-z) < _ALPHA / 2]
    skew, flat = _stouffer(z, _ALPHA, 0.0), _stouffer(z, _ALPHA, _noncentral())
    skew_half, flat_half = (_stouffer(half, _ALPHA / 2, shift) if len(half) else None for shift in (0.0, _noncentral()))
    binomial = float(scipy.special.bdtrc(len(half) - 1, len(z), 0.5)) if len(half) else 1.0
    # Chance of a p below half of .05 among those below .05 at that power.
    share = float(np.exp(_further(np.array([-float(scipy.special.ndtri(_ALPHA / 4))]), _ALPHA, _noncentral())[0]))
    few = float(scipy.special.bdtr(len(half), len(z), share))
    p_skew, p_flat = float(scipy.special.ndtr(skew)), float(scipy.special.ndtr(flat))
    half_skew, half_flat = (None if s is None else float(scipy.special.ndtr(s)) for s in (skew_half, flat_half))
    return PCurve(
        k=len(y),
        significant=len(z),
        below_half=len(half),
        binomial_p=binomial,
        skew_full_z=skew,
        skew_full_p=p_skew,
        skew_half_z=skew_half,
        skew_half_p=half_skew,
        flat_full_z=flat,
        flat_full_p=p_flat,
        flat_half_z=flat_half,
        flat_half_p=half_flat,
        evidential=half_skew is not None and (half_skew < 0.05 or (half_skew < 0.1 and p_skew < 0.1)),
        flat=p_flat < 0.05 or (half_flat is not None and half_flat < 0.1 and few < 0.1),
    )


def _noncentral() -> float:
    """Mean of z that gives a third of the tests p below .05."""
    critical = -float(scipy.special.ndtri(_ALPHA / 2))
    return _halved(
        lambda m: float(scipy.special.ndtr(m - critical) + scipy.special.ndtr(-m - critical)) < _LITTLE_POWER, 0.0, 4.0
    )


def _further(z: Array, alpha: float, mean: float) -> Array:
    """Log of the chance of a z further from 0 than these, given p < alpha, for a test whose z has this mean."""
    critical = -float(scipy.special.ndtri(alpha / 2))
    outside = np.logaddexp(scipy.special.log_ndtr(mean - z), scipy.special.log_ndtr(-mean - z))
    return np.asarray(
        outside - np.logaddexp(scipy.special.log_ndtr(mean - critical), scipy.special.log_ndtr(-mean - critical))
    )


def _stouffer(z: Array, alpha: float, mean: float) -> float:
    """Stouffer's z of the p of p-values: low where they are smaller than with mean 0, or larger than with another."""
    scores = scipy.special.ndtri_exp(_further(z, alpha, mean))
    return float((scores if mean == 0 else -scores).sum() / math.sqrt(len(z)))
