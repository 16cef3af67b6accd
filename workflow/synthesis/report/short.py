"""The short report: what a reader needs to judge the answer. Everything behind it stands in the appendix."""

from __future__ import annotations

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import VERDICT_WORDS
from synthesis.draw.forest_notes import AT_LEAST, DERIVED, RANGE
from synthesis.draw.layout import estimate_name
from synthesis.plan.config import ComparisonFigure
from synthesis.report import (
    declared_tables,
    glossary,
    headline,
    indirect,
    methods,
    power_table,
    sentences,
    signs,
    summaries_table,
    turning,
    verdicts,
)
from synthesis.report.content import Context, Figure, Row, Table, Text, cell, table
from synthesis.report.embedding import figure
from synthesis.report.moving import moderator_signals, multiverse_table, tested_moderators, titles, without_one
from synthesis.report.result_tables import interval, limited
from synthesis.report.review_results import ReviewResults
from synthesis.report.section import Section
from synthesis.results.fitted import Fitted

_DIAMONDS = "Diamonds: pooled estimates; squares: one sample; pale bands: prediction intervals."
# Signs in a drawing that the lines below it explain at length, in a word; these lines are in the appendix.
_SIGNS = {
    RANGE: f"{RANGE}: ends of a printed range",
    DERIVED: f"{DERIVED}: derived",
    AT_LEAST: f"{AT_LEAST}: at least",
    "Hollow marks:": "hollow: computed here under an assumption, printed by no source",
}
FOREST = (
    "Each line is a sample with its interval, a larger square weighs more; the diamond is the pooled {word}, the thin "
    "line below it where a new setting is expected."
)


def answer(review: ReviewResults) -> Context:
    """The first screen."""
    return {
        "question": review.config.question,
        "sentences": headline.answer(review),
        "figure": _first_figure(review),
        "bias": signs.bias(review, every=False),
        # Beside a comparison the answer says it.
        "not_causal": "" if review.compared.bridges else sentences.not_causal(review.documents),
    }


def _first_figure(review: ReviewResults) -> Figure | None:
    """The first comparison figure of the plan; the forest plot of its first synthesis where it compares none."""
    for name, plan in review.config.figures.items():
        caption = _DIAMONDS if not plan.studies else FOREST.format(word="estimate")
        stem = f"forest_{name}"
        parts = (caption, _one_of(review, plan), summaries_table.shown(review, plan), _signs(review, stem))
        drawn = figure(review, stem, " ".join(filter(None, parts)), notes=False)
        if drawn:
            return drawn
    first = review.documents[0]
    stem = f"forest_{first.synthesis}"
    words = f"{first.title}. {forest_words(first)} {_signs(review, stem)}"
    return figure(review, stem, words.rstrip(), notes=False)


def _one_of(review: ReviewResults, plan: ComparisonFigure) -> str:
    """How many comparisons of an association with an effect a figure leaves out."""
    count, drawn = len(review.config.bridges), len(plan.bridges)
    if not 0 < drawn < count:
        return ""
    last = "the last panel is one" if drawn == 1 else f"the last panel has {drawn}"
    return f"{text.capital(last)} of {count} such comparisons (others: appendix)."


def _signs(review: ReviewResults, stem: str) -> str:
    """What the signs in a drawing mean, where it has any."""
    svg = review.drawings[stem].svg if stem in review.drawings else ""
    meanings = "; ".join(words for sign, words in _SIGNS.items() if sign in svg)
    return f"{text.capital(meanings)}. Notes: appendix." if meanings else ""


def forest_words(document: Fitted) -> str:
    """What a forest plot shows; one sample has no pooled diamond."""
    if document.fit.samples == 1:
        return "The one sample with its interval: it is not pooled."
    if document.fit.pi_low is None:
        return f"{FOREST.format(word=document.word).partition(', the thin')[0]}."
    return FOREST.format(word=document.word)


def results(review: ReviewResults) -> Context:
    """Every synthesis in one table."""
    return {
        "pools": _pools(review.documents),
        "within": sentences.within_pools(review.documents, sentences.headline(review)),
        "corrected": declared_tables.corrected(review),
    }


def _pools(documents: list[Fitted]) -> Table:
    rows: list[Row] = []
    for d in documents:
        fit = d.fit
        read = (fit.estimate, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high)
        value, low, high, new_low, new_high = (back_transform(d.metric, x) for x in read)
        title = cell(Text(d.title, place=f"synthesis-{d.synthesis}"), d.title)
        estimate = cell(f"{estimate_name(d)} = {limited(value, low, high)}", value)
        rows.append([title, fit.samples, estimate, interval(new_low, new_high)])
    level = f"{100 * documents[0].fit.level:g}% interval"
    heads = ["Synthesis", "Samples", f"Estimate, {level}", "In a new setting"]
    return table("Synthesis by synthesis", heads, rows, {1, 2, 3})


def compared(review: ReviewResults) -> Context | None:
    """Differences on one metric."""
    contrasts, bridges = review.compared.contrasts, review.compared.bridges
    if not contrasts and not bridges:
        return None
    return {
        "contrasts": indirect.contrasts(review),
        "indirect": indirect.indirect(review),
        "bounds": indirect.bounds(review),
        "left_out": indirect.left_out(review),
        "small": indirect.less_than_the_bound(review),
        "readings": bool(bridges),
    }


def claims(review: ReviewResults) -> Context | None:
    """How many checks of each statement came to which verdict."""
    decided = review.compared.claims
    if not decided:
        return None
    reached = {claim.verdict for claim in decided}
    return {
        "checks": len(decided),
        "words": [(verdict, VERDICT_WORDS[verdict]) for verdict in VERDICT_WORDS if verdict in reached],
        "turns": any(map(verdicts.turns, decided)),
        "statements": verdicts.by_statement(decided, review.compared.contrasts),
    }


def processes(review: ReviewResults) -> Context | None:
    """What the first process is beside each other one, by the treatment of findings without a number."""
    results = review.process
    if results is None:
        return None
    return {
        "untested": indirect.untested_summaries(results),
        "table": indirect.processes(review, results),
    }


def robustness(review: ReviewResults) -> Context | None:
    """Single samples, moderators, decisions, doubts."""
    pools = headline.headline_documents(review)
    influence = without_one(review.diagnostics.influence, pools, sentences.short_names(pools))
    signals, tests = moderator_signals(review), tested_moderators(review)
    context: Context = {
        "influence": influence,
        "moderators": signals,
        "tests": len(tests),
        "power": power_table.low_power(review),
        "monitored": declared_tables.monitored(review),
        "curves": multiverse_table(review.multiverses, titles(review), several=False),
        "undeclared": _without_multiverse(review),
        "doubts": len(review.doubts),
        "turned": turning.comparisons(review),
        "claims": turning.claims(review),
    }
    return context if influence or tests or review.looks or review.multiverses or review.doubts else None


def _without_multiverse(review: ReviewResults) -> list[str]:
    """The pools of the answer of which no analyses are declared."""
    declared = {document.synthesis for document in review.multiverses}
    lacking = [d for d in headline.headline_documents(review) if d.synthesis not in declared and d.fit.samples > 1]
    return sentences.short_names(lacking)


def limits(review: ReviewResults) -> Context:
    """What the results rest on, and what they cannot show."""
    return {
        "rows": sentences.whereabouts(review),
        "twice": sum(1 for row in review.rows.values() if row.second_coder),
        "extracted": len(review.rows),
        "sources": len(review.sources),
    }


def method(review: ReviewResults) -> Context:
    """The model in a paragraph."""
    return {
        "words": methods.in_short(review),
        "again": len({row.synthesis for row in review.crosscheck}),
        "compared": len(review.crosscheck),
        "agree": sum(row.agrees for row in review.crosscheck),
        "version": review.documents[0].versions.synthesis,
        "dated": str(review.config.date or ""),
        "coded": max(filter(None, (row.coded_on for row in review.rows.values())), default=""),
    }


SECTIONS: tuple[Section, ...] = (
    Section("answer", "Question and answer", answer),
    Section("results", "Every estimate", results),
    Section("compared", "Compared with each other", compared),
    Section("processes", "Other processes of treatment", processes),
    Section("claims", "The claims, checked", claims),
    Section("robustness", "What moves the results", robustness),
    Section("limits", "What this cannot show", limits),
    Section("method", "How it was done", method),
    Section("reading", "Words that are used here", glossary.reading),
)
