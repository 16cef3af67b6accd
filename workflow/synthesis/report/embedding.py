"""Figures that lead to their data: the drawing in the page, and what the card of each mark says."""

from __future__ import annotations

import re
from functools import cache
from statistics import NormalDist
from typing import Any

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.draw.layout import ESTIMATE_NAME, column_name
from synthesis.draw.rows import cell_text
from synthesis.report.assets import read_asset
from synthesis.report.content import Figure, web
from synthesis.report.environment import trusted
from synthesis.report.material import Material, Record
from synthesis.report.sentences import sentence


def figure(material: Material, stem: str, caption: str) -> Figure | None:
    """The figure whose files have this stem; None where the run drew none."""
    drawing = material.drawings.get(stem)
    if drawing is None:
        return None
    colours = set(re.findall(r'(?:fill|stroke)="(#\w+)"', drawing.svg))
    drawn = trusted(_embedded(drawing.svg))
    return Figure(stem, caption, drawn, not colours <= _recoloured(), 'class="mark"' in drawing.svg)


def _embedded(svg: str) -> str:
    """The drawing without its title element, which browsers show as a tooltip over every mark; its name stays."""
    return re.sub(r"<title (.*?)>(.*?)</title>", r"<desc \1>\2</desc>", svg, count=1, flags=re.DOTALL).strip()


@cache
def _recoloured() -> frozenset[str]:
    """Colours of figures that the style sheet knows for dark pages."""
    return frozenset(re.findall(r'="(#[0-9a-f]{6})"\]', read_asset("style.css")))


def cards(material: Material) -> dict[str, Any]:
    """What the cards and downloads of the page need: the rows behind marks, the syntheses, the figures as CSV."""
    named: dict[str, None] = {}
    for drawing in material.drawings.values():
        for effects in re.findall(r'data-effects="([^"]*)"', drawing.svg):
            named.update(dict.fromkeys(effects.split()))
    for document in material.documents:
        for study in document["studies"]:
            named.update(dict.fromkeys(study["effects"]))
    return {
        "effects": {name: _card(material, material.rows[name]) for name in named if name in material.rows},
        "syntheses": {document["synthesis"]: _synthesis_card(document) for document in material.documents},
        "csv": {stem: drawing.csv for stem, drawing in material.drawings.items()},
    }


def _synthesis_card(document: Record) -> dict[str, Any]:
    samples = [{"label": study["label"], "effects": study["effects"]} for study in document["studies"]]
    return {"title": document["title"], "said": sentence(document), "samples": samples}


_ABOUT = ("outcome", "rater", "timepoint", "comparator")


def _own(material: Material, row: Record) -> list[str]:
    """The user's own columns of a row, each with its head."""
    titles = {name: column.title for name, column in material.config.own_columns.items()}
    held = {name: value for name, value in (row.get("own") or {}).items() if value is not None}
    return [f"{column_name(name, titles)}: {cell_text(name, value)}" for name, value in held.items()]


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
        "about": ", ".join([*(str(row[c]) for c in _ABOUT if row.get(c)), *_own(material, row)]),
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
