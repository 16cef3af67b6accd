"""What claims are decided from, the values of their quantities, and what these say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthesis import text
from synthesis.data.vocabulary import Verdict
from synthesis.plan.config import Config
from synthesis.results.comparisons import ClaimValue
from synthesis.results.extracted import Effect, Row
from synthesis.results.fitted import Fitted

_UNIT_NAME = {"smd": "SMD"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a quantity, as it is read. Limits are None where none are printed; equal to it where exact.

    `interval`: what its limits are: 95% CI, 95% PI.
    """

    label: str
    unit: str
    estimate: float
    low: float | None
    high: float | None
    # What must be said beside the verdict.
    remark: str = ""
    interval: str = ""

    def words(self) -> str:
        """In words, with its interval."""
        lead = "" if self.unit == "%" else f"{_UNIT_NAME.get(self.unit, self.unit)} = "
        return f"{lead}{self.printed()}"

    def printed(self) -> str:
        """The number with its interval."""
        decimals = 0 if self.unit == "%" else 2
        sign = "%" if self.unit == "%" else ""
        number = f"{text.number(self.estimate, decimals)}{sign}"
        if self.low is None or self.high is None or self.low == self.high == self.estimate:
            return number
        return f"{number} {text.interval(self.low, self.high, decimals)}"

    def stored(self) -> ClaimValue:
        """As it is handed on."""
        return ClaimValue(
            label=self.label,
            unit=self.unit,
            estimate=self.estimate,
            low=self.low,
            high=self.high,
            interval=self.interval,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What claims are decided from: model documents by synthesis, the plan, raw rows by effect_id, usable effects."""

    documents: dict[str, Fitted]
    plan: Config
    rows: dict[str, Row]
    effects: Sequence[Effect]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the data say of a claim, why, and from which values; `undecided`: one without an interval, from none."""

    verdict: Verdict
    why: str
    values: tuple[Value, ...] = ()
    undecided: Value | None = None

    @property
    def single(self) -> Value | None:
        """The value, where there is one alone."""
        return self.values[0] if len(self.values) == 1 else None

    @property
    def drawn(self) -> tuple[Value, ...]:
        """The values, and the one that has no interval to decide by."""
        return self.values if self.undecided is None else (*self.values, self.undecided)

    @property
    def unit(self) -> str:
        """The unit of the values."""
        return self.values[0].unit if self.values else ""


class Missing(Exception):
    """A datum that a quantity needs is not there; the message says which. `value`: where that is its interval alone."""

    def __init__(self, message: str, value: Value | None = None) -> None:
        super().__init__(message)
        self.value = value
