"""What figures say beside the numbers: people, shared samples, p values of sign changes, words under an axis."""

from dataclasses import replace

import pytest
from hand_made import comparison, forest, people_words
from synthesis import text
from synthesis.draw.forest import draw_forest as draw
from synthesis.draw.layout import section_of
from synthesis.plan.config import ComparisonFigure
from test_figures import document, grouped


def unsized(k=6, unknown=(), **changes):
    made = document(k, **changes)
    for i in unknown:
        made["studies"][i]["n"] = None
    return made


def test_a_total_with_sizes_that_nobody_printed_is_about_that():
    made = unsized(unknown=())
    made["studies"][0]["members"][0]["flags"] = ["n_derived"]
    assert people_words(made["studies"]) == "about 315 people"


@pytest.mark.parametrize(
    ("unknown", "cell", "words"),
    [
        ((), "315", "315 people"),
        ((0, 3), "\u2265212", "at least 212 people (4 of 6 samples)"),
        (range(6), "", ""),
    ],
)
def test_people_are_counted_only_where_a_size_is_known(unknown, cell, words):
    """Unknown sizes once counted as 0: "3 022" lacked 7 of 26 samples with a quarter of the weight."""
    made = unsized(unknown=unknown)
    assert people_words(made["studies"]) == words
    layout = forest(made)
    (whole,) = (row for row in layout.sections[0].rows if row.kind == "pooled")
    assert whole.cells[0] == cell
    assert any("is not known" in note for note in layout.notes) == (cell.startswith("\u2265"))
    plan = ComparisonFigure(title="t", studies=False, blocks=({"synthesis": "x"},))
    assert comparison("c", plan, {"x": made}, {}, []).sections[0].rows[0].cells == ("6", cell)


def test_blocks_count_their_own_people():
    made = grouped()
    for study in made["studies"]:
        study["n"] = None if study["comparator"] == "wait list" or study["sample_id"] == "x0" else 10
    cells = [row.cells[0] for row in forest(made).sections[0].rows if row.kind == "subgroup"]
    assert cells == ["\u226530", ""]


def test_samples_of_several_syntheses_are_counted_in_their_figure():
    both = {"x": document(5), "y": document(3) | {"synthesis": "y"}, "z": document(4, name="z")}
    plan = ComparisonFigure(title="t", blocks=tuple({"synthesis": name} for name in both))
    assert "3 samples of 9 stand in more than one of these syntheses." in comparison("c", plan, both, {}, []).notes
    alone = ComparisonFigure(title="t", blocks=({"synthesis": "x"}, {"synthesis": "z"}))
    assert not any("more than one" in note for note in comparison("c", alone, both, {}, []).notes)


@pytest.mark.parametrize("clip", [0.0, 0.02, 0.3])
def test_no_effect_is_on_the_axis_however_much_is_cut(clip):
    """`clip` was taken for the null: axes began at 0.02 or 0.06, and the words pointed at a null that was not there."""
    rows = [row for row in forest(document(8, spread=0.01)).sections[0].rows if row.kind == "study"]
    rows = [replace(row, ci_low=row.estimate - 0.001, ci_high=row.estimate + 0.001) for row in rows]
    section = section_of("s", "g", (), rows, 0.95, clip=clip, favours=("left", "right"))
    assert section.low <= 0.0 <= section.high


def test_words_under_an_axis_without_no_effect_name_the_side_that_it_shows():
    layout = forest(document(6))
    words = {"\u2190 left", "right \u2192"}
    assert words <= {t.get_text() for t in draw(layout).texts}
    far = replace(layout.sections[0], low=0.2, high=1.0, ticks=(), tick_texts=())
    assert words & {t.get_text() for t in draw(replace(layout, sections=(far,))).texts} == {"right \u2192"}


@pytest.mark.parametrize(
    ("p", "said"),
    [(2 / 2**9, "0.004"), (1 / 500, "0.002"), (1 / 10001, "0.0001"), (2 / 2**4, "0.125"), (2 / 2**5, "0.063")],
)
def test_a_smallest_p_is_rounded_up(p, said):
    assert text.p_at_most(p) == f"p \u2264 {said}"


def test_p_of_sign_changes_is_bounded_where_none_was_as_large():
    assert text.p_of_signs(1 / 500, 499) == "499 sign changes, none as large: p \u2264 0.002"
    assert text.p_of_signs(2 / 500, 499) == "499 sign changes: p = 0.004"
