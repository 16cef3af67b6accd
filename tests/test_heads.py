"""Heads of a table that say another kind of number than what they are taken for, and columns that are passed over."""

import datetime

import pytest
from synthesis.data.foreign.heads import kinds_of, other_kinds
from synthesis.data.foreign.words import clustered, crossed_over, excluded, names_other_level
from synthesis.errors import InputError
from synthesis.plan.starting import Start, start

ARMS = "study,mean_treat,sd_treat,n_treat,mean_control,sd_control,n_control"
ROWS = ["Ada 2001,14.2,8.1,42,18.3,8.6,40", "Bo 2002,12.9,7.9,55,16.0,8.3,52", "Cem 2003,15.5,9.0,31,17.9,8.8,33"]


def asked(statistic, header=(), ignore=(), **columns):
    return [str(problem) for problem in other_kinds(columns, [statistic], header, ignore)]


def begun(tmp_path, lines, **given):
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines) + "\n")
    what = {"title": "T", "statistic": "", "columns": {}, "better": "smaller", "citation": "C"} | given
    return start(tmp_path / "review", Start(table=path, **what), datetime.date(2026, 1, 2)).notes


@pytest.mark.parametrize(
    ("statistic", "ours", "theirs", "said"),
    [
        (
            "mean_sd",
            "sd_treat",
            "se1",
            "allowed: se_treat=se1, or a column with another name (named as standard errors",
        ),
        ("mean_sd", "sd_control", "SEM ctrl", "se_control=SEM ctrl"),
        ("mean_sd", "sd_treat", "IQR1", "--statistic median"),
        ("mean_sd", "sd_treat", "var_t", "square roots"),
        ("mean_sd", "se_treat", "sd1", "sd_treat=sd1"),
        ("mean_sd", "mean_treat", "pre_m1", "values after treatment"),
        ("mean_sd", "mean_treat", "baselineMean", "values after treatment"),
        ("mean_sd", "mean_control", "change2", "--statistic change_sd"),
        ("change_sd", "mean_control", "post_mean2", "--statistic mean_sd"),
        ("mean_sd", "mean_treat", "median1", "median_treat=median1"),
        ("median", "median_treat", "mean1", "mean_treat=mean1"),
        ("pre_post", "baseline_mean_treat", "post_m1", "values before treatment"),
        ("2x2", "events_treat", "pct_treat", "numbers of people"),
        ("2x2", "events_control", "% recovered", "numbers of people"),
        ("r", "value", "R2", "--statistic r2"),
        ("r", "value", "R\u00b2", "--statistic r2"),
        ("r", "value", "eta squared", "another statistic"),
        ("r", "value", "d", "--statistic smd"),
        ("r", "value", "fisher_z", "--statistic z"),
        ("z", "value", "r", "--statistic r,"),
        ("r2", "value", "r", "--statistic r,"),
        ("r", "value", "adjusted beta", "--statistic beta"),
        ("beta", "value", "b", "--statistic coef"),
        ("log_or", "value", "OR", "--statistic or,"),
        ("or", "value", "HR", "--statistic hr"),
        ("hr", "value", "logHR", "--statistic log_hr"),
        ("log_rr", "ci_low", "RR_low", "--statistic rr"),
        ("smd", "value", "MD", "--statistic mean_difference"),
        ("mean_difference", "value", "Cohen's d", "--statistic smd"),
        ("p", "p", "p one-sided", "p_sides="),
        ("p", "p", "p (1-tailed)", "p_sides="),
    ],
)
def test_a_head_that_says_another_kind_is_asked_about(statistic, ours, theirs, said):
    (line,) = asked(statistic, **{ours: theirs})
    assert line.startswith(f"--columns: '{ours}={theirs}'") or f"{ours}={theirs}" in line
    assert said in line


@pytest.mark.parametrize(
    ("statistic", "columns"),
    [
        ("mean_sd", {"mean_treat": "m1", "sd_treat": "s1", "n_treat": "n1", "se_treat": "se1"}),
        ("mean_sd", {"mean_treat": "post mean", "sd_treat": "SD post", "mean_control": "Mean_end"}),
        ("change_sd", {"mean_treat": "mean change from baseline", "sd_treat": "sd change (post - pre)"}),
        ("pre_post", {"mean_treat": "post", "baseline_mean_treat": "pre", "sd_treat": "sd pre"}),
        ("2x2", {"events_treat": "n.cbt.rec", "total_treat": "n1", "events_control": "no. (%) events"}),
        ("r", {"value": "r", "n": "n"}),
        ("r", {"value": "r_phq9"}),
        ("r", {"value": "partial r"}),
        ("r", {"value": "effect"}),
        ("z", {"value": "z"}),
        ("z", {"value": "fisher z of r"}),
        ("g", {"value": "Hedges' g"}),
        ("smd", {"value": "std mean difference"}),
        ("smd", {"value": "Cohen d"}),
        ("log_or", {"value": "log OR"}),
        ("log_or", {"value": "yi"}),
        ("or", {"value": "OR", "ci_low": "OR lower"}),
        ("mean_difference", {"value": "mean difference"}),
        ("p", {"p": "p"}),
        ("p", {"p": "p1", "p_sides": "tails"}),
    ],
)
def test_a_head_of_its_kind_or_of_none_passes(statistic, columns):
    assert asked(statistic, **columns) == []


def test_the_second_of_several_correlations_is_no_r2():
    assert asked("r", header=["study", "r1", "r2"], value="r2") == []
    assert asked("r", header=["study", "r2"], value="r2")
    assert "R2" in kinds_of("R-squared")


@pytest.mark.parametrize(
    "columns",
    [
        {"n_treat": "N", "n_control": "N"},
        {"total_treat": "N", "total_control": "N"},
        {"mean_treat": "m", "mean_control": "m"},
        {"sd_treat": "SD", "sd_control": "SD"},
        {"events_treat": "events", "events_control": "events"},
    ],
)
def test_a_column_that_is_taken_twice_is_asked_about(columns):
    (line,) = asked("mean_sd", **columns)
    assert "a column for each" in line
    assert asked("mean_sd", ignore=[next(iter(columns.values()))], **columns) == []


def test_sizes_that_say_that_they_are_of_each_arm_pass():
    assert asked("mean_sd", n_treat="n per arm", n_control="n per arm") == []
    assert asked("2x2", n_treat="n1", total_treat="n1") == []


@pytest.mark.parametrize("name", ["ci90_low", "ll90", "90ci", "lower_90", "90% CI", "CI 99 upper", "ci_low_80", "u99"])
def test_limits_of_another_level_are_known(name):
    assert names_other_level(name)


@pytest.mark.parametrize("name", ["ci_low", "ci_low_95", "lower", "95% CI", "ll95", "low_1990", "n90", "ci.lb"])
def test_other_limits_are_of_95(name):
    assert not names_other_level(name)


@pytest.mark.parametrize(
    ("name", "cells", "marked"),
    [
        ("include", ["yes", "no"], [3]),
        ("Included?", ["1", "0"], [3]),
        ("exclude", ["", "x"], [3]),
        ("exclusion_reason", ["", "retracted"], [3]),
        ("Reason for exclusion", ["NA", "no control group"], [3]),
        ("exclusion_reason", ["no", "-"], []),
        ("include", ["yes", "yes"], []),
        # A column that says the same of every row says nothing.
        ("include", ["no", "no"], []),
        ("comment", ["yes", "no"], []),
    ],
)
def test_rows_that_are_marked_as_excluded(name, cells, marked):
    assert [row for row, _ in excluded(name, list(enumerate(cells, start=2)))] == marked


@pytest.mark.parametrize(
    ("name", "cells", "marked"),
    [
        ("cluster_randomised", ["no", "yes"], [3]),
        ("design", ["parallel", "cluster RCT"], [3]),
        ("design", ["parallel", "factorial"], []),
        ("cluster", ["1", "2"], [2]),
        ("therapist", ["cluster", "yes"], []),
    ],
)
def test_trials_that_were_randomised_by_clusters(name, cells, marked):
    assert [row for row, _ in clustered(name, list(enumerate(cells, start=2)))] == marked


def test_crossover_trials():
    assert crossed_over("design", [(2, "parallel"), (3, "cross-over"), (4, "Crossover RCT")]) == [
        (3, "cross-over"), (4, "Crossover RCT")]  # fmt: skip
    assert crossed_over("note", [(3, "crossover")]) == []


def test_an_unused_column_that_would_change_a_number_has_a_line_of_its_own(tmp_path):
    lines = [
        "study,t,df,n,covariates,site",
        "Ada 2001,2.6,80,90,6,x",
        "Bo 2002,2.3,52,60,6,y",
        "Cem 2003,2.2,72,80,6,z",
    ]
    notes = begun(tmp_path, lines, statistic="t", better="larger", metric="z")
    assert "covariates is not used, and would change numbers: 'covariates=covariates' in --columns reads it" in notes
    assert not any(note.startswith("site is not used") for note in notes)


def test_excluded_rows_are_refused_until_they_are_confirmed(tmp_path):
    lines = [f"{ARMS},include", *(f"{row},yes" for row in ROWS[:2]), f"{ROWS[2]},no"]
    with pytest.raises(InputError, match="row 4, column include: 'no'.*marked as excluded"):
        begun(tmp_path, lines)
    begun(tmp_path, lines, ignore=("include",))


def test_reasons_of_exclusion_are_taken_over(tmp_path):
    lines = [f"{ARMS},why excluded", *(f"{row}," for row in ROWS[:2]), f"{ROWS[2]},retracted"]
    with pytest.raises(InputError, match="'exclusion_reason=why excluded' in --columns"):
        begun(tmp_path, lines)
    columns = {name: name for name in ARMS.split(",")} | {"exclusion_reason": "why excluded"}
    begun(tmp_path, lines, columns=columns, statistic="mean_sd")


def test_an_unusual_side_of_printed_effects_is_said(tmp_path):
    lines = ["study,outcome,r,n", "Ada 2001,BDI,-.26,90", "Bo 2002,BDI,-.31,60", "Cem 2003,quality of life,.2,80"]
    notes = begun(tmp_path, lines, statistic="r", better="larger")
    (line,) = [note for note in notes if "is read as if" in note]
    assert line.startswith("BDI (rows 2, 3) is read as if a larger value were better; usually a smaller one is")
