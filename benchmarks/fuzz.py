"""Runs 100,000 generated inputs and more through the readers and the pipeline; rewrites its part of docs/robustness.md.

Ends with an error where one of them gets neither a sound result nor an error that names what is wrong. The cases are
those of `tests/fuzzing.py`, by number; the coverage-guided ones are those of `tests/fuzz_readers.py`, in an environment
of their own. `python benchmarks/fuzz.py wild 0 10000` runs some cases of one target in one process, and adds them to
the row of the page: 10000 20000 goes on from there, and 0 begins anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- generated inputs: written by make fuzz -->", "<!-- end of generated inputs -->"
COUNTS = {
    "starts": 10_000,
    "wild": 100_000,
    "tables": 45_000,
    "corrections": 20_000,
    "claims": 10_000,
    "plans": 20_000,
    "reviews": 6_000,
}
WHAT = {
    "starts": "`synthesis new`: any table under any name; what it makes passes every check",
    "wild": "`synthesis new` and extraction: tables in any dialect and encoding; every number comes out as it is",
    "tables": "`effects.csv`: reading, checks, conversion",
    "corrections": "`corrections.csv` beside a sound table",
    "claims": "`claims.csv`",
    "plans": "`config.yaml`",
    "reviews": "plan and table together: checks, fit, diagnostics, forest plot, R script",
}
CHUNK = 500
# Cases are files of a moment: in memory where the machine has a place for that.
MEMORY = Path("/dev/shm")  # noqa: S108
GUIDED, SEED = 20_000, 1

sys.path.insert(0, str(ROOT / "tests"))


def chunk(target: str, start: int, count: int) -> tuple[Counter[str], list[str]]:
    """Outcomes of some cases, and what went wrong."""
    import fuzzing

    outcomes: Counter[str] = Counter()
    failures = []
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as parent, warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(start, start + count):
            folder = Path(parent) / str(number)
            folder.mkdir()
            try:
                outcomes[fuzzing.case(target, number, folder)] += 1
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                failures.append(
                    f"{target} {number}: {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
                )
            shutil.rmtree(folder)
    return outcomes, failures


def row_of(target: str, count: int, results: int, named: int, wrong: int) -> str:
    """A row of the page: cases from 0 on."""
    numbers = " | ".join(f"{number:,}" for number in (count, results, named, wrong))
    return f"| {target} | {WHAT[target]} | 0 to {count - 1:,} | {numbers} |"


def generated() -> tuple[list[str], list[str], int]:
    """Rows of the table, failures, and how many inputs there were."""
    rows, failures, total = [], [], 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for target, count in COUNTS.items():
            starts = range(0, count, CHUNK)
            chunks = list(pool.map(chunk, repeat(target), starts, (min(CHUNK, count - s) for s in starts)))
            outcomes = sum((counts for counts, _ in chunks), Counter[str]())
            wrong = [failure for _, some in chunks for failure in some]
            failures += wrong
            total += count
            rows.append(row_of(target, count, outcomes["result"], outcomes["named error"], len(wrong)))
            print(rows[-1], flush=True)
    return rows, failures, total


def guided() -> tuple[str, list[str], int]:
    """The readers under atheris: a sentence, failures, and how many inputs there were."""
    uv = ROOT / ".venv" / "bin" / "uv"
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        python = place / "env" / "bin" / "python"
        steps = (
            ["venv", "--quiet", "--python", sys.executable, str(place / "env")],
            ["pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", "requirements.lock"],
            ["pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", "tests/fuzz.lock"],
        )
        for step in steps:
            if subprocess.run([str(uv), *step], cwd=ROOT, check=False).returncode:
                return "Not run under atheris: it cannot be installed here.", [], 0
        seeds = place / "seeds"
        seeds.mkdir()
        example = ROOT / "examples" / "bcg"
        files = (
            example / "data" / "raw" / "bcg" / "effects.csv",
            ROOT / "data" / "raw" / "corrections.csv",
            ROOT / "data" / "raw" / "claims.csv",
            example / "config.yaml",
            example / "data" / "raw" / "bcg" / "source.yaml",
        )
        for number, path in enumerate(files):
            (seeds / str(number)).write_bytes(bytes([number]) + path.read_bytes()[:5000])
        command = [
            str(python),
            "tests/fuzz_readers.py",
            str(seeds),
            f"-runs={GUIDED}",
            f"-seed={SEED}",
            "-max_len=6000",
        ]
        done = subprocess.run(
            [*command, f"-artifact_prefix={place}/"], cwd=ROOT, capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        )  # fmt: skip
    output = done.stdout + done.stderr
    covered = re.findall(r"cov: (\d+) ft: (\d+)", output)
    count = int(match[1]) if (match := re.search(r"Done (\d+) runs", output)) else 0
    failures = [] if done.returncode == 0 else [f"atheris: {output[-2000:]}"]
    return (
        f"Coverage-guided (atheris, seed {SEED}): {count:,} inputs to the readers of tables, corrections, claims, "
        f"plans and `source.yaml` reached {covered[-1][0] if covered else '?'} branches; "
        f"{len(failures)} unnamed failures.",
        failures,
        count,
    )


def put(lines: list[str]) -> None:
    """Replaces the part of the page, or adds it."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Robustness\n"
    part = "\n".join([BEGIN, *lines, END])
    if BEGIN in text:
        before, rest = text.split(BEGIN)
        text = before + part + rest.split(END)[1]
    else:
        text += "\n" + part + "\n"
    PAGE.write_text(text, encoding="utf-8")


def page(rows: list[str], count: int, failures: int, sentence: str) -> None:
    """Writes the part of the page."""
    put([
        "## Generated inputs",
        "",
        f"{count:,} inputs, sound and spoilt as people, programs and attackers spoil them, each made from its number "
        f"alone: {failures} unnamed failures. A result means that every row was used or dropped with a reason, every "
        "number was finite, and intervals held their estimates; of a table in the wild, that every number was the one "
        "that its maker knew, to the effect. A named error says where, what, and what is allowed.",
        "",
        "| target | what it is | cases | inputs | results | named errors | unnamed failures |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        sentence,
    ])  # fmt: skip


def piece(target: str, first: int, last: int) -> list[str]:
    """Runs cases of one target from the first to before the last, and adds them to the page; the failures."""
    lines = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip().splitlines()
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}
    del rows["target"]
    before = [int(x.replace(",", "")) for x in rows[target].strip("| ").split(" | ")[3:]] if first else [0, 0, 0, 0]
    if before[0] != first:
        sys.exit(f"the page has {before[0]} cases of {target}: go on from there, or begin anew with 0")
    outcomes, wrong = Counter[str](), []
    for start in range(first, last, CHUNK):
        counts, some = chunk(target, start, min(CHUNK, last - start))
        outcomes, wrong = outcomes + counts, wrong + some
    here = last - first, outcomes["result"], outcomes["named error"], len(wrong)
    rows[target] = row_of(target, *(a + b for a, b in zip(before, here, strict=True)))
    sentence = next(line for line in lines if line.startswith(("Coverage", "Not run")))
    numbers = [[int(x.replace(",", "")) for x in row.strip("| ").split(" | ")[3:]] for row in rows.values()]
    guided_count = int(match[1].replace(",", "")) if (match := re.search(r"([\d,]+) inputs", sentence)) else 0
    inputs = sum(row[0] for row in numbers) + guided_count
    page([rows[name] for name in COUNTS if name in rows], inputs, sum(row[3] for row in numbers), sentence)
    print(rows[target], flush=True)
    return wrong


def main() -> None:
    if len(sys.argv) == 4:
        failures = piece(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        rows, failures, count = generated()
        sentence, more, guided_count = guided()
        failures += more
        page(rows, count + guided_count, len(failures), sentence)
        print(sentence)
    if failures:
        print("\n".join(failures[:50]))
        sys.exit(f"{len(failures)} unnamed failures")


if __name__ == "__main__":
    main()
