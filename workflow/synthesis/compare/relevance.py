"""Clinical relevance: pools, shares of true effects and published interactions against thresholds with a source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from synthesis.compare.contrast import equivalence_p, lower_tail
from synthesis.data.published import Record, find, number, threshold
from synthesis.meta.kernel import Array
from synthesis.meta.many import pool_many
from synthesis.plan.config import Interaction, Relevance

RELEVANCE_COLUMNS = (
    "synthesis", "title", "metric", "samples", "threshold", "threshold_label", "threshold_value",
    "estimate", "ci_low", "ci_high", "p_above", "p_below", "p_equivalence", "conclusion",
    "share_above", "share_above_low", "share_above_high", "share_above_empirical", "share_above_empirical_low",
    "share_above_empirical_high", "probability_new_above", "note",
)  # fmt: skip
INTERACTION_COLUMNS = (
    "interaction", "title", "effect_id", "coefficient", "ci_low", "ci_high", "se", "p", "threshold", "threshold_value",
    "p_equivalence", "conclusion", "points", "points_low", "points_high", "points_threshold", "points_threshold_value",
    "points_conclusion", "note",
)  # fmt: skip
# Shares of true effects are hardly estimable from fewer.
LEAST_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples with its bootstrap interval, all between 0 and 1; None where it was not estimated."""

    value: float
    low: float | None
    high: float | None


def shares_between(
    document: Record, low: float, high: float, plan: Relevance
) -> tuple[Share, Share]:  # fmt: skip
    """Share of true effects between two values on the metric's scale: parametric, and of calibrated estimates.

    One mean effect for each sample, REML. Parametric: the normal distribution with the pooled mean and tau (Mathur and
    VanderWeele 2019, Stat Med). Calibrated: estimates drawn to the mean until their variance is tau2 (Wang and Lee
    2019, Res Synth Methods). Percentile intervals from resampled samples; None for fewer than 5 samples.
    """
    y = np.array([study["yi"] for study in document["studies"]])
    v = np.array([study["vi"] for study in document["studies"]])
    own = _shares(y[None], v[None], low, high)
    if len(y) < LEAST_SAMPLES:
        return Share(float(own[0][0]), None, None), Share(float(own[1][0]), None, None)
    rng = np.random.default_rng([plan.seed, len(y)])
    picks = rng.integers(0, len(y), (plan.bootstrap, len(y)))
    tails = [0.5 - document["level"] / 2, 0.5 + document["level"] / 2]
    limits = [np.quantile(s, tails) for s in _shares(y[picks], v[picks], low, high)]
    parametric, empirical = (
        Share(float(value[0]), float(limit[0]), float(limit[1])) for value, limit in zip(own, limits, strict=True)
    )
    return parametric, empirical


def _shares(y: Array, v: Array, low: float, high: float) -> tuple[Array, Array]:
    """Both shares of each row of shape (n, k)."""
    fits = pool_many(y, v, tau2="REML", ci="wald")
    mean, tau2 = fits.estimate, fits.tau2
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = np.sqrt(tau2)
        upper = np.where(tau > 0, ndtr((high - mean) / tau), (mean < high).astype(float))
        lower = np.where(tau > 0, ndtr((low - mean) / tau), (mean <= low).astype(float))
    pulled = mean[:, None] + np.sqrt(tau2[:, None] / (tau2[:, None] + v)) * (y - mean[:, None])
    return upper - lower, ((pulled > low) & (pulled <= high)).mean(axis=1)


def against_threshold(document: Record, key: str, value: float | None, label: str, plan: Relevance) -> Record:
    """One pool against one threshold: one-sided tests, two one-sided tests, shares above, a new setting's probability.

    The threshold is that of a benefit: effects above it count. `value` None: the threshold is a gap in the data.
    """
    row: Record = dict.fromkeys(RELEVANCE_COLUMNS) | {
        "synthesis": document["synthesis"],
        "title": document["title"],
        "metric": document["metric"],
        "samples": document["samples"],
        "threshold": key,
        "threshold_label": label,
        "threshold_value": value,
        "estimate": document["estimate"],
        "ci_low": document["ci_low"],
        "ci_high": document["ci_high"],
        "note": "",
    }
    if value is None:
        return row | {"conclusion": "cannot be decided", "note": "the threshold is not in the reachable text"}
    estimate, se, df = document["estimate"], document["se"], document["df"]
    alpha = 1 - document["level"]
    statistic = (estimate - value) / se
    row["p_above"], row["p_below"] = lower_tail(-statistic, df), lower_tail(statistic, df)
    row["p_equivalence"] = equivalence_p(estimate, se, df, value)
    if row["p_above"] < alpha / 2:
        row["conclusion"] = "above"
    elif row["p_equivalence"] < alpha:
        row["conclusion"] = "smaller"
    else:
        row["conclusion"] = "cannot be decided"
    if document["samples"] > 1:
        parametric, empirical = shares_between(document, value, math.inf, plan)
        row |= {"share_above": parametric.value, "share_above_low": parametric.low, "share_above_high": parametric.high}
        row |= {
            "share_above_empirical": empirical.value,
            "share_above_empirical_low": empirical.low,
            "share_above_empirical_high": empirical.high,
        }
        if parametric.low is None:
            row["note"] = f"fewer than {LEAST_SAMPLES} samples: shares without an interval"
    if document["pi_low"] is not None:
        row["probability_new_above"] = _new_above(document, value)
    return row


def _new_above(document: Record, value: float) -> float:
    """Probability that the true value in a new setting is above a value: the t behind the prediction interval."""
    df = document["samples"] - 2
    scale = (document["pi_high"] - document["pi_low"]) / 2 / float(stdtrit(df, 0.5 + document["level"] / 2))
    return float(stdtr(df, (document["estimate"] - value) / scale))


def interaction(name: str, plan: Interaction, rows: dict[str, Record], level: float) -> Record:
    """A published interaction of severity and treatment, oriented so that above 0 more severe patients gain more.

    SE and p from the printed 95% limits. Its points are those that the source prints for one SD of severity; their
    limits are the coefficient's limits times the printed points per unit of the coefficient.
    """
    where = f"config.yaml, key interactions.{name}"
    source = find(f"{where}.coefficient", plan.coefficient, rows)
    sign = 1.0 if source["direction"] is None else source["direction"]
    value, limits = number(source, "value"), [number(source, "ci_low"), number(source, "ci_high")]
    row: Record = dict.fromkeys(INTERACTION_COLUMNS) | {
        "interaction": name,
        "title": plan.title,
        "effect_id": plan.coefficient,
        "threshold": plan.threshold,
        "points_threshold": plan.points_threshold,
        "note": "",
    }
    if value is None:
        return row | {"conclusion": "cannot be decided", "note": "the coefficient is not in the reachable text"}
    row["coefficient"] = sign * value
    bound = threshold(f"{where}.threshold", plan.threshold, "g", rows) if plan.threshold else None
    row["threshold_value"] = bound
    if None in limits:
        row["conclusion"] = "cannot be decided"
    else:
        low, high = sorted(sign * x for x in limits if x is not None)
        se = (high - low) / (2 * float(ndtri(0.975)))
        row |= {"ci_low": low, "ci_high": high, "se": se, "p": 2 * float(ndtr(-abs(sign * value) / se))}
        row |= _against(sign * value, se, bound, level)
    if plan.points:
        row |= _points(where, plan, rows, row, level)
    return row


def _against(value: float, se: float, bound: float | None, level: float) -> Record:
    if bound is None:
        return {"conclusion": "cannot be decided"}
    p = equivalence_p(value, se, None, bound)
    above = float(ndtr(-(abs(value) - bound) / se)) < (1 - level) / 2
    return {"p_equivalence": p, "conclusion": "smaller" if p < 1 - level else "above" if above else "cannot be decided"}


def _points(where: str, plan: Interaction, rows: dict[str, Record], row: Record, level: float) -> Record:
    printed = number(find(f"{where}.points", plan.points or "", rows), "value")
    if printed is None:
        return {"points_conclusion": "cannot be decided"}
    per_unit = abs(printed) / abs(row["coefficient"])
    found: Record = {"points": per_unit * row["coefficient"], "points_conclusion": "cannot be decided"}
    if row["ci_low"] is not None:
        found |= {"points_low": per_unit * row["ci_low"], "points_high": per_unit * row["ci_high"]}
    if plan.points_threshold is None:
        return found
    bound = number(find(f"{where}.points_threshold", plan.points_threshold, rows), "value")
    found["points_threshold_value"] = bound
    if bound is None:
        found["note"] = "the threshold in points is not in the reachable text"
    elif row["se"] is not None:
        found["points_conclusion"] = _against(found["points"], per_unit * row["se"], bound, level)["conclusion"]
    return found


def relevance(documents: list[Record], rows: dict[str, Record], plan: Relevance) -> list[Record]:
    """Every pool against every threshold of its metric."""
    found = []
    for document in documents:
        for key in plan.thresholds.get(document["metric"], ()):
            value = threshold(
                f"config.yaml, key relevance.thresholds.{document['metric']}", key, document["metric"], rows
            )
            label: Any = rows[key]["label"] or rows[key]["study"]
            found.append(against_threshold(document, key, value, label, plan))
    return found
