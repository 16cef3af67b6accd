"""The descriptor of a release: a Frictionless data package (version 2) with the hash and the columns of every file."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthesis.data.columns import BY_NAME
from synthesis.data.source import Source
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config
from synthesis.results.files import read_json

Record = dict[str, Any]
DESCRIPTOR = "datapackage.json"
_PROFILES = "https://datapackage.org/profiles/2.0"
_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTH = frozenset({"True", "False"})
_LICENCE = "Facts with short quotations; the terms of each source are named with it."


def descriptor(plan: Config, sources: Mapping[str, Source], folder: Path, version: str, date: str | None) -> Record:
    """What `datapackage.json` says of the files in `folder`, in the order of their paths."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != DESCRIPTOR)
    package: Record = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": re.sub(r"[^a-z0-9]+", "-", plan.title.lower()).strip("-") or "review",
        "version": version,
        "title": plan.title,
        "description": plan.question or plan.title,
    }
    if date:
        package["created"] = f"{date}T00:00:00Z"
    return package | {
        "licenses": [{"name": "other", "title": _LICENCE}],
        "sources": [_source(name, source) for name, source in sources.items()],
        "resources": [_resource(path, folder) for path in files],
    }


def _source(name: str, source: Source) -> Record:
    entry: Record = {"title": source.title, "name": name, "citation": source.citation, "licence": source.licence}
    return entry | ({"path": f"https://doi.org/{source.doi}"} if source.doi else {})


def _resource(path: Path, folder: Path) -> Record:
    content = path.read_bytes()
    kind = path.suffix.lstrip(".")
    entry: Record = {
        "name": re.sub(r"[^a-z0-9._-]+", "-", path.relative_to(folder).with_suffix("").as_posix().lower()),
        "path": path.relative_to(folder).as_posix(),
        "format": kind,
        "mediatype": {"csv": "text/csv", "json": "application/json"}[kind],
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if kind != "csv":
        return entry
    dialect = {"$schema": f"{_PROFILES}/tabledialect.json", "delimiter": ",", "quoteChar": '"', "header": True}
    return entry | {"type": "table", "dialect": dialect, "schema": _schema(path)}


def _schema(path: Path) -> Record:
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    fields = [_field(name, {row[i] for row in rows} - {""}) for i, name in enumerate(header)]
    return {"$schema": f"{_PROFILES}/tableschema.json", "fields": fields, "missingValues": [""]}


def _field(name: str, cells: set[str]) -> Record:
    """A column by what stands in it, so that the type holds for every cell; text where nothing does."""
    entry: Record = {"name": name, "type": "string"}
    if cells and cells <= _TRUTH:
        entry |= {"type": "boolean", "trueValues": ["True"], "falseValues": ["False"]}
    elif cells and all(_WHOLE.fullmatch(cell) for cell in cells):
        entry["type"] = "integer"
    elif cells and all(_NUMBER.fullmatch(cell) for cell in cells):
        entry["type"] = "number"
    column = BY_NAME.get(name)
    return entry | ({"description": column.description} if column else {})


def verify(folder: Path) -> Record:
    """The descriptor of a release. Raises InputError where a file is not the one that was released."""
    path = folder / DESCRIPTOR
    if not path.exists():
        raise InputError([Problem(str(path), "no such file", "the descriptor of the release", "copied in part?")])
    package: Record = read_json(path)
    problems = list(_faults(folder, package["resources"]))
    if problems:
        raise InputError(problems)
    return package


def _faults(folder: Path, resources: Iterable[Record]) -> Iterable[Problem]:
    for resource in resources:
        path = folder / resource["path"]
        if not path.exists():
            yield Problem(str(path), "no such file", f"the file in {DESCRIPTOR}", "restore the release from git")
            continue
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        if digest != resource["hash"]:
            hint = "a release is never edited; restore it from git and make a new one"
            yield Problem(str(path), digest, resource["hash"], hint)
