"""The drawing for the report: one named group per mark, text as text, nothing that a strict page refuses."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from synthesis.draw import claims_figure as claims
from synthesis.draw import forest as forest_ink
from synthesis.draw import ink, risk
from synthesis.draw import sheet as page
from synthesis.draw.chart import Axis, Chart, Key, Panel, Point
from synthesis.draw.forest import draw, save
from synthesis.draw.live import live, save_live
from synthesis.draw.marks import flat
from synthesis.draw.rows import forest
from synthesis.report.assets import read_asset
from test_figures import LABELS, comparison_layout, document

SVG = "{http://www.w3.org/2000/svg}"


def drawn(layout, folder, name="forest_x"):
    path = folder / f"{name}.svg"
    save_live(draw(layout), path, layout.title, "Described.", flat(layout))
    return path.read_text(encoding="utf-8")


def groups(svg):
    root = ElementTree.fromstring(svg)  # noqa: S314
    return [e for e in root if e.get("class") == "mark"]


@pytest.mark.parametrize("layout", [forest(document(6)), comparison_layout(True), comparison_layout(False)])
def test_every_row_with_data_is_a_group_that_names_what_is_behind_it(layout, tmp_path):
    marks = groups(drawn(layout, tmp_path))
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
    svg = drawn(comparison_layout(True), tmp_path)
    names = re.findall(r'\bid="([^"]*)"', svg)
    assert len(names) == len(set(names))
    assert all(name.startswith("forest_x") for name in names)


def test_it_has_a_name_and_no_style_and_is_small(tmp_path):
    layout = forest(document(150))
    svg = drawn(layout, tmp_path)
    assert not re.search("style|metadata|DOCTYPE|xlink", svg)
    assert f'<title id="forest_x.title">{layout.title}</title>' in svg
    assert '<desc id="forest_x.description">Described.</desc>' in svg
    save(draw(layout), {"svg": tmp_path / "paths.svg"})
    assert len(svg) < (tmp_path / "paths.svg").stat().st_size / 4


def test_text_from_data_stays_text(tmp_path):
    marks = groups(drawn(forest(document(6, labels=LABELS)), tmp_path))
    shown = {text.text for mark in marks for text in mark.iter(f"{SVG}text")}
    assert {"<script>alert(1)</script>", "吳 2019", "100% _x_ ^y^"} <= {s.removesuffix(" (2 estimates)") for s in shown}


def test_areas_meet_between_neighbouring_rows_and_do_not_overlap(tmp_path):
    areas = [mark[0] for mark in groups(drawn(forest(document(9)), tmp_path))]
    edges = [(float(a.get("y")), float(a.get("y")) + float(a.get("height"))) for a in areas]
    for (_, bottom), (top, _) in pairwise(edges[:9]):
        assert top == pytest.approx(bottom, abs=0.02)


def test_the_published_drawing_has_unique_names_too(tmp_path):
    save(draw(comparison_layout(True)), {"svg": tmp_path / "x.svg"})
    names = re.findall(r'\bid="([^"]*)"', (tmp_path / "x.svg").read_text())
    assert len(names) == len(set(names))
    assert any(name.startswith("2-e") for name in names)


def test_the_same_layout_gives_the_same_bytes(tmp_path):
    layout = forest(document(20))
    assert drawn(layout, tmp_path) == drawn(layout, tmp_path)


def test_circles_and_lines_that_look_alike_take_little_room():
    circle = (
        "M 10 12 C 10.53 12 11.04 11.79 11.41 11.41 C 11.79 11.04 12 10.53 12 10 C 12 9.47 11.79 8.96 11.41 8.59 "
        "C 11.04 8.21 10.53 8 10 8 C 9.47 8 8.96 8.21 8.59 8.59 C 8.21 8.96 8 9.47 8 10 "
        "C 8 10.53 8.21 11.04 8.59 11.41 C 8.96 11.79 9.47 12 10 12 z"
    )
    lines = "".join(f'<path d="M {i} 0 L {i} 5" fill="none" stroke="#000000"/>' for i in range(3))
    other = '<path d="M 9 0 L 9 5" fill="none" stroke="#ff0000"/>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">'
    svg = f'{head}<g><path d="{circle}" fill="#000000"/>{lines}{other}</g></svg>'
    made = ElementTree.fromstring(live(svg.encode(), "x", "t", "d", []))  # noqa: S314
    (drawn,) = [e for e in made.iter() if e.tag.endswith("circle")]
    assert (drawn.get("cx"), drawn.get("cy"), drawn.get("r")) == ("10", "10", "2")
    paths = [e.get("d") for e in made.iter() if e.tag.endswith("path")]
    assert paths == ["M 0 0 L 0 5 M 1 0 L 1 5 M 2 0 L 2 5", "M 9 0 L 9 5"]


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
    colours = {page.INK, page.FAINT, page.GRID, page.BAND, "#ffffff", "#000000", claims._HOLDS}
    colours |= {*page.LANE_COLOUR.values(), *page.RISK_COLOUR.values(), *forest_ink.BANDS.values()}
    colours |= {*ink.SHADES.values(), *(stroke.colour for stroke in ink.STROKES.values())} - {ink.LANE}
    colours |= {c for fill in ink.FILLS.values() for c in (fill.face, fill.edge)} - {ink.LANE, "white"}
    colours |= {c for style in page.PRESETS.values() for c in (*style.marks.values(), *style.diamonds.values())}
    colours |= {*risk.SCORE_COLOURS, *risk.OPEN_COLOURS, risk.OTHER_COLOUR, risk.NONE_COLOUR}
    return colours | set(claims.VERDICT_COLOUR.values())


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
        page.INK,
        page.FAINT,
        *page.LANE_COLOUR.values(),
        *page.RISK_COLOUR.values(),
        *claims.VERDICT_COLOUR.values(),
    }
    marks |= {ink.STROKES[kind].colour for kind in ("choice", "uncertain choice")}
    for colour in marks:
        assert contrast(theme["fill"][colour], paper) >= 3, colour
    assert len({theme["fill"][c] for c in page.RISK_COLOUR.values()}) == len(page.RISK_COLOUR)


def test_shapes_that_are_copied_have_their_colours_where_they_are_used(tmp_path):
    kinds = ("pooled", "added", "sample", "marked", "estimate")
    points = tuple(Point(kind, x / 4, y / 4, 0.06, f"{kind}{x}") for y, kind in enumerate(kinds) for x in range(1, 4))
    legend = tuple(Key("point", kind, kind) for kind in kinds)
    chart = Chart("x", "x", "t", "A", (Panel(Axis("", 0, 1), Axis("", -0.5, 1.5), points=points),), legend=legend)
    save_live(ink.draw(chart), tmp_path / "x.svg", "t", "d", [])
    root = ElementTree.fromstring((tmp_path / "x.svg").read_text())  # noqa: S314
    defined = [e for defs in root.iter(f"{SVG}defs") for e in defs.iter()]
    assert not [e.attrib for e in defined if {"fill", "stroke"} & set(e.attrib)]
    uses = [*root.iter(f"{SVG}use")]
    assert len(uses) >= len(kinds)
    assert all({"fill", "stroke"} <= set(e.attrib) for e in uses)
    _, theme = dark_theme()
    assert {e.get("fill") for e in uses} | {e.get("stroke") for e in uses} <= set(theme["fill"])
