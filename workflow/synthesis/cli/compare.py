"""The commands of comparisons: differences, bridges, relevance, claims, and what would turn a verdict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands
    from synthesis.compare.claims import Evidence
    from synthesis.data.claim_table import Claim


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    added = commands.add(compare, plan=True).paths("--models", "--sources").other("--claims", type=Path)
    added.path("--tables", "--claims-out")
    added = commands.add(tipping, plan=True).paths("--models", "--sources", "--diagnostics")
    added.other("--claims", type=Path).path("--tables")
    added = commands.add(certainty, plan=True).paths("--models", "--diagnostics", "--about")
    added.path("--relevance", "--tables")


def compare(args: argparse.Namespace) -> None:
    """Contrasts, bridges, clinical relevance, interactions, and the verdicts on claims."""
    from synthesis.compare.run import compare_all
    from synthesis.results import comparisons as types
    from synthesis.results.document import write_documents, write_rows

    evidence, claims = _evidence(args)
    compared = compare_all(evidence, claims)
    write_rows(args.tables / "comparison.csv", compared.contrasts, types.ContrastRow)
    write_rows(args.tables / "bridge.csv", compared.bridges, types.BridgeRow)
    write_rows(args.tables / "relevance.csv", compared.relevance, types.RelevanceRow)
    write_rows(args.tables / "interactions.csv", compared.interactions, types.InteractionRow)
    write_rows(args.tables / "claims.csv", [claim.row() for claim in compared.claims], types.ClaimRow)
    write_documents(args.claims_out, compared.claims)
    print(f"{len(compared.contrasts)} comparisons, {len(compared.bridges)} bridge rows, {len(claims)} claims")


def tipping(args: argparse.Namespace) -> None:
    """Tries every single change on every claim, and says which ones turn its verdict."""
    from synthesis.compare.tipping import tipping as tip
    from synthesis.results.comparisons import ChangeRow, TippingRow
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document, write_rows

    evidence, claims = _evidence(args)
    diagnostics = {d.synthesis: d for d in (read_document(path, Diagnosed) for path in args.diagnostics)}
    tried, summary = tip(claims, evidence, diagnostics)
    write_rows(args.tables / "tipping_points_all.csv", tried, ChangeRow)
    write_rows(args.tables / "tipping_points.csv", summary, TippingRow)
    print(f"{len(tried)} changes tried on {len(claims)} claims")


def certainty(args: argparse.Namespace) -> None:
    """Judges the certainty of every pool by domain (GRADE), and writes the summary of findings."""
    from synthesis.compare.grading import graded
    from synthesis.data.source import read_abouts
    from synthesis.plan.config import read_config
    from synthesis.results.certainty import DomainRow, FindingsRow
    from synthesis.results.comparisons import RelevanceRow
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document, read_rows, write_rows
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = read_presented(args.models, plan.syntheses)
    diagnostics = {d.synthesis: d for d in (read_document(path, Diagnosed) for path in args.diagnostics)}
    scores = {name: source.risk_score for name, source in read_abouts(args.about).items()}
    relevance = read_rows(args.relevance, RelevanceRow)
    domains, findings = graded(documents, diagnostics, relevance, scores, plan.certainty)
    write_rows(args.tables / "certainty.csv", domains, DomainRow)
    write_rows(args.tables / "summary_of_findings.csv", findings, FindingsRow)
    print(f"{len(findings)} pools graded")


def _evidence(args: argparse.Namespace) -> tuple[Evidence, list[Claim]]:
    from synthesis.compare.run import evidence_of
    from synthesis.data.claim_table import read_claims
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = {d.synthesis: d for d in read_presented(args.models, plan.syntheses)}
    claims = read_claims(args.claims) if args.claims else []
    return evidence_of(plan, documents, read_extracted(args.sources)), claims
