"""Permutation test of a regression on several moderators, of its coefficients and of all together."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations as arrangements
from itertools import product

import numpy as np
from numpy.typing import NDArray

from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.meta.permutation import fits_of_designs

# Statistics this close count as equal, as in `permutation`.
_EQUAL = 1e-10
_ROWS = 1024
Orders = NDArray[np.intp]
# Coefficients (n, p) and covariances (n, p, p) for designs (n, k, p).
_Weigh = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """p per coefficient of `names` (without the intercept) and of all together (`p_all`), with the share of random
    arrangements that are as extreme, the observed one counted: (1 + hits) / (1 + iterations); `exact`: all were tried.

    `fixed`: samples whose number of effects no other sample has, so that they keep their moderators.
    """

    names: tuple[str, ...]
    p: tuple[float, ...]
    p_all: float
    iterations: int
    exact: bool
    seed: int | None
    fixed: int


def shuffle(
    y: Array,
    v: Array,
    x: Array,
    names: Sequence[str],
    cluster: Sequence[Hashable],
    tau2: Tau2Method,
    ci: CiMethod,
    rho: float,
    iterations: int,
    seed: int,
) -> Shuffled:
    """Shuffles the rows of the design `x` (k, p), its first column the intercept, over the effects `y` with variances
    `v`, shape (k,): all arrangements where they are at most `iterations`, else as many random ones from `seed`.

    Independent effects: Higgins & Thompson (2004), Stat Med 23:1663-1682, as metafor's `permutest`, each arrangement
    fitted anew with `tau2`, its statistics those of `ci`. Where samples have several effects, a sample keeps its rows
    together: samples exchange them with those of as many effects, and effects within their sample (exchangeability
    blocks: Winkler et al. 2015, NeuroImage 123:253-268). Their statistics take the weights of the model without
    moderators, with sampling correlation `rho`, which no arrangement changes.
    """
    blocks = _blocks(cluster)
    alone = all(len(block) == 1 for block in blocks)
    weigh = _weigh_anew(y, v, tau2, ci) if alone else _weigh_once(y, v, cluster, rho)
    observed = _statistics(*weigh(x[None]))[0]
    exact = _count(blocks) <= iterations
    hits, total = np.zeros(len(observed)), 0
    for orders in _all_orders(blocks) if exact else _random_orders(blocks, iterations, seed):
        statistic = _statistics(*weigh(x[orders]))
        hits += (statistic >= observed * (1 - _EQUAL) - _EQUAL).sum(axis=0)
        total += len(orders)
    p = hits / total if exact else (1 + hits) / (1 + total)
    sizes = [len(block) for block in blocks]
    return Shuffled(
        names=tuple(names[1:]),
        p=tuple(map(float, p[:-1])),
        p_all=float(p[-1]),
        iterations=total,
        exact=exact,
        seed=None if exact else seed,
        fixed=sum(sizes.count(size) == 1 for size in sizes),
    )


def _weigh_anew(y: Array, v: Array, tau2: Tau2Method, ci: CiMethod) -> _Weigh:
    return lambda x: fits_of_designs(y, v, x, tau2, ci)


def _weigh_once(y: Array, v: Array, cluster: Sequence[Hashable], rho: float) -> _Weigh:
    """Coefficients and covariances by the inverse covariance of the model without moderators, whatever the design."""
    empty = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=rho)
    weights = np.zeros((len(y), len(y)))
    places = np.split(empty.blocks.order, empty.blocks.starts[1:])
    for positions, block in zip(places, empty.blocks.marginal(empty.tau2, empty.omega2), strict=True):
        weights[np.ix_(positions, positions)] = np.linalg.inv(block)

    def weigh(x: Array) -> tuple[Array, Array]:
        weighted = weights @ x
        covariance = np.asarray(np.linalg.inv(x.transpose(0, 2, 1) @ weighted), dtype=float)
        return np.einsum("npq,nkq,k->np", covariance, weighted, y), covariance

    return weigh


def _statistics(beta: Array, covariance: Array) -> Array:
    """|t| of each slope, and the Wald statistic of all (n, p), of coefficients (n, p) with their covariances."""
    slopes, block = beta[:, 1:], covariance[:, 1:, 1:]
    se = np.sqrt(np.einsum("npp->np", block))
    with np.errstate(divide="ignore", invalid="ignore"):
        single = np.where(slopes == 0, 0.0, np.abs(slopes) / se)
        scaled = slopes / se
        alike = block / (se[:, :, None] * se[:, None, :])
    flat = ~np.isfinite(alike).all(axis=(1, 2))
    alike[flat], scaled[flat] = np.eye(slopes.shape[1]), single[flat]
    whole = np.einsum("np,np->n", scaled, np.linalg.solve(alike, scaled[:, :, None])[:, :, 0])
    return np.column_stack([single, whole])


def _blocks(cluster: Sequence[Hashable]) -> list[list[int]]:
    blocks: dict[Hashable, list[int]] = {}
    for i, sample in enumerate(cluster):
        blocks.setdefault(sample, []).append(i)
    return list(blocks.values())


def _by_size(blocks: list[list[int]]) -> list[Orders]:
    """The samples of each number of effects, as rows of effects."""
    return [np.array([b for b in blocks if len(b) == size], dtype=np.intp) for size in sorted({len(b) for b in blocks})]


def _count(blocks: list[list[int]]) -> int:
    return math.prod(
        math.factorial(len(alike)) * math.factorial(alike.shape[1]) ** len(alike) for alike in _by_size(blocks)
    )


def _random_orders(blocks: list[list[int]], iterations: int, seed: int) -> Iterator[Orders]:
    """Which row each effect takes: (n, k) at a time."""
    random, groups = np.random.default_rng(seed), _by_size(blocks)
    k = sum(len(block) for block in blocks)
    for start in range(0, iterations, _ROWS):
        orders = np.empty((min(_ROWS, iterations - start), k), dtype=np.intp)
        for alike in groups:
            samples, size = alike.shape
            whole = random.permuted(np.tile(np.arange(samples), (len(orders), 1)), axis=1)
            rows = alike[whole]
            if size > 1:
                rows = random.permuted(rows, axis=2)
            orders[:, alike.ravel()] = rows.reshape(len(orders), -1)
        yield orders


def _all_orders(blocks: list[list[int]]) -> Iterator[Orders]:
    """Every arrangement that keeps samples together, each once."""
    groups = _by_size(blocks)
    k = sum(len(block) for block in blocks)
    orders = [np.empty(k, dtype=np.intp)]
    for alike in groups:
        grown = []
        for whole in arrangements(range(len(alike))):
            insides = [list(arrangements(alike[j])) for j in whole]
            for chosen in _choices(insides):
                for order in orders:
                    new = order.copy()
                    new[alike.ravel()] = chosen
                    grown.append(new)
        orders = grown
    yield np.array(orders)


def _choices(insides: list[list[tuple[int, ...]]]) -> Iterator[list[int]]:
    for picked in product(*insides):
        yield [place for inside in picked for place in inside]
