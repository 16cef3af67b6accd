"""What Snakemake keeps in `.snakemake` as a review grows, and after how many runs: docs/scale.md.

Run by hand: `python benchmarks/kept.py`; fails where records grow faster than the outputs that they are of.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from pathlib import Path

import planning

PAGE = planning.ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- kept: written by python benchmarks/kept.py -->", "<!-- end of kept -->"
# Syntheses, each with its own forest plot, export and model card, over five sources.
SIZES = (5, 10, 20)
STEEPEST = 1.2


def run(folder: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "-s", str(planning.ROOT / "Snakefile"), "-d", str(folder), "-c2"]
    subprocess.run(command, check=True, cwd=planning.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kept(syntheses: int) -> tuple[int, int, int, int]:
    """Records, their bytes, the bytes of everything, and of everything after a second run with another title."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "review"
        planning.make(folder, syntheses, 5)
        run(folder)
        records = folder / ".snakemake" / "metadata"
        count, first, whole = len([*records.iterdir()]), size(records), size(folder / ".snakemake")
        plan = folder / "config.yaml"
        plan.write_text(plan.read_text().replace("title: BCG vaccine", "title: The BCG vaccine"))
        run(folder)
        return count, first, whole, size(folder / ".snakemake")


def main() -> int:
    rows, measured = [], []
    for syntheses in SIZES:
        count, records, whole, again = kept(syntheses)
        measured.append((count, records))
        rows.append(
            f"| {syntheses} | {count} | {records / 1e6:.2f} MB | {records / count / 1000:.1f} kB "
            f"| {whole / 1e6:.2f} MB | {again / 1e6:.2f} MB |"
        )
        print(rows[-1], flush=True)
    (few, small), (many, large) = measured[0], measured[-1]
    exponent = math.log(large / small) / math.log(many / few)
    content = [
        BEGIN,
        "| syntheses | outputs | their records | a record | all of `.snakemake` | after a second run, titles changed |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"Records grow with the number of outputs to the power of {exponent:.2f}.",
        END,
    ]
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN)] + "\n".join(content) + text[text.index(END) + len(END) :])
    return int(exponent > STEEPEST)


if __name__ == "__main__":
    sys.exit(main())
