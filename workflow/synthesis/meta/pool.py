"""The random-effects fit: `pool(yi, vi)` and its result."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from synthesis.errors import InputError, Problem
from synthesis.meta.covariance import check_covariance
from synthesis.meta.dependence import composites
from synthesis.meta.heterogeneity import Heterogeneity, describe, tau2_interval, typical_variance
from synthesis.meta.inputs import LARGEST_VARIANCE, check_effects, check_options, check_rho, labels, number, shown
from synthesis.meta.kernel import Array, no_spread
from synthesis.meta.multilevel import Multilevel, blocks, fit_multilevel, variance_interval
from synthesis.meta.nested import fit_nested, nested_interval
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method
from synthesis.meta.robust import LEAST_DF, robust

# A variance this many times the median is more often a slip (or a failed model) than a study.
EXTREME_VARIANCE = 1e5
_INSTEAD = "; given is the ad hoc one, no narrower than Wald's"
EQUAL_EFFECTS = "all effects are equal: the HKSJ interval has width 0, as in metafor" + _INSTEAD
EXACT_FIT = "the effects lie exactly on the model: the HKSJ interval has width 0, as in metafor" + _INSTEAD
EQUAL_WITHIN = (
    "the effects have no spread: the cluster-robust interval has width 0; given is the model's own, by t with "
    "samples - 1 df"
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A pooled result, in the units of yi (variances: squared). None: not defined for these data.

    `k` counts effects, `samples` independent samples; df, weights and heterogeneity refer to samples.
    `i2` in percent and `h2` come from tau2 and the typical variance; `level` is the confidence level.
    `model`: independent (no sample repeats), composites, che or three_level; with the last two `tau2` is the variance
    between samples, `omega2` the one between effects within samples, and `i2` counts both. `rho` is the
    correlation of sampling errors within samples in the model that was fitted (three_level: 0; independent: None);
    `composite_rho` the one by which effects of a sample are averaged wherever a sample counts as one value (composites,
    and what is shown beside che and three_level). They differ for three_level alone.
    `ci_method` is the interval that is given: hksj_adhoc where hksj was asked for and all effects are equal (`pool`).
    `log_likelihood` is restricted for REML; `aic`, `bic` go with it.
    """

    k: int
    samples: int
    estimate: float
    se: float
    statistic: float
    df: float | None
    p: float
    ci_low: float
    ci_high: float
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    tau2_se: float | None
    tau2_ci_low: float | None
    tau2_ci_high: float | None
    omega2: float | None
    i2: float | None
    i2_ci_low: float | None
    i2_ci_high: float | None
    h2: float | None
    h2_ci_low: float | None
    h2_ci_high: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    log_likelihood: float | None
    aic: float | None
    bic: float | None
    model: str
    method: str
    ci_method: str
    rho: float | None
    composite_rho: float | None
    metric: str | None
    level: float
    weights: tuple[float, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields by name, ready for JSON."""
        return dataclasses.asdict(self)


def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    cluster: Sequence[Hashable] | None = None,
    rho: float = 0.6,
    model: DependenceModel = "composites",
    level: float = 0.95,
    metric: str | None = None,
    fixed_tau2: float | None = None,
    near: tuple[float, float] | None = None,
    covariance: ArrayLike | None = None,
) -> Fit:
    """Pools effects `yi` with sampling variances `vi`, arrays of shape (k,), by a random-effects model.

    Arrays, lists and columns are read by position; the index of a pandas Series is not looked at.

    Intervals: wald (normal), wald_t (t with samples - 1 df), hksj (Hartung & Knapp 2001; Sidik & Jonkman 2002),
    hksj_adhoc (never narrower than Wald: Knapp & Hartung 2003). Prediction interval: t with samples - 2 df, Higgins,
    Thompson & Spiegelhalter (2009), from three samples. With one sample the study itself is shown. `fixed_tau2`
    takes tau2 as known, in squared units of yi. Where all effects are equal to the last digits, hksj has width 0 and an
    infinite statistic (0/0 for effects of 0), as metafor's test="knha" has; then the ad hoc interval is given, and
    `ci_method` and a note say so. `near` is for refits of almost the same effects by che or three_level: tau2 and
    omega2 to start from; the profile-likelihood interval of tau2 is then left out.

    `cluster`, shape (k,), names the independent sample of each effect. Effects that share one are treated by `model`:
    composites (a mean effect per sample, its effects correlated `rho`), che (correlated and hierarchical effects with
    sampling correlation `rho`) or three_level (sampling correlation 0); the last two by REML with cluster-robust CR2
    tests and Satterthwaite df instead of `ci`. Where no sample repeats they are the ordinary model. Effects without any
    spread have no robust variance: then the model's own is taken, with t and samples - 1 df (`ci_method` wald_t).
    `covariance` (k, k), with model che, is the sampling covariance of the effects in place of `rho` (the result's is
    None), 0 between samples: `synthesis.shared_control` makes that of effects with one control group.

    Raises InputError for bad effects (missing, masked, text, dates, truth values), missing labels of samples, unknown
    options, a rho or level out of range, for che and three_level with a single sample, and where CR2 has fewer than 4
    degrees of freedom.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, level, model)
    check_rho(rho)
    _check_few(fixed_tau2, near, metric)
    k, used_rho, used_model = len(y), None, "independent"
    matrix = None
    if covariance is not None and (cluster is None or model != "che"):
        hint = 'say model="che" and, by cluster, which effects are of one sample'
        raise InputError([Problem("covariance", f"model {model}", "nothing but for che with a cluster", hint)])
    if cluster is not None:
        cluster = labels("cluster", cluster, k)
        matrix = None if covariance is None else check_covariance(covariance, v, cluster)
        if len(set(cluster)) < k:
            if model != "composites":
                _check_multilevel(cluster, tau2, model, fixed_tau2)
                return _multilevel(y, v, cluster, rho, model, level, metric, near, matrix)
            combined = composites(y, v, cluster, rho)
            used_rho, used_model = rho, model
            y, v = combined.yi, combined.vi
    about = Described(k, used_model, used_rho, metric, level, _notes(v))
    if len(y) == 1:
        return _single(float(y[0]), float(v[0]), about)
    return _random_effects(y, v, tau2, ci, fixed_tau2, about)


@dataclass(frozen=True, slots=True)
class Described:
    """What a fit says of itself beside its numbers."""

    k: int
    model: str
    rho: float | None
    metric: str | None
    level: float
    notes: tuple[str, ...]


def _check_few(fixed_tau2: object, near: object, metric: object) -> None:
    if fixed_tau2 is not None:
        number("fixed_tau2", fixed_tau2, 0, LARGEST_VARIANCE, allowed="a finite number of at least 0")
    if near is not None:
        if not isinstance(near, (tuple, list)) or len(near) != 2:
            raise InputError([Problem("near", shown(near), "tau2 and omega2 to start from")])
        for value in near:
            number("near", value, 0, LARGEST_VARIANCE, allowed="finite numbers of at least 0")
    if metric is not None and not isinstance(metric, str):
        raise InputError([Problem("metric", shown(metric), "the name of a metric")])


def _check_multilevel(cluster: Sequence[Hashable], tau2: str, model: str, fixed_tau2: float | None) -> None:
    if tau2 != "REML":
        raise InputError([Problem("tau2", tau2, f"REML for model {model}", "model composites takes every estimator")])
    if fixed_tau2 is not None:
        raise InputError([Problem("fixed_tau2", f"{fixed_tau2:g}", f"nothing for model {model}")])
    if len(set(cluster)) == 1:
        hint = "one independent sample says nothing about the spread between samples; model composites shows it"
        raise InputError([Problem("cluster", "one sample", f"at least two samples for model {model}", hint)])


def _notes(v: Array) -> tuple[str, ...]:
    notes = []
    if len(v) == 1:
        notes.append("one sample: its own estimate with a normal interval, no pooling")
    if v.max() > EXTREME_VARIANCE * np.median(v):
        notes.append(f"one variance is more than {EXTREME_VARIANCE:g} times the median")
    return tuple(notes)


def _few(samples: int, method: str, ci: str) -> tuple[str, ...]:
    """What two and three samples cannot carry."""
    random = method != "FE"
    if samples == 2:
        said = ["tau2 is hardly estimable", "there is no prediction interval"] if random else []
        said += ["the confidence interval has one degree of freedom"] if ci != "wald" else []
        return (f"two samples: {_listed(said)}",) if said else ()
    return ("three samples: the prediction interval has one degree of freedom",) if samples == 3 and random else ()


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def prediction_interval(
    estimate: float, se: float, variance: float, df: float | None, level: float
) -> tuple[float, float]:
    """Interval of a new study's true effect: estimate -+ quantile x sqrt(variance + se^2); normal where df is None."""
    tail = 0.5 + level / 2
    quantile = float(ndtri(tail) if df is None else stdtrit(df, tail))
    spread = quantile * (variance + se * se) ** 0.5
    return estimate - spread, estimate + spread


_UNDEFINED: dict[str, Any] = dict.fromkeys(
    (
        "pi_low", "pi_high", "tau2", "tau2_se", "tau2_ci_low", "tau2_ci_high", "omega2",
        "i2", "i2_ci_low", "i2_ci_high", "h2", "h2_ci_low", "h2_ci_high",
        "q", "q_df", "q_p", "log_likelihood", "aic", "bic",
    )
)  # fmt: skip


def _single(y: float, v: float, about: Described) -> Fit:
    se = v**0.5
    half = float(ndtri(0.5 + about.level / 2)) * se
    return Fit(
        k=about.k,
        samples=1,
        estimate=y,
        se=se,
        statistic=y / se,
        df=None,
        p=float(2 * ndtr(-abs(y / se))),
        ci_low=y - half,
        ci_high=y + half,
        model=about.model,
        method="single sample",
        ci_method="wald",
        rho=about.rho,
        composite_rho=about.rho,
        metric=about.metric,
        level=about.level,
        weights=(100.0,),
        notes=about.notes,
        **_UNDEFINED,
    )


def _random_effects(
    y: Array, v: Array, method: Tau2Method, ci: CiMethod, fixed_tau2: float | None, about: Described
) -> Fit:
    samples, df = len(y), len(y) - 1
    found = describe(y, v, method, fixed=fixed_tau2)
    tau2, notes = found.tau2, (*_few(samples, method, ci), *about.notes)
    w = 1 / (v + tau2)
    estimate = float(np.dot(w, y) / w.sum())
    se = float(w.sum() ** -0.5)
    if ci.startswith("hksj"):
        rss = float(np.dot(w, (y - estimate) ** 2))
        if ci == "hksj" and no_spread(np.array([rss]), w[None], y[None])[0]:
            ci, notes = "hksj_adhoc", (*notes, EQUAL_EFFECTS)
        factor = rss / df
        se *= max(1.0, factor) ** 0.5 if ci == "hksj_adhoc" else factor**0.5
    normal = ci == "wald"
    tail = 0.5 + about.level / 2
    quantile = float(ndtri(tail)) if normal else float(stdtrit(df, tail))
    statistic = estimate / se
    random = method != "FE"
    predicts = random and samples >= 3
    limits = prediction_interval(estimate, se, tau2, samples - 2, about.level) if predicts else (None, None)
    return Fit(
        k=about.k,
        samples=samples,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=None if normal else float(df),
        p=float(2 * (ndtr(-abs(statistic)) if normal else stdtr(df, -abs(statistic)))),
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
        pi_low=limits[0],
        pi_high=limits[1],
        omega2=None,
        **_heterogeneity(y, v, found, random, about.level),
        model=about.model,
        method=method,
        ci_method=ci,
        rho=about.rho,
        composite_rho=about.rho,
        metric=about.metric,
        level=about.level,
        weights=tuple((100 * w / w.sum()).tolist()),
        notes=notes,
    )


def _heterogeneity(y: Array, v: Array, found: Heterogeneity, random: bool, level: float) -> dict[str, Any]:
    fields: dict[str, Any] = dataclasses.asdict(found) | {"q_p": float(chdtrc(found.q_df, found.q))}
    names = ("tau2_ci_low", "tau2_ci_high", "i2_ci_low", "i2_ci_high", "h2_ci_low", "h2_ci_high")
    if not random:
        return fields | dict.fromkeys(names)
    typical = typical_variance(v)
    low, high = tau2_interval(y, v, level)
    i2 = [100 * t / (t + typical) for t in (low, high)]
    h2 = [(t + typical) / typical for t in (low, high)]
    return fields | dict(zip(names, (low, high, *i2, *h2), strict=True))


def _multilevel(
    y: Array,
    v: Array,
    cluster: Sequence[Hashable],
    rho: float,
    model: str,
    level: float,
    metric: str | None,
    near: tuple[float, float] | None,
    covariance: Array | None,
) -> Fit:
    sampling_rho = rho if model == "che" else 0.0
    if covariance is None:
        fitted = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=sampling_rho, near=near)
        marginal = fitted.blocks.marginal(fitted.tau2, fitted.omega2)
    else:
        fitted, marginal = _declared(y, v, cluster, covariance)
    parts = fitted.blocks
    cut = parts.starts[1:]
    tested = robust(
        np.split(parts.y - parts.x @ fitted.beta, cut), fitted.beta, np.split(parts.x, cut), marginal, level=level
    )
    estimate, se, df, samples = float(fitted.beta[0]), float(tested.se[0]), float(tested.df[0]), tested.clusters
    statistic, p, ci, notes = float(tested.statistic[0]), float(tested.p[0]), "cr2", _notes(v)
    limits = float(tested.ci_low[0]), float(tested.ci_high[0])
    if df < LEAST_DF:
        hint = "with so few samples, or one that outweighs the rest, use model composites and report it as exploratory"
        shown = f"{model} with {samples} samples: {df:.1f} degrees of freedom"
        raise InputError([Problem("model", shown, f"at least {LEAST_DF:g} degrees of freedom", hint)])
    if not tested.spread[0]:
        se, df, ci, notes = float(fitted.covariance[0, 0]) ** 0.5, float(samples - 1), "wald_t", (*notes, EQUAL_WITHIN)
        statistic, half = estimate / se, float(stdtrit(df, 0.5 + level / 2)) * se
        p, limits = float(2 * stdtr(df, -abs(statistic))), (estimate - half, estimate + half)
    total = fitted.tau2 + fitted.omega2
    low, high = prediction_interval(estimate, se, total, samples - 2, level)
    interval = _tau2_limits(fitted, cluster, y, v, covariance, level) if near is None else (None, None)
    weights = np.array([np.linalg.solve(block, np.ones(len(block))).sum() for block in marginal])
    return Fit(
        k=len(y),
        samples=samples,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=df,
        p=p,
        ci_low=limits[0],
        ci_high=limits[1],
        pi_low=low,
        pi_high=high,
        tau2=fitted.tau2,
        tau2_se=None,
        tau2_ci_low=interval[0],
        tau2_ci_high=interval[1],
        omega2=fitted.omega2,
        i2=100 * total / (total + fitted.typical),
        i2_ci_low=None,
        i2_ci_high=None,
        h2=(total + fitted.typical) / fitted.typical,
        h2_ci_low=None,
        h2_ci_high=None,
        q=fitted.q,
        q_df=len(y) - 1,
        q_p=float(chdtrc(len(y) - 1, fitted.q)),
        **_information(fitted),
        model=model,
        method="REML",
        ci_method=ci,
        rho=sampling_rho if covariance is None else None,
        composite_rho=rho,
        metric=metric,
        level=level,
        weights=tuple((100 * weights / weights.sum()).tolist()),
        notes=notes,
    )


def _declared(y: Array, v: Array, cluster: Sequence[Hashable], covariance: Array) -> tuple[Multilevel, list[Array]]:
    """The fit under a sampling covariance that is given, and the marginal covariance matrix of each sample."""
    nested = fit_nested(y, v, [cluster], covariance=covariance)
    tau2, omega2 = nested.variances
    ordered = blocks(y, v, np.ones((len(y), 1)), cluster, 0.0)
    members = np.split(ordered.order, ordered.starts[1:])
    marginal = [covariance[np.ix_(m, m)] + tau2 + omega2 * np.eye(len(m)) for m in members]
    fitted = Multilevel(
        nested.beta, nested.covariance, tau2, omega2, nested.log_likelihood, nested.q, nested.typical, ordered
    )
    return fitted, marginal


def _tau2_limits(
    fitted: Multilevel, cluster: Sequence[Hashable], y: Array, v: Array, covariance: Array | None, level: float
) -> tuple[float, float]:
    if covariance is None:
        return variance_interval(fitted, 0, level)
    nested = fit_nested(y, v, [cluster], covariance=covariance)
    return nested_interval(y, v, [cluster], nested, 0, covariance=covariance, level=level)


def _information(fitted: Multilevel) -> dict[str, float]:
    value, parameters = fitted.log_likelihood, len(fitted.beta) + 2
    observations = len(fitted.blocks.y) - len(fitted.beta)
    return {
        "log_likelihood": value,
        "aic": 2 * parameters - 2 * value,
        "bic": float(np.log(observations)) * parameters - 2 * value,
    }
