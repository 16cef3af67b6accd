"""The summary of findings in the report, and the reasons behind each certainty."""

from __future__ import annotations

from collections.abc import Sequence

from synthesis.report.content import Context, Row, table
from synthesis.report.result_tables import interval, with_interval
from synthesis.results.certainty import DOMAINS, DomainRow, FindingsRow


def certainty(findings: Sequence[FindingsRow], domains: Sequence[DomainRow]) -> Context | None:
    """Two tables: a row for each pool, and one for each domain of each pool with its reason; nothing without any."""
    if not findings:
        return None
    title = {row.synthesis: row.title for row in findings}
    cells: list[Row] = []
    for row in findings:
        value = with_interval((row.estimate, row.ci_low, row.ci_high))
        judged = [getattr(row, domain) for domain in DOMAINS]
        level = f"at most {row.certainty}" if row.undecided else row.certainty
        cells.append([
            row.title, row.word, row.samples, row.people, value, interval(row.pi_low, row.pi_high), *judged, level,
        ])  # fmt: skip
    heads = ["Synthesis", "What it is", "Samples", "People", "Estimate", "Prediction", *DOMAINS.values(), "Certainty"]
    reasons: list[Row] = [[title[r.synthesis], DOMAINS[r.domain], r.judgement, r.reason, r.rows] for r in domains]
    return {
        "variants": [f"{words}." for words in dict.fromkeys(row.variant for row in findings)],
        "findings": table("Summary of findings", heads, cells, {2, 3, 4, 5}),
        "reasons": table("Domains", ["Synthesis", "Domain", "Judgement", "Reason", "Samples"], reasons),
    }
