"""The sections of the report, in their order. A new one is a function of the material and a line in SECTIONS.

A section that returns nothing is left out, with its entry in the contents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synthesis.data.vocabulary import FIGURE_CAPTIONS
from synthesis.draw.rows import heterogeneity
from synthesis.plan.parts import diagnostic_figures
from synthesis.report import coders, comparing, methods, multiverse_section, sentences
from synthesis.report import result_tables as tables
from synthesis.report.embedding import HINT, figure
from synthesis.report.markup import Html, details, heading, items, joined, paragraph, safe
from synthesis.report.material import Material


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name in links, its title, and the function that writes it. Its h3 headings enter the contents."""

    name: str
    title: str
    body: Callable[[Material], str]


def answer(material: Material) -> str:
    """The question, and the answer in computed sentences."""
    question = Html(f"<p class='question'>{safe(material.config.question)}</p>") if material.config.question else ""
    said = Html("<ol class='answer'>" + "".join(f"<li>{safe(s)}</li>" for s in sentences.answer(material)) + "</ol>")
    associated = any(document["lane"] == "A" for document in material.documents)
    return joined(question, said, paragraph(sentences.NOT_CAUSAL) if associated else "")


def comparison(material: Material) -> str:
    """The syntheses beside each other: figures, one metric, bridges, clinical relevance."""
    config = material.config
    drawn = [figure(material, f"forest_{name}", f"{plan.title}.") for name, plan in config.figures.items()]
    return joined(
        HINT if material.drawings else "",
        drawn[0] if drawn else "",
        *drawn[1:],
        tables.pooled(material.documents),
        comparing.section(material),
    )


def syntheses(material: Material) -> str:
    """Each synthesis: sentence, figure, heterogeneity, data."""
    parts = []
    for document in material.documents:
        name = document["synthesis"]
        kind = Html(f"<p class='lane'>Lane {safe(document['lane'])}: {safe(document['word'])}</p>")
        data = Html(
            f"<p class='files'>Of this synthesis, as JSON: <a href='models/{safe(name)}.json'>fit</a> "
            f"<a href='diagnostics/{safe(name)}.json'>diagnostics</a></p>"
        )
        parts.append(
            joined(
                heading(3, f"synthesis-{name}", document["title"]),
                kind,
                paragraph(sentences.sentence(document)),
                figure(material, f"forest_{name}", f"Forest plot. {heterogeneity(document)}.", data),
                _beside(material, name),
            )
        )
    return joined(*parts)


def _beside(material: Material, name: str) -> str:
    """The diagnostic figures of a synthesis, folded."""
    figures = diagnostic_figures(material.config, name)
    drawn = [figure(material, f.name, FIGURE_CAPTIONS[f.kind]) for f in figures]
    drawn = [html for html in drawn if html]
    return details(f"{len(drawn)} figures of what was examined beside it", *drawn) if drawn else ""


def diagnostics(material: Material) -> str:
    """Influence, small-study effects, moderators, few samples."""
    said = (sentences.influence_sentence(material.diagnostics["influence"], d) for d in material.documents)
    return joined(
        heading(3, "influence", "Influence of single samples"),
        items(words for words in said if words),
        heading(3, "small-study", "Small-study effects"),
        paragraph(
            "An asymmetric funnel has other causes than publication bias; none of these tests corrects an estimate."
        ),
        details("Tests and adjusted estimates", tables.small_study(material)),
        *_moderators(material),
        heading(3, "few-samples", "Permutation tests, and Bayesian fits of few samples"),
        details("Values", tables.few_samples(material)),
    )


def _moderators(material: Material) -> list[str]:
    if not material.diagnostics["moderators"]:
        return []
    return [
        heading(3, "moderators", "Moderators"),
        paragraph("One at a time; levels are pooled with one mean estimate for each sample."),
        details("Tests and levels", tables.moderators(material)),
    ]


def numbers(material: Material) -> str:
    """Where each number comes from."""
    count = len(material.usable)
    return joined(
        paragraph(sentences.quote_check([*material.effects, *material.dropped])),
        details(f"All {count} usable numbers with their quotes", tables.effects(material.effects)),
    )


def dropped(material: Material) -> str:
    """What is missing or not used."""
    return joined(
        figure(material, "prisma_flow", "What became of every extracted row."),
        figure(material, "risk_of_bias", "Risk of bias, as the sources' databases rate it."),
        tables.dropped(list(material.lost.values())),
    )


def limits(material: Material) -> str:
    """Limits of the sources, as each source states them."""
    stated = []
    for source in material.sources:
        stated.append(Html(f"<li><strong>{safe(source.title)}</strong>{items(source.limits)}</li>"))
    return Html(f"<ul class='limits'>{''.join(stated)}</ul>")


def provenance(material: Material) -> str:
    """Software and digests of the run."""
    versions = material.documents[0]["versions"]
    rows = [[name, version] for name, version in versions.items()]
    return joined(
        methods.software(rows, material.crosscheck),
        tables.hashes(material.documents),
    )


SECTIONS: tuple[Section, ...] = (
    Section("answer", "Question and answer", answer),
    Section("comparison", "The comparison", comparison),
    Section("claims", "The claims, checked", comparing.claims),
    Section("syntheses", "Each synthesis", syntheses),
    Section("diagnostics", "Diagnostics", diagnostics),
    Section("multiverse", "Every declared analysis", multiverse_section.section),
    Section("numbers", "Where each number comes from", numbers),
    Section("agreement", "Second extraction", coders.section),
    Section("gaps", "What is missing or not used", dropped),
    Section("limits", "Limits of the sources", limits),
    Section("methods", "Methods", methods.section),
    Section("provenance", "Software and digests", provenance),
)
