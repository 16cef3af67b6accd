"""The page that every figure is drawn on: sizes, colours, our font, measured text, shapes.

All positions are in inches from the top left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cache, singledispatch
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle
from matplotlib.path import Path as MarkPath
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform, TransformedBbox

from synthesis.draw.characters import FAMILY, fallback, further_characters, further_fonts, load_fonts, our_characters
from synthesis.draw.letters import face_of
from synthesis.draw.marks import MANY, PART, Mark

DPI = 300
POINTS_PER_INCH = 72.0

# Okabe-Ito blue and vermilion, darkened: apart for colour-blind eyes, and in grey by lightness.
LANE_COLOUR = {"A": "#0b5394", "B": "#c0510c", "C": "#3d6b35", "": "#444444"}
# Behind diamonds: where the effects of new settings lie.
BANDS = {"A": "#d3e2f1", "B": "#f7dccb", "C": "#d6e6d2", "": "#e2e2e2"}
DARK, FAINT, GRID = "#1a1a1a", "#5a5a5a", "#b8b8b8"
BAND = "#f2f2f2"
# Judgements of risk of bias, from the best to the worst; symbols and words say the same.
RISK_COLOUR = {
    "low": "#1b7a43",
    "some concerns": "#b58900",
    "high": "#b3261e",
    "critical": "#6b1512",
    "no information": "#6f7a86",
}
# A column as wide as its widest text holds it, whatever the rounding.
ROUNDING = 1e-6
# Inches by which the sum of the widths of words may be wrong for a line of a page's width.
DOUBT = 0.03
# Inches from line to line of a title and of notes.
TITLE_SPACING, NOTE_SPACING = 0.19, 0.135
Dashes = tuple[float, ...] | None
Element = Literal["plot", "estimate", "weight"]


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes in inches and points."""

    width: float = 7.2
    margin: float = 0.12
    row: float = 0.172
    gap: float = 0.13
    font: float = 7.6
    small: float = 6.8
    title: float = 9.5
    # The plot as it should be, and as small as columns may make it; then the page grows, up to `width_max`.
    plot_min: float = 1.95
    plot_least: float = 1.4
    width_max: float = 11.0
    # Longer names and cells take several lines, and shorter lines than that once the page is as wide as it may be.
    label_max: float = 3.0
    label_least: float = 1.5
    cell_max: float = 1.3
    # What stands beside the names of a forest plot, from left to right.
    order: tuple[Element, ...] = ("plot", "estimate", "weight")
    # Colours of marks, of diamonds and of what lies behind these by lane; how an interval is printed.
    marks: Mapping[str, str] = field(default_factory=lambda: LANE_COLOUR)
    diamonds: Mapping[str, str] = field(default_factory=lambda: LANE_COLOUR)
    bands: Mapping[str, str] = field(default_factory=lambda: BANDS)
    interval: tuple[str, str, str] = ("[", ",", "]")


_BMJ = {"A": "#1f5a96", "B": "#1f5a96", "C": "#1f5a96", "": "#444444"}
_PALE = {"A": "#d3e2f1", "B": "#d3e2f1", "C": "#d3e2f1", "": "#e2e2e2"}
_GREY = {"A": "#e2e2e2", "B": "#e2e2e2", "C": "#e2e2e2", "": "#e2e2e2"}
_REVMAN = {"A": "#1d6f42", "B": "#1d6f42", "C": "#1d6f42", "": "#444444"}
_BLACK = {"A": "#1a1a1a", "B": "#1a1a1a", "C": "#1a1a1a", "": "#444444"}
PRESETS: dict[str, Style] = {
    "project": Style(),
    "bmj": Style(
        marks=_BMJ, diamonds=_BMJ, bands=_PALE, interval=("(", " to", ")"), order=("plot", "weight", "estimate")
    ),
    "revman": Style(marks=_REVMAN, diamonds=_BLACK, bands=_GREY, order=("weight", "estimate", "plot")),
}


@contextmanager
def settings() -> Iterator[None]:
    """Our font and bytes that depend on nothing but the drawing."""
    load_fonts()
    parameters = {
        "font.family": [FAMILY],
        "pdf.fonttype": 42,
        # Of this one matplotlib takes how many letters a part of a font in a PDF has.
        "ps.fonttype": 42,
        "path.simplify": False,
        # At print resolution hinting changes no shape that is seen, and costs a third of the drawing time.
        "text.hinting": "no_hinting",
    }
    with mpl.rc_context(parameters):  # type: ignore[arg-type]
        yield


# Measured once for all figures of a process, in inches.
_WIDTHS: dict[tuple[str, float, str], float] = {}
_ASCENTS: dict[tuple[float, str], float] = {}
_OUTLINES: dict[tuple[Any, ...], MarkPath] = {}


class PlacedText(Text):
    """A text of one line that starts at `start`, in inches on the page: shaped once for each file, not three times."""

    start: tuple[float, float] = (0.0, 0.0)

    def draw(self, renderer: RendererBase) -> None:
        """Draws the text where the page has placed it."""
        x, up = self.get_transform().transform(self.start)
        y = renderer.get_canvas_width_height()[1] - up if renderer.flipy() else up
        renderer.open_group("text", self.get_gid())
        gc = renderer.new_gc()
        gc.set_foreground(self.get_color())
        properties = self.get_fontproperties()
        # Fonts with cubic outlines, such as those for Chinese, cannot stand in a PDF as ours do: their shapes can.
        if isinstance(renderer, RendererAgg) or (not hasattr(renderer, "keeps_text") and self._is_from_further_font()):
            gc.set_linewidth(0)
            # Else a sign of level lines alone would stand on whole pixels, thicker here than there.
            gc.set_snap(False)
            point: Any = renderer.points_to_pixels(1.0)
            pixels = properties.get_size_in_points() * float(point)
            place = Affine2D().scale(pixels).translate(x, up)
            renderer.draw_path(gc, self._outline(), place, to_rgb(self.get_color()))
        else:
            renderer.draw_text(gc, x, y, self.get_text(), properties, 0, ismath=False, mtext=self)
        gc.restore()
        renderer.close_group("text")

    def _is_from_further_font(self) -> bool:
        return bool(further_fonts()) and any(ord(c) in further_characters() for c in self.get_text())

    def _outline(self) -> MarkPath:
        """The shapes of the letters, in em; figures of one synthesis have most of their words in common."""
        properties, content = self.get_fontproperties(), self.get_text()
        weight, style = properties.get_weight(), properties.get_style()
        key = (content, weight, style)
        if key not in _OUTLINES:
            face = face_of(weight, style)
            _OUTLINES[key] = face.outline(content) if face and face.holds(content) else _shaped(content, properties)
        return _OUTLINES[key]


def _shaped(content: str, properties: font_manager.FontProperties) -> MarkPath:
    """The shapes of letters of which our font lacks some, in em."""
    vertices, codes = text_to_path.get_text_path(properties, content, ismath=False)
    return MarkPath(np.reshape(vertices, (-1, 2)) / text_to_path.FONT_SCALE, codes)


@cache
def _text_of(size: float, align: str, colour: str, weight: str, style: str, *family: str) -> PlacedText:
    """A text of one look, to be copied: that takes a tenth of the time of making another one."""
    return PlacedText(
        fontsize=size,
        ha=align,
        va="center_baseline",
        color=colour,
        fontweight=weight,
        fontstyle=style,
        fontfamily=family,
        parse_math=False,
    )


@cache
def _ruler() -> Any:
    """Measures texts; of a small canvas, since each page would need another large one."""
    return FigureCanvasAgg(Figure(figsize=(1, 1), dpi=DPI)).get_renderer()


class Page:
    """A page on which text is measured before it is placed. Positions in inches from the top left."""

    def __init__(self, style: Style, height: float) -> None:
        self.style = style
        self.figure = Figure(figsize=(style.width, height), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.renderer = _ruler()
        self._place = Affine2D().scale(1, -1).translate(0, height) + self.figure.dpi_scale_trans
        self._mark, self._parts = "", 0

    def marked(self, mark: Mark | None) -> None:
        """What is added from here on belongs to this mark, and carries its name in the file."""
        self._mark, self._parts = mark.name if mark else "", 0

    def many(self, first: int) -> None:
        """The next shapes drawn at once belong to as many marks, from the one with this number on."""
        self._mark, self._parts = MANY, first

    def _name(self, artist: Artist) -> None:
        if self._mark:
            # Names are unique in a file: each part of a mark has its own.
            artist.set_gid(f"{self._mark}{PART}{self._parts}")
            self._parts += 1

    @property
    def inside(self) -> float:
        """Width between the margins in inches."""
        return self.style.width - 2 * self.style.margin

    def width(self, content: str, size: float, weight: str = "normal") -> float:
        """Width of a text in inches."""
        key = (content, size, weight)
        if content and key not in _WIDTHS:
            face = face_of(weight, "normal")
            if face and face.holds(content):
                _WIDTHS[key] = face.width(content) * size / POINTS_PER_INCH
                return _WIDTHS[key]
            properties = font_manager.FontProperties(family=self._family(content), size=size, weight=weight)
            extent = self.renderer.get_text_width_height_descent(content, properties, False)
            _WIDTHS[key] = float(extent[0]) / float(self.figure.dpi)
        return _WIDTHS[key] if content else 0.0

    def add(self, artist: Artist) -> None:
        """Adds a shape or line, above whatever was added before."""
        artist.set_transform(self._place)
        artist.set_zorder(2)
        self._name(artist)
        self.figure.add_artist(artist)

    def text(
        self,
        x: float,
        y: float,
        content: str,
        size: float | None = None,
        align: str = "left",
        colour: str = DARK,
        weight: str = "normal",
        style: str = "normal",
    ) -> None:
        """Places a text, centred on y. Text from data is never read as mathematics."""
        if content:
            size = size or self.style.font
            placed = copy(_text_of(size, align, colour, weight, style, *self._family(content)))
            placed.set_text(content)
            placed.set_position((x, y))
            placed.set_transform(self._place)
            before = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.width(content, size, weight)
            placed.start = (x - before, y + self._ascent(size, weight) / 2)
            placed.set_figure(self.figure)
            self._name(placed)
            self.figure.texts.append(placed)

    def lines(
        self, x: float, y: float, lines: Iterable[str], spacing: float, size: float | None = None, **look: str
    ) -> float:
        """Places lines of a text below each other, the first one centred on y; returns where the next one would be."""
        for line in lines:
            self.text(x, y, line, size, **look)
            y += spacing
        return y

    def _family(self, content: str) -> list[str]:
        """The fonts of a text: ours, and another one where ours lacks a character."""
        return [FAMILY] if our_characters().issuperset(content) else list(fallback())

    def _ascent(self, size: float, weight: str) -> float:
        """From the baseline to the top of a tall letter, in inches."""
        key = (size, weight)
        if key not in _ASCENTS:
            properties = font_manager.FontProperties(size=size, weight=weight)
            _, height, descent = self.renderer.get_text_width_height_descent("lp", properties, False)
            _ASCENTS[key] = float(height - descent) / float(self.figure.dpi)
        return _ASCENTS[key]

    def wrapped(self, content: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """The text in lines no wider than `width`, broken at spaces; a longer word is broken where the line ends.

        Nothing is left out: a text that is cut may be one that differs from another at its end.
        """
        lines: list[str] = []
        reach = 0.0
        for word in content.split(" "):
            reach += self.width(" ", size, weight) + self.width(word, size, weight)
            # A line is measured only where the sum of its words, which rounds and knows no kerning, may deceive.
            sure = abs(reach - width) > DOUBT
            if lines and (reach if sure else self.width(f"{lines[-1]} {word}", size, weight)) <= width + ROUNDING:
                lines[-1] += f" {word}"
                continue
            while self.width(word, size, weight) > width + ROUNDING and len(word) > 1:
                length = self._fitting_length(word, width, size, weight)
                lines.append(word[:length])
                word = word[length:]
            lines.append(word)
            reach = self.width(word, size, weight)
        return lines

    def _fitting_length(self, word: str, width: float, size: float, weight: str) -> int:
        """How many of a word's characters, at least one, are no wider than `width`."""
        low, high = 1, len(word) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(word[:middle], size, weight) <= width + ROUNDING:
                low = middle
            else:
                high = middle - 1
        return low

    def title_lines(self, title: str) -> list[str]:
        """The title of a figure in lines as wide as the page."""
        return self.wrapped(title, self.inside, self.style.title, "bold")

    def note_lines(self, notes: Iterable[str]) -> list[str]:
        """Notes below a figure in lines as wide as the page."""
        return [line for note in notes for line in self.wrapped(note, self.inside, self.style.small)]

    def titled(self, y: float, lines: Iterable[str]) -> None:
        """Places the lines of the title, the first one centred on y."""
        self.lines(self.style.margin, y, lines, TITLE_SPACING, self.style.title, weight="bold")

    def noted(self, y: float, lines: Iterable[str], spacing: float = NOTE_SPACING) -> None:
        """Places lines of notes, the first one centred on y."""
        self.lines(self.style.margin, y, lines, spacing, self.style.small, colour=FAINT)

    def apart(
        self,
        places: Sequence[float],
        texts: Sequence[str],
        size: float,
        first: float,
        edges: tuple[float, float] | None = None,
    ) -> list[str]:
        """The texts centred at `places` on one line, empty where one would touch another or reach beyond the edges.

        The nearest to `first` come first.
        """
        kept: dict[int, tuple[float, float]] = {}
        for i in sorted(range(len(places)), key=lambda i: (abs(places[i] - first), i)):
            half = self.width(texts[i], size) / 2 + 0.02
            box = (places[i] - half, places[i] + half)
            inside = edges is None or (edges[0] <= box[0] and box[1] <= edges[1])
            if inside and all(box[1] <= left or right <= box[0] for left, right in kept.values()):
                kept[i] = box
        return [text if i in kept else "" for i, text in enumerate(texts)]

    def line(
        self, x: list[float], y: list[float], colour: str = DARK, width: float = 0.8, dashes: Dashes = None
    ) -> None:
        """A line through the points, dashed by lengths in points."""
        drawn = Line2D(x, y, color=colour, linewidth=width, solid_capstyle="butt", dash_capstyle="butt")
        if dashes is not None:
            drawn.set_linestyle((0, dashes))
        self.add(drawn)

    def polygon(
        self, corners: list[tuple[float, float]], fill: str, edge: str | None, edge_width: float = 0.8
    ) -> Artist:
        """A filled shape, with an edge where it has a colour."""
        width = edge_width if edge else 0.0
        shape = Polygon(corners, closed=True, facecolor=fill, edgecolor=edge or "none", linewidth=width)
        self.add(shape)
        return shape

    def circle(self, x: float, y: float, radius: float, fill: str, edge: str | None = None, width: float = 0.0) -> None:
        """A filled circle, with an edge where it has a colour."""
        self.add(Circle((x, y), radius, facecolor=fill, edgecolor=edge or "none", linewidth=width))

    def rounded_box(self, left: float, top: float, width: float, height: float) -> None:
        """An empty box with round corners."""
        style = "round,pad=0,rounding_size=0.04"
        self.add(
            FancyBboxPatch((left, top), width, height, boxstyle=style, facecolor="white", edgecolor=DARK, linewidth=0.7)
        )

    def strokes(
        self, courses: Sequence[Sequence[tuple[float, float]]], colour: str, width: float, dashes: Dashes
    ) -> Artist:
        """Lines of one kind; one artist however many there are."""
        drawn = LineCollection(
            courses,
            colors=colour,
            linewidths=width,
            linestyles="-" if dashes is None else [(0, dashes)],
            capstyle="butt",
        )
        self.add(drawn)
        return drawn

    def points(
        self,
        places: list[tuple[float, float]],
        sizes: list[float],
        fill: str,
        edge: str,
        edge_width: float,
        alpha: float,
        shape: MarkPath,
    ) -> None:
        """Points of one shape, of unit size, and kind; one artist however many there are."""
        # A collection takes areas, in square points, of a shape of unit size.
        drawn = PathCollection(
            [shape],
            sizes=[(72 * size) ** 2 for size in sizes],
            offsets=places,
            offset_transform=self._place,
            facecolors=[to_rgba(fill, alpha)],
            edgecolors=[edge],
            linewidths=[edge_width],
        )
        drawn.set_transform(IdentityTransform())
        drawn.set_zorder(2)
        self._name(drawn)
        self.figure.add_artist(drawn)

    def clip(self, artist: Artist, left: float, top: float, right: float, bottom: float) -> None:
        """Cuts what was added at the edges of a box."""
        artist.set_clip_box(TransformedBbox(Bbox([[left, top], [right, bottom]]), self._place))

    def box(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        """A filled box without an edge."""
        self.add(Rectangle((left, top), width, height, color=colour, linewidth=0))


@singledispatch
def draw(layout: object, style: Style | None = None) -> Figure:  # noqa: ARG001 for those that register
    """The figure of a layout. The module that draws a kind of layout registers how, and must have been imported."""
    raise TypeError(f"no module that draws a {type(layout).__name__} was imported")
