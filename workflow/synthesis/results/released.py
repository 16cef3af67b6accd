"""What the page of changes reads of two runs, as printed, and what it tells of them."""

from __future__ import annotations

from synthesis.results.document import Document


class Change(Document, frozen=True, kw_only=True):
    """A row of changes.csv: one difference. `before`, `after`: cells as the two runs print them."""

    kind: str
    change: str
    name: str
    title: str = ""
    lane: str = ""
    metric: str = ""
    field: str = ""
    before: str = ""
    after: str = ""
    difference: float | None = None
    standard_errors: float | None = None
    reason: str = ""


class FitCells(Document, frozen=True, kw_only=True):
    """Of a row of pooled.csv."""

    synthesis: str
    title: str
    lane: str
    metric: str
    estimate: str
    se: str
    ci_low: str
    ci_high: str
    pi_low: str
    pi_high: str
    tau2: str
    samples: str
    k: str

    def cell(self, quantity: str) -> str:
        """A number of the fit by its name."""
        cell: str = getattr(self, quantity)
        return cell


class ClaimCells(Document, frozen=True, kw_only=True):
    """Of a row of claims.csv."""

    claim_id: str
    claim: str
    quantity: str
    rule: str
    low: str
    high: str
    unit: str
    verdict: str
    why: str

    def cell(self, column: str) -> str:
        """A cell by its column."""
        cell: str = getattr(self, column)
        return cell


class ContrastCells(Document, frozen=True, kw_only=True):
    """Of a row of comparison.csv."""

    comparison: str
    title: str
    conclusion: str


class RelevanceCells(Document, frozen=True, kw_only=True):
    """Of a row of relevance.csv."""

    synthesis: str
    threshold: str
    threshold_label: str
    title: str
    conclusion: str


class InteractionCells(Document, frozen=True, kw_only=True):
    """Of a row of interactions.csv."""

    interaction: str
    title: str
    conclusion: str
