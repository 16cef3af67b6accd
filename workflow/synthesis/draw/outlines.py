"""The outlines of texts: as matplotlib makes them, but each letter once for all texts of a process."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

# Vertices and codes of a letter, by its font and glyph.
_LETTERS: Any = {}


def outline(content: str, properties: FontProperties) -> Path:
    """The outline of a text of one line, at the size of `text_to_path`."""
    # Finds the fonts for what the first one lacks, too.
    font = text_to_path._get_font(properties)  # type: ignore[attr-defined]
    placed, letters, _ = text_to_path.get_glyphs_with_font(font, content, _LETTERS)
    if not placed:
        return Path(np.empty((0, 2)))
    vertices = [letters[letter][0] + (x, y) for letter, x, y, _ in placed]
    return Path(np.concatenate(vertices), np.concatenate([letters[letter][1] for letter, *_ in placed]))
