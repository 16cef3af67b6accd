"""Reading and writing of result files: deterministic bytes, and never a partial file in place of an earlier one."""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from synthesis.errors import CannotWrite, InputError, Problem

_UNWRITABLE = {
    errno.ENOSPC: "free some space, then run again",
    errno.EDQUOT: "free some of the quota, then run again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), then run again",
    errno.EROFS: "make the folder writable, then run again",
    errno.EACCES: "make the folder writable, then run again",
    errno.EPERM: "make the folder writable, then run again",
}
# With what a file of each kind ends when it is whole.
_ENDS: dict[str, tuple[bytes, ...]] = {
    ".csv": (b"\n",),
    ".html": (b"</html>\n",),
    ".json": (b"}\n", b"]\n"),
    ".jsonl": (b"]\n", b"}\n"),
    ".parquet": (b"PAR1",),
    ".pdf": (b"%%EOF\n",),
    ".png": (b"IEND\xaeB`\x82",),
    ".R": (b"\n",),
    ".svg": (b"</svg>\n",),
}
_LONGEST_END = max(len(end) for ends in _ENDS.values() for end in ends)
# Seconds that the clocks of two machines may differ by, and a time before every result.
_SLACK, _LONG_AGO = 60, 86_400
# What a cell of a table holds, None where it is empty.
Cell = str | float | None
AGAIN = "delete the file and run again: whatever is missing is made anew"


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file beside `path`, then renames it. On an error `path` is left as it was.

    Raises CannotWrite where the disk is full or the folder must not be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _temporary(path)
        try:
            write(temporary)
            # Renamed before its content is on the disk, a file could come back empty after a power failure.
            os.fsync(handle)
            # mkstemp makes files private; results are for everybody the umask allows.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        finally:
            os.close(handle)
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise CannotWrite(path, os.strerror(error.errno), _UNWRITABLE[error.errno]) from None


def _temporary(path: Path) -> tuple[int, Path]:
    """A new file beside `path`, locked while its handle is open. What killed writers of `path` left is removed."""
    left = re.compile(rf"\.{re.escape(path.stem)}\.[a-z0-9_]{{8}}{re.escape(path.suffix)}")
    for entry in path.parent.iterdir():
        if left.fullmatch(entry.name):
            _remove_abandoned(entry)
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        # Some shared file systems have no locks: there nothing is taken for abandoned.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Somebody else may have taken it for abandoned before it was locked.
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def _remove_abandoned(entry: Path) -> None:
    with suppress(OSError):
        handle = os.open(entry, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            entry.unlink()
        finally:
            os.close(handle)


def check_whole(path: Path) -> None:
    """Raises InputError for a result that is not there or was cut short."""
    ends = _ENDS.get(path.suffix, ())
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - _LONGEST_END))
            if ends and not handle.read().endswith(ends):
                raise InputError([Problem(str(path), f"{size} bytes, cut short", "a whole file", AGAIN)])
    except OSError as error:
        raise unreadable(path, error, "a result of the workflow") from None


def read_bytes(path: Path, allowed: str) -> bytes:
    """Content of a file that a user gives. Raises InputError for one that is not there or cannot be read.

    `allowed` says what should be there.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, allowed) from None


def unreadable(path: Path, error: OSError, allowed: str) -> InputError:
    """Why a user's file cannot be read, and what to do about it."""
    hints = {
        errno.ENOENT: ("no such file", ""),
        errno.EISDIR: ("a folder", "the folder that the file is in?"),
        errno.ENOTDIR: ("no such file", "a part of the path is a file, not a folder"),
        errno.EACCES: ("not readable", "allow it: chmod u+r"),
        errno.ELOOP: ("a link that leads to itself", "copy the file instead"),
        errno.ENAMETOOLONG: ("a name too long for this machine", ""),
    }
    if error.errno == errno.ENOENT:
        hints[errno.ENOENT] = ("no such file", called_otherwise(path))
    shown, hint = hints.get(error.errno or 0, (os.strerror(error.errno or errno.EIO), ""))
    return InputError([Problem(str(path), shown, allowed, hint)])


def called_otherwise(path: Path) -> str:
    """What a file that is not there may be called instead: other capitals, .yml for .yaml, an ending too many."""
    wanted = path.name.lower()
    short = f"{path.stem.lower()}.yml" if path.suffix == ".yaml" else wanted
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    except OSError:
        return ""
    for name in names:
        if name.lower() in {wanted, short} or name.lower().startswith((f"{wanted}.", f"{short}.")):
            return f"{name} must be called {path.name}"
    return ""


def check_inside(folder: Path, path: Path) -> None:
    """Raises InputError for a path that leads out of a folder, by name or by a link, and for one that is no file."""
    try:
        # Python 3.11 and 3.12 have an error of their own for a link that leads to itself.
        target = path.resolve()
        target.exists()
    except (OSError, RuntimeError) as error:
        known = error if isinstance(error, OSError) else OSError(errno.ELOOP, "")
        raise unreadable(path, known, f"a file in {folder}") from None
    if not target.is_relative_to(folder.resolve()):
        hint = "a link that leaves the folder? Copy the file instead"
        raise InputError([Problem(str(path), f"leads to {target}", f"a file in {folder}", hint)])
    if target.exists() and not target.is_file():
        raise InputError([Problem(str(path), "no ordinary file", f"a file in {folder}")])


def digest(paths: Iterable[Path | str]) -> str:
    """Digest of the contents of files, in their order."""
    summed = hashlib.sha256()
    for path in paths:
        summed.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return summed.hexdigest()[:16]


def check_copies(listed: Path) -> None:
    """Raises InputError for copies of data that are not what the run has checked.

    `listed`: a file with a digest and a path per line; paths without a file are no copies of this job.
    """
    pairs = (line.split(" ", 1) for line in listed.read_text(encoding="utf-8").splitlines())
    other = [path for checked, path in pairs if Path(path).is_file() and digest([path]) != checked]
    allowed, hint = "the file that this run has checked", "copy data/ into the storage again, then run again"
    if other:
        raise InputError([Problem(path, "the storage has another content", allowed, hint) for path in other])


def check_writable(folder: Path) -> None:
    """Raises InputError for a folder that is there and must not be written to."""
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        hint = "mounted read-only, or somebody else's?"
        raise InputError([Problem(str(folder), "not writable", "a folder that this run may write to", hint)])


def check_times(paths: Iterable[Path | str]) -> None:
    """Raises InputError for files from the future, which no result could be newer than."""
    latest = time.time() + _SLACK
    hint = "the clock was changed, or the file comes from a machine whose clock is wrong: touch it"
    late = [path for path in map(Path, paths) if path.exists() and path.stat().st_mtime > latest]
    if late:
        raise InputError([Problem(str(path), "dated in the future", "a date until now", hint) for path in late])


def date_back(folder: Path) -> None:
    """Dates results from the future, made before the clock was set back, to long ago: nothing passes as newer."""
    latest = time.time() + _SLACK
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime > latest:
            os.utime(path, (_LONG_AGO, _LONG_AGO))


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text with newlines as they stand."""
    replace(path, lambda p: p.write_bytes(text.encode()))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes as they are."""
    replace(path, lambda target: target.write_bytes(content))


def check_finite(where: str, content: Any) -> None:
    """Raises InputError naming every field that is NaN or infinite; `where` is what holds `content`.

    The last line of defence of everything that is written. A missing number is None before it comes here: to write
    NaN as null would hide where it arose.
    """
    if _finite(content):
        return
    faults = list(islice(_not_finite(content, ""), _MOST_FIELDS))
    if faults:
        allowed = "a finite number, or None with the reason where there is none"
        hint = "a fault of this program, not of the data: please report it with the message"
        raise InputError([Problem(f"{where}, field {field}", shown, allowed, hint) for field, shown in faults])


# Fields named at most: one cause often spoils many.
_MOST_FIELDS = 5


def _finite(content: Any) -> bool:
    """Whether all is well: without the names of fields, several times as fast as the search for them."""
    kind = type(content)
    if kind is float:
        return math.isfinite(content)
    if kind is dict:
        return all(map(_finite, content.values()))
    if kind is list or kind is tuple:
        return all(map(_finite, content))
    return kind is str or kind is int or content is None or next(_not_finite(content, ""), None) is None


def _not_finite(content: Any, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, float):
        if not math.isfinite(content):
            yield field or "(the whole)", str(float(content))
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _not_finite(value, f"{field}.{key}" if field else str(key))
    elif isinstance(content, (list, tuple)):
        for i, value in enumerate(content):
            yield from _not_finite(value, f"{field}[{i}]")


def json_text(where: str, content: Any) -> str:
    """JSON at full precision, keys in the order given, on one line.

    Raises InputError for a number that is NaN or infinite; `where` names what holds it.
    """
    check_finite(where, content)
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_json(path: Path, content: Any) -> None:
    """Writes JSON at full precision, keys in the order given. Raises InputError for NaN and infinity, by field."""
    check_finite(str(path), content)
    words = json.JSONEncoder(indent=1, ensure_ascii=False, allow_nan=False).iterencode(content)

    def write(target: Path) -> None:
        # Word by word: the whole text takes several times the memory of what it says.
        with target.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(words)
            file.write("\n")

    replace(path, write)


def read_json(path: Path) -> Any:
    """Reads a JSON file that `write_json` wrote. Raises InputError where it was cut short."""
    check_whole(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except ValueError as error:
        raise InputError([Problem(str(path), str(error), "a whole JSON file", AGAIN)]) from None


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} where a number or null should be")


def write_csv(path: Path, records: Sequence[Mapping[str, Cell]], columns: Iterable[str] | None = None) -> None:
    """Writes records as CSV: the shortest exact numbers, whole ones without a point, missing ones empty.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, which `read_csv` takes away again.
    `columns` defaults to the keys of the first record; give it where there may be no record. Raises InputError for
    NaN and infinity, by row and column: missing is None.
    """
    names = list(columns if columns is not None else records[0])
    _check_records(path, records, names)
    lines = [_line(names), *(_line([_cell(record[name]) for name in names]) for record in records)]
    write_text(path, "".join(lines))


def _line(cells: Sequence[Cell]) -> str:
    """A line of CSV. Python's writer leaves a carriage return unquoted, which readers take for the end of the row."""
    texts = ["" if cell is None else str(cell) for cell in cells]
    if texts == [""]:
        return '""\n'
    return ",".join(f'"{t.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(t) else t for t in texts) + "\n"


# Some readers take a carriage return for the end of the row.
_QUOTED = re.compile('[,"\r\n]')
# Numbers begin with a sign, too. Apostrophes before a formula count, so that one more or fewer can be undone.
_FORMULA = re.compile("'*(\\s*[=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
                      "\N{FULLWIDTH COMMERCIAL AT}]|[\t\r\n])")  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def _cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value
    if not isinstance(value, float):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def unmarked(cell: str) -> str:
    """A cell without the apostrophe that `write_csv` puts before what a spreadsheet would take for a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


# Columns of names, labels and words, which may look like numbers.
WORDS = frozenset(
    [
        "association",
        "association_curve",
        "bound_source",
        "bridge",
        "change",
        "claim",
        "claim_id",
        "coder",
        "comparison",
        "curve",
        "decision",
        "effect",
        "effect_curve",
        "effect_id",
        "evidence",
        "factor",
        "field",
        "interaction",
        "label",
        "locator",
        "moderator",
        "multiverse",
        "name",
        "note",
        "option",
        "option_title",
        "quote",
        "reading",
        "reason",
        "sample_id",
        "says",
        "second_coder",
        "settled",
        "source",
        "source_says",
        "statement",
        "study",
        "synthesis",
        "term",
        "threshold",
        "threshold_label",
        "title",
        "unit",
        "what",
        "who",
        "why",
    ]
)


def read_csv(path: Path) -> list[dict[str, Cell]]:
    """Reads a CSV file that `write_csv` wrote: cells that are numbers as float, empty ones as None.

    Names and words of the user are text, whatever they look like: a claim may be called 1. Raises InputError where it
    was cut short.
    """
    names, lines = read_cells(path)
    return [
        {name: (cell or None) if name in WORDS else _value(cell) for name, cell in zip(names, cells, strict=True)}
        for cells in lines
    ]


def read_cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV file that `write_csv` wrote, as text. Raises InputError where it was cut short."""
    check_whole(path)
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle)
        names = next(reader, [])
        rows = []
        for cells in reader:
            if len(cells) != len(names):
                where, allowed = f"{path}, line {reader.line_num}", f"{len(names)} cells"
                raise InputError([Problem(where, f"{len(cells)} cells", allowed, AGAIN)])
            rows.append([unmarked(cell) for cell in cells])
        return names, rows


def _check_records(path: Path, records: Sequence[Mapping[str, Cell]], names: list[str]) -> None:
    for number, record in enumerate(records, start=2):
        check_finite(f"{path}, row {number}", {name: record[name] for name in names})


def _value(cell: str) -> Cell:
    """A cell as a number where it looks like one: "nan" and "inf" are words, somebody's name among them."""
    if not cell:
        return None
    if _NUMBER.fullmatch(cell) and math.isfinite(number := float(cell)):
        return number
    return cell


def write_parquet(path: Path, records: Sequence[Mapping[str, Cell]], types: Mapping[str, type]) -> None:
    """Writes records as parquet with the given column types (str, float); the same records give the same bytes.

    Raises InputError for NaN and infinity, by row and column: missing is None.
    """
    _check_records(path, records, list(types))
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), float: pa.float64()}
    arrays = [pa.array([record[name] for record in records], type=kinds[kind]) for name, kind in types.items()]
    table = pa.table(arrays, names=list(types))
    replace(path, lambda p: pq.write_table(table, p, compression="zstd"))
