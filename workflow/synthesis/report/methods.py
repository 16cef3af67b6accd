"""The methods, written from plan and results in the terms of PRISMA 2020, MARS and the Cochrane Handbook, chapter 10.

What a pipeline cannot know (protocol, search, screening, certainty) is named as left to the authors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from synthesis import text
from synthesis.data.vocabulary import METRIC_NAME
from synthesis.plan.conditions import Condition
from synthesis.plan.config import Synthesis
from synthesis.report.markup import Cell, Html, details, heading, items, joined, link, paragraph, safe, table
from synthesis.report.material import Material, Record
from synthesis.review.crosscheck import MATRICES

_ESTIMATOR = {
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
_INTERVAL = {
    "wald": "Wald",
    "wald_t": "Wald with a t distribution",
    "hksj": "Hartung-Knapp-Sidik-Jonkman",
    "hksj_adhoc": "Hartung-Knapp-Sidik-Jonkman, never narrower than Wald",
    "cr2": "cluster-robust (CR2, Satterthwaite degrees of freedom)",
}
_DEPENDENCE = {
    "che": "correlated and hierarchical effects model",
    "three_level": "three-level model",
    "composites": "one composite effect for each sample",
}
_OPERATOR = {"any_of": "", "none_of": "not ", "at_least": "at least ", "at_most": "at most "}


def _part(name: str, title: str, terms: str, *contents: str) -> Html:
    where = Html(f"<p class='terms'>{safe(terms)}</p>")
    return joined(heading(3, f"methods-{name}", title), where, *contents)


def _small(content: str) -> Html:
    return Html(f"<small>{safe(content)}</small>")


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def section(material: Material) -> str:
    """The methods text."""
    return joined(
        _information(material),
        _eligibility(material),
        _collection(material),
        _measures(material),
        _model(material),
        _heterogeneity(material),
        _multiverse(material),
        _reporting_bias(material),
        _open(),
    )


def _information(material: Material) -> Html:
    used = Counter(r["source"] for r in material.usable.values())
    unused = Counter(r["source"] for r in material.lost.values())
    rows = []
    for name, source in zip(material.config.sources, material.sources, strict=False):
        doi = link(f"https://doi.org/{source.doi}", source.doi) if source.doi else ""
        by = dict.fromkeys((source.extraction.by, source.extraction.on))
        how = joined(source.extraction.how, _small(f"By whom, when: {', '.join(by)}"))
        cited = joined(source.citation, doi, _small(source.licence))
        rows.append([joined(source.title, _small(name)), cited, how, used[name], unused[name]])
    heads = ["Source", "Citation and terms", "How it was extracted", "Usable", "Not used"]
    return _part(
        "information",
        "Information sources",
        "PRISMA 2020 items 6 to 8; MARS: information sources, study selection",
        paragraph(
            f"The databases of this synthesis are {text.plural(len(rows), 'extraction source')}: published reviews and "
            "sets of primary studies whose numbers were extracted row by row. The workflow runs no bibliographic "
            "search of its own; how each source was found and read stands below, and its search and selection are "
            "those of the source."
        ),
        details("Sources", table("Sources", heads, rows, frozenset({3, 4}))),
    )


def _conditions(synthesis: Synthesis) -> str:
    words = [f"{column}: {_condition(condition)}" for column, condition in synthesis.select.items()]
    words += [f"pooled together knowingly: {column} {_listed(values)}" for column, values in synthesis.mix.items()]
    if synthesis.nonsignificant_as_zero:
        words.append("samples reported as not significant without a number enter as 0 (stress test)")
    return "; ".join(words) or "every usable row of its sources"


def _condition(condition: Condition) -> str:
    found = condition.model_dump(exclude_none=True)
    return ", ".join(
        _OPERATOR[key] + (", ".join(value) if isinstance(value, tuple | list) else f"{value:g}")
        for key, value in found.items()
    )


def _eligibility(material: Material) -> Html:
    rows = []
    for name, synthesis in material.config.syntheses.items():
        document = material.by_name.get(name)
        samples = document["samples"] if document else ""
        rows.append([synthesis.title, ", ".join(synthesis.sources), _conditions(synthesis), samples])
    return _part(
        "eligibility",
        "Eligibility for each synthesis",
        "PRISMA 2020 items 5 and 13a; MARS: inclusion and exclusion criteria",
        paragraph(
            "A synthesis takes the usable rows of its sources that meet its conditions. What may not be pooled in "
            "silence (different estimands, comparators, evidence levels) is named."
        ),
        details(
            "Conditions",
            table(
                "Conditions of each synthesis", ["Synthesis", "Sources", "Conditions", "Samples"], rows, frozenset({3})
            ),
        ),
    )


def _collection(material: Material) -> Html:
    rows = list(material.rows.values())
    second = sum(1 for r in rows if r.get("second_coder"))
    corrected = sum(1 for r in rows if r.get("corrected"))
    rated = sum(1 for r in rows if r.get("rob"))
    total = len(rows)
    quoted = sum(1 for r in rows if r["quote"])
    return _part(
        "collection",
        "Data collection and risk of bias",
        "PRISMA 2020 items 9 to 11; MARS: data collection, risks to internal validity",
        paragraph(
            f"{text.plural(total, 'row')} {'was' if total == 1 else 'were'} extracted, "
            f"{'each' if quoted == total else f'{text.count(quoted)} of them'} with a short verbatim quote and its "
            f"place in the source. {text.count(second)} of them name a second coder. Extracted tables are not edited: "
            f"{text.plural(corrected, 'row')} {'was' if corrected == 1 else 'were'} corrected by entries that keep the "
            f"old value and the reason. Numbers that a source does not print stay missing{_entered(material)}."
        ),
        paragraph(
            f"A risk-of-bias judgement is recorded for {text.count(rated)} of {text.count(total)} rows. It does not "
            "enter the weights."
        ),
    )


def _entered(material: Material) -> str:
    """Which numbers stand in for what no source prints: zeros for findings reported as not significant."""
    stressed = [d for d in material.documents if d["set_to_zero"]]
    named = [f"{text.plural(d['set_to_zero'], 'finding')} in \u201c{d['title']}\u201d" for d in stressed]
    named += [
        f"those in some analyses of \u201c{multiverse.title}\u201d"
        for multiverse in material.config.multiverses.values()
        if any(o.nonsignificant_as_zero for factor in multiverse.which.values() for o in factor.options.values())
    ]
    if not named:
        return "; none is filled in"
    return f", but for findings reported as not significant that a stress test enters as 0: {_listed(named)}"


def _measures(material: Material) -> Html:
    metrics = list(dict.fromkeys(METRIC_NAME[d["metric"]] for d in material.documents))
    lanes = {d["lane"] for d in material.documents}
    words = [f"Effect sizes are pooled as {_listed(metrics)}"]
    if any(d["metric"] == "z" for d in material.documents):
        words[0] += "; Fisher z is shown as a correlation r"
    words[0] += "."
    if "A" in lanes:
        words.append("Correlations (lane A) are called associations.")
    if "B" in lanes:
        words.append("Differences between randomised arms (lane B) are called effects.")
    if all(s.orientation == "better" for s in material.config.syntheses.values()):
        words.append("Positive values are better for the patient.")
    counts = Counter((r["converter"], r["exactness"], METRIC_NAME[r["metric"]]) for r in material.effects)
    rows = [[*key, count] for key, count in sorted(counts.items())]
    added = material.config.conversions.zero_cells
    cells = [f"{kind}_{arm}" for arm in ("treat", "control") for kind in ("events", "total")]
    tables = [r for r in material.effects if r["converter"].startswith("2x2") and all(r[c] is not None for c in cells)]
    empty = sum(
        any(r[f"events_{arm}"] in (0, r[f"total_{arm}"]) for arm in ("treat", "control")) for r in tables
    )  # fmt: skip
    if empty and added:
        words.append(f"{text.plural(empty, 'two-by-two table')} with an empty cell had {added:g} added to each cell.")
    heads = ["Converter", "Exactness", "To", "Rows"]
    return _part(
        "measures",
        "Effect measures and conversions",
        "PRISMA 2020 items 12 and 13b; MARS: summary measures; Cochrane Handbook 10.3 to 10.6",
        paragraph(" ".join(words)),
        details("Converters", table("Conversions of printed numbers", heads, rows, frozenset({3}))),
    )


def _groups(documents: list[Record], field: str, names: dict[str, str]) -> str:
    """The values of a field with the number of syntheses that have each."""
    counts = Counter(names.get(d[field], str(d[field])) for d in documents)
    return _listed(f"{name} ({text.plural(count, 'synthesis', 'syntheses')})" for name, count in counts.most_common())


def _model(material: Material) -> Html:
    pooled = [d for d in material.documents if d["samples"] > 1]
    if not pooled:
        return _part("model", "Synthesis", "PRISMA 2020 item 13d", paragraph("No synthesis pools several samples."))
    single = len(material.documents) - len(pooled)
    random = [d for d in pooled if d["method"] != "FE"]
    words = []
    if random:
        words.append(
            f"{text.plural(len(random), 'synthesis', 'syntheses')} of {len(pooled)} use a random-effects model with "
            "inverse-variance weights, because true values are expected to differ between settings."
        )
    words.append(f"Between-study variance: {_groups(pooled, 'method', _ESTIMATOR)}.")
    words.append(
        f"Intervals of the pooled value, at {100 * pooled[0]['level']:g}%: {_groups(pooled, 'ci_method', _INTERVAL)}."
    )
    repeated = [d for d in pooled if d["k"] > d["samples"]]
    if repeated:
        known = [d for d in repeated if d["model"] in _DEPENDENCE]
        rho = sorted({f"{d['rho']:g}" for d in repeated if d["rho"] is not None})
        averaged = sorted({f"{d['composite_rho']:g}" for d in repeated if d["composite_rho"] not in (None, d["rho"])})
        dependence = f"Samples with several estimates occur in {text.plural(len(repeated), 'synthesis', 'syntheses')}"
        dependence += f": {_groups(known, 'model', _DEPENDENCE)}" if known else ""
        dependence += f"; the correlation assumed between estimates of a sample is {_listed(rho)}" if rho else ""
        if averaged:
            dependence += f", and {_listed(averaged)} where a sample counts as the mean of its estimates"
        words.append(f"{dependence}.")
    if single:
        words.append(
            f"{text.plural(single, 'synthesis', 'syntheses')} with a single sample shows that sample, unpooled."
        )
    parts: list[str] = [paragraph(" ".join(words))]
    if material.config.bridges:
        parts.append(
            paragraph(
                "Associations and effects are never pooled together. They are put on one scale only after pooling, "
                "under every declared conversion of r to d, never under one alone."
            )
        )
    return _part(
        "model",
        "Synthesis",
        "PRISMA 2020 items 13c and 13d; MARS: methods of synthesis; Cochrane Handbook 10.3 and 10.10.4",
        *parts,
    )


def _heterogeneity(material: Material) -> Html:
    fewest = material.config.diagnostics
    moderated = {name: s.moderators for name, s in material.config.syntheses.items() if s.moderators}
    ranged = sum(1 for d in material.documents if d["pi_low"] is not None)
    words = (
        "Heterogeneity is given as \u03c4\u00b2 with its interval, I\u00b2 and Q, and as a prediction interval "
        f"({ranged} of {text.plural(len(material.documents), 'synthesis', 'syntheses')}; it takes three samples), the "
        "range in which the true value of a new setting is expected."
    )
    parts = [paragraph(words)]
    if moderated:
        listed = [
            f"{material.config.syntheses[name].title}: {', '.join(moderators)}"
            for name, moderators in moderated.items()
        ]
        parts += [paragraph("Moderators were examined one at a time:"), items(listed)]
    parts.append(
        paragraph(
            "Sensitivity: every pool was fitted again without each sample; permutation tests turn the signs of "
            "samples, which assumes symmetry but no normal distribution (at most "
            f"{text.count(fewest.permutations)} arrangements); up to "
            f"{text.count(fewest.gosh_subsets)} subsets of samples were fitted (GOSH); pools of up to "
            f"{fewest.bayes_up_to} samples have a Bayesian fit beside them, with a half-normal prior on \u03c4."
        )
    )
    return _part(
        "heterogeneity",
        "Heterogeneity, moderators and sensitivity",
        "PRISMA 2020 items 13e and 13f; MARS: methods of synthesis; Cochrane Handbook 10.10, 10.11, 10.13 and 10.14",
        *parts,
    )


def _multiverse(material: Material) -> Html:
    """How the analyses of the multiverses were declared, fitted and tested; nothing where the plan has none."""
    if not material.multiverses:
        return Html("")
    rows = []
    for document in material.multiverses:
        plan = material.config.multiverses[document.multiverse]
        crossed = text.count(document.crossing)
        drawn = f", {text.count(document.drawn)} drawn with seed {plan.seed}" if document.drawn else ""
        declared = [f for f in document.factors if len(f.options) > 1]
        kinds = Counter(option.kind.replace("_", "-") for f in declared for option in f.options)
        rows.append(
            [
                plan.title,
                _listed(f.title.lower() for f in declared),
                _listed(f"{count} {kind}" for kind, count in kinds.items()),
                crossed + drawn,
                Cell(text.count(document.specifications), document.specifications),
                f"{text.count(plan.permutations)} sign changes, seed {plan.seed}",
            ]
        )
    heads = ["Multiverse", "Decisions", "Options", "Combinations", "Distinct analyses", "Test"]
    words = (
        "All combinations of declared options were fitted. The plan types each option as equivalent, uncertain or "
        "non-equivalent (Del Giudice & Gangestad 2021); combinations with a non-equivalent option have a curve of "
        "their own. Combinations that come to the same effects under the same model count once. Curves are described "
        "by the share of analyses beyond each threshold of relevance, by the variance that goes with each decision, "
        "and by a permutation test (Simonsohn et al. 2020) in which the sign of every sample is turned at random, the "
        "same way in all analyses."
    )
    if material.pairs:
        words += (
            " Bridged multiverses are compared pair by pair, under each conversion apart; the interval of a difference "
            "is made of those of its two sides (MOVER)."
        )
    return _part(
        "multiverse",
        "Multiverse",
        "PRISMA 2020 item 13f; MARS: methods of synthesis; Cochrane Handbook 10.14",
        paragraph(words),
        details("Declared decisions", table("Declared decisions of each multiverse", heads, rows, frozenset({4}))),
    )


def _reporting_bias(material: Material) -> Html:
    tested = {r["synthesis"] for r in material.diagnostics["small_study"] if r["test"] != "all"}
    return _part(
        "reporting-bias",
        "Small-study effects and reporting bias",
        "PRISMA 2020 item 14; MARS: publication bias and selective reporting; Cochrane Handbook 13.3",
        paragraph(
            f"Tests of small-study effects were run for {len(tested)} of "
            f"{text.plural(len(material.documents), 'synthesis', 'syntheses')}, those with at least "
            f"{material.config.diagnostics.funnel_from} samples: regression and rank tests, trim and fill, PET-PEESE, "
            "a three-parameter selection model and fail-safe numbers. They describe asymmetry and correct no estimate."
        ),
    )


def _open() -> Html:
    return _part(
        "open",
        "What the authors must write",
        "PRISMA 2020 items 7, 8, 15, 16, 24 to 26; MARS: protocol, search, screening",
        paragraph(
            "A workflow cannot know these: protocol and registration, search strategies, screening and its flow of "
            "records, the certainty of the evidence, funding and competing interests."
        ),
    )


_CHECKED = {
    "estimate": "the estimate",
    "se": "its standard error",
    "df": "degrees of freedom",
    "tau2": "\u03c4\u00b2",
    "omega2": "\u03c9\u00b2",
    "q": "Q",
}


def second_route(rows: list[Record]) -> str:
    """Which numbers of how many fits were computed a second time, by what, and how far they are apart."""
    if not rows:
        return "No synthesis has several samples, so that no fit was there to be computed a second time."
    fits = len({row["synthesis"] for row in rows})
    own = [row for row in rows if row["route"] == MATRICES]
    held = {name: len({r["synthesis"] for r in own if r["quantity"] == name}) for name in _CHECKED}
    kept = {name: words for name, words in _CHECKED.items() if held[name]}
    said = [words if held[name] == fits else f"{words} ({held[name]})" for name, words in kept.items()]
    part_of = " (in brackets: of how many fits, where not of all)" if len(set(held.values()) - {0}) > 1 else ""
    words = (
        f"Before anything was drawn, {text.plural(fits, 'fit')} of several samples "
        f"{'was' if fits == 1 else 'were'} computed a second time, with covariance matrices written out: "
        f"{_listed(said)}{part_of}."
    )
    libraries = sorted({r["route"] for r in rows} - {MATRICES})
    if libraries:
        again = text.plural(len(rows) - len(own), "number")
        words += f" Before this report {_listed(libraries)} gave {again} once more, as far as they have the models."
    worst = max((r["difference"] / r["tolerance"] for r in rows if r["tolerance"]), default=0.0)
    part = "under 0.1%" if worst < 0.001 else f"{100 * worst:.1f}%"
    return (
        f"{words} Of {text.plural(len(rows), 'comparison')} the largest difference is {part} of its tolerance "
        "(tables/crosscheck.csv); one above it ends the run."
    )


def software(versions: list[list[str]], crosscheck: list[Record]) -> Html:
    """The versions that the fits were made with, and what has a second route."""
    return joined(
        heading(3, "software", "Software"),
        paragraph(second_route(crosscheck)),
        table("Software of the fits", ["Package", "Version"], versions),
        heading(3, "digests", "Digests"),
        paragraph("A digest changes when the plan of a synthesis or any row it draws on changes."),
    )
