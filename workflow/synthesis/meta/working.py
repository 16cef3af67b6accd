"""One pooled estimate under several working models of dependence, each with the same cluster-robust interval.

Robust variance estimation needs no right working model: it needs one that is near enough. How much the estimate and
its interval move between models shows whether the choice matters. Hedges, Tipton & Johnson (2010), Res Synth Methods
1:39-65; Pustejovsky & Tipton (2022), Prev Sci 23:425-438.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.dependence import composites
from synthesis.meta.inputs import check_effects, check_level, check_rho, column, labels, number
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.robust import LEAST_DF, Robust, robust, too_few_df

WorkingName = Literal["independence", "correlated", "che", "three_level", "composites"]
RHOS = (0.0, 0.3, 0.5, 0.8)
_NO_SPREAD = "no interval: the effects have no spread around the model"


@dataclass(frozen=True, slots=True)
class WorkingModel:
    """The pool under one working model, in the units of yi; its interval by CR2 between samples.

    `model`: independence (all effects their own, one tau2), correlated (a variance between samples, sampling errors
    correlated `rho`; at 0 a random sample alone), che (a variance within samples, too), three_level (che at 0),
    composites (a mean of each sample at `rho`). `tau2` is the variance between, `omega2` within samples (None where
    the model has none). `se`, `p` and limits are None below 4 degrees of freedom and without spread; `note` says why.
    """

    model: WorkingName
    rho: float | None
    estimate: float
    se: float | None
    df: float
    p: float | None
    ci_low: float | None
    ci_high: float | None
    tau2: float
    omega2: float | None
    note: str = ""


def working_models(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable],
    *,
    rhos: Sequence[float] = RHOS,
    composite_rho: float = 0.6,
    level: float = 0.95,
) -> tuple[WorkingModel, ...]:
    """Effects (k,) of the samples `cluster` (k,) under independence, correlated effects and CHE at each of `rhos`, the
    three-level model and composites, all by REML with CR2 intervals of the confidence `level`.

    Raises InputError for bad effects and labels, a correlation outside 0 to 1 (1 itself only for composites), fewer
    than two samples, and where no sample repeats.
    """
    y, v = check_effects(yi, vi)
    check_level(level)
    check_rho(composite_rho, "composite_rho")
    named = labels("cluster", cluster, len(y))
    for rho in column("rhos", rhos, finite=False).tolist():
        number("rhos", rho, 0, np.nextafter(1, 0), allowed="correlations of at least 0 and below 1")
    if len(set(named)) == len(y):
        hint = "the working models are one where no sample has several effects"
        raise InputError([Problem("cluster", f"{len(y)} samples of {len(y)} effects", "samples that repeat", hint)])
    combined = composites(y, v, named, composite_rho)
    means = list(range(len(combined.yi)))
    return (
        _independence(y, v, named, level),
        *(_modelled("correlated", y, v, named, rho, level) for rho in rhos),
        *(_modelled("che", y, v, named, rho, level) for rho in rhos if rho > 0),
        _modelled("three_level", y, v, named, 0.0, level),
        _modelled("composites", combined.yi, combined.vi, means, composite_rho, level),
    )


def _independence(y: Array, v: Array, cluster: Sequence[Hashable], level: float) -> WorkingModel:
    """Every effect as a sample of its own, but in the test."""
    fitted = fit_multilevel(y, v, np.ones((len(y), 1)), range(len(y)), within=False)
    positions: dict[Hashable, list[int]] = {}
    for at, name in enumerate(cluster):
        positions.setdefault(name, []).append(at)
    members = list(positions.values())
    tested = robust(
        [y[at] - fitted.beta for at in members], fitted.beta, [np.ones((len(at), 1)) for at in members],
        [np.diag(v[at] + fitted.tau2) for at in members], level=level,
    )  # fmt: skip
    return _described("independence", None, float(fitted.beta[0]), tested, fitted.tau2, None)


def _modelled(
    model: WorkingName, y: Array, v: Array, cluster: Sequence[Hashable], rho: float, level: float
) -> WorkingModel:
    within = model in ("che", "three_level")
    errors = 0.0 if model == "composites" else rho
    fitted = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=errors, within=within)
    parts = fitted.blocks
    cut = parts.starts[1:]
    tested = robust(
        np.split(parts.y - parts.x @ fitted.beta, cut), fitted.beta, np.split(parts.x, cut),
        parts.marginal(fitted.tau2, fitted.omega2), level=level,
    )  # fmt: skip
    return _described(model, rho, float(fitted.beta[0]), tested, fitted.tau2, fitted.omega2 if within else None)


def _described(
    model: WorkingName, rho: float | None, estimate: float, tested: Robust, tau2: float, omega2: float | None
) -> WorkingModel:
    df = float(tested.df[0])
    note = too_few_df(df) if df < LEAST_DF else "" if tested.spread[0] else _NO_SPREAD
    inference: list[float | None] = [None] * 4
    if not note:
        inference = [float(part[0]) for part in (tested.se, tested.p, tested.ci_low, tested.ci_high)]
    se, p, low, high = inference
    return WorkingModel(model, rho, estimate, se, df, p, low, high, tau2, omega2, note)
