"""The report as two pages: a short one to be read, and an appendix with everything behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthesis.report import short
from synthesis.report.assets import font_faces, read_asset
from synthesis.report.content import Context, Figure
from synthesis.report.embedding import cards
from synthesis.report.environment import rendered, trusted
from synthesis.report.review_results import ReviewResults
from synthesis.report.section import Section
from synthesis.report.sections import SECTIONS

Filled = list[tuple[Section, Context]]


def render(review: ReviewResults, appendix: str = "report_appendix.html") -> str:
    """The short report as HTML; `appendix`: the address of the other page, to which it leads."""
    return _page(
        review,
        _filled(short.SECTIONS, review),
        folder="short",
        places=appendix,
        other=appendix,
        lead="Every study, quote and test is in the",
        leads_to=f"appendix, {appendix}",
        title=review.config.title,
    )


def render_appendix(review: ReviewResults, report: str = "report.html") -> str:
    """The appendix as HTML; `report`: the address of the short page, to which it leads."""
    return _page(
        review,
        _filled(SECTIONS, review),
        folder="sections",
        places="",
        other=report,
        lead="This is what the answer rests on; the answer itself is in the",
        leads_to="report",
        title=f"{review.config.title}: appendix",
    )


def _filled(sections: Sequence[Section], review: ReviewResults) -> Filled:
    """The sections that have something to say."""
    contexts = ((section, section.context(review)) for section in sections)
    return [(section, context) for section, context in contexts if context]


def _page(review: ReviewResults, filled: Filled, *, folder: str, places: str, **words: object) -> str:
    """A page. Its templates fill `headings`, from which the contents are made; `places`: the page of its places."""
    drawn = {figure.stem for _, context in filled for figure in _figures(context)}
    return rendered(
        "report.html.j2",
        style=trusted(font_faces() + read_asset("style.css")),
        script=trusted(read_asset("report.js")),
        cards=cards(review, drawn, places),
        sections=[
            {"name": section.name, "title": section.title, "data": context, "headings": []}
            for section, context in filled
        ],
        folder=folder,
        places=places,
        level=f"{100 * review.config.defaults.level:g}%",
        **words,
    )


def _figures(content: object) -> Iterator[Figure]:
    """The figures in what a section gives its template."""
    if isinstance(content, Figure):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _figures(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _figures(value)
