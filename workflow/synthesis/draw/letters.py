"""Texts in our own font: how wide they are, where their letters stand, what shape these have.

Our font has kerning and nothing else that shapes a text, so that its tables say all of this; matplotlib asks a shaping
engine for each text of each file anew, which was a third of the time of a drawing. Lengths are in em.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

FONTS = Path(__file__).parent / "fonts"
# By weight and style; there is no bold italic.
_FILES = {
    ("normal", "normal"): "SynthesisSans-Regular.ttf",
    ("bold", "normal"): "SynthesisSans-Bold.ttf",
    ("normal", "italic"): "SynthesisSans-Italic.ttf",
}
# What no table of ours places: marks that stand above letters, and signs that turn or hide a text.
_SHAPED = frozenset({"Mn", "Mc", "Me", "Cc", "Cf"})
# FreeType counts in parts of a pixel, for which it takes the units of an unscaled font, too.
_PARTS = 64


class Face:
    """A font file of ours."""

    def __init__(self, path: Path) -> None:
        from fontTools.ttLib import TTFont

        self.path = str(path)
        # In memory: a file that is open when a process forks has one place for reading in both.
        self._font = FT2Font(BytesIO(path.read_bytes()))
        self.name = self._font.postscript_name
        with TTFont(self.path, lazy=True) as tables:
            unit = tables["head"].unitsPerEm
            names = {chr(code): name for code, name in tables.getBestCmap().items()}
            self.letters = frozenset(c for c in names if unicodedata.category(c) not in _SHAPED)
            self._names = {c: names[c] for c in self.letters}
            self.glyphs = {c: tables.getGlyphID(names[c]) for c in self.letters}
            self.advances: dict[str, float] = {c: tables["hmtx"][names[c]][0] / unit for c in self.letters}
            digits = {names[c] for c in "0123456789"}
            # Figures stay below each other in a column: 11 is as wide as 00.
            kerns = (kern for kern in _kerns(tables["GPOS"].table) if not digits.issuperset(kern[0]))
            self._kerns: dict[tuple[str, str], float] = {pair: value / unit for pair, value in kerns}
        self._unit = unit
        self._shapes: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}

    def holds(self, content: str) -> bool:
        """Whether the font has every letter of a text."""
        return self.letters.issuperset(content)

    def kern(self, left: str, right: str) -> float:
        """By how much a letter stands nearer to the one before it, if negative."""
        return self._kerns.get((self._names[left], self._names[right]), 0.0)

    def width(self, content: str) -> float:
        """From where a text starts to where the next one would."""
        kerned = sum(self.kern(left, right) for left, right in pairwise(content))
        return kerned + sum(self.advances[letter] for letter in content)

    def places(self, content: str) -> Iterator[float]:
        """Where each letter starts."""
        place = 0.0
        before = ""
        for letter in content:
            if before:
                place += self.advances[before] + self.kern(before, letter)
            yield place
            before = letter

    def outline(self, content: str) -> Outline:
        """The shapes of the letters of a text that starts at 0, on the baseline, heights growing upwards."""
        vertices, codes = [np.empty((0, 2))], [np.empty(0, np.uint8)]
        for letter, place in zip(content, self.places(content), strict=True):
            shape, parts = self._shape(letter)
            vertices.append(shape + np.array((place, 0.0)))
            codes.append(parts)
        return Outline(np.concatenate(vertices), np.concatenate(codes))

    def _shape(self, letter: str) -> tuple[NDArray[Any], NDArray[Any]]:
        if letter not in self._shapes:
            self._font.load_glyph(self.glyphs[letter], flags=LoadFlags.NO_SCALE)
            vertices, codes = self._font.get_path()
            self._shapes[letter] = np.asarray(vertices) * (_PARTS / self._unit), np.asarray(codes, np.uint8)
        return self._shapes[letter]


def _kerns(table: Any) -> Iterator[tuple[tuple[str, str], int]]:
    """The names of two glyphs and by how much the first one's advance changes (OpenType, GPOS, pairs of glyphs)."""
    for lookup in table.LookupList.Lookup:
        for part in lookup.SubTable:
            for left, pairs in zip(part.Coverage.glyphs, part.PairSet, strict=True):
                for pair in pairs.PairValueRecord:
                    yield (left, pair.SecondGlyph), pair.Value1.XAdvance


@cache
def face_of(weight: str | float, style: str) -> Face | None:
    """Our font of a weight and style, None where there is none."""
    name = _FILES.get((str(weight), style))
    return Face(FONTS / name) if name else None
