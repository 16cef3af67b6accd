"""What a model document says of the dependence of its effects, as options of `pool` and as matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from synthesis.meta.kernel import Array
from synthesis.results.fitted import Correlations, Fitted, Study

# Where regressions and other models know samples that repeat, and no more than these.
NO_TEST = "no test: it knows effects that share a sample, but no dependence that is declared beside that"


class Dependence(TypedDict, total=False):
    """The options of `pool` that say more than which effects share a sample."""

    V: Array
    levels: dict[str, list[str]]
    crossed: dict[str, list[str]]


def declared(
    levels: Mapping[str, Sequence[str]], covariance: Array | None, crossed: Mapping[str, Sequence[str]]
) -> Dependence:
    """The options for labels of levels and of crossed random effects, and for a sampling covariance, where any are."""
    dependence = Dependence()
    if covariance is not None:
        dependence["V"] = covariance
    if levels:
        dependence["levels"] = {name: list(labels) for name, labels in levels.items()}
    if crossed:
        dependence["crossed"] = {name: list(labels) for name, labels in crossed.items()}
    return dependence


def dependence_of(studies: Sequence[Study]) -> Dependence:
    """The options for the effects of `studies`, sample by sample, as a document holds them."""
    names = studies[0].held_by if studies else {}
    levels = {name: [study.held_by[name] for study in studies for _ in study.members] for name in names}
    members = [member for study in studies for member in study.members]
    crossed = {name: [member.crossed[name] for member in members] for name in crossed_names(studies)}
    return declared(levels, _whole(studies) if any(study.sampling for study in studies) else None, crossed)


def crossed_names(studies: Sequence[Study]) -> list[str]:
    """The crossed random effects of a document."""
    return list(studies[0].members[0].crossed) if studies else []


def is_declared(studies: Sequence[Study]) -> bool:
    """Whether there is more dependence than samples that repeat."""
    return bool(crossed_names(studies)) or any(study.sampling or study.held_by for study in studies)


def _whole(studies: Sequence[Study]) -> Array:
    """The blocks of the samples in one matrix (k, k)."""
    sizes = np.cumsum([0, *(len(study.members) for study in studies)])
    matrix = np.zeros((sizes[-1], sizes[-1]))
    for start, end, study in zip(sizes[:-1], sizes[1:], studies, strict=True):
        matrix[start:end, start:end] = study.sampling
    return matrix


def in_words(correlations: Correlations) -> str:
    """Correlations of effects of a sample, as a sentence has them after `correlation`."""
    pairs = [f"{value:g} of the same {name.replace('_', ' ')}" for name, value in correlations.same.items()]
    words = ", ".join([*pairs, f"{correlations.rho:g} {'otherwise' if pairs else 'at one time'}"])
    return (
        f"{words}; times {correlations.phi:g} for each unit of {correlations.time.replace('_', ' ')} between"
        if correlations.time
        else words
    )


def of_mean(document: Fitted) -> str:
    """How the estimates of a sample are correlated where it counts as their mean."""
    if document.correlations is not None:
        return f"assumed correlation {in_words(document.correlations)}"
    return f"assumed correlation {document.fit.composite_rho or 0:g}"
