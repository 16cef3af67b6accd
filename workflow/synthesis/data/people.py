"""People who may be counted wrongly in a pool: others under one sample_id, or the same ones entered twice.

`sharing.py` asks the same of a table that becomes a review; here it is asked of the effects that are pooled together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter

from synthesis.data.columns import QUOTED_COLUMNS
from synthesis.data.days import ONLINE_FIRST
from synthesis.data.precision import CONFIRM
from synthesis.errors import Problem
from synthesis.results.extracted import Chosen, Row
from synthesis.text import plain

SAME_PEOPLE = "same_people"
_MOST_NAMED = 3
# From so many numbers on, two outcomes of one sample do not agree by chance: means and SDs of two arms.
NO_CHANCE = 4
# Years between papers on one sample that share their first author.
FOLLOWED = 5
# What tells two findings of one sample apart.
_LABELS = (
    "outcome", "rater", "outcome_rater", "timepoint", "timepoint_detail", "weeks", "alliance_measure", "treatment",
    "comparator", "comparator_detail", "adjusted_for", "construct", "estimand", "label", "sessions", "format",
    "country",
)  # fmt: skip
# What a row prints.
_NUMBERS = attrgetter("statistic", *QUOTED_COLUMNS)
_COUNTS = frozenset(["n", "n_treat", "n_control", "total_treat", "total_control", "k", "df", "df1"])
# What follows from a value and its size: its agreement is no agreement of another number.
_FOLLOWS = frozenset(["se", "variance", "ci_low", "ci_high", "p"])
# A year of a paper, with its letter; the numbers of trials are none.
_YEAR = re.compile(r"\b((?:19[3-9]|20[0-4])\d)([a-z]?)\b", re.IGNORECASE)
_ET_AL = re.compile(r"\bet\.?\s*al\b\.?|\bu\.\s*a\.|\band (?:colleagues|others)\b", re.IGNORECASE)


@cache
def study_key(study: str) -> str:
    """A study's name without its year, "et al." and punctuation: "Fuhr, 2019b" and "Fuhr et al." are one."""
    return plain(_ET_AL.sub(" ", _YEAR.sub(" ", study))) or plain(study)


def people_faults(rows: Sequence[Chosen], places: Mapping[str, str], same: Collection[str]) -> list[Problem]:
    """What must be asked of effects that are pooled together. `places`: file and row by effect_id; `same`: samples
    that several studies report, as their sources declare."""
    return [*_several_studies(rows, places, same), *_entered_twice(rows, places)]


def under_several_studies(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of its studies, by sample, of the samples that stand under several; `rows`: sample and study.

    Papers of one first author on one sample are one study, but for years that are far apart.
    """
    studies: dict[str, list[str]] = {}
    for sample, study in dict.fromkeys(rows):
        named = studies.setdefault(sample, [])
        if not any(_one_study(study, other) for other in named):
            named.append(study)
    return {sample: named for sample, named in studies.items() if len(named) > 1}


def _one_study(first: str, second: str) -> bool:
    if study_key(first) == study_key(second) or study_key(first).split()[:1] == study_key(second).split()[:1]:
        years = [[int(year) for year, _ in _YEAR.findall(study)] for study in (first, second)]
        return not all(years) or min(abs(a - b) for a in years[0] for b in years[1]) <= FOLLOWED
    return False


def _several_studies(rows: Sequence[Chosen], places: Mapping[str, str], same: Collection[str]) -> list[Problem]:
    """One sample_id under several studies: people who are numbered anew in each table, or papers on the same ones."""
    problems = []
    for sample, studies in under_several_studies((row.sample_id, row.study) for row in rows).items():
        if sample in same:
            continue
        sample_rows = [row for row in rows if row.sample_id == sample]
        firsts = [next(row for row in sample_rows if row.study == study) for study in studies]
        named = "; ".join(f"{row.study}, {_place(row, places)}" for row in firsts[:_MOST_NAMED])
        more = f"; and {len(firsts) - _MOST_NAMED} more" if len(firsts) > _MOST_NAMED else ""
        allowed = (
            f"one study for a sample; or, where they are the same people, {SAME_PEOPLE}: ['{sample}'] in source.yaml"
        )
        hint = f"it stands under several studies, and would be pooled as one sample: {named}{more}"
        problems.append(Problem(f"{_place(firsts[1], places)}, column sample_id", sample, allowed, hint))
    return problems


def _place(row: Row, places: Mapping[str, str]) -> str:
    return places.get(row.effect_id, f"effect {row.effect_id}")


def _entered_twice(rows: Sequence[Chosen], places: Mapping[str, str]) -> list[Problem]:
    """Effects of one study that print the same numbers: as two samples, or twice as one finding."""
    alike: dict[tuple[object, ...], list[Chosen]] = {}
    for row in rows:
        alike.setdefault((study_key(row.study), *_NUMBERS(row)), []).append(row)
    problems = []
    for group in alike.values():
        results = _results(group[0])
        labelled: dict[tuple[object, ...], Chosen] = {}
        for at, row in enumerate(group):
            first = labelled.setdefault(_labels(row), row)
            if first is row and at and len(results) >= NO_CHANCE:
                first = group[0]
            if first is row or not results or row.checked or _other_paper(first, row):
                continue
            value = f"{row.study}: {row.effect_id} (sample {row.sample_id})"
            allowed = (
                f"other numbers than {first.effect_id} (sample {first.sample_id}; {_place(first, places)}), or an "
                "exclusion_reason"
            )
            hint = f"the same is printed there: one study entered twice, and counted twice? {CONFIRM}"
            problems.append(Problem(f"{_place(row, places)}, column study", value, allowed, hint))
    return problems


def _results(row: Row) -> list[str]:
    """The numbers whose agreement says something: not counts, not 0, not what follows from another."""
    named = [name for name in QUOTED_COLUMNS if name not in _COUNTS and row.cell(name) not in (None, "", 0.0)]
    return [name for name in named if not (name in _FOLLOWS and "value" in named)]


def _labels(row: Row) -> tuple[object, ...]:
    return (*(_plain(row, name) for name in _LABELS), *(_plain(row, name) for name in row.own))


def _other_paper(row: Row, other: Row) -> bool:
    """Whether the year, or its letter, makes two rows those of different papers."""
    (first, letter), (second, of_other) = _year(row), _year(other)
    if first is None or second is None:
        return False
    return abs(first - second) > ONLINE_FIRST or (first == second and letter != of_other)


def _year(row: Row) -> tuple[float | None, str]:
    """The year of a row, else that of its study's name; and the letter that stands beside it there."""
    named = _YEAR.findall(row.study)
    letter = named[-1][1].casefold() if named else ""
    year = row.year if row.year is not None else float(named[-1][0]) if named else None
    return year, letter


def _plain(row: Row, name: str) -> object:
    cell = row.cell(name)
    return plain(cell) if isinstance(cell, str) else cell
