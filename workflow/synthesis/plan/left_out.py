"""Usable effects that no synthesis takes although all others beside them are taken: what sets them apart is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from synthesis.plan.config import Config
from synthesis.results.extracted import Chosen, Effect
from synthesis.results.files import Cell

# From so many others on, all of them in a synthesis, a lone row outside is more likely a slip than meant.
LEAST_OTHERS = 3


def left_out(
    config: Config, effects: Iterable[Effect], chosen: Collection[Chosen], places: Mapping[str, str]
) -> list[str]:
    """A line for each lone effect of a source, or of its source and construct, that is in no synthesis of the plan."""
    taken = {row.effect_id for row in chosen}
    findings = {(row.sample_id, round(row.yi, 6)) for row in chosen}
    named = {name for doubt in config.doubts.values() for name in (*doubt.put_back, *doubt.replace.values())}
    groups: dict[tuple[str, ...], dict[str, Effect]] = {}
    for row in effects:
        if row.level == "study" and row.vi is not None:
            for key in ((row.source,), (row.source, row.construct)):
                groups.setdefault(key, {})[row.effect_id] = row
    lines: dict[str, str] = {}
    for group in groups.values():
        outside = [row for name, row in group.items() if name not in taken]
        others = [row for name, row in group.items() if name in taken]
        if len(outside) != 1 or len(others) < LEAST_OTHERS:
            continue
        (row,) = outside
        if row.effect_id not in named and (row.sample_id, round(row.yi, 6)) not in findings:
            apart = "; ".join(_apart(row, others, config)) or "no condition alone says why"
            place = places.get(row.effect_id, row.effect_id)
            lines.setdefault(
                row.effect_id,
                f"{place}: {row.effect_id} is in no synthesis, unlike the other {len(others)} of its source ({apart})",
            )
    return [*lines.values()]


def _apart(row: Effect, others: Iterable[Effect], config: Config) -> Iterator[str]:
    """What a row has, and none of the others, in the columns that decide on a synthesis."""
    asked = [s.select for s in config.syntheses.values() if row.source in s.sources]
    columns = ("estimand", "construct", "statistic", *(name for select in asked for name in select))
    for name in dict.fromkeys(columns):
        values = dict.fromkeys(_words(other.cell(name)) for other in others)
        if _words(row.cell(name)) not in values:
            yield f"{name} is {_words(row.cell(name))}, of the others {', '.join(values)}"


def _words(cell: Cell) -> str:
    return "empty" if cell in (None, "") else f"{cell:g}" if isinstance(cell, float) else str(cell)
