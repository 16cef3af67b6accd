"""Converters of ratios and counts to logarithms of ratios. A `se` or `variance` is that of the logarithm."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.errors import CannotConvert


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


@register("2x2", "log_odds_ratio", exact=True)
def _2x2_or(row: Row, policy: Policy) -> Estimate:
    return log_odds_ratio(*printed.table(row), zero_cells=policy.zero_cells)


@register("2x2", "log_risk_ratio", exact=True)
def _2x2_rr(row: Row, policy: Policy) -> Estimate:
    return log_risk_ratio(*printed.table(row), zero_cells=policy.zero_cells)


@register("or", "log_odds_ratio", exact=True)
def _or_log(row: Row, policy: Policy) -> Estimate:
    """An odds ratio with its interval, or with the standard error of its logarithm."""
    return _ratio(row)


@register("rr", "log_risk_ratio", exact=True)
def _rr_log(row: Row, policy: Policy) -> Estimate:
    """A risk ratio with its interval, or with the standard error of its logarithm."""
    return _ratio(row)


@register("log_or", "log_odds_ratio", exact=True)
def _log_or(row: Row, policy: Policy) -> Estimate:
    """A log odds ratio with its standard error, variance or interval, all of the logarithm."""
    return _logarithm(row)


@register("log_rr", "log_risk_ratio", exact=True)
def _log_rr(row: Row, policy: Policy) -> Estimate:
    """A log risk ratio with its standard error, variance or interval, all of the logarithm."""
    return _logarithm(row)


def _ratio(row: Row) -> Estimate:
    variance = printed.variance(row)
    if variance is not None:
        return Estimate(printed.log_of_ratio(row), variance)
    ratio, low, high = printed.ratio_interval(row)
    return Estimate(ratio, variance_from_interval(low, high))


def _logarithm(row: Row) -> Estimate:
    (value,) = printed.need(row, "value")
    variance = printed.variance(row)
    if variance is None:
        variance = variance_from_interval(*printed.interval(row))
    return Estimate(value, variance)
