"""The SVG of a figure, which is its file and what the report embeds: text as text, one group per mark that names the
effects behind it, no styles (a page with a strict content policy ignores them), ids that no other figure has.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform
from numpy.typing import NDArray

from synthesis.draw.canvas import POINTS_PER_INCH, settings
from synthesis.draw.characters import FAMILY
from synthesis.draw.letters import face_of
from synthesis.draw.marks import MANY, PART, Mark

Element = ElementTree.Element
# Left, top, right, bottom.
Box = tuple[float, float, float, float]
_NAMESPACE = "http://www.w3.org/2000/svg"
# Widths were measured with our font; the others have the same ones.
_FAMILIES = f"{FAMILY}, Liberation Sans, Arial, Helvetica, sans-serif"
_ANCHOR = {"center": "middle", "right": "end"}
_LETTER = {int(Path.MOVETO): "M", int(Path.LINETO): "L", int(Path.CURVE3): "Q", int(Path.CURVE4): "C"}
# Of the curves that matplotlib makes a circle of.
_CIRCLE = np.asarray(Path.unit_circle().codes).tolist()
# Between rows of a table the pointer always meets one of them; a mark without text answers a little around its shapes.
_BETWEEN_ROWS, _AROUND = 6.0, 3.0


def svg_of(figure: Figure, stem: str, title: str, description: str, marks: Iterable[Mark] = ()) -> str:
    """The figure as SVG, in points; `marks` name the artists whose gid starts with their name.

    `stem`, the name of its file, begins every id. The same figure gives the same text.
    """
    width, height = (float(size) * POINTS_PER_INCH for size in figure.get_size_inches())
    renderer = SvgRenderer(width, height, stem, list(marks))
    density = figure.dpi
    with settings():
        try:
            figure.dpi = POINTS_PER_INCH
            figure.draw(renderer)
        finally:
            figure.dpi = density
    renderer.finish()
    size = {"viewBox": f"0 0 {_number(width)} {_number(height)}", "width": f"{_number(width)}pt"}
    root = Element(
        "svg",
        {"xmlns": _NAMESPACE, "id": stem, "class": "live"}
        | size
        | {"height": f"{_number(height)}pt", "role": "img", "aria-labelledby": f"{stem}.title {stem}.description"}
        | {"font-family": _FAMILIES, "stroke-linejoin": "round"},
    )
    ElementTree.SubElement(root, "title", {"id": f"{stem}.title"}).text = title
    ElementTree.SubElement(root, "desc", {"id": f"{stem}.description"}).text = description
    root.extend(renderer.elements)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


class SvgRenderer(RendererBase):
    """Draws artists as elements, those of a mark into its group. Positions in points from the top left."""

    # Whatever fonts its letters have: the browser has its own.
    keeps_text = True

    def __init__(self, width: float, height: float, stem: str, marks: Sequence[Mark]) -> None:
        super().__init__()
        self._width, self._height, self._stem, self._marks = width, height, stem, marks
        self._by_name = {mark.name: mark for mark in marks}
        self.elements: list[Element] = []
        self._groups: dict[str, Element] = {}
        # Of each group of a mark what its shapes and texts cover.
        self._covered: dict[str, list[Box]] = {}
        # The names of the artists being drawn, the innermost last, and how many shapes that one has so far.
        self._names: list[str] = []
        self._shapes = 0
        self._clips: dict[Box, str] = {}

    def flipy(self) -> bool:
        """Whether heights grow downwards."""
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        """The page in points."""
        return self._width, self._height

    def open_group(self, s: str, gid: str | None = None) -> None:  # noqa: ARG002 matplotlib's
        """Begins an artist."""
        self._names.append(gid or (self._names[-1] if self._names else ""))
        self._shapes = 0

    def close_group(self, s: str) -> None:  # noqa: ARG002 matplotlib's
        """Ends an artist."""
        self._names.pop()

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,  # noqa: N803 matplotlib's
    ) -> None:
        """Adds a line or a filled shape."""
        placed = (transform + Affine2D().scale(1, -1).translate(0, self._height)).transform_path(path)
        vertices, codes = _vertices(placed)
        box = _box_of(vertices)
        element = _circle(box) if _is_circle(codes, box) else Element("path", {"d": _course(vertices, codes)})
        element.attrib |= _paint(gc, rgbFace)
        clip = gc.get_clip_rectangle()
        if clip is not None:
            edges = (clip.x0, self._height - clip.y1, clip.x1, self._height - clip.y0)
            if any(a < b for a, b in zip(box[:2], edges[:2], strict=True)) or any(
                a > b for a, b in zip(box[2:], edges[2:], strict=True)
            ):
                element.set("clip-path", f"url(#{self._clip(edges)})")
        self._add(element, box)

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,  # noqa: ARG002 matplotlib's; nothing is turned
        ismath: bool | str = False,  # noqa: ARG002 matplotlib's; nothing is mathematics
        mtext: Text | None = None,
    ) -> None:
        """Adds a text, anchored where the page has aligned it, so that it stays there in another font."""
        size = float(prop.get_size_in_points())
        look = {"font-size": _number(size), "fill": to_hex(gc.get_rgb())}
        if prop.get_weight() == "bold":
            look["font-weight"] = "700"
        if prop.get_style() != "normal":
            look["font-style"] = prop.get_style()
        anchored = x
        if mtext is not None and mtext.get_horizontalalignment() in _ANCHOR:
            look["text-anchor"] = _ANCHOR[mtext.get_horizontalalignment()]
            anchored = float(mtext.get_transform().transform(mtext.get_position())[0])
        face = face_of(prop.get_weight(), prop.get_style())
        if face is not None and len(s) > 1 and face.holds(s):
            # Where our font is not there another one takes the same room.
            look |= {"textLength": f"{face.width(s) * size:.1f}"}
        element = Element("text", {"x": _number(anchored), "y": _number(y)} | look)
        element.text = s
        self._add(element, (x, y - 0.95 * size, x, y + 0.45 * size))

    def finish(self) -> None:
        """Completes the groups: the area of each that answers the pointer, and fewer elements for the same picture."""
        self._reach()
        _join(self.elements)
        for group in self._groups.values():
            _join(group)
        if self._clips:
            clips = Element("defs")
            for (left, top, right, bottom), name in self._clips.items():
                ElementTree.SubElement(clips, "clipPath", {"id": name}).append(_rect(left, top, right, bottom))
            self.elements.insert(0, clips)

    def _add(self, element: Element, box: Box) -> None:
        """Adds an element to the group of the mark that it belongs to, or to the drawing."""
        name, _, number = (self._names[-1] if self._names else "").rpartition(PART)
        if name == MANY:
            name = self._marks[int(number) + self._shapes].name
            self._shapes += 1
        if name not in self._by_name:
            self.elements.append(element)
            return
        if name not in self._groups:
            self._groups[name] = Element("g", _described(self._stem, self._by_name[name]))
            self._covered[name] = []
            self.elements.append(self._groups[name])
        self._groups[name].append(element)
        self._covered[name].append(box)

    def _clip(self, edges: Box) -> str:
        return self._clips.setdefault(edges, f"{self._stem}.clip{len(self._clips)}")

    def _reach(self) -> None:
        """Gives each mark an area for the pointer: the whole line where it has text, else a frame around it."""
        areas = {name: [*_around(boxes)] for name, boxes in self._covered.items()}
        rows = [name for name, group in self._groups.items() if group.find("text") is not None]
        for above, below in pairwise(sorted(rows, key=lambda name: (areas[name][1], areas[name][3]))):
            if abs(areas[below][1] - areas[above][3]) < _BETWEEN_ROWS:
                areas[below][1] = areas[above][3] = (areas[below][1] + areas[above][3]) / 2
        for name, group in self._groups.items():
            left, top, right, bottom = areas[name]
            if name in rows:
                area = _rect(left - _AROUND, top, self._width - _AROUND, bottom)
            else:
                area = _rect(left - _AROUND, top - _AROUND, right + _AROUND, bottom + _AROUND)
            area.attrib = {"class": "area", "fill": "none", "pointer-events": "all"} | area.attrib
            group.insert(0, area)


def _number(value: float) -> str:
    """A length, to a hundredth of a point."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def _vertices(path: Path) -> tuple[NDArray[np.float64], list[int]]:
    """The vertices of a path, of shape (n, 2), and what each is for."""
    vertices = np.asarray(path.vertices, float)
    lines = [int(Path.MOVETO)] + [int(Path.LINETO)] * (len(vertices) - 1)
    return vertices, lines if path.codes is None else np.asarray(path.codes).tolist()


def _box_of(vertices: NDArray[np.float64]) -> Box:
    (left, top), (right, bottom) = vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist()
    return left, top, right, bottom


def _around(boxes: Sequence[Box]) -> Box:
    """The box that holds all of these."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _rect(left: float, top: float, right: float, bottom: float) -> Element:
    area = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return Element("rect", {name: _number(value) for name, value in area.items()})


def _is_circle(codes: list[int], box: Box) -> bool:
    return codes == _CIRCLE and math.isclose(box[2] - box[0], box[3] - box[1], rel_tol=1e-6)


def _circle(box: Box) -> Element:
    shape = {"cx": (box[0] + box[2]) / 2, "cy": (box[1] + box[3]) / 2, "r": (box[2] - box[0]) / 2}
    return Element("circle", {name: _number(value) for name, value in shape.items()})


def _course(vertices: NDArray[np.float64], codes: list[int]) -> str:
    """A path in SVG; a letter holds for all vertices until the next one."""
    parts: list[str] = []
    before = None
    for (x, y), code in zip(vertices.tolist(), codes, strict=True):
        if code == Path.CLOSEPOLY:
            parts.append("z")
        else:
            letter = f"{_LETTER[code]} " if code != before or code == Path.MOVETO else ""
            parts.append(f"{letter}{_number(x)} {_number(y)}")
        before = code
    return " ".join(parts)


def _paint(gc: GraphicsContextBase, face: Any) -> dict[str, str]:
    """Colours and strokes as attributes."""
    paint = {"fill": "none" if face is None else to_hex(face)}
    if face is not None and len(face) > 3 and face[3] < 1:
        paint["fill-opacity"] = _number(face[3])
    if gc.get_linewidth() > 0:
        paint |= {"stroke": to_hex(gc.get_rgb()), "stroke-width": _number(gc.get_linewidth())}
        if gc.get_joinstyle() != "round":
            paint["stroke-linejoin"] = gc.get_joinstyle()
        dashes = gc.get_dashes()[1]
        if dashes is not None:
            paint["stroke-dasharray"] = " ".join(_number(length) for length in np.asarray(dashes, float).tolist())
    return paint


def _described(stem: str, mark: Mark) -> dict[str, str]:
    described = {"id": f"{stem}.{mark.name}", "class": "mark", "data-label": mark.label}
    if mark.effects:
        described["data-effects"] = " ".join(mark.effects)
    if mark.synthesis:
        described["data-synthesis"] = mark.synthesis
    return described


def _join(elements: list[Element] | Element) -> None:
    """Joins lines that follow each other and differ in their course alone."""
    joined: list[Element] = []
    courses: list[list[str]] = []
    for element in elements:
        if joined and _alike(joined[-1], element):
            courses[-1].append(element.get("d", ""))
        else:
            joined.append(element)
            courses.append([element.get("d", "")])
    for element, course in zip(joined, courses, strict=True):
        if len(course) > 1:
            element.set("d", " ".join(course))
    elements[:] = joined


def _alike(first: Element, second: Element) -> bool:
    if first.tag != "path" or second.tag != "path" or first.get("fill") != "none":
        return False
    return {k: v for k, v in first.items() if k != "d"} == {k: v for k, v in second.items() if k != "d"}
