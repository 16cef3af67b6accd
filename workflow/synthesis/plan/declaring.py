"""What the sources of a plan declare of their own, put into the plan: each part of it is then checked by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthesis.data.extraction import corrections_of, load_own
from synthesis.data.model import LONGEST_NAME
from synthesis.data.own import common, declared
from synthesis.data.source import OwnColumn

KEY = "own_columns"


def with_own_columns(content: Any, raw: Path) -> Any:
    """The content of a plan with the users' columns of its sources and their kinds; as it is where it has them.

    Raises InputError for a `source.yaml` that is not sound, and for a column that is of two kinds. A plan whose
    sources are no list of names, or not there, is left to its own checks.
    """
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, list | tuple) or KEY in content:
        return content
    by_source = {}
    names = (name for name in sources if isinstance(name, str) and name.isidentifier())
    for source in (name for name in names if len(name) <= LONGEST_NAME):
        if columns := declared(raw / source).columns:
            by_source[source] = columns
    if not by_source:
        return content
    kinds = {source: _kinds(raw, source, columns) for source, columns in by_source.items()}
    titles = {name: column.title for columns in reversed(by_source.values()) for name, column in columns.items()}
    known = common(kinds, raw)
    return content | {KEY: {name: {"kind": known.get(name, "text"), "title": titles[name]} for name in titles}}


def _kinds(raw: Path, source: str, declared_columns: Mapping[str, OwnColumn]) -> dict[str, str]:
    """The kinds that a source declares; where one is left to its cells, those of the table."""
    if all(column.kind for column in declared_columns.values()):
        return {name: str(column.kind) for name, column in declared_columns.items()}
    _, columns, _ = load_own(raw, source, corrections_of(raw))
    return {column.name: column.kind for column in columns}
