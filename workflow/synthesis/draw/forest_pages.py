"""Cuts a forest plot into layouts of single pages: which rows stay together, and what each page repeats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from synthesis.draw.canvas import Page
from synthesis.draw.forest_columns import Columns
from synthesis.draw.forest_measures import BELOW_AXIS, heaviest, height_of, row_height, section_height
from synthesis.draw.forest_notes import AT_LEAST, row_notes
from synthesis.draw.layout import CONTINUED, Layout, Row, Section

# Rows that say something of the rows above them.
_CLOSING = frozenset({"subgroup", "prediction", "summary", "note"})
_POOLED = frozenset({"pooled", "single"})
_ELSEWHERE = "Further notes: on the last page."


def split(page: Page, columns: Columns, layout: Layout, height: float) -> list[Layout]:
    """Layouts of single pages, whose squares have one scale; what a mark or sign is stands on each page that has it."""
    kept = _filled(page, columns, layout, height, (*_of_marks(layout, layout.sections), _ELSEWHERE))
    ending = replace(layout, sections=tuple(kept[-1]))
    if height_of(page, columns, ending) > height:
        kept = _filled(page, columns, layout, height, (*layout.notes, _ELSEWHERE))
    last = len(kept) - 1
    return [
        replace(layout, sections=tuple(sections), notes=layout.notes if i == last else _notes(layout, sections))
        for i, sections in enumerate(kept)
    ]


def _filled(page: Page, columns: Columns, layout: Layout, height: float, notes: tuple[str, ...]) -> list[list[Section]]:
    """What stands on each page where every page has room for these notes."""
    room = height - height_of(page, columns, replace(layout, sections=(), notes=notes))
    filled: list[list[Section]] = [[]]
    left = room
    for section in layout.sections:
        pages, left = _section_pages(page, columns, section, room, left)
        filled[-1] += pages[0]
        filled += pages[1:]
    return [sections for sections in filled if sections]


def _of_marks(layout: Layout, sections: Iterable[Section]) -> Sequence[str]:
    """What marks and signs are, of those on a page; the last page says of which samples a size is not known."""
    sections = list(sections)
    cells = [cell for section in sections for row in section.rows for cell in row.cells]
    unknown = [f"{AT_LEAST}: at least."] if any(cell.startswith(AT_LEAST) for cell in cells) else []
    return layout.marks or [*row_notes(sections), *unknown]


def _notes(layout: Layout, sections: list[Section]) -> tuple[str, ...]:
    """The notes of a page before the last one."""
    page_notes = _of_marks(layout, sections)
    elsewhere = [_ELSEWHERE] if set(layout.notes) - set(page_notes) else []
    return (*page_notes, *elsewhere)


def _section_pages(
    page: Page, columns: Columns, section: Section, room: float, left: float
) -> tuple[list[list[Section]], float]:
    """What of a section stands on the page begun, and on each page after it; the inches left on the last one."""
    scaled = replace(section, heaviest=heaviest(section))
    further = replace(scaled, heading=f"{section.heading}{CONTINUED}" if section.heading else "")
    frame, later = (section_height(page, columns, replace(s, rows=())) + 0.1 + BELOW_AXIS for s in (scaled, further))
    pages: list[list[Section]] = [[]]
    rows: list[Row] = []
    heading: Row | None = None
    placed = False
    left -= frame
    for together in _kept_together(page, columns, section.rows, room - later):
        needed = math.fsum(row_height(page, columns, row) for row in together)
        if needed > left:
            if rows:
                pages[-1].append(replace(further if placed else scaled, rows=tuple(rows)))
                placed = True
            pages.append([])
            rows = _repeated(heading, together[0])
            left = room - (later if placed else frame) - math.fsum(row_height(page, columns, row) for row in rows)
        rows += together
        left -= needed
        heading = next((row for row in reversed(together) if row.kind == "heading"), heading)
    pages[-1].append(replace(further if placed else scaled, rows=tuple(rows)))
    return pages, left


def _repeated(heading: Row | None, first: Row) -> list[Row]:
    """The heading of a block again, above those of its rows that stand on a further page."""
    if heading is None or first.kind in {"heading", "note", *_POOLED}:
        return []
    return [replace(heading, label=heading.label.removesuffix(CONTINUED) + CONTINUED)]


def _kept_together(page: Page, columns: Columns, rows: tuple[Row, ...], room: float) -> list[list[Row]]:
    """Rows in runs that no page parts; of a run taller than a page each row is one."""
    runs: list[list[Row]] = []
    for row in rows:
        if runs and _stays(runs[-1][-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    kept = []
    runs = _no_orphans(page, columns, runs, room)
    for run in runs:
        heights = [row_height(page, columns, row) for row in run]
        # The heading that may be repeated above it takes a row.
        fits = math.fsum(heights) + page.style.row * 1.25 <= room
        kept += [run] if fits else [[row] for row in run]
    return kept


def _no_orphans(page: Page, columns: Columns, runs: list[list[Row]], room: float) -> list[list[Row]]:
    """The runs, where the last study of a block has the one before it with it: alone above its pool it is an orphan."""
    made: list[list[Row]] = []
    for run in runs:
        alone = sum(row.kind == "study" for row in run) == 1 and run[0].kind == "study" and run[-1].kind != "study"
        before = made[-1] if made else []
        joined = math.fsum(row_height(page, columns, row) for row in [*before, *run])
        if alone and before and before[-1].kind == "study" and joined + page.style.row * 1.25 <= room:
            made[-1] = [*before, *run]
        else:
            made.append(run)
    return made


def _stays(above: Row, row: Row) -> bool:
    """Whether a row belongs on the page of the row above it: below a heading, as what closes rows, in a bracket."""
    closes = row.kind in _CLOSING or (row.kind in _POOLED and above.kind not in _POOLED)
    converted = row.kind in {"converted", "converted single"}
    return above.kind == "heading" or closes or converted or row.bracket in {"middle", "end"}
