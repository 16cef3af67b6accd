"""What the report says of comparisons: one metric, bridges, clinical relevance, claims and what would turn them."""

from __future__ import annotations

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.report.embedding import figure
from synthesis.report.markup import Cell, Html, details, heading, items, joined, paragraph, table
from synthesis.report.material import Material
from synthesis.report.result_tables import number, p_cell, with_interval
from synthesis.report.sentences import bridge_sentence
from synthesis.results.comparisons import BridgeRow, ContrastRow, InteractionRow, RelevanceRow, TippingRow


def section(material: Material) -> str:
    """Differences on one metric, the bridges, thresholds of relevance and published interactions."""
    compared = material.compared
    parts: list[str] = []
    if compared.contrasts:
        parts += [
            heading(3, "one-metric", "On one metric"),
            paragraph(
                "Differences on the scale of Fisher z or g, with separate between-study variances. Equivalent: two "
                "one-sided tests against the named bound."
            ),
            contrasts(compared.contrasts),
        ]
    if material.config.bridges:
        parts += [heading(3, "bridge", "Associations and effects in common units"), *_bridges(material)]
    if compared.relevance:
        parts += [heading(3, "relevance", "Clinical relevance"), relevance(compared.relevance)]
    parts.append(interactions(compared.interactions))
    return joined(*parts)


def contrasts(rows: list[ContrastRow]) -> Html:
    """Same-metric differences and equivalence."""
    cells = []
    for r in rows:
        bound = "" if r.p_equivalence is None else f"{text.p_value(r.p_equivalence)} ({text.number(r.bound)})"
        words = r.conclusion
        if r.largest_se is not None:
            words += f"; different as long as the published standard error is below {text.number(r.largest_se)}"
        cells.append(
            [
                r.title,
                with_interval((r.estimate_first, r.ci_low_first, r.ci_high_first)),
                with_interval((r.estimate_second, r.ci_low_second, r.ci_high_second)),
                with_interval((r.difference, r.ci_low, r.ci_high)),
                p_cell(r.p),
                bound,
                words,
                r.metric,
                r.note,
            ]
        )
    heads = ["Comparison", "First", "Second", "Difference", "p", "Equivalence (bound)", "Conclusion", "Scale", "Remark"]
    return table("Differences on one metric", heads, cells, frozenset({1, 2, 3, 4, 5}))


def _bridges(material: Material) -> list[str]:
    parts: list[str] = [paragraph("Nobody was assigned to an alliance: these are comparisons under conversions.")]
    said = [bridge_sentence(material.bridge_rows(name)) for name in material.config.bridges]
    parts.append(items(said))
    for name, plan in material.config.bridges.items():
        parts.append(figure(material, f"bridge_{name}", f"{plan.title}, under every conversion."))
    rows = material.compared.bridges
    parts.append(details(f"All {len(rows)} readings as a table", readings(rows)))
    return parts


def readings(rows: list[BridgeRow]) -> Html:
    """Every reading of every bridge."""
    cells = []
    for r in rows:
        decimals = {"%": 0, "people": 1}.get(r.unit, 2)
        association, effect = r.reading("association"), r.reading("effect")
        cells.append(
            [
                r.title,
                r.quantity,
                r.unit,
                with_interval((association.estimate, association.ci_low, association.ci_high), decimals),
                with_interval((effect.estimate, effect.ci_low, effect.ci_high), decimals),
                _probability(r.p_association_larger),
                _probability(r.p_association_larger_new),
                r.note,
            ]
        )
    heads = ["Bridge", "Read as", "Unit", "Association", "Effect", "P association larger", "in a new setting", "Remark"]
    return table("Associations and effects under every reading", heads, cells, frozenset({3, 4, 5, 6}))


def _probability(p: float | None) -> Cell:
    return Cell("" if p is None else text.probability(p), p)


def relevance(rows: list[RelevanceRow]) -> Html:
    """Pools against thresholds, with the share of true effects above each."""
    cells = []
    for r in rows:
        limits = (back_transform(r.metric, value) for value in (r.estimate, r.ci_low, r.ci_high))
        shares = (r.share_above, r.share_above_low, r.share_above_high)
        cells.append(
            [
                r.title,
                r.threshold_label,
                number(back_transform(r.metric, r.threshold_value)),
                with_interval(limits),
                r.conclusion,
                with_interval((None if share is None else 100 * share for share in shares), 0),
                _probability(r.probability_new_above),
                r.note,
            ]
        )
    heads = ["Synthesis", "Threshold", "Value", "Estimate", "Conclusion", "True values above, %",
             "P above in a new setting", "Remark"]  # fmt: skip
    return table("Pooled estimates against thresholds of relevance", heads, cells, frozenset({2, 3, 5, 6}))


def interactions(rows: list[InteractionRow]) -> str:
    """Published interactions in words."""
    said = []
    for r in rows:
        words = f"{r.title}: {with_interval((r.coefficient, r.ci_low, r.ci_high)).content}"
        if r.threshold_value is not None:
            words += f", {r.conclusion} against {text.number(r.threshold_value)}"
        if r.points is not None:
            points = with_interval((r.points, r.points_low, r.points_high), 1).content
            words += f"; in points of the instrument {points}"
        said.append(words + (f"; {r.note}." if r.note else "."))
    return items(said) if said else ""


def claims(material: Material) -> str:
    """Each claim with its words, source, data, verdict, and what would turn it."""
    decided = material.compared.claims
    if not decided:
        return ""
    turning = {row.claim_id: row for row in material.tipping}
    cells = [
        [
            f"\u201c{claim.says}\u201d {claim.cites}".strip(),
            claim.claim,
            Html(f"<strong class='verdict'>{claim.verdict}</strong>"),
            claim.why,
            f"{claim.source_says} {claim.reading}".strip(),
            turns(turning[claim.claim_id]),
        ]
        for claim in decided
    ]
    heads = ["The text", "Checked as", "Verdict", "Data", "What its source says", "What would turn the data's verdict"]
    return joined(
        paragraph(
            "Statements of the text that began this project, each bound to a computed quantity and to a rule, "
            "in data/raw/claims.csv and not in the code; the rules were written when earlier pools were known. A "
            "missing datum gives \u201ccannot be decided\u201d."
        ),
        figure(material, "claims_verdicts", "What the text says, and what the data say."),
        details(f"All {len(decided)} claims as a table", table("Claims and verdicts", heads, cells)),
    )


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
        words += f". A shift of {text.number(row.shift_to_flip)} would make it: {row.verdict_after_shift}"
    return words + "."
