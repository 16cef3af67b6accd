"""The claims figure: what a text says, what its source says, what the data say, and the verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from matplotlib.figure import Figure

from synthesis import text
from synthesis.draw.canvas import DARK, FAINT, GRID, NOTE_SPACING, TITLE_SPACING, Page, Style, draw, settings
from synthesis.draw.layout import CONTINUED
from synthesis.results.comparisons import DecidedClaim
from synthesis.results.files import Cell

VERDICTS = ("supported", "not supported", "cannot be decided", "misquoted")
VERDICT_COLOUR = {
    "supported": "#00664f",
    "not supported": "#a63603",
    "cannot be decided": "#5a5a5a",
    "misquoted": "#6a3d9a",
}
# The colour of where a claim would hold.
_HOLDS = "#dfeee9"
_UNIT_NAME = {"smd": "SMD", "difference in d": "d", "difference in z": "z", "coefficient": "b"}
# What the letter of a unit stands for, where the figure says nothing else of it.
_UNIT_WORDS = {"d": "difference in d", "z": "difference in Fisher z", "b": "coefficient"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One interval on a claim's own axis; limits are None where none are printed."""

    label: str
    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim: words, marks, where on its axis it would hold, and the axis."""

    claim_id: str
    statement: str
    verdict: str
    claim: str
    data: str
    marks: tuple[Mark, ...]
    holds: tuple[float, float] | None
    axis: tuple[float, float] | None
    ticks: tuple[float, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the text with its claims; one that goes on from the page before has its sources there."""

    name: str
    says: str
    cites: str
    source_says: str
    reading: str
    rows: tuple[ClaimRow, ...]
    continued: bool = False


@dataclass(frozen=True, slots=True)
class ClaimsLayout:
    """The whole figure."""

    name: str
    title: str
    statements: tuple[Statement, ...]
    notes: tuple[str, ...]

    def table(self) -> list[dict[str, Cell]]:
        """One record per mark, or per claim without one."""
        records: list[dict[str, Cell]] = []
        for statement in self.statements:
            for row in statement.rows:
                base = {k: v for k, v in asdict(row).items() if k not in {"marks", "holds", "axis", "ticks"}}
                ends = row.holds or (None, None)
                base |= {"holds_low": _finite(ends[0]), "holds_high": _finite(ends[1])}
                for mark in row.marks or (None,):
                    cells = asdict(mark) if mark else dict.fromkeys(("label", "estimate", "low", "high"))
                    records.append(base | cells)
        return records


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def claims_layout(claims: list[DecidedClaim], title: str) -> ClaimsLayout:
    """The layout from the claims as decided, in their order; claims of one statement stand together."""
    by_statement: dict[str, list[DecidedClaim]] = {}
    for claim in claims:
        by_statement.setdefault(claim.statement, []).append(claim)
    statements = tuple(_statement(name, held) for name, held in by_statement.items())
    counted = Counter(claim.verdict for claim in claims)
    counts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict])
    notes = (
        f"{text.plural(len(claims), 'claim')}: {counts}.",
        "Shaded: where the whole interval would have to lie for the claim to hold; dark lines: its ends. Each claim "
        "has its own axis; grey line: 0.",
        *_units(row for statement in statements for row in statement.rows),
        "The rules stand with the claims in data/raw/claims.csv; they were written when earlier pools were known. "
        "Associations are no causes.",
    )
    return ClaimsLayout("verdicts", title, statements, notes)


def _units(rows: Iterable[ClaimRow]) -> tuple[str, ...]:
    """What the letters at the axes stand for."""
    used = {row.unit for row in rows if row.marks}
    said = [f"{unit}: {words}" for unit, words in _UNIT_WORDS.items() if unit in used]
    return (f"{'; '.join(said)}.",) if said else ()


def _statement(name: str, claims: list[DecidedClaim]) -> Statement:
    quotes = dict.fromkeys(quote for claim in claims for quote in claim.source_says.split(" | ") if quote)
    readings = [claim.reading for claim in claims if claim.reading]
    return Statement(
        name=name,
        says=claims[0].says,
        cites=claims[0].cites,
        source_says=" | ".join(quotes),
        reading=readings[0] if readings else "",
        rows=tuple(_row(claim) for claim in claims),
    )


def _row(claim: DecidedClaim) -> ClaimRow:
    marks = tuple(Mark(value.label, value.estimate, value.low, value.high) for value in claim.values)
    words = claim.why
    if claim.verdict == "misquoted" and claim.quantity:
        words = f"{words}; of the claim itself: {claim.verdict_of_data}"
    if claim.hangs_on:
        words = f"{words}. {claim.hangs_on[:1].upper()}{claim.hangs_on[1:]}"
    holds, axis, ticks = _axis(claim, marks)
    return ClaimRow(
        claim_id=claim.claim_id,
        statement=claim.statement,
        verdict=claim.verdict,
        claim=claim.claim,
        data=words,
        marks=marks,
        holds=holds,
        axis=axis,
        ticks=ticks,
        unit=_UNIT_NAME.get(claim.unit, claim.unit),
    )


def _axis(
    claim: DecidedClaim, marks: tuple[Mark, ...]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None, tuple[float, ...]]:
    """Where the claim would hold, the limits of its axis, and its ticks: the bounds themselves."""
    if not marks:
        return None, None, ()
    holds = _holds(claim)
    bounds = tuple(x for x in holds if math.isfinite(x))
    ends = [x for m in marks for x in (m.estimate, m.low, m.high) if x is not None] + list(bounds)
    if 0 not in bounds and claim.rule != "all_within":
        ends.append(0.0)
    first, last = min(ends), max(ends)
    pad = 0.08 * (last - first or 1.0)
    return holds, (first - pad, last + pad), bounds


def _holds(claim: DecidedClaim) -> tuple[float, float]:
    """Where the whole interval would have to lie."""
    low = -math.inf if claim.low_value is None else claim.low_value
    high = math.inf if claim.high_value is None else claim.high_value
    match claim.rule:
        case "above":
            return low, math.inf
        case "below":
            return -math.inf, high
        case "not_above":
            return -math.inf, low
        case "all_within":
            return 100.0, math.inf
    return low, high


# --- drawing ------------------------------------------------------------------------------------------------------

_BADGE, _CLAIM, _PLOT = 0.12, 1.2, 3.55
_CLAIM_WIDTH, _PLOT_WIDTH = 2.2, 1.3
_DATA = _PLOT + _PLOT_WIDTH + 0.14
_LINE = 0.122
_MARK, _TINY, _SMALLER = 0.12, 5.6, 6.2


def _row_lines(page: Page, row: ClaimRow) -> tuple[list[str], list[str]]:
    size = page.style.small
    return (
        page.wrapped(row.claim, _CLAIM_WIDTH, size),
        page.wrapped(row.data, page.style.width - page.style.margin - _DATA, size),
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
    said = page.wrapped(f"{quoted}{CONTINUED if statement.continued else ''}", width, page.style.font, "bold")
    if statement.continued:
        return said, []
    words = []
    if statement.source_says:
        words += page.wrapped(f"Sources: {statement.source_says}", width, page.style.small)
    if statement.reading:
        words += page.wrapped(f"Reading: {statement.reading}", width, page.style.small)
    return said, words


def _statement_height(page: Page, statement: Statement) -> float:
    said, words = _head_lines(page, statement)
    rows = math.fsum(_row_height(page, row) for row in statement.rows)
    return 0.1 + 0.14 * len(said) + _LINE * len(words) + 0.04 + rows + 0.08


def _around(page: Page, layout: ClaimsLayout) -> tuple[float, float]:
    """Inches above the first statement, and below the last one."""
    above = 0.37 + TITLE_SPACING * len(page.title_lines(layout.title))
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
        page.titled(0.17, ruler.title_lines(layout.title))
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
        held: list[list[Statement]] = [[]]
        left = room
        for statement in (piece for whole in layout.statements for piece in _pieces(page, whole, room)):
            needed = _statement_height(page, statement)
            if needed > left and held[-1]:
                held.append([])
                left = room
            held[-1].append(statement)
            left -= needed
    return [
        replace(
            layout,
            title=f"{layout.title} ({number} of {len(held)})",
            statements=tuple(statements),
            notes=layout.notes if number == len(held) else (),
        )
        for number, statements in enumerate(held, start=1)
    ]


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


def _draw_statement(page: Page, statement: Statement, y: float) -> float:
    style = page.style
    page.line([style.margin, style.width - style.margin], [y, y], DARK, 0.6)
    said, words = _head_lines(page, statement)
    y = page.lines(style.margin, y + 0.1, said, 0.14, weight="bold")
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
        page.text(_PLOT, middle, "no datum", size, colour=FAINT)
        return
    first, last = row.axis

    def x_of(value: float) -> float:
        share = (min(max(value, first), last) - first) / (last - first)
        return _PLOT + share * _PLOT_WIDTH

    y += _above(page, row)
    bottom = y + _MARK * len(row.marks) + 0.03
    left, right = x_of(row.holds[0]), x_of(row.holds[1])
    page.box(left, y, right - left, bottom - y, _HOLDS)
    page.line([_PLOT, _PLOT + _PLOT_WIDTH], [bottom, bottom], GRID, 0.6)
    for tick, words in axis_texts(row):
        bound = tick in row.ticks
        page.line([x_of(tick)] * 2, [y, bottom + 0.025], DARK if bound else GRID, 0.6)
        page.text(x_of(tick), bottom + 0.07, words, _TINY, "center", FAINT)
    colour = VERDICT_COLOUR[row.verdict]
    for i, mark in enumerate(row.marks):
        at = y + _MARK * (i + 0.6)
        if _named(row):
            (name, *_) = page.wrapped(mark.label, _CLAIM_WIDTH + 0.06, _SMALLER)
            page.text(_PLOT - 0.07, at, name, _SMALLER, "right", FAINT)
        if mark.low is not None and mark.high is not None and mark.low < mark.high:
            page.line([x_of(mark.low), x_of(mark.high)], [at, at], colour, 1.1)
        page.box(x_of(mark.estimate) - 0.022, at - 0.022, 0.044, 0.044, colour)


def axis_texts(row: ClaimRow) -> list[tuple[float, str]]:
    """What stands below an axis: its bounds with their unit, and 0 where it is on it and none of them."""
    sign = "%" if row.unit == "%" else ""
    unit = "" if sign else f"{row.unit} "
    texts = [(tick, f"{unit}{text.number(tick, _decimals(tick))}{sign}") for tick in row.ticks]
    if row.axis is not None and row.axis[0] <= 0 <= row.axis[1] and 0 not in row.ticks:
        texts.append((0.0, f"0{sign}"))
    return texts


def _decimals(value: float) -> int:
    return max(2 if value % 1 else 0, len(f"{value:g}".partition(".")[2]))


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
