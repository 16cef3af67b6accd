"""Converters of ratios and counts to logarithms of ratios. A `se` or `variance` is that of the logarithm."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.counts import peto_log_odds_ratio
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.errors import CannotConvert

# A risk that is nearer to 1 than this has lost the digits that its odds are made of.
_NEAREST_TO_CERTAIN = 1e-9


def _cells(
    events_treat: float,
    total_treat: float,
    events_control: float,
    total_control: float,
    zero_cells: float,
) -> tuple[float, float, float, float]:
    cells = (
        events_treat,
        total_treat - events_treat,
        events_control,
        total_control - events_control,
    )
    if min(cells) > 0:
        return cells
    if events_treat + events_control == 0 or cells[1] + cells[3] == 0:
        raise CannotConvert("no events, or nothing but events, in both arms: no information on a ratio")
    if zero_cells == 0:
        raise CannotConvert("a cell is zero and conversions.zero_cells is 0")
    return tuple(c + zero_cells for c in cells)  # type: ignore[return-value]


def log_odds_ratio(
    events_treat: float,
    total_treat: float,
    events_control: float,
    total_control: float,
    zero_cells: float = 0.5,
) -> Estimate:
    """Log odds ratio, variance 1/a + 1/b + 1/c + 1/d; `zero_cells` is added to all four if one is zero.

    Woolf (1955), Ann Hum Genet 19:251-253; Haldane-Anscombe correction.
    """
    a, b, c, d = _cells(events_treat, total_treat, events_control, total_control, zero_cells)
    return Estimate(math.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d)


def log_risk_ratio(
    events_treat: float,
    total_treat: float,
    events_control: float,
    total_control: float,
    zero_cells: float = 0.5,
) -> Estimate:
    """Log risk ratio, variance 1/a - 1/n1 + 1/c - 1/n2, with the same zero-cell rule. Katz et al. (1978)."""
    a, b, c, d = _cells(events_treat, total_treat, events_control, total_control, zero_cells)
    n1, n2 = a + b, c + d
    return Estimate(math.log((a / n1) / (c / n2)), 1 / a - 1 / n1 + 1 / c - 1 / n2)


def odds_ratio_of_risk_ratio(estimate: Estimate, risk_control: float) -> Estimate:
    """Log odds ratio behind a log risk ratio and the risk p0 of the control arm: OR = RR (1 - p0) / (1 - RR p0).

    Zhang & Yu (1998), JAMA 280:1690-1691, solved for the odds ratio. Variance v / (1 - RR p0)^2, by the delta method
    with p0 as a known number. CannotConvert where RR p0 is no risk below 1.
    """
    log_risk = estimate.yi + math.log(risk_control)
    if not log_risk < -_NEAREST_TO_CERTAIN:
        most = f"below {math.exp(-estimate.yi):.3g}, as risk_control times the risk ratio is a risk"
        raise printed.refusal("risk_control", risk_control, most, "the risk of another event?")
    others = -math.expm1(log_risk)
    return Estimate(estimate.yi + math.log1p(-risk_control) - math.log(others), estimate.vi / others**2)


def odds_ratio_of_hazard_ratio(estimate: Estimate, risk_control: float) -> Estimate:
    """Log odds ratio behind a log hazard ratio and the risk p0 of the control arm by the end of follow-up.

    Proportional hazards: of the treated arm (1 - p0)^HR have no event. Altman & Andersen (1999), BMJ 319:1492-1495.
    Variance v (ln S / (1 - S))^2 with that share S, by the delta method with p0 as a known number.
    """
    log_survival = math.exp(estimate.yi) * math.log1p(-risk_control)
    risk = -math.expm1(log_survival)
    log_odds = math.log(risk) - log_survival
    slope = -log_survival / risk
    return Estimate(log_odds - math.log(risk_control) + math.log1p(-risk_control), estimate.vi * slope**2)


@register("2x2", "log_odds_ratio", exact=True)
def _2x2_or(row: Row, policy: Policy) -> Estimate:
    """By Woolf, or by Peto where the plan says so."""
    if policy.odds_ratio == "peto":
        return peto_log_odds_ratio(*printed.table(row))
    return log_odds_ratio(*printed.table(row), zero_cells=policy.zero_cells)


@register("2x2", "log_risk_ratio", exact=True)
def _2x2_rr(row: Row, policy: Policy) -> Estimate:
    return log_risk_ratio(*printed.table(row), zero_cells=policy.zero_cells)


@register("or", "log_odds_ratio", exact=True)
@register("rr", "log_risk_ratio", exact=True)
@register("hr", "log_hazard_ratio", exact=True)
@register("irr", "log_rate_ratio", exact=True)
@register("rom", "log_ratio_of_means", exact=True)
def _ratio(row: Row, policy: Policy) -> Estimate:
    """A ratio with its interval, or with the standard error of its logarithm."""
    return of_ratio(row)


@register("log_or", "log_odds_ratio", exact=True)
@register("log_rr", "log_risk_ratio", exact=True)
@register("log_hr", "log_hazard_ratio", exact=True)
@register("log_irr", "log_rate_ratio", exact=True)
@register("log_rom", "log_ratio_of_means", exact=True)
def _logarithm(row: Row, policy: Policy) -> Estimate:
    """The logarithm of a ratio with its standard error, variance or interval, all of the logarithm."""
    return of_logarithm(row)


def of_ratio(row: Row) -> Estimate:
    """The logarithm of a printed ratio."""
    variance = printed.variance(row)
    if variance is not None:
        return Estimate(printed.log_of_ratio(row), variance)
    ratio, low, high = printed.ratio_interval(row)
    return Estimate(ratio, variance_from_interval(low, high))


def of_logarithm(row: Row) -> Estimate:
    """A printed logarithm of a ratio."""
    (value,) = printed.need(row, "value")
    variance = printed.variance(row)
    if variance is None:
        variance = variance_from_interval(*printed.interval(row))
    return Estimate(value, variance)
