"""Converters from printed statistics to effect sizes.

Each formula is a pure function of numbers. A `Converter` says which printed statistic it turns into which metric,
how, from which source, and whether the result is exact or an approximation; its name and version stand beside
every effect that it made.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from synthesis.data import printed
from synthesis.data.columns import RESULT_COLUMNS
from synthesis.data.printed import Row
from synthesis.data.ratios import log_odds_ratio
from synthesis.data.registry import CONVERTERS, Converter, Estimate, Policy, register, variance_from_interval
from synthesis.data.vocabulary import RATIO_METRICS
from synthesis.errors import CannotConvert, NoPlace

# Logistic distribution: SD of the standard logistic is pi/sqrt(3).
LOGIT_TO_D = math.sqrt(3) / math.pi
# From here on the difference of two log gammas has fewer right digits than their asymptotic series.
_MANY_DEGREES = 1e4
_LARGEST_EFFECT, _LARGEST_VARIANCE, _LARGEST_LOG = 1e16, 1e32, math.log(sys.float_info.max)


# --- correlations -----------------------------------------------------------------------------------------------


def fisher_z(r: float, n: float, covariates: int = 0) -> Estimate:
    """Fisher's z of a (partial) correlation: atanh(r), variance 1 / (n - covariates - 3).

    Fisher (1921), Metron 1:3-32; partial correlations: Anderson (2003), An Introduction to Multivariate
    Statistical Analysis, section 4.3. Raises CannotConvert for |r| of 1 (to nine digits) or above, and for
    n - covariates <= 3.
    """
    if not abs(r) <= 1 - printed.NEAREST_TO_ONE:
        raise CannotConvert(f"a correlation of {r:g} is not between -1 and 1")
    degrees = n - covariates - 3
    if not degrees > 0:
        raise CannotConvert(f"n = {n:g} is too small for Fisher's z (n - {covariates} - 3 > 0)")
    return Estimate(math.atanh(r), 1 / degrees)


def t_to_r(t: float, df: float) -> float:
    """(Partial) correlation behind a t statistic: t / sqrt(t^2 + df).

    Cohen (1988), Statistical Power Analysis, 2nd ed.; Aloe (2015), Res Synth Methods 6.
    """
    return t / math.hypot(t, math.sqrt(df))


def f_to_r(f: float, df2: float) -> float:
    """Correlation behind F with one numerator degree of freedom: sqrt(F / (F + df2)); the sign is lost."""
    return math.sqrt(f / (f + df2))


def chi2_to_r(chi2: float, n: float) -> float:
    """Phi behind chi-square with one degree of freedom: sqrt(chi2 / n); the sign is lost."""
    return math.sqrt(chi2 / n)


def z_statistic_to_r(z: float, n: float) -> float:
    """Correlation behind a standard normal test statistic: z / sqrt(n). Rosenthal (1991), eq. 2.18."""
    return z / math.sqrt(n)


def d_to_r(d: float, n_treat: float | None = None, n_control: float | None = None) -> float:
    """Point-biserial correlation behind d: d / sqrt(d^2 + a), a = (n1 + n2)^2 / (n1 n2), or 4 for equal groups.

    Borenstein et al. (2009), Introduction to Meta-Analysis, eq. 7.7 and 7.8.
    """
    a = 4.0 if n_treat is None or n_control is None else (n_treat + n_control) ** 2 / (n_treat * n_control)
    return d / math.hypot(d, math.sqrt(a))


# --- standardized mean differences ------------------------------------------------------------------------------


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


# --- odds ratios as differences ---------------------------------------------------------------------------------


def log_odds_ratio_to_g(estimate: Estimate, n_treat: float, n_control: float) -> Estimate:
    """Hedges g from a log odds ratio: d = ln(OR) sqrt(3)/pi, then the small-sample factor.

    Hasselblad & Hedges (1995), Psychol Bull 117; Borenstein et al. (2009), eq. 7.1, 7.2 and 4.22 to 4.24.
    """
    factor = LOGIT_TO_D * small_sample_factor(n_treat + n_control - 2)
    return Estimate(factor * estimate.yi, factor**2 * estimate.vi)


# --- the statistics -----------------------------------------------------------------------------------------------


def _covariates(row: Row) -> int:
    """Covariates behind a partial correlation; at least the one that makes it partial."""
    return 1 if row["estimand"] == "r_partial" else 0


def _z_of(row: Row, r: float, column: str = "value") -> Estimate:
    """Fisher's z of a correlation that was made from `column`."""
    (n,) = printed.need(row, "n")
    printed.check_made(row, r, column, n)
    return fisher_z(r, n, _covariates(row))


@register("r", "z", exact=True)
def _r(row: Row, policy: Policy) -> Estimate:
    return _z_of(row, printed.correlation(row, "value"))


@register("z", "z", exact=True)
def _z(row: Row, policy: Policy) -> Estimate:
    z = printed.fishers_z(row)
    variance = printed.variance(row)
    if variance is not None:
        return Estimate(z, variance)
    return _z_of(row, math.tanh(z))


@register("beta", "z", exact=False)
def _beta(row: Row, policy: Policy) -> Estimate:
    """A standardized coefficient stands in for r as it is; Peterson & Brown's (2005) + .05 is not added."""
    (beta,) = printed.need(row, "value")
    if abs(beta) >= 1:
        raise CannotConvert(f"a coefficient of {beta:g} is not a standardized one")
    return _z_of(row, beta)


def _r2_alone(row: Row, r2: float) -> Estimate:
    if row["adjusted_for"] in {"baseline", "prior change"}:
        raise CannotConvert(f"R2 of a model that also holds {row['adjusted_for']}: not the alliance's share alone")
    if row["estimand"] == "r_partial" or "joint_R2" in str(row["flag"]).split(";"):
        raise CannotConvert("R2 of a model with other predictors (baseline severity may be one)")
    return _z_of(row, math.sqrt(r2))


@register("r2", "z", exact=False)
def _r2(row: Row, policy: Policy) -> Estimate:
    """R2 of the predictor alone."""
    return _r2_alone(row, printed.at_least_0(row, "R2"))


@register("f2", "z", exact=False)
def _f2(row: Row, policy: Policy) -> Estimate:
    """Cohen's f2: R2 = f2 / (1 + f2). Cohen (1988), eq. 9.2.1."""
    f2 = printed.at_least_0(row, "f2")
    return _r2_alone(row, f2 / (1 + f2))


@register("t", "z", exact=False)
def _t(row: Row, policy: Policy) -> Estimate:
    """t with its df; where df is not printed, n - 2 - covariates stands in."""
    t, n = printed.need(row, "value", "n")
    df = printed.need(row, "df")[0] if printed.has(row, "df") else n - 2 - _covariates(row)
    if not df > 0:
        raise printed.refusal("n", n, f"above {2 + _covariates(row)}", "t has no degrees of freedom left")
    return _z_of(row, t_to_r(t, df))


@register("f", "z", exact=False)
def _f(row: Row, policy: Policy) -> Estimate:
    _, df1, df2 = printed.need(row, "value", "df1", "df")
    f = printed.at_least_0(row, "F")
    if df1 != 1:
        raise CannotConvert(f"F with {df1:g} numerator degrees of freedom has no single correlation")
    return _z_of(row, f_to_r(f, df2))


@register("chi2", "z", exact=False)
def _chi2(row: Row, policy: Policy) -> Estimate:
    _, df1, n = printed.need(row, "value", "df1", "n")
    chi2 = printed.at_least_0(row, "chi-square")
    if df1 != 1:
        raise CannotConvert(f"chi-square with {df1:g} degrees of freedom has no single correlation")
    return _z_of(row, chi2_to_r(chi2, n))


@register("p", "z", exact=False)
def _p(row: Row, policy: Policy) -> Estimate:
    """An exact two-sided p: r = z / sqrt(n)."""
    z = printed.z_of_p(row)
    (n,) = printed.need(row, "n")
    return _z_of(row, z_statistic_to_r(z, n), "p")


@register("d", "z", exact=False)
def _d_r(row: Row, policy: Policy) -> Estimate:
    (d,) = printed.need(row, "value")
    groups = printed.need(row, "n_treat", "n_control") if printed.has(row, "n_treat", "n_control") else ()
    return _z_of(row, d_to_r(d, *groups))


@register("or", "z", exact=False)
def _or(row: Row, policy: Policy) -> Estimate:
    """An odds ratio per unit of a scale: only its test statistic, ln(OR) / SE from the interval, converts."""
    n = printed.need(row, "value", "ci_low", "ci_high", "n")[3]
    ratio, low, high = printed.ratio_interval(row)
    se = math.sqrt(variance_from_interval(low, high))
    return _z_of(row, z_statistic_to_r(ratio / se, n))


@register("mean_sd", "g", exact=True)
def _mean_sd(row: Row, policy: Policy) -> Estimate:
    names = ("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control")
    return mean_sd_to_g(*printed.need(row, *names))


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
    """An exact two-sided p of a two-group comparison, through the normal test statistic."""
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


def convert(row: Row, metric: str, policy: Policy) -> tuple[Estimate, Converter]:
    """Converts one typed row to `metric`, so that positive is better for the patient; a ratio stays as printed.

    An unsigned statistic takes the sign of its finding from `sign`: yi = sign direction magnitude.
    Raises CannotConvert, with the reason, where no legitimate conversion exists or a number is missing.
    """
    statistic = row["statistic"]
    converter = CONVERTERS.get((statistic, metric))
    if converter is None:
        raise NoPlace(f"no converter from {statistic or 'no statistic'} to {metric}")
    estimate = converter.convert(row, policy)
    # The squares of a few such variances are in the range of floating point.
    if not (abs(estimate.yi) <= _LARGEST_EFFECT and 1 / _LARGEST_VARIANCE <= estimate.vi <= _LARGEST_VARIANCE):
        shown = ", ".join(f"{name} {row[name]:g}" for name in RESULT_COLUMNS if printed.has(row, name))
        gives = f"{shown} give an effect of {estimate.yi:g} with variance {estimate.vi:g}"
        raise CannotConvert(f"{gives}; allowed: an effect of some size (a standard deviation or error of almost 0?)")
    if not printed.has(row, "direction"):
        raise CannotConvert("direction is empty: which sign is better for the patient is not coded")
    if row["direction"] not in (1, -1):
        raise printed.refusal("direction", float(row["direction"]), "1 or -1")
    sign = printed.sign_of(row) if statistic in printed.UNSIGNED_NAME else 1.0
    turn = 1.0 if metric in RATIO_METRICS else float(row["direction"])
    return Estimate(sign * turn * estimate.yi, estimate.vi), converter


def summary_point(row: Row, metric: str) -> tuple[float, float | None]:
    """A published summary as (yi, vi): a reference point, with vi None where no interval is printed.

    Correlations go to Fisher's z, limits too; standardized mean differences stay as they are.
    Raises CannotConvert where the row has no value, no direction, or another statistic.
    """
    (value,) = printed.need(row, "value")
    if not printed.has(row, "direction"):
        raise CannotConvert("direction is empty: which sign is better for the patient is not coded")
    kind = (row["statistic"], metric)
    if kind == ("r", "z"):
        scale: Callable[[float], float] = math.atanh
        for name in ("value", "ci_low", "ci_high"):
            if printed.has(row, name):
                printed.correlation(row, name)
    elif kind in {("smd", "g"), ("g", "g"), ("d", "g")}:
        scale = float
    else:
        raise NoPlace(f"a summary {row['statistic'] or 'without a number'} has no place on the {metric} axis")
    variance = None
    if printed.has(row, "ci_low", "ci_high"):
        variance = variance_from_interval(*printed.interval(row, scale))
    elif kind != ("r", "z"):
        variance = printed.variance(row)
    return float(row["direction"]) * scale(value), variance


def back_transform(metric: str, value: float | None) -> float | None:
    """From the metric's scale to the one that is read: z to r, logarithms to ratios.

    None for a missing value, and for a limit whose ratio is beyond the largest number of floating point.
    """
    if value is None:
        return None
    if metric == "z":
        return math.tanh(value)
    if metric not in RATIO_METRICS:
        return value
    return math.exp(value) if value < _LARGEST_LOG else None
