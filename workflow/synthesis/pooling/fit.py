"""The random-effects fit: `pool(yi, vi)` and its result."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from synthesis.errors import InputError, Problem
from synthesis.models.vocabulary import CiMethod, Tau2Method, terms
from synthesis.pooling.dependence import check_rho, composites
from synthesis.pooling.heterogeneity import (
    Array,
    estimate_tau2,
    generalized_q,
    q_profile,
    tau2_standard_error,
    typical_variance,
    weighted_mean,
)

# A variance this many times the median is more often a slip (or a failed model) than a study.
EXTREME_VARIANCE = 1e5


@dataclass(frozen=True, slots=True)
class Fit:
    """A pooled result, in the units of yi (variances: squared). None: not defined for these data.

    `k` counts effects, `samples` independent samples; df, weights and heterogeneity refer to samples.
    `i2` in percent and `h2` come from tau2 and the typical variance; `level` is the confidence level.
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
    i2: float | None
    i2_ci_low: float | None
    i2_ci_high: float | None
    h2: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    method: str
    ci_method: str
    rho: float | None
    metric: str | None
    level: float
    weights: tuple[float, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields by name, ready for JSON."""
        return dataclasses.asdict(self)


def check_effects(yi: ArrayLike, vi: ArrayLike) -> tuple[Array, Array]:
    """`yi` and `vi` as float arrays of one shape (k,). Raises InputError with every bad position."""
    try:
        y, v = np.array(yi, dtype=float), np.array(vi, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError([Problem("yi, vi", str(error), "numbers")]) from None
    if y.ndim != 1 or y.shape != v.shape:
        shapes = f"shapes {y.shape} and {v.shape}"
        raise InputError([Problem("yi, vi", shapes, "two arrays of one shape (k,)")])
    if len(y) == 0:
        raise InputError([Problem("yi", "no effects", "at least one effect")])
    problems = [Problem(f"yi[{i}]", str(y[i]), "a finite number") for i in np.flatnonzero(~np.isfinite(y))]
    for i in np.flatnonzero(~(np.isfinite(v) & (v > 0))):
        hint = "a variance, not a standard error" if v[i] < 0 else ""
        problems.append(Problem(f"vi[{i}]", str(v[i]), "a finite number above 0", hint))
    if problems:
        raise InputError(problems)
    return y, v


def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    cluster: Sequence[Hashable] | None = None,
    rho: float = 0.6,
    level: float = 0.95,
    metric: str | None = None,
) -> Fit:
    """Pools effects `yi` with sampling variances `vi`, arrays of shape (k,), by a random-effects model.

    `cluster` (shape (k,)) names the independent sample of each effect: effects that share one are first combined
    into a composite with correlation `rho`. Intervals: wald (normal), hksj (Hartung & Knapp 2001; Sidik & Jonkman
    2002), hksj_adhoc (never narrower than Wald: Knapp & Hartung 2003). Prediction interval: t with samples - 2
    df, Higgins, Thompson & Spiegelhalter (2009), from three samples. With one sample the study itself is shown.
    Raises InputError for bad effects, options, rho or level.
    """
    y, v = check_effects(yi, vi)
    _check_options(tau2, ci, level)
    k, used_rho = len(y), None
    if cluster is not None:
        if len(cluster) != k:
            raise InputError([Problem("cluster", f"{len(cluster)} names", f"one per effect, that is {k}")])
        check_rho(rho)
        combined = composites(y, v, cluster, rho)
        used_rho = rho if len(combined.yi) < k else None
        y, v = combined.yi, combined.vi
    notes = _notes(v)
    if len(y) == 1:
        return _single(float(y[0]), float(v[0]), k, used_rho, metric, level, notes)
    return _random_effects(y, v, k, tau2, ci, used_rho, metric, level, notes)


def _check_options(tau2: str, ci: str, level: float) -> None:
    problems = []
    if tau2 not in terms(Tau2Method):
        problems.append(Problem("tau2", tau2, "one of " + ", ".join(terms(Tau2Method))))
    if ci not in terms(CiMethod):
        problems.append(Problem("ci", ci, "one of " + ", ".join(terms(CiMethod))))
    if not 0 < level < 1:
        hint = "95% is 0.95" if level > 1 else ""
        problems.append(Problem("level", f"{level:g}", "between 0 and 1", hint))
    if problems:
        raise InputError(problems)


def _notes(v: Array) -> tuple[str, ...]:
    notes = []
    if len(v) == 1:
        notes.append("one sample: its own estimate with a normal interval, no pooling")
    if len(v) == 2:
        notes.append("two samples: tau2 is hardly estimable and an HKSJ interval has one degree of freedom")
    if v.max() > EXTREME_VARIANCE * np.median(v):
        notes.append(f"one variance is more than {EXTREME_VARIANCE:g} times the median")
    return tuple(notes)


def _single(
    y: float,
    v: float,
    k: int,
    rho: float | None,
    metric: str | None,
    level: float,
    notes: tuple[str, ...],
) -> Fit:
    se = v**0.5
    half = float(ndtri(0.5 + level / 2)) * se
    return Fit(
        k=k,
        samples=1,
        estimate=y,
        se=se,
        statistic=y / se,
        df=None,
        p=float(2 * ndtr(-abs(y / se))),
        ci_low=y - half,
        ci_high=y + half,
        pi_low=None,
        pi_high=None,
        tau2=None,
        tau2_se=None,
        tau2_ci_low=None,
        tau2_ci_high=None,
        i2=None,
        i2_ci_low=None,
        i2_ci_high=None,
        h2=None,
        q=None,
        q_df=None,
        q_p=None,
        method="single sample",
        ci_method="wald",
        rho=rho,
        metric=metric,
        level=level,
        weights=(100.0,),
        notes=notes,
    )


def _random_effects(
    y: Array,
    v: Array,
    k: int,
    method: Tau2Method,
    ci: CiMethod,
    rho: float | None,
    metric: str | None,
    level: float,
    notes: tuple[str, ...],
) -> Fit:
    samples, df = len(y), len(y) - 1
    tau2 = estimate_tau2(y, v, method)
    w = 1 / (v + tau2)
    estimate = weighted_mean(y, w)
    se = float(w.sum() ** -0.5)
    if ci != "wald":
        factor = generalized_q(y, v, tau2) / df
        se *= max(1.0, factor) ** 0.5 if ci == "hksj_adhoc" else factor**0.5
        if factor == 0:
            notes = (*notes, "all effects are equal: the HKSJ interval has width 0")
    tail = 0.5 + level / 2
    quantile = float(ndtri(tail)) if ci == "wald" else float(stdtrit(df, tail))
    statistic = estimate / se if se > 0 else float(np.copysign(np.inf, estimate))
    p = 2 * (ndtr(-abs(statistic)) if ci == "wald" else stdtr(df, -abs(statistic)))
    q = generalized_q(y, v, 0.0)
    typical = typical_variance(v)
    low, high = q_profile(y, v, level)
    random = method != "FE"
    predicts = random and samples >= 3
    spread = float(stdtrit(samples - 2, tail)) * (tau2 + se**2) ** 0.5 if predicts else 0.0
    return Fit(
        k=k,
        samples=samples,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=None if ci == "wald" else float(df),
        p=float(p),
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
        pi_low=estimate - spread if predicts else None,
        pi_high=estimate + spread if predicts else None,
        tau2=tau2,
        tau2_se=tau2_standard_error(y, v, tau2, method),
        tau2_ci_low=low if random else None,
        tau2_ci_high=high if random else None,
        i2=100 * tau2 / (tau2 + typical) if random else max(0.0, 100 * (q - df) / q) if q else 0.0,
        i2_ci_low=100 * low / (low + typical) if random else None,
        i2_ci_high=100 * high / (high + typical) if random else None,
        h2=(tau2 + typical) / typical if random else q / df,
        q=q,
        q_df=df,
        q_p=float(chdtrc(df, q)),
        method=method,
        ci_method=ci,
        rho=rho,
        metric=metric,
        level=level,
        weights=tuple(float(x) for x in 100 * w / w.sum()),
        notes=notes,
    )
