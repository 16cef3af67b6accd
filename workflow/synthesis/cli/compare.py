"""The commands of comparisons: differences, bridges, relevance, claims, and what would turn a verdict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthesis.results.files import read_json, write_csv, write_json

if TYPE_CHECKING:
    from synthesis.cli.main import Commands
    from synthesis.compare.claims import Evidence


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    added = commands.add(compare, plan=True).paths("--models", "--sources").other("--claims", type=Path)
    added.path("--tables", "--claims-out")
    added = commands.add(tipping, plan=True).paths("--models", "--sources", "--diagnostics")
    added.other("--claims", type=Path).path("--tables")


def compare(args: argparse.Namespace) -> None:
    """Contrasts, bridges, clinical relevance, interactions, and the verdicts on claims."""
    from synthesis.compare.run import TABLES, compare_all

    evidence, claims = _evidence(args)
    tables = compare_all(evidence, claims)
    for name, columns in TABLES.items():
        write_csv(args.tables / f"{name}.csv", tables[name], columns)
    write_json(args.claims_out, tables["claims"])
    print(f"{len(tables['comparison'])} comparisons, {len(tables['bridge'])} bridge rows, {len(claims)} claims")


def tipping(args: argparse.Namespace) -> None:
    """Tries every single change on every claim, and says which ones turn its verdict."""
    from synthesis.compare.run import TIPPING_TABLES, tipping_all

    evidence, claims = _evidence(args)
    diagnostics = {d["synthesis"]: d for d in map(read_json, args.diagnostics)}
    tables = tipping_all(evidence, claims, diagnostics)
    for name, columns in TIPPING_TABLES.items():
        write_csv(args.tables / f"{name}.csv", tables[name], columns)
    print(f"{len(tables['tipping_points_all'])} changes tried on {len(claims)} claims")


def _evidence(args: argparse.Namespace) -> tuple[Evidence, list[dict[str, Any]]]:
    from synthesis.compare.claims import read_claims
    from synthesis.compare.run import evidence_of
    from synthesis.data.extraction import read_extracted
    from synthesis.plan.config import read_config
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = {d["synthesis"]: d for d in read_presented(args.models, plan.syntheses)}
    claims = read_claims(args.claims) if args.claims else []
    return evidence_of(plan, documents, read_extracted(args.sources)), claims
