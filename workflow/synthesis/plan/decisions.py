"""The decisions of a multiverse: factors with declared, typed options. Nothing in them is evaluated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, model_validator

from synthesis.data.model import Model, Name
from synthesis.data.nulls import Nulls
from synthesis.data.vocabulary import BiasAdjustment, CorrelationMetric, OptionKind
from synthesis.errors import InputError, Problem
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method
from synthesis.plan.conditions import Condition, column_faults, own_kinds, select_faults

_KIND = (
    "equivalent: as good as the others; uncertain: perhaps; non_equivalent: another question, which gets a curve of "
    "its own"
)
# What an option can do beside its conditions.
TREATMENTS = ("nulls", "take", "prefer", "outliers")


class Option(Model):
    """One way to decide which effects count. Without a condition or treatment: as the synthesis has it."""

    title: str = Field("", description="Shown in tables and figures; its name where empty.")
    kind: OptionKind = Field(description=_KIND + ".")
    select: dict[str, Condition] = Field(
        default_factory=dict,
        description="Conditions by column; they replace those of the synthesis on the same columns.",
    )
    nulls: Nulls | None = Field(
        None,
        description="Samples that are reported without a number alone (lane A): none of them; those that are not "
        "significant as 0 (zero), or at the lower or upper edge of significance of their n; or, as a stress test, "
        "those as 0 and significant ones at r = 1.96 / sqrt(n) with their sign (imputed). None: as the synthesis.",
    )
    take: Literal["all", "first", "most_precise"] | None = Field(
        None, description="Effects of a sample: all of them, the first of the table, or the one of smallest variance."
    )
    prefer: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="By column: of each sample only the effects with the first of these values that it has, all where "
        "it has none.",
    )
    outliers: float | None = Field(
        None, gt=0, description="Leave out samples whose studentised deleted residual is larger than this."
    )

    @model_validator(mode="after")
    def _known_columns(self, info: ValidationInfo) -> Option:
        declared = own_kinds(info)
        if faults := select_faults(self.select, declared) + column_faults("prefer", self.prefer, declared):
            raise InputError(faults)
        return self


class Factor(Model):
    """A decision about which effects count, and its options."""

    title: str = Field("", description="Shown in tables and figures; its name where empty.")
    options: dict[str, Option] = Field(min_length=1, description="Options, by name.")


class How(Model):
    """Decisions about the fit: per decision each option with its kind. An empty one stays as the synthesis has it."""

    metric: dict[CorrelationMetric, OptionKind] = Field(
        default_factory=dict,
        description="Scales on which correlations are pooled (lane A); estimates are compared as Fisher z even so.",
    )
    tau2: dict[Tau2Method, OptionKind] = Field(default_factory=dict, description="Estimators of tau2.")
    ci: dict[CiMethod, OptionKind] = Field(default_factory=dict, description="Intervals.")
    rho: dict[Annotated[float, Field(ge=0, le=1)], OptionKind] = Field(
        default_factory=dict, description="Correlations assumed between effects of one sample."
    )
    model: dict[DependenceModel, OptionKind] = Field(
        default_factory=dict,
        description="Effects that share a sample; composites where empty. che and three_level take thousands of times "
        "longer, and their own interval (CR2).",
    )
    adjustment: dict[BiasAdjustment, OptionKind] = Field(
        default_factory=dict, description="Adjustments for small-study effects, of one value per sample."
    )


class Multiverse(Model):
    """Every defensible analysis of one synthesis."""

    title: str = Field(min_length=1, description="Shown in figures and tables.")
    synthesis: Name = Field(description="The synthesis that the options depart from.")
    which: dict[Name, Factor] = Field(
        default_factory=dict, max_length=9, description="Decisions about which effects count."
    )
    how: How = Field(default_factory=How, description="Decisions about the fit.")
    least_samples: int = Field(2, ge=2, description="With fewer samples a specification is kept, but not fitted.")
    max: int = Field(
        100_000, ge=1, description="Most specifications: of a larger crossing this many are drawn by the seed."
    )
    seed: int = Field(1, ge=0, description="Seed of the draw and of the sign flips.")
    shards: int = Field(2, ge=1, description="Jobs that share the fits; results do not depend on it.")
    permutations: int = Field(499, ge=99, le=1_000_000, description="Sign flips of the test of the curve.")
    permuted: int = Field(
        400, ge=1, description="Most specifications of a curve in that test, evenly spaced over the curve's list."
    )


def check_multiverse(where: str, plan: Multiverse, lane: str | None) -> list[Problem]:
    """Faults of a multiverse beside those of single keys."""
    faults = []
    if plan.how.metric and lane == "B":
        value, allowed = (
            ", ".join(plan.how.metric),
            "nothing: only correlations (lane A) are pooled on more than one scale",
        )
        faults.append(Problem(f"{where}.how.metric", value, allowed))
    columns: dict[str, str] = {}
    treatments: dict[str, str] = {}
    for name, factor in plan.which.items():
        place = f"{where}.which.{name}"
        if name in How.model_fields:
            faults.append(Problem(place, name, "another name", "the name is taken by a decision of how"))
        for column in sorted({column for option in factor.options.values() for column in option.select}):
            if columns.setdefault(column, name) != name:
                allowed = "a column that no other decision selects by"
                faults.append(Problem(place, column, allowed, f"{columns[column]} selects by it already"))
        used = {t for o in factor.options.values() for t in TREATMENTS if getattr(o, t) not in (None, {})}
        for treatment in sorted(used):
            if treatments.setdefault(treatment, name) != name:
                allowed = "a treatment that no other decision has"
                faults.append(Problem(place, treatment, allowed, f"{treatments[treatment]} decides on it already"))
        for key, option in factor.options.items():
            if option.nulls not in (None, "none") and lane == "B":
                key = f"{place}.options.{key}.nulls"
                faults.append(Problem(key, option.nulls, "none", "it is of lane A only"))
    return faults
