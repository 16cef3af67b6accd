"""Breaks runs for real, and runs them again; rewrites the part "Faults" of docs/robustness.md.

Ends with an error where a fault loses something. `--kills N` sets how often each kind of kill is tried.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reviews import (
    ROOT,
    NotRunError,
    Outcome,
    References,
    differences,
    finished_files,
    rerun,
    review,
    stamps,
    unless,
    unlocked_run,
)  # fmt: skip

PAGE = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- faults: written by make faults -->", "<!-- end of faults -->"
SEED = 1
READERS = 1000
TITLES = {
    "kill_workflow": "kill -9 of the workflow",
    "kill_job": "kill -9 of a job",
    "kill_all": "kill -9 of the workflow and its jobs",
    "clock": "a change of the clock",
    "truncated": "results cut short",
    "install": "an interrupted installation",
    "disk_full": "disk full",
    "limited_files": "a limit on the size of files",
    "read_only": "read-only results",
    "two_runs": "two runs in one folder",
    "decimal_commas": "a locale with decimal commas",
    "many_readers": f"{READERS:,} readers at once",
}


def jobs_of(workflow: int) -> list[int]:
    """Processes of the package that a workflow started, directly or through a shell."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    processes = []
    for process in parents:
        above = process
        while above in parents and above != workflow:
            above = parents[above]
        with suppress(OSError):
            if above == workflow and b"-m\0synthesis\0" in Path(f"/proc/{process}/cmdline").read_bytes():
                processes.append(process)
    return sorted(processes)


def kills(references: References, what: str, count: int) -> Outcome:
    """kill -9 of the workflow, of a job, or of all of it, at random moments."""
    wanted, duration = references.of()
    moments = random.Random(f"{SEED} {what}")  # noqa: S311
    lost: list[str] = []
    locks = kept = hit = 0
    for number in range(count):
        with review() as made:
            started = made.start()
            time.sleep(moments.uniform(0.1, 0.75) * duration)
            if what == "job":
                # Between two jobs there is none: wait for the next.
                while started.poll() is None:
                    running = jobs_of(started.pid)
                    if running:
                        os.kill(running[0], signal.SIGKILL)
                        break
                    time.sleep(0.02)
            elif what == "workflow":
                started.kill()
            else:
                with suppress(ProcessLookupError):
                    os.killpg(started.pid, signal.SIGKILL)
            output, _ = started.communicate()
            hit += started.returncode != 0
            names = finished_files(output)
            before = stamps(made.folder, names)
            failed, locked = unlocked_run(made)
            locks += locked
            lost += failed
            if not failed:
                lost += differences(made.digests(), wanted)
                again = [name for name, stamp in stamps(made.folder, names).items() if stamp != before[name]]
                lost += [f"{name} was made twice" for name in again]
                kept += len(names)
        print(
            f"  {what} {number + 1}: {len(names)} files were finished, {'locked' if locked else 'no lock'}", flush=True
        )
    lock_note = f"; {locks} left a lock, and the next run said how to remove it (`snakemake --unlock`)" if locks else ""
    return Outcome(
        f"{count} runs of the example, each killed at a random moment, then run again",
        f"{hit} were stopped{lock_note}; the {kept} files of finished jobs were not made again; same bytes in the end",
        tuple(lost),
    )


def mounted(*arguments: str) -> None:
    """Mounts, or says that this machine does not let us."""
    if os.geteuid() or not shutil.which("mount") or subprocess.run(["mount", *arguments], check=False).returncode:
        raise NotRunError("needs root and leave to mount")


def disk_full(references: References) -> Outcome:
    """results/ on a disk that fills up in the middle of the run."""
    wanted, _ = references.of()
    with review() as made:
        made.results.mkdir()
        mounted("-t", "tmpfs", "-o", "size=400k", "tmpfs", str(made.results))
        try:
            status, output = made.run("--keep-going")
            lost = unless(bool(status and "No space left on device" in output), output)
            present = made.digests()
            lost += [f"{name}, in part" for name in present if present[name] != wanted.get(name)]
            mounted("-o", "remount,size=100m", str(made.results))
            lost += rerun(made, wanted)
        finally:
            subprocess.run(["umount", str(made.results)], check=False)
    return Outcome(
        "results/ on a disk of 400 kB, then of 100 MB",
        f"stopped with \"No space left on device\" and the file's name; the {len(present)} results that were there "
        "were whole; the next run made the rest, same bytes",
        tuple(lost),
    )  # fmt: skip


def limited_files(_: References) -> Outcome:
    """A limit on the size of files, as ulimit -f or a quota sets it."""
    import resource

    with review() as made:
        made.run()
        before = made.digests()
        sources = [str(made.results / "sources" / "bcg.json")]
        command = [sys.executable, "-m", "synthesis", "gather", "--sources", *sources]
        outputs = {"--effects": "effects.parquet", "--table": "tables/effects.csv", "--dropped": "dropped.csv"}
        command += [str(part) for option, name in outputs.items() for part in (option, made.results / name)]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        )  # fmt: skip
        lost = unless("File too large" in done.stderr, done.stderr)
        lost += differences(made.digests(), before)
    return Outcome(
        "a job under `ulimit -f 4`",
        "stopped with the file's name, \"File too large\" and what to do; the earlier results as they were",
        tuple(lost),
    )  # fmt: skip


def read_only(references: References) -> Outcome:
    """results/ that may be read and not written."""
    wanted, _ = references.of(edited=True)
    with review() as made:
        made.run()
        before = made.digests()
        made.edit()
        mounted("--bind", str(made.results), str(made.results))
        try:
            mounted("-o", "remount,ro,bind", str(made.results))
            status, output = made.run()
        finally:
            subprocess.run(["umount", str(made.results)], check=False)
        lost = unless(bool(status and "results: " in output), output)
        lost += differences(made.digests(), before)
        lost += rerun(made, wanted)
    return Outcome(
        "a changed table with results/ mounted read-only, then writable",
        "refused before the first job, the earlier results as they were; the next run as undisturbed", tuple(lost),
    )  # fmt: skip


def clock(references: References) -> Outcome:
    """Times that say nothing: tables from the past and the future, results from the future."""
    wanted, _ = references.of(edited=True)
    lost: list[str] = []
    table = Path("data/raw/bcg/effects.csv")
    for day in ("1990-01-01", "2099-01-01"):
        with review() as made:
            made.run()
            before = made.digests()
            made.edit()
            subprocess.run(["touch", "-d", day, str(made.folder / table)], check=True)
            if day > "2090":
                status, output = made.run()
                lost += unless(bool(status) and "effects.csv: 'dated in the future'" in output, output)
                lost += differences(made.digests(), before)
                (made.folder / table).touch()
            lost += rerun(made, wanted)
    with review() as made:
        made.run()
        for path in made.results.rglob("*"):
            if path.is_file():
                subprocess.run(["touch", "-d", "2099-01-01", str(path)], check=True)
        made.edit()
        # Only a part, as if the run were killed: what is behind it looks newer by seventy years.
        made.run("results/sources/bcg.json")
        lost += rerun(made, wanted)
    return Outcome(
        "a changed table dated 1990, one dated 2099; results dated 2099, and half a run since",
        "the one from the future was refused by name, with what to do, before the first job; every change was seen, "
        "same bytes",
        tuple(lost),
    )  # fmt: skip


def truncated(references: References) -> Outcome:
    """Results cut in the middle, as a failing disk leaves them."""
    wanted, _ = references.of(multiverse=True)
    lost: list[str] = []
    names = (
        "sources/bcg.json", "models/bcg.json", "effects.parquet", "multiverse/vaccine.jsonl",
        "multiverse/shards/vaccine/0.parquet", "multiverse/vaccine.parquet", "tables/bridge.csv",
        "figures/forest_bcg.svg",
    )  # fmt: skip
    with review(multiverse=True) as made:
        made.run()
        for name in names:
            path = made.results / name
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            status, output = made.run()
            lost += unless(not status or f"results/{name}" in output, output)
            path.unlink()
            lost += rerun(made, wanted)
    return Outcome(
        "half of " + ", ".join(names),
        "each was named by the job that read it, with what to do: delete it and run again; same bytes", tuple(lost),
    )  # fmt: skip


def install(_: References) -> Outcome:
    """An installation killed in the middle, and begun again."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("pyproject.toml", "requirements.lock", "setup.sh", "Makefile", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "workflow" / "synthesis", folder / "workflow" / "synthesis")
        path = f"{Path(uv).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        command = ["make", "setup", f"PYTHON={sys._base_executable}"]  # type: ignore[attr-defined]
        common = {"cwd": folder, "env": environment | {"PATH": path}, "text": True, "start_new_session": True}
        start = time.monotonic()
        whole = subprocess.run(command, capture_output=True, check=False, **common)  # type: ignore[call-overload]
        duration = time.monotonic() - start
        if whole.returncode:
            raise NotRunError("the packages cannot be fetched here")
        moments = random.Random(f"{SEED} install")  # noqa: S311
        lost = []
        for _number in range(3):
            (folder / "requirements.lock").touch()
            killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **common)  # type: ignore[call-overload]
            time.sleep(moments.uniform(0.1, 0.9) * duration)
            with suppress(ProcessLookupError):
                os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
            again = subprocess.run(command, capture_output=True, check=False, **common)  # type: ignore[call-overload]
            check = [str(folder / ".venv/bin/synthesis"), "--help"]
            used = subprocess.run(check, capture_output=True, check=False, env=environment)
            if again.returncode or used.returncode:
                lost.append(f"the second installation failed: {again.stderr[-400:]}")
    return Outcome(
        "make setup killed (-9) three times at random moments, then called again",
        "made anew from the lock file, and usable", tuple(lost),
    )  # fmt: skip


def two_runs(references: References) -> Outcome:
    """Two runs in one folder at once."""
    wanted, _ = references.of()
    with review() as made:
        first = made.start()
        while not list(made.folder.glob(".snakemake/locks/*")):
            time.sleep(0.05)
        status, output = made.run()
        lost = [] if status and "cannot be locked" in output else [f"the second run was not refused: {output[-400:]}"]
        first.communicate()
        lost += [] if first.returncode == 0 else ["the first run failed"]
        lost += differences(made.digests(), wanted)
    return Outcome(
        "a second run started while the first was at work",
        "the second was refused (\"Directory cannot be locked\"); the first ended undisturbed", tuple(lost),
    )  # fmt: skip


def decimal_commas(references: References) -> Outcome:
    """A locale that writes 0,5."""
    wanted, _ = references.of()
    with review() as made, tempfile.TemporaryDirectory() as locales:
        made_locale = f"{locales}/de_DE.UTF-8"
        command = ["localedef", "-i", "de_DE", "-f", "UTF-8", made_locale]
        if not shutil.which("localedef") or subprocess.run(command, capture_output=True, check=False).returncode:
            raise NotRunError("no localedef, or no sources of locales")
        environment = {"LC_ALL": "de_DE.UTF-8", "LOCPATH": locales}
        probe = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"
        shown = subprocess.run(
            [sys.executable, "-c", probe], capture_output=True, text=True, check=False, env=os.environ | environment
        )
        if shown.stdout.strip() != ",":
            raise NotRunError("the locale has no effect")
        status, output = made.run(**environment)
        lost = differences(made.digests(), wanted) if status == 0 else [output[-400:]]
    return Outcome("a run under de_DE.UTF-8", "same bytes", tuple(lost))


def many_readers(_: References) -> Outcome:
    """A table read by very many while it is written again and again."""
    from synthesis.results.files import read_csv, write_csv

    versions = [[{"name": f"row {i}", "value": i + half} for i in range(500)] for half in (0.25, 0.5)]
    wrong: list[str] = []
    gate, over = threading.Event(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_csv(path, versions[0])

        def read() -> None:
            gate.wait()
            try:
                rows = read_csv(path)
            except Exception as error:
                wrong.append(f"a reader failed: {error}")
                return
            if rows not in versions:
                wrong.append("a reader saw a mixture")

        def write() -> None:
            number = 0
            while not over.is_set():
                number += 1
                write_csv(path, versions[number % 2])

        readers = [threading.Thread(target=read) for _ in range(READERS)]
        writer = threading.Thread(target=write)
        for thread in (*readers, writer):
            thread.start()
        gate.set()
        for thread in readers:
            thread.join()
        over.set()
        writer.join()
        left = [entry.name for entry in Path(folder).iterdir() if entry != path]
        wrong += [f"{name} left over" for name in left]
    return Outcome(
        f"{READERS:,} threads read a table while it is written over and over",
        "each read a whole table, the earlier or the later", tuple(wrong),
    )  # fmt: skip


def put(rows: dict[str, str]) -> None:
    """Replaces the part of the page, or adds it; faults that were not tried this time keep their row."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Robustness\n"
    earlier = text.split(BEGIN)[-1].split(END)[0].splitlines() if BEGIN in text else []
    known = {title: row for title in TITLES.values() for row in earlier if row.startswith(f"| {title} |")} | rows
    part = "\n".join([
        BEGIN,
        "## Faults",
        "",
        'Each was done for real, by `make faults`, on the example of the BCG vaccine; "same bytes": as a run '
        "that nothing disturbed.",
        "",
        "| fault | what was done | what happened | lost |",
        "|---|---|---|---|",
        *(known[title] for title in TITLES.values() if title in known),
        "",
        "Every file is written under a temporary name in its own folder and renamed once it is on the disk. Snakemake "
        "removes the outputs of a job before it runs the job again: results that were about to be replaced are missing "
        "after a kill, never wrong. `make verify` compares every result with its hash.",
        END,
    ])  # fmt: skip
    if BEGIN in text:
        before, rest = text.split(BEGIN)
        text = before + part + rest.split(END)[1]
    else:
        text += "\n" + part + "\n"
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES), help="some of the faults")
    args = parser.parse_args()
    faults: dict[str, Callable[[References], Outcome]] = {
        "kill_workflow": lambda references: kills(references, "workflow", args.kills),
        "kill_job": lambda references: kills(references, "job", args.kills),
        "kill_all": lambda references: kills(references, "all", -(-args.kills // 3)),
    }
    faults |= {
        fault.__name__: fault
        for fault in (
            clock, truncated, install, disk_full, limited_files, read_only, two_runs, decimal_commas, many_readers,
        )
    }  # fmt: skip
    references, lost = References(), []
    for name in args.only:
        try:
            outcome = faults[name](references)
            row = f"{outcome.done} | {outcome.happened} | {f'LOST: {len(outcome.lost)}' if outcome.lost else 'nothing'}"
            lost += [f"{name}: {what}" for what in outcome.lost]
        except NotRunError as reason:
            row = f"not run: {reason} | - | -"
        print(TITLES[name], row, sep=": ", flush=True)
        put({TITLES[name]: f"| {TITLES[name]} | {row} |"})
    print(json.dumps(lost, indent=1))
    if lost:
        sys.exit("faults that lost something")


if __name__ == "__main__":
    main()
