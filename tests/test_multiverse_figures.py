"""The figures of a multiverse as data: curves, their frame, thresholds, and what lies beyond."""

import pytest
from msgspec.structs import replace
from synthesis.draw.marks import marks_of
from synthesis.draw.multiverse_figure import specification, vibration
from synthesis.draw.panels import draw
from synthesis.draw.svg import svg_of
from synthesis.results.curves import NamedThreshold
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
        assert "1 estimate lies beyond the axis, drawn at its end." in chart.notes
        assert "drawn at its end" not in " ".join(layout(document).notes)
    marks = [point.kind for point in specification(far).panels[0].points]
    assert (marks.count("beyond_up"), marks.count("beyond_down")) == (1, 0)
    assert [point.kind for point in vibration(far).panels[0].points].count("beyond_right") == 1
    assert "beyond_right" in {key.kind for key in vibration(far).legend}
    assert "beyond_right" not in {key.kind for key in vibration(document).legend}
    axis = vibration(far).panels[0].x
    assert axis.high < 1
    assert max(p.x for p in vibration(far).panels[0].points) == axis.high
    assert len(axis.ticks) > 1


def test_intervals_that_the_frame_cuts_have_an_arrow_head_and_are_counted(document):
    curve = document.curves[0]
    drawn = [replace(point, ci_low=0.0, ci_high=0.4, estimate=0.2) for point in curve.drawn * 30]
    drawn[0], drawn[-1] = replace(drawn[0], ci_low=-7.0), replace(drawn[-1], ci_low=-8.0, ci_high=9.0)
    chart = specification(replace(document, curves=(replace(curve, drawn=tuple(drawn)),)))
    heads = [(point.kind, point.x) for point in chart.panels[0].points if point.kind.startswith("cut")]
    last = len(drawn) - 0.5
    assert heads == [("cut_down", 0.5), ("cut_down", last), ("cut_up", last)]
    assert "2 intervals go on beyond the axis." in chart.notes
    assert "cut_up" in {key.kind for key in chart.legend}
    assert chart.height == max(point.y for point in chart.panels[0].points)


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
