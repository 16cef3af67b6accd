"""What the plan says of regressions on several moderators together, and the checks of their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pydantic import Field

from synthesis.data.model import Model, Name
from synthesis.errors import InputError, Problem
from synthesis.meta.formula import Formula, parse_formula
from synthesis.plan.conditions import undeclared


class JointModel(Model):
    """A meta-regression on several moderators together."""

    formula: str = Field(
        min_length=1,
        description="Columns or groupings in R's notation, such as rater + log(weeks) * format: + adds, : interacts, a "
        "* b is a + b + a:b. Of numbers log, log2, log10, sqrt, center, scale, poly(year, 2), and between(weeks) + "
        "within(weeks), the mean of a sample and what is left of it.",
    )
    reference: dict[Name, str] = Field(
        default_factory=dict, description="The level that others are compared with, by factor; else the first by name."
    )
    means: tuple[str, ...] = Field(
        (),
        description="Factors, or combinations such as rater:format, whose marginal means are estimated: other factors "
        "averaged, each level counting the same, numbers at their mean.",
    )
    predict: tuple[dict[Name, float | str], ...] = Field(
        (), description="Values at which the mean and a new sample's effect are predicted, such as {year: 2020}."
    )
    permutations: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Most arrangements of the permutation test, by diagnostics.seed; 0: no such test.",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns and groupings of its formula."""
        return parse_formula(self.formula).columns


def joint_faults(
    where: str, model: JointModel, known: Collection[str], is_number: Callable[[str], bool], allowed: str
) -> Iterator[Problem]:
    """Names of a joint model at the key `where` that are no columns, or none of the right kind."""
    try:
        formula = parse_formula(model.formula)
    except InputError as error:
        yield from (Problem(f"{where}.formula", p.value, p.allowed, p.hint) for p in error.problems)
        return
    unknown = [name for name in formula.columns if name not in known]
    yield from (undeclared(f"{where}.formula", name, known, allowed) for name in unknown)
    for name in formula.numeric:
        if name not in unknown and not is_number(name):
            yield Problem(f"{where}.formula", name, "a column of numbers in a function", "it holds words")
    yield from _asked_faults(where, model, formula, is_number)


def _asked_faults(
    where: str, model: JointModel, formula: Formula, is_number: Callable[[str], bool]
) -> Iterator[Problem]:
    """What is asked of a model beside its coefficients."""
    factors = [name for name in formula.columns if not is_number(name)]
    for name in model.reference:
        if name not in factors:
            yield undeclared(f"{where}.reference.{name}", name, factors)
    for label in model.means:
        for name in label.split(":"):
            if name.strip() not in factors:
                yield undeclared(f"{where}.means", name.strip(), factors)
    for number, point in enumerate(model.predict):
        for name, value in point.items():
            place = f"{where}.predict.{number}.{name}"
            if name not in formula.columns:
                yield undeclared(place, name, formula.columns)
            elif isinstance(value, str) == is_number(name):
                kind = "a number" if is_number(name) else "a word"
                yield Problem(place, str(value), kind, "put a word that is a number in quotation marks")
