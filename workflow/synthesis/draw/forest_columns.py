"""The columns of a forest plot: how wide each must be, where it stands, and how wide the page is then."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from synthesis import text
from synthesis.draw.canvas import ROUNDING, Page, Style
from synthesis.draw.layout import JUDGED_HEADS, Layout, Row, judgement
from synthesis.errors import InputError, Problem

# Nothing is pooled of a single sample.
BOLD = frozenset({"pooled", "subgroup"})
NOT_PRINTED = "not printed"
WEIGHT_NAME = "Weight, %"
_NUMBER = re.compile(
    "[<>\N{GREATER-THAN OR EQUAL TO}\N{ALMOST EQUAL TO}]?[\N{MINUS SIGN}-]?[\\d\N{NARROW NO-BREAK SPACE}]+([.]\\d+)?"
)
_INDENTED = frozenset({"study", "prediction", "converted", "converted single", "bounds", "subgroup", "summary"})
# Inches: a symbol, an indent, from the estimate to its interval, between the two limits.
_SYMBOL, _INDENT, _SPACE, JOINT = 0.11, 0.1, 0.07, 0.03
# The share of its width that the column of names may give up.
_YIELD = 0.1


@dataclass(frozen=True, slots=True)
class Columns:
    """Horizontal positions: left edge of the label, cells, and their `edge`, plot limits, and right edges of the
    numbers."""

    label: float
    label_width: float
    cells: tuple[float, ...]
    cell_widths: tuple[float, ...]
    edge: float
    plot_left: float
    plot_right: float
    estimate: float
    high: float
    weight: float | None
    # Per cell column the width right of the decimal point where it holds numbers, else None.
    fractions: tuple[float | None, ...]
    # Per cell column whether it holds judgements of risk of bias.
    judged: tuple[bool, ...]


def fraction(cell: str) -> str:
    """What stands from the decimal point on."""
    return cell[cell.index(".") :] if "." in cell else ""


def indent(row: Row) -> float:
    """How far the label of a row stands from the left edge of its column, in inches."""
    return _INDENT if row.kind in _INDENTED else 0.0


def weight_of(row: Row) -> str:
    """The weight of the font of a row."""
    return "bold" if row.kind in BOLD else "normal"


def not_printed(row: Row) -> bool:
    """Whether a row has an estimate whose interval no source prints."""
    return row.estimate is not None and not (row.low_text or row.high_text)


@dataclass(frozen=True, slots=True)
class _Cells:
    """A column between names and plot: its widths with its head on one line, on several, and at its narrowest."""

    head: str
    whole: float
    folded: float
    least: float
    fraction: float | None
    judged: bool


@dataclass(frozen=True, slots=True)
class _Widths:
    """What the columns of a layout need, in inches."""

    cells: tuple[_Cells, ...]
    # Of rows with cells, and of rows that may run below the cells.
    label: float
    label_alone: float
    label_word: float
    estimate: float
    low: float
    high: float
    weight: float | None


def _widest(page: Page, texts: Iterable[str], weight: str = "normal") -> float:
    return max((page.width(content, page.style.font, weight) for content in texts), default=0.0)


def _widest_word(page: Page, texts: Iterable[str], weight: str = "normal") -> float:
    return _widest(page, (word for content in texts for word in content.split(" ")), weight)


def _widest_of_rows(page: Page, rows: Iterable[Row], texts: Sequence[str]) -> float:
    """Of texts that belong to rows, those of bold rows in bold."""
    bold = (content for row, content in zip(rows, texts, strict=True) if row.kind in BOLD)
    return max(_widest(page, texts), _widest(page, bold, "bold"))


def _is_number(cell: str) -> bool:
    return cell == text.NONE or _NUMBER.fullmatch(cell) is not None


def _cells(page: Page, layout: Layout, rows: Sequence[Row], i: int) -> _Cells:
    """What the column of cells with this number needs."""
    most = page.style.cell_max
    heads = [section.columns[i] for section in layout.sections if i < len(section.columns)]
    cells = [row.cells[i] for row in rows if i < len(row.cells) and row.cells[i]]
    bold = [row.cells[i] for row in rows if i < len(row.cells) and row.kind in BOLD]
    # "high" in another column, such as confidence, is no judgement of bias.
    judged = all(head in JUDGED_HEADS for head in heads)
    symbols = [cell for cell in cells if judged and judgement(cell)]
    texts = [cell for cell in cells if cell not in symbols]
    after: float | None = None
    least = max(_widest_word(page, texts), _widest_word(page, bold, "bold"))
    width = max(_widest(page, texts), _widest(page, bold, "bold"))
    if texts and all(map(_is_number, texts)) and not symbols:
        after = max(_widest(page, map(fraction, texts)), _widest(page, map(fraction, bold), "bold"))
        whole = [(cell.removesuffix(fraction(cell)), "bold" if cell in bold else "normal") for cell in texts]
        least = width = after + max(page.width(part, page.style.font, weight) for part, weight in whole)
    elif symbols:
        least, width = max(least, _SYMBOL), max(width, _SYMBOL)
    width, least = min(width, max(most, after or 0.0)), min(least, width, most)
    word = min(most, _widest_word(page, heads, "bold"))
    return _Cells(
        heads[0],
        whole=max(width, _widest(page, heads, "bold")),
        folded=max(width, word),
        least=max(least, width if after is not None else 0.0, word),
        fraction=after,
        judged=judged,
    )


def _widths(page: Page, layout: Layout) -> _Widths:
    rows = [row for s in layout.sections for row in s.rows if row.kind not in {"heading", "note"}]
    low = _widest_of_rows(page, rows, [row.low_text for row in rows])
    high = _widest_of_rows(page, rows, [row.high_text for row in rows])
    # A short interval, or none, still needs room for what stands above it or in its place.
    over = max(
        _widest(page, (s.interval_name for s in layout.sections), "bold"),
        page.width(NOT_PRINTED, page.style.small) if any(map(not_printed, rows)) else 0.0,
    )
    estimates = [*(row.estimate_text for row in rows), *(s.estimate_name for s in layout.sections)]
    weighted = any(section.weights for section in layout.sections)

    def label(rows: Iterable[Row]) -> float:
        return max((page.width(r.label, page.style.font, weight_of(r)) + indent(r) for r in rows), default=0.0)

    names = _widest(page, (s.row_name for s in layout.sections), "bold")
    return _Widths(
        tuple(_cells(page, layout, rows, i) for i in range(max(len(s.columns) for s in layout.sections))),
        max(label(row for row in rows if any(row.cells)), names),
        label(rows),
        _INDENT + max((_widest_word(page, [row.label], weight_of(row)) for row in rows), default=0.0),
        _widest(page, estimates, "bold"),
        max(low, over - high - JOINT),
        high,
        max(_widest(page, ["100.0"]), _widest(page, [WEIGHT_NAME], "bold")) if weighted else None,
    )


def columns_of(page: Page, layout: Layout) -> tuple[Columns, Style]:
    """Column positions in which every text has its room, and the style with the page as wide as they need it.

    Raises InputError where the widest page does not hold them.
    """
    widths = _widths(page, layout)
    cells, label, needed = _fitted(page.style, widths, layout.name)
    style = replace(page.style, width=max(page.style.width, needed))
    lefts, x = [], style.margin + label + style.gap
    for width in cells:
        lefts.append(x)
        x += width + style.gap
    columns = Columns(
        style.margin,
        label,
        tuple(lefts),
        tuple(cells),
        x,
        *_edges(style, widths, x),
        tuple(c.fraction for c in widths.cells),
        tuple(c.judged for c in widths.cells),
    )
    return columns, style


def _edges(style: Style, widths: _Widths, x: float) -> tuple[float, float, float, float, float | None]:
    """Limits of the plot, right edges of estimate, interval and weight, in the order of the style."""
    numbers = widths.estimate + _SPACE + widths.low + JOINT + widths.high
    taken = {"estimate": numbers, "weight": widths.weight or 0.0}
    parts = [part for part in style.order if part != "weight" or widths.weight is not None]
    room = style.width - style.margin - x
    room -= math.fsum(taken[part] for part in parts if part != "plot") + style.gap * (len(parts) - 1)
    edges = {}
    for part in parts:
        edges[part] = x
        x += (room if part == "plot" else taken[part]) + style.gap
    estimate = edges["estimate"] + widths.estimate
    weight = edges["weight"] + taken["weight"] if "weight" in edges else None
    return edges["plot"], edges["plot"] + room, estimate, edges["estimate"] + numbers, weight


def _fitted(style: Style, widths: _Widths, name: str) -> tuple[Sequence[float], float, float]:
    """Widths of the cells and of the label, and the page that they need.

    In this order, until all fits: names and cells as they are; heads on several lines; a smaller plot; a wider page;
    names and cells on more lines.
    """
    gap, count = style.gap, len(widths.cells)
    beyond = gap + widths.estimate + _SPACE + widths.low + JOINT + widths.high + style.margin
    if widths.weight is not None:
        beyond += gap + widths.weight
    whole = [c.whole for c in widths.cells]
    folded = [c.folded for c in widths.cells]
    least = [c.least for c in widths.cells]
    word = max(style.label_least, min(widths.label_word, style.label_max))
    widest = max(style.width, style.width_max)
    for cells, most, plot, width in (
        (whole, style.label_max, style.plot_min, style.width),
        (folded, style.label_max, style.plot_min, style.width),
        (folded, style.label_max, style.plot_least, style.width),
        (folded, style.label_max, style.plot_least, widest),
        (least, word, style.plot_least, widest),
    ):
        label = max(min(widths.label, most), min(widths.label_alone, most) - math.fsum(cells) - gap * count)
        needed = style.margin + label + gap + math.fsum(cells) + gap * count + plot + beyond
        if needed <= width + ROUNDING:
            return cells, label, needed
        # A little too wide for the smallest plot: names on more lines, not a page wider than all others.
        lack = needed - width
        if plot < style.plot_min and width < widest and lack <= _YIELD * label and label - lack >= word:
            return cells, label - lack, width
    named = ", ".join(f"{c.head} {c.least:.1f}" for c in widths.cells)
    raise InputError(
        [
            Problem(
                f"figure {name}, columns",
                f"{count} columns beside names of {label:.1f} inches: a page of {needed:.1f} inches",
                f"at most {style.width_max:g} inches",
                f"inches needed: {named}; fewer columns, or shorter words in them?",
            )
        ]
    )
