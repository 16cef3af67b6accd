"""Certainty of the evidence of each pool, by domain and as a whole: certainty.csv and summary_of_findings.csv."""

from __future__ import annotations

from synthesis.results.document import Document

# From the lowest to the highest; a pool starts at one of them and goes down.
LEVELS = ("very low", "low", "moderate", "high")
DOMAINS = {
    "risk_of_bias": "Risk of bias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "publication_bias": "Publication bias",
}


class DomainRow(Document, frozen=True, kw_only=True):
    """One domain of one pool. `down`: levels; None where it was not decided, with what is lacking as the reason.

    `rows`: the samples that decide, where some do more than others.
    """

    synthesis: str
    domain: str
    judgement: str
    down: int | None
    reason: str
    rows: str = ""


class FindingsRow(Document, frozen=True, kw_only=True):
    """One pool in a summary of findings; estimates as printed (r for Fisher z, ratios as such).

    `certainty` is the highest that it can be: domains in `undecided` were not judged, and may lower it.
    """

    synthesis: str
    title: str
    lane: str
    word: str
    variant: str
    samples: int
    people: int | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None
    threshold: float | None
    start: str
    risk_of_bias: str
    inconsistency: str
    indirectness: str
    imprecision: str
    publication_bias: str
    certainty: str
    undecided: str


class LowRiskRow(Document, frozen=True, kw_only=True):
    """A row of without_high_risk.csv: a pool without its samples at high risk of bias, on its own metric.

    `rated`: samples with a rating; those without one stay in. `reason`: why there are no numbers, or no others.
    """

    synthesis: str
    title: str
    metric: str
    samples: int
    rated: int
    left_out: int
    left_out_samples: str
    estimate: float
    ci_low: float
    ci_high: float
    samples_without: int | None = None
    k_without: int | None = None
    estimate_without: float | None = None
    ci_low_without: float | None = None
    ci_high_without: float | None = None
    tau2_without: float | None = None
    i2_without: float | None = None
    model_without: str = ""
    reason: str = ""
