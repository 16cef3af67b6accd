"""Permutation tests of a random-effects model. Follmann & Proschan (1999); Higgins & Thompson (2004)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_effects, check_options, whole
from synthesis.meta.kernel import Array, estimate_tau2, no_spread
from synthesis.meta.many import fit_rows, hksj_scale, ratio
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.meta.regression import Design, Moderator, check_range, matrix_of

# Statistics this close count as equal: a permutation that only relabels must not be lost to rounding.
_EQUAL = 1e-10
_ROWS = 4096
# Cells of arrangements x studies held at once, where these are many.
_CELLS = 1 << 19
# Slopes below this share of the largest effect per unit of the moderator are rounding.
_ZERO_SLOPE = 1e-12


@dataclass(frozen=True, slots=True)
class Permutation:
    """p per coefficient (`names`; the mean effect alone without moderators). `exact`: every arrangement was tried.

    `statistic` is the observed one, None where it is infinite because all effects are equal (a note says so; p is still
    the share of arrangements that are as extreme). `smallest` is the least p that the test of signs can give for these
    data, whatever the effect (None for shuffled moderators). A Monte Carlo p counts the observed arrangement:
    (1 + hits) / (1 + iterations).
    """

    names: tuple[str, ...]
    statistic: tuple[float | None, ...]
    p: tuple[float, ...]
    iterations: int
    exact: bool
    seed: int | None
    smallest: float | None = None
    notes: tuple[str, ...] = ()


def permutation_test(
    yi: ArrayLike,
    vi: ArrayLike,
    moderators: Design | Mapping[str, Moderator] | None = None,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    iterations: int = 10_000,
    seed: int = 0,
) -> Permutation:
    """Permutation test of `yi`, `vi`, shape (k,): signs are flipped, or with moderators their rows are shuffled.

    All 2^k (k!) arrangements are tried where they are at most `iterations`, otherwise `iterations` random ones drawn
    with `seed`. The test statistic is that of `ci`. With moderators p of the intercept is not defined and left out.
    Raises InputError for bad effects, options, and fewer than 1 iteration.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, 0.95)
    iterations, seed = whole("iterations", iterations, 1), whole("seed", seed, 0)
    if moderators is None:
        return _signs(y, v, tau2, ci, iterations, seed)
    matrix = matrix_of(moderators, len(y))
    return _shuffles(y, v, matrix, tau2, ci, iterations, seed)


def _signs(y: Array, v: Array, tau2: Tau2Method, ci: CiMethod, iterations: int, seed: int) -> Permutation:
    k = len(y)
    if k < 2:
        raise InputError([Problem("yi", "one effect", "at least two")])
    observed = float(fit_rows(y[None], v[None], tau2=tau2, ci=ci, equal="zero").statistic[0])
    exact = k < 63 and 2**k <= iterations
    total = 2**k if exact else iterations
    random = np.random.default_rng(seed)
    hits = 0
    step = max(1, min(_ROWS, _CELLS // k))
    for start in range(0, total, step):
        size = min(step, total - start)
        if exact:
            bits = (np.arange(start, start + size)[:, None] >> np.arange(k)) & 1
        else:
            bits = random.integers(0, 2, (size, k))
        rows = y * (1.0 - 2.0 * bits)
        fits = fit_rows(rows, np.broadcast_to(v, rows.shape), tau2=tau2, ci=ci, equal="zero")
        hits += int((np.abs(fits.statistic) >= abs(observed) - _EQUAL).sum())
    p = hits / total if exact else (1 + hits) / (1 + total)
    # The data as they are and all signs turned are always as extreme; an effect of 0 has no sign to turn.
    smallest = 2.0 / 2 ** max(1, int(np.count_nonzero(y))) if exact else 1 / (1 + total)
    return _permutation(("mean",), [observed], [p], total, exact, None if exact else seed, smallest)


def _permutation(
    names: tuple[str, ...],
    observed: list[float],
    p: list[float],
    iterations: int,
    exact: bool,
    seed: int | None,
    smallest: float | None = None,
) -> Permutation:
    finite = tuple(value if math.isfinite(value) else None for value in observed)
    notes = (
        ("the effects have no spread around the model: the observed statistic is infinite",) if None in finite else ()
    )
    return Permutation(names, finite, tuple(p), iterations, exact, seed, smallest, notes)


def _shuffles(
    y: Array, v: Array, matrix: Design, tau2: Tau2Method, ci: CiMethod, iterations: int, seed: int
) -> Permutation:
    check_range(v)
    k, p = matrix.x.shape
    exact = k <= 12 and math.factorial(k) <= iterations
    observed = _statistics(y, v, matrix.x[None], tau2, ci)[0]
    hits, total = np.zeros(p), 0
    for orders in _orders(k, iterations, exact, seed):
        statistic = _statistics(y, v, matrix.x[orders], tau2, ci)
        hits += (np.abs(statistic) >= np.abs(observed) - _EQUAL).sum(axis=0)
        total += len(orders)
    p_values = hits / total if exact else (1 + hits) / (1 + total)
    return _permutation(
        matrix.names[1:], observed[1:].tolist(), p_values[1:].tolist(), total, exact, None if exact else seed
    )


def _orders(k: int, iterations: int, exact: bool, seed: int) -> list[np.ndarray]:
    if exact:
        from itertools import permutations

        return [np.array(list(permutations(range(k))))]
    random = np.random.default_rng(seed)
    sizes = [min(_ROWS, iterations - start) for start in range(0, iterations, _ROWS)]
    return [random.permuted(np.tile(np.arange(k), (size, 1)), axis=1) for size in sizes]


def _statistics(y: Array, v: Array, x: Array, tau2: Tau2Method, ci: CiMethod) -> Array:
    """Test statistics (n, p) of the model with each of the designs `x`, shape (n, k, p)."""
    beta, covariance = fits_of_designs(y, v, x, tau2, ci)
    return ratio(beta, np.sqrt(np.einsum("npp->np", covariance)))


def fits_of_designs(y: Array, v: Array, x: Array, tau2: Tau2Method, ci: CiMethod) -> tuple[Array, Array]:
    """Coefficients (n, p) and their covariances (n, p, p) for tests, by each of the designs `x`, shape (n, k, p)."""
    n, k, p = x.shape
    rows = np.broadcast_to(y, (n, k)), np.broadcast_to(v, (n, k))
    w = 1 / (v + estimate_tau2(*rows, tau2, x)[:, None])
    root = np.sqrt(w)
    basis, triangle = np.linalg.qr(root[:, :, None] * x)
    inverse = np.linalg.inv(triangle)
    beta = np.einsum("npq,nkq,nk->np", inverse, basis, root * y)
    covariance = inverse @ inverse.transpose(0, 2, 1)
    if ci.startswith("hksj"):
        residual = y - np.einsum("nkp,np->nk", x, beta)
        rss = np.einsum("nk,nk,nk->n", w, residual, residual)
        flat = no_spread(rss, w, np.broadcast_to(y, (n, k)))
        covariance = covariance * hksj_scale(rss / (k - p), flat, ci, "zero")[:, None, None] ** 2
        # What is left of a slope of 0 on equal effects is rounding: 0/0 counts as 0, as in `pool_many`.
        scale = np.abs(y).max() / np.abs(x).max(axis=1)
        beta = np.where(flat[:, None] & (np.abs(beta) <= _ZERO_SLOPE * scale), 0.0, beta)
    return beta, covariance
