"""From raw tables to effects: reads, corrects, checks, converts. Nothing is imputed; nothing vanishes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from synthesis.data.arms import combined
from synthesis.data.columns import (
    BY_NAME,
    COLUMNS,
    EFFECT_COLUMNS,
    NUMERIC_KINDS,
    QUOTED_COLUMNS,
    RAW_COLUMNS,
    SECOND_COLUMNS,
    Column,
)
from synthesis.data.converters import convert, summary_point
from synthesis.data.one_arm import for_clusters
from synthesis.data.own import ABOUT, codes, columns_of, declared, mixed
from synthesis.data.printed import Numbered, Row, effective
from synthesis.data.registry import Z_95, Policy
from synthesis.data.risk_table import find_risk, rate
from synthesis.data.scales import on_scale
from synthesis.data.summaries import Precision, precision
from synthesis.data.tables import check_cells, check_rows, check_second, has_number, read_corrections, read_table, typed
from synthesis.data.terms import check_terms
from synthesis.data.vocabulary import AS_PRINTED, DropCategory
from synthesis.errors import CannotConvert, InputError, NoPlace, Problem
from synthesis.results.extracted import Dropped, Effect, Extracted, Reference
from synthesis.results.files import check_inside

CORRECTIONS = "corrections.csv"
_SECOND = frozenset(column.name for column in SECOND_COLUMNS)

# Columns of the results, with their types: the same for every source, whatever it happens to hold.
_RAW_TYPES: dict[str, type] = {c.name: float if c.kind in NUMERIC_KINDS else str for c in COLUMNS}
EFFECT_TYPES: dict[str, type] = {c.name: float if c.kind in NUMERIC_KINDS else str for c in EFFECT_COLUMNS}
DROPPED_TYPES: dict[str, type] = {
    "source": str,
    "category": str,
    "reason": str,
    "metric": str,
    "not_in_quote": str,
} | _RAW_TYPES
_UNREAD_REASON = {
    "ns": "reported as not significant, without a number",
    "sig_no_number": "reported as significant, without a number",
    "range_no_n": "only a range is printed, without n",
    "unread": "the result is not in the readable text",
    "inconclusive": "the readable text is inconclusive",
    "not_outcome": "not a treatment outcome",
    "secondary": "known only second-hand",
}


def corrections_of(raw: Path) -> list[Numbered]:
    """The corrections of a data folder, as text; none where there is no file."""
    path = raw / CORRECTIONS
    check_inside(raw, path)
    return read_corrections(path, lambda: _all_declared(raw)) if path.exists() else []


def _all_declared(raw: Path) -> list[str]:
    """The users' columns of every source of a folder."""
    return [name for about in sorted(raw.glob("*/source.yaml")) for name in declared(about.parent).columns]


def load_source(raw: Path, source: str, corrections: list[Numbered]) -> tuple[list[Numbered], list[Problem]]:
    """Reads one source: typed rows with an entry `corrected`, numbered as in the file, and every problem found.

    The rows are empty where a cell of the file is not of its column's type.
    """
    rows, _, problems = load_own(raw, source, corrections)
    return rows, problems


def load_own(
    raw: Path, source: str, corrections: list[Numbered]
) -> tuple[list[Numbered], tuple[Column, ...], list[Problem]]:
    """As `load_source`, with the user's own columns of the source."""
    path = raw / source / "effects.csv"
    check_inside(raw, path)
    declared_columns: tuple[Column, ...] = ()
    possible = declared(raw / source)
    columns = (*RAW_COLUMNS, *(Column(name, "text", "") for name in possible.columns))
    rows = read_table(path, columns)
    if not rows:
        return [], declared_columns, [Problem(str(path), "no rows below the header", "at least one row")]
    header = set(rows[0][1])
    changed, problems = apply_corrections(raw / CORRECTIONS, rows, corrections, columns)
    problems += [
        Problem(
            f"{raw / source / ABOUT}, key columns.{name}",
            name,
            f"a column of {path}",
            "left out, or spelt otherwise?",
        )
        for name in possible.columns
        if name not in header
    ]
    declared_columns = columns_of(possible.columns, [row for _, row in rows])
    faults = check_cells(path, rows, (*columns, *declared_columns)) + check_second(path, rows)
    faults += check_terms(path, rows, possible.vocabulary) + mixed(path, possible.columns, rows)
    if faults:
        return [], declared_columns, problems + faults
    # In the place of the rows as they were read: both together are most of the memory of a large source.
    for place, (number, row) in enumerate(rows):
        record = typed(row, declared_columns)
        record["corrected"] = "; ".join(changed.get(row["effect_id"], []))
        rows[place] = number, record
    problems += check_rows(path, rows) + codes(path, declared_columns, rows)
    try:
        problems += rate(path, rows, find_risk(raw, source, {row["sample_id"] for _, row in rows}))
    except InputError as error:
        problems += error.problems
    return rows, declared_columns, problems


def apply_corrections(
    path: Path, rows: list[Numbered], corrections: list[Numbered], columns: Iterable[Column] = RAW_COLUMNS
) -> tuple[dict[str, list[str]], list[Problem]]:
    """Writes the corrections into `rows`; returns the fields changed by row, and those whose `old` differs.

    Corrections of what the second coder read change no result, and are not among the fields changed.
    """
    by_id = {row["effect_id"]: row for _, row in rows}
    known = {column.name for column in columns}
    changed: dict[str, list[str]] = {}
    problems = []
    for line, correction in corrections:
        effect_id, field, old = (correction[k] for k in ("effect_id", "field", "old"))
        row = by_id.get(effect_id)
        if row is None:
            continue
        if field not in known:
            allowed = f"a column that the source of {effect_id} has or declares"
            problems.append(Problem(f"{path}, row {line}, column field", field, allowed))
            continue
        current = row.get(field, "")
        if current != old:
            where = f"{path}, row {line}, column old"
            hint = f"{effect_id} {field} changed since, or the correction is applied twice"
            problems.append(Problem(where, old, f"{current!r}, as the table has it", hint))
            continue
        row[field] = correction["new"]
        if field not in _SECOND:
            changed.setdefault(effect_id, []).append(field)
    return changed, problems


def unknown_corrections(path: Path, corrections: list[Numbered], effect_ids: set[str]) -> list[Problem]:
    """Corrections of rows that no source has."""
    return [
        Problem(
            f"{path}, row {line}, column effect_id",
            row["effect_id"],
            "an effect_id of a source",
            "renamed or removed since?",
        )
        for line, row in corrections
        if row["effect_id"] not in effect_ids
    ]


def extract(raw: Path, source: str, metrics: tuple[str, ...], policy: Policy | None = None) -> Extracted:
    """Effects and dropped rows of one source in the given metrics.

    Raises InputError with every problem of the source's table and of its corrections.
    """
    rows, declared_columns, problems = load_own(raw, source, corrections_of(raw))
    if problems:
        raise InputError(problems)
    assessed = find_risk(raw, source, {row["sample_id"] for _, row in rows})
    kinds = {column.name: column.kind for column in declared_columns}
    return replace(convert_rows(rows, source, metrics, policy), own=kinds, assessed=assessed)


def convert_rows(
    rows: list[Numbered], source: str, metrics: tuple[str, ...], policy: Policy | None = None
) -> Extracted:
    """The checked rows of a source as effects, or dropped with the reason.

    A row is not lost for having no place on one scale where it has a number on another.
    """
    effects: list[Effect] = []
    dropped: list[Dropped] = []
    policy = policy or Policy()
    together, others = combined(rows) if policy.shared_control == "combine" else ({}, {})
    for _, row in rows:
        converted, refusals = [], []
        if row["effect_id"] in others:
            dropped.append(_combined(row, source, metrics[0], others[row["effect_id"]]))
            continue
        for metric in metrics:
            try:
                converted.append(_effect(row, source, metric, policy, together.get(row["effect_id"])))
            except CannotConvert as refusal:
                refusals.append((metric, refusal))
        effects += converted
        for metric, why in refusals:
            if not (converted and isinstance(why, NoPlace)):
                dropped.append(_dropped(row, source, metric, str(why)))
    return Extracted(effects=tuple(effects), dropped=tuple(dropped))


def _dropped(row: Row, source: str, metric: str, refusal: str) -> Dropped:
    category, reason = _why(row, refusal)
    quoted = "; ".join(numbers_not_in_quote(row))
    raw = {name: row[name] for name in BY_NAME} | {"own": row.get("own", {})}
    return Dropped(source=source, category=category, reason=reason, metric=metric, not_in_quote=quoted, **raw)


def _combined(row: Row, source: str, metric: str, first: str) -> Dropped:
    reason = f"its treatment arm is part of {first}: both compare with the same control arm"
    raw = {name: row[name] for name in BY_NAME}
    quoted = "; ".join(numbers_not_in_quote(row))
    return Dropped(source=source, category="combined", reason=reason, metric=metric, not_in_quote=quoted, **raw)


def _effect(row: Row, source: str, metric: str, policy: Policy, together: Row | None = None) -> Effect:
    """`together`: the row with the treatment arms that share its control arm; its cells stay as printed."""
    if row["exclusion_reason"]:
        raise CannotConvert(row["exclusion_reason"])
    if row["estimand"] in {"descriptive", "interaction"}:
        raise CannotConvert(f"estimand {row['estimand']}: not an association or an effect to pool")
    if row["level"] == "summary":
        yi, vi = summary_point(row, metric)
        if vi is None and (implied := precision(row, metric, yi, None, None)):
            vi = implied.variance
        name, version, exact = "summary", 1, True
    else:
        estimate, converter = convert(effective(together or row), metric, policy)
        name, version, exact = converter.name, converter.version, converter.exact
        if together is not None:
            name = f"arms_combined_{name}"
        if clustered := for_clusters(together or row, metric, policy, estimate):
            estimate, name, exact = clustered, f"clustered_arm_{name}", False
        yi, vi = estimate.yi, estimate.vi
    return Effect(
        source=source,
        metric=metric,
        yi=yi,
        vi=vi,
        n_total=total_n(together or row),
        exactness="exact" if exact else "approximate",
        converter=name,
        converter_version=float(version),
        corrected=row["corrected"],
        not_in_quote="; ".join(numbers_not_in_quote(row)),
        **(
            {column: row[column] for column in BY_NAME}
            | {"label": label_of(row), "own": row.get("own", {})}
            | _treatment(together)
        ),
    )


def _treatment(together: Row | None) -> dict[str, str]:
    return {} if together is None else {"treatment": str(together["treatment"])}


def label_of(row: Row) -> str:
    """The name shown in figures."""
    if row["label"]:
        return str(row["label"])
    year = "" if row["year"] is None else f" {row['year']:.0f}"
    return str(row["study"]) if year.strip() in row["study"] else f"{row['study']}{year}"


def total_n(row: Row) -> float | None:
    """People behind a row: n, or both arms, or both arms' counts, or the one group; missing where none is printed."""
    if row["n"] is not None:
        return float(row["n"])
    for first, second in (("n_treat", "n_control"), ("total_treat", "total_control")):
        if row[first] is not None and row[second] is not None:
            return float(row[first] + row[second])
    if row["estimand"] == "one_group":
        return next((float(row[name]) for name in ("n_treat", "total_treat") if row[name] is not None), None)
    return None


def _why(row: Row, refusal: str) -> tuple[DropCategory, str]:
    """Category and reason of a dropped row."""
    unread = _UNREAD_REASON.get(row["reported_as"], "")
    if unread and row["value"] is None:
        return "gap", unread
    if row["exclusion_reason"]:
        return "excluded", row["exclusion_reason"]
    if row["estimand"] in {"descriptive", "interaction"}:
        return "descriptive", refusal
    if not has_number(row):
        return "gap", "the reachable text prints no number"
    return "refused", refusal


_THOUSANDS = re.compile(r"\b[1-9]\d{0,2}(,\d{3})+\b")
_PRINTED = re.compile(r"\d*[.,·]?\d+(?:[eE][+-]?\d+)?")


def numbers_not_in_quote(row: Row) -> list[str]:
    """Columns whose number the quote does not show, signs aside; percentages count as proportions.

    The first check of an extraction: it finds numbers read elsewhere on the page, derived, or mistyped.
    """
    quote = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), row["quote"])
    quoted = {float(re.sub("[,·]", ".", token)) for token in _PRINTED.findall(quote)}
    quoted |= {round(value / 100, 6) for value in quoted}
    missing = []
    for name in QUOTED_COLUMNS:
        cell = row[name]
        if name == "p":
            cell = float(re.sub(r"^[<>=\s]+", "", cell)) if cell else None
        if cell is not None and abs(float(cell)) not in quoted:
            missing.append(name)
    return missing


def reference_rows(key: str, effect_ids: tuple[str, ...], metric: str, effects: Iterable[Effect]) -> list[Reference]:
    """Published summaries by effect_id, for display only. Raises InputError for unknown or unusable ones."""
    by_id = {row.effect_id: row for row in effects if row.metric == metric}
    references, problems = [], []
    for effect_id in effect_ids:
        row = by_id.get(effect_id)
        if row is None:
            allowed = f"a row of the sources that is usable in metric {metric}"
            hint = "see results/dropped.csv for the reason"
            problems.append(Problem(key, effect_id, allowed, hint))
        elif row.level != "summary":
            problems.append(Problem(key, effect_id, "a row of level summary", "studies are pooled"))
        else:
            low, high = _printed_interval(row, metric)
            printed_precision = precision({name: row.cell(name) for name in BY_NAME}, metric, row.yi, low, high)
            if printed_precision and low is None:
                low, high = _limits(row.yi, printed_precision)
            references.append(
                Reference(
                    effect_id=effect_id,
                    label=row.label,
                    detail=row.treatment,
                    construct=row.construct,
                    yi=row.yi,
                    k=None if row.k is None else int(row.k),
                    ci_low=low,
                    ci_high=high,
                    se=None if printed_precision is None else math.sqrt(printed_precision.variance),
                    df=None if printed_precision is None else printed_precision.df,
                    basis="" if printed_precision is None else printed_precision.basis,
                    comparator=row.comparator,
                )
            )
    if problems:
        raise InputError(problems)
    return references


def with_filled(effect_ids: tuple[str, ...], gaps: tuple[str, ...], effects: Iterable[Effect]) -> tuple[str, ...]:
    """The effect_ids to show: those named, and of the gaps those that hold a usable number by now."""
    usable = {row.effect_id for row in effects}
    return (*effect_ids, *(name for name in gaps if name in usable))


def _limits(yi: float, given: Precision) -> tuple[float, float]:
    """The 95% limits that follow from a precision."""
    if given.df is None:
        quantile = Z_95
    else:
        from scipy.special import stdtrit

        quantile = float(stdtrit(given.df, 0.975))
    half = quantile * math.sqrt(given.variance)
    return yi - half, yi + half


def _printed_interval(row: Effect, metric: str) -> tuple[float, float] | tuple[None, None]:
    """The limits as printed, on the metric's scale and oriented like the estimate."""
    if row.ci_low is None or row.ci_high is None:
        return None, None
    scale = float if row.statistic.startswith("log_") else on_scale(metric)
    turned = 1.0 if metric in AS_PRINTED or row.direction is None else row.direction
    low, high = sorted(turned * scale(limit) for limit in (row.ci_low, row.ci_high))
    return low, high
