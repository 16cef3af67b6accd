"""The layout of a pool beside its estimates adjusted for bias."""

from __future__ import annotations

from dataclasses import replace

from synthesis.draw.chart import KIND_NAME, Chart, few_to_compare, plan_notes, refusal
from synthesis.draw.layout import Layout, Row, coordinates, mark_of, section_of
from synthesis.draw.rows import method_of
from synthesis.results.adjusted import ESTIMATORS, OF_ESTIMATES, AdjustedEstimate, samples_words
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.fitted import Fitted

# Numbers of samples, and what is counted beside them.
_COLUMNS = ("samples", "remark")


def adjusted(document: Fitted, diagnostics: Diagnosed) -> Layout | Chart:
    """The pool, and a row for each adjusted estimate; what was not computed is in the note, with the reason."""
    kind, name = "adjusted", document.synthesis
    reason = few_to_compare(diagnostics) or diagnostics.skipped.get("small_study", "")
    if reason or not diagnostics.adjusted:
        return refusal(kind, name, document, reason or "no adjusted estimates")
    drawn = [estimate for estimate in diagnostics.adjusted if estimate.estimate is not None]
    rows = [_row(document, estimate) for estimate in drawn]
    shown = 2 if any(row.cells[1] for row in rows) else 1
    section = section_of(
        name,
        document.metric,
        _COLUMNS[:shown],
        [replace(row, cells=row.cells[:shown]) for row in rows],
        document.fit.level,
        favours=document.figure.favours,
        row_name="Estimate",
        guide=coordinates(document.metric, document.fit.estimate)[0],
        clip=0.0,
    )
    notes = (_note(document, diagnostics.adjusted), *plan_notes(document))
    return Layout(name, f"{document.title}: {KIND_NAME[kind]}", (section,), notes)


def _row(document: Fitted, adjusted: AdjustedEstimate) -> Row:
    estimate = 0.0 if adjusted.estimate is None else adjusted.estimate
    mark = mark_of(document.metric, estimate, adjusted.ci_low, adjusted.ci_high)
    mark["low_text"], mark["high_text"] = "", f"{mark['low_text']} {mark['high_text']}".strip()
    if adjusted.ci_low is None:
        mark["high_text"] = "no interval"
    samples, _, remark = samples_words(adjusted, document.fit.samples).partition(" ")
    cells = (samples, remark.strip("()"))
    key, label = f"{document.synthesis}/{adjusted.name}", ESTIMATORS[adjusted.name][0]
    if adjusted.name == "pool":
        return Row("pooled", label, document.lane, cells, key=key, synthesis=document.synthesis, **mark)
    return Row("study", label, document.lane, cells, key=key, **mark)


def _note(document: Fitted, estimates: tuple[AdjustedEstimate, ...]) -> str:
    parts = [
        f"Diamond and dashed line: the pool ({method_of(document)}). Each other row has an idea of its own of what "
        "is missing or biased; where it is wrong, so is the estimate, and none proves or rules out bias. One value per "
        "sample, but where the number of estimates is given."
    ]
    if any(e.name == "model_averaged" and e.estimate is not None for e in estimates):
        parts.append("Model-averaged: posterior mean and credible interval, over models that are weighed by the data.")
    if any(e.name == "p_uniform" and e.estimate is not None for e in estimates):
        parts.append(f"The star of {ESTIMATORS['p_uniform'][0]} is part of its name.")
    left = [f"{ESTIMATORS[e.name][0]}: {e.reason}" for e in estimates if e.reason and e.name not in OF_ESTIMATES]
    if left:
        parts.append(f"Not computed: {'; '.join(left)}.")
    return " ".join(parts)
