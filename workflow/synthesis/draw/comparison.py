"""The layout of the comparison figure: syntheses lane by lane above each other, the bridge last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

from msgspec.structs import replace

from synthesis import text
from synthesis.data.vocabulary import LANE_WORD, contrast_name, process_name
from synthesis.draw.forest_notes import (
    band_note,
    constructs_of,
    notes_of,
    people_cell,
    people_note,
    row_notes,
    title_note,
)
from synthesis.draw.layout import Layout, Row, RowKind, Section, coordinates, decimals_of, mark_of, section_of
from synthesis.draw.rows import pooled_rows, reference_block, study_rows
from synthesis.results.comparisons import BridgeRow, Side
from synthesis.results.extracted import Reference
from synthesis.results.fitted import Fitted, labels_of

if TYPE_CHECKING:
    from synthesis.plan.config import ComparisonFigure


# The section of bridges; the others are called by their lanes.
BOTH = "both"
SECTION_HEADING = {
    "lane A": "Associations with outcome",
    "lane B": "Randomised effects of protocols",
    "lane C": "One group, compared with nobody",
    BOTH: "Comparison under each conversion of r to d",
}


def comparison(
    name: str,
    plan: ComparisonFigure,
    documents: dict[str, Fitted],
    references: dict[str, list[Reference]],
    bridges: list[tuple[str, list[BridgeRow]]],
) -> Layout:
    """Several syntheses above each other, one section and axis per lane and metric, the bridge last.

    `documents` by synthesis, `references` by lane; `bridges`: title and rows of the comparison table.
    """
    sections = []
    # Notes call a pool as its row is called.
    used = [replace(d, title=b.heading or d.title) for b in plan.blocks for d in [documents[b.synthesis]]]
    for lane, metric in sorted({(d.lane, d.metric) for d in used}):
        columns: tuple[str, ...] = ("n",) if plan.studies else ("samples", "people")
        rows: list[Row] = []
        for block in plan.blocks:
            document = documents[block.synthesis]
            if (document.lane, document.metric) != (lane, metric):
                continue
            heading = block.heading or document.title
            if plan.studies:
                rows.append(Row("heading", heading, lane))
                rows += study_rows(document, columns)
                rows += pooled_rows(document, columns)
            else:
                rows.append(_summary_row(document, heading))
        rows += reference_block(references.get(lane, []), metric)
        favours = _favours(lane, [d for d in used if (d.lane, d.metric) == (lane, metric)])
        name_of_section = f"lane {lane}" if metric in {"z", "g"} else f"lane {lane}, {metric}"
        sections.append(
            section_of(
                name_of_section,
                metric,
                columns,
                rows,
                used[0].fit.level,
                heading=lane_heading(lane, used),
                favours=favours,
                weights=plan.studies,
            )
        )
    if bridges:
        sections.append(_bridge_section(bridges, documents))
    return Layout(name, plan.title, tuple(sections), notes=_notes(plan, sections, used))


def _notes(plan: ComparisonFigure, sections: list[Section], used: list[Fitted]) -> tuple[str, ...]:
    known = (*band_note(sections, used), *notes_of(used, plan.studies), *row_notes(sections))
    one = () if any("One sample" in note for note in known) else one_sample_note(sections)
    return (*known, *one, *people_note(used), *overlap_note(used, plan.studies), *title_note(sections))


def lane_heading(lane: str, documents: list[Fitted]) -> str:
    """What a lane holds."""
    if lane == "A":
        return f"Associations of {process_name(constructs_of(documents), article=False)} with outcome"
    return SECTION_HEADING[f"lane {lane}"]


def overlap_note(documents: list[Fitted], drawn: bool = True) -> list[str]:
    """How many samples stand in several of the syntheses that are drawn, so that these are not independent; and which,
    of syntheses where none is a part of the other; `drawn`: whether samples have rows, under all of their names."""
    held = Counter(study.sample_id for document in documents for study in document.studies)
    several = sum(count > 1 for count in held.values())
    if not several:
        return []
    verb = "stands" if several == 1 else "stand"
    lead = f"{text.plural(several, 'sample')} of {len(held)} {verb} in more than one of these syntheses"
    shared: set[str] = set()
    for first, second in combinations(documents, 2):
        both = _samples(first) & _samples(second)
        if both not in (_samples(first), _samples(second)):
            shared |= both
    called = labels_of(sorted(shared), documents) if drawn else _labels(shared, documents)
    named = f"; shared by syntheses that are no part of each other: {text.named(called.values())}" if shared else ""
    return [f"{lead}{named}."]


def _labels(samples: set[str], documents: list[Fitted]) -> dict[str, str]:
    studies = [study for document in reversed(documents) for study in document.studies]
    return {study.sample_id: study.label for study in studies if study.sample_id in samples}


def _samples(document: Fitted) -> set[str]:
    return {study.sample_id for study in document.studies}


def one_sample_note(sections: Iterable[Section]) -> tuple[str, ...]:
    """What a square is where diamonds are pools."""
    one = any(row.kind in {"single", "converted single"} for section in sections for row in section.rows)
    return ("A square: one sample, nothing pooled.",) if one else ()


def reading_kind(document: Fitted | None, converted: bool) -> RowKind:
    """How one side of a bridge is drawn: of a single sample nothing is pooled."""
    one = document is not None and document.fit.samples == 1
    if converted:
        return "converted single" if one else "converted"
    return "single" if one else "pooled"


def _favours(lane: str, documents: list[Fitted]) -> tuple[str, str] | None:
    """The words under a section's axis: its blocks' own where they agree; none where a sign may mean either."""
    words = {document.figure.favours for document in documents}
    if len(words) == 1 and words != {None}:
        return words.pop()
    if any(d.figure.orientation == "as_reported" for d in documents):
        return None
    if lane == "A":
        return "", f"stronger {LANE_WORD[lane]}"
    if lane == "C":
        return "worse after", "better after"
    return "favours comparator", "favours treatment"


def _summary_row(document: Fitted, label: str) -> Row:
    """A whole synthesis in one row: diamond with the prediction interval behind it; a single sample as a square."""
    metric = document.metric
    low, high = coordinates(metric, document.fit.pi_low, document.fit.pi_high)
    mark = mark_of(metric, document.fit.estimate, document.fit.ci_low, document.fit.ci_high, decimals_of(document))
    return Row(
        "single" if document.fit.samples == 1 else "pooled",
        label,
        document.lane,
        (text.count(document.fit.samples), people_cell(document.studies)),
        pi_low=low,
        pi_high=high,
        key=document.synthesis,
        synthesis=document.synthesis,
        **mark,
    )


def _bridge_section(
    bridges: list[tuple[str, list[BridgeRow]]],
    documents: dict[str, Fitted],
) -> Section:
    """Per bridge: the association as d under each contrast (hollow), then the protocol effect (filled)."""
    rows: list[Row] = []
    for title, table in bridges:
        rows.append(Row("heading", title))
        differences = [entry for entry in table if entry.unit == "d"]
        of = constructs_of(d for d in [documents.get(table[0].association)] if d)
        named = text.capital(process_name(of, article=False))
        for entry in differences:
            label = f"{named} as d: {contrast_name(entry.contrast, of)}"
            kind = reading_kind(documents.get(table[0].association), converted=True)
            rows.append(_reading_row(kind, label, "A", entry, "association", entry.contrast))
        effect = table[0].effect
        label = documents[effect].title if effect in documents else effect
        kind = reading_kind(documents.get(effect), converted=False)
        rows.append(_reading_row(kind, label, "B", differences[0], "effect", effect))
    return section_of(
        BOTH,
        "g",
        (),
        rows,
        next(iter(documents.values())).fit.level,
        heading=SECTION_HEADING[BOTH],
        axis="Standardized mean difference (d converted from r, or Hedges g)",
        estimate_name="d or g",
    )


def _reading_row(kind: RowKind, label: str, lane: str, entry: BridgeRow, side: Side, key: str) -> Row:
    reading = entry.reading(side)
    if reading.estimate is None:
        return Row(kind, label, lane, key=key, synthesis=entry.synthesis(side))
    mark = mark_of("g", reading.estimate, reading.ci_low, reading.ci_high)
    return Row(kind, label, lane, key=key, synthesis=entry.synthesis(side), **mark)
