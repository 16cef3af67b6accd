"""The commands of the multiverse: enumerate, fit a shard, gather, summarise, draw."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.errors import InputError, Problem
from synthesis.results.files import write_csv

if TYPE_CHECKING:
    from synthesis.plan.config import Config

Reader = Callable[[str], "Config"]


def register(command: Callable[..., argparse.ArgumentParser], config: Reader) -> None:
    """Adds the commands to the parser; `config` reads a plan."""

    def paths(added: argparse.ArgumentParser, *names: str) -> None:
        for name in names:
            added.add_argument(name, type=Path, required=True)

    def lists(added: argparse.ArgumentParser, *names: str) -> None:
        for name in names:
            added.add_argument(name, type=Path, nargs="+", required=True)

    added = command(multiverse_enumerate, "multiverse-enumerate")
    added.set_defaults(read=config)
    added.add_argument("--multiverse", required=True)
    lists(added, "--sources")
    paths(added, "--out")
    added = command(multiverse_fit, "multiverse-fit", plan=False)
    added.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    added.add_argument("--shards", type=int, required=True, help="how many there are")
    paths(added, "--enumeration", "--out")
    added = command(multiverse_gather, "multiverse-gather", plan=False)
    lists(added, "--shards")
    paths(added, "--out")
    added = command(multiverse_summary, "multiverse-summary")
    added.set_defaults(read=config)
    lists(added, "--enumerations", "--specifications", "--sources")
    paths(added, "--out", "--table", "--decisions", "--bridge")
    added = command(multiverse_figures, "multiverse-figures", plan=False)
    lists(added, "--multiverses")
    paths(added, "--bridge")
    added.add_argument("--bridged", nargs="*", default=[], help="names of the bridges to draw")
    paths(added, "--out")


def multiverse_enumerate(args: argparse.Namespace) -> None:
    """Lists the distinct specifications of a multiverse."""
    from synthesis.data.extraction import read_extracted
    from synthesis.multiverse.enumeration import enumerate_multiverse, write_enumeration

    plan = args.read(args.config)
    if args.multiverse not in plan.multiverses:
        raise InputError([Problem("--multiverse", args.multiverse, "one of " + ", ".join(plan.multiverses))])
    chosen = plan.multiverses[args.multiverse]
    found = read_extracted(args.sources)
    synthesis = plan.syntheses[chosen.synthesis]
    listed = enumerate_multiverse(args.multiverse, chosen, synthesis, plan.defaults, found.effects, found.dropped)
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
    """Describes each multiverse: curves, decisions, thresholds, the test of each curve."""
    from synthesis.data.extraction import read_extracted
    from synthesis.data.published import rows_by_id, threshold
    from synthesis.multiverse.enumeration import read_head, read_units
    from synthesis.multiverse.pairs import Pair, bridge_rows, read_curves
    from synthesis.multiverse.summary import summarise, tables
    from synthesis.results.curves import CurveRow, DecisionRow, NamedThreshold, PairRow
    from synthesis.results.document import write_document, write_rows

    plan = args.read(args.config)
    found = read_extracted(args.sources)
    rows = rows_by_id([*found.dropped, *found.effects])
    documents = []
    for listed, specifications in zip(args.enumerations, args.specifications, strict=True):
        head = read_head(listed)
        metric = head.metric
        key = f"config.yaml, key relevance.thresholds.{metric}"
        held = [
            NamedThreshold(key=name, label=rows[name]["label"] or name, value=value)
            for name in plan.relevance.thresholds.get(metric, ())
            if (value := threshold(key, name, metric, rows)) is not None
        ]
        documents.append(summarise(head, specifications, read_units(listed), held))
    summary, decisions = tables(documents)
    for document in documents:
        write_document(args.out / f"{document.multiverse}.json", document)
    write_rows(args.table, summary, CurveRow)
    write_rows(args.decisions, decisions, DecisionRow)
    of_synthesis: dict[str, list[tuple[str, Path]]] = {}
    for document, specifications in zip(documents, args.specifications, strict=True):
        of_synthesis.setdefault(document.synthesis, []).append((document.multiverse, specifications))
    bridged: list[PairRow] = []
    for name, bridge in plan.bridges.items():
        for association, first in of_synthesis[bridge.association]:
            for effect, second in of_synthesis[bridge.effect]:
                pair = Pair(name, bridge.title, association, effect)
                bridged += bridge_rows(pair, read_curves(first), read_curves(second))
    write_rows(args.bridge, bridged, PairRow)
    print(f"{len(documents)} multiverses, {len(summary)} rows")


def multiverse_figures(args: argparse.Namespace) -> None:
    """Draws the specification curve and the vibration of each multiverse, and each bridge over two."""
    from synthesis.draw import ink
    from synthesis.draw.chart import COLUMNS
    from synthesis.draw.live import save_live
    from synthesis.draw.multiverse_figure import LAYOUTS, bridge
    from synthesis.draw.sheet import FORMATS, save
    from synthesis.results.curves import MultiverseSummary, PairRow
    from synthesis.results.document import read_document, read_rows

    documents = [read_document(path, MultiverseSummary) for path in args.multiverses]
    layouts = [layout_of(document) for document in documents for layout_of in LAYOUTS.values()]
    table = read_rows(args.bridge, PairRow)
    layouts += [bridge(name, [row for row in table if row.bridge == name]) for name in args.bridged]
    for layout in layouts:
        name = f"{layout.kind}_{layout.name}"
        drawn = ink.draw(layout)
        save(drawn, {suffix: args.out / f"{name}.{suffix}" for suffix in FORMATS})
        described = f"{layout.title}. The numbers are in the tables of the report."
        save_live(drawn, args.out / "live" / f"{name}.svg", layout.title, described, ())
        write_csv(args.out / "data" / f"{name}.csv", layout.table(), COLUMNS)
        print(name)
