"""The page of changes: what came in or went out, what moved and by how much, which verdict flipped, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, LANE_WORD
from synthesis.report.assets import read_asset
from synthesis.report.content import Row, Table, cell, table
from synthesis.report.environment import rendered, trusted
from synthesis.results.released import Change

_SCALED = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
_FIELD_NAME = {
    "estimate": "pooled estimate",
    "ci_low": "interval, lower limit",
    "ci_high": "interval, upper limit",
    "pi_low": "prediction interval, lower limit",
    "pi_high": "prediction interval, upper limit",
    "tau2": "tau\u00b2",
    "samples": "samples",
    "k": "estimates",
}
_CONCLUSION_NAME = {
    "claims": "Verdict on a claim",
    "comparison": "Conclusion of a comparison",
    "relevance": "Clinical relevance",
    "interactions": "Conclusion on an interaction",
}
# Heads of tables, and the columns below them.
_STUDY = ("Study", "Source", "Change"), ("name", "title", "change")
_ROW = (
    ("Row", "Study", "Change", "Column", "Released", "Now", "Reason of the correction"),
    ("name", "title", "change", "field", "before", "after", "reason"),
)
_CONCLUSION = (
    ("What", "Title", "Name", "Change", "Released", "Now", "Why, or against what"),
    ("kind", "title", "name", "change", "before", "after", "reason"),
)
_SIDES = ("What", "Change", "Released", "Now"), ("name", "change", "before", "after")
_FIT_CHANGE = {
    "came in": "is new",
    "went out": "is no longer there",
    "other metric": "is now in another metric",
}


def render(title: str, base: str | None, records: list[Change], fits: int) -> str:
    """The page as HTML. `base`: the release compared with; `fits`: how many syntheses there are now."""
    kinds: dict[str, list[Change]] = {}
    for record in records:
        kinds.setdefault(record.kind, []).append(record)
    conclusions = [record for kind in _CONCLUSION_NAME for record in kinds.get(kind, [])]
    return rendered(
        "changes.html.j2",
        title=f"What changed since release {base}: {title}" if base else f"What changed: {title}",
        style=trusted(read_asset("style.css")),
        base=base,
        summary=list(_summary(base, kinds, conclusions, fits)) if base else [],
        estimates=_estimates(kinds.get("estimate", [])),
        conclusions=_columns("Verdicts and conclusions that are different", _flipped_first(conclusions), *_CONCLUSION),
        studies=_columns("Studies that came in or went out", kinds.get("study", []), *_STUDY),
        rows=_columns("Rows that are different", kinds.get("row", []), *_ROW),
        decisions=_columns("Decisions of the plan and rules of claims", kinds.get("decision", []), *_SIDES),
        software=_columns("Versions", kinds.get("software", []), *_SIDES),
    )


def _summary(base: str, kinds: dict[str, list[Change]], conclusions: list[Change], fits: int) -> Iterable[str]:
    if not kinds:
        yield f"Nothing is different from release {base}."
        return
    yield from _in_and_out(kinds)
    yield from _of_fits(kinds.get("estimate", []), fits)
    flipped = [record for record in conclusions if record.change == "flipped"]
    for record in flipped:
        yield (
            f"{_CONCLUSION_NAME[record.kind]} flipped from \u201c{record.before}\u201d to "
            f"\u201c{record.after}\u201d: {record.title} ({record.name})."
        )
    if not flipped:
        yield "No verdict and no conclusion flipped."
    for kind, *words in (("decision", "decision"), ("software", "version of the software", "versions of the software")):
        if kind in kinds:
            yield f"{text.plural(len(kinds[kind]), *words)} changed."


def _of_fits(records: list[Change], fits: int) -> Iterable[str]:
    """Each estimate that moved, came in or went out; how many did not, and whether something else of them did."""
    estimates = [record for record in records if record.field in ("", "estimate")]
    for record in estimates:
        if record.change == "moved":
            yield _moved(record)
        elif record.change != "unmoved":
            metric = f", from {record.before} to {record.after}" if record.change == "other metric" else ""
            yield f"{record.title}: the {LANE_WORD[record.lane]} {_FIT_CHANGE[record.change]}{metric}."
    same_estimate = sum(record.change == "unmoved" for record in estimates)
    still = fits - sum(record.change in ("moved", "came in", "other metric") for record in estimates)
    sentence = f"{text.count(still)} of {text.plural(fits, 'estimate')} did not move"
    if same_estimate:
        sentence += (
            f", but of {text.count(same_estimate)} of them the interval, the heterogeneity or the number of samples did"
        )
    yield f"{sentence}."


def _in_and_out(kinds: dict[str, list[Change]]) -> Iterable[str]:
    """Studies by name, rows by number."""
    for change in ("came in", "went out"):
        named = [record.name for record in kinds.get("study", []) if record.change == change]
        if named:
            yield f"{text.plural(len(named), 'study', 'studies')} {change}: {', '.join(named)}."
    changes = Counter(change for _, change in {(r.name, r.change) for r in kinds.get("row", [])})
    parts = [
        f"{text.plural(changes[change], 'row')} {words}"
        for change, words in (
            ("came in", "came in"),
            ("went out", "went out"),
            ("corrected", "corrected"),
            ("changed", "changed without a correction"),
            ("used otherwise", "used with another value, or for another reason not used"),
        )
        if changes[change]
    ]
    if parts:
        yield f"{'; '.join(parts)}."


def _moved(record: Change) -> str:
    """How far one estimate moved, in the words of its lane."""
    metric, word = record.metric, LANE_WORD[record.lane]
    old, new = _read(record, record.before), _read(record, record.after)
    sentence = f"{record.title}: the {word} moved from {ESTIMATE_NAME[metric]} = {old} to {new}"
    if record.standard_errors is not None:
        sentence += f", by {_signed(record.standard_errors, 2)} standard errors"
    return f"{sentence}."


def _read(record: Change, cell: str) -> str:
    """A number as it is read, with a third decimal, so that a small move shows."""
    if not cell:
        return ""
    field = record.field or "estimate"
    if field in ("samples", "k"):
        return text.count(float(cell))
    value = back_transform(record.metric, float(cell)) if field in _SCALED else float(cell)
    return text.number(value, 3 if field in _SCALED else 4)


def _signed(value: float, decimals: int) -> str:
    number = text.number(value, decimals)
    return f"+{number}" if value > 0 and float(f"{value:.{decimals}f}") else number


def _estimates(records: list[Change]) -> Table:
    rows: list[Row] = []
    for r in records:
        name = _FIELD_NAME.get(r.field, "pooled estimate")
        difference, scaled = r.difference, r.standard_errors
        decimals = 0 if r.field in ("samples", "k") else 4
        sides = [r.before, r.after]
        if r.change != "other metric":
            sides = [_read(r, side) for side in sides]
        rows.append(
            [
                r.title or r.name,
                LANE_WORD[r.lane],
                f"{name} ({ESTIMATE_NAME[r.metric]})" if (r.field or "estimate") in _SCALED else name,
                r.change,
                *sides,
                cell(None if difference is None else _signed(difference, decimals), difference),
                cell(None if scaled is None else _signed(scaled, 2), scaled),
            ]
        )
    heads = ["Synthesis", "What it is", "Number", "Change", "Released", "Now", "Difference", "In standard errors"]
    return table("Numbers that moved", heads, rows, {4, 5, 6, 7})


def _flipped_first(records: list[Change]) -> list[Change]:
    named = [replace(record, kind=_CONCLUSION_NAME[record.kind]) for record in records]
    return sorted(named, key=lambda record: record.change != "flipped")


def _columns(caption: str, records: list[Change], heads: Iterable[str], columns: Iterable[str]) -> Table:
    return table(caption, heads, [[getattr(record, column) for column in columns] for record in records])
