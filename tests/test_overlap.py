"""People of one study under several samples, and results that are in a pool twice: what is asked, and what is sound."""

import pytest
from pooled import asked, correlation, means, typed_row
from synthesis.data.arms import spelling_faults
from synthesis.data.papers import first_author, paper_key, surnames
from synthesis.data.sharing import apart
from synthesis.data.tables import NO_NAME, _row_faults

EMPTY = dict.fromkeys(("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control"), "")


def other(**cells):
    """Another sample of the study, in whose arms are other numbers of as many people."""
    usual = {"effect_id": "b", "sample_id": "b", "mean_treat": 12, "sd_treat": 4, "mean_control": 9, "sd_control": 4.1}
    return means(**usual | cells)


def counts(**cells):
    usual = {"statistic": "2x2", "outcome": "relapse", "events_treat": 12, "total_treat": 60}
    return means(**EMPTY | usual | {"events_control": 22, "total_control": 58} | cells)


# --- findings of as many people ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        {"outcome": "PHQ-9"},
        {"outcome": ""},
        {"timepoint": "follow-up"},
        {"rater": "observer"},
        {"weeks": 26},
        # Two arms of 50 and 48, again.
        {},
        # Under another form of the name.
        {"study": "J Ada & B Bell 2001"},
        # Of the same people in another statistic.
        EMPTY | {"statistic": "or", "value": 2, "n_treat": 50, "n_control": 48, "yi": 0.2},
    ],
)
def test_samples_of_one_study_and_of_one_size_are_asked_about(cells):
    (said,) = asked(means(), other(**cells))
    assert said.startswith("effects.csv, row 3, column sample_id: ")
    assert "as many people (50 and 48)" in said
    assert "allowed: the sample of a (sample a; effects.csv, row 2)" in said
    assert "other_people: ['a', 'b'] in source.yaml, or checked" in said
    assert asked(means(), other(**cells), others={"a", "b"}) == []
    assert len(asked(means(), other(**cells), others={"b"})) == 1
    assert asked(means(), other(checked="yes", **cells)) == []
    assert asked(means(checked="yes"), other(**cells)) == []
    assert asked(means(), other(**cells | {"sample_id": "a", "study": "Ada 2001"})) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"outcome": "PHQ-9", "n_treat": 51},
        {"outcome": "PHQ-9", "n_control": 40},
        {"outcome": "PHQ-9", "study": "Bell 2001"},
        {"outcome": "PHQ-9", "year": 2004, "study": "Ada 2004"},
        {"outcome": "PHQ-9", "study": "Ada 2001b"},
        {"study": "Ada 2 2001"},
    ],
)
def test_samples_of_another_size_or_study_are_sound(cells):
    assert asked(means(), other(**cells)) == []


def test_arms_and_places_that_are_named_apart_are_other_people():
    """Two arms of a trial of one size, as guided and unguided ones."""
    for name in ("treatment", "format", "country", "disorder", "comparator"):
        first, second = ({name: value, "timepoint": when} for value, when in (("x", "post"), ("y", "follow-up")))
        assert asked(means(**first), other(**second)) == [], name
        assert len(asked(means(**first), other(**second | {name: ""}))) == 1, name


def test_correlations_of_as_many_people_are_asked_about_where_a_label_says_another_finding():
    for name in ("rater", "outcome", "alliance_measure", "outcome_rater", "timepoint_detail", "adjusted_for"):
        assert len(asked(correlation(), correlation(effect_id="b", sample_id="b", value=0.3, **{name: "x"}))) == 1
    # Two experiments of one paper may have as many people.
    assert asked(correlation(), correlation(effect_id="b", sample_id="b", value=0.3)) == []
    assert asked(correlation(), correlation(effect_id="b", sample_id="b", value=0.3, rater="x", n=71)) == []
    assert asked(correlation(), correlation(effect_id="b", sample_id="b", rater="x", study="Ada & Bell 2001")) == []


def test_counts_of_as_many_people_are_asked_about():
    row = {"effect_id": "b", "sample_id": "b", "events_treat": 9, "events_control": 7}
    assert len(asked(counts(), counts(outcome="dropout", **row))) == 1
    without = {"total_treat": "", "total_control": "", "nonevents_treat": 51, "nonevents_control": 51}
    assert len(asked(counts(), counts(outcome="dropout", **row | without))) == 1
    assert asked(counts(), counts(outcome="dropout", total_treat=61, **row)) == []


# --- a total beside its subgroups ----------------------------------------------------------------------------------


def subgroups(*sizes, **cells):
    rows = []
    for at, (treat, control) in enumerate(sizes):
        numbers = {"mean_treat": 12 + at, "sd_treat": 4 + at / 10, "mean_control": 15 + at, "sd_control": 5 + at / 10}
        more = cells if not at else {}
        rows.append(means(effect_id=f"e{at}", sample_id=f"s{at}", n_treat=treat, n_control=control, **numbers | more))
    return rows


@pytest.mark.parametrize("sizes", [
    [(60, 60), (35, 34), (25, 26)],
    [(35, 34), (60, 60), (25, 26)],
    [(60, 60), (25, 26), (20, 21), (15, 13)],
    [(60, 60), (35, 34), (25, 26), (19, 17)],
])  # fmt: skip
def test_a_total_beside_its_subgroups_is_asked_about(sizes):
    (said,) = asked(*subgroups(*sizes))
    assert "its people (60 and 60) are as many as those of" in said
    assert asked(*subgroups(*sizes), others={f"s{at}" for at in range(4)}) == []


@pytest.mark.parametrize("sizes", [
    [(35, 34), (25, 26)],
    [(60, 61), (35, 34), (25, 26)],
    [(61, 60), (35, 34), (25, 26)],
    [(35, 34), (25, 26), (22, 20)],
])  # fmt: skip
def test_subgroups_that_do_not_add_up_are_sound(sizes):
    assert asked(*subgroups(*sizes)) == []


def test_arms_that_are_named_apart_do_not_add_up():
    assert asked(*subgroups((60, 60), (35, 34), (25, 26), treatment="CBT")) != []
    rows = subgroups((60, 60), (35, 34), (25, 26), treatment="CBT")
    named = [rows[0], *(means(**_cells(row) | {"treatment": "IPT"}) for row in rows[1:])]
    assert asked(*named) == []


def _cells(row):
    names = ("effect_id", "sample_id", "mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control")
    return {name: f"{row.cell(name):g}" if isinstance(row.cell(name), float) else row.cell(name) for name in names}


def test_a_total_of_correlations_is_asked_about():
    rows = [correlation(effect_id=f"e{n}", sample_id=f"s{n}", value=n / 300, n=n) for n in (100, 63, 37)]
    assert len(asked(*rows)) == 1
    # Among four samples two may add up by chance.
    more = correlation(effect_id="x", sample_id="x", n=44, value=0.1)
    assert asked(*rows, more) == []


def test_a_total_under_the_name_of_its_study_is_beside_subgroups_under_names_of_their_own():
    rows = subgroups((60, 60), (35, 34), (25, 26))
    named = zip(rows, ["Hills 2010", "Hills 2010 (women)", "Hills 2010, men"], strict=True)
    assert len(asked(*(means(**_cells(row) | {"study": name, "year": 2010}) for row, name in named))) == 1


# --- arms in common ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        {"mean_treat": 18, "sd_treat": 4.4, "n_treat": 61, "mean_control": 17, "sd_control": 5.2},
        {"mean_treat": 20, "sd_treat": 5, "n_treat": 50, "mean_control": 16, "n_control": 47},
        # The control arm of one is the treatment arm of the other.
        {"mean_treat": 17, "sd_treat": 5.2, "n_treat": 48, "mean_control": 16, "n_control": 47},
    ],
)
def test_an_arm_under_two_samples_of_a_study_is_asked_about(cells):
    (said,) = asked(means(), other(**cells))
    assert "arm is printed as the" in said
    assert asked(means(), other(**cells), others={"a", "b"}) == []
    # The same numbers in another study are a chance, with so few digits.
    assert asked(means(), other(study="Bell 2001", **cells)) == []
    assert asked(means(), other(**cells | {"sample_id": "a"})) == []


def test_an_arm_with_many_digits_is_that_of_any_study():
    arm = {"mean_control": 17.3, "sd_control": 8.2, "n_control": 58}
    row = other(study="Bell 2002", year=2002, n_treat=61, **arm)
    assert len(asked(means(**arm), row)) == 1
    assert asked(means(**arm), other(study="Bell 2002", year=2002, n_treat=61, **arm | {"n_control": 59})) == []
    assert asked(means(**arm), other(study="Bell 2002", year=2002, n_treat=61, **arm | {"sd_control": 8.3})) == []


def test_counts_of_an_arm_are_those_of_one_study():
    row = {"effect_id": "b", "sample_id": "b", "events_treat": 14, "total_treat": 61}
    assert len(asked(counts(), counts(**row))) == 1
    assert asked(counts(), counts(study="Bell 2001", **row)) == []
    none = {"events_control": 0}
    assert asked(counts(**none), counts(**none | row)) == []


# --- results that are there twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("study", ["Ada, Brown & Cole 2001", "J. Ada, 2001", "JA Ada 2002"])
def test_few_numbers_under_another_form_of_the_name_are_asked_about(study):
    row = {"effect_id": "b", "sample_id": "b", "study": study, "year": ""}
    assert len(asked(correlation(), correlation(**row))) == 1
    assert asked(correlation(), correlation(n=71, **row)) == []
    assert asked(correlation(), correlation(value=0.29, **row)) == []
    assert asked(correlation(), correlation(outcome="PHQ-9", **row)) == []
    assert asked(correlation(), correlation(**row), others={"a", "b"}) == []


@pytest.mark.parametrize("study", ["Bell 2001", "J. Ada, 2004", "Ada-Marie's trial 7 (2001)"])
def test_few_numbers_of_other_studies_are_a_chance(study):
    assert asked(correlation(), correlation(effect_id="b", sample_id="b", study=study, year="")) == []


def test_a_word_in_many_names_is_no_author():
    rows = [
        correlation(effect_id=f"e{at}", sample_id=f"s{at}", study=f"Register {word} 2001", value=at / 10)
        for at, word in enumerate(["north", "south", "east", "west", "centre", "coast"])
    ]
    again = correlation(effect_id="x", sample_id="x", study="Register hills 2001", value=0.5)
    assert asked(*rows, again) == []
    assert len(asked(*rows[-2:], again)) == 1


def test_names_are_those_of_their_authors():
    assert surnames("JA Müller & Ng 2001") == {"mueller", "muller", "ng"}
    assert surnames("Mueller 2001") & surnames("Müller, 2001")
    assert first_author("van der Berg et al. 2001") == "berg"
    assert first_author("Trial 2") == "trial2"
    assert paper_key("Hills 2010 (women)") == paper_key("Hills et al. 2010") == "hills"
    assert paper_key("2010 Hills") == "hills"


@pytest.mark.parametrize(
    ("cells", "yi", "vi", "twice"),
    [
        ({"statistic": "g", "value": 0.6, "n_treat": 50, "n_control": 48}, 0.61, 0.04, True),
        ({"statistic": "g", "value": 0.6, "n_treat": 50, "n_control": 48}, 0.64, 0.04, False),
        ({"statistic": "g", "value": 0.6, "n_treat": 50, "n_control": 49}, 0.61, 0.04, False),
        ({"statistic": "g", "value": 0.6, "se": 0.2}, 0.61, 0.045, True),
        ({"statistic": "g", "value": 0.6, "se": 0.3}, 0.61, 0.09, False),
        ({"statistic": "g", "value": 0.6, "se": 0.2, "outcome": "PHQ-9"}, 0.61, 0.045, False),
        ({"statistic": "g", "value": 0.6, "se": 0.2, "outcome": ""}, 0.61, 0.045, True),
        ({"statistic": "g", "value": 0.6, "se": 0.2, "study": "Bell 2001"}, 0.61, 0.045, False),
    ],
)
@pytest.mark.parametrize("sample", ["a", "b"])
def test_one_result_in_two_statistics_is_asked_about(cells, yi, vi, twice, sample):
    row = means(**EMPTY | {"effect_id": "b", "sample_id": sample} | cells, yi=yi, vi=vi)
    said = [line for line in asked(means(), row) if "with the same estimate" in line]
    assert len(said) == twice
    if twice:
        assert "column statistic: 'g'; allowed: another result than a" in said[0]
        assert "there as mean_sd" in said[0]


def test_a_row_and_its_correction_are_asked_about():
    for name, value in {"mean_treat": 11, "sd_control": 5.21}.items():
        for sample in ("a", "b"):
            (said,) = asked(means(), means(effect_id="b", sample_id=sample, **{name: value}))
            assert f"column {name}: '{value}'" in said
            assert "a row and its correction" in said
    at = {"locator": "record 833"}, {"locator": "record 834"}
    assert asked(means(**at[0]), means(effect_id="b", mean_treat=11, **at[1])) == []
    lines = {"locator": "own.csv, row 3"}, {"locator": "own.csv, row 4"}
    assert len(asked(means(**lines[0]), means(effect_id="b", mean_treat=11, **lines[1]))) == 1
    assert asked(means(), means(effect_id="b", mean_treat=11, treatment="IPT")) == []
    assert asked(means(), means(effect_id="b", mean_treat=11, sd_treat=4)) == []
    assert asked(correlation(), correlation(effect_id="b", value=0.3)) == []
    assert len(asked(counts(), counts(effect_id="b", events_treat=14))) == 1


@pytest.mark.parametrize(("numbers", "copied"), [
    ((13.1, 8.3, 61), True), ((9.67, 6.41, 20), True), ((14, 8, 60), False), ((3, 1.2, 15), False), ((0, 1, 40), False),
])  # fmt: skip
def test_an_arm_that_is_copied_into_the_other_is_asked_about(numbers, copied):
    names, arms = ("mean", "sd", "n"), ("treat", "control")
    cells = {f"{name}_{arm}": number for arm in arms for name, number in zip(names, numbers, strict=True)}
    said = asked(means(**cells))
    assert len(said) == copied
    assert not copied or "one arm copied into the other?" in said[0]
    assert asked(means(checked="yes", **cells)) == []
    assert asked(means(**cells | {"n_control": numbers[2] + 1})) == []


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["NA", "na", "n/a", "N/A", "#N/A", "-", ".", "none", "NULL", " NA ", ""])
def test_a_word_for_nothing_is_no_sample(word):
    row = typed_row(sample_id=word, statistic="r", value=0.3, quote="q")
    assert [column for column, *_ in _row_faults(row)] == ["sample_id"]
    assert word.strip().casefold() in NO_NAME
    lab = typed_row(sample_id="a", lab=word, statistic="r", value=0.3, quote="q")
    assert [column for column, *_ in _row_faults(lab)] == (["lab"] if word else [])


def test_names_that_begin_like_a_word_for_nothing_are_names():
    for name in ("NA-1", "Nan Lin 2001", "none_01", "0", "1"):
        assert [*_row_faults(typed_row(sample_id=name, statistic="r", value=0.3, quote="q"))] == []


def pair(first=(), **second):
    usual = {"sample_id": "h", "statistic": "mean_sd", "control_group": "wait list", "outcome": "bdi-ii"}
    usual |= {"mean_treat": 14, "sd_treat": 8, "n_treat": 60, "mean_control": 17.3, "sd_control": 8.2, "n_control": 58}
    rows = [typed_row(**usual | dict(first)), typed_row(**usual | {"mean_treat": 15} | second)]
    return [(number, column) for number, column, *_ in spelling_faults(list(enumerate(rows, start=2)))]


def test_labels_that_keep_comparisons_with_one_control_arm_apart_are_asked_about():
    assert pair() == []
    assert pair(control_group="waitlist") == pair(control_group="Wait List") == [(3, "control_group")]
    assert pair(control_group="") == pair(control_group="usual care") == [(3, "control_group")]
    assert pair(first={"control_group": ""}) == [(2, "control_group")]
    assert pair(outcome="BDI II") == pair(outcome="") == [(3, "outcome")]
    assert pair(timepoint_detail="week 8") == [(3, "timepoint_detail")]
    assert pair(outcome="BDI II", checked="yes") == []


def test_other_control_arms_and_other_outcomes_are_apart():
    assert pair(outcome="phq-9") == []
    assert pair(control_group="placebo", mean_control=16) == []
    assert pair(control_group="", n_control=57) == []
    assert pair(first={"control_group": ""}, control_group="") == []
    assert pair(sample_id="i", control_group="waitlist") == []
    assert pair(control_group="waitlist", exclusion_reason="x") == []


def test_who_says_that_rows_are_other_people_declares_them():
    rows = [{"study": study, "sample_id": sample} for study, sample in (
        ("Ada 2001", "1"), ("Ada 2001", "2"), ("Bell 2001", "3"), ("Cole 2001", "4"), ("Cole 2001", "4"))]  # fmt: skip
    assert apart(rows) == ["1", "2"]
