"""How tall the parts of a forest plot are, and in which lines its words stand."""

from __future__ import annotations

import math
import re

from synthesis import text
from synthesis.draw.canvas import NOTE_SPACING, TITLE_SPACING, Page
from synthesis.draw.forest_columns import Columns, indent, weight_of
from synthesis.draw.layout import Judgement, Layout, Row, Section, judgement

# Inches from line to line of a row, of a heading, of a note in units of a row.
LINE, HEADING_LINE, NOTE_LINE = 0.125, 0.145, 0.86
# Inches from the name of the axis to the words below it.
BELOW_AXIS = 0.05
# Words about a direction: inches from the line of no effect.
_FROM_NULL = 0.06
# As many lines before they reach beyond the plot, and by how many inches at a time.
_SIDE_LINES, _WIDER = 3, 0.05
# At least this share of them stands within the plot.
_WITHIN = 0.4
_LEFT, _RIGHT = "\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"
_FIRM = "\N{NO-BREAK SPACE}"
# Between a letter, its sign and its number, and between two limits.
_TOGETHER = re.compile(f" [<>=\u2264\u2265\u2248] (?=[0-9<{text.MINUS}])|(?<=[0-9]), (?={text.MINUS}?[0-9.]+\\])")


def heaviest(section: Section) -> float:
    """The weight with the largest square of a section: of all its rows, also where a page holds some of them."""
    return section.heaviest or max((row.weight or 0.0 for row in section.rows if row.kind == "study"), default=0.0)


def note_lines_of(page: Page, row: Row) -> list[str]:
    """The lines of words below rows."""
    return [_loose(line) for line in page.wrapped(_glued(row.label), page.inside - 0.12, page.style.small)]


def lines_below(page: Page, layout: Layout) -> list[str]:
    """The lines of the notes below a figure."""
    return [_loose(line) for line in page.note_lines(map(_glued, layout.notes))]


def _glued(words: str) -> str:
    """Words with what belongs together on one line: "p < 0.001", "[0.1, 0.2]"."""
    return _TOGETHER.sub(lambda match: match[0].replace(" ", _FIRM), words)


def _loose(line: str) -> str:
    return line.replace(_FIRM, " ")


def label_lines(page: Page, columns: Columns, row: Row) -> list[str]:
    """The lines of a row's label: in its column, or up to the plot where the row has no cells."""
    style = page.style
    if row.kind == "heading":
        return page.wrapped(row.label, page.inside, style.font, "bold")
    free = columns.label_width if any(row.cells) else columns.edge - columns.label - style.gap
    return page.wrapped(row.label, free - indent(row), style.font, weight_of(row))


def symbol_of(columns: Columns, row: Row, i: int) -> Judgement | None:
    """The judgement that a cell shows as a symbol, if it does."""
    return judgement(row.cells[i]) if columns.judged[i] else None


def cell_lines(page: Page, columns: Columns, row: Row, i: int) -> list[str]:
    """The lines of a cell in its column."""
    cell = row.cells[i]
    if columns.fractions[i] is not None or symbol_of(columns, row, i):
        return [cell]
    return page.wrapped(cell, columns.cell_widths[i], page.style.font, weight_of(row))


def notes_below(section: Section) -> tuple[Row, ...]:
    """The lines of words that end a section: they stand below its axis, which stands below the last row."""
    count = len(section.rows)
    while count and section.rows[count - 1].kind == "note":
        count -= 1
    return section.rows[count:]


def row_height(page: Page, columns: Columns, row: Row) -> float:
    """Inches that a row takes."""
    if row.kind == "note":
        return page.style.row * (NOTE_LINE * len(note_lines_of(page, row)) + 0.35)
    lines = len(label_lines(page, columns, row))
    if row.kind == "heading":
        return page.style.row * 1.25 + LINE * (lines - 1)
    cells = (len(cell_lines(page, columns, row, i)) for i in range(min(len(row.cells), len(columns.cells))))
    return page.style.row + LINE * (max(lines, *cells, 1) - 1)


def heading_lines(page: Page, section: Section) -> list[str]:
    """The lines of a section's heading."""
    if not section.heading:
        return []
    return page.wrapped(section.heading, page.inside, page.style.font + 0.6, "bold")


def head_lines(page: Page, columns: Columns, section: Section) -> list[list[str]]:
    """The head of each column of cells, in lines, none above a column without a cell; numbers have theirs on the right,
    others on the left."""
    has_cells = [
        any(row.cells[i : i + 1] != ("",) for row in section.rows if row.cells) for i in range(len(columns.cells))
    ]
    return [
        page.wrapped(name, width, page.style.font, "bold") if filled or not section.rows else []
        for name, width, filled in zip(section.columns, columns.cell_widths, has_cells, strict=False)
    ]


def lines_of_heads(page: Page, columns: Columns, section: Section) -> int:
    """How many lines the heads of a section take: one where no column of cells has any."""
    return max([1, *map(len, head_lines(page, columns, section))])


def has_weights(section: Section) -> bool:
    """Whether a weight stands in any row."""
    return section.weights and any(row.weight_text for row in section.rows)


def direction(page: Page, columns: Columns, section: Section) -> list[tuple[float, str, list[str]]]:
    """Where the words about directions stand: place, side and lines; of a side that the axis does not show, or shows so
    little of that most of them would stand outside it, nothing."""
    if not section.favours:
        return []
    share = (section.null - section.low) / (section.high - section.low)
    at = columns.plot_left + share * (columns.plot_right - columns.plot_left)
    left, right = section.favours
    sides = []
    if left and share > 0:
        edge = min(at, columns.plot_right) - _FROM_NULL
        room = edge - columns.plot_left
        lines = _side_lines(page, f"{_LEFT} {left}", room, edge - page.style.margin)
        sides.append((room, edge, "right", lines))
    if right and share < 1:
        edge = max(at, columns.plot_left) + _FROM_NULL
        room = columns.plot_right - edge
        lines = _side_lines(page, f"{right} {_RIGHT}", room, page.style.width - page.style.margin - edge)
        sides.append((room, edge, "left", lines))
    most = max((room for room, *_ in sides), default=0.0)
    return [
        (edge, align, lines)
        for room, edge, align, lines in sides
        if room == most or _reach(page, lines) * _WITHIN <= room
    ]


def _reach(page: Page, lines: list[str]) -> float:
    return max(page.width(line, page.style.small) for line in lines)


def _side_lines(page: Page, words: str, room: float, most: float) -> list[str]:
    """Words about a direction within the plot, on as many lines as that takes; beyond the plot where these were too
    many, but never beyond the page."""
    # An arrow alone on a line would point from nothing.
    glued = words.replace(f"{_LEFT} ", f"{_LEFT}\N{NO-BREAK SPACE}").replace(
        f" {_RIGHT}", f"\N{NO-BREAK SPACE}{_RIGHT}"
    )
    size, width = page.style.small, min(room, most)
    longest = max(page.width(word, size) for word in glued.split(" "))
    lines = page.wrapped(glued, min(max(width, longest), most), size)
    while len(lines) > _SIDE_LINES and width < most:
        width = min(max(width, longest) + _WIDER, most)
        lines = page.wrapped(glued, width, size)
    return [_loose(line) for line in lines]


def section_height(page: Page, columns: Columns, section: Section) -> float:
    """Inches that a section takes, with its heads and its axis."""
    lines = len(heading_lines(page, section))
    head = (0.26 + HEADING_LINE * (lines - 1) if lines else 0.0) + 0.24
    head += LINE * (lines_of_heads(page, columns, section) - 1)
    below = max((len(lines) for _, _, lines in direction(page, columns, section)), default=0)
    foot = 0.38 + (0.12 if section.favours else 0.0) + LINE * max(0, below - 1)
    foot += BELOW_AXIS if notes_below(section) else 0.0
    return head + math.fsum(row_height(page, columns, row) for row in section.rows) + foot


def height_of(page: Page, columns: Columns, layout: Layout) -> float:
    """Inches that a figure takes on one page."""
    top = 0.13 + TITLE_SPACING * len(page.title_lines(layout.title))
    body = math.fsum(section_height(page, columns, s) + 0.1 for s in layout.sections)
    return top + body + NOTE_SPACING * len(lines_below(page, layout)) + 0.12
