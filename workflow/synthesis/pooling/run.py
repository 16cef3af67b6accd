"""One synthesis of the plan: selects its effects, fits them, and describes the result completely."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from synthesis.errors import InputError, Problem
from synthesis.models.config import MIX_COLUMNS, Condition, Defaults, Synthesis
from synthesis.models.vocabulary import LANE_ESTIMANDS, LANE_WORD
from synthesis.pooling.dependence import composites
from synthesis.pooling.fit import pool

# Columns that describe a study row in tables and figures.
DESCRIPTORS = (
    "rater",
    "comparator",
    "outcome",
    "format",
    "disorder",
    "treatment",
    "timepoint",
    "confidence",
    "tier",
    "rob",
    "country",
    "exactness",
    "estimand",
)
MIXED = "mixed"


def keep(table: pd.DataFrame, select: Mapping[str, Condition]) -> pd.Series:
    """Which rows meet every condition. A missing number meets no range."""
    mask = pd.Series(True, index=table.index)
    for name, condition in select.items():
        column = table[name]
        if condition.any_of is not None or condition.none_of is not None:
            text = column if column.dtype != "float64" else column.map("{:g}".format)
            if condition.any_of is not None:
                mask &= text.isin(condition.any_of)
            if condition.none_of is not None:
                mask &= ~text.isin(condition.none_of)
        if condition.at_least is not None:
            mask &= column >= condition.at_least
        if condition.at_most is not None:
            mask &= column <= condition.at_most
    return mask


def select_effects(
    name: str, synthesis: Synthesis, effects: pd.DataFrame, dropped: pd.DataFrame
) -> pd.DataFrame:
    """The rows of a synthesis, in the order of its sources; imputed zeros, where asked for, at the end.

    `effects`, `dropped`: the extracted tables of its sources. Raises InputError when nothing is left, when a value
    of a select condition occurs nowhere, and when estimands, levels, constructs or comparators are mixed unnamed.
    """
    key = f"config, key syntheses.{name}"
    pieces = [effects[effects["source"] == source] for source in synthesis.sources]
    table = pd.concat(pieces, ignore_index=True)
    table = table[table["metric"] == synthesis.metric]
    _check_values_occur(key, synthesis, table)
    if "level" not in synthesis.mix:
        table = table[table["level"] == "study"]
    chosen = table[keep(table, synthesis.select)]
    chosen = chosen[chosen["estimand"].isin(LANE_ESTIMANDS[synthesis.lane])]
    chosen = chosen[chosen["vi"].notna()]
    chosen = _without_copies(chosen)
    if chosen.empty:
        hint = _emptiest(table, synthesis.select)
        allowed = f"at least one usable effect in metric {synthesis.metric}"
        raise InputError([Problem(key, "selects nothing", allowed, hint)])
    if synthesis.nonsignificant_as_zero:
        chosen = pd.concat(
            [chosen, _zeros(synthesis, dropped, set(chosen["sample_id"]))], ignore_index=True
        )
    _check_mix(key, synthesis, chosen)
    chosen = chosen.reset_index(drop=True)
    if synthesis.orientation == "as_reported":
        chosen["yi"] = chosen["yi"] * chosen["direction"]
    return chosen


def _without_copies(table: pd.DataFrame) -> pd.DataFrame:
    """Without repeats of a finding that two sources list: same sample, instrument, rater, time and numbers.

    The first source of the plan is kept; "PHQ-9" and "phq-9" are one instrument.
    """
    outcome = table["outcome"].str.casefold().str.replace(r"[^a-z0-9]", "", regex=True)
    identity = table.assign(outcome=outcome, yi=table["yi"].round(6))
    columns = ["sample_id", "outcome", "rater", "timepoint", "yi"]
    across = identity.duplicated(columns, keep="first") & ~identity.duplicated(
        [*columns, "source"], keep="first"
    )
    return table[~across]


def _check_values_occur(key: str, synthesis: Synthesis, table: pd.DataFrame) -> None:
    """A word in a condition that no row of the sources has is a slip, not an empty group."""
    problems = []
    for name, condition in synthesis.select.items():
        if table[name].dtype == "float64":
            continue
        present = set(table[name])
        for word in (*(condition.any_of or ()), *(condition.none_of or ())):
            if word not in present:
                allowed = "one of " + ", ".join(sorted(present - {""})[:20])
                problems.append(Problem(f"{key}.select.{name}", word, allowed))
    if problems:
        raise InputError(problems)


def _emptiest(table: pd.DataFrame, select: Mapping[str, Condition]) -> str:
    """Which condition leaves nothing by itself."""
    if table.empty:
        return "its sources hold no effect in this metric; see results/dropped.csv"
    alone = [name for name, c in select.items() if not keep(table, {name: c}).any()]
    if alone:
        return f"select.{alone[0]} alone excludes every row"
    return "the conditions exclude each other"


def _check_mix(key: str, synthesis: Synthesis, chosen: pd.DataFrame) -> None:
    problems = []
    for column in MIX_COLUMNS:
        present = sorted(set(chosen[column]))
        named = synthesis.mix.get(column)  # type: ignore[call-overload]
        if named is None and len(present) > 1:
            allowed = f"one {column}, or all of them named under mix.{column}"
            hint = "what is pooled together must be said"
            problems.append(Problem(key, f"{column} " + ", ".join(present), allowed, hint))
        if named is not None:
            unnamed = [value for value in present if value not in named]
            if unnamed:
                allowed = "only " + ", ".join(named)
                problems.append(Problem(f"{key}.mix.{column}", ", ".join(unnamed), allowed))
    if problems:
        raise InputError(problems)


def _zeros(synthesis: Synthesis, dropped: pd.DataFrame, present: set[str]) -> pd.DataFrame:
    """Samples reported only as "not significant", entered as 0: a stress test, marked as such."""
    rows = dropped[
        dropped["source"].isin(synthesis.sources)
        & (dropped["reported_as"] == "ns")
        & (dropped["n"] > 4)
        & (dropped["metric"] == synthesis.metric)
        & dropped["estimand"].isin(LANE_ESTIMANDS[synthesis.lane])
        & ~dropped["sample_id"].isin(present)
    ]
    conditions = {k: c for k, c in synthesis.select.items() if k not in {"tier", "exactness"}}
    rows = rows[keep(rows, conditions)] if conditions else rows
    zeros = rows.drop(columns=["category", "reason"]).copy()
    zeros["yi"] = 0.0
    zeros["vi"] = 1 / (zeros["n"] - 3 - (zeros["estimand"] == "r_partial"))
    zeros["n_total"] = zeros["n"]
    zeros["exactness"] = "set to zero"
    zeros["converter"], zeros["converter_version"] = "ns_as_zero", 1.0
    zeros["corrected"], zeros["not_in_quote"] = "", ""
    zeros["label"] = zeros["label"].where(zeros["label"] != "", zeros["study"])
    return zeros


def run_synthesis(
    name: str,
    synthesis: Synthesis,
    defaults: Defaults,
    effects: pd.DataFrame,
    dropped: pd.DataFrame,
) -> dict[str, Any]:
    """The model document of one synthesis: every field of the fit, its studies, references and provenance."""
    chosen = select_effects(name, synthesis, effects, dropped)
    tau2 = synthesis.tau2 or defaults.tau2
    ci = synthesis.ci or defaults.ci
    rho = defaults.rho if synthesis.rho is None else synthesis.rho
    yi, vi = chosen["yi"].to_numpy(), chosen["vi"].to_numpy()
    cluster = list(chosen["sample_id"])
    fit = pool(
        yi,
        vi,
        tau2=tau2,
        ci=ci,
        cluster=cluster,
        rho=rho,
        level=defaults.level,
        metric=synthesis.metric,
    )
    document: dict[str, Any] = {
        "synthesis": name,
        "title": synthesis.title,
        "lane": synthesis.lane,
        "word": LANE_WORD[synthesis.lane],
        "sources": list(synthesis.sources),
        "set_to_zero": int((chosen["exactness"] == "set to zero").sum()),
    }
    document |= fit.to_dict()
    document["studies"] = _studies(chosen, composites(yi, vi, cluster, rho), fit.weights)
    document["references"] = reference_rows(
        f"config, key syntheses.{name}.references",
        synthesis.references.effects if synthesis.references else (),
        synthesis.metric,
        effects,
    )
    document["config_sha256"] = digest(
        {"synthesis": synthesis.model_dump(mode="json"), "defaults": defaults.model_dump(mode="json")}
    )
    document["inputs_sha256"] = _digest_of_rows(chosen)
    document["versions"] = versions()
    return document


def _studies(
    chosen: pd.DataFrame, combined: Any, weights: tuple[float, ...]
) -> list[dict[str, Any]]:
    """One entry per independent sample, in the order of the data."""
    studies = []
    triples = zip(combined.samples, combined.members, weights, strict=True)
    for position, (sample, members, weight) in enumerate(triples):
        rows = chosen.iloc[list(members)]
        n = rows["n_total"].max()
        entry = {
            "sample_id": sample,
            "label": _common(rows["label"], " / "),
            "year": None if rows["year"].isna().all() else int(rows["year"].min()),
            "yi": float(combined.yi[position]),
            "vi": float(combined.vi[position]),
            "weight": weight,
            "n": None if math.isnan(n) else int(n),
            "effects": list(rows["effect_id"]),
            "source": _common(rows["source"], " / "),
        }
        entry |= {name: _common(rows[name], None) for name in DESCRIPTORS}
        studies.append(entry)
    return studies


def _common(values: pd.Series, joiner: str | None) -> str:
    """The value that all rows share; several are joined, or called mixed."""
    distinct = list(dict.fromkeys(v for v in values if v != ""))
    if len(distinct) <= 1:
        return distinct[0] if distinct else ""
    if joiner is not None and len(distinct) == 2:
        return joiner.join(distinct)
    return f"{distinct[0]} and others" if joiner is not None else MIXED


def reference_rows(
    key: str, effect_ids: tuple[str, ...], metric: str, effects: pd.DataFrame
) -> list[dict[str, Any]]:
    """Published summaries by effect_id, for display only. Raises InputError for unknown or unusable ones."""
    found, problems = [], []
    for effect_id in effect_ids:
        rows = effects[(effects["effect_id"] == effect_id) & (effects["metric"] == metric)]
        if rows.empty:
            allowed = f"a row of its sources that is usable in metric {metric}"
            hint = "see results/dropped.csv for the reason"
            problems.append(Problem(key, effect_id, allowed, hint))
            continue
        row = rows.iloc[0]
        if row["level"] != "summary":
            problems.append(Problem(key, effect_id, "a row of level summary", "studies are pooled"))
            continue
        found.append(
            {
                "effect_id": effect_id,
                "label": row["label"],
                "detail": row["treatment"],
                "construct": row["construct"],
                "yi": float(row["yi"]),
                "vi": None if math.isnan(row["vi"]) else float(row["vi"]),
                "k": None if math.isnan(row["k"]) else int(row["k"]),
                "n": None if math.isnan(row["n"]) else int(row["n"]),
                **_printed_interval(row, metric),
            }
        )
    if problems:
        raise InputError(problems)
    return found


def _printed_interval(row: pd.Series, metric: str) -> dict[str, float | None]:
    """The limits as printed, on the metric's scale and oriented like the estimate."""
    if math.isnan(row["vi"]) or math.isnan(row["ci_low"]):
        return {"ci_low": None, "ci_high": None}
    limits = [float(row["ci_low"]), float(row["ci_high"])]
    if metric == "z":
        limits = [math.atanh(x) for x in limits]
    limits = sorted(float(row["direction"]) * x for x in limits)
    return {"ci_low": limits[0], "ci_high": limits[1]}


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_rows(rows: pd.DataFrame) -> str:
    records = rows[["effect_id", "sample_id", "yi", "vi", "converter", "converter_version"]]
    return digest(records.to_dict(orient="records"))


def versions() -> dict[str, str]:
    """Versions of what computed a result."""
    import platform
    from importlib.metadata import version

    names = ("numpy", "scipy", "pandas")
    own = {"synthesis": version("alliance-protocol-synthesis")}
    return own | {"python": platform.python_version()} | {name: version(name) for name in names}
