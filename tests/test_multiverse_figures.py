"""The figures of a multiverse as data: curves, their frame, thresholds, and what lies beyond."""

from itertools import pairwise

import pytest
from msgspec.structs import replace
from synthesis.draw.canvas import DARK
from synthesis.draw.kinds import FILLS
from synthesis.draw.marks import marks_of
from synthesis.draw.multiverse_figure import specification, vibration
from synthesis.draw.panels import draw
from synthesis.draw.svg import svg_of
from synthesis.results.curves import CurveTest, NamedThreshold
from test_multiverse import summarised


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    return summarised(tmp_path_factory.mktemp("document"), "$\\alpha$ <script>alert(1)</script>")


def test_the_specification_curve_as_data(document):
    chart = specification(document)
    assert len(chart.panels) == len(document.curves) == 2
    assert [p.heading.split()[0] for p in chart.panels] == ["A:", "B:"]
    options = sum(len(f.options) for f in document.factors if len(f.options) > 1)
    assert len(chart.rows) == options
    for panel, curve in zip(chart.panels, document.curves, strict=True):
        heights = [point.y for point in panel.points if point.kind == "marked_small"]
        assert heights == sorted(heights)
        assert len(heights) == len(curve.drawn)
        # Each drawn specification has one option of every decision.
        factors = sum(len(f.options) > 1 for f in document.factors)
        widths = [line.x[1] - line.x[0] for line in panel.lines if line.kind.endswith("choice")]
        assert sum(widths) == pytest.approx(factors * len(curve.drawn))
        assert all(0 <= y <= chart.height for line in panel.lines for y in line.y)


def test_vibration_as_data(document):
    chart = vibration(document)
    for panel, curve in zip(chart.panels, document.curves, strict=True):
        assert [p.x for p in panel.points] == [d.estimate for d in curve.drawn]
        assert [10**-p.y for p in panel.points] == pytest.approx([d.p for d in curve.drawn])


@pytest.mark.parametrize("layout", [specification, vibration])
def test_figures_show_text_from_the_plan_as_it_is(document, layout, tmp_path):
    contents = [svg_of(draw(layout(document)), "x", "title", "", marks_of(layout(document))) for _ in range(2)]
    assert contents[0] == contents[1]
    assert "<script" not in contents[0]


def test_estimates_far_from_all_others_are_drawn_at_the_end_and_counted(document):
    curve = document.curves[0]
    drawn = [
        replace(point, estimate=0.2 + i / 1000, ci_low=0.1, ci_high=0.4) for i, point in enumerate(curve.drawn * 4)
    ]
    drawn[-1] = replace(drawn[-1], estimate=9.0, ci_high=9.5)
    far = replace(document, curves=(replace(curve, drawn=tuple(drawn)),))
    for layout in (specification, vibration):
        chart = layout(far)
        assert "Of those drawn, 1 estimate lies beyond the axis, at its end." in chart.notes
        assert "at its end" not in " ".join(layout(document).notes)
    marks = [point.kind for point in specification(far).panels[0].points]
    assert (marks.count("beyond_up"), marks.count("beyond_down")) == (1, 0)
    assert [point.kind for point in vibration(far).panels[0].points].count("beyond_right") == 1
    assert "beyond_right" in {key.kind for key in vibration(far).legend}
    assert "beyond_right" not in {key.kind for key in vibration(document).legend}
    axis = vibration(far).panels[0].x
    assert axis.high < 1
    # The head of an arrow stands clear of the frame, where it would read as that of the axis, in a strip of its own.
    (place,) = (p.x for p in vibration(far).panels[0].points if p.kind == "beyond_right")
    unit = vibration(far).panel_width / (axis.high - axis.low)
    assert (axis.high - place) * unit > 0.06
    (strip,) = (area for area in vibration(far).panels[0].areas if area.kind == "background")
    assert min(strip.x) < place < max(strip.x) == axis.high
    assert len(axis.ticks) > 1


def test_arrow_heads_beyond_the_axis_of_vibration_hide_neither_each_other_nor_an_estimate(document):
    curve = document.curves[0]
    drawn = [replace(p, spec=i, estimate=0.2 + i / 4000, p=0.01) for i, p in enumerate(curve.drawn * 120)]
    for i, (estimate, p) in enumerate(((9.0, 0.1), (9.5, 0.11), (8.0, 0.09), (-7.0, 0.2))):
        drawn[i] = replace(drawn[i], estimate=estimate, p=p)
    chart = vibration(replace(document, curves=(replace(curve, drawn=tuple(drawn)),)))
    panel = chart.panels[0]
    across, up = chart.panel_width / (panel.x.high - panel.x.low), chart.height / (panel.y.high - panel.y.low)
    heads = [p for p in panel.points if p.kind.startswith("beyond")]
    assert sorted(p.kind for p in heads) == ["beyond_left", *["beyond_right"] * 3]
    for head in heads:
        for other in panel.points:
            apart = max(abs(head.x - other.x) * across, abs(head.y - other.y) * up)
            assert other is head or apart > (head.size + other.size) / 2 - 1e-9
    words = {key.kind: key.content for key in chart.legend}
    assert words["beyond_right"] == "one beyond the axis, in the grey strip at the right"
    assert words["beyond_left"] == "one beyond the axis, in the grey strip at the left"


def test_intervals_that_the_frame_cuts_have_an_arrow_head_and_are_counted(document):
    curve = document.curves[0]
    drawn = [replace(point, ci_low=0.0, ci_high=0.4, estimate=0.2) for point in curve.drawn * 30]
    drawn[0], drawn[-1] = replace(drawn[0], ci_low=-7.0), replace(drawn[-1], ci_low=-8.0, ci_high=9.0)
    chart = specification(replace(document, curves=(replace(curve, drawn=tuple(drawn)),)))
    heads = [(point.kind, point.x) for point in chart.panels[0].points if point.kind.startswith("cut")]
    last = len(drawn) - 0.5
    assert heads == [("cut_down", 0.5), ("cut_down", last), ("cut_up", last)]
    assert "Of those drawn, 2 intervals go on beyond the axis." in chart.notes
    words = {key.kind: key.content for key in chart.legend}
    assert (words["cut_up"], words["cut_down"]) == tuple(
        f"CI goes on {side} (neighbours share a head)" for side in ("above", "below")
    )
    # Of those beside each other one in the width of a head.
    count = len(drawn) // 25
    many = [drawn[0]] * count + [drawn[1]] * (24 * count)
    dense = specification(replace(document, curves=(replace(curve, drawn=tuple(many)),)))
    (panel,), places = dense.panels, [p.x for p in dense.panels[0].points if p.kind == "cut_down"]
    inch = (panel.x.high - panel.x.low) / dense.panel_width
    assert 1 < len(places) < count
    assert min(b - a for a, b in pairwise(places)) >= 0.05 * inch
    assert f"Of those drawn, {count} intervals go on beyond the axis." in dense.notes
    # Seen on the intervals: neither their colour nor that of an estimate beyond the axis.
    assert {FILLS[kind].face for kind in ("cut_up", "cut_down")} == {"white"}
    assert FILLS["cut_up"].edge == DARK
    one_way = specification(replace(document, curves=(replace(curve, drawn=(drawn[0], *drawn[1:-1])),)))
    assert {key.kind for key in one_way.legend if key.kind.startswith("cut")} == {"cut_down"}
    assert len(chart.panels[0].y.ticks) > 3
    assert chart.height == pytest.approx(max(p.y + 0.4 * p.size for p in chart.panels[0].points))
    first, axis = heads[0][1] - 0.5, chart.panels[0].x
    assert (first - axis.low) / (axis.high - axis.low) * chart.panel_width == pytest.approx(0.06, rel=0.02)


def test_an_estimate_beyond_the_axis_hides_no_arrow_head_of_its_limit_and_files_hold_its_number(document):
    curve = document.curves[0]
    drawn = [replace(point, ci_low=0.0, ci_high=0.4, estimate=0.2) for point in curve.drawn * 30]
    drawn[-1] = replace(drawn[-1], spec=10**9, estimate=9.0, ci_low=-7.0, ci_high=9.5)
    chart = specification(replace(document, curves=(replace(curve, drawn=tuple(drawn)),)))
    assert sorted(p.kind for p in chart.panels[0].points if p.key == "1000000000") == ["beyond_up", "cut_down"]
    rows = [row for row in chart.table() if row["key"] == "1000000000"]
    assert [row["value"] for row in rows if row["element"] == "line"] == [-7.0, 9.5]
    assert {row["kind"]: row["value"] for row in rows if row["element"] == "point"} == {
        "beyond_up": 9.0, "cut_down": -7.0,
    }  # fmt: skip
    beside = vibration(replace(document, curves=(replace(curve, drawn=tuple(drawn)),)))
    (row,) = (row for row in beside.table() if row["kind"] == "beyond_right")
    assert row["value"] == 9.0
    assert {row["value"] for row in beside.table() if row["kind"] == "estimate"} == {0.2}


def test_the_specification_curve_says_of_how_many_analyses_its_tests_are(document):
    tested = [replace(curve, test=test) for curve, test in zip(document.curves, _tests(7, 7), strict=True)]
    (said,) = (note for note in specification(replace(document, curves=tuple(tested))).notes if "Tested" in note)
    assert "Tested: 7 analyses of each curve, with one value per sample and no adjustment for bias." in said
    tested = [replace(curve, test=test) for curve, test in zip(document.curves, _tests(7, 5), strict=True)]
    (said,) = (note for note in specification(replace(document, curves=tuple(tested))).notes if "Tested" in note)
    assert "Tested: 7 analyses of A; 5 analyses of B, with one value" in said


def _tests(*numbers):
    stated = {"permutations": 499, "median": 0.2, "median_p": 0.002, "share_significant": 1.0}
    rest = {"share_significant_p": 0.002, "stouffer_z": 9.0, "stouffer_p": 0.002}
    return [CurveTest(specifications=number, **stated, **rest) for number in numbers]


def test_thresholds_have_letters_at_their_lines(document):
    assert {line.label for panel in specification(document).panels for line in panel.lines} == {""}
    several = [NamedThreshold(key=key, label=key, value=value) for key, value in (("m", 0.3), ("s", 0.1), ("l", 0.4))]
    lettered = replace(document, thresholds=tuple(several))
    for layout in (specification, vibration):
        chart = layout(lettered)
        said = {line.key: line.label for line in chart.panels[-1].lines if line.kind == "threshold"}
        assert said == {"s": "a", "m": "b", "l": "c"}
        (words,) = (key.content for key in chart.legend if key.kind == "threshold")
        assert [words.index(f"{said[key]}: {key} (") for key in "sml"] == sorted(
            words.index(f"{said[key]}: {key} (") for key in "sml"
        )
        assert {"a", "b", "c"} <= {text.get_text() for text in draw(chart).texts}
