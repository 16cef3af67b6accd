"""The sections of the appendix, in their order: a new one is a function of the review, a template, a line here.

One that returns nothing is left out, with its entry in the contents; the headings of a template enter those too.
"""

from __future__ import annotations

import msgspec

from synthesis.data.vocabulary import FIGURE_CAPTIONS
from synthesis.draw.rows import heterogeneity
from synthesis.plan.parts import diagnostic_figures
from synthesis.report import (
    adjusted_table,
    certainty_table,
    coders,
    comparing,
    declared_tables,
    evidence_section,
    glossary,
    indirect,
    joint_table,
    methods,
    moving,
    multiverse_section,
    power_table,
    sentences,
    summaries_table,
)
from synthesis.report import result_tables as tables
from synthesis.report.content import Context, table
from synthesis.report.embedding import figure
from synthesis.report.review_results import ReviewResults
from synthesis.report.section import Section
from synthesis.results.fitted import Fitted

_LOOKS = "Monitoring: outside the dashed boundary a look finds something even though there were looks before it."
_COMPARED = "Associations and effects have axes of their own; where they stand on one scale, each reading has a row."


def answer(review: ReviewResults) -> Context:
    """The question, and the answer in computed sentences."""
    return {
        "question": review.config.question,
        "sentences": sentences.answer(review),
        "not_causal": sentences.not_causal(review.documents),
        "without_treatment": indirect.without_treatment(review),
    }


def comparison(review: ReviewResults) -> Context:
    """The syntheses beside each other: figures, one metric, bridges, clinical relevance."""
    planned = review.config.figures.items()
    return {
        "marked": bool(review.drawings),
        "figures": [
            figure(
                review, f"forest_{name}", f"{plan.title}. {_COMPARED} {summaries_table.shown(review, plan)}".rstrip()
            )
            for name, plan in planned
        ],
        "published": summaries_table.published(review),
        "pooled": tables.pooled(review.documents),
        **comparing.section(review),
        "certainty": certainty_table.certainty(review.findings, review.domains, review.documents),
    }


def syntheses(review: ReviewResults) -> Context:
    """Each synthesis: sentence, figure, heterogeneity, data."""
    return {"syntheses": [_synthesis(review, document) for document in review.documents]}


def _synthesis(review: ReviewResults, document: Fitted) -> Context:
    name = document.synthesis
    planned = diagnostic_figures(review.config, name)
    examined = [figure(review, f.name, FIGURE_CAPTIONS[f.kind]) for f in planned]
    if name in review.config.monitoring:
        examined.append(figure(review, f"monitoring_{name}", _LOOKS))
    see = f"Each line is a sample with its interval, larger squares weigh more; diamond: the pooled {document.word}."
    if document.fit.samples == 1:
        see = "The one sample with its interval: it is not pooled."
    return {
        "document": document,
        "sentence": " ".join(filter(None, (sentences.sentence(document), sentences.from_abstracts(review, document)))),
        "forest": figure(review, f"forest_{name}", f"{see} {heterogeneity(document)}."),
        "examined": [drawn for drawn in examined if drawn],
    }


def diagnostics(review: ReviewResults) -> Context:
    """Influence, small-study effects, moderators, few samples."""
    return {
        "influence": moving.influence_table(review.diagnostics.influence, review.documents),
        "low_risk": certainty_table.low_risk(review.low_risk, review.documents),
        "small_study": tables.small_study(review),
        "adjusted": adjusted_table.adjusted(review),
        "moderators": tables.moderators(review) if review.diagnostics.moderators else None,
        "power": power_table.by_level(review),
        "monitoring": declared_tables.monitoring(review),
        "psychometric": declared_tables.psychometric(review),
        "regressions": joint_table.regressions(review),
        "few_samples": tables.few_samples(review),
    }


def numbers(review: ReviewResults) -> Context:
    """Where each number comes from."""
    return {
        "quote_check": sentences.quote_check([*review.effects, *review.dropped]),
        "usable": len(review.usable),
        "effects": tables.effects(review.effects),
    }


def dropped(review: ReviewResults) -> Context | None:
    """Findings that are in no pool, and why."""
    figures = [
        figure(review, "prisma_flow", "What became of every extracted row, from the top to the pools."),
        figure(review, "risk_of_bias", "Risk of bias as the databases of the sources rate it: one row per sample."),
        *(
            figure(review, f"risk_domains_{d.synthesis}", f"{d.title}. Risk of bias by domain: a light per judgement.")
            for d in review.documents
        ),
    ]
    unused = tables.dropped(list(review.lost.values()))
    return {"figures": figures, "tables": unused} if any(figures) or unused else None


def limits(review: ReviewResults) -> Context:
    """Limits of the sources, as each source states them."""
    return {"sources": review.sources}


def terms(review: ReviewResults) -> Context:
    """Statistical terms of both pages that its readers may not know; those of the short report are explained there."""
    return {
        "level": f"{100 * review.config.defaults.level:g}%",
        "from": review.config.diagnostics.funnel_from,
        "abbreviations": glossary.abbreviations(review),
    }


def provenance(review: ReviewResults) -> Context:
    """Software and digests of the run."""
    versions = msgspec.to_builtins(review.documents[0].versions)
    return {
        "second_route": methods.second_route(review.crosscheck),
        "software": table("Software of the fits", ["Package", "Version"], versions.items()),
        "digests": tables.hashes(review.documents),
    }


SECTIONS: tuple[Section, ...] = (
    Section("answer", "The answer at length", answer),
    Section("comparison", "The comparison", comparison),
    Section("processes", "Other processes of treatment", evidence_section.processes),
    Section("claims", "The claims, checked", comparing.claims),
    Section("syntheses", "Each synthesis", syntheses),
    Section("diagnostics", "Diagnostics", diagnostics),
    Section("multiverse", "Every declared analysis", multiverse_section.section),
    Section("doubts", "Doubted records", evidence_section.doubts),
    Section("numbers", "Where each number comes from", numbers),
    Section("agreement", "Second extraction", coders.section),
    Section("gaps", "Findings that are in no pool", dropped),
    Section("limits", "Limits of the sources", limits),
    Section("methods", "Methods", methods.section),
    Section("terms", "Terms", terms),
    Section("provenance", "Software and digests", provenance),
)
