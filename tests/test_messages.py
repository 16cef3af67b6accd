# ruff: noqa: E501
"""What is said of slips in a plan and its data, one line per cause and nothing else; and what a run says of itself."""

import logging
import os
import pty
import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest
from conftest import BCG, ROOT
from synthesis.cli.main import main
from synthesis.cli.progress import LONGEST, TAIL, Voice, can_be_live, shortened, speak, tail
from synthesis.data.reading import read_layers
from synthesis.errors import MOST_SHOWN, InputError, Problem, placed, stops
from synthesis.plan import plan as planning
from synthesis.plan.conditions import undeclared
from synthesis.results.files import called_otherwise

PLAN = (BCG / "config.yaml").read_text()


def start():
    """What guard.smk and common.smk do."""
    with stops():
        layers = read_layers("config.yaml", [], {})
    with stops(layers):
        planning.check(planning.load(layers[0][1]))


def said(folder, monkeypatch):
    """The lines that a workflow says of the plan in a folder."""
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as end:
        start()
    # A text as the status: it is printed to standard error, and the status is 1.
    assert isinstance(end.value.code, str)
    return end.value.code.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        # --- YAML ---
        ("    lane: B", "\tlane: B", ["config.yaml, line 9, column 1: 'lane: B'; allowed: well-formed YAML: "
            "indentation by spaces (a tab)"]),
        ("    lane: B", "  \tlane: B", ["config.yaml, line 9, column 3: 'lane: B'; allowed: well-formed YAML: "
            "indentation by spaces (a tab)"]),
        ("title: BCG", "title: BCG: ", ["config.yaml, line 1, column 11: 'title: BCG:  vaccine against tuberculosis'; "
            "allowed: well-formed YAML: one colon in a line (text with a colon in quotation marks; or indentation)"]),
        ("    lane: B", "    lane:B", ["config.yaml, line 10, column 5: 'metric: log_risk_ratio'; allowed: well-formed "
            "YAML: key: value (a colon, the space after it, or a quotation mark is missing; it began in line 9)"]),
        ("[bcg]", "[bcg", ["config.yaml, line 6, column 10: 'syntheses:'; allowed: well-formed YAML: a list in [ ] or "
            "a mapping in { } that ends (a bracket or a comma is missing; it began in line 4)"]),
        ("title: BCG", 'title: "BCG', ["config.yaml, line 16, column 1: 'the file ends'; allowed: well-formed YAML: "
            "a text that ends as it began (a quotation mark is missing; it began in line 1)"]),
        ("    lane: B", "   lane: B", ["config.yaml, line 9, column 4: 'lane: B'; allowed: well-formed YAML: entries of "
            "a block below each other (indentation, or a dash or a colon missing; it began in line 7)"]),
        ("title: BCG", "title: *BCG", ["config.yaml, line 1, column 8: 'title: *BCG vaccine against tuberculosis'; "
            "allowed: well-formed YAML: an alias of an anchor that is there (text that begins with * in quotation "
            "marks)"]),
        ("title: BCG", "title: %BCG", ["config.yaml, line 1, column 8: 'title: %BCG vaccine against tuberculosis'; "
            "allowed: well-formed YAML: text that begins with a letter (in quotation marks where it begins with %, @ "
            "or `)"]),
        ("sources: [bcg]\n\n", "sources: [bcg]\n\0\n", ["config.yaml, line 5, column 1: '\\x00'; allowed: well-formed "
            "YAML: printable text (a file of another kind, or pasted control characters?)"]),
        ("sources: [bcg]\n", "sources: [bcg]\n---\n", ["config.yaml, line 5, column 1: '---'; allowed: well-formed "
            "YAML: one document (--- stands between two; it began in line 1)"]),
        ("question:", "title: again\nquestion:", ["config.yaml, line 2: 'title'; allowed: each key once (a block pasted "
            "twice?)"]),
        # --- keys ---
        ("    orientation:", "    orientatoin:", [re.compile(r"config.yaml, key syntheses.bcg.orientatoin: "
            r"'orientatoin'; allowed: one of title, lane, .* \(did you mean orientation\?\)")]),
        # One cause: the key is missing because it is misspelt.
        ("    metric:", "    metrik:", [re.compile(r"config.yaml, key syntheses.bcg.metrik: .*did you mean metric\?\)")]),
        ("    metric: log_risk_ratio\n", "", ["config.yaml, key syntheses.bcg.metric: 'missing'; allowed: a value: the "
            "key is required"]),
        ("  bcg:\n", "  BCG:\n", ["config.yaml, key syntheses.BCG: 'BCG'; allowed: a name of small letters, digits and "
            "underscores, a letter first"]),
        ("  bcg:\n", "  1:\n", ["config.yaml, key syntheses.1: '1'; allowed: a name of small letters, digits and "
            "underscores, a letter first"]),
        ("  bcg:\n", "  yes:\n", ["config.yaml, line 7: 'yes'; allowed: a word as key (YAML reads it as no word: in "
            "quotation marks)"]),
        ("  bcg:\n", "  on:\n", ["config.yaml, line 7: 'on'; allowed: a word as key (YAML reads it as no word: in "
            "quotation marks)"]),
        # --- values ---
        ("sources: [bcg]", "sources: bcg", ["config.yaml, key sources: 'bcg'; allowed: a list (write [bcg])"]),
        ("sources: [bcg]", "sources: []", ["config.yaml, key sources: 'an empty list'; allowed: at least 1 entries "
            "(there are 0)"]),
        ("sources: [bcg]", "sources:", ["config.yaml, key sources: 'nothing'; allowed: a list (nothing stands after the "
            "colon)"]),
        # One cause: the list is too short because its entry was refused.
        ("sources: [bcg]", "sources: [1]", ["config.yaml, key sources.0: '1'; allowed: text (YAML has its own reading "
            "of no, yes, on, off, null and numbers: put a word in quotation marks)"]),
        ("sources: [bcg]", "sources: [bcg, bcg]", ["config.yaml, key sources: 'bcg'; allowed: each name once (pasted "
            "twice?)"]),
        ("    sources: [bcg]", "    sources: [bgc]", ["config.yaml, key syntheses.bcg.sources: 'bgc'; allowed: one of "
            "bcg (did you mean bcg?)"]),
        ("log_risk_ratio", "RR", [re.compile("config.yaml, key syntheses.bcg.metric: 'RR'; allowed: one of z, .*log_risk_ratio, ")]),
        ("log_risk_ratio", "z", [re.compile(r"config.yaml, key syntheses.bcg.metric: 'z'; allowed: one of g, log_odds_ratio, log_risk_ratio, "
            r".*mean_difference \(it does not belong to lane B\)")]),
        ("ci: wald", "ci: WALD", [re.compile("config.yaml, key syntheses.bcg.ci: 'WALD'; .*did you mean wald")]),
        ("ci: wald", "ci: no", [re.compile("config.yaml, key syntheses.bcg.ci: 'false'; .*yes, no, on and off are")]),
        ("ci: wald", "rho: 60", ["config.yaml, key syntheses.bcg.rho: '60'; allowed: a number of at most 1 (a "
            "percentage? .95 is 95%)"]),
        ("ci: wald", "rho: 0,6", ["config.yaml, key syntheses.bcg.rho: '0,6'; allowed: a number (a decimal point, not a "
            "comma; without units)"]),
        ("ci: wald", "rho: -1", ["config.yaml, key syntheses.bcg.rho: '-1'; allowed: a number of at least 0"]),
        ("ci: wald", "rho: .nan", ["config.yaml, key syntheses.bcg.rho: 'nan'; allowed: a finite number"]),
        ("ci: wald", "group_by: [country]", [re.compile("config.yaml, key syntheses.bcg.group_by: 'a list'; allowed: ")]),
        ("ci: wald", "nonsignificant_as_zero: maybe", ["config.yaml, key syntheses.bcg.nonsignificant_as_zero: 'maybe'; "
            "allowed: true or false"]),
        ("ci: wald", "select: year > 1950", ["config.yaml, key syntheses.bcg.select: 'year > 1950'; allowed: a mapping: "
            "names, each with a colon and a value (a dash or a value where a name is needed?)"]),
        ("ci: wald", "select: {year: {at_least: late}}", ["config.yaml, key syntheses.bcg.select.year.at_least: 'late'; "
            "allowed: a number (a decimal point, not a comma; without units)"]),
        ("ci: wald", "select: {outcome: [flu]}", ["config.yaml, key syntheses.bcg.select.outcome: 'flu'; allowed: one of "
            "tuberculosis"]),
        ("ci: wald", "select: {outcome: [no]}", [re.compile("config.yaml, key syntheses.bcg.select.outcome: 'true or "
            "false'; .*put the word in quotation marks")]),
        ("[n]", "[n, nn]", ["config.yaml, key syntheses.bcg.columns: 'nn'; allowed: a column of data/raw/README.md, or "
            "one that source.yaml declares (did you mean n?)"]),
        ("title: BCG vaccine against t", "title: 2024 #", ["config.yaml, key title: '2024'; allowed: text (YAML has its "
            "own reading of no, yes, on, off, null and numbers: put a word in quotation marks)"]),
        ("title: BCG vaccine against t", "title: '' #", ["config.yaml, key title: ''; allowed: text that is not empty"]),
        ("question:", "defaults: REML\nquestion:", ["config.yaml, key defaults: 'REML'; allowed: a mapping of tau2, ci, "
            "model, level, rho, tau_scale (its keys belong below it, indented)"]),
        ("question:", "defaults: {tau_scale: {g: .inf}}\nquestion:", ["config.yaml, key defaults.tau_scale.g: 'inf'; "
            "allowed: a finite number"]),
        ("question:", "defaults: {level: 0.05}\nquestion:", ["config.yaml, key defaults.level: '0.05'; allowed: at least "
            "0.5 and below 1, like 0.95 (an alpha in its place? The intervals of 0.05 have level 0.95)"]),
        ("question:", "defaults: {level: 0.1}\nquestion:", [re.compile(".*defaults.level: '0.1'; .* level 0.9")]),
        ("question:", "defaults: {level: 0.01}\nquestion:", [re.compile(".*defaults.level: '0.01'; .* level 0.99")]),
        ("question:", "defaults: {level: 5}\nquestion:", [re.compile(".*defaults.level: '5'; allowed: a number less than 1")]),
        ("question:", "defaults: {level: 90}\nquestion:", [re.compile(".*defaults.level: '90'; .*percentage")]),
        ("question:", "date: 23.11.2026\nquestion:", ["config.yaml, key date: '23.11.2026'; allowed: a date as "
            "year-month-day, like 2026-11-23 (2026-11-23?)"]),
        ("question:", "date: 20261123\nquestion:", [re.compile(".*key date: '20261123'; allowed: a date as year-month-day")]),
        ("question:", "date: 2026-11-31\nquestion:", [re.compile("config.yaml, line 2: '2026-11-31'; .*a day of the calendar")]),
        ("question:", "date: 2999-01-01\nquestion:", ["config.yaml, key date: '2999-01-01'; allowed: a day that has come "
            "(a slip in the year, or day and month swapped?)"]),
        ("question:", "diagnostics: {funnel_from: ten}\nquestion:", ["config.yaml, key diagnostics.funnel_from: 'ten'; "
            "allowed: a whole number (without quotation marks, units and thousands separators)"]),
        ("question:", "figures: {x: {title: t, blocks: [bcg]}}\nquestion:", ["config.yaml, key figures.x.blocks.0: "
            "'bcg'; allowed: a mapping of synthesis, heading (its keys belong below it, indented)"]),
        ("question:", "comparisons: {x: {title: t, first: bcg, second: bgc}}\nquestion:", ["config.yaml, key "
            "comparisons.x.second: 'bgc'; allowed: one of bcg (did you mean bcg?)"]),
        ("question:", "diagnostic_figures: {bcg: [funel]}\nquestion:", [re.compile("config.yaml, key "
            "diagnostic_figures.bcg.0: 'funel'; .*did you mean funnel")]),
        # --- several at once, each named ---
        ("    lane: B", "    lane: D\n    tau2: RELM\n    rho: 2\n    titel: x", [
            "config.yaml, key syntheses.bcg.lane: 'D'; allowed: one of A, B, C",
            re.compile("config.yaml, key syntheses.bcg.tau2: 'RELM'; .*did you mean REML"),
            re.compile("config.yaml, key syntheses.bcg.rho: '2'; allowed: a number of at most 1"),
            re.compile("config.yaml, key syntheses.bcg.titel: .*did you mean title"),
        ]),
    ],
)  # fmt: skip
def test_slips_in_a_plan(project, monkeypatch, old, new, messages):
    assert old in PLAN
    project.config_path.write_text(PLAN.replace(old, new, 1))
    compare(said(project.folder, monkeypatch), messages)


def compare(lines, messages):
    assert len(lines) == len(messages), lines
    for line, message in zip(lines, messages, strict=True):
        assert message.fullmatch(line) or message.match(line) if isinstance(message, re.Pattern) else line == message
        # Nothing of how the plan is read.
        assert not re.search("pydantic|Input should|Traceback|NoneType|dict|tuple|while parsing|WorkflowError", line)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "config.yaml: 'nothing'; allowed: keys such as title, sources, syntheses (an empty file?)"),
        (b"# nothing yet\n", "config.yaml: 'nothing'; allowed: keys such as title, sources, syntheses (an empty file?)"),
        (b"- title\n", "config.yaml: 'a list'; allowed: keys such as title, sources, syntheses (each line a key, a colon "
            "and a value?)"),
        (b"title\n", "config.yaml: 'title'; allowed: keys such as title, sources, syntheses (each line a key, a colon and "
            "a value?)"),
        ("title: Lebensqualit\xe4t\n".encode("latin-1"), "config.yaml: 'not UTF-8'; allowed: UTF-8 text (saved by Excel "
            "or an old editor?)"),
    ],
)  # fmt: skip
def test_a_plan_that_is_none(project, monkeypatch, content, message):
    project.config_path.write_bytes(content)
    assert said(project.folder, monkeypatch) == [message]


def test_no_plan(project, monkeypatch):
    project.config_path.rename(project.folder / "config.yml")
    (line,) = said(project.folder, monkeypatch)
    assert line.startswith("config.yaml: 'no such file'")
    assert line.endswith("(config.yml must be called config.yaml)")
    project.config_path.mkdir()
    assert said(project.folder, monkeypatch)[0].startswith("config.yaml: 'a folder'; allowed: a YAML file")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("effects.csv", "locator", "locater", "row 1: 'locater'; allowed: a column of data/raw/README.md (did you mean "
            "locator?)"),
        ("effects.csv", ",4,", ",four,", "row 2, column events_treat: 'four'; allowed: a whole number of at least 0 and "
            "at most a billion, or empty (not a number; put remarks into note)"),
        ("effects.csv", "bcg_02", "bcg_01", "row 3, column effect_id: 'bcg_01'; allowed: a name not used before (row 2 "
            "has it) (a row pasted twice?)"),
        ("source.yaml", "licence:", "license:", "key license: 'license'; allowed: one of title, citation, doi, licence, "
             "extraction, limits, risk_score, same_people, other_people, fill_in, columns, vocabulary (did you mean licence?)"),
        ("source.yaml", "limits:", "limits: none #", "line 10, column 1: "),
    ],
)  # fmt: skip
def test_slips_in_the_data(project, monkeypatch, name, old, new, message):
    path = project.raw / "bcg" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    (line,) = said(project.folder, monkeypatch)
    assert line.startswith(f"data/raw/bcg/{name}, {message}")


def test_a_problem_is_one_line():
    assert "\n" not in str(Problem("key a\nb", "c\nd", "e\x1b[31m\r\nf"))


def test_the_file_that_holds_a_key_is_named():
    layers = [
        ("config.yaml", {"a": {"b": 1, "c": [{"d": 1}]}, "e": 1}),
        ("other.yaml", {"a": {"b": 2, "0.5": 3}}),
        ("--config", {"e": 2}),
    ]

    def where(key):
        return placed([Problem(f"config.yaml, key {key}", "", "")], layers)[0].where

    assert where("a.b") == "other.yaml, key a.b"
    assert where("a.c.0.d") == "config.yaml, key a.c.0.d"
    assert where("e") == "--config, key e"
    # What is missing belongs where the keys around it are.
    assert where("a.c.0.x") == "config.yaml, key a.c.0.x"
    assert where("x") == "config.yaml, key x"
    assert placed([Problem("data.csv, row 1", "", "")], layers)[0].where == "data.csv, row 1"


# --- by Snakemake -------------------------------------------------------------------------------------------------


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": str(folder)})


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-n",),
        *(
            pytest.param(given, marks=pytest.mark.slow)
            for given in (("--lint",), ("--dag",), ("--quiet", "all"), ("--profile", "none", "-c1"), ("--unlock",))
        ),
    ],
    ids=str,
)
def test_snakemake_says_the_message_alone(project, arguments):
    project.config_path.write_text(PLAN.replace("lane: B", "lane: D"))
    done = snakemake(project.folder, *arguments)
    assert done.returncode == 1
    assert alone(done) == ["config.yaml, key syntheses.bcg.lane: 'D'; allowed: one of A, B, C"]


def alone(done):
    """What was said, without the lines that Snakemake prints before it reads the plan."""
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if not line.startswith(("Using ", "Config file config.yaml is extended"))]


@pytest.mark.slow
def test_the_plan_that_was_given_is_named(project):
    other = project.folder / "other.yaml"
    other.write_text("defaults: {level: 95}\n")
    done = snakemake(project.folder, "-n", "--configfile", str(other))
    assert done.returncode == 1
    (line,) = alone(done)
    assert re.match(r"\S*other.yaml, key defaults.level: '95'; allowed: a number less than 1", line)
    done = snakemake(project.folder, "-n", "--config", "defaults=REML")
    assert done.returncode == 1
    assert alone(done)[0].startswith("--config, key defaults: 'REML'; allowed: a mapping of tau2, ci")


def test_a_cluster_s_job_ends_with_the_message_too(project):
    """It reads the plan again, in a process of its own."""
    project.config_path.write_text(PLAN.replace("lane: B", "lane: D"))
    done = snakemake(project.folder, "--mode", "remote", "--cores", "1", "results/config.json")
    assert done.returncode == 1
    assert alone(done) == ["config.yaml, key syntheses.bcg.lane: 'D'; allowed: one of A, B, C"]


# --- the course of a run ------------------------------------------------------------------------------------------


class Event(StrEnum):
    """As Snakemake's."""

    JOB_INFO, JOB_FINISHED, PROGRESS, JOB_ERROR, GROUP_ERROR, RUN_INFO = (
        "job_info", "job_finished", "progress", "job_error", "group_error", "run_info",
    )  # fmt: skip


@pytest.fixture
def log(request):
    """A logger with Snakemake's handler of the screen, replaced as in a run."""
    logger = logging.Logger(request.node.name)
    own = logging.StreamHandler(sys.stderr)
    own.name = "DefaultStreamHandler"
    logger.addHandler(own)
    speak(logger)
    assert [type(handler) for handler in logger.handlers] == [Voice]
    return logger


def test_a_run_of_any_size_is_short(log, capsys):
    total = 10_000
    log.info("Job stats", extra={"event": Event.RUN_INFO, "stats": {"total": total}})
    for job in range(total):
        extra = {"event": Event.JOB_INFO, "jobid": job, "rule_name": "a_rule_with_a_long_name" * 9, "wildcards": {}}
        log.info("x" * 20_000, extra=extra)
        log.info("Select jobs to execute...")
        log.info("Finished", extra={"event": Event.JOB_FINISHED, "job_id": job})
        log.info(None, extra={"event": Event.PROGRESS, "done": job + 1, "total": total})
    log.info("Complete log(s): somewhere")
    told = capsys.readouterr().err
    assert 1000 < len(told) < 5000
    assert told.splitlines()[-1].startswith("10000 of 10000: ")
    assert max(map(len, told.splitlines())) <= LONGEST


def failure(log, paths, indent=False, why=None):
    extra = {"event": Event.JOB_ERROR, "jobid": 5, "rule_name": "pool_bcg", "rule_msg": why, "log": paths}
    log.error("Error", extra=extra | {"indent": indent, "shellcmd": "set -euo pipefail; " * 1000, "aux": {}})


def test_a_failed_job_shows_the_end_of_its_log(log, capsys, tmp_path):
    path = tmp_path / "pool.log"
    path.write_text("\n".join(f"line {i}" for i in range(100)) + "\n\x1b[31mKeyError\x1b[0m: 'yi'\n\n")
    failure(log, [str(path)], why="out of memory")
    log.info("Complete log(s): somewhere")
    told = capsys.readouterr().err.splitlines()
    assert told[:3] == ["pool_bcg failed (job 5)", "  out of memory", "  end of its log:"]
    assert told[3:-2] == [*(f"    line {i}" for i in range(100 - TAIL + 1, 100)), "    KeyError: 'yi'"]
    assert told[-2:] == [f"  the whole log: {path}", "Complete log(s): somewhere"]


def test_a_job_without_a_log_is_named_with_where_it_should_be(log, capsys, tmp_path):
    (tmp_path / "empty.log").write_text("")
    failure(log, [str(tmp_path / "empty.log"), str(tmp_path / "none.log")])
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "pool_bcg failed (job 5)"
    assert told[1].startswith("  its log says nothing: ")


def test_of_a_group_the_cluster_s_log_is_shown_and_no_job_that_ended_well(log, capsys, tmp_path):
    (tmp_path / "slurm.log").write_text("pool_bcg failed (job 5)\n  end of its log:\n    no luck\n")
    (tmp_path / "done.log").write_text("13 effects\n")
    infos = [
        {"rule_name": "extract", "jobid": 1, "log": [str(tmp_path / "done.log")]},
        {"rule_name": "pool_bcg", "jobid": 5, "log": []},
    ]
    extra = {"event": Event.GROUP_ERROR, "groupid": "a", "aux_logs": [str(tmp_path / "slurm.log")]}
    log.error("Error in group a", extra=extra | {"job_error_info": infos})
    for _ in infos:
        failure(log, [], indent=True)
    told = capsys.readouterr().err
    assert told.startswith("one of a group of jobs failed: extract, pool_bcg\n  end of its log:\n    pool_bcg failed")
    assert "    no luck" in told
    assert "13 effects" not in told


def test_a_command_of_thousands_of_characters_is_not_shown(log, capsys):
    log.error("RuleException:\nCalledProcessError in file pool.smk, line 1:\nCommand '" + "x" * 15_000 + "' returned 1")
    log.error("MissingOutputException in rule x:\n" + ", ".join(["results/figures/a.svg"] * 500))
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "MissingOutputException in rule x:"
    assert len(told) == 2
    assert max(map(len, told)) <= LONGEST


def test_other_plug_ins_keep_the_screen():
    logger = logging.Logger("plugged")
    logger.addHandler(logging.NullHandler())
    speak(logger)
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]


def test_shortened_and_tail(tmp_path):
    assert shortened("a\tb\x1b[1;31mc\x07") == "a    bc"
    assert len(shortened("x" * 1000)) == LONGEST
    assert tail(Path("nowhere")) == []
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n\n\nend")
    assert tail(tmp_path / "binary")[-1] == "end"


@pytest.mark.parametrize(
    ("environment", "live"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False), ({"TERM": "xterm", "CI": "true"}, False)],
)
def test_a_live_line_needs_a_terminal_that_can(monkeypatch, environment, live):
    for name in ("TERM", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        assert can_be_live(terminal) is live
    os.close(ours)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        assert not can_be_live(pipe)


def test_a_refusal_in_a_model_carries_its_problems():
    with pytest.raises(InputError) as error:
        planning.load({"title": "t", "sources": ["a"], "syntheses": {"s": {"title": "t", "lane": "A", "metric": "g",
            "sources": ["a", "a"], "nonsignificant_as_zero": True, "columns": ["x"]}}})  # fmt: skip
    keys = [problem.where for problem in error.value.problems]
    assert keys == [f"config.yaml, key syntheses.s.{key}" for key in ("metric", "columns", "sources")]


def test_a_thousand_problems_are_no_thousand_lines():
    problems = [Problem(f"effects.csv, row {row}", "x", "a number") for row in range(1000)]
    with pytest.raises(SystemExit) as end, stops():
        raise InputError(problems)
    for text in (str(end.value.code), str(InputError(problems)).partition("\n")[2]):
        lines = text.splitlines()
        assert len(lines) == MOST_SHOWN + 1
        assert "row 49" in lines[-2]
        assert lines[-1].strip() == "and 950 more: mend these first"


@pytest.mark.parametrize(
    ("wanted", "there", "hint"),
    [
        ("config.yaml", "config.yml", "config.yml must be called config.yaml"),
        ("config.yaml", "config.yaml.txt", "config.yaml.txt must be called config.yaml"),
        ("effects.csv", "Effects.CSV", "Effects.CSV must be called effects.csv"),
        ("effects.csv", "effect.csv", ""),
    ],
)
def test_a_file_that_is_called_otherwise_is_named(tmp_path, wanted, there, hint):
    (tmp_path / there).touch()
    assert called_otherwise(tmp_path / wanted) == hint
    assert called_otherwise(tmp_path / "no folder" / wanted) == ""


def test_a_year_is_one(project):
    table = project.table.read_text()
    assert ",1948,protocol" in table
    project.table.write_text(table.replace(",1948,protocol", ",19480,protocol", 1))
    with pytest.raises(
        InputError, match=r"column year: '19480'; allowed: a whole number of at least 1800 and at most 2100"
    ):
        planning.check(planning.load(project.config, raw=project.raw), project.raw)


def test_a_source_of_a_name_that_no_folder_can_have_is_named(project):
    project.configure(sources=["x" * 300])
    with pytest.raises(InputError, match=r"key sources\.0"):
        planning.load(project.config, raw=project.raw)


def test_a_capital_letter_is_a_slip_of_a_name():
    assert undeclared("columns", "N", ("n", "rater")).hint == "did you mean n?"


def test_a_command_that_is_not_there_is_named_with_the_likely_one(capsys):
    with pytest.raises(SystemExit) as end:
        main(["ceck"])
    assert end.value.code == 2
    assert "there is no command 'ceck' (did you mean check?)" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("results/figures/forrest_bcg.pdf", "results/figures/forest_bcg.pdf"),
        ("results/figures/forest_bgc.svg", "results/figures/forest_bcg.svg"),
        ("reprot", "report"),
    ],
)
def test_a_target_that_nothing_makes_is_named_with_the_likely_one(project, target, meant):
    done = snakemake(project.folder, "-n", target)
    assert done.returncode == 1
    (line,) = alone(done)
    assert line.startswith(f"target: '{target}'; allowed: a result (results/README.md)")
    assert line.endswith(f"(did you mean {meant}?)")
