"""What is faster than in an earlier commit, in one run: ratios of processor time in docs/benchmarks.md.

Run by hand: `python benchmarks/before.py REVISION [PAIRS]`, three pairs unless said. The revision gets a work tree and
an environment of its own, from its own lock. Each pair is measured in turn, both in processes of their own, in
processor time, so that what else the machine does counts little. Library calls have the same data; the main jobs are
each of its own plan and of the earlier.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import planning

ROOT = planning.ROOT
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- before: written by python benchmarks/before.py -->", "<!-- end of before -->"
PAIRS = 3
# Twenty effects, sixty in twenty samples, and so on: the same for both.
DATA = """
import numpy as np, synthesis
def data(k):
    random = np.random.default_rng(k)
    v = 0.05 * random.chisquare(3, k) + 0.01
    return random.normal(0.3, np.sqrt(v + 0.05)), v
def samples(k, size):
    return [i // size for i in range(k)]
"""
# What, the size, how often, the call.
CALLS = (
    ("`pool`, k = 20", 200, "y, v = data(20)", "synthesis.pool(y, v)"),
    ("three levels, 60 effects in 20 samples", 10, "y, v = data(60)",
     "synthesis.pool(y, v, cluster=samples(60, 3), model='three_level')"),
    ("correlated and hierarchical effects, the same", 10, "y, v = data(60)",
     "synthesis.pool(y, v, cluster=samples(60, 3), model='che')"),
    ("the same with CR2, 10,000 effects in 2,500 samples", 1, "y, v = data(10_000)",
     "synthesis.pool(y, v, cluster=samples(10_000, 4), model='che')"),
    ("rank test, k = 2,000", 1, "y, v = data(2_000)", "synthesis.rank_test(y, v, exact=False)"),
    ("leave one out, k = 2,000", 1, "y, v = data(2_000)", "synthesis.leave_one_out(y, v)"),
    ("influence, k = 2,000", 1, "y, v = data(2_000)", "synthesis.influence(y, v)"),
)  # fmt: skip
# What, syntheses, sources: copies of the example of each checkout.
PLANS = (
    ("planning, 1,000 syntheses over 20 sources", 1_000, 20),
    ("planning, 500 sources with a synthesis each", 500, 500),
)
# Keys of an earlier plan that have another name now, or are gone.
RENAMED = (
    (r"^monte_carlo:.*\n(?:[ \t]+.*\n)*", ""),
    (r"kind: non_equivalent, nonsignificant_as_zero: true", "kind: non_equivalent, nulls: zero"),
)
# Once pooled without a word; today the plan has to say so.
CHANGES_AND_FINAL_VALUES = ("low_intensity", "full_dose_cbt")


class Tree:
    """A checkout with its environment."""

    def __init__(self, root: Path, python: str) -> None:
        self.root, self.python = root, python

    def used(self, command: Sequence[str], folder: Path) -> tuple[float, float]:
        """Processor seconds and the largest memory in MB of a command and of all that it started."""
        package = str(self.root / "workflow")
        environment = os.environ | {"PYTHONPATH": package, "OPENBLAS_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder)}
        measured = "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=2); "
        measured += "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        measured += "print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
        whole = [sys.executable, "-c", measured, self.python, *command]
        ended = subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True)
        status, seconds, megabytes = ended.stdout.split()
        if status != "0":
            sys.exit(f"{' '.join(command)[:300]}: {ended.stderr[-2000:]}")
        return float(seconds), float(megabytes)

    def plan(self, folder: Path) -> float:
        """Processor seconds of a dry run."""
        return self.used(
            ["-m", "snakemake", "-s", str(self.root / "Snakefile"), "-d", str(folder), "-n", "-q"], folder
        )[0]

    def run(self, folder: Path, *targets: str) -> tuple[float, float]:
        """A run of the workflow from nothing."""
        for name in ("results", ".snakemake"):
            shutil.rmtree(folder / name, ignore_errors=True)
        command = ["-m", "snakemake", "-s", str(self.root / "Snakefile"), "-d", str(folder), "--cores", "2", *targets]
        return self.used(command, folder)


def checkout(revision: str, place: Path) -> Tree:
    subprocess.run(["git", "worktree", "add", "--detach", str(place), revision], cwd=ROOT, check=True)
    environment = os.environ | {"PYTHON": sys.executable, "VENV": ".venv"}
    subprocess.run(["sh", "setup.sh"], cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
    return Tree(place, str(place / ".venv" / "bin" / "python"))


def called(tree: Tree, folder: Path, times: int, made: str, call: str) -> tuple[float, float]:
    """Milliseconds of a call after the first, and the memory of its process."""
    code = f"{DATA}\n{made}\nimport time\nif {times} > 1: {call}\nstart = time.process_time()\n"
    code += f"for _ in range({times}): {call}\n"
    code += f"open('time', 'w').write(str((time.process_time() - start) / {times}))"
    _, megabytes = tree.used(["-c", code], folder)
    return 1000 * float((folder / "time").read_text()), megabytes


def review(tree: Tree, folder: Path, syntheses: int, sources: int) -> Path:
    """A folder with copies of a checkout's example."""
    planning.make(folder, syntheses, sources, tree.root / "examples" / "bcg")
    return folder


def main_job(plan: Path, folder: Path, adapt: bool = False) -> Path:
    """A folder with the plan and the data of a checkout; of an earlier one, in today's words."""
    folder.mkdir()
    shutil.copytree(plan / "data", folder / "data")
    text = (plan / "config.yaml").read_text(encoding="utf-8")
    if adapt:
        for old, new in RENAMED:
            text = re.sub(old, new, text, flags=re.MULTILINE)
        for name in CHANGES_AND_FINAL_VALUES:
            text = re.sub(
                rf"(^  {name}:\n(?:    .*\n)*?    sources:.*\n)",
                r"\1    mix: {statistic: [change_sd, mean_sd]}" + "\n",
                text,
                flags=re.MULTILINE,
            )
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def jobs(folder: Path, pattern: str) -> float:
    """Seconds of the jobs of the last run whose names match."""
    seconds = 0.0
    benchmarks = folder / "results" / "benchmarks"
    for path in benchmarks.rglob("*.tsv"):
        if re.search(pattern, path.relative_to(benchmarks).as_posix()):
            with path.open() as handle:
                seconds += float(next(csv.DictReader(handle, delimiter="\t"))["s"])
    return seconds


# Kinds of jobs of one plan, by names that both checkouts have.
KINDS = (
    ("drawing", r"forest|figure|bubble|coefficients|prisma_flow|risk_of_bias|multiverse_bridge"),
    ("tipping", r"^tipping"),
    ("diagnostics", r"^diagnose"),
    ("multiverses", r"^multiverse(/|_summary|_tables)"),
    ("all jobs", r""),
)


def middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def row(what: str, before: Sequence[float], after: Sequence[float], unit: str) -> str:
    ratios = sorted(a / b for a, b in zip(after, before, strict=True))
    # Three significant digits.
    old, new = (f"{float(f'{middle(values):.3g}'):g}" for values in (before, after))
    line = f"| {what} | {old} {unit} | {new} {unit} | {middle(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
    print(line, flush=True)
    return line


def compare(old: Tree, new: Tree, work: Path, times_each: int) -> list[str]:
    rows = []
    for what, times, made, call in CALLS:
        pairs = [[called(tree, work, times, made, call) for tree in (old, new)] for _ in range(times_each)]
        rows.append(row(what, [p[0][0] for p in pairs], [p[1][0] for p in pairs], "ms"))
        if times == 1:
            rows.append(row(f"{what}: memory", [p[0][1] for p in pairs], [p[1][1] for p in pairs], "MB"))
    for what, syntheses, sources in PLANS:
        reviews = [review(tree, work / f"{tree.root.name}-{sources}", syntheses, sources) for tree in (old, new)]
        pairs = [
            [tree.plan(folder) for tree, folder in zip((old, new), reviews, strict=True)] for _ in range(times_each)
        ]
        rows.append(row(what, [then for then, _ in pairs], [now for _, now in pairs], "s"))
    then, now = main_job(old.root, work / "then"), main_job(ROOT, work / "now")
    adapted = main_job(old.root, work / "adapted", adapt=True)
    whole: dict[str, list[float]] = {"then": [], "now": [], "adapted": []}
    kinds: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in KINDS}
    for _ in range(times_each):
        whole["then"].append(old.run(then)[0])
        whole["adapted"].append(new.run(adapted)[0])
        whole["now"].append(new.run(now)[0])
        for name, pattern in KINDS:
            kinds[name].append((jobs(then, pattern), jobs(adapted, pattern)))
    rows.append(row("main job, the earlier plan and data", whole["then"], whole["adapted"], "s"))
    for name, runs in kinds.items():
        rows.append(row(f"of it, jobs: {name} (wall time)", [a for a, _ in runs], [b for _, b in runs], "s"))
    rows.append(row("main job, each its own plan and data", whole["then"], whole["now"], "s"))
    return rows


def main() -> None:
    revision, each = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else PAIRS
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        place = work / "before"
        try:
            rows = compare(checkout(revision, place), Tree(ROOT, sys.executable), work, each)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h of %as", revision], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    runs = "one pair of runs" if each == 1 else f"median of {each} pairs"
    content = [
        BEGIN,
        f"Processor time before (commit {commit}) and now, {runs} in turn; ratios are now to before.",
        "",
        "| what | before | now | ratio (smallest to largest) |",
        "|---|---|---|---|",
        *rows,
        END,
    ]
    text = PAGE.read_text(encoding="utf-8")
    text = text[: text.index(BEGIN)] + text[text.index(END) + len(END) :].lstrip("\n") if BEGIN in text else text
    PAGE.write_text(text.rstrip("\n") + "\n\n" + "\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
