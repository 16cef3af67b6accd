"""Tipping points: which single study, decision, selection or adjustment would turn the verdict on a claim."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from synthesis.compare.claims import Evidence, Value, bound_of, final, syntheses_of, verdict_of_data
from synthesis.compare.contrast import refit
from synthesis.data.published import Record
from synthesis.data.vocabulary import Verdict
from synthesis.errors import InputError

TIPPING_COLUMNS = (
    "claim_id", "claim", "verdict", "kind", "synthesis", "change", "estimate", "ci_low", "ci_high", "unit",
    "verdict_then", "flips",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "claim_id", "claim", "verdict", "changes_tried", "flips", "samples_that_flip", "decisions_that_flip",
    "shift_to_flip", "verdict_after_shift", "unit",
)  # fmt: skip
_RHO = (0.2, 0.8)
_TAU2 = ("DL", "PM", "EB", "ML", "SJ")
# How far from each other two shifts of a bisection may be, in the units that are read.
_SHIFT_TOLERANCE = 1e-3
# No shift is looked for beyond this.
_LARGEST_SHIFT = 2.0


def variants(document: Record, plan: Any, documents: dict[str, Record]) -> Iterator[tuple[str, str, Record]]:
    """Kind, words and document of every single change of one synthesis: a sample left out, another method, another
    selection that the plan names. What a change makes inestimable is left out."""
    for study in document["studies"]:
        rest = {s["sample_id"] for s in document["studies"]} - {study["sample_id"]}
        if rest:
            yield from _tried("sample left out", study["label"], document, rest, {})
    for words, changes in _methods(document):
        yield from _tried("method", words, document, None, changes)
    for name in plan.syntheses[document["synthesis"]].alternatives:
        if name in documents:
            yield "selection", documents[name]["title"], documents[name]


def _tried(
    kind: str, words: str, document: Record, samples: set[str] | None, changes: Record
) -> Iterator[tuple[str, str, Record]]:
    # Without a sample, or with another model, a cluster-robust fit may have too few degrees of freedom.
    try:
        found = refit(document, samples, **changes)
    except InputError:
        return
    yield kind, words, found


def _methods(document: Record) -> Iterator[tuple[str, Record]]:
    if document["samples"] < 2:
        return
    if document["model"] in ("che", "three_level"):
        yield "one mean effect for each sample, HKSJ", {"model": "composites", "ci": "hksj", "tau2": "REML"}
        if document["model"] == "che":
            yield "three-level model", {"model": "three_level"}
        else:
            yield "correlated and hierarchical effects", {"model": "che"}
        for rho in _RHO:
            yield f"correlation within samples {rho:g}", {"rho": rho}
        return
    for tau2 in _TAU2:
        if tau2 != document["method"]:
            yield f"tau2 by {tau2}", {"tau2": tau2}
    for ci, words in (("wald", "Wald interval"), ("hksj", "HKSJ interval"), ("hksj_adhoc", "HKSJ ad hoc interval")):
        if ci != document["ci_method"]:
            yield words, {"ci": ci}
    if any(len(study["members"]) > 1 for study in document["studies"]):
        for rho in _RHO:
            yield f"correlation within samples {rho:g}", {"rho": rho}


# Names of bias adjustments in the diagnostics, in words.
_ADJUSTED = {
    "trim_fill_L0": "trim and fill (L0)",
    "pet_peese": "PET-PEESE",
    "selection_model": "three-parameter selection model",
}


def adjustments(document: Record, diagnostics: Record) -> Iterator[tuple[str, str, Record]]:
    """The document with its estimate and interval as adjusted for small-study effects, where that was possible."""
    for key, words in _ADJUSTED.items():
        found = diagnostics.get("small_study", {}).get(key)
        if found is None:
            continue
        source = found["fit"] if key.startswith("trim") else found
        fields = {name: source[name] for name in ("estimate", "ci_low", "ci_high")}
        if all(value is not None and math.isfinite(value) for value in fields.values()):
            yield "bias adjustment", words, document | fields


def tipping(
    claims: list[Record], evidence: Evidence, diagnostics: dict[str, Record]
) -> tuple[list[Record], list[Record]]:
    """Every single change tried on every claim, and one summary row for each claim.

    A bias adjustment replaces an estimate and its interval only, so it is tried on claims about one pooled value.
    """
    made: dict[str, list[tuple[str, str, Record]]] = {}
    rows, summary = [], []
    for claim in claims:
        data, _, values = verdict_of_data(claim, evidence)
        verdict = final(claim, data)
        head = {"claim_id": claim["claim_id"], "claim": claim["claim"], "verdict": verdict}
        own = []
        for name in dict.fromkeys(syntheses_of(claim, evidence.plan)):
            document = evidence.documents[name]
            if name not in made:
                made[name] = list(variants(document, evidence.plan, evidence.documents))
            changes = list(made[name])
            if claim["quantity"].startswith(("pooled:", "variance:")):
                changes += adjustments(document, diagnostics.get(name, {}))
            for kind, words, changed in changes:
                # Under the name of the original, so that draws and plan are the same.
                renamed = changed | {"synthesis": name}
                other = dataclasses.replace(evidence, documents=evidence.documents | {name: renamed})
                own.append(_row(head, kind, name, words, claim, data, other))
        rows += own
        summary.append(_summary(head, claim, data, values, own, evidence))
    return rows, summary


def _row(head: Record, kind: str, name: str, words: str, claim: Record, data: Verdict, evidence: Evidence) -> Record:
    then, _, values = verdict_of_data(claim, evidence)
    single = values[0] if len(values) == 1 else None
    return head | {
        "kind": kind,
        "synthesis": name,
        "change": words,
        "estimate": single.estimate if single else None,
        "ci_low": single.low if single else None,
        "ci_high": single.high if single else None,
        "unit": values[0].unit if values else "",
        "verdict_then": then,
        "flips": "yes" if then != data else "no",
    }


def _summary(
    head: Record, claim: Record, data: Verdict, values: list[Value], tried: list[Record], evidence: Evidence
) -> Record:
    flipping = [row for row in tried if row["flips"] == "yes"]
    samples = [row["change"] for row in flipping if row["kind"] == "sample left out"]
    others = [f"{row['change']} ({row['verdict_then']})" for row in flipping if row["kind"] != "sample left out"]
    shift, then = shift_to_flip(claim, data, values, evidence)
    return head | {
        "changes_tried": len(tried),
        "flips": len(flipping),
        "samples_that_flip": "; ".join(dict.fromkeys(samples)),
        "decisions_that_flip": "; ".join(dict.fromkeys(others)),
        "shift_to_flip": shift,
        "verdict_after_shift": then,
        "unit": values[0].unit if values else "",
    }


def shift_to_flip(
    claim: Record, data: Verdict, values: list[Value], evidence: Evidence
) -> tuple[float | None, Verdict | None]:
    """The smallest shift of the value, its interval moving along, that changes the verdict; and the verdict then.

    None where the claim has several values or none, and where no shift up to 2 changes it.
    """
    from synthesis.compare.claims import decide

    if len(values) != 1 or values[0].unit == "%" or values[0].low is None or values[0].high is None:
        return None, None
    value = values[0]
    bounds = [bound_of(claim, name, evidence.rows) for name in ("low", "high")]
    edges = [x for x in (value.low, value.high) if x is not None]
    # The verdict can only change where an end of the interval meets a bound.
    steps = sorted({b - edge for b in bounds if b is not None for edge in edges}, key=abs)
    for step in steps:
        shift = step + math.copysign(_SHIFT_TOLERANCE, step)
        if abs(shift) > _LARGEST_SHIFT:
            break
        low, high = (edge + shift for edge in edges)
        moved = Value(value.label, value.unit, value.estimate + shift, low, high)
        then, _ = decide(claim["rule"], moved, *bounds)
        if then != data:
            return step, then
    return None, None
