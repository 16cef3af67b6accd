"""Dependent effects: laws of the multilevel model and of cluster-robust tests, and what is refused."""

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.errors import InputError
from synthesis.meta.dependence import composites
from synthesis.meta.dependent import robust_regress
from synthesis.meta.multilevel import fit_multilevel, variance_interval
from synthesis.meta.robust import robust
from tally import reference

RANDOM = np.random.default_rng(7)
SIZES = [1, 3, 2, 4, 1, 5, 2, 3, 1, 2]
CLUSTER = [f"s{i}" for i, m in enumerate(SIZES) for _ in range(m)]
V = RANDOM.uniform(0.02, 0.2, len(CLUSTER))
Y = 0.4 + np.repeat(RANDOM.normal(0, 0.3, len(SIZES)), SIZES) + RANDOM.normal(0, np.sqrt(V + 0.02))
ONES = np.ones((len(Y), 1))


def dense(tau2, omega2, rho):
    same = np.array(CLUSTER)[:, None] == np.array(CLUSTER)
    v = same * (rho * np.sqrt(np.outer(V, V)) + tau2)
    np.fill_diagonal(v, V + tau2 + omega2)
    return v


def restricted_likelihood(tau2, omega2, rho):
    """Written out with dense matrices."""
    v = dense(tau2, omega2, rho)
    w = np.linalg.inv(v)
    beta = (w @ Y).sum() / w.sum()
    r = Y - beta
    constant = (len(Y) - 1) * np.log(2 * np.pi) - np.log(len(Y))
    return -0.5 * (np.linalg.slogdet(v)[1] + np.log(w.sum()) + r @ w @ r + constant)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
def test_likelihood_is_that_of_dense_matrices_and_no_grid_point_is_higher(rho):
    fit = fit_multilevel(Y, V, ONES, CLUSTER, rho=rho)
    assert fit.log_likelihood == pytest.approx(restricted_likelihood(fit.tau2, fit.omega2, rho), rel=1e-10)
    grid = [0.0, *np.geomspace(1e-5, 2, 25)]
    best = max(restricted_likelihood(t, o, rho) for t in grid for o in grid)
    assert fit.log_likelihood >= best - tolerances.LAW


@pytest.mark.parametrize("model", ["che", "three_level"])
def test_order_scale_and_shift(model):
    options = {"model": model, "rho": 0.5}
    once = synthesis.pool(Y, V, cluster=CLUSTER, **options)
    order = RANDOM.permutation(len(Y))
    mixed = synthesis.pool(Y[order], V[order], cluster=[CLUSTER[i] for i in order], **options)
    for factor, shift in ((1.0, 0.0), (1e-6, 2.0), (1e6, -1.0)):
        moved = synthesis.pool((Y + shift) * factor, V * factor**2, cluster=CLUSTER, **options)
        assert moved.estimate / factor - shift == pytest.approx(once.estimate, rel=1e-7)
        assert moved.se / factor == pytest.approx(once.se, rel=1e-7)
        assert moved.tau2 / factor**2 == pytest.approx(once.tau2, rel=1e-6, abs=1e-9)
        assert moved.omega2 / factor**2 == pytest.approx(once.omega2, rel=1e-6, abs=1e-9)
        assert moved.df == pytest.approx(once.df, rel=1e-7)
    assert mixed.estimate == pytest.approx(once.estimate, rel=1e-9)
    assert mixed.ci_low == pytest.approx(once.ci_low, rel=1e-8)


def test_without_repeats_every_model_is_the_ordinary_one():
    plain = synthesis.pool(Y[:6], V[:6])
    for model in ("composites", "che", "three_level"):
        fit = synthesis.pool(Y[:6], V[:6], cluster=range(6), model=model)
        assert fit == plain
        assert fit.model == "independent"


def test_three_level_is_che_with_rho_zero_and_says_so():
    three = synthesis.pool(Y, V, cluster=CLUSTER, model="three_level")
    che = synthesis.pool(Y, V, cluster=CLUSTER, model="che", rho=0.0)
    assert three.estimate == che.estimate
    assert (three.model, three.rho, three.ci_method) == ("three_level", 0.0, "cr2")
    assert three.composite_rho == 0.6
    assert three.omega2 > 0
    assert sum(three.weights) == pytest.approx(100)
    assert len(three.weights) == three.samples == len(SIZES)


def test_correlated_effects_without_a_within_part_are_pooled_composites():
    """With omega2 = 0 the model is the ordinary one on inverse-variance composites."""
    fit = fit_multilevel(Y, V, ONES, CLUSTER, rho=0.6, within=False)
    combined = composites(Y, V, CLUSTER, 0.6, inverse_variance=True)
    plain = synthesis.pool(combined.yi, combined.vi, ci="wald")
    assert fit.beta[0] == pytest.approx(plain.estimate, rel=1e-8)
    assert fit.tau2 == pytest.approx(plain.tau2, rel=1e-6)


def test_starting_near_the_answer_gives_the_answer():
    whole = fit_multilevel(Y, V, ONES, CLUSTER, rho=0.6)
    again = fit_multilevel(Y, V, ONES, CLUSTER, rho=0.6, near=(0.1, 0.001))
    assert (again.tau2, again.omega2) == pytest.approx((whole.tau2, whole.omega2), rel=1e-7, abs=1e-12)


def test_profile_interval_ends_where_the_likelihood_has_fallen_by_half_the_quantile():
    fit = fit_multilevel(Y, V, ONES, CLUSTER, rho=0.3)
    low, high = variance_interval(fit, 0, 0.95)
    assert low < fit.tau2 < high
    grid = np.geomspace(1e-7, 2, 4000)
    ridge = max(restricted_likelihood(high, o, 0.3) for o in [0.0, *grid])
    assert fit.log_likelihood - ridge == pytest.approx(3.841458820694124 / 2, abs=1e-4)


def test_cr2_is_unbiased_under_the_working_model():
    """Its expectation, computed with dense matrices, is the true covariance; that of CR0 is smaller."""
    tau2, omega2, rho = 0.05, 0.02, 0.5
    v, member = dense(tau2, omega2, rho), np.unique(CLUSTER, return_inverse=True)[1]
    w = np.linalg.inv(v)
    true = 1 / w.sum()
    parts = [np.flatnonzero(member == j) for j in range(len(SIZES))]
    draws = np.linalg.cholesky(v) @ RANDOM.standard_normal((len(Y), 4000))
    found = {"CR0": [], "CR2": []}
    for y in draws.T:
        beta = np.array([(w @ y).sum() / w.sum()])
        args = [y[m] - beta for m in parts], beta, [ONES[m] for m in parts], [v[np.ix_(m, m)] for m in parts]
        for kind, values in found.items():
            values.append(robust(*args, kind).covariance[0, 0])
    error = np.std(found["CR2"]) / np.sqrt(4000)
    assert np.mean(found["CR2"]) == pytest.approx(true, abs=4 * error)
    assert np.mean(found["CR0"]) < true - 4 * error


def test_cr2_of_one_effect_per_sample_with_equal_variances_is_the_standard_error_of_the_mean():
    y = Y[:8]
    found = robust(list((y - y.mean())[:, None]), np.array([y.mean()]), [ONES[:1]] * 8, [np.eye(1)] * 8)
    assert found.se[0] == pytest.approx(y.std(ddof=1) / np.sqrt(8))
    assert found.df[0] == pytest.approx(7)


def test_coefficients_without_degrees_of_freedom_have_no_test():
    """A level that only one or two samples hold: the numbers are shown, the test is not."""
    level = ["rare" if c == "s5" else "common" for c in CLUSTER]
    found = robust_regress(Y, V, {"level": level}, CLUSTER, rho=0.6)
    assert found.df[1] < 4
    assert found.p[1] is None
    assert found.ci_low[1] is None
    assert any("no test" in note for note in found.notes)


def test_levels_carried_by_one_sample_each_have_no_joint_test():
    """The robust variance of such a level is that of the intercept alone: certainty out of nothing."""
    level = [c if c in ("s1", "s5", "s7") else "rest" for c in CLUSTER]
    found = robust_regress(Y, V, {"level": level}, CLUSTER, rho=0.6)
    assert found.se[0] is not None
    assert found.se[1:] == found.p[1:] == (None, None, None)
    assert any("no test: levels1, levels5, levels7" in note for note in found.notes)
    alone = ["a" if c == "s0" else "b" for c in CLUSTER]
    reference_alone = robust_regress(Y, V, {"level": alone}, CLUSTER, rho=0.6)
    assert reference_alone.p == (None, None)


def test_too_few_samples_are_refused_with_the_reason():
    y, v = reference("normand1999")["data"]["yi"][:6], reference("normand1999")["data"]["vi"][:6]
    with pytest.raises(InputError) as caught:
        synthesis.pool(y, v, cluster=[1, 1, 2, 2, 3, 3], model="che")
    said = str(caught.value)
    assert "3 samples" in said
    assert "degrees of freedom" in said
    assert "composites" in said
    with pytest.raises(InputError, match="more samples than coefficients"):
        robust_regress(y, v, {"x": [1, 2, 3, 4, 5, 7]}, [1, 1, 1, 2, 2, 2])


def test_a_level_whose_effects_are_all_the_same_has_no_test():
    """A robust covariance without spread is named, not divided by."""
    rng = np.random.default_rng(7)
    y = np.concatenate([rng.normal(0.3, 0.2, 20), np.zeros(10)])
    cluster = [i // 2 for i in range(30)]
    groups = ["a"] * 10 + ["b"] * 10 + ["zero"] * 10
    groups_of_two = {"group": ["zero" if g == "zero" else "rest" for g in groups]}
    for moderators in ({"group": groups}, groups_of_two):
        fit = robust_regress(y, np.full(30, 0.02), moderators, cluster)
        assert fit.f is None or np.isfinite(fit.f)
        assert all(x is None or np.isfinite(x) for x in (*fit.statistic, fit.f_p))
