"""Draws a chart: its panels, and the texts and the legend around them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.path import Path

from synthesis import text
from synthesis.draw.canvas import (
    DARK,
    FAINT,
    GRID,
    ROUNDING,
    TITLE_SPACING,
    Page,
    Style,
    draw,
    settings,
)
from synthesis.draw.characters import note_on_unseen
from synthesis.draw.chart import WIDE, Axis, Chart, Key, Line, Panel, Point, PointKind, RowText
from synthesis.draw.kinds import FILLS, LANE, SHADES, STROKES
from synthesis.draw.marks import points_with_data
from synthesis.draw.panel_pages import split

_LINE, _LEGEND = 0.125, 0.155
_KEY_WIDTH, _KEY_GAP = 0.24, 0.16
# Names left of the panels take more lines where they are wider than this; single lines of them, between columns.
_NAMES, _NAME_LINE, _CLEAR = 3.4, 0.116, 0.1
# Inches that a panel may shrink to.
_LEAST = 0.55


# Equations and intervals stay on one line.
_GLUED = re.compile(rf" [=<>\u2264\u2265] |(?<=\d), (?={text.MINUS}?[\d.]+\])")


def _glue(match: re.Match[str]) -> str:
    return match[0].replace(" ", "\N{NO-BREAK SPACE}")


def _colour(style: Style, named: str, lane: str) -> str:
    return style.marks[lane] if named == LANE else named


class Frame:
    """A panel's place on the page: from its coordinates to inches, axes, shapes."""

    def __init__(self, page: Page, chart: Chart, panel: Panel, left: float, top: float) -> None:
        self.page, self.chart, self.panel = page, chart, panel
        self.left, self.top = left, top
        self.right, self.bottom = left + chart.panel_width, top + chart.height
        # Known by identity: keys repeat in charts of several panels.
        self.numbers = {id(point): number for number, point in enumerate(points_with_data(chart))}

    def x(self, value: float) -> float:
        """Inches from the left of the page."""
        axis = self.panel.x
        return self.left + (value - axis.low) / (axis.high - axis.low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Inches from the top of the page."""
        axis = self.panel.y
        return self.bottom - (value - axis.low) / (axis.high - axis.low) * (self.bottom - self.top)

    def places(self, x: Iterable[float], y: Iterable[float]) -> list[tuple[float, float]]:
        """Vertices in inches."""
        return [(self.x(a), self.y(b)) for a, b in zip(x, y, strict=True)]

    def draw(self) -> None:
        """All of the panel."""
        page, panel = self.page, self.panel
        for area in panel.areas:
            shape = page.polygon(self.places(area.x, area.y), SHADES[area.kind], None)
            self._clip(shape)
        self._lines([line for line in panel.lines if not STROKES[line.kind].over])
        self._axes()
        self._points([p for p in panel.points if p.kind != "pooled"])
        self._lines([line for line in panel.lines if STROKES[line.kind].over])
        self._points([p for p in panel.points if p.kind == "pooled"])
        self._line_labels()
        self._names()

    def _clip(self, artist: Artist) -> None:
        self.page.clip(artist, self.left, self.top, self.right, self.bottom)

    def _lines(self, lines: Sequence[Line]) -> None:
        for kind in dict.fromkeys(line.kind for line in lines):
            stroke = STROKES[kind]
            courses = [self.places(line.x, line.y) for line in lines if line.kind == kind]
            colour = _colour(self.page.style, stroke.colour, self.chart.lane)
            self._clip(self.page.strokes(courses, colour, stroke.width, stroke.dashes))

    def _line_labels(self) -> None:
        """Labels of lines at their ends, right of them; none where one would touch another."""
        taken: list[tuple[float, float]] = []
        size = self.page.style.small
        for line in (line for line in self.panel.lines if line.label):
            x, y = self.x(line.x[-1]), self.y(line.y[-1])
            upright = line.x[0] == line.x[-1]
            x, y = (x + 0.012, self.top + 0.05) if upright else (x + 0.03, y)
            wide, high = self.page.width(line.label, size), size / 72
            if all(abs(x - a) >= wide + 0.01 or abs(y - b) >= high for a, b in taken):
                taken.append((x, y))
                self.page.text(x, y, line.label, size, colour=FAINT)

    def _points(self, points: Sequence[Point]) -> None:
        for kind in dict.fromkeys(p.kind for p in points):
            for with_data in (True, False):
                drawn = [p for p in points if p.kind == kind and bool(p.effects) == with_data]
                if with_data and drawn:
                    self.page.many(self.numbers[id(drawn[0])])
                places = [(self.x(p.x), self.y(p.y)) for p in drawn]
                self.page.points(places, [p.size for p in drawn], *fill_of(self.page.style, kind, self.chart.lane))
                self.page.marked(None)

    def _axes(self) -> None:
        page, panel, small = self.page, self.panel, self.page.style.small
        if panel.x.ticks:
            page.line([self.left, self.right], [self.bottom] * 2, DARK, 0.7)
        at = [self.x(tick) for tick in panel.x.ticks]
        first = min(at, key=lambda x: abs(x - self.x(0.0)), default=0.0)
        edges = (self.left - self.chart.gap / 2, self.right + self.chart.gap / 2)
        if len(self.chart.panels) == 1:
            edges = (page.style.margin / 2, page.style.width - page.style.margin / 2)
        for x, label in zip(at, page.apart(at, panel.x.texts, small, first, edges), strict=True):
            page.line([x, x], [self.bottom, self.bottom + 0.035], DARK, 0.7)
            page.text(x, self.bottom + 0.095, label, small, align="center")
        if panel.y.ticks:
            begins = self.bottom if panel.y.begins is None else self.y(panel.y.begins)
            page.line([self.left] * 2, [self.top, begins], DARK, 0.7)
        for tick, label in self._heights(panel.y):
            page.line([self.left - 0.035, self.left], [self.y(tick)] * 2, DARK, 0.7)
            page.text(self.left - 0.06, self.y(tick), label, small, align="right")

        if panel.right:
            page.line([self.right] * 2, [self.top, self.bottom], DARK, 0.7)
            page.text(page.style.width - page.style.margin, self.top - 0.12, panel.right.name, small, "right")
            for tick, label in self._heights(panel.right):
                page.line([self.right, self.right + 0.035], [self.y(tick)] * 2, DARK, 0.7)
                page.text(self.right + 0.06, self.y(tick), label, small)

    def _heights(self, axis: Axis) -> list[tuple[float, str]]:
        """Ticks of an axis of heights with their texts, empty where one would touch another."""
        taken: list[float] = []
        spaced = []
        for tick, label in zip(axis.ticks, axis.texts, strict=True):
            free = all(abs(self.y(tick) - y) >= self.page.style.small / 72 for y in taken)
            if free:
                taken.append(self.y(tick))
            spaced.append((tick, label if free else ""))
        return spaced

    def _names(self) -> None:
        page, panel, small = self.page, self.panel, self.page.style.small
        shared = _shared_name(self.chart)
        if panel.x.name and (not shared or panel is self.chart.panels[0]):
            half = page.width(panel.x.name, small) / 2
            middle = (self.left + (page.style.width - self.chart.right if shared else self.right)) / 2
            place = min(max(middle, page.style.margin + half), page.style.width - page.style.margin - half)
            page.text(place, self.bottom + 0.225, panel.x.name, small, "center")
        if panel.y.name:
            lifted = _LINE * _above_names(page, self.chart)
            page.text(page.style.margin, self.top - 0.12 - lifted, panel.y.name, small)
        lines = _heading_lines(page, self.chart, panel)
        first = self.top - 0.09 + _LINE * (1 - len(lines))
        page.lines((self.left + self.right) / 2, first, lines, _LINE, small, align="center", weight="bold")

    def labels(self) -> None:
        """The labels of named points, each at the first place near its point where it hides nothing."""
        page, size = self.page, self.page.style.small
        taken = [
            (self.x(p.x) - p.size / 2, self.y(p.y) - p.size / 2, self.x(p.x) + p.size / 2, self.y(p.y) + p.size / 2)
            for p in self.panel.points
        ]
        for point in sorted((p for p in self.panel.points if p.named), key=lambda p: (-p.y, p.x)):
            x, y = self.x(point.x), self.y(point.y)
            lines = page.wrapped(point.label, max(1.2, 0.6 * self.chart.panel_width), size)
            wide, high = max(page.width(line, size) for line in lines), len(lines) * size / 72
            free = self._free(x, y, wide, high, taken)
            if free is None:
                continue
            box, far = free
            taken.append(box)
            if far:
                near = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
                page.line([x, near[0]], [y, near[1]], FAINT, 0.5)
            page.lines(box[0], box[1] + 0.5 * size / 72, lines, size / 72, size)

    def _free(
        self, x: float, y: float, wide: float, high: float, taken: Sequence[tuple[float, float, float, float]]
    ) -> tuple[tuple[float, float, float, float], bool] | None:
        """The first place near a point where a label hides nothing, and whether it is far from it; else any place."""
        edge = self.page.style.width - self.page.style.margin

        def fits(left: float, top: float) -> bool:
            inside = left >= self.left + 0.02 and left + wide <= edge
            inside = inside and top >= self.top - 0.02 and top + high <= self.bottom - 0.01
            return inside and not any(
                left < b[2] + 0.01 and b[0] < left + wide + 0.01 and top < b[3] and b[1] < top + high for b in taken
            )

        for distance in (0.06, 0.1, 0.16, 0.24, 0.34, 0.46, 0.6, 0.8, 1.0):
            for left, top in (
                (x + distance, y - high / 2),
                (x - distance - wide, y - high / 2),
                (x - wide / 2, y - distance - high),
                (x - wide / 2, y + distance),
                (x + distance * 0.7, y - distance - high / 2),
                (x + distance * 0.7, y + distance - high / 2),
                (x - distance * 0.7 - wide, y - distance - high / 2),
                (x - distance * 0.7 - wide, y + distance - high / 2),
            ):
                if fits(left, top):
                    return (left, top, left + wide, top + high), distance > 0.12
        anywhere = [
            (self.left + 0.02 + 0.05 * i, self.top + 0.05 * j)
            for i in range(int((edge - self.left) / 0.05))
            for j in range(int((self.bottom - self.top) / 0.05))
        ]
        for left, top in sorted(anywhere, key=lambda at: math.hypot(at[0] + wide / 2 - x, at[1] + high / 2 - y)):
            if fits(left, top):
                return (left, top, left + wide, top + high), True
        return None


def _heading_lines(page: Page, chart: Chart, panel: Panel) -> list[str]:
    """The heading of a panel in lines that stay clear of the next one's."""
    if not panel.heading:
        return []
    return page.wrapped(panel.heading, chart.panel_width + max(0.0, chart.gap - 0.06), page.style.small, "bold")


def _shared_name(chart: Chart) -> bool:
    """Whether all panels have the same axis below them, whose name is written once, in their middle."""
    return len(chart.panels) > 1 and len({panel.x.name for panel in chart.panels}) == 1


def _above_names(page: Page, chart: Chart) -> int:
    """By how many lines the name of the heights is lifted, to stay clear of the first heading."""
    if not chart.panels or not chart.panels[0].y.name:
        return 0
    lines = _heading_lines(page, chart, chart.panels[0])
    half = max((page.width(line, page.style.small, "bold") for line in lines), default=0.0) / 2
    begins = chart.left + chart.panel_width / 2 - half
    touches = page.style.margin + page.width(chart.panels[0].y.name, page.style.small) + 0.06 > begins
    return len(lines) if lines and touches else 0


def fill_of(style: Style, kind: PointKind, lane: str) -> tuple[str, str, float, float, Path]:
    """Colours, edge, opacity and shape of a kind of point."""
    fill = FILLS[kind]
    return _colour(style, fill.face, lane), _colour(style, fill.edge, lane), fill.edge_width, fill.alpha, fill.path


# An entry of the legend at its left edge, its words in lines.
Entry = tuple[float, Key, list[str]]


def _legend_rows(page: Page, chart: Chart) -> list[list[Entry]]:
    """Entries with their left edges, in rows that fit the page."""
    rows: list[list[Entry]] = []
    x, edge = 0.0, page.style.width - page.style.margin
    for key in chart.legend:
        lines = page.wrapped(key.content, edge - page.style.margin - _KEY_WIDTH, page.style.small)
        wide = _KEY_WIDTH + max(page.width(line, page.style.small) for line in lines)
        if not rows or key.mark == "letter" or x + wide > edge + ROUNDING:
            rows.append([])
            x = page.style.margin
        rows[-1].append((x, key, lines))
        x += wide + _KEY_GAP
    return rows


def _legend_height(row: list[Entry]) -> float:
    return _LEGEND + _LINE * (max(len(lines) for _, _, lines in row) - 1)


def _legend(page: Page, chart: Chart, rows: list[list[Entry]], y: float) -> None:
    for row in rows:
        for x, key, lines in row:
            if key.mark == "letter":
                page.text(x + 0.1, y, key.kind, page.style.small, "center", weight="bold")
            elif key.mark == "line":
                stroke = STROKES[key.kind]  # type: ignore[index]
                page.line(
                    [x, x + 0.2], [y, y], _colour(page.style, stroke.colour, chart.lane), stroke.width, stroke.dashes
                )
            elif key.mark == "area":
                page.polygon(
                    [(x + 0.02, y - 0.045), (x + 0.18, y - 0.045), (x + 0.18, y + 0.045), (x + 0.02, y + 0.045)],
                    SHADES[key.kind],  # type: ignore[index]
                    GRID,
                    0.5,
                )
            else:
                page.points([(x + 0.1, y)], [0.075], *fill_of(page.style, key.kind, chart.lane))  # type: ignore[arg-type]
            page.lines(x + _KEY_WIDTH, y, lines, _LINE, page.style.small)
        y += _legend_height(row)


def _row_lines(page: Page, row: RowText, room: float) -> tuple[list[str], list[str]]:
    """Label and detail of a row in lines no wider than `room`."""
    size, weight = page.style.small, "bold" if row.bold else "normal"
    label = page.wrapped(row.label, room, size + 0.2, weight)
    return label, page.wrapped(row.detail, room, size) if row.detail else []


def _roomy(page: Page, chart: Chart) -> Chart:
    """The chart with room for every text beside its panels: these shrink on a page of usual width, and where it would
    leave them too little they keep their size and the page grows."""
    size, margin = page.style.small, page.style.margin
    left, right = chart.left, chart.right
    for row in chart.rows:
        weight = "bold" if row.bold else "normal"
        named = max(page.width(row.label, size + 0.2, weight), page.width(row.detail, size))
        left = max(left, min(named, _NAMES) + margin + _CLEAR)
        numbers = max(page.width(row.right, size + 0.2, weight), page.width(row.right_detail, size))
        right = max(right, numbers + margin + _CLEAR if numbers else 0.0)
    if chart.heads:
        heads = (page.width(line, size) for head in chart.heads for line in head.split("\n"))
        cells = (page.width(cell, size + 0.2) for row in chart.rows for cell in row.cells)
        right = max(right, margin + len(chart.heads) * (max((*heads, *cells)) + 0.1))
    if chart.panels:
        ticks = [page.width(label, size) for label in chart.panels[0].y.texts]
        left = max(left, max(ticks, default=0.0) + 0.06 + margin / 2)
        last = chart.panels[-1].right
        ticks = [page.width(label, size) for label in last.texts] if last else []
        right = max(right, max(ticks, default=0.0) + 0.06 + margin / 2 if ticks else 0.0)
    wider = replace(chart, left=left, right=right, width=chart.width + left - chart.left + right - chart.right)
    usual = replace(wider, width=min(wider.width, max(WIDE, chart.width)))
    if len(chart.panels) and usual.panel_width >= _LEAST * (1 if len(chart.panels) > 1 else 3):
        wider = usual
    return replace(wider, height=chart.height * _stretch(page, wider))


def _stretch(page: Page, chart: Chart) -> float:
    """How much taller the panels must be for rows whose names take several lines."""
    if not chart.rows or not chart.panels:
        return 1.0
    axis, room = chart.panels[0].y, chart.left - page.style.margin - _CLEAR
    inch = chart.height / abs(axis.low - axis.high)
    tall = sorted((row.y * inch, _row_lines(page, row, room)) for row in chart.rows)
    most = 1.0
    for (above, upper), (below, lower) in pairwise(tall):
        if max(map(len, (*upper, *lower))) > 1:
            needed = _NAME_LINE * (sum(map(len, upper)) + sum(map(len, lower))) / 2 + 0.03
            most = max(most, needed / (below - above))
    return most


def _row_texts(page: Page, chart: Chart, axis: Axis, rows: Iterable[RowText], top: float) -> None:
    """Labels left of the panels, numbers right of them."""
    style = page.style
    for row in rows:
        y = top + chart.height * (row.y - axis.high) / (axis.low - axis.high)
        weight = "bold" if row.bold else "normal"
        label, detail = _row_lines(page, row, chart.left - style.margin - _CLEAR)
        first = y - _NAME_LINE * (len(label) + len(detail) - 1) / 2
        first = page.lines(style.margin, first, label, _NAME_LINE, style.small + 0.2, weight=weight)
        page.lines(style.margin, first, detail, _NAME_LINE, style.small, colour=FAINT)
        up = 0.058 if row.right_detail else 0.0
        page.text(style.width - style.margin, y - up, row.right, style.small + 0.2, "right", weight=weight)
        if row.right_detail:
            page.text(style.width - style.margin, y + up, row.right_detail, style.small, "right", colour=FAINT)
        for x, cell in zip(_cell_edges(chart, style.margin), row.cells, strict=False):
            page.text(x, y, cell, style.small + 0.2, "right")


def _cell_edges(chart: Chart, margin: float) -> list[float]:
    """Right edges of as many columns as the chart has heads."""
    room = (chart.right - margin) / max(1, len(chart.heads))
    return [chart.width - margin - room * i for i in reversed(range(len(chart.heads)))]


def _title_lines(page: Page, title: str) -> list[str]:
    """A title in lines, of which the last has no single word."""
    lines = page.title_lines(title)
    if len(lines) > 1 and " " not in lines[-1]:
        lines = page.title_lines("\N{NO-BREAK SPACE}".join(title.rsplit(" ", 1)))
    return lines


@draw.register
def draw_chart(chart: Chart, style: Style | None = None) -> Figure:
    """The figure of a chart."""
    with settings():
        style = replace(style or Style(), width=chart.width)
        chart = _roomy(Page(style, 1.0), chart)
        style = replace(style, width=chart.width)
        ruler = Page(style, 1.0)
        title, legend = _title_lines(ruler, chart.title), _legend_rows(ruler, chart)
        refused = ruler.wrapped(chart.refused, ruler.inside, style.font) if chart.refused else []
        boxes = note_on_unseen(row.label for row in chart.rows)
        notes = ruler.note_lines(_GLUED.sub(_glue, note) for note in (*chart.notes, *boxes))
        top = 0.13 + TITLE_SPACING * len(title)
        start = top + (_above(ruler, chart) if chart.panels else 0.0)
        body = start + (chart.height + _below(chart) if chart.panels else 0.16 * len(refused))
        keys = sum(map(_legend_height, legend))
        page = Page(style, body + keys + 0.04 + _LINE * len(notes) + 0.08)
        page.titled(0.15, title)
        for i, panel in enumerate(chart.panels):
            frame = Frame(page, chart, panel, chart.left + i * (chart.panel_width + chart.gap), start)
            frame.draw()
            frame.labels()
        if chart.rows:
            _row_texts(page, chart, chart.panels[0].y, chart.rows, start)
        _heads(page, chart, start)
        page.lines(style.margin, top + 0.08, refused, 0.16)
        _legend(page, chart, legend, body + _LEGEND / 2)
        page.noted(body + keys + 0.04 + _LINE / 2, notes, _LINE)
        return page.figure


def pages(chart: Chart, height: float, style: Style | None = None) -> list[Figure]:
    """The figure on pages no taller than `height` inches; none where one page holds it."""
    style = style or Style()
    with settings():
        roomy = _roomy(Page(replace(style, width=chart.width), 1.0), chart)
    return [draw_chart(part, style) for part in split(replace(chart, height=roomy.height), height)]


def _above(page: Page, chart: Chart) -> float:
    """Height of what stands above the panels."""
    above = 0.2 if any(p.y.name or p.heading for p in chart.panels) else 0.04
    above += _LINE * max((len(_heading_lines(page, chart, p)) - 1 for p in chart.panels if p.heading), default=0)
    above += _LINE * (_above_names(page, chart) > 0)
    return above + _LINE * max((head.count("\n") + 1 for head in chart.heads), default=0)


def _below(chart: Chart) -> float:
    """Height of what stands below the panels."""
    return 0.35 if any(p.x.name for p in chart.panels) else 0.24


def _heads(page: Page, chart: Chart, bottom: float) -> None:
    """Heads of the columns of cells, their last lines at the same height."""
    for x, head in zip(_cell_edges(chart, page.style.margin), chart.heads, strict=True):
        lines = head.split("\n")
        page.lines(x, bottom - _LINE * (len(lines) - 0.5), lines, _LINE, page.style.small, align="right", colour=FAINT)
