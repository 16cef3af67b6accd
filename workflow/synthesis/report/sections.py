"""The sections of the appendix, in their order: a new one is a function of the material, a template, a line here.

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
    evidence_section,
    joint_table,
    methods,
    moving,
    multiverse_section,
    sentences,
)
from synthesis.report import result_tables as tables
from synthesis.report.content import Context, table
from synthesis.report.embedding import figure
from synthesis.report.material import Material
from synthesis.report.section import Section
from synthesis.results.fitted import Fitted

_COMPARED = "Associations and effects have axes of their own; where they stand on one scale, each reading has a row."


def answer(material: Material) -> Context:
    """The question, and the answer in computed sentences."""
    return {
        "question": material.config.question,
        "sentences": sentences.answer(material),
        "not_causal": sentences.not_causal(material.documents),
    }


def comparison(material: Material) -> Context:
    """The syntheses beside each other: figures, one metric, bridges, clinical relevance."""
    planned = material.config.figures.items()
    return {
        "marked": bool(material.drawings),
        "figures": [figure(material, f"forest_{name}", f"{plan.title}. {_COMPARED}") for name, plan in planned],
        "pooled": tables.pooled(material.documents),
        **comparing.section(material),
        "certainty": certainty_table.certainty(material.findings, material.domains, material.documents),
    }


def syntheses(material: Material) -> Context:
    """Each synthesis: sentence, figure, heterogeneity, data."""
    return {"syntheses": [_synthesis(material, document) for document in material.documents]}


def _synthesis(material: Material, document: Fitted) -> Context:
    name = document.synthesis
    planned = diagnostic_figures(material.config, name)
    examined = [figure(material, f.name, FIGURE_CAPTIONS[f.kind]) for f in planned]
    see = f"Each line is a sample with its interval, larger squares weigh more; diamond: the pooled {document.word}."
    return {
        "document": document,
        "sentence": sentences.sentence(document),
        "forest": figure(material, f"forest_{name}", f"{see} {heterogeneity(document)}."),
        "examined": [drawn for drawn in examined if drawn],
    }


def diagnostics(material: Material) -> Context:
    """Influence, small-study effects, moderators, few samples."""
    return {
        "influence": moving.influence_table(material.diagnostics.influence, material.documents),
        "small_study": tables.small_study(material),
        "adjusted": adjusted_table.adjusted(material),
        "moderators": tables.moderators(material) if material.diagnostics.moderators else None,
        "regressions": joint_table.regressions(material),
        "few_samples": tables.few_samples(material),
    }


def numbers(material: Material) -> Context:
    """Where each number comes from."""
    return {
        "quote_check": sentences.quote_check([*material.effects, *material.dropped]),
        "usable": len(material.usable),
        "effects": tables.effects(material.effects),
    }


def dropped(material: Material) -> Context | None:
    """Findings that are in no pool, and why."""
    figures = [
        figure(material, "prisma_flow", "What became of every extracted row, from the top to the pools."),
        figure(material, "risk_of_bias", "Risk of bias as the databases of the sources rate it: one row per sample."),
    ]
    unused = tables.dropped(list(material.lost.values()))
    return {"figures": figures, "tables": unused} if any(figures) or unused else None


def limits(material: Material) -> Context:
    """Limits of the sources, as each source states them."""
    return {"sources": material.sources}


def provenance(material: Material) -> Context:
    """Software and digests of the run."""
    versions = msgspec.to_builtins(material.documents[0].versions)
    return {
        "second_route": methods.second_route(material.crosscheck),
        "software": table("Software of the fits", ["Package", "Version"], versions.items()),
        "digests": tables.hashes(material.documents),
    }


SECTIONS: tuple[Section, ...] = (
    Section("answer", "The answer at length", answer),
    Section("comparison", "The comparison", comparison),
    Section("processes", "What is specific to the protocol", evidence_section.processes),
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
    Section("provenance", "Software and digests", provenance),
)
