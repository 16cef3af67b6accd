"""Which characters which font has: ours, DejaVu, which matplotlib brings, and those of packages for other scripts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib import font_manager
from matplotlib.font_manager import get_font

from synthesis.draw.letters import FONTS

FAMILY = "Synthesis Sans"
# Packages that bring fonts for what ours and DejaVu lack: Chinese, Japanese, Korean (the optional extra "fonts").
_FONT_PACKAGES = ("noto_cjk_sans_otc",)
_NEVER_DRAWN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


@cache
def load_fonts() -> None:
    """Makes our fonts and the further ones known; once, since matplotlib then forgets what it found for which text."""
    for path in sorted(FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(str(path))
    for path in further_fonts():
        font_manager.fontManager.addfont(str(path))


@cache
def further_fonts() -> tuple[Path, ...]:
    """The font files of the packages for other scripts, where they are installed."""
    specs = [find_spec(name) for name in _FONT_PACKAGES]
    folders = [Path(folder) for spec in specs if spec for folder in spec.submodule_search_locations or ()]
    return tuple(path for folder in folders for path in sorted(folder.glob("*.[to]t[cf]")))


@cache
def fallback() -> tuple[str, ...]:
    """Fonts for characters that ours lacks; named only where needed, since each family is looked up for each text."""
    return FAMILY, "DejaVu Sans", *(get_font(str(path)).family_name for path in further_fonts())


@cache
def further_characters() -> frozenset[int]:
    """Characters that only the further fonts have."""
    return frozenset(code for path in further_fonts() for code in get_font(str(path)).get_charmap()) - _of_our_own()


@cache
def _seen() -> frozenset[int]:
    """All characters that some font has."""
    return _of_our_own() | further_characters()


@cache
def our_characters() -> frozenset[str]:
    """The characters of our font."""
    return frozenset(map(chr, get_font(str(FONTS / "SynthesisSans-Regular.ttf")).get_charmap()))


@cache
def _of_our_own() -> frozenset[int]:
    dejavu = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans"))
    paths = (str(FONTS / "SynthesisSans-Regular.ttf"), dejavu)
    return frozenset(code for path in paths for code in get_font(path).get_charmap())


def unseen(content: str) -> list[str]:
    """The characters of a text for which no font has a glyph, each once; not those that are never drawn."""
    if content.isascii():
        return []
    drawn = (c for c in dict.fromkeys(content) if unicodedata.category(c) not in _NEVER_DRAWN)
    return [c for c in drawn if ord(c) not in _seen() and not 0xFE00 <= ord(c) <= 0xFE0F]


def note_on_unseen(contents: Iterable[str]) -> tuple[str, ...]:
    """Says for which characters of rows boxes stand; nothing where there are none."""
    affected = [(content, missing) for content in contents if (missing := unseen(content))]
    if not affected:
        return ()
    named = ", ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(c for _, missing in affected for c in missing))
    where = "1 text" if len(affected) == 1 else f"{len(affected)} texts"
    return (f"Boxes stand for characters that no font has here: {named}, in {where}.",)
