"""Power of the contrasts between levels of moderators: a table, and a sentence where it is low."""

from __future__ import annotations

from synthesis import text
from synthesis.report.content import Row, Table, cell, table
from synthesis.report.result_tables import number, share_cell
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded, term

# Cohen (1988): what power is usually asked for.
USUAL_POWER = 0.8


def by_level(review: ReviewResults) -> Table | None:
    """Every contrast between two levels, with its power for the smallest difference that matters."""
    rows: list[Row] = [
        [
            review.by_name[r.synthesis].title,
            term(r.moderator),
            f"{term(r.second)} minus {term(r.first)}",
            cell(f"{r.samples_second}, {r.samples_first}", min(r.samples_first, r.samples_second)),
            cell(f"{text.number(abs(r.threshold_value))} ({r.metric})", abs(r.threshold_value)),
            number(r.se, 3),
            share_cell(r.power),
            r.samples_for_80,
            decoded(r.note),
        ]
        for r in review.moderator_power
    ]
    heads = ["Synthesis", "Moderator", "Contrast", "Samples", "Smallest difference that matters", "Standard error",
             "Power", "Samples for 80%, all levels", "Remark"]  # fmt: skip
    return table("Power of the contrasts between levels", heads, rows, {3, 4, 5, 6, 7}) if rows else None


def low_power(review: ReviewResults) -> str:
    """How many contrasts would probably have missed the smallest difference that matters; nothing where none."""
    tested = [r for r in review.moderator_power if r.power is not None]
    powers = [r.power for r in tested if r.power is not None]
    low = [power for power in powers if power < USUAL_POWER]
    if not low:
        return ""
    pools = dict.fromkeys(f"\u201c{review.by_name[r.synthesis].title}\u201d" for r in tested)
    untested = len(review.moderator_power) - len(powers)
    rest = f" {untested} more {'has' if untested == 1 else 'have'} no test." if untested else ""
    return (
        f"In {len(low)} of {text.plural(len(powers), 'contrast')} between levels ({', '.join(pools)}) the power for "
        f"the smallest difference that matters is below {USUAL_POWER:.0%}: "
        f"no difference found is not evidence of none.{rest}"
    )
