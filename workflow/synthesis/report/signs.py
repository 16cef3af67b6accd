"""The signs of bias of the first screen, beside every estimate that allows for bias."""

from __future__ import annotations

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.report import headline
from synthesis.report.content import Cell, Context, Table, cell, table
from synthesis.report.result_tables import number
from synthesis.report.review_results import ReviewResults

_HEAD = "All adjusted estimates"
# Rows that adjust nothing: the pool itself, and the one that says why a pool has none.
_NOT_ADJUSTED = ("pool", "all")


def bias(review: ReviewResults) -> Context:
    """The pools with a sign of bias, each with the range of all its adjusted estimates, significant test or not."""
    made = headline.bias(review)
    shown = made["table"]
    return {**made, "table": _with_all(review, shown)} if isinstance(shown, Table) else made


def _with_all(review: ReviewResults, shown: Table) -> Table:
    """The table with the range over all adjusted estimates in place of its last column."""
    named = [(row, _synthesis(row[0])) for row in shown.rows]
    rows = [(*row[:2], _pooled(review, name), all_adjusted(review, name)) for row, name in named]
    return table(shown.caption, [*shown.heads[:-1], _HEAD], rows, shown.numbers)


def _pooled(review: ReviewResults, synthesis: str) -> Cell:
    """The pooled estimate, whose interval stands in the table of all estimates."""
    document = review.by_name[synthesis]
    return number(back_transform(document.metric, document.fit.estimate))


def _synthesis(title: Cell) -> str:
    """The synthesis that a title leads to."""
    return title.texts[0].place.removeprefix("synthesis-")


def all_adjusted(review: ReviewResults, synthesis: str) -> Cell:
    """From the lowest to the highest of every adjusted estimate that could be computed, and how many those are."""
    metric = review.by_name[synthesis].metric
    found = [
        back_transform(metric, row.adjusted.estimate)
        for row in review.diagnostics.adjusted_estimates
        if row.synthesis == synthesis and row.adjusted.name not in _NOT_ADJUSTED
    ]
    values = sorted(value for value in found if value is not None)
    if not values:
        return cell("none computed")
    ends = dict.fromkeys(text.number(x) for x in (values[0], values[-1]))
    return cell(f"{' to '.join(ends)} ({text.count(len(values))})", values[0])
