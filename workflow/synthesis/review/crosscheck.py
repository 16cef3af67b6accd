"""The second route: every fit of several samples again. A job fails, and nothing is drawn, when the routes part.

Twice: `by_matrices` before a fit is written, with whole covariance matrices, projections and general optimisers in
the place of the closed sums and searches of the fit; `by_libraries` before the report, with PyMARE and statsmodels
(imported here only; docs/engines.md says what they are relied on for). Data are scaled by the median variance first,
because the searches use absolute tolerances.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from synthesis.errors import Disagreement
from synthesis.meta.kernel import Array
from synthesis.results.checks import CheckRow
from synthesis.results.fitted import Fitted
from synthesis.review.matrices import (
    Nested,
    cr2,
    generalised,
    model_based,
    nested,
    residual_q,
    sampling_by_rho,
    scaled,
    search,
    search_levels,
)

Route = Callable[[Fitted], list[CheckRow]]
# Closed forms agree to rounding; likelihood searches are compared to this share of the typical variance, because tau2
# near 0 is no scale of its own.
CLOSED_FORM_RTOL = 1e-9
SEARCH_RTOL = 1e-5
# Q-profile limits come from root finders on both sides.
PROFILE_RTOL = 1e-6
# Square roots and inverses of the covariance of a sample lose digits where its variances differ by many powers of ten.
ROBUST_RTOL = 1e-6

_PYMARE = {"wald_t": "wald", "wald": "wald", "hksj": "knapp-hartung", "hksj_adhoc": "knapp-hartung-conservative"}
# Fitted by neither library.
MULTILEVEL = ("che", "three_level")
PYMARE_METHODS = ("FE", "DL", "HE", "ML", "REML")
# PyMARE's likelihood search loses tau2 beside a variance far above the others (a canary in tests/test_crosscheck.py).
PYMARE_REACH = 1e4
MATRICES = "matrices"


class _Rows:
    """The comparisons of one document; numbers of its own that are None are not compared."""

    def __init__(self, document: Fitted) -> None:
        self.document, self.rows = document, list[CheckRow]()

    def compare(
        self,
        quantity: str,
        route: str,
        theirs: float,
        unit: float,
        rtol: float,
        floor: float = 1.0,
        ours: float | None = None,
    ) -> None:
        """Ours, in `unit`s, beside theirs; the tolerance is relative to the larger one or to `floor`."""
        value = getattr(self.document.fit, quantity) if ours is None else ours
        if value is None:
            return
        ours = float(value) / unit
        difference = abs(ours - theirs)
        tolerance = rtol * max(abs(ours), abs(theirs), floor)
        self.rows.append(
            CheckRow(
                synthesis=self.document.synthesis,
                quantity=quantity,
                route=route,
                ours=float(ours * unit),
                theirs=float(theirs * unit),
                difference=float(difference * unit),
                tolerance=float(tolerance * unit),
                agrees=bool(difference <= tolerance),
            )
        )


def by_matrices(document: Fitted) -> list[CheckRow]:
    """Compares one model document with its definition written out: tau2, omega2, estimate, SE, df and Q.

    tau2 and omega2 are found again from the effects; estimate, SE and df are those at our variances. Empty for a
    single sample.
    """
    if len(document.studies) < 2:
        return []
    rows = _Rows(document)
    if document.fit.model in MULTILEVEL:
        _check_multilevel(rows)
        return rows.rows
    yi, vi = _composites(document)
    scale = float(np.median(vi))
    y, v = yi / np.sqrt(scale), vi / scale
    rows.compare("tau2", MATRICES, tau2_by_matrices(y, v, document.fit.method), scale, SEARCH_RTOL)
    estimate, se = _mean_by_matrices(y, v + (document.fit.tau2 or 0.0) / scale, document.fit.ci_method)
    rows.compare("estimate", MATRICES, estimate, scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("se", MATRICES, se, scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("df", MATRICES, float(len(y) - 1), 1.0, CLOSED_FORM_RTOL)
    rows.compare("q", MATRICES, _quadratic(y, _projection(1 / v)), 1.0, CLOSED_FORM_RTOL)
    return rows.rows


def by_libraries(document: Fitted) -> list[CheckRow]:
    """Compares one model document with PyMARE and statsmodels, as far as these have its model.

    One effect per sample: tau2, estimate, SE, Q and Q-profile interval by PyMARE, for the methods it has; estimate, SE
    and df by statsmodels WLS given our tau2. Multilevel models: the estimate by statsmodels GLS given our variances.
    """
    if len(document.studies) < 2:
        return []
    rows = _Rows(document)
    if document.fit.model in MULTILEVEL:
        parts = nested(document) if document.fit.levels else scaled(document)
        marginal = parts.marginal(parts.variances) if isinstance(parts, Nested) else parts.marginal()
        rows.compare("estimate", "statsmodels", generalised(parts.y, marginal), parts.scale**0.5, CLOSED_FORM_RTOL)
        return rows.rows
    method, ci = document.fit.method, document.fit.ci_method
    yi, vi = _composites(document)
    scale = float(np.median(vi))
    y, v = yi / np.sqrt(scale), vi / scale
    if method in PYMARE_METHODS and (method not in ("ML", "REML") or v.max() <= PYMARE_REACH):
        library = _pymare(y, v, method, ci, document.fit.level)
        # Scaled variances are about 1, and so is what tau2 and the estimate are measured against.
        rows.compare("tau2", "PyMARE", library["tau2"], scale, SEARCH_RTOL)
        rows.compare("estimate", "PyMARE", library["estimate"], scale**0.5, SEARCH_RTOL)
        rows.compare("se", "PyMARE", library["se"], scale**0.5, SEARCH_RTOL)
        rows.compare("q", "PyMARE", library["q"], 1.0, CLOSED_FORM_RTOL)
        if method != "FE":
            for name in ("tau2_ci_low", "tau2_ci_high"):
                rows.compare(name, "PyMARE", library[name], scale, PROFILE_RTOL)
    estimate, se, df = _statsmodels(y, v + (document.fit.tau2 or 0.0) / scale, ci)
    rows.compare("estimate", "statsmodels", estimate, scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("se", "statsmodels", se, scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("df", "statsmodels", df, 1.0, CLOSED_FORM_RTOL)
    return rows.rows


def _composites(document: Fitted) -> tuple[Array, Array]:
    """Mean effect of each sample and its variance, 1'S1 / m^2 for the sampling covariance S."""
    y, v = [], []
    for study in document.studies:
        v_own = np.array([m.vi for m in study.members])
        s = np.array(study.sampling) if study.sampling else sampling_by_rho(v_own, document.fit.rho or 0.0)
        y.append(float(np.mean([m.yi for m in study.members])))
        v.append(float(s.sum()) / len(s) ** 2)
    return np.array(y), np.array(v)


def _pymare(y: Array, v: Array, method: str, ci: str, level: float) -> dict[str, float]:
    from pymare import Dataset
    from pymare.estimators import (
        DerSimonianLaird,
        Hedges,
        VarianceBasedLikelihoodEstimator,
        WeightedLeastSquares,
    )

    correction = {"small_sample_correction": _PYMARE[ci]}
    # A fresh estimator per fit: PyMARE's results change when one is used again.
    match method:
        case "FE":
            estimator = WeightedLeastSquares(tau2=0.0, **correction)
        case "DL":
            estimator = DerSimonianLaird(**correction)
        case "HE":
            estimator = Hedges(**correction)
        case _:
            estimator = VarianceBasedLikelihoodEstimator(method, xtol=1e-10, **correction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = estimator.fit_dataset(Dataset(y=y, v=v)).summary()
        fixed = summary.get_fe_stats(1 - level)
        heterogeneity = summary.get_heterogeneity_stats()
        random = summary.get_re_stats("QP", 1 - level)

    def number(value: Any) -> float:
        return float(np.ravel(value)[0])

    return {
        "tau2": number(summary.tau2),
        "estimate": number(fixed["est"]),
        "se": number(fixed["se"]),
        "q": number(heterogeneity["Q"]),
        "tau2_ci_low": number(random["ci_l"]),
        "tau2_ci_high": number(random["ci_u"]),
    }


def _statsmodels(y: Array, marginal: Array, ci: str) -> tuple[float, float, float]:
    import statsmodels.api as sm

    model = sm.WLS(y, np.ones(len(y)), weights=1 / marginal)
    wald = model.fit(cov_type="fixed scale")
    fit = model.fit() if ci.startswith("hksj") else wald
    se = float(fit.bse[0])
    if ci == "hksj_adhoc":
        se = max(se, float(wald.bse[0]))
    return float(fit.params[0]), se, float(fit.df_resid)


# --- written out with matrices ------------------------------------------------------------------------------------


def _projection(w: Array) -> Array:
    """P = W - W 1 (1'W1)^-1 1'W for diagonal W: what is left of y after its weighted mean, weighted."""
    return np.asarray(np.diag(w) - np.outer(w, w) / w.sum())


def _quadratic(y: Array, p: Array) -> float:
    """y'Py, which a shift of y does not change: taken where nothing cancels."""
    shifted = y - y.mean()
    return float(shifted @ p @ shifted)


def _mean_by_matrices(y: Array, marginal: Array, ci: str) -> tuple[float, float]:
    """Weighted mean by the normal equations, and its SE; Knapp & Hartung's factor is y'Py / (k - 1)."""
    x, w = np.ones((len(y), 1)), np.diag(1 / marginal)
    inverse = np.linalg.inv(x.T @ w @ x)
    factor = _quadratic(y, _projection(1 / marginal)) / (len(y) - 1) if ci.startswith("hksj") else 1.0
    if ci == "hksj_adhoc":
        factor = max(1.0, factor)
    return float((inverse @ x.T @ w @ y)[0]), math.sqrt(max(0.0, factor) * float(inverse[0, 0]))


def _q(y: Array, v: Array, tau2: float) -> float:
    """y'Py, by deviations from the weighted mean: Q at tau2."""
    w = 1 / (v + tau2)
    return float(np.sum(w * (y - np.average(y, weights=w)) ** 2))


def tau2_by_matrices(y: Array, v: Array, method: str) -> float:
    """tau2 of effects `y`, `v` (k,) from the definition of each estimator, by projection matrices and root finders.

    Viechtbauer (2005), J Educ Behav Stat 30:261-293, and the papers named in `kernel.estimate_tau2`.
    """
    k = len(y)

    def moment(weights: Array) -> float:
        p = _projection(weights)
        return max(0.0, float((y @ p @ y - np.trace(p * v)) / np.trace(p)))

    spread = float(np.var(y))
    match method:
        case "FE":
            return 0.0
        case "DL":
            return moment(1 / v)
        case "HE":
            return moment(np.ones(k))
        case "DL2":
            return moment(1 / (v + moment(1 / v)))
        case "HE2":
            return moment(1 / (v + moment(np.ones(k))))
        case "HS" | "HSk":
            factor = k / (k - 1) if method == "HSk" else 1.0
            return max(0.0, float((factor * _q(y, v, 0.0) - k) / np.sum(1 / v)))
        case "SJ":
            return spread * _q(y, v, spread) / (k - 1) if spread > 0 else 0.0
        case "EB" | "PM" | "PMM":
            return _root_of_q(y, v, k - 1.0 if method != "PMM" else _median(k - 1))
    return _most_likely(y, v, method == "REML")


def _median(df: int) -> float:
    from scipy.stats import chi2

    return float(chi2.median(df))


def _root_of_q(y: Array, v: Array, target: float) -> float:
    from scipy.optimize import brentq

    if _q(y, v, 0.0) <= target:
        return 0.0
    high = float(v.max() + np.var(y))
    while _q(y, v, high) > target:
        high *= 2
    return float(brentq(lambda t: _q(y, v, t) - target, 0.0, high, xtol=1e-14, rtol=1e-13))


def _most_likely(y: Array, v: Array, restricted: bool) -> float:
    """Maximum of the (restricted) likelihood: the best of a fine grid, then a bounded search around it."""
    from scipy.optimize import minimize_scalar

    def height(t: float) -> float:
        w = 1 / (v + t)
        value = float(np.sum(np.log(w)) - _q(y, v, t))
        return value - math.log(float(w.sum())) if restricted else value

    grid = np.concatenate([[0.0], np.geomspace(1e-6, 10.0, 400) * (float(np.var(y)) + float(v.min()))])
    best = int(np.argmax([height(t) for t in grid]))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    optimum = minimize_scalar(lambda t: -height(t), bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    return float(optimum.x) if height(float(optimum.x)) > height(0.0) else 0.0


# --- multilevel models ---------------------------------------------------------------------------------------------


def _check_multilevel(rows: _Rows) -> None:
    if rows.document.fit.levels:
        _check_levels(rows)
        return
    parts = scaled(rows.document)
    tau2, omega2 = search(parts)
    rows.compare("tau2", MATRICES, tau2, parts.scale, SEARCH_RTOL)
    rows.compare("omega2", MATRICES, omega2, parts.scale, SEARCH_RTOL)
    if rows.document.fit.ci_method == "cr2":
        estimate, se, df = cr2(parts.y, parts.marginal())
    else:
        # Effects without spread have no robust variance; theirs is the model's own.
        estimate, se, df = model_based(parts.y, parts.marginal())
    rows.compare("estimate", MATRICES, estimate, parts.scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("se", MATRICES, se, parts.scale**0.5, ROBUST_RTOL)
    rows.compare("df", MATRICES, df, 1.0, ROBUST_RTOL)
    rows.compare("q", MATRICES, residual_q(parts), 1.0, CLOSED_FORM_RTOL)


def _check_levels(rows: _Rows) -> None:
    """A model with levels above the sample, its variances level by level."""
    document, parts = rows.document, nested(rows.document)
    variances = search_levels(parts, document.fit.method == "REML")
    for level, variance in zip(document.fit.levels, variances, strict=True):
        name = f"variance of {level.level}"
        rows.compare(name, MATRICES, float(variance), parts.scale, SEARCH_RTOL, ours=level.variance)
    marginal = parts.marginal(parts.variances)
    robust = document.fit.ci_method == "cr2"
    groups = document.fit.independent
    estimate, se, df = cr2(parts.y, marginal) if robust else model_based(parts.y, marginal, groups)
    rows.compare("estimate", MATRICES, estimate, parts.scale**0.5, CLOSED_FORM_RTOL)
    rows.compare("se", MATRICES, se, parts.scale**0.5, ROBUST_RTOL)
    rows.compare("df", MATRICES, df, 1.0, ROBUST_RTOL)
    rows.compare("q", MATRICES, residual_q(scaled(document)), 1.0, CLOSED_FORM_RTOL)


def checked(documents: Iterable[Fitted], route: Route) -> dict[str, list[CheckRow]]:
    """The comparison of every model by `route`, by synthesis. Raises Disagreement when any pair is too far apart."""
    by_synthesis = {document.synthesis: route(document) for document in documents}
    apart = [
        f"  {r.synthesis} {r.quantity}: {r.ours!r} here, {r.theirs!r} by {r.route}; "
        f"difference {r.difference:.3g} above {r.tolerance:.3g}"
        for rows in by_synthesis.values()
        for r in rows
        if not r.agrees
    ]
    if apart:
        raise Disagreement("two routes to the same number differ:\n" + "\n".join(apart))
    return by_synthesis
