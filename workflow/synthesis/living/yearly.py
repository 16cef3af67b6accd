"""Pools that are monitored as samples come in: a look for each year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synthesis.data.published import smallest_effect
from synthesis.meta.monitoring import Look, Monitoring, monitor
from synthesis.plan.monitored import Monitored
from synthesis.results.extracted import Row
from synthesis.results.fitted import Fitted
from synthesis.results.further import LookRow
from synthesis.review.fit import method_of


def looks(documents: Iterable[Fitted], plan: Mapping[str, Monitored], rows: dict[str, Row]) -> list[LookRow]:
    """The looks of each monitored synthesis, one mean effect for each sample. Raises InputError for a bad threshold."""
    asked = [(document, plan[document.synthesis]) for document in documents if document.synthesis in plan]
    return [row for document, monitored in asked for row in _looks(document, monitored, rows)]


def _looks(document: Fitted, plan: Monitored, rows: dict[str, Row]) -> list[LookRow]:
    where = f"config.yaml, key monitoring.{document.synthesis}.smallest_effect"
    effect = smallest_effect(where, plan.smallest_effect, document.metric, rows)
    years = [study.year for study in document.studies]
    # Samples without a year come last, so that the last look has all.
    undated = max((year for year in years if year is not None), default=0) + 1
    monitoring = monitor(
        [study.yi for study in document.studies],
        [study.vi for study in document.studies],
        [float(undated if year is None else year) for year in years],
        smallest_effect=effect,
        alpha=plan.alpha,
        power=plan.power,
        spending=plan.spending,
        tau2=method_of(document.fit),
        diversity=plan.diversity,
    )
    return [_row(document.synthesis, plan, monitoring, look, undated) for look in monitoring.looks]


def _row(synthesis: str, plan: Monitored, monitoring: Monitoring, look: Look, undated: int) -> LookRow:
    conclusion = "no boundary" if look.boundary is None else "crossed" if look.crossed else "not crossed"
    return LookRow(
        synthesis=synthesis,
        year=None if look.at == undated else int(look.at),
        samples=look.k,
        information=look.information,
        required=monitoring.required,
        fraction=look.fraction,
        diversity=monitoring.diversity,
        threshold=plan.smallest_effect,
        smallest_effect=monitoring.smallest_effect,
        alpha=monitoring.alpha,
        power=monitoring.power,
        spending=monitoring.spending,
        spent=look.spent,
        boundary=look.boundary,
        z=look.z,
        estimate=look.estimate,
        se=look.se,
        ci_low=look.low,
        ci_high=look.high,
        conclusion=conclusion,
    )
