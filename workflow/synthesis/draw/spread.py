"""Layouts that show every single estimate: orchard and caterpillar plots, regressions on a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from synthesis import text
from synthesis.data.columns import BY_NAME
from synthesis.data.vocabulary import ESTIMATE_NAME, LOGARITHMS, Descriptor
from synthesis.draw.chart import (
    WIDE,
    Area,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    PointKind,
    RowText,
    estimate_axis,
    estimate_keys,
    estimate_kind,
    few_to_compare,
    interval_text,
    no_effect,
    number_axis,
    plan_notes,
    pooled_sentence,
    range_note,
    refusal,
    room_for,
    sample_method,
    title_of,
)
from synthesis.draw.layout import GROUP_NAME, axis_name, column_name, coordinates
from synthesis.draw.rows import method_of
from synthesis.meta.options import terms
from synthesis.results.diagnosed import Coefficients, Diagnosed, ModeratorFit
from synthesis.results.fitted import Fitted, Member, Study

# Diameters: of the most precise estimate, and the least that is still seen.
_LARGEST, _SMALLEST = 0.13, 0.035
# Estimates lie above their pooled value, clear of its intervals, and no higher than this.
_CLEAR, _HIGHEST = 0.045, 0.75
_LEAST_ABOVE, _BELOW = 0.15, 0.16
_HEIGHTS = "Heights mean nothing; they spread the estimates."
# The corners of a triangle lie outside the circle of its size.
_REACH: dict[PointKind, float] = {"range end": 1.3}
MODERATOR_NAME = {
    "year": "Year of publication",
    "weeks": "Weeks",
    "n_total": "People in the sample",
    "severity": "Severity at baseline, SD of its instrument",
}
_SHORT_NAME = {"year": "year", "weeks": "weeks", "n_total": "sample size", "severity": "severity at baseline"}
# What a slope is per; a single person is too little to see.
UNIT_NAME = {"year": "year", "weeks": "week", "n_total": "100 people", "severity": "SD of severity"}
PER = {"year": 1.0, "weeks": 1.0, "n_total": 100.0, "severity": 1.0}


def _own_name(document: Fitted, moderator: str) -> str:
    """A column that the project has no words for, inside a sentence: its title, or its name in words."""
    return document.figure.titles.get(moderator) or column_name(moderator).lower()


@dataclass(frozen=True, slots=True)
class _Estimate:
    """An estimate with the sample that it is of."""

    study: Study
    member: Member


@dataclass(frozen=True, slots=True)
class _Pool:
    """The whole or a level of a factor: its name, counts, pooled value and limits, and the estimates drawn above it."""

    label: str
    k: int
    samples: int
    estimate: float
    ci_low: float
    ci_high: float
    pi_low: float | None
    pi_high: float | None
    estimates: list[_Estimate]

    @property
    def counts(self) -> str:
        return f"{text.plural(self.k, 'estimate')}, {text.plural(self.samples, 'sample')}"

    @property
    def values(self) -> list[float]:
        """All that the axis must hold."""
        predicted = [limit for limit in (self.pi_low, self.pi_high) if limit is not None]
        return [self.estimate, self.ci_low, self.ci_high, *predicted]


def _estimates(document: Fitted) -> list[_Estimate]:
    return [_Estimate(study, member) for study in document.studies for member in study.members]


def _diameters(variances: Sequence[float]) -> list[float]:
    """Areas in proportion to precision, 1 / SE."""
    precision = [v**-0.5 for v in variances]
    best = max(precision)
    return [max(_SMALLEST, _LARGEST * math.sqrt(p / best)) for p in precision]


def _place(metric: str, value: float) -> float:
    """On the axis of a forest plot: r for z."""
    placed = coordinates(metric, value)[0]
    return value if placed is None else placed


def orchard(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Every estimate, in a block per level of a factor where one was examined, over pooled value and intervals."""
    name, metric = document.synthesis, document.metric
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("orchard", name, document, reason)
    factor = _factor(document, diagnostics)
    estimates = _estimates(document)
    sizes = dict(
        zip((e.member.effect_id for e in estimates), _diameters([e.member.vi for e in estimates]), strict=True)
    )
    pools = _pools(document, factor, estimates)
    values = [_place(metric, e.member.yi) for e in estimates]
    values += [_place(metric, value) for pool in pools for value in pool.values]
    x = estimate_axis(metric, axis_name(document), values)
    chart = Chart(
        "orchard", name, title_of("orchard", document), document.lane,
        width=WIDE, left=room_for([pools[-1].counts, *(pool.label for pool in pools)]), right=1.05,
    )  # fmt: skip
    unit = chart.panel_width / (x.high - x.low)
    top = 0.04
    points: list[Point] = []
    lines: list[Line] = []
    rows: list[RowText] = []
    for pool in pools:
        above, height = _swarm_points(metric, pool, sizes, unit)
        middle = top + max(_LEAST_ABOVE, height)
        points += [replace(point, y=middle - point.y) for point in above]
        lines += _interval_lines(metric, pool, middle)
        points.append(Point("pooled", _place(metric, pool.estimate), middle, 0.085, pool.label, pool.label))
        rows.append(_pool_text(metric, pool, middle))
        top = middle + _BELOW
    bottom = top + 0.04
    zero, zero_keys = no_effect(document, (0.0, 0.0), (0.0, bottom))
    return replace(
        chart,
        panels=(Panel(x, Axis("", bottom, 0.0), (), (*zero, *lines), tuple(points)),),
        height=bottom,
        rows=tuple(rows),
        legend=(
            Key("point", "estimate", "single estimate, area by precision (1 / SE)"),
            *estimate_keys(points),
            Key("point", "pooled", "pooled"),
            Key("line", "interval", f"thick: {100 * document.fit.level:g}% CI"),
            Key("line", "prediction", "prediction interval (PI)"),
            *zero_keys,
        ),
        notes=(_orchard_note(document, factor), *range_note(document), *plan_notes(document)),
    )


def _pools(document: Fitted, factor: ModeratorFit | None, estimates: list[_Estimate]) -> list[_Pool]:
    """The levels of the factor with their estimates, then the whole, which has the estimates where no level has."""
    pools = []
    for level in factor.levels if factor is not None else ():
        level_estimates = [e for e in estimates if e.member.effect_id in level.effects]
        limits = level.ci_low, level.ci_high, level.pi_low, level.pi_high
        pools.append(_Pool(_level_name(level.level), level.k, level.samples, level.estimate, *limits, level_estimates))
    fit, word = document.fit, document.word
    label = f"All {word}s" if pools else word.capitalize() + "s"
    limits = fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high
    return [*pools, _Pool(label, fit.k, fit.samples, fit.estimate, *limits, [] if pools else estimates)]


def _swarm_points(metric: str, pool: _Pool, sizes: dict[str, float], unit: float) -> tuple[list[Point], float]:
    """The estimates of a pool at their heights above it, and the height of the highest one's edge."""
    points = []
    for estimate in sorted(pool.estimates, key=lambda e: e.member.yi):
        key = estimate.member.effect_id
        at = _place(metric, estimate.member.yi)
        kind = estimate_kind(estimate.member, "estimate")
        points.append(Point(kind, at, 0.0, sizes[key], key, estimate.study.label, effects=(key,)))
    heights = swarm([(point.x * unit, point.size * _REACH.get(point.kind, 1.0)) for point in points])
    placed = [replace(point, y=height) for point, height in zip(points, heights, strict=True)]
    return placed, max((point.y + point.size / 2 for point in placed), default=0.0)


def _interval_lines(metric: str, pool: _Pool, y: float) -> list[Line]:
    lines = []
    if pool.pi_low is not None and pool.pi_high is not None:
        predicted = (_place(metric, pool.pi_low), _place(metric, pool.pi_high))
        lines.append(Line("prediction", predicted, (y, y), pool.label))
    lines.append(Line("interval", (_place(metric, pool.ci_low), _place(metric, pool.ci_high)), (y, y), pool.label))
    return lines


def _pool_text(metric: str, pool: _Pool, y: float) -> RowText:
    prediction = interval_text(metric, pool.estimate, pool.pi_low, pool.pi_high).partition(" ")[2]
    value = interval_text(metric, pool.estimate, pool.ci_low, pool.ci_high)
    return RowText(y, pool.label, pool.counts, value, prediction and f"PI {prediction}", True, pool.label)


def _orchard_note(document: Fitted, factor: ModeratorFit | None) -> str:
    words = pooled_sentence(document)
    if factor is None:
        return f"{words} {_HEIGHTS}"
    column, without = column_name(factor.moderator, document.figure.titles).casefold(), factor.without_value
    missing = f" {text.plural(without, 'estimate')} without {column} not shown." if without else ""
    how = "by the model of the whole"
    if document.fit.model in ("che", "three_level"):
        few = [_level_name(level.level) for level in factor.levels if level.model == "composites"]
        how += f", but with one mean per sample where they are too few for it ({', '.join(few)})" if few else ""
    return f"{words} Blocks by {column}, each pooled by itself {how}. {_HEIGHTS}{missing}"


def _factor(document: Fitted, diagnostics: Diagnosed) -> ModeratorFit | None:
    """The factor whose levels make the blocks: that of the forest plot where it was examined, else the first.

    Levels that the plan puts together are no property of an estimate: none of its blocks is drawn.
    """
    declared = (name for study in document.studies for member in study.members for name in member.more)
    columns = {*terms(Descriptor), *BY_NAME, *declared}
    factors = [fit for fit in diagnostics.moderators if fit.levels and fit.moderator in columns]
    grouped = [fit for fit in factors if fit.moderator == document.figure.group_by]
    return next(iter([*grouped, *factors]), None)


def _level_name(level: str) -> str:
    name = GROUP_NAME.get(level, level[:1].upper() + level[1:])
    # What GROUP_NAME adds in brackets has no room beside the plot.
    return name.partition(" (")[0]


def swarm(marks: Sequence[tuple[float, float]]) -> list[float]:
    """Heights at which circles (position, diameter; by position) lie apart, each as low as it can.

    Rather than higher than the highest they overlap.
    """
    placed: list[tuple[float, float, float]] = []
    for at, size in marks:
        near = [(x, o, s) for x, o, s in placed if abs(x - at) < (s + size) / 2]
        step, lowest = 0.012, _CLEAR + size / 2
        for i in range(int(_HIGHEST / step)):
            offset = lowest + step * i
            if all(math.hypot(x - at, o - offset) >= 0.92 * (s + size) / 2 for x, o, s in near):
                break
        placed.append((at, offset, size))
    return [offset for _, offset, _ in placed]


def caterpillar(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Every estimate with its interval, by size, over the pooled interval and the prediction interval."""
    name, metric = document.synthesis, document.metric
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("caterpillar", name, document, reason)
    from statistics import NormalDist

    quantile = NormalDist().inv_cdf(0.5 + document.fit.level / 2)
    estimates = sorted(_estimates(document), key=lambda e: (e.member.yi, e.member.effect_id))
    count = len(estimates)
    points, lines, ends = [], [], []
    for i, estimate in enumerate(estimates):
        member = estimate.member
        y, half, key = member.yi, quantile * math.sqrt(member.vi), member.effect_id
        low, high = _place(metric, y - half), _place(metric, y + half)
        ends += [low, high]
        lines.append(Line("effect", (low, high), (i + 1.0, i + 1.0), key))
        kind = estimate_kind(member, "sample")
        size = 0.042 if kind == "sample" else 0.06
        points.append(Point(kind, _place(metric, y), i + 1.0, size, key, estimate.study.label, effects=(key,)))
    centre, low, high = (_place(metric, v) for v in (document.fit.estimate, document.fit.ci_low, document.fit.ci_high))
    bottom = count + 1.0
    zero, zero_keys = no_effect(document, (0.0, 0.0), (0.0, bottom))
    ends += [low, high]
    areas = []
    legend = [Key("point", "sample", f"estimate, {100 * document.fit.level:g}% CI"), *estimate_keys(points)]
    if document.fit.pi_low is not None and document.fit.pi_high is not None:
        left, right = _place(metric, document.fit.pi_low), _place(metric, document.fit.pi_high)
        areas.append(Area("prediction", (left, right, right, left), (0.0, 0.0, bottom, bottom)))
        legend.append(Key("area", "prediction", "prediction interval"))
        ends += [left, right]
    areas.append(Area("confidence", (low, high, high, low), (0.0, 0.0, bottom, bottom)))
    legend += [
        Key("area", "confidence", f"{100 * document.fit.level:g}% CI of the pooled {document.word}"),
        Key("line", "pooled", f"pooled {document.word}"),
        *zero_keys,
    ]
    x = estimate_axis(metric, axis_name(document), ends)
    frame = [*zero, Line("pooled", (centre, centre), (0.0, bottom))]
    panel = Panel(x, Axis("", bottom, 0.0), tuple(areas), (*frame, *lines), tuple(points))
    note = (
        f"{text.plural(count, 'estimate')} of {text.plural(document.fit.samples, 'sample')}, the smallest on top. "
        f"{pooled_sentence(document)}"
    )
    return Chart(
        "caterpillar", name, title_of("caterpillar", document), document.lane, (panel,),
        height=min(5.5, max(1.0, 0.058 * count + 0.2)), left=0.14,
        legend=tuple(legend), notes=(note, *range_note(document), *plan_notes(document)),
    )  # fmt: skip


def bubble(document: Fitted, diagnostics: Diagnosed, moderator: str) -> Chart:
    """Estimates against a number, area by precision, with the fitted regression line and its interval."""
    name, metric = document.synthesis, document.metric
    title = title_of("bubble", document, _SHORT_NAME.get(moderator) or _own_name(document, moderator))
    full_name = f"{name}_{moderator}"
    fit = next((fit for fit in diagnostics.moderators if fit.moderator == moderator), None)
    if fit is None or fit.regression is None:
        reason = fit.refused if fit else few_to_compare(diagnostics) or "the regression was not fitted"
        return Chart("bubble", full_name, title, document.lane, refused=f"Not drawn: {reason}.")
    labels = {study.sample_id: study.label for study in document.studies}
    members = {member.effect_id: member for study in document.studies for member in study.members}
    sizes = _diameters([bubble.vi for bubble in fit.bubbles])
    # The largest first, so that none hides another.
    points = sorted(
        (
            Point(
                estimate_kind(members[bubble.effect_id], "estimate"), bubble.x, _place(metric, bubble.yi), size,
                bubble.effect_id, labels[bubble.sample_id], effects=(bubble.effect_id,),
            )
            for bubble, size in zip(fit.bubbles, sizes, strict=True)
        ),
        key=lambda p: -p.size,
    )  # fmt: skip
    at = tuple(point.x for point in fit.line)
    lower = [(point.x, _place(metric, point.ci_low)) for point in fit.line if point.ci_low is not None]
    upper = [(point.x, _place(metric, point.ci_high)) for point in fit.line if point.ci_high is not None]
    outline = [*lower, *reversed(upper)]
    areas = [Area("confidence", *zip(*outline, strict=True))] if outline else []
    curve = Line("curve", at, tuple(_place(metric, point.estimate) for point in fit.line))
    axis = MODERATOR_NAME.get(moderator) or column_name(moderator, document.figure.titles)
    x = number_axis(axis, at, about=5, pad=0.05, whole=moderator in ("year", "n_total"))
    y = estimate_axis(metric, axis_name(document), [*(p.y for p in points), *curve.y, *(v for _, v in outline)])
    zero, zero_keys = no_effect(document, (x.low, x.high), (0.0, 0.0))
    legend = [
        Key("point", "estimate", "estimate, area by precision (1 / SE)"),
        *estimate_keys(points),
        Key("line", "curve", "regression"),
        *([Key("area", "confidence", f"{100 * document.fit.level:g}% CI")] if areas else []),
        *zero_keys,
    ]
    panel = Panel(x, y, tuple(areas), (*zero, curve), tuple(points))
    return Chart(
        "bubble", full_name, title, document.lane, (panel,),
        legend=tuple(legend),
        notes=(
            _bubble_note(document, fit, fit.regression, len(lower) / len(fit.line)),
            *range_note(document, {point.effects[0] for point in points}),
            *plan_notes(document),
        ),
    )  # fmt: skip


def _bubble_note(document: Fitted, fit: ModeratorFit, regression: Coefficients, banded: float) -> str:
    metric, moderator = document.metric, fit.moderator
    unit = {"z": "z", "logit": "logit", "arcsine": "arcsine"}.get(metric, ESTIMATE_NAME[metric])
    unit = f"log {unit}" if metric in LOGARITHMS else unit
    per, p = PER.get(moderator, 1.0), regression.p[1]
    slope = per * regression.estimate[1]
    low, high = (limit if limit is None else per * limit for limit in (regression.ci_low[1], regression.ci_high[1]))
    size = max(abs(v) for v in (slope, low, high) if v is not None)
    decimals = max(2, 1 - math.floor(math.log10(size))) if size else 2
    tested = ", too few degrees of freedom for a test"
    if p is not None:
        tested = f" {text.interval(low, high, decimals)}, {text.p_value(p)}"
    unit_of_slope = UNIT_NAME.get(moderator) or f"unit of {_own_name(document, moderator)}"
    how = method_of(document) if regression.rho is not None else sample_method(document)
    parts = [
        f"{text.plural(fit.k, 'estimate')}; slope {text.number(slope, decimals)} {unit} per "
        f"{unit_of_slope}{tested} ({how})."
    ]
    if metric == "z":
        parts.append("Fitted to Fisher z, drawn as r.")
    if fit.without_value:
        parts.append(f"{text.plural(fit.without_value, 'estimate')} without a value not shown.")
    if banded < 1:
        where = "No interval where it has" if banded else "No interval:"
        parts.append(f"{where} too few degrees of freedom.")
    parts += [text.sentence(note) for note in regression.notes if "no test" not in note]
    parts.append("Differences between samples, not causes.")
    return " ".join(parts)
