"""z-curve against R's zcurve, an independent maximiser, and studies of known power."""

import numpy as np
import pytest
import synthesis
import tolerances as tol
from scipy.optimize import minimize
from scipy.stats import norm
from synthesis.errors import InputError

# OSC.z of R's zcurve 2.4: 90 studies of the reproducibility project (Open Science Collaboration 2015).
Z = [
    2.40917512113822, 3.24525109747314, 2.16419241734367, 3.19122888616682, 2.70205915874686,
    3.13705072389933, 8.40285758847583, 3.71846002956946, 4.2932746477158, 3.51249641099596,
    1.97377700186215, 7.0660526128574, 4.38303928211486, 3.53626589983223, 3.39253691665004,
    2.19487714071069, 3.05937395350904, 4.63722790218587, 3.98227999228777, 2.16933831988309,
    1.94670898344235, 2.26821261403616, 4.1805702177671, 3.4595499055325, 3.73139549794235,
    1.83684828857666, 3.10000006526789, 10.0, 2.96773792534178, 2.18348652800656,
    2.40891554581546, 2.36561812686429, 2.25712924448622, 1.96859166918659, 3.90990114607784,
    2.27343465094278, 10.0, 2.30798447494596, 2.29036787785527, 2.96773792534178,
    2.01409081201814, 10.0, 10.0, 3.29052673149189, 2.43237905858445,
    2.01409081201814, 2.5758293035489, 10.0, 2.30798447494596, 2.96773792534178,
    2.96773792534178, 1.79283069376375, 3.29052673149189, 1.95996398454005, 2.2974081374844,
    2.05374891063182, 10.0, 2.54269881939905, 2.40365455190832, 10.0,
    3.41073300654994, 2.97529386340634, 3.84963908130248, 10.0, 2.27343465094278,
    2.1065889430578, 3.69489231250905, 2.19594360705807, 2.30798447494596, 4.17889956539782,
    1.95147977347586, 2.96773792534178, 2.22621176931718, 2.29036787785527, 2.96773792534178,
    2.78063755643547, 2.61205414122928, 10.0, 2.6520698079022, 10.0,
    2.72549365751782, 2.6520698079022, 3.04272445587937, 2.6520698079022, 2.97065634880133,
    2.25712924448622, 2.38670773449225, 3.40346104739445, 2.12007168974215, 2.68885162489308,
]  # fmt: skip

CRITICAL = norm.isf(0.025)


def osc(**options):
    return synthesis.z_curve(Z, np.ones(len(Z)), **options)


def test_the_reproducibility_project_is_as_zcurve_prints_it():
    """Its README: ERR .615, EDR .388, Q -60.61, 73 fitted of 85 significant ones, the weights of the means.

    It divides the 12 z beyond 6 by all 90; here they are a share of the 85, of which the mixture is.
    """
    found = osc()
    assert (found.k, found.significant, found.fitted) == (90, 85, 73)
    assert found.observed == pytest.approx(0.94, abs=tol.PRINTED_2)
    assert found.log_likelihood == pytest.approx(-60.61, abs=tol.PRINTED_2)
    of_fitted = np.array(found.weights[:7]) / (73 / 85)
    assert of_fitted == pytest.approx([0.056, 0.005, 0.734, 0.205, 0, 0, 0], abs=tol.Z_CURVE_WEIGHTS)
    weights = np.append(of_fitted * (1 - 12 / 90), 12 / 90)
    one = np.append(norm.cdf(np.arange(7) - CRITICAL), 1)
    two = np.append(one[:7] + norm.cdf(-np.arange(7) - CRITICAL), 1)
    assert weights @ one == pytest.approx(0.615, abs=tol.PRINTED_3)
    assert 1 / (weights / two).sum() == pytest.approx(0.388, abs=tol.Z_CURVE_DISCOVERY)
    assert found.replicability == pytest.approx(np.array(found.weights) @ one, rel=tol.SAME_FORMULA)
    assert found.discovery == pytest.approx(1 / (np.array(found.weights) / two).sum(), rel=tol.SAME_FORMULA)


@pytest.mark.slow
def test_its_bootstrap_limits_are_near_those_of_zcurve():
    """README: ERR .443 to .740, EDR .070 to .699, of 1000 resamples of its own."""
    found = osc(bootstraps=400)
    limits = (found.replicability_low, found.replicability_high, found.discovery_low, found.discovery_high)
    assert limits == pytest.approx((0.443, 0.740, 0.070, 0.699), abs=tol.Z_CURVE_LIMITS)
    assert osc(bootstraps=400) == found
    assert osc(bootstraps=400, seed=2) != found
    assert osc().discovery_low is None


def test_no_other_weights_have_a_higher_likelihood():
    """Another maximiser, of the logarithms of the weights."""
    inside = np.array([z for z in Z if CRITICAL < z < 6])
    means = np.arange(7)
    folded = norm.pdf(inside[:, None], means) + norm.pdf(-inside[:, None], means)
    mass = norm.cdf(6, means) - norm.cdf(CRITICAL, means) + norm.cdf(-CRITICAL, means) - norm.cdf(-6, means)

    def loss(logs):
        weights = np.exp(logs - logs.max())
        return -np.log(folded / mass @ (weights / weights.sum())).sum()

    best = min(minimize(loss, start, method="BFGS").fun for start in (np.zeros(7), np.arange(7.0), -np.arange(7.0)))
    assert osc().log_likelihood == pytest.approx(-best, abs=tol.Z_CURVE_LIKELIHOOD)
    assert osc().log_likelihood >= -best - tol.ZERO


@pytest.mark.parametrize("mean", [1.0, 2.0, 3.0])
def test_studies_of_one_power_are_found_out(mean):
    z = np.random.default_rng(4).normal(mean, 1, 20_000)
    found = synthesis.z_curve(z, np.ones(len(z)))
    power = norm.cdf(mean - CRITICAL) + norm.cdf(-mean - CRITICAL)
    assert found.observed == pytest.approx(power, abs=tol.Z_CURVE_LIMITS)
    assert found.discovery == pytest.approx(power, abs=2 * tol.Z_CURVE_LIMITS)
    # Of the significant ones alone it finds as much: the others are not used.
    alone = synthesis.z_curve(z[np.abs(z) > 1.96], np.ones((np.abs(z) > 1.96).sum()))
    assert alone.discovery == pytest.approx(found.discovery, rel=tol.LAW)
    assert alone.observed == 1


def test_signs_and_units_do_not_matter():
    turned = synthesis.z_curve([-3 * z for z in Z], [9.0] * len(Z))
    assert turned.discovery == pytest.approx(osc().discovery, rel=tol.UNITS)
    assert sum(turned.weights) == pytest.approx(1, rel=tol.SAME_FORMULA)


def test_fewer_than_ten_significant_effects_are_refused_by_name():
    with pytest.raises(InputError, match=r"9 significant effects of 11.*at least 10"):
        synthesis.z_curve([2.5] * 9 + [0.1, 7.0], np.ones(11))
    assert synthesis.z_curve([2.5] * 10, np.ones(10)).fitted == 10
