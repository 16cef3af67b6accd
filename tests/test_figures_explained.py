"""Figures say in themselves what they show: axes, letters, colours; and leave no room empty."""

import re

import pytest
from hand_made import baujat, caterpillar, cumulative, flow, gosh, influence, leave_one_out, orchard, radial
from hand_made import funnel_plot as funnel
from hand_made import layout as diagnostic
from msgspec.structs import replace
from synthesis.draw import claims_figure, panels
from synthesis.draw.canvas import draw
from synthesis.draw.chart import Chart
from synthesis.draw.diagnostic import LAYOUTS
from synthesis.draw.multiverse_figure import specification, vibration
from synthesis.plan.config import Diagnostics
from test_diagnostic_figures import KINDS, examined, lines, said
from test_figures import document as synthesis
from test_multiverse import summarised
from typed import diagnosed


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """A multiverse with two curves."""
    return summarised(tmp_path_factory.mktemp("multiverse"), "Title")


@pytest.fixture(scope="module")
def whole():
    return examined(24)


@pytest.mark.parametrize("layout", [specification, vibration])
def test_every_letter_and_mark_is_explained_in_the_figure(document, layout):
    chart = layout(document)
    # One arrow head in the key stands for those of every direction.
    explained = {(key.mark, key.kind.removesuffix("_up").removesuffix("_right")) for key in chart.legend}
    kinds = {point.kind for panel in chart.panels for point in panel.points}
    drawn = {("point", re.sub("_(up|down|left|right)$", "", kind)) for kind in kinds}
    drawn |= {("line", line.kind) for panel in chart.panels for line in panel.lines}
    drawn |= {("letter", panel.heading.partition(":")[0]) for panel in chart.panels}
    assert drawn <= explained
    said = [key.content for key in chart.legend if key.mark == "letter"]
    apart = [f for f in document.factors if any(option.kind == "non_equivalent" for option in f.options)]
    for words, curve in zip(said, document.curves, strict=True):
        # Each of its non-equivalent options by name, and what it takes of the other decisions that have any.
        assert all(f"{factor.title}: " in words for factor in apart)
        assert curve.curve == "main" or all(part in words for part in curve.curve.split("; "))
    assert len(set(said)) == len(said)
    table = chart.table()
    assert [r["text"] for r in table if r["element"] == "legend"] == said


def test_an_axis_that_is_even_in_another_scale_says_so(document):
    correlations = replace(document, metric="z")
    assert "spaced as Fisher z" in specification(correlations).panels[0].y.name
    assert {panel.x.name for panel in vibration(correlations).panels} == {"Correlation r, spaced as Fisher z"}
    ratios = replace(document, metric="log_odds_ratio")
    assert "logarithmic" in vibration(ratios).panels[0].x.name
    differences = replace(document, metric="g")
    assert "spaced" not in vibration(differences).panels[0].x.name


def test_the_axis_of_estimates_ends_above_the_options(document):
    chart = specification(document)
    axis = chart.panels[0].y
    assert axis.begins is not None
    assert max(row.y for row in chart.rows) < axis.begins <= min(axis.ticks)


def test_a_multiverse_without_a_fit_is_said_and_not_drawn(document):
    empty = replace(document, curves=tuple(replace(curve, drawn=()) for curve in document.curves))
    assert "no specification could be fitted" in specification(empty).refused
    assert "no specification could be fitted" in vibration(empty).refused


@pytest.mark.parametrize(
    ("metric", "spacing"), [("z", ", spaced as Fisher z"), ("log_odds_ratio", ", logarithmic"), ("g", "")]
)
def test_axes_that_are_even_in_another_scale_say_so(metric, spacing):
    model, found = examined(12, metric, "A" if metric == "z" else "B")
    for axis in (funnel(model, found).panels[0].x, radial(model, found).panels[0].right):
        assert axis.name.endswith(spacing or axis.name)
        assert ("spaced" in axis.name or "logarithmic" in axis.name) == bool(spacing)
    assert (
        radial(model, found)
        .panels[0]
        .y.name.startswith("Fisher z" if metric == "z" else ("Log OR" if spacing else "g"))
    )
    for panel in gosh(model, found).panels:
        assert panel.x.name.endswith(spacing)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in LAYOUTS])
@pytest.mark.parametrize("metric", ["g", "z", "log_odds_ratio"])
def test_every_axis_has_three_ticks_with_texts(kind, metric):
    model, found = examined(14, metric, "A" if metric == "z" else "B")
    drawn = diagnostic(kind, model, found)
    if isinstance(drawn, Chart):
        axes = [axis for panel in drawn.panels for axis in (panel.x, panel.y, panel.right) if axis and axis.ticks]
    else:
        axes = list(drawn.sections)
    assert axes
    assert all(len(axis.ticks) >= 3 for axis in axes)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in LAYOUTS])
def test_every_mark_of_a_diagnostic_figure_is_in_its_legend(whole, kind):
    chart = diagnostic(kind, *whole)
    if not isinstance(chart, Chart):
        return
    drawn = {("point", point.kind) for panel in chart.panels for point in panel.points}
    drawn |= {("line", line.kind) for panel in chart.panels for line in panel.lines}
    # The interval of a caterpillar plot is named with its estimate.
    assert drawn - {("line", "grid"), ("line", "effect")} <= {(key.mark, key.kind) for key in chart.legend}


def test_a_limit_that_is_cut_has_its_arrow_explained(whole):
    model, found = whole
    for drawn in (cumulative(model, found), leave_one_out(model, found)):
        section = drawn.sections[0]
        rows = [row for row in section.rows if row.kind == "study" and row.ci_low is not None]
        cut = any(row.ci_low < section.low or row.ci_high > section.high for row in rows)
        assert ("Arrows: limits beyond the axis." in drawn.notes[0]) == cut


def test_a_number_of_the_flow_stands_on_one_line_with_what_it_counts():
    model = {"title": "T" * 40 + " of words", "samples": 12, "k": 14, "studies": []}
    lines = [t.get_text() for t in draw(flow("X", [model], [], [])).texts]
    assert not any(re.search(r"\d$", line) for line in lines)
    assert any("12 samples" in line for line in lines)


@pytest.mark.parametrize("shift", [0.0, 0.4, -0.6])
def test_leaving_out_fills_its_axis_and_tells_pools_apart(whole, shift):
    """An axis from 0 to pools that are far from it was empty over most of its length; all were printed alike."""
    model, found = whole
    moved = {"estimate", "ci_low", "ci_high"}
    fit = {key: model[key] + shift for key in moved}
    rows = [
        r | {f"model_{key}_without": r[f"model_{key}_without"] + shift for key in moved} for r in found["influence"]
    ]
    drawn = leave_one_out(model | fit, found | {"influence": rows})
    section = drawn.sections[0]
    ends = [x for row in section.rows for x in (row.estimate, row.ci_low, row.ci_high) if x is not None]
    assert max(ends) - min(ends) > 0.4 * (section.high - section.low)
    reaches = section.low <= 0 <= section.high
    assert section.has_null == reaches
    assert ("does not reach 0 (no effect)" in drawn.notes[0]) == (not reaches)
    assert all(len(row.estimate_text.partition(".")[2]) == 3 for row in section.rows if row.estimate is not None)


def test_the_line_of_no_effect_is_in_the_legend_where_there_is_one(whole):
    for (model, found), word in ((examined(24, "z", "A"), "no association"), (whole, "no effect")):
        for chart in (orchard(model, found), caterpillar(model, found)):
            assert [key.content for key in chart.legend if key.kind == "null"] == [word]
            assert len(lines(chart, "null")) == 1
    shares = synthesis(12, "logit", "A")
    chart = orchard(shares, diagnosed(shares, (), Diagnostics(permutations=99)))
    assert lines(chart, "null") == []
    assert "null" not in {key.kind for key in chart.legend}


def test_an_orchard_says_that_heights_mean_nothing():
    assert "Heights mean nothing; they spread the estimates." in said(orchard(*examined(24, "z", "A")))


def test_flat_diamonds_are_explained_where_they_are(whole):
    model, found = whole
    assert "flat" not in said(cumulative(model, found)).casefold()
    summary = {"kind": "common", "estimate": 0.3, "ci_low": 0.1, "ci_high": 0.5}
    several = model | {"summaries": [summary]}
    for drawn in (cumulative(several, found), leave_one_out(several, found)):
        assert [row.kind for row in drawn.sections[0].rows].count("summary") == 1
        assert "large diamond: " in said(drawn)
        assert " Flat: their common effect." in said(drawn)


def test_no_title_ends_with_a_line_of_one_word():
    model, found = examined(12)
    for length in range(10, 45):
        chart = baujat(model | {"title": "x" * length + " of it"}, found)
        title = [t for t in draw(chart).texts if t.get_weight() == "bold" and "x" * 9 in t.get_text()]
        assert title
        bold = [t.get_text() for t in draw(chart).texts if t.get_weight() == "bold"]
        assert "plot" not in bold


def test_influence_has_a_line_at_tau2_of_all_samples_with_one_value_each(whole):
    model, found = whole
    assert model["model"] == "che"
    chart = influence(model, found)
    times = float(re.sub(r"\D", "", chart.panels[-1].heading.partition("(")[2]) or 1)
    (line,) = (line for line in chart.panels[-1].lines if line.kind == "null")
    assert line.x[0] == pytest.approx(times * found["cumulative"][-1]["tau2"])
    assert "of τ²: with all samples" in " ".join(key.content for key in chart.legend)
    unknown = influence(model, found | {"cumulative": []})
    assert not [line for line in unknown.panels[-1].lines if line.kind == "null"]
    assert "of τ²" not in " ".join(key.content for key in unknown.legend)


@pytest.mark.parametrize("words", ["p = 0.25", "p < 0.001", "p \u2264 0.002", "k \u2265 10", "Q > 4"])
def test_what_is_said_of_a_number_stays_with_it(words):
    for pattern, joined in ((panels._GLUED, panels._glue), (claims_figure._WHOLE, lambda m: m[0].replace(" ", "\xa0"))):
        assert " " not in pattern.sub(joined, words)
