"""The vectorised kernel: global optimum, any scale, any spread of variances, subsets; beside the libraries' faults."""

import mpmath
import numpy as np
import pytest
import synthesis
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.errors import InputError
from synthesis.meta import kernel
from synthesis.meta.heterogeneity import find_root, tau2_interval, tau2_standard_error
from synthesis.meta.kernel import estimate_tau2, log_likelihood, prepare
from synthesis.meta.many import pool_many
from synthesis.meta.options import Tau2Method, terms
from tally import reference

METHODS = list(terms(Tau2Method))
RANDOM = np.random.default_rng(20261123)


def adversarial(n, k, spread):
    """Data sets whose log-variances have this standard deviation: up to 10^12 between smallest and largest."""
    v = np.exp(RANDOM.normal(0, spread, (n, k)))
    y = RANDOM.normal(size=(n, k)) * np.sqrt(v + np.exp(RANDOM.normal(0, 2, (n, 1)))) * RANDOM.choice([1, 3], (n, 1))
    return y, v


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("spread", [0.3, 1.5, 3.0, 6.0])
@pytest.mark.parametrize("k", [2, 3, 8])
def test_the_likelihood_is_maximised_globally(method, spread, k):
    """PyMARE misses the optimum in 14 of 6,000 such sets, plain Fisher scoring in 27 of 20,000 (docs/engines.md)."""
    y, v = adversarial(1000, k, spread)
    found = estimate_tau2(y, v, method)
    batch, restricted = prepare(y, v), method == "REML"
    best = log_likelihood(batch, found, restricted)
    low, high = v.min(axis=1), 100 * (v.max(axis=1) + np.ptp(y, axis=1) ** 2)
    points = [np.zeros(len(y)), *np.geomspace(low * 1e-6, low, 20), *np.geomspace(low, high, 200)]
    grid = np.max([log_likelihood(batch, t, restricted) for t in points], axis=0)
    assert (best >= grid - tolerances.LAW).all()
    assert 0.01 < (found == 0).mean() < 0.9 or spread == 6.0


def test_the_optimum_on_the_boundary_beside_a_local_one():
    """Two maxima: the one at 0 is the higher. Searches that start above it stay at the other."""
    y, v = adversarial(4000, 5, 4.0)
    batch = prepare(y, v)
    found = estimate_tau2(y, v, "REML")
    grid = np.geomspace(v.min(axis=1) * 1e-3, 100 * v.max(axis=1), 150)
    heights = np.array([log_likelihood(batch, t, True) for t in grid])
    inner = (heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])
    both = (found == 0) & inner.any(axis=0)
    assert both.sum() >= 3
    assert (log_likelihood(batch, np.zeros(len(y)), True)[both] >= heights.max(axis=0)[both]).all()


@pytest.mark.parametrize("spread", [1.0, 5.0])
@pytest.mark.parametrize("method", METHODS)
def test_one_batch_gives_what_single_fits_give(method, spread):
    """Of few data sets the likelihood is looked at in other places."""
    y, v = adversarial(200, 6, spread)
    one_by_one = [estimate_tau2(y[i : i + 1], v[i : i + 1], method)[0] for i in range(len(y))]
    assert estimate_tau2(y, v, method) == pytest.approx(one_by_one, rel=tolerances.LAW, abs=tolerances.LAW)


@pytest.mark.parametrize("method", METHODS)
def test_a_study_with_infinite_variance_changes_nothing(method):
    y, v = adversarial(100, 6, 1.0)
    more = np.insert(y, 2, 77.0, axis=1), np.insert(v, 2, np.inf, axis=1)
    assert estimate_tau2(*more, method) == pytest.approx(estimate_tau2(y, v, method), rel=tolerances.LAW, abs=1e-12)
    ours, without = pool_many(*more, tau2=method), pool_many(y, v, tau2=method)
    for field in ("count", "estimate", "se", "ci_low", "tau2", "i2", "q"):
        want = getattr(without, field)
        assert getattr(ours, field) == pytest.approx(want, rel=tolerances.LAW, abs=1e-10), field


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [1e-40, 1e-8, 1e8, 1e40])
def test_any_scale(method, factor):
    y, v = adversarial(100, 6, 1.0)
    scaled = estimate_tau2(y * factor, v * factor**2, method) / factor**2
    assert scaled == pytest.approx(estimate_tau2(y, v, method), rel=tolerances.LAW, abs=tolerances.LAW)


def test_places_of_the_likelihood_lie_in_order_at_any_scale():
    high = np.array([1e-25, 1.2e-16, 3e-16, 1e-8, 1.0, 1e9, 1e150])
    edges = kernel._edges(np.ones(len(high)), high, 1)
    assert (np.diff(edges, axis=1) > 0).all()
    assert (edges[:, 0] == 0).all()
    assert (edges[:, -1] == high).all()


def test_fits_that_differ_by_rounding_are_sorted_as_equal():
    values = np.array([0.25, 0.25 * (1 + 4 * kernel.EPSILON), 0.25 * (1 + 1e-9), -3.0, np.nan, -np.inf])
    first, second, third, smallest, missing, below = kernel.to_sort_by(values)
    assert below < smallest < first == second < third
    assert np.isnan(missing)
    assert (kernel.to_sort_by(values * 2.0**-900)[:4] == (first, second, third, smallest)).all()


# HS divides by the sum of the weights, so that one tiny variance drives it to 0 by construction.
@pytest.mark.parametrize("method", [m for m in METHODS if not m.startswith("HS")])
@pytest.mark.parametrize("tiny", [1e-6, 1e-8, 1e-12, 1e-16])
def test_one_variance_much_smaller_than_the_rest_costs_no_digits(method, tiny):
    """As it shrinks, tau2 settles: the estimates at 10^-8 and 10^-16 differ by less than 10^-7."""
    y = np.array([[0.1, 0.5, 0.9, -0.3, 0.2]])
    v = np.array([[0.01, 0.02, 0.05, 0.1, 0.04]])
    v[0, 2] = tiny
    limit = v.copy()
    limit[0, 2] = 1e-18
    want = estimate_tau2(y, limit, method)[0]
    assert estimate_tau2(y, v, method)[0] == pytest.approx(want, rel=200 * tiny + tolerances.LAW, abs=1e-12)


def test_pymare_loses_what_the_kernel_keeps():
    """The fault our kernel is there for: one variance 10^8 times the others (engine fault P2)."""
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    lost = 0
    for _ in range(20):
        v = np.append(RANDOM.uniform(0.01, 0.1, 19), 1e9)
        y = RANDOM.normal(0, np.sqrt(np.minimum(v, 1) + 0.1))
        ours = estimate_tau2(y[None], v[None], "REML")[0]
        without = estimate_tau2(y[None, :-1], v[None, :-1], "REML")[0]
        assert ours == pytest.approx(without, rel=1e-6, abs=1e-9)
        theirs = VarianceBasedLikelihoodEstimator("REML").fit(y=y, v=v, X=np.ones((20, 1))).params_["tau2"]
        lost += bool(ours > 0.01 and np.ravel(theirs)[0] < 1e-6)
    assert lost > 0


def test_statsmodels_returns_a_false_zero_where_paule_mandel_does_not():
    """Engine fault S2: a Newton step that ends just below 0 is taken for the answer."""
    from statsmodels.stats.meta_analysis import combine_effects

    random = np.random.default_rng(8)
    k = 20_000
    v = random.uniform(0.05, 0.5, k)
    y = random.normal(0, np.sqrt(v + 0.05))
    ours = estimate_tau2(y[None], v[None], "PM")[0]
    q = np.sum((y - np.average(y, weights=1 / (v + ours))) ** 2 / (v + ours))
    assert q == pytest.approx(k - 1, rel=tolerances.LAW)
    assert ours == pytest.approx(0.05, abs=0.01)
    theirs = combine_effects(y, v, method_re="iterated").tau2
    assert theirs == pytest.approx(ours, rel=1e-3) or theirs == 0


@pytest.mark.parametrize("method", ["DL2", "HE2"])
def test_two_step_estimators_solve_their_moment_equation(method):
    """DerSimonian & Kacker (2007): expected and observed Q agree for weights from the first step."""
    y, v = adversarial(50, 7, 0.7)
    first = estimate_tau2(y, v, method.removesuffix("2"))
    for i, tau2 in enumerate(estimate_tau2(y, v, method)):
        a = np.diag(1 / (v[i] + first[i]))
        one = np.ones(7)
        p = a - np.outer(a @ one, a @ one) / a.sum()
        solved = (y[i] @ p @ y[i] - np.trace(p @ np.diag(v[i]))) / np.trace(p)
        assert tau2 == pytest.approx(max(0.0, solved), rel=tolerances.LAW, abs=1e-12)


def test_duplicated_studies_double_the_information_but_not_tau2_by_paule_mandel():
    """Q of the doubled set is 2 Q, its df 2k - 1: PM solves Q(t) = (2k - 1)/2 on the single set."""
    y, v = adversarial(100, 6, 0.5)
    doubled = estimate_tau2(np.tile(y, 2), np.tile(v, 2), "PM")
    for i in range(len(y)):
        w = 1 / (v[i] + doubled[i])
        q = np.sum(w * (y[i] - np.average(y[i], weights=w)) ** 2)
        assert q == pytest.approx(5.5, rel=1e-9) or (doubled[i] == 0 and q < 5.5)


def exact_error(v, tau2, x):
    """Standard error of tau2 by DL, from the matrix P with fifty digits: sqrt(2 tr(PSPS)) / tr P, weights 1 / v."""
    with mpmath.workdps(50):
        w = mpmath.diag([1 / mpmath.mpf(a) for a in v])
        design = mpmath.matrix(x.tolist())
        p = w - w * design * mpmath.inverse(design.T * w * design) * design.T * w
        ps = p * mpmath.diag([mpmath.mpf(a) + mpmath.mpf(tau2) for a in v])
        squared = ps * ps
        trace = sum(p[i, i] for i in range(len(v)))
        return float(mpmath.sqrt(2 * sum(squared[i, i] for i in range(len(v)))) / trace)


def standard_error(y, v, tau2, method, x=None):
    batch = prepare(y[None], v[None], x)
    return tau2_standard_error(v, tau2, method, batch, kernel.terms(batch, np.zeros(1)), x)


@pytest.mark.parametrize("v", [[4e-8, 1e3], [1e-10, 0.04, 0.09, 1e4], [0.04, 0.09, 0.05, 0.2]])
@pytest.mark.parametrize("tau2", [0.0, 0.1, 2e6])
def test_the_error_of_tau2_is_right_at_any_spread_of_variances(v, tau2):
    """A difference of sums of squares fell below zero where one variance was 10^10 times another: a crash."""
    given_v, y = np.array(v), np.arange(len(v), dtype=float)
    found = standard_error(y, given_v, tau2, "DL")
    assert found == pytest.approx(exact_error(v, tau2, np.ones((len(v), 1))), rel=tolerances.LAW)


@pytest.mark.parametrize("spread", [0.5, 4.0, 12.0])
def test_the_error_of_tau2_beside_a_moderator_is_right_or_not_given(spread):
    random = np.random.default_rng(3)
    given_some = 0
    for _ in range(20):
        v = np.exp(random.normal(0, spread, 6))
        x = np.column_stack([np.ones(6), random.normal(size=6)])
        found = standard_error(random.normal(size=6), v, 0.1, "DL", x)
        if found is not None:
            given_some += 1
            assert found == pytest.approx(exact_error(v, 0.1, x), rel=tolerances.FORMULA)
    assert given_some


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=9), st.sampled_from(["q_profile", "profile_likelihood"]))
@settings(max_examples=60, deadline=None)
def test_intervals_of_tau2_hold_their_estimate(y, kind):
    v = np.linspace(0.05, 0.4, len(y))
    low, high = tau2_interval(np.array(y), v, 0.95, kind=kind)
    assert 0 <= low <= high
    estimate = estimate_tau2(np.array([y]), v[None], "REML")[0]
    if kind == "profile_likelihood":
        assert low <= estimate + tolerances.LAW
        assert estimate <= high + tolerances.LAW


def test_q_profile_at_small_scales():
    """PyMARE's Q-profile excludes its own estimate at 10^-6 (engine fault P1)."""
    data = reference("colditz1994")["data"]
    y, v = np.array(data["yi"]), np.array(data["vi"])
    want = np.array(tau2_interval(y, v, 0.95))
    for factor in (1e-6, 1e-8, 1e8):
        got = np.array(tau2_interval(y * factor, v * factor**2, 0.95)) / factor**2
        assert got == pytest.approx(want, rel=tolerances.LAW)


def test_find_root_is_exact_on_hard_functions():
    assert find_root(lambda x: 2 - x**3, 0.0, 2.0) == pytest.approx(2 ** (1 / 3), rel=1e-12)
    assert find_root(lambda x: 1e-9 - x, 0.0, 1e9) == pytest.approx(1e-9, rel=1e-12)
    assert find_root(lambda x: np.exp(-x) - 1e-200, 0.0, 1e4) == pytest.approx(200 * np.log(10), rel=1e-9)


def test_variances_beyond_reach_are_refused_in_words():
    with pytest.raises(InputError, match="largest by at most"):
        synthesis.pool([0.0, 1.0, 2.0], [1e-300, 1.0, 1.0])


def test_rows_with_one_study_have_no_heterogeneity():
    fits = pool_many(np.array([[0.3, 0.0]]), np.array([[0.04, np.inf]]), ci="wald")
    assert (fits.count[0], fits.estimate[0], fits.se[0], fits.tau2[0], fits.i2[0]) == (1, 0.3, 0.2, 0, 0)
    assert np.isnan(pool_many(np.array([[0.3, 0.0]]), np.array([[0.04, np.inf]])).ci_low[0])
