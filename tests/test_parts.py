"""What a job is made again for: its part of the plan, and the code and data of the package that its command reads."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping

import jinja2
import pytest
from conftest import BCG, ROOT
from synthesis.cli.main import STAGES, parser_of
from synthesis.data.reading import read_yaml
from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.errors import InputError
from synthesis.meta.options import terms
from synthesis.plan import code, plan
from synthesis.plan.code import ROOT as PACKAGE
from synthesis.plan.code import code_of, files_of
from synthesis.plan.conditions import Condition
from synthesis.plan.config import Config
from synthesis.plan.parts import Figure, Plan, diagnostic_figures
from synthesis.plan.selection import meets
from typed import effect_row

COMMANDS = [command for commands in STAGES.values() for command in commands]
BLOCK = {"title": "t", "lane": "B", "metric": "g", "sources": ["s"]}


@pytest.fixture(scope="module")
def whole():
    return plan.load(read_yaml(ROOT / "config.yaml"))


def parts(of: Plan) -> Mapping[str, str]:
    """Every part of a plan, by its job."""
    made = {}
    for name in of.config.syntheses:
        for kind in ("fit", "diagnosis", "forest", "diagnostic_figure", "card"):
            made[f"{kind} {name}"] = getattr(of, kind)(name)
    for name in of.config.multiverses:
        made |= {f"{kind} {name}": getattr(of, kind)(name) for kind in ("multiverse", "thresholds")}
    made |= {f"comparison_forest {name}": of.comparison_forest(name) for name in of.config.figures}
    made |= {f"bridge {name}": of.bridge(name) for name in of.config.bridges}
    for kind in ("titles", "flow", "comparing", "examined", "bridges_over_multiverses", "whole"):
        made[kind] = getattr(of, kind)()
    return made


def changed(of: Plan, *path_and_value) -> set[str]:
    """Jobs whose part is another one after a change of the plan."""
    *path, last, value = path_and_value
    content = json.loads(json.dumps(of.config.model_dump(mode="json")))
    place = content
    for key in path:
        place = place[key]
    assert place[last] != value
    place[last] = value
    before, after = parts(of), parts(plan.load(content))
    return {name for name in before if before[name] != after.get(name)}


def test_every_part_is_a_plan_by_itself(whole):
    for name, part in parts(whole).items():
        assert isinstance(plan.load(json.loads(part), name).config, Config)


def test_how_a_synthesis_is_shown_is_no_part_of_how_it_is_computed(whole):
    for key, value in (
        ("title", "Another"), ("note", "Another"), ("columns", ["n"]), ("sort", "n"), ("rows", "estimates"),
        ("favours", ["less", "more"]),
    ):  # fmt: skip
        computed = {"fit", "diagnosis", "multiverse", "thresholds"}
        content = whole.config.syntheses["low_intensity"]
        value = value if getattr(content, key) != value else "samples"
        found = changed(whole, "syntheses", "low_intensity", key, value)
        assert {name for name in found if name.split()[0] in computed} == set(), key
        assert {"forest low_intensity", "comparison_forest comparison", "whole"} <= found, key
        others = {"forest low_intensity", "card low_intensity", "diagnostic_figure low_intensity"}
        assert not {n for n in found if n.split()[0] in ("forest", "card", "diagnostic_figure")} - others, key


def test_how_a_synthesis_is_fitted_is_its_own_fits_matter(whole):
    found = changed(whole, "syntheses", "low_intensity", "ci", "wald")
    assert found == {"fit low_intensity", "multiverse low_intensity", "whole"}


def test_what_is_examined_beside_a_fit_does_not_fit_again(whole):
    assert changed(whole, "syntheses", "full_dose_cbt", "moderators", ["year"]) == {
        "diagnosis full_dose_cbt", "examined", "whole",
    }  # fmt: skip
    found = changed(whole, "diagnostics", "force_funnel", ["alliance_ptsd"])
    assert {n for n in found if n.startswith("diagnosis")} == {"diagnosis alliance_ptsd"}
    found = changed(whole, "groupings", "format_group", "levels", {"one": ["group"], "two": ["inpatient"]})
    assert {n for n in found if n.startswith("diagnosis")} == {"diagnosis alliance"}
    assert not {n for n in found if n.startswith(("fit", "multiverse", "forest"))}


def test_the_number_of_shards_and_the_seed_of_others_are_nobody_elses_matter(whole):
    assert changed(whole, "multiverses", "alliance", "shards", 7) == {"whole"}
    assert changed(whole, "multiverses", "alliance", "seed", 7) == {"multiverse alliance", "whole"}


def test_a_name_that_the_plan_does_not_have_is_refused_with_the_likely_one(whole):
    with pytest.raises(InputError, match="did you mean alliance"):
        whole.fit("aliance")
    for call in (whole.metrics, whole.sources, whole.blocks_of, whole.sides_of_bridge, whole.synthesis_of):
        with pytest.raises(InputError, match="'nothing'"):
            call("nothing")


@pytest.mark.parametrize("key", [2020, True, False, 1.5, None, "2020", "no-hyphen", "Upper"])
def test_a_synthesis_that_yaml_reads_as_something_else_is_refused_by_name(key):
    """`on:` and `no:` are true and false in YAML, 2020 is a number."""
    content = read_yaml(BCG / "config.yaml")
    with pytest.raises(InputError) as error:
        plan.load(content | {"syntheses": {key: content["syntheses"]["bcg"]}})
    assert "syntheses" in str(error.value)
    assert "config.yaml" in str(error.value)


# --- conditions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [1234567, "1234567", 1234567.0, "1234567.0"])
def test_a_number_of_a_condition_counts_in_full(word):
    """With six significant digits, 1234567 and 1234568 were one."""
    select = {"n": Condition.model_validate({"none_of": [word]})}
    assert not meets(effect_row({"n": 1234567.0}), select)
    assert meets(effect_row({"n": 1234568.0}), select)
    assert meets(effect_row({"n": None}), select)
    assert meets(effect_row({"n": 1234567.0}), {"n": Condition.model_validate([word])})


def test_an_id_without_quotation_marks_is_the_id():
    select = {"effect_id": Condition.model_validate({"none_of": [1234567]})}
    assert not meets(effect_row({"effect_id": "1234567"}), select)
    content = read_yaml(BCG / "config.yaml")
    content["syntheses"]["bcg"]["select"] = {"n": ["many"]}
    with pytest.raises(InputError, match="'many'; allowed: numbers"):
        plan.load(content)


# --- names of figures -----------------------------------------------------------------------------------------------


def test_no_two_figures_have_one_name():
    """`bubble_all_n_total` was of `all` and of `all_n`, whose moderators are n_total and total."""
    kinds = terms(DiagnosticFigure)
    assert not [(a, b) for a in kinds for b in kinds if a != b and f"{b}_".startswith(f"{a}_")]
    names = ["all", "all_client", "all_year", "out", "year"]
    syntheses = {
        name: BLOCK | {"moderators": ["year", "n_total"], "regressions": {"size": {"formula": "year"}}}
        for name in names
    }
    figures = {name: list(kinds) for name in names}
    config = plan.load({"title": "t", "sources": ["s"], "syntheses": syntheses, "diagnostic_figures": figures}).config
    made = [figure.name for name in names for figure in diagnostic_figures(config, name)]
    assert len(set(made)) == len(made) == len(names) * (len(kinds) + 1)
    assert Figure("bubble", "all", "year").name == "bubble_all-year"


# --- code -----------------------------------------------------------------------------------------------------------


def names(command, root=PACKAGE):
    return {path.relative_to(root).as_posix() for path in files_of(command, root)}


def test_a_digest_is_another_when_a_file_behind_the_command_is_and_only_then(tmp_path):
    """In a copy of the package, which has the digests of the package until one of its files is edited."""
    root = tmp_path / "synthesis"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    commands = ("fit", "multiverse-fit", "forest", "report", "checklist", "extract")
    before = {command: code_of(command) for command in commands}
    assert {command: code_of(command, root) for command in commands} == before
    for name in ("meta/bias.py", "draw/rows.py", "report/assets/style.css", "cli/draw.py", "draw/fonts/README.md"):
        kept = (root / name).read_bytes()
        (root / name).write_bytes(kept + b"\n")
        # What is read once in a process.
        code._content.cache_clear()
        now = {command for command in commands if code_of(command, root) != before[command]}
        assert now == {command for command in commands if name in names(command)}, name
        (root / name).write_bytes(kept)
    code._content.cache_clear()
    assert {command: code_of(command, root) for command in commands} == before


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("report/assets/style.css", {"report", "changes"}),
        ("report/assets/report.js", {"report", "changes"}),
        ("report/templates/base.html.j2", {"report", "changes"}),
        ("report/templates/sections/methods.html.j2", {"report"}),
        ("export/prisma_2020.csv", {"checklist"}),
        ("draw/fonts/SynthesisSans-Bold.ttf", {"forest", "claims-figure", "report", "changes"}),
        ("draw/rows.py", {"forest", "report", "claims-figure"}),
        ("meta/pool.py", {"fit", "diagnose", "tipping", "multiverse-fit"}),
        ("meta/bias.py", {"diagnose", "multiverse-fit"}),
        ("review/presentation.py", {"diagnose", "forest", "report", "tipping", "export"}),
        ("cli/draw.py", {"forest", "claims-figure"}),
        ("plan/generated.py", set()),
        ("plan/declaring.py", set()),
        ("draw/fonts/README.md", set()),
    ],
)
def test_a_file_is_behind_the_commands_that_read_it_and_no_other(file, again):
    asked = {"fit", "diagnose", "tipping", "multiverse-fit", "forest", "claims-figure", "report", "checklist", "export"}
    found = {command for command in asked | {"changes", "extract"} if file in names(command)}
    assert (PACKAGE / file).exists()
    assert again <= found
    quiet = {"fit", "diagnose", "multiverse-fit", "extract"} | ({"forest"} if file.startswith("report/") else set())
    assert not (found - again) & quiet


def test_a_data_file_that_no_module_names_is_behind_every_command(tmp_path):
    root = tmp_path / "synthesis"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "meta" / "table.npy").write_text("1")
    assert all("meta/table.npy" in names(command, root) for command in ("fit", "report", "extract"))


def test_every_data_file_is_named_by_a_module():
    everywhere = set.intersection(*(names(command) for command in COMMANDS))
    assert {name for name in everywhere if not name.endswith(".py")} == set()


IMPORTS = """
import ast, inspect, json, os, sys
import jinja2, matplotlib.figure, msgspec, numpy, pandas, pydantic, scipy.stats, statsmodels.api, yaml
for command, stage in json.load(sys.stdin).items():
    # Each in a process of its own, in which nothing of the package is loaded yet.
    if os.fork():
        os.wait()
        continue
    from importlib import import_module
    from synthesis.cli.main import main
    module = import_module(f"synthesis.cli.{stage}")
    source = ast.parse(inspect.getsource(getattr(module, command.replace("-", "_"))))
    for node in ast.walk(source):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            exec(ast.unparse(node))
    files = [str(m.__file__) for n, m in list(sys.modules.items()) if n.split(".")[0] == "synthesis"]
    print(json.dumps([command, files]), flush=True)
    os._exit(0)
"""


WITHOUT_A_RULE = ("new", "check", "schemas", "verify", "release")


@pytest.mark.parametrize(
    "commands",
    [
        ("fit", "forest", "report"),
        pytest.param([c for c in COMMANDS if c not in WITHOUT_A_RULE], marks=pytest.mark.slow),
    ],
    ids=["three", "all"],
)
def test_the_digest_covers_what_python_imports(commands):
    """What is loaded when a command's function has run its imports, by Python's own account."""
    asked = {command: stage for stage, held in STAGES.items() for command in held if command in commands}
    assert len(asked) == len(commands)
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    loaded = dict(map(json.loads, ran.stdout.splitlines()))
    assert loaded.keys() == asked.keys()
    for command, files in loaded.items():
        assert files, command
        assert set(files) <= {str(path) for path in files_of(command)}, command


def test_each_stage_has_a_file_of_rules_and_adds_the_commands_that_are_named():
    rules = {path.stem for path in (ROOT / "workflow" / "rules").glob("*.smk")}
    assert rules - {"common", "guard", "running", "targets"} == set(STAGES) - {"reference", "run"}
    for stage, commands in STAGES.items():
        (added,) = [a for a in parser_of([stage])._actions if getattr(a, "choices", None)]
        assert tuple(added.choices) == commands


def test_every_rule_has_the_digest_of_the_command_that_it_calls():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in path.read_text().split("\nrule ")[1:]:
            if "shell:" in rule:
                called = rule.split('"synthesis ')[1].split()[0]
                assert f'code=code_of("{called}")' in rule, rule.split(":")[0]


@pytest.mark.parametrize(
    ("caption", "wildcard", "kinds"),
    [
        ("diagnostic_figure", "kind", [k for k in terms(DiagnosticFigure) if k not in ("bubble", "coefficients")]),
        ("multiverse_figure", "plot", ["specification", "vibration"]),
    ],
)
def test_every_kind_of_figure_has_a_caption_of_its_own(caption, wildcard, kinds):
    """Snakemake renders captions as Jinja templates."""
    template = jinja2.Template((ROOT / "workflow" / "report" / f"{caption}.rst").read_text(), trim_blocks=True)
    told = [template.render(snakemake={"wildcards": {wildcard: kind}}).strip() for kind in kinds]
    assert all(len(words) > 50 for words in told)
    assert len(set(told)) == len(kinds)
    rules = (ROOT / "workflow" / "rules" / "draw.smk").read_text()
    assert f'{wildcard}="{"|".join(kinds)}"' in rules
