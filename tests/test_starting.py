"""`synthesis new`: a folder from a table, and what is refused without leaving anything behind."""

import csv
import datetime

import pytest
from synthesis import cli
from synthesis.data.reading import read_yaml
from synthesis.plan.starting import Start, start
from synthesis.errors import InputError
from synthesis.plan import plan

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
    assert start(folder, what(tmp_path), DAY) == 2
    with (folder / "data" / "raw" / "my_table_2" / "effects.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["effect_id"] for row in rows] == [row["sample_id"] for row in rows] == ["my_table_2_1", "my_table_2_2"]
    assert [row["locator"] for row in rows] == ["My table (2).csv, row 2", "My table (2).csv, row 4"]
    assert rows[0]["quote"] == "r 0.25; size 120; when 1999"
    assert (rows[0]["construct"], rows[0]["estimand"], rows[0]["direction"]) == ("alliance", "r_total", "1")
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
        ({"statistic": "kappa"}, r"--statistic: 'kappa'; allowed: r, z, beta"),
        ({"statistic": "2x2"}, r"--metric: ''; allowed: g: Hedges g; log_odds_ratio"),
        ({"metric": "g"}, r"--metric: 'g'; allowed: z: Fisher z"),
        ({"construct": "warmth"}, r"--construct: 'warmth'; allowed: alliance"),
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
    assert cli.main([*arguments, "--citation", "x", "--columns", "study"]) == 1
    assert (
        "--columns: 'study'; allowed: <column of the data dictionary>=<column of the table>" in capsys.readouterr().err
    )
