"""What turns with another decision about a doubted record: comparisons, claims, and the moderators behind them."""

from __future__ import annotations

from synthesis import text
from synthesis.report.indirect import doubted_in
from synthesis.report.moving import SIGNAL, tested_moderators
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import term


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


def moderators(review: ReviewResults) -> list[str]:
    """Of each moderator with a small p, the comparison of its levels that turns with a doubted record."""
    said = []
    for row in tested_moderators(review):
        if row.p is None or row.p >= SIGNAL:
            continue
        for name in _of_levels(review, row.synthesis, row.moderator):
            count = doubted_in(review, name)
            if count:
                decisions = text.plural(count, "other decision", "other decisions")
                said.append(
                    f"\u201c{text.capital(term(row.moderator))}\u201d: the comparison of its levels turns with each of "
                    f"{decisions} about doubted records"
                )
    return list(dict.fromkeys(said))


def _of_levels(review: ReviewResults, synthesis: str, moderator: str) -> list[str]:
    """Comparisons of two syntheses of the same sources that take different levels of a moderator."""
    plans, found = review.config.syntheses, []
    for name, plan in review.config.comparisons.items():
        sides = [plans[side] for side in (plan.first, plan.second) if side in plans]
        levels = [side.select.get(moderator) for side in sides]
        of_the_same = all(set(side.sources) == set(plans[synthesis].sources) for side in sides)
        if len(sides) == 2 and of_the_same and None not in levels and levels[0] != levels[1]:
            found.append(name)
    return found
