"""Times the main job on the real data and writes docs/benchmarks.md. Not a test: speed depends on the machine."""

import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 3
WALL_GOAL, MEMORY_GOAL = 30, 500
CORES = 2
# What is not spent in jobs, of the wall time.
OVERHEAD_GOAL = 1 / 3


def run(folder: Path) -> float:
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder)]
    command += ["--cores", str(CORES)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - start


def jobs(folder: Path) -> list[tuple[str, float, float]]:
    costs = []
    for path in sorted((folder / "results" / "benchmarks").rglob("*.tsv")):
        with path.open() as handle:
            row = next(csv.DictReader(handle, delimiter="\t"))
        name = path.relative_to(folder / "results" / "benchmarks").with_suffix("").as_posix()
        memory = 0.0 if row["max_rss"] in {"NA", "-"} else float(row["max_rss"])
        costs.append((name, float(row["s"]), memory))
    return costs


def main() -> None:
    walls = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "config.yaml", folder)
        shutil.copytree(ROOT / "data", folder / "data")
        for _ in range(RUNS):
            shutil.rmtree(folder / "results", ignore_errors=True)
            shutil.rmtree(folder / ".snakemake", ignore_errors=True)
            walls.append(run(folder))
        again = run(folder)
        rows = jobs(folder)
    median = sorted(walls)[RUNS // 2]
    heaviest = max(memory for _, _, memory in rows)
    # Of the last run: all jobs, spread evenly over the cores, would take this much of its time.
    worked = sum(seconds for _, seconds, _ in rows) / CORES / walls[-1]
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores.",
        "",
        "| what | measured | goal |",
        "|---|---|---|",
        f"| main job, real data, 2 cores, median of {RUNS} | {median:.1f} s wall | under {WALL_GOAL} s |",
        f"| the same, slowest of {RUNS} | {max(walls):.1f} s wall | |",
        f"| not spent in jobs (scheduling, starting, cores that wait) | {100 * (1 - worked):.0f}% of the wall time | "
        f"under {100 * OVERHEAD_GOAL:.0f}% |",
        f"| largest job | {heaviest:.0f} MB | under {MEMORY_GOAL} MB |",
        f"| second run, nothing to do | {again:.1f} s wall | |",
        "",
        "Jobs of the last run, longest first; memory with the imported package, which jobs of a local run share:",
        "",
        "| job | seconds | MB |",
        "|---|---|---|",
        *(
            f"| {job} | {seconds:.1f} | {memory:.0f} |"
            for job, seconds, memory in sorted(rows, key=lambda r: -r[1])[:12]
        ),
    ]
    page = ROOT / "docs" / "benchmarks.md"
    # What the other benchmarks wrote, each between its marks, stays.
    _, mark, others = page.read_text(encoding="utf-8").partition("<!--")
    page.write_text("\n".join(lines) + "\n" + (f"\n{mark}{others}" if mark else ""), encoding="utf-8")
    print("\n".join(lines[4:10]))


if __name__ == "__main__":
    main()
