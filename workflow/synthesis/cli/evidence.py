"""The commands of findings without a number, and of doubted records."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(process, plan=True).paths("--sources").path("--model", "--tables", "--out")
    commands.add(process_figure, plan=True).path("--results", "--out")
    commands.add(fill_in, plan=True).raw().path("--out")
    added = commands.add(doubts, plan=True).raw().paths("--models", "--sources")
    added.path("--table", "--comparisons", "--claims-table").other("--claims", type=Path)


def process(args: argparse.Namespace) -> None:
    """Counts, bounds and imputes findings without a number, and compares the processes."""
    from synthesis.compare.processes import processes
    from synthesis.plan.config import read_config
    from synthesis.results import process as types
    from synthesis.results.document import write_document, write_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    (first,) = read_presented([args.model], plan.syntheses)
    results = processes(plan, first, read_extracted(args.sources))
    write_rows(args.tables / "process_findings.csv", results.findings, types.Finding)
    write_rows(args.tables / "process_counts.csv", results.counts, types.CountRow)
    write_rows(args.tables / "process_pools.csv", results.pools, types.ProcessPool)
    write_rows(args.tables / "process_comparison.csv", results.contrasts, types.ProcessContrast)
    write_document(args.out, results)
    print(f"{len(results.findings)} findings, {len(results.pools)} pools, {len(results.contrasts)} comparisons")


def process_figure(args: argparse.Namespace) -> None:
    """Draws the processes beside each other."""
    from synthesis.draw.canvas import PRESETS
    from synthesis.draw.forest import pages
    from synthesis.draw.process_figure import process_layout
    from synthesis.draw.writing import write_figure
    from synthesis.plan.config import read_config
    from synthesis.results.document import read_document
    from synthesis.results.process import ProcessResults

    drawing = read_config(args.config).drawing
    layout = process_layout(read_document(args.results, ProcessResults))
    style = PRESETS[drawing.preset]
    description = f"Forest plot: {layout.title}. The numbers are in the tables of the report."
    write_figure(args.out, "forest_process", layout, description, style, pages(layout, drawing.page_height, style))


def doubts(args: argparse.Namespace) -> None:
    """Fits again what a doubted record moves."""
    from synthesis.compare.doubts import doubted_claims, refits
    from synthesis.compare.doubts import doubts as computed
    from synthesis.compare.planned import bounds, evidence_of
    from synthesis.data.claim_table import read_claims
    from synthesis.plan.config import read_config
    from synthesis.results.document import write_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.results.process import DoubtedClaim, DoubtedComparison, DoubtRow
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = {d.synthesis: d for d in read_presented(args.models, plan.syntheses)}
    extracted = read_extracted(args.sources)
    then = refits(plan, args.raw)
    rows, compared = computed(plan, then, documents, bounds(plan, extracted))
    claims = read_claims(args.claims) if args.claims else []
    judged = doubted_claims(claims, evidence_of(plan, documents, extracted), then)
    write_rows(args.table, rows, DoubtRow)
    write_rows(args.comparisons, compared, DoubtedComparison)
    write_rows(args.claims_table, judged, DoubtedClaim)
    print(f"{len(rows)} pools, {len(compared)} comparisons and {len(judged)} verdicts under another decision")


def fill_in(args: argparse.Namespace) -> None:
    """Writes which cells of which tables somebody with the paper can fill in, and what follows from them."""
    from synthesis.compare.gaps import page
    from synthesis.plan.config import read_config
    from synthesis.results.files import write_text

    write_text(args.out, page(read_config(args.config), args.raw))
