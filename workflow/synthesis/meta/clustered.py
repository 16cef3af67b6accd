"""Pools of single effects that share samples: models with variances between and within samples, tested by CR2."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from synthesis.errors import InputError, Problem
from synthesis.meta.crossed import check_crossed, fit_crossed
from synthesis.meta.inputs import labels
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import fit_multilevel, variance_interval
from synthesis.meta.nested import fit_nested, nested_interval
from synthesis.meta.result import Fit, LevelVariance, notes_on, prediction_interval
from synthesis.meta.robust import LEAST_DF, Robust, robust

EQUAL_WITHIN = (
    "the effects have no spread: the cluster-robust interval has width 0; given is the model's own, by t with "
    "samples - 1 df"
)
CROSSED = (
    "random effects are crossed, so that no groups are independent of each other: the interval is the model's own, by "
    "t with the fewest members of one of them less 1 df"
)
SAMPLE, EFFECT = "sample", "effect"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a model. `covariance` (k, k): checked, in place of `rho`; `levels`: labels (k,) by name, from
    the top, above the sample; `crossed`: labels (k,) by name, of what is nested in nothing else; `near`: variances to
    start from, then without their intervals; `restricted`: REML, else ML."""

    model: str
    rho: float
    level: float
    metric: str | None
    near: tuple[float, float] | None = None
    covariance: Array | None = None
    levels: Mapping[str, Sequence[Hashable]] = dataclasses.field(default_factory=dict)
    crossed: Mapping[str, Sequence[Hashable]] = dataclasses.field(default_factory=dict)
    restricted: bool = True


@dataclass(frozen=True, slots=True)
class _Model:
    """The numbers of a fitted model. `variance`: the model's own of the estimate; `weights` (samples,) do not sum to
    anything; `parameters`: coefficients and variances; `tested`: by CR2, None where nothing is independent of the rest;
    `independent`: how many groups the tests are between."""

    estimate: float
    variance: float
    tau2: float
    omega2: float | None
    interval: tuple[float | None, float | None]
    typical: float
    q: float
    log_likelihood: float
    parameters: int
    tested: Robust | None
    independent: int
    weights: Array
    samples: int
    rho: float | None
    levels: tuple[LevelVariance, ...] = ()


def clustered(y: Array, v: Array, cluster: Sequence[Hashable], asked: Asked) -> Fit:
    """The pool of effects `y` with variances `v` (k,) of the samples `cluster` (k,).

    Raises InputError where CR2 has fewer than 4 degrees of freedom, and as `fit_nested`.
    """
    if asked.crossed:
        return _as_fit(y, v, _crossed(y, v, cluster, asked), asked)
    given = asked.covariance is not None or asked.levels
    return _as_fit(y, v, (_declared if given else _multilevel)(y, v, cluster, asked), asked)


def _multilevel(y: Array, v: Array, cluster: Sequence[Hashable], asked: Asked) -> _Model:
    rho = asked.rho if asked.model == "che" else 0.0
    fitted = fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=rho, near=asked.near)
    parts = fitted.blocks
    marginal = parts.marginal(fitted.tau2, fitted.omega2)
    residuals = parts.parts(parts.y - parts.x @ fitted.beta)
    tested = robust(residuals, fitted.beta, parts.parts(parts.x), marginal, level=asked.level)
    return _Model(
        estimate=float(fitted.beta[0]),
        variance=float(fitted.covariance[0, 0]),
        tau2=fitted.tau2,
        omega2=fitted.omega2,
        interval=variance_interval(fitted, 0, asked.level) if asked.near is None else (None, None),
        typical=fitted.typical,
        q=fitted.q,
        log_likelihood=fitted.log_likelihood,
        parameters=len(fitted.beta) + 2,
        tested=tested,
        independent=tested.clusters,
        weights=_precisions(marginal),
        samples=tested.clusters,
        rho=rho,
    )


def _precisions(marginal: list[Array]) -> Array:
    """The sum of the inverse of each covariance matrix, those of one size at once."""
    places: dict[int, list[int]] = {}
    for i, block in enumerate(marginal):
        places.setdefault(len(block), []).append(i)
    sums = np.empty(len(marginal))
    for size, at in places.items():
        solved = np.linalg.solve(np.array([marginal[i] for i in at]), np.ones((len(at), size, 1)))
        sums[at] = solved[:, :, 0].sum(axis=1)
    return sums


def _declared(y: Array, v: Array, cluster: Sequence[Hashable], asked: Asked) -> _Model:
    """The fit under a sampling covariance that is given, or with levels above the sample, or both."""
    names = [*asked.levels, SAMPLE, EFFECT]
    grouped = [labels(f"levels {name}", given, len(y)) for name, given in asked.levels.items()] + [list(cluster)]
    _check_nesting(names, grouped)
    if len(set(cluster)) == len(y):
        # Where no sample repeats it is the effect: two variances could not be told apart.
        grouped, names = grouped[:-1], names[:-1]
    covariance = asked.covariance
    if covariance is None and asked.model == "che" and EFFECT in names:
        covariance = _correlated(v, cluster, asked.rho)
    fitted = fit_nested(y, v, grouped, covariance=covariance, level=asked.level)
    limits: list[tuple[float | None, float | None]] = [(None, None)] * len(names)
    if asked.near is None:
        limits = [
            nested_interval(y, v, grouped, fitted, at, covariance=covariance, level=asked.level)
            for at in range(len(names))
        ]
    members = [*(len(set(named)) for named in grouped), len(y)]
    described = [
        LevelVariance(name, count, variance, *to)
        for name, count, variance, to in zip(names, members, fitted.variances, limits, strict=True)
    ]
    within = fitted.variances[-1] if EFFECT in names else None
    return _Model(
        estimate=float(fitted.beta[0]),
        variance=float(fitted.covariance[0, 0]),
        tau2=math.fsum(fitted.variances[:-1]) if within is not None else math.fsum(fitted.variances),
        omega2=within,
        interval=limits[0] if not asked.levels else (None, None),
        typical=fitted.typical,
        q=fitted.q,
        log_likelihood=fitted.log_likelihood,
        parameters=len(fitted.beta) + len(names),
        tested=fitted.tested,
        independent=fitted.tested.clusters,
        weights=_by_sample(fitted.weights, cluster),
        samples=len(set(cluster)),
        rho=_rho_of(asked, within is not None),
        levels=tuple(described) if asked.levels else (),
    )


def _crossed(y: Array, v: Array, cluster: Sequence[Hashable], asked: Asked) -> _Model:
    """The fit with random effects that are not nested, beside those of levels, samples and effects."""
    nested = {SAMPLE: list(cluster)} if len(set(cluster)) < len(y) else {}
    above = {name: labels(f"levels {name}", given, len(y)) for name, given in asked.levels.items()}
    if above:
        _check_nesting([*above, SAMPLE], [*above.values(), list(cluster)])
    crossed = {name: labels(f"crossed {name}", given, len(y)) for name, given in asked.crossed.items()}
    check_crossed([*above, *nested, *crossed], [*above.values(), *nested.values(), *crossed.values()])
    factors = crossed | above | nested
    last = EFFECT if nested else SAMPLE
    covariance = asked.covariance
    if covariance is None:
        covariance = _correlated(v, cluster, asked.rho if asked.model == "che" and nested else 0.0)
    level = asked.level if asked.near is None else None
    fitted = fit_crossed(y, v, list(factors.values()), covariance, restricted=asked.restricted, level=level)
    members = [*(len(set(named)) for named in factors.values()), len(y)]
    described = [
        LevelVariance(name, count, variance, *to, crossed=name in crossed)
        for name, count, variance, to in zip([*factors, last], members, fitted.variances, fitted.intervals, strict=True)
    ]
    return _Model(
        estimate=fitted.estimate,
        variance=fitted.variance,
        tau2=math.fsum(fitted.variances[:-1]) if nested else math.fsum(fitted.variances),
        omega2=fitted.variances[-1] if nested else None,
        interval=(None, None),
        typical=fitted.typical,
        q=fitted.q,
        log_likelihood=fitted.log_likelihood,
        parameters=2 + len(factors),
        tested=None,
        independent=min(members),
        weights=_by_sample(fitted.weights.tolist(), cluster),
        samples=len(set(cluster)),
        rho=_rho_of(asked, bool(nested)),
        levels=tuple(described),
    )


def _rho_of(asked: Asked, repeats: bool) -> float | None:
    """The correlation that was used; None where a covariance took its place, or no sample repeats."""
    if asked.covariance is not None or not repeats:
        return None
    return asked.rho if asked.model == "che" else 0.0


def _correlated(v: Array, cluster: Sequence[Hashable], rho: float) -> Array:
    """The sampling covariance of effects that are correlated `rho` within samples."""
    if rho == 1:
        raise InputError([Problem("rho", "1", "a correlation of at least 0 and below 1 for this model")])
    codes = {name: code for code, name in enumerate(dict.fromkeys(cluster))}
    member = np.array([codes[name] for name in cluster])
    matrix = rho * np.sqrt(np.outer(v, v)) * (member[:, None] == member)
    np.fill_diagonal(matrix, v)
    return np.asarray(matrix)


def _check_nesting(names: Sequence[str], grouped: Sequence[Sequence[Hashable]]) -> None:
    """Each member of a level within one of the level above; more than one at the top."""
    for (upper, above), (lower, below) in zip(
        zip(names, grouped, strict=False), list(zip(names, grouped, strict=False))[1:], strict=False
    ):
        parents: dict[Hashable, Hashable] = {}
        for top, inner in zip(above, below, strict=True):
            if parents.setdefault(inner, top) != top:
                allowed = f"one {upper} for each {lower}"
                hint = f"other people with the same name? Name each {lower} once over all"
                raise InputError([Problem("levels", f"{lower} {inner} in {parents[inner]} and {top}", allowed, hint)])
    if len(set(grouped[0])) == 1:
        hint = f"one {names[0]} says nothing about the spread between them"
        raise InputError([Problem("levels", f"one {names[0]}", "at least two at the top level", hint)])


def _by_sample(weights: Iterable[float], cluster: Sequence[Hashable]) -> Array:
    """The weights of the effects added up by sample, in order of first appearance."""
    total: dict[Hashable, float] = {}
    for name, weight in zip(cluster, weights, strict=True):
        total[name] = total.get(name, 0.0) + weight
    return np.array(list(total.values()))


@dataclass(frozen=True, slots=True)
class _Interval:
    """Test and confidence interval of the estimate, and how they were made."""

    se: float
    df: float
    statistic: float
    p: float
    low: float
    high: float
    method: str
    notes: tuple[str, ...] = ()


def _interval(model: _Model, asked: Asked) -> _Interval:
    """By CR2; by the model's own variance where the effects have no spread around it, or nothing is independent."""
    tested = model.tested
    if tested is None:
        return _by_model(model, asked.level, CROSSED)
    df = float(tested.df[0])
    if df < LEAST_DF:
        raise _too_few(asked, tested.clusters, df)
    if tested.spread[0]:
        se, statistic, p = float(tested.se[0]), float(tested.statistic[0]), float(tested.p[0])
        return _Interval(se, df, statistic, p, float(tested.ci_low[0]), float(tested.ci_high[0]), "cr2")
    return _by_model(model, asked.level, EQUAL_WITHIN)


def _by_model(model: _Model, level: float, note: str) -> _Interval:
    """By the model's own variance and t."""
    se, df = model.variance**0.5, float(model.independent - 1)
    statistic, half = model.estimate / se, float(scipy.special.stdtrit(df, 0.5 + level / 2)) * se
    p = float(2 * scipy.special.stdtr(df, -abs(statistic)))
    low, high = model.estimate - half, model.estimate + half
    return _Interval(se, df, statistic, p, low, high, "wald_t", (note,))


def _as_fit(y: Array, v: Array, model: _Model, asked: Asked) -> Fit:
    interval = _interval(model, asked)
    total = model.tau2 + (model.omega2 or 0.0)
    # Independent are the members of the top level: the samples, or what holds them.
    low, high = _predicted(model, interval.se, total, asked.level)
    return Fit(
        k=len(y),
        samples=model.samples,
        estimate=model.estimate,
        se=interval.se,
        statistic=interval.statistic,
        df=interval.df,
        p=interval.p,
        ci_low=interval.low,
        ci_high=interval.high,
        pi_low=low,
        pi_high=high,
        tau2=model.tau2,
        tau2_se=None,
        tau2_ci_low=model.interval[0],
        tau2_ci_high=model.interval[1],
        omega2=model.omega2,
        i2=100 * total / (total + model.typical),
        i2_ci_low=None,
        i2_ci_high=None,
        h2=(total + model.typical) / model.typical,
        h2_ci_low=None,
        h2_ci_high=None,
        q=model.q,
        q_df=len(y) - 1,
        q_p=float(scipy.special.chdtrc(len(y) - 1, model.q)),
        **_information(model, len(y) - asked.restricted),
        model=asked.model,
        method="REML" if asked.restricted else "ML",
        ci_method=interval.method,
        rho=model.rho,
        composite_rho=asked.rho,
        metric=asked.metric,
        level=asked.level,
        weights=tuple((100 * model.weights / model.weights.sum()).tolist()),
        notes=(*notes_on(v, len(v)), *interval.notes),
        levels=model.levels,
    )


def _predicted(model: _Model, se: float, total: float, level: float) -> tuple[float, float] | tuple[None, None]:
    """The prediction interval; none between two groups."""
    if model.independent < 3:
        return None, None
    return prediction_interval(model.estimate, se, total, model.independent - 2, level)


def _too_few(asked: Asked, clusters: int, df: float) -> InputError:
    top_level = next(iter(asked.levels), "samples")
    hint = "with so few samples, or one that outweighs the rest, use model composites and report it as exploratory"
    if asked.levels:
        hint = f"with so few of them, or one that outweighs the rest, leave the level {top_level} out and report it"
    given = f"{asked.model} with {clusters} {top_level}: {df:.1f} degrees of freedom"
    return InputError([Problem("model", given, f"at least {LEAST_DF:g} degrees of freedom", hint)])


def _information(model: _Model, count: int) -> dict[str, float]:
    value, parameters = model.log_likelihood, model.parameters
    return {
        "log_likelihood": value,
        "aic": 2 * parameters - 2 * value,
        "bic": float(np.log(count)) * parameters - 2 * value,
    }
