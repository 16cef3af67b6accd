"""Draws a forest-plot layout. All positions are in inches on one page-wide axes, from the top."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.patches import Circle

from synthesis import text
from synthesis.draw.layout import COLUMN_NAME, Judgement, Layout, Row, Section, judgement
from synthesis.draw.marks import Mark, marks
from synthesis.draw.sheet import (
    BAND,
    DPI,
    FAINT,
    FORMATS,
    GRID,
    INK,
    MAX_PIXELS,
    RISK_COLOUR,
    ROUNDING,
    Page,
    Style,
    save,
    settings,
)
from synthesis.errors import InputError, Problem

__all__ = ["DPI", "FORMATS", "MAX_PIXELS", "draw", "save"]

BOLD = frozenset({"pooled", "single", "subgroup"})
# Behind diamonds: where the effects of new settings lie.
BANDS = {"A": "#d3e2f1", "B": "#f7dccb", "": "#e2e2e2"}
_NUMBER = re.compile("[<>\N{GREATER-THAN OR EQUAL TO}]?[\N{MINUS SIGN}-]?[\\d\N{NARROW NO-BREAK SPACE}]+([.]\\d+)?")
NOT_PRINTED = "not printed"
# Inches: a symbol, lines of a text, from the estimate to its interval, between the two limits.
_SYMBOL, _LINE, _SPACE, _JOINT = 0.11, 0.125, 0.07, 0.045
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
    # Per cell column whether it holds judgements of risk of bias.
    judged: tuple[bool, ...]


def _is_number(cell: str) -> bool:
    return cell == text.NONE or _NUMBER.fullmatch(cell) is not None


def _fraction(cell: str) -> str:
    """What stands from the decimal point on."""
    return cell[cell.index(".") :] if "." in cell else ""


def _indent(row: Row) -> float:
    return 0.1 if row.kind in {"study", "prediction", "converted", "subgroup", "summary"} else 0.0


def _weight(row: Row) -> str:
    return "bold" if row.kind in BOLD else "normal"


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


def _widths(page: Page, layout: Layout) -> _Widths:
    style = page.style
    rows = [row for section in layout.sections for row in section.rows]
    marks = [row for row in rows if row.kind not in {"heading", "note"}]

    def widest(texts: Iterable[str], size: float = style.font, weight: str = "normal") -> float:
        return max((page.width(t, size, weight) for t in texts), default=0.0)

    def words(texts: Iterable[str], weight: str = "normal") -> float:
        return widest((word for content in texts for word in content.split(" ")), weight=weight)

    found = []
    for i in range(max(len(section.columns) for section in layout.sections)):
        heads = [s.columns[i] for s in layout.sections if i < len(s.columns)]
        cells = [row.cells[i] for row in marks if i < len(row.cells) and row.cells[i]]
        bold = [row.cells[i] for row in marks if i < len(row.cells) and row.kind in BOLD]
        # "high" in another column, such as confidence, is no judgement of bias.
        judged = all(head == COLUMN_NAME["rob"] for head in heads)
        symbols = [cell for cell in cells if judged and judgement(cell)]
        texts = [cell for cell in cells if cell not in symbols]
        after: float | None = None
        least = max(words(texts), words(bold, "bold"))
        width = max(widest(texts), widest(bold, weight="bold"))
        if texts and all(map(_is_number, texts)) and not symbols:
            after = max(widest(map(_fraction, texts)), widest(map(_fraction, bold), weight="bold"))
            before = [(cell.removesuffix(_fraction(cell)), cell in bold) for cell in texts]
            width = after + max(
                widest(t for t, strong in before if not strong), widest((t for t, s in before if s), weight="bold")
            )
            least = width
        elif symbols:
            least, width = max(least, _SYMBOL), max(width, _SYMBOL)
        width, least = min(width, max(style.cell_max, after or 0.0)), min(least, width, style.cell_max)
        folded = max(width, min(style.cell_max, words(heads, "bold")))
        found.append(
            _Cells(
                heads[0],
                whole=max(width, widest(heads, weight="bold")),
                folded=folded,
                least=max(least, width if after is not None else 0.0, min(style.cell_max, words(heads, "bold"))),
                fraction=after,
                judged=judged,
            )
        )
    low = max(widest(r.low_text for r in marks), widest((r.low_text for r in marks if r.kind in BOLD), weight="bold"))
    high = max(
        widest(r.high_text for r in marks), widest((r.high_text for r in marks if r.kind in BOLD), weight="bold")
    )
    # A short interval, or none, still needs room for what stands above it or in its place.
    over = max(
        widest((s.interval_name for s in layout.sections), weight="bold"),
        page.width(NOT_PRINTED, style.small) if any(_not_printed(row) for row in marks) else 0.0,
    )
    low = max(low, over - high - _JOINT)
    estimate = max(
        widest((r.estimate_text for r in marks), weight="bold"),
        widest((s.estimate_name for s in layout.sections), weight="bold"),
    )
    weighted = any(section.weights for section in layout.sections)

    def label(rows: Iterable[Row]) -> float:
        return max((page.width(r.label, style.font, _weight(r)) + _indent(r) for r in rows), default=0.0)

    return _Widths(
        tuple(found),
        max(label(r for r in marks if any(r.cells)), widest((s.row_name for s in layout.sections), weight="bold")),
        label(marks),
        0.1 + max((words([r.label], _weight(r)) for r in marks), default=0.0),
        estimate,
        low,
        high,
        max(widest(["100.0"]), widest([WEIGHT_NAME], weight="bold")) if weighted else None,
    )


def _columns(page: Page, layout: Layout) -> tuple[Columns, Style]:
    """Column positions in which every text has its room, and the style with the page as wide as they need it.

    In this order, until all fits: names and cells as they are; heads on several lines; a smaller plot; a wider page;
    names and cells on more lines. Raises InputError where the widest page does not hold them.
    """
    style = page.style
    widths = _widths(page, layout)
    gap, count = style.gap, len(widths.cells)
    beyond = gap + widths.estimate + _SPACE + widths.low + _JOINT + widths.high + style.margin
    if widths.weight is not None:
        beyond += gap + widths.weight

    def label_of(cells: Sequence[float], most: float) -> float:
        return max(min(widths.label, most), min(widths.label_alone, most) - math.fsum(cells) - gap * count)

    whole = [c.whole for c in widths.cells]
    folded = [c.folded for c in widths.cells]
    least = [c.least for c in widths.cells]
    word = max(style.label_least, min(widths.label_word, style.label_max))
    tries = (
        (whole, style.label_max, style.plot_min, style.width),
        (folded, style.label_max, style.plot_min, style.width),
        (folded, style.label_max, style.plot_least, style.width),
        (folded, style.label_max, style.plot_least, max(style.width, style.width_max)),
        (least, word, style.plot_least, max(style.width, style.width_max)),
    )
    for cells, most, plot, width in tries:
        label = label_of(cells, most)
        needed = style.margin + label + gap + math.fsum(cells) + gap * count + plot + beyond
        if needed <= width + ROUNDING:
            break
    else:
        named = ", ".join(f"{c.head} {c.least:.1f}" for c in widths.cells)
        raise InputError(
            [
                Problem(
                    f"figure {layout.name}, columns",
                    f"{count} columns beside names of {label:.1f} inches: a page of {needed:.1f} inches",
                    f"at most {style.width_max:g} inches",
                    f"inches needed: {named}; fewer columns, or shorter words in them?",
                )
            ]
        )
    style = replace(style, width=max(style.width, needed))
    right = style.width - style.margin
    high_right = right - (widths.weight + gap if widths.weight is not None else 0.0)
    low_right = high_right - widths.high - _JOINT
    estimate_right = low_right - widths.low - _SPACE
    lefts, x = [], style.margin + label + gap
    for w in cells:
        lefts.append(x)
        x += w + gap
    found = Columns(
        style.margin,
        label,
        tuple(lefts),
        tuple(cells),
        x,
        estimate_right - widths.estimate - gap,
        estimate_right,
        low_right,
        high_right,
        right if widths.weight is not None else None,
        tuple(c.fraction for c in widths.cells),
        tuple(c.judged for c in widths.cells),
    )
    return found, style


def _not_printed(row: Row) -> bool:
    return row.estimate is not None and not (row.low_text or row.high_text)


def _note_lines(page: Page, row: Row) -> list[str]:
    width = page.style.width - 2 * page.style.margin - 0.12
    return page.wrapped(row.label, width, page.style.small)


def _label_lines(page: Page, columns: Columns, row: Row) -> list[str]:
    """The lines of a row's label: in its column, or up to the plot where the row has no cells."""
    style = page.style
    if row.kind == "heading":
        return page.wrapped(row.label, style.width - 2 * style.margin, style.font, "bold")
    free = columns.label_width if any(row.cells) else columns.plot_left - columns.label - style.gap
    return page.wrapped(row.label, free - _indent(row), style.font, _weight(row))


def _symbol(columns: Columns, row: Row, i: int) -> Judgement | None:
    return judgement(row.cells[i]) if columns.judged[i] else None


def _cell_lines(page: Page, columns: Columns, row: Row, i: int) -> list[str]:
    cell = row.cells[i]
    if columns.fractions[i] is not None or _symbol(columns, row, i):
        return [cell]
    return page.wrapped(cell, columns.cell_widths[i], page.style.font, _weight(row))


def _row_height(page: Page, columns: Columns, row: Row) -> float:
    if row.kind == "note":
        return page.style.row * (0.86 * len(_note_lines(page, row)) + 0.35)
    lines = len(_label_lines(page, columns, row))
    if row.kind == "heading":
        return page.style.row * 1.25 + _LINE * (lines - 1)
    own = (len(_cell_lines(page, columns, row, i)) for i in range(min(len(row.cells), len(columns.cells))))
    return page.style.row + _LINE * (max(lines, *own, 1) - 1)


def _heading_lines(page: Page, section: Section) -> list[str]:
    if not section.heading:
        return []
    return page.wrapped(section.heading, page.style.width - 2 * page.style.margin, page.style.font + 0.6, "bold")


def _head_lines(page: Page, columns: Columns, section: Section) -> list[list[str]]:
    """The head of each column of cells, in lines; numbers have theirs on the right, others on the left."""
    return [
        page.wrapped(name, width, page.style.font, "bold")
        for name, width in zip(section.columns, columns.cell_widths, strict=False)
    ]


def _direction(page: Page, columns: Columns, section: Section) -> list[tuple[float, str, list[str]]]:
    """Where the words about directions stand: place, side and lines; of a side that the axis does not show, nothing."""
    if not section.favours:
        return []
    share = (section.null - section.low) / (section.high - section.low)
    at = columns.plot_left + share * (columns.plot_right - columns.plot_left)
    left, right = section.favours
    found = []
    if left and share > 0:
        edge = min(at, columns.plot_right) - 0.06
        words = page.wrapped(f"\N{LEFTWARDS ARROW} {left}", edge - page.style.margin, page.style.small)
        found.append((edge, "right", words))
    if right and share < 1:
        edge = max(at, columns.plot_left) + 0.06
        room = page.style.width - page.style.margin - edge
        found.append((edge, "left", page.wrapped(f"{right} \N{RIGHTWARDS ARROW}", room, page.style.small)))
    return found


def _section_height(page: Page, columns: Columns, section: Section) -> float:
    lines = len(_heading_lines(page, section))
    head = (0.26 + 0.145 * (lines - 1) if lines else 0.0) + 0.24
    head += _LINE * (max((len(names) for names in _head_lines(page, columns, section)), default=1) - 1)
    words = max((len(lines) for _, _, lines in _direction(page, columns, section)), default=0)
    foot = 0.38 + (0.12 if section.favours else 0.0) + _LINE * max(0, words - 1)
    return head + math.fsum(_row_height(page, columns, row) for row in section.rows) + foot


def draw(layout: Layout, style: Style | None = None) -> Figure:
    """The figure of a layout."""
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        columns, style = _columns(Page(style, 1.0), layout)
        return _draw(layout, style, columns)


def pages(layout: Layout, height: float, style: Style | None = None) -> list[Figure]:
    """The figure on pages no taller than `height` inches, each with its heads and axes; one page where it fits.

    Rows are never cut, a heading stays with the row below it, notes stand on the last page.
    """
    style = style or Style()
    with settings():
        layout = _printed(layout, style)
        columns, style = _columns(Page(style, 1.0), layout)
        ruler = Page(style, 1.0)
        if _height(ruler, columns, layout) <= height:
            return []
        parts = _split(ruler, columns, layout, height)
        titled = [replace(part, title=f"{layout.title} ({i} of {len(parts)})") for i, part in enumerate(parts, start=1)]
        return [_draw(part, style, columns) for part in titled]


def _split(page: Page, columns: Columns, layout: Layout, height: float) -> list[Layout]:
    """Layouts of single pages."""
    room = height - _height(page, columns, replace(layout, sections=()))
    found: list[list[Section]] = [[]]
    left = room
    for section in layout.sections:
        frame = _section_height(page, columns, replace(section, rows=())) + 0.1
        rows: list[Row] = []
        left -= frame
        for i, row in enumerate(section.rows):
            needed = _row_height(page, columns, row)
            if row.kind == "heading" and i + 1 < len(section.rows):
                needed += _row_height(page, columns, section.rows[i + 1])
            if needed > left:
                if rows:
                    found[-1].append(replace(section, rows=tuple(rows)))
                found.append([])
                rows, left = [], room - frame
            rows.append(row)
            left -= _row_height(page, columns, row)
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
    return page.wrapped(layout.title, page.style.width - 2 * page.style.margin, page.style.title, "bold")


def _notes(page: Page, layout: Layout) -> list[str]:
    width = page.style.width - 2 * page.style.margin
    return [line for note in layout.notes for line in page.wrapped(note, width, page.style.small)]


def _height(page: Page, columns: Columns, layout: Layout) -> float:
    top = 0.13 + 0.19 * len(_title(page, layout))
    body = math.fsum(_section_height(page, columns, s) + 0.1 for s in layout.sections)
    return top + body + 0.135 * len(_notes(page, layout)) + 0.12


def _draw(layout: Layout, style: Style, columns: Columns) -> Figure:
    ruler = Page(style, 1.0)
    title, notes = _title(ruler, layout), _notes(ruler, layout)
    page = Page(style, _height(ruler, columns, layout))
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
            lines = _heading_lines(page, section)
            deeper = 0.145 * (len(lines) - 1)
            page.box(style.margin - 0.05, y, width, 0.21 + deeper, BAND)
            for i, line in enumerate(lines):
                page.text(style.margin, y + 0.105 + 0.145 * i, line, style.font + 0.6, weight="bold")
            y += 0.26 + deeper
        y = self._heads(y)
        for row, mark in zip(section.rows, self.marks, strict=True):
            height = _row_height(page, self.columns, row)
            match row.kind:
                case "heading":
                    lines = _label_lines(page, self.columns, row)
                    for i, line in enumerate(lines):
                        page.text(self.columns.label, y + style.row * 0.725 + _LINE * i, line, weight="bold")
                    reach = max(page.width(line, style.font, "bold") for line in lines)
                    if self.columns.label + reach < self.x_of(section.null):
                        self._null_line(y, height)
                case "note":
                    for i, line in enumerate(_note_lines(page, row)):
                        at = y + style.row * (0.5 + 0.86 * i)
                        page.text(self.columns.label + 0.1, at, line, style.small, colour=FAINT)
                case _:
                    self._null_line(y, height)
                    page.marked(mark)
                    self._texts(row, y + height / 2)
                    self._mark(row, y + height / 2, height)
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
        lines = _head_lines(page, columns, section)
        y += _LINE * (max(map(len, lines), default=1) - 1)
        middle = y + 0.09

        def head(x: float, names: list[str], align: str = "left") -> None:
            for i, name in enumerate(names, start=1 - len(names)):
                page.text(x, middle + _LINE * i, name, align=align, weight="bold")

        places = zip(columns.cells, columns.cell_widths, columns.fractions, lines, strict=False)
        for left, width, fraction, names in places:
            head(left if fraction is None else left + width, names, "left" if fraction is None else "right")
        head(columns.label, [section.row_name])
        head(columns.estimate, [section.estimate_name], "right")
        head(columns.high, [section.interval_name], "right")
        if section.weights and columns.weight is not None:
            head(columns.weight, [WEIGHT_NAME], "right")
        page.line([self.style.margin, self.style.width - self.style.margin], [y + 0.195] * 2, INK, 0.6)
        return y + 0.24

    def _texts(self, row: Row, middle: float) -> None:
        page, columns, style = self.page, self.columns, self.style
        weight, indent = _weight(row), _indent(row)
        italic = "italic" if row.kind == "reference" else "normal"

        def placed(x: float, lines: list[str], slant: str = "normal") -> None:
            for i, line in enumerate(lines):
                at = middle + _LINE * (i - (len(lines) - 1) / 2)
                page.text(x, at, line, weight=weight, style=slant)

        placed(columns.label + indent, _label_lines(page, columns, row), italic)
        places = zip(columns.cells, columns.cell_widths, columns.fractions, row.cells, strict=False)
        for i, (left, width, fraction, cell) in enumerate(places):
            judged = _symbol(columns, row, i)
            if fraction is not None:
                # On the decimal point: whole part to its left, the rest to its right.
                point = left + width - fraction
                page.text(point, middle, cell.removesuffix(_fraction(cell)), align="right", weight=weight)
                page.text(point, middle, _fraction(cell), weight=weight)
            elif judged:
                self._risk(left + width / 2, middle, judged)
            else:
                placed(left, _cell_lines(page, columns, row, i))
        numbers = [
            (columns.estimate, row.estimate_text),
            (columns.low, row.low_text),
            (columns.high, row.high_text),
        ]
        if columns.weight is not None and self.section.weights:
            numbers.append((columns.weight, row.weight_text))
        for x, content in numbers:
            page.text(x, middle, content, align="right", weight=weight)
        if _not_printed(row):
            page.text(columns.high, middle, NOT_PRINTED, style.small, align="right", colour=FAINT)

    def _risk(self, x: float, middle: float, judged: Judgement) -> None:
        self.page.add(Circle((x, middle), 0.052, facecolor=RISK_COLOUR[judged.level], linewidth=0))
        self.page.text(x, middle - 0.004, judged.symbol, self.style.small, "center", "#ffffff", weight="bold")

    def _bracket(self, row: Row, middle: float, height: float) -> None:
        """A line left of the rows of one sample."""
        half, x = height / 2, self.columns.label + 0.045
        top = middle if row.bracket == "start" else middle - half
        bottom = middle if row.bracket == "end" else middle + half
        self.page.line([x, x], [top, bottom], FAINT, 0.7)
        if row.bracket != "middle":
            self.page.line([x, x + 0.035], [middle, middle], FAINT, 0.7)

    def _mark(self, row: Row, middle: float, height: float) -> None:
        page, half = self.page, self.style.row * 0.36
        diamond_kinds = {"pooled", "subgroup", "summary", "converted", "prediction"}
        colour = (self.style.diamonds if row.kind in diamond_kinds else self.style.marks)[row.lane]
        if row.bracket:
            self._bracket(row, middle, height)
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
        at = [self.x_of(tick) for tick in section.ticks]
        for x, label in zip(at, page.apart(at, section.tick_texts, style.small, self.x_of(section.null)), strict=True):
            page.line([x, x], [y, y + 0.035], INK, 0.7)
            page.text(x, y + 0.095, label, style.small, align="center")
        y += 0.22
        if section.favours:
            words = _direction(page, columns, section)
            for x, side, lines in words:
                for i, line in enumerate(lines):
                    page.text(x, y + _LINE * i, line, style.small, side, FAINT)
            y += _LINE * max(1, *(len(lines) for _, _, lines in words), 1)
        half = page.width(section.axis, style.small) / 2
        centre = (columns.plot_left + columns.plot_right) / 2
        place = max(min(centre, style.width - style.margin - half), style.margin + half)
        page.text(place, y, section.axis, style.small, "center")
        return y + 0.1
