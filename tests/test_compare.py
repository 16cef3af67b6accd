"""Contrasts on one metric, against closed forms, metafor's test of subgroups and brute force."""

import math

import pytest
from synthesis import pool
from synthesis.compare import contrast as compare
from synthesis.errors import InputError
from synthesis.plan.config import Comparison
from typed import fitted, on_documents


def document(name, yi, vi, samples=None, ci="hksj", metric="g"):
    fit = pool(yi, vi, ci=ci, metric=metric)
    samples = samples or [f"{name}{i}" for i in range(len(yi))]
    studies = [
        {"sample_id": s, "yi": y, "vi": v, "members": [{"yi": y, "vi": v}]}
        for s, y, v in zip(samples, yi, vi, strict=True)
    ]
    return fit.to_dict() | {"synthesis": name, "studies": studies}


contrast_with_published = on_documents(compare.contrast_with_published)


def contrast(name, plan, first, second, bound=None):
    return compare.contrast(name, plan, fitted(first), fitted(second), bound)


A = document("a", [0.2, 0.4, 0.5, 0.7], [0.02, 0.03, 0.02, 0.05])
B = document("b", [0.1, 0.2, 0.0], [0.03, 0.02, 0.04])
PLAN = Comparison(title="a minus b", first="a", second="b")


def test_contrast_is_a_welch_comparison_of_two_pools():
    row = contrast("x", PLAN, A, B)
    assert row.difference == pytest.approx(A["estimate"] - B["estimate"])
    assert row.se == pytest.approx(math.hypot(A["se"], B["se"]))
    va, vb = A["se"] ** 2, B["se"] ** 2
    assert row.df == pytest.approx((va + vb) ** 2 / (va**2 / 3 + vb**2 / 2))
    assert row.ci_low < row.difference < row.ci_high


def test_contrast_with_normal_intervals_is_the_between_groups_test_of_metafor():
    """Separate tau2 and Wald intervals: the square of z is Q between of two subgroups."""
    a = document("a", [0.2, 0.4, 0.5, 0.7], [0.02, 0.03, 0.02, 0.05], ci="wald")
    b = document("b", [0.1, 0.2, 0.0], [0.03, 0.02, 0.04], ci="wald")
    row = contrast("x", PLAN, a, b)
    assert row.df is None
    wa, wb = 1 / a["se"] ** 2, 1 / b["se"] ** 2
    mean = (wa * a["estimate"] + wb * b["estimate"]) / (wa + wb)
    q = wa * (a["estimate"] - mean) ** 2 + wb * (b["estimate"] - mean) ** 2
    assert row.statistic**2 == pytest.approx(q)


def test_swapping_the_sides_turns_the_sign():
    there, back = contrast("x", PLAN, A, B), contrast("x", PLAN, B, A)
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == pytest.approx(back.p)
    assert there.ci_low == pytest.approx(-back.ci_high)


def test_shared_samples_are_refused_or_left_out_of_both_sides():
    a = document("a", [0.2, 0.4, 0.5], [0.02, 0.03, 0.02], ["s1", "s2", "s3"])
    b = document("b", [0.1, 0.2, 0.3], [0.03, 0.02, 0.04], ["s3", "s4", "s5"])
    with pytest.raises(InputError, match="s3"):
        contrast("x", PLAN, a, b)
    row = contrast("x", PLAN.model_copy(update={"shared_samples": "leave_out"}), a, b)
    assert row.left_out == "s3"
    assert (row.samples_first, row.samples_second) == (2, 2)
    assert row.estimate_first == pytest.approx(pool([0.2, 0.4], [0.02, 0.03]).estimate)
    same = document("b", [0.2, 0.4, 0.5], [0.02, 0.03, 0.02], ["s1", "s2", "s3"])
    with pytest.raises(InputError, match="at least one sample"):
        contrast("x", PLAN.model_copy(update={"shared_samples": "leave_out"}), a, same)


PUBLISHED = {
    "effect_id": "ref",
    "label": "",
    "detail": "",
    "construct": "",
    "yi": 0.1,
    "ci_low": 0.0,
    "ci_high": 0.2,
    "k": 32,
    "se": 0.2 / (2 * 1.959963984540054),
    "df": None,
    "basis": "interval",
}
AGAINST = Comparison(title="a minus published", first="a", reference="ref")


def test_a_published_value_with_limits_is_a_side_with_a_normal_reference():
    row = contrast_with_published("x", AGAINST, A, PUBLISHED)
    se = 0.2 / (2 * 1.959963984540054)
    assert row.se == pytest.approx(math.hypot(A["se"], se))
    assert row.df == pytest.approx(row.se**4 / (A["se"] ** 4 / 3))
    assert row.difference == pytest.approx(A["estimate"] - 0.1)


def test_a_published_value_without_limits_has_no_test_but_a_largest_standard_error():
    row = contrast_with_published(
        "x", AGAINST, A, PUBLISHED | {"ci_low": None, "ci_high": None, "se": None, "basis": ""}
    )
    assert (row.p, row.ci_low, row.conclusion) == (None, None, "no test")
    at_the_edge = compare.Side(0.1, row.largest_se, None)
    normal = compare.side_of(fitted(A | {"df": None}))
    assert compare.difference(normal, at_the_edge, 0.95).p == pytest.approx(0.05)
    near = contrast_with_published("x", AGAINST, A, {**PUBLISHED, "yi": A["estimate"], "se": None})
    assert near.largest_se is None


@pytest.mark.parametrize(
    ("gap", "se", "bound", "conclusion"),
    [
        (0.3, 0.05, 0.1, "different"),
        (0.05, 0.01, 0.1, "different, but by less than the bound"),
        (0.0, 0.03, 0.1, "equivalent"),
        (0.05, 0.2, 0.1, "undecided"),
    ],
)
def test_difference_and_equivalence_are_told_apart(gap, se, bound, conclusion):
    first = A | {"estimate": gap, "se": se, "df": None}
    second = B | {"estimate": 0.0, "se": 0.0, "df": None}
    row = contrast("x", PLAN, first, second, bound)
    assert row.conclusion == conclusion


def test_equivalence_is_the_90_percent_interval_inside_the_bounds():
    """Two one-sided tests at 5% reject exactly where the 90% interval lies within the bounds (Schuirmann 1987)."""
    for bound in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        row = compare.difference(compare.Side(0.08, 0.06, 12.0), compare.Side(0, 0, None), 0.9)
        inside = -bound < row.ci_low and row.ci_high < bound
        assert (compare.equivalence_p(0.08, 0.06, 12.0, bound) < 0.05) == inside


def test_refitting_without_a_change_gives_the_same_fit():
    for ci in ("hksj", "wald"):
        whole = document("a", [0.2, 0.4, 0.5, 0.7], [0.02, 0.03, 0.02, 0.05], ci=ci) | {"composite_rho": 0.6}
        again = compare.refit(fitted(whole))
        assert again.fit.estimate == pytest.approx(whole["estimate"], rel=1e-12)
        assert again.fit.ci_high == pytest.approx(whole["ci_high"], rel=1e-12)
    less = compare.refit(fitted(whole), {"a0", "a1", "a3"}, tau2="DL")
    assert less.fit.estimate == pytest.approx(pool([0.2, 0.4, 0.7], [0.02, 0.03, 0.05], tau2="DL").estimate)
    assert [s.sample_id for s in less.studies] == ["a0", "a1", "a3"]


def test_shared_samples_are_named_beside_the_difference():
    first = document("a", [0.5, 0.4, 0.6, 0.3], [0.02] * 4, ["s1", "s2", "s3", "s4"])
    second = document("b", [0.1, 0.2, 0.3], [0.02] * 3, ["s4", "t1", "t2"])
    plan = Comparison(title="t", first="a", second="b", shared_samples="leave_out")
    row = contrast("c", plan, first, second)
    (label,) = [study.label for study in fitted(first).studies if study.sample_id == "s4"]
    assert row.note == (
        f"1 sample ({label}) stands on both sides and is left out of both here (3 of 4 and 2 of 3 samples remain), but "
        "not of the two syntheses"
    )
    apart = document("b", [0.1, 0.2, 0.3], [0.02] * 3, ["t0", "t1", "t2"])
    assert contrast("c", plan, first, apart).note == ""
