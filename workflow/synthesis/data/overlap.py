"""People of one study under several samples: findings of one size, a total beside its subgroups, an arm in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations

from synthesis.data.papers import (
    first_author,
    numbers_of,
    one_year,
    other_paper,
    paper_key,
    study_key,
    surnames,
    year_of,
)  # fmt: skip
from synthesis.data.repeats import LABELS, NO_CHANCE, NUMBERS, Doubt, plain_cell, results, twice
from synthesis.results.extracted import Chosen, Row

# Samples that source.yaml declares to be other people.
OTHER_PEOPLE = "other_people"
# What differs between findings of the same people, and what between people.
_FINDING = (
    "outcome", "rater", "outcome_rater", "timepoint", "timepoint_detail", "weeks", "alliance_measure", "adjusted_for",
    "statistic",
)  # fmt: skip
_ARM = ("treatment", "format", "comparator")
_PEOPLE = (*_ARM, "comparator_detail", "intensity", "disorder", "country", "sessions", "percent_women", "mean_age")
# Samples of a study: among more of them, sizes agree, and add up, by chance.
_FEW = 6
_MOST_PARTS = 3
# A word in the names of more studies than these is hardly an author.
_MOST_PAPERS = 5
# Digits of a mean and an SD which, with the number of people, two studies do not have in common by chance.
_DIGITS = 5
# In a pool of more effects than these by one digit more.
_MANY_ROWS = 300
_ALONE = ("se", "median", "q1", "q3", "min", "max", "mean_ci_low", "mean_ci_high", "mean", "sd")

Sizes = tuple[float, ...]


def overlaps(rows: Sequence[Chosen], others: Collection[str]) -> Iterator[Doubt]:
    """Rows whose people may be those of another sample; `others`: samples of which it is said that they are not."""
    doubts = [*_other_names(rows), *_arm_in_common(rows)]
    for group in _groups(rows, paper_key):
        doubts += _in_total(group)
    for group in _groups(rows, first_author):
        doubts += _of_one_size(group)
    for doubt in doubts:
        if not (doubt.row.sample_id in others and doubt.first.sample_id in others):
            yield doubt


def _groups(rows: Sequence[Chosen], key: Callable[[str], str]) -> Iterator[list[Chosen]]:
    """The rows of each study with several samples."""
    groups: dict[str, list[Chosen]] = {}
    for row in rows:
        groups.setdefault(key(row.study), []).append(row)
    yield from (group for group in groups.values() if len({row.sample_id for row in group}) > 1)


def _sizes(row: Chosen) -> Sizes | None:
    """The people of both arms, else of the row."""
    arms = []
    for arm in ("treat", "control"):
        events, nonevents = row.cell(f"events_{arm}"), row.cell(f"nonevents_{arm}")
        whole = events + nonevents if isinstance(events, float) and isinstance(nonevents, float) else None
        sizes = (row.cell(f"n_{arm}"), row.cell(f"total_{arm}"), whole)
        arms.append(next((size for size in sizes if isinstance(size, float)), None))
    first, second = arms
    if first is not None and second is not None:
        return first, second
    return (row.n_total,) if row.n_total is not None else None


def _one_size(first: Sizes, second: Sizes) -> bool:
    return first == second if len(first) == len(second) else sum(first) == sum(second)


def _differ(first: Row, row: Row, names: Sequence[str]) -> bool:
    """Whether both fill one of the columns, and differently."""
    pairs = [(plain_cell(first, name), plain_cell(row, name)) for name in names]
    return any(a != b for a, b in pairs if a not in (None, "") and b not in (None, ""))


def _of_one_size(group: Sequence[Chosen]) -> Iterator[Doubt]:
    """Findings of one study and of as many people, under several samples: outcomes, raters, times of measurement."""
    few = len({row.sample_id for row in group}) <= _FEW
    by_people: dict[float, list[tuple[Chosen, Sizes]]] = {}
    for row in group:
        sizes = _sizes(row)
        if sizes is not None:
            by_people.setdefault(sum(sizes), []).append((row, sizes))
    for sized in by_people.values():
        before: dict[tuple[object, ...], list[tuple[Chosen, Sizes]]] = {}
        for row, sizes in sized:
            labels = row.study, row.year, *(plain_cell(row, name) for name in (*_PEOPLE, *_FINDING))
            earlier = (each for theirs, rows in before.items() if few or theirs != labels for each in rows)
            first = next((first for first, theirs in earlier if _same_people(first, theirs, row, sizes, few)), None)
            alike = before.setdefault(labels, [])
            # Two samples stand for all that are labelled alike.
            if few or (len(alike) < 2 and row.sample_id not in [other.sample_id for other, _ in alike]):
                alike.append((row, sizes))
            if first is not None:
                numbers = " and ".join(f"{size:g}" for size in sizes)
                hint = f"one study, and as many people ({numbers}): findings of the same ones need one sample_id."
                yield Doubt(row, first, "sample_id", "the sample of", hint)


def _same_people(first: Chosen, of_first: Sizes, row: Chosen, sizes: Sizes, few: bool) -> bool:
    """Whether two rows of as many people are those of one study, under two samples."""
    if first.sample_id == row.sample_id or not _one_size(of_first, sizes):
        return False
    if other_paper(first, row) or numbers_of(first.study) != numbers_of(row.study) or _differ(first, row, _PEOPLE):
        return False
    # Two arms of unequal size are hardly those of another sample again.
    if few and len(sizes) == len(of_first) == len(set(sizes)) == 2:
        return True
    named_alike = paper_key(first.study) == paper_key(row.study) and one_year(first, row)
    return named_alike and any(plain_cell(first, name) != plain_cell(row, name) for name in _FINDING)


def _in_total(group: Sequence[Chosen]) -> Iterator[Doubt]:
    """A sample as large as other samples of its study together: a total beside its subgroups."""
    sized: dict[str, tuple[Chosen, Sizes]] = {}
    for row in group:
        sizes = _sizes(row)
        if sizes is not None:
            sized.setdefault(row.sample_id, (row, sizes))
    if not _MOST_PARTS <= len(sized) <= _FEW:
        return
    for sample, (row, sizes) in sized.items():
        parts = [(other, of_other) for name, (other, of_other) in sized.items()
                 if name != sample and len(of_other) == len(sizes) and one_year(row, other)]  # fmt: skip
        # Single numbers add up by chance more often than those of two arms.
        counts = range(2, _MOST_PARTS + 1) if len(sizes) > 1 else [len(sized) - 1]
        for some in (some for count in counts for some in combinations(parts, count)):
            added = tuple(map(sum, zip(*(of_part for _, of_part in some), strict=True)))
            if added == sizes and not any(_differ(row, part, _ARM) for part, _ in some):
                named = " + ".join(part.effect_id for part, _ in some)
                numbers = " and ".join(f"{size:g}" for size in sizes)
                hint = f"its people ({numbers}) are as many as those of {named}: a total beside its subgroups?"
                yield Doubt(row, some[0][0], "sample_id", "people who are not counted in", hint)
                break


def _other_names(rows: Sequence[Chosen]) -> Iterator[Doubt]:
    """The same numbers under another form of a study's name; many numbers, under whatever name."""
    alike: dict[tuple[object, ...], list[Chosen]] = {}
    for row in rows:
        alike.setdefault(NUMBERS(row), []).append(row)
    several = {name for name, count in _name_counts(rows).items() if count > _MOST_PAPERS}
    for group in alike.values():
        numbers = results(group[0])
        for at, row in enumerate(group if numbers else ()):
            for first in group[:at]:
                if study_key(first.study) == study_key(row.study) and not other_paper(first, row):
                    continue
                if len(numbers) >= NO_CHANCE or _one_by_name(first, row, several):
                    yield twice(row, first)
                    break


def _name_counts(rows: Sequence[Chosen]) -> Counter[str]:
    """By name, how many studies have it."""
    return Counter(
        name for study in {study_key(row.study): row.study for row in rows}.values() for name in surnames(study)
    )


def _one_by_name(first: Chosen, row: Chosen, several: Collection[str]) -> bool:
    """Whether rows of few numbers may be of one study: an author in common, a size, years and labels."""
    years = [year_of(each)[0] for each in (first, row)]
    if None in years or other_paper(first, row) or row.n_total is None or _label_names(first) != _label_names(row):
        return False
    shared = surnames(first.study) & surnames(row.study)
    return bool(shared.difference(several)) and numbers_of(first.study) == numbers_of(row.study)


def _label_names(row: Row) -> tuple[object, ...]:
    """Labels but for the one that is made of the study's name."""
    return tuple(plain_cell(row, name) for name in LABELS if name != "label")


def _arm_in_common(rows: Sequence[Chosen]) -> Iterator[Doubt]:
    """An arm that is printed under several samples: of one study, or with many digits of whichever."""
    seen: dict[tuple[object, ...], list[tuple[Chosen, str]]] = {}
    least = _DIGITS + (len(rows) > _MANY_ROWS)
    for row in rows:
        for arm, name in (("treat", "treatment"), ("control", "control")):
            numbers = _arm(row, arm)
            if numbers is None:
                continue
            before = seen.setdefault(numbers, [])
            for first, of_first in before:
                if first.sample_id != row.sample_id and (_one_paper(first, row) or _many_digits(row, arm, least)):
                    hint = (
                        f"its {name} arm is printed as the {of_first} arm there: the same people need one sample_id, "
                        "and control arms that several rows share a control_group."
                    )
                    yield Doubt(row, first, "sample_id", "the sample of", hint)
                    break
            before.append((row, name))


def _one_paper(first: Row, row: Row) -> bool:
    return paper_key(first.study) == paper_key(row.study) and not other_paper(first, row)


def _arm(row: Row, arm: str) -> tuple[object, ...] | None:
    """What is printed of an arm: results and the number of its people; None where that is too little."""
    events, total = row.cell(f"events_{arm}"), row.cell(f"total_{arm}")
    nonevents = row.cell(f"nonevents_{arm}")
    if isinstance(events, float) and isinstance(nonevents, float) and total is None:
        total = events + nonevents
    if events and total and events != total:
        return "events", events, total
    results = tuple(row.cell(f"{name}_{arm}") for name in _ALONE)
    people = row.cell(f"n_{arm}")
    if people is None or sum(result not in (None, "", 0.0) for result in results) < 2:
        return None
    return (*results, people)


def _many_digits(row: Row, arm: str, least: int) -> bool:
    """Whether an arm prints a mean and an SD with many digits."""
    numbers = [row.cell(f"{name}_{arm}") for name in ("mean", "sd")]
    digits = [f"{abs(value):.10g}".replace(".", "").lstrip("0") for value in numbers if isinstance(value, float)]
    return len(digits) == len(numbers) and len("".join(digits)) >= least
