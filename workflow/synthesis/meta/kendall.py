"""Kendall's tau in O(k log k): discordant pairs are exchanges of a merge sort. Knight (1966), J Am Stat Assoc 61."""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.meta.kernel import Array

Counts = NDArray[np.int64]
# The exact distribution costs k^3 / 2 additions.
_LARGEST_EXACT = 500


def kendall(x: Array, y: Array, *, exact: bool) -> tuple[float, float]:
    """Kendall's tau-b of `x` and `y`, shape (k,), neither of them constant, and its two-sided p.

    `exact`: the distribution of all orders, Kendall (1970), Rank Correlation Methods, p. 68; only without ties. With
    ties, and from 501 values on, the normal one with the variance for ties (the same, p. 55).
    """
    k = len(x)
    order = np.lexsort((y, x))
    ranks = np.unique(y, return_inverse=True)[1][order]
    both = np.unique(np.column_stack([x, y]), axis=0, return_counts=True)[1]
    in_x, in_y = (np.unique(values, return_counts=True)[1] for values in (x, y))
    pairs = k * (k - 1) // 2
    tied_x, tied_y, tied_both = (int((counts * (counts - 1) // 2).sum()) for counts in (in_x, in_y, both))
    discordant = _exchanges(ranks.astype(np.int64))
    difference = pairs - tied_x - tied_y + tied_both - 2 * discordant
    tau = difference / math.sqrt(pairs - tied_x) / math.sqrt(pairs - tied_y)
    tau = min(1.0, max(-1.0, tau))
    if exact and k <= _LARGEST_EXACT:
        return tau, _exact_p(k, min(discordant, pairs - discordant))
    return tau, float(2 * scipy.special.ndtr(-abs(difference) / math.sqrt(_variance(k, in_x, in_y))))


def _exchanges(ranks: Counts) -> int:
    """Pairs in falling order, by merging blocks of doubling length, all blocks of one length at once."""
    k, exchanges, length = len(ranks), 0, 1
    step = int(ranks.max()) + 1
    values = ranks.copy()
    while length < k:
        block = np.arange(k) // (2 * length)
        # Block by block, and within a block by value: the left half comes first among equals.
        order = np.argsort(block * step + values, kind="stable")
        right = (order % (2 * length)) >= length
        before = np.cumsum(~right)
        left = np.bincount(block, weights=(np.arange(k) % (2 * length)) < length).astype(np.int64)
        ends = np.cumsum(left)[block]
        # Of each on the right, how many of the left half of its block come after it.
        exchanges += int((ends[right] - before[right]).sum())
        values = values[order]
        length *= 2
    return exchanges


def _exact_p(k: int, fewest: int) -> float:
    """Two-sided p of `fewest` discordant pairs of k values without ties: orders with at most so many, over k!."""
    pairs = k * (k - 1) // 2
    if 2 * fewest >= pairs:
        return 1.0
    shares = np.zeros(fewest + 1)
    shares[0] = 1.0
    for size in range(2, k + 1):
        sums = np.cumsum(shares)
        # The j-th value passes 0 to j - 1 others, each as likely.
        sums[size:] -= np.cumsum(shares)[:-size] if size <= fewest else 0.0
        shares = sums / size
    return float(min(1.0, 2 * shares.sum()))


def _variance(k: int, in_x: Counts, in_y: Counts) -> float:
    """Variance of concordant less discordant pairs under independence, with ties."""

    def sums(counts: Counts) -> tuple[float, float, float]:
        n = counts.astype(float)
        first, second = n * (n - 1), n * (n - 1) * (n - 2)
        return float(first.sum()), float(second.sum()), float((first * (2 * n + 5)).sum())

    (x1, x2, x5), (y1, y2, y5) = sums(in_x), sums(in_y)
    m = k * (k - 1.0)
    return (m * (2 * k + 5) - x5 - y5) / 18 + x1 * y1 / (2 * m) + (x2 * y2 / (9 * m * (k - 2)) if k > 2 else 0.0)
