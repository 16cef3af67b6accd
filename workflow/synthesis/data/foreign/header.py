"""Where a table begins and ends in its file: titles above it, one or two header rows, blank rows and columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from synthesis.data.foreign.dialects import FIRST_ROWS, Sheet
from synthesis.errors import Problem

Line = tuple[int, list[str]]

_NUMBER_LIKE = re.compile(r"[<>=~]?\s*[+\-\u2212\u2013]?[\d.,\u00b7]*\d[\d.,\u00b7]*\s*%?")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, and the filled rows below them with their numbers in the file.

    `above`: names of the arms above the columns, where there are two header rows; `notes`: what was left out.
    """

    path: Path
    header: list[str]
    at: int
    rows: list[Line]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    separator: str

    def column(self, name: str) -> int:
        """The place of a column that is there once."""
        return self.header.index(name)

    def cells(self, name: str) -> list[tuple[int, str]]:
        """The cells of a column, with the numbers of their rows."""
        place = self.column(name)
        return [(number, cells[place]) for number, cells in self.rows]


def tidy(text: str) -> str:
    """A cell without blanks around it, of any kind, and without marks that nobody sees."""
    return text.strip().strip("\ufeff\u200b\u200c\u200d\u2060").strip()


def loose(name: str) -> str:
    """A name without case and punctuation: "Experimental / Mean" and "experimental mean" are one."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def tabulate(path: Path, sheet: Sheet, wanted: Collection[str]) -> Table:
    """The table in a sheet: its header is the row, or the two rows, with most of the wanted names, or that looks so."""
    lines = [[tidy(cell) for cell in cells] for cells in sheet.lines]
    at, depth = _header_rows(lines, wanted)
    if not lines or not any(lines[at]):
        problem = Problem(str(path), "no rows below a header", "at least one row")
        return Table(path, [], 1, [], (), (problem,), sheet.separator)
    header = _names(lines, at, depth)
    body = [(number, cells) for number, cells in enumerate(lines[at + depth :], start=at + depth + 1) if any(cells)]
    header, renamed = _with_row_names(header, body)
    while (
        header and not header[-1] and all(len(cells) < len(header) or not cells[len(header) - 1] for _, cells in body)
    ):
        header = header[:-1]
    notes = [*renamed, *_titles([cells for cells in lines[:at] if any(cells)])]
    if depth == 2:
        notes.append(f"two header rows, {at + 1} and {at + 2}: {', '.join(filter(None, header[:_SHOWN]))}, ...")
    rows, left, problems = _body(path, header, lines[at + depth - 1], body)
    return Table(path, header, at + depth, rows, (*notes, *left), tuple(problems), sheet.separator)


def _header_rows(lines: list[list[str]], wanted: Collection[str]) -> tuple[int, int]:
    """The place of the header, and whether it has one row or two."""
    best, best_score = (0, 1), 0
    names, alike = set(wanted), {loose(name) for name in wanted}
    for at, cells in enumerate(lines[:FIRST_ROWS]):
        for depth in (1, 2):
            if depth == 2 and not _second_header(lines, at):
                continue
            here = cells if depth == 1 else _names(lines, at, 2)
            score = 2 * len(names & set(here)) + len(alike & {loose(name) for name in here if name})
            if score > best_score:
                best, best_score = (at, depth), score
    if best_score:
        return best
    for at, cells in enumerate(lines[:FIRST_ROWS]):
        filled = [cell for cell in cells if cell]
        if len(filled) > 1 and not any(_NUMBER_LIKE.fullmatch(cell) for cell in filled):
            return at, 2 if _second_header(lines, at) and len(set(filled)) < len(filled) + (
                len(cells) > len(filled)
            ) else 1
    return next((at for at, cells in enumerate(lines) if any(cells)), 0), 1


def _second_header(lines: list[list[str]], at: int) -> bool:
    """Whether the row below may be a second row of names: words under arms, and a row of numbers after it."""
    if at + 2 >= len(lines):
        return False
    upper, lower = lines[at], lines[at + 1]
    filled = [cell for cell in lower if cell]
    if len(filled) < 2 or sum(map(bool, upper)) < 2 or any(_NUMBER_LIKE.fullmatch(cell) for cell in filled):
        return False
    # Without a gap in the upper row there is nothing that it could stand above.
    return any(not cell for cell in upper[: len(lower)]) or len(upper) < len(lower) or len(set(upper)) < len(upper)


def _names(lines: list[list[str]], at: int, depth: int) -> list[str]:
    """The names of the columns; of two rows the upper one holds for the columns right of it until the next."""
    if depth == 1:
        return list(lines[at])
    upper, lower = lines[at], lines[at + 1]
    width = max(len(upper), len(lower))
    upper, lower = upper + [""] * (width - len(upper)), lower + [""] * (width - len(lower))
    names, arm = [], ""
    for above, below in zip(upper, lower, strict=True):
        arm = above or (arm if below else "")
        names.append(f"{arm} {below}".strip())
    return names


def _with_row_names(header: list[str], body: list[Line]) -> tuple[list[str], list[str]]:
    """The header with a place for the numbers of R's rows, which `write.table` leaves unnamed."""
    numbered = [cells[0] for _, cells in body if cells]
    longer = bool(body) and all(len(cells) == len(header) + 1 for _, cells in body)
    if longer and numbered == [str(place) for place in range(1, len(body) + 1)]:
        return ["", *header], ["the first column, without a name, holds R's numbers of rows"]
    return header, []


def _titles(above: list[list[str]]) -> list[str]:
    if not above:
        return []
    titles = "; ".join(" ".join(filter(None, cells))[:60] for cells in above[:_SHOWN])
    return [f"{len(above)} {'row' if len(above) == 1 else 'rows'} above the header left out: {titles}"]


def _body(
    path: Path, header: list[str], last: list[str], body: list[Line]
) -> tuple[list[Line], list[str], list[Problem]]:
    """The rows that may be data, what was left out of them, and rows of another length than the header."""
    rows, again, lone, problems = [], [], [], []
    for number, cells in body:
        while len(cells) > len(header) and not cells[-1]:
            cells = cells[:-1]
        filled = [cell for cell in cells if cell]
        if cells[: len(last)] == last or cells == header:
            again.append(str(number))
        elif len(filled) == 1 and sum(map(bool, header)) > 2 and not _names_a_study(filled[0]):
            lone.append(f"row {number}: {filled[0][:60]!r}")
        elif len(cells) != len(header):
            hint = "a separator in a cell that is not in quotation marks?"
            allowed = f"{len(header)} cells as in the header"
            problems.append(Problem(f"{path}, row {number}", f"{len(cells)} cells", allowed, hint))
        else:
            rows.append((number, cells))
    notes = [f"the header again, left out: row {', '.join(again)}"] if again else []
    if lone:
        notes.append(f"titles and notes left out, rows with one filled cell: {_some(lone)}")
    if not rows and not problems:
        problems.append(Problem(str(path), "no rows below a header", "at least one row"))
    return rows, notes, problems


def _names_a_study(text: str) -> bool:
    """Whether a cell that stands alone may be a study whose results are missing: it has a year."""
    return re.search(r"\b(19|20)\d\d", text) is not None


def _some(items: Iterable[str]) -> str:
    listed = list(items)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "; ".join(listed[:_SHOWN]) + more
