"""Figures as the pages of a PDF: by matplotlib, but with texts in our own font placed by its tables, and with that font
embedded as a part that most figures share, which is made once for all figures of a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_pdf import Name, Op, PdfFile, RendererPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import FontPath, get_font

from synthesis.draw.canvas import POINTS_PER_INCH, settings
from synthesis.draw.letters import Face, face_of

# Nothing that says when or by which version: equal figures have equal files.
_METADATA = {"CreationDate": None, "Creator": "synthesis", "Producer": "synthesis"}
# The letters of most figures; a figure with others has a part of its own.
COMMON = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("\u00a0\u202f−–²±×†‡“”’…≈≤≥→←√·αβγρτχωÄÖÜäöüßáéíóúàèçñøå")
# What viewers measure a font in.
_THOUSAND = 1000
# Flags of a font (ISO 32000-1, table 123), and how many codes a block may have.
_NOT_SYMBOLS, _ITALIC = 1 << 5, 1 << 6
_BLOCK = 100
_TO_UNICODE = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
{blocks}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def write_pages(target: Path, pages: Sequence[Figure]) -> None:
    """Writes figures as the pages of a PDF, with bytes that depend on nothing but what is drawn."""
    with settings():
        document = _Document(target, metadata=_METADATA)
        try:
            for page in pages:
                _draw(document, page)
            document.finalize()
        finally:
            document.close()


def _draw(document: _Document, page: Figure) -> None:
    density = page.dpi
    width, height = page.get_size_inches()
    try:
        page.dpi = POINTS_PER_INCH
        document.newPage(width, height)
        renderer = _Renderer(document, POINTS_PER_INCH, height, width)
        page.draw(renderer)
        renderer.finalize()
    finally:
        page.dpi = density
        document.endStream()


class _Renderer(RendererPdf):
    file: _Document

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Shows a text; what our font lacks is matplotlib's."""
        face = face_of(prop.get_weight(), prop.get_style())
        if face is None or not face.holds(s):
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)  # type: ignore[no-untyped-call]
            return
        self.check_gc(gc, gc._rgb)
        name = self.file.use(face, s)
        shown = list(_kerned(face, s))
        self.file.output(
            *(Op.begin_text, name, prop.get_size_in_points(), Op.selectfont, x, y, Op.textpos, shown, Op.showkern),
            Op.end_text,
        )


def _kerned(face: Face, content: str) -> Iterator[bytes | float]:
    """A text in parts, between them by how much the next one stands nearer, in thousandths of its size."""
    start = 0
    for i in range(1, len(content)):
        if kern := face.kern(content[i - 1], content[i]):
            yield content[start:i].encode("utf-16-be")
            yield round(-_THOUSAND * kern, 2)
            start = i
    yield content[start:].encode("utf-16-be")


class _Document(PdfFile):
    def __init__(self, target: Path, metadata: Any) -> None:
        super().__init__(target, metadata=metadata)  # type: ignore[no-untyped-call]
        self._faces: dict[str, Face] = {}
        self._letters: dict[str, set[str]] = {}

    def use(self, face: Face, content: str) -> Any:
        """The name of a font that the letters of a text are taken from."""
        font = get_font(FontPath(face.path, 0))
        # As matplotlib names it, which follows links.
        path = FontPath(str(font.fname), font.face_index)
        self._faces[path.path] = face
        seen = self._letters.setdefault(path.path, set())
        for letter in sorted(set(content) - seen):
            self._character_tracker.track_glyph(font, ord(letter), face.glyphs[letter])
        seen.update(content)
        return self.fontName(path)

    def embedTTF(self, filename: Any, subset_index: int, charmap: dict[int, int]) -> Any:  # noqa: N802 matplotlib's
        """Writes a font; of ours, the part that most figures share."""
        face = self._faces.get(filename.path)
        letters = frozenset(map(chr, charmap))
        if face is None or subset_index or not face.letters >= letters:
            return super().embedTTF(filename, subset_index, charmap)  # type: ignore[no-untyped-call]
        return self._embed(_part(face, letters | (COMMON & face.letters)))

    def _embed(self, part: _Part) -> Any:
        name = Name(part.name)
        roles = ("file of a font", "its measures", "its glyphs", "their letters", "its part by glyphs", "the font")
        program, descriptor, glyphs, unicode, by_glyphs, font = map(self.reserveObject, roles)
        self.outputStream(program, part.program, extra={"Length1": len(part.program)})
        self.outputStream(glyphs, part.glyphs)
        self.outputStream(unicode, part.unicode)
        described = {"Type": Name("Font"), "BaseFont": name}
        system = {"Registry": "Adobe", "Ordering": "Identity", "Supplement": 0}
        objects = {
            descriptor: part.descriptor | {"FontName": name, "FontFile2": program},
            by_glyphs: described
            | {"Subtype": Name("CIDFontType2"), "CIDSystemInfo": system, "FontDescriptor": descriptor}
            | {"W": part.widths, "CIDToGIDMap": glyphs},
            font: described
            | {"Subtype": Name("Type0"), "Encoding": Name("Identity-H")}
            | {"DescendantFonts": [by_glyphs], "ToUnicode": unicode},
        }
        for reference, entries in objects.items():
            self.writeObject(reference, entries)
        return font


@dataclass(frozen=True)
class _Part:
    """Some letters of a font, as a PDF holds them; their codes are those of Unicode, in two bytes."""

    name: str
    program: bytes
    descriptor: dict[str, object]
    # A code, then the widths from it on.
    widths: list[Any]
    # Two bytes for each code up to the last one.
    glyphs: bytes
    unicode: bytes


@cache
def _part(face: Face, letters: frozenset[str]) -> _Part:
    from fontTools import subset

    options = subset.Options(layout_features=[], hinting=False, glyph_names=False, notdef_outline=True)
    options.drop_tables += ["GDEF", "GPOS", "GSUB", "gasp"]
    with subset.load_font(face.path, options) as tables:
        maker = subset.Subsetter(options)
        maker.populate(unicodes=map(ord, letters))
        maker.subset(tables)
        program = BytesIO()
        tables.save(program, reorderTables=False)
        glyphs = {code: tables.getGlyphID(name) for code, name in tables.getBestCmap().items()}
        descriptor = _descriptor(tables)
    codes = sorted(map(ord, letters))
    mapped = bytearray(2 * (codes[-1] + 1))
    widths: list[Any] = []
    for before, code in zip([-2, *codes], codes, strict=False):
        mapped[2 * code : 2 * code + 2] = glyphs[code].to_bytes(2, "big")
        if code != before + 1:
            widths += [code, []]
        widths[-1].append(round(_THOUSAND * face.advances[chr(code)], 3))
    digest = sha256("".join(map(chr, codes)).encode()).digest()
    tag = "".join(chr(ord("A") + byte % 26) for byte in digest[:6])
    return _Part(
        name=f"{tag}+{face.name}",
        program=program.getvalue(),
        descriptor=descriptor | {"MaxWidth": max(face.advances[chr(code)] for code in codes) * _THOUSAND},
        widths=widths,
        glyphs=bytes(mapped),
        unicode=_TO_UNICODE.format(blocks="\n".join(_blocks(codes))).encode("ascii"),
    )


def _descriptor(tables: Any) -> dict[str, object]:
    """What is measured of a font (ISO 32000-1, 9.8)."""
    head, lines, further = tables["head"], tables["hhea"], tables["OS/2"]

    def scaled(length: float) -> int:
        return round(_THOUSAND * length / float(head.unitsPerEm))

    angle = tables["post"].italicAngle
    return {
        "Type": Name("FontDescriptor"),
        "Flags": _NOT_SYMBOLS | (_ITALIC if angle else 0),
        "FontBBox": [scaled(edge) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "Ascent": scaled(lines.ascent),
        "Descent": scaled(lines.descent),
        "CapHeight": scaled(further.sCapHeight),
        "XHeight": scaled(further.sxHeight),
        "ItalicAngle": angle,
        "StemV": 0,
    }


def _blocks(codes: Sequence[int]) -> Iterator[str]:
    """Codes and what they stand for, which is the same, in blocks as long as they may be (ISO 32000-1, 9.10.3)."""
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        yield f"{len(block)} beginbfchar"
        yield from (f"<{code:04x}> <{code:04x}>" for code in block)
        yield "endbfchar"
