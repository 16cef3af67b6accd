"""`synthesis new --carry`: columns of a table taken along into a new review, and what is left out named."""

import pytest
import yaml
from synthesis.cli.main import main
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml

HEADS = ["Study", "r", "n", "Lat. (deg)", "Setting", "Code", "Odd, head", "Year"]
LINES = [
    ["A", "0,2", "50", "12,5", "clinic", "007", "=1", "1999"],
    ["B", "0,3", "60", "NA", "home", "008", "1.204", "2001"],
    ["C", "0,1", "70", "-3,25", "n/a", "010", "x", "2002"],
]


def started(tmp_path, capsys, *arguments, heads=HEADS, lines=LINES):
    """The exit status, what was said, and the folder of a review from a table with semicolons."""
    table = tmp_path / "t.csv"
    table.write_text("\n".join(";".join(cells) for cells in [heads, *lines]) + "\n")
    command = ["new", str(tmp_path / "made"), "--table", str(table), "--statistic", "r", "--better", "larger"]
    columns = ["--citation", "x", "--columns", "study=Study", "value=r", "n=n"]
    status = main([*command, *columns, *arguments])
    said = capsys.readouterr()
    return status, said.out + said.err, tmp_path / "made"


@pytest.mark.parametrize(
    "words", [["Lat. (deg),setting, Code", "Odd, head"], ["Code", "Setting", "Odd, head", "lat deg", "Code"]]
)
def test_columns_are_carried_into_a_new_review_and_declared(tmp_path, capsys, words):
    status, said, folder = started(tmp_path, capsys, "--carry", *words)
    assert status == 0, said
    assert "Lat. (deg) as lat_deg (numbers)" in said
    assert "Code as code (words)" in said
    assert "not used: Year; --carry" in said
    about = read_yaml(folder / "data" / "raw" / "t" / "source.yaml")
    assert about["columns"] == {
        "lat_deg": {"kind": "number", "title": "Lat. (deg)"},
        "setting": {"kind": "text", "title": "Setting"},
        "code": {"kind": "text", "title": "Code"},
        "odd_head": {"kind": "text", "title": "Odd, head"},
    }
    rows = extract(folder / "data" / "raw", "t", ("z",)).effects
    assert [row.cell("lat_deg") for row in rows] == [12.5, None, -3.25]
    assert [row.cell("setting") for row in rows] == ["clinic", "home", None]
    assert [row.cell("code") for row in rows] == ["007", "008", "010"]
    assert [row.cell("odd_head") for row in rows] == ["=1", "1.204", "x"]
    config = read_yaml(folder / "config.yaml")
    config["syntheses"]["t"] |= {"columns": ["n", "lat_deg"], "moderators": ["lat_deg", "setting"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    raw = str(folder / "data" / "raw")
    assert main(["check", "--config", str(folder / "config.yaml"), "--raw", raw]) == 0


def test_without_the_flag_the_columns_that_were_left_out_are_named(tmp_path, capsys):
    status, said, folder = started(tmp_path, capsys)
    assert status == 0, said
    assert "not used: Lat. (deg), Setting, Code, Odd, head, Year; --carry takes a column along" in said
    assert "columns" not in read_yaml(folder / "data" / "raw" / "t" / "source.yaml")


def test_a_carried_column_whose_name_has_a_meaning_gets_another(tmp_path, capsys):
    status, said, folder = started(tmp_path, capsys, "--carry", "Year")
    assert status == 0, said
    assert "Year as own_year (numbers)" in said
    assert [row.cell("own_year") for row in extract(folder / "data" / "raw", "t", ("z",)).effects] == [1999, 2001, 2002]


def test_rows_of_totals_take_no_carried_cells_with_them(tmp_path, capsys):
    lines = [LINES[0], ["Total", "0,2", "180", "99", "all", "", "", ""], *LINES[1:]]
    status, said, folder = started(tmp_path, capsys, "--carry", "Setting", lines=lines)
    assert status == 0, said
    rows = extract(folder / "data" / "raw", "t", ("z",)).effects
    assert [(row.study, row.cell("setting")) for row in rows] == [("A", "clinic"), ("B", "home"), ("C", None)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Seting"], "--carry: 'Seting'; allowed: a column of"),
        (["Setting,,Code"], "--carry: ''; allowed: a column of"),
        (["r"], "--carry: 'r'; allowed: a column that is not read (it is there as value)"),
    ],
)
def test_a_column_that_cannot_be_carried_is_named_and_nothing_is_written(tmp_path, capsys, words, message):
    status, said, folder = started(tmp_path, capsys, "--carry", *words)
    assert (status, message in said, folder.exists()) == (1, True, False), said


def test_a_head_that_is_there_twice_cannot_be_carried(tmp_path, capsys):
    status, said, _ = started(tmp_path, capsys, "--carry", "Setting", heads=[*HEADS[:5], "Setting", *HEADS[6:]])
    assert (status, "row 1: 'Setting'; allowed: each column that is used once" in said) == (1, True), said


def test_a_character_that_no_page_holds_is_named_in_a_carried_column(tmp_path, capsys):
    lines = [LINES[0], [*LINES[1][:4], "ho\x07me", *LINES[1][5:]], LINES[2]]
    status, said, _ = started(tmp_path, capsys, "--carry", "Setting", lines=lines)
    assert (status, "row 3, column Setting: 'U+0007" in said) == (1, True), said


def test_the_whole_table_says_what_a_comma_means_in_a_carried_column(tmp_path, capsys):
    lines = [[*cells[:3], f"1,20{i}", *cells[4:]] for i, cells in enumerate(LINES)]
    _, said, folder = started(tmp_path, capsys, "--carry", "Lat. (deg)", lines=lines)
    rows = extract(folder / "data" / "raw", "t", ("z",)).effects
    assert [row.cell("lat_deg") for row in rows] == [1.2, 1.201, 1.202], said


@pytest.mark.parametrize(("cell", "said"), [("ca. 30", True), ("-99", True), ("", False), ("30", False)])
def test_a_few_cells_that_make_words_of_numbers_are_named(tmp_path, capsys, cell, said):
    path = tmp_path / "t.csv"
    rows = [f"S{i} {2000 + i},.{i + 2},{80 + i},{10 * i}" for i in range(1, 6)]
    path.write_text("\n".join(["study,r,n,dose", *rows, f"Z 2009,.4,99,{cell}"]) + "\n")
    folder = str(tmp_path / "made")
    assert main(["new", folder, "--table", str(path), "--citation", "C", "--better", "larger", "--carry", "dose"]) == 0
    line = f"dose is carried as words for {cell!r} (row 7), although its other 5 cells are numbers"
    assert (line in capsys.readouterr().out) is said


def test_words_among_which_are_numbers_are_words(tmp_path, capsys):
    path = tmp_path / "t.csv"
    cells = ["10", "20", "low", "high", "30"]
    path.write_text("\n".join(["study,r,n,dose", *(f"S{i} 200{i},.2{i},8{i},{c}" for i, c in enumerate(cells))]) + "\n")
    folder = str(tmp_path / "made")
    assert main(["new", folder, "--table", str(path), "--citation", "C", "--better", "larger", "--carry", "dose"]) == 0
    assert "is carried as words for" not in capsys.readouterr().out
