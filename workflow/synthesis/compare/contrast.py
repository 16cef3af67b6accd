"""Differences on one metric: two syntheses, or a synthesis and a published value."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from synthesis import text
from synthesis.errors import InputError, Problem
from synthesis.meta.pool import pool
from synthesis.plan.config import Comparison
from synthesis.plan.selection import check_shared_samples

Record = dict[str, Any]
# Limits of published summaries are 95% limits.
PRINTED_QUANTILE = float(ndtri(0.975))
COMPARISON_COLUMNS = (
    "comparison", "kind", "title", "metric", "first", "second", "samples_first", "samples_second", "left_out",
    "estimate_first", "ci_low_first", "ci_high_first", "estimate_second", "ci_low_second", "ci_high_second",
    "tau2_first", "tau2_second", "difference", "se", "ci_low", "ci_high", "statistic", "df", "p",
    "bound", "bound_source", "p_equivalence", "conclusion", "largest_se", "note",
)  # fmt: skip


def contrast(name: str, plan: Comparison, first: Record, second: Record, bound: float | None = None) -> Record:
    """The difference first minus second of two independent pools, each with its own tau2.

    SE = sqrt(se1^2 + se2^2). Where both pools have t-based intervals the reference is t with Welch-Satterthwaite
    df (Satterthwaite 1946), otherwise normal. Samples that stand on both sides make the pools dependent: refused,
    or left out of both sides, which are then pooled again. Equivalence within `bound` by two one-sided tests
    (Schuirmann 1987). Raises InputError where nothing is left.
    """
    ids = [[study["sample_id"] for study in document["studies"]] for document in (first, second)]
    shared = check_shared_samples(name, plan, *ids)
    a, b = [_side(name, document, set(shared)) for document in (first, second)]
    row = _head(name, plan, first, "same metric") | {
        "second": plan.second,
        "samples_second": b["samples"],
        "left_out": "; ".join(shared),
        "tau2_second": b["tau2"],
        "largest_se": None,
        "note": left_out_note(first, second, shared),
    }
    row |= {f"{k}_first": a[k] for k in ("samples", "estimate", "ci_low", "ci_high", "tau2")}
    row |= {f"{k}_second": b[k] for k in ("estimate", "ci_low", "ci_high")}
    return _concluded(row | difference(a, b, first["level"]), bound, first["level"])


def left_out_note(first: Record, second: Record, shared: list[str]) -> str:
    """How many samples stand on both sides of a contrast and are left out of both; nothing where none does."""
    if not shared:
        return ""
    verb, left = ("stands", "is") if len(shared) == 1 else ("stand", "are")
    kept = [document["samples"] - len(shared) for document in (first, second)]
    return (
        f"{text.plural(len(shared), 'sample')} {verb} on both sides and {left} left out of both here ({kept[0]} of "
        f"{first['samples']} and {kept[1]} of {second['samples']} samples remain), but not of the two syntheses"
    )


def contrast_with_published(
    name: str, plan: Comparison, first: Record, published: Record, bound: float | None = None
) -> Record:
    """A pool minus a published summary on its metric.

    With printed limits the summary's SE is (high - low) / (2 * 1.96), and the reference is normal: summaries print no
    df. Without limits there is no test; `largest_se` is the SE of the summary up to which the difference would still
    be significant. The summary may hold samples of the pool: the note says so.
    """
    value, low, high = published["yi"], published["ci_low"], published["ci_high"]
    printed = low is not None and high is not None
    row = _head(name, plan, first, "published value") | {
        "second": plan.reference,
        "samples_second": published["k"],
        "left_out": "",
        "estimate_second": value,
        "ci_low_second": low,
        "ci_high_second": high,
        "tau2_second": None,
        "largest_se": None,
        "note": "a published summary, which may hold some of the same samples",
    }
    row |= {f"{k}_first": first[k] for k in ("samples", "estimate", "ci_low", "ci_high", "tau2")}
    if printed:
        side = {"estimate": value, "se": (high - low) / (2 * PRINTED_QUANTILE), "df": None}
        return _concluded(row | difference(first, side, first["level"]), bound, first["level"])
    gap = first["estimate"] - value
    reach = (gap / float(ndtri(0.5 + first["level"] / 2))) ** 2 - first["se"] ** 2
    if reach > 0:
        row["largest_se"] = math.sqrt(reach)
    row["note"] += "; it prints no interval, so that there is no test"
    missing = dict.fromkeys(("se", "ci_low", "ci_high", "statistic", "df", "p"))
    return _concluded(row | missing | {"difference": gap}, bound, first["level"])


def _head(name: str, plan: Comparison, first: Record, kind: str) -> Record:
    return {
        "comparison": name,
        "kind": kind,
        "title": plan.title,
        "metric": first["metric"],
        "first": plan.first,
        "bound_source": plan.equivalence or "",
    }


def difference(a: Record, b: Record, level: float) -> Record:
    """a minus b with its standard error, interval and two-sided test; no test where both standard errors are 0."""
    gap, se = a["estimate"] - b["estimate"], math.hypot(a["se"], b["se"])
    df = _welch_df(a, b)
    tail = 0.5 + level / 2
    quantile = float(ndtri(tail) if df is None else stdtrit(df, tail))
    statistic = gap / se if se > 0 else None
    return {
        "difference": gap,
        "se": se,
        "ci_low": gap - quantile * se,
        "ci_high": gap + quantile * se,
        "statistic": statistic,
        "df": df,
        "p": None if statistic is None else 2 * lower_tail(-abs(statistic), df),
    }


def lower_tail(statistic: float, df: float | None) -> float:
    """P(T <= statistic) for t with df, or the normal where df is None."""
    return float(ndtr(statistic) if df is None else stdtr(df, statistic))


def equivalence_p(estimate: float, se: float, df: float | None, bound: float) -> float:
    """p of the two one-sided tests that |true value| is below `bound`: the larger of both (Schuirmann 1987)."""
    if se == 0:
        return 0.0 if abs(estimate) < bound else 1.0
    return max(lower_tail((estimate - bound) / se, df), lower_tail(-(estimate + bound) / se, df))


def _concluded(row: Record, bound: float | None, level: float) -> Record:
    alpha = 1 - level
    p_equivalence = None
    if bound is not None and row["se"] is not None:
        p_equivalence = equivalence_p(row["difference"], row["se"], row["df"], bound)
    different = row["p"] is not None and row["p"] < alpha
    equivalent = p_equivalence is not None and p_equivalence < alpha
    if row["p"] is None:
        conclusion = "no test"
    elif different:
        conclusion = "different, but by less than the bound" if equivalent else "different"
    else:
        conclusion = "equivalent" if equivalent else "undecided"
    return row | {"bound": bound, "p_equivalence": p_equivalence, "conclusion": conclusion}


def _side(name: str, document: Record, shared: set[str]) -> Record:
    """One side of a contrast, pooled again without the shared samples."""
    studies = [s for s in document["studies"] if s["sample_id"] not in shared]
    if len(studies) == len(document["studies"]):
        return document
    if not studies:
        where = f"config.yaml, key comparisons.{name}"
        synthesis = document["synthesis"]
        raise InputError([Problem(where, f"{synthesis} without shared samples", "at least one sample")])
    return refit(document, {s["sample_id"] for s in studies})


def refit(document: Record, samples: set[str] | None = None, **changes: Any) -> Record:
    """The document with its fit computed again: on some of its samples, with other options of `pool`.

    `changes` are options of `pool`; what is not changed stays as the document has it. Raises what `pool` raises.
    """
    studies = [s for s in document["studies"] if samples is None or s["sample_id"] in samples]
    members = [(s["sample_id"], m["yi"], m["vi"]) for s in studies for m in s["members"]]
    multilevel = document["model"] in ("che", "three_level")
    options: Record = {
        "model": document["model"] if multilevel else "composites",
        "rho": document["composite_rho"] or 0.0,
    }
    if document["method"] != "single sample":
        options["tau2"] = document["method"]
    if not multilevel and document["method"] != "single sample":
        options["ci"] = document["ci_method"]
    if multilevel and changes.get("model", document["model"]) in ("che", "three_level"):
        # Started near the full fit, and without the interval of tau2, which nothing here reads.
        options["near"] = (document["tau2"], document["omega2"])
    fit = pool(
        [yi for _, yi, _ in members],
        [vi for _, _, vi in members],
        cluster=[sample for sample, _, _ in members],
        level=document["level"],
        metric=document["metric"],
        **(options | changes),
    )
    return document | fit.to_dict() | {"studies": studies}


def _welch_df(a: Record, b: Record) -> float | None:
    """Satterthwaite's df of a difference; a side with a normal reference counts as infinitely many."""
    if a["df"] is None and b["df"] is None:
        return None
    parts = [s["se"] ** 4 / s["df"] for s in (a, b) if s["df"] is not None]
    total = math.fsum(parts)
    return (a["se"] ** 2 + b["se"] ** 2) ** 2 / total if total > 0 else None
