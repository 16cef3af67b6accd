"""What is done once for all figures of a run."""

from __future__ import annotations

import subprocess
import sys

_AFTER_WARMING = """
import sys
from synthesis.draw.canvas import Page, Style, settings
from synthesis.draw.svg import svg_of
from synthesis.draw.writing import warm, write_pdf, write_png
from pathlib import Path
warm()
before = set(sys.modules)
with settings():
    page = Page(Style(), 2.0)
    page.text(0.2, 0.5, "Other letters: XYZ, \u2714")
    page.text(0.2, 0.9, "Other letters: XYZ", weight="bold")
svg_of(page.figure, "x", "", "")
write_pdf(Path(sys.argv[1]) / "x.pdf", (page.figure,))
write_png(Path(sys.argv[1]) / "x.png", page.figure)
print(*sorted(set(sys.modules) - before))
"""


def test_after_warming_a_figure_imports_nothing_and_has_its_font(tmp_path):
    command = [sys.executable, "-c", _AFTER_WARMING, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    # Fonts that matplotlib looks for before they are loaded stay unknown to it for the rest of the process.
    assert done.stderr == ""
