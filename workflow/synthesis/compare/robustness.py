"""What it would take to explain a pool away: an unmeasured cause of an association, samples that a pool would lose."""

from __future__ import annotations

import math

from synthesis import text
from synthesis.compare.contrast import refit
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import NO_NULL
from synthesis.errors import InputError
from synthesis.meta.confounding import e_value_of_r, impact_threshold
from synthesis.results.comparisons import RobustnessRow
from synthesis.results.fitted import Fitted

NO_SIGNAL = "its interval holds no effect already"
ONE_SAMPLE = "one sample"
NO_NONE = "its metric has no value that says none"


def robustness(documents: list[Fitted]) -> list[RobustnessRow]:
    """What would leave nothing of each pool.

    Of associations, how strongly a cause that nobody measured would have to go with both (`impact_threshold`,
    `e_value_of_r`), for the estimate and for the limit of its interval that is nearer to none. Chance has balanced such
    causes in randomised contrasts: none is asked of an effect. Of all pools, without how few samples the interval holds
    no effect: those with the largest effects are left out first, one after the other, and the pool is fitted again by
    its own model; fewer others may do the same together.
    """
    return [_row(document) for document in documents]


def _row(document: Fitted) -> RobustnessRow:
    fit = document.fit
    nearer = _nearer(fit.ci_low, fit.ci_high)
    lost, note = _lost(document)
    values = (fit.estimate, nearer) if document.metric == "z" else (None, None)
    estimate, limit = (back_transform("z", value) for value in values)
    return RobustnessRow(
        synthesis=document.synthesis,
        title=document.title,
        word=document.word,
        samples=fit.samples,
        cause_correlation=None if estimate is None else impact_threshold(estimate),
        cause_correlation_limit=None if limit is None else impact_threshold(limit),
        e_value=None if estimate is None else e_value_of_r(estimate),
        e_value_limit=None if limit is None else e_value_of_r(limit),
        samples_to_lose=None if lost is None else len(lost),
        samples_lost="; ".join(lost or ()),
        note=note,
    )


def _nearer(low: float | None, high: float | None) -> float | None:
    """The limit that is nearer to no effect, 0 where the interval holds it."""
    if low is None or high is None:
        return None
    return 0.0 if low <= 0 <= high else min(low, high, key=abs)


def _lost(document: Fitted) -> tuple[list[str] | None, str]:
    """The samples without which the interval holds no effect, and why there are none."""
    fit = document.fit
    if document.metric in NO_NULL:
        return None, NO_NONE
    if _nearer(fit.ci_low, fit.ci_high) == 0:
        return [], NO_SIGNAL
    if fit.samples == 1:
        return None, ONE_SAMPLE
    ordered = sorted(document.studies, key=lambda s: (-math.copysign(1.0, fit.estimate) * s.yi, s.sample_id))
    for lost in range(1, len(ordered)):
        kept = ordered[lost:]
        try:
            rest = refit(document, {study.sample_id for study in kept}).fit
        except InputError:
            clause = (
                f"without the {text.plural(lost - 1, 'sample')} with the largest effects it still holds; "
                if lost > 1
                else ""
            )
            return None, f"{clause}to fewer its model cannot be fitted"
        if _nearer(rest.ci_low, rest.ci_high) == 0:
            return [study.label for study in ordered[:lost]], ""
    return None, "no single sample's interval holds no effect"
