"""Risk of bias by domain of one synthesis: a light for each domain of each sample, and bars by share of the weight.

After the two plots of robvis, McGuinness & Higgins (2021), Res Synth Methods 12:55-61; symbols say what colours say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from synthesis import text
from synthesis.data.risk_tools import OVERALL, TOOLS, Tool
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
from synthesis.draw.lights import light as draw_light
from synthesis.results.extracted import Assessed
from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted, Study


@dataclass(frozen=True, slots=True)
class Light:
    """A judgement as it is drawn: its word, colour and symbol; nothing of a domain that was not judged."""

    word: str
    colour: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of lights, those of the domains and then that of the whole; `weight` in percent of the synthesis."""

    key: str
    label: str
    weight: float
    lights: tuple[Light, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A domain, or the whole: the share of the weight of the assessed samples that each judgement has, 0 to 100."""

    name: str
    shares: tuple[tuple[Light, float], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """The samples that one tool assessed."""

    tool: str
    heads: tuple[str, ...]
    samples: tuple[Sample, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Domains:
    """The whole figure: a panel for each tool."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    legend: tuple[Light, ...]
    notes: tuple[str, ...]

    def table(self) -> list[dict[str, Cell]]:
        """One record per judgement of a sample, then one per share."""
        lights: list[dict[str, Cell]] = [
            {"tool": panel.tool, "sample_id": sample.key, "label": sample.label, "domain": bar.name,
             "judgement": light.word, "weight": sample.weight}
            for panel in self.panels for sample in panel.samples
            for bar, light in zip(panel.bars, sample.lights, strict=True)
        ]  # fmt: skip
        shares: list[dict[str, Cell]] = [
            {"tool": panel.tool, "sample_id": "", "label": "share of the weight", "domain": bar.name,
             "judgement": light.word, "weight": share}
            for panel in self.panels for bar in panel.bars for light, share in bar.shares
        ]  # fmt: skip
        return lights + shares


def risk_domains(document: Fitted, assessed: Sequence[Assessed]) -> Domains:
    """The layout of a synthesis; `assessed`: the samples of its sources, those of other syntheses among them."""
    by_sample = {assessment.sample_id: assessment for assessment in assessed}
    assessments = [(study, by_sample[study.sample_id]) for study in document.studies if study.sample_id in by_sample]
    panels = tuple(
        _panel(tool, [(study, assessment) for study, assessment in assessments if assessment.tool == tool.name])
        for tool in TOOLS.values()
        if any(assessment.tool == tool.name for _, assessment in assessments)
    )
    used = {light for panel in panels for sample in panel.samples for light in sample.lights}
    named = {Light(light.word or "not judged", light.colour, light.symbol) for light in used}
    legend = tuple(sorted(named, key=lambda light: (_rank(light.word), light.word)))
    return Domains(
        f"risk_domains_{document.synthesis}",
        f"Risk of bias by domain: {document.title}",
        panels,
        legend,
        _notes(document, assessments),
    )


def _notes(document: Fitted, assessments: Sequence[tuple[Study, Assessed]]) -> tuple[str, ...]:
    if not assessments:
        return ("Not drawn: no sample of this synthesis is assessed by domain (risk_of_bias.csv).",)
    share = math.fsum(study.weight for study, _ in assessments)
    derived = sum(not assessment.given for _, assessment in assessments)
    notes = [
        f"{len(assessments)} of {text.plural(len(document.studies), 'sample')} assessed, {text.number(share, 0)}% of "
        "the weight; bars: shares of the weight of those assessed.",
    ]
    if derived:
        among = "" if derived == len(assessments) else f" in {text.plural(derived, 'sample')}, else as it was judged"
        notes.append(f"Overall by the rule of the tool{among}.")
    return tuple(notes)


def _rank(word: str) -> int:
    judged = judgement(word)
    return judged.rank if judged else 9


def _light(word: str) -> Light:
    judged = judgement(word)
    return Light(word, RISK_COLOUR[judged.level], judged.symbol) if judged else Light(word)


def _panel(tool: Tool, assessments: Sequence[tuple[Study, Assessed]]) -> Panel:
    samples = tuple(
        Sample(
            study.sample_id,
            study.label,
            study.weight,
            (*(_light(assessment.domains.get(name, "")) for name in tool.domains), _light(assessment.overall)),
        )
        for study, assessment in sorted(assessments, key=lambda pair: (pair[0].label.casefold(), pair[0].sample_id))
    )
    names = (*tool.domains, OVERALL)
    bars = tuple(Bar(name, _shares([(s.lights[i], s.weight) for s in samples])) for i, name in enumerate(names))
    heads = (*(f"D{i}" for i in range(1, len(tool.domains) + 1)), "Overall")
    return Panel(tool.name, heads, samples, bars)


def _shares(lights: Sequence[tuple[Light, float]]) -> tuple[tuple[Light, float], ...]:
    """Shares by judgement, from the best; what was not judged comes last."""
    whole = math.fsum(weight for _, weight in lights)
    kinds = sorted({light for light, _ in lights}, key=lambda light: (_rank(light.word), light.word))
    return tuple((kind, 100 * math.fsum(w for light, w in lights if light == kind) / whole) for kind in kinds)


# --- drawing ------------------------------------------------------------------------------------------------------

_ROW, _COLUMN, _LABEL, _RADIUS = 0.19, 0.44, 2.6, 0.06
_BAR, _BAR_ROW, _HEAD, _KEY = 0.13, 0.2, 0.24, 0.18


@draw.register
def draw_domains(layout: Domains, style: Style | None = None) -> Figure:
    """The figure of risk of bias by domain."""
    style = style or Style()
    with settings():
        ruler = Page(style, 1.0)
        title, notes = ruler.title_lines(layout.title), ruler.note_lines(layout.notes)
        y = 0.13 + TITLE_SPACING * len(title) + 0.12
        body = math.fsum(_tall(panel) for panel in layout.panels)
        legend = _KEY + 0.08 if layout.legend else 0.0
        page = Page(style, y + body + legend + NOTE_SPACING * len(notes) + 0.1)
        page.titled(0.16, title)
        for panel in layout.panels:
            _lights(page, panel, y)
            _bars(page, panel, y + _HEAD + _ROW * len(panel.samples) + 0.14)
            y += _tall(panel)
        if layout.legend:
            _legend(page, layout.legend, y + _KEY / 2)
        page.noted(y + legend + 0.06, notes)
    return page.figure


def _tall(panel: Panel) -> float:
    """Inches of a panel: head, rows, bars and axis."""
    return _HEAD + _ROW * len(panel.samples) + 0.14 + _BAR_ROW * len(panel.bars) + 0.42


def _lights(page: Page, panel: Panel, y: float) -> None:
    style = page.style
    left = style.margin + _LABEL
    page.text(style.margin, y + 0.05, panel.tool, weight="bold")
    places = [left + _COLUMN * (i + 0.5) for i in range(len(panel.heads))]
    # The whole stands a little apart.
    places[-1] += 0.2
    for x, head in zip(places, panel.heads, strict=True):
        page.text(x, y + 0.05, head, style.small, "center", weight="bold")
    for i, sample in enumerate(panel.samples):
        middle = y + _HEAD + _ROW * (i + 0.5) - 0.04
        words = page.wrapped(sample.label, _LABEL - 0.1, style.font)
        page.text(style.margin, middle, words[0] + ("\N{HORIZONTAL ELLIPSIS}" if len(words) > 1 else ""))
        for x, light in zip(places, sample.lights, strict=True):
            _light_at(page, x, middle, light)
    bottom = y + _HEAD + _ROW * len(panel.samples)
    page.line([style.margin, style.width - style.margin], [bottom, bottom], GRID, 0.6)


def _light_at(page: Page, x: float, middle: float, light: Light) -> None:
    if not light.symbol:
        page.circle(x, middle, _RADIUS, "#ffffff", GRID, 0.7)
        return
    draw_light(page, x, middle, _RADIUS, light.colour, light.symbol)


def _bars(page: Page, panel: Panel, y: float) -> None:
    style = page.style
    ends = style.margin + _LABEL, style.width - style.margin - 0.2
    for i, (head, bar) in enumerate(zip(panel.heads, panel.bars, strict=True)):
        middle = y + _BAR_ROW * (i + 0.5)
        words, weight = (head, "bold") if bar.name == OVERALL else (f"{head} {bar.name}", "normal")
        page.text(style.margin, middle, words, style.small, weight=weight)
        shares = ((light.colour or NOT_JUDGED, share, light.symbol) for light, share in bar.shares)
        stacked(page, ends, middle, _BAR, shares)
    percent_axis(page, ends, y + _BAR_ROW * len(panel.bars) + 0.03)


def _legend(page: Page, legend: Sequence[Light], y: float) -> None:
    x = page.style.margin + _RADIUS
    for light in legend:
        _light_at(page, x, y, light)
        page.text(x + 0.13, y, light.word, page.style.small, colour=FAINT)
        x += 0.13 + page.width(light.word, page.style.small) + 0.25
