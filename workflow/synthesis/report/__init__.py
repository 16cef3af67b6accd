"""The report: two HTML files, one to be read (`short.SECTIONS`) and its appendix (`sections.SECTIONS`)."""

from synthesis.report.page import render, render_appendix
from synthesis.report.review_results import Drawing, ReviewResults
from synthesis.report.sentences import bridge_sentence, sentence

__all__ = ["Drawing", "ReviewResults", "bridge_sentence", "render", "render_appendix", "sentence"]
