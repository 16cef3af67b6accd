"""Words that are told apart by their spelling alone, words and numbers for nothing, and rows left out for an empty
cell."""

import pytest
from synthesis.plan.spelt import NOTHING, one_word
from test_own import checked, own, refused


def asked(project, **keys):
    """Gives the example's synthesis these keys."""
    syntheses = project.config["syntheses"]
    project.configure(syntheses={name: content | keys for name, content in syntheses.items()})
    return next(iter(syntheses))


def passed(project, capsys):
    status, said = checked(project, capsys)
    assert status == 0, said
    return said


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("BDI-II", "bdi ii"),
        ("USA", "U.S.A."),
        ("yes", "YES"),
        ("Hedman-Lagerl\u00f6f", "hedman lagerlof"),
        ("2-4", "2\u20134"),
    ],
)
def test_spellings_of_one_word_are_one(word, other):
    assert one_word(word) == one_word(other)


@pytest.mark.parametrize(
    ("word", "other"),
    [("<65", ">65"), ("1.5 mg", "15 mg"), ("10-20", "1020"), ("BDI", "BDI-II"), ("A+B", "AB"), ("-1", "1"), ("+", "-")],
)
def test_signs_that_make_another_word_are_kept(word, other):
    assert one_word(word) != one_word(other)


def test_a_cell_that_is_a_chosen_word_in_another_spelling_is_named(project, capsys):
    own(project, ["scale"], {"scale": ["bdi-ii", "BDI-II", "bdi ii", "phq-9"]})
    name = asked(project, select={"scale": ["bdi-ii"]})
    key = f"config.yaml, key syntheses.{name}.select.scale"
    refused(project, capsys, f"row 3, column scale: 'BDI-II'; allowed: bdi-ii, as {key} has it", "'bdi ii'", "left out")
    asked(project, select={"scale": {"none_of": ["phq 9", "BDI-II", "bdi-ii"]}})
    refused(project, capsys, "phq 9")
    asked(project, select={"scale": {"none_of": ["BDI-II", "bdi-ii"]}})
    refused(project, capsys, "row 4, column scale: 'bdi ii'", "stay in")
    asked(project, select={"scale": ["bdi-ii", "BDI-II", "bdi ii"]})
    passed(project, capsys)


def test_a_row_that_another_condition_leaves_out_is_no_matter(project, capsys):
    own(project, ["scale", "arm"], {"scale": ["bdi", "BDI"], "arm": ["a", "b"]})
    asked(project, select={"scale": ["bdi"], "arm": ["a"]})
    passed(project, capsys)


@pytest.mark.parametrize("key", ["group_by", "moderators"])
def test_spellings_of_one_level_are_named(project, capsys, key):
    own(project, ["blind"], {"blind": ["yes", "no", "Yes"]})
    name = asked(project, **{key: "blind" if key == "group_by" else ["blind"]})
    refused(
        project, capsys, "row 4, column blind: 'Yes'; allowed: yes, as in", "row 2", f"syntheses.{name}.{key} would"
    )


def test_a_grouping_names_all_spellings_or_none(project, capsys):
    own(project, ["blind"], {"blind": ["yes", "no", "Yes"]})
    asked(project, moderators=["coarse"])
    project.configure(groupings={"coarse": {"column": "blind", "levels": {"a": ["yes"], "b": ["no"]}}})
    refused(project, capsys, "column blind: 'Yes'; allowed: yes", "no level names Yes")
    project.configure(groupings={"coarse": {"column": "blind", "levels": {"a": ["yes", "Yes"], "b": ["no"]}}})
    passed(project, capsys)


@pytest.mark.parametrize("word", ["NA", "n/a", "#N/A", "NULL", "\u2013", "?"])
def test_a_word_for_nothing_is_no_level(project, capsys, word):
    own(project, ["blind"], {"blind": ["yes", "no", word]})
    # Carried and shown it is no matter.
    passed(project, capsys)
    asked(project, group_by="blind")
    refused(project, capsys, f"row 4, column blind: '{word}'; allowed: an empty cell", "not reported")


@pytest.mark.parametrize("word", ["not reported", "none", "no", "nana"])
def test_a_level_of_its_own_is_one(project, capsys, word):
    assert word not in NOTHING
    own(project, ["blind"], {"blind": ["yes", word]})
    asked(project, group_by="blind")
    passed(project, capsys)


def test_rows_left_out_for_an_empty_cell_are_counted(project, capsys):
    own(project, {"dose": {"kind": "number"}}, {"dose": ["10", "", "20"]})
    name = asked(project, select={"dose": {"at_most": 30}})
    assert f"key syntheses.{name}.select.dose: 4 rows left out because dose is empty" in passed(project, capsys)
    asked(project, select={"dose": {"at_most": 15}, "year": {"at_least": 1900}})
    assert "4 rows left out because dose is empty" in passed(project, capsys)


def test_words_that_most_rows_lack_mark_the_few_that_have_them(project, capsys):
    own(project, ["mark"], {"mark": ["x", "", ""]})
    asked(project, select={"mark": ["x"]})
    assert "empty" not in passed(project, capsys)


def test_n_of_a_condition_is_that_of_both_arms_where_it_is_empty(project, capsys):
    asked(project, select={"n": {"at_least": 1000}})
    assert "left out" not in passed(project, capsys)
    asked(project, select={"n": {"at_least": 10_000_000}})
    refused(project, capsys, "selects nothing")


@pytest.mark.parametrize("word", ["NA", "12,5", "ca. 30"])
def test_one_cell_makes_no_words_of_a_column_of_numbers(project, capsys, word):
    cells = ["10", "20", "30", "40", "50", "60", word]
    own(project, ["dose"], {"dose": cells})
    refused(project, capsys, f"row 8, column dose: '{word}'; allowed: a number, or empty", "kind: text")


def test_a_column_of_words_with_some_numbers_is_one(project, capsys):
    own(project, ["dose"], {"dose": ["10", "low", "20", "high"]})
    passed(project, capsys)


def test_a_column_that_is_declared_as_text_is_not_asked_about(project, capsys):
    own(project, {"dose": {"kind": "text"}}, {"dose": ["10", "20", "30", "40", "50", "60", "ca. 30"]})
    passed(project, capsys)


@pytest.mark.parametrize("code", ["-9", "-99", "99", "999", "-999", "9999"])
def test_a_code_for_a_missing_number_is_doubted(project, capsys, code):
    own(project, ["dose"], {"dose": ["10", "20", "30", "25", "15", code]})
    refused(project, capsys, f"row 7, column dose: '{code}'", "a code for a missing value?", "checked: yes")


@pytest.mark.parametrize("cells", [["60", "80", "99"], ["-20", "-5", "-9"], ["400", "700", "999"]])
def test_a_number_that_others_come_near_to_is_no_code(project, capsys, cells):
    own(project, {"dose": {"kind": "number"}}, {"dose": cells})
    passed(project, capsys)


@pytest.mark.parametrize("option", [{"select": {"scale": ["bdi"]}}, {"prefer": {"scale": ["bdi"]}}])
def test_an_option_of_a_multiverse_names_all_spellings(project, capsys, option):
    own(project, ["scale"], {"scale": ["bdi", "BDI", "phq"]})
    name = next(iter(project.config["syntheses"]))

    def decided(words):
        said = {key: {"scale": words} for key in option}
        options = {"all": {"kind": "equivalent"}, "one": {"kind": "uncertain"} | said}
        which = {"scales": {"options": options}}
        project.configure(multiverses={"m": {"title": "m", "synthesis": name, "which": which, "permutations": 99}})

    decided(["bdi"])
    key = f"multiverses.m.which.scales.options.one.{next(iter(option))}.scale"
    refused(project, capsys, "row 3, column scale: 'BDI'; allowed: bdi, as config.yaml, key", key)
    decided(["bdi", "BDI"])
    passed(project, capsys)


@pytest.mark.parametrize("key", ["crossed", "levels"])
def test_labels_of_random_effects_have_one_spelling(project, capsys, key):
    own(project, ["scale"], {"scale": ["bdi", "phq", "hamd", "Ham-D", "ces", "gad"]})
    if key == "levels":
        rows = project.rows()
        for row in rows:
            row["study"] = row["study"] if row["effect_id"] != "bcg_02" else rows[0]["study"].upper()
        project.write(rows)
        asked(project, levels=["study", "sample_id"], ci="hksj")
        refused(project, capsys, f"column study: '{rows[0]['study'].upper()}'; allowed: {rows[0]['study']}")
    else:
        asked(project, crossed=["scale"], ci="hksj")
        refused(project, capsys, "row 5, column scale: 'Ham-D'; allowed: hamd")
