"""Errors a user can act on: where, which value, what is allowed, the likely mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

# How a key of the plan begins its place; `placed` puts the file there that holds it.
PLAN_KEY = "config.yaml, key "
# Lines of a message at most: what comes after them is rarely read, and often has the same cause.
MOST_SHOWN = 50
# What a plan is made of: the name and content of each file, later ones over earlier ones.
Layers = Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    `where` is a file, with row and column, or a config key; `value` is what stands there.
    """

    where: str
    value: str
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        value = self.value if len(self.value) <= 120 else self.value[:117] + "..."
        text = f"{self.where}: {value!r}; allowed: {self.allowed}"
        text = f"{text} ({self.hint})" if self.hint else text
        # A key or a name may hold a line break: a problem is one line.
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class InputError(ValueError):
    """Input that cannot be used. Carries every problem found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(f"{head} in the input\n" + "\n".join(f"  {line}" for line in _lines(self.problems)))


class CannotConvert(ValueError):
    """A row that carries no usable effect, with the reason that is shown in `dropped.csv`."""


class NoPlace(CannotConvert):
    """A row whose statistic has no place on a metric's scale, whatever its numbers: no loss where another has one."""


class CannotWrite(OSError):
    """A file that the machine did not let us write. What stood in its place is as it was."""

    def __init__(self, path: Path, why: str, advice: str) -> None:
        super().__init__(f"{path}: {why}; {advice}. What stood there before is as it was")


class Disagreement(RuntimeError):
    """Two routes to the same number differ by more than their tolerance."""


def refuse(option: str, value: str, allowed: Iterable[str]) -> NoReturn:
    """Raises InputError for an argument of a command that is none of what the plan allows."""
    raise InputError([Problem(option, value, "one of " + ", ".join(allowed))])


@contextmanager
def stops(layers: Layers = ()) -> Iterator[None]:
    """Ends the program where an input or a folder cannot be used: one line per problem, nothing else, exit status 1."""
    try:
        yield
    except InputError as error:
        raise SystemExit("\n".join(_lines(placed(error.problems, layers)))) from None
    except CannotWrite as error:
        raise SystemExit(str(error)) from None


def _lines(problems: Sequence[Problem]) -> list[str]:
    """A line for each problem, of very many for the first ones."""
    more = len(problems) - MOST_SHOWN
    return [str(p) for p in problems[:MOST_SHOWN]] + ([f"and {more} more: mend these first"] if more > 0 else [])


def placed(problems: Sequence[Problem], layers: Layers) -> list[Problem]:
    """The problems, those of the plan with the file that holds the key."""
    return [
        replace(p, where=f"{_holder(p.where.removeprefix(PLAN_KEY).split('.'), layers)}, key {key}")
        if (key := p.where.removeprefix(PLAN_KEY)) != p.where and layers
        else p
        for p in problems
    ]


def _holder(key: list[str], layers: Layers) -> str:
    """The last file that holds a key, or, where none does, the most of the keys above it."""
    for depth in range(len(key), 0, -1):
        for name, content in reversed(layers):
            if _holds(content, key[:depth]):
                return name
    return layers[0][0]


def _holds(content: Any, key: list[str]) -> bool:
    for part in key:
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in map(str, content):
            content = next(value for name, value in content.items() if str(name) == part)
        else:
            return False
    return True
