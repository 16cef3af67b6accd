"""`source.yaml`: what a folder of `data/raw` is."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from synthesis.data.columns import OPEN_COLUMNS, taken
from synthesis.data.model import Model, Name
from synthesis.data.reading import parse, read_yaml
from synthesis.errors import InputError, Problem

OwnKind = Literal["number", "text"]
LONGEST_NAME = 60


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


class OwnColumn(Model):
    """A column of `effects.csv` that the data dictionary does not have."""

    kind: OwnKind | None = Field(
        None, description="number or text; where empty, number if every filled cell of the column is one."
    )
    title: str = Field("", description="Its head in figures and tables, in any words; its name where empty.")
    description: str = Field("", description="What it holds.")


def plain_name(words: str) -> str:
    """A name made of any words: small letters, digits and _, a letter first."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", words).casefold())
    name = re.sub("[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")
    return (name if re.match("[a-z]", name) else f"own_{name or 'column'}")[:LONGEST_NAME].strip("_")


def own_faults(names: Iterable[Any]) -> Iterable[Problem]:
    """Names that no column of one's own can have: they stand in the plan, in file names and in R."""
    for name in names:
        place = f"columns.{name}"
        if not isinstance(name, str):
            yield Problem(place, str(name).lower(), "a name", "YAML reads it as no word: in quotation marks")
        elif not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > LONGEST_NAME:
            allowed = f"small letters, digits and _, a letter first, at most {LONGEST_NAME}"
            hint = f"call the column {plain_name(name)}, here and in effects.csv; title takes any words"
            yield Problem(place, name, allowed, hint)
        elif known := taken(name):
            hint = "a column of the data dictionary needs no declaration; for something else, another name"
            yield Problem(place, name, f"a name that is free: {known} has a meaning here", hint)


def _unread_terms(vocabulary: Any) -> Iterable[Problem]:
    """Terms that YAML reads as numbers or truth values."""
    for column, defined in vocabulary.items() if isinstance(vocabulary, dict) else ():
        for term in defined if isinstance(defined, dict) else ():
            if not isinstance(term, str):
                hint = "YAML reads it as no word: in quotation marks"
                yield Problem(f"vocabulary.{column}.{term}", str(term).lower(), "a term with its definition", hint)


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
    same_people: tuple[str, ...] = Field(
        (),
        description="sample_ids under which several studies report the same people; a sample_id under two study names "
        "that is not among them is asked about.",
    )
    other_people: tuple[str, ...] = Field(
        (),
        description="sample_ids whose people are in no other sample among them: samples of one study that are of one "
        "size, add up to another, or print the same arm are asked about.",
    )
    fill_in: tuple[FillIn, ...] = Field((), description="What is still to be filled in, by table of the paper.")
    columns: dict[Name, OwnColumn] = Field(
        default_factory=dict,
        description="Columns of effects.csv that are not in the data dictionary, by name, or a list of their names: "
        "they are carried, and can be shown, selected by and used as moderators.",
    )

    vocabulary: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Terms of your own with their definitions, by column: " + ", ".join(OPEN_COLUMNS) + ". A term that "
        "is like none of the known ones need not be defined.",
    )

    @model_validator(mode="after")
    def _open_columns(self) -> Source:
        faults = []
        for column, defined in self.vocabulary.items():
            if column not in OPEN_COLUMNS:
                close = difflib.get_close_matches(column, OPEN_COLUMNS, n=1)
                hint = f"did you mean {close[0]}?" if close else "other columns hold any words, or fixed ones"
                faults.append(Problem(f"vocabulary.{column}", column, "one of " + ", ".join(OPEN_COLUMNS), hint))
            faults += [
                Problem(f"vocabulary.{column}", term or "an empty term", "a term with its definition")
                for term, meaning in defined.items()
                if not term.strip() or not meaning.strip()
            ]
        if faults:
            raise InputError(faults)
        return self

    @model_validator(mode="before")
    @classmethod
    def _own_columns(cls, content: Any) -> Any:
        defined = content.get("vocabulary") if isinstance(content, dict) else None
        if faults := list(_unread_terms(defined)):
            raise InputError(faults)
        columns = content.get("columns") if isinstance(content, dict) else None
        if isinstance(columns, list):
            columns = dict.fromkeys(columns) if all(isinstance(n, str | int | float) for n in columns) else columns
        if not isinstance(columns, dict):
            return content
        if faults := list(own_faults(columns)):
            raise InputError(faults)
        return content | {"columns": {name: {} if column is None else column for name, column in columns.items()}}


def read_abouts(paths: Iterable[Path]) -> dict[str, Source]:
    """Each `source.yaml` by the name of its folder. Raises InputError with the problems of the first that has any."""
    return {path.parent.name: parse(Source, read_yaml(path), str(path)) for path in paths}
