"""The figure of one bridge: association and effect in every common unit, for the mean and for a new setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from synthesis import text
from synthesis.data.vocabulary import CONTRASTS, contrast_name, nobody_assigned, process_name
from synthesis.draw.axes import axis_of
from synthesis.draw.comparison import reading_kind
from synthesis.draw.forest_notes import MEAN_OF_ENDS, RANGE, constructs_of, is_between, of_range_alone
from synthesis.draw.layout import PROBABILITY_COLUMNS, Layout, Row, RowKind, Section
from synthesis.results.comparisons import BridgeRow, Side
from synthesis.results.fitted import Fitted

_CONVERTED = tuple(CONTRASTS)
# Sections: key, heading, axis, contrasts, decimals, value of no difference.
SECTIONS: tuple[tuple[str, str, str, tuple[str, ...], int, float], ...] = (
    ("d", "Standard deviations", "Difference in standard deviations (d, Hedges g)", _CONVERTED, 2, 0.0),
    ("probability", "Probability of the better outcome", "Percent of pairs (concordance)", ("probability",), 0, 50.0),
    ("r", "Correlation with the same probability of the better outcome", "Correlation r of two measures",
     ("concordance_r",), 2, 0.0),
    ("variance", "Shared variance: of the outcome with the rating; with the two groups", "Percent of variance, "
     "without its sign", ("variance",), 0, 0.0),
    ("u3", "U3: share of the better group above the mean of the other", "Percent of people",
     tuple(f"u3_{key}" for key in _CONVERTED), 0, 50.0),
    ("overlap", "Overlap of the two distributions", "Percent of people, without the sign of the difference",
     tuple(f"overlap_{key}" for key in _CONVERTED), 0, 100.0),
)  # fmt: skip
# The reading that a unit of one row is of: its P are the same, since one is an increasing function of the other.
_READING_OF = {"probability": "concordance", "concordance_r": "concordance", "variance": "2_sd"}
_UNIT_NAME = {"d": "d or g", "r": "r", "%": "%"}


def bridge_layout(name: str, table: list[BridgeRow], association: Fitted, effect: Fitted) -> Layout:
    """The layout of one bridge from its rows of the bridge table and the two model documents."""
    by_contrast = {row.contrast: row for row in table}
    sections = [
        _section(
            key,
            _head(heading, by_contrast, contrasts, constructs_of([association])),
            axis,
            [by_contrast[c] for c in contrasts],
            decimals,
            null,
            association,
            effect,
        )
        for key, heading, axis, contrasts, decimals, null in SECTIONS
    ]
    first = table[0]
    empty = [i for i in range(len(PROBABILITY_COLUMNS)) if not any(_has_cells(s.rows, i) for s in sections)]
    sections = [_without(section, empty) for section in sections]
    shown = [name for i, name in enumerate(PROBABILITY_COLUMNS) if i not in empty]
    marks = (
        *_mark_notes(sections, association),
        *_range_notes((association, effect)),
        *_chances_note(shown, association, effect),
    )
    notes = (
        *marks,
        "An effect d has two correlations: with the same probability of the better outcome, between two measures; and "
        "between group and outcome; the square of the latter, d²/(d² + 4), is its shared variance.",
        *_unsigned(table),
        *_needed(table),
        f"A comparison under conversions, not a test of causes: {nobody_assigned(constructs_of([association]))}.",
    )
    return Layout(name, first.title, tuple(sections), notes=notes, marks=marks)


def _head(heading: str, table: Mapping[str, BridgeRow], contrasts: Sequence[str], of: Sequence[str]) -> str:
    """The heading of a panel: which readings it is of, and whether their probabilities stand above already."""
    first = contrasts[0]
    if first in _CONVERTED:
        return f"{heading}: {len(contrasts)} readings"
    if first.startswith("overlap"):
        return f"{heading}, without sign: less is a larger difference; the same readings"
    readings = [_READING_OF.get(c) or c.partition("_")[2] for c in contrasts]
    again = any(_chances(table[first])) and all(
        _chances(table[c]) == _chances(table[r]) for c, r in zip(contrasts, readings, strict=True)
    )
    which = "the same readings" if len(readings) > 1 else f"the reading \u201c{contrast_name(readings[0], of)}\u201d"
    return f"{heading}; {which}{', P as above' * again}"


def _chances(entry: BridgeRow) -> tuple[str, ...]:
    """Probabilities as they are printed."""
    chances = (entry.p_association_larger, entry.p_association_larger_new)
    return tuple("" if p is None else text.probability(p) for p in chances)


def _has_cells(rows: Sequence[Row], i: int) -> bool:
    return any(i < len(row.cells) and row.cells[i] for row in rows)


def _without(section: Section, empty: list[int]) -> Section:
    """A section without the columns that hold nothing in any section."""

    def kept(cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cell for i, cell in enumerate(cells) if i not in empty)

    rows = tuple(replace(row, cells=kept(row.cells)) for row in section.rows)
    return replace(section, columns=kept(section.columns), rows=rows)


def _mark_notes(sections: list[Section], association: Fitted) -> list[str]:
    """What the marks are of those that are drawn."""
    kinds = {row.kind for section in sections for row in section.rows}
    hollow = (
        "Hollow squares: the association in one sample"
        if "converted single" in kinds
        else ("Hollow diamonds: the association")
    )
    filled = "a filled square: the effect in one sample" if "single" in kinds else "filled diamonds: the effect"
    level = f"{100 * association.fit.level:g}%"
    notes = [f"{hollow}, read in several ways; {filled}, with their {level} CIs."]
    if any(row.pi_low is not None for section in sections for row in section.rows):
        notes.append(f"Light bands: {level} prediction intervals, for a new setting.")
    return notes


def _range_notes(documents: Sequence[Fitted]) -> list[str]:
    """What the sign is of a side that is nothing but ends of printed ranges."""
    range_pools = [document for document in documents if of_range_alone(document)]
    if not range_pools:
        return []
    mean = all(len(document.studies) == 1 and is_between(document.studies[0]) for document in range_pools)
    origin = f"{MEAN_OF_ENDS}; the source prints" if mean else "from ends of printed ranges; the sources print"
    return [f"{RANGE}: {origin} no single value."]


def _chances_note(shown: list[str], association: Fitted, effect: Fitted) -> list[str]:
    """What the columns of probabilities are, of those that are drawn."""
    if not shown:
        return []
    of = {"P mean": "for the means", "P new": "in a new setting"}
    where = " and ".join(of[name] for name in shown)
    drawn = f"the sampling distributions of {_of_both(association, effect)}, independent and without a prior"
    return [f"{', '.join(shown)}: probability that the association is the larger of both, {where}, over {drawn}."]


def _of_both(association: Fitted, effect: Fitted) -> str:
    """What the two sides are: of a single sample nothing is pooled."""
    first, second = ("sample" if side.fit.samples == 1 else "pool" for side in (association, effect))
    return f"the two {first}s" if first == second else f"the {first} and the {second}"


def _unsigned(table: list[BridgeRow]) -> list[str]:
    """Where an interval of a size without its sign ends, where one with its sign holds no difference."""
    spans = [(r.ci_low, r.ci_high, r.pi_low, r.pi_high) for row in table if row.contrast in _CONVERTED
             for r in (row.reading("association"), row.reading("effect"))]  # fmt: skip
    across = any(
        low is not None and high is not None and low < 0 < high
        for ci_low, ci_high, pi_low, pi_high in spans
        for low, high in ((ci_low, ci_high), (pi_low, pi_high))
    )
    note = "Shared variance and overlap have no sign: where an interval of d holds 0, theirs reach 0% and 100%."
    return [note] if across else []


def _needed(table: list[BridgeRow]) -> list[str]:
    """Numbers needed to treat in words: randomised contrasts only."""
    parts = []
    for row in table:
        if row.unit != "people":
            continue
        value = "none" if row.effect_estimate is None else text.number(row.effect_estimate, 1)
        high = "no limit" if row.effect_ci_high is None else text.number(row.effect_ci_high, 1)
        low = "no limit" if row.effect_ci_low is None else text.number(row.effect_ci_low, 1)
        words = row.quantity.removeprefix("number needed to treat").strip(" ()")
        parts.append(f"{words}: {value} [{low}, {high}]")
    return ["Number needed to treat, of the randomised effect only. " + "; ".join(parts) + "."] if parts else []


def _section(
    key: str,
    heading: str,
    axis: str,
    table: list[BridgeRow],
    decimals: int,
    null: float,
    association: Fitted,
    effect: Fitted,
) -> Section:
    rows, of = [], constructs_of([association])
    named = text.capital(process_name(of, article=False))
    for entry in table:
        reading = next((contrast_name(c, of) for c in CONTRASTS if entry.contrast.endswith(c)), "")
        label = f"{named}: {reading}" if reading and len(table) > 1 else association.title
        label += of_range_alone(association)
        rows.append(_row(reading_kind(association, converted=True), label, "A", entry, "association", decimals))
    label = effect.title + of_range_alone(effect)
    rows.append(_row(reading_kind(effect, converted=False), label, "B", table[0], "effect", decimals))
    low, high, ticks, texts = axis_of(rows, False, null=null)
    return Section(
        name=key,
        heading=heading,
        axis=axis,
        # A larger overlap is a smaller difference: the probabilities would read the wrong way round.
        columns=() if key == "overlap" else PROBABILITY_COLUMNS,
        estimate_name=_UNIT_NAME[table[0].unit],
        rows=tuple(rows),
        low=low,
        high=high,
        ticks=ticks,
        tick_texts=texts,
        favours=None,
        weights=False,
        row_name="",
        interval_name=f"{100 * association.fit.level:g}% CI",
        null=null,
    )


def _row(kind: RowKind, label: str, lane: str, entry: BridgeRow, side: Side, decimals: int) -> Row:
    cells: tuple[str, ...] = ()
    if side == "association" and not entry.contrast.startswith("overlap"):
        cells = _chances(entry)
    reading = entry.reading(side)
    low, high = reading.ci_low, reading.ci_high
    return Row(
        kind,
        label,
        lane,
        cells,
        estimate=reading.estimate,
        ci_low=low,
        ci_high=high,
        pi_low=reading.pi_low,
        pi_high=reading.pi_high,
        estimate_text=_printed(entry.unit, reading.estimate, decimals),
        # In one text: limits of percentages and of standard deviations have no width in common.
        high_text=_printed_interval(entry.unit, low, high, decimals),
        key=entry.contrast if side == "association" else "effect",
        synthesis=entry.synthesis(side),
    )


def _printed_interval(unit: str, low: float | None, high: float | None, decimals: int) -> str:
    if unit != "%" or low is None or high is None:
        return text.interval(low, high, decimals)
    return f"[{_printed(unit, low, decimals)}, {_printed(unit, high, decimals)}]"


def _printed(unit: str, value: float | None, decimals: int) -> str:
    """A value as it is printed; a share that is nearly none or nearly all is not called so."""
    least = 0.5 * 10.0**-decimals
    if unit == "%" and value is not None and 0 < value < least:
        return f"<{text.number(10.0**-decimals, decimals)}"
    if unit == "%" and value is not None and 100 - least <= value < 100:
        return f">{text.number(100 - 10.0**-decimals, decimals)}"
    return text.number(value, decimals)
