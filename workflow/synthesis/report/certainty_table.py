"""The summary of findings in the report, and the reasons behind each certainty."""

from __future__ import annotations

from collections.abc import Sequence

from synthesis.compare.grading import CONSIDERABLE, LEAST_RATED, LEAST_TESTS, MOST_HIGH, SUBSTANTIAL, TEST_LEVEL
from synthesis.data.scales import back_transform
from synthesis.draw.forest_notes import people_words
from synthesis.report.content import Context, Row, Table, cell, table
from synthesis.report.result_tables import estimated, interval, with_interval
from synthesis.results.certainty import DOMAINS, LEVELS, DomainRow, FindingsRow, LowRiskRow
from synthesis.results.fitted import Fitted

# By which numbers a domain is judged; "not serious" may stand beside several samples at high risk of little weight.
RULES = (
    f"Rules. Risk of bias: serious where samples at high risk have {MOST_HIGH:.0%} or more of the rated weight, not "
    f"decided where less than {LEAST_RATED:.0%} of the weight is rated; weight, not the number of samples, counts. "
    f"Inconsistency: serious where I\u00b2 is {SUBSTANTIAL:.0f}% or more and the prediction interval includes zero or "
    f"the smallest value that matters, very serious where I\u00b2 is {CONSIDERABLE:.0f}% or more and it reaches beyond "
    "that value on both sides of zero. Imprecision: one level for each of these points inside the interval, one for "
    "fewer people than the optimal information size, two at most. Publication bias: serious where "
    f"{LEAST_TESTS} or more of three tests have p < {TEST_LEVEL:g}. Indirectness is declared in the plan."
)


def certainty(
    findings: Sequence[FindingsRow], domains: Sequence[DomainRow], documents: Sequence[Fitted]
) -> Context | None:
    """Two tables: a row for each pool, and one for each domain of each pool with its reason; nothing without any.

    `documents`: they name the samples behind a reason.
    """
    if not findings:
        return None
    title = {row.synthesis: row.title for row in findings}
    by_name = {document.synthesis: document for document in documents}
    cells: list[Row] = []
    for row in findings:
        value = with_interval((row.estimate, row.ci_low, row.ci_high))
        judged = [getattr(row, domain) for domain in DOMAINS]
        people = cell(people_words(by_name[row.synthesis].studies) if row.synthesis in by_name else None, row.people)
        cells.append([
            row.title, level(row), value, row.samples, people, interval(row.pi_low, row.pi_high), *judged, row.word,
        ])  # fmt: skip
    heads = ["Synthesis", "Certainty", "Estimate", "Samples", "People", "Prediction", *DOMAINS.values(), "What it is"]
    names = {study.sample_id: study.label for document in documents for study in document.studies}
    reasons: list[Row] = []
    for r in domains:
        behind = "; ".join(names.get(sample, sample) for sample in r.rows.split("; "))
        reasons.append([title[r.synthesis], DOMAINS[r.domain], r.judgement, r.reason, behind])
    return {
        "variants": [*(f"{words}." for words in dict.fromkeys(row.variant for row in findings)), RULES],
        "findings": table("Summary of findings", heads, cells, {2, 3, 4, 5}),
        "reasons": table("Domains", ["Synthesis", "Domain", "Judgement", "Reason", "Samples"], reasons),
    }


def level(row: FindingsRow) -> str:
    """The certainty in words: the highest that it can be, where a domain is not decided and a lower one is left."""
    return f"at most {row.certainty}" if row.undecided and row.certainty != LEVELS[0] else row.certainty


def low_risk(rows: Sequence[LowRiskRow], documents: Sequence[Fitted]) -> Table | None:
    """Pools without their samples at high risk of bias; nothing where no sample of any is rated.

    `documents`: they name the samples that are left out.
    """
    names = {study.sample_id: study.label for document in documents for study in document.studies}
    by_name = {document.synthesis: document for document in documents}
    cells: list[Row] = []
    for r in rows:
        if not r.rated:
            continue
        read = (r.estimate, r.ci_low, r.ci_high, r.estimate_without, r.ci_low_without, r.ci_high_without)
        values = [back_transform(r.metric, value) for value in read]
        left = "; ".join(names.get(sample, sample) for sample in r.left_out_samples.split("; ") if sample)
        rated = f"{r.rated} of {r.samples}"
        pools = [estimated(by_name[r.synthesis], *three) for three in (values[:3], values[3:])]
        cells.append([r.title, rated, r.left_out, *pools, left, r.reason])
    heads = ["Synthesis", "Rated", "At high risk", "All samples", "Without those", "Left out", "Remark"]
    return table("Each pool without its samples at high risk of bias", heads, cells, {2, 3, 4}) if cells else None
