"""The report: computed sentences, tables, gaps. One HTML file beside the figures; every text from data is escaped."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from synthesis import markup, text
from synthesis import report_comparison as comparing
from synthesis.effectsizes import back_transform
from synthesis.figures.layout import ESTIMATE_NAME, heterogeneity
from synthesis.models.config import Config, Source
from synthesis.models.vocabulary import NumericModerator, terms

Record = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 Arial, Helvetica, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #8888; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8884; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
img { max-width: 100%; background: white; }
figure { margin: 1rem 0; }
summary { cursor: pointer; }
blockquote { margin: 0; font-style: italic; }
"""
CATEGORY_NAME = {
    "gap": "Gaps: the reachable text prints no number",
    "refused": "Printed, but no legitimate conversion",
    "excluded": "Excluded, with the reason",
    "descriptive": "Not an association or an effect",
}


def sentence(document: Record) -> str:
    """One pooled result in words, with the word of its lane: associations are not effects."""
    metric, name = document["metric"], ESTIMATE_NAME[document["metric"]]

    def shown(field: str) -> str:
        return text.number(back_transform(metric, document[field]))

    counts = f"{text.plural(document['samples'], 'sample')}, {text.plural(document['k'], 'estimate')}"
    lead = "the" if document["samples"] == 1 else "pooled"
    words = (
        f"{document['title']}: {lead} {document['word']} {name} = {shown('estimate')} "
        f"[{shown('ci_low')}, {shown('ci_high')}] ({counts})"
    )
    if document["pi_low"] is not None:
        words += f"; in a new setting between {shown('pi_low')} and {shown('pi_high')}"
    if document["set_to_zero"]:
        words += (
            f"; {text.plural(document['set_to_zero'], 'finding')} reported as not significant "
            "entered as 0, a stress test"
        )
    note = document["figure"]["note"]
    return f"{words}. {note}" if note else f"{words}."


def _pooled_table(documents: list[Record]) -> str:
    rows = []
    for d in documents:
        value = [back_transform(d["metric"], d[k]) for k in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")]
        rows.append(
            [
                d["title"],
                d["word"],
                ESTIMATE_NAME[d["metric"]],
                text.number(value[0]),
                text.interval(value[1], value[2]),
                text.interval(value[3], value[4]),
                heterogeneity(d),
            ]
        )
    heads = ["Synthesis", "What it is", "", "Estimate", "95% CI", "Prediction", "Heterogeneity and method"]
    return markup.table(heads, rows, frozenset({3, 4, 5}))


_TEST_NAME = {
    "egger": "Egger regression",
    "egger_inverse_root_n": "Egger regression on 1/\u221an",
    "egger_robust": "Egger regression, cluster-robust",
    "rank": "Rank correlation (Begg)",
    "trim_fill_L0": "Trim and fill, L0",
    "trim_fill_R0": "Trim and fill, R0",
    "pet": "PET",
    "peese": "PEESE",
    "selection_model": "Three-parameter selection model",
    "fail_safe_rosenthal": "Fail-safe N, Rosenthal",
    "fail_safe_orwin": "Fail-safe N, Orwin",
    "fail_safe_rosenberg": "Fail-safe N, Rosenberg",
    "all": "All tests",
}


def _small_study_table(table: list[Record], documents: list[Record]) -> str:
    by_name = {d["synthesis"]: d for d in documents}
    rows = []
    for r in table:
        document = by_name[r["synthesis"]]
        value = [
            None if r[f"adjusted_{k}"] is None else back_transform(document["metric"], r[f"adjusted_{k}"])
            for k in ("estimate", "ci_low", "ci_high")
        ]
        statistic = text.number(r["statistic"], 0 if r["test"].startswith(("trim", "fail")) else 2)
        p = "" if r["p"] is None else text.p_value(r["p"])
        shown = f"{text.number(value[0])} {text.interval(value[1], value[2])}".strip()
        rows.append([document["title"], _TEST_NAME[r["test"]], statistic, p, shown, r["note"] or ""])
    heads = ["Synthesis", "Test", "Statistic, or studies added", "p", "Estimate it implies", "Remark"]
    return markup.table(heads, rows, frozenset({2, 3, 4}))


def _moderator_table(table: list[Record], documents: list[Record]) -> str:
    """The joint test of each moderator and the pool of each level; what was refused with its reason."""
    by_name = {d["synthesis"]: d for d in documents}
    rows = []
    for r in table:
        document = by_name[r["synthesis"]]
        is_slope = r["kind"] == "coefficient" and r["moderator"] in terms(NumericModerator)
        if r["kind"] == "coefficient" and (not is_slope or r["term"] == "intrcpt"):
            continue
        value = [r[k] for k in ("estimate", "ci_low", "ci_high")]
        if r["kind"] == "level":
            value = [back_transform(document["metric"], x) for x in value]
        label = {"level": r["term"], "test of all": "all levels alike", "refused": "not fitted"}.get(r["kind"])
        label = f"per unit ({'z' if document['metric'] == 'z' else document['metric']})" if is_slope else label
        if r["kind"] == "test of all" and r["moderator"] in terms(NumericModerator):
            continue
        decimals = 4 if is_slope else 2
        shown = "" if r["kind"] == "test of all" or value[0] is None else text.number(value[0], decimals)
        limits = "" if r["kind"] == "test of all" else text.interval(value[1], value[2], decimals)
        p = "" if r["p"] is None or r["kind"] == "level" else text.p_value(r["p"])
        rows.append([document["title"], r["moderator"], label, r["k"], shown, limits, p, r["note"] or ""])
    heads = ["Synthesis", "Moderator", "Level or test", "Estimates", "Estimate", "95% CI", "p", "Remark"]
    return markup.table(heads, rows, frozenset({3, 4, 5, 6}))


def _influence_sentences(table: list[Record], documents: list[Record]) -> str:
    """Per synthesis: how far leaving out one sample moves it, and which sample that is."""
    items = []
    for document in documents:
        rows = [r for r in table if r["synthesis"] == document["synthesis"]]
        key = "model_estimate_without" if any(r["model_estimate_without"] is not None for r in rows) else ""
        key = key or "estimate_without"
        left = [(back_transform(document["metric"], r[key]), r["label"]) for r in rows if r[key] is not None]
        if not left:
            continue
        (low, low_name), (high, high_name) = min(left), max(left)
        marked = [r["label"] for r in rows if r["influential"]]
        words = (
            f"{document['title']}: without any one sample the estimate lies between {text.number(low)} "
            f"(without {low_name}) and {text.number(high)} (without {high_name})"
        )
        words += f"; marked influential: {', '.join(marked)}." if marked else "; none is marked influential."
        items.append(f"<li>{escape(words)}</li>")
    return "<ul>" + "".join(items) + "</ul>"


def _few_table(table: list[Record], documents: list[Record]) -> str:
    by_name = {d["synthesis"]: d for d in documents}
    rows = []
    for r in table:
        document = by_name[r["synthesis"]]
        on_scale = r["what"] in ("Bayes: mean", "Bayes: new study")
        value = [r[k] for k in ("estimate", "ci_low", "ci_high")]
        if on_scale:
            value = [back_transform(document["metric"], x) for x in value]
        decimals = 2 if on_scale else 3
        limits = text.interval(value[1], value[2], decimals)
        rows.append([document["title"], r["what"], text.number(value[0], decimals), limits, r["note"] or ""])
    return markup.table(["Synthesis", "What", "Value", "95% interval", "How"], rows, frozenset({2, 3}))


def _diagnostics(tables: dict[str, list[Record]], documents: list[Record]) -> str:
    return "".join(
        [
            "<h2>Diagnostics</h2><h3>Influence of single samples</h3>",
            _influence_sentences(tables["influence"], documents),
            "<h3>Small-study effects</h3><p>An asymmetric funnel has other causes than publication bias; none of these "
            "tests corrects an estimate.</p><details><summary>Tests and adjusted estimates</summary>",
            _small_study_table(tables["small_study"], documents),
            "</details><h3>Moderators</h3><p>One at a time; levels are pooled with one mean effect for each sample."
            "</p><details><summary>Tests and levels</summary>",
            _moderator_table(tables["moderators"], documents),
            "</details><h3>Permutation tests, and Bayesian fits of few samples</h3><details><summary>Values</summary>",
            _few_table(tables["few_samples"], documents),
            "</details>",
        ]
    )


def _figure(name: str, title: str) -> str:
    alt = escape(f"Forest plot: {title}. The numbers are in the tables of this report.")
    links = " ".join(f"<a href='figures/forest_{name}.{kind}'>{kind.upper()}</a>" for kind in ("svg", "pdf", "png"))
    data = f"<a href='figures/data/forest_{name}.csv'>data</a>"
    return (
        f"<figure><img src='figures/forest_{name}.svg' alt='{alt}' loading='lazy'>"
        f"<figcaption>{escape(title)}. {links} {data}</figcaption></figure>"
    )


def _gaps(dropped: list[Record]) -> str:
    parts = []
    for category, name in CATEGORY_NAME.items():
        rows = {r["effect_id"]: r for r in dropped if r["category"] == category}
        if not rows:
            continue
        table = markup.table(
            ["Source", "Study", "Row", "Reason", "Quote", "Locator"],
            [
                [r["source"], r["label"] or r["study"], key, r["reason"], r["quote"], r["locator"]]
                for key, r in rows.items()
            ],
        )
        parts.append(f"<details><summary>{escape(name)} ({len(rows)})</summary>{table}</details>")
    return "".join(parts)


def _effects(effects: list[Record]) -> str:
    rows = []
    for r in effects:
        link = escape(r["url"])
        name = escape(r["label"])
        study = f"<a href='{link}'>{name}</a>" if link else name
        missing = f"not in the quote: {r['not_in_quote']}" if r["not_in_quote"] else ""
        corrected = f"corrected: {r['corrected']}" if r["corrected"] else ""
        remarks = "; ".join(x for x in (r["exactness"], corrected, missing) if x)
        shown = text.number(back_transform(r["metric"], r["yi"]))
        cells = [
            f"<td>{study}<br><small>{escape(r['effect_id'])}</small></td>",
            f"<td class='number'>{ESTIMATE_NAME[r['metric']]} {shown}</td>",
            f"<td>{escape(r['converter'])}<br><small>{escape(remarks)}</small></td>",
            f"<td><blockquote>{escape(r['quote'])}</blockquote>{escape(r['locator'])}</td>",
        ]
        rows.append("<tr>" + "".join(cells) + "</tr>")
    head = "".join(f"<th scope='col'>{h}</th>" for h in ("Study", "Estimate", "Converter", "Quote and locator"))
    return (
        f"<details><summary>All {len(effects)} usable numbers with their quotes</summary><div class='wide'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _quote_check(records: list[Record]) -> str:
    """How many rows print a number that their quote does not show, and which columns those are."""
    rows = {r["effect_id"]: [c for c in r["not_in_quote"].split("; ") if c] for r in records}
    counts = Counter(column for columns in rows.values() for column in columns)
    unquoted = sum(1 for columns in rows.values() if columns)
    shown = ", ".join(f"{column} ({count})" for column, count in counts.most_common())
    return (
        f"Each number was looked for in its own quote. In {unquoted} of {len(rows)} rows at least one is not there: "
        f"{shown or 'none'}. (A sample size may stand elsewhere on the page.) The remark beside a row names them."
    )


def render(
    config: Config,
    documents: list[Record],
    compared: dict[str, list[Record]],
    effects: list[Record],
    dropped: list[Record],
    crosscheck: list[Record],
    sources: list[Source],
    diagnostics: dict[str, list[Record]],
) -> str:
    """The report as HTML. `documents` in the order of the plan; tables as the run wrote them, `diagnostics` by name."""
    sentences = [sentence(d) for d in documents]
    sentences += [
        comparing.bridge_sentence([row for row in compared["bridge"] if row["bridge"] == name])
        for name in config.bridges
    ]
    versions = documents[0]["versions"]
    limits = "".join(f"<li>{escape(source.title)}: {escape(' '.join(source.limits))}</li>" for source in sources)
    parts = [
        f"<h1>{escape(config.title)}</h1><p>{escape(config.question)}</p>",
        "<h2>Results in sentences</h2><ul>",
        "".join(f"<li>{escape(s)}</li>" for s in sentences),
        "</ul><p>Correlations with the alliance are associations: early improvement raises the alliance too. "
        "Only randomised contrasts are called effects.</p>",
        "<h2>Figures</h2>",
        "".join(_figure(name, figure.title) for name, figure in config.figures.items()),
        "<details><summary>One forest plot per synthesis</summary>",
        "".join(_figure(name, s.title) for name, s in config.syntheses.items()),
        "</details><h2>Pooled estimates</h2>",
        _pooled_table(documents),
        comparing.section(compared),
        _diagnostics(diagnostics, documents),
        "<h2>Where each number comes from</h2>",
        f"<p>{escape(_quote_check([*effects, *dropped]))}</p>",
        _effects(effects),
        "<h2>What is missing or not used</h2>",
        _gaps(dropped),
        f"<h2>Limits of the sources</h2><ul>{limits}</ul>",
        "<h2>Method and provenance</h2>",
        f"<p>Random-effects models; every fit agrees with a second route ({len(crosscheck)} numbers compared). "
        f"Software: {escape(', '.join(f'{k} {v}' for k, v in versions.items()))}.</p>",
        markup.table(
            ["Synthesis", "Plan (SHA-256)", "Inputs (SHA-256)"],
            [[d["synthesis"], d["config_sha256"][:16], d["inputs_sha256"][:16]] for d in documents],
        ),
    ]
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(config.title)}</title><style>{_STYLE}</style></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )
