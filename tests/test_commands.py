"""Commands of the package by hand, without Snakemake, and that a failed one leaves nothing."""

import pytest
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
