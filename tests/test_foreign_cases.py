"""Tables that people had trouble with in public, through `synthesis new`: the right number, or what to change."""

import csv

import pytest
import synthesis
from conftest import ROOT
from synthesis.cli.main import main
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml
from synthesis.plan import plan
from tolerances import PRINTED_5, PRINTED_7

CASES = ROOT / "tests" / "data" / "cases"
ARMS = ["mean_treat=m1", "sd_treat=s1", "n_treat=n1", "mean_control=m0", "sd_control=s0", "n_control=n0"]
MEANS = ["--statistic", "mean_sd", "--better", "smaller", "--columns", "study=study", *ARMS]


@pytest.fixture
def bring(tmp_path, capsys, monkeypatch):
    """Runs the command on the table of a case; returns the exit status, what it said, and the folder."""
    monkeypatch.chdir(tmp_path)

    def run(case, *arguments, name="input.csv"):
        status = main(["new", "review", "--table", str(CASES / case / name), "--citation", "x", *arguments])
        said = capsys.readouterr()
        assert (tmp_path / "review").exists() == (status == 0)
        return status, said.out + said.err, tmp_path / "review"

    return run


def effects(folder):
    """The usable effects of the review, and those that are not, by the plan's own metric."""
    config = plan.load(read_yaml(folder / "config.yaml")).config
    ((name, one),) = config.syntheses.items()
    found = extract(folder / "data" / "raw", name, (one.metric,))
    return found.effects, found.dropped


def pooled(folder):
    rows, _ = effects(folder)
    return synthesis.pool([row.yi for row in rows], [row.vi for row in rows], tau2="REML", ci="hksj")


@pytest.mark.parametrize(("name", "columns"), [("input.csv", ["value=fval"]), ("input_p.csv", ["p=pval"])])
def test_a_statistic_without_a_sign_is_not_pooled_in_silence(bring, name, columns):
    statistic = "f" if name == "input.csv" else "p"
    arguments = ["--statistic", statistic, "--metric", "g", "--better", "smaller", "--columns", "study=study", *columns]
    status, said, _ = bring("06", *arguments, "df1=dfn", "n_treat=n1", "n_control=n2", name=name)
    assert status == 1
    assert "sign" in said


def test_semicolons_and_decimal_commas_are_read_and_said(bring):
    columns = ["study=Studie"]
    columns += [f"{n}_{arm}={short}_{own}" for arm, own in (("treat", "exp"), ("control", "kon"))
                for n, short in (("mean", "m"), ("sd", "sd"), ("n", "n"))]  # fmt: skip
    status, said, folder = bring("07", "--statistic", "mean_sd", "--better", "smaller", "--columns", *columns)
    assert status == 0
    assert "separated by semicolons, in UTF-8" in said
    assert "decimal commas, as in 9,87" in said
    rows, _ = effects(folder)
    read = [(row.study, row.mean_treat, row.sd_treat, row.n_treat, row.mean_control, row.sd_control) for row in rows]
    assert read == [
        ("Achterberg 2009", 10.435, 4.118, 31, 12.286, 4.9),
        ("B\u00f6hm 2012", 9.87, 5.059, 44, 11.4, 5.2),
        ("\u00c7elik 2015", 11.002, 4.7, 27, 11.9, 4.65),
    ]
    assert not any(row.not_in_quote for row in rows)


def test_cells_that_are_no_numbers_are_named_all_at_once_and_the_rest_is_read(bring, tmp_path):
    arguments = ["--statistic", "r", "--better", "larger", "--columns", "study=study", "value=r", "n=n", "year=yr"]
    status, said, _ = bring("09", *arguments)
    assert status == 1
    for row, column, cell in ((4, "r", "01-May"), (5, "r", "45%"), (6, "r", ".28*"), (8, "n", "~60")):
        assert f"row {row}, column {column}: '{cell}'" in said
    assert "a spreadsheet turned a number into a date" in said
    assert "1,204" not in said
    lines = list(csv.reader((CASES / "09" / "input.csv").open(encoding="utf-8")))
    for number, place, cell in ((3, 1, ".05"), (4, 1, ".45"), (5, 1, ".28"), (7, 2, "60")):
        lines[number][place] = cell
    table = tmp_path / "mended.csv"
    with table.open("w", newline="") as handle:
        csv.writer(handle).writerows(lines)
    assert main(["new", "review", "--table", str(table), "--citation", "x", *arguments]) == 0
    rows, dropped = effects(tmp_path / "review")
    assert {row.study: row.n for row in rows}["Esposito 2018"] == 1204
    assert {row.study: row.n for row in rows}["Hale 2021"] == 58
    assert [row.study for row in dropped] == ["Bergeron 2006", "Fuchs 2019"]
    assert {row.study: row.year for row in (*rows, *dropped)}["Fuchs 2019"] is None


def test_change_scores_and_final_values_are_pooled_only_knowingly(bring):
    status, said, _ = bring("13", *MEANS)
    assert status == 1
    assert "column kind: 'final, change'; allowed: 'statistic=kind' in --columns, or --ignore kind" in said
    by_row = ["--better", "smaller", "--columns", "study=study", "statistic=kind", *ARMS]
    status, said, _ = bring("13", *by_row)
    assert status == 1
    assert "--mix statistic to pool both knowingly" in said
    status, said, folder = bring("13", "--mix", "statistic", *by_row)
    assert status == 0
    assert [row.statistic for row in effects(folder)[0]] == ["mean_sd", "mean_sd", "change_sd", "change_sd"]


def test_a_column_that_says_which_side_is_better_is_not_passed_over(bring):
    status, said, _ = bring("14", *MEANS)
    assert status == 1
    assert "column better: 'higher, lower'; allowed: 'direction=better' in --columns, or --ignore better" in said
    status, said, _ = bring("14", *MEANS, "--ignore", "better")
    assert status == 1
    assert "row 2, column scale: 'quality of life'; allowed: --better 'quality of life=larger'" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--statistic", "mean_sd", "--columns", "study=study", "direction=better", *ARMS],
        ["--statistic", "mean_sd", "--columns", "study=study", *ARMS, "--ignore", "better", "--better", "smaller",
         "quality of life=larger", "wellbeing=larger"],
        ["--columns", "study=study", "outcome=scale", "direction=better", *ARMS, "--statistic", "mean_sd"],
    ],
    ids=["column", "outcomes", "both"],
)  # fmt: skip
def test_directions_come_from_a_column_or_by_outcome(bring, arguments):
    """R: escalc("SMD") times -1 where a lower score is better, then rma(test="knha"): see the README of the cases."""
    status, said, folder = bring("14", *arguments)
    assert status == 0, said
    fit = pooled(folder)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((0.37632, 0.20887, 0.54377), abs=PRINTED_5)


def test_effective_sample_sizes_are_read_as_printed(bring):
    """Cochrane Handbook 5.1, 16.3.6; g by metafor."""
    status, said, folder = bring("19", *MEANS, "design_effect=deff")
    assert status == 0, said
    fit = pooled(folder)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((0.32636, 0.21335, 0.43938), abs=PRINTED_5)


def test_a_design_effect_beside_whole_sizes_is_asked_for(bring, tmp_path):
    lines = (
        (CASES / "19" / "input.csv").read_text().replace("187.2", "295").replace("209.4", "330").replace("96.4", "136")
    )
    lines = lines.replace("90.1", "127").replace("44.7", "92").replace("47.3", "97")
    table = tmp_path / "whole.csv"
    table.write_text(lines)
    arguments = ["new", "other", "--table", str(table), "--citation", "x", *MEANS]
    assert main(arguments) == 1
    assert main([*arguments, "--ignore", "deff"]) == 0


def test_a_long_table_of_correlations_is_read_and_its_construct_is_left_to_the_user(bring):
    """z, tau2 by metafor: see the README of the cases."""
    arguments = ["--statistic", "r", "--better", "larger", "--columns", "study=paper", "value=es_r", "n=es_n"]
    status, said, folder = bring("20", *arguments)
    assert status == 0
    assert "construct: process, whatever was rated; --construct says which: alliance" in said
    rows, dropped = effects(folder)
    assert (len(rows), len(dropped)) == (1500, 0)
    fit = pooled(folder)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((0.2017276, 0.1929830, 0.2104721), abs=PRINTED_7)


def test_what_a_statistic_lacks_is_said_before_a_folder_is_made(bring):
    columns = ["study=study", "events_treat=n.cbt.rec", "events_control=n.ctrl.rec"]
    arguments = ["--statistic", "2x2", "--metric", "log_odds_ratio", "--better", "smaller", "--columns", *columns]
    status, said, _ = bring("29", *arguments)
    assert status == 1
    assert (
        "total_treat=<column> total_control=<column>, too: 2x2 needs them (total_treat=Nt? total_control=Nc?)" in said
    )
    status, said, folder = bring("29", *arguments, "total_treat=Nt", "total_control=Nc")
    assert status == 0
    assert "orientation: as_reported" in (folder / "config.yaml").read_text()
    assert "favours: [favours treatment, favours control]" in (folder / "config.yaml").read_text()
