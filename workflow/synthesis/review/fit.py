"""One synthesis of the plan, fitted and described completely."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
from msgspec.structs import replace

from synthesis.data.covariances import shared_arms
from synthesis.data.extraction import reference_rows
from synthesis.data.vocabulary import LANE_WORD, RATIO_METRICS, SET_TO_ZERO, Descriptor, Summary
from synthesis.errors import InputError, Problem
from synthesis.meta.bayes import bayes
from synthesis.meta.dependence import Composites, composites
from synthesis.meta.dependent import JointTest, joint_test, no_joint_test, robust_regress
from synthesis.meta.kernel import Array
from synthesis.meta.options import CiMethod, Tau2Method, named_ci, named_model, named_tau2, terms
from synthesis.meta.pool import Fit, pool
from synthesis.meta.regression import design, regress
from synthesis.plan.config import Defaults, Synthesis
from synthesis.plan.parts import ASKED, PRESENTATION
from synthesis.plan.selection import covariance_of, crossed_of, levels_of, select_effects, shared_direction
from synthesis.results.document import columns
from synthesis.results.extracted import Chosen, Dropped, Effect
from synthesis.results.fitted import BlockFit, Correlations, Fitted, Member, Shown, Study, SummaryLine, Versions
from synthesis.review.declared import NO_TEST, Dependence, declared, dependence_of, is_declared
from synthesis.text import plain, shared


def run_synthesis(
    name: str, synthesis: Synthesis, defaults: Defaults, effects: Iterable[Effect], dropped: Sequence[Dropped]
) -> Fitted:
    """The model document of one synthesis: every field of the fit, its studies, references and provenance."""
    effects = tuple(effects)
    chosen = with_severity(select_effects(name, synthesis, effects, dropped))
    rho = defaults.rho if synthesis.rho is None else synthesis.rho
    yi, vi = np.array([row.yi for row in chosen]), np.array([row.vi for row in chosen])
    cluster = [row.sample_id for row in chosen]
    levels, covariance = levels_of(name, synthesis, chosen), covariance_of(name, synthesis, chosen, rho)
    crossed = crossed_of(name, synthesis, chosen)
    fit = _pooled(name, synthesis, defaults, yi, vi, cluster, rho, declared(levels, covariance, crossed))
    combined = composites(yi, vi, cluster, rho, covariance=covariance)
    more = tuple(name for name in (synthesis.group_by,) if name and name not in columns(Study))
    studies = _with_dependence(_studies(chosen, combined, fit.weights, more), combined, levels, covariance, crossed)
    key = f"config.yaml, key defaults.tau_scale.{synthesis.metric}"
    tau_scale = defaults.tau_scale_of(synthesis.metric)
    values = [study.words(synthesis.group_by) for study in studies] if synthesis.group_by else []
    references = synthesis.references.effects if synthesis.references else ()
    return Fitted(
        synthesis=name,
        lane=synthesis.lane,
        word=LANE_WORD[synthesis.lane],
        constructs=tuple(sorted({row.construct for row in chosen})),
        sources=synthesis.sources,
        set_to_zero=sum(row.exactness == SET_TO_ZERO for row in chosen),
        fit=fit,
        correlations=_correlations(synthesis, chosen, rho) if covariance is not None else None,
        tau_scale=tau_scale,
        studies=studies,
        groups=_blocks(fit, studies, values),
        groups_test=_difference_of_blocks(fit, studies, values) if len(set(values)) > 1 else None,
        summaries=tuple(
            _summary(kind, studies, fit.level, tau_scale, key) for kind in synthesis.summaries if len(studies) > 1
        ),
        references=tuple(
            reference_rows(f"config.yaml, key syntheses.{name}.references", references, synthesis.metric, effects)
        ),
        figure=_figure(synthesis, chosen),
        config_sha256=_config_digest(synthesis, defaults),
        inputs_sha256=digest([{column: getattr(row, column) for column in _INPUTS} for row in chosen]),
        versions=versions(),
    )


def _correlations(synthesis: Synthesis, chosen: Sequence[Chosen], rho: float) -> Correlations | None:
    """What the plan says of correlations, for those who read the fit."""
    if synthesis.correlations is None:
        return None
    declared = synthesis.correlations
    return Correlations(
        same=declared.same, rho=rho, time=declared.time or "", phi=declared.phi, control_arms=bool(shared_arms(chosen))
    )


def _figure(synthesis: Synthesis, chosen: Sequence[Chosen]) -> Shown:
    figure = Shown(group_by=synthesis.group_by, orientation=synthesis.oriented)
    if synthesis.metric not in RATIO_METRICS:
        return figure
    if synthesis.oriented == "as_reported":
        return replace(figure, direction=shared_direction(chosen))
    return replace(figure, direction=1.0, turned=sum(row.direction == -1 for row in chosen))


# What a fit is made of.
_INPUTS = ("effect_id", "sample_id", "yi", "vi", "converter", "converter_version")


def _config_digest(synthesis: Synthesis, defaults: Defaults) -> str:
    # What others ask of the synthesis, and how it is shown, is not part of its fit.
    fitted = synthesis.model_dump(mode="json", exclude={*PRESENTATION, *ASKED})
    fitted["orientation"] = synthesis.oriented
    for name in ("levels", "correlations", "crossed"):
        if not fitted[name]:
            # As before there were any: the same fit.
            del fitted[name]
    return digest({"synthesis": fitted, "defaults": defaults.model_dump(mode="json")})


def _pooled(
    name: str,
    synthesis: Synthesis,
    defaults: Defaults,
    yi: Array,
    vi: Array,
    cluster: list[str],
    rho: float,
    dependence: Dependence,
) -> Fit:
    try:
        return pool(
            yi,
            vi,
            tau2=synthesis.tau2 or defaults.tau2,
            ci=synthesis.ci or defaults.ci,
            cluster=cluster,
            rho=rho,
            model=synthesis.model or defaults.model,
            level=defaults.level,
            metric=synthesis.metric,
            **dependence,
        )
    except InputError as error:
        where = f"config.yaml, key syntheses.{name}"
        raise InputError([Problem(f"{where}.{p.where}", p.value, p.allowed, p.hint) for p in error.problems]) from None


def method_of(fit: Fit) -> Tau2Method:
    """The estimator that is asked for again in fits of parts; of one sample, what a pool would have."""
    return named_tau2(fit.method) if fit.method != "single sample" else "REML"


def ci_of_part(fit: Fit) -> CiMethod:
    """The interval of a part. Parts are often two or three samples; where those happen to agree, HKSJ alone would be
    far too narrow."""
    return "hksj_adhoc" if fit.ci_method in ("cr2", "hksj") else named_ci(fit.ci_method)


def _blocks(fit: Fit, studies: Sequence[Study], values: list[str]) -> tuple[BlockFit, ...]:
    """The pools of blocks by the model of the whole, as a synthesis of the block alone has it; blocks with a single
    sample have none."""
    if len(set(values)) < 2:
        return ()
    blocks = []
    for value in sorted(value for value in set(values) if values.count(value) > 1):
        part = pool_part(fit, [study for study, of in zip(studies, values, strict=True) if of == value])
        blocks.append(BlockFit(value=value, **{name: getattr(part, name) for name in columns(BlockFit)[1:]}))
    return tuple(blocks)


def pool_part(fit: Fit, studies: Sequence[Study]) -> Fit:
    """A pool of some samples, or of some effects of each, by the model of the whole; of the samples' means where these
    are too few for it."""
    effects = [(member, study.sample_id) for study in studies for member in study.members]
    y, v = [member.yi for member, _ in effects], [member.vi for member, _ in effects]
    cluster, rho = [sample for _, sample in effects], fit.composite_rho or 0.0
    tau2, ci, level, more = method_of(fit), ci_of_part(fit), fit.level, dependence_of(studies)
    model = named_model(fit.model)
    # Refused by the model of the whole where CR2 has too few degrees of freedom.
    with suppress(InputError):
        return pool(
            y, v, tau2=tau2, ci=ci, cluster=cluster, rho=rho, model=model, level=level, metric=fit.metric, **more
        )
    return pool(y, v, tau2=tau2, ci=ci, cluster=cluster, rho=rho, level=level, metric=fit.metric, **more)


def _difference_of_blocks(fit: Fit, studies: Sequence[Study], values: list[str]) -> JointTest:
    """The test of the blocks as a moderator, as the diagnostics have it; its numbers are None where there is none."""
    members = [(m, study.sample_id, value) for study, value in zip(studies, values, strict=True) for m in study.members]
    if is_declared(studies):
        return no_joint_test(NO_TEST)
    try:
        if len(members) > len(values) and fit.model in ("che", "three_level"):
            y = np.array([m.yi for m, _, _ in members])
            cluster = [sample for _, sample, _ in members]
            matrix = design({"block": [value for _, _, value in members]}, len(members))
            robust = robust_regress(y, [m.vi for m, _, _ in members], matrix, cluster, rho=fit.rho or 0.0)
            return joint_test(robust, matrix, cluster, y)
        matrix = design({"block": values}, len(values))
        y = np.array([study.yi for study in studies])
        independent = regress(y, [study.vi for study in studies], matrix, tau2=method_of(fit), ci="hksj")
        return joint_test(independent, matrix, range(len(studies)), y)
    except InputError as error:
        reason = "; ".join(f"{p.value}: allowed is {p.allowed}" for p in error.problems)
        return no_joint_test(f"no test: {reason}")


def _summary(kind: Summary, studies: Sequence[Study], level: float, tau_scale: float | None, key: str) -> SummaryLine:
    y, v = [study.yi for study in studies], [study.vi for study in studies]
    if kind == "common":
        fit = pool(y, v, tau2="FE", ci="wald", level=level)
        return SummaryLine(kind=kind, estimate=fit.estimate, ci_low=fit.ci_low, ci_high=fit.ci_high)
    if tau_scale is None:
        raise InputError([Problem(key, "missing", "a number above 0, in the units of the outcome")])
    posterior = bayes(y, v, tau_scale=tau_scale, level=level).mu
    return SummaryLine(kind=kind, estimate=posterior.median, ci_low=posterior.low, ci_high=posterior.high)


def _studies(
    chosen: Sequence[Chosen], combined: Composites, weights: tuple[float, ...], more: tuple[str, ...]
) -> tuple[Study, ...]:
    """One entry per independent sample, in the order of the data, with the words of `more` columns."""
    studies = []
    triples = zip(combined.samples, combined.members, weights, strict=True)
    for position, (sample, members, weight) in enumerate(triples):
        rows = [chosen[i] for i in members]
        people = [row.n_total for row in rows if row.n_total is not None]
        years = [row.year for row in rows if row.year is not None]
        described: dict[str, Any] = {name: shared(row.words(name) for row in rows) for name in terms(Descriptor)}
        studies.append(
            Study(
                sample_id=str(sample),
                label=_joined(row.label for row in rows),
                year=int(min(years)) if years else None,
                yi=float(combined.yi[position]),
                vi=float(combined.vi[position]),
                weight=weight,
                n=int(max(people)) if people else None,
                effects=tuple(row.effect_id for row in rows),
                members=tuple(_member(row) for row in rows),
                source=_joined(row.source for row in rows),
                cells={},
                more={name: shared(row.words(name) for row in rows) for name in more},
                **described,
            )
        )
    return tuple(studies)


def _with_dependence(
    studies: tuple[Study, ...],
    combined: Composites,
    levels: dict[str, list[str]],
    covariance: Array | None,
    crossed: dict[str, list[str]],
) -> tuple[Study, ...]:
    """The samples with what holds them, what their effects are crossed with, and the covariance of these where one was
    computed."""
    described = []
    for study, members in zip(studies, combined.members, strict=True):
        levels_of_study = {name: labels[members[0]] for name, labels in levels.items()}
        block = () if covariance is None else covariance[np.ix_(members, members)].tolist()
        study = replace(study, held_by=levels_of_study, sampling=tuple(tuple(row) for row in block))
        if crossed:
            of_each = [{name: labels[at] for name, labels in crossed.items()} for at in members]
            crossing = zip(study.members, of_each, strict=True)
            study = replace(study, members=tuple(replace(member, crossed=crossings) for member, crossings in crossing))
        described.append(study)
    return tuple(described)


def _member(row: Chosen) -> Member:
    """What is kept of each effect: enough to fit the model again, with moderators."""
    described: dict[str, Any] = {name: row.words(name) for name in terms(Descriptor)}
    return Member(
        effect_id=row.effect_id,
        yi=row.yi,
        vi=row.vi,
        year=row.year,
        weeks=row.weeks,
        n_total=row.n_total,
        severity=row.severity,
        cells={},
        more=row.own,
        **described,
    )


# Severity is relative to the other samples of an instrument, so it takes several.
LEAST_SAMPLES_OF_INSTRUMENT = 3


def with_severity(rows: Sequence[Chosen]) -> list[Chosen]:
    """The rows, each with the baseline severity of its sample."""
    return [replace(row, severity=value) for row, value in zip(rows, severity(rows), strict=True)]


def severity(rows: Sequence[Chosen]) -> list[float | None]:
    """Baseline severity of each effect's sample: its baseline mean, both arms together, in SD of the instrument.

    0 is the mean of the samples with that instrument, the unit their mean baseline SD; higher is more severe on
    symptom scales. None without baseline means, and for instruments of fewer than 3 samples.
    """
    means: dict[str, dict[str, list[float]]] = {}
    spreads: dict[str, list[float]] = {}
    baselines: list[tuple[str, float | None]] = []
    for row in rows:
        name, mean = plain(row.outcome), None
        if arms := _baseline_arms(row):
            mean = math.fsum(m * n for m, _, n in arms) / math.fsum(n for _, _, n in arms)
            means.setdefault(name, {}).setdefault(row.sample_id, []).append(mean)
            spreads.setdefault(name, []).append(math.fsum(s for _, s, _ in arms) / len(arms))
        baselines.append((name, mean))
    centres = {
        name: math.fsum(math.fsum(v) / len(v) for v in samples.values()) / len(samples)
        for name, samples in means.items()
        if len(samples) >= LEAST_SAMPLES_OF_INSTRUMENT
    }
    units = {name: math.fsum(values) / len(values) for name, values in spreads.items()}
    return [
        (mean - centres[name]) / units[name] if mean is not None and name in centres else None
        for name, mean in baselines
    ]


def _baseline_arms(row: Chosen) -> list[tuple[float, float, float]]:
    """Baseline mean, SD and people of each arm that prints all three."""
    arms = (
        (row.baseline_mean_treat, row.baseline_sd_treat, row.n_treat),
        (row.baseline_mean_control, row.baseline_sd_control, row.n_control),
    )
    return [(m, s, n) for m, s, n in arms if m is not None and s is not None and n is not None]


def _joined(values: Iterable[str]) -> str:
    """The value that all rows share, or the first two."""
    distinct = list(dict.fromkeys(value for value in values if value))
    return " / ".join(distinct[:2]) + (" and others" if len(distinct) > 2 else "")


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def versions() -> Versions:
    """Versions of what computed a result."""
    import platform
    from importlib.metadata import version

    return Versions(
        synthesis=version("alliance-protocol-synthesis"),
        python=platform.python_version(),
        numpy=version("numpy"),
        scipy=version("scipy"),
    )
