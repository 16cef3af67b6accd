"""Methods and results of a paper, written from plan and results; what a pipeline cannot know is left, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.search import REMOVED, SearchRow, total
from synthesis.data.vocabulary import METRIC_NAME
from synthesis.draw.forest_notes import people_words
from synthesis.draw.layout import estimate_name
from synthesis.plan.parts import TABLES_IN_TEXT
from synthesis.report import (
    certainty_table,
    comparing,
    headline,
    methods,
    moving,
    result_tables,
    sentences,
    short,
    signs,
)
from synthesis.report.content import Row, Table, cell, table
from synthesis.report.paper import Block, Exhibit, Heading, Items, Paper, Paragraph, Picture
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import term
from synthesis.results.fitted import Fitted
from synthesis.review.declared import in_words

_TAU2, _I2, _OMEGA2 = "\u03c4\u00b2", "I\u00b2", "\u03c9\u00b2"
_PRINTED = "Numbers are rounded for print; results/tables/ has them in full."
_FLOW = "prisma_flow"


def manuscript(
    review: ReviewResults, searched: Sequence[SearchRow], figures: Mapping[str, Path], left: Sequence[str]
) -> Paper:
    """The manuscript.

    `searched`: the search; `figures`: PNG files by the stem of a figure, in the order in which they are numbered;
    `left`: what the PRISMA checklist leaves to the authors.
    """
    exhibits = {stem: (made, tuple(filter(None, notes))) for stem, made, notes in _tables(review)}
    shown = [stem for stem in TABLES_IN_TEXT if exhibits[stem][0].rows]
    numbered = {stem: Exhibit(i, stem, *exhibits[stem]) for i, stem in enumerate(shown, start=1)}
    pictures = _pictures(review, figures)
    blocks: list[Block] = [*_about(left), *_methods(review, searched), *_results(review, searched, numbered, pictures)]
    supplement = {stem: made for stem, (made, _) in exhibits.items() if stem not in numbered}
    blocks += [
        Heading(1, "Supplementary tables"),
        Items(tuple(f"tables/{s}.csv: {supplement[s].caption}" for s in supplement)),
    ]
    return Paper(review.config.title, tuple(blocks), supplement)


def summary_of_findings(review: ReviewResults) -> Paper:
    """The summary of findings with the reasons for each judgement, as a document of its own."""
    graded = _certainty(review)
    title = f"Summary of findings: {review.config.title}"
    if graded is None:
        return Paper(title, (Paragraph("No pool was graded."),))
    (first, notes), second = graded
    blocks = (Paragraph(review.config.question or review.config.title), Exhibit(1, "", first, notes))
    return Paper(title, (*blocks, Exhibit(2, "", second)))


def _about(left: Sequence[str]) -> Iterator[Block]:
    yield Paragraph(
        "Methods and results, computed from the analysis plan and the results of one run; every number below is a "
        "number of that run. Authors put them into their own words, and write what no pipeline knows (PRISMA 2020):"
    )
    yield Items(tuple(left))


# --- methods ------------------------------------------------------------------------------------------------------


def _methods(review: ReviewResults, searched: Sequence[SearchRow]) -> Iterator[Block]:
    pooled = [d for d in review.documents if d.fit.samples > 1]
    yield Heading(1, "Methods")
    if review.config.question:
        yield Paragraph(review.config.question, "Question.")
    yield Paragraph(_searched(searched), "Search and selection.")
    yield Paragraph(methods.in_short(review)[0], "Data collection.")
    yield Paragraph(methods.measures(review), "Effect measures.")
    if pooled:
        yield Paragraph(" ".join(methods.model(review, pooled)), "Synthesis.")
    yield Paragraph(methods.second_route(review.crosscheck), "Check.")
    if review.assessed:
        yield Paragraph(_assessed(review), "Risk of bias.")
    yield Paragraph(_examined(review), "Bias and sensitivity.")
    variants = list(dict.fromkeys(row.variant for row in review.findings))
    if variants:
        yield Paragraph(f"{'. '.join(variants)}.", "Certainty of the evidence.")
    if not_causal := sentences.not_causal(review.documents):
        yield Paragraph(not_causal, "Wording.")
    yield Paragraph(_software(review), "Software.")
    yield Heading(2, "Methods of each synthesis")
    for document in review.documents:
        yield Heading(3, document.title)
        yield Paragraph(_method(review, document))


def _searched(searched: Sequence[SearchRow]) -> str:
    """The search in words, as far as its table has numbers."""
    if not searched:
        return (
            "[The search is not part of the data: databases, dates, strings and selection are the authors'. With "
            "data/raw/search.csv its numbers stand here and in the flow diagram.]"
        )
    named = "; ".join(f"{row.what} {text.count(row.records)}" for row in searched if row.step == "identified")
    parts = []
    for count, singular, plural, did in (
        (total(searched, "identified"), "record was", "records were", f"identified ({named})"),
        (total(searched, *REMOVED), "was", "were", "removed before screening"),
        (total(searched, "screened"), "record was", "records were", "screened"),
        (total(searched, "excluded"), "was", "were", "excluded"),
        (total(searched, "sought"), "report was", "reports were", "sought"),
        (total(searched, "not_retrieved"), "was", "were", "not retrieved"),
        (total(searched, "assessed"), "report was", "reports were", "assessed for eligibility"),
        (total(searched, "ineligible"), "was", "were", f"excluded ({_reasons(searched)})"),
        (total(searched, "included_studies"), "study was", "studies were", "included"),
    ):
        if count is not None:
            parts.append(f"{text.plural(count, singular, plural)} {did}")
    return "; ".join(parts) + ". [Dates and search strings are the authors'.]"


def _reasons(searched: Sequence[SearchRow]) -> str:
    return "; ".join(f"{row.what} {text.count(row.records)}" for row in searched if row.step == "ineligible")


def _assessed(review: ReviewResults) -> str:
    """By which tools risk of bias was judged, and whose rule decides the whole."""
    counts = Counter(sample.tool for sample in review.assessed)
    tools = ", ".join(f"{tool} ({text.plural(count, 'sample')})" for tool, count in counts.items())
    derived = text.plural(sum(not sample.given for sample in review.assessed), "sample")
    return f"Risk of bias was judged by domain: {tools}. The overall judgement follows from the domains in {derived}."


def _examined(review: ReviewResults) -> str:
    """What was examined beside the pools, and from how many samples on."""
    asked = review.config.diagnostics
    words = [
        f"Small-study effects and selective reporting were tested in pools of {asked.funnel_from} samples or more; "
        "every pool of several samples was fitted again without each of its samples."
    ]
    if any(row.rated for row in review.low_risk):
        words.append("Pools with rated samples were fitted again without those at high risk of bias.")
    if any(synthesis.moderators for synthesis in review.config.syntheses.values()):
        words.append("Moderators were tested one at a time by meta-regression.")
    for multiverse in review.multiverses:
        words.append(
            f"\u201c{review.config.multiverses[multiverse.multiverse].title}\u201d: "
            f"{text.plural(multiverse.specifications, 'declared analysis', 'declared analyses')} were fitted."
        )
    return " ".join(words)


def _software(review: ReviewResults) -> str:
    versions = review.documents[0].versions
    return (
        f"synthesis {versions.synthesis} with Python {versions.python}, NumPy {versions.numpy} and SciPy "
        f"{versions.scipy}; the plan, the data and the digests of both are in results/models/."
    )


def _method(review: ReviewResults, document: Fitted) -> str:
    """How one synthesis was made: rows, metric, conversions, model, intervals, dependence."""
    fit, plan = document.fit, review.config.syntheses[document.synthesis]
    titles = methods.source_titles(review)
    words = [
        f"Rows: {methods.conditions(plan)} (sources: {'; '.join(titles.get(s, s) for s in document.sources)}). Metric: "
        f"{METRIC_NAME[document.metric]}, shown as {estimate_name(document)}. Conversions: "
        f"{_conversions(review, document)}."
    ]
    if fit.samples == 1:
        return " ".join([*words, "One sample: it is shown, not pooled."])
    kind = "Common-effect model" if fit.method == "FE" else "Random-effects model"
    between = "" if fit.method == "FE" else f"; between-study variance by {methods.ESTIMATOR[fit.method]}"
    words.append(f"{kind} with inverse-variance weights{between}; {100 * fit.level:g}% interval: ")
    words[-1] += f"{methods.INTERVAL[fit.ci_method]}."
    if fit.k > fit.samples:
        how = methods.DEPENDENCE.get(fit.model, fit.model.replace("_", " "))
        rho = in_words(document.correlations) if document.correlations else "" if fit.rho is None else f"{fit.rho:g}"
        assumed = f", with an assumed correlation of {rho}" if rho else ""
        words.append(f"Estimates of one sample: {how}{assumed}.")
    else:
        words.append("No sample has several estimates.")
    if document.set_to_zero:
        entered = text.plural(document.set_to_zero, "finding")
        words.append(f"{entered} reported as not significant entered as 0: a stress test.")
    return " ".join([*words, *(f"{text.sentence(note)}" for note in fit.notes)])


def _conversions(review: ReviewResults, document: Fitted) -> str:
    used = {name for study in document.studies for name in study.effects}
    rows = [r for r in review.effects if r.effect_id in used and r.metric == document.metric]
    counts = Counter(term(row.converter) + (" (approximate)" if row.exactness == "approximate" else "") for row in rows)
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items())) or "none"


# --- results ------------------------------------------------------------------------------------------------------


def _results(
    review: ReviewResults, searched: Sequence[SearchRow], tables: Mapping[str, Exhibit], pictures: Mapping[str, Picture]
) -> Iterator[Block]:
    placed: set[str] = set()

    def put(*stems: str) -> Iterator[Block]:
        for stem in stems:
            block = tables.get(stem) or pictures.get(stem)
            if block is not None and stem not in placed:
                placed.add(stem)
                yield block

    yield Heading(1, "Results")
    yield Paragraph(_flow(review, searched), "Flow of evidence.")
    yield from put(_FLOW)
    yield Paragraph(" ".join(sentence.words for sentence in headline.answer(review)), "Main results.")
    yield from put("pools", *(f"forest_{name}" for name in review.config.figures))
    yield Heading(2, "Results of each synthesis")
    for document in review.documents:
        yield Heading(3, document.title)
        yield Paragraph(_result(review, document))
        yield from put(f"forest_{document.synthesis}")
    if review.compared.contrasts or review.config.bridges:
        yield Heading(2, "Comparisons")
        yield from (Paragraph(words) for words in _comparisons(review))
        yield from put("contrasts", "readings", *(f"bridge_{name}" for name in review.config.bridges))
    yield Heading(2, "Sensitivity, bias and certainty")
    yield Paragraph(sentences.spread(review.documents) or "No pool has a prediction interval.")
    yield from put("sensitivity", "low_risk", "signals", "certainty", *pictures)


def _flow(review: ReviewResults, searched: Sequence[SearchRow]) -> str:
    used = {name for d in review.documents for study in d.studies for name in study.effects}
    samples = {study.sample_id for d in review.documents for study in d.studies}
    lead = "" if searched else "From the extraction on: "
    words = (
        f"{text.plural(len(review.rows), 'row')} extracted from {text.plural(len(review.sources), 'source')}, "
        f"{text.count(len(review.lost))} of them without a usable number; {text.plural(len(used), 'row')} of "
        f"{text.plural(len(samples), 'sample')} in {text.plural(len(review.documents), 'synthesis', 'syntheses')}."
    )
    return lead + words


def _result(review: ReviewResults, document: Fitted) -> str:
    """One pool in words: estimate, heterogeneity, sensitivity, signs of bias, certainty."""
    title = f"{document.title}: "
    words = [text.capital(sentences.sentence(document).removeprefix(title))]
    if people := people_words(document.studies):
        words.append(f"Sample sizes: {people}.")
    if spread := _heterogeneity(document):
        words.append(f"{spread}.")
    left = sentences.influence_sentence(review.diagnostics.influence, document).removeprefix(title)
    words += [text.capital(left)] if left else []
    words += [part(review, document) for part in (_low_risk, _adjusted, _bias, _graded)]
    words.insert(1, sentences.from_abstracts(review, document))
    return " ".join(part for part in words if part)


def _heterogeneity(document: Fitted) -> str:
    """Variances and shares of a pool of several samples, each with its interval."""
    fit, parts = document.fit, []
    if fit.samples < 2:
        return ""
    if fit.tau2 is not None and fit.method != "FE":
        parts.append(f"{_TAU2} = {text.variance(fit.tau2, fit.tau2_ci_low, fit.tau2_ci_high)}")
    if fit.omega2 is not None:
        parts.append(f"within samples {_OMEGA2} = {text.variance(fit.omega2, None, None)}")
    if fit.i2 is not None:
        parts.append(f"{_I2} = {_share(fit.i2, fit.i2_ci_low, fit.i2_ci_high)}")
    if fit.q is not None and fit.q_p is not None:
        parts.append(f"Q = {text.number(fit.q, 1)}, df = {fit.q_df}, {text.p_value(fit.q_p)}")
    return "Heterogeneity: " + "; ".join(parts).replace("= <", "< ") if parts else ""


def _share(value: float, low: float | None, high: float | None) -> str:
    limits = "" if low is None or high is None else f" [{text.number(low, 0)}%, {text.number(high, 0)}%]"
    return f"{text.number(value, 0)}%{limits}"


def _low_risk(review: ReviewResults, document: Fitted) -> str:
    """The pool without its samples at high risk of bias, where it has any."""
    row = next((row for row in review.low_risk if row.synthesis == document.synthesis), None)
    if row is None or row.estimate_without is None:
        return ""
    value, low, high = (
        back_transform(document.metric, x) for x in (row.estimate_without, row.ci_low_without, row.ci_high_without)
    )
    left = text.plural(row.left_out, "sample")
    return (
        f"Without {left} at high risk of bias: {estimate_name(document)} = {result_tables.limited(value, low, high)}."
    )


def _adjusted(review: ReviewResults, document: Fitted) -> str:
    """Between which values the estimates adjusted for bias lie."""
    known = signs.adjusted_values(review, document.synthesis)
    if not known:
        return ""
    return (
        f"{text.plural(len(known), 'estimate')} adjusted for bias, each by an assumption of its own: "
        f"{text.number(known[0])} to {text.number(known[-1])}."
    )


def _bias(review: ReviewResults, document: Fitted) -> str:
    """The tests that point to small-study effects or selective reporting."""
    rows = [r for r in review.diagnostics.small_study if r.synthesis == document.synthesis and r.test != "all"]
    done = [r for r in rows if r.p is not None and r.test not in signs.NO_SIGN]
    if not done:
        least = review.config.diagnostics.funnel_from
        return f"Small-study effects were not tested (fewer than {least} samples)." if document.fit.samples > 1 else ""
    signals = [r for r in done if r.p is not None and r.p < signs.SIGNAL]
    if not signals:
        return (
            f"None of {text.plural(len(done), 'test')} of small-study effects or selective reporting has "
            f"p < {signs.SIGNAL:g}, which proves no absence of either."
        )
    named = "; ".join(f"{result_tables.TEST_NAME[r.test]}, {text.p_value(r.p or 0.0)}" for r in signals)
    return f"Signs of small-study effects or selective reporting: {named}."


def _graded(review: ReviewResults, document: Fitted) -> str:
    row = next((row for row in review.findings if row.synthesis == document.synthesis), None)
    if row is None:
        return ""
    rule = row.variant.partition(":")[0]
    words = f"Certainty ({rule}): {certainty_table.level(row)}"
    return f"{words}; not decided: {row.undecided.lower()}." if row.undecided else f"{words}."


def _comparisons(review: ReviewResults) -> Iterator[str]:
    for row in review.compared.contrasts:
        difference = result_tables.limited(row.difference, row.ci_low, row.ci_high)
        p = "" if row.p is None else f", {text.p_value(row.p)}"
        yield f"{row.title}: difference {difference}{p}; {row.conclusion}."
    for name in review.config.bridges:
        if rows := review.bridge_rows(name):
            yield sentences.bridge_sentence(rows)
    if review.config.bridges:
        yield sentences.not_assigned(review.documents)


# --- tables and figures -------------------------------------------------------------------------------------------


def _tables(review: ReviewResults) -> Iterator[tuple[str, Table, tuple[str, ...]]]:
    """Every table of `plan.parts`, with what stands below it."""
    compared = short.compared(review) or {}
    graded = _certainty(review)
    (findings, notes), reasons = graded or ((_nothing("Summary of findings"), ()), _nothing("Domains"))
    influence = moving.influence_table(review.diagnostics.influence, review.documents)
    yield "pools", _pools(review.documents), (_PRINTED, sentences.not_causal(review.documents))
    contrasts = _or_nothing(compared.get("contrasts"), "Differences on one metric")
    yield "contrasts", contrasts, (str(compared.get("left_out", "")),)
    assigned = sentences.not_assigned(review.documents) if review.config.bridges else ""
    yield "readings", _or_nothing(compared.get("readings"), "Effects beside the association"), (assigned,)
    yield "sensitivity", _or_nothing(influence, "Each pool without any one of its samples"), ()
    low_risk = certainty_table.low_risk(review.low_risk, review.documents)
    yield "low_risk", _or_nothing(low_risk, "Each pool without its samples at high risk of bias"), ()
    yield "signals", _or_nothing(signs.bias(review)["table"], "Signs of small-study effects"), ()
    yield "certainty", findings, notes
    yield "sources", methods.sources(review), ()
    yield "selection", methods.eligibility(review), ()
    yield "conversions", methods.converters(review), ()
    yield "bridges", comparing.readings(review.compared.bridges), ()
    yield "relevance", comparing.relevance(review.compared.relevance, review.by_name), ()
    yield "small_study", result_tables.small_study(review), ()
    yield "moderators", result_tables.moderators(review), ()
    yield "certainty_reasons", reasons, ()


def _nothing(caption: str) -> Table:
    return table(caption, [caption], [])


def _or_nothing(made: object, caption: str) -> Table:
    return made if isinstance(made, Table) else _nothing(caption)


def _certainty(review: ReviewResults) -> tuple[tuple[Table, tuple[str, ...]], Table] | None:
    graded = certainty_table.certainty(review.findings, review.domains, review.documents)
    if graded is None:
        return None
    variants = graded["variants"]
    notes = tuple(map(str, variants)) if isinstance(variants, list) else ()
    return (_or_nothing(graded["findings"], ""), notes), _or_nothing(graded["reasons"], "")


def _pools(documents: Sequence[Fitted]) -> Table:
    """One row per synthesis: k, N, people, estimate, intervals, heterogeneity."""
    rows: list[Row] = []
    for d in documents:
        fit = d.fit
        read = (fit.estimate, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high)
        value, low, high, new_low, new_high = (back_transform(d.metric, x) for x in read)
        several = fit.samples > 1
        tau2 = "" if fit.tau2 is None or not several else text.variance(fit.tau2, fit.tau2_ci_low, fit.tau2_ci_high)
        i2 = "" if fit.i2 is None or not several else _share(fit.i2, fit.i2_ci_low, fit.i2_ci_high)
        q = "" if fit.q is None or not several else f"{text.number(fit.q, 1)} ({fit.q_df})"
        rows.append([
            d.title, d.word, estimate_name(d), fit.k, fit.samples, people_words(d.studies),
            result_tables.with_interval((value, low, high)), result_tables.interval(new_low, new_high),
            cell(tau2 or text.NONE), cell(i2 or text.NONE), cell(q or text.NONE),
        ])  # fmt: skip
    level = f"Estimate [{100 * documents[0].fit.level:g}% CI]"
    heads = ["Synthesis", "What it is", "Measure", "k", "N", "People", level, "Prediction interval", f"{_TAU2} [CI]",
             f"{_I2} [CI]", "Q (df)"]  # fmt: skip
    return table("Pooled estimates: k estimates of N samples", heads, rows, {3, 4, 6, 7, 8, 9, 10})


def _pictures(review: ReviewResults, figures: Mapping[str, Path]) -> dict[str, Picture]:
    """The figures in the order of the plan, numbered; captions say what to see."""
    captions = {_FLOW: "Flow of the evidence (PRISMA 2020)."}
    captions |= {f"forest_{name}": f"{plan.title}." for name, plan in review.config.figures.items()}
    captions |= {f"forest_{d.synthesis}": f"{d.title}. {short.forest_words(d)}" for d in review.documents}
    captions |= {f"bridge_{name}": f"{plan.title}. {comparing.BRIDGE}" for name, plan in review.config.bridges.items()}
    captions |= {f"risk_domains_{d.synthesis}": f"{d.title}. Risk of bias by domain." for d in review.documents}
    captions["risk_of_bias"] = "Risk of bias of the samples of each synthesis, by weight."
    return {
        stem: Picture(number, stem, captions[stem], png) for number, (stem, png) in enumerate(figures.items(), start=1)
    }
