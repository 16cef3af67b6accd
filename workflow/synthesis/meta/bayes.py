"""Bayesian random-effects meta-analysis by quadrature: y_i ~ N(mu, v_i + tau^2), tau half-normal, mu flat or normal.

Roever (2020), J Stat Softw 93(6), doi:10.18637/jss.v093.i06, Section 2. Given tau, everything is normal: with
w_i = 1/(v_i + tau^2) and the precision P = sum w_i (+ 1/sd^2 of a normal prior), mu | tau, y ~ N(m, 1/P), and mu
integrates out of the likelihood in closed form. What is left is one integral over tau. The posterior of mu, of a new
study's effect N(m, 1/P + tau^2) and of a study's own (shrunken) effect are mixtures of normals over its nodes.

All are functions of tau^2, singular on the imaginary axis of tau only and no closer than min(sqrt(v)) / sqrt(k + 1).
So Gauss-Legendre panels that double in length from there converge geometrically; a sharp posterior halves them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import LARGEST_VARIANCE, check_effects, check_level, column, gathered, number

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Prior = tuple[float, float] | None

_NODES = 16
# A panel is halved while its halves change the posterior mass by more than this.
_PANEL_ERROR = 1e-11
# A log density this far below the peak does not count: exp(-60) is 1e-26.
_DEEP = 60.0
# Nodes with less of the mass than this are left out of the mixtures (not out of the moments).
_NEGLIGIBLE = 1e-17
# Of probabilities and, relatively, of places.
_ROUNDING = 1e-14
# Distributions summarised at once: bounds the memory.
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Posterior:
    """One posterior distribution, in the units of yi. `low`, `high`: shortest interval; `*_central`: equal tails."""

    mean: float
    median: float
    mode: float | None
    sd: float
    low: float
    high: float
    low_central: float
    high_central: float


@dataclass(frozen=True, slots=True)
class Bayes:
    """The posteriors of mu, tau, the effect of a new study and the effects of the studies, in units of yi.

    `p_positive` is P(mu > 0); `p_tau_above` pairs each threshold with P(tau > threshold). The marginal likelihood is
    None under the improper flat prior of mu (`mu_prior` None), which leaves it undefined.
    """

    mu: Posterior
    tau: Posterior
    predictive: Posterior
    studies: tuple[Posterior, ...]
    p_positive: float
    p_tau_above: tuple[tuple[float, float], ...]
    log_marginal_likelihood: float | None
    tau_scale: float
    mu_prior: tuple[float, float] | None
    level: float
    notes: tuple[str, ...]


def bayes(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau_scale: float = 0.5,
    mu_prior: Prior = None,
    level: float = 0.95,
    thresholds: Sequence[float] = (),
) -> Bayes:
    """The posterior of effects `yi` with sampling variances `vi`, arrays of shape (k,), k >= 1.

    `tau_scale`: scale of the half-normal prior of tau, in units of yi (its median is 0.674 times that); `mu_prior`:
    (mean, sd) of a normal prior of mu, None for a flat one; `thresholds`: values of tau. Source: Roever (2020),
    Section 2. Raises InputError for bad effects or thresholds, a scale or sd not above 0, a level outside 0..1.
    """
    model = _Model(yi, vi, tau_scale, mu_prior, level, thresholds)
    t2, m, se2 = model.nodes**2, model.center, model.variance
    y, v = model.y[:, None], model.v[:, None]
    kept = t2 / (t2 + v)
    means = np.vstack([m, m, m + kept * (y - m)])
    variances = np.vstack([se2, se2 + t2, kept * v + (1 - kept) ** 2 * se2])
    effects: list[Posterior] = []
    for start in range(0, len(means), _CHUNK):
        rows = slice(start, start + _CHUNK)
        mixture = _Mixture(means[rows], variances[rows], model.weights)
        effects += _summary(mixture, level, model.unit, model.base)
    (tau,) = _summary(model, level, model.unit, 0.0)
    above = model.survival(np.array([thresholds], dtype=float) / model.unit)[0]
    return Bayes(
        mu=effects[0],
        tau=tau,
        predictive=effects[1],
        studies=tuple(effects[2:]),
        p_positive=model.above(0.0),
        p_tau_above=tuple((float(at), max(0.0, float(p))) for at, p in zip(thresholds, above, strict=True)),
        log_marginal_likelihood=None if mu_prior is None else model.evidence,
        tau_scale=float(tau_scale),
        mu_prior=None if mu_prior is None else tuple(column("mu_prior", mu_prior).tolist()),
        level=level,
        notes=_notes(len(y), tau, tau_scale),
    )


def probability_above(
    yi: ArrayLike, vi: ArrayLike, values: Sequence[float], *, tau_scale: float = 0.5, mu_prior: Prior = None
) -> tuple[float, ...]:
    """P(mu > value | yi, vi) for each of `values` (units of yi). Arguments, source and errors as for `bayes`."""
    model = _Model(yi, vi, tau_scale, mu_prior)
    return tuple(model.above(float(value)) for value in column("values", values))


def _check(tau_scale: float, mu_prior: Prior, level: float, thresholds: Sequence[float]) -> None:
    allowed = "a finite number above 0, in the units of yi"
    gathered(
        lambda: number("tau_scale", tau_scale, 1 / LARGEST_VARIANCE, LARGEST_VARIANCE, allowed=allowed),
        lambda: _check_prior(mu_prior),
        lambda: check_level(level),
        lambda: _check_thresholds(thresholds),
    )


def _check_prior(mu_prior: Prior) -> None:
    if mu_prior is None:
        return
    prior = column("mu_prior", mu_prior, finite=False)
    if len(prior) != 2 or not np.isfinite(prior).all() or not prior[1] > 0:
        raise InputError([Problem("mu_prior", str(mu_prior), "(mean, sd), finite, sd above 0", "None: a flat prior")])


def _check_thresholds(thresholds: Sequence[float]) -> None:
    bad = [value for value in column("thresholds", thresholds, finite=False) if not 0 <= value < np.inf]
    if bad:
        raise InputError([Problem("thresholds", str(value), "values of tau, finite and not below 0") for value in bad])


def _notes(k: int, tau: Posterior, tau_scale: float) -> tuple[str, ...]:
    notes = []
    if k < 5:
        notes.append(f"{k} {'study' if k == 1 else 'studies'}: the prior of tau weighs heavily, vary tau_scale")
    if tau.median > 1.96 * tau_scale:
        notes.append("the posterior median of tau is beyond 95% of its prior: tau_scale is narrow for these data")
    return tuple(notes)


@cache
def _rule(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on 0..1."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, w / 2


class _Model:
    """The posterior of tau; inside, the unit is the median standard error and y counts from the most precise study."""

    lower = 0.0

    def __init__(
        self,
        yi: ArrayLike,
        vi: ArrayLike,
        tau_scale: float,
        mu_prior: Prior,
        level: float = 0.95,
        thresholds: Sequence[float] = (),
    ) -> None:
        y, v = check_effects(yi, vi)
        _check(tau_scale, mu_prior, level, thresholds)
        self.unit, self.base = float(np.sqrt(np.median(v))), float(y[np.argmin(v)])
        self.y, self.v, self.scale = (y - self.base) / self.unit, v / self.unit**2, tau_scale / self.unit
        mean, sd = (self.base, np.inf) if mu_prior is None else column("mu_prior", mu_prior).tolist()
        self.prior_mean, self.prior_precision = (mean - self.base) / self.unit, (self.unit / sd) ** 2
        self._integrate()

    def conditional(self, t: Array) -> tuple[Array, Array, Array, Array]:
        """At tau = t: mean and variance of mu, log of prior times marginal likelihood, and its derivative in t."""
        total = self.v + t[..., None] ** 2
        w = 1 / total
        sums = w.sum(-1)
        precision = sums + self.prior_precision
        center = (w @ self.y + self.prior_precision * self.prior_mean) / precision
        off = w * (self.y - center[..., None])
        q = (off**2 * total).sum(-1) + self.prior_precision * (self.prior_mean - center) ** 2
        log = -0.5 * (np.log(total).sum(-1) + np.log(precision) + q + (t / self.scale) ** 2)
        slope = t * ((off**2).sum(-1) - sums + (w**2).sum(-1) / precision - 1 / self.scale**2)
        return center, 1 / precision, log, slope

    def _integrate(self) -> None:
        k, (x, g) = len(self.y), _rule(_NODES)
        spread = self.y - (self.prior_mean if self.prior_precision else self.y.mean())
        first = 0.5 * min(float(np.sqrt(self.v.min() / (k + 1))), self.scale)
        # Q falls no faster than sum(spread^2)/tau^2: beyond `last` the density is below exp(-72) of its peak.
        last = np.sqrt(self.scale * np.sqrt(spread @ spread)) + 12 * self.scale
        edges = np.append(0.0, np.geomspace(first, last, int(np.ceil(np.log2(last / first))) + 1))
        low, width = edges[:-1], np.diff(edges)
        log = self.conditional(low[:, None] + width[:, None] * x)[2]
        done: list[tuple[Array, Array, Array]] = []
        peak, settled = log.max(), 0.0
        while len(low):
            halves = np.stack([low, low + width / 2], axis=1)
            finer = self.conditional(halves[..., None] + width[:, None, None] / 2 * x)[2]
            before, peak = peak, max(peak, finer.max())
            whole = np.exp(log - peak) @ g * width
            parts = (np.exp(finer - peak) @ g).sum(1) * width / 2
            settled *= np.exp(before - peak)
            split = np.abs(whole - parts) > _PANEL_ERROR * (settled + parts.sum())
            # Nearly flat, a panel is exact but for rounding (which a large Q multiplies).
            drop = np.ptp(log, axis=1)
            split &= drop > 0.1
            # A density that climbs steeply to one end may hide a peak between this panel's nodes and the next one's.
            split |= (drop > _DEEP) & (log.max(1) + drop > peak - _DEEP)
            split &= width > 1e-14 * low
            settled += whole[~split].sum()
            done.append((low[~split], width[~split], log[~split]))
            low, width, log = halves[split].ravel(), np.repeat(width[split] / 2, 2), finer[split].reshape(-1, _NODES)
        low, width, log = (np.concatenate(part) for part in zip(*done, strict=True))
        order = np.argsort(low)
        low, width = low[order], width[order]
        mass = np.exp(log[order] - peak) * g * width[:, None]
        self.log_total = float(peak + np.log(mass.sum()))
        mass /= mass.sum()
        self.edges, self.cumulative = np.append(low, low[-1] + width[-1]), np.append(0.0, np.cumsum(mass.sum(1)))
        # Mass beyond each panel.
        self.beyond = np.append(np.cumsum(mass.sum(1)[:0:-1])[::-1], 0.0)
        self.nodes, self.weights = (low[:, None] + width[:, None] * x).ravel(), mass.ravel()
        self.center, self.variance = self.conditional(self.nodes)[:2]
        self.origin, self.mean = np.zeros(1), np.array([self.weights @ self.nodes])
        self.sd = np.sqrt([self.weights @ (self.nodes - self.mean) ** 2])
        self.grid = self.nodes[None, self.weights > _NEGLIGIBLE]

    @property
    def evidence(self) -> float:
        """Log marginal likelihood of yi under proper priors: the constants that `conditional` leaves out are added."""
        half_normal = 0.5 * np.log(2 / np.pi) - np.log(self.scale)
        normal = 0.5 * np.log(self.prior_precision) - len(self.y) * np.log(self.unit * np.sqrt(2 * np.pi))
        return float(self.log_total + half_normal + normal)

    def cdf(self, t: Array) -> Array:
        """Distribution function of tau at t, shape (1, j): the whole panels below and a partial one."""
        x, g = _rule(_NODES)
        panel = np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, len(self.edges) - 2)
        start = self.edges[panel]
        step = np.minimum(t, self.edges[-1]) - start
        log = self.conditional(start[..., None] + step[..., None] * x)[2]
        return np.asarray(self.cumulative[panel] + np.exp(log - self.log_total) @ g * step)

    def survival(self, t: Array) -> Array:
        """1 - cdf, summed from above: as exact where it is 1e-20 as anywhere."""
        x, g = _rule(_NODES)
        panel = np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, len(self.edges) - 2)
        step = np.maximum(0.0, self.edges[panel + 1] - t)
        log = self.conditional(np.minimum(t, self.edges[-1])[..., None] + step[..., None] * x)[2]
        return np.asarray(self.beyond[panel] + np.exp(log - self.log_total) @ g * step)

    def density(self, t: Array) -> tuple[Array, Array]:
        """Density of tau and its derivative at t, shape (1, j)."""
        _, _, log, slope = self.conditional(t)
        f = np.exp(log - self.log_total)
        return f, f * slope

    def bracket(self, p: Array) -> tuple[Array, Array]:
        """Bounds of the quantiles p, shape (1, j)."""
        panel = np.clip(np.searchsorted(self.cumulative, p, side="right") - 1, 0, len(self.edges) - 2)
        return self.edges[panel], self.edges[panel + 1]

    def above(self, value: float) -> float:
        """P(mu > value), `value` in units of yi."""
        return float(self.weights @ ndtr((self.center - (value - self.base) / self.unit) / np.sqrt(self.variance)))


class _Mixture:
    """Normal mixtures with common weights (nodes,); means and variances (rows, nodes). Places count from `origin`."""

    lower = -np.inf

    def __init__(self, means: Array, variances: Array, weights: Array) -> None:
        # Each row counts from its mean: a place far from 0 has too few digits for a small sd.
        self.origin = means @ weights
        means = means - self.origin[:, None]
        self.mean = means @ weights
        self.sd = np.sqrt((means**2 + variances) @ weights)
        kept = weights > _NEGLIGIBLE
        self.means, self.sds, self.weights = means[:, kept], np.sqrt(variances[:, kept]), weights[kept]
        # The modes of a mixture of normals lie between its lowest and its highest mean.
        some = np.searchsorted(np.cumsum(self.weights), np.linspace(0, 0.999, 24))
        ends = self.means.min(1, keepdims=True), self.means.max(1, keepdims=True)
        self.grid = np.sort(np.hstack([self.means[:, some], *ends]), axis=1)

    def cdf(self, x: Array) -> Array:
        """Distribution functions at x, shape (rows, j)."""
        return np.asarray(ndtr((x[..., None] - self.means[:, None, :]) / self.sds[:, None, :]) @ self.weights)

    def density(self, x: Array) -> tuple[Array, Array]:
        """Densities and their derivatives at x, shape (rows, j)."""
        sds = self.sds[:, None, :]
        z = (x[..., None] - self.means[:, None, :]) / sds
        f = np.exp(-0.5 * z**2) / (sds * np.sqrt(2 * np.pi))
        return f @ self.weights, -(f * z / sds) @ self.weights

    def bracket(self, p: Array) -> tuple[Array, Array]:
        """Bounds of the quantiles p, shape (rows, j): they lie among those of the components."""
        each = self.means[:, None, :] + self.sds[:, None, :] * ndtri(p)[..., None]
        return each.min(-1), each.max(-1)


def _root(function: Callable[[Array], Array], a: Array, b: Array) -> Array:
    """Zeros of `function` between a and b, elementwise: Illinois steps, every fifth a bisection."""
    fa, fb = function(a), function(b)
    for step in range(200):
        with np.errstate(divide="ignore", invalid="ignore"):
            c = b - fb * (b - a) / (fb - fa)
        c = np.where((step % 5 < 4) & (c >= np.minimum(a, b)) & (c <= np.maximum(a, b)), c, (a + b) / 2)
        fc = function(c)
        stays = fc * fb > 0
        a, fa, b, fb = np.where(stays, a, b), np.where(stays, fa / 2, fb), c, fc
        if np.all((np.abs(fb) <= _ROUNDING) | (np.abs(b - a) <= _ROUNDING * np.abs(b))):
            break
    return b


def _quantiles(law: _Model | _Mixture, p: Array) -> Array:
    return _root(lambda x: law.cdf(x) - p, *law.bracket(p))


def _polish(law: _Model | _Mixture, a: Array, b: Array, level: float) -> tuple[Array, Array, Flags]:
    """Newton's method for F(b) - F(a) = level, f(a) = f(b), from a, b (rows,); and whether it came to a minimum."""
    for _ in range(60):
        ends = np.stack([a, b], axis=1)
        below, (f, slope) = law.cdf(ends), law.density(ends)
        f = np.maximum(f, 1e-300)
        (fa, fb), (ra, rb) = f.T, (slope / f).T
        mass, ratio = below[:, 1] - below[:, 0] - level, np.log(fa / fb)
        if np.all((np.abs(mass) < 1e-13) & (np.abs(ratio) < 1e-10)):
            break
        determinant, most = fb * ra - fa * rb, (b - a) / 4
        inverse = np.divide(1.0, determinant, out=np.zeros_like(a), where=determinant != 0)
        da, db = (rb * mass + fb * ratio) * inverse, (ra * mass + fa * ratio) * inverse
        a, b = np.maximum(a - np.clip(da, -most, most), (a + law.lower) / 2), b - np.clip(db, -most, most)
    # Where rounding stops Newton's method earlier (a large Q), what it reached still counts.
    return a, b, (np.abs(mass) < 1e-9) & (np.abs(ratio) < 1e-6) & (ra > 0) & (rb < 0)


def _shortest(law: _Model | _Mixture, a: Array, b: Array, level: float, unimodal: Flags) -> tuple[Array, Array]:
    """The shortest intervals, from the central ones a, b (rows,)."""
    if law.lower == 0:
        ends = np.hstack([np.zeros((1, 1)), _quantiles(law, np.array([[level]]))])
        at_zero, at_end = law.density(ends)[0][0]
        if at_zero >= at_end:
            return ends[:, 0], ends[:, 1]
    a, b, good = _polish(law, a, b, level)
    if not (good & unimodal).all():
        p = np.linspace(0, 1 - level, 34)[1:-1]
        low, high = np.split(_quantiles(law, np.tile(np.append(p, p + level), (len(a), 1))), 2, axis=1)
        best = np.argmin(high - low, axis=1)
        rough_a, rough_b = low[np.arange(len(a)), best], high[np.arange(len(a)), best]
        a, b, good = _polish(law, rough_a, rough_b, level)
        good &= b - a <= rough_b - rough_a
        a, b = np.where(good, a, rough_a), np.where(good, b, rough_b)
    return a, b


def _summary(law: _Model | _Mixture, level: float, unit: float, base: float) -> list[Posterior]:
    """The rows of `law` summarised and brought back to the units of yi."""
    tail = (1 - level) / 2
    central = _quantiles(law, np.tile([tail, 0.5, 1 - tail], (len(law.mean), 1)))
    f = law.density(law.grid)[0]
    change, least = np.diff(f), 1e-10 * f.max(1, keepdims=True)
    unimodal = ~np.any(np.logical_or.accumulate(change < -least, axis=1) & (change > least), axis=1)
    grid, top, peak = law.grid, f.argmax(1)[:, None], f.max(1)[:, None]
    best = np.take_along_axis(grid, top, axis=1)
    left = np.where(grid < best, grid, grid[:, :1]).max(1)[:, None]
    right = np.where(grid > best, grid, grid[:, -1:]).min(1)[:, None]
    # Relative to the density at the top the slope is free of units.
    mode = _root(lambda x: law.density(x)[1] / peak**2, left, right)
    mode = np.where((top == 0) & (law.lower == 0), 0.0, mode)[:, 0]
    low, high = _shortest(law, central[:, 0], central[:, 2], level, unimodal)
    places = np.stack([law.mean, central[:, 1], mode, low, high, central[:, 0], central[:, 2]])
    columns = np.insert(base + unit * (law.origin + places), 3, unit * law.sd, axis=0)
    return [Posterior(*column) for column in columns.T.tolist()]
