"""What a user's machine brings along: packages elsewhere."""

import shutil
from pathlib import Path

import pytest
import yaml
from test_workflow import copy, finished, snakemake

pytestmark = pytest.mark.slow
__all__ = ["copy", "finished"]


def test_packages_on_a_pythonpath_do_not_win_over_the_locked_ones(copy, monkeypatch):
    """Another scipy gives other numbers, or none."""
    foreign = copy / "foreign"
    foreign.mkdir()
    for name in ("scipy", "matplotlib", "msgspec"):
        (foreign / f"{name}.py").write_text("raise ImportError('another one')")
    monkeypatch.setenv("PYTHONPATH", str(foreign))
    for made in ("results/models/bcg.json", "results/figures/forest_bcg.svg"):
        (copy / made).unlink()
    snakemake(copy, "--cores", "2", "results/figures/forest_bcg.svg")
    assert (copy / "results" / "figures" / "forest_bcg.svg").exists()


def test_packages_that_snakemake_itself_took_from_a_pythonpath_are_named(copy, monkeypatch):
    foreign = copy / "foreign"
    shutil.copytree(Path(yaml.__file__).parent, foreign / "yaml")
    monkeypatch.setenv("PYTHONPATH", str(foreign))
    said = snakemake(copy, "-n", "--cores", "2", ok=False)
    assert "PYTHONPATH: " in said
    assert "unset PYTHONPATH" in said
    assert "Traceback" not in said
