"""Clusters in the treated arm alone: printed factors, the law of large numbers, laws, the plan and refusals."""

import math

import numpy as np
import pytest
import yaml
from conftest import Project
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data.extraction import extract
from synthesis.data.one_arm import clustered_arm, for_clusters
from synthesis.data.registry import Estimate, Policy
from synthesis.data.smd import mean_sd_to_g, small_sample_factor
from synthesis.errors import CannotConvert, InputError
from synthesis.plan.plan import check, load
from test_ratios import row
from test_sharing import ARMS, begin
from tolerances import LAW, MONTE_CARLO_VARIANCE, PRINTED_3


def test_the_factors_are_those_that_are_printed():
    """sqrt(gamma) 0.978 and eta 1.1: examples of gamma_1armcluster and eta_1armcluster, R package VIVECampbell."""
    plain, clustered = Estimate(1e-9, 0), clustered_arm(1e-9, 60, 40, 5, 0.1)
    inside, between = 98 * 0.9, 55 * 0.1
    h = (inside + between) ** 2 / (98 * 0.81 + 55 * 5 * 0.01 + 2 * 55 * 0.9 * 0.1)
    assert clustered.yi / plain.yi * small_sample_factor(98) / small_sample_factor(h) == pytest.approx(
        0.978, abs=PRINTED_3
    )
    assert clustered.vi == pytest.approx((1 / 60 + 1 / 40) * 1.1, rel=LAW)


@pytest.mark.parametrize(
    ("n_treat", "n_control", "size", "icc"), [(60, 40, 10, 0.2), (24, 30, 4, 0.1), (80, 20, 8, 0.4)]
)
def test_it_is_right_in_the_long_run(n_treat, n_control, size, icc):
    """20,000 trials, half a total SD apart: the naive g is too large, and varies more than it says."""
    random, trials, delta = np.random.default_rng(7), 20_000, 0.5
    clusters = n_treat // size
    therapist = math.sqrt(icc) * random.normal(size=(trials, clusters)).repeat(size, axis=1)
    treat = delta + therapist + math.sqrt(1 - icc) * random.normal(size=(trials, n_treat))
    control = math.sqrt(1 - icc) * random.normal(size=(trials, n_control))
    arms = (treat.mean(axis=1), treat.std(axis=1, ddof=1), control.mean(axis=1), control.std(axis=1, ddof=1))
    naive = [mean_sd_to_g(m1, s1, n_treat, m0, s0, n_control) for m1, s1, m0, s0 in zip(*arms, strict=True)]
    found = [clustered_arm(one.yi, n_treat, n_control, size, icc) for one in naive]
    g = np.array([one.yi for one in found])
    assert g.mean() == pytest.approx(delta, abs=4 * g.std() / math.sqrt(trials))
    assert np.mean([one.vi for one in found]) == pytest.approx(g.var(), rel=MONTE_CARLO_VARIANCE)
    assert np.mean([one.yi for one in naive]) > delta + 4 * g.std() / math.sqrt(trials)
    assert np.mean([one.vi for one in naive]) < (1 - MONTE_CARLO_VARIANCE) * np.var([one.yi for one in naive])


@given(st.floats(-2, 2), st.integers(5, 200), st.integers(5, 200), st.floats(1.5, 5), st.floats(0, 0.9))
def test_more_correlation_says_less(g, n_treat, n_control, size, icc):
    none = clustered_arm(g, n_treat, n_control, size, 0)
    assert none.yi == pytest.approx(g, rel=LAW)
    people = n_treat + n_control
    assert none.vi == pytest.approx(1 / n_treat + 1 / n_control + g * g / (2 * (people - 2)), rel=LAW)
    some = clustered_arm(g, n_treat, n_control, size, icc)
    assert some.yi * g >= 0
    assert abs(some.yi) <= abs(g) * (1 + LAW)
    mirrored = clustered_arm(-g, n_treat, n_control, size, icc)
    assert (mirrored.yi, mirrored.vi) == (-some.yi, some.vi)


ARM = {"statistic": "d", "value": 0.5, "n_treat": 60, "n_control": 40}
POLICY = Policy(cluster_size_treat="per_therapist", icc_treat="icc")


def corrected(metric="g", policy=POLICY, own=None, **cells):
    held = row(**(ARM | cells)) | {"own": {"per_therapist": 10.0, "icc": 0.05} | (own or {})}
    return for_clusters(held, metric, policy, Estimate(0.5, 0.04))


def test_a_row_without_a_size_is_left_as_it_is():
    assert corrected(own={"per_therapist": None}) is None
    assert corrected(policy=Policy()) is None
    assert corrected() == clustered_arm(0.5, 60, 40, 10, 0.05)
    assert corrected(policy=Policy(cluster_size_treat="per_therapist", icc_treat=0.2)) == clustered_arm(
        0.5, 60, 40, 10, 0.2
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "log_odds_ratio"}, "metric log_odds_ratio"),
        ({"statistic": "ancova"}, "statistic ancova"),
        ({"se": 0.2}, "with se"),
        ({"design_effect": 1.5}, "with design_effect"),
        ({"own": {"per_therapist": 61.0}}, "at most n_treat 60"),
        ({"own": {"per_therapist": 1.0}}, "above 1"),
        ({"own": {"icc": None}}, "icc is empty"),
        ({"own": {"icc": 1.0}}, "below 1"),
        ({"own": {"icc": -0.1}}, "at least 0"),
        ({"n_control": ""}, "n_control"),
    ],
)
def test_clusters_that_cannot_be_are_named(changes, said):
    with pytest.raises(CannotConvert, match=said):
        corrected(**changes)


# --- declared in the plan --------------------------------------------------------------------------------------------


@pytest.fixture
def therapists(tmp_path):
    """Trials of which two have a column of one's own filled."""
    begin(tmp_path, ARMS)
    project = Project(tmp_path / "review")
    project.table = project.raw / "own" / "effects.csv"
    sizes = {"Lindqvist 2015": "13", "Teo 2018": "15"}
    project.write([line | {"per_therapist": sizes.get(line["study"], "")} for line in project.rows()])
    path = project.raw / "own" / "source.yaml"
    path.write_text(path.read_text() + yaml.safe_dump({"columns": {"per_therapist": {"kind": "number"}}}))
    return project


def test_the_plan_names_the_column_and_the_correlation(therapists):
    therapists.configure(conversions={"cluster_size_treat": "per_therapist", "icc_treat": 0.08})
    plan = load(therapists.config, raw=therapists.raw)
    check(plan, therapists.raw)
    found = extract(therapists.raw, "own", ("g",), plan.config.conversions.policy).effects
    plain = {one.study: one for one in extract(therapists.raw, "own", ("g",)).effects}
    sizes = {"Lindqvist 2015": (52, 50, 13), "Teo 2018": (75, 71, 15)}
    assert {one.study for one in found if one.converter == "clustered_arm_mean_sd_to_g"} == set(sizes)
    for one in found:
        before = plain[one.study]
        if one.study in sizes:
            right = clustered_arm(before.yi, *sizes[one.study], 0.08)
            assert (one.yi, one.vi) == pytest.approx((right.yi, right.vi), rel=LAW)
            assert (one.exactness, one.vi > before.vi) == ("approximate", True)
        else:
            assert (one.yi, one.vi, one.converter) == (before.yi, before.vi, before.converter)


@pytest.mark.parametrize(
    ("conversions", "said"),
    [
        ({"cluster_size_treat": "per_therapist"}, "icc_treat: 'missing'"),
        ({"icc_treat": 0.1}, "cluster_size_treat: 'missing'"),
        ({"cluster_size_treat": "per_therapst", "icc_treat": 0.1}, "did you mean per_therapist"),
        ({"cluster_size_treat": "per_therapist", "icc_treat": "icc"}, "that source.yaml declares"),
        ({"cluster_size_treat": "per_therapist", "icc_treat": 1.2}, "icc_treat"),
    ],
)
def test_keys_of_the_plan_that_cannot_be_are_named(therapists, conversions, said):
    therapists.configure(conversions=conversions)
    with pytest.raises(InputError, match=said):
        load(therapists.config, raw=therapists.raw)
