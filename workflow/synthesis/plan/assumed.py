"""What the converters of printed statistics assume."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, model_validator

from synthesis.data.model import Model, Name
from synthesis.data.registry import Policy, SharedControl
from synthesis.errors import InputError, Problem
from synthesis.plan.conditions import own_kinds, undeclared


class Conversions(Model):
    """Decisions that converters need."""

    zero_cells: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Added to all four cells of a 2x2 table with an empty cell; 0 refuses such tables.",
    )

    odds_ratio: Literal["woolf", "peto"] = Field(
        "woolf", description="Log odds ratio of a 2x2 table: woolf (ln of ad/bc), or peto (one step; for rare events)."
    )
    pre_post_r: float | None = Field(
        None,
        gt=-1,
        lt=1,
        description="Correlation of baseline and outcome assumed where pre_post_r is empty; without it such rows are "
        "dropped.",
    )
    reliability_process: float | None = Field(
        None, gt=0, le=1, description="Reliability of the process rating assumed where reliability_process is empty."
    )
    reliability_outcome: float | None = Field(
        None, gt=0, le=1, description="Reliability of the outcome assumed where reliability_outcome is empty."
    )
    shared_control: SharedControl = Field(
        "combine",
        description="Rows that name one control_group for one outcome: combine makes one comparison of their treatment "
        "arms; covariance keeps each as an effect, with the sampling covariance that the control arm brings.",
    )

    cluster_size_treat: Name | None = Field(
        None,
        description="Column of one's own with the mean number of patients of a therapist or group, of trials in which "
        "the treated arm alone has any; rows without it have none. Their g and its variance are corrected.",
    )
    icc_treat: Annotated[float, Field(ge=0, lt=1)] | Name | None = Field(
        None,
        description="Intraclass correlation of patients of a therapist or group: a number, or a column of one's own.",
    )

    @property
    def policy(self) -> Policy:
        """What the converters take."""
        return Policy(**self.model_dump())

    @model_validator(mode="after")
    def _clusters_are_known(self, info: ValidationInfo) -> Conversions:
        declared, faults = own_kinds(info), list[Problem]()
        given = {"cluster_size_treat": self.cluster_size_treat, "icc_treat": self.icc_treat}
        for name, value in given.items():
            if isinstance(value, str) and declared.get(value) != "number":
                numbers = [column for column, kind in declared.items() if kind == "number"]
                faults.append(undeclared(name, value, numbers, "a column of numbers that source.yaml declares"))
        lacking = [name for name, value in given.items() if value is None]
        if len(lacking) == 1:
            faults.append(Problem(lacking[0], "missing", "cluster_size_treat and icc_treat together"))
        if faults:
            raise InputError(faults)
        return self

    @model_validator(mode="after")
    def _of_some_size(self) -> Conversions:
        if 0 < self.zero_cells < 0.001:
            raise ValueError(f"zero_cells {self.zero_cells:g}: 0, or 0.001 to 1; the usual correction is 0.5")
        return self
