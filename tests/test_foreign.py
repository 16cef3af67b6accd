"""Reading other people's tables: dialects, workbooks, headers, layouts, words, and what is asked."""

import csv
import datetime

import fuzzing
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.cli.main import main
from synthesis.data.extraction import extract
from synthesis.data.foreign import words
from synthesis.data.foreign.cells import Signs, Tally, decimal_sign, plain, read_numbers, read_p, read_years
from synthesis.data.foreign.dialects import read_sheet
from synthesis.data.foreign.header import tabulate
from synthesis.data.foreign.layouts import recognise
from synthesis.data.reading import read_yaml
from synthesis.errors import InputError
from synthesis.plan import plan
from synthesis.plan.starting import start
from synthesis.plan.taking import Start

DAY = datetime.date(2026, 1, 2)
R = {"study": "study", "value": "r", "n": "n"}


def begin(tmp_path, table, **given):
    """A review from a table in the folder of the test."""
    what = Start("T", table, **{"statistic": "r", "columns": R, "better": "larger", "citation": "x"} | given)
    return start(tmp_path / "review", what, DAY)


def rows_of(tmp_path, stem="own"):
    with (tmp_path / "review" / "data" / "raw" / stem / "effects.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def text(tmp_path, content, name="own.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_text_is_read_whatever_it_is_kept_in(tmp_path, encoding, ending, separator):
    if encoding == "cp1252" and ending == "\r":
        encoding = "mac_roman"
    lines = [["study", "r", "n"], ["B\u00f6hm 2001", "0.25", "80"], ["", "", ""], ["\u00c7elik 2002", "-.31", "60"]]
    path = text(tmp_path, "".join(separator.join(line) + ending for line in lines), encoding=encoding)
    begin(tmp_path, path)
    read = [(row["study"], row["value"], row["n"], row["locator"]) for row in rows_of(tmp_path)]
    assert read == [
        ("B\u00f6hm 2001", "0.25", "80", "own.csv, row 2"),
        ("\u00c7elik 2002", "-.31", "60", "own.csv, row 4"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"), (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04rest", "a damaged workbook"),
        (b"study,r,n\na,\x81,9\n", r"line 2: 'byte 0x81'; allowed: text in UTF-8, UTF-16 or Windows-1252"),
        (b"\xff\xfea", "text in UTF-8, UTF-16"), (b'study,r,n\n"a,.1,9\n', "a quotation mark is not closed"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_named(tmp_path, content, said):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        begin(tmp_path, path)


@pytest.mark.parametrize(
    ("printed", "decimal", "count", "read"),
    [
        ("0.31", ".", False, "0.31"), (".31", None, False, ".31"), ("0,31", ",", False, "0.31"),
        (",31", ",", False, ".31"),
        ("\u22120.31", ".", False, "-0.31"), ("\u20130,31", ",", False, "-0.31"), ("- 0.31", ".", False, "-0.31"),
        ("0\u00b731", ".", False, "0.31"), ("'0.31", ".", False, "0.31"), ("0.31\u00a0", ".", False, "0.31"),
        ("58.0", ".", True, "58"), ("58,00", ",", True, "58"), ("58.", None, True, "58"), ("187.2", ".", True, "187.2"),
        ("1,204", ".", True, "1204"), ("1,204", None, True, "1204"), ("1.204", ",", True, "1204"),
        ("1 204", None, True, "1204"), ("1\u202f204", None, True, "1204"), ("1'204", None, True, "1204"),
        ("1,204.5", ".", False, "1204.5"), ("1.204,5", ",", False, "1204.5"), ("1,204,567", ".", True, "1204567"),
        ("1.204", ".", False, "1.204"), ("1,204", ",", False, "1.204"), ("1e-05", ",", False, "1e-05"),
        ("1.2E-05", ".", False, "1.2E-05"), ("NA", ".", False, ""), ("\u2014", ".", True, ""), (".", ".", False, ""),
    ],
)  # fmt: skip
def test_a_number_is_read_as_what_it_is(printed, decimal, count, read):
    (cell,) = read_numbers(
        [(2, printed)], Signs(decimal), of="people" if count else "anything", share=False, tally=Tally()
    )
    assert (cell.text, cell.fault) == (read, "")


@pytest.mark.parametrize(
    ("printed", "decimal", "count", "hint"),
    [
        ("1,204", ".", False, "1204 or 1.204"), ("1.204", ".", True, "1204 or 1.204"),
        ("5,000", ",", True, "5000 or 5.000"),
        ("1.204", None, True, "1204 or 1.204"), ("0,31", ".", False, "decimal comma"),
        ("0.31", ",", False, "decimal point"),
        ("01-May", ".", False, "date"), ("2010-05-01", ".", False, "date"), ("5. Mai", ".", False, "date"),
        ("12/05/2010", ".", False, "date"), ("Jan 05", ".", False, "date"), ("45%", ".", False, "percentage"),
        (".28*", ".", False, "significance"), ("~60", ".", True, "no exact number"),
        ("12.1 (3.4)", ".", False, "two numbers"),
        ("12 \u00b1 3", ".", False, "two numbers"), ("1 204", ".", False, "two numbers in one cell, or 1204"),
        ("#DIV/0!", ".", False, "formula that failed"), ("=A1", ".", False, "formula without its value"),
        ("-999", ".", False, "code for a missing value"), ("twelve", ".", False, "not a number"),
        ("12,34,567", ".", False, "not a number"), ("\u0663", ".", False, "not a number"),
    ],
)  # fmt: skip
def test_what_is_no_number_or_could_be_two_is_named(printed, decimal, count, hint):
    (cell,) = read_numbers(
        [(2, printed)], Signs(decimal), of="people" if count else "anything", share=False, tally=Tally()
    )
    assert cell.text == ""
    assert cell.fault
    assert hint in cell.hint


def test_a_column_as_a_whole_says_what_a_comma_is():
    def read(cells, decimal, **how):
        found = read_numbers([(2, c) for c in cells], Signs(decimal, **how), of="anything", share=False, tally=Tally())
        return [cell.text for cell in found]

    assert read(["1,204", "1,310.5"], ".") == ["1204", "1310.5"]
    assert read(["1,204", "13.5"], ".") == ["", "13.5"]
    assert read(["1,204", "13,5"], ",") == ["1.204", "13.5"]
    # Among hundreds without decimals it may be a thousand; a column of three decimals is one of fractions.
    assert read(["1.856", "622"], ".") == ["", "622"]
    assert read(["1.856", "2"], ".") == ["1.856", "2"]
    assert read(["1.856", "2.100"], None) == ["1.856", "2.100"]
    assert read(["1.856", "622"], None) == ["", "622"]
    assert decimal_sign(["1,204", "13.5"])[0] == "."
    assert decimal_sign(["10,435", "4,9"])[0] == ","
    assert decimal_sign(["10,435", "12,286"])[0] is None


@pytest.mark.parametrize("sign", [".", None])
@pytest.mark.parametrize("others", [[], ["622"], ["2.310"]])
def test_time_at_risk_of_three_decimals_could_be_thousands_of_years(sign, others):
    cells = [(row, text) for row, text in enumerate(["1.856", *others], start=2)]
    first, *_ = read_numbers(cells, Signs(sign), of="amounts", share=False, tally=Tally())
    assert (first.text, first.fault, "1856 or 1.856" in first.hint) == ("", "a number of one meaning", True)
    sure, *_ = read_numbers(cells, Signs(".", given=True), of="amounts", share=False, tally=Tally())
    assert sure.text == "1.856"
    beside, *_ = read_numbers([*cells, (9, "412.5")], Signs("."), of="amounts", share=False, tally=Tally())
    assert beside.text == "1.856"
    comma, *_ = read_numbers(cells, Signs(","), of="amounts", share=False, tally=Tally())
    assert comma.text == "1856"


@given(st.floats(-1e6, 1e6), st.sampled_from([".", ","]), st.sampled_from(["", "\u00a0", "\u202f", "'"]))
@settings(max_examples=300, deadline=None)
def test_a_number_in_any_notation_is_the_same_number(value, decimal, thousands):
    shown = f"{value:,.4f}".replace(",", "T").replace(".", decimal).replace("T", thousands).replace("-", "\u2212")
    (cell,) = read_numbers([(2, shown)], Signs(decimal), of="anything", share=False, tally=Tally())
    assert float(cell.text) == float(f"{value:.4f}")


def test_percentages_are_divided_where_the_whole_column_has_the_sign():
    tally = Tally()
    cells = [(2, "45%"), (3, "7.5 %"), (4, "NA")]
    assert [c.text for c in read_numbers(cells, Signs("."), of="anything", share=True, tally=tally)] == [
        "0.45",
        "0.075",
        "",
    ]
    assert tally.percent == ["45%", "7.5 %"]
    mixed = read_numbers([(2, "45%"), (3, "0.2")], Signs("."), of="anything", share=True, tally=tally)
    assert [bool(cell.fault) for cell in mixed] == [True, False]


def test_p_values_and_years_are_read_as_printed():
    cells = [(2, "p < ,05"), (3, ".000"), (4, "= .03"), (5, "1,2E-05"), (6, "NA"), (7, "n.s.")]
    assert [(c.text, bool(c.fault)) for c in read_p(cells, ",", Tally())][:2] == [("<.05", False), (".000", False)]
    assert [c.text for c in read_p(cells, ",", Tally())][2:] == ["=.03", "1.2E-05", "", ""]
    years = ["2001", "2020a", "2010.0", "(1999)", "in press", "1905-07-05", "3021", "12", "n.d."]
    assert [c.text for c in read_years([(2, y) for y in years], 2027)] == ["2001", "2020", "2010", "1999", *[""] * 5]


def test_a_workbook_is_read_as_people_see_it(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    book.active["A1"] = "This holds the data"
    sheet = book.create_sheet("Data")
    for cells in (
        ["Table 1. Correlations"], [], ["study", "r", "n", "rater"], ["Ada 2001", 0.25, 80, "client"],
        [None, 0.31, 80.0, "observer"], ["Bo 2002", "0.1", "1,204", "client"],
        ["Cy 2003", datetime.date(2010, 5, 1), 60, None],
        ["Overall", 0.3, 144, None], ["Note. r = correlation"],
    ):  # fmt: skip
        sheet.append(cells)
    sheet.merge_cells("A4:A5")
    sheet.row_dimensions[6].hidden = True
    book.save(tmp_path / "own.xlsx")
    with pytest.raises(
        InputError, match=r"row 7, column r: '2010-05-01'; allowed: a number, or empty \(a spreadsheet turned"
    ):
        begin(tmp_path, tmp_path / "own.xlsx")
    sheet["B7"] = "=0.1+0.1"
    book.save(tmp_path / "own.xlsx")
    with pytest.raises(InputError, match=r"row 7, column r: '=0.1\+0.1'.*a formula without its value"):
        begin(tmp_path, tmp_path / "own.xlsx")
    sheet["B7"], sheet["B7"].number_format = 0.2, "General"
    book.save(tmp_path / "own.xlsx")
    started = begin(tmp_path, tmp_path / "own.xlsx")
    read = [(row["study"], row["value"], row["n"], row["locator"]) for row in rows_of(tmp_path)]
    assert read == [
        ("Ada 2001", "0.25", "80", "own.xlsx, row 4"), ("Ada 2001", "0.31", "80", "own.xlsx, row 5"),
        ("Bo 2002", "0.1", "1204", "own.xlsx, row 6"), ("Cy 2003", "0.2", "60", "own.xlsx, row 7"),
    ]  # fmt: skip
    said = "\n".join(started.notes)
    assert "sheet 'Data'" in said
    assert "other sheets not read: Read me" in said
    assert "merged cells hold their value in each of their rows: A4:A5" in said
    assert "hidden rows are read as well: 6" in said
    assert "1 row above the header left out" in said
    assert "row 8: 'Overall'" in said
    assert "Note. r =" in said


def test_a_workbook_with_two_tables_asks_for_the_sheet(tmp_path):
    book = openpyxl.Workbook()
    for sheet, r in ((book.active, 0.2), (book.create_sheet("Other"), 0.3)):
        for cells in (["study", "r", "n"], ["Ada 2001", r, 80]):
            sheet.append(cells)
    book.save(tmp_path / "own.xlsx")
    with pytest.raises(InputError, match=r"2 sheets'; allowed: --sheet with one of Sheet, Other"):
        begin(tmp_path, tmp_path / "own.xlsx")
    with pytest.raises(InputError, match=r"--sheet: 'None'; allowed: a sheet of .*: Sheet, Other"):
        begin(tmp_path, tmp_path / "own.xlsx", sheet="None")
    begin(tmp_path, tmp_path / "own.xlsx", sheet="Other")
    assert [row["value"] for row in rows_of(tmp_path)] == ["0.3"]


REVMAN = """Comparison 1,,,,,,,,
Study or Subgroup,Experimental,,,Control,,,Weight,Std. Mean Difference
,Mean,SD,Total,Mean,SD,Total,,"IV, Random, 95% CI"
1.1.1 Wait list,,,,,,,,
Ada 2001,10.1,4.2,40,12.3,4.5,38,50%,"-0.50 [-0.95, -0.05]"
Bo 2002,9.8,4.0,30,11.9,4.4,31,50%,"-0.49 [-1.00, 0.02]"
Subtotal (95% CI),,,70,,,69,100%,"-0.50 [-0.83, -0.16]"
Heterogeneity: Chi2 = 0.00,,,,,,,,
Total (95% CI),,,70,,,69,100%,"-0.50 [-0.83, -0.16]"
Test for overall effect: Z = 2.9,,,,,,,,
"""


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"study": "Study or Subgroup", "mean_treat": "Experimental Mean", "sd_treat": "Experimental SD",
         "n_treat": "Experimental / Total", "mean_control": "Control Mean", "sd_control": "control sd",
         "n_control": "Control Total"},
    ],
    ids=["known", "named"],
)  # fmt: skip
def test_the_two_header_rows_of_revman_are_one(tmp_path, columns):
    statistic = "mean_sd" if columns else ""
    started = begin(tmp_path, text(tmp_path, REVMAN), statistic=statistic, columns=columns, better="smaller")
    read = [[row[n] for n in ("study", "mean_treat", "sd_treat", "n_treat", "n_control")] for row in rows_of(tmp_path)]
    assert read == [["Ada 2001", "10.1", "4.2", "40", "38"], ["Bo 2002", "9.8", "4.0", "30", "31"]]
    said = "\n".join(started.notes)
    assert "left out, no studies but results of several: row 7: 'Subtotal (95% CI)', row 9: 'Total (95% CI)'" in said
    assert "two header rows, 2 and 3" in said


@pytest.mark.parametrize(
    ("header", "statistic", "layout", "value"),
    [
        ("study,condition_arm1,condition_arm2,instrument,mean_arm1,sd_arm1,n_arm1,mean_arm2,sd_arm2,n_arm2",
         "mean_sd", "Metapsy", "mean_arm1"),
        ("Study,Study year,Experimental mean,Experimental SD,Experimental N,Control mean,Control SD,Control N",
         "mean_sd", "RevMan", "Experimental mean"),
        ("studlab,n.e,mean.e,sd.e,n.c,mean.c,sd.c", "mean_sd", "R's meta", "mean.e"),
        ("author,year,m1i,sd1i,n1i,m2i,sd2i,n2i", "mean_sd", "metafor, means", "m1i"),
        ("First author,ai,n1i,ci,n2i", "2x2", "metafor, events", "ai"),
        ("study,ri,ni", "r", "metafor, correlations", "ri"),
        ("study,Effect size,Standard error", "g", "JASP", "Effect size"),
        ("study_id,M_int,SD_int,N_int,M_ctrl,SD_ctrl,N_ctrl", "mean_sd", "", "M_int"),
    ],
)  # fmt: skip
def test_layouts_are_known_by_their_names(header, statistic, layout, value):
    found, several = recognise(header.split(","), statistic)
    assert not several
    assert found.name == layout
    assert "study" in found.columns
    assert value in found.columns.values()


def test_a_table_that_nobody_knows_asks_for_its_columns(tmp_path):
    path = text(tmp_path, "who,b,c\na,.1,30\n")
    with pytest.raises(InputError, match=r"--columns: 'who, b, c'; allowed: study=<column> and the numbers"):
        begin(tmp_path, path, statistic="", columns={})


def test_effects_of_no_named_kind_are_asked_for(tmp_path):
    path = text(tmp_path, "study,yi,se\na,.1,.1\nb,.2,.1\n")
    with pytest.raises(InputError, match=r"what kind of effect is yi\? Give --statistic"):
        begin(tmp_path, path, statistic="", columns={})
    begin(tmp_path, path, statistic="g", columns={})


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("Total", True), ("Subtotal (95% CI)", True), ("Overall", True), ("MEAN", True), ("Pooled effect", True),
        ("Random-effects model", True), ("Heterogeneity: Tau2 = 0.1", True), ("Total events", True),
        ("Weighted mean", True),
        ("Mean 2009", False), ("Overall & Pooley 2010", False), ("Summers 2011", False), ("Total Recall trial", False),
        ("Meaney", False), ("Test for overall effect: Z = 2.9", True), ("Combined treatment trial", False),
    ],
)  # fmt: skip
def test_totals_are_told_from_studies(name, total):
    assert words.is_total(name) == total


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("higher", "1"), ("Lower", "-1"), ("higher is better", "1"), ("lower scores are better", "-1"), ("1", "1"),
        ("-1", "-1"),
        ("\u22121", "-1"), ("smaller", "-1"), ("better", None), ("unclear", None), ("Higher = better", "1"),
    ],
)  # fmt: skip
def test_words_of_direction(word, code):
    assert words.direction(word) == code


@pytest.mark.parametrize(
    ("outcome", "side"),
    [
        ("quality of life", "larger"), ("BDI-II", "smaller"), ("PHQ-9", "smaller"), ("PTSD symptoms", "smaller"),
        ("well-being", "larger"), ("WHO-5", "larger"), ("depression remission", None), ("height", None),
        ("HRSD-17", "smaller"),
    ],
)  # fmt: skip
def test_outcomes_have_a_usual_side(outcome, side):
    assert words.usual_side(outcome) == side


ARMS = "study,m1,s1,n1,m0,s0,n0"
COLUMNS = ["study", "mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control"]
MEANS = dict(zip(COLUMNS, ARMS.split(","), strict=True))
NUMBERS = "10.1,4.2,40,12.3,4.5,38"


@pytest.mark.parametrize(
    ("extra", "cells", "said"),
    [
        ("higher_better", ["1", "0"], "'direction=higher_better' in --columns, or --ignore higher_better"),
        ("Direction", ["-1", "-1"], "'direction=Direction' in --columns"),
        ("type of score", ["change", "post"], "'statistic=type of score' in --columns, or --ignore 'type of score'"),
        ("ICC", ["0.05", "0.02"], "clustered trials"),
        ("Analysis number", ["1", "2"], "the rows of one analysis"),
        ("outcome", ["quality of life", "depression"], "row 2, column outcome: 'quality of life'"),
    ],
)
def test_a_column_that_matters_is_never_passed_over(tmp_path, extra, cells, said):
    lines = [f"{ARMS},{extra}", *(f"S{n},{NUMBERS},{cell}" for n, cell in enumerate(cells))]
    path = text(tmp_path, "\n".join(lines))
    with pytest.raises(InputError) as error:
        begin(
            tmp_path,
            path,
            statistic="mean_sd",
            columns=dict(zip(COLUMNS, ARMS.split(","), strict=True)),
            better="smaller",
        )
    assert said in str(error.value)


COLUMNS = ["study", "mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control"]


def test_what_nothing_is_pooled_from_never_blocks(tmp_path):
    path = text(
        tmp_path,
        "study,r,n,yr,women,age,sure,who\n"
        "A,.1,50,in press,62%,about 40,rather,me\n"
        "B,.2,60,2020a,50%,41.5,high,client\n",
    )
    # Of confidence the terms are fixed; of raters, others than the known ones are taken and said.
    columns = R | {"year": "yr", "percent_women": "women", "mean_age": "age", "confidence": "sure", "rater": "who"}
    started = begin(tmp_path, path, columns=columns)
    names = ("year", "percent_women", "mean_age", "confidence", "rater")
    read = [[row[name] for name in names] for row in rows_of(tmp_path)]
    assert read == [["", "0.62", "", "", "me"], ["2020", "0.5", "41.5", "high", "client"]]
    said = "\n".join(started.notes)
    empty = ("'in press' (row 2)", "'about 40' (row 2)", "'rather' (row 2)")
    for word in (*empty, "percentages, divided by 100: 62%, 50%", "rater 'me' (1 row) is no known term"):
        assert word in said


def test_what_no_page_can_hold_blocks_only_where_it_is_read(tmp_path):
    path = text(tmp_path, "A\x07title,,,\nstudy,r,n,no\x07te\nA,.1,50,\x07\n")
    begin(tmp_path, path)
    with pytest.raises(InputError, match=r"row 3, column no.*'U\+0007, a control character'"):
        begin(tmp_path / "other", path, columns=R | {"note": "no\x07te"})


def test_replace_writes_over_what_was_made_and_nothing_else(tmp_path, capsys):
    path = text(tmp_path, "study,r,n\nA,.1,50\nB,.2,60\n")
    arguments = ["new", str(tmp_path / "review"), "--table", str(path), "--statistic", "r", "--better", "larger",
                 "--citation", "x", "--columns", "study=study", "value=r", "n=n"]  # fmt: skip
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert "--replace writes again over one that this command made" in capsys.readouterr().err
    path.write_text("study,r,n\nA,.3,50\nB,.2,60\n")
    (tmp_path / "review" / "results").mkdir()
    assert main([*arguments, "--replace"]) == 0
    assert [row["value"] for row in rows_of(tmp_path)] == [".3", ".2"]
    assert sorted(found.name for found in (tmp_path / "review").iterdir()) == ["config.yaml", "data", "results"]
    for changed in ("config.yaml", "data/raw/own/effects.csv", "data/raw/corrections.csv"):
        place = tmp_path / "review" / changed
        before = place.read_text() if place.exists() else None
        place.write_text((before or "") + "\n")
        assert main([*arguments, "--replace"]) == 1
        assert "move it away" in capsys.readouterr().err
        place.unlink() if before is None else place.write_text(before)
    assert main([*arguments, "--replace"]) == 0


def test_rows_that_cannot_be_used_are_named_in_the_tables_own_words(tmp_path):
    path = text(tmp_path, "study,r,people\nA,.1,50\nB,.2,\nC,.3,3\nD,.4,70\n")
    started = begin(tmp_path, path, columns={"study": "study", "value": "r", "n": "people"})
    assert started.left[0] == "own.csv, row 3: not printed: people"
    assert "own.csv, row 4: n = 3 is too small" in started.left[1]


def test_names_that_begin_like_a_formula_are_shown_as_they_are(tmp_path):
    path = text(tmp_path, "study,r,n\n@home 2019,.1,50\n-Dash 2001,.2,60\n=Equal 2002,.3,70\n")
    begin(tmp_path, path)
    assert [row["study"] for row in rows_of(tmp_path)] == ["'@home 2019", "'-Dash 2001", "'=Equal 2002"]
    found = extract(tmp_path / "review" / "data" / "raw", "own", ("z",))
    assert [row.study for row in found.effects] == ["@home 2019", "-Dash 2001", "=Equal 2002"]


def test_headers_that_occur_twice_and_rows_that_repeat_are_said(tmp_path):
    with pytest.raises(InputError, match="each column that is used once"):
        begin(tmp_path, text(tmp_path, "study,r,n,r\nA,.1,50,.2\n"))
    started = begin(tmp_path, text(tmp_path, "study,r,n,x,x\nA,.1,,1,2\nA,.1,,3,4\nB,.2,60,5,6\n"))
    assert any("the same in every column read, pasted twice? Rows 2 and 3" in line for line in started.notes)


def test_a_study_that_stands_twice_in_a_table_is_asked_about_by_its_rows(tmp_path):
    table = "study,trial,r,n\nA,x,.1,50\nB,y,.2,60\nA,{},.1,50\n"
    columns = {"study": "trial_name", "value": "r", "n": "n"}
    said = r"own\.csv, row 4, column trial_name: 'A: own_3 .*'; allowed: other numbers than own_1 \(sample {}; row 2\)"
    for sample, ids in (("A", {}), ("x", {"sample_id": "trial"})):
        path = text(tmp_path, table.format("z" if ids else "x").replace("study", "trial_name"))
        with pytest.raises(InputError, match=said.format(sample)):
            begin(tmp_path, path, columns=columns | ids, **({} if ids else {"ignore": ("trial",)}))
    assert not (tmp_path / "review").exists()


def test_comparators_that_are_pooled_together_are_written_into_the_plan(tmp_path):
    header = ARMS + ",against"
    others = "B,10.6,4.7,43,12.8,5,41,Wait List\nC,11.1,5.2,46,13.3,5.5,44,NA\n"
    path = text(tmp_path, f"{header}\nA,{NUMBERS},usual care\n{others}")
    columns = MEANS | {"comparator": "against"}
    begin(tmp_path, path, statistic="mean_sd", columns=columns, better="smaller")
    read = plan.load(read_yaml(tmp_path / "review" / "config.yaml"))
    plan.check(read, tmp_path / "review" / "data" / "raw")
    assert read.config.syntheses["own"].mix == {"comparator": ("", "usual care", "wait list")}
    assert read.config.syntheses["own"].favours == ("favours control", "favours treatment")


def test_a_column_of_row_numbers_that_r_leaves_unnamed_is_found(tmp_path):
    path = text(tmp_path, '"study" "r" "n"\n"1" "Ada 2001" 0.1 50\n"2" "Bo 2002" 0.2 60\n')
    sheet = read_sheet(path, R.values())
    table = tabulate(path, sheet, R.values())
    assert table.cells("study") == [(2, "Ada 2001"), (3, "Bo 2002")]
    assert table.cells("n") == [(2, "50"), (3, "60")]


def test_signs_and_blanks_of_typesetters():
    assert [plain(t) for t in ("\u22125", "\u20135", "' 5", "\u00a05\u2009", "1e\u22125")] == [
        "-5",
        "-5",
        "5",
        "5",
        "1e-5",
    ]


def test_tables_in_the_wild_are_mostly_read(tmp_path):
    """Otherwise the generator would test refusals only."""
    found = []
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(fuzzing.case("wild", number, folder))
    assert found.count("result") > 30
