"""The first screen: the answer in three sentences, made of what the plan has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import CONTRASTS, contrast_name
from synthesis.draw.forest_notes import constructs_of
from synthesis.report import certainty_table, sentences
from synthesis.report.review_results import ReviewResults
from synthesis.results.comparisons import BridgeRow
from synthesis.results.fitted import Fitted

_SENTENCES = 3
# Bases of every reading that puts an association beside an effect as a difference.
_UNIT = "d"
# A correlation of two measures as they are.
_PLAIN = "r_total"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the answer, with what must be known beside it."""

    words: str
    remark: str = ""


def answer(review: ReviewResults) -> list[Said]:
    """The association, the effects and their comparison; where a plan has fewer, what else decides how to read it."""
    lanes = [_association(review), _effects(review), _comparison(review)]
    more = (
        Said(sentences.spread(review.documents)),
        Said(sentences.influence_sentence(review.diagnostics.influence, sentences.headline(review))),
        Said(sentences.basis(review)),
    )
    return [said for said in (*lanes, *more) if said.words][:_SENTENCES]


def headline_documents(review: ReviewResults) -> list[Fitted]:
    """The syntheses that the comparison is about; without one, those that pool several samples, or all."""
    bridges = review.config.bridges.values()
    named = dict.fromkeys([b.association for b in bridges] + [b.effect for b in bridges])
    chosen = [d for d in review.documents if d.synthesis in named]
    return chosen or [d for d in review.documents if d.fit.samples > 1] or review.documents


def _association(review: ReviewResults) -> Said:
    document = sentences.main_association(review)
    if document is None:
        return Said("")
    lead = "the pooled association is" if document.fit.samples > 1 else "the association is"
    words = (
        f"{document.title}: {lead} {sentences.estimate(document)}, from "
        f"{text.plural(document.fit.samples, 'sample')}{sentences.with_people(document)}"
    )
    r = back_transform(document.metric, document.fit.estimate)
    stress = next((d for d in review.documents if d.set_to_zero and d.lane == "A"), None)
    if stress is not None:
        entered = text.plural(stress.set_to_zero, "finding")
        words += (
            f", and with {entered} reported as not significant entered as 0, a stress test, it is "
            f"{sentences.estimate(stress)}"
        )
    if document.metric == "z" and r is not None:
        words += _squared(review, document, r)
    beside = (_certainty(review, [document]), document.figure.note, sentences.from_abstracts(review, document))
    return Said(f"{words}.", " ".join(filter(None, beside)))


def _squared(review: ReviewResults, document: Fitted, r: float) -> str:
    """r squared, which is shared variance of plain correlations alone; nothing where any is adjusted for something."""
    names = [name for study in document.studies for name in study.effects if name in review.rows]
    if not names or any(review.rows[name].estimand != _PLAIN for name in names):
        return ""
    return f"; the two measures share {_percent(r * r)} of their variance (r squared)"


def _percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{100 * share:.0f}%"


def _effects(review: ReviewResults) -> Said:
    """The effects that the association is compared with; without a comparison the pooled ones."""
    names = dict.fromkeys(bridge.effect for bridge in review.config.bridges.values())
    named = [review.by_name[name] for name in names if name in review.by_name]
    pooled = named or [d for d in review.documents if d.lane == "B" and d.fit.samples > 1][:_SENTENCES]
    if not pooled:
        pooled = [d for d in review.documents if d.lane == "B"][:1]
    if not pooled:
        return Said("")
    above = _above(review)
    parts: list[str] = []
    for d in pooled:
        counted = text.plural(d.fit.samples, "sample") + _at_high_risk(review, d)
        if d.synthesis in above:
            counted += f"; {above[d.synthesis]:.0f} of 100 treated patients"
            # Said once, and understood of the others.
            if not any("end above" in part for part in parts):
                counted += (
                    " end above the middle of the comparison group, if distributions are normal; 50 would be no effect"
                )
        parts.append(f"{d.title}, {sentences.estimate(d)} ({counted})")
    lead = "Effect of randomised treatment" if len(parts) == 1 else "Effects of randomised treatments"
    note = pooled[0].figure.note if len(pooled) == 1 else ""
    return Said(
        f"{lead}: {'; '.join(parts)}.", " ".join(filter(None, (_new_setting(pooled), _certainty(review, pooled), note)))
    )


def _at_high_risk(review: ReviewResults, document: Fitted) -> str:
    """ ", 4 of 5 at high risk of bias", where that is more than half of the samples that are rated."""
    row = next((r for r in review.low_risk if r.synthesis == document.synthesis), None)
    if row is None or 2 * row.left_out <= row.rated:
        return ""
    rated = "" if row.rated == row.samples else " rated"
    return f", {row.left_out} of {row.rated}{rated} at high risk of bias"


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
    """GRADE of some syntheses, in their order."""
    graded = {row.synthesis: row for row in review.findings}
    rows = [graded[d.synthesis] for d in documents if d.synthesis in graded]
    levels = [certainty_table.level(row) for row in rows]
    order = ", in this order" if len(levels) > 1 else ""
    return f"Certainty (GRADE){order}: {', '.join(levels)}." if levels else ""


def _above(review: ReviewResults) -> dict[str, float]:
    """By synthesis, how many of 100 treated patients end above the middle of those who were not: U3 of the bridges."""
    shares = {r.effect: r.effect_estimate for r in review.compared.bridges if r.contrast.startswith("u3")}
    return {name: share for name, share in shares.items() if share is not None}


def _bridged(review: ReviewResults) -> list[list[BridgeRow]]:
    """The readings of each bridge as a difference, by size of the association."""
    bridged = []
    for name in review.config.bridges:
        rows = [r for r in review.bridge_rows(name) if r.unit == _UNIT and r.association_estimate is not None]
        if rows and rows[0].effect_estimate is not None:
            bridged.append(sorted(rows, key=lambda r: r.association_estimate or 0.0))
    return bridged


def _comparison(review: ReviewResults) -> Said:
    """Why there is no single answer: what the association is as a difference depends on how it is read."""
    bridged = _bridged(review)
    if not bridged:
        return Said("")
    first, of = bridged[0], constructs_of(review.documents)
    ends = " to ".join(
        f"{text.number(row.association_estimate)} ({_reading(row, of)})" for row in (first[0], first[-1])
    )
    parts = [_standing(review, rows, first[0].association) for rows in bridged]
    ways = f"in {text.count(len(bridged[0]))} ways, its readings," if len(bridged[0]) > 1 else "in one reading"
    return Said(
        f"Put as a difference between patients {ways} the association is d = {ends}. {' '.join(parts)}",
        f"The data do not say which reading is right. {sentences.not_assigned(review.documents)}",
    )


def _standing(review: ReviewResults, rows: Sequence[BridgeRow], usual: str) -> str:
    """In how many readings one side of a bridge is larger, by the interval of the difference.

    `usual`: the association that is not named again.
    """
    effect = review.by_name[rows[0].effect].title
    named, beside = "", f"the effect of \u201c{effect}\u201d"
    if rows[0].association != usual:
        other = review.by_name[rows[0].association]
        counted = f"{text.plural(other.fit.samples, 'sample')}{sentences.with_people(other)}"
        named = f"With \u201c{other.title}\u201d ({sentences.estimate(other)}; {counted}) as the association, "
    larger = {
        "larger": sum(1 for r in rows if r.difference_ci_high is not None and r.difference_ci_high < 0),
        "smaller": sum(1 for r in rows if r.difference_ci_low is not None and r.difference_ci_low > 0),
    }
    readings = text.plural(len(rows), "reading")
    said = [f"{word} than the association in {count} of {readings}" for word, count in larger.items() if count]
    if not said:
        return text.capital(f"{named}neither {beside} nor the association is shown to be larger in any of {readings}.")
    rest = len(rows) - sum(larger.values())
    return text.capital(f"{named}{beside} is {' and '.join(said)}{', else undecided' if rest else ''}.")


def _reading(row: BridgeRow, of: Iterable[str]) -> str:
    return contrast_name(row.contrast, of) if row.contrast in CONTRASTS else row.quantity


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
