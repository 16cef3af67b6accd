"""Two extractions of the same rows: agreement against brute force, disagreements, and what settles them."""

import csv
import itertools
import math

import pytest
from msgspec.structs import replace
from synthesis.cli.main import main
from synthesis.living.agreement import (
    LEAST_FOR_INTERVAL,
    agreement,
    disagreements,
    icc,
    kappa,
    read_readings,
    same,
)
from synthesis.results.document import columns, read_rows
from synthesis.results.readings import AgreementRow, DisagreementRow
from test_report import EVIL, material, section

CORRECTION = "effect_id,field,old,new,reason,who,date\n"


def read_twice(project, **cells):
    """All rows of the example read twice; `cells`: what the second coder reads in the first rows, by field."""
    rows = [dict(row, coder="Ada", second_coder="Ben") for row in project.rows()]
    for number, row in enumerate(rows):
        for field, readings in cells.items():
            row[f"second_{field}"] = readings[number] if number < len(readings) else row.get(field, "")
    project.write(rows)
    return rows


def check(project):
    return main(["check", "--config", str(project.config_path), "--raw", str(project.raw)])


def table(project, name):
    tables = project.folder / "tables"
    assert main(["agreement", "--raw", str(project.raw), "--sources", "bcg", "--tables", str(tables)]) == 0
    with (tables / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def read_tables(project):
    """Both tables, as the report reads them."""
    table(project, "agreement")
    tables = project.folder / "tables"
    return {
        "agreement": read_rows(tables / "agreement.csv", AgreementRow),
        "disagreements": read_rows(tables / "disagreements.csv", DisagreementRow),
    }


def test_one_extraction_gives_headers_and_no_rows(project):
    assert table(project, "agreement") == table(project, "disagreements") == []
    header = (project.folder / "tables" / "agreement.csv").read_text()
    assert header.startswith("field,statistic,rows,agree,percent,kappa,kappa_low,kappa_high")


def test_kappa_by_hand():
    """Cohen (1960): 25 agreed yes, 15 agreed no, 5 and 5 apart: observed .8, by chance .52."""
    pairs = [("y", "y")] * 25 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 5
    assert kappa(pairs)[0] == pytest.approx((0.8 - 0.52) / 0.48)
    assert kappa([("a", "a")] * 3) == (None, None, None)
    assert kappa([]) == (None, None, None)


def test_the_interval_of_kappa_is_that_of_the_delta_method():
    """The standard error is the gradient of kappa in the cell probabilities, here taken by differences."""
    counts = {("a", "a"): 20, ("a", "b"): 4, ("b", "a"): 2, ("b", "b"): 11, ("c", "c"): 5, ("a", "c"): 3}
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    total = len(pairs)
    cells = list(itertools.product("abc", repeat=2))
    shares = [counts.get(cell, 0) / total for cell in cells]

    def of(p):
        observed = sum(x for x, (a, b) in zip(p, cells, strict=True) if a == b)
        first = {w: sum(x for x, c in zip(p, cells, strict=True) if c[0] == w) for w in "abc"}
        second = {w: sum(x for x, c in zip(p, cells, strict=True) if c[1] == w) for w in "abc"}
        chance = sum(first[w] * second[w] for w in "abc")
        return (observed - chance) / (1 - chance)

    step = 1e-6
    slopes = []
    for i in range(len(cells)):
        up, down = list(shares), list(shares)
        up[i] += step
        down[i] -= step
        slopes.append((of(up) - of(down)) / (2 * step))
    mean = sum(p * g for p, g in zip(shares, slopes, strict=True))
    error = math.sqrt((sum(p * g * g for p, g in zip(shares, slopes, strict=True)) - mean**2) / total)
    value, low, high = kappa(pairs)
    assert (low + high) / 2 == pytest.approx(value) == pytest.approx(of(shares))
    assert high - low == pytest.approx(2 * 1.959964 * error, rel=1e-5)


def test_the_interval_of_kappa_needs_rows_and_a_disagreement():
    many = [("a", "a"), ("b", "b")] * LEAST_FOR_INTERVAL
    assert kappa(many) == (1, None, None)
    assert kappa([("a", "b"), ("b", "b"), ("a", "a")]) == (pytest.approx(0.4), None, None)


def test_limits_of_kappa_stay_within_its_range():
    """24 rows, each apart: kappa -1, whose interval has no width; nearly so: cut at -1. And at 1 from below."""
    apart = [("a", "b"), ("b", "a")] * 12
    assert kappa(apart) == (-1, -1, -1)
    assert kappa([*apart[:-1], ("a", "a")])[1] == -1
    agreed = [("a", "a"), ("b", "b")] * 12
    assert kappa([*agreed, ("a", "b")])[2] == 1


def test_the_intraclass_correlation_of_the_paper():
    """Shrout & Fleiss (1979), table 2: six targets, four judges, ICC(2,1) = .29."""
    ratings = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    assert icc(ratings) == pytest.approx(0.29, abs=0.005)
    assert icc([(1, 1), (2, 2), (3, 3)]) == pytest.approx(1)
    assert icc([(1, 2)]) is None
    assert icc([(1, 1), (1, 1)]) is None


@pytest.mark.parametrize(
    ("field", "first", "second", "expected"),
    [
        ("value", "0.26", ".260", True),
        ("value", "0.26", "-0.26", False),
        ("value", "", "0", False),
        ("p", "<.001", "< 0.001", True),
        ("p", "<.001", "0.001", False),
        ("rater", "client", "client", True),
    ],
)
def test_cells_that_say_the_same(field, first, second, expected):
    assert same(field, first, second) is expected


def test_fields_are_compared_one_by_one(project):
    rows = read_twice(project, events_treat=["5", "6"], level=["summary"])
    assert check(project) == 0
    found = {row["field"]: row for row in table(project, "agreement")}
    firsts = [float(row["events_treat"]) for row in rows]
    seconds = [5.0, 6.0, *firsts[2:]]
    agree = sum(a == b for a, b in zip(firsts, seconds, strict=True))
    events = found["events_treat"]
    assert (int(events["rows"]), int(events["agree"])) == (len(rows), agree)
    apart = sum(abs(a - b) for a, b in zip(firsts, seconds, strict=True)) / len(rows)
    assert float(events["mean_absolute_difference"]) == pytest.approx(apart)
    assert float(events["percent"]) == pytest.approx(100 * agree / len(rows))
    assert "no interval" in found["level"]["note"]
    assert set(found) == {"events_treat", "level"}


def test_agreement_is_of_the_readings_before_corrections(project):
    read_twice(project, events_treat=["5"])
    before = agreement(read_readings(project.raw, ["bcg"]))
    (project.raw / "corrections.csv").write_text(CORRECTION + "bcg_01,events_treat,4,5,misread,Cid,2026-11-23\n")
    assert agreement(read_readings(project.raw, ["bcg"])) == before


@pytest.mark.parametrize(
    ("correction", "settled"),
    [("events_treat,4,5,misread", "5"), ("second_events_treat,5,4,the second coder read another line", "4")],
)
def test_a_disagreement_is_listed_until_a_correction_settles_it(project, correction, settled):
    read_twice(project, events_treat=["5"])
    (found,) = table(project, "disagreements")
    assert (found["effect_id"], found["field"], found["first"], found["second"]) == ("bcg_01", "events_treat", "4", "5")
    assert (found["coder"], found["second_coder"], found["status"]) == ("Ada", "Ben", "open")
    (project.raw / "corrections.csv").write_text(f"{CORRECTION}bcg_01,{correction},Cid,2026-11-23\n")
    assert check(project) == 0
    (found,) = table(project, "disagreements")
    assert (found["status"], found["settled"], found["who"]) == ("settled", settled, "Cid")
    assert found["reason"] == correction.rpartition(",")[2]


def test_open_disagreements_come_first(project):
    read_twice(project, events_treat=["5"], total_treat=["124"])
    (project.raw / "corrections.csv").write_text(CORRECTION + "bcg_01,events_treat,4,5,misread,Cid,2026-11-23\n")
    found = disagreements(read_readings(project.raw, ["bcg"]))
    assert [(r.field, r.status) for r in found] == [("total_treat", "open"), ("events_treat", "settled")]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"coder": "Ada", "second_coder": "ada"}, "independent of the first"),
        ({"second_coder": "Ben"}, "who read the row first"),
        ({"second_events_treat": "5"}, "who read second_events_treat"),
        ({"coder": "Ada", "second_coder": "Ben", "second_events_treat": "4,5"}, "column second_events_treat"),
        ({"coder": "Ada", "second_coder": "Ben", "second_level": "Study"}, "did you mean study?"),
        ({"coder": "Ada", "second_coder": "Ben", "second_evnts_treat": "5"}, "did you mean second_events_treat?"),
    ],
)
def test_bad_second_readings_are_named(project, capsys, cells, said):
    rows = project.rows()
    rows[0].update(cells)
    project.write(rows)
    assert check(project) == 1
    assert said in capsys.readouterr().err


def test_second_readings_change_no_result(project):
    from synthesis.data.extraction import extract

    before = extract(project.raw, "bcg", ("log_risk_ratio",)).effects
    read_twice(project, events_treat=["5"])
    after = extract(project.raw, "bcg", ("log_risk_ratio",)).effects
    assert [(row.yi, row.vi) for row in after] == [(row.yi, row.vi) for row in before]
    assert "second_events_treat" not in columns(type(after[0]))


def test_the_report_shows_both_readings_as_they_were_written(project):
    """Names and cells that look like numbers stay as they are."""
    given = material()
    read_twice(project, events_treat=["5.0"])
    project.change(0, effect_id="007")
    tables = read_tables(project)
    assert [(row.effect_id, row.first, row.second) for row in tables["disagreements"]] == [("007", "4", "5.0")]
    said = section("agreement", material(**tables, effects=[replace(given.effects[0], second_coder="Ben")], dropped=[]))
    assert "007" in said
    assert "5.0" in said


def test_the_report_says_how_many_rows_were_read_twice(project):
    given = material()
    assert "No row was extracted twice" in section("agreement", given)
    assert "This is a limitation." in section("agreement", given)
    read_twice(project, events_treat=["5"])
    tables = read_tables(project)
    effects = [replace(row, second_coder="Ben") for row in given.effects[:3]]
    said = section("agreement", material(**tables, effects=effects, dropped=[]))
    assert "3 of 3 extracted rows were extracted twice. The two readings differ in 1 cell, of which 1 is open." in said
    assert "the first reading counts" in said
    tables["disagreements"] = [replace(tables["disagreements"][0], reason=EVIL)]
    assert EVIL not in section("agreement", material(**tables, effects=effects, dropped=[]))
