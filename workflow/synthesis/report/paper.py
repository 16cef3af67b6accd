"""What a manuscript is made of, and the same as Markdown: plain data, of which `word.py` makes a document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from synthesis.report.content import Cell, Table


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: level 1 for a part, 2 for a section, 3 for a synthesis."""

    level: int
    words: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `lead` stands before it in bold."""

    words: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A numbered table; `stem` is that of its CSV file, `notes` stand below it."""

    number: int
    stem: str
    table: Table
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A numbered figure; `stem` is that of its files in `figures/`, `png` the one that is drawn."""

    number: int
    stem: str
    caption: str
    png: Path


Block = Heading | Paragraph | Items | Exhibit | Picture


@dataclass(frozen=True, slots=True)
class Paper:
    """A manuscript: its blocks in their order, and tables that stand beside it only, by the stem of their file."""

    title: str
    blocks: tuple[Block, ...]
    supplement: dict[str, Table] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Table]:
        """Every table by the stem of its file: those in the text, then those beside it."""
        return {block.stem: block.table for block in self.blocks if isinstance(block, Exhibit)} | self.supplement


def plain(cell: Cell) -> str:
    """The texts of a cell in one line."""
    return "; ".join(" ".join(part.content.split()) for part in cell.texts)


def records(table: Table) -> list[dict[str, str]]:
    """A table as records of text, by its heads."""
    return [dict(zip(table.heads, map(plain, row), strict=True)) for row in table.rows]


# --- Markdown -----------------------------------------------------------------------------------------------------

# What Markdown, or HTML in it, would read as a mark; for Pandoc `$` begins a formula, and ^ and @ have a meaning in
# brackets. Brackets by themselves are text, such as those of an interval.
_MARKS = re.compile(r"([\\`*_<>|~$^@]|\](?=[(\[:{]))")
# A line that would begin a heading, a list or a rule.
_BEGINS = re.compile(r"^(#+|[-+=]|\d+[.)])(?=\s|$)")


def escaped(words: str) -> str:
    """Text as Markdown shows it: no mark in it is read as one, and no line break ends it."""
    words = _MARKS.sub(r"\\\1", " ".join(words.split()))
    return _BEGINS.sub(lambda match: f"{match[1][:-1]}\\{match[1][-1]}", words)


def markdown(paper: Paper) -> str:
    """The manuscript as Markdown (CommonMark with pipe tables), figures as links to their files beside it."""
    lines = [f"# {escaped(paper.title)}"]
    for block in paper.blocks:
        lines += ["", *_lines(block)]
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, words):
            yield f"{'#' * (level + 1)} {escaped(words)}"
        case Paragraph(words, lead):
            yield f"**{escaped(lead)}** {escaped(words)}" if lead else escaped(words)
        case Items(words):
            yield from (f"- {escaped(line)}" for line in words)
        case Exhibit(number, stem, table, notes):
            yield f"**Table {number}.** {escaped(table.caption)} (`tables/{stem}.csv`)"
            yield ""
            yield from _pipes(table)
            for note in notes:
                yield ""
                yield escaped(note)
        case Picture(number, stem, caption, png):
            yield f"![Figure {number}](figures/{png.name})"
            yield ""
            yield f"**Figure {number}.** {escaped(caption)} (`figures/{stem}.png`, `figures/{stem}.pdf`)"


def _pipes(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, table.heads))} |"
    yield "|" + "|".join("---:" if i in table.numbers else "---" for i in range(len(table.heads))) + "|"
    for row in table.rows:
        yield f"| {' | '.join(escaped(plain(cell)) for cell in row)} |"
