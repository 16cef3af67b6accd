"""What the plan says of the correlation of sampling errors within a sample."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, model_validator

from synthesis.data.covariances import Correlated
from synthesis.data.model import Model, Name
from synthesis.errors import InputError, Problem
from synthesis.plan.conditions import COLUMN_ALLOWED, SELECTABLE, is_number, own_kinds, undeclared

_AND = " and "
# A pair of effects has the one in common always, the other never.
_SAYS_NOTHING = ("sample_id", "effect_id")


class Correlations(Model):
    """Correlations of pairs of effects of one sample, in place of one `rho` for all."""

    same: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="Correlation of a pair with the same value of a column, or of several, as {outcome: 0.8, "
        "outcome and rater: 0.9}; of those that a pair has in common the largest; of a pair without any, rho.",
    )
    time: Name | None = Field(None, description="Column of numbers that says when an effect was measured.")
    phi: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Correlation over one unit of time (a week, of weeks); that of a pair is multiplied by phi to the "
        "power of its difference in time. A correlation of 1 under same is that of one measure at two times.",
    )

    @property
    def declared(self) -> Correlated:
        """By columns, as they are read of effects."""
        same = {tuple(part.strip() for part in named.split(_AND)): value for named, value in self.same.items()}
        return Correlated(same, self.time or "", self.phi)

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Correlations:
        declared, faults = own_kinds(info), list[Problem]()
        for named in self.same:
            parts = [part.strip() for part in named.split(_AND)]
            known = (*SELECTABLE, *declared)
            faults += [undeclared(f"same.{named}", p, known, COLUMN_ALLOWED) for p in parts if p not in known]
            faults += [
                Problem(f"same.{named}", part, "a column that some effects of a sample share, and others do not")
                for part in parts
                if part in _SAYS_NOTHING
            ]
            if len(set(parts)) < len(parts):
                faults.append(Problem(f"same.{named}", named, "each column once"))
        if (self.time is None) != (self.phi is None):
            lacking, has = ("phi", "time") if self.phi is None else ("time", "phi")
            faults.append(Problem(lacking, "missing", f"given together with {has}", "time: weeks, phi: 0.97"))
        if self.time is not None and not is_number(self.time, declared):
            faults.append(Problem("time", self.time, "a column of numbers, such as weeks"))
        if not self.same and self.time is None:
            faults.append(Problem("", "nothing", "same, or time and phi"))
        if faults:
            raise InputError(faults)
        return self
