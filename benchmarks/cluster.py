"""The main job on a Slurm of two nodes of this machine beside the main job without it: docs/scale.md.

Run by hand as root with Debian's slurm-wlm and munge: `python benchmarks/cluster.py`. Both have the same two cores and
make the same bytes, or it fails; it fails, too, where the cluster takes `MOST` times as long.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- cluster: written by python benchmarks/cluster.py -->", "<!-- end of cluster -->"
MOST = 2.0
RUNS = 3
# What the throw-away cluster has instead of a site's partition, account and accounting.
SITE = [
    "--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2",
    "--seconds-between-status-checks", "2", "--latency-wait", "5", "--default-resources", "mem_mb=1000 * attempt",
    "runtime=10 * attempt", "slots=1", "slurm_partition=main",
]  # fmt: skip


def run(folder: Path, *options: str, environment: dict[str, str]) -> float:
    """Seconds of a run from nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(ROOT / "config.yaml", folder)
    shutil.copytree(ROOT / "data", folder / "data")
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), *options]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(options)}: {(done.stdout + done.stderr)[-3000:]}")
    return time.perf_counter() - start


def digests(folder: Path) -> dict[str, str]:
    results = folder / "results"
    paths = (path for path in results.rglob("*") if path.is_file())
    names = {path.relative_to(results): path for path in paths}
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if name.parts[0] not in ("logs", "benchmarks")
    }


def submissions(environment: dict[str, str]) -> int:
    """How many jobs the cluster had so far."""
    command = ["squeue", "--noheader", "--states=all", "--format=%i %M %S %k"]
    told = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout
    return len(told.splitlines())


def cluster(what: str, home: Path) -> str:
    command = [str(ROOT / "tests" / "slurm" / "cluster.sh"), what, str(home)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(work: Path, home: Path) -> list[str]:
    exported = subprocess.run(
        ["bash", "-c", f"{cluster('start', home)}\nenv -0"], check=True, capture_output=True, text=True
    ).stdout
    environment = dict(line.split("=", 1) for line in exported.split("\0") if line)
    alone, sent = [], []
    profile = str(ROOT / "workflow" / "profiles" / "slurm")
    for _ in range(RUNS):
        alone.append(run(work / "local", "--cores", "2", environment=dict(os.environ)))
        sent.append(run(work / "remote", "--profile", profile, *SITE, environment=environment))
        print(f"{alone[-1]:.1f} s, on the cluster {sent[-1]:.1f} s", flush=True)
        if digests(work / "local") != digests(work / "remote"):
            sys.exit("the cluster gives other bytes")
    count = len([*(work / "remote" / "results" / "benchmarks").rglob("*.tsv")])
    submitted = submissions(environment) // RUNS
    ratios = sorted(b / a for a, b in zip(alone, sent, strict=True))
    ratio = ratios[RUNS // 2]
    lines = [
        BEGIN,
        "| main job, median of the runs | |",
        "|---|---|",
        f"| on 2 cores without a cluster | {sorted(alone)[RUNS // 2]:.0f} s |",
        f"| on a Slurm of two nodes on the same 2 cores | {sorted(sent)[RUNS // 2]:.0f} s |",
        f"| ratio, of {RUNS} pairs of runs in turn | {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |",
        f"| jobs of the workflow, and submissions that they were grouped in | {count}, {submitted} |",
        f"| files with the same bytes | {len(digests(work / 'remote'))} |",
        END,
    ]
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN)] + "\n".join(lines) + text[text.index(END) + len(END) :])
    print("\n".join(lines[1:-1]))
    return [f"the cluster takes {ratio:.2f} times as long"] if ratio >= MOST else []


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o755)
        home = work / "slurm"
        try:
            faults = measure(work, home)
        finally:
            cluster("stop", home)
    if faults:
        sys.exit(faults[0])


if __name__ == "__main__":
    main()
