"""A few of the generated inputs (`make fuzz` runs 100,000), and what they found."""

import sys

import fuzzing
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthesis.data.columns import BY_NAME, COLUMNS
from synthesis.data.tables import cell_ok, read_corrections, read_table
from synthesis.errors import InputError


@pytest.mark.parametrize("target", fuzzing.TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 10**12))
def test_every_input_has_a_sound_result_or_a_named_error(target, number, tmp_path_factory):
    assert fuzzing.case(target, number, tmp_path_factory.mktemp("case")) in ("result", "named error")


@pytest.mark.parametrize("target", fuzzing.TARGETS)
def test_some_inputs_are_accepted_and_some_are_not(target, tmp_path):
    """Otherwise the generator would test one half of the promise only."""
    found = set()
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.add(fuzzing.case(target, number, folder))
    assert found == {"result", "named error"}


def test_a_case_is_its_number(tmp_path):
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fuzzing.case("tables", 7, tmp_path / name)
        contents.append((tmp_path / name / "data" / "raw" / "own" / "effects.csv").read_bytes())
    assert contents[0] == contents[1]


def test_corrections_without_a_column_of_new_values_do_not_empty_cells(tmp_path):
    path = tmp_path / "corrections.csv"
    path.write_text("effect_id,field,old,reason,who,date\ne1,value,0.3,slip,CD,2026-11-23\n")
    with pytest.raises(InputError, match="no column new"):
        read_corrections(path)


@pytest.mark.parametrize("cell", ["9" * 400, "9" * 5000, "1000000001", "\u0663\u0664", "\uff11\uff12"])
def test_counts_are_plain_digits_of_a_sane_size(cell):
    """400 digits were infinity, 5,000 an error of Python's own; digits of other scripts were read as ours."""
    assert not cell_ok(BY_NAME["n"], cell)
    assert cell_ok(BY_NAME["n"], "1000000000")


def test_quoted_cells_between_semicolons_are_recognised(tmp_path):
    path = tmp_path / "effects.csv"
    path.write_text('"effect_id";"study"\n"e1";"A"\n')
    with pytest.raises(InputError, match="separated by semicolons or tabs"):
        read_table(path, COLUMNS)


def test_pieces_of_a_run_add_up_on_the_page(tmp_path, monkeypatch):
    """The page has the cases that were run, and no others."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import fuzz

    page = tmp_path / "robustness.md"
    page.write_bytes((ROOT / "docs" / "robustness.md").read_bytes())
    monkeypatch.setattr(fuzz, "PAGE", page)
    monkeypatch.setattr(fuzz, "CHUNK", 2)
    inputs = sum(int(line.split(" | ")[3].replace(",", "")) for line in _rows(page) if not line.startswith("| wild |"))
    assert fuzz.piece("wild", 0, 3) == fuzz.piece("wild", 3, 5) == []
    (row,) = (line for line in _rows(page) if line.startswith("| wild |"))
    cases, count, results, named, wrong = row.strip("| ").split(" | ")[2:]
    assert (cases, count, wrong) == ("0 to 4", "5", "0")
    assert int(results) + int(named) == 5
    assert f"\n{inputs + 5 + fuzz.GUIDED:,} inputs" in page.read_text()
    with pytest.raises(SystemExit, match="the page has 5 cases of wild"):
        fuzz.piece("wild", 7, 8)
    sys.modules.pop("fuzz")


def _rows(page):
    part = page.read_text().split("<!-- generated inputs")[1].split("<!-- end of generated")[0]
    return [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| target")]
