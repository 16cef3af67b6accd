"""Reading and writing of result files: deterministic bytes, and never a partial file in place of an earlier one."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from synthesis.errors import InputError, Problem


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file beside `path`, then renames it. On an error `path` is left as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        # mkstemp makes files private; results are for everybody the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text with newlines as they stand."""
    replace(path, lambda p: p.write_bytes(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Writes JSON at full precision, keys in the order given. NaN is refused: missing is null."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def broken(path: Path, error: Exception, kind: str) -> InputError:
    """The error for a result that a full disk or a killed machine left in pieces."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError([Problem(str(path), reason, f"{kind} as this workflow writes it", "delete it and run again")])


def read_json(path: Path) -> Any:
    """Reads a JSON file that `write_json` wrote. Raises InputError for one that is not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise broken(path, error, "JSON") from None


def write_csv(path: Path, records: list[dict[str, Any]], columns: Iterable[str] | None = None) -> None:
    """Writes records as CSV: the shortest exact numbers, whole ones without a point, missing ones empty.

    `columns` defaults to the keys of the first record; give it where there may be no record.
    """
    text = io.StringIO()
    names = list(columns if columns is not None else records[0])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(record[name]) for name in names] for record in records)
    write_text(path, text.getvalue())


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Reads a CSV file that `write_csv` wrote: cells that are numbers as float, empty ones as None.

    Raises InputError for one that is not whole: `write_csv` ends every row with a newline.
    """
    try:
        text = path.read_bytes().decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        if not text.endswith("\n") or any(len(row) != len(header) for row in rows):
            raise ValueError("the last row is cut off")
    except (ValueError, csv.Error) as error:
        raise broken(path, error, "CSV") from None
    return [{key: _value(cell) for key, cell in zip(header, row, strict=True)} for row in rows]


def _value(cell: str) -> Any:
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell


def open_parquet(path: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile`. Raises InputError for one that is not whole: its end says what is in it."""
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except ValueError as error:
        raise broken(path, error, "parquet") from None


def write_parquet(path: Path, records: list[dict[str, Any]], types: Mapping[str, type]) -> None:
    """Writes records as parquet with the given column types (str, float); the same records give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), float: pa.float64()}
    arrays = [pa.array([record[name] for record in records], type=kinds[kind]) for name, kind in types.items()]
    table = pa.table(arrays, names=list(types))
    replace(path, lambda p: pq.write_table(table, p, compression="zstd"))
