"""What the report says of comparisons: one metric, bridges, clinical relevance, claims and what would turn them."""

from __future__ import annotations

from collections.abc import Mapping

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import CONTRASTS, contrast_name
from synthesis.draw.forest_notes import constructs_of
from synthesis.report.content import Cell, Context, Row, Table, Text, cell, table
from synthesis.report.embedding import figure
from synthesis.report.result_tables import estimated, limited, number, p_cell, share_cell, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.report.sentences import bridge_sentence, not_assigned
from synthesis.results.comparisons import (
    BridgeRow,
    ContrastRow,
    InteractionRow,
    RelevanceRow,
    RobustnessRow,
    TippingRow,
)
from synthesis.results.fitted import Fitted

BRIDGE = (
    "Hollow marks are the association under each reading, the filled one is the effect: where hollow marks lie on both "
    "sides of the filled one, the reading decides which is larger."
)


def section(review: ReviewResults) -> Context:
    """Differences on one metric, the bridges, thresholds of relevance and published interactions."""
    compared, bridges = review.compared, review.config.bridges
    return {
        "contrasts": contrasts(compared.contrasts) if compared.contrasts else None,
        "bridges": [bridge_sentence(review.bridge_rows(name)) for name in bridges],
        "bridge_figures": [
            figure(review, f"bridge_{name}", f"{plan.title}. {BRIDGE}") for name, plan in bridges.items()
        ],
        "side_by_side": side_by_side(review),
        "readings": readings(compared.bridges),
        "relevance": relevance(compared.relevance, review.by_name) if compared.relevance else None,
        "not_assigned": not_assigned(review.documents),
        "robustness": robustness(compared.robustness) if compared.robustness else None,
        "interactions": [interaction(row) for row in compared.interactions],
    }


def side_by_side(review: ReviewResults) -> Table | None:
    """Effects, each beside the association read as d: a row per bridge, a column per reading."""
    readings = [r for r in review.compared.bridges if r.unit == "d" and r.association_estimate is not None]
    contrasts = list(dict.fromkeys(r.contrast for r in readings))
    rows: list[Row] = []
    for name in dict.fromkeys(r.bridge for r in readings):
        by_contrast = {r.contrast: r for r in readings if r.bridge == name}
        first = next(iter(by_contrast.values()))
        effect = review.by_name[first.effect].title if first.effect in review.by_name else first.effect
        sides = [(first.effect_estimate, first.effect_ci_low, first.effect_ci_high)]
        for contrast in contrasts:
            r = by_contrast.get(contrast)
            values = (r.association_estimate, r.association_ci_low, r.association_ci_high) if r else (None, None, None)
            sides.append(values)
        rows.append([effect, *(with_interval(side) for side in sides)])
    of = constructs_of(review.documents)
    named = [contrast_name(name, of) if name in CONTRASTS else name for name in contrasts]
    heads = ["Effect", "g", *(f"d, {name}" for name in named)]
    return (
        table("Effects beside the association, read as d in several ways", heads, rows, range(1, 8)) if rows else None
    )


def contrasts(rows: list[ContrastRow]) -> Table:
    """Same-metric differences and equivalence."""
    cells: list[Row] = []
    for r in rows:
        bound = "" if r.p_equivalence is None else f"{text.p_value(r.p_equivalence)} ({text.number(r.bound)})"
        words = r.conclusion
        if r.largest_se is not None:
            words += f"; different as long as the published standard error is below {text.number(r.largest_se)}"
        first = with_interval((r.estimate_first, r.ci_low_first, r.ci_high_first))
        second = with_interval((r.estimate_second, r.ci_low_second, r.ci_high_second))
        difference = with_interval((r.difference, r.ci_low, r.ci_high))
        cells.append([r.title, first, second, difference, p_cell(r.p), bound, words, r.metric, r.note])
    heads = ["Comparison", "First", "Second", "Difference", "p", "Equivalence (bound)", "Conclusion", "Scale", "Remark"]
    return table("Differences on one metric", heads, cells, {1, 2, 3, 4, 5})


def readings(rows: list[BridgeRow]) -> Table:
    """Every reading of every bridge."""
    cells: list[Row] = []
    for r in rows:
        decimals = {"%": 0, "people": 1}.get(r.unit, 2)
        sides = [
            with_interval((side.estimate, side.ci_low, side.ci_high), decimals)
            for side in (r.reading("association"), r.reading("effect"))
        ]
        chances = [share_cell(p) for p in (r.p_association_larger, r.p_association_larger_new)]
        cells.append([r.title, r.quantity, r.unit, *sides, *chances, r.note])
    heads = ["Bridge", "Read as", "Unit", "Association", "Effect", "P association larger", "in a new setting", "Remark"]
    return table("Associations and effects under every reading", heads, cells, {3, 4, 5, 6})


def relevance(rows: list[RelevanceRow], by_name: Mapping[str, Fitted]) -> Table:
    """Pools against thresholds, with the share of true effects above each."""
    cells: list[Row] = []
    for r in rows:
        threshold = number(back_transform(r.metric, r.threshold_value))
        read = (back_transform(r.metric, value) for value in (r.estimate, r.ci_low, r.ci_high))
        estimate = estimated(by_name[r.synthesis], *read)
        shares = (r.share_above, r.share_above_low, r.share_above_high)
        above = with_interval((None if share is None else 100 * share for share in shares), 0)
        chance = share_cell(r.probability_new_above)
        power = (share_cell(r.power), r.samples_for_80)
        cells.append([r.title, r.threshold_label, threshold, estimate, r.conclusion, above, chance, *power, r.note])
    heads = ["Synthesis", "Threshold", "Value", "Estimate", "Conclusion", "True values above, %",
             "P above in a new setting", "Power", "Samples for 80%", "Remark"]  # fmt: skip
    return table("Pooled estimates against thresholds of relevance", heads, cells, {2, 3, 5, 6, 7, 8})


def robustness(rows: list[RobustnessRow]) -> Table:
    """What would leave nothing of each pool."""
    cells: list[Row] = []
    for r in rows:
        causes = [_with_limit(r.cause_correlation, r.cause_correlation_limit), _with_limit(r.e_value, r.e_value_limit)]
        lost = "" if r.samples_to_lose is None else f"{r.samples_to_lose} of {r.samples}"
        cells.append([r.title, *causes, cell(lost, r.samples_to_lose), r.samples_lost, r.note])
    heads = ["Pool", "Correlation of a cause with both", "E-value", "Samples to lose", "Which", "Remark"]
    return table("What would leave nothing of each pool", heads, cells, {1, 2, 3})


def _with_limit(value: float | None, limit: float | None) -> Cell:
    if value is None:
        return cell("")
    return cell(f"{text.number(value)} (limit {text.number(limit)})", value)


def interaction(row: InteractionRow) -> str:
    """A published interaction in words."""
    words = f"{row.title}: {limited(row.coefficient, row.ci_low, row.ci_high)}"
    if row.threshold_value is not None:
        words += f", {row.conclusion} against {text.number(row.threshold_value)}"
    if row.points is not None:
        words += f"; in points of the instrument {limited(row.points, row.points_low, row.points_high, 1)}"
    return words + (f"; {row.note}." if row.note else ".")


def claims(review: ReviewResults) -> Context | None:
    """Each claim with its words, source, data, verdict, and what would turn it."""
    if not review.compared.claims:
        return None
    turning = {row.claim_id: row for row in review.tipping}
    cells: list[Row] = [
        [
            f"\u201c{claim.says}\u201d {claim.cites}".strip(),
            claim.claim,
            Text(claim.verdict, "strong"),
            f"{claim.why}. {claim.hangs_on[:1].upper()}{claim.hangs_on[1:]}" if claim.hangs_on else claim.why,
            f"{claim.source_says} {claim.reading}".strip(),
            turns(turning[claim.claim_id]),
        ]
        for claim in review.compared.claims
    ]
    heads = ["The text", "Checked as", "Verdict", "Data", "What its source says", "What would turn the data's verdict"]
    return {
        "figure": figure(
            review,
            "claims_verdicts",
            "Each check of a statement: its verdict, and where the data lie beside the range that the statement needs.",
        ),
        "claims": table("Claims and verdicts", heads, cells),
    }


def turns(row: TippingRow) -> str:
    """What would turn a verdict, in words."""
    if not row.changes_tried:
        words = "no change to try"
    elif not row.flips:
        words = f"none of {row.changes_tried} single changes"
    else:
        parts = [part for part in (row.samples_that_flip, row.decisions_that_flip) if part]
        words = f"{row.flips} of {row.changes_tried} single changes: " + "; ".join(parts)
    if row.shift_to_flip is not None:
        words += f"; a shift of {text.number(row.shift_to_flip)} turns it to \u201c{row.verdict_after_shift}\u201d"
    return words + "."
