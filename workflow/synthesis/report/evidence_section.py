"""What the report says of processes beside each other, of findings without a number, and of doubted records."""

from __future__ import annotations

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.report.content import Context, Row, Table, table
from synthesis.report.embedding import figure
from synthesis.report.result_tables import number, p_cell, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.results.process import DoubtRow, ProcessContrast, ProcessResults

_LIMITS = (
    "A count says how often, not how large. Abstracts may leave out what is not significant, a sample with several "
    "findings has more chances, and small studies miss what is there: the binomial test asks whether as many samples "
    "would be significantly positive without any association, the sign test whether the known directions are balanced; "
    "both are tests of what was printed, not of the field."
)
_CAPTION = (
    "Associations with outcome: what studies print, published summaries, and what findings without a number allow."
)


def processes(review: ReviewResults) -> Context | None:
    """The processes of the plan beside each other; nothing where the plan has none."""
    results = review.process
    if results is None:
        return None
    return {
        "figure": figure(review, "forest_process", _CAPTION),
        "sentences": [verdict(results, name) for name in results.names if name != results.first],
        "comparisons": _comparisons(results),
        "limits": _LIMITS,
        "counts": _counts(results),
        "pools": _pools(results),
    }


def verdict(results: ProcessResults, construct: str) -> str:
    """Whether the first construct differs from another, and on which approach the answer depends."""
    rows = [row for row in results.contrasts if row.construct == construct]
    name = f"{results.names[results.first]} and {results.names[construct]}"
    tested = [row for row in rows if row.p is not None]
    if not tested:
        return f"{name}: no test is possible."
    answers = {answer_of(row) for row in tested}
    parts = [f"{_way(row)} {answer_of(row)} ({_difference(row)})" for row in tested]
    lead = "every approach gives the same answer" if len(answers) == 1 else "the answer depends on the approach"
    single = " It rests on one sample or one summary." if len(tested) == 1 else ""
    return f"{name}: {lead}: {'; '.join(parts)}.{single}"


def answer_of(row: ProcessContrast) -> str:
    """A comparison in a word or two, of the first process beside the other."""
    if row.conclusion.startswith("different"):
        return "larger for the alliance" if (row.difference or 0) > 0 else "smaller for the alliance"
    return row.conclusion


def _way(row: ProcessContrast) -> str:
    words = {"summary": f"against {row.second}", "numbers": "printed estimates", "nulls 0": "not significant as 0"}
    bounds = f"bounds, {row.bound} difference"
    return words.get(row.approach, bounds if row.approach == "bounds" else row.approach)


def _pool_way(approach: str) -> str:
    """How a pool enters findings without a number; those without significance are called nulls in tables."""
    return approach.replace("nulls 0", "not significant as 0").replace("nulls at", "not significant at")


def _difference(row: ProcessContrast) -> str:
    return f"{text.number(row.difference)} {text.interval(row.ci_low, row.ci_high)}"


def _comparisons(results: ProcessResults) -> Table:
    cells: list[Row] = []
    for row in results.contrasts:
        first, second = (back_transform("z", value) for value in (row.estimate_first, row.estimate_second))
        gap = with_interval((row.difference, row.ci_low, row.ci_high))
        samples = [text.count(value) for value in (row.samples_first, row.samples_second)]
        left = text.count(row.left_out) if row.left_out else ""
        values = [number(first), number(second)]
        tests = [gap, p_cell(row.p), p_cell(row.p_equivalence)]
        cells.append([row.title, _way(row), *samples, left, *values, *tests, row.conclusion, row.note])
    name = results.names[results.first].lower()
    heads = ["Other process", "Approach", f"Samples, {name}", "Samples or studies, other", "Left out of both",
             f"r, {name}", "r, other", "Difference in z", "p", "p of equivalence", "Conclusion", "Remark"]  # fmt: skip
    return table(f"{results.names[results.first]} minus each other process", heads, cells, range(2, 10))


def _counts(results: ProcessResults) -> Table:
    cells: list[Row] = [
        [
            row.title,
            *(text.count(n) for n in (row.samples, row.positive, row.negative, row.mixed, row.not_significant)),
            p_cell(row.p_significant),
            p_cell(row.p_significant_mixed),
            f"{row.signs_positive} to {row.signs_negative}",
            p_cell(row.p_sign),
        ]
        for row in results.counts
    ]
    heads = ["Process", "Samples", "Significant, positive", "Significant, negative", "Findings disagree",
             "Not significant", "Binomial p", "with those that disagree", "Directions", "Sign test p"]  # fmt: skip
    return table("Samples by what they found", heads, cells, range(1, 10))


def _pools(results: ProcessResults) -> Table:
    cells: list[Row] = []
    for row in results.pools:
        estimate = with_interval(back_transform("z", value) for value in (row.estimate, row.ci_low, row.ci_high))
        counts = [text.count(n) for n in (row.samples, row.numbers, row.nulls, row.significant)]
        cells.append([row.title, _pool_way(row.approach), *counts, estimate, row.model])
    heads = ["Process", "Approach", "Samples", "Numbers", "Not significant", "Significant", "r", "Model"]
    return table("Associations under each approach", heads, cells, range(2, 7))


def doubts(review: ReviewResults) -> Context | None:
    """What doubted records move; nothing where the plan names none."""
    if not review.doubts:
        return None
    turned = [
        f"{row.comparison_title}: {row.conclusion} ({text.number(row.difference)}, {text.p_value(row.p)}), but "
        f"{row.conclusion_then} ({text.number(row.difference_then)}, {text.p_value(row.p_then)}) under this decision: "
        f"{row.title}."
        for row in review.doubted
        if row.turns and row.p is not None and row.p_then is not None
    ]
    return {"table": _doubts(review.doubts), "turned": turned}


def _doubts(rows: list[DoubtRow]) -> Table:
    cells: list[Row] = []
    for row in rows:
        now, then = (
            with_interval(back_transform(row.metric, value) for value in values)
            for values in (
                (row.estimate, row.ci_low, row.ci_high),
                (row.estimate_then, row.ci_low_then, row.ci_high_then),
            )
        )
        samples = [text.count(row.samples), text.count(row.samples_then)]
        cells.append([row.title, row.synthesis_title, samples[0], now, samples[1], then, row.reason])
    heads = ["Doubt", "Synthesis", "Samples", "As it is", "Samples then", "With the other decision", "Why"]
    return table("Doubted records, and what each moves", heads, cells, {2, 3, 4, 5})
