"""The user's own words: columns, terms and constructs that the data dictionary does not have."""

import csv
import json
import math
import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import once
from synthesis.cli.main import main
from synthesis.data.columns import EFFECT_COLUMNS
from synthesis.data.extraction import extract
from synthesis.data.own import carried, columns_of
from synthesis.data.reading import read_yaml
from synthesis.data.source import OwnColumn, own_faults, plain_name
from synthesis.data.tables import typed
from synthesis.plan import plan
from synthesis.plan.conditions import Condition
from synthesis.plan.selection import meets
from synthesis.results.files import read_csv, read_json
from test_workflow import snakemake
from tolerances import FORMULA
from typed import effect_row

NASTY = "=1+1 <b>$x_1$ \\alpha & 'q' {w}"


def own(project, declared, cells):
    """Gives the example's table more columns, and declares some of them."""
    rows = project.rows()
    for number, row in enumerate(rows):
        row.update({name: of[number % len(of)] for name, of in cells.items()})
    project.write(rows)
    path = project.raw / "bcg" / "source.yaml"
    path.write_text(path.read_text() + yaml.safe_dump({"columns": declared}, allow_unicode=True))


def checked(project, capsys):
    """What `synthesis check` makes of a folder: its exit status and all that it said."""
    status = main(["check", "--config", str(project.config_path), "--raw", str(project.raw)])
    said = capsys.readouterr()
    return status, said.out + said.err


def refused(project, capsys, *parts):
    status, said = checked(project, capsys)
    assert status == 1, said
    for part in parts:
        assert part in said


def latitude(row):
    return re.search(r"latitude (\d+)", row["note"])[1]


def allocation(row):
    return re.search(r"allocation: (\w+)", row["note"])[1]


# --- end to end ---------------------------------------------------------------------------------------------------

PLAN = {
    "moderators": ["latitude", "allocation", "mean_age", "blinded_group"],
    "columns": ["n", "latitude", "allocation", "mean_age"],
    "group_by": "allocation",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run of the example with columns of its own, once."""

    def make(folder):
        shutil.copytree(ROOT / "examples" / "bcg", folder, dirs_exist_ok=True)
        table = folder / "data" / "raw" / "bcg" / "effects.csv"
        with table.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        for number, row in enumerate(rows):
            row |= {"latitude": latitude(row), "allocation": allocation(row), "mean_age": str(20 + number / 4)}
            row |= {"blinded": "yes" if number % 3 else NASTY[1:], "registry": str(1_000_000 + number)}
        rows[3]["latitude"] = ""
        with table.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        about = folder / "data" / "raw" / "bcg" / "source.yaml"
        columns = {"latitude": {"title": "Degrees"}, "allocation": {"kind": "text"}, "blinded": None, "registry": None}
        about.write_text(about.read_text() + yaml.safe_dump({"columns": columns}))
        config = yaml.safe_load((folder / "config.yaml").read_text())
        bcg = config["syntheses"]["bcg"] | PLAN
        south = {"latitude": {"at_most": 33}, "registry": {"none_of": [1000004]}, "blinded": ["yes"]}
        config["syntheses"] = {"bcg": bcg, "south": bcg | {"select": south, "moderators": [], "group_by": None}}
        levels = {"blind": ["yes"], "open": [NASTY[1:]]}
        config["groupings"] = {"blinded_group": {"column": "blinded", "levels": levels}}
        config["diagnostic_figures"] = {"bcg": ["bubble", "orchard"]}
        options = {
            "all": {"kind": "equivalent"},
            "random": {"kind": "equivalent", "select": {"allocation": ["random"]}},
        }
        preferred = {"kind": "equivalent", "prefer": {"latitude": ["13.0"]}}
        place = {"options": {"any": {"kind": "equivalent"}, "south": preferred}}
        which = {"allocated": {"options": options}, "place": place}
        config["multiverses"] = {"m": {"title": "m", "synthesis": "bcg", "which": which, "permutations": 99}}
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        claim = {
            "claim_id": "c", "statement": "s", "says": "It works", "claim": "All levels are below 1.",
            "quantity": "levels:bcg:allocation", "rule": "below", "high": "1", "source_agrees": "unknown",
        }  # fmt: skip
        with (folder / "data" / "raw" / "claims.csv").open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(claim), lineterminator="\n")
            writer.writeheader()
            writer.writerow(claim)
        snakemake(folder, "--cores", "2")

    return once(tmp_path_factory, "own", make)


def regression(rows):
    """Random-effects regression of yi on x: tau2 by REML, solved on a grid that is refined; written down here again.

    Raudenbush (2009), eq. 16.11: the restricted log-likelihood; coefficients by weighted least squares.
    """
    # A ratio is extracted as printed, and the example pools it so: nothing is turned.
    y, v, x = (np.array([r[name] for r in rows], dtype=float) for name in ("yi", "vi", "latitude"))
    design = np.column_stack([np.ones_like(x), x])

    def fit(tau2):
        w = 1 / (v + tau2)
        information = design.T @ (w[:, None] * design)
        beta = np.linalg.solve(information, design.T @ (w * y))
        rest = y - design @ beta
        likelihood = np.log(w).sum() / 2 - np.linalg.slogdet(information)[1] / 2 - (w * rest**2).sum() / 2
        return likelihood, beta

    low, high = 0.0, 2.0
    for _ in range(60):
        grid = np.linspace(low, high, 21)
        best = int(np.argmax([fit(t)[0] for t in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 20)]
    return fit((low + high) / 2)[1]


@pytest.mark.slow
def test_a_numeric_column_of_ones_own_is_a_moderator_as_computed_by_hand(finished):
    effects = pq.read_table(finished / "results/effects.parquet").to_pylist()
    used = [row for row in effects if row["latitude"] is not None]
    assert len(used) == len(effects) - 1
    intercept, slope = regression(used)
    rows = read_csv(finished / "results/tables/moderators.csv")
    found = {r["term"]: r for r in rows if r["moderator"] == "latitude" and r["kind"] == "coefficient"}
    assert found["intrcpt"]["estimate"] == pytest.approx(intercept, rel=FORMULA)
    assert found["latitude"]["estimate"] == pytest.approx(slope, rel=FORMULA)
    assert "1 effects without a value" in found["latitude"]["note"]
    assert {r["moderator"] for r in rows if r["kind"] == "coefficient"} == {*PLAN["moderators"]}


@pytest.mark.slow
def test_columns_of_ones_own_stand_in_the_tables_typed_and_escaped(finished):
    table = pq.read_table(finished / "results/effects.parquet")
    types = {name: str(table.schema.field(name).type) for name in ("latitude", "allocation", "blinded", "registry")}
    assert types == {"latitude": "double", "allocation": "string", "blinded": "string", "registry": "double"}
    assert table.column_names[: len(EFFECT_COLUMNS)] == [column.name for column in EFFECT_COLUMNS]
    assert NASTY[1:] in table.column("blinded").to_pylist()
    with (finished / "results/tables/effects.csv").open(newline="") as handle:
        assert {row["blinded"] for row in csv.DictReader(handle)} == {"yes", NASTY[1:]}


@pytest.mark.slow
def test_conditions_blocks_levels_and_figures_take_columns_of_ones_own(finished):
    effects = pq.read_table(finished / "results/effects.parquet").to_pylist()
    south = read_json(finished / "results/models/south.json")
    kept = {
        r["effect_id"]
        for r in effects
        if r["latitude"] is not None and r["latitude"] <= 33 and r["registry"] != 1000004 and r["blinded"] == "yes"
    }
    assert kept
    assert {e for study in south["studies"] for e in study["effects"]} == kept
    whole = read_json(finished / "results/models/bcg.json")
    assert {group["value"] for group in whole["groups"]} == {"random", "systematic", "alternate"} - {
        a for a in {r["allocation"] for r in effects} if sum(r["allocation"] == a for r in effects) == 1
    }
    forest = (finished / "results/figures/forest_bcg.svg").read_text()
    assert ">Degrees<" in forest
    assert ">Degrees<" in (finished / "results/figures/bubble_bcg-latitude.svg").read_text()
    # Its blocks say it: a column that repeats them is left out.
    assert ">Allocation<" not in forest
    for name in ("bubble_bcg-latitude", "bubble_bcg-mean_age", "orchard_bcg"):
        assert (finished / f"results/figures/{name}.svg").exists()
    (claim,) = read_json(finished / "results/claims.json")
    assert {value["label"].split(" (")[0] for value in claim["values"]} == {r["allocation"] for r in effects}
    report = (finished / "results/report.html").read_text()
    assert "<b>$x" not in report
    assert "Degrees: 44" in report
    with (finished / "results/r/bcg.csv").open(newline="") as handle:
        exported = {row["effect_id"]: row for row in csv.DictReader(handle)}
    assert {name: float(row["latitude"] or -1) for name, row in exported.items()} == {
        row["effect_id"]: -1 if row["latitude"] is None else row["latitude"] for row in effects
    }


@pytest.mark.slow
def test_decisions_of_a_multiverse_take_columns_of_ones_own(finished):
    table = pq.read_table(finished / "results/multiverse/m.parquet").to_pylist()
    effects = pq.read_table(finished / "results/effects.parquet").to_pylist()
    assert {row["k"] for row in table} == {len(effects), sum(row["allocation"] == "random" for row in effects)}


# --- declarations -------------------------------------------------------------------------------------------------


def test_a_column_that_is_not_declared_is_refused_with_what_to_do(project, capsys):
    own(project, {}, {"dose_mg": ["10"], "ratr": ["client"]})
    refused(project, capsys, "'dose_mg'", "declare it under columns in source.yaml", "'ratr'", "did you mean rater?")


ODD = {
    "Dosis (mg)": "dosis_mg",
    "Stärke": "starke",
    "2nd rating": "own_2nd_rating",
    "\u0645\u062f\u0629": "own_column",
    'the "dose"': "the_dose",
    "a" * 200: "a" * 60,
    "dose-mg": "dose_mg",
    "": "own_column",
    "Dose": "dose",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_refused_with_one_that_would_do(project, capsys, name):
    own(project, {name: {"kind": "number"}}, {name: ["1"]})
    refused(project, capsys, f"call the column {ODD[name]}", "title takes any words")
    assert re.fullmatch("[a-z][a-z0-9_]{0,59}", plain_name(name))


@pytest.mark.parametrize("name", ["year", "yi", "n_total", "second_value", "metric", "severity", "source", "reason"])
def test_a_name_that_has_a_meaning_is_refused(project, capsys, name):
    own(project, {name: {"kind": "number"}}, {})
    refused(project, capsys, f"columns.{name}", "has a meaning here")


@pytest.mark.parametrize("name", [True, 12, None])
def test_a_name_that_yaml_reads_as_something_else_is_refused(project, capsys, name):
    own(project, {name: {"kind": "number"}}, {})
    refused(project, capsys, "YAML reads it as no word")


def test_a_column_that_is_declared_and_not_there_is_refused(project, capsys):
    own(project, ["dose"], {})
    refused(project, capsys, "source.yaml, key columns.dose", "a column of", "spelt otherwise?")


@pytest.mark.parametrize(("name", "kind"), [("dose", "text"), ("doze", "number")])
def test_what_a_plan_says_of_columns_by_hand_must_be_what_its_sources_say(project, capsys, name, kind):
    own(project, ["dose"], {"dose": ["1"]})
    project.configure(own_columns={name: {"kind": kind}})
    refused(project, capsys, f"own_columns.{name}: '{kind}'", "leave it out")


@given(st.lists(st.text(max_size=80), unique=True, max_size=20))
def test_every_head_of_a_table_has_a_name_of_its_own_that_is_free(heads):
    names = carried([*heads, "Year", "year", "Dose (mg)", "dose mg"])
    assert list(names.values())[: len(heads)] == heads
    assert len(names) == len(heads) + 4
    assert not list(own_faults(names))


def test_a_cell_that_is_no_number_is_named_where_the_column_is_of_numbers(project, capsys):
    own(project, {"dose": {"kind": "number"}}, {"dose": ["10", "10,5", "none"]})
    refused(project, capsys, "row 3, column dose: '10,5'", "decimal comma", "row 4, column dose: 'none'")


@pytest.mark.parametrize("cell", ["1e99", "-1e16"])
def test_a_number_too_large_to_compute_with_is_named(project, capsys, cell):
    own(project, ["dose"], {"dose": [cell, "1"]})
    refused(project, capsys, f"row 2, column dose: '{cell}'", "nothing is as large as that")


def test_a_formula_is_no_word(project, capsys):
    own(project, ["remark"], {"remark": ["=1+1", "x"]})
    refused(project, capsys, "row 2, column remark: '=1+1'", "spreadsheet formula")


def two_sources(project, first, second):
    """A second source of other studies, and a column in each."""
    shutil.copytree(project.raw / "bcg", project.raw / "two")
    rows = [
        row
        | {name: row[name].replace("bcg", "two") for name in ("effect_id", "sample_id")}
        | {name: str(int(row[name]) + 1) for name in ("events_treat", "events_control")}
        | {"study": f"Other {row['study']}"}
        for row in project.rows()
    ]
    for source, column, table in (("bcg", first, project.rows()), ("two", second, rows)):
        if column is not None:
            declared, cells = column
            table = [row | {"dose": cells[i % len(cells)]} for i, row in enumerate(table)]
            path = project.raw / source / "source.yaml"
            path.write_text(path.read_text() + yaml.safe_dump({"columns": declared}))
        project.write(table, project.raw / source / "effects.csv")
    content = project.config
    content["syntheses"]["bcg"] |= {"sources": ["bcg", "two"], "moderators": ["dose"], "columns": ["dose"]}
    project.configure(sources=["bcg", "two"], syntheses=content["syntheses"])


def test_one_name_is_of_one_kind_over_all_sources(project, capsys):
    two_sources(project, (["dose"], ["1", "2"]), (["dose"], ["1", "high"]))
    refused(project, capsys, "two/source.yaml, key columns.dose: 'text'", "number, as in source bcg")


def test_a_column_that_a_source_lacks_is_empty_there(project, capsys):
    two_sources(project, (["dose"], ["0.1", "2"]), None)
    assert checked(project, capsys)[0] == 0
    found = {source: extract(project.raw, source, ("log_risk_ratio",)) for source in ("bcg", "two")}
    assert found["bcg"].own == {"dose": "number"}
    assert found["two"].own == {}
    assert {row.cell("dose") for row in found["bcg"].effects} == {0.1, 2.0}
    assert {row.cell("dose") for row in found["two"].effects} == {None}


def test_a_correction_may_be_of_a_column_of_ones_own(project, capsys):
    own(project, ["dose"], {"dose": ["10", "100"]})
    correction = {
        "effect_id": "bcg_02", "field": "dose", "old": "100", "new": "10.5", "reason": "slip", "who": "AB",
        "date": "2026-11-25",
    }  # fmt: skip
    project.write([correction], project.raw / "corrections.csv")
    assert checked(project, capsys)[0] == 0
    effect = next(row for row in extract(project.raw, "bcg", ("log_risk_ratio",)).effects if row.effect_id == "bcg_02")
    assert (effect.cell("dose"), effect.corrected) == (10.5, "dose")
    project.write([correction | {"field": "doze"}], project.raw / "corrections.csv")
    refused(project, capsys, "column field: 'doze'")


@given(
    cells=st.lists(
        st.one_of(st.just(""), st.floats(-1e6, 1e6).map(repr), st.sampled_from(["a", "yes", "1,5"])), min_size=1
    )
)
def test_a_kind_that_is_not_declared_is_that_of_the_cells(cells):
    filled = [cell for cell in cells if cell]
    columns = columns_of({"x": OwnColumn()}, [{"x": cell} for cell in cells])
    if not filled:
        assert columns == ()
        return
    (column,) = columns
    numbers = all(re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", cell) for cell in filled)
    assert column.kind == ("number" if numbers else "text")
    if numbers:
        assert [typed({"x": cell}, columns)["own"]["x"] for cell in filled] == [float(cell) for cell in filled]


# --- the plan -----------------------------------------------------------------------------------------------------


def planned(project, capsys, **keys):
    own(project, {"dose": {"kind": "number"}, "arm": {"kind": "text"}}, {"dose": ["1", "2"], "arm": ["a", "b"]})
    content = project.config
    content["syntheses"]["bcg"] |= keys
    project.configure(syntheses=content["syntheses"])
    return checked(project, capsys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"moderators": ["doze"]}, "did you mean dose?"),
        ({"moderators": ["raterr"]}, "did you mean rater?"),
        ({"columns": ["n", "armm"]}, "did you mean arm?"),
        ({"group_by": "dose"}, "'dose'; allowed: a column of words (it holds numbers)"),
        ({"group_by": "armm"}, "did you mean arm?"),
        ({"select": {"armm": ["a"]}}, "did you mean arm?"),
        ({"select": {"arm": {"at_least": 1}}}, "a range needs a number column"),
        ({"select": {"dose": ["high"]}}, "numbers, as the column holds them"),
        ({"select": {"arm": {"none_of": ["c"]}}}, "'c'; allowed: one of a, b"),
        ({"select": {"dose": {"none_of": [3]}}}, "'3'; allowed: one of 1, 2"),
        ({"select": {"arm": {"none_of": [True]}}}, "put the word in quotation marks"),
        ({"select": {"arm": [None]}}, "YAML reads null and ~ as nothing"),
        ({"select": {"dose": [math.nan]}}, "numbers, as the column holds them"),
    ],
)
def test_slips_about_columns_of_ones_own(project, capsys, keys, message):
    status, said = planned(project, capsys, **keys)
    assert (status, message in said) == (1, True), said


@pytest.mark.parametrize(
    "keys",
    [
        {
            "moderators": [
                "dose",
                "arm",
                "mean_age",
                "percent_women",
                "sessions",
                "baseline_mean_treat",
                "country",
                "doi",
            ]
        },
        {"columns": ["dose", "arm", "mean_age"], "group_by": "arm"},
        {"select": {"dose": {"at_least": 1.5}, "arm": {"none_of": ["a"]}}},
        {"select": {"dose": [1]}},
        {"group_by": "country"},
    ],
)
def test_columns_of_ones_own_and_of_the_dictionary_may_be_used_everywhere(project, capsys, keys):
    status, said = planned(project, capsys, **keys)
    assert status == 0, said


def test_a_part_of_the_plan_holds_the_columns_that_it_names_alone(project, capsys, monkeypatch):
    planned(project, capsys, moderators=["dose"], select={"arm": ["a"]})
    monkeypatch.chdir(project.folder)
    whole = plan.load(read_yaml(project.config_path))
    assert set(whole.config.own_columns) == {"dose", "arm"}
    for part, names in (("fit", {"arm"}), ("diagnosis", {"dose"}), ("forest", set())):
        content = json.loads(getattr(whole, part)("bcg"))
        assert set(content["own_columns"]) == names
        assert plan.load(content).config.own_columns.keys() == names


# --- conditions ---------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: x != 0))


@settings(max_examples=300)
@given(number=NUMBERS, other=NUMBERS)
def test_numbers_are_compared_as_numbers_exactly(number, other):
    row = effect_row({"own": {"x": float(number)}, "value": float(number)})
    for column in ("x", "value"):
        assert meets(row, {column: Condition(any_of=[number])})
        assert not meets(row, {column: Condition(none_of=[number])})
        assert meets(row, {column: Condition(any_of=[other])}) == (float(number) == float(other))


@pytest.mark.parametrize(
    ("cell", "word"), [(0.1, "0.10"), (1234567.0, 1234567), (1e6, "1e6"), (13.0, "13.0"), (7.0, "007")]
)
def test_a_number_is_found_however_it_is_written(cell, word):
    assert not meets(effect_row({"own": {"x": cell}}), {"x": Condition(none_of=[word])})


@given(st.text(max_size=30), st.text(max_size=30))
def test_words_are_compared_by_letter(cell, word):
    row = effect_row({"own": {"x": cell or None}, "outcome": cell})
    for column in ("x", "outcome"):
        assert meets(row, {column: Condition(any_of=(word,))}) == (cell == word)
