"""The estimates of one pool under every idea of what is missing or biased, or why one was not computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synthesis.data.vocabulary import NO_NULL, SMD_UNITS
from synthesis.errors import InputError, Problem
from synthesis.meta import bias
from synthesis.meta.beta_selection import BetaSelection, beta_selection
from synthesis.meta.discovery import ZCurve, z_curve
from synthesis.meta.kernel import Array
from synthesis.meta.model_averaging import ModelAverage, model_average
from synthesis.meta.options import Tau2Method
from synthesis.meta.pool import Fit
from synthesis.meta.selection_model import Alternative, SelectionModel, selection_model
from synthesis.meta.significance import (
    ExcessSignificance,
    PCurve,
    PUniformStar,
    Side,
    excess_significance,
    p_curve,
    p_uniform_star,
)
from synthesis.meta.small_study import Adjusted, HenmiCopas, Limit, henmi_copas, limit_meta, uwls, waap
from synthesis.results.adjusted import ESTIMATORS, OF_ESTIMATES, AdjustedEstimate
from synthesis.results.diagnosed import SmallStudyTests
from synthesis.results.fitted import Fitted

# They ask whether effects differ from 0: of a metric without a value of no effect there is nothing to ask.
_ABOUT_ZERO = ("waap", "step_one", "step_three", "step_two", "step_one_robust", "beta", "p_uniform")
_NO_ZERO = "its metric has no value of no effect that a sample could differ from"
AVERAGED = "model_averaged"
_REPEATS = "no sample has several estimates"
Adjustment = Fit | bias.PetPeese | SelectionModel | BetaSelection | PUniformStar | Adjusted | HenmiCopas | Limit


@dataclass(frozen=True, slots=True)
class Samples:
    """One value of each sample (`y`, `v`), all estimates with the sample of each, and how they are pooled."""

    y: Array
    v: Array
    effects: Array
    variances: Array
    cluster: Sequence[str]
    method: Tau2Method


def adjusted_estimates(document: Fitted, data: Samples, tests: SmallStudyTests) -> tuple[AdjustedEstimate, ...]:
    """All adjusted estimates of a pool, the pool itself first. `tests`: those of them that are fitted already."""
    return tuple(_estimate(name, document, data, tests) for name in ESTIMATORS if name != AVERAGED)


def average_of(document: Fitted, data: Samples) -> ModelAverage:
    """The model-averaged estimate. Raises InputError for a metric without a scale for its priors."""
    if document.metric not in SMD_UNITS:
        allowed = "one in which a standardised mean difference has a size: " + ", ".join(SMD_UNITS)
        raise InputError([Problem("metric", document.metric, allowed)])
    scale, level = SMD_UNITS[document.metric], document.fit.level
    return model_average(data.y, data.v, scale=scale, alternative=_side(document), level=level)


def averaged_row(average: ModelAverage | None, reason: str) -> AdjustedEstimate:
    """The model-averaged estimate among the others, or the `reason` why it was not computed."""
    assumes = ESTIMATORS[AVERAGED][1]
    if average is None:
        return AdjustedEstimate(name=AVERAGED, assumes=assumes, reason=reason)
    factors = (
        f"Bayes factors: effect {average.bf_effect:.3g}, heterogeneity {average.bf_heterogeneity:.3g}, "
        f"bias {average.bf_bias:.3g}"
    )
    note = "; ".join(["posterior mean and credible interval", factors, *average.notes])
    return AdjustedEstimate(
        name=AVERAGED, k=average.k, estimate=average.estimate, ci_low=average.ci_low, ci_high=average.ci_high,
        assumes=assumes, note=note,
    )  # fmt: skip


def _side(document: Fitted) -> Side:
    return "greater" if document.fit.estimate > 0 else "less"


def excess_of(document: Fitted, data: Samples) -> ExcessSignificance:
    """The test of excess significance. Raises InputError where nothing can be significant."""
    _about_zero(document)
    return excess_significance(data.y, data.v, tau2=data.method)


def p_curve_of(document: Fitted, data: Samples) -> PCurve:
    """p-curve. Raises InputError where nothing can be significant."""
    _about_zero(document)
    return p_curve(data.y, data.v)


def z_curve_of(document: Fitted, data: Samples) -> ZCurve:
    """z-curve, without an interval. Raises InputError where fewer than 10 samples are significant."""
    _about_zero(document)
    return z_curve(data.y, data.v)


def _about_zero(document: Fitted) -> None:
    if document.metric in NO_NULL:
        raise InputError([Problem("metric", document.metric, "one with a value of no effect")])


def _estimate(name: str, document: Fitted, data: Samples, tests: SmallStudyTests) -> AdjustedEstimate:
    assumes = ESTIMATORS[name][1]
    reason = _not_asked(name, document, data)
    if reason:
        return AdjustedEstimate(name=name, assumes=assumes, reason=reason)
    try:
        adjustment = _ways(document, data, tests)[name]()
    except InputError as error:
        reason = "; ".join(f"{p.value}, and it needs {p.allowed}" for p in error.problems)
        return AdjustedEstimate(name=name, assumes=assumes, reason=reason)
    if adjustment is None:
        key = _TESTED[name]
        return AdjustedEstimate(name=name, assumes=assumes, reason=tests.refused.get(key, "not fitted"))
    return _typed(name, assumes, adjustment, len(data.effects) if name in OF_ESTIMATES else len(data.y))


# Estimates that the small-study tests hold, by their name there.
_TESTED = {"trim_fill": "trim_fill_L0", "pet_peese": "pet_peese", "step_one": "selection_model"}


def _not_asked(name: str, document: Fitted, data: Samples) -> str:
    if name in _ABOUT_ZERO and document.metric in NO_NULL:
        return _NO_ZERO
    if name in OF_ESTIMATES and len(set(data.cluster)) == len(data.cluster):
        return _REPEATS
    return ""


def _ways(document: Fitted, data: Samples, tests: SmallStudyTests) -> dict[str, Callable[[], Adjustment | None]]:
    y, v, level = data.y, data.v, document.fit.level
    side = _side(document)
    alternative: Alternative = side
    filled = tests.trim_fill_L0
    return {
        "pool": lambda: document.fit,
        "uwls": lambda: uwls(y, v, level=level),
        "waap": lambda: waap(y, v, level=level),
        "henmi_copas": lambda: henmi_copas(y, v, level=level),
        "trim_fill": lambda: None if filled is None else filled.fit,
        "pet_peese": lambda: tests.pet_peese,
        "pet_peese_cr2": lambda: bias.robust_pet_peese(
            data.effects, data.variances, data.cluster, rho=document.fit.rho or 0.0, level=level
        ),
        "limit": lambda: limit_meta(y, v, tau2=data.method, level=level),
        "step_one": lambda: tests.selection_model,
        "step_three": lambda: selection_model(y, v, steps=(0.025, 0.5), alternative=alternative, level=level),
        "step_two": lambda: selection_model(y, v, steps=(0.05,), alternative="two-sided", level=level),
        "step_one_robust": lambda: selection_model(
            data.effects, data.variances, alternative=alternative, level=level, clusters=data.cluster
        ),
        "beta": lambda: beta_selection(y, v, alternative=alternative, level=level),
        "p_uniform": lambda: p_uniform_star(y, v, side=side, level=level),
    }


def _typed(name: str, assumes: str, fitted: Adjustment, k: int) -> AdjustedEstimate:
    match fitted:
        case bias.PetPeese():
            chosen = fitted.pet if fitted.chosen == "pet" else fitted.peese
            return AdjustedEstimate(
                name=name, k=k, estimate=fitted.estimate, se=chosen.limit_se, df=chosen.df, p=chosen.limit_p,
                ci_low=fitted.ci_low, ci_high=fitted.ci_high, assumes=assumes,
                note="; ".join([fitted.chosen.upper(), *chosen.notes]),
            )  # fmt: skip
        case PUniformStar():
            note = "; ".join([f"{fitted.significant} of {fitted.k} samples are significant", *fitted.notes])
            return AdjustedEstimate(
                name=name, k=k, estimate=fitted.estimate, p=fitted.p, ci_low=fitted.ci_low, ci_high=fitted.ci_high,
                assumes=assumes, note=note,
            )  # fmt: skip
        case HenmiCopas() | SelectionModel() | BetaSelection() | Limit():
            df, notes = None, () if isinstance(fitted, HenmiCopas) else fitted.notes
        case Fit():
            # The weights' own sample count: trim and fill adds some.
            df, notes, k = fitted.df, fitted.notes, fitted.samples
        case Adjusted():
            df, notes, k = fitted.df, fitted.notes, fitted.k
    return AdjustedEstimate(
        name=name, k=k, estimate=fitted.estimate, se=fitted.se, df=df, p=fitted.p, ci_low=fitted.ci_low,
        ci_high=fitted.ci_high, assumes=assumes, note="; ".join(notes),
    )  # fmt: skip
