"""What a multiverse says: its curves, how far decisions move the estimate, and the test of each curve."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from synthesis.meta.kernel import Array, Index
from synthesis.meta.many import finite
from synthesis.multiverse.enumeration import MAIN_CURVE, Record, Unit
from synthesis.multiverse.fitting import RESULTS, factor_columns
from synthesis.multiverse.permute import SIGNIFICANT, CurveTest, permute_curves
from synthesis.results.files import check_whole

SUMMARY_COLUMNS = (
    "multiverse", "title", "curve", "scope", "crossing", "specifications", "fitted", "estimate_min", "estimate_5",
    "estimate_25", "estimate_median", "estimate_75", "estimate_95", "estimate_max", "share_positive_significant",
    "share_negative_significant", "shares_above", "variance_explained", "permuted", "permutations", "median_p",
    "share_significant_p", "stouffer_z", "stouffer_p",
)  # fmt: skip
DECISION_COLUMNS = (
    "multiverse", "curve", "factor", "decision", "variance_share", "option", "option_title", "kind", "specifications",
    "estimate_5", "estimate_median", "estimate_95",
)  # fmt: skip
# Specifications that figures draw, evenly spaced over the ranks of each curve: of all curves, and at least of each.
DRAWN, LEAST_DRAWN = 600, 150
# A share of variance below this is none.
_NOTHING = 1e-12


def summarise(head: Record, path: Path, units: Iterable[Unit], thresholds: list[Record]) -> Record:
    """The document of one multiverse from its gathered specifications. `thresholds`: key, label and value."""
    import pyarrow.parquet as pq

    factors = [*head["which"], *head["how"]]
    columns = factor_columns(head)
    check_whole(path)
    table = pq.read_table(path)
    curve, kind = (np.array(table[name].to_pylist(), dtype=object) for name in ("curve", "kind"))
    values = {name: np.array(table[name].to_numpy(zero_copy_only=False), dtype=float) for name in RESULTS}
    copies = table["copies"].to_numpy()
    spec = table["spec"].to_numpy()
    choices = np.column_stack([_numbers(f, table[c].to_pylist()) for f, c in zip(factors, columns, strict=True)])
    reasons = table["reason"].to_pylist()
    tests = permute_curves(head, units)
    curves = []
    names = list(dict.fromkeys(sorted(curve, key=lambda c: (c != MAIN_CURVE,))))
    most = max(LEAST_DRAWN, DRAWN // max(1, len(names)))
    for name in names:
        own = curve == name
        fitted = own & np.isfinite(values["estimate"])
        scopes = {
            "all": _scope(values, copies, own, fitted, thresholds),
            "equivalent": _scope(
                values, copies, own & (kind == "equivalent"), fitted & (kind == "equivalent"), thresholds
            ),
        }
        shares, total = variance_shares(values["estimate"][fitted], choices[fitted])
        curves.append(
            {
                "curve": name,
                "scopes": scopes,
                "variance_explained": total,
                "test": dataclasses.asdict(tests[name]) if name in tests else None,
                "decisions": _decisions(factors, choices[fitted], values["estimate"][fitted], shares),
                "drawn": _drawn(values, choices, spec, np.flatnonzero(fitted), most),
            }
        )
    not_fitted = {r: reasons.count(r) for r in sorted({r for r in reasons if r})}
    return {key: head[key] for key in _KEPT} | {
        "drawn": head["drawn"],
        "specifications": len(spec),
        "not_fitted": not_fitted,
        "thresholds": thresholds,
        "factors": factors,
        "curves": curves,
    }


_KEPT = ("multiverse", "title", "synthesis", "synthesis_title", "lane", "word", "metric", "level", "crossing", "seed")


def _numbers(factor: Record, names: list[str]) -> Array:
    place = {option["name"]: i for i, option in enumerate(factor["options"])}
    return np.array([place[name] for name in names])


_MARKS = {0: "min", 5: "5", 25: "25", 50: "median", 75: "75", 95: "95", 100: "max"}


def _scope(values: dict[str, Array], copies: Array, own: Array, fitted: Array, thresholds: list[Record]) -> Record:
    estimate, p = values["estimate"][fitted], values["p"][fitted]
    count = len(estimate)
    marks = np.percentile(estimate, list(_MARKS)).tolist() if count else [None] * len(_MARKS)
    significant = p < SIGNIFICANT
    return {
        "crossing": int(copies[own].sum()),
        "specifications": int(own.sum()),
        "fitted": count,
        **{f"estimate_{name}": mark for name, mark in zip(_MARKS.values(), marks, strict=True)},
        "share_positive_significant": float((significant & (estimate > 0)).mean()) if count else None,
        "share_negative_significant": float((significant & (estimate < 0)).mean()) if count else None,
        "shares_above": {
            t["key"]: float((estimate > t["value"]).mean()) for t in thresholds if t["value"] is not None and count
        },
    }


def variance_shares(estimate: Array, choices: Array) -> tuple[list[float], float]:
    """Share of the variance of the estimates that each decision explains, and what all explain together.

    Of the additive model with one effect per option: R2 averaged over all orders in which decisions enter (Lindeman,
    Merenda & Gold 1980; the Shapley value), so that the shares add up to the R2 of the whole. `choices` (n, factors)
    are option numbers; each distinct specification counts once.
    """
    factors = choices.shape[1]
    shares = [0.0] * factors
    if len(estimate) < 2 or np.ptp(estimate) == 0:
        return shares, 0.0
    y = estimate - estimate.mean()
    blocks = []
    for column in choices.T:
        levels = np.unique(column)[1:]
        dummies = (column[:, None] == levels).astype(float)
        blocks.append(dummies - dummies.mean(axis=0))
    used = [i for i in range(factors) if blocks[i].shape[1]]
    place: dict[int, list[int]] = {}
    start = 0
    for i in used:
        place[i] = list(range(start, start + blocks[i].shape[1]))
        start += blocks[i].shape[1]
    if not used:
        return shares, 0.0
    z = np.concatenate([blocks[i] for i in used], axis=1)
    gram, cross, total = z.T @ z, z.T @ y, float(y @ y)
    explained: dict[frozenset[int], float] = {frozenset(): 0.0}
    for size in range(1, len(used) + 1):
        for chosen in itertools.combinations(used, size):
            index = [j for i in chosen for j in place[i]]
            beta = np.linalg.lstsq(gram[np.ix_(index, index)], cross[index], rcond=1e-10)[0]
            explained[frozenset(chosen)] = float(beta @ cross[index]) / total
    count = len(used)
    for i in used:
        others = [j for j in used if j != i]
        for size in range(count):
            weight = 1 / (count * math.comb(count - 1, size))
            for chosen in itertools.combinations(others, size):
                before = frozenset(chosen)
                shares[i] += weight * (explained[before | {i}] - explained[before])
    return [share if abs(share) > _NOTHING else 0.0 for share in shares], explained[frozenset(used)]


def _decisions(factors: list[Record], choices: Array, estimate: Array, shares: list[float]) -> list[Record]:
    found = []
    for i, (factor, share) in enumerate(zip(factors, shares, strict=True)):
        if len(factor["options"]) == 1:
            continue
        options = []
        for number, option in enumerate(factor["options"]):
            own = estimate[choices[:, i] == number]
            low, middle, high = np.percentile(own, (5, 50, 95)) if len(own) else (None, None, None)
            options.append(
                option
                | {"specifications": len(own)}
                | {
                    f"estimate_{name}": None if value is None else float(value)
                    for name, value in (("5", low), ("median", middle), ("95", high))
                }
            )
        found.append({"factor": factor["name"], "title": factor["title"], "share": share, "options": options})
    return found


def _drawn(values: dict[str, Array], choices: Array, spec: Array, index: Index, most: int) -> list[Record]:
    """Evenly spaced specifications of the sorted curve, the first and the last among them."""
    order = index[np.lexsort((spec[index], values["estimate"][index]))]
    count = min(most, len(order))
    places = [round(i * (len(order) - 1) / max(1, count - 1)) for i in range(count)]
    return [
        {
            "rank": place,
            "spec": int(spec[order[place]]),
            **{name: finite(values[name][order[place]]) for name in ("estimate", "ci_low", "ci_high", "p")},
            "choice": [int(c) for c in choices[order[place]]],
        }
        for place in places
    ]


def tables(documents: list[Record]) -> tuple[list[Record], list[Record]]:
    """Rows of multiverse.csv and multiverse_decisions.csv."""
    rows, decisions = [], []
    for document in documents:
        for curve in document["curves"]:
            head = {"multiverse": document["multiverse"], "title": document["title"], "curve": curve["curve"]}
            for scope, found in curve["scopes"].items():
                rows.append(head | {"scope": scope} | _summary_row(curve, scope, found))
            for decision in curve["decisions"]:
                for option in decision["options"]:
                    if option["specifications"]:
                        decisions.append(_decision_row(head, decision, option))
    return rows, decisions


def _summary_row(curve: Record, scope: str, found: Record) -> Record:
    above = "; ".join(f"{key}: {share:.4f}" for key, share in found["shares_above"].items())
    test: Record = dict.fromkeys(f.name for f in dataclasses.fields(CurveTest))
    if scope == "all" and curve["test"]:
        test = curve["test"]
    return found | {
        "shares_above": above,
        "variance_explained": curve["variance_explained"] if scope == "all" else None,
        "permuted": test["specifications"],
        **{key: test[key] for key in ("permutations", "median_p", "share_significant_p", "stouffer_z", "stouffer_p")},
    }


def _decision_row(head: Record, decision: Record, option: Record) -> Record:
    taken: dict[str, Any] = {
        "factor": decision["factor"],
        "decision": decision["title"],
        "variance_share": decision["share"],
        "option": option["name"],
        "option_title": option["title"],
    }
    counted = {key: option[key] for key in ("kind", "specifications", *_PERCENTILES)}
    return {key: head[key] for key in ("multiverse", "curve")} | taken | counted


_PERCENTILES = ("estimate_5", "estimate_median", "estimate_95")
