"""Numbers, blocks, summaries, several estimates of a sample, columns, pages and presets of forest plots."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import synthesis.draw.forest  # noqa: F401 tells how a forest is drawn
from hand_made import bubble, caterpillar, comparison, cumulative, forest, orchard
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Polygon
from synthesis import text
from synthesis.draw.canvas import LANE_COLOUR, PRESETS, Page, Style, draw, settings
from synthesis.draw.forest import pages
from synthesis.draw.forest_columns import columns_of
from synthesis.draw.forest_measures import direction, section_height
from synthesis.draw.writing import write_pdf
from synthesis.meta.dependent import no_joint_test
from synthesis.plan.config import ComparisonFigure
from test_diagnostic_figures import examined
from test_figures import REFERENCE, document, grouped, placed_in
from test_forest_words import bridge_of, compared, parts_of
from typed import fitted


def test_numbers():
    assert text.number(-0.004) == "0.00"
    assert text.number(-0.126) == "\N{MINUS SIGN}0.13"
    assert text.interval(-0.1, 0.25) == "[\N{MINUS SIGN}0.10, 0.25]"
    assert text.interval(None, 0.2) == ""
    assert text.interval(0.00048, 0.194) == "[0.0005, 0.19]"
    assert text.interval(-0.3, -0.0021) == "[\N{MINUS SIGN}0.30, \N{MINUS SIGN}0.002]"
    assert text.interval(0.0, 1e-9) == "[0.00, 0.00]"
    assert text.interval(0.2, 8.0, 0) == "[0, 8]"
    assert text.p_value(0.0004) == "p < 0.001"
    assert text.p_value(0.0456) == "p = 0.046"
    assert text.count(12345) == "12\N{NARROW NO-BREAK SPACE}345"
    assert text.plural(1, "sample") == "1 sample"
    assert text.plural(2, "sample") == "2 samples"
    assert text.variance(0.0123, 0.0, 0.2) == "0.012 [0, 0.200]"
    assert text.variance(1e-6, 0.0, 0.0123) == "<0.0001 [0, 0.0123]"
    assert text.small(0.0, 4) == text.small(0, 1) == "0"
    assert text.small(4.9e-5, 4) == "<0.0001"
    assert text.small(5.1e-5, 4) == "0.0001"
    assert text.small(None, 4) == ""
    assert text.variance(0.0006, 0.0, 0.0123) == "0.0006 [0, 0.0123]"


def test_each_block_ends_with_its_diamond_and_the_blocks_are_compared():
    made = grouped()
    rows = forest(made).sections[0].rows
    kinds = [row.kind for row in rows]
    assert kinds.count("subgroup") == 2
    for i, row in enumerate(rows):
        if row.kind == "subgroup":
            assert rows[i - 1].kind == "study"
            assert (row.estimate_text, row.low_text, row.high_text) == ("0.30", "[0.10,", "0.50]")
            assert row.pi_low == -0.2
    blocks = sum(row.weight for row in rows if row.kind == "subgroup")
    assert blocks == pytest.approx(100, abs=1e-6)
    assert any("F(1, 6.5) = 3.20, p = 0.120" in row.label for row in rows if row.kind == "note")


def test_the_line_on_blocks_names_those_that_are_not_tested_and_stands_only_below_blocks():
    made = grouped()
    lone = (("wait list", "one sample"), ("", "all effects alike"))
    made["groups_test"] = dataclasses.replace(made["groups_test"], left_out=lone)
    last = forest(made).sections[0].rows[-1].label
    assert last.endswith("p = 0.120; not in the test: wait list (one sample), Not stated (all effects alike)")
    made["groups_test"] = no_joint_test("no test: because", lone)
    last = forest(made).sections[0].rows[-1].label
    assert last.startswith("Difference of the blocks: no test: because; not in the test: wait list")
    made["groups_test"] = no_joint_test("no test: because", ((text.MIXED, "one sample"),))
    assert forest(made).sections[0].rows[-1].label.endswith("not in the test: several in one sample (one sample)")
    plan = ComparisonFigure(title="t", blocks=({"synthesis": "x"},))
    undivided = comparison("c", plan, {"x": made}, {}, [])
    assert not any("blocks" in row.label for section in undivided.sections for row in section.rows)


def test_a_page_with_a_number_that_is_at_least_says_so():
    layout = forest(document(60))
    rows = layout.sections[0].rows
    first = next(i for i, row in enumerate(rows) if row.kind == "study")
    least = replace(rows[first], cells=("\N{GREATER-THAN OR EQUAL TO}50", *rows[first].cells[1:]))
    section = replace(layout.sections[0], rows=(*rows[:first], least, *rows[first + 1 :]))
    made = pages(replace(layout, sections=(section,)), 6.0)
    assert len(made) > 2
    said = "\N{GREATER-THAN OR EQUAL TO}: at least."
    notes = [any(t.get_text() == said for t in page.texts) for page in made]
    assert notes == [True, *(False for _ in made[1:])]


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("estimate", lambda s: s["yi"]),
        ("weight", lambda s: -s["weight"]),
        ("n", lambda s: -s["n"]),
        ("label", lambda s: s["label"].casefold()),
        ("given", lambda s: 0),
    ],
)
def test_studies_are_sorted_as_the_plan_says(sort, key):
    made = document(9)
    made["figure"]["sort"] = sort
    drawn = [row.key for row in forest(made).sections[0].rows if row.kind == "study"]
    assert drawn == [s["sample_id"] for s in sorted(made["studies"], key=key)]


def test_estimates_of_one_sample_are_bracketed_and_carry_its_weight_once():
    made = document(3)
    first = made["studies"][0]
    first["members"] = [
        {"effect_id": f"e{i}", "yi": 0.1 * i, "vi": 0.02, "outcome": f"scale {i}", "rater": "client"} for i in range(3)
    ]
    made["figure"] |= {"rows": "estimates", "sort": "given"}
    rows = [row for row in forest(made).sections[0].rows if row.kind == "study"]
    assert [row.bracket for row in rows] == ["start", "middle", "end", "", ""]
    assert rows[0].label == f"{first['label']} scale 0"
    assert rows[1].label.strip() == "scale 1"
    assert [bool(row.weight_text) for row in rows] == [True, False, False, True, True]
    assert sum(row.weight for row in rows) == pytest.approx(100)
    assert rows[1].effects == ("e1",)
    assert not any("drawn as their mean" in note for note in forest(made).notes)


def test_summaries_stand_beside_the_pooled_estimate():
    made = document(4, "g", tau_scale=0.5)
    made["summaries"] = [
        {"kind": "common", "estimate": 0.2, "ci_low": 0.1, "ci_high": 0.3},
        {"kind": "bayes", "estimate": 0.25, "ci_low": 0.0, "ci_high": 0.5},
    ]
    layout = forest(made)
    rows = layout.sections[0].rows
    assert [row.estimate_text for row in rows if row.kind == "summary"] == ["0.20", "0.25"]
    assert any("half-normal prior" in note for note in layout.notes)


def placed(figure, content):
    (found,) = [t for t in figure.texts if t.get_text() == content]
    return found.start[0]


def test_numbers_of_a_column_are_aligned_on_the_decimal_point():
    made = document(3)
    made["figure"]["columns"] = ["sessions"]
    for study, value in zip(made["studies"], (9.25, 12.0, 110.5), strict=True):
        study["cells"] = {"sessions": value}
    figure = draw(forest(made))
    points = {placed(figure, ".25"), placed(figure, ".5")}
    assert max(points) - min(points) < 1e-9
    assert placed(figure, "110") < placed(figure, "12") < placed(figure, "9")


RATINGS = {
    "Low": "+", "Some Concerns": "\N{MINUS SIGN}", "HIGH": "\N{MULTIPLICATION SIGN}", "No information": "?",
    "low risk": "+", "moderate": "\N{MINUS SIGN}", "Serious": "\N{MULTIPLICATION SIGN}", "critical": "!",
    "High risk of bias": "\N{MULTIPLICATION SIGN}", "unclear": "?",
}  # fmt: skip


@pytest.mark.parametrize("rating", RATINGS)
def test_risk_of_bias_has_the_symbols_of_robvis_and_a_line_that_explains_them(rating):
    made = document(4)
    made["figure"]["columns"] = ["rob", "confidence"]
    for study, value in zip(made["studies"], (rating, "Low", "", ""), strict=True):
        study["cells"] = {"rob": value, "confidence": "weak" if study is made["studies"][3] else "high"}
    layout = forest(made)
    drawn = [t.get_text() for t in draw(layout).texts]
    assert RATINGS[rating] in drawn
    assert rating not in drawn
    (note,) = [note for note in layout.notes if note.startswith("Risk of bias")]
    assert f"{RATINGS[rating]} " in note
    assert note.index("+ low") < len(note)
    # In another column the same word is a word.
    assert drawn.count("high") == 3


def test_blocks_by_risk_of_bias_go_from_low_to_high_and_say_of_what():
    made = document(6)
    made["figure"] |= {"columns": ["n"], "group_by": "rob"}
    for study, value in zip(
        made["studies"], ("High", "Low", "Some Concerns", "mixed", "", "No information"), strict=True
    ):
        study["rob"] = value
    headings = [row.label for row in forest(made).sections[0].rows if row.kind == "heading"]
    assert headings == [
        "Low risk of bias",
        "Some concerns",
        "High risk of bias",
        "No information",
        "Several in one sample: risk of bias",
        "Not stated",
    ]


@pytest.mark.parametrize("k", [5, 60, 300])
def test_pages_hold_every_row_once_and_none_is_too_tall(k):
    layout = forest(document(k))
    made = pages(layout, 10.0)
    if k == 5:
        assert made == []
        return
    assert all(figure.get_size_inches()[1] <= 10.0 + 1e-9 for figure in made)
    labels = [row.label for row in layout.sections[0].rows if row.kind == "study"]
    drawn = [t.get_text() for figure in made for t in figure.texts]
    assert all(drawn.count(label) == 1 for label in labels)
    assert f"Title of x (2 of {len(made)})" in drawn
    assert drawn.count("95% CI") == len(made)
    assert sum(note in drawn for note in layout.notes) == len(layout.notes)


def test_a_heading_is_never_the_last_row_of_a_page():
    made = pages(forest(grouped(120)), 6.0)
    for figure in made:
        rows = [t for t in figure.texts if t.get_text() in ("Usual care", "Wait list")]
        studies = [t for t in figure.texts if t.get_text().startswith("Study ")]
        for heading in rows:
            assert any(t.start[1] > heading.start[1] for t in studies)


def test_a_tall_pdf_has_pages_and_the_same_bytes_again(tmp_path):
    layout = forest(document(80))
    contents = []
    for run in ("a", "b"):
        path = tmp_path / f"{run}.pdf"
        write_pdf(path, pages(layout, 8.0))
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].count(b"/Type /Page ") + contents[0].count(b"/Type /Page\n") == len(pages(layout, 8.0))


@pytest.mark.parametrize(
    ("preset", "low", "high", "diamond"),
    [("project", "[", "]", LANE_COLOUR["B"]), ("bmj", "(", ")", "#1f5a96"), ("revman", "[", "]", "#1a1a1a")],
)
def test_presets_change_brackets_and_colours_and_no_number(preset, low, high, diamond):
    layout = forest(document(5))
    figure = draw(layout, PRESETS[preset])
    drawn = [t.get_text() for t in figure.texts]
    row = next(row for row in layout.sections[0].rows if row.kind == "pooled")
    joined = " to" if preset == "bmj" else ","
    assert f"{low}{row.low_text[1:-1]}{joined}" in drawn
    assert f"{row.high_text[:-1]}{high}" in drawn
    shapes = [artist for artist in figure.artists if hasattr(artist, "get_facecolor")]
    assert any(to_hex(artist.get_facecolor()) == diamond for artist in shapes)


# --- what no source prints --------------------------------------------------------------------------------------------


def marked(k=6, **changes):
    """A document whose first sample is the two ends of a range, and whose second has a size that nobody printed."""
    made = document(k, "z", "A", **changes)
    made["figure"]["columns"] = ["n"]
    for study, flags in zip(made["studies"], (["range_end", "f2"], ["n_derived"]), strict=False):
        study["members"] = [{"effect_id": e, "yi": 0.2, "vi": 0.02, "flags": flags} for e in study["effects"]]
    return made


def test_ends_of_printed_ranges_are_marked_wherever_estimates_are():
    model = marked(24)
    layout = forest(model)
    labels = [row.label for row in layout.sections[0].rows if "\N{DAGGER}" in row.label]
    assert labels == ["Study 0 (2 estimates\N{DAGGER})"]
    assert any(note.startswith("\N{DAGGER}: lower and upper end of a printed range") for note in layout.notes)
    _, found = examined(24, metric="z", lane="A")
    for draw_chart in (orchard, caterpillar):
        chart = draw_chart(model, found)
        (panel,) = chart.panels
        assert [p.key for p in panel.points if p.kind == "range end"] == ["e0", "f0"]
        assert "end of a printed range" in [key.content for key in chart.legend]
        assert "Lower and upper end of a printed range, no single value: Study 0." in chart.notes
    # Two triangles at one estimate, whose corners lie outside the circles of their size.
    one, other = (p for p in orchard(model, found).panels[0].points if p.kind == "range end")
    assert abs(one.y - other.y) >= 1.1 * one.size
    grown = cumulative(model, found)
    assert [row.label for row in grown.sections[0].rows if "\N{DAGGER}" in row.label] == ["Study 0\N{DAGGER}"]
    assert "\N{DAGGER}: lower and upper end of a printed range, no single value: Study 0." in grown.notes
    # The first row is the sample itself; the others are pools.
    assert [row.fill for row in grown.sections[0].rows[:3]] == ["hollow", "", ""]
    assert "Hollow: a value that no source prints." in grown.notes[0]


def test_a_pool_of_nothing_but_the_ends_of_a_range_says_so():
    made = marked(1)
    sign = "\N{DAGGER}: lower and upper end of a printed range; the source prints no single value."
    layout = compared([made])
    assert layout.sections[0].rows[0].label == "Title of x\N{DAGGER}"
    assert forest(made).notes.count(sign) == layout.notes.count(sign) == 1


def test_a_bridge_says_that_its_association_is_the_mean_of_the_ends_of_a_range():
    layout = bridge_of(fitted(marked(1)))
    assert all(("\N{DAGGER}" in row.label) == (row.lane == "A") for s in layout.sections for row in s.rows)
    assert "\N{DAGGER}: the mean of the ends of a printed range; the source prints no single value." in layout.notes
    several = bridge_of(fitted(marked(6)))
    assert not any("\N{DAGGER}" in said for said in (*several.notes, *(r.label for r in several.sections[0].rows)))


def test_a_regression_on_a_number_shows_the_ends_of_ranges_as_other_plots_do():
    model, found = examined(24, metric="z", lane="A", moderators=("year",))
    ends = [member | {"flags": ["range_end"]} for member in model["studies"][0]["members"]]
    model["studies"][0] |= {"members": ends}
    chart = bubble(model, found, "year")
    keys = {member["effect_id"] for member in ends}
    assert {p.key for p in chart.panels[0].points if p.kind == "range end"} == keys
    assert "end of a printed range" in [key.content for key in chart.legend]
    assert "Lower and upper end of a printed range, no single value: Study 0." in chart.notes
    (year,) = [fit for fit in found["moderators"] if fit["moderator"] == "year"]
    year["bubbles"] = [b for b in year["bubbles"] if b["effect_id"] not in keys]
    chart = bubble(model, found, "year")
    assert not any("printed range" in said for said in (*chart.notes, *(key.content for key in chart.legend)))


def test_what_lies_between_the_ends_of_a_range_is_hollow_and_one_sample_is_said_to_be_their_mean():
    said = "one sample: the mean of its estimates with a normal interval, no pooling"
    one, other = marked(1, notes=(said,)), document(1, "z", "A", name="y", notes=(said,))
    hollow = "Hollow marks: values that no source prints (means of the ends of a printed range, \N{DAGGER})."
    for layout in (forest(one), compared([one]), forest(marked(6))):
        fills = {row.label: row.fill for row in layout.sections[0].rows if row.kind in {"study", "single", "pooled"}}
        assert {label for label, fill in fills.items() if fill} == {label for label in fills if "\N{DAGGER}" in label}
        assert any(fills.values())
        assert any(note.startswith(hollow) for note in layout.notes)
    assert "One sample: the mean of the ends of a printed range with a normal interval." in forest(one).notes
    assert "One sample: the mean of its estimates with a normal interval." in forest(other).notes
    # The ends themselves are printed.
    one["figure"] |= {"rows": "estimates"}
    ends = [row for row in forest(one).sections[0].rows if row.kind == "study"]
    assert [row.fill for row in ends] == ["", ""]
    assert not any(note.startswith("Hollow") for note in forest(one).notes)


def test_a_size_that_nobody_printed_is_marked_in_its_row_and_in_totals():
    sign = "\N{ALMOST EQUAL TO}"
    layout = forest(marked())
    cells = {row.key or row.kind: row.cells for row in layout.sections[0].rows if row.cells}
    assert (cells["x0"], cells["x1"], cells["x"]) == (("50",), (f"{sign}51",), (f"{sign}315",))
    assert any(note.startswith(f"{sign}: not printed, but derived") for note in layout.notes)
    assert compared([marked()]).sections[0].rows[0].cells == ("6", f"{sign}315")


def test_values_of_the_plan_are_hollow_and_a_block_of_them_has_no_pool():
    made = grouped(8, metric="z", lane="A", set_to_zero=4)
    for study in made["studies"]:
        entered = study["comparator"] == "wait list"
        for held in (study, *study["members"]):
            held["exactness"] = "set to zero" if entered else "exact"
    layout = forest(made)
    rows = layout.sections[0].rows
    assert {row.fill for row in rows if row.kind == "study" and row.key in {"x1", "x3", "x5", "x7"}} == {"hollow"}
    assert {row.fill for row in rows if row.kind == "study" and row.key in {"x0", "x2", "x4", "x6"}} == {""}
    printed, constants = [row for row in rows if row.kind == "subgroup"]
    assert (printed.fill, printed.estimate_text) == ("", "0.29")
    assert constants.label == "4 samples, all entered by rule: no subtotal"
    assert (constants.estimate, constants.estimate_text, constants.high_text) == (None, "", "")
    assert next(row for row in rows if row.kind == "pooled").fill == "hollow"
    assert any(note.startswith("Hollow marks: values that no source prints (findings") for note in layout.notes)
    faces = [to_hex(shape.get_facecolor()) for shape in draw(layout).artists if isinstance(shape, Polygon)]
    assert faces.count("#ffffff") == 5
    assert compared([made]).sections[0].rows[0].fill == "hollow"
    _, found = examined(8, metric="z", lane="A")
    assert sum(point.kind == "added" for point in orchard(made, found).panels[0].points) == 4


def test_people_of_arms_are_summed_below_them_and_in_all():
    made = document(4)
    made["figure"]["columns"] = ["n_treat", "n_control"]
    for study in made["studies"][:3]:
        study["cells"] = {"n_treat": 20.0, "n_control": 30.0}
    made["studies"][3] |= {"n": None, "cells": {"n_treat": None, "n_control": None}}
    layout = forest(made)
    (pooled,) = [row for row in layout.sections[0].rows if row.kind == "pooled"]
    assert pooled.cells == ("\N{GREATER-THAN OR EQUAL TO}60", "\N{GREATER-THAN OR EQUAL TO}90")
    assert "at least 153 people (3 of 4 samples)" in layout.sections[0].rows[-1].label
    assert any(note.startswith("\N{GREATER-THAN OR EQUAL TO}: at least") for note in layout.notes)


def test_a_column_with_one_word_for_nearly_all_rows_is_a_note_that_names_the_others():
    made = document(10)
    made["figure"]["columns"] = ["n", "rater"]
    for i, rater in ((2, "observer"), (5, "")):
        made["studies"][i]["rater"] = rater
    layout = forest(made)
    assert layout.sections[0].columns == ("n",)
    assert "Rater: client; except not stated: Study 5; observer: Study 2." in layout.notes
    made["studies"][7]["rater"] = "therapist"
    assert forest(made).sections[0].columns == ("n", "Rater")
    one = document(1)
    assert forest(one).sections[0].columns == ("n",)
    assert "Comparator: usual care." in forest(one).notes


def test_each_page_says_what_its_marks_are_and_where_the_other_notes_stand():
    made = marked(60)
    made["figure"]["sort"] = "given"
    first, *_, last = parts_of(forest(made), 5.0)
    assert [note.partition(":")[0] for note in first.notes[:2]] == ["Hollow marks", "\N{DAGGER}"]
    assert first.notes[-1] == "Further notes: on the last page."
    assert last.notes == forest(made).notes


def test_a_bayesian_row_says_that_its_interval_is_a_credible_one():
    made = document(4, tau_scale=0.5, summaries=[{"kind": "bayes", "estimate": 0.2, "ci_low": 0.0, "ci_high": 0.5}])
    layout = compared([made], studies=True)
    (row,) = [row for row in layout.sections[0].rows if row.kind == "summary"]
    assert row.label == "Bayesian (half-normal prior on τ), 95% credible interval"
    assert any("equal-tailed credible interval" in note for note in layout.notes)


# --- published summaries, heads, directions ---------------------------------------------------------------------------


def test_a_published_summary_is_as_wide_as_its_interval_and_a_dot_without_one():
    known = REFERENCE | {"effect_id": "known", "yi": 0.25, "ci_low": 0.1, "ci_high": 0.4, "k": None}
    layout = forest(document(4, references=[REFERENCE, known]))
    (section,) = layout.sections
    figure = draw(layout)
    (dot,) = [shape for shape in figure.artists if isinstance(shape, Circle)]
    grey = [s for s in figure.artists if isinstance(s, Polygon) and s.get_facecolor() == dot.get_facecolor()]
    (diamond,) = [shape for shape in grey if len(shape.get_xy()) == 5]
    (pool,) = [row for row in section.rows if row.kind == "pooled"]
    coloured = [s for s in figure.artists if isinstance(s, Polygon) and len(s.get_xy()) == 5 and s is not diamond]
    inches = np.ptp(coloured[-1].get_xy()[:, 0]) / (pool.ci_high - pool.ci_low)
    assert np.ptp(diamond.get_xy()[:, 0]) == pytest.approx(0.3 * inches)
    assert dot.center[0] - diamond.get_xy()[0, 0] == pytest.approx((0.27 - 0.1) * inches)
    said = "Grey: published meta-analyses, never pooled (diamonds with their CIs, dots where there is none)."
    k = "k: studies, effect sizes or findings, as the published summary counts them."
    assert f"{said} {k}" in layout.notes
    whole = forest(document(4, references=[known])).notes
    assert "Grey: published meta-analyses, never pooled (diamonds with their CIs)." in whole


def test_a_summary_whose_interval_follows_from_a_test_is_marked_and_the_figure_says_so():
    derived = REFERENCE | {"ci_low": 0.1, "ci_high": 0.3, "basis": "test statistic"}
    made = document(5, "z", "A", constructs=["alliance"])
    of_one = forest(made | {"references": [derived]})
    for layout in (compared([made], [derived]), of_one):
        assert "Horvath & Symonds 1991: overall* (k = 26)" in [row.label for row in layout.sections[0].rows]
        said = "Of a summary marked with an asterisk its interval follows from the printed test statistic."
        assert said in layout.notes
    assert not any("asterisk" in note for note in compared([made], [REFERENCE]).notes)
    chosen = "Which published meta-analyses are drawn is a choice, named in the plan."
    assert [chosen in compared([made], held).notes for held in ([REFERENCE], [])] == [True, False]


def test_heads_stand_as_far_below_a_heading_where_no_column_has_any():
    (section,) = forest(document(4, references=[REFERENCE])).sections
    section = replace(section, heading="All of them", favours=None)
    references = replace(section, heading="Published alone", rows=section.rows[-1:])
    layout = replace(forest(document(4)), sections=(section, references))
    figure = draw(layout)
    heads = [t.start[1] for t in figure.texts if t.get_text() == "95% CI"]
    headings = [placed_in(figure, words)[1] for words in ("All of them", "Published alone")]
    assert heads[0] - headings[0] == pytest.approx(heads[1] - headings[1])
    page, columns = ruled(layout)
    taken = [section_height(page, columns, replace(s, rows=s.rows[-1:])) for s in (section, references)]
    assert taken[0] == pytest.approx(taken[1])


def ruled(layout):
    """A page of the layout's width, and its columns."""
    with settings():
        columns, style = columns_of(Page(Style(), 1.0), layout)
        return Page(style, 1.0), columns


@pytest.mark.parametrize(("low", "shown"), [(-0.03, False), (-0.08, False), (-0.4, True), (-1.0, True)])
def test_a_side_that_the_axis_hardly_shows_has_no_words(low, shown):
    made = document(6)
    made["figure"]["favours"] = ["favours comparator", "favours treatment"]
    layout = forest(made)
    page, columns = ruled(layout)
    with settings():
        for near, far in ((low, 1.0), (-1.0, -low)):
            sides = direction(page, columns, replace(layout.sections[0], low=near, high=far))
            assert len(sides) == (2 if shown else 1)
        # What the axis shows most of has its words however long they are.
        long = replace(layout.sections[0], low=-0.03, high=1.0, favours=("worse " * 30, "better " * 30))
        ((_, align, lines),) = direction(page, columns, long)
        assert align == "left"
        assert lines[-1].endswith("\N{RIGHTWARDS ARROW}")
