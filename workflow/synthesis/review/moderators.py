"""The regression of a synthesis on one moderator, and the pools of its levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from synthesis.errors import InputError
from synthesis.meta.dependent import RobustRegression, joint_test, robust_regress
from synthesis.meta.kernel import Array
from synthesis.meta.options import CiMethod
from synthesis.meta.regression import Design, Regression, design, predict, regress
from synthesis.meta.robust import LEAST_DF
from synthesis.plan.config import Grouping
from synthesis.results.diagnosed import Bubble, Coefficients, LevelFit, LinePoint, ModeratorFit
from synthesis.results.document import columns
from synthesis.results.fitted import Fitted, Member
from synthesis.review.declared import NO_TEST, is_declared
from synthesis.review.fit import method_of, pool_part

# Effects of a sample are not treated as independent by these.
MULTILEVEL = ("che", "three_level")
SHARED = "effects share samples: moderators need model che or three_level"
# Points at which a regression line and its interval are given for drawing.
_LINE_POINTS = 25


@dataclass(frozen=True, slots=True)
class _Valued:
    """An effect that has a value of the moderator."""

    sample_id: str
    member: Member
    value: float | str


def moderator(document: Fitted, name: str, grouping: Grouping | None, ci: CiMethod) -> ModeratorFit:
    """A regression on one moderator, and for a factor the pool of each level; effects without a value are counted."""
    effects = _with_value(document, name, grouping)
    total = sum(len(study.members) for study in document.studies)
    counted = ModeratorFit(moderator=name, k=len(effects), without_value=total - len(effects))
    if not effects:
        return replace(counted, refused=no_value([name]))
    cluster = [effect.sample_id for effect in effects]
    y = np.array([effect.member.yi for effect in effects])
    v = np.array([effect.member.vi for effect in effects])
    ends = [effect.value for effect in effects if isinstance(effect.value, float)]
    grid = np.linspace(min(ends), max(ends), _LINE_POINTS).tolist() if ends else []
    try:
        matrix = design({name: [effect.value for effect in effects]}, len(effects))
        if len(set(cluster)) < len(cluster) and document.fit.model not in MULTILEVEL:
            return replace(counted, refused=SHARED)
        if is_declared(document.studies):
            return replace(counted, refused=NO_TEST)
        fit, means = _regression(document, y, v, matrix, cluster, grid, ci)
    except InputError as error:
        return replace(counted, refused=reason_of(error))
    coefficients, spare = _coefficients(fit), len(effects) - len(fit.names)
    if isinstance(fit, Regression) and spare < LEAST_DF:
        means = [(mean, None, None) for mean, *_ in means]
        coefficients = _without_test(coefficients, spare)
    examined = replace(counted, regression=coefficients, test=joint_test(fit, matrix, cluster, y))
    if ends:
        return replace(examined, line=_line(grid, means), bubbles=_bubbles(effects))
    levels = [_level(document, [e for e in effects if e.value == level], level) for level in matrix.levels[name]]
    return replace(examined, levels=tuple(levels))


def no_value(columns: Sequence[str]) -> str:
    """Says that there is no effect to compare by columns."""
    words = [column.replace("_", " ") for column in columns]
    return f"no effect has a value of {words[0]}" if len(words) == 1 else f"no effect has all of {', '.join(words)}"


def reason_of(error: InputError) -> str:
    """Why something was not computed, on one line."""
    return "; ".join(f"{p.value}: allowed is {p.allowed}" for p in error.problems)


def _with_value(document: Fitted, name: str, grouping: Grouping | None) -> list[_Valued]:
    effects = []
    for study in document.studies:
        for member in study.members:
            value = member.cell(name) if grouping is None else grouping.level_of(member.cell(grouping.column))
            if value is not None and value != "":
                effects.append(_Valued(study.sample_id, member, value))
    return effects


# A mean with its limits; None where there are too few degrees of freedom.
_Mean = tuple[float, float | None, float | None]


def _regression(
    document: Fitted, y: Array, v: Array, matrix: Design, cluster: list[str], grid: list[float], ci: CiMethod
) -> tuple[Regression | RobustRegression, list[_Mean]]:
    """The regression, cluster-robust where effects share samples, and the mean effects at the points of the grid."""
    rows, level = [[1.0, x] for x in grid], document.fit.level
    if len(set(cluster)) < len(cluster):
        robust = robust_regress(y, v, matrix, cluster, at=rows or None, rho=document.fit.rho or 0.0, level=level)
        return robust, list(robust.means)
    fit = regress(y, v, matrix, tau2=method_of(document.fit), ci=ci, level=level)
    means = predict(fit, np.array(rows)) if rows else []
    return fit, [(m.estimate, m.ci_low, m.ci_high) for m in means]


def _coefficients(fit: Regression | RobustRegression) -> Coefficients:
    """A regression without the test of all moderators, which is kept by itself, in the form in which it is reported."""
    return Coefficients(**{name: getattr(fit, name) for name in columns(Coefficients) if hasattr(fit, name)})


def _without_test(fit: Coefficients, df: float) -> Coefficients:
    """The coefficients of a regression with too few degrees of freedom: their values, without error and test."""
    none = (None,) * len(fit.names)
    note = f"fewer than {LEAST_DF:g} degrees of freedom ({df:g}), no test: {', '.join(fit.names)}"
    return replace(fit, se=none, statistic=none, p=none, ci_low=none, ci_high=none, notes=(*fit.notes, note))


def _line(grid: list[float], means: list[_Mean]) -> tuple[LinePoint, ...]:
    return tuple(
        LinePoint(x=x, estimate=mean, ci_low=low, ci_high=high)
        for x, (mean, low, high) in zip(grid, means, strict=True)
    )


def _bubbles(effects: Sequence[_Valued]) -> tuple[Bubble, ...]:
    return tuple(
        Bubble(
            effect_id=effect.member.effect_id,
            sample_id=effect.sample_id,
            x=float(effect.value),
            yi=effect.member.yi,
            vi=effect.member.vi,
        )
        for effect in effects
    )


def _level(document: Fitted, effects: Sequence[_Valued], level: str) -> LevelFit:
    """The pool of one level, by the model that a block of the forest plot has."""
    named = {effect.member.effect_id for effect in effects}
    parts = [replace(s, members=tuple(m for m in s.members if m.effect_id in named)) for s in document.studies]
    fit = pool_part(document.fit, [part for part in parts if part.members])
    pooled = {name: getattr(fit, name) for name in columns(LevelFit)[2:]}
    return LevelFit(level=level, effects=tuple(effect.member.effect_id for effect in effects), **pooled)
