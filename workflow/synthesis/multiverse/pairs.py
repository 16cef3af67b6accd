"""The bridge over two multiverses: every analysis of the association beside every analysis of the effect.

Each contrast is a decision of its own, and a non-equivalent one: they answer different questions and share no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthesis.compare.conversions import CONTRASTS
from synthesis.data.vocabulary import CONTRAST_NAME
from synthesis.meta.kernel import Array
from synthesis.multiverse.enumeration import Record
from synthesis.results.files import check_whole

MULTIVERSE_BRIDGE_COLUMNS = (
    "bridge", "title", "association", "effect", "association_curve", "effect_curve", "scope", "contrast", "quantity",
    "associations", "effects", "pairs", "share_association_larger", "share_association_larger_significant",
    "share_effect_larger_significant", "difference_5", "difference_25", "difference_median", "difference_75",
    "difference_95", "variance_share_association", "variance_share_effect",
)  # fmt: skip
# Analyses of one side that are paired: of more than that, evenly spaced ones of the sorted curve.
MOST = 1000
_MARKS = {"5": 5, "25": 25, "median": 50, "75": 75, "95": 95}


@dataclass(frozen=True, slots=True)
class Curve:
    """The fitted analyses of one curve, arrays of shape (n,) sorted by estimate."""

    estimate: Array
    low: Array
    high: Array

    def of(self, convert: Callable[..., Any]) -> Curve:
        """The curve in other units, by an increasing function."""
        return Curve(*(np.asarray(convert(values)) for values in (self.estimate, self.low, self.high)))


def read_curves(path: Path) -> dict[tuple[str, str], Curve]:
    """The curves of a gathered multiverse by name and scope (`all`, `equivalent`); those without a fit are left out."""
    import pyarrow.parquet as pq

    check_whole(path)
    table = pq.read_table(path, columns=["curve", "kind", "estimate", "ci_low", "ci_high"])
    values = np.column_stack(
        [table[name].to_numpy(zero_copy_only=False).astype(float) for name in ("estimate", "ci_low", "ci_high")]
    )
    curve, kind = (np.array(table[name].to_pylist(), dtype=object) for name in ("curve", "kind"))
    fitted = np.isfinite(values[:, 0])
    found = {}
    for name in dict.fromkeys(curve):
        for scope in ("all", "equivalent"):
            held = values[fitted & (curve == name) & ((scope == "all") | (kind == scope))]
            if len(held):
                found[(str(name), scope)] = Curve(*held[np.lexsort(held.T[::-1])].T)
    return found


def bridge_rows(
    head: Record, association: dict[tuple[str, str], Curve], effect: dict[tuple[str, str], Curve]
) -> Iterator[Record]:
    """A row per pair of curves, scope and contrast. `head`: bridge, title and the names of both multiverses.

    The interval of a difference is made of those of its two sides (MOVER; Zou & Donner 2008, eq. 4), which need not be
    symmetric. All pairs count alike, so that the variance of the difference is the sum of those of the two sides.
    """
    for (first, scope), of_r in association.items():
        for (second, also), g in effect.items():
            if scope != also:
                continue
            named = {"association_curve": first, "effect_curve": second, "scope": scope}
            counts = {"associations": len(of_r.estimate), "effects": len(g.estimate)}
            r, other = _spaced(of_r).of(np.tanh), _spaced(g)
            for key, to_d in CONTRASTS.items():
                quantity = f"difference, {CONTRAST_NAME[key]}"
                yield head | named | {"contrast": key, "quantity": quantity} | counts | _pairs(r.of(to_d), other)


def _spaced(curve: Curve) -> Curve:
    count = len(curve.estimate)
    if count <= MOST:
        return curve
    places = np.round(np.linspace(0, count - 1, MOST)).astype(int)
    return Curve(curve.estimate[places], curve.low[places], curve.high[places])


def _pairs(d: Curve, g: Curve) -> Record:
    difference = np.subtract.outer(d.estimate, g.estimate)
    below = np.sqrt(np.add.outer((d.estimate - d.low) ** 2, (g.high - g.estimate) ** 2))
    above = np.sqrt(np.add.outer((d.high - d.estimate) ** 2, (g.estimate - g.low) ** 2))
    marks = np.percentile(difference, list(_MARKS.values())).tolist()
    spread = float(d.estimate.var()), float(g.estimate.var())
    total = sum(spread)
    return {
        "pairs": difference.size,
        "share_association_larger": float((difference > 0).mean()),
        "share_association_larger_significant": float((difference - below > 0).mean()),
        "share_effect_larger_significant": float((difference + above < 0).mean()),
        **{f"difference_{name}": mark for name, mark in zip(_MARKS, marks, strict=True)},
        "variance_share_association": spread[0] / total if total else None,
        "variance_share_effect": spread[1] / total if total else None,
    }
