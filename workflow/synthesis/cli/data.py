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
    added = commands.add(extract).raw().other("--conversions", default="{}")
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
    from synthesis.data.own import declared
    from synthesis.data.terms import new_terms
    from synthesis.plan import plan
    from synthesis.plan.config import read_config
    from synthesis.plan.parts import Plan

    checked = Plan(read_config(args.config, args.raw))
    rows, notes = plan.check_and_note(checked, args.raw)
    check_folder(args.raw, checked.config, rows)
    for source in checked.config.sources:
        source_rows = [row for row in rows.values() if row.cell("source") == source]
        for note in new_terms(source_rows, declared(args.raw / source).vocabulary):
            print(f"{source}: {note}")
    for note in notes:
        print(note)
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
    import msgspec

    from synthesis.data.extraction import extract as extract_source
    from synthesis.data.own import declared
    from synthesis.data.registry import Policy
    from synthesis.data.terms import new_terms
    from synthesis.results.document import write_document

    extracted = extract_source(
        args.raw, args.source, tuple(args.metrics), msgspec.json.decode(args.conversions, type=Policy)
    )
    write_document(args.out, extracted)
    rows = {row.effect_id: row for row in (*extracted.effects, *extracted.dropped)}
    for note in new_terms(rows.values(), declared(args.raw / args.source).vocabulary):
        print(f"{args.source}: {note}")
    print(f"{args.source}: {len(extracted.effects)} effects, {len(extracted.dropped)} rows dropped with a reason")


def gather(args: argparse.Namespace) -> None:
    """Puts the sources together, checks every cell of the whole: effects (parquet, CSV) and dropped rows."""
    from synthesis.data.extraction import DROPPED_TYPES, EFFECT_TYPES
    from synthesis.data.own import as_columns
    from synthesis.data.tables import check_effects
    from synthesis.results.extracted import read_extracted
    from synthesis.results.files import write_csv, write_parquet

    extracted = read_extracted(args.sources)
    declared = as_columns(extracted.own)
    types = {column.name: float if column.kind == "number" else str for column in declared}
    effect_types, dropped_types = EFFECT_TYPES | types, DROPPED_TYPES | types
    effects = [{name: row.cell(name) for name in effect_types} for row in extracted.effects]
    dropped = [{name: row.cell(name) for name in dropped_types} for row in extracted.dropped]
    check_effects(effects, declared)
    write_parquet(args.effects, effects, effect_types)
    write_csv(args.table, effects, effect_types)
    write_csv(args.dropped, dropped, dropped_types)
    print(f"{len(effects)} effects; {len(dropped)} rows dropped with a reason")
