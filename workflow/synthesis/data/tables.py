"""Reads and checks raw tables. Every problem of a file is reported at once."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from synthesis.data import vocabulary as v
from synthesis.data.arms import faults as control_faults
from synthesis.data.arms import spelling_faults
from synthesis.data.cell_hints import number_hint
from synthesis.data.columns import (
    BY_NAME,
    CORRECTION_COLUMNS,
    EFFECT_COLUMNS,
    LARGEST_COUNT,
    NUMERIC_KINDS,
    RESULT_COLUMNS,
    SECOND_COLUMNS,
    Column,
)
from synthesis.data.contradictions import check_contradictions
from synthesis.data.days import is_day
from synthesis.data.plausible import check_plausible, size_faults
from synthesis.data.precision import RATIOS, check_precision
from synthesis.data.printed import SIZES, UNSIGNED_NAME, Cells, Numbered, Row, printed_p
from synthesis.errors import InputError, Problem
from synthesis.meta.options import terms
from synthesis.results.files import read_bytes, unmarked
from synthesis.text import unwritable

# Counts with decimals, of cluster trials, are rounded.
TOTAL_SLACK = 0.005
_ABOVE_0 = ("f", "f_ancova", "f2", "chi2", *RATIOS)

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COUNT = re.compile(r"\d{1,10}", re.ASCII)
_ID = re.compile(r"[\w.\-]+")
# Files of other programs, by their first bytes.
_OTHER_KINDS = {
    b"PK\x03\x04": "an Excel workbook or another packed file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"PAR1": "a parquet file",
    b"\x1f\x8b": "a packed file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
# Known constructs that are no treatment: nobody is assigned to them.
_RATED = frozenset(terms(v.Construct)) - {"protocol"}
_NUMERIC = {name: column.kind in NUMERIC_KINDS for name, column in BY_NAME.items()}
# Words for nothing: as a name they would make one of all that have none.
NO_NAME = frozenset([
    "", "-", "--", "\N{EN DASH}", "\N{EM DASH}", ".", "?", "na", "n/a", "n.a.", "#n/a", "#nv", "<na>", "nan", "none",
    "null", "nil", "missing", "unknown", "not available", "not reported", "#ref!", "#value!", "#name?",
])  # fmt: skip
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


def read_table(path: Path, columns: Iterable[Column]) -> list[Numbered]:
    """Reads a CSV file as text, as (row number, cells by column); the header is row 1, blank rows are skipped.

    UTF-8 with or without a byte order mark, any line ending. Raises InputError for an empty file, another
    encoding, another separator, unknown, repeated or missing columns, and rows of the wrong length.
    """
    by_name = {c.name: c for c in columns}
    required = [c.name for c in by_name.values() if c.required]
    lines = csv_lines(path)
    if not lines or not any(lines[0]):
        raise InputError([Problem(str(path), "empty file", f"a header with {', '.join(required)}")])
    header = lines[0]
    if len(header) == 1 and max(header[0].count(";"), header[0].count("\t")) > 0:
        hint = "the file is separated by semicolons or tabs; save it as comma-separated"
        problem = Problem(f"{path}, row 1", header[0], "columns separated by commas", hint)
        raise InputError([problem])
    problems = _header_problems(path, header, by_name, required)
    if problems:
        raise InputError(problems)
    rows = []
    problems += unwritable_cells(path, lines)
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            hint = "a comma in a cell that is not in quotation marks?"
            allowed = f"{len(header)} cells as in the header"
            problems.append(Problem(f"{path}, row {number}", f"{len(cells)} cells", allowed, hint))
            continue
        rows.append((number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if problems:
        raise InputError(problems)
    return rows


def csv_lines(path: Path) -> list[list[str]]:
    """The cells of a comma-separated file.

    Raises InputError for a missing or unreadable file, another encoding or kind, or broken quotes.
    """
    content = read_bytes(path, "a CSV file")
    kind = next((kind for start, kind in _OTHER_KINDS.items() if content.startswith(start)), None)
    if kind:
        hint = "its name does not make it one: open it, and save it as 'CSV UTF-8'"
        raise InputError([Problem(str(path), kind, "a CSV file", hint)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        bad = f"byte 0x{error.object[error.start]:02x}"
        hint = "save it as 'CSV UTF-8'; Excel's plain 'CSV' writes another encoding"
        raise InputError([Problem(f"{path}, line {line}", bad, "UTF-8 text", hint)]) from None
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        hint = "a quotation mark is not closed, or stands inside an unquoted cell"
        first = text.splitlines()[0]
        if max(first.count(";"), first.count("\t")) > first.count(","):
            hint = "the file is separated by semicolons or tabs; save it as comma-separated"
        raise InputError([Problem(str(path), str(error), "well-formed CSV", hint)]) from None


def unwritable_cells(path: Path, lines: list[list[str]]) -> list[Problem]:
    """Cells with a character that no figure or page can hold; the header is row 1."""
    problems: list[Problem] = []
    if not unwritable("".join(chain.from_iterable(lines))):
        return problems
    for number, cells in enumerate(lines, start=1):
        for place, cell in enumerate(cells):
            fault = unwritable(cell)
            if fault:
                name = lines[0][place] if place < len(lines[0]) and number > 1 else str(place + 1)
                where = f"{path}, row {number}, column {name}"
                problems.append(Problem(where, fault, "text without it", "pasted from a PDF or a terminal? Retype it"))
    return problems


def _header_problems(path: Path, header: list[str], by_name: dict[str, Column], required: list[str]) -> list[Problem]:
    problems = []
    misspelt = set()
    for name in header:
        if name not in by_name:
            close = difflib.get_close_matches(name, by_name, n=1)
            misspelt.update(close)
            declare = "remove it, or declare it under columns in source.yaml"
            hint = f"did you mean {close[0]}?" if close else declare
            if close and not difflib.get_close_matches(name, close, cutoff=0.8):
                hint += f" Otherwise {declare}"
            where = f"{path}, row 1"
            problems.append(Problem(where, name, "a column of data/raw/README.md", hint))
    for name in sorted({n for n in header if header.count(n) > 1}):
        problems.append(Problem(f"{path}, row 1", name, "each column once"))
    for name in required:
        if name not in header and name not in misspelt:
            problems.append(Problem(f"{path}, row 1", f"no column {name}", f"a column {name}"))
    return problems


def cell_ok(column: Column, text: str) -> bool:
    """Whether `text` may stand in a cell of `column`."""
    if text == "":
        return not column.required
    match column.kind:
        case "choice" | "sign" if not column.open:
            return text in column.allowed
        case "count":
            return bool(_COUNT.fullmatch(text)) and (column.low or 0) <= int(text) <= (column.high or LARGEST_COUNT)
        case "number":
            return bool(_NUMBER.fullmatch(text)) and column.holds(float(text))
        case "p":
            return printed_p(text) is not None
        case "id":
            return bool(_ID.fullmatch(text))
        case "url":
            return text.startswith(("http://", "https://")) and not any(c.isspace() for c in text)
        case "date":
            return is_day(text)
    return not text.startswith(_FORMULA_START) or bool(_NUMBER.fullmatch(text))


def _hint(column: Column, text: str) -> str:
    if text == "":
        return "the cell is empty"
    if text.startswith(("=", "@")) or (column.kind == "text" and text.startswith(_FORMULA_START)):
        return "the cell starts like a spreadsheet formula; begin it with a word"
    if column.kind in NUMERIC_KINDS:
        return number_hint(column, text)
    if column.kind == "date":
        return "year, month and day, with hyphens; a day of the calendar"
    if column.kind == "choice":
        close = difflib.get_close_matches(text.lower(), column.allowed, n=1, cutoff=0.5)
        if close:
            return f"did you mean {close[0]}?"
    return ""


def check_cells(path: Path, rows: list[Numbered], columns: Iterable[Column]) -> list[Problem]:
    """Checks each cell against its column; returns all problems, row by row."""
    by_name = {c.name: c for c in columns}
    problems = []
    # Most cells hold what one above them holds.
    sound: dict[str, set[str]] = {name: set() for name in by_name}
    for number, row in rows:
        for name, text in row.items():
            if name not in SIZES and text in sound[name]:
                continue
            column = by_name[name]
            if name in SIZES and row.get("design_effect") and _NUMBER.fullmatch(text):
                # An effective size of a cluster trial may have decimals.
                column = replace(column, kind="number")
            if not cell_ok(column, text):
                where = f"{path}, row {number}, column {name}"
                problems.append(Problem(where, text, column.allowed_text, _hint(column, text)))
            else:
                sound[name].add(text)
    return problems


def check_second(path: Path, rows: list[Numbered]) -> list[Problem]:
    """Second readings have a coder, who is not the first one. `rows` are text."""
    problems = []
    for number, row in rows:
        second = row.get("second_coder", "")
        where = f"{path}, row {number}, column second_coder"
        filled = [column.name for column in SECOND_COLUMNS if row.get(column.name, "")]
        if filled and not second:
            problems.append(Problem(where, "", f"who read {', '.join(filled)}", "a cell is empty"))
        if second and not row.get("coder", ""):
            hint = "without the first coder's name nobody can see that the two differ"
            problems.append(Problem(f"{path}, row {number}, column coder", "", "who read the row first", hint))
        if second and second.casefold() == row.get("coder", "").casefold():
            allowed = "somebody else than coder"
            problems.append(Problem(where, second, allowed, "a second extraction is independent of the first"))
    return problems


def _own_cell(column: Column, text: str) -> str | float | None:
    if text == "":
        return None
    return float(text) if column.kind == "number" else unmarked(text)


def typed(row: Mapping[str, str], declared: Iterable[Column] = ()) -> Cells:
    """A checked row with every column of the model: numbers as float (missing: None), everything else as text.

    `declared`: the user's columns, which stand under `own`; what is missing there is None whatever its kind.
    """
    cells = {c: row.get(c.name, "") for c in declared}
    record: Cells = {"own": {c.name: _own_cell(c, text) for c, text in cells.items()}}
    for name, numeric in _NUMERIC.items():
        text = row.get(name)
        record[name] = (float(text) if numeric else unmarked(text)) if text else (None if numeric else "")
    return record


def is_number(text: str) -> bool:
    """Whether a cell is a number as the tables write it."""
    return _NUMBER.fullmatch(text) is not None


def check_rows(path: Path, rows: list[Numbered]) -> list[Problem]:
    """Checks that relate cells of a row, or rows of a source, to each other. `rows` are typed."""
    problems: list[Problem] = []
    for number, row in rows:
        for column, value, allowed, hint in _row_faults(row):
            problems.append(Problem(f"{path}, row {number}, column {column}", value, allowed, hint))
    for number, column, value, allowed, hint in (*control_faults(rows), *spelling_faults(rows)):
        problems.append(Problem(f"{path}, row {number}, column {column}", value, allowed, hint))
    problems += size_faults(path, rows)
    problems += _duplicate_ids(path, rows)
    problems += _sample_faults(path, rows)
    problems += _sign_faults(path, rows)
    problems += check_precision(path, rows)
    problems += check_plausible(path, rows)
    problems += check_contradictions(path, rows)
    return problems


def has_number(row: Row) -> bool:
    """Whether the row holds a result (a gap row does not)."""
    return any(row[name] is not None for name in RESULT_COLUMNS) or row["p"] != ""


def _row_faults(row: Row) -> Iterable[tuple[str, str, str, str]]:
    """Faults of one row as (column, value, allowed, hint)."""

    def printed(*names: str) -> bool:
        return all(row[name] is not None for name in names)

    result = any(row[name] is not None for name in RESULT_COLUMNS)
    value, statistic = row["value"], row["statistic"]
    if row["level"] == "study" and row["sample_id"].strip().casefold() in NO_NAME:
        word = "; a word for nothing would make one sample of all that have it" if row["sample_id"] else ""
        yield "sample_id", row["sample_id"], "the sample of a study row", f"rows of one sample share it{word}"
    if row["lab"] and row["lab"].strip().casefold() in NO_NAME:
        yield "lab", row["lab"], "the research group, or empty", "studies of one lab are dependent"
    if result and row["quote"] == "":
        yield "quote", "", "a short verbatim quote", "a number without a quote cannot be checked"
    if not result and row["quote"] == "" and row["note"] == "":
        yield "note", "", "a quote, or a note that says why the row is empty", ""
    if result and statistic == "":
        yield "statistic", "", "the statistic that the number is", ""
    if row["estimand"] == "d_between" and row["construct"] in _RATED:
        yield "estimand", "d_between", "d_between only with construct protocol, or one of your own", ""
    if row["checked"] and not row["checked_reason"]:
        yield "checked_reason", "", "where the number was checked, and why it is right", "required with checked: yes"
    if row["checked_reason"] and not row["checked"]:
        yield "checked", "", "yes where checked_reason is filled", ""
    if statistic in {"r", "r2"} and printed("value"):
        low = 0.0 if statistic == "r2" else -1.0
        if not low <= value < 1 or value == -1:
            allowed = "at least 0 and below 1" if statistic == "r2" else "between -1 and 1"
            yield "value", f"{value:g}", allowed, "a percentage, or a misplaced decimal point?"
    if statistic in _ABOVE_0 and printed("value") and value < 0:
        hint = f"a logarithm? Then the statistic is log_{statistic}" if statistic in RATIOS else ""
        yield "value", f"{value:g}", "at least 0", hint
    if printed("ci_low", "ci_high"):
        if row["ci_low"] > row["ci_high"]:
            yield "ci_low", f"{row['ci_low']:g}", f"at most ci_high {row['ci_high']:g}", "swapped?"
        elif printed("value") and not row["ci_low"] <= value <= row["ci_high"]:
            interval = f"inside [{row['ci_low']:g}, {row['ci_high']:g}]"
            yield "value", f"{value:g}", interval, "a sign lost, or limits of another row?"
    for arm in ("treat", "control"):
        if printed(f"events_{arm}", f"nonevents_{arm}", f"total_{arm}"):
            whole = row[f"events_{arm}"] + row[f"nonevents_{arm}"]
            if abs(row[f"total_{arm}"] - whole) > TOTAL_SLACK * whole:
                allowed = f"{whole:g}, the events and nonevents of the arm"
                yield f"total_{arm}", f"{row[f'total_{arm}']:g}", allowed, "another arm's, or people without a count?"
        if printed(f"events_{arm}", f"total_{arm}") and row[f"events_{arm}"] > row[f"total_{arm}"]:
            total = f"at most total_{arm} {row[f'total_{arm}']:g}"
            yield f"events_{arm}", f"{row[f'events_{arm}']:g}", total, "swapped?"


def _duplicate_ids(path: Path, rows: list[Numbered]) -> list[Problem]:
    problems = []
    seen: dict[str, int] = {}
    for number, row in rows:
        first = seen.setdefault(row["effect_id"], number)
        if first != number:
            where = f"{path}, row {number}, column effect_id"
            allowed = f"a name not used before (row {first} has it)"
            problems.append(Problem(where, row["effect_id"], allowed, "a row pasted twice?"))
    return problems


def _sample_faults(path: Path, rows: list[Numbered]) -> list[Problem]:
    """A sample has one spelling, and its disorder may be narrowed but not changed."""
    problems = []
    spelled: dict[str, str] = {}
    disorders: dict[str, str] = {}
    for number, row in rows:
        name = row["sample_id"]
        if name == "":
            continue
        where = f"{path}, row {number}, column sample_id"
        first = spelled.setdefault(re.sub(r"[\W_]", "", name).casefold(), name)
        if first != name:
            problems.append(Problem(where, name, f"one spelling per sample; {first} is used above", "a slip?"))
        if row["level"] != "study" or row["disorder"] == "":
            continue
        disorder = disorders.setdefault(name, row["disorder"])
        if disorder not in row["disorder"] and row["disorder"] not in disorder:
            where = f"{path}, row {number}, column disorder"
            problems.append(
                Problem(
                    where,
                    row["disorder"],
                    f"{disorder}, as in the other rows of sample {name}",
                    "one sample_id for two samples?",
                )
            )
    return problems


def _sign_faults(path: Path, rows: list[Numbered]) -> list[Problem]:
    """One sign convention: a number that can be pooled has a direction, and a named outcome has one."""
    problems = []
    directions: dict[tuple[str, str], tuple[float, int]] = {}
    for number, row in rows:
        poolable = row["estimand"] not in {"descriptive", "interaction"} and (row["level"] == "study")
        result = any(row[name] is not None for name in RESULT_COLUMNS)
        where = f"{path}, row {number}, column direction"
        if poolable and result and row["direction"] is None:
            allowed = "1 or -1 where a study row has a number"
            hint = "1 when a larger value is better for the patient"
            problems.append(Problem(where, "", allowed, hint))
        if row["sign"] is not None and row["statistic"] not in UNSIGNED_NAME:
            allowed = f"empty for {row['statistic'] or 'a row without a statistic'}; it stands for those without a sign"
            hint = f"{', '.join(UNSIGNED_NAME)}; the sign of every other statistic is that of its number"
            where_sign = f"{path}, row {number}, column sign"
            problems.append(Problem(where_sign, f"{row['sign']:g}", allowed, hint))
        named = row["outcome"] and row["direction"] is not None and not row["checked"]
        if named and row["statistic"] in {"mean_sd", "change_sd"}:
            key = (row["statistic"], row["outcome"].casefold())
            direction, first = directions.setdefault(key, (row["direction"], number))
            if direction != row["direction"]:
                allowed = f"{direction:g}, as in row {first}, for outcome {row['outcome']}"
                hint = "a sign slip? Two scales of one name: name them apart in outcome; or confirm with checked"
                problems.append(Problem(where, f"{row['direction']:g}", allowed, hint))
    return problems


def read_corrections(path: Path, declared: Callable[[], Iterable[str]] = tuple) -> list[Numbered]:
    """Reads `corrections.csv` as text; `declared` names the users' columns, asked where the dictionary lacks one.

    Raises InputError with every problem of the file.
    """
    rows = read_table(path, CORRECTION_COLUMNS)
    columns = {c.name: c for c in CORRECTION_COLUMNS}
    if any(row.get("field", "") not in columns["field"].allowed for _, row in rows):
        field = columns["field"]
        columns["field"] = dataclasses.replace(field, allowed=(*field.allowed, *declared()))
    problems = check_cells(path, rows, columns.values())
    # An empty cell says that there is nothing; a column that is missing says nothing.
    problems += [
        Problem(f"{path}, row 1", f"no column {name}", f"a column {name}")
        for name in ("old", "new")
        if rows and name not in rows[0][1]
    ]
    if problems:
        raise InputError(problems)
    return rows


def check_effects(effects: Sequence[Row], declared: Iterable[Column] = ()) -> None:
    """Raises InputError where `effects` break the contract of `effects.parquet`: each cell fits its column, those of
    users (`declared`) among them, and an effect of a study has a variance; an effect stands once per metric.
    """
    problems = []
    columns = (*EFFECT_COLUMNS, *declared)
    names = tuple(column.name for column in columns)
    seen = set()
    for row in effects:
        where = f"effects.parquet, effect {row.get('effect_id')}"
        if tuple(row) != names:
            odd = sorted(set(row) ^ set(names))
            problems.append(Problem(where, f"columns {', '.join(odd)}", "the columns of an effect, in their order"))
            continue
        for column in columns:
            value = row[column.name]
            if value is None and column.name not in EFFECT_NAMES:
                continue
            if not _value_ok(column, value):
                problems.append(Problem(f"{where}, column {column.name}", str(value), column.allowed_text))
        if _missing(row["vi"]) and row["level"] != "summary":
            problems.append(Problem(f"{where}, column vi", "none", "a variance, for every effect of a study"))
        key = row["effect_id"], row["metric"]
        if key in seen:
            problems.append(Problem(f"{where}, column effect_id", key[0], f"once in metric {key[1]}", "a row twice?"))
        seen.add(key)
    if problems:
        raise InputError(problems)


EFFECT_NAMES = frozenset(column.name for column in EFFECT_COLUMNS)


def _missing(value: object) -> bool:
    return value is None or value != value


def _value_ok(column: Column, value: object) -> bool:
    """As `cell_ok`, of a value in memory: text as it stands, numbers as float."""
    if column.kind not in NUMERIC_KINDS:
        # A name may begin like a formula: what is written as CSV marks it.
        return isinstance(value, str) and (cell_ok(column, value) or unmarked(f"'{value}") != f"'{value}")
    if _missing(value):
        return not column.required
    if not isinstance(value, float) or not column.holds(value):
        return False
    match column.kind:
        case "sign":
            return value in map(float, column.allowed)
        case "count":
            # Sizes of cluster trials may have decimals, which was checked with their row.
            return (value.is_integer() or column.name in SIZES) and value <= LARGEST_COUNT
    return True
