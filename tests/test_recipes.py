"""docs/how-to.md can be copied: what it prints passes the checks before the first job, what it calls exists."""

import argparse
import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from snakemake.cli import get_argument_parser
from snakemake.utils import update_config
from synthesis.cli.main import parser_of
from synthesis.compare.claims import check_folder
from synthesis.data.risk_table import read_risk
from synthesis.data.search import read_search, total
from synthesis.plan.plan import check_and_note, load

TEXT = (ROOT / "docs" / "how-to.md").read_text()
RAW = ROOT / "data" / "raw"
COLUMNS, TABLE, RISK, SEARCH, CLAIM = (
    "Use a column of your own",
    "Bring in medians, changes, adjusted means, hazard ratios or proportions",
    "Judge risk of bias by domain",
    "Show the search in the flow",
    "Check a claim",
)
# Not laid over this repository's plan and data alone, but over what their tests below make.
OTHERS = {COLUMNS, RISK}


def recipes(language: str) -> list[tuple[str, str]]:
    """Section and content of each block."""
    found = []
    for section in TEXT.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        found += [(title, block) for block in re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)]
    return found


def block(language: str, section: str) -> str:
    """The only block of a language in a section."""
    (content,) = (content for title, content in recipes(language) if title == section)
    return content


def checked(plan: dict, raw: Path) -> dict:
    """The rows of a plan, after all that a run checks before its first job."""
    loaded = load(plan, raw=raw)
    rows, _ = check_and_note(loaded, raw)
    check_folder(raw, loaded.config, rows)
    return rows


def laid_over(plan: Path, content: str) -> dict:
    """A plan with a recipe over it, as `snakemake --configfile` lays one file over another."""
    whole = yaml.safe_load(plan.read_text())
    update_config(whole, yaml.safe_load(content))
    return whole


OVER_THE_PLAN = [recipe for recipe in recipes("yaml") if recipe[0] not in OTHERS]


@pytest.mark.parametrize("content", [c for _, c in OVER_THE_PLAN], ids=[title for title, _ in OVER_THE_PLAN])
def test_a_recipe_is_a_plan_over_that_of_this_review(content):
    assert checked(laid_over(ROOT / "config.yaml", content), RAW)


def test_recipes_that_add_to_the_plan_go_together():
    """Those whose names are new, all at once; no two of them take the same name."""
    added = ("bridges", "comparisons", "figures", "monitoring", "multiverses", "psychometric")
    plan, names = yaml.safe_load((ROOT / "config.yaml").read_text()), []
    for _, content in OVER_THE_PLAN:
        recipe = yaml.safe_load(content)
        if recipe.keys() & set(added):
            names += [(key, name) for key in added for name in recipe.get(key, {})]
            update_config(plan, recipe)
    assert len(names) == len(set(names))
    assert {key for key, _ in names} == set(added)
    assert checked(plan, RAW)


def test_columns_of_one_s_own_are_read_from_a_table_that_has_them(project):
    """Allocation and latitude of the trials stand in the notes of the example."""
    declared, used = (content for title, content in recipes("yaml") if title == COLUMNS)
    rows = project.rows()
    for row in rows:
        row["allocation"], row["latitude"] = re.findall(r"allocation: (.*); absolute latitude (\d+)", row["note"])[0]
    project.write(rows)
    with (project.raw / "bcg" / "source.yaml").open("a", encoding="utf-8") as handle:
        handle.write(declared)
    assert checked(laid_over(project.config_path, used), project.raw)


def a_source(folder: Path, rows: list[dict[str, str]]) -> Path:
    """The folder `raw` of a small review with one source, `trials`, of two-arm rows."""
    source = folder / "raw" / "trials"
    source.mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "bcg" / "data" / "raw" / "bcg" / "source.yaml", source)
    every = {
        "construct": "protocol", "estimand": "d_between", "level": "study", "direction": "-1", "year": "2013",
        "locator": "table 2", "quote": "as printed",
    }  # fmt: skip
    with (source / "effects.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, dict.fromkeys(["effect_id", "sample_id", "study", *every, *rows[0]]))
        writer.writeheader()
        for number, row in enumerate(rows):
            name = row.get("sample_id", f"trial_{number}")
            writer.writerow({"effect_id": f"e{number}", "sample_id": name, "study": name} | every | row)
    return folder / "raw"


def test_risk_of_bias_by_domain_belongs_to_its_trial(tmp_path):
    one = {"sample_id": "guided_2013", "statistic": "g", "value": "0.3", "n_treat": "40", "n_control": "42"}
    raw = a_source(tmp_path, [one, one | {"sample_id": "guided_2015"}])
    path = raw / "trials" / "risk_of_bias.csv"
    path.write_text(block("csv", RISK))
    (judged,) = read_risk(path, {"guided_2013"})
    assert (judged.overall, len(judged.domains)) == ("some concerns", 5)
    rows = checked({"title": "Trials"} | yaml.safe_load(block("yaml", RISK)), raw)
    assert len(rows) == 2


def test_a_hazard_ratio_enters_both_pools_that_are_named(tmp_path):
    (row,) = csv.DictReader(block("text", TABLE).splitlines())
    raw = a_source(tmp_path, [row])
    asked = {"title": "Relapse", "lane": "B", "sources": ["trials"]}
    metrics = re.search(r"enters a synthesis with `metric: (\w+)`, and one with `metric: (\w+)`", TEXT).groups()
    plan = {"title": "Trials", "sources": ["trials"], "syntheses": {m: asked | {"metric": m} for m in metrics}}
    assert len(checked(plan, raw)) == 1


@pytest.fixture
def data(tmp_path):
    """The raw data of this review, to be added to."""
    return Path(shutil.copytree(RAW, tmp_path / "raw"))


def test_the_search_is_read_and_contradicts_nothing(data):
    (data / "search.csv").write_text(block("csv", SEARCH))
    assert total(read_search(data / "search.csv"), "identified") == 717
    assert checked(yaml.safe_load((ROOT / "config.yaml").read_text()), data)


def test_a_claim_finds_the_comparison_of_its_recipe(data):
    head, claim = block("csv", CLAIM).splitlines()
    assert head == (data / "claims.csv").read_text().splitlines()[0]
    with (data / "claims.csv").open("a", encoding="utf-8") as handle:
        handle.write(claim + "\n")
    plan, recipe = yaml.safe_load((ROOT / "config.yaml").read_text()), yaml.safe_load(block("yaml", CLAIM))
    # The plan has that comparison; the recipe must do without it.
    del plan["comparisons"][claim.split("comparison:")[1].split(",")[0]]
    update_config(plan, recipe)
    assert checked(plan, data)


# --- commands -----------------------------------------------------------------------------------------------------


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings}


(COMMANDS,) = (action.choices for action in parser_of()._actions if isinstance(action, argparse._SubParsersAction))
SNAKEMAKE = options(get_argument_parser())


def lines() -> list[str]:
    """What is to be typed: lines of shell blocks, put together where they go on, and commands within the text."""
    blocks = "\n".join(content for _, content in recipes("sh")).replace("\\\n", " ")
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL).replace("\n", " ")
    within = [part for part in re.findall(r"`([^`]+)`", prose) if part.startswith(("synthesis ", "snakemake ", "--"))]
    return [line for line in [*blocks.splitlines(), *within] if line.strip()]


def named(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}


def test_commands_and_their_options_exist():
    """Options without a command are those of `synthesis new`, or of Snakemake; a plugin that a recipe installs has its
    own, which begin with its name."""
    plugins = re.findall(r"pip install snakemake-(?:executor|storage)-plugin-([\w-]+)", TEXT)
    seen = set()
    for line in lines():
        words = shlex.split(line.partition(" #")[0].partition("|")[0])
        if words[0] == "synthesis":
            assert words[1] in COMMANDS, line
            assert named(words) <= options(COMMANDS[words[1]]), line
        elif words[0] == "snakemake":
            of_plugins = {name for name in named(words) if name.startswith(tuple(f"--{plugin}" for plugin in plugins))}
            assert named(words) <= SNAKEMAKE | of_plugins, line
        elif words[0].startswith("--"):
            assert named(words) <= options(COMMANDS["new"]) | SNAKEMAKE, line
        seen.add(words[0])
    assert seen >= {"synthesis", "snakemake", "--samples", "--columns"}
