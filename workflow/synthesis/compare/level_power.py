"""Power of the contrasts between the levels of moderators, for the smallest difference that matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from msgspec.structs import replace

from synthesis.data.published import threshold
from synthesis.data.vocabulary import NO_NULL
from synthesis.errors import InputError
from synthesis.meta.contrast_power import contrast_power
from synthesis.plan.config import Relevance
from synthesis.results.comparisons import ModeratorPowerRow
from synthesis.results.diagnosed import Coefficients, Diagnosed, ModeratorFit
from synthesis.results.extracted import Row
from synthesis.results.fitted import Fitted
from synthesis.review.moderators import reason_of


def moderator_power(
    documents: Iterable[Fitted], diagnostics: Mapping[str, Diagnosed], rows: dict[str, Row], plan: Relevance
) -> list[ModeratorPowerRow]:
    """Each pair of levels of each factor among the moderators, in the model of its regression (`contrast_power`).

    Levels of one sample are in no contrast. None of a metric for which the plan names no threshold.
    """
    table = []
    for document in documents:
        smallest = smallest_difference(document.metric, rows, plan)
        if smallest is None or document.synthesis not in diagnostics:
            continue
        key, value = smallest
        for fit in diagnostics[document.synthesis].moderators:
            if fit.regression is not None:
                table += list(_contrasts(document, fit, fit.regression, key, value))
    return table


def smallest_difference(metric: str, rows: dict[str, Row], plan: Relevance) -> tuple[str, float] | None:
    """The smallest difference that matters on a metric, with the row that holds it.

    Of `relevance.differences`, else the smallest threshold of the metric other than 0; None where neither is known, and
    on a metric whose 0 is not a value of no effect: a threshold there is a place, no difference.
    """
    if metric in NO_NULL:
        return None
    named = {of: key for of, key in plan.differences.items() if of == metric}
    where = f"config.yaml, key relevance.differences.{metric}"
    keys = named.values() or [key for of, keys in plan.thresholds.items() if of == metric for key in keys]
    if not named:
        where = f"config.yaml, key relevance.thresholds.{metric}"
    differences = [(key, value) for key in keys if (value := threshold(where, key, metric, rows))]
    return min(differences, key=lambda pair: abs(pair[1])) if differences else None


def _contrasts(
    document: Fitted, fit: ModeratorFit, regression: Coefficients, key: str, value: float
) -> Iterator[ModeratorPowerRow]:
    """The contrasts between the levels of two samples or more."""
    sample = {m.effect_id: (study.sample_id, m.vi) for study in document.studies for m in study.members}
    level_of = {effect: level.level for level in fit.levels for effect in level.effects}
    effects = [(*sample[effect], level) for effect, level in level_of.items()]
    cluster = [sample_id for sample_id, *_ in effects]
    tested = [level for level in fit.levels if level.samples > 1]
    for first, second in combinations(tested, 2):
        row = ModeratorPowerRow(
            synthesis=document.synthesis,
            moderator=fit.moderator,
            first=first.level,
            second=second.level,
            samples_first=first.samples,
            samples_second=second.samples,
            metric=document.metric,
            threshold=key,
            threshold_value=value,
        )
        try:
            power = contrast_power(
                value,
                [vi for _, vi, _ in effects],
                [level for *_, level in effects],
                (first.level, second.level),
                tau2=regression.tau2,
                ci="wald" if regression.df is None else "hksj",
                cluster=None if regression.samples is None else cluster,
                omega2=regression.omega2 or 0.0,
                rho=regression.rho or 0.0,
                alpha=1 - regression.level,
            )
        except InputError as error:
            yield replace(row, note=error.problems[0].hint or reason_of(error))
            continue
        yield replace(row, se=power.se, df=power.df, power=power.power, samples_for_80=power.needed)
