"""The closed sets of options of the statistics."""

from typing import Literal, get_args

Tau2Method = Literal["FE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "DL2", "HE2"]
CiMethod = Literal["wald", "wald_t", "hksj", "hksj_adhoc"]
# How effects that share a sample are treated; docs/defaults.md.
DependenceModel = Literal["composites", "che", "three_level"]
# How the type I error of a living review is spent on its looks.
Spending = Literal["obrien_fleming", "pocock"]


def terms(literal: object) -> tuple[str, ...]:
    """The allowed words of a Literal type, in their declared order."""
    return get_args(literal)


def named_tau2(word: str) -> Tau2Method:
    """The estimator of that name, for words that were read. Raises ValueError for another."""
    for method in get_args(Tau2Method):
        if method == word:
            return method  # type: ignore[no-any-return]
    raise ValueError(word)


def named_ci(word: str) -> CiMethod:
    """The interval of that name, for words that were read. Raises ValueError for another."""
    for method in get_args(CiMethod):
        if method == word:
            return method  # type: ignore[no-any-return]
    raise ValueError(word)


def named_model(word: str) -> DependenceModel:
    """How a fit treats effects that share a sample, for words that were read: composites where none does."""
    for model in get_args(DependenceModel):
        if model == word:
            return model  # type: ignore[no-any-return]
    return "composites"
