"""Figures as layout data first, then as they are drawn: positions, clipping, text from data, bytes."""

import csv
import math
import random
from dataclasses import replace

import pytest
import synthesis
import synthesis.draw.forest
from conftest import ROOT
from hand_made import comparison, forest
from matplotlib.patches import Polygon, Rectangle
from synthesis import text
from synthesis.data.reading import read_yaml
from synthesis.draw.canvas import PRESETS, Page, Style, draw, settings
from synthesis.draw.layout import Row, section_of
from synthesis.errors import InputError
from synthesis.meta.dependent import JointTest
from synthesis.plan.config import ComparisonFigure, Synthesis
from synthesis.results.comparisons import BridgeRow
from synthesis.results.document import columns


def document(k, metric="g", lane="B", labels=None, spread=0.3, name="x", **changes):
    """A model document of k samples, every third with two effects."""
    yi = [spread * math.sin(3 * i) + 0.4 for i in range(k)]
    vi = [0.01 + 0.02 * (i % 5) for i in range(k)]
    fit = synthesis.pool(yi, vi, metric=metric)
    studies = [
        {
            "sample_id": f"{name}{i}",
            "label": labels[i] if labels else f"Study {i}",
            "year": 2000 + (i * 7) % 20,
            "yi": yi[i],
            "vi": vi[i],
            "weight": fit.weights[i],
            "n": 50 + i,
            "effects": [f"e{i}", f"f{i}"] if i % 3 == 0 else [f"e{i}"],
            "source": "s",
            "comparator": "wait list" if i % 2 else "usual care",
            "rater": "client",
            "members": [{"effect_id": f"e{i}", "yi": yi[i], "vi": vi[i], "rater": "client"}],
        }
        for i in range(k)
    ]
    extra = {
        "synthesis": name,
        "title": f"Title of {name}",
        "lane": lane,
        "word": {"A": "association", "B": "effect"}[lane],
        "set_to_zero": 0,
        "tau_scale": 0.5,
        "studies": studies,
        "references": [],
        "figure": {
            "columns": ["n", "comparator"],
            "group_by": None,
            "favours": ["left", "right"],
            "note": "",
            "orientation": "better",
        },
    }
    return fit.to_dict() | extra | changes


def grouped(k=8, **changes):
    made = document(k, **changes)
    made["figure"] |= {"group_by": "comparator", "columns": ["n"]}
    own = {"pi_low": -0.2, "pi_high": 0.9, "i2": 40.0, "samples": k // 2, "model": "independent"}
    made["groups"] = [
        {"value": value, "estimate": 0.3, "ci_low": 0.1, "ci_high": 0.5} | own for value in ("usual care", "wait list")
    ]
    made["groups_test"] = JointTest(statistic=3.2, df1=1, df2=6.5, p=0.12, left_out=(), note="")
    return made


REFERENCE = {
    "effect_id": "ref",
    "label": "Horvath & Symonds 1991",
    "detail": "overall",
    "construct": "alliance",
    "yi": 0.27,
    "k": 26,
    "ci_low": None,
    "ci_high": None,
}


@pytest.mark.parametrize("k", [1, 2, 5, 150])
def test_one_row_per_sample_then_diamond_prediction_and_heterogeneity(k):
    rows = forest(document(k)).sections[0].rows
    kinds = [row.kind for row in rows]
    assert kinds.count("study") == k
    assert kinds.count("pooled") == (1 if k > 1 else 0)
    assert kinds.count("prediction") == (1 if k >= 3 else 0)
    assert kinds[-1] == "note"
    assert sum(float(row.weight_text) for row in rows if row.kind == "study") == pytest.approx(100, abs=0.05 * k)


def test_rows_are_ordered_by_year_and_keep_their_keys():
    layout = forest(document(9))
    studies = [row for row in layout.sections[0].rows if row.kind == "study"]
    years = {f"x{i}": 2000 + (i * 7) % 20 for i in range(9)}
    assert [years[row.key] for row in studies] == sorted(years.values())
    assert {row.effects for row in studies if "2 estimates" in row.label} == {(f"e{i}", f"f{i}") for i in (0, 3, 6)}


def test_blocks_of_a_column_have_headings():
    options = {
        "columns": ["n"],
        "group_by": "comparator",
        "favours": None,
        "note": "Read this.",
        "orientation": "better",
    }
    layout = forest(document(6, figure=options))
    headings = [row.label for row in layout.sections[0].rows if row.kind == "heading"]
    assert headings == ["Usual care", "Wait list"]
    assert "Read this." in layout.notes


def test_correlations_are_drawn_and_printed_as_r():
    layout = forest(document(5, metric="z", lane="A"))
    section = layout.sections[0]
    pooled = next(row for row in section.rows if row.kind == "pooled")
    fit = document(5, metric="z")
    assert pooled.estimate == pytest.approx(math.tanh(fit["estimate"]))
    assert pooled.estimate_text == text.number(math.tanh(fit["estimate"]))
    assert section.axis == "Correlation r"
    assert "association" in pooled.label
    assert "effect (" not in pooled.label
    assert any("associations" in note for note in layout.notes)


def test_ratios_have_a_logarithmic_axis_with_ratios_on_it():
    section = forest(document(5, metric="log_risk_ratio")).sections[0]
    assert "1" in section.tick_texts
    assert section.ticks[section.tick_texts.index("1")] == 0
    pooled = next(row for row in section.rows if row.kind == "pooled")
    assert float(pooled.estimate_text) == pytest.approx(math.exp(pooled.estimate), abs=0.005)


def test_axis_shows_every_estimate_and_pooled_interval_and_clips_few_study_limits():
    section = forest(document(150, spread=1.0)).sections[0]
    outside = 0
    for row in section.rows:
        if row.estimate is not None:
            assert section.low <= row.estimate <= section.high
        if row.kind == "pooled":
            assert section.low < row.ci_low < row.ci_high < section.high
        if row.kind == "study":
            outside += (row.ci_low < section.low) + (row.ci_high > section.high)
    assert 0 <= outside <= 0.05 * 300
    assert 4 <= len(section.ticks) <= 8


def test_references_stand_apart_and_say_when_no_interval_is_printed():
    layout = forest(document(4, references=[REFERENCE]))
    rows = layout.sections[0].rows
    assert "not pooled" in rows[-2].label
    assert rows[-1].kind == "reference"
    assert rows[-1].label == "Horvath & Symonds 1991: overall (k = 26)"
    assert rows[-1].weight is None
    assert rows[-1].low_text == ""
    assert rows[-1].estimate_text == "0.27"


def reading(unit="d", **changes):
    """A row of the table of bridges, without numbers unless given."""
    words = {"bridge": "m", "title": "Title", "contrast": "2_sd", "quantity": "q", "unit": unit, "note": ""}
    sides = {"association": "a", "effect": "b"}
    return BridgeRow(**dict.fromkeys(columns(BridgeRow)) | words | sides | changes)


def comparison_layout(studies):
    plan = ComparisonFigure.model_validate(
        {"title": "Both", "studies": studies, "blocks": [{"synthesis": "b"}, {"synthesis": "a"}], "bridges": ["m"]}
    )
    documents = {"a": document(5, "z", "A", name="a"), "b": document(7, "g", "B", name="b")}
    numbers = {"association_estimate": 0.5, "association_ci_low": 0.4, "association_ci_high": 0.6}
    numbers |= {"effect_estimate": 0.4, "effect_ci_low": 0.2, "effect_ci_high": 0.6}
    bridge = [reading(contrast=contrast, **numbers) for contrast in ("2_sd", "1_sd")]
    return comparison("both", plan, documents, {"A": [REFERENCE]}, [("Bridge", bridge)])


@pytest.mark.parametrize("studies", [True, False])
def test_comparison_keeps_lanes_apart_on_their_own_axes(studies):
    layout = comparison_layout(studies)
    assert [section.name for section in layout.sections] == ["lane A", "lane B", "both"]
    assert [section.axis.split()[0] for section in layout.sections] == ["Correlation", "Standardized", "Standardized"]
    kinds = [row.kind for section in layout.sections[:2] for row in section.rows]
    assert kinds.count("study") == (12 if studies else 0)
    assert kinds.count("pooled") == 2
    lane_a, lane_b, lane_c = layout.sections
    assert {row.lane for row in lane_b.rows} == {"B"}
    assert "association" in lane_a.heading.casefold()
    assert "effect" in lane_b.heading.casefold()
    assert [row.kind for row in lane_c.rows] == ["heading", "converted", "converted", "pooled"]
    if not studies:
        assert lane_a.rows[0].pi_low is not None


def test_words_under_the_axis_are_left_out_where_a_sign_may_mean_either():
    plan = ComparisonFigure.model_validate({"title": "x", "blocks": [{"synthesis": "a"}, {"synthesis": "b"}]})

    def favours(**second):
        options = {"columns": ["n"], "group_by": None, "favours": None, "note": "", "orientation": "better"}
        a, b = document(3, name="a", figure=options), document(3, name="b", figure=options | second)
        return comparison("x", plan, {"a": a, "b": b}, {}, []).sections[0].favours

    assert favours() == ("favours comparator", "favours treatment")
    assert favours(orientation="as_reported") is None


def test_the_layout_table_has_a_record_per_row():
    layout = comparison_layout(True)
    table = layout.table()
    assert len(table) == sum(len(section.rows) for section in layout.sections)
    assert {"section", "kind", "label", "estimate", "ci_low", "ci_high", "effects"} <= set(table[0])


# --- drawing ------------------------------------------------------------------------------------------------------

LABELS = ["<script>alert(1)</script>", r"$\alpha$ and $x", "Flückiger & Ødegård", "吳 2019", "A" * 200, "100% _x_ ^y^"]


def boxes_of(figure):
    """Each text with its box in inches from the top left, after all were found on the page and clear of each other."""
    renderer = figure.canvas.get_renderer()
    # With the hinting that it is drawn with, which makes long lines a little shorter.
    with settings():
        found = [(t.get_text(), t.get_window_extent(renderer)) for t in figure.texts if t.get_text()]
    width, height = figure.get_size_inches() * figure.dpi
    slack = 0.02 * figure.dpi
    for content, box in found:
        assert -slack <= box.x0 < box.x1 <= width + slack, content
        assert -slack <= box.y0 < box.y1 <= height + slack, content
    for i, (content, a) in enumerate(found):
        for other, b in found[i + 1 :]:
            apart = a.x1 <= b.x0 + slack or b.x1 <= a.x0 + slack or a.y1 <= b.y0 + slack or b.y1 <= a.y0 + slack
            assert apart, (content, other)
    return found


def placed_in(figure, content, bold=False):
    """Where the first text that begins with `content` begins on the page, in inches from the top left."""
    found = [t for t in figure.texts if t.get_text().startswith(content)]
    return next(t for t in found if not bold or t.get_weight() == "bold").start


def nothing_cut(figure, *whole):
    """No text ends in dots, and each of `whole` is there, on one line or on several below each other."""
    shown = [t.get_text() for t in figure.texts]
    assert not any("\N{HORIZONTAL ELLIPSIS}" in content or "..." in content for content in shown)
    joined = "".join(shown).replace(" ", "")
    for content in whole:
        assert content.replace(" ", "") in joined, content


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("layout", [forest(document(6, labels=LABELS)), comparison_layout(True)])
def test_texts_stay_on_the_page_and_do_not_run_into_each_other(layout):
    boxes_of(draw(layout))


def test_text_from_data_is_shown_as_written():
    figure = draw(forest(document(6, labels=LABELS)))
    shown = [t for t in figure.texts if t.get_text().startswith((r"$\alpha$", "<script>", "100%"))]
    assert len(shown) == 3
    assert not any(t.get_parse_math() for t in figure.texts)
    nothing_cut(figure, *LABELS)


REVMAN = ("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control")
WORDS = (
    "wait list plus usual care",
    "Beck Depression Inventory II, self-rated",
    "client",
    "high",
    "Low",
    "Some Concerns",
)


def columned(columns, seed=1, words=14, **options):
    """A document of seven samples whose long names differ at the end only, with values for any columns."""
    draws = random.Random(seed)  # noqa: S311 nothing secret
    name = " ".join(draws.choice(("Andersson", "et al.", "group", "of", "Self-help-and-support")) for _ in range(words))
    made = document(7, labels=[f"{name}{i}" for i in range(7)])
    made["figure"] |= {"columns": list(columns)} | options
    for study in made["studies"]:
        study["cells"] = {
            c: round(draws.uniform(-300, 3000), draws.choice((0, 1, 2)))
            if c.startswith(("mean", "sd", "n"))
            else draws.choice(WORDS)
            for c in columns
        }
    return made


OTHERS = ("comparator", "outcome", "rob", "confidence", "n", "disorder", "rater", "timepoint")


@pytest.mark.parametrize("count", range(1, 9))
def test_any_number_of_columns_leaves_every_name_and_cell_whole(count):
    for seed, preset in enumerate(PRESETS):
        draws = random.Random(100 * count + seed)  # noqa: S311 nothing secret
        columns = draws.sample(OTHERS + REVMAN, count)
        made = columned(columns, seed, words=draws.choice((1, 4, 14)))
        layout = forest(made)
        figure = draw(layout, PRESETS[preset])
        boxes_of(figure)
        names = [row.label for row in layout.sections[0].rows if row.kind == "study"]
        assert len(set(names)) == 7
        rows = [
            [c for c, name in zip(row.cells, columns, strict=False) if name != "rob"] for row in layout.sections[0].rows
        ]
        nothing_cut(figure, *names, *(c for cells in rows for c in cells if "." not in c and not c.isdigit()))
        assert figure.get_size_inches()[0] <= Style().width_max + 1e-6


def test_revmans_six_columns_are_taken_and_drawn():
    plan = Synthesis.model_validate({"title": "x", "lane": "B", "metric": "g", "sources": ["s"], "columns": REVMAN})
    figure = draw(forest(columned(plan.columns)))
    heads = {"Mean", "SD", "n", "treated", "control"}
    assert heads <= {t.get_text() for t in figure.texts}


def test_names_of_usual_length_keep_the_page_and_only_the_plot_gets_smaller():
    few, many = (draw(forest(columned(columns, words=1))) for columns in (["n"], ["n", "n_treat", "n_control"]))
    assert few.get_size_inches()[0] == many.get_size_inches()[0] == Style().width


def test_columns_that_no_page_holds_are_refused_by_figure_column_and_width():
    with pytest.raises(InputError) as caught:
        draw(forest(columned([*OTHERS, *REVMAN])), replace(Style(), width_max=8.0))
    message = str(caught.value)
    for said in ("figure x, columns", "14 columns", "allowed: at most 8 inches", "Comparator 0.", "SD control 0."):
        assert said in message


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_and_cells_of_the_real_data_are_drawn_whole():
    plan = read_yaml(ROOT / "config.yaml")
    for name, own in plan["syntheses"].items():
        rows = []
        for source in own["sources"]:
            with (ROOT / "data" / "raw" / source / "effects.csv").open(encoding="utf-8", newline="") as handle:
                rows += list(csv.DictReader(handle))
        by_sample = {row["sample_id"]: row for row in rows if row["label"] or row["study"]}
        kept = sorted(by_sample.values(), key=lambda row: -len(row["label"] or row["study"]))[:20]
        labels = [row["label"] or row["study"] for row in kept]
        made = document(len(kept), labels=labels, title=own["title"])
        made["figure"] |= {"columns": own["columns"], "favours": own.get("favours")}
        for study, row in zip(made["studies"], kept, strict=True):
            study["cells"] = {c: row.get(c) or "" for c in own["columns"]}
        figure = draw(forest(made))
        nothing_cut(figure, *labels)
        boxes_of(figure)
        assert figure.get_size_inches()[0] == Style().width, name


@pytest.mark.parametrize("long", ["favours " + "a very long treatment " * 9, "x" * 300])
def test_long_titles_headings_notes_and_directions_stay_on_the_page(long):
    made = grouped(6)
    made["figure"] |= {"favours": [long, f"{long} too"], "note": long}
    made["title"] = long
    for study in made["studies"]:
        study["comparator"] += long
    made["groups"] = []
    layout = forest(made)
    section = replace(layout.sections[0], heading=long)
    figure = draw(replace(layout, sections=(section,)))
    boxes_of(figure)
    nothing_cut(figure, long)


def test_wrapped_leaves_nothing_out_and_keeps_within_the_width():
    with settings():
        page = Page(Style(), 1.0)
        for content in ("a" * 200, "one two three", "x " + "long" * 50 + " y z", ""):
            for width in (0.05, 0.4, 2.0):
                lines = page.wrapped(content, width, 8.0)
                assert "".join(lines).replace(" ", "") == content.replace(" ", "")
                assert all(page.width(line, 8.0) <= width + 1e-6 or len(line) == 1 for line in lines)


# --- no effect, and the words about its sides ---------------------------------------------------------------------


def rows_between(low, high):
    middle = (low + high) / 2
    return [
        Row("study", "one", "B", estimate=middle, ci_low=low, ci_high=high),
        Row("pooled", "all", "B", estimate=middle, ci_low=low, ci_high=high),
    ]


def test_the_arrow_of_a_cut_limit_is_clear_of_the_outermost_mark():
    made = document(60)
    made["studies"][7] |= {"yi": -1.0, "vi": 4.0}
    made["studies"][9] |= {"yi": 2.0, "vi": 4.0}
    section = forest(made).sections[0]
    studies = [row for row in section.rows if row.kind == "study"]
    assert min(row.ci_low for row in studies) < section.low
    assert max(row.ci_high for row in studies) > section.high
    span = section.high - section.low
    assert all(section.low + 0.04 * span < row.estimate < section.high - 0.04 * span for row in studies)


@pytest.mark.parametrize("clip", [0.0, 0.02, 0.06, 0.3])
@pytest.mark.parametrize(("low", "high"), [(0.2, 0.3), (-0.9, -0.8), (3.0, 3.001), (-0.1, 0.1)])
def test_no_effect_is_on_the_axis_whatever_may_be_cut(low, high, clip):
    section = section_of("x", "g", (), rows_between(low, high), 0.95, clip=clip)
    assert section.low < section.null < section.high
    assert (
        section.ticks[
            section.tick_texts.index(next(t for t in section.tick_texts if float(t.replace(text.MINUS, "-")) == 0))
        ]
        == 0
    )


def directions(section, low, high):
    layout = forest(document(4))
    figure = draw(
        replace(
            layout,
            sections=(replace(section, low=low, high=high, ticks=(), tick_texts=(), favours=("worse", "better")),),
        )
    )
    boxes_of(figure)
    return {t.get_text(): t.start[0] for t in figure.texts if "worse" in t.get_text() or "better" in t.get_text()}


def test_words_about_directions_stand_on_their_side_of_no_effect_or_not_at_all():
    section = forest(document(4)).sections[0]
    both = directions(section, -1.0, 1.0)
    assert list(both) == ["\N{LEFTWARDS ARROW} worse", "better \N{RIGHTWARDS ARROW}"]
    # The axis shows one side only: the word of the other side would stand where its results never are.
    assert list(directions(section, 0.1, 1.0)) == ["better \N{RIGHTWARDS ARROW}"]
    assert list(directions(section, -1.0, -0.1)) == ["\N{LEFTWARDS ARROW} worse"]


def test_ticks_of_a_wide_ratio_axis_do_not_touch():
    made = document(6, metric="log_odds_ratio")
    made["studies"][0] |= {"yi": 6.0, "vi": 0.2}
    made["studies"][1] |= {"yi": -6.0, "vi": 0.2}
    boxes_of(draw(forest(made)))


def test_a_short_ratio_axis_has_round_ratios():
    section = section_of("x", "log_risk_ratio", (), rows_between(-0.1, -0.05), 0.95)
    assert len(section.ticks) >= 3
    assert [math.exp(t) for t in section.ticks] == pytest.approx([float(t) for t in section.tick_texts])
    assert "1" in section.tick_texts


def test_squares_grow_with_weight_and_arrows_mark_cut_intervals():
    made = document(150, spread=1.0)
    made["studies"][7] |= {"vi": 4.0}
    layout = forest(made)
    section = layout.sections[0]
    figure = draw(layout)
    boxes = [a for a in figure.artists if isinstance(a, Rectangle) and a.get_width() == a.get_height()]
    rows = [r for r in section.rows if r.kind == "study"]
    assert len(boxes) == len(rows)
    order = sorted(range(len(rows)), key=lambda i: rows[i].weight)
    assert boxes[order[0]].get_width() < boxes[order[-1]].get_width()
    cut = sum((r.ci_low < section.low) + (r.ci_high > section.high) for r in rows)
    triangles = [a for a in figure.artists if isinstance(a, Polygon) and len(a.get_xy()) == 4]
    assert len(triangles) == cut > 0
