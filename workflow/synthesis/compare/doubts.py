"""Doubted records: the pools, comparisons and claims under the other decision, computed from the raw rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synthesis.compare.claim_values import Evidence
from synthesis.compare.claims import syntheses_of, verdict_of_data
from synthesis.compare.contrast import contrast
from synthesis.data.claim_table import Claim
from synthesis.data.columns import COLUMNS
from synthesis.data.extraction import convert_rows, corrections_of, load_source
from synthesis.data.printed import Numbered
from synthesis.data.tables import check_cells, typed
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config
from synthesis.plan.doubted import Doubt
from synthesis.results.extracted import Dropped, Effect, Extracted
from synthesis.results.fitted import Fitted
from synthesis.results.process import DoubtedClaim, DoubtedComparison, DoubtRow
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented

_PUT_ASIDE = "left out by a declared sensitivity analysis"


def refits(config: Config, raw: Path) -> dict[str, dict[str, Fitted]]:
    """Each synthesis of each doubt under the other decision.

    Raises InputError for rows that no source has, for cells that no column may hold, and where nothing is left.
    """
    refitted = {}
    tables = _Raw(raw, corrections_of(raw) if config.doubts else [], {})
    for name, doubt in config.doubts.items():
        extracted = _under(f"doubts.{name}", doubt, config, tables)
        refitted[name] = {synthesis: _fitted(synthesis, config, extracted) for synthesis in doubt.syntheses}
    return refitted


def doubts(
    config: Config,
    then: Mapping[str, Mapping[str, Fitted]],
    documents: Mapping[str, Fitted],
    bounds: Mapping[str, float | None],
) -> tuple[list[DoubtRow], list[DoubtedComparison]]:
    """Each synthesis of each doubt, as it is and under the other decision, and the comparisons that have one of them.

    `then`: see `refits`; `bounds`: of each comparison the difference that does not matter, on its metric; None or
    nothing where it has none.
    """
    rows: list[DoubtRow] = []
    compared: list[DoubtedComparison] = []
    for name, doubt in config.doubts.items():
        rows += [_row(name, doubt, config.syntheses[s].title, documents[s], fitted) for s, fitted in then[name].items()]
        compared += _compared(name, doubt, config, documents, {**documents, **then[name]}, bounds)
    return rows, compared


def doubted_claims(
    claims: Sequence[Claim], evidence: Evidence, then: Mapping[str, Mapping[str, Fitted]]
) -> list[DoubtedClaim]:
    """What the data say of each claim about a synthesis of a doubt, as it is and under the other decision."""
    rows = []
    for name, doubt in evidence.plan.doubts.items():
        changed = replace(evidence, documents={**evidence.documents, **then[name]})
        for claim in claims:
            if claim.quantity and {*syntheses_of(claim, evidence.plan)} & {*doubt.syntheses}:
                now, other = verdict_of_data(claim, evidence), verdict_of_data(claim, changed)
                rows.append(
                    DoubtedClaim(
                        doubt=name,
                        title=doubt.title,
                        claim_id=claim.claim_id,
                        claim=claim.claim,
                        verdict_of_data=now.verdict,
                        verdict_of_data_then=other.verdict,
                        why_then=other.why,
                        turns="yes" if now.verdict != other.verdict else "",
                    )
                )
    return rows


def _compared(
    name: str,
    doubt: Doubt,
    config: Config,
    now: Mapping[str, Fitted],
    then: Mapping[str, Fitted],
    bounds: Mapping[str, float | None],
) -> Iterator[DoubtedComparison]:
    """Comparisons of two syntheses, with and without the other decision, each with the plan's test of equivalence."""
    for key, plan in config.comparisons.items():
        second = plan.second
        if second is None or not {plan.first, second} & {*doubt.syntheses} or not {plan.first, second} <= {*now}:
            continue
        before, after = (contrast(key, plan, of[plan.first], of[second], bounds.get(key)) for of in (now, then))
        yield DoubtedComparison(
            doubt=name,
            title=doubt.title,
            comparison=key,
            comparison_title=plan.title,
            difference=before.difference,
            p=before.p,
            conclusion=before.conclusion,
            difference_then=after.difference,
            p_then=after.p,
            conclusion_then=after.conclusion,
            turns="yes" if before.conclusion != after.conclusion else "",
        )


@dataclass(frozen=True, slots=True)
class _Raw:
    """The raw tables, their corrections, and the rows by source that were read already, all of them corrected."""

    folder: Path
    corrections: list[Numbered]
    read: dict[str, list[Numbered]]

    def rows(self, source: str, undo: Mapping[str, Sequence[str]]) -> list[Numbered]:
        """The rows of a source without some corrections: fields by effect_id."""
        if source not in self.read:
            self.read[source] = self._load(source, self.corrections)
        rows = self.read[source]
        if not any(row["effect_id"] in undo for _, row in rows):
            return rows
        return self._load(
            source, [(n, c) for n, c in self.corrections if c["field"] not in undo.get(c["effect_id"], ())]
        )

    def _load(self, source: str, corrections: list[Numbered]) -> list[Numbered]:
        rows, problems = load_source(self.folder, source, corrections)
        if problems:
            raise InputError(problems)
        return rows


def _under(key: str, doubt: Doubt, config: Config, raw: _Raw) -> Extracted:
    """The effects of all sources of the doubt's syntheses under the other decision, and those that it takes in."""
    sources = [s for name in doubt.syntheses for s in config.syntheses[name].sources]
    asked = config.sources if doubt.replace else dict.fromkeys(sources)
    rows_of = {source: raw.rows(source, doubt.undo) for source in asked}
    _check_known(key, doubt, rows_of)
    taken = {row["effect_id"]: row for rows in rows_of.values() for _, row in rows}
    effects: list[Effect] = []
    dropped: list[Dropped] = []
    for source in dict.fromkeys(sources):
        changed = [(n, _changed(key, doubt, row, taken)) for n, row in rows_of[source]]
        metrics = {config.syntheses[name].metric for name in doubt.syntheses}
        extracted = convert_rows(changed, source, tuple(sorted(metrics)), config.conversions.policy)
        effects += extracted.effects
        dropped += extracted.dropped
    return Extracted(effects=tuple(effects), dropped=tuple(dropped))


def _changed(
    key: str, doubt: Doubt, row: dict[str, object], taken: Mapping[str, dict[str, object]]
) -> dict[str, object]:
    """A row under the other decision."""
    effect_id = str(row["effect_id"])
    if effect_id in doubt.replace:
        row = taken[doubt.replace[effect_id]]
    if effect_id in doubt.put_back:
        row = row | {"exclusion_reason": ""}
    if effect_id in doubt.leave_out:
        row = row | {"exclusion_reason": _PUT_ASIDE}
    if effect_id in doubt.set:
        cells = doubt.set[effect_id]
        where = Path(f"config.yaml, key {key}.set.{effect_id}")
        problems = check_cells(where, [(1, dict(cells))], [c for c in COLUMNS if c.name in cells])
        if problems:
            raise InputError(problems)
        row = row | {name: value for name, value in typed(cells).items() if name in cells}
    return row


def _check_known(key: str, doubt: Doubt, rows_of: Mapping[str, Sequence[Numbered]]) -> None:
    known = {row["effect_id"] for rows in rows_of.values() for _, row in rows}
    names = [*doubt.leave_out, *doubt.put_back, *doubt.replace, *doubt.replace.values(), *doubt.undo, *doubt.set]
    problems = [
        Problem(f"config.yaml, key {key}", name, "an effect_id of the sources of its syntheses", "renamed since?")
        for name in names
        if name not in known
    ]
    columns = {column.name for column in COLUMNS}
    for effect_id, cells in doubt.set.items():
        problems += [
            Problem(f"config.yaml, key {key}.set.{effect_id}", name, "a column of data/raw/README.md")
            for name in cells
            if name not in columns
        ]
    if problems:
        raise InputError(problems)


def _fitted(name: str, config: Config, extracted: Extracted) -> Fitted:
    plan = config.syntheses[name]
    effects = [row for row in extracted.effects if row.source in plan.sources]
    dropped = [row for row in extracted.dropped if row.source in plan.sources]
    return presented(run_synthesis(name, plan, config.defaults, effects, dropped), plan)


def _row(name: str, doubt: Doubt, title: str, document: Fitted, then: Fitted) -> DoubtRow:
    return DoubtRow(
        doubt=name,
        title=doubt.title,
        reason=doubt.reason,
        synthesis=document.synthesis,
        synthesis_title=title,
        metric=document.metric,
        samples=document.fit.samples,
        estimate=document.fit.estimate,
        ci_low=document.fit.ci_low,
        ci_high=document.fit.ci_high,
        samples_then=then.fit.samples,
        estimate_then=then.fit.estimate,
        ci_low_then=then.fit.ci_low,
        ci_high_then=then.fit.ci_high,
        moved=then.fit.estimate - document.fit.estimate,
    )
