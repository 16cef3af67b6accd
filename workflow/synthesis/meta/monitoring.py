"""Sequential monitoring of a meta-analysis that is repeated as studies come in: boundaries by alpha spending."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import LARGEST_RATIO, check_effects, column, number, option
from synthesis.meta.kernel import Array
from synthesis.meta.options import Spending, Tau2Method, terms
from synthesis.meta.pool import Fit, pool
from synthesis.meta.power import check_chances

# Information added by a look, as a share of all so far, below which two looks are one.
LEAST_ADDED = 1e-3
# The error that a look may spend before it has a boundary at all, and the z behind which no statistic is looked for.
_LEAST_SPENT = 1e-18
_END = 10.0
_NODES = 12
_BOUNDARY = 1e-12


@dataclass(frozen=True, slots=True)
class Look:
    """The pool of all studies up to one look.

    `fraction`: its information over what is required; `spent`: two-sided error spent so far; `boundary`: of |z|, None
    where nothing can be spent yet, or all was; `low`, `high`: repeated confidence interval, None without a boundary.
    """

    at: float
    k: int
    information: float
    fraction: float
    spent: float
    boundary: float | None
    estimate: float
    se: float
    z: float
    low: float | None
    high: float | None
    crossed: bool


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A monitored meta-analysis. `required`: information, a sum of 1 / vi, that it takes to find `smallest_effect`.

    `diversity`: share of the variance of the pool that is heterogeneity; `crossed`: position of the first look whose z
    is beyond the boundary, None where none is.
    """

    smallest_effect: float
    alpha: float
    power: float
    spending: str
    diversity: float
    required: float
    fraction: float
    looks: tuple[Look, ...]
    crossed: int | None


def spent_error(fraction: ArrayLike, *, alpha: float = 0.05, spending: Spending = "obrien_fleming") -> Array:
    """Two-sided type I error spent at fractions of the information, shape (n,); all of it from 1 on.

    Lan & DeMets (1983), Biometrika 70:659-663, on either side half of alpha: like O'Brien & Fleming's boundaries
    4 - 4 Phi(z / sqrt(t)) with z the upper quantile of alpha / 4, like Pocock's alpha ln(1 + (e - 1) t). Raises
    InputError for fractions that are not above 0.
    """
    t = _fractions(fraction)
    number("alpha", alpha, 1e-12, 1 - 1e-12, allowed="between 0 and 1")
    if option("spending", spending, terms(Spending)) == "pocock":
        return np.asarray(alpha * np.log1p((math.e - 1) * np.minimum(t, 1)))
    upper = scipy.special.ndtri(alpha / 4) / np.sqrt(np.minimum(t, 1))
    return np.asarray(4 * scipy.special.ndtr(upper))


def _fractions(fraction: ArrayLike) -> Array:
    t = column("fraction", fraction)
    if len(t) and t.min() <= 0:
        raise InputError([Problem("fraction", f"{t.min():g}", "fractions of the information above 0")])
    return t


def boundaries(
    fraction: ArrayLike, *, alpha: float = 0.05, spending: Spending = "obrien_fleming"
) -> tuple[float | None, ...]:
    """Two-sided boundaries of |z| at rising fractions of the required information, shape (n,).

    Armitage, McPherson & Rowe (1969), J R Stat Soc A 132:235-244: the density of z among those that went on is
    integrated from look to look; Jennison & Turnbull (2000), Group Sequential Methods, ch. 19, here by Gauss-Legendre
    quadrature. The first look with all of the information is the last that has a boundary. None where nothing can be
    spent. Raises InputError for fractions that do not rise by 0.1% each.
    """
    t, spent = _fractions(fraction), spent_error(fraction, alpha=alpha, spending=spending)
    if np.any(np.diff(t) < LEAST_ADDED * t[1:]):
        hint = "take looks that add so little together with the next"
        raise InputError([Problem("fraction", "looks too close", "fractions that rise by 0.1% or more", hint)])
    bounds: list[float | None] = []
    # At the beginning z is 0 for certain.
    density = _Density(np.zeros(1), np.ones(1), 0.0)
    for i, now in enumerate(t):
        if i and t[i - 1] >= 1:
            bounds.append(None)
            continue
        error = float(spent[i] - (spent[i - 1] if i else 0.0))
        boundary = density.boundary(error, now)
        bounds.append(boundary)
        # The kernels of this look and the next say how fine the nodes must be.
        width = math.sqrt(min(1 - (t[i - 1] / now if i else 0.0), 1 - now / t[i + 1] if i + 1 < len(t) else 1.0))
        density = density.carried(_END if boundary is None else min(boundary, _END), width, now)
    return tuple(bounds)


@dataclass(frozen=True, slots=True)
class _Density:
    """The distribution of |z| among those that went on from a look at `before`: nodes and masses, shape (n,).

    It is even in z, so that half of it does.
    """

    nodes: Array
    masses: Array
    before: float

    def boundary(self, error: float, now: float) -> float | None:
        """The |z| beyond which is `error` of all that began, at the next look; None where it is too little."""
        if error < _LEAST_SPENT:
            return None
        return float(scipy.optimize.brentq(lambda c: self._beyond(c, now) - error, 0.0, 4 * _END, xtol=_BOUNDARY))

    def _beyond(self, c: float, now: float) -> float:
        centre, spread = self._step(now)
        upper, lower = (scipy.special.ndtr((sign * centre - c) / spread) for sign in (1, -1))
        return float(np.dot(self.masses, upper + lower))

    def _step(self, now: float) -> tuple[Array, float]:
        """Mean and standard deviation of the next z given this one."""
        return self.nodes * math.sqrt(self.before / now), math.sqrt(1 - self.before / now)

    def carried(self, end: float, width: float, now: float) -> _Density:
        """The density of those below `end` at the next look."""
        nodes, weights = _panels(end, width)
        centre, spread = self._step(now)
        apart = (nodes[:, None] - centre) / spread, (nodes[:, None] + centre) / spread
        kernel = (np.exp(-(apart[0] ** 2) / 2) + np.exp(-(apart[1] ** 2) / 2)) / (spread * math.sqrt(2 * math.pi))
        return _Density(nodes, weights * (kernel @ self.masses), now)


def _panels(end: float, width: float) -> tuple[Array, Array]:
    """Nodes and weights on [0, end], by Gauss-Legendre on panels as wide as the narrowest kernel."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(0, end, max(2, math.ceil(end / width) + 1))
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def required_information(
    smallest_effect: float, *, alpha: float = 0.05, power: float = 0.8, diversity: float = 0.0
) -> float:
    """Information, as a sum of 1 / vi, that a meta-analysis takes to find `smallest_effect` with this power.

    ((z(1 - alpha/2) + z(power)) / effect)^2, over 1 - D2 for heterogeneity; Wetterslev, Thorlund, Brok & Gluud (2009),
    BMC Med Res Methodol 9:86, who count it in people. Raises InputError for an effect of 0 and bad chances.
    """
    check_chances(smallest_effect, alpha, power, "an effect", ("smallest_effect", "power"))
    if not 1 / LARGEST_RATIO <= abs(smallest_effect) <= LARGEST_RATIO:
        allowed = f"an effect between {1 / LARGEST_RATIO:g} and {LARGEST_RATIO:g} in size"
        raise InputError([Problem("smallest_effect", f"{smallest_effect:g}", allowed, "in other units?")])
    number("diversity", diversity, 0, 1 - 1e-9, allowed="at least 0 and below 1")
    quantiles = float(scipy.special.ndtri(1 - alpha / 2) + scipy.special.ndtri(power))
    return (quantiles / smallest_effect) ** 2 / (1 - diversity)


def monitor(
    yi: ArrayLike,
    vi: ArrayLike,
    order: Sequence[float],
    *,
    smallest_effect: float,
    alpha: float = 0.05,
    power: float = 0.8,
    spending: Spending = "obrien_fleming",
    tau2: Tau2Method = "REML",
    diversity: float | None = None,
) -> Monitoring:
    """Monitors a meta-analysis of independent effects (k,) that came in by `order` (k,), as a year; ties are one look.

    At each look z is the random-effects estimate over its standard error, against `boundaries` at the share of the
    required information so far (`required_information`). A look that adds less than 0.1% waits for the next.
    `diversity`: D2 that was declared; None takes that of all studies, 1 - V(common effect) / V(random effects). The
    boundaries hold for independent increments, which an estimated tau2 keeps only about. Raises InputError for bad
    effects and options.
    """
    y, v = check_effects(yi, vi)
    when = column("order", order, len(y))
    whole = pool(y, v, tau2=tau2, ci="wald")
    if diversity is None:
        diversity = max(0.0, 1 - 1 / (float((1 / v).sum()) * whole.se**2))
    required = required_information(smallest_effect, alpha=alpha, power=power, diversity=diversity)
    at, information = _looks(when, 1 / v)
    fraction = information / required
    spent = spent_error(fraction, alpha=alpha, spending=spending)
    limits = boundaries(fraction, alpha=alpha, spending=spending)
    looks = []
    for i, limit in enumerate(limits):
        here = when <= at[i]
        fit = pool(y[here], v[here], tau2=tau2, ci="wald")
        looks.append(_look(fit, float(at[i]), float(information[i]), float(fraction[i]), float(spent[i]), limit))
    return Monitoring(
        smallest_effect=float(smallest_effect),
        alpha=float(alpha),
        power=float(power),
        spending=spending,
        diversity=float(diversity),
        required=required,
        fraction=float(fraction[-1]),
        looks=tuple(looks),
        crossed=next((i for i, look in enumerate(looks) if look.crossed), None),
    )


def _looks(when: Array, precision: Array) -> tuple[Array, Array]:
    """When there is a look, and the information up to it; the last has all."""
    at = np.unique(when)
    information = np.array([precision[when <= moment].sum() for moment in at])
    kept = [0]
    for i, now in enumerate(information):
        if now - information[kept[-1]] >= LEAST_ADDED * now:
            kept.append(i)
    # What came last is looked at in any case, in place of a look that it adds next to nothing to.
    kept[-1] = len(at) - 1
    return at[kept], information[kept]


def _look(fit: Fit, at: float, information: float, fraction: float, spent: float, boundary: float | None) -> Look:
    half, z = None if boundary is None else boundary * fit.se, fit.estimate / fit.se
    return Look(
        at=at,
        k=fit.k,
        information=information,
        fraction=fraction,
        spent=spent,
        boundary=boundary,
        estimate=fit.estimate,
        se=fit.se,
        z=z,
        low=None if half is None else fit.estimate - half,
        high=None if half is None else fit.estimate + half,
        crossed=boundary is not None and abs(z) >= boundary,
    )
