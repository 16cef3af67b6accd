"""What moves the results, as tables: single samples, moderators, and the decisions of the multiverses."""

from __future__ import annotations

from collections.abc import Iterable

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, NumericModerator
from synthesis.draw.spread import PER, UNIT_NAME
from synthesis.meta.options import terms
from synthesis.report.content import Cell, Row, Table, cell, table
from synthesis.report.result_tables import estimated, interval, plain_p
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import term
from synthesis.results.curves import MAIN, MAIN_WORDS, Curve, MultiverseSummary
from synthesis.results.diagnosed import InfluenceRow, ModeratorRow
from synthesis.results.fitted import Fitted

SIGNAL = 0.05
# Decisions that are named beside a curve.
_NAMED = 2
# Between the options of a curve that has several.
_JOINED = "; "


def influence_table(rows: Iterable[InfluenceRow], documents: Iterable[Fitted]) -> Table | None:
    """How far leaving out one sample moves each pool, and which samples those are; nothing where none has several."""
    rows = list(rows)
    cells: list[Row] = []
    for document in documents:
        left = _without_one(rows, document)
        if not left:
            continue
        (low, low_name), (high, high_name) = min(left), max(left)
        marked = [row.sample.label for row in rows if row.synthesis == document.synthesis and row.sample.influential]
        cells.append(
            [
                document.title,
                estimated(document, back_transform(document.metric, document.fit.estimate)),
                cell(f"{text.number(low)} (without {low_name})", low),
                cell(f"{text.number(high)} (without {high_name})", high),
                ", ".join(marked) or "none",
            ]
        )
    heads = ["Pool", "All samples", "Lowest without one", "Highest without one", "Marked influential"]
    return table("Each pool without any one of its samples", heads, cells, {1}) if cells else None


def without_one(rows: Iterable[InfluenceRow], documents: Iterable[Fitted], names: Iterable[str]) -> str:
    """Between which values each pool lies without any one of its samples; `names`: what the pools are called."""
    rows, ranges = list(rows), []
    for document, name in zip(documents, names, strict=True):
        left = [value for value, _ in _without_one(rows, document)]
        if left:
            ends = f"{text.number(min(left))} to {text.number(max(left))}"
            ranges.append(f"{name}, {ESTIMATE_NAME[document.metric]} = {ends}")
    return f"Without any one sample: {'; '.join(ranges)}." if ranges else ""


def _without_one(rows: list[InfluenceRow], document: Fitted) -> list[tuple[float, str]]:
    """The estimate without each sample in turn, of the synthesis's own model where that was fitted again."""
    samples = [row.sample for row in rows if row.synthesis == document.synthesis]
    refitted = any(sample.model_estimate_without is not None for sample in samples)
    left = []
    for sample in samples:
        without = sample.model_estimate_without if refitted else sample.estimate_without
        value = back_transform(document.metric, without)
        if value is not None:
            left.append((value, sample.label))
    return left


def tested_moderators(review: ReviewResults) -> list[ModeratorRow]:
    """The tests of moderators that could be done, one for each synthesis and moderator."""
    return [r for r in review.diagnostics.moderators if r.kind == "test of all" and r.p is not None]


def moderator_signals(review: ReviewResults) -> Table | None:
    """The moderators with p < .05, and how the pools differ by them."""
    signals = [r for r in tested_moderators(review) if r.p is not None and r.p < SIGNAL]
    cells: list[Row] = [
        [review.by_name[r.synthesis].title, term(r.moderator), plain_p(r.p), _difference(review, r)] for r in signals
    ]
    heads = ["Pool", "Moderator", "p", "Pools by level, or slope"]
    return table(f"Moderators with p < {SIGNAL:g}", heads, cells, {2}) if cells else None


def _difference(review: ReviewResults, test: ModeratorRow) -> str:
    rows = [r for r in review.diagnostics.moderators if (r.synthesis, r.moderator) == (test.synthesis, test.moderator)]
    metric = review.by_name[test.synthesis].metric
    if test.moderator in terms(NumericModerator):
        slope = next((r for r in rows if r.kind == "coefficient" and r.term != "intrcpt"), None)
        if slope is None or slope.estimate is None:
            return ""
        return f"{text.number(PER[test.moderator] * slope.estimate, 4)} per {UNIT_NAME[test.moderator]}"
    levels = [(term(r.term), back_transform(metric, r.estimate)) for r in rows if r.kind == "level"]
    return "; ".join(f"{name} {text.number(value)}" for name, value in levels)


def titles(review: ReviewResults) -> dict[str, str]:
    """The titles of the syntheses by their names."""
    return {document.synthesis: document.title for document in review.documents}


def multiverse_table(
    documents: Iterable[MultiverseSummary], pools: dict[str, str], several: bool = True
) -> Table | None:
    """One row per curve: where its analyses lie, and which decisions move them most.

    `pools`: titles of syntheses; `several`: each curve in a row of its own, with how many analyses and its test;
    without it a row for each multiverse, with the medians of its other curves of one non-equivalent option.
    """
    cells: list[Row] = []
    for document in documents:
        curves = [curve for curve in document.curves if several or _JOINED not in str(curve.curve)]
        rows = [row for curve in curves if (row := _curve_row(document, curve, pools))]
        cells += rows if several else _in_one(rows, document)
    heads = ["Analyses of", "Curve", "How many", "Median", "Nine in ten lie in", "p < 0.05", "p by sign changes",
             "Decisions, with their share of the variance"]  # fmt: skip
    if not several:
        heads[1] = "Medians of other questions"
    kept = [i for i, head in enumerate(heads) if several or head not in ("How many", "p by sign changes")]
    numbers = {place for place, i in enumerate(kept) if i in (2, 3, 4, 5)}
    caption = "All combinations of declared decisions: where estimates lie, what moves them most"
    kept_cells = [[row[i] for i in kept] for row in cells]
    return table(caption, [heads[i] for i in kept], kept_cells, numbers) if cells else None


def _in_one(rows: list[Row], document: MultiverseSummary) -> list[Row]:
    """The first curve of a multiverse, with the range of the medians of its others."""
    if not rows:
        return []
    first, others = rows[0], [row[3] for row in rows[1:]]
    medians = sorted(float(c.order) for c in others if isinstance(c, Cell) and isinstance(c.order, float))
    ends = dict.fromkeys(text.number(x) for x in (medians[0], medians[-1])) if medians else {}
    return [[first[0], " to ".join(ends), *first[2:5], _with_others(document), *first[6:]]]


def _with_others(document: MultiverseSummary) -> Cell:
    """The share of significant analyses of the first curve, with the range of those of all others."""
    first, *others = (
        share
        for curve in document.curves
        if (share := curve.scopes["all"].share_positive_significant) is not None and curve.scopes["all"].fitted
    )
    ends = dict.fromkeys(percent(x) for x in (min(others), max(others))) if others else {}
    label = f"{percent(first)} (other questions: {' to '.join(ends)})" if ends else percent(first)
    return cell(label, first)


def _curve_row(document: MultiverseSummary, curve: Curve, pools: dict[str, str]) -> Row | None:
    scope = curve.scopes["all"]
    if not scope.fitted or scope.share_positive_significant is None:
        return None
    metric = document.metric
    middle, low, high = (
        back_transform(metric, x) for x in (scope.estimate_median, scope.estimate_5, scope.estimate_95)
    )
    moved = sorted((d for d in curve.decisions if d.share > 0), key=lambda d: -d.share)[:_NAMED]
    return [
        pools.get(document.synthesis, document.title),
        curve_name(curve),
        cell(text.count(scope.fitted), scope.fitted),
        cell(f"{ESTIMATE_NAME[metric]} = {text.number(middle)}", middle),
        interval(low, high),
        cell(percent(scope.share_positive_significant), scope.share_positive_significant),
        _p_of_median(curve),
        text.lettered(", ".join(f"{d.title.lower()} {percent(d.share)}" for d in moved)),
    ]


def _p_of_median(curve: Curve) -> Cell:
    """p of the median under random sign changes; at most so large where it is the smallest that they can give."""
    if curve.test is None:
        return cell("")
    p = curve.test.median_p
    smallest = round(p * (curve.test.permutations + 1)) <= 1
    words = text.p_at_most(p) if smallest else text.p_value(p)
    return cell(words.removeprefix("p = ").removeprefix("p "), p)


def curve_name(curve: Curve) -> str:
    """A curve in words: its non-equivalent options, or that it has none."""
    if curve.curve == MAIN:
        return MAIN_WORDS
    return text.lettered(" ".join(term(part) for part in str(curve.curve).split(" ")))


def percent(share: float) -> str:
    """A share in percent, never rounded to none or all."""
    value = 100 * share
    if 0 < value < 1:
        return "under 1%"
    if 99 < value < 100:
        return "over 99%"
    return f"{value:.0f}%"
