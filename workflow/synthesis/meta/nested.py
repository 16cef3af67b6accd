"""Levels within levels (papers, samples, effects) with any sampling covariance, by restricted maximum likelihood.

    y = X beta + sum over levels of Z_l u_l + e,   var u_l = variance_l I,   cov e = V.

Three levels: Konstantopoulos (2011), Res Synth Methods 2:61-76. Dense, by blocks of the top level; `multilevel.py` is
the fast way for samples with one correlation.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.components import Block, evaluate, maximise, profile_interval
from synthesis.meta.covariance import check_covariance
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import check_reach
from synthesis.meta.robust import Robust, robust


@dataclass(frozen=True, slots=True)
class Nested:
    """A fitted model in the units of yi. `variances`: one per level, the top one first, that of effects last.

    `beta` (p,), its model-based `covariance` (p, p), `tested` by CR2 clustered at the top level; `log_likelihood` is
    restricted; `q` the residual Q under sampling error alone, `typical` the variance that I2 sets the others against.
    `weights` (k,) in percent, of the effects as they were given: the rows of the inverse marginal covariance, added up.
    """

    beta: Array
    covariance: Array
    variances: tuple[float, ...]
    log_likelihood: float
    q: float
    typical: float
    tested: Robust
    weights: tuple[float, ...]


def fit_nested(
    yi: ArrayLike,
    vi: ArrayLike,
    levels: Sequence[Sequence[Hashable]],
    *,
    covariance: ArrayLike | None = None,
    x: Array | None = None,
    level: float = 0.95,
) -> Nested:
    """Fits nested levels above the effect. `levels`: the labels (k,) of each level, the top one first, as
    [paper, sample]; a sample is one within its paper. `covariance` (k, k) is the sampling one, 0 between members of the
    top level; diagonal `vi` if left out. `x` (k, p): a constant if left out.

    Raises InputError for labels of another length, a matrix that `check_covariance` refuses, effects too far apart for
    a likelihood, and no more members of the top level than coefficients.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if not levels or any(len(labels) != len(y) for labels in levels):
        counts = ", ".join(str(len(labels)) for labels in levels) or "none"
        raise InputError([Problem("levels", f"{counts} labels", f"one per effect, that is {len(y)}, for each level")])
    check_reach(y, v)
    sampling = np.diag(v) if covariance is None else check_covariance(covariance, v, levels[0])
    design = np.ones((len(y), 1)) if x is None else x
    unit = float(np.median(v))
    blocks = _blocks(y / math.sqrt(unit), sampling / unit, design, levels)
    theta = maximise(blocks)
    point, none = evaluate(blocks, theta), evaluate(blocks, np.zeros(len(theta)))
    marginal = [block.marginal(theta) for block in blocks]
    tested = robust(
        [math.sqrt(unit) * (b.y - b.x @ point.beta) for b in blocks], point.beta * math.sqrt(unit),
        [b.x for b in blocks], [m * unit for m in marginal], level=level,
    )  # fmt: skip
    k, p = design.shape
    weights = np.empty(k)
    for block, m in zip(blocks, marginal, strict=True):
        weights[list(block.at)] = np.linalg.solve(m, np.ones(len(m)))
    return Nested(
        beta=point.beta * math.sqrt(unit),
        covariance=point.covariance * unit,
        variances=tuple(float(t) * unit for t in theta),
        log_likelihood=point.value - 0.5 * (k - p) * math.log(unit),
        q=max(none.q, 0.0),
        typical=(k - p) / none.tr_p * unit,
        tested=tested,
        weights=tuple((100 * weights / weights.sum()).tolist()),
    )


def _blocks(y: Array, v: Array, x: Array, levels: Sequence[Sequence[Hashable]]) -> list[Block]:
    # A sample is one within its paper: the same name in two papers is two samples.
    inside = [list(zip(*levels[: depth + 1], strict=True)) for depth in range(len(levels))]
    positions: dict[Hashable, list[int]] = {}
    for i, name in enumerate(levels[0]):
        positions.setdefault(name, []).append(i)
    blocks = []
    for members in positions.values():
        shares = [np.array([[float(labels[i] == labels[j]) for j in members] for i in members]) for labels in inside]
        shares.append(np.eye(len(members)))
        blocks.append(Block(tuple(members), y[members], x[members], v[np.ix_(members, members)], np.array(shares)))
    return blocks


def nested_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    levels: Sequence[Sequence[Hashable]],
    fitted: Nested,
    component: int,
    *,
    covariance: ArrayLike | None = None,
    x: Array | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """Profile-likelihood interval of `fitted.variances[component]`, the others maximised anew each time.

    The other arguments are those of `fit_nested`, whose result `fitted` is.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    unit = float(np.median(v))
    sampling = np.diag(v) if covariance is None else check_covariance(covariance, v, levels[0])
    blocks = _blocks(y / math.sqrt(unit), sampling / unit, np.ones((len(y), 1)) if x is None else x, levels)
    low, high = profile_interval(blocks, np.array(fitted.variances) / unit, component, level)
    return low * unit, high * unit
