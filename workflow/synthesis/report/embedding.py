"""Figures that lead to their data: the drawing in the page, and what the card of each mark says."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from statistics import NormalDist
from typing import TypedDict

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, FLAG_WORDS
from synthesis.draw.layout import column_name
from synthesis.draw.rows import cell_text
from synthesis.report.assets import read_asset
from synthesis.report.content import Figure, web
from synthesis.report.environment import trusted
from synthesis.report.narrow import narrow_forest
from synthesis.report.review_results import ReviewResults
from synthesis.report.sentences import sentence
from synthesis.report.wording import decoded, term
from synthesis.results.extracted import Dropped, Effect
from synthesis.results.fitted import Fitted

# The lines below a drawing: small grey texts at its end.
_NOTES = re.compile(r'(?:<text x="[\d.]+" y="[\d.]+" font-size="[\d.]+" fill="#5a5a5a">[^<]*</text>)+\s*(?=</svg>)')
# The converter of published summaries, whose numbers are taken as they are.
_AS_PRINTED = "summary"
_TALL = re.compile(r'(viewBox="0 0 [\d.]+ )[\d.]+(" width="[\d.]+pt" height=")[\d.]+')


def figure(review: ReviewResults, stem: str, caption: str, *, notes: bool = True) -> Figure | None:
    """The figure whose files have this stem; None where the run drew none. `notes`: with the lines below it."""
    drawing = review.drawings.get(stem)
    if drawing is None:
        return None
    colours = set(re.findall(r'(?:fill|stroke)="(#\w+)"', drawing.svg))
    drawn = trusted(_embedded(drawing.svg, notes))
    has_marks = 'class="mark"' in drawing.svg
    return Figure(
        stem, caption, drawn, not colours <= _recoloured(), has_marks, narrow_forest(drawing.svg, drawing.csv)
    )


def without_notes(svg: str) -> str:
    """A drawing that ends above the lines of notes; as it is where it has none."""
    notes = _NOTES.search(svg)
    if notes is None:
        return svg
    # A line of text stands on its y, and is as high as its font.
    (y, size), *_ = re.findall(r'y="([\d.]+)" font-size="([\d.]+)"', notes[0])
    height = float(y) - float(size)
    cut = svg[: notes.start()] + svg[notes.end() :]
    return _TALL.sub(rf"\g<1>{height:g}\g<2>{height:g}", cut, count=1)


def _embedded(svg: str, notes: bool) -> str:
    """The drawing without its title element, which browsers show as a tooltip over every mark; its name stays."""
    svg = svg if notes else without_notes(svg)
    return re.sub(r"<title (.*?)>(.*?)</title>", r"<desc \1>\2</desc>", svg, count=1, flags=re.DOTALL).strip()


@cache
def _recoloured() -> frozenset[str]:
    """Colours of figures that the style sheet knows for dark pages."""
    return frozenset(re.findall(r'="(#[0-9a-f]{6})"\]', read_asset("style.css")))


class SampleCard(TypedDict):
    """A sample of a synthesis, with its rows."""

    label: str
    effects: tuple[str, ...]


class SynthesisCard(TypedDict):
    """What is said of a synthesis."""

    title: str
    said: str
    samples: list[SampleCard]


class Cards(TypedDict):
    """What the cards and downloads of the page need: the rows behind marks, the syntheses, the figures as CSV."""

    effects: dict[str, dict[str, str]]
    syntheses: dict[str, SynthesisCard]
    csv: dict[str, str]
    places: str


def cards(review: ReviewResults, drawn: Collection[str], places: str) -> Cards:
    """The cards of a page with these figures; of the rows, those that one of them or a synthesis names.

    `places`: the address of the page where the rows and the syntheses are, where that is another one.
    """
    drawings = {stem: drawing for stem, drawing in review.drawings.items() if stem in drawn}
    named: dict[str, None] = {}
    for drawing in drawings.values():
        for effects in re.findall(r'data-effects="([^"]*)"', drawing.svg):
            named.update(dict.fromkeys(effects.split()))
    for document in review.documents:
        for study in document.studies:
            named.update(dict.fromkeys(study.effects))
    return {
        "effects": {name: _card(review, review.rows[name]) for name in named if name in review.rows},
        "syntheses": {document.synthesis: _synthesis_card(document) for document in review.documents},
        "csv": {stem: drawing.csv for stem, drawing in drawings.items()},
        "places": places,
    }


def _synthesis_card(document: Fitted) -> SynthesisCard:
    samples = [SampleCard(label=study.label, effects=study.effects) for study in document.studies]
    return {"title": document.title, "said": sentence(document), "samples": samples}


def _declared_cells(review: ReviewResults, row: Effect | Dropped) -> list[str]:
    """The user's own columns of a row, each with its head."""
    titles = {name: column.title for name, column in review.config.own_columns.items()}
    cells = {name: value for name, value in row.own.items() if value is not None}
    return [f"{column_name(name, titles)}: {cell_text(name, value)}" for name, value in cells.items()]


def _card(review: ReviewResults, row: Effect | Dropped) -> dict[str, str]:
    """What is said of one extracted row; entries without content are left out."""
    titles = {name: source.title for name, source in zip(review.config.sources, review.sources, strict=False)}
    printed = f"{term(row.statistic)} = {row.value:g}" if row.value is not None else ""
    about = (row.outcome, row.rater, row.timepoint, row.comparator)
    details = {
        "study": row.label or row.study,
        "estimate": "",
        "printed": printed.replace("-", text.MINUS),
        "about": ", ".join(words for words in (*about, *_declared_cells(review, row)) if words),
        "converter": "",
        "exactness": "",
        "corrected": "",
        "missing": decoded(row.not_in_quote),
        "marked": "; ".join(words for flag, words in FLAG_WORDS.items() if flag in row.flag.split(";")),
        "locator": row.locator,
        "quote": row.quote,
        "url": row.url if web(row.url) else "",
        "source": titles.get(row.source, row.source),
        "row": "",
    }
    if isinstance(row, Effect):
        # One number may be converted to several metrics.
        made = review.conversions[row.effect_id]
        details |= {
            "estimate": "; ".join(_estimate(effect, review.config.defaults.level) for effect in made),
            "converter": "; ".join(dict.fromkeys(_conversion(effect.converter) for effect in made)),
            "exactness": "; ".join(dict.fromkeys(e.exactness for e in made if e.converter != _AS_PRINTED)),
            "corrected": ", ".join(dict.fromkeys(term(name) for name in row.corrected.split("; "))),
            "row": f"row-{row.metric}-{row.effect_id}",
        }
    else:
        details["estimate"] = decoded(row.reason)
    return {name: value for name, value in details.items() if value}


def _conversion(name: str) -> str:
    """A converter in words; a published summary is taken as it is."""
    return "none, a published summary" if name == _AS_PRINTED else term(name)


def _estimate(row: Effect, level: float) -> str:
    words = f"{ESTIMATE_NAME[row.metric]} = {text.number(back_transform(row.metric, row.yi))}"
    # Published summaries may print no interval.
    if row.vi is None:
        return words
    half = NormalDist().inv_cdf(0.5 + level / 2) * row.vi**0.5
    low, high = (back_transform(row.metric, x) for x in (row.yi - half, row.yi + half))
    return f"{words} {text.interval(low, high)}"
