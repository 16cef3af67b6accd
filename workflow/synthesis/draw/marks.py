"""The marks of a figure: what in a drawing leads to which rows of the data."""

from __future__ import annotations

from dataclasses import dataclass

from synthesis.draw.chart import Chart, Point
from synthesis.draw.layout import Layout, Row

# Stands between the name of a mark and the number of a part of its drawing.
PART = "/"
# Begins the name of shapes drawn at once, which belong to a row of marks; the number of the first one follows.
MANY = "many"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: its name in the file, how it is read aloud, and the effects or the synthesis behind it."""

    name: str
    label: str
    effects: tuple[str, ...] = ()
    synthesis: str = ""


def mark_name(number: int, effects: tuple[str, ...], synthesis: str = "") -> str:
    """The name of the mark with this number in its figure; it names the effects behind it, or the synthesis."""
    return f"{number}-{'+'.join(effects) or synthesis}"


def marks(layout: Layout) -> list[list[Mark | None]]:
    """Per section and row the mark, or nothing where a row has no data behind it."""
    number = 0
    named: list[list[Mark | None]] = []
    for section in layout.sections:
        named.append([])
        for row in section.rows:
            number += 1
            behind = row.effects or row.synthesis
            name = mark_name(number, row.effects, row.synthesis)
            label = _label(row, section.estimate_name)
            named[-1].append(Mark(name, label, row.effects, row.synthesis) if behind else None)
    return named


def marks_of(layout: object) -> list[Mark]:
    """All marks of a figure; none of one whose parts lead to nothing."""
    if isinstance(layout, Layout):
        return [mark for section in marks(layout) for mark in section if mark]
    return chart_marks(layout) if isinstance(layout, Chart) else []


def _label(row: Row, estimate_name: str) -> str:
    """A row in words."""
    limits = f"{row.low_text} {row.high_text}".strip()
    if row.estimate is None:
        return f"{row.label}: {limits}"
    weight = f", weight {row.weight_text}%" if row.kind == "study" and row.weight_text else ""
    return f"{row.label}: {estimate_name} = {row.estimate_text} {limits or 'without a printed interval'}{weight}"


def points_with_data(chart: Chart) -> list[Point]:
    """The points of a chart that have effects behind them, in the order in which they are drawn: kind by kind."""
    points = []
    for panel in chart.panels:
        kinds = dict.fromkeys(point.kind for point in panel.points)
        for kind in sorted(kinds, key=lambda kind: kind == "pooled"):
            points += [point for point in panel.points if point.kind == kind and point.effects]
    return points


def chart_marks(chart: Chart) -> list[Mark]:
    """The marks of a chart, one per point with data, in the order in which they are drawn."""
    return [
        Mark(mark_name(number, point.effects), point.label, point.effects)
        for number, point in enumerate(points_with_data(chart), start=1)
    ]
