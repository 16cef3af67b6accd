"""The search before extraction: data/raw/search.csv, one row for each line of a box of the PRISMA 2020 flow.

Boxes and what leaves each: Page et al. (2021), BMJ 372:n71, figure 1. No number is filled in: where a box has none, it
is not drawn, and what takes it is not checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from synthesis.data.columns import SEARCH_COLUMNS
from synthesis.data.tables import check_cells, read_table
from synthesis.data.vocabulary import SearchStep
from synthesis.errors import InputError, Problem
from synthesis.results.files import check_inside

SEARCH = "search.csv"
# Boxes with one number; the others have a row for each database or reason.
ONCE: tuple[SearchStep, ...] = ("screened", "sought", "assessed", "included_studies", "included_reports")
_NAMED: tuple[SearchStep, ...] = ("identified", "ineligible")
REMOVED: tuple[SearchStep, ...] = ("duplicates", "automation", "other_removed")
# What a box holds: the one before it less what left there.
_FOLLOWS: dict[SearchStep, tuple[SearchStep, tuple[SearchStep, ...]]] = {
    "screened": ("identified", REMOVED),
    "sought": ("screened", ("excluded",)),
    "assessed": ("sought", ("not_retrieved",)),
    "included_reports": ("assessed", ("ineligible",)),
}


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A row of the table: `records` that are in a box, or left there, and of which database or for which reason."""

    step: SearchStep
    what: str
    records: int


def total(rows: Sequence[SearchRow], *steps: SearchStep) -> int | None:
    """How many records the rows of these steps hold; None where there is no such row."""
    counts = [row.records for row in rows if row.step in steps]
    return sum(counts) if counts else None


def find_search(raw: Path) -> list[SearchRow]:
    """The search of a folder of sources; none where it has no such table. Raises InputError as `read_search`."""
    path = raw / SEARCH
    if not path.exists():
        return []
    check_inside(raw, path)
    return read_search(path)


def read_search(path: Path) -> list[SearchRow]:
    """The rows in their order.

    Raises InputError for bad cells, a repeated row, a box that has two numbers, and numbers that do not follow from
    each other.
    """
    rows = read_table(path, SEARCH_COLUMNS)
    problems = check_cells(path, rows, SEARCH_COLUMNS)
    if problems:
        raise InputError(problems)
    steps: dict[str, SearchStep] = {step: step for step in get_args(SearchStep)}
    search_rows = [SearchRow(steps[row["step"]], row.get("what", ""), int(row["records"])) for _, row in rows]
    seen: Counter[tuple[str, str]] = Counter()
    for (line, _), row in zip(rows, search_rows, strict=True):
        where = f"{path}, row {line}, column"
        key = (row.step, "" if row.step in ONCE else row.what.casefold())
        if seen[key]:
            allowed = "each step once" if row.step in ONCE else "each step and what once"
            problems.append(Problem(f"{where} step", f"{row.step} {row.what}".strip(), allowed, "pasted twice?"))
        if row.step in _NAMED and not row.what:
            allowed = "a database or register" if row.step == "identified" else "a reason"
            problems.append(Problem(f"{where} what", "", allowed, "the cell is empty"))
        seen[key] += 1
    problems = problems or list(_contradictions(path, search_rows))
    if problems:
        raise InputError(problems)
    return search_rows


def _contradictions(path: Path, rows: Sequence[SearchRow]) -> Iterator[Problem]:
    """Boxes that do not hold what the one before them leaves."""
    for step, (before, left) in _FOLLOWS.items():
        records, came, gone = total(rows, step), total(rows, before), total(rows, *left)
        if records is None or came is None:
            continue
        expected = came - (gone or 0)
        if records != expected:
            names = " and ".join(left)
            shown = f"{records} {step}"
            hint = f"a row of {names} is missing, or a slip of the keyboard?"
            allowed = f"{expected}: {came} {before} less {gone or 0} of {names}"
            yield Problem(f"{path}, step {step}", shown, allowed, hint)
