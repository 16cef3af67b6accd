"""The pages: links lead somewhere, examples run, and what they name exists."""

import csv
import importlib.util
import re
import shutil
import subprocess
import sys

import pytest
import synthesis
import yaml
from conftest import ROOT
from synthesis.cli.main import parser_of
from synthesis.cli.reference import commands
from synthesis.data.reading import parse
from synthesis.data.risk_table import read_risk
from synthesis.data.search import read_search, total
from synthesis.data.source import Source
from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.meta.options import terms
from synthesis.plan.assumed import Conversions
from synthesis.plan.config import Synthesis
from synthesis.plan.plan import check, load


def beside_the_pages(name):
    """A module of docs/, under its name, as MkDocs loads a hook and what lies beside it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


gallery, pages, dependencies = map(beside_the_pages, ("gallery", "pages", "dependencies"))
ADDED = {
    "bridges",
    "comparisons",
    "figures",
    "monitoring",
    "multiverses",
    "numbers_needed",
    "psychometric",
    "relevance",
}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page for page in PAGES if page.exists()]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_named_files_of_the_checkout_exist(page):
    """Paths in code type that begin in a folder of the checkout; those with a placeholder are not files."""
    for path in re.findall(r"`((?:workflow|tests|docs|examples|benchmarks)/[\w./-]+)`", page.read_text()):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_named_targets_of_make_exist(page):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE):
        assert target in targets, target


def test_the_commands_page_is_up_to_date():
    """When this fails: make schemas."""
    assert (ROOT / "docs" / "commands.md").read_text() == commands(parser_of())


def test_the_contributor_map_names_what_is_there():
    package = ROOT / "workflow" / "synthesis"
    rows = [line.split("|") for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| a ")]
    code = " ".join(row[2] for row in rows)
    for path in re.findall(r"`([a-z_]+/[a-z_]*(?:\.py)?|[a-z_]+\.py)`", code):
        assert (package / path).exists(), path
    everything = "\n".join(path.read_text() for path in package.rglob("*.py"))
    for name in re.findall(r"`@?(_?[A-Z][A-Za-z]+|_[A-Z]+|[A-Z]{4,}|register)`", code):
        assert name in everything, name


def test_the_python_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "how-to.md").read_text(), re.DOTALL)
    subprocess.run([sys.executable, "-c", example], check=True)
    for name in re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "how-to.md").read_text().partition("from Python")[2]):
        assert hasattr(synthesis, name), name


def test_the_plan_in_the_how_to_is_one():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "how-to.md").read_text(), re.DOTALL)
    # The recipes for comparisons, bridges, claims and multiverses are additions to the plan of this review.
    recipes = [block for block in blocks if yaml.safe_load(block).keys() & ADDED]
    assumed, declared, used, together, example, correlated, sharing, levels, crossed, working, drawn, graded, judged = (
        block for block in blocks if block not in recipes
    )
    about = yaml.safe_load((ROOT / "examples" / "bcg" / "data" / "raw" / "bcg" / "source.yaml").read_text())
    own = parse(Source, about | yaml.safe_load(declared), "source.yaml").columns
    review = yaml.safe_load((ROOT / "examples" / "bcg" / "config.yaml").read_text())
    review["syntheses"]["bcg"] |= yaml.safe_load(used)["syntheses"]["bcg"]
    assert load(review | {"own_columns": {name: {"kind": column.kind} for name, column in own.items()}})
    for block in (assumed, sharing):
        assert set(yaml.safe_load(block)["conversions"]) < set(Conversions.model_fields)
    ours = yaml.safe_load((ROOT / "config.yaml").read_text())["syntheses"]["alliance"]
    ours |= {"group_by": None} | yaml.safe_load(levels)["syntheses"]["alliance"]
    assert parse(Synthesis, ours, "alliance").levels[-1] == "sample_id"
    said = yaml.safe_load(correlated)["syntheses"]["alliance"]
    assert parse(Synthesis, ours | said, "alliance").correlations.time == "weeks"
    said = yaml.safe_load(crossed)["syntheses"]["alliance"]
    assert parse(Synthesis, ours | said, "alliance").crossed == ("alliance_measure",)
    said = yaml.safe_load(working)["syntheses"]["alliance"]
    assert parse(Synthesis, ours | said, "alliance").working_models == (0, 0.3, 0.5, 0.8)
    examples = yaml.safe_load(example)["syntheses"] | yaml.safe_load(assumed)["syntheses"]
    for name, content in examples.items():
        assert parse(Synthesis, content, name).sources == ("alliance_primary",)
    whole = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(drawn) | yaml.safe_load(graded)
    assert load(whole).config.certainty.indirectness["alliance"].level == "serious"
    ours |= yaml.safe_load(judged)["syntheses"]["trials"]
    assert parse(Synthesis, ours, "trials").columns[-1] == "rob_domains"
    joint = yaml.safe_load(together)
    whole["syntheses"]["alliance"] |= joint["syntheses"]["alliance"]
    whole["diagnostic_figures"] = joint["diagnostic_figures"]
    assert set(load(whole).config.syntheses["alliance"].regressions) == {"joint"}


def test_the_recipes_for_this_review_fit_its_plan():
    """They name syntheses and thresholds that are there, as the start of a run checks it."""
    text = (ROOT / "docs" / "how-to.md").read_text()
    plan = yaml.safe_load((ROOT / "config.yaml").read_text())
    found = set()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for key, content in yaml.safe_load(block).items():
            if key in ADDED:
                found.add(key)
                plan[key] = plan.get(key, {}) | content
    assert found == ADDED
    raw = ROOT / "data" / "raw"
    loaded = load(plan, raw=raw)
    rows = check(loaded, raw)
    *_, table = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    (claim,) = csv.DictReader(table.splitlines())
    assert list(claim) == (raw / "claims.csv").read_text().splitlines()[0].split(",")
    assert claim["quantity"].partition(":")[2] in loaded.config.comparisons
    assert rows.keys() >= {loaded.config.comparisons["strict_or_published"].reference}


def test_the_tables_of_risk_and_search_in_the_how_to_are_read(tmp_path):
    risk, search, _ = re.findall(r"```csv\n(.*?)```", (ROOT / "docs" / "how-to.md").read_text(), re.DOTALL)
    path = tmp_path / "table.csv"
    path.write_text(risk)
    (one,) = read_risk(path, {"guided_2013"})
    assert (one.overall, len(one.domains)) == ("some concerns", 5)
    path.write_text(search)
    assert total(read_search(path), "identified") == 717


def test_the_gallery_shows_every_kind_of_figure_with_lines_that_ask_for_it():
    """A kind is a rule of draw.smk, or a word of a list; the lines are those of the plan, below their keys."""
    figures = {kind.figure for kind in gallery.KINDS}
    kinds = ["forest", "bridge", "claims", "specification", "vibration", "multiverse_bridge", "prisma", "risk"]
    for kind in [*kinds, *terms(DiagnosticFigure), "forest_comparison", "forest_process"]:
        assert any(figure.startswith(kind) for figure in figures), kind
    text = (ROOT / "config.yaml").read_text()
    whole = yaml.safe_load(text)
    for kind in gallery.KINDS:
        if not kind.plan:
            assert gallery.lines_of(text, kind) == ""
            continue
        shown, there = yaml.safe_load(gallery.lines_of(text, kind)), whole
        for key in kind.plan:
            assert list(shown) == [key], kind
            shown, there = shown[key], there[key]
        if isinstance(shown, dict):
            assert shown == {key: value for key, value in there.items() if not kind.keys or key in kind.keys}
        else:
            assert shown == list(kind.keys)
            assert set(shown) <= set(there)


def test_the_page_of_the_python_interface_has_every_public_name():
    assert set(re.findall(r"^::: synthesis\.(\w+)", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)) == set(
        synthesis.__all__
    )


def test_the_site_shows_every_page_and_its_lock_names_no_registry():
    shown = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    groups = [[entry] if isinstance(entry, str) else next(iter(entry.values())) for entry in shown]
    listed = {page for group in groups for page in group}
    assert {name for name in NAMES if name.startswith("docs/")} <= listed
    assert {name for name in pages.OTHERS if name.endswith(".md")} <= listed
    lock = (ROOT / "docs" / "requirements.lock").read_text()
    assert "://" not in lock
    assert all("==" in line for line in lock.splitlines() if not line.startswith((" ", "#")))
    # Where both locks have a package, it is the same.
    main = (ROOT / "requirements.lock").read_text()
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE):
        if f"\n{name}==" in main:
            assert f"\n{name}=={version}" in main, name


def test_the_site_is_gathered_as_it_lies_in_the_checkout(tmp_path):
    """What mkdocs then builds strictly: make docs."""
    for name in (*pages.OTHERS, pages.REPORT, *(f"results/figures/{kind.figure}.svg" for kind in gallery.KINDS)):
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_text((ROOT / name).read_text() if (ROOT / name).exists() else "<svg/>")
    shutil.copytree(ROOT / "docs", tmp_path / "from" / "docs")
    pages.gather(tmp_path / "from", tmp_path / "into")
    made = (tmp_path / "into" / "docs" / "gallery.md").read_text()
    assert pages.MARK not in made
    assert made.count("](../results/figures/") == 2 * len(gallery.KINDS)
    for target in re.findall(r"\]\(([^)#\s:]+)\)", made):
        assert (tmp_path / "into" / "docs" / target).exists(), target
    (tmp_path / "from" / "results" / "figures" / "forest_comparison.svg").unlink()
    with pytest.raises(FileNotFoundError, match="make results"):
        pages.gather(tmp_path / "from", tmp_path / "into")


def test_the_page_of_dependencies_is_the_lock_s():
    """What is installed differs between systems, not what is asked for. When this fails: make lock."""
    project, lock = ((ROOT / name).read_text() for name in ("pyproject.toml", "requirements.lock"))
    run, dev = dependencies.declared(project)
    assert dependencies.PURPOSE.keys() == {*run, *dev}
    there = (ROOT / "docs" / "dependencies.md").read_text()
    days = dependencies.days_of(there)
    made = dependencies.page(project, lock, days)
    assert there.partition("## Needed by those")[0] == made.partition("## Needed by those")[0]
    rows = re.findall(r"^\| ([a-z0-9._-]+) \| ([^|]+) \|", there, re.MULTILINE)
    assert {name: version for name, version in rows if name != "package"} == dependencies.locked(lock)
    assert days.keys() == dependencies.locked(lock).keys()
