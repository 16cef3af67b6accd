"""The plan of a run: config and raw data, all checked before the first job."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from synthesis.data.days import days_to_come, latest_day, to_come
from synthesis.data.extraction import (
    CORRECTIONS,
    convert_rows,
    corrections_of,
    load_source,
    reference_rows,
    unknown_corrections,
    with_filled,
)
from synthesis.data.people import people_faults
from synthesis.data.published import find, rows_by_id, smallest_effect, threshold
from synthesis.data.reading import parse, read_yaml
from synthesis.data.risk_table import find_risk
from synthesis.data.search import find_search
from synthesis.data.source import Source
from synthesis.data.vocabulary import RATIO_METRICS, RISK_DOMAINS
from synthesis.errors import InputError, Problem
from synthesis.plan.conditions import Condition
from synthesis.plan.config import Config
from synthesis.plan.declaring import with_own_columns
from synthesis.plan.left_out import left_out
from synthesis.plan.parts import Plan
from synthesis.plan.selection import (
    check_dependence,
    check_model,
    check_shared_samples,
    joint_words_nowhere,
    select_effects,
    shared_direction,
    words_nowhere,
)
from synthesis.plan.spelt import empty_cells, selected_faults, spelling_faults
from synthesis.results.extracted import Chosen, Effect, Extracted, Row
from synthesis.results.files import check_inside

RAW = Path("data/raw")


@dataclasses.dataclass(frozen=True)
class _Read:
    """The sources of a plan; file and row of each effect_id; as declared, samples that several studies report
    (`same`), and samples of other people than any other (`others`)."""

    sources: dict[str, Extracted] = dataclasses.field(default_factory=dict)
    places: dict[str, str] = dataclasses.field(default_factory=dict)
    same: set[str] = dataclasses.field(default_factory=set)
    others: set[str] = dataclasses.field(default_factory=set)

    @property
    def effects(self) -> list[Effect]:
        """The effects of all sources."""
        return [row for extracted in self.sources.values() for row in extracted.effects]


def load(content: dict[str, Any], where: str = "config.yaml", raw: Path = RAW) -> Plan:
    """Checks the config's content, with what its sources declare. Raises InputError with every problem."""
    return Plan(parse(Config, with_own_columns(content, raw), where))


def check(plan: Plan, raw: Path = RAW) -> dict[str, Row]:
    """Checks every raw table, `source.yaml` and correction, and what each synthesis selects.

    Returns the extracted rows by their effect_id. Raises InputError with the problems of all files, or, where the
    files are sound, of the whole plan.
    """
    return check_and_note(plan, raw)[0]


def check_and_note(plan: Plan, raw: Path = RAW) -> tuple[dict[str, Row], list[str]]:
    """As `check`, with what is sound and should be looked at: rows that are left out although others are taken."""
    read = _checked_sources(plan, raw)
    by_source, effects = read.sources, read.effects
    problems: list[Problem] = list(_own_faults(plan, raw))
    with _collected(problems):
        find_search(raw)
    samples: dict[str, set[str]] = {}
    better: dict[str, float | None] = {}
    declared: set[str] = set()
    chosen: dict[str, Chosen] = {}
    for name, synthesis in plan.config.syntheses.items():
        parts = [by_source[source] for source in synthesis.sources]
        own_effects = [row for extracted in parts for row in extracted.effects]
        dropped = [row for extracted in parts for row in extracted.dropped]
        references = synthesis.references.effects if synthesis.references else ()
        key = f"config.yaml, key syntheses.{name}.references"
        with _collected(problems):
            selected = select_effects(name, synthesis, own_effects, dropped)
            samples[name] = {row.sample_id for row in selected}
            chosen |= {row.effect_id: row for row in selected}
            problems += people_faults(selected, read.places, read.same, read.others)
            if synthesis.metric in RATIO_METRICS:
                printed = synthesis.oriented == "as_reported"
                better[name] = shared_direction(selected) if printed else 1.0
            if RISK_DOMAINS in synthesis.columns and not any(extracted.assessed for extracted in parts):
                allowed = "columns of its sources: risk_of_bias.csv beside one of their effects.csv gives rob_domains"
                problems.append(Problem(f"config.yaml, key syntheses.{name}.columns", RISK_DOMAINS, allowed))
            check_model(name, synthesis, plan.config.defaults, len(selected), len(samples[name]))
            declared |= {name} if check_dependence(name, synthesis, plan.config.defaults, selected) else set()
            reference_rows(key, references, synthesis.metric, own_effects)
            problems += joint_words_nowhere(name, synthesis, plan.config.groupings, selected)
            problems += spelling_faults(name, plan.config, own_effects, selected, read.places)
    for name in plan.config.multiverses:
        problems += _multiverse_faults(name, plan.config, read)
    problems += _undeclared_faults(plan.config, declared)
    problems += _figure_faults(plan.config, effects)
    problems += _ratio_faults(plan.config, better)
    for name, comparison in plan.config.comparisons.items():
        first, second = (samples.get(side or "", set()) for side in (comparison.first, comparison.second))
        with _collected(problems):
            check_shared_samples(name, comparison, first, second)
    problems += _published_faults(plan.config, by_source)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    notes = left_out(plan.config, effects, chosen.values(), read.places) + empty_cells(plan.config, effects)
    return _rows_by_id(by_source), notes


def _figure_faults(config: Config, effects: list[Effect]) -> list[Problem]:
    """References of comparison figures whose blocks have no metric in common, or that are no published rows."""
    problems: list[Problem] = []
    for name, figure in config.figures.items():
        for lane, named in figure.references.items():
            blocks = [config.syntheses[block.synthesis] for block in figure.blocks]
            metrics = {block.metric for block in blocks if block.lane == lane}
            key = f"config.yaml, key figures.{name}.references.{lane}"
            if len(metrics) != 1:
                value = ", ".join(sorted(metrics)) or "no block"
                problems.append(Problem(key, value, f"blocks of lane {lane} in one metric"))
                continue
            with _collected(problems):
                reference_rows(key, with_filled(named.effects, named.when_filled, effects), metrics.pop(), effects)
    return problems


def _own_faults(plan: Plan, raw: Path) -> Iterator[Problem]:
    """Columns that a plan has by hand, and that its sources do not declare so."""
    declared = with_own_columns({"sources": plan.config.sources}, raw).get("own_columns", {})
    for name, column in plan.config.own_columns.items():
        if column.kind != (kind := declared.get(name, {}).get("kind")):
            allowed = f"{kind}, as source.yaml declares it" if kind else "a column that a source.yaml declares"
            hint = "own_columns is taken from the sources: leave it out"
            yield Problem(f"config.yaml, key own_columns.{name}", str(column.kind), allowed, hint)


def _undeclared_faults(config: Config, declared: set[str]) -> list[Problem]:
    """Multiverses of syntheses whose dependence is declared: their analyses know samples that repeat, and no more."""
    allowed = "a synthesis without levels, crossed and correlations, whose effects share no control arm"
    hint = "its analyses know samples that repeat, and no other dependence; shared_control: combine?"
    return [
        Problem(f"config.yaml, key multiverses.{name}.synthesis", multiverse.synthesis, allowed, hint)
        for name, multiverse in config.multiverses.items()
        if multiverse.synthesis in declared
    ]


def _ratio_faults(config: Config, better: Mapping[str, float | None]) -> list[Problem]:
    """Ratios of a wanted event beside those of an unwanted one, in one comparison or on one axis."""
    pairs = {f"comparisons.{n}": (c.first, c.second) for n, c in config.comparisons.items()}
    together = {key: [name for name in names if name] for key, names in pairs.items()}
    together |= {f"figures.{n}": [block.synthesis for block in figure.blocks] for n, figure in config.figures.items()}
    problems = []
    for key, names in together.items():
        for metric in sorted(RATIO_METRICS):
            directions = {
                name: better[name] for name in names if config.syntheses[name].metric == metric and name in better
            }
            if len(set(directions.values())) > 1:
                side = {1.0: "larger", -1.0: "smaller"}
                value = "; ".join(
                    f"{name}: {side[way]} is better" for name, way in directions.items() if way is not None
                )
                allowed = "ratios of which the same side is better"
                hint = "orientation: better turns those of an event that is not wanted (1/ratio)"
                problems.append(Problem(f"config.yaml, key {key}", value, allowed, hint))
    return problems


def _rows_by_id(by_source: dict[str, Extracted]) -> dict[str, Row]:
    dropped: list[Row] = [row for extracted in by_source.values() for row in extracted.dropped]
    return rows_by_id([*dropped, *(row for extracted in by_source.values() for row in extracted.effects)])


def _multiverse_faults(name: str, config: Config, read: _Read) -> list[Problem]:
    """Options of a multiverse that select nothing by themselves, or name values that occur nowhere."""
    problems: list[Problem] = []
    multiverse = config.multiverses[name]
    base = config.syntheses[multiverse.synthesis]
    pooled = [row for row in read.effects if row.source in base.sources and row.metric == base.metric]
    dropped = [row for source in base.sources for row in read.sources[source].dropped]
    for factor, content in multiverse.which.items():
        for key, option in content.options.items():
            where = f"config.yaml, key multiverses.{name}.which.{factor}.options.{key}"
            asked = base.model_copy(update={"select": base.select | option.select})
            faults: list[Problem] = []
            with _collected(faults):
                selected = select_effects(multiverse.synthesis, asked, pooled, dropped)
                problems += people_faults(selected, read.places, read.same, read.others)
            faults += selected_faults(where, asked, option.select, pooled, config, read.places)
            # Made without a check, which the plan has had: Python 3.13.0 crashes where pydantic builds a model in here.
            preferred = {column: Condition.model_construct(any_of=words) for column, words in option.prefer.items()}
            faults += selected_faults(where, asked, preferred, pooled, config, read.places, "prefer")
            place = f"config.yaml, key syntheses.{multiverse.synthesis}"
            problems += [dataclasses.replace(p, where=p.where.replace(place, where)) for p in faults]
            for column, words in option.prefer.items():
                problems += words_nowhere(f"{where}.prefer.{column}", words, (row.cell(column) for row in pooled))
    return problems


def _published_faults(config: Config, by_source: dict[str, Extracted]) -> list[Problem]:
    """Faults of what is held against published rows: references, thresholds, interactions."""
    problems: list[Problem] = []
    effects = [row for extracted in by_source.values() for row in extracted.effects]
    rows = _rows_by_id(by_source)
    for name, comparison in config.comparisons.items():
        metric, where = config.syntheses[comparison.first].metric, f"config.yaml, key comparisons.{name}"
        with _collected(problems):
            if comparison.reference:
                reference_rows(f"{where}.reference", (comparison.reference,), metric, effects)
        with _collected(problems):
            if comparison.equivalence:
                threshold(f"{where}.equivalence", comparison.equivalence, metric, rows)
    for metric, keys in config.relevance.thresholds.items():
        for key in keys:
            with _collected(problems):
                threshold(f"config.yaml, key relevance.thresholds.{metric}", key, metric, rows)
    for name, monitored in config.monitoring.items():
        with _collected(problems):
            where = f"config.yaml, key monitoring.{name}.smallest_effect"
            smallest_effect(where, monitored.smallest_effect, config.syntheses[name].metric, rows)
    for metric, key in config.relevance.differences.items():
        with _collected(problems):
            threshold(f"config.yaml, key relevance.differences.{metric}", key, metric, rows)
    for name, interaction in config.interactions.items():
        for field in ("coefficient", "points", "threshold", "points_threshold"):
            with _collected(problems):
                if getattr(interaction, field):
                    find(f"config.yaml, key interactions.{name}.{field}", getattr(interaction, field), rows)
    return problems


@contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    """Adds the problems of an InputError to a list instead of stopping at the first."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def _checked_sources(plan: Plan, raw: Path) -> _Read:
    """Every source of the plan, read, checked and converted. Raises InputError with the problems of all files."""
    problems: list[Problem] = []
    corrections, latest = corrections_of(raw), latest_day()
    problems += days_to_come(raw / CORRECTIONS, corrections, "date", latest)
    if plan.config.date:
        problems += to_come("config.yaml, key date", plan.config.date.isoformat(), latest)
    policy = plan.config.conversions.policy
    seen: dict[str, str] = {}
    read = _Read()
    for source in plan.config.sources:
        folder = raw / source
        if not folder.is_dir():
            known = sorted(p.parent.name for p in raw.glob("*/effects.csv"))
            allowed = "a folder of data/raw: " + ", ".join(known)
            problems.append(Problem("config.yaml, key sources", source, allowed))
            continue
        with _collected(problems):
            check_inside(raw, folder / "source.yaml")
            about = parse(Source, read_yaml(folder / "source.yaml"), str(folder / "source.yaml"))
            read.same.update(about.same_people)
            read.others.update(about.other_people)
            problems += to_come(f"{folder / 'source.yaml'}, key extraction.on", about.extraction.on, latest)
        with _collected(problems):
            rows, faults = load_source(raw, source, corrections)
            problems += [*faults, *days_to_come(folder / "effects.csv", rows, "coded_on", latest)]
            for number, row in rows:
                read.places[row["effect_id"]] = f"{folder / 'effects.csv'}, row {number}"
                first = seen.setdefault(row["effect_id"], source)
                if first != source:
                    where = f"{folder / 'effects.csv'}, row {number}, column effect_id"
                    allowed = f"a name not used in another source ({first} has it)"
                    problems.append(Problem(where, row["effect_id"], allowed))
            if not problems:
                assessed = find_risk(raw, source, {row["sample_id"] for _, row in rows})
                rows_converted = convert_rows(rows, source, plan.metrics(source), policy)
                read.sources[source] = replace(rows_converted, assessed=assessed)
    if not problems:
        problems += unknown_corrections(raw / CORRECTIONS, corrections, set(seen))
    if problems:
        # What a source.yaml declares is read with its table too.
        raise InputError(list(dict.fromkeys(problems)))
    return read
