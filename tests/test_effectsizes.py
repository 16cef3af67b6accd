"""Converters against metafor's escalc, published worked examples, and their own laws."""

import math

import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data import associations, ratios, scales, smd
from synthesis.data import converters as es
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.printed import UNSIGNED_NAME
from synthesis.data.registry import CONVERTERS
from synthesis.errors import CannotConvert


def row(**cells):
    """A typed row with everything missing but `cells`."""
    empty = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
    sign = 1.0 if cells.get("statistic") in UNSIGNED_NAME else None
    return empty | {"direction": 1.0, "sign": sign, "estimand": "r_total", "level": "study"} | cells


def same(estimate, yi, vi):
    assert estimate.yi == pytest.approx(yi, rel=tolerances.ESCALC, abs=1e-14)
    assert estimate.vi == pytest.approx(vi, rel=tolerances.ESCALC)


def numbers(raw, *names):
    return [float(raw[name]) for name in names]


@pytest.mark.parametrize("name", ["normand1999", "curtis1998"])
def test_hedges_g_agrees_with_escalc(escalc, name):
    want = escalc[name]["escalc"]["SMD"]
    for raw, yi, vi in zip(escalc[name]["raw"], want["yi"], want["vi"], strict=True):
        same(smd.mean_sd_to_g(*numbers(raw, "m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")), yi, vi)


@pytest.mark.parametrize("name", ["molloy2014", "craft2003"])
def test_fisher_z_agrees_with_escalc(escalc, name):
    want = escalc[name]["escalc"]["ZCOR"]
    compared = 0
    for raw, yi, vi in zip(escalc[name]["raw"], want["yi"], want["vi"], strict=True):
        if yi is None or raw["ri"] in {"NA", ""}:
            continue
        same(associations.fisher_z(*numbers(raw, "ri", "ni")), yi, vi)
        compared += 1
    assert compared > 10


def test_partial_correlation_from_t_agrees_with_escalc(escalc):
    """metafor's m counts all predictors, ours the covariates beside the one of interest."""
    want = escalc["aloe2013"]["escalc"]
    for i, raw in enumerate(escalc["aloe2013"]["raw"]):
        t, n, m = numbers(raw, "ti", "ni", "mi")
        r = associations.t_to_r(t, n - m - 1)
        assert r == pytest.approx(want["PCOR"]["yi"][i], rel=tolerances.ESCALC)
        same(associations.fisher_z(r, n, int(m) - 1), want["ZPCOR"]["yi"][i], want["ZPCOR"]["vi"][i])


@pytest.mark.parametrize("name", ["colditz1994", "yusuf1985all", "hine1989"])
@pytest.mark.parametrize(("measure", "function"), [("OR", ratios.log_odds_ratio), ("RR", ratios.log_risk_ratio)])
def test_ratios_agree_with_escalc(escalc, name, measure, function):
    want = escalc[name]["escalc"][measure]
    compared = 0
    for raw, yi, vi in zip(escalc[name]["raw"], want["yi"], want["vi"], strict=True):
        keys = ("ai", "bi", "ci", "di") if "bi" in raw else ("ai", "n1i", "ci", "n2i")
        a, b, c, d = numbers(raw, *keys)
        table = (a, a + b, c, c + d) if "bi" in raw else (a, b, c, d)
        if min(table) == 0 and a + c == 0:
            continue  # metafor gives double-zero studies a value of 0; we refuse them
        same(function(*table), yi, vi)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("name", ["colditz1994", "yusuf1985all"])
def test_odds_ratio_to_d_agrees_with_escalc(escalc, name):
    want = escalc[name]["escalc"]["OR2DL"]
    for raw, yi in zip(escalc[name]["raw"], want["yi"], strict=True):
        a, b, c, d = numbers(raw, "ai", "bi", "ci", "di")
        if a + c == 0:
            continue
        estimate = smd.log_odds_ratio_to_g(ratios.log_odds_ratio(a, a + b, c, c + d), a + b, c + d)
        d_value = estimate.yi / smd.small_sample_factor(a + b + c + d - 2)
        assert d_value == pytest.approx(yi, rel=tolerances.ESCALC)


def test_worked_examples_of_borenstein_2009():
    """Introduction to Meta-Analysis: table 4.1 (J, g), chapter 7 (log odds ratio to d, d to r, r to z)."""
    # Means 103 and 100, SDs 5.5 and 4.5, 50 people each: d = 0.5970, g = 0.5924 (with the approximate J).
    estimate = smd.mean_sd_to_g(103, 5.5, 50, 100, 4.5, 50)
    assert estimate.yi == pytest.approx(0.5924, abs=tolerances.PRINTED_4 * 2)
    # A log odds ratio of 0.9069 with variance 0.0676 is d = 0.5000 with variance 0.0205.
    factor = smd.LOGIT_TO_D
    assert factor * 0.9069 == pytest.approx(0.5000, abs=tolerances.PRINTED_4)
    assert factor**2 * 0.0676 == pytest.approx(0.0205, abs=tolerances.PRINTED_4)
    # r = 0.50 with n = 100: z = 0.5493, variance 0.0103.
    same_z = associations.fisher_z(0.5, 100)
    assert same_z.yi == pytest.approx(0.5493, abs=tolerances.PRINTED_4)
    assert same_z.vi == pytest.approx(0.0103, abs=tolerances.PRINTED_4)


def test_small_sample_factor_of_hedges_1981():
    """J is c(m) of Hedges (1981), table 1: c(2) = .5642, c(10) = .9228, c(50) = .9849."""
    for df, printed in ((2, 0.5642), (10, 0.9228), (50, 0.9849)):
        assert smd.small_sample_factor(df) == pytest.approx(printed, abs=tolerances.PRINTED_4 * 2)


@given(st.floats(-0.99, 0.99), st.integers(5, 500))
def test_correlation_survives_t_and_back(r, n):
    t = r * math.sqrt((n - 2) / (1 - r * r))
    assert associations.t_to_r(t, n - 2) == pytest.approx(r, abs=1e-12)


@given(st.floats(-5, 5), st.integers(2, 300), st.integers(2, 300))
def test_g_from_t_is_g_from_d(d, n1, n2):
    if n1 + n2 <= 3:
        return
    t = d / math.sqrt(1 / n1 + 1 / n2)
    a, b = smd.t_to_g(t, n1, n2), smd.d_to_g(d, n1, n2)
    assert a.yi == pytest.approx(b.yi, rel=1e-12, abs=1e-15)


@given(st.floats(-20, 20), st.floats(0.1, 9), st.floats(-20, 20), st.floats(0.1, 9), st.floats(0.01, 100))
def test_g_does_not_depend_on_the_unit_of_the_scale(m1, s1, m2, s2, unit):
    a = smd.mean_sd_to_g(m1, s1, 20, m2, s2, 30)
    b = smd.mean_sd_to_g(m1 * unit, s1 * unit, 20, m2 * unit, s2 * unit, 30)
    assert a.yi == pytest.approx(b.yi, rel=1e-9, abs=1e-9)


# --- rows ---------------------------------------------------------------------------------------------------------


def convert(metric="z", policy=None, **cells):
    return es.convert(row(**cells), metric, policy or es.Policy())


@pytest.mark.parametrize(
    ("cells", "r"),
    [
        ({"statistic": "r", "value": 0.3, "n": 50.0}, 0.3),
        ({"statistic": "beta", "value": 0.3, "n": 50.0}, 0.3),
        ({"statistic": "t", "value": 2.0, "df": 46.0, "n": 50.0}, 2 / math.sqrt(50)),
        ({"statistic": "t", "value": 2.0, "n": 50.0}, 2 / math.sqrt(4 + 48)),
        ({"statistic": "f", "value": 4.0, "df1": 1.0, "df": 46.0, "n": 50.0}, math.sqrt(4 / 50)),
        ({"statistic": "chi2", "value": 4.0, "df1": 1.0, "n": 100.0}, 0.2),
        ({"statistic": "r2", "value": 0.09, "n": 50.0, "adjusted_for": "none"}, 0.3),
        ({"statistic": "f2", "value": 0.25, "n": 50.0}, math.sqrt(0.2)),
        ({"statistic": "d", "value": 0.5, "n": 50.0}, 0.5 / math.sqrt(4.25)),
        ({"statistic": "p", "p": "0.05", "n": 100.0}, 1.959963984540054 / 10),
        ({"statistic": "p", "p": "= .05", "n": 100.0}, 1.959963984540054 / 10),
    ],
)
def test_statistics_become_correlations(cells, r):
    estimate, converter = convert(**cells)
    assert estimate.yi == pytest.approx(math.atanh(r))
    assert estimate.vi == pytest.approx(1 / (cells["n"] - 3))
    assert converter.version >= 1
    assert converter.name == f"{cells['statistic']}_to_z"


def test_f_with_one_degree_of_freedom_says_what_its_t_says():
    by_t, of_t = convert(statistic="t", value=2.5, df=46.0, n=50.0)
    by_f, _ = convert(statistic="f", value=6.25, df1=1.0, df=46.0, n=50.0)
    assert (by_f.yi, by_f.vi) == pytest.approx((by_t.yi, by_t.vi))
    # Both stand for a correlation that was not printed, as all tests do.
    assert not of_t.exact
    assert {CONVERTERS[s, "z"].exact for s in ("t", "f", "chi2", "p", "f2", "d")} == {of_t.exact}


def test_partial_correlations_lose_a_degree_of_freedom():
    estimate, _ = convert(statistic="r", value=0.3, n=50.0, estimand="r_partial")
    assert estimate.vi == pytest.approx(1 / 46)


def test_odds_ratio_per_scale_point_converts_through_its_test_statistic():
    """Cook et al. 2015 as extracted: OR 1.09 [1.02, 1.17], n = 173; z about 2.46, r about .19."""
    estimate, converter = convert(statistic="or", value=1.09, ci_low=1.02, ci_high=1.17, n=173.0)
    assert math.tanh(estimate.yi) == pytest.approx(0.19, abs=tolerances.PRINTED_2)
    assert not converter.exact


def test_direction_turns_the_sign_so_that_positive_is_better():
    depression = dict(mean_treat=10.0, sd_treat=5.0, n_treat=50.0, mean_control=12.0, sd_control=5.0, n_control=50.0)
    worse, _ = convert("g", statistic="mean_sd", direction=1.0, **depression)
    better, _ = convert("g", statistic="mean_sd", direction=-1.0, **depression)
    assert worse.yi == -better.yi
    assert better.yi > 0


UNSIGNED_ROWS = [
    ("z", {"statistic": "f", "value": 4.0, "df1": 1.0, "df": 46.0, "n": 50.0}),
    ("z", {"statistic": "chi2", "value": 4.0, "df1": 1.0, "n": 100.0}),
    ("z", {"statistic": "r2", "value": 0.09, "n": 50.0}),
    ("z", {"statistic": "f2", "value": 0.25, "n": 50.0}),
    ("z", {"statistic": "p", "p": "0.05", "n": 100.0}),
    ("g", {"statistic": "f", "value": 6.4, "df1": 1.0, "n_treat": 34.0, "n_control": 33.0}),
    ("g", {"statistic": "p", "p": "0.014", "n_treat": 34.0, "n_control": 33.0}),
]


@pytest.mark.parametrize(("metric", "cells"), UNSIGNED_ROWS)
def test_an_unsigned_statistic_takes_the_sign_of_its_finding(metric, cells):
    """yi = sign direction magnitude: fewer symptoms in the treated (sign -1, direction -1) is a benefit."""
    magnitude = convert(metric, **cells)[0]
    assert magnitude.yi > 0
    for sign in (1.0, -1.0):
        for direction in (1.0, -1.0):
            estimate, _ = convert(metric, **cells, sign=sign, direction=direction)
            assert estimate == es.Estimate(sign * direction * magnitude.yi, magnitude.vi)


@pytest.mark.parametrize(("metric", "cells"), UNSIGNED_ROWS)
def test_an_unsigned_statistic_without_the_sign_of_its_finding_is_named(metric, cells):
    construct = "protocol" if metric == "g" else "alliance"
    who = "the treated arm have" if metric == "g" else "people with more of the process have"
    name = UNSIGNED_NAME[cells["statistic"]]
    with pytest.raises(CannotConvert, match=f"{name} has no sign: sign is empty; 1 where {who} the larger value"):
        convert(metric, **cells, sign=None, construct=construct)


def test_a_variance_says_what_a_standard_error_says():
    arms = {"n_treat": 40.0, "n_control": 39.0}
    for metric, statistic in (("g", "g"), ("g", "smd"), ("g", "d"), ("z", "z")):
        by_se = convert(metric, statistic=statistic, value=0.41, se=math.sqrt(0.0523), n=79.0, **arms)[0]
        by_variance = convert(metric, statistic=statistic, value=0.41, variance=0.0523, n=79.0, **arms)[0]
        assert by_variance.yi == by_se.yi
        assert by_variance.vi == pytest.approx(by_se.vi, rel=tolerances.LAW)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"statistic": "r", "value": 0.3}, "not printed: n"),
        ({"statistic": "r", "value": 0.3, "n": 3.0}, "too small"),
        ({"statistic": "r", "value": 0.3, "n": 50.0, "direction": math.nan}, "direction"),
        ({"statistic": "beta", "value": 1.74, "n": 50.0}, "not a standardized"),
        ({"statistic": "r2", "value": 0.58, "n": 430.0, "adjusted_for": "baseline"}, "also holds baseline"),
        ({"statistic": "r2", "value": 0.13, "n": 230.0, "estimand": "r_partial"}, "other predictors"),
        ({"statistic": "r2", "value": 0.06, "n": 68.0, "flag": "joint_R2"}, "other predictors"),
        ({"statistic": "f", "value": 4.0, "df1": 3.0, "df": 46.0, "n": 50.0}, "3 numerator"),
        ({"statistic": "chi2", "value": 4.0, "df1": 2.0, "n": 50.0}, "2 degrees"),
        ({"statistic": "p", "p": "<.001", "n": 50.0}, "no value to convert"),
        ({"statistic": "mean_sd"}, "no converter from mean_sd to z"),
        ({}, "no converter from no statistic"),
    ],
)
def test_what_is_not_legitimate_is_refused_with_the_reason(cells, reason):
    with pytest.raises(CannotConvert, match=reason):
        convert(**cells)


def test_zero_cells_follow_the_declared_policy():
    cells = dict(statistic="2x2", events_treat=0.0, total_treat=20.0, events_control=5.0, total_control=20.0)
    estimate, _ = convert("log_odds_ratio", **cells)
    assert estimate.yi == pytest.approx(math.log(0.5 * 15.5 / (20.5 * 5.5)))
    with pytest.raises(CannotConvert, match="zero_cells is 0"):
        convert("log_odds_ratio", es.Policy(zero_cells=0.0), **cells)
    with pytest.raises(CannotConvert, match="no information"):
        convert("log_odds_ratio", **(cells | {"events_control": 0.0}))


def test_reported_g_keeps_its_own_standard_error():
    estimate, _ = convert("g", statistic="g", value=0.4, se=0.2)
    assert estimate == es.Estimate(0.4, pytest.approx(0.04))
    estimate, _ = convert("g", statistic="g", value=0.4, ci_low=0.2, ci_high=0.6)
    assert estimate.vi == pytest.approx((0.4 / (2 * 1.959963984540054)) ** 2)


def test_every_converter_is_named_and_versioned():
    for (statistic, metric), converter in es.CONVERTERS.items():
        assert converter.name == f"{statistic}_to_{metric}"
        # Of these the result changed since they were first released.
        second = {"smd_within_arm_change_to_smcr", "smd_within_arm_change_to_smcc"}
        assert converter.version == (2 if converter.name in second else 1)


def test_back_transformation():
    assert scales.back_transform("z", math.atanh(0.26)) == pytest.approx(0.26)
    assert scales.back_transform("log_risk_ratio", math.log(0.5)) == pytest.approx(0.5)
    assert scales.back_transform("g", 0.4) == 0.4
    assert scales.back_transform("g", None) is None
