"""What the names in a plan mean: every one is declared, and those that stand together go together.

A check takes the whole plan and gives what is wrong with its part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from synthesis.data.columns import BY_NAME
from synthesis.data.vocabulary import NO_NULL, SMD_UNITS, Descriptor, NumericModerator
from synthesis.errors import Problem
from synthesis.meta.options import terms
from synthesis.plan.conditions import undeclared
from synthesis.plan.decisions import check_multiverse
from synthesis.plan.jointly import joint_faults

if TYPE_CHECKING:
    from synthesis.plan.config import Config

# Usual ones first; any other column of the data dictionary will do.
MODERATORS = tuple(dict.fromkeys((*terms(NumericModerator), *terms(Descriptor), *BY_NAME)))
A_COLUMN = "a column of data/raw/README.md, or one that source.yaml declares"
# Lane and metric of what a bridge reads on each side.
_BRIDGED = {"association": ("A", "z"), "effect": ("B", "g")}


def repeated(key: str, names: Iterable[str]) -> list[Problem]:
    """Names that stand twice in a list."""
    counts = Counter(names)
    return [Problem(key, name, "each name once", "pasted twice?") for name, count in counts.items() if count > 1]


def name_faults(plan: Config) -> list[Problem]:
    """Names of the plan that nothing declares, and pairs of names that do not go together."""
    return repeated("sources", plan.sources) + [fault for check in _CHECKS for fault in check(plan)]


def _unknown(key: str, names: Iterable[str], declared: Iterable[str]) -> Iterator[Problem]:
    options = list(declared)
    return (undeclared(key, name, options) for name in names if name not in options)


def _syntheses(plan: Config) -> Iterator[Problem]:
    moderators = (*MODERATORS, *plan.groupings, *plan.own_columns)
    for key, synthesis in plan.syntheses.items():
        place = f"syntheses.{key}"
        yield from _unknown(f"{place}.sources", synthesis.sources, plan.sources)
        for name in synthesis.moderators:
            if name not in moderators:
                yield undeclared(f"{place}.moderators", name, moderators, f"{A_COLUMN}, or a grouping")
        for name, model in synthesis.regressions.items():
            allowed = f"{A_COLUMN}, or a grouping"
            where = f"{place}.regressions.{name}"
            yield from joint_faults(where, model, dict.fromkeys(moderators), plan.is_number, allowed)
        for name in synthesis.alternatives:
            yield from _unknown(f"{place}.alternatives", [name], plan.syntheses)
            other = plan.syntheses.get(name)
            if other and other.metric != synthesis.metric:
                hint = f"{name} has another metric, {other.metric}"
                yield Problem(f"{place}.alternatives", name, f"a synthesis in metric {synthesis.metric}", hint)


def _groupings(plan: Config) -> Iterator[Problem]:
    for key in plan.groupings:
        if key in MODERATORS or key in plan.own_columns:
            yield Problem(f"groupings.{key}", key, "another name", "the name is taken by a column")


def _examined(plan: Config) -> Iterator[Problem]:
    for name in plan.certainty.indirectness:
        yield from _unknown(f"certainty.indirectness.{name}", [name], plan.syntheses)
    yield from _unknown("diagnostics.force_funnel", plan.diagnostics.force_funnel, plan.syntheses)
    place, averaged = "diagnostics.model_averaging", plan.diagnostics.model_averaging
    yield from _unknown(place, averaged, plan.syntheses)
    for name in averaged:
        if name in plan.syntheses and plan.syntheses[name].metric not in SMD_UNITS:
            hint = "its priors are on standardised mean differences"
            yield Problem(place, f"{name}, in {plan.syntheses[name].metric}", "one in " + ", ".join(SMD_UNITS), hint)


def _comparisons(plan: Config) -> Iterator[Problem]:
    for key, comparison in plan.comparisons.items():
        place = f"comparisons.{key}"
        sides = {s: n for s, n in (("first", comparison.first), ("second", comparison.second)) if n}
        for side, name in sides.items():
            yield from _unknown(f"{place}.{side}", [name], plan.syntheses)
        metrics = [plan.syntheses[name].metric for name in sides.values() if name in plan.syntheses]
        if len(set(metrics)) > 1:
            hint = "the two sides have different metrics; use a bridge"
            yield Problem(place, ", ".join(metrics), "two syntheses in one metric", hint)
        if comparison.first == comparison.second:
            hint = "a synthesis is compared with itself"
            yield Problem(f"{place}.second", comparison.first, "another synthesis than first", hint)


def _bridges(plan: Config) -> Iterator[Problem]:
    for key, bridge in plan.bridges.items():
        for side, (lane, metric) in _BRIDGED.items():
            name = getattr(bridge, side)
            place = f"bridges.{key}.{side}"
            yield from _unknown(place, [name], plan.syntheses)
            synthesis = plan.syntheses.get(name)
            if synthesis and (synthesis.lane, synthesis.metric) != (lane, metric):
                hint = f"it is of lane {synthesis.lane} in metric {synthesis.metric}"
                yield Problem(place, name, f"a synthesis of lane {lane} in metric {metric}", hint)


def _figures(plan: Config) -> Iterator[Problem]:
    for key, figure in plan.figures.items():
        if key in plan.syntheses:
            yield Problem(f"figures.{key}", key, "another name", "the name is taken by a synthesis")
        for number, block in enumerate(figure.blocks):
            yield from _unknown(f"figures.{key}.blocks.{number}.synthesis", [block.synthesis], plan.syntheses)
        yield from _unknown(f"figures.{key}.bridges", figure.bridges, plan.bridges)


def _diagnostic_figures(plan: Config) -> Iterator[Problem]:
    for key, kinds in plan.diagnostic_figures.items():
        place = f"diagnostic_figures.{key}"
        yield from _unknown(place, [key], plan.syntheses)
        yield from repeated(place, kinds)
        if "bubble" in kinds and key in plan.syntheses and not any(map(plan.is_number, plan.syntheses[key].moderators)):
            allowed = f"bubble with a numeric moderator in syntheses.{key}: " + ", ".join(terms(NumericModerator))
            yield Problem(place, "bubble", allowed, "the synthesis has none")
        if "coefficients" in kinds and key in plan.syntheses and not plan.syntheses[key].regressions:
            yield Problem(
                place, "coefficients", f"coefficients with syntheses.{key}.regressions", "the synthesis has none"
            )


def _multiverses(plan: Config) -> Iterator[Problem]:
    for key, multiverse in plan.multiverses.items():
        yield from _unknown(f"multiverses.{key}.synthesis", [multiverse.synthesis], plan.syntheses)
        synthesis = plan.syntheses.get(multiverse.synthesis)
        yield from check_multiverse(f"multiverses.{key}", multiverse, synthesis.lane if synthesis else None)


def _processes(plan: Config) -> Iterator[Problem]:
    if plan.processes is None:
        return
    yield from _unknown("processes.sources", plan.processes.sources, plan.sources)
    yield from _unknown("processes.synthesis", [plan.processes.synthesis], plan.syntheses)
    if "process" in {*plan.syntheses, *plan.figures}:
        hint = "forest_process is the figure of processes"
        yield Problem("processes", "process", "no synthesis or figure of that name", hint)


def _doubts(plan: Config) -> Iterator[Problem]:
    for key, doubt in plan.doubts.items():
        yield from _unknown(f"doubts.{key}.syntheses", doubt.syntheses, plan.syntheses)


def _beside(plan: Config) -> Iterator[Problem]:
    """What stands beside pools of independent samples."""
    for key in plan.monitoring:
        yield from _unknown(f"monitoring.{key}", [key], plan.syntheses)
        synthesis = plan.syntheses.get(key)
        if synthesis and synthesis.metric in NO_NULL:
            yield Problem(f"monitoring.{key}", synthesis.metric, "a metric with a value of no effect")
        if synthesis and synthesis.levels:
            hint = "looks take samples as independent, which levels say that they are not"
            yield Problem(f"monitoring.{key}", ", ".join(synthesis.levels), "a synthesis without levels", hint)
    for metric, named in plan.relevance.differences.items():
        if metric in NO_NULL:
            hint = f"a value of {metric} is a place on its scale, no difference"
            yield Problem(f"relevance.differences.{metric}", named, "a metric with a value of no effect", hint)
    for key in plan.psychometric:
        yield from _unknown(f"psychometric.{key}", [key], plan.syntheses)
        synthesis = plan.syntheses.get(key)
        if synthesis and synthesis.metric != "z":
            hint = "r_corrected has both sides without being named here" if synthesis.metric == "r_corrected" else ""
            yield Problem(f"psychometric.{key}", synthesis.metric, "a synthesis of metric z", hint)


_CHECKS = (
    _syntheses,
    _groupings,
    _examined,
    _comparisons,
    _bridges,
    _figures,
    _diagnostic_figures,
    _multiverses,
    _processes,
    _doubts,
    _beside,
)
