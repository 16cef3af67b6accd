"""Words that a synthesis tells apart although only their spelling differs, words for nothing among them, and rows that
a condition leaves out because they have nothing to meet it with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from synthesis.data.vocabulary import LANE_ESTIMANDS
from synthesis.errors import Problem
from synthesis.plan.conditions import Condition, is_number
from synthesis.plan.config import Config, Synthesis
from synthesis.plan.selection import asked_cell, meets
from synthesis.results.extracted import Chosen, Effect, Row
from synthesis.text import plain, plural

# What programs write for an empty cell, and signs that stand for one; "none" and "not reported" may be levels.
NOTHING = frozenset([
    "na", "n/a", "#n/a", "#na", "nan", "null", "<na>", "#nv", "n.a.", "-", "--", "\u2010", "\u2011", "\u2012",
    "\u2013", "\u2014", ".", "..", "...", "\u2026", "?", "#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!",
])  # fmt: skip
# What tells words apart beside letters and digits: signs of comparison, and what stands between digits.
_SIGNS = re.compile(r"[<>\u2264\u2265=+~!%&|]|(?<=\d)[.,:/\-\u2013\s](?=\d)|^[\-\u2212\u2013](?=\d)")
# Ids are matched to the letter.
_IDS = frozenset(["effect_id"])
_SHOWN = 3
Places = Mapping[str, str]


def one_word(word: str) -> str:
    """What two spellings of one word have in common; signs that make another word of it are kept."""
    signs = "".join(_SIGNS.findall(word)).replace("\u2013", "-").replace("\u2212", "-")
    return f"{plain(word)} {signs}" if plain(word) else word


def spelling_faults(name: str, config: Config, effects: Sequence[Effect], chosen: Sequence[Chosen],
                    places: Places) -> list[Problem]:  # fmt: skip
    """Spellings of one word, and words for nothing, by which a synthesis selects, blocks or compares its effects."""
    synthesis = config.syntheses[name]
    key = f"config.yaml, key syntheses.{name}"
    problems = [*selected_faults(key, synthesis, synthesis.select, effects, config, places)]
    for where, column, levels in _factors(key, name, config):
        rows = [row for row in chosen if isinstance(row.cell(column), str) and row.cell(column)]
        problems += _nothing(where, column, rows, places)
        problems += _spellings(where, column, rows, levels, places)
    return problems


def _factors(key: str, name: str, config: Config) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Columns of words whose levels a synthesis tells apart: key of the plan, column, and level by word of a
    grouping."""
    synthesis = config.syntheses[name]
    asked = [(f"{key}.group_by", synthesis.group_by)] if synthesis.group_by else []
    asked += [(f"{key}.moderators", column) for column in synthesis.moderators]
    asked += [(f"{key}.regressions.{k}", c) for k, model in synthesis.regressions.items() for c in model.columns]
    asked += [(f"{key}.crossed", column) for column in synthesis.crossed]
    asked += [(f"{key}.levels", column) for column in synthesis.levels[:-1]]
    seen = set()
    for where, column in asked:
        grouping = config.groupings.get(column)
        if column in seen or (grouping is None and config.is_number(column)):
            continue
        seen.add(column)
        if grouping is None:
            yield where, column, {}
        else:
            levels = {word: level for level, words in grouping.levels.items() for word in words}
            yield f"config.yaml, key groupings.{column}", grouping.column, levels


def _nothing(where: str, column: str, rows: Sequence[Row], places: Places) -> Iterator[Problem]:
    for row in rows:
        word = row.words(column)
        if word.casefold() in NOTHING:
            allowed = f"an empty cell where there is nothing: {where} would have {word} as a level"
            hint = "where nothing is a level of its own, in words: not reported"
            yield Problem(_place(row, column, places), word, allowed, hint)


def _spellings(where: str, column: str, rows: Sequence[Row], levels: Mapping[str, str],
               places: Places) -> Iterator[Problem]:  # fmt: skip
    """Levels that are one word; of a grouping, words that it does not name and that are one with one that it does."""
    first: dict[str, tuple[str, str]] = {one_word(word): (word, where) for word in levels}
    seen = set()
    for row in rows:
        word = row.words(column)
        known, there = first.setdefault(one_word(word), (word, _place(row, column, places)))
        if levels and (known not in levels or word in levels):
            continue
        if known != word and word not in seen and word.casefold() not in NOTHING:
            seen.add(word)
            hint = f"{where} would have them as two: correct one; of a moderator, a grouping may name both in a level"
            if levels:
                hint = f"no level names {word}, and its rows would be left out: name it too"
            yield Problem(_place(row, column, places), word, f"{known}, as in {there}", hint)


def selected_faults(
    key: str,
    synthesis: Synthesis,
    select: Mapping[str, Condition],
    effects: Iterable[Effect],
    config: Config,
    places: Places,
    setting: str = "select",
) -> Iterator[Problem]:
    """Cells that are a word of a condition in another spelling, of rows that every other condition takes.

    `setting`: the key of the plan that has the conditions.
    """
    asked = {c: condition for c, condition in select.items() if c not in _IDS and not config.is_number(c)}
    spelt = {c: _by_word((*(x.any_of or ()), *(x.none_of or ()))) for c, x in asked.items()}
    if not any(spelt.values()):
        return
    rows = [row for row in effects if _of_synthesis(row, synthesis)]
    for column, words in spelt.items():
        others = {c: x for c, x in select.items() if c != column}
        seen = set()
        for row in rows:
            cell = row.words(column)
            meant = words.get(one_word(cell)) if cell else None
            if meant is None or cell in seen or cell in words.values() or cell in _named(asked[column]):
                continue
            if meets(row, others):
                seen.add(cell)
                what = "be left out" if meant in (asked[column].any_of or ()) else "stay in"
                where = f"{key}.{setting}.{column}"
                hint = f"the same word in two spellings? Its rows would {what}: spell them alike, or name both there"
                yield Problem(_place(row, column, places), cell, f"{meant}, as {where} has it", hint)


def _named(condition: Condition) -> tuple[str, ...]:
    return (*(condition.any_of or ()), *(condition.none_of or ()))


def _by_word(words: Iterable[str]) -> dict[str, str]:
    return {one_word(word): word for word in words}


def _of_synthesis(row: Effect, synthesis: Synthesis) -> bool:
    """Whether a row is one that the conditions of a synthesis decide on."""
    return (
        row.source in synthesis.sources
        and row.metric == synthesis.metric
        and row.vi is not None
        and row.estimand in LANE_ESTIMANDS[synthesis.lane]
        and (row.level == "study" or "level" in synthesis.mix)
    )


def empty_cells(config: Config, effects: Sequence[Effect]) -> list[str]:
    """A line for each condition that leaves out rows of a synthesis because they are empty where it asks."""
    lines = []
    kinds = {name: column.kind or "" for name, column in config.own_columns.items()}
    for name, synthesis in config.syntheses.items():
        rows = [row for row in effects if _of_synthesis(row, synthesis)] if synthesis.select else []
        for column, condition in synthesis.select.items():
            others = {c: x for c, x in synthesis.select.items() if c != column}
            asked = [row for row in rows if meets(row, others)]
            empty = [
                row for row in asked if asked_cell(row, column) in (None, "") and not meets(row, {column: condition})
            ]
            # Words that most rows lack are no gap: they mark the few that have them.
            if empty and (is_number(column, kinds) or 2 * len(empty) < len(asked)):
                lines.append(_line(f"config.yaml, key syntheses.{name}.select.{column}", column, empty))
    return lines


def _line(key: str, column: str, empty: Collection[Row]) -> str:
    names = [row.effect_id for row in empty]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    also = ", and the sizes of their arms" if column == "n" else ""
    rows = f"{plural(len(names), 'row')} left out because {column} is empty{also}"
    return f"{key}: {rows}: {', '.join(names[:_SHOWN])}{more}"


def _place(row: Row, column: str, places: Places) -> str:
    return f"{places.get(row.effect_id, f'effect {row.effect_id}')}, column {column}"
