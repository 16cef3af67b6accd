"""Results in words. Associations are associations, effects are effects, and every number comes from the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, early_improvement, nobody_assigned, process_name
from synthesis.draw.forest_notes import constructs_of, inside, people_words
from synthesis.draw.layout import estimate_name
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import term
from synthesis.results.comparisons import BridgeRow
from synthesis.results.diagnosed import InfluenceRow
from synthesis.results.extracted import Dropped, Effect
from synthesis.results.fitted import Fitted


def not_causal(documents: list[Fitted]) -> str:
    """Why associations are called that; nothing where there are none."""
    of = constructs_of(documents)
    if not any(document.lane == "A" for document in documents):
        return ""
    return (
        f"Correlations with {process_name(of)} are associations: {early_improvement(of)}. "
        "Only randomised contrasts are called effects."
    )


def not_assigned(documents: list[Fitted]) -> str:
    """Why an association beside an effect is no test of causes."""
    nobody = text.capital(nobody_assigned(constructs_of(documents)))
    return f"{nobody}: this is a comparison under conversions, not a test of causes."


def _read(document: Fitted, *values: float | None) -> list[str]:
    """Values on the metric of a fit as they are read."""
    return [text.number(back_transform(document.metric, value)) for value in values]


def estimate(document: Fitted) -> str:
    """The pooled estimate with its name and limits: "r = 0.24 [0.20, 0.28]"."""
    value, low, high = _read(document, document.fit.estimate, document.fit.ci_low, document.fit.ci_high)
    return f"{estimate_name(document)} = {value} [{low}, {high}]"


def sentence(document: Fitted) -> str:
    """One pooled result in words, with the word of its lane: associations are not effects."""
    counts = f"{text.plural(document.fit.samples, 'sample')}, {text.plural(document.fit.k, 'estimate')}"
    lead = "the" if document.fit.samples == 1 else "pooled"
    words = f"{document.title}: {lead} {document.word} {estimate(document)} ({counts})"
    if document.fit.pi_low is not None:
        low, high = _read(document, document.fit.pi_low, document.fit.pi_high)
        words += f"; in a new setting between {low} and {high}"
    elif document.fit.samples == 2 and document.fit.method != "FE":
        words += "; two samples say nothing of a new setting"
    if document.set_to_zero:
        words += (
            f"; {text.plural(document.set_to_zero, 'finding')} reported as not significant entered as 0, a stress test"
        )
    note = document.figure.note
    return " ".join(filter(None, (f"{words}.", within_samples(document), note)))


def short_names(documents: Sequence[Fitted]) -> list[str]:
    """What each effect is of, without its comparator, where that tells them apart: "guided self-help"; else titles."""
    stems = [document.title.partition(" against ")[0] for document in documents]
    alone = [stem != d.title and stems.count(stem) == 1 for d, stem in zip(documents, stems, strict=True)]
    return [
        inside(stem) if short else f"\u201c{d.title}\u201d"
        for d, stem, short in zip(documents, stems, alone, strict=True)
    ]


def _all_within(document: Fitted) -> bool:
    fit = document.fit
    return fit.tau2 is not None and bool(fit.omega2) and round(fit.tau2, 4) <= 0


def within_pools(documents: Sequence[Fitted], main: Fitted) -> str:
    """In how many pools of a lane a model that parts heterogeneity finds all of it within samples, and what that means
    for their new settings; `main`: the pool of which the upper limit of that between samples is said."""
    pools = [d for d in documents if d.lane == main.lane and _all_within(d)]
    if not pools:
        return ""
    limit = main.fit.tau2_ci_high if main in pools else None
    most = "" if limit is None else f", in \u201c{main.title}\u201d at most {text.number(limit, 3)}"
    return (
        f"In {text.plural(len(pools), 'pool')} of {main.word}s all heterogeneity was estimated within samples "
        f"(\u03c4\u00b2 = 0{most}): their new setting is another rating or outcome as much as another clinic."
    )


def within_samples(document: Fitted) -> str:
    """That all heterogeneity lies within samples, where a model that parts it finds none between them."""
    fit = document.fit
    if not _all_within(document):
        return ""
    return (
        f"All heterogeneity of \u201c{document.title}\u201d was estimated within samples (between them: "
        f"\u03c4\u00b2 = {text.number(fit.tau2, 0)})."
    )


def converted(rows: list[BridgeRow]) -> tuple[float, float]:
    """The smallest and the largest d of an association over the conversions of a bridge."""
    values = [row.association_estimate for row in rows if row.unit == "d" and row.association_estimate is not None]
    return min(values), max(values)


def bridge_sentence(rows: list[BridgeRow]) -> str:
    """The range of d over all declared conversions, beside the protocol effect."""
    first = rows[0]
    low, high = (text.number(value) for value in converted(rows))
    limits = text.interval(first.effect_ci_low, first.effect_ci_high)
    return (
        f"{first.title}: the association is d = {low} to {high}, depending on the conversion; the protocol effect "
        f"is g = {text.number(first.effect_estimate)} {limits}. A comparison under conversions, not a test of "
        "causes."
    )


def answer(review: ReviewResults) -> list[str]:
    """The answer in at most five sentences."""
    candidates = [
        _association(review),
        _effects(review),
        _bridge(review),
        spread(review.documents),
        basis(review),
        influence_sentence(review.diagnostics.influence, headline(review)),
    ]
    return [words for words in candidates if words][:5]


def main_association(review: ReviewResults) -> Fitted | None:
    """The association of the first bridge, or the first of lane A."""
    named = [bridge.association for bridge in review.config.bridges.values()]
    lane = [d for d in review.documents if d.lane == "A"]
    return next((d for name in named for d in lane if d.synthesis == name), lane[0] if lane else None)


def headline(review: ReviewResults) -> Fitted:
    """The synthesis that the report is about first."""
    return main_association(review) or review.documents[0]


def with_people(document: Fitted) -> str:
    """ " with 4 110 people"; nothing where no size is known."""
    people = people_words(document.studies)
    return f" with {people}" if people else ""


def _association(review: ReviewResults) -> str:
    document = main_association(review)
    if document is None:
        return ""
    lead = "the pooled association" if document.fit.samples > 1 else "the association"
    words = (
        f"{document.title}: {lead} is {estimate(document)}, from "
        f"{text.plural(document.fit.samples, 'sample')}{with_people(document)}"
    )
    others = [d for d in review.documents if d.lane == "A" and d is not document and not d.set_to_zero]
    if others:
        values = [x for d in others if (x := back_transform(d.metric, d.fit.estimate)) is not None]
        words += (
            f"; in {text.plural(len(others), 'other synthesis', 'other syntheses')} of associations it lies between "
            f"{text.number(min(values))} and {text.number(max(values))}"
            if len(others) > 1
            else f"; in the other synthesis of associations it is {text.number(values[0])}"
        )
    return f"{words}."


def _effects(review: ReviewResults) -> str:
    pooled = [d for d in review.documents if d.lane == "B" and d.fit.samples > 1]
    if not pooled:
        return ""
    others = len(pooled)
    pooled = [d for d in pooled if d.metric == pooled[0].metric]
    others -= len(pooled)
    pooled.sort(key=lambda d: d.fit.estimate)
    low, high = pooled[0], pooled[-1]
    if low is high:
        return (
            f"{low.title}: the pooled effect is {estimate(low)}, from "
            f"{text.plural(low.fit.samples, 'sample')}{with_people(low)}."
        )
    measured = f" in {ESTIMATE_NAME[low.metric]}" if others else ""
    return (
        f"The {len(pooled)} pooled effects of randomised contrasts{measured} lie between {estimate(low)} "
        f"({low.title}) and {estimate(high)} ({high.title})."
    )


def _bridge(review: ReviewResults) -> str:
    for name, bridge in review.config.bridges.items():
        rows = review.bridge_rows(name)
        if rows:
            low, high = converted(rows)
            limits = text.interval(rows[0].effect_ci_low, rows[0].effect_ci_high)
            title = review.by_name[bridge.effect].title
            return (
                f"On one scale the association reads as d = {text.number(low)} to "
                f"{text.number(high)}, depending on the conversion, beside an effect of "
                f"g = {text.number(rows[0].effect_estimate)} {limits} ({title}): a comparison under conversions, "
                "not a test of causes."
            )
    return ""


def from_abstracts(review: ReviewResults, document: Fitted) -> str:
    """How many estimates of a pool were read in an abstract, by the locators of its rows; nothing where none was.

    What comes after a semicolon is another place, such as that of a sample size.
    """
    names = [name for study in document.studies for name in study.effects if name in review.rows]
    places = [review.rows[name].locator.partition(";")[0] for name in names]
    read = sum("abstract" in place.casefold() for place in places)
    if not read:
        return ""
    counted = f"{text.count(read)} of {text.plural(len(places), 'estimate')}"
    return f"{counted} {'was' if read == 1 else 'were'} read in an abstract."


def spread(documents: list[Fitted]) -> str:
    """How far results of single settings lie apart."""
    ranged = [d for d in documents if d.fit.pi_low is not None]
    if not ranged:
        return ""
    crossing = sum(1 for d in ranged if _holds_zero(d.fit.pi_low, d.fit.pi_high))
    if len(ranged) == 1:
        low, high = _read(ranged[0], ranged[0].fit.pi_low, ranged[0].fit.pi_high)
        name = ESTIMATE_NAME[ranged[0].metric]
        clause = "which includes no difference" if crossing else "which leaves out no difference"
        return f"In a new setting {name} is expected between {low} and {high}, {clause}."
    return (
        f"Of {len(ranged)} prediction intervals, {crossing} {'includes' if crossing == 1 else 'include'} zero: there, "
        "a new setting may show nothing, or the opposite."
    )


def _holds_zero(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= 0 <= high


def basis(review: ReviewResults) -> str:
    """What the numbers rest on, and what is missing."""
    gaps = sum(1 for r in review.lost.values() if r.category == "gap")
    used = len(review.usable)
    words = f"{text.plural(used, 'extracted row')} {'is' if used == 1 else 'are'} usable, {_quoted(review.effects)}"
    if gaps:
        words += f"; {text.plural(gaps, 'finding')} could not be used because the reachable text prints no number"
    main = main_association(review)
    stress = next((d for d in review.documents if d.set_to_zero), None)
    if main is not None and stress is not None:
        value, other = _read(stress, stress.fit.estimate)[0], _read(main, main.fit.estimate)[0]
        words += (
            f", and with findings reported as not significant entered as 0, a stress test, the association is "
            f"r = {value} instead of {other}"
        )
    return f"{words}."


def whereabouts(review: ReviewResults) -> str:
    """What became of every extracted row: pooled, usable and in no pool, without a number, or lost otherwise."""
    used = {name for d in review.documents for study in d.studies for name in study.effects}
    spare = [row for name, row in review.usable.items() if name not in used]
    summaries = sum(row.level == "summary" for row in spare)
    gaps = {name for name, row in review.lost.items() if row.category == "gap"}
    entered, others = len(gaps & used), len(review.lost) - len(gaps)
    pooled = text.count(len(used - set(review.lost)))
    words = f"Of {text.plural(len(review.rows), 'extracted row')}, {pooled} are pooled"
    if spare:
        published = f" ({text.count(summaries)} of them published summaries)" if summaries else ""
        words += f"; {text.count(len(spare))} usable ones are in no pool{published}"
    if gaps:
        zeros = f" ({text.count(entered)} of them entered as 0 in a stress test)" if entered else ""
        words += f"; {text.count(len(gaps))} print no number where the text could be read{zeros}"
    if others:
        excluded = "is excluded or holds" if others == 1 else "are excluded or hold"
        words += f"; {text.count(others)} {excluded} no number to pool"
    return f"{words}."


def _quoted(effects: Iterable[Effect]) -> str:
    """What the quotes of usable rows show of their numbers."""
    rows = {r.effect_id: bool(r.not_in_quote) for r in effects}
    lacking = sum(rows.values())
    if not lacking:
        return "each with a quote that shows its numbers"
    return f"each with a quote, which shows every number in {text.count(len(rows) - lacking)} of them"


def influence_sentence(table: Iterable[InfluenceRow], document: Fitted) -> str:
    """How far leaving out one sample moves a synthesis, and which sample that is."""
    samples = [row.sample for row in table if row.synthesis == document.synthesis]
    refitted = any(sample.model_estimate_without is not None for sample in samples)
    left = []
    for sample in samples:
        without = sample.model_estimate_without if refitted else sample.estimate_without
        value = back_transform(document.metric, without)
        if value is not None:
            left.append((value, sample.label))
    if not left:
        return ""
    (low, low_name), (high, high_name) = min(left), max(left)
    marked = [sample.label for sample in samples if sample.influential]
    words = (
        f"{document.title}: without any one sample the estimate lies between {text.number(low)} "
        f"(without {low_name}) and {text.number(high)} (without {high_name})"
    )
    return words + (f"; marked influential: {', '.join(marked)}." if marked else "; none is marked influential.")


def quote_check(records: Iterable[Effect | Dropped]) -> str:
    """How many rows print a number that their quote does not show, and which columns those are."""
    rows = {r.effect_id: [c for c in r.not_in_quote.split("; ") if c] for r in records}
    counts = Counter(column for columns in rows.values() for column in columns)
    unquoted = sum(1 for columns in rows.values() if columns)
    lacking = ", ".join(f"{term(column)} ({count})" for column, count in counts.most_common())
    if not unquoted:
        return f"Each number was looked for in its own quote, and found there, in {text.plural(len(rows), 'row')}."
    return (
        f"Each number was looked for in its own quote. In {unquoted} of {len(rows)} rows at least one is not there: "
        f"{lacking}. (A sample size may stand elsewhere on the page.) The remark beside a row names them."
    )
