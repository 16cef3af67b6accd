"""A hook of MkDocs: gathers the pages of the site as they lie in the checkout, so that links hold in both."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

# MkDocs finds it beside this file.
import gallery

ROOT = Path(__file__).resolve().parents[1]
# Beside docs/: pages, and what they link to.
OTHERS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "config.yaml",
    "data/raw/README.md",
    "results/README.md",
)
REPORT = "results/report.html"
GALLERY = "docs/gallery.md"
MARK = "<!-- gallery -->"


def gather(root: Path, into: Path) -> None:
    """Copies pages, figures and the report, each in its place. Raises FileNotFoundError where there was no run."""
    made = gallery.page((root / "config.yaml").read_text(), root / "results")
    shutil.rmtree(into, ignore_errors=True)
    figures = [f"results/figures/{kind.figure}.svg" for kind in gallery.KINDS]
    docs = [path.relative_to(root) for path in (root / "docs").iterdir() if path.suffix in {".md", ".png"}]
    for name in (*OTHERS, REPORT, *figures, *docs):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    page = into / GALLERY
    page.write_text(page.read_text().replace(MARK, made))


def on_config(config: Any) -> Any:
    """Builds from what was gathered. Raises FileNotFoundError where no run has drawn the figures."""
    pages = ROOT / ".site" / "pages"
    gather(ROOT, pages)
    config["docs_dir"] = str(pages)
    return config
