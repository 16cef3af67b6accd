"""The tables of the report: each from the records of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME
from synthesis.draw.layout import estimate_name
from synthesis.draw.rows import heterogeneity
from synthesis.draw.spread import PER, UNIT_NAME
from synthesis.report.content import Cell, Row, Table, Text, cell, table
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded, has_code, term
from synthesis.results.extracted import Dropped, Effect
from synthesis.results.fitted import Fitted

CATEGORY_NAME = {
    "gap": "Gaps: the reachable text prints no number",
    "refused": "Printed, but no legitimate conversion",
    "excluded": "Excluded, with the reason",
    "descriptive": "Not an association or an effect",
    "combined": "Arms combined with another of the same control",
}
TEST_NAME = {
    "egger": "Egger regression",
    "egger_inverse_root_n": "Egger regression on 1/\u221an",
    "egger_robust": "Egger regression, cluster-robust",
    "rank": "Rank correlation (Begg)",
    "trim_fill_L0": "Trim and fill, L0",
    "trim_fill_R0": "Trim and fill, R0",
    "pet": "PET",
    "peese": "PEESE",
    "pet_peese": "PET-PEESE",
    "selection_model": "Three-parameter selection model",
    "excess_significance": "Excess significance, observed over expected",
    "p_curve": "p-curve",
    "z_curve": "z-curve, expected replicability rate",
    "fail_safe_rosenthal": "Fail-safe N, Rosenthal",
    "fail_safe_orwin": "Fail-safe N, Orwin",
    "fail_safe_rosenberg": "Fail-safe N, Rosenberg",
    "all": "All tests",
}


def number(value: float | None, decimals: int = 2) -> Cell:
    """A number with fixed decimals."""
    return cell(text.number(value, decimals), value)


def interval(low: float | None, high: float | None, decimals: int = 2) -> Cell:
    """Limits, sorted by the lower one."""
    return cell(text.interval(low, high, decimals), low)


def with_interval(values: Iterable[float | None], decimals: int = 2) -> Cell:
    """A number and its limits, sorted by the number."""
    value, low, high = values
    return cell(limited(value, low, high, decimals), value)


def estimated(document: Fitted, value: float | None, low: float | None = None, high: float | None = None) -> Cell:
    """An estimate on the scale of its synthesis, with what it is: tables hold correlations beside differences."""
    if value is None:
        return cell(None, None)
    return cell(f"{estimate_name(document)} = {limited(value, low, high)}", value)


def limited(value: float | None, low: float | None, high: float | None, decimals: int = 2) -> str:
    """A number and its limits in words."""
    return f"{text.number(value, decimals)} {text.interval(low, high, decimals)}".strip()


def p_cell(value: float | None) -> Cell:
    """A p value; empty where there is none."""
    return cell(None if value is None else text.p_value(value), value)


def plain_p(value: float | None) -> Cell:
    """A p value below a head that says what it is."""
    return cell(None if value is None else text.p_value(value).removeprefix("p = ").removeprefix("p "), value)


def share_cell(value: float | None) -> Cell:
    """A probability; empty where there is none."""
    return cell(None if value is None else text.probability(value), value)


def pooled(documents: list[Fitted]) -> Table:
    """One row per synthesis."""
    rows: list[Row] = []
    for d in documents:
        fit = d.fit
        read = (fit.estimate, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high)
        value = [back_transform(d.metric, limit) for limit in read]
        title = cell(Text(d.title, place=f"synthesis-{d.synthesis}"), d.title)
        values = [number(value[0]), interval(value[1], value[2]), interval(value[3], value[4])]
        rows.append([title, d.word, estimate_name(d), *values, heterogeneity(d)])
    level = f"{100 * documents[0].fit.level:g}% CI"
    heads = ["Synthesis", "What it is", "Measure", "Estimate", level, "Prediction", "Heterogeneity and method"]
    return table("Pooled estimates", heads, rows, {3, 4, 5})


def small_study(review: ReviewResults) -> Table:
    """Tests of small-study effects, and the estimates they imply."""
    rows: list[Row] = []
    for r in review.diagnostics.small_study:
        document = review.by_name[r.synthesis]
        adjusted = (r.adjusted_estimate, r.adjusted_ci_low, r.adjusted_ci_high)
        value = [back_transform(document.metric, limit) for limit in adjusted]
        decimals = 0 if r.test.startswith(("trim", "fail")) else 2
        values = [number(r.statistic, decimals), p_cell(r.p), estimated(document, *value)]
        rows.append([document.title, TEST_NAME[r.test], *values, decoded(r.note)])
    heads = ["Synthesis", "Test", "Statistic, or studies added", "p", "Estimate it implies", "Remark"]
    return table("Tests of small-study effects", heads, rows, {2, 3, 4})


def moderators(review: ReviewResults) -> Table:
    """The joint test of each moderator and the pool of each level; what was refused with its reason."""
    rows: list[Row] = []
    for r in review.diagnostics.moderators:
        document = review.by_name[r.synthesis]
        numeric = review.config.is_number(r.moderator)
        is_slope = r.kind == "coefficient" and numeric
        if r.kind == "coefficient" and (not is_slope or r.term == "intrcpt"):
            continue
        if r.kind == "test of all" and numeric:
            continue
        value = [r.estimate, r.ci_low, r.ci_high]
        if r.kind == "level":
            value = [back_transform(document.metric, x) for x in value]
        label = {"level": term(r.term), "test of all": "all levels alike", "refused": "not fitted"}.get(r.kind)
        if is_slope:
            value = [x if x is None else PER.get(r.moderator, 1.0) * x for x in value]
            label = f"per {UNIT_NAME.get(r.moderator, 'unit')} ({document.metric})"
        if r.kind == "test of all":
            value = [None, None, None]
        decimals = 4 if is_slope else 2
        estimate = estimated(document, value[0]) if r.kind == "level" else number(value[0], decimals)
        values = [estimate, interval(value[1], value[2], decimals)]
        p = p_cell(None if r.kind == "level" else r.p)
        declared = review.config.own_columns.get(r.moderator)
        name = declared.title if declared and declared.title else term(r.moderator)
        rows.append([document.title, name, label, r.k, *values, p, decoded(r.note)])
    level = f"{100 * review.config.defaults.level:g}% CI"
    heads = ["Synthesis", "Moderator", "Level or test", "Estimates", "Estimate", level, "p", "Remark"]
    return table("Moderators", heads, rows, {3, 4, 5, 6})


def few_samples(review: ReviewResults) -> Table:
    """Permutation tests, and Bayesian fits of few samples."""
    rows: list[Row] = []
    for r in review.diagnostics.few_samples:
        document = review.by_name[r.synthesis]
        on_scale = r.what in ("Bayes: mean", "Bayes: new study")
        value = [r.estimate, r.ci_low, r.ci_high]
        if on_scale:
            value = [back_transform(document.metric, x) for x in value]
        decimals = 2 if on_scale else 3
        bounded = r.what == "permutation p" and "the smallest" in r.note
        first = estimated(document, value[0]) if on_scale else number(value[0], decimals)
        first = p_cell(value[0]) if r.what == "permutation p" else first
        if bounded and value[0] is not None:
            first = cell(text.p_at_most(value[0]), value[0])
        rows.append([document.title, decoded(r.what), first, interval(value[1], value[2], decimals), decoded(r.note)])
    heads = ["Synthesis", "What", "Value", "95% interval", "How"]
    return table("Permutation tests and Bayesian fits", heads, rows, {2, 3})


def effects(records: Sequence[Effect]) -> Table:
    """Every usable number with its converter, its locator and its quote."""
    rows: list[Row] = []
    for r in records:
        value = back_transform(r.metric, r.yi)
        rows.append(
            [
                _study(r),
                cell(f"{ESTIMATE_NAME[r.metric]} {text.number(value)}", value),
                (term(r.converter), Text("; ".join(remarks(r)), "small")),
                _quote(r),
            ]
        )
    names = [f"row-{r.metric}-{r.effect_id}" for r in records]
    heads = ["Study", "Estimate", "Converter", "Quote and locator"]
    return table("All usable numbers with their quotes", heads, rows, {1}, names)


def _study(row: Effect | Dropped) -> Cell:
    """Whose number it is, leading to the source, and the name of the row."""
    name = row.label or term(row.study)
    return cell((Text(name, url=row.url), Text(row.effect_id, "code")), name)


def _quote(row: Effect | Dropped) -> tuple[Text, Text]:
    # Columns and files of other people's data are named as they are called there.
    return Text(row.quote, "q"), Text(row.locator, "code" if has_code(row.locator) else "small")


def remarks(row: Effect) -> list[str]:
    """What must be known of a converted number."""
    corrected = f"corrected: {decoded(row.corrected)}" if row.corrected else ""
    missing = f"not in the quote: {decoded(row.not_in_quote)}" if row.not_in_quote else ""
    return [words for words in (row.exactness, corrected, missing) if words]


def dropped(records: Sequence[Dropped]) -> list[Table]:
    """The rows without a usable number, one table per category, each with its reason."""
    heads = ["Study", "Source", "Reason", "Quote and locator"]
    tables = []
    for category, name in CATEGORY_NAME.items():
        rows = {r.effect_id: r for r in records if r.category == category}
        if rows:
            tables.append(
                table(
                    name,
                    heads,
                    [[_study(r), Text(r.source, "code"), decoded(r.reason), _quote(r)] for r in rows.values()],
                )
            )
    return tables


def hashes(documents: list[Fitted]) -> Table:
    """Digests of what went into each fit."""
    rows: list[Row] = [
        [d.title, *(Text(code[:16], "code") for code in (d.config_sha256, d.inputs_sha256))] for d in documents
    ]
    return table("What each fit was made from", ["Synthesis", "Plan (SHA-256)", "Inputs (SHA-256)"], rows)
