"""Treatment arms that compare with the same control arm, combined into one comparison.

Such comparisons share the people of the control arm: as independent samples, or as outcomes of the same people, they
would be weighted wrongly. Cochrane Handbook (version 6, sections 6.5.2.10 and 23.3.4): combine the arms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from synthesis.data.precision import CONFIRM
from synthesis.data.printed import Cells, Numbered, Row
from synthesis.text import plain

MEANS = frozenset({"mean_sd", "change_sd"})
COUNTS = frozenset({"2x2"})
# What both rows of a comparison with the same people must agree in.
_CONTROL = {
    "mean_sd": ("mean_control", "sd_control", "n_control"),
    "change_sd": ("mean_control", "sd_control", "n_control"),
    "2x2": ("events_control", "total_control"),
}
_TREATED = {
    "mean_sd": ("mean_treat", "sd_treat", "n_treat"),
    "change_sd": ("mean_treat", "sd_treat", "n_treat"),
    "2x2": ("events_treat", "total_treat"),
}
# Rows that differ in one of these are other comparisons of the same arms.
SAME = ("sample_id", "control_group", "statistic", "outcome", "rater", "timepoint", "timepoint_detail", "weeks")


def control_of(row: Row) -> tuple[Any, ...] | None:
    """What a row prints of its control arm; None where it does not print all of it."""
    numbers = tuple(row[name] for name in _CONTROL.get(row["statistic"], ()))
    return numbers if numbers and None not in numbers and "" not in numbers else None


def shared_controls(rows: Sequence[Numbered]) -> list[list[Numbered]]:
    """Rows that name the same control group for the same outcome, two or more together, in the order of the rows."""
    by_control: dict[tuple[Any, ...], list[Numbered]] = {}
    for number, row in rows:
        if row["control_group"] and not row["exclusion_reason"] and row["level"] == "study":
            by_control.setdefault(tuple(row[name] for name in SAME), []).append((number, row))
    return [group for group in by_control.values() if len(group) > 1]


def faults(rows: Sequence[Numbered]) -> Iterator[tuple[int, str, str, str, str]]:
    """What is wrong with control groups: line, column, value, what is allowed, hint."""
    for group in shared_controls(rows):
        first, first_row = group[0]
        if first_row["statistic"] not in _CONTROL:
            allowed = f"empty where the statistic is not one of {', '.join(_CONTROL)}"
            hint = (
                "only means and counts of arms can be combined; one row of the sample, or a sample_id that they share"
            )
            for number, row in group:
                yield number, "control_group", str(row["control_group"]), allowed, hint
            continue
        for number, row in group:
            missing = [
                n for n in (*_CONTROL[first_row["statistic"]], *_TREATED[first_row["statistic"]]) if row[n] is None
            ]
            if missing:
                yield number, missing[0], "", "a number, to combine arms that share a control group", ""
            elif control_of(row) != control_of(first_row):
                sizes = ", ".join(f"{x:g}" for x in control_of(row) or ())
                usual = ", ".join(f"{x:g}" for x in control_of(first_row) or ())
                allowed = f"the control arm of row {first} ({usual}), which names the same control group"
                yield number, "control_group", f"{row['control_group']} ({sizes})", allowed, "two control arms?"


def spelling_faults(rows: Sequence[Numbered]) -> Iterator[tuple[int, str, str, str, str]]:
    """Comparisons of a sample with one control arm whose labels keep them from being combined: as `faults`."""
    spelled: dict[tuple[str, str], tuple[int, str]] = {}
    by_control: dict[tuple[Any, ...], list[Numbered]] = {}
    for number, row in rows:
        if row["exclusion_reason"] or row["level"] != "study":
            continue
        name = str(row["control_group"])
        first, usual = spelled.setdefault((row["sample_id"], plain(name)), (number, name))
        if name != usual:
            hint = "one control arm has one spelling: others are not combined with it"
            yield number, "control_group", name, f"{usual}, as row {first} has it", hint
        elif control_of(row) is not None:
            by_control.setdefault((row["sample_id"], row["statistic"], control_of(row)), []).append((number, row))
    for group in by_control.values():
        asked = set()
        for pair in combinations(group, 2):
            # Of two rows the one without a name is at fault, else the later one.
            (number, row), (at, other) = pair if not pair[0][1]["control_group"] else pair[::-1]
            column = _kept_apart(other, row)
            if column and number not in asked and not row["checked"]:
                asked.add(number)
                allowed = f"{other[column] or 'empty'}, as row {at} has it, which prints the same control arm"
                hint = f"they are not combined, and its people count twice; {CONFIRM}"
                yield number, column, str(row[column] or ""), allowed, hint


def _kept_apart(first: Row, row: Row) -> str | None:
    """The column that keeps two comparisons with one control arm apart, though they are of one finding."""
    differ = [name for name in SAME if first[name] != row[name]]
    if not first["control_group"] or not differ:
        return None
    for name in differ:
        if name == "control_group" or "" in (first[name] or "", row[name] or ""):
            continue
        if not isinstance(first[name], str) or plain(first[name]) != plain(row[name]):
            return None
    return "control_group" if "control_group" in differ else differ[0]


def combined(rows: Sequence[Numbered]) -> tuple[dict[str, Cells], dict[str, str]]:
    """By effect_id: each control group's first row with its arms combined; of its other rows, the first one's id."""
    together: dict[str, Cells] = {}
    others: dict[str, str] = {}
    for group in shared_controls(rows):
        members = [row for _, row in group]
        first = members[0]
        numbers = _counts(members) if first["statistic"] in COUNTS else _means(members)
        names = [str(row["treatment"]) for row in members if row["treatment"]]
        together[first["effect_id"]] = first | numbers | {"treatment": " + ".join(dict.fromkeys(names))}
        others |= {row["effect_id"]: first["effect_id"] for row in members[1:]}
    return together, others


def _counts(rows: Sequence[Row]) -> dict[str, float]:
    return {name: math.fsum(row[name] for row in rows) for name in _TREATED["2x2"]}


def _means(rows: Sequence[Row]) -> dict[str, float]:
    """Mean, SD and number of people of several arms as one. Cochrane Handbook (version 6), table 6.5.a."""
    n, mean, sd = ([float(row[name]) for row in rows] for name in ("n_treat", "mean_treat", "sd_treat"))
    people = math.fsum(n)
    middle = math.fsum(a * m for a, m in zip(n, mean, strict=True)) / people
    squares = math.fsum((a - 1) * s**2 + a * (m - middle) ** 2 for a, m, s in zip(n, mean, sd, strict=True))
    return {"n_treat": people, "mean_treat": middle, "sd_treat": math.sqrt(squares / (people - 1))}
