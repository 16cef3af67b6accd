"""Cells that contradict each other, or what people, studies and calendars can be, are named; what can be passes."""

import datetime
import re
from pathlib import Path

import pytest
from synthesis.cli.main import main
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.days import latest_day, to_come
from synthesis.data.plausible import check_plausible, risk_faults

EMPTY = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}


def odd(**cells):
    """What is said of one row of a trial that prints means, with these cells."""
    row = {"level": "study", "sample_id": "s", "study": "Ada", "construct": "protocol", "estimand": "d_between"}
    row |= {"statistic": "mean_sd", "mean_treat": 20.0, "sd_treat": 5.0, "n_treat": 60.0, "mean_control": 17.0}
    row |= {"sd_control": 5.2, "n_control": 58.0, "own": {}}
    return [str(problem) for problem in check_plausible(Path("effects.csv"), [(2, EMPTY | row | cells)])]


ARMLESS = dict.fromkeys(("n_treat", "n_control"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"n": 80.0}, "column n: '80 with n_treat 60 and n_control 58'; allowed: at least 118"),
        ({"n": 500.0}, "column n: '500 with n_treat 60 and n_control 58'; allowed: 118, or at most 3 times as many"),
        ({"n": 355.0}, "column n: '355"),
        ({"n": 50.0, "n_control": None}, "column n: '50 with n_treat 60'; allowed: at least 60"),
        ({"statistic": "d", "value": 0.5, "n": 60.0}, "column n: '60 with"),
        (
            {"statistic": "r", "value": 0.3, "n": 60.0, "estimand": "r_total", "construct": "alliance"},
            "column n: '60 with",
        ),
        ({"n": 500.0, "total_treat": 60.0, "total_control": 58.0} | ARMLESS, "'500 with total_treat 60 and total_con"),
        ({"total_treat": 600.0}, "column total_treat: '600'; allowed: about n_treat 60"),
        ({"total_control": 5.0}, "column total_control: '5'"),
        (
            {"study": "Ada 2001", "year": 2011.0},
            "column year: '2011 beside study Ada 2001'; allowed: 2001, or at most 3 years",
        ),
        ({"study": "Ada2001", "year": 2005.0}, "column year"),
        ({"label": "Ada 2001", "year": 2010.0}, "beside label Ada 2001"),
        ({"mean_age": 499.0}, "column mean_age: '499'; allowed: at most 110 (a decimal point lost"),
        ({"weeks": 2800.0}, "column weeks: '2800'; allowed: at most 2600 (days"),
        ({"sessions": 1200.0}, "column sessions: '1200'"),
        ({"range_ratio": 80.0}, "column range_ratio: '80'; allowed: from 0.3 to 3 (a percentage"),
        ({"range_ratio": 0.08}, "column range_ratio: '0.08'"),
        ({"reliability_process": 0.09}, "column reliability_process: '0.09'; allowed: at least 0.3"),
        ({"reliability_outcome": 0.29}, "column reliability_outcome: '0.29'"),
        ({"own": {"percent_married": 640.0}}, "column percent_married: '640'; allowed: at least 0 and at most 100"),
    ],
)
def test_numbers_of_people_years_and_lives_that_cannot_be_are_named(cells, said):
    (line,) = odd(**cells)
    assert line.startswith("effects.csv, row 2, column ")
    assert said in line
    assert "checked: yes, with checked_reason" in line
    assert odd(checked="yes", **cells) == []
    assert odd(exclusion_reason="n of another trial", **cells) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"n": 118.0},
        {"range_ratio": 0.3},
        {"range_ratio": 3.0},
        {"reliability_process": 0.3, "reliability_outcome": 1.0},
        # Randomised, of whom some were lost; at most half of them.
        {"n": 130.0},
        {"n": 236.0},
        # Effective sizes of a cluster trial, rounded.
        {"n": 117.6, "n_treat": 60.1, "n_control": 57.9},
        {"n": 500.0, "n_control": None},
        {"level": "summary", "n": 5000.0},
        {"total_treat": 70.0, "total_control": 58.0},
        {"study": "Ada 2001", "year": 2002.0},
        {"study": "Fay & Lee (2019)", "year": 2021.0},
        {"study": "NHANES 2001-2004 linked deaths", "year": 2009.0},
        {"study": "1946 British birth cohort", "year": 1999.0},
        {"study": "Smith 2012", "label": "Smith 2012/2015", "year": 2015.0},
        # A crossover: everybody is in both arms.
        {"n": 24.0, "n_treat": 24.0, "n_control": 24.0},
        {"weeks": 1560.0},
        # No number, and dropped by name.
        {"statistic": "t", "value": 2.6, "estimand": "one_group", "n": 30.0} | ARMLESS,
        {"study": "Ada 2001", "year": 2000.0},
        {"study": "Ada 1999, follow-up of 2011", "year": 2011.0},
        {"study": "Project 20015", "year": 2011.0},
        {"mean_age": 81.45, "weeks": 520.0, "sessions": 300.0},
        {"own": {"percent_married": 64.0, "percent_of": "all", "dose": 640.0}},
    ],
)
def test_numbers_of_people_years_and_lives_that_can_be_pass(cells):
    assert odd(**cells) == []


NO_MEANS = dict.fromkeys(("mean_treat", "sd_treat", "mean_control", "sd_control"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"estimand": "r_total"}, "'r_total'; allowed: d_between or one_group with construct protocol"),
        (
            {"estimand": "r_partial", "construct": "alliance"},
            "'r_partial'; allowed: one of d_between with statistic mean_sd, or an exclusion_reason",
        ),
        ({"estimand": "one_group"}, "'one_group'; allowed: one of d_between with statistic mean_sd"),
        ({"statistic": "r", "value": 0.3} | NO_MEANS, "'d_between'; allowed: one of r_total, r_partial, b_within, r_"),
        ({"statistic": "proportion", "value": 0.3} | NO_MEANS, "allowed: one of one_group with statistic proportion"),
    ],
)
def test_an_estimand_that_is_not_the_statistic_s_is_named(cells, said):
    (line,) = odd(**cells)
    assert line.startswith("effects.csv, row 2, column estimand: ")
    assert said in line
    # Confirming it would not bring the row into a pool.
    assert odd(checked="yes", **cells) == [line]
    assert odd(exclusion_reason="a correlation", **cells) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"statistic": "t", "value": 2.5},
        {"statistic": "chi2", "value": 2.5},
        {"statistic": "d", "value": 0.5, "estimand": "r_total", "construct": "alliance"},
        {"statistic": "log_or", "value": 0.5, "estimand": "r_partial", "construct": "alliance"},
        {"statistic": "pre_post", "estimand": "one_group"},
        {"statistic": "", "estimand": "r_total", "construct": "alliance"} | NO_MEANS,
        {"level": "summary", "estimand": "descriptive"},
    ],
)
def test_an_estimand_that_may_be_the_statistic_s_passes(cells):
    assert odd(**cells) == []


def test_a_day_to_come_is_one_and_a_clock_behind_the_release_is_wrong():
    early = datetime.date(2020, 1, 1)
    assert latest_day(early) > datetime.date(2026, 11, 23)
    assert to_come("x", "2026-11-23", latest_day(early)) == []
    (said,) = to_come("x", "2062-11-23", latest_day(datetime.date(2026, 11, 27)))
    assert str(said).startswith("x: '2062-11-23'; allowed: a day that has come")
    # In one time zone it is tomorrow already.
    assert to_come("x", "2026-11-28", latest_day(datetime.date(2026, 11, 27))) == []
    assert to_come("x", "23 November 2062", latest_day(early)) == []


# --- in a review ----------------------------------------------------------------------------------------------------


def checked(project, capsys):
    """Exit status of `synthesis check`, and what it says."""
    status = main(["check", "--config", str(project.config_path), "--raw", str(project.raw)])
    said = capsys.readouterr()
    return status, said.out + said.err


def refused(project, capsys, *said):
    status, message = checked(project, capsys)
    assert status == 1
    for part in said:
        assert part in message, message


@pytest.mark.parametrize("day", ["2026-13-45", "2026-02-30", "23.11.2026", "2026-1-3"])
def test_a_day_is_one_of_the_calendar(project, capsys, day):
    project.change(0, coded_on=day)
    refused(project, capsys, f"row 2, column coded_on: '{day}'; allowed: a date like 2026-11-23", "year, month and day")


def test_days_that_have_not_come_are_refused(project, capsys):
    project.change(0, coded_on="2999-01-02")
    project.write(
        [
            {
                "effect_id": "bcg_03",
                "field": "country",
                "old": "",
                "new": "x",
                "reason": "r",
                "who": "w",
                "date": "2999-01-03",
            }
        ],
        project.raw / "corrections.csv",
    )
    about = project.raw / "bcg" / "source.yaml"
    about.write_text(re.sub(r"(?m)^(  '?on'?:).*$", r"\1 '2999-01-04'", about.read_text()))
    refused(
        project,
        capsys,
        "corrections.csv, row 2, column date: '2999-01-03'; allowed: a day that has come",
        "effects.csv, row 2, column coded_on: '2999-01-02'",
        "source.yaml, key extraction.on: '2999-01-04'",
    )


def test_a_percentage_in_the_place_of_a_share_is_named_as_one(project, capsys):
    project.change(0, percent_women="60")
    refused(project, capsys, "row 2, column percent_women: '60'", "a percentage? As a fraction it is 0.6")


def test_a_lone_row_that_no_synthesis_takes_is_noted(project, capsys):
    syntheses = project.config["syntheses"]
    rows = [row | {"tier": "main"} for row in project.rows()]
    rows[4]["tier"] = "mian"
    project.write(rows)
    project.configure(syntheses={"bcg": syntheses["bcg"] | {"select": {"tier": ["main"]}}})
    status, said = checked(project, capsys)
    assert status == 0
    assert "effects.csv, row 6: bcg_05 is in no synthesis, unlike the other 12 of its source" in said
    assert "(tier is mian, of the others main)" in said
    # Two that are left out are a choice.
    rows[5]["tier"] = "mian"
    project.write(rows)
    status, said = checked(project, capsys)
    assert status == 0
    assert "is in no synthesis" not in said


def risks(*last, checked=""):
    """What is said of a table of counts of two arms with these risk differences below them."""
    empty = EMPTY | {
        "level": "study",
        "sample_id": "s",
        "study": "Ada",
        "construct": "protocol",
        "estimand": "d_between",
    }
    counts = ((12, 60, 22, 58), (9, 45, 17, 46), (0, 90, 0, 92), (15, 70, 24, 71))
    names = ("events_treat", "total_treat", "events_control", "total_control")
    rows = [empty | {"statistic": "2x2", "own": {}} | dict(zip(names, map(float, row), strict=True)) for row in counts]
    rows += [empty | {"statistic": "rd", "own": {}, "checked": checked} | cells for cells in last]
    return [str(problem) for problem in risk_faults(Path("effects.csv"), list(enumerate(rows, start=2)))]


def test_a_risk_difference_that_was_divided_by_100_twice_is_doubted():
    once = {"value": -0.17, "ci_low": -0.33, "ci_high": -0.01}
    twice = {name: number / 100 for name, number in once.items()}
    assert risks(once) == []
    (line,) = risks(once, twice)
    assert line.startswith("effects.csv, row 7, column ci_low: '-0.0033'")
    assert "a percentage divided by 100 twice" in line
    assert risks(once, twice, checked="yes") == []
    (line,) = risks({"value": -0.0017, "se": 0.0008})
    assert "column se" in line
    # A trial of some thousands.
    assert risks({"value": -0.01, "se": 0.004}) == []
