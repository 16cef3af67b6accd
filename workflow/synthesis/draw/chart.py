"""The layout of a chart: panels of areas, lines, points and texts with every coordinate, before anything is drawn.

Coordinates are those of the panel's axes; sizes are in inches.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from synthesis import text
from synthesis.data.scales import back_transform, on_scale
from synthesis.data.vocabulary import AXIS_NAME, LOGARITHMS, NO_NULL
from synthesis.draw.axes import linear_ticks, ratio_ticks
from synthesis.draw.forest_notes import is_entered, of_range, zeros_note
from synthesis.draw.layout import decimals_of, estimate_name, estimate_text
from synthesis.draw.rows import INTERVAL_NAME, method_of
from synthesis.results.files import Cell
from synthesis.review.declared import of_mean

if TYPE_CHECKING:
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.fitted import Fitted, Member

PointKind = Literal[
    "sample",
    "estimate",
    "added",
    "range end",
    "marked",
    "marked_small",
    "pooled",
    "without interval",
    # Arrow heads at the end of an axis: an estimate beyond it, a limit beyond it.
    "beyond_left",
    "beyond_right",
    "beyond_up",
    "beyond_down",
    "cut_up",
    "cut_down",
]
LineKind = Literal[
    "null",
    "grid",
    "threshold",
    "effect",
    "pooled",
    "limit",
    "regression",
    "curve",
    "interval",
    "prediction",
    "median",
    "choice",
    "uncertain choice",
]
AreaKind = Literal[
    "background",
    "p 0.01 to 0.05",
    "p 0.05 to 0.1",
    "p above 0.1",
    "row",
    "confidence",
    "prediction",
    "half of all",
    "middle half",
    "most",
    "all",
]

# A single column of a journal, and the whole width of its page.
NARROW, WIDE = 3.5, 7.2


@dataclass(frozen=True, slots=True)
class Axis:
    """Limits, ticks and their texts; `low` is at the left or the bottom, also where it is the larger number.

    `begins`: where the line of an axis of heights begins, if not at `low`.
    """

    name: str
    low: float
    high: float
    ticks: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    begins: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A mark of diameter `size`. A point with `named` is drawn with its label beside it.

    `value`: the number it stands for, where it is placed elsewhere than at that number.
    """

    kind: PointKind
    x: float
    y: float
    size: float
    key: str = ""
    label: str = ""
    named: bool = False
    effects: tuple[str, ...] = ()
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; `key` names what an interval belongs to, `label` stands at its end.

    `values`: the numbers that its points stand for, as `value` of a point.
    """

    kind: LineKind
    x: tuple[float, ...]
    y: tuple[float, ...]
    key: str = ""
    label: str = ""
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """A filled shape."""

    kind: AreaKind
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Shapes that share two axes; `right` is a second axis of heights, with the limits of `y`."""

    x: Axis
    y: Axis
    areas: tuple[Area, ...] = ()
    lines: tuple[Line, ...] = ()
    points: tuple[Point, ...] = ()
    right: Axis | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class RowText:
    """Texts beside the panels at height `y`: a label and a detail to the left, right of them up to two lines of numbers
    or the cells of a table.
    """

    y: float
    label: str
    detail: str = ""
    right: str = ""
    right_detail: str = ""
    bold: bool = False
    key: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend: a kind of mark and what it means; the mark "letter" is drawn as its kind is written."""

    mark: str
    kind: str
    content: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole figure: panels side by side, `left` and `right` of them room for texts, `heads` above the cells of the
    rows. `refused`: why none is drawn.
    """

    kind: str
    name: str
    title: str
    lane: str
    panels: tuple[Panel, ...] = ()
    width: float = NARROW
    height: float = 2.6
    left: float = 0.5
    right: float = 0.14
    gap: float = 0.16
    rows: tuple[RowText, ...] = ()
    heads: tuple[str, ...] = ()
    legend: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def panel_width(self) -> float:
        """Width of each panel in inches."""
        count = max(1, len(self.panels))
        return (self.width - self.left - self.right - self.gap * (count - 1)) / count

    def table(self) -> list[dict[str, Cell]]:
        """One record per mark, text and vertex: what is drawn, in order; written beside the figure.

        Where marks stand elsewhere than at their numbers, these have a column of their own.
        """
        blank: dict[str, Cell] = {**dict.fromkeys(COLUMNS, ""), "x": None, "y": None, "size": None}
        valued = any(p.value is not None for panel in self.panels for p in panel.points)
        blank |= {"value": None} if valued else {}
        records = [blank | {"element": "row", "key": r.key, "y": r.y, "text": _joined(r)} for r in self.rows]
        for panel in self.panels:
            of = blank | {"panel": panel.heading}
            for area in panel.areas:
                base = of | {"element": "area", "kind": area.kind}
                records += [base | {"x": x, "y": y} for x, y in zip(area.x, area.y, strict=True)]
            for line in panel.lines:
                base = of | {"element": "line", "kind": line.kind, "key": line.key, "text": line.label}
                values: list[dict[str, Cell]] = [{"value": value} for value in line.values] or [{} for _ in line.x]
                records += [base | {"x": x, "y": y} | v for x, y, v in zip(line.x, line.y, values, strict=True)]
            for p in panel.points:
                records.append(
                    of | {"element": "point", "kind": p.kind, "key": p.key, "x": p.x, "y": p.y, "size": p.size}
                    | {"text": p.label, "effects": "; ".join(p.effects)} | ({"value": p.value} if valued else {})
                )  # fmt: skip
            for direction, side, axis in (("x", "x", panel.x), ("y", "y", panel.y), ("y", "right", panel.right)):
                if axis is None:
                    continue
                base = of | {"element": f"{side} axis", "kind": "tick", "key": axis.name}
                records += [base | {direction: t, "text": s} for t, s in zip(axis.ticks, axis.texts, strict=True)]
        for letter in (key for key in self.legend if key.mark == "letter"):
            records.append(blank | {"element": "legend", "kind": "letter", "key": letter.kind, "text": letter.content})
        notes = (*self.notes, *([self.refused] if self.refused else []))
        return records + [blank | {"element": "note", "text": note} for note in notes]


COLUMNS = ("panel", "element", "kind", "key", "x", "y", "size", "text", "effects")


def _joined(row: RowText) -> str:
    return " | ".join(part for part in (row.label, row.detail, row.right, row.right_detail, *row.cells) if part)


def refusal(kind: str, name: str, document: Fitted, reason: str, notes: tuple[str, ...] = ()) -> Chart:
    """A chart that says why it is not drawn, so that the file exists whatever the data hold."""
    return Chart(kind, name, title_of(kind, document), document.lane, notes=notes, refused=f"Not drawn: {reason}.")


KIND_NAME = {
    "funnel": "funnel plot",
    "orchard": "orchard plot",
    "caterpillar": "caterpillar plot",
    "cumulative": "cumulative meta-analysis",
    "leave_one_out": "leaving out one sample at a time",
    "baujat": "Baujat plot",
    "radial": "radial plot",
    "influence": "influence of single samples",
    "gosh": "fits of subsets of samples (GOSH)",
    "adjusted": "estimates adjusted for bias",
    "bubble": "regression on",
    "coefficients": "coefficients of the regression",
    "monitoring": "sequential monitoring",
}


def title_of(kind: str, document: Fitted, detail: str = "") -> str:
    """The synthesis, then the kind of figure."""
    return f"{document.title}: {KIND_NAME[kind]} {detail}".rstrip()


def sample_points(document: Fitted, xs: Iterable[float], ys: Iterable[float], size: float) -> list[Point]:
    """A point per sample of a model document."""
    triples = zip(document.studies, xs, ys, strict=True)
    return [Point("sample", x, y, size, s.sample_id, s.label, effects=tuple(s.effects)) for s, x, y in triples]


def few_to_compare(diagnostics: Diagnosed) -> str:
    """Why nothing at all was examined; empty where something was."""
    return diagnostics.skipped.get("all", "")


def room_for(labels: Iterable[str]) -> float:
    """Room left of the panels for labels, about as wide as they are."""
    return min(2.4, max(1.2, 0.22 + 0.051 * max(map(len, labels))))


def narrow_axis(name: str, values: Iterable[float], width: float, pad: float = 0.08) -> Axis:
    """A linear axis with as many ticks as have room for their texts in `width` inches, and not fewer than three: where
    these have no room it is longer than the values need."""
    values = list(values)
    axis = number_axis(name, values, 6, pad)
    for about in (6, 5, 4, 3, 2):
        axis = number_axis(name, values, about, pad)
        if _with_room(axis, width):
            return axis
    longer = [_lengthened(axis, width, step) for step in _steps(axis.high - axis.low)]
    return min((a for a in longer if _with_room(a, width)), key=lambda a: a.high - a.low, default=axis)


# Inches: a digit of a tick's text, what lies between two texts, and how far one may reach beyond its axis.
_DIGIT, _BETWEEN, _BEYOND = 0.0535, 0.04, 0.04


def _text_width(texts: Iterable[str]) -> float:
    """Inches of the longest text; a point is half as wide as a digit."""
    return max(_DIGIT * (len(t) - 0.5 * t.count(".")) for t in texts)


def _with_room(axis: Axis, width: float) -> bool:
    """Whether no text of a tick touches another, and three stay near the axis, which is `width` inches long."""
    unit, text_width = width / (axis.high - axis.low), _text_width(axis.texts)
    ends = (axis.ticks[0] - axis.low, axis.high - axis.ticks[-1])
    cut = sum(end * unit + _BEYOND < text_width / 2 - 0.001 for end in ends)
    return (axis.ticks[1] - axis.ticks[0]) * unit >= text_width + _BETWEEN and len(axis.ticks) - cut >= 3


def _steps(span: float) -> list[float]:
    """Round steps from about a fifth of a span to all of it."""
    power = 10.0 ** math.floor(math.log10(span))
    return [m * power for m in (0.2, 0.5, 1.0, 2.0, 5.0) if 0.15 * span <= m * power <= span]


def _lengthened(axis: Axis, width: float, step: float) -> Axis:
    """The axis with multiples of `step`, at least three, and room for the texts of the first and last one."""
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    while last - first < 2:
        below, above = axis.low - (first - 1) * step, (last + 1) * step - axis.high
        first, last = (first - 1, last) if below <= above else (first, last + 1)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = tuple(i * step for i in range(first, last + 1))
    texts = tuple(text.number(t, decimals) for t in ticks)
    room = max(0.0, _text_width(texts) / 2 - _BEYOND) / width
    low, high = axis.low, axis.high
    # Each end moves what an inch holds, and so the other one.
    for _ in range(8):
        low, high = min(low, ticks[0] - room * (high - low)), max(high, ticks[-1] + room * (high - low))
    return Axis(axis.name, low, high, ticks, texts)


def number_axis(name: str, values: Iterable[float], about: int = 6, pad: float = 0.04, whole: bool = False) -> Axis:
    """A linear axis that holds the values."""
    values = list(values)
    low, high = min(values), max(values)
    space = pad * ((high - low) or abs(high) or 1.0)
    low, high = low - space, high + space
    ticks, decimals = linear_ticks(low, high, about)
    if whole and decimals:
        ticks, decimals = [float(t) for t in range(math.ceil(low), math.floor(high) + 1)], 0
    if whole and len(ticks) > 1:
        # What lies before the first tick, or beyond the last one, is read off best between two.
        step, room = ticks[1] - ticks[0], _NEARLY * (high - low)
        ticks = (
            [ticks[0] - step] * (low - room <= ticks[0] - step)
            + ticks
            + [ticks[-1] + step] * (ticks[-1] + step <= high + room)
        )
        low, high = min(low, ticks[0]), max(high, ticks[-1])
    return Axis(name, low, high, tuple(ticks), tuple(text.number(t, decimals) for t in ticks))


# An axis of whole numbers goes on to its next tick where it is longer by no more than this share.
_NEARLY = 0.05
# Metrics with a spacing of their own below ticks of what is read, and what that is above.
_SPACED = {"z": -1.0, "logit": 0.0, "arcsine": 0.0}


# What an axis says whose ticks are not even in what they show.
_SPACING = {
    "z": ", spaced as Fisher z",
    "logit": ", spaced as logits",
    "arcsine": ", spaced as arcsines",
} | dict.fromkeys(LOGARITHMS, ", logarithmic")


def spaced_name(metric: str, name: str = "") -> str:
    """The name of an axis that keeps the metric's own spacing below ticks of what is read, with that spacing."""
    return (name or AXIS_NAME[metric]) + _SPACING.get(metric, "")


def estimate_ticks(metric: str, low: float, high: float, about: int = 6, spaced: bool = False) -> tuple[
    tuple[float, ...], tuple[str, ...]
]:  # fmt: skip
    """Positions and texts of round estimates as they are read.

    `low` and `high` are coordinates of a forest plot (r, g, logarithms); with `spaced` those of the metric itself, so
    that z keeps its own spacing below ticks in r.
    """
    if metric in LOGARITHMS:
        return ratio_ticks(low, high, about)
    if metric in _SPACED and spaced:
        first, last = (back_transform(metric, end) or 0.0 for end in (low, high))
        ticks, decimals = linear_ticks(first, last, about)
        least, scale = _SPACED[metric], on_scale(metric)
        ticks = [t for t in ticks if least < t < 1 and low <= scale(t) <= high]
        return tuple(scale(t) for t in ticks), tuple(text.number(t, decimals) for t in ticks)
    ticks, decimals = linear_ticks(low, high, about)
    return tuple(ticks), tuple(text.number(t, decimals) for t in ticks)


def no_effect(document: Fitted, x: tuple[float, float], y: tuple[float, float]) -> tuple[list[Line], list[Key]]:
    """The line of no effect with its entry of the legend; a metric without one has neither."""
    if document.metric in NO_NULL:
        return [], []
    return [Line("null", x, y)], [Key("line", "null", f"no {document.word}")]


def estimate_axis(metric: str, name: str, values: Iterable[float], spaced: bool = False) -> Axis:
    """An axis of estimates that holds the values and no effect, if any; `spaced` as in `estimate_ticks`."""
    values = [*([] if metric in NO_NULL else [0.0]), *values]
    space = 0.03 * ((max(values) - min(values)) or 1.0)
    low, high = min(values) - space, max(values) + space
    return Axis(name, low, high, *estimate_ticks(metric, low, high, spaced=spaced))


def interval_text(
    metric: str, estimate: float | None, low: float | None = None, high: float | None = None, decimals: int = 2
) -> str:
    """An estimate on the metric's scale as it is read, with its interval where there is one."""
    value, left, right = (estimate_text(metric, v, decimals) for v in (estimate, low, high))
    return f"{value} [{left}, {right}]" if left and right else value


def pooled_sentence(document: Fitted) -> str:
    """The pooled estimate in words, with how it was fitted."""
    metric = document.metric
    value = interval_text(
        metric, document.fit.estimate, document.fit.ci_low, document.fit.ci_high, decimals_of(document)
    )
    return f"Pooled {document.word} {estimate_name(document)} = {value} ({method_of(document)})."


def sample_note(document: Fitted) -> str:
    """How samples with several estimates count where each sample is one point."""
    counted = text.plural(document.fit.samples, "sample")
    if document.fit.k == document.fit.samples:
        return f"{counted}."
    assumed = "" if document.fit.composite_rho is None else f" ({of_mean(document)})"
    return f"{counted}; one with several estimates counts as their mean{assumed}."


def sample_method(document: Fitted) -> str:
    """Estimator and interval of the fits that take one value of each sample."""
    interval = document.fit.ci_method if document.fit.ci_method != "cr2" else "hksj"
    return f"{document.fit.method}, {INTERVAL_NAME[interval]}"


def estimate_kind(member: Member, usual: PointKind) -> PointKind:
    """How an estimate is drawn: what the plan entered hollow, the ends of printed ranges as triangles."""
    return "added" if is_entered(member) else "range end" if of_range(member) else usual


def estimate_keys(points: Iterable[Point]) -> list[Key]:
    """What estimates with a mark of their own are, of those that are drawn."""
    words: dict[PointKind, str] = {"range end": "end of a printed range", "added": "entered as 0 by rule"}
    kinds = {point.kind for point in points}
    return [Key("point", kind, content) for kind, content in words.items() if kind in kinds]


def range_note(document: Fitted, drawn: Container[str] | None = None) -> list[str]:
    """Which samples are the two ends of a printed range, of those with effects that are `drawn`, if not all are."""
    ends = [
        study.label
        for study in document.studies
        if of_range(study) and (drawn is None or any(effect in drawn for effect in study.effects))
    ]
    return [f"Lower and upper end of a printed range, no single value: {text.named(ends)}."] if ends else []


def plan_notes(document: Fitted) -> tuple[str, ...]:
    """What the plan says a reader of this synthesis must know."""
    note = document.figure.note
    return (*([zeros_note(document)] if document.set_to_zero else []), *([note] if note else []))
