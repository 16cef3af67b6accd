"""The workflow on a folder, for those who have installed the package and have no checkout."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.cli.main import Commands

_PACKAGE = Path(__file__).parents[1]


def register(commands: Commands) -> None:
    """Adds the command to the parser."""
    added = commands.add(run).other("folder", type=Path, help="the review: config.yaml and data/raw/")
    added.other(
        "snakemake", nargs=argparse.REMAINDER, help="what Snakemake takes: targets, --cores, -n, --profile, ..."
    )


def run(args: argparse.Namespace) -> None:
    """Runs the workflow on a folder, as `snakemake -s Snakefile -d <folder>` does."""
    from synthesis.errors import InputError, Problem

    if not args.folder.is_dir():
        hint = "synthesis new makes one"
        raise InputError(
            [Problem("folder", str(args.folder), "the folder of a review: config.yaml and data/raw/", hint)]
        )
    # No packages from the folder that one happens to be in.
    command = [sys.executable, "-P", "-m", "snakemake", "-s", str(snakefile()), "-d", str(args.folder)]
    raise SystemExit(subprocess.run([*command, *args.snakemake], check=False).returncode)


def snakefile() -> Path:
    """The workflow: inside an installed package, or of the checkout that the package is in."""
    installed = _PACKAGE / "workflow" / "Snakefile"
    return installed if installed.exists() else _PACKAGE.parents[1] / "Snakefile"
