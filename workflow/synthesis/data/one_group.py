"""Converters of one group: proportions, rates, and standardized changes from before to after."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.designs import change_sd, correlation_of
from synthesis.data.moments import of_arm
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.data.smd import small_sample_factor
from synthesis.data.vocabulary import Standardizer
from synthesis.errors import CannotConvert


def logit_proportion(events: float, others: float, zero_cells: float = 0.5) -> Estimate:
    """Logit of the proportion of people with an event, of them and the `others`: variance 1/x + 1/(n - x).

    `zero_cells` is added to both if one is 0. metafor's `PLO`.
    """
    cells = (events, others)
    if min(cells) == 0:
        if zero_cells == 0:
            raise CannotConvert("nobody, or everybody, has the event and conversions.zero_cells is 0")
        cells = (events + zero_cells, others + zero_cells)
    return Estimate(math.log(cells[0] / cells[1]), 1 / cells[0] + 1 / cells[1])


def arcsine_proportion(events: float, others: float) -> Estimate:
    """Arcsine of the root of a proportion, variance 1 / (4 n). metafor's `PAS`."""
    return Estimate(math.atan2(math.sqrt(events), math.sqrt(others)), 1 / (4 * (events + others)))


def log_rate(events: float, time: float, zero_cells: float = 0.5) -> Estimate:
    """Log of events over time, variance 1/x; `zero_cells` is added to a count of 0. metafor's `IRLN`."""
    if events == 0:
        if zero_cells == 0:
            raise CannotConvert("no events and conversions.zero_cells is 0")
        events = zero_cells
    return Estimate(math.log(events) - math.log(time), 1 / events)


def change_by_baseline(change: float, sd: float, n: float, r: float) -> Estimate:
    """Standardized mean change by the SD before treatment, with J(n - 1) and variance 2 (1 - r) / n + g^2 / (2 n).

    Becker (1988), Br J Math Stat Psychol 41:257-278; metafor's `SMCR`. `r`: correlation of before and after.
    """
    g = small_sample_factor(n - 1) * change / sd
    return Estimate(g, 2 * (1 - r) / n + g**2 / (2 * n))


def change_by_change(change: float, sd: float, n: float) -> Estimate:
    """Standardized mean change by the SD of change, with J(n - 1) and variance 1 / n + g^2 / (2 n).

    Gibbons, Hedeker & Davis (1993), J Educ Stat 18:271-279; metafor's `SMCC`.
    """
    g = small_sample_factor(n - 1) * change / sd
    return Estimate(g, 1 / n + g**2 / (2 * n))


def _events(row: Row) -> tuple[float, float]:
    """People with and without the event in one group: counts, or a proportion of n."""
    if row["statistic"] == "proportion":
        share, n = printed.need(row, "value", "n")
        if not 0 <= share <= 1:
            raise printed.refusal("value", share, "a proportion from 0 to 1", "a percentage?")
        return share * n, (1 - share) * n
    events, total = printed.need(row, "events_treat", "total_treat")
    if events > total:
        raise printed.refusal("events_treat", events, f"at most total_treat {total:g}", "swapped?")
    return events, total - events


@register("proportion", "logit", exact=True)
@register("count", "logit", exact=True)
def _logit(row: Row, policy: Policy) -> Estimate:
    return logit_proportion(*_events(row), zero_cells=policy.zero_cells)


@register("proportion", "arcsine", exact=True)
@register("count", "arcsine", exact=True)
def _arcsine(row: Row, policy: Policy) -> Estimate:
    return arcsine_proportion(*_events(row))


@register("rate", "log_rate", exact=True)
def _rate(row: Row, policy: Policy) -> Estimate:
    events, time = printed.need(row, "events_treat", "time_treat")
    return log_rate(events, time, policy.zero_cells)


def _change(row: Row) -> tuple[float, float]:
    """Change of one group, in units of the outcome, and its n."""
    after, before, n = printed.need(row, "mean_treat", "baseline_mean_treat", "n_treat")
    printed.enough(row, "n_treat", n - 1)
    return after - before, n


@register("pre_post", "smcr", exact=True)
def _smcr(row: Row, policy: Policy) -> Estimate:
    """Before and after of the one group."""
    change, n = _change(row)
    (sd,) = printed.need(row, "baseline_sd_treat")
    return change_by_baseline(change, sd, n, correlation_of(row, policy))


@register("pre_post", "smcc", exact=True)
def _smcc(row: Row, policy: Policy) -> Estimate:
    """Before and after of the one group; the SD of change follows from both SDs and their correlation."""
    change, n = _change(row)
    (before,) = printed.need(row, "baseline_sd_treat")
    after = of_arm(row, "treat").sd
    return change_by_change(change, change_sd(before, after, correlation_of(row, policy)), n)


@register("change_sd", "smcc", exact=True)
def _smcc_of_changes(row: Row, policy: Policy) -> Estimate:
    """Mean and SD of change of the one group."""
    arm = of_arm(row, "treat")
    printed.enough(row, "n_treat", arm.n - 1)
    return change_by_change(arm.mean, arm.sd, arm.n)


@register("smd_within_arm_change", "smcr", exact=True, version=2)
def _printed_by_baseline(row: Row, policy: Policy) -> Estimate:
    """A printed change, standardized by the SD before, with its standard error, variance or interval."""
    return _printed_change(row, "baseline")


@register("smd_within_arm_change", "smcc", exact=True, version=2)
def _printed_by_change(row: Row, policy: Policy) -> Estimate:
    """A printed change, standardized by the SD of change, with its standard error, variance or interval."""
    return _printed_change(row, "change")


def _printed_change(row: Row, wanted: Standardizer) -> Estimate:
    """A printed standardized change. CannotConvert where it was standardized by the other SD, or the source does not
    say by which: the ratio of the two is sqrt(2 (1 - r)) with equal SDs before and after, 0.77 to 1.41 for r .7 to 0.
    """
    standardizer = row["standardized_by"]
    if not standardizer:
        raise CannotConvert("not printed: standardized_by")
    if standardizer != wanted:
        raise printed.refusal("standardized_by", standardizer, f"{wanted} for this metric", "a change in another unit")
    (value,) = printed.need(row, "value")
    variance = printed.variance(row)
    return Estimate(value, variance if variance is not None else variance_from_interval(*printed.interval(row)))
