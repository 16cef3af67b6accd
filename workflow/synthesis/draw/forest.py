"""Draws a forest plot, on as many pages as it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from matplotlib.figure import Figure

from synthesis.draw.canvas import (
    BAND,
    DARK,
    FAINT,
    GRID,
    RISK_COLOUR,
    TITLE_SPACING,
    Page,
    Style,
    draw,
    settings,
)
from synthesis.draw.characters import note_on_unseen
from synthesis.draw.forest_columns import (
    JOINT,
    NOT_PRINTED,
    WEIGHT_NAME,
    Columns,
    columns_of,
    fraction,
    indent,
    not_printed,
    weight_of,
)
from synthesis.draw.forest_measures import (
    BELOW_AXIS,
    HEADING_LINE,
    LINE,
    NOTE_LINE,
    cell_lines,
    direction,
    has_weights,
    head_lines,
    heading_lines,
    heaviest,
    height_of,
    label_lines,
    lines_below,
    lines_of_heads,
    note_lines_of,
    notes_below,
    row_height,
    symbol_of,
)
from synthesis.draw.forest_pages import split
from synthesis.draw.layout import Judgement, Layout, Row, Section
from synthesis.draw.lights import light
from synthesis.draw.marks import Mark, marks

_DIAMONDS = frozenset({"pooled", "subgroup", "summary", "converted"})
# Kinds whose values no source prints, whatever their samples are.
_HOLLOW = frozenset({"converted", "converted single", "bounds"})
# Half the height of the mark of another summary, in that of a pool.
_FLAT = 0.5
# Inches: the radius of a published value whose interval is not printed.
_DOT = 0.036
_GUIDE = (2.5, 2.0)


@draw.register
def draw_forest(layout: Layout, style: Style | None = None) -> Figure:
    """The figure of a layout. Raises InputError where no page is wide enough for its columns."""
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        columns, style = columns_of(Page(style, 1.0), layout)
        return _draw(layout, style, columns)


def pages(layout: Layout, height: float, style: Style | None = None) -> list[Figure]:
    """The figure on pages no taller than `height` inches, each with its heads and axes; one page where it fits.

    Rows are never cut; a heading stays with the row below it, a subtotal with a row above it; a block that goes on
    has its heading again; notes stand on the last page.
    """
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        columns, style = columns_of(Page(style, 1.0), layout)
        ruler = Page(style, 1.0)
        if height_of(ruler, columns, layout) <= height:
            return []
        parts = split(ruler, columns, layout, height)
        titled = [replace(part, title=f"{layout.title} ({i} of {len(parts)})") for i, part in enumerate(parts, start=1)]
        return [_draw(part, style, columns) for part in titled]


def _printed(layout: Layout, style: Style) -> Layout:
    """The layout with its intervals in the brackets of the style, and a note on what the fonts do not have."""
    rows = [row for section in layout.sections for row in section.rows]
    boxes = note_on_unseen(text for row in rows for text in (row.label, *row.cells))
    layout = replace(layout, notes=(*layout.notes, *boxes))
    opening, middle, closing = style.interval
    if style.interval == Style().interval:
        return layout

    def turned(row: Row) -> Row:
        low, high = row.low_text, row.high_text
        if low.startswith("[") and low.endswith(","):
            low = f"{opening}{low[1:-1]}{middle}"
        if high.startswith("["):
            high = high.replace(", ", f"{middle} ")
        return replace(row, low_text=low, high_text=high.replace("]", closing).replace("[", opening))

    sections = tuple(replace(s, rows=tuple(turned(row) for row in s.rows)) for s in layout.sections)
    return replace(layout, sections=sections)


def _draw(layout: Layout, style: Style, columns: Columns) -> Figure:
    ruler = Page(style, 1.0)
    title = ruler.title_lines(layout.title)
    page = Page(style, height_of(ruler, columns, layout))
    page.titled(0.16, title)
    y = 0.13 + TITLE_SPACING * len(title)
    for section, named in zip(layout.sections, marks(layout), strict=True):
        y = _SectionDrawing(page, columns, section, named).draw(y) + 0.1
    page.noted(y, lines_below(ruler, layout))
    return page.figure


class _SectionDrawing:
    """Draws one section, row by row downwards."""

    def __init__(self, page: Page, columns: Columns, section: Section, marks: list[Mark | None]) -> None:
        self.page, self.style = page, page.style
        self.columns, self.section, self.marks = columns, section, marks
        self.heaviest = heaviest(section)

    def x_of(self, value: float | None) -> float:
        """Position of a value on the axis, in inches; it may lie outside the plot."""
        section, columns = self.section, self.columns
        share = ((value or 0.0) - section.low) / (section.high - section.low)
        return columns.plot_left + share * (columns.plot_right - columns.plot_left)

    def draw(self, y: float) -> float:
        """Draws from `y` downwards; returns where the section ends."""
        style, page, section = self.style, self.page, self.section
        if section.heading:
            lines = heading_lines(page, section)
            deeper = HEADING_LINE * (len(lines) - 1)
            page.box(style.margin - 0.05, y, page.inside + 0.1, 0.21 + deeper, BAND)
            page.lines(style.margin, y + 0.105, lines, HEADING_LINE, style.font + 0.6, weight="bold")
            y += 0.26 + deeper
        y = self._heads(y)
        drawn = len(section.rows) - len(notes_below(section))
        heights = [row_height(page, self.columns, row) for row in section.rows]
        self._upright_lines(y, heights)
        for i, (row, mark, height) in enumerate(zip(section.rows, self.marks, heights, strict=True)):
            if i == drawn:
                y = self._axis(y) + BELOW_AXIS
            self._row(row, mark, y, height)
            y += height
        return y if drawn < len(section.rows) else self._axis(y)

    def _row(self, row: Row, mark: Mark | None, y: float, height: float) -> None:
        style, page, left = self.style, self.page, self.columns.label
        match row.kind:
            case "heading":
                lines = label_lines(page, self.columns, row)
                page.lines(left, y + style.row * 0.725, lines, LINE, weight="bold")
            case "note":
                spacing = style.row * NOTE_LINE
                page.lines(
                    left + 0.1, y + style.row * 0.5, note_lines_of(page, row), spacing, style.small, colour=FAINT
                )
            case _:
                page.marked(mark)
                self._texts(row, y + height / 2)
                self._mark(row, y + height / 2, height)
                page.marked(None)

    def _upright_lines(self, y: float, heights: Sequence[float]) -> None:
        """The lines of no effect and of the guide, behind all rows that leave them room."""
        section = self.section
        crossed = [self._is_crossed(row) for row in section.rows]
        for through, run in groupby(zip(crossed, heights, strict=True), key=lambda pair: pair[0]):
            end = y + math.fsum(height for _, height in run)
            if through and section.has_null and section.low <= section.null <= section.high:
                self.page.line([self.x_of(section.null)] * 2, [y, end], GRID, 0.9)
            if through and section.guide is not None:
                self.page.line([self.x_of(section.guide)] * 2, [y, end], FAINT, 0.7, _GUIDE)
            y = end

    def _is_crossed(self, row: Row) -> bool:
        """Whether the line of no effect goes through a row: not where its words stand."""
        if row.kind != "heading":
            return row.kind != "note"
        lines = label_lines(self.page, self.columns, row)
        reach = max(self.page.width(line, self.style.font, "bold") for line in lines)
        return self.columns.label + reach < self.x_of(self.section.null)

    def _heads(self, y: float) -> float:
        columns, section, page = self.columns, self.section, self.page
        lines = head_lines(page, columns, section)
        y += LINE * (lines_of_heads(page, columns, section) - 1)
        middle = y + 0.09

        def head(x: float, names: list[str], align: str = "left") -> None:
            page.lines(x, middle + LINE * (1 - len(names)), names, LINE, align=align, weight="bold")

        places = zip(columns.cells, columns.cell_widths, columns.fractions, lines, strict=False)
        for left, width, after, names in places:
            head(left if after is None else left + width, names, "left" if after is None else "right")
        head(columns.label, [section.row_name])
        head(columns.estimate, [section.estimate_name], "right")
        head(columns.high, [section.interval_name], "right")
        if has_weights(section) and columns.weight is not None:
            head(columns.weight, [WEIGHT_NAME], "right")
        page.line([self.style.margin, self.style.width - self.style.margin], [y + 0.195] * 2, DARK, 0.6)
        return y + 0.24

    def _texts(self, row: Row, middle: float) -> None:
        page, columns, style = self.page, self.columns, self.style
        weight = weight_of(row)
        italic = "italic" if row.kind == "reference" else "normal"

        def placed(x: float, lines: list[str], slant: str = "normal") -> None:
            page.lines(x, middle - LINE * (len(lines) - 1) / 2, lines, LINE, weight=weight, style=slant)

        placed(columns.label + indent(row), label_lines(page, columns, row), italic)
        places = zip(columns.cells, columns.cell_widths, columns.fractions, row.cells, strict=False)
        for i, (left, width, after, cell) in enumerate(places):
            judged = symbol_of(columns, row, i)
            if after is not None:
                # On the decimal point: whole part to its left, the rest to its right.
                point = left + width - after
                page.text(point, middle, cell.removesuffix(fraction(cell)), align="right", weight=weight)
                page.text(point, middle, fraction(cell), weight=weight)
            elif judged:
                self._risk(left + width / 2, middle, judged)
            else:
                placed(left, cell_lines(page, columns, row, i))
        # The lower limit follows the upper one, not a column of its own: no gap opens before a short upper limit.
        joint = page.width(row.high_text, style.font, weight) + JOINT if row.high_text else 0.0
        numbers = [
            (columns.estimate, row.estimate_text),
            (columns.high - joint, row.low_text),
            (columns.high, row.high_text),
        ]
        if columns.weight is not None and self.section.weights:
            numbers.append((columns.weight, row.weight_text))
        for x, content in numbers:
            page.text(x, middle, content, align="right", weight=weight)
        if not_printed(row):
            page.text(columns.high, middle, NOT_PRINTED, style.small, align="right", colour=FAINT)

    def _risk(self, x: float, middle: float, judged: Judgement) -> None:
        light(self.page, x, middle, 0.052, RISK_COLOUR[judged.level], judged.symbol)

    def _bracket(self, row: Row, middle: float, height: float) -> None:
        """A line left of the rows of one sample."""
        half, x = height / 2, self.columns.label + 0.045
        top = middle if row.bracket == "start" else middle - half
        bottom = middle if row.bracket == "end" else middle + half
        self.page.line([x, x], [top, bottom], FAINT, 0.7)
        if row.bracket != "middle":
            self.page.line([x, x + 0.035], [middle, middle], FAINT, 0.7)

    def _mark(self, row: Row, middle: float, height: float) -> None:
        half = self.style.row * 0.36
        as_diamond = row.kind in _DIAMONDS or row.kind == "prediction"
        colour = (self.style.diamonds if as_diamond else self.style.marks)[row.lane]
        if row.bracket:
            self._bracket(row, middle, height)
        if row.pi_low is not None and row.pi_high is not None:
            edges = (self.columns.plot_left, self.columns.plot_right)
            left, right = (min(max(self.x_of(x), edges[0]), edges[1]) for x in (row.pi_low, row.pi_high))
            self.page.box(left, middle - half * 0.62, right - left, 1.24 * half, self.style.bands[row.lane])
            self._whisker(row.pi_low, row.pi_high, middle, colour, ticks=True)
        if row.kind == "bounds":
            left, right = self.x_of(row.ci_low), self.x_of(row.ci_high)
            self._box(left, middle, right - left, half, "white", colour)
        elif row.estimate is not None:
            self._estimate(row, middle, half, colour)

    def _estimate(self, row: Row, middle: float, half: float, colour: str) -> None:
        """The mark of an estimate: filled, or hollow where no source prints its values; published summaries in grey, as
        wide as their intervals, a dot without one."""
        x = self.x_of(row.estimate)
        published, whole = row.kind == "reference", row.ci_low is not None and row.ci_high is not None
        if published:
            colour = FAINT
        if published and not whole:
            self.page.circle(x, middle, _DOT, colour)
            return
        face = "white" if row.kind in _HOLLOW or row.fill == "hollow" else colour
        if published or row.kind in _DIAMONDS:
            high = half * (_FLAT if row.kind == "summary" else 1.0)
            self._diamond((self.x_of(row.ci_low), x, self.x_of(row.ci_high)), middle, high, face, colour)
            return
        if whole:
            self._whisker(row.ci_low, row.ci_high, middle, colour)
        if row.kind == "converted single":
            side = 1.4 * half
            self._box(x - side / 2, middle, side, side, face, colour)
        elif self.columns.plot_left <= x <= self.columns.plot_right:
            share = ((row.weight or 0.0) / self.heaviest) ** 0.5 if self.heaviest else 0.5
            side = self.style.row * (0.16 + 0.54 * share)
            self._box(x - side / 2, middle, side, side, face, colour)

    def _diamond(self, at: tuple[float, float, float], middle: float, half: float, face: str, edge: str) -> None:
        left, x, right = at
        corners = [(left, middle), (x, middle - half), (right, middle), (x, middle + half)]
        self.page.polygon(corners, face, edge)

    def _box(self, left: float, middle: float, wide: float, high: float, face: str, edge: str) -> None:
        top = middle - high / 2
        if face == edge:
            self.page.box(left, top, wide, high, edge)
            return
        corners = [(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)]
        self.page.polygon(corners, face, edge)

    def _whisker(self, low: float | None, high: float | None, middle: float, colour: str, ticks: bool = False) -> None:
        """An interval, cut at the plot's edges with an arrow that says so."""
        edges = (self.columns.plot_left, self.columns.plot_right)
        ends = (self.x_of(low), self.x_of(high))
        left, right = max(ends[0], edges[0]), min(ends[1], edges[1])
        if left < right:
            self.page.line([left, right], [middle, middle], colour)
        for end, edge, sign in zip(ends, edges, (-1, 1), strict=True):
            if (end - edge) * sign > 1e-9:
                back = edge - sign * 0.055
                arrow = [(edge, middle), (back, middle - 0.033), (back, middle + 0.033)]
                self.page.polygon(arrow, colour, colour)
            elif ticks:
                self.page.line([end, end], [middle - 0.03, middle + 0.03], colour)

    def _axis(self, y: float) -> float:
        page, style, columns, section = self.page, self.style, self.columns, self.section
        y += 0.03
        page.line([columns.plot_left, columns.plot_right], [y, y], DARK, 0.7)
        at = [self.x_of(tick) for tick in section.ticks]
        for x, label in zip(at, page.apart(at, section.tick_texts, style.small, self.x_of(section.null)), strict=True):
            page.line([x, x], [y, y + 0.035], DARK, 0.7)
            page.text(x, y + 0.095, label, style.small, align="center")
        y += 0.22
        if section.favours:
            sides = direction(page, columns, section)
            for x, side, lines in sides:
                page.lines(x, y, lines, LINE, style.small, align=side, colour=FAINT)
            y += LINE * max(1, *(len(lines) for _, _, lines in sides), 1)
        half = page.width(section.axis, style.small) / 2
        centre = (columns.plot_left + columns.plot_right) / 2
        place = max(min(centre, style.width - style.margin - half), style.margin + half)
        page.text(place, y, section.axis, style.small, "center")
        return y + 0.1
