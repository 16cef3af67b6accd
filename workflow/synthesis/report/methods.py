"""The methods, written from plan and results in the terms of PRISMA 2020, MARS and the Cochrane Handbook, chapter 10.

What a pipeline cannot know (protocol, search, screening, certainty) is named as left to the authors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from synthesis import text
from synthesis.data.vocabulary import FLAG_WORDS, METRIC_NAME, RATIO_METRICS
from synthesis.plan.conditions import Condition
from synthesis.plan.config import Synthesis
from synthesis.report.content import Context, Row, Table, Text, cell, table
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import term
from synthesis.results.checks import CheckRow
from synthesis.results.extracted import Dropped, Effect
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import MATRICES
from synthesis.review.declared import in_words

ESTIMATOR = {
    "FE": "a common effect",
    "DL": "DerSimonian-Laird",
    "HE": "Hedges",
    "HS": "Hunter-Schmidt",
    "HSk": "Hunter-Schmidt with small-sample correction",
    "SJ": "Sidik-Jonkman",
    "ML": "maximum likelihood (ML)",
    "REML": "restricted maximum likelihood (REML)",
    "EB": "empirical Bayes",
    "PM": "Paule-Mandel",
    "PMM": "Paule-Mandel, median unbiased",
    "DL2": "two-step DerSimonian-Laird",
    "HE2": "two-step Hedges",
    "single sample": "no pooling, one sample",
}
INTERVAL = {
    "wald": "Wald",
    "wald_t": "Wald with a t distribution",
    "hksj": "Hartung-Knapp-Sidik-Jonkman",
    "hksj_adhoc": "Hartung-Knapp-Sidik-Jonkman, never narrower than Wald",
    "cr2": "cluster-robust (CR2, Satterthwaite degrees of freedom)",
}
DEPENDENCE = {
    "che": "correlated and hierarchical effects model",
    "three_level": "three-level model",
    "composites": "one composite effect for each sample",
}
_OPERATOR = {"any_of": "", "none_of": "not ", "at_least": "at least ", "at_most": "at most "}


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def section(review: ReviewResults) -> Context:
    """The methods: what the plan and the results say of each of their parts."""
    pooled = [d for d in review.documents if d.fit.samples > 1]
    return {
        "sources": sources(review),
        "conditions": eligibility(review),
        "collection": _collection(review),
        "measures": measures(review),
        "converters": converters(review),
        "model": model(review, pooled) if pooled else [],
        "bridged": bool(review.config.bridges),
        "syntheses": len(review.documents),
        "ranged": sum(1 for d in review.documents if d.fit.pi_low is not None),
        "moderated": _moderated(review),
        "diagnostics": review.config.diagnostics,
        "multiverses": _multiverses(review) if review.multiverses else None,
        "bridged_multiverses": bool(review.pairs),
        "tested": len({r.synthesis for r in review.diagnostics.small_study if r.test != "all"}),
    }


# Of the sentences on the model: what it is, its between-study variance, its intervals.
_IN_SHORT = 3
_WEIGHTED = " with inverse-variance weights"
_BECAUSE = ", because true values are expected to differ between settings"


def in_short(review: ReviewResults) -> list[str]:
    """What was pooled, as what, and how: the sentences of the short report."""
    rows = list(review.rows.values())
    quoted = sum(1 for row in rows if row.quote)
    pooled = [d for d in review.documents if d.fit.samples > 1]
    whole = sum(1 for row in rows if row.quote and not row.not_in_quote)
    extracted = (
        f"{text.plural(len(rows), 'row')} from {text.plural(len(review.sources), 'source')}, "
        f"{'each' if quoted == len(rows) else text.count(quoted) + ' of them'} with a verbatim quote"
    )
    if quoted:
        extracted += f", which shows every number in {'all' if whole == quoted else text.count(whole)}"
        if whole < quoted:
            extracted += f"; in {text.count(quoted - whole)} at least one number is not in the quote"
    extracted += "."
    metrics = list(dict.fromkeys(METRIC_NAME[d.metric] for d in review.documents))
    on_model = model(review, pooled)[:_IN_SHORT] if pooled else []
    return [
        extracted,
        f"Pooled as {_listed(metrics)}.",
        *(words.replace(_WEIGHTED + _BECAUSE, "") for words in on_model),
    ]


def source_titles(review: ReviewResults) -> dict[str, str]:
    """The titles of the sources by their names; a source that is not described keeps its name."""
    described = {name: source.title for name, source in zip(review.config.sources, review.sources, strict=False)}
    return {name: name for name in review.config.sources} | described


def sources(review: ReviewResults) -> Table:
    """Every source with its citation, terms, extraction, and how many of its rows are used."""
    used = Counter(r.source for r in review.usable.values())
    unused = Counter(r.source for r in review.lost.values())
    rows: list[Row] = []
    for name, source in zip(review.config.sources, review.sources, strict=False):
        doi = Text(source.doi or "", url=f"https://doi.org/{source.doi}")
        by = dict.fromkeys((source.extraction.by, source.extraction.on))
        rows.append(
            [
                (source.title, Text(name, "code")),
                (source.citation, doi, Text(source.licence, "small")),
                (source.extraction.how, Text(f"By whom, when: {', '.join(by)}", "small")),
                used[name],
                unused[name],
            ]
        )
    heads = ["Source", "Citation and terms", "How it was extracted", "Usable", "Not used"]
    return table("Sources", heads, rows, {3, 4})


def conditions(synthesis: Synthesis) -> str:
    """Which rows a synthesis takes, in words."""
    words = [f"{term(column)}: {_condition(condition)}" for column, condition in synthesis.select.items()]
    words += [
        f"pooled together knowingly: {term(column)} {_listed(map(term, values))}"
        for column, values in synthesis.mix.items()
    ]
    if synthesis.nonsignificant_as_zero:
        words.append("samples reported as not significant without a number enter as 0 (stress test)")
    return "; ".join(words) or "every usable row of its sources"


def _condition(condition: Condition) -> str:
    return ", ".join(
        _OPERATOR[key] + (", ".join(map(term, value)) if isinstance(value, tuple | list) else f"{value:g}")
        for key, value in condition.model_dump(exclude_none=True).items()
    )


def eligibility(review: ReviewResults) -> Table:
    """Which rows each synthesis takes."""
    titles = source_titles(review)
    rows: list[Row] = []
    for name, synthesis in review.config.syntheses.items():
        document = review.by_name.get(name)
        samples = document.fit.samples if document else None
        rows.append([synthesis.title, "; ".join(titles[s] for s in synthesis.sources), conditions(synthesis), samples])
    return table("Conditions of each synthesis", ["Synthesis", "Sources", "Conditions", "Samples"], rows, {3})


def _moderated(review: ReviewResults) -> Table | None:
    rows: list[Row] = [
        [synthesis.title, ", ".join(term(name) for name in synthesis.moderators)]
        for synthesis in review.config.syntheses.values()
        if synthesis.moderators
    ]
    return table("Moderators of each synthesis", ["Synthesis", "Moderators"], rows) if rows else None


def _collection(review: ReviewResults) -> Context:
    rows = list(review.rows.values())
    return {
        "extracted": len(rows),
        "quoted": sum(1 for r in rows if r.quote),
        "whole": sum(1 for r in rows if r.quote and not r.not_in_quote),
        "second": sum(1 for r in rows if r.second_coder),
        "corrected": sum(1 for r in rows if isinstance(r, Effect) and r.corrected),
        "rated": sum(1 for r in rows if r.rob),
        "entered": _entered(review),
        "marked": _marked(rows),
    }


def _marked(rows: Sequence[Effect | Dropped]) -> str:
    """How many rows have each flag that a reader must know of; nothing where none has."""
    counts = Counter(flag for row in rows for flag in row.flag.split(";"))
    named = [f"{words} ({text.count(counts[flag])})" for flag, words in FLAG_WORDS.items() if counts[flag]]
    return f" Marked rows: {'; '.join(named)}." if named else ""


def _entered(review: ReviewResults) -> str:
    """Which numbers stand in for what no source prints: zeros, and what analyses of a multiverse enter."""
    stressed = [d for d in review.documents if d.set_to_zero]
    named = [f"{text.plural(d.set_to_zero, 'finding')} in \u201c{d.title}\u201d" for d in stressed]
    in_multiverses = []
    for multiverse in review.config.multiverses.values():
        ways = {o.nulls for factor in multiverse.which.values() for o in factor.options.values()}
        if "zero" in ways:
            named.append(f"those in some analyses of \u201c{multiverse.title}\u201d")
        in_multiverses += [
            f"{_ENTERED[way]} in others of \u201c{multiverse.title}\u201d" for way in _ENTERED if way in ways
        ]
    if not named and not in_multiverses:
        return "; none is filled in"
    words = ""
    if named:
        words = f", but for findings reported as not significant that a stress test enters as 0: {_listed(named)}"
    return words + (f"; findings without a number enter {_listed(in_multiverses)}" if in_multiverses else "")


_ENTERED = {
    "edge_low": "at the lower edge of significance",
    "edge_high": "at the upper edge of significance",
    "imputed": "by the rule of the stress test",
}


def measures(review: ReviewResults) -> str:
    """What was pooled, what it is called, and what its sign means."""
    metrics = list(dict.fromkeys(METRIC_NAME[d.metric] for d in review.documents))
    lanes = {d.lane for d in review.documents}
    words = [f"Effect sizes are pooled as {_listed(metrics)}"]
    if any(d.metric == "z" for d in review.documents):
        words[0] += "; Fisher z is shown as a correlation r"
    words[0] += "."
    if "A" in lanes:
        words.append("Correlations are called associations.")
    if "B" in lanes:
        words.append("Only differences between randomised arms are called effects.")
    plans = [review.config.syntheses[d.synthesis] for d in review.documents]
    if all(plan.oriented == "better" for plan in plans):
        words.append("Positive values are better for the patient.")
    elif any(plan.metric in RATIO_METRICS and plan.oriented == "as_reported" for plan in plans):
        words.append("Ratios are those of the printed event, not turned.")
    added = review.config.conversions.zero_cells
    empty = sum(r.converter.startswith("2x2") and _has_empty_cell(r) for r in review.effects)
    if empty and added:
        words.append(f"{text.plural(empty, 'two-by-two table')} with an empty cell had {added:g} added to each cell.")
    return " ".join(words)


def _has_empty_cell(row: Effect) -> bool:
    """Whether a whole two-by-two table has an arm in which nobody, or everybody, has the event."""
    arms = ((row.events_treat, row.total_treat), (row.events_control, row.total_control))
    whole = all(events is not None and total is not None for events, total in arms)
    return whole and any(events in (0, total) for events, total in arms)


def converters(review: ReviewResults) -> Table:
    """How many printed numbers each converter took to which metric."""
    counts = Counter((r.converter, r.exactness, METRIC_NAME[r.metric]) for r in review.effects)
    rows: list[Row] = [
        [term(converter), exactness, metric, count] for (converter, exactness, metric), count in sorted(counts.items())
    ]
    return table("Conversions of printed numbers", ["Converter", "Exactness", "To", "Rows"], rows, {3})


def _groups(values: Iterable[str], names: dict[str, str]) -> str:
    """The values of a field with the number of syntheses that have each."""
    counts = Counter(names.get(value, value) for value in values)
    return _listed(f"{name} ({text.plural(count, 'synthesis', 'syntheses')})" for name, count in counts.most_common())


def model(review: ReviewResults, pooled: list[Fitted]) -> list[str]:
    """Sentences on the models of the syntheses that pool several samples."""
    single = len(review.documents) - len(pooled)
    random = [d for d in pooled if d.fit.method != "FE"]
    words = []
    if random:
        words.append(
            f"{_of_all(len(random), len(pooled))} {'uses' if len(random) == 1 else 'use'} a random-effects model"
            f"{_WEIGHTED}{_BECAUSE}."
        )
    words.append(f"Between-study variance: {_groups((d.fit.method for d in pooled), ESTIMATOR)}.")
    level, intervals = 100 * pooled[0].fit.level, _groups((d.fit.ci_method for d in pooled), INTERVAL)
    words.append(f"Intervals of the pooled value, at {level:g}%: {intervals}.")
    repeated = [d for d in pooled if d.fit.k > d.fit.samples]
    if repeated:
        words.append(_dependence(repeated))
    words += _levels([d for d in pooled if d.fit.levels])
    if single:
        words.append(
            f"{text.plural(single, 'synthesis', 'syntheses')} with a single sample "
            f"{'shows' if single == 1 else 'show'} that sample, unpooled."
        )
    return words


def _of_all(count: int, total: int) -> str:
    """So many of the pools of several samples."""
    if count == total:
        return "The one pool of several samples" if total == 1 else f"All {total} pools of several samples"
    return f"{count} of {total} pools of several samples"


def _dependence(repeated: list[Fitted]) -> str:
    """How the syntheses treat samples with several estimates."""
    known = [d for d in repeated if d.fit.model in DEPENDENCE]
    rho = sorted({f"{d.fit.rho:g}" for d in repeated if d.fit.rho is not None})
    composite = [d.fit.composite_rho for d in repeated if d.fit.composite_rho != d.fit.rho and d.correlations is None]
    averaged = sorted({f"{value:g}" for value in composite if value is not None})
    words = f"Samples with several estimates occur in {text.plural(len(repeated), 'synthesis', 'syntheses')}"
    words += f": {_groups((d.fit.model for d in known), DEPENDENCE)}" if known else ""
    words += f"; the correlation assumed between estimates of a sample is {_listed(rho)}" if rho else ""
    if averaged:
        words += f", and {_listed(averaged)} where a sample counts as the mean of its estimates"
    words += "".join(
        f". In \u201c{d.title}\u201d the correlation is {in_words(d.correlations)}" for d in repeated if d.correlations
    )
    shared = sum(
        any(study.sampling for study in d.studies) if d.correlations is None else d.correlations.control_arms
        for d in repeated
    )
    if shared:
        words += (
            f". In {text.plural(shared, 'synthesis', 'syntheses')} effects that compare with one control arm have the "
            "sampling covariance that follows from it (Gleser and Olkin 2009)"
        )
    return f"{words}."


def _levels(documents: list[Fitted]) -> list[str]:
    """The variances of models with levels above the sample, one sentence each."""
    texts = []
    for document in documents:
        parts = [
            f"{level.level} {text.variance(level.variance, level.ci_low, level.ci_high)} ({level.members})"
            for level in document.fit.levels
        ]
        is_crossed = any(level.crossed for level in document.fit.levels)
        kind, between = "nested", "tests and prediction interval are between the members of the top level"
        if is_crossed:
            kind, between = "crossed", "tests are the model's own, by t with the fewest members less 1 df"
        texts.append(
            f"\u201c{document.title}\u201d has {kind} random effects, with a variance "
            f"({100 * document.fit.level:g}% profile-likelihood interval, members) for each level: {_listed(parts)}; "
            f"{between}."
        )
    return texts


def _multiverses(review: ReviewResults) -> Table:
    """How the analyses of the multiverses were declared, fitted and tested."""
    rows: list[Row] = []
    for document in review.multiverses:
        plan = review.config.multiverses[document.multiverse]
        crossed = text.count(document.crossing)
        drawn = f", {text.count(document.drawn)} drawn with seed {plan.seed}" if document.drawn else ""
        declared = [f for f in document.factors if len(f.options) > 1]
        kinds = Counter(option.kind.replace("_", "-") for f in declared for option in f.options)
        rows.append(
            [
                plan.title,
                text.lettered(_listed(f.title.lower() for f in declared)),
                _listed(f"{count} {kind}" for kind, count in kinds.items()),
                crossed + drawn,
                cell(text.count(document.specifications), document.specifications),
                f"{text.count(plan.permutations)} sign changes, seed {plan.seed}",
            ]
        )
    heads = ["Multiverse", "Decisions", "Options", "Combinations", "Distinct analyses", "Test"]
    return table("Declared decisions of each multiverse", heads, rows, {4})


_CHECKED = {
    "estimate": "the estimate",
    "se": "its standard error",
    "df": "degrees of freedom",
    "tau2": "\u03c4\u00b2",
    "omega2": "\u03c9\u00b2",
    "q": "Q",
}


def second_route(rows: list[CheckRow]) -> str:
    """Which numbers of how many fits were computed a second time, by what, and how far they are apart."""
    if not rows:
        return "No synthesis has several samples, so that no fit was there to be computed a second time."
    fits = len({row.synthesis for row in rows})
    by_matrices = [row for row in rows if row.route == MATRICES]
    counts = {name: len({r.synthesis for r in by_matrices if r.quantity == name}) for name in _CHECKED}
    kept = {name: words for name, words in _CHECKED.items() if counts[name]}
    quantities = [words if counts[name] == fits else f"{words} ({counts[name]})" for name, words in kept.items()]
    part_of = " (in brackets: of how many fits, where not of all)" if len(set(counts.values()) - {0}) > 1 else ""
    words = (
        f"Before anything was drawn, {text.plural(fits, 'fit')} of several samples "
        f"{'was' if fits == 1 else 'were'} computed a second time, with covariance matrices written out: "
        f"{_listed(quantities)}{part_of}."
    )
    libraries = sorted({r.route for r in rows} - {MATRICES})
    if libraries:
        again = text.plural(len(rows) - len(by_matrices), "number")
        words += f" Before this report {_listed(libraries)} gave {again} once more, as far as they have the models."
    worst = max((r.difference / r.tolerance for r in rows if r.tolerance), default=0.0)
    part = "under 0.1%" if worst < 0.001 else f"{100 * worst:.1f}%"
    return (
        f"{words} Of {text.plural(len(rows), 'comparison')} the largest difference is {part} of its tolerance "
        "(tables/crosscheck.csv); one above it ends the run."
    )
