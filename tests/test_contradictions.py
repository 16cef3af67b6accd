"""Numbers of a row that say two things are named, as are means on another side or scale than their outcome's."""

from pathlib import Path

import pytest
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.contradictions import NO_REASON, check_contradictions

EMPTY = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
TRIAL = {"level": "study", "construct": "protocol", "estimand": "d_between", "direction": -1.0, "own": {}}
COUNTS = {"statistic": "2x2", "events_treat": 12.0, "total_treat": 60.0, "events_control": 22.0, "total_control": 58.0}
MEANS = {
    "mean_treat": 14.2,
    "sd_treat": 8.1,
    "n_treat": 42.0,
    "mean_control": 18.3,
    "sd_control": 8.6,
    "n_control": 40.0,
}
MEANS |= {"statistic": "mean_sd", "outcome": "BDI-II"}
R = {"estimand": "r_total", "construct": "alliance", "statistic": "r", "value": 0.3, "n": 80.0, "direction": 1.0}
SHARE = {"estimand": "one_group", "statistic": "proportion", "value": 0.2, "n": 400.0}


def odd(*rows):
    """What is said of a table with these rows, each of a sample of its own, in the order of the rules."""
    table = [(at, EMPTY | TRIAL | {"sample_id": f"s{at}"} | row) for at, row in enumerate(rows, start=2)]
    return [str(problem) for problem in check_contradictions(Path("effects.csv"), table)]


def arms(treat, control, sd=8.0, **cells):
    return MEANS | {"mean_treat": treat, "mean_control": control, "sd_treat": sd, "sd_control": sd * 1.02} | cells


def change(treat, control, sd=8.0, **cells):
    return arms(treat, control, sd, statistic="change_sd", **cells)


# --- words that exclude -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["no", "None", "0", "NA", "n/a", "#N/A", "FALSE", "Included", ".", "yes", "TRUE", "x", "nein"]
)
def test_words_that_give_no_reason_exclude_no_row(word):
    (line,) = odd(MEANS | {"exclusion_reason": word})
    assert line.startswith(f"effects.csv, row 2, column exclusion_reason: '{word}'; allowed: why the row is kept out")
    assert "leave it empty to keep the row" in line
    # Confirming does not make it a reason.
    assert odd(MEANS | {"exclusion_reason": word, "checked": "yes"}) == [line]


@pytest.mark.parametrize(
    "reason", ["ns", "no control group", "n not printed", "unread", "duplicate of Ada 2001", "N = 9"]
)
def test_reasons_exclude(reason):
    assert reason.casefold() not in NO_REASON
    # An excluded row is not looked at.
    assert odd(COUNTS | {"value": 9.0, "exclusion_reason": reason}) == []


# --- doubts of one row -----------------------------------------------------------------------------------------------

DOUBTED = [
    # An effect beside its counts, whose odds ratio is .41.
    (COUNTS | {"statistic": "or", "value": 2.4, "ci_low": 1.1, "ci_high": 5.2}, "value", "or 0.409 (the same"),
    (COUNTS | {"statistic": "log_or", "value": 0.89, "se": 0.42}, "value", "-0.894"),
    (COUNTS | {"statistic": "rr", "value": 1.9}, "value", "rr 0.527"),
    (COUNTS | {"statistic": "log_rr", "value": 0.64}, "value", "log_rr -0.64"),
    (COUNTS | {"statistic": "rd", "value": 0.18}, "value", "rd -0.179"),
    (COUNTS | {"value": 2.44}, "value", "or 0.409 or rr 0.527"),
    (COUNTS | {"value": 9.1}, "value", "counts and effect of two rows"),
    (COUNTS | {"p": ".80"}, "p", "as the counts imply"),
    (
        {"statistic": "irr", "value": 2.0, "events_treat": 20.0, "time_treat": 400.0, "events_control": 40.0,
         "time_control": 400.0}, "value", "irr 0.5",
    ),
    # Beside means, whose difference is -.49 SDs.
    (MEANS | {"statistic": "d", "value": -1.2}, "value", "about -0.49, as the means 14.2 and 18.3"),
    (MEANS | {"statistic": "g", "value": 0.49}, "value", "a sign turned"),
    (MEANS | {"statistic": "smd", "value": -0.1}, "value", "-0.49"),
    (MEANS | {"statistic": "mean_difference", "value": 4.1, "se": 1.8}, "value", "about -4.1"),
    (MEANS | {"statistic": "rom", "value": 1.29}, "value", "about 0.776"),
    (MEANS | {"statistic": "log_rom", "value": 0.25}, "value", "about -0.254"),
    (MEANS | {"statistic": "t", "value": 2.2}, "value", "of the sign of -4.1"),
    (MEANS | {"value": -1.4}, "value", "-0.49 in SDs or -4.1 in units"),
    # Totals that are something else.
    (COUNTS | {"total_treat": 48.0, "total_control": 36.0, "n": 118.0}, "total_treat", "nonevents_treat"),
    (COUNTS | {"total_treat": 48.0, "total_control": 36.0, "n_treat": 60.0, "n_control": 58.0}, "total_treat", "60"),
    (COUNTS | {"total_control": 36.0, "n_treat": 60.0, "n_control": 58.0}, "total_control", "nonevents_control"),
    (COUNTS | {"total_treat": 118.0, "total_control": 118.0, "n_treat": 60.0, "n_control": 58.0}, "total_treat", "60"),
    (
        {"estimand": "one_group", "statistic": "count", "events_treat": 12.0, "total_treat": 48.0, "n_treat": 60.0},
        "total_treat", "nonevents_treat",
    ),
    # Associations beside p and standard error.
    (R | {"statistic": "beta", "value": 0.42, "p": ".40"}, "p", "as value and n 80 imply"),
    (R | {"statistic": "r2", "value": 0.3, "sign": 1.0, "p": ".40"}, "p", "as value and n 80 imply"),
    (R | {"statistic": "f2", "value": 0.4, "sign": 1.0, "p": ".40"}, "p", "as value and n 80 imply"),
    (R | {"statistic": "semipartial_r", "value": 0.42, "p": ".40"}, "p", "as value and n 80 imply"),
    (R | {"p": ">.05"}, "p", "about 0.0066"),
    (R | {"statistic": "beta", "value": -0.42, "se": 0.2}, "se", "not standardized (statistic coef)"),
    (R | {"statistic": "beta", "value": 0.42, "se": 0.02}, "se", "about 0.103 with n 80"),
    (R | {"statistic": "beta", "value": 0.42, "variance": 0.04}, "variance", "about 0.0106"),
    (R | {"statistic": "beta", "value": 0.42, "se": 0.1, "p": ".40"}, "p", "value and standard error"),
    # Shares.
    (SHARE | {"ci_low": 0.12, "ci_high": 0.3}, "ci_low", "about 0.02 with a share of 0.2 of 400"),
    (SHARE | {"se": 0.2}, "se", "about 0.02"),
    (SHARE | {"n": 100.0, "events_treat": 30.0, "total_treat": 100.0}, "value", "about 0.3"),
    (SHARE | {"statistic": "count", "n": None, "events_treat": 30.0, "total_treat": 100.0}, "value", "about 0.3"),
    # What is no result of one study after treatment.
    ({"statistic": "g", "value": -0.45, "se": 0.05, "n": 2400.0, "k": 20.0}, "k", "level is summary"),
    (R | {"k": 24.0, "n": 3500.0}, "k", "1 or empty at level study"),
    (MEANS | {"timepoint": "baseline"}, "timepoint", "a time after treatment began"),
    (MEANS | {"timepoint": "Pre-treatment"}, "timepoint", "a time after treatment began"),
    (MEANS | {"timepoint_detail": "pre"}, "timepoint_detail", "a time after treatment began"),
    # Two sides of zero, and a tenth of the people.
    (arms(-13.1, 16.2), "mean_treat", "on the side of zero where mean_control 16.2 is"),
    (change(-8.2, 18.9), "mean_treat", "a change beside a final value"),
    (arms(-12.0, -9.0, baseline_mean_treat=21.0, baseline_sd_treat=7.0), "mean_treat", "baseline_mean_treat 21"),
    (MEANS | {"n_treat": 610.0, "n_control": 58.0}, "n_treat", "less than 8 times n_control 58"),
    (COUNTS | {"total_treat": 600.0}, "total_treat", "less than 8 times total_control 58"),
    (COUNTS | {"total_control": 600.0}, "total_control", "less than 8 times total_treat 60"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "column", "said"), DOUBTED)
def test_a_row_that_says_two_things_is_doubted(cells, column, said):
    (line,) = odd(cells)
    assert line.startswith(f"effects.csv, row 2, column {column}: ")
    assert said in line
    assert "checked: yes, with checked_reason" in line
    assert odd(cells | {"checked": "yes"}) == []
    assert odd(cells | {"exclusion_reason": "two readings"}) == []


PASSES = [
    COUNTS,
    COUNTS | {"statistic": "or", "value": 0.41, "ci_low": 0.18, "ci_high": 0.94, "p": ".03"},
    # Adjusted.
    COUNTS | {"statistic": "or", "value": 0.6},
    COUNTS | {"statistic": "rr", "value": 0.53},
    COUNTS | {"statistic": "rd", "value": -0.18},
    COUNTS | {"statistic": "hr", "value": 0.47},
    # What a table prints beside counts: an effect, chi-square with Yates' correction or without, its root.
    COUNTS | {"value": 0.527},
    COUNTS | {"value": -0.179},
    COUNTS | {"value": 4.6},
    COUNTS | {"value": 3.8, "p": ".05"},
    COUNTS | {"p": ".03"},
    COUNTS | {"p": "<.05"},
    # Few events, and none.
    COUNTS | {"statistic": "or", "events_treat": 0.0, "events_control": 2.0, "value": 0.19},
    COUNTS | {"events_treat": 0.0, "events_control": 0.0, "p": "1"},
    COUNTS | {"statistic": "or", "events_treat": 21.0, "value": 1.1},
    MEANS | {"statistic": "g", "value": -0.49},
    MEANS | {"statistic": "d", "value": -0.62},
    MEANS | {"statistic": "d", "value": -0.35},
    # Glass's delta, of arms whose SDs differ; changes by the SD before.
    MEANS | {"statistic": "d", "sd_control": 14.0, "value": -0.29},
    arms(14.0, 16.0, statistic="g", value=-0.9, baseline_mean_treat=27.0, baseline_mean_control=23.0,
         baseline_sd_treat=6.7, baseline_sd_control=6.9),
    # Differences near 0 have either sign.
    arms(14.0, 14.4, statistic="d", value=0.06),
    MEANS | {"statistic": "mean_difference", "value": -4.1, "se": 1.8},
    MEANS | {"statistic": "mean_difference", "value": -3.2, "se": 1.4},
    MEANS | {"statistic": "rom", "value": 0.8},
    MEANS | {"statistic": "t", "value": -2.2},
    MEANS | {"value": 4.1},
    MEANS | {"value": -0.48},
    COUNTS | {"n_treat": 60.0, "n_control": 58.0, "n": 118.0},
    COUNTS | {"n_treat": 70.0, "n_control": 75.0},
    COUNTS | {"n": 140.0},
    COUNTS | {"events_treat": 0.0, "n_treat": 60.0, "n_control": 58.0},
    R | {"p": ".007"},
    R | {"value": 0.24, "p": ">.05"},
    R | {"p": ">.05", "estimand": "r_partial"},
    R | {"statistic": "beta", "value": 0.42, "p": ".0002", "se": 0.11},
    # Other predictors: a p that is smaller, or larger, than that of the n.
    R | {"statistic": "beta", "estimand": "r_partial", "value": 0.2, "p": "<.001"},
    R | {"statistic": "beta", "estimand": "r_partial", "value": 0.3, "p": ".04", "covariates": 2.0},
    R | {"statistic": "beta", "estimand": "r_partial", "value": 0.3, "se": 0.15},
    R | {"statistic": "r2", "value": 0.09, "sign": 1.0, "p": "<.01"},
    R | {"statistic": "r2", "value": 0.3, "sign": 1.0, "p": ".40", "flag": "joint_R2"},
    SHARE | {"ci_low": 0.164, "ci_high": 0.242},
    SHARE | {"se": 0.02},
    # Weighted for a survey; rounded; of few people.
    SHARE | {"ci_low": 0.14, "ci_high": 0.26},
    SHARE | {"value": 0.31, "n": 98.0, "events_treat": 30.0, "total_treat": 98.0},
    SHARE | {"value": 0.02, "n": 50.0, "ci_low": 0.0005, "ci_high": 0.106},
    SHARE | {"statistic": "count", "value": 30.0, "n": None, "events_treat": 30.0, "total_treat": 100.0},
    {"level": "summary", "statistic": "g", "value": -0.45, "se": 0.05, "k": 20.0},
    {"statistic": "g", "value": -0.45, "se": 0.25, "k": 1.0},
    MEANS | {"timepoint": "post", "timepoint_detail": "week 8"},
    R | {"timepoint": "baseline"},
    {"estimand": "one_group", "statistic": "proportion", "value": 0.2, "n": 50.0, "timepoint": "baseline"},
    MEANS | {"weeks": 0.0},
    # Scales with both sides.
    arms(-0.6, 0.5, 1.0),
    arms(-3.0, 4.0),
    change(-8.2, 1.5),
    MEANS | {"n_treat": 340.0, "n_control": 58.0},
    R | {"statistic": "d", "n_treat": 610.0, "n_control": 58.0, "n": 668.0},
]  # fmt: skip


@pytest.mark.parametrize("cells", PASSES)
def test_what_can_be_passes(cells):
    assert odd(cells) == []


def test_total_associations_are_not_adjusted():
    for cells, said in (
        ({"adjusted_for": "baseline"}, "adjusted_for is baseline"),
        ({"adjusted_for": "Prior change", "statistic": "beta"}, "adjusted_for is Prior change"),
        ({"covariates": 3.0}, "covariates is 3"),
    ):
        (line,) = odd(R | cells)
        assert "column estimand: 'r_total'; allowed: r_partial" in line
        assert said in line
        assert odd(R | cells | {"checked": "yes"}) == [line]
        assert odd(R | cells | {"estimand": "r_partial"}) == []
    for cells in ({"adjusted_for": "none"}, {"adjusted_for": "unknown"}, {"covariates": 0.0}):
        assert odd(R | cells) == []


# --- beside the rest of the table -----------------------------------------------------------------------------------

FINAL = [arms(14.2, 18.3), arms(12.9, 16.0), arms(15.5, 17.9), arms(13.1, 16.2)]
CHANGE = [change(-8.2, -4.9), change(-9.0, -5.3)]
ONE = {"estimand": "one_group", "n_control": None, "mean_control": None, "sd_control": None}
PRE_POST = ONE | {"statistic": "pre_post", "baseline_sd_treat": 8.0}


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ([*FINAL, arms(-13.1, 4.0)], 6, "allowed: above 0, as all others of outcome BDI-II (a minus too many?"),
        ([*FINAL, arms(131.0, 162.0)], 6, "'131 | 162'; allowed: about 15.8 with SDs of about 8.08"),
        ([*FINAL, arms(1.31, 1.62)], 6, "a decimal point"),
        ([*CHANGE, change(8.8, 5.1)], 4, "below 0, as the change in row 2 (-8.2 | -4.9)"),
        ([*CHANGE, change(8.8, 5.1), change(8.0, 5.5), change(7.0, 5.0)], 2, "above 0, as the change in row 4"),
        ([CHANGE[0], change(8.8, 5.1)], 3, "a reduction entered as a positive number"),
        ([change(8.2, 4.9, direction=1.0), change(-8.8, -5.1, direction=1.0)], 3, "above 0"),
        ([*CHANGE, change(-8.0, 6.0)], 4, "'6'; allowed: below 0, as the other arm and all other changes"),
        ([row | ONE for row in (*CHANGE, change(9.5, 0.0))], 4, "a reduction entered as a positive number"),
        ([arms(mean, 0.0, baseline_mean_treat=before) | PRE_POST for mean, before in ((12, 22), (13, 22), (22, 12))],
         4, "before and after swapped?"),
    ],
)  # fmt: skip
def test_means_on_another_side_or_scale_than_their_outcome_are_doubted(table, row, said):
    lines = odd(*table)
    assert any(said in line for line in lines)
    assert f"row {row}," in lines[0]
    assert odd(*(cells | {"checked": "yes"} for cells in table)) == []


@pytest.mark.parametrize(
    "table",
    [
        FINAL,
        CHANGE,
        # Scales in SDs, and around 0.
        [arms(-0.6, -0.4, 1.0), arms(0.6, 0.5, 1.0), arms(0.4, 0.5, 1.0)],
        [change(-0.6, -0.4, 1.0), change(0.6, 0.5, 1.0)],
        [arms(14.0, 18.0), arms(-1.0, 2.0), arms(9.0, 8.0)],
        [arms(-9.0, -8.0), arms(9.0, 8.0), arms(-7.0, -8.0), arms(7.0, 8.0)],
        # Changes of both arms among final values, as in the data of low-dose tricyclics.
        [*FINAL, arms(-8.2, -4.3)],
        [arms(-8.2, -4.3), FINAL[0]],
        # A control arm that gets a little worse.
        [*CHANGE, change(-8.0, 2.0)],
        [*CHANGE, change(1.0, 2.0)],
        [arms(-9.0, -8.0), arms(0.0, 0.0)],
        # Another outcome, or none; another scale has other SDs.
        [*FINAL, arms(-8.2, -4.3, outcome="QIDS")],
        [row | {"outcome": ""} for row in (*FINAL, arms(-8.2, -4.3))],
        [*FINAL, arms(131.0, 162.0, 60.0)],
        [*FINAL, arms(41.0, 52.0)],
        # Changes beside final values are two statistics.
        [*FINAL, *CHANGE],
        # Arms that are unequal by design.
        [MEANS | {"n_treat": 400.0, "n_control": 50.0}, MEANS | {"n_treat": 300.0, "n_control": 60.0}],
    ],
)
def test_tables_that_can_be_pass(table):
    assert odd(*table) == []


def test_a_database_may_turn_all_its_effects():
    """Positive is better, whatever the means are: direction 1 in every row. One such row is a slip, and so is -1."""
    turned = MEANS | {"statistic": "g", "value": 0.49, "direction": 1.0}
    assert odd(turned, turned | {"value": 0.52}) == []
    assert len(odd(turned)) == 1
    assert len(odd(turned, turned | {"value": -0.52})) == 1
    assert len(odd(*[turned | {"direction": -1.0}] * 2)) == 2
    assert len(odd(turned, turned, turned | {"value": 1.9})) == 1
