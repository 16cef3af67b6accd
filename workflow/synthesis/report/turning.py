"""What turns with another decision about a doubted record: comparisons and claims."""

from __future__ import annotations

from synthesis.report.review_results import ReviewResults


def comparisons(review: ReviewResults) -> list[str]:
    """The comparisons whose conclusion is another one with some decision."""
    return list(dict.fromkeys(row.comparison_title for row in review.doubted if row.turns))


def claims(review: ReviewResults) -> list[str]:
    """The claims of which the data say something else with some decision, and what."""
    return [
        f"\u201c{row.claim.removesuffix('.')}\u201d (by the data then {row.verdict_of_data_then})"
        for row in review.doubted_claims
        if row.turns
    ]
