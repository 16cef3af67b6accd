"""Meta-regression, subgroups and permutation: published values, laws and refusals."""

import math
import random

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.data.ratios import log_risk_ratio
from synthesis.errors import InputError
from synthesis.meta.dependent import robust_regress
from synthesis.meta.permutation import permutation_test
from synthesis.meta.regression import design, predict, regress, subgroups
from synthesis.review.fit import severity
from tally import reference
from test_pool import BCG_CONTROL, BCG_TREATED
from typed import effect_row

BCG = reference("colditz1994")
Y, V = np.array(BCG["data"]["yi"]), np.array(BCG["data"]["vi"])
LATITUDE, YEAR, ALLOCATION = (BCG["table"][name] for name in ("ablat", "year", "alloc"))


def test_statsmodels_gives_the_same_regression_at_our_tau2():
    """The second route of every regression: WLS with the scale fixed (Wald) and estimated (HKSJ)."""
    import statsmodels.api as sm

    matrix = design({"ablat": LATITUDE, "alloc": ALLOCATION}, len(Y))
    for ci, options in (("wald", {"cov_type": "fixed scale"}), ("hksj", {})):
        found = regress(Y, V, matrix, ci=ci)
        theirs = sm.WLS(Y, matrix.x, weights=1 / (V + found.tau2)).fit(**options)
        assert found.estimate == pytest.approx(theirs.params, rel=tolerances.METAFOR)
        assert found.se == pytest.approx(theirs.bse, rel=tolerances.METAFOR)
        assert found.p == pytest.approx(theirs.pvalues, rel=1e-6)


@pytest.mark.parametrize("zero", [2010.0, 0.0, -1e6])
def test_the_zero_of_a_moderator_changes_nothing_but_the_intercept(zero):
    """Years near 2000 cost six digits or more, so that another version of numpy gave other numbers."""
    generator = np.random.default_rng(12)
    k = 40
    cluster = [i // 2 for i in range(k)]
    years = np.repeat(generator.integers(1995, 2024, k // 2), 2).astype(float)
    y, v = generator.normal(0.01 * (years - 2010), 0.3), generator.uniform(0.01, 0.1, k)
    at = np.array([1995.0, 2010.0, 2023.0])

    def rows(by):
        return np.column_stack([np.ones(3), at - by])

    def fits(by):
        moderators = {"year": (years - by).tolist()}
        robust = robust_regress(y, v, moderators, cluster, at=rows(by))
        plain = regress(y, v, moderators)
        return robust, plain

    (robust, plain), (wanted, wanted_plain) = fits(zero), fits(2008.0)
    same = pytest.approx
    for name in ("tau2", "omega2", "q", "log_likelihood", "f", "f_df2", "f_p"):
        assert getattr(robust, name) == same(getattr(wanted, name), rel=tolerances.SHIFTED), name
    for name in ("estimate", "se", "df", "p", "ci_low", "ci_high"):
        assert getattr(robust, name)[1] == same(getattr(wanted, name)[1], rel=tolerances.SHIFTED), name
    for one, other in zip(robust.means, wanted.means, strict=True):
        assert one == same(other, rel=tolerances.SHIFTED)
    for name in ("tau2", "tau2_se", "i2", "q", "log_likelihood", "qm", "qm_p"):
        assert getattr(plain, name) == same(getattr(wanted_plain, name), rel=tolerances.SHIFTED), name
    for name in ("estimate", "se", "p", "ci_low", "ci_high"):
        assert getattr(plain, name)[1] == same(getattr(wanted_plain, name)[1], rel=tolerances.SHIFTED), name
    # The intercept is the mean at that zero.
    there = robust_regress(y, v, {"year": (years - zero).tolist()}, cluster, at=[[1.0, 0.0]]).means[0]
    found = robust.estimate[0], robust.ci_low[0], robust.ci_high[0]
    assert found == same(there, rel=tolerances.SHIFTED)


def test_severity_does_not_depend_on_the_order_of_rows():
    """Sums rounded once are the same in any order, and on every Python; the builtin's are neither."""
    generator = random.Random(12)  # noqa: S311
    rows = [
        effect_row(
            {"outcome": "BDI-II", "sample_id": f"s{i // 2}"}
            | {f"baseline_mean_{arm}": generator.uniform(10, 40) for arm in ("treat", "control")}
            | {f"baseline_sd_{arm}": generator.uniform(5, 12) for arm in ("treat", "control")}
            | {f"n_{arm}": float(generator.randint(10, 90)) for arm in ("treat", "control")}
        )
        for i in range(24)
    ]
    found = severity(rows)
    assert len(set(found)) == 24
    for _ in range(20):
        order = generator.sample(range(24), 24)
        assert severity([rows[i] for i in order]) == [found[i] for i in order]


def risk_ratios():
    effects = [log_risk_ratio(*t, *c) for t, c in zip(BCG_TREATED, BCG_CONTROL, strict=True)]
    return np.array([e.yi for e in effects]), np.array([e.vi for e in effects])


def test_bcg_latitude_as_metafor_prints_it():
    """rma(yi, vi, mods = ~ ablat, data = dat.bcg, test = "knha"), log risk ratios: tau2, slope, p."""
    found = regress(*risk_ratios(), {"ablat": LATITUDE})
    assert found.tau2 == pytest.approx(0.0763, abs=tolerances.PRINTED_4)
    assert found.estimate[1] == pytest.approx(-0.0291, abs=tolerances.PRINTED_4)
    assert found.p[1] == pytest.approx(0.004565, abs=5e-6)


def test_a_regression_on_nothing_but_the_intercept_is_the_pool():
    matrix = design({}, len(Y))
    for ci in ("wald", "hksj", "hksj_adhoc"):
        found, fit = regress(Y, V, matrix, ci=ci), synthesis.pool(Y, V, ci=ci)
        assert found.estimate[0] == pytest.approx(fit.estimate, rel=tolerances.METAFOR)
        assert found.se[0] == pytest.approx(fit.se, rel=tolerances.METAFOR)
        assert found.tau2 == pytest.approx(fit.tau2, rel=tolerances.METAFOR)


@pytest.mark.parametrize("tau2", ["DL", "HE", "HS", "SJ", "ML", "REML", "PM", "DL2"])
def test_scale_and_origin_of_a_moderator_do_not_matter(tau2):
    plain = regress(Y, V, {"x": LATITUDE}, tau2=tau2)
    moved = regress(Y, V, {"x": [1000 * (x + 50) for x in LATITUDE]}, tau2=tau2)
    assert moved.tau2 == pytest.approx(plain.tau2, rel=1e-6, abs=1e-9)
    assert moved.estimate[1] * 1000 == pytest.approx(plain.estimate[1], rel=1e-6)
    assert moved.qm == pytest.approx(plain.qm, rel=1e-6)


def test_predictions_at_the_levels_of_a_factor_are_the_level_means():
    matrix = design({"alloc": ALLOCATION}, len(Y))
    found = regress(Y, V, matrix, ci="hksj")
    rows = matrix.rows([{"alloc": level} for level in matrix.levels["alloc"]])
    means = [p.estimate for p in predict(found, rows)]
    w = 1 / (V + found.tau2)
    for level, mean in zip(matrix.levels["alloc"], means, strict=True):
        inside = np.array([a == level for a in ALLOCATION])
        assert mean == pytest.approx(np.average(Y[inside], weights=w[inside]))
    for p in predict(found, rows):
        assert p.pi_low < p.ci_low < p.estimate < p.ci_high < p.pi_high


def test_common_tau2_subgroups_are_the_regression_on_the_factor():
    found = subgroups(Y, V, ALLOCATION, ci="wald", common_tau2=True)
    fit = regress(Y, V, {"alloc": ALLOCATION}, ci="wald")
    assert found.common_tau2 == pytest.approx(fit.tau2)
    assert found.q_between == pytest.approx(fit.qm, rel=tolerances.METAFOR)
    assert {f.tau2 for f in found.fits} == {found.common_tau2}
    assert found.fits[0].estimate == pytest.approx(fit.estimate[0])


def test_two_equal_groups_do_not_differ():
    y, v = [*Y, *Y], [*V, *V]
    found = subgroups(y, v, ["a"] * len(Y) + ["b"] * len(Y))
    assert found.q_between == pytest.approx(0, abs=1e-20)
    assert found.q_between_p == pytest.approx(1)
    assert found.q_within == pytest.approx(2 * synthesis.pool(Y, V).q)


def test_few_studies_for_each_coefficient_are_warned_of():
    assert "chance patterns" in regress(Y, V, {"alloc": ALLOCATION}).notes[0]
    assert regress(Y, V, {"ablat": LATITUDE}).notes == ()


@pytest.mark.parametrize(
    ("moderators", "said"),
    [
        ({"x": [1.0] * 13}, "told apart"),
        ({"x": LATITUDE, "z": [2 * x + 1 for x in LATITUDE]}, "told apart"),
        ({"x": [*LATITUDE[:-1], math.nan]}, "x[12]"),
        ({"x": LATITUDE[:5]}, "one per effect"),
        ({"x": ["a"] * 13}, "at least two levels"),
        ({"x": ["a", *["b"] * 11, ""]}, "empty"),
        ({f"x{i}": list(np.eye(13)[i]) for i in range(13)}, "more effects than coefficients"),
    ],
)
def test_designs_that_cannot_be_fitted_are_refused(moderators, said):
    with pytest.raises(InputError) as caught:
        regress(Y, V, moderators)
    assert said in str(caught.value)


def test_a_level_that_was_not_fitted_cannot_be_predicted():
    matrix = design({"alloc": ALLOCATION}, len(Y))
    with pytest.raises(InputError, match="systematic"):
        matrix.rows([{"alloc": "by birthday"}])


# --- permutation ------------------------------------------------------------------------------------------------


def test_exact_sign_flips_are_those_counted_by_hand():
    """Three equal effects: only the observed signs and their mirror reach the statistic, p = 2/8."""
    found = permutation_test([0.5, 0.5, 0.5], [0.1, 0.1, 0.1], tau2="FE", ci="wald")
    assert found.exact
    assert found.iterations == 8
    assert found.p[0] == pytest.approx(2 / 8)


@pytest.mark.parametrize(
    ("tau2", "ci", "p"), [("REML", "wald", 0.00146484), ("DL", "wald", 0.00170898), ("HE", "wald", 0.00244141)]
)
def test_exact_p_of_bcg(tau2, ci, p):
    """All 2^13 signs. REML as metafor's permutest prints it; DL and HE by brute force with PyMARE's estimators."""
    found = permutation_test(*risk_ratios(), tau2=tau2, ci=ci)
    assert found.exact
    assert found.iterations == 2**13
    assert found.p[0] == pytest.approx(p, abs=5e-9)


def test_random_signs_come_from_the_seed_alone():
    y, v = np.tile(Y, 3) + np.linspace(0, 1.4, 39), np.tile(V, 3)
    a, b = (permutation_test(y, v, tau2="DL", iterations=2000, seed=4) for _ in range(2))
    assert a == b
    assert not a.exact
    assert a.p != permutation_test(y, v, tau2="DL", iterations=2000, seed=5).p
    assert a.p[0] >= 1 / 2001


def test_shuffled_moderators_agree_with_the_parametric_test_where_it_is_strong():
    found = permutation_test(Y, V, {"ablat": LATITUDE}, iterations=2000, seed=1)
    assert found.names == ("ablat",)
    assert found.statistic[0] == pytest.approx(regress(Y, V, {"ablat": LATITUDE}).statistic[1])
    assert found.p[0] < 0.02
    assert permutation_test(Y[:5], V[:5], {"ablat": LATITUDE[:5]}, iterations=200).exact


@pytest.mark.parametrize("zeros", [0, 2])
def test_the_smallest_p_of_sign_changes_is_reached_by_the_strongest_data(zeros):
    y = [1.0, 1.1, 0.9, 1.05, 0.95, *[0.0] * zeros]
    found = permutation_test(y, [0.01] * len(y), ci="wald", tau2="FE")
    assert found.exact
    assert found.smallest == 2 / 2**5
    assert found.p[0] == pytest.approx(found.smallest)
    drawn = permutation_test(np.ones(30) + 0.01 * np.arange(30), [0.01] * 30, iterations=200)
    assert drawn.p[0] == drawn.smallest == 1 / 201
