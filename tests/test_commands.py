"""Commands of the package by hand, without Snakemake, and that a failed one leaves nothing."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
import synthesis
from conftest import ROOT
from synthesis.cli.main import STAGES, main, parser_of
from synthesis.results.files import read_json


def test_commands_run_by_hand_without_snakemake(project, tmp_path, capsys):
    from synthesis.cli.main import main

    out = ["--out", str(tmp_path / "bcg_model.json"), "--check", str(tmp_path / "bcg_check.json")]
    common = ["--config", str(project.config_path)]
    sources = ["--sources", str(tmp_path / "bcg.json")]
    assert (
        main(
            [
                "extract",
                "--raw",
                str(project.raw),
                "--source",
                "bcg",
                "--metrics",
                "log_risk_ratio",
                "--out",
                sources[1],
            ]
        )
        == 0
    )
    assert main(["fit", *common, "--synthesis", "bcg", *sources, *out]) == 0
    assert "-0.7145" in capsys.readouterr().out
    assert main(["fit", *common, "--synthesis", "nothing", *sources, *out]) == 1
    assert "one of bcg" in capsys.readouterr().err
    assert main(["config", *common, "--out", str(tmp_path / "config.json")]) == 0
    assert read_json(tmp_path / "config.json")["defaults"]["rho"] == 0.6


def test_a_fit_that_its_second_route_contradicts_is_not_written(project, tmp_path, capsys, monkeypatch):
    """What is drawn waits for the fit, and that is not there where two routes part."""
    import dataclasses

    from synthesis.cli.main import main
    from synthesis.review import fit

    right = fit.pool
    monkeypatch.setattr(fit, "pool", lambda *a, **k: dataclasses.replace(f := right(*a, **k), se=1.01 * f.se))
    source = str(tmp_path / "bcg.json")
    metric = ["--metrics", "log_risk_ratio"]
    assert main(["extract", "--raw", str(project.raw), "--source", "bcg", *metric, "--out", source]) == 0
    written = ["--out", str(tmp_path / "models" / "bcg.json"), "--check", str(tmp_path / "crosscheck" / "bcg.json")]
    fitted = ["fit", "--config", str(project.config_path), "--synthesis", "bcg", "--sources", source, *written]
    assert main(fitted) == 1
    assert "bcg se: " in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / "crosscheck").exists()


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    from synthesis.results.files import replace, write_text

    path = tmp_path / "a.txt"
    write_text(path, "before")

    def broken(target):
        target.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace(path, broken)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_risk_of_bias_is_drawn_on_the_scales_that_the_sources_declare(project, tmp_path):
    """The command drew declared scores as scores whose good end nobody stated."""
    from synthesis.cli.main import main
    from synthesis.results.document import write_document
    from typed import fitted

    fit = synthesis.pool([0.1, 0.3], [0.04, 0.05])
    studies = [
        {"sample_id": name, "rob": rating, "source": "bcg", "yi": 0.1, "vi": 0.04, "weight": 50.0}
        for name, rating in (("a", "0"), ("b", "4"))
    ]
    content = fit.to_dict() | {"synthesis": "bcg", "sources": ["bcg"], "studies": studies}
    write_document(tmp_path / "bcg.json", fitted(content))
    about = project.raw / "bcg" / "source.yaml"
    scale = "risk_score: {lowest: 0, highest: 4, better: larger, basis: the source says so}\n"
    about.write_text(about.read_text() + scale)
    asked = ["--models", str(tmp_path / "bcg.json"), "--about", str(about), "--out", str(tmp_path)]
    assert main(["risk-of-bias", "--config", str(project.config_path), *asked]) == 0
    drawn = (tmp_path / "risk_of_bias.svg").read_text()
    assert "4 (lowest risk)" in drawn
    assert "0 (highest risk)" in drawn
    assert "not stated" not in drawn


def _filled(command, parser):
    """A command with a file that is not there wherever one is asked for."""
    words = [command]
    for action in parser._actions:
        if not action.required or isinstance(action, argparse._HelpAction):
            continue
        value = "not_there/x.json" if action.type is Path else (action.choices or ["bcg"])[0]
        if action.type is int:
            value = "1"
        if "--config" in action.option_strings:
            value = str(ROOT / "examples" / "bcg" / "config.yaml")
        words += [*action.option_strings[:1], str(value)]
    return words


@pytest.mark.parametrize("command", [name for names in STAGES.values() for name in names])
def test_a_file_that_is_not_there_is_named(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (added,) = (a for a in parser_of()._actions if isinstance(a, argparse._SubParsersAction))
    status = main(_filled(command, added.choices[command]))
    # Two commands read nothing but the plan.
    assert status == (0 if command in ("config", "schemas") else 1)
    assert status == 0 or capsys.readouterr().err.startswith(f"synthesis {command}: ")


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    command = [sys.executable, "-m", "synthesis", "check", "--config", "config.yaml"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.stderr == ""
