"""Converters of two arms to differences: as they are, of medians, before and after, and adjusted for a covariate."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.moments import Arm, of_arm, of_both, of_quantiles, pooled_sd
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.data.smd import small_sample_factor
from synthesis.errors import CannotConvert

ARMS = ("treat", "control")


# --- formulas -------------------------------------------------------------------------------------------------------


def mean_difference(treat: Arm, control: Arm) -> Estimate:
    """Difference of means, in units of the outcome, variance s1^2 / n1 + s2^2 / n2. metafor's `MD`."""
    return Estimate(treat.mean - control.mean, treat.sd**2 / treat.n + control.sd**2 / control.n)


def log_ratio_of_means(treat: Arm, control: Arm) -> Estimate:
    """Log ratio of means, variance s1^2 / (n1 m1^2) + s2^2 / (n2 m2^2).

    Hedges, Gurevitch & Curtis (1999), Ecology 80:1150-1156, eq. 1; metafor's `ROM`. CannotConvert for means that are 0
    or differ in sign: their ratio says nothing.
    """
    if not treat.mean * control.mean > 0:
        allowed = f"a mean on the same side of 0 as mean_control {control.mean:g}, on a scale with a true zero"
        raise printed.refusal("mean_treat", treat.mean, allowed)
    variance = math.fsum((arm.sd / arm.mean) * (arm.sd / arm.mean) / arm.n for arm in (treat, control))
    return Estimate(math.log(abs(treat.mean)) - math.log(abs(control.mean)), variance)


def ancova_g(difference: float, sd: float, n_treat: float, n_control: float, r: float, covariates: int) -> Estimate:
    """Hedges g of adjusted means: J d with variance (1/n1 + 1/n2) (1 - r^2) + g^2 / (2 (n1 + n2)).

    `difference` of the adjusted means and `sd` within arms, not adjusted, in units of the outcome; `r`: multiple
    correlation of the covariates with the outcome. Borenstein (2009), in Cooper, Hedges & Valentine, The Handbook of
    Research Synthesis, 2nd ed., table 12.3.
    """
    g = small_sample_factor(n_treat + n_control - 2 - covariates) * difference / sd
    return Estimate(g, (1 / n_treat + 1 / n_control) * (1 - r**2) + g**2 / (2 * (n_treat + n_control)))


def change_sd(before: float, after: float, r: float) -> float:
    """SD of change: sqrt(s0^2 + s1^2 - 2 r s0 s1), as a sum of what is not negative."""
    return math.hypot(before - after, math.sqrt(2 * (1 - r) * before * after))


def pre_post_g(difference: float, sd: float, n_treat: float, n_control: float, r: float) -> Estimate:
    """Hedges g of the difference of two changes by the pooled SD before treatment (d_ppc2).

    `difference` in units of the outcome; `r`: correlation of baseline and outcome within arms. Estimate: Morris (2008),
    Organ Res Methods 11:364-386, eq. 8 to 10; variance 2 (1 - r) (1/n1 + 1/n2) + g^2 / (2 (n1 + n2)), that of large
    samples.
    """
    g = small_sample_factor(n_treat + n_control - 2) * difference / sd
    return Estimate(g, 2 * (1 - r) * (1 / n_treat + 1 / n_control) + g**2 / (2 * (n_treat + n_control)))


# --- arms as they are -----------------------------------------------------------------------------------------------


@register("mean_sd", "mean_difference", exact=True)
@register("change_sd", "mean_difference", exact=True)
def _mean_difference(row: Row, policy: Policy) -> Estimate:
    """Means of final values, or of change: their differences estimate the same."""
    return mean_difference(*of_both(row))


@register("mean_sd", "log_ratio_of_means", exact=True)
def _ratio_of_means(row: Row, policy: Policy) -> Estimate:
    return log_ratio_of_means(*of_both(row))


@register("mean_difference", "mean_difference", exact=True)
@register("coef", "coefficient", exact=True)
@register("rd", "risk_difference", exact=True)
def _difference(row: Row, policy: Policy) -> Estimate:
    """A printed difference, or an unstandardized coefficient, with its standard error, variance or interval."""
    (value,) = printed.need(row, "value")
    variance = printed.variance(row)
    return Estimate(value, variance if variance is not None else variance_from_interval(*printed.interval(row)))


# --- medians --------------------------------------------------------------------------------------------------------


@register("median", "mean_difference", exact=False)
def _median_difference(row: Row, policy: Policy) -> Estimate:
    return mean_difference(*(of_quantiles(row, arm) for arm in ARMS))


@register("median", "g", exact=False)
def _median_g(row: Row, policy: Policy) -> Estimate:
    treat, control = (of_quantiles(row, arm) for arm in ARMS)
    difference = treat.mean - control.mean
    return _g(difference, pooled_sd(treat, control), treat.n, control.n)


def _g(difference: float, sd: float, n_treat: float, n_control: float) -> Estimate:
    g = small_sample_factor(n_treat + n_control - 2) * difference / sd
    return Estimate(g, 1 / n_treat + 1 / n_control + g**2 / (2 * (n_treat + n_control)))


# --- before and after -----------------------------------------------------------------------------------------------


def correlation_of(row: Row, policy: Policy) -> float:
    """Correlation of baseline and outcome within arms: printed, or assumed by the plan."""
    if printed.has(row, "pre_post_r"):
        return printed.need(row, "pre_post_r")[0]
    if policy.pre_post_r is None:
        raise CannotConvert("not printed: pre_post_r; conversions.pre_post_r in config.yaml can assume one")
    return policy.pre_post_r


def _before(row: Row, arm: str) -> Arm:
    mean, sd, n = printed.need(row, f"baseline_mean_{arm}", f"baseline_sd_{arm}", f"n_{arm}")
    return Arm(mean, sd, n)


def _changes(row: Row) -> tuple[float, list[float], list[Arm]]:
    """Difference of the two changes, and each arm before treatment."""
    before = [_before(row, arm) for arm in ARMS]
    after = printed.need(row, "mean_treat", "mean_control")
    treat, control = (mean - arm.mean for mean, arm in zip(after, before, strict=True))
    return treat - control, after, before


@register("pre_post", "g", exact=False)
def _pre_post_g(row: Row, policy: Policy) -> Estimate:
    """d_ppc2, standardized by the SD before treatment: in units of the raw score, not of change."""
    difference, _, (treat, control) = _changes(row)
    return pre_post_g(difference, pooled_sd(treat, control), treat.n, control.n, correlation_of(row, policy))


@register("pre_post", "mean_difference", exact=True)
def _pre_post_difference(row: Row, policy: Policy) -> Estimate:
    """Difference of the two mean changes; the variance of a change is s0^2 + s1^2 - 2 r s0 s1 over n."""
    difference, _, before = _changes(row)
    r = correlation_of(row, policy)
    after = [of_arm(row, arm) for arm in ARMS]
    parts = [change_sd(earlier.sd, later.sd, r) ** 2 / earlier.n for earlier, later in zip(before, after, strict=True)]
    return Estimate(difference, math.fsum(parts))


# --- adjusted for a covariate ---------------------------------------------------------------------------------------


def _adjustment(row: Row) -> tuple[float, int]:
    (r,) = printed.need(row, "covariate_r")
    covariates = printed.covariates(row, 1)
    n_treat, n_control = printed.need(row, "n_treat", "n_control")
    printed.enough(row, "n_treat", n_treat + n_control - 2 - covariates)
    return r, covariates


@register("ancova", "g", exact=True)
def _ancova(row: Row, policy: Policy) -> Estimate:
    """Adjusted means, with the SDs of the outcome itself."""
    treat, control = of_both(row)
    r, covariates = _adjustment(row)
    return ancova_g(treat.mean - control.mean, pooled_sd(treat, control), treat.n, control.n, r, covariates)


@register("ancova", "mean_difference", exact=True)
def _ancova_difference(row: Row, policy: Policy) -> Estimate:
    """Difference of adjusted means; the covariate leaves 1 - r^2 of the variance."""
    treat, control = of_both(row)
    r, _ = _adjustment(row)
    return Estimate(
        treat.mean - control.mean, (1 - r**2) * pooled_sd(treat, control) ** 2 * (1 / treat.n + 1 / control.n)
    )


@register("t_ancova", "g", exact=True)
def _t_ancova(row: Row, policy: Policy) -> Estimate:
    """t of the adjusted contrast: d = t sqrt(1/n1 + 1/n2) sqrt(1 - r^2)."""
    t, n_treat, n_control = printed.need(row, "value", "n_treat", "n_control")
    return _of_adjusted_t(row, t, n_treat, n_control)


@register("f_ancova", "g", exact=True)
def _f_ancova(row: Row, policy: Policy) -> Estimate:
    """F of the adjusted contrast, with one numerator degree of freedom."""
    _, df1, n_treat, n_control = printed.need(row, "value", "df1", "n_treat", "n_control")
    f = printed.at_least_0(row, "F")
    if df1 != 1:
        raise CannotConvert(f"F with {df1:g} numerator degrees of freedom is no two-group contrast")
    return _of_adjusted_t(row, math.sqrt(f), n_treat, n_control)


def _of_adjusted_t(row: Row, t: float, n_treat: float, n_control: float) -> Estimate:
    r, covariates = _adjustment(row)
    difference = t * math.sqrt(1 / n_treat + 1 / n_control) * math.sqrt(1 - r**2)
    return ancova_g(difference, 1.0, n_treat, n_control, r, covariates)
