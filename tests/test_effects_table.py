"""The contract of effects.parquet: a record that breaks it is named, and nothing is written."""

import math

import pytest
from synthesis.cli.main import main
from synthesis.data.columns import EFFECT_COLUMNS
from synthesis.data.extraction import extract, total_n
from synthesis.data.tables import check_effects
from synthesis.errors import InputError
from synthesis.results.document import plain
from synthesis.results.files import read_json, write_json


@pytest.fixture
def effects(project):
    found = [plain(row) for row in extract(project.raw, "bcg", ("log_risk_ratio",)).effects]
    found = [{column.name: row[column.name] for column in EFFECT_COLUMNS} for row in found]
    check_effects(found)
    return found


BROKEN = [
    ("yi", math.nan, "column yi: 'nan'"),
    ("yi", math.inf, "column yi: 'inf'"),
    ("vi", 0.0, "column vi: '0.0'"),
    ("vi", math.nan, "a variance, for every effect of a study"),
    ("n_total", -3.0, "column n_total"),
    ("metric", "zz", "column metric: 'zz'"),
    ("exactness", "rough", "one of exact, approximate"),
    ("converter", "", "column converter"),
    ("converter_version", 0.5, "at least 1"),
    ("year", 1700.0, "column year"),
    ("year", 1950.5, "column year"),
    ("year", "1950", "column year"),
    ("direction", 0.5, "one of 1, -1"),
    ("percent_women", 1.2, "at most 1"),
    ("estimand", "r_totall", "column estimand"),
    ("study", None, "column study"),
]


@pytest.mark.parametrize(("name", "value", "said"), BROKEN)
def test_a_cell_that_does_not_fit_its_column_is_named(effects, name, value, said):
    effects[3][name] = value
    with pytest.raises(InputError, match=said) as caught:
        check_effects(effects)
    assert f"effect {effects[3]['effect_id']}" in str(caught.value)


def test_every_fault_is_told_at_once(effects):
    effects[0]["vi"], effects[5]["metric"] = -1.0, "zz"
    with pytest.raises(InputError) as caught:
        check_effects(effects)
    assert len(caught.value.problems) == 2


def test_columns_are_those_of_an_effect_in_their_order(effects):
    check_effects([dict(effects[0])])
    for spoiled in (dict(reversed(effects[0].items())), effects[0] | {"extra": 1.0}):
        with pytest.raises(InputError, match="in their order"):
            check_effects([spoiled])


def test_an_effect_stands_once_per_metric(effects):
    check_effects([effects[0], effects[0] | {"metric": "g"}])
    with pytest.raises(InputError, match="once in metric log_risk_ratio"):
        check_effects([effects[0], dict(effects[0])])


def test_a_published_summary_needs_no_variance(effects):
    check_effects([effects[0] | {"vi": math.nan, "level": "summary"}])


def test_gather_writes_nothing_of_effects_that_break_the_contract(project, tmp_path, capsys):
    source = tmp_path / "bcg.json"
    arguments = ["--raw", str(project.raw), "--source", "bcg", "--metrics", "log_risk_ratio", "--out", str(source)]
    assert main(["extract", *arguments]) == 0
    out = tmp_path / "out"
    written = ["--effects", str(out / "e.parquet"), "--table", str(out / "e.csv"), "--dropped", str(out / "d.csv")]
    assert main(["gather", "--sources", str(source), *written]) == 0
    sound = read_json(source)
    sound["effects"][0]["vi"] = -1.0
    write_json(source, sound)
    for path in out.iterdir():
        path.unlink()
    assert main(["gather", "--sources", str(source), *written]) == 1
    assert "column vi" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("cells", "people"),
    [
        ({"n": 90.0, "n_treat": 55.0, "n_control": 52.0}, 90.0),
        ({"n_treat": 55.0, "n_control": 52.0, "total_treat": 50.0, "total_control": 51.0}, 107.0),
        ({"total_treat": 50.0, "total_control": 51.0}, 101.0),
        ({"n_treat": 55.0}, None),
        ({"n_control": 52.0, "total_treat": 50.0}, None),
        ({"n_treat": 55.0, "estimand": "one_group"}, 55.0),
        ({"total_treat": 50.0, "estimand": "one_group"}, 50.0),
        ({}, None),
    ],
)
def test_people_behind_a_row_are_those_of_both_arms_or_none(cells, people):
    empty = dict.fromkeys(("n", "n_treat", "n_control", "total_treat", "total_control"))
    assert total_n(empty | {"estimand": "d_between"} | cells) == people
