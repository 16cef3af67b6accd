"""The section on multiverses: what all declared analyses say together, and which decisions move the estimate."""

from __future__ import annotations

from collections.abc import Sequence

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME
from synthesis.draw.chart import interval_text
from synthesis.report.content import Cell, Context, Row, Table, cell, table
from synthesis.report.embedding import figure
from synthesis.report.moving import curve_name, multiverse_table, percent, titles
from synthesis.report.result_tables import interval, number, p_cell
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded
from synthesis.results.curves import MAIN, MAIN_WORDS, ChoiceSpread, CurveTest, MultiverseSummary, PairRow, Scope

# What there is to see in a figure.
_SPECIFICATION = (
    "Specification curve: the estimate of every declared analysis with its interval, in order of size, and below it "
    "which options each one took."
)
_VIBRATION = (
    "Vibration: the estimate of every declared analysis against its p value; the wider the cloud, the more the result "
    "depends on decisions."
)
_PAIRS = "Analyses of the association beside analyses of the effect: where the differences lie."


def section(review: ReviewResults) -> Context | None:
    """Each multiverse: sentences, figures, tables; nothing where the plan has none."""
    if not review.multiverses:
        return None
    return {
        "overview": multiverse_table(review.multiverses, titles(review)),
        "multiverses": [_multiverse(review, document) for document in review.multiverses],
        "bridges": [
            _bridge(review, name, plan.title, rows)
            for name, plan in review.config.bridges.items()
            if (rows := [row for row in review.pairs if row.bridge == name])
        ],
    }


def _multiverse(review: ReviewResults, document: MultiverseSummary) -> Context:
    name = document.multiverse
    return {
        "name": name,
        "title": document.title,
        "counted": counted(document),
        "specification": figure(review, f"specification_{name}", _SPECIFICATION),
        "vibration": figure(review, f"vibration_{name}", _VIBRATION),
        "curves": _curves(document),
        "decisions": _decisions(document),
    }


def _bridge(review: ReviewResults, name: str, title: str, rows: Sequence[PairRow]) -> Context:
    """Analyses of an association beside analyses of an effect."""
    return {
        "name": name,
        "title": title,
        "sentence": bridge_sentence(rows),
        "figure": figure(review, f"multiverse_bridge_{name}", _PAIRS),
        "pairs": _bridge_table(rows),
    }


def bridge_sentence(rows: Sequence[PairRow]) -> str:
    """In how many pairs the association is the larger, by contrast, over the first pair of curves."""
    first = rows[0]
    names = ("association_curve", "effect_curve", "scope")
    compared = [row for row in rows if all(getattr(row, key) == getattr(first, key) for key in names)]
    larger = "; ".join(
        f"{percent(row.share_association_larger)} ({percent(row.share_association_larger_significant)} "
        f"significantly) read as {row.quantity.removeprefix('difference, ')}"
        for row in compared
    )
    beyond = max(row.share_effect_larger_significant for row in compared)
    words = (
        f"Of {_pairs(first)} of {text.count(first.associations)} analyses of the association and "
        f"{text.count(first.effects)} of the effect, the association is the larger in {larger}. The effect is "
        f"significantly larger in at most {percent(beyond)} under any reading."
    )
    decides = " Which reading is right decides more than all other decisions, and the data cannot say which is."
    return words + decides * _reading_decides(compared)


def _pairs(row: PairRow) -> str:
    """All pairs, or how many of them: of large curves evenly spaced analyses are paired."""
    whole = row.associations * row.effects
    if row.pairs == whole:
        return "all pairs"
    return f"{text.count(row.pairs)} of the {text.count(whole)} pairs (evenly spaced by rank)"


def _reading_decides(rows: Sequence[PairRow]) -> bool:
    """Whether the medians of the readings lie further apart than the middle nine tenths of any one of them."""
    medians = [row.difference_median for row in rows]
    widest = max(row.difference_95 - row.difference_5 for row in rows)
    return bool(max(medians) - min(medians) > widest)


def _bridge_table(rows: Sequence[PairRow]) -> Table:
    heads = [
        "Association", "Effect", "Options", "Reading", "Analyses", "Median difference", "5% to 95%",
        "Association larger", "significantly", "Effect significantly larger", "Variance from the association",
    ]  # fmt: skip
    return table(
        "The association, read as a difference in standard deviations, minus the effect, over pairs of analyses",
        heads,
        [
            [
                _words(row.association_curve),
                _words(row.effect_curve),
                "all" if row.scope == "all" else "equivalent only",
                row.quantity.removeprefix("difference, "),
                f"{text.count(row.associations)} \N{MULTIPLICATION SIGN} {text.count(row.effects)}",
                number(row.difference_median),
                interval(row.difference_5, row.difference_95),
                *(_share(getattr(row, key)) for key in _SHARES),
                _share(row.variance_share_association),
            ]
            for row in rows
        ],
        range(4, len(heads)),
    )


_SHARES = (
    "share_association_larger", "share_association_larger_significant", "share_effect_larger_significant",
)  # fmt: skip


def _words(curve: str) -> str:
    return MAIN_WORDS if curve == MAIN else decoded(curve)


def counted(document: MultiverseSummary) -> str:
    """How many analyses there are, and how many could not be done."""
    combinations = text.count(document.crossing)
    words = f"{combinations} combinations of options come to {text.count(document.specifications)} distinct analyses"
    if document.drawn:
        words = f"{text.count(document.drawn)} of {combinations} combinations of options, drawn at random, come to "
        words += f"{text.count(document.specifications)} distinct analyses"
    missing = sum(document.not_fitted.values())
    if missing:
        reasons = "; ".join(f"{reason} ({text.count(count)})" for reason, count in document.not_fitted.items())
        words += f"; {text.count(missing)} could not be fitted: {reasons}"
    return f"{words}."


def _curves(document: MultiverseSummary) -> Table:
    metric = document.metric
    heads = ["Curve", "Options", "Analyses", "Median", "5% to 95%", "All", "Above, p < 0.05", "Below, p < 0.05",
             *(f"Above {interval_text(metric, t.value)}" for t in document.thresholds),
             "p of median", "p of share", "Stouffer z", "p of z"]  # fmt: skip
    rows: list[Row] = []
    for curve in document.curves:
        for name, scope in curve.scopes.items():
            if not scope.fitted:
                continue
            test = curve.test if name == "all" else None
            smallest, low, middle, high, largest = _read(metric, scope, "min", "5", "median", "95", "max")
            rows.append(
                [
                    curve_name(curve),
                    "all" if name == "all" else "equivalent only",
                    cell(text.count(scope.fitted), scope.fitted),
                    number(middle),
                    interval(low, high),
                    interval(smallest, largest),
                    _share(scope.share_positive_significant),
                    _share(scope.share_negative_significant),
                    *(_share(scope.shares_above[t.key]) for t in document.thresholds),
                    _p_of(test, "median_p"),
                    _p_of(test, "share_significant_p"),
                    number(test.stouffer_z if test else None, 1),
                    _p_of(test, "stouffer_p"),
                ]
            )
    return table(f"Curves: {document.title} ({ESTIMATE_NAME[metric]})", heads, rows, range(2, len(heads)))


def _p_of(test: CurveTest | None, name: str) -> Cell:
    """A p of sign changes; at most so large where it is the smallest that they can give."""
    if test is None:
        return p_cell(None)
    p: float = getattr(test, name)
    return p_cell(p) if round(p * (test.permutations + 1)) > 1 else cell(text.p_at_most(p), p)


def _decisions(document: MultiverseSummary) -> Table:
    heads = ["Curve", "Decision", "Share of variance", "Option", "Kind", "Analyses", "Median", "5% to 95%"]
    metric = document.metric
    rows: list[Row] = []
    for curve in document.curves:
        for decision in curve.decisions:
            for option in decision.options:
                if not option.specifications:
                    continue
                low, middle, high = _read(metric, option, "5", "median", "95")
                rows.append(
                    [
                        curve_name(curve),
                        decoded(decision.title),
                        _share(decision.share),
                        decoded(option.title),
                        option.kind.replace("_", "-"),
                        cell(text.count(option.specifications), option.specifications),
                        number(middle),
                        interval(low, high),
                    ]
                )
    return table("How far each decision moves the estimate", heads, rows, {2, 5, 6, 7})


def _share(share: float | None) -> Cell:
    return cell(None if share is None else percent(share), share)


def _read(metric: str, spread: Scope | ChoiceSpread, *points: str) -> list[float | None]:
    return [back_transform(metric, getattr(spread, f"estimate_{point}")) for point in points]
