"""The tutorial, followed to the letter in a folder of its own: its commands run, its numbers and messages are found."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tolerances
from conftest import ROOT

pytestmark = pytest.mark.slow

_BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks():
    """Kind, what is meant, and content of every block."""
    return _BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text())


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like the checkout to whoever types the commands."""
    for name in ("Snakefile", "workflow", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("results", ".snakemake"))
    return tmp_path


def test_every_command_and_number_of_the_tutorial(folder):
    home = {"XDG_CACHE_HOME": str(folder / ".cache"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said, ran = "", 0
    for kind, meant, content in blocks():
        match kind, meant:
            case "sh", "setup":
                assert "make setup" in content
            case "sh", ("" | "fails"):
                done = subprocess.run(
                    ["bash", "-ec", content], cwd=folder, env=os.environ | home, capture_output=True, text=True
                )
                said = done.stdout + done.stderr
                assert (done.returncode != 0) == (meant == "fails"), said
                ran += 1
            case "text", "says":
                assert content.strip() in said
            case "text", "table":
                assert (ROOT / "examples" / "low_dose_tricyclics.csv").read_text().startswith(content)
            case "text", "pooled":
                with (folder / "my-review" / "results" / "tables" / "pooled.csv").open() as handle:
                    (row,) = csv.DictReader(handle)
                for name, printed in (line.split() for line in content.splitlines()):
                    half = 0.5 * 10 ** -len(printed.partition(".")[2])
                    assert float(row[name]) == pytest.approx(float(printed), abs=half), name
            case "yaml", path:
                with (folder / path).open("a") as handle:
                    handle.write("\n" + content)
            case _:
                pytest.fail(f"the tutorial has a block that is not checked: {kind} {meant}")
    assert ran == 9
    figures = folder / "my-review" / "results" / "figures"
    for name in re.findall(r"`(?:[\w/-]*/)?(\w+\.svg)`", (ROOT / "docs" / "tutorial.md").read_text()):
        assert (figures / name).exists(), name


def test_the_tutorial_agrees_with_metafor():
    """metafor's rma(measure="SMD", test="knha") of the same data, with the sign turned."""
    from tally import reference

    stored = reference("furukawa2003")["rma"]["REML"]["knha"]
    (content,) = [content for kind, meant, content in blocks() if meant == "pooled"]
    printed = {name: float(value) for name, value in (line.split() for line in content.splitlines())}
    assert printed["estimate"] == pytest.approx(-stored["estimate"], abs=tolerances.PRINTED_4)
    assert printed["ci_low"] == pytest.approx(-stored["ci_ub"], abs=tolerances.PRINTED_4)
    assert printed["ci_high"] == pytest.approx(-stored["ci_lb"], abs=tolerances.PRINTED_4)
    assert printed["tau2"] == pytest.approx(stored["tau2"], abs=tolerances.PRINTED_4)
