"""The figure of the claims: words, plots and verdicts, with a key on each page."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from matplotlib.figure import Figure

from synthesis import text
from synthesis.draw.canvas import DARK, FAINT, GRID, NOTE_SPACING, TITLE_SPACING, Page, Style, draw, settings
from synthesis.draw.chart import Key
from synthesis.draw.claims_layout import ONCE, ClaimRow, ClaimsLayout, Part, Statement, axis_texts
from synthesis.draw.layout import CONTINUED

# Far from the colours of associations and effects; the marks have none, since they may be either.
VERDICT_COLOUR = {
    "supported": "#00664f",
    "not supported": "#a3195b",
    "cannot be decided": "#5a5a5a",
    "misquoted": "#6a3d9a",
}
# The colours of where an interval, or its lower end, would have to lie.
HOLDS: dict[Part, str] = {"whole": "#dfeee9", "lower end": "#dedede"}

# In place of a mark.
NO_DATUM = "no datum"
_BADGE, _CLAIM, _PLOT = 0.12, 1.2, 3.55
_CLAIM_WIDTH, _PLOT_WIDTH = 2.2, 1.3
_DATA = _PLOT + _PLOT_WIDTH + 0.14
_LINE = 0.122
_MARK, _TINY, _SMALLER = 0.12, 5.6, 6.2
# Of a page's height: pages are filled as little as their number allows.
_SHARES = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)

# Intervals, their names and equations stay on one line.
_WHOLE = re.compile(rf" [=<>\u2264\u2265] |(?<=%) (?=[CP]I\b)|(?<=\d), (?={text.MINUS}?[\d.]+%?\])")


def _glued(words: str) -> str:
    return _WHOLE.sub(lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), words)


def _row_lines(page: Page, row: ClaimRow) -> tuple[list[str], list[str]]:
    size = page.style.small
    return (
        page.wrapped(_glued(row.claim), _CLAIM_WIDTH, size),
        page.wrapped(_glued(row.data), page.style.width - page.style.margin - _DATA, size),
    )


def _row_height(page: Page, row: ClaimRow) -> float:
    claim, data = _row_lines(page, row)
    return max(_LINE * max(len(claim), len(data)), _above(page, row) + _MARK * len(row.marks) + 0.13) + 0.09


def _above(page: Page, row: ClaimRow) -> float:
    """Where the plot begins below the top of a row: below the claim, where the names of marks stand beside them."""
    return _LINE * len(_row_lines(page, row)[0]) + 0.05 if _named(row) else 0.0


def _named(row: ClaimRow) -> bool:
    """Whether marks need names: of one alone the claim says what it is."""
    return len(row.marks) > 1


def _head_lines(page: Page, statement: Statement) -> tuple[list[str], list[str]]:
    width = page.inside
    cited = f" ({statement.cites})" if statement.cites else " (no source cited)"
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{statement.says}\N{RIGHT DOUBLE QUOTATION MARK}{cited}"
    quote = page.wrapped(f"{quoted}{CONTINUED if statement.continued else ''}", width, page.style.font, "bold")
    if statement.continued:
        return quote, []
    words = []
    if statement.source_says:
        words += page.wrapped(f"Sources: {statement.source_says}", width, page.style.small)
    if statement.reading:
        words += page.wrapped(f"Reading: {statement.reading}", width, page.style.small)
    return quote, words


def _statement_height(page: Page, statement: Statement) -> float:
    quote, words = _head_lines(page, statement)
    rows = math.fsum(_row_height(page, row) for row in statement.rows)
    return 0.1 + 0.14 * len(quote) + _LINE * len(words) + 0.04 + rows + 0.08


def _around(page: Page, layout: ClaimsLayout) -> tuple[float, float]:
    """Inches above the first statement, and below the last one."""
    above = 0.37 + TITLE_SPACING * len(page.title_lines(layout.title)) + _keys_height(page, layout)
    return above, NOTE_SPACING * len(page.note_lines(layout.notes)) + 0.2


@draw.register
def draw_claims(layout: ClaimsLayout, style: Style | None = None) -> Figure:
    """The figure of a claims layout."""
    style = style or Style()
    with settings():
        ruler = Page(style, 1.0)
        body = math.fsum(_statement_height(ruler, statement) for statement in layout.statements)
        above, below = _around(ruler, layout)
        page = Page(style, above + body + below)
        title = ruler.title_lines(layout.title)
        page.titled(0.17, title)
        _draw_keys(page, layout, 0.17 + TITLE_SPACING * len(title))
        y = above - 0.03
        for x, name in ((_BADGE, "Verdict"), (_CLAIM, "Claim"), (_PLOT, "Data and rule"), (_DATA, "In words")):
            page.text(x, y - 0.11, name, weight="bold")
        for statement in layout.statements:
            y = _draw_statement(page, statement, y)
        page.noted(y + 0.1, ruler.note_lines(layout.notes))
    return page.figure


def parts(layout: ClaimsLayout, height: float, style: Style | None = None) -> list[ClaimsLayout]:
    """The layout in parts that stand on pages no taller than `height` inches; none where one page holds it.

    No claim is cut. A statement with more claims than a page holds goes on below its words; notes stand at the end.
    """
    with settings():
        page = Page(style or Style(), 1.0)
        above, below = _around(page, replace(layout, title=f"{layout.title} (99 of 99)"))
        room = height - above - below
        heights = [_statement_height(page, statement) for statement in layout.statements]
        if math.fsum(heights) <= room:
            return []
        by_page = _filled(page, layout, room)
        # As even as so many pages allow.
        for share in _SHARES:
            even = _filled(page, layout, share * room)
            if len(even) == len(by_page):
                by_page = even
                break
    return [
        replace(
            layout,
            title=f"{layout.title} ({number} of {len(by_page)})",
            statements=tuple(statements),
            keys=layout.keys if number == 1 else tuple(key for key in layout.keys if key.mark != ONCE),
            notes=layout.notes if number == len(by_page) else (),
        )
        for number, statements in enumerate(by_page, start=1)
    ]


def _filled(page: Page, layout: ClaimsLayout, room: float) -> list[list[Statement]]:
    """The statements by page, each as full as it can be."""
    by_page: list[list[Statement]] = [[]]
    left = room
    for statement in (piece for whole in layout.statements for piece in _pieces(page, whole, room)):
        needed = _statement_height(page, statement)
        if needed > left and by_page[-1]:
            by_page.append([])
            left = room
        by_page[-1].append(statement)
        left -= needed
    return by_page


def pages(layout: ClaimsLayout, height: float, style: Style | None = None) -> list[Figure]:
    """The figure on pages no taller than `height` inches, each with its heads; none where one page holds it."""
    return [draw_claims(part, style) for part in parts(layout, height, style)]


def _pieces(page: Page, statement: Statement, room: float) -> list[Statement]:
    """A statement, or what of it a page holds: at least one claim each time."""
    pieces: list[list[ClaimRow]] = [[]]
    for row in statement.rows:
        if pieces[-1] and _statement_height(page, replace(statement, rows=(*pieces[-1], row))) > room:
            pieces.append([])
        pieces[-1].append(row)
    first, *others = (replace(statement, rows=tuple(rows)) for rows in pieces)
    return [first, *(replace(other, continued=True) for other in others)]


def _key_rows(page: Page, layout: ClaimsLayout) -> list[list[tuple[float, Key]]]:
    """The key with left edges, in rows that fit the page."""
    rows: list[list[tuple[float, Key]]] = []
    x, edge, once = 0.0, page.style.width - page.style.margin, False
    for key in layout.keys:
        wide = _keyed(key) + page.width(key.content, page.style.small)
        if not rows or x + wide > edge or (key.mark == ONCE) != once:
            rows.append([])
            x = page.style.margin
        rows[-1].append((x, key))
        x, once = x + wide + 0.16, key.mark == ONCE
    return rows


def _keyed(key: Key) -> float:
    """Inches of what stands before the words of a key."""
    return {"words": 0.0, "line": 0.1, ONCE: 0.14}.get(key.mark, 0.26)


def _keys_height(page: Page, layout: ClaimsLayout) -> float:
    return 0.145 * len(_key_rows(page, layout))


def _draw_keys(page: Page, layout: ClaimsLayout, y: float) -> None:
    for row in _key_rows(page, layout):
        for x, key in row:
            match key.mark:
                case "verdict":
                    _badge(page, key.kind, x + 0.05, y)
                case "shade":
                    page.box(x, y - 0.045, 0.2, 0.09, HOLDS["lower end" if key.kind == "lower end" else "whole"])
                case "mark":
                    page.line([x, x + 0.2], [y, y], DARK, 1.1)
                    page.box(x + 0.078, y - 0.022, 0.044, 0.044, DARK)
                case "line":
                    page.line([x + 0.03] * 2, [y - 0.05, y + 0.05], DARK, 0.6)
            page.text(x + _keyed(key), y, key.content, page.style.small)
        y += 0.145


def _draw_statement(page: Page, statement: Statement, y: float) -> float:
    style = page.style
    page.line([style.margin, style.width - style.margin], [y, y], DARK, 0.6)
    quote, words = _head_lines(page, statement)
    y = page.lines(style.margin, y + 0.1, quote, 0.14, weight="bold")
    y = page.lines(style.margin, y, words, _LINE, style.small, colour=FAINT) + 0.04
    for row in statement.rows:
        _draw_row(page, row, y)
        y += _row_height(page, row)
    return y + 0.08


def _draw_row(page: Page, row: ClaimRow, y: float) -> None:
    size = page.style.small
    claim, data = _row_lines(page, row)
    middle = y + 0.075
    _badge(page, row.verdict, _BADGE + 0.05, middle)
    page.text(_BADGE + 0.16, middle, row.verdict, size, colour=VERDICT_COLOUR[row.verdict], weight="bold")
    page.lines(_CLAIM, middle, claim, _LINE, size)
    page.lines(_DATA, middle, data, _LINE, size)
    if row.axis is None or row.holds is None:
        page.text(_PLOT, middle, NO_DATUM, size, colour=FAINT)
        return
    first, last = row.axis

    def x_of(value: float) -> float:
        share = (min(max(value, first), last) - first) / (last - first)
        return _PLOT + share * _PLOT_WIDTH

    y += _above(page, row)
    bottom = y + _MARK * len(row.marks) + 0.03
    left, right = x_of(row.holds[0]), x_of(row.holds[1])
    page.box(left, y, right - left, bottom - y, HOLDS[row.part])
    page.line([_PLOT, _PLOT + _PLOT_WIDTH], [bottom, bottom], GRID, 0.6)
    for tick, words in axis_texts(row):
        # A line as tall as the plot is a bound of the rule.
        bound = tick in row.ticks
        page.line([x_of(tick)] * 2, [y if bound else bottom, bottom + 0.025], DARK if bound else FAINT, 0.6)
        page.text(x_of(tick), bottom + 0.07, words, _TINY, "center", FAINT)
    for i, mark in enumerate(row.marks):
        at = y + _MARK * (i + 0.6)
        if _named(row):
            (name, *_) = page.wrapped(mark.label, _CLAIM_WIDTH + 0.06, _SMALLER)
            page.text(_PLOT - 0.07, at, name, _SMALLER, "right", FAINT)
        if mark.low is not None and mark.high is not None and mark.has_interval:
            page.line([x_of(mark.low), x_of(mark.high)], [at, at], DARK, 1.1)
        page.box(x_of(mark.estimate) - 0.022, at - 0.022, 0.044, 0.044, DARK)


def _badge(page: Page, verdict: str, x: float, y: float) -> None:
    """A shape for each verdict, so that colour is not needed: filled, crossed, empty, triangle."""
    colour, half = VERDICT_COLOUR[verdict], 0.042
    if verdict == "misquoted":
        page.polygon([(x - half, y + half), (x, y - half), (x + half, y + half)], colour, colour)
        return
    if verdict == "not supported":
        page.line([x - half, x + half], [y - half, y + half], colour, 1.6)
        page.line([x - half, x + half], [y + half, y - half], colour, 1.6)
        return
    fill = colour if verdict == "supported" else "white"
    page.circle(x, y, half, fill, colour, 1.0)
