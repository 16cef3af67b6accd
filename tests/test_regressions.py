"""Joint regressions from the plan to the report: checks by key, the job's part, document, table, figure, appendix."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from markupsafe import escape
from synthesis.draw.chart import Chart
from synthesis.draw.coefficients import coefficient_words, coefficients
from synthesis.draw.diagnostic import layout
from synthesis.errors import InputError
from synthesis.meta.joint import Combination
from synthesis.plan import plan
from synthesis.plan.config import read_config
from synthesis.plan.jointly import JointModel
from synthesis.plan.parts import diagnostic_figures
from synthesis.report.wording import term
from synthesis.results.diagnosed import Diagnosed, RegressionRow
from synthesis.results.document import read_document, read_rows
from synthesis.review.moderators import moderator
from synthesis.review.presentation import read_presented
from synthesis.review.regressing import joint_model
from test_figures import document
from typed import estimates, fitted

ROOT = Path(__file__).parent.parent
BLOCK = {"title": "t", "lane": "A", "metric": "z", "sources": ["s"]}
OWN = {"latitude": {"kind": "number", "title": "Latitude, degrees"}, "allocation": {"kind": "text"}}


def planned(model, **more):
    content = {"title": "t", "sources": ["s"], "syntheses": {"all": BLOCK | {"regressions": {"joint": model}}}}
    grouping = {"format_group": {"column": "format", "levels": {"near": ["group"], "far": ["video"]}}}
    return plan.load(content | {"groupings": grouping, "own_columns": OWN} | more, raw=Path("nowhere"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"formula": "rater +"}, "syntheses.all.regressions.joint.formula: \"the end in"),
        ({"formula": "ratr + year"}, "joint.formula: 'ratr'.*did you mean rater"),
        ({"formula": "rater + log(format_group)"}, "joint.formula: 'format_group'; allowed: a column of numbers"),
        ({"formula": "rater + exp(year)"}, "joint.formula: .*log, log2"),
        ({"formula": "rater:year"}, r"joint.formula: .*write rater \* year"),
        ({"formula": "rater + year", "reference": {"year": "2000"}}, "joint.reference.year: 'year'; allowed: one of"),
        ({"formula": "rater + year", "means": ["rater:format"]}, "joint.means: 'format'; allowed: one of rater"),
        ({"formula": "rater + year", "predict": [{"weeks": 3}]}, "joint.predict.0.weeks: 'weeks'; allowed: one"),
        ({"formula": "rater + year", "predict": [{"year": "soon"}]}, "joint.predict.0.year: 'soon'; allowed: a number"),
        ({"formula": "rater + year", "predict": [{"rater": 3}]}, "joint.predict.0.rater: .*allowed: a word"),
        ({"formula": "rater", "permutations": -1}, "joint.permutations"),
        ({"formula": "rater", "permutations": 10**9}, "joint.permutations: '1000000000'; allowed: .* at most 1000000"),
        ({"formula": "rater", "emm": ["rater"]}, "joint.emm.*unknown key"),
        ({}, "joint.formula"),
    ],
)  # fmt: skip
def test_a_slip_in_a_joint_regression_is_named_by_its_key(model, words):
    with pytest.raises(InputError, match=f"(?s){words}"):
        planned(model)


@pytest.mark.parametrize(
    ("ages", "weeks", "formula", "words"),
    [
        ((None, None), (4.0, 12.0), "weeks + mean_age", "no effect has a value of mean age"),
        ((30.0, None), (None, 12.0), "weeks + mean_age", "no effect has all of weeks, mean age"),
    ],
)
def test_moderators_that_no_effect_has_are_named(ages, weeks, formula, words):
    sample = estimates("s1", [(0.2, 0.1), (0.3, 0.1)])
    cells = [{"weeks": number, "more": {"mean_age": age}} for age, number in zip(ages, weeks, strict=True)]
    members = [member | more for member, more in zip(sample["members"], cells, strict=True)]
    document = fitted({"studies": [sample | {"members": members}]})
    joint = joint_model(document, "joint", JointModel(formula=formula), {}, "hksj", 1)
    assert (joint.refused, joint.k, joint.without_value) == (words, 0, 2)
    lacking = {"mean_age": sum(age is None for age in ages), "weeks": sum(week is None for week in weeks)}
    assert joint.missing == {name: count for name, count in lacking.items() if count and name in formula}
    refused = moderator(document, "mean_age", None, "hksj").refused
    assert (refused == words) == (ages == (None, None))


def test_a_figure_of_coefficients_needs_a_regression_and_there_is_one_of_each():
    figures = {"diagnostic_figures": {"all": ["coefficients"]}}
    found = planned({"formula": "rater + year"}, **figures)
    assert [figure.name for figure in diagnostic_figures(found.config, "all")] == ["coefficients_all-joint"]
    content = {"title": "t", "sources": ["s"], "syntheses": {"all": BLOCK}, **figures}
    with pytest.raises(InputError, match=r"diagnostic_figures.all: 'coefficients'; .*syntheses.all.regressions"):
        plan.load(content, raw=Path("nowhere"))


def coefficient(name, estimate, half=None):
    limits = (None, None) if half is None else (estimate - half, estimate + half)
    p, note = (None, "no test: one sample alone carries it") if half is None else (0.3, "")
    return Combination(name, estimate, half, None, None, p, *limits, note=note)


def drawn(formula, *shown):
    """The figure of these coefficients, beside an intercept."""
    kept = {"level": 0.95, "k": 30, "samples": 24, "reference": {}, "notes": ()}
    fit = SimpleNamespace(coefficients=(coefficient("intrcpt", 0.2, 0.1), *shown), **kept)
    joint = SimpleNamespace(model="joint", formula=formula, fit=fit, without_value=0, refused="")
    return coefficients(fitted(document(24, "z", "A")), SimpleNamespace(regressions=(joint,)), "joint")


def test_a_coefficient_without_an_interval_has_a_mark_of_its_own_and_says_so():
    chart = drawn("rater + time", coefficient("ratertherapist", -0.014), coefficient("timelate", 0.08, 0.15))
    assert {p.key: p.kind for p in chart.panels[0].points} == {
        "ratertherapist": "without interval", "timelate": "pooled",
    }  # fmt: skip
    first = chart.rows[0]
    assert (first.right, first.right_detail) == ("\N{MINUS SIGN}0.014, no interval", "no test")
    named = ["coefficient", "coefficient without an interval", "95% CI", "no difference"]
    assert [key.content for key in chart.legend] == named
    whole = drawn("time", coefficient("timelate", 0.08, 0.15))
    assert [key.kind for key in whole.legend] == ["pooled", "interval", "null"]


@pytest.mark.parametrize(
    ("name", "half", "times", "label"),
    [
        ("center(year)", 0.01, 10, "Year, centred, per 10 years"),
        ("year", 0.2, 1, "Year, per year"),
        ("severity", 0.0005, 100, "Severity, per 100 units"),
        # As it was not measured: there are no units to take more of.
        ("log(severity)", 0.01, 1, "log of Severity"),
    ],
)
def test_a_slope_whose_interval_its_mark_would_hide_is_drawn_per_more_units(name, half, times, label):
    estimate = -half / 5
    chart = drawn(f"rater + {name}", coefficient("rateronserver", 0.05, 0.25), coefficient(name, estimate, half))
    (point,), (line,) = (
        [one for one in held if one.key == name] for held in (chart.panels[0].points, chart.panels[0].lines)
    )
    assert chart.rows[1].label == label
    assert point.x == pytest.approx(times * estimate)
    assert line.x == pytest.approx((times * (estimate - half), times * (estimate + half)))
    if label.startswith(("Year", "Severity")):
        panel = chart.panels[0]
        inches = (line.x[1] - line.x[0]) / (panel.x.high - panel.x.low) * chart.panel_width
        assert inches > 2 * point.size


def test_a_slope_far_from_none_is_left_as_it_is():
    """Per more units it would lengthen the axis of all others."""
    chart = drawn("rater + year", coefficient("rateronserver", 0.05, 0.25), coefficient("year", 0.2, 0.001))
    assert chart.panels[0].points[1].x == 0.2
    assert chart.rows[1].label == "Year, per year"


def test_the_part_of_the_job_holds_the_columns_and_groupings_of_the_formula():
    found = planned({"formula": "format_group * log(latitude)"})
    part = json.loads(found.diagnosis("all"))
    assert set(part["groupings"]) == {"format_group"}
    assert set(part["own_columns"]) == {"latitude"}
    plan.load(part, raw=Path("nowhere"))
    fit = json.loads(found.fit("all"))
    assert "regressions" not in fit["syntheses"]["all"]


def test_a_level_that_no_effect_has_is_found_before_the_first_job(project):
    synthesis = next(iter(project.config["syntheses"]))
    content = project.config["syntheses"]
    model = {"formula": "year + country", "reference": {"country": "nowhere"}}
    project.configure(syntheses={synthesis: content[synthesis] | {"regressions": {"joint": model}}})
    checked = plan.load(yaml.safe_load(project.config_path.read_text()), raw=project.raw)
    with pytest.raises(InputError, match=r"regressions.joint.reference.country: 'nowhere'"):
        plan.check(checked, project.raw)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("intrcpt", "Intercept"),
        ("all", "all together"),
        ("raterclient", "rater: client"),
        ("estimandr_total", "adjustment for baseline: not adjusted for baseline"),
        ("center(year)", "year, centred"),
        ("raterclient:log(weeks)", "rater: client \N{MULTIPLICATION SIGN} log of weeks"),
        ("rater:log(weeks)", "rater \N{MULTIPLICATION SIGN} log of weeks"),
        ("within(weeks)", "weeks, within samples"),
        ("poly(year, 2)1", "year, linear part"),
        ("poly(year, 2)", "year, polynomial"),
        ("rater = a, b = c, estimand = r_total", "rater: a, b = c, adjustment for baseline: not adjusted for baseline"),
    ],
)
def test_a_coefficient_has_words(name, words):
    formula = "rater * log(weeks) + estimand + center(year) + within(weeks) + poly(year, 2)"
    assert coefficient_words(name, formula, term, term) == words


# --- the complete small review --------------------------------------------------------------------------------------


def diagnosed(complete, name):
    return read_document(complete / "diagnostics" / f"{name}.json", Diagnosed)


def test_the_document_has_every_model_of_the_plan(complete):
    found = {joint.model: joint for joint in diagnosed(complete, "alliance").regressions}
    assert list(found) == ["several", "crossed", "too_many"]
    assert len({joint.k + joint.without_value for joint in found.values()}) == 1
    assert "at most" in found["too_many"].refused
    assert found["too_many"].fit is None
    fit = found["several"].fit
    assert fit.reference == {"estimand": "r_total"}
    assert fit.rho == 0.4
    assert [mean.name for mean in fit.means] == ["estimand = r_total", "estimand = r_partial"]
    assert fit.permutation.iterations == 99


def test_the_first_mean_is_the_intercept_of_a_centred_model(complete):
    """The mean of the reference level at the mean year, whose coefficient is the intercept."""
    fit = diagnosed(complete, "alliance").regressions[0].fit
    assert fit.means[0].estimate == pytest.approx(fit.coefficients[0].estimate)
    assert fit.means[1].estimate == pytest.approx(fit.coefficients[0].estimate + fit.coefficients[1].estimate)
    year = fit.predicted[0].estimate - fit.means[1].estimate
    assert year == pytest.approx(fit.coefficients[2].estimate * (2020 - fit.held_at["year"]))


def test_the_table_says_all_that_the_document_does(complete):
    rows = read_rows(complete / "tables" / "regressions.csv", RegressionRow)
    kinds = {row.kind for row in rows}
    assert kinds == {"coefficient", "test", "mean", "predicted", "heterogeneity", "refused"}
    fit = diagnosed(complete, "alliance").regressions[0].fit
    own = [row for row in rows if (row.synthesis, row.model) == ("alliance", "several")]
    shown = {row.term: row for row in own if row.kind == "coefficient"}
    for coefficient, vif in zip(fit.coefficients, fit.vif, strict=True):
        row = shown[coefficient.name]
        assert (row.estimate, row.p, row.vif) == (coefficient.estimate, coefficient.p, vif)
    assert {row.term: row.p_permutation for row in own if row.p_permutation is not None} == {
        **dict(zip(fit.permutation.names, fit.permutation.p, strict=True)), "all": fit.permutation.p_all,
    }  # fmt: skip
    left = {row.term: row.estimate for row in own if row.kind == "heterogeneity"}
    assert left["tau2"] == fit.left.tau2
    assert left["Q"] == fit.left.q


def test_the_figure_has_a_row_and_a_mark_for_each_coefficient_but_the_intercept(complete):
    syntheses = read_config(str(complete / "config.json")).syntheses
    (model,) = read_presented([complete / "models" / "alliance.json"], syntheses)
    chart = layout("coefficients", model, diagnosed(complete, "alliance"), "several")
    assert isinstance(chart, Chart)
    fit = diagnosed(complete, "alliance").regressions[0].fit
    (panel,) = chart.panels
    assert [(p.key, p.x) for p in panel.points] == [(c.name, c.estimate) for c in fit.coefficients[1:]]
    with_interval = {c.name for c in fit.coefficients[1:] if c.ci_low is not None}
    assert {line.key for line in panel.lines if line.kind == "interval"} == with_interval
    assert [row.label for row in chart.rows] == [
        "Estimand: adjusted for baseline or earlier change",
        "Year, centred, per year",
    ]
    assert "not causes" in chart.notes[0]
    # What it is on, and not the name that the plan has for it.
    assert chart.title.endswith("coefficients of the regression on estimand and year")
    refused = layout("coefficients", model, diagnosed(complete, "alliance"), "too_many")
    assert "at most" in refused.refused


def test_the_appendix_has_every_model(complete):
    page = (complete / "report_appendix.html").read_text(encoding="utf-8")
    assert "Several moderators together" in page
    for words in ("Alliance and outcome: several", "p by permutation", "Marginal means", "Not fitted: "):
        assert str(escape(words)) in page, words
