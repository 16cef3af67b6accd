"""One synthesis of the plan, fitted and described completely."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from synthesis.data.extraction import reference_rows
from synthesis.data.vocabulary import LANE_WORD, Descriptor, NumericModerator, Summary
from synthesis.errors import InputError, Problem
from synthesis.meta.bayes import bayes
from synthesis.meta.dependence import Composites, composites
from synthesis.meta.dependent import joint_test, robust_regress
from synthesis.meta.kernel import Array
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.meta.pool import pool
from synthesis.meta.regression import design, regress
from synthesis.plan.config import Defaults, Synthesis
from synthesis.plan.parts import PRESENTATION
from synthesis.plan.selection import SET_TO_ZERO, instrument, select_effects
from synthesis.review.presentation import shared


def run_synthesis(
    name: str,
    synthesis: Synthesis,
    defaults: Defaults,
    effects: list[dict[str, Any]],
    dropped: list[dict[str, Any]],
) -> dict[str, Any]:
    """The model document of one synthesis: every field of the fit, its studies, references and provenance."""
    chosen = select_effects(name, synthesis, effects, dropped)
    rho = defaults.rho if synthesis.rho is None else synthesis.rho
    yi = np.array([row["yi"] for row in chosen])
    vi = np.array([row["vi"] for row in chosen])
    cluster = [row["sample_id"] for row in chosen]
    try:
        fit = pool(
            yi,
            vi,
            tau2=synthesis.tau2 or defaults.tau2,
            ci=synthesis.ci or defaults.ci,
            cluster=cluster,
            rho=rho,
            model=synthesis.model or defaults.model,
            level=defaults.level,
            metric=synthesis.metric,
        )
    except InputError as error:
        where = f"config.yaml, key syntheses.{name}"
        raise InputError([Problem(f"{where}.{p.where}", p.value, p.allowed, p.hint) for p in error.problems]) from None
    document: dict[str, Any] = {
        "synthesis": name,
        "lane": synthesis.lane,
        "word": LANE_WORD[synthesis.lane],
        "sources": list(synthesis.sources),
        "set_to_zero": sum(row["exactness"] == SET_TO_ZERO for row in chosen),
    }
    document |= fit.to_dict()
    document["tau_scale"] = defaults.tau_scale[synthesis.metric]
    for row, value in zip(chosen, severity(chosen), strict=True):
        row["severity"] = value
    document["studies"] = _studies(chosen, composites(yi, vi, cluster, rho), fit.weights)
    document |= _beside(document, synthesis)
    document["references"] = reference_rows(
        f"config.yaml, key syntheses.{name}.references",
        synthesis.references.effects if synthesis.references else (),
        synthesis.metric,
        effects,
    )
    document["figure"] = synthesis.model_dump(mode="json", include={"group_by", "orientation"})
    # What others ask of the synthesis, and how it is shown, is not part of its fit.
    own = synthesis.model_dump(mode="json", exclude={*PRESENTATION, "moderators", "alternatives"})
    plan = {"synthesis": own, "defaults": defaults.model_dump(mode="json")}
    document["config_sha256"] = digest(plan)
    inputs = ("effect_id", "sample_id", "yi", "vi", "converter", "converter_version")
    document["inputs_sha256"] = digest([{k: row[k] for k in inputs} for row in chosen])
    document["versions"] = versions()
    return document


# What is kept of each effect: enough to fit the model again, with moderators.
_MEMBER = ("effect_id", "yi", "vi", *terms(NumericModerator), *terms(Descriptor))


_GROUP = (
    "samples", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2", "q", "q_df", "q_p", "method",
)  # fmt: skip


def _beside(document: dict[str, Any], synthesis: Synthesis) -> dict[str, Any]:
    """What a forest plot shows beside the pool, of one mean effect for each sample: its blocks, other summaries.

    Blocks with a single sample have no pool; their difference is tested where two have one.
    """
    studies = document["studies"]
    y, v = np.array([s["yi"] for s in studies]), np.array([s["vi"] for s in studies])
    method: Tau2Method = document["method"] if document["method"] != "single sample" else "REML"
    # Blocks are often two or three samples; where those happen to agree, HKSJ alone would be far too narrow.
    ci: CiMethod = "hksj_adhoc" if document["ci_method"] in ("cr2", "hksj") else document["ci_method"]
    found: dict[str, Any] = {"groups": [], "groups_test": None, "summaries": []}
    values = [s[synthesis.group_by] for s in studies] if synthesis.group_by else []
    pooled = [value for value in sorted(set(values)) if values.count(value) > 1]
    if len(set(values)) > 1 and pooled:
        for value in pooled:
            own = np.array([held == value for held in values])
            fit = pool(y[own], v[own], tau2=method, ci=ci, level=document["level"])
            found["groups"].append({"value": value} | {name: getattr(fit, name) for name in _GROUP})
    if len(set(values)) > 1:
        found["groups_test"] = _difference_of_blocks(document, values, method)
    if len(y) > 1:
        found["summaries"] = [_summary(kind, y, v, document) for kind in synthesis.summaries]
    return found


def _difference_of_blocks(document: dict[str, Any], values: list[str], method: Tau2Method) -> dict[str, Any]:
    """The test of the blocks as a moderator, as the diagnostics have it; its numbers are None where there is none."""
    held = [
        (m["yi"], m["vi"], study["sample_id"], value)
        for study, value in zip(document["studies"], values, strict=True)
        for m in study["members"]
    ]
    repeats = len(held) > len(values)
    try:
        if repeats and document["model"] in ("che", "three_level"):
            matrix = design({"block": [value for *_, value in held]}, len(held))
            cluster = [sample for _, _, sample, _ in held]
            robust = robust_regress(
                [y for y, *_ in held], [v for _, v, *_ in held], matrix, cluster, rho=document["rho"] or 0.0
            )
            return joint_test(robust, matrix, cluster, np.array([y for y, *_ in held]))
        own = document["studies"]
        matrix = design({"block": values}, len(values))
        y = np.array([s["yi"] for s in own])
        fit = regress(y, [s["vi"] for s in own], matrix, tau2=method, ci="hksj")
        return joint_test(fit, matrix, range(len(own)), y)
    except InputError as error:
        reason = "; ".join(f"{p.value}: allowed is {p.allowed}" for p in error.problems)
        return dict.fromkeys(("statistic", "df1", "df2", "p")) | {"left_out": [], "note": f"no test: {reason}"}


def _summary(kind: Summary, y: Array, v: Array, document: dict[str, Any]) -> dict[str, Any]:
    if kind == "common":
        fit = pool(y, v, tau2="FE", ci="wald", level=document["level"])
        return {"kind": kind, "estimate": fit.estimate, "ci_low": fit.ci_low, "ci_high": fit.ci_high}
    posterior = bayes(y, v, tau_scale=document["tau_scale"], level=document["level"]).mu
    return {"kind": kind, "estimate": posterior.median, "ci_low": posterior.low, "ci_high": posterior.high}


def _studies(chosen: list[dict[str, Any]], combined: Composites, weights: tuple[float, ...]) -> list[dict[str, Any]]:
    """One entry per independent sample, in the order of the data."""
    studies = []
    triples = zip(combined.samples, combined.members, weights, strict=True)
    for position, (sample, members, weight) in enumerate(triples):
        rows = [chosen[i] for i in members]
        people = [row["n_total"] for row in rows if row["n_total"] is not None]
        years = [row["year"] for row in rows if row["year"] is not None]
        entry = {
            "sample_id": sample,
            "label": _joined(row["label"] for row in rows),
            "year": int(min(years)) if years else None,
            "yi": float(combined.yi[position]),
            "vi": float(combined.vi[position]),
            "weight": weight,
            "n": int(max(people)) if people else None,
            "effects": [row["effect_id"] for row in rows],
            "members": [{name: row[name] for name in _MEMBER} for row in rows],
            "source": _joined(row["source"] for row in rows),
        }
        studies.append(entry | {name: shared(row[name] for row in rows) for name in terms(Descriptor)})
    return studies


# Severity is relative to the other samples of an instrument, so it takes several.
LEAST_SAMPLES_OF_INSTRUMENT = 3


def severity(rows: list[dict[str, Any]]) -> list[float | None]:
    """Baseline severity of each effect's sample: its baseline mean, both arms together, in SD of the instrument.

    0 is the mean of the samples with that instrument, the unit their mean baseline SD; higher is more severe on
    symptom scales. None without baseline means, and for instruments of fewer than 3 samples.
    """
    means: dict[str, dict[str, list[float]]] = {}
    spreads: dict[str, list[float]] = {}
    found = []
    for row in rows:
        arms = [(row[f"baseline_mean_{a}"], row[f"baseline_sd_{a}"], row[f"n_{a}"]) for a in ("treat", "control")]
        whole = [arm for arm in arms if None not in arm]
        name = instrument(row["outcome"])
        mean = None
        if whole:
            mean = math.fsum(m * n for m, _, n in whole) / math.fsum(n for _, _, n in whole)
            means.setdefault(name, {}).setdefault(row["sample_id"], []).append(mean)
            spreads.setdefault(name, []).append(math.fsum(s for _, s, _ in whole) / len(whole))
        found.append((name, mean))
    centres = {
        name: math.fsum(math.fsum(v) / len(v) for v in samples.values()) / len(samples)
        for name, samples in means.items()
        if len(samples) >= LEAST_SAMPLES_OF_INSTRUMENT
    }
    units = {name: math.fsum(values) / len(values) for name, values in spreads.items()}
    return [
        (mean - centres[name]) / units[name] if mean is not None and name in centres else None for name, mean in found
    ]


def _joined(values: Iterable[str]) -> str:
    """The value that all rows share, or the first two."""
    distinct = list(dict.fromkeys(value for value in values if value))
    return " / ".join(distinct[:2]) + (" and others" if len(distinct) > 2 else "")


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computed a result."""
    import platform
    from importlib.metadata import version

    own = {"synthesis": version("alliance-protocol-synthesis"), "python": platform.python_version()}
    return own | {name: version(name) for name in ("numpy", "scipy")}
