"""Runs the complete small review (tests/complete) in one process: the commands of the workflow, in its order."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from synthesis.plan.passing import expanded

ROOT = Path(__file__).parent.parent
COMPLETE = ROOT / "tests" / "complete"
# What draws, and the list of what was written.
_DRAWS, _LISTS = re.compile("forest|figure|draw"), "crate"


@dataclass(frozen=True)
class Command:
    """A command of the workflow, with what it reads on standard input."""

    arguments: tuple[str, ...]
    read: str


def prepare(folder: Path) -> Path:
    """A copy of the plan and the data."""
    folder.mkdir(parents=True)
    shutil.copy(COMPLETE / "config.yaml", folder)
    shutil.copytree(COMPLETE / "data", folder / "data")
    return folder


def commands(folder: Path) -> list[Command]:
    """What Snakemake would run in a folder, in an order in which it can be run."""
    asked = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), "-n", "-p", "-F"]
    # The profile of the checkout keeps what is run to itself.
    asked += ["--quiet", "host"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")}
    done = subprocess.run([*asked, "--cores", "1"], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for line in (done.stdout + done.stderr).splitlines():
        _, given, shell = line.partition("synthesis ")
        if not given or not line.strip().startswith(("Shell command: synthesis", "synthesis ")):
            continue
        words = shlex.split(shell)
        end = next(i for i, word in enumerate(words) if word in ("<<<", "<", ">"))
        with contextlib.chdir(folder):
            read = {"<<<": str, "<": lambda path: Path(path).read_text(encoding="utf-8"), ">": lambda _: ""}
            found.append(Command(tuple(expanded(words[:end])), read[words[end]](words[end + 1])))
    return found


def run(folder: Path, listed: list[Command]) -> None:
    """Runs the commands in the folder. Of those that draw, only what they draw is written, as results/drawn/*.csv."""
    from synthesis.cli.main import main

    with contextlib.chdir(folder):
        for command in listed:
            if command.arguments[0] == _LISTS:
                continue
            arguments = [a for a in command.arguments if not _undrawn(a)]
            drawing = _tables_alone() if _DRAWS.search(command.arguments[0]) else contextlib.nullcontext()
            said = io.StringIO()
            with drawing, mock.patch("sys.stdin", io.StringIO(command.read)), _quiet(said):
                code = main(arguments)
            assert code == 0, f"{command.arguments[0]}: {said.getvalue()}"


@contextlib.contextmanager
def _tables_alone() -> Iterator[None]:
    """Figures are laid out, and neither cut into pages nor drawn."""
    with contextlib.ExitStack() as patches:
        for part in ("forest.pages", "panels.pages", "claims_figure.pages"):
            patches.enter_context(mock.patch(f"synthesis.draw.{part}", return_value=None))
        patches.enter_context(mock.patch("synthesis.draw.writing.write_figure", _as_table))
        yield


def _as_table(folder: Path, name: str, layout: Any, *_: object) -> None:
    """What a layout draws, without a drawing."""
    from synthesis.results.files import write_csv

    table = layout.table()
    write_csv(folder.parent / "drawn" / f"{name}.csv", table, list(table[0]) if table else ())


def _undrawn(argument: str) -> bool:
    return argument.startswith("results/figures/") and Path(argument).suffix != "" and not Path(argument).exists()


@contextlib.contextmanager
def _quiet(said: io.StringIO) -> Iterator[None]:
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        yield
