"""The section on the second extraction: how many rows were read twice, how well the readings agree, what is open."""

from __future__ import annotations

from synthesis import text
from synthesis.report.content import Context, Row, Table, table
from synthesis.report.result_tables import interval, number
from synthesis.report.review_results import ReviewResults
from synthesis.results.readings import AgreementRow, DisagreementRow


def section(review: ReviewResults) -> Context:
    """Agreement of two coders, or, plainly, that there was one."""
    return {
        "twice": sum(1 for row in review.rows.values() if row.second_coder),
        "extracted": len(review.rows),
        "unsettled": sum(record.status == "open" for record in review.disagreements),
        "agreement": _fields(review.agreement),
        "disagreements": _differing(review.disagreements),
    }


def _fields(records: list[AgreementRow]) -> Table:
    rows: list[Row] = [
        [
            text.lettered(f"{r.field} ({r.statistic})" if r.statistic else r.field),
            number(r.rows, 0),
            number(r.agree, 0),
            number(r.percent, 0),
            number(r.kappa),
            interval(r.kappa_low, r.kappa_high),
            number(r.icc),
            "" if r.mean_absolute_difference is None else f"{r.mean_absolute_difference:.6g}",
            r.note,
        ]
        for r in records
    ]
    heads = ["Field", "Rows", "Agree", "Percent", "Kappa", "95% CI", "ICC", "Mean absolute difference", "Remark"]
    return table("Agreement of two coders, before corrections", heads, rows, range(1, 8))


def _differing(records: list[DisagreementRow]) -> Table:
    rows = [
        [r.effect_id, r.field, r.coder, r.first, r.second_coder, r.second, r.status, r.settled, r.reason]
        for r in records
    ]
    heads = ["Row", "Field", "Coder", "Read", "Second coder", "Read", "Status", "Settled as", "Reason"]
    return table("Cells on which the coders differ", heads, rows)
