"""The commands of comparisons: differences, bridges, relevance, claims, and what would turn a verdict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands
    from synthesis.compare.claim_values import Evidence
    from synthesis.data.claim_table import Claim


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(compare, plan=True).paths("--models", "--sources").path("--tables")
    added = commands.add(claims, plan=True).paths("--models", "--sources").other("--claims", type=Path)
    added.other("--changes", type=Path, help="tipping_points_all.csv")
    added.other("--doubted", type=Path, help="doubted_claims.csv").path("--table", "--out")
    added.other("--low-risk", type=Path, help="without_high_risk.csv")
    added.other("--multiverses", type=Path, nargs="*", default=[], help="results/multiverse/<multiverse>.json")
    added = commands.add(tipping, plan=True).paths("--models", "--sources", "--diagnostics")
    added.other("--claims", type=Path).path("--tables")
    added = commands.add(certainty, plan=True).paths("--models", "--diagnostics", "--about")
    added.path("--relevance", "--tables")
    commands.add(moderator_power, plan=True).paths("--models", "--sources", "--diagnostics").path("--table")


def compare(args: argparse.Namespace) -> None:
    """Contrasts, bridges, clinical relevance, interactions, and what would leave nothing of a pool."""
    from synthesis.compare.planned import compare_all
    from synthesis.results import comparisons as types
    from synthesis.results.document import write_rows

    compared = compare_all(_evidence(args), [])
    write_rows(args.tables / "comparison.csv", compared.contrasts, types.ContrastRow)
    write_rows(args.tables / "bridge.csv", compared.bridges, types.BridgeRow)
    write_rows(args.tables / "relevance.csv", compared.relevance, types.RelevanceRow)
    write_rows(args.tables / "interactions.csv", compared.interactions, types.InteractionRow)
    write_rows(args.tables / "robustness.csv", compared.robustness, types.RobustnessRow)
    print(f"{len(compared.contrasts)} comparisons, {len(compared.bridges)} bridge rows")


def claims(args: argparse.Namespace) -> None:
    """The verdicts on claims, and what each hangs on."""
    from synthesis.compare.claims import decided_claims
    from synthesis.compare.hanging import Surroundings, with_what_they_hang_on
    from synthesis.results.certainty import LowRiskRow
    from synthesis.results.comparisons import ChangeRow, ClaimRow
    from synthesis.results.curves import MultiverseSummary
    from synthesis.results.document import read_document, read_rows, write_documents, write_rows
    from synthesis.results.process import DoubtedClaim

    evidence, read = _evidence(args), _claims(args)
    surroundings = Surroundings(
        changes=read_rows(args.changes, ChangeRow) if args.changes else [],
        doubted=read_rows(args.doubted, DoubtedClaim) if args.doubted else [],
        risk=read_rows(args.low_risk, LowRiskRow) if args.low_risk else [],
        multiverses=[read_document(path, MultiverseSummary) for path in args.multiverses],
    )
    decided = with_what_they_hang_on(decided_claims(read, evidence), read, evidence, surroundings)
    write_rows(args.table, [claim.row() for claim in decided], ClaimRow)
    write_documents(args.out, decided)
    print(f"{len(decided)} claims")


def tipping(args: argparse.Namespace) -> None:
    """Tries every single change on every claim, and says which ones turn its verdict."""
    from synthesis.compare.tipping import tipping as tip
    from synthesis.results.comparisons import ChangeRow, TippingRow
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document, write_rows

    evidence, read = _evidence(args), _claims(args)
    diagnostics = {d.synthesis: d for d in (read_document(path, Diagnosed) for path in args.diagnostics)}
    tried, summary = tip(read, evidence, diagnostics)
    write_rows(args.tables / "tipping_points_all.csv", tried, ChangeRow)
    write_rows(args.tables / "tipping_points.csv", summary, TippingRow)
    print(f"{len(tried)} changes tried on {len(read)} claims")


def certainty(args: argparse.Namespace) -> None:
    """Judges the certainty of every pool by domain (GRADE), and writes the summary of findings."""
    from synthesis.compare.grading import graded
    from synthesis.compare.low_risk import without_high_risk
    from synthesis.data.source import read_abouts
    from synthesis.plan.config import read_config
    from synthesis.results.certainty import DomainRow, FindingsRow, LowRiskRow
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
    write_rows(args.tables / "without_high_risk.csv", without_high_risk(documents, scores), LowRiskRow)
    print(f"{len(findings)} pools graded")


def moderator_power(args: argparse.Namespace) -> None:
    """Power of the contrasts between levels of moderators, for the smallest difference that matters."""
    from synthesis.compare.level_power import moderator_power as power_of
    from synthesis.data.published import rows_by_id
    from synthesis.plan.config import read_config
    from synthesis.results.comparisons import ModeratorPowerRow
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document, write_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.results.fitted import Fitted

    extracted = read_extracted(args.sources)
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    diagnostics = {d.synthesis: d for d in (read_document(path, Diagnosed) for path in args.diagnostics)}
    documents = [read_document(path, Fitted) for path in args.models]
    table = power_of(documents, diagnostics, rows, read_config(args.config).relevance)
    write_rows(args.table, table, ModeratorPowerRow)
    print(f"{len(table)} contrasts between levels")


def _evidence(args: argparse.Namespace) -> Evidence:
    from synthesis.compare.planned import evidence_of
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    documents = {d.synthesis: d for d in read_presented(args.models, plan.syntheses)}
    return evidence_of(plan, documents, read_extracted(args.sources))


def _claims(args: argparse.Namespace) -> list[Claim]:
    from synthesis.data.claim_table import read_claims

    return read_claims(args.claims) if args.claims else []
