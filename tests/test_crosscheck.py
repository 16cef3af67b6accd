"""The second route, and canaries: faults of the libraries that our own code is there for."""

import dataclasses

import numpy as np
import pytest
import synthesis
from msgspec.structs import replace
from synthesis.errors import Disagreement
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.review.crosscheck import PYMARE_METHODS, by_libraries, by_matrices, checked
from typed import fitted


def crosscheck(made):
    return by_matrices(made) + by_libraries(made)


def document(yi, vi, **options):
    fit = synthesis.pool(yi, vi, **options)
    studies = [{"yi": y, "vi": v, "members": [{"yi": y, "vi": v}]} for y, v in zip(yi, vi, strict=True)]
    return fitted(fit.to_dict() | {"studies": studies})


def dependent(yi, vi, cluster, **options):
    """The document of effects that share samples."""
    fit = synthesis.pool(yi, vi, cluster=cluster, **options)
    members: dict = {}
    for y, v, sample in zip(yi, vi, cluster, strict=True):
        members.setdefault(sample, []).append({"yi": y, "vi": v})
    return fitted(fit.to_dict() | {"studies": [{"members": held} for held in members.values()]})


def changed(made, **numbers):
    return replace(made, fit=dataclasses.replace(made.fit, **numbers))


@pytest.mark.parametrize("method", terms(Tau2Method))
@pytest.mark.parametrize("ci", terms(CiMethod))
def test_both_routes_agree(metafor, method, ci):
    for name in ("colditz1994", "molloy2014", "normand1999"):
        rows = crosscheck(document(metafor[name]["yi"], metafor[name]["vi"], tau2=method, ci=ci))
        routes = {row.route for row in rows}
        assert routes == {"matrices", "statsmodels"} | ({"PyMARE"} if method in PYMARE_METHODS else set())
        assert {"tau2", "estimate", "se", "q"} <= {row.quantity for row in rows}
        assert ("df" in {row.quantity for row in rows}) == (ci != "wald")
        assert all(row.agrees for row in rows), [r for r in rows if not r.agrees]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_routes_agree_at_any_scale(metafor, scale):
    reference = metafor["colditz1994"]
    yi, vi = np.array(reference["yi"]) * scale, np.array(reference["vi"]) * scale**2
    assert all(row.agrees for row in crosscheck(document(yi, vi)))


@pytest.mark.parametrize("field", ["tau2", "estimate", "se", "df", "q"])
@pytest.mark.parametrize("route", [by_matrices, by_libraries])
def test_a_wrong_number_stops_the_job_and_is_named(metafor, field, route):
    wrong = document(metafor["colditz1994"]["yi"], metafor["colditz1994"]["vi"])
    wrong = changed(wrong, **{field: getattr(wrong.fit, field) * 1.001})
    with pytest.raises(Disagreement, match=f"x {field}: "):
        checked([wrong], by_matrices)


SIZES = [1, 3, 2, 4, 1, 5, 2, 3, 1, 2, 1, 1]
CLUSTER = [f"s{i}" for i, m in enumerate(SIZES) for _ in range(m)]
EFFECTS = np.random.default_rng(7).normal(np.repeat(np.random.default_rng(8).normal(0.3, 0.3, 12), SIZES), 0.3)
VARIANCES = np.random.default_rng(9).uniform(0.02, 0.2, len(CLUSTER))
# The same with variances between and within samples, without the one, the other, or any.
SPREADS = (EFFECTS, EFFECTS / 3, np.repeat(np.arange(12) / 6, SIZES) + 0.01 * EFFECTS, 0.1 + 0 * EFFECTS)


@pytest.mark.parametrize("y", SPREADS, ids=["both", "little", "between", "none"])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("model", ["che", "three_level", "composites"])
def test_dependent_effects_have_a_second_route_for_every_number(y, scale, model):
    rows = crosscheck(dependent(y * scale, VARIANCES * scale**2, CLUSTER, model=model, rho=0.6))
    expected = {"estimate", "se", "df", "tau2", "q"} | ({"omega2"} if model != "composites" else set())
    assert expected <= {row.quantity for row in rows}
    assert all(row.agrees for row in rows), [r for r in rows if not r.agrees]


@pytest.mark.parametrize("field", ["tau2", "omega2", "estimate", "se", "df", "q"])
def test_a_wrong_number_of_a_multilevel_model_stops_the_job(field):
    wrong = dependent(EFFECTS, VARIANCES, CLUSTER, model="che", rho=0.6)
    wrong = changed(wrong, **{field: getattr(wrong.fit, field) * 1.001 + 1e-4})
    with pytest.raises(Disagreement, match=f"x {field}: "):
        checked([wrong], by_matrices)


def test_a_wrong_interval_of_tau2_is_seen_by_pymare(metafor):
    wrong = document(metafor["colditz1994"]["yi"], metafor["colditz1994"]["vi"])
    wrong = changed(wrong, tau2_ci_high=wrong.fit.tau2_ci_high * 1.001)
    with pytest.raises(Disagreement, match="x tau2_ci_high: .* by PyMARE"):
        checked([wrong], by_libraries)


def test_a_wrong_rho_is_seen_in_composites_and_in_the_multilevel_model():
    for model in ("composites", "che"):
        wrong = changed(dependent(EFFECTS, VARIANCES, CLUSTER, model=model, rho=0.6), rho=0.5)
        with pytest.raises(Disagreement, match="x se: "):
            checked([wrong], by_matrices)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_a_variance_beyond_the_reach_of_pymare_does_not_stop_a_right_fit(escalc, method):
    ratios = escalc["colditz1994"]["escalc"]["RR"]
    v = np.array(ratios["vi"])
    v[3] = 1e6
    rows = crosscheck(document(np.array(ratios["yi"]), v, tau2=method))
    assert all(row.agrees for row in rows), [r for r in rows if not r.agrees]
    assert {row.route for row in rows if row.quantity == "tau2"} == {"matrices"}


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
