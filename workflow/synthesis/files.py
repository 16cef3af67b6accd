"""Reading and writing of result files: deterministic bytes, and never a partial file in place of an earlier one."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


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


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Writes a table with the shortest exact numbers, whole numbers without a point, and empty for missing."""
    text = table.copy()
    for name in text.columns:
        if text[name].dtype == "float64":
            text[name] = [_number(value) for value in text[name]]
    write_text(path, text.to_csv(index=False, lineterminator="\n"))


def write_records(path: Path, records: list[dict[str, Any]]) -> None:
    """Writes records with the same keys as CSV; None is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(path, text.getvalue())


def _number(value: float) -> str:
    if value != value:
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as parquet; the same table gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    replace(path, lambda p: pq.write_table(arrow, p, compression="zstd"))


def read_parquet(paths: list[Path]) -> pd.DataFrame:
    """Reads parquet files of one schema into one table."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.concat_tables([pq.read_table(p, partitioning=None) for p in paths])
    table: pd.DataFrame = arrow.to_pandas()
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = table[name].astype("str")
    return table
