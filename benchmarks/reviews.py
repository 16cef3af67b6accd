"""Reviews to be disturbed: the example in a folder of its own, undisturbed results, and what differs from them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SKIPPED = ("logs", "benchmarks")
MULTIVERSE = """
multiverses:
  vaccine:
    title: Every analysis
    synthesis: bcg
    which:
      years:
        options:
          all: {kind: equivalent}
          early: {kind: uncertain, select: {year: {at_most: 1965}}}
    how:
      tau2: {REML: equivalent, DL: equivalent}
    permutations: 99
    shards: 2
"""


@dataclass(frozen=True)
class Outcome:
    """What a fault did; `lost` is empty where nothing was."""

    done: str
    happened: str
    lost: tuple[str, ...] = ()


class NotRunError(Exception):
    """A fault that this machine cannot be given."""


class Review:
    """A folder with the example's plan and data, and the runs on it."""

    def __init__(self, folder: Path, multiverse: bool = False) -> None:
        self.folder, self.results = folder, folder / "results"
        folder.mkdir()
        shutil.copytree(ROOT / "examples" / "bcg" / "data", folder / "data")
        plan = (ROOT / "examples" / "bcg" / "config.yaml").read_text(encoding="utf-8")
        (folder / "config.yaml").write_text(plan + (MULTIVERSE if multiverse else ""), encoding="utf-8")

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts a run in a process group of its own."""
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(self.folder)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
        inherited |= {"PYTHONPATH": str(ROOT / "workflow"), "XDG_CACHE_HOME": str(self.folder / ".cache")}
        return subprocess.Popen(
            # Snakemake's own log: what is counted here is what it says of each job.
            [*command, "--quiet", "host", "--cores", "2", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=inherited | environment, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Runs to the end; the exit status and what was said."""
        started = self.start(*arguments, **environment)
        output, _ = started.communicate()
        return started.returncode, output

    def digests(self) -> dict[str, str]:
        """SHA-256 of every result but logs and benchmarks."""
        return {
            path.relative_to(self.results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.results.rglob("*"))
            if path.is_file() and path.relative_to(self.results).parts[0] not in SKIPPED
        }

    def edit(self) -> None:
        """Changes a raw table."""
        table = self.folder / "data" / "raw" / "bcg" / "effects.csv"
        text = table.read_text(encoding="utf-8")
        table.write_text(text.replace("Aronson", "Aaronson"), encoding="utf-8")


@contextmanager
def review(multiverse: bool = False) -> Iterator[Review]:
    """A review in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Review(Path(folder) / "review", multiverse)


class References:
    """The results of undisturbed runs, each made once."""

    def __init__(self) -> None:
        self.known: dict[tuple[bool, bool], tuple[dict[str, str], float]] = {}

    def of(self, multiverse: bool = False, edited: bool = False) -> tuple[dict[str, str], float]:
        """Digests, and how long the run took."""
        key = (multiverse, edited)
        if key not in self.known:
            with review(multiverse) as made:
                if edited:
                    made.edit()
                start = time.monotonic()
                status, output = made.run()
                if status:
                    sys.exit(output)
                self.known[key] = made.digests(), time.monotonic() - start
        return self.known[key]


def differences(digests: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Files that are missing, left over or other than wanted."""
    return [
        f"{name} differs" for name in sorted(digests.keys() | wanted.keys()) if digests.get(name) != wanted.get(name)
    ]


def rerun(made: Review, wanted: dict[str, str]) -> list[str]:
    """What another run does not bring back."""
    status, output = made.run()
    return differences(made.digests(), wanted) if status == 0 else [f"the next run failed: {output[-400:]}"]


def unless(clear: bool, output: str) -> list[str]:
    """A loss where the message was not clear."""
    return [] if clear else [f"no clear message: {output[-400:]}"]


def finished_files(log: str) -> set[str]:
    """Files of the jobs that Snakemake counted as finished."""
    files: dict[str, list[str]] = {}
    for block in log.split("\n["):
        number, output = re.search(r"jobid: (\d+)", block), re.search(r"\n    output: (.*)", block)
        if number and output and "Finished jobid" not in block:
            files[number[1]] = output[1].split(", ")
    return {name for number in re.findall(r"Finished jobid: (\d+)", log) for name in files.get(number, [])}


def stamps(folder: Path, names: set[str]) -> dict[str, tuple[int, int]]:
    """What tells that a file was written again: its inode and time."""
    return {name: ((folder / name).stat().st_ino, (folder / name).stat().st_mtime_ns) for name in names}


def unlocked_run(made: Review) -> tuple[list[str], bool]:
    """A second run; where a lock is left, it has to say how it is taken away. What was lost, and whether it was."""
    status, output = made.run()
    locked = "cannot be locked" in output
    if locked:
        if "--unlock" not in output:
            return ["a lock, without a word on how to remove it"], True
        made.run("--unlock")
        status, output = made.run()
    return ([] if status == 0 else [f"the next run failed: {output[-400:]}"]), locked
