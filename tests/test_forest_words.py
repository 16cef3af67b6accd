"""What forest-like figures say and keep together: pages, directions, intervals, bands, single and shared samples."""

from dataclasses import replace
from itertools import pairwise

import pytest
from conftest import ROOT
from hand_made import comparison, forest, leave_one_out
from synthesis import text
from synthesis.data.reading import read_yaml
from synthesis.data.vocabulary import instrument_name
from synthesis.draw.axes import axis_of
from synthesis.draw.bridge_figure import bridge_layout
from synthesis.draw.canvas import Page, Style, draw, settings
from synthesis.draw.chart import narrow_axis
from synthesis.draw.forest_columns import columns_of
from synthesis.draw.forest_measures import direction, has_weights, head_lines, heaviest, note_lines_of
from synthesis.draw.forest_notes import notes_of
from synthesis.draw.forest_pages import split
from synthesis.draw.layout import CONTINUED, Row
from synthesis.plan.config import ComparisonFigure
from test_diagnostic_figures import examined
from test_figures import REFERENCE, boxes_of, document, grouped, reading
from typed import fitted


def parts_of(layout, height):
    """The layouts of single pages."""
    with settings():
        columns, style = columns_of(Page(Style(), 1.0), layout)
        return split(Page(style, 1.0), columns, layout, height)


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [4.0, 4.1, 4.2, 4.3, 4.5, 6.0])
def test_a_block_that_goes_on_has_its_heading_again_and_a_subtotal_a_row_above_it(height):
    layout = forest(grouped(60))
    drawn = [part.sections[0].rows for part in parts_of(layout, height)]
    assert len(drawn) > 2
    heading = ""
    for rows in drawn:
        first = rows[0]
        if heading:
            assert first.kind == "heading"
            assert first.label in {"Usual care", "Wait list", f"{heading}{CONTINUED}"}
        for above, row in pairwise(rows):
            if row.kind == "subgroup":
                assert above.kind == "study"
        heading = [row.label.removesuffix(CONTINUED) for row in rows if row.kind == "heading"][-1]
    labels = [row.label for rows in drawn for row in rows if row.kind == "study"]
    assert labels == [row.label for row in layout.sections[0].rows if row.kind == "study"]


@pytest.mark.parametrize("height", [4.0, 4.1, 4.2, 4.3, 4.4, 4.5, 4.6])
def test_no_page_opens_with_one_study_above_its_pool(height):
    for part in parts_of(forest(document(40)), height):
        kinds = [row.kind for row in part.sections[0].rows]
        if "pooled" in kinds:
            assert kinds[: kinds.index("pooled")].count("study") > 1


def test_columns_without_a_value_have_no_head():
    section = forest(document(6)).sections[0]
    assert section.columns == ("n", "Comparator")
    references = replace(section, rows=(Row("reference", "Published 2000", estimate=0.2),))
    with settings():
        columns, style = columns_of(Page(Style(), 1.0), forest(document(6)))
        page = Page(style, 1.0)
        assert all(head_lines(page, columns, section))
        assert not any(head_lines(page, columns, references))
    assert has_weights(section)
    assert not has_weights(references)


def test_a_letter_stands_on_the_line_of_its_number():
    with settings():
        page = Page(Style(), 1.0)
        for length in range(20, 180):
            words = f"{'word ' * (length // 5)}{'x' * (length % 5)} Q = 3.2, p < 0.001; 0.4 [−0.1, 0.9]"
            lines = note_lines_of(page, Row("note", words))
            assert " ".join(lines) == words
            assert any("p < 0.001" in line for line in lines)
            assert any("[−0.1, 0.9]" in line for line in lines)


def test_all_pages_have_one_scale_of_squares_and_one_axis():
    made = document(60)
    made["studies"][0]["weight"] = 40.0
    layout = forest(made)
    parts = [part.sections[0] for part in parts_of(layout, 5.0)]
    assert {heaviest(section) for section in parts} == {40.0}
    assert {(section.low, section.high, section.ticks) for section in parts} == {
        (layout.sections[0].low, layout.sections[0].high, layout.sections[0].ticks)
    }


def test_a_section_that_goes_on_says_so():
    plan = ComparisonFigure(title="t", blocks=({"synthesis": "x"},))
    parts = parts_of(comparison("c", plan, {"x": document(60)}, {}, []), 5.0)
    headings = [part.sections[0].heading for part in parts]
    assert not headings[0].endswith(CONTINUED)
    assert all(heading.endswith(CONTINUED) for heading in headings[1:])


def test_rows_of_one_sample_and_all_that_closes_a_block_stand_on_one_page():
    made = document(40)
    for study in made["studies"]:
        study["members"] = [{"effect_id": f"{study['sample_id']}{i}", "yi": 0.1 * i, "vi": 0.02} for i in range(3)]
    made["figure"] |= {"rows": "estimates"}
    for height in (4.0, 4.2, 4.4, 4.7):
        for part in parts_of(forest(made), height):
            rows = [row for row in part.sections[0].rows if row.kind != "heading"]
            assert rows[0].bracket == "start"
            assert rows[-1].bracket in {"end", ""}


# --- intervals, bands, brackets, dashes -----------------------------------------------------------------------------


def test_limits_stand_together_whatever_stands_above_them():
    """As one text or as two: a column's width never parts them."""
    limits = {"association_ci_low": 0.05, "association_ci_high": 0.55, "effect_ci_low": 0.1, "effect_ci_high": 0.9}
    for layout in (bridge_of(fitted(document(5, "z", "A", name="a")), **limits), forest(document(5))):
        figure = draw(layout)
        boxes_of(figure)
        texts = {id(t): t for t in figure.texts}.values()
        assert any(t.get_text().endswith("]") for t in texts)
        box = {id(t): t.get_window_extent() for t in texts}
        for low in (t for t in texts if t.get_text().startswith("[") and t.get_text().endswith(",")):
            ends = [box[id(t)] for t in texts if t.get_text().endswith("]") and abs(t.start[1] - low.start[1]) < 1e-6]
            gap = min(end.x0 for end in ends if end.x0 > box[id(low)].x0) - box[id(low)].x1
            assert 0 <= gap < 0.06 * figure.dpi
        assert not any("  " in t.get_text() for t in texts)


def test_bands_behind_diamonds_are_explained_and_a_prediction_interval_has_its_level():
    (note,) = [note for note in forest(grouped()).notes if note.startswith("Light bands")]
    assert "95% prediction intervals" in note
    labels = [row.label for row in forest(grouped(level=0.9)).sections[0].rows if row.kind == "prediction"]
    assert labels == ["90% prediction interval"]
    # Its own row says what it is where no other band is drawn.
    assert not any(note.startswith("Light bands") for note in forest(document(8)).notes)


def test_a_weight_that_stands_once_for_several_rows_is_said_to_be_of_the_sample():
    made = document(3)
    made["figure"] |= {"rows": "estimates"}
    assert not any("bracket" in note for note in forest(made).notes)
    made["studies"][0]["members"] = [{"effect_id": f"e{i}", "yi": 0.1 * i, "vi": 0.02} for i in range(2)]
    assert any("the weight at the first is that of the sample" in note for note in forest(made).notes)


def test_what_is_not_reported_is_a_dash_with_a_note():
    made = document(4)
    made["studies"][2]["n"] = None
    layout = forest(made)
    cells = {row.key: row.cells for row in layout.sections[0].rows if row.kind == "study"}
    assert cells["x2"][0] == text.NONE
    assert f"{text.NONE}: the source states no single value." in layout.notes
    assert not any(note.startswith(text.NONE) for note in forest(document(4)).notes)


def test_columns_that_hold_nothing_or_what_the_block_says_are_not_drawn():
    made = grouped()
    made["figure"]["columns"] = ["n", "comparator"]
    assert forest(made).sections[0].columns == ("n",)
    for study in made["studies"]:
        study["n"] = None
    layout = forest(made)
    assert layout.sections[0].columns == ()
    assert "In all samples, n: not reported." in layout.notes
    made["figure"] |= {"group_by": "rob", "columns": ["n", "rob"]}
    assert "Blocks: risk of bias as the source's database rates it." in forest(made).notes


# --- axes -----------------------------------------------------------------------------------------------------------


def test_a_side_of_no_effect_that_the_axis_shows_has_a_tick():
    for low in (-0.06, -0.1, -0.2, -0.3, -0.38, -0.45):
        for high in (0.9, 1.5, 1.9, 3.1):
            rows = [Row("study", "a", estimate=0.4, ci_low=low, ci_high=high)] * 3
            ends = axis_of(rows, False)
            if ends[0] < -0.16 * (ends[1] - ends[0]):
                assert min(ends[2]) < -1e-9 < max(ends[2]), (low, high)
            assert ends[0] - 1e-9 <= min(ends[2]) <= max(ends[2]) <= ends[1] + 1e-9
    ratios = axis_of([Row("study", "a", estimate=0.4, ci_low=-0.2, ci_high=0.9)] * 3, True)
    assert ratios[3][:2] == ("0.8", "1")


def test_estimates_without_one_sample_fill_their_axis():
    model, found = examined(24)
    layout = leave_one_out(model, found)
    (section,) = layout.sections
    ends = [x for row in section.rows for x in (row.ci_low, row.ci_high) if x is not None]
    assert max(ends) - min(ends) > 0.6 * (section.high - section.low)
    beyond = not section.low <= 0 <= section.high
    assert beyond == any("The axis does not reach 0" in note for note in layout.notes)


def test_a_narrow_axis_has_more_than_two_ticks():
    for values in ((0.01, 0.097), (-0.7, 1.3), (0.003, 0.0064), (0.0, 1.1), (0.89, 1.1)):
        axis = narrow_axis("", values, 0.66)
        assert len(axis.ticks) >= 3
        assert sum(map(bool, axis.texts)) >= 2


@pytest.mark.parametrize("low", [-0.2, -1.0, -2.0])
def test_words_about_directions_stand_on_their_side_within_the_plot_where_three_lines_do(low):
    made = document(6)
    made["figure"]["favours"] = ["worse outcome with a better alliance", "better outcome with a better alliance"]
    layout = forest(made)
    section = replace(layout.sections[0], low=low, high=1.0)
    with settings():
        columns, style = columns_of(Page(Style(), 1.0), layout)
        page = Page(style, 1.0)
        null = columns.plot_left - low / (1.0 - low) * (columns.plot_right - columns.plot_left)
        (left, _, lines), (right, _, others) = direction(page, columns, section)
        assert left < null < right
        assert max(len(lines), len(others)) <= 3
        reach = (max(page.width(line, style.small) for line in side) for side in (lines, others))
        starts, ends = left - next(reach), right + next(reach)
        assert (starts >= columns.plot_left - 1e-6) or (len(lines) == 3 and starts >= style.margin)
        assert (ends <= columns.plot_right + 1e-6) or (len(others) == 3 and ends <= style.width - style.margin)
        long = replace(section, favours=("worse " * 30, "better " * 30))
        for _, _, side in direction(page, columns, long):
            assert len(side) > 1
            assert not any(line.strip() in {"\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"} for line in side)


# --- bridges and comparisons ------------------------------------------------------------------------------------------


def bridge_of(association, **changes):
    contrasts = ("2_sd", "1_sd", "median_split", "concordance")
    named = [(c, "d") for c in contrasts] + [("probability", "%"), ("concordance_r", "r"), ("variance", "%")]
    named += [(f"{prefix}_{c}", "%") for prefix in ("u3", "overlap") for c in contrasts]
    given = {"association_estimate": 0.3, "effect_estimate": 0.2, "p_association_larger": 0.4} | changes
    rows = [reading(unit, contrast=c, **given) for c, unit in named]
    return bridge_layout("m", rows, association, fitted(document(5, name="b", title="Tutoring")))


def test_a_bridge_draws_one_sample_as_no_pool_and_leaves_out_what_is_empty():
    several = bridge_of(fitted(document(5, "z", "A", name="a")), p_association_larger_new=0.45)
    assert {row.kind for s in several.sections for row in s.rows} == {"converted", "pooled"}
    assert several.sections[0].columns == ("P mean", "P new")
    one = bridge_of(fitted(document(1, "z", "A", name="a")), p_association_larger_new=None)
    assert {row.kind for s in one.sections for row in s.rows} == {"converted single", "pooled"}
    assert one.sections[0].columns == ("P mean",)
    assert all(len(row.cells) <= 1 for s in one.sections for row in s.rows)
    assert any(note.startswith("Hollow squares: the association in one sample") for note in one.notes)
    assert not any("P new" in note or "Hollow diamonds" in note for note in one.notes)
    boxes_of(draw(one))
    for made, said in ((several, "the two pools"), (one, "the sample and the pool")):
        assert any(f"over the sampling distributions of {said}, independent" in note for note in made.notes)


def samples_of(name, ids):
    """A document of these samples."""
    made = document(len(ids), name=name)
    for study, sample in zip(made["studies"], ids, strict=True):
        study |= {"sample_id": sample, "label": f"Trial {sample}", "effects": [f"e_{sample}"]}
    return made


def overlap(*documents, studies=False):
    plan = ComparisonFigure.model_validate(
        {"title": "t", "studies": studies, "blocks": [{"synthesis": d["synthesis"]} for d in documents]}
    )
    layout = comparison("c", plan, {d["synthesis"]: d for d in documents}, {}, [])
    return next((note for note in layout.notes if "more than one of these syntheses" in note), "")


def test_samples_that_two_syntheses_share_are_named_up_to_a_number():
    said = overlap(samples_of("a", "pqrs"), samples_of("b", "rstu"))
    assert "2 samples of 6 stand in more than one" in said
    assert "shared by syntheses that are no part of each other: Trial r, Trial s." in said
    assert overlap(samples_of("a", "pqrs"), samples_of("b", "tuvw")) == ""
    letters = "abcdefghijkl"
    assert "Trial h, and 3 more." in overlap(samples_of("a", letters[:11] + "x"), samples_of("b", letters[:11] + "y"))


def test_a_sample_that_two_sources_call_otherwise_has_both_names():
    first, second = samples_of("a", "pqrs"), samples_of("b", "stuv")
    (s,) = [study for study in second["studies"] if study["sample_id"] == first["studies"][-1]["sample_id"]]
    s["label"] = "Trial s et al."
    assert "part of each other: Trial s (also Trial s et al.)." in overlap(first, second, studies=True)
    assert "part of each other: Trial s." in overlap(first, second)


def test_samples_of_a_part_are_counted_and_not_named():
    for part in ("pq", "pqrs"):
        said = overlap(samples_of("a", "pqrs"), samples_of("b", part))
        assert said == f"{len(part)} samples of 4 stand in more than one of these syntheses."


def test_one_sample_with_another_contrast_is_no_part_of_the_pool_that_holds_it():
    other = samples_of("b", "q")
    other["studies"][0]["effects"] = ["e_q against something else"]
    assert overlap(samples_of("a", "pqrs"), other).endswith("that are no part of each other: Trial q.")


def compared(documents, references=(), lane="A", studies=False, bridges=()):
    plan = ComparisonFigure.model_validate(
        {"title": "t", "studies": studies, "blocks": [{"synthesis": d["synthesis"]} for d in documents]}
    )
    return comparison("c", plan, {d["synthesis"]: d for d in documents}, {lane: list(references)}, list(bridges))


def test_published_summaries_of_another_construct_stand_apart_and_change_head_and_axis():
    of_alliance = document(5, "z", "A", constructs=["alliance"])
    of_alliance["figure"]["favours"] = ["worse outcome with better alliance", "better outcome with better alliance"]
    (alone,) = compared([of_alliance], [REFERENCE]).sections
    assert alone.heading == "Associations of alliance with outcome"
    assert alone.favours[1] == "better outcome with better alliance"
    webb = [REFERENCE | {"effect_id": name, "construct": name, "detail": ""} for name in ("adherence", "competence")]
    (mixed,) = compared([of_alliance], [REFERENCE, *webb]).sections
    assert mixed.heading == "Associations of alliance, adherence and competence with outcome"
    assert mixed.favours == ("worse outcome with more of it", "better outcome with more of it")
    kinds = [(row.kind, row.label) for row in mixed.rows if row.kind in {"heading", "reference"}]
    assert kinds[2:] == [
        ("heading", "Published meta-analyses of adherence and competence, for reference (not pooled)"),
        ("reference", "Horvath & Symonds 1991: adherence (k = 26)"),
        ("reference", "Horvath & Symonds 1991: competence (k = 26)"),
    ]
    single = forest(of_alliance | {"references": webb})
    assert single.sections[0].favours[1] == "better outcome with more of it"


def test_a_published_summary_says_where_its_comparator_is_no_pools():
    made = document(5, constructs=["protocol"])
    cited = REFERENCE | {"construct": "protocol", "comparator": "mixed controls"}
    for layout in (compared([made], [cited], "B"), forest(made | {"references": [cited]})):
        (row,) = [row for row in layout.sections[0].rows if row.kind == "reference"]
        assert row.label == "Horvath & Symonds 1991: overall, against mixed controls (k = 26)"
        assert (
            "Published meta-analyses against mixed controls: a comparator that differs from the pools'." in layout.notes
        )
    same = compared([made], [cited | {"comparator": "wait list"}], "B")
    assert not any("comparator" in note for note in same.notes)


def test_samples_of_several_disorders_have_an_axis_for_each():
    first, second = document(6, name="a"), document(6, name="b", spread=3.0)
    for made, disorder in ((first, "depression"), (second, "PTSD")):
        for study in made["studies"]:
            study["disorder"] = disorder
    cited = REFERENCE | {"construct": "protocol"}
    sections = compared([first, second], [cited], "B", studies=True).sections
    head = "Effects of randomised treatments"
    assert [s.heading for s in sections] == [
        f"{head}: {of}" for of in ("depression", "PTSD", "published meta-analyses")
    ]
    assert len({s.name for s in sections}) == 3
    assert sections[0].high < sections[1].high
    assert len(compared([first, second], [cited], "B").sections) == 1


def test_a_bridge_has_directions_and_says_that_it_tests_no_causes():
    associated, effect = document(5, "z", "A", name="a", constructs=["alliance"]), document(5, name="b")
    rows = [reading("d", contrast="2_sd", association="a", effect="b", association_estimate=0.3, effect_estimate=0.2)]
    layout = compared([associated, effect], bridges=[("A bridge", rows)])
    assert layout.sections[-1].heading.endswith("not a test of causes")
    assert layout.sections[-1].favours == ("worse outcome", "better outcome")
    assert "Conversions are not a test of causes: nobody was assigned to an alliance." in layout.notes
    assert any(
        note.startswith("Hollow marks: values that no source prints (r converted to d).") for note in layout.notes
    )


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [("caps", "CAPS"), ("pcl", "PCL"), ("pss-sr", "PSS-SR"), ("bdi-2", "BDI-2"), ("PHQ-9", "PHQ-9"), ("cis-r", "CIS-R"),
     ("BDI-II", "BDI-II"), ("pain", "pain"), ("depression", "depression"), ("panic severity", "panic severity")],
)  # fmt: skip
def test_abbreviations_of_instruments_are_in_capitals(written, read):
    assert instrument_name(written) == read


def test_outcomes_in_a_figure_are_read_as_instruments():
    made = document(4)
    made["figure"] |= {"columns": ["outcome"]}
    for study, outcome in zip(made["studies"], ("caps", "caps", "pcl", "pcl"), strict=True):
        study["outcome"] = outcome
    assert {row.cells for row in forest(made).sections[0].rows if row.kind == "study"} == {("CAPS",), ("PCL",)}
    made["figure"]["group_by"] = "outcome"
    assert [r.label for r in forest(made).sections[0].rows if r.kind == "heading"] == ["CAPS", "PCL"]
    for study in made["studies"]:
        study["outcome"] = "caps"
    made["figure"]["group_by"] = None
    assert "In all samples, outcome: CAPS." in forest(made).notes


def test_several_values_of_a_sample_have_one_name_in_cells_and_headings():
    made = document(4)
    made["figure"] |= {"columns": ["rater"]}
    made["studies"][1]["rater"] = text.MIXED
    rows = forest(made).sections[0].rows
    assert {row.cells for row in rows if row.kind == "study"} == {("client",), ("several",)}
    made["figure"] |= {"group_by": "rater"}
    assert "Several in one sample: rater" in [
        row.label for row in forest(made).sections[0].rows if row.kind == "heading"
    ]


def test_zeros_that_the_plan_enters_are_said_not_to_be_observed():
    made = document(5, "z", "A", set_to_zero=3)
    (note,) = [note for note in forest(made).notes if "set to 0 by the plan" in note]
    assert note.startswith("3 findings reported as not significant")
    assert "set to 0 by the plan" in note


def test_variances_have_greek_letters_in_all_notes():
    made = document(2, notes=("two samples: tau2 is hardly estimable",))
    (note,) = [note for note in forest(made).notes if "hardly" in note]
    assert note == "Two samples: τ² is hardly estimable."


def test_a_remark_that_holds_for_several_syntheses_is_said_once():
    first, second = samples_of("a", "pq"), samples_of("b", "rs")
    for made in (first, second):
        made["figure"] = made["figure"] | {"note": "Only abstracts were read."}
    plan = ComparisonFigure.model_validate(
        {"title": "t", "studies": False, "blocks": [{"synthesis": "a"}, {"synthesis": "b"}]}
    )
    notes = comparison("c", plan, {"a": first, "b": second}, {}, []).notes
    assert [note for note in notes if "abstracts" in note] == ["All effects: Only abstracts were read."]


def test_notes_on_several_estimates_name_the_pools_they_are_true_of():
    mean = "A sample with several estimates is drawn as their mean (assumed correlation 0.6)."
    single = "The pooled value is of the single estimates, in a model with true differences within samples too."
    first, second = samples_of("a", "pq"), samples_of("b", "rs")
    for made, model in ((first, "che"), (second, "composites")):
        made["studies"][0]["effects"] = ["p1", "p2"]
        made |= {"model": model, "composite_rho": 0.6}
    both = [fitted(first), fitted(second)]
    assert {mean, f"Title of a: {single}"} <= set(notes_of(both))
    third = fitted(samples_of("c", "tu") | {"model": "che", "composite_rho": 0.6})
    assert f"{single[:-1]}; not in: Title of b." in notes_of([*both, third])
    first["figure"] = first["figure"] | {"rows": "estimates"}
    assert f"Title of b: {mean}" in notes_of([fitted(first), both[1]])
    second["studies"][0]["effects"] = ["r1"]
    assert not any(mean in note for note in notes_of([fitted(first), fitted(second)]))


def test_variances_of_one_figure_have_as_many_decimals():
    first, second = samples_of("a", "pq"), samples_of("b", "rs")
    first |= {"tau2": 0.078, "tau2_ci_low": 0.02, "tau2_ci_high": 0.3}
    second |= {"tau2": 0.0588, "tau2_ci_low": 0.004, "tau2_ci_high": 0.2}
    plan = ComparisonFigure(title="t", blocks=({"synthesis": "a"}, {"synthesis": "b"}))
    (section,) = comparison("c", plan, {"a": first, "b": second}, {}, []).sections
    notes = " ".join(row.label for row in section.rows if row.kind == "note")
    assert "τ² = 0.0780 [0.0200, 0.3000]" in notes
    assert "τ² = 0.0588 [0.0040, 0.2000]" in notes


def test_a_block_of_samples_with_several_values_says_which():
    made = samples_of("a", "pq")
    made["figure"] = made["figure"] | {"group_by": "exactness"}
    made["studies"][0] |= {"exactness": text.MIXED}
    made["studies"][0]["members"] = [
        {"effect_id": f"m{i}", "yi": 0.1, "vi": 0.1, "exactness": word}
        for i, word in enumerate(("exact", "approximate"))
    ]
    headings = [row.label for row in forest(made).sections[0].rows if row.kind == "heading"]
    assert "Several in one sample: converted approximately and converted exactly" in headings


def test_syntheses_of_the_same_sources_carry_the_same_note():
    """But for a stress test, which has values that no source prints."""
    plan = read_yaml(ROOT / "config.yaml")["syntheses"]
    notes = {}
    for synthesis in plan.values():
        key = (*synthesis["sources"], synthesis.get("nonsignificant_as_zero", False))
        notes.setdefault(key, set()).add(synthesis.get("note", ""))
    assert all(len(said) == 1 for said in notes.values()), notes


def test_notes_call_a_pool_as_its_row_is_called():
    one, two = samples_of("a", "pqrs"), samples_of("b", "tuvw")
    one["figure"] = one["figure"] | {"note": "Read twice."}
    blocks = [{"synthesis": "a", "heading": "The first"}, {"synthesis": "b"}]
    plan = ComparisonFigure.model_validate({"title": "t", "studies": False, "blocks": blocks})
    layout = comparison("c", plan, {"a": fitted(one), "b": fitted(two)}, {}, [])
    assert layout.sections[0].rows[0].label == "The first"
    assert "The first: Read twice." in layout.notes
