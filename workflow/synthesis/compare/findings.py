"""Findings of studies on a process, with a number or without: what each sample found, and what can be counted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import scipy

from synthesis.data import nulls
from synthesis.plan.doubted import Processes
from synthesis.results.extracted import Dropped, Effect, Extracted, Row
from synthesis.results.process import CountRow, Finding, FindingKind

# Associations between patients: within-person and therapist-level ones answer another question.
ESTIMANDS = ("r_total", "r_partial")
_KINDS: dict[str, FindingKind] = {"ns": "not significant", "sig_no_number": "significant"}


def findings_of(plan: Processes, extracted: Extracted) -> list[Finding]:
    """Every finding between patients of the plan's constructs, as Fisher z where it has a number; excluded rows aside.

    A sample with a number in a construct has no others there: what is pooled and what is not stay apart.
    """

    def asked(row: Effect | Dropped) -> bool:
        return (
            row.source in plan.sources
            and row.construct in plan.constructs
            and row.level == "study"
            and row.metric == "z"
            and row.estimand in ESTIMANDS
        )

    findings = [_number(row) for row in extracted.effects if asked(row) and row.vi is not None]
    numbered = {(row.construct, row.sample_id) for row in findings}
    for row in extracted.dropped:
        if not asked(row) or not nulls.without_number(row):
            continue
        if (row.construct, row.sample_id) not in numbered:
            kind = _KINDS[row.reported_as]
            sign = nulls.SIGN.get(row.finding) if kind == "significant" else None
            findings.append(_finding(row, kind, sign, row.source))
    return findings


def _number(row: Effect) -> Finding:
    return _finding(row, "number", int(math.copysign(1, row.yi)) if row.yi else None, row.source, row.yi, row.vi)


def _finding(
    row: Row, kind: FindingKind, sign: int | None, source: str, yi: float | None = None, vi: float | None = None
) -> Finding:
    return Finding(
        construct=row.construct,
        effect_id=row.effect_id,
        sample_id=row.sample_id,
        label=row.label or row.study,
        source=source,
        kind=kind,
        sign=sign,
        n=row.n,
        partial=row.estimand == "r_partial",
        yi=yi,
        vi=vi,
    )


def edge(finding: Finding, level: float) -> float | None:
    """The correlation at the edge of significance of a finding's n, as Fisher z.

    r = t / sqrt(t^2 + df) with the t of the two-sided level and df = n - 2, one fewer for a partial correlation. None
    where n is not printed or too small.
    """
    if variance(finding) is None or finding.n is None:
        return None
    return nulls.edge(finding.n, int(finding.partial), level)


def stressed(finding: Finding) -> float | None:
    """The value of the stress test, as Fisher z: 0 for a null, r = 1.96 / sqrt(n) with its sign for a significant one.

    None where n or the direction is not printed, or n is too small for it.
    """
    if variance(finding) is None or finding.n is None:
        return None
    if finding.kind == "not significant":
        return 0.0
    return nulls.imputed(finding.n, finding.sign)


def variance(finding: Finding) -> float | None:
    """Sampling variance of Fisher's z at a finding's n; None where n is not printed, or too small."""
    return nulls.variance(finding.n, int(finding.partial))


def counts_of(plan: Processes, findings: Sequence[Finding]) -> list[CountRow]:
    """Samples by what they found, a row per construct of the plan that has any.

    Vote counting says how often, not how large; abstracts may leave out what is not significant, and small studies miss
    what is there (Hedges and Olkin 1980, Psychological Bulletin 88:359-369): the tests are of the abstracts, not of the
    field.
    """
    rows = []
    for construct, process in plan.constructs.items():
        of_construct = [f for f in findings if f.construct == construct]
        if of_construct:
            rows.append(_count(construct, process.title, of_construct, plan.level))
    return rows


def _count(construct: str, title: str, findings: Sequence[Finding], level: float) -> CountRow:
    samples: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        samples[finding.sample_id].append(finding)
    classes = [_class(group, level) for group in samples.values()]
    positive, mixed, n = classes.count("positive"), classes.count("mixed"), len(classes)
    signs = [_direction(group) for group in samples.values()]
    up, down = sum(s > 0 for s in signs), sum(s < 0 for s in signs)
    return CountRow(
        construct=construct,
        title=title,
        samples=n,
        findings=len(findings),
        positive=positive,
        negative=classes.count("negative"),
        mixed=mixed,
        not_significant=classes.count("none"),
        p_significant=at_least(positive, n, level / 2),
        p_significant_mixed=at_least(positive + mixed, n, level / 2),
        signs_positive=up,
        signs_negative=down,
        p_sign=sign_test(up, down),
        without_n=len([group for group in samples.values() if all(f.n is None for f in group)]),
    )


def _class(group: Iterable[Finding], level: float) -> str:
    """What a sample found: positive, negative, none, or mixed where its findings disagree."""
    classes = {_verdict(finding, level) for finding in group}
    return classes.pop() if len(classes) == 1 else "mixed"


def _verdict(finding: Finding, level: float) -> str:
    significant = finding.kind == "significant"
    if finding.yi is not None and finding.vi is not None:
        significant = abs(finding.yi) >= float(scipy.special.ndtri(1 - level / 2)) * math.sqrt(finding.vi)
    if not significant:
        return "none"
    return {1: "positive", -1: "negative"}.get(finding.sign or 0, "mixed")


def _direction(group: Iterable[Finding]) -> int:
    """The direction of most of a sample's findings; 0 where none is known, or as many point each way."""
    signs = [finding.sign for finding in group]
    up, down = signs.count(1), signs.count(-1)
    return (up > down) - (up < down)


def at_least(successes: int, trials: int, chance: float) -> float | None:
    """Exact binomial probability of at least so many successes."""
    if not trials:
        return None
    return 1.0 if successes == 0 else float(scipy.special.bdtrc(successes - 1, trials, chance))


def sign_test(up: int, down: int) -> float | None:
    """Two-sided exact sign test."""
    if not up + down:
        return None
    return min(1.0, 2 * float(scipy.special.bdtr(min(up, down), up + down, 0.5)))
