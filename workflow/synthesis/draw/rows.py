"""The rows of a forest plot, from a model document: studies in blocks, diamonds, summaries, references."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from synthesis import text
from synthesis.draw.layout import (
    ESTIMATE_NAME,
    GROUP_NAME,
    Layout,
    Row,
    axis_name,
    coordinates,
    estimate_name,
    interval_texts,
    judgement,
    mark_of,
    section_of,
)
from synthesis.meta.dependent import JointTest

Record = dict[str, Any]
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}"
_MANY_ESTIMATES = " ({} estimates)"


def quantile(level: float) -> float:
    """The normal quantile behind a study's interval."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2)


def cell_text(column: str, value: Any) -> str:
    """A cell as it is read: whole numbers with thin spaces, others as printed, nothing for what is missing."""
    if value is None or value == "":
        return ""
    if isinstance(value, int | float):
        whole = float(value).is_integer() and column != "year"
        return text.count(value) if whole else f"{value:g}".replace("-", text.MINUS)
    return str(value)


def study_rows(document: Record, columns: Iterable[str], group_by: str | None = None) -> list[Row]:
    """One row per independent sample, or one per estimate, in blocks of the column `group_by`, each block sorted.

    A block with a pool of its own ends with its diamond.
    """
    columns = tuple(columns)
    options = document["figure"]
    studies = _sorted(document["studies"], options.get("sort", "year"))
    by_estimate = options.get("rows") == "estimates"

    def block(chosen: list[Record]) -> list[Row]:
        if not by_estimate:
            return [_sample_row(document, study, columns) for study in chosen]
        return [row for study in chosen for row in _estimate_rows(document, study, columns)]

    if group_by is None:
        return block(studies)
    pooled = {group["value"]: group for group in document.get("groups", [])}
    rows: list[Row] = []
    for value in sorted({study[group_by] for study in studies}, key=lambda value: block_key(group_by, value)):
        rows.append(Row("heading", block_name(group_by, value), document["lane"]))
        own = [study for study in studies if study[group_by] == value]
        rows += block(own)
        if value in pooled:
            rows.append(_group_row(document, pooled[value], own, columns))
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


def _sorted(studies: list[Record], by: str) -> list[Record]:
    keys: dict[str, Any] = {
        "year": lambda s: s["year"] or 9999,
        "estimate": lambda s: s["yi"],
        "weight": lambda s: -s["weight"],
        "n": lambda s: -(s["n"] or 0),
    }
    if by == "given":
        return list(studies)
    named = sorted(studies, key=lambda s: (s["label"].casefold(), s["sample_id"]))
    return sorted(named, key=keys[by]) if by in keys else named


def _cells(held: Record, columns: tuple[str, ...]) -> tuple[str, ...]:
    cells = held.get("cells", {})
    return tuple(cell_text(c, cells[c] if c in cells else held.get(c)) for c in columns)


def _sample_row(document: Record, study: Record, columns: tuple[str, ...]) -> Row:
    half = quantile(document["level"]) * math.sqrt(study["vi"])
    several = len(study["effects"])
    return Row(
        "study",
        study["label"] + (_MANY_ESTIMATES.format(several) if several > 1 else ""),
        document["lane"],
        _cells(study, columns),
        weight=study["weight"],
        weight_text=text.number(study["weight"], 1),
        key=study["sample_id"],
        effects=tuple(study["effects"]),
        **mark_of(document["metric"], study["yi"], study["yi"] - half, study["yi"] + half),
    )


def _estimate_rows(document: Record, study: Record, columns: tuple[str, ...]) -> list[Row]:
    """Every estimate of a sample, joined by a bracket; the sample's weight stands at the first."""
    members = study["members"]
    rows = []
    for i, member in enumerate(members):
        half = quantile(document["level"]) * math.sqrt(member["vi"])
        place = "" if len(members) == 1 else "start" if i == 0 else "end" if i + 1 == len(members) else "middle"
        differs = [str(member[name]) for name in ("outcome", "rater", "timepoint") if _varies(members, name)]
        label = study["label"] if i == 0 else "\u2003" if differs else f"\u2003estimate {i + 1}"
        rows.append(
            Row(
                "study",
                f"{label} {', '.join(differs)}".rstrip() if differs else label,
                document["lane"],
                _cells(member, columns),
                weight=study["weight"] / len(members),
                weight_text=text.number(study["weight"], 1) if i == 0 else "",
                key=f"{study['sample_id']}/{member['effect_id']}",
                effects=(member["effect_id"],),
                bracket=place,
                **mark_of(document["metric"], member["yi"], member["yi"] - half, member["yi"] + half),
            )
        )
    return rows


def _varies(members: list[Record], name: str) -> bool:
    return len({member.get(name) for member in members}) > 1


def _group_row(document: Record, group: Record, studies: list[Record], columns: tuple[str, ...]) -> Row:
    weight = math.fsum(study["weight"] for study in studies)
    pi_low, pi_high = coordinates(document["metric"], group["pi_low"], group["pi_high"])
    cells = tuple(people_cell(studies) if column == "n" else "" for column in columns)
    counted = text.plural(group["samples"], "sample")
    return Row(
        "subgroup",
        f"Subtotal ({counted}), I\N{SUPERSCRIPT TWO} = {group['i2']:.0f}%",
        document["lane"],
        cells,
        pi_low=pi_low,
        pi_high=pi_high,
        weight=weight,
        weight_text=text.number(weight, 1),
        key=f"{document['synthesis']}/{group['value']}",
        synthesis=document["synthesis"],
        **mark_of(document["metric"], group["estimate"], group["ci_low"], group["ci_high"]),
    )


def people(studies: list[Record]) -> tuple[int, int]:
    """People in the samples whose size is known, and how many samples those are."""
    known = [study["n"] for study in studies if study["n"] is not None]
    return sum(known), len(known)


def people_cell(studies: list[Record]) -> str:
    """People as a cell: all, at least so many where sizes are not known, nothing where none is."""
    count, known = people(studies)
    return f"{'' if known == len(studies) else AT_LEAST}{text.count(count)}" if known else ""


def people_words(studies: list[Record]) -> str:
    """People in words: "4 574 people", "at least 3 022 people (19 of 26 samples)", nothing where no size is known."""
    count, known = people(studies)
    if not known:
        return ""
    said = f"{text.count(count)} {'person' if count == 1 else 'people'}"
    return said if known == len(studies) else f"at least {said} ({known} of {text.plural(len(studies), 'sample')})"


def people_note(documents: list[Record]) -> list[str]:
    """What the sign before a number of people means, where some sizes are not known."""
    said = []
    for document in documents:
        samples = len(document["studies"])
        unknown = samples - people(document["studies"])[1]
        if 0 < unknown < samples:
            lead = f"{document['title']}: " if len(documents) > 1 else ""
            said.append(f"{lead}the size of {unknown} of {text.plural(samples, 'sample')} is not known")
    return [f"{AT_LEAST}: at least; {'; '.join(said)}."] if said else []


_SUMMARY_NAME = {"common": "Common effect (fixed)", "bayes": "Bayesian (half-normal prior on tau)"}


def pooled_rows(document: Record, columns: tuple[str, ...], blocks: bool = False) -> list[Row]:
    """The diamond, the prediction interval, other summaries, heterogeneity and, below `blocks`, the test of their
    difference; of a single sample just the line."""
    metric, lane, key = document["metric"], document["lane"], document["synthesis"]
    note = Row("note", heterogeneity(document), lane, key=key)
    if document["samples"] == 1:
        return [note]
    model = "common effect" if document["method"] == "FE" else "random effects"
    label = f"Pooled {document['word']} ({model})"
    cells = tuple(people_cell(document["studies"]) if column == "n" else "" for column in columns)
    mark = mark_of(metric, document["estimate"], document["ci_low"], document["ci_high"])
    rows = [Row("pooled", label, lane, cells, weight=100.0, weight_text="100", key=key, synthesis=key, **mark)]
    if document["pi_low"] is not None:
        low, high = coordinates(metric, document["pi_low"], document["pi_high"])
        texts = interval_texts(metric, document["estimate"], document["pi_low"], document["pi_high"])
        texts["estimate_text"] = ""
        rows.append(
            Row("prediction", "Prediction interval", lane, pi_low=low, pi_high=high, key=key, synthesis=key, **texts)
        )
    for summary in document.get("summaries", []):
        mark = mark_of(metric, summary["estimate"], summary["ci_low"], summary["ci_high"])
        name = _SUMMARY_NAME[summary["kind"]]
        rows.append(Row("summary", name, lane, key=f"{key}/{summary['kind']}", synthesis=key, **mark))
    rows.append(note)
    if blocks and document.get("groups_test"):
        rows.append(
            Row("note", difference_of_blocks(document["groups_test"], document["figure"]["group_by"]), lane, key=key)
        )
    return rows


def difference_of_blocks(test: JointTest, group_by: str) -> str:
    """The test of blocks in words, with the blocks that are not in it; why there is none, where there is none."""
    found = test.note
    if test.p is not None:
        degrees = f"{test.df1}, {test.df2:.1f}" if test.df2 is not None else f"{test.df1}"
        name = "F" if test.df2 is not None else "Q"
        found = f"{name}({degrees}) = {test.statistic:.2f}, {text.p_value(test.p)}"
    left = [f"{_level_name(group_by, level)} ({reason})" for level, reason in test.left_out]
    return "; ".join([f"Difference of the blocks: {found}", *([f"not in the test: {', '.join(left)}"] if left else [])])


def _level_name(column: str, value: str) -> str:
    """A level inside a sentence: a rating as its judgement, however the source spells it."""
    judged = judgement(value) if column == "rob" else None
    return judged.level if judged is not None else GROUP_NAME.get(value, value)


def heterogeneity(document: dict[str, Any]) -> str:
    """The line below a diamond: samples, effects, heterogeneity and how it was fitted."""
    parts = [text.plural(document["samples"], "sample") + ", " + text.plural(document["k"], "estimate")]
    if document["tau2"] is not None and document["method"] != "FE":
        limits = (document["tau2_ci_low"], document["tau2_ci_high"])
        shown = text.variance(document["tau2"], *limits)
        parts.append(f"\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO} = {shown}")
    if document["omega2"] is not None:
        within = text.variance(document["omega2"], None, None)
        parts.append(f"within samples \N{GREEK SMALL LETTER OMEGA}\N{SUPERSCRIPT TWO} = {within}")
    if document["i2"] is not None:
        parts.append(f"I\N{SUPERSCRIPT TWO} = {document['i2']:.0f}%")
        parts.append(f"Q = {document['q']:.1f}, df = {document['q_df']}, {text.p_value(document['q_p'])}")
    if document["samples"] > 1:
        parts.append(method_of(document))
    return "; ".join(parts)


INTERVAL_NAME = {
    "wald": "Wald",
    "wald_t": "Wald with t",
    "hksj": "HKSJ",
    "hksj_adhoc": "HKSJ (ad hoc)",
    "cr2": "cluster-robust CR2",
}


def method_of(document: dict[str, Any]) -> str:
    """Estimator, interval and treatment of dependent effects, in words."""
    return f"{document['method']}, {INTERVAL_NAME[document['ci_method']]}{_dependence(document)}"


def _dependence(document: dict[str, Any]) -> str:
    """How effects of one sample were treated, where any sample has several."""
    match document["model"]:
        case "che":
            return f", correlated and hierarchical effects (ρ = {document['rho']:g})"
        case "three_level":
            return ", three-level model"
        case "composites":
            return f", composites (ρ = {document['composite_rho']:g})"
    return ""


def reference_row(reference: dict[str, Any], metric: str) -> Row:
    """A published summary: drawn hollow, never pooled."""
    construct = reference["construct"]
    said = construct if construct in {"adherence", "competence"} else reference["detail"]
    detail = f": {said}" if said else ""
    count = f" (k = {reference['k']})" if reference["k"] is not None else ""
    return Row(
        "reference",
        f"{reference['label']}{detail}{count}",
        key=reference["effect_id"],
        effects=(reference["effect_id"],),
        **mark_of(metric, reference["yi"], reference["ci_low"], reference["ci_high"]),
    )


def reference_block(references: list[dict[str, Any]], metric: str) -> list[Row]:
    """Published summaries below a heading that says what they are."""
    if not references:
        return []
    heading = Row("heading", "Published meta-analyses, for reference (not pooled)")
    return [heading, *(reference_row(r, metric) for r in references)]


def forest(document: Record) -> Layout:
    """The forest plot of one synthesis, from its model document."""
    options = document["figure"]
    columns = tuple(options["columns"])
    rows = study_rows(document, columns, options["group_by"])
    rows += pooled_rows(document, columns, blocks=options["group_by"] is not None)
    rows += reference_block(document["references"], document["metric"])
    favours = tuple(options["favours"]) if options["favours"] else None
    name, metric = document["synthesis"], document["metric"]
    section = section_of(
        name, metric, columns, rows, document["level"], favours=favours, weights=True,
        axis=axis_name(document), estimate_name=estimate_name(document),
    )  # fmt: skip
    return Layout(name, document["title"], (section,), notes=(*notes_of([document]), *_own_notes(document, columns)))


def _own_notes(document: Record, columns: tuple[str, ...]) -> list[str]:
    notes = []
    if any(row.get("kind") == "bayes" for row in document.get("summaries", [])):
        name = ESTIMATE_NAME[document["metric"]]
        notes.append(f"Bayesian: median and equal-tailed interval; half-normal prior on tau of {name}, scale "
                     f"{document['tau_scale']:g}; one mean of each sample.")  # fmt: skip
    if document.get("groups"):
        notes.append(
            "Blocks are pooled by themselves, with one mean of each sample; intervals no narrower than Wald's."
        )
    if "n" in columns:
        notes += people_note([document])
    if "rob" in columns:
        notes += _risk_note(document)
    return notes


def _risk_note(document: Record) -> list[str]:
    """What the symbols of the column stand for, from the best to the worst, of those that are drawn."""
    held = [study.get("cells", {}).get("rob", study.get("rob")) for study in document["studies"]]
    held += [member.get("rob") for study in document["studies"] for member in study.get("members", [])]
    ratings = [str(rating) for rating in held if rating not in (None, "")]
    symbols = {judged.rank: judged for rating in ratings if (judged := judgement(rating))}
    said = ", ".join(f"{symbols[rank].symbol} {symbols[rank].level}" for rank in sorted(symbols))
    if said:
        return [f"Risk of bias as the source's database rates it: {said}."]
    return ["Risk of bias: scores as the source's database gives them."] if ratings else []


def notes_of(documents: list[dict[str, Any]]) -> tuple[str, ...]:
    """What a reader must know of what is drawn."""
    notes = []
    for rho in sorted({d["composite_rho"] for d in documents if d["composite_rho"] is not None}):
        if any(d["figure"].get("rows") != "estimates" for d in documents):
            notes.append(f"A sample with several estimates is drawn as their mean (assumed correlation {rho:g}).")
    if any(d["model"] in ("che", "three_level") for d in documents):
        notes.append(
            "The pooled value is of the single estimates, in a model with true differences within samples too."
        )
    if any(d["lane"] == "A" for d in documents):
        notes.append("Correlations are associations: early improvement raises the alliance too.")
    if any(d["set_to_zero"] for d in documents):
        notes.append("Samples reported as not significant and entered as 0 are a stress test, not data.")
    for document in documents:
        own = [document["figure"]["note"]] if document["figure"]["note"] else []
        remarks = [f"{note[:1].upper()}{note[1:]}." for note in document["notes"]] + own
        lead = f"{document['title']}: " if len(documents) > 1 else ""
        notes += [f"{lead}{remark}" for remark in remarks]
    return tuple(notes)
