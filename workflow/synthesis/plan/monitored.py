"""What the plan says of monitoring a living review, and of correcting correlations for unreliability."""

from __future__ import annotations

from pydantic import Field, model_validator

from synthesis.data.model import Model
from synthesis.errors import InputError, Problem
from synthesis.meta.options import Spending


class Monitored(Model):
    """A synthesis that is monitored sequentially: a look for each year, with boundaries by alpha spending."""

    smallest_effect: str = Field(
        description="effect_id of the row that holds the smallest effect that matters: the information that is "
        "required is what finds it."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Two-sided type I error of all looks together.")
    power: float = Field(0.8, gt=0.5, lt=1, description="Power for the smallest effect.")
    spending: Spending = Field(
        "obrien_fleming", description="How early the type I error is spent: obrien_fleming late, pocock evenly."
    )
    diversity: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="D2, the share of heterogeneity in the variance of the pool that is expected; where it is missing, "
        "that of all samples so far.",
    )


class ReliabilityOf(Model):
    """The reliabilities of a measure, as a source prints them: mean and SD, or the values."""

    mean: float | None = Field(None, gt=0, le=1, description="Mean reliability.")
    sd: float = Field(0.0, ge=0, lt=0.5, description="SD of the reliabilities.")
    values: tuple[float, ...] = Field((), description="The reliabilities themselves, instead of mean and SD.")
    source: str = Field(min_length=1, description="Where they are printed: citation with table or page.")

    @model_validator(mode="after")
    def _one_of_both(self) -> ReliabilityOf:
        if (self.mean is None) == (not self.values):
            given = "neither mean nor values" if self.mean is None else "mean and values"
            raise InputError([Problem("", given, "either mean (with sd) or values")])
        if bad := [value for value in self.values if not 0 < value <= 1]:
            raise InputError([Problem("values", f"{bad[0]:g}", "reliabilities above 0 and at most 1")])
        return self


class Psychometrics(Model):
    """Artefact distributions (Hunter & Schmidt 2004): the correlation corrected for unreliability, beside the raw one.

    A measure that is left out here has the reliabilities that the synthesis' own rows print.
    """

    reliability_process: ReliabilityOf | None = Field(None, description="Of the process rating.")
    reliability_outcome: ReliabilityOf | None = Field(None, description="Of the outcome.")
    credibility: float = Field(0.8, gt=0, lt=1, description="Share of true correlations in the credibility interval.")
