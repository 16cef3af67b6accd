"""`source.yaml`: what a folder of `data/raw` is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from synthesis.data.model import Model
from synthesis.data.reading import parse, read_yaml


class SourceExtraction(Model):
    """How a source was extracted."""

    how: str = Field(min_length=1, description="What was read, and how.")
    by: str = Field(min_length=1, description="Who extracted it.")
    on: str = Field(min_length=1, description="When.")
    import_note: str = Field("", description="What was mapped or added afterwards.")


class RiskScore(Model):
    """What a number in the column rob means."""

    lowest: float = Field(description="Smallest possible score.")
    highest: float = Field(description="Largest possible score.")
    better: Literal["larger", "smaller"] = Field(description="Which scores mean a lower risk of bias.")
    basis: str = Field(min_length=1, description="Where this is stated.")

    @model_validator(mode="after")
    def _a_range(self) -> RiskScore:
        if self.lowest >= self.highest:
            raise ValueError(f"lowest {self.lowest:g} is not below highest {self.highest:g}")
        return self


class FillIn(Model):
    """Numbers that the reachable text lacks, and that somebody with the paper can fill in."""

    table: str = Field(min_length=1, description="Which table or text of the paper holds them.")
    rows: tuple[str, ...] = Field((), description="effect_id of rows of effects.csv that wait for them.")
    cells: tuple[str, ...] = Field(min_length=1, description="Columns to fill in each row.")
    new_rows: int = Field(0, ge=0, description="Rows of level study to add: as many as the paper has studies.")
    as_in: dict[str, str] = Field(default_factory=dict, description="Cells that every new row has, by column.")
    hint: str = Field("", description="What helps.")


class Source(Model):
    """`source.yaml`: what a folder of data/raw is, and what it is not."""

    title: str = Field(min_length=1, description="What the source is.")
    citation: str = Field(min_length=1, description="Full reference.")
    doi: str = Field("", description="DOI of the source.")
    licence: str = Field(min_length=1, description="Terms under which its facts are used.")
    extraction: SourceExtraction = Field(description="How, by whom, when.")
    limits: tuple[str, ...] = Field(min_length=1, description="Known limits; shown in the report.")
    risk_score: RiskScore | None = Field(None, description="The scale of the column rob, where it holds numbers.")
    fill_in: tuple[FillIn, ...] = Field((), description="What is still to be filled in, by table of the paper.")


def read_abouts(paths: Iterable[Path]) -> dict[str, Source]:
    """Each `source.yaml` by the name of its folder. Raises InputError with the problems of the first that has any."""
    return {path.parent.name: parse(Source, read_yaml(path), str(path)) for path in paths}
