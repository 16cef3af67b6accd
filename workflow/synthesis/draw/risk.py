"""Risk of bias of every synthesis as its samples are rated: one bar each, by share of the weight.

A colour stands for one level in all bars, from the best at the left to the worst at the right, and a legend names them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from synthesis import text
from synthesis.draw.canvas import (
    FAINT,
    GRID,
    NOTE_SPACING,
    RISK_COLOUR,
    TITLE_SPACING,
    Page,
    Style,
    draw,
    settings,
)
from synthesis.draw.layout import judgement
from synthesis.draw.lights import NOT_JUDGED, percent_axis, stacked
from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted, Study

if TYPE_CHECKING:
    from synthesis.data.source import RiskScore

# Scores from the best to the worst: light to dark, and not the colours of judgements, which are another scale, nor of
# associations and effects.
SCORE_COLOURS = ("#ece7df", "#cfc6b8", "#a79b89", "#7b6f5f", "#4a4034")
# Scores of which nobody said what end is good, by size; other words.
OPEN_COLOURS = ("#dcdcdc", "#c4c4c4", "#acacac", "#909090", "#707070")
OTHER_COLOUR = "#cfcfcf"
_NOT_RATED, _DIFFERS = "not rated", "estimates rated differently"
# More whole scores than this are drawn in as many classes of equal width as there are colours.
_MOST_LEVELS = len(SCORE_COLOURS)


@dataclass(frozen=True, slots=True)
class Rated:
    """A level of rating: its name, its colour, and its place from the best to the worst of its scale."""

    name: str
    colour: str
    place: tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Segment:
    """One level: how many samples have it, and their share of the weight, 0 to 100."""

    rating: str
    samples: int
    share: float
    colour: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The whole figure: one bar for each synthesis with ratings; `legend`: levels by scale, the best first."""

    name: str
    title: str
    bars: tuple[tuple[str, tuple[Segment, ...]], ...]
    notes: tuple[str, ...]
    legend: tuple[tuple[str, tuple[Rated, ...]], ...] = ()

    def table(self) -> list[dict[str, Cell]]:
        """One record per segment."""
        return [
            {"synthesis": title, "rating": s.rating, "samples": s.samples, "share_of_weight": s.share}
            for title, segments in self.bars
            for s in segments
        ]


def risk_of_bias(documents: list[Fitted], scores: Mapping[str, RiskScore | None]) -> Risk:
    """The layout, of the syntheses whose samples have a rating.

    `scores` by source: what a number means as a rating, where the ratings of that source are numbers.
    """
    rated = [d for d in documents if any(study.rob for study in d.studies)]
    open_scores = sorted(
        {
            number
            for d in rated
            for s in d.studies
            if (number := _number(s.rob)) is not None and not scores.get(s.source)
        }
    )
    bars, used = [], set()
    for document in rated:
        by_level: dict[Rated, list[Study]] = {}
        for study in document.studies:
            level = _level(study.rob, scores.get(study.source), open_scores)
            by_level.setdefault(level, []).append(study)
        segments = tuple(
            Segment(level.name, len(studies), math.fsum(study.weight for study in studies), level.colour)
            for level, studies in sorted(by_level.items(), key=lambda item: item[0].place)
        )
        used |= set(by_level)
        bars.append((document.title, segments))
    notes = ["The best ratings are at the left; below each title stand the numbers of samples."]
    if not bars:
        notes = ["Not drawn: no sample of any synthesis has a rating (column rob)."]
    scales = [scale for scale in dict.fromkeys(scores.values()) if scale is not None]
    notes += [_scale_words(scale) for scale in _distinct(scales) if used & set(_score_levels(scale))]
    notes += _without(documents, rated)
    legend = _legend(used, scales, open_scores)
    if len(legend) > 1:
        notes.append("Judgements and scores are as the sources' databases give them; they are different scales.")
    return Risk("risk_of_bias", "Risk of bias", tuple(bars), tuple(notes), legend)


def _without(documents: list[Fitted], rated: list[Fitted]) -> list[str]:
    """Which syntheses have no bar, where others have one."""
    drawn = {document.synthesis for document in rated}
    left_out = [document.title for document in documents if document.synthesis not in drawn]
    if not rated or not left_out:
        return []
    return [f"Not drawn, without a rating ({len(left_out)} of {len(documents)} syntheses): {'; '.join(left_out)}."]


def _number(rating: str) -> float | None:
    try:
        return float(rating)
    except ValueError:
        return None


def _level(rating: str, scale: RiskScore | None, open_scores: list[float]) -> Rated:
    """The level of one rating; `open_scores`: all numbers without a declared meaning, by size."""
    judged, number = judgement(rating), _number(rating)
    if judged is not None:
        return Rated(judged.level, RISK_COLOUR[judged.level], (0, judged.rank, ""))
    if number is not None and scale is not None:
        return _score_levels(scale)[_class(number, scale)]
    if number is not None:
        return _open_level(number, open_scores)
    if rating in ("", "mixed"):
        name, colour = (_DIFFERS, OTHER_COLOUR) if rating else (_NOT_RATED, NOT_JUDGED)
        return Rated(name, colour, (4, 0.0 if rating else 1.0, ""))
    return Rated(rating, OTHER_COLOUR, (3, 0.0, rating.casefold()))


def _open_level(number: float, open_scores: list[float]) -> Rated:
    place = open_scores.index(number) / max(1, len(open_scores) - 1)
    return Rated(f"{number:g}", OPEN_COLOURS[round(place * (len(OPEN_COLOURS) - 1))], (2, number, ""))


def _score_levels(scale: RiskScore) -> list[Rated]:
    """Levels of a score from the best to the worst: every whole score, or classes of equal width instead of many."""
    span = scale.highest - scale.lowest
    whole = float(scale.lowest).is_integer() and float(scale.highest).is_integer() and span < _MOST_LEVELS
    count = int(span) + 1 if whole else _MOST_LEVELS
    if whole:
        names = [f"{scale.lowest + i:g}" for i in range(count)]
    else:
        edges = [scale.lowest + span * i / count for i in range(count + 1)]
        names = [f"{a:g} to {b:g}" for a, b in pairwise(edges)]
    if scale.better == "larger":
        names.reverse()
    places = [round(i * (len(SCORE_COLOURS) - 1) / max(1, count - 1)) for i in range(count)]
    return [Rated(name, SCORE_COLOURS[places[i]], (1, float(i), "")) for i, name in enumerate(names)]


def _class(number: float, scale: RiskScore) -> int:
    """Which of a score's levels holds a number. Raises InputError where the number is not on the scale."""
    if not scale.lowest <= number <= scale.highest:
        from synthesis.errors import InputError, Problem

        allowed = f"{scale.lowest:g} to {scale.highest:g}, as risk_score of its source.yaml says"
        raise InputError([Problem("column rob", f"{number:g}", allowed, "another scale, or a slip?")])
    levels = _score_levels(scale)
    share = (number - scale.lowest) / (scale.highest - scale.lowest)
    named = {level.name: i for i, level in enumerate(levels)}
    if f"{number:g}" in named:
        return named[f"{number:g}"]
    place = min(len(levels) - 1, int(share * len(levels)))
    return len(levels) - 1 - place if scale.better == "larger" else place


def _distinct(scales: list[RiskScore]) -> list[RiskScore]:
    """One scale of each meaning."""
    return list({(s.lowest, s.highest, s.better, s.basis): s for s in scales}.values())


def _scale_words(scale: RiskScore) -> str:
    """Which end of a score is good, and what it counts: in the words of its source, the first of their parts, for what
    follows says where that stands."""
    ends = (scale.lowest, scale.highest) if scale.better == "smaller" else (scale.highest, scale.lowest)
    counted = scale.basis.partition(";")[0].strip().rstrip(".")
    return f"Score, from {ends[0]:g} (lowest risk) to {ends[1]:g} (highest): {counted}."


def _legend(
    used: set[Rated], scales: list[RiskScore], open_scores: list[float]
) -> tuple[tuple[str, tuple[Rated, ...]], ...]:
    """Levels by scale as far as they occur; the notes say what both ends of a score are."""
    ordered = sorted(used, key=lambda level: level.place)
    by_scale = [("Judgement", tuple(level for level in ordered if level.place[0] == 0))]
    for scale in scales:
        levels = _score_levels(scale)
        if used & set(levels):
            ends = {0: " (lowest risk)", len(levels) - 1: " (highest risk)"}
            named = tuple(
                Rated(lv.name + ends.get(i, ""), lv.colour, lv.place) for i, lv in enumerate(levels) if lv in used
            )
            by_scale.append(("Score", named))
    unsaid = tuple(_open_level(number, open_scores) for number in open_scores)
    by_scale.append(("Score, which end is good is not stated", unsaid))
    by_scale.append(("Other", tuple(level for level in ordered if level.place[0] > 2)))
    return tuple((name, levels) for name, levels in by_scale if levels)


# --- drawing ------------------------------------------------------------------------------------------------------

# What the axis below the bars is of.
AXIS = "Share of the weight of the synthesis"
_LABEL, _BAR, _GAP, _LINE, _KEY = 2.55, 0.15, 0.14, 0.125, 0.16


def _label_lines(page: Page, title: str, segments: tuple[Segment, ...]) -> tuple[list[str], list[str]]:
    """The title of a bar, and its numbers of samples by level."""
    named = (f"score {s.rating}" if s.rating[:1].isdigit() else s.rating for s in segments)
    counts = ", ".join(f"{name}: {text.count(s.samples)}" for name, s in zip(named, segments, strict=True))
    width, size = _LABEL - 0.15, page.style.small
    return page.wrapped(title, width, size), page.wrapped(counts, width, size)


def _keys(page: Page, name: str, levels: tuple[Rated, ...]) -> list[list[tuple[float, str, str | None]]]:
    """Entries of the legend in lines: place, words, and colour where the words have one."""
    edge = page.style.width - page.style.margin
    head = f"{name}:"
    rows: list[list[tuple[float, str, str | None]]] = [[(page.style.margin, head, None)]]
    x = page.style.margin + page.width(head, page.style.small, "bold") + 0.1
    for level in levels:
        wide = 0.2 + page.width(level.name, page.style.small)
        if x + wide > edge:
            rows.append([])
            x = page.style.margin
        rows[-1].append((x, level.name, level.colour))
        x += wide + 0.14
    return rows


@draw.register
def draw_risk(layout: Risk, style: Style | None = None) -> Figure:
    """The figure of a risk-of-bias layout."""
    style = style or Style()
    with settings():
        ruler = Page(style, 1.0)
        title, notes = ruler.title_lines(layout.title), ruler.note_lines(layout.notes)
        labels = [_label_lines(ruler, *bar) for bar in layout.bars]
        keys = [row for name, levels in layout.legend for row in _keys(ruler, name, levels)]
        tall = [max(_BAR + 0.06, _LINE * (len(a) + len(b))) + _GAP for a, b in labels]
        y = 0.13 + TITLE_SPACING * len(title) + 0.1
        body = math.fsum(tall) + 0.34 + _LINE if layout.bars else 0.0
        page = Page(style, y + body + _KEY * len(keys) + 0.06 + NOTE_SPACING * len(notes) + 0.06)
        page.titled(0.16, title)
        for (_, segments), label, height in zip(layout.bars, labels, tall, strict=True):
            _bar(page, segments, label, y)
            y += height
        if layout.bars:
            percent_axis(page, _edges(page), y)
            page.text(math.fsum(_edges(page)) / 2, y + 0.23, AXIS, page.style.small, "center")
            y += 0.3 + _LINE
        for row in keys:
            for x, name, colour in row:
                _key(page, x, y, name, colour)
            y += _KEY
        page.noted(y + 0.06, notes)
    return page.figure


def _edges(page: Page) -> tuple[float, float]:
    """Where 0% and 100% are."""
    return page.style.margin + _LABEL, page.style.width - page.style.margin - 0.15


def _bar(page: Page, segments: tuple[Segment, ...], label: tuple[list[str], list[str]], y: float) -> None:
    """A bar in the middle of its label, its title and its numbers of samples."""
    margin, small = page.style.margin, page.style.small
    below = page.lines(margin, y + 0.06, label[0], _LINE, small)
    page.lines(margin, below, label[1], _LINE, small, colour=FAINT)
    middle = y + 0.06 + _LINE * (len(label[0]) + len(label[1]) - 1) / 2
    parts = ((segment.colour, segment.share, "") for segment in segments)
    stacked(page, _edges(page), middle, _BAR, parts, FAINT)


def _key(page: Page, x: float, y: float, name: str, colour: str | None) -> None:
    """An entry of the legend; without a colour the name of its scale."""
    if colour is None:
        page.text(x, y, name, page.style.small, weight="bold")
        return
    corners = [(x, y - 0.045), (x + 0.14, y - 0.045), (x + 0.14, y + 0.045), (x, y + 0.045)]
    page.polygon(corners, colour, GRID, 0.5)
    page.text(x + 0.2, y, name, page.style.small)
