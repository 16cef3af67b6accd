"""The layout of a bridge over two multiverses: where the differences of their analyses lie, by pair of curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from synthesis import text
from synthesis.draw.chart import WIDE, Area, Axis, Chart, Key, Line, Panel, RowText, number_axis
from synthesis.draw.multiverse_figure import named_curves
from synthesis.results.curves import MAIN, MAIN_WORDS, MOST_PAIRED, MultiverseSummary, PairRow

# Shares of the pairs, and what stands above them.
_SHARES = {
    "association_larger": "Association\nlarger",
    "association_larger_significant": "Association\nlarger, CI\nexcludes 0",
    "effect_larger_significant": "Effect\nlarger, CI\nexcludes 0",
}
# A box, which is no estimate with its interval.
_KEYS = (
    Key("area", "middle half", "box: the middle half of the pairs, no CI; line across it: their median"),
    Key("line", "prediction", "the middle nine in ten"),
    Key("line", "null", "no difference"),
)
_HALF = 0.045
# The names of curves by multiverse and curve.
Names = Mapping[tuple[str, str], str]


def bridge(name: str, rows: Sequence[PairRow], documents: Sequence[MultiverseSummary] = ()) -> Chart:
    """Analyses of the association minus analyses of the effect: a block per pair of curves.

    A block has letter and options of its curves as the specification curves in `documents` have them.
    """
    kind = "multiverse_bridge"
    rows = [row for row in rows if row.scope == "all"]
    if not rows:
        return Chart(kind, name, name, "B", refused="Not drawn: one side has no analysis that could be fitted.")
    names = {(d.multiverse, curve): words for d in documents for curve, words in named_curves(d).items()}
    lines: list[Line] = []
    boxes: list[Area] = []
    texts: list[RowText] = []
    height = 0.02
    for _, block in groupby(rows, key=lambda row: (row.association, row.effect, *_curves(row))):
        height += 0.25
        block_rows = list(block)
        side, *others = _sides(block_rows[0], names)
        detail = "; ".join([*others, _counts(block_rows[0])])
        texts.append(RowText(height, side, detail, bold=True, key=":".join(_curves(block_rows[0]))))
        height += 0.05
        for row in block_rows:
            height += 0.155
            key = ":".join((*_curves(row), row.contrast))
            boxes.append(_box(row, height))
            lines += _across(row, height, key)
            shares = tuple(f"{100 * getattr(row, f'share_{share}'):.0f}%" for share in _SHARES)
            label = text.capital(row.quantity.removeprefix("difference, "))
            texts.append(RowText(height, label, key=key, cells=shares))
    height += 0.12
    ends = [end for row in rows for end in (row.difference_5, row.difference_95)]
    axis = number_axis("Association minus effect, standard deviations", [0.0, *ends])
    lines.insert(0, Line("null", (0.0, 0.0), (0.0, height)))
    return Chart(
        kind, name, f"{rows[0].title}: pairs of analyses", "A",
        (Panel(axis, Axis("", height, 0.0), tuple(boxes), tuple(lines)),),
        width=WIDE, height=height, left=2.75, right=1.75, rows=tuple(texts), heads=tuple(_SHARES.values()),
        legend=_KEYS,
        notes=(
            *_paired_notes(rows), *_letters_note(names),
            "Percentages: share of the pairs of analyses of which this holds; CI: the 95% interval of their difference "
            "(MOVER).",
            "A row reads the association in one way; these are other questions, never mixed.",
            "A comparison under conversions, not a test of causes: nobody was assigned to what was rated.",
        ),
    )  # fmt: skip


def _box(row: PairRow, y: float) -> Area:
    """The middle half of the pairs."""
    low, high = row.difference_25, row.difference_75
    return Area("middle half", (low, high, high, low), (y - _HALF, y - _HALF, y + _HALF, y + _HALF))


def _across(row: PairRow, y: float, key: str) -> list[Line]:
    """The middle nine in ten outside the box, and the median across it."""
    return [
        Line("prediction", (row.difference_5, row.difference_25), (y, y), key),
        Line("prediction", (row.difference_75, row.difference_95), (y, y), key),
        Line("median", (row.difference_median,) * 2, (y - _HALF, y + _HALF), key),
    ]


def _curves(row: PairRow) -> tuple[str, str]:
    return row.association_curve, row.effect_curve


def _counts(row: PairRow) -> str:
    return f"{text.count(row.associations)} \N{MULTIPLICATION SIGN} {text.count(row.effects)} analyses"


def _sides(row: PairRow, names: Names) -> list[str]:
    """Letter and options of both curves; of one that no specification curve names its non-equivalent options."""
    curves = [(row.association, row.association_curve), (row.effect, row.effect_curve)]
    words = [names.get(curve, text.lettered(curve[1]) if curve[1] != MAIN else "") for curve in curves]
    if words[0] and words[1]:
        words[1] = f"beside {words[1]}"
    return [option for side in words if side for option in side.split("; ")] or [MAIN_WORDS]


def _paired_notes(rows: Sequence[PairRow]) -> tuple[str, ...]:
    """How many of all pairs are taken, where these are not all."""
    thinned = [row for row in rows if row.pairs < row.associations * row.effects]
    if not thinned:
        return ("A block pairs all analyses of one curve with all of another.",)
    taken = _range([row.pairs for row in thinned])
    whole = _range([row.associations * row.effects for row in thinned])
    return (
        f"A block pairs the analyses of two curves; of a curve with more than {text.count(MOST_PAIRED)} these many are "
        f"taken, evenly spaced by rank: {taken} of {whole} pairs.",
    )


def _range(counts: Sequence[int]) -> str:
    low, high = text.count(min(counts)), text.count(max(counts))
    return low if low == high else f"{low} to {high}"


def _letters_note(names: Names) -> tuple[str, ...]:
    return ("Letters are those of the specification curve.",) if any(names.values()) else ()
