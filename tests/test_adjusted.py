"""Estimates adjusted for bias, and power, against metafor, meta, puniform and formulas written down again."""

import json
import math

import numpy as np
import pytest
import synthesis
import tolerances as tol
from conftest import ROOT
from scipy.stats import norm
from synthesis.errors import InputError
from synthesis.meta.maximum import Likelihood
from synthesis.meta.significance import _Conditional
from tally import NAMES, data, reference

STORED = json.loads((ROOT / "tests" / "data" / "beta_selection.json").read_text())["fits"]
# Shorter than these puniform's own bounds on the mean end its search.
WITHIN = [n for n in NAMES if ((reference(n).get("extras") or {}).get("puni_star_ML") or {}).get("ci_lb") is not None]


def close(ours, theirs, relative, floor):
    return abs(ours - theirs) <= max(relative * abs(theirs), floor)


@pytest.mark.parametrize("fit", STORED, ids=lambda fit: f"{fit['set']} {fit['alternative']}")
def test_beta_selection_is_metafors(fit):
    y, v, scale = data(fit["set"])
    found = synthesis.beta_selection(y, v, alternative=fit["alternative"].replace(".", "-"))
    # Where metafor stopped short, by a likelihood that is lower; never the other way.
    assert found.log_likelihood >= fit["ll_formula"] - tol.BETA_SELECTION_LIKELIHOOD
    if fit["stopped_short"]:
        return
    pairs = [(found.estimate, fit["estimate"], scale), (found.tau2, fit["tau2"], scale**2)]
    pairs += [(a, b, 1.0) for a, b in zip(found.powers, fit["delta"], strict=True)]
    assert all(close(a, b, tol.BETA_SELECTION, tol.BETA_SELECTION * s) for a, b, s in pairs), (found, fit)
    errors = (found.se, found.tau2_se, *found.powers_se)
    assert all(
        a is None or b is None or close(a, b, tol.BETA_SELECTION_SE, 0) for a, b in zip(errors, fit["se"], strict=True)
    )
    assert close(found.lrt, fit["LRT"], tol.BETA_SELECTION, tol.BETA_SELECTION)


@pytest.mark.parametrize(
    ("name", "key"),
    [(n, k) for n in NAMES for k, fit in (reference(n).get("selmodel") or {}).items() if k.startswith("beta") and fit],
)
def test_beta_selection_is_near_metafors_default_integrals(name, key):
    fit = reference(name)["selmodel"][key]
    y, v, scale = data(name)
    try:
        found = synthesis.beta_selection(y, v, alternative=fit["alternative"])
    except InputError:
        # A power that goes to 0: there is no maximum, and metafor has no standard errors.
        assert min(fit["delta"]) < 0.01 or fit["se"] is None
        return
    if fit["se"] is None:
        # Not at its maximum: no standard errors, and ours is higher.
        assert found.log_likelihood > fit["ll"]
        return
    assert close(found.estimate, fit["estimate"], tol.BETA_SELECTION_DEFAULT, tol.BETA_SELECTION_DEFAULT * scale)
    assert close(found.lrt, fit["LRT"], tol.BETA_SELECTION_DEFAULT, tol.BETA_SELECTION_DEFAULT)


@pytest.mark.parametrize("name", WITHIN)
def test_p_uniform_star_is_puniforms(name):
    stored = reference(name)["extras"]["puni_star_ML"]
    y, v, scale = data(name)
    side = "greater" if stored["side"] == "right" else "less"
    if name == "hine1989":
        with pytest.raises(InputError, match="no significant effect"):
            synthesis.p_uniform_star(y, v, side=side)
        return
    found = synthesis.p_uniform_star(y, v, side=side)
    floor = tol.P_UNIFORM * scale
    pairs = [(found.estimate, stored["est"]), (found.ci_low, stored["ci_lb"]), (found.ci_high, stored["ci_ub"])]
    if name == "morris2008":
        # puniform's search for the lower limit ended at its bound.
        pairs.pop(1)
    assert all(close(a, b, tol.P_UNIFORM, floor) for a, b in pairs), (pairs, found)
    assert close(found.tau2, stored["tau2"], tol.P_UNIFORM, floor * scale)
    assert close(found.lr, stored["L_0"], tol.P_UNIFORM, tol.P_UNIFORM)
    assert close(found.p, stored["pval_0"], tol.P_UNIFORM, tol.P_UNIFORM)


@pytest.mark.parametrize("name", [n for n in NAMES if (reference(n).get("extras") or {}).get("pcurve")])
def test_p_curve_is_dmetars_as_it_prints_it(name):
    """Three decimals. z-values beyond 8 are cut there; its flatness of the half curve conditions otherwise."""
    stored = reference(name)["extras"]["pcurve"]
    y, v, _ = data(name)
    found = synthesis.p_curve(y, v)
    assert (found.significant, found.below_half) == (stored["kAnalyzed"], stored["kp025"])
    results = stored["pcurveResults"]
    assert found.binomial_p == pytest.approx(results["pBinomial"][0], abs=tol.PRINTED_3 + tol.LAW)
    if (np.abs(y) / np.sqrt(v)).max() > 8:
        return
    assert found.skew_full_z == pytest.approx(results["zFull"][0], abs=tol.PRINTED_3)
    assert found.skew_half_z == pytest.approx(results["zHalf"][0], abs=tol.PRINTED_3)
    assert found.flat_full_z == pytest.approx(results["zFull"][1], abs=tol.PRINTED_3)


@pytest.mark.parametrize(("power", "flat"), [(0.0, False), (1 / 3, True)])
def test_p_curve_has_the_levels_of_its_two_hypotheses(power, flat):
    """Both tests are standard normal under what they test: no effect, and one of 33% power."""
    rng = np.random.default_rng(1)
    mean = 0.0 if not flat else 1.5288
    scores = []
    for _ in range(400):
        z = np.abs(rng.normal(mean, 1, 200))
        found = synthesis.p_curve(z, np.ones(200))
        scores.append((found.flat_full_z, found.flat_half_z) if flat else (found.skew_full_z, found.skew_half_z))
    full, half = (np.array([s for s in column if s is not None]) for column in zip(*scores, strict=True))
    for column in (full, half):
        assert abs(column.mean()) < 4 / math.sqrt(len(column))
        assert abs(column.std() - 1) < 4 / math.sqrt(2 * len(column))


def test_excess_significance_is_convolved_exactly():
    """All 2^6 outcomes of six studies."""
    rng = np.random.default_rng(3)
    y, v = rng.normal(0.3, 0.2, 6), rng.uniform(0.01, 0.1, 6)
    found = synthesis.excess_significance(y, v)
    chance = 0.0
    for outcome in range(64):
        hits = [(outcome >> i) & 1 for i in range(6)]
        if sum(hits) >= found.observed:
            chance += math.prod(p if hit else 1 - p for p, hit in zip(found.power, hits, strict=True))
    assert found.p == pytest.approx(chance, rel=tol.METAFOR)


@pytest.mark.parametrize("name", ["cohen1981", "raudenbush1985", "craft2003", "assink2016"])
def test_waap_is_least_squares_of_the_powered(name):
    """Written down again as a regression of t-values on precision."""
    y, v, _ = data(name)

    def regression(rows):
        x, t = 1 / np.sqrt(v[rows]), y[rows] / np.sqrt(v[rows])
        slope = (x @ t) / (x @ x)
        return slope, math.sqrt(((t - slope * x) ** 2).sum() / (len(x) - 1) / (x @ x))

    whole = synthesis.uwls(y, v)
    assert (whole.estimate, whole.se) == pytest.approx(regression(np.full(len(y), True)), rel=tol.SAME_FORMULA)
    powered = np.sqrt(v) <= abs(whole.estimate) / 2.8
    found = synthesis.waap(y, v)
    if powered.sum() >= 2:
        assert (found.method, found.k) == ("waap", powered.sum())
        assert (found.estimate, found.se) == pytest.approx(regression(powered), rel=tol.SAME_FORMULA)
    else:
        assert (found.method, found.estimate) == ("uwls", whole.estimate)
        assert "80% power" in found.notes[0]


def test_henmi_copas_p_belongs_to_its_interval():
    y, v, _ = data("colditz1994")
    found = synthesis.henmi_copas(y, v)
    edge = synthesis.henmi_copas(y, v, level=1 - found.p)
    assert edge.ci_high == pytest.approx(0, abs=tol.LAW)


def test_robust_pet_peese_is_that_of_the_regressions():
    """The regressions are compared with clubSandwich elsewhere; the choice is by PET's one-sided p."""
    y, v, _ = data("assink2016")
    cluster = [i // 3 for i in range(len(y))]
    found = synthesis.robust_pet_peese(y, v, cluster, rho=0.6)
    pet = synthesis.robust_regress(y, v, {"sei": list(np.sqrt(v))}, cluster, rho=0.6)
    peese = synthesis.robust_regress(y, v, {"vi": list(v)}, cluster, rho=0.6)
    assert (found.pet.limit, found.pet.limit_se) == (pet.estimate[0], pet.se[0])
    assert (found.peese.limit, found.peese.limit_ci_low) == (peese.estimate[0], peese.ci_low[0])
    assert found.chosen == ("peese" if pet.p[0] < 0.1 else "pet")
    assert found.estimate == (found.peese if found.chosen == "peese" else found.pet).limit


@pytest.mark.parametrize("tau2", [0.0, 0.03])
def test_power_is_the_share_of_pools_that_find_the_effect(tau2):
    rng = np.random.default_rng(7)
    v = rng.uniform(0.02, 0.2, 12)
    found = synthesis.pool_power(0.2, v, tau2=tau2)
    w = 1 / (v + tau2)
    z = rng.normal(0.2, np.sqrt(v + tau2), (20_000, 12)) @ w / math.sqrt(w.sum())
    share = (np.abs(z) > norm.ppf(0.975)).mean()
    assert abs(share - found.power) < 4 * math.sqrt(share * (1 - share) / 20_000)


def test_power_of_equal_samples_is_a_line_of_hand():
    """lambda = 0.2 / sqrt(0.0804 / 10): Phi(lambda - 1.96) + Phi(-lambda - 1.96)."""
    found = synthesis.pool_power(-0.2, [0.0804] * 10)
    shift = 0.2 / math.sqrt(0.00804)
    assert found.power == pytest.approx(norm.cdf(shift - norm.ppf(0.975)) + norm.cdf(-shift - norm.ppf(0.975)))
    assert synthesis.pool_power(0.2, [0.0804] * found.needed).power >= 0.8
    assert synthesis.pool_power(0.2, [0.0804] * (found.needed - 1)).power < 0.8


@pytest.mark.parametrize("function", ["beta_selection", "p_uniform_star", "henmi_copas", "limit_meta", "uwls", "waap"])
def test_estimates_follow_the_units_and_the_sign_of_the_effects(function):
    y, v, _ = data("cohen1981")
    call, turn = getattr(synthesis, function), {}
    if function in ("beta_selection", "p_uniform_star"):
        turn = {"alternative" if function == "beta_selection" else "side": "less"}
    plain, scaled, turned = call(y, v), call(100 * y, 1e4 * v), call(-y, v, **turn)
    assert scaled.estimate == pytest.approx(100 * plain.estimate, rel=tol.UNITS)
    assert (turned.estimate, turned.ci_low, turned.ci_high) == pytest.approx(
        (-plain.estimate, -plain.ci_high, -plain.ci_low), rel=tol.UNITS
    )


def test_the_likelihood_given_significance_has_the_derivatives_it_says():
    y, v, _ = data("cohen1981")
    cut = 1.96 * np.sqrt(v)
    problem: Likelihood = _Conditional(y, v, cut, np.where(y > cut, 1.0, -1.0))
    theta, step = np.array([0.3, 0.02]), 1e-6
    gradient, hessian = problem.derivatives(theta)
    for i, by in enumerate(np.eye(2) * step):
        assert gradient[i] == pytest.approx(
            (problem.value(theta + by) - problem.value(theta - by)) / (2 * step), rel=tol.FORMULA
        )
        slope = (problem.derivatives(theta + by)[0] - problem.derivatives(theta - by)[0]) / (2 * step)
        assert hessian[i] == pytest.approx(slope, rel=tol.FORMULA)


def test_what_cannot_be_adjusted_is_refused_by_name():
    with pytest.raises(InputError, match="all variances are equal"):
        synthesis.limit_meta([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    with pytest.raises(InputError, match="no significant effect"):
        synthesis.p_curve([0.1, 0.2], [0.1, 0.1])
    with pytest.raises(InputError, match="other than 0"):
        synthesis.pool_power(0.0, [0.1])
