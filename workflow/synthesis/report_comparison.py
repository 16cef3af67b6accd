"""The part of the report that compares: contrasts, bridge, relevance, claims and their tipping points."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from synthesis import markup, text
from synthesis.effectsizes import back_transform

Record = dict[str, Any]


def bridge_sentence(rows: list[Record]) -> str:
    """The range of d over all declared conversions, beside the protocol effect."""
    first = rows[0]
    converted = [row["association_estimate"] for row in rows if row["unit"] == "d"]
    low, high = text.number(min(converted)), text.number(max(converted))
    effect = text.number(first["effect_estimate"])
    limits = text.interval(first["effect_ci_low"], first["effect_ci_high"])
    return (
        f"{first['title']}: the association is d = {low} to {high}, depending on the conversion; the protocol effect "
        f"is g = {effect} {limits}. A comparison under conversions, not a test of causes."
    )


def section(compared: dict[str, list[Record]]) -> str:
    """The whole section, from the tables by name."""
    parts = [
        "<h2>Comparisons</h2><h3>On one metric</h3><p>Differences on the scale of Fisher z or g, with separate "
        "between-study variances. Equivalent: two one-sided tests against the named threshold.</p>",
        contrasts(compared["comparison"]),
        "<h3>Bridge: associations and effects in common units</h3><p>Nobody was assigned to an alliance: these are "
        "comparisons under conversions, not tests of causes.</p>",
        bridges(compared["bridge"]),
        "<h3>Clinical relevance</h3>",
        relevance(compared["relevance"]),
        interactions(compared["interactions"]),
    ]
    if compared["claims"]:
        parts += ["<h2>Claims</h2>", claims(compared["claims"], compared["tipping_points"])]
    return "".join(parts)


def _shown(values: Iterable[float | None], decimals: int = 2) -> str:
    estimate, low, high = values
    return f"{text.number(estimate, decimals)} {text.interval(low, high, decimals)}".strip()


def contrasts(rows: list[Record]) -> str:
    """Same-metric differences and equivalence."""
    cells = []
    for r in rows:
        sides = [_shown(r[f"{k}_{side}"] for k in ("estimate", "ci_low", "ci_high")) for side in ("first", "second")]
        bound = "" if r["p_equivalence"] is None else f"{text.p_value(r['p_equivalence'])} ({text.number(r['bound'])})"
        p = "" if r["p"] is None else text.p_value(r["p"])
        words = r["conclusion"]
        if r["largest_se"] is not None:
            words += f"; different as long as the published standard error is below {text.number(r['largest_se'])}"
        cells.append(
            [r["title"], *sides, _shown((r["difference"], r["ci_low"], r["ci_high"])), p, bound, words, r["metric"]]
        )
    heads = ["Comparison", "First", "Second", "Difference", "p", "Equivalence (bound)", "Conclusion", "Scale"]
    return markup.table(heads, cells, frozenset({1, 2, 3, 4, 5}))


def bridges(rows: list[Record]) -> str:
    """Every reading of every bridge."""
    cells = []
    for r in rows:
        decimals = {"%": 0, "people": 1}.get(r["unit"], 2)
        chances = [r["p_association_larger"], r["p_association_larger_new"]]
        cells.append(
            [
                r["title"],
                r["quantity"],
                r["unit"],
                _shown((r[f"association_{k}"] for k in ("estimate", "ci_low", "ci_high")), decimals),
                _shown((r[f"effect_{k}"] for k in ("estimate", "ci_low", "ci_high")), decimals),
                *("" if p is None else text.probability(p) for p in chances),
                r["note"] or "",
            ]
        )
    heads = ["Bridge", "Read as", "Unit", "Association", "Effect", "P association larger", "in a new setting", "Remark"]
    inner = markup.table(heads, cells, frozenset({3, 4, 5, 6}))
    return f"<details><summary>All {len(rows)} readings</summary>{inner}</details>"


def relevance(rows: list[Record]) -> str:
    """Pools against thresholds, with the share of true effects above each."""
    cells = []
    for r in rows:
        value, *limits = (
            back_transform(r["metric"], r[k]) for k in ("threshold_value", "estimate", "ci_low", "ci_high")
        )
        share = [None if r[f"share_above{k}"] is None else 100 * r[f"share_above{k}"] for k in ("", "_low", "_high")]
        new = "" if r["probability_new_above"] is None else text.probability(r["probability_new_above"])
        cells.append(
            [
                r["title"],
                r["threshold_label"],
                text.number(value),
                _shown(limits),
                r["conclusion"],
                _shown(share, 0),
                new,
            ]
        )
    heads = [
        "Synthesis",
        "Threshold",
        "Value",
        "Estimate",
        "Conclusion",
        "True values above, %",
        "P above in a new setting",
    ]
    return markup.table(heads, cells, frozenset({2, 3, 5, 6}))


def interactions(rows: list[Record]) -> str:
    """Published interactions in words."""
    items = []
    for r in rows:
        words = f"{r['title']}: {_shown((r['coefficient'], r['ci_low'], r['ci_high']))}"
        if r["threshold_value"] is not None:
            words += f", {r['conclusion']} against {text.number(r['threshold_value'])}"
        if r["points"] is not None:
            words += f"; in points of the instrument {_shown((r['points'], r['points_low'], r['points_high']), 1)}"
        note = f"; {r['note']}" if r["note"] else ""
        items.append(f"<li>{escape(words + note)}.</li>")
    return f"<ul>{''.join(items)}</ul>" if items else ""


def claims(rows: list[Record], tipping: list[Record]) -> str:
    """Each claim with its words, source, data, verdict, and what would turn it."""
    by_claim = {r["claim_id"]: r for r in tipping}
    cells = []
    for r in rows:
        source = r["source_says"] or ""
        cells.append(
            [f"\u201c{r['says']}\u201d {r['cites'] or ''}", r["claim"], r["verdict"], r["why"],
             f"{source} {r['reading'] or ''}".strip(), turns(by_claim[r["claim_id"]])]
        )  # fmt: skip
    heads = [
        "The text",
        "Checked as",
        "Verdict",
        "Data",
        "What its source says",
        "What would turn the verdict of the data",
    ]
    return markup.table(heads, cells)


def turns(row: Record) -> str:
    """What would turn a verdict, in words."""
    tried = f"{row['changes_tried']:.0f}"
    if not row["changes_tried"]:
        words = "no change to try"
    elif not row["flips"]:
        words = f"none of {tried} single changes"
    else:
        parts = [part for part in (row["samples_that_flip"], row["decisions_that_flip"]) if part]
        words = f"{row['flips']:.0f} of {tried} single changes: " + "; ".join(parts)
    if row["shift_to_flip"] is not None:
        words += f". A shift of {text.number(row['shift_to_flip'])} would make it: {row['verdict_after_shift']}"
    return words + "."
