"""The Bayesian pool against bayesmeta 3.4, brute-force integration, laws and limits."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import tolerances
from scipy.integrate import quad_vec
from scipy.special import ndtr, ndtri
from synthesis.errors import InputError
from synthesis.meta import bayes as module
from synthesis.meta.bayes import Bayes, bayes, probability_above
from tally import reference

WITH_BAYESMETA = [
    "aloe2013", "baskerville2012", "cohen1981", "furukawa2003", "gibson2002", "molloy2014", "nakagawa2007",
    "raudenbush1985",
]  # fmt: skip
Y = np.array([0.1, 0.5, -0.3, 0.9])
V = np.array([0.04, 0.09, 0.02, 0.25])
EXTREME_V = np.array([1e-4, 1e4, 1.0, 0.01])
FIELDS = [field.name for field in dataclasses.fields(module.Posterior)]
SD, MODE = FIELDS.index("sd"), FIELDS.index("mode")


def table(result: Bayes):
    """mu, tau, new study and studies by FIELDS."""
    return np.array([dataclasses.astuple(p) for p in (result.mu, result.tau, result.predictive, *result.studies)])


def assert_same(ours, want, tolerance=tolerances.BAYES_LAW):
    """Within `tolerance` of each distribution's width (of its sd, for moments that a heavy tail governs)."""
    width = np.maximum(want[:, -1] - want[:, -2], 1e-300)
    off = np.abs(ours - want) / width[:, None]
    off[:, [0, SD]] /= np.maximum(1, want[:, SD] / width)[:, None]
    assert np.delete(off, MODE, axis=1).max() < tolerance
    assert off[:, MODE].max() < tolerances.BAYES_LAW_MODE


@pytest.mark.parametrize("name", WITH_BAYESMETA)
def test_agrees_with_bayesmeta(name):
    data = reference(name)
    expected = data["extras"]["bayesmeta_halfnormal0.5_flatmu"]
    result = bayes(data["data"]["yi"], data["data"]["vi"], tau_scale=0.5)
    rows = ("mode", "median", "mean", "sd", "low", "high")
    for column, posterior in (("tau", result.tau), ("mu", result.mu), ("theta", result.predictive)):
        for row, want in zip(rows, expected[column], strict=True):
            tolerance = {"mu": tolerances.BAYESMETA_MU, "theta": tolerances.BAYESMETA_THETA}.get(
                column,
                tolerances.BAYESMETA_TAU if row in ("median", "mean", "sd") else tolerances.BAYESMETA_TAU_OPTIMISED,
            )
            assert getattr(posterior, row) == pytest.approx(want, abs=tolerance), (column, row)


@pytest.mark.parametrize("prior", [None, (0.2, 0.5)])
def test_agrees_with_brute_force(prior):
    scale, y, v = 0.4, Y[:3], V[:3]
    result = bayes(y, v, tau_scale=scale, mu_prior=prior, thresholds=[0.3])

    def joint(mu, tau):
        exponent = -0.5 * (tau / scale) ** 2
        factor = math.sqrt(2 / math.pi) / scale
        pairs = zip(y.tolist(), (v + tau**2).tolist(), strict=True)
        for x, variance in [*pairs] + ([] if prior is None else [(prior[0], prior[1] ** 2)]):
            exponent -= 0.5 * (x - mu) ** 2 / variance
            factor /= math.sqrt(2 * math.pi * variance)
        return factor * math.exp(exponent)

    def expect(function, mu_from=-7.0, mu_to=7.0, tau_from=0.0, tau_to=3.2):
        def over_mu(tau):
            pieces = [mu_from, *(x for x in (-0.7, 0.0, 0.7) if mu_from < x < mu_to), mu_to]
            return sum(
                quad_vec(lambda mu: np.asarray(function(mu, tau)) * joint(mu, tau), a, b, epsabs=1e-8, epsrel=1e-8)[0]
                for a, b in itertools.pairwise(pieces)
            )

        return quad_vec(over_mu, tau_from, tau_to, epsabs=1e-8, epsrel=1e-8)[0]

    def shrunken(mu, tau):
        return (y[0] * tau**2 + mu * v[0]) / (tau**2 + v[0]), tau**2 * v[0] / (tau**2 + v[0])

    def moments(mu, tau):
        own, spread = shrunken(mu, tau)
        new, study = result.predictive, result.studies[0]
        cut = [ndtr((x - mu) / max(tau, 1e-300)) for x in (new.low, new.high, new.median)]
        mine = [ndtr((x - own) / max(spread, 1e-300) ** 0.5) for x in (study.low, study.high, study.high_central)]
        return [1, mu, mu**2, tau, tau**2, own, own**2 + spread, *cut, *mine]

    total, *values = expect(moments)
    mu, mu2, tau, tau2, own, own2, *cdf = np.array(values) / total
    near = {"abs": tolerances.BRUTE_FORCE, "rel": 0}
    assert result.mu.mean == pytest.approx(mu, **near)
    assert result.mu.sd == pytest.approx((mu2 - mu**2) ** 0.5, **near)
    assert result.tau.mean == pytest.approx(tau, **near)
    assert result.tau.sd == pytest.approx((tau2 - tau**2) ** 0.5, **near)
    assert result.predictive.sd == pytest.approx((mu2 + tau2 - mu**2) ** 0.5, **near)
    assert result.studies[0].mean == pytest.approx(own, **near)
    assert result.studies[0].sd == pytest.approx((own2 - own**2) ** 0.5, **near)
    assert cdf[1] - cdf[0] == pytest.approx(0.95, **near)
    assert cdf[2] == pytest.approx(0.5, **near)
    assert cdf[4] - cdf[3] == pytest.approx(0.95, **near)
    assert cdf[5] == pytest.approx(0.975, **near)

    def one(mu, tau):
        return [1.0]

    assert result.p_positive == pytest.approx(expect(one, mu_from=0.0)[0] / total, **near)
    assert result.p_tau_above[0][1] == pytest.approx(expect(one, tau_from=0.3)[0] / total, **near)
    assert expect(one, mu_to=result.mu.low_central)[0] / total == pytest.approx(0.025, **near)
    assert expect(one, tau_to=result.tau.median)[0] / total == pytest.approx(0.5, **near)
    if prior is None:
        assert result.log_marginal_likelihood is None
    else:
        assert result.log_marginal_likelihood == pytest.approx(np.log(total), **near)


@pytest.mark.parametrize("v", [V, EXTREME_V])
@pytest.mark.parametrize("scale", [1e-6, 0.01, 0.5, 100.0, 1e6])
@pytest.mark.parametrize("prior", [None, (0.0, 1.0)])
def test_twice_the_nodes_change_nothing(v, scale, prior, monkeypatch):
    once = bayes(Y, v, tau_scale=scale, mu_prior=prior, thresholds=[scale])
    monkeypatch.setattr(module, "_NODES", 2 * module._NODES)
    twice = bayes(Y, v, tau_scale=scale, mu_prior=prior, thresholds=[scale])
    assert_same(table(once), table(twice))
    assert once.p_positive == pytest.approx(twice.p_positive, abs=1e-11)
    assert once.p_tau_above[0][1] == pytest.approx(twice.p_tau_above[0][1], abs=1e-11)


@pytest.mark.parametrize("v", [V, EXTREME_V])
@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e8])
def test_the_unit_of_the_data_does_not_matter(v, unit):
    plain = bayes(Y, v, tau_scale=0.3, mu_prior=(0.1, 2.0), thresholds=[0.2])
    scaled = bayes(
        Y * unit, v * unit**2, tau_scale=0.3 * unit, mu_prior=(0.1 * unit, 2 * unit), thresholds=[0.2 * unit]
    )
    assert_same(table(scaled) / unit, table(plain))
    assert scaled.p_tau_above[0][1] == pytest.approx(plain.p_tau_above[0][1], abs=tolerances.BAYES_LAW)
    shift = len(Y) * np.log(unit)
    assert scaled.log_marginal_likelihood + shift == pytest.approx(plain.log_marginal_likelihood, abs=1e-8)


def test_a_shift_moves_places_only():
    plain, moved = table(bayes(Y, V)), table(bayes(Y + 7, V))
    shift = np.full(plain.shape, 7.0)
    shift[1], shift[:, SD] = 0, 0
    assert_same(moved - shift, plain)
    assert bayes(-Y, V).p_positive == pytest.approx(1 - bayes(Y, V).p_positive, abs=tolerances.BAYES_LAW)


def test_the_order_of_studies_does_not_matter():
    order = np.array([2, 0, 3, 1])
    plain, other = table(bayes(Y, EXTREME_V)), table(bayes(Y[order], EXTREME_V[order]))
    assert_same(other[:3], plain[:3])
    assert_same(other[3:], plain[3:][order])


def test_many_studies_are_summarised_as_one_by_one():
    generator = np.random.default_rng(1)
    v = generator.uniform(0.01, 0.2, 150)
    y = generator.normal(0.3, np.sqrt(v + 0.04))
    result = bayes(y, v)
    last = bayes(np.roll(y, 1), np.roll(v, 1)).studies[0]
    assert dataclasses.astuple(result.studies[-1]) == pytest.approx(
        dataclasses.astuple(last), abs=tolerances.BAYES_LAW_MODE
    )
    assert result.tau.low < 0.2 < result.tau.high


@pytest.mark.parametrize("v", [V, EXTREME_V])
def test_a_tiny_prior_scale_gives_the_fixed_effect_posterior(v):
    w = 1 / v
    mean, se = w @ Y / w.sum(), w.sum() ** -0.5
    result = bayes(Y, v, tau_scale=1e-7 * np.sqrt(v.min()))
    for posterior in (result.mu, result.predictive, *result.studies):
        assert (posterior.mean, posterior.sd) == pytest.approx((mean, se), rel=1e-6)
        limits = mean - 1.959963984540054 * se, mean + 1.959963984540054 * se
        assert (posterior.low, posterior.high) == pytest.approx(limits, abs=1e-6 * se)
    assert result.p_positive == pytest.approx(ndtr(mean / se), abs=1e-6)


def test_a_huge_prior_scale_is_the_flat_prior_of_tau():
    generator = np.random.default_rng(2)
    y, v = generator.normal(0, 1, 30), np.full(30, 0.1)
    wide, wider = (table(bayes(y, v, tau_scale=scale)) for scale in (1e5, 1e7))
    assert_same(wide, wider, 1e-7)
    # Nothing shrinks where tau dwarfs the standard errors.
    far = bayes([-1e3, 0.0, 1e3], [1.0, 1.0, 1.0], tau_scale=1e6)
    assert [study.mean for study in far.studies] == pytest.approx([-1e3, 0, 1e3], abs=0.01)


def test_a_single_study_leaves_tau_its_prior():
    result = bayes([0.4], [0.09], tau_scale=0.5, thresholds=[0.0, 0.5])
    half_normal = 0.5 * ndtri((1 + np.array([0.5, 0.95, 0.025, 0.975])) / 2)
    tau = result.tau
    assert (tau.median, tau.high, tau.low_central, tau.high_central) == pytest.approx(
        half_normal, abs=tolerances.BAYES_LAW
    )
    assert (tau.low, tau.mode, tau.mean) == pytest.approx((0, 0, 0.5 * np.sqrt(2 / np.pi)), abs=tolerances.BAYES_LAW)
    assert [p for _, p in result.p_tau_above] == pytest.approx([1, 2 * ndtr(-1)], abs=tolerances.BAYES_LAW)
    assert result.mu.mean == result.mu.median == pytest.approx(0.4)
    assert result.mu.sd == pytest.approx(np.sqrt(0.09 + 0.25), abs=tolerances.BAYES_LAW)
    assert dataclasses.astuple(result.studies[0])[:3] == pytest.approx((0.4, 0.4, 0.4), abs=tolerances.BAYES_LAW)
    assert result.studies[0].sd == pytest.approx(0.3, abs=tolerances.BAYES_LAW)
    assert "1 study" in result.notes[0]


def test_an_interval_is_the_shortest_of_its_mass():
    data = reference("gibson2002")["data"]
    for level in (0.5, 0.95, 0.999):
        mu = bayes(data["yi"], data["vi"], level=level).mu
        step = 1e-5
        ends = [mu.low - step, mu.low, mu.low + step, mu.high - step, mu.high, mu.high + step]
        above = probability_above(data["yi"], data["vi"], ends)
        assert above[1] - above[4] == pytest.approx(level, abs=1e-11)
        # The density is the same at both ends.
        assert above[0] - above[2] == pytest.approx(above[3] - above[5], abs=1e-9)
        assert mu.high - mu.low < mu.high_central - mu.low_central


@pytest.mark.parametrize(("outlier", "scale"), [(6.0, 0.5), (7.0, 1.0)])
def test_two_modes_still_give_the_shortest_interval(outlier, scale):
    # A far study with a narrow prior: tau is small and the study shrinks to the others, or large and it does not.
    data = [0.0, 0.05, -0.05, 0.02, outlier], [0.01, 0.01, 0.01, 0.01, 1.0]

    def quantiles(p):
        result = bayes(*data, tau_scale=scale, level=abs(1 - 2 * p))
        column = "low_central" if p < 0.5 else "high_central"
        return table(result)[:, FIELDS.index(column)]

    shortest = table(bayes(*data, tau_scale=scale))
    found = shortest[:, FIELDS.index("high")] - shortest[:, FIELDS.index("low")]
    tried = [quantiles(p + 0.95) - quantiles(p) for p in np.linspace(0.0001, 0.0499, 15)]
    assert (found <= np.min(tried, axis=0) * (1 + 1e-9)).all()


def test_a_narrow_prior_of_tau_is_noted():
    assert any("narrow" in note for note in bayes(np.arange(8.0), np.full(8, 0.01), tau_scale=0.1).notes)
    assert bayes(np.zeros(8), np.full(8, 0.01)).notes == ()


def test_probability_above_matches_the_pool():
    result = bayes(Y, V, mu_prior=(0.0, 1.0))
    zero, median = probability_above(Y, V, [0.0, result.mu.median], mu_prior=(0.0, 1.0))
    assert (zero, median) == pytest.approx((result.p_positive, 0.5), abs=1e-12)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"tau_scale": 0.0}, "tau_scale"),
        ({"tau_scale": -1.0}, "tau_scale"),
        ({"tau_scale": float("nan")}, "tau_scale"),
        ({"tau_scale": float("inf")}, "tau_scale"),
        ({"mu_prior": (0.0, 0.0)}, "mu_prior"),
        ({"mu_prior": (float("nan"), 1.0)}, "mu_prior"),
        ({"mu_prior": (0.0, float("inf"))}, "mu_prior"),
        ({"mu_prior": (0.0,)}, "mu_prior"),
        ({"level": 95}, "level"),
        ({"level": 0.0}, "level"),
        ({"thresholds": [-0.1]}, "thresholds"),
        ({"thresholds": [float("nan")]}, "thresholds"),
    ],
)
def test_bad_options_are_refused(options, where):
    with pytest.raises(InputError) as caught:
        bayes(Y, V, **options)
    assert [problem.where for problem in caught.value.problems] == [where]


def test_bad_effects_and_every_problem_are_reported():
    with pytest.raises(InputError, match=r"vi\[1\]"):
        bayes([0.1, 0.2], [0.1, 0.0])
    with pytest.raises(InputError, match="at least one effect"):
        bayes([], [])
    with pytest.raises(InputError) as caught:
        probability_above(Y, V, [0.0], tau_scale=0, mu_prior=(0, -1))
    assert [problem.where for problem in caught.value.problems] == ["tau_scale", "mu_prior"]
