"""Formulas of standardized mean differences: pure functions of numbers."""

from __future__ import annotations

import math

from synthesis.data.registry import Estimate
from synthesis.errors import CannotConvert

# Logistic distribution: SD of the standard logistic is pi/sqrt(3).
LOGIT_TO_D = math.sqrt(3) / math.pi
# From here on the difference of two log gammas has fewer right digits than their asymptotic series.
_MANY_DEGREES = 1e4


def small_sample_factor(df: float) -> float:
    """Exact correction J(df) = gamma(df/2) / (sqrt(df/2) gamma((df-1)/2)). Hedges (1981), eq. 6e.

    For many degrees of freedom by the asymptotic series of the ratio of gammas: Tricomi & Erdelyi (1951), Pac J Math
    1:133-142. Raises CannotConvert for df <= 1.
    """
    if not df > 1:
        raise CannotConvert(f"{df:g} degrees of freedom are too few for Hedges' correction")
    if df > _MANY_DEGREES:
        z = (df - 1) / 2
        return math.sqrt(1 - 1 / df) * (1 - 1 / (8 * z) + 1 / (128 * z**2) + 5 / (1024 * z**3))
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def d_to_g(d: float, n_treat: float, n_control: float) -> Estimate:
    """Hedges g = J d with variance 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)).

    Hedges (1981), J Educ Stat 6:107-128; the large-sample variance that metafor's `SMD` uses (vtype "LS").
    """
    g = small_sample_factor(n_treat + n_control - 2) * d
    return Estimate(g, 1 / n_treat + 1 / n_control + g * g / (2 * (n_treat + n_control)))


def mean_sd_to_g(
    mean_treat: float,
    sd_treat: float,
    n_treat: float,
    mean_control: float,
    sd_control: float,
    n_control: float,
) -> Estimate:
    """Hedges g of treatment minus control, standardized by the pooled SD.

    Raises CannotConvert where the two groups have fewer than 2 degrees of freedom.
    """
    df = n_treat + n_control - 2
    if not df > 1:
        raise CannotConvert(f"{df:g} degrees of freedom are too few for Hedges' correction")
    pooled = ((n_treat - 1) * sd_treat**2 + (n_control - 1) * sd_control**2) / df
    return d_to_g((mean_treat - mean_control) / math.sqrt(pooled), n_treat, n_control)


def t_to_g(t: float, n_treat: float, n_control: float) -> Estimate:
    """Hedges g from an independent-samples t: d = t sqrt(1/n1 + 1/n2). Borenstein et al. (2009), ch. 4."""
    return d_to_g(t * math.sqrt(1 / n_treat + 1 / n_control), n_treat, n_control)


def log_odds_ratio_to_g(estimate: Estimate, n_treat: float, n_control: float) -> Estimate:
    """Hedges g from a log odds ratio: d = ln(OR) sqrt(3)/pi, then the small-sample factor.

    Hasselblad & Hedges (1995), Psychol Bull 117; Borenstein et al. (2009), eq. 7.1, 7.2 and 4.22 to 4.24.
    """
    factor = LOGIT_TO_D * small_sample_factor(n_treat + n_control - 2)
    return Estimate(factor * estimate.yi, factor**2 * estimate.vi)
