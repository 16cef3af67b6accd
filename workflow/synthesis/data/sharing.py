"""Who shares people: independent samples and control groups, inferred from a table that does not name them.

What is certain (one study name, one control arm within it) is taken and told. What is likely (one control arm or one
whole sample under two names, one id under two papers) is refused until the user says which it is: taken as
independent, people would be counted twice in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from synthesis.errors import Problem

Row = Mapping[str, str]

# Answers of --samples that are no column of the table.
BY_STUDY, BY_ROW = "study", "row"
_ARMS = {
    "treat": (("mean_treat", "sd_treat", "n_treat"), ("events_treat", "total_treat")),
    "control": (("mean_control", "sd_control", "n_control"), ("events_control", "total_control")),
}
_ANSWERS = (
    "--samples study if they are different people, --samples row if every row is a sample of its own, or "
    "--samples <column> with the same text where people are the same"
)


@dataclass(frozen=True, slots=True)
class Sharing:
    """The sample and the control group of each row (`""`: shared with no other row), and what to tell.

    `remarks` say what was taken; `problems` are the questions that only the user can answer.
    """

    sample_ids: tuple[str, ...]
    control_groups: tuple[str, ...]
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]


def plain(name: str) -> str:
    """A name without case, accents, spaces and punctuation: what two spellings of it have in common.

    A mark between two digits stays (1.5 is not 15); a name of marks alone stays as it is.
    """
    letters = unicodedata.normalize("NFKD", name.casefold().strip())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    letters = re.sub(r"(?<=\d)[\W_]+(?=\d)", ".", letters)
    bare = re.sub(r"[^\w.]|_|(?<!\d)\.|\.(?!\d)", "", letters)
    return bare or name.strip()


def shared(rows: Sequence[Row], places: Sequence[str], own: Sequence[str], samples: str = "") -> Sharing:
    """Infers who shares people. `rows`: cells by column of the data dictionary; `places`: what to call each row;
    `own`: the sample of a row that shares with none; `samples`: the user's answer, empty for none.

    Without an answer a mapped `sample_id` is honoured but checked; else rows of one study name are one sample.
    """
    if samples == BY_ROW:
        return Sharing(tuple(own), ("",) * len(rows), ("every row was taken as a sample of its own",), ())
    remarks: list[str] = []
    problems: list[Problem] = []
    named = any(row.get("sample_id", "") for row in rows) and samples != BY_STUDY
    if named:
        ids = [row.get("sample_id", "") or alone for row, alone in zip(rows, own, strict=True)]
        if not samples:
            ids = _checked(rows, ids, places, remarks, problems)
    else:
        ids = _by_study(rows, places, own, remarks)
    groups = _control_groups(rows, ids, places, remarks)
    if not samples:
        problems += _repeated(rows, ids, places)
        remarks += _lettered(rows, ids)
    return Sharing(tuple(ids), groups, tuple(remarks), tuple(problems))


def _positions(keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        found.setdefault(key, []).append(position)
    return found


def _by_study(rows: Sequence[Row], places: Sequence[str], own: Sequence[str], remarks: list[str]) -> list[str]:
    ids = list(own)
    for members in _positions([plain(row["study"]) for row in rows]).values():
        if len(members) < 2:
            continue
        spelled = list(dict.fromkeys(rows[i]["study"] for i in members))
        for i in members:
            ids[i] = spelled[0]
        remarks.append(f"{_listed(places, members)} ({' = '.join(spelled)}) were taken as one sample of people")
    return ids


def _checked(
    rows: Sequence[Row], ids: list[str], places: Sequence[str], remarks: list[str], problems: list[Problem]
) -> list[str]:
    """The user's ids; combined with the study where they are numbered anew within each."""
    studies = [plain(row["study"]) for row in rows]
    reused = [m for m in _positions(ids).values() if len({studies[i] for i in m}) > 1]
    if reused and _numbered_within(ids, studies):
        remarks.append("samples are numbered anew within each study: the number was combined with the study")
        first = {study: rows[members[0]]["study"] for study, members in _positions(studies).items()}
        return [f"{first[study]} / {name}" for study, name in zip(studies, ids, strict=True)]
    for members in reused:
        papers = ", ".join(dict.fromkeys(rows[i]["study"] for i in members))
        problems.append(
            Problem(
                f"column sample_id, {_listed(places, members)}",
                ids[members[0]],
                "one id per group of people",
                f"it stands under {papers}: the same people? Write --samples <that column>; else --samples study",
            )
        )
    return ids


def _numbered_within(ids: Sequence[str], studies: Sequence[str]) -> bool:
    """Whether every study counts its samples 1, 2, 3, ..."""
    if not all(name.isdecimal() for name in ids):
        return False
    counted = [{int(ids[i]) for i in members} for members in _positions(studies).values()]
    return all(numbers == set(range(1, len(numbers) + 1)) for numbers in counted)


def _arm(row: Row, arm: str) -> tuple[float, ...] | None:
    """The numbers of an arm, where the row prints all of them."""
    for names in _ARMS[arm]:
        try:
            return tuple(float(row.get(name, "")) for name in names)
        except ValueError:
            continue
    return None


def _telling(arm: tuple[float, ...]) -> bool:
    """Whether two groups of people would hardly print these numbers by chance: a mean and an SD, not counts."""
    return len(arm) == 3 and arm[0] != 0


def _control_groups(
    rows: Sequence[Row], ids: Sequence[str], places: Sequence[str], remarks: list[str]
) -> tuple[str, ...]:
    """Equal control arms within a sample, beside different treatment arms: one control group."""
    groups = [row.get("control_group", "") for row in rows]
    arms = [_arm(row, "control") for row in rows]
    keys = [(ids[i], rows[i].get("outcome", ""), rows[i].get("timepoint", ""), arms[i]) for i in range(len(rows))]
    for members in _positions(keys).values():
        control = arms[members[0]]
        treated = [_arm(rows[i], "treat") for i in members]
        if control is None or None in treated or len(set(treated)) < 2 or any(groups[i] for i in members):
            continue
        for i in members:
            groups[i] = f"control {places[members[0]]}"
        study = rows[members[0]]["study"]
        printed = ", ".join(f"{number:g}" for number in control)
        remarks.append(
            f"{_listed(places, members)} ({study}) print the same control arm ({printed}): taken as one sample with "
            "one control group"
        )
    return tuple(groups)


def _repeated(rows: Sequence[Row], ids: Sequence[str], places: Sequence[str]) -> list[Problem]:
    """Control arms, and whole samples, that stand under different samples; and rows that stand there twice."""
    problems = []
    controls = [_arm(row, "control") for row in rows]
    for control, members in _positions(controls).items():
        if control is None or len({ids[i] for i in members}) < 2 or not _telling(controls[members[0]] or ()):
            continue
        treated = {_arm(rows[i], "treat") for i in members}
        studies = ", ".join(dict.fromkeys(rows[i]["study"] for i in members))
        what = "the same numbers in both arms" if len(treated) == 1 else "the same control arm"
        printed = ", ".join(f"{number:g}" for number in controls[members[0]] or ())
        problems.append(
            Problem(
                _listed(places, members),
                f"{what} ({printed}) under {studies}",
                "people that are counted once",
                f"one trial in two papers? Write {_ANSWERS}",
            )
        )
    return problems


def _lettered(rows: Sequence[Row], ids: Sequence[str]) -> list[str]:
    """Studies whose names differ by a letter after the year: two papers, perhaps of the same people."""
    names = {plain(row["study"]): row["study"] for row in rows}
    lettered = sorted((found[1], name) for name in names if (found := re.fullmatch(r"(.*\d{4})[a-z]", name)))
    sample = {plain(row["study"]): name for row, name in zip(rows, ids, strict=True)}
    remarks = []
    for _, pairs in groupby(lettered, key=lambda pair: pair[0]):
        same = [name for _, name in pairs]
        if len({sample[name] for name in same}) > 1:
            said = " and ".join(names[name] for name in same)
            remarks.append(f"{said} were taken as different people; the same? Name them by --samples <column>")
    return remarks


def _listed(places: Sequence[str], members: Sequence[int]) -> str:
    """rows 2, 3 and 4"""
    words = [places[i].removeprefix("row ") for i in members]
    return f"row {words[0]}" if len(words) == 1 else f"rows {', '.join(words[:-1])} and {words[-1]}"
