"""Elsewhere: as a module of another workflow, in a container, and what the workflow catalogue asks for."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import BCG, ROOT
from synthesis.plan.plan import load
from synthesis.results.files import read_json
from test_workflow import jobs

# As `snakedeploy deploy-workflow` writes it, but for the place of the workflow.
MODULE = """
configfile: "config/config.yaml"


module synthesis:
    snakefile: {snakefile}
    config: config


use rule * from synthesis
"""
# Does what Apptainer does with a command: runs it by the image's shell, with the image's PATH and no other variables.
APPTAINER = """#!/bin/sh
case "$*" in
--version) echo "apptainer version 1.4.0" ;;
*exec*)
    for last; do :; done
    echo "$*" >> "{used}"
    exec env -i PATH="{bin}:/usr/bin:/bin" bash -c "$last"
    ;;
esac
"""
COPIED = ("LICENSE", "README.md", "Snakefile", "pyproject.toml", "requirements.lock", "setup.sh", "workflow")


def snakemake(folder, *arguments, ok=True, **variables):
    command = [sys.executable, "-m", "snakemake", "-d", str(folder), "--cores", "2", *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")} | variables
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == ok, said
    return said


def of_a_repository(folder):
    """The workflow as a commit of a repository, of which Snakemake reads one file after another."""
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=shutil.ignore_patterns("synthesis"))
    whose = ["-c", "user.name=reader", "-c", "user.email=reader@example.org"]
    for words in (["init", "-q"], ["add", "."], [*whose, "commit", "-qm", "The workflow"], ["tag", "v1"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return f'gitfile("{folder}", path="workflow/Snakefile", tag="v1")'


@pytest.mark.slow
@pytest.mark.parametrize("where", ["checkout", "repository"])
def test_the_workflow_is_a_module_of_another_one_with_its_plan_in_config(tmp_path, where):
    snakefile = f'"{ROOT}/workflow/Snakefile"' if where == "checkout" else of_a_repository(tmp_path / "repository")
    review = tmp_path / "review"
    shutil.copytree(BCG / "data", review / "data")
    for name, content in {
        "config/config.yaml": (BCG / "config.yaml").read_text(),
        "workflow/Snakefile": MODULE.format(snakefile=snakefile),
    }.items():
        (review / name).parent.mkdir()
        (review / name).write_text(content)
    planned = jobs(snakemake(review, "-n"))
    assert {"all", "report", "crate", "forest"} <= planned.keys()
    snakemake(review, "results/figures/forest_bcg.svg")
    assert round(read_json(review / "results" / "models" / "bcg.json")["estimate"], 4) == -0.7145


@pytest.mark.slow
def test_jobs_run_in_the_image_on_request(tmp_path):
    """Without Apptainer: its place takes a script that notes what it was given."""
    review, used = tmp_path / "review", tmp_path / "used"
    review.mkdir()
    shutil.copytree(BCG / "data", review / "data")
    shutil.copy(BCG / "config.yaml", review)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "apptainer"
    program.write_text(APPTAINER.format(used=used, bin=os.path.dirname(sys.executable)))  # noqa: PTH120
    program.chmod(0o755)
    image = tmp_path / "synthesis.sif"
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    asked = ("results/models/bcg.json", "-s", str(ROOT / "Snakefile"), "--software-deployment-method", "apptainer")
    said = snakemake(review, *asked, ok=False, PATH=path, SYNTHESIS_IMAGE=str(image))
    assert f"image: '{image}'; allowed: an image of this workflow" in said
    assert "Traceback" not in said
    image.touch()
    snakemake(review, *asked, PATH=path, SYNTHESIS_IMAGE=str(image))
    commands = used.read_text()
    assert commands.count(str(image)) == 2
    assert sys.executable not in commands
    assert round(read_json(review / "results" / "models" / "bcg.json")["estimate"], 4) == -0.7145


def test_the_snakefile_of_a_module_is_that_of_the_checkout():
    own, deployed = ((ROOT / name).read_text() for name in ("Snakefile", "workflow/Snakefile"))
    own, deployed = (text.partition("from snakemake")[2] for text in (own, deployed))
    assert deployed == own.replace('"workflow/rules/', '"rules/')


def test_images_are_made_of_the_lock_by_setup_sh():
    docker, apptainer = ((ROOT / name).read_text() for name in ("Dockerfile", "Apptainer.def"))
    bases = re.findall(r"^(?:FROM|From:) (debian:\S+)", docker + apptainer, re.MULTILINE)
    assert len(set(bases)) == 1
    for text in (docker, apptainer):
        assert "PYTHON=/usr/bin/python3 sh setup.sh" in text
        assert "pip install" not in text
        for name in COPIED:
            assert (ROOT / name).exists()
            assert re.search(rf"\b{re.escape(name)}\b", text), name
    # What setup.sh and the build of the package read is in the image.
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in COPIED} <= set(ignored)
    variables = [re.search(r"(PATH=/opt.*)", text)[1] for text in (docker, apptainer)]
    assert variables[0] == variables[1]
    assert "USER reader" in docker


def test_what_the_workflow_catalogue_asks_for_is_there():
    """Its generator: workflow/Snakefile, rules in .smk, config/README.md, the settings; make check has its linter."""
    for name in ("workflow/Snakefile", "config/README.md", ".snakemake-workflow-catalog.yml"):
        assert (ROOT / name).is_file(), name
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    assert usage["software-stack-deployment"].keys() == {"conda", "apptainer", "apptainer+conda"}
    assert usage["report"] is True


def test_the_plan_to_fill_in_is_one():
    plan = load(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()), "config/config.yaml")
    assert plan.sources("main") == ["my_source"]
