"""The commands of the living review: agreement of two coders, a release, what changed since the last one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(agreement).raw().other("--sources", nargs="+", required=True).path("--tables")
    commands.add(monitoring, plan=True).paths("--models", "--sources").path("--table")
    added = commands.add(changes)
    base = "folder of the release to compare with; none where there is none yet"
    added.other("--base", type=Path, help=base).path("--results", "--out", "--table").raw()
    added = commands.add(release).other("version", help="three numbers, like 1.2.0")
    added.other("--config", default="config.yaml", help="the plan")
    for name, default in (("--results", "results"), ("--raw", "data/raw"), ("--releases", "releases")):
        added.other(name, type=Path, default=Path(default))
    added.other("--date", help="day of the release, like 2026-11-23; none unless given")


def agreement(args: argparse.Namespace) -> None:
    """Compares the two extractions of every row that was read twice, field by field."""
    from synthesis.living.agreement import agreement as agree
    from synthesis.living.agreement import disagreements, read_readings
    from synthesis.results.document import write_rows
    from synthesis.results.readings import AgreementRow, DisagreementRow

    readings = read_readings(args.raw, args.sources)
    differing = disagreements(readings)
    write_rows(args.tables / "agreement.csv", agree(readings), AgreementRow)
    write_rows(args.tables / "disagreements.csv", differing, DisagreementRow)
    rows = {reading.row["effect_id"] for reading in readings}
    unsettled = sum(row.status == "open" for row in differing)
    print(f"{len(rows)} rows read twice, {len(differing)} disagreements, {unsettled} of them open")


def monitoring(args: argparse.Namespace) -> None:
    """Holds the pool of each year against boundaries that allow for the looks before."""
    from synthesis.data.published import rows_by_id
    from synthesis.living.yearly import looks
    from synthesis.plan.config import read_config
    from synthesis.results.document import read_document, write_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.results.fitted import Fitted
    from synthesis.results.further import LookRow

    extracted = read_extracted(args.sources)
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    documents = [read_document(path, Fitted) for path in args.models]
    table = looks(documents, read_config(args.config).monitoring, rows)
    write_rows(args.table, table, LookRow)
    print(f"{len({row.synthesis for row in table})} syntheses monitored, {len(table)} looks")


def changes(args: argparse.Namespace) -> None:
    """Tells what is different from a release: a page, and a table."""
    from synthesis.living.changes import changes as compare
    from synthesis.living.changes import read_state
    from synthesis.living.package import verify
    from synthesis.report.changes_page import render
    from synthesis.results.document import write_rows
    from synthesis.results.files import write_text
    from synthesis.results.released import Change

    after = read_state(args.results, args.raw / "corrections.csv")
    version, differences = None, []
    if args.base:
        version = verify(args.base)["version"]
        differences = compare(read_state(args.base, args.base / "corrections.csv"), after)
    write_rows(args.table, differences, Change)
    write_text(args.out, render(str(after.config["title"]), version, differences, len(after.fits)))
    print(f"{len(differences)} differences from {version}" if version else "no release to compare with")


def release(args: argparse.Namespace) -> None:
    """Writes releases/<version>/: the tables, effects, claims and plan of a finished run as a data package."""
    from synthesis.data.source import read_abouts
    from synthesis.living.release import make_release
    from synthesis.plan.config import read_config

    plan = read_config(args.config)
    sources = read_abouts(args.raw / name / "source.yaml" for name in plan.sources)
    target = make_release(args.version, plan, sources, args.results, args.raw, args.releases, args.date)
    print(f"{target}: run snakemake again for a page of changes that starts from here")
