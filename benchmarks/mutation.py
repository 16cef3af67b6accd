"""Changes the code, runs a complete small review, and looks whether a test notices the numbers that moved.

`make mutation` takes a sample of all changes (benchmarks/mutants.py) of the rooms below, by a seed. Each is tried in a
copy of the tree, never in the tree itself. It counts where the review runs to its end with another number in its
results; it is noticed where a test of a value fails: one of those that import the changed module, or test_numbers.py.
The stored tables of test_complete.py would notice any change of a table: they are counted apart. Writes
docs/validation.md.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "validation.md"
BEGIN, END = "<!-- mutation: begin -->", "<!-- mutation: end -->"
ROOMS = ("plan", "data", "review", "compare", "report", "export", "living")
VALUES, STORED = "tests/test_numbers.py", "tests/test_complete.py"
# Tests of other things than values: whole workflows, browsers, the layout of the checkout.
OTHER = frozenset(
    {"workflow", "living", "tutorial", "security", "browser", "validation", "faults", "fuzz", "package", "docs"}
)
REVIEW_SECONDS, TEST_SECONDS = 120, 300
# Relative; sums are in the same order, so that nothing moves by itself.
MOVED = 1e-9


@dataclass(frozen=True)
class Place:
    """A mutant and its module, as a path below the root."""

    path: str
    mutant: Mutant

    @property
    def room(self) -> str:
        """The room of the package."""
        return Path(self.path).relative_to(package(ROOT)).parts[0]


def package(root: Path) -> Path:
    """The package's folder, relative to a checkout."""
    (found,) = [p.parent for p in root.glob("*/synthesis/__init__.py")]
    return found.relative_to(root)


def all_places() -> list[Place]:
    """Every mutant of every room that there is, in the order of the files."""
    folder = ROOT / package(ROOT)
    paths = sorted(path for room in ROOMS for path in (folder / room).rglob("*.py"))
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return [Place(path, mutant) for path, text in texts.items() for mutant in mutants(text)]


class Copy:
    """A copy of the checkout in which mutants are tried, one after the other."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder, self.commands, self._tried = folder, commands, 0
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        self.review = folder.parent / f"{folder.name}-review"

    def run(self, arguments: list[str], seconds: int) -> int | None:
        """The exit status of a Python command on the copy; None where it took too long."""
        paths = [str(self.folder / p) for p in (package(ROOT).parent, "tests", "benchmarks")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
        command = subprocess.Popen(
            [sys.executable, *arguments], cwd=self.folder, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return command.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(command.pid, 9)
            command.wait()
            return None

    def numbers(self) -> dict[str, list[float]] | None:
        """The numbers of the review; None where it did not run to its end."""
        shutil.rmtree(self.review, ignore_errors=True)
        out = self.review.with_suffix(".json")
        out.unlink(missing_ok=True)
        asked = ["--review", str(self.review), "--commands", str(self.commands), "--out", str(out)]
        done = self.run(["benchmarks/mutation.py", *asked], REVIEW_SECONDS)
        return json.loads(out.read_text()) if done == 0 else None

    def passes(self, tests: list[str]) -> bool:
        """Whether tests pass; those that take too long have noticed nothing."""
        options = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
        return self.run([*options, *tests], TEST_SECONDS) in (0, None)

    def verdict(self, place: Place, before: dict[str, list[float]], tests: list[str]) -> str:
        """What became of a mutant: "no number", "stopped", "noticed", "stored values only" or "unnoticed"."""
        path = self.folder / place.path
        source = path.read_text(encoding="utf-8")
        kept = path.stat()
        path.write_text(place.mutant.applied(source), encoding="utf-8")
        # Compiled modules are told apart by second and size.
        self._tried += 1
        os.utime(path, (self._tried, self._tried))
        try:
            after = self.numbers()
            if after is None:
                return "stopped"
            if not moved(before, after):
                return "no number"
            if not self.passes(tests):
                return "noticed"
            return "unnoticed" if self.passes([STORED]) else "stored values only"
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def moved(before: dict[str, list[float]], after: dict[str, list[float]]) -> bool:
    """Whether any number differs."""
    if {name: len(found) for name, found in before.items()} != {name: len(found) for name, found in after.items()}:
        return True
    return any(
        not math.isclose(a, b, rel_tol=MOVED, abs_tol=1e-12)
        for name, found in before.items()
        for a, b in zip(found, after[name], strict=True)
    )


def tests_of(path: str) -> list[str]:
    """The tests of values that import a module, the general ones first."""
    module = ".".join(Path(path).relative_to(package(ROOT).parent).with_suffix("").parts)
    found = []
    for test in sorted((ROOT / "tests").glob("test_*.py")):
        name = test.relative_to(ROOT).as_posix()
        if test.stem.removeprefix("test_") not in OTHER and name not in (VALUES, STORED) and module in imported(test):
            found.append(name)
    return [VALUES, *found]


def imported(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def review(folder: Path, commands: Path, out: Path) -> None:
    """Runs the complete review on the code that is imported, and writes its numbers."""
    from complete_numbers import numbers
    from complete_run import Command, prepare, run

    listed = json.loads(commands.read_text())
    run(prepare(folder), [Command(tuple(arguments), read) for arguments, read in listed])
    out.write_text(json.dumps(numbers(folder / "results")))


def measure(sample: int, seed: int, workers: int) -> tuple[int, dict[Place, str]]:
    """All mutants, and what became of a sample of them."""
    sys.path.insert(0, str(ROOT / "tests"))
    from complete_run import commands, prepare

    places = all_places()
    chosen = random.Random(seed).sample(places, min(sample, len(places)))  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        listed = commands(prepare(Path(name) / "planned"))
        written = Path(name) / "commands.json"
        written.write_text(json.dumps([[c.arguments, c.read] for c in listed]))
        copies: queue.Queue[Copy] = queue.Queue()
        for worker in range(workers):
            copies.put(Copy(Path(name) / f"copy{worker}", written))
        first = copies.get()
        before = first.numbers()
        if before is None:
            raise SystemExit("the review does not run on the code as it is")
        tests = {place.path: tests_of(place.path) for place in chosen}
        if not first.passes([*sorted({test for listed in tests.values() for test in listed}), STORED]):
            raise SystemExit("tests fail on the code as it is")
        copies.put(first)

        def tried(place: Place) -> str:
            copy = copies.get()
            try:
                verdict = copy.verdict(place, before, tests[place.path])
            finally:
                copies.put(copy)
            print(f"{verdict:20s} {place.path}:{place.mutant.line}: {place.mutant.what}"[:200], flush=True)
            return verdict

        with ThreadPoolExecutor(workers) as pool:
            return len(places), dict(zip(chosen, pool.map(tried, chosen), strict=True))


def page(total: int, seed: int, found: dict[Place, str]) -> list[str]:
    """The section of docs/validation.md."""
    rows = []
    for room in ROOMS:
        counts = Counter(verdict for place, verdict in found.items() if place.room == room)
        moving = counts["noticed"] + counts["stored values only"] + counts["unnoticed"]
        share = f"{100 * counts['noticed'] / moving:.0f}%" if moving else ""
        rows.append(
            f"| {room} | {sum(counts.values())} | {counts['no number']} | {counts['stopped']} | {moving} | "
            f"{counts['noticed']} | {share} | {counts['stored values only']} | {counts['unnoticed']} |"
        )
    missed = sorted(
        f"| `{place.path}:{place.mutant.line}` | `{place.mutant.shown}` | {verdict} |"
        for place, verdict in found.items()
        if verdict in ("stored values only", "unnoticed")
    )
    listed = ["", "| where | change | noticed by |", "|---|---|---|", *missed] if missed else []
    return [
        BEGIN,
        "## Whether tests notice a changed number",
        "",
        f"`make mutation`: {len(found):,} of {total:,} small changes of the code (operators, constants, swapped",
        f"limits, mistaken fields, dropped transformations), drawn by seed {seed}, tried on the complete small review",
        "(`tests/complete/`). Those that move a number of its results should fail a test that knows the value; the",
        "stored tables of that review notice the rest where a table holds the number.",
        "",
        "| room | tried | no number moved | run stopped | moved | noticed by a value | share | by stored tables only |"
        " by nothing |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
        *listed,
        END,
    ]


def write(lines: list[str]) -> None:
    """Puts the section between its marks, or at the end of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if rest else "\n"
    PAGE.write_text(before.rstrip("\n") + "\n\n" + "\n".join(lines) + after, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="mutants to try")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--print", action="store_true", help="leave the page alone")
    parser.add_argument("--review", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--commands", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.review:
        review(args.review, args.commands, args.out)
        return 0
    total, found = measure(args.sample, args.seed, args.workers)
    lines = page(total, args.seed, found)
    print("\n".join(lines)) if args.print else write(lines)
    return int("unnoticed" in found.values())


if __name__ == "__main__":
    sys.exit(main())
