"""The signs of bias of the first screen, beside every estimate that allows for bias."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.draw.layout import estimate_name
from synthesis.report import sentences
from synthesis.report.content import Cell, Context, Row, Table, Text, cell, table
from synthesis.report.headline import headline_documents
from synthesis.report.review_results import ReviewResults
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.results.fitted import Fitted

# What counts as a signal; these tests have little power, so that a larger p is no proof of the contrary.
SIGNAL = 0.05
# Tests in a word; all forms have rows of their own in the appendix.
_NAME = {
    "egger": "Egger",
    "egger_robust": "Egger, cluster-robust",
    "egger_inverse_root_n": "Egger on 1/\u221an",
    "rank": "rank correlation",
    "trim_fill_L0": "trim and fill, L0",
    "trim_fill_R0": "trim and fill, R0",
    "selection_model": "selection model",
    "excess_significance": "excess significance",
}
# A small p of the p-curve speaks for a true effect, not for bias; the z-curve has none.
NO_SIGN = ("all", "p_curve", "z_curve")
# Rows that adjust nothing: the pool itself, and the one that says why a pool has none.
_NOT_ADJUSTED = ("pool", "all")
# Two routes to one estimate differ by less.
_SAME = 1e-6


def bias(review: ReviewResults, *, every: bool = True) -> Context:
    """What tests of small-study effects and of selective reporting say of the pools that the answer is about.

    `every`: whether the table has the other pools with a sign, too.
    """
    rows = [r for r in review.diagnostics.small_study if r.test not in NO_SIGN]
    tested = [d for d in review.documents if any(r.synthesis == d.synthesis for r in rows)]
    signals = [r for r in rows if r.p is not None and r.p < SIGNAL]
    flagged = {r.synthesis for r in signals}
    answered = {d.synthesis for d in headline_documents(review) if d.fit.samples > 1}
    shown = answered | flagged if every else answered
    others = [d for d in review.documents if d.synthesis in flagged - shown]
    pools = [d for d in review.documents if d.synthesis in shown]
    return {
        "tested": len(tested),
        "tests": max((sum(r.synthesis == d.synthesis and r.p is not None for r in rows) for d in tested), default=0),
        "flagged": len(flagged),
        "elsewhere": _elsewhere(others, len(flagged)),
        "from": review.config.diagnostics.funnel_from,
        "table": _signals(review, pools, signals, tested) if tested and pools else None,
        "quiet": _quiet(review, [d for d in tested if d.synthesis in answered - flagged]),
    }


def _elsewhere(others: Sequence[Fitted], flagged: int) -> tuple[str, str] | None:
    """How many of the pools with a sign stand in the appendix alone, and how many of those are of associations."""
    count, associations = len(others), sum(d.lane == "A" for d in others)
    if not count:
        return None
    if count == 1:
        return ("It stands" if flagged == 1 else f"1 of these {flagged} stands"), ""
    which = f", {associations} of them {'a pool' if associations == 1 else 'pools'} of associations"
    return f"{'All' if count == flagged else f'{count} of these {flagged}'} stand", which if associations else ""


def _quiet(review: ReviewResults, documents: Sequence[Fitted]) -> str:
    """The pools of the answer without a sign, and what methods that allow for bias give of them."""
    if not documents:
        return ""
    values = [adjusted_values(review, d.synthesis) for d in documents]
    names = _listed(sentences.short_names(documents))
    words = f"No test has p\u00a0<\u00a0{SIGNAL:g} for {names}, but such tests miss much"
    ends = [" to ".join(dict.fromkeys(text.number(x) for x in (v[0], v[-1]))) for v in values if v]
    return f"{words}; methods that allow for bias give {_listed(ends)}." if len(ends) == len(values) else f"{words}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _signals(
    review: ReviewResults, pools: Sequence[Fitted], signals: Sequence[SmallStudyRow], tested: Sequence[Fitted]
) -> Table:
    """One row per pool: the tests that point to bias, and between which values all its adjusted estimates lie."""
    cells: list[Row] = []
    for document in pools:
        name = document.synthesis
        rows = [r for r in review.diagnostics.small_study if r.synthesis == name]
        tests = ", ".join(
            f"{_NAME.get(r.test, r.test)} ({_p(r)}{_smallest_of(r, rows, document.metric)})"
            for r in _of_each_family([r for r in signals if r.synthesis == name], document.metric)
        )
        if not tests:
            fewer = f"not tested: fewer than {review.config.diagnostics.funnel_from} samples"
            tests = "none (this is no proof)" if document in tested else fewer
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


def _smallest_of(row: SmallStudyRow, rows: list[SmallStudyRow], metric: str) -> str:
    """ ", smallest of 3 forms": of how many forms of a kind of test the row has the smallest p; nothing for one."""
    forms = sum(1 for r in rows if r.p is not None and _family(r, metric) == _family(row, metric))
    return f", smallest of {forms} forms" if forms > 1 else ""


def _of_each_family(rows: list[SmallStudyRow], metric: str) -> list[SmallStudyRow]:
    """Of each kind of test (forms of Egger's are one kind) the row with the smallest p; all are in the appendix."""
    best: dict[str, SmallStudyRow] = {}
    for row in sorted(rows, key=lambda row: row.p or 0.0):
        best.setdefault(_family(row, metric), row)
    return [row for row in rows if row in best.values()]


def adjusted_values(review: ReviewResults, synthesis: str) -> list[float]:
    """Every estimate that allows for bias, as it is read, in order: those of the methods and those that tests imply.

    What a method and a test both give counts once.
    """
    rows = review.diagnostics
    estimates = [
        r.adjusted.estimate
        for r in rows.adjusted_estimates
        if r.synthesis == synthesis and r.adjusted.name not in _NOT_ADJUSTED
    ]
    estimates += [r.adjusted_estimate for r in rows.small_study if r.synthesis == synthesis and r.test not in NO_SIGN]
    read = (back_transform(review.by_name[synthesis].metric, value) for value in estimates)
    values: list[float] = []
    for value in sorted(value for value in read if value is not None):
        if not values or not math.isclose(value, values[-1], rel_tol=_SAME, abs_tol=_SAME):
            values.append(value)
    return values


def all_adjusted(review: ReviewResults, synthesis: str) -> Cell:
    """From the lowest to the highest of every adjusted estimate that could be computed, and how many those are."""
    values = adjusted_values(review, synthesis)
    if not values:
        return cell("none computed")
    ends = dict.fromkeys(text.number(x) for x in (values[0], values[-1]))
    return cell(f"{' to '.join(ends)} ({text.count(len(values))})", values[0])
