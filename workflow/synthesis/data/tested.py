"""Printed tests that contradict their row: p, degrees of freedom, and the interval of a difference of means."""

from __future__ import annotations

import math
from collections.abc import Iterator

from synthesis.data.implied import Doubt, decimals, implied_se
from synthesis.data.moments import Arm, of_both, pooled_sd
from synthesis.data.printed import Row, has, printed_p, two_sided, z_from_p
from synthesis.errors import CannotConvert

# A printed p and the z implied by estimate and standard error may differ by this much on the z scale:
# t instead of normal, rounding of all three.
P_Z_SLACK = 0.45
# The same beside the n alone, or beside raw means: adjustment, and a rank correlation's own test.
P_N_SLACK = 1.0
# A p of adjusted means beside raw ones: a covariate that correlates .9 doubles z, and baselines add to it.
ADJUSTED_P = 2.0
# Degrees of freedom of an association below this share of n - 2: people missing from one analysis are fewer.
LEAST_DF = 0.5
MORE_ARMS = 1.6
# Degrees of freedom with decimals are a model's, which counts clusters too: so small a share of the least otherwise.
FEW_OF_MODEL = 0.55
# Welch's degrees of freedom are smallest where the SDs differ; those of two randomised arms never by more than this.
# An analysis of more arms has the degrees of freedom of all: so many times those of two.
WELCH_RATIO = 4.0
# An interval of adjusted means beside the difference of the means as printed: how far, in half widths, and how wide.
ADJUSTED_OFF, ADJUSTED_WIDTH = 1.5, (0.4, 2.5)
_T, _F, _ADJUSTED = ("t", "t_ancova"), ("f", "f_ancova"), ("t_ancova", "f_ancova")
_MEANS = ("mean_sd", "change_sd")


def tests(row: Row) -> Iterator[Doubt]:
    """All doubts of a row's printed test."""
    if row["level"] != "study":
        return
    yield from degrees(row)
    yield from test_against_p(row)
    yield from means_against_test(row)


def against_p(
    row: Row, z: float, slack: float, what: str, others: str = "se, interval", below: float | None = None
) -> Iterator[Doubt]:
    """A printed p beside the normal statistic that other numbers of the row give.

    `slack`: how far they may be apart; `below`: the same where the printed p is the smaller one, as of adjusted means.
    """
    printed_value = printed_p(row["p"])
    if printed_value is None:
        return
    relation, p = printed_value.relation, printed_value.value
    if p == 0:
        # A program's .000 is what is below half a unit of its last decimal.
        relation, p = "<", printed_value.half_unit
    if relation == ">" and row["p_sides"] == "1":
        # It says nothing of a finding on the other side.
        return
    z_of_p = z_from_p(two_sided(row, p))
    if (z < z_of_p - (slack if below is None else below) and relation != ">") or (
        z > z_of_p + slack and relation != "<"
    ):
        sides = 2 if row["p_sides"] == "1" else 1
        allowed = f"about {math.erfc(z / math.sqrt(2)) / sides:.2g}, as {what} imply"
        yield "p", row["p"], allowed, f"one of {others} and p belongs to another row?"


# --- degrees of freedom ---------------------------------------------------------------------------------------------


def degrees(row: Row) -> Iterator[Doubt]:
    """Degrees of freedom of t and F beside the sample sizes."""
    if row["statistic"] not in (*_T, *_F) or not has(row, "df"):
        return
    covariates = row["covariates"] or 0
    arms_printed = has(row, "n_treat", "n_control") and row["estimand"] == "d_between"
    if arms_printed:
        people = row["n_treat"] + row["n_control"]
        sizes = f"n_treat {row['n_treat']:g} and n_control {row['n_control']:g}"
        # As printed without decimals.
        least = math.floor(_least_welch(row["n_treat"], row["n_control"])) - covariates
    elif has(row, "n") and row["estimand"] in ("r_total", "r_partial"):
        people, sizes = row["n"], f"n {row['n']:g}"
        least = LEAST_DF * (people - 2 - covariates)
    else:
        return
    usual = f"about {people - 2 - covariates:g} with {sizes}"
    # A model of repeated measures, flagged as such, counts occasions.
    of_model = not float(row["df"]).is_integer()
    most = (MORE_ARMS if arms_printed else 1) * people - 1
    if row["df"] > most and not of_model and "repeated_measures" not in row["flag"]:
        hint = "a digit too many, the n of another analysis, or occasions instead of people (flag repeated_measures)?"
        yield "df", f"{row['df']:g}", f"at most {people - 2:g} with {sizes}", hint
    elif row["df"] < (FEW_OF_MODEL if of_model else 1) * least and row["design_effect"] is None:
        hint = "a paired test, one arm's, or a digit lost?" if arms_printed else "a digit lost, or another analysis?"
        if row["df1"] is not None and row["df1"] > row["df"]:
            hint = f"df1 {row['df1']:g} and df swapped?"
        yield "df", f"{row['df']:g}", usual, hint


def _least_welch(n1: float, n2: float) -> float:
    """Welch's degrees of freedom where the SDs of arms of two sizes differ by `WELCH_RATIO` in the worse direction."""

    def welch(ratio: float) -> float:
        a, b = ratio**2 / n1, 1 / n2
        return (a + b) ** 2 / (a**2 / max(n1 - 1, 1) + b**2 / max(n2 - 1, 1))

    return min(welch(WELCH_RATIO), welch(1 / WELCH_RATIO))


def _df(row: Row) -> float | None:
    """Printed degrees of freedom, or those that the sample sizes leave."""
    if has(row, "df"):
        return float(row["df"])
    covariates = row["covariates"] or int(row["statistic"] in _ADJUSTED or row["estimand"] == "r_partial")
    people = row["n_treat"] + row["n_control"] if has(row, "n_treat", "n_control") else row["n"]
    return None if people is None or people - 2 - covariates <= 0 else float(people - 2 - covariates)


# --- p of a test ----------------------------------------------------------------------------------------------------


def test_against_p(row: Row) -> Iterator[Doubt]:
    """A printed p beside the t, F or chi-square of its row."""
    if not row["p"] or row["statistic"] not in (*_T, *_F, "chi2") or not has(row, "value"):
        return
    value = abs(row["value"])
    unit = 0.5 * 10.0 ** -decimals(value)
    z, above = _z_of_test(row, value), _z_of_test(row, value + unit)
    if z is not None and above is not None:
        name = {"f": "F", "chi2": "chi-square"}.get(row["statistic"].removesuffix("_ancova"), "t")
        what = f"{name} {row['value']:g}" + (f" and df {row['df']:g}" if has(row, "df") else "")
        yield from against_p(row, z, P_Z_SLACK + above - z, what, f"{name}, df")


def _z_of_test(row: Row, value: float) -> float | None:
    """The absolute normal statistic with the two-sided p of a test; None where its degrees of freedom are unknown."""
    from scipy.special import chdtrc, fdtrc, stdtr

    if row["statistic"] == "chi2":
        return z_from_p(float(chdtrc(row["df1"], value))) if has(row, "df1") else None
    df = _df(row)
    if df is None or not df > 0:
        return None
    if row["statistic"] in _T:
        return z_from_p(2 * float(stdtr(df, -value)))
    return z_from_p(float(fdtrc(row["df1"], df, value))) if has(row, "df1") else None


# --- means ----------------------------------------------------------------------------------------------------------


def means_against_test(row: Row) -> Iterator[Doubt]:
    """A printed p, or the interval of the difference, beside means and SDs of two arms."""
    limits = has(row, "ci_low", "ci_high")
    if row["statistic"] not in _MEANS or row["estimand"] != "d_between" or not (row["p"] or limits):
        return
    try:
        treat, control = of_both(row)
        sd = pooled_sd(treat, control)
    except CannotConvert:
        return
    difference = treat.mean - control.mean
    error = math.hypot(treat.sd / math.sqrt(treat.n), control.sd / math.sqrt(control.n))
    if row["p"]:
        from scipy.special import stdtr

        z = z_from_p(2 * float(stdtr(treat.n + control.n - 2, -abs(difference) / error)))
        # The means themselves are rounded; and a p of adjusted means, or of changes, is as small as it likes.
        rounded = 0.5 * (10.0 ** -decimals(treat.mean) + 10.0 ** -decimals(control.mean)) / error
        adjusted = math.inf if has(row, "baseline_mean_treat") else ADJUSTED_P + z
        yield from against_p(row, z, P_N_SLACK + rounded, "means, SDs and sizes", "means, SDs", adjusted + rounded)
    if limits:
        yield from _means_against_interval(row, difference, error, sd, (treat, control))


def _means_against_interval(
    row: Row, difference: float, error: float, sd: float, arms: tuple[Arm, Arm]
) -> Iterator[Doubt]:
    """The interval may be of the difference or of it in SDs, in either direction, and adjusted."""
    implied = implied_se(row)
    if implied is None:
        return
    middle, half = (row["ci_low"] + row["ci_high"]) / 2, (row["ci_high"] - row["ci_low"]) / 2
    standardized = difference / sd
    error_of_d = math.sqrt(1 / arms[0].n + 1 / arms[1].n + standardized**2 / (2 * (arms[0].n + arms[1].n)))
    for estimate, of_estimate in ((difference, error), (standardized, error_of_d)):
        near = min(abs(middle - estimate), abs(middle + estimate)) <= ADJUSTED_OFF * half
        if near and ADJUSTED_WIDTH[0] < implied / of_estimate < ADJUSTED_WIDTH[1]:
            return
    low, high = difference - 1.96 * error, difference + 1.96 * error
    value = f"[{row['ci_low']:g}, {row['ci_high']:g}]"
    allowed = f"about [{low:.3g}, {high:.3g}], as means and SDs imply ([{standardized - 1.96 * error_of_d:.2f}, "
    allowed += f"{standardized + 1.96 * error_of_d:.2f}] in SDs)"
    yield "ci_low", value, allowed, "limits of another row, or of a mean instead of the difference?"
