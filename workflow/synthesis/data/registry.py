"""The registry of conversions: which printed statistic becomes which metric, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from synthesis.data.printed import Row
from synthesis.data.vocabulary import Metric

Z_95 = NormalDist().inv_cdf(0.975)
SharedControl = Literal["combine", "covariance"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect size `yi` with its sampling variance `vi`, both in the metric's units (squared)."""

    yi: float
    vi: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Decisions that converters need and that the analysis plan declares.

    `pre_post_r`, `reliability_process`, `reliability_outcome`: assumed where a row does not print its own; None: not.
    """

    zero_cells: float = 0.5
    odds_ratio: Literal["woolf", "peto"] = "woolf"
    pre_post_r: float | None = None
    reliability_process: float | None = None
    reliability_outcome: float | None = None
    # combine: treatment arms that share a control arm are one comparison; covariance: each is an effect of its own.
    shared_control: SharedControl = "combine"
    # The user's own columns of the patients of a cluster in the treated arm and of their intraclass correlation, or its
    # value.
    cluster_size_treat: str | None = None
    icc_treat: str | float | None = None


def variance_from_interval(low: float, high: float) -> float:
    """Variance behind a symmetric 95% interval: ((high - low) / (2 * 1.96))^2."""
    return ((high - low) / (2 * Z_95)) ** 2


@dataclass(frozen=True, slots=True)
class Converter:
    """How one printed statistic becomes one metric. `exact` is False where the formula approximates."""

    name: str
    version: int
    exact: bool
    convert: Callable[[Row, Policy], Estimate]


CONVERTERS: dict[tuple[str, str], Converter] = {}


def register(
    statistic: str, metric: Metric, *, exact: bool, version: int = 1
) -> Callable[[Callable[[Row, Policy], Estimate]], Callable[[Row, Policy], Estimate]]:
    """Adds the function below it as the conversion of a printed statistic to a metric."""

    def add(function: Callable[[Row, Policy], Estimate]) -> Callable[[Row, Policy], Estimate]:
        name = f"{statistic}_to_{metric}"
        CONVERTERS[statistic, metric] = Converter(name, version, exact, function)
        return function

    return add
