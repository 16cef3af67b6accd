"""Times the planning of large reviews (`snakemake -n`): it must grow with their size, not with its square.

Run by hand: `python benchmarks/planning.py`; fails where a plan takes longer than its goal.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "bcg"
# Syntheses, sources.
SIZES = ((250, 20), (500, 20), (1000, 20), (250, 250), (500, 500))
GOAL = 10.0


def make(folder: Path, syntheses: int, sources: int, example: Path = EXAMPLE) -> None:
    """A review of copies of the example: each synthesis draws on one source."""
    plan = yaml.safe_load((example / "config.yaml").read_text(encoding="utf-8"))
    names = [f"source_{i}" for i in range(sources)]
    (synthesis,) = plan["syntheses"].values()
    content = plan | {
        "sources": names,
        "syntheses": {f"synthesis_{i}": synthesis | {"sources": [names[i % sources]]} for i in range(syntheses)},
    }
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    table = (example / "data/raw/bcg/effects.csv").read_text(encoding="utf-8")
    for name in names:
        source = folder / "data" / "raw" / name
        source.mkdir(parents=True)
        shutil.copy(example / "data/raw/bcg/source.yaml", source)
        (source / "effects.csv").write_text(table.replace("bcg_", f"{name}_"), encoding="utf-8")


def plan(folder: Path) -> float:
    """Seconds of a dry run."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder), "-n", "-q"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / ".cache")}
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    late = []
    for syntheses, sources in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "review"
            make(folder, syntheses, sources)
            seconds = plan(folder)
        print(f"{syntheses} syntheses over {sources} sources: {seconds:.1f} s", flush=True)
        if seconds > GOAL:
            late.append(f"{syntheses} syntheses over {sources} sources took {seconds:.1f} s, more than {GOAL:.0f} s")
    if late:
        sys.exit("\n".join(late))


if __name__ == "__main__":
    main()
