"""Releases: the tables, the decisions and the claims of a finished run as a versioned data package."""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from synthesis.data.source import Source
from synthesis.errors import InputError, Problem
from synthesis.living.package import DESCRIPTOR, descriptor
from synthesis.plan.config import Config
from synthesis.results.files import read_json, write_json

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_ALLOWED = "three whole numbers, like 1.2.0"
CRATE = "ro-crate-metadata.json"
_RUN_FIRST = "run snakemake first"
# Raw files that say how the data were corrected, and by which rules claims are decided.
RAW_FILES = ("corrections.csv", "claims.csv")


def version_key(version: str, where: str = "version") -> tuple[int, ...]:
    """A version as numbers, so that 0.10.0 comes after 0.9.0. Raises InputError for anything but three numbers."""
    if not _VERSION.fullmatch(version):
        hint = f"did you mean {version[1:]}?" if _VERSION.fullmatch(version[1:]) else "semantic versioning"
        raise InputError([Problem(where, version, _ALLOWED, hint)])
    return tuple(int(part) for part in version.split("."))


def releases_in(folder: Path) -> list[str]:
    """The versions in a folder of releases, lowest first; hidden folders and files beside them do not count."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(names, key=lambda name: version_key(name, f"{folder}, folder"))


def latest(folder: Path) -> str | None:
    """The highest version in a folder of releases."""
    releases = releases_in(folder)
    return releases[-1] if releases else None


def finished_files(results: Path) -> list[Path]:
    """The tables and the plan of a finished run. Raises InputError where one is missing or not that of the run.

    The crate is the last thing that a run makes, and names everything else with its hash.
    """
    crate = results / CRATE
    if not crate.exists():
        raise InputError([Problem(str(crate), "no such file", "the results of a finished run", _RUN_FIRST)])
    described = {entry["@id"]: entry["sha256"] for entry in read_json(crate)["@graph"] if "sha256" in entry}
    files = [name for name in described if name.startswith("tables/") or name in ("dropped.csv", "config.json")]
    problems = []
    for name in files:
        path = results / name
        if not path.exists():
            problems.append(Problem(str(path), "no such file", "the results of a finished run", _RUN_FIRST))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != described[name]:
            hint = f"edited, or made by a run that was stopped; {_RUN_FIRST}"
            problems.append(Problem(str(path), "another file", f"the one that {CRATE} names", hint))
    if problems:
        raise InputError(problems)
    return [results / name for name in files]


def make_release(
    version: str, plan: Config, sources: dict[str, Source], results: Path, raw: Path, releases: Path, date: str | None
) -> Path:
    """Writes `releases/<version>/` from a finished run; on an error nothing is left there."""
    key = version_key(version)
    _check_date(date)
    earlier = releases_in(releases)
    target = releases / version
    if target.exists():
        hint = f"the highest is {earlier[-1]}" if earlier else "a release is never written again"
        raise InputError([Problem(str(target), "exists", "a version that is not released yet", hint)])
    if earlier and key < version_key(earlier[-1]):
        hint = "what changed is always told against the highest version"
        raise InputError([Problem("version", version, f"a version above {earlier[-1]}", hint)])
    files = finished_files(results)
    _check_current(plan, results, raw)
    releases.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=releases, prefix=f".{version}.") as name:
        folder = Path(name) / version
        (folder / "tables").mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, folder / path.relative_to(results))
        for path in (raw / file for file in RAW_FILES if (raw / file).exists()):
            shutil.copyfile(path, folder / path.name)
        write_json(folder / DESCRIPTOR, descriptor(plan, sources, folder, version, date))
        folder.rename(target)
    return target


def _check_date(date: str | None) -> None:
    try:
        if date is not None and datetime.date.fromisoformat(date).isoformat() != date:
            raise ValueError
    except ValueError:
        raise InputError([Problem("--date", str(date), "a date like 2026-11-23")]) from None


def _check_current(plan: Config, results: Path, raw: Path) -> None:
    """Raises InputError where the results were made from another plan or other data than there are now."""
    path = results / "config.json"
    if read_json(path) != plan.model_dump(mode="json"):
        hint = f"it changed since; {_RUN_FIRST}"
        raise InputError([Problem(str(path), "another plan", "the plan in the config", hint)])
    problems = [problem for source in plan.sources for problem in _older(source, plan, results, raw)]
    if problems:
        raise InputError(problems)


def _older(source: str, plan: Config, results: Path, raw: Path) -> list[Problem]:
    """Extracts a source again, and compares with what the run worked on."""
    from synthesis.data.extraction import extract
    from synthesis.plan.parts import Plan
    from synthesis.results.document import write_document

    path = results / "sources" / f"{source}.json"
    with tempfile.TemporaryDirectory() as name:
        again = Path(name) / path.name
        write_document(again, extract(raw, source, Plan(plan).metrics(source), plan.conversions.policy))
        if path.exists() and path.read_bytes() == again.read_bytes():
            return []
    allowed = f"what {raw / source} and the corrections give"
    return [Problem(str(path), "other rows", allowed, f"the data changed since; {_RUN_FIRST}")]
