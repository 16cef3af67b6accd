"""The second route, and canaries: faults of the libraries that our own code is there for."""

import numpy as np
import pytest
import synthesis
from synthesis.errors import Disagreement
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.review.crosscheck import PYMARE_METHODS, crosscheck, crosscheck_all


def document(yi, vi, **options):
    fit = synthesis.pool(yi, vi, **options)
    studies = [{"yi": y, "vi": v, "members": [{"yi": y, "vi": v}]} for y, v in zip(yi, vi, strict=True)]
    return fit.to_dict() | {"synthesis": "x", "studies": studies}


@pytest.mark.parametrize("method", terms(Tau2Method))
@pytest.mark.parametrize("ci", terms(CiMethod))
def test_both_routes_agree(metafor, method, ci):
    for name in ("colditz1994", "molloy2014", "normand1999"):
        rows = crosscheck(document(metafor[name]["yi"], metafor[name]["vi"], tau2=method, ci=ci))
        routes = {row["route"] for row in rows}
        assert routes == ({"PyMARE", "statsmodels"} if method in PYMARE_METHODS else {"statsmodels"})
        assert all(row["agrees"] for row in rows), [r for r in rows if not r["agrees"]]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_routes_agree_at_any_scale(metafor, scale):
    reference = metafor["colditz1994"]
    yi, vi = np.array(reference["yi"]) * scale, np.array(reference["vi"]) * scale**2
    assert all(row["agrees"] for row in crosscheck(document(yi, vi)))


@pytest.mark.parametrize("field", ["tau2", "estimate", "se", "q", "tau2_ci_high"])
def test_a_wrong_number_stops_the_job_and_is_named(metafor, field):
    wrong = document(metafor["colditz1994"]["yi"], metafor["colditz1994"]["vi"])
    wrong[field] *= 1.001
    with pytest.raises(Disagreement, match=f"x {field}: "):
        crosscheck_all([wrong])


def test_a_single_sample_has_nothing_to_compare():
    assert crosscheck(document([0.3], [0.1])) == []


def test_canary_pymare_loses_tau2_beside_a_huge_variance(escalc):
    """When this fails, PyMARE has mended it and `docs/engines.md` can say so."""
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    ratios = escalc["colditz1994"]["escalc"]["RR"]
    y, v = np.array(ratios["yi"]), np.array(ratios["vi"])
    v[3] = 1e10
    fitted = VarianceBasedLikelihoodEstimator("REML").fit(y=y, v=v, X=np.ones((13, 1)))
    assert float(np.ravel(fitted.params_["tau2"])[0]) == pytest.approx(0, abs=1e-9)
    assert synthesis.pool(y, v).tau2 > 0.2


def test_canary_statsmodels_returns_a_negative_tau2():
    from statsmodels.stats.meta_analysis import combine_effects

    y, v = np.array([0.1, 0.11, 0.12, 0.1, 0.09]), np.full(5, 0.1)
    assert combine_effects(y, v, method_re="dl").tau2 < 0
    assert synthesis.pool(y, v, tau2="DL").tau2 == 0
