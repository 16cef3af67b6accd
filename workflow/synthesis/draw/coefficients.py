"""The layout of a joint regression's coefficients, and their names in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from synthesis import text
from synthesis.data.vocabulary import ESTIMATE_NAME, LOGARITHMS
from synthesis.draw.chart import (
    WIDE,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    PointKind,
    RowText,
    few_to_compare,
    number_axis,
    plan_notes,
    room_for,
    title_of,
)
from synthesis.draw.layout import GROUP_NAME, column_name
from synthesis.draw.rows import method_of
from synthesis.meta.formula import parse_formula
from synthesis.meta.joint import Combination, JointRegression
from synthesis.results.diagnosed import Diagnosed, JointFit
from synthesis.results.fitted import Fitted

_STEP, _TOP = 0.3, 0.16
# Inches beside the plot: of names as they usually are, and of numbers.
_LEFT, _RIGHT = 1.9, 1.5
_FUNCTION = re.compile(r"(\w+)\((.+)\)")
_POLYNOMIAL = re.compile(r"poly\((.+), \d+\)(\d?)")
_PARTS = {"": "polynomial", "1": "linear part", "2": "quadratic part", "3": "cubic part", "4": "quartic part",
          "5": "quintic part"}  # fmt: skip
# What stands before and after the column.
_IN_WORDS = {
    "center": ("", ", centred"),
    "scale": ("", ", per SD"),
    "log": ("log of ", ""),
    "log2": ("log2 of ", ""),
    "log10": ("log10 of ", ""),
    "sqrt": ("root of ", ""),
    "between": ("", ", between samples"),
    "within": ("", ", within samples"),
}
# Functions that keep the unit of a number.
_AS_MEASURED = ("center", "between", "within")
_SIZE = 0.085
# An interval is seen that is so many times as long as its mark; a slope is drawn per so many units at most.
_SEEN, _MOST_UNITS = 2.5, 1e6


def coefficient_words(
    name: str, formula: str, column_words: Callable[[str], str], level_words: Callable[[str], str]
) -> str:
    """The name of a coefficient, a term or a mean in words: a factor with its level, a number with its function."""
    columns = sorted(parse_formula(formula).columns, key=len, reverse=True)
    if name in ("intrcpt", "all"):
        return "Intercept" if name == "intrcpt" else "all together"
    named = "|".join(map(re.escape, columns))
    if re.match(rf"(?:{named}) = ", name):
        pairs = [pair.partition(" = ") for pair in re.split(rf", (?=(?:{named}) = )", name)]
        return ", ".join(f"{column_words(column)}: {level_words(level)}" for column, _, level in pairs)
    parts = re.split(rf":(?={named}|\w+\((?:{named}))", name)
    return " × ".join(_part(part, columns, column_words, level_words) for part in parts)


def _part(
    part: str, columns: Sequence[str], column_words: Callable[[str], str], level_words: Callable[[str], str]
) -> str:
    if power := _POLYNOMIAL.fullmatch(part):
        return f"{column_words(power[1])}, {_PARTS[power[2]]}"
    called = _FUNCTION.fullmatch(part)
    if called and called[1] in _IN_WORDS:
        before, after = _IN_WORDS[called[1]]
        return f"{before}{column_words(called[2])}{after}"
    column = next((name for name in columns if part.startswith(name)), "")
    if not column:
        return part
    level = part.removeprefix(column)
    return f"{column_words(column)}: {level_words(level)}" if level else column_words(column)


def coefficients(document: Fitted, diagnostics: Diagnosed, model: str) -> Chart:
    """The coefficients of a joint regression beside the intercept, with their intervals where they have a test."""
    name = f"{document.synthesis}_{model}"
    joint = next((joint for joint in diagnostics.regressions if joint.model == model), None)
    title = title_of("coefficients", document, _regressed_on(document, joint) if joint else model.replace("_", " "))
    if joint is None or joint.fit is None:
        reason = joint.refused if joint else few_to_compare(diagnostics) or "the regression was not fitted"
        return Chart("coefficients", name, title, document.lane, refused=f"Not drawn: {reason}.")
    fit = joint.fit
    shown = [_drawn(c, joint.formula, fit.coefficients[1:]) for c in fit.coefficients[1:]]
    ends = [end for _, c in shown for end in _ends(c)]
    x = number_axis(_axis_name(document), [0.0, *ends], about=5, pad=0.05)
    rows = [_row(document, joint, c, times, _TOP + i * _STEP) for i, (times, c) in enumerate(shown)]
    bottom = _TOP + len(shown) * _STEP - _STEP / 2 + 0.04
    lines = [Line("null", (0.0, 0.0), (0.0, bottom))]
    points = []
    for (_, coefficient), row in zip(shown, rows, strict=True):
        known = coefficient.ci_low is not None and coefficient.ci_high is not None
        if coefficient.ci_low is not None and coefficient.ci_high is not None:
            lines.append(Line("interval", (coefficient.ci_low, coefficient.ci_high), (row.y, row.y), coefficient.name))
        kind: PointKind = "pooled" if known else "without interval"
        points.append(Point(kind, coefficient.estimate, row.y, _SIZE, coefficient.name, row.label))
    return Chart(
        "coefficients", name, title, document.lane,
        (Panel(x, Axis("", bottom, 0.0), (), tuple(lines), tuple(points)),),
        width=WIDE, height=bottom, left=room_for(row.label for row in rows), right=_RIGHT, rows=tuple(rows),
        legend=_keys(fit, points),
        notes=(_note(document, joint, fit), *plan_notes(document)),
    )  # fmt: skip


def _keys(fit: JointRegression, points: Sequence[Point]) -> tuple[Key, ...]:
    """The marks, of those that are drawn."""
    words: dict[PointKind, str] = {"pooled": "coefficient", "without interval": "coefficient without an interval"}
    kinds = {point.kind for point in points}
    keys = [Key("point", kind, content) for kind, content in words.items() if kind in kinds]
    if "pooled" in kinds:
        keys.append(Key("line", "interval", f"{100 * fit.level:g}% CI"))
    return (*keys, Key("line", "null", "no difference"))


def _ends(coefficient: Combination) -> list[float]:
    """What of a coefficient must be on the axis."""
    return [x for x in (coefficient.estimate, coefficient.ci_low, coefficient.ci_high) if x is not None]


def _drawn(coefficient: Combination, formula: str, others: Sequence[Combination]) -> tuple[float, Combination]:
    """Per how many units a slope is drawn, and what it is then: more than one where its mark would hide its interval
    on the axis of all, and not so many that it would lengthen this axis."""
    low, high = coefficient.ci_low, coefficient.ci_high
    if low is None or high is None or low == high or not _measured(coefficient.name, formula):
        return 1.0, coefficient
    values = [0.0, *(end for c in others for end in _ends(c))]
    inch = (max(values) - min(values)) / (WIDE - _LEFT - _RIGHT)
    times = 1.0
    while times * (high - low) < _SEEN * _SIZE * inch and times < _MOST_UNITS:
        times *= 10.0
    if times * low < min(values) or times * high > max(values):
        return 1.0, coefficient
    return times, replace(coefficient, estimate=times * coefficient.estimate, ci_low=times * low, ci_high=times * high)


def _regressed_on(document: Fitted, joint: JointFit) -> str:
    """The columns of a formula in words: on estimand, rater and year."""
    *others, last = (_inside(document, column) for column in parse_formula(joint.formula).columns)
    return f"on {', '.join(others)} and {last}" if others else f"on {last}"


def _column(document: Fitted, column: str) -> str:
    return column_name(column, document.figure.titles).removesuffix(" group")


def _inside(document: Fitted, column: str) -> str:
    """A column inside a sentence: the user's title as it is written."""
    return document.figure.titles.get(column) or _column(document, column).lower()


def _axis_name(document: Fitted) -> str:
    metric = document.metric
    unit = {"z": "Fisher z"}.get(metric, ESTIMATE_NAME[metric])
    return f"Difference in {f'log {unit}' if metric in LOGARITHMS else unit}"


def _row(document: Fitted, joint: JointFit, coefficient: Combination, times: float, y: float) -> RowText:
    label = coefficient_words(
        coefficient.name,
        joint.formula,
        lambda column: _column(document, column),
        _level_words,
    )
    label += _per_unit(coefficient.name, joint.formula, times)
    return RowText(y, label, "", *_numbers(coefficient), key=coefficient.name)


def _measured(name: str, formula: str) -> str:
    """The column whose coefficient a name is, where it is of a number as it was measured; else nothing."""
    called = _FUNCTION.fullmatch(name)
    column = called[2] if called and called[1] in _AS_MEASURED else name
    return column if column in parse_formula(formula).columns else ""


def _per_unit(name: str, formula: str, times: float = 1.0) -> str:
    """What the coefficient of a number is per, where it is as it was measured: a year, or a unit, or so many."""
    column = _measured(name, formula)
    if not column:
        return ""
    unit = "year" if column == "year" else "unit"
    return f", per {unit}" if times == 1 else f", per {text.count(int(times))} {unit}s"


def _level_words(level: str) -> str:
    """A level in words, without what has no room beside the plot."""
    words = GROUP_NAME.get(level, level.replace("_", " ")).partition(" (")[0]
    return words[:1].lower() + words[1:] if level in GROUP_NAME else words


def _numbers(coefficient: Combination) -> tuple[str, str]:
    """Estimate with interval, and p; why there is no test."""
    value = text.number(coefficient.estimate, 3)
    if coefficient.p is None:
        return f"{value}, no interval", coefficient.note.partition(":")[0] or "no test"
    return f"{value} {text.interval(coefficient.ci_low, coefficient.ci_high, 3)}", text.p_value(coefficient.p)


def _note(document: Fitted, joint: JointFit, fit: JointRegression) -> str:
    named = [(_inside(document, name), _level_words(r)) for name, r in fit.reference.items()]
    references = "; ".join(f"{name}: {level}" for name, level in named)
    parts = [f"{text.plural(fit.k, 'estimate')} of {text.plural(fit.samples, 'sample')} ({method_of(document)})."]
    if references:
        parts.append(f"Against {references}.")
    if joint.without_value:
        parts.append(f"{text.plural(joint.without_value, 'estimate')} without a value of some moderator left out.")
    parts += [text.sentence(note) for note in fit.notes]
    untested = [c for c in fit.coefficients[1:] if c.p is None]
    if untested:
        parts.append("No interval where there are too few degrees of freedom, or one sample alone carries it.")
    parts.append("Differences between samples, not causes.")
    return " ".join(parts)
