"""A table in whatever file it is kept as rows of text, with what was read as what."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from synthesis.errors import InputError, Problem
from synthesis.results.files import read_bytes

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
# Where a header is looked for, and how many rows tell how a file is separated.
FIRST_ROWS = 60
# Files of other programs, by their first bytes.
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook or another file of Microsoft Office",
    b"%PDF": "a PDF",
    b"PAR1": "a parquet file",
    b"\x1f\x8b": "a packed file, or one of R's",
    b"RDX": "a file of R",
    b"$FL": "a file of SPSS",
    b"<stata": "a file of Stata",
    b"{\\rtf": "a text of a word processor",
}
_PACKED = b"PK\x03\x04"
_SAVE = "open it in its program, and save it as .xlsx or as CSV"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file as text, from row 1. `notes`: what it was read as; `separator`: empty for a workbook."""

    lines: list[list[str]]
    notes: tuple[str, ...]
    separator: str = ""


def read_sheet(path: Path, wanted: Collection[str] = (), sheet: str = "") -> Sheet:
    """The cells of a text file with any usual separator and encoding, or of a sheet of an .xlsx workbook.

    `wanted`: names of columns, which tell the separator or the sheet where more than one is possible. Raises
    InputError for a missing or unreadable file, another kind of file, or a sheet that is not there.
    """
    content = read_bytes(path, "a table: CSV or another text, or an .xlsx workbook")
    if content.startswith(_PACKED):
        # Most tables are text: the library is loaded for workbooks only.
        from synthesis.data.foreign.workbook import read_workbook

        lines, notes = read_workbook(path, content, wanted, sheet)
        return Sheet(lines, notes)
    if sheet:
        raise InputError([Problem("--sheet", sheet, "left out: only workbooks have sheets", f"{path} is text")])
    kind = next((kind for start, kind in _OTHER_KINDS.items() if content.startswith(start)), None)
    if kind:
        raise InputError([Problem(str(path), kind, "CSV or another text, or an .xlsx workbook", _SAVE)])
    text, encoding = _decoded(path, content)
    lines, separator = _separated(path, text, wanted)
    notes = (f"separated by {SEPARATORS[separator]}, in {encoding}",)
    return Sheet(lines, notes, separator)


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding: what its first bytes say, else UTF-8, else Windows-1252."""
    encoding = _marked(content)
    try:
        return content.decode(encoding), {"utf-8-sig": "UTF-8", "utf-32": "UTF-32"}.get(encoding, "UTF-16")
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig" or content.startswith(b"\xef\xbb\xbf"):
            raise _no_text(path, error) from None
    # Old Macs ended lines by a carriage return alone, and had letters of their own.
    mac = b"\r" in content and b"\n" not in content
    try:
        text = content.decode("mac_roman" if mac else "cp1252")
    except UnicodeDecodeError as error:
        raise _no_text(path, error) from None
    words = (word for line in text.splitlines() for word in line.split())
    odd = next((word for word in words if not word.isascii()), "")
    return text, f"{'Mac OS Roman' if mac else 'Windows-1252'}, as it is no UTF-8: {odd[:40]!r} should look right"


def _marked(content: bytes) -> str:
    """The encoding that a byte order mark names, or that the zero bytes of Latin letters show; else UTF-8."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = content[:2000]
    if len(start) > 3:
        even, odd = (half.count(0) / len(half) for half in (start[::2], start[1::2]))
        if max(even, odd) > 0.6 and min(even, odd) < 0.1:
            return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def _no_text(path: Path, error: UnicodeDecodeError) -> InputError:
    line = error.object[: error.start].count(b"\n") + 1
    bad = f"byte 0x{error.object[error.start]:02x}"
    hint = "save it as 'CSV UTF-8'"
    return InputError([Problem(f"{path}, line {line}", bad, "text in UTF-8, UTF-16 or Windows-1252", hint)])


def _separated(path: Path, text: str, wanted: Collection[str]) -> tuple[list[list[str]], str]:
    """The rows of a text, and the separator that makes most of the wanted columns, or else a table."""
    first, _, rest = text.partition("\n")
    named = first.strip().strip('"').casefold()
    if named.startswith("sep=") and named[4:5] in SEPARATORS:
        # Excel's own note of the separator; its row is kept, so that rows have the numbers that Excel shows.
        return [[""], *_rows(rest, named[4:5])], named[4:5]
    possible: dict[str, tuple[tuple[int, bool, float, int], list[list[str]]]] = {}
    faults: dict[str, csv.Error] = {}
    for separator in SEPARATORS:
        if separator == " " and any(score[1] for score, _ in possible.values()):
            continue
        try:
            rows = _rows(text, separator)
        except csv.Error as error:
            faults[separator] = error
            continue
        possible[separator] = _score(rows, wanted), rows
    if not possible or (faults and not any(score[1] for score, _ in possible.values())):
        likely = max(faults, key=lambda mark: first.count(mark))
        hint = "a quotation mark is not closed, or stands inside an unquoted cell"
        raise InputError([Problem(str(path), str(faults[likely]), f"cells separated by {SEPARATORS[likely]}", hint)])
    best = max(possible, key=lambda mark: possible[mark][0])
    return possible[best][1], best


def _rows(text: str, separator: str) -> list[list[str]]:
    stream = io.StringIO(text, newline="")
    return list(csv.reader(stream, delimiter=separator, strict=True, skipinitialspace=separator == " "))


def _score(rows: list[list[str]], wanted: Collection[str]) -> tuple[int, bool, float, int]:
    """How well a separator fits: wanted columns in one row, more than one column, rows of one width, columns."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return 0, False, 0.0, 0
    known_names = max(len({cell.strip() for cell in row} & set(wanted)) for row in filled[:FIRST_ROWS])
    width, rows_of_it = max(Counter(map(len, filled)).items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    return known_names, width > 1, rows_of_it / len(filled), width
