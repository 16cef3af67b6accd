"""Power of contrasts between levels against noncentral t, R's power.t.test, simulation, and the fit's own test."""

import math

import numpy as np
import pytest
import synthesis
import tolerances as tol
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from synthesis.compare.level_power import moderator_power, smallest_difference
from synthesis.data.published import rows_by_id
from synthesis.errors import InputError
from synthesis.plan.config import Diagnostics, Relevance
from synthesis.report.power_table import low_power
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.document import decode
from synthesis.results.files import json_text
from typed import diagnosed, fitted, raw_row

LEVELS = ["a"] * 4 + ["b"] * 6
V = [0.04, 0.05, 0.03, 0.08, 0.02, 0.04, 0.06, 0.05, 0.03, 0.09]


def test_power_of_equal_samples_is_that_of_the_t_test():
    """R 4.2.2, power.t.test(n = 10, delta = 1, sd = 1, strict = TRUE): two groups of ten, a t test of 18 df."""
    found = synthesis.contrast_power(1.0, [0.75] * 20, ["a"] * 10 + ["b"] * 10, ("a", "b"), tau2=0.25)
    assert found.df == 18
    assert found.power == pytest.approx(R_T_TEST[0], rel=tol.FORMULA)
    assert found.needed == 2 * math.ceil(R_T_TEST[1]) == 34


# $power, and $n of power.t.test(power = .8, delta = 1, sd = 1, strict = TRUE).
R_T_TEST = (0.5620066466, 16.71472821)


def test_the_standard_error_is_that_of_the_regression():
    """wald: the regression's own standard error with its own tau2; hksj: the same before its factor of the spread."""
    y = [0.1, 0.4, 0.2, 0.6, 0.9, 0.3, 0.7, 0.2, 0.5, 0.8]
    fit = synthesis.regress(y, V, {"level": LEVELS}, ci="wald")
    found = synthesis.contrast_power(0.3, V, LEVELS, ("a", "b"), tau2=fit.tau2, ci="wald")
    assert found.se == pytest.approx(fit.se[1], rel=tol.LAW)
    assert found.power == pytest.approx(stats.norm.sf(1.959963984540054 - 0.3 / fit.se[1]), abs=tol.FAR_FROM_ZERO)
    hksj = synthesis.regress(y, V, {"level": LEVELS})
    assert synthesis.contrast_power(0.3, V, LEVELS, ("a", "b"), tau2=fit.tau2).df == hksj.df


def test_df_of_effects_that_share_samples_are_those_of_the_robust_test():
    rng = np.random.default_rng(11)
    cluster = [f"s{i // 2}" for i in range(24)]
    levels = ["a" if i // 2 % 3 else "b" for i in range(24)]
    v = rng.uniform(0.02, 0.1, 24)
    fit = synthesis.robust_regress(rng.normal(0.3, 0.4, 24), v, {"level": levels}, cluster, rho=0.5)
    variances = {"tau2": fit.tau2, "omega2": fit.omega2, "rho": 0.5}
    found = synthesis.contrast_power(0.3, v, levels, ("a", "b"), cluster=cluster, **variances)
    assert found.df == pytest.approx(fit.df[1], rel=tol.LAW)
    assert (found.k, found.samples) == (24, 12)


def test_power_is_the_share_of_reviews_that_find_the_difference():
    """20,000 reviews of three levels, one in no contrast; with equal total variances the t is exact."""
    rng = np.random.default_rng(20261126)
    levels = np.repeat(["a", "b", "c"], [4, 6, 5])
    y = rng.normal(np.where(levels == "b", 0.5, 0.0), math.sqrt(0.1), (20_000, 15))
    means = [y[:, levels == name].mean(axis=1) for name in "abc"]
    spread = sum(((y[:, levels == name] - m[:, None]) ** 2).sum(axis=1) for name, m in zip("abc", means, strict=True))
    t = (means[1] - means[0]) / np.sqrt(spread / 12 * (1 / 4 + 1 / 6))
    share = (abs(t) > stats.t.ppf(0.975, 12)).mean()
    found = synthesis.contrast_power(0.5, [0.06] * 15, list(levels), ("a", "b"), tau2=0.04)
    assert abs(share - found.power) < 4 * math.sqrt(share * (1 - share) / 20_000)


def test_a_far_side_that_is_next_to_nothing_is_no_number_that_is_missing():
    """scipy's nctdtr is NaN there, and min(1.0, NaN) is 1.0: the power was 1 where it is 1 - 6e-8."""
    found = synthesis.contrast_power(1.1182473336874237, V, LEVELS, ("a", "b"), tau2=0.0, ci="hksj")
    shift = 1.1182473336874237 / found.se
    expected = stats.nct.sf(stats.t.ppf(0.975, found.df), found.df, shift)
    assert found.power == pytest.approx(expected, abs=tol.QUADRATURE)
    assert found.power < 1


@given(st.floats(0.01, 2), st.floats(0, 0.2), st.sampled_from(["wald", "hksj"]))
def test_needed_samples_are_the_fewest(effect, tau2, ci):
    found = synthesis.contrast_power(effect, V, LEVELS, ("a", "b"), tau2=tau2, ci=ci)
    larger = synthesis.contrast_power(effect * 1.1, V, LEVELS, ("a", "b"), tau2=tau2, ci=ci)
    assert found.alpha <= found.power <= larger.power + tol.QUADRATURE <= 1 + tol.QUADRATURE
    assert larger.needed <= found.needed

    def of(n):
        shift, critical = effect / found.se * math.sqrt(n / 10), -stats.norm.ppf(0.025)
        if ci == "hksj":
            return stats.nct.sf(stats.t.ppf(0.975, n - 2), n - 2, shift)
        return stats.norm.sf(critical - shift)

    least = 1 if ci == "wald" else 6
    assert of(found.needed) > 0.8 - tol.FAR_FROM_ZERO
    assert found.needed == least or of(found.needed - 1) < 0.8 + tol.FAR_FROM_ZERO


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effect": 0}, "difference other than 0"),
        ({"contrast": ("a", "c")}, "one of a, b"),
        ({"contrast": ("a", "a")}, "two levels"),
        ({"contrast": None}, "two levels, as a pair"),
        ({"tau2": -1}, "at least 0"),
        ({"wanted": 0.01}, "between alpha and 1"),
        ({"vi": [0.1] * 5, "levels": list("aaabb")}, "3.0 degrees of freedom"),
        ({"cluster": [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]}, "0.0 degrees of freedom"),
    ],
)
def test_what_has_no_power_is_refused(changes, said):
    given = {"effect": 0.3, "vi": V, "levels": LEVELS, "contrast": ("a", "b")} | changes
    with pytest.raises(InputError, match=said):
        synthesis.contrast_power(**given)


def model():
    """Ten samples in three levels of the rater, of which one holds a single sample."""
    rater = ["client"] * 5 + ["observer"] * 4 + ["therapist"]
    y = [0.1, 0.4, 0.2, 0.6, 0.9, 0.3, 0.7, 0.2, 0.5, 0.8]
    studies = [
        {"sample_id": f"s{i}", "yi": yi, "vi": v, "effects": [f"e{i}"],
         "members": [{"effect_id": f"e{i}", "yi": yi, "vi": v, "rater": r}]}
        for i, (yi, v, r) in enumerate(zip(y, V, rater, strict=True))
    ]  # fmt: skip
    return fitted(synthesis.pool(y, V, metric="g").to_dict() | {"synthesis": "x", "studies": studies})


def powers(**plan):
    document = model()
    content = json_text("test", diagnosed(document, ["rater"], Diagnostics()))
    rows = rows_by_id(
        raw_row({"effect_id": name, "statistic": "smd", "value": value, "study": name})
        for name, value in (("small", 0.24), ("large", 0.5), ("none", 0.0), ("gap", None))
    )
    return moderator_power([document], {"x": decode(content, Diagnosed, "test")}, rows, Relevance(**plan)), rows


def test_contrasts_are_those_of_levels_of_several_samples():
    (row,), _ = powers(thresholds={"g": ("large", "small", "none", "gap")})
    assert (row.first, row.second, row.threshold) == ("client", "observer", "small")
    assert (row.samples_first, row.samples_second, row.df) == (5, 4, 7)
    assert 0.05 < row.power < 0.8
    assert row.samples_for_80 > 9


def test_the_smallest_difference_may_be_declared_and_may_be_missing():
    (row,), rows = powers(thresholds={"g": ("small",)}, differences={"g": "large"})
    assert (row.threshold, row.threshold_value) == ("large", 0.5)
    assert powers(thresholds={"z": ("small",)})[0] == []
    assert powers(differences={"g": "gap"})[0] == []
    assert smallest_difference("logit", rows, Relevance(thresholds={"logit": ("small",)})) is None
    assert smallest_difference("g", rows, Relevance(thresholds={"g": ("none",)})) is None
    with pytest.raises(InputError, match="relevance.differences.g"):
        powers(differences={"g": "nowhere"})


def test_the_report_says_where_power_is_low():
    class Review:
        moderator_power = powers(thresholds={"g": ("small",)})[0]
        by_name = {"x": model()}  # noqa: RUF012

    assert low_power(Review()).startswith(f"In 1 of 1 contrast between levels (\u201c{model().title}\u201d) the power")
    Review.moderator_power = []
    assert low_power(Review()) == ""
