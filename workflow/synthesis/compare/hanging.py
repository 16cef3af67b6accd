"""What the verdict on a claim hangs on: one sample, one published number, one decision, samples at high risk of bias.

It stands with the claim, and in how many of all declared analyses the estimate lies where the claim has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from synthesis import text
from synthesis.compare.claim_values import Evidence
from synthesis.compare.claims import syntheses_of
from synthesis.compare.fragile import NAMED
from synthesis.data.claim_table import Claim
from synthesis.results.certainty import LowRiskRow
from synthesis.results.comparisons import ChangeRow, DecidedClaim
from synthesis.results.curves import MAIN, MultiverseSummary, Scope
from synthesis.results.process import DoubtedClaim

# Kinds of quantities that are one number of one publication.
_PRINTED = ("published", "root", "interaction")
_LEFT_OUT = "sample left out"
# What stands before a change that turns a verdict.
TURNS = "another verdict"
# Between a side of a claim's quantity and the name of the sample that it is alone.
ON_ONE_SAMPLE = "on one sample"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else was computed beside the claims.

    `changes`: every single change that was tried on them; `doubted`: the verdicts under other decisions about records;
    `risk`: each pool's samples at high risk of bias; `multiverses`: the declared analyses of pools.
    """

    changes: Sequence[ChangeRow] = ()
    doubted: Sequence[DoubtedClaim] = ()
    risk: Sequence[LowRiskRow] = ()
    multiverses: Sequence[MultiverseSummary] = ()


def with_what_they_hang_on(
    decided: Sequence[DecidedClaim], claims: Sequence[Claim], evidence: Evidence, surroundings: Surroundings
) -> list[DecidedClaim]:
    """The claims, each with what its verdict hangs on."""
    rows_after = []
    for row, claim in zip(decided, claims, strict=True):
        parts = list(_standing_alone(claim, row, evidence, surroundings.risk))
        tried = [
            change for change in surroundings.changes if change.claim_id == claim.claim_id and change.flips == "yes"
        ]
        samples = [(c.change, c.verdict_of_data_then) for c in tried if c.kind == _LEFT_OUT]
        decisions = [(_words(c), c.verdict_of_data_then) for c in tried if c.kind != _LEFT_OUT]
        turned = [d for d in surroundings.doubted if d.claim_id == claim.claim_id and d.turns]
        decisions += [(d.title, d.verdict_of_data_then) for d in turned]
        parts += _turning(samples, "without", "sample")
        parts += _turning(decisions, "with", "other decision")
        parts += _analyses(claim, row, surroundings.multiverses)
        rows_after.append(replace(row, hangs_on="; ".join(parts)))
    return rows_after


def _words(change: ChangeRow) -> str:
    """A decision in words: another selection by its title, in quotation marks."""
    return f"\u201c{change.change}\u201d" if change.kind == "selection" else change.change


def _standing_alone(claim: Claim, row: DecidedClaim, evidence: Evidence, risk: Sequence[LowRiskRow]) -> Iterator[str]:
    """Sides of the claim's quantity that are one sample, one printed number, or mostly samples at high risk of bias."""
    judged = {low_risk.synthesis: low_risk for low_risk in risk}
    names = list(dict.fromkeys(syntheses_of(claim, evidence.plan)))
    for name in names:
        document, low_risk = evidence.documents[name], judged.get(name)
        side = "it rests" if len(names) == 1 else "one side rests"
        at_risk = bool(low_risk and 2 * low_risk.left_out > low_risk.samples)
        if document.fit.samples == 1:
            yield f"{side} {ON_ONE_SAMPLE}, {document.studies[0].label}{', at high risk of bias' * at_risk}"
        elif low_risk and at_risk:
            of = "" if len(names) == 1 else f" of {document.title}"
            yield f"{low_risk.left_out} of {low_risk.samples} samples{of} are at high risk of bias"
    if claim.kind in _PRINTED and row.values:
        yield "it rests on one published number"
    if claim.kind == "comparison" and evidence.plan.comparisons[claim.name].reference:
        yield "one side is one published summary"


def _turning(turned: Sequence[tuple[str, str]], lead: str, what: str) -> Iterator[str]:
    """Changes that turn the verdict, each named with the verdict then; of many only their number."""
    named = list(dict.fromkeys(turned))
    if len(named) > NAMED:
        yield f"{TURNS} {lead} any one of {text.plural(len(named), what)}"
    elif named:
        yield f"{TURNS} {lead} " + ", or ".join(f"{change}: {verdict}" for change, verdict in named)


def _analyses(claim: Claim, row: DecidedClaim, multiverses: Sequence[MultiverseSummary]) -> Iterator[str]:
    """In what share of the declared analyses of its pool the estimate lies where the claim has it, by multiverse.

    Of curves other than the main one, the one with the smallest share is named.
    """
    if claim.kind != "pooled" or not row.values:
        return
    for document in (m for m in multiverses if m.synthesis == claim.name):
        shares = {
            curve.curve: (share, curve.scopes["all"].fitted)
            for curve in document.curves
            if (share := _share(claim, row, curve.scopes["all"])) is not None
        }
        if MAIN not in shares:
            continue
        (share, count), least = shares[MAIN], min(shares, key=lambda name: shares[name][0])
        what = "is significant" if row.low_value == 0 else "lies there"
        words = f"{document.title}: the estimate {what} in {_percent(share)} of {text.count(count)} analyses"
        if shares[least][0] < share:
            other, of = shares[least]
            words += f", in {_percent(other)} of {text.count(of)} with \u201c{text.lettered(least)}\u201d"
        yield words


def _share(claim: Claim, row: DecidedClaim, scope: Scope) -> float | None:
    """Of the analyses of a curve, those whose estimate lies where the claim has it; None where that was not counted."""
    above = scope.shares_above
    low, high = above.get(claim.low), above.get(claim.high)
    match claim.rule:
        case "above" if row.low_value == 0:
            return scope.share_positive_significant
        case "above":
            return low
        case "below":
            return None if high is None else 1 - high
        case "within":
            return None if low is None or high is None else low - high
    return None


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
