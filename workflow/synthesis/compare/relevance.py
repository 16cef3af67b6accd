"""Clinical relevance: pools, shares of true effects and published interactions against thresholds with a source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from msgspec.structs import replace

from synthesis.compare.contrast import PRINTED_QUANTILE, equivalence_p, lower_tail
from synthesis.data.published import find, number, threshold
from synthesis.data.vocabulary import NO_NULL
from synthesis.meta.kernel import Array
from synthesis.meta.many import pool_many
from synthesis.meta.pool import Fit, pool
from synthesis.meta.power import pool_power
from synthesis.plan.config import Interaction, Relevance
from synthesis.results.comparisons import InteractionRow, RelevanceRow
from synthesis.results.extracted import Row
from synthesis.results.fitted import Fitted

# Shares of true effects are hardly estimable from fewer.
LEAST_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples with its bootstrap interval, all between 0 and 1; None where it was not estimated."""

    value: float
    low: float | None
    high: float | None


def shares_between(document: Fitted, low: float, high: float, plan: Relevance) -> tuple[Share, Share]:
    """Share of true effects between two values on the metric's scale: parametric, and of calibrated estimates.

    One mean effect for each sample, REML. Parametric: the normal distribution with the pooled mean and tau (Mathur and
    VanderWeele 2019, Stat Med). Calibrated: estimates drawn to the mean until their variance is tau2 (Wang and Lee
    2019, Res Synth Methods). Percentile intervals from resampled samples; None for fewer than 5 samples.
    """
    effects = tuple((study.yi, study.vi) for study in document.studies)
    observed = _shares(_fitted_once(effects), low, high)
    if len(effects) < LEAST_SAMPLES:
        return Share(float(observed[0][0]), None, None), Share(float(observed[1][0]), None, None)
    tails = [0.5 - document.fit.level / 2, 0.5 + document.fit.level / 2]
    resampled = _resampled(effects, plan.seed, plan.bootstrap)
    limits = [np.quantile(s, tails) for s in _shares(resampled, low, high)]
    parametric, empirical = (
        Share(float(value[0]), float(limit[0]), float(limit[1])) for value, limit in zip(observed, limits, strict=True)
    )
    return parametric, empirical


@dataclass(frozen=True, slots=True)
class _Pools:
    """Pools of n draws of samples: mean and tau2 (n,), and the estimates drawn to the mean (n, k)."""

    mean: Array
    tau2: Array
    pulled: Array


def _fitted_once(effects: tuple[tuple[float, float], ...]) -> _Pools:
    y, v = np.array(effects).T[:, None]
    return _pools(y, v)


# The same samples are asked for each threshold and each claim.
@lru_cache(maxsize=64)
def _resampled(effects: tuple[tuple[float, float], ...], seed: int, draws: int) -> _Pools:
    y, v = np.array(effects).T
    picks = np.random.default_rng([seed, len(y)]).integers(0, len(y), (draws, len(y)))
    return _pools(y[picks], v[picks])


def _pools(y: Array, v: Array) -> _Pools:
    """The pool of each row of shape (n, k)."""
    fits = pool_many(y, v, tau2="REML", ci="wald")
    mean, tau2 = fits.estimate, fits.tau2
    with np.errstate(divide="ignore", invalid="ignore"):
        pulled = mean[:, None] + np.sqrt(tau2[:, None] / (tau2[:, None] + v)) * (y - mean[:, None])
    return _Pools(mean, tau2, pulled)


def _shares(pools: _Pools, low: float, high: float) -> tuple[Array, Array]:
    """Both shares of each pool."""
    mean, tau = pools.mean, np.sqrt(pools.tau2)
    with np.errstate(divide="ignore", invalid="ignore"):
        upper = np.where(tau > 0, scipy.special.ndtr((high - mean) / tau), (mean < high).astype(float))
        lower = np.where(tau > 0, scipy.special.ndtr((low - mean) / tau), (mean <= low).astype(float))
    return upper - lower, ((pools.pulled > low) & (pools.pulled <= high)).mean(axis=1)


def against_threshold(document: Fitted, key: str, value: float | None, label: str, plan: Relevance) -> RelevanceRow:
    """One pool against one threshold: one-sided tests, two one-sided tests, shares above, a new setting's probability.

    The threshold is that of a benefit: effects above it count. `value` None: the threshold is a gap in the data.
    """
    row = RelevanceRow(
        synthesis=document.synthesis,
        title=document.title,
        metric=document.metric,
        samples=document.fit.samples,
        threshold=key,
        threshold_label=label,
        threshold_value=value,
        estimate=document.fit.estimate,
        ci_low=document.fit.ci_low,
        ci_high=document.fit.ci_high,
        conclusion="cannot be decided",
    )
    if value is None:
        return replace(row, note="the threshold is not in the reachable text")
    estimate, se, df = document.fit.estimate, document.fit.se, document.fit.df
    alpha = 1 - document.fit.level
    statistic = (estimate - value) / se
    p_above, p_equivalence = lower_tail(-statistic, df), equivalence_p(estimate, se, df, value)
    row = replace(row, p_above=p_above, p_below=lower_tail(statistic, df), p_equivalence=p_equivalence)
    if p_above < alpha / 2:
        row = replace(row, conclusion="above")
    elif p_equivalence < alpha:
        row = replace(row, conclusion="smaller")
    if document.fit.levels:
        row = replace(row, note="no shares: they take samples as independent")
    elif document.fit.samples > 1:
        row = _with_shares(row, *shares_between(document, value, math.inf, plan))
    row = _with_power(row, document, value)
    return replace(row, probability_new_above=_new_above(document.fit, value))


def _with_shares(row: RelevanceRow, parametric: Share, empirical: Share) -> RelevanceRow:
    return replace(
        row,
        share_above=parametric.value,
        share_above_low=parametric.low,
        share_above_high=parametric.high,
        share_above_empirical=empirical.value,
        share_above_empirical_low=empirical.low,
        share_above_empirical_high=empirical.high,
        note=f"fewer than {LEAST_SAMPLES} samples: shares without an interval" if parametric.low is None else row.note,
    )


def _with_power(row: RelevanceRow, document: Fitted, value: float) -> RelevanceRow:
    """With the power for a mean of the threshold's size: one mean effect for each sample, tau2 by REML (`pool_power`).

    None for a threshold of 0, and on a metric whose 0 is not a value of no effect.
    """
    if value == 0 or document.metric in NO_NULL:
        return row
    v = np.array([study.vi for study in document.studies])
    fit = pool(np.array([study.yi for study in document.studies]), v, tau2="REML", ci="wald")
    power = pool_power(value, v, tau2=fit.tau2 or 0.0, alpha=1 - document.fit.level)
    return replace(row, power=power.power, samples_for_80=power.needed)


def _new_above(fit: Fit, value: float) -> float | None:
    """Probability that the true value in a new setting is above a value: the t behind the prediction interval.

    None without one.
    """
    if fit.pi_low is None or fit.pi_high is None:
        return None
    df = fit.independent - 2
    scale = (fit.pi_high - fit.pi_low) / 2 / float(scipy.special.stdtrit(df, 0.5 + fit.level / 2))
    return float(scipy.special.stdtr(df, (fit.estimate - value) / scale))


def interaction(name: str, plan: Interaction, rows: dict[str, Row], level: float) -> InteractionRow:
    """A published interaction of severity and treatment, oriented so that above 0 more severe patients gain more.

    SE and p from the printed 95% limits. Its points are those that the source prints for one SD of severity; their
    limits are the coefficient's limits times the printed points per unit of the coefficient.
    """
    where = f"config.yaml, key interactions.{name}"
    source = find(f"{where}.coefficient", plan.coefficient, rows)
    sign = 1.0 if source.direction is None else source.direction
    value, low, high = (number(source, cell) for cell in ("value", "ci_low", "ci_high"))
    row = InteractionRow(
        interaction=name,
        title=plan.title,
        effect_id=plan.coefficient,
        threshold=plan.threshold or "",
        points_threshold=plan.points_threshold or "",
        conclusion="cannot be decided",
    )
    if value is None:
        return replace(row, note="the coefficient is not in the reachable text")
    bound = threshold(f"{where}.threshold", plan.threshold, "g", rows) if plan.threshold else None
    row = replace(row, coefficient=sign * value, threshold_value=bound)
    if low is not None and high is not None:
        low, high = sorted((sign * low, sign * high))
        se = (high - low) / (2 * PRINTED_QUANTILE)
        conclusion, p_equivalence = _against(sign * value, se, bound, level)
        row = replace(
            row,
            ci_low=low,
            ci_high=high,
            se=se,
            p=2 * float(scipy.special.ndtr(-abs(sign * value) / se)),
            p_equivalence=p_equivalence,
            conclusion=conclusion,
        )
    return _with_points(row, sign * value, where, plan, rows, level)


def _against(value: float, se: float, bound: float | None, level: float) -> tuple[str, float | None]:
    """The conclusion against a bound, and the p of the two one-sided tests."""
    if bound is None:
        return "cannot be decided", None
    p = equivalence_p(value, se, None, bound)
    if p < 1 - level:
        return "smaller", p
    above = float(scipy.special.ndtr(-(abs(value) - bound) / se)) < (1 - level) / 2
    return "above" if above else "cannot be decided", p


def _with_points(
    row: InteractionRow, coefficient: float, where: str, plan: Interaction, rows: dict[str, Row], level: float
) -> InteractionRow:
    """The row with its coefficient in points of an instrument, where the plan names them."""
    if not plan.points:
        return row
    row = replace(row, points_conclusion="cannot be decided")
    printed = number(find(f"{where}.points", plan.points, rows), "value")
    if printed is None:
        return row
    per_unit = abs(printed) / abs(coefficient)
    row = replace(row, points=per_unit * coefficient)
    if row.ci_low is not None and row.ci_high is not None:
        row = replace(row, points_low=per_unit * row.ci_low, points_high=per_unit * row.ci_high)
    if plan.points_threshold is None:
        return row
    bound = number(find(f"{where}.points_threshold", plan.points_threshold, rows), "value")
    row = replace(row, points_threshold_value=bound)
    if bound is None:
        return replace(row, note="the threshold in points is not in the reachable text")
    if row.se is None:
        return row
    return replace(row, points_conclusion=_against(per_unit * coefficient, per_unit * row.se, bound, level)[0])


def relevance(documents: list[Fitted], rows: dict[str, Row], plan: Relevance) -> list[RelevanceRow]:
    """Every pool against every threshold of its metric."""
    table = []
    for document in documents:
        metric = document.metric
        named = (key for of, keys in plan.thresholds.items() if of == metric for key in keys)
        for key in named:
            value = threshold(f"config.yaml, key relevance.thresholds.{metric}", key, metric, rows)
            label: str = rows[key].label or rows[key].study
            table.append(against_threshold(document, key, value, label, plan))
    return table
