"""The commands of the living review: agreement of two coders, a release, what changed since the last one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.files import write_csv

if TYPE_CHECKING:
    from synthesis.models.config import Config

Reader = Callable[[str], "Config"]


def register(command: Callable[..., argparse.ArgumentParser], config: Reader) -> None:
    """Adds the commands to the parser; `config` reads a plan."""
    added = command(agreement, plan=False)
    added.add_argument("--raw", type=Path, default=Path("data/raw"), help="folder of the sources")
    added.add_argument("--sources", nargs="+", required=True)
    added.add_argument("--tables", type=Path, required=True)


def agreement(args: argparse.Namespace) -> None:
    """Compares the two extractions of every row that was read twice, field by field."""
    from synthesis.living.agreement import (
        AGREEMENT_COLUMNS,
        DISAGREEMENT_COLUMNS,
        disagreements,
        read_readings,
    )
    from synthesis.living.agreement import agreement as agree

    readings = read_readings(args.raw, args.sources)
    differing = disagreements(readings)
    write_csv(args.tables / "agreement.csv", agree(readings), AGREEMENT_COLUMNS)
    write_csv(args.tables / "disagreements.csv", differing, DISAGREEMENT_COLUMNS)
    rows = {reading.row["effect_id"] for reading in readings}
    unsettled = sum(record["status"] == "open" for record in differing)
    print(f"{len(rows)} rows read twice, {len(differing)} disagreements, {unsettled} of them open")
