"""Trials whose patients were randomised one by one, and treated by therapists or in groups in one arm only.

Hedges & Citkowicz (2015), Behav Res Methods 47:1295-1308. With an intraclass correlation rho in the treated arm, n
patients of a cluster on average, N = n_treat + n_control and the SD that ignores clusters, whose square is on average
gamma times the total variance:

    gamma = 1 - (n_control + n - 2) rho / (N - 2)                                                     their eq. 5
    var of the difference of means / total variance = (1/n_treat + 1/n_control) eta,
    eta = 1 + (n n_control / N - 1) rho                                                               their eq. 6
    h = ((N - 2)(1 - rho) + (n_treat - n) rho)^2
        / ((N - 2)(1 - rho)^2 + (n_treat - n) n rho^2 + 2 (n_treat - n)(1 - rho) rho)                 their eq. 7
"""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy
from synthesis.data.smd import small_sample_factor
from synthesis.errors import CannotConvert

# What g is made of with the SD that ignores clusters, and with the sizes of the arms.
_OF_SIZES = ("mean_sd", "change_sd", "median", "d", "g", "smd", "t")


def clustered_arm(g: float, n_treat: float, n_control: float, size: float, icc: float) -> Estimate:
    """Hedges g standardized by the total SD, with its variance, of a `g` that ignores the clusters of the treated arm.

    `size`: mean number of patients of a cluster; `icc`: intraclass correlation in the treated arm, 0 to below 1.
    """
    people = n_treat + n_control
    gamma = 1 - (n_control + size - 2) * icc / (people - 2)
    eta = 1 + (size * n_control / people - 1) * icc
    inside, between = (people - 2) * (1 - icc), n_treat - size
    spread = inside * (1 - icc) + between * size * icc**2 + 2 * between * (1 - icc) * icc
    h = (inside + between * icc) ** 2 / spread
    corrected = g * math.sqrt(gamma) * small_sample_factor(h) / small_sample_factor(people - 2)
    return Estimate(corrected, (1 / n_treat + 1 / n_control) * eta + corrected**2 / (2 * h))


def for_clusters(row: Row, metric: str, policy: Policy, estimate: Estimate) -> Estimate | None:
    """The effect of a row for the clusters of its treated arm; None where the row has none.

    Raises CannotConvert for other metrics than g, statistics whose g is not made of the arms and their sizes, printed
    errors, a design effect, and sizes and correlations that cannot be.
    """
    declared, column = row.get("own", {}), policy.cluster_size_treat
    size = declared.get(column) if column else None
    if column is None or size is None:
        return None
    icc = declared.get(policy.icc_treat) if isinstance(policy.icc_treat, str) else policy.icc_treat
    errors = [name for name in ("se", "variance", "ci_low", "ci_high", "design_effect") if printed.has(row, name)]
    if metric != "g" or row["statistic"] not in _OF_SIZES or errors:
        what = f"metric {metric}, statistic {row['statistic']}" + (f", with {', '.join(errors)}" if errors else "")
        allowed = f"empty, or g of {', '.join(_OF_SIZES)} without error, interval or design effect"
        raise printed.refusal(column, float(size), allowed, what)
    n_treat, n_control = printed.need(row, "n_treat", "n_control")
    if not 1 < size <= n_treat:
        allowed = f"above 1 and at most n_treat {n_treat:g}, as patients of a therapist or group"
        raise printed.refusal(column, float(size), allowed)
    if icc is None:
        raise CannotConvert(f"{policy.icc_treat} is empty: the intraclass correlation of the treated arm")
    if not 0 <= icc < 1:
        raise printed.refusal(str(policy.icc_treat), float(icc), "an intraclass correlation of at least 0 and below 1")
    return clustered_arm(estimate.yi, n_treat, n_control, float(size), float(icc))
