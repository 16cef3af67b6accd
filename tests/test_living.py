"""The living review: releases as data packages, and what changed since the last one, from a study to a verdict."""

import csv
import hashlib
import json
import shutil

import pytest
from conftest import BCG, Project
from msgspec.structs import replace
from shared import once
from synthesis.cli.main import main
from synthesis.data.columns import CLAIM_COLUMNS
from synthesis.errors import InputError
from synthesis.living.changes import State, changes, conclusions_of, read_state
from synthesis.living.package import verify
from synthesis.living.release import latest, releases_in, version_key
from synthesis.report.changes_page import render
from synthesis.results.files import read_csv, read_json, write_csv
from synthesis.results.released import ContrastCells, FitCells, RelevanceCells
from test_workflow import edit, jobs, snakemake

pytestmark = pytest.mark.slow

EVIL = "<script>alert(1)</script> $x$ & Sons"
CLAIM = {
    "claim_id": "halves",
    "statement": "protects",
    "says": "The vaccine protects",
    "claim": "The vaccine prevents at least a quarter of cases.",
    "quantity": "pooled:bcg",
    "rule": "below",
    "high": "0.75",
    "source_agrees": "unknown",
}


def run(folder, *arguments):
    """Makes the page of changes, and what it waits for."""
    return snakemake(folder, "--cores", "2", *arguments, "results/changes.html")


def release(folder, version, *arguments):
    places = [x for name in ("results", "releases") for x in (f"--{name}", str(folder / name))]
    config = ["--config", str(folder / "config.yaml"), "--raw", str(folder / "data/raw")]
    return main(["release", version, *config, *places, *arguments])


def found(folder):
    return read_csv(folder / "results/tables/changes.csv")


def run_and_release(folder):
    """The example with a claim, run and released."""
    folder.mkdir()
    shutil.copytree(BCG / "data", folder / "data")
    shutil.copy(BCG / "config.yaml", folder)
    names = [column.name for column in CLAIM_COLUMNS]
    with (folder / "data/raw/claims.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, names, lineterminator="\n")
        writer.writeheader()
        writer.writerow(dict.fromkeys(names, "") | CLAIM)
    snakemake(folder, "--cores", "2")
    assert release(folder, "0.9.0") == 0


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A run and its release, shared by all workers: only to be read, or copied."""
    return once(tmp_path_factory, "released", run_and_release)


@pytest.fixture
def copy(released, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(released, folder, symlinks=True)
    return folder


def test_without_a_release_the_page_says_how_to_make_one(released):
    """The page is older than the release."""
    page = (released / "results/changes.html").read_text()
    assert "There is no release yet" in page
    assert "synthesis release 0.1.0" in page


def test_a_study_from_its_row_to_the_verdict(copy):
    """A second run with one more study: the page names it, says how far the estimate moved, and what flipped."""
    project = Project(copy)
    rows = project.rows()
    harm = {"n_treat": "5000", "total_treat": "5000", "n_control": "5000", "total_control": "5000"}
    harm |= {"events_treat": "900", "events_control": "100", "effect_id": "bcg_14", "sample_id": "bcg_14"}
    rows.append(rows[0] | harm | {"study": EVIL, "label": EVIL, "year": "2026", "quote": "900 against 100 of 5000"})
    project.write(rows)
    project.configure(defaults={"level": 0.9})
    run(copy)
    old, new = (read_csv(folder / "tables/pooled.csv")[0] for folder in (copy / "releases/0.9.0", copy / "results"))
    records = found(copy)
    moved = {r["field"]: r for r in records if r["kind"] == "estimate"}
    assert set(moved) == {"estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "samples", "k"}
    for field, record in moved.items():
        assert (record["before"], record["after"]) == (old[field], new[field])
        assert record["difference"] == new[field] - old[field]
    assert moved["estimate"]["standard_errors"] == (new["estimate"] - old["estimate"]) / old["se"]
    assert {(r["kind"], r["name"]) for r in records if r["change"] == "came in"} == {("study", EVIL), ("row", "bcg_14")}
    (flipped,) = [r for r in records if r["kind"] == "claims"]
    assert (flipped["name"], flipped["before"]) == ("halves", "supported")
    assert flipped["after"] != "supported"
    decisions = {r["name"]: (r["before"], r["after"]) for r in records if r["kind"] == "decision"}
    assert decisions == {"defaults.level": (0.95, 0.9)}
    page = (copy / "results/changes.html").read_text()
    assert EVIL not in page
    assert "1 study came in: &lt;script&gt;alert(1)&lt;/script&gt; $x$ &amp; Sons." in page
    assert "the effect moved from RR = 0.489 to " in page
    assert "association moved" not in page
    assert "Verdict on a claim flipped from \u201csupported\u201d" in page
    assert "defaults.level" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert " src=" not in page


def test_a_new_release_makes_the_changes_again_and_nothing_else(copy):
    assert set(jobs(snakemake(copy, "-n"))) == {"all", "changes"}
    run(copy)
    assert found(copy) == []
    assert "Nothing is different from release 0.9.0." in (copy / "results/changes.html").read_text()
    assert release(copy, "0.10.0", "--date", "2026-11-23") == 0
    assert latest(copy / "releases") == "0.10.0"
    assert set(jobs(snakemake(copy, "-n"))) == {"all", "changes"}
    assert read_json(copy / "releases/0.10.0/datapackage.json")["created"] == "2026-11-23T00:00:00Z"


def test_the_package_describes_its_files(released):
    folder = released / "releases/0.9.0"
    package = verify(folder)
    assert (package["name"], package["version"]) == ("bcg-vaccine-against-tuberculosis", "0.9.0")
    assert "created" not in package
    assert [source["name"] for source in package["sources"]] == ["bcg"]
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {resource["path"] for resource in package["resources"]} == held - {"datapackage.json"}
    assert {"tables/effects.csv", "tables/pooled.csv", "claims.csv", "config.json", "dropped.csv"} <= held
    assert len({resource["name"] for resource in package["resources"]}) == len(package["resources"])
    parsers = {"integer": int, "number": float, "string": str, "boolean": {"True": True, "False": False}.__getitem__}
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        if resource["format"] != "csv":
            continue
        with (folder / resource["path"]).open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
        assert [field["name"] for field in resource["schema"]["fields"]] == header
        for row in rows:
            for cell, field in zip(row, resource["schema"]["fields"], strict=True):
                if cell:
                    parsers[field["type"]](cell)


def test_every_table_of_a_run_is_released(released):
    tables = {path.stem for path in (released / "results/tables").glob("*.csv")}
    assert tables - {"changes"} == {path.stem for path in (released / "releases/0.9.0/tables").glob("*.csv")}


def test_equal_results_give_equal_releases(copy):
    shutil.move(copy / "releases/0.9.0", copy / "first")
    assert release(copy, "0.9.0") == 0
    for path in (copy / "first").rglob("*.*"):
        again = copy / "releases/0.9.0" / path.relative_to(copy / "first")
        assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("version", "spoil", "said"),
    [
        ("0.9.0", None, "a version that is not released yet"),
        ("0.8.9", None, "a version above 0.9.0"),
        ("v1.0.0", None, "did you mean 1.0.0?"),
        ("1.0", None, "three whole numbers, like 1.2.0"),
        ("01.0.0", None, "three whole numbers"),
        ("../../x", None, "three whole numbers"),
        ("1.0.0", lambda f: (f / "results/tables/pooled.csv").unlink(), "pooled.csv: 'no such file'"),
        ("1.0.0", lambda f: (f / "results/ro-crate-metadata.json").unlink(), "the results of a finished run"),
        ("1.0.0", lambda f: edit(f / "results/tables/pooled.csv", "0.", "1."), "pooled.csv: 'another file'"),
        ("1.0.0", lambda f: Project(f).configure(question="Another?"), "config.json: 'another plan'"),
        ("1.0.0", lambda f: Project(f).change(0, events_treat="9"), "bcg.json: 'other rows'"),
        ("1.0.0", lambda f: (f / "releases/newest").mkdir(), "releases, folder: 'newest'"),
    ],
)
def test_what_cannot_be_released_leaves_nothing(copy, capsys, version, spoil, said):
    if spoil:
        spoil(copy)
    before = sorted(path for path in (copy / "releases").rglob("*"))
    assert release(copy, version) == 1
    assert said in capsys.readouterr().err
    assert sorted(path for path in (copy / "releases").rglob("*")) == before


def test_a_date_is_a_day(copy, capsys):
    assert release(copy, "1.0.0", "--date", "23.11.2026") == 1
    assert "a date like 2026-11-23" in capsys.readouterr().err


def test_a_release_that_was_edited_is_refused(copy):
    path = copy / "releases/0.9.0/tables/pooled.csv"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(InputError, match="a release is never edited"):
        verify(copy / "releases/0.9.0")


def test_versions_are_ordered_as_numbers(tmp_path):
    for name in ("0.9.0", "0.10.0", "0.2.11", ".0.11.0.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("words")
    assert releases_in(tmp_path) == ["0.2.11", "0.9.0", "0.10.0"]
    assert version_key("1.20.3") == (1, 20, 3)
    assert latest(tmp_path / "nowhere") is None


# --- what is different, by itself ---------------------------------------------------------------------------------


def fit(name, estimate, **further):
    numbers = {"estimate": estimate, "ci_low": "0.1", "ci_high": "0.5", "pi_low": "", "pi_high": ""}
    numbers |= {"tau2": "0.01", "samples": "5", "k": "6", "se": "0.1"}
    return {"synthesis": name, "title": name, "lane": "A", "metric": "z"} | numbers | further


def state(fits=(), rows=(), config=None, corrections=(), comparison=(), relevance=()):
    return State(
        config=config or {},
        fits={cells["synthesis"]: FitCells(**cells) for cells in fits},
        claims={},
        conclusions=conclusions_of([], comparison, relevance, []),
        versions={},
        rows={row["effect_id"]: [row] for row in rows},
        corrections=list(corrections),
    )


def row(effect_id, **cells):
    given = {"source": "s", "label": "Ada 2020", "metric": "z", "yi": "0.3", "reason": "", "value": "0.3"}
    return {"effect_id": effect_id} | given | cells


def test_fits_are_sorted_by_how_far_they_moved_in_standard_errors():
    before = state([fit("a", "0.3"), fit("b", "0.3"), fit("c", "0.3"), fit("d", "0.3")])
    after = state([fit("a", "0.31"), fit("b", "0.2"), fit("c", "0.3", tau2="0.02"), fit("d", "0.30000000000001")])
    records = changes(before, after)
    assert [(r.name, r.field, r.change) for r in records] == [
        ("b", "estimate", "moved"),
        ("a", "estimate", "moved"),
        ("c", "estimate", "unmoved"),
        ("c", "tau2", "moved"),
    ]
    assert records[0].standard_errors == pytest.approx(-1)
    page = render("Review", "1.0.0", records, 4)
    assert "b: the association moved from r = 0.291 to 0.197, by \N{MINUS SIGN}1.00 standard errors." in page
    assert "2 of 4 estimates did not move, but of 1 of them" in page
    assert "the effect moved" not in page


def test_fits_that_come_go_or_change_their_metric():
    before = state([fit("a", "0.3"), fit("b", "0.3", lane="B", metric="g")])
    after = state([fit("b", "0.3", lane="B", metric="log_odds_ratio"), fit("c", "0.1")])
    records = changes(before, after)
    assert {(r.name, r.change) for r in records} == {("a", "went out"), ("b", "other metric"), ("c", "came in")}
    page = render("Review", "1.0.0", records, 2)
    assert "a: the association is no longer there." in page
    assert "b: the effect is now in another metric, from g to log_odds_ratio." in page


def test_rows_are_corrected_or_changed_or_used_otherwise():
    before = state(rows=[row("r1"), row("r2"), row("r3"), row("r4")])
    correction = {"effect_id": "r1", "field": "value", "old": "0.3", "new": "0.4", "reason": EVIL}
    after = state(
        rows=[
            row("r1", value="0.4", yi="0.42"),
            row("r2", value="0.5"),
            row("r3", yi="", reason="no n"),
            row("r5", label="Ben 2021"),
        ],
        corrections=[correction],
    )
    records = changes(before, after)
    rows = [(r.change, r.name, r.field, r.after, r.reason) for r in records if r.kind == "row"]
    assert rows == [
        ("corrected", "r1", "value", "0.4", EVIL),
        ("used otherwise", "r1", "", "z 0.42", ""),
        ("changed", "r2", "value", "0.5", ""),
        ("used otherwise", "r3", "", "not used: no n", ""),
        ("came in", "r5", "", "z 0.3", ""),
        ("went out", "r4", "", "", ""),
    ]
    assert [(r.change, r.name) for r in records if r.kind == "study"] == [("came in", "Ben 2021")]
    page = render("Review", "1.0.0", records, 0)
    assert EVIL not in page
    assert "1 row came in; 1 row went out; 1 row corrected; 1 row changed without a correction" in page


def test_conclusions_and_decisions():
    relevance = RelevanceCells(synthesis="a", threshold="small", threshold_label="Small", title="A", conclusion="above")
    contrast = ContrastCells(comparison="x", title="X", conclusion="no difference")
    before = state(
        config={"defaults": {"tau2": "REML"}, "syntheses": {"a": {}}},
        relevance=[relevance],
        comparison=[contrast],
    )
    after = state(
        config={"defaults": {"tau2": "DL"}, "syntheses": {"a": {}, "b": {"lane": "A"}}},
        relevance=[replace(relevance, conclusion="smaller")],
        comparison=[replace(contrast, conclusion="different")],
    )
    records = changes(before, after)
    assert [(r.kind, r.name, r.before, r.after) for r in records] == [
        ("comparison", "x", "no difference", "different"),
        ("relevance", "a at small", "above", "smaller"),
        ("decision", "defaults.tau2", "REML", "DL"),
        ("decision", "syntheses.b", "", json.dumps({"lane": "A"})),
    ]
    page = render("Review", "1.0.0", records, 1)
    assert "Clinical relevance flipped from \u201cabove\u201d to \u201csmaller\u201d: A (a at small)." in page
    assert "2 decisions changed." in page


def test_names_are_told_as_they_are_and_not_as_a_spreadsheet_is_given_them(copy):
    """Tables have an apostrophe before what a spreadsheet would take for a formula."""
    corrections = copy / "data/raw/corrections.csv"
    for name, column in (("effects", "label"), ("pooled", "title")):
        path = copy / f"results/tables/{name}.csv"
        rows = read_csv(path)
        write_csv(path, [{**rows[0], column: "=Ada"}, *rows[1:]])
        assert "'=Ada" in path.read_text()
    differences = changes(read_state(copy / "releases/0.9.0", corrections), read_state(copy / "results", corrections))
    assert [(c.kind, c.change, c.name) for c in differences if c.kind == "study" and c.change == "came in"] == [
        ("study", "came in", "=Ada")
    ]
    assert read_state(copy / "results", corrections).fits["bcg"].title == "=Ada"


def test_a_table_of_another_version_is_refused_by_the_columns_that_it_lacks(copy):
    path = copy / "releases/0.9.0/tables/pooled.csv"
    rows = read_csv(path)
    corrections = copy / "data/raw/corrections.csv"
    write_csv(path, [{k: v for k, v in row.items() if k not in {"h2", "q"}} for row in rows])
    assert read_state(copy / "releases/0.9.0", corrections).fits["bcg"].cell("k") == "13"
    write_csv(path, [{k: v for k, v in row.items() if k != "tau2"} for row in rows])
    with pytest.raises(InputError, match="pooled.csv.*columns of FitCells.*tau2"):
        read_state(copy / "releases/0.9.0", corrections)


def test_a_release_reads_like_results(released):
    folder = released
    corrections = folder / "data/raw/corrections.csv"
    released_state = read_state(folder / "releases/0.9.0", corrections)
    assert changes(released_state, read_state(folder / "results", corrections)) == []
