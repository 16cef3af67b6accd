"""An estimate averaged over models without bias, of selection and of small-study effects: RoBMA-PSMA by quadrature.

Maier, Bartos & Wagenmakers (2023), Psychol Methods 28:107-122; Bartos, Maier, Wagenmakers, Doucouliagos & Stanley
(2023), Res Synth Methods 14:99-116. Models, priors and weights are the defaults of R's RoBMA 2 and 3, as its
`check_setup(models = TRUE)` lists them; its sampler and bridge sampling are replaced by sums over nodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.bias_quadrature import Bias, Evidence, Law, evidence
from synthesis.meta.inputs import check_effects, check_level, number, option, whole
from synthesis.meta.kernel import Array
from synthesis.meta.selection_model import FEW_STUDIES, Alternative, check_reach

Flags = NDArray[np.bool_]
# Half of the prior is on no bias; of the rest half on the six step models, half on PET and PEESE.
BIASES = (
    Bias("none", 1 / 2),
    Bias("two-sided .05", 1 / 24, (0.05,), True),
    Bias("two-sided .05, .10", 1 / 24, (0.05, 0.1), True),
    Bias("one-sided .05", 1 / 24, (0.05,)),
    Bias("one-sided .025, .05", 1 / 24, (0.025, 0.05)),
    Bias("one-sided .05, .5", 1 / 24, (0.05, 0.5)),
    Bias("one-sided .025, .05, .5", 1 / 24, (0.025, 0.05, 0.5)),
    Bias("PET", 1 / 8, predictor="se"),
    Bias("PEESE", 1 / 8, predictor="v", scale=5.0),
)
# With so many nodes log marginal likelihoods are within 0.001 of what twice as many give.
NODES = 18
_FEWEST_NODES, _MOST_NODES = 8, 80
# Standardised mean differences beyond this are none: the priors would say next to nothing of them.
_LARGEST = 30.0
# Models of less weight than this are left out of the averages.
_NEGLIGIBLE = 1e-9
# Quantiles, in standardised mean differences: how near they are found, and where they are looked for.
_ROUNDING, _STEPS, _FURTHEST = 1e-10, 200, 1e6
# Of the logarithm of a Bayes factor.
_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class Averaged:
    """A posterior averaged over models, in the units of yi; `low`, `high`: of equal tails."""

    mean: float
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class WeighedModel:
    """One model: whether there is an effect and heterogeneity, which bias, and its weight before and after the data."""

    effect: bool
    heterogeneity: bool
    bias: str
    prior: float
    posterior: float
    log_marginal: float


@dataclass(frozen=True, slots=True)
class ModelAverage:
    """Posteriors averaged over the models, in the units of yi, and Bayes factors for what some of them hold.

    `estimate`, `median`, `ci_low`, `ci_high`: of the mean effect, exactly 0 in half of the models; `if_effect`: of the
    others alone; `tau` is 0 in half of them too. `bf_*`: posterior over prior odds; `p_*`: posterior probability.
    """

    k: int
    estimate: float
    median: float
    ci_low: float
    ci_high: float
    if_effect: Averaged
    tau: Averaged
    bf_effect: float
    bf_heterogeneity: float
    bf_bias: float
    p_effect: float
    p_heterogeneity: float
    p_bias: float
    scale: float
    alternative: str
    level: float
    models: tuple[WeighedModel, ...]
    notes: tuple[str, ...]


def model_average(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    scale: float = 1.0,
    alternative: Alternative = "greater",
    level: float = 0.95,
    nodes: int = NODES,
) -> ModelAverage:
    """Averages 36 models of `yi`, `vi`, shape (k,), k >= 2: {no effect, effect} x {tau 0, tau} x nine kinds of bias.

    `scale`: what a standardised mean difference of 1 is in units of yi (Fisher z: 0.5; log odds ratio: pi / sqrt(3));
    mean effect ~ N(0, scale), tau ~ inverse gamma(1, 0.15 scale), PET ~ half-Cauchy(1), PEESE ~ half-Cauchy(5 / scale),
    chances of appearing ~ cumulative Dirichlet(1, ..., 1). `alternative`: which effects (greater: large ones) are
    significant one-sided and larger in small studies. `nodes`: of the mean and of tau. Raises InputError for bad
    effects and options, and for effects beyond 30 standardised mean differences.
    """
    y, v = check_effects(yi, vi, 2)
    check_level(level)
    option("alternative", alternative, ("greater", "less"))
    number("scale", scale, 1e-12, 1e12, allowed="a number above 0: units of yi in a standardised mean difference")
    whole("nodes", nodes, _FEWEST_NODES, _MOST_NODES)
    check_reach(y, v)
    _check_size(y, scale)
    unit = -scale if alternative == "less" else scale
    ensemble = _Ensemble(*_every_model(y / unit, v / scale**2, nodes))
    log_unit = len(y) * math.log(scale)
    return ModelAverage(
        k=len(y),
        **_of_mean(ensemble.averaged("mu", unit, level)),
        if_effect=ensemble.averaged("mu", unit, level, ensemble.effect),
        tau=ensemble.averaged("tau", scale, level),
        bf_effect=ensemble.bayes_factor(ensemble.effect),
        bf_heterogeneity=ensemble.bayes_factor(ensemble.heterogeneity),
        bf_bias=ensemble.bayes_factor(ensemble.biased),
        p_effect=ensemble.probability(ensemble.effect),
        p_heterogeneity=ensemble.probability(ensemble.heterogeneity),
        p_bias=ensemble.probability(ensemble.biased),
        scale=float(scale),
        alternative=alternative,
        level=float(level),
        models=tuple(
            WeighedModel(bool(effect), bool(heterogeneity), bias, float(prior), float(posterior), float(log - log_unit))
            for effect, heterogeneity, bias, prior, posterior, log in ensemble.rows()
        ),
        notes=_notes(len(y)),
    )


def _of_mean(averaged: Averaged) -> dict[str, float]:
    return {"estimate": averaged.mean, "median": averaged.median, "ci_low": averaged.low, "ci_high": averaged.high}


def _notes(k: int) -> tuple[str, ...]:
    return (f"{k} studies: with fewer than {FEW_STUDIES} the priors weigh heavily",) if k < FEW_STUDIES else ()


def _check_size(y: Array, scale: float) -> None:
    bad = [i for i, value in enumerate(y) if abs(value) > _LARGEST * scale]
    if bad:
        hint = "the priors are on standardised mean differences; `scale` says how large one is in other units"
        allowed = f"at most {_LARGEST * scale:g}"
        raise InputError([Problem(f"yi[{i}]", f"{y[i]:g}", allowed, hint) for i in bad])


def _every_model(y: Array, v: Array, nodes: int) -> tuple[list[Evidence], Array, Flags, Flags, list[str]]:
    """The 36 models: what was found, prior weights, whether they hold an effect and heterogeneity, and the bias."""
    cases = [
        (effect, heterogeneity, bias) for heterogeneity in (False, True) for effect in (False, True) for bias in BIASES
    ]
    return (
        [evidence(y, v, bias, effect, heterogeneity, nodes) for effect, heterogeneity, bias in cases],
        np.array([bias.prior / 4 for _, _, bias in cases]),
        np.array([effect for effect, _, _ in cases]),
        np.array([heterogeneity for _, heterogeneity, _ in cases]),
        [bias.name for _, _, bias in cases],
    )


@dataclass(frozen=True, slots=True)
class _Ensemble:
    """Models with their prior weights."""

    evidence: list[Evidence]
    prior: Array
    effect: Flags
    heterogeneity: Flags
    bias: list[str]

    @property
    def biased(self) -> Flags:
        return np.array([name != "none" for name in self.bias])

    @property
    def log_weight(self) -> Array:
        """Log of prior times marginal likelihood, up to a constant."""
        log = np.log(self.prior) + [model.log_marginal for model in self.evidence]
        return np.asarray(log - log.max())

    def probability(self, which: Flags) -> float:
        """Posterior probability of some models."""
        weight = np.exp(self.log_weight)
        return float(weight[which].sum() / weight.sum())

    def bayes_factor(self, which: Flags) -> float:
        """Posterior over prior odds of some models."""
        log, prior = self.log_weight, self.prior
        odds = _log_sum(log[which]) - _log_sum(log[~which]) - math.log(prior[which].sum() / prior[~which].sum())
        return math.exp(min(_LARGEST_LOG, max(-_LARGEST_LOG, odds)))

    def rows(self) -> Iterator[tuple[bool, bool, str, float, float, float]]:
        """What there is to say of each model."""
        weight = np.exp(self.log_weight)
        logs = [model.log_marginal for model in self.evidence]
        return zip(self.effect, self.heterogeneity, self.bias, self.prior, weight / weight.sum(), logs, strict=True)

    def averaged(self, what: Literal["mu", "tau"], unit: float, level: float, among: Flags | None = None) -> Averaged:
        """The posterior of mu or tau in multiples of `unit`, over all models or `among` some."""
        log = self.log_weight if among is None else np.where(among, self.log_weight, -np.inf)
        weight = np.exp(log - log.max())
        weight /= weight.sum()
        laws = [model.mu if what == "mu" else model.tau for model in self.evidence]
        mixture = _Mixture(
            [(w, law) for w, law in zip(weight, laws, strict=True) if law is not None and w > _NEGLIGIBLE],
            math.fsum(w for w, law in zip(weight, laws, strict=True) if law is None),
        )
        tail = (1 - level) / 2
        low, median, high = (float(unit * mixture.quantile(p)) for p in (tail, 0.5, 1 - tail))
        return Averaged(unit * mixture.mean(), median, min(low, high), max(low, high))


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Laws with their weights, and the weight of 0 itself."""

    parts: list[tuple[float, Law]]
    at_zero: float

    def mean(self) -> float:
        return math.fsum(weight * law.average() for weight, law in self.parts)

    def below(self, at: float) -> float:
        """Chance of a smaller value."""
        return math.fsum(weight * law.cdf(at) for weight, law in self.parts)

    def quantile(self, p: float) -> float:
        """Where the distribution function reaches p: 0, or a root by Illinois steps, every fifth a bisection."""
        below = self.below(0.0)
        if below <= p <= below + self.at_zero:
            return 0.0
        sign, rest = (-1.0, 0.0) if p < below else (1.0, self.at_zero)
        end = sign
        while sign * (self.below(end) + rest - p) < 0 and abs(end) < _FURTHEST:
            end *= 2
        start, at_start, at_end = 0.0, below + rest - p, self.below(end) + rest - p
        for step in range(_STEPS):
            middle = end - at_end * (end - start) / (at_end - at_start) if step % 5 < 4 else (start + end) / 2
            value = self.below(middle) + rest - p
            if value * at_end > 0:
                at_start /= 2
            else:
                start, at_start = end, at_end
            end, at_end = middle, value
            if abs(value) < _ROUNDING or abs(end - start) < _ROUNDING * abs(end):
                break
        return float(end)


def _log_sum(log: Array) -> float:
    peak = float(log.max())
    return peak + math.log(float(np.exp(log - peak).sum()))
