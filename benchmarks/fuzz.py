"""Runs 100,000 generated inputs and more through the readers and the pipeline; rewrites its part of docs/robustness.md.

Ends with an error where one of them gets neither a sound result nor an error that names what is wrong. The cases are
those of `tests/fuzzing.py`, by number; the coverage-guided ones are those of `tests/fuzz_readers.py`, in an environment
of their own.
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
    with tempfile.TemporaryDirectory(dir=place) as held, warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(start, start + count):
            folder = Path(held) / str(number)
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


def generated() -> tuple[list[str], list[str], int]:
    """Rows of the table, failures, and how many inputs there were."""
    rows, failures, total = [], [], 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for target, count in COUNTS.items():
            starts = range(0, count, CHUNK)
            found = list(pool.map(chunk, repeat(target), starts, (min(CHUNK, count - s) for s in starts)))
            outcomes = sum((one for one, _ in found), Counter[str]())
            wrong = [failure for _, some in found for failure in some]
            failures += wrong
            total += count
            rows.append(
                f"| {target} | {WHAT[target]} | 0 to {count - 1:,} | {count:,} | {outcomes['result']:,} | "
                f"{outcomes['named error']:,} | {len(wrong):,} |"
            )
            print(rows[-1], flush=True)
    return rows, failures, total


def guided() -> tuple[str, list[str], int]:
    """The readers under atheris: a sentence, failures, and how many inputs there were."""
    uv = ROOT / ".venv" / "bin" / "uv"
    with tempfile.TemporaryDirectory() as held:
        place = Path(held)
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
    said = done.stdout + done.stderr
    covered = re.findall(r"cov: (\d+) ft: (\d+)", said)
    count = int(found[1]) if (found := re.search(r"Done (\d+) runs", said)) else 0
    failures = [] if done.returncode == 0 else [f"atheris: {said[-2000:]}"]
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


def main() -> None:
    rows, failures, count = generated()
    sentence, more, guided_count = guided()
    failures += more
    put([
        "## Generated inputs",
        "",
        f"{count + guided_count:,} inputs, sound and spoilt as people, programs and attackers spoil them, each made "
        f"from its number alone: {len(failures)} unnamed failures. A result means that every row was used or dropped "
        "with a reason, every number was finite, and intervals held their estimates; a named error says where, what, "
        "and what is allowed.",
        "",
        "| target | what it is | cases | inputs | results | named errors | unnamed failures |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        sentence,
    ])  # fmt: skip
    print(sentence)
    if failures:
        print("\n".join(failures[:50]))
        sys.exit(f"{len(failures)} unnamed failures")


if __name__ == "__main__":
    main()
