"""Random effects that are not nested in each other, as of samples and of instruments, by ML or REML.

    y = mu + sum over factors of Z_f u_f + w + e,   var u_f = variance_f I,   var w = omega2,   cov e = V.

metafor's rma.mv(yi, V, random = list(~ 1 | instrument, ~ 1 | sample / effect)). Cluster-robust tests need groups that
are independent of each other, which crossed factors leave none of: tests are the model's own, by t with the fewest
members of a factor less one df (metafor's dfs = "contain").
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from synthesis.errors import InputError, Problem
from synthesis.meta.components import Block, evaluate, maximise, profile_interval
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import check_reach


@dataclass(frozen=True, slots=True)
class Crossed:
    """A fitted model in the units of yi. `variances`: one per factor in their order, then that of effects.

    `variance` is the model's own of `estimate`; `q` the residual Q under sampling error alone, `typical` the variance
    that I2 sets the others against; `weights` (k,): rows of the inverse marginal covariance, added up.
    """

    estimate: float
    variance: float
    variances: tuple[float, ...]
    intervals: tuple[tuple[float | None, float | None], ...]
    log_likelihood: float
    q: float
    typical: float
    weights: Array


def fit_crossed(
    y: Array,
    v: Array,
    factors: Sequence[Sequence[Hashable]],
    covariance: Array,
    *,
    restricted: bool = True,
    level: float | None = 0.95,
) -> Crossed:
    """Fits a variance for each of the `factors`, labels (k,) each, and one for effects; `y`, `v` (k,).

    `covariance` (k, k) is the sampling one. `level` is that of profile-likelihood intervals; None leaves them out.
    Raises InputError for effects too far apart for a likelihood.
    """
    check_reach(y, v)
    unit = float(np.median(v))
    blocks = _blocks(y / math.sqrt(unit), covariance / unit, factors)
    theta = maximise(blocks, restricted)
    point, none = evaluate(blocks, theta, restricted), evaluate(blocks, np.zeros(len(theta)))
    weights = np.empty(len(y))
    for block in blocks:
        weights[list(block.at)] = np.linalg.solve(block.marginal(theta), np.ones(len(block.at)))
    intervals: list[tuple[float | None, float | None]] = [(None, None)] * len(theta)
    if level is not None:
        limits = [profile_interval(blocks, theta, at, level, restricted) for at in range(len(theta))]
        intervals = [(low * unit, high * unit) for low, high in limits]
    free = len(y) - 1 if restricted else len(y)
    return Crossed(
        estimate=float(point.beta[0]) * math.sqrt(unit),
        variance=float(point.covariance[0, 0]) * unit,
        variances=tuple(float(t) * unit for t in theta),
        intervals=tuple(intervals),
        log_likelihood=point.value - 0.5 * free * math.log(unit),
        q=max(none.q, 0.0),
        typical=(len(y) - 1) / none.tr_p * unit,
        weights=weights,
    )


def check_crossed(names: Sequence[str], factors: Sequence[Sequence[Hashable]]) -> None:
    """Raises InputError for a factor with one member, with one for each effect, and two that are the same groups."""
    problems, seen = [], dict[tuple[int, ...], str]()
    for name, given in zip(names, factors, strict=True):
        codes: dict[Hashable, int] = {}
        groups = tuple(codes.setdefault(label, len(codes)) for label in given)
        if len(codes) == 1:
            hint = f"one {name} says nothing about the spread between them"
            problems.append(Problem(f"crossed {name}", f"one {name}", "at least two", hint))
        elif len(codes) == len(given):
            hint = "its variance could not be told from that of effects"
            problems.append(Problem(f"crossed {name}", f"a {name} for each effect", "some that share one", hint))
        elif groups in seen:
            hint = "their variances could not be told apart"
            problems.append(Problem(f"crossed {name}", f"the same groups as {seen[groups]}", "other groups", hint))
        seen.setdefault(groups, name)
    if problems:
        raise InputError(problems)


def _blocks(y: Array, v: Array, factors: Sequence[Sequence[Hashable]]) -> list[Block]:
    """Effects that share a member of any factor, however many steps away, in one block."""
    shared = np.array([_alike(given) for given in factors])
    linked = shared.any(axis=0) | (v != 0)
    left, blocks = np.ones(len(y), dtype=bool), []
    while left.any():
        members = np.zeros(len(y), dtype=bool)
        members[np.flatnonzero(left)[0]] = True
        while (wider := linked[members].any(axis=0)).sum() > members.sum():
            members = wider
        at = np.flatnonzero(members)
        inside = np.ix_(at, at)
        levels = np.array([*(matrix[inside] for matrix in shared), np.eye(len(at))], dtype=float)
        blocks.append(Block(tuple(at.tolist()), y[at], np.ones((len(at), 1)), v[inside], levels))
        left &= ~members
    return blocks


def _alike(given: Sequence[Hashable]) -> Array:
    codes = {label: code for code, label in enumerate(dict.fromkeys(given))}
    member = np.array([codes[label] for label in given])
    return np.asarray(member[:, None] == member)
