"""Layouts of a multiverse: the specification curve with its decisions, and the vibration of estimates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal

import numpy as np

from synthesis import text
from synthesis.data.vocabulary import ESTIMATE_NAME
from synthesis.draw.chart import (
    WIDE,
    Area,
    Axis,
    Chart,
    Key,
    Line,
    LineKind,
    Panel,
    Point,
    PointKind,
    RowText,
    estimate_ticks,
    interval_text,
    number_axis,
    room_for,
    spaced_name,
)
from synthesis.results.curves import (
    Choice,
    Curve,
    CurveTest,
    DrawnSpecification,
    MultiverseSummary,
    NamedThreshold,
)

# Inches: the curves, a row of options, the space between.
_CURVE, _ROW, _SPACE = 1.7, 0.125, 0.1
# Intervals of few samples can be a hundred times as long as the others: this share of their ends may be cut.
_CUT = 5
# An adjustment of few samples can give an estimate far from all others: this share of each end too.
_EXTREME = 0.5
# Inches from an axis, of whose line it would read as the end, or another one to the middle of an arrow head.
_INSET = 0.06
# Inches of an arrow head beyond the axis of vibration, and how many stand beside each other at most.
_HEAD, _COLUMNS = 0.085, 4
# Of the height of an arrow head, what lies beyond its middle.
_TIP = 0.4
_SIGNIFICANT = 0.05
_SMALLEST_P = 1e-300
_NOT_EQUIVALENT = "non_equivalent"
# Positions and texts.
Ticks = tuple[tuple[float, ...], tuple[str, ...]]


def specification(document: MultiverseSummary) -> Chart:
    """Sorted estimates with their intervals, and below them a row per option; a panel per curve."""
    curves = _curves(document)
    factors = [(i, f) for i, f in enumerate(document.factors) if len(f.options) > 1]
    rows = [(i, j, f.title, option) for i, f in factors for j, option in enumerate(f.options)]
    if not curves:
        return _none("specification", document)
    height = _CURVE + _SPACE + _ROW * len(rows)
    points = [point for curve in curves for point in curve.drawn]
    low, high = _limits(points, document)

    def y(value: float) -> float:
        return height - _CURVE + (min(max(value, low), high) - low) / (high - low) * _CURVE

    ticks, texts = _ticks(document.metric, low, high, 5)
    axis = Axis(spaced_name(document.metric), 0.0, height, tuple(map(y, ticks)), texts, begins=height - _CURVE)
    names = {(i, j): text.lettered(f"{title}: {option.title}") for i, j, title, option in rows}
    left, gap = room_for(names.values()), 0.1
    inches = (WIDE - left - 0.2 - gap * (len(curves) - 1)) / len(curves) - 2 * _INSET
    at = {(i, j): height - _CURVE - _SPACE - (n + 0.5) * _ROW for n, (i, j, _, _) in enumerate(rows)}
    panels = []
    for number, curve in enumerate(curves):
        drawn = curve.drawn
        width = float(len(drawn))
        bands = [
            Area("background", (0.0, width, width, 0.0), _band([at[(i, j)] for j in range(len(f.options))]))
            for n, (i, f) in enumerate(factors)
            if n % 2 == 0
        ]
        lines = [*_curve_lines(drawn, document, y, number == len(curves) - 1), *_choice_lines(drawn, rows, at)]
        marks = (*_cut_marks(drawn, low, high, y, _INSET / inches * width), *_estimate_marks(drawn, low, high, y))
        y_axis = axis if number == 0 else Axis("", 0.0, height)
        strip = _INSET / inches * width
        x_axis = Axis("", -strip, width + strip)
        panels.append(Panel(x_axis, y_axis, tuple(bands), tuple(lines), marks, heading=_heading(curves, number)))
    return Chart(
        "specification", document.multiverse, f"{document.title}: specification curve", document.lane,
        tuple(panels), width=WIDE, height=height, left=left, right=0.2, gap=gap,
        rows=tuple(RowText(at[(i, j)], name, key=f"{i}:{j}") for (i, j), name in names.items()),
        legend=(
            *_curve_keys(document), *_beyond_keys(points, low, high, ("beyond_up", "beyond_down")),
            *_cut_keys(points, low, high),
            *_option_keys(document), *_threshold_keys(document), *_letter_keys(document, curves),
        ),
        notes=(
            _counts(document, curves), *_apart(curves), _tests(document, curves), *_beyond(points, low, high),
            *_cut(points, low, high),
        ),
    )  # fmt: skip


def _estimate_marks(
    drawn: Sequence[DrawnSpecification], low: float, high: float, y: Callable[[float], float]
) -> Iterator[Point]:
    """A point per estimate, an arrow head at the frame for one beyond it."""
    for x, p in enumerate(drawn):
        if low <= p.estimate <= high:
            yield Point("marked_small", x + 0.5, y(p.estimate), 0.022, str(p.spec), value=p.estimate)
        else:
            yield _head("beyond", p.estimate < low, x, y(p.estimate), 0.07, p.spec, p.estimate)


def _cut_marks(
    drawn: Sequence[DrawnSpecification], low: float, high: float, y: Callable[[float], float], apart: float
) -> Iterator[Point]:
    """Arrow heads at the frame for limits beyond it that have none of their estimate there, `apart` from each other."""
    last = {True: -math.inf, False: -math.inf}
    for x, p in enumerate(drawn):
        for down, end in ((True, p.ci_low), (False, p.ci_high)):
            if end is None or x - last[down] < apart:
                continue
            if end < low <= p.estimate if down else end > high >= p.estimate:
                last[down] = x
                yield _head("cut", down, x, y(end), 0.05, p.spec, end)


def _head(of: Literal["beyond", "cut"], down: bool, x: int, end: float, size: float, spec: int, value: float) -> Point:
    """An arrow head whose tip is at the end of the frame."""
    kinds: tuple[PointKind, PointKind] = ("cut_up", "cut_down") if of == "cut" else ("beyond_up", "beyond_down")
    middle = end + (_TIP if down else -_TIP) * size
    return Point(kinds[down], x + 0.5, middle, size, str(spec), value=value)


def _curve_lines(
    drawn: Sequence[DrawnSpecification], document: MultiverseSummary, y: Callable[[float], float], named: bool
) -> list[Line]:
    """The line of no effect, the thresholds (`named`: with their letters), and the interval of each specification."""
    across = (0.0, float(len(drawn)))
    lines = [Line("null", across, (y(0.0),) * 2, values=(0.0, 0.0))]
    lines += [
        Line("threshold", across, (y(t.value),) * 2, t.key, letter if named else "", (t.value,) * 2)
        for letter, t in _lettered_thresholds(document)
    ]
    lines += [
        Line("effect", (x + 0.5,) * 2, (y(p.ci_low), y(p.ci_high)), str(p.spec), values=(p.ci_low, p.ci_high))
        for x, p in enumerate(drawn)
        if p.ci_low is not None and p.ci_high is not None
    ]
    return lines


def _choice_lines(
    drawn: Sequence[DrawnSpecification],
    rows: Sequence[tuple[int, int, str, Choice]],
    at: Mapping[tuple[int, int], float],
) -> list[Line]:
    """In the row of each option the specifications that take it."""
    lines: list[Line] = []
    for i, j, _, option in rows:
        kind: LineKind = "uncertain choice" if option.kind == "uncertain" else "choice"
        lines += [Line(kind, run, (at[(i, j)],) * 2) for run in _runs([p.choice[i] == j for p in drawn])]
    return lines


def vibration(document: MultiverseSummary) -> Chart:
    """Each estimate against its p value; a panel per curve."""
    curves = _curves(document)
    if not curves:
        return _none("vibration", document)
    points = [point for curve in curves for point in curve.drawn]
    least, most = _range(points, document)
    low, high = least - 0.08 * (most - least), most + 0.08 * (most - least)
    chart = Chart(
        "vibration", document.multiverse, f"{document.title}: vibration of estimates", document.lane,
        (Panel(Axis("", 0, 1), Axis("", 0, 1)),) * len(curves), width=WIDE, height=2.2, left=0.5, gap=0.14,
    )  # fmt: skip
    scale = number_axis("\N{MINUS SIGN}log10 p", [0.0, *_heights(points), -math.log10(_SIGNIFICANT)], about=5)
    inch = (scale.high - scale.low) / chart.height
    first, last = _with_strips(curves, low, high, inch, chart.panel_width)
    ticks, texts = _ticks(document.metric, low, high, max(2, min(6, int(chart.panel_width / 0.35))), least=3)
    x = Axis(spaced_name(document.metric), first, last, ticks, texts)
    panels = []
    for number, curve in enumerate(curves):
        border = -math.log10(_SIGNIFICANT)
        lines = [
            Line("null", (0.0, 0.0), (scale.low, scale.high)),
            Line("limit", (first, last), (border, border), "p = 0.05"),
            *(
                Line("threshold", (t.value,) * 2, (scale.low, scale.high), t.key, letter)
                for letter, t in _lettered_thresholds(document)
            ),
        ]
        tested = [p for p in curve.drawn if p.p is not None]
        marks = tuple(_beside_p(tested, low, high, (last - first) / chart.panel_width, inch))
        y_axis = scale if number == 0 else Axis("", scale.low, scale.high)
        shades = tuple(
            Area("background", (start, end, end, start), (scale.low, scale.low, scale.high, scale.high))
            for start, end in ((first, low), (high, last))
            if start < end
        )
        panels.append(Panel(x, y_axis, shades, tuple(lines), marks, heading=_heading(curves, number)))
    return Chart(
        chart.kind, chart.name, chart.title, chart.lane, tuple(panels), width=WIDE, height=chart.height,
        left=chart.left, gap=chart.gap,
        legend=(
            Key("point", "estimate", "estimate of one analysis"),
            *_beyond_keys(points, low, high, ("beyond_right", "beyond_left")), _null_key(document),
            Key("line", "limit", f"p = {_SIGNIFICANT:g}"), *_threshold_keys(document),
            *_letter_keys(document, curves),
        ),
        notes=(_counts(document, curves), *_apart(curves), *_beyond(points, low, high)),
    )  # fmt: skip


def _with_strips(curves: Sequence[Curve], low: float, high: float, inch: float, width: float) -> tuple[float, float]:
    """The ends of the axis with a strip for what lies beyond it, where no estimate stands: as wide as its arrow heads
    beside each other. `inch`: of the heights."""
    columns = {"beyond_left": 0, "beyond_right": 0}
    for curve in curves:
        for kind, column in _columns([p for p in curve.drawn if p.p is not None], low, high, inch).values():
            columns[kind] = max(columns[kind], column + 1)
    left, right = (_HEAD * count + _INSET * (count > 0) for count in columns.values())
    unit = (high - low) / (width - left - right)
    return low - left * unit, high + right * unit


def _columns(
    tested: Sequence[DrawnSpecification], low: float, high: float, inch: float
) -> dict[int, tuple[PointKind, int]]:
    """The arrow heads of estimates beyond the axis by place in `tested`: kind, and column outside it.

    They stand beside each other where one would hide another; where all columns are taken, they do hide each other.
    """
    taken: dict[PointKind, list[float]] = {side: [-math.inf] * _COLUMNS for side in ("beyond_left", "beyond_right")}
    heads: dict[int, tuple[PointKind, int]] = {}
    for height, i in sorted((height, i) for i, height in enumerate(_heights(tested))):
        p = tested[i]
        if low <= p.estimate <= high:
            continue
        kind: PointKind = "beyond_left" if p.estimate < low else "beyond_right"
        last_heights = taken[kind]
        free = [n for n, last in enumerate(last_heights) if height - last >= _HEAD * inch]
        column = free[0] if free else last_heights.index(min(last_heights))
        last_heights[column] = height
        heads[i] = (kind, column)
    return heads


def _beside_p(
    tested: Sequence[DrawnSpecification], low: float, high: float, unit: float, inch: float
) -> Iterator[Point]:
    """Estimates at the heights of their p; those beyond the axis are arrow heads in the strip outside it. `unit` and
    `inch`: what an inch is on either axis."""
    beyond = _columns(tested, low, high, inch)
    for i, (height, p) in enumerate(zip(_heights(tested), tested, strict=True)):
        if i not in beyond:
            yield Point("estimate", p.estimate, height, 0.04, str(p.spec), value=p.estimate)
            continue
        kind, column = beyond[i]
        away = (_HEAD * (column + 0.5) + _INSET / 2) * unit
        at = low - away if kind == "beyond_left" else high + away
        yield Point(kind, at, height, _HEAD, str(p.spec), value=p.estimate)


def _ticks(metric: str, low: float, high: float, about: int, least: int = 4) -> Ticks:
    """`about` as many ticks as asked for, and more where these are fewer than `least`."""
    tried = [estimate_ticks(metric, low, high, about=n, spaced=True) for n in range(about, 9)]
    return next((ticks for ticks in tried if len(ticks[0]) >= least), tried[-1])


LAYOUTS: dict[str, Callable[[MultiverseSummary], Chart]] = {"specification": specification, "vibration": vibration}


def _curves(document: MultiverseSummary) -> list[Curve]:
    return [curve for curve in document.curves if curve.drawn]


def _none(kind: str, document: MultiverseSummary) -> Chart:
    reason = "Not drawn: no specification could be fitted."
    return Chart(kind, document.multiverse, document.title, document.lane, refused=reason)


def _limits(points: Sequence[DrawnSpecification], document: MultiverseSummary) -> tuple[float, float]:
    """Limits that hold nearly every estimate, no effect and most intervals."""
    low, high = _range(points, document)
    lower, upper = ([x for p in points if (x := getattr(p, end)) is not None] for end in ("ci_low", "ci_high"))
    if lower and upper:
        low = min(low, float(np.percentile(lower, _CUT)))
        high = max(high, float(np.percentile(upper, 100 - _CUT)))
    pad = 0.03 * (high - low)
    return low - pad, high + pad


def _range(points: Sequence[DrawnSpecification], document: MultiverseSummary) -> tuple[float, float]:
    """From the smallest to the largest estimate, but for the most extreme, with no effect and the thresholds."""
    ends = np.percentile([p.estimate for p in points], [_EXTREME, 100 - _EXTREME]).tolist()
    values = [0.0, *ends, *(t.value for t in document.thresholds)]
    return min(values), max(values)


def _heights(points: Sequence[DrawnSpecification]) -> list[float]:
    return [-math.log10(max(p.p, _SMALLEST_P)) for p in points if p.p is not None]


def _beyond(points: Sequence[DrawnSpecification], low: float, high: float) -> tuple[str, ...]:
    """Says how many estimates are drawn at the end of the axis."""
    count = sum(not low <= p.estimate <= high for p in points)
    if not count:
        return ()
    verb = "lies" if count == 1 else "lie"
    return (f"Of those drawn, {text.plural(count, 'estimate')} {verb} beyond the axis, at its end.",)


def _cut(points: Sequence[DrawnSpecification], low: float, high: float) -> tuple[str, ...]:
    """Says how many of the drawn intervals go on beyond the axis."""
    count = sum(_reaches_beyond(p, low, high) for p in points)
    verb = "goes" if count == 1 else "go"
    return (f"Of those drawn, {text.plural(count, 'interval')} {verb} on beyond the axis.",) if count else ()


def _reaches_beyond(p: DrawnSpecification, low: float, high: float) -> bool:
    return (p.ci_low is not None and p.ci_low < low) or (p.ci_high is not None and p.ci_high > high)


def _beyond_keys(
    points: Sequence[DrawnSpecification], low: float, high: float, kinds: tuple[PointKind, PointKind]
) -> tuple[Key, ...]:
    """The arrow heads of estimates beyond either end, `kinds` above and below, as far as there are any."""
    return _directed(kinds, (any(p.estimate > high for p in points), any(p.estimate < low for p in points)))


def _cut_keys(points: Sequence[DrawnSpecification], low: float, high: float) -> tuple[Key, ...]:
    """The arrow heads of limits beyond either end, where their estimate is within."""
    above = any(p.ci_high is not None and p.ci_high > high >= p.estimate for p in points)
    below = any(p.ci_low is not None and p.ci_low < low <= p.estimate for p in points)
    return _directed(("cut_up", "cut_down"), (above, below))


_TOWARDS: dict[PointKind, str] = {
    "beyond_up": "one beyond the axis, above",
    "beyond_down": "one beyond the axis, below",
    "beyond_right": "one beyond the axis, in the grey strip at the right",
    "beyond_left": "one beyond the axis, in the grey strip at the left",
    "cut_up": "CI goes on above (neighbours share a head)",
    "cut_down": "CI goes on below (neighbours share a head)",
}


def _directed(kinds: tuple[PointKind, PointKind], present: tuple[bool, bool]) -> tuple[Key, ...]:
    return tuple(Key("point", kind, _TOWARDS[kind]) for kind, there in zip(kinds, present, strict=True) if there)


def _runs(chosen: list[bool]) -> list[tuple[float, float]]:
    """From where to where an option holds without a break."""
    runs, start = [], 0
    for has_option, group in groupby(chosen):
        end = start + len(list(group))
        if has_option:
            runs.append((float(start), float(end)))
        start = end
    return runs


def _band(heights: list[float]) -> tuple[float, float, float, float]:
    low, high = min(heights) - _ROW / 2, max(heights) + _ROW / 2
    return low, low, high, high


def _heading(curves: list[Curve], number: int) -> str:
    count = text.count(curves[number].scopes["all"].fitted)
    return f"{_letter(number)}: {count} analyses" if len(curves) > 1 else f"{count} analyses"


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def _null_key(document: MultiverseSummary) -> Key:
    return Key("line", "null", f"no {document.word}")


def _curve_keys(document: MultiverseSummary) -> tuple[Key, ...]:
    """What stands in the upper part of a specification curve."""
    return (
        Key("point", "marked_small", "estimate of one analysis"),
        Key("line", "effect", f"its {100 * document.level:g}% CI"),
        _null_key(document),
    )


def _option_keys(document: MultiverseSummary) -> tuple[Key, ...]:
    """What stands in the rows of options."""
    kinds = {option.kind for factor in document.factors if len(factor.options) > 1 for option in factor.options}
    keys = [Key("line", "choice", "analyses with the option")]
    if "uncertain" in kinds:
        content = "the same, of an option that is uncertain: perhaps as good as the others"
        keys.append(Key("line", "uncertain choice", content))
    return tuple(keys)


def named_curves(document: MultiverseSummary) -> dict[str, str]:
    """The curves by their names, as the legend has them: letter and options; no words where there is one alone."""
    curves = _curves(document)
    return {
        c.curve: f"{_letter(i)}: {curve_words(document, c)}" if len(curves) > 1 else "" for i, c in enumerate(curves)
    }


def _letter_keys(document: MultiverseSummary, curves: list[Curve]) -> tuple[Key, ...]:
    """What the letter of each curve stands for."""
    if len(curves) == 1:
        return ()
    return tuple(Key("letter", _letter(i), curve_words(document, curve)) for i, curve in enumerate(curves))


def curve_words(document: MultiverseSummary, curve: Curve) -> str:
    """The options of a curve in every decision that has non-equivalent ones: these, or the others that it takes."""
    options = []
    for i, factor in enumerate(document.factors):
        if not any(option.kind == _NOT_EQUIVALENT for option in factor.options):
            continue
        taken = sorted({point.choice[i] for point in curve.drawn})
        options.append(f"{factor.title}: {' or '.join(factor.options[j].title for j in taken)}")
    return text.lettered("; ".join(options))


def _threshold_keys(document: MultiverseSummary) -> tuple[Key, ...]:
    if not document.thresholds:
        return ()
    metric = document.metric
    named = "; ".join(
        f"{letter}: {t.label} ({interval_text(metric, t.value)})".removeprefix(": ")
        for letter, t in _lettered_thresholds(document)
    )
    return (Key("line", "threshold", f"thresholds: {named}"),)


def _lettered_thresholds(document: MultiverseSummary) -> list[tuple[str, NamedThreshold]]:
    """The thresholds in order of value with the letter that stands at their lines; one alone has none."""
    ordered = sorted(document.thresholds, key=lambda threshold: threshold.value)
    return [(chr(ord("a") + i) if len(ordered) > 1 else "", t) for i, t in enumerate(ordered)]


def _counts(document: MultiverseSummary, curves: list[Curve]) -> str:
    fitted = sum(c.scopes["all"].fitted for c in curves)
    lead = (
        f"{text.count(document.crossing)} combinations of options come to "
        f"{text.count(document.specifications)} distinct specifications"
    )
    if document.drawn:
        lead = (
            f"{text.count(document.drawn)} of {text.count(document.crossing)} combinations of options, drawn "
            f"with seed {document.seed}, come to {text.count(document.specifications)} distinct specifications"
        )
    drawn = max(len(c.drawn) for c in curves)
    return f"{lead}; {text.count(fitted)} could be fitted. Drawn: up to {drawn} of each curve, evenly spaced by rank."


def _apart(curves: list[Curve]) -> tuple[str, ...]:
    if len(curves) == 1:
        return ()
    return ("Options that answer another question (non-equivalent) have curves of their own, which are never mixed.",)


def _signs(test: CurveTest) -> str:
    return text.p_of_signs(test.median_p, test.permutations)


def _tests(document: MultiverseSummary, curves: list[Curve]) -> str:
    parts = []
    for i, curve in enumerate(curves):
        scope = curve.scopes["all"]
        label = f"{_letter(i)}: " if len(curves) > 1 else ""
        middle = interval_text(document.metric, scope.estimate_median)
        tested = f" ({_signs(curve.test)})" if curve.test else ""
        parts.append(f"{label}{middle}{tested}")
    return f"Median {document.word} {ESTIMATE_NAME[document.metric]}: {'; '.join(parts)}.{_permuted(curves)}"


def _permuted(curves: list[Curve]) -> str:
    """Of how many analyses the tests are, which take some of those that are quick to repeat."""
    of: dict[int, list[str]] = {}
    for i, curve in enumerate(curves):
        if curve.test:
            of.setdefault(curve.test.specifications, []).append(_letter(i))
    if not of:
        return ""
    counts = [f"{text.count(number)} analyses of {', '.join(letters)}" for number, letters in of.items()]
    if len(of) == 1:
        counts = [f"{text.count(*of)} analyses" + " of each curve" * (len(curves) > 1)]
    return f" Tested: {'; '.join(counts)}, with one value per sample and no adjustment for bias."
