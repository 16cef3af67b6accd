"""What a model document says of the dependence of its effects, as options of `pool` and as matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from synthesis.meta.kernel import Array
from synthesis.results.fitted import Correlations, Study

# Where regressions and other models know samples that repeat, and no more than these.
NO_TEST = "no test: it knows effects that share a sample, but no dependence that is declared beside that"


class Dependence(TypedDict, total=False):
    """The options of `pool` that say more than which effects share a sample."""

    V: Array
    levels: dict[str, list[str]]


def declared(levels: Mapping[str, Sequence[str]], covariance: Array | None) -> Dependence:
    """The options for labels of levels and for a sampling covariance, where there are any."""
    dependence = Dependence()
    if covariance is not None:
        dependence["V"] = covariance
    if levels:
        dependence["levels"] = {name: list(labels) for name, labels in levels.items()}
    return dependence


def dependence_of(studies: Sequence[Study]) -> Dependence:
    """The options for the effects of `studies`, sample by sample, as a document holds them."""
    names = studies[0].held_by if studies else {}
    levels = {name: [study.held_by[name] for study in studies for _ in study.members] for name in names}
    return declared(levels, _whole(studies) if any(study.sampling for study in studies) else None)


def is_declared(studies: Sequence[Study]) -> bool:
    """Whether there is more dependence than samples that repeat."""
    return any(study.sampling or study.held_by for study in studies)


def _whole(studies: Sequence[Study]) -> Array:
    """The blocks of the samples in one matrix (k, k)."""
    sizes = np.cumsum([0, *(len(study.members) for study in studies)])
    matrix = np.zeros((sizes[-1], sizes[-1]))
    for start, end, study in zip(sizes[:-1], sizes[1:], studies, strict=True):
        matrix[start:end, start:end] = study.sampling
    return matrix


def in_words(said: Correlations) -> str:
    """Correlations of effects of a sample, as a sentence has them after `correlation`."""
    pairs = [f"{value:g} of the same {name.replace('_', ' ')}" for name, value in said.same.items()]
    words = ", ".join([*pairs, f"{said.rho:g} {'otherwise' if pairs else 'at one time'}"])
    return f"{words}; times {said.phi:g} for each unit of {said.time.replace('_', ' ')} between" if said.time else words
