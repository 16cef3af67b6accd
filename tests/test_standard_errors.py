"""Standard errors, variances and SDs in each other's place, in any statistic, are named; what is in print passes."""

import json
import math
from pathlib import Path

import pytest
from conftest import DATA
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.precision import check_precision

EMPTY = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}


def doubts(*rows):
    """The doubts of rows, each a study row of two arms and its own sample."""
    fixed = {"level": "study", "estimand": "d_between", "own": {}}
    made = [EMPTY | fixed | {"sample_id": f"s{i}"} | row for i, row in enumerate(rows)]
    return [str(problem) for problem in check_precision(Path("effects.csv"), list(enumerate(made, 2)))]


def arms(statistic, treat, control, outcome="bdi-ii", **more):
    """A row of two arms, each as (mean, SD, n)."""
    cells = {f"{x}_treat": float(y) for x, y in zip(("mean", "sd", "n"), treat, strict=True)}
    cells |= {f"{x}_control": float(y) for x, y in zip(("mean", "sd", "n"), control, strict=True)}
    return {"statistic": statistic, "outcome": outcome} | cells | more


def counts(a, n1, c, n2):
    return {"statistic": "2x2", "events_treat": a, "total_treat": n1, "events_control": c, "total_control": n2}


def of(statistic, value, **cells):
    return {"statistic": statistic, "value": value, "outcome": "bdi-ii"} | cells


def between(low, high):
    return {"ci_low": low, "ci_high": high}


MEANS = [
    arms("mean_sd", (14.2, 8.1, 42), (18.3, 8.6, 40)),
    arms("mean_sd", (12.9, 7.9, 55), (16.0, 8.3, 52)),
    arms("mean_sd", (15.5, 9.0, 31), (17.9, 8.8, 33)),
    arms("mean_sd", (13.1, 8.3, 61), (16.2, 8.0, 60)),
    arms("mean_sd", (14.4, 8.8, 71), (17.0, 8.1, 70)),
]
COUNTS = [counts(12, 60, 22, 58), counts(9, 45, 17, 46), counts(20, 90, 33, 92), counts(15, 70, 24, 71)]
PRE_POST = [
    {"statistic": "pre_post", "estimand": "one_group", "outcome": "bdi-ii", "baseline_mean_treat": before}
    | {"baseline_sd_treat": sd, "mean_treat": before - 9, "sd_treat": sd + 0.4, "n_treat": n, "pre_post_r": 0.5}
    for before, sd, n in ((25.0, 8.0, 40.0), (24.0, 7.8, 50.0), (26.0, 8.3, 36.0))
]
TWO_ARMS, TOTALS = {"n_treat": 160.0, "n_control": 158.0}, {"total_treat": 60.0, "total_control": 58.0}
CELLS = {name: cell for name, cell in COUNTS[0].items() if name != "statistic"}
CHANGE = {"estimand": "one_group", "n_treat": 50.0, "standardized_by": "baseline"}


@pytest.mark.parametrize(
    ("others", "row", "said"),
    [
        # Differences of means, beside the SDs of other rows.
        (MEANS, of("mean_difference", -3.0, se=0.09, **TWO_ARMS), "column se: '0.09'; allowed: about 0.925, as the"),
        (MEANS, of("mean_difference", -3.0, se=0.09, n=318.0), "column se: '0.09'; allowed: about 0.925"),
        (MEANS, of("mean_difference", -3.0, variance=0.0081, n=318.0), "column variance: '0.0081'; allowed: about 0.8"),
        (MEANS, of("mean_difference", -3.0, **between(-3.18, -2.82), n=318.0), "'[-3.18, -2.82]'; allowed: a standard"),
        (MEANS, of("mean_difference", -3.4, se=8.2, n_treat=50.0, n_control=50.0), "(an SD entered as a standard err"),
        (MEANS, of("mean_difference", -0.45, se=0.21, n_treat=50.0, n_control=50.0), "a difference in SDs"),
        (MEANS, of("mean_difference", -3.0, se=0.09), "column se: '0.09'; allowed: about 1.57"),
        # Its own SDs.
        ([], arms("mean_difference", (14, 8, 40), (17, 8, 40), value=-3.0, se=8.0), "column se: '8'; allowed: about"),
        # Ratios and risks, beside counts and beside sizes of any kind.
        (COUNTS, of("log_or", -0.6, se=0.06), "column se: '0.06'; allowed: about 0.245: the 4 others"),
        (COUNTS, of("log_rr", -0.5, se=0.05), "this looks like a variance"),
        (COUNTS, of("rd", -0.17, se=0.0064), "this looks like a variance"),
        ([], of("or", 0.41, **between(0.36, 0.47), n=118.0), "column ci_low: 'a standard error of 0.068'; allowed: at"),
        ([], of("or", 0.41, **between(0.36, 0.47), **TOTALS), "with total_treat 60 and total_control 58"),
        ([], of("log_or", -0.89, se=0.042, n=118.0), "column se: '0.042'; allowed: at least 0.368"),
        ([], of("log_hr", -0.89, se=0.042, n=118.0), "column se"),
        ([], of("rr", 0.53, **between(0.5, 0.56), n=118.0), "column ci_low"),
        ([], of("rd", -0.17, se=0.008, n=118.0), "column se: '0.008'; allowed: at least 0.0346"),
        ([], of("log_or", -0.7, se=0.17, **CELLS), "this looks like a var"),
        ([], of("rr", 0.53, **between(0.5, 0.56), **CELLS), "column ci_low"),
        # Without sizes, beside others of the same kind.
        ([of("rd", -0.2, se=x) for x in (0.08, 0.09, 0.085, 0.08)], of("rd", -0.13, se=0.0064), "looks like a var"),
        (
            [of("coef", 0.2, se=x, n=85.0, estimand="r_total") for x in (0.05, 0.06, 0.055, 0.058)],
            of("coef", 0.3, se=0.0036, n=85.0, estimand="r_total"),
            "looks like a variance",
        ),
        (
            [of("mean_difference", -3.0, se=x) for x in (1.8, 1.9, 1.7, 2.0)],
            of("mean_difference", -3.0, se=0.36),
            "column se: '0.36'; allowed: about 1.85: the 4 others of the outcome have 1.7 to 2",
        ),
        (
            [of("mean_difference", -3.0, se=x) for x in (1.8, 1.9, 1.7, 2.0)],
            of("mean_difference", -3.0, se=8.3),
            "an SD or a variance entered as a standard error?",
        ),
        # Changes of one group.
        (PRE_POST, of("smd_within_arm_change", -1.15, se=0.03, **CHANGE), "column se: '0.03'; allowed: about 0.152"),
        (PRE_POST, of("smd_within_arm_change", -1.15, se=1.1, **CHANGE), "column se: '1.1'"),
    ],
)  # fmt: skip
def test_a_variance_or_an_sd_as_standard_error_is_named(others, row, said):
    (line, *more) = doubts(*others, row)
    assert said in line
    assert all(f"row {len(others) + 2}, " in x for x in (line, *more))
    assert doubts(*others, row | {"checked": "yes"}) == []


@pytest.mark.parametrize(
    ("others", "row"),
    [
        (MEANS, of("mean_difference", -3.0, se=0.9, **TWO_ARMS)),
        # Adjusted for a baseline that correlates .8.
        (MEANS, of("mean_difference", -3.0, se=0.54, **TWO_ARMS)),
        (MEANS, of("mean_difference", -3.0, se=0.9, n=318.0)),
        (MEANS, of("mean_difference", -3.0, se=0.4)),
        (MEANS, of("mean_difference", -0.45, se=0.21, outcome="scl")),
        ([], arms("mean_difference", (14, 8, 40), (17, 8, 40), value=-3.0, se=1.1)),
        (COUNTS, of("log_or", -0.6, se=0.1)),
        (COUNTS, of("rd", -0.17, se=0.03)),
        # An adjusted ratio is hardly more precise than counts allow, one of a matched design is.
        ([], of("log_or", -0.89, se=0.25, n=118.0)),
        ([], of("or", 0.41, **between(0.19, 0.88), n=118.0)),
        # Nearly everybody in one arm.
        ([], of("rd", -0.17, se=0.025, n=118.0)),
        ([], of("rr", 0.53, **between(0.44, 0.64), n=118.0)),
        ([of("rd", -0.2, se=x) for x in (0.08, 0.09, 0.085, 0.08)], of("rd", -0.13, se=0.021)),
        # A predictor in other units, another outcome.
        (
            [of("coef", 0.2, se=x, construct="alliance") for x in (0.05, 0.06, 0.055, 0.058)],
            of("coef", 0.002, se=0.0036, construct="sessions"),
        ),
        ([of("coef", 0.2, se=x) for x in (0.05, 0.06, 0.055)], of("coef", 0.002, se=0.0036, outcome="scl")),
        # A trial of ten times as many people, and others that are not alike.
        ([of("mean_difference", -3.0, se=x) for x in (1.8, 1.9, 1.7, 2.0)], of("mean_difference", -3.0, se=0.6)),
        ([of("mean_difference", -3.0, se=x) for x in (0.9, 1.9, 1.7, 2.0)], of("mean_difference", -3.0, se=0.2)),
        (PRE_POST, of("smd_within_arm_change", -1.15, se=0.12, **CHANGE)),
        (PRE_POST, of("smd_within_arm_change", -0.2, se=0.2, **CHANGE)),
    ],
)
def test_a_standard_error_that_may_be_right_passes(others, row):
    assert doubts(*others, row) == []


def test_variances_in_every_printed_row_are_named_beside_rows_of_means():
    variances = [of("g", value, se=se) for value, se in ((0.4, 0.04), (0.3, 0.0324), (0.6, 0.06))]
    found = doubts(*MEANS[:2], *variances)
    assert len(found) == 3
    assert all("variances in most rows?" in line for line in found)
    assert doubts(*MEANS[:2], *(row | {"se": math.sqrt(row["se"])} for row in variances)) == []
    # Trials of thousands, as those that print their sizes are.
    large = {"n_treat": 1200.0, "n_control": 1150.0}
    assert doubts(*(row | large for row in MEANS[:2]), *variances) == []
    changes = [of("smd_within_arm_change", -1.1, se=se, estimand="one_group") for se in (0.029, 0.04, 0.032)]
    assert len(doubts(*PRE_POST[:1], *changes)) == 3


def test_no_public_trial_is_doubted_where_the_others_print_counts():
    """Each trial of seven public tables in turn prints its effect and standard error alone, or with its n."""
    sets = json.loads((DATA / "escalc.json").read_text())["sets"]
    tables = {name: sets[name]["raw"] for name in ("colditz1994", "hine1989")}
    for row in sets["yusuf1985all"]["raw"]:
        tables.setdefault(row["table"], []).append(row)
    for raw in tables.values():
        trials = [cells for row in raw if min(cells := [float(row[x]) for x in ("ai", "bi", "ci", "di")]) > 0]
        printed = [counts(a, a + b, c, c + d) for a, b, c, d in trials]
        for i, (a, b, c, d) in enumerate(trials):
            lone = of("log_or", math.log(a * d / b / c), se=math.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
            risks = math.sqrt(a * b / (a + b) ** 3 + c * d / (c + d) ** 3)
            for row in (lone, of("rd", a / (a + b) - c / (c + d), se=risks)):
                assert doubts(*printed[:i], row, *printed[i + 1 :]) == []
                assert doubts(row | {"n": a + b + c + d}) == []


# --- SDs of arms ----------------------------------------------------------------------------------------------------

TWO_BY_TIME = [
    arms("pre_post", (15, 8.5, 40), (19, 8.4, 41)) | before
    for before in (
        {"baseline_mean_treat": 25.0, "baseline_sd_treat": 8.0, "baseline_mean_control": 25.2, "baseline_sd_control": x}
        for x in (8.2, 8.0, 8.1)
    )
]
ERRORS_BEFORE = {"baseline_mean_treat": 25.1, "baseline_sd_treat": 1.26, "baseline_mean_control": 25.4} | {
    "baseline_sd_control": 1.25
}
MEDIANS = {"statistic": "median", "sd_treat": None, "sd_control": None, "mean_treat": None, "mean_control": None}
IMPLIED = {"sd_treat": None, "sd_control": None}


def quartiles(treat, control):
    names = ("q1", "median", "q3")
    cells = {f"{name}_treat": x for name, x in zip(names, treat, strict=True)}
    return MEDIANS | cells | {f"{name}_control": x for name, x in zip(names, control, strict=True)}


def mean_limits(treat, control):
    cells = {f"mean_ci_low_{arm}": low for arm, (low, _) in (("treat", treat), ("control", control))}
    return (
        IMPLIED | cells | {f"mean_ci_high_{arm}": high for arm, (_, high) in (("treat", treat), ("control", control))}
    )


PLAIN = arms("mean_sd", (14, 8.3, 45), (18, 8.0, 44))


@pytest.mark.parametrize(
    ("others", "row", "said"),
    [
        # Before and after, of two arms and of one.
        (
            TWO_BY_TIME,
            arms("pre_post", (17.5, 1.3, 40), (19.6, 1.31, 41)) | ERRORS_BEFORE,
            [
                "column sd_treat: '1.3 with sd_control 1.31'; allowed: about 8.4",
                "column baseline_sd_treat: '1.26 with baseline_sd_control 1.25'; allowed: about 8,",
            ],
        ),
        (
            TWO_BY_TIME,
            arms("pre_post", (17.5, 8.3, 40), (19.6, 8.1, 41)) | ERRORS_BEFORE,
            ["sd_treat 1.26'; allowed: a ratio of at most 4", "_control 1.25'; allowed: a ratio", "baseline_sd_treat"],
        ),
        ([], arms("pre_post", (17.5, 8.3, 40), (19.6, 8.1, 41), baseline_sd_treat=1.26), ["beside baseline_sd_treat"]),
        (
            PRE_POST,
            PRE_POST[0] | {"baseline_sd_treat": 1.26},
            ["beside baseline_sd_treat 1.26", "column baseline_sd_treat: '1.26'; allowed: about 8"],
        ),
        # Adjusted means, of the same outcome as means.
        (MEANS, arms("ancova", (14.2, 1.25, 42), (17.3, 1.3, 40)), ["column sd_treat: '1.25 with sd_control 1.3'"]),
        # SDs as errors, limits of SDs and errors in the place of others.
        (
            MEANS,
            PLAIN | IMPLIED | {"se_treat": 8.3, "se_control": 8.0},
            ["'8.3, an SD of 55.7, with se_control 8, an SD of 53.1'; allowed: about 8.3"],
        ),
        (MEANS, PLAIN | mean_limits((6.0, 22.0), (10.0, 26.0)), ["these look like limits one SD from the mean"]),
        (MEANS, PLAIN | quartiles((12.7, 14, 15.3), (16.6, 18, 19.4)), ["limits of a standard error? Times the root"]),
        (MEANS, PLAIN | quartiles((0, 14, 36), (2, 18, 41)), ["the smallest and largest value?"]),
        ([], PLAIN | {"sd_control": None, "se_control": 8.0}, ["'8.3 beside se_control 8, an SD of 53.1,'"]),
        (MEANS, PLAIN | {"sd_treat": 69.0, "sd_control": 64.0}, ["these look like variances"]),
        # An outcome of one sample.
        (MEANS, arms("mean_sd", (10.2, 1.0, 42), (12.3, 1.05, 40), "hamd"), ["'1 with sd_control 1.05'; allowed"]),
    ],
)  # fmt: skip
def test_errors_as_deviations_and_the_reverse_are_named(others, row, said):
    found = doubts(*others, row)
    assert len(found) == len(said)
    assert all(x in line and f"row {len(others) + 2}, " in line for x, line in zip(said, found, strict=True))
    assert doubts(*others, row | {"checked": "yes"}) == []


@pytest.mark.parametrize(
    ("others", "row"),
    [
        (TWO_BY_TIME, arms("pre_post", (17.5, 9.9, 40), (19.6, 8.1, 41)) | ERRORS_BEFORE
         | {"baseline_sd_treat": 5.1, "baseline_sd_control": 5.3}),
        # Restricted at the beginning, another scale, one group of few.
        (PRE_POST, PRE_POST[0] | {"baseline_sd_treat": 2.9}),
        (PRE_POST, PRE_POST[0] | dict(baseline_mean_treat=5.0, baseline_sd_treat=1.3, mean_treat=3.0, sd_treat=1.4)),
        # Change has SDs of its own; so have quartiles of what is skewed.
        (MEANS, arms("change_sd", (-8, 2.4, 40), (-5, 2.5, 40))),
        (MEANS, PLAIN | quartiles((11.0, 14, 17.0), (14.6, 18, 21.4))),
        (MEANS, PLAIN | quartiles((4, 14, 26), (6, 18, 30))),
        (MEANS, PLAIN | IMPLIED | {"se_treat": 1.24, "se_control": 1.2}),
        (MEANS, PLAIN | mean_limits((11.5, 16.5), (15.5, 20.5))),
        # The smallest and largest value, of few and of many.
        (MEANS, PLAIN | MEDIANS | {"median_treat": 14.0, "min_treat": 0.0, "max_treat": 36.0, "median_control": 18.0}
         | {"min_control": 2.0, "max_control": 41.0}),
        # Outcomes with small SDs by nature: intelligence, blood pressure.
        (MEANS, arms("mean_sd", (101, 14, 42), (97, 15, 40), "iq")),
        (MEANS, arms("mean_sd", (128, 12, 60), (140, 13, 60), "systolic")),
    ],
)  # fmt: skip
def test_deviations_that_may_be_right_pass(others, row):
    assert doubts(*others, row) == []


def whole(numbers, **more):
    return [arms("mean_sd", *row, **more) for row in numbers]


SMALL = [
    ((14.2, 1.4, 30), (16.6, 1.5, 31)),
    ((12.9, 1.3, 36), (15.0, 1.35, 35)),
    ((15.5, 1.6, 28), (17.5, 1.5, 29)),
    ((13.3, 1.2, 40), (15.3, 1.25, 41)),
]


def test_a_table_of_errors_with_small_effects_is_named_by_their_likeness_times_the_root_of_n():
    found = doubts(*whole(SMALL))
    assert len(found) == 4
    assert (
        "column sd_treat: '1.4 with sd_control 1.5'; allowed: arms that differ by at most 1 SDs, not 1.65" in found[0]
    )
    # The same effects, with SDs that do not follow the sizes; and sizes that say nothing.
    shuffled = zip(SMALL, (40, 28, 36, 30), strict=True)
    assert doubts(*whole([((*a[:2], n), (*b[:2], n)) for (a, b), n in shuffled])) == []
    assert doubts(*whole([((*a[:2], 30), (*b[:2], 30)) for a, b in SMALL])) == []
    # As SDs, whatever the outcome.
    right = [((*a[:1], a[1] * math.sqrt(a[2]), a[2]), (*b[:1], b[1] * math.sqrt(b[2]), b[2])) for a, b in SMALL]
    assert doubts(*whole(right)) == []


def test_a_table_of_deviations_as_errors_is_named_by_their_likeness():
    deviations = [{f"se_{arm}": row[f"sd_{arm}"] for arm in ("treat", "control")} | IMPLIED for row in MEANS]
    found = doubts(*(row | cells for row, cells in zip(MEANS, deviations, strict=True)))
    assert len(found) == 5
    assert "row 2, column se_treat: '8.1, an SD of 52.5'; allowed: standard errors that fall with the root" in found[0]
    errors = [
        row | IMPLIED | {f"se_{arm}": row[f"sd_{arm}"] / math.sqrt(row[f"n_{arm}"]) for arm in ("treat", "control")}
        for row in MEANS
    ]
    assert doubts(*errors) == []
