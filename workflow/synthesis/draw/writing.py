"""The files of a figure: SVG, PDF and PNG with bytes that depend on nothing but the drawing, and its table."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from synthesis.draw.canvas import DARK, DPI, Page, Style, draw, settings
from synthesis.draw.characters import unseen
from synthesis.draw.marks import marks_of
from synthesis.draw.pdf import write_pages
from synthesis.draw.svg import svg_of
from synthesis.results.files import Cell, replace, write_csv, write_text

FORMATS = ("svg", "pdf", "png")
# A figure that is taller and has no pages gets a coarser PNG; its SVG and PDF are exact at any size.
MAX_PIXELS = 6000
# A character that only the second font has.
_NOT_OURS = "\u2714"


class Table(Protocol):
    """A layout: what is drawn, as records."""

    @property
    def title(self) -> str:
        """The title of the figure."""

    def table(self) -> list[dict[str, Cell]]:
        """One record for everything that is drawn, in order."""


def write_figure(
    folder: Path,
    name: str,
    layout: Table,
    description: str,
    style: Style | None = None,
    pages: Sequence[Figure] | None = None,
) -> None:
    """Draws a layout and writes all files of it: `<name>.svg`, `.pdf` and `.png` in the folder, and `data/<name>.csv`.

    `description` is read aloud. `pages`: those of the PDF, where the figure is too tall for one, else none. Where the
    PNG would be taller than `MAX_PIXELS`, the first page is the PNG, the others are `pages/<name>/2.png` and so on.
    None for a figure that never has any.
    """
    figure = draw(layout, style)
    write_text(folder / f"{name}.svg", svg_of(figure, name, layout.title, description, marks_of(layout)))
    write_pdf(folder / f"{name}.pdf", pages or (figure,))
    drawn = pages if pages and figure.get_size_inches()[1] * DPI > MAX_PIXELS else (figure,)
    write_png(folder / f"{name}.png", drawn[0])
    if pages is not None:
        _write_others(folder / "pages" / name, drawn[1:])
    table = layout.table()
    write_csv(folder / "data" / f"{name}.csv", table, list(table[0]) if table else ())
    print(f"{name}: {len(table)} rows")
    _warn(name, (value for record in table for value in record.values() if isinstance(value, str)))


def warm() -> None:
    """Draws a figure that is thrown away, so that what is looked up when first drawn is there for all that follow.

    That is the fonts of each look and size, and what matplotlib and fontTools import only when they need it.
    """
    with settings():
        style = Style()
        page = Page(style, 1.0)
        # Of our font, and of the one that has what ours lacks.
        for content in ("abc: 0.5", f"{_NOT_OURS} abc"):
            for size in (style.font, style.small, style.title):
                for weight, slope in (("normal", "normal"), ("bold", "normal"), ("normal", "italic")):
                    page.text(0.1, 0.5, content, size, weight=weight, style=slope)
        page.box(0.1, 0.1, 0.1, 0.1, DARK)
        unseen(_NOT_OURS)
        svg_of(page.figure, "warm", "", "")
        with TemporaryDirectory() as folder:
            write_pdf(Path(folder) / "warm.pdf", (page.figure,))
            write_png(Path(folder) / "warm.png", page.figure)


def _warn(name: str, contents: Iterable[str]) -> None:
    """Names the characters that no font has, with the texts that they stand in."""
    for content in dict.fromkeys(contents):
        if missing := unseen(content):
            named = ", ".join(f"{c} (U+{ord(c):04X})" for c in missing)
            print(f"warning: {name}: no font has {named}, in {content!r}; see docs/how-to.md", file=sys.stderr)


def _write_others(folder: Path, pages: Sequence[Figure]) -> None:
    """Writes the pages after the first into their folder, which is there and empty where there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    # The next page is drawn while one is packed and written.
    with ThreadPoolExecutor(1) as writer:
        before: Future[None] | None = None
        for number, page in enumerate(pages, start=2):
            drawn = _pixels(page)
            if before:
                before.result()
            before = writer.submit(_write_pixels, folder / f"{number}.png", *drawn)
        if before:
            before.result()


def write_pdf(path: Path, pages: Sequence[Figure]) -> None:
    """Writes figures as the pages of a PDF."""
    replace(path, lambda target: write_pages(target, pages))


def write_png(path: Path, figure: Figure) -> None:
    """Writes a figure as PNG at the density of print, or as high as `MAX_PIXELS`."""
    _write_pixels(path, *_pixels(figure))


def _pixels(figure: Figure) -> tuple[NDArray[np.uint8], float]:
    """The pixels of a figure, of shape (height, width, 3), and their density: pages are opaque."""
    dpi = min(DPI, MAX_PIXELS / figure.get_size_inches()[1])
    density = figure.dpi
    with settings():
        try:
            figure.dpi = dpi
            # Of its own, not that of the figure's canvas, which would keep the pixels of every page to the end.
            width, height = map(int, figure.bbox.max)
            renderer = RendererAgg(width, height, dpi)
            figure.draw(renderer)
        finally:
            figure.dpi = density
    return np.asarray(renderer.buffer_rgba())[:, :, :3], dpi


def _write_pixels(path: Path, pixels: NDArray[np.uint8], dpi: float) -> None:
    content = _png(pixels, dpi)
    replace(path, lambda target: target.write_bytes(content))


def _png(pixels: NDArray[np.uint8], dpi: float) -> bytes:
    """Pixels, of shape (height, width, 3), as PNG (ISO/IEC 15948), with nothing that says when or by which version.

    Rows are not filtered: of drawings, which are mostly white, that makes smaller files than the filters of Pillow do,
    in a third of the time.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    for channel in range(3):
        rows[:, 1 + channel :: 3] = pixels[:, :, channel]
    per_metre = round(dpi / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"tEXt", b"Software\0synthesis"),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(rows.data, 3)),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)
