"""Documents between stages: the types hold what the tables declare, and what is of another type is refused."""

import dataclasses
import json
import math

import msgspec
import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis import pool
from synthesis.data.columns import COLUMNS, EFFECT_COLUMNS, NUMERIC_KINDS
from synthesis.data.extraction import DROPPED_TYPES, extract
from synthesis.errors import InputError
from synthesis.results.checks import CheckRow
from synthesis.results.document import (
    columns,
    plain,
    read_document,
    read_documents,
    read_rows,
    write_document,
    write_documents,
    write_rows,
)
from synthesis.results.extracted import Dropped, Effect, Extracted, Row
from synthesis.results.files import read_json, write_json
from synthesis.results.fitted import Fitted, PooledRow
from synthesis.review.presentation import pooled_row
from typed import effect_row, fitted

FIT = pool([0.2, 0.4, 0.5, 0.3], [0.02, 0.03, 0.02, 0.04], cluster=["a", "a", "b", "c"], metric="g")
MEMBERS = [{"effect_id": "e1", "yi": 0.2, "vi": 0.02}, {"effect_id": "e2", "yi": 0.4, "vi": 0.03}]
DOCUMENT = fitted(FIT.to_dict() | {"studies": [{"sample_id": "a", "effects": ["e1", "e2"], "members": MEMBERS}]})
CHECK = CheckRow(
    synthesis="x", quantity="se", route="matrices", ours=0.1, theirs=0.1, difference=0.0, tolerance=1e-9, agrees=True
)


def test_a_row_has_the_columns_of_the_data_dictionary_in_their_order_and_types():
    fields = msgspec.structs.fields(Row)
    assert [field.name for field in fields] == [column.name for column in COLUMNS]
    for field, column in zip(fields, COLUMNS, strict=True):
        assert field.type == (float | None if column.kind in NUMERIC_KINDS else str), field.name


def test_effects_and_dropped_rows_have_the_columns_of_their_tables():
    declared = {column.name: column for column in EFFECT_COLUMNS}
    assert set(columns(Effect)) == set(declared)
    for field in msgspec.structs.fields(Effect):
        column = declared[field.name]
        number = float if column.required else float | None
        assert field.type == (number if column.kind in NUMERIC_KINDS else str), field.name
    assert set(columns(Dropped)) == set(DROPPED_TYPES)
    for field in msgspec.structs.fields(Dropped):
        assert field.type == (float | None if DROPPED_TYPES[field.name] is float else str), field.name


def test_documents_are_read_as_they_were_written(tmp_path):
    extracted = extract(ROOT / "data" / "raw", "alliance_primary", ("z",))
    assert extracted.effects
    assert extracted.dropped
    path = tmp_path / "document.json"
    for document in (extracted, DOCUMENT):
        write_document(path, document)
        assert read_document(path, type(document)) == document
    write_documents(path, [CHECK])
    assert read_documents(path, CheckRow) == [CHECK]
    write_rows(tmp_path / "rows.csv", [pooled_row(DOCUMENT)], PooledRow)
    assert read_rows(tmp_path / "rows.csv", PooledRow) == [pooled_row(DOCUMENT)]
    write_rows(tmp_path / "rows.csv", [CHECK, replace(CHECK, agrees=False)], CheckRow)
    assert [row.agrees for row in read_rows(tmp_path / "rows.csv", CheckRow)] == [True, False]


def test_the_fields_of_a_fit_stand_among_those_of_its_document():
    on_disk = plain(DOCUMENT)
    assert "fit" not in on_disk
    assert {name: on_disk[name] for name in FIT.to_dict()} == msgspec.to_builtins(FIT)
    assert on_disk["estimate"] == DOCUMENT.fit.estimate == FIT.estimate


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_field(tmp_path, value):
    path = tmp_path / "out"
    study = replace(DOCUMENT.studies[0], vi=value)
    member = replace(DOCUMENT.studies[0].members[1], yi=value)
    effect = Effect(**{name: getattr(effect_row({}), name) for name in columns(Effect)} | {"ci_low": value})
    spoilt = {
        "tau_scale": replace(DOCUMENT, tau_scale=value),
        "ci_high": replace(DOCUMENT, fit=dataclasses.replace(FIT, ci_high=value)),
        r"studies\[0\].vi": replace(DOCUMENT, studies=(study,)),
        r"studies\[0\].members\[1\].yi": replace(DOCUMENT, studies=(replace(study, vi=1.0, members=(member, member)),)),
        r"effects\[1\].ci_low": Extracted(effects=(replace(effect, ci_low=None), effect), dropped=()),
    }
    for field, document in spoilt.items():
        with pytest.raises(InputError, match=rf"out, field {field}: "):
            write_document(path, document)
    with pytest.raises(InputError, match="field theirs: "):
        write_rows(path, [CHECK, replace(CHECK, theirs=value)], CheckRow)
    assert not path.exists()


OTHERS = {
    "an unknown field": (lambda d: d.update(estimat=1.0), "estimat"),
    "a field that is gone": (lambda d: d.pop("lane"), "lane"),
    "a field of the fit that is gone": (lambda d: d.pop("composite_rho"), "composite_rho"),
    "a field of a member that is gone": (lambda d: d["studies"][0]["members"][0].pop("severity"), "severity"),
    "an unknown field of a study": (lambda d: d["studies"][0].update(wieght=1.0), "wieght"),
    "words for a number": (lambda d: d.update(estimate="0.3"), "estimate"),
    "nothing for a number": (lambda d: d["studies"][0].update(weight=None), "weight"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_document_of_another_version_is_refused_by_file_and_field(tmp_path, name):
    change, field = OTHERS[name]
    path = tmp_path / "x.json"
    write_document(path, DOCUMENT)
    content = read_json(path)
    change(content)
    write_json(path, content)
    with pytest.raises(InputError, match=rf"x\.json: .*{field}.*another version"):
        read_document(path, Fitted)


@pytest.mark.parametrize("column", ["quote", "weeks", "vi", "exactness"])
def test_an_extracted_row_without_a_column_is_refused(project, tmp_path, column):
    path = tmp_path / "x.json"
    write_document(path, extract(project.raw, "bcg", ("log_risk_ratio",)))
    content = read_json(path)
    del content["effects"][2][column]
    write_json(path, content)
    with pytest.raises(InputError, match=rf"x\.json: .*{column}.*effects\[2\].*another version"):
        read_document(path, Extracted)


def test_nan_in_a_file_is_no_number(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(plain(DOCUMENT) | {"estimate": math.nan}) + "\n")
    with pytest.raises(InputError, match=r"x\.json"):
        read_document(path, Fitted)


def test_the_two_correlations_of_a_three_level_fit_stay_apart(tmp_path):
    yi = [0.1, 0.3, 0.2, 0.6, 0.4, 0.5, 0.2, 0.7, 0.3, 0.1]
    fit = pool(yi, [0.02] * 10, cluster=list("aabbccddee"), model="three_level", rho=0.6)
    path = tmp_path / "x.json"
    write_document(path, fitted(fit.to_dict()))
    found = read_document(path, Fitted).fit
    assert (found.rho, found.composite_rho) == (0.0, 0.6)
    assert {"rho", "composite_rho"} <= set(read_json(path))


def test_nothing_of_a_fit_but_its_parts_is_left_out_of_the_table_of_all():
    left = set(plain(DOCUMENT)) - set(columns(PooledRow))
    assert left == {
        "weights", "studies", "groups", "groups_test", "summaries", "references", "figure", "versions",
    }  # fmt: skip
