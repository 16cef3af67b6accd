"""Errors a user can act on: where, which value, what is allowed, the likely mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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
        shown = self.value if len(self.value) <= 120 else self.value[:117] + "..."
        text = f"{self.where}: {shown!r}; allowed: {self.allowed}"
        return f"{text} ({self.hint})" if self.hint else text


class InputError(ValueError):
    """Input that cannot be used. Carries every problem found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(f"{head} in the input\n" + "\n".join(f"  {p}" for p in self.problems))


class CannotConvert(ValueError):
    """A row that carries no usable effect, with the reason that is shown in `dropped.csv`."""


class CannotWrite(OSError):
    """A file that the machine did not let us write. What stood in its place is as it was."""

    def __init__(self, path: Path, why: str, advice: str) -> None:
        super().__init__(f"{path}: {why}; {advice}. What stood there before is as it was")


class Disagreement(RuntimeError):
    """Two routes to the same number differ by more than their tolerance."""
