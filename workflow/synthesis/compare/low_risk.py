"""Each pool without its samples at high risk of bias, fitted as the whole (Cochrane Handbook, version 6, chapter 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from synthesis.compare.grading import at_high_risk
from synthesis.data.source import RiskScore
from synthesis.errors import InputError
from synthesis.meta.options import CiMethod, DependenceModel, named_ci, named_model
from synthesis.meta.pool import Fit, pool
from synthesis.results.certainty import LowRiskRow
from synthesis.results.fitted import Fitted, Study
from synthesis.review.declared import dependence_of, is_declared
from synthesis.review.fit import method_of


def without_high_risk(documents: Sequence[Fitted], scores: Mapping[str, RiskScore | None]) -> list[LowRiskRow]:
    """A row for each pool; `scores` by source: what a number means as a rating. Samples without a rating stay in."""
    return [_row(document, scores) for document in documents]


def _row(document: Fitted, scores: Mapping[str, RiskScore | None]) -> LowRiskRow:
    judged = [(study, at_high_risk(study, scores)) for study in document.studies]
    high = [study for study, is_high in judged if is_high]
    kept = [study for study, is_high in judged if not is_high]
    fit = document.fit
    row = LowRiskRow(
        synthesis=document.synthesis,
        title=document.title,
        metric=document.metric,
        samples=fit.samples,
        rated=sum(is_high is not None for _, is_high in judged),
        left_out=len(high),
        left_out_samples="; ".join(study.sample_id for study in high),
        estimate=fit.estimate,
        ci_low=fit.ci_low,
        ci_high=fit.ci_high,
    )
    if not high:
        return replace(row, reason="no sample is at high risk" if row.rated else "no sample is rated")
    if not kept:
        return replace(row, reason="every sample is at high risk")
    try:
        without = refitted(document, kept)
    except InputError as error:
        return replace(row, reason="; ".join(f"{p.value}: allowed is {p.allowed}" for p in error.problems))
    return replace(
        row,
        samples_without=without.samples,
        k_without=without.k,
        estimate_without=without.estimate,
        ci_low_without=without.ci_low,
        ci_high_without=without.ci_high,
        tau2_without=without.tau2,
        i2_without=without.i2,
        model_without=without.model,
        reason="" if without.model in (fit.model, "independent") else "too few samples for the model of the whole",
    )


def refitted(document: Fitted, studies: Sequence[Study]) -> Fit:
    """The pool of some samples as the whole was fitted; of one mean of each where they are too few for its model.

    Raises InputError where these cannot be fitted either.
    """
    model = named_model(document.fit.model)
    try:
        return _fit(document, studies, model)
    except InputError:
        # By the model of the whole CR2 has too few degrees of freedom; what is declared cannot be left out.
        if model == "composites" or is_declared(studies):
            raise
        return _fit(document, studies, "composites")


def _fit(document: Fitted, studies: Sequence[Study], model: DependenceModel) -> Fit:
    fit = document.fit
    members = [(member, study.sample_id) for study in studies for member in study.members]
    ci: CiMethod = "hksj" if fit.ci_method == "cr2" else named_ci(fit.ci_method)
    return pool(
        [member.yi for member, _ in members],
        [member.vi for member, _ in members],
        tau2=method_of(fit),
        ci=ci,
        cluster=[sample for _, sample in members],
        rho=fit.composite_rho or 0.0,
        model=model,
        level=fit.level,
        metric=document.metric,
        **dependence_of(studies),
    )
