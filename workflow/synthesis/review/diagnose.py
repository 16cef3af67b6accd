"""Everything that is examined beside one pooled synthesis, from its model document."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from synthesis import text
from synthesis.errors import InputError, Problem
from synthesis.meta import bias
from synthesis.meta.bayes import Bayes, bayes
from synthesis.meta.gosh import MOST_STUDIES, gosh_map
from synthesis.meta.influence import (
    baujat,
    cumulative,
    influence,
    leave_one_out,
    leave_one_sample_out,
    shrunken,
)
from synthesis.meta.kernel import Array
from synthesis.meta.many import finite
from synthesis.meta.model_averaging import ModelAverage
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method, named_ci
from synthesis.meta.permutation import Permutation, permutation_test
from synthesis.meta.pool import Fit
from synthesis.meta.selection_model import Alternative, selection_model
from synthesis.meta.working import WorkingModel
from synthesis.plan.config import Diagnostics, Grouping
from synthesis.plan.jointly import JointModel
from synthesis.results.adjusted import AdjustedEstimate
from synthesis.results.diagnosed import (
    CumulativeStep,
    Diagnosed,
    JointFit,
    SampleInfluence,
    SmallStudyTests,
    SubsetMap,
)
from synthesis.results.fitted import Fitted
from synthesis.review.adjusting import (
    Samples,
    adjusted_estimates,
    average_of,
    averaged_row,
    excess_of,
    p_curve_of,
    z_curve_of,
)
from synthesis.review.declared import NO_TEST, dependence_of, is_declared
from synthesis.review.fit import method_of
from synthesis.review.moderators import moderator, reason_of

T = TypeVar("T")


def diagnose(
    document: Fitted,
    moderators: Sequence[str],
    options: Diagnostics,
    groupings: Mapping[str, Grouping] | None = None,
    regressions: Mapping[str, JointModel] | None = None,
    working: Sequence[float] = (),
) -> Diagnosed:
    """Diagnostics of a model document: its sections, and under `skipped` why others are missing.

    Influence, cumulative fits, permutation and small-study tests use one effect per sample; leaving out samples,
    the robust regression test and moderators use all effects with the document's own model.
    """
    name, metric, skipped = document.synthesis, document.metric, dict[str, str]()
    models = _working(document, working, skipped) if working else ()
    if len(document.studies) < 2:
        skipped["all"] = "one sample: nothing to compare"
        return Diagnosed(synthesis=name, metric=metric, skipped=skipped, moderators=())
    if document.fit.levels:
        dependence = "crossed random effects" if document.fit.levels[0].crossed else "levels above the sample"
        skipped["all"] = f"{dependence}: what is examined here takes samples as independent"
        return Diagnosed(synthesis=name, metric=metric, skipped=skipped, moderators=())
    y = np.array([study.yi for study in document.studies])
    v = np.array([study.vi for study in document.studies])
    ci, method = ci_of_samples(document.fit), method_of(document.fit)

    of_samples = _OfSamples(document, y, v, method, ci, options, skipped)
    samples = of_samples.kept("influence", lambda: _influence(document, y, v, method, ci)) or ()
    steps = of_samples.kept("cumulative", lambda: _cumulative(document, y, v, method, ci)) or ()
    samples, subsets = of_samples.subsets(samples)
    tests, adjusted, average = of_samples.small_study()
    return Diagnosed(
        synthesis=name,
        metric=metric,
        skipped=skipped,
        influence=samples,
        cumulative=steps,
        gosh=subsets,
        permutation=of_samples.permutation(),
        bayes=of_samples.bayes(),
        small_study=tests,
        adjusted=adjusted,
        working_models=models,
        model_average=average,
        moderators=tuple(moderator(document, m, (groupings or {}).get(m), ci) for m in moderators),
        regressions=_regressions(document, regressions or {}, groupings or {}, ci, options.seed),
    )


def _working(document: Fitted, rhos: Sequence[float], skipped: dict[str, str]) -> tuple[WorkingModel, ...]:
    """The pool under several working models of dependence; why there is none goes to `skipped`."""
    from synthesis.meta.working import working_models

    if is_declared(document.studies):
        skipped["working_models"] = (
            "none: they know effects that share a sample, but no dependence declared beside that"
        )
        return ()
    y, v, cluster = _effects(document)
    rho, level = document.fit.composite_rho, document.fit.level
    try:
        return working_models(y, v, cluster, rhos=rhos, composite_rho=rho or 0.0, level=level)
    except InputError as error:
        skipped["working_models"] = reason_of(error)
        return ()


def _regressions(
    document: Fitted, models: Mapping[str, JointModel], groupings: Mapping[str, Grouping], ci: CiMethod, seed: int
) -> tuple[JointFit, ...]:
    """The joint regressions; a synthesis without one does not pay for what they import."""
    if not models:
        return ()
    from synthesis.review.regressing import joint_model

    return tuple(joint_model(document, name, model, groupings, ci, seed) for name, model in models.items())


@dataclass(frozen=True, slots=True)
class _OfSamples:
    """The sections that take one effect of each sample; why one is missing goes to `skipped`."""

    document: Fitted
    y: Array
    v: Array
    method: Tau2Method
    ci: CiMethod
    options: Diagnostics
    skipped: dict[str, str]

    def kept(self, section: str, run: Callable[[], T]) -> T | None:
        """What the data do not allow is left out with the reason, and ends nothing else."""
        try:
            return run()
        except InputError as error:
            self.skipped[section] = reason_of(error)
            return None

    def subsets(self, samples: tuple[SampleInfluence, ...]) -> tuple[tuple[SampleInfluence, ...], SubsetMap | None]:
        """The samples, with what the subsets say of each, and the map of the subsets."""
        if not 3 <= len(self.y) <= MOST_STUDIES:
            self.skipped["gosh"] = f"{len(self.y)} samples: subsets are fitted from 3 to {MOST_STUDIES}"
            return samples, None
        mapped = self.kept("gosh", lambda: _gosh(self.document, samples, self.y, self.v, self.method, self.options))
        return mapped or (samples, None)

    def permutation(self) -> Permutation | None:
        """The permutation test of the mean."""
        count, seed = self.options.permutations, self.options.seed
        return self.kept(
            "permutation",
            lambda: permutation_test(self.y, self.v, tau2=self.method, ci=self.ci, iterations=count, seed=seed),
        )

    def bayes(self) -> Bayes | None:
        """The posterior, of few samples."""
        if len(self.y) > self.options.bayes_up_to:
            self.skipped["bayes"] = f"{len(self.y)} samples: more than {self.options.bayes_up_to}"
            return None
        scale = self.document.tau_scale
        if scale is None:
            key = f"defaults.tau_scale.{self.document.metric}"
            self.skipped["bayes"] = f"no scale of the prior on tau: {key}, in the units of the outcome"
            return None
        return self.kept("bayes", lambda: bayes(self.y, self.v, tau_scale=scale))

    def small_study(self) -> tuple[SmallStudyTests | None, tuple[AdjustedEstimate, ...], ModelAverage | None]:
        """Tests of small-study effects and adjusted estimates, of many samples or where the plan forces them; the
        average over models where it asks for it."""
        fewest = self.options.fewest(self.document.synthesis)
        if len(self.y) < fewest:
            self.skipped["small_study"] = f"{len(self.y)} samples: fewer than {fewest}"
            return None, (), None
        data = Samples(self.y, self.v, *_effects(self.document), self.method)
        tests = _small_study(self.document, data, self.ci)
        adjusted = adjusted_estimates(self.document, data, tests)
        if self.document.synthesis not in self.options.model_averaging:
            return tests, adjusted, None
        average = self.kept("model_average", lambda: average_of(self.document, data))
        return tests, (*adjusted, averaged_row(average, self.skipped.get("model_average", ""))), average


def ci_of_samples(fit: Fit) -> CiMethod:
    """The interval of fits that take one value of each sample."""
    return "hksj" if fit.ci_method == "cr2" else named_ci(fit.ci_method)


def _gosh(
    document: Fitted,
    samples: tuple[SampleInfluence, ...],
    y: Array,
    v: Array,
    method: Tau2Method,
    options: Diagnostics,
) -> tuple[tuple[SampleInfluence, ...], SubsetMap]:
    """The map of subsets, and the samples with what the subsets say of each."""
    subsets = gosh_map(y, v, method, subsets=options.gosh_subsets, seed=options.seed)
    with_subsets = tuple(
        replace(
            sample,
            gosh_with_estimate=finite(subsets.with_estimate[i]),
            gosh_without_estimate=finite(subsets.without_estimate[i]),
            gosh_with_i2=finite(subsets.with_i2[i]),
            gosh_without_i2=finite(subsets.without_i2[i]),
        )
        for i, sample in enumerate(samples)
    )
    return with_subsets, SubsetMap(
        leading=document.studies[subsets.leading].sample_id,
        subsets=subsets.subsets,
        possible=subsets.possible,
        seed=subsets.seed,
        estimate=subsets.estimate,
        i2=subsets.i2,
        estimates=subsets.estimates,
        columns=subsets.columns,
        rows=subsets.rows,
        cells=subsets.cells,
    )


_MEASURES = ("rstudent", "dffits", "dfbetas", "cook", "cov_ratio", "hat")


def _influence(document: Fitted, y: Array, v: Array, method: Tau2Method, ci: CiMethod) -> tuple[SampleInfluence, ...]:
    level = document.fit.level
    without = leave_one_out(y, v, tau2=method, ci=ci, level=level)
    drawn = shrunken(y, v, tau2=method, level=level)
    contributions = baujat(y, v)
    measures = influence(y, v, tau2=method, ci=ci) if len(y) >= 3 else None
    models = _without_samples(document)
    samples = []
    for i, study in enumerate(document.studies):
        sample = SampleInfluence(
            sample_id=study.sample_id,
            label=study.label,
            estimate_without=finite(without.estimate[i]),
            ci_low_without=finite(without.ci_low[i]),
            ci_high_without=finite(without.ci_high[i]),
            p_without=finite(without.p[i]),
            tau2_without=finite(without.tau2[i]),
            i2_without=finite(without.i2[i]),
            q_without=finite(without.q[i]),
            baujat_q=finite(contributions.heterogeneity[i]),
            baujat_influence=finite(contributions.influence[i]),
            shrunken=float(drawn.estimate[i]),
            shrunken_low=float(drawn.low[i]),
            shrunken_high=float(drawn.high[i]),
        )
        model = models.get(study.sample_id)
        if model is not None:
            sample = replace(
                sample,
                model_estimate_without=model.estimate,
                model_ci_low_without=model.ci_low,
                model_ci_high_without=model.ci_high,
                model_p_without=model.p,
                model_tau2_without=model.tau2,
                model_omega2_without=model.omega2,
            )
        if measures is not None:
            deletion = {name: finite(getattr(measures, name)[i]) for name in _MEASURES}
            sample = replace(sample, **deletion, influential=bool(measures.influential[i]))
        samples.append(sample)
    return tuple(samples)


_MULTILEVEL: dict[str, DependenceModel] = {"che": "che", "three_level": "three_level"}


def _without_samples(document: Fitted) -> dict[str, Fit]:
    """The document's own model without each sample, by sample; nothing where it treats samples as one effect anyway."""
    fit, model = document.fit, _MULTILEVEL.get(document.fit.model)
    if model is None:
        return {}
    y, v, cluster = _effects(document)
    given = dependence_of(document.studies).get("V")
    fits = leave_one_sample_out(y, v, cluster, rho=fit.composite_rho or 0.0, model=model, level=fit.level, V=given)
    return {str(sample): refitted for sample, refitted in fits.items() if refitted is not None}


# After every year that there is.
_UNDATED = 1e9


def _cumulative(document: Fitted, y: Array, v: Array, method: Tau2Method, ci: CiMethod) -> tuple[CumulativeStep, ...]:
    # Samples without a year come last, so that the last pool holds all of them.
    years = [_UNDATED if study.year is None else study.year for study in document.studies]
    order, fits = cumulative(y, v, years, tau2=method, ci=ci, level=document.fit.level)
    return tuple(
        CumulativeStep(
            sample_id=document.studies[j].sample_id,
            label=document.studies[j].label,
            year=document.studies[j].year,
            samples=i + 1,
            estimate=finite(fits.estimate[i]),
            ci_low=finite(fits.ci_low[i]),
            ci_high=finite(fits.ci_high[i]),
            # One sample has no heterogeneity, not one of 0.
            tau2=finite(fits.tau2[i]) if i else None,
            i2=finite(fits.i2[i]) if i else None,
        )
        for i, j in enumerate(order)
    )


def _effects(document: Fitted) -> tuple[Array, Array, list[str]]:
    members = [(study.sample_id, member) for study in document.studies for member in study.members]
    return (
        np.array([member.yi for _, member in members]),
        np.array([member.vi for _, member in members]),
        [sample for sample, _ in members],
    )


# Of a pool in which some sizes are not known, the test on sizes needs as many that are: as any test for asymmetry
# (Sterne et al. 2011, BMJ 343:d4002).
_SIZES = 10


def _egger_on_sizes(document: Fitted, y: Array, v: Array) -> bias.Asymmetry:
    """The regression test on 1/sqrt(n), of the samples whose size is known; how many of all, where some are not.

    The standard error of a standardised mean difference is made with the difference itself, so that they go together
    without any bias: Pustejovsky & Rodgers (2019), Res Synth Methods 10:57-71. Raises InputError for too few.
    """
    sizes = {i: study.n for i, study in enumerate(document.studies) if study.n}
    known = list(sizes)
    counted = f"{len(known)} of {text.plural(len(y), 'sample')}"
    if _SIZES > len(known) < len(y):
        raise InputError([Problem("sizes", f"known of {counted}", f"at least {_SIZES}, where not all are")])
    test = bias.egger(y[known], v[known], predictor="sqrtninv", n=list(sizes.values()), level=document.fit.level)
    if len(known) == len(y):
        return test
    return dataclasses.replace(test, notes=(f"of the {counted} whose size is known", *test.notes))


def _small_study(document: Fitted, data: Samples, ci: CiMethod) -> SmallStudyTests:
    """Tests of small-study effects; the regression test is on 1/sqrt(n), too."""
    y, v, level, refused = data.y, data.v, document.fit.level, dict[str, str]()

    def kept(name: str, run: Callable[[], T]) -> T | None:
        try:
            return run()
        except InputError as error:
            refused[name] = "; ".join(p.value + ": " + p.allowed for p in error.problems)
            return None

    def filled(estimator: bias.TrimEstimator) -> bias.TrimFill:
        return bias.trim_fill(y, v, estimator=estimator, tau2=data.method, ci=ci, level=level)

    egger = kept("egger", lambda: bias.egger(y, v, level=level))
    on_sizes = robust = None
    if document.metric in ("z", "g"):
        on_sizes = kept("egger_inverse_root_n", lambda: _egger_on_sizes(document, y, v))
    if is_declared(document.studies):
        refused["egger_robust"] = NO_TEST
    elif len(set(data.cluster)) < len(data.cluster):
        rho = document.fit.rho or 0.0
        shared = data.effects, data.variances, data.cluster
        robust = kept("egger_robust", lambda: bias.robust_egger(*shared, rho=rho))
    side: Alternative = "greater" if document.fit.estimate > 0 else "less"
    return SmallStudyTests(
        egger=egger,
        egger_inverse_root_n=on_sizes,
        egger_robust=robust,
        rank=kept("rank", lambda: bias.rank_test(y, v)),
        trim_fill_L0=kept("trim_fill_L0", lambda: filled("L0")),
        trim_fill_R0=kept("trim_fill_R0", lambda: filled("R0")),
        pet_peese=kept("pet_peese", lambda: bias.pet_peese(y, v, level=level)),
        selection_model=kept("selection_model", lambda: selection_model(y, v, alternative=side, level=level)),
        excess_significance=kept("excess_significance", lambda: excess_of(document, data)),
        p_curve=kept("p_curve", lambda: p_curve_of(document, data)),
        z_curve=kept("z_curve", lambda: z_curve_of(document, data)),
        fail_safe_rosenthal=kept("fail_safe_rosenthal", lambda: bias.fail_safe(y, v, method="rosenthal")),
        fail_safe_orwin=kept("fail_safe_orwin", lambda: bias.fail_safe(y, v, method="orwin")),
        fail_safe_rosenberg=kept("fail_safe_rosenberg", lambda: bias.fail_safe(y, v, method="rosenberg")),
        refused=refused,
    )
