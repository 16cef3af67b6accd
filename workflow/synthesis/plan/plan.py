"""The plan of a run: config and raw data, all checked before the first job."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthesis.data.converters import Policy
from synthesis.data.extraction import (
    CORRECTIONS,
    Extracted,
    convert_rows,
    corrections_of,
    load_source,
    reference_rows,
    unknown_corrections,
)
from synthesis.data.published import find, rows_by_id, threshold
from synthesis.data.reading import parse, read_yaml
from synthesis.data.source import Source
from synthesis.data.vocabulary import NumericModerator
from synthesis.errors import InputError, Problem
from synthesis.meta.options import terms
from synthesis.plan.config import Config
from synthesis.plan.selection import check_model, check_shared_samples, select_effects
from synthesis.results.files import check_inside

RAW = Path("data/raw")
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
# A source that no synthesis draws on is converted to the metric of its estimands.
DEFAULT_METRICS = ("g", "z")


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked analysis plan, with what the rules need to know of it."""

    config: Config

    def metrics(self, source: str) -> tuple[str, ...]:
        """Metrics to convert a source to."""
        return self.config.metrics_of(source) or DEFAULT_METRICS

    def whole(self) -> str:
        """The whole plan as JSON, defaults included."""
        return _as_parameter(self.config.model_dump(mode="json"))

    def part(
        self,
        syntheses: Iterable[str] = (),
        comparisons: Iterable[str] = (),
        bridges: Iterable[str] = (),
        figures: Iterable[str] = (),
        also: tuple[str, ...] = (),
        beside: bool = False,
        multiverses: Iterable[str] = (),
    ) -> str:
        """A plan with just these entries and what they name, as JSON.

        `also`: further top-level keys, whole; `beside`: with the diagnostic figures of its syntheses.

        It is a job's params and standard input: a change elsewhere in the plan reruns nothing, and every executor
        carries it, whatever files its nodes share.
        """
        content = self.config.model_dump(mode="json")
        chosen: dict[str, dict[str, Any]] = {
            "comparisons": {name: content["comparisons"][name] for name in comparisons},
            "figures": {name: content["figures"][name] for name in figures},
        }
        chosen["multiverses"] = {name: content["multiverses"][name] for name in multiverses}
        for multiverse in chosen["multiverses"].values():
            # Their number changes no result.
            del multiverse["shards"]
        named = [*bridges, *(b for figure in chosen["figures"].values() for b in figure["bridges"])]
        chosen["bridges"] = {name: content["bridges"][name] for name in named}
        wanted = {*syntheses}
        wanted |= {c[side] for c in chosen["comparisons"].values() for side in ("first", "second") if c[side]}
        wanted |= {b[side] for b in chosen["bridges"].values() for side in ("association", "effect")}
        wanted |= {block["synthesis"] for f in chosen["figures"].values() for block in f["blocks"]}
        wanted |= {multiverse["synthesis"] for multiverse in chosen["multiverses"].values()}
        chosen["syntheses"] = {k: v for k, v in content["syntheses"].items() if k in wanted}
        for synthesis in chosen["syntheses"].values():
            # Words about a pool that do not belong to its fit.
            if "groupings" not in also:
                synthesis["moderators"] = []
            kept = wanted if "relevance" in also else ()
            synthesis["alternatives"] = [name for name in synthesis["alternatives"] if name in kept]
        sources = {source for synthesis in chosen["syntheses"].values() for source in synthesis["sources"]}
        rest = {
            "title": "part of a plan",
            "sources": [source for source in self.config.sources if source in sources],
            "defaults": content["defaults"],
        }
        if beside:
            asked = content["diagnostic_figures"].items()
            rest["diagnostic_figures"] = {k: v for k, v in asked if k in chosen["syntheses"]}
        return _as_parameter(rest | {key: content[key] for key in also} | chosen)

    def batches(self) -> dict[str, list[str]]:
        """Syntheses by the sources they draw on: one job fits or draws all that depend on the same rows."""
        batches: dict[str, list[str]] = {}
        for name, synthesis in self.config.syntheses.items():
            batches.setdefault("_and_".join(sorted(synthesis.sources)), []).append(name)
        return batches

    def blocks_of(self, figure: str) -> list[str]:
        """Syntheses that a comparison figure draws."""
        return list(dict.fromkeys(b.synthesis for b in self.config.figures[figure].blocks))

    def sides_of_bridges(self) -> list[str]:
        """Syntheses on either side of a bridge."""
        return list(dict.fromkeys(side for b in self.config.bridges.values() for side in (b.association, b.effect)))

    def sources_of_multiverse(self, name: str) -> tuple[str, ...]:
        """Sources that the synthesis of a multiverse draws on."""
        return self.config.syntheses[self.config.multiverses[name].synthesis].sources

    def bridged_multiverses(self) -> list[str]:
        """Bridges whose two sides have a multiverse each."""
        held = {multiverse.synthesis for multiverse in self.config.multiverses.values()}
        return [name for name, b in self.config.bridges.items() if {b.association, b.effect} <= held]

    def sources_of_references(self, figure: str) -> list[str]:
        """Sources that may hold the published summaries of a comparison figure: those no synthesis pools, and
        those of its own syntheses."""
        own = {s for name in self.blocks_of(figure) for s in self.config.syntheses[name].sources}
        pooled = {s for synthesis in self.config.syntheses.values() for s in synthesis.sources}
        return [s for s in self.config.sources if s in own or s not in pooled]

    def diagnostic_figures(self, synthesis: str) -> list[tuple[str, str]]:
        """Kind and name of each figure that stands beside a synthesis' forest plot."""
        moderators = self.config.syntheses[synthesis].moderators
        numeric = [m for m in moderators if m in terms(NumericModerator)]
        found: list[tuple[str, str]] = []
        for kind in self.config.diagnostic_figures.get(synthesis, ()):
            if kind == "bubble":
                found += [(kind, f"{kind}_{synthesis}_{moderator}") for moderator in numeric]
            else:
                found.append((kind, f"{kind}_{synthesis}"))
        return found

    def figures(self) -> list[str]:
        """All figures: one per synthesis, then the comparison figures."""
        return [*self.config.syntheses, *self.config.figures]


def _as_parameter(content: dict[str, Any]) -> str:
    """JSON without braces in its texts: Snakemake would take a word in braces for a wildcard."""
    written = json.dumps(content, ensure_ascii=False)
    return _JSON_TEXT.sub(lambda text: text[0].replace("{", r"\u007b").replace("}", r"\u007d"), written)


def load(content: dict[str, Any], where: str = "config.yaml") -> Plan:
    """Checks the config's content. Raises InputError with every problem."""
    return Plan(parse(Config, content, where))


def check(plan: Plan, raw: Path = RAW) -> dict[str, dict[str, Any]]:
    """Checks every raw table, `source.yaml` and correction, and what each synthesis selects.

    Returns the extracted rows by their effect_id. Raises InputError with the problems of all files, or, where the
    files are sound, of the whole plan.
    """
    found = _checked_sources(plan, raw)
    problems: list[Problem] = []
    samples: dict[str, set[str]] = {}
    effects = [row for extracted in found.values() for row in extracted.effects]
    for name, synthesis in plan.config.syntheses.items():
        own = [found[source] for source in synthesis.sources]
        own_effects = [row for extracted in own for row in extracted.effects]
        dropped = [row for extracted in own for row in extracted.dropped]
        references = synthesis.references.effects if synthesis.references else ()
        key = f"config.yaml, key syntheses.{name}.references"
        with _collected(problems):
            selected = select_effects(name, synthesis, own_effects, dropped)
            samples[name] = {row["sample_id"] for row in selected}
            check_model(name, synthesis, plan.config.defaults, len(selected), len(samples[name]))
            reference_rows(key, references, synthesis.metric, own_effects)
    for name in plan.config.multiverses:
        problems += _multiverse_faults(name, plan.config, effects, found)
    for name, figure in plan.config.figures.items():
        for lane, named in figure.references.items():
            blocks = [plan.config.syntheses[block.synthesis] for block in figure.blocks]
            metrics = {block.metric for block in blocks if block.lane == lane}
            key = f"config.yaml, key figures.{name}.references.{lane}"
            if len(metrics) != 1:
                shown = ", ".join(sorted(metrics)) or "no block"
                problems.append(Problem(key, shown, f"blocks of lane {lane} in one metric"))
                continue
            with _collected(problems):
                reference_rows(key, named.effects, metrics.pop(), effects)
    for name, comparison in plan.config.comparisons.items():
        first, second = (samples.get(side or "", set()) for side in (comparison.first, comparison.second))
        with _collected(problems):
            check_shared_samples(name, comparison, first, second)
    problems += _published_faults(plan.config, found)
    if problems:
        raise InputError(problems)
    return _rows_by_id(found)


def _rows_by_id(found: dict[str, Extracted]) -> dict[str, dict[str, Any]]:
    dropped = [row for extracted in found.values() for row in extracted.dropped]
    return rows_by_id([*dropped, *(row for extracted in found.values() for row in extracted.effects)])


def _multiverse_faults(
    name: str, config: Config, effects: list[dict[str, Any]], found: dict[str, Extracted]
) -> list[Problem]:
    """Options of a multiverse that select nothing by themselves, or name values that occur nowhere."""
    problems: list[Problem] = []
    multiverse = config.multiverses[name]
    base = config.syntheses[multiverse.synthesis]
    own = [row for row in effects if row["source"] in base.sources and row["metric"] == base.metric]
    dropped = [row for source in base.sources for row in found[source].dropped]
    for factor, content in multiverse.which.items():
        for key, option in content.options.items():
            where = f"config.yaml, key multiverses.{name}.which.{factor}.options.{key}"
            asked = base.model_copy(update={"select": base.select | option.select})
            faults: list[Problem] = []
            with _collected(faults):
                select_effects(multiverse.synthesis, asked, own, dropped)
            place = f"config.yaml, key syntheses.{multiverse.synthesis}"
            problems += [dataclasses.replace(p, where=p.where.replace(place, where)) for p in faults]
            for column, words in option.prefer.items():
                present = {row[column] for row in own}
                for word in words:
                    if word not in present:
                        allowed = "one of " + ", ".join(sorted(present - {""})[:20])
                        problems.append(Problem(f"{where}.prefer.{column}", word, allowed))
    return problems


def _published_faults(config: Config, found: dict[str, Extracted]) -> list[Problem]:
    """Faults of what is held against published rows: references, thresholds, interactions."""
    problems: list[Problem] = []
    effects = [row for extracted in found.values() for row in extracted.effects]
    rows = _rows_by_id(found)
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


def _checked_sources(plan: Plan, raw: Path) -> dict[str, Extracted]:
    """Every source of the plan, read, checked and converted. Raises InputError with the problems of all files."""
    problems: list[Problem] = []
    corrections = corrections_of(raw)
    policy = Policy(plan.config.conversions.zero_cells)
    seen: dict[str, str] = {}
    found: dict[str, Extracted] = {}
    for source in plan.config.sources:
        folder = raw / source
        if not folder.is_dir():
            known = sorted(p.parent.name for p in raw.glob("*/effects.csv"))
            allowed = "a folder of data/raw: " + ", ".join(known)
            problems.append(Problem("config.yaml, key sources", source, allowed))
            continue
        with _collected(problems):
            check_inside(raw, folder / "source.yaml")
            parse(Source, read_yaml(folder / "source.yaml"), str(folder / "source.yaml"))
        with _collected(problems):
            rows, faults = load_source(raw, source, corrections)
            problems += faults
            for number, row in rows:
                first = seen.setdefault(row["effect_id"], source)
                if first != source:
                    where = f"{folder / 'effects.csv'}, row {number}, column effect_id"
                    allowed = f"a name not used in another source ({first} has it)"
                    problems.append(Problem(where, row["effect_id"], allowed))
            if not problems:
                found[source] = convert_rows(rows, source, plan.metrics(source), policy)
    if not problems:
        problems += unknown_corrections(raw / CORRECTIONS, corrections, set(seen))
    if problems:
        raise InputError(problems)
    return found


def code_fingerprint() -> str:
    """Digest of the package's own source: a params value that reruns the jobs when their code changes."""
    root = Path(__file__).parents[1]
    summed = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.css", "*.js") for path in root.rglob(kind)):
        summed.update(path.relative_to(root).as_posix().encode())
        summed.update(path.read_bytes())
    return summed.hexdigest()[:16]
