"""Texts in our font: placed by its tables as a shaping engine places them, and embedded in PDF files."""

from __future__ import annotations

import os
import re
import zlib
from io import BytesIO

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from synthesis.draw import pdf
from synthesis.draw.canvas import FAMILY, Page, Style, settings
from synthesis.draw.letters import FONTS, Face, face_of
from synthesis.draw.writing import write_pdf
from tolerances import OUTLINE, PRINTED_3

LOOKS = [("normal", "normal"), ("bold", "normal"), ("normal", "italic")]


def engines(content, weight, style):
    """What matplotlib's shaping engine makes of a text."""
    with settings():
        properties = FontProperties(family=[FAMILY], weight=weight, style=style)
        vertices, codes = text_to_path.get_text_path(properties, content, ismath=False)
    return np.reshape(vertices, (-1, 2)) / text_to_path.FONT_SCALE, list(codes)


@pytest.mark.parametrize(("weight", "style"), LOOKS)
@given(st.text(st.sampled_from("AVTYWLPavwyo.,-1 0:rfk\u00e9\u2212\u201c"), min_size=1, max_size=12))
def test_a_text_has_the_shapes_and_places_of_a_shaping_engine(weight, style, content):
    face = face_of(weight, style)
    # It kerns figures among letters, and nothing where a text has no letter or between letters of two scripts.
    content = re.sub(r"\d+", "1", f"a{content}a")
    expected, codes = engines(content, weight, style)
    drawn = face.outline(content)
    assert list(drawn.codes) == codes
    assert np.allclose(drawn.vertices, expected, atol=OUTLINE * len(content))


@pytest.mark.parametrize(("weight", "style"), LOOKS)
def test_every_letter_has_the_shape_and_width_of_a_shaping_engine(weight, style):
    face = face_of(weight, style)
    for letter in sorted(face.letters):
        expected, codes = engines(letter, weight, style)
        drawn = face.outline(letter)
        assert list(drawn.codes) == codes, letter
        assert np.allclose(drawn.vertices, expected, atol=OUTLINE), letter


def test_pairs_are_kerned_but_figures_stay_below_each_other():
    face = face_of("normal", "normal")
    assert face.width("AV") < face.width("A") + face.width("V")
    assert face.width("11") == face.width("00") == 2 * face.width("1")
    assert list(face.places("AV.")) == [0.0, face.width("AV") - face.width("V"), face.width("AV.") - face.width(".")]
    assert face.width("") == 0.0
    assert len(face.outline("").vertices) == 0


def test_what_no_table_places_is_left_to_the_engine():
    face = face_of("normal", "normal")
    assert not any(map(face.holds, ["e\u0301", "\u2714", "a\u200db", "\u202eabc", "\u5433"]))
    assert face_of("bold", "italic") is None


def test_processes_that_fork_read_the_shapes_of_letters_at_once():
    face = Face(FONTS / "SynthesisSans-Regular.ttf")
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            status = 1
            try:
                for letter in sorted(face.letters)[:300]:
                    face.outline(letter)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4


def streams(content):
    """The streams of a PDF file by the numbers of their objects, and its other objects as they are written."""
    packed, others = {}, {}
    for number, body in re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj", content, re.DOTALL):
        head, _, stream = body.partition(b"\nstream\n")
        if stream:
            packed[int(number)] = zlib.decompress(stream.removesuffix(b"\nendstream"))
        else:
            others[int(number)] = head.decode("latin-1")
    return packed, others


def page_with(*texts):
    with settings():
        page = Page(Style(), 3.0)
        for line, (content, weight, style) in enumerate(texts):
            page.text(0.2, 0.2 + 0.2 * line, content, weight=weight, style=style)
    return page.figure


def shown(stream):
    """The texts of a page, each as it stands between the signs that begin and end one."""
    escapes = {b"n": b"\n", b"r": b"\r"}
    for operators in re.findall(rb"BT(.*?)ET", stream, re.DOTALL):
        strings = re.findall(rb"\(((?:\\.|[^\\)])*)\)", operators, re.DOTALL)
        plain = (re.sub(rb"\\(.)", lambda m: escapes.get(m[1], m[1]), s, flags=re.DOTALL) for s in strings)
        yield b"".join(plain).decode("utf-16-be")


def test_a_pdf_holds_its_texts_and_the_shapes_and_widths_of_their_letters(tmp_path):
    texts = ["Tau2 AV (1\\2) \u2212.11", "Fl\u00fcckiger \u0141 \u0416"]
    write_pdf(tmp_path / "x.pdf", [page_with(*((content, *look) for content in texts)) for look in LOOKS])
    packed, others = streams((tmp_path / "x.pdf").read_bytes())
    assert [list(shown(stream)) for stream in packed.values() if b"BT" in stream] == [texts] * len(LOOKS)

    def of(entry, key):
        return int(re.search(rf"/{key} (\d+) 0 R", entry)[1])

    fonts = [entry for entry in others.values() if "/CIDFontType2" in entry]
    by_name = {face_of(*look).name: face_of(*look) for look in LOOKS}
    assert len(fonts) == len(by_name) == len(LOOKS)
    for entry in fonts:
        face = by_name.pop(re.search(r"/BaseFont /[A-Z]{6}\+(\S+)", entry)[1])
        glyphs = packed[of(entry, "CIDToGIDMap")]
        part = TTFont(BytesIO(packed[of(others[of(entry, "FontDescriptor")], "FontFile2")]))
        whole = TTFont(face.path)
        widths = {}
        for first, row in re.findall(r"(\d+)\s\[([\d.\s]+)\]", entry[entry.index("/W [") + 3 :]):
            widths |= dict(enumerate(map(float, row.split()), start=int(first)))
        for letter in set("".join(texts)):
            code = ord(letter)
            name = part.getGlyphName(int.from_bytes(glyphs[2 * code : 2 * code + 2], "big"))
            drawn, expected = part["glyf"][name], whole["glyf"][whole.getBestCmap()[code]]
            assert drawn.getCoordinates(part["glyf"])[0] == expected.getCoordinates(whole["glyf"])[0], letter
            assert widths[code] == pytest.approx(1000 * face.advances[letter], abs=PRINTED_3), letter


def test_a_pdf_says_what_each_code_of_its_fonts_stands_for(tmp_path):
    write_pdf(tmp_path / "x.pdf", [page_with(("abc \u0416", "normal", "normal"))])
    packed, others = streams((tmp_path / "x.pdf").read_bytes())
    number = next(int(m[1]) for entry in others.values() if (m := re.search(r"/ToUnicode (\d+) 0 R", entry)))
    mapped = packed[number].decode("ascii")
    counts = [int(count) for count in re.findall(r"(\d+) beginbfchar", mapped)]
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]{4})>$", mapped, re.MULTILINE)
    # The rows of the range of codes, which is all of them, are no pair of equal ones.
    letters = [chr(int(code, 16)) for code, stands_for in pairs if code == stands_for]
    assert sum(counts) == len(letters) > max(counts) == 100
    assert set(letters) == (pdf.COMMON & face_of("normal", "normal").letters) | {"\u0416"}


def test_figures_with_common_letters_share_the_part_of_a_font(tmp_path):
    pdf._part.cache_clear()
    for name, content in {"a": "abc", "b": "xyz 0.25", "c": "\u0416"}.items():
        write_pdf(tmp_path / f"{name}.pdf", [page_with((content, "normal", "normal"))])
    assert pdf._part.cache_info()[:2] == (1, 2)


def test_letters_of_other_fonts_stand_in_a_pdf_beside_ours(tmp_path):
    write_pdf(tmp_path / "x.pdf", [page_with(("abc", "normal", "normal"), ("\u2714 done", "normal", "normal"))])
    packed, others = streams((tmp_path / "x.pdf").read_bytes())
    (texts,) = [list(shown(stream)) for stream in packed.values() if b"BT" in stream]
    assert texts == ["abc", "\u2714 done"]
    names = {m[1] for entry in others.values() if (m := re.search(r"/BaseFont /[A-Z]{6}\+(\S+)", entry))}
    assert names == {"SynthesisSans-Regular", "DejaVuSans"}


def test_a_font_behind_a_link_is_embedded_as_well(tmp_path, monkeypatch):
    link = tmp_path / "linked.ttf"
    link.symlink_to(FONTS / "SynthesisSans-Regular.ttf")
    face = Face(link)
    monkeypatch.setattr(pdf, "face_of", lambda weight, style: face)
    write_pdf(tmp_path / "x.pdf", [page_with(("abc", "normal", "normal"))])
    packed, others = streams((tmp_path / "x.pdf").read_bytes())
    assert [list(shown(stream)) for stream in packed.values() if b"BT" in stream] == [["abc"]]
    assert sum("/CIDFontType2" in entry for entry in others.values()) == 1
