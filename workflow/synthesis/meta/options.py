"""The closed sets of options of the statistics."""

from typing import Literal, get_args

Tau2Method = Literal["FE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "DL2", "HE2"]
CiMethod = Literal["wald", "wald_t", "hksj", "hksj_adhoc"]
# How effects that share a sample are treated; docs/defaults.md.
DependenceModel = Literal["composites", "che", "three_level"]


def terms(literal: object) -> tuple[str, ...]:
    """The allowed words of a Literal type, in their declared order."""
    return get_args(literal)
