"""Numbers that contradict sample sizes, one another or the rest of a table are named, and can be confirmed by a row."""

import csv
import datetime
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
]


@pytest.mark.parametrize("row", SOUND, ids=range(len(SOUND)))
def test_what_is_not_doubted(row):
    assert doubts(row) == []


def test_half_widths_in_most_rows_are_named_and_one_is_not():
    wide = [G | {"n_treat": n, "n_control": n, "se": 1.96 * math.sqrt(2 / n + 0.04 / n)} for n in (20.0, 40.0, 60.0)]
    assert len(doubts(*wide, G | {"se": SE})) == 3
    assert "half the width of a 95% interval" in doubts(*wide)[0]
    assert doubts(wide[0], *(G | {"se": SE} for _ in range(4))) == []


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
