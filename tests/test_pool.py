"""Pooling: published values, laws and refusals. test_validation.py compares it with metafor."""

import dataclasses
import math

import numpy as np
import pytest
import synthesis
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.errors import InputError
from synthesis.meta.options import CiMethod, Tau2Method, terms

BCG_TREATED = [
    (4, 123), (6, 306), (3, 231), (62, 13598), (33, 5069), (180, 1541), (8, 2545), (505, 88391), (29, 7499),
    (17, 1716), (186, 50634), (5, 2498), (27, 16913),
]  # fmt: skip
BCG_CONTROL = [
    (11, 139), (29, 303), (11, 220), (248, 12867), (47, 5808), (372, 1451), (10, 629), (499, 88391), (45, 7277),
    (65, 1665), (141, 27338), (3, 2341), (29, 17854),
]  # fmt: skip


def test_bcg_as_printed_in_viechtbauer_2010():
    """Viechtbauer (2010), J Stat Softw 36(3), section 3.2: REML log risk ratio of 13 BCG trials."""
    from synthesis.data.ratios import log_risk_ratio

    effects = [log_risk_ratio(*t, *c) for t, c in zip(BCG_TREATED, BCG_CONTROL, strict=True)]
    fit = synthesis.pool([e.yi for e in effects], [e.vi for e in effects], ci="wald")
    assert fit.estimate == pytest.approx(-0.7145, abs=tolerances.PRINTED_4)
    assert fit.se == pytest.approx(0.1798, abs=tolerances.PRINTED_4)
    assert fit.tau2 == pytest.approx(0.3132, abs=tolerances.PRINTED_4)
    assert fit.i2 == pytest.approx(92.22, abs=tolerances.PRINTED_2)
    assert fit.q == pytest.approx(152.2330, abs=tolerances.PRINTED_4)


# --- laws -------------------------------------------------------------------------------------------------------

effects = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-3, 3), min_size=k, max_size=k),
        st.lists(st.floats(0.001, 4), min_size=k, max_size=k),
    )
)
methods = st.sampled_from(list(terms(Tau2Method)))
intervals = st.sampled_from(terms(CiMethod))
NUMBERS = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")


def close(a, b, scale=1.0):
    return (a is None and b is None) or math.isclose(a, b, rel_tol=tolerances.LAW, abs_tol=tolerances.LAW * scale)


@given(effects, methods, intervals, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_order_of_studies_does_not_matter(data, method, ci, random):
    yi, vi = data
    order = list(range(len(yi)))
    random.shuffle(order)
    a = synthesis.pool(yi, vi, tau2=method, ci=ci)
    b = synthesis.pool([yi[i] for i in order], [vi[i] for i in order], tau2=method, ci=ci)
    assert all(close(getattr(a, f), getattr(b, f)) for f in (*NUMBERS, "tau2", "i2", "q", "tau2_ci_high"))


@given(effects, methods, intervals, st.sampled_from([1e-8, 1e-3, 7.0, 1e8]), st.floats(-5, 5))
@settings(max_examples=150, deadline=None)
def test_scale_and_shift_carry_through(data, method, ci, factor, shift):
    yi, vi = np.array(data[0]), np.array(data[1])
    a = synthesis.pool(yi, vi, tau2=method, ci=ci)
    b = synthesis.pool((yi + shift) * factor, vi * factor**2, tau2=method, ci=ci)
    for field in NUMBERS:
        x = getattr(a, field)
        expected = None if x is None else (x if field == "se" else x + shift)
        observed = getattr(b, field)
        assert close(expected, None if observed is None else observed / factor, scale=100.0), field
    for field in ("tau2", "tau2_ci_low", "tau2_ci_high"):
        x = getattr(a, field)
        assert x is None or close(x, getattr(b, field) / factor**2, scale=100.0), field


@given(effects, methods)
@settings(max_examples=100, deadline=None)
def test_sign_flip_mirrors(data, method):
    a = synthesis.pool(data[0], data[1], tau2=method)
    b = synthesis.pool([-y for y in data[0]], data[1], tau2=method)
    assert close(a.estimate, -b.estimate)
    assert close(a.ci_low, -b.ci_high)


@given(effects)
@settings(max_examples=100, deadline=None)
def test_adhoc_interval_is_never_narrower_than_its_standard_error_by_wald(data):
    wald = synthesis.pool(*data, ci="wald")
    adhoc = synthesis.pool(*data, ci="hksj_adhoc")
    assert adhoc.se >= wald.se * (1 - tolerances.LAW)
    assert adhoc.ci_high - adhoc.ci_low >= (wald.ci_high - wald.ci_low) * (1 - tolerances.LAW)


@pytest.mark.parametrize("variance", [1e6, 1e10, 1e14])
def test_a_study_with_a_huge_variance_changes_nothing(metafor, variance):
    """PyMARE 0.0.13 returns tau2 = 0 here: the reason why our search does not scale with the largest variance."""
    reference = metafor["colditz1994"]
    yi, vi = reference["yi"], reference["vi"]
    without = synthesis.pool(yi, vi)
    fit = synthesis.pool([*yi, 5.0], [*vi, variance])
    assert fit.tau2 == pytest.approx(without.tau2, rel=20 / variance**0.5)
    assert fit.estimate == pytest.approx(without.estimate, rel=20 / variance**0.5)
    assert any("times the median" in note for note in fit.notes)


# --- small k, equal effects -------------------------------------------------------------------------------------


def test_one_study_is_shown_as_it_is():
    fit = synthesis.pool([0.4], [0.04])
    assert (fit.k, fit.samples, fit.estimate, fit.se) == (1, 1, 0.4, 0.2)
    assert fit.ci_low == pytest.approx(0.4 - 1.959963984540054 * 0.2)
    assert fit.tau2 is None
    assert fit.pi_low is None
    assert fit.method == "single sample"


def test_two_studies_have_one_degree_of_freedom_and_no_prediction_interval():
    fit = synthesis.pool([0.1, 0.5], [0.02, 0.02])
    assert fit.df == 1
    assert fit.estimate == pytest.approx(0.3)
    assert fit.ci_high - fit.estimate == pytest.approx(12.7062047361747 * fit.se)
    assert fit.pi_low is None
    assert "two samples" in fit.notes[0]


def test_equal_effects_give_zero_heterogeneity_and_a_named_zero_width():
    """metafor's test="knha" has width 0 here; what is given is test="adhoc" and says so."""
    data = [0.3] * 4, [0.1, 0.2, 0.1, 0.3]
    fit, adhoc = synthesis.pool(*data), synthesis.pool(*data, ci="hksj_adhoc")
    assert fit.tau2 == 0
    assert any("width 0" in note for note in fit.notes)
    assert fit == dataclasses.replace(adhoc, notes=fit.notes)
    assert fit.ci_method == "hksj_adhoc"


def test_duplicating_effects_of_a_sample_with_correlation_one_changes_nothing():
    yi, vi, sample = [0.1, 0.5, 0.3], [0.02, 0.03, 0.04], ["a", "b", "c"]
    once = synthesis.pool(yi, vi)
    twice = synthesis.pool(yi * 2, vi * 2, cluster=sample * 2, rho=1.0)
    assert (twice.k, twice.samples) == (6, 3)
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.se == pytest.approx(once.se)


def test_composite_variance_of_borenstein_2009_chapter_24():
    """Two outcomes with variances .05 and .05 correlated .5: variance of their mean .0375."""
    fit = synthesis.pool([0.3, 0.1], [0.05, 0.05], cluster=["s", "s"], rho=0.5)
    assert fit.notes == ("one sample: the mean of its estimates with a normal interval, no pooling",)
    assert synthesis.pool([0.3], [0.05]).notes == ("one sample: its own estimate with a normal interval, no pooling",)
    assert fit.estimate == pytest.approx(0.2)
    assert fit.se**2 == pytest.approx(0.0375)
    assert fit.samples == 1


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yi", "vi", "options", "said"),
    [
        ([], [], {}, "no effects"),
        ([0.1, math.nan], [0.1, 0.1], {}, "yi[1]"),
        ([0.1, 0.2], [0.1, 0.0], {}, "vi[1]"),
        ([0.1, 0.2], [0.1, -0.2], {}, "not a standard error"),
        ([0.1, 0.2], [0.1, math.inf], {}, "vi[1]"),
        ([0.1, 0.2], [0.1], {}, "shapes"),
        (["a"], [0.1], {}, "a number"),
        ([0.1, 0.2], [0.1, 0.1], {"tau2": "REM"}, "one of FE"),
        ([0.1, 0.2], [0.1, 0.1], {"ci": "t"}, "hksj_adhoc"),
        ([0.1, 0.2], [0.1, 0.1], {"level": 95}, "95% is 0.95"),
        ([0.1, 0.2], [0.1, 0.1], {"model": "rve"}, "three_level"),
        ([0.1, 0.2], [0.1, 0.1], {"fixed_tau2": -1.0}, "at least 0"),
        ([0.1, 0.2, 0.3], [0.1] * 3, {"cluster": ["a"] * 3, "model": "che"}, "at least two samples"),
        ([0.1, 0.2, 0.3], [0.1] * 3, {"cluster": [1, 1, 2], "model": "che"}, "degrees of freedom"),
        ([0.1, 0.2, 0.3], [0.1] * 3, {"cluster": [1, 1, 2], "model": "che", "tau2": "DL"}, "REML for model che"),
        ([0.1, 0.2, 0.3], [0.1] * 3, {"cluster": [1, 1, 2], "model": "che", "rho": 1.0}, "below 1"),
        ([0.1, 0.2], [0.1, 0.1], {"cluster": ["a"]}, "one per effect"),
        ([0.1, 0.2], [0.1, 0.1], {"cluster": ["a", "a"], "rho": 1.5}, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused_by_name(yi, vi, options, said):
    with pytest.raises(InputError) as caught:
        synthesis.pool(yi, vi, **options)
    assert said in str(caught.value)


def test_extreme_heterogeneity_between_variances_has_a_finite_answer():
    yi = np.linspace(-1, 1, 8)
    vi = np.geomspace(1e-8, 1.0, 8)
    for method in terms(Tau2Method):
        fit = synthesis.pool(yi, vi, tau2=method)
        assert math.isfinite(fit.estimate), method
        assert fit.tau2 >= 0


@pytest.mark.parametrize(
    ("k", "options", "said"),
    [
        (2, {}, "two samples: tau2 is hardly estimable, there is no prediction interval and the confidence interval "
                "has one degree of freedom"),
        (2, {"ci": "wald"}, "two samples: tau2 is hardly estimable and there is no prediction interval"),
        (2, {"tau2": "FE"}, "two samples: the confidence interval has one degree of freedom"),
        (2, {"tau2": "FE", "ci": "wald"}, None),
        (3, {}, "three samples: the prediction interval has one degree of freedom"),
        (3, {"tau2": "FE"}, None),
        (4, {}, None),
    ],
)  # fmt: skip
def test_few_samples_say_what_they_cannot_carry(k, options, said):
    fit = synthesis.pool([0.1, 0.4, 0.2, 0.3][:k], [0.02, 0.03, 0.02, 0.05][:k], **options)
    assert fit.notes == ((said,) if said else ())
    assert (fit.pi_low is None) == (k == 2 or options.get("tau2") == "FE")
