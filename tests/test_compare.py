"""Contrasts and the bridge, against the design's table, closed forms and simulation."""

import math

import numpy as np
import pytest
import tolerances
from synthesis import compare, pool
from synthesis.errors import InputError
from synthesis.models.config import Bridge, Comparison


def document(name, yi, vi, samples=None, ci="hksj", metric="g"):
    fit = pool(yi, vi, ci=ci, metric=metric)
    samples = samples or [f"{name}{i}" for i in range(len(yi))]
    studies = [
        {"sample_id": s, "yi": y, "vi": v, "members": [{"yi": y, "vi": v}]}
        for s, y, v in zip(samples, yi, vi, strict=True)
    ]
    return fit.to_dict() | {"synthesis": name, "studies": studies}


A = document("a", [0.2, 0.4, 0.5, 0.7], [0.02, 0.03, 0.02, 0.05])
B = document("b", [0.1, 0.2, 0.0], [0.03, 0.02, 0.04])
PLAN = Comparison(title="a minus b", first="a", second="b")


@pytest.mark.parametrize(
    ("contrast", "d"), [("2_sd", 0.579), ("1_sd", 0.289), ("median_split", 0.455), ("concordance", 0.321)]
)
def test_conversions_of_flueckiger_2018(contrast, d):
    """r = .278: the abstract itself prints d = .579; the others are the design's .29, .46 (.455) and .32."""
    assert compare.CONTRASTS[contrast](0.278) == pytest.approx(d, abs=tolerances.PRINTED_3)


def test_median_split_and_concordance_hold_in_simulated_data():
    rng = np.random.default_rng(20261123)
    r, n = 0.45, 400_000
    x = rng.standard_normal(n)
    y = r * x + math.sqrt(1 - r * r) * rng.standard_normal(n)
    high, low = y[x > np.median(x)], y[x <= np.median(x)]
    d = (high.mean() - low.mean()) / math.sqrt((high.var(ddof=1) + low.var(ddof=1)) / 2)
    assert compare.d_after_median_split(r) == pytest.approx(d, abs=0.01)
    half = n // 2
    better = ((x[:half] - x[half:]) * (y[:half] - y[half:]) > 0).mean()
    assert compare.concordance_of_r(r) == pytest.approx(better, abs=0.005)


@pytest.mark.parametrize("r", [-0.9, -0.3, 0.0, 0.26, 0.8])
def test_conversions_are_odd_and_keep_concordance(r):
    for convert in compare.CONTRASTS.values():
        assert convert(-r) == pytest.approx(-convert(r), abs=1e-12)
    d = compare.d_at_equal_concordance(r)
    assert compare.concordance_of_d(d) == pytest.approx(compare.concordance_of_r(r))
    assert compare.d_at_2_sd(r) == pytest.approx(2 * compare.d_at_1_sd(r))


def test_contrast_is_a_welch_comparison_of_two_pools():
    row = compare.contrast("x", PLAN, A, B)
    assert row["difference"] == pytest.approx(A["estimate"] - B["estimate"])
    assert row["se"] == pytest.approx(math.hypot(A["se"], B["se"]))
    va, vb = A["se"] ** 2, B["se"] ** 2
    assert row["df"] == pytest.approx((va + vb) ** 2 / (va**2 / 3 + vb**2 / 2))
    assert row["ci_low"] < row["difference"] < row["ci_high"]


def test_contrast_with_normal_intervals_is_the_between_groups_test_of_metafor():
    """Separate tau2 and Wald intervals: the square of z is Q between of two subgroups."""
    a = document("a", [0.2, 0.4, 0.5, 0.7], [0.02, 0.03, 0.02, 0.05], ci="wald")
    b = document("b", [0.1, 0.2, 0.0], [0.03, 0.02, 0.04], ci="wald")
    row = compare.contrast("x", PLAN, a, b)
    assert row["df"] is None
    wa, wb = 1 / a["se"] ** 2, 1 / b["se"] ** 2
    mean = (wa * a["estimate"] + wb * b["estimate"]) / (wa + wb)
    q = wa * (a["estimate"] - mean) ** 2 + wb * (b["estimate"] - mean) ** 2
    assert row["statistic"] ** 2 == pytest.approx(q)


def test_swapping_the_sides_turns_the_sign():
    there, back = compare.contrast("x", PLAN, A, B), compare.contrast("x", PLAN, B, A)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["p"] == pytest.approx(back["p"])
    assert there["ci_low"] == pytest.approx(-back["ci_high"])


def test_shared_samples_are_refused_or_left_out_of_both_sides():
    a = document("a", [0.2, 0.4, 0.5], [0.02, 0.03, 0.02], ["s1", "s2", "s3"])
    b = document("b", [0.1, 0.2, 0.3], [0.03, 0.02, 0.04], ["s3", "s4", "s5"])
    with pytest.raises(InputError, match="s3"):
        compare.contrast("x", PLAN, a, b)
    row = compare.contrast("x", PLAN.model_copy(update={"shared_samples": "leave_out"}), a, b)
    assert row["left_out"] == "s3"
    assert (row["samples_first"], row["samples_second"]) == (2, 2)
    assert row["estimate_first"] == pytest.approx(pool([0.2, 0.4], [0.02, 0.03]).estimate)
    same = document("b", [0.2, 0.4, 0.5], [0.02, 0.03, 0.02], ["s1", "s2", "s3"])
    with pytest.raises(InputError, match="at least one sample"):
        compare.contrast("x", PLAN.model_copy(update={"shared_samples": "leave_out"}), a, same)


def test_bridge_shows_every_declared_contrast_with_transformed_limits():
    z = document("z", [0.2, 0.3, 0.25], [0.01, 0.02, 0.01], metric="z")
    plan = Bridge(title="x", association="z", effect="b")
    rows = compare.bridge("x", plan, z, B)
    assert [row["contrast"] for row in rows] == ["2_sd", "1_sd", "median_split", "concordance"]
    for row in rows:
        convert = compare.CONTRASTS[row["contrast"]]
        assert row["estimate_first"] == pytest.approx(convert(math.tanh(z["estimate"])))
        assert row["ci_low_first"] == pytest.approx(convert(math.tanh(z["ci_low"])))
        assert row["estimate_second"] == B["estimate"]
        assert row["difference"] == pytest.approx(row["estimate_first"] - B["estimate"])
    one_sd = rows[1]
    # d/dz of tanh(z)/sqrt(1 - tanh(z)^2) = d/dz sinh(z) = cosh(z).
    slope = math.cosh(z["estimate"])
    assert one_sd["se"] == pytest.approx(math.hypot(slope * z["se"], B["se"]), rel=1e-6)
