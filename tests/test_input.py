"""Bad input: named at file, row and column, with what is allowed; all problems of a file at once."""

import errno
import json
from pathlib import Path

import pytest
from synthesis.cli.main import main
from synthesis.data.extraction import extract, load_source
from synthesis.errors import InputError


def check(project, capsys):
    """Exit status and message of `synthesis check`."""
    status = main(["check", "--config", str(project.config_path), "--raw", str(project.raw)])
    return status, capsys.readouterr().err


def refused(project, capsys, *said):
    status, message = check(project, capsys)
    assert status == 1
    for part in said:
        assert part in message, message
    return message


def test_the_example_is_accepted(project, capsys):
    assert check(project, capsys) == (0, "")


# --- tables -------------------------------------------------------------------------------------------------------


def test_unknown_column(project, capsys):
    rows = [dict(row, effct="1") for row in project.rows()]
    project.write(rows)
    refused(project, capsys, "bcg/effects.csv, row 1", "'effct'", "a column of data/raw/README.md")


def test_misspelt_column_gets_a_suggestion(project, capsys):
    project.table.write_text(project.table.read_text().replace("direction", "directon", 1))
    refused(project, capsys, "did you mean direction?")


def test_missing_and_repeated_column(project, capsys):
    text = project.table.read_text()
    project.table.write_text(text.replace("locator", "note", 1))
    refused(project, capsys, "no column locator", "each column once")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"estimand": "r_total", "construct": "alliance", "statistic": "r", "value": "1.2"}, "between -1 and 1"),
        ({"estimand": "r_total", "construct": "alliance", "statistic": "r", "value": "-1"}, "between -1 and 1"),
        (
            {"n_treat": "5.96"},
            "a number of people is whole; two cells mixed up, or an effective size without its design_effect?",
        ),
        ({"n_treat": "1"}, "at least 2"),
        ({"value": "0,35"}, "decimal comma"),
        ({"value": "about .3"}, "not a number"),
        ({"value": "\u22122"}, "write a hyphen-minus, -2)"),
        ({"value": "5.5%"}, "write the number alone, 5.5"),
        ({"n_treat": "Jan-60"}, "a spreadsheet made a date of a number"),
        ({"value": "2026-01-02"}, "a spreadsheet made a date of a number"),
        ({"n_treat": "\uff16\uff10"}, "digits of another width: write 60)"),
        ({"n_treat": "1,060"}, "(a separator of thousands: write 1060)"),
        ({"n_treat": "1 060"}, "(a separator of thousands: write 1060)"),
        ({"n_treat": "10,5"}, "a whole number has no decimal comma"),
        ({"value": "1,060"}, "a decimal comma, or a separator of thousands: write 1.060 or 1060"),
        ({"reliability_process": "93"}, "a percentage? As a fraction it is 0.93"),
        ({"reliability_process": "93%"}, "write the fraction, 0.93"),
        ({"value": "inf"}, "not a number"),
        ({"quote": ""}, "a number without a quote cannot be checked"),
        ({"direction": "0"}, "one of 1, -1"),
        ({"direction": ""}, "1 or -1 where a study row has a number"),
        ({"construct": "aliance"}, "did you mean alliance?"),
        ({"level": "Study"}, "did you mean study?"),
        ({"events_treat": "999999"}, "at most total_treat"),
        ({"sample_id": ""}, "rows of one sample share it"),
        ({"url": "doi.org/10"}, "http"),
        ({"coded_on": "23.11.2026"}, "2026-11-23"),
        ({"p": "n.s."}, "p value as printed"),
        ({"note": "=cmd()"}, "starts like a spreadsheet formula"),
        ({"note": "@SUM(A1)"}, "starts like a spreadsheet formula"),
        ({"study": "-2+3"}, "starts like a spreadsheet formula"),
        ({"value": "0.5", "ci_low": "0.6", "ci_high": "0.9", "statistic": "or"}, "inside [0.6, 0.9]"),
        ({"value": "0.5", "ci_low": "0.9", "ci_high": "0.1", "statistic": "g"}, "swapped?"),
        ({"value": "0.5", "se": "0.5", "ci_low": "0.3", "ci_high": "0.7", "statistic": "g"}, "as the interval implies"),
        ({"value": "0.5", "se": "0.1", "p": "0.4", "statistic": "g"}, "as value and standard error imply"),
        ({"value": "0.5", "se": "1", "p": "<.001", "statistic": "g"}, "as value and standard error imply"),
        ({"sd_treat": "0", "statistic": "mean_sd"}, "above 0"),
        ({"sd_treat": "1.4", "sd_control": "27.8", "statistic": "mean_sd"}, "standard error entered as SD"),
        (
            {"sd_treat": "2.12", "sd_control": "2.31", "baseline_sd_treat": "9.66", "statistic": "mean_sd"},
            "2.12 beside baseline_sd_treat 9.66",
        ),
        ({"percent_women": "60"}, "at most 1, or empty (a percentage? As a fraction it is 0.6)"),
    ],
)
def test_bad_cells(project, capsys, cells, said):
    project.change(2, **cells)
    refused(project, capsys, "effects.csv, row 4, column ", said)


def test_consistent_p_and_standard_error_pass(project, capsys):
    project.change(2, statistic="g", value="0.5", se="0.2", ci_low="0.11", ci_high="0.89", p="0.012")
    assert check(project, capsys)[0] == 0
    project.change(2, p="<.05")
    assert check(project, capsys)[0] == 0


def test_duplicated_ids(project, capsys):
    project.change(5, effect_id="bcg_01")
    refused(project, capsys, "row 7, column effect_id", "'bcg_01'", "row 2 has it")


def test_duplicated_ids_across_sources(project, capsys):
    other = project.raw / "other"
    other.mkdir()
    (other / "source.yaml").write_text((project.raw / "bcg" / "source.yaml").read_text())
    (other / "effects.csv").write_text(project.table.read_text())
    project.configure(sources=["bcg", "other"])
    message = refused(project, capsys, "a name not used in another source (bcg has it)")
    assert message.startswith("synthesis check: 13 problems")


def test_one_spelling_of_a_sample(project, capsys):
    project.change(5, sample_id="BCG-01")
    refused(project, capsys, "row 7, column sample_id", "bcg_01 is used above")


def test_directions_may_differ_between_rows_without_an_outcome(project):
    """Quality of life beside depression, and no column that says so: direction is the row's own."""
    means = dict(statistic="mean_sd", mean_treat="1", sd_treat="1", mean_control="2", sd_control="1", outcome="")
    project.change(0, **means, direction="-1")
    project.change(1, **means, direction="1")
    _, problems = load_source(project.raw, "bcg", [])
    assert problems == []


def test_a_sign_stands_only_where_the_statistic_has_none(project, capsys):
    project.change(0, sign="-1")
    refused(project, capsys, "row 2, column sign", "'-1'", "empty for 2x2", "f, f_ancova, chi2, p, r2, f2")


def test_a_confirmation_has_a_reason(project, capsys):
    project.change(0, checked="yes")
    project.change(1, checked_reason="Table 2")
    refused(project, capsys, "row 2, column checked_reason", "row 3, column checked:")


def test_one_sign_per_outcome(project, capsys):
    means = dict(statistic="mean_sd", mean_treat="1", sd_treat="1", mean_control="2", sd_control="1", outcome="BDI")
    project.change(0, **means, direction="-1")
    project.change(1, **means, direction="1")
    refused(project, capsys, "row 3, column direction", "a sign slip?")


def test_one_sample_one_disorder(project, capsys):
    project.change(1, sample_id="bcg_01", disorder="leprosy")
    refused(project, capsys, "one sample_id for two samples?")


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_empty_file(project, capsys, content):
    project.table.write_text(content)
    refused(project, capsys, "empty file", "a header with effect_id")


def test_header_without_rows(project, capsys):
    project.table.write_text(project.table.read_text().splitlines()[0] + "\n")
    refused(project, capsys, "no rows below the header")


def test_semicolons(project, capsys):
    header, *rest = project.table.read_text().splitlines()
    project.table.write_text("\n".join([header.replace(",", ";"), *rest]))
    refused(project, capsys, "save it as comma-separated")


def test_rows_of_the_wrong_length(project, capsys):
    project.table.write_text(project.table.read_text() + "a,b\n")
    refused(project, capsys, "row 15", "2 cells")


def test_unclosed_quotation_mark(project, capsys):
    project.table.write_text(project.table.read_text() + '"open')
    refused(project, capsys, "a quotation mark is not closed")


def test_another_encoding_is_named_with_its_line(project, capsys):
    project.change(3, note="Flückiger")
    project.table.write_bytes(project.table.read_text(encoding="utf-8").encode("latin-1"))
    refused(project, capsys, "effects.csv, line 5", "byte 0xfc", "CSV UTF-8")


def test_byte_order_mark_line_endings_and_other_alphabets_change_nothing(project, capsys):
    """What Excel writes as 'CSV UTF-8' is read as the same table; authors keep their names."""
    project.change(3, note="Flückiger, Ødegård & 吳")
    plain = extract(project.raw, "bcg", ("log_risk_ratio",))
    text = project.table.read_bytes()
    project.table.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert check(project, capsys)[0] == 0
    again = extract(project.raw, "bcg", ("log_risk_ratio",))
    assert [r.yi for r in again.effects] == [r.yi for r in plain.effects]
    assert again.effects[3].note == "Flückiger, Ødegård & 吳"


def test_all_problems_of_a_file_are_shown_at_once(project, capsys):
    project.change(0, direction="2")
    project.change(1, url="x")
    project.change(2, level="none")
    message = refused(project, capsys, "3 problems")
    assert [line.split(", ")[1] for line in message.splitlines()[1:]] == ["row 2", "row 3", "row 4"]


def test_missing_source_folder_and_bad_source_file(project, capsys):
    (project.raw / "bcg" / "source.yaml").write_text("title: x\ncitaton: y\n")
    refused(project, capsys, "key citaton", "did you mean citation?", "key licence", "missing")


def test_a_source_without_a_folder(project, capsys):
    project.configure(sources=["bcg", "bgc"])
    refused(project, capsys, "key sources: 'bgc'", "a folder of data/raw: bcg")


# --- corrections --------------------------------------------------------------------------------------------------


def correct(project, **changes):
    row = dict(
        effect_id="bcg_01", field="events_treat", old="4", new="5", reason="misread", who="AB", date="2026-11-23"
    )
    project.write([row | changes], project.raw / "corrections.csv")


def test_a_correction_changes_the_value_and_is_recorded(project):
    correct(project)
    effects = extract(project.raw, "bcg", ("log_risk_ratio",)).effects
    assert effects[0].events_treat == 5
    assert effects[0].corrected == "events_treat"
    assert effects[1].corrected == ""
    assert project.rows()[0]["events_treat"] == "4"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"old": "3"}, "'4', as the table has it"),
        ({"effect_id": "bcg_99"}, "an effect_id of a source"),
        ({"field": "events"}, "did you mean events_treat?"),
        ({"reason": ""}, "column reason"),
        ({"new": "five"}, "not a number"),
    ],
)
def test_corrections_that_do_not_fit(project, capsys, changes, said):
    correct(project, **changes)
    refused(project, capsys, said)


# --- config -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("defaults", "tau"),
            "DL",
            "key defaults.tau: 'tau'; allowed: one of tau2, ci, model, level, rho, tau_scale (did you mean tau2?)",
        ),
        (("defaults", "tau2"), "RELM", "did you mean REML?"),
        (("defaults", "level"), 95, "less than 1"),
        (("syntheses", "bcg", "titel"), "x", "did you mean title?"),
        (("syntheses", "bcg", "lane"), "D", "key syntheses.bcg.lane"),
        (("syntheses", "bcg", "metric"), "z", "does not belong to lane B"),
        (("syntheses", "bcg", "sources"), ["bgc"], "'bgc'; allowed: one of bcg (did you mean bcg?)"),
        (("syntheses", "bcg", "select"), {"comparitor": ["x"]}, "did you mean comparator?"),
        (("syntheses", "bcg", "select"), {"note": {"at_least": 3}}, "a range needs a number column"),
        (
            ("syntheses", "bcg", "select"),
            {"year": {}},
            "'an empty condition'; allowed: any_of, none_of, at_least or at_most",
        ),
        (("syntheses", "bcg", "group_by"), "contry", "did you mean country?"),
        (("syntheses", "bcg", "nonsignificant_as_zero"), True, "lane A only"),
        (("comparisons",), {"x": {"title": "x", "first": "bcg", "second": "bcg"}}, "compared with itself"),
        (
            ("bridges",),
            {"x": {"title": "x", "association": "bcg", "effect": "bcg"}},
            "a synthesis of lane A in metric z (it is of lane B",
        ),
        (("monitoring",), {"bgc": {"smallest_effect": "x"}}, "'bgc'; allowed: one of bcg (did you mean bcg?)"),
        (("monitoring",), {"bcg": {"smallest_effect": "nowhere"}}, "key monitoring.bcg.smallest_effect: 'nowhere'"),
        (("monitoring",), {"bcg": {"smallest_effect": "x", "spending": "linear"}}, "obrien_fleming"),
        (("relevance",), {"differences": {"logit": "x"}}, "key relevance.differences.logit: 'x'"),
        (("psychometric",), {"bcg": {}}, "key psychometric.bcg: 'log_risk_ratio'; allowed: a synthesis of metric z"),
        (("relevance",), {"differences": {"log_risk_ratio": "nowhere"}}, "key relevance.differences.log_risk_ratio"),
        (("figures",), {"bcg": {"title": "x", "blocks": [{"synthesis": "bcg"}]}}, "taken by a synthesis"),
        (("figures",), {"x": {"title": "x", "blocks": [{"synthesiss": "bcg"}]}}, "did you mean synthesis?"),
        (("syntheses", "Bad Name"), {}, "Bad Name"),
    ],
)
def test_bad_config(project, capsys, path, value, said):
    config = project.config
    place = config
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    project.configure(**config)
    refused(project, capsys, said)


def test_yaml_that_repeats_a_key_or_does_not_parse(project, capsys):
    text = project.config_path.read_text()
    project.config_path.write_text(text + "\ntitle: again\n")
    refused(project, capsys, "'title'", "each key once")
    project.config_path.write_text("title: [")
    refused(project, capsys, "well-formed YAML")
    project.config_path.unlink()
    refused(project, capsys, "no such file")


def test_unknown_source_is_an_error_of_extraction_too(project):
    with pytest.raises(InputError, match="no such file"):
        extract(project.raw, "nowhere", ("g",))


@pytest.mark.parametrize("key", ["defaults", "syntheses.bcg"])
def test_an_estimator_that_the_model_does_not_take_is_refused_before_the_first_job(project, capsys, key):
    rows = project.rows()
    rows[1] |= {name: rows[0][name] for name in ("sample_id", "study", "year")}
    project.write(rows)
    text = project.config_path.read_text()
    given = {
        "defaults": text + "\ndefaults:\n  tau2: PM\n",
        "syntheses.bcg": text.replace("    lane: B\n", "    lane: B\n    tau2: PM\n"),
    }[key]
    project.config_path.write_text(given)
    refused(project, capsys, f"config.yaml, key {key}.tau2: 'PM'; allowed: REML, as syntheses.bcg has model che")
    project.config_path.write_text(given.replace("    lane: B\n", "    lane: B\n    model: composites\n"))
    assert check(project, capsys) == (0, "")


# --- files that are no tables, and characters that no figure can hold --------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        (b"effect_id,study\n", "no column construct"),
        (b"PK\x03\x04\x14\x00\x06\x00", "'an Excel workbook or another packed file'; allowed: a CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        ("effect_id,study\n".encode("utf-16"), "UTF-16 text"),
        (b"effect_id,study\ne1,M\xfcller\n", "byte 0xfc"),
        (b"%PDF-1.7\n", "a PDF"),
        (None, "no ordinary file"),
    ],
)
def test_files_that_are_no_table(project, capsys, content, said):
    project.table.unlink()
    if content is None:
        project.table.mkdir()
    else:
        project.table.write_bytes(content)
    refused(project, capsys, "effects.csv", said)


@pytest.mark.parametrize("name", ["config", "source", "corrections", "claims"])
def test_a_folder_in_place_of_a_file(project, capsys, name):
    path = {
        "config": project.config_path,
        "source": project.raw / "bcg" / "source.yaml",
        "corrections": project.raw / "corrections.csv",
        "claims": project.raw / "claims.csv",
    }[name]
    path.unlink(missing_ok=True)
    path.mkdir()
    refused(project, capsys, str(path), "file")


@pytest.mark.parametrize("file", ["config.yaml", "effects.csv", "source.yaml"])
def test_an_unreadable_file_is_named(project, capsys, monkeypatch, file):
    """Root may read everything: the error is the one that others get."""
    own = Path.open

    def forbidden(path, *args, **kwargs):
        if path.name == file:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return own(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", forbidden)
    refused(project, capsys, file, "'not readable'", "allow it: chmod u+r")


def test_a_link_that_leads_to_itself_is_named(project, capsys):
    project.table.unlink()
    project.table.symlink_to(project.table.name)
    refused(project, capsys, "effects.csv", "a link that leads to itself")


@pytest.mark.parametrize(
    ("character", "said"),
    [
        ("\x00", "U+0000"),
        ("\x07", "U+0007"),
        ("\x1b", "U+001B"),
        ("\ufffe", "U+FFFE"),
        ("\uffff", "U+FFFF"),
        ("\u202e", "U+202E"),
    ],
)
def test_characters_that_no_figure_can_hold_are_named_in_tables(project, capsys, character, said):
    project.change(3, study=f"Ka{character}y 1999")
    refused(project, capsys, "effects.csv, row 5, column study", said, "text without it")


@pytest.mark.parametrize("character", ["\x00", "\x07", "\ud800", "\ufffe"])
@pytest.mark.parametrize("key", ["title", "syntheses.bcg.title", "syntheses.bcg.note"])
def test_characters_that_no_figure_can_hold_are_named_in_the_plan(project, capsys, character, key):
    """YAML takes them as escapes: "\\0", "\\ud800"."""
    content = project.config
    *path, last = key.split(".")
    place = content
    for part in path:
        place = place[part]
    place[last] = f"A {character} title"
    project.config_path.write_text(json.dumps(content))
    refused(project, capsys, f"key {key}", f"U+{ord(character):04X}", "text without it")


@pytest.mark.parametrize("text", ["\u200fright to left", "e\u0301", "\U0001f600", "\u200b", "a\tb", "\x85", "\u2028"])
def test_characters_that_a_figure_can_hold_pass(project, capsys, text):
    project.change(3, study=f"Kay {text} x")
    assert check(project, capsys)[0] == 0


def test_a_source_named_twice(project, capsys):
    project.configure(sources=["bcg", "bcg"])
    refused(project, capsys, "key sources: 'bcg'; allowed: each name once")


@pytest.mark.parametrize("word", ["no", "null", "2024", "on", "1.5"])
def test_words_that_yaml_reads_as_something_else(project, capsys, word):
    text = project.config_path.read_text().replace("sources: [bcg]", f"sources: [{word}]")
    assert word in text
    project.config_path.write_text(text)
    refused(project, capsys, "sources.0", "put a word in quotation marks")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("value", "1e200", "nothing is as large as that: at most 1e+15"),
        ("mean_treat", "-1e308", "nothing is as large as that"),
        ("sd_treat", "1e-300", "nothing is as small as that: at least 1e-15"),
        ("mean_age", "1e-20", "nothing is as small as that"),
        ("p", "1.5", "a p value as printed"),
    ],
)
def test_numbers_of_no_size(project, capsys, column, value, said):
    project.change(2, **{column: value})
    refused(project, capsys, f"row 4, column {column}", said)


def test_a_correction_of_almost_nothing_is_refused(project, capsys):
    project.configure(conversions={"zero_cells": 1e-300})
    refused(project, capsys, "conversions", "zero_cells 1e-300", "0, or 0.001 to 1")
