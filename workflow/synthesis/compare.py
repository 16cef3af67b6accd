"""Contrasts of two syntheses on one metric, and the bridge from associations to between-group differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from synthesis.errors import InputError, Problem
from synthesis.models.config import Bridge, Comparison
from synthesis.pooling.fit import pool
from synthesis.selection import check_shared_samples

# --- same metric ------------------------------------------------------------------------------------------------


def contrast(name: str, plan: Comparison, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The difference first minus second of two independent pools, each with its own tau2.

    SE = sqrt(se1^2 + se2^2). Where both pools have t-based intervals the reference is t with Welch-Satterthwaite
    df (Satterthwaite 1946), otherwise normal. Samples that stand on both sides make the pools dependent: refused,
    or left out of both sides, which are then pooled again. Raises InputError where nothing is left.
    """
    ids = [[study["sample_id"] for study in document["studies"]] for document in (first, second)]
    shared = check_shared_samples(name, plan, *ids)
    sides = [_side(name, document, set(shared)) for document in (first, second)]
    a, b = sides
    return {
        "comparison": name,
        "kind": "same metric",
        "title": plan.title,
        "contrast": "difference",
        "metric": first["metric"],
        "first": plan.first,
        "second": plan.second,
        "samples_first": a["samples"],
        "samples_second": b["samples"],
        "left_out": "; ".join(shared),
        "estimate_first": a["estimate"],
        "estimate_second": b["estimate"],
        "ci_low_first": a["ci_low"],
        "ci_high_first": a["ci_high"],
        "ci_low_second": b["ci_low"],
        "ci_high_second": b["ci_high"],
        "tau2_first": a["tau2"],
        "tau2_second": b["tau2"],
        **_difference(a, b, first["level"]),
    }


def _difference(a: dict[str, Any], b: dict[str, Any], level: float) -> dict[str, Any]:
    """a minus b with its standard error, interval and two-sided test."""
    difference, se = a["estimate"] - b["estimate"], math.hypot(a["se"], b["se"])
    df = _welch_df(a, b)
    tail = 0.5 + level / 2
    quantile = float(ndtri(tail) if df is None else stdtrit(df, tail))
    statistic = difference / se if se > 0 else math.copysign(math.inf, difference)
    p = float(2 * (ndtr(-abs(statistic)) if df is None else stdtr(df, -abs(statistic))))
    return {
        "difference": difference,
        "se": se,
        "ci_low": difference - quantile * se,
        "ci_high": difference + quantile * se,
        "statistic": statistic,
        "df": df,
        "p": p,
    }


def _side(name: str, document: dict[str, Any], shared: set[str]) -> dict[str, Any]:
    """One side of a contrast, pooled again without the shared samples."""
    studies = [s for s in document["studies"] if s["sample_id"] not in shared]
    if len(studies) == len(document["studies"]):
        return document
    if not studies:
        where = f"config, key comparisons.{name}"
        synthesis = document["synthesis"]
        raise InputError([Problem(where, f"{synthesis} without shared samples", "at least one sample")])
    members = [(s["sample_id"], m["yi"], m["vi"]) for s in studies for m in s["members"]]
    multilevel = document["model"] in ("che", "three_level")
    options = {} if document["method"] == "single sample" else {"tau2": document["method"]}
    if not multilevel:
        options["ci"] = document["ci_method"]
    fit = pool(
        [yi for _, yi, _ in members],
        [vi for _, _, vi in members],
        cluster=[sample for sample, _, _ in members],
        model=document["model"] if multilevel else "composites",
        rho=document["rho"] or 0.0,
        level=document["level"],
        metric=document["metric"],
        **options,
    )
    return fit.to_dict()


def _welch_df(a: dict[str, Any], b: dict[str, Any]) -> float | None:
    """Satterthwaite's df of a difference; a side with a normal reference counts as infinitely many."""
    if a["df"] is None and b["df"] is None:
        return None
    parts = [s["se"] ** 4 / s["df"] for s in (a, b) if s["df"] is not None]
    total = sum(parts)
    return (a["se"] ** 2 + b["se"] ** 2) ** 2 / total if total > 0 else None


# --- the bridge -------------------------------------------------------------------------------------------------


def d_at_2_sd(r: float) -> float:
    """d between people one SD above and one SD below the mean of the predictor: 2 r / sqrt(1 - r^2).

    The textbook conversion (Borenstein et al. 2009, eq. 7.5): exact only for a two-group predictor.
    """
    return 2 * r / math.sqrt(1 - r * r)


def d_at_1_sd(r: float) -> float:
    """d for one SD of the predictor: r / sqrt(1 - r^2)."""
    return r / math.sqrt(1 - r * r)


def d_after_median_split(r: float) -> float:
    """d between the halves above and below the median of a normal predictor.

    The halves' means differ by 2 r sqrt(2/pi) outcome SDs; the SD within a half is sqrt(1 - 2 r^2 / pi).
    """
    return 2 * r * math.sqrt(2 / math.pi) / math.sqrt(1 - 2 * r * r / math.pi)


def concordance_of_r(r: float) -> float:
    """Probability that of two people the one with the higher predictor has the better outcome: asin(r)/pi + 1/2.

    Bivariate normal; Kruskal (1958), J Am Stat Assoc 53; Dunlap (1994), Psychol Bull 116.
    """
    return math.asin(r) / math.pi + 0.5


def concordance_of_d(d: float) -> float:
    """Probability that a treated person does better than a control: Phi(d / sqrt 2). McGraw & Wong (1992)."""
    return float(ndtr(d / math.sqrt(2)))


def d_at_equal_concordance(r: float) -> float:
    """The d whose concordance is that of r."""
    return math.sqrt(2) * float(ndtri(concordance_of_r(r)))


CONTRASTS: dict[str, Callable[[float], float]] = {
    "2_sd": d_at_2_sd,
    "1_sd": d_at_1_sd,
    "median_split": d_after_median_split,
    "concordance": d_at_equal_concordance,
}
# Step of the central difference that carries the standard error from z to d.
_STEP = 1e-5


def bridge(name: str, plan: Bridge, association: dict[str, Any], effect: dict[str, Any]) -> list[dict[str, Any]]:
    """The pooled association as d under each declared contrast, beside the pooled effect: one row a contrast.

    Limits are transformed, not the standard error; the difference association minus effect has a delta-method SE
    and a Welch-Satterthwaite t. It is a comparison under a conversion, not a test of causes.
    """
    rows = []
    for key in plan.contrasts:
        to_d = CONTRASTS[key]

        def d_of_z(z: float, to_d: Callable[[float], float] = to_d) -> float:
            return to_d(math.tanh(z))

        z = association["estimate"]
        slope = (d_of_z(z + _STEP) - d_of_z(z - _STEP)) / (2 * _STEP)
        d = d_of_z(z)
        converted = association | {"estimate": d, "se": slope * association["se"]}
        rows.append(
            {
                "comparison": name,
                "kind": "bridge",
                "title": plan.title,
                "contrast": key,
                "metric": "g",
                "first": plan.association,
                "second": plan.effect,
                "samples_first": association["samples"],
                "samples_second": effect["samples"],
                "left_out": "",
                "estimate_first": d,
                "estimate_second": effect["estimate"],
                "ci_low_first": d_of_z(association["ci_low"]),
                "ci_high_first": d_of_z(association["ci_high"]),
                "ci_low_second": effect["ci_low"],
                "ci_high_second": effect["ci_high"],
                "tau2_first": association["tau2"],
                "tau2_second": effect["tau2"],
                **_difference(converted, effect, association["level"]),
            }
        )
    return rows


COMPARISON_COLUMNS = (
    "comparison",
    "kind",
    "title",
    "contrast",
    "metric",
    "first",
    "second",
    "samples_first",
    "samples_second",
    "left_out",
    "estimate_first",
    "ci_low_first",
    "ci_high_first",
    "estimate_second",
    "ci_low_second",
    "ci_high_second",
    "tau2_first",
    "tau2_second",
    "difference",
    "se",
    "ci_low",
    "ci_high",
    "statistic",
    "df",
    "p",
)
