"""The numbers of finished results, file by file: to compare with stored ones, and to see whether any changed."""

from __future__ import annotations

import csv
import html
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

STORED = Path(__file__).parent / "complete" / "tables.json"
PAGES = Path(__file__).parent / "complete" / "pages.json"
# No part of a name such as p01 or of a digest.
_NUMBER = re.compile(r"(?<![\w.])[-\N{MINUS SIGN}]?(?:\d+\.\d+|\d+|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_VERSION = re.compile(r"\b\d+\.\d+\.\d+\b")
# Not the digits of a fraction, of which a number in full has as many.
_DIGEST = re.compile(r"(?<![\w.])[0-9a-f]{16,64}\b")
_TEXTS = frozenset({".csv", ".json", ".html", ".md", ".R", ".svg", ".jsonl"})
# What people read, or take on, of the results: all but the tables, and what the tables are made of.
_READ = (
    "*.html",
    "manuscript/*.md",
    "manuscript/tables/*.csv",
    "figures/data/*.csv",
    "drawn/*.csv",
    "model_cards/*.json",
    "r/*",
)
# Of a page its words: how a figure is drawn, or a page is set, is no number of a result.
_NO_WORDS = re.compile(r"<(svg|style|script)\b.*?</\1>|<[^>]*>", re.DOTALL)
# But for what its cards say.
_CARDS = re.compile(r'<script type="application/json"[^>]*>(.*?)</script>', re.DOTALL)


def numbers(results: Path) -> dict[str, list[float]]:
    """All numbers of each text file and of each multiverse's table, in their order; digests are none."""
    return {path.relative_to(results).as_posix(): _numbers_of(path) for path in _counted(results)}


def changed(before: Path, after: Path) -> dict[str, tuple[list[float], list[float]]]:
    """The same of the files that are not the same in two folders of results."""
    names = {path.relative_to(folder) for folder in (before, after) for path in _counted(folder)}
    differing = [name for name in names if _content(before / name) != _content(after / name)]
    return {name.as_posix(): (_numbers_of(before / name), _numbers_of(after / name)) for name in differing}


def _counted(results: Path) -> list[Path]:
    kept = (path for path in sorted(results.rglob("*")) if path.suffix in {*_TEXTS, ".parquet"})
    return [path for path in kept if path.relative_to(results).parts[0] not in {"logs", "benchmarks"}]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _numbers_of(path: Path) -> list[float]:
    if not path.is_file():
        return []
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return _numbers(json.dumps(pq.read_table(path).to_pylist(), default=str))
    return _numbers(path.read_text(encoding="utf-8"))


def _numbers(text: str) -> list[float]:
    return [float(x.replace("\N{MINUS SIGN}", "-")) for x in _NUMBER.findall(_DIGEST.sub("", text))]


def tables(results: Path) -> dict[str, dict[str, list[float | str]]]:
    """The cells of each table by column: numbers as such, everything else as text."""
    found = {}
    for path in sorted((results / "tables").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = list(csv.reader(handle))
        columns = {name: [_cell(row[i]) for row in rows] for i, name in enumerate(header)}
        # Digests and versions of libraries are not results.
        found[path.stem] = {
            name: cells
            for name, cells in columns.items()
            if not name.endswith("sha256") and ("version" not in name or name == "converter_version")
        }
    return found


def pages(results: Path) -> dict[str, list[float]]:
    """The numbers that people read, file by file in their order: of pages as printed, of other files to ten digits."""
    paths = sorted({path for pattern in _READ for path in results.glob(pattern)})
    return {path.relative_to(results).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> list[float]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        cards = [json.dumps(json.loads(content), ensure_ascii=False) for content in _CARDS.findall(text)]
        text = " ".join([html.unescape(_NO_WORDS.sub(" ", text)), *cards])
    return [float(f"{x:.10g}") for x in _numbers(_VERSION.sub("", text))]


def _cell(text: str) -> float | str:
    try:
        return float(f"{float(text):.10g}")
    except ValueError:
        return text


def notices(results: Path) -> bool:
    """Whether the stored numbers are others than those of some results."""
    from test_complete import (
        STORED_PAGES,
        STORED_TABLES,
        test_no_number_of_a_page_moves_unseen,
        test_no_number_of_a_table_moves_unseen,
    )

    ours, read = tables(results), pages(results)
    if set(ours) != set(STORED_TABLES) or set(read) != set(STORED_PAGES):
        return True
    try:
        for name in STORED_TABLES:
            test_no_number_of_a_table_moves_unseen(ours, name)
        for name in STORED_PAGES:
            test_no_number_of_a_page_moves_unseen(read, name)
    except AssertionError:
        return True
    return False


def store() -> None:
    """Writes the numbers of a run as they are now: after a change that is meant, and was looked at."""
    from complete_run import commands, prepare, run

    with tempfile.TemporaryDirectory() as name:
        folder = prepare(Path(name) / "complete")
        run(folder, commands(folder))
        content, read = tables(folder / "results"), pages(folder / "results")
        shutil.rmtree(folder)
    lines = [f" {json.dumps(name)}: {_columns(columns)}" for name, columns in content.items()]
    PAGES.write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in read.items()) + "\n}\n")
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _columns(columns: dict[str, list[float | str]]) -> str:
    inner = [f"  {json.dumps(name)}: {json.dumps(cells, ensure_ascii=False)}" for name, cells in columns.items()]
    return "{\n" + ",\n".join(inner) + "\n }" if inner else "{}"


if __name__ == "__main__":
    sys.exit(store())
