"""Where files are in a storage, or gone: the same bytes, no stale data, and what is missing is made again."""

import shutil
from functools import partial

import pytest
from conftest import ROOT
from shared import once
from test_workflow import digests, example_twice, snakemake

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, shared by all workers: only to be read."""
    return once(tmp_path_factory, "finished", example_twice)


def test_a_site_without_a_shared_folder_gives_the_same_bytes(finished, tmp_path):
    """Every file is in a storage, from which jobs have copies, and nothing of the run is in its folder."""
    folder, storage = tmp_path / "run's", tmp_path / "kept elsewhere"
    for place in (folder, storage):
        shutil.copytree(finished / "data", place / "data")
    shutil.copy(finished / "config.yaml", folder)
    stored = ["--default-storage-provider", "beside", "--default-storage-prefix", str(storage)]
    stored += ["--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache"]
    run = partial(snakemake, folder, "--cores", "2", *stored, packages=ROOT / "tests" / "storage")
    said = run()
    assert len(said) < 10_000
    assert digests(storage) == digests(finished)
    assert not (folder / "results").exists()
    assert "Nothing to be done" in run()
    # What is checked here is what jobs read there.
    table = folder / "data/raw/other/effects.csv"
    table.write_text(table.read_text().replace("Aronson", "Aaronson"))
    said = run(ok=False)
    assert "data/raw/other/effects.csv: 'the storage has another content'" in said
    shutil.copytree(folder / "data", storage / "data", dirs_exist_ok=True)
    run()
    assert digests(storage) != digests(finished)


def test_a_figure_of_the_manuscript_that_was_deleted_comes_back(finished, tmp_path):
    """The folder is one output: Snakemake does not miss a file of it."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    deleted = folder / "results/manuscript/figures/prisma_flow.pdf"
    deleted.unlink()
    # Whoever only looks at the workflow takes nothing away.
    snakemake(folder, "--rulegraph")
    assert deleted.parent.exists()
    said = snakemake(folder, "--cores", "2")
    assert digests(folder) == digests(finished)
    assert "fit" not in said
