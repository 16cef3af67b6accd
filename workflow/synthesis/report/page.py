"""The report as one page: its sections, and the data behind its figures."""

from __future__ import annotations

from synthesis.report.assets import font_faces, read_asset
from synthesis.report.embedding import cards
from synthesis.report.environment import rendered, trusted
from synthesis.report.material import Material
from synthesis.report.sections import SECTIONS


def render(material: Material) -> str:
    """The report as HTML. Its templates fill `headings`, from which the contents are made."""
    filled = [(section, section.context(material)) for section in SECTIONS]
    return rendered(
        "report.html.j2",
        title=material.config.title,
        style=trusted(font_faces() + read_asset("style.css")),
        script=trusted(read_asset("report.js")),
        cards=cards(material),
        sections=[
            {"name": section.name, "title": section.title, "data": context, "headings": []}
            for section, context in filled
            if context
        ],
    )
