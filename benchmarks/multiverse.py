"""Times subsets and specifications; rewrites its parts of docs/benchmarks.md and docs/scale.md.

Every measurement runs in a process of its own, with one thread, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BENCHMARKS, SCALE = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "scale.md"
K = 40
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
# Ten times the fits may take ten times the processor time, more or less by this share.
LINEAR = 0.10
SECONDS, MEGABYTES, BCG_SECONDS = 60, 1000, 1.0
CORES = (1, 100, 10_000)
COUNTS = (10**6, 10**8, 10**10)


def measure(what: str, count: int) -> dict[str, float]:
    """One measurement in this process: seconds by the clock, the peak of memory in MB, and how `decade` came out."""
    import numpy as np
    from synthesis.meta.gosh import gosh_batches, members, scattered
    from synthesis.meta.subsets import CELLS, pool_subsets

    def subsets(total: int) -> None:
        random = np.random.default_rng(K)
        v = np.exp(random.normal(-3, 0.7, K))
        y = random.normal(0.3, np.sqrt(v + 0.05))
        size = CELLS // K
        for start in range(0, total, size):
            numbers = np.arange(start, min(start + size, total), dtype=np.int64) + 1
            pool_subsets(y, v, members(scattered(numbers, K, 1), K), ci="hksj")

    def bcg(_: int) -> None:
        y, v = bcg_effects()
        for _part in gosh_batches(y, v):
            pass

    def busy(times: int, total: int) -> float:
        start = time.process_time()
        for _ in range(times):
            subsets(total)
        return time.process_time() - start

    run = {"subsets": subsets, "bcg": bcg}[what]
    run(min(count, 10_000))
    times, ratios = [], []
    for _ in range(max(1, min(20, 1_000_000 // count))):
        start = time.perf_counter()
        run(count)
        times.append(time.perf_counter() - start)
    costs = {
        "seconds": float(np.median(times)),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if what == "subsets" and count > SIZES[0]:
        # Ten runs of a tenth stand around the run that they are compared with: the machine's speed drifts.
        for _ in range(max(1, min(9, 1_000_000 // count))):
            before, large, after = busy(5, count // 10), busy(1, count), busy(5, count // 10)
            ratios.append(large / (before + after))
        costs["decade"] = float(np.median(ratios))
    return costs


def bcg_effects() -> tuple[list[float], list[float]]:
    """The effects of the example."""
    from synthesis.data.extraction import extract

    effects = extract(ROOT / "examples" / "bcg" / "data" / "raw", "bcg", ("log_risk_ratio",)).effects
    return [row.yi for row in effects], [row.vi for row in effects]


def elsewhere(what: str, count: int) -> dict[str, float]:
    """The same in a process of its own."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--measure", what, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    costs: dict[str, float] = json.loads(done.stdout)
    return costs


def metafor_gosh() -> float | None:
    """Seconds of metafor's gosh on the same 2^13 - 1 subsets; None without R or metafor."""
    if shutil.which("Rscript") is None:
        return None
    y, v = bcg_effects()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_text("yi,vi\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(y, v, strict=True)))
        script = (
            "if (!requireNamespace('metafor', quietly=TRUE)) quit(status=3); library(metafor);"
            f"d <- read.csv('{path}'); f <- rma(yi, vi, data=d);"
            "cat(system.time(gosh(f, progbar=FALSE))['elapsed'])"
        )
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.strip() else None


def jobs() -> dict[str, float]:
    """Seconds of the steps of the plan's largest multiverse, each a process: what a job costs beside its fits."""
    from synthesis.data.reading import parse, read_yaml
    from synthesis.multiverse.enumeration import read_head
    from synthesis.plan.config import Config
    from synthesis.plan.parts import Plan

    plan = parse(Config, read_yaml(ROOT / "config.yaml"), "config.yaml")
    name = next(iter(plan.multiverses))
    sources = plan.syntheses[plan.multiverses[name].synthesis].sources
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)

        def step(what: str, *arguments: object) -> None:
            command = [sys.executable, "-m", "synthesis", *map(str, arguments)]
            environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "workflow")}
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
            costs[what] = time.perf_counter() - start

        extracted = []
        for source in sources:
            extracted.append(folder / f"{source}.json")
            step(
                "extract",
                "extract",
                "--source",
                source,
                "--metrics",
                *Plan(plan).metrics(source),
                "--out",
                extracted[-1],
            )
        listed, shard = folder / "m.jsonl", folder / "0.parquet"
        config = ("--config", "config.yaml", "--multiverse", name, "--sources", *extracted)
        step("enumerate", "multiverse-enumerate", *config, "--out", listed)
        fit = ("multiverse-fit", "--enumeration", listed, "--out")
        step("fit", *fit, shard, "--shard", 0, "--shards", 1)
        # The last of very many shards holds nothing: what a job costs that fits nothing.
        step("start", *fit, folder / "none.parquet", "--shard", 9_998, "--shards", 10_000)
        step("gather", "multiverse-gather", "--shards", shard, "--out", folder / "all.parquet")
        head = read_head(listed)
        costs["specifications"], costs["crossing"] = head.specifications, head.crossing
        costs["bytes"] = (folder / "all.parquet").stat().st_size / head.specifications
    return costs


def put(page: Path, name: str, lines: list[str]) -> None:
    """Replaces a part of a page between its marks, or adds it."""
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    part = "\n".join([begin, *lines, end])
    if begin in text:
        before, rest = text.split(begin)
        text = before + part + rest.split(end)[1]
    else:
        text += "\n" + part + "\n"
    page.write_text(text, encoding="utf-8")


def duration(seconds: float) -> str:
    """Seconds in words of about two digits."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}" if seconds < 9.95 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.2g} s"


def model(per_specification: float, per_job: float, count: int, cores: int) -> tuple[int, float]:
    """Jobs of ten minutes at most, at least one per core; the time until the last one ends."""
    shards = max(cores, int(count * per_specification / 600) + 1)
    waves = -(-shards // cores)
    return shards, waves * (per_job + count * per_specification / shards)


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
        return
    behind = []
    bcg = elsewhere("bcg", 1)
    metafor = metafor_gosh()
    beside = "-" if metafor is None else f"{metafor:.1f} s ({metafor / bcg['seconds']:.0f}x)"
    measured = f"{1e3 * bcg['seconds']:.0f} ms | {bcg['megabytes']:.0f} MB | {beside}"
    rows = [f"| GOSH of all 8,191 BCG subsets, REML | {measured} |"]
    if bcg["seconds"] > BCG_SECONDS:
        behind.append("GOSH of BCG")
    costs, decades = {}, []
    for size in SIZES:
        cost = elsewhere("subsets", size)
        costs[size] = cost["seconds"] / size
        decades += [cost["decade"]] if "decade" in cost else []
        each = f"{1e6 * costs[size]:.2f} \N{MICRO SIGN}s each"
        rows.append(
            f"| {size:,} fits of subsets of k = {K}, REML, HKSJ | {cost['seconds']:.2f} s, {each} | "
            f"{cost['megabytes']:.0f} MB | - |"
        )
        if size == 1_000_000 and (cost["seconds"] > SECONDS or cost["megabytes"] > MEGABYTES):
            behind.append("1,000,000 fits")
    if max(abs(ratio - 1) for ratio in decades) > LINEAR:
        behind.append(f"linear in the number of fits ({decades})")
    step = jobs()
    per = (step["fit"] - step["start"]) / step["specifications"]
    rows.append(
        f"| {step['specifications']:,.0f} distinct specifications of {step['crossing']:,.0f} (multiverse alliance) | "
        f"{step['fit'] - step['start']:.2f} s, {1e6 * per:.0f} \N{MICRO SIGN}s each | | - |"
    )
    put(BENCHMARKS, "multiverse", [
        "Subsets and specifications, one core; memory is the peak of the process.",
        "",
        "| what | time | memory | metafor |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Ten times the fits took {', '.join(f'{10 * ratio:.2f}' for ratio in decades)} times the processor time "
        "(10^4 to 10^5, 10^5 to 10^6, 10^6 to 10^7), beside ten runs of the smaller number around each larger one.",
        "metafor: not measured where R is absent.",
    ])  # fmt: skip
    kernel = costs[1_000_000]
    # One job lists the specifications and one puts the fits together, whatever the number of cores.
    serial = (step["enumerate"] - step["start"] + max(0.0, step["gather"] - step["start"])) / step["specifications"]
    lines = [
        "| measured | |",
        "|---|---|",
        f"| a subset of k = {K} (kernel alone) | {1e6 * kernel:.1f} \N{MICRO SIGN}s |",
        f"| a specification of a multiverse (composites, adjustments, parquet) | {1e6 * per:.0f} \N{MICRO SIGN}s |",
        f"| a specification in the gathered file | {step['bytes']:.0f} bytes |",
        f"| a job that fits nothing (Python, imports, reading the list) | {step['start']:.2f} s |",
        f"| enumerating {step['crossing']:,.0f} choices | {step['enumerate'] - step['start']:.2f} s |",
        f"| gathering {step['specifications']:,.0f} rows | {max(0.0, step['gather'] - step['start']):.2f} s |",
        "",
        "| specifications | on | jobs | fits of a multiverse | with its list and its table | kernel alone |",
        "|---|---|---|---|---|---|",
    ]
    for count in COUNTS:
        for cores in CORES:
            shards, wall = model(per, step["start"], count, cores)
            _, bare = model(kernel, step["start"], count, cores)
            on = "1 core" if cores == 1 else f"{cores:,} cores"
            whole = duration(wall + 2 * step["start"] + count * serial)
            lines.append(f"| {count:,} | {on} | {shards:,} | {duration(wall)} | {whole} | {duration(bare)} |")
    put(SCALE, "scale", lines)
    print("\n".join([*rows, *lines]))
    if behind:
        sys.exit("behind in: " + ", ".join(behind))


if __name__ == "__main__":
    main()
