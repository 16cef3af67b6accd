"""Published summaries of the data: which of them the comparison figures draw, and all of them in one table."""

from __future__ import annotations

from synthesis import text
from synthesis.data.extraction import reference_rows
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, LANE_WORD, process_name
from synthesis.plan.config import ComparisonFigure
from synthesis.report.content import Row, Table, table
from synthesis.report.result_tables import with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.results.extracted import Effect

# The lane of a published summary, by the metric that its number is converted to.
_LANE = {"z": "A", "g": "B"}


def summaries(review: ReviewResults) -> list[Effect]:
    """Every usable row that is a published summary and not a single study."""
    return [row for row in review.effects if row.level == "summary" and row.metric in _LANE]


def drawn(plan: ComparisonFigure) -> set[str]:
    """The rows that a comparison figure names."""
    return {name for named in plan.references.values() for name in (*named.effects, *named.when_filled)}


def shown(review: ReviewResults, plan: ComparisonFigure) -> str:
    """How many of the published summaries of each lane a figure draws; nothing where the data have none."""
    named, counted = drawn(plan), []
    for metric, lane in _LANE.items():
        rows = [row for row in summaries(review) if row.metric == metric]
        if rows:
            count = sum(row.effect_id in named for row in rows)
            counted.append(f"{count} of {text.plural(len(rows), LANE_WORD[lane])}")
    if not counted:
        return ""
    chosen = "; of other processes the newest of each and all with an interval" if _by_rule(review, named) else ""
    return f"Published summaries drawn: {', '.join(counted)}{chosen}."


def _by_rule(review: ReviewResults, named: set[str]) -> bool:
    """Whether of each other process of the plan its newest summary is drawn, every tested one, and no more."""
    results = review.process
    if results is None:
        return False
    years = {row.effect_id: row.year or 0 for row in summaries(review)}
    wanted: set[str] = set()
    others = [s for s in results.summaries if s.construct != results.first]
    for construct in {s.construct for s in others}:
        of_construct = [s for s in others if s.construct == construct]
        newest = max(years.get(s.effect_id, 0) for s in of_construct)
        wanted |= {s.effect_id for s in of_construct if s.ci_low is not None or years.get(s.effect_id, 0) == newest}
    return bool(wanted) and wanted == named & {s.effect_id for s in others}


def published(review: ReviewResults) -> Table | None:
    """Every published summary with what it compares, and whether a comparison figure draws it."""
    named = {name for plan in review.config.figures.values() for name in drawn(plan)}
    rows: list[Row] = []
    for row in summaries(review):
        (reference,) = reference_rows("published", (row.effect_id,), row.metric, [row])
        values = (back_transform(row.metric, x) for x in (row.yi, reference.ci_low, reference.ci_high))
        subject = process_name([row.construct], article=False) if row.metric == "z" else (row.comparator or "")
        detail = ", ".join(filter(None, (row.treatment, row.outcome)))
        about = with_interval(values)
        rows.append(
            [
                row.label,
                ESTIMATE_NAME[row.metric],
                about,
                text.capital(subject) if subject else "",
                detail,
                "yes" if row.effect_id in named else "no",
            ]
        )
    heads = ["Summary", "Measure", "Estimate", "Process, or comparator", "Of what", "In a figure"]
    return table("Published summaries, never pooled", heads, rows, {2}) if rows else None
