"""The complete small review: every part of a plan has results, and tables and pages hold the numbers that are stored.

The stored numbers were made by this package (`python tests/complete_numbers.py` writes them again, after a change that
is meant). What makes them right is elsewhere: `test_numbers.py` and the tests of each part; here nothing moves unseen.
"""

import json

import pytest
import tolerances
from complete_numbers import PAGES, STORED, numbers, pages, tables
from synthesis.data.registry import CONVERTERS
from synthesis.data.vocabulary import LANE_METRICS, NumericModerator, Verdict
from synthesis.draw.spread import bubble
from synthesis.meta.options import terms
from synthesis.plan.config import read_config
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.document import read_document
from synthesis.review.presentation import read_presented

STORED_TABLES = json.loads(STORED.read_text(encoding="utf-8"))
STORED_PAGES = json.loads(PAGES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found(complete):
    return tables(complete)


def test_the_tables_are_those_that_are_stored(found):
    assert set(found) == set(STORED_TABLES)


@pytest.mark.parametrize("name", sorted(STORED_TABLES))
def test_no_number_of_a_table_moves_unseen(found, name):
    assert set(found[name]) == set(STORED_TABLES[name])
    for column, cells in STORED_TABLES[name].items():
        assert [isinstance(c, str) for c in found[name][column]] == [isinstance(c, str) for c in cells], column
        for row, (ours, stored) in enumerate(zip(found[name][column], cells, strict=True)):
            if isinstance(stored, str):
                assert ours == stored, f"{column}, row {row}"
            elif name == "crosscheck" and column in ("theirs", "difference"):
                # Where the other route's search ends depends on the processor, within what the row allows.
                allowed = found[name]["tolerance"][row]
                assert abs(ours - (stored if column == "theirs" else 0.0)) <= allowed, f"{column}, row {row}"
            else:
                assert ours == pytest.approx(stored, rel=tolerances.FORMULA, abs=tolerances.LAW), f"{column}, row {row}"


@pytest.fixture(scope="module")
def read(complete):
    return pages(complete)


def test_the_pages_are_those_that_are_stored(read):
    assert set(read) == set(STORED_PAGES)


@pytest.mark.parametrize("name", sorted(STORED_PAGES))
def test_no_number_of_a_page_moves_unseen(read, name):
    assert read[name] == pytest.approx(STORED_PAGES[name], rel=tolerances.FORMULA, abs=tolerances.LAW)


def test_it_exercises_what_a_plan_can_declare(found):
    assert set(found["pooled"]["metric"]) == {m for metrics in LANE_METRICS.values() for m in metrics}
    assert set(found["pooled"]["model"]) == {"che", "three_level", "composites", "independent"}
    assert set(found["pooled"]["ci_method"]) == {"wald", "wald_t", "hksj", "hksj_adhoc", "cr2"}
    assert {"REML", "PM", "DL", "EB", "FE", "ML"} <= set(found["pooled"]["method"])
    assert set(found["comparison"]["kind"]) == {"same metric", "published value"}
    assert any(found["comparison"]["left_out"])
    assert set(terms(NumericModerator)) <= set(found["moderators"]["moderator"])
    assert set(found["claims"]["verdict"]) == set(terms(Verdict))
    made = {converter.name for converter in CONVERTERS.values()}
    assert made <= set(found["effects"]["converter"])


def test_every_numeric_moderator_can_be_drawn(complete):
    """A bubble plot of severity once ended in a KeyError: no other review had drawn one."""
    syntheses = read_config(str(complete / "config.json")).syntheses
    for name, moderators in (("alliance", ("year", "weeks")), ("trials", ("severity", "n_total", "weeks"))):
        (model,) = read_presented([complete / "models" / f"{name}.json"], syntheses)
        diagnosed = read_document(complete / "diagnostics" / f"{name}.json", Diagnosed)
        for moderator in moderators:
            assert bubble(model, diagnosed, moderator).panels


def test_numbers_of_a_text_are_those_that_it_shows(tmp_path):
    (tmp_path / "a.csv").write_text(f"p01,-0.5,3,1e-05,\N{MINUS SIGN}2.5,{'0a' * 32},v1.2\n")
    assert numbers(tmp_path)["a.csv"] == [-0.5, 3, 1e-05, -2.5]
    # Seventeen digits after the point are no digest.
    (tmp_path / "b.json").write_text(f'{{"a": -0.12345678901234567, "c": "{"12" * 32}"}}')
    assert numbers(tmp_path)["b.json"] == [-0.12345678901234567]
