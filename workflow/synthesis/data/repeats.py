"""Effects that are in a pool twice: the same numbers again, one result in two statistics, an arm copied."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter

from synthesis.data.columns import QUOTED_COLUMNS
from synthesis.data.papers import other_paper, paper_key, study_key
from synthesis.results.extracted import Chosen, Row
from synthesis.text import plain

# From so many numbers on, two outcomes of one sample do not agree by chance: means and SDs of two arms.
NO_CHANCE = 4
# Estimates of one result, as means and as g, differ by their rounding: by this share, or by half a second decimal.
SAME_RESULT, ROUNDED = 0.02, 0.005
# Nothing is said by the agreement of estimates that are so small; nor where their variances are further apart.
SMALL_RESULT, SAME_VARIANCE = 0.05, 1.5
# Two arms of one mean and SD are asked about where less of all trials without an effect have them.
RARE = 0.01
# What tells two findings of one sample apart.
LABELS = (
    "outcome", "rater", "outcome_rater", "timepoint", "timepoint_detail", "weeks", "alliance_measure", "treatment",
    "comparator", "comparator_detail", "adjusted_for", "construct", "estimand", "label", "sessions", "format",
    "country",
)  # fmt: skip
_ROW_NUMBER = re.compile(r"\brow \d+$")
# What a row prints.
NUMBERS = attrgetter("statistic", *QUOTED_COLUMNS)
COUNTS = frozenset(["n", "n_treat", "n_control", "total_treat", "total_control", "k", "df", "df1"])
_TELLING = [name for name in QUOTED_COLUMNS if name not in COUNTS]
_CELLS = attrgetter(*_TELLING)
# What follows from a value and its size: its agreement is no agreement of another number.
_FOLLOWS = frozenset(["se", "variance", "ci_low", "ci_high", "p"])


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is asked of a row, beside another one; `value` where the sample's name does not say it."""

    row: Chosen
    first: Chosen
    column: str
    allowed: str
    hint: str
    value: str = ""


def repeats(rows: Sequence[Chosen]) -> Iterator[Doubt]:
    """Rows that may be there twice, but for those that are checked."""
    yield from _copied_arms(rows)
    yield from _entered_twice(rows)
    papers: dict[str, list[Chosen]] = {}
    for row in rows:
        papers.setdefault(paper_key(row.study), []).append(row)
    for group in papers.values():
        if len(group) > 1:
            yield from _corrected_and_kept(group)
            yield from _in_two_statistics(group)


def _entered_twice(rows: Sequence[Chosen]) -> Iterator[Doubt]:
    """Effects of one study that print the same numbers: as two samples, or twice as one finding."""
    alike: dict[tuple[object, ...], list[Chosen]] = {}
    for row in rows:
        alike.setdefault((study_key(row.study), *NUMBERS(row)), []).append(row)
    for group in alike.values():
        numbers = results(group[0])
        labelled: dict[tuple[object, ...], Chosen] = {}
        for at, row in enumerate(group):
            first = labelled.setdefault(_labels(row), row)
            if first is row and at and len(numbers) >= NO_CHANCE:
                first = group[0]
            if first is row or not numbers or row.checked or other_paper(first, row):
                continue
            yield twice(row, first)


def twice(row: Chosen, first: Chosen) -> Doubt:
    """That a row prints what another one does."""
    hint = "the same is printed there: one study entered twice, and counted twice?"
    return Doubt(row, first, "study", "other numbers than", hint)


def _corrected_and_kept(group: Sequence[Chosen]) -> Iterator[Doubt]:
    """Rows of one finding that differ in one number alone: the old one and the corrected one."""
    alike: dict[tuple[object, ...], list[Chosen]] = {}
    for row in group:
        printed = [name for name in QUOTED_COLUMNS if row.cell(name) not in (None, "")]
        if len(printed) < NO_CHANCE:
            continue
        labels = row.statistic, *_labels(row)
        for name in printed:
            if name in COUNTS or results(row) == [name]:
                continue
            but_one = labels, name, *((other, row.cell(other)) for other in printed if other != name)
            before = alike.setdefault(but_one, [])
            for first in before:
                same = first.cell(name) == row.cell(name)
                if not (same or row.checked or other_paper(first, row) or _elsewhere(first, row)):
                    yield _correction(row, first, name)
                    break
            before.append(row)


def _correction(row: Chosen, first: Chosen, name: str) -> Doubt:
    hint = (
        "all other numbers and labels are the same: a row and its correction, both kept? Or arms without a treatment?"
    )
    cell = row.cell(name)
    value = f"{cell:g}" if isinstance(cell, float) else str(cell)
    return Doubt(row, first, name, "another finding, told apart by a label, than", hint, value)


def _elsewhere(first: Row, row: Row) -> bool:
    """Whether rows of one sample stand at other places of their source, row numbers aside."""
    places = [_ROW_NUMBER.sub("", each.locator) for each in (first, row)]
    return first.sample_id == row.sample_id and "" not in places and places[0] != places[1]


def _in_two_statistics(group: Sequence[Chosen]) -> Iterator[Doubt]:
    """One result of a study as means and as g, as r and as t, as counts and as a ratio."""
    if len({row.statistic for row in group}) < 2:
        return
    for first, row in combinations(group, 2):
        apart = abs(first.yi - row.yi)
        if first.statistic == row.statistic or row.checked or apart > max(ROUNDED, SAME_RESULT * abs(row.yi)):
            continue
        if max(abs(first.yi), abs(row.yi)) < SMALL_RESULT or other_paper(first, row) or not _compatible(first, row):
            continue
        if first.n_total is not None and row.n_total is not None:
            alike = first.n_total == row.n_total
        else:
            alike = 1 / SAME_VARIANCE < first.vi / row.vi < SAME_VARIANCE
        if alike:
            hint = f"there as {first.statistic}, with the same estimate: one result entered twice, and counted twice?"
            yield Doubt(row, first, "statistic", "another result than", hint, row.statistic)


def _compatible(first: Row, row: Row) -> bool:
    """Whether nothing tells two findings apart; what is left empty does not."""
    pairs = [
        (plain_cell(first, name), plain_cell(row, name)) for name in LABELS if name not in ("label", "adjusted_for")
    ]
    return all(a == b or a in (None, "") or b in (None, "") for a, b in pairs)


def _copied_arms(rows: Sequence[Chosen]) -> Iterator[Doubt]:
    """A treatment arm with the mean, SD and number of its control arm, where chance hardly makes them so."""
    for row in rows:
        arms = [(row.cell(f"mean_{arm}"), row.cell(f"sd_{arm}"), row.cell(f"n_{arm}")) for arm in ("treat", "control")]
        mean, sd, n = arms[0]
        if arms[0] != arms[1] or row.checked:
            continue
        if isinstance(mean, float) and isinstance(sd, float) and isinstance(n, float) and n > 1:
            step = 10.0 ** -max(_decimals(mean), _decimals(sd))
            # The density at 0 of differences of means, and of SDs, of arms that are drawn alike.
            at_0 = 1 / math.sqrt(2 * math.pi)
            chance = (at_0 * step / (sd * math.sqrt(2 / n))) * (at_0 * step / (sd / math.sqrt(n)))
            if chance < RARE:
                value = f"{mean:g}, sd_treat {sd:g}, n_treat {n:g}"
                hint = "one arm copied into the other?"
                yield Doubt(row, row, "mean_treat", "other numbers than those of the control arm", hint, value)


def _decimals(value: float) -> int:
    return len(f"{value:.10g}".partition(".")[2])


def results(row: Row) -> list[str]:
    """The numbers whose agreement says something: not counts, not 0, not what follows from another."""
    named = [name for name, cell in zip(_TELLING, _CELLS(row), strict=True) if cell not in (None, "", 0.0)]
    return [name for name in named if not (name in _FOLLOWS and "value" in named)]


def _labels(row: Row) -> tuple[object, ...]:
    return (*(plain_cell(row, name) for name in LABELS), *(plain_cell(row, name) for name in row.own))


def plain_cell(row: Row, name: str) -> object:
    """What a column holds, words without case, accents, spaces and punctuation."""
    cell = row.cell(name)
    return plain(cell) if isinstance(cell, str) else cell
