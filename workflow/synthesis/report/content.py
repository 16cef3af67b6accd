"""What sections are made of: plain data. The templates make HTML of it, and escape every text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from synthesis.report.narrow import NarrowForest

# What a template reads; each section has its own names.
Context = dict[str, object]


@dataclass(frozen=True, slots=True)
class Text:
    """Text in an element of its own, or one that leads to a web page (`url`) or to a `place` in this page."""

    content: str
    element: Literal["", "small", "q", "code", "strong"] = ""
    url: str | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell with the value it is sorted by, where that is not its text."""

    texts: tuple[Text, ...]
    order: float | str | None = None


Content = str | int | None | Text | tuple[str | Text, ...]
Row = Sequence[Cell | Content]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `numbers` are the columns set as numbers, `names` the ids of its rows. The script makes it sort."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: the stem of its files, and its drawing. `on_paper`: it keeps a white ground on a dark page.

    `narrow`: the same for a narrow screen, where it is a forest plot.
    """

    stem: str
    caption: str
    drawing: Markup
    on_paper: bool
    has_marks: bool
    narrow: NarrowForest | None = None


def cell(content: Content, order: float | str | None = None) -> Cell:
    """A cell of one or several texts, the empty ones left out."""
    parts = content if isinstance(content, tuple) else (content,)
    texts = (part if isinstance(part, Text) else Text("" if part is None else str(part)) for part in parts)
    return Cell(tuple(part for part in texts if part.content), order)


def table(
    caption: str,
    heads: Iterable[str],
    rows: Iterable[Row],
    numbers: Iterable[int] = (),
    names: Iterable[str] = (),
) -> Table:
    """A table of cells, or of what cells are made of."""
    cells = (tuple(item if isinstance(item, Cell) else cell(item) for item in row) for row in rows)
    return Table(caption, tuple(heads), tuple(cells), frozenset(numbers), tuple(names))


def web(url: str | None) -> bool:
    """Whether an address from the data may become a link."""
    return str(url or "").startswith(("https://", "http://"))
