"""Tipping points: which single study, decision, selection or adjustment would turn the verdict on a claim."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from synthesis.compare.claim_values import Evidence, Finding, Value
from synthesis.compare.claims import bounds_of, decide, syntheses_of, verdict_of_data
from synthesis.compare.contrast import PoolOptions, refit
from synthesis.data.claim_table import Claim
from synthesis.data.vocabulary import Verdict
from synthesis.errors import InputError
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.plan.config import Config
from synthesis.results.comparisons import ChangeRow, TippingRow
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.fitted import Fitted
from synthesis.review.declared import is_declared

_RHO = (0.2, 0.8)
_TAU2: tuple[Tau2Method, ...] = ("DL", "PM", "EB", "ML", "SJ")
_INTERVALS: dict[CiMethod, str] = {
    "wald": "Wald interval",
    "hksj": "HKSJ interval",
    "hksj_adhoc": "HKSJ ad hoc interval",
}
# How far from each other two shifts of a bisection may be, in the units that are read.
_SHIFT_TOLERANCE = 1e-3
# No shift is looked for beyond this.
_LARGEST_SHIFT = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """A synthesis after one single change: the kind of change, what it is in words, and the document."""

    kind: str
    change: str
    document: Fitted


def variants(document: Fitted, plan: Config, documents: dict[str, Fitted]) -> Iterator[Variant]:
    """Every single change of one synthesis: a sample left out, another method, another selection that the plan names.

    What a change makes inestimable is left out.
    """
    for study in document.studies:
        rest = {s.sample_id for s in document.studies} - {study.sample_id}
        if rest:
            yield from _tried("sample left out", study.label, document, rest, {})
    for words, changes in _methods(document):
        yield from _tried("method", words, document, None, changes)
    for name in plan.syntheses[document.synthesis].alternatives:
        if name in documents:
            yield Variant("selection", documents[name].title, documents[name])


def _tried(
    kind: str, words: str, document: Fitted, samples: set[str] | None, changes: PoolOptions
) -> Iterator[Variant]:
    # Without a sample, or with another model, a cluster-robust fit may have too few degrees of freedom.
    try:
        refitted = refit(document, samples, **changes)
    except InputError:
        return
    yield Variant(kind, words, refitted)


def _methods(document: Fitted) -> Iterator[tuple[str, PoolOptions]]:
    if document.fit.samples < 2:
        return
    if is_declared(document.studies):
        # What was computed of control arms, and levels, are no choice of a model.
        return
    if document.fit.model in ("che", "three_level"):
        yield "one mean effect for each sample, HKSJ", {"model": "composites", "ci": "hksj", "tau2": "REML"}
        if document.fit.model == "che":
            yield "three-level model", {"model": "three_level"}
        else:
            yield "correlated and hierarchical effects", {"model": "che"}
        for rho in _RHO:
            yield f"correlation within samples {rho:g}", {"rho": rho}
        return
    for tau2 in _TAU2:
        if tau2 != document.fit.method:
            yield f"tau2 by {tau2}", {"tau2": tau2}
    for ci, words in _INTERVALS.items():
        if ci != document.fit.ci_method:
            yield words, {"ci": ci}
    if any(len(study.members) > 1 for study in document.studies):
        for rho in _RHO:
            yield f"correlation within samples {rho:g}", {"rho": rho}


def adjustments(document: Fitted, diagnosed: Diagnosed | None) -> Iterator[Variant]:
    """The document with its estimate and interval as adjusted for small-study effects, where that was possible."""
    tests = diagnosed.small_study if diagnosed is not None else None
    if tests is None:
        return
    filled = tests.trim_fill_L0.fit if tests.trim_fill_L0 is not None else None
    for words, adjusted in (
        ("trim and fill (L0)", filled),
        ("PET-PEESE", tests.pet_peese),
        ("three-parameter selection model", tests.selection_model),
    ):
        if adjusted is None or adjusted.ci_low is None or adjusted.ci_high is None:
            continue
        fit = dataclasses.replace(
            document.fit, estimate=adjusted.estimate, ci_low=adjusted.ci_low, ci_high=adjusted.ci_high
        )
        yield Variant("bias adjustment", words, replace(document, fit=fit))


def tipping(
    claims: list[Claim], evidence: Evidence, diagnostics: Mapping[str, Diagnosed]
) -> tuple[list[ChangeRow], list[TippingRow]]:
    """Every single change tried on every claim, and one summary row for each claim.

    A bias adjustment replaces an estimate and its interval only, so it is tried on claims about one pooled value.
    """
    made: dict[str, list[Variant]] = {}
    rows, summary = [], []
    for claim in claims:
        finding = verdict_of_data(claim, evidence)
        tried = []
        for name in dict.fromkeys(syntheses_of(claim, evidence.plan)):
            document = evidence.documents[name]
            if name not in made:
                made[name] = list(variants(document, evidence.plan, evidence.documents))
            changes = list(made[name])
            if claim.kind in ("pooled", "variance"):
                changes += adjustments(document, diagnostics.get(name))
            tried += [_row(claim, finding, name, variant, evidence) for variant in changes]
        rows += tried
        summary.append(_summary(claim, finding, tried, evidence))
    return rows, summary


def _row(claim: Claim, finding: Finding, synthesis: str, variant: Variant, evidence: Evidence) -> ChangeRow:
    # Under the name of the original, so that the plan is the same.
    renamed = replace(variant.document, synthesis=synthesis)
    changed = dataclasses.replace(evidence, documents=evidence.documents | {synthesis: renamed})
    then = verdict_of_data(claim, changed)
    single = then.single
    return ChangeRow(
        claim_id=claim.claim_id,
        claim=claim.claim,
        verdict_of_data=finding.verdict,
        kind=variant.kind,
        synthesis=synthesis,
        change=variant.change,
        estimate=single.estimate if single else None,
        ci_low=single.low if single else None,
        ci_high=single.high if single else None,
        unit=then.unit,
        verdict_of_data_then=then.verdict,
        flips="yes" if then.verdict != finding.verdict else "no",
    )


def _summary(claim: Claim, finding: Finding, tried: list[ChangeRow], evidence: Evidence) -> TippingRow:
    flipping = [row for row in tried if row.flips == "yes"]
    samples = [row.change for row in flipping if row.kind == "sample left out"]
    others = [f"{row.change} ({row.verdict_of_data_then})" for row in flipping if row.kind != "sample left out"]
    shift, then = shift_to_flip(claim, finding, evidence)
    return TippingRow(
        claim_id=claim.claim_id,
        claim=claim.claim,
        verdict_of_data=finding.verdict,
        changes_tried=len(tried),
        flips=len(flipping),
        samples_that_flip="; ".join(dict.fromkeys(samples)),
        decisions_that_flip="; ".join(dict.fromkeys(others)),
        shift_to_flip=shift,
        verdict_after_shift=then or "",
        unit=finding.unit,
    )


def shift_to_flip(claim: Claim, finding: Finding, evidence: Evidence) -> tuple[float | None, Verdict | None]:
    """The smallest shift of the value, its interval moving along, that changes the verdict; and the verdict then.

    None where the claim has several values or none, and where no shift up to 2 changes it.
    """
    value = finding.single
    if value is None or value.unit == "%" or value.low is None or value.high is None:
        return None, None
    bounds = bounds_of(claim, evidence.rows)
    edges = (value.low, value.high)
    # The verdict can only change where an end of the interval meets a bound.
    steps = sorted({b - edge for b in bounds if b is not None for edge in edges}, key=abs)
    for step in steps:
        shift = step + math.copysign(_SHIFT_TOLERANCE, step)
        if abs(shift) > _LARGEST_SHIFT:
            break
        low, high = (edge + shift for edge in edges)
        moved = Value(value.label, value.unit, value.estimate + shift, low, high)
        then, _ = decide(claim.rule, moved, *bounds)
        if then != finding.verdict:
            return step, then
    return None, None
