"""People who may be counted wrongly in a pool: others under one sample_id, or the same ones under several.

`sharing.py` asks the same of a table that becomes a review; here it is asked of the effects that are pooled together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from synthesis.data.overlap import OTHER_PEOPLE, overlaps
from synthesis.data.papers import one_study
from synthesis.data.precision import CONFIRM
from synthesis.data.repeats import Doubt, repeats
from synthesis.errors import Problem
from synthesis.results.extracted import Chosen, Row

SAME_PEOPLE = "same_people"
_MOST_NAMED = 3


def people_faults(
    rows: Sequence[Chosen], places: Mapping[str, str], same: Collection[str], others: Collection[str] = ()
) -> list[Problem]:
    """What must be asked of effects that are pooled together. `places`: file and row by effect_id; as their sources
    declare, `same`: samples that several studies report, `others`: samples of other people than any other sample."""
    problems = _several_studies(rows, places, same)
    asked: set[str] = set()
    for doubt in repeats(rows):
        if doubt.row.effect_id not in asked:
            asked.add(doubt.row.effect_id)
            problems.append(_problem(doubt, places, CONFIRM))
    for doubt in overlaps([row for row in rows if not row.checked], others):
        if doubt.row.effect_id not in asked:
            asked.add(doubt.row.effect_id)
            declared = f"{OTHER_PEOPLE}: {sorted({doubt.row.sample_id, doubt.first.sample_id})} in source.yaml"
            problems.append(_problem(doubt, places, f"Other people? Then {declared}, or checked with checked_reason"))
    return problems


def under_several_studies(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of its studies, by sample, of the samples that stand under several; `rows`: sample and study.

    Papers of the same authors on one sample are one study, but for years that are far apart.
    """
    studies: dict[str, list[str]] = {}
    for sample, study in dict.fromkeys(rows):
        named = studies.setdefault(sample, [])
        if not any(one_study(study, other) for other in named):
            named.append(study)
    return {sample: named for sample, named in studies.items() if len(named) > 1}


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


def _problem(doubt: Doubt, places: Mapping[str, str], how: str) -> Problem:
    """A doubt about a row, beside the row that it is about, and how it is settled."""
    row, first = doubt.row, doubt.first
    allowed = doubt.allowed
    if first is not row:
        allowed = f"{allowed} {first.effect_id} (sample {first.sample_id}; {_place(first, places)})"
    value = doubt.value or f"{row.study}: {row.effect_id} (sample {row.sample_id})"
    where = f"{_place(row, places)}, column {doubt.column}"
    return Problem(where, value, f"{allowed}, or an exclusion_reason", f"{doubt.hint} {how}")
