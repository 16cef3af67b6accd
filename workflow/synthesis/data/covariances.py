"""What the effects of a sample share: the sampling covariance of those that compare with one control arm."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthesis.data.arms import COUNTS, SAME
from synthesis.data.printed import effective
from synthesis.errors import InputError, Problem
from synthesis.meta.correlated import correlated_errors
from synthesis.meta.covariance import SharedMetric, check_covariance, control_variance, shared_control
from synthesis.meta.kernel import Array
from synthesis.results.document import columns
from synthesis.results.extracted import Chosen, Row

_INSTEAD = "conversions.shared_control: combine takes it"


@dataclass(frozen=True, slots=True)
class Correlated:
    """Which effects of a sample are how much correlated: by the columns that a pair has in common (`same`), and `phi`
    to the power of their difference in a column of numbers (`time`, "" without)."""

    same: Mapping[tuple[str, ...], float]
    time: str = ""
    phi: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it reads."""
        return tuple(
            dict.fromkeys([*(name for names in self.same for name in names), *([self.time] * (self.time > ""))])
        )


def sampling_covariance(rows: Sequence[Chosen], rho: float, correlated: Correlated | None = None) -> Array | None:
    """The sampling covariance (k, k) of the effects `rows`; None where one correlation `rho` within samples says it.

    Effects with one `control_group` for one outcome have the covariance of Gleser & Olkin (2009), without a further
    assumption. Others of a sample are `correlated`, or `rho` where nothing is said; where they are of different arms
    and of different outcomes they share the control arm's part of their variances alone, and of that the correlation.
    Raises InputError for a control arm without a variance, for effects of a sample with an empty cell in a column of
    `correlated`, and where such a matrix is no covariance.
    """
    together = shared_arms(rows)
    repeats = len({row.sample_id for row in rows}) < len(rows)
    if not together and not (correlated and repeats):
        return None
    numbered = [effective({name: row.cell(name) for name in columns(Row)}) for row in rows]
    part = np.full(len(rows), np.nan)
    for named in _positions([_arm(row) for row in rows], least=1) if together else ():
        for i in named:
            part[i] = _control_part(rows[i], numbered[i])
    matrix = _assumed(rows, part, _correlations(rows, rho, correlated))
    for members in together:
        at = np.ix_(members, members)
        y, v = [rows[i].yi for i in members], [rows[i].vi for i in members]
        sizes = [np.array([numbered[i][name] for i in members], dtype=float) for name in ("n_treat", "n_control")]
        arms = dict(zip(("n_treat", "n_control"), sizes, strict=True)) if rows[members[0]].metric == "g" else {}
        matrix[at] = shared_control(y, v, ["one"] * len(members), part[members], **arms)
    return check_covariance(matrix, [row.vi for row in rows], [row.sample_id for row in rows])


def shared_arms(rows: Sequence[Chosen]) -> list[list[int]]:
    """The positions of effects that compare with one control arm for one outcome, two or more together."""
    return _positions([_comparison(row) for row in rows])


def _correlations(rows: Sequence[Chosen], rho: float, correlated: Correlated | None) -> Array:
    """The correlation of each pair of effects of a sample, (k, k)."""
    if correlated is None:
        return np.full((len(rows), len(rows)), rho)
    samples = [row.sample_id for row in rows]
    several = {at for members in _positions(samples) for at in members}
    problems = []
    for name in correlated.columns:
        empty = [rows[at].effect_id for at in sorted(several) if rows[at].cell(name) in (None, "")]
        if empty:
            hint = "a pair has it in common or not; with an empty cell nobody can tell"
            allowed = f"a {name} of every effect of a sample with several"
            problems.append(Problem(f"correlations, {name}", f"empty in {', '.join(empty[:3])}", allowed, hint))
    if problems:
        raise InputError(problems)
    same = {
        " and ".join(names): ([tuple(_cell(row, at, name) for name in names) for at, row in enumerate(rows)], value)
        for names, value in correlated.same.items()
    }
    time = [row.number(correlated.time) or 0.0 for row in rows] if correlated.time else None
    return correlated_errors(np.ones(len(rows)), samples, rho=rho, same=same, time=time, phi=correlated.phi)


def _cell(row: Chosen, at: int, name: str) -> Hashable:
    """What a column holds; of the only effect of a sample, where it is empty, something of its own."""
    value = row.cell(name)
    return value if value not in (None, "") else ("", at)


def _arm(row: Row) -> Hashable | None:
    """The control arm of a row, where it is named."""
    return (row.sample_id, row.control_group) if row.control_group else None


def _comparison(row: Row) -> Hashable | None:
    """What rows have in common that compare with one control arm for one outcome."""
    return tuple(row.cell(name) for name in SAME) if row.control_group else None


def _positions(keys: Sequence[Hashable | None], least: int = 2) -> list[list[int]]:
    by_key: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        if key is not None:
            by_key.setdefault(key, []).append(at)
    return [members for members in by_key.values() if len(members) >= least]


def _control_part(row: Chosen, cells: Mapping[str, Any]) -> float:
    """The control arm's own part of the sampling variance of an effect."""
    numbers = {name: [cells[name]] for name in ("n_control", "events_control", "total_control")}
    needed = ("events_control", "total_control") if row.statistic in COUNTS else ("n_control",)
    allowed = f"numbers of the control arm that metric {row.metric} is made of, for a covariance"
    if row.metric not in ("g", "log_odds_ratio", "log_risk_ratio") or any(numbers[n] == [None] for n in needed):
        raise _refused(row, f"{row.statistic} in metric {row.metric}", allowed)
    try:
        if row.metric == "g":
            return float(control_variance("g", n=numbers["n_control"])[0])
        ratio: SharedMetric = "log_odds_ratio" if row.metric == "log_odds_ratio" else "log_risk_ratio"
        return float(control_variance(ratio, events=numbers["events_control"], total=numbers["total_control"])[0])
    except InputError:
        value = "a control arm in which nobody, or everybody, has the event"
        raise _refused(row, value, "some with, some without") from None


def _refused(row: Chosen, value: str, allowed: str) -> InputError:
    return InputError([Problem(f"{row.source}, {row.effect_id}, control_group", value, allowed, _INSTEAD)])


def _assumed(rows: Sequence[Chosen], part: Array, correlation: Array) -> Array:
    """The covariance of effects of a sample that is assumed, before what their control arms say."""
    matrix = np.diag([row.vi for row in rows])
    for members in _positions([row.sample_id for row in rows]):
        for i in members:
            for j in members:
                if i != j:
                    first, second = rows[i], rows[j]
                    arms = _arm(first) is not None and _arm(first) == _arm(second)
                    other_arm = (
                        arms and "" not in (first.treatment, second.treatment) and first.treatment != second.treatment
                    )
                    shared = part[i] * part[j] if other_arm else first.vi * second.vi
                    matrix[i, j] = correlation[i, j] * shared**0.5
    return matrix
