"""Figures that lead to their data: the drawing in the page, and what the card of each mark says."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from statistics import NormalDist
from typing import Any

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.draw.layout import ESTIMATE_NAME
from synthesis.report.assets import read_asset
from synthesis.report.markup import Html, safe, web
from synthesis.report.material import Material, Record
from synthesis.report.sentences import sentence
from synthesis.results.files import json_text

HINT = Html(
    "<p class='hint'>Every mark of a sample, an estimate or a pool leads to the quotes behind it: point at it, tap it, "
    "or reach it with Tab and the arrow keys. Enter opens what a mark shows, Escape closes it.</p>"
)
_KINDS = ("svg", "pdf", "png")


def figure(material: Material, stem: str, caption: str, data: str = "") -> Html:
    """A figure with its caption and its files, and `data` beside them; nothing where the run drew none.

    `stem` is the name of its file.
    """
    drawing = material.drawings.get(stem)
    if drawing is None:
        return Html("")
    links = [f"<a href='figures/{escape(stem)}.{kind}' download>{kind.upper()}</a>" for kind in _KINDS]
    links.append(f"<a href='figures/data/{escape(stem)}.csv' download>CSV</a>")
    paper = "" if set(re.findall(r'(?:fill|stroke)="(#\w+)"', drawing.svg)) <= _recoloured() else " paper"
    # A drawing without marks has nothing that takes the keyboard, so that its frame must, to be scrolled.
    reach = "" if 'class="mark"' in drawing.svg else f" tabindex='0' role='region' aria-label='{escape(stem)}'"
    return Html(
        f"<figure id='figure-{escape(stem)}' data-figure='{escape(stem)}'>"
        f"<div class='drawing{paper}'{reach}>{_embedded(drawing.svg)}</div>"
        f"<figcaption>{safe(caption)}</figcaption>"
        f"<p class='files'>Files beside this report: {' '.join(links)}</p>{safe(data)}</figure>"
    )


def _embedded(svg: str) -> str:
    """The drawing without its title element, which browsers show as a tooltip over every mark; its name stays."""
    return re.sub(r"<title (.*?)>(.*?)</title>", r"<desc \1>\2</desc>", svg, count=1, flags=re.DOTALL).strip()


@cache
def _recoloured() -> frozenset[str]:
    """Colours of figures that the style sheet knows for dark pages."""
    return frozenset(re.findall(r'="(#[0-9a-f]{6})"\]', read_asset("style.css")))


def data(material: Material) -> str:
    """What the cards and downloads need, as JSON that no text can break out of."""
    named: dict[str, None] = {}
    for drawing in material.drawings.values():
        for effects in re.findall(r'data-effects="([^"]*)"', drawing.svg):
            named.update(dict.fromkeys(effects.split()))
    for document in material.documents:
        for study in document["studies"]:
            named.update(dict.fromkeys(study["effects"]))
    content = {
        "effects": {name: _card(material, material.rows[name]) for name in named if name in material.rows},
        "syntheses": {document["synthesis"]: _synthesis_card(document) for document in material.documents},
        "csv": {stem: drawing.csv for stem, drawing in material.drawings.items()},
    }
    return json_text("results/report.html, data of the figures", content).replace("<", "\\u003c")


def _synthesis_card(document: Record) -> dict[str, Any]:
    samples = [{"label": study["label"], "effects": study["effects"]} for study in document["studies"]]
    return {"title": document["title"], "said": sentence(document), "samples": samples}


def _card(material: Material, row: Record) -> dict[str, str]:
    """What is said of one extracted row; entries without content are left out."""
    metric = row["metric"]
    estimate, row_name = "", ""
    if row.get("yi") is not None:
        estimate = f"{ESTIMATE_NAME[metric]} = {text.number(back_transform(metric, row['yi']))}"
        # Published summaries may print no interval.
        if row["vi"] is not None:
            half = NormalDist().inv_cdf(0.5 + material.config.defaults.level / 2) * row["vi"] ** 0.5
            low, high = (back_transform(metric, x) for x in (row["yi"] - half, row["yi"] + half))
            estimate += f" {text.interval(low, high)}"
        row_name = f"row-{metric}-{row['effect_id']}"
    printed = f"{row['statistic']} = {row['value']:g}" if row["value"] is not None else ""
    details = {
        "study": row["label"] or row["study"],
        "estimate": estimate or row.get("reason", ""),
        "printed": printed.replace("-", text.MINUS),
        "about": ", ".join(str(row[c]) for c in ("outcome", "rater", "timepoint", "comparator") if row.get(c)),
        "converter": row.get("converter", ""),
        "exactness": row.get("exactness", ""),
        "corrected": row.get("corrected", ""),
        "missing": row.get("not_in_quote", ""),
        "locator": row["locator"],
        "quote": row["quote"],
        "url": row["url"] if web(row["url"]) else "",
        "source": row["source"],
        "row": row_name,
    }
    return {name: str(value) for name, value in details.items() if value}
