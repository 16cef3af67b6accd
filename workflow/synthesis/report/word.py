"""A manuscript as a Word document, by python-docx; the same manuscript gives the same bytes."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from synthesis.report.content import Table
from synthesis.report.paper import Block, Exhibit, Heading, Items, Paper, Paragraph, Picture, plain

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import _Cell
    from docx.text.run import Run

# Points; inches inside of the margins of an upright page, and of one that lies on its side.
_TEXT, _SMALL = 11.0, 8.0
_WIDE, _TALL, _LYING = 6.5, 8.2, 9.5
# The earliest day that a zip file knows.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def word(paper: Paper, day: datetime.date) -> bytes:
    """The document: text and figures on upright pages, then the tables on pages that lie on their side.

    `day` is the day that it is dated; no clock is asked.
    """
    import docx

    document = docx.Document()
    _styled(document, paper.title, day)
    document.add_heading(paper.title, 0)
    tables = [block for block in paper.blocks if isinstance(block, Exhibit)]
    for block in paper.blocks:
        _add(document, block)
    if tables:
        _turn(document)
    for exhibit in tables:
        _add_table(document, exhibit)
    return _steady(document)


def _styled(document: Document, title: str, day: datetime.date) -> None:
    from docx.shared import Pt

    style = document.styles["Normal"]
    style.font.name, style.font.size = "Calibri", Pt(_TEXT)
    moment = datetime.datetime.combine(day, datetime.time())
    about = document.core_properties
    about.title, about.author, about.comments, about.last_modified_by = title[:255], "", "", ""
    about.created = about.modified = moment
    about.revision = 1


def _add(document: Document, block: Block) -> None:
    """A block of the running text; of a table its number, since it stands at the end."""
    match block:
        case Heading(level, words):
            document.add_heading(words, level)
        case Paragraph(words, lead):
            written = document.add_paragraph()
            if lead:
                written.add_run(f"{lead} ").bold = True
            written.add_run(words)
        case Items(words):
            for line in words:
                document.add_paragraph(line, style="List Bullet")
        case Exhibit(number, _, table, _):
            document.add_paragraph().add_run(f"[Table {number} about here: {table.caption}]").italic = True
        case Picture():
            _add_picture(document, block)


def _add_picture(document: Document, picture: Picture) -> None:
    """A figure as wide as the page, or as tall, and its caption."""
    from docx.shared import Inches

    shape = document.add_picture(str(picture.png))
    share = min(Inches(_WIDE) / shape.width, Inches(_TALL) / shape.height, 1.0)
    shape.width, shape.height = int(shape.width * share), int(shape.height * share)
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    caption = document.add_paragraph()
    caption.add_run(f"Figure {picture.number}. ").bold = True
    caption.add_run(picture.caption)


def _turn(document: Document) -> None:
    """A new section on its side."""
    from docx.enum.section import WD_ORIENT, WD_SECTION
    from docx.shared import Inches

    section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Inches(0.75))


def _add_table(document: Document, exhibit: Exhibit) -> None:
    """A table with its number and notes; its head stands on every page."""
    from docx.oxml import OxmlElement

    caption = document.add_paragraph()
    caption.paragraph_format.keep_with_next = True
    caption.add_run(f"Table {exhibit.number}. ").bold = True
    caption.add_run(exhibit.table.caption)
    made = document.add_table(rows=1, cols=len(exhibit.table.heads), style="Table Grid")
    made.autofit = False
    widths = _widths(exhibit.table)
    head = made.rows[0]
    for cell, words, width in zip(head.cells, exhibit.table.heads, widths, strict=True):
        _write(cell, words, width, bold=True)
    head._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row in exhibit.table.rows:
        added = made.add_row()
        added._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for i, (cell, content) in enumerate(zip(added.cells, row, strict=True)):
            _write(cell, plain(content), widths[i], right=i in exhibit.table.numbers)
    for note in exhibit.notes:
        _small(document.add_paragraph().add_run(note))
    document.add_paragraph()


def _widths(table: Table) -> list[float]:
    """Inches of each column: by the square root of its longest cell, so that words give way to numbers."""
    lengths = []
    for i, head in enumerate(table.heads):
        longest = max([len(head), *(len(plain(row[i])) for row in table.rows)])
        lengths.append(max(6.0, float(longest)) ** 0.5)
    whole = sum(lengths)
    return [_LYING * length / whole for length in lengths]


def _write(cell: _Cell, words: str, width: float, *, bold: bool = False, right: bool = False) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Inches

    cell.width = Inches(width)
    written = cell.paragraphs[0]
    written.paragraph_format.space_after = 0
    if right:
        written.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = written.add_run(words)
    run.bold = bold
    _small(run)


def _small(run: Run) -> None:
    from docx.shared import Pt

    run.font.size = Pt(_SMALL)


def _steady(document: Document) -> bytes:
    """The document's bytes: without the times of writing, parts by name, and not compressed, so that no version of a
    library for compression decides them."""
    written, steady = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(steady, "w", zipfile.ZIP_STORED) as target:
        for name in _ordered(source.namelist()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system, entry.external_attr = 3, 0o600 << 16
            target.writestr(entry, source.read(name))
    return steady.getvalue()


def _ordered(names: Iterable[str]) -> list[str]:
    """The list of parts comes first, as readers of the format expect; the others by name."""
    return sorted(names, key=lambda name: (name != "[Content_Types].xml", name))
