"""What the plan says of findings without a number, and of records that are doubted."""

from __future__ import annotations

from pydantic import Field, model_validator

from synthesis.data.model import Model, Name
from synthesis.data.vocabulary import Construct
from synthesis.errors import InputError, Problem


class Process(Model):
    """A process of treatment whose association with outcome stands beside the others."""

    title: str = Field(min_length=1, description="Shown in tables and in the figure.")
    summaries: tuple[str, ...] = Field(
        (), description="effect_id of published summaries of it; the first is the one that is compared first."
    )


class Processes(Model):
    """Findings on processes that print no number: counted, bounded, and imputed by one rule as a stress test.

    Never part of a pool of numbers. docs/defaults.md says what each of the three ways is.
    """

    title: str = Field(min_length=1, description="Shown above the figure.")
    first: Construct = Field(description="The construct that the others are compared with.")
    synthesis: Name = Field(description="The synthesis of its numbers.")
    sources: tuple[Name, ...] = Field(min_length=1, description="Folders of data/raw with the findings.")
    constructs: dict[Construct, Process] = Field(
        min_length=1, description="The constructs, in the order of the figure."
    )
    equivalence: str | None = Field(None, description="effect_id of the threshold below which a difference is none.")
    level: float = Field(
        0.05, gt=0, lt=0.5, description="Two-sided level at which a source calls a finding significant."
    )

    @model_validator(mode="after")
    def _first_is_one(self) -> Processes:
        if self.first not in self.constructs:
            allowed = "one of constructs: " + ", ".join(self.constructs)
            raise InputError([Problem("first", self.first, allowed)])
        return self


class Doubt(Model):
    """A record or a decision that somebody may doubt: the pools with the other decision are computed, and shown."""

    title: str = Field(min_length=1, description="What is doubted, in one line.")
    reason: str = Field(min_length=1, description="Why, and what was decided.")
    syntheses: tuple[Name, ...] = Field(min_length=1, description="The syntheses to fit again.")
    leave_out: tuple[str, ...] = Field((), description="effect_id of rows to leave out.")
    put_back: tuple[str, ...] = Field((), description="effect_id of excluded rows to use.")
    replace: dict[str, str] = Field(default_factory=dict, description="effect_id of a row: that of another for it.")
    undo: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="effect_id: columns whose corrections are undone."
    )
    set: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="effect_id: cells as another reading has them; the reason says whose."
    )

    @model_validator(mode="after")
    def _says_what(self) -> Doubt:
        if not (self.leave_out or self.put_back or self.replace or self.undo or self.set):
            allowed = "at least one of leave_out, put_back, replace, undo, set"
            raise InputError([Problem("", "none of them", allowed, "a doubt that changes nothing?")])
        return self
