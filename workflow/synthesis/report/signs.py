"""The signs of bias of the first screen, beside every estimate that allows for bias."""

from __future__ import annotations

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.draw.layout import estimate_name
from synthesis.report.content import Cell, Context, Row, Table, Text, cell, table
from synthesis.report.review_results import ReviewResults
from synthesis.results.diagnosed import SmallStudyRow

# What counts as a signal; these tests have little power, so that a larger p is no proof of the contrary.
SIGNAL = 0.05
# Tests in a word; their forms have rows of their own in the appendix.
_FAMILY = {
    "egger": "Egger",
    "egger_inverse_root_n": "Egger on 1/\u221an",
    "rank": "rank correlation",
    "trim": "trim and fill",
    "selection": "selection model",
    "excess": "excess significance",
}
# A small p of the p-curve speaks for a true effect, not for bias; the z-curve has none.
NO_SIGN = ("all", "p_curve", "z_curve")
# Rows that adjust nothing: the pool itself, and the one that says why a pool has none.
_NOT_ADJUSTED = ("pool", "all")


def bias(review: ReviewResults, *, every: bool = True) -> Context:
    """The pools in which a test points to small-study effects or selective reporting, and those in which none does.

    `every`: whether the table has the other selections of a question, too.
    """
    rows = [r for r in review.diagnostics.small_study if r.test not in NO_SIGN]
    tested = [d for d in review.documents if any(r.synthesis == d.synthesis for r in rows)]
    signals = [r for r in rows if r.p is not None and r.p < SIGNAL]
    flagged = {r.synthesis for r in signals}
    other = {name for plan in review.config.syntheses.values() for name in plan.alternatives} & flagged
    shown = signals if every or other == flagged else [r for r in signals if r.synthesis not in other]
    return {
        "tested": len(tested),
        "tests": max((sum(r.synthesis == d.synthesis and r.p is not None for r in rows) for d in tested), default=0),
        "of": sum(1 for document in review.documents if document.fit.samples > 1),
        "flagged": len(flagged),
        "left_out": len(flagged) - len({r.synthesis for r in shown}),
        "from": review.config.diagnostics.funnel_from,
        "table": _signals(review, shown) if shown else None,
        "quiet": len(tested) - len(flagged),
    }


def _signals(review: ReviewResults, signals: list[SmallStudyRow]) -> Table:
    """One row per pool: the tests that point to bias, and between which values all its adjusted estimates lie."""
    cells: list[Row] = []
    for name in dict.fromkeys(r.synthesis for r in signals):
        document = review.by_name[name]
        tests = ", ".join(
            f"{_FAMILY.get(_family(r, document.metric), r.test)} ({_p(r)})"
            for r in _of_each_family([r for r in signals if r.synthesis == name], document.metric)
        )
        title = cell(Text(document.title, place=f"synthesis-{name}"), document.title)
        value = back_transform(document.metric, document.fit.estimate)
        pooled = cell(f"{estimate_name(document)} = {text.number(value)}", value)
        cells.append([title, tests, pooled, all_adjusted(review, name)])
    heads = ["Pool", f"Tests with p < {SIGNAL:g}, and p", "Pooled estimate", "All adjusted estimates (how many)"]
    return table("Signs of small-study effects or selective reporting", heads, cells, {2, 3})


def _p(row: SmallStudyRow) -> str:
    return text.p_value(row.p or 0.0).removeprefix("p ").removeprefix("= ").replace(" ", "\u00a0")


def _family(row: SmallStudyRow, metric: str) -> str:
    """The kind of a test; of differences of means the form on 1/sqrt(n) is another one, as n does not go with them."""
    if metric == "g" and row.test == "egger_inverse_root_n":
        return row.test
    return row.test.partition("_")[0]


def _of_each_family(rows: list[SmallStudyRow], metric: str) -> list[SmallStudyRow]:
    """Of each kind of test (the forms of Egger's are one) the row with the smallest p; all of them in the appendix."""
    best: dict[str, SmallStudyRow] = {}
    for row in sorted(rows, key=lambda row: row.p or 0.0):
        best.setdefault(_family(row, metric), row)
    return [row for row in rows if row in best.values()]


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
