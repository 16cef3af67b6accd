"""Processes of treatment on one metric: what is pooled of numbers, of bounds, and of a stress test, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from synthesis.compare.contrast import Side, conclusion_of, contrast_with_published, difference, equivalence_p
from synthesis.compare.findings import counts_of, edge, findings_of, stressed, variance
from synthesis.compare.fragile import NO_TEST
from synthesis.data.extraction import reference_rows
from synthesis.data.published import rows_by_id, threshold
from synthesis.errors import InputError, Problem
from synthesis.meta.options import CiMethod, DependenceModel
from synthesis.meta.pool import Fit, pool
from synthesis.plan.config import Comparison, Config
from synthesis.plan.doubted import Processes
from synthesis.results.extracted import Extracted
from synthesis.results.fitted import Fitted
from synthesis.results.process import (
    Approach,
    ContrastWay,
    Finding,
    ProcessContrast,
    ProcessPool,
    ProcessResults,
    ProcessSummary,
)

APPROACHES: tuple[Approach, ...] = (
    "numbers",
    "nulls 0",
    "nulls at the lower edge",
    "nulls at the upper edge",
    "stress test",
)
KEY = "config.yaml, key processes"
_WAYS: tuple[tuple[ContrastWay, str, Approach, Approach], ...] = (
    ("numbers", "", "numbers", "numbers"),
    ("nulls 0", "", "nulls 0", "nulls 0"),
    ("bounds", "lowest", "nulls at the lower edge", "nulls at the upper edge"),
    ("bounds", "highest", "nulls at the upper edge", "nulls at the lower edge"),
    ("stress test", "", "stress test", "stress test"),
)


def processes(config: Config, first: Fitted, extracted: Extracted) -> ProcessResults:
    """Counts, pools, published summaries and comparisons of the plan's processes.

    `first`: the synthesis of the numbers of the first construct; `extracted`: all sources. Raises InputError for a
    summary or a threshold that is none.
    """
    plan = config.processes
    if plan is None:
        raise InputError([Problem(KEY, "", "processes", "the plan has none")])
    findings = findings_of(plan, extracted)
    summaries = _summaries(plan, extracted)
    return ProcessResults(
        title=plan.title,
        first=plan.first,
        names={name: process.title for name, process in plan.constructs.items()},
        level=config.defaults.level,
        findings=tuple(findings),
        counts=tuple(counts_of(plan, findings)),
        pools=tuple(row for name in plan.constructs for row in pools_of(config, plan, name, findings)),
        summaries=tuple(summaries),
        contrasts=tuple(_contrasts(config, plan, first, findings, extracted)),
    )


def values_under(approach: Approach, findings: Iterable[Finding], level: float) -> list[tuple[Finding, float, float]]:
    """Findings with the value and variance that an approach gives them, on Fisher's z.

    Numbers are what they are. Bounds leave out significant findings without a number, which are never given one there.
    """
    values = []
    for finding in findings:
        if finding.yi is not None and finding.vi is not None:
            values.append((finding, finding.yi, finding.vi))
            continue
        yi = _value(approach, finding, level)
        vi = variance(finding)
        if yi is not None and vi is not None:
            values.append((finding, yi, vi))
    return values


def _value(approach: Approach, finding: Finding, level: float) -> float | None:
    if approach == "numbers":
        return None
    if approach == "stress test":
        return stressed(finding)
    if finding.kind == "significant":
        return None
    if approach == "nulls 0":
        return 0.0
    at = edge(finding, level)
    return None if at is None else at if approach == "nulls at the upper edge" else -at


def pools_of(config: Config, plan: Processes, construct: str, findings: Sequence[Finding]) -> Iterator[ProcessPool]:
    """A construct under every approach; approaches without any value are left out."""
    of_construct = [f for f in findings if f.construct == construct]
    for approach in APPROACHES:
        values = values_under(approach, of_construct, plan.level)
        if not values:
            continue
        fit, model = _fit(config, values)
        kinds = [finding.kind for finding, _, _ in values]
        yield ProcessPool(
            construct=construct,
            title=plan.constructs[construct].title,  # type: ignore[index]
            approach=approach,
            samples=len({finding.sample_id for finding, _, _ in values}),
            numbers=kinds.count("number"),
            nulls=kinds.count("not significant"),
            significant=kinds.count("significant"),
            estimate=fit.estimate,
            se=fit.se,
            df=fit.df,
            ci_low=fit.ci_low,
            ci_high=fit.ci_high,
            tau2=fit.tau2,
            model=model,
        )


def _fit(config: Config, values: Sequence[tuple[Finding, float, float]]) -> tuple[Fit, str]:
    """The pool by the plan's model; by one mean per sample where that has too few samples.

    Values entered by rule have no sampling error: effects vary less than they would, and HKSJ alone would give an
    interval narrower than Wald's.
    """
    defaults = config.defaults
    by_rule = any(finding.kind != "number" for finding, _, _ in values)
    ci: CiMethod = "hksj_adhoc" if by_rule and defaults.ci == "hksj" else defaults.ci
    models: tuple[DependenceModel, ...] = (defaults.model, "composites")
    for model in models:
        try:
            fit = pool(
                [yi for _, yi, _ in values],
                [vi for _, _, vi in values],
                cluster=[finding.sample_id for finding, _, _ in values],
                tau2=defaults.tau2,
                ci=ci,
                rho=defaults.rho,
                level=defaults.level,
                model=model,
                metric="z",
            )
        except InputError:
            if model == "composites":
                raise
            continue
        return fit, model
    raise AssertionError


def _summaries(plan: Processes, extracted: Extracted) -> list[ProcessSummary]:
    rows = []
    for construct, process in plan.constructs.items():
        for reference in reference_rows(f"{KEY}.constructs.{construct}", process.summaries, "z", extracted.effects):
            rows.append(
                ProcessSummary(
                    construct=construct,
                    effect_id=reference.effect_id,
                    label=reference.label,
                    detail=reference.detail,
                    k=reference.k,
                    estimate=reference.yi,
                    ci_low=reference.ci_low,
                    ci_high=reference.ci_high,
                    basis=reference.basis,
                )
            )
    return rows


def _contrasts(
    config: Config, plan: Processes, first: Fitted, findings: Sequence[Finding], extracted: Extracted
) -> Iterator[ProcessContrast]:
    bound = None
    if plan.equivalence:
        rows = rows_by_id([*extracted.dropped, *extracted.effects])
        bound = threshold(f"{KEY}.equivalence", plan.equivalence, "z", rows)
    for construct, process in plan.constructs.items():
        if construct == plan.first:
            continue
        for summary in reference_rows(f"{KEY}.constructs.{construct}", process.summaries, "z", extracted.effects):
            stands = Comparison(title=process.title, first=plan.synthesis, reference=summary.effect_id)
            row = contrast_with_published("processes", stands, first, summary, bound)
            yield ProcessContrast(
                construct=construct,
                title=process.title,
                approach="summary",
                bound="",
                second=f"{summary.label}, {summary.detail}" if summary.detail else summary.label,
                samples_first=row.samples_first,
                samples_second=row.samples_second,
                left_out=0,
                estimate_first=row.estimate_first,
                estimate_second=row.estimate_second,
                difference=row.difference,
                ci_low=row.ci_low,
                ci_high=row.ci_high,
                p=row.p,
                p_equivalence=row.p_equivalence,
                conclusion=row.conclusion,
                note=row.note,
            )
        for way in _WAYS:
            yield _between(config, plan, construct, way, findings, bound)


def _between(
    config: Config,
    plan: Processes,
    construct: str,
    way: tuple[ContrastWay, str, Approach, Approach],
    findings: Sequence[Finding],
    bound: float | None,
) -> ProcessContrast:
    """The first construct minus another under an approach; samples on both sides are left out of both."""
    approach, which, *sides = way
    values = [
        values_under(side, [f for f in findings if f.construct == name], plan.level)
        for side, name in zip(sides, (plan.first, construct), strict=True)
    ]
    samples = [{finding.sample_id for finding, _, _ in side} for side in values]
    shared = samples[0] & samples[1]
    kept = [[value for value in side if value[0].sample_id not in shared] for side in values]
    if not all(kept):
        return _nothing(plan, construct, way, samples, shared)
    fits = [_fit(config, side)[0] for side in kept]
    level = config.defaults.level
    first_side, second_side = (Side(fit.estimate, fit.se, fit.df) for fit in fits)
    gap = difference(first_side, second_side, level)
    equivalent = None
    if bound is not None and gap.se is not None:
        equivalent = equivalence_p(gap.difference, gap.se, gap.df, bound)
    return ProcessContrast(
        construct=construct,
        title=plan.constructs[construct].title,  # type: ignore[index]
        approach=approach,
        bound=which,
        second="the findings of studies",
        samples_first=len(samples[0] - shared),
        samples_second=len(samples[1] - shared),
        left_out=len(shared),
        estimate_first=fits[0].estimate,
        estimate_second=fits[1].estimate,
        difference=gap.difference,
        ci_low=gap.ci_low,
        ci_high=gap.ci_high,
        p=gap.p,
        p_equivalence=equivalent,
        conclusion=conclusion_of(gap.p, equivalent, 1 - level),
        note="one sample" if len(samples[1] - shared) == 1 else "",
    )


def _nothing(
    plan: Processes,
    construct: str,
    way: tuple[ContrastWay, str, Approach, Approach],
    samples: Sequence[set[str]],
    shared: set[str],
) -> ProcessContrast:
    """The row of an approach under which the studies of one side have nothing to compare."""
    approach, which, *_ = way
    lacks = construct if samples[0] - shared else plan.first
    what = (
        "prints an association between patients as a number"
        if approach == "numbers"
        else "has a finding that this approach can use"
    )
    return ProcessContrast(
        construct=construct,
        title=plan.constructs[construct].title,  # type: ignore[index]
        approach=approach,
        bound=which,
        second="the findings of studies",
        samples_first=len(samples[0] - shared),
        samples_second=len(samples[1] - shared),
        left_out=len(shared),
        estimate_first=None,
        estimate_second=None,
        difference=None,
        ci_low=None,
        ci_high=None,
        p=None,
        p_equivalence=None,
        conclusion=NO_TEST,
        note=f"no study of {plan.constructs[lacks].title.lower()} {what}",  # type: ignore[index]
    )
