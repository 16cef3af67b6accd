"""Converters to Hedges g: two arms, test statistics of two arms, and printed differences."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.columns import LARGEST
from synthesis.data.moments import of_both
from synthesis.data.printed import Row
from synthesis.data.ratios import (
    log_odds_ratio,
    odds_ratio_of_hazard_ratio,
    odds_ratio_of_risk_ratio,
    of_logarithm,
    of_ratio,
)
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.data.smd import d_to_g, log_odds_ratio_to_g, mean_sd_to_g, small_sample_factor, t_to_g
from synthesis.errors import CannotConvert


@register("mean_sd", "g", exact=True)
def _mean_sd(row: Row, policy: Policy) -> Estimate:
    treat, control = of_both(row)
    return mean_sd_to_g(treat.mean, treat.sd, treat.n, control.mean, control.sd, control.n)


@register("change_sd", "g", exact=False)
def _change_sd(row: Row, policy: Policy) -> Estimate:
    """Change scores, standardized by the SD of change: not the raw-score SD, hence approximate."""
    return _mean_sd(row, policy)


@register("t", "g", exact=True)
def _t_g(row: Row, policy: Policy) -> Estimate:
    return t_to_g(*printed.need(row, "value", "n_treat", "n_control"))


@register("f", "g", exact=True)
def _f_g(row: Row, policy: Policy) -> Estimate:
    _, df1, n_treat, n_control = printed.need(row, "value", "df1", "n_treat", "n_control")
    f = printed.at_least_0(row, "F")
    if df1 != 1:
        raise CannotConvert(f"F with {df1:g} numerator degrees of freedom is no two-group contrast")
    return t_to_g(math.sqrt(f), n_treat, n_control)


@register("p", "g", exact=False)
def _p_g(row: Row, policy: Policy) -> Estimate:
    """An exact p of a two-group comparison, through the normal test statistic."""
    return t_to_g(printed.z_of_p(row), *printed.need(row, "n_treat", "n_control"))


def _reported_variance(row: Row) -> float | None:
    variance = printed.variance(row)
    if variance is not None:
        return variance
    if printed.has(row, "ci_low", "ci_high"):
        return variance_from_interval(*printed.interval(row))
    return None


@register("g", "g", exact=True)
def _g(row: Row, policy: Policy) -> Estimate:
    """A reported g with its SE, variance or interval, or the variance that its group sizes imply."""
    (g,) = printed.need(row, "value")
    variance = _reported_variance(row)
    if variance is None:
        n_treat, n_control = printed.need(row, "n_treat", "n_control")
        variance = 1 / n_treat + 1 / n_control + g * g / (2 * (n_treat + n_control))
    return Estimate(g, variance)


# A published standardized mean difference is taken as g.
register("smd", "g", exact=True)(_g)


@register("d", "g", exact=True)
def _d(row: Row, policy: Policy) -> Estimate:
    """Cohen's d with the group sizes; a printed SE or interval, scaled by J, goes before the formula."""
    d, n_treat, n_control = printed.need(row, "value", "n_treat", "n_control")
    estimate = d_to_g(d, n_treat, n_control)
    variance = _reported_variance(row)
    if variance is None:
        return estimate
    return Estimate(estimate.yi, variance * small_sample_factor(n_treat + n_control - 2) ** 2)


@register("2x2", "g", exact=False)
def _2x2_g(row: Row, policy: Policy) -> Estimate:
    table = printed.table(row, people=4)
    estimate = log_odds_ratio(*table, zero_cells=policy.zero_cells)
    return log_odds_ratio_to_g(estimate, table[1], table[3])


@register("or", "g", exact=False)
def _or_g(row: Row, policy: Policy) -> Estimate:
    """An odds ratio of two arms, with its interval or the error of its logarithm."""
    return _of_odds_ratio(row, of_ratio(row))


@register("log_or", "g", exact=False)
def _log_or_g(row: Row, policy: Policy) -> Estimate:
    """A log odds ratio of two arms."""
    return _of_odds_ratio(row, of_logarithm(row))


@register("rr", "g", exact=False)
@register("log_rr", "g", exact=False)
def _risk_ratio_g(row: Row, policy: Policy) -> Estimate:
    """A risk ratio of two arms and the risk of the control arm: the odds ratio behind them, and g as of that one."""
    return _of_odds_ratio(row, odds_ratio_of_risk_ratio(*_of_two_risks(row)))


@register("hr", "g", exact=False)
@register("log_hr", "g", exact=False)
def _hazard_ratio_g(row: Row, policy: Policy) -> Estimate:
    """A hazard ratio of two arms and the risk of the control arm by the end of follow-up: with proportional hazards
    the odds ratio of an event until then, and g as of that one.
    """
    return _of_odds_ratio(row, odds_ratio_of_hazard_ratio(*_of_two_risks(row)))


def _of_two_risks(row: Row) -> tuple[Estimate, float]:
    (risk,) = printed.need(row, "risk_control")
    if not row["statistic"].startswith("log_"):
        return of_ratio(row), risk
    estimate = of_logarithm(row)
    if abs(estimate.yi) > math.log(LARGEST):
        allowed = f"the logarithm of a ratio, at most {math.log(LARGEST):.3g} in size"
        raise printed.refusal("value", estimate.yi, allowed, "a ratio entered as its logarithm?")
    return estimate, risk


def _of_odds_ratio(row: Row, estimate: Estimate) -> Estimate:
    """Hedges g by the sizes of the arms, or by n in two halves: the correction needs their sum alone."""
    if printed.has(row, "n_treat", "n_control") or printed.has(row, "n"):
        half = printed.people(row) / 2
        printed.enough(row, "n" if printed.has(row, "n") else "n_treat", 2 * half - 2)
        return log_odds_ratio_to_g(estimate, half, half)
    raise CannotConvert("not printed: n_treat, n_control")
