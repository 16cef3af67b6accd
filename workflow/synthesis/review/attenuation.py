"""Correlations corrected for unreliability beside the same correlations as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from synthesis.data.scales import back_transform
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.meta.psychometric import Psychometric, Reliabilities, psychometric, psychometric_each
from synthesis.plan.monitored import Psychometrics, ReliabilityOf
from synthesis.results.extracted import Row
from synthesis.results.fitted import Fitted, Study
from synthesis.results.further import PsychometricRow
from synthesis.review.fit import ci_of_part, method_of
from synthesis.review.moderators import reason_of

BY_DISTRIBUTIONS, ONE_BY_ONE = "artefact distributions", "each correlation"


def corrected(
    documents: Sequence[Fitted], plan: Mapping[str, Psychometrics], rows: dict[str, Row]
) -> list[PsychometricRow]:
    """A row for each synthesis of Fisher z that the plan names, and for each of corrected correlations."""
    table = []
    for document in documents:
        if document.metric == "r_corrected":
            table.append(_one_by_one(document, rows))
        elif document.synthesis in plan:
            table.append(_by_distributions(document, plan[document.synthesis], rows))
    return table


def _by_distributions(document: Fitted, plan: Psychometrics, rows: dict[str, Row]) -> PsychometricRow:
    fit = document.fit
    raw = [back_transform("z", value) for value in (fit.estimate, fit.ci_low, fit.ci_high)]
    row = PsychometricRow(synthesis=document.synthesis, way=BY_DISTRIBUTIONS, samples=fit.samples)
    row = replace(row, raw_estimate=raw[0], raw_ci_low=raw[1], raw_ci_high=raw[2])
    given: dict[str, Reliabilities | Sequence[float]] = {}
    for side in ("process", "outcome"):
        name = f"reliability_{side}"
        declared: ReliabilityOf | None = getattr(plan, name)
        values, origin = _printed(document, name, rows)
        if declared is not None:
            values, origin = list(declared.values), declared.source
        if declared is not None and declared.mean is not None:
            given[side] = Reliabilities(declared.mean, declared.sd)
            mean, sd = declared.mean, declared.sd
        elif values:
            given[side] = values
            mean, sd = float(np.mean(values)), float(np.std(values))
        else:
            return replace(row, note=f"no row of the synthesis prints {name}, and the plan declares none")
        row = replace(row, **{name: mean, f"{name}_sd": sd, f"{side}_from": origin})
    r = [math.tanh(study.yi) for study in document.studies]
    n = [float(study.n or 1 / study.vi + 3) for study in document.studies]
    try:
        fitted = psychometric(r, n, given["process"], given["outcome"], level=plan.credibility)
    except InputError as error:
        return replace(row, note=reason_of(error))
    return _described(row, fitted)


def _printed(document: Fitted, name: str, rows: dict[str, Row]) -> tuple[list[float], str]:
    """The reliabilities that the rows of a synthesis print, each sample's once."""
    values = []
    for study in document.studies:
        cells = [getattr(rows[effect], name) for effect in study.effects if effect in rows]
        values += [float(value) for value in dict.fromkeys(cells) if value is not None]
    return values, f"rows of the synthesis ({len(values)})"


def _one_by_one(document: Fitted, rows: dict[str, Row]) -> PsychometricRow:
    fit = document.fit
    row = PsychometricRow(synthesis=document.synthesis, way=ONE_BY_ONE, samples=fit.samples)
    row = replace(row, corrected_estimate=fit.estimate, corrected_ci_low=fit.ci_low, corrected_ci_high=fit.ci_high)
    raw = [(study, *_raw(study, rows)) for study in document.studies]
    r, n = [r for _, r, _ in raw], [n for *_, n in raw]
    if min(n) <= 3:
        return replace(row, note="a sample of 3 people or fewer: Fisher z has no variance")
    pooled = pool(np.arctanh(r), 1 / (np.array(n) - 3), tau2=method_of(fit), ci=ci_of_part(fit), level=fit.level)
    middle, low, high = (back_transform("z", value) for value in (pooled.estimate, pooled.ci_low, pooled.ci_high))
    row = replace(row, raw_estimate=middle, raw_ci_low=low, raw_ci_high=high)
    left = [math.sqrt((1 - r * r) ** 2 / (n - 1) / study.vi) for study, r, n in raw]
    try:
        fitted = psychometric_each(r, n, [study.yi for study, *_ in raw], left)
    except InputError as error:
        return replace(row, note=reason_of(error))
    return _described(row, fitted)


def _raw(study: Study, rows: dict[str, Row]) -> tuple[float, float]:
    """Mean of the correlations of a sample as they are printed, towards better outcome, and its people."""
    effects = [(member.yi, rows[member.effect_id]) for member in study.members]
    printed = [math.copysign(row.value, yi) for yi, row in effects if row.value is not None]
    return float(np.mean(printed)), max(_people(row) for _, row in effects)


def _people(row: Row) -> float:
    return row.n if row.n is not None else (row.n_treat or 0.0) + (row.n_control or 0.0)


def _described(row: PsychometricRow, fit: Psychometric) -> PsychometricRow:
    return replace(
        row,
        people=fit.n,
        mean_r=fit.mean_r,
        mean_r_low=fit.mean_r_low,
        mean_r_high=fit.mean_r_high,
        sd_r=fit.sd_r,
        rho=fit.rho,
        rho_low=fit.rho_low,
        rho_high=fit.rho_high,
        sd_rho=fit.sd_rho,
        credibility=fit.level,
        credibility_low=fit.low,
        credibility_high=fit.high,
        attenuation=fit.attenuation,
        sampling=fit.sampling,
        artefacts=fit.artefacts,
    )
