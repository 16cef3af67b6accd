"""Columns of a foreign table that are taken along as they are, beside those that effects are computed from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthesis.data.columns import Column
from synthesis.data.foreign.cells import (
    DecimalSign,
    Signs,
    Tally,
    is_nothing,
    read_numbers,
    signs_of,
    without_nothing,
)
from synthesis.data.foreign.header import Table, loose
from synthesis.data.own import carried, seem_numbers
from synthesis.data.source import OwnColumn
from synthesis.data.tables import cell_ok
from synthesis.errors import Problem
from synthesis.text import unwritable

CARRY = "--carry"
_SHOWN = 4
# Numbers that are names: 007 is not 7.
_CODE = re.compile(r"0\d+")


@dataclass(frozen=True, slots=True)
class Carried:
    """Columns by the name that each gets, with its kind and the table's head as title; their cells by row as text."""

    columns: Mapping[str, OwnColumn]
    rows: Sequence[Mapping[str, str]]
    notes: tuple[str, ...] = ()


def asked_for(table: Table, words: Sequence[str], columns: Mapping[str, str]) -> tuple[list[str], list[Problem]]:
    """Heads of the columns to carry, and what is wrong with the words that name them.

    A word is a head, or several with commas between; case and punctuation aside where that is no other column.
    `columns`: those that are read, ours by theirs: none of them is carried a second time.
    """
    alike: dict[str, list[str]] = {}
    for head in filter(None, table.header):
        alike.setdefault(loose(head), []).append(head)
    carried: list[str] = []
    problems = []
    for word in words:
        for asked in [word] if loose(word) in alike else word.split(","):
            heads = [asked.strip()] if asked.strip() in table.header else alike.get(loose(asked), [])
            ours = [name for name, theirs in columns.items() if theirs in heads]
            if not asked.strip() or len(set(heads)) != 1:
                heads_of_table = ", ".join(filter(None, table.header))
                problems.append(Problem(CARRY, asked, f"a column of {table.path}: {heads_of_table}"))
            elif table.header.count(heads[0]) > 1:
                hint = "which of them is meant? Give one another name"
                problems.append(
                    Problem(f"{table.path}, row {table.at}", heads[0], "each column that is used once", hint)
                )
            elif ours:
                problems.append(Problem(CARRY, asked, "a column that is not read", f"it is there as {ours[0]}"))
            else:
                carried.append(heads[0])
    return list(dict.fromkeys(carried)), problems


def carry(
    table: Table, heads: Sequence[str], read: Sequence[str], decimal: DecimalSign | None
) -> tuple[Carried, list[Problem]]:
    """The columns with these heads: of numbers where every filled cell is one, in any notation; else of words.

    `decimal`: the sign of decimals where the user says it, else as these columns and those that are `read` have it.
    """
    texts = [text for head in (*heads, *read) for _, text in table.cells(head) if not is_nothing(text)]
    signs, _ = signs_of(texts, table.separator, decimal)
    columns: dict[str, OwnColumn] = {}
    cells: dict[str, list[str]] = {}
    carried_as, odd, problems = [], [], []
    for name, head in carried(heads).items():
        numbers = _as_numbers(table, head, signs)
        cells[name] = [without_nothing(text) for _, text in table.cells(head)] if numbers is None else numbers
        columns[name] = OwnColumn(kind="text" if numbers is None else "number", title=head)
        carried_as.append(f"{head} as {name} ({'words' if numbers is None else 'numbers'})")
        odd += _odd_cells(table, head, signs) if numbers is None else []
        problems += [
            Problem(f"{table.path}, row {number}, column {head}", fault, "text without it", "pasted? Retype it")
            for number, text in [(table.at, head), *table.cells(head)]
            if (fault := unwritable(text))
        ]
    rows = [{name: cells[name][place] for name in cells} for place in range(len(table.rows))]
    return Carried(columns, rows, (f"carried: {', '.join(carried_as)}", *odd) if carried_as else ()), problems


def _odd_cells(table: Table, head: str, signs: Signs) -> list[str]:
    """A line on the few cells for which a column of numbers is carried as words."""
    cells = read_numbers(table.cells(head), signs, of="anything", share=False, tally=Tally())
    odd = [f"{cell.printed!r} (row {cell.row})" for cell in cells if cell.fault]
    numbers = sum(bool(cell.text) and not cell.fault and not _CODE.fullmatch(cell.text) for cell in cells)
    if not odd or not seem_numbers(numbers, len(odd)):
        return []
    shown = ", ".join(odd[:_SHOWN]) + (f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else "")
    return [
        f"{head} is carried as words for {shown}, although its other {numbers} cells are numbers: a factor, no slope"
    ]


def _as_numbers(table: Table, head: str, signs: Signs) -> list[str] | None:
    """The cells as numbers with a point; None for a column that is not of numbers alone, or of numbers as names."""
    cells = read_numbers(table.cells(head), signs, of="anything", share=False, tally=Tally())
    as_number = Column(head, "number", "")
    filled = [cell.text for cell in cells if cell.text]
    sound = not any(cell.fault or _CODE.fullmatch(cell.text) for cell in cells)
    return [cell.text for cell in cells] if filled and sound and all(cell_ok(as_number, t) for t in filled) else None
