"""No file of a run holds a number that is none: the writers refuse it, and runs of degenerate tables have none."""

import datetime
import json
import math

import pytest
import tolerances
from synthesis.errors import InputError
from synthesis.plan.starting import Start, start
from synthesis.results.files import json_text, read_csv, read_json, write_csv, write_json, write_parquet
from test_workflow import snakemake
from words_for_nothing import found_in

DAY = datetime.date(2026, 1, 2)
CORRELATIONS = {"study": "study", "value": "r", "n": "n"}
# Public case 25 (PMC4647507: HKSJ of near-identical effects): two and three equal effects, equal ones among others;
# then correlations of one n, where nothing is left to rank, and one study alone.
CASES = {
    "two_equal": ("r", "study,r,n\nAlm 2012,.30,84\nBeck 2017,.30,131\n", CORRELATIONS),
    "three_equal": (
        "g",
        "study,g,se\nAlm 2012,0.4,.2\nBeck 2017,0.4,.15\nCole 2018,0.4,0.22\n",
        {"study": "study", "value": "g", "se": "se"},
    ),
    "two_of_three": (
        "r",
        "study,yr,r,n\nAlm 2001,2001,.30,84\nBeck 2003,2003,.30,84\nCole 2006,2006,.12,90\n",
        CORRELATIONS | {"year": "yr"},
    ),
    "one_n": ("r", "study,r,n\n" + "".join(f"S{i} 2001,{0.1 + i / 50},60\n" for i in range(11)), CORRELATIONS),
    "one_study": ("r", "study,r,n\nNan 2001,.30,84\n", CORRELATIONS),
}
PLAN = """
diagnostics: {funnel_from: 3}
diagnostic_figures:
  own: [funnel, orchard, caterpillar, cumulative, leave_one_out, baujat, radial, influence, gosh, adjusted]
"""


@pytest.fixture(scope="module", params=CASES)
def run(request, tmp_path_factory):
    """A folder made by `synthesis new` from a degenerate table, with the whole workflow behind it."""
    statistic, table, columns = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "review"
    path = folder.parent / "own.csv"
    path.write_text(table)
    what = Start(
        title="own", table=path, statistic=statistic, columns=columns, better="larger", citation="Somebody 2020"
    )
    start(folder, what, DAY)
    with (folder / "config.yaml").open("a") as handle:
        handle.write(PLAN)
    snakemake(folder, "--cores", "2")
    return request.param, folder / "results"


@pytest.mark.slow
def test_no_file_of_a_degenerate_run_holds_a_number_that_is_none(run):
    name, results = run
    files = [path for path in results.rglob("*") if path.is_file()]
    assert len(files) > 40
    assert {path: words for path in files if (words := found_in(path))} == {}, name


@pytest.mark.slow
def test_equal_effects_are_said_to_be_equal(run):
    """README of case 25: z .3095, tau2 0, metafor test="adhoc" [-.5694, 1.1884]."""
    name, results = run
    document = read_json(results / "models" / "own.json")
    found = read_json(results / "diagnostics" / "own.json")
    if name == "two_equal":
        expected = {"estimate": 0.3095, "ci_low": -0.5694, "ci_high": 1.1884}
        for field, value in expected.items():
            assert document[field] == pytest.approx(value, abs=tolerances.PRINTED_4)
    if name in ("two_equal", "three_equal"):
        assert document["tau2"] == 0
        assert document["ci_method"] == "hksj_adhoc"
        assert any("all effects are equal" in note for note in document["notes"])
        assert 'test = "adhoc"' in (results / "r" / "own.R").read_text()
        assert "HKSJ interval has width 0" in (results / "figures" / "forest_own.svg").read_text()
    if name == "one_n":
        assert (found["small_study"]["rank"]["tau"], found["small_study"]["rank"]["p"]) == (None, None)
        assert "nothing to rank" in found["small_study"]["rank"]["notes"][0]
        assert "told apart" in found["small_study"]["refused"]["egger"]
        assert found["small_study"]["trim_fill_L0"]["missing"] is not None
    if name == "one_study":
        assert document["studies"][0]["label"] == "Nan 2001"


# --- the last line of defence -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_writers_name_the_field_of_a_number_that_is_none(tmp_path, value):
    path = tmp_path / "x.json"
    path.write_text("{}\n")
    with pytest.raises(InputError, match=r"x\.json, field studies\[1\]\.vi: '-?(nan|inf)'"):
        write_json(path, {"studies": [{"vi": 1.0}, {"vi": value}]})
    assert path.read_text() == "{}\n"
    with pytest.raises(InputError, match=r"head, field \[0\]"):
        json_text("head", [value])
    with pytest.raises(InputError, match=r"x\.csv, row 3, field b"):
        write_csv(tmp_path / "x.csv", [{"a": "", "b": 1.0}, {"a": "", "b": value}])
    with pytest.raises(InputError, match=r"x\.parquet, row 2, field b"):
        write_parquet(tmp_path / "x.parquet", [{"a": "", "b": value}], {"a": str, "b": float})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json"]


def test_missing_is_null_and_words_stay_words(tmp_path):
    records = [
        {"name": "Nan", "also": "inf", "n": None, "x": 1.5},
        {"name": "Infinity", "also": "1_000", "n": 2.0, "x": None},
    ]
    write_csv(tmp_path / "x.csv", records)
    assert read_csv(tmp_path / "x.csv") == records
    write_json(tmp_path / "x.json", records)
    assert read_json(tmp_path / "x.json") == records
    (tmp_path / "y.json").write_text(json.dumps({"a": math.nan}) + "\n")
    with pytest.raises(InputError, match="NaN where a number or null should be"):
        read_json(tmp_path / "y.json")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "x,y\n1,nan\n"),
        ("a.json", '{"x": NaN}\n'),
        ("a.json", '{"printed": "2x2 = nan"}\n'),
        ("a.html", '<script type=\'application/json\'>{"printed":"mean_sd = nan"}</script>'),
        ("a.svg", "<text>\N{MINUS SIGN}inf</text>"),
        ("a.html", "<td>None</td>"),
        ("a.R", "expected <- c(estimate = NaN)"),
        ("a.R", "rho = None)"),
    ],
)
def test_the_scan_finds_what_it_looks_for(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert found_in(tmp_path / name)


def test_the_scan_finds_nan_in_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for values, wrong in (([1.0, None], []), ([1.0, math.nan], ["x"]), ([None, None], [])):
        pq.write_table(pa.table({"x": pa.array(values, pa.float64(), from_pandas=False)}), tmp_path / "a.parquet")
        assert found_in(tmp_path / "a.parquet") == wrong
