"""Typed documents from hand-made content: what a test does not say has a default."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec
from synthesis.data.columns import COLUMNS, NUMERIC_KINDS
from synthesis.data.vocabulary import Descriptor
from synthesis.meta.options import terms
from synthesis.meta.pool import pool
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.document import decode, plain
from synthesis.results.extracted import Chosen, Dropped, Reference, Row
from synthesis.results.files import json_text
from synthesis.results.fitted import Fitted
from synthesis.review.diagnose import diagnose
from synthesis.review.diagnostic_tables import tables

_DESCRIBED = dict.fromkeys(terms(Descriptor), "")
_MEMBER = _DESCRIBED | dict.fromkeys(("year", "weeks", "n_total", "severity")) | {"effect_id": "e"}
_STUDY = _DESCRIBED | {
    "sample_id": "s", "label": "S", "year": None, "yi": 0.0, "vi": 1.0, "weight": 0.0, "n": None, "effects": [],
    "members": [], "source": "s",
}  # fmt: skip
_FITTED: dict[str, Any] = {
    "synthesis": "x", "lane": "B", "word": "effect", "sources": ["s"], "set_to_zero": 0, "tau_scale": 0.5,
    "studies": [], "groups": [], "groups_test": None, "summaries": [], "references": [],
    "figure": {"group_by": None, "orientation": "benefit"}, "config_sha256": "", "inputs_sha256": "",
    "versions": dict.fromkeys(("synthesis", "python", "numpy", "scipy"), "1"),
}  # fmt: skip


# The fit of a test that asks for counts alone.
_FIT = dataclasses.asdict(pool([0.1, 0.3, 0.2], [0.01, 0.02, 0.03], metric="g"))
_GROUP: dict[str, Any] = {"tau2": 0.1, "q": 1.0, "q_df": 1, "q_p": 0.3, "method": "REML"}


def fitted(content: dict[str, Any]) -> Fitted:
    """The model document of `content`, which is as on disk; an unknown name is refused as there."""
    test = content.get("groups_test")
    content = content | {"groups_test": dataclasses.asdict(test) if dataclasses.is_dataclass(test) else test}
    versions = _FITTED["versions"] | content.get("versions", {})
    figure = _FITTED["figure"] | content.get("figure", {})
    groups = [_GROUP | group for group in content.get("groups", ())]
    parts = {"versions": versions, "figure": figure, "groups": groups}
    studies = [
        _STUDY | study | {"members": [_MEMBER | member for member in study.get("members", ())]}
        for study in content.get("studies", ())
    ]
    return decode(json_text("test", _FIT | _FITTED | content | parts | {"studies": studies}), Fitted, "test")


def diagnosed(model: dict[str, Any] | Fitted, *asked: Any, **options: Any) -> dict[str, Any]:
    """The diagnostics of a model document, which may be hand-made, as they stand on disk."""
    made = diagnose(model if isinstance(model, Fitted) else fitted(model), *asked, **options)
    content: dict[str, Any] = json.loads(json_text("test", plain(made)))
    return content


def flat(contents: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The flat tables of diagnostics, which are as on disk: records by the name of the table."""
    made = tables(decode(json_text("test", content), Diagnosed, "test") for content in contents)
    return {f.name: [plain(row) for row in getattr(made, f.name)] for f in dataclasses.fields(made)}


def on_documents(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of typed documents that takes hand-made ones, too."""
    return lambda *given, **options: function(*map(_typed, given), **{k: _typed(v) for k, v in options.items()})


def _typed(given: Any) -> Any:
    if isinstance(given, list):
        return [_typed(part) for part in given]
    if not isinstance(given, dict):
        return given
    if "studies" in given:
        return fitted(given)
    if "skipped" in given:
        return decode(json_text("test", given), Diagnosed, "test")
    if "sample_id" in given and "effects" in given:
        return fitted({"studies": [given]}).studies[0]
    if "construct" in given:
        return msgspec.convert(given, Reference)
    return {name: _typed(part) for name, part in given.items()}


_RAW = {c.name: None if c.kind in NUMERIC_KINDS else "" for c in COLUMNS}
_EFFECT: dict[str, Any] = _RAW | {
    "source": "s", "metric": "z", "yi": 0.0, "vi": 1.0, "n_total": None, "exactness": "exact", "converter": "c",
    "converter_version": 1.0, "corrected": "", "not_in_quote": "",
}  # fmt: skip


def dropped_row(cells: dict[str, Any]) -> Dropped:
    """A row that gives no effect with these cells; the others are empty."""
    return Dropped(**_RAW | dict.fromkeys(("source", "category", "reason", "metric", "not_in_quote"), "") | cells)


def raw_row(cells: dict[str, Any]) -> Row:
    """A row of a raw table with these cells; the others are empty."""
    return Row(**_RAW | cells)


def effect_row(cells: dict[str, Any]) -> Chosen:
    """An effect of a synthesis with these cells; the others are empty."""
    return Chosen(**_EFFECT | cells)


def estimates(name, values):
    """A sample of several estimates."""
    members = [{"effect_id": f"{name}{i}", "yi": y, "vi": v} for i, (y, v) in enumerate(values)]
    return {"sample_id": name, "members": members, "effects": [m["effect_id"] for m in members]}
