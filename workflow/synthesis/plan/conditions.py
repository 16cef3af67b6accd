"""Conditions on columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, model_validator

from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.model import YES_NO, Model
from synthesis.errors import InputError, Problem

LONGEST_NAME = 60
SELECTABLE = frozenset(BY_NAME) | {"exactness"}


class Condition(Model):
    """What a column must hold. A plain list in the config is short for `any_of`."""

    any_of: tuple[str, ...] | None = Field(None, description="Keep rows with one of these values.")
    none_of: tuple[str, ...] | None = Field(None, description="Drop rows with one of these values.")
    at_least: float | None = Field(None, description="Keep rows with at least this number.")
    at_most: float | None = Field(None, description="Keep rows with at most this number.")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if any(isinstance(item, bool) for item in (value if isinstance(value, list) else [value])):
            raise InputError([Problem("", "true or false", "words and numbers", YES_NO)])
        if isinstance(value, str | int | float):
            return {"any_of": [str(value)]}
        if isinstance(value, list):
            return {"any_of": [str(item) for item in value]}
        if isinstance(value, dict):
            # Ids and years without quotation marks are numbers in YAML.
            listed = {key: value[key] for key in ("any_of", "none_of") if isinstance(value.get(key), list)}
            return value | {key: [str(item) for item in items] for key, items in listed.items()}
        return value

    @model_validator(mode="after")
    def _not_empty(self) -> Condition:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise InputError([Problem("", "an empty condition", "any_of, none_of, at_least or at_most")])
        return self


def number(word: str) -> float | None:
    """The number that a word of a condition is; None where it is none."""
    try:
        return float(word)
    except ValueError:
        return None


def undeclared(key: str, name: str, allowed: Iterable[str], what: str = "") -> Problem:
    """A name that is not among those allowed, with the nearest; `what` describes them where they are many."""
    options = list(allowed)
    close = difflib.get_close_matches(name, options, n=1)
    hint = f"did you mean {close[0]}?" if close else ""
    return Problem(
        key, name, what or ("one of " + ", ".join(options) if options else "none: nothing is declared"), hint
    )


def column_faults(key: str, names: Iterable[str]) -> list[Problem]:
    """Names that are no column of the raw tables."""
    return [
        undeclared(f"{key}.{name}", name, SELECTABLE, "a column of data/raw/README.md")
        for name in names
        if name not in SELECTABLE
    ]


def select_faults(select: Mapping[str, Condition]) -> list[Problem]:
    """Unknown columns, and ranges of columns that hold no numbers."""
    ranged = [name for name, c in select.items() if c.at_least is not None or c.at_most is not None]
    hint = "any_of and none_of name words"
    return (
        column_faults("select", select)
        + [
            Problem(f"select.{name}", "at_least or at_most", "a range needs a number column", hint)
            for name in ranged
            if name in SELECTABLE and (name not in BY_NAME or BY_NAME[name].kind not in NUMERIC_KINDS)
        ]
        + [
            Problem(f"select.{name}", word, "numbers, as the column holds them")
            for name, condition in select.items()
            if name in BY_NAME and BY_NAME[name].kind in NUMERIC_KINDS
            for word in (*(condition.any_of or ()), *(condition.none_of or ()))
            if number(word) is None
        ]
    )
