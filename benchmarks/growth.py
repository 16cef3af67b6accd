"""How time and memory grow with the size of what is given: a table of exponents in docs/scale.md.

Run by hand: `python benchmarks/growth.py`, or with words of the rows that are to be measured anew. Each size is
measured in a process of its own, in processor time, so that what else the machine does counts little; of diagnostics
and multiverses the commands alone, as the rules call them. Fails where something grows more steeply than `STEEPEST`,
or with more than the pairs of effects where each of k fits reads k of them.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import planning
import synthesis
import yaml

PAGE = planning.ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- growth: written by python benchmarks/growth.py -->", "<!-- end of growth -->"
STEEPEST, PAIRS, PAIRWISE = 1.3, 2.1, 2.0
Effects = tuple[np.ndarray, np.ndarray]
MEGABYTE = 1024


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time and the peak of memory of so many; what the parts of it took, where it has any."""

    size: int
    seconds: float
    megabytes: float
    parts: str = ""


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


def command(folder: Path, *words: object) -> Cost:
    """What one command of the pipeline takes, without what started it."""
    environment = os.environ | {"PYTHONPATH": str(planning.ROOT / "workflow"), "OPENBLAS_NUM_THREADS": "1"}
    whole = [sys.executable, "-m", "synthesis", *map(str, words)]
    process = subprocess.Popen(whole, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), whole)
    return Cost(0, used.ru_utime + used.ru_stime, used.ru_maxrss / MEGABYTE)


def dependent(folder: Path, k: int, **plan: Any) -> None:
    """A review of `k` correlations, four to a sample, extracted."""
    random = np.random.default_rng(k)
    source = folder / "data" / "raw" / "made"
    source.mkdir(parents=True)
    shutil.copy(planning.EXAMPLE / "data/raw/bcg/source.yaml", source)
    shared = {
        "construct": "alliance", "estimand": "r_total", "level": "study", "statistic": "r", "direction": 1,
        "locator": "made", "quote": "made",
    }  # fmt: skip
    rows = []
    for sample in range(k // 4):
        n, mean = int(random.integers(20, 400)), random.normal(0.3, 0.15)
        of_sample = {"sample_id": f"s{sample}", "study": f"Study s{sample:05}", "year": 1990 + sample % 35, "n": n}
        of_sample |= {"mean_age": int(random.integers(18, 80)), "percent_women": int(random.integers(5, 96)) / 100}
        for number, (rater, timepoint) in enumerate(itertools.product(("client", "observer"), ("early", "late"))):
            z = random.normal(mean, 0.08) + random.normal(0, (n - 3) ** -0.5)
            named = {"effect_id": f"s{sample}_{number}", "rater": rater, "timepoint": timepoint}
            rows.append(named | of_sample | shared | {"value": f"{math.tanh(z):.4f}"})
    with (source / "effects.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    pooled = {"title": "Made", "lane": "A", "metric": "z", "sources": ["made"]}
    content = {"title": "Made", "sources": ["made"], "syntheses": {"made": pooled}, **plan}
    (folder / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    command(folder, "extract", "--raw", "data/raw", "--source", "made", "--metrics", "z", "--out", "made.json")


PLAN = ("--config", "config.yaml")


def fitted(folder: Path, k: int) -> tuple[str, ...]:
    """A review of `k` correlations, four to a sample, fitted; what commands ask of its model."""
    dependent(folder, k)
    fit = ("fit", *PLAN, "--synthesis", "made", "--sources", "made.json", "--out", "fit.json", "--check", "c.json")
    command(folder, *fit)
    return (*PLAN, "--model", "fit.json", "--sources", "made.json")


def diagnosed(k: int) -> Cost:
    """The command `diagnose` of a CHE model with CR2 tests."""
    with tempfile.TemporaryDirectory() as name:
        took = command(Path(name), "diagnose", *fitted(Path(name), k), "--out", "d.json")
    return Cost(k, took.seconds, took.megabytes)


def drawn(rows: int) -> Cost:
    """The command `forest`: SVG, PDF, PNG and CSV, PDF and PNG in pages of usual height."""
    with tempfile.TemporaryDirectory() as name:
        took = command(Path(name), "forest", *fitted(Path(name), 4 * rows), "--out", "figures")
    return Cost(rows, took.seconds, took.megabytes)


def decisions(each: int) -> dict[str, Any]:
    """A multiverse as that of the alliance, without a draw: four of its decisions have `each` options."""

    def from_on(column: str, *values: float) -> dict[str, Any]:
        options = {
            f"from_{i}": {"kind": "equivalent", "select": {column: {"at_least": v}}} for i, v in enumerate(values)
        }
        return {"options": options}

    share = np.linspace(0, 0.4, each)
    ranges = {"year": (1990, 35), "n": (20, 380), "mean_age": (18, 62), "percent_women": (0.05, 0.9)}
    which = {
        f"by_{column}": from_on(column, *(round(float(low + s * width), 3) for s in share))
        for column, (low, width) in ranges.items()
    }
    plain = {"kind": "equivalent"}
    which |= {
        "by_rater": {"options": {"any": plain, "client": plain | {"select": {"rater": ["client"]}}}},
        "time": {
            "options": {
                "any": plain,
                "early": plain | {"prefer": {"timepoint": ["early"]}},
                "late": plain | {"prefer": {"timepoint": ["late"]}},
            }
        },
        "outliers": {"options": {"kept": plain, "out": plain | {"outliers": 2.5}}},
    }
    how = {"rho": (0.2, 0.6, 0.8), "adjustment": ("none", "trim_fill", "pet_peese"), "tau2": ("REML", "PM", "DL")}
    kinds = {name: dict.fromkeys(options, "equivalent") for name, options in (how | {"ci": ("hksj", "wald")}).items()}
    return {"title": "Made", "synthesis": "made", "which": which, "how": kinds, "max": 10**9}


def analyses(each: int) -> Cost:
    """A multiverse of the plan by its commands: the list, two shards of fits, the table, the summary."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dependent(folder, 160, multiverses={"made": decisions(each)})
        sources, listed, shards = (
            ("--sources", "made.json"),
            ("--enumeration", "list.jsonl"),
            ("0.parquet", "1.parquet"),
        )
        table = ("--specifications", "all.parquet")
        took = {
            "list": [
                command(folder, "multiverse-enumerate", *PLAN, "--multiverse", "made", *sources, "--out", listed[1])
            ],
            "fits": [
                command(folder, "multiverse-fit", *listed, "--shard", i, "--shards", len(shards), "--out", shard)
                for i, shard in enumerate(shards)
            ],
            "table": [command(folder, "multiverse-gather", "--shards", *shards, "--out", table[1])],
            "summary": [
                command(folder, "multiverse-summary", *PLAN, *listed, *table, *sources, "--out", "summary.json")
            ],
        }
        with (folder / listed[1]).open(encoding="utf-8") as handle:
            count = json.loads(handle.readline())["specifications"]
    parts = ", ".join(
        f"{part} {sum(c.seconds for c in costs):.1f} s and {max(c.megabytes for c in costs):.0f} MB"
        for part, costs in took.items()
    )
    every = [cost for costs in took.values() for cost in costs]
    return Cost(count, sum(c.seconds for c in every), max(c.megabytes for c in every), parts)


# Each of as many fits as effects reads them all.
DIAGNOSTICS = "diagnostics of a synthesis, che with CR2 (effects, four to a sample)"
MULTIVERSE = "a multiverse of the plan, by its commands (specifications)"
QUADRATIC = ("leave one out (effects)", "influence (effects)", "cumulative (effects)", DIAGNOSTICS)
# Sizes that take too long to be measured.
BEYOND = {DIAGNOSTICS: (20_000,), MULTIVERSE: (1_000_000, 10_000_000)}
# What is measured at which sizes; of a multiverse they are the options of four of its decisions.
CASES: dict[str, tuple[tuple[int, ...], Callable[[int], object]]] = {
    "pool, REML (effects)": ((20_000, 400_000), lambda k: synthesis.pool(*effects(k))),
    "pool, che with CR2 (effects, four to a sample)": (
        (4_000, 40_000), lambda k: synthesis.pool(*effects(k), cluster=samples(k), model="che"),
    ),
    "three moderators, che with CR2 (effects)": (
        (4_000, 40_000),
        lambda k: synthesis.robust_regress(
            *effects(k), cluster=samples(k), moderators={name: effects(k + i)[0][:k] for i, name in enumerate("abc")}
        ),
    ),
    "leave one out (effects)": ((500, 4_000), lambda k: synthesis.leave_one_out(*effects(k))),
    "influence (effects)": ((500, 4_000), lambda k: synthesis.influence(*effects(k))),
    "cumulative (effects)": ((500, 4_000), lambda k: synthesis.cumulative(*effects(k))),
    "rank test (effects)": ((20_000, 200_000), lambda k: synthesis.rank_test(*effects(k))),
    "Egger's test (effects)": ((20_000, 200_000), lambda k: synthesis.egger(*effects(k))),
    "trim and fill (effects)": ((10_000, 100_000), lambda k: synthesis.trim_fill(*effects(k))),
    "a multiverse of subsets of 40 (specifications)": ((100_000, 1_000_000), multiverse),
    "extraction of a source (rows)": ((10_000, 100_000), rows),
    "planning (syntheses, over 20 sources)": ((250, 1_000), lambda n: review(n, 20)),
    "planning (sources, with a synthesis each)": ((125, 500), lambda n: review(n, n)),
    "a forest plot in all of its files (rows)": ((200, 2_000), drawn),
    DIAGNOSTICS: ((1_000, 5_000), diagnosed),
    MULTIVERSE: ((3, 5, 7), analyses),
}  # fmt: skip


def processor() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def measure(name: str, size: int) -> Cost:
    """One size, in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def print_cost(name: str, size: int) -> None:
    started = processor()
    cost = CASES[name][1](size)
    if not isinstance(cost, Cost):
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cost = Cost(size, processor() - started, peak / MEGABYTE)
    print(json.dumps(asdict(cost)))


def exponent(first: Cost, last: Cost, of: str) -> float:
    return math.log(getattr(last, of) / getattr(first, of)) / math.log(last.size / first.size)


def beyond(name: str, first: Cost, last: Cost, size: int) -> str:
    """What a size that was not measured takes at most: as if nothing of the last one that was were its start."""
    times, power = size / last.size, PAIRWISE if name in QUADRATIC else 1.0
    minutes = last.seconds * times ** max(power, exponent(first, last, "seconds")) / 60
    gigabytes = last.megabytes * times ** max(power, exponent(first, last, "megabytes")) / MEGABYTE
    took = f"at most {minutes:,.0f} minutes and {gigabytes:.1f} GB, by an exponent of {power:g}"
    return f"- {short(name)}, {size:,}: {took}; not measured."


def kept(page: str, measured: list[str]) -> tuple[list[str], list[str]]:
    """Rows and notes of the page whose cases were not measured anew."""
    lines = page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    others = [name for name in CASES if name not in measured]
    rows = [line for line in lines if line.startswith(tuple(f"| {name} |" for name in others))]
    return rows, [line for line in lines if line.startswith(tuple(f"- {short(name)}, " for name in others))]


def short(name: str) -> str:
    return name.partition(" (")[0]


def main(words: list[str]) -> int:
    names = [name for name in CASES if not words or any(word in name for word in words)]
    table, notes, steep = [], [], []
    for name in names:
        costs = [measure(name, size) for size in CASES[name][0]]
        for first, last in itertools.pairwise(costs):
            times, memory = exponent(first, last, "seconds"), exponent(first, last, "megabytes")
            table.append(
                f"| {name} | {first.size:,} | {first.seconds:.2f} s | {first.megabytes:.0f} MB | {last.size:,} "
                f"| {last.seconds:.2f} s | {last.megabytes:.0f} MB | {times:.2f} | {max(memory, 0.0):.2f} |"
            )
            print(table[-1], flush=True)
            if times > (PAIRS if name in QUADRATIC else STEEPEST):
                steep.append(f"{name}: {times:.2f}")
        notes += [f"- {short(name)}, {cost.size:,}: {cost.parts}." for cost in costs if cost.parts]
        notes += [beyond(name, costs[-2], costs[-1], size) for size in BEYOND.get(name, ())]
    print("\n".join(notes))
    page = PAGE.read_text()
    rows, others = kept(page, names)
    order = [f"| {name} |" for name in CASES]
    table = sorted([*rows, *table], key=lambda row: next(i for i, name in enumerate(order) if row.startswith(name)))
    content = [
        BEGIN,
        "| what (of what) | first size | time | memory | last size | time | memory | exponent of time | of memory |",
        "|---|---|---|---|---|---|---|---|---|",
        *table,
        "",
        *others,
        *notes,
        END,
    ]
    before, _, after = page.partition(BEGIN)
    PAGE.write_text(before + "\n".join(content) + after.partition(END)[2])
    if steep:
        print("steeper than allowed: " + "; ".join(steep), file=sys.stderr)
    return bool(steep)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print_cost(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(sys.argv[1:]))
