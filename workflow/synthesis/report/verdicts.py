"""The verdicts on the claims, counted by statement, as the short report shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from synthesis.compare.hanging import ON_ONE_SAMPLE, TURNS
from synthesis.report.content import Row, Table, Text, cell, table
from synthesis.results.comparisons import ContrastRow, DecidedClaim

# Verdicts that data come to, one way or the other.
DECIDED = ("supported", "not supported")
_AT_RISK = "at high risk of bias"


def by_statement(decided: Sequence[DecidedClaim], contrasts: Sequence[ContrastRow]) -> Table:
    """A row per statement: its words, and how many of its checks came to which verdict."""
    metrics = {row.comparison: row.metric for row in contrasts}
    statements: dict[str, list[DecidedClaim]] = {}
    for claim in decided:
        statements.setdefault(claim.statement, []).append(claim)
    rows: list[Row] = [
        [
            Text(checks[0].says, "q"),
            cell(tuple(filter(None, (_of_statement(checks, metrics), _shared_reading(checks))))),
        ]
        for checks in statements.values()
    ]
    return table("Verdicts, by statement", ["The text says", "Verdicts"], rows)


def _asked(claim: DecidedClaim, metrics: Mapping[str, str]) -> str:
    """Which of two results a check asks to be larger: verdicts on such checks are no answers to one question."""
    kind, _, name = claim.quantity.partition(":")
    if claim.rule not in ("above", "below") or kind not in ("comparison", "bridge"):
        return ""
    if kind == "bridge":
        return f"association {claim.rule} effect"
    return f"{'association' if metrics.get(name) == 'z' else 'effect'} {claim.rule} another"


def _of_statement(checks: list[DecidedClaim], metrics: Mapping[str, str]) -> str:
    """The verdicts, apart for what the cited source says instead, and for each question that checks ask."""
    quoted = any(claim.verdict == "misquoted" for claim in checks)
    instead = [claim for claim in checks if quoted and claim.source_agrees == "yes"]
    parts: dict[str, list[DecidedClaim]] = {}
    for claim in checks:
        if claim not in instead:
            parts.setdefault(_asked(claim, metrics), []).append(claim)
    if len(parts) < 2 or "" in parts:
        parts = {"": [claim for claim in checks if claim not in instead]}
    texts = [f"{asked}: {_verdicts(claims)}" if asked else _verdicts(claims) for asked, claims in parts.items()]
    if instead:
        texts.append(f"what the source says instead: {_verdicts(instead)}")
    return "; ".join(texts)


def _shared_reading(checks: list[DecidedClaim]) -> str:
    """What the table of claims says of every check of a statement that cites no source: what the nearest data are."""
    readings = {claim.reading for claim in checks}
    reading = readings.pop() if len(readings) == 1 and not checks[0].cites and checks[1:] else ""
    return f"({reading.rstrip('.')})" if reading else ""


def turns(claim: DecidedClaim) -> bool:
    """Whether a single change turns what the data decide."""
    return claim.verdict_of_data in DECIDED and TURNS in claim.hangs_on


def _verdicts(checks: list[DecidedClaim]) -> str:
    """ "supported (4; 2 of them turn), misquoted (2; by the data: not supported 2 of which 1 turns)"."""
    texts = []
    for verdict, count in Counter(claim.verdict for claim in checks).most_common():
        claims = [claim for claim in checks if claim.verdict == verdict]
        others = [claim for claim in claims if claim.verdict_of_data != verdict]
        data = f"by the data: {_by_the_data(others)}" if others else ""
        turned = sum(turns(claim) for claim in claims if claim.verdict_of_data == verdict)
        turning = "it turns" if turned == count == 1 else f"{turned} of them {'turns' if turned == 1 else 'turn'}"
        parts = [str(count), data, turning if turned else "", _on_one_sample(claims)]
        texts.append(f"{verdict} ({'; '.join(filter(None, parts))})")
    return ", ".join(texts)


def _by_the_data(checks: Sequence[DecidedClaim]) -> str:
    """ "not supported 2 of which 1 turns, cannot be decided 1": what the data say, where the verdict is another one."""
    texts = []
    for verdict, count in Counter(claim.verdict_of_data for claim in checks).most_common():
        turned = sum(turns(claim) for claim in checks if claim.verdict_of_data == verdict)
        of = f" of which {turned} {'turns' if turned == 1 else 'turn'}" if turned else ""
        texts.append(f"{verdict} {count}{of}")
    return ", ".join(texts)


def _on_one_sample(checks: list[DecidedClaim]) -> str:
    """How many decided checks rest on one sample, and whether those are at high risk of bias."""
    alone = [claim for claim in checks if claim.verdict in DECIDED and ON_ONE_SAMPLE in claim.hangs_on]
    if not alone:
        return ""
    risk = f", {_AT_RISK}" if all(_AT_RISK in claim.hangs_on for claim in alone) else ""
    return f"{'it' if len(alone) == len(checks) == 1 else f'{len(alone)} of them'} on one sample{risk}"
