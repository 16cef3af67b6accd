"""Who shares people, in a table that does not say so: samples and control groups, inferred, said, or asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from synthesis.data.arms import control_of
from synthesis.data.papers import first_author
from synthesis.errors import Problem
from synthesis.text import plain

Cells = dict[str, str]
# study: rows of one study are one sample; row: each row is a sample; given: the ids as they stand.
Samples = Literal["study", "row", "given"]
OPTION = "--samples"
_MOST_NAMED = 3
_ONE_FINDING = ("outcome", "rater", "timepoint", "timepoint_detail", "weeks")
_ONE_TRIAL = "one trial under several names?"
_UP_TO_THE_YEAR = re.compile(r".*?\b(?:18|19|20)\d\d(?=\D|$)")
_NUMBER_OF_ONE = re.compile(r"(?:sample|study|group|s|g)?[ _#-]?(?:\d{1,3}[a-z]?|[a-z])", re.IGNORECASE)


def assigned(
    rows: Sequence[Cells], *, given: bool, how: Samples | None
) -> tuple[list[Cells], list[str], list[Problem]]:
    """Rows with `sample_id` and, where arms share a control, `control_group`; what was taken as what; and questions.

    `rows` as they will be written, each with `effect_id`, `study` and `locator`; `given`: the table has a column of
    samples. `how` answers the questions. Rows of one study (by name without case and punctuation, and year) are one
    sample; equal control arms within a sample are the same people.
    """
    if given:
        named, notes, problems = _given(rows, how)
    else:
        named, notes = _by_study(rows, how)
        problems = [] if how == "row" else _questions(named)
    return [*_control_groups(named, notes)], notes, problems


def apart(rows: Sequence[Cells]) -> list[str]:
    """Samples that stand under one study with others: other people, where it was said that the ids are right."""
    studies: dict[str, list[str]] = {}
    for row in rows:
        studies.setdefault(first_author(row["study"]), []).append(row["sample_id"])
    return list(dict.fromkeys(sample for ids in studies.values() if len(set(ids)) > 1 for sample in ids))


def _by_study(rows: Sequence[Cells], how: Samples | None) -> tuple[list[Cells], list[str]]:
    """Rows of one study under one sample, unless each row is to be its own."""
    studies: dict[tuple[str, str], list[Cells]] = {}
    for row in rows:
        studies.setdefault((plain(row["study"]), row.get("year", "")), []).append(row)
    several = [group for group in studies.values() if len(group) > 1]
    if how == "row" or not several:
        notes = [f"samples: each row is one of its own ({OPTION} row)"] if several else []
        return [row | {"sample_id": row["effect_id"]} for row in rows], notes
    ids = {
        row["effect_id"]: group[0]["study"] + _year(group[0], studies) for group in studies.values() for row in group
    }
    names = "; ".join(f"{group[0]['study']}, {_rows(group)}" for group in several[:_MOST_NAMED])
    more = f"; and {len(several) - _MOST_NAMED} more" if len(several) > _MOST_NAMED else ""
    notes = [f"samples: rows of one study are the same people ({names}{more}); {OPTION} row makes each row its own"]
    return [row | {"sample_id": ids[row["effect_id"]]} for row in rows], notes


def _year(row: Cells, studies: dict[tuple[str, str], list[Cells]]) -> str:
    """The year, where it tells two studies of one name apart."""
    same = [year for name, year in studies if name == plain(row["study"])]
    return f" {row['year']}" if len(same) > 1 and row.get("year") else ""


def _given(rows: Sequence[Cells], how: Samples | None) -> tuple[list[Cells], list[str], list[Problem]]:
    """The table's own ids; those that are numbered anew in each study are combined with the study."""
    filled = [row if row.get("sample_id") else row | {"sample_id": row["study"]} for row in rows]
    studies: dict[str, dict[str, list[Cells]]] = {}
    for row in filled:
        studies.setdefault(row["sample_id"], {}).setdefault(plain(row["study"]), []).append(row)
    across = {name: groups_of for name, groups_of in studies.items() if len(groups_of) > 1}
    if not across or how == "given":
        return filled, [], []
    if how == "study" or _numbered_anew(filled):
        notes = [
            f"samples: ids are numbered within studies, and combined with them; {OPTION} given takes them as they are"
        ]
        return [row | {"sample_id": f"{row['study']} / {row['sample_id']}"} for row in filled], notes, []
    problems = []
    for name, groups_of in across.items():
        groups = list(groups_of.values())
        value = "; ".join(f"{group[0]['study']}, {_rows(group)}" for group in groups[:_MOST_NAMED])
        allowed = f"one study for a sample, or {OPTION} given (the same people) or {OPTION} study (others)"
        problems.append(Problem("sample_id", name, allowed, f"it stands under several studies: {value}"))
    return filled, [], problems


def _numbered_anew(rows: Sequence[Cells]) -> bool:
    """Whether ids are counted within studies: short ones, of which each study has the first."""
    if not all(_NUMBER_OF_ONE.fullmatch(row["sample_id"]) for row in rows):
        return False
    counted: dict[str, set[str]] = {}
    for row in rows:
        last = re.sub(r"^.*?(\d+|[a-z])$", r"\1", row["sample_id"].casefold()).lstrip("0") or "0"
        counted.setdefault(plain(row["study"]), set()).add(last)
    return any(all(first in ids for ids in counted.values()) for first in ("0", "1", "a"))


def _questions(rows: Sequence[Cells]) -> list[Problem]:
    """Equal arms under several studies: one trial under two names, or a slip."""
    by_control: dict[tuple[str, ...], list[Cells]] = {}
    alike: dict[tuple[str, ...], list[Cells]] = {}
    for row in rows:
        control = control_of(_complete(row))
        begins = _UP_TO_THE_YEAR.match(row["study"])
        if control is not None and row["statistic"] != "2x2":
            by_control.setdefault(control, []).append(row)
        elif begins and (control or row.get("n_control")):
            alike.setdefault((plain(begins[0]), *(control or (row["n_control"],))), []).append(row)
    printed = [
        _question(group, ", ".join(map(str, control)), f"print the same mean, SD and number: {_ONE_TRIAL}")
        for control, group in by_control.items()
    ]
    begun = [
        _question(group, ", ".join(map(str, key[1:])), f"have control arms of one size: {_ONE_TRIAL}")
        for key, group in alike.items()
    ]
    return [problem for problem in (*printed, *begun) if problem]


def _question(group: Sequence[Cells], control: str, hint: str) -> Problem | None:
    """About rows of several studies with one control arm; nothing about those of one."""
    if len({row["sample_id"] for row in group}) < 2:
        return None
    names = ", ".join(dict.fromkeys(row["study"] for row in group))
    allowed = (
        "a control arm of each study's own; or a column sample_id that says who shares people, or "
        f"{OPTION} row (nobody does)"
    )
    return Problem(_rows(group), control, allowed, f"{names} {hint}")


def _control_groups(rows: Sequence[Cells], notes: list[str]) -> list[Cells]:
    """Names control arms that several rows of a sample print alike, with other treatment arms."""
    by_control: dict[tuple[str, ...], list[Cells]] = {}
    for row in rows:
        control = control_of(_complete(row))
        if control is not None and not row.get("control_group"):
            same = tuple(plain(row.get(name, "")) for name in _ONE_FINDING)
            by_control.setdefault((row["sample_id"], row["statistic"], *control, *same), []).append(row)
    groups = [group for group in by_control.values() if len(group) > 1]
    ids = {row["effect_id"]: f"control {at}" for at, group in enumerate(groups, start=1) for row in group}
    for group in groups:
        notes.append(
            f"control arms: {_rows(group)} ({group[0]['study']}) compare with the same people; their treatment arms "
            "are combined (Cochrane Handbook, 23.3.4)"
        )
    return [row | {"control_group": ids[row["effect_id"]]} if row["effect_id"] in ids else row for row in rows]


class _Complete(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def _complete(row: Cells) -> Cells:
    return _Complete(row)


def _rows(group: Sequence[Cells]) -> str:
    numbers = [row["locator"].rpartition("row ")[2] for row in group]
    return "row " + numbers[0] if len(numbers) == 1 else f"rows {', '.join(numbers)}"
