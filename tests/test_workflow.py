"""The DAG end to end, on the example: published result, what reruns, and that bad input leaves results alone."""

import csv
import hashlib
import html
import os
import pty
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from conftest import ROOT
from shared import once
from synthesis.data.vocabulary import FIGURE_CAPTIONS, DiagnosticFigure
from synthesis.meta.options import terms
from synthesis.results.files import read_json
from words_for_nothing import found_in

pytestmark = pytest.mark.slow

SKIPPED = ("logs", "benchmarks")
MULTIVERSE = """
multiverses:
  vaccine:
    title: All of it, $\\alpha$ <script>alert(1)</script>
    synthesis: other
    which:
      years:
        options:
          all: {kind: equivalent}
          early: {kind: uncertain, select: {year: {at_most: 1965}}}
          late: {kind: non_equivalent, select: {year: {at_least: 1966}}}
      outliers:
        options:
          kept: {kind: equivalent}
          out: {kind: uncertain, outliers: 2}
    how:
      adjustment: {none: equivalent, trim_fill: uncertain, pet_peese: uncertain}
      tau2: {REML: equivalent, DL: equivalent}
      ci: {hksj: equivalent, wald: uncertain}
    permutations: 99
    shards: 2
"""


# What else is in the name of a figure.
OF = {"bubble": "-year", "coefficients": "-size"}


def snakemake(folder, *arguments, ok=True, packages=""):
    """Runs the workflow on a folder; returns what it said. `packages`: a folder of plugins."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")}
    environment |= {"PYTHONPATH": str(packages)} if packages else {}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == ok, said
    return said


def digests(folder):
    """SHA-256 of every result but logs and benchmarks."""
    results = folder / "results"
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in SKIPPED
    }


def jobs(said):
    """Rules and counts of a dry run."""
    lines = said.split("Job stats:")[1].splitlines() if "Job stats:" in said else []
    found = {}
    for line in lines[3:]:
        if not line.strip():
            break
        name, count = line.split()
        found[name] = int(count)
    found.pop("total", None)
    return found


def example_twice(folder):
    """Runs a folder with nothing but config.yaml and data/raw; two sources, so that reruns can differ."""
    folder.mkdir()
    shutil.copytree(ROOT / "examples" / "bcg" / "data", folder / "data")
    other = folder / "data" / "raw" / "other"
    shutil.copytree(folder / "data" / "raw" / "bcg", other)
    table = other / "effects.csv"
    table.write_text(table.read_text().replace("bcg_", "other_"))
    config = (ROOT / "examples" / "bcg" / "config.yaml").read_text().replace("[bcg]", "[bcg, other]", 1)
    block = config.split("  bcg:\n")[1].replace("[bcg]", "[other]")
    # Every kind of figure that a plan can ask for; some need a numeric moderator or a regression.
    kinds = f"diagnostic_figures:\n  bcg: [{', '.join(terms(DiagnosticFigure))}]\n"
    more = "    moderators: [year]\n    regressions: {size: {formula: year}}"
    config = config.replace("    columns: [n]", f"    columns: [n]\n{more}")
    (folder / "config.yaml").write_text(config + "  other:\n" + block + kinds + MULTIVERSE)
    said = snakemake(folder, "--cores", "2")
    (folder / "said.txt").write_text(said)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, shared by all workers: only to be read, or copied."""
    return once(tmp_path_factory, "finished", example_twice)


@pytest.fixture
def copy(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    return folder


def test_bcg_as_published(finished):
    """metafor's dat.bcg, REML: log risk ratio -0.7145, SE 0.1798, tau2 0.3132."""
    model = read_json(finished / "results" / "models" / "bcg.json")
    assert round(model["estimate"], 4) == -0.7145
    assert round(model["se"], 4) == 0.1798
    assert round(model["tau2"], 4) == 0.3132
    assert model["samples"] == 13


def test_all_outputs_of_the_contract_exist(finished):
    expected = {"effects.parquet", "dropped.csv", "report.html", "report_appendix.html", "models/bcg.json"}
    expected |= {f"tables/{name}.csv" for name in ("pooled", "comparison", "effects", "crosscheck")}
    expected |= {f"figures/forest_bcg.{kind}" for kind in ("svg", "pdf", "png")}
    assert expected <= set(digests(finished))
    with (finished / "results/tables/pooled.csv").open() as handle:
        row = next(csv.DictReader(handle))
    contract = (
        "k samples estimate se statistic df p ci_low ci_high pi_low pi_high tau2 tau2_se tau2_ci_low tau2_ci_high "
        "i2 h2 q q_df q_p method ci_method rho metric level config_sha256 inputs_sha256"
    )
    assert set(contract.split()) <= set(row)


def test_effects_lead_back_to_their_quotes(finished):
    import pyarrow.parquet as pq

    rows = pq.read_table(finished / "results/effects.parquet").to_pylist()
    assert len(rows) == 26
    assert all(r["quote"] and r["locator"] and r["converter"] == "2x2_to_log_risk_ratio" for r in rows)


def test_a_good_run_is_told_in_short_and_ends_with_what_to_open(finished):
    said = (finished / "said.txt").read_text()
    lines = said.splitlines()
    assert len(said.encode()) < 5000
    assert max(map(len, lines)) <= 200
    assert "\x1b" not in said
    # Standard output first, as the fixture has it.
    assert lines[0] == "Open results/report.html; the figures are in results/figures/."
    assert re.fullmatch(r"(\d+) of \1: all", lines[-1])
    assert sum("extract" in line for line in lines) == 2, "every job is named"


def test_no_file_holds_a_number_that_is_none(finished):
    results = finished / "results"
    files = [path for path in results.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".csv", ".json", ".html", ".svg", ".R", ".parquet"}
    assert {path: words for path in files if (words := found_in(path))} == {}


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_snakemake_writes_its_own_report(copy, name):
    """As .snakemake-workflow-catalog.yml promises; the plan asks for every kind of figure."""
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert catalog["usage"]["report"] is True
    said = snakemake(copy, "--report", name)
    for kind in terms(DiagnosticFigure):
        assert f"Adding {kind}_bcg{OF.get(kind, '')}.svg" in said
    if name.endswith(".zip"):
        with zipfile.ZipFile(copy / name) as packed:
            pages = [packed.read(part).decode() for part in packed.namelist() if part.endswith((".html", ".js"))]
    else:
        pages = [(copy / name).read_text(encoding="utf-8")]
    for words in captions().values():
        assert any(words[:40] in page for page in pages), words


def captions():
    """What the captions of diagnostic figures say, by kind."""
    folder = ROOT / "workflow" / "report"
    said = dict(re.findall(r'^  "(\w+)": "(.*)",$', (folder / "diagnostic_figure.rst").read_text(), flags=re.MULTILINE))
    return said | {kind: " ".join((folder / f"{kind}.rst").read_text().split()) for kind in OF}


def test_every_caption_is_there_and_used():
    """Those of the figures that a plan can ask for, and those that the rules name; none is left over."""
    folder = ROOT / "workflow" / "report"
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert "caption=f" not in rules
    assert set(re.findall(r'caption="\.\./report/(\w+)\.rst"', rules)) == {path.stem for path in folder.glob("*")}
    assert set(captions()) == set(terms(DiagnosticFigure))
    for path in folder.glob("*"):
        words = " ".join(path.read_text(encoding="utf-8").split())
        assert path.suffix == ".rst"
        assert len(words) > 40, f"{path.name} says only: {words}"
        assert words.endswith((".", '".', "}}")), path.name


def test_every_figure_of_the_report_says_what_to_see(finished):
    """Not the kind of its file alone, as in "Funnel."."""
    assert set(FIGURE_CAPTIONS) == set(terms(DiagnosticFigure))
    page = (finished / "results" / "report_appendix.html").read_text(encoding="utf-8")
    captions = dict(re.findall(r'<figure id="figure-(.*?)".*?<figcaption>(.*?)</figcaption>', page, flags=re.DOTALL))
    for kind, words in FIGURE_CAPTIONS.items():
        assert html.unescape(captions.pop(f"{kind}_bcg{OF.get(kind, '')}")) == words
    for stem, words in captions.items():
        assert len(words.split()) >= 5, (stem, words)


def test_second_run_has_nothing_to_do(copy):
    assert "Nothing to be done" in snakemake(copy, "--cores", "2")


def test_the_same_bytes_with_one_core_and_with_two(finished, copy):
    shutil.rmtree(copy / "results")
    shutil.rmtree(copy / ".snakemake")
    snakemake(copy, "--cores", "1")
    assert digests(copy) == digests(finished)


@pytest.mark.parametrize("dated", ["now", "long ago"])
def test_editing_one_row_reruns_only_what_depends_on_it(copy, dated):
    """Whatever its date: unpacked and copied files often keep an old one."""
    table = copy / "data/raw/other/effects.csv"
    table.write_text(table.read_text().replace("Aronson", "Aaronson"))
    if dated == "long ago":
        os.utime(table, (0, 0))
    found = jobs(snakemake(copy, "-n", "--cores", "2"))
    assert found["extract"] == 1
    assert (found["fit"], found["forest"]) == (1, 1)
    assert "config" not in found


@pytest.mark.parametrize(("name", "rule"), [("source.yaml", "report"), ("effects.csv", "agreement")])
def test_a_raw_file_is_known_by_its_content(copy, name, rule):
    path = copy / "data/raw/other" / name
    path.write_text(path.read_text().replace("Colditz", "Kolditz"))
    os.utime(path, (0, 0))
    assert rule in jobs(snakemake(copy, "-n", "--cores", "2"))


def test_comments_and_documents_rerun_nothing(copy):
    (copy / "README.md").write_text("words")
    config = copy / "config.yaml"
    config.write_text("# a comment\n" + config.read_text())
    assert "Nothing to be done" in snakemake(copy, "-n", "--cores", "2")


def test_changing_one_decision_fits_only_what_it_decides(copy):
    config = copy / "config.yaml"
    head, tail = config.read_text().split("  other:\n")
    config.write_text(head + "  other:\n" + tail.replace("ci: wald", "ci: hksj"))
    found = jobs(snakemake(copy, "-n", "--cores", "2"))
    assert (found["fit"], found["diagnose"], found["forest"]) == (1, 1, 1)
    assert "extract" not in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: BCG vaccine against no vaccine", "title: Vaccine {word} of BCG"),
        ("columns: [n]", "columns: [n_treat, n_control]"),
        ("columns: [n]", "columns: [n]\n    sort: weight"),
        ("columns: [n]", "columns: [n]\n    note: Old trials."),
        ("favours: [favours vaccine", "favours: [better with the vaccine"),
    ],
)
def test_how_a_synthesis_is_shown_draws_and_reports_again_and_fits_nothing(copy, old, new):
    """The multiverse is of the same synthesis."""
    config = copy / "config.yaml"
    head, tail = config.read_text().split("  other:\n")
    assert old in tail
    config.write_text(head + "  other:\n" + tail.replace(old, new))
    found = jobs(snakemake(copy, "-n", "--cores", "2"))
    assert found["forest"] == 1
    assert {"config", "report", "crate"} <= set(found)
    computed = {"extract", "gather", "fit", "crosscheck", "diagnose", "diagnostics"}
    assert not {name for name in found if name in computed or name.startswith("multiverse")}


def test_a_new_title_reaches_everything_that_shows_it(copy):
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("title: BCG vaccine against no vaccine", "title: Jabs"))
    fits = (copy / "results/models/bcg.json").read_bytes()
    snakemake(copy, "--cores", "2")
    for name in (
        "tables/pooled.csv",
        "report.html",
        "report_appendix.html",
        "model_cards/bcg.json",
        "r/bcg.R",
        "figures/forest_bcg.svg",
    ):
        content = (copy / "results" / name).read_text()
        assert "Jabs" in content, name
        assert "BCG vaccine against no vaccine" not in content, name
    assert (copy / "results/models/bcg.json").read_bytes() == fits


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("results/models/bcg.json", {"extract": 1, "fit": 1}),
        ("results/figures/forest_bcg.pdf", {"extract": 1, "fit": 1, "forest": 1}),
        ("results/figures/funnel_bcg.png", {"extract": 1, "fit": 1, "diagnose": 1, "diagnostic_figure": 1}),
        ("results/model_cards/other.json", {"extract": 1, "fit": 1, "diagnose": 1, "export": 1}),
        (
            "results/multiverse/vaccine.json",
            {
                "extract": 2,
                "multiverse_enumerate": 1,
                "multiverse_fit": 2,
                "multiverse_gather": 1,
                "multiverse_summary": 1,
            },
        ),
    ],
)
def test_a_result_can_be_asked_for_by_its_name_alone(copy, target, needed):
    shutil.rmtree(copy / "results")
    assert jobs(snakemake(copy, "-n", "--cores", "2", target)) == needed


def test_a_result_of_a_name_that_is_not_in_the_plan_is_refused_with_those_that_are(copy):
    assert "did you mean results/models/other.json" in snakemake(copy, "-n", "results/models/othr.json", ok=False)


def test_a_bridge_can_be_asked_for_by_its_name_alone(tmp_path):
    shutil.copy(ROOT / "config.yaml", tmp_path)
    shutil.copytree(ROOT / "data", tmp_path / "data")
    target = "results/figures/bridge_alliance_beside_low_intensity.svg"
    found = jobs(snakemake(tmp_path, "-n", "--cores", "2", target))
    assert found["bridge_figure"] == found["compare"] == 1
    assert not {name for name in found if name.startswith(("diagno", "multiverse", "report", "forest", "tipping"))}


def test_names_that_are_parts_of_each_other_and_many_sources(project, tmp_path):
    """No file is named by joining names; sources [a_and_b] and [a, b] are not the same."""
    names = ["a", "b", "a_and_b", *(f"a_source_with_quite_a_long_name_{i}" for i in range(40))]
    head, *lines = (project.raw / "bcg" / "effects.csv").read_text().splitlines()
    for name in names:
        shutil.copytree(project.raw / "bcg", project.raw / name)
        # Else the same numbers again are asked about.
        own = [f"{line},yes,made up".replace("bcg_", f"{name}_") for line in lines]
        table = "\n".join([f"{head},checked,checked_reason", *own, ""])
        (project.raw / name / "effects.csv").write_text(table)
    block = project.config["syntheses"]["bcg"]
    syntheses = {
        "all": block | {"sources": ["a", "b"]},
        "all_client": block | {"sources": ["a_and_b"]},
        "wide": block | {"sources": names},
    }
    project.configure(sources=names, syntheses=syntheses)
    targets = [f"results/figures/forest_{name}.svg" for name in syntheses]
    snakemake(project.folder, "--cores", "2", *targets)
    models = {name: read_json(project.folder / f"results/models/{name}.json") for name in syntheses}
    assert {name: model["sources"] for name, model in models.items()} == {
        name: synthesis["sources"] for name, synthesis in syntheses.items()
    }
    longest = max(len(path.name) for path in (project.folder / "results").rglob("*"))
    assert longest < 80


def test_a_multiverse_from_end_to_end(finished):
    import pyarrow.parquet as pq
    import synthesis

    results = finished / "results"
    rows = pq.read_table(results / "multiverse/vaccine.parquet").to_pylist()
    whole = [r for r in rows if r["which_years"] == "all" and r["which_outliers"] == "kept"]
    plain = next(r for r in whole if (r["how_adjustment"], r["how_tau2"], r["how_ci"]) == ("none", "REML", "wald"))
    assert round(plain["estimate"], 4) == -0.7145
    assert sum(r["copies"] for r in rows) == 3 * 2 * 3 * 2 * 2
    model = read_json(results / "models/bcg.json")
    effects = [(s["yi"], s["vi"]) for s in model["studies"]]
    filled = synthesis.trim_fill(*map(list, zip(*effects, strict=True)), tau2="DL", ci="hksj").fit
    row = next(r for r in whole if (r["how_adjustment"], r["how_tau2"], r["how_ci"]) == ("trim_fill", "DL", "hksj"))
    assert row["estimate"] == pytest.approx(filled.estimate)
    assert {c["curve"] for c in read_json(results / "multiverse/vaccine.json")["curves"]} == {"main", "years: late"}
    report = (results / "report_appendix.html").read_text()
    assert "multiverse-vaccine" in report
    assert "figure-specification_vaccine" in report
    assert "<script>alert(1)</script>" not in report


def test_more_shards_fit_again_and_change_no_byte(finished, copy):
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("shards: 2", "shards: 3"))
    found = jobs(snakemake(copy, "-n", "--cores", "2"))
    assert found["multiverse_fit"] == 3
    assert not {"multiverse_enumerate", "fit", "extract"} & set(found)
    name = "results/multiverse/vaccine.parquet"
    snakemake(copy, "--cores", "2", name)
    assert (copy / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: edit(folder / "config.yaml", "title: BCG vaccine against tub", "titel: BCG"),
            "did you mean title?",
        ),
        (lambda folder: edit(folder / "data/raw/bcg/effects.csv", "locator", "locater"), "did you mean locator?"),
        (lambda folder: edit(folder / "config.yaml", "    columns: [n]", "    select: {outcome: [flu]}"), "'flu'"),
        (lambda folder: (folder / "data/raw/bcg/effects.csv").write_text(""), "empty file"),
        (
            lambda folder: edit(folder / "config.yaml", "select: {year: {at_most: 1965}}", "select: {outcome: [flu]}"),
            "multiverses.vaccine.which.years.options.early",
        ),
    ],
)
def test_bad_input_stops_before_the_first_job_and_leaves_results(copy, spoil, said):
    before = digests(copy)
    spoil(copy)
    assert said in snakemake(copy, "--cores", "2", ok=False)
    assert digests(copy) == before


def test_a_failed_job_shows_the_end_of_its_log_and_no_command(copy):
    model = copy / "results/models/bcg.json"
    model.write_bytes(model.read_bytes()[:300])
    said = snakemake(copy, "--cores", "2", ok=False)
    form = r"(\w+)(?: \w+)? failed \(job \d+\)\n  end of its log:\n(.*?)\n  the whole log: (\S+)\n"
    failed = re.findall(form, said, re.DOTALL)
    assert failed
    for rule, words, log in failed:
        assert log in (f"results/logs/{rule}.log", f"results/logs/{rule}/bcg.log")
        assert "results/models/bcg.json: '300 bytes, cut short'; allowed: a whole file (delete the file and" in words
        assert words == "\n".join(f"    {line}" for line in (copy / log).read_text().splitlines())
    assert "set -euo" not in said
    assert "Complete log(s): " in said
    assert len(said.encode()) < 5000


@pytest.mark.parametrize(
    ("environment", "live"),
    [({"TERM": "xterm-256color"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm-256color", "CI": "true"}, False)],
    ids=["terminal", "dumb", "ci"],
)
def test_in_a_terminal(copy, environment, live):
    """A line that is drawn over where that can be done, and gone in the end; the plain log elsewhere."""
    status, said = in_a_terminal(copy, environment, "results/tables/agreement.csv", "--force")
    assert status == 0, said
    assert ("\x1b[" in said) == live
    if live:
        assert "0/1" in said
        assert "1/1" in said
        assert "agreement" in said
        # The cursor is shown again, after the line was wiped; nothing of it is left below.
        after = said[said.rindex("\x1b[?25h") :]
        assert "\x1b[2K" in after
        assert "1/1" not in after
    else:
        assert "1 of 1: agreement" in said
    assert said.rstrip().endswith("Open results/report.html; the figures are in results/figures/.")


def test_bad_input_in_a_terminal_leaves_it_as_it_was(copy):
    (copy / "config.yaml").write_text("title: [")
    status, said = in_a_terminal(copy, {"TERM": "xterm-256color"})
    assert status == 1
    assert "config.yaml, line 1, column 9: 'title: ['; allowed: well-formed YAML" in said
    assert "\x1b[?25l" not in said


def in_a_terminal(folder, environment, *arguments):
    """Exit status and what was shown, of the workflow in a pseudo-terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
    given = {name: value for name, value in os.environ.items() if name not in ("CI", "TERM", "FORCE_COLOR", "NO_COLOR")}
    given |= {"XDG_CACHE_HOME": str(folder / ".cache")} | environment
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=given) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    return process.returncode, shown.decode()


def edit(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
