"""The tables of regressions on several moderators together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.draw.coefficients import coefficient_words
from synthesis.report.content import Cell, Content, Row, Table, table
from synthesis.report.result_tables import interval, number, p_cell
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded, term
from synthesis.results.diagnosed import RegressionRow


@dataclass(frozen=True, slots=True)
class JointSection:
    """A joint regression: its heading, what it rests on in sentences, its coefficients and tests, and its means."""

    heading: str
    sentences: tuple[str, ...]
    coefficients: Table | None
    means: Table | None


def regressions(review: ReviewResults) -> list[JointSection]:
    """Every joint regression of the plan."""
    groups = groupby(review.diagnostics.regressions, lambda row: (row.synthesis, row.model))
    return [_section(review, list(rows)) for _, rows in groups]


def _section(review: ReviewResults, rows: Sequence[RegressionRow]) -> JointSection:
    first = rows[0]
    title = review.by_name[first.synthesis].title
    heading = f"{title}: {term(first.model)}"
    if first.kind == "refused":
        return JointSection(heading, (f"Not fitted: {decoded(first.note)}.",), None, None)
    level = f"{100 * review.config.defaults.level:g}% CI"
    return JointSection(heading, _sentences(rows), _coefficients(heading, level, rows), _means(review, level, rows))


def _words(row: RegressionRow) -> str:
    return coefficient_words(row.term, row.formula, term, term)


def _sentences(rows: Sequence[RegressionRow]) -> tuple[str, ...]:
    """What it rests on, what it explains and what is left."""
    first = rows[0]
    left = {row.term: row for row in rows if row.kind == "heterogeneity"}
    rests = f"{text.plural(first.k, 'estimate')} of {text.plural(first.samples or 0, 'sample')}"
    if first.without_value:
        rests += f"; {text.plural(first.without_value, 'estimate')} without a value of some moderator left out"
    q, r2 = left["Q"], left["r2"].estimate
    explained = f"They explain {text.number(r2, 0)}% of the variance of effects; what is left: "
    tested = f"Q = {text.number(q.estimate, 1)}, {text.number(q.df, 0)} df, {text.p_value(q.p)}." if q.p else ""
    notes = [f"{decoded(note)[:1].upper()}{decoded(note)[1:]}." for note in q.note.split("; ", 1)[1:]]
    return (f"{rests}.", explained + tested, *notes)


def _coefficients(heading: str, level: str, rows: Sequence[RegressionRow]) -> Table:
    """Coefficients, then the tests of terms of several and of all."""
    several = any(row.kind == "test" and row.term == "all" for row in rows)
    shuffled = any(row.p_permutation is not None for row in rows)
    cells: list[Row] = []
    for row in rows:
        if row.kind == "coefficient":
            value = [number(row.estimate, 3), interval(row.ci_low, row.ci_high, 3)]
            cells.append([_words(row), *value, *_tested(row, shuffled)])
        if row.kind == "test" and ((row.df1 or 0) > 1 or row.term == "all"):
            name = "All together" if row.term == "all" and several else f"Test of {_words(row)}"
            cells.append([name, None, None, *_tested(row, shuffled)])
    by_chance = ["p by permutation"] if shuffled else []
    heads = ["Coefficient", "Estimate", level, "p", *by_chance, "VIF", "Remark"]
    return table(f"{heading}: coefficients", heads, cells, set(range(1, len(heads) - 1)))


def _tested(row: RegressionRow, shuffled: bool) -> list[Cell | Content]:
    by_chance = [p_cell(row.p_permutation)] if shuffled else []
    return [p_cell(row.p), *by_chance, number(row.vif, 1), decoded(row.note)]


def _means(review: ReviewResults, level: str, rows: Sequence[RegressionRow]) -> Table | None:
    """Marginal means and predictions on the scale that is read."""
    document = review.by_name[rows[0].synthesis]
    cells: list[Row] = []
    for row in rows:
        if row.kind in ("mean", "predicted"):
            estimates = (row.estimate, row.ci_low, row.ci_high, row.pi_low, row.pi_high)
            value = [back_transform(document.metric, x) for x in estimates]
            limits = [interval(value[1], value[2], 2), interval(value[3], value[4], 2)]
            cells.append([_words(row), number(value[0], 2), *limits, decoded(row.note)])
    heads = ["Mean at", "Estimate", level, "Interval of a new sample", "Remark"]
    return table(f"{document.title}: marginal means", heads, cells, {1, 2, 3}) if cells else None
