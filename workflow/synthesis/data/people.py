"""People who may be counted wrongly in a pool: others under one sample_id, or the same ones entered twice.

`sharing.py` asks the same of a table that becomes a review; here it is asked of the effects that are pooled together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

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
# What tells two findings of one sample apart.
_LABELS = (
    "outcome", "rater", "outcome_rater", "timepoint", "timepoint_detail", "weeks", "alliance_measure", "treatment",
    "comparator", "comparator_detail", "adjusted_for", "construct", "estimand",
)  # fmt: skip
_COUNTS = frozenset(["n", "n_treat", "n_control", "total_treat", "total_control", "k", "df", "df1"])
# A few numbers first: most rows agree with none in them.
_FIRST = ("statistic", "value", "se", "p", "mean_treat", "mean_control", "sd_treat", "events_treat", "events_control",
          "n", "n_treat", "n_control")  # fmt: skip
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)[a-z]?(?![a-z])", re.IGNORECASE)
_ET_AL = re.compile(r"\bet\.?\s*al\b\.?|\bu\.\s*a\.|\band (?:colleagues|others)\b", re.IGNORECASE)


def study_key(study: str) -> str:
    """A study's name without its year, "et al." and punctuation: "Fuhr, 2019b" and "Fuhr et al." are one."""
    return plain(_ET_AL.sub(" ", _YEAR.sub(" ", study))) or plain(study)


def people_faults(rows: Sequence[Chosen], places: Mapping[str, str], same: Collection[str]) -> list[Problem]:
    """What must be asked of effects that are pooled together. `places`: file and row by effect_id; `same`: samples
    that several studies report, as their sources declare."""
    return [*_several_studies(rows, places, same), *_entered_twice(rows, places)]


def under_several_studies(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of its studies, by sample, of the samples that stand under several; `rows`: sample and study."""
    studies: dict[str, dict[str, str]] = {}
    for sample, study in dict.fromkeys(rows):
        studies.setdefault(sample, {}).setdefault(study_key(study), study)
    return {sample: [*named.values()] for sample, named in studies.items() if len(named) > 1}


def _several_studies(rows: Sequence[Chosen], places: Mapping[str, str], same: Collection[str]) -> list[Problem]:
    """One sample_id under several studies: people who are numbered anew in each table, or papers on the same ones."""
    problems = []
    for sample, studies in under_several_studies((row.sample_id, row.study) for row in rows).items():
        if sample in same:
            continue
        own = [row for row in rows if row.sample_id == sample]
        firsts = [next(row for row in own if row.study == study) for study in studies]
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
        alike.setdefault((study_key(row.study), *(getattr(row, name) for name in _FIRST)), []).append(row)
    problems = []
    for group in alike.values():
        for at, row in enumerate(group[1:], start=1):
            first = next((other for other in group[:at] if _same_finding(other, row)), None)
            if first is None or row.checked:
                continue
            value = f"{row.study}: {row.effect_id} (sample {row.sample_id})"
            allowed = (
                f"other numbers than {first.effect_id} (sample {first.sample_id}; {_place(first, places)}), or an "
                "exclusion_reason"
            )
            hint = f"the same is printed there: one study entered twice, and counted twice? {CONFIRM}"
            problems.append(Problem(f"{_place(row, places)}, column study", value, allowed, hint))
    return problems


def _same_finding(one: Chosen, other: Chosen) -> bool:
    """Whether two effects of a study are one entered twice: the same numbers, and nothing that makes that likely."""
    if _apart(one.year, other.year):
        return False
    if any(one.cell(name) != other.cell(name) for name in ("statistic", *QUOTED_COLUMNS)):
        return False
    results = [name for name in QUOTED_COLUMNS if name not in _COUNTS and one.cell(name) not in (None, "")]
    if not results:
        return False
    labelled = all(_plain(one, name) == _plain(other, name) for name in _LABELS)
    return one.sample_id != other.sample_id or labelled or len(results) >= NO_CHANCE


def _apart(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > ONLINE_FIRST


def _plain(row: Chosen, name: str) -> object:
    cell = row.cell(name)
    return plain(cell) if isinstance(cell, str) else cell
