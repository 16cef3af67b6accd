"""What the verdict on a claim hangs on: one sample, one published number, one decision. It stands with the claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from synthesis import text
from synthesis.compare.claims import Evidence, syntheses_of
from synthesis.compare.fragile import NAMED
from synthesis.data.claim_table import Claim
from synthesis.results.comparisons import ChangeRow, DecidedClaim
from synthesis.results.process import DoubtedClaim

# Kinds of quantities that are one number of one publication.
_PRINTED = ("published", "root", "interaction")
_LEFT_OUT = "sample left out"
# What stands before a change that turns a verdict.
TURNS = "another verdict"


def with_what_they_hang_on(
    decided: Sequence[DecidedClaim],
    claims: Sequence[Claim],
    evidence: Evidence,
    changes: Sequence[ChangeRow],
    doubted: Sequence[DoubtedClaim],
) -> list[DecidedClaim]:
    """The claims, each with what its verdict hangs on.

    `changes`: every single change that was tried on them; `doubted`: the verdicts under other decisions about records.
    """
    rows_after = []
    for row, claim in zip(decided, claims, strict=True):
        parts = list(_standing_alone(claim, row, evidence))
        tried = [change for change in changes if change.claim_id == claim.claim_id and change.flips == "yes"]
        samples = [(c.change, c.verdict_then) for c in tried if c.kind == _LEFT_OUT]
        decisions = [(_words(c), c.verdict_then) for c in tried if c.kind != _LEFT_OUT]
        decisions += [(d.title, d.verdict_of_data_then) for d in doubted if d.claim_id == claim.claim_id and d.turns]
        parts += _turning(samples, "without", "sample")
        parts += _turning(decisions, "with", "other decision")
        rows_after.append(replace(row, hangs_on="; ".join(parts)))
    return rows_after


def _words(change: ChangeRow) -> str:
    """A decision in words: another selection by its title, in quotation marks."""
    return f"\u201c{change.change}\u201d" if change.kind == "selection" else change.change


def _standing_alone(claim: Claim, row: DecidedClaim, evidence: Evidence) -> Iterator[str]:
    """Sides of the claim's quantity that are one sample, or one printed number."""
    for name in dict.fromkeys(syntheses_of(claim, evidence.plan)):
        document = evidence.documents[name]
        if document.fit.samples == 1:
            yield f"one sample is left, {document.studies[0].label}"
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
