"""Typed documents from hand-made content: what a test does not say has a default."""

from __future__ import annotations

from typing import Any

from synthesis.data.columns import COLUMNS, NUMERIC_KINDS
from synthesis.data.vocabulary import Descriptor
from synthesis.meta.options import terms
from synthesis.results.document import decode
from synthesis.results.extracted import Chosen, Row
from synthesis.results.files import json_text
from synthesis.results.fitted import Fitted

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


def fitted(content: dict[str, Any]) -> Fitted:
    """The model document of `content`, which is as on disk; an unknown name is refused as there."""
    studies = [
        _STUDY | study | {"members": [_MEMBER | member for member in study.get("members", ())]}
        for study in content.get("studies", ())
    ]
    return decode(json_text("test", _FITTED | content | {"studies": studies}), Fitted, "test")


_RAW = {c.name: None if c.kind in NUMERIC_KINDS else "" for c in COLUMNS}
_EFFECT: dict[str, Any] = _RAW | {
    "source": "s", "metric": "z", "yi": 0.0, "vi": 1.0, "n_total": None, "exactness": "exact", "converter": "c",
    "converter_version": 1.0, "corrected": "", "not_in_quote": "",
}  # fmt: skip


def raw_row(cells: dict[str, Any]) -> Row:
    """A row of a raw table with these cells; the others are empty."""
    return Row(**_RAW | cells)


def effect_row(cells: dict[str, Any]) -> Chosen:
    """An effect of a synthesis with these cells; the others are empty."""
    return Chosen(**_EFFECT | cells)
