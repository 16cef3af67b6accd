"""Ratios with the error of their logarithm, counts of people without the event, cluster trials, kinds of score."""

import math

import pytest
import tolerances
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data.columns import BY_NAME
from synthesis.data.converters import convert
from synthesis.data.printed import effective
from synthesis.data.registry import Policy
from synthesis.data.tables import typed
from synthesis.errors import CannotConvert, InputError
from synthesis.meta.pool import pool
from synthesis.plan import plan
from synthesis.plan.config import Synthesis
from synthesis.plan.selection import select_effects
from test_sharing import COLUMNS, begin, effects

CASES = ROOT / "tests" / "data" / "cases"
MEANS = COLUMNS | {"study": "study"}
MEANS.pop("treatment")


def row(**cells):
    usual = {"effect_id": "a", "level": "study", "estimand": "d_between", "construct": "protocol", "direction": "-1"}
    return typed(dict.fromkeys(BY_NAME, "") | usual | {name: str(value) for name, value in cells.items()})


def made(metric="log_odds_ratio", **cells):
    estimate, _ = convert(effective(row(**cells)), metric, Policy())
    return estimate.yi, estimate.vi


def fit(tmp_path, metric):
    found = effects(tmp_path, metric).effects
    return pool([one.yi for one in found], [one.vi for one in found])


def test_effective_sizes_of_cluster_trials(tmp_path):
    """g 0.32636 [0.21335, 0.43938], as printed sizes give it; Cochrane Handbook 5.1, section 16.3.6, rebuilt."""
    table = (CASES / "19" / "input.csv").read_text()
    with pytest.raises(InputError, match=r"column n1: '187.2'.*design_effect"):
        begin(tmp_path, table, MEANS)
    begin(tmp_path, table, MEANS | {"design_effect": "deff"})
    found = fit(tmp_path, "g")
    right = (0.32636, 0.21335, 0.43938)
    assert (found.estimate, found.ci_low, found.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_4)


def test_generic_inverse_variance_of_log_odds_ratios(tmp_path):
    """OR 0.778 [0.590, 1.027]: metafor, of lnOR and its SE."""
    table = (CASES / "19" / "input_giv.csv").read_text()
    columns = {"study": "study", "value": "lnOR", "se": "se"}
    with pytest.raises(InputError, match="--statistic: 'or'; allowed: log_or"):
        begin(tmp_path, table, columns, "or", "log_odds_ratio")
    # By its numbers, where its name does not tell; and by its name, where all are positive.
    with pytest.raises(InputError, match="the statistic is log_or"):
        begin(tmp_path, table.replace("lnOR", "estimate"), columns | {"value": "estimate"}, "or", "log_odds_ratio")
    with pytest.raises(InputError, match="lnOR: named as logarithms are"):
        begin(tmp_path, table.replace("-", ""), columns, "or", "log_odds_ratio")
    begin(tmp_path, table, columns, "log_or", "")
    found = fit(tmp_path, "log_odds_ratio")
    shown = [math.exp(x) for x in (found.estimate, found.ci_low, found.ci_high)]
    assert shown == pytest.approx([0.778, 0.590, 1.027], abs=tolerances.PRINTED_3)


def test_people_without_the_event_stand_for_totals(tmp_path):
    """OR 0.655 [0.58, 0.74]: dat.landenberger2005 of R's metadat, which has no totals; REML, Hartung-Knapp."""
    table = (CASES / "29" / "input.csv").read_text()
    columns = {"study": "study", "events_treat": "n.cbt.rec", "events_control": "n.ctrl.rec"}
    columns |= {"nonevents_treat": "n.cbt.non", "nonevents_control": "n.ctrl.non"}
    begin(tmp_path, table, columns, "2x2", "log_odds_ratio", samples="row")
    found = fit(tmp_path, "log_odds_ratio")
    assert math.exp(found.estimate) == pytest.approx(0.655, abs=tolerances.PRINTED_3)
    limits = math.exp(found.ci_low), math.exp(found.ci_high)
    assert limits == pytest.approx((0.58, 0.74), abs=tolerances.PRINTED_2)


@given(st.floats(0.01, 100), st.floats(0.01, 2))
def test_a_ratio_and_its_logarithm_are_one_finding(ratio, se):
    for name, metric in (("or", "log_odds_ratio"), ("rr", "log_risk_ratio")):
        by_ratio = made(metric, statistic=name, value=ratio, se=se)
        by_log = made(metric, statistic=f"log_{name}", value=math.log(ratio), variance=se * se)
        limits = {
            "ci_low": ratio * math.exp(-1.959963984540054 * se),
            "ci_high": ratio * math.exp(1.959963984540054 * se),
        }
        by_interval = made(metric, statistic=name, value=ratio, **limits)
        assert by_ratio == pytest.approx(by_log, rel=tolerances.LAW, abs=tolerances.ZERO)
        assert by_ratio == pytest.approx(by_interval, rel=1e-9, abs=1e-9)


def test_a_design_effect_divides_sizes_and_counts():
    counts = {"statistic": "2x2", "events_treat": 12, "total_treat": 60, "events_control": 18, "total_control": 60}
    plain, clustered = made(**counts), made(**counts, design_effect=1.5)
    assert clustered[0] == pytest.approx(plain[0], rel=tolerances.LAW)
    assert clustered[1] == pytest.approx(1.5 * plain[1], rel=tolerances.LAW)
    means = {"statistic": "mean_sd", "mean_treat": 10, "sd_treat": 5, "mean_control": 12, "sd_control": 5}
    whole = made("g", **means, n_treat=150, n_control=150, design_effect=1.5)
    assert whole == pytest.approx(made("g", **means, n_treat=100, n_control=100), rel=tolerances.LAW)
    # Sizes with decimals are effective ones.
    given_so = made("g", **means, n_treat=100.5, n_control=99.5, design_effect=1.5)
    assert given_so[1] == pytest.approx(1 / 100.5 + 1 / 99.5 + given_so[0] ** 2 / 400, rel=tolerances.LAW)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"statistic": "or", "value": 0, "se": 0.2}, "a logarithm entered as a ratio?"),
        ({"statistic": "rr", "value": 1e-20, "se": 0.2}, "above 0"),
        ({"statistic": "log_or", "value": 0.2}, "not printed: ci_low, ci_high"),
        ({"statistic": "rr", "value": 1.2, "ci_low": 0, "ci_high": 2}, "a logarithm entered as a ratio"),
        ({"statistic": "log_or", "value": 1e200, "se": 0.2}, "at most"),
        ({"statistic": "2x2", "events_treat": 3, "events_control": 4, "nonevents_treat": 5}, "total_control"),
    ],
)
def test_boundaries_are_dropped_by_name(cells, said):
    metric = "log_risk_ratio" if cells["statistic"] == "rr" else "log_odds_ratio"
    with pytest.raises(CannotConvert, match=said):
        made(metric, **cells)


def test_change_scores_and_final_values_are_one_pool_only_where_that_is_said(tmp_path):
    table = (CASES / "13" / "input.csv").read_text()
    begin(tmp_path, table, MEANS | {"statistic": "kind"}, mix=("statistic",))
    read = plan.load(plan.read_yaml(tmp_path / "review" / "config.yaml"))
    (synthesis,) = read.config.syntheses.values()
    assert set(synthesis.mix["statistic"]) == {"change_sd", "mean_sd"}
    found = effects(tmp_path)
    assert len(select_effects("own", synthesis, found.effects, ())) == 4
    unsaid = Synthesis.model_validate(synthesis.model_dump() | {"mix": {}})
    with pytest.raises(InputError, match="change scores and final values"):
        select_effects("own", unsaid, found.effects, ())


@pytest.mark.parametrize(
    "cells",
    [
        {"statistic": "t", "value": 2.1, "n_treat": 40, "n_control": 40},
        {"statistic": "p", "p": ".03", "sign": 1, "n_treat": 40, "n_control": 40},
        {"statistic": "g", "value": 0.3, "se": 0.2, "n_treat": 40, "n_control": 40},
    ],
)
def test_a_design_effect_does_not_make_an_effect_larger(cells):
    """d = t sqrt(1/n1 + 1/n2) would grow with fewer people."""
    with pytest.raises(CannotConvert, match="design_effect: '1.5'.*adjusted for clusters"):
        made("g", **cells, design_effect=1.5)


def test_sizes_that_are_whole_by_chance_are_not_divided_again(tmp_path):
    table = (CASES / "19" / "input.csv").read_text().replace("96.4", "96").replace("90.1", "90")
    with pytest.raises(InputError, match=r"row 3, column n1: '96'.*decimals as in row 2.*design_effect of 1"):
        begin(tmp_path, table, MEANS | {"design_effect": "deff"})
    begin(tmp_path, table.replace("18,1.41", "18,1"), MEANS | {"design_effect": "deff"})
    (row,) = [one for one in effects(tmp_path).effects if one.study.startswith("Quilt")]
    assert row.vi == pytest.approx(1 / 96 + 1 / 90 + row.yi**2 / (2 * 186), rel=tolerances.LAW)


def test_events_with_decimals_beside_whole_totals_are_asked_about(tmp_path):
    table = "study,e1,n1,e0,n0,deff\nA,12.3,60,18.2,60,1.5\nB,10,50,14,52,1\nC,9,41,12,40,1\n"
    columns = {
        "study": "study",
        "events_treat": "e1",
        "total_treat": "n1",
        "events_control": "e0",
        "total_control": "n0",
    }
    with pytest.raises(InputError, match=r"row 2, column n1: '60'.*decimals as in row 2"):
        begin(tmp_path, table, columns | {"design_effect": "deff"}, "2x2", "log_odds_ratio")


def test_a_total_that_contradicts_its_parts_is_named(tmp_path):
    table = "study,e1,x1,n1,e0,n0\nA,30,20,100,18,60\nB,10,40,50,14,52\n"
    columns = {
        "study": "study",
        "events_treat": "e1",
        "total_treat": "n1",
        "events_control": "e0",
        "total_control": "n0",
    }
    with pytest.raises(InputError, match=r"row 2, column n1: '100'; allowed: 50, the events and nonevents"):
        begin(tmp_path, table, columns | {"nonevents_treat": "x1"}, "2x2", "log_odds_ratio")


@pytest.mark.parametrize("statistic", ["rr", "hr"])
def test_a_ratio_and_its_logarithm_with_one_risk_are_one_g(statistic):
    cells = {"risk_control": 0.3, "n_treat": 104, "n_control": 98}
    value, low, high = 0.81, 0.62, 1.06
    of_ratio = made("g", statistic=statistic, value=value, ci_low=low, ci_high=high, **cells)
    limits = {"ci_low": math.log(low), "ci_high": math.log(high)}
    assert made("g", statistic=f"log_{statistic}", value=math.log(value), **limits, **cells) == pytest.approx(of_ratio)
