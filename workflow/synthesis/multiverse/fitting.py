"""The fits of a multiverse: block by block through the vectorised kernel, into shards of parquet, and gathered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthesis.errors import InputError
from synthesis.meta.bias_many import pet_peese_many, trim_fill_many
from synthesis.meta.dependence import composites
from synthesis.meta.kernel import Array
from synthesis.meta.many import finite, fits_at, tau2_many
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.robust import LEAST_DF, robust
from synthesis.multiverse.enumeration import (
    Model,
    Unit,
    curve_name,
    how_choices,
    how_curve,
    model_of,
    read_head,
    read_units,
    shard_of_blocks,
)
from synthesis.results.curves import Head
from synthesis.results.files import Cell, check_finite, check_whole, replace

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Cell]
RESULTS = ("estimate", "ci_low", "ci_high", "p", "tau2", "i2")
# Rows of a row group of the gathered file, which are all that is held at once.
ROW_GROUP = 1 << 16
FitNumbers = dict[str, float | None]
_NOTHING: FitNumbers = dict.fromkeys(RESULTS)
# A limit at or beyond r = 1 is given as this z, whose r is 1 to the last digit.
LARGEST_Z = 17.0


@dataclass(frozen=True, slots=True)
class _Task:
    """One specification of a block: its unit, how-choice, model and how often it occurs."""

    unit: Unit
    how: int
    model: Model
    copies: int


class Fitter:
    """Fits units of one multiverse."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.columns = factor_columns(head)
        self.hows = how_choices(head.how)
        self.curves = [how_curve(head.how, choice) for choice in self.hows]
        self.models = {
            repeats: [model_of(head.how, choice, repeats) for choice in self.hows] for repeats in (False, True)
        }
        self.y = np.array([row.yi for row in head.effects])
        self.v = np.array([row.vi for row in head.effects])
        # On the scale of r: as for a plain correlation of the n that its variance says.
        r = np.tanh(self.y) if head.metric == "z" else self.y
        self.scales = {"r": (r, (1 - r * r) ** 2 / (1 / self.v + 2))}
        self.sample = [row.sample_id for row in head.effects]
        # Of the block at hand: estimators share the rows.
        self._rows: dict[tuple[int, str, float | None], tuple[Array, Array, tuple[Any, ...]]] = {}

    def records(self, units: Iterable[Unit]) -> list[Record]:
        """One record per specification, in order; all units are fitted together."""
        tasks = [
            _Task(unit, how, self.models[unit.samples < len(unit.rows)][how], copies)
            for unit in units
            for how, copies in sorted(unit.models.items())
        ]
        numbers: list[FitNumbers] = [_NOTHING] * len(tasks)
        reasons = [task.unit.reason for task in tasks]
        groups: dict[tuple[str, str | None, float | None, str, str], list[int]] = {}
        for place, task in enumerate(tasks):
            if task.unit.reason:
                continue
            m = task.model
            if m.metric == "r" and not self.scales["r"][1][list(task.unit.rows)].all():
                reasons[place] = "a correlation of 1 to the last digit: no variance on the scale of r"
                continue
            if m.dependence in ("che", "three_level"):
                numbers[place], reasons[place] = self._multilevel(task)
            elif m.adjustment != "none" and task.unit.samples < (fewest := self.head.adjusted_from):
                reasons[place] = f"{task.unit.samples} samples: fewer than {fewest} for a bias adjustment"
            else:
                groups.setdefault((m.adjustment, m.tau2, m.rho, m.dependence, m.metric), []).append(place)
        self._rows.clear()
        for (adjustment, tau2, rho, _, metric), places in groups.items():
            self._fit(tasks, places, adjustment, tau2, rho, metric, numbers, reasons)
        for place, task in enumerate(tasks):
            if task.model.metric == "r" and not reasons[place]:
                numbers[place], reasons[place] = as_z(numbers[place])
        return [self._record(t, f, r) for t, f, r in zip(tasks, numbers, reasons, strict=True)]

    def rows_of(self, unit: Unit, rho: float | None, metric: str) -> tuple[Array, Array, tuple[Any, ...]]:
        """One value per sample of a unit on the scale of the metric: effects, variances, samples."""
        key = (unit.number, metric, rho)
        if key not in self._rows:
            index = list(unit.rows)
            cluster = [self.sample[i] for i in index]
            y, v = self.scales.get(metric, (self.y, self.v))
            whole = composites(y[index], v[index], cluster, 0.0 if rho is None else rho)
            self._rows[key] = whole.yi, whole.vi, whole.samples
        return self._rows[key]

    def _fit(
        self,
        tasks: list[_Task],
        places: list[int],
        adjustment: str,
        tau2: Any,
        rho: float | None,
        metric: str,
        numbers: list[FitNumbers],
        reasons: list[str],
    ) -> None:
        """Fits specifications that share an estimator: each unit once, whatever the intervals asked of it."""
        units = list({tasks[i].unit.number: tasks[i].unit for i in places}.values())
        row = {unit.number: i for i, unit in enumerate(units)}
        y, v = self._padded(units, rho, metric)
        if adjustment == "pet_peese":
            varies = np.where(np.isfinite(v), v, -np.inf).max(axis=1) > v.min(axis=1)
            columns = np.full((4, len(units)), math.nan)
            columns[:, varies] = pet_peese_many(y[varies], v[varies], level=self.head.level)
            for i in places:
                r = row[tasks[i].unit.number]
                values = columns[:, r].tolist()
                if not varies[r]:
                    reasons[i] = "all samples have one variance: no regression on it"
                elif not np.isfinite(values).all():
                    reasons[i] = "the effects lie exactly on the regression line: no interval"
                else:
                    numbers[i] = _NOTHING | dict(zip(RESULTS, values, strict=False))
            return
        if adjustment == "trim_fill":
            y, v = trim_fill_many(y, v, tau2=tau2)
        spread = tau2_many(y, v, tau2)
        for ci in sorted({str(tasks[i].model.ci) for i in places}):
            fits: Any = fits_at(y, v, spread, tau2=tau2, ci=ci, level=self.head.level)  # type: ignore[arg-type]
            for i in places:
                if tasks[i].model.ci == ci:
                    r = row[tasks[i].unit.number]
                    numbers[i] = {name: finite(getattr(fits, name)[r]) for name in RESULTS}

    def _padded(self, units: list[Unit], rho: float | None, metric: str) -> tuple[Array, Array]:
        """Units as rows of one width; vi = inf where a unit has fewer samples."""
        width = max(unit.samples for unit in units)
        y, v = np.zeros((len(units), width)), np.full((len(units), width), np.inf)
        for i, unit in enumerate(units):
            own_y, own_v, _ = self.rows_of(unit, rho, metric)
            y[i, : len(own_y)], v[i, : len(own_v)] = own_y, own_v
        return y, v

    def _multilevel(self, task: _Task) -> tuple[FitNumbers, str]:
        """The multilevel models, as `pool` fits them but without the interval of tau2."""
        index = list(task.unit.rows)
        y, v = (values[index] for values in self.scales.get(task.model.metric, (self.y, self.v)))
        cluster = [self.sample[i] for i in index]
        try:
            fitted = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=task.model.rho or 0.0)
        except InputError as error:
            return _NOTHING, error.problems[0].value
        parts = fitted.blocks
        cut = parts.starts[1:]
        marginal = parts.marginal(fitted.tau2, fitted.omega2)
        residual = np.split(parts.y - parts.x @ fitted.beta, cut)
        tested = robust(residual, fitted.beta, np.split(parts.x, cut), marginal, level=self.head.level)
        if not tested.spread[0]:
            return _NOTHING, "the effects have no spread: no cluster-robust interval"
        if tested.df[0] < LEAST_DF:
            return _NOTHING, f"{tested.df[0]:.1f} degrees of freedom: fewer than {LEAST_DF:g} for cluster-robust tests"
        total = fitted.tau2 + fitted.omega2
        values = (
            fitted.beta[0], tested.ci_low[0], tested.ci_high[0], tested.p[0], fitted.tau2,
            100 * total / (total + fitted.typical),
        )  # fmt: skip
        return dict(zip(RESULTS, map(float, values), strict=True)), ""

    def _record(self, task: _Task, fitted: FitNumbers, reason: str) -> Record:
        decisions = (*self.head.which, *self.head.how)
        numbers = (*task.unit.choice, *self.hows[task.how])
        chosen = [decision.options[i] for decision, i in zip(decisions, numbers, strict=True)]
        uncertain = "uncertain" in [option.kind for option in chosen]
        return {
            "spec": task.unit.number * len(self.hows) + task.how,
            "curve": curve_name(task.unit.curve, self.curves[task.how]),
            "kind": "uncertain" if uncertain else "equivalent",
            **{name: o.name for name, o in zip(self.columns, chosen, strict=True)},
            "k": len(task.unit.rows),
            "samples": task.unit.samples,
            **fitted,
            "copies": task.copies,
            "reason": reason,
        }


def as_z(numbers: FitNumbers) -> tuple[FitNumbers, str]:
    """A result in r with its estimate and limits as z, so that all of a curve compare; tau2 stays that of r."""
    r = numbers["estimate"]
    if r is None or not abs(r) < 1:
        return _NOTHING, "no estimate" if r is None else f"the pooled r is {r:.2f}: outside -1 to 1"
    edge = math.tanh(LARGEST_Z)
    limits = ((name, numbers[name]) for name in ("estimate", "ci_low", "ci_high"))
    return numbers | {name: None if x is None else math.atanh(min(max(x, -edge), edge)) for name, x in limits}, ""


def factor_columns(head: Head) -> list[str]:
    """Names of the columns that hold the options chosen."""
    return [*(f"which_{d.name}" for d in head.which), *(f"how_{d.name}" for d in head.how)]


def schema(head: Head) -> pa.Schema:
    """Columns of the parquet files."""
    import pyarrow as pa

    words = ["curve", "kind", *factor_columns(head)]
    return pa.schema(
        [("spec", pa.int64())]
        + [(name, pa.string()) for name in words]
        + [("k", pa.int32()), ("samples", pa.int32())]
        + [(name, pa.float64()) for name in RESULTS]
        + [("copies", pa.int64()), ("reason", pa.string())]
    )


def write_shard(enumeration: Path, shard: int, shards: int, path: Path) -> int:
    """Fits one shard, block by block, and returns its number of specifications. Blocks are never cut."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = read_head(enumeration)
    blocks = shard_of_blocks(head.blocks, shard, shards)
    columns = schema(head)
    fitter = Fitter(head)
    count = 0

    def write(target: Path) -> None:
        nonlocal count
        with pq.ParquetWriter(target, columns, compression="zstd") as writer:
            for block in blocks:
                records = fitter.records(read_units(enumeration, block.start, block.end))
                count += len(records)
                check_finite(str(path), records)
                writer.write_table(pa.Table.from_pylist(records, schema=columns))

    replace(path, write)
    return count


def gather_shards(paths: list[Path], path: Path) -> int:
    """One file from the shards, in row groups of one size whatever the shards; returns the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0

    def write(target: Path) -> None:
        nonlocal count
        for shard in paths:
            check_whole(shard)
        columns = pq.read_schema(paths[0])
        with pq.ParquetWriter(target, columns, compression="zstd") as writer:
            waiting = pa.Table.from_batches([], schema=columns)
            for table in _tables(paths):
                waiting = pa.concat_tables([waiting, table]).combine_chunks()
                while len(waiting) >= ROW_GROUP:
                    writer.write_table(pa.table(waiting.slice(0, ROW_GROUP).to_pydict(), schema=columns))
                    count += ROW_GROUP
                    waiting = waiting.slice(ROW_GROUP)
            if len(waiting) or not count:
                # Written anew, so that no trace of the shards' chunks is left in the bytes.
                writer.write_table(pa.table(waiting.to_pydict(), schema=columns))
                count += len(waiting)

    replace(path, write)
    return count


def _tables(paths: list[Path]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in paths:
        check_whole(path)
        with pq.ParquetFile(path) as shard:
            for batch in shard.iter_batches():
                yield pa.Table.from_batches([batch])
