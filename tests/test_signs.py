"""Which way a finding goes: of the outcome (`direction`), of an unsigned statistic (`sign`)."""

import csv
import datetime
import math

import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from synthesis.data.extraction import extract
from synthesis.data.scales import back_transform
from synthesis.draw.chart import pooled_sentence
from synthesis.draw.layout import interval_texts
from synthesis.draw.rows import forest
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.plan import plan
from synthesis.plan.config import Defaults, Synthesis
from synthesis.plan.starting import Start, start
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented

DAY = datetime.date(2026, 1, 2)
MEANS = ("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control")
# Trials by F or p, fewer symptoms in the treated: https://github.com/strengejacke/esc/issues/17, rebuilt.
F_TABLE = """study,fval,pval,dfn,n1,n2,sign
Nowak 2002,6.40,0.014,1,34,33,-1
Osei 2007,4.90,0.029,1,45,46,-1
Pranoto 2011,9.10,0.004,1,28,27,-1
Quispe 2013,5.20,0.025,1,52,50,-1
Rahal 2019,3.95,0.050,1,40,41,-1
"""
# Quality of life, depression and wellbeing: https://authorea.com/users/674467/articles/672795/download_zip, rebuilt.
SCALES = """study,what,m1,s1,n1,m0,s0,n0
Adeyemi 2006,scale Q,61.2,14.1,40,55.0,13.7,41
Bruun 2010,scale D,12.2,7.7,36,15.9,7.5,35
Cruz 2013,scale D,14.0,8.2,52,15.6,8.0,50
Dang 2017,scale W,22.9,5.6,70,21.0,5.4,68
Eder 2020,scale D,10.8,6.1,29,14.4,6.6,30
"""
SMALLER = (1, 2, 4)


def review(tmp_path, table, columns, statistic, better="smaller"):
    path = tmp_path / "own.csv"
    path.write_text(table)
    what = Start("x", path, statistic, {"study": "study"} | columns, better, "x", "g")
    start(tmp_path / "review", what, DAY)
    return tmp_path / "review" / "data" / "raw"


def pooled(raw, metric="g"):
    found = extract(raw, "own", (metric,)).effects
    return pool([row.yi for row in found], [row.vi for row in found])


COUNTS = {"n_treat": "n1", "n_control": "n2", "sign": "sign"}


def test_an_f_of_a_scale_where_less_is_better(tmp_path):
    """g +0.523 [0.350, 0.696]: metafor's escalc, measure SMD, ti = sqrt(F)."""
    fit = pooled(review(tmp_path, F_TABLE, {"value": "fval", "df1": "dfn"} | COUNTS, "f"))
    right = (0.523, 0.350, 0.696)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_3)


def test_a_p_of_a_scale_where_less_is_better(tmp_path):
    """The size is what the approximation by the normal statistic gives, 0.511; the sign is that of the finding."""
    fit = pooled(review(tmp_path, F_TABLE, {"p": "pval"} | COUNTS, "p"))
    assert fit.estimate == pytest.approx(0.511, abs=tolerances.PRINTED_3)


def mixed(tmp_path, outcome):
    columns = dict(zip(MEANS, ("m1", "s1", "n1", "m0", "s0", "n0"), strict=True)) | outcome
    raw = review(tmp_path, SCALES, columns, "mean_sd", "larger")
    table = raw / "own" / "effects.csv"
    with table.open() as handle:
        rows = list(csv.DictReader(handle))
    for place in SMALLER:
        rows[place]["direction"] = "-1"
    with table.open("w") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return raw


@pytest.mark.parametrize("outcome", [{}, {"outcome": "what"}], ids=["no outcome", "outcome"])
def test_scales_of_both_directions_in_one_table(tmp_path, outcome):
    """g 0.37632 [0.20887, 0.54377]: metafor rma(yi, vi, test="knha"), yi of the falling scales times -1."""
    fit = pooled(mixed(tmp_path, outcome))
    right = (0.37632, 0.20887, 0.54377)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_4)


# Rebuilt after https://github.com/CRSU-Apps/MetaInsight/pull/204 (OR in one plot, 1/OR in the other).
RELAPSES = """study,e1,n1,e0,n0
Abara,0,48,5,50
Benali,2,61,0,60
Castro,0,33,0,35
Drozd,40,40,36,41
Eriksen,12,12,12,12
Fonseca,7,120,15,118
Gallo,3,55,9,57
"""
EVENTS = {"events_treat": "e1", "total_treat": "n1", "events_control": "e0", "total_control": "n0"}
RATIO = {"title": "x", "lane": "B", "metric": "log_risk_ratio", "sources": ["own"]}


def relapses(tmp_path, *recoveries):
    """The rows of the trials; in those named the event is a recovery."""
    path = tmp_path / "own.csv"
    path.write_text(RELAPSES)
    start(tmp_path / "r", Start("x", path, "2x2", {"study": "study"} | EVENTS, "smaller", "x", "log_risk_ratio"), DAY)
    found = extract(tmp_path / "r" / "data" / "raw", "own", ("log_risk_ratio",)).effects
    return [replace(row, direction=1.0) if row.study in recoveries else row for row in found]


def drawn(effects, **changes):
    """The forest plot of a pool: its document and section."""
    synthesis = Synthesis.model_validate(RATIO | changes)
    document = presented(run_synthesis("own", synthesis, Defaults(), effects, ()), synthesis)
    (section,) = forest(document).sections
    return document, section


def test_a_risk_ratio_is_that_of_the_event(tmp_path):
    """RR 0.659 [0.210, 2.070] of the event: metafor, exp(-0.41737); zero cells get 0.5, two empty trials leave."""
    document, section = drawn(relapses(tmp_path))
    found = [
        back_transform("log_risk_ratio", getattr(document.fit, name)) for name in ("estimate", "ci_low", "ci_high")
    ]
    assert found == pytest.approx([0.659, 0.210, 2.070], abs=tolerances.PRINTED_3)
    assert (section.axis, section.estimate_name) == ("Risk ratio", "RR")
    assert section.favours == ("favours treatment", "favours comparator")
    (pooled_row,) = (row for row in section.rows if row.kind == "pooled")
    assert (pooled_row.estimate_text, pooled_row.low_text, pooled_row.high_text) == ("0.66", "[0.21,", "2.07]")


def test_a_ratio_of_a_wanted_event_has_the_good_side_on_the_right(tmp_path):
    effects = relapses(tmp_path)
    document, section = drawn([replace(row, direction=1.0) for row in effects])
    assert section.favours == ("favours comparator", "favours treatment")
    assert document.fit.estimate == pytest.approx(drawn(effects)[0].fit.estimate)
    _, named = drawn(effects, favours=("less", "more"))
    assert named.favours == ("less", "more")


def test_a_ratio_that_is_turned_is_called_so(tmp_path):
    effects = relapses(tmp_path)
    document, section = drawn(effects, orientation="better")
    assert document.fit.estimate == pytest.approx(-drawn(effects)[0].fit.estimate)
    assert (section.axis, section.estimate_name) == ("1 / risk ratio", "1/RR")
    assert section.favours == ("favours comparator", "favours treatment")
    assert "1/RR = 1.5" in pooled_sentence(document)


def test_ratios_of_wanted_and_unwanted_events_are_no_pool_as_printed(tmp_path):
    effects = relapses(tmp_path, "Drozd", "Gallo")
    with pytest.raises(InputError, match="direction 1 in own_4, own_7; direction -1 in own_1, own_2, own_6"):
        drawn(effects)
    document, section = drawn(effects, orientation="better")
    assert document.figure.turned == 3
    assert section.axis == "Risk ratio; 1 / risk ratio, where the event is not wanted"
    signs = {study.label: study.yi for study in document.studies}
    assert signs["Fonseca"] == pytest.approx(-next(row.yi for row in effects if row.study == "Fonseca"))
    assert signs["Gallo"] == pytest.approx(next(row.yi for row in effects if row.study == "Gallo"))


def test_ratios_that_two_decimals_cannot_show_are_not_drawn_as_zero():
    """Limits of https://github.com/adayim/forestploter/issues/76."""
    shown = interval_texts("log_odds_ratio", *(math.log(x) for x in (0.0000031, 1.2e-11, 0.8)))
    assert list(shown.values()) == ["3.1\N{MULTIPLICATION SIGN}10⁻⁶", "[1.2\N{MULTIPLICATION SIGN}10⁻¹¹,", "0.80]"]
    assert (
        interval_texts("log_odds_ratio", math.log(118), math.log(0.0021), math.log(6.63e6))["high_text"]
        == "6.6\N{MULTIPLICATION SIGN}10⁶]"
    )
    assert interval_texts("g", 0.001, -0.1, 0.1)["estimate_text"] == "0.00"


def test_ratios_of_which_other_sides_are_better_are_not_compared(project):
    """The same trials twice; in one of the two sources the event is wanted."""
    other = project.raw / "wanted"
    other.mkdir()
    (other / "source.yaml").write_text((project.raw / "bcg" / "source.yaml").read_text())
    rows = [
        row | {"direction": "1", "effect_id": f"w{i}", "sample_id": f"w{i}"} for i, row in enumerate(project.rows())
    ]
    project.write(rows, other / "effects.csv")
    own = {key: value for key, value in project.config["syntheses"]["bcg"].items() if key != "orientation"}
    syntheses = {"bcg": own, "wanted": own | {"sources": ["wanted"]}}
    comparison = {"title": "x", "first": "bcg", "second": "wanted"}
    project.configure(sources=["bcg", "wanted"], syntheses=syntheses, comparisons={"two": comparison})
    with pytest.raises(InputError, match="comparisons.two: 'bcg: smaller is better; wanted: larger is better'"):
        plan.check(plan.load(project.config), project.raw)
    project.configure(syntheses=syntheses | {"bcg": own | {"orientation": "better"}})
    plan.check(plan.load(project.config), project.raw)


@given(st.lists(st.sampled_from([1.0, -1.0]), min_size=5, max_size=5), st.permutations(range(5)))
def test_turning_every_direction_turns_the_pool_and_order_is_nothing(turned, order):
    y, v = np.array([0.4, 0.1, -0.2, 0.3, 0.5]), np.array([0.05, 0.03, 0.04, 0.06, 0.02])
    signed = y * np.array(turned)
    there, back = pool(signed, v), pool(-signed[order], v[order])
    assert there.estimate == pytest.approx(-back.estimate, rel=tolerances.LAW, abs=tolerances.ZERO)
    assert there.ci_low == pytest.approx(-back.ci_high, rel=tolerances.LAW, abs=tolerances.ZERO)
