"""Conditions on columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, model_validator

from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.model import Model

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
        if isinstance(value, str | int | float):
            return {"any_of": [str(value)]}
        if isinstance(value, list):
            return {"any_of": [str(item) for item in value]}
        return value

    @model_validator(mode="after")
    def _not_empty(self) -> Condition:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("a condition names any_of, none_of, at_least or at_most")
        return self


def check_columns(names: Iterable[str]) -> None:
    """Raises ValueError for a name that is no column of the raw tables."""
    for name in names:
        if name not in SELECTABLE:
            close = difflib.get_close_matches(name, SELECTABLE, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name} is not a column of data/raw/README.md{hint}")


def check_select(select: Mapping[str, Condition]) -> None:
    """Raises ValueError for an unknown column, and for a range of a column that holds no numbers."""
    check_columns(select)
    for name, condition in select.items():
        ranged = condition.at_least is not None or condition.at_most is not None
        if ranged and (name not in BY_NAME or BY_NAME[name].kind not in NUMERIC_KINDS):
            raise ValueError(f"select.{name}: at_least and at_most need a number column")
