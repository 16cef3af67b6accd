"""From raw tables to effects: reads, corrects, checks, converts. Nothing is imputed; nothing vanishes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from synthesis.effectsizes import Policy, Row, convert, summary_point
from synthesis.errors import CannotConvert, InputError, Problem
from synthesis.models.columns import BY_NAME, COLUMNS, QUOTED_COLUMNS
from synthesis.models.tables import (
    check_cells,
    check_rows,
    has_number,
    read_corrections,
    read_table,
    typed,
)

CORRECTIONS = "corrections.csv"

# What every row of effects.parquet carries besides the raw columns.
DERIVED_COLUMNS = (
    "source",
    "metric",
    "yi",
    "vi",
    "n_total",
    "exactness",
    "converter",
    "converter_version",
    "corrected",
    "not_in_quote",
)
_UNREAD_REASON = {
    "ns": "reported as not significant, without a number",
    "sig_no_number": "reported as significant, without a number",
    "range_no_n": "only a range is printed, without n",
    "unread": "the result is not in the readable text",
    "inconclusive": "the readable text is inconclusive",
    "not_outcome": "not a treatment outcome",
    "secondary": "known only second-hand",
}


@dataclass(frozen=True, slots=True)
class Extracted:
    """A source after extraction: usable effects, and rows that are not, with the reason."""

    effects: pd.DataFrame
    dropped: pd.DataFrame


def corrections_of(raw: Path) -> pd.DataFrame | None:
    """The corrections of a data folder, as text, or None where there are none."""
    path = raw / CORRECTIONS
    return read_corrections(path) if path.exists() else None


def load_source(
    raw: Path, source: str, corrections: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[Problem]]:
    """Reads one source: typed rows with a `corrected` column, and every problem found.

    The index is the row number in the file, the header being row 1.
    """
    path = raw / source / "effects.csv"
    text = read_table(path, COLUMNS)
    if text.empty:
        return typed(text), [Problem(str(path), "no rows below the header", "at least one row")]
    problems = []
    text["_corrected"] = ""
    if corrections is not None:
        problems += _apply_corrections(raw / CORRECTIONS, text, corrections)
    problems += check_cells(path, text.drop(columns="_corrected"), COLUMNS)
    if problems:
        return pd.DataFrame(columns=list(BY_NAME)), problems
    rows = typed(text)
    rows["corrected"] = text["_corrected"].astype("str")
    return rows, check_rows(path, rows)


def _apply_corrections(
    path: Path, text: pd.DataFrame, corrections: pd.DataFrame
) -> list[Problem]:
    """Writes the corrections of this table into `text`; returns those whose `old` no longer matches."""
    problems = []
    at = {effect_id: number for number, effect_id in text["effect_id"].items()}
    for line, correction in corrections.iterrows():
        number = at.get(correction["effect_id"])
        if number is None:
            continue
        field, old = correction["field"], correction["old"]
        if field not in text.columns:
            text[field] = ""
        current = text.at[number, field]
        if current != old:
            where = f"{path}, row {line}, column old"
            hint = f"{correction['effect_id']} {field} changed since, or the correction is applied twice"
            problems.append(Problem(where, old, f"{current!r}, as the table has it", hint))
            continue
        text.at[number, field] = correction["new"]
        done = text.at[number, "_corrected"]
        text.at[number, "_corrected"] = f"{done}; {field}" if done else field
    return problems


def unknown_corrections(
    path: Path, corrections: pd.DataFrame | None, effect_ids: set[str]
) -> list[Problem]:
    """Corrections of rows that no source has."""
    if corrections is None:
        return []
    return [
        Problem(
            f"{path}, row {line}, column effect_id",
            row["effect_id"],
            "an effect_id of a source",
            "renamed or removed since?",
        )
        for line, row in corrections.iterrows()
        if row["effect_id"] not in effect_ids
    ]


def extract(
    raw: Path, source: str, metrics: tuple[str, ...], policy: Policy | None = None
) -> Extracted:
    """Effects and dropped rows of one source in the given metrics.

    Raises InputError with every problem of the source's table and of its corrections.
    """
    rows, problems = load_source(raw, source, corrections_of(raw))
    if problems:
        raise InputError(problems)
    usable, unusable = [], []
    for row in rows.to_dict(orient="records"):
        for metric in metrics:
            try:
                usable.append(_effect(row, source, metric, policy or Policy()))
            except CannotConvert as refusal:
                category, reason = _why(row, str(refusal))
                entry = {"source": source, "category": category, "reason": reason, "metric": metric}
                unusable.append(entry | {name: row[name] for name in BY_NAME})
    effects = pd.DataFrame(usable, columns=[*DERIVED_COLUMNS, *BY_NAME])
    dropped = pd.DataFrame(unusable, columns=["source", "category", "reason", "metric", *BY_NAME])
    return Extracted(_settled(effects), _settled(dropped))


def _effect(row: Row, source: str, metric: str, policy: Policy) -> dict[str, object]:
    if row["exclusion_reason"]:
        raise CannotConvert(row["exclusion_reason"])
    if row["estimand"] in {"descriptive", "interaction"}:
        raise CannotConvert(f"estimand {row['estimand']}: not an association or an effect to pool")
    if row["level"] == "summary":
        yi, vi = summary_point(row, metric)
        name, version, exact = "summary", 1, True
    else:
        estimate, converter = convert(row, metric, policy)
        yi, vi = estimate.yi, estimate.vi
        name, version, exact = converter.name, converter.version, converter.exact
    derived = {
        "source": source,
        "metric": metric,
        "yi": yi,
        "vi": math.nan if vi is None else vi,
        "n_total": total_n(row),
        "exactness": "exact" if exact else "approximate",
        "converter": name,
        "converter_version": version,
        "corrected": row["corrected"],
        "not_in_quote": "; ".join(numbers_not_in_quote(row)),
    }
    return derived | {name: row[name] for name in BY_NAME} | {"label": label_of(row)}


def label_of(row: Row) -> str:
    """The name shown in figures."""
    if row["label"]:
        return str(row["label"])
    year = "" if row["year"] != row["year"] else f" {row['year']:.0f}"
    return str(row["study"]) if year.strip() in row["study"] else f"{row['study']}{year}"


def total_n(row: Row) -> float:
    """People behind a row: n, or both arms, or both arms' counts; missing where none is printed."""
    if row["n"] == row["n"]:
        return float(row["n"])
    for first, second in (("n_treat", "n_control"), ("total_treat", "total_control")):
        if row[first] == row[first] and row[second] == row[second]:
            return float(row[first] + row[second])
    return math.nan


def _why(row: Row, refusal: str) -> tuple[str, str]:
    """Category and reason of a dropped row."""
    if row["exclusion_reason"]:
        excluded = row["exclusion_reason"]
        if not has_number(row) and row["reported_as"] in _UNREAD_REASON:
            return "gap", _UNREAD_REASON[row["reported_as"]]
        return "excluded", excluded
    if row["estimand"] in {"descriptive", "interaction"}:
        return "descriptive", refusal
    if not has_number(row):
        return "gap", _UNREAD_REASON.get(row["reported_as"], "the reachable text prints no number")
    return "refused", refusal


_PRINTED = re.compile(r"\d*[.,·]?\d+")


def numbers_not_in_quote(row: Row) -> list[str]:
    """Columns whose number the quote does not show, signs aside; percentages count as proportions.

    The first check of an extraction: it finds numbers read elsewhere on the page, derived, or mistyped.
    """
    quote = re.sub(r"(?<=\d),(?=\d{3}\b)", "", row["quote"])
    shown = {float(re.sub("[,·]", ".", token)) for token in _PRINTED.findall(quote)}
    shown |= {round(value / 100, 6) for value in shown}
    missing = []
    for name in QUOTED_COLUMNS:
        cell = row[name]
        if name == "p":
            cell = float(re.sub(r"^[<>=\s]+", "", cell)) if cell else math.nan
        if cell == cell and abs(float(cell)) not in shown:
            missing.append(name)
    return missing


def _settled(table: pd.DataFrame) -> pd.DataFrame:
    """Column types that do not depend on which rows a source happens to have."""
    numeric = {c.name for c in COLUMNS if c.kind in {"number", "count", "sign"}} | {
        "yi",
        "vi",
        "n_total",
        "converter_version",
    }
    for name in table.columns:
        if name in numeric:
            table[name] = table[name].astype("float64")
        else:
            table[name] = table[name].fillna("").astype("str")
    return table.reset_index(drop=True)
