"""Converters to Fisher's z: correlations, and what stands for one."""

from __future__ import annotations

import math

from synthesis.data import printed
from synthesis.data.printed import Row
from synthesis.data.registry import Estimate, Policy, register, variance_from_interval
from synthesis.data.vocabulary import process_name
from synthesis.errors import CannotConvert

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


# --- the statistics -----------------------------------------------------------------------------------------------


def _covariates(row: Row) -> int:
    """Covariates behind a partial correlation: as many as coded, at least the one that makes it partial."""
    if row["estimand"] != "r_partial":
        return 0
    return max(1, printed.covariates(row, 1))


def _z_of(row: Row, r: float, column: str = "value") -> Estimate:
    """Fisher's z of a correlation that was made from `column`."""
    n = printed.people(row)
    printed.check_made(row, r, column, n)
    return fisher_z(r, n, _covariates(row))


@register("r", "z", exact=True)
def _r(row: Row, policy: Policy) -> Estimate:
    return _z_of(row, printed.correlation(row, "value"))


@register("z", "z", exact=True)
def _z(row: Row, policy: Policy) -> Estimate:
    z = printed.fishers_z(row)
    variance = printed.variance(row)
    if variance is None and not printed.has(row, "n") and printed.has(row, "ci_low", "ci_high"):
        variance = variance_from_interval(*printed.interval(row))
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
        whose = f"{process_name([row['construct']])}'s share alone"
        raise CannotConvert(f"R2 of a model that also holds {row['adjusted_for']}: not {whose}")
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
    (t,) = printed.need(row, "value")
    n = printed.people(row)
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
    _, df1 = printed.need(row, "value", "df1")
    n = printed.people(row)
    chi2 = printed.at_least_0(row, "chi-square")
    if df1 != 1:
        raise CannotConvert(f"chi-square with {df1:g} degrees of freedom has no single correlation")
    return _z_of(row, chi2_to_r(chi2, n))


@register("p", "z", exact=False)
def _p(row: Row, policy: Policy) -> Estimate:
    """An exact p: r = z / sqrt(n)."""
    z = printed.z_of_p(row)
    n = printed.people(row)
    return _z_of(row, z_statistic_to_r(z, n), "p")


@register("d", "z", exact=False)
def _d_r(row: Row, policy: Policy) -> Estimate:
    (d,) = printed.need(row, "value")
    groups = printed.need(row, "n_treat", "n_control") if printed.has(row, "n_treat", "n_control") else ()
    return _z_of(row, d_to_r(d, *groups))


@register("or", "z", exact=False)
def _or(row: Row, policy: Policy) -> Estimate:
    """An odds ratio per unit of a scale: only its test statistic, ln(OR) / SE from the interval, converts."""
    printed.need(row, "value", "ci_low", "ci_high")
    n = printed.people(row)
    ratio, low, high = printed.ratio_interval(row)
    se = math.sqrt(variance_from_interval(low, high))
    return _z_of(row, z_statistic_to_r(ratio / se, n))


def semipartial(r: float, r2: float, n: float) -> float:
    """Variance of a semi-partial correlation `r` of a model with this `r2`.

    Aloe & Becker (2012), Psychol Methods 17:278-294, eq. 9; metafor's `SPCOR`.
    """
    without = r2 - r**2
    return (r2**2 - 2 * r2 + without + 1 - without**2) / n


@register("semipartial_r", "z", exact=False)
def _semipartial(row: Row, policy: Policy) -> Estimate:
    """A semi-partial correlation stands in for r; its variance goes to Fisher's z by the delta method."""
    r = printed.correlation(row, "value")
    r2, n = printed.need(row, "r2_model", "n")
    if r2 < r**2:
        raise printed.refusal(
            "r2_model", r2, f"at least {r**2:.4g}, the share of the predictor alone", "another model's?"
        )
    return Estimate(math.atanh(r), semipartial(r, r2, n) / (1 - r**2) ** 2)


def corrected(r: float, n: float, process: float, outcome: float, range_ratio: float = 1.0) -> Estimate:
    """A correlation corrected for unreliability and direct range restriction, with its variance by the delta method.

    `process`: reliability of the rating in all people, `outcome`: that of the outcome in the sample; `range_ratio`: SD
    of the rating in the sample over that in all people. In this order: r / sqrt(outcome); Thorndike's case II with U =
    1 / range_ratio, U r / sqrt(1 + r^2 (U^2 - 1)); and / sqrt(process). Hunter & Schmidt (2004), Methods of
    Meta-Analysis, 2nd ed., ch. 3. Variance of r: (1 - r^2)^2 / (n - 1). CannotConvert for one that is 1 or above
    afterwards.
    """
    attenuated, u = r / math.sqrt(outcome), 1 / range_ratio
    # 1 + r^2 (U^2 - 1), a sum of what is not negative.
    stretch = (1 - attenuated) * (1 + attenuated) + (attenuated * u) * (attenuated * u)
    value = u * attenuated / math.sqrt(stretch) / math.sqrt(process) if abs(attenuated) < 1 else math.inf
    if not abs(value) < 1:
        allowed = f"what reliabilities of {process:g} and {outcome:g} leave below 1"
        raise printed.refusal("value", r, allowed, "a reliability too low, or another sample's?")
    slope = u / stretch**1.5 / math.sqrt(outcome * process)
    return Estimate(value, slope**2 * (1 - r**2) ** 2 / (n - 1))


def _reliability(row: Row, name: str, assumed: float | None) -> float:
    if printed.has(row, name):
        return printed.need(row, name)[0]
    if assumed is None:
        raise CannotConvert(f"not printed: {name}; conversions.{name} in config.yaml can assume one")
    return assumed


@register("r", "r_corrected", exact=False)
def _r_corrected(row: Row, policy: Policy) -> Estimate:
    """r with the reliabilities of both measures, printed or assumed by the plan."""
    r, n = printed.correlation(row, "value"), printed.people(row)
    process = _reliability(row, "reliability_process", policy.reliability_process)
    outcome = _reliability(row, "reliability_outcome", policy.reliability_outcome)
    ratio = printed.need(row, "range_ratio")[0] if printed.has(row, "range_ratio") else 1.0
    return corrected(r, n, process, outcome, ratio)
