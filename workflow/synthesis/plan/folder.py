"""The folder of a review that `synthesis new` makes: its plan, the word on its source, and writing it again."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from synthesis.data.source import OwnColumn
from synthesis.data.vocabulary import METRIC_NAME
from synthesis.errors import InputError, Problem
from synthesis.results.files import write_csv, write_text

_MARK = "# Made by synthesis new; --replace may write over it while nothing is changed: "
RATIOS = frozenset(metric for metric, name in METRIC_NAME.items() if "ratio" in name and name.startswith("log"))


@dataclass(frozen=True, slots=True)
class Made:
    """What a folder is made of. `directions`: of its rows; `mix`: what is pooled together, by column; `declared`:
    columns that were carried; `same_people`: samples that several studies report; `other_people`: samples of one study
    whose people are others."""

    name: str
    title: str
    lane: str
    metric: str
    citation: str
    how: str
    by: str
    on: str
    directions: frozenset[str]
    mix: Mapping[str, Sequence[str]] = field(default_factory=dict)
    declared: Mapping[str, OwnColumn] = field(default_factory=dict)
    composites: bool = False
    same_people: Sequence[str] = ()
    other_people: Sequence[str] = ()


def write(temporary: Path, made: Made, rows: list[dict[str, str]], names: list[str]) -> None:
    """Writes plan and data into an empty folder."""
    raw = temporary / "data" / "raw" / made.name
    write_csv(raw / "effects.csv", rows, names)
    write_text(raw / "source.yaml", _source(made))
    body = _config(made)
    write_text(temporary / "config.yaml", f"{_MARK}{_digest(body, temporary)}\n{body}")


def occupied(folder: Path, replace: bool) -> list[Problem]:
    """What stands in the way of a review in a folder: one that is there, unless it may be replaced."""
    try:
        there = [path for path in (folder / "config.yaml", folder / "data") if path.exists()]
    except OSError as error:
        raise no_folder(folder, error) from None
    if not there:
        return []
    if not replace:
        allowed = "a folder without a review in it"
        hint = "--replace writes again over one that this command made"
        return [Problem("folder", str(path), allowed, hint) for path in there]
    if why := _not_ours(folder):
        allowed = "a review as synthesis new made it"
        return [Problem("--replace", str(folder), allowed, f"{why}: move it away, or take another folder")]
    return []


def _not_ours(folder: Path) -> str:
    """Why a review may not be written over; nothing where every file of it is as it was made."""
    plan, data = folder / "config.yaml", folder / "data"
    if plan.is_symlink() or data.is_symlink() or not plan.is_file() or not data.is_dir():
        return "config.yaml or data is missing, or a link"
    first, _, body = plan.read_bytes().decode("utf-8", "replace").partition("\n")
    if not first.startswith(_MARK):
        return "config.yaml was not made by this command"
    files = sorted(path.relative_to(folder).as_posix() for path in data.rglob("*") if not path.is_dir())
    parts = {Path(file).parts for file in files}
    sources = {part[2] for part in parts if len(part) == 4 and part[:2] == ("data", "raw")}
    expected = [f"data/raw/{source}/{name}" for source in sources for name in ("effects.csv", "source.yaml")]
    if len(sources) != 1 or files != sorted(expected):
        return "data holds other files"
    return "" if first.removeprefix(_MARK).strip() == _digest(body, folder) else "it was changed since"


def _digest(plan: str, folder: Path) -> str:
    """Of a plan and of the files of its source."""
    digest = hashlib.sha256(plan.encode())
    for path in sorted((folder / "data" / "raw").glob("*/*")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A folder of a moment on the same disk. Raises InputError where the machine refuses one."""
    try:
        # Beside the folder or in it: a move within a disk is a change of name.
        place = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(dir=place, prefix=".start.") as temporary:
            yield Path(temporary)
    except OSError as error:
        raise no_folder(folder, error) from None


def put(temporary: Path, folder: Path) -> None:
    """Moves what was made to its place; what stood there goes with the folder of the moment."""
    folder.mkdir(parents=True, exist_ok=True)
    for made in ("config.yaml", "data"):
        if (folder / made).exists():
            shutil.move(folder / made, temporary / f"old.{made}")
        shutil.move(temporary / made, folder / made)


def no_folder(folder: Path, error: OSError) -> InputError:
    """A folder that cannot be made or written to, with the reason of the machine."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return InputError([Problem("folder", str(folder), "a folder that can be made and written to", reason)])


def favours(lane: str, metric: str, directions: frozenset[str]) -> tuple[str, str] | None:
    """Words left and right of no effect; None for associations. A ratio is drawn as it is printed."""
    if lane != "B":
        return None
    treatment, control = "favours treatment", "favours control"
    return (treatment, control) if as_printed(metric, directions) and directions == {"-1"} else (control, treatment)


def as_printed(metric: str, directions: frozenset[str]) -> bool:
    """Whether effects keep the sign of the table: ratios of one direction do, everything else is better upwards."""
    return metric in RATIOS and len(directions) == 1


def _text(content: str) -> str:
    return yaml.safe_dump(content, default_style='"', allow_unicode=True, width=float("inf")).strip()


def _config(made: Made) -> str:
    name = made.name
    lines = [
        "# The analysis plan; all keys are in docs/config.md of the pipeline.",
        f"title: {_text(made.title)}",
        f"sources: [{name}]",
        "",
        "syntheses:",
        f"  {name}:",
        f"    title: {_text(made.title)}",
        "    # A: correlations, called associations; B: differences between randomised arms, called effects.",
        f"    lane: {made.lane}",
        f"    metric: {made.metric}",
        f"    sources: [{name}]",
        f"    # Columns of data/raw/{name}/effects.csv between study and plot.",
        "    columns: [n]",
    ]
    if as_printed(made.metric, made.directions):
        lines += [
            "    # The ratio as it is printed, not turned so that more is better.",
            "    orientation: as_reported",
        ]
    if words := favours(made.lane, made.metric, made.directions):
        lines += ["    # Words under the axis, left and right of no effect.", f"    favours: [{words[0]}, {words[1]}]"]
    if made.composites:
        lines += ["    # One mean effect of each sample: they are too few for a model within.", "    model: composites"]
    if made.mix:
        lines += ["    # What is knowingly pooled together.", "    mix:"]
        lines += [f"      {column}: [{', '.join(map(_text, values))}]" for column, values in made.mix.items()]
    return "\n".join(lines) + "\n"


def _source(made: Made) -> str:
    return f"""title: {_text(made.title)}
citation: {_text(made.citation)}
licence: not stated
extraction:
  how: {_text(made.how)}
  by: {_text(made.by)}
  'on': '{made.on}'
limits:
- How the studies were found and read is not stated.
{_samples("same_people", made.same_people)}{_samples("other_people", made.other_people)}{_declaration(made)}"""


def _samples(key: str, samples: Sequence[str]) -> str:
    """Samples of which it was said that several studies report them, or that they are other people."""
    lines = [f"- {_text(sample)}" for sample in samples]
    return "\n".join([f"{key}:", *lines, ""]) if lines else ""


def _declaration(made: Made) -> str:
    """The declaration of the columns that were carried; the words of heads as they stand in the table."""
    lines = [
        f"  {name}: {{kind: {column.kind}, title: {_text(column.title)}}}" for name, column in made.declared.items()
    ]
    return "\n".join(["columns:", *lines, ""]) if lines else ""
