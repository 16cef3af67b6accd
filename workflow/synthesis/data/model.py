"""The base of everything that is read from YAML."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LONGEST_NAME = 60
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=LONGEST_NAME)]


YES_NO = "yes, no, on and off are true and false in YAML: put the word in quotation marks"


class Model(BaseModel):
    """Immutable; unknown keys are refused."""

    # Validators are built when a model is first used: most jobs use few of them.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)
