"""The second route: every fit again with PyMARE and statsmodels. The job fails when the routes part.

Both are imported here only; see docs/engines.md for what they are relied on for. Data are scaled by the median
variance first, because PyMARE's searches use absolute tolerances.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from synthesis.errors import Disagreement
from synthesis.meta.kernel import Array

COLUMNS = ("synthesis", "quantity", "route", "ours", "theirs", "difference", "tolerance", "agrees")
# Closed forms agree to rounding; PyMARE's likelihood search stops at about 1e-9 of its own scale, and tau2 near 0
# is compared with the typical variance instead of with itself.
CLOSED_FORM_RTOL = 1e-9
SEARCH_RTOL = 1e-5
# Q-profile limits come from root finders on both sides.
PROFILE_RTOL = 1e-6

_PYMARE = {"wald_t": "wald", "wald": "wald", "hksj": "knapp-hartung", "hksj_adhoc": "knapp-hartung-conservative"}
# Fitted by neither library: only the estimate has a second route; docs/validation.md has the rest.
MULTILEVEL = ("che", "three_level")
PYMARE_METHODS = ("FE", "DL", "HE", "ML", "REML")


def crosscheck(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Compares one model document with the second route: one row per quantity.

    Multilevel models: the estimate by statsmodels GLS given our variances. Others, PyMARE: tau2, estimate, SE, Q and
    Q-profile interval from the study rows alone, for the methods it has; statsmodels WLS: estimate and SE given
    our tau2, for all. Rows have keys synthesis, quantity, route, ours, theirs, difference, tolerance, agrees. Empty
    for a single sample.
    """
    studies = document["studies"]
    if len(studies) < 2:
        return []
    yi = np.array([s["yi"] for s in studies])
    vi = np.array([s["vi"] for s in studies])
    scale = float(np.median(vi))
    y, v = yi / np.sqrt(scale), vi / scale
    rows = []

    def compare(quantity: str, route: str, theirs: float, unit: float, rtol: float, floor: float = 0.0) -> None:
        ours = float(document[quantity]) / unit
        difference = abs(ours - theirs)
        tolerance = rtol * max(abs(ours), abs(theirs), floor)
        rows.append(
            {
                "synthesis": document["synthesis"],
                "quantity": quantity,
                "route": route,
                "ours": ours * unit,
                "theirs": theirs * unit,
                "difference": difference * unit,
                "tolerance": tolerance * unit,
                "agrees": bool(difference <= tolerance),
            }
        )

    if document["model"] in MULTILEVEL:
        compare("estimate", "statsmodels GLS", _generalised(document), 1.0, CLOSED_FORM_RTOL, floor=scale**0.5)
        return rows
    if document["method"] in PYMARE_METHODS:
        found = _pymare(y, v, document["method"], document["ci_method"], document["level"])
        # Scaled variances are about 1, and so is what tau2 and the estimate are measured against.
        compare("tau2", "PyMARE", found["tau2"], scale, SEARCH_RTOL, floor=1.0)
        compare("estimate", "PyMARE", found["estimate"], scale**0.5, SEARCH_RTOL, floor=1.0)
        compare("se", "PyMARE", found["se"], scale**0.5, SEARCH_RTOL, floor=1.0)
        compare("q", "PyMARE", found["q"], 1.0, CLOSED_FORM_RTOL, floor=1.0)
        if document["method"] != "FE":
            for name in ("tau2_ci_low", "tau2_ci_high"):
                compare(name, "PyMARE", found[name], scale, PROFILE_RTOL, floor=1.0)
    estimate, se = _statsmodels(y, v + (document["tau2"] or 0.0) / scale, document["ci_method"])
    compare("estimate", "statsmodels", estimate, scale**0.5, CLOSED_FORM_RTOL, floor=1.0)
    compare("se", "statsmodels", se, scale**0.5, CLOSED_FORM_RTOL, floor=1.0)
    return rows


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


def _statsmodels(y: Array, marginal: Array, ci: str) -> tuple[float, float]:
    import statsmodels.api as sm

    model = sm.WLS(y, np.ones(len(y)), weights=1 / marginal)
    wald = model.fit(cov_type="fixed scale")
    fit = model.fit() if ci.startswith("hksj") else wald
    se = float(fit.bse[0])
    if ci == "hksj_adhoc":
        se = max(se, float(wald.bse[0]))
    return float(fit.params[0]), se


def _generalised(document: dict[str, Any]) -> float:
    """The estimate by generalised least squares from all effects, given our variance components."""
    import statsmodels.api as sm

    members = [(i, m) for i, study in enumerate(document["studies"]) for m in study["members"]]
    sample = np.array([i for i, _ in members])
    y, v = np.array([m["yi"] for _, m in members]), np.array([m["vi"] for _, m in members])
    same = sample[:, None] == sample
    covariance = same * (document["rho"] * np.sqrt(np.outer(v, v)) + document["tau2"])
    np.fill_diagonal(covariance, v + document["tau2"] + document["omega2"])
    return float(sm.GLS(y, np.ones(len(y)), sigma=covariance).fit().params[0])


def crosscheck_all(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The comparison of every model, row by row. Raises Disagreement when any pair is too far apart."""
    rows = [row for document in documents for row in crosscheck(document)]
    apart = [
        f"  {r['synthesis']} {r['quantity']}: {r['ours']!r} here, {r['theirs']!r} by {r['route']}; "
        f"difference {r['difference']:.3g} above {r['tolerance']:.3g}"
        for r in rows
        if not r["agrees"]
    ]
    if apart:
        raise Disagreement("two routes to the same number differ:\n" + "\n".join(apart))
    return rows
