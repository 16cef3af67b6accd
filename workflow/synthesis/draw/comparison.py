"""The layout of the comparison figure: syntheses lane by lane above each other, the bridge last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from msgspec.structs import replace

from synthesis import text
from synthesis.data.vocabulary import LANE_WORD, contrast_name, nobody_assigned, process_name
from synthesis.draw.forest_notes import (
    band_note,
    bayes_note,
    constructs_of,
    notes_of,
    of_range_alone,
    people_cell,
    people_note,
    row_notes,
    title_note,
    variance_decimals,
)
from synthesis.draw.layout import Layout, Row, RowKind, Section, coordinates, decimals_of, mark_of, section_of
from synthesis.draw.reference_rows import (
    comparator_note,
    derived_notes,
    named_others,
    other_constructs,
    reference_block,
    sides,
)
from synthesis.draw.rows import fill_of, pooled_rows, study_rows
from synthesis.results.comparisons import BridgeRow, Side
from synthesis.results.extracted import Reference
from synthesis.results.fitted import Fitted, labels_of

if TYPE_CHECKING:
    from synthesis.plan.config import ComparisonFigure


# The section of bridges; the others are called by their lanes.
BOTH = "both"
SECTION_HEADING = {
    "lane A": "Associations with outcome",
    "lane B": "Effects of randomised treatments",
    "lane C": "One group, compared with nobody",
    BOTH: "Comparison under each conversion of r to d: not a test of causes",
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
    # Notes call a pool as its row is called.
    used = [replace(d, title=b.heading or d.title) for b in plan.blocks for d in [documents[b.synthesis]]]
    sections: list[Section] = []
    for lane, metric in sorted({(d.lane, d.metric) for d in used}):
        pools = [d for d in used if (d.lane, d.metric) == (lane, metric)]
        sections += _lane_sections(plan, lane, metric, pools, references.get(lane, []), variance_decimals(used))
    if bridges:
        sections.append(_bridge_section(bridges, documents))
    return Layout(name, plan.title, tuple(sections), notes=_notes(plan, sections, used, references))


def _lane_sections(
    plan: ComparisonFigure, lane: str, metric: str, pools: list[Fitted], references: list[Reference], variances: int
) -> list[Section]:
    """The sections of a lane: one, but that samples of several disorders have an axis for each of these, and published
    summaries then one of their own; `variances`: decimals of variances in the figure."""
    columns: tuple[str, ...] = ("n",) if plan.studies else ("samples", "people")
    name = f"lane {lane}" if metric in {"z", "g"} else f"lane {lane}, {metric}"
    parts = _by_disorder(pools) if plan.studies else {"": pools}
    cited = reference_block(references, metric, pools)
    sections = []
    for of, documents in parts.items():
        rows: list[Row] = []
        for document in documents:
            if plan.studies:
                rows.append(Row("heading", document.title, lane))
                rows += study_rows(document, columns)
                rows += pooled_rows(document, columns, variances=variances)
            else:
                rows.append(_summary_row(document, document.title))
        sections.append((of, rows if of else [*rows, *cited]))
    if cited and len(parts) > 1:
        sections.append(("published meta-analyses", cited))
    head = lane_heading(lane, pools, references)
    return [
        section_of(
            f"{name}: {of}" if of else name,
            metric,
            columns,
            rows,
            pools[0].fit.level,
            heading=f"{head}: {of}" if of else head,
            favours=sides(_favours(lane, pools), references, pools),
            weights=plan.studies,
        )
        for of, rows in sections
    ]


def _by_disorder(documents: list[Fitted]) -> dict[str, list[Fitted]]:
    """Syntheses by the disorder that each of them is of; all in one where some are of several, or of the same."""
    parts: dict[str, list[Fitted]] = {}
    for document in documents:
        parts.setdefault(text.shared(study.disorder for study in document.studies), []).append(document)
    return {"": documents} if len(parts) < 2 or {"", text.MIXED} & parts.keys() else parts


def _notes(
    plan: ComparisonFigure, sections: list[Section], used: list[Fitted], references: dict[str, list[Reference]]
) -> tuple[str, ...]:
    known = (*band_note(sections, used), *notes_of(used, plan.studies), *row_notes(sections))
    square_note = () if any("One sample" in note for note in known) else one_sample_note(sections)
    compared = [comparator_note(r, [d for d in used if d.lane == lane]) for lane, r in references.items()]
    bridged = any(section.name == BOTH for section in sections)
    chosen = (
        ["Which published meta-analyses are drawn is a choice, named in the plan."] if any(references.values()) else []
    )
    causes = [f"Conversions are not a test of causes: {nobody_assigned(constructs_of(used))}."] if bridged else []
    return (
        *known,
        *square_note,
        *derived_notes(r.basis for cited in references.values() for r in cited),
        *(note for notes in compared for note in notes),
        *chosen,
        *causes,
        *(bayes_note(used) if plan.studies else ()),
        *people_note(used),
        *overlap_note(used, plan.studies),
        *title_note(sections),
    )


def lane_heading(lane: str, documents: list[Fitted], references: Sequence[Reference] = ()) -> str:
    """What a lane holds."""
    if lane == "A":
        constructs = [*constructs_of(documents), *named_others(other_constructs(references, documents))]
        return f"Associations of {process_name(constructs, article=False)} with outcome"
    return SECTION_HEADING[f"lane {lane}"]


def overlap_note(documents: list[Fitted], drawn: bool = True) -> list[str]:
    """How many samples stand in several of the syntheses that are drawn, so that these are not independent; and which,
    of syntheses where none is a part of the other, with the same effects; `drawn`: whether samples have rows, under all
    of their names."""
    counts = Counter(study.sample_id for document in documents for study in document.studies)
    several = sum(count > 1 for count in counts.values())
    if not several:
        return []
    verb = "stands" if several == 1 else "stand"
    lead = f"{text.plural(several, 'sample')} of {len(counts)} {verb} in more than one of these syntheses"
    shared: set[str] = set()
    for first, second in combinations(documents, 2):
        if _effects(first) & _effects(second) not in (_effects(first), _effects(second)):
            shared |= _samples(first) & _samples(second)
    called = labels_of(sorted(shared), documents) if drawn else _labels(shared, documents)
    named = f"; shared by syntheses that are no part of each other: {text.named(called.values())}" if shared else ""
    return [f"{lead}{named}."]


def _labels(samples: set[str], documents: list[Fitted]) -> dict[str, str]:
    studies = [study for document in reversed(documents) for study in document.studies]
    return {study.sample_id: study.label for study in studies if study.sample_id in samples}


def _samples(document: Fitted) -> set[str]:
    return {study.sample_id for study in document.studies}


def _effects(document: Fitted) -> set[str]:
    return {effect for study in document.studies for effect in study.effects}


def one_sample_note(sections: Iterable[Section]) -> tuple[str, ...]:
    """What a square is where diamonds are pools."""
    single = any(row.kind in {"single", "converted single"} for section in sections for row in section.rows)
    return ("A square: one sample, nothing pooled.",) if single else ()


def reading_kind(document: Fitted | None, converted: bool) -> RowKind:
    """How one side of a bridge is drawn: of a single sample nothing is pooled."""
    single = document is not None and document.fit.samples == 1
    if converted:
        return "converted single" if single else "converted"
    return "single" if single else "pooled"


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
        label + of_range_alone(document),
        document.lane,
        (text.count(document.fit.samples), people_cell(document.studies)),
        pi_low=low,
        pi_high=high,
        key=document.synthesis,
        synthesis=document.synthesis,
        fill=fill_of(document),
        **mark,
    )


def _bridge_section(
    bridges: list[tuple[str, list[BridgeRow]]],
    documents: dict[str, Fitted],
) -> Section:
    """Per bridge: the association as d under each contrast (hollow), then the effect (filled)."""
    rows: list[Row] = []
    for title, table in bridges:
        rows.append(Row("heading", title))
        differences = [entry for entry in table if entry.unit == "d"]
        association = documents.get(table[0].association)
        of = constructs_of([association] if association else [])
        sign = of_range_alone(association) if association else ""
        named = text.capital(process_name(of, article=False))
        for entry in differences:
            label = f"{named} as d: {contrast_name(entry.contrast, of)}{sign}"
            kind = reading_kind(association, converted=True)
            rows.append(_reading_row(kind, label, "A", entry, "association", entry.contrast))
        effect = table[0].effect
        label = documents[effect].title if effect in documents else effect
        kind = reading_kind(documents.get(effect), converted=False)
        rows.append(_reading_row(kind, label, "B", differences[0], "effect", effect))
    turned = any(d.figure.orientation == "as_reported" for d in documents.values())
    return section_of(
        BOTH,
        "g",
        (),
        rows,
        next(iter(documents.values())).fit.level,
        heading=SECTION_HEADING[BOTH],
        favours=None if turned else ("worse outcome", "better outcome"),
        axis="Standardized mean difference (d converted from r, or Hedges g)",
        estimate_name="d or g",
    )


def _reading_row(kind: RowKind, label: str, lane: str, entry: BridgeRow, side: Side, key: str) -> Row:
    reading = entry.reading(side)
    if reading.estimate is None:
        return Row(kind, label, lane, key=key, synthesis=entry.synthesis(side))
    mark = mark_of("g", reading.estimate, reading.ci_low, reading.ci_high)
    return Row(kind, label, lane, key=key, synthesis=entry.synthesis(side), **mark)
