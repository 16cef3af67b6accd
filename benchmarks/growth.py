"""How time and memory grow with the size of what is given: a table of exponents in docs/scale.md.

Run by hand: `python benchmarks/growth.py`. Each size is measured in a process of its own, in processor time, so that
what else the machine does counts little. Fails where something grows more steeply than `STEEPEST`, or with more than
the pairs of effects where each of k fits reads k of them.
"""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import planning
import synthesis

PAGE = planning.ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- growth: written by python benchmarks/growth.py -->", "<!-- end of growth -->"
STEEPEST, PAIRS = 1.3, 2.1
Effects = tuple[np.ndarray, np.ndarray]
MEGABYTE = 1024


def effects(k: int) -> Effects:
    random = np.random.default_rng(k)
    v = 0.05 * random.chisquare(3, k) + 0.01
    return random.normal(0.3, np.sqrt(v + 0.05)), v


def samples(k: int) -> list[int]:
    """Four effects in each sample."""
    return [i // 4 for i in range(k)]


def multiverse(specifications: int) -> None:
    """Subsets of 40 effects, fitted in batches."""
    y, v = effects(40)
    random = np.random.default_rng(1)
    for start in range(0, specifications, 100_000):
        picks = random.random((min(100_000, specifications - start), 40)) < 0.7
        synthesis.pool_many(np.broadcast_to(y, picks.shape), np.where(picks, v, np.inf), tau2="REML", ci="hksj_adhoc")


def review(syntheses: int, sources: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "review"
        planning.make(folder, syntheses, sources)
        planning.plan(folder)


def rows(count: int) -> None:
    """A source of so many rows, extracted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        planning.make(folder / "review", 1, 1)
        table = folder / "review/data/raw/source_0/effects.csv"
        head, *body = table.read_text(encoding="utf-8").splitlines()
        copies = math.ceil(count / len(body))
        lines = (line.replace("source_0_", f"source_0_{i}_") for i in range(copies) for line in body)
        table.write_text("\n".join([head, *lines][: count + 1]) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "synthesis", "extract", "--raw", "data/raw", "--source", "source_0"]
        environment = os.environ | {"PYTHONPATH": str(planning.ROOT / "workflow")}
        command += ["--metrics", "log_risk_ratio", "--out", "out.json"]
        subprocess.run(command, check=True, cwd=folder / "review", env=environment)


# Each of as many fits as effects reads them all.
QUADRATIC = ("leave one out (effects)", "influence (effects)", "cumulative (effects)")
# What is measured, with the sizes of the first and the last run.
CASES: dict[str, tuple[int, int, Callable[[int], object]]] = {
    "pool, REML (effects)": (20_000, 400_000, lambda k: synthesis.pool(*effects(k))),
    "pool, che with CR2 (effects, four to a sample)": (
        4_000, 40_000, lambda k: synthesis.pool(*effects(k), cluster=samples(k), model="che"),
    ),
    "three moderators, che with CR2 (effects)": (
        4_000, 40_000,
        lambda k: synthesis.robust_regress(
            *effects(k), cluster=samples(k), moderators={name: effects(k + i)[0][:k] for i, name in enumerate("abc")}
        ),
    ),
    "leave one out (effects)": (500, 4_000, lambda k: synthesis.leave_one_out(*effects(k))),
    "influence (effects)": (500, 4_000, lambda k: synthesis.influence(*effects(k))),
    "cumulative (effects)": (500, 4_000, lambda k: synthesis.cumulative(*effects(k))),
    "rank test (effects)": (20_000, 200_000, lambda k: synthesis.rank_test(*effects(k))),
    "Egger's test (effects)": (20_000, 200_000, lambda k: synthesis.egger(*effects(k))),
    "trim and fill (effects)": (10_000, 100_000, lambda k: synthesis.trim_fill(*effects(k))),
    "a multiverse of subsets of 40 (specifications)": (100_000, 1_000_000, multiverse),
    "extraction of a source (rows)": (10_000, 100_000, rows),
    "planning (syntheses, over 20 sources)": (250, 1_000, lambda n: review(n, 20)),
    "planning (sources, with a synthesis each)": (125, 500, lambda n: review(n, n)),
}  # fmt: skip


def processor() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def measure(name: str, size: int) -> tuple[float, float]:
    """Seconds of processor time, and peak megabytes, of one size in a process of its own; 0 is what starting takes."""
    done = subprocess.run([sys.executable, __file__, name, str(size)], check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def one(name: str, size: int) -> None:
    run = CASES[name][2]
    started = processor()
    run(size)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(processor() - started, peak / MEGABYTE)


def main() -> int:
    table, steep = [], []
    for name, (few, many, _) in CASES.items():
        (short, small), (long, large) = measure(name, few), measure(name, many)
        times, memory = (
            math.log(last / first) / math.log(many / few) for first, last in ((short, long), (small, large))
        )
        table.append(
            f"| {name} | {few:,} | {short:.2f} s | {small:.0f} MB | {many:,} | {long:.2f} s | {large:.0f} MB "
            f"| {times:.2f} | {max(memory, 0.0):.2f} |"
        )
        print(table[-1], flush=True)
        if times > (PAIRS if name in QUADRATIC else STEEPEST):
            steep.append(f"{name}: {times:.2f}")
    content = [
        BEGIN,
        "| what (of what) | first size | time | memory | last size | time | memory | exponent of time | of memory |",
        "|---|---|---|---|---|---|---|---|---|",
        *table,
        END,
    ]
    page = PAGE.read_text()
    before, _, after = page.partition(BEGIN)
    PAGE.write_text(before + "\n".join(content) + after.partition(END)[2])
    if steep:
        print("steeper than allowed: " + "; ".join(steep), file=sys.stderr)
    return bool(steep)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one(sys.argv[1], int(sys.argv[2]))
    else:
        sys.exit(main())
