"""The drawing as the report embeds it: text as text, one group per mark, no styles, names that no other figure has.

A page with a strict content policy ignores style attributes, so that everything is a presentation attribute.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from synthesis.draw.marks import MANY, PART, Mark
from synthesis.draw.sheet import FAMILY, settings
from synthesis.results.files import write_text

Element = ElementTree.Element
_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
# Widths were measured with our font; the others have the same ones.
_FAMILIES = f"{FAMILY}, Liberation Sans, Arial, Helvetica, sans-serif"
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([^)\s]+)")
_STILL = re.compile(r"rotate\(-?0 [^)]*\)")
# Attributes at their default, or said once for the whole drawing.
_DEFAULTS = {
    "text-anchor": "start",
    "font-family": f"'{FAMILY}'",
    "font-weight": "400",
    "font-style": "normal",
    "stroke-linejoin": "round",
    "stroke-linecap": "butt",
}
# Between rows of a table the pointer always meets one of them.
_REACH = 6.0


def save_live(figure: Figure, path: Path, title: str, description: str, marks: Iterable[Mark]) -> None:
    """Writes the figure for the report; `marks` name the artists whose gid starts with their name."""
    written = io.BytesIO()
    with settings(), mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    write_text(path, live(written.getvalue(), path.stem, title, description, marks))


def live(svg: bytes, stem: str, title: str, description: str, marks: Iterable[Mark]) -> str:
    """Matplotlib's SVG made small and live."""
    drawn = ElementTree.fromstring(svg)  # noqa: S314 our own drawing
    for element in drawn.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        _attributes(element, stem)
    row = list(marks)
    known = {mark.name: mark for mark in row}
    root = _root(drawn, stem, title, description)
    groups: dict[str, Element] = {}
    body = next(child for child in drawn if child.tag == "g")
    for name, part in _named(body, stem, row):
        if name not in known:
            root.extend(_plain(part))
            continue
        if name not in groups:
            groups[name] = ElementTree.SubElement(root, "g", _described(stem, known[name]))
        groups[name].extend(_plain(part))
    _reach(list(groups.values()), float(drawn.get("viewBox", "0 0 0 0").split()[2]))
    _smaller(root)
    used = {name for element in root.iter() for value in element.attrib.values() for name in _REFERENCE.findall(value)}
    shapes = [e for defs in drawn.iter("defs") for e in defs if e.tag != "style" and e.get("id") in used]
    _coloured_where_used(shapes, root)
    if shapes:
        defs = ElementTree.Element("defs")
        defs.extend(shapes)
        root.insert(2, defs)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _coloured_where_used(shapes: list[Element], root: Element) -> None:
    """Takes colours from shapes that are drawn several times, and gives them to each use.

    A style sheet does not reach what a use copies: a colour of the shape would stay as it is on a dark page.
    """
    for shape in shapes:
        uses = [use for use in root.iter("use") if use.get("href") == f"#{shape.get('id')}"]
        for name in ("fill", "stroke"):
            colour = shape.attrib.pop(name, None)
            for use in uses if colour else []:
                use.attrib.setdefault(name, colour or "")


_CIRCLE = re.compile(r"M ([\d.]+) ([\d.]+)((?: C(?: -?[\d.]+){6}){8}) z")


def _smaller(root: Element) -> None:
    """Circles as circles, and lines that follow each other and look alike as one path: the same picture, less text."""
    for path in root.iter("path"):
        found = _CIRCLE.fullmatch(path.get("d", ""))
        if found is None:
            continue
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", found[3])]
        xs, ys = numbers[4::6], numbers[5::6]
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        if abs(wide - high) < _ROUND:
            path.tag = "circle"
            del path.attrib["d"]
            shape = {"cx": (min(xs) + max(xs)) / 2, "cy": (min(ys) + max(ys)) / 2, "r": wide / 2}
            path.attrib.update({name: _rounded(f"{value:.3f}") for name, value in shape.items()})
    for group in root.iter():
        kept: list[Element] = []
        for child in list(group):
            before = kept[-1] if kept else None
            if before is not None and _alike(before, child):
                before.set("d", f"{before.get('d')} {child.get('d')}")
                group.remove(child)
            else:
                kept.append(child)


# How far a circle of rounded numbers may be from round.
_ROUND = 0.03


def _alike(first: Element, second: Element) -> bool:
    """Whether two paths are unfilled lines that differ in their course alone."""
    if first.tag != "path" or second.tag != "path" or first.get("fill") != "none" or first.get("id"):
        return False
    return {k: v for k, v in first.items() if k != "d"} == {k: v for k, v in second.items() if k != "d"}


def _named(body: Element, stem: str, row: list[Mark]) -> Iterator[tuple[str, Element]]:
    """The parts of a drawing with the name of the mark they belong to; shapes drawn at once one by one."""
    for part in _parts(body, stem, {MANY, *(mark.name for mark in row)}):
        name, _, number = part.attrib.pop("id", "").removeprefix(f"{stem}.").rpartition(PART)
        if name != MANY:
            yield name, part
            continue
        shapes = [e for inner in _plain(part) for e in inner.iter() if e.tag in {"use", "path"}]
        for mark, shape in zip(row[int(number) :], shapes, strict=False):
            yield mark.name, shape


def _root(drawn: Element, stem: str, title: str, description: str) -> Element:
    view = _rounded(drawn.get("viewBox", ""))
    attributes = {
        "xmlns": _SVG,
        "id": stem,
        "class": "live",
        "viewBox": view,
        "width": f"{view.split()[2]}pt",
        "role": "img",
        "aria-labelledby": f"{stem}.title {stem}.description",
        "font-family": _FAMILIES,
        "stroke-linejoin": "round",
    }
    root = ElementTree.Element("svg", attributes)
    ElementTree.SubElement(root, "title", {"id": f"{stem}.title"}).text = title
    ElementTree.SubElement(root, "desc", {"id": f"{stem}.description"}).text = description
    return root


def _described(stem: str, mark: Mark) -> dict[str, str]:
    described = {"id": f"{stem}.{mark.name}", "class": "mark", "data-label": mark.label}
    if mark.effects:
        described["data-effects"] = " ".join(mark.effects)
    if mark.synthesis:
        described["data-synthesis"] = mark.synthesis
    return described


def _rounded(value: str) -> str:
    return " ".join(_NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value).split())


def _attributes(element: Element, stem: str) -> None:
    """Styles as attributes, short numbers, names with the figure's own before them."""
    found = dict(element.attrib)
    element.attrib.clear()
    for declaration in filter(None, (part.strip() for part in found.pop("style", "").split(";"))):
        name, value = (part.strip() for part in declaration.split(":", 1))
        found[name] = value.removesuffix("px") if name == "font-size" else value
    if _HREF in found:
        found["href"] = found.pop(_HREF)
    for name, value in found.items():
        if _DEFAULTS.get(name) == value or (name == "transform" and _STILL.fullmatch(value)):
            continue
        if name == "id":
            element.set(name, f"{stem}.{value}")
        elif name == "href" or value.startswith("url("):
            element.set(name, _REFERENCE.sub(lambda match: f"#{stem}.{match[1]}", value))
        elif name in {"d", "x", "y", "transform", "points", "viewBox", "stroke-width", "stroke-dasharray"}:
            element.set(name, _rounded(value))
        else:
            element.set(name, value)
    element.tail = None
    if element.tag not in {"text", "tspan"}:
        element.text = None


def _parts(group: Element, stem: str, names: set[str]) -> Iterator[Element]:
    """The parts of a drawing in their order: what belongs to a mark as a group, everything else as it is."""
    for child in group:
        name = (child.get("id") or "").removeprefix(f"{stem}.").rpartition(PART)[0]
        if child.tag == "g" and name not in names and set(child.attrib) <= {"id"}:
            yield from _parts(child, stem, names)
        elif child.tag != "defs":
            yield child


def _plain(part: Element) -> list[Element]:
    """A part without groups that say nothing."""
    if part.tag == "g" and not set(part.attrib) - {"id"}:
        return [inner for child in part for inner in _plain(child) if child.tag != "defs"]
    return [part]


def _reach(groups: list[Element], width: float) -> None:
    """Gives each mark an area that answers the pointer: the whole line where it has text, else a frame around it."""
    boxes = [_box(group) for group in groups]
    lines = sorted((box[1], box[3], i) for i, box in enumerate(boxes) if groups[i].find("text") is not None)
    for (_, bottom, above), (top, _, below) in pairwise(lines):
        if abs(top - bottom) < _REACH:
            middle = (top + bottom) / 2
            boxes[above] = (*boxes[above][:3], middle)
            boxes[below] = (boxes[below][0], middle, *boxes[below][2:])
    for group, (left, top, right, bottom) in zip(groups, boxes, strict=True):
        if group.find("text") is not None:
            left, right = left - 3, width - 4
        else:
            left, top, right, bottom = left - 3, top - 3, right + 3, bottom + 3
        area = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        shown = {name: f"{value:.2f}" for name, value in area.items()}
        group.insert(0, ElementTree.Element("rect", {"class": "area", "fill": "none", "pointer-events": "all"} | shown))


def _box(group: Element) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a group's shapes and of the beginnings of its texts."""
    points: list[tuple[float, float]] = []
    for element in group.iter():
        if element.tag == "path":
            numbers = [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", element.get("d", ""))]
            points += zip(numbers[::2], numbers[1::2], strict=False)
        elif element.tag == "text" and element.get("x"):
            x, y, size = (float(element.get(name, "0")) for name in ("x", "y", "font-size"))
            points += [(x, y - 0.95 * size), (x, y + 0.45 * size)]
        elif element.tag == "use":
            x, y = float(element.get("x", "0")), float(element.get("y", "0"))
            points += [(x - 4, y - 4), (x + 4, y + 4)]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
