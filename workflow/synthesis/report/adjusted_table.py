"""The table of adjusted estimates in the report."""

from __future__ import annotations

from synthesis.data.scales import back_transform
from synthesis.report.content import Row, Table, table
from synthesis.report.result_tables import estimated, p_cell
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded
from synthesis.results.adjusted import ESTIMATORS, samples_words


def adjusted(review: ReviewResults) -> Table:
    """Every estimate of every pool with what it assumes, or why it was not computed."""
    rows: list[Row] = []
    for row in review.diagnostics.adjusted_estimates:
        estimate, document = row.adjusted, review.by_name[row.synthesis]
        name, assumes = ESTIMATORS.get(estimate.name, ("All of them", ""))
        value = [
            back_transform(document.metric, limit) for limit in (estimate.estimate, estimate.ci_low, estimate.ci_high)
        ]
        number = estimated(document, *value)
        remark = f"not computed: {estimate.reason}" if estimate.reason else estimate.note
        rows.append(
            [
                document.title,
                name,
                samples_words(estimate, document.fit.samples),
                number,
                p_cell(estimate.p),
                assumes,
                decoded(remark),
            ]
        )
    heads = ["Synthesis", "Estimate", "Samples", "Value", "p", "Right if", "Remark"]
    return table("Estimates adjusted for bias", heads, rows, {2, 3, 4})
