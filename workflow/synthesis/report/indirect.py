"""Differences between samples, as the short report shows them: what they are, how sure, and what they hang on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from synthesis import text
from synthesis.compare.fragile import NO_TEST, turning
from synthesis.data.extraction import reference_rows
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME, process_name
from synthesis.draw.forest_notes import constructs_of
from synthesis.report import sentences, summaries_table
from synthesis.report.content import Row, Table, table
from synthesis.report.evidence_section import answer_of
from synthesis.report.result_tables import limited, plain_p, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.results.comparisons import ContrastRow
from synthesis.results.fitted import Fitted
from synthesis.results.process import ProcessContrast, ProcessResults

# Comparators that give neither a therapist nor an expectation of the treatment.
_NOTHING_LIKE_IT = ("usual care", "wait list", "wait list plus usual care", "assessment only")
# Those that give a therapist, a rationale and an expectation, too.
_TREATMENTS = ("supportive counselling", "other psychotherapy")
_PUBLISHED = "published value"
# In the conclusion of a difference that is shown, and shown not to matter.
_SMALL = "but by less than the bound"
# After the title of a comparison.
_LEFT_OUT = " *"
# What the answers of the process section end with; the head of the table says it.
_FOR = " for the alliance"
_SAME_SAMPLES = "Published summaries may hold some of the same samples."
# Where no sample and no decision turns a conclusion.
_NOT = "no"
# Two routes to one difference are nearer to each other.
_SAME = 1e-9


def contrasts(review: ReviewResults) -> Table | None:
    """The tested differences on one metric but for those of processes, whether each is equivalent, what it hangs on."""
    rows: list[Row] = []
    for r in _of_no_process(review):
        difference = with_interval((r.difference, r.ci_low, r.ci_high))
        title = f"{r.title}{_LEFT_OUT if r.left_out else ''}"
        rows.append([title, difference, plain_p(r.p_equivalence), r.conclusion, _hangs(review, r)])
    heads = ["Comparison", "Difference", "p of equivalence", "Conclusion", "Turns"]
    return table("Differences on one metric", heads, rows, {1, 2}) if rows else None


def _of_no_process(review: ReviewResults) -> list[ContrastRow]:
    """The tested differences but for those that stand among the processes."""
    elsewhere = _with_summary(review)
    return [row for row in _tested(review) if row.comparison not in elsewhere]


def _tested(review: ReviewResults) -> list[ContrastRow]:
    return [row for row in review.compared.contrasts if row.conclusion != NO_TEST]


def bounds(review: ReviewResults) -> str:
    """The bounds of equivalence, each with its metric: "0.10 (z), 0.24 (g)"."""
    tested = _of_no_process(review)
    texts = dict.fromkeys(f"{text.number(r.bound)} ({r.metric})" for r in tested if r.bound is not None)
    return ", ".join(texts)


def _hangs(review: ReviewResults, row: ContrastRow) -> str:
    """Single samples, and decisions about doubted records, with which the conclusion is another one."""
    without, doubts = turning(row.note), doubted_in(review, row.comparison)
    parts = [f"without {without}"] if without else []
    parts += [f"in {f'any of {doubts} doubts' if doubts > 1 else '1 doubt'}"] if doubts else []
    return "; ".join(parts) or _NOT


def doubted_in(review: ReviewResults, comparison: str) -> int:
    """With how many other decisions about doubted records the conclusion of a comparison is another one."""
    return sum(1 for row in review.doubted if row.comparison == comparison and row.turns)


def indirect(review: ReviewResults) -> str:
    """That no difference is one within studies, what published summaries may hold, and what has no test."""
    elsewhere = _with_summary(review)
    rows, tested = [r for r in review.compared.contrasts if r.comparison not in elsewhere], _of_no_process(review)
    words = ["All are indirect, not within studies."]
    if elsewhere or any(row.kind == _PUBLISHED for row in tested):
        here = "here and of other processes below, " if elsewhere else ""
        words.append(f"Published summaries, {here}may hold some of the same samples." if here else _SAME_SAMPLES)
    untested = len(rows) - len(tested)
    if untested:
        words.append(f"{untested} more {'has' if untested == 1 else 'have'} no test.")
    return " ".join(words)


def left_out(review: ReviewResults) -> str:
    """The two estimates that are compared, where the samples of both sides are left out of both, row by row."""
    differences = []
    for row in _of_no_process(review):
        if row.left_out:
            first, second = (text.number(value) for value in (row.estimate_first, row.estimate_second))
            differences.append(f"{first} minus {second} ({text.plural(len(row.left_out.split('; ')), 'sample')})")
    order = ", in this order" if len(differences) > 1 else ""
    return f"*: without the samples that stand on both sides{order}: {'; '.join(differences)}." if differences else ""


def less_than_the_bound(review: ReviewResults) -> bool:
    """Whether a difference that is too small to matter stands in the table, or would with another sample."""
    return any(_SMALL in words for row in _of_no_process(review) for words in (row.conclusion, turning(row.note)))


# --- randomised effects --------------------------------------------------------------------------------------------


def not_the_protocol_alone(review: ReviewResults, documents: Sequence[Fitted]) -> str:
    """What the effects of these syntheses hold beside the protocol, where none is against another treatment; and what
    such effects are, pooled or in a published summary that a figure draws."""
    names = set().union(*(_comparators(review, d) for d in documents))
    if not names or not names <= set(_NOTHING_LIKE_IT):
        return ""
    rated = constructs_of([d for d in review.documents if d.lane == "A"])
    process = f"{process_name(rated, article=False)}, " if rated else ""
    words = (
        f"Against {' or '.join(sorted(names))} this is not the protocol alone: {process}attention and expectation may "
        "be part of it."
    )
    others = [*_against_treatments(review), *_published_against_treatments(review)]
    return f"{words} Against another treatment: {'; '.join(others)}." if others else words


def _against_treatments(review: ReviewResults) -> Iterator[str]:
    for d in review.documents:
        names = _comparators(review, d)
        if d.lane == "B" and names and names <= set(_TREATMENTS):
            counted = text.plural(d.fit.samples, "sample") + at_high_risk(review, d)
            yield f"{d.title}, {sentences.estimate(d)} ({counted})"


def _published_against_treatments(review: ReviewResults) -> Iterator[str]:
    drawn = set().union(*(summaries_table.drawn(plan) for plan in review.config.figures.values()))
    for row in summaries_table.summaries(review):
        if row.effect_id in drawn and row.comparator in _TREATMENTS:
            (reference,) = reference_rows("published", (row.effect_id,), row.metric, [row])
            value, low, high = (back_transform(row.metric, x) for x in (row.yi, reference.ci_low, reference.ci_high))
            about = f"{row.label} against {row.comparator}{f', {row.outcome}' if row.outcome else ''}"
            yield f"{about}, {ESTIMATE_NAME[row.metric]} = {limited(value, low, high)} (published summary)"


def at_high_risk(review: ReviewResults, document: Fitted) -> str:
    """ ", 4 of 5 at high risk of bias", where that is more than half of the samples that are rated."""
    row = next((r for r in review.low_risk if r.synthesis == document.synthesis), None)
    if row is None or 2 * row.left_out <= row.rated:
        return ""
    if row.samples == row.left_out == 1:
        return ", at high risk of bias"
    rated = "" if row.rated == row.samples else " rated"
    return f", {row.left_out} of {row.rated}{rated} at high risk of bias"


def without_treatment(review: ReviewResults) -> str:
    """How many effects are contrasts with usual care or a wait list, and what those hold beside the protocol."""
    comparators = [_comparators(review, d) for d in review.documents if d.lane == "B"]
    alike = [names & set(_NOTHING_LIKE_IT) for names in comparators]
    bare = sum(bool(names) and names == known for names, known in zip(comparators, alike, strict=True))
    mixed = sum(map(bool, alike)) - bare
    if not bare:
        return ""
    partly = f", some of {text.count(mixed)} more" if mixed else ""
    rated = constructs_of([d for d in review.documents if d.lane == "A"])
    process = f"{process_name(rated)}, " if rated else ""
    return (
        f"A contrast with usual care or a wait list (all samples of {text.count(bare)} of "
        f"{text.plural(len(comparators), 'randomised effect')}{partly}) is not the effect of the specific protocol "
        f"alone: it may hold {process}attention and expectation, too."
    )


def _comparators(review: ReviewResults, document: Fitted) -> set[str]:
    names = {name for study in document.studies for name in study.effects}
    return {review.usable[name].comparator for name in names if name in review.usable} - {""}


# --- processes -----------------------------------------------------------------------------------------------------


def processes(review: ReviewResults, results: ProcessResults) -> Table | None:
    """The first process beside each other one: answers by how findings without a number are handled, and summaries."""
    rows: list[Row] = []
    for construct, name in results.names.items():
        compared = [r for r in results.contrasts if r.construct == construct and construct != results.first]
        studies, summaries = _parted(compared)
        if compared:
            rows.append([name, _answers(studies), _range(results, studies), _each(review, summaries)])
    first = results.names[results.first]
    heads = [
        "Process", f"By how missing numbers are handled, the association of {first[:1].lower()}{first[1:]} is",
        "Difference, z", "Beside each published summary",
    ]  # fmt: skip
    caption = f"{first} beside each other process"
    return table(caption, heads, rows, {2}) if rows else None


def _with_summary(review: ReviewResults) -> dict[str, str]:
    """The comparisons of the first process with a summary of another one, by name, each with that construct."""
    plan = review.config.processes
    if plan is None or review.process is None:
        return {}
    of = {name: construct for construct, part in plan.constructs.items() for name in part.summaries}
    return {
        name: of[comparison.reference]
        for name, comparison in review.config.comparisons.items()
        if comparison.first == plan.synthesis and comparison.reference in of and of[comparison.reference] != plan.first
    }


def _turns(review: ReviewResults, row: ProcessContrast) -> str:
    """What the answer beside a summary hangs on, by the same comparison of the plan."""
    compared = _with_summary(review)
    same = (
        r
        for r in _tested(review)
        if compared.get(r.comparison) == row.construct
        and row.estimate_second is not None
        and math.isclose(r.estimate_second, row.estimate_second, abs_tol=_SAME)
    )
    comparison = next(same, None)
    return "" if comparison is None else _hangs(review, comparison)


def _parted(rows: list[ProcessContrast]) -> tuple[list[ProcessContrast], list[ProcessContrast]]:
    """The contrasts with findings of studies, one for each treatment of those without a number, and with summaries."""
    return [r for r in rows if r.approach != "summary"], [r for r in rows if r.approach == "summary"]


def untested_summaries(results: ProcessResults) -> int:
    """The published summaries of other processes that print no interval, so that no test is possible."""
    return sum(1 for r in results.contrasts if r.approach == "summary" and r.p is None)


def _tested_of(rows: list[ProcessContrast]) -> list[ProcessContrast]:
    return [r for r in rows if r.p is not None]


def _answers(rows: list[ProcessContrast]) -> str:
    """ "larger in 3 of 5; undecided in 1; no test in 1": of the ways to enter findings without a number, or summaries.

    "no test" alone where none of them has one.
    """
    tested = _tested_of(rows)
    if not tested:
        return "no test" if rows else ""
    counts = Counter(answer_of(row) for row in tested).most_common()
    counts += [(NO_TEST, len(rows) - len(tested))] if len(tested) < len(rows) else []
    (answer, count), *others = counts
    lead = f"{answer.removesuffix(_FOR)} in {count} of {len(rows)}"
    return "; ".join([lead, *(f"{other.removesuffix(_FOR)} in {n}" for other, n in others)])


def _range(results: ProcessResults, rows: list[ProcessContrast]) -> str:
    """From the smallest to the largest difference; an end that rests on one sample says so, and its size."""
    tested = [r for r in _tested_of(rows) if r.difference is not None]
    if not tested:
        return ""
    low, high = min(tested, key=lambda r: r.difference or 0), max(tested, key=lambda r: r.difference or 0)
    return " to ".join(dict.fromkeys(f"{text.number(r.difference)}{_alone(results, r)}" for r in (low, high)))


def _alone(results: ProcessResults, row: ProcessContrast) -> str:
    if row.samples_second != 1:
        return ""
    sizes = {f.n for f in results.findings if f.construct == row.construct and f.kind == "number"}
    n = sizes.pop() if len(sizes) == 1 else None
    return f" (one sample{f' of {text.count(n)} people' if n else ''})"


def _each(review: ReviewResults, rows: list[ProcessContrast]) -> str:
    """The answer beside each tested summary, its difference with the interval, and what it hangs on."""
    answers: list[str] = []
    before = ""
    for row in _tested_of(rows):
        turns = _turns(review, row)
        study, _, detail = row.second.partition(", ")
        named = detail if detail and study == before else row.second
        before = study
        hangs = f", turns {turns}" if turns not in ("", _NOT) else ""
        answer = answer_of(row).removesuffix(_FOR)
        answers.append(f"{named}: {answer}, {limited(row.difference, row.ci_low, row.ci_high)}{hangs}")
    lacking = len(rows) - len(answers)
    if lacking:
        answers.append(f"no test in {lacking} of {len(rows)}" if answers else "no test")
    return "; ".join(answers)
