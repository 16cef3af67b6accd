"""Breaks runs on purpose and writes what happened into docs/robustness.md. Fails when a fault loses something.

A small project (two sources, a multiverse in shards) stands for any; every fault is real: processes are killed, a disk
is filled. What needs root (mounts) is reported as not run elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "robustness.md"
SEED, KILLS, READS = 20261123, 10, 1000
BEGIN, END = "<!-- faults: written by make faults -->", "<!-- end of faults -->"
MULTIVERSE = (ROOT / "tests" / "slurm" / "multiverse.yaml").read_text()
_KEPT = ("logs", "benchmarks")


class Lost(AssertionError):
    """A fault that cost something."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the page."""

    fault: str
    done: str
    happened: str
    lost: str = "nothing"


def project(folder: Path) -> Path:
    """The small project, without results."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "examples" / "bcg" / "data", folder / "data")
    (folder / "config.yaml").write_text((ROOT / "examples" / "bcg" / "config.yaml").read_text() + MULTIVERSE)
    return folder


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), "--cores", "2", *more]


def start(folder: Path, **changes: str) -> subprocess.Popen[str]:
    """A run in a session of its own, so that all of it can be killed."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")} | changes
    return subprocess.Popen(
        command(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        cwd=ROOT, env=environment,
    )  # fmt: skip


def run(folder: Path, **changes: str) -> tuple[int, str]:
    """A whole run: exit status and what it said."""
    process = start(folder, **changes)
    said, _ = process.communicate(timeout=600)
    return process.returncode, said


def again(folder: Path) -> str:
    """A run after a fault, as its user would do it: `--unlock` where Snakemake asks for it."""
    status, said = run(folder)
    if status and "--unlock" in said:
        subprocess.run(command(folder, "--unlock"), cwd=ROOT, check=True, capture_output=True)
        status, said = run(folder)
    if status:
        raise Lost(f"no recovery:\n{said[-3000:]}")
    return said


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every result but logs and benchmarks."""
    results = folder / "results"
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in _KEPT
    }


def compare(folder: Path, expected: dict[str, str]) -> None:
    """The same files with the same bytes, and nothing temporary beside them."""
    found = digests(folder)
    if found != expected:
        differing = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise Lost(f"other bytes: {', '.join(differing[:8])}")


def finished(folder: Path) -> dict[Path, int]:
    """Outputs of the jobs that Snakemake holds for finished, with their times of writing."""
    from base64 import b64decode

    def names(kind: str) -> set[str]:
        # A long name is split into folders.
        kept = folder / ".snakemake" / kind
        found = set()
        for path in kept.rglob("*") if kept.exists() else ():
            if path.is_file():
                coded = "".join(part.removeprefix("@") for part in path.relative_to(kept).parts)
                found.add(b64decode(coded).decode())
        return found

    done = names("metadata") - names("incomplete")
    return {folder / name: (folder / name).stat().st_mtime_ns for name in done if (folder / name).exists()}


def kept(before: dict[Path, int]) -> None:
    """Nothing that was finished was computed again."""
    twice = [path.name for path, moment in before.items() if path.stat().st_mtime_ns != moment]
    if twice:
        raise Lost(f"computed twice: {', '.join(sorted(twice)[:8])}")


def jobs_of(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of the jobs (the package's own commands) of a run."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "-s", str(process.pid)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "/synthesis " in line and "bash" not in line]


def kills(work: Path, expected: dict[str, str], seconds: float) -> list[Outcome]:
    """The workflow, a job, or all of it, each at a random moment."""
    chance = random.Random(SEED)  # noqa: S311
    whom = ["the workflow", "a job", "the workflow and its jobs"]
    counts = dict.fromkeys(whom, 0)
    for number in range(KILLS):
        target = whom[number % len(whom)]
        folder = project(work / f"kill_{number}")
        process = start(folder)
        time.sleep(chance.uniform(0.15, 0.9) * seconds)
        if target == "a job":
            for _ in range(200):
                jobs = jobs_of(process)
                if jobs or process.poll() is not None:
                    break
                time.sleep(0.02)
            if jobs:
                os.kill(chance.choice(jobs), signal.SIGKILL)
            status = process.wait()
            if jobs and status == 0 and digests(folder) != expected:
                raise Lost("a killed job was not noticed")
        elif target == "the workflow":
            process.kill()
            process.wait()
            # Its jobs live on for a moment, as after a closed laptop; they must not disturb the next run.
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        before = finished(folder)
        again(folder)
        kept(before)
        compare(folder, expected)
        counts[target] += 1
        shutil.rmtree(folder)
    return [
        Outcome(
            f"kill -9 of {target}, {count} times, at random moments (seed {SEED})",
            "run again" + (", after `--unlock`, which Snakemake asks for" if "workflow" in target else ""),
            "the same bytes; no finished job ran twice",
        )
        for target, count in counts.items()
    ]


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A small file system as `results/`."""
    place = folder / "results"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def full_disk(work: Path, expected: dict[str, str]) -> Outcome:
    folder = project(work / "full")
    with mounted(folder, "1500k") as place:
        status, said = run(folder)
        if not status or "No space left on device" not in said:
            raise Lost(f"a full disk was not named: {said[-2000:]}")
        for path in place.rglob("*.json"):
            path.read_text().encode() and __import__("json").loads(path.read_text())
        partial = [p.name for p in place.rglob(".*") if p.is_file()]
        if partial:
            raise Lost(f"left behind: {partial}")
        subprocess.run(["mount", "-o", "remount,size=200m", str(place)], check=True)
        again(folder)
        compare(folder, expected)
    return Outcome(
        "disk full", "`results/` on 1.5 MB, then on 200 MB, run again",
        "the run stops and says `No space left on device`; every file that is there is whole; then the same bytes",
    )  # fmt: skip


def read_only(work: Path, reference: Path, expected: dict[str, str]) -> Outcome:
    folder = work / "read_only"
    shutil.copytree(reference, folder, symlinks=True)
    place = folder / "results"
    subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        edit(folder)
        status, said = run(folder)
        if not status or not any(words in said for words in ("Read-only file system", "Write-protected output")):
            raise Lost(f"read-only results were not named: {said[-2000:]}")
        compare(folder, expected)
    finally:
        subprocess.run(["umount", str(place)], check=True)
    return Outcome(
        "read-only results", "a raw row changed, run",
        "the run stops and names the files that it may not write; the earlier results are untouched",
    )  # fmt: skip


def edit(folder: Path, back: bool = False) -> None:
    """One event more in a trial, or one less again."""
    table = folder / "data" / "raw" / "bcg" / "effects.csv"
    old, new = ",4,123,11,139,", ",5,123,11,139,"
    if back:
        old, new = new, old
    content = table.read_text()
    if old not in content:
        raise Lost(f"{table}: {old} is not there")
    table.write_text(content.replace(old, new))


def clock(work: Path, reference: Path, expected: dict[str, str]) -> list[Outcome]:
    """Raw data that claim to be old, and results that claim to be from the future."""
    folder = work / "clock"
    shutil.copytree(reference, folder, symlinks=True)
    ahead, behind = time.time() + 10 * 365 * 86_400, 946_684_800.0
    table = folder / "data" / "raw" / "bcg" / "effects.csv"
    for back in (False, True):
        edit(folder, back)
        os.utime(table, (behind, behind))
        again(folder)
        unchanged = [name for name in ("models/bcg.json", "report.html") if digests(folder)[name] == expected[name]]
        if bool(unchanged) != back:
            raise Lost("results of old data, as the clock hid the change")
    compare(folder, expected)
    for path in (folder / "results").rglob("*"):
        os.utime(path, (ahead, ahead))
    edit(folder)
    status, said = run(folder)
    if not status or "clock skew" not in said:
        raise Lost(f"results from the future were not named: {said[-2000:]}")
    shutil.rmtree(folder / "results")
    edit(folder, back=True)
    again(folder)
    compare(folder, expected)
    return [
        Outcome(
            "a raw table changed, but dated 2000", "run; changed back, run",
            "what depends on it is computed again, both times: raw tables are known by content, not by date",
        ),
        Outcome(
            "a clock that was ten years ahead", "results from the future, a raw row changed, run; `make clean`, run",
            "the run stops and says that the clock is wrong; then the same bytes as ever",
        ),
    ]  # fmt: skip


def truncated(work: Path, reference: Path, expected: dict[str, str]) -> Outcome:
    """Half of a result, newer than what is made of it."""
    names = (
        "multiverse/shards/bcg/0.parquet", "multiverse/bcg.parquet", "sources/bcg.json", "models/bcg.json",
        "diagnostics/bcg.json", "tables/bridge.csv", "multiverse/bcg.jsonl",
    )  # fmt: skip
    for name in names:
        folder = work / "truncated"
        shutil.copytree(reference, folder, symlinks=True)
        path = folder / "results" / name
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        status, said = run(folder)
        if status:
            if path.name not in said or "delete it" not in said:
                raise Lost(f"{name}: not named: {said[-2500:]}")
            path.unlink()
            again(folder)
        compare(folder, expected)
        shutil.rmtree(folder)
    return Outcome(
        "truncated parquet, JSON, CSV", f"half of each of {len(names)} intermediate files, run",
        "the file is named, with the advice to delete it and run again; then the same bytes",
    )  # fmt: skip


def two_at_once(work: Path, expected: dict[str, str]) -> Outcome:
    folder = project(work / "two")
    first = start(folder)
    while not (folder / ".snakemake" / "locks").exists() or not any((folder / ".snakemake" / "locks").iterdir()):
        time.sleep(0.05)
    status, said = run(folder)
    if not status or "lock" not in said.lower():
        raise Lost(f"a second run was let in: {said[-1500:]}")
    first.communicate(timeout=600)
    compare(folder, expected)
    return Outcome(
        "two runs in one folder at once", "a second run while the first one works",
        "the second is refused and says why; the first ends with the same bytes",
    )  # fmt: skip


def decimal_commas(work: Path, expected: dict[str, str]) -> Outcome:
    place = work / "locales"
    place.mkdir()
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(place / "de_DE.UTF-8")], capture_output=True, check=False
    )
    if made.returncode > 1:
        return Outcome("a locale with decimal commas", "-", "not run: no definition of de_DE here", "-")
    folder = project(work / "german")
    german = {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LOCPATH": str(place)}
    probe = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"
    point = subprocess.run([sys.executable, "-c", probe], env=os.environ | german, capture_output=True, text=True)
    if point.stdout.strip() != ",":
        return Outcome("a locale with decimal commas", "-", "not run: the locale did not take", "-")
    status, said = run(folder, **german)
    if status:
        raise Lost(said[-2000:])
    compare(folder, expected)
    return Outcome("a locale with decimal commas", "LC_ALL=de_DE.UTF-8", "the same bytes")


def concurrent_reads(work: Path) -> Outcome:
    """Readers while a writer replaces the file: each sees one whole version."""
    from synthesis.files import read_csv, write_csv

    path = work / "table.csv"
    versions = [[{"version": float(v), "row": float(i)} for i in range(400)] for v in range(2)]
    write_csv(path, versions[0])
    torn: list[object] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for version in versions:
                write_csv(path, version)

    def read() -> None:
        found = read_csv(path)
        if found not in versions:
            torn.append(len(found))

    writer = threading.Thread(target=write)
    writer.start()
    readers = [threading.Thread(target=read) for _ in range(READS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    stop.set()
    writer.join()
    if torn:
        raise Lost(f"{len(torn)} readers saw part of a file")
    return Outcome(
        f"{READS:,} concurrent reads", "threads read a table while it is written again and again",
        "each reads one whole version",
    )  # fmt: skip


def interrupted_install(work: Path) -> Outcome:
    """Setting up is killed on the way, and started again."""
    copy = work / "checkout"
    kept_files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in kept_files.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    process = subprocess.Popen(
        ["make", "setup"], cwd=copy, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(8)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if (copy / ".venv" / ".installed").exists():
        raise Lost("installed before it was killed; kill it earlier")
    subprocess.run(["make", "setup"], cwd=copy, check=True, capture_output=True)
    subprocess.run([copy / ".venv" / "bin" / "synthesis", "--help"], check=True, capture_output=True)
    return Outcome("interrupted install", "`make setup` killed after 8 s, and again", "the second one starts afresh")


def put(rows: list[str]) -> None:
    """Replaces this script's part of the page, or adds it."""
    content = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Robustness\n"
    part = "\n".join([BEGIN, *rows, END])
    if BEGIN in content:
        before, rest = content.split(BEGIN)
        content = before + part + rest.split(END)[1]
    else:
        content += f"\n## Faults\n\n{part}\n"
    PAGE.write_text(content, encoding="utf-8")


def main() -> None:
    only = sys.argv[1:]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as held:
        work = Path(held)
        reference = project(work / "reference")
        began = time.monotonic()
        again(reference)
        seconds = time.monotonic() - began
        expected = digests(reference)
        steps: dict[str, Callable[[], list[Outcome] | Outcome]] = {
            "kills": lambda: kills(work, expected, seconds),
            "clock": lambda: clock(work, reference, expected),
            "truncated": lambda: truncated(work, reference, expected),
            "two": lambda: two_at_once(work, expected),
            "locale": lambda: decimal_commas(work, expected),
            "reads": lambda: concurrent_reads(work),
            "install": lambda: interrupted_install(work),
        }
        mounts = {
            "full": lambda: full_disk(work, expected),
            "read_only": lambda: read_only(work, reference, expected),
        }
        if os.geteuid() == 0:
            steps |= mounts
        else:
            outcomes += [
                Outcome(f"{name.replace('_', ' ')} results", "-", "not run: needs root", "-") for name in mounts
            ]
        for name, step in steps.items():
            if only and name not in only:
                continue
            print(name, flush=True)
            found = step()
            outcomes += found if isinstance(found, list) else [found]
    lines = ["| fault | what was done | what happened | lost |", "|---|---|---|---|"]
    lines += [f"| {o.fault} | {o.done} | {o.happened} | {o.lost} |" for o in outcomes]
    if not only:
        put(
            [
                "A small project: two jobs at a time, 22 jobs in all. `make faults` does all of this for real.",
                "",
                *lines,
            ]
        )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
