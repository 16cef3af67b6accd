"""Clinical relevance against closed forms and brute force; interactions against their printed numbers."""

import math

import numpy as np
import pytest
import tolerances
from msgspec.structs import replace
from scipy import stats
from synthesis import pool
from synthesis.compare import relevance as compared
from synthesis.compare.relevance import interaction
from synthesis.data.published import rows_by_id, threshold
from synthesis.errors import InputError
from synthesis.plan.config import Interaction, Relevance
from typed import on_documents, raw_row

PLAN = Relevance(thresholds={"g": ("th", "gap")}, bootstrap=400)

against_threshold, relevance, shares_between = map(
    on_documents, (compared.against_threshold, compared.relevance, compared.shares_between)
)


def document(yi, vi, metric="g", **changes):
    studies = [{"sample_id": str(i), "yi": y, "vi": v} for i, (y, v) in enumerate(zip(yi, vi, strict=True))]
    return pool(yi, vi, metric=metric).to_dict() | {"synthesis": "x", "title": "X", "studies": studies} | changes


SPREAD = document([0.0, 0.2, 0.9, 0.5, 0.4, 0.7], [0.01, 0.02, 0.015, 0.03, 0.01, 0.02])


def raw(effect_id, **changes):
    return raw_row({"effect_id": effect_id, "statistic": "smd", "value": 0.24, "study": effect_id} | changes)


def test_one_sided_tests_are_those_of_the_fit():
    row = against_threshold(SPREAD, "th", 0.24, "label", PLAN)
    t = (SPREAD["estimate"] - 0.24) / SPREAD["se"]
    assert row.p_above == pytest.approx(stats.t.sf(t, 5))
    assert row.p_below == pytest.approx(stats.t.cdf(t, 5))
    both = max(row.p_below, stats.t.sf((SPREAD["estimate"] + 0.24) / SPREAD["se"], 5))
    assert row.p_equivalence == pytest.approx(both)
    new = stats.t.sf((0.24 - SPREAD["estimate"]) / math.hypot(SPREAD["se"], math.sqrt(SPREAD["tau2"])), 4)
    assert row.probability_new_above == pytest.approx(new)


def test_shares_are_the_normal_tail_and_the_calibrated_estimates():
    """Mathur and VanderWeele (2019), eq. 1.2; Wang and Lee (2019): calibrated estimates have variance near tau2."""
    parametric, empirical = shares_between(SPREAD, 0.24, math.inf, PLAN)
    mean, tau2 = SPREAD["estimate"], SPREAD["tau2"]
    assert parametric.value == pytest.approx(stats.norm.sf(0.24, mean, math.sqrt(tau2)))
    pulled = [mean + math.sqrt(tau2 / (tau2 + s["vi"])) * (s["yi"] - mean) for s in SPREAD["studies"]]
    assert empirical.value == pytest.approx(np.mean([x > 0.24 for x in pulled]))
    for share in (parametric, empirical):
        assert 0 <= share.low <= share.value <= share.high <= 1
    below, _ = shares_between(SPREAD, -math.inf, 0.24, PLAN)
    assert below.value == pytest.approx(1 - parametric.value)


def test_the_bootstrap_interval_covers_about_as_often_as_it_says():
    """Percentile intervals of shares undercover with few samples (Mathur and VanderWeele 2019 advise 10 or more)."""
    rng = np.random.default_rng(20261123)
    truth, hits, runs = stats.norm.sf(0.2, 0.4, 0.3), 0, 60
    for _ in range(runs):
        yi = rng.normal(0.4, 0.3, 25) + rng.normal(0, 0.1, 25)
        share, _ = shares_between(document(yi, np.full(25, 0.01)), 0.2, math.inf, PLAN)
        hits += share.low <= truth <= share.high
    assert hits / runs > tolerances.BOOTSTRAP_COVERAGE


def test_without_heterogeneity_all_or_none_of_the_true_effects_are_above():
    same = document([0.3] * 6, [0.02] * 6)
    assert shares_between(same, 0.24, math.inf, PLAN)[0].value == 1
    assert shares_between(same, 0.36, math.inf, PLAN)[0].value == 0


def test_few_samples_have_no_interval_and_one_sample_no_share():
    row = against_threshold(document([0.1, 0.5, 0.3], [0.02] * 3), "th", 0.24, "", PLAN)
    assert row.share_above is not None
    assert row.share_above_low is None
    assert "fewer than 5" in row.note
    assert against_threshold(document([0.1], [0.02]), "th", 0.24, "", PLAN).share_above is None


@pytest.mark.parametrize(("shift", "conclusion"), [(2, "above"), (-0.4, "smaller"), (-0.2, "cannot be decided")])
def test_conclusions(shift, conclusion):
    moved = document([s["yi"] * 0.2 + 0.4 + shift for s in SPREAD["studies"]], [0.002] * 6)
    assert against_threshold(moved, "th", 0.24, "", PLAN).conclusion == conclusion


def test_a_threshold_that_is_a_gap_decides_nothing():
    rows = rows_by_id([raw("th"), raw("gap", value=None)])
    decided, gap = relevance([SPREAD], rows, PLAN)
    assert decided.threshold_value == 0.24
    assert gap.conclusion == "cannot be decided"
    assert "not in the reachable text" in gap.note


def test_thresholds_belong_to_their_scale():
    rows = rows_by_id([raw("th"), raw("r", statistic="r", value=0.3), raw("points", statistic="threshold_points")])
    assert threshold("key", "r", "z", rows) == pytest.approx(math.atanh(0.3))
    with pytest.raises(InputError, match="threshold_points"):
        threshold("key", "points", "g", rows)
    with pytest.raises(InputError, match="an effect_id of a source"):
        threshold("key", "nothing", "g", rows)


BOWER = Interaction(title="B", coefficient="c", points="p", threshold="th", points_threshold="gap")


def bower(**changes):
    coefficient = raw("c", statistic="coef", value=-0.1, ci_low=-0.19, ci_high=-0.002, direction=-1.0)
    coefficient = replace(coefficient, **changes)
    return rows_by_id([coefficient, raw("p", statistic="coef", value=1.0), raw("th"), raw("gap", value=None)])


def test_interaction_of_bower_2013():
    """BMJ 346:f540, abstract: -0.1 (95% CI -0.19 to -0.002), about one point on the Beck inventory for one SD."""
    row = interaction("x", BOWER, bower(), 0.95)
    assert (row.coefficient, row.ci_low, row.ci_high) == pytest.approx((0.1, 0.002, 0.19))
    assert row.se == pytest.approx(0.188 / 2 / 1.959963984540054)
    assert row.p < 0.05
    assert row.conclusion == "smaller"
    assert (row.points, row.points_low, row.points_high) == pytest.approx((1.0, 0.02, 1.9))
    assert row.points_conclusion == "cannot be decided"
    assert "points is not in the reachable text" in row.note


def test_turning_the_scale_of_an_interaction_changes_nothing():
    turned = interaction("x", BOWER, bower(value=0.1, ci_low=0.002, ci_high=0.19, direction=1.0), 0.95)
    assert turned == interaction("x", BOWER, bower(), 0.95)


def test_an_interaction_without_interval_or_number_decides_nothing():
    row = interaction("x", BOWER, bower(ci_low=None), 0.95)
    assert (row.conclusion, row.se) == ("cannot be decided", None)
    assert interaction("x", BOWER, bower(value=None), 0.95).conclusion == "cannot be decided"


def test_power_is_for_a_mean_of_the_thresholds_size():
    """lambda = 0.24 / se, two-sided 5%; a threshold of 0 has none."""
    row = against_threshold(SPREAD, "th", 0.24, "label", PLAN)
    v = np.array([s["vi"] for s in SPREAD["studies"]])
    shift = 0.24 * math.sqrt((1 / (v + SPREAD["tau2"])).sum())
    critical = stats.norm.ppf(0.975)
    assert row.power == pytest.approx(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))
    assert row.samples_for_80 > len(v) if row.power < 0.8 else row.samples_for_80 <= len(v)
    assert against_threshold(SPREAD, "th", 0.0, "label", PLAN).power is None
