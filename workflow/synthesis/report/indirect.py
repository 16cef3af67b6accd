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
# What the answers of the process section end with; the head of the table says it.
_FOR = " for the alliance"


def contrasts(review: ReviewResults) -> Table:
    """Every tested difference on one metric, whether it is equivalent, and what its conclusion hangs on."""
    rows: list[Row] = []
    for r in _tested(review):
        difference = with_interval((r.difference, r.ci_low, r.ci_high))
        rows.append([r.title, difference, plain_p(r.p_equivalence), r.conclusion, _hangs(review, r)])
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
    words = "All are between different samples (indirect, not head to head)"
    if summaries:
        words += f", {summaries} of {len(tested)} beside a published summary, which may share some"
    untested = len(rows) - len(tested)
    return f"{words}; {untested} more cannot be tested." if untested else f"{words}."


# --- randomised effects --------------------------------------------------------------------------------------------


def not_the_protocol_alone(review: ReviewResults) -> str:
    """What a contrast with usual care or a wait list holds beside the protocol; nothing where there is none."""
    comparators = {d.title: _comparators(review, d) for d in review.documents if d.lane == "B"}
    bare = [title for title, names in comparators.items() if names & set(_NOTHING_LIKE_IT)]
    if not bare:
        return ""
    rated = constructs_of([d for d in review.documents if d.lane == "A"])
    held = f"{process_name(rated)}, " if rated else ""
    return (
        f"A contrast with usual care or a wait list ({text.count(len(bare))} of "
        f"{text.plural(len(comparators), 'randomised effect')}) is not the effect of the specific protocol alone: it "
        f"holds {held}attention and expectation too."
    )


def _comparators(review: ReviewResults, document: Fitted) -> set[str]:
    names = {name for study in document.studies for name in study.effects}
    return {review.usable[name].comparator for name in names if name in review.usable} - {""}


# --- processes -----------------------------------------------------------------------------------------------------


def processes(results: ProcessResults) -> Table | None:
    """The first process beside each other one: answers by treatment of findings without a number, and their range."""
    rows: list[Row] = []
    for construct, name in results.names.items():
        treated = _treated(results, construct)
        if treated:
            rows.append([name, _answers(treated), _range(treated)])
    heads = ["Process", f"{results.names[results.first]} is, by treatment of missing numbers", "Difference, z"]
    caption = f"{results.names[results.first]} beside each other process"
    return table(caption, heads, rows, {2}) if rows else None


def only_summaries(results: ProcessResults) -> list[str]:
    """The processes of which no treatment of the studies' own findings can be tested."""
    return [n for c, n in results.names.items() if c != results.first and not _treated(results, c)]


def _treated(results: ProcessResults, construct: str) -> list[ProcessContrast]:
    """The tested contrasts of a process with findings of studies, one for each treatment of those without a number."""
    return [r for r in results.contrasts if r.construct == construct and r.p is not None and r.approach != "summary"]


def _answers(rows: list[ProcessContrast]) -> str:
    """ "larger in 3 of 5; undecided in 1": of the ways to enter findings without a number."""
    counts = Counter(answer_of(row) for row in rows).most_common()
    (answer, count), *others = counts
    lead = f"{answer.removesuffix(_FOR)} in {count} of {len(rows)}"
    return "; ".join([lead, *(f"{other.removesuffix(_FOR)} in {n}" for other, n in others)])


def _range(rows: list[ProcessContrast]) -> str:
    values = sorted(r.difference for r in rows if r.difference is not None)
    ends = dict.fromkeys(text.number(x) for x in (values[0], values[-1])) if values else {}
    return " to ".join(ends)
