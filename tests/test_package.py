"""Promises about the repository itself: generated files, layers, pinned versions, a clean tree."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import metadata

import jsonschema
import pytest
import synthesis
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from synthesis.data.columns import COLUMNS
from synthesis.data.days import RELEASED
from synthesis.data.extraction import load_source
from synthesis.plan.generated import generated

PACKAGE = ROOT / "workflow" / "synthesis"
# From the bottom of the design's list to its top: a module imports only from its own level or below.
LAYERS = [
    "errors",
    "text",
    "meta",
    "results",
    "data",
    "plan",
    "review",
    "compare",
    "multiverse",
    "draw",
    "living",
    "report",
    "cli",
]
BESIDE = {
    "export": "living",
    "__init__": "cli",
    "__main__": "cli",
}
# The package's root offers pool(), so it reaches down into pooling.


def modules():
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("name", generated())
def test_generated_files_are_up_to_date(name):
    """When this fails: make schemas."""
    assert (ROOT / name).read_text(encoding="utf-8") == generated()[name]


def test_config_and_rows_satisfy_the_json_schemas():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    resolved = synthesis_config(config)
    validator("config").validate(resolved)
    row_of = validator("effects")
    for source in ("alliance_primary", "low_intensity_self_guided"):
        rows, problems = load_source(ROOT / "data" / "raw", source, [])
        assert problems == []
        for _, row in rows:
            present = {c.name: row[c.name] for c in COLUMNS if row[c.name] not in (None, "")}
            row_of.validate(present)
    for path in (ROOT / "data" / "raw").glob("*/source.yaml"):
        validator("source").validate(yaml.safe_load(path.read_text()))


def validator(name):
    schema = json.loads((ROOT / "workflow" / "schemas" / f"{name}.schema.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def synthesis_config(content):
    from synthesis.plan import plan

    return plan.load(content).config.model_dump(mode="json")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []


def layer(name):
    return LAYERS.index(BESIDE.get(name, name))


def test_imports_point_down_the_list():
    for path in modules():
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for module, names in imports(path):
            parts = module.split(".")
            if parts[0] != "synthesis":
                continue
            targets = [parts[1]] if len(parts) > 1 else names
            for target in targets:
                if target in {"Fit", "pool", "__version__"}:
                    continue
                assert layer(target) <= layer(own), f"{path.name} imports {target}"


def test_the_statistics_need_numpy_and_scipy_only():
    own = {"synthesis.meta", "synthesis.errors"}
    for path in (PACKAGE / "meta").glob("*.py"):
        for module, _ in imports(path):
            top = module.split(".")[0]
            known = top in sys.stdlib_module_names or top in {"numpy", "scipy"}
            assert known or ".".join(module.split(".")[:2]) in own, f"{path.name} imports {module}"


def test_a_module_name_stands_once():
    """The command line has a file for each room of the package, of the same name."""
    rooms = {p.parent.name for p in modules()}
    names = [p.stem for p in modules() if p.stem != "__init__" and not (p.parent.name == "cli" and p.stem in rooms)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_few_documents_have_no_type():
    """What one stage hands to the next has one; left are JSON Schemas, plans as read, and fields of one dataclass."""
    untyped = [
        path.name for path in modules() for _ in re.findall(r"dict\[str, Any\]", path.read_text(encoding="utf-8"))
    ]
    assert len(untyped) <= 10, untyped


def test_the_package_does_not_know_snakemake():
    for path in modules():
        assert not any(module.split(".")[0] == "snakemake" for module, _ in imports(path)), path


SLOW = ("pandas", "pymare", "statsmodels", "matplotlib", "scipy.optimize", "scipy.stats", "scipy.special")


@pytest.mark.parametrize(
    ("modules", "needed"),
    [
        ("synthesis.data.extraction", ()),
        ("synthesis.review.fit", ("scipy.special",)),
        # A figure is laid out from numbers that are there: nothing is fitted.
        ("synthesis.draw.rows, synthesis.draw.chart, synthesis.draw.multiverse_figure", ()),
        ("synthesis.draw.claims_figure, synthesis.draw.writing, synthesis.draw.forest", ("matplotlib",)),
    ],
)
def test_jobs_do_not_import_what_they_do_not_need(modules, needed):
    """Starting a job is most of its cost: pandas, PyMARE and statsmodels belong to two commands only."""
    code = f"import sys, synthesis.cli.main, {modules}; print(*({set(SLOW)} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(shown.split()) <= set(needed)


def test_the_statistics_import_scipys_functions_when_they_call_them():
    """A job that reads a fit needs its types, and no function of scipy, whose import is slower than numpy's."""
    for path in modules():
        # The fit itself still imports them at its top.
        if path.relative_to(PACKAGE).as_posix() == "meta/pool.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        early = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert not any(module.startswith("scipy") for module in early), path.name


def counts(call):
    """Whether a call of sum() adds whole numbers, or arrays onto one that it starts with."""
    if len(call.args) > 1:
        return True
    added = call.args[0].elt if isinstance(call.args[0], ast.GeneratorExp) else None
    if isinstance(added, ast.Call) and isinstance(added.func, ast.Name):
        return added.func.id == "len" or (added.func.id == "sum" and counts(added))
    if isinstance(added, ast.BinOp):
        return all(isinstance(side, ast.Call) and counts(side) for side in (added.left, added.right))
    return isinstance(added, ast.Compare) or (isinstance(added, ast.Constant) and isinstance(added.value, int))


def sums(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum":
            yield node


def test_numbers_are_not_added_by_the_builtin_sum():
    """From Python 3.12 on it adds floats in another way: math.fsum or numpy, for the same bytes on every Python."""
    paths = [path for room in ("meta", "review", "compare", "multiverse") for path in (PACKAGE / room).glob("*.py")]
    paths += [PACKAGE / "data" / f"{name}.py" for name in ("converters", "printed", "extraction", "published")]
    paths.append(PACKAGE / "plan" / "selection.py")
    assert len(paths) > 35
    for path in paths:
        for call in sums(path):
            assert counts(call), f"{path.name}, line {call.lineno}"


def test_pool_is_reachable_from_the_package_root():
    assert synthesis.pool([0.1, 0.2, 0.4], [0.1, 0.1, 0.1]).k == 3
    with pytest.raises(AttributeError, match="poool"):
        synthesis.poool  # noqa: B018


def locked(python, lock):
    """Version by package that a lock file gives to a Python such as 3.11, on Linux."""
    where = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found = {}
    for line in re.findall(r"^[a-z0-9][^\\\n]+", lock, flags=re.M):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate(where):
            assert requirement.name not in found, requirement.name
            found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def unsolvable(env, lock):
    """What keeps a conda environment from being made as the lock file says, for the Python that it names."""
    python = next(str(d).partition("=")[2] for d in env["dependencies"] if str(d).startswith("python="))
    versions = locked(python, lock)
    pins = dict(pin.split("==") for pin in env["dependencies"][-1]["pip"])
    found = [f"{name}=={pin}, locked {versions.get(name)}" for name, pin in pins.items() if versions.get(name) != pin]
    for name, pin in pins.items():
        about = metadata(name)
        if about["Version"] == pin and not SpecifierSet(about["Requires-Python"] or "").contains(f"{python}.0"):
            found.append(f"{name}=={pin} needs Python {about['Requires-Python']}")
    return found


def test_the_conda_environment_is_the_lock_of_the_python_that_it_names():
    lock = (ROOT / "requirements.lock").read_text()
    env = yaml.safe_load((ROOT / "workflow/envs/synthesis.yaml").read_text())
    assert unsolvable(env, lock) == []
    # A lock with two branches, of which the last is another Python's; and a Python that nothing here is for.
    pin = locked("3.11", lock)["numpy"]
    branches = lock.replace(
        f"numpy=={pin} ",
        f"numpy==1.26.4 ; python_full_version < '3.12' \\\nnumpy=={pin} ; python_full_version >= '3.12' ",
    )
    assert unsolvable(env, branches) == [f"numpy=={pin}, locked 1.26.4"]
    env["dependencies"] = [d if not str(d).startswith("python=") else "python=3.8" for d in env["dependencies"]]
    assert any("needs Python" in words for words in unsolvable(env, lock))


def test_the_numbers_come_from_one_version_on_every_python():
    """Other versions of numpy or scipy have other last digits."""
    lock = (ROOT / "requirements.lock").read_text()
    first, *others = (locked(python, lock) for python in ("3.11", "3.12", "3.13", "3.14"))
    for other in others:
        assert other == first


def test_versions_agree():
    env = yaml.safe_load((ROOT / "workflow/envs/synthesis.yaml").read_text())
    pins = [p.split("==") for p in env["dependencies"][-1]["pip"]]
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.search(r"^dependencies = \[(.*?)^\]", project, flags=re.M | re.S)[1]
    needed = {re.match(r"[a-z0-9-]+", d)[0] for d in re.findall(r'"([^"]+)"', wanted)}
    assert needed - {"snakemake", "snakemake-executor-plugin-slurm", "rich"} == {name for name, _ in pins}
    assert f'version = "{synthesis.__version__}"' in project
    assert f"version: {synthesis.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"date-released: {RELEASED}" in (ROOT / "CITATION.cff").read_text()
    assert "--hash=sha256:" in (ROOT / "requirements.lock").read_text()


def test_nothing_names_a_machine_or_an_index():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert len(tracked) > 50
    path = re.compile(r"(?<![\w.:/])/(home|root|Users)/[a-z]")
    for name in tracked:
        if name.endswith((".ttf", ".png", ".gz")) or name == "profiles":
            continue
        content = (ROOT / name).read_text(encoding="utf-8")
        assert path.search(content) is None, name
        assert "pypi.org" not in content or name == "tests/test_package.py", name


def test_files_stay_short():
    for path in (*modules(), *(ROOT / "tests").glob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path


# Longer than 50 lines for a reason.
LONG = {
    "meta/pool.py: pool": "30 lines are the reference of the public function, its code has 36",
    "meta/regression.py: regress": "most of it hands a typed result its fields",
}


def test_functions_stay_short():
    """Measured from `def` to the last line, docstring and nested functions included."""
    functions = [
        (f"{path.relative_to(PACKAGE).as_posix()}: {node.name}", node.end_lineno - node.lineno + 1)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 1000
    assert {name for name, lines in functions if lines > 50} == set(LONG)


def test_the_cluster_profile_names_rules_and_groups_that_exist():
    """Snakemake passes over a misspelt rule of a profile without a word."""
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    names = set(re.findall(r"^ *rule (\w+):", rules, re.MULTILINE))
    profile = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    assert set(profile["set-resources"]) <= names
    assert set(profile["groups"]) <= names
    assert "group:" not in rules
    assert set(profile["group-components"]) == {*profile["groups"].values(), "sources"}
    assert names - set(profile["groups"]) == {"config", "extract"} | ({"all"} & names)
