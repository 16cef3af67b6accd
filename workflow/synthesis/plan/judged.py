"""What the plan says of the certainty of evidence: judgements that no data decide."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthesis.data.model import Model, Name


class Indirectness(Model):
    """How far patients, treatments, comparators or outcomes of a pool are from those of the question."""

    level: Literal["not serious", "serious", "very serious"] = Field(description="The judgement.")
    reason: str = Field(min_length=1, description="Why, in one line.")


class Certainty(Model):
    """GRADE of each pool. Four domains follow from the data (docs/defaults.md), indirectness from here."""

    indirectness: dict[Name, Indirectness] = Field(
        default_factory=dict, description="By synthesis; where it is missing, the domain is not decided."
    )
    prognostic_start: Literal["high", "moderate"] = Field(
        "moderate",
        description="Where associations start, by GRADE for prognostic factors: moderate for exploratory studies, high "
        "for those that were planned to confirm one factor.",
    )
