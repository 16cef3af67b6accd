"""The rows of a forest plot, from a model document: studies in blocks, diamonds, summaries, references."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from synthesis import text
from synthesis.data.vocabulary import instrument_name, is_domain
from synthesis.draw.forest_notes import (
    ARMS,
    arm_cell,
    band_note,
    block_heading,
    is_between,
    is_entered,
    notes_of,
    of_range,
    of_range_alone,
    own_notes,
    people_cell,
    people_words,
    row_notes,
    size_sign,
    title_note,
    variance_decimals,
)
from synthesis.draw.layout import (
    COLUMN_NAME,
    GROUP_NAME,
    Layout,
    Row,
    axis_name,
    coordinates,
    decimals_of,
    estimate_name,
    interval_texts,
    judgement,
    mark_of,
    section_of,
)
from synthesis.draw.reference_rows import comparator_note, derived_notes, reference_block, sides
from synthesis.meta.clustered import EFFECT, SAMPLE
from synthesis.meta.dependent import JointTest
from synthesis.meta.result import LevelVariance
from synthesis.results.files import Cell
from synthesis.review.declared import in_words

if TYPE_CHECKING:
    from synthesis.meta.dependent import JointTest
    from synthesis.results.fitted import BlockFit, Fitted, Member, Study

_MANY_ESTIMATES = " ({} estimates{})"


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
    if value == text.MIXED and column in _DIFFERING:
        return GROUP_NAME[text.MIXED].lower()
    return instrument_name(str(value)) if column == "outcome" else str(value)


# Columns of which no sample has a value called mixed: there it says that its estimates differ.
_DIFFERING = ("rater", "timepoint", "outcome", "comparator")


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
        rows.append(Row("heading", block_heading(document, value), document.lane))
        block_studies = [study for study in studies if study.words(group_by) == value]
        rows += block(block_studies)
        if value in pooled:
            rows.append(_group_row(document, pooled[value], block_studies, columns))
    return rows


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


def _cells(estimate: Study | Member, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The cells of the plan's columns; without them, what the fit itself says; a dash for what is not reported, but a
    judgement of bias that nobody made."""
    cells = estimate.cells
    texts = {c: cell_text(c, cells[c] if c in cells else getattr(estimate, c, None)) for c in columns}
    if texts.get("n"):
        texts["n"] = size_sign(estimate) + texts["n"]
    return tuple(texts[c] or ("" if c == "rob" or is_domain(c) else text.NONE) for c in columns)


def _people(studies: Sequence[Study], columns: tuple[str, ...]) -> tuple[str, ...]:
    """The cells of a pool: how many people its samples have, and in each arm."""
    return tuple(
        people_cell(studies) if column == "n" else arm_cell(studies, column) if column in ARMS else ""
        for column in columns
    )


def _sample_row(document: Fitted, study: Study, columns: tuple[str, ...]) -> Row:
    half = quantile(document.fit.level) * math.sqrt(study.vi)
    several = len(study.effects)
    mark = mark_of(document.metric, study.yi, study.yi - half, study.yi + half, decimals_of(document))
    return Row(
        "study",
        study.label + (_MANY_ESTIMATES.format(several, of_range(study)) if several > 1 else of_range(study)),
        document.lane,
        _cells(study, columns),
        weight=study.weight,
        weight_text=_weight_text(study.weight),
        key=study.sample_id,
        effects=study.effects,
        fill="hollow" if is_entered(study) or is_between(study) else "",
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
        differs = [
            cell_text(name, member.words(name)) for name in ("outcome", "rater", "timepoint") if _varies(members, name)
        ]
        label = study.label if i == 0 else "\u2003" if differs else f"\u2003estimate {i + 1}"
        label = f"{label} {', '.join(differs)}".rstrip() if differs else label
        rows.append(
            Row(
                "study",
                label + of_range(member),
                document.lane,
                _cells(member, columns),
                weight=study.weight / len(members),
                weight_text=_weight_text(study.weight) if i == 0 else "",
                key=f"{study.sample_id}/{member.effect_id}",
                effects=(member.effect_id,),
                bracket=place,
                fill="hollow" if is_entered(member) else "",
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
    cells = _people(studies, columns)
    counted = text.plural(group.samples, "sample")
    entered = [is_entered(study) for study in studies]
    if all(entered):
        # Constants have neither heterogeneity nor a sampling error of their own.
        label = f"{counted}, all entered by rule: no subtotal"
        return Row(
            "subgroup",
            label,
            document.lane,
            cells,
            weight=weight,
            weight_text=text.number(weight, 1),
            key=f"{document.synthesis}/{group.value}",
        )
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
        fill="hollow" if any(entered) else "",
        **mark_of(document.metric, group.estimate, group.ci_low, group.ci_high, decimals_of(document)),
    )


_SUMMARY_NAME = {
    "common": "Common effect (fixed)",
    "bayes": "Bayesian (half-normal prior on τ), LEVEL% credible interval",
}


def pooled_rows(
    document: Fitted, columns: tuple[str, ...], blocks: bool = False, decimals: int = 0, variances: int = 0
) -> list[Row]:
    """The diamond, the prediction interval, other summaries, heterogeneity and, below `blocks`, the test of their
    difference; of a single sample just the line. `decimals`, `variances`: those of the figure, where it has several."""
    metric, lane, key = document.metric, document.lane, document.synthesis
    people = people_words(document.studies) if set(columns) & set(ARMS) and "n" not in columns else ""
    note = Row("note", heterogeneity(document, people, variances), lane, key=key)
    if document.fit.samples == 1:
        return [note]
    model = "common effect" if document.fit.method == "FE" else "random effects"
    label = f"Pooled {document.word} ({model}){of_range_alone(document)}"
    cells = _people(document.studies, columns)
    decimals = decimals or decimals_of(document)
    mark = mark_of(metric, document.fit.estimate, document.fit.ci_low, document.fit.ci_high, decimals)
    rows = [
        Row(
            "pooled",
            label,
            lane,
            cells,
            weight=100.0,
            weight_text="100",
            key=key,
            synthesis=key,
            fill=fill_of(document),
            **mark,
        )
    ]
    if document.fit.pi_low is not None:
        low, high = coordinates(metric, document.fit.pi_low, document.fit.pi_high)
        texts = interval_texts(metric, document.fit.estimate, document.fit.pi_low, document.fit.pi_high, decimals)
        texts["estimate_text"] = ""
        name = f"{100 * document.fit.level:g}% prediction interval"
        rows.append(Row("prediction", name, lane, pi_low=low, pi_high=high, key=key, synthesis=key, **texts))
    for summary in document.summaries:
        mark = mark_of(metric, summary.estimate, summary.ci_low, summary.ci_high, decimals)
        name = _SUMMARY_NAME[summary.kind].replace("LEVEL", f"{100 * document.fit.level:g}")
        rows.append(Row("summary", name, lane, key=f"{key}/{summary.kind}", synthesis=key, **mark))
    rows.append(note)
    if blocks and document.groups_test is not None:
        rows.append(Row("note", difference_of_blocks(document.groups_test, document.figure.group_by), lane, key=key))
    return rows


def fill_of(document: Fitted) -> Literal["", "hollow"]:
    """A pool that holds values of the plan, or nothing but means of the ends of ranges, is hollow, as these are."""
    return "hollow" if document.set_to_zero or all(map(is_between, document.studies)) else ""


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
    if value == text.MIXED:
        return "several in one sample"
    return judged.level if judged is not None else GROUP_NAME.get(value, value)


def heterogeneity(document: Fitted, people: str = "", decimals: int = 0) -> str:
    """The line below a diamond: samples, effects, `people`, heterogeneity and how it was fitted."""
    decimals = decimals or variance_decimals([document])
    counted = [text.plural(document.fit.samples, "sample"), text.plural(document.fit.k, "estimate"), people]
    parts = [", ".join(filter(None, counted))]
    if document.fit.tau2 is not None and document.fit.method != "FE":
        limits = (document.fit.tau2_ci_low, document.fit.tau2_ci_high)
        between = _variance(document.fit.tau2, *limits, decimals)
        parts.append(f"\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO} = {between}".replace("= <", "< "))
    if document.fit.omega2 is not None:
        within = _variance(document.fit.omega2, None, None, decimals)
        parts.append(f"within samples \N{GREEK SMALL LETTER OMEGA}\N{SUPERSCRIPT TWO} = {within}".replace("= <", "< "))
    if document.fit.levels:
        # That of the effect stands before, as that within samples.
        above = [level for level in document.fit.levels if level.level != EFFECT]
        parts.append("of which " + ", ".join(_of_level(level, decimals) for level in above))
    if document.fit.i2 is not None:
        parts.append(f"I\N{SUPERSCRIPT TWO} = {document.fit.i2:.0f}%")
    if document.fit.q is not None and document.fit.q_p is not None:
        parts.append(f"Q = {document.fit.q:.1f}, df = {document.fit.q_df}, {text.p_value(document.fit.q_p)}")
    if document.fit.samples > 1:
        parts.append(method_of(document))
    return "; ".join(parts)


def _variance(value: float, low: float | None, high: float | None, decimals: int) -> str:
    limits = "" if low is None or high is None else f"[{text.small(low, decimals)}, {text.small(high, decimals)}]"
    return f"{text.small(value, decimals)} {limits}".rstrip()


def _of_level(level: LevelVariance, decimals: int) -> str:
    name = COLUMN_NAME.get(level.level, level.level).lower() if level.level != SAMPLE else SAMPLE
    return f"{name} {_variance(level.variance, level.ci_low, level.ci_high, decimals)} ({level.members})"


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
    correlations = document.correlations
    arms = any(study.sampling for study in document.studies) if correlations is None else correlations.control_arms
    shared = ", covariance of shared control arms" if arms else ""
    rho = in_words(correlations) if correlations is not None else f"{document.fit.composite_rho or 0:g}"
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


def forest(document: Fitted) -> Layout:
    """The forest plot of one synthesis, from its model document."""
    options = document.figure
    columns, same = varying_columns(document)
    rows = study_rows(document, columns, options.group_by)
    rows += pooled_rows(document, columns, blocks=options.group_by is not None)
    rows += reference_block(document.references, document.metric, [document])
    name, metric = document.synthesis, document.metric
    section = section_of(
        name, metric, columns, rows, document.fit.level,
        favours=sides(options.favours, document.references, [document]), weights=True,
        axis=axis_name(document), estimate_name=estimate_name(document), titles=options.titles,
    )  # fmt: skip
    notes = (
        *notes_of([document]),
        *same,
        *band_note([section], [document]),
        *row_notes([section]),
        *derived_notes(reference.basis for reference in document.references),
        *comparator_note(document.references, [document]),
        *own_notes(document, columns),
        *title_note([section]),
    )
    return Layout(name, document.title, (section,), notes=notes)


# A column is a note where at least this share of its rows have one word, and no more than so many others.
_NEARLY_ALL, _MOST_OTHERS = 0.8, 8


def varying_columns(document: Fitted) -> tuple[tuple[str, ...], list[str]]:
    """The columns that tell samples apart, and a note in the place of those with one word, or nothing, for all of them
    or nearly all.

    What the heading of a block says has no column beside it.
    """
    columns, same, nearly = [], [], []
    for column in document.figure.columns:
        if _constant_in_blocks(document, column):
            continue
        rows = _column_texts(document, column)
        common, count = Counter(words for _, words, _ in rows).most_common(1)[0] if rows else ("", 0)
        name = COLUMN_NAME.get(column, column.replace("_", " ")).lower()
        judged = column == "rob" or is_domain(column)
        if judged or (common and any(is_number for *_, is_number in rows)):
            columns.append(column)
        elif count == len(rows):
            same.append(f"{name}: {common or 'not reported'}")
        elif common and _NEARLY_ALL * len(rows) <= count and len(rows) - count <= _MOST_OTHERS:
            nearly.append(_exceptions(name, common, rows))
        else:
            columns.append(column)
    lead = "In all samples, " if len(document.studies) > 1 else ""
    notes = [text.capital(f"{lead}{'; '.join(same)}.")] if same else []
    return tuple(columns), notes + nearly


def _column_texts(document: Fitted, column: str) -> list[tuple[str, str, bool]]:
    """Per row of a column: the sample, what the cell says, and whether that is a number."""
    rows = []
    for study in document.studies:
        for estimate in study.members if document.figure.rows == "estimates" else (study,):
            value = estimate.cells.get(column, getattr(estimate, column, None))
            rows.append((study.label, cell_text(column, value), isinstance(value, int | float)))
    return rows


def _exceptions(name: str, common: str, rows: Sequence[tuple[str, str, bool]]) -> str:
    """What nearly all rows say of a column, and which say something else."""
    others: dict[str, list[str]] = {}
    for label, words, _ in rows:
        if words != common:
            others.setdefault(words or "not stated", []).append(label)
    named = [f"{words}: {', '.join(dict.fromkeys(labels))}" for words, labels in sorted(others.items())]
    return f"{text.capital(name)}: {common}; except {'; '.join(named)}."


def _constant_in_blocks(document: Fitted, column: str) -> bool:
    """Whether all rows of a block have one value of a column, which its heading says."""
    if column != document.figure.group_by:
        return False
    if document.figure.rows != "estimates":
        return True
    return all(not _varies(study.members, column) for study in document.studies if study.members)
