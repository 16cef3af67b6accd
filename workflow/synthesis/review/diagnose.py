"""Everything that is examined beside one pooled synthesis, from its model document."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from synthesis import text
from synthesis.errors import InputError
from synthesis.meta import bias
from synthesis.meta.bayes import bayes
from synthesis.meta.dependent import JointTest, joint_test, levels_left_out, robust_regress
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
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.meta.permutation import permutation_test
from synthesis.meta.pool import EQUAL_EFFECTS, pool
from synthesis.meta.regression import design, predict, regress
from synthesis.meta.robust import LEAST_DF
from synthesis.plan.config import Diagnostics, Grouping
from synthesis.results.fitted import Fitted

Record = dict[str, Any]
_MODERATOR_COLUMNS = ("kind", "term", "k", "samples", "estimate", "se", "df", "ci_low", "ci_high", "p", "tau2", "note")
_WITHOUT = ("estimate", "ci_low", "ci_high", "p", "tau2")
# Means over the subsets that hold a sample, and over those that do not.
_GOSH = tuple(f"gosh_{name}" for name in ("with_estimate", "without_estimate", "with_i2", "without_i2"))
# The flat tables and their columns.
TABLES: dict[str, tuple[str, ...]] = {
    "influence": (
        "synthesis", "sample_id", "label", *(f"{n}_without" for n in (*_WITHOUT, "i2", "q")),
        *(f"model_{n}_without" for n in (*_WITHOUT, "omega2")),
        "rstudent", "dffits", "dfbetas", "cook", "cov_ratio", "hat",
        "influential",
        "baujat_q", "baujat_influence", "shrunken", "shrunken_low", "shrunken_high", *_GOSH,
    ),
    "cumulative": (
        "synthesis", "sample_id", "label", "year", "samples", "estimate", "ci_low", "ci_high", "tau2", "i2",
    ),
    "small_study": (
        "synthesis", "test", "statistic", "df", "p", "adjusted_estimate", "adjusted_ci_low", "adjusted_ci_high", "note",
    ),
    "moderators": ("synthesis", "moderator", *_MODERATOR_COLUMNS),
    "few_samples": ("synthesis", "what", "estimate", "ci_low", "ci_high", "note"),
}  # fmt: skip
_GOSH_MAP = ("subsets", "possible", "seed", "estimate", "i2", "estimates", "columns", "rows", "cells")
# Effects of the samples are treated as independent here: one composite per sample, as in the forest plot.
_MULTILEVEL = ("che", "three_level")
# Points at which a regression line and its interval are given for drawing.
_LINE_POINTS = 25


def diagnose(
    document: Fitted,
    moderators: Sequence[str],
    options: Diagnostics,
    groupings: Mapping[str, Grouping] | None = None,
) -> Record:
    """Diagnostics of a model document: sections by name, and under `skipped` why others are missing.

    Influence, cumulative fits, permutation and small-study tests use one effect per sample; leaving out samples,
    the robust regression test and moderators use all effects with the document's own model.
    """
    found: Record = {"synthesis": document["synthesis"], "metric": document["metric"], "skipped": {}}
    studies = document["studies"]
    if len(studies) < 2:
        found["skipped"]["all"] = "one sample: nothing to compare"
        return found
    y = np.array([s["yi"] for s in studies])
    v = np.array([s["vi"] for s in studies])
    ci: CiMethod = document["ci_method"] if document["ci_method"] != "cr2" else "hksj"
    method: Tau2Method = document["method"]

    def keep(name: str, run: Callable[[], Record]) -> None:
        """What the data do not allow is left out with the reason, and ends nothing else."""
        try:
            found.update(run())
        except InputError as error:
            found["skipped"][name] = _reason(error)

    keep("influence", lambda: _influence(document, y, v, method, ci))
    if 3 <= len(y) <= MOST_STUDIES:
        keep("gosh", lambda: _gosh(document, found.get("influence", []), y, v, method, options))
    else:
        found["skipped"]["gosh"] = f"{len(y)} samples: subsets are fitted from 3 to {MOST_STUDIES}"
    keep("permutation", lambda: {"permutation": _permutation(y, v, method, ci, options)})
    if len(y) <= options.bayes_up_to:
        keep("bayes", lambda: {"bayes": dataclasses.asdict(bayes(y, v, tau_scale=document["tau_scale"]))})
    else:
        found["skipped"]["bayes"] = f"{len(y)} samples: more than {options.bayes_up_to}"
    if len(y) >= options.funnel_from or (document["synthesis"] in options.force_funnel and len(y) >= 3):
        found["small_study"] = _small_study(document, y, v, method, ci)
    else:
        found["skipped"]["small_study"] = f"{len(y)} samples: fewer than {options.funnel_from}"
    found["moderators"] = [_moderator(document, name, (groupings or {}).get(name), method, ci) for name in moderators]
    return found


def _reason(error: InputError) -> str:
    return "; ".join(f"{p.value}: allowed is {p.allowed}" for p in error.problems)


def _permutation(y: Array, v: Array, method: Tau2Method, ci: CiMethod, options: Diagnostics) -> Record:
    found = permutation_test(y, v, tau2=method, ci=ci, iterations=options.permutations, seed=options.seed)
    return dataclasses.asdict(found)


def _gosh(document: Fitted, rows: list[Record], y: Array, v: Array, method: Tau2Method, options: Diagnostics) -> Record:
    """The map of subsets; what they say of each sample goes into `rows`, those of influence."""
    subsets = gosh_map(y, v, method, subsets=options.gosh_subsets, seed=options.seed)
    for name in _GOSH:
        for row, value in zip(rows, getattr(subsets, name.removeprefix("gosh_")), strict=True):
            row[name] = finite(value)
    leading = document["studies"][subsets.leading]["sample_id"]
    return {"gosh": {"leading": leading, **{name: getattr(subsets, name) for name in _GOSH_MAP}}}


def _influence(document: Fitted, y: Array, v: Array, method: Any, ci: Any) -> Record:
    studies, level = document["studies"], document["level"]
    without = leave_one_out(y, v, tau2=method, ci=ci, level=level)
    drawn = shrunken(y, v, tau2=method, level=level)
    contributions = baujat(y, v)
    found: Record = {}
    measures = influence(y, v, tau2=method, ci=ci) if len(y) >= 3 else None
    samples = _without_samples(document)
    rows = []
    for i, study in enumerate(studies):
        row: Record = {"sample_id": study["sample_id"], "label": study["label"]}
        for name in (*_WITHOUT, "i2", "q"):
            row[f"{name}_without"] = finite(getattr(without, name)[i])
        row |= {f"model_{name}_without": value for name, value in samples.get(study["sample_id"], {}).items()}
        if measures is not None:
            for name in ("rstudent", "dffits", "dfbetas", "cook", "cov_ratio", "hat"):
                row[name] = finite(getattr(measures, name)[i])
            row["influential"] = bool(measures.influential[i])
        row |= {
            "baujat_q": finite(contributions.heterogeneity[i]),
            "baujat_influence": finite(contributions.influence[i]),
        }
        row |= {"shrunken": float(drawn.estimate[i]), "shrunken_low": float(drawn.low[i])}
        row["shrunken_high"] = float(drawn.high[i])
        rows.append(row)
    found["influence"] = rows
    # Samples without a year come last, so that the last pool holds all of them.
    years = [math.inf if study["year"] is None else study["year"] for study in studies]
    order, fits = cumulative(y, v, years, tau2=method, ci=ci, level=level)
    found["cumulative"] = [
        {name: studies[j][name] for name in ("sample_id", "label", "year")}
        | {"samples": i + 1}
        | {name: finite(getattr(fits, name)[i]) for name in ("estimate", "ci_low", "ci_high", "tau2", "i2")}
        # One sample has no heterogeneity, not one of 0.
        | ({"tau2": None, "i2": None} if i == 0 else {})
        for i, j in enumerate(order)
    ]
    return found


def _without_samples(document: Fitted) -> dict[str, Record]:
    """The document's own model without each sample; nothing where it treats samples as one effect anyway."""
    if document["model"] not in _MULTILEVEL:
        return {}
    y, v, cluster = _effects(document)
    fits = leave_one_sample_out(
        y, v, cluster, rho=document["composite_rho"], model=document["model"], level=document["level"]
    )
    names = (*_WITHOUT, "omega2")
    return {str(s): {n: getattr(fit, n) if fit else None for n in names} for s, fit in fits.items()}


def _effects(document: Fitted) -> tuple[Array, Array, list[str]]:
    members = [(s["sample_id"], m) for s in document["studies"] for m in s["members"]]
    return (
        np.array([m["yi"] for _, m in members]),
        np.array([m["vi"] for _, m in members]),
        [sample for sample, _ in members],
    )


def _small_study(document: Fitted, y: Array, v: Array, method: Any, ci: Any) -> Record:
    """Tests of small-study effects; for correlations the regression test is on 1/sqrt(n) too."""
    from synthesis.meta.selection_model import Alternative, selection_model

    level = document["level"]
    found: Record = {}
    refused: dict[str, str] = {}

    def keep(name: str, run: Any) -> None:
        try:
            found[name] = dataclasses.asdict(run())
        except InputError as error:
            refused[name] = "; ".join(p.value + ": " + p.allowed for p in error.problems)

    keep("egger", lambda: bias.egger(y, v, level=level))
    sizes = [study["n"] for study in document["studies"]]
    if document["metric"] == "z" and all(sizes):
        keep("egger_inverse_root_n", lambda: bias.egger(y, v, predictor="sqrtninv", n=sizes, level=level))
    effects, variances, cluster = _effects(document)
    if len(set(cluster)) < len(cluster):
        keep("egger_robust", lambda: bias.robust_egger(effects, variances, cluster, rho=document["rho"] or 0.0))
    keep("rank", lambda: bias.rank_test(y, v))
    for estimator in ("L0", "R0"):
        keep(
            f"trim_fill_{estimator}",
            lambda e=estimator: bias.trim_fill(y, v, estimator=e, tau2=method, ci=ci, level=level),
        )
    keep("pet_peese", lambda: bias.pet_peese(y, v, level=level))
    side: Alternative = "greater" if document["estimate"] > 0 else "less"
    keep("selection_model", lambda: selection_model(y, v, alternative=side, level=level))
    for name in ("rosenthal", "orwin", "rosenberg"):
        keep(f"fail_safe_{name}", lambda m=name: bias.fail_safe(y, v, method=m))
    found["refused"] = refused
    return found


def _moderator(document: Fitted, name: str, grouping: Grouping | None, method: Any, ci: Any) -> Record:
    """A regression on one moderator, and for a factor the pool of each level; effects without a value are counted."""
    members = [(s["sample_id"], m) for s in document["studies"] for m in s["members"]]
    values: list[Any] = [m[name] if grouping is None else grouping.level_of(m[grouping.column]) for _, m in members]
    numeric = any(isinstance(value, int | float) for value in values)
    held = [member for member, value in zip(members, values, strict=True) if value not in (None, "")]
    values = [value for value in values if value not in (None, "")]
    found: Record = {"moderator": name, "k": len(held), "without_value": len(members) - len(held)}
    y = np.array([m["yi"] for _, m in held])
    v = np.array([m["vi"] for _, m in held])
    cells: list[float | str] = [float(value) if numeric else str(value) for value in values]
    cluster = [sample for sample, _ in held]
    repeats = len(set(cluster)) < len(cluster)
    ends = [float(value) for value in values] if numeric else []
    grid = [[1.0, x] for x in np.linspace(min(ends), max(ends), _LINE_POINTS).tolist()] if ends else []
    means: list[tuple[float | None, ...]] = []
    try:
        matrix = design({name: cells}, len(held))
        if repeats and document["model"] in _MULTILEVEL:
            options = {"rho": document["rho"] or 0.0, "level": document["level"]}
            fit: Any = robust_regress(y, v, matrix, cluster, at=grid or None, **options)
            means = list(fit.means)
        elif repeats:
            found["refused"] = "effects share samples: moderators need model che or three_level"
            return found
        else:
            fit = regress(y, v, matrix, tau2=method, ci=ci, level=document["level"])
            means = [(m.estimate, m.ci_low, m.ci_high) for m in predict(fit, np.array(grid))]
    except InputError as error:
        found["refused"] = _reason(error)
        return found
    found["regression"] = {key: value for key, value in dataclasses.asdict(fit).items() if key not in _NOT_KEPT}
    found["test"] = dataclasses.asdict(joint_test(fit, matrix, cluster, y))
    thin = len(held) - len(fit.names)
    if not isinstance(fit.df, tuple) and thin < LEAST_DF:
        means = [(mean, None, None) for mean, *_ in means]
        found["regression"] |= _without_test(found["regression"], thin)
    if numeric:
        found["line"] = [
            {"x": x, "estimate": mean, "ci_low": low, "ci_high": high}
            for (_, x), (mean, low, high) in zip(grid, means, strict=True)
        ]
        points = zip(held, cells, strict=True)
        found["bubbles"] = [
            {"effect_id": m["effect_id"], "sample_id": s, "x": x, "yi": m["yi"], "vi": m["vi"]} for (s, m), x in points
        ]
        return found
    found["levels"] = [
        _level(document, [(s, m) for (s, m), cell in zip(held, cells, strict=True) if cell == level], level, method, ci)
        for level in matrix.levels[name]
    ]
    return found


# The test of all moderators is kept by itself, in the form in which it is reported.
_NOT_KEPT = frozenset({"means", "f", "f_df1", "f_df2", "f_p", "f_left_out", "f_note", "qm", "qm_df", "qm_df2", "qm_p"})


def _without_test(fit: Record, df: float) -> Record:
    """The coefficients of a regression with too few degrees of freedom: their values, without error and test."""
    none = (None,) * len(fit["names"])
    said = f"fewer than {LEAST_DF:g} degrees of freedom ({df:g}), no test: {', '.join(fit['names'])}"
    return dict.fromkeys(("se", "statistic", "p", "ci_low", "ci_high"), none) | {"notes": (*fit["notes"], said)}


def _level(document: Fitted, held: list[tuple[str, Record]], level: str, method: Any, ci: Any) -> Record:
    """The pool of one level, one composite per sample, so that small levels can be shown too."""
    fit = pool(
        [m["yi"] for _, m in held],
        [m["vi"] for _, m in held],
        tau2=method if method != "single sample" else "REML",
        # Levels are often two or three samples; where those happen to agree, HKSJ alone would be far too narrow.
        ci="hksj_adhoc" if ci == "hksj" else ci,
        cluster=[s for s, _ in held],
        rho=document["composite_rho"] or 0.0,
        level=document["level"],
    )
    names = (
        *("k", "samples", "estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "p"),
        *("tau2", "i2", "q", "q_df", "q_p"),
    )
    held_effects = [m["effect_id"] for _, m in held]
    return {"level": level, "effects": held_effects} | {n: getattr(fit, n) for n in names}


def tables(found: Iterable[Record]) -> dict[str, list[Record]]:
    """The diagnostics of all syntheses as flat tables, by the names of TABLES."""
    flat: dict[str, list[Record]] = {name: [] for name in TABLES}
    for one in found:
        rows: dict[str, list[Record]] = {
            "influence": one.get("influence", []),
            "cumulative": one.get("cumulative", []),
            "small_study": _small_study_rows(one),
            "moderators": [row for moderator in one.get("moderators", []) for row in _moderator_rows(moderator)],
            "few_samples": _few_rows(one),
        }
        for name, columns in TABLES.items():
            flat[name] += [dict.fromkeys(columns) | {"synthesis": one["synthesis"]} | row for row in rows[name]]
    return flat


def _small_study_rows(one: Record) -> list[Record]:
    rows = []
    for name, r in one.get("small_study", {}).items():
        match name.split("_")[0]:
            case "egger":
                limits = (r["limit"], r["limit_ci_low"], r["limit_ci_high"])
                rows.append(_row(name, r["statistic"], r["df"], r["p"], *limits, note="; ".join(r["notes"])))
            case "rank":
                rows.append(_row(name, r["tau"], None, r["p"], note="; ".join(r["notes"])))
            case "trim":
                fit = r["fit"]
                rows.append(
                    _row(name, r["missing"], None, r["missing_p"], fit["estimate"], fit["ci_low"], fit["ci_high"],
                         note="; ".join([*r["notes"], *(note for note in fit["notes"] if note == EQUAL_EFFECTS)]))
                )  # fmt: skip
            case "pet":
                limits = (r["estimate"], r["ci_low"], r["ci_high"])
                rows.append(_row(r["chosen"], None, None, None, *limits, note="; ".join(r[r["chosen"]]["notes"])))
            case "selection":
                rows.append(_row(name, r["lrt"], r["lrt_df"], r["lrt_p"], r["estimate"], r["ci_low"], r["ci_high"]))
            case "fail":
                rows.append(_row(name, r["number"], None, None))
            case "refused":
                rows += [_row(test, note=reason) for test, reason in r.items()]
    if "small_study" in one["skipped"]:
        rows.append(_row("all", note=one["skipped"]["small_study"]))
    return rows


def _row(
    test: str,
    statistic: float | None = None,
    df: float | None = None,
    p: float | None = None,
    adjusted: float | None = None,
    low: float | None = None,
    high: float | None = None,
    note: str = "",
) -> Record:
    return {
        "test": test,
        "statistic": statistic,
        "df": df,
        "p": p,
        "adjusted_estimate": adjusted,
        "adjusted_ci_low": low,
        "adjusted_ci_high": high,
        "note": note,
    }


def _moderator_rows(found: Record) -> list[Record]:
    key = {"moderator": found["moderator"]}
    blank = dict.fromkeys(_MODERATOR_COLUMNS)
    if "refused" in found:
        return [key | blank | {"kind": "refused", "k": found["k"], "note": found["refused"]}]
    fit = found["regression"]
    missing = f"{found['without_value']} effects without a value" if found["without_value"] else ""
    note = "; ".join([*fit["notes"], *([missing] if missing else [])])
    df = fit["df"] if isinstance(fit["df"], tuple | list) else (fit["df"],) * len(fit["names"])
    rows = []
    for i, name in enumerate(fit["names"]):
        cells = {n: fit[n][i] for n in ("estimate", "se", "ci_low", "ci_high", "p")}
        rows.append(
            key | blank | cells | {"kind": "coefficient", "term": name, "k": fit["k"], "df": df[i], "tau2": fit["tau2"]}
            | {"samples": fit.get("samples", fit["k"]), "note": note}
        )  # fmt: skip
    tested = found["test"]
    test = {"estimate": tested["statistic"], "df": tested["df2"], "p": tested["p"]}
    test["note"] = "; ".join(words for words in (levels_left_out(JointTest(**tested)), tested["note"]) if words)
    rows.append(key | blank | test | {"kind": "test of all", "term": "F or QM", "k": fit["k"]})
    for level in found.get("levels", []):
        rows.append(
            key | blank | {n: level.get(n) for n in blank} | {"kind": "level", "term": level["level"], "note": ""}
        )
    return rows


def _few_rows(one: Record) -> list[Record]:
    rows = []
    if "permutation" in one:
        r = one["permutation"]
        how = (
            "all sign changes" if r["exact"] else f"{text.count(r['iterations'])} random sign changes, seed {r['seed']}"
        )
        if r["p"][0] <= r["smallest"] * (1 + 1e-9):
            limit = text.plural(len(one["influence"]), "sample") if r["exact"] else "so many"
            how += f"; {text.p_at_most(r['smallest'])}, the smallest that {limit} can give"
        how = "; ".join([how, *r["notes"]])
        rows.append({"what": "permutation p", "estimate": r["p"][0], "ci_low": None, "ci_high": None, "note": how})
    if "bayes" in one:
        r = one["bayes"]
        note = f"half-normal prior on tau, scale {r['tau_scale']:g}"
        for what, name in (("mean", "mu"), ("tau", "tau"), ("new study", "predictive")):
            p = r[name]
            rows.append(
                {
                    "what": f"Bayes: {what}",
                    "estimate": p["median"],
                    "ci_low": p["low"],
                    "ci_high": p["high"],
                    "note": note,
                }
            )
        positive = {"what": "Bayes: probability of a mean above 0", "estimate": r["p_positive"], "note": note}
        rows.append({"ci_low": None, "ci_high": None} | positive)
    return rows
