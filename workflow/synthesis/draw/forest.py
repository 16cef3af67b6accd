"""Draws a forest-plot layout. All positions are in inches on one page-wide axes, from the top."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.patches import Circle

from synthesis.draw.layout import Layout, Row, Section
from synthesis.draw.marks import Mark, marks
from synthesis.draw.sheet import (
    BAND,
    DPI,
    FAINT,
    FORMATS,
    GRID,
    INK,
    MAX_PIXELS,
    Page,
    Style,
    save,
    settings,
)

__all__ = ["DPI", "FORMATS", "MAX_PIXELS", "draw", "save"]

BOLD = frozenset({"pooled", "single", "subgroup"})
# Behind diamonds: where the effects of new settings lie.
BANDS = {"A": "#d3e2f1", "B": "#f7dccb", "": "#e2e2e2"}
_NUMBER = re.compile("[<>\N{GREATER-THAN OR EQUAL TO}]?[\N{MINUS SIGN}-]?[\\d\N{NARROW NO-BREAK SPACE}]+([.]\\d+)?")
# Risk of bias as a symbol: shape and colour both say it.
_RISK = {"low": ("+", "#1b7a43"), "some concerns": ("?", "#b58900"), "high": ("\N{MINUS SIGN}", "#b3261e")}
WEIGHT_NAME = "Weight, %"
_GUIDE = (2.5, 2.0)


@dataclass(frozen=True, slots=True)
class Columns:
    """Horizontal positions: left edge of the label, cells, plot limits, and right edges of the numbers."""

    label: float
    label_width: float
    cells: tuple[float, ...]
    cell_widths: tuple[float, ...]
    plot_left: float
    plot_right: float
    estimate: float
    low: float
    high: float
    weight: float | None
    # Per cell column the width right of the decimal point where it holds numbers, else None.
    fractions: tuple[float | None, ...]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _fraction(cell: str) -> str:
    """What stands from the decimal point on."""
    return cell[cell.index(".") :] if "." in cell else ""


def _columns(page: Page, layout: Layout) -> Columns:
    """Column positions that fit every text of every section."""
    style = page.style
    rows = [row for section in layout.sections for row in section.rows]
    marks = [row for row in rows if row.kind not in {"heading", "note"}]
    gap = style.gap

    def widest(texts: list[str], size: float = style.font, weight: str = "normal") -> float:
        return max((page.width(t, size, weight) for t in texts), default=0.0)

    count = max(len(section.columns) for section in layout.sections)
    cell_widths = []
    fractions: list[float | None] = []
    for i in range(count):
        heads = [s.columns[i] for s in layout.sections if i < len(s.columns)]
        cells = [row.cells[i] for row in marks if i < len(row.cells) and row.cells[i]]
        bold = [row.cells[i] for row in marks if i < len(row.cells) and row.kind in BOLD]
        numbers = bool(cells) and all(map(_is_number, cells))
        if numbers:
            after = widest([_fraction(cell) for cell in cells])
            before = widest([cell.removesuffix(_fraction(cell)) for cell in cells])
            width = before + after
        else:
            after, width = 0.0, 0.11 if set(map(str.casefold, cells)) <= set(_RISK) else widest(cells)
        fractions.append(after if numbers else None)
        width = max(width, widest(bold, weight="bold"), widest(heads, weight="bold"))
        cell_widths.append(min(style.cell_max, width))
    bold = [r.low_text for r in marks if r.kind in BOLD]
    low = max(widest([r.low_text for r in marks]), widest(bold, weight="bold"))
    high = max(
        widest([r.high_text for r in marks]),
        widest([r.high_text for r in marks if r.kind in BOLD], weight="bold"),
    )
    estimate = max(
        widest([r.estimate_text for r in marks], weight="bold"),
        widest([s.estimate_name for s in layout.sections], weight="bold"),
    )
    weighted = any(section.weights for section in layout.sections)
    right = style.width - style.margin
    weight_right = right if weighted else None
    weight_width = max(widest(["100.0"]), widest([WEIGHT_NAME], weight="bold"))
    high_right = right - (weight_width + gap if weighted else 0.0)
    low_right = high_right - high - 0.045
    estimate_right = low_right - low - 0.07
    plot_right = estimate_right - estimate - gap
    cells_total = sum(cell_widths) + gap * count
    beside_cells = [r for r in marks if any(r.cells)]
    labels = max(
        widest([r.label for r in beside_cells]) + 0.1,
        widest([r.label for r in beside_cells if r.kind in BOLD], weight="bold"),
        widest([r.label for r in marks]) - cells_total,
        widest([r.label for r in marks if r.kind in BOLD], weight="bold") - cells_total,
    )
    available = plot_right - style.margin - cells_total - gap
    label_width = min(labels, style.label_max, available - style.plot_min)
    cell_lefts, x = [], style.margin + label_width + gap
    for width in cell_widths:
        cell_lefts.append(x)
        x += width + gap
    return Columns(
        style.margin,
        label_width,
        tuple(cell_lefts),
        tuple(cell_widths),
        x,
        plot_right,
        estimate_right,
        low_right,
        high_right,
        weight_right,
        tuple(fractions),
    )


def _note_lines(page: Page, row: Row) -> list[str]:
    width = page.style.width - 2 * page.style.margin - 0.12
    return page.wrapped(row.label, width, page.style.small)


def _row_height(page: Page, row: Row) -> float:
    if row.kind == "note":
        return page.style.row * (0.86 * len(_note_lines(page, row)) + 0.35)
    return page.style.row * (1.25 if row.kind == "heading" else 1.0)


def _section_height(page: Page, section: Section) -> float:
    head = (0.26 if section.heading else 0.0) + 0.24
    foot = 0.5 if section.favours else 0.38
    return head + sum(_row_height(page, row) for row in section.rows) + foot


def draw(layout: Layout, style: Style | None = None) -> Figure:
    """The figure of a layout."""
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        return _draw(layout, style, _columns(Page(style, 1.0), layout))


def pages(layout: Layout, height: float, style: Style | None = None) -> list[Figure]:
    """The figure on pages no taller than `height` inches, each with its heads and axes; one page where it fits.

    Rows are never cut, a heading stays with the row below it, notes stand on the last page.
    """
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        ruler = Page(style, 1.0)
        if _height(ruler, layout) <= height:
            return []
        columns = _columns(ruler, layout)
        parts = _split(ruler, layout, height)
        titled = [replace(part, title=f"{layout.title} ({i} of {len(parts)})") for i, part in enumerate(parts, start=1)]
        return [_draw(part, style, columns) for part in titled]


def _split(page: Page, layout: Layout, height: float) -> list[Layout]:
    """Layouts of single pages."""
    room = height - _height(page, replace(layout, sections=()))
    found: list[list[Section]] = [[]]
    left = room
    for section in layout.sections:
        frame = _section_height(page, replace(section, rows=())) + 0.1
        rows: list[Row] = []
        left -= frame
        for i, row in enumerate(section.rows):
            needed = _row_height(page, row)
            if row.kind == "heading" and i + 1 < len(section.rows):
                needed += _row_height(page, section.rows[i + 1])
            if needed > left:
                if rows:
                    found[-1].append(replace(section, rows=tuple(rows)))
                found.append([])
                rows, left = [], room - frame
            rows.append(row)
            left -= _row_height(page, row)
        found[-1].append(replace(section, rows=tuple(rows)))
    kept = [sections for sections in found if sections]
    last = len(kept) - 1
    return [
        replace(layout, sections=tuple(sections), notes=layout.notes if i == last else ())
        for i, sections in enumerate(kept)
    ]


def _printed(layout: Layout, style: Style) -> Layout:
    """The layout with its intervals in the brackets of the style."""
    opening, middle, closing = style.interval
    if style.interval == Style().interval:
        return layout

    def turned(row: Row) -> Row:
        low, high = row.low_text, row.high_text
        if low.startswith("[") and low.endswith(","):
            low = f"{opening}{low[1:-1]}{middle}"
        return replace(row, low_text=low, high_text=high.replace("]", closing).replace("[", opening))

    sections = tuple(replace(s, rows=tuple(turned(row) for row in s.rows)) for s in layout.sections)
    return replace(layout, sections=sections)


def _title(page: Page, layout: Layout) -> list[str]:
    # Bold runs about a tenth wider than the regular face that `wrapped` measures.
    return page.wrapped(layout.title, (page.style.width - 2 * page.style.margin) / 1.1, page.style.title)


def _notes(page: Page, layout: Layout) -> list[str]:
    width = page.style.width - 2 * page.style.margin
    return [line for note in layout.notes for line in page.wrapped(note, width, page.style.small)]


def _height(page: Page, layout: Layout) -> float:
    top = 0.13 + 0.19 * len(_title(page, layout))
    body = sum(_section_height(page, s) + 0.1 for s in layout.sections)
    return top + body + 0.135 * len(_notes(page, layout)) + 0.12


def _draw(layout: Layout, style: Style, columns: Columns) -> Figure:
    ruler = Page(style, 1.0)
    title, notes = _title(ruler, layout), _notes(ruler, layout)
    page = Page(style, _height(ruler, layout))
    for i, line in enumerate(title):
        page.text(style.margin, 0.16 + 0.19 * i, line, style.title, weight="bold")
    y = 0.13 + 0.19 * len(title)
    named = marks(layout)
    for number, section in enumerate(layout.sections):
        y = _SectionDrawing(page, columns, section, named[number]).draw(y) + 0.1
    for line in notes:
        page.text(style.margin, y, line, style.small, colour=FAINT)
        y += 0.135
    return page.figure


class _SectionDrawing:
    """Draws one section, row by row downwards."""

    def __init__(self, page: Page, columns: Columns, section: Section, marks: list[Mark | None]) -> None:
        self.page, self.style = page, page.style
        self.columns, self.section, self.marks = columns, section, marks
        studies = [row.weight or 0.0 for row in section.rows if row.kind == "study"]
        self.heaviest = max(studies, default=0.0)

    def x_of(self, value: float | None) -> float:
        """Position of a value on the axis, in inches; it may lie outside the plot."""
        section, columns = self.section, self.columns
        share = ((value or 0.0) - section.low) / (section.high - section.low)
        return columns.plot_left + share * (columns.plot_right - columns.plot_left)

    def draw(self, y: float) -> float:
        """Draws from `y` downwards; returns where the section ends."""
        style, page, section = self.style, self.page, self.section
        if section.heading:
            width = style.width - 2 * style.margin + 0.1
            page.box(style.margin - 0.05, y, width, 0.21, BAND)
            page.text(style.margin, y + 0.105, section.heading, style.font + 0.6, weight="bold")
            y += 0.26
        y = self._heads(y)
        for row, mark in zip(section.rows, self.marks, strict=True):
            height = _row_height(page, row)
            match row.kind:
                case "heading":
                    width = style.width - 2 * style.margin
                    label = page.fitted(row.label, width, style.font, "bold")
                    page.text(self.columns.label, y + height * 0.58, label, weight="bold")
                    if self.columns.label + page.width(label, style.font, "bold") < self.x_of(section.null):
                        self._null_line(y, height)
                case "note":
                    for i, line in enumerate(_note_lines(page, row)):
                        at = y + style.row * (0.5 + 0.86 * i)
                        page.text(self.columns.label + 0.1, at, line, style.small, colour=FAINT)
                case _:
                    self._null_line(y, height)
                    page.marked(mark)
                    self._texts(row, y + height / 2)
                    self._mark(row, y + height / 2)
                    page.marked(None)
            y += height
        return self._axis(y)

    def _null_line(self, y: float, height: float) -> None:
        if self.section.low <= self.section.null <= self.section.high:
            self.page.line([self.x_of(self.section.null)] * 2, [y, y + height], GRID, 0.9)
        if self.section.guide is not None:
            self.page.line([self.x_of(self.section.guide)] * 2, [y, y + height], FAINT, 0.7, _GUIDE)

    def _heads(self, y: float) -> float:
        columns, section, page = self.columns, self.section, self.page
        middle = y + 0.09

        def head(x: float, name: str, align: str = "left") -> None:
            page.text(x, middle, name, align=align, weight="bold")

        places = zip(columns.cells, columns.cell_widths, columns.fractions, section.columns, strict=False)
        for left, width, fraction, name in places:
            head(left if fraction is None else left + width, name, "left" if fraction is None else "right")
        head(columns.label, section.row_name)
        head(columns.estimate, section.estimate_name, "right")
        head(columns.high, section.interval_name, "right")
        if section.weights and columns.weight is not None:
            head(columns.weight, WEIGHT_NAME, "right")
        page.line([self.style.margin, self.style.width - self.style.margin], [y + 0.195] * 2, INK, 0.6)
        return y + 0.24

    def _texts(self, row: Row, middle: float) -> None:
        page, columns, style = self.page, self.columns, self.style
        weight = "bold" if row.kind in BOLD else "normal"
        indent = 0.1 if row.kind in {"study", "prediction", "converted", "subgroup", "summary"} else 0.0
        free = columns.label_width if any(row.cells) else columns.plot_left - columns.label - style.gap
        label = page.fitted(row.label, free - indent, style.font, weight)
        italic = "italic" if row.kind == "reference" else "normal"
        page.text(columns.label + indent, middle, label, weight=weight, style=italic)
        places = zip(columns.cells, columns.cell_widths, columns.fractions, row.cells, strict=False)
        for left, width, fraction, cell in places:
            if fraction is not None:
                # On the decimal point: whole part to its left, the rest to its right.
                point = left + width - fraction
                page.text(point, middle, cell.removesuffix(_fraction(cell)), align="right", weight=weight)
                page.text(point, middle, _fraction(cell), weight=weight)
            elif cell.casefold() in _RISK:
                self._risk(left + width / 2, middle, cell.casefold())
            else:
                page.text(left, middle, page.fitted(cell, width, style.font))
        numbers = [
            (columns.estimate, row.estimate_text),
            (columns.low, row.low_text),
            (columns.high, row.high_text),
        ]
        if columns.weight is not None and self.section.weights:
            numbers.append((columns.weight, row.weight_text))
        for x, content in numbers:
            page.text(x, middle, content, align="right", weight=weight)
        if row.estimate is not None and not (row.low_text or row.high_text):
            page.text(columns.high, middle, "not printed", style.small, align="right", colour=FAINT)

    def _risk(self, x: float, middle: float, word: str) -> None:
        symbol, colour = _RISK[word]
        self.page.add(Circle((x, middle), 0.052, facecolor=colour, linewidth=0))
        self.page.text(x, middle - 0.004, symbol, self.style.small, "center", "#ffffff", weight="bold")

    def _bracket(self, row: Row, middle: float) -> None:
        """A line left of the rows of one sample."""
        half, x = self.style.row / 2, self.columns.label + 0.045
        top = middle if row.bracket == "start" else middle - half
        bottom = middle if row.bracket == "end" else middle + half
        self.page.line([x, x], [top, bottom], FAINT, 0.7)
        if row.bracket != "middle":
            self.page.line([x, x + 0.035], [middle, middle], FAINT, 0.7)

    def _mark(self, row: Row, middle: float) -> None:
        page, half = self.page, self.style.row * 0.36
        diamond_kinds = {"pooled", "subgroup", "summary", "converted", "prediction"}
        colour = (self.style.diamonds if row.kind in diamond_kinds else self.style.marks)[row.lane]
        if row.bracket:
            self._bracket(row, middle)
        if row.pi_low is not None and row.pi_high is not None:
            edges = (self.columns.plot_left, self.columns.plot_right)
            left, right = (min(max(self.x_of(x), edges[0]), edges[1]) for x in (row.pi_low, row.pi_high))
            page.box(left, middle - half * 0.62, right - left, 1.24 * half, BANDS[row.lane])
            self._whisker(row.pi_low, row.pi_high, middle, colour, ticks=True)
        if row.estimate is None:
            return
        x = self.x_of(row.estimate)
        if row.kind in {"pooled", "subgroup", "summary", "converted"}:
            left, right = self.x_of(row.ci_low), self.x_of(row.ci_high)
            diamond = [(left, middle), (x, middle - half), (right, middle), (x, middle + half)]
            page.polygon(diamond, colour if row.kind in {"pooled", "subgroup"} else "white", colour)
        elif row.kind == "reference":
            if row.ci_low is not None:
                self._whisker(row.ci_low, row.ci_high, middle, FAINT)
            diamond = [(x - 0.045, middle), (x, middle - half), (x + 0.045, middle), (x, middle + half)]
            page.polygon(diamond, "white", FAINT)
        else:
            self._whisker(row.ci_low, row.ci_high, middle, colour)
            if self.columns.plot_left <= x <= self.columns.plot_right:
                share = ((row.weight or 0.0) / self.heaviest) ** 0.5 if self.heaviest else 0.5
                side = self.style.row * (0.16 + 0.54 * share)
                page.box(x - side / 2, middle - side / 2, side, side, colour)

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
        page.line([columns.plot_left, columns.plot_right], [y, y], INK, 0.7)
        for tick, label in zip(section.ticks, section.tick_texts, strict=True):
            page.line([self.x_of(tick)] * 2, [y, y + 0.035], INK, 0.7)
            page.text(self.x_of(tick), y + 0.095, label, style.small, align="center")
        y += 0.22
        if section.favours:
            zero = self.x_of(section.null)
            # Left and right of no effect; without it on the axis they would point at nothing.
            shown = section.low <= section.null <= section.high
            left, right = section.favours if shown else ("", "")
            if left:
                page.text(zero - 0.06, y, f"\N{LEFTWARDS ARROW} {left}", style.small, "right", FAINT)
            if right:
                page.text(zero + 0.06, y, f"{right} \N{RIGHTWARDS ARROW}", style.small, "left", FAINT)
            y += 0.125
        half = page.width(section.axis, style.small) / 2
        centre = (columns.plot_left + columns.plot_right) / 2
        page.text(min(centre, style.width - style.margin - half), y, section.axis, style.small, "center")
        return y + 0.1
