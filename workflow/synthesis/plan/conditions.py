"""Conditions on columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, ValidationInfo, model_validator

from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.model import YES_NO, Model
from synthesis.data.vocabulary import NumericModerator
from synthesis.errors import InputError, Problem
from synthesis.meta.options import terms

LONGEST_NAME = 60
COLUMN_ALLOWED = "a column of data/raw/README.md, or one that source.yaml declares"
SELECTABLE = frozenset(BY_NAME) | {"exactness"}
_NUMBERS = {name for name, column in BY_NAME.items() if column.kind in NUMERIC_KINDS} | {*terms(NumericModerator)}
_FINITE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# The user's columns with their kinds, number or text.
Own = Mapping[str, str]


class Condition(Model):
    """What a column must hold. A plain list in the config is short for `any_of`."""

    any_of: tuple[str, ...] | None = Field(None, description="Keep rows with one of these values.")
    none_of: tuple[str, ...] | None = Field(None, description="Drop rows with one of these values.")
    at_least: float | None = Field(None, description="Keep rows with at least this number.")
    at_most: float | None = Field(None, description="Keep rows with at most this number.")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        named = [value.get(key) for key in ("any_of", "none_of")] if isinstance(value, dict) else [value]
        items = [word for entry in named for word in (entry if isinstance(entry, list) else [entry])]
        if any(isinstance(word, bool) for word in items):
            raise InputError([Problem("", "true or false", "words and numbers", YES_NO)])
        if any(None in entry for entry in named if isinstance(entry, list)):
            raise InputError([Problem("", "nothing", "words and numbers", "YAML reads null and ~ as nothing")])
        if isinstance(value, str | int | float):
            return {"any_of": [str(value)]}
        if isinstance(value, list):
            return {"any_of": [str(word) for word in value]}
        if isinstance(value, dict):
            # Ids and years without quotation marks are numbers in YAML.
            listed = {key: value[key] for key in ("any_of", "none_of") if isinstance(value.get(key), list)}
            return value | {key: [str(word) for word in items] for key, items in listed.items()}
        return value

    @model_validator(mode="after")
    def _not_empty(self) -> Condition:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise InputError([Problem("", "an empty condition", "any_of, none_of, at_least or at_most")])
        return self


def number(word: str) -> float | None:
    """The number that a word of a condition is; None where it is none that a cell could hold."""
    return float(word) if _FINITE.fullmatch(word) else None


def own_kinds(info: ValidationInfo) -> dict[str, str]:
    """The kinds of the user's columns, as the plan that is being checked has them."""
    declared = info.context.get("own_columns") if isinstance(info.context, dict) else None
    if not isinstance(declared, dict):
        return {}
    return {name: str(column.get("kind")) for name, column in declared.items() if isinstance(column, dict)}


def is_number(column: str, declared: Own) -> bool:
    """Whether a column holds numbers: of the data dictionary, made from it, or the user's own."""
    return column in _NUMBERS or declared.get(column) == "number"


def word_column_faults(key: str, name: str, declared: Own) -> list[Problem]:
    """A name that is no column of words."""
    if name not in SELECTABLE and name not in declared:
        return [undeclared(key, name, (*SELECTABLE, *declared), COLUMN_ALLOWED)]
    return [Problem(key, name, "a column of words", "it holds numbers")] if is_number(name, declared) else []


def undeclared(key: str, name: str, allowed: Iterable[str], what: str = "") -> Problem:
    """A name that is not among those allowed, with the nearest; `what` describes them where they are many."""
    options = list(allowed)
    # A capital letter is a slip, too.
    as_said = {option.lower(): option for option in reversed(options)}
    close = difflib.get_close_matches(name.lower(), as_said, n=1)
    hint = f"did you mean {as_said[close[0]]}?" if close else ""
    return Problem(
        key, name, what or ("one of " + ", ".join(options) if options else "none: nothing is declared"), hint
    )


def column_faults(key: str, names: Iterable[str], declared: Own) -> list[Problem]:
    """Names that are no column of the raw tables."""
    return [
        undeclared(f"{key}.{name}", name, (*SELECTABLE, *declared), COLUMN_ALLOWED)
        for name in names
        if name not in SELECTABLE and name not in declared
    ]


def select_faults(select: Mapping[str, Condition], declared: Own) -> list[Problem]:
    """Unknown columns, and ranges of columns that hold no numbers."""
    ranged = [name for name, c in select.items() if c.at_least is not None or c.at_most is not None]
    hint = "any_of and none_of name words"
    return (
        column_faults("select", select, declared)
        + [
            Problem(f"select.{name}", "at_least or at_most", "a range needs a number column", hint)
            for name in ranged
            if (name in SELECTABLE or name in declared) and not is_number(name, declared)
        ]
        + [
            Problem(f"select.{name}", word, "numbers, as the column holds them")
            for name, condition in select.items()
            if (name in SELECTABLE or name in declared) and is_number(name, declared)
            for word in (*(condition.any_of or ()), *(condition.none_of or ()))
            if number(word) is None
        ]
    )
