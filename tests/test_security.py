"""What SECURITY.md promises: data and plan are text and numbers, never code, paths, markup or formulas."""

import ast
import csv
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from conftest import BCG, ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import nodes
from shared import once
from synthesis.cli.main import main
from synthesis.data import reading
from synthesis.data.reading import LARGEST_FILE, read_yaml
from synthesis.errors import InputError
from synthesis.report.environment import _environment
from synthesis.results.files import read_csv, read_json, write_csv

PACKAGE = ROOT / "workflow" / "synthesis"
EVIL = (
    "x' \" $(touch OWNED) `touch OWNED`; touch OWNED | {input} {params.plan} {0.__class__} %s \\ "
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> ]]> --> </svg> javascript:alert(1) $\\alpha$"
)


def refused(project, capsys, *said):
    assert main(["check", "--config", str(project.config_path), "--raw", str(project.raw)]) == 1
    message = capsys.readouterr().err
    for part in said:
        assert part in message, message


# --- no code from data --------------------------------------------------------------------------------------------


def calls(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_evaluates_loads_or_starts_what_data_could_name(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    named |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    # Reads and writes percent signs in addresses, and opens none.
    named = {name.split(".")[0] for name in named - {"urllib.parse"}}
    if path == PACKAGE / "cli" / "run.py":
        # Starts Snakemake with what its user typed, as a list of words and not through a shell.
        assert "shell=True" not in path.read_text(encoding="utf-8")
        named.remove("subprocess")
    if path.parent == PACKAGE / "cli" and path.stem in ("asking", "preloaded"):
        # Commands of one run, asked for through a socket in a folder that its user alone can read.
        named -= {"socket", "subprocess"} if path.stem == "preloaded" else {"socket"}
        assert "AF_INET" not in path.read_text(encoding="utf-8")
        assert "shell=True" not in path.read_text(encoding="utf-8")
    assert not named & {"pickle", "marshal", "shelve", "subprocess", "socket", "urllib", "http", "ctypes"}
    for call in calls(tree):
        name = ast.unparse(call.func)
        assert name not in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}, name
        assert name not in {"yaml.load", "yaml.full_load", "yaml.unsafe_load"}, name
        if name == "import_module":
            own = (PACKAGE / "__init__.py", PACKAGE / "cli" / "main.py", PACKAGE / "cli" / "preloaded.py")
            assert path in own, "the package's own names"
        if name.endswith(".format"):
            # A template is a constant, so that text from data is never one.
            template = call.func.value
            assert isinstance(template, ast.Constant) or ast.unparse(template).rpartition(".")[2].isupper(), name


def test_every_value_in_a_shell_command_is_quoted_or_a_number():
    numbers = {"params.shards", "wildcards.shard"}
    seen = 0
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for block in re.findall(r"^ +shell:\n((?: +\".*\n)+)", path.read_text(), re.MULTILINE):
            for name in re.findall(r"\{([^{}]+)\}", block):
                seen += 1
                # Quoted where it is made.
                plan = name == "params.plan" and re.search(
                    r"^ +plan=(lambda wildcards: )?as_input\(", path.read_text(), re.M
                )
                assert name.endswith(":q") or name in numbers or plan, f"{path.name}: {name}"
        assert "plan=PLAN" not in path.read_text()
    assert seen > 60


# --- the plan -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("title: !!python/object/apply:os.system ['touch OWNED']", "allowed: well-formed YAML: plain data"),
        ("title: !!python/name:os.system", "allowed: well-formed YAML: plain data"),
        ("__use_yte__: true\ntitle: ?open('OWNED', 'w')", "key __use_yte__: 'a template'; allowed: plain data"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "values'; allowed: at most 200000 values (aliases of aliases"),
        ("a: &a [*a]", "an alias inside of what it names"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        ("{a: " * 50_000 + "}" * 50_000, "nested too deeply"),
        ("- " * 50_000 + "x", "nested too deeply"),
        ("? " * 50_000 + "x", "nested too deeply"),
        ("".join(f"{' ' * level}a:\n" for level in range(2500)), "nested too deeply"),
        ("a:\tb\nc", "well-formed YAML"),
        ("{[a, b]: 1}", "a list or mapping as key"),
        ("title: 2026-13-45", "well-formed YAML"),
        ("title: a\ntitle: b", "each key once"),
        ("#" * (LARGEST_FILE + 1), f"at most {LARGEST_FILE} bytes"),
    ],
)  # fmt: skip
def test_yaml_is_plain_data_of_a_sane_size(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(InputError) as refusal:
        read_yaml(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.yaml"]


TEXTS = [path.read_text() for path in sorted(ROOT.glob("[cdew]*/**/*.yaml")) if path.stat().st_size < 20_000]


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML without libyaml")
@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_libyaml_reads_what_the_other_reader_of_yaml_reads(data):
    text = data.draw(st.sampled_from(TEXTS))
    start = data.draw(st.integers(0, len(text)))
    text = text[start : start + data.draw(st.integers(0, 400))].partition("\n")[2]
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(st.sampled_from(":-[]{},#&*!|>'\"%@`?\t\n ~0.ey\\é\u2028\x85\ufeff\xa0😀"))
            + text[at:]
        )
    if not reading._is_plain(text):
        return
    results = []
    for loader in (reading._FastLoader, reading._StrictLoader):
        try:
            results.append(repr(reading._content(Path("x"), loader(text))))
        except (yaml.YAMLError, InputError, ValueError) as error:
            results.append(str(error) if isinstance(error, InputError) else None)
    # What libyaml does not take is read by the other.
    assert results[0] in (None, results[1])


def test_aliases_that_stay_small_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1}\nb: *a\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"select": {"year > 1950 or __import__('os')": ["1"]}}, "allowed: a column of data/raw/README.md"),
        ({"select": {"__class__": ["1"]}}, "'__class__'; allowed: a column"),
        ({"select": {"year": {"expression": "x"}}}, "any_of, none_of, at_least, at_most"),
        ({"select": {"year": {"at_least": "__import__('os').getpid()"}}}, "at_least"),
        ({"select": "year > 1950"}, "key syntheses.bcg.select"),
        ({"columns": ["../../etc/passwd"]}, "'../../etc/passwd'; allowed: a column"),
        ({"group_by": "eval(x)"}, "eval(x)"),
        ({"moderators": ["$(id)"]}, "$(id)"),
        ({"tau2": "REML'); DROP"}, "one of"),
        ({"sources": ["../bcg"]}, "../bcg"),
        ({"sources": ["/etc"]}, "/etc"),
    ],
)
def test_selections_are_a_small_grammar(project, capsys, changes, said):
    content = project.config
    content["syntheses"]["bcg"] |= changes
    project.configure(syntheses=content["syntheses"])
    refused(project, capsys, said)


NAMES = ("../out", "/out", "a b", "a;b", "$(id)", "a/b", "a.b", "A", "", "-rf", "a\nb", "x" * 61)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["syntheses", "figures", "multiverses", "comparisons", "bridges", "sources"])
def test_names_cannot_be_paths_or_commands(project, capsys, place, name):
    content = project.config
    block = content["syntheses"]["bcg"]
    entry = {
        "syntheses": {"bcg": block, name: block},
        "figures": {name: {"title": "t", "blocks": [{"synthesis": "bcg"}]}},
        "multiverses": {name: {"synthesis": "bcg"}},
        "comparisons": {name: {"title": "t", "first": "bcg"}},
        "bridges": {name: {"title": "t", "association": "bcg", "effect": "bcg"}},
        "sources": ["bcg", name],
    }[place]
    project.configure(**{place: entry})
    refused(project, capsys, "at most 60 characters" if len(name) > 60 else "allowed: a name of small letters, digits")


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bcg/effects.csv", "bcg/source.yaml", "bcg", "corrections.csv", "claims.csv"])
def test_links_that_leave_the_data_are_refused(project, capsys, tmp_path, name):
    path, outside = project.raw / name, tmp_path / "outside"
    if path.exists():
        path.rename(outside)
    else:
        outside.write_text("")
    path.symlink_to(outside)
    refused(project, capsys, f"leads to {outside}", "a link that leaves the folder? Copy the file instead")


def test_links_inside_of_the_data_and_data_that_are_linked_as_a_whole_are_read(project, tmp_path):
    project.table.rename(project.raw / "bcg" / "table.csv")
    project.table.symlink_to("table.csv")
    project.raw.rename(tmp_path / "elsewhere")
    project.raw.symlink_to(tmp_path / "elsewhere")
    assert main(["check", "--config", str(project.config_path), "--raw", str(project.raw)]) == 0


def test_a_pipe_in_place_of_a_table_is_refused(project, capsys):
    project.table.unlink()
    os.mkfifo(project.table)
    assert stat.S_ISFIFO(project.table.stat().st_mode)
    refused(project, capsys, "'no ordinary file'")


def test_sources_given_by_hand_stay_in_their_folder(project, capsys, tmp_path):
    shutil.copytree(project.raw / "bcg", tmp_path / "secret")
    command = ["extract", "--raw", str(project.raw), "--metrics", "log_risk_ratio", "--out", str(tmp_path / "o.json")]
    assert main([*command, "--source", "../../../secret"]) == 1
    assert f"leads to {tmp_path / 'secret' / 'effects.csv'}" in capsys.readouterr().err
    assert not (tmp_path / "o.json").exists()


def test_a_result_replaces_a_link_and_is_not_written_through_it(tmp_path):
    outside, path = tmp_path / "outside.csv", tmp_path / "a.csv"
    outside.write_text("precious")
    path.symlink_to(outside)
    write_csv(path, [{"a": 1.0}])
    assert outside.read_text() == "precious"
    assert not path.is_symlink()


# --- spreadsheets -------------------------------------------------------------------------------------------------

FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "'=1", "''=1", "=cmd|'/c calc'!A1",
    "-", "--", "-0.3 [-0.5, -0.1]",
)  # fmt: skip
PLAIN = ("", "word", "'quoted'", "'", "1=1", "a-b", "\u22120.30", "-0.3", "+3", "-1e-5", "1", '"a",b\r\nc')


def test_formulas_are_neutralised_and_come_back(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [{"text": text, "number": -0.5} for text in FORMULAS])
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["text"] for row in rows] == ["'" + text for text in FORMULAS]
    assert {row["number"] for row in rows} == {"-0.5"}
    assert [row["text"] for row in read_csv(path)] == list(FORMULAS)


def test_numbers_and_ordinary_text_stay_as_they_are(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [{"text": text, "number": -2.0} for text in PLAIN])
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["text"] for row in rows] == list(PLAIN)
    assert {row["number"] for row in rows} == {"-2"}


# --- what leaves the project --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run on hostile text, shared by all workers: only to be read."""
    return once(tmp_path_factory, "hostile", run_hostile)


def run_hostile(folder):
    """The example with hostile text wherever text may stand, run to the end."""
    folder.mkdir()
    shutil.copytree(BCG / "data", folder / "data")
    table = folder / "data" / "raw" / "bcg" / "effects.csv"
    with table.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows[:3]:
        row |= dict.fromkeys(("study", "label", "treatment", "country", "locator", "note", "citation"), EVIL)
        row |= {"quote": f"{EVIL} {row['quote']}", "url": "https://example.org/?'\"><script>alert(1)</script>"}
    with table.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    about = table.with_name("source.yaml")
    content = yaml.safe_load(about.read_text())
    content |= {"title": EVIL, "citation": EVIL, "licence": EVIL, "limits": [EVIL, "=1+1"]}
    about.write_text(yaml.safe_dump(content))
    plan = yaml.safe_load((BCG / "config.yaml").read_text())
    # A title that is a formula, a comment that ends, and a line of R.
    block = plan["syntheses"]["bcg"] | {"title": f"=1+1\nsystem('touch OWNED')\r{EVIL}", "note": EVIL}
    block |= {"favours": [EVIL, EVIL], "columns": ["country", "treatment"]}
    plan |= {"title": EVIL, "question": EVIL, "syntheses": {"bcg": block}}
    options = {EVIL: {"kind": "equivalent"}, "late": {"kind": "uncertain", "select": {"year": {"at_least": 1950}}}}
    plan["multiverses"] = {"all": {"synthesis": "bcg", "title": EVIL, "permutations": 99, "which": {
        "years": {"title": EVIL, "options": options}}}}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(plan))
    done = run(folder, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr


def run(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": str(ROOT / "workflow")}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


@pytest.mark.slow
def test_no_shell_runs_what_data_or_plan_say(hostile):
    plan = read_json(hostile / "results" / "config.json")
    assert (plan["title"], plan["syntheses"]["bcg"]["note"]) == (EVIL, EVIL)
    assert not list(hostile.rglob("OWNED"))
    assert not (ROOT / "OWNED").exists()


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.handlers = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src", "xlink:href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["report.html", "report_appendix.html"])
def test_the_report_holds_no_markup_from_data(hostile, name):
    page = Page()
    page.feed((hostile / "results" / name).read_text(encoding="utf-8"))
    assert page.tags.count("script") == 2
    assert not {"img", "iframe", "object", "embed", "form", "base", "foreignobject", "animate"} & set(page.tags)
    assert page.handlers == []
    assert page.addresses
    for address in page.addresses:
        assert re.match(
            r"#|https://|http://|report(_appendix)?\.html(#[\w-]+)?$|(figures|models|diagnostics|tables|multiverse|r)/[\w/.-]+$",
            address,
        ), address


def test_every_text_of_a_page_is_escaped_but_what_the_package_wrote():
    """Drawings, the style sheet and the script are trusted, by one function; no template asks for another exception."""
    calls_of = {"Markup": [], "trusted": []}
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in calls_of:
                calls_of[name].append((path.name, ast.unparse(call.args[0])))
    assert calls_of["Markup"] == [("environment.py", "written")]
    style, script = "read_asset('style.css')", "read_asset('report.js')"
    assert sorted(calls_of["trusted"]) == [
        ("changes_page.py", style),
        ("embedding.py", "_embedded(drawing.svg, notes)"),
        ("page.py", f"font_faces() + {style}"),
        ("page.py", script),
    ]
    templates = sorted((PACKAGE / "report" / "templates").rglob("*.j2"))
    assert len(templates) > 10
    for path in templates:
        parsed = _environment().parse(path.read_text(encoding="utf-8"))
        filters = {node.name for node in parsed.find_all(nodes.Filter)}
        assert not filters & {"safe", "forceescape", "attr", "xmlattr", "urlize"}, path
        assert not list(parsed.find_all(nodes.ScopedEvalContextModifier)), path
    assert _environment().autoescape is True


@pytest.mark.slow
def test_drawings_hold_no_script(hostile):
    paths = sorted((hostile / "results" / "figures").glob("*.svg"))
    assert len(paths) >= 5
    for path in paths:
        for element in ElementTree.parse(path).iter():  # noqa: S314 our own drawing
            tag = str(element.tag).rpartition("}")[2]
            assert tag not in {"script", "foreignObject", "image", "a", "animate", "set", "handler"}, path
            for name, value in element.attrib.items():
                assert not name.startswith("on"), path
                assert not name.endswith("href") or value.startswith("#"), path


@pytest.mark.slow
def test_tables_hold_no_formula(hostile):
    seen = 0
    for path in (hostile / "results").rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as handle:
            for cells in csv.reader(handle):
                for cell in cells:
                    seen += cell.startswith("'=")
                    if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
                        float(cell)
    assert seen


@pytest.mark.slow
def test_r_scripts_hold_nothing_of_the_data_but_a_comment(hostile):
    lines = (hostile / "results" / "r" / "bcg.R").read_text(encoding="utf-8").split("\n")
    assert "OWNED" in lines[0]
    assert lines[0].startswith("# ")
    for line in lines[1:]:
        assert "OWNED" not in line
    assert "\r" not in "\n".join(lines)


def test_a_template_in_the_plan_is_refused_before_snakemake_reads_it(tmp_path):
    """Its own reader evaluates Python in a file with this key, and does so in a dry run."""
    shutil.copytree(BCG / "data", tmp_path / "data")
    owned = tmp_path / "OWNED"
    (tmp_path / "config.yaml").write_text(f"__use_yte__: true\ntitle: ?open({str(owned)!r}, 'w').name\n")
    done = run(tmp_path, "-n")
    assert done.returncode != 0
    assert "key __use_yte__: 'a template'; allowed: plain data" in done.stdout + done.stderr
    assert not owned.exists()


# --- what is installed --------------------------------------------------------------------------------------------


def test_every_package_is_installed_by_its_hash():
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    pins = [pin for pin in pins if not pin.startswith("#")]
    assert len(pins) > 50
    for pin in pins:
        assert re.match(r"[\w.\[\],-]+==[\w.]+", pin), pin
        assert "--hash=sha256:" in pin, pin
    setup = (ROOT / "setup.sh").read_text()
    for line in setup.splitlines():
        if "pip install" in line and not line.strip().startswith("#"):
            assert "--require-hashes" in line or ("--no-deps" in line and "--editable ." in line), line


def test_the_browser_tests_lock_their_packages():
    lock = json.loads((ROOT / "tests" / "browser" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("exit 1", 2, "not done: pip-audit"),
        ('case "$*" in *--version*) exit 0;; esac; echo "Max retries exceeded"; exit 1', 2, "not done: no database"),
        ('case "$*" in *--version*) exit 0;; esac; echo "Found 1 known vulnerability"; exit 1', 1, "Found 1 known"),
        ("exit 0", 0, ""),
    ],
)
def test_an_audit_without_a_database_says_so(tmp_path, script, status, said):
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(0o755)
    done = subprocess.run(["sh", "tests/audit.sh", str(uv)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
