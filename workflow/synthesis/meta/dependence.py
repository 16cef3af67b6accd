"""Several effects of one sample: one composite effect per sample, with a declared correlation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_rho
from synthesis.meta.kernel import Array


@dataclass(frozen=True, slots=True)
class Composites:
    """One effect per sample. `members[i]` are the positions of the effects behind sample i."""

    samples: tuple[Hashable, ...]
    yi: Array
    vi: Array
    members: tuple[tuple[int, ...], ...]


def composites(
    yi: Array,
    vi: Array,
    cluster: Sequence[Hashable],
    rho: float,
    *,
    inverse_variance: bool = False,
    covariance: Array | None = None,
) -> Composites:
    """Mean effect per sample, in order of first appearance, with the variance of a mean of correlated effects.

    variance = (sum of vi + 2 rho sum over pairs of sqrt(vi vj)) / m^2; Borenstein et al. (2009), ch. 24. With
    `inverse_variance` the mean that is best for this correlation, by generalised least squares, as
    metafor::aggregate gives it; where variances differ it can weight an effect negatively, so it is not the default.
    `covariance` (k, k) is the sampling one in place of `rho`, for the plain mean.
    `yi`, `vi`, `cluster` have shape (k,); raises InputError for rho outside 0 to 1 (1 with inverse_variance).
    """
    if inverse_variance and rho == 1:
        raise InputError([Problem("rho", "1", "below 1 with inverse_variance")])
    check_rho(rho)
    members: dict[Hashable, list[int]] = {}
    for position, sample in enumerate(cluster):
        members.setdefault(sample, []).append(position)
    means, variances = [], []
    for positions in members.values():
        v = vi[positions]
        if inverse_variance:
            block = rho * np.sqrt(np.outer(v, v))
            np.fill_diagonal(block, v)
            weights = np.linalg.solve(block, np.ones(len(v)))
            means.append(float(weights @ yi[positions] / weights.sum()))
            variances.append(float(1 / weights.sum()))
            continue
        if covariance is not None:
            means.append(yi[positions].mean())
            variances.append(covariance[np.ix_(positions, positions)].sum() / len(positions) ** 2)
            continue
        variance_sum, total = v.sum(), np.sqrt(v).sum() ** 2
        means.append(yi[positions].mean())
        variances.append((variance_sum + rho * (total - variance_sum)) / len(positions) ** 2)
    return Composites(
        tuple(members),
        np.array(means),
        np.array(variances),
        tuple(tuple(positions) for positions in members.values()),
    )
