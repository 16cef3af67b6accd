"""The step-function selection model against metafor's, its symmetries, refusals, and a simulation of known bias."""

import math

import numpy as np
import pytest
import tolerances
from scipy.stats import norm
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.meta.selection_model import selection_model
from tally import NAMES, reference

UNPOLISHED = {(name, "step_025_5_greater") for name in ("aloe2013", "knapp2017", "molloy2014")}
LEAST_PER_MODEL = 10

FIELDS = {
    "estimate": "estimate", "se": "se", "zval": "statistic", "pval": "p", "ci_lb": "ci_low", "ci_ub": "ci_high",
    "tau2": "tau2", "se_tau2": "tau2_se", "LRT": "lrt", "LRTp": "lrt_p", "ll": "log_likelihood",
}  # fmt: skip


def effects(name):
    data = reference(name)["data"]
    return np.array(data["yi"], dtype=float), np.array(data["vi"], dtype=float)


def cases(name):
    """Stored step models of which every interval holds a study: the others leave a delta unidentified."""
    for key, expected in (reference(name).get("selmodel") or {}).items():
        if key.startswith("step") and expected and min(expected["k_per_interval"]) > 0:
            yield key, expected


def fit(y, v, expected):
    alternative = expected["alternative"].replace(".", "-")
    return selection_model(y, v, steps=tuple(expected["steps"][:-1]), alternative=alternative)


def close(ours, theirs, relative, scale):
    return abs(ours - theirs) <= relative * abs(theirs) or abs(ours - theirs) <= tolerances.SELECTION_ABSOLUTE * scale


@pytest.mark.parametrize("name", [name for name in NAMES if list(cases(name))])
def test_agrees_with_metafor(name):
    y, v = effects(name)
    scale = float(np.abs(y).max())
    for key, expected in cases(name):
        found = fit(y, v, expected)
        assert list(found.k_per_interval) == expected["k_per_interval"]
        assert found.lrt_df == expected["LRTdf"]
        unpolished = (name, key) in UNPOLISHED
        assert found.log_likelihood >= expected["ll"] - (0 if unpolished else tolerances.SELECTION_LIKELIHOOD)
        relative = tolerances.SELECTION_UNPOLISHED if unpolished else tolerances.SELECTION
        pairs = [(label, getattr(found, ours), expected[label]) for label, ours in FIELDS.items()]
        pairs += [("delta", a, b) for a, b in zip(found.delta, expected["delta"], strict=True)]
        pairs += [("se_delta", a, b) for a, b in zip(found.delta_se, expected["se_delta"], strict=True)]
        # The stored tau2 has a standard error even on its boundary, where none is defined.
        pairs = [p for p in pairs if not (p[0] == "se_tau2" and found.tau2 == 0)]
        assert all((ours is None) == (theirs is None) for _, ours, theirs in pairs)
        numbers = [p for p in pairs if p[1] is not None]
        assert len(numbers) >= LEAST_PER_MODEL
        units = {"delta": 1.0, "se_delta": 1.0, "zval": 1.0, "pval": 1.0, "LRT": 1.0, "LRTp": 1.0, "ll": 1.0}
        wrong = [(key, *p) for p in numbers if not close(p[1], p[2], relative, units.get(p[0], scale))]
        assert not wrong


def test_battery_is_not_empty():
    assert sum(len(list(cases(name))) for name in NAMES) > 100


@pytest.mark.parametrize("factor", [1e-8, 1e-3, 1e8])
def test_scales_with_the_effects(factor):
    y, v = effects("assink2016")
    one = selection_model(y, v, steps=(0.025, 0.5))
    other = selection_model(y * factor, v * factor**2, steps=(0.025, 0.5))
    assert other.estimate == pytest.approx(one.estimate * factor, rel=tolerances.SELECTION_LAW)
    assert other.se == pytest.approx(one.se * factor, rel=tolerances.SELECTION_LAW)
    assert other.tau2 == pytest.approx(one.tau2 * factor**2, rel=tolerances.SELECTION_LAW)
    assert other.tau2_se == pytest.approx(one.tau2_se * factor**2, rel=tolerances.SELECTION_LAW)
    assert other.delta == pytest.approx(one.delta, rel=tolerances.SELECTION_LAW)
    assert other.lrt == pytest.approx(one.lrt, rel=tolerances.SELECTION_LAW)
    assert other.log_likelihood == pytest.approx(
        one.log_likelihood - len(y) * np.log(factor), rel=tolerances.SELECTION_LAW
    )


def test_sign_flip_exchanges_greater_and_less():
    y, v = effects("white2020")
    one, other = selection_model(y, v, alternative="greater"), selection_model(-y, v, alternative="less")
    assert other.estimate == pytest.approx(-one.estimate, rel=tolerances.SELECTION_LAW)
    assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), rel=tolerances.SELECTION_LAW)
    assert other.delta == pytest.approx(one.delta, rel=tolerances.SELECTION_LAW)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=tolerances.SELECTION_LAW)


def test_maximum_at_tau2_zero_beside_an_interior_one():
    """The likelihood has a lower maximum at tau2 = .0019; found by a search over simulated sets."""
    y = np.array([0.0, 0.32395379, 0.27185844, 0.1437969, 0.26610325])
    v = np.array([0.01446024, 0.02494607, 0.00692424, 0.00196857, 0.00544293])
    found = selection_model(y, v)
    assert (found.tau2, found.tau2_se) == (0.0, None)
    assert found.estimate == pytest.approx(0.15403, abs=1e-5)
    assert any("tau2 is 0" in note for note in found.notes)
    assert any("hardly estimable" in note for note in found.notes)


@pytest.mark.parametrize(
    ("y", "v", "options", "said"),
    [
        ([0.5, 0.6, 0.7, 0.8], [0.01] * 4, {}, "0.025 to 1"),
        ([0.0, 0.01, -0.02, 0.03], [0.01] * 4, {"alternative": "less"}, "0 to 0.025"),
        ([0.5, 0.1], [0.01] * 2, {}, "at least 3"),
        ([0.5, 0.1, 0.0], [0.01, 0.01, 0.0], {}, "above 0"),
        ([0.5, 0.1, np.nan], [0.01] * 3, {}, "finite"),
        ([0.5, 0.1, 0.0], [0.01] * 3, {"steps": ()}, "rising"),
        ([0.5, 0.1, 0.0], [0.01] * 3, {"steps": (0.5, 0.025)}, "rising"),
        ([0.5, 0.1, 0.0], [0.01] * 3, {"steps": (0.025, 1.0)}, "rising"),
        ([0.5, 0.1, 0.0], [0.01] * 3, {"alternative": "two.sided"}, "two-sided"),
        ([0.5, 0.1, 0.0], [0.01] * 3, {"level": 95}, "0.95"),
    ],
)
def test_refuses(y, v, options, said):
    with pytest.raises(InputError) as caught:
        selection_model(y, v, **options)
    assert said in str(caught.value)


def test_refuses_where_metafor_leaves_a_delta_at_its_bound():
    y, v = effects("colditz1994")
    assert reference("colditz1994")["selmodel"]["step_025_greater"]["delta"][1] > 99
    with pytest.raises(InputError, match="no study with p-values from 0 to"):
        selection_model(y, v)


def test_undoes_simulated_selection():
    truth, kept = 0.2, 0.2
    rng = np.random.default_rng(20240517)
    v = rng.uniform(0.01, 0.1, 1500)
    y = rng.normal(truth, np.sqrt(v + 0.02))
    seen = (y > 1.959963984540054 * np.sqrt(v)) | (rng.random(1500) < kept)
    y, v = y[seen], v[seen]
    adjusted = selection_model(y, v)
    plain = pool(y, v, tau2="ML", ci="wald").estimate
    assert abs(adjusted.estimate - truth) < abs(plain - truth) / 3
    assert adjusted.ci_low < truth < adjusted.ci_high
    assert abs(adjusted.delta[1] - kept) < 3 * adjusted.delta_se[1]
    assert adjusted.lrt_p < 1e-6


def test_finds_a_maximum_with_a_tiny_delta():
    """29 of 30 studies just significant: the maximum is far outside a bounded search in delta."""
    y, v = np.array([0.06, *(0.392 + 0.0005 * (j + 1) for j in range(29))]), np.full(30, 0.04)
    found = selection_model(y, v)
    # By Nelder-Mead on scipy.stats.norm in logs, from 12 starts.
    assert found.log_likelihood == pytest.approx(79.921342711, abs=1e-6)


def log_densities(y, v, steps, theta):
    """Of each effect given that it appeared, one-sided, for theta = (mean, tau2, delta_2, ...): written down again."""
    mean, tau2, *delta = theta
    cuts, share, sd = [0.0, *steps, 1.0], [1.0, *delta], np.sqrt(v + tau2)
    p = norm.sf(y / np.sqrt(v))
    own = np.array([share[int(np.searchsorted(cuts[1:], value))] for value in p])
    edges = [norm.isf(cut) * np.sqrt(v) for cut in cuts]
    chance = sum(
        share[j] * (norm.cdf(edges[j], mean, sd) - norm.cdf(edges[j + 1], mean, sd)) for j in range(len(share))
    )
    return norm.logpdf(y, mean, sd) + np.log(own / chance)


def sandwich(y, v, steps, theta, clusters):
    """By differences of the log densities alone."""
    theta, n = np.array(theta), len(theta)
    size = np.diag(1e-4 * np.maximum(np.abs(theta), 0.01))

    def value(at):
        return log_densities(y, v, steps, at)

    scores = np.array([(value(theta + h) - value(theta - h)) / (2 * h.sum()) for h in size]).T
    hessian = np.empty((n, n))
    for i, a in enumerate(size):
        for j, b in enumerate(size):
            four = value(theta + a + b) - value(theta + a - b) - value(theta - a + b) + value(theta - a - b)
            hessian[i, j] = four.sum() / (4 * a.sum() * b.sum())
    summed = np.array([scores[np.array(clusters) == c].sum(axis=0) for c in dict.fromkeys(clusters)])
    bread = np.linalg.inv(hessian)
    return np.sqrt(np.diag(bread @ summed.T @ summed @ bread))


@pytest.mark.parametrize("steps", [(0.025,), (0.025, 0.5)])
@pytest.mark.parametrize("per_cluster", [1, 3])
def test_robust_errors_are_the_sandwich_of_numerical_scores(steps, per_cluster):
    y, v = effects("assink2016")
    clusters = [f"s{i // per_cluster}" for i in range(len(y))]
    found = selection_model(y, v, steps=steps, clusters=clusters)
    theta = [found.estimate, found.tau2, *found.delta[1:]]
    expected = sandwich(y, v, steps, theta, clusters)
    ours = [found.se, found.tau2_se, *found.delta_se[1:]]
    assert ours == pytest.approx(expected, rel=tolerances.SANDWICH)


def test_robust_errors_leave_the_estimates_and_take_order_and_names_of_clusters_as_they_come():
    y, v = effects("assink2016")
    clusters = [i // 4 for i in range(len(y))]
    plain, robust = selection_model(y, v), selection_model(y, v, clusters=clusters)
    assert (robust.estimate, robust.tau2, robust.delta) == (plain.estimate, plain.tau2, plain.delta)
    assert robust.se != plain.se
    half = norm.ppf(0.975) * robust.se
    assert (robust.ci_low, robust.ci_high) == pytest.approx((robust.estimate - half, robust.estimate + half))
    mixed = np.random.default_rng(2).permutation(len(y))
    other = selection_model(y[mixed], v[mixed], clusters=[f"x{clusters[i]}" for i in mixed])
    assert other.se == pytest.approx(robust.se, rel=tolerances.SELECTION_LAW)
    assert any("25 clusters" in note and "scores" in note for note in robust.notes)


def test_effects_said_twice_are_worth_as_much_as_once():
    """A cluster that repeats its effect has its score twice: the error is that of the effects once."""
    y, v = effects("cohen1981")
    once = selection_model(y, v, clusters=list(range(len(y))))
    twice = selection_model(np.tile(y, 2), np.tile(v, 2), clusters=[*range(len(y))] * 2)
    assert twice.estimate == pytest.approx(once.estimate, rel=tolerances.SELECTION_LAW)
    assert twice.se == pytest.approx(once.se, rel=tolerances.SELECTION_LAW)
    assert selection_model(np.tile(y, 2), np.tile(v, 2)).se == pytest.approx(
        selection_model(y, v).se / math.sqrt(2), rel=tolerances.SELECTION_LAW
    )


def test_no_more_clusters_than_parameters_are_refused():
    y, v = effects("assink2016")
    with pytest.raises(InputError, match="3 clusters"):
        selection_model(y, v, clusters=[i % 3 for i in range(len(y))])
