"""Columns of the user's own: declared in `source.yaml`, read and checked beside those of the data dictionary."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthesis.data.cell_hints import number_hint
from synthesis.data.columns import Column, taken
from synthesis.data.precision import CONFIRM
from synthesis.data.printed import Numbered
from synthesis.data.reading import parse, read_yaml
from synthesis.data.source import LONGEST_NAME, OwnColumn, OwnKind, Source, plain_name
from synthesis.data.tables import is_number
from synthesis.data.terms import Vocabulary
from synthesis.errors import InputError, Problem
from synthesis.results.files import check_inside, read_bytes

ABOUT = "source.yaml"
# From so many numbers on, and at most this share of other cells, a column is one of numbers with slips.
LEAST_NUMBERS, MOST_ODD = 4, 0.25
# What programs write for a missing number; beside so many others, all of them so much smaller, it is no number.
CODES = frozenset([-9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0])
LEAST_OTHERS, FAR = 3, 3.0
# Columns of the data dictionary whose range holds such numbers.
_CODED = ("weeks", "sessions", "mean_age")
_OF_ITS_OWN = re.compile(rb"""(columns|vocabulary)["']?\s*:""")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source has of its own: columns by name, and terms with their definitions by column."""

    columns: Mapping[str, OwnColumn] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=dict)


def declared(folder: Path) -> Declared:
    """What the `source.yaml` of a source declares of its own; nothing where there is no such file.

    Raises InputError for a file that cannot be read or is not sound.
    """
    path = folder / ABOUT
    # Most sources have nothing, and are not read as YAML for that.
    if not path.is_file() or not _OF_ITS_OWN.search(read_bytes(path, "a YAML file")):
        return Declared()
    check_inside(folder.parent, path)
    source = parse(Source, read_yaml(path), str(path))
    return Declared(source.columns, source.vocabulary)


def carried(heads: Iterable[str]) -> dict[str, str]:
    """Names under which columns of a table can be declared as one's own, with their heads there, which become titles.

    A name that has a meaning here or comes twice is told apart: "Year" is own_year, a second "Dose (mg)" dose_mg_2.
    """
    carried_heads: dict[str, str] = {}
    for head in heads:
        plain = plain_name(head)
        plain = f"own_{plain}" if taken(plain) else plain
        numbered = (f"{plain[: LONGEST_NAME - 4]}_{number}" for number in itertools.count(2))
        name = plain if plain not in carried_heads else next(name for name in numbered if name not in carried_heads)
        carried_heads[name] = head
    return carried_heads


def columns_of(declared: Mapping[str, OwnColumn], rows: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The user's columns with their kinds; without a declared one that of the cells: number where all are.

    `rows`: the corrected cells as text. A column without a kind and without a cell is left out: it is empty.
    """
    rows = list(rows)
    columns = []
    for name, column in declared.items():
        kind: OwnKind | None = column.kind
        if kind is None:
            filled = [row[name] for row in rows if row.get(name, "")]
            kind = "number" if filled and all(map(is_number, filled)) else "text" if filled else None
        if kind is not None:
            columns.append(Column(name, kind, column.description))
    return tuple(columns)


def seem_numbers(numbers: int, others: int) -> bool:
    """Whether a column with so many numbers, and so many other cells, is one of numbers with slips."""
    return numbers >= LEAST_NUMBERS and others <= MOST_ODD * (numbers + others)


def mixed(path: Path, declared: Mapping[str, OwnColumn], rows: Iterable[Numbered]) -> list[Problem]:
    """Cells of columns without a declared kind that are no numbers where most of the column are: one would make words
    of them all. `rows`: the corrected cells as text."""
    rows = list(rows)
    problems = []
    for name, column in declared.items():
        filled = [(number, row[name]) for number, row in rows if row.get(name, "")] if column.kind is None else []
        odd = [(number, text) for number, text in filled if not is_number(text)]
        numbers = len(filled) - len(odd)
        if not odd or not seem_numbers(numbers, len(odd)):
            continue
        others = f"a number, or empty, as in the {numbers} others of the column"
        for number, text in odd:
            hint = f"{number_hint(Column(name, 'number', ''), text)}: with it all {len(filled)} would be read as words"
            allowed = f"{others}; or kind: text in {ABOUT}, columns.{name}"
            problems.append(Problem(f"{path}, row {number}, column {name}", text, allowed, hint))
    return problems


def codes(path: Path, columns: Iterable[Column], rows: Iterable[Numbered]) -> list[Problem]:
    """Numbers that stand for a missing value, which no other of their column comes near to. `rows` are typed."""
    rows = list(rows)
    problems = []
    own = [column.name for column in columns if column.kind == "number"]
    for name in (*own, *_CODED):
        filled = [
            (n, row, v) for n, row in rows if (v := row["own"].get(name) if name in own else row[name]) is not None
        ]
        others = [value for _, _, value in filled if value not in CODES]
        if len(others) < LEAST_OTHERS:
            continue
        low, high = min(others), max(map(abs, others))
        for number, row, value in filled:
            far = value in CODES and (low >= 0 if value < 0 else value >= FAR * high)
            if far and not row["checked"] and not row["exclusion_reason"]:
                allowed = f"an empty cell, or a number like the {len(others)} others: {low:g} to {max(others):g}"
                hint = f"a code for a missing value? Empty the cell; {CONFIRM}"
                problems.append(Problem(f"{path}, row {number}, column {name}", f"{value:g}", allowed, hint))
    return problems


def common(sources: Mapping[str, Mapping[str, str]], raw: Path) -> dict[str, str]:
    """The kind of each column over all sources. Raises InputError for one that is of two kinds."""
    first: dict[str, tuple[str, str]] = {}
    problems = []
    for source, kinds in sources.items():
        for name, kind in kinds.items():
            known, where = first.setdefault(name, (kind, source))
            if known != kind:
                place = f"{raw / source / ABOUT}, key columns.{name}"
                hint = "declare its kind in both: text, where it is the same column; or give it another name"
                problems.append(Problem(place, kind, f"{known}, as in source {where}", hint))
    if problems:
        raise InputError(problems)
    return {name: kind for name, (kind, _) in first.items()}


def as_columns(kinds: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns of these kinds, by name."""
    return tuple(Column(name, "number" if kind == "number" else "text", "") for name, kind in kinds.items())
