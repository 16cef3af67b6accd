"""What the sources of a plan declare of their own, put into the plan: each part of it is then checked by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthesis.data.extraction import corrections_of, load_own
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
    found = {}
    for source in (name for name in sources if isinstance(name, str) and name.isidentifier()):
        if own := declared(raw / source).columns:
            found[source] = own
    if not found:
        return content
    kinds = {source: _kinds(raw, source, own) for source, own in found.items()}
    titles = {name: column.title for own in reversed(found.values()) for name, column in own.items()}
    known = common(kinds, raw)
    return content | {KEY: {name: {"kind": known.get(name, "text"), "title": titles[name]} for name in titles}}


def _kinds(raw: Path, source: str, own: Mapping[str, OwnColumn]) -> dict[str, str]:
    """The kinds that a source declares; where one is left to its cells, those of the table."""
    if all(column.kind for column in own.values()):
        return {name: str(column.kind) for name, column in own.items()}
    _, columns, _ = load_own(raw, source, corrections_of(raw))
    return {column.name: column.kind for column in columns}
