"""What the comparison of two extractions writes: how well they agree, and where they differ."""

from __future__ import annotations

from typing import Literal

from synthesis.results.document import Document


class AgreementRow(Document, frozen=True, kw_only=True):
    """A row of agreement.csv: one field, of numbers on a scale one statistic. None: not defined, or not its kind."""

    field: str
    statistic: str
    rows: int
    agree: int
    percent: float
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None
    pairs: int | None = None
    mean_absolute_difference: float | None = None
    icc: float | None = None
    note: str = ""


class DisagreementRow(Document, frozen=True, kw_only=True):
    """A row of disagreements.csv: a cell on which two coders differ, as each wrote it, and what settled it."""

    source: str
    effect_id: str
    study: str
    locator: str
    field: str
    coder: str
    first: str
    second_coder: str
    second: str
    status: Literal["open", "settled"]
    settled: str
    reason: str
    who: str
    date: str
