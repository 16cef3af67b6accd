"""A sheet of an .xlsx workbook as rows of text, as a person sees them: values of formulas, merged cells in full."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import openpyxl

from synthesis.errors import InputError, Problem

# A workbook that unpacks to more was made to exhaust the machine.
_LARGEST = 300_000_000
_MANY_CELLS = 5_000_000
_SHOWN = 6
_LIKE_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}\.\d{3}", re.ASCII)


def read_workbook(
    path: Path, content: bytes, wanted: Collection[str], name: str
) -> tuple[list[list[str]], tuple[str, ...]]:
    """The rows of a sheet, and what was read as what.

    The sheet is the one named, or else the only visible one with cells, or else the only one that has the wanted
    columns. Raises InputError for another kind of file, several possible sheets, and one that is not there.
    """
    values, formulas = _opened(path, content)
    sheet, chosen = _chosen(path, values, wanted, name)
    if sheet.max_row * sheet.max_column > _MANY_CELLS:
        size = f"{sheet.max_row} rows and {sheet.max_column} columns"
        raise InputError([Problem(f"{path}, sheet {sheet.title}", size, "a table", "delete the empty rows below it")])
    lines = [[_text(cell.value) for cell in row] for row in sheet.iter_rows(min_row=1, min_col=1)]
    notes = [f"sheet {sheet.title!r}", *chosen]
    without = _valueless(lines, formulas[sheet.title])
    if without:
        notes.append(f"{len(without)} formulas without a stored value ({_some(without)}): open and save it in Excel")
    merged = _merged(lines, sheet)
    if merged:
        notes.append(f"merged cells hold their value in each of their rows: {_some(merged)}")
    notes += _hidden(sheet)
    return lines, tuple(notes)


def _opened(path: Path, content: bytes) -> tuple[Any, Any]:
    allowed = "CSV or another text, or an .xlsx workbook"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = set(packed.namelist())
            if sum(part.file_size for part in packed.infolist()) > _LARGEST:
                raise InputError([Problem(str(path), "a packed file that unpacks to over 300 MB", "a table")])
        if "xl/workbook.xml" not in names:
            kind = "an OpenDocument sheet" if "content.xml" in names else "a packed file"
            hint = "open it in its program, and save it as .xlsx or as CSV"
            raise InputError([Problem(str(path), kind, allowed, hint)])
        return (
            openpyxl.load_workbook(io.BytesIO(content), data_only=True),
            openpyxl.load_workbook(io.BytesIO(content), data_only=False),
        )
    except InputError:
        raise
    # The library has no error of its own for a damaged file: what stops it is what its parts raise.
    except Exception as error:
        fault = f"a damaged workbook ({type(error).__name__})"
        raise InputError([Problem(str(path), fault, allowed, "open it in Excel, and save it again")]) from None


def _chosen(path: Path, book: Any, wanted: Collection[str], name: str) -> tuple[Any, list[str]]:
    by_name = {sheet.title: sheet for sheet in book.worksheets}
    if name:
        if name not in by_name:
            raise InputError([Problem("--sheet", name, f"a sheet of {path}: {', '.join(by_name)}")])
        return by_name[name], []
    filled = [sheet for sheet in by_name.values() if _has_cells(sheet)]
    visible = [sheet for sheet in filled if sheet.sheet_state == "visible"]
    possible = [sheet for sheet in visible if _has_columns(sheet, wanted)] if len(visible) > 1 else visible
    if len(possible) == 1:
        others = [sheet.title for sheet in filled if sheet is not possible[0]]
        return possible[0], [f"other sheets not read: {', '.join(others)}"] if others else []
    if not visible:
        raise InputError([Problem(str(path), "no rows below a header", "at least one row", "no visible sheet has any")])
    allowed = "--sheet with one of " + ", ".join(sheet.title for sheet in possible or visible)
    raise InputError([Problem(str(path), f"{len(visible)} sheets", allowed, "which of them holds the table?")])


def _has_cells(sheet: Any) -> bool:
    return any(cell.value not in (None, "") for row in sheet.iter_rows() for cell in row)


def _has_columns(sheet: Any, wanted: Collection[str]) -> bool:
    """Whether a row near the top has every wanted name."""
    rows = sheet.iter_rows(max_row=60, values_only=True)
    return bool(wanted) and any({str(cell).strip() for cell in row if cell is not None} >= set(wanted) for row in rows)


def _text(value: object) -> str:
    """A cell as it would stand in a text file: whole numbers without a point, dates as dates."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        # With a zero more 1.234 is no thousand, as it might be in a cell of text.
        return repr(value) + ("0" if _LIKE_THOUSANDS.fullmatch(repr(value)) else "")
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    return str(value)


def _valueless(lines: list[list[str]], sheet: Any) -> list[str]:
    """Formulas whose value the file does not hold are put into `lines` as they are; their places."""
    places = []
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f" and not lines[cell.row - 1][cell.column - 1]:
                lines[cell.row - 1][cell.column - 1] = str(cell.value)
                places.append(cell.coordinate)
    return places


def _merged(lines: list[list[str]], sheet: Any) -> list[str]:
    """Fills merged cells down their rows; those that lie across columns keep their value in the first. Their places."""
    places = []
    for area in sorted(sheet.merged_cells.ranges, key=lambda merged: (merged.min_row, merged.min_col)):
        value = lines[area.min_row - 1][area.min_col - 1]
        if area.max_row > area.min_row and area.min_col == area.max_col and value:
            for row in range(area.min_row, area.max_row):
                lines[row][area.min_col - 1] = value
            places.append(area.coord)
    return places


def _hidden(sheet: Any) -> list[str]:
    rows = [str(number) for number, row in sheet.row_dimensions.items() if row.hidden]
    columns = [letter for letter, column in sheet.column_dimensions.items() if column.hidden]
    notes = [f"hidden rows are read as well: {_some(rows)}"] if rows else []
    return notes + ([f"hidden columns are read as well: {_some(columns)}"] if columns else [])


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
