import csv
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"
BCG = ROOT / "examples" / "bcg"


@pytest.fixture(scope="session")
def metafor():
    """Effects and variances of the reference sets, and what metafor makes of them."""
    from tally import NAMES, reference

    return {name: reference(name)["data"] | reference(name) for name in NAMES}


@pytest.fixture(scope="session")
def escalc():
    return json.loads((DATA / "escalc.json").read_text())["sets"]


class Project:
    """A folder with config.yaml and data/raw that a test may spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_path = folder / "config.yaml"
        self.raw = folder / "data" / "raw"
        self.table = self.raw / "bcg" / "effects.csv"

    @property
    def config(self) -> dict:
        return yaml.safe_load(self.config_path.read_text())

    def configure(self, **changes) -> None:
        self.config_path.write_text(yaml.safe_dump(self.config | changes, sort_keys=False))

    def rows(self) -> list[dict[str, str]]:
        with self.table.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def write(self, rows: list[dict[str, str]], path: Path | None = None) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        with (path or self.table).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def change(self, row: int, **cells: str) -> None:
        rows = self.rows()
        rows[row].update(cells)
        self.write(rows)


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    """The results of the complete small review (tests/complete), made once; not to be changed.

    COMPLETE_REVIEW names the folder of one that was made before, as benchmarks/mutation.py does.
    """
    if made := os.environ.get("COMPLETE_REVIEW"):
        return Path(made) / "results"
    from complete_run import commands, prepare, run
    from shared import once

    return once(tmp_path_factory, "complete", lambda folder: run(prepare(folder), commands(folder))) / "results"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "review"
    folder.mkdir()
    shutil.copy(BCG / "config.yaml", folder)
    shutil.copytree(BCG / "data", folder / "data")
    return Project(folder)
