"""Pieces of HTML. Text is escaped here, once; what is markup already has the type Html."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell with the value it is sorted by, where that is not its text."""

    content: str
    order: float | str | None = None


def safe(content: Any) -> str:
    """The content as markup: Html as it is, anything else escaped."""
    return content if isinstance(content, Html) else escape("" if content is None else str(content))


def paragraph(content: str) -> Html:
    """A paragraph."""
    return Html(f"<p>{safe(content)}</p>")


def heading(level: int, name: str, content: str) -> Html:
    """A heading that the table of contents can lead to."""
    return Html(f"<h{level} id='{escape(name)}'>{safe(content)}</h{level}>")


def items(contents: Iterable[str]) -> Html:
    """A list."""
    return Html("<ul>" + "".join(f"<li>{safe(content)}</li>" for content in contents) + "</ul>")


def details(summary: str, *contents: str) -> Html:
    """Something that opens on request, and in print."""
    return Html(f"<details><summary>{safe(summary)}</summary>{''.join(safe(c) for c in contents)}</details>")


def joined(*contents: str) -> Html:
    """Pieces one after the other."""
    return Html("\n".join(safe(content) for content in contents if content))


def link(url: str | None, content: str) -> Html:
    """A link to a web page; just the text where the address is of another kind."""
    if not web(url):
        return Html(safe(content))
    return Html(f"<a href='{escape(str(url))}' rel='noreferrer'>{safe(content)}</a>")


def web(url: str | None) -> bool:
    """Whether an address from the data may become a link."""
    return str(url or "").startswith(("https://", "http://"))


def table(
    caption: str,
    heads: Iterable[str],
    rows: Iterable[Iterable[Any]],
    numbers: frozenset[int] = frozenset(),
    names: Iterable[str] | None = None,
) -> Html:
    """A table; `numbers` are the columns set as numbers, `names` the ids of its rows. The script makes it sort."""
    head = "".join(
        f"<th scope='col'{' class=number' if i in numbers else ''}>{safe(h)}</th>" for i, h in enumerate(heads)
    )
    ids = list(names) if names is not None else None
    body = []
    for number, row in enumerate(rows):
        identity = f" id='{escape(ids[number])}'" if ids is not None else ""
        body.append(f"<tr{identity}>{''.join(_cell(c, i in numbers) for i, c in enumerate(row))}</tr>")
    return Html(
        f"<div class='wide'><table><caption>{safe(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(content: Any, number: bool) -> str:
    order = ""
    if isinstance(content, Cell):
        order = f" data-order='{escape(str(content.order))}'" if content.order is not None else ""
        content = content.content
    kind = " class='number'" if number else ""
    return f"<td{kind}{order}>{safe(content)}</td>"
