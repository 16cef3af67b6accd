"""Cuts a chart of many rows into charts of single pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from synthesis.draw.chart import Axis, Chart, Panel

# Inches on each page for the title, heads, axes, legend and notes.
_AROUND = 2.2


def split(chart: Chart, height: float) -> list[Chart]:
    """Charts no taller than `height` inches, each with its heads and axes; none where one page holds it.

    Rows are never cut. Only a chart whose points all stand in rows is split.
    """
    rows = sorted(chart.rows, key=lambda row: row.y)
    places = {row.y for row in rows}
    standing = all(point.y in places for panel in chart.panels for point in panel.points)
    if chart.height + _AROUND <= height or len(rows) < 2 or not chart.panels or not standing:
        return []
    axis = chart.panels[0].y
    edges = [axis.high, *((above.y + below.y) / 2 for above, below in pairwise(rows)), axis.low]
    inch = chart.height / (axis.low - axis.high)
    cuts = [0]
    for i in range(1, len(rows) + 1):
        if (edges[i] - edges[cuts[-1]]) * inch > height - _AROUND and i - 1 > cuts[-1]:
            cuts.append(i - 1)
    cuts.append(len(rows))
    count = len(cuts) - 1
    return [
        replace(
            chart,
            title=f"{chart.title} ({number} of {count})",
            height=(edges[last] - edges[first]) * inch,
            panels=tuple(_cut(panel, edges[first], edges[last]) for panel in chart.panels),
            rows=tuple(rows[first:last]),
            notes=chart.notes if number == count else (),
        )
        for number, (first, last) in enumerate(pairwise(cuts), start=1)
    ]


def _cut(panel: Panel, top: float, bottom: float) -> Panel:
    """What of a panel lies between two heights; lines that begin or end beyond them are cut where they are drawn."""

    def seen(heights: Iterable[float]) -> bool:
        heights = list(heights)
        return min(heights) <= bottom and max(heights) >= top

    return replace(
        panel,
        y=Axis(panel.y.name, bottom, top),
        areas=tuple(area for area in panel.areas if seen(area.y)),
        lines=tuple(line for line in panel.lines if seen(line.y)),
        points=tuple(point for point in panel.points if top <= point.y <= bottom),
    )
