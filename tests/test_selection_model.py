"""The step-function selection model against metafor's, its symmetries, refusals, and a simulation of known bias."""

import numpy as np
import pytest
import tolerances
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
