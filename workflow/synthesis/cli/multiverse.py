"""The commands of the multiverse: enumerate, fit a shard, gather, summarise, and the tables of all."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthesis.errors import InputError, Problem, refuse

if TYPE_CHECKING:
    from pathlib import Path

    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(multiverse_enumerate, plan=True).words("--multiverse").paths("--sources").path("--out")
    added = commands.add(multiverse_fit)
    added.other("--shard", type=int, required=True, help="number of the shard, from 0")
    added.other("--shards", type=int, required=True, help="how many there are").path("--enumeration", "--out")
    commands.add(multiverse_gather).paths("--shards").path("--out")
    added = commands.add(multiverse_summary, plan=True).path("--enumeration", "--specifications")
    added.paths("--sources").path("--out")
    added = commands.add(multiverse_tables, plan=True).paths("--multiverses", "--specifications")
    added.path("--table", "--decisions", "--bridge")


def multiverse_enumerate(args: argparse.Namespace) -> None:
    """Lists the distinct specifications of a multiverse."""
    from synthesis.multiverse.enumeration import enumerate_multiverse, write_enumeration
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted

    plan = read_config(args.config)
    if args.multiverse not in plan.multiverses:
        refuse("--multiverse", args.multiverse, plan.multiverses)
    chosen = plan.multiverses[args.multiverse]
    extracted = read_extracted(args.sources)
    synthesis = plan.syntheses[chosen.synthesis]
    fewest = plan.diagnostics.fewest(chosen.synthesis)
    listed = enumerate_multiverse(
        args.multiverse, chosen, synthesis, plan.defaults, extracted.effects, extracted.dropped, fewest
    )
    write_enumeration(args.out, listed)
    head = listed.head
    print(f"{args.multiverse}: {head.crossing} choices come to {head.specifications} distinct specifications")


def multiverse_fit(args: argparse.Namespace) -> None:
    """Fits one shard of a multiverse."""
    from synthesis.multiverse.fitting import write_shard

    if not 0 <= args.shard < args.shards:
        raise InputError([Problem("--shard", str(args.shard), f"0 to {args.shards - 1}")])
    print(f"{write_shard(args.enumeration, args.shard, args.shards, args.out)} specifications")


def multiverse_gather(args: argparse.Namespace) -> None:
    """Puts the shards of a multiverse together, in order."""
    from synthesis.multiverse.fitting import gather_shards

    print(f"{gather_shards(args.shards, args.out)} specifications")


def multiverse_summary(args: argparse.Namespace) -> None:
    """Describes a multiverse: curves, decisions, thresholds, the test of each curve."""
    from synthesis.data.published import rows_by_id, threshold
    from synthesis.multiverse.enumeration import read_head, read_units
    from synthesis.multiverse.summary import summarise
    from synthesis.plan.config import read_config
    from synthesis.results.curves import NamedThreshold
    from synthesis.results.document import write_document
    from synthesis.results.extracted import read_extracted

    plan = read_config(args.config)
    extracted = read_extracted(args.sources)
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    head = read_head(args.enumeration)
    metric = head.metric
    key = f"config.yaml, key relevance.thresholds.{metric}"
    declared: Mapping[str, tuple[str, ...]] = {str(name): keys for name, keys in plan.relevance.thresholds.items()}
    thresholds = [
        NamedThreshold(key=name, label=rows[name].label or name, value=value)
        for name in declared.get(metric, ())
        if (value := threshold(key, name, metric, rows)) is not None
    ]
    document = summarise(head, args.specifications, read_units(args.enumeration), thresholds)
    write_document(args.out, document)
    print(f"{document.multiverse}: {len(document.curves)} curves")


def multiverse_tables(args: argparse.Namespace) -> None:
    """Writes the curves and decisions of all multiverses, and each bridge over two of them, as tables."""
    from synthesis.multiverse.pairs import Pair, bridge_rows, read_curves
    from synthesis.multiverse.summary import tables
    from synthesis.plan.config import read_config
    from synthesis.results.curves import CurveRow, DecisionRow, MultiverseSummary, PairRow
    from synthesis.results.document import read_document, write_rows

    plan = read_config(args.config)
    documents = [read_document(path, MultiverseSummary) for path in args.multiverses]
    summary, decisions = tables(documents)
    write_rows(args.table, summary, CurveRow)
    write_rows(args.decisions, decisions, DecisionRow)
    constructs = {document.multiverse: document.constructs for document in documents}
    of_synthesis: dict[str, list[tuple[str, Path]]] = {}
    for document, specifications in zip(documents, args.specifications, strict=True):
        of_synthesis.setdefault(document.synthesis, []).append((document.multiverse, specifications))
    bridged: list[PairRow] = []
    for name, bridge in plan.bridges.items():
        for association, first in of_synthesis.get(bridge.association, ()):
            for effect, second in of_synthesis.get(bridge.effect, ()):
                pair = Pair(name, bridge.title, association, effect, constructs[association])
                bridged += bridge_rows(pair, read_curves(first), read_curves(second))
    write_rows(args.bridge, bridged, PairRow)
    print(f"{len(documents)} multiverses, {len(summary)} rows")
