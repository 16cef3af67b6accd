"""How a synthesis is shown: what the plan says of that, put to its fit, which does not know it.

So that other words or columns draw and report again, and fit nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import fields, replace

from synthesis import text
from synthesis.data.risk_tools import TOOLS
from synthesis.data.scales import back_transform
from synthesis.data.source import OwnColumn
from synthesis.data.vocabulary import DOMAIN_COLUMN, RATIO_METRICS, RISK_DOMAINS, is_domain
from synthesis.plan.config import Synthesis
from synthesis.plan.selection import entered_as
from synthesis.results.document import columns, read_document
from synthesis.results.extracted import Assessed, Effect, Extracted
from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted, Member, PooledRow, Study, Versions

# Of people the most of a sample's effects are shown.
_PEOPLE = frozenset({"n", "n_treat", "n_control"})


def presented(
    document: Fitted,
    synthesis: Synthesis,
    extracted: Extracted | None = None,
    declared: Mapping[str, OwnColumn] = MappingProxyType({}),
) -> Fitted:
    """A model document with its title, note and the like, and the heads of the user's columns, `declared`; with
    `extracted`, the rows of its sources, the cells of the plan's columns for each sample and estimate, too."""
    assessed = {assessment.sample_id: assessment for assessment in extracted.assessed} if extracted else {}
    of_samples = [assessed[s.sample_id] for s in document.studies if s.sample_id in assessed]
    shown = _by_domain(synthesis.columns, of_samples)
    figure = replace(
        document.figure,
        columns=shown,
        titles={name: column.title for name, column in declared.items() if column.title},
        sort=synthesis.sort,
        rows=synthesis.rows,
        favours=synthesis.favours or _favours(document, synthesis),
        note=synthesis.note,
        tools=tuple(dict.fromkeys(assessment.tool for assessment in of_samples))
        if RISK_DOMAINS in synthesis.columns
        else (),
    )
    document = replace(document, title=synthesis.title, figure=figure)
    if extracted is None:
        return document
    rows = _rows_of(document, extracted)
    studies = (_with_cells(study, rows, shown, assessed.get(study.sample_id)) for study in document.studies)
    return replace(document, studies=tuple(studies))


def _by_domain(columns: Sequence[str], assessed: Sequence[Assessed]) -> tuple[str, ...]:
    """The columns of a forest plot, with one for each domain in the place of rob_domains; none where nobody was
    assessed."""
    domains = range(max((len(TOOLS[sample.tool].domains) for sample in assessed), default=0))
    names = tuple(DOMAIN_COLUMN.format(i + 1) for i in domains)
    return tuple(name for column in columns for name in (names if column == RISK_DOMAINS else (column,)))


def judged_cells(assessed: Assessed | None) -> dict[str, Cell]:
    """The judgements of a sample by the columns of its tool's domains; nothing where it was not assessed."""
    if assessed is None:
        return {}
    domains = TOOLS[assessed.tool].domains
    return {DOMAIN_COLUMN.format(i + 1): assessed.domains.get(name, "") for i, name in enumerate(domains)}


def _favours(document: Fitted, synthesis: Synthesis) -> tuple[str, str] | None:
    """The words below the axis of a ratio, which say which side is good; a plan's own words go before them."""
    if synthesis.metric not in RATIO_METRICS or document.figure.direction is None:
        return None
    sides = "favours comparator", "favours treatment"
    return sides if document.figure.direction == 1 else sides[::-1]


def read_presented(
    paths: Iterable[Path],
    syntheses: Mapping[str, Synthesis],
    extracted: Extracted | None = None,
    declared: Mapping[str, OwnColumn] = MappingProxyType({}),
) -> list[Fitted]:
    """The model documents at these paths, as the plan shows them."""
    documents = [read_document(path, Fitted) for path in paths]
    return [presented(document, syntheses[document.synthesis], extracted, declared) for document in documents]


def _cell(row: Effect | None, name: str) -> Cell:
    return None if row is None else row.cell(name)


def with_columns(document: Fitted, extracted: Extracted, names: Iterable[str]) -> Fitted:
    """A model document whose effects hold these columns of their rows too, where they do not have them anyway."""
    wanted = [name for name in dict.fromkeys(names) if name not in columns(Member)]
    if not wanted:
        return document
    rows = _rows_of(document, extracted)

    def filled(study: Study) -> Study:
        member_cells = [{name: _cell(rows.get(member.effect_id), name) for name in wanted} for member in study.members]
        members = (replace(m, more=m.more | cells) for m, cells in zip(study.members, member_cells, strict=True))
        words = {
            name: text.shared(cell for cells in member_cells if isinstance(cell := cells[name], str))
            for name in wanted
            if not any(isinstance(cells[name], float) for cells in member_cells)
        }
        return replace(study, members=tuple(members), more=study.more | words)

    return replace(document, studies=tuple(map(filled, document.studies)))


def with_flags(document: Fitted, extracted: Extracted) -> Fitted:
    """A model document whose effects hold the flags of their rows."""
    rows = _rows_of(document, extracted)

    def flagged(study: Study) -> Study:
        members = (replace(member, flags=_flags(rows[member.effect_id])) for member in study.members)
        return replace(study, members=tuple(members))

    return replace(document, studies=tuple(map(flagged, document.studies)))


def _flags(row: Effect) -> tuple[str, ...]:
    return tuple(filter(None, row.flag.split(";")))


def _with_cells(
    study: Study, rows: Mapping[str, Effect], columns: Sequence[str], assessed: Assessed | None = None
) -> Study:
    judged = {name: cell for name, cell in judged_cells(assessed).items() if name in columns}
    shown = [name for name in columns if not is_domain(name)]

    def with_cells(member: Member) -> Member:
        row = rows[member.effect_id]
        return replace(member, cells=cells([row], shown) | judged, flags=_flags(row))

    members = tuple(with_cells(member) for member in study.members)
    return replace(study, members=members, cells=cells([rows[m.effect_id] for m in members], shown) | judged)


def _rows_of(document: Fitted, extracted: Extracted) -> dict[str, Effect]:
    """The rows of a fit by effect_id, those that were entered as 0 among them."""
    rows: dict[str, Effect] = {row.effect_id: row for row in extracted.effects if row.metric == document.fit.metric}
    members = [member for study in document.studies for member in study.members]
    zeros = {member.effect_id: member.vi for member in members if member.effect_id not in rows}
    return rows | {row.effect_id: entered_as(row, 0.0, zeros[row.effect_id]) for row in extracted.dropped
                   if row.effect_id in zeros}  # fmt: skip


def cells(rows: Sequence[Effect], columns: Iterable[str]) -> dict[str, Cell]:
    """What the forest plot shows of rows: the number or word that they share, "mixed" words, the largest n."""
    cells_of: dict[str, Cell] = {}
    for column in columns:
        values = [row.n_total if column == "n" else row.cell(column) for row in rows]
        numbers = [value for value in values if isinstance(value, float)]
        if numbers:
            cells_of[column] = max(numbers) if column in _PEOPLE or len(set(numbers)) == 1 else None
        else:
            cells_of[column] = text.shared(value for value in values if isinstance(value, str))
    return cells_of


_READ = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def pooled_row(document: Fitted) -> PooledRow:
    """A model document as a row of the table of all fits."""
    fit, versions = document.fit, document.versions
    transformed = {f"{name}_transformed": back_transform(fit.metric or "", getattr(fit, name)) for name in _READ}
    made = transformed | {f"version_{name}": getattr(versions, name) for name in columns(Versions)}
    made |= {"sources": "; ".join(document.sources), "notes": "; ".join(fit.notes)}
    made["levels"] = "; ".join(f"{level.level}: {level.variance!r}" for level in fit.levels)
    rest = [field.name for field in fields(PooledRow) if field.name not in {"fit", *made}]
    return PooledRow(fit=fit.numbers, **made, **{name: getattr(document, name) for name in rest})
