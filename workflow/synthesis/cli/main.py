"""`synthesis <command>`: one command per rule. Parses and calls; a command's file is imported when it is called."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from synthesis.errors import CannotWrite, Disagreement, InputError, placed
from synthesis.plan.passing import expanded
from synthesis.results.files import check_copies

# The file of the command line that holds each command, as `workflow/rules/` has a file for each.
STAGES: dict[str, tuple[str, ...]] = {
    "data": ("new", "check", "config", "extract", "gather"),
    "review": ("fit", "crosscheck", "pooled", "diagnose", "diagnostics", "psychometric"),
    "compare": ("compare", "claims", "tipping", "certainty", "moderator-power"),
    "evidence": ("process", "process-figure", "fill-in", "doubts"),
    "multiverse": (
        "multiverse-enumerate", "multiverse-fit", "multiverse-gather", "multiverse-summary", "multiverse-tables",
    ),
    "draw": (
        "forest", "comparison-forest", "diagnostic-figure", "bridge-figure", "claims-figure", "multiverse-figure",
        "multiverse-bridge", "prisma-flow", "monitoring-figure", "risk-domains", "risk-of-bias",
    ),
    "report": ("report", "manuscript"),
    "living": ("agreement", "monitoring", "changes", "release"),
    "export": ("export", "checklist", "crate", "verify"),
    "run": ("run",),
    "reference": ("schemas",),
}  # fmt: skip


# Where data are copies out of a storage: the file that says what they are.
CHECKED = "SYNTHESIS_CHECKED"
# Parsers by file of the command line, where they were made before they were asked for.
_PREPARED: dict[str, argparse.ArgumentParser] = {}


class Commands:
    """The parser's commands, to which each file adds its own."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._added = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(self, run: Callable[[argparse.Namespace], None], *, plan: bool = False) -> Arguments:
        """A command, named after its function; `plan`: it reads one."""
        name = run.__name__.replace("_", "-")
        added = self._added.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.set_defaults(run=run)
        if plan:
            added.add_argument("--config", required=True, help="config.yaml, or - for JSON on standard input")
        return Arguments(added)


class Arguments:
    """The arguments of a command."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser

    def other(self, *names: str, **options: Any) -> Arguments:
        """Any argument, as `argparse` has it."""
        self.parser.add_argument(*names, **options)
        return self

    def path(self, *names: str) -> Arguments:
        """Arguments that are a path each."""
        for name in names:
            self.parser.add_argument(name, type=Path, required=True)
        return self

    def paths(self, *names: str) -> Arguments:
        """Arguments that are one path or more."""
        for name in names:
            self.parser.add_argument(name, type=Path, nargs="+", required=True)
        return self

    def words(self, *names: str) -> Arguments:
        """Arguments that are a word each."""
        for name in names:
            self.parser.add_argument(name, required=True)
        return self

    def raw(self) -> Arguments:
        """The folder of the sources."""
        return self.other("--raw", type=Path, default=Path("data/raw"), help="folder of the sources")


def parser_of(stages: Iterable[str] = STAGES) -> argparse.ArgumentParser:
    """The parser of the commands in these files."""
    parser = argparse.ArgumentParser(prog="synthesis", description=__doc__)
    commands = Commands(parser)
    for stage in stages:
        import_module(f"synthesis.cli.{stage}").register(commands)
    return parser


def prepare() -> None:
    """Makes the parsers of all commands, for processes that are forked from this one."""
    for stage in STAGES:
        _PREPARED[stage] = parser_of((stage,))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; errors that a user can mend are printed without a traceback. Returns the exit status."""
    argv = expanded(sys.argv[1:] if argv is None else argv)
    # Of a command that there is, just its own file is imported: starting is most of what a job costs.
    stages = [stage for stage, commands in STAGES.items() if argv and argv[0] in commands]
    parser = _PREPARED[stages[0]] if stages and stages[0] in _PREPARED else parser_of(stages or STAGES)
    if argv and not stages and not argv[0].startswith("-"):
        close = difflib.get_close_matches(argv[0], sum(STAGES.values(), ()), n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        parser.error(f"there is no command '{argv[0]}'{meant}; synthesis --help lists them")
    args = parser.parse_args(argv)
    try:
        if listed := os.environ.get(CHECKED):
            check_copies(Path(listed))
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read on, such as head, has seen enough; nothing is left to be said at the end, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (InputError, CannotWrite, Disagreement) as error:
        given = getattr(args, "config", None)
        if isinstance(error, InputError) and given not in (None, "-"):
            error = InputError(placed(error.problems, [(str(given), {})]))
        print(f"synthesis {args.command}: {error}", file=sys.stderr)
        return 1
    return 0
