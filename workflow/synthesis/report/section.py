"""What a section of a page is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synthesis.report.content import Context
from synthesis.report.review_results import ReviewResults


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name in links and of its template, its title, and the function that gives the template's data."""

    name: str
    title: str
    context: Callable[[ReviewResults], Context | None]
