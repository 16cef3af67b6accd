"""The pages: links lead somewhere, examples run, and what they name exists."""

import re
import subprocess
import sys

import pytest
import synthesis
import yaml
from conftest import ROOT
from synthesis.cli.main import parser_of
from synthesis.cli.reference import commands
from synthesis.data.reading import parse
from synthesis.data.source import Source
from synthesis.plan.assumed import Conversions
from synthesis.plan.config import Synthesis
from synthesis.plan.plan import load

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
    assumed, declared, used, example, sharing, levels, drawn, graded = blocks
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
    examples = yaml.safe_load(example)["syntheses"] | yaml.safe_load(assumed)["syntheses"]
    for name, content in examples.items():
        assert parse(Synthesis, content, name).sources == ("alliance_primary",)
    whole = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(drawn) | yaml.safe_load(graded)
    assert load(whole).config.certainty.indirectness["alliance"].level == "serious"
