"""Draws a chart's layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from synthesis import text
from synthesis.draw.chart import AreaKind, Axis, Chart, Key, Line, LineKind, Panel, Point, PointKind, RowText
from synthesis.draw.marks import points_with_data
from synthesis.draw.sheet import FAINT, GRID, INK, LANE_COLOUR, Dashes, Page, Style, settings

LANE = "lane"
_DIAMOND = Path([(0, 0.62), (0.62, 0), (0, -0.62), (-0.62, 0), (0, 0.62)], closed=True)
_ROUND = Affine2D().scale(0.5).transform_path(Path.unit_circle())


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a kind of line is drawn; `over`: above the points."""

    colour: str
    width: float
    dashes: Dashes = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """How a kind of point is drawn."""

    face: str
    edge: str
    edge_width: float = 0.5
    alpha: float = 1.0
    path: Path = _ROUND


STROKES: dict[LineKind, Stroke] = {
    "null": Stroke(GRID, 0.9),
    "grid": Stroke("#e2e2e2", 0.5),
    "threshold": Stroke(FAINT, 0.7, (2.5, 2.0)),
    "effect": Stroke(LANE, 0.6),
    "pooled": Stroke(INK, 1.1),
    "limit": Stroke(INK, 0.8, (4.0, 2.5)),
    "regression": Stroke(LANE, 1.3, (1.2, 1.6)),
    "curve": Stroke(INK, 1.2),
    "prediction": Stroke(INK, 0.9, over=True),
    "interval": Stroke(INK, 2.8, over=True),
    "choice": Stroke(INK, 3.4),
    "uncertain choice": Stroke("#909090", 3.4),
}
FILLS: dict[PointKind, Fill] = {
    "added": Fill("white", LANE, 0.9),
    "estimate": Fill(LANE, "white", 0.4, 0.55),
    "sample": Fill(LANE, "white", 0.4),
    "marked": Fill(INK, INK, 0.5, path=_DIAMOND),
    "marked_small": Fill(INK, INK, 0.0),
    "pooled": Fill("white", INK, 1.3),
}
SHADES: dict[AreaKind, str] = {
    "background": "#f3f3f3",
    "p 0.01 to 0.05": "#dedede",
    "p 0.05 to 0.1": "#c4c4c4",
    "p above 0.1": "#ffffff",
    "row": "#e4e4e4",
    "prediction": "#ececec",
    "confidence": "#cfcfcf",
    "half of all": "#707070",
    "most": "#acacac",
    "all": "#dcdcdc",
}
_TITLE, _LINE, _LEGEND = 0.19, 0.125, 0.155
_KEY_WIDTH, _KEY_GAP = 0.24, 0.16


# Equations and intervals stay on one line.
_GLUED = re.compile(rf" = |(?<=\d), (?={text.MINUS}?[\d.]+\])")


def _glue(found: re.Match[str]) -> str:
    return found[0].replace(" ", "\N{NO-BREAK SPACE}")


def _colour(named: str, lane: str) -> str:
    return LANE_COLOUR[lane] if named == LANE else named


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
        self._names()

    def _clip(self, artist: Artist) -> None:
        self.page.clip(artist, self.left, self.top, self.right, self.bottom)

    def _lines(self, lines: Sequence[Line]) -> None:
        for kind in dict.fromkeys(line.kind for line in lines):
            stroke = STROKES[kind]
            drawn = LineCollection(
                [self.places(line.x, line.y) for line in lines if line.kind == kind],
                colors=_colour(stroke.colour, self.chart.lane),
                linewidths=stroke.width,
                linestyles="-" if stroke.dashes is None else [(0, stroke.dashes)],
                capstyle="butt",
            )
            self.page.add(drawn)
            self._clip(drawn)

    def _points(self, points: Sequence[Point]) -> None:
        for kind in dict.fromkeys(p.kind for p in points):
            own = [p for p in points if p.kind == kind]
            for behind in (True, False):
                drawn = [p for p in own if bool(p.effects) == behind]
                if behind and drawn:
                    self.page.many(self.numbers[id(drawn[0])])
                places = [(self.x(p.x), self.y(p.y)) for p in drawn]
                self.page.marks(places, [p.size for p in drawn], *fill_of(kind, self.chart.lane))
                self.page.marked(None)

    def _axes(self) -> None:
        page, panel, small = self.page, self.panel, self.page.style.small
        if panel.x.ticks:
            page.line([self.left, self.right], [self.bottom] * 2, INK, 0.7)
        for tick, label in zip(panel.x.ticks, panel.x.texts, strict=True):
            page.line([self.x(tick)] * 2, [self.bottom, self.bottom + 0.035], INK, 0.7)
            page.text(self.x(tick), self.bottom + 0.095, label, small, align="center")
        if panel.y.ticks:
            page.line([self.left] * 2, [self.top, self.bottom], INK, 0.7)
        for tick, label in zip(panel.y.ticks, panel.y.texts, strict=True):
            page.line([self.left - 0.035, self.left], [self.y(tick)] * 2, INK, 0.7)
            page.text(self.left - 0.06, self.y(tick), label, small, align="right")

        if panel.right:
            page.line([self.right] * 2, [self.top, self.bottom], INK, 0.7)
            page.text(page.style.width - page.style.margin, self.top - 0.12, panel.right.name, small, "right")
            for tick, label in zip(panel.right.ticks, panel.right.texts, strict=True):
                page.line([self.right, self.right + 0.035], [self.y(tick)] * 2, INK, 0.7)
                page.text(self.right + 0.06, self.y(tick), label, small)

    def _names(self) -> None:
        page, panel, small = self.page, self.panel, self.page.style.small
        if panel.x.name:
            half = page.width(panel.x.name, small) / 2
            middle = (self.left + self.right) / 2
            place = min(max(middle, page.style.margin + half), page.style.width - page.style.margin - half)
            page.text(place, self.bottom + 0.225, panel.x.name, small, "center")
        if panel.y.name:
            page.text(page.style.margin, self.top - 0.12, panel.y.name, small)
        if panel.heading:
            heading = page.fitted(panel.heading, self.chart.panel_width + 0.1, small, "bold")
            page.text((self.left + self.right) / 2, self.top - 0.09, heading, small, "center", weight="bold")

    def labels(self) -> None:
        """The labels of named points, each at the first place near its point where it hides nothing."""
        page, size = self.page, self.page.style.small
        high = size / 72
        taken = [
            (self.x(p.x) - p.size / 2, self.y(p.y) - p.size / 2, self.x(p.x) + p.size / 2, self.y(p.y) + p.size / 2)
            for p in self.panel.points
        ]
        edge = page.style.width - page.style.margin
        for point in sorted((p for p in self.panel.points if p.named), key=lambda p: (-p.y, p.x)):
            x, y = self.x(point.x), self.y(point.y)
            label = page.fitted(point.label, 0.6 * self.chart.panel_width, size)
            wide = page.width(label, size)
            for distance in (0.06, 0.1, 0.16, 0.24, 0.34, 0.46, 0.6, 0.8, 1.0):
                spots = [
                    (x + distance, y - high / 2),
                    (x - distance - wide, y - high / 2),
                    (x - wide / 2, y - distance - high),
                    (x - wide / 2, y + distance),
                    (x + distance * 0.7, y - distance - high / 2),
                    (x + distance * 0.7, y + distance - high / 2),
                    (x - distance * 0.7 - wide, y - distance - high / 2),
                    (x - distance * 0.7 - wide, y + distance - high / 2),
                ]
                free = [
                    (left, top, left + wide, top + high)
                    for left, top in spots
                    if left >= self.left + 0.02 and left + wide <= edge and top >= self.top - 0.02
                    and top + high <= self.bottom - 0.01
                    and not any(
                        left < b[2] + 0.01 and b[0] < left + wide + 0.01 and top < b[3] and b[1] < top + high
                        for b in taken
                    )
                ]  # fmt: skip
                if free:
                    box = free[0]
                    taken.append(box)
                    if distance > 0.12:
                        near = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
                        page.line([x, near[0]], [y, near[1]], FAINT, 0.5)
                    page.text(box[0], (box[1] + box[3]) / 2, label, size)
                    break


def fill_of(kind: PointKind, lane: str) -> tuple[str, str, float, float, Path]:
    """Colours, edge, opacity and shape of a kind of point."""
    fill = FILLS[kind]
    return _colour(fill.face, lane), _colour(fill.edge, lane), fill.edge_width, fill.alpha, fill.path


def _legend_rows(page: Page, chart: Chart) -> list[list[tuple[float, Key]]]:
    """Entries with their left edges, in rows that fit the page."""
    rows: list[list[tuple[float, Key]]] = []
    x, edge = 0.0, page.style.width - page.style.margin
    for key in chart.legend:
        wide = _KEY_WIDTH + page.width(key.content, page.style.small)
        if not rows or x + wide > edge:
            rows.append([])
            x = page.style.margin
        rows[-1].append((x, key))
        x += wide + _KEY_GAP
    return rows


def _legend(page: Page, chart: Chart, rows: list[list[tuple[float, Key]]], y: float) -> None:
    for row in rows:
        for x, key in row:
            if key.mark == "line":
                stroke = STROKES[key.kind]  # type: ignore[index]
                page.line([x, x + 0.2], [y, y], _colour(stroke.colour, chart.lane), stroke.width, stroke.dashes)
            elif key.mark == "area":
                page.polygon(
                    [(x + 0.02, y - 0.045), (x + 0.18, y - 0.045), (x + 0.18, y + 0.045), (x + 0.02, y + 0.045)],
                    SHADES[key.kind],  # type: ignore[index]
                    GRID,
                    0.5,
                )
            else:
                page.marks([(x + 0.1, y)], [0.075], *fill_of(key.kind, chart.lane))  # type: ignore[arg-type]
            page.text(x + _KEY_WIDTH, y, key.content, page.style.small)
        y += _LEGEND


def _row_texts(page: Page, chart: Chart, axis: Axis, rows: Iterable[RowText], top: float) -> None:
    """Labels left of the panels, numbers right of them."""
    style = page.style
    for row in rows:
        y = top + chart.height * (row.y - axis.high) / (axis.low - axis.high)
        weight = "bold" if row.bold else "normal"
        room = chart.left - style.margin - 0.1
        up = 0.058 if row.detail else 0.0
        page.text(style.margin, y - up, page.fitted(row.label, room, style.small + 0.2, weight), style.small + 0.2,
                  weight=weight)  # fmt: skip
        if row.detail:
            page.text(style.margin, y + up, page.fitted(row.detail, room, style.small), style.small, colour=FAINT)
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


def draw(chart: Chart) -> Figure:
    """The figure of a layout."""
    style = Style(width=chart.width)
    with settings():
        ruler = Page(style, 1.0)
        room = style.width - 2 * style.margin
        # Bold runs about a tenth wider than the regular face that `wrapped` measures.
        title = ruler.wrapped(chart.title, room / 1.1, style.title)
        refused = ruler.wrapped(chart.refused, room, style.font) if chart.refused else []
        notes = [line for note in chart.notes for line in ruler.wrapped(_GLUED.sub(_glue, note), room, style.small)]
        legend = _legend_rows(ruler, chart)
        top = 0.13 + _TITLE * len(title)
        above = 0.2 if any(p.y.name or p.heading for p in chart.panels) else 0.04
        above += _LINE * max((head.count("\n") + 1 for head in chart.heads), default=0)
        below = 0.0
        if chart.panels:
            below = 0.35 if any(p.x.name for p in chart.panels) else 0.24
        start = top + above if chart.panels else top
        body = start + (chart.height + below if chart.panels else 0.16 * len(refused))
        height = body + _LEGEND * len(legend) + 0.04 + _LINE * len(notes) + 0.08
        page = Page(style, height)
        for i, line in enumerate(title):
            page.text(style.margin, 0.15 + _TITLE * i, line, style.title, weight="bold")
        frames = [
            Frame(page, chart, panel, chart.left + i * (chart.panel_width + chart.gap), start)
            for i, panel in enumerate(chart.panels)
        ]
        for frame in frames:
            frame.draw()
            frame.labels()
        if chart.rows:
            _row_texts(page, chart, chart.panels[0].y, chart.rows, start)
        for x, head in zip(_cell_edges(chart, style.margin), chart.heads, strict=True):
            lines = head.split("\n")
            for i, line in enumerate(lines):
                page.text(x, start - _LINE * (len(lines) - i - 0.5), line, style.small, "right", colour=FAINT)
        for i, line in enumerate(refused):
            page.text(style.margin, top + 0.08 + 0.16 * i, line)
        _legend(page, chart, legend, body + _LEGEND / 2)
        y = body + _LEGEND * len(legend) + 0.04 + _LINE / 2
        for i, line in enumerate(notes):
            page.text(style.margin, y + _LINE * i, line, style.small, colour=FAINT)
        return page.figure
