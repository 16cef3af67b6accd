"""Plans and lists of files that are longer than a command line may be."""

import shlex
import shutil
import subprocess

import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from synthesis.cli.main import main
from synthesis.plan import passing
from synthesis.results.files import read_json
from test_workflow import snakemake

# Linux: MAX_ARG_STRLEN, 32 pages of 4,096 bytes; bash gets a command as one word.
LONGEST_WORD = 131_072


@pytest.mark.parametrize("length", [10, passing.LONGEST, passing.LONGEST + 1, 3 * LONGEST_WORD])
def test_text_of_any_length_arrives(length, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = ("{'x': \"$(touch OWNED) \u00e9" * length)[:length]
    command = f"cat {passing.as_input(text)}"
    assert len(command.encode()) < LONGEST_WORD
    read = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert read.removesuffix("\n") == text
    assert not (tmp_path / "OWNED").exists()


@given(st.lists(st.text("ab/_. -@'\u00e9", min_size=1, max_size=40), min_size=1, max_size=500))
def test_lists_of_files_arrive(tmp_path_factory, paths):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        words = shlex.split(shlex.join(passing.as_arguments(paths)))
        assert len(" ".join(words).encode()) <= passing.LONGEST
        assert passing.expanded(["--models", *words, "--out", "x"]) == ["--models", *paths, "--out", "x"]


def test_same_text_is_the_same_parameter(tmp_path, monkeypatch):
    """Else each start of Snakemake would run everything again."""
    monkeypatch.chdir(tmp_path)
    first, second = "a" * LONGEST_WORD, "b" * LONGEST_WORD
    assert passing.as_input(first) == passing.as_input(first) != passing.as_input(second)
    assert len(list(passing.FOLDER.iterdir())) == 2


def test_a_file_named_like_a_list_is_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "@x"]) == 1
    assert "@x" in capsys.readouterr().err


@pytest.mark.slow
def test_no_command_of_a_large_plan_is_too_long(tmp_path):
    """150 syntheses: the plan alone is longer than a word may be."""
    shutil.copytree(ROOT / "examples" / "bcg" / "data", tmp_path / "data")
    plan = yaml.safe_load((ROOT / "examples" / "bcg" / "config.yaml").read_text())
    plan["syntheses"] = {f"bcg_{number}": plan["syntheses"]["bcg"] for number in range(150)}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plan))
    said = snakemake(tmp_path, "-n", "-p", "--cores", "1", "--quiet", "host")
    assert max(len(line.encode()) for line in said.splitlines()) < LONGEST_WORD
    assert (tmp_path / passing.FOLDER).is_dir()


@pytest.mark.slow
def test_a_long_plan_is_fitted(tmp_path):
    """A list of rows to leave out, as long as some are."""
    shutil.copytree(ROOT / "examples" / "bcg" / "data", tmp_path / "data")
    table = tmp_path / "data" / "raw" / "bcg" / "effects.csv"
    rows = table.read_text().splitlines(keepends=True)
    more = [
        f"screened_{n}," + row.replace(",", f",more_{n}_", 1).split(",", 1)[1]
        for n in range(5_000)
        for row in rows[1:2]
    ]
    table.write_text("".join([*rows, *more]))
    plan = yaml.safe_load((ROOT / "examples" / "bcg" / "config.yaml").read_text())
    plan["syntheses"]["bcg"]["select"] = {"effect_id": {"none_of": [row.split(",")[0] for row in more]}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plan))
    snakemake(tmp_path, "--cores", "1", "results/tables/pooled.csv", "results/diagnostics/bcg.json")
    assert round(read_json(tmp_path / "results" / "models" / "bcg.json")["estimate"], 4) == -0.7145
    assert "Nothing to be done" in snakemake(tmp_path, "--cores", "1", "results/tables/pooled.csv")
