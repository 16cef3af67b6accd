"""What is different between two runs: rows, corrections, decisions, estimates, verdicts."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from synthesis.data.columns import COLUMNS
from synthesis.results.document import read_some
from synthesis.results.extracted import COLUMN_NAMES
from synthesis.results.files import read_cells, read_json
from synthesis.results.released import (
    Change,
    ClaimCells,
    ContrastCells,
    FitCells,
    InteractionCells,
    RelevanceCells,
)

Row = dict[str, str]
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
_CLAIM_COLUMNS = ("claim", "quantity", "rule", "low", "high", "unit")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a run concludes: in which table, of what, in which column, and why or against what."""

    title: str
    field: str
    value: str
    reason: str = ""


# What is concluded by table, in the order in which it is told: by the name of the row.
Conclusions = dict[str, dict[str, Conclusion]]


@dataclass(frozen=True, slots=True)
class State:
    """What is compared of a run: its plan, fits, claims, conclusions and versions, its rows and corrections as text."""

    config: Mapping[str, object]
    fits: dict[str, FitCells]
    claims: dict[str, ClaimCells]
    conclusions: Conclusions
    versions: dict[str, str]
    rows: dict[str, list[Row]]
    corrections: list[Row]


def read_state(folder: Path, corrections: Path) -> State:
    """The state of results, or of a release, which is laid out alike. Raises InputError for tables without a column."""
    tables = folder / "tables"
    claims = read_some(tables / "claims.csv", ClaimCells)
    conclusions = conclusions_of(
        claims,
        read_some(tables / "comparison.csv", ContrastCells),
        read_some(tables / "relevance.csv", RelevanceCells),
        read_some(tables / "interactions.csv", InteractionCells),
    )
    pooled = _printed(tables / "pooled.csv")
    versions = {key: cell for row in pooled[:1] for key, cell in row.items() if key.startswith("version_")}
    rows: dict[str, list[Row]] = {}
    for row in (*_printed(tables / "effects.csv"), *_printed(folder / "dropped.csv")):
        rows.setdefault(row["effect_id"], []).append(row)
    return State(
        config=read_json(folder / "config.json"),
        fits={fit.synthesis: fit for fit in read_some(tables / "pooled.csv", FitCells)},
        claims={claim.claim_id: claim for claim in claims},
        conclusions=conclusions,
        versions=versions,
        rows=rows,
        corrections=_given(corrections) if corrections.exists() else [],
    )


def conclusions_of(
    claims: Iterable[ClaimCells],
    contrasts: Iterable[ContrastCells],
    relevance: Iterable[RelevanceCells],
    interactions: Iterable[InteractionCells],
) -> Conclusions:
    """All that a run concludes."""
    return {
        "claims": {c.claim_id: Conclusion(c.claim, "verdict", c.verdict, c.why) for c in claims},
        "comparison": {c.comparison: Conclusion(c.title, "conclusion", c.conclusion) for c in contrasts},
        "relevance": {
            f"{r.synthesis} at {r.threshold}": Conclusion(r.title, "conclusion", r.conclusion, r.threshold_label)
            for r in relevance
        },
        "interactions": {i.interaction: Conclusion(i.title, "conclusion", i.conclusion) for i in interactions},
    }


def _printed(path: Path) -> list[Row]:
    """A table of a run as text."""
    header, lines = read_cells(path)
    return [dict(zip(header, cells, strict=True)) for cells in lines]


def _given(path: Path) -> list[Row]:
    """A raw table as text."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def changes(before: State, after: State) -> list[Change]:
    """Every difference: estimates by how far they moved, conclusions, studies, rows, decisions, software."""
    return [
        *_estimates(before, after),
        *_conclusions(before, after),
        *_studies(before, after),
        *_rows(before, after),
        *_different("", before.config, after.config),
        *_claim_rules(before, after),
        *_software(before, after),
    ]


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _estimates(before: State, after: State) -> list[Change]:
    groups: list[tuple[float, list[Change]]] = []
    for name in dict.fromkeys((*after.fits, *before.fits)):
        group = list(_moved(before.fits.get(name), after.fits.get(name)))
        if group:
            groups.append((max(abs(c.standard_errors or 0) for c in group if c.field in {"", "estimate"}), group))
    return [change for _, group in sorted(groups, key=lambda g: -g[0]) for change in group]


def _moved(old: FitCells | None, new: FitCells | None) -> Iterator[Change]:
    """The numbers of one fit that moved; its estimate always, where any of them did."""
    if old is None or new is None:
        if new is not None:
            yield replace(_of_fit(new, "came in"), after=new.estimate)
        if old is not None:
            yield replace(_of_fit(old, "went out"), before=old.estimate)
        return
    if old.metric != new.metric:
        yield replace(_of_fit(new, "other metric"), before=old.metric, after=new.metric)
        return
    differing = [field for field in QUANTITIES if not _same(old.cell(field), new.cell(field))]
    error = _number(old.se)
    for field, on_scale in QUANTITIES.items():
        if not differing or (field != "estimate" and field not in differing):
            continue
        cells = old.cell(field), new.cell(field)
        first, last = map(_number, cells)
        moved = last - first if first is not None and last is not None else None
        yield replace(
            _of_fit(new, "moved" if field in differing else "unmoved"),
            field=field,
            before=cells[0],
            after=cells[1],
            difference=moved,
            standard_errors=moved / error if on_scale and moved is not None and error else None,
        )


def _of_fit(fit: FitCells, change: str) -> Change:
    return Change(kind="estimate", change=change, name=fit.synthesis, title=fit.title, lane=fit.lane, metric=fit.metric)


def _same(first: str, last: str) -> bool:
    try:
        return first == last or math.isclose(float(first), float(last), rel_tol=_SAME, abs_tol=_SAME)
    except ValueError:
        return False


def _conclusions(before: State, after: State) -> Iterator[Change]:
    for table in after.conclusions:
        old, new = before.conclusions[table], after.conclusions[table]
        for name in dict.fromkeys((*new, *old)):
            first, last = old.get(name), new.get(name)
            sides = first.value if first else "", last.value if last else ""
            about = last or first
            if about is None or sides[0] == sides[1]:
                continue
            yield Change(
                kind=table,
                change="came in" if first is None else "went out" if last is None else "flipped",
                name=name,
                title=about.title,
                field=about.field,
                before=sides[0],
                after=sides[1],
                reason=about.reason,
            )


def _label(row: Row) -> str:
    return row["label"] or f"{row['study']} {row['year']}".strip()


def _studies(before: State, after: State) -> Iterator[Change]:
    old, new = (
        {(rows[0]["source"], _label(rows[0])): None for rows in state.rows.values()} for state in (before, after)
    )
    for study in new:
        if study not in old:
            yield Change(kind="study", change="came in", name=study[1], title=study[0])
    for study in old:
        if study not in new:
            yield Change(kind="study", change="went out", name=study[1], title=study[0])


def _rows(before: State, after: State) -> Iterator[Change]:
    known = {_correction(row) for row in before.corrections}
    reasons = {
        (row["effect_id"], row["field"]): row["reason"] for row in after.corrections if _correction(row) not in known
    }
    for name in dict.fromkeys((*after.rows, *before.rows)):
        old, new = before.rows.get(name), after.rows.get(name)
        if old is None or new is None:
            if new is not None:
                yield replace(_of_row(name, new, "came in"), after=_standing(new))
            if old is not None:
                yield replace(_of_row(name, old, "went out"), before=_standing(old))
            continue
        declared = (name for name in (*old[0], *new[0]) if name not in COLUMN_NAMES)
        for field in dict.fromkeys((*(column.name for column in COLUMNS), *declared)):
            cells = old[0].get(field, ""), new[0].get(field, "")
            if cells[0] != cells[1]:
                yield replace(
                    _of_row(name, new, "corrected" if (name, field) in reasons else "changed"),
                    field=field,
                    before=cells[0],
                    after=cells[1],
                    reason=reasons.get((name, field), ""),
                )
        standing = _standing(old), _standing(new)
        if standing[0] != standing[1]:
            yield replace(_of_row(name, new, "used otherwise"), before=standing[0], after=standing[1])


def _of_row(name: str, rows: list[Row], change: str) -> Change:
    return Change(kind="row", change=change, name=name, title=_label(rows[0]))


def _correction(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in ("effect_id", "field", "old", "new"))


def _standing(rows: list[Row]) -> str:
    """What became of an extracted number: its values by metric, or why it is not used."""
    values = [f"{row['metric']} {float(row['yi']):.6g}" for row in rows if row.get("yi")]
    return "; ".join(values) or f"not used: {rows[0]['reason']}"


def _different(path: str, old: object, new: object) -> Iterator[Change]:
    """Keys of the plan that differ, as deep as both sides have them."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*new, *old)):
            inner = f"{path}.{key}" if path else key
            if key not in old:
                yield Change(kind="decision", change="came in", name=inner, after=_written(new[key]))
            elif key not in new:
                yield Change(kind="decision", change="went out", name=inner, before=_written(old[key]))
            else:
                yield from _different(inner, old[key], new[key])
    elif old != new:
        yield Change(kind="decision", change="changed", name=path, before=_written(old), after=_written(new))


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _claim_rules(before: State, after: State) -> Iterator[Change]:
    for name, new in after.claims.items():
        old = before.claims.get(name)
        if old is None:
            continue
        for column in _CLAIM_COLUMNS:
            cells = old.cell(column), new.cell(column)
            if cells[0] != cells[1]:
                key = f"claims.{name}.{column}"
                yield Change(kind="decision", change="changed", name=key, before=cells[0], after=cells[1])


def _software(before: State, after: State) -> Iterator[Change]:
    old, new = before.versions, after.versions
    for key in dict.fromkeys((*new, *old)):
        sides = old.get(key, ""), new.get(key, "")
        if sides[0] != sides[1]:
            name = key.removeprefix("version_")
            yield Change(kind="software", change="changed", name=name, before=sides[0], after=sides[1])
