"""What the report says of comparisons: one metric, bridges, clinical relevance, claims and what would turn them."""

from __future__ import annotations

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.report.embedding import figure
from synthesis.report.markup import Cell, Html, details, heading, items, joined, paragraph, table
from synthesis.report.material import Material, Record
from synthesis.report.result_tables import number, p_cell, with_interval
from synthesis.report.sentences import bridge_sentence


def section(material: Material) -> str:
    """Differences on one metric, the bridges, thresholds of relevance and published interactions."""
    compared = material.compared
    parts: list[str] = []
    if compared["comparison"]:
        parts += [
            heading(3, "one-metric", "On one metric"),
            paragraph(
                "Differences on the scale of Fisher z or g, with separate between-study variances. Equivalent: two "
                "one-sided tests against the named bound."
            ),
            contrasts(compared["comparison"]),
        ]
    if material.config.bridges:
        parts += [heading(3, "bridge", "Associations and effects in common units"), *_bridges(material)]
    if compared["relevance"]:
        parts += [heading(3, "relevance", "Clinical relevance"), relevance(compared["relevance"])]
    parts.append(interactions(compared["interactions"]))
    return joined(*parts)


def contrasts(rows: list[Record]) -> Html:
    """Same-metric differences and equivalence."""
    cells = []
    for r in rows:
        sides = [with_interval(r[f"{k}_{side}"] for k in ("estimate", "ci_low", "ci_high")) for side in _SIDES]
        bound = "" if r["p_equivalence"] is None else f"{text.p_value(r['p_equivalence'])} ({text.number(r['bound'])})"
        words = r["conclusion"]
        if r["largest_se"] is not None:
            words += f"; different as long as the published standard error is below {text.number(r['largest_se'])}"
        gap = with_interval((r["difference"], r["ci_low"], r["ci_high"]))
        cells.append([r["title"], *sides, gap, p_cell(r["p"]), bound, words, r["metric"], r["note"] or ""])
    heads = ["Comparison", "First", "Second", "Difference", "p", "Equivalence (bound)", "Conclusion", "Scale", "Remark"]
    return table("Differences on one metric", heads, cells, frozenset({1, 2, 3, 4, 5}))


_SIDES = ("first", "second")


def _bridges(material: Material) -> list[str]:
    parts: list[str] = [paragraph("Nobody was assigned to an alliance: these are comparisons under conversions.")]
    said = [bridge_sentence(material.bridge_rows(name)) for name in material.config.bridges]
    parts.append(items(said))
    for name, plan in material.config.bridges.items():
        parts.append(figure(material, f"bridge_{name}", f"{plan.title}, under every conversion."))
    rows = material.compared["bridge"]
    parts.append(details(f"All {len(rows)} readings as a table", readings(rows)))
    return parts


def readings(rows: list[Record]) -> Html:
    """Every reading of every bridge."""
    cells = []
    for r in rows:
        decimals = {"%": 0, "people": 1}.get(r["unit"], 2)
        values = [
            with_interval((r[f"{side}_{k}"] for k in ("estimate", "ci_low", "ci_high")), decimals)
            for side in ("association", "effect")
        ]
        chances = [
            Cell("" if p is None else text.probability(p), p)
            for p in (r["p_association_larger"], r["p_association_larger_new"])
        ]
        cells.append([r["title"], r["quantity"], r["unit"], *values, *chances, r["note"] or ""])
    heads = ["Bridge", "Read as", "Unit", "Association", "Effect", "P association larger", "in a new setting", "Remark"]
    return table("Associations and effects under every reading", heads, cells, frozenset({3, 4, 5, 6}))


def relevance(rows: list[Record]) -> Html:
    """Pools against thresholds, with the share of true effects above each."""
    cells = []
    for r in rows:
        keys = ("threshold_value", "estimate", "ci_low", "ci_high")
        value, *limits = (back_transform(r["metric"], r[k]) for k in keys)
        share = [None if r[f"share_above{k}"] is None else 100 * r[f"share_above{k}"] for k in ("", "_low", "_high")]
        new = r["probability_new_above"]
        cells.append(
            [
                r["title"],
                r["threshold_label"],
                number(value),
                with_interval(limits),
                r["conclusion"],
                with_interval(share, 0),
                Cell("" if new is None else text.probability(new), new),
                r["note"] or "",
            ]
        )
    heads = ["Synthesis", "Threshold", "Value", "Estimate", "Conclusion", "True values above, %",
             "P above in a new setting", "Remark"]  # fmt: skip
    return table("Pooled estimates against thresholds of relevance", heads, cells, frozenset({2, 3, 5, 6}))


def interactions(rows: list[Record]) -> str:
    """Published interactions in words."""
    said = []
    for r in rows:
        words = f"{r['title']}: {with_interval((r['coefficient'], r['ci_low'], r['ci_high'])).content}"
        if r["threshold_value"] is not None:
            words += f", {r['conclusion']} against {text.number(r['threshold_value'])}"
        if r["points"] is not None:
            points = with_interval((r["points"], r["points_low"], r["points_high"]), 1).content
            words += f"; in points of the instrument {points}"
        said.append(words + (f"; {r['note']}." if r["note"] else "."))
    return items(said) if said else ""


def claims(material: Material) -> str:
    """Each claim with its words, source, data, verdict, and what would turn it."""
    rows = material.compared["claims"]
    if not rows:
        return ""
    turning = {r["claim_id"]: r for r in material.compared["tipping_points"]}
    cells = [
        [
            f"\u201c{r['says']}\u201d {r['cites'] or ''}".strip(),
            r["claim"],
            Html(f"<strong class='verdict'>{r['verdict']}</strong>"),
            r["why"],
            f"{r['source_says'] or ''} {r['reading'] or ''}".strip(),
            turns(turning[r["claim_id"]]),
        ]
        for r in rows
    ]
    heads = ["The text", "Checked as", "Verdict", "Data", "What its source says", "What would turn the data's verdict"]
    return joined(
        paragraph(
            "Statements of the text that began this project, each bound to a computed quantity and to a rule, "
            "in data/raw/claims.csv and not in the code; the rules were written when earlier pools were known. A "
            "missing datum gives \u201ccannot be decided\u201d."
        ),
        figure(material, "claims_verdicts", "What the text says, and what the data say."),
        details(f"All {len(rows)} claims as a table", table("Claims and verdicts", heads, cells)),
    )


def turns(row: Record) -> str:
    """What would turn a verdict, in words."""
    if not row["changes_tried"]:
        words = "no change to try"
    elif not row["flips"]:
        words = f"none of {row['changes_tried']:.0f} single changes"
    else:
        parts = [part for part in (row["samples_that_flip"], row["decisions_that_flip"]) if part]
        words = f"{row['flips']:.0f} of {row['changes_tried']:.0f} single changes: " + "; ".join(parts)
    if row["shift_to_flip"] is not None:
        words += f". A shift of {text.number(row['shift_to_flip'])} would make it: {row['verdict_after_shift']}"
    return words + "."
