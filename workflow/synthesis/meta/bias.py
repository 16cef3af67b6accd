"""Small-study effects and publication bias. None of these proves or rules out bias: docs/defaults.md."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.dependent import robust_regress
from synthesis.meta.inputs import check_effects, check_options, column, flag, number, option
from synthesis.meta.kendall import kendall
from synthesis.meta.kernel import Array, no_spread, without_rounding
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.meta.pool import Fit, pool
from synthesis.meta.regression import regress

Predictor = Literal["sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv"]
TrimEstimator = Literal["L0", "R0", "Q0"]
# Sterne et al. (2011), BMJ 343:d4002: with fewer studies these tests cannot tell chance from asymmetry.
LEAST_STUDIES = 10
# One-sided significance in fail-safe numbers, and of the PET intercept that hands over to PEESE.
ALPHA = 0.05
_TRIM_ROUNDS = 100
_ON_THE_LINE = "the effects lie exactly on the line: without residual spread there is no test"


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """Regression of the effects on a measure of their precision.

    `statistic`, `df`, `p` test the slope (df None: normal); `limit` is the mean effect as the predictor goes to 0, with
    its interval, for predictors that do (None otherwise). `tau2` is None for the weighted regression "lm". Where the
    effects lie exactly on the line (equal effects do), "lm" has no residual spread: standard errors, tests and limits
    are None, with a note.
    """

    predictor: str
    model: str
    k: int
    slope: float
    slope_se: float | None
    statistic: float | None
    df: float | None
    p: float | None
    limit: float
    limit_se: float | None
    limit_p: float | None
    limit_ci_low: float | None
    limit_ci_high: float | None
    tau2: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankTest:
    """Kendall's tau between standardised effects and their variances; None where either does not vary."""

    tau: float | None
    p: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrimFill:
    """Trim and fill: `missing` studies imputed on `side`, with the pool of observed and imputed ones.

    `missing_p` (R0 only) tests that none is missing; `missing_se` is None where Q0 has none.
    """

    estimator: str
    side: str
    missing: int
    missing_se: float | None
    missing_p: float | None
    filled_yi: tuple[float, ...]
    filled_vi: tuple[float, ...]
    fit: Fit
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailSafe:
    """Number of null studies (Orwin: of mean effect 0) that would undo the result; None for Orwin with target 0.

    `observed` is the p (Rosenthal one-sided, Rosenberg two-sided) or the mean effect (Orwin) that is to be undone.
    """

    method: str
    number: int
    observed: float
    target: float


@dataclass(frozen=True, slots=True)
class PetPeese:
    """Precision-effect test, and its variant with the variance; `estimate` is that of the `chosen` one."""

    pet: Asymmetry
    peese: Asymmetry
    chosen: str
    estimate: float
    ci_low: float | None
    ci_high: float | None


def few_studies(k: int) -> tuple[str, ...]:
    """The warning that belongs to every test of small-study effects with fewer than 10 studies."""
    if k >= LEAST_STUDIES:
        return ()
    return (f"{k} studies: with fewer than {LEAST_STUDIES} this cannot tell chance from small-study effects",)


def egger(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    predictor: Predictor = "sei",
    n: Sequence[float] | None = None,
    model: Literal["lm", "rma"] = "lm",
    tau2: Tau2Method = "REML",
    ci: CiMethod = "wald",
    level: float = 0.95,
) -> Asymmetry:
    """Regression test for funnel asymmetry of `yi`, `vi`, shape (k,), k >= 3.

    lm: weighted regression with multiplicative dispersion, Egger et al. (1997) in the form of Sterne & Egger (2005);
    rma: mixed-effects regression with `tau2` and `ci`. Predictors: standard error, variance, or sample size `n` (k,)
    as it is, inverse, root, inverse root; the last is the one for correlations, whose standard error depends on n
    alone. Raises InputError for bad effects, a predictor without its n, and a predictor that does not vary.
    """
    y, v = check_effects(yi, vi, 3)
    check_options(tau2, ci, level)
    option("model", model, ("lm", "rma"))
    x = _predictor(predictor, v, n)
    regression = regress(
        y, v, {predictor: list(map(float, x))}, tau2="FE" if model == "lm" else tau2,
        ci="hksj" if model == "lm" else ci, level=level,
    )  # fmt: skip
    limits = predictor not in ("ni", "sqrtni")
    # The regression of "lm" has no other interval to fall back on.
    exact = model == "lm" and regression.ci_method != "hksj"
    return Asymmetry(
        predictor=predictor,
        model=model,
        k=len(y),
        slope=regression.estimate[1],
        slope_se=None if exact else regression.se[1],
        statistic=None if exact else regression.statistic[1],
        df=regression.df,
        p=None if exact else regression.p[1],
        limit=regression.estimate[0],
        limit_se=None if exact else regression.se[0],
        limit_p=None if exact else regression.p[0],
        limit_ci_low=regression.ci_low[0] if limits and not exact else None,
        limit_ci_high=regression.ci_high[0] if limits and not exact else None,
        tau2=None if model == "lm" else regression.tau2,
        notes=(*few_studies(len(y)), *((_ON_THE_LINE,) if exact else ())),
    )


def robust_egger(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable],
    *,
    predictor: Predictor = "sei",
    n: Sequence[float] | None = None,
    rho: float = 0.0,
    level: float = 0.95,
) -> Asymmetry:
    """The regression test for effects that share samples (`cluster`, shape (k,)): multilevel model, CR2 tests.

    Rodgers & Pustejovsky (2021), Psychol Methods 26:141-160. Tests are None below 4 degrees of freedom.
    """
    y, v = check_effects(yi, vi)
    x = _predictor(predictor, v, n)
    regression = robust_regress(y, v, {predictor: list(map(float, x))}, cluster, rho=rho, level=level)
    limits = predictor not in ("ni", "sqrtni")
    return Asymmetry(
        predictor=predictor,
        model="multilevel, CR2",
        k=len(y),
        slope=regression.estimate[1],
        slope_se=regression.se[1],
        statistic=regression.statistic[1],
        df=regression.df[1],
        p=regression.p[1],
        limit=regression.estimate[0],
        limit_se=regression.se[0],
        limit_p=regression.p[0],
        limit_ci_low=regression.ci_low[0] if limits else None,
        limit_ci_high=regression.ci_high[0] if limits else None,
        tau2=regression.tau2,
        notes=(*few_studies(regression.samples), *regression.notes),
    )


def _predictor(name: str, v: Array, n: Sequence[float] | None) -> Array:
    option("predictor", name, terms(Predictor))
    if name == "sei":
        return np.sqrt(v)
    if name == "vi":
        return v
    if n is None:
        raise InputError([Problem("n", "missing", f"a size per effect ({len(v)})")])
    size = column("n", n, len(v), finite=False)
    if not (np.isfinite(size) & (size > 0)).all():
        raise InputError([Problem("n", str(size.min()), "sample sizes above 0", "leave out effects without one")])
    return np.asarray({"ni": size, "ninv": 1 / size, "sqrtni": np.sqrt(size), "sqrtninv": size**-0.5}[name])


def pet_peese(yi: ArrayLike, vi: ArrayLike, *, level: float = 0.95) -> PetPeese:
    """PET, and PEESE where the intercept of PET is significant at .05 one-sided. Stanley & Doucouliagos (2014).

    Weighted regressions with multiplicative dispersion; `yi`, `vi` (k,), k >= 3. One-sided means in the direction of
    the estimate, so that the sign of the effects does not matter.
    """
    return _chosen(egger(yi, vi, level=level), egger(yi, vi, predictor="vi", level=level))


def robust_pet_peese(
    yi: ArrayLike, vi: ArrayLike, cluster: Sequence[Hashable], *, rho: float = 0.6, level: float = 0.95
) -> PetPeese:
    """PET-PEESE for effects that share samples (`cluster`, shape (k,)): multilevel model, CR2 tests (`robust_egger`).

    PET stays chosen, too, where its intercept has fewer than 4 degrees of freedom, and so no test.
    """
    pet = robust_egger(yi, vi, cluster, rho=rho, level=level)
    return _chosen(pet, robust_egger(yi, vi, cluster, predictor="vi", rho=rho, level=level))


def _chosen(pet: Asymmetry, peese: Asymmetry) -> PetPeese:
    significant = pet.limit_p is not None and pet.limit_p < 2 * ALPHA
    chosen = peese if significant else pet
    return PetPeese(
        pet, peese, "peese" if significant else "pet", chosen.limit, chosen.limit_ci_low, chosen.limit_ci_high
    )


def rank_test(yi: ArrayLike, vi: ArrayLike, *, exact: bool = True) -> RankTest:
    """Rank correlation of standardised effects with their variances. Begg & Mazumdar (1994). `yi`, `vi` (k,), k >= 3.

    The exact distribution of Kendall's tau is used where there are no ties among at most 500 studies, the normal one
    otherwise.
    """
    y, v = check_effects(yi, vi, 3)
    flag("exact", exact)
    w = 1 / v
    # Formed alike for equal studies, which are ties. Where one outweighs all others, the difference would be rounding.
    spread = v - 1 / w.sum()
    first = int(w.argmax())
    spread[first] = v[first] * math.fsum(np.delete(w, first)) / w.sum() if w[first] > w.sum() / 2 else spread[first]
    centred = y - np.dot(w, y) / w.sum()
    if no_spread(np.array([np.dot(w, centred**2)]), w[None], y[None])[0]:
        # Ranks of what rounding leaves would be chance.
        centred = np.zeros(len(y))
    standard = centred / np.sqrt(spread)
    ties = len(set(standard)) < len(y) or len(set(v)) < len(y)
    notes = few_studies(len(y))
    for name, values in (("variances", v), ("standardised effects", standard)):
        if len(set(values)) == 1:
            return RankTest(None, None, (*notes, f"all {name} are equal: there is nothing to rank"))
    return RankTest(*kendall(standard, v, exact=exact and not ties), notes)


def trim_fill(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: TrimEstimator = "L0",
    side: Literal["left", "right"] | None = None,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    level: float = 0.95,
) -> TrimFill:
    """Trim and fill of `yi`, `vi`, shape (k,), k >= 3. Duval & Tweedie (2000), J Am Stat Assoc 95:89-98.

    `side` is where studies are missing; by default the side away from which small studies lean (slope of the effects
    on their standard errors). Raises InputError where Q0 is not defined for the data (its root is of a negative).
    """
    y, v = check_effects(yi, vi, 3)
    check_options(tau2, ci, level)
    k = len(y)
    option("estimator", estimator, terms(TrimEstimator))
    if side is not None:
        option("side", side, ("left", "right"))
    else:
        side = _thin_side(y, v, tau2)
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    sorted_y, sorted_v = sign * y[order], v[order]
    missing, raw, centre = _trimmed(sorted_y, sorted_v, estimator, tau2)
    extreme = slice(k - missing, k)
    filled_y = sign * (2 * centre - sorted_y[extreme])
    filled_v = sorted_v[extreme]
    return TrimFill(
        estimator=estimator,
        side=side,
        missing=missing,
        missing_se=_missing_se(estimator, k, raw),
        missing_p=0.5 ** (missing + 1) if estimator == "R0" else None,
        filled_yi=tuple(map(float, filled_y)),
        filled_vi=tuple(map(float, filled_v)),
        fit=pool(np.append(y, filled_y), np.append(v, filled_v), tau2=tau2, ci=ci, level=level),
        notes=few_studies(k),
    )


def _thin_side(y: Array, v: Array, tau2: Tau2Method) -> Literal["left", "right"]:
    """The side away from which small studies lean."""
    slope = 0.0
    if np.ptp(v) > 0:
        slope = regress(y, v, {"sei": list(map(float, np.sqrt(v)))}, tau2=tau2, ci="wald").estimate[1]
    return "right" if slope < 0 else "left"


def _trimmed(y: Array, v: Array, estimator: TrimEstimator, tau2: Tau2Method) -> tuple[int, float, float]:
    """How many studies are missing on the left of `y`, which rises; the same before rounding; the centre without as
    many on the right."""
    k = len(y)
    missing, raw, centre = 0, 0.0, 0.0
    for _ in range(_TRIM_ROUNDS):
        kept = k - missing
        if kept < 2:
            break
        centre = pool(y[:kept], v[:kept], tau2=tau2, ci="wald").estimate
        shifted = without_rounding(y - centre, np.abs(y).max())
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(shifted), kind="stable")] = np.arange(1, k + 1)
        rank_sum = float(ranks[shifted > 0].sum())
        negative = ranks[shifted < 0]
        raw = _count_missing(estimator, k, rank_sum, float(negative.max()) if len(negative) else 0.0)
        new = max(0, round(raw))
        if new == missing:
            break
        missing = new
    return missing, raw, centre


def _count_missing(estimator: str, k: int, rank_sum: float, largest_negative: float) -> float:
    match estimator:
        case "R0":
            return k - largest_negative - 1
        case "L0":
            return (4 * rank_sum - k * (k + 1)) / (2 * k - 1)
    inside = 2 * k * k - 4 * rank_sum + 0.25
    if inside < 0:
        hint = "too many of the ranks lie on one side; use L0 or R0"
        raise InputError([Problem("estimator", "Q0", "data for which it is defined", hint)])
    return k - 0.5 - math.sqrt(inside)


def _missing_se(estimator: str, k: int, m: float) -> float | None:
    """Standard error of the unrounded number `m`; for R0 of the number, which is whole, and at least 0."""
    if estimator == "R0":
        return math.sqrt(2 * max(0.0, m) + 2)
    variance = (
        k * (k + 1) * (2 * k + 1) + 10 * m**3 + 27 * m**2 + 17 * m - 18 * k * m**2 - 18 * k * m + 6 * k * k * m
    ) / 24
    variance = max(0.0, variance)
    if estimator == "L0":
        return 4 * math.sqrt(variance) / (2 * k - 1)
    inside = (k - 0.5) ** 2 - m * (2 * k - m - 1)
    return 2 * math.sqrt(variance / inside) if inside > 0 else None


def fail_safe(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    method: Literal["rosenthal", "orwin", "rosenberg"] = "rosenberg",
    target: float | None = None,
) -> FailSafe:
    """Fail-safe number of `yi`, `vi`, shape (k,).

    rosenthal: Rosenthal (1979), Stouffer's z of the effects against 1.645; rosenberg: Rosenberg (2005), the
    common-effect z against 1.96 with null studies of mean weight; orwin: Orwin (1983), null studies that bring the
    common-effect mean to `target` (half of it by default). Reviewers ask for them; they assume that missing studies
    are null and homogeneous, and Cochrane advises against them. Raises InputError for a target of the other sign.
    """
    y, v = check_effects(yi, vi)
    option("method", method, ("rosenthal", "orwin", "rosenberg"))
    if target is not None:
        number("target", target, allowed="an effect other than 0")
    k, w = len(y), 1 / v
    mean = float(np.dot(w, y) / w.sum())
    if method == "orwin":
        goal = mean / 2 if target is None else math.copysign(target, mean) if target > 0 else target
        if goal * mean <= 0:
            raise InputError([Problem("target", f"{goal:g}", "an effect other than 0")])
        return FailSafe("orwin", max(0, math.ceil(k * (mean - goal) / goal)), mean, goal)
    if method == "rosenthal":
        total, critical = float((y / np.sqrt(v)).sum()) / math.sqrt(k), -float(scipy.special.ndtri(ALPHA))
        p = float(scipy.special.ndtr(-abs(total)))
    else:
        total, critical = mean * math.sqrt(w.sum()), -float(scipy.special.ndtri(ALPHA / 2))
        p = float(2 * scipy.special.ndtr(-abs(total)))
    return FailSafe(method, max(0, math.ceil(k * ((total / critical) ** 2 - 1))), p, ALPHA)


def funnel_limits(estimate: float, sei: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Pseudo-confidence limits of a funnel plot at standard errors `sei`, any shape."""
    half = float(scipy.special.ndtri(0.5 + level / 2)) * np.asarray(sei, dtype=float)
    return estimate - half, estimate + half
