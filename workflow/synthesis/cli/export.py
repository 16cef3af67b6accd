"""The commands of what others need of the results: R scripts, model cards, the checklist, the research object."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.results.files import write_csv, write_json, write_text

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    added = commands.add(export, plan=True).path("--model", "--diagnostics").paths("--about")
    added.path("--script", "--data", "--card")
    commands.add(checklist, plan=True).paths("--models").path("--claims", "--out")
    added = commands.add(crate, plan=True).paths("--about", "--files")
    added.other("--snakemake", required=True, help="version of Snakemake").path("--model", "--workflow", "--out")
    commands.add(verify).other("folder", type=Path, nargs="?", default=Path("results"), help="the results")


def export(args: argparse.Namespace) -> None:
    """Writes what others need of a fit: an R script with its data, and a model card."""
    from synthesis.data.source import read_abouts
    from synthesis.export.cards import model_card
    from synthesis.export.r_script import data_columns, own_columns, r_data, r_script
    from synthesis.plan.config import read_config
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    (document,) = read_presented([args.model], plan.syntheses)
    write_text(args.script, r_script(document))
    write_csv(args.data, r_data(document), (*data_columns(document), *own_columns(document)))
    synthesis = plan.syntheses[document.synthesis]
    diagnosed = read_document(args.diagnostics, Diagnosed)
    write_json(args.card, model_card(document, synthesis, read_abouts(args.about), diagnosed))
    print(f"{document.synthesis}: an R script and a model card")


def checklist(args: argparse.Namespace) -> None:
    """Fills in the PRISMA checklist."""
    from synthesis.export.checklist import CHECKLIST_COLUMNS
    from synthesis.export.checklist import checklist as fill_in
    from synthesis.plan.config import read_config
    from synthesis.results.comparisons import DecidedClaim
    from synthesis.results.document import read_document, read_documents
    from synthesis.results.fitted import Fitted

    documents = [read_document(path, Fitted) for path in args.models]
    claims = read_documents(args.claims, DecidedClaim)
    rows = fill_in(read_config(args.config), documents, len(claims))
    write_csv(args.out, rows, CHECKLIST_COLUMNS)
    print(f"{len(rows)} items")


def crate(args: argparse.Namespace) -> None:
    """Describes the results as a research object: every file with its hash."""
    from synthesis.data.source import read_abouts
    from synthesis.export.crate import METADATA
    from synthesis.export.crate import crate as describe
    from synthesis.plan.config import read_config
    from synthesis.results.document import plain, read_document
    from synthesis.results.fitted import Fitted

    plan = read_config(args.config)
    fitted = read_document(args.model, Fitted)
    versions = plain(fitted.versions) | {"snakemake": args.snakemake}
    content = describe(plan, read_abouts(args.about), args.files, args.workflow, args.out, versions)
    write_json(args.out / METADATA, content)
    print(f"{len(args.files)} files described")


def verify(args: argparse.Namespace) -> None:
    """Compares every result with the hash that the run wrote down."""
    from synthesis.export.crate import verify as run

    print(f"{run(args.folder)} files are as the run wrote them")
