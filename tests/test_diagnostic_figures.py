"""Diagnostic figures: layouts against the documents they are made of, then as they are drawn."""

import csv
import json
import math
import re
from copy import deepcopy
from statistics import NormalDist

import pytest
from conftest import ROOT
from hand_made import baujat, bubble, caterpillar, cumulative, gosh, influence, layout, leave_one_out, orchard, radial
from hand_made import funnel_plot as funnel
from synthesis import text
from synthesis.cli.main import main
from synthesis.data.reading import read_yaml
from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.draw import forest, panels  # noqa: F401 tell how a layout and a chart are drawn
from synthesis.draw.canvas import draw
from synthesis.draw.chart import COLUMNS, Chart
from synthesis.draw.diagnostic import LAYOUTS
from synthesis.draw.layout import Layout
from synthesis.draw.spread import swarm
from synthesis.draw.writing import FORMATS, write_figure
from synthesis.errors import InputError
from synthesis.meta.options import terms
from synthesis.meta.pool import pool
from synthesis.plan import plan
from synthesis.plan.config import Diagnostics
from synthesis.results.document import write_document
from synthesis.results.files import write_json
from test_figures import LABELS, document, nothing_cut
from typed import diagnosed, fitted

KINDS = terms(DiagnosticFigure)


# Diagnostics take most of the time of these tests, and most are of a few documents.
_EXAMINED = {}


def examined(k, *args, **kwargs):
    """A model document of k samples, every fourth with two effects, and its diagnostics; copies, to be changed."""
    key = repr((k, args, sorted(kwargs.items())))
    if key not in _EXAMINED:
        _EXAMINED[key] = _examined(k, *args, **kwargs)
    return deepcopy(_EXAMINED[key])


def _examined(k, metric="g", lane="B", moderators=("year", "comparator"), **changes):
    options = {key: changes.pop(key) for key in ("force_funnel", "funnel_from") if key in changes}
    found = document(k, metric, lane, **changes)
    yi, vi, cluster = [], [], []
    for i, study in enumerate(found["studies"]):
        study["members"] = []
        study["effects"] = [f"e{i}", f"f{i}"][: 2 if i % 4 == 0 else 1]
        for j, name in enumerate(study["effects"]):
            shift = (0.08, -0.08)[j] if i % 4 == 0 else 0.0
            member = {"effect_id": name, "yi": study["yi"] + shift, "vi": study["vi"], "weeks": None}
            member |= {"year": study["year"], "n_total": study["n"], "comparator": study["comparator"]}
            study["members"].append(member)
            yi.append(member["yi"])
            vi.append(member["vi"])
            cluster.append(study["sample_id"])
    if k >= 6:
        own = {"studies", "weights", "metric"}
        fit = pool(yi, vi, cluster=cluster, model="che", metric=metric).to_dict()
        found |= {key: value for key, value in fit.items() if key not in own}
    return found, diagnosed(found, moderators, Diagnostics(permutations=99, **options))


@pytest.fixture(scope="module")
def whole():
    return examined(24)


@pytest.fixture(scope="module")
def correlations():
    return examined(24, "z", "A")


def points(chart, kind):
    return [p for panel in chart.panels for p in panel.points if p.kind == kind]


def lines(chart, kind):
    return [line for panel in chart.panels for line in panel.lines if line.kind == kind]


def said(chart):
    return " ".join(chart.notes)


# --- funnel and radial plots --------------------------------------------------------------------------------------


def test_funnel_points_lines_and_contours_are_those_of_the_documents(correlations):
    model, found = correlations
    chart = funnel(model, found)
    assert [(p.key, p.x, p.y) for p in points(chart, "sample")] == [
        (s["sample_id"], s["yi"], math.sqrt(s["vi"])) for s in model["studies"]
    ]
    filled = found["small_study"]["trim_fill_L0"]
    assert [p.x for p in points(chart, "added")] == filled["filled_yi"] or filled["missing"] == 0
    egger = found["small_study"]["egger"]
    (regression,) = lines(chart, "regression")
    assert regression.x[0] == egger["limit"]
    assert regression.x[1] == pytest.approx(egger["limit"] + egger["slope"] * regression.y[1])
    (limits,) = lines(chart, "limit")
    assert limits.x[2] - limits.x[1] == pytest.approx(NormalDist().inv_cdf(0.975) * limits.y[2])
    half = {a.kind: a.x[1] / a.y[1] for a in chart.panels[0].areas[1:]}
    assert half["p above 0.1"] == pytest.approx(1.6449, abs=1e-4)
    assert half["p 0.01 to 0.05"] == pytest.approx(2.5758, abs=1e-4)
    down = chart.panels[0].y
    assert down.low > max(p.y for p in chart.panels[0].points) > down.high == 0


def test_ticks_of_z_are_round_correlations_at_their_place(correlations):
    axis = funnel(*correlations).panels[0].x
    assert [math.tanh(t) for t in axis.ticks] == pytest.approx(
        [float(s.replace("\N{MINUS SIGN}", "-")) for s in axis.texts]
    )


def test_funnel_notes_give_every_test_and_use_the_word_of_the_lane(correlations, whole):
    note = said(funnel(*correlations))
    assert "Egger" in note
    assert "1/√n" in note
    assert "L0" in note
    assert "pooled association" in note.casefold()
    assert "pooled effect" not in note.casefold()
    assert "Pooled effect g = " in said(funnel(*whole))


def test_a_funnel_of_few_samples_says_why_it_is_not_drawn_and_a_forced_one_warns():
    chart = funnel(*examined(9))
    assert chart.panels == ()
    assert chart.refused == "Not drawn: 9 samples: fewer than 10."
    assert funnel(*examined(10)).panels
    forced = funnel(*examined(9, force_funnel=("x",)))
    assert forced.panels
    assert forced.notes[0].startswith("Warning: 9 studies: with fewer than 10")


def test_a_ray_of_a_radial_plot_ends_at_its_estimate(correlations):
    model, found = correlations
    chart = radial(model, found)
    for point, study in zip(points(chart, "sample"), model["studies"], strict=True):
        assert point.y / point.x == pytest.approx(study["yi"])
        assert point.x == pytest.approx(study["vi"] ** -0.5)
    panel = chart.panels[0]
    end = lines(chart, "pooled")[0]
    assert end.y[1] / end.x[1] == pytest.approx(model["estimate"])
    tick, label = panel.right.ticks[-1], panel.right.texts[-1]
    assert math.tanh(tick / end.x[1]) == pytest.approx(float(label))
    assert all(panel.y.low <= t <= panel.y.high for t in panel.right.ticks)


# --- orchard, caterpillar, bubbles --------------------------------------------------------------------------------


def test_orchard_has_a_block_per_level_with_every_estimate_once(whole):
    model, found = whole
    chart = orchard(model, found)
    levels = next(m for m in found["moderators"] if m["moderator"] == "comparator")["levels"]
    assert [row.label for row in chart.rows] == ["Usual care", "Wait list", "All effects"]
    assert sorted(p.key for p in points(chart, "estimate")) == sorted(
        m["effect_id"] for s in model["studies"] for m in s["members"]
    )
    assert [p.x for p in points(chart, "pooled")] == [*(level["estimate"] for level in levels), model["estimate"]]
    assert lines(chart, "prediction")[-1].x == (model["pi_low"], model["pi_high"])
    heights = [p.y for p in points(chart, "pooled")]
    assert heights == sorted(heights)
    sizes = {p.key: p.size for p in points(chart, "estimate")}
    assert sizes["e0"] > sizes["e4"]


def test_orchard_without_a_factor_is_one_block():
    chart = orchard(*examined(12, "z", "A", moderators=("year",)))
    assert [row.label for row in chart.rows] == ["Associations"]
    assert len(points(chart, "estimate")) == 15


def test_a_swarm_keeps_circles_apart_and_is_the_same_each_time():
    marks = [(0.01 * i, 0.06) for i in range(30)]
    heights = swarm(marks)
    assert heights == swarm(marks)
    for i, (x, size) in enumerate(marks):
        for j in range(i):
            assert math.hypot(x - marks[j][0], heights[i] - heights[j]) >= 0.9 * size


def test_a_caterpillar_is_sorted_and_drawn_as_r(correlations):
    model, found = correlations
    chart = caterpillar(model, found)
    drawn = points(chart, "sample")
    assert [p.x for p in drawn] == sorted(math.tanh(m["yi"]) for s in model["studies"] for m in s["members"])
    band = next(a for a in chart.panels[0].areas if a.kind == "confidence")
    assert (min(band.x), max(band.x)) == pytest.approx((math.tanh(model["ci_low"]), math.tanh(model["ci_high"])))
    assert len(lines(chart, "effect")) == len(drawn)


def test_bubbles_and_their_line_are_those_of_the_regression(correlations):
    model, found = correlations
    chart = bubble(model, found, "year")
    entry = found["moderators"][0]
    assert chart.name == "x_year"
    assert {p.key: p.y for p in points(chart, "estimate")} == pytest.approx(
        {b["effect_id"]: math.tanh(b["yi"]) for b in entry["bubbles"]}
    )
    (curve,) = lines(chart, "curve")
    constant, slope = entry["regression"]["estimate"]
    assert curve.y == pytest.approx([math.tanh(constant + slope * x) for x in curve.x])
    sizes = [p.size for p in points(chart, "estimate")]
    assert sizes == sorted(sizes, reverse=True)
    assert "Fitted to Fisher z" in said(chart)


def test_the_interval_of_a_line_is_the_constant_of_a_regression_moved_there(whole):
    from synthesis.meta.dependent import robust_regress

    model, found = whole
    entry = found["moderators"][0]
    cluster = [b["sample_id"] for b in entry["bubbles"]]
    at = entry["line"][12]
    moved = robust_regress(
        [b["yi"] for b in entry["bubbles"]],
        [b["vi"] for b in entry["bubbles"]],
        {"x": [b["x"] - at["x"] for b in entry["bubbles"]]},
        cluster,
        rho=model["rho"],
    )
    assert (at["estimate"], at["ci_low"], at["ci_high"]) == pytest.approx(
        (moved.estimate[0], moved.ci_low[0], moved.ci_high[0]), rel=1e-6
    )


def test_a_regression_that_was_refused_gives_its_reason(whole):
    model, found = whole
    refused = {"moderator": "weeks", "k": 0, "without_value": 30, "refused": "0 effects: allowed is at least 2"}
    chart = bubble(model, found | {"moderators": [refused]}, "weeks")
    assert chart.refused == "Not drawn: 0 effects: allowed is at least 2."


# --- leaving out, adding, influence -------------------------------------------------------------------------------


def test_leaving_out_is_of_the_models_own_fits_by_size(whole):
    model, found = whole
    section = leave_one_out(model, found).sections[0]
    rows = [row for row in section.rows if row.kind == "study"]
    expected = {r["sample_id"]: r["model_estimate_without"] for r in found["influence"]}
    assert {row.key: row.estimate for row in rows} == expected
    assert [row.estimate for row in rows] == sorted(expected.values())
    assert section.guide == model["estimate"]
    assert next(row for row in section.rows if row.kind == "pooled").estimate == model["estimate"]
    assert section.columns == ("τ²", "ω²")


def test_a_sample_without_which_nothing_is_fitted_comes_last(whole):
    model, found = whole
    rows = [dict(r) for r in found["influence"]]
    for key in ("estimate", "ci_low", "ci_high", "p", "tau2", "omega2"):
        rows[0][f"model_{key}_without"] = None
    drawn = leave_one_out(model, found | {"influence": rows}).sections[0].rows
    last = [row for row in drawn if row.kind == "study"][-1]
    assert (last.key, last.estimate, last.high_text) == (rows[0]["sample_id"], None, "not fitted")


def test_cumulative_rows_go_by_year_with_the_undated_last():
    model = document(12, "z", "A")
    model["studies"][5]["year"] = None
    found = diagnosed(model, (), Diagnostics(permutations=99))
    layout = cumulative(model, found)
    rows = [row for row in layout.sections[0].rows if row.kind == "study"]
    years = {s["sample_id"]: s["year"] or 9999 for s in model["studies"]}
    assert [years[row.key] for row in rows] == sorted(years.values())
    assert [row.cells[0] for row in rows] == [str(i + 1) for i in range(12)]
    assert [row.estimate for row in rows] == [math.tanh(s["estimate"]) for s in found["cumulative"]]
    assert rows[-1].estimate == pytest.approx(math.tanh(model["estimate"]))
    assert rows[0].ci_low is not None
    # Of one sample there is no heterogeneity; of two there may be none.
    assert rows[0].cells[1] == text.NONE
    assert all(row.cells[1].isdigit() for row in rows[1:])
    section = layout.sections[0]
    assert section.low < section.null == 0 < section.high
    assert "without a year (1)" in said(layout)
    assert f"the first sample itself, which has no I² ({text.NONE}). The diamond: all estimates" in said(layout)


def test_influence_has_a_panel_per_measure_and_marks_the_influential():
    model, _ = examined(20)
    model["studies"][3]["yi"] += 3
    found = diagnosed(model, (), Diagnostics(permutations=99))
    chart = influence(model, found)
    keys = ("rstudent", "dffits", "cook", "cov_ratio", "hat", "tau2_without")
    # Weights in percent, and the power of ten of a small tau2 in the heading: ticks have short texts.
    largest = max(r["tau2_without"] for r in found["influence"])
    power = 10 ** -math.floor(math.log10(largest)) if largest < 0.1 else 1
    assert (f"(\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{power:g})" in chart.panels[-1].heading) == (power > 1)
    times = {"hat": 100, "tau2_without": power}
    for key, panel in zip(keys, chart.panels, strict=True):
        expected = {r["sample_id"]: r[key] * times.get(key, 1) for r in found["influence"]}
        assert {p.key: p.x for p in panel.points} == pytest.approx(expected)
        assert all(panel.x.low <= p.x <= panel.x.high for p in panel.points)
    marked = {r["sample_id"] for r in found["influence"] if r["influential"]}
    assert {p.key for p in points(chart, "marked")} == marked == {row.key for row in chart.rows if row.bold}
    assert "x3" in marked
    # The tau2 of the forest plot is another one where its model is.
    other = "the forest plot's is of all estimates"
    assert model["model"] == "che"
    assert other in chart.notes[0]
    assert other not in influence(model | {"model": "composites"}, found).notes[0]
    assert f"weight above {300 / 20:.1f}%" in chart.notes[0]


@pytest.mark.parametrize(("k", "subsets"), [(8, 247), (24, 10_000)])
def test_gosh_holds_every_subset_on_one_side(k, subsets):
    model, _ = examined(k, "z", "A")
    model["studies"][3]["yi"] += 1
    found = diagnosed(model, (), Diagnostics(permutations=99))
    chart = gosh(model, found)
    assert sum(cell[2] + cell[3] for cell in found["gosh"]["cells"]) == found["gosh"]["subsets"]
    assert found["gosh"]["subsets"] == pytest.approx(subsets, abs=20)
    assert ("drawn at random (seed 1)" in chart.notes[0]) == (k == 24)
    assert found["gosh"]["leading"] == "x3"
    assert [panel.heading for panel in chart.panels] == [f"{side} Study 3" for side in ("With", "Without")]
    rows = {row["sample_id"]: row for row in found["influence"]}
    for panel, side in zip(chart.panels, ("with", "without"), strict=True):
        mean = next(line for line in panel.lines if line.kind == "limit")
        assert mean.x[0] == rows["x3"][f"gosh_{side}_estimate"]
        # The densest cells lie over all the cells, and each cell is drawn once in the lightest shade.
        cells = sum(bool(cell[2 + (side == "without")]) for cell in found["gosh"]["cells"])
        kinds = [area.kind for area in panel.areas]
        assert kinds.count("all") == cells > kinds.count("most") >= kinds.count("half of all") > 0
        assert kinds == sorted(kinds, key=["all", "most", "half of all"].index)


# --- all kinds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["g", "z", "log_risk_ratio"])
@pytest.mark.parametrize("k", [1, 2, 3, 10, 60])
def test_every_kind_has_a_layout_from_one_sample_to_sixty(k, metric):
    model, found = examined(k, metric, "A" if metric == "z" else "B", moderators=("year", "comparator", "n_total"))
    drawn = {kind: layout(kind, model, found) for kind in LAYOUTS}
    drawn |= {moderator: layout("bubble", model, found, moderator) for moderator in ("year", "n_total")}
    for name, figure in drawn.items():
        table = figure.table()
        if isinstance(figure, Layout):
            continue
        assert all(set(record) == set(COLUMNS) for record in table), name
        assert bool(figure.panels) != bool(figure.refused), name
        for panel in figure.panels:
            inside = [panel.x.low <= p.x <= panel.x.high for p in panel.points]
            low, high = sorted((panel.y.low, panel.y.high))
            assert all(inside), name
            assert all(low <= p.y <= high for p in panel.points), name
            assert len(panel.x.ticks) == len(panel.x.texts) >= 1, name


def texts_on_the_page(figure):
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in figure.texts if t.get_text()]
    width, height = figure.get_size_inches() * figure.dpi
    slack = 0.02 * figure.dpi
    for content, box in boxes:
        assert box.x0 >= 0, content
        assert box.x1 <= width, content
        assert box.y0 >= -slack, content
        assert box.y1 <= height, content
    for i, (content, a) in enumerate(boxes):
        for other, b in boxes[i + 1 :]:
            apart = a.x1 <= b.x0 + slack or b.x1 <= a.x0 + slack or a.y1 <= b.y0 + slack or b.y1 <= a.y0 + slack
            assert apart, (content, other)


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("k", [2, 12, 60])
def test_texts_stay_on_the_page_and_apart_and_are_never_markup(k):
    labels = [LABELS[i % len(LABELS)] for i in range(k)]
    model, found = examined(k, "z", "A", labels=labels)
    if found.get("influence") and k > 2:
        for i in (3, 4, 5):
            found["influence"][i] |= {"influential": True, "baujat_q": 50.0 - 0.1 * i, "baujat_influence": 9.0}
    for kind in KINDS:
        drawn = layout(kind, model, found, "year" if kind == "bubble" else None)
        figure = draw(drawn)
        texts_on_the_page(figure)
        assert not any(t.get_parse_math() for t in figure.texts)


def test_the_same_layout_gives_the_same_bytes(tmp_path, whole):
    for kind in ("funnel", "orchard", "influence"):
        contents = []
        for run in ("a", "b"):
            write_figure(tmp_path / run, kind, layout(kind, *whole), "Described.")
            contents.append([(tmp_path / run / f"{kind}.{form}").read_bytes() for form in FORMATS])
        assert contents[0] == contents[1]


def test_many_points_are_few_artists(whole):
    figure = draw(influence(*whole))
    assert len(figure.artists) < 100


def test_the_command_draws_what_the_plan_names(tmp_path, whole, capsys):
    model, found = whole
    write_document(tmp_path / "model.json", fitted(model))
    write_json(tmp_path / "found.json", found)
    content = {
        "title": "t",
        "sources": ["s"],
        "syntheses": {"x": {"title": "x", "lane": "B", "metric": "g", "sources": ["s"], "moderators": ["year"]}},
        "diagnostic_figures": {"x": ["baujat", "bubble", "leave_one_out"]},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(content))
    names = ["baujat_x", "bubble_x-year", "leave_one_out_x"]
    figures = plan.load(content).figures_of_diagnostics()
    assert [figure.name for figure in figures] == names
    for figure in figures:
        arguments = ["diagnostic-figure", "--config", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "out")]
        arguments += ["--model", str(tmp_path / "model.json"), "--diagnostics", str(tmp_path / "found.json")]
        arguments += ["--kind", figure.kind, *(["--moderator", figure.moderator] if figure.moderator else [])]
        assert main(arguments) == 0
        assert capsys.readouterr().out.startswith(f"{figure.name}:")
    assert {p.name for p in (tmp_path / "out").glob("*.*")} == {f"{n}.{form}" for n in names for form in FORMATS}
    with (tmp_path / "out" / "data" / "baujat_x.csv").open() as handle:
        drawn = [row for row in csv.DictReader(handle) if row["element"] == "point"]
    assert len(drawn) == len(model["studies"])
    assert drawn[0]["effects"] == "e0; f0"


def test_the_plan_refuses_unknown_names_and_bubbles_without_a_number():
    content = read_yaml(ROOT / "examples" / "bcg" / "config.yaml")
    for figures, message in (
        ({"bgc": ["funnel"]}, "did you mean bcg"),
        ({"bcg": ["funnel", "funnel"]}, "each name once"),
        ({"bcg": ["funel"]}, "did you mean funnel"),
    ):
        with pytest.raises(InputError, match=message):
            plan.load(content | {"diagnostic_figures": figures})
    content["syntheses"]["bcg"]["moderators"] = ["rater"]
    with pytest.raises(InputError, match="numeric moderator"):
        plan.load(content | {"diagnostic_figures": {"bcg": ["bubble"]}})


def test_a_slope_on_people_is_per_hundred_and_one_on_severity_is_drawn():
    model, found = examined(24, moderators=("n_total",))
    (slope,) = (m["regression"]["estimate"][1] for m in found["moderators"])
    note = bubble(model, found, "n_total").notes[0]
    printed = float(re.search(r"slope (\S+) g per 100 people", note)[1].replace(text.MINUS, "-"))
    assert printed == pytest.approx(100 * slope, rel=0.1)
    entry = found["moderators"][0] | {"moderator": "severity"}
    chart = bubble(model, found | {"moderators": [entry]}, "severity")
    assert "per SD of severity" in chart.notes[0]
    assert len({*chart.panels[0].x.texts}) == len(chart.panels[0].x.texts)


def test_a_variance_that_is_not_zero_is_not_printed_as_zero(whole):
    model, found = whole
    rows = [r | {"model_tau2_without": 1e-7, "model_omega2_without": 0.0} for r in found["influence"]]
    drawn = leave_one_out(model, found | {"influence": rows}).sections[0].rows
    assert {row.cells for row in drawn if row.kind == "study"} == {("<0.0001", "0")}


@pytest.mark.filterwarnings("ignore:Glyph")
def test_long_names_beside_panels_and_above_them_are_whole():
    long = "A trial of a treatment with a long name, and of another one that is longer still, in the arm of group "
    model, found = examined(12, "z", "A", labels=[f"{long}{i}" for i in range(12)])
    for i in (3, 4, 5):
        found["influence"][i] |= {"influential": True, "baujat_q": 50.0 - 9.1 * i, "baujat_influence": 9.0 - i}
    for kind in ("influence", "gosh", "baujat", "cumulative"):
        drawing = layout(kind, model, found)
        figure = draw(drawing)
        texts_on_the_page(figure)
        own = [row.label for row in drawing.rows] if kind == "influence" else []
        own += [p.label for p in drawing.panels[0].points if p.named] if kind == "baujat" else []
        own += [panel.heading for panel in drawing.panels] if kind == "gosh" else []
        own += [row.label for row in drawing.sections[0].rows if row.kind == "study"] if kind == "cumulative" else []
        assert len(set(own)) == len(own) >= 2
        nothing_cut(figure, *own)


def test_a_refused_chart_is_a_file_with_its_reason():
    model, found = examined(1)
    chart = baujat(model, found)
    assert isinstance(chart, Chart)
    assert [r["text"] for r in chart.table()] == ["Not drawn: one sample: nothing to compare."]
    assert any("nothing to compare" in t.get_text() for t in draw(chart).texts)
