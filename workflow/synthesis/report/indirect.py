"""Differences between samples, as the short report shows them: what they are, how sure, and what they hang on."""

from __future__ import annotations

from collections import Counter

from synthesis import text
from synthesis.compare.fragile import NO_TEST, turning
from synthesis.data.vocabulary import process_name
from synthesis.draw.forest_notes import constructs_of
from synthesis.report.content import Row, Table, table
from synthesis.report.evidence_section import answer_of
from synthesis.report.result_tables import plain_p, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.results.comparisons import ContrastRow
from synthesis.results.fitted import Fitted
from synthesis.results.process import ProcessContrast, ProcessResults

# Comparators that give neither a therapist nor an expectation of the treatment.
_NOTHING_LIKE_IT = ("usual care", "wait list", "wait list plus usual care", "assessment only")
_PUBLISHED = "published value"
# In the conclusion of a difference that is shown, and shown not to matter.
_SMALL = "but by less than the bound"
# After the title of a comparison.
_LEFT_OUT = " *"
# What the answers of the process section end with; the head of the table says it.
_FOR = " for the alliance"


def contrasts(review: ReviewResults) -> Table:
    """Every tested difference on one metric, whether it is equivalent, and what its conclusion hangs on."""
    rows: list[Row] = []
    for r in _tested(review):
        difference = with_interval((r.difference, r.ci_low, r.ci_high))
        title = f"{r.title}{_LEFT_OUT if r.left_out else ''}"
        rows.append([title, difference, plain_p(r.p_equivalence), r.conclusion, _hangs(review, r)])
    heads = ["Comparison", "Difference", "p of equivalence", "Conclusion", "Turns"]
    return table("Differences on one metric", heads, rows, {1, 2})


def _tested(review: ReviewResults) -> list[ContrastRow]:
    return [row for row in review.compared.contrasts if row.conclusion != NO_TEST]


def bounds(review: ReviewResults) -> str:
    """The bounds of equivalence, each with its metric: "0.10 (z), 0.24 (g)"."""
    found = dict.fromkeys(f"{text.number(r.bound)} ({r.metric})" for r in _tested(review) if r.bound is not None)
    return ", ".join(found)


def _hangs(review: ReviewResults, row: ContrastRow) -> str:
    """Single samples, and decisions about doubted records, with which the conclusion is another one."""
    without, doubts = turning(row.note), doubted_in(review, row.comparison)
    parts = [f"without {without}"] if without else []
    parts += [f"with {text.plural(doubts, 'doubt')}"] if doubts else []
    return "; ".join(parts) or "no"


def doubted_in(review: ReviewResults, comparison: str) -> int:
    """With how many other decisions about doubted records the conclusion of a comparison is another one."""
    return sum(1 for row in review.doubted if row.comparison == comparison and row.turns)


def indirect(review: ReviewResults) -> str:
    """That no difference is one within studies, how many have a published summary on a side, and what has no test."""
    rows, tested = review.compared.contrasts, _tested(review)
    summaries = sum(row.kind == _PUBLISHED for row in tested)
    words = ["All are indirect, of other samples on each side."]
    if summaries:
        of = f"{summaries} of {len(tested)}"
        words.append(f"{of} have a published summary on one side, which may hold some of the same samples.")
    untested = len(rows) - len(tested)
    if untested:
        words.append(f"{untested} more {'has' if untested == 1 else 'have'} no test.")
    return " ".join(words)


def left_out(review: ReviewResults) -> str:
    """The two estimates that are compared, where the samples of both sides are left out of both, row by row."""
    said = []
    for row in _tested(review):
        if row.left_out:
            first, second = (text.number(value) for value in (row.estimate_first, row.estimate_second))
            said.append(f"{first} minus {second} (without {text.plural(len(row.left_out.split('; ')), 'sample')})")
    order = " (in this order)" if len(said) > 1 else ""
    return f"*: the samples of both sides are left out of both{order}: {'; '.join(said)}." if said else ""


def less_than_the_bound(review: ReviewResults) -> bool:
    """Whether a difference that is too small to matter stands in the table, or would with another sample."""
    return any(_SMALL in words for row in _tested(review) for words in (row.conclusion, turning(row.note)))


# --- randomised effects --------------------------------------------------------------------------------------------


def not_the_protocol_alone(review: ReviewResults) -> str:
    """What a contrast with usual care or a wait list holds beside the protocol; nothing where there is none."""
    comparators = [_comparators(review, d) for d in review.documents if d.lane == "B"]
    alike = [names & set(_NOTHING_LIKE_IT) for names in comparators]
    bare = sum(bool(names) and names == known for names, known in zip(comparators, alike, strict=True))
    mixed = sum(map(bool, alike)) - bare
    if not bare:
        return ""
    partly = f", some of {text.count(mixed)} more" if mixed else ""
    rated = constructs_of([d for d in review.documents if d.lane == "A"])
    held = f"{process_name(rated)}, " if rated else ""
    return (
        f"A contrast with usual care or a wait list (all samples of {text.count(bare)} of "
        f"{text.plural(len(comparators), 'randomised effect')}{partly}) is not the effect of the specific protocol "
        f"alone: it holds {held}attention and expectation too."
    )


def _comparators(review: ReviewResults, document: Fitted) -> set[str]:
    names = {name for study in document.studies for name in study.effects}
    return {review.usable[name].comparator for name in names if name in review.usable} - {""}


# --- processes -----------------------------------------------------------------------------------------------------


def processes(results: ProcessResults) -> Table | None:
    """The first process beside each other one: answers by how findings without a number are handled, and summaries."""
    rows: list[Row] = []
    for construct, name in results.names.items():
        own = [r for r in results.contrasts if r.construct == construct and construct != results.first]
        studies, summaries = _parted(own)
        if own:
            rows.append([name, _answers(studies), _range(studies), _answers(summaries), _each(summaries)])
    first = results.names[results.first]
    heads = [
        "Process", f"By how missing numbers are handled, the association of {first[:1].lower()}{first[1:]} is",
        "Difference, z", "Beside published summaries it is", "Difference of each, z",
    ]  # fmt: skip
    caption = f"{first} beside each other process"
    return table(caption, heads, rows, {2, 4}) if rows else None


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


def _range(rows: list[ProcessContrast]) -> str:
    values = sorted(r.difference for r in _tested_of(rows) if r.difference is not None)
    ends = dict.fromkeys(text.number(x) for x in (values[0], values[-1])) if values else {}
    return " to ".join(ends)


def _each(rows: list[ProcessContrast]) -> str:
    """The differences of all tested summaries, the largest first."""
    values = sorted((r.difference for r in _tested_of(rows) if r.difference is not None), reverse=True)
    return "; ".join(text.number(x) for x in values)
