"""Graphical display of heterogeneity (GOSH): a fit of every subset of studies. Olkin, Dahabreh & Trikalinos (2012)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_effects, check_options, whole
from synthesis.meta.kernel import Array
from synthesis.meta.options import Tau2Method
from synthesis.meta.subsets import CELLS, pool_subsets

# All subsets up to this many studies: 32,767 of them.
EXHAUSTIVE_UP_TO = 15
# A subset is a number of this many bits.
MOST_STUDIES = 62
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Gosh:
    """One entry per subset, arrays of shape (n,), in the units of yi; `i2` in percent.

    Bit i of `mask` says whether the subset holds study i; `k` counts its studies. A subset of one study is the study:
    tau2, Q and I2 are 0, H2 is 1.
    """

    mask: NDArray[np.int64]
    k: Array
    estimate: Array
    tau2: Array
    i2: Array
    q: Array
    h2: Array


def gosh(
    yi: ArrayLike,
    vi: ArrayLike,
    tau2: Tau2Method = "REML",
    *,
    exhaustive_up_to: int = EXHAUSTIVE_UP_TO,
    subsets: int = 1_000_000,
    seed: int = 1,
    threads: int = 1,
) -> Gosh:
    """Fits the subsets of `yi`, `vi`, shape (k,): all 2^k - 1 up to `exhaustive_up_to` studies, else `subsets` of them.

    Those are drawn without replacement, each non-empty subset as likely as another; the seed decides which. The result
    does not depend on `threads`. For more subsets than memory holds, take `gosh_batches`.
    Raises InputError for bad effects, for more than 62 studies, and for an unknown estimator.
    """
    parts = list(
        gosh_batches(
            yi, vi, tau2, exhaustive_up_to=exhaustive_up_to, subsets=subsets, seed=seed, threads=threads
        )
    )  # fmt: skip
    return Gosh(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Gosh)))


@dataclass(frozen=True, slots=True)
class GoshMap:
    """Where the subsets of two studies or more lie, and what each study does to them.

    `with_estimate` and the others, shape (k,): means over the subsets that hold a study, and over those that do not.
    `leading`: the study whose presence moves the estimate most. `cells`: column, row, and how many subsets with and
    without that study lie there, on a grid over `estimates` (columns) and I2 from 0 to 100 (rows).
    """

    subsets: int
    possible: int
    seed: int | None
    estimate: float
    i2: float
    with_estimate: Array
    without_estimate: Array
    with_i2: Array
    without_i2: Array
    leading: int
    estimates: tuple[float, float]
    columns: int
    rows: int
    cells: tuple[tuple[int, int, int, int], ...]


def gosh_map(
    yi: ArrayLike,
    vi: ArrayLike,
    tau2: Tau2Method = "REML",
    *,
    subsets: int = 10_000,
    seed: int = 1,
    columns: int = 48,
    rows: int = 24,
) -> GoshMap:
    """The subsets of three studies or more as counts on a grid; all of them, or `subsets` drawn where there are more.

    Raises InputError for fewer than three studies or more than 62, and for bad effects.
    """
    y, v = check_effects(yi, vi)
    k = len(y)
    if k < 3:
        raise InputError([Problem("yi", f"{k} effects", "at least 3", "the subsets of two are the two studies")])
    every = (1 << k) - 1
    draw = every > subsets
    subset_fits = gosh(y, v, tau2, exhaustive_up_to=0 if draw else k, subsets=subsets, seed=seed)
    kept = subset_fits.k >= 2
    membership = members(subset_fits.mask[kept], k)
    estimate, i2 = subset_fits.estimate[kept], subset_fits.i2[kept]
    whole = pool_subsets(y, v, np.ones((1, k)), tau2=tau2, ci="wald")
    count = membership.sum(axis=0)
    # A study that all subsets hold, or none: there is nothing to compare it with.
    with np.errstate(invalid="ignore"):
        inside = [membership.T @ values / count for values in (estimate, i2)]
        outside = [(values.sum() - membership.T @ values) / (len(membership) - count) for values in (estimate, i2)]
    leading = int(np.nanargmax(np.abs(inside[0] - outside[0])))
    low, high = float(estimate.min()), float(estimate.max())
    across = _places((estimate - low) / ((high - low) or 1.0), columns)
    up = _places(i2 / 100, rows)
    counts = np.zeros((columns, rows, 2), dtype=np.int64)
    np.add.at(counts, (across, up, 1 - membership[:, leading].astype(int)), 1)
    cells = tuple(
        (int(c), int(r), int(counts[c, r, 0]), int(counts[c, r, 1])) for c, r in np.argwhere(counts.any(axis=2))
    )
    return GoshMap(
        len(membership), every - k, seed if draw else None, float(whole.estimate[0]), float(whole.i2[0]),
        inside[0], outside[0], inside[1], outside[1], leading, (low, high), columns, rows, cells,
    )  # fmt: skip


def _places(shares: Array, count: int) -> NDArray[np.int64]:
    return np.minimum((shares * count).astype(np.int64), count - 1)


def gosh_batches(
    yi: ArrayLike,
    vi: ArrayLike,
    tau2: Tau2Method = "REML",
    *,
    exhaustive_up_to: int = EXHAUSTIVE_UP_TO,
    subsets: int = 1_000_000,
    seed: int = 1,
    threads: int = 1,
) -> Iterator[Gosh]:
    """The same, batch by batch: memory is bounded by the batch, however many subsets there are."""
    y, v = check_effects(yi, vi)
    check_options(tau2, "wald", 0.95)
    k = len(y)
    if k > MOST_STUDIES:
        raise InputError([Problem("yi", f"{k} effects", f"at most {MOST_STUDIES}")])
    whole("exhaustive_up_to", exhaustive_up_to, 0, MOST_STUDIES)
    whole("subsets", subsets, 1)
    whole("seed", seed, 0)
    whole("threads", threads, 1)
    # Checked at the call, not when the first batch is asked for.
    return _batches(y, v, tau2, exhaustive_up_to, subsets, seed, threads)


def _batches(
    y: Array, v: Array, tau2: Tau2Method, exhaustive_up_to: int, subsets: int, seed: int, threads: int
) -> Iterator[Gosh]:
    k = len(y)
    every = (1 << k) - 1
    draw = k > exhaustive_up_to and subsets < every
    total = subsets if draw else every
    size = max(1, CELLS // k)

    def fitted(start: int) -> Gosh:
        numbers = np.arange(start, min(start + size, total), dtype=np.int64) + 1
        mask = scattered(numbers, k, seed) if draw else numbers
        membership = members(mask, k)
        fits = pool_subsets(y, v, membership, tau2=tau2, ci="wald")
        return Gosh(mask, fits.count, fits.estimate, fits.tau2, fits.i2, fits.q, fits.h2)

    starts = iter(range(0, total, size))
    if threads == 1:
        yield from map(fitted, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        # Few batches ahead: the reader may be slower than the fits.
        waiting = [pool.submit(fitted, start) for start in islice(starts, 2 * threads)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(fitted, start) for start in islice(starts, 1)]


def members(mask: NDArray[np.int64], k: int) -> Array:
    """The subsets as rows of 0 and 1, shape (n, k)."""
    octets = np.ascontiguousarray(mask, dtype="<i8").view(np.uint8).reshape(len(mask), 8)
    return np.unpackbits(octets, axis=1, count=k, bitorder="little").astype(float)


def scattered(numbers: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int64]:
    """Numbers 1 to 2^k - 1, each put somewhere else among them: a sample without replacement, from any place on.

    A bijection of k bits (odd multipliers and shifts, which are undone in turn) keyed by the seed; 0 goes to 0.
    """
    random = np.random.default_rng(seed)
    bits = np.uint64((1 << k) - 1)
    x = numbers.astype(np.uint64)
    for _ in range(_ROUNDS):
        odd = np.uint64(int(random.integers(1 << 62)) | 1)
        x = (x * odd) & bits
        x ^= x >> np.uint64(max(1, k // 2))
    return x.astype(np.int64)
