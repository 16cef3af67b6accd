"""Figures as layout data first, then as ink: positions, clipping, text from data, bytes."""

import math

import pytest
import synthesis
from matplotlib.patches import Polygon, Rectangle
from synthesis import text
from synthesis.figures.comparison import comparison
from synthesis.figures.forest import DPI, FORMATS, MAX_PIXELS, draw, save
from synthesis.figures.layout import forest
from synthesis.models.config import ComparisonFigure


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


def comparison_layout(studies):
    plan = ComparisonFigure.model_validate(
        {"title": "Both", "studies": studies, "blocks": [{"synthesis": "b"}, {"synthesis": "a"}], "bridges": ["m"]}
    )
    documents = {"a": document(5, "z", "A", name="a"), "b": document(7, "g", "B", name="b")}
    first = {"estimate": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    second = {"estimate": 0.4, "ci_low": 0.2, "ci_high": 0.6}
    bridge = [
        {"contrast": contrast, "association": "a", "effect": "b", "unit": "d"}
        | {f"association_{key}": value for key, value in first.items()}
        | {f"effect_{key}": value for key, value in second.items()}
        for contrast in ("2_sd", "1_sd")
    ]
    return comparison("both", plan, documents, {"A": [REFERENCE]}, [("Bridge", bridge)])


@pytest.mark.parametrize("studies", [True, False])
def test_comparison_keeps_lanes_apart_on_their_own_axes(studies):
    layout = comparison_layout(studies)
    assert [section.name for section in layout.sections] == ["lane A", "lane B", "lane C"]
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


# --- ink ----------------------------------------------------------------------------------------------------------

LABELS = ["<script>alert(1)</script>", r"$\alpha$ and $x", "Flückiger & Ødegård", "吳 2019", "A" * 200, "100% _x_ ^y^"]


@pytest.mark.parametrize("layout", [forest(document(6, labels=LABELS)), comparison_layout(True)])
def test_texts_stay_on_the_page_and_do_not_run_into_each_other(layout):
    figure = draw(layout)
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in figure.texts if t.get_text()]
    width, height = figure.get_size_inches() * figure.dpi
    for content, box in boxes:
        assert box.x0 >= 0, content
        assert box.x1 <= width, content
        assert box.y0 >= 0, content
        assert box.y1 <= height, content
    slack = 0.02 * figure.dpi
    for i, (content, a) in enumerate(boxes):
        for other, b in boxes[i + 1 :]:
            apart = a.x1 <= b.x0 + slack or b.x1 <= a.x0 + slack or a.y1 <= b.y0 + slack or b.y1 <= a.y0 + slack
            assert apart, (content, other)


def test_text_from_data_is_shown_as_written():
    figure = draw(forest(document(6, labels=LABELS)))
    shown = [t for t in figure.texts if t.get_text().startswith((r"$\alpha$", "<script>", "100%"))]
    assert len(shown) == 3
    assert not any(t.get_parse_math() for t in figure.texts)
    assert any(t.get_text().startswith("AAAA") and t.get_text().endswith("…") for t in figure.texts)


def test_squares_grow_with_weight_and_arrows_mark_cut_intervals():
    layout = forest(document(150, spread=1.0))
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


@pytest.mark.parametrize("k", [1, 5, 150])
def test_the_same_layout_gives_the_same_bytes(tmp_path, k):
    layout = forest(document(k))
    contents = []
    for run in ("a", "b"):
        paths = {kind: tmp_path / f"{run}.{kind}" for kind in FORMATS}
        save(draw(layout), paths)
        contents.append([paths[kind].read_bytes() for kind in FORMATS])
    assert contents[0] == contents[1]
    assert all(len(content) > 1000 for content in contents[0])


def test_a_tall_figure_gets_a_coarser_png_and_stays_legible_in_the_others(tmp_path):
    figure = draw(forest(document(150)))
    save(figure, {"png": tmp_path / "x.png"})
    height = int.from_bytes((tmp_path / "x.png").read_bytes()[20:24], "big")
    assert height == pytest.approx(min(MAX_PIXELS, DPI * figure.get_size_inches()[1]), abs=2)
    sizes = {t.get_fontsize() for t in figure.texts}
    assert min(sizes) >= 6.5


# --- numbers as they are read -------------------------------------------------------------------------------------


def test_numbers():
    assert text.number(-0.004) == "0.00"
    assert text.number(-0.126) == "\N{MINUS SIGN}0.13"
    assert text.interval(-0.1, 0.25) == "[\N{MINUS SIGN}0.10, 0.25]"
    assert text.interval(None, 0.2) == ""
    assert text.p_value(0.0004) == "p < 0.001"
    assert text.p_value(0.0456) == "p = 0.046"
    assert text.count(12345) == "12\N{NARROW NO-BREAK SPACE}345"
    assert text.plural(1, "sample") == "1 sample"
    assert text.plural(2, "sample") == "2 samples"
    assert text.variance(0.0123, 0.0, 0.2) == "0.012 [0.000, 0.200]"
    assert text.variance(0.0006, 0.0, 0.0123) == "0.0006 [0.0000, 0.0123]"
