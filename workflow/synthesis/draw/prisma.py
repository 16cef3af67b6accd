"""The flow of rows from extraction to synthesis, after the PRISMA 2020 flow diagram (Page et al. 2021, BMJ 372:n71).

The search before the extraction stands above it where data/raw/search.csv has it; else the figure says that it has not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from synthesis import text
from synthesis.data.search import REMOVED, SearchRow, total
from synthesis.data.vocabulary import SearchStep
from synthesis.draw.canvas import DARK, NOTE_SPACING, TITLE_SPACING, Page, Style, draw, settings
from synthesis.results.extracted import Dropped, Effect
from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted

_LEFT_NAME = {
    "gap": "the reachable text prints no number",
    "refused": "printed, but no legitimate conversion",
    "excluded": "excluded, with the reason",
    "descriptive": "neither an association nor an effect",
    "combined": "arm combined with another of the same control",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One box: a stage of the flow, and beside it what left there, or what joined."""

    stage: str
    words: tuple[str, ...]
    left: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole diagram, from top to bottom."""

    name: str
    title: str
    boxes: tuple[Box, ...]
    notes: tuple[str, ...]

    def table(self) -> list[dict[str, Cell]]:
        """One record per line of text."""
        return [
            {"stage": box.stage, "side": side, "words": words}
            for box in self.boxes
            for side, lines in (("kept", box.words), ("left", box.left), ("joined", box.joined))
            for words in lines
        ]


def flow(
    title: str,
    documents: list[Fitted],
    effects: Sequence[Effect],
    dropped: Sequence[Dropped],
    search_rows: Sequence[SearchRow] = (),
) -> Flow:
    """Counts rows by their effect_id, samples by their sample_id; a row converted to two metrics counts once.

    What goes into a stage is what leaves it and what goes on; zeros of a stress test join by name. `search_rows`: the
    search before it, as the table of the search has it.
    """
    boxes, search = _extracted(documents, effects, dropped), search_boxes(search_rows)
    notes = (
        "Rows, not publications: a publication may have several. A sample may stand in several syntheses.",
        "Above the extraction: records and reports, as the table of the search has them (data/raw/search.csv)."
        if search
        else "The search that led to the sources is not part of the data; authors add it above the first box.",
    )
    return Flow("flow", f"Flow of evidence: {title}", (*search, *boxes), notes)


def _extracted(documents: list[Fitted], effects: Sequence[Effect], dropped: Sequence[Dropped]) -> tuple[Box, ...]:
    """The boxes from the extraction to the syntheses."""
    used = {member for d in documents for study in d.studies for member in study.effects}
    usable = {row.effect_id: row for row in effects}
    lost = {row.effect_id: row for row in dropped if row.effect_id not in usable}
    zeros = used - set(usable)
    reasons = Counter(row.category for row in lost.values())
    summaries = [key for key, row in usable.items() if row.level == "summary" and key not in used]
    unused = [key for key, row in usable.items() if row.level == "study" and key not in used]
    sources = {row.source for row in usable.values()} | {row.source for row in lost.values()}
    samples = {study.sample_id for d in documents for study in d.studies}
    pooled = [
        f"{d.title}: {text.plural(d.fit.samples, 'sample')}, {text.plural(d.fit.k, 'estimate')}" for d in documents
    ]
    gone = [f"{_LEFT_NAME[category]}: {count}" for category, count in sorted(reasons.items())]
    return (
        Box(
            "Extraction",
            (
                f"{text.plural(len(usable) + len(lost), 'row')} extracted from {text.plural(len(sources), 'source')}",
                "a row: one finding, with or without a number",
                "a source: a database, or a set of papers, that was extracted as one",
            ),
            (f"{text.plural(len(lost), 'row')} without a usable number", *gone),
        ),
        Box(
            "Conversion",
            (f"{text.plural(len(usable), 'row')} converted",),
            (
                f"{text.plural(len(summaries), 'published summary', 'published summaries')}: shown, never pooled",
                f"{text.plural(len(unused), 'row')} of studies that no synthesis selects",
            ),
        ),
        Box(
            "Synthesis",
            (
                f"{text.plural(len(used), 'row')} of {text.plural(len(samples), 'sample')} in "
                f"{text.plural(len(documents), 'synthesis', 'syntheses')}",
                *((f"of which {len(zeros)} entered as 0 in a stress test",) if zeros else ()),
                *pooled,
            ),
            joined=_joined(len(zeros)),
        ),
    )


_BOXES: tuple[tuple[str, tuple[SearchStep, ...], tuple[SearchStep, ...]], ...] = (
    ("Identification", ("identified",), REMOVED),
    ("Screening", ("screened",), ("excluded",)),
    ("Retrieval", ("sought",), ("not_retrieved",)),
    ("Eligibility", ("assessed",), ("ineligible",)),
    ("Included", ("included_studies", "included_reports"), ()),
)
# One, several, and what stands after them.
_COUNTED: dict[SearchStep, tuple[str, str, str]] = {
    "identified": ("record", "records", "identified"),
    "duplicates": ("duplicate record", "duplicate records", "removed"),
    "automation": ("record", "records", "marked as ineligible by automation tools"),
    "other_removed": ("record", "records", "removed for other reasons"),
    "screened": ("record", "records", "screened"),
    "excluded": ("record", "records", "excluded"),
    "sought": ("report", "reports", "sought for retrieval"),
    "not_retrieved": ("report", "reports", "not retrieved"),
    "assessed": ("report", "reports", "assessed for eligibility"),
    "ineligible": ("report", "reports", "excluded"),
    "included_studies": ("study", "studies", "included"),
    "included_reports": ("report", "reports", "of included studies"),
}


def search_boxes(search_rows: Sequence[SearchRow]) -> tuple[Box, ...]:
    """The boxes of the search; one of which no number is known is left out."""
    boxes = []
    for stage, kept, left in _BOXES:
        lines = tuple(line for step in kept for line in _counted(search_rows, step))
        if lines:
            boxes.append(Box(stage, lines, tuple(line for step in left for line in _counted(search_rows, step))))
    return tuple(boxes)


def _counted(search_rows: Sequence[SearchRow], step: SearchStep) -> list[str]:
    """The number of a step in words, and below it the databases or reasons that it is made of."""
    count = total(search_rows, step)
    if count is None:
        return []
    singular, plural, did = _COUNTED[step]
    named = [f"{row.what}: {text.count(row.records)}" for row in search_rows if row.step == step and row.what]
    return [f"{text.plural(count, singular, plural)} {did}", *named]


def _joined(zeros: int) -> tuple[str, ...]:
    if not zeros:
        return ()
    back = f"{text.plural(zeros, 'row')} brought back from those without a usable number"
    return (back, "reported as not significant, entered as 0 in a stress test")


# --- drawing ------------------------------------------------------------------------------------------------------

_STAGE, _MAIN, _SIDE = 0.95, 3.35, 2.55
_LINE, _PAD, _ARROW = 0.15, 0.11, 0.3
_GLUE = "\N{NO-BREAK SPACE}"


@draw.register
def draw_flow(layout: Flow, style: Style | None = None) -> Figure:
    """The figure of a flow."""
    style = style or Style()
    with settings():
        ruler = Page(style, 1.0)
        lines = [_box_lines(ruler, box) for box in layout.boxes]
        heights = [max(map(len, columns)) * _LINE + 2 * _PAD for columns in lines]
        title, notes = ruler.title_lines(layout.title), ruler.note_lines(layout.notes)
        y = 0.23 + TITLE_SPACING * len(title)
        page = Page(style, y + math.fsum(heights) + _ARROW * len(heights) + NOTE_SPACING * len(notes) + 0.05)
        page.titled(0.17, title)
        for i, (box, columns, height) in enumerate(zip(layout.boxes, lines, heights, strict=True)):
            _stage(page, box.stage, columns, y, height)
            if i + 1 < len(heights):
                middle = style.margin + _STAGE + _MAIN / 2
                _arrow(page, middle, y + height, middle, y + height + _ARROW)
            y += height + _ARROW
        page.noted(y, notes)
    return page.figure


def _stage(page: Page, stage: str, lines: tuple[list[str], list[str], list[str]], y: float, height: float) -> None:
    """A stage of the flow: its box, and at its side the box of what left there, or of what joined."""
    kept, left, joined = lines
    middle = y + height / 2
    page.text(page.style.margin, middle, stage, weight="bold")
    main, side = page.style.margin + _STAGE, page.style.width - page.style.margin - _SIDE
    _boxed(page, main, y, _MAIN, height, kept)
    if left or joined:
        tall = len(left or joined) * _LINE + 2 * _PAD
        _boxed(page, side, y + (height - tall) / 2, _SIDE, tall, left or joined)
        ends = (main + _MAIN, side) if left else (side, main + _MAIN)
        _arrow(page, ends[0], middle, ends[1], middle)


def _box_lines(page: Page, box: Box) -> tuple[list[str], list[str], list[str]]:
    kept = _in_lines(page, box.words, _MAIN)
    return kept, _in_lines(page, box.left, _SIDE), _in_lines(page, box.joined, _SIDE)


def _in_lines(page: Page, texts: Sequence[str], width: float) -> list[str]:
    """Texts in lines that fit a box, a number on one line with what it counts."""
    glued = (re.sub(r"(?<=\d) (?=[a-z])", _GLUE, words) for words in texts)
    lines = (line for words in glued for line in page.wrapped(words, width - 2 * _PAD, page.style.small))
    return [line.replace(_GLUE, " ") for line in lines]


def _boxed(page: Page, left: float, top: float, width: float, height: float, lines: list[str]) -> None:
    page.rounded_box(left, top, width, height)
    page.lines(left + _PAD, top + _PAD + _LINE * 0.5, lines, _LINE, page.style.small)


def _arrow(page: Page, x: float, y: float, to_x: float, to_y: float) -> None:
    page.line([x, to_x], [y, to_y], DARK, 0.8)
    half, back = 0.032, 0.07
    if to_y > y:
        tip = [(to_x, to_y), (to_x - half, to_y - back), (to_x + half, to_y - back)]
    else:
        back = back if to_x > x else -back
        tip = [(to_x, to_y), (to_x - back, to_y - half), (to_x - back, to_y + half)]
    page.polygon(tip, DARK, DARK)
