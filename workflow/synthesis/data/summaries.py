"""How precise a published summary is, from what it prints beside its value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from synthesis.data import printed
from synthesis.data.printed import Row, printed_p, z_from_p
from synthesis.data.registry import variance_from_interval
from synthesis.data.vocabulary import NO_NULL

Basis = Literal["interval", "standard error", "test statistic", "p", "limit of p", ""]
BASIS_WORDS: dict[str, str] = {
    "standard error": "its interval follows from the printed standard error",
    "test statistic": "its interval follows from the printed test statistic",
    "p": "its interval follows from the printed p",
    "limit of p": "its interval follows from the printed limit of p, and is at most as wide as this",
}


@dataclass(frozen=True, slots=True)
class Precision:
    """Sampling variance of a summary on its metric (units squared), degrees of freedom, and what both follow from.

    `df` None: a normal reference.
    """

    variance: float
    df: float | None
    basis: Basis


def precision(row: Row, metric: str, yi: float, low: float | None, high: float | None) -> Precision | None:
    """The precision of a summary `yi`; None where the source prints neither interval, standard error, test nor p.

    `low`, `high`: the printed 95% limits on the metric. In this order: the interval; the standard error (by the delta
    method se / (1 - r^2) of a correlation on Fisher's z, se / (p (1 - p)) of a proportion on the logit); the test
    statistic, as (yi / t)^2, so that the test against 0 is the printed one on every scale; p, in the same way, from t
    where df are printed, a one-sided one doubled. A limit of p gives the largest standard error that it allows; ">"
    gives none.
    """
    if low is not None and high is not None:
        return Precision(variance_from_interval(low, high), None, "interval")
    df, variance = row["df"], printed.variance(row)
    if variance is not None:
        stretch = _stretch(metric, row["value"])
        return Precision(variance / stretch**2, df, "standard error") if stretch else None
    if yi == 0 or metric in NO_NULL:
        # A test against 0 says nothing of a metric without a value of no effect.
        return None
    if row["test_statistic"]:
        return Precision((yi / row["test_statistic"]) ** 2, df, "test statistic")
    p = printed_p(row["p"])
    if p is None or p.relation == ">" or p.value >= 1:
        return None
    value, relation = (p.value, p.relation) if p.value > 0 else (p.half_unit, "<")
    value = printed.two_sided(row, value)
    if value >= 1:
        return None
    return Precision((yi / _quantile(value, df)) ** 2, df, "limit of p" if relation == "<" else "p")


def _stretch(metric: str, value: float) -> float:
    """The slope of what is read, by the metric: what a standard error as printed is divided by."""
    match metric:
        case "z":
            return 1 - value**2
        case "logit":
            return value * (1 - value)
        case "arcsine":
            return 2 * math.sqrt(value * (1 - value))
    return 1.0


def _quantile(p: float, df: float | None) -> float:
    """The absolute test statistic behind a two-sided p."""
    if df is None:
        return z_from_p(p)
    from scipy.special import stdtrit

    return float(-stdtrit(df, max(p, printed.SMALLEST_P) / 2))
