"""The layout of the processes beside each other: numbers, published summaries, nulls as 0, bounds, the stress test."""

from __future__ import annotations

from synthesis import text
from synthesis.draw.forest_notes import K_NOTE, published_note
from synthesis.draw.layout import Layout, Row, RowKind, coordinates, mark_of, section_of
from synthesis.draw.reference_rows import MORE_OF_IT, derived_notes, derived_sign
from synthesis.results.process import Approach, ProcessPool, ProcessResults, ProcessSummary

NAME = "process"
_LABELS: dict[Approach, str] = {
    "numbers": "Printed estimates, pooled",
    "nulls 0": "Not significant without a number: as 0",
    "stress test": "Stress test: not significant 0, significant 1.96/√n",
}
_NOTES = (
    "Filled: printed estimates, a diamond where they are pooled, a square of one sample. Hollow: with values that no "
    "source prints.",
    "Column of printed estimates: how many are behind a row; all else of it is entered by rule.",
    "Hollow bars: bounds, no CIs. The pooled value if every finding reported as not significant just missed "
    "significance with its n: all with a worse outcome, or all with a better one. Significant findings without a "
    "number are left out.",
    "Results that are not significant may go unmentioned in abstracts; adherence, competence and integrity are skill "
    "and fidelity of the therapist, homework is what patients do. None of them is the protocol as such.",
)


# In the place of an interval, in two texts as limits are.
_NONE = ("no", "number")
_NONE_NOTE = "No number: all findings are entered by rule, so that there is neither an estimate nor an interval."


def process_layout(results: ProcessResults) -> Layout:
    """One block of rows per construct, in the order of the plan."""
    rows: list[Row] = []
    for construct, title in results.names.items():
        rows.append(Row("heading", title, "A"))
        pools = {row.approach: row for row in results.pools if row.construct == construct}
        if "numbers" in pools:
            rows.append(_pool_row(pools["numbers"]))
        rows += [_summary_row(row) for row in results.summaries if row.construct == construct]
        if "nulls 0" in pools:
            rows.append(_pool_row(pools["nulls 0"]))
            rows.append(_bounds_row(pools["nulls at the lower edge"], pools["nulls at the upper edge"]))
        if "stress test" in pools:
            rows.append(_pool_row(pools["stress test"]))
        if len(rows) and rows[-1].kind == "heading":
            rows.append(Row("note", "Nothing was found."))
    section = section_of(
        NAME,
        "z",
        ("samples_or_k", "printed_estimates"),
        rows,
        results.level,
        favours=MORE_OF_IT,
        row_name="Association with outcome",
    )
    unknown = f"{text.NONE}: the source prints no number of studies."
    lacking = any(row.k is None for row in results.summaries)
    published = [row for row in rows if row.kind == "reference"]
    notes = (
        *_NOTES,
        *([_NONE_NOTE] if any(row.high_text == _NONE[1] for row in rows) else []),
        *([f"{published_note(published)} {K_NOTE}"] if published else []),
        *([unknown] if lacking else []),
        *derived_notes(row.basis for row in results.summaries),
    )
    return Layout(NAME, results.title, (section,), notes=notes)


def _pool_row(pool: ProcessPool) -> Row:
    kind: RowKind = "converted" if pool.approach != "numbers" else "single" if pool.samples == 1 else "pooled"
    label, cells = _label(pool), _cells(pool)
    if not pool.numbers:
        # Constants of a rule have no sampling error.
        return Row(kind, label, "A", cells, key=pool.construct, low_text=_NONE[0], high_text=_NONE[1])
    mark = mark_of("z", pool.estimate, pool.ci_low, pool.ci_high)
    return Row(kind, label, "A", cells, key=pool.construct, **mark)


def _label(pool: ProcessPool) -> str:
    if pool.approach != "numbers" or pool.samples > 1:
        return _LABELS[pool.approach]
    return "Printed estimate" if pool.numbers == 1 else "Printed estimates of one sample"


def _cells(pool: ProcessPool) -> tuple[str, str]:
    return text.count(pool.samples), text.count(pool.numbers)


def _bounds_row(lower: ProcessPool, upper: ProcessPool) -> Row:
    low, high = coordinates("z", lower.estimate, upper.estimate)
    return Row(
        "bounds",
        "Bounds, no CI: as just not significant",
        "A",
        _cells(lower),
        ci_low=low,
        ci_high=high,
        low_text=f"{text.number(low)} to",
        high_text=text.number(high),
        key=lower.construct,
    )


def _summary_row(row: ProcessSummary) -> Row:
    mark = mark_of("z", row.estimate, row.ci_low, row.ci_high)
    detail = f", {row.detail}" if row.detail else ""
    count = text.NONE if row.k is None else text.count(row.k)
    label = f"{row.label}{detail}{derived_sign(row.basis)}"
    return Row("reference", label, "A", (count, ""), key=row.effect_id, effects=(row.effect_id,), **mark)
