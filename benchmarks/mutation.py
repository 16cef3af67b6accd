"""Changes the code, runs a complete small review, and looks whether a test notices the numbers that moved.

`make mutation` takes a sample of all changes (benchmarks/mutants.py) of the rooms below, by a seed. Each is tried in a
process of its own, forked from one that has imported the libraries, and never written into the tree. Only the commands
of the review that reach the changed line are run, on the results of an unchanged run, and those after them where they
changed a file. A change counts where a number of the results moves; it is noticed where a test of a value fails: one of
those that import the changed module, or test_numbers*.py. What they do not notice is tried once more in a copy of the
tree, where commands that tests start run the changed code, too. The stored numbers of test_complete.py would notice any
change of a table or a page: they are counted apart. Writes docs/validation.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import json
import math
import multiprocessing
import os
import pkgutil
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path, PurePath
from types import CodeType, FrameType
from typing import Any
from xml.etree import ElementTree

from mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "validation.md"
BEGIN, END = "<!-- mutation: begin -->", "<!-- mutation: end -->"
ROOMS = ("plan", "data", "review", "compare", "report", "export", "living")
VALUES, STORED = ("tests/test_numbers.py", "tests/test_numbers_printed.py"), "tests/test_complete.py"
# Tests of other things than values: whole workflows, browsers, the layout of the checkout.
OTHER = frozenset(
    {"workflow", "living", "tutorial", "security", "browser", "validation", "faults", "fuzz", "package", "docs", "own"}
)
REVIEW_SECONDS, TEST_SECONDS = 120, 300
# Relative; sums are in the same order, so that nothing moves by itself.
MOVED = 1e-9
MEMORY = Path("/dev/shm")  # noqa: S108
# Starts threads, which no fork inherits.
THREADED = "pyarrow"


@dataclass(frozen=True)
class Place:
    """A mutant and its module, as a path below the root."""

    path: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """The mutant in a line of text."""
        return f"{self.path}:{self.mutant.start}:{self.mutant.shown}".replace("\t", " ")

    @property
    def room(self) -> str:
        """The room of the package."""
        return Path(self.path).relative_to(package(ROOT)).parts[0]


def package(root: Path) -> Path:
    """The package's folder, relative to a checkout."""
    (folder,) = [p.parent for p in root.glob("*/synthesis/__init__.py")]
    return folder.relative_to(root)


def all_places() -> list[Place]:
    """Every mutant of every room that there is, in the order of the files."""
    folder = ROOT / package(ROOT)
    paths = sorted(path for room in ROOMS for path in (folder / room).rglob("*.py"))
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return [Place(path, mutant) for path, text in texts.items() for mutant in mutants(text)]


@dataclass(frozen=True)
class Baseline:
    """The review as it is: its folder, its commands, and the lines that each runs.

    `imported`: lines that run when the package is imported.
    """

    folder: Path
    commands: list[Any]
    lines: list[set[tuple[str, int]]]
    imported: set[tuple[str, int]]


class Changed(SourceFileLoader):
    """Loads a module from a text that is in no file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, *_: object) -> CodeType:
        """The text, compiled; what is compiled already is not looked for."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


def change(place: Place) -> None:
    """Makes this process, which has not imported the package yet, import a mutant."""
    path = ROOT / place.path
    name, text = module_of(place.path), place.mutant.applied(path.read_text(encoding="utf-8"))

    class Finder:
        """Finds the one module."""

        @staticmethod
        def find_spec(fullname: str, *_: object) -> ModuleSpec | None:
            """Its spec; None for every other module."""
            loader = Changed(fullname, str(path), text)
            return importlib.util.spec_from_file_location(fullname, path, loader=loader) if fullname == name else None

    sys.meta_path.insert(0, Finder)


def module_of(path: str) -> str:
    """The name of a module by its path below the root."""
    return ".".join(Path(path).relative_to(package(ROOT).parent).with_suffix("").parts).removesuffix(".__init__")


def import_all() -> None:
    """Imports every module of the package."""
    import synthesis

    for module in pkgutil.walk_packages(synthesis.__path__, "synthesis."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def import_libraries() -> None:
    """Imports what the package and its tests import, but not the package itself."""
    code = (
        "import sys, mutation, pytest, hypothesis, complete_run, complete_numbers; mutation.import_all();"
        "print('\\n'.join(sys.modules))"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    local_modules = {path.stem for folder in ("tests", "benchmarks") for path in (ROOT / folder).glob("*.py")}
    for name in asked.stdout.split():
        if name.partition(".")[0] not in {"synthesis", "__main__", THREADED, *local_modules}:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def forked(work: Callable[[], int], seconds: int) -> int | None:
    """The exit status of work in a fork of this process, in silence; None where it took too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        status = 99
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            status = work()
        finally:
            os._exit(status)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def lines_run(work: Callable[[], None]) -> set[tuple[str, int]]:
    """The lines of the rooms that some work runs."""
    lines: set[tuple[str, int]] = set()
    rooms = tuple(str(ROOT / package(ROOT) / room) + os.sep for room in ROOMS)

    def local(frame: FrameType, *_: object) -> Callable[..., Any]:
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def entered(frame: FrameType, *_: object) -> Callable[..., Any] | None:
        return local(frame) if frame.f_code.co_filename.startswith(rooms) else None

    sys.settrace(entered)
    try:
        work()
    finally:
        sys.settrace(None)
    return lines


def baseline(place: Path) -> Baseline:
    """Runs the review as it is, in a fork."""
    from complete_run import commands, prepare

    folder = prepare(place / "review")
    listed = commands(folder)
    out = place / "lines.json"

    def work() -> int:
        from complete_run import run

        imported = lines_run(import_all)
        lines = [sorted(lines_run(lambda given=given: run(folder, [given]))) for given in listed]
        out.write_text(json.dumps([sorted(imported), lines]))
        return 0

    if forked(work, 3600) != 0:
        raise SystemExit("the review does not run on the code as it is")
    imported, lines = json.loads(out.read_text())
    sets = [{(path, line) for path, line in numbers} for numbers in (imported, *lines)]
    return Baseline(folder, listed, sets[1:], sets[0])


def outcome(place: Place | None, before: Baseline, folder: Path, stored: bool = False) -> str:
    """What a mutant, or the code as it is, does to the review: "no number", "stopped" or "moved"; the review is then in
    `folder`. `stored`: "stored values" for "moved" where the stored numbers notice.
    """
    hit = list(range(len(before.commands)))
    if place is not None:
        lines = {(str(ROOT / place.path), line) for line in range(place.mutant.line, place.mutant.last + 1)}
        if not lines & before.imported:
            hit = [number for number, lines_of_command in enumerate(before.lines) if lines & lines_of_command]
    if not hit:
        return "no number"
    shutil.copytree(before.folder, folder)
    status = forked(lambda: attempt(place, folder, before, set(hit), stored), REVIEW_SECONDS)
    return {0: "no number", 1: "moved", 3: "stored values"}.get(-1 if status is None else status, "stopped")


def attempt(place: Place | None, folder: Path, before: Baseline, hit: set[int], stored: bool = False) -> int:
    """Runs the commands that reach the mutant, and those that read what changed: 1 if a number moved, 0 if none did, 2
    if a command failed, 3 where the stored numbers were asked and notice.
    """
    if place is not None:
        change(place)
    from complete_numbers import changed, notices
    from complete_run import run

    written: dict[str, tuple[list[float], list[float]]] = {}
    for number, command in enumerate(before.commands):
        if number in hit or reads(command, written):
            try:
                run(folder, [command])
            except (Exception, SystemExit):
                return 2
            written = changed(before.folder / "results", folder / "results")
    if not moved(*({name: values[side] for name, values in written.items()} for side in (0, 1))):
        return 0
    return 3 if stored and notices(folder / "results") else 1


def reads(command: Any, written: Iterable[str]) -> bool:
    """Whether a command is given one of some files of the results, or a folder of it."""
    for name in written:
        path = PurePath("results", name)
        given = {str(path), *(str(folder) for folder in path.parents if folder.parts)}
        if str(path) in command.read or any(
            word.partition("=")[2] in given or word in given for word in command.arguments
        ):
            return True
    return False


def passes(place: Place | None, tests: Sequence[str], review: Path, report: Path | None = None) -> bool:
    """Whether tests pass on a finished review; those that take too long have noticed nothing.

    `report`: where to write how long each took.
    """

    def work() -> int:
        if place is not None:
            change(place)
        import pytest

        os.chdir(ROOT)
        os.environ["COMPLETE_REVIEW"] = str(review)
        options = [f"--junitxml={report}"] if report else []
        return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *options, *tests]))

    return forked(work, 3600 if report else TEST_SECONDS) in (0, None)


def passes_in_copy(place: Place, tests: Sequence[str]) -> bool:
    """Whether tests pass in a copy of the checkout with the mutant in its file."""
    with tempfile.TemporaryDirectory() as name:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, Path(name) / path)
        file = Path(name) / place.path
        file.write_text(place.mutant.applied(file.read_text(encoding="utf-8")), encoding="utf-8")
        paths = [str(Path(name) / folder) for folder in (package(ROOT).parent, "tests", "benchmarks")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        try:
            done = subprocess.run(command, cwd=name, env=environment, capture_output=True, timeout=TEST_SECONDS)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode == 0


def verdict(place: Place, before: Baseline, seconds: Mapping[str, float] | None) -> str:
    """What became of a mutant: "no number", "stopped", "noticed", "stored values only" or "unnoticed".

    `seconds`: how long the tests of a file take; the short ones come first. None: only the stored numbers are asked.
    """
    with tempfile.TemporaryDirectory(dir=before.folder.parent) as name:
        review = Path(name) / "review"
        became = outcome(place, before, review, stored=seconds is None)
        if became != "moved":
            return became
        if seconds is None:
            return "unnoticed"
        tests = sorted(tests_of(place.path), key=lambda test: seconds.get(Path(test).stem, 0.0))
        if not passes(place, tests, review) or not passes_in_copy(place, tests):
            return "noticed"
        return "unnoticed" if passes(place, [STORED], review) else "stored values only"


def seconds_of(report: Path) -> dict[str, float]:
    """How long the tests of each file took, by its name."""
    seconds: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314
        seconds[case.get("classname", "").rpartition(".")[2]] += float(case.get("time", "0"))
    return dict(seconds)


def moved(before: dict[str, list[float]], after: dict[str, list[float]]) -> bool:
    """Whether any number differs."""
    if {name: len(values) for name, values in before.items()} != {name: len(values) for name, values in after.items()}:
        return True
    return any(
        not math.isclose(a, b, rel_tol=MOVED, abs_tol=1e-12)
        for name, values in before.items()
        for a, b in zip(values, after[name], strict=True)
    )


def tests_of(path: str) -> list[str]:
    """The tests of values that import a module, the general ones first."""
    module = ".".join(Path(path).relative_to(package(ROOT).parent).with_suffix("").parts)
    names = []
    for test in sorted((ROOT / "tests").glob("test_*.py")):
        name = test.relative_to(ROOT).as_posix()
        if test.stem.removeprefix("test_") not in OTHER and name not in (*VALUES, STORED) and module in imported(test):
            names.append(name)
    return [*VALUES, *names]


def imported(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def measure(
    sample: int, seed: int, workers: int, kept: Path | None, stored: bool = False
) -> tuple[int, dict[Place, str]]:
    """All mutants, and what became of a sample of them; `kept`: a file with what is known, which grows; `stored`: only
    the stored numbers are asked.
    """
    import_libraries()
    places = all_places()
    chosen = random.Random(seed).sample(places, min(sample, len(places)))  # noqa: S311
    known = dict(line.rstrip("\n").split("\t")[:2] for line in kept.open()) if kept and kept.exists() else {}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        before = baseline(Path(name))
        if outcome(None, before, Path(name) / "again") != "no number":
            raise SystemExit("a second run of the review moves its numbers")
        tests = [] if stored else sorted({test for place in chosen for test in tests_of(place.path)})
        report = Path(name) / "tests.xml"
        if not passes(None, [*tests, STORED], before.folder, report):
            raise SystemExit("tests fail on the code as it is")
        seconds = None if stored else seconds_of(report)

        def tried(place: Place) -> str:
            return known.get(place.key) or verdict(place, before, seconds)

        verdicts = {}
        with multiprocessing.get_context("fork").Pool(workers, _serve, (tried,)) as pool:
            for place, became in zip(chosen, pool.imap(_asked, chosen), strict=True):
                verdicts[place] = became
                print(f"{became:20s} {place.path}:{place.mutant.line}: {place.mutant.what}"[:200], flush=True)
                if kept and place.key not in known:
                    with kept.open("a") as file:
                        file.write(f"{place.key}\t{became}\n")
    return len(places), verdicts


_work: list[Callable[[Place], str]] = []


def _serve(work: Callable[[Place], str]) -> None:
    _work.append(work)


def _asked(place: Place) -> str:
    return _work[0](place)


def page(total: int, seed: int, verdicts: dict[Place, str]) -> list[str]:
    """The section of docs/validation.md."""
    rows = []
    for room in ROOMS:
        counts = Counter(verdict for place, verdict in verdicts.items() if place.room == room)
        moving = counts["noticed"] + counts["stored values only"] + counts["unnoticed"]
        share = f"{100 * counts['noticed'] / moving:.0f}%" if moving else ""
        rows.append(
            f"| {room} | {sum(counts.values())} | {counts['no number']} | {counts['stopped']} | {moving} | "
            f"{counts['noticed']} | {share} | {counts['stored values only']} | {counts['unnoticed']} |"
        )
    missed = sorted(
        f"| `{place.path}:{place.mutant.line}` | `{place.mutant.shown}` | {verdict} |"
        for place, verdict in verdicts.items()
        if verdict in ("stored values only", "unnoticed")
    )
    listed = ["", "| where | change | noticed by |", "|---|---|---|", *missed] if missed else []
    return [
        BEGIN,
        "## Whether tests notice a changed number",
        "",
        f"`make mutation`: {len(verdicts):,} of {total:,} small changes of the code (operators, constants, swapped",
        f"limits, mistaken fields, dropped transformations), drawn by seed {seed}, tried on the complete small review",
        "(`tests/complete/`). Those that move a number of its results should fail a test that knows the value; the",
        "stored numbers of that review, of tables and of pages, notice the rest.",
        "",
        "| room | tried | no number moved | run stopped | moved | noticed by a value | share | by stored numbers only |"
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
    parser.add_argument("--kept", type=Path, help="a file in which to keep what became of each, and to go on from")
    parser.add_argument("--stored", action="store_true", help="ask the stored numbers alone, and print what they miss")
    args = parser.parse_args()
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (package(ROOT).parent, "tests", "benchmarks")),
        "OPENBLAS_NUM_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": tempfile.mkdtemp(),
    }
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    total, verdicts = measure(args.sample, args.seed, args.workers, args.kept, args.stored)
    if args.stored:
        print(f"{len(verdicts):,} of {total:,}: {dict(Counter(verdicts.values()))}")
        return int("unnoticed" in verdicts.values())
    lines = page(total, args.seed, verdicts)
    print("\n".join(lines)) if args.print else write(lines)
    return int("unnoticed" in verdicts.values())


if __name__ == "__main__":
    sys.exit(main())
