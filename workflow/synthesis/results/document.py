"""What every document shares: a type, one way to write it and one way to read it.

A document is a `Document`; its numbers are finite or None, in memory and on disk. A flat one is a row of a CSV table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from synthesis.errors import InputError, Problem
from synthesis.results.files import AGAIN, check_finite, check_whole, read_cells, write_csv, write_json


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all documents. Fields named in `spread` stand one by one on disk, among the document's own."""

    spread: ClassVar[tuple[str, ...]] = ()


D = TypeVar("D", bound=Document)


def _number(value: object) -> float:
    """Numbers of numpy are Python's on disk."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} in a document")


def plain(document: Document) -> dict[str, Any]:
    """A document as it stands on disk, spread fields among its own."""
    content = msgspec.to_builtins(document, enc_hook=_number)
    parts = (value if name in document.spread else {name: value} for name, value in content.items())
    return {name: value for part in parts for name, value in part.items()}


def write_document(path: Path, document: Document) -> None:
    """Writes a document as JSON, all fields at full precision. Raises InputError for NaN and infinity."""
    write_json(path, plain(document))


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Writes a list of documents as JSON."""
    write_json(path, [plain(document) for document in documents])


def read_document(path: Path, kind: type[D]) -> D:
    """Reads a document. Raises InputError for a file that was cut short or is of another kind or version."""
    check_whole(path)
    return decode(path.read_bytes(), kind, str(path))


def read_documents(path: Path, kind: type[D]) -> list[D]:
    """Reads a list of documents; raises as `read_document`."""
    check_whole(path)
    try:
        documents = msgspec.json.decode(path.read_bytes())
        return [_convert(document, kind) for document in documents]
    except msgspec.DecodeError as error:
        raise _unreadable(str(path), kind, error) from None


def decode(text: str | bytes, kind: type[D], where: str) -> D:
    """A document from JSON; `where` names it in errors."""
    try:
        if kind.spread:
            return _convert(msgspec.json.decode(text), kind)
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise _unreadable(where, kind, error) from None


def _convert(content: Any, kind: type[D], *, strict: bool = True) -> D:
    for name in kind.spread:
        fields = _spread_fields(kind, name)
        content[name] = {key: content.pop(key) for key in fields if key in content}
    return msgspec.convert(content, kind, strict=strict)


@cache
def _spread_fields(kind: type[Document], name: str) -> dict[str, bool]:
    """Names of a spread field's own fields, and whether they are text."""
    (field,) = (f for f in msgspec.structs.fields(kind) if f.name == name)
    parts = msgspec.inspect.type_info(field.type).fields  # type: ignore[attr-defined]
    return {part.name: isinstance(part.type, msgspec.inspect.StrType) for part in parts}


def _unreadable(where: str, kind: type[Document], error: Exception) -> InputError:
    allowed = f"a document {kind.__name__} of this version"
    return InputError([Problem(where, str(error), allowed, f"written by another version? {AGAIN}")])


# --- tables -------------------------------------------------------------------------------------------------------


@cache
def _texts(kind: type[Document]) -> dict[str, bool]:
    """The columns of a table of such rows, and whether they are text: an empty cell is then no None."""
    texts: dict[str, bool] = {}
    for field in msgspec.structs.fields(kind):
        spread = field.name in kind.spread
        texts |= _spread_fields(kind, field.name) if spread else {field.name: field.type is str}
    return texts


def columns(kind: type[Document]) -> tuple[str, ...]:
    """The columns of a table of such rows."""
    return tuple(_texts(kind))


def write_rows(path: Path, rows: Iterable[D], kind: type[D]) -> None:
    """Writes rows as CSV, a column for each field. Raises InputError for NaN and infinity."""
    write_csv(path, [plain(row) for row in rows], columns(kind))


def read_rows(path: Path, kind: type[D]) -> list[D]:
    """Reads rows that `write_rows` wrote: text stays text, empty numbers are None.

    Raises InputError for a file that was cut short, and for other columns or cells than the type has.
    """
    header, lines = read_cells(path)
    if tuple(header) != columns(kind):
        raise _other_columns(path, header, kind)
    return _rows(path, lines, kind)


def read_some(path: Path, kind: type[D]) -> list[D]:
    """Reads the columns of a type from a table that may have others, of another version; raises as `read_rows`."""
    header, lines = read_cells(path)
    if not set(columns(kind)) <= set(header):
        raise _other_columns(path, header, kind)
    places = [header.index(name) for name in columns(kind)]
    return _rows(path, [[cells[place] for place in places] for cells in lines], kind)


def _other_columns(path: Path, header: list[str], kind: type[D]) -> InputError:
    allowed = f"the columns of {kind.__name__}: " + ", ".join(columns(kind))
    return InputError([Problem(str(path), ", ".join(header), allowed, AGAIN)])


def _rows(path: Path, lines: list[list[str]], kind: type[D]) -> list[D]:
    texts = _texts(kind)
    rows = []
    for number, cells in enumerate(lines, start=2):
        content = {name: cell if cell or texts[name] else None for name, cell in zip(texts, cells, strict=True)}
        try:
            row = _convert(content, kind, strict=False)
            check_finite(f"{path}, row {number}", plain(row))
        except (msgspec.ValidationError, InputError) as error:
            raise _unreadable(f"{path}, row {number}", kind, error) from None
        rows.append(row)
    return rows
