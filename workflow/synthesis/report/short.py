"""The short report: what a reader needs to judge the answer. Everything behind it stands in the appendix."""

from __future__ import annotations

import textwrap
from collections import Counter

from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import CONTRASTS, contrast_name
from synthesis.draw.layout import estimate_name
from synthesis.draw.rows import constructs_of
from synthesis.report import declared_tables, headline, methods, power_table, sentences
from synthesis.report.content import Context, Figure, Row, Table, Text, cell, table
from synthesis.report.embedding import figure
from synthesis.report.evidence_section import answer_of
from synthesis.report.moving import influence_table, moderator_signals, multiverse_table, tested_moderators, titles
from synthesis.report.result_tables import CATEGORY_NAME, interval, plain_p, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.report.section import Section
from synthesis.results.fitted import Fitted

_DIAMONDS = (
    "Diamonds are pooled estimates, the pale band behind one is where a new setting is expected. Clear of the grey "
    "line a diamond shows that something is there, not why."
)
# Letters of a statement; the whole of it is in the appendix.
_QUOTED = 80
_TWO_AXES = (
    "Associations and effects have axes of their own and cannot be compared by eye: the last part puts them on one "
    "scale, under each reading."
)
FOREST = (
    "Each line is a sample with its interval, a larger square weighs more; the diamond is the pooled {word}, the thin "
    "line below it where a new setting is expected."
)


def answer(review: ReviewResults) -> Context:
    """The first screen."""
    return {
        "question": review.config.question,
        "said": headline.answer(review),
        "figure": _first_figure(review),
        "bias": headline.bias(review),
        # Beside a comparison the answer says it.
        "not_causal": "" if review.compared.bridges else sentences.not_causal(review.documents),
    }


def _first_figure(review: ReviewResults) -> Figure | None:
    """The first comparison figure of the plan; the forest plot of its first synthesis where it compares none."""
    for name, plan in review.config.figures.items():
        caption = _DIAMONDS if not plan.studies else FOREST.format(word="estimate")
        if len({review.by_name[b.synthesis].lane for b in plan.blocks if b.synthesis in review.by_name}) > 1:
            caption += f" {_TWO_AXES}"
        drawn = figure(review, f"forest_{name}", f"{plan.title}. {caption}")
        if drawn:
            return drawn
    first = review.documents[0]
    return figure(review, f"forest_{first.synthesis}", f"{first.title}. {FOREST.format(word=first.word)}")


def results(review: ReviewResults) -> Context:
    """Every pool in one table."""
    return {"pools": _pools(review.documents), "corrected": declared_tables.corrected(review)}


def _pools(documents: list[Fitted]) -> Table:
    rows: list[Row] = []
    for d in documents:
        fit = d.fit
        read = (fit.estimate, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high)
        value, low, high, new_low, new_high = (back_transform(d.metric, x) for x in read)
        title = cell(Text(d.title, place=f"synthesis-{d.synthesis}"), d.title)
        i2 = cell("" if fit.i2 is None else f"{fit.i2:.0f}%", fit.i2)
        estimate = with_interval((value, low, high))
        rows.append(
            [title, f"{d.word}\u00a0({estimate_name(d)})", fit.samples, estimate, interval(new_low, new_high), i2]
        )
    level = f"{100 * documents[0].fit.level:g}% interval"
    heads = ["Pool", "What it is", "Samples", f"Estimate, {level}", "In a new setting", "I\u00b2"]
    return table("Every pooled estimate", heads, rows, {2, 3, 4, 5})


def compared(review: ReviewResults) -> Context | None:
    """Differences on one metric, and the readings of each bridge side by side."""
    contrasts = review.compared.contrasts
    readings = _readings(review)
    if not contrasts and readings is None:
        return None
    return {
        "contrasts": _contrasts(review) if contrasts else None,
        "readings": readings,
    }


def _contrasts(review: ReviewResults) -> Table:
    rows: list[Row] = []
    for r in review.compared.contrasts:
        difference = with_interval((r.difference, r.ci_low, r.ci_high))
        rows.append([r.title, difference, plain_p(r.p), r.conclusion])
    return table("Differences on one metric", ["Comparison", "Difference", "p", "Conclusion"], rows, {1, 2})


def _readings(review: ReviewResults) -> Table | None:
    """Effects, each beside the association read as d: a row per bridge, a column per reading."""
    readings = [r for r in review.compared.bridges if r.unit == "d" and r.association_estimate is not None]
    contrasts = list(dict.fromkeys(r.contrast for r in readings))
    rows: list[Row] = []
    for name in dict.fromkeys(r.bridge for r in readings):
        by_contrast = {r.contrast: r for r in readings if r.bridge == name}
        first = next(iter(by_contrast.values()))
        effect = review.by_name[first.effect].title if first.effect in review.by_name else first.effect
        sides = [(first.effect_estimate, first.effect_ci_low, first.effect_ci_high)]
        for contrast in contrasts:
            r = by_contrast.get(contrast)
            values = (r.association_estimate, r.association_ci_low, r.association_ci_high) if r else (None, None, None)
            sides.append(values)
        rows.append([effect, *(with_interval(side) for side in sides)])
    of = constructs_of(review.documents)
    named = [contrast_name(name, of) if name in CONTRASTS else name for name in contrasts]
    heads = ["Effect", "g", *(f"d, {name}" for name in named)]
    return (
        table("Effects beside the association, read as d in several ways", heads, rows, range(1, 8)) if rows else None
    )


def claims(review: ReviewResults) -> Context | None:
    """How many checks of each statement came to which verdict."""
    decided = review.compared.claims
    if not decided:
        return None
    statements: dict[str, Counter[str]] = {}
    words: dict[str, str] = {}
    for claim in decided:
        statements.setdefault(claim.statement, Counter())[claim.verdict] += 1
        words.setdefault(claim.statement, claim.says)
    rows: list[Row] = [
        [
            Text(textwrap.shorten(words[name], _QUOTED, placeholder=" \u2026"), "q"),
            ", ".join(f"{verdict} ({count})" for verdict, count in verdicts.most_common()),
        ]
        for name, verdicts in statements.items()
    ]
    return {
        "checks": len(decided),
        "statements": table("Statements, with the verdicts of their checks", ["The text says", "Verdicts"], rows),
    }


def processes(review: ReviewResults) -> Context | None:
    """In how many approaches the first process differs from each other one."""
    results = review.process
    if results is None:
        return None
    first = results.names[results.first]
    rows: list[Row] = []
    for construct, name in results.names.items():
        tested = [r for r in results.contrasts if r.construct == construct and r.p is not None]
        if construct == results.first:
            continue
        answers = Counter(answer_of(r) for r in tested)
        said = ", ".join(f"{words} ({count})" for words, count in answers.most_common())
        rows.append([name, len(tested), said or "no test is possible"])
    caption = f"{first} beside each other process, by approach"
    return {"first": first, "table": table(caption, ["Process", "Approaches", f"{first} is"], rows, {1})}


def robustness(review: ReviewResults) -> Context | None:
    """Single samples, moderators, decisions, doubts."""
    influence = influence_table(review.diagnostics.influence, headline.headline_documents(review))
    signals, tests = moderator_signals(review), tested_moderators(review)
    turned = [row.comparison_title for row in review.doubted if row.turns]
    context: Context = {
        "influence": influence,
        "moderators": signals,
        "tests": len(tests),
        "power": power_table.low_power(review),
        "monitored": declared_tables.monitored(review),
        "curves": multiverse_table(review.multiverses, titles(review), several=False),
        "doubts": len(review.doubts),
        "turned": list(dict.fromkeys(turned)),
    }
    return context if influence or tests or review.looks or review.multiverses or review.doubts else None


def limits(review: ReviewResults) -> Context:
    """What the results rest on, and what they cannot show."""
    lost = Counter(row.category for row in review.lost.values())
    rows: list[Row] = [[CATEGORY_NAME[name], lost[name]] for name in CATEGORY_NAME if lost[name]]
    return {
        "usable": len(review.usable),
        "gaps": lost["gap"],
        "spread": sentences.spread(review.documents),
        "lost": table("Extracted rows that are in no pool", ["Why", "Rows"], rows, {1}) if rows else None,
        "twice": sum(1 for row in review.rows.values() if row.second_coder),
        "extracted": len(review.rows),
        "sources": len(review.sources),
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
        "ranged": any(d.fit.pi_low is not None for d in review.documents),
        "level": f"{100 * review.config.defaults.level:g}%",
    }


def method(review: ReviewResults) -> Context:
    """The model in a paragraph."""
    return {"words": methods.in_short(review), "again": len({row.synthesis for row in review.crosscheck})}


SECTIONS: tuple[Section, ...] = (
    Section("answer", "Question and answer", answer),
    Section("results", "Every pooled estimate", results),
    Section("compared", "Compared with each other", compared),
    Section("processes", "What is specific to the protocol", processes),
    Section("claims", "The claims, checked", claims),
    Section("robustness", "What moves the results", robustness),
    Section("limits", "What this cannot show", limits),
    Section("method", "How it was done", method),
    Section("reading", "Words that are used here", reading),
)
