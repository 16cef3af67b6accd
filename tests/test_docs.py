"""The pages: links lead somewhere, examples run, and what they name exists."""

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
from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.meta.options import terms


def beside_the_pages(name):
    """A module of docs/, under its name, as MkDocs loads a hook and what lies beside it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


gallery, pages, dependencies = map(beside_the_pages, ("gallery", "pages", "dependencies"))
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
