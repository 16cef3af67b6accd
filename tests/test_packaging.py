"""The wheel and the source archive do their work outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest
from conftest import ROOT
from shared import once
from synthesis.results.files import read_json

pytestmark = pytest.mark.slow


def build(folder):
    folder.mkdir()
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    return once(tmp_path_factory, "dist", build)


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_the_source_archive_has_every_file(dist):
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        held = {name.split("/", 1)[1] for name in packed.getnames() if "/" in name}
    assert [name for name in tracked() if name not in held and name != ".gitignore"] == []


def test_a_review_is_made_and_run_from_the_wheel(dist, tmp_path):
    """In an environment of its own, with the packages of this one, and nothing of the checkout."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    # A folder named in a .pth file is searched, but its own .pth files, and so the editable checkout, are not read.
    (venv / "others.pth").write_text(sysconfig.get_path("purelib"))
    (venv / "others.pth").rename(f"{site}/others.pth")
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)  # noqa: S202
    table = tmp_path / "table.csv"
    table.write_text("study,r,n\nAda 2001,.31,64\nBo 2004,.22,80\nCy 2009,.28,51\n")

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def synthesis(*arguments):
        command = [str(python), "-P", "-m", "synthesis", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr

    review = str(tmp_path / "review")
    options = ["--statistic", "r", "--better", "larger", "--citation", "Ada et al.", "--columns", "study=study"]
    synthesis("new", review, "--table", str(table), *options, "value=r", "n=n")
    synthesis("run", review, "--cores", "2", "results/figures/forest_table.svg", "results/tables/pooled.csv")
    assert read_json(tmp_path / "review" / "results" / "models" / "table.json")["samples"] == 3
    where = [str(python), "-P", "-c", "import synthesis; print(synthesis.__file__)"]
    said = subprocess.run(where, check=True, capture_output=True, text=True, env=environment).stdout
    assert str(venv) in said
