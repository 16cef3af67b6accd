"""The plan of a run: config and raw data, all checked before the first job."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthesis.errors import InputError, Problem
from synthesis.models.config import Config, Source, parse, read_yaml

RAW = Path("data/raw")
# A source that no synthesis draws on is converted to the metric of its estimands.
DEFAULT_METRICS = ("g", "z")


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked analysis plan, with what the rules need to know of it."""

    config: Config

    def metrics(self, source: str) -> tuple[str, ...]:
        """Metrics to convert a source to."""
        return self.config.metrics_of(source) or DEFAULT_METRICS

    def section(self, *keys: str) -> str:
        """A part of the config, defaults included, as canonical JSON: a rule's params, so that a change of just
        this part reruns just what depends on it."""
        part: Any = self.config.model_dump(mode="json")
        for key in keys:
            part = part[key]
        return json.dumps(part, sort_keys=True, ensure_ascii=False)

    def batches(self) -> dict[str, list[str]]:
        """Syntheses by the sources they draw on: one job fits or draws all that depend on the same rows."""
        batches: dict[str, list[str]] = {}
        for name, synthesis in self.config.syntheses.items():
            batches.setdefault("_and_".join(sorted(synthesis.sources)), []).append(name)
        return batches

    def blocks_of(self, figure: str) -> list[str]:
        """Syntheses that a comparison figure draws."""
        return list(dict.fromkeys(b.synthesis for b in self.config.figures[figure].blocks))

    def sources_of_references(self, figure: str) -> list[str]:
        """Sources that may hold the published summaries of a comparison figure: those no synthesis pools, and
        those of its own syntheses."""
        own = {s for name in self.blocks_of(figure) for s in self.config.syntheses[name].sources}
        pooled = {s for synthesis in self.config.syntheses.values() for s in synthesis.sources}
        return [s for s in self.config.sources if s in own or s not in pooled]

    def figures(self) -> list[str]:
        """All figures: one per synthesis, then the comparison figures."""
        return [*self.config.syntheses, *self.config.figures]


def load(content: dict[str, Any], where: str = "config.yaml") -> Plan:
    """Checks the config's content. Raises InputError with every problem."""
    return Plan(parse(Config, content, where))


def check(plan: Plan, raw: Path = RAW) -> None:
    """Checks every raw table, `source.yaml` and correction. Raises InputError with the problems of all files."""
    from synthesis.extraction import CORRECTIONS, corrections_of, load_source, unknown_corrections

    problems: list[Problem] = []
    corrections = corrections_of(raw)
    seen: dict[str, str] = {}
    for source in plan.config.sources:
        folder = raw / source
        if not folder.is_dir():
            known = sorted(p.parent.name for p in raw.glob("*/effects.csv"))
            allowed = "a folder of data/raw: " + ", ".join(known)
            problems.append(Problem("config.yaml, key sources", source, allowed))
            continue
        try:
            parse(Source, read_yaml(folder / "source.yaml"), str(folder / "source.yaml"))
        except InputError as error:
            problems += error.problems
        try:
            rows, faults = load_source(raw, source, corrections)
        except InputError as error:
            problems += error.problems
            continue
        problems += faults
        for number, row in rows:
            effect_id = row["effect_id"]
            first = seen.setdefault(effect_id, source)
            if first != source:
                where = f"{folder / 'effects.csv'}, row {number}, column effect_id"
                allowed = f"a name not used in another source ({first} has it)"
                problems.append(Problem(where, effect_id, allowed))
    if not problems:
        problems += unknown_corrections(raw / CORRECTIONS, corrections, set(seen))
    if problems:
        raise InputError(problems)


def code_fingerprint() -> str:
    """Digest of the package's own source: a params value that reruns the jobs when their code changes."""
    root = Path(__file__).parent
    summed = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        summed.update(path.relative_to(root).as_posix().encode())
        summed.update(path.read_bytes())
    return summed.hexdigest()[:16]
