"""The first screen: the answer in three sentences, made of what the plan has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import nobody_assigned
from synthesis.draw.forest_notes import constructs_of
from synthesis.report import certainty_table, indirect, sentences
from synthesis.report.review_results import ReviewResults
from synthesis.results.certainty import LEVELS
from synthesis.results.comparisons import BridgeRow
from synthesis.results.fitted import Fitted

_SENTENCES = 3
# Bases of every reading that puts an association beside an effect as a difference.
_UNIT = "d"
# A correlation of two measures as they are.
_PLAIN = "r_total"
# One that is adjusted for baseline or earlier change.
_ADJUSTED = "r_partial"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the answer, with what must be known beside it."""

    words: str
    remark: str = ""


def answer(review: ReviewResults) -> list[Sentence]:
    """The association, the effects and their comparison; where a plan has fewer, what else decides how to read it."""
    lanes = [_association(review), _effects(review), _comparison(review)]
    more = (
        Sentence(sentences.spread(review.documents)),
        Sentence(sentences.influence_sentence(review.diagnostics.influence, sentences.headline(review))),
        Sentence(sentences.basis(review)),
    )
    return [sentence for sentence in (*lanes, *more) if sentence.words][:_SENTENCES]


def headline_documents(review: ReviewResults) -> list[Fitted]:
    """The syntheses that the comparison is about; without one, those that pool several samples, or all."""
    bridges = review.config.bridges.values()
    named = dict.fromkeys([b.association for b in bridges] + [b.effect for b in bridges])
    chosen = [d for d in review.documents if d.synthesis in named]
    return chosen or [d for d in review.documents if d.fit.samples > 1] or review.documents


def _association(review: ReviewResults) -> Sentence:
    document = sentences.main_association(review)
    if document is None:
        return Sentence("")
    lead = "the pooled association is" if document.fit.samples > 1 else "the association is"
    words = (
        f"{document.title}: {lead} {sentences.estimate(document)}, from "
        f"{text.plural(document.fit.samples, 'sample')}{sentences.with_people(document)}"
        f"{_by_adjustment(review, document)}"
    )
    r = back_transform(document.metric, document.fit.estimate)
    stress = next((d for d in review.documents if d.set_to_zero and d.lane == "A"), None)
    if stress is not None:
        entered = text.plural(stress.set_to_zero, "finding")
        words += (
            f"; with {entered} reported as not significant entered as 0{_not_entered(review, stress)}, a stress test, "
            f"it is {sentences.estimate(stress)}"
        )
    if document.metric == "z" and r is not None:
        words += _squared(review, document, r)
    remarks = (
        _new_association(document, stress),
        _certainty(review, [document]),
        document.figure.note,
        sentences.from_abstracts(review, document),
    )
    return Sentence(f"{words}.", " ".join(filter(None, remarks)))


def _not_entered(review: ReviewResults, stress: Fitted) -> str:
    """How many findings that are reported as significant, without a number, a stress test leaves out."""
    results, plan = review.process, review.config.syntheses.get(stress.synthesis)
    if results is None or plan is None or results.first not in constructs_of([stress]):
        return ""
    left = sum(
        f.kind == "significant" and f.construct == results.first and f.source in plan.sources for f in results.findings
    )
    return (
        f" ({text.count(left)} significant {'one' if left == 1 else 'ones'} without a number left out)" if left else ""
    )


def _by_adjustment(review: ReviewResults, document: Fitted) -> str:
    """What correlations without and with adjustment give, where the plan has a pool of each beside a mixed one."""
    plan = review.config.syntheses.get(document.synthesis)
    apart = {}
    for name in plan.alternatives if plan else ():
        of = review.config.syntheses[name].select.get("estimand")
        if of is not None and name in review.by_name:
            d = review.by_name[name]
            apart[of.any_of] = text.number(back_transform(d.metric, d.fit.estimate))
    plain, adjusted = apart.get((_PLAIN,)), apart.get((_ADJUSTED,))
    if plain is None or adjusted is None:
        return ""
    return f"; {plain} without and {adjusted} with adjustment for baseline"


def _new_association(document: Fitted, stress: Fitted | None) -> str:
    """Where the association of a new setting may lie, and whether it may be none, also under the stress test."""
    ranged = [(d, *_new(d)) for d in (document, stress) if d is not None and d.fit.pi_low is not None]
    limits = [
        f"{text.number(low)} and {text.number(high)}{' (stress test)' if d is stress else ''}"
        for d, low, high in ranged
    ]
    if not limits:
        return ""
    none = [d for d, low, high in ranged if low <= 0 <= high]
    words = f"In a new setting it may lie between {', or '.join(limits)}"
    if none == [stress] and ranged[1:]:
        return f"{words}: there alone it may vanish."
    return f"{words}: there may be no association." if none else f"{words}."


def _new(document: Fitted) -> tuple[float, float]:
    low, high = (back_transform(document.metric, x) for x in (document.fit.pi_low, document.fit.pi_high))
    return (low or 0.0, high or 0.0)


def _squared(review: ReviewResults, document: Fitted, r: float) -> str:
    """r squared, which is shared variance of plain correlations alone; nothing where any is adjusted for something."""
    names = [name for study in document.studies for name in study.effects if name in review.rows]
    if not names or any(review.rows[name].estimand != _PLAIN for name in names):
        return ""
    return f"; the two measures share {_percent(r * r)} of their variance (r squared)"


def _percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{100 * share:.0f}%"


def _effects(review: ReviewResults) -> Sentence:
    """The effects that the association is compared with; without a comparison the pooled ones."""
    names = dict.fromkeys(bridge.effect for bridge in review.config.bridges.values())
    named = [review.by_name[name] for name in names if name in review.by_name]
    pooled = named or [d for d in review.documents if d.lane == "B" and d.fit.samples > 1][:_SENTENCES]
    if not pooled:
        pooled = [d for d in review.documents if d.lane == "B"][:1]
    if not pooled:
        return Sentence("")
    above = _above(review)
    parts: list[str] = []
    for d in pooled:
        share = f"; {above[d.synthesis]}" if d.synthesis in above else ""
        counted = text.plural(d.fit.samples, "sample") + indirect.at_high_risk(review, d)
        parts.append(f"{d.title}, {sentences.estimate(d)} ({counted}{share})")
    lead = "Effect of randomised treatment" if len(parts) == 1 else "Effects of randomised treatments"
    if above:
        lead += (
            ", and how many of 100 treated patients do better than the average of the comparison group (50: no effect; "
            "if distributions are normal)"
        )
    note = pooled[0].figure.note if len(pooled) == 1 else ""
    remarks = (
        _new_setting(pooled),
        _certainty(review, pooled),
        indirect.not_the_protocol_alone(review, pooled),
        note,
    )
    return Sentence(f"{lead}: {'; '.join(parts)}.", " ".join(filter(None, remarks)))


def _new_setting(pooled: Sequence[Fitted]) -> str:
    """Of how many effects the prediction interval holds none."""
    ranged = [d.fit for d in pooled if d.fit.pi_low is not None and d.fit.pi_high is not None]
    none = sum(
        1 for fit in ranged if fit.pi_low is not None and fit.pi_high is not None and fit.pi_low <= 0 <= fit.pi_high
    )
    if not none:
        return ""
    if len(ranged) == 1:
        return "In a new setting there may be no effect: the prediction interval includes 0."
    which = f"all {len(ranged)}" if none == len(ranged) else f"{none} of {len(ranged)}"
    return f"In a new setting there may be no effect: {which} prediction intervals include 0."


def _certainty(review: ReviewResults, documents: Sequence[Fitted]) -> str:
    """GRADE of some syntheses, in their order; of which kind, where it does not start from the highest level."""
    graded = {row.synthesis: row for row in review.findings}
    rows = [graded[d.synthesis] for d in documents if d.synthesis in graded]
    if not rows:
        return ""
    kind = "GRADE"
    if rows[0].start != LEVELS[-1]:
        kind = f"{rows[0].variant.partition(':')[0]}, starting at {rows[0].start}"
    order = ", in this order" if len(rows) > 1 else ""
    return f"Certainty ({kind}){order}: {', '.join(certainty_table.level(row) for row in rows)}."


def _above(review: ReviewResults) -> dict[str, str]:
    """By synthesis, how many of 100 treated patients do better than the average of those who were not, with the
    interval: U3 of the bridges."""
    return {
        r.effect: f"{r.effect_estimate:.0f}\u00a0[{r.effect_ci_low:.0f},\u00a0{r.effect_ci_high:.0f}]"
        for r in review.compared.bridges
        if r.contrast.startswith("u3") and None not in (r.effect_estimate, r.effect_ci_low, r.effect_ci_high)
    }


def _bridged(review: ReviewResults) -> list[list[BridgeRow]]:
    """The readings of each bridge as a difference, by size of the association."""
    bridged = []
    for name in review.config.bridges:
        rows = [r for r in review.bridge_rows(name) if r.unit == _UNIT and r.association_estimate is not None]
        if rows and rows[0].effect_estimate is not None:
            bridged.append(sorted(rows, key=lambda r: r.association_estimate or 0.0))
    return bridged


def _comparison(review: ReviewResults) -> Sentence:
    """Whether one side is larger, under how many conversions of the association, and why that is no single answer."""
    bridged = _bridged(review)
    if not bridged:
        return Sentence("")
    first = bridged[0]
    ends = dict.fromkeys(text.number(row.association_estimate) for row in (first[0], first[-1]))
    spread = ", depending on the conversion" if len(first) > 1 else ""
    lead = "" if any(_one_sided(rows) for rows in bridged) else "Which is larger cannot be said from these data. "
    words = (
        f"{lead}Turned into a difference between patients, the association is d = {' to '.join(ends)}{spread}. "
        f"{_standing(review, bridged)}"
    )
    nobody = text.capital(nobody_assigned(constructs_of(review.documents)))
    return Sentence(f"{words} {nobody}, so this is no test of causes.", _mixed(review, first[0].association))


def _larger(rows: Sequence[BridgeRow]) -> tuple[int, int]:
    """Under how many conversions the effect is larger, and smaller, by the interval of the difference."""
    return (
        sum(1 for r in rows if r.difference_ci_high is not None and r.difference_ci_high < 0),
        sum(1 for r in rows if r.difference_ci_low is not None and r.difference_ci_low > 0),
    )


def _one_sided(rows: Sequence[BridgeRow]) -> bool:
    """Whether one side is larger under every conversion."""
    return len(rows) in _larger(rows)


def _standing(review: ReviewResults, bridged: Sequence[Sequence[BridgeRow]]) -> str:
    """The effects that are larger or smaller than the association, each under how many conversions, then the others."""
    names = sentences.short_names([review.by_name[rows[0].effect] for rows in bridged])
    usual, never, rest = bridged[0][0].association, [], False
    phrases: dict[str, list[str]] = {"larger": [], "smaller": []}
    for name, rows in zip(names, bridged, strict=True):
        named = name + ("" if rows[0].association == usual else _beside(review.by_name[rows[0].association]))
        counts = dict(zip(phrases, _larger(rows), strict=True))
        rest = rest or 0 < sum(counts.values()) < len(rows)
        for word, count in counts.items():
            if count:
                of = text.plural(len(rows), "conversion") if not phrases[word] else len(rows)
                phrases[word].append(f"{named} {'' if phrases[word] else f'is {word} '}under {count} of {of}")
        if not any(counts.values()):
            never.append(f"for {named}")
    clauses = [_listed(parts) for parts in phrases.values() if parts]
    undecided = [*(["in all others"] if rest else []), *never]
    if undecided:
        clauses.append(f"{_listed(undecided)} neither is shown to be larger")
    return text.capital(f"{'; '.join(clauses)}.")


def _beside(association: Fitted) -> str:
    """The association that an effect is put beside, where that is not the usual one."""
    counted = f"{text.plural(association.fit.samples, 'sample')}{sentences.with_people(association)}"
    return f" beside \u201c{association.title}\u201d ({counted})"


def _mixed(review: ReviewResults, association: str) -> str:
    """How many correlations of an association are adjusted for something; nothing where all or none are."""
    names = [name for study in review.by_name[association].studies for name in study.effects if name in review.rows]
    adjusted = sum(review.rows[name].estimand != _PLAIN for name in names)
    if not 0 < adjusted < len(names):
        return ""
    return f"{adjusted} of {len(names)} correlations are adjusted; the conversions take all as plain."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
