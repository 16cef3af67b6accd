"""Numbers that contradict sample sizes, one another or the rest of a table are named, and can be confirmed by a row."""

import csv
import datetime
import gzip
import json
import math
import re
from pathlib import Path

import pytest
import tolerances
from conftest import DATA, ROOT
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data.columns import BY_NAME, NUMERIC_KINDS
from synthesis.data.extraction import corrections_of, extract, load_source
from synthesis.data.precision import check_precision, expected_se
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.plan.starting import Start, start

DAY = datetime.date(2026, 1, 2)
EMPTY = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
# Variances in the place of standard errors: https://github.com/jamovi/jamovi/issues/1211, rebuilt.
VARIANCES = """study,yi,vi,n1,n2
Adler 2004,0.41,0.0523,40,39
Baptiste 2008,0.18,0.0308,66,65
Cho 2010,0.73,0.1066,20,20
Dufour 2013,-0.06,0.0201,99,101
Ekwueme 2014,0.35,0.0411,50,49
Farkas 2017,0.52,0.0683,30,31
Gruber 2019,0.11,0.0154,130,131
Hosseini 2021,0.29,0.0266,76,77
"""
# Standard errors in the place of SDs in one trial: Gotzsche et al. 2007, JAMA 298:430, rebuilt.
DEVIATIONS = """study,scale,m1,s1,n1,m0,s0,n0
Arvidsson 2003,BDI,14.2,8.1,46,18.0,8.9,44
Bose 2007,BDI,12.9,7.4,61,16.1,7.9,60
Castellanos 2010,BDI,13.1,1.12,52,17.6,1.19,51
Demir 2013,BDI,15.0,9.0,33,17.2,8.5,35
Ekholm 2016,BDI,11.8,7.7,70,14.9,8.2,72
Fraser 2020,BDI,12.4,8.6,41,15.8,8.0,40
"""
VALUES = {"study": "study", "value": "yi", "n_treat": "n1", "n_control": "n2"}
MEANS = {"study": "study", "mean_treat": "m1", "sd_treat": "s1", "n_treat": "n1"}
MEANS |= {"mean_control": "m0", "sd_control": "s0", "n_control": "n0"}


def review(tmp_path, table, statistic, columns, better="larger"):
    path = tmp_path / "own.csv"
    path.write_text(table)
    start(tmp_path / "review", Start("x", path, statistic, columns, better, "x"), DAY)
    found = extract(tmp_path / "review" / "data" / "raw", "own", ("g",)).effects
    return pool([row.yi for row in found], [row.vi for row in found])


def doubts(*rows):
    """The doubts of rows, each a study row of its own sample."""
    made = [EMPTY | {"level": "study", "sample_id": f"s{i}"} | row for i, row in enumerate(rows)]
    return [str(problem) for problem in check_precision(Path("effects.csv"), list(enumerate(made, start=2)))]


def test_variances_as_standard_errors_are_named_row_by_row(tmp_path):
    with pytest.raises(InputError) as refused:
        review(tmp_path, VARIANCES.replace(",vi,", ",error,", 1), "g", VALUES | {"se": "error"})
    said = [str(problem) for problem in refused.value.problems]
    assert len(said) == 8
    assert "own.csv, row 2, column error: '0.0523'; allowed: about 0.227 with n_treat 40 and n_control 39" in said[0]
    assert all("this looks like a variance: use the column variance" in line for line in said)
    assert "checked: yes, with checked_reason" in said[0]


def test_a_variance_in_its_column(tmp_path):
    """g 0.2296 [0.0464, 0.4128]: metafor rma(yi, vi, test="knha")."""
    fit = review(tmp_path, VARIANCES, "g", VALUES | {"variance": "vi"})
    right = (0.2296, 0.0464, 0.4128)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_4)


def test_a_confirmed_row_is_used_as_it_stands(tmp_path):
    lines = VARIANCES.strip().split("\n")
    table = (
        "\n".join(
            [f"{lines[0].replace(',vi,', ',error,')},ok,why", *(f"{line},yes,read in Table 3" for line in lines[1:])]
        )
        + "\n"
    )
    fit = review(tmp_path, table, "g", VALUES | {"se": "error", "checked": "ok", "checked_reason": "why"})
    assert fit.k == 8
    assert fit.estimate == pytest.approx(0.3048, abs=tolerances.PRINTED_4)


@pytest.mark.parametrize("columns", [MEANS, MEANS | {"outcome": "scale"}], ids=["no outcome", "outcome"])
def test_standard_errors_as_deviations_are_named(tmp_path, columns):
    with pytest.raises(InputError) as refused:
        review(tmp_path, DEVIATIONS, "mean_sd", columns, "smaller")
    (problem,) = refused.value.problems
    assert problem.where.endswith("own.csv, row 4, column s1")
    assert problem.value == "1.12 with sd_control 1.19"
    assert "these look like standard errors: times the root of n they are 8.08 and 8.5" in problem.hint


def test_a_table_of_standard_errors_is_named():
    """The trials above as a table that prints standard errors: every SD divided by the root of n."""
    with_errors = [
        row | {f"sd_{arm}": row[f"sd_{arm}"] / math.sqrt(row[f"n_{arm}"]) for arm in ("treat", "control")}
        for row in trials()
    ]
    assert all("does the table print standard errors?" in line for line in doubts(*with_errors))
    assert len(doubts(*with_errors)) >= 3
    assert doubts(*trials()) == []


def trials():
    """The trials above, without the one whose SDs are standard errors."""
    rows = list(csv.DictReader(DEVIATIONS.splitlines()))
    made = {ours: theirs for ours, theirs in MEANS.items() if ours != "study"}
    return [
        {"statistic": "mean_sd"} | {ours: float(row[theirs]) for ours, theirs in made.items()}
        for row in rows
        if row["study"] != "Castellanos 2010"
    ]


def test_deviations_made_of_them(tmp_path):
    """g 0.41337 [0.32405, 0.50270]: metafor, SE times the root of n as the SD of the third trial."""
    made = f"{1.12 * math.sqrt(52):.10g},52,17.6,{1.19 * math.sqrt(51):.10g},51"
    fit = review(tmp_path, DEVIATIONS.replace("1.12,52,17.6,1.19,51", made), "mean_sd", MEANS, "smaller")
    right = (0.41337, 0.32405, 0.50270)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_4)


G = {"statistic": "g", "value": 0.4, "n_treat": 40.0, "n_control": 39.0}
SE = expected_se(EMPTY | {"level": "study"} | G)
DOUBTED = [
    (G | {"se": 0.0523}, "column se: '0.0523'; allowed: about 0.227.*looks like a variance"),
    (G | {"variance": 0.2269}, "column variance: .*looks like a standard error"),
    (G | {"se": 0.9}, "column se: '0.9'; allowed: about 0.227"),
    (G | {"n_treat": None, "n_control": None, "n": 79.0, "se": 0.05}, "column se.*with n 79"),
    (G | {"se": 0.2, "variance": 0.09}, "column variance: '0.09'; allowed: about 0.04, the square of se"),
    (G | {"ci_low": 0.39, "ci_high": 0.41}, "column ci_low: .*a standard error of 0.0051'; allowed: one of about"),
    ({"statistic": "z", "value": 0.3, "n": 103.0, "se": 0.01}, "column se: '0.01'; allowed: about 0.1 with n 103"),
    ({"statistic": "r", "value": 0.3, "n": 100.0, "ci_low": 0.29, "ci_high": 0.31}, "column ci_low"),
    ({"statistic": "g", "value": 0.11, "ci_low": 0.11, "ci_high": 0.33}, "column value: '0.11'; allowed: near the mid"),
    ({"statistic": "g", "value": 0.1, "ci_low": 0.05, "ci_high": 0.25}, "a minus lost from ci_low 0.05"),
    ({"statistic": "g", "value": -0.11, "ci_low": -0.33, "ci_high": -0.11}, "a minus too many in ci_high -0.11"),
    ({"statistic": "or", "value": 2.02, "ci_low": 0.51, "ci_high": 3.53}, "on the logarithm \\(symmetric as it stands"),
    ({"statistic": "r", "value": 0.9, "ci_low": 0.2, "ci_high": 0.95}, "on Fisher's z"),
    ({"statistic": "g", "value": 0.4, "se": 0.392, "ci_low": 0.008, "ci_high": 0.792}, "half the width of the int"),
    ({"statistic": "g", "value": 0.4, "variance": 0.01, "p": ".8"}, "column p: '.8'"),
    ({"statistic": "r", "value": 0.5, "n": 100.0, "p": ".4"}, "column p: '.4'; .*, as value and n imply"),
    ({"statistic": "or", "estimand": "d_between", "value": 2.0, "ci_low": 1.9, "ci_high": 2.105, "n_treat": 40.0,
      "n_control": 40.0}, "column ci_low.*at least 0.447"),
    ({"statistic": "proportion", "estimand": "one_group", "value": 0.2, "n": 400.0, "ci_low": 0.2, "ci_high": 0.2},
     "column ci_high: '0.2'; allowed: above ci_low 0.2"),
    ({"statistic": "g", "value": 0.4, "ci_low": 0.4, "ci_high": 0.4, "se": 0.2}, "column ci_high: '0.4'; allowed: abo"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "said"), DOUBTED, ids=range(len(DOUBTED)))
def test_what_is_doubted(row, said):
    found = doubts(row)
    assert any(re.search(said, line) for line in found), found
    assert doubts(row | {"checked": "yes"}) == []
    assert doubts(row | {"exclusion_reason": "doubtful"}) == []


SOUND = [
    G | {"se": 0.23},
    G | {"se": 0.6 * SE},
    G | {"se": 2 * SE},
    G | {"variance": SE**2},
    # https://github.com/adayim/forestploter/issues/76: very wide, and in the middle.
    {"statistic": "or", "value": 118.0, "ci_low": 0.0021, "ci_high": 6630000.0},
    {"statistic": "or", "value": 0.0000031, "ci_low": 0.000000000012, "ci_high": 0.8},
    {"statistic": "or", "value": 1.42, "ci_low": 1.1, "ci_high": 1.83},
    {"statistic": "r", "value": 0.26, "ci_low": 0.19, "ci_high": 0.32},
    {"statistic": "r", "value": 0.21, "n": 144.0, "p": ".041"},
    {"statistic": "r", "value": 0.5, "n": 100.0, "p": "<.05"},
    {"statistic": "r", "value": 0.8, "ci_low": 0.6, "ci_high": 1.0},
    # Rounded to one decimal.
    {"statistic": "g", "value": 0.1, "ci_low": 0.0, "ci_high": 0.3},
    # Wald's interval of none.
    {"statistic": "proportion", "estimand": "one_group", "value": 0.0, "n": 40.0, "ci_low": 0.0, "ci_high": 0.0},
]


@pytest.mark.parametrize("row", SOUND, ids=range(len(SOUND)))
def test_what_is_not_doubted(row):
    assert doubts(row) == []


def test_half_widths_in_most_rows_are_named_and_one_is_not():
    wide = [G | {"n_treat": n, "n_control": n, "se": 1.96 * math.sqrt(2 / n + 0.04 / n)} for n in (20.0, 40.0, 60.0)]
    assert len(doubts(*wide, G | {"se": SE})) == 3
    assert "half the width of a 95% interval" in doubts(*wide)[0]
    assert doubts(wide[0], *(G | {"se": SE} for _ in range(4))) == []


ARMS = {"n_treat": 50.0, "n_control": 50.0, "estimand": "d_between"}
T = ARMS | {"statistic": "t", "value": 2.5, "df": 98.0}
F = ARMS | {"statistic": "f", "value": 6.25, "df1": 1.0, "df": 98.0}
M = ARMS | {"statistic": "mean_sd", "mean_treat": 20.0, "sd_treat": 5.0, "mean_control": 17.0, "sd_control": 5.2}
R = {"estimand": "r_total", "statistic": "r", "value": 0.3, "n": 70.0}
TR = R | {"statistic": "t", "value": 2.6, "df": 68.0}
UNEQUAL = {"n_treat": 80.0, "n_control": 20.0}
CHI2 = R | {"statistic": "chi2", "value": 6.9, "df1": 1.0}
RATES = {"statistic": "rates", "events_treat": 10.0, "time_treat": 100.0, "events_control": 20.0}
CHANGE = {"estimand": "one_group", "statistic": "pre_post", "mean_treat": 10.0, "baseline_mean_treat": 25.0}
CHANGE |= {"n_treat": 50.0, "baseline_sd_treat": 5.0, "sd_treat": 5.0}


def ratio(statistic, value, low=None, high=None, **more):
    return {"statistic": statistic, "value": value, "ci_low": low, "ci_high": high} | more


def limits(low, high):
    return {"min_treat": low, "max_treat": high}


def of_mean(low, high):
    return {"mean_ci_low_treat": low, "mean_ci_high_treat": high}


# A slip, what is said of it, and a row like it that is sound.
SLIPS = [
    # Sizes after conversion.
    (T | {"value": 250.0}, "value: '250, a g of 49.6'; allowed: below 3 .*n_treat 50 and n_control 50", T),
    (F | {"value": 625.0}, "value: '625, a g of 4.96'; allowed: below 3", F | {"value": 170.0}),
    (M | {"mean_treat": 200.0}, "mean_treat: '200, a g of 35.6'; allowed: below 4 .*decimal", M | {"mean_treat": 35.0}),
    (G | {"value": 3.1}, "value: '3.1'; allowed: below 3 in size", G | {"value": 2.9}),
    (CHANGE | {"mean_treat": -5.0}, "mean_treat: '-5, a change in SDs of 5.91'; allowed: below 5", CHANGE),
    (ratio("or", 30.0, 10.0, 90.0), "value: '30'; .*between 0.05 and 20 .a percentage. As a ratio it is 0.3", None),
    (ratio("hr", 70.0, 50.0, 98.0), "As a ratio it is 0.7", ratio("hr", 0.7, 0.5, 0.98)),
    (ratio("or", 0.01, 0.005, 0.02), "allowed: a ratio between 0.05 and 20", ratio("or", 30, 3, 300)),
    (ratio("log_rr", 3.2, se=0.3), "a ratio in the place of its logarithm. Then the statistic is rr", None),
    (ratio("rd", 12.0, se=5.0), "between -1 and 1: a difference of two risks .*As a fraction it is 0.12", None),
    (ratio("rd", 0.12, -2.0, 2.2), "ci_low: '.-2, 2.2.'; .*at most 0.5, not 1.07", ratio("rd", 0.12, -0.2, 0.44)),
    (ratio("proportion", 30.0, n=100.0, level="summary"), "from 0 to 1 .*As a fraction it is 0.3", None),
    (RATES | {"time_control": 0.1}, "time_treat: .*of 7.6'; .*the time of one arm", RATES | {"time_control": 12.0}),
    # Associations.
    (R | {"statistic": "z", "value": 2.6}, "below 1.82 .*the z of a test", R | {"statistic": "z", "value": 1.6}),
    (R | {"value": 0.95}, "value: '0.95'; allowed: below 0.949", R | {"value": -0.94}),
    (R | {"statistic": "beta", "value": 0.95}, "not standardized", R | {"statistic": "beta", "value": 0.79}),
    (R | {"statistic": "r2", "value": 0.9}, "a correlation of 0.949", R | {"statistic": "r2", "value": 0.81}),
    (TR | {"value": 26.0}, "value: '26, a correlation of 0.953'", TR | {"value": 20.0}),
    # Degrees of freedom.
    (TR | {"df": 700.0}, "df: '700'; allowed: at most 68 with n 70", TR | {"df": 40.0}),
    (TR | {"df": 7.0}, "df: '7'; allowed: about 68 with n 70 .a digit lost", TR | {"df": 60.0}),
    (TR | {"statistic": "f", "df1": 66.0, "df": 1.0}, "df: '1'; .*df1 66 and df swapped", None),
    (T | {"df": 980.0}, "df: '980'; allowed: at most 98 with n_treat 50 and n_control 50", T | {"df": 97.0}),
    (T | {"df": 49.0}, "df: '49'; allowed: about 98 .*a paired test", T | {"df": 74.3}),
    (T | UNEQUAL | {"df": 9.8}, "a digit lost", T | UNEQUAL | {"df": 22.1}),
    # Tests.
    (T | {"p": ".9"}, "p: '.9'; allowed: about 0.014, as t 2.5 and df 98 imply", T | {"p": ".014"}),
    (TR | {"p": ">.05", "value": -3.6}, "p: '>.05'", TR | {"p": "<.05"}),
    (F | {"p": ".9"}, "as F 6.25 and df 98 imply", F | {"p": ".02"}),
    (F | {"p": "<.001"}, "p: '<.001'; allowed: about 0.014", F | {"p": "<.05"}),
    (CHI2 | {"p": ".4"}, "about 0.0086, as chi-square 6.9 imply", CHI2 | {"p": ".009"}),
    (CHI2 | {"df1": 4.0, "p": ".01"}, "about 0.14", CHI2 | {"df1": 4.0, "p": ".14"}),
    (M | {"p": ".9"}, "p: '.9'; .*as means, SDs and sizes imply", M | {"p": ".03"}),
    (M | {"ci_low": -5.0, "ci_high": -4.0}, "ci_low: .* allowed: about .1, 5.", M | {"ci_low": -5.0, "ci_high": -1.0}),
    (M | {"ci_low": 18.6, "ci_high": 21.4}, "a mean instead of the difference", M | {"ci_low": 0.18, "ci_high": 0.99}),
    (G | {"p": ".9"}, "p: '.9'; .*as value and sizes imply", G | {"p": ".03"}),
    # Ratios and logarithms.
    (ratio("log_or", 1.5, 1.2, 1.88), "value: '1.5'; .*Then the statistic is or", ratio("or", 1.5, 1.2, 1.88)),
    (ratio("log_or", 1.3, 1.05, 1.61), "symmetric on the logarithm", ratio("log_or", 1.33, 1.05, 1.61)),
    (ratio("log_rr", 2.0, 1.2, 3.33), "Then the statistic is rr", ratio("log_rr", 2.27, 1.2, 3.33)),
    (ratio("log_hr", 4.0, 2.0, 8.0), "Then the statistic is hr", None),
    (ratio("or", 0.69, 0.5, 0.88), "as it stands.*Then the statistic is log_or", ratio("or", 0.66, 0.5, 0.88)),
    (ratio("or", 0.69, -0.1, 1.4), "ci_low: '-0.1'; allowed: at least 0.*log_or", ratio("log_or", 0.65, -0.1, 1.4)),
    # Standard errors alone, and other cells.
    (ratio("g", 0.5, se=0.0001), "se: '0.0001'; allowed: from 0.002 to 2", ratio("g", 0.5, se=0.03)),
    (ratio("g", 0.5, se=50.0), "a number of people", ratio("g", 0.5, se=1.2)),
    (ratio("z", 0.5, variance=4.0), "variance: '4'; allowed: from 1e-06 to 1", ratio("z", 0.5, variance=0.04)),
    (ratio("p", 0.02, n=70.0), "column p: ''; .*in the column value .0.02.", None),
    (ratio("g", 0.5, p="0"), "column p: '0'; allowed: above 0", ratio("g", 0.5, p=".000")),
    (M | limits(0.0, 10.0), "'20'; allowed: inside .0, 10.", M | limits(0.0, 40.0)),
    (M | limits(18.0, 22.0), "sd_treat: '5'; allowed: at most 2.02", M | limits(11.0, 30.0)),
    (M | of_mean(19.9, 20.1), "sd_treat: '5 beside .19.9, 20.1. and n_treat 50'; .*0.352", M | of_mean(18.6, 21.4)),
    (M | of_mean(21.0, 23.0), "mean_treat: '20'; allowed: inside .21, 23.", None),
    (R | {"n": 7e7}, "n: '70000000'; allowed: at most 10 000 000 people", R | {"n": 7e6}),
    (M | {"mean_age": 499.0}, "mean_age: '499'; allowed: at most 110", M | {"mean_age": 49.9}),
]  # fmt: skip


@pytest.mark.parametrize(("slip", "said", "sound"), SLIPS, ids=range(len(SLIPS)))
def test_a_slip_is_named_and_a_row_like_it_is_not(slip, said, sound):
    found = doubts(slip)
    assert any(re.search(said, line) for line in found), found
    assert doubts(slip | {"checked": "yes"}) == []
    assert sound is None or doubts(sound) == []


def test_occasions_of_repeated_measures_are_no_slip_of_df():
    assert doubts(TR | {"df": 700.0, "flag": "F_repeated_measures"}) == []


def test_a_field_of_large_effects_has_larger_ones():
    """Plants (Curtis and Wang 1998) differ by 1.3 SDs as a rule; a table of nothing above 3 is no field."""
    large = [ratio("g", value, se=0.3) for value in (1.2, 1.4, 1.1, 1.6)]
    assert doubts(*large, ratio("g", 4.0, se=0.4)) == []
    assert len(doubts(*large, ratio("g", 11.0, se=0.8))) == 1
    assert len(doubts(*(ratio("g", value, se=0.4) for value in (3.2, 4.4, 3.6, 5.1)))) == 4


def test_a_variance_beside_standard_errors_without_sizes():
    others = [ratio("g", 0.3 + 0.05 * i, se=0.18 + 0.01 * i) for i in range(6)]
    (line,) = doubts(*others, ratio("g", 0.9, se=0.0324))
    assert "row 8, column se: '0.0324'; allowed: about 0.18: the 6 others of the table have 0.18 to 0.23" in line
    assert "this looks like a variance: use the column variance" in line
    # A trial with ten times as many people.
    assert doubts(*others, ratio("g", 0.9, se=0.06)) == []
    # A variance of 0.0324 where it belongs.
    assert doubts(*others, ratio("g", 0.9, variance=0.0324)) == []


def test_a_table_of_variances_without_sizes():
    variances = [ratio("g", value, se=se) for value, se in ((0.4, 0.04), (0.3, 0.0324), (0.6, 0.06))]
    found = doubts(*variances)
    assert len(found) == 3
    assert (
        "se: '0.04'; allowed: one of fewer people than 2550, which it implies; as a variance it implies 102" in found[0]
    )
    assert doubts(*(row | {"se": math.sqrt(row["se"])} for row in variances)) == []
    # With the sizes nothing is asked: trials of 2500 exist.
    assert doubts(*(row | {"n": 4 / row["se"] ** 2} for row in variances)) == []


def test_a_logarithm_of_a_ratio_as_ratio_in_every_row_of_a_table():
    rows = ((1.5, 1.2, 1.88), (1.3, 1.05, 1.61), (1.8, 1.45, 2.23))
    assert len(doubts(*(ratio("log_or", *row) for row in rows))) == 3
    assert doubts(*(ratio("or", *row) for row in rows)) == []


BDI = M | {"outcome": "BDI"}


def test_few_other_samples_say_something_where_they_agree():
    """Errors in the place of SDs beside one other sample; variances beside two that are alike."""
    other = BDI | {"sd_treat": 6.0, "sd_control": 5.5, "mean_treat": 21.0, "mean_control": 19.0}
    errors = other | {"sd_treat": 6 / math.sqrt(50), "sd_control": 5.5 / math.sqrt(50)}
    (line,) = doubts(BDI, errors)
    assert "these look like standard errors" in line
    squares = other | {"sd_treat": 36.0, "sd_control": 30.25}
    assert doubts(BDI | {"n_treat": 300.0, "n_control": 300.0}, squares) == []
    assert len(doubts(BDI, other, squares)) == 1
    assert doubts(BDI, other | {"sd_treat": 12.0, "sd_control": 11.0}, squares) == []
    assert doubts(BDI, errors | {"outcome": "PHQ-9"}) == []


def test_means_and_deviations_swapped():
    other = BDI | {"mean_treat": 22.0, "mean_control": 19.0, "sd_treat": 5.5, "sd_control": 6.0}
    swapped = BDI | {"mean_treat": 5.5, "sd_treat": 22.0, "mean_control": 6.0, "sd_control": 19.0}
    found = [line for line in doubts(BDI, other, swapped) if "swapped" in line]
    assert len(found) == 1
    assert (
        "row 4, column mean_treat: '5.5 with sd_treat 22'; allowed: means of about 18 with SDs of about 5.75"
        in found[0]
    )
    assert len(doubts(swapped, swapped, swapped)) == 3
    # Differences from a norm, in SDs, and a count of few.
    assert (
        doubts(*(BDI | {"mean_treat": 0.2, "sd_treat": 1.0, "mean_control": 0.1, "sd_control": 0.9} for _ in "123"))
        == []
    )
    assert (
        doubts(*(BDI | {"mean_treat": 3.0, "sd_treat": 4.0, "mean_control": 3.5, "sd_control": 4.4} for _ in "123"))
        == []
    )


def test_the_error_of_a_difference_beside_others_of_its_outcome():
    rows = [ratio("mean_difference", 3.0, se=se, outcome="BDI") | ARMS for se in (1.0, 7.1, 1.05)]
    (line,) = doubts(*rows)
    assert "row 3, column se: '7.1'; allowed: about 1.05, as the others of outcome BDI imply" in line
    assert doubts(*(row | {"outcome": scale} for row, scale in zip(rows, "abc", strict=True))) == []
    assert doubts(rows[0], rows[2], rows[1] | {"n_treat": 2.0, "n_control": 3.0}) == []


def test_a_size_ten_thousand_times_the_others():
    others = [R | {"n": n} for n in (70.0, 71.0, 72.0, 90.0)]
    (line,) = doubts(*others, R | {"n": 7000000.0})
    assert "column n: '7000000'; allowed: at most 1000000 where half of the rows have at most 72" in line
    # A registry beside trials.
    assert doubts(*others, R | {"n": 500000.0}) == []


COLUMNS = ("se", "variance")


@given(
    st.floats(-2, 2), st.integers(4, 400), st.integers(4, 400), st.floats(0.65, 2.2), st.sampled_from(COLUMNS)
)  # fmt: skip
def test_precision_near_what_the_sizes_imply_is_never_doubted_by_itself(value, one, two, factor, column):
    row = {"statistic": "g", "value": value, "n_treat": float(one), "n_control": float(two)}
    se = expected_se(EMPTY | {"level": "study"} | row)
    found = doubts(row | {column: se * factor if column == "se" else (se * factor) ** 2})
    # A design effect can make a variance look like an error of the row's size, where errors are about 1.
    assert not found or (column == "variance" and "looks like a standard error" in found[0])


@pytest.mark.parametrize("raw", [ROOT / "data" / "raw", ROOT / "examples" / "bcg" / "data" / "raw"], ids=["own", "bcg"])
def test_no_row_of_the_review_is_doubted(raw):
    for folder in sorted(path for path in raw.iterdir() if path.is_dir()):
        assert load_source(raw, folder.name, corrections_of(raw))[1] == []


def printed_means(rows):
    names = {"m1i": "mean_treat", "sd1i": "sd_treat", "n1i": "n_treat"}
    names |= {"m2i": "mean_control", "sd2i": "sd_control", "n2i": "n_control"}
    return [{"statistic": "mean_sd"} | {ours: float(row[theirs]) for theirs, ours in names.items()} for row in rows]


def test_public_tables_are_hardly_doubted():
    """In print: 4 of 102 rows of Curtis and Wang 1998 have SDs of two arms that differ by more than a factor of 4."""
    sets = json.loads((DATA / "escalc.json").read_text())["sets"]
    assert doubts(*printed_means(sets["normand1999"]["raw"])) == []
    found = doubts(*printed_means(sets["curtis1998"]["raw"]))
    assert len(found) == 4
    assert all("a ratio of at most 4" in line for line in found)
    with (ROOT / "examples" / "low_dose_tricyclics.csv").open() as handle:
        assert doubts(*printed_means(list(csv.DictReader(handle)))) == []


# As which statistic a table of metafor's measure would be entered.
MEASURES = {"SMD": "g", "ZCOR": "z", "OR": "log_or", "RR": "log_rr", "MD": "mean_difference", "RD": "rd"}


def public_effects():
    """Public tables of effects and variances: by name, rows without sizes."""
    for path in sorted((DATA / "reference").glob("*.json.gz")):
        held = json.loads(gzip.decompress(path.read_bytes()))
        statistic = MEASURES.get(held["meta"]["measure"])
        if statistic:
            fixed = {"statistic": statistic, "estimand": "r_total" if statistic == "z" else "d_between"}
            pairs = zip(held["data"]["yi"], held["data"]["vi"], strict=True)
            yield path.stem.partition(".")[0], [fixed | {"value": float(yi), "variance": float(vi)} for yi, vi in pairs]


def as_errors(rows, power):
    return [row | {"variance": None, "se": row["variance"] ** power} for row in rows]


def test_public_tables_of_effects_are_hardly_doubted():
    """In print: one difference of 3.2 SDs, two correlations whose Fisher z is 1.9 and 2.3."""
    tables = dict(public_effects())
    assert len(tables) == 26
    for made in (tables, {name: as_errors(rows, 0.5) for name, rows in tables.items()}):
        counts = {name: len(doubts(*rows)) for name, rows in made.items()}
        assert {name: count for name, count in counts.items() if count} == {"furukawa2003": 1, "white2020": 2}


@pytest.mark.parametrize("name", ["assink2016", "gibson2002", "poole2003", "raudenbush1985", "tannersmith2016"])
def test_variances_of_public_tables_as_standard_errors_are_named(name):
    rows = as_errors(dict(public_effects())[name], 1)
    assert len(doubts(*rows)) == len(rows)


@pytest.mark.parametrize(
    "rows",
    [
        # Kenward-Roger and imputation, three arms, a cluster trial, Welch of arms whose SDs differ.
        [T | {"df": 31.2}],
        [T | {"df": 131.2}],
        [T | {"df": 147.0}],
        [T | {"df": 18.0, "design_effect": 2.1}],
        [T | {"n_treat": 18.0, "n_control": 18.0, "df": 22.7, "value": 2.0}],
        [T | {"n_treat": 2.0, "n_control": 2.0, "df": 1.0, "value": 2.0}],
        # A p of adjusted means, and of means with a baseline.
        [M | {"p": ".0002"}],
        [M | {"p": "<.00001", "baseline_mean_treat": 24.0, "baseline_mean_control": 22.0}],
        # One limit rounds to 0; one event.
        [ratio("or", 0.04, 0.0, 0.7)],
        [RATES | {"events_treat": 1.0, "events_control": 25.0, "time_treat": 1000.0, "time_control": 1000.0}],
        # A correlation of a few people.
        [R | {"value": 0.96, "n": 13.0}],
        # A large trial among small ones.
        [ratio("log_or", value, se=se) for value, se in ((0.1, 0.018), (0.3, 0.2), (0.2, 0.25), (0.4, 0.3))],
        # Episodes and costs.
        [M | {"outcome": "episodes", "mean_treat": a, "sd_treat": b, "mean_control": c, "sd_control": d}
         for a, b, c, d in ((1.2, 3.1, 1.9, 4.4), (1.5, 3.6, 2.0, 4.9), (2.2, 5.6, 2.9, 7.9), (1.3, 3.2, 1.6, 4.1))],
    ],
)  # fmt: skip
def test_sound_rows_at_the_edge_of_a_rule_are_not_doubted(rows):
    assert doubts(*rows) == []
