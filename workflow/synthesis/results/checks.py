"""What the second route to the fits writes."""

from __future__ import annotations

from synthesis.results.document import Document


class CheckRow(Document, frozen=True, kw_only=True):
    """A row of crosscheck.csv: a number here and by a second route, in its own units."""

    synthesis: str
    quantity: str
    route: str
    ours: float
    theirs: float
    difference: float
    tolerance: float
    agrees: bool
