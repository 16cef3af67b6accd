"""What the report is written from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from synthesis.data.source import Source
from synthesis.plan.config import Config
from synthesis.results.certainty import DomainRow, FindingsRow, LowRiskRow
from synthesis.results.checks import CheckRow
from synthesis.results.comparisons import BridgeRow, Comparisons, ModeratorPowerRow, TippingRow
from synthesis.results.curves import MultiverseSummary, PairRow
from synthesis.results.extracted import Assessed, Dropped, Effect
from synthesis.results.files import check_whole
from synthesis.results.fitted import Fitted
from synthesis.results.further import LookRow, PsychometricRow
from synthesis.results.process import DoubtedClaim, DoubtedComparison, DoubtRow, ProcessResults
from synthesis.results.readings import AgreementRow, DisagreementRow
from synthesis.review.diagnostic_tables import DiagnosticTables

# Larger tables stand beside the report only.
LARGEST_CSV = 100_000
# How wide a text is, for readers without our font: pages bring it.
_ROOM = re.compile(r' textLength="[\d.]+"')


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as the report embeds it, and its data as CSV."""

    svg: str
    csv: str = ""


@dataclass(frozen=True)
class ReviewResults:
    """Everything a section may draw on. `documents` in the order of the plan; tables as the run wrote them.

    `drawings` by the stem of their file.
    """

    config: Config
    documents: list[Fitted]
    compared: Comparisons
    tipping: list[TippingRow]
    effects: Sequence[Effect]
    dropped: Sequence[Dropped]
    crosscheck: list[CheckRow]
    sources: list[Source]
    diagnostics: DiagnosticTables
    drawings: dict[str, Drawing] = field(default_factory=dict)
    multiverses: list[MultiverseSummary] = field(default_factory=list)
    pairs: list[PairRow] = field(default_factory=list)
    agreement: list[AgreementRow] = field(default_factory=list)
    disagreements: list[DisagreementRow] = field(default_factory=list)
    findings: list[FindingsRow] = field(default_factory=list)
    domains: list[DomainRow] = field(default_factory=list)
    low_risk: list[LowRiskRow] = field(default_factory=list)
    moderator_power: list[ModeratorPowerRow] = field(default_factory=list)
    looks: list[LookRow] = field(default_factory=list)
    psychometric: list[PsychometricRow] = field(default_factory=list)
    assessed: Sequence[Assessed] = ()
    process: ProcessResults | None = None
    doubts: list[DoubtRow] = field(default_factory=list)
    doubted: list[DoubtedComparison] = field(default_factory=list)
    doubted_claims: list[DoubtedClaim] = field(default_factory=list)

    @cached_property
    def by_name(self) -> dict[str, Fitted]:
        """The documents by the name of their synthesis."""
        return {document.synthesis: document for document in self.documents}

    @cached_property
    def rows(self) -> dict[str, Effect | Dropped]:
        """Every extracted row by its effect_id, usable ones first."""
        rows: dict[str, Effect | Dropped] = {}
        for effect in self.effects:
            rows.setdefault(effect.effect_id, effect)
        for row in self.dropped:
            rows.setdefault(row.effect_id, row)
        return rows

    @cached_property
    def usable(self) -> dict[str, Effect]:
        """The rows with a usable number, by effect_id: one converted to two metrics is one row."""
        return {row.effect_id: row for row in self.effects}

    @cached_property
    def conversions(self) -> dict[str, list[Effect]]:
        """Each usable row in every metric that it was converted to, by effect_id."""
        by_id: dict[str, list[Effect]] = {}
        for effect in self.effects:
            by_id.setdefault(effect.effect_id, []).append(effect)
        return by_id

    @cached_property
    def lost(self) -> dict[str, Dropped]:
        """The rows without a usable number in any metric, by effect_id."""
        return {row.effect_id: row for row in self.dropped if row.effect_id not in self.usable}

    def bridge_rows(self, name: str) -> list[BridgeRow]:
        """The rows of a bridge, one per reading."""
        return [row for row in self.compared.bridges if row.bridge == name]


def read_drawings(paths: Iterable[Path]) -> dict[str, Drawing]:
    """The drawings at these paths, each with the CSV of its figure."""
    drawings = {}
    for path in paths:
        check_whole(path)
        data = path.parent / "data" / f"{path.stem}.csv"
        small = data.exists() and data.stat().st_size <= LARGEST_CSV
        csv = data.read_text(encoding="utf-8") if small else ""
        drawings[path.stem] = Drawing(_ROOM.sub("", path.read_text(encoding="utf-8")), csv)
    return drawings
