"""Who shares people: what is inferred from a table without sample ids, what is asked, and what is left alone."""

import csv
import itertools

import pytest
from synthesis import cli
from synthesis.data.sharing import plain, shared

CONTROL = {"mean_control": "16.4", "sd_control": "6.6", "n_control": "41"}
ARMS = [
    {"mean_treat": "11.2", "sd_treat": "6.1", "n_treat": "38"},
    {"mean_treat": "12.9", "sd_treat": "6.4", "n_treat": "36"},
    {"mean_treat": "12.1", "sd_treat": "5.9", "n_treat": "40"},
]
TABLE = """trial,m1,s1,n1,m0,s0,n0,person
{},11.2,6.1,38,16.4,6.6,41,{}
{},12.9,6.4,36,16.4,6.6,41,{}
Lindqvist 2015,13.3,7.0,52,15.8,7.4,50,c
Teo 2018,10.1,6.8,75,12.0,6.5,71,d
Marquez 2009,14.8,5.2,24,15.1,5.6,22,e
Brandt 2011,15.9,7.7,31,17.2,7.1,30,f
Haddad 2016,12.7,6.2,44,13.4,6.9,47,g
"""
NUMBERS = ["mean_treat=m1", "sd_treat=s1", "n_treat=n1", "mean_control=m0", "sd_control=s0", "n_control=n0"]


def found(rows, samples=""):
    places = [f"row {number}" for number, _ in enumerate(rows, start=2)]
    return shared(rows, places, [f"own{number}" for number, _ in enumerate(rows)], samples)


def ids(names, samples=None):
    cells = samples or [""] * len(names)
    return found([{"study": name, "sample_id": cell} for name, cell in zip(names, cells, strict=True)])


@pytest.mark.parametrize(
    "other", ["okafor 2012", "Okafor  2012", "Okafor (2012)", "Ok\u00e1for, 2012", "OKAFOR_2012", "Okafor 2012"]
)
def test_one_name_in_other_spellings_is_one_sample(other):
    result = ids(["Okafor 2012", other, "Teo 2018"])
    assert result.sample_ids == ("Okafor 2012", "Okafor 2012", "own2")
    assert "rows 2 and 3" in result.remarks[0]


@pytest.mark.parametrize(
    ("one", "other"), [("1.5", "15"), ("+", "-"), ("Lee 2012a", "Lee 2012b"), ("\u738b", "\u674e")]
)
def test_other_names_stay_other_names(one, other):
    assert plain(one) != plain(other)


def test_letters_after_a_year_are_told_and_not_merged():
    result = ids(["Lee 2012a", "Lee 2012b", "Teo 2018"])
    assert result.sample_ids == ("own0", "own1", "own2")
    assert "Lee 2012a and Lee 2012b were taken as different people" in result.remarks[0]
    assert not result.problems


def test_one_control_arm_within_a_study_is_one_control_group_in_any_order():
    rows = [{"study": "Okafor 2012"} | arm | CONTROL for arm in ARMS] + [{"study": "Teo 2018"} | ARMS[0]]
    for order in itertools.permutations(range(4)):
        result = found([rows[i] for i in order])
        groups = dict(zip(order, result.control_groups, strict=True))
        assert groups[0] == groups[1] == groups[2] != ""
        assert groups[3] == ""
    assert "print the same control arm (16.4, 6.6, 41)" in found(rows).remarks[1]


@pytest.mark.parametrize(
    ("second", "what"), [(ARMS[1], "the same control arm"), (ARMS[0], "the same numbers in both arms")]
)
def test_people_who_stand_under_two_names_are_a_question(second, what):
    rows = [{"study": "Okafor 2012"} | ARMS[0] | CONTROL, {"study": "Bello 2014"} | second | CONTROL]
    result = found(rows)
    (problem,) = result.problems
    assert problem.value == f"{what} (16.4, 6.6, 41) under Okafor 2012, Bello 2014"
    assert "--samples study" in problem.hint
    assert result.sample_ids == ("own0", "own1")
    assert not found(rows, "study").problems


def test_counts_that_are_equal_by_chance_are_no_question():
    counts = {"events_treat": "3", "total_treat": "20", "events_control": "5", "total_control": "20"}
    assert not found([{"study": "A 2001"} | counts, {"study": "B 2002"} | counts]).problems


def test_samples_numbered_anew_within_studies_are_combined_with_the_study():
    result = ids(["A", "A", "A", "B", "B", "C"], ["1", "1", "2", "1", "2", "1"])
    assert result.sample_ids == ("A / 1", "A / 1", "A / 2", "B / 1", "B / 2", "C / 1")
    assert not result.problems


def test_one_id_under_two_papers_is_refused_until_it_is_answered():
    names, cells = ["A", "B", "C"], ["t1", "t1", "t2"]
    result = ids(names, cells)
    assert [problem.value for problem in result.problems] == ["t1"]
    assert "it stands under A, B" in result.problems[0].hint
    rows = [{"study": name, "sample_id": cell} for name, cell in zip(names, cells, strict=True)]
    assert found(rows, "trial").sample_ids == ("t1", "t1", "t2")
    assert not found(rows, "trial").problems
    assert found(rows, "row").sample_ids == ("own0", "own1", "own2")


def bring(tmp_path, table, *extra):
    path = tmp_path / "arms.csv"
    path.write_text(table)
    arguments = ["new", str(tmp_path / "review"), "--table", str(path), "--statistic", "mean_sd", "--better", "smaller"]
    return cli.main([*arguments, "--citation", "x", *extra, "--columns", "study=trial", *NUMBERS])


def test_the_command_says_what_it_took(tmp_path, capsys):
    assert bring(tmp_path, TABLE.format("Ok/afor: \u00e9 & 'x' 2012", "a", "Ok/afor: \u00e9 & 'x' 2012", "b")) == 0
    assert "taken as one sample with one control group" in capsys.readouterr().out
    with (tmp_path / "review" / "data" / "raw" / "arms" / "effects.csv").open(encoding="utf-8") as handle:
        samples = [row["sample_id"] for row in csv.DictReader(handle)]
    assert samples[:3] == ["Ok/afor: \u00e9 & 'x' 2012"] * 2 + ["arms_3"]


def test_the_command_asks_and_takes_the_answer(tmp_path, capsys):
    table = TABLE.format("Okafor 2012", "a", "Bello 2014", "a")
    assert bring(tmp_path, table) == 1
    assert (
        "rows 2 and 3: 'the same control arm (16.4, 6.6, 41) under Okafor 2012, Bello 2014'" in capsys.readouterr().err
    )
    assert not (tmp_path / "review").exists()
    assert bring(tmp_path, table, "--samples", "person") == 0
    with (tmp_path / "review" / "data" / "raw" / "arms" / "effects.csv").open(encoding="utf-8") as handle:
        assert [row["sample_id"] for row in csv.DictReader(handle)][:3] == ["a", "a", "c"]
