"""The bridge over two multiverses: analyses of the association beside analyses of the effect, evenly spaced by rank.

Each contrast is a decision of its own, and a non-equivalent one: they answer different questions and share no row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthesis.compare.conversions import CONTRASTS
from synthesis.data.vocabulary import contrast_name
from synthesis.meta.kernel import Array, to_sort_by
from synthesis.results.curves import MOST_PAIRED, PairRow
from synthesis.results.files import check_whole

_MARKS = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Ends:
    """The fitted analyses of one curve, arrays of shape (n,) sorted by estimate."""

    estimate: Array
    low: Array
    high: Array

    def of(self, convert: Callable[..., Any]) -> Ends:
        """The curve in other units, by an increasing function."""
        return Ends(*(np.asarray(convert(values)) for values in (self.estimate, self.low, self.high)))


def read_curves(path: Path) -> dict[tuple[str, str], Ends]:
    """The curves of a gathered multiverse by name and scope (`all`, `equivalent`); those without a fit are left out."""
    import pyarrow.parquet as pq

    check_whole(path)
    table = pq.read_table(path, columns=["curve", "kind", "estimate", "ci_low", "ci_high"])
    values = np.column_stack(
        [table[name].to_numpy(zero_copy_only=False).astype(float) for name in ("estimate", "ci_low", "ci_high")]
    )
    curve, kind = (np.array(table[name].to_pylist(), dtype=object) for name in ("curve", "kind"))
    fitted = np.isfinite(values[:, 0])
    curves = {}
    for name in dict.fromkeys(curve):
        for scope in ("all", "equivalent"):
            rows = values[fitted & (curve == name) & ((scope == "all") | (kind == scope))]
            if len(rows):
                curves[(str(name), scope)] = Ends(*rows[np.lexsort([to_sort_by(ends) for ends in rows.T[::-1]])].T)
    return curves


@dataclass(frozen=True, slots=True)
class Pair:
    """A bridge of the plan, the names of the multiverses of its two sides, and what the association is of."""

    bridge: str
    title: str
    association: str
    effect: str
    constructs: tuple[str, ...] = ()


def bridge_rows(
    pair: Pair, association: dict[tuple[str, str], Ends], effect: dict[tuple[str, str], Ends]
) -> Iterator[PairRow]:
    """A row per pair of curves, scope and contrast; of a curve with many analyses `MOST_PAIRED` stand for all.

    The interval of a difference is made of those of its two sides (MOVER; Zou & Donner 2008, eq. 4), which need not be
    symmetric. All pairs count alike, so that the variance of the difference is the sum of those of the two sides.
    """
    for (first, scope), of_r in association.items():
        for (second, also), of_g in effect.items():
            if scope != also:
                continue
            r, g = _spaced(of_r).of(np.tanh), _spaced(of_g)
            for key, to_d in CONTRASTS.items():
                yield _row(pair, (first, second, scope), key, (len(of_r.estimate), len(of_g.estimate)), r.of(to_d), g)


def _spaced(curve: Ends) -> Ends:
    count = len(curve.estimate)
    if count <= MOST_PAIRED:
        return curve
    places = np.round(np.linspace(0, count - 1, MOST_PAIRED)).astype(int)
    return Ends(curve.estimate[places], curve.low[places], curve.high[places])


def _row(pair: Pair, curves: tuple[str, str, str], contrast: str, counts: tuple[int, int], d: Ends, g: Ends) -> PairRow:
    difference = np.subtract.outer(d.estimate, g.estimate)
    below = np.add.outer((d.estimate - d.low) ** 2, (g.high - g.estimate) ** 2)
    above = np.add.outer((d.high - d.estimate) ** 2, (g.estimate - g.low) ** 2)
    for squared in (below, above):
        np.sqrt(squared, out=squared)
    pairs, larger = difference.size, np.count_nonzero(difference > 0)
    larger_beyond = np.count_nonzero(difference > below)
    smaller_beyond = np.count_nonzero(difference < np.negative(above, out=above))
    marks = np.percentile(difference, _MARKS, overwrite_input=True).tolist()
    spread = float(d.estimate.var()), float(g.estimate.var())
    total = math.fsum(spread)
    return PairRow(
        bridge=pair.bridge,
        title=pair.title,
        association=pair.association,
        effect=pair.effect,
        association_curve=curves[0],
        effect_curve=curves[1],
        scope=curves[2],
        contrast=contrast,
        quantity=f"difference, {contrast_name(contrast, pair.constructs)}",
        associations=counts[0],
        effects=counts[1],
        pairs=pairs,
        share_association_larger=larger / pairs,
        share_association_larger_significant=larger_beyond / pairs,
        share_effect_larger_significant=smaller_beyond / pairs,
        difference_5=marks[0],
        difference_25=marks[1],
        difference_median=marks[2],
        difference_75=marks[3],
        difference_95=marks[4],
        variance_share_association=spread[0] / total if total else None,
        variance_share_effect=spread[1] / total if total else None,
    )
