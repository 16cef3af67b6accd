"""The report: one HTML file that needs nothing beside it. A section is a function and a line in `sections.SECTIONS`."""

from synthesis.report.material import Drawing, Material
from synthesis.report.page import render
from synthesis.report.sentences import bridge_sentence, sentence

__all__ = ["Drawing", "Material", "bridge_sentence", "render", "sentence"]
