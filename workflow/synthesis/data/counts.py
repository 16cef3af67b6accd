"""Converters of counts of two arms and of events over time: risk differences, Peto's odds ratio, ratios of rates."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register
from synthesis.errors import CannotConvert


def risk_difference(
    events_treat: float, total_treat: float, events_control: float, total_control: float, zero_cells: float = 0.5
) -> Estimate:
    """Difference of two risks, variance p1 (1 - p1) / n1 + p2 (1 - p2) / n2; `zero_cells` is added to all four cells of
    the table if one is zero. metafor's `RD`.
    """
    cells = [events_treat, total_treat - events_treat, events_control, total_control - events_control]
    if min(cells) == 0:
        if zero_cells == 0:
            raise CannotConvert("a cell is zero and conversions.zero_cells is 0")
        cells = [cell + zero_cells for cell in cells]
    a, b, c, d = cells
    return Estimate(a / (a + b) - c / (c + d), a * b / (a + b) ** 3 + c * d / (c + d) ** 3)


def peto_log_odds_ratio(
    events_treat: float, total_treat: float, events_control: float, total_control: float
) -> Estimate:
    """Peto's one-step log odds ratio (O - E) / V with variance 1 / V.

    Yusuf et al. (1985), Prog Cardiovasc Dis 27:335-371. CannotConvert without events, or with nothing but
    events, in both arms.
    """
    people, events = total_treat + total_control, events_treat + events_control
    if events in (0, people):
        raise CannotConvert("no events, or nothing but events, in both arms: no information on a ratio")
    expected = total_treat * (events / people)
    spread = (total_treat / people) * (total_control / people) * events * ((people - events) / (people - 1))
    return Estimate((events_treat - expected) / spread, 1 / spread)


def log_rate_ratio(
    events_treat: float, time_treat: float, events_control: float, time_control: float, zero_cells: float = 0.5
) -> Estimate:
    """Log ratio of two rates (events over time), variance 1/x1 + 1/x2; `zero_cells` is added to both if one is 0.

    Rothman & Greenland (1998), Modern Epidemiology, 2nd ed.; metafor's `IRR`. CannotConvert without any event.
    """
    if events_treat + events_control == 0:
        raise CannotConvert("no events, or nothing but events, in both arms: no information on a ratio")
    counts = (events_treat, events_control)
    if min(counts) == 0:
        if zero_cells == 0:
            raise CannotConvert("a count is zero and conversions.zero_cells is 0")
        counts = (events_treat + zero_cells, events_control + zero_cells)
    treat, control = counts
    return Estimate(math.log(treat / control) - math.log(time_treat / time_control), 1 / treat + 1 / control)


@register("2x2", "risk_difference", exact=True)
def _risk_difference(row: Row, policy: Policy) -> Estimate:
    return risk_difference(*printed.table(row), zero_cells=policy.zero_cells)


@register("rates", "log_rate_ratio", exact=True)
def _rates(row: Row, policy: Policy) -> Estimate:
    """Events of two arms over their time at risk (person-years)."""
    treat, time_treat, control, time_control = printed.need(
        row, "events_treat", "time_treat", "events_control", "time_control"
    )
    return log_rate_ratio(treat, time_treat, control, time_control, policy.zero_cells)
