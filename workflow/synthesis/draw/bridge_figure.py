"""The figure of one bridge: association and effect in every common unit, for the mean and for a new setting."""

from __future__ import annotations

from synthesis import text
from synthesis.data.vocabulary import CONTRAST_NAME
from synthesis.draw.layout import NOT_A_TEST, PROBABILITY_COLUMNS, Layout, Row, RowKind, Section, axis_of
from synthesis.results.comparisons import BridgeRow, Side
from synthesis.results.fitted import Fitted

_CONVERTED = tuple(CONTRAST_NAME)
# Sections: key, heading, axis, contrasts, decimals, value of no difference.
SECTIONS: tuple[tuple[str, str, str, tuple[str, ...], int, float], ...] = (
    ("d", "Standard deviations", "Difference in standard deviations (d, Hedges g)", _CONVERTED, 2, 0.0),
    ("probability", "Probability of the better outcome", "Percent of pairs (concordance)", ("probability",), 0, 50.0),
    ("r", "Correlation", "Correlation r", ("concordance_r",), 2, 0.0),
    ("variance", "Shared variance", "Percent of variance, without its sign", ("variance",), 0, 0.0),
    ("u3", "U3: share of the better group above the mean of the other", "Percent of people",
     tuple(f"u3_{key}" for key in _CONVERTED), 0, 50.0),
    ("overlap", "Overlap of the two distributions", "Percent of people",
     tuple(f"overlap_{key}" for key in _CONVERTED), 0, 100.0),
)  # fmt: skip
_UNIT_NAME = {"d": "d or g", "r": "r", "%": "%"}


def bridge_layout(name: str, table: list[BridgeRow], association: Fitted, effect: Fitted) -> Layout:
    """The layout of one bridge from its rows of the bridge table and the two model documents."""
    by_contrast = {row.contrast: row for row in table}
    sections = [
        _section(key, heading, axis, [by_contrast[c] for c in contrasts], decimals, null, association, effect)
        for key, heading, axis, contrasts, decimals, null in SECTIONS
    ]
    first = table[0]
    notes = (
        "Hollow diamonds: the association, read in several ways; filled: the effect, with their intervals; thin lines: "
        "a new setting.",
        "P mean, P new: probability that the association is the larger of both, for the means and in a new setting.",
        *_needed(table),
        NOT_A_TEST,
    )
    return Layout(name, first.title, tuple(sections), notes=notes)


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
    rows = []
    for entry in table:
        reading = next((words for c, words in CONTRAST_NAME.items() if entry.contrast.endswith(c)), "")
        label = f"Association: {reading}" if reading and len(table) > 1 else association.title
        rows.append(_row("converted", label, "A", entry, "association", decimals))
    rows.append(_row("pooled", effect.title, "B", table[0], "effect", decimals))
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
        chances = (entry.p_association_larger, entry.p_association_larger_new)
        cells = tuple("" if p is None else text.probability(p) for p in chances)
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
        estimate_text=text.number(reading.estimate, decimals),
        low_text="" if low is None else f"[{text.number(low, decimals)},",
        high_text="" if high is None else f"{text.number(high, decimals)}]",
        key=entry.contrast if side == "association" else "effect",
        synthesis=entry.synthesis(side),
    )
