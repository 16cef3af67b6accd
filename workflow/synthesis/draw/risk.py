"""Risk of bias of the samples of each synthesis, as the sources' databases rate it: shares of the weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from synthesis import text
from synthesis.draw.sheet import FAINT, INK, Page, Style, settings

Record = dict[str, Any]
# Worst last; words of the rating tools first, then scores, then anything else by name.
_ORDER = ("low", "some concerns", "high")
_SHADES = ("#1b7a43", "#b58900", "#b3261e")
# From the worst score to the best, in greys that print.
_GREYS = ("#4a4a4a", "#777777", "#a0a0a0", "#c6c6c6", "#e6e6e6")


@dataclass(frozen=True, slots=True)
class Segment:
    """One rating: how many samples have it, and their share of the weight, 0 to 100."""

    rating: str
    samples: int
    share: float
    colour: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The whole figure: one bar for each synthesis with ratings."""

    name: str
    title: str
    bars: tuple[tuple[str, tuple[Segment, ...]], ...]
    notes: tuple[str, ...]

    def table(self) -> list[Record]:
        """One record per segment."""
        return [
            {"synthesis": title, "rating": s.rating, "samples": s.samples, "share_of_weight": s.share}
            for title, segments in self.bars
            for s in segments
        ]


def risk_of_bias(documents: list[Record]) -> Risk:
    """The layout, of the syntheses whose samples have a rating; a sample with several counts as mixed."""
    bars = []
    for document in documents:
        studies = document["studies"]
        if not any(study.get("rob") for study in studies):
            continue
        ratings = sorted({study["rob"] or "not rated" for study in studies}, key=_rank)
        segments = []
        for i, rating in enumerate(ratings):
            own = [study for study in studies if (study["rob"] or "not rated") == rating]
            share = sum(study["weight"] for study in own)
            segments.append(Segment(rating, len(own), share, _colour(rating, i, len(ratings))))
        bars.append((document["title"], tuple(segments)))
    notes = (
        "Shares of the weight of a synthesis; in brackets the number of samples. Words are overall judgements, numbers "
        "are scores, both as the sources' databases give them; the scales are not the same.",
    )
    return Risk("risk_of_bias", "Risk of bias", tuple(bars), notes)


def _rank(rating: str) -> tuple[int, float, str]:
    word = rating.casefold()
    if word in _ORDER:
        return 0, _ORDER.index(word), word
    return (1, -float(word), word) if word.replace(".", "", 1).isdigit() else (2, 0.0, word)


def _colour(rating: str, place: int, count: int) -> str:
    word = rating.casefold()
    if word in _ORDER:
        return _SHADES[_ORDER.index(word)]
    return _GREYS[::-1][round(place * (len(_GREYS) - 1) / max(1, count - 1))]


# --- ink ----------------------------------------------------------------------------------------------------------

_LABEL, _BAR, _STEP = 2.55, 0.15, 0.36


def draw_risk(layout: Risk, style: Style | None = None) -> Figure:
    """The figure of a risk-of-bias layout."""
    style = style or Style()
    with settings():
        ruler = Page(style, 1.0)
        width = style.width - 2 * style.margin
        notes = [line for note in layout.notes for line in ruler.wrapped(note, width, style.small)]
        page = Page(style, 0.5 + _STEP * len(layout.bars) + 0.3 + 0.135 * len(notes) + 0.1)
        page.text(style.margin, 0.17, layout.title, style.title, weight="bold")
        left, right = style.margin + _LABEL, style.width - style.margin - 0.05
        y = 0.42
        for title, segments in layout.bars:
            lines = page.wrapped(title, _LABEL - 0.12, style.small)[:2]
            for i, line in enumerate(lines):
                page.text(style.margin, y + 0.125 * i + (0.06 if len(lines) == 1 else 0.0), line, style.small)
            x = left
            for segment in segments:
                wide = (right - left) * segment.share / 100
                page.box(x, y + 0.06, wide, _BAR, segment.colour)
                _label(page, segment, x, y - 0.01, wide)
                x += wide
            y += _STEP
        page.line([left, right], [y, y], INK, 0.7)
        for tick in (0, 25, 50, 75, 100):
            at = left + (right - left) * tick / 100
            page.line([at, at], [y, y + 0.035], INK, 0.7)
            page.text(at, y + 0.095, f"{tick}%", style.small, "center")
        y += 0.26
        for line in notes:
            page.text(style.margin, y, line, style.small, colour=FAINT)
            y += 0.135
    return page.figure


def _label(page: Page, segment: Segment, x: float, y: float, wide: float) -> None:
    for words in (f"{segment.rating} ({segment.samples})", segment.rating, text.count(segment.samples)):
        if page.width(words, page.style.small) <= wide - 0.03:
            page.text(x, y, words, page.style.small)
            return
