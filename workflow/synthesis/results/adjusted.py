"""Estimates of one pool under different ideas of what is missing: how each is called, and what it assumes."""

from __future__ import annotations

from typing import ClassVar

from synthesis import text
from synthesis.results.document import Document

# By name: how it is called, and what must hold for it to be right. In the order in which they are shown; the last one
# where the plan asks for it.
ESTIMATORS: dict[str, tuple[str, str]] = {
    "pool": ("Pool, not adjusted", "no sample is missing because of its result"),
    "uwls": ("Unrestricted weighted least squares", "small samples are biased; they weigh as under a common effect"),
    "waap": (
        "Weighted average of the adequately powered",
        "samples with 80% power for the average of all are the least biased; only they count",
    ),
    "henmi_copas": (
        "Henmi-Copas",
        "small samples are biased; common-effect weights with an interval that allows for heterogeneity",
    ),
    "trim_fill": ("Trim and fill, L0", "the most extreme samples of one side are missing, whatever their p"),
    "pet_peese": (
        "PET-PEESE",
        "whatever goes with the standard error is bias, on a line down to an error of 0",
    ),
    "pet_peese_cr2": ("PET-PEESE of all estimates, CR2", "as PET-PEESE; estimates of one sample hang together"),
    "limit": ("Limit meta-analysis", "bias is in proportion to the standard error with heterogeneity in it"),
    "step_one": (
        "Step model, one-sided .025",
        "significant results in the direction of the pool are likelier to appear, all others alike",
    ),
    "step_three": (
        "Step model, one-sided .025 and .5",
        "as before, and results in the other direction have a chance of their own",
    ),
    "step_two": ("Step model, two-sided .05", "significant results in either direction are likelier to appear"),
    "step_one_robust": (
        "Step model of all estimates, one-sided .025",
        "as the step model at .025; estimates of one sample hang together (robust standard errors)",
    ),
    "beta": ("Beta selection model", "the chance to appear changes smoothly with the one-sided p"),
    "p_uniform": (
        "p-uniform*",
        "significant results in the direction of the pool are equally likely to appear, and so are the others",
    ),
    "model_averaged": (
        "Model-averaged (Bayesian)",
        "one of 36 models is right: with or without an effect and heterogeneity, under no bias, six kinds of "
        "selection, PET or PEESE; and so are their priors",
    ),
}


# All estimates of a sample count in these, and they are there where a sample has several.
OF_ESTIMATES = ("pet_peese_cr2", "step_one_robust")


class AdjustedEstimate(Document, frozen=True, kw_only=True):
    """One estimate with its interval, on the metric of the pool; `k`: samples that it is of, `OF_ESTIMATES` estimates.

    `reason`: why it was not computed; then there are no numbers. `assumes`: what must hold for it to be right.
    """

    name: str
    k: int | None = None
    estimate: float | None = None
    se: float | None = None
    df: float | None = None
    p: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    assumes: str = ""
    reason: str = ""
    note: str = ""


class AdjustedRow(Document, frozen=True, kw_only=True):
    """A row of adjusted_estimates.csv; name "all" where none was computed."""

    spread: ClassVar[tuple[str, ...]] = ("adjusted",)

    synthesis: str
    adjusted: AdjustedEstimate


def samples_words(adjusted: AdjustedEstimate, samples: int) -> str:
    """How many of a pool's `samples` an estimate is of: imputed ones apart, and all estimates where they count."""
    if adjusted.k is None:
        return ""
    if adjusted.name in OF_ESTIMATES:
        return f"{text.count(samples)} ({text.plural(adjusted.k, 'estimate')})"
    if adjusted.k > samples:
        return f"{text.count(samples)} + {text.count(adjusted.k - samples)} imputed"
    return text.count(adjusted.k)
