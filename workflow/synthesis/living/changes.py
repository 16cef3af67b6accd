"""What is different between two runs: rows, corrections, decisions, estimates, verdicts; as records."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthesis.data.columns import COLUMNS
from synthesis.results.files import read_json

Row = dict[str, str]
Record = dict[str, Any]
CHANGE_COLUMNS = (
    "kind",
    "change",
    "name",
    "title",
    "lane",
    "metric",
    "field",
    "before",
    "after",
    "difference",
    "standard_errors",
    "reason",
)
# Numbers of a fit, and whether they lie on the scale of its estimate, whose standard error measures the move.
QUANTITIES: dict[str, bool] = {
    "estimate": True,
    "ci_low": True,
    "ci_high": True,
    "pi_low": True,
    "pi_high": True,
    "tau2": False,
    "samples": False,
    "k": False,
}
# Other builds of a library may differ in the last digits.
_SAME = 1e-9
_CLAIM_FIELDS = ("claim", "quantity", "rule", "low", "high", "unit")
# Each conclusion: the table, the columns that name a row, the column that may flip.
_CONCLUSIONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("claims", ("claim_id",), "verdict"),
    ("comparison", ("comparison",), "conclusion"),
    ("relevance", ("synthesis", "threshold"), "conclusion"),
    ("interactions", ("interaction",), "conclusion"),
)
TABLES = ("effects", "pooled", *(table for table, _, _ in _CONCLUSIONS))


@dataclass(frozen=True, slots=True)
class State:
    """What is compared of a run: its plan, its tables as text, its rows by effect_id, its corrections."""

    config: Record
    tables: dict[str, list[Row]]
    rows: dict[str, list[Row]]
    corrections: list[Row]


def read_state(folder: Path, corrections: Path) -> State:
    """The state of results, or of a release, which is laid out alike."""
    tables = {name: _read(folder / "tables" / f"{name}.csv") for name in TABLES}
    rows: dict[str, list[Row]] = {}
    for row in (*tables["effects"], *_read(folder / "dropped.csv")):
        rows.setdefault(row["effect_id"], []).append(row)
    return State(read_json(folder / "config.json"), tables, rows, _read(corrections) if corrections.exists() else [])


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def changes(before: State, after: State) -> list[Record]:
    """Every difference: estimates by how far they moved, conclusions, studies, rows, decisions, software."""
    return [
        *_estimates(before, after),
        *_conclusions(before, after),
        *_studies(before, after),
        *_rows(before, after),
        *_decisions(before.config, after.config),
        *_claim_rules(before, after),
        *_software(before, after),
    ]


def _record(kind: str, change: str, name: str, title: str = "", **further: Any) -> Record:
    empty: Record = dict.fromkeys(CHANGE_COLUMNS, "")
    return empty | {"difference": None, "standard_errors": None} | {
        "kind": kind, "change": change, "name": name, "title": title, **further,
    }  # fmt: skip


def _by(rows: Iterable[Row], keys: tuple[str, ...]) -> dict[str, Row]:
    return {" at ".join(row[key] for key in keys): row for row in rows}


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _estimates(before: State, after: State) -> list[Record]:
    old, new = (_by(state.tables["pooled"], ("synthesis",)) for state in (before, after))
    groups: list[tuple[float, list[Record]]] = []
    for name in dict.fromkeys((*new, *old)):
        group = list(_moved(name, old.get(name), new.get(name)))
        if group:
            groups.append((max(abs(r["standard_errors"] or 0) for r in group if r["field"] in {"", "estimate"}), group))
    return [record for _, group in sorted(groups, key=lambda g: -g[0]) for record in group]


def _moved(name: str, old: Row | None, new: Row | None) -> Iterable[Record]:
    """The numbers of one fit that moved; its estimate always, where any of them did."""
    shown = new or old or {}
    about = {"title": shown["title"], "lane": shown["lane"], "metric": shown["metric"]}
    if old is None or new is None:
        change = "came in" if old is None else "went out"
        side = "after" if old is None else "before"
        yield _record("estimate", change, name, **about, **{side: shown["estimate"]})
        return
    if old["metric"] != new["metric"]:
        yield _record("estimate", "other metric", name, **about, before=old["metric"], after=new["metric"])
        return
    differing = [field for field in QUANTITIES if not _same(old[field], new[field])]
    error = _number(old["se"])
    for field, on_scale in QUANTITIES.items():
        if not differing or (field != "estimate" and field not in differing):
            continue
        one, other = _number(old[field]), _number(new[field])
        moved = other - one if one is not None and other is not None else None
        scaled = moved / error if on_scale and moved is not None and error else None
        numbers: Record = {"before": old[field], "after": new[field], "difference": moved, "standard_errors": scaled}
        yield _record("estimate", "moved" if field in differing else "unmoved", name, **about, field=field, **numbers)


def _same(one: str, other: str) -> bool:
    try:
        return one == other or math.isclose(float(one), float(other), rel_tol=_SAME, abs_tol=_SAME)
    except ValueError:
        return False


def _conclusions(before: State, after: State) -> Iterable[Record]:
    for table, keys, field in _CONCLUSIONS:
        old, new = (_by(state.tables[table], keys) for state in (before, after))
        for name in dict.fromkeys((*new, *old)):
            one, other = old.get(name), new.get(name)
            shown = other or one or {}
            said = {"title": shown.get("claim") or shown.get("title", ""), "field": field}
            sides = {"before": one[field] if one else "", "after": other[field] if other else ""}
            if sides["before"] == sides["after"]:
                continue
            change = "came in" if one is None else "went out" if other is None else "flipped"
            reason = shown.get("why") or shown.get("threshold_label", "")
            yield _record(table, change, name, **said, **sides, reason=reason)


def _label(row: Row) -> str:
    return row["label"] or f"{row['study']} {row['year']}".strip()


def _studies(before: State, after: State) -> Iterable[Record]:
    old, new = (
        {(rows[0]["source"], _label(rows[0])): None for rows in state.rows.values()} for state in (before, after)
    )
    for study in new:
        if study not in old:
            yield _record("study", "came in", study[1], study[0])
    for study in old:
        if study not in new:
            yield _record("study", "went out", study[1], study[0])


def _rows(before: State, after: State) -> Iterable[Record]:
    known = {_correction(row) for row in before.corrections}
    reasons = {
        (row["effect_id"], row["field"]): row["reason"] for row in after.corrections if _correction(row) not in known
    }
    for name in dict.fromkeys((*after.rows, *before.rows)):
        one, other = before.rows.get(name), after.rows.get(name)
        if one is None or other is None:
            (held, change, side) = (other, "came in", "after") if one is None else (one, "went out", "before")
            yield _record("row", change, name, _label((held or [{}])[0]), **{side: _standing(held or [])})
            continue
        title = _label(other[0])
        for field in (column.name for column in COLUMNS):
            old, new = one[0].get(field, ""), other[0].get(field, "")
            if old != new:
                reason = reasons.get((name, field), "")
                change = "corrected" if (name, field) in reasons else "changed"
                yield _record("row", change, name, title, field=field, before=old, after=new, reason=reason)
        if (old := _standing(one)) != (new := _standing(other)):
            yield _record("row", "used otherwise", name, title, before=old, after=new)


def _correction(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in ("effect_id", "field", "old", "new"))


def _standing(rows: list[Row]) -> str:
    """What became of an extracted number: its values by metric, or why it is not used."""
    said = [f"{row['metric']} {float(row['yi']):.6g}" for row in rows if row.get("yi")]
    return "; ".join(said) or f"not used: {rows[0]['reason']}"


def _decisions(before: Record, after: Record) -> Iterable[Record]:
    yield from _different("", before, after)


def _different(path: str, old: Any, new: Any) -> Iterable[Record]:
    """Keys of the plan that differ, as deep as both sides have them."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*new, *old)):
            inner = f"{path}.{key}" if path else key
            if key not in old:
                yield _record("decision", "came in", inner, after=_shown(new[key]))
            elif key not in new:
                yield _record("decision", "went out", inner, before=_shown(old[key]))
            else:
                yield from _different(inner, old[key], new[key])
    elif old != new:
        yield _record("decision", "changed", path, before=_shown(old), after=_shown(new))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _claim_rules(before: State, after: State) -> Iterable[Record]:
    old, new = (_by(state.tables["claims"], ("claim_id",)) for state in (before, after))
    for name in new:
        for field in _CLAIM_FIELDS:
            sides = (old[name][field], new[name][field]) if name in old else ("", "")
            if sides[0] != sides[1]:
                yield _record("decision", "changed", f"claims.{name}.{field}", before=sides[0], after=sides[1])


def _software(before: State, after: State) -> Iterable[Record]:
    old, new = (
        {key: row[key] for row in state.tables["pooled"][:1] for key in row if key.startswith("version_")}
        for state in (before, after)
    )
    for key in dict.fromkeys((*new, *old)):
        if old.get(key, "") != new.get(key, ""):
            name = key.removeprefix("version_")
            yield _record("software", "changed", name, before=old.get(key, ""), after=new.get(key, ""))
