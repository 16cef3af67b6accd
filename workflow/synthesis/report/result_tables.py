"""The tables of the report: each from the records of the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.data.vocabulary import NumericModerator
from synthesis.draw.layout import ESTIMATE_NAME
from synthesis.draw.rows import heterogeneity
from synthesis.draw.spread import PER, UNIT_NAME
from synthesis.meta.options import terms
from synthesis.report.markup import Cell, Html, details, joined, link, safe, table
from synthesis.report.material import Material, Record

CATEGORY_NAME = {
    "gap": "Gaps: the reachable text prints no number",
    "refused": "Printed, but no legitimate conversion",
    "excluded": "Excluded, with the reason",
    "descriptive": "Not an association or an effect",
}
_TEST_NAME = {
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
    "fail_safe_rosenthal": "Fail-safe N, Rosenthal",
    "fail_safe_orwin": "Fail-safe N, Orwin",
    "fail_safe_rosenberg": "Fail-safe N, Rosenberg",
    "all": "All tests",
}


def number(value: float | None, decimals: int = 2) -> Cell:
    """A number with fixed decimals."""
    return Cell(text.number(value, decimals), value)


def interval(low: float | None, high: float | None, decimals: int = 2) -> Cell:
    """Limits, sorted by the lower one."""
    return Cell(text.interval(low, high, decimals), low)


def with_interval(values: Iterable[float | None], decimals: int = 2) -> Cell:
    """A number and its limits, sorted by the number."""
    value, low, high = values
    return Cell(f"{text.number(value, decimals)} {text.interval(low, high, decimals)}".strip(), value)


def p_cell(value: float | None) -> Cell:
    """A p value; empty where there is none."""
    return Cell("" if value is None else text.p_value(value), value)


def _synthesis(document: Record) -> Html:
    return Html(f"<a href='#synthesis-{safe(document['synthesis'])}'>{safe(document['title'])}</a>")


def pooled(documents: list[Record]) -> Html:
    """One row per synthesis."""
    rows = []
    for d in documents:
        value = [back_transform(d["metric"], d[k]) for k in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")]
        rows.append(
            [
                Cell(_synthesis(d), d["title"]),
                d["word"],
                ESTIMATE_NAME[d["metric"]],
                number(value[0]),
                interval(value[1], value[2]),
                interval(value[3], value[4]),
                heterogeneity(d),
            ]
        )
    level = f"{100 * documents[0]['level']:g}% CI"
    heads = ["Synthesis", "What it is", "Measure", "Estimate", level, "Prediction", "Heterogeneity and method"]
    return table("Pooled estimates", heads, rows, frozenset({3, 4, 5}))


def small_study(material: Material) -> Html:
    """Tests of small-study effects, and the estimates they imply."""
    rows = []
    for r in material.diagnostics["small_study"]:
        document = material.by_name[r["synthesis"]]
        value = [
            None if r[f"adjusted_{k}"] is None else back_transform(document["metric"], r[f"adjusted_{k}"])
            for k in ("estimate", "ci_low", "ci_high")
        ]
        decimals = 0 if r["test"].startswith(("trim", "fail")) else 2
        rows.append(
            [
                document["title"],
                _TEST_NAME[r["test"]],
                number(r["statistic"], decimals),
                p_cell(r["p"]),
                with_interval(value),
                r["note"] or "",
            ]
        )
    heads = ["Synthesis", "Test", "Statistic, or studies added", "p", "Estimate it implies", "Remark"]
    return table("Tests of small-study effects", heads, rows, frozenset({2, 3, 4}))


def moderators(material: Material) -> Html:
    """The joint test of each moderator and the pool of each level; what was refused with its reason."""
    rows: list[list[Any]] = []
    for r in material.diagnostics["moderators"]:
        document = material.by_name[r["synthesis"]]
        numeric = r["moderator"] in terms(NumericModerator)
        is_slope = r["kind"] == "coefficient" and numeric
        if r["kind"] == "coefficient" and (not is_slope or r["term"] == "intrcpt"):
            continue
        if r["kind"] == "test of all" and numeric:
            continue
        value = [r[k] for k in ("estimate", "ci_low", "ci_high")]
        if r["kind"] == "level":
            value = [back_transform(document["metric"], x) for x in value]
        label = {"level": r["term"], "test of all": "all levels alike", "refused": "not fitted"}.get(r["kind"])
        if is_slope:
            value = [x if x is None else PER[r["moderator"]] * x for x in value]
            label = f"per {UNIT_NAME[r['moderator']]} ({document['metric']})"
        if r["kind"] == "test of all":
            value = [None, None, None]
        decimals = 4 if is_slope else 2
        rows.append(
            [
                document["title"],
                r["moderator"],
                label,
                r["k"],
                number(value[0], decimals),
                interval(value[1], value[2], decimals),
                p_cell(None if r["kind"] == "level" else r["p"]),
                r["note"] or "",
            ]
        )
    level = f"{100 * material.config.defaults.level:g}% CI"
    heads = ["Synthesis", "Moderator", "Level or test", "Estimates", "Estimate", level, "p", "Remark"]
    return table("Moderators", heads, rows, frozenset({3, 4, 5, 6}))


def few_samples(material: Material) -> Html:
    """Permutation tests, and Bayesian fits of few samples."""
    rows = []
    for r in material.diagnostics["few_samples"]:
        document = material.by_name[r["synthesis"]]
        on_scale = r["what"] in ("Bayes: mean", "Bayes: new study")
        value = [r[k] for k in ("estimate", "ci_low", "ci_high")]
        if on_scale:
            value = [back_transform(document["metric"], x) for x in value]
        decimals = 2 if on_scale else 3
        bounded = r["what"] == "permutation p" and "the smallest" in (r["note"] or "")
        first = p_cell(value[0]) if r["what"] == "permutation p" else number(value[0], decimals)
        if bounded and value[0] is not None:
            first = Cell(text.p_at_most(value[0]), value[0])
        shown = [first, interval(value[1], value[2], decimals)]
        rows.append([document["title"], r["what"], *shown, r["note"] or ""])
    heads = ["Synthesis", "What", "Value", "95% interval", "How"]
    return table("Permutation tests and Bayesian fits", heads, rows, frozenset({2, 3}))


def effects(records: list[Record]) -> Html:
    """Every usable number with its converter, its locator and its quote."""
    rows = []
    for r in records:
        study = joined(link(r["url"], r["label"]), Html(f"<small>{safe(r['effect_id'])}</small>"))
        value = back_transform(r["metric"], r["yi"])
        converter = joined(r["converter"], Html(f"<small>{safe('; '.join(remarks(r)))}</small>"))
        quote = joined(Html(f"<q>{safe(r['quote'])}</q>"), Html(f"<small>{safe(r['locator'])}</small>"))
        name = ESTIMATE_NAME[r["metric"]]
        rows.append([Cell(study, r["label"]), Cell(f"{name} {text.number(value)}", value), converter, quote])
    names = [f"row-{r['metric']}-{r['effect_id']}" for r in records]
    heads = ["Study", "Estimate", "Converter", "Quote and locator"]
    return table("All usable numbers with their quotes", heads, rows, frozenset({1}), names)


def remarks(row: Record) -> list[str]:
    """What must be known of a converted number."""
    corrected = f"corrected: {row['corrected']}" if row.get("corrected") else ""
    missing = f"not in the quote: {row['not_in_quote']}" if row.get("not_in_quote") else ""
    return [x for x in (row.get("exactness") or "", corrected, missing) if x]


def dropped(records: list[Record]) -> Html:
    """The rows without a usable number, one table per category, each with its reason."""
    parts = []
    for category, name in CATEGORY_NAME.items():
        rows = {r["effect_id"]: r for r in records if r["category"] == category}
        if not rows:
            continue
        cells = [
            [
                Cell(
                    joined(link(r["url"], r["label"] or r["study"]), Html(f"<small>{safe(key)}</small>")),
                    r["label"] or r["study"],
                ),
                r["source"],
                r["reason"],
                joined(
                    Html(f"<q>{safe(r['quote'])}</q>") if r["quote"] else "",
                    Html(f"<small>{safe(r['locator'])}</small>"),
                ),
            ]
            for key, r in rows.items()
        ]
        shown = table(name, ["Study", "Source", "Reason", "Quote and locator"], cells)
        parts.append(details(f"{name} ({len(rows)})", shown))
    return joined(*parts)


def hashes(documents: list[Record]) -> Html:
    """Digests of what went into each fit."""
    rows = [[d["title"], _digest(d["config_sha256"]), _digest(d["inputs_sha256"])] for d in documents]
    return table("What each fit was made from", ["Synthesis", "Plan (SHA-256)", "Inputs (SHA-256)"], rows)


def _digest(value: str) -> Html:
    return Html(f"<code>{safe(value[:16])}</code>")
