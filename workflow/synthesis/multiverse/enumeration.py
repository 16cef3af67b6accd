"""The specifications of a multiverse: which rows and which model each of them has, before any fit.

A specification is a choice of one option per factor. Factors of *which* decide the rows, factors of *how* the model;
the choices are numbered as in nested loops, the last factor of *how* turning fastest. Choices that come to the same
rows and the same model are one specification, counted as often as they occur.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from synthesis.data.nulls import Nulls
from synthesis.data.vocabulary import LANE_WORD
from synthesis.errors import InputError, Problem
from synthesis.meta.dependence import composites
from synthesis.meta.influence import deleted_residuals
from synthesis.plan.conditions import Condition
from synthesis.plan.config import Defaults, Synthesis
from synthesis.plan.decisions import How, Multiverse, Option
from synthesis.plan.selection import is_one_of, select_effects
from synthesis.results.curves import MAIN, Block, Choice, Decision, Head, ListedEffect
from synthesis.results.document import decode, plain
from synthesis.results.extracted import Chosen, Dropped, Effect
from synthesis.results.files import AGAIN, check_whole, json_text, write_text

Decisions = tuple[Decision, ...]
# Microseconds that a fit takes about (docs/scale.md): they decide the shards, not the results.
COST = {"none": 60.0, "trim_fill": 250.0, "pet_peese": 60.0, "multilevel": 50_000.0, "unit": 400.0}
# Work of a block: fitted together, never cut, so that results do not depend on the number of shards.
BLOCK = 400_000.0


@dataclass(frozen=True, slots=True)
class Model:
    """How a specification is fitted. `dependence` is "independent" where no sample repeats; None: plays no part."""

    metric: str
    dependence: str
    tau2: str | None
    ci: str | None
    rho: float | None
    adjustment: str


@dataclass(slots=True)
class Unit:
    """Rows that specifications of one curve share. `choice`: first option numbers of which; `rows`: effects.

    `models`: numbers of the how-choices that are fitted, with how often each occurs; `reason`: why none is.
    """

    number: int
    curve: str
    choice: tuple[int, ...]
    rows: tuple[int, ...]
    samples: int
    models: Counter[int] = field(default_factory=Counter)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """All of a multiverse that its fits need."""

    head: Head
    units: list[Unit]


def enumerate_multiverse(
    name: str,
    plan: Multiverse,
    synthesis: Synthesis,
    defaults: Defaults,
    effects: Sequence[Effect],
    dropped: Sequence[Dropped],
    adjusted_from: int,
) -> Enumeration:
    """The distinct specifications, in the order of their first choices; the same plan and data give the same.

    `adjusted_from`: the fewest samples for an adjustment of bias.
    """
    which = _which_factors(plan)
    how = how_factors(plan.how, synthesis, defaults)
    crossing = math.prod(len(decision.options) for decision in (*which, *how))
    drawn = _drawn(crossing, plan) if crossing > plan.max else None
    chooser = _Chooser(plan, synthesis, defaults, effects, dropped)
    units = _units(plan, which, how, chooser, drawn)
    head = Head(
        multiverse=name,
        title=plan.title,
        synthesis=plan.synthesis,
        lane=synthesis.lane,
        word=LANE_WORD[synthesis.lane],
        constructs=tuple(sorted({row.construct for row in chooser.pool})),
        metric=synthesis.metric,
        level=defaults.level,
        which=which,
        how=how,
        crossing=crossing,
        drawn=None if drawn is None else len(drawn),
        seed=plan.seed,
        permutations=plan.permutations,
        permuted=plan.permuted,
        adjusted_from=adjusted_from,
        effects=tuple(
            ListedEffect(effect_id=row.effect_id, sample_id=row.sample_id, yi=row.yi, vi=row.vi) for row in chooser.pool
        ),
        specifications=sum(len(unit.models) for unit in units),
        blocks=_blocks(units, how),
    )
    return Enumeration(head, units)


def _units(
    plan: Multiverse, which: Decisions, how: Decisions, chooser: _Chooser, drawn: list[int] | None
) -> list[Unit]:
    """The distinct sets of rows by their first choices, each with its models; of the `drawn` choices only, if any."""
    hows = how_choices(how)
    sizes = [len(decision.options) for decision in which]
    units: dict[tuple[str, tuple[int, ...], str], Unit] = {}
    firsts = {repeats: _first_of_model(how, hows, repeats) for repeats in (False, True)}
    per_repeats = {repeats: Counter(first) for repeats, first in firsts.items()}
    for number, how_numbers in _by_which(drawn, math.prod(sizes), len(hows)):
        choice = _digits(number, sizes)
        rows, reason = chooser.rows(_options(plan, choice))
        samples = len({chooser.pool[i].sample_id for i in rows})
        if not reason and samples < plan.least_samples:
            reason = f"{samples} samples: fewer than {plan.least_samples}" if samples != 1 else "one sample"
        curve = _curve(which, choice)
        unit = units.setdefault((curve, rows, reason), Unit(number, curve, choice, rows, samples, reason=reason))
        if reason:
            # Nothing is fitted, whatever the model.
            unit.models[0] += len(how_numbers) if how_numbers is not None else len(hows)
            continue
        repeats = samples < len(rows)
        unit.models.update(per_repeats[repeats] if how_numbers is None else (firsts[repeats][i] for i in how_numbers))
    return sorted(units.values(), key=lambda unit: unit.number)


def _which_factors(plan: Multiverse) -> Decisions:
    return tuple(
        Decision(
            name=name,
            title=factor.title or name.replace("_", " "),
            options=tuple(
                Choice(name=key, title=option.title or key.replace("_", " "), kind=option.kind)
                for key, option in factor.options.items()
            ),
        )
        for name, factor in plan.which.items()
    )


_HOW_TITLES = {
    "metric": "Scale of pooling",
    "model": "Effects of one sample",
    "rho": "Correlation within samples",
    "adjustment": "Bias adjustment",
    "tau2": "Estimator of tau2",
    "ci": "Interval",
}
_OPTION_TITLES = {
    "z": "Fisher z", "r": "r itself", "g": "Hedges g",
    "composites": "their mean", "che": "correlated and hierarchical", "three_level": "three-level",
    "none": "none", "trim_fill": "trim and fill", "pet_peese": "PET-PEESE",
    "wald": "Wald", "wald_t": "Wald t", "hksj": "HKSJ", "hksj_adhoc": "HKSJ ad hoc",
}  # fmt: skip


def how_factors(how: How, synthesis: Synthesis, defaults: Defaults) -> Decisions:
    """The decisions about the fit; one that is not declared has the option of the synthesis alone."""
    planned: dict[str, str | float] = {
        "metric": synthesis.metric,
        "model": "composites",
        "rho": defaults.rho if synthesis.rho is None else synthesis.rho,
        "adjustment": "none",
        "tau2": synthesis.tau2 or defaults.tau2,
        "ci": synthesis.ci or defaults.ci,
    }
    factors = []
    for name, title in _HOW_TITLES.items():
        declared = getattr(how, name) or {planned[name]: "equivalent"}
        options = []
        for key, kind in declared.items():
            option = f"{key:g}" if isinstance(key, float) else key
            options.append(Choice(name=option, title=_OPTION_TITLES.get(option, option), kind=kind))
        factors.append(Decision(name=name, title=title, options=tuple(options)))
    return tuple(factors)


def model_of(how: Decisions, choice: tuple[int, ...], repeats: bool) -> Model:
    """The model that a choice comes to: what plays no part in it is None, so that equal models compare equal."""
    named = {decision.name: decision.options[i].name for decision, i in zip(how, choice, strict=True)}
    metric, dependence, adjustment = named["metric"], named["model"], named["adjustment"]
    rho: float | None = float(named["rho"])
    if not repeats:
        dependence, rho = "independent", None
    elif adjustment != "none":
        # Adjustments take one value of each sample.
        dependence = "composites"
    if dependence in ("che", "three_level"):
        return Model(metric, dependence, "REML", "cr2", rho if dependence == "che" else 0.0, "none")
    if adjustment == "pet_peese":
        return Model(metric, dependence, None, None, rho, adjustment)
    return Model(metric, dependence, named["tau2"], named["ci"], rho, adjustment)


def _first_of_model(how: Decisions, hows: list[tuple[int, ...]], repeats: bool) -> list[int]:
    """Per how-choice the first one of the same model and the same curve."""
    first: dict[tuple[Model, str], int] = {}
    return [first.setdefault((model_of(how, c, repeats), _curve(how, c)), i) for i, c in enumerate(hows)]


def _curve(decisions: Decisions, choice: tuple[int, ...]) -> str:
    """What sets this curve apart: the non-equivalent options chosen."""
    chosen = [(d, d.options[i]) for d, i in zip(decisions, choice, strict=True)]
    return "; ".join(f"{d.title}: {o.title}" for d, o in chosen if o.kind == "non_equivalent")


def curve_name(*parts: str) -> str:
    """The name of a curve from what sets it apart."""
    return "; ".join(part for part in parts if part) or MAIN


def how_choices(how: Decisions) -> list[tuple[int, ...]]:
    """All how-choices, in the order of their numbers."""
    return list(itertools.product(*(range(len(decision.options)) for decision in how)))


def how_curve(how: Decisions, choice: tuple[int, ...]) -> str:
    """What the how-choice adds to the name of a curve."""
    return _curve(how, choice)


def _digits(number: int, sizes: list[int]) -> tuple[int, ...]:
    digits = []
    for size in reversed(sizes):
        number, digit = divmod(number, size)
        digits.append(digit)
    return tuple(reversed(digits))


def _options(plan: Multiverse, choice: tuple[int, ...]) -> list[Option]:
    return [list(f.options.values())[i] for f, i in zip(plan.which.values(), choice, strict=True)]


def _drawn(crossing: int, plan: Multiverse) -> list[int]:
    return sorted(random.Random(plan.seed).sample(range(crossing), plan.max))  # noqa: S311 (no secret)


def _by_which(wanted: list[int] | None, combinations: int, hows: int) -> Iterator[tuple[int, list[int] | None]]:
    """Each which-choice with its how-choices; None: all of them."""
    if wanted is None:
        yield from ((number, None) for number in range(combinations))
        return
    for number, group in itertools.groupby(wanted, key=lambda i: i // hows):
        yield number, [i % hows for i in group]


class _Chooser:
    """Rows of a choice of options, as numbers into the pool of all rows that any choice takes."""

    def __init__(
        self,
        plan: Multiverse,
        synthesis: Synthesis,
        defaults: Defaults,
        effects: Sequence[Effect],
        dropped: Sequence[Dropped],
    ) -> None:
        self.plan, self.synthesis, self.defaults = plan, synthesis, defaults
        self.effects, self.dropped = effects, dropped
        self.pool: list[Chosen] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._selected: dict[Any, tuple[tuple[int, ...], str]] = {}
        self._outliers: dict[Any, tuple[int, ...]] = {}
        self._decided = {
            column for factor in plan.which.values() for option in factor.options.values() for column in option.select
        }

    def rows(self, options: list[Option]) -> tuple[tuple[int, ...], str]:
        """Numbers of the rows, and why there are none."""
        select = {column: condition for option in options for column, condition in option.select.items()}
        nulls = next((o.nulls for o in options if o.nulls is not None), None)
        key = (tuple(select.items()), nulls)
        if key not in self._selected:
            self._selected[key] = self._select(select, nulls)
        rows, reason = self._selected[key]
        for option in options:
            for column, words in option.prefer.items():
                rows = self._per_sample(rows, lambda members, c=column, w=words: _preferred(self.pool, members, c, w))
        for option in options:
            if option.take == "first":
                rows = self._per_sample(rows, lambda members: members[:1])
            elif option.take == "most_precise":
                rows = self._per_sample(rows, lambda members: [min(members, key=lambda i: self.pool[i].vi)])
        for option in options:
            if option.outliers is not None:
                treated = (rows, option.outliers)
                if treated not in self._outliers:
                    self._outliers[treated] = self._without_outliers(*treated)
                rows = self._outliers[treated]
        return rows, reason

    def _select(self, select: Mapping[str, Condition], nulls: Nulls | None) -> tuple[tuple[int, ...], str]:
        kept = {column: c for column, c in self.synthesis.select.items() if column not in select}
        asked = self.synthesis.model_copy(update={"select": {**kept, **select}})
        try:
            chosen = select_effects(
                self.plan.synthesis, asked, self.effects, self.dropped, check_values=False, nulls=nulls
            )
        except InputError as error:
            # Which columns leave nothing is known from the choice; that nothing is left is what counts here.
            problem = error.problems[0]
            return (), "no effect is left" if problem.value == "selects nothing" else str(problem)
        return tuple(self._number(row) for row in chosen), ""

    def _number(self, row: Chosen) -> int:
        key = (row.effect_id, row.exactness)
        if key not in self._numbers:
            self._numbers[key] = len(self.pool)
            self.pool.append(row)
        return self._numbers[key]

    def _per_sample(self, rows: tuple[int, ...], keep: Any) -> tuple[int, ...]:
        samples: dict[str, list[int]] = {}
        for i in rows:
            samples.setdefault(self.pool[i].sample_id, []).append(i)
        kept = {i for members in samples.values() for i in keep(members)}
        return tuple(i for i in rows if i in kept)

    def _without_outliers(self, rows: tuple[int, ...], limit: float) -> tuple[int, ...]:
        """Without samples whose studentised deleted residual is beyond the limit; all where that is not defined."""
        rho = self.defaults.rho if self.synthesis.rho is None else self.synthesis.rho
        cluster = [self.pool[i].sample_id for i in rows]
        y, v = np.array([self.pool[i].yi for i in rows]), np.array([self.pool[i].vi for i in rows])
        if len(set(cluster)) <= 2:
            return rows
        whole = composites(y, v, cluster, rho)
        residuals = deleted_residuals(whole.yi, whole.vi, tau2=self.synthesis.tau2 or self.defaults.tau2)
        far = {s for s, r in zip(whole.samples, residuals, strict=True) if abs(r) > limit}
        return tuple(i for i, sample in zip(rows, cluster, strict=True) if sample not in far)


def _preferred(pool: list[Chosen], members: list[int], column: str, words: Iterable[str]) -> list[int]:
    for word in words:
        preferred = [i for i in members if is_one_of(pool[i].cell(column), (word,))]
        if preferred:
            return preferred
    return members


def work_of(unit: Unit, how: Decisions, hows: list[tuple[int, ...]]) -> float:
    """Microseconds that a unit's fits take about."""
    if unit.reason:
        return 1.0
    repeats = unit.samples < len(unit.rows)
    work = COST["unit"]
    for i in unit.models:
        model = model_of(how, hows[i], repeats)
        work += COST["multilevel" if model.dependence in ("che", "three_level") else model.adjustment]
    return work


def _blocks(units: list[Unit], how: Decisions) -> tuple[Block, ...]:
    """Runs of units of about equal work; a block is fitted as a whole."""
    hows = how_choices(how)
    blocks: list[Block] = []
    start, work = 0, 0.0
    for place, unit in enumerate(units, start=1):
        work += work_of(unit, how, hows)
        if work >= BLOCK or place == len(units):
            blocks.append(Block(start=start, end=place, work=work))
            start, work = place, 0.0
    return tuple(blocks)


def shard_of_blocks(blocks: Sequence[Block], shard: int, shards: int) -> list[Block]:
    """The blocks of one shard: about an equal share of the work, in order."""
    total = math.fsum(block.work for block in blocks)
    before, chosen = 0.0, []
    for block in blocks:
        if int(shards * (before + block.work / 2) / total) == shard:
            chosen.append(block)
        before += block.work
    return chosen


def write_enumeration(path: Path, enumeration: Enumeration) -> None:
    """One JSON document per line: the head, then each unit; a shard reads just the lines of its own."""
    lines = [json_text(str(path), plain(enumeration.head))]
    for unit in enumeration.units:
        content = [unit.number, unit.curve, unit.choice, unit.rows, unit.samples, sorted(unit.models.items())]
        lines.append(json_text(str(path), [*content, unit.reason]))
    write_text(path, "\n".join(lines) + "\n")


def read_head(path: Path) -> Head:
    """The head of an enumeration. Raises InputError where the file was cut short."""
    check_whole(path)
    with path.open("rb") as handle:
        return decode(handle.readline(), Head, f"{path}, line 1")


def read_units(path: Path, start: int = 0, end: int | None = None) -> Iterator[Unit]:
    """The units from `start` to before `end`, one at a time. Raises InputError where the file was cut short."""
    check_whole(path)
    count = 0
    with path.open(encoding="utf-8") as handle:
        for line in itertools.islice(handle, start + 1, None if end is None else end + 1):
            count += 1
            number, curve, choice, rows, samples, models, reason = json.loads(line)
            counted = Counter({int(i): int(times) for i, times in models})
            yield Unit(number, curve, tuple(choice), tuple(rows), samples, counted, reason)
    if end is not None and count < end - start:
        raise InputError([Problem(str(path), f"{count} units from {start}", f"{end - start}", AGAIN)])
