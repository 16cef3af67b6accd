"""Converters of designs and one group against metafor's escalc, printed examples and their own laws."""

import json
import math
from pathlib import Path

import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data import associations, counts, moments, one_group, ratios, smd
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.converters import CONVERTERS, convert, summary_point
from synthesis.data.measures import MEASURES
from synthesis.data.moments import Arm
from synthesis.data.precision import against_interval, errors_of_arms
from synthesis.data.printed import UNSIGNED_NAME
from synthesis.data.registry import Estimate, Policy
from synthesis.data.scales import back_transform, on_scale
from synthesis.data.summaries import precision
from synthesis.data.vocabulary import AS_PRINTED, LANE_METRICS, METRIC_NAME, NO_NULL
from synthesis.errors import CannotConvert, InputError
from synthesis.plan.matrix import NEEDS, statistics_reference
from synthesis.plan.plan import load

SETS = json.loads((Path(__file__).parent / "data" / "escalc_designs.json").read_text())["sets"]


def row(**cells):
    empty = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
    sign = 1.0 if cells.get("statistic") in UNSIGNED_NAME else None
    return empty | {"direction": 1.0, "sign": sign, "estimand": "d_between", "level": "study"} | cells


def made(metric, policy=None, **cells):
    return convert(row(**cells), metric, policy or Policy())[0]


def agrees(name, measure, function):
    """`function` of each study's raw numbers is metafor's effect size."""
    raw, want = SETS[name]["raw"], SETS[name]["escalc"][measure]
    compared = 0
    for i, (yi, vi) in enumerate(zip(want["yi"], want["vi"], strict=True)):
        found = function(**{key: numbers[i] for key, numbers in raw.items()})
        if found is None:
            continue
        assert found.yi == pytest.approx(yi, rel=tolerances.ESCALC, abs=1e-14)
        assert found.vi == pytest.approx(vi, rel=tolerances.ESCALC)
        compared += 1
    assert compared >= 5


@pytest.mark.parametrize(
    ("measure", "function"),
    [
        ("RD", lambda ai, n1i, ci, n2i: counts.risk_difference(ai, n1i, ci, n2i)),
        ("PETO", lambda ai, n1i, ci, n2i: counts.peto_log_odds_ratio(ai, n1i, ci, n2i)),
        ("OR", lambda ai, n1i, ci, n2i: ratios.log_odds_ratio(ai, n1i, ci, n2i)),
    ],
)
def test_counts_of_two_arms(measure, function):
    agrees("bcg", measure, function)


def test_rates():
    agrees("hart1999", "IRR", lambda x1i, t1i, x2i, t2i: counts.log_rate_ratio(x1i, t1i, x2i, t2i))
    agrees("hart1999", "IRLN", lambda x1i, t1i, x2i, t2i: one_group.log_rate(x1i, t1i))


@pytest.mark.parametrize(
    ("measure", "metric"), [("MD", "mean_difference"), ("ROM", "log_ratio_of_means"), ("SMD", "g")]
)
def test_two_arms_by_sd_standard_error_or_interval(measure, metric):
    """An SD, the standard error of its mean, and the t interval of its mean say the same."""

    def by_sd(m1i, sd1i, n1i, m2i, sd2i, n2i):
        return made(metric, statistic="mean_sd", mean_treat=m1i, sd_treat=sd1i, n_treat=n1i, mean_control=m2i,
                    sd_control=sd2i, n_control=n2i)  # fmt: skip

    def by_others(m1i, sd1i, n1i, m2i, sd2i, n2i):
        half = moments.t_975(n2i - 1) * sd2i / math.sqrt(n2i)
        return made(metric, statistic="mean_sd", mean_treat=m1i, se_treat=sd1i / math.sqrt(n1i), n_treat=n1i,
                    mean_control=m2i, mean_ci_low_control=m2i - half, mean_ci_high_control=m2i + half,
                    n_control=n2i)  # fmt: skip

    agrees("normand1999", measure, by_sd)
    agrees("normand1999", measure, by_others)


def test_proportions():
    def logit(xi, ni):
        return made("logit", statistic="count", events_treat=xi, total_treat=ni, estimand="one_group")

    agrees("pritz1997", "PLO", logit)
    agrees("pritz1997", "PAS", lambda xi, ni: made("arcsine", statistic="proportion", value=xi / ni, n=ni))


@pytest.mark.parametrize(("measure", "metric"), [("SMCC", "smcc"), ("SMCR", "smcr")])
def test_before_and_after_in_one_group(measure, metric):
    # metafor standardizes by sd1i, which is that before treatment.
    def change(m1i, sd1i, m2i, sd2i, ni, ri):
        return made(metric, statistic="pre_post", mean_treat=m1i, sd_treat=sd2i, baseline_mean_treat=m2i,
                    baseline_sd_treat=sd1i, n_treat=ni, pre_post_r=ri, estimand="one_group")  # fmt: skip

    agrees("morris2008", measure, change)


def _two_groups(metric, policy=None, **raw):
    r = {} if policy else {"pre_post_r": raw["t_ri"]}
    return made(metric, policy, statistic="pre_post", n_treat=raw["t_ni"], n_control=raw["c_ni"],
                baseline_mean_treat=raw["t_m_pre"], baseline_sd_treat=raw["t_sd_pre"], mean_treat=raw["t_m_post"],
                sd_treat=raw["t_sd_post"], baseline_mean_control=raw["c_m_pre"], baseline_sd_control=raw["c_sd_pre"],
                mean_control=raw["c_m_post"], sd_control=raw["c_sd_post"], **r)  # fmt: skip


def test_before_and_after_in_two_groups():
    """d_ppc2 of the five studies of Morris (2008), as metafor-project.org (analyses:morris2008) computes them."""
    agrees("morris2008_groups", "ppc2", lambda **raw: _two_groups("g", **raw))


def test_the_difference_of_two_changes_is_the_sum_of_two_single_ones():
    """In units of the outcome: escalc's MC of each group, one minus the other."""

    def want(i, arm):
        raw = {k.removeprefix(f"{arm}_"): v[i] for k, v in SETS["morris2008_groups"]["raw"].items() if k[0] == arm}
        spread = raw["sd_pre"] ** 2 + raw["sd_post"] ** 2 - 2 * raw["ri"] * raw["sd_pre"] * raw["sd_post"]
        return raw["m_post"] - raw["m_pre"], spread / raw["ni"]

    for i in range(5):
        raw = {k: v[i] for k, v in SETS["morris2008_groups"]["raw"].items()}
        found, (one, first), (other, second) = _two_groups("mean_difference", **raw), want(i, "t"), want(i, "c")
        assert found.yi == pytest.approx(one - other, abs=1e-12)
        assert found.vi == pytest.approx(first + second, rel=tolerances.LAW)


def test_a_correlation_of_before_and_after_is_assumed_only_where_the_plan_says_so():
    raw = {k: v[0] for k, v in SETS["morris2008_groups"]["raw"].items()}
    assumed = _two_groups("g", Policy(pre_post_r=raw["t_ri"]), **raw)
    assert assumed == _two_groups("g", **raw)
    with pytest.raises(CannotConvert, match=r"pre_post_r; conversions.pre_post_r in config.yaml can assume one"):
        _two_groups("g", Policy(), **raw)


def test_semi_partial_correlations():
    """metafor's SPCOR from t, R2 and n (Aloe 2013), its variance taken to Fisher's z by the delta method."""
    raw, want = SETS["aloe2013"]["raw"], SETS["aloe2013"]["escalc"]["SPCOR"]
    for i, (r, vi) in enumerate(zip(want["yi"], want["vi"], strict=True)):
        assert associations.semipartial(r, raw["r2i"][i], raw["ni"][i]) == pytest.approx(vi, rel=tolerances.ESCALC)
        found = made("z", statistic="semipartial_r", value=r, r2_model=raw["r2i"][i], n=raw["ni"][i])
        assert found.yi == pytest.approx(math.atanh(r))
        assert found.vi == pytest.approx(vi / (1 - r**2) ** 2, rel=tolerances.LAW)


def test_partial_correlations_with_several_covariates(escalc):
    """metafor's ZPCOR: m counts all predictors."""
    want = escalc["aloe2013"]["escalc"]["ZPCOR"]
    for raw, yi, vi in zip(escalc["aloe2013"]["raw"], want["yi"], want["vi"], strict=True):
        cells = {"value": float(raw["ti"]), "n": float(raw["ni"]), "covariates": float(raw["mi"]) - 1}
        found = made("z", statistic="t", estimand="r_partial", **cells)
        assert found.yi == pytest.approx(yi, rel=tolerances.ESCALC)
        assert found.vi == pytest.approx(vi, rel=tolerances.ESCALC)


def test_odds_ratios_as_differences():
    """metafor's OR2DL times Hedges' correction."""
    raw, want = SETS["bcg"]["raw"], SETS["bcg"]["escalc"]
    for i, (yi, vi) in enumerate(zip(want["OR2DL"]["yi"], want["OR2DL"]["vi"], strict=True)):
        n1, n2 = raw["n1i"][i], raw["n2i"][i]
        shrink = smd.small_sample_factor(n1 + n2 - 2)
        log, variance = want["OR"]["yi"][i], want["OR"]["vi"][i]
        for cells in ({"n_treat": n1, "n_control": n2}, {"n": n1 + n2}):
            found = made("g", statistic="log_or", value=log, variance=variance, **cells)
            assert found.yi == pytest.approx(shrink * yi, rel=tolerances.ESCALC)
            assert found.vi == pytest.approx(shrink**2 * vi, rel=tolerances.ESCALC)
            again = made("g", statistic="or", value=math.exp(log), variance=variance, **cells)
            assert again.yi == pytest.approx(found.yi, rel=tolerances.LAW)


def test_peto_is_for_the_plan_to_choose():
    cells = {"events_treat": 3, "total_treat": 231, "events_control": 11, "total_control": 220}
    woolf = made("log_odds_ratio", statistic="2x2", **cells)
    peto = made("log_odds_ratio", Policy(odds_ratio="peto"), statistic="2x2", **cells)
    assert woolf.yi == pytest.approx(SETS["bcg"]["escalc"]["OR"]["yi"][2])
    assert peto.yi == pytest.approx(SETS["bcg"]["escalc"]["PETO"]["yi"][2])


@pytest.mark.parametrize(
    ("cells", "mean", "sd"),
    [
        # Scenarios C1, C2 and C3 of Wan et al. (2014) at n = 100; by hand from their formulas.
        ({"min": 2.0, "max": 30.0}, 12.5, 28 / (2 * 2.5010)),
        ({"q1": 6.0, "q3": 13.0}, 28 / 3, 7 / (2 * 0.66447)),
        ({"q1": 6.0, "q3": 13.0, "min": 2.0, "max": 30.0}, 11.0, 28 / (4 * 2.5010) + 7 / (4 * 0.66447)),
    ],
)  # fmt: skip
def test_medians(cells, mean, sd):
    found = moments.of_quantiles(
        row(median_treat=9.0, n_treat=100.0, **{f"{k}_treat": v for k, v in cells.items()}), "treat"
    )
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(sd, rel=1e-3)
    assert found.n == 100


@given(st.floats(-50, 50), st.floats(0.5, 20), st.integers(20, 500))
def test_quartiles_of_a_normal_outcome_give_its_mean_and_sd(mean, sd, n):
    """In large samples: quartiles at 0.6745 SD."""
    cells = {
        "median_treat": mean,
        "q1_treat": mean - 0.67449 * sd,
        "q3_treat": mean + 0.67449 * sd,
        "n_treat": float(n),
    }
    found = moments.of_quantiles(row(**cells), "treat")
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.sd == pytest.approx(sd, rel=1.6 / n)


def test_quartiles_out_of_order_are_named():
    with pytest.raises(CannotConvert, match=r"q1_treat: '12'; allowed: at most median_treat 9 \(swapped\?\)"):
        moments.of_quantiles(row(median_treat=9.0, q1_treat=12.0, q3_treat=13.0, n_treat=40.0), "treat")


def test_adjusted_means():
    """With a covariate that says nothing, means as they are but for a degree of freedom; g of t and F agree."""
    cells = {
        "mean_treat": 9.6,
        "sd_treat": 6.4,
        "n_treat": 40.0,
        "mean_control": 12.1,
        "sd_control": 7.2,
        "n_control": 38.0,
    }
    plain, none = made("g", statistic="mean_sd", **cells), made("g", statistic="ancova", covariate_r=0.0, **cells)
    ratio = smd.small_sample_factor(75) / smd.small_sample_factor(76)
    assert none.yi == pytest.approx(plain.yi * ratio, rel=tolerances.LAW)
    half = made("g", statistic="ancova", covariate_r=0.5, **cells)
    assert half.yi == none.yi
    assert half.vi - none.yi**2 / 156 == pytest.approx(0.75 * (1 / 40 + 1 / 38), rel=tolerances.LAW)
    # The t of the adjusted contrast of these arms.
    within = moments.pooled_sd(Arm(9.6, 6.4, 40), Arm(12.1, 7.2, 38))
    t = (9.6 - 12.1) / (within * math.sqrt(0.75) * math.sqrt(1 / 40 + 1 / 38))
    for statistic, value, sign in (("t_ancova", t, None), ("f_ancova", t * t, -1.0)):
        df1 = {"df1": 1.0} if sign else {}
        sizes = {"n_treat": 40.0, "n_control": 38.0, "covariate_r": 0.5}
        found = made("g", statistic=statistic, value=value, sign=sign, **df1, **sizes)
        assert (found.yi, found.vi) == pytest.approx((half.yi, half.vi), rel=tolerances.LAW)


def test_one_sided_p():
    """p = .04 of a one-sided test is p = .08 of a two-sided one; above .5 the finding is on the other side."""
    two = made("z", statistic="p", p=".08", n=70.0)
    assert made("z", statistic="p", p=".04", p_sides="1", n=70.0).yi == pytest.approx(two.yi, rel=1e-9)
    assert made("z", statistic="p", p=".96", p_sides="1", n=70.0).yi == pytest.approx(two.yi, rel=1e-9)
    assert made("z", statistic="p", p=".08", p_sides="2", n=70.0) == two


def test_correlations_of_arms_need_no_total_n():
    for cells in ({"statistic": "d", "value": 0.4}, {"statistic": "t", "value": 2.1, "df": 76.0}):
        whole = made("z", n=78.0, n_treat=40.0, n_control=38.0, **cells)
        assert made("z", n_treat=40.0, n_control=38.0, **cells) == whole


@given(st.floats(-0.9, 0.9), st.floats(0.5, 1), st.floats(0.5, 1), st.floats(0.5, 2))
def test_correction_of_a_correlation(r, process, outcome, ratio):
    """Without restriction r / sqrt(rxx ryy); Thorndike's case II undone by its own inverse; variance by the slope."""
    if abs(r) >= 0.95 * math.sqrt(process * outcome):
        return
    plain = associations.corrected(r, 100, process, outcome)
    assert plain.yi == pytest.approx(r / math.sqrt(process * outcome), rel=tolerances.LAW, abs=1e-15)
    assert plain.vi == pytest.approx((1 - r**2) ** 2 / 99 / (process * outcome), rel=tolerances.LAW)
    restricted = associations.corrected(r, 100, 1.0, 1.0, ratio)
    back = associations.corrected(restricted.yi, 100, 1.0, 1.0, 1 / ratio)
    assert back.yi == pytest.approx(r, rel=1e-9, abs=1e-12)
    step = 1e-6
    slope = (associations.corrected(r + step, 100, 1.0, 1.0, ratio).yi - restricted.yi) / step
    assert restricted.vi == pytest.approx(slope**2 * (1 - r**2) ** 2 / 99, rel=1e-4)


def test_reliabilities_are_printed_or_declared():
    cells = {"statistic": "r", "value": 0.3, "n": 80.0, "estimand": "r_total"}
    with pytest.raises(CannotConvert, match=r"not printed: reliability_process; conversions.reliability_process"):
        made("r_corrected", **cells)
    declared = made("r_corrected", Policy(reliability_process=0.9, reliability_outcome=0.8), **cells)
    assert declared == made("r_corrected", reliability_process=0.9, reliability_outcome=0.8, **cells)
    assert declared.yi == pytest.approx(0.3 / math.sqrt(0.72))


@pytest.mark.parametrize("metric", METRIC_NAME)
def test_every_metric_is_read_on_a_scale_of_its_own(metric):
    for value in (0.2, 0.5, 0.8):
        assert back_transform(metric, on_scale(metric)(value)) == pytest.approx(value)
    assert sum(metric in own for own in LANE_METRICS.values()) == 1
    assert (metric in AS_PRINTED) == (metric.startswith("log_") or metric in NO_NULL)


@pytest.mark.parametrize(
    ("statistic", "metric", "cells", "yi"),
    [
        ("hr", "log_hazard_ratio", {"value": 0.74, "ci_low": 0.55, "ci_high": 0.99}, math.log(0.74)),
        ("log_hr", "log_hazard_ratio", {"value": -0.3, "ci_low": -0.6, "ci_high": 0.0}, -0.3),
        ("rd", "risk_difference", {"value": 0.12, "ci_low": 0.0, "ci_high": 0.24}, -0.12),
        ("mean_difference", "mean_difference", {"value": -2.4, "se": 0.9}, 2.4),
        ("proportion", "logit", {"value": 0.25, "ci_low": 0.2, "ci_high": 0.31}, math.log(1 / 3)),
    ],
)
def test_published_summaries_of_every_scale(statistic, metric, cells, yi):
    """A ratio and a proportion stay as printed; a difference is turned where smaller is better."""
    found, variance = summary_point(row(statistic=statistic, level="summary", **cells) | {"direction": -1.0}, metric)
    assert found == pytest.approx(yi)
    assert variance > 0


def test_the_matrix_holds_every_conversion_and_measure_of_metafor():
    """`docs/statistics.md` is written from the registry; what it says of escalc's 67 measures exists."""
    assert set(NEEDS) == {statistic for statistic, _ in CONVERTERS}
    assert len(MEASURES) == 67
    assert all(one in CONVERTERS for one in MEASURES.values() if isinstance(one, tuple))
    written = {}
    for line in statistics_reference("").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| statistic "):
            metrics = cells[1:-1]
        elif line.startswith("| `"):
            written |= {(cells[0].strip("`"), m): cell for m, cell in zip(metrics, cells[1:-1], strict=True) if cell}
    assert written == {key: "exact" if made.exact else "approximate" for key, made in CONVERTERS.items()}


def test_a_printed_error_of_a_proportion_goes_to_its_scale():
    """By the slopes of logit, 1 / (p (1 - p)), and arcsine, 1 / (2 sqrt(p (1 - p))); a test against 0 gives none."""
    cells = row(statistic="proportion", level="summary", value=0.25, se=0.03)
    for metric, slope in (("logit", 1 / (0.25 * 0.75)), ("arcsine", 1 / (2 * math.sqrt(0.25 * 0.75)))):
        yi, vi = summary_point(cells, metric)
        assert vi is None
        assert precision(cells, metric, yi, None, None).variance == pytest.approx((0.03 * slope) ** 2)
        by_p = cells | {"se": None, "p": "<.001", "test_statistic": 4.0}
        assert precision(by_p, metric, yi, None, None) is None


def test_a_one_sided_p_of_a_summary_is_half_of_a_two_sided_one():
    one = row(statistic="smd", level="summary", value=0.4, p=".02", p_sides="1")
    two = row(statistic="smd", level="summary", value=0.4, p=".04")
    assert precision(one, "g", 0.4, None, None) == precision(two, "g", 0.4, None, None)
    assert precision(one | {"p": ".5"}, "g", 0.4, None, None) is None


@pytest.mark.parametrize(
    ("cells", "doubted"),
    [
        ({"p": ".31", "p_sides": "1"}, False),
        ({"p": ".31"}, True),
        ({"p": ">.05", "p_sides": "1"}, False),
        ({"p": ".62"}, False),
    ],
)
def test_a_one_sided_p_is_held_against_the_value_as_what_it_is(cells, doubted):
    """z = 0.5: two-sided p = .62, one-sided .31."""
    found = list(against_interval(row(statistic="g", value=0.05, se=0.1, **cells)))
    assert bool(found) == doubted


def test_the_error_of_an_arm_beside_its_sd_is_doubted():
    cells = row(statistic="mean_sd", sd_treat=6.4, n_treat=40.0, se_treat=1.01)
    assert not list(errors_of_arms(cells))
    ((column, shown, allowed, _),) = errors_of_arms(cells | {"se_treat": 6.4})
    assert (column, allowed) == ("se_treat", "about 1.01")
    assert "sd_treat 6.4" in shown


# --- ratios as g ------------------------------------------------------------------------------------------------------


def test_the_odds_ratio_behind_a_risk_ratio_is_the_printed_one():
    """Zhang & Yu (1998), JAMA 280:1690-1691: risks of .426 and .05 have an odds ratio of 14.1."""
    found = ratios.odds_ratio_of_risk_ratio(Estimate(math.log(0.426 / 0.05), 0.01), 0.05)
    assert math.exp(found.yi) == pytest.approx(14.1, abs=tolerances.PRINTED_2)
    assert found.vi == pytest.approx(0.01 / (1 - 0.426) ** 2, rel=tolerances.FORMULA)


@given(st.integers(1, 79), st.integers(1, 89))
def test_a_risk_ratio_with_its_risk_is_the_table_that_it_is_of(events, others):
    """With the risk of the control arm as printed, a risk ratio leads to the g of the counts."""
    sizes = {"n_treat": 80.0, "n_control": 90.0}
    table = made("g", statistic="2x2", events_treat=float(events), total_treat=80.0,
                 events_control=float(others), total_control=90.0)  # fmt: skip
    ratio = (events / 80) / (others / 90)
    found = made("g", statistic="rr", value=ratio, se=0.2, risk_control=others / 90, **sizes)
    assert found.yi == pytest.approx(table.yi, rel=tolerances.LAW, abs=tolerances.ZERO)


@given(st.floats(-2, 2), st.floats(0.01, 0.95))
def test_a_hazard_ratio_is_the_odds_ratio_of_those_without_the_event(log_ratio, risk):
    """Of the treated (1 - p0)^HR have none (Altman & Andersen 1999); the variance follows the slope of that."""
    found = ratios.odds_ratio_of_hazard_ratio(Estimate(log_ratio, 0.04), risk)

    def log_odds(at):
        without = (1 - risk) ** math.exp(at)
        return math.log((1 - without) / without) - math.log(risk / (1 - risk))

    slope = (log_odds(log_ratio + 1e-5) - log_odds(log_ratio - 1e-5)) / 2e-5
    assert found.yi == pytest.approx(log_odds(log_ratio), rel=tolerances.LAW, abs=tolerances.ZERO)
    assert found.vi == pytest.approx(0.04 * slope**2, rel=1e-4)


def test_a_risk_ratio_that_makes_no_risk_is_refused():
    with pytest.raises(CannotConvert, match=r"risk_control: '0.6'; allowed: below 0.5"):
        made("g", statistic="rr", value=2.0, se=0.2, n=100.0, risk_control=0.6)
    with pytest.raises(CannotConvert, match="not printed: risk_control"):
        made("g", statistic="hr", value=2.0, se=0.2, n=100.0)


# --- by which SD a change was standardized ----------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "own", "other"), [("smcr", "baseline", "change"), ("smcc", "change", "baseline")])
def test_a_printed_change_says_by_which_sd_it_was_standardized(metric, own, other):
    cells = {"statistic": "smd_within_arm_change", "value": 0.8, "se": 0.12, "estimand": "one_group"}
    assert made(metric, standardized_by=own, **cells) == Estimate(0.8, 0.12**2)
    with pytest.raises(CannotConvert, match="not printed: standardized_by"):
        made(metric, **cells)
    with pytest.raises(CannotConvert, match=f"standardized_by: '{other}'; allowed: {own} for this metric"):
        made(metric, standardized_by=other, **cells)


# --- measures of metafor by their names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("PFT", "PFT is not here: the double arcsine has no way back"), ("double_arcsine", "PFT is not here"),
        ("Freeman-Tukey", "PFT is not here"), ("SMDH", "SMDH is not here: standardized by the root of the mean"),
        ("Glass's delta", "SMD1 is not here: standardized by the SD of the control arm"),
        ("SMD", "metafor's SMD is metric g, of statistic mean_sd"),
    ],
)  # fmt: skip
def test_a_measure_of_metafor_is_answered_by_its_name_in_the_plan(asked, said):
    synthesis = {"title": "T", "lane": "B", "metric": asked, "sources": ["own"]}
    with pytest.raises(InputError, match=said):
        load({"title": "T", "sources": ["own"], "syntheses": {"own": synthesis}})
