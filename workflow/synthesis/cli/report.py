"""The command of the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from synthesis.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from synthesis.cli.main import Arguments, Commands
    from synthesis.plan.config import Config
    from synthesis.report import ReviewResults
    from synthesis.results.comparisons import Comparisons
    from synthesis.results.document import Document

Read = TypeVar("Read", bound="Document")

# Tables of comparisons that the report shows; those of the second extraction may be missing.
TABLES = ("comparison", "bridge", "relevance", "interactions", "robustness", "tipping_points")


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    added = _reading(commands.add(report, plan=True)).path("--out", "--appendix")
    added.other("--figures", type=Path, nargs="*", default=[], help="results/figures/*.svg")
    added = _reading(commands.add(manuscript, plan=True)).path("--out")
    added.other("--figures", type=Path, nargs="*", default=[], help="results/figures/*.png, in their order")
    added.other("--search", type=Path, help="data/raw/search.csv")


def _reading(added: Arguments) -> Arguments:
    """The results that both read."""
    added.paths("--models", "--sources", "--about", "--diagnostics", "--compared")
    added.path("--claims", "--crosscheck")
    added.other("--multiverses", type=Path, nargs="*", default=[], help="results/multiverse/*.json")
    added.other("--pairs", type=Path, nargs="*", default=[], help="results/tables/multiverse_bridge.csv")
    added.other("--process", type=Path, nargs="*", default=[], help="results/process.json")
    return added.other("--doubts", type=Path, nargs="*", default=[], help="results/tables/doubt*.csv")


def report(args: argparse.Namespace) -> None:
    """Writes the report and its appendix."""
    from dataclasses import replace

    from synthesis.plan.config import read_config
    from synthesis.report import render, render_appendix
    from synthesis.report.review_results import read_drawings
    from synthesis.results.files import write_text

    review = replace(_review_results(args, read_config(args.config)), drawings=read_drawings(args.figures))
    write_text(args.out, render(review, args.appendix.name))
    write_text(args.appendix, render_appendix(review, args.out.name))
    print(f"open {args.out}")


def manuscript(args: argparse.Namespace) -> None:
    """Writes methods, results, tables, figures and references of a paper."""
    from datetime import date

    from synthesis.data.search import read_search
    from synthesis.export.checklist import WRITE, checklist
    from synthesis.export.crate import published
    from synthesis.plan.config import read_config
    from synthesis.report.bibliography import bibtex
    from synthesis.report.manuscript import manuscript as written
    from synthesis.report.manuscript import summary_of_findings
    from synthesis.report.paper import markdown, records
    from synthesis.report.word import word
    from synthesis.results.files import check_whole, write_bytes, write_csv, write_text

    plan = read_config(args.config)
    review = _review_results(args, plan)
    searched = read_search(args.search) if args.search else []
    items = checklist(plan, review.documents, len(review.compared.claims))
    left = [f"item {row['item']}: {row['topic']}" for row in items if row["status"] == WRITE]
    paper = written(review, searched, {path.stem: path for path in args.figures}, left)
    day = date.fromisoformat(published(plan))
    write_text(args.out / "manuscript.md", markdown(paper))
    for name, made in {"manuscript": paper, "summary_of_findings": summary_of_findings(review)}.items():
        write_bytes(args.out / f"{name}.docx", word(made, day))
    for stem, table in paper.tables.items():
        write_csv(args.out / "tables" / f"{stem}.csv", records(table), table.heads)
    for path in args.figures:
        for file in (path, path.with_suffix(".pdf")):
            check_whole(file)
            write_bytes(args.out / "figures" / file.name, file.read_bytes())
    write_text(args.out / "references.bib", bibtex(review))
    print(f"open {args.out / 'manuscript.md'}")


def _tables(paths: Iterable[Path]) -> dict[str, Path]:
    """Tables of comparisons by name."""
    tables = {path.stem: path for path in paths}
    if lacking := [name for name in TABLES if name not in tables]:
        refuse("--compared", f"nothing named {', '.join(lacking)}", TABLES)
    return tables


def _comparisons(tables: Mapping[str, Path], claims: Path) -> Comparisons:
    from synthesis.results import comparisons as types
    from synthesis.results.document import read_documents, read_rows

    return types.Comparisons(
        contrasts=read_rows(tables["comparison"], types.ContrastRow),
        bridges=read_rows(tables["bridge"], types.BridgeRow),
        relevance=read_rows(tables["relevance"], types.RelevanceRow),
        interactions=read_rows(tables["interactions"], types.InteractionRow),
        robustness=read_rows(tables["robustness"], types.RobustnessRow),
        claims=read_documents(claims, types.DecidedClaim),
    )


def _named(paths: Iterable[Path], stem: str, kind: type[Read]) -> list[Read]:
    """The rows of the table with this name; none where it is not among the paths."""
    from synthesis.results.document import read_rows

    return [row for path in paths if path.stem == stem for row in read_rows(path, kind)]


def _review_results(args: argparse.Namespace, config: Config) -> ReviewResults:
    """What both are written from, without drawings."""
    from synthesis.data.source import read_abouts
    from synthesis.report import ReviewResults
    from synthesis.results.certainty import DomainRow, FindingsRow, LowRiskRow
    from synthesis.results.checks import CheckRow
    from synthesis.results.comparisons import ModeratorPowerRow, TippingRow
    from synthesis.results.curves import MultiverseSummary, PairRow
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document, read_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.results.further import LookRow, PsychometricRow
    from synthesis.results.process import DoubtedClaim, DoubtedComparison, DoubtRow, ProcessResults
    from synthesis.results.readings import AgreementRow, DisagreementRow
    from synthesis.review.diagnostic_tables import tables as diagnostic_tables
    from synthesis.review.presentation import read_presented

    tables = _tables(args.compared)
    extracted = read_extracted(args.sources)
    return ReviewResults(
        config=config,
        documents=read_presented(args.models, config.syntheses),
        compared=_comparisons(tables, args.claims),
        tipping=read_rows(tables["tipping_points"], TippingRow),
        effects=extracted.effects,
        dropped=extracted.dropped,
        assessed=extracted.assessed,
        crosscheck=read_rows(args.crosscheck, CheckRow),
        sources=list(read_abouts(args.about).values()),
        diagnostics=diagnostic_tables(read_document(path, Diagnosed) for path in args.diagnostics),
        multiverses=[read_document(path, MultiverseSummary) for path in args.multiverses],
        pairs=[row for path in args.pairs for row in read_rows(path, PairRow)],
        process=next((read_document(path, ProcessResults) for path in args.process), None),
        doubts=_named(args.doubts, "doubts", DoubtRow),
        doubted=_named(args.doubts, "doubted_comparisons", DoubtedComparison),
        doubted_claims=_named(args.doubts, "doubted_claims", DoubtedClaim),
        agreement=read_rows(tables["agreement"], AgreementRow) if "agreement" in tables else [],
        disagreements=read_rows(tables["disagreements"], DisagreementRow) if "disagreements" in tables else [],
        findings=read_rows(tables["summary_of_findings"], FindingsRow) if "summary_of_findings" in tables else [],
        moderator_power=read_rows(tables["moderator_power"], ModeratorPowerRow) if "moderator_power" in tables else [],
        looks=read_rows(tables["monitoring"], LookRow) if "monitoring" in tables else [],
        psychometric=read_rows(tables["psychometric"], PsychometricRow) if "psychometric" in tables else [],
        low_risk=read_rows(tables["without_high_risk"], LowRiskRow) if "without_high_risk" in tables else [],
        domains=read_rows(tables["certainty"], DomainRow) if "certainty" in tables else [],
    )
