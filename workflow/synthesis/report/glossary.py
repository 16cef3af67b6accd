"""Which terms the report explains: those that it uses."""

from __future__ import annotations

import re

from synthesis.report import sentences
from synthesis.report.content import Context
from synthesis.report.moving import tested_moderators
from synthesis.report.review_results import ReviewResults

# Abbreviations of the field that titles and claims use.
_ABBREVIATIONS = {
    "CBT": "Cognitive behavioural therapy.",
    "IAPT": "Improving Access to Psychological Therapies, a programme of the English health service.",
    "PTSD": "Post-traumatic stress disorder.",
}


def reading(review: ReviewResults) -> Context:
    """The words that this report uses, as far as it uses them."""
    metrics = {d.metric for d in review.documents}
    return {
        "associations": any(d.lane == "A" for d in review.documents),
        "effects": any(d.lane == "B" for d in review.documents),
        "r": "z" in metrics,
        "g": "g" in metrics,
        "ratios": any(metric.startswith("log") for metric in metrics),
        "graded": bool(review.findings),
        "readings": any(r.unit == "d" for r in review.compared.bridges),
        "moderated": bool(tested_moderators(review)),
        "tested": bool(review.diagnostics.small_study),
        "within": bool(sentences.within_pools(review.documents, sentences.headline(review))),
        "ranged": any(d.fit.pi_low is not None for d in review.documents),
        "level": f"{100 * review.config.defaults.level:g}%",
    }


def abbreviations(review: ReviewResults) -> list[tuple[str, str]]:
    """The known abbreviations in the question, the titles of syntheses and comparisons, and the claims."""
    texts = [review.config.question, *(document.title for document in review.documents)]
    texts += [row.title for row in review.compared.contrasts] + [claim.says for claim in review.compared.claims]
    used = set(re.findall(r"\b[A-Z]{2,}\b", " ".join(texts)))
    return [(name, words) for name, words in _ABBREVIATIONS.items() if name in used]
