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
    if not inverse_variance and covariance is None:
        return Composites(
            tuple(members), *_plain(yi, vi, list(members.values()), rho), tuple(map(tuple, members.values()))
        )
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
    return Composites(
        tuple(members),
        np.array(means),
        np.array(variances),
        tuple(tuple(positions) for positions in members.values()),
    )


def _plain(yi: Array, vi: Array, members: list[list[int]], rho: float) -> tuple[Array, Array]:
    """Means and their variances (samples,): samples of one number of effects together."""
    means, variances = np.empty(len(members)), np.empty(len(members))
    counts = np.array([len(positions) for positions in members])
    for count in np.unique(counts).tolist():
        places = np.flatnonzero(counts == count)
        index = np.array([members[place] for place in places])
        v = vi[index]
        means[places] = yi[index].mean(axis=1)
        variance = v.sum(axis=1)
        total = np.array([root**2 for root in np.sqrt(v).sum(axis=1).tolist()])
        variances[places] = (variance + rho * (total - variance)) / count**2
    return means, variances
