"""A forest plot for a narrow screen, from the data beside its figure: the label above, the plot and the estimate below.

Positions are in units of the drawing, which is as wide as a telephone: a unit is about a pixel.
"""

from __future__ import annotations

import csv
import html
import io
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import get_args

from synthesis.draw.axes import axis_of
from synthesis.draw.bridge_figure import SECTIONS as BRIDGE_SECTIONS
from synthesis.draw.comparison import SECTION_HEADING
from synthesis.draw.forest_columns import BOLD, not_printed
from synthesis.draw.layout import Row, RowKind

WIDTH = 360
_HEADING = SECTION_HEADING | {key: heading for key, heading, *_ in BRIDGE_SECTIONS}
_NULL = {key: null for key, *_, null in BRIDGE_SECTIONS}
# The strip of the plot; the estimate stands right of it.
_LEFT, _RIGHT = 4.0, 226.0
_LINE, _STRIP, _GAP, _AXIS = 15.0, 15.0, 7.0, 34.0
# Letters in a line; one takes about half of its height.
_LETTERS, _SMALL_LETTERS, _BOLD_LETTERS = 57, 62, 53
_HALF = 4.6
# Half of the mark of a published value without an interval.
_SMALL = 2.4
_POOLED = frozenset({"pooled", "subgroup", "summary", "converted"})
_NAME = re.compile(r": (\S+(?: or \S+)?) = ")
_MARK = re.compile(r'<g id="[^"]*" class="mark" ([^>]*)>')
_TEXT = re.compile(r'<text x="([^"]*)" y="([\d.]+)"([^>]*)>([^<]*)</text>')
# How the heading of associations begins and ends.
_OF, _WITH_OUTCOME = "Associations of ", " with outcome"
_TO_LEFT, _TO_RIGHT = "\u2190 ", " \u2192"
# Nearer to the left edge than this, a tick has its words from the edge on: centred, their minus sign would be off it.
_EDGE = 16.0
# Columns of numbers that a label takes up, by their heads.
_COUNTED = {
    "n": "n\u00a0=\u00a0",
    "Samples": "samples:\u00a0",
    "People": "people:\u00a0",
    "Samples or k": "samples:\u00a0",
    "Numbers": "numbers:\u00a0",
}
_AREA = re.compile(r'<rect class="area"[^>]* y="([\d.]+)"')
_ATTRIBUTE = re.compile(r'data-(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its texts, where they stand, and the shapes of its strip, None where there is none; an arrow for each
    limit that the axis cuts, alone where it cuts the estimate, too."""

    kind: str
    lane: str
    top: float
    height: float
    label: tuple[str, ...]
    middle: float = 0.0
    value: str = ""
    prediction: tuple[float, float] | None = None
    whisker: tuple[float, float] | None = None
    diamond: str = ""
    box: tuple[float, float] | None = None
    null: float | None = None
    arrows: tuple[str, ...] = ()
    mark: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticks:
    """The axis of a section: where it is, its ticks with their texts, what is measured, what its sides favour.

    A tick is its place, its words, and whether these stand centred below it.
    """

    top: float
    ticks: tuple[tuple[float, str, bool], ...]
    name: str
    sides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NarrowForest:
    """The drawing."""

    height: float
    lines: tuple[Line, ...]
    axes: tuple[Ticks, ...]


def narrow_forest(svg: str, data: str) -> NarrowForest | None:
    """The drawing for a narrow screen of a figure with these data; None of one that is no forest plot."""
    if not data.startswith("section,kind,label,"):
        return None
    read = [(record["section"], _row(record)) for record in csv.DictReader(io.StringIO(data))]
    if any(row is None for _, row in read):
        return None
    rows = [(section, row) for section, row in read if row is not None]
    marked = [dict(_ATTRIBUTE.findall(mark)) for mark in _MARK.findall(svg)]
    if len(marked) != sum(bool(row.effects or row.synthesis) for _, row in rows):
        return None
    marks = iter([{name: html.unescape(value) for name, value in attributes.items()} for attributes in marked])
    lines: list[Line] = []
    axes: list[Ticks] = []
    tops = [float(top) for top in _AREA.findall(svg)] + [float("inf")]
    if len(tops) != len(marked) + 1:
        return None
    heads = _heads(svg)
    headings = _HEADING | ({"lane A": associations} if (associations := _associations(svg)) else {})
    y, drawn = 2.0, 0
    for name in dict.fromkeys(section for section, _ in rows):
        section_rows = [_counted(row, heads) for section, row in rows if section == name]
        drawn += sum(bool(row.effects or row.synthesis) for row in section_rows)
        sides = _sides(svg, tops[drawn - 1], tops[drawn]) if drawn else ()
        y = _section(name, section_rows, marks, y, lines, axes, sides, headings.get(_lane(name), ""))
    return NarrowForest(y, tuple(lines), tuple(axes))


def _lane(section: str) -> str:
    """What the heading of a section goes by: its name without its part and its metric."""
    return section.partition(": ")[0].partition(",")[0]


def _heads(svg: str) -> tuple[str, ...]:
    """Which columns of numbers a figure has beside its names."""
    texts = [words for *_, words in _TEXT.findall(svg)]
    # Several words may stand on several lines, one after the other: the first of them is no head of its own.
    joined = " ".join(texts)
    heads = [head for head in _COUNTED if head in texts or (" " in head and head in joined)]
    return tuple(head for head in heads if not any(other.startswith(f"{head} ") for other in heads))


def _counted(row: Row, heads: tuple[str, ...]) -> Row:
    """The row with its numbers, and their signs, and that its interval is not printed, in its label."""
    remarks = []
    if row.kind not in ("heading", "note") and len(row.cells) == len(heads):
        # A published summary counts studies or effect sizes.
        named = _COUNTED | ({"Samples or k": _COUNTED["n"].replace("n", "k", 1)} if row.kind == "reference" else {})
        remarks = [f"{named[head]}{cell}" for head, cell in zip(heads, row.cells, strict=True) if cell]
    if not_printed(row):
        remarks.append("no\u00a0interval\u00a0printed")
    return replace(row, label="; ".join([row.label, *remarks]))


def _blocks(svg: str, top: float, bottom: float) -> list[str]:
    """The texts of a drawing between two heights, each with all of its lines, which stand below each other."""
    blocks: list[str] = []
    before: tuple[str, str, float] | None = None
    for x, y, look, words in _TEXT.findall(svg):
        if not top < float(y) < bottom:
            continue
        if before and before[:2] == (x, look) and float(y) > before[2]:
            blocks[-1] += f" {words}"
        else:
            blocks.append(words)
        before = (x, look, float(y))
    return [html.unescape(block) for block in blocks]


def _sides(svg: str, top: float, bottom: float) -> tuple[str, ...]:
    """What the sides of an axis favour: the texts with an arrow between the last mark of a section and the next one."""
    blocks = _blocks(svg, top, bottom)
    return tuple(side for side in blocks if side.startswith(_TO_LEFT) or side.endswith(_TO_RIGHT))


def _associations(svg: str) -> str:
    """What the associations of a drawing are of, as its own heading says it; nothing where it has none."""
    blocks = (block for block in _blocks(svg, 0, math.inf) if block.startswith(_OF) and _WITH_OUTCOME in block)
    return "".join(next(blocks, "").partition(_WITH_OUTCOME)[:2])


def _row(record: dict[str, str]) -> Row | None:
    """A row of the data; None where it is of another kind of figure."""
    if record.get("kind") not in get_args(RowKind):
        return None
    number = {
        name: float(record[name]) if record[name] else None
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "weight")
    }
    words = {name: record[name] for name in ("label", "lane", "estimate_text", "low_text", "high_text", "synthesis")}
    effects = tuple(filter(None, record["effects"].split("; ")))
    fill = record.get("fill") or ""
    cells = tuple(record["cells"].split(" | ")) if record["cells"] else ()
    fields = words | number | {"cells": cells, "effects": effects, "fill": fill}
    return Row(kind=record["kind"], **fields)  # type: ignore[arg-type]


def _is_ratio(rows: Iterable[Row]) -> bool:
    """Whether the texts are exponents of the coordinates: the data are logarithms."""
    for row in rows:
        printed = row.estimate_text.replace("\N{MINUS SIGN}", "-")
        if row.estimate is not None and re.fullmatch(r"-?\d+\.\d+", printed) and abs(row.estimate) > 0.01:
            return abs(float(printed) - row.estimate) > abs(float(printed) - math.exp(row.estimate))
    return False


def _section(
    name: str,
    rows: list[Row],
    marks: Iterator[dict[str, str]],
    y: float,
    lines: list[Line],
    axes: list[Ticks],
    sides: tuple[str, ...],
    heading: str,
) -> float:
    """Adds the lines of a section below its heading and its axis from `y` downwards; returns where it ends."""
    part = name.partition(": ")[2]
    if heading:
        heading = f"{heading}: {part}" if part else heading
        y = _words(Line("section", "", y, 0, _wrapped(heading, _BOLD_LETTERS)), y, lines)
    null = _NULL.get(name, 0.0)
    low, high, ticks, texts = axis_of(rows, _is_ratio(rows), null=null)
    scale = (_RIGHT - _LEFT) / (high - low)

    def x_of(value: float) -> float:
        return round(min(max(_LEFT + (value - low) * scale, _LEFT), _RIGHT), 2)

    measured = ""
    for row in rows:
        mark = next(marks) if row.effects or row.synthesis else {}
        if match := _NAME.search(mark.get("label", "")):
            measured = measured or match[1]
        if row.kind in ("heading", "note"):
            letters = _BOLD_LETTERS if row.kind == "heading" else _SMALL_LETTERS
            y = _words(Line(row.kind, row.lane, y, 0, _wrapped(row.label, letters)), y, lines)
            continue
        label = _wrapped(row.label, _BOLD_LETTERS if row.kind in _POOLED else _LETTERS)
        line = _drawn(row, mark, y, label, x_of, x_of(null) if low <= null <= high else None)
        lines.append(_cut(line, row, low, high))
        y += lines[-1].height
    labelled = tuple((x_of(tick), words, x_of(tick) > _EDGE) for tick, words in zip(ticks, texts, strict=True))
    axes.append(Ticks(y, labelled, measured, sides))
    return y + _AXIS + _LINE * len(sides)


def _words(line: Line, y: float, lines: list[Line]) -> float:
    height = len(line.label) * _LINE + _GAP
    lines.append(Line(line.kind, line.lane, y, height, line.label))
    return y + height


def _wrapped(words: str, letters: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(words, letters)) or ("",)


def _drawn(
    row: Row,
    mark: dict[str, str],
    top: float,
    label: tuple[str, ...],
    x_of: Callable[[float], float],
    null: float | None,
) -> Line:
    """The line of a row with a mark: whiskers and box, or a diamond."""
    height = len(label) * _LINE + _STRIP + _GAP
    middle = top + len(label) * _LINE + _STRIP / 2 + 1

    def between(low: float | None, high: float | None) -> tuple[float, float] | None:
        return None if low is None or high is None else (x_of(low), x_of(high))

    limits, diamond, box = between(row.ci_low, row.ci_high), "", None
    if row.estimate is not None:
        x = x_of(row.estimate)
        if row.kind in _POOLED and limits:
            diamond = _diamond(limits[0], x, limits[1], middle)
            limits = None
        elif row.kind == "reference":
            # As in the wide figure: as wide as a printed interval, small where none is printed.
            left, right = limits or (x - _SMALL, x + _SMALL)
            diamond = _diamond(left, x, right, middle, _HALF if limits else _SMALL)
            limits = None
        else:
            box = (x, middle)
    value = " ".join(filter(None, (row.estimate_text, row.low_text, row.high_text)))
    # Bold is what is pooled, as in the wide figure: all else has the letters of a study.
    parts = [*row.kind.split(), row.fill, "" if row.kind in BOLD else "study"]
    kind = " ".join(dict.fromkeys(filter(None, parts)))
    predicted = between(row.pi_low, row.pi_high)
    return Line(
        kind, row.lane, top, height, label, middle, value, predicted, limits, diamond, box, null, (), mark,
    )  # fmt: skip


def _cut(line: Line, row: Row, low: float, high: float) -> Line:
    """The line with arrows at the ends of the axis that hold no limit of it, and no mark of an estimate beyond them."""
    ends = (row.ci_low, row.ci_high, row.pi_low, row.pi_high)
    below = any(x is not None and x < low for x in ends)
    above = any(x is not None and x > high for x in ends)
    arrows = [_arrow(edge, sign, line.middle) for edge, sign, cut in ((_LEFT, 1, below), (_RIGHT, -1, above)) if cut]
    beyond = row.estimate is not None and not low <= row.estimate <= high
    return replace(line, arrows=tuple(arrows), box=None if beyond else line.box)


def _arrow(edge: float, inwards: int, middle: float) -> str:
    back = edge + inwards * _HALF
    return f"{edge:.2f},{middle:.2f} {back:.2f},{middle - 3:.2f} {back:.2f},{middle + 3:.2f}"


def _diamond(left: float, x: float, right: float, middle: float, half: float = _HALF) -> str:
    points = ((left, middle), (x, middle - half), (right, middle), (x, middle + half))
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in points)
