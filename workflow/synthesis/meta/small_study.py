"""Estimates that small studies move less: unrestricted weights, adequate power, Henmi & Copas, limit meta-analysis."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.bias import few_studies
from synthesis.meta.inputs import check_effects, check_level, check_options
from synthesis.meta.kernel import Array
from synthesis.meta.options import Tau2Method
from synthesis.meta.pool import pool

# An effect is found with 80% power at 5% two-sided where its standard error is at most the effect over 1.96 + 0.84.
ADEQUATE = 2.8
_LEAST_ADEQUATE = 2
# Panels and nodes of the quadrature over the standard normal, which ends this far beyond its start.
_PANELS, _NODES, _REACH = 12, 16, 9.0
_HALVINGS = 200
# Variances closer than this, relative to the largest, are equal but for rounding.
_ALIKE = 1e-12


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An estimate with its interval and test, in the units of yi. `df` None: normal. `k`: effects that it is of."""

    method: str
    k: int
    estimate: float
    se: float
    statistic: float
    df: float | None
    p: float
    ci_low: float
    ci_high: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HenmiCopas:
    """The common-effect estimate with an interval that allows for heterogeneity; `tau2` by DerSimonian and Laird.

    `multiple`: half the interval over `se`.
    """

    k: int
    estimate: float
    se: float
    p: float
    ci_low: float
    ci_high: float
    tau2: float
    multiple: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit meta-analysis: the effect of a study of infinite precision, `estimate` = `slope` + tau * `intercept`.

    `q_small` (1 df) and `q_rest` (k - 2 df) part Cochran's Q; `q_small_p` tests small-study effects.
    """

    k: int
    estimate: float
    se: float
    statistic: float
    p: float
    ci_low: float
    ci_high: float
    tau2: float
    intercept: float
    slope: float
    q_small: float
    q_small_p: float
    q_rest: float
    notes: tuple[str, ...]


def uwls(yi: ArrayLike, vi: ArrayLike, *, level: float = 0.95) -> Adjusted:
    """Unrestricted weighted least squares of `yi`, `vi`, shape (k,), k >= 2. Stanley & Doucouliagos (2015), Stat Med
    34:2116-2127.

    Regression of yi/se on 1/se through the origin: the common-effect estimate, its variance times Q / (k - 1), t with
    k - 1 df. No tau2: small studies weigh as little as under a common effect. Raises InputError for bad effects.
    """
    y, v = check_effects(yi, vi, 2)
    check_level(level)
    return _weighted("uwls", y, v, level)


def waap(yi: ArrayLike, vi: ArrayLike, *, level: float = 0.95) -> Adjusted:
    """Weighted average of the adequately powered among `yi`, `vi`, shape (k,), k >= 2; of all where fewer than two are.

    Stanley, Doucouliagos & Ioannidis (2017), Stat Med 36:1580-1598: powered at 80% to find the UWLS estimate of all,
    that is se <= |estimate| / 2.8; of those the UWLS. Needs two; else the estimate is the UWLS of all, `method` "uwls"
    and a note say so (the hybrid WAAP-UWLS). Raises InputError for bad effects.
    """
    y, v = check_effects(yi, vi, 2)
    check_level(level)
    whole = _weighted("uwls", y, v, level)
    powered = np.sqrt(v) <= abs(whole.estimate) / ADEQUATE
    count = int(powered.sum())
    if count < _LEAST_ADEQUATE:
        which = "none has" if not count else "one has"
        why = f"of {len(y)} effects {which} 80% power to find the estimate of all: their weighted average is not there"
        return _weighted("uwls", y, v, level, (f"{why}, given is that of all",))
    return _weighted("waap", y[powered], v[powered], level, (f"{count} of {len(y)} effects are adequately powered",))


def _weighted(method: str, y: Array, v: Array, level: float, notes: tuple[str, ...] = ()) -> Adjusted:
    fit = pool(y, v, tau2="FE", ci="hksj", level=level)
    return Adjusted(
        method=method,
        k=len(y),
        estimate=fit.estimate,
        se=fit.se,
        statistic=fit.statistic,
        df=fit.df,
        p=fit.p,
        ci_low=fit.ci_low,
        ci_high=fit.ci_high,
        notes=(*notes, *fit.notes),
    )


def henmi_copas(yi: ArrayLike, vi: ArrayLike, *, level: float = 0.95) -> HenmiCopas:
    """Interval around the common-effect estimate of `yi`, `vi`, shape (k,), k >= 2. Henmi & Copas (2010), Stat Med
    29:2969-2983.

    Large studies weigh more than under random effects, so that bias of small ones moves it less; the limits come from
    the joint distribution of the estimate and Q under random effects, Q given the estimate being taken as gamma. `p` is
    1 less the level of the interval that ends at 0. Raises InputError for bad effects.
    """
    y, v = check_effects(yi, vi, 2)
    check_level(level)
    # In units of the variances: powers of weights go far.
    unit = math.sqrt(float(np.median(v)))
    y, v = y / unit, v / unit**2
    joint = _Joint.of(y, v)
    multiple = _root(lambda t: joint.beyond(t) - (1 - level) / 2, 1.0) * math.sqrt(joint.spread)
    p = 2 * joint.beyond(abs(joint.estimate) / joint.se / math.sqrt(joint.spread)) if joint.estimate else 1.0
    return HenmiCopas(
        k=len(y),
        estimate=joint.estimate * unit,
        se=joint.se * unit,
        p=min(1.0, p),
        ci_low=(joint.estimate - multiple * joint.se) * unit,
        ci_high=(joint.estimate + multiple * joint.se) * unit,
        tau2=joint.tau2 * unit**2,
        multiple=multiple,
    )


@dataclass(frozen=True, slots=True)
class _Joint:
    """The estimate, and Q given its standardised value. `spread`: 1 + tau2 w2; w1: sum of weights, wj: sums of powers
    j over it."""

    k: int
    estimate: float
    se: float
    tau2: float
    spread: float
    w1: float
    w2: float
    w3: float
    w4: float

    @classmethod
    def of(cls, y: Array, v: Array) -> _Joint:
        w = 1 / v
        w1 = float(w.sum())
        w2, w3, w4 = (float((w**power).sum()) / w1 for power in (2, 3, 4))
        estimate = float(w @ y) / w1
        q = float(w @ (y - estimate) ** 2)
        tau2 = max(0.0, (q - (len(y) - 1)) / (w1 - w2))
        spread = 1 + tau2 * w2
        return cls(len(y), estimate, math.sqrt(spread / w1), tau2, spread, w1, w2, w3, w4)

    def moments(self, r: Array) -> tuple[Array, Array]:
        """Mean and variance of Q where the estimate is r of its common-effect standard errors from the truth."""
        t, vr, df = self.tau2, self.spread, self.k - 1
        pulled = (r / vr) ** 2 - 1 / vr
        third, fourth = self.w3 - self.w2**2, self.w4 - 2 * self.w2 * self.w3 + self.w2**3
        mean = df + t * (self.w1 - self.w2) + t**2 * pulled * third
        variance = (
            2 * df
            + 4 * t * (self.w1 - self.w2)
            + 2 * t**2 * (self.w1 * self.w2 - 2 * self.w3 + self.w2**2)
            + 4 * t**2 * pulled * third
            + 4 * t**3 * pulled * fourth
            + 2 * t**4 * (1 / vr**2 - 2 * r**2 / vr**3) * third**2
        )
        return mean, variance

    def beyond(self, t: float) -> float:
        """Chance that the standardised estimate is above t times what Q lets the interval be."""
        at, weight = _nodes(t)
        mean, variance = self.moments(math.sqrt(self.spread) * at)
        # Far out, where the density is next to nothing, the two moments can fit no gamma.
        fits = (mean > 0) & (variance > 0)
        shape = np.where(fits, mean, 1.0) ** 2 / np.where(fits, variance, 1.0)
        scale = np.where(fits, variance, 1.0) / np.where(fits, mean, 1.0)
        q = (self.w1 / self.w2 - 1) * ((at / t) ** 2 - 1) + self.k - 1
        return float(weight @ np.where(fits, scipy.special.gammainc(shape, q / scale), 1.0))


def _nodes(start: float) -> tuple[Array, Array]:
    """Nodes from `start` on and their weights, the standard normal density in them."""
    x, w = leggauss(_NODES)
    half = _REACH / _PANELS / 2
    middles = start + half * (2 * np.arange(_PANELS) + 1)
    at = (middles[:, None] + half * x).ravel()
    return at, np.tile(w, _PANELS) * half * np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi)


def _root(falling: Callable[[float], float], start: float) -> float:
    """Where a function of a positive number falls through 0, by halving."""
    low, high = start, start
    while falling(low) < 0:
        low /= 2
    while falling(high) > 0:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def limit_meta(yi: ArrayLike, vi: ArrayLike, *, tau2: Tau2Method = "REML", level: float = 0.95) -> Limit:
    """Limit meta-analysis of `yi`, `vi`, shape (k,), k >= 3. Ruecker, Schwarzer, Carpenter, Binder & Schumacher (2011),
    Biostatistics 12:122-142.

    yi = beta + sqrt(vi + tau2) (alpha + error): the regression of yi / sqrt(vi + tau2) on 1 / sqrt(vi + tau2), errors
    of variance 1. As vi goes to 0 the mean effect goes to beta + tau alpha, the estimate (beta0 of R's metasens).
    Without heterogeneity it is the limit of Egger's test with dispersion 1. Raises InputError for bad effects and
    variances that do not vary.
    """
    y, v = check_effects(yi, vi, 3)
    check_options(tau2, "wald", level)
    if np.ptp(v) <= _ALIKE * v.max():
        raise InputError([Problem("vi", "all variances are equal", "variances that differ", "there is no limit")])
    between = pool(y, v, tau2=tau2, ci="wald").tau2 or 0.0
    line, plain, tau = _radial(y, v + between), _radial(y, v), math.sqrt(between)
    estimate = line.slope + tau * line.intercept
    se = math.sqrt(line.variance(tau))
    mean = float(np.dot(1 / v, y) / (1 / v).sum())
    small = max(0.0, float(((y - mean) ** 2 / v).sum()) - plain.rest)
    half = float(scipy.special.ndtri(0.5 + level / 2)) * se
    return Limit(
        k=len(y),
        estimate=estimate,
        se=se,
        statistic=estimate / se,
        p=2 * float(scipy.special.ndtr(-abs(estimate / se))),
        ci_low=estimate - half,
        ci_high=estimate + half,
        tau2=between,
        intercept=line.intercept,
        slope=line.slope,
        q_small=small,
        q_small_p=2 * float(scipy.special.ndtr(-math.sqrt(small))),
        q_rest=plain.rest,
        notes=few_studies(len(y)),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A regression whose errors have variance 1: k values, mean and centred square sum of x, residual square sum."""

    slope: float
    intercept: float
    k: int
    mean: float
    square: float
    rest: float

    def variance(self, tau: float) -> float:
        """Of slope + tau * intercept."""
        return (1 - tau * self.mean) ** 2 / self.square + tau**2 / self.k


def _radial(y: Array, variance: Array) -> _Line:
    """The line of a radial plot."""
    x, z = 1 / np.sqrt(variance), y / np.sqrt(variance)
    mean = float(x.mean())
    apart = x - mean
    square = float(apart @ apart)
    slope = float(apart @ (z - z.mean())) / square
    intercept = float(z.mean()) - slope * mean
    return _Line(slope, intercept, len(y), mean, square, float(((z - intercept - slope * x) ** 2).sum()))
