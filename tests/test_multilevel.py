"""Dependent effects: laws of the multilevel model and of cluster-robust tests, and what is refused."""

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.errors import InputError
from synthesis.meta.dependence import composites
from synthesis.meta.dependent import joint_test, robust_regress
from synthesis.meta.multilevel import fit_multilevel, variance_interval
from synthesis.meta.regression import design, regress
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


def test_matrices_of_samples_of_several_sizes_are_those_made_one_by_one():
    """Samples of one size are made and inverted at once; effects of a sample do not stand together."""
    cluster, v = list("abcabaddbe"), np.linspace(0.02, 0.2, 10)
    y, rho = np.sin(np.arange(10.0)), 0.6
    fitted = fit_multilevel(y, v, np.ones((10, 1)), cluster, rho=rho)
    found = synthesis.pool(np.tile(y, 2), np.tile(v, 2), cluster=[*cluster, *"fghfgfiigj"], model="che", rho=rho)
    weights = []
    for sample, matrix in zip("abcde", fitted.blocks.marginal(0.03, 0.01), strict=True):
        own = v[[label == sample for label in cluster]]
        expected = rho * np.sqrt(np.outer(own, own)) + 0.03
        np.fill_diagonal(expected, own + 0.03 + 0.01)
        np.testing.assert_allclose(matrix, expected, rtol=tolerances.LAW)
        among = rho * np.sqrt(np.outer(own, own)) + found.tau2
        np.fill_diagonal(among, own + found.tau2 + found.omega2)
        weights.append(np.linalg.inv(among).sum())
    shares = 100 * np.tile(weights, 2) / (2 * sum(weights))
    np.testing.assert_allclose(found.weights, shares, rtol=tolerances.LAW)


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


@pytest.mark.slow
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


# --- joint tests of moderators --------------------------------------------------------------------------------------


def levels_of(names):
    """A level for each effect, by the number of its sample; samples beyond the names have the first."""
    return [names[int(c[1:]) % len(names)] for c in CLUSTER]


def written_out(y, v, x, cluster, rho, contrast):
    """The approximate Hotelling T2 test of clubSandwich, with full n x n matrices: F, df2.

    Pustejovsky & Tipton (2018), eqs. 8 to 13, and Tipton & Pustejovsky (2015), eq. 17, at the fitted variances.
    """
    from scipy.linalg import sqrtm

    fit = fit_multilevel(y, v, x, cluster, rho=rho)
    same = np.array(cluster)[:, None] == np.array(cluster)
    phi = same * (rho * np.sqrt(np.outer(v, v)) + fit.tau2)
    np.fill_diagonal(phi, v + fit.tau2 + fit.omega2)
    w = np.linalg.inv(phi)
    bread = np.linalg.inv(x.T @ w @ x)
    beta = bread @ x.T @ w @ y
    maker = np.eye(len(y)) - x @ bread @ x.T @ w
    columns, meat = [], np.zeros((x.shape[1],) * 2)
    for sample in dict.fromkeys(cluster):
        own = np.flatnonzero(np.array(cluster) == sample)
        d = np.linalg.cholesky(phi[np.ix_(own, own)]).T
        inside = d @ (maker @ phi @ maker.T)[np.ix_(own, own)] @ d.T
        adjust = d.T @ np.linalg.pinv(np.real(sqrtm(inside)), rcond=1e-7) @ d
        score = bread @ x[own].T @ w[np.ix_(own, own)] @ adjust
        meat += np.outer(score @ (y - x @ beta)[own], score @ (y - x @ beta)[own])
        columns.append(contrast @ score @ maker[own])
    omega = np.array([[a @ phi @ b.T for b in columns] for a in columns])
    mean = np.einsum("iist->st", omega)
    root = np.linalg.inv(np.real(sqrtm(mean)))
    omega = np.einsum("as,ijst,tb->ijab", root, omega, root)
    q = len(contrast)
    spread = sum(
        np.sum(omega[..., s, s] * omega[..., t, t]) + np.sum(omega[..., s, t] * omega[..., t, s])
        for s in range(q)
        for t in range(q)
    )
    eta = q * (q + 1) / spread
    difference = contrast @ beta
    statistic = difference @ np.linalg.solve(contrast @ meat @ contrast.T, difference)
    return statistic * (eta - q + 1) / (eta * q), eta - q + 1


MANY = [f"m{i}" for i in range(24) for _ in range(1 + i % 3)]
MANY_V = np.random.default_rng(3).uniform(0.02, 0.2, len(MANY))
MANY_Y = np.random.default_rng(4).normal(0.3, 0.4, len(MANY))


def test_the_joint_test_is_that_of_full_matrices_and_skips_a_level_of_one_sample():
    """Without the lone sample the same test comes out: it fits itself, and says nothing of the others."""
    names = ["b", "c", "d"]
    level = ["a" if c == "m0" else names[int(c[1:]) % 3] for c in MANY]
    found = robust_regress(MANY_Y, MANY_V, {"level": level}, MANY, rho=0.6)
    assert found.f_left_out == (("a", "one sample"),)
    rest = [i for i, cell in enumerate(level) if cell != "a"]
    kept = [level[i] for i in rest]
    y, v, cluster = MANY_Y[rest], MANY_V[rest], [MANY[i] for i in rest]
    without = robust_regress(y, v, {"level": kept}, cluster, rho=0.6)
    assert (found.f, found.f_df2, found.f_p) == pytest.approx((without.f, without.f_df2, without.f_p), rel=1e-6)
    assert found.f_df1 == 2
    f, df2 = written_out(y, v, design({"level": kept}, len(y)).x, cluster, 0.6, np.eye(3)[1:])
    assert (without.f, without.f_df2) == pytest.approx((f, df2), rel=1e-6)


def test_no_joint_test_below_four_degrees_of_freedom_or_with_one_level_left():
    """As the coefficients: Tipton (2015). F(4, 0.05) = 432 was printed as a finding once."""
    few = robust_regress(Y, V, {"level": levels_of(["a", "b", "c"])}, CLUSTER, rho=0.6)
    assert (few.f, few.f_df1, few.f_df2, few.f_p) == (None,) * 4
    assert "fewer than 4" in few.f_note
    alone = [c if c in ("s1", "s5") else "rest" for c in CLUSTER]
    found = robust_regress(Y, V, {"level": alone}, CLUSTER, rho=0.6)
    assert found.f is None
    assert found.f_note == "no test: fewer than two levels are left"
    assert [level for level, _ in found.f_left_out] == ["s1", "s5"]


def test_equal_effects_of_a_level_are_no_certainty_in_a_joint_test():
    zero = [i % 3 == 0 for i in range(24)]
    y = np.array([0.0 if zero[int(c[1:])] else value for c, value in zip(MANY, MANY_Y, strict=True)])
    level = ["zero" if zero[int(c[1:])] else "ab"[int(c[1:]) % 2] for c in MANY]
    matrix = design({"level": level}, len(y))
    found = robust_regress(y, MANY_V, matrix, MANY, rho=0.6)
    assert found.f_left_out == (("zero", "all effects alike"),)
    assert found.f_df1 == 1
    assert joint_test(found, matrix, MANY, y).left_out == (("zero", "all effects alike"),)


def test_the_joint_test_of_independent_effects_is_statsmodels_over_the_levels_of_several():
    """Knapp-Hartung at our tau2 by weighted least squares; the trial that is alone in its level is left out."""
    import statsmodels.api as sm

    y, v = MANY_Y[:20], MANY_V[:20]
    level = ["lone", *("xyz"[i % 3] for i in range(19))]
    matrix = design({"level": level}, 20)
    fit = regress(y, v, matrix)
    found = joint_test(fit, matrix, range(20), y)
    inside = design({"level": level[1:]}, 19).x
    theirs = sm.WLS(y[1:], inside, weights=1 / (v[1:] + fit.tau2)).fit().f_test(np.eye(3)[1:])
    assert (found.statistic, found.df2, found.p) == pytest.approx(
        (float(theirs.fvalue), theirs.df_denom, float(theirs.pvalue)), rel=tolerances.LAW
    )
    assert (found.df1, found.left_out) == (2, (("lone", "one sample"),))
    few = joint_test(regress(y[:6], v[:6], design({"x": list("aabbcc")}, 6)), design({"x": list("aabbcc")}, 6),
                     range(6), y[:6])  # fmt: skip
    assert few.p is None
    assert "3.0 degrees of freedom" in few.note


def test_profile_interval_starts_at_zero_where_the_likelihood_there_is_that_at_the_top():
    y = np.array([0.5] * 11 + [0.10006325])
    v = np.array([0.04] * 11 + [1e-9])
    fit = fit_multilevel(y, v, np.ones((12, 1)), [f"s{i // 2}" for i in range(12)])
    assert fit.tau2 > 0
    assert variance_interval(fit, 0, 0.95)[0] == 0.0
