"""The mutation tool: what it changes, that the tree stays as it is, and what it writes."""

import shutil
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import mutation
from complete_numbers import notices
from complete_run import Command
from mutants import Mutant, mutants

SOURCE = '''"""Doc 1."""

def f(x: int = 1, *, level: "estimate" = 0.5) -> float:
    """Doc 2."""
    if x < 0 and not level:
        return -back_transform(metric, x) + 2 * row["ci_low"]
    return max(x, fit.ci_high) if x is None else sorted(limits)[0]
'''


def test_every_kind_of_slip_is_made_and_compiles():
    found = mutants(SOURCE)
    wanted = {
        "1 -> 2", "0.5 -> 0.76", "x < 0 -> x <= 0", "x < 0 -> x > 0", "x < 0 and (not level) -> x < 0 or not level",
        "not level -> level", "-back_transform(metric, x) -> back_transform(metric, x)",
        "back_transform(metric, x) -> x", "2 * row['ci_low'] -> 2 / row['ci_low']", "'ci_low' -> 'ci_high'",
        "fit.ci_high -> fit.ci_low", "max(x, fit.ci_high) -> min(x, fit.ci_high)", "x is None -> x is not None",
        "sorted(limits) -> limits",
    }  # fmt: skip
    assert wanted <= {m.what for m in found}
    assert not any("Doc" in m.what or "estimate" in m.what for m in found)
    for mutant in found:
        changed = mutant.applied(SOURCE)
        compile(changed, "mutant", "exec")
        assert changed != SOURCE


def test_a_change_stands_where_the_expression_stood():
    text = "a = 'é'; b = one - two\n"
    assert [m.applied(text) for m in mutants(text)] == ["a = 'é'; b = (one + two)\n"]


def test_a_change_of_several_lines_moves_no_line_below_it():
    text = "a = (one +\n     two)\nb = one\n"
    assert [m.applied(text) for m in mutants(text)] == ["a = ((one - two\n))\nb = one\n"]


@pytest.mark.slow
def test_a_mutant_is_imported_in_place_of_its_module():
    place = next(p for p in mutation.all_places() if p.path.endswith("data/moments.py") and p.mutant.what == "4 -> 5")

    def imported():
        for name in [name for name in sys.modules if name.startswith("synthesis")]:
            del sys.modules[name]
        mutation.change(place)
        from synthesis.data import moments

        held = moments.__loader__.get_code("synthesis.data.moments")
        return 0 if isinstance(moments.__loader__, mutation.Changed) and 5 in _constants(held) else 1

    assert mutation.forked(imported, 60) == 0
    assert mutation.forked(lambda: 1, 60) == 1


def _constants(code):
    inner = [constant for one in code.co_consts if hasattr(one, "co_consts") for constant in _constants(one)]
    return [*code.co_consts, *inner]


def test_a_command_reads_what_it_is_given():
    command = Command(("pool", "--model", "results/models/a.json", "--out=results/tables"), "results/b.json")
    assert mutation.reads(command, ["models/a.json"])
    assert mutation.reads(command, ["b.json"])
    assert mutation.reads(command, ["tables/pooled.csv"])
    assert not mutation.reads(command, ["models/b.json"])
    assert not mutation.reads(command, [])


def test_lines_that_run_are_those_of_the_rooms():
    from synthesis.data import associations

    lines = mutation.lines_run(lambda: associations.t_to_r(2.0, 10.0))
    assert lines
    assert {path for path, _ in lines} <= {str(p) for p in (ROOT / mutation.package(ROOT) / "data").rglob("*.py")}


@pytest.mark.slow
def test_the_rooms_have_mutants_and_each_its_tests():
    places = mutation.all_places()
    assert {place.room for place in places} == set(mutation.ROOMS)
    assert len(places) > 1000
    tests = mutation.tests_of(next(p.path for p in places if p.path.endswith("compare/contrast.py")))
    assert tests[:2] == list(mutation.VALUES)
    assert len(tests) > 2


@pytest.mark.parametrize(
    ("after", "expected"),
    [({"a": [1.0, 2.0]}, False), ({"a": [1.0, 2.1]}, True), ({"a": [1.0]}, True), ({}, True),
     ({"a": [1.0, 2.0 + 1e-12]}, False)],
)  # fmt: skip
def test_numbers_that_move(after, expected):
    assert mutation.moved({"a": [1.0, 2.0]}, after) is expected


def test_stored_numbers_notice_a_number_of_a_table_and_of_a_figure(complete, tmp_path):
    assert not notices(complete)
    for name, number in (("tables/pooled.csv", "0.24467"), ("drawn/forest_trials.csv", "0.32692")):
        results = tmp_path / Path(name).stem
        shutil.copytree(complete, results)
        file = results / name
        assert number in file.read_text(encoding="utf-8")
        file.write_text(file.read_text(encoding="utf-8").replace(number, number[:-1] + "9"), encoding="utf-8")
        assert notices(results)


def test_the_score_stands_between_its_marks_and_validation_keeps_it(tmp_path, monkeypatch):
    import validation

    page = tmp_path / "validation.md"
    page.write_text("# Validation\n\ntext\n", encoding="utf-8")
    monkeypatch.setattr(mutation, "PAGE", page)
    monkeypatch.setattr(validation, "PAGE", page)
    place = mutation.Place("workflow/synthesis/plan/plan.py", Mutant(3, 3, "a < b -> a > b", 0, 1, ""))
    for verdict in ("noticed", "unnoticed", "noticed"):
        mutation.write(mutation.page(10, 1, {place: verdict}))
        text = page.read_text(encoding="utf-8")
        assert text.startswith("# Validation\n\ntext\n")
        assert text.count(mutation.BEGIN) == text.count(mutation.END) == 1
        assert ("a < b -> a > b" in text) == (verdict == "unnoticed")
        assert "\n".join(validation.kept()) in text
    assert validation.kept()[0] == mutation.BEGIN
