"""How a synthesis is shown: what the plan says of that, put to its fit, which does not know it.

So that other words or columns draw and report again, and fit nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthesis.data.extraction import Extracted
from synthesis.plan.config import Synthesis
from synthesis.plan.selection import SET_TO_ZERO
from synthesis.results.files import read_json

Record = dict[str, Any]
MIXED = "mixed"


def presented(document: Record, synthesis: Synthesis, extracted: Extracted | None = None) -> Record:
    """A model document with its title, note and the like; with `extracted`, the rows of its sources, the cells of
    the plan's columns for each sample and estimate, too."""
    shown = synthesis.model_dump(mode="json", include={"columns", "sort", "rows", "favours", "note"})
    document = (
        {"synthesis": document["synthesis"], "title": synthesis.title}
        | document
        | {"figure": document["figure"] | shown}
    )
    if extracted is None:
        return document
    rows = _rows_of(document, extracted)
    studies = []
    for study in document["studies"]:
        own = [rows[member["effect_id"]] for member in study["members"]]
        members = [
            member | {"cells": cells([row], synthesis.columns)}
            for member, row in zip(study["members"], own, strict=True)
        ]
        studies.append(study | {"members": members, "cells": cells(own, synthesis.columns)})
    return document | {"studies": studies}


def read_presented(
    paths: Iterable[Path], syntheses: Mapping[str, Synthesis], extracted: Extracted | None = None
) -> list[Record]:
    """The model documents at these paths, as the plan shows them."""
    documents = [read_json(path) for path in paths]
    return [presented(document, syntheses[document["synthesis"]], extracted) for document in documents]


def _rows_of(document: Record, extracted: Extracted) -> dict[str, Record]:
    """The extracted rows of a fit by effect_id; those that were entered as 0 carry no number of their own."""
    rows = {
        row["effect_id"]: row | {"n_total": row["n"], "exactness": SET_TO_ZERO, "converter": "ns_as_zero"}
        for row in extracted.dropped
    }
    return rows | {row["effect_id"]: row for row in extracted.effects if row["metric"] == document["metric"]}


def cells(rows: list[Record], columns: Iterable[str]) -> Record:
    """What the forest plot shows of rows: the number or word that they share, "mixed" words, the largest n."""
    found: Record = {}
    for column in columns:
        values = [row["n_total"] if column == "n" else row[column] for row in rows]
        numbers = [value for value in values if isinstance(value, float)]
        if numbers:
            found[column] = max(numbers) if column.startswith("n") or len(set(numbers)) == 1 else None
        else:
            found[column] = shared(value for value in values if isinstance(value, str))
    return found


def shared(values: Iterable[str]) -> str:
    """The value that all rows share, or "mixed"."""
    distinct = list(dict.fromkeys(value for value in values if value))
    return MIXED if len(distinct) > 1 else "".join(distinct)
