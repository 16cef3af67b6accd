"""The commands of the data: a new review, checks, the resolved plan, extraction."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    from synthesis.plan import starting

    starting.register(commands.add(new).parser)
    commands.add(check, plan=True).raw()
    commands.add(config, plan=True).path("--out")
    added = commands.add(extract).raw().other("--zero-cells", type=float, default=0.5)
    added.other("--shared-control", choices=("combine", "covariance"), default="combine")
    added.words("--source").other("--metrics", nargs="+", required=True).path("--out")
    commands.add(gather).paths("--sources").path("--effects", "--table", "--dropped")


def new(args: argparse.Namespace) -> None:
    """Makes a review of one's own from a CSV table: the folder that the workflow runs on."""
    from synthesis.plan import starting

    starting.new(args)


def check(args: argparse.Namespace) -> None:
    """Checks config and raw tables and says what was found."""
    from synthesis.compare.claims import check_folder
    from synthesis.compare.gaps import lacking, summary
    from synthesis.plan import plan
    from synthesis.plan.config import read_config
    from synthesis.plan.parts import Plan

    checked = Plan(read_config(args.config))
    check_folder(args.raw, checked.config, plan.check(checked, args.raw))
    print(f"{len(checked.config.sources)} sources and {len(checked.config.syntheses)} syntheses: no problem found")
    for line in summary(lacking(checked.config, args.raw)):
        print(line)


def config(args: argparse.Namespace) -> None:
    """Writes the resolved config: every key, defaults included."""
    from synthesis.plan.config import read_config
    from synthesis.results.files import write_json

    write_json(args.out, read_config(args.config).model_dump(mode="json"))


def extract(args: argparse.Namespace) -> None:
    """Converts one source."""
    from synthesis.data.extraction import extract as extract_source
    from synthesis.data.registry import Policy
    from synthesis.results.document import write_document

    extracted = extract_source(args.raw, args.source, tuple(args.metrics), Policy(args.zero_cells, args.shared_control))
    write_document(args.out, extracted)
    print(f"{args.source}: {len(extracted.effects)} effects, {len(extracted.dropped)} rows dropped with a reason")


def gather(args: argparse.Namespace) -> None:
    """Puts the sources together, checks every cell of the whole: effects (parquet, CSV) and dropped rows."""
    from synthesis.data.extraction import DROPPED_TYPES, EFFECT_TYPES
    from synthesis.data.tables import check_effects
    from synthesis.results.extracted import read_extracted
    from synthesis.results.files import write_csv, write_parquet

    extracted = read_extracted(args.sources)
    effects = [{name: row.cell(name) for name in EFFECT_TYPES} for row in extracted.effects]
    dropped = [{name: row.cell(name) for name in DROPPED_TYPES} for row in extracted.dropped]
    check_effects(effects)
    write_parquet(args.effects, effects, EFFECT_TYPES)
    write_csv(args.table, effects, EFFECT_TYPES)
    write_csv(args.dropped, dropped, DROPPED_TYPES)
    print(f"{len(effects)} effects; {len(dropped)} rows dropped with a reason")
