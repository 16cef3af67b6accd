"""The rows of a forest plot, from a model document: studies in blocks, diamonds, summaries, references."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from synthesis import text
from synthesis.data.risk_tools import TOOLS
from synthesis.data.vocabulary import ESTIMATE_NAME, early_improvement, is_domain
from synthesis.draw.layout import (
    COLUMN_NAME,
    GROUP_NAME,
    Layout,
    Row,
    Section,
    axis_name,
    coordinates,
    decimals_of,
    estimate_name,
    interval_texts,
    judgement,
    mark_of,
    section_of,
)
from synthesis.meta.clustered import EFFECT, SAMPLE
from synthesis.meta.dependent import JointTest
from synthesis.meta.result import LevelVariance
from synthesis.results.extracted import Reference
from synthesis.results.files import Cell
from synthesis.review.declared import in_words, of_mean

if TYPE_CHECKING:
    from synthesis.meta.dependent import JointTest
    from synthesis.results.fitted import BlockFit, Fitted, Member, Study

AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}"
_MANY_ESTIMATES = " ({} estimates)"


def quantile(level: float) -> float:
    """The normal quantile behind a study's interval."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2)


def cell_text(column: str, value: Cell) -> str:
    """A cell as it is read: whole numbers with thin spaces, others as printed, nothing for what is missing."""
    if value is None or value == "":
        return ""
    if isinstance(value, int | float):
        whole = float(value).is_integer() and column != "year"
        return text.count(value) if whole else f"{value:g}".replace("-", text.MINUS)
    return str(value)


def study_rows(document: Fitted, columns: Iterable[str], group_by: str | None = None) -> list[Row]:
    """One row per independent sample, or one per estimate, in blocks of the column `group_by`, each block sorted.

    A block with a pool of its own ends with its diamond.
    """
    columns = tuple(columns)
    options = document.figure
    studies = _sorted(document.studies, options.sort or "year")
    by_estimate = options.rows == "estimates"

    def block(chosen: Sequence[Study]) -> list[Row]:
        if not by_estimate:
            return [_sample_row(document, study, columns) for study in chosen]
        return [row for study in chosen for row in _estimate_rows(document, study, columns)]

    if group_by is None:
        return block(studies)
    pooled = {group.value: group for group in document.groups}
    rows: list[Row] = []
    for value in sorted({study.words(group_by) for study in studies}, key=lambda value: block_key(group_by, value)):
        rows.append(Row("heading", block_name(group_by, value), document.lane))
        held = [study for study in studies if study.words(group_by) == value]
        rows += block(held)
        if value in pooled:
            rows.append(_group_row(document, pooled[value], held, columns))
    return rows


def block_name(column: str, value: str) -> str:
    """The heading of a block: "high" alone would not say of what."""
    judged = judgement(value) if column == "rob" else None
    if judged is not None:
        return f"{judged.level.capitalize()} risk of bias" if judged.level in _OF_RISK else judged.level.capitalize()
    return GROUP_NAME.get(value, value[:1].upper() + value[1:])


_OF_RISK = ("low", "high", "critical")


def block_key(column: str, value: str) -> tuple[int, float, str]:
    """Order of blocks: judgements from the best to the worst, numbers by size, words by letter, then what is mixed or
    not stated."""
    judged = judgement(value) if column == "rob" else None
    if judged is not None:
        return 0, judged.rank, ""
    if value in ("", "mixed"):
        return 3, 0.0 if value else 1.0, ""
    try:
        return 1, float(value), ""
    except ValueError:
        return 2, 0.0, value.casefold()


_SORT_KEY: dict[str, Callable[[Study], float]] = {
    "year": lambda study: study.year or 9999,
    "estimate": lambda study: study.yi,
    "weight": lambda study: -study.weight,
    "n": lambda study: -(study.n or 0),
}


def _sorted(studies: Sequence[Study], by: str) -> list[Study]:
    if by == "given":
        return list(studies)
    named = sorted(studies, key=lambda study: (study.label.casefold(), study.sample_id))
    return sorted(named, key=_SORT_KEY[by]) if by in _SORT_KEY else named


def _cells(held: Study | Member, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The cells of the plan's columns; without them, what the fit itself says."""
    cells = held.cells
    return tuple(cell_text(c, cells[c] if c in cells else getattr(held, c, None)) for c in columns)


def _sample_row(document: Fitted, study: Study, columns: tuple[str, ...]) -> Row:
    half = quantile(document.fit.level) * math.sqrt(study.vi)
    several = len(study.effects)
    mark = mark_of(document.metric, study.yi, study.yi - half, study.yi + half, decimals_of(document))
    return Row(
        "study",
        study.label + (_MANY_ESTIMATES.format(several) if several > 1 else ""),
        document.lane,
        _cells(study, columns),
        weight=study.weight,
        weight_text=_weight_text(study.weight),
        key=study.sample_id,
        effects=study.effects,
        **mark,
    )


def _estimate_rows(document: Fitted, study: Study, columns: tuple[str, ...]) -> list[Row]:
    """Every estimate of a sample, joined by a bracket; the sample's weight stands at the first."""
    members = study.members
    rows = []
    for i, member in enumerate(members):
        half = quantile(document.fit.level) * math.sqrt(member.vi)
        mark = mark_of(document.metric, member.yi, member.yi - half, member.yi + half, decimals_of(document))
        place = "" if len(members) == 1 else "start" if i == 0 else "end" if i + 1 == len(members) else "middle"
        differs = [member.words(name) for name in ("outcome", "rater", "timepoint") if _varies(members, name)]
        label = study.label if i == 0 else "\u2003" if differs else f"\u2003estimate {i + 1}"
        rows.append(
            Row(
                "study",
                f"{label} {', '.join(differs)}".rstrip() if differs else label,
                document.lane,
                _cells(member, columns),
                weight=study.weight / len(members),
                weight_text=_weight_text(study.weight) if i == 0 else "",
                key=f"{study.sample_id}/{member.effect_id}",
                effects=(member.effect_id,),
                bracket=place,
                **mark,
            )
        )
    return rows


def _weight_text(weight: float) -> str:
    """A share of the weight in percent, with one decimal; of a sample among very many, not 0.0."""
    return text.small(weight, 1)


def _varies(members: Sequence[Member], name: str) -> bool:
    return len({member.words(name) for member in members}) > 1


def _group_row(document: Fitted, group: BlockFit, studies: Sequence[Study], columns: tuple[str, ...]) -> Row:
    weight = math.fsum(study.weight for study in studies)
    pi_low, pi_high = coordinates(document.metric, group.pi_low, group.pi_high)
    cells = tuple(people_cell(studies) if column == "n" else "" for column in columns)
    counted = text.plural(group.samples, "sample")
    spread = "" if group.i2 is None else f", I\N{SUPERSCRIPT TWO} = {group.i2:.0f}%"
    return Row(
        "subgroup",
        f"Subtotal ({counted}){spread}",
        document.lane,
        cells,
        pi_low=pi_low,
        pi_high=pi_high,
        weight=weight,
        weight_text=text.number(weight, 1),
        key=f"{document.synthesis}/{group.value}",
        synthesis=document.synthesis,
        **mark_of(document.metric, group.estimate, group.ci_low, group.ci_high, decimals_of(document)),
    )


def people(studies: Sequence[Study]) -> tuple[int, int]:
    """People in the samples whose size is known, and how many samples those are."""
    known = [study.n for study in studies if study.n is not None]
    return sum(known), len(known)


def people_cell(studies: Sequence[Study]) -> str:
    """People as a cell: all, at least so many where sizes are not known, nothing where none is."""
    count, known = people(studies)
    return f"{'' if known == len(studies) else AT_LEAST}{text.count(count)}" if known else ""


def people_words(studies: Sequence[Study]) -> str:
    """People in words: "4 574 people", "at least 3 022 people (19 of 26 samples)", nothing where no size is known."""
    count, known = people(studies)
    if not known:
        return ""
    said = f"{text.count(count)} {'person' if count == 1 else 'people'}"
    return said if known == len(studies) else f"at least {said} ({known} of {text.plural(len(studies), 'sample')})"


def people_note(documents: list[Fitted]) -> list[str]:
    """What the sign before a number of people means, where some sizes are not known."""
    said = []
    for document in documents:
        samples = len(document.studies)
        unknown = samples - people(document.studies)[1]
        if 0 < unknown < samples:
            lead = f"{document.title}: " if len(documents) > 1 else ""
            said.append(f"{lead}the size of {unknown} of {text.plural(samples, 'sample')} is not known")
    return [f"{AT_LEAST}: at least; {'; '.join(said)}."] if said else []


_SUMMARY_NAME = {"common": "Common effect (fixed)", "bayes": "Bayesian (half-normal prior on tau)"}


def pooled_rows(document: Fitted, columns: tuple[str, ...], blocks: bool = False, decimals: int = 0) -> list[Row]:
    """The diamond, the prediction interval, other summaries, heterogeneity and, below `blocks`, the test of their
    difference; of a single sample just the line."""
    metric, lane, key = document.metric, document.lane, document.synthesis
    note = Row("note", heterogeneity(document), lane, key=key)
    if document.fit.samples == 1:
        return [note]
    model = "common effect" if document.fit.method == "FE" else "random effects"
    label = f"Pooled {document.word} ({model})"
    cells = tuple(people_cell(document.studies) if column == "n" else "" for column in columns)
    decimals = decimals or decimals_of(document)
    mark = mark_of(metric, document.fit.estimate, document.fit.ci_low, document.fit.ci_high, decimals)
    rows = [Row("pooled", label, lane, cells, weight=100.0, weight_text="100", key=key, synthesis=key, **mark)]
    if document.fit.pi_low is not None:
        low, high = coordinates(metric, document.fit.pi_low, document.fit.pi_high)
        texts = interval_texts(metric, document.fit.estimate, document.fit.pi_low, document.fit.pi_high, decimals)
        texts["estimate_text"] = ""
        rows.append(
            Row("prediction", "Prediction interval", lane, pi_low=low, pi_high=high, key=key, synthesis=key, **texts)
        )
    for summary in document.summaries:
        mark = mark_of(metric, summary.estimate, summary.ci_low, summary.ci_high, decimals)
        name = _SUMMARY_NAME[summary.kind]
        rows.append(Row("summary", name, lane, key=f"{key}/{summary.kind}", synthesis=key, **mark))
    rows.append(note)
    if blocks and document.groups_test is not None:
        rows.append(Row("note", difference_of_blocks(document.groups_test, document.figure.group_by), lane, key=key))
    return rows


def difference_of_blocks(test: JointTest, group_by: str | None) -> str:
    """The test of blocks in words, with the blocks that are not in it; why there is none, where there is none."""
    tested = test.note
    if test.p is not None:
        degrees = f"{test.df1}, {test.df2:.1f}" if test.df2 is not None else f"{test.df1}"
        name = "F" if test.df2 is not None else "Q"
        tested = f"{name}({degrees}) = {test.statistic:.2f}, {text.p_value(test.p)}"
    left = [f"{_level_name(group_by, level)} ({reason})" for level, reason in test.left_out]
    return "; ".join(
        [f"Difference of the blocks: {tested}", *([f"not in the test: {', '.join(left)}"] if left else [])]
    )


def _level_name(column: str | None, value: str) -> str:
    """A level inside a sentence: a rating as its judgement, however the source spells it."""
    judged = judgement(value) if column == "rob" else None
    return judged.level if judged is not None else GROUP_NAME.get(value, value)


def heterogeneity(document: Fitted) -> str:
    """The line below a diamond: samples, effects, heterogeneity and how it was fitted."""
    parts = [text.plural(document.fit.samples, "sample") + ", " + text.plural(document.fit.k, "estimate")]
    if document.fit.tau2 is not None and document.fit.method != "FE":
        limits = (document.fit.tau2_ci_low, document.fit.tau2_ci_high)
        between = text.variance(document.fit.tau2, *limits)
        parts.append(f"\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO} = {between}".replace("= <", "< "))
    if document.fit.omega2 is not None:
        within = text.variance(document.fit.omega2, None, None)
        parts.append(f"within samples \N{GREEK SMALL LETTER OMEGA}\N{SUPERSCRIPT TWO} = {within}".replace("= <", "< "))
    if document.fit.levels:
        # That of the effect stands before, as that within samples.
        above = [level for level in document.fit.levels if level.level != EFFECT]
        parts.append("of which " + ", ".join(_of_level(level) for level in above))
    if document.fit.i2 is not None:
        parts.append(f"I\N{SUPERSCRIPT TWO} = {document.fit.i2:.0f}%")
    if document.fit.q is not None and document.fit.q_p is not None:
        parts.append(f"Q = {document.fit.q:.1f}, df = {document.fit.q_df}, {text.p_value(document.fit.q_p)}")
    if document.fit.samples > 1:
        parts.append(method_of(document))
    return "; ".join(parts)


def _of_level(level: LevelVariance) -> str:
    name = COLUMN_NAME.get(level.level, level.level).lower() if level.level != SAMPLE else SAMPLE
    return f"{name} {text.variance(level.variance, level.ci_low, level.ci_high)} ({level.members})"


INTERVAL_NAME = {
    "wald": "Wald",
    "wald_t": "Wald with t",
    "hksj": "HKSJ",
    "hksj_adhoc": "HKSJ (ad hoc)",
    "cr2": "cluster-robust CR2",
}


def method_of(document: Fitted) -> str:
    """Estimator, interval and treatment of dependent effects, in words."""
    return f"{document.fit.method}, {INTERVAL_NAME[document.fit.ci_method]}{_dependence(document)}{_crossing(document)}"


def _crossing(document: Fitted) -> str:
    """What samples are crossed with."""
    names = [COLUMN_NAME.get(level.level, level.level).lower() for level in document.fit.levels if level.crossed]
    return f", crossed with {' and '.join(names)}" if names else ""


def _dependence(document: Fitted) -> str:
    """How effects of one sample were treated, where any sample has several."""
    said = document.correlations
    arms = any(study.sampling for study in document.studies) if said is None else said.control_arms
    shared = ", covariance of shared control arms" if arms else ""
    rho = in_words(said) if said is not None else f"{document.fit.composite_rho or 0:g}"
    match document.fit.model:
        case "che" if document.fit.rho is None:
            return f", correlated and hierarchical effects (ρ = {rho}){shared}"
        case "che":
            return f", correlated and hierarchical effects (ρ = {document.fit.rho:g})"
        case "three_level":
            return ", three-level model"
        case "composites":
            return f", composites (ρ = {rho}){shared}"
    return ""


def reference_row(reference: Reference, metric: str) -> Row:
    """A published summary: drawn hollow, never pooled."""
    construct = reference.construct
    said = construct if construct in {"adherence", "competence"} else reference.detail
    detail = f": {said}" if said else ""
    count = f" (k = {reference.k})" if reference.k is not None else ""
    return Row(
        "reference",
        f"{reference.label}{detail}{count}",
        key=reference.effect_id,
        effects=(reference.effect_id,),
        **mark_of(metric, reference.yi, reference.ci_low, reference.ci_high),
    )


def reference_block(references: Sequence[Reference], metric: str) -> list[Row]:
    """Published summaries below a heading that says what they are."""
    if not references:
        return []
    heading = Row("heading", "Published meta-analyses, for reference (not pooled)")
    return [heading, *(reference_row(r, metric) for r in references)]


def forest(document: Fitted) -> Layout:
    """The forest plot of one synthesis, from its model document."""
    options = document.figure
    columns, same = varying_columns(document)
    rows = study_rows(document, columns, options.group_by)
    rows += pooled_rows(document, columns, blocks=options.group_by is not None)
    rows += reference_block(document.references, document.metric)
    name, metric = document.synthesis, document.metric
    section = section_of(
        name, metric, columns, rows, document.fit.level, favours=options.favours, weights=True,
        axis=axis_name(document), estimate_name=estimate_name(document), titles=options.titles,
    )  # fmt: skip
    notes = (*notes_of([document]), *same, *_own_notes(document, columns), *title_note([section]))
    return Layout(name, document.title, (section,), notes=notes)


def _own_notes(document: Fitted, columns: tuple[str, ...]) -> list[str]:
    notes = []
    if any(summary.kind == "bayes" for summary in document.summaries):
        name = ESTIMATE_NAME[document.metric]
        notes.append(f"Bayesian: median and equal-tailed interval; half-normal prior on tau of {name}, scale "
                     f"{document.tau_scale:g}; one mean of each sample.")  # fmt: skip
    if document.groups:
        notes.append(_block_note(document))
    if "n" in columns:
        notes += people_note([document])
    if "rob" in columns or any(map(is_domain, columns)):
        notes += _risk_note(document)
    notes += [domain_note(tool) for tool in document.figure.tools]
    return notes


def domain_note(tool: str) -> str:
    """What the columns of domains stand for."""
    named = "; ".join(f"D{i} {name}" for i, name in enumerate(TOOLS[tool].domains, start=1))
    return f"{tool}: {named}."


def varying_columns(document: Fitted) -> tuple[tuple[str, ...], list[str]]:
    """The columns that tell samples apart, and a note in the place of those with one word for all of them.

    Numbers and judgements of bias always have their column.
    """
    columns, same = [], []
    held: list[Study | Member] = list(document.studies)
    if document.figure.rows == "estimates":
        held = [member for study in document.studies for member in study.members]
    for column in document.figure.columns:
        values = {described.cells.get(column, getattr(described, column, None)) for described in held}
        words = {value for value in values if isinstance(value, str)}
        if column == "rob" or is_domain(column) or len(document.studies) < 2 or len(values) > 1 or not words:
            columns.append(column)
        else:
            name = COLUMN_NAME.get(column, column.replace("_", " ")).lower()
            same.append(f"{name}: {words.pop() or 'not stated'}")
    return tuple(columns), [f"In all samples, {'; '.join(same)}."] if same else []


def _block_note(document: Fitted) -> str:
    """How the subtotals were fitted, and which of them otherwise than the whole."""
    said = "Subtotals: each block by itself, by the model of the whole; intervals no narrower than Wald's"
    if document.fit.model not in ("che", "three_level"):
        return f"{said}."
    few = [block_name(document.figure.group_by or "", g.value) for g in document.groups if g.model == "composites"]
    lead = f"; too few samples for it, so of one mean of each sample: {'; '.join(few)}" if few else ""
    return f"{said}{lead}."


def _risk_note(document: Fitted) -> list[str]:
    """What the symbols of the column stand for, from the best to the worst, of those that are drawn."""
    held = [study.cells.get("rob", study.rob) for study in document.studies]
    held += [member.rob for study in document.studies for member in study.members]
    by_domain = [cell for study in document.studies for name, cell in study.cells.items() if is_domain(name)]
    held += by_domain
    ratings = [str(rating) for rating in held if rating not in (None, "")]
    symbols = {judged.rank: judged for rating in ratings if (judged := judgement(rating))}
    said = ", ".join(f"{symbols[rank].symbol} {symbols[rank].level}" for rank in sorted(symbols))
    if said and by_domain:
        # In the words of the tool: moderate has the symbol of some concerns, serious that of high.
        used = sorted({(judged.rank, judged.symbol, r.lower()) for r in ratings if (judged := judgement(r))})
        return [f"Risk of bias by domain: {', '.join(f'{symbol} {word}' for _, symbol, word in used)}."]
    if said:
        return [f"Risk of bias as the source's database rates it: {said}."]
    return ["Risk of bias: scores as the source's database gives them."] if ratings else []


def constructs_of(documents: Iterable[Fitted]) -> list[str]:
    """What the associations of these documents are of."""
    return [name for document in documents if document.lane == "A" for name in document.constructs]


def title_note(sections: Iterable[Section]) -> tuple[str, ...]:
    """What a name in quotation marks is, where a row has one."""
    if not any(row.label.startswith("\N{LEFT DOUBLE QUOTATION MARK}") for section in sections for row in section.rows):
        return ()
    return ("In quotation marks: first words of a title; the authors are not recorded.",)


def notes_of(documents: list[Fitted]) -> tuple[str, ...]:
    """What a reader must know of what is drawn."""
    notes = []
    if any(d.figure.rows != "estimates" for d in documents):
        for said in sorted({of_mean(d) for d in documents if d.fit.composite_rho is not None}):
            notes.append(f"A sample with several estimates is drawn as their mean ({said}).")
    if any(d.fit.model in ("che", "three_level") for d in documents):
        notes.append(
            "The pooled value is of the single estimates, in a model with true differences within samples too."
        )
    if any(d.lane == "A" for d in documents):
        notes.append(f"Correlations are associations: {early_improvement(constructs_of(documents))}.")
    if any(d.set_to_zero for d in documents):
        notes.append("Samples reported as not significant and entered as 0 are a stress test, not data.")
    for document in documents:
        planned = [document.figure.note] if document.figure.note else []
        remarks = [f"{note[:1].upper()}{note[1:]}." for note in document.fit.notes] + planned
        lead = f"{document.title}: " if len(documents) > 1 else ""
        notes += [f"{lead}{remark}" for remark in remarks]
    return tuple(notes)
