"""Certainty of the evidence of a pool: GRADE, with the rules that data can decide; docs/defaults.md gives them.

Effects of treatments: Guyatt et al. (2011), J Clin Epidemiol 64:383-394 and the series. Associations: the variant for
prognostic factors, Huguet et al. (2013), Syst Rev 2:71; Foroutan et al. (2020), J Clin Epidemiol 121:62-70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.source import RiskScore
from synthesis.data.vocabulary import NO_NULL
from synthesis.plan.judged import Certainty
from synthesis.results.certainty import DOMAINS, LEVELS, DomainRow, FindingsRow
from synthesis.results.comparisons import RelevanceRow
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.fitted import Fitted, Study

_HIGH = frozenset({"high", "serious", "critical"})
_LOWER = frozenset({"low", "some concerns", "some", "moderate"})
# Of the weight: rated at all, and of that at high risk.
LEAST_RATED, MOST_HIGH = 0.5, 0.5
SUBSTANTIAL, CONSIDERABLE = 50.0, 75.0
# Tests of small-study effects have little power: the usual level is .1. Two of three must agree.
TEST_LEVEL, LEAST_TESTS = 0.1, 2
_POWER = 0.8
_JUDGEMENT = ("not serious", "serious", "very serious")
_UNDECIDED = "not decided"
_VARIANT = {
    "A": "GRADE for prognostic factors: associations, nobody assigned them; they say who does well, not what helps",
    "B": "GRADE for effects of treatments: randomised contrasts",
    "C": "GRADE without a comparison: one group",
}


def graded(
    documents: Sequence[Fitted],
    diagnostics: Mapping[str, Diagnosed],
    relevance: Sequence[RelevanceRow],
    scores: Mapping[str, RiskScore | None],
    plan: Certainty,
) -> tuple[list[DomainRow], list[FindingsRow]]:
    """The domains of every pool, and the summary of findings; a stress test, which enters zeros, is no evidence.

    `relevance`: pools against thresholds, of which the smallest is the smallest effect that matters; `scores` by
    source: what a number means as a rating of risk.
    """
    domains, findings = [], []
    for document in documents:
        name = document.synthesis
        if document.set_to_zero:
            continue
        values = [abs(row.threshold_value) for row in relevance if row.synthesis == name and row.threshold_value]
        threshold = min(values) if values else None
        rows = [
            _risk_of_bias(document, scores),
            _inconsistency(document, threshold),
            _indirectness(document, plan),
            _imprecision(document, threshold),
            _publication_bias(document, diagnostics.get(name)),
        ]
        domains += rows
        findings.append(_summary(document, rows, threshold, plan))
    return domains, findings


def _row(document: Fitted, domain: str, down: int | None, reason: str, studies: Sequence[Study] = ()) -> DomainRow:
    judgement = _UNDECIDED if down is None else _JUDGEMENT[down]
    rows = "; ".join(study.sample_id for study in studies)
    return DomainRow(
        synthesis=document.synthesis, domain=domain, judgement=judgement, down=down, reason=reason, rows=rows
    )


def _risk_of_bias(document: Fitted, scores: Mapping[str, RiskScore | None]) -> DomainRow:
    """Serious where half of the rated weight or more is at high risk; two levels are left to people."""
    judged = [(study, at_high_risk(study, scores)) for study in document.studies]
    rated = [study for study, is_high in judged if is_high is not None]
    whole = math.fsum(study.weight for study in document.studies)
    weight = math.fsum(study.weight for study in rated)
    rated_share = weight / whole if whole else 0.0
    rated_text = (
        f"{len(rated)} of {text.plural(len(document.studies), 'sample')} rated, {100 * rated_share:.0f}% of the weight"
    )
    if rated_share < LEAST_RATED:
        return _row(document, "risk_of_bias", None, f"{rated_text}: fewer than {100 * LEAST_RATED:.0f}%")
    high = [study for study, is_high in judged if is_high]
    share = math.fsum(study.weight for study in high) / weight
    reason = f"{100 * share:.0f}% of the rated weight at high risk; {rated_text}"
    return _row(document, "risk_of_bias", int(share >= MOST_HIGH), reason, high)


def at_high_risk(study: Study, scores: Mapping[str, RiskScore | None]) -> bool | None:
    """Whether a rating is of a high risk: the word, or a score in the worse half of its scale; None without one."""
    word = " ".join(study.rob.casefold().replace("_", " ").split()).removesuffix(" of bias").removesuffix(" risk")
    if word in _HIGH or word in _LOWER:
        return word in _HIGH
    scale = scores.get(study.source)
    try:
        place = None if scale is None else (float(word) - scale.lowest) / (scale.highest - scale.lowest)
    except ValueError:
        return None
    if scale is None or place is None:
        return None
    return place < 0.5 if scale.better == "larger" else place > 0.5


def _null(metric: str) -> str:
    """The value without any difference, as it is read."""
    return "1 (no difference)" if back_transform(metric, 0.0) == 1 else "zero"


def _points(document: Fitted, threshold: float | None) -> list[tuple[float, str]]:
    """Values at which a conclusion changes: no effect, and the smallest that matters, on the side of the estimate."""
    points = [] if document.metric in NO_NULL else [(0.0, _null(document.metric))]
    if threshold is not None and document.metric not in NO_NULL:
        points.append((math.copysign(threshold, document.fit.estimate), f"the smallest {document.word} that matters"))
    return points


def _within(low: float, high: float, points: Sequence[tuple[float, str]]) -> list[str]:
    return [name for value, name in points if low < value < high]


def _inconsistency(document: Fitted, threshold: float | None) -> DomainRow:
    """Serious where I2 is substantial and true values lie on both sides of a point; very, on both sides of both."""
    fit = document.fit
    if fit.i2 is None or fit.pi_low is None or fit.pi_high is None:
        reason = f"{text.plural(fit.samples, 'sample')}: no prediction interval"
        return _row(document, "inconsistency", None, reason)
    crossed = _within(fit.pi_low, fit.pi_high, _points(document, threshold))
    both = threshold is not None and fit.pi_low < -threshold and fit.pi_high > threshold
    down = 0 if fit.i2 < SUBSTANTIAL or not crossed else 2 if both and fit.i2 >= CONSIDERABLE else 1
    where = f"includes {' and '.join(crossed)}" if crossed else "stays on one side of every point that matters"
    return _row(document, "inconsistency", down, f"I\u00b2 {fit.i2:.0f}%; the prediction interval {where}")


def _indirectness(document: Fitted, plan: Certainty) -> DomainRow:
    declared = plan.indirectness.get(document.synthesis)
    if declared is None:
        reason = f"not declared: certainty.indirectness.{document.synthesis} of the plan"
        return _row(document, "indirectness", None, reason)
    return _row(document, "indirectness", _JUDGEMENT.index(declared.level), declared.reason)


def _imprecision(document: Fitted, threshold: float | None) -> DomainRow:
    """A level for each point that the interval includes, and one below the optimal information size; two at most."""
    fit = document.fit
    crossed = _within(fit.ci_low, fit.ci_high, _points(document, threshold))
    parts = [f"the interval includes {' and '.join(crossed) or 'no point that matters'}"]
    needed, people = optimal_size(document.metric, threshold, fit.level), _people(document)
    short = needed is not None and people is not None and people < needed
    if needed is None:
        parts.append("no optimal information size: it takes a threshold of r or g")
    elif people is None:
        parts.append("samples without a number of people: not held against the optimal information size")
    else:
        parts.append(f"{text.count(people)} people, optimal {text.count(needed)}")
    return _row(document, "imprecision", min(2, len(crossed) + short), "; ".join(parts))


def optimal_size(metric: str, threshold: float | None, level: float) -> int | None:
    """People of one study with 80% power for the threshold; None for other metrics than z and g.

    Fisher z: ((z_a + z_b) / threshold)^2 + 3; g in two arms: 4 ((z_a + z_b) / threshold)^2.
    """
    if threshold is None or metric not in ("z", "g"):
        return None
    normal = NormalDist()
    square = ((normal.inv_cdf(0.5 + level / 2) + normal.inv_cdf(_POWER)) / threshold) ** 2
    return math.ceil(square + 3 if metric == "z" else 4 * square)


def _people(document: Fitted) -> int | None:
    """People of all samples; None where one has no number."""
    sizes = [study.n for study in document.studies]
    return None if None in sizes else int(math.fsum(size for size in sizes if size is not None))


def _publication_bias(document: Fitted, diagnosed: Diagnosed | None) -> DomainRow:
    """Serious where two of three tests, each of another idea, are below .1."""
    tests = diagnosed.small_study if diagnosed else None
    if diagnosed is None or tests is None:
        reason = (
            (diagnosed.skipped.get("small_study") or diagnosed.skipped.get("all", "")) if diagnosed else "not examined"
        )
        return _row(document, "publication_bias", None, reason)
    line = tests.egger_robust or tests.egger_inverse_root_n or tests.egger
    values = {
        "regression test": line.p if line else None,
        "selection model": tests.selection_model.lrt_p if tests.selection_model else None,
        "excess significance": tests.excess_significance.p if tests.excess_significance else None,
    }
    done = {name: p for name, p in values.items() if p is not None}
    if len(done) < LEAST_TESTS:
        return _row(document, "publication_bias", None, "fewer than two tests could be done")
    low = sum(p < TEST_LEVEL for p in done.values())
    p_values = ", ".join(f"{name} {text.p_value(p)}" for name, p in done.items())
    reason = f"{low} of {len(done)} tests below {TEST_LEVEL:g}: {p_values}"
    return _row(document, "publication_bias", int(low >= LEAST_TESTS), reason)


def _summary(document: Fitted, rows: Sequence[DomainRow], threshold: float | None, plan: Certainty) -> FindingsRow:
    fit, metric = document.fit, document.metric
    start = {"A": plan.prognostic_start, "B": "high"}.get(document.lane, "low")
    down = int(math.fsum(row.down or 0 for row in rows))
    by_domain = {row.domain: row.judgement for row in rows}
    undecided = [DOMAINS[row.domain] for row in rows if row.down is None]
    values = fit.estimate, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high
    estimate, ci_low, ci_high, pi_low, pi_high = (back_transform(metric, value) for value in values)
    return FindingsRow(
        synthesis=document.synthesis,
        title=document.title,
        lane=document.lane,
        word=document.word,
        variant=_VARIANT[document.lane],
        samples=fit.samples,
        people=_people(document),
        estimate=estimate,
        ci_low=ci_low,
        ci_high=ci_high,
        pi_low=pi_low,
        pi_high=pi_high,
        threshold=None if threshold is None else back_transform(metric, threshold),
        start=start,
        risk_of_bias=by_domain["risk_of_bias"],
        inconsistency=by_domain["inconsistency"],
        indirectness=by_domain["indirectness"],
        imprecision=by_domain["imprecision"],
        publication_bias=by_domain["publication_bias"],
        certainty=LEVELS[max(0, LEVELS.index(start) - down)],
        undecided="; ".join(undecided),
    )
