"""The commands of what others need of the results: R scripts, model cards, the checklist, the research object."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.results.files import read_json, write_csv, write_json, write_text

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(export, plan=True).paths("--models", "--diagnostics", "--about").path("--claims", "--out")
    added = commands.add(crate, plan=True).paths("--about", "--files")
    added.other("--snakemake", required=True, help="version of Snakemake").path("--model", "--workflow", "--out")
    commands.add(verify).other("folder", type=Path, nargs="?", default=Path("results"), help="the results")


def export(args: argparse.Namespace) -> None:
    """Writes what others need of the fits: R scripts with data, model cards, the PRISMA checklist."""
    from synthesis.data.source import read_abouts
    from synthesis.export.cards import model_card
    from synthesis.export.checklist import CHECKLIST_COLUMNS, checklist
    from synthesis.export.r_script import DATA_COLUMNS, r_data, r_script
    from synthesis.plan.config import read_config
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = read_presented(args.models, plan.syntheses)
    diagnostics = {d["synthesis"]: d for d in map(read_json, args.diagnostics)}
    sources = read_abouts(args.about)
    for document in documents:
        name = document["synthesis"]
        write_text(args.out / "r" / f"{name}.R", r_script(document))
        write_csv(args.out / "r" / f"{name}.csv", r_data(document), DATA_COLUMNS)
        card = model_card(document, plan.syntheses[name], sources, diagnostics[name])
        write_json(args.out / "model_cards" / f"{name}.json", card)
    claims = len(read_json(args.claims))
    write_csv(args.out / "prisma_checklist.csv", checklist(plan, documents, claims), CHECKLIST_COLUMNS)
    print(f"{len(documents)} R scripts and model cards, the PRISMA checklist")


def crate(args: argparse.Namespace) -> None:
    """Describes the results as a research object: every file with its hash."""
    from synthesis.data.source import read_abouts
    from synthesis.export.crate import METADATA
    from synthesis.export.crate import crate as describe
    from synthesis.plan.config import read_config

    plan = read_config(args.config)
    versions = read_json(args.model)["versions"] | {"snakemake": args.snakemake}
    content = describe(plan, read_abouts(args.about), args.files, args.workflow, args.out, versions)
    write_json(args.out / METADATA, content)
    print(f"{len(args.files)} files described")


def verify(args: argparse.Namespace) -> None:
    """Compares every result with the hash that the run wrote down."""
    from synthesis.export.crate import verify as run

    print(f"{run(args.folder)} files are as the run wrote them")
