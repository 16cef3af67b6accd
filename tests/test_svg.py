"""The SVG of a figure: one named group per mark, text as text, nothing that a strict page refuses."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hand_made import forest
from synthesis.draw import canvas, claims_figure, lights, panels, risk  # noqa: F401 panels tells how a chart is drawn
from synthesis.draw import kinds as kinds
from synthesis.draw.canvas import Page, Style, draw, settings
from synthesis.draw.chart import Axis, Chart, Key, Panel, Point
from synthesis.draw.letters import face_of
from synthesis.draw.marks import marks_of
from synthesis.draw.svg import svg_of
from synthesis.report.assets import read_asset
from test_figures import LABELS, comparison_layout, document
from tolerances import TENTH_OF_A_POINT

SVG = "{http://www.w3.org/2000/svg}"


def drawn(layout, name="forest_x"):
    return svg_of(draw(layout), name, layout.title, "Described.", marks_of(layout))


def groups(svg):
    root = ElementTree.fromstring(svg)  # noqa: S314
    return [e for e in root if e.get("class") == "mark"]


def test_each_text_has_the_room_that_our_font_takes_where_another_one_stands_in():
    texts = [e for e in ElementTree.fromstring(drawn(forest(document(6)))).iter(f"{SVG}text") if len(e.text) > 1]  # noqa: S314
    assert len(texts) > 30
    for text in texts:
        weight = {"700": "bold"}.get(text.get("font-weight"), "normal")
        width = face_of(weight, text.get("font-style", "normal")).width(text.text) * float(text.get("font-size"))
        assert float(text.get("textLength")) == pytest.approx(width, abs=TENTH_OF_A_POINT)


@pytest.mark.parametrize("layout", [forest(document(6)), comparison_layout(True), comparison_layout(False)])
def test_every_row_with_data_is_a_group_that_names_what_is_behind_it(layout):
    marks = groups(drawn(layout))
    rows = [row for section in layout.sections for row in section.rows if row.effects or row.synthesis]
    assert len(marks) == len(rows) > 0
    for mark, row in zip(marks, rows, strict=True):
        assert mark.get("data-effects", "").split() == list(row.effects)
        assert mark.get("data-synthesis", "") == row.synthesis
        assert all(name in mark.get("id") for name in row.effects)
        assert mark.get("data-label").startswith(row.label)
        assert mark[0].get("class") == "area"
        shown = mark.find(f"{SVG}text").text.rstrip("…")
        assert row.label.startswith(shown)
        assert shown


def test_names_are_unique_and_begin_with_the_figure(tmp_path):
    svg = drawn(comparison_layout(True))
    names = re.findall(r'\bid="([^"]*)"', svg)
    assert len(names) == len(set(names))
    assert all(name.startswith("forest_x") for name in names)


def test_it_has_a_name_and_no_style_and_is_small(tmp_path):
    layout = forest(document(150))
    svg = drawn(layout)
    assert not re.search("style|metadata|DOCTYPE|xlink", svg)
    assert f'<title id="forest_x.title">{layout.title}</title>' in svg
    assert '<desc id="forest_x.description">Described.</desc>' in svg
    assert len(svg) < 1200 * 150


@pytest.mark.filterwarnings("ignore:Glyph")
def test_text_from_data_stays_text(tmp_path):
    marks = groups(drawn(forest(document(6, labels=LABELS))))
    shown = {text.text for mark in marks for text in mark.iter(f"{SVG}text")}
    assert {"<script>alert(1)</script>", "吳 2019", "100% _x_ ^y^"} <= {s.removesuffix(" (2 estimates)") for s in shown}


def test_areas_meet_between_neighbouring_rows_and_do_not_overlap(tmp_path):
    areas = [mark[0] for mark in groups(drawn(forest(document(9))))]
    edges = [(float(a.get("y")), float(a.get("y")) + float(a.get("height"))) for a in areas]
    for (_, bottom), (top, _) in pairwise(edges[:9]):
        assert top == pytest.approx(bottom, abs=0.02)


def test_the_same_layout_gives_the_same_bytes(tmp_path):
    layout = forest(document(20))
    assert drawn(layout) == drawn(layout)


def shapes_of(paint):
    """The SVG of what `paint` puts on a page of two inches by one."""
    with settings():
        page = Page(Style(width=2.0), 1.0)
        paint(page)
    return ElementTree.fromstring(svg_of(page.figure, "x", "t", "d"))  # noqa: S314


def test_circles_and_lines_that_look_alike_take_little_room():
    def paint(page):
        page.circle(0.5, 0.25, 0.125, "#112233")
        for i in range(3):
            page.line([i / 8, i / 8], [0.0, 0.5], "#000000")
        page.line([1.0, 1.0], [0.0, 0.5], "#ff0000", dashes=(2.5, 2.0))

    root = shapes_of(paint)
    (circle,) = root.iter(f"{SVG}circle")
    assert [circle.get(name) for name in ("cx", "cy", "r", "fill")] == ["36", "18", "9", "#112233"]
    _, alike, other = root.iter(f"{SVG}path")
    assert alike.get("d") == "M 0 0 L 0 36 M 9 0 L 9 36 M 18 0 L 18 36"
    assert (other.get("d"), other.get("stroke"), other.get("stroke-dasharray")) == (
        "M 72 0 L 72 36",
        "#ff0000",
        "2 1.6",
    )
    assert float(other.get("stroke-width")) == 0.8


def test_texts_stand_where_the_page_aligned_them_whatever_font_shows_them():
    def paint(page):
        for side, style in (("left", "normal"), ("center", "italic"), ("right", "normal")):
            page.text(1.0, 0.5, side, 10.0, side, "#445566", "bold", style)

    left, centre, right = shapes_of(paint).iter(f"{SVG}text")
    assert [e.text for e in (left, centre, right)] == ["left", "center", "right"]
    assert [e.get("x") for e in (left, centre, right)] == ["72"] * 3
    assert [e.get("text-anchor") for e in (left, centre, right)] == [None, "middle", "end"]
    assert {(e.get("font-weight"), e.get("font-size"), e.get("fill")) for e in (left, centre, right)} == {
        ("700", "10", "#445566")
    }
    assert [e.get("font-style") for e in (left, centre, right)] == [None, "italic", None]
    assert 36 < float(left.get("y")) < 42


def test_what_reaches_beyond_its_box_is_cut_there_and_nothing_else_is():
    def paint(page):
        for right in (0.9, 1.5):
            shape = page.polygon([(0.2, 0.2), (right, 0.2), (right, 0.6)], "#112233", None)
            page.clip(shape, 0.1, 0.1, 1.0, 0.7)

    root = shapes_of(paint)
    inside, beyond = [*root.iter(f"{SVG}path")][1:]
    assert inside.get("clip-path") is None
    (clip,) = root.iter(f"{SVG}clipPath")
    assert beyond.get("clip-path") == f"url(#{clip.get('id')})"
    assert [clip[0].get(name) for name in ("x", "y", "width", "height")] == ["7.2", "7.2", "64.8", "43.2"]


def test_a_page_has_its_density_again_after_it_was_drawn():
    figure = draw(forest(document(3)))
    before = figure.dpi
    svg_of(figure, "x", "t", "d")
    assert figure.dpi == before == canvas.DPI


@pytest.mark.parametrize("hostile", ['"/><script>alert(1)</script>', "</text></svg><script>", "a & b <!-- ]]> -->"])
def test_no_text_of_the_data_is_markup(hostile):
    layout = forest(document(4, labels=[hostile] * 4))
    svg = svg_of(draw(layout), "x", hostile, hostile, marks_of(layout))
    root = ElementTree.fromstring(svg)  # noqa: S314
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "desc", "g", "rect", "path", "text"}
    assert root[0].text == root[1].text == hostile
    assert hostile in "".join(text.text for text in root.iter(f"{SVG}text"))
    assert [m.get("data-label").startswith(hostile) for m in groups(svg)][:4] == [True] * 4


# --- dark pages ---------------------------------------------------------------------------------------------------


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour, other):
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def dark_theme():
    """Paper of dark pages, and what the style sheet makes of each colour there, as fill and as stroke."""
    sheet = read_asset("style.css")
    block = sheet[sheet.index("@media screen and (prefers-color-scheme: dark)") : sheet.index("* { box-sizing")]
    named = dict(re.findall(r"(--[\w-]+): (#\w+)", block))
    found = {"fill": {}, "stroke": {}}
    for kind, colour, other, value in re.findall(r'\[(fill|stroke)="(#\w+)"\] \{ (fill|stroke): ([^;]+); \}', block):
        assert kind == other
        assert colour not in found[kind], colour
        found[kind][colour] = named[value[4:-1]] if value.startswith("var(") else value
    return named["--paper"], found


def palette():
    """Every colour that a figure can have."""
    colours = {canvas.DARK, canvas.FAINT, canvas.GRID, canvas.BAND, "#ffffff", "#000000", *claims_figure.HOLDS.values()}
    colours |= {*canvas.LANE_COLOUR.values(), *canvas.RISK_COLOUR.values(), *canvas.BANDS.values()}
    colours |= {*kinds.SHADES.values(), *(stroke.colour for stroke in kinds.STROKES.values())} - {kinds.LANE}
    colours |= {c for fill in kinds.FILLS.values() for c in (fill.face, fill.edge)} - {kinds.LANE, "white"}
    colours |= {c for style in canvas.PRESETS.values() for c in (*style.marks.values(), *style.diamonds.values())}
    colours |= {*risk.SCORE_COLOURS, *risk.OPEN_COLOURS, risk.OTHER_COLOUR, lights.NOT_JUDGED}
    return colours | set(claims_figure.VERDICT_COLOUR.values())


def test_every_colour_of_a_figure_has_one_for_dark_pages_the_same_in_marks_and_legend():
    _, theme = dark_theme()
    assert palette() <= set(theme["fill"])
    assert theme["fill"] == theme["stroke"]


def test_stronger_on_white_is_stronger_on_dark():
    paper, theme = dark_theme()
    greys = sorted((c for c in palette() if c[1:3] == c[3:5] == c[5:7] and c != "#000000"), key=luminance)
    for scale in (greys, [*reversed(risk.SCORE_COLOURS)], [*reversed(risk.OPEN_COLOURS)]):
        assert scale == sorted(scale, key=luminance)
        seen = [contrast(theme["fill"][colour], paper) for colour in scale]
        assert all(a > b for a, b in pairwise(seen)), scale


def test_marks_are_seen_on_dark_pages_and_judgements_stay_apart():
    paper, theme = dark_theme()
    marks = {
        canvas.DARK,
        canvas.FAINT,
        *canvas.LANE_COLOUR.values(),
        *canvas.RISK_COLOUR.values(),
        *claims_figure.VERDICT_COLOUR.values(),
    }
    marks |= {kinds.STROKES[kind].colour for kind in ("choice", "uncertain choice")}
    for colour in marks:
        assert contrast(theme["fill"][colour], paper) >= 3, colour
    assert len({theme["fill"][c] for c in canvas.RISK_COLOUR.values()}) == len(canvas.RISK_COLOUR)


def test_points_have_colours_that_a_style_sheet_reaches():
    shown = ("pooled", "added", "sample", "marked", "estimate")
    points = tuple(Point(kind, x / 4, y / 4, 0.06, f"{kind}{x}") for y, kind in enumerate(shown) for x in range(1, 4))
    legend = tuple(Key("point", kind, kind) for kind in shown)
    chart = Chart("x", "x", "t", "A", (Panel(Axis("", 0, 1), Axis("", -0.5, 1.5), points=points),), legend=legend)
    root = ElementTree.fromstring(drawn(chart))  # noqa: S314
    assert not [*root.iter(f"{SVG}use")]
    circles = [*root.iter(f"{SVG}circle")]
    assert len(circles) == 4 * (len(shown) - 1)
    _, theme = dark_theme()
    assert {e.get("fill") for e in circles} | {e.get("stroke") for e in circles} <= set(theme["fill"])
    assert {e.get("fill-opacity") for e in circles} == {None, "0.55"}
