"""The notes below a forest plot: what a reader must know of what is drawn, computed from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from synthesis import text
from synthesis.data.risk_tools import TOOLS
from synthesis.data.vocabulary import (
    ESTIMATE_NAME,
    N_DERIVED,
    RANGE_END,
    SET_TO_ZERO,
    early_improvement,
    is_domain,
)
from synthesis.draw.layout import COLUMN_NAME, Row, Section, block_name, judgement
from synthesis.review.declared import of_mean

if TYPE_CHECKING:
    from synthesis.results.fitted import Fitted, Member, Study

AT_LEAST, DERIVED = "\N{GREATER-THAN OR EQUAL TO}", "\N{ALMOST EQUAL TO}"
# Columns of the people in an arm.
ARMS = ("n_treat", "n_control")
# Of estimates that are the two ends of a printed range.
RANGE = "\N{DAGGER}"
# In the label of a published summary, and what it is.
_K = "(k = "
K_NOTE = "k: studies, effect sizes or findings, as the published summary counts them."
MEAN_OF_ENDS = "the mean of the ends of a printed range"
# Less than this would have one digit of three decimals.
_SMALL_VARIANCE = 0.0095


def of_range(estimate: Study | Member) -> str:
    """The sign of an estimate that is the end of a printed range, or of a sample that has such."""
    return RANGE if any(RANGE_END in flags for flags in _flags(estimate)) else ""


def of_range_alone(document: Fitted) -> str:
    """The sign of a pool of nothing but the ends of printed ranges."""
    flags_of_estimates = [flags for study in document.studies for flags in _flags(study)]
    return RANGE if flags_of_estimates and all(RANGE_END in flags for flags in flags_of_estimates) else ""


def is_between(study: Study) -> bool:
    """Whether the value of a sample lies between the ends of a printed range, and is printed nowhere."""
    flags_of_estimates = _flags(study)
    return len(flags_of_estimates) > 1 and all(RANGE_END in flags for flags in flags_of_estimates)


def size_sign(estimate: Study | Member) -> str:
    """The sign before a number of people that the source does not print."""
    return DERIVED if any(N_DERIVED in flags for flags in _flags(estimate)) else ""


def is_entered(estimate: Study | Member) -> bool:
    """Whether a value is of the plan, for a finding without a number."""
    return estimate.exactness == SET_TO_ZERO


def _flags(estimate: Study | Member) -> list[tuple[str, ...]]:
    """The flags of an estimate, or of each estimate of a sample."""
    members: Sequence[Member] | None = getattr(estimate, "members", None)
    flags: tuple[str, ...] = getattr(estimate, "flags", ())
    return [flags] if members is None else [member.flags for member in members]


def people(studies: Sequence[Study]) -> tuple[int, int]:
    """People in the samples whose size is known, and how many samples those are."""
    known = [study.n for study in studies if study.n is not None]
    return sum(known), len(known)


def people_cell(studies: Sequence[Study]) -> str:
    """People as a cell: all, at least so many where sizes are not known, nothing where none is."""
    count, known = people(studies)
    derived = next(filter(None, map(size_sign, studies)), "")
    return f"{derived if known == len(studies) else AT_LEAST}{text.count(count)}" if known else ""


def arm_cell(studies: Sequence[Study], column: str) -> str:
    """People of an arm as a cell, as `people_cell`."""
    known = [n for study in studies if isinstance(n := study.cells.get(column), float)]
    return f"{'' if len(known) == len(studies) else AT_LEAST}{text.count(sum(known))}" if known else ""


def people_words(studies: Sequence[Study]) -> str:
    """People in words: "4 574 people", "at least 3 022 people (19 of 26 samples)", nothing where no size is known.

    "about 4 110 people" where some sizes are derived and not printed.
    """
    count, known = people(studies)
    if not known:
        return ""
    number = f"{text.count(count)} {'person' if count == 1 else 'people'}"
    if known == len(studies):
        return f"about {number}" if any(map(size_sign, studies)) else number
    return f"at least {number} ({known} of {text.plural(len(studies), 'sample')})"


def people_note(documents: list[Fitted]) -> list[str]:
    """What the sign before a number of people means, where some sizes are not known."""
    lacking = []
    for document in documents:
        samples = len(document.studies)
        unknown = samples - people(document.studies)[1]
        if 0 < unknown < samples:
            lacking.append((unknown, samples))
    if not lacking:
        return []
    counted = ", ".join(f"{unknown} of {samples}" for unknown, samples in lacking)
    noun = "sample" if lacking[-1][1] == 1 else "samples"
    order = " (in this order)" if len(lacking) > 1 else ""
    return [f"{AT_LEAST}: at least; the size of {counted} {noun}{order} is not known."]


def own_notes(document: Fitted, columns: tuple[str, ...]) -> list[str]:
    """What a reader of the figure of one synthesis must know of its rows and columns."""
    notes = bayes_note([document])
    if document.groups:
        notes.append(_block_note(document))
    if {"n", *ARMS} & set(columns):
        notes += people_note([document])
    if "rob" in columns or any(map(is_domain, columns)):
        notes += _risk_note(document)
    elif document.figure.group_by == "rob":
        notes.append("Blocks: risk of bias as the source's database rates it.")
    notes += [domain_note(tool) for tool in document.figure.tools]
    return notes


def bayes_note(documents: Iterable[Fitted]) -> list[str]:
    """What a Bayesian summary is, where any has one."""
    notes = [
        f"Bayesian: median and equal-tailed credible interval; half-normal prior on τ of "
        f"{ESTIMATE_NAME[document.metric]}, scale {document.tau_scale:g}; one mean of each sample."
        for document in documents
        if any(summary.kind == "bayes" for summary in document.summaries)
    ]
    return list(dict.fromkeys(notes))


def domain_note(tool: str) -> str:
    """What the columns of domains stand for."""
    named = "; ".join(f"D{i} {name}" for i, name in enumerate(TOOLS[tool].domains, start=1))
    return f"{tool}: {named}."


def block_heading(document: Fitted, value: str) -> str:
    """The heading of a block; of samples whose estimates differ with what they have."""
    column = document.figure.group_by or ""
    if value != text.MIXED:
        return block_name(column, value)
    block = [study for study in document.studies if study.words(column) == value]
    words = sorted({member.words(column) for study in block for member in study.members} - {"", value})
    named = [block_name(column, word) for word in words]
    if len(named) < 2:
        named = [COLUMN_NAME.get(column, column.replace("_", " "))]
    return f"Several in one sample: {' and '.join(inside(name) for name in named)}"


def inside(name: str) -> str:
    """A name inside a sentence: abbreviations keep their capitals."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _block_note(document: Fitted) -> str:
    """How the subtotals were fitted, and which of them otherwise than the whole."""
    sentence = "Subtotals: each block by itself, by the model of the whole; intervals no narrower than Wald's"
    if document.fit.model not in ("che", "three_level"):
        return f"{sentence}."
    few = [block_heading(document, g.value) for g in document.groups if g.model == "composites"]
    lead = f". Too few samples for that model, so each sample counts with one mean in: {'; '.join(few)}" if few else ""
    return f"{sentence}{lead}."


def _risk_note(document: Fitted) -> list[str]:
    """What the symbols of the column stand for, from the best to the worst, of those that are drawn."""
    cells = [study.cells.get("rob", study.rob) for study in document.studies]
    cells += [member.rob for study in document.studies for member in study.members]
    by_domain = [cell for study in document.studies for name, cell in study.cells.items() if is_domain(name)]
    cells += by_domain
    ratings = [str(rating) for rating in cells if rating not in (None, "")]
    symbols = {judged.rank: judged for rating in ratings if (judged := judgement(rating))}
    legend = ", ".join(f"{symbols[rank].symbol} {symbols[rank].level}" for rank in sorted(symbols))
    if legend and by_domain:
        # In the words of the tool: moderate has the symbol of some concerns, serious that of high.
        used = sorted({(judged.rank, judged.symbol, r.lower()) for r in ratings if (judged := judgement(r))})
        return [f"Risk of bias by domain: {', '.join(f'{symbol} {word}' for _, symbol, word in used)}."]
    if legend:
        return [f"Risk of bias as the source's database rates it: {legend}."]
    return ["Risk of bias: scores as the source's database gives them."] if ratings else []


def constructs_of(documents: Iterable[Fitted]) -> list[str]:
    """What the associations of these documents are of."""
    return [name for document in documents if document.lane == "A" for name in document.constructs]


def row_notes(sections: Sequence[Section]) -> list[str]:
    """What marks and signs are, of those that are drawn: brackets, dashes, ends of ranges, sizes that nobody printed;
    and which estimates are not on the axis."""
    every = [row for section in sections for row in section.rows]
    rows = [row for row in every if row.kind == "study"]
    marks = " ".join(mark_notes(sections))
    notes = [marks] if marks else []
    if beyond := beyond_axis(sections):
        notes.append(f"Arrow heads without a square: estimates beyond the axis, of {'; '.join(beyond)}.")
    if any(row.bracket for row in rows):
        notes.append("Joined by a bracket: estimates of one sample; the weight at the first is that of the sample.")
    if any(text.NONE in row.cells for row in rows):
        notes.append(f"{text.NONE}: the source states no single value.")
    if any(RANGE in row.label for row in every):
        notes.append(f"{RANGE}: lower and upper end of a printed range; the source prints no single value.")
    if any(cell.startswith(DERIVED) for row in every for cell in row.cells):
        notes.append(f"{DERIVED}: not printed, but derived from other numbers of the source; also a total with such.")
    return notes


def mark_notes(sections: Iterable[Section]) -> list[str]:
    """What is hollow, grey or flat, of what is drawn."""
    rows = [row for section in sections for row in section.rows]
    kinds = {row.kind for row in rows}
    signed = {RANGE in row.label for row in rows if row.fill}
    hollow = ["findings entered as 0 by rule, and pools that hold them"] if False in signed else []
    hollow += [f"means of the ends of a printed range, {RANGE}"] if True in signed else []
    hollow += ["r converted to d"] if kinds & {"converted", "converted single"} else []
    notes = [f"Hollow marks: values that no source prints ({'; '.join(hollow)})."] if hollow else []
    published = [row for row in rows if row.kind == "reference"]
    if published:
        notes.append(published_note(published))
    if any(_K in row.label for row in published):
        notes.append(K_NOTE)
    if "summary" in kinds:
        notes.append("Flat diamonds: other summaries of the same samples.")
    return notes


def published_note(rows: Iterable[Row]) -> str:
    """What is grey: diamonds with an interval, which is printed or follows from other numbers, dots without one."""
    whole = {row.ci_low is not None and row.ci_high is not None for row in rows}
    marks = {True: "diamonds with their CIs", False: "dots where there is none"}
    drawn = ", ".join(words for known, words in marks.items() if known in whole)
    return f"Grey: published meta-analyses, never pooled ({drawn})."


def beyond_axis(sections: Iterable[Section]) -> list[str]:
    """The samples whose estimate would have squeezed all others, and is off the axis."""
    return [
        row.label
        for section in sections
        for row in section.rows
        if row.kind == "study" and row.estimate is not None and not section.low <= row.estimate <= section.high
    ]


def title_note(sections: Iterable[Section]) -> tuple[str, ...]:
    """What a name in quotation marks is, where a row has one."""
    if not any(row.label.startswith("\N{LEFT DOUBLE QUOTATION MARK}") for section in sections for row in section.rows):
        return ()
    return ("In quotation marks: first words of a title; the authors are not recorded.",)


def notes_of(documents: list[Fitted], samples: bool = True) -> tuple[str, ...]:
    """What a reader must know of what is drawn; `samples`: whether their rows are."""
    notes = _estimate_notes(documents) if samples else []
    if any(d.lane == "A" for d in documents):
        notes.append(f"Correlations are associations: {early_improvement(constructs_of(documents))}.")
    remarks: dict[str, list[str]] = {}
    for document in documents:
        # A remark on published numbers in general may speak of pools beside it.
        fit_notes = [
            text.sentence(_of_ends(document, note).removesuffix(", no pooling")) for note in document.fit.notes
        ]
        fit_notes += [zeros_note(document)] if document.set_to_zero else []
        for remark in [*fit_notes, *([document.figure.note] if document.figure.note else [])]:
            remarks.setdefault(remark, []).append(document.title)
    for remark, titles in remarks.items():
        notes.append(f"{_whose(titles, documents)}: {remark}" if len(documents) > 1 else remark)
    return tuple(notes)


def _of_ends(document: Fitted, note: str) -> str:
    """A note on one sample, which says so where its estimates are the ends of a printed range."""
    return note.replace("the mean of its estimates", MEAN_OF_ENDS) if of_range_alone(document) else note


def _estimate_notes(documents: list[Fitted]) -> list[str]:
    """How samples with several estimates are drawn and pooled; of some of the pools by name."""
    several = [d for d in documents if any(len(study.effects) > 1 for study in d.studies)]
    drawn: dict[str, list[Fitted]] = {}
    for document in several:
        if document.fit.composite_rho is not None and document.figure.rows != "estimates":
            note = f"A sample with several estimates is drawn as their mean ({of_mean(document)})."
            drawn.setdefault(note, []).append(document)
    modelled = [d for d in documents if d.fit.model in ("che", "three_level")]
    notes = [_named(note, pools, several, documents) for note, pools in sorted(drawn.items())]
    if modelled:
        note = "The pooled value is of the single estimates, in a model with true differences within samples too."
        notes.append(_named(note, modelled, documents, documents))
    return notes


def _named(note: str, pools: list[Fitted], concerned: list[Fitted], documents: list[Fitted]) -> str:
    """A note with the pools that it is true of, or with those that it is not, whichever are fewer; of all without."""
    others = [d.title for d in concerned if d not in pools]
    if len(others) < len(pools):
        return f"{note.removesuffix('.')}; not in: {'; '.join(others)}." if others else note
    return f"{_whose([d.title for d in pools], documents)}: {note}"


def _whose(titles: list[str], documents: Sequence[Fitted]) -> str:
    """The pools that a remark is about: by name, but for all of a lane."""
    for word in dict.fromkeys(d.word for d in documents):
        of_word = [d.title for d in documents if d.word == word]
        if len(of_word) > 1 and titles == of_word:
            return f"All {word}s"
    return "; ".join(titles)


def variance_decimals(documents: Iterable[Fitted]) -> int:
    """Decimals of all variances of a figure: three, four where any of them, or a limit, needs these."""
    fits = [document.fit for document in documents]
    values = [x for fit in fits for x in (fit.tau2, fit.tau2_ci_low, fit.tau2_ci_high, fit.omega2)]
    values += [x for fit in fits for level in fit.levels for x in (level.variance, level.ci_low, level.ci_high)]
    return 4 if any(x is not None and 0 < x < _SMALL_VARIANCE for x in values) else 3


def zeros_note(document: Fitted) -> str:
    """That estimates of 0 are of the plan and not of data, and how many."""
    entered = text.plural(document.set_to_zero, "finding")
    return f"{entered} reported as not significant, without a number, set to 0 by the plan: a stress test, not data."


def band_note(sections: Iterable[Section], documents: Sequence[Fitted]) -> tuple[str, ...]:
    """What the bands behind diamonds are, where any is drawn."""
    if not any(row.pi_low is not None and row.kind != "prediction" for s in sections for row in s.rows):
        return ()
    level = f"{100 * documents[0].fit.level:g}%"
    return (f"Light bands behind diamonds: {level} prediction intervals. Diamonds and numbers: {level} CIs.",)
