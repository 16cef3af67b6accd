"""`synthesis new`: a folder from a table, and what is refused without leaving anything behind."""

import csv
import datetime
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import ROOT
from synthesis.cli.main import main
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml
from synthesis.errors import InputError
from synthesis.plan import plan
from synthesis.plan.starting import Start, source_name, start
from synthesis.results.files import read_csv

DAY = datetime.date(2026, 1, 2)
TABLE = "who,r,size,when\nAda & Bo,0.25,120,1999\n\nCem,,80,2003\n"
COLUMNS = {"study": "who", "value": "r", "n": "size", "year": "when"}


def what(tmp_path, table=TABLE, **changes):
    path = tmp_path / "My table (2).csv"
    path.write_text(table)
    given = {"title": 'A "title": # not YAML', "statistic": "r", "columns": COLUMNS, "better": "larger"}
    return Start(table=path, **given | {"citation": "Somebody 2003: 'x'"} | changes)


def test_a_table_becomes_a_review_that_passes_every_check(tmp_path):
    folder = tmp_path / "review"
    assert start(folder, what(tmp_path), DAY).count == 2
    with (folder / "data" / "raw" / "my_table_2" / "effects.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["effect_id"] for row in rows] == [row["sample_id"] for row in rows] == ["my_table_2_1", "my_table_2_2"]
    assert [row["locator"] for row in rows] == ["My table (2).csv, row 2", "My table (2).csv, row 4"]
    assert rows[0]["quote"] == "r 0.25; size 120; when 1999"
    assert (rows[0]["construct"], rows[0]["estimand"], rows[0]["direction"]) == ("process", "r_total", "1")
    assert rows[1]["value"] == ""
    read = plan.load(read_yaml(folder / "config.yaml"), "config.yaml")
    plan.check(read, folder / "data" / "raw")
    assert read.config.title == 'A "title": # not YAML'
    assert read.config.syntheses["my_table_2"].lane == "A"
    source = read_yaml(folder / "data" / "raw" / "my_table_2" / "source.yaml")
    assert source["citation"] == "Somebody 2003: 'x'"
    assert source["extraction"]["on"] == "2026-01-02"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"statistic": "kappa"}, r"--statistic: 'kappa'; allowed: r, z, beta, r2"),
        (
            {"statistic": "2x2"},
            r"--metric: ''; allowed: risk_difference: risk difference; log_odds_ratio: log odds ratio; log_risk_ratio: "
            "log risk ratio; g: Hedges g",
        ),
        ({"metric": "g"}, r"--metric: 'g'; allowed: z: Fisher z"),
        ({"construct": "allience"}, r"--construct: 'allience'; allowed: one of alliance, .* \(did you mean alliance\?"),
        ({"construct": " "}, r"--construct: ' '; allowed: one of alliance"),
        ({"columns": COLUMNS | {"n": "N"}}, r"'n=N'; allowed: a column of .*: who, r, size, when"),
        ({"columns": COLUMNS | {"mean": "r"}}, r"'mean'; allowed: a column of data/raw/README.md"),
        ({"columns": COLUMNS | {"quote": "who"}}, r"'quote'; allowed: .* not made here"),
        ({"columns": {"value": "r"}}, r"study=<column>"),
        ({"table": "who,r,size,when\na,0.1,5\n"}, r"row 2: '3 cells'; allowed: 4 cells"),
        ({"table": "who,r,size,when\n"}, r"no rows below a header"),
        ({"table": ""}, r"no rows below a header"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        start(tmp_path / "review", what(tmp_path, **changes), DAY)
    assert not (tmp_path / "review").exists()


def test_a_review_is_never_written_over(tmp_path):
    folder = tmp_path / "review"
    start(folder, what(tmp_path), DAY)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="a folder without a review in it"):
        start(folder, what(tmp_path, title="other"), DAY)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_names_a_pair_without_an_equals_sign(tmp_path, capsys):
    path = what(tmp_path).table
    arguments = ["new", str(tmp_path / "review"), "--table", str(path), "--statistic", "r", "--better", "larger"]
    assert main([*arguments, "--citation", "x", "--columns", "study"]) == 1
    assert (
        "--columns: 'study'; allowed: <column of the data dictionary>=<column of the table>" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("2024", "studies_2024"), ("no", "studies_no"), ("NULL", "studies_null"), ("y", "studies_y"),
        ("on", "studies_on"), ("con", "studies_con"), ("COM1", "studies_com1"), ("all", "all"),
        ("none", "studies_none"),
        ("My table (2)", "my_table_2"), ("a.b.c", "a_b_c"), ("\u00dcbersicht", "ubersicht"),
        ("Gr\u00f6\u00dfe", "grosse"), ("\u6f22\u5b57", "studies"), ("___", "studies"), ("x" * 90, "x" * 60),
        ("9" * 90, "studies_" + "9" * 52),
        ("a" * 59 + " b", "a" * 59), (".csv", "csv"),
    ],
)  # fmt: skip
def test_names_made_from_file_names_are_ones_that_the_workflow_takes(tmp_path, stem, name):
    """YAML reads no, y and 2024 as something else; a source begins with a letter and has at most 60."""
    assert source_name(stem) == name
    given = what(tmp_path)
    file = tmp_path / f"{stem}.csv"
    file.write_text(TABLE)
    start(tmp_path / "review", replace(given, table=file), DAY)
    read = plan.load(read_yaml(tmp_path / "review" / "config.yaml"))
    assert read.config.sources == (name,)
    plan.check(read, tmp_path / "review" / "data" / "raw")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": TABLE.replace("0.25", "1.25")}, r"My table \(2\).csv, row 2, column r: '1.25'; allowed: between"),
        ({"table": TABLE.replace("120", "12.5")}, r"\(2\).csv, row 2, column size: '12.5'; allowed: a whole number"),
        ({"table": TABLE.replace("Cem,,80", "Cem,0.1,1e9")}, r"row 4, column size: '1e9'"),
        ({"table": TABLE.replace("Ada", "A\x07da")}, r"row 2, column who: 'U\+0007, a control character'"),
        ({"table": TABLE.replace("who,r,size,when", "who,r,size,r"), "columns": {"study": "who", "value": "r"}},
         r"row 1: 'r'; allowed: each column that is used once"),
        ({"table": "who,r,size,when\na,,9,2000\n"},
         r"no row that can be pooled.*of 1 row: the reachable text prints no number"),
        ({"table": "who,r,size,when\na,0.2,3,2000\n"}, r"too small for Fisher's z"),
        ({"citation": " "}, r"--citation: ' '; allowed: some words"),
        ({"citation": "a\x00b"}, r"--citation: 'U\+0000"),
        ({"title": "\udcff"}, r"--title: 'U\+DCFF, half of a surrogate pair"),
        ({"by": ""}, r"--by: ''; allowed: some words"),
    ],
)  # fmt: skip
def test_what_the_workflow_would_refuse_is_named_by_the_tables_own_rows_and_columns(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        start(tmp_path / "review", what(tmp_path, **changes), DAY)
    assert [path.name for path in tmp_path.iterdir()] == ["My table (2).csv"]


@pytest.mark.parametrize(
    "title", ["a\u2028b", "a\x85b", "\x9f", "\U0001f600", "no", "2024", "a: b # c", "\u200fx", "{x}", "a\nb", "'", "%"]
)
def test_a_title_comes_back_as_it_was_given(tmp_path, title):
    start(tmp_path / "review", what(tmp_path, title=title), DAY)
    read = plan.load(read_yaml(tmp_path / "review" / "config.yaml"))
    assert read.config.title == title


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match="a folder that can be made"):
            start(folder, what(tmp_path), DAY)
    for table in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match=r"'a folder'|no such file"):
            start(tmp_path / "review", replace(what(tmp_path), table=table), DAY)


def test_the_command_says_which_rows_cannot_be_used_and_names_a_column_given_twice(tmp_path, capsys):
    path = what(tmp_path).table
    arguments = ["new", str(tmp_path / "review"), "--table", str(path), "--statistic", "r", "--better", "larger"]
    columns = ["study=who", "value=r", "n=size"]
    assert main([*arguments, "--citation", "x", "--columns", *columns, "value=size"]) == 1
    assert "--columns: 'value'; allowed: each column of the data dictionary once" in capsys.readouterr().err
    assert main([*arguments, "--citation", "x", "--columns", *columns]) == 0
    said = capsys.readouterr().out
    assert "1 of them cannot be used as they stand" in said
    assert "My table (2).csv, row 4: the reachable text prints no number" in said


SPSS = """study,p,n1,n2,sign
Ayala 2004,.000,44,43,1
Brandl 2009,.012,51,50,1
Cruz 2014,.03,38,40,1
Dahl 2018,1.000,60,61,1
"""


@pytest.mark.parametrize(
    ("metric", "columns"),
    [("g", {"n_treat": "n1", "n_control": "n2"}), ("z", {"n": "n1"})],
    ids=["effect", "association"],
)
@pytest.mark.parametrize("p", [".000", "0", "0.000", "1e-320"])
def test_a_p_of_zero_leaves_the_pool_by_name(tmp_path, metric, columns, p):
    """SPSS prints .000 for p < .0005; the other rows are pooled as if it were not there."""
    given = what(
        tmp_path,
        SPSS.replace(",.000", f",{p}"),
        statistic="p",
        metric=metric,
        columns={"study": "study", "p": "p", "sign": "sign"} | columns,
    )
    start(tmp_path / "review", given, DAY)
    ((_, synthesis),) = plan.load(read_yaml(tmp_path / "review" / "config.yaml")).config.syntheses.items()
    found = extract(tmp_path / "review" / "data" / "raw", "my_table_2", (synthesis.metric,))
    assert [row.study for row in found.effects] == ["Brandl 2009", "Cruz 2014", "Dahl 2018"]
    assert found.effects[2].yi == 0
    (lost,) = found.dropped
    assert (lost.study, lost.category) == ("Ayala 2004", "refused")
    assert lost.reason.startswith(f"p: '{p}'; allowed: above 0")
    assert "SPSS prints .000 for p < .0005" in lost.reason
    assert lost.not_in_quote == ""


@pytest.mark.slow
def test_the_workflow_runs_on_a_table_with_a_p_of_zero(tmp_path):
    """The whole of it, once: what `new` accepts makes its results, and the row stands in dropped.csv."""
    file = tmp_path / "2024.csv"
    file.write_text(SPSS)
    columns = {"study": "study", "p": "p", "n_treat": "n1", "n_control": "n2", "sign": "sign"}
    given = what(tmp_path, statistic="p", metric="g", columns=columns)
    start(tmp_path / "review", replace(given, table=file, title="A \u200ftitle: # {x} \U0001f600"), DAY)
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(tmp_path / "review"), "-c1"]
    targets = ["results/tables/pooled.csv", "results/dropped.csv", "results/figures/forest_studies_2024.svg"]
    done = subprocess.run(
        [*command, *targets], capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    (pooled,) = read_csv(tmp_path / "review" / "results" / "tables" / "pooled.csv")
    assert (pooled["k"], pooled["synthesis"]) == (3, "studies_2024")
    (lost,) = read_csv(tmp_path / "review" / "results" / "dropped.csv")
    assert lost["study"] == "Ayala 2004"
    assert "SPSS prints .000" in lost["reason"]
