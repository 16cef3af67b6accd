"""The curve under the sharp null: would data without any effect give such a curve? Simonsohn et al. (2020).

If no sample has an effect, the sign of its estimates is chance. Each permutation turns the signs of whole samples, the
same ones in every specification, and all specifications are fitted again. Specifications with a bias adjustment or a
multilevel model are left out: the test is of the curve of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy

from synthesis.meta.kernel import Array
from synthesis.meta.subsets import flip_tests
from synthesis.multiverse.enumeration import Unit, curve_name
from synthesis.multiverse.fitting import Fitter
from synthesis.results.curves import CurveTest, Head

SIGNIFICANT = 0.05
# Statistics this close count as equal.
_EQUAL = 1e-10


def permute_curves(head: Head, units: Iterable[Unit]) -> dict[str, CurveTest]:
    """The test of each curve; curves without a specification that can be permuted are left out."""
    fitter = Fitter(head)
    eligible: dict[str, list[tuple[Unit, int]]] = {}
    for unit in units:
        models = fitter.models[unit.samples < len(unit.rows)]
        for how in sorted(unit.models):
            model = models[how]
            if not unit.reason and model.adjustment == "none" and model.dependence in ("independent", "composites"):
                eligible.setdefault(curve_name(unit.curve, fitter.curves[how]), []).append((unit, how))
    samples = list(dict.fromkeys(row.sample_id for row in head.effects))
    draws = np.random.default_rng(head.seed).integers(0, 2, (head.permutations, len(samples)))
    # The first row is the data as they are.
    signs = np.vstack([np.ones(len(samples)), 2.0 * draws - 1])
    place = {sample: i for i, sample in enumerate(samples)}
    return {
        curve: _test(fitter, _spaced(specifications, head.permuted), signs, place)
        for curve, specifications in eligible.items()
    }


def _spaced(items: list[Any], most: int) -> list[Any]:
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


def _test(fitter: Fitter, specifications: list[tuple[Unit, int]], signs: Array, place: dict[str, int]) -> CurveTest:
    estimates = np.empty((len(signs), len(specifications)))
    z = np.empty_like(estimates)
    column = 0
    for unit, group in _grouped(fitter, specifications):
        for (tau2, rho, metric), intervals in group.items():
            y, v, samples = fitter.rows_of(unit, rho, metric)
            sample_signs = signs[:, [place[s] for s in samples]]
            for estimate, p in flip_tests(y, v, sample_signs, tau2=tau2, intervals=intervals):
                # A mean of correlations is within -1 and 1.
                estimates[:, column] = np.arctanh(estimate) if metric == "r" else estimate
                z[:, column] = -scipy.special.ndtri(np.maximum(p, 1e-300) / 2) * np.sign(estimate)
                column += 1
    border = -float(scipy.special.ndtri(SIGNIFICANT / 2))
    median = np.median(estimates, axis=1)
    share = np.maximum((z > border).mean(axis=1), (z < -border).mean(axis=1))
    stouffer = z.sum(axis=1) / math.sqrt(len(specifications))
    return CurveTest(
        specifications=len(specifications),
        permutations=len(signs) - 1,
        median=float(median[0]),
        median_p=_p(np.abs(median)),
        share_significant=float(share[0]),
        share_significant_p=_p(share),
        stouffer_z=float(stouffer[0]),
        stouffer_p=_p(np.abs(stouffer)),
    )


def _grouped(
    fitter: Fitter, specifications: list[tuple[Unit, int]]
) -> list[tuple[Unit, dict[tuple[Any, float | None, str], list[Any]]]]:
    """Per unit the intervals asked for, by estimator and rho."""
    groups: dict[int, tuple[Unit, dict[tuple[Any, float | None, str], list[Any]]]] = {}
    for unit, how in specifications:
        model = fitter.models[unit.samples < len(unit.rows)][how]
        groups.setdefault(unit.number, (unit, {}))[1].setdefault((model.tau2, model.rho, model.metric), []).append(
            model.ci
        )
    return list(groups.values())


def _p(statistic: Array) -> float:
    """Share of arrangements, the observed one (first) among them, that are as extreme as it."""
    return float((statistic >= statistic[0] - _EQUAL).mean())
