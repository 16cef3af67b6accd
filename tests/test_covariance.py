"""Effects that share a control group, matrices of one's own, and levels above the sample."""

import math

import numpy as np
import pytest
import synthesis
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from synthesis.errors import InputError
from synthesis.meta.nested import fit_nested, nested_interval
from tolerances import DENSE_ESTIMATE, DENSE_LIKELIHOOD, LAW, PRINTED_3

# Invented arms in the reported shape of a trial with three treatments and one control group: m1, s1, n1, m0, s0, n0.
TRIALS = ["Okafor", "Okafor", "Okafor", "Lindqvist", "Marquez", "Teo", "Brandt", "Haddad"]
ARMS = np.array([
    [11.2, 6.1, 38, 16.4, 6.6, 41], [12.9, 6.4, 36, 16.4, 6.6, 41], [12.1, 5.9, 40, 16.4, 6.6, 41],
    [13.3, 7.0, 52, 15.8, 7.4, 50], [14.8, 5.2, 24, 15.1, 5.6, 22], [10.1, 6.8, 75, 12.0, 6.5, 71],
    [15.9, 7.7, 31, 17.2, 7.1, 30], [12.7, 6.2, 44, 13.4, 6.9, 47],
])  # fmt: skip


def hedges():
    m1, s1, n1, m0, s0, n0 = ARMS.T
    df = n1 + n0 - 2
    j = np.exp([math.lgamma(f / 2) - math.lgamma((f - 1) / 2) - 0.5 * math.log(f / 2) for f in df])
    y = j * (m0 - m1) / np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
    return y, 1 / n1 + 1 / n0 + y**2 / (2 * (n1 + n0)), n1, n0


def shared(order=slice(None)):
    y, v, n1, n0 = (part[order] for part in hedges())
    names = np.array(TRIALS)[order].tolist()
    control = [name if name == "Okafor" else None for name in names]
    part = synthesis.control_variance("g", n=n0)
    return y, v, names, synthesis.shared_control(y, v, control, part, n_treat=n1, n_control=n0)


def restricted(theta, y, v, levels):
    """Restricted log-likelihood and estimate, written down densely and without the package."""
    marginal = v + theta[-1] * np.eye(len(y))
    for variance, labels in zip(theta[:-1], levels, strict=True):
        marginal = marginal + variance * (np.array(labels)[:, None] == np.array(labels))
    w = np.linalg.inv(marginal)
    mu = (w @ y).sum() / w.sum()
    e = y - mu
    fixed = math.log(len(y)) - math.log(w.sum()) - (len(y) - 1) * math.log(2 * math.pi)
    return 0.5 * (fixed - np.linalg.slogdet(marginal)[1] - e @ w @ e), mu


def best(y, v, levels):
    """The end of a search by a general optimiser that knows no derivatives."""
    found = []
    for start in ([0.1],):
        searched = minimize(
            lambda t: -restricted(t**2, y, v, levels)[0], np.sqrt(start * (len(levels) + 1)), method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 600, "maxfev": 600},
        )  # fmt: skip
        found.append((-searched.fun, restricted(searched.x**2, y, v, levels)[1]))
    return max(found)


def test_a_shared_control_group_gives_what_metafor_and_clubsandwich_give():
    """rma.mv with this V and CR2 prints 0.309 [0.057, 0.560]."""
    y, v, names, matrix = shared()
    fit = synthesis.pool(y, v, cluster=names, model="che", V=matrix)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((0.309, 0.057, 0.560), abs=PRINTED_3)
    assert fit.rho is None
    likelihood, mu = best(y, matrix, [names])
    assert fit.estimate == pytest.approx(mu, abs=DENSE_ESTIMATE)
    assert fit.log_likelihood == pytest.approx(likelihood, abs=DENSE_LIKELIHOOD)
    assert fit.tau2_ci_low <= fit.tau2 <= fit.tau2_ci_high
    low = restricted([fit.tau2_ci_high, 0.0], y, matrix, [names])[0]
    assert likelihood - low == pytest.approx(3.841458820694124 / 2, abs=1e-3)


def test_the_order_of_rows_does_not_matter():
    y, v, names, matrix = shared()
    fit = synthesis.pool(y, v, cluster=names, model="che", V=matrix)
    y, v, names, matrix = shared([3, 0, 7, 2, 5, 1, 4, 6])
    other = synthesis.pool(y, v, cluster=names, model="che", V=matrix)
    assert (fit.estimate, fit.se, fit.df) == pytest.approx((other.estimate, other.se, other.df), rel=LAW)


@settings(max_examples=8, deadline=None)
@given(st.floats(0, 0.9), st.integers(0, 10**6))
def test_one_correlation_within_samples_is_che(rho, seed):
    random = np.random.default_rng(seed)
    cluster = [0, 0, 1, 1, 1, 2, 3, 3, 4, 5, 6, 7]
    v = random.uniform(0.02, 0.1, 12)
    y = 0.3 + random.normal(size=12) * 0.4
    matrix = rho * np.sqrt(np.outer(v, v)) * (np.array(cluster)[:, None] == np.array(cluster))
    np.fill_diagonal(matrix, v)
    che = synthesis.pool(y, v, cluster=cluster, model="che", rho=rho)
    own = synthesis.pool(y, v, cluster=cluster, model="che", V=matrix)
    assert own.log_likelihood == pytest.approx(che.log_likelihood, abs=DENSE_LIKELIHOOD)
    assert (own.estimate, own.se) == pytest.approx((che.estimate, che.se), abs=DENSE_ESTIMATE)
    assert (own.q, own.i2) == pytest.approx((che.q, che.i2), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("seed", range(2))
def test_two_levels_above_the_effect_reach_the_top_of_the_likelihood(seed):
    random = np.random.default_rng(seed)
    paper = np.repeat(np.arange(8), 6)
    sample = np.tile([1, 1, 1, 2, 2, 2], 8)
    y = 0.4 + 0.3 * random.normal(size=8)[paper] + 0.2 * random.normal(size=16)[2 * paper + sample - 1]
    y = y + 0.15 * random.normal(size=48)
    v = random.uniform(0.01, 0.05, 48)
    fit = fit_nested(y, v, [paper.tolist(), sample.tolist()])
    likelihood, mu = best(y, np.diag(v), [paper, 2 * paper + sample])
    assert fit.log_likelihood == pytest.approx(likelihood, abs=DENSE_LIKELIHOOD)
    assert fit.beta[0] == pytest.approx(mu, abs=DENSE_ESTIMATE)
    assert fit.tested.clusters == 8
    low, high = nested_interval(y, v, [paper.tolist(), sample.tolist()], fit, 0)
    assert low <= fit.variances[0] <= high


def test_the_part_of_a_control_arm_is_its_own_variance():
    assert synthesis.control_variance("mean_difference", sd=[3.0], n=[9]) == pytest.approx([1.0])
    assert synthesis.control_variance("log_odds_ratio", events=[5], total=[25]) == pytest.approx([1 / 5 + 1 / 20])
    assert synthesis.control_variance("log_risk_ratio", events=[5], total=[25]) == pytest.approx([1 / 5 - 1 / 25])
    with pytest.raises(InputError, match="zero-cell correction"):
        synthesis.control_variance("log_odds_ratio", events=[0], total=[25])
    matrix = synthesis.shared_control([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], ["a", "a", None], [0.25, 0.25, 0.25])
    assert matrix.tolist() == [[0.5, 0.25, 0], [0.25, 0.6, 0], [0, 0, 0.7]]
    with pytest.raises(InputError, match="control a"):
        synthesis.shared_control([0.1, 0.2], [0.5, 0.6], ["a", "a"], [0.25, 0.3])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({(0, 1): 0.01}, "a symmetric matrix"),
        ({(0, 0): 9.0}, "vi on the diagonal"),
        ({(0, 1): math.nan}, r"V\[0, 1\]: 'nan'"),
        ({(0, 1): 0.9, (1, 0): 0.9}, "positive definite"),
        ({(0, 3): 0.001, (3, 0): 0.001}, "0 between samples"),
    ],
)
def test_a_matrix_that_is_no_covariance_of_these_effects_is_named(change, said):
    y, v, names, matrix = shared()
    for at, value in change.items():
        matrix[at] = value
    with pytest.raises(InputError, match=said):
        synthesis.pool(y, v, cluster=names, model="che", V=matrix)


def test_a_matrix_without_a_model_that_takes_it_is_refused():
    y, v, names, matrix = shared()
    with pytest.raises(InputError, match="nothing but for composites and che"):
        synthesis.pool(y, v, cluster=names, model="three_level", V=matrix)
    with pytest.raises(InputError, match="V: 'no cluster'"):
        synthesis.pool(y, v, model="che", V=matrix)
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        synthesis.pool(y, v, cluster=names, model="che", V=matrix[:2, :2])
