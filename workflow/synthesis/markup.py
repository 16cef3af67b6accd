"""Tables as HTML, every cell escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]], numbers: frozenset[int] = frozenset()) -> str:
    """A table with a header row; columns in `numbers` are set flush right."""
    head = "".join(f"<th scope='col'>{escape(h)}</th>" for h in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td class='number'>{escape(str(c))}</td>" if i in numbers else f"<td>{escape(str(c))}</td>"
            for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
