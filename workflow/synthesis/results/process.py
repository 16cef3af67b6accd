"""What is made of findings without a number, and of doubts."""

from __future__ import annotations

from typing import Literal

from synthesis.results.document import Document

FindingKind = Literal["number", "not significant", "significant"]
Approach = Literal["numbers", "nulls 0", "nulls at the lower edge", "nulls at the upper edge", "stress test"]
ContrastWay = Literal["numbers", "summary", "nulls 0", "bounds", "stress test"]


class Finding(Document, frozen=True, kw_only=True):
    """A finding of a study. `sign`: 1 where more of the process goes with a better outcome, -1 for the opposite, None
    where the source does not say. `yi`, `vi`: Fisher z and its variance, of numbers alone; `n` None: not printed.
    """

    construct: str
    effect_id: str
    sample_id: str
    label: str
    source: str
    kind: FindingKind
    sign: int | None
    n: float | None
    partial: bool
    yi: float | None
    vi: float | None


class CountRow(Document, frozen=True, kw_only=True):
    """Samples by what they found. `mixed`: findings of a sample disagree. `p_significant`: exact binomial, chance of
    as many significant positive samples without any association; mixed ones count as none (`_mixed`: as one). `p_sign`:
    exact sign test over samples whose direction is known, two-sided. None where there is nothing to test.
    """

    construct: str
    title: str
    samples: int
    findings: int
    positive: int
    negative: int
    mixed: int
    not_significant: int
    p_significant: float | None
    p_significant_mixed: float | None
    signs_positive: int
    signs_negative: int
    p_sign: float | None
    without_n: int


class ProcessPool(Document, frozen=True, kw_only=True):
    """The association of a construct under an approach, as Fisher z; limits None for one sample without a test."""

    construct: str
    title: str
    approach: Approach
    samples: int
    numbers: int
    nulls: int
    significant: int
    estimate: float
    se: float
    df: float | None
    ci_low: float | None
    ci_high: float | None
    tau2: float | None
    model: str


class ProcessContrast(Document, frozen=True, kw_only=True):
    """The first construct minus another, as Fisher z, under an approach. `bound`: lowest or highest difference.

    Without an estimate where the studies of one of them have nothing that the approach could use; `note` says so.
    """

    construct: str
    title: str
    approach: ContrastWay
    bound: str
    second: str
    samples_first: int | None
    samples_second: int | None
    left_out: int
    estimate_first: float | None
    estimate_second: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_equivalence: float | None
    conclusion: str
    note: str


class ProcessSummary(Document, frozen=True, kw_only=True):
    """A published summary as it stands beside the pools, as Fisher z."""

    construct: str
    effect_id: str
    label: str
    detail: str
    k: int | None
    estimate: float
    ci_low: float | None
    ci_high: float | None
    basis: str


class ProcessResults(Document, frozen=True, kw_only=True):
    """All of it."""

    title: str
    first: str
    names: dict[str, str]
    level: float
    findings: tuple[Finding, ...]
    counts: tuple[CountRow, ...]
    pools: tuple[ProcessPool, ...]
    summaries: tuple[ProcessSummary, ...]
    contrasts: tuple[ProcessContrast, ...]


class DoubtRow(Document, frozen=True, kw_only=True):
    """A synthesis as it is and under another decision about a record, on its metric."""

    doubt: str
    title: str
    reason: str
    synthesis: str
    synthesis_title: str
    metric: str
    samples: int
    estimate: float
    ci_low: float | None
    ci_high: float | None
    samples_then: int
    estimate_then: float
    ci_low_then: float | None
    ci_high_then: float | None
    moved: float


class DoubtedComparison(Document, frozen=True, kw_only=True):
    """A comparison as it is and under another decision about a record, on its metric."""

    doubt: str
    title: str
    comparison: str
    comparison_title: str
    difference: float
    p: float | None
    conclusion: str
    difference_then: float
    p_then: float | None
    conclusion_then: str
    turns: str


class DoubtedClaim(Document, frozen=True, kw_only=True):
    """What the data say of a claim as it is and under another decision about a record."""

    doubt: str
    title: str
    claim_id: str
    claim: str
    verdict_of_data: str
    verdict_of_data_then: str
    why_then: str
    turns: str
