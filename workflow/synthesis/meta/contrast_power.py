"""Power of the test of two levels of a moderator for the smallest difference that matters, and the samples it takes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import LARGEST_VARIANCE, check_effects, check_rho, column, labels, number, option
from synthesis.meta.kernel import Array
from synthesis.meta.multilevel import Blocks, blocks
from synthesis.meta.options import CiMethod, terms
from synthesis.meta.power import COUNTED, check_chances
from synthesis.meta.robust import LEAST_DF, robust, too_few_df

# From this shift in standard errors on the far tail is 0, and the noncentral t is not asked for it.
_CERTAIN = 30.0


@dataclass(frozen=True, slots=True)
class ContrastPower:
    """Power of the two-sided test of the difference `second` - `first` between two levels if it is `effect`.

    `k` effects of `samples` samples have a level, of any of the factor; `se`: standard error of the difference with
    these variances; `df` of its test, None for a normal one; `needed`: samples in all, in the same proportions and of
    the same precision, for a power of `wanted`.
    """

    effect: float
    first: str
    second: str
    k: int
    samples: int
    se: float
    df: float | None
    alpha: float
    power: float
    wanted: float
    needed: int


def contrast_power(
    effect: float,
    vi: ArrayLike,
    levels: Sequence[str],
    contrast: tuple[str, str],
    *,
    tau2: float = 0.0,
    ci: CiMethod = "hksj",
    cluster: Sequence[Hashable] | None = None,
    omega2: float = 0.0,
    rho: float = 0.6,
    alpha: float = 0.05,
    wanted: float = 0.8,
) -> ContrastPower:
    """Power to find a difference `effect` between the two levels of `contrast`; variances `vi` and `levels` are (k,).

    Hedges & Pigott (2004), Psychol Methods 9:426-445: the difference over its standard error, tau2 known, in the test
    of the regression on the factor. Normal for wald; for hksj and hksj_adhoc noncentral t with k - levels df, exact
    where the total variances are equal. Where effects share samples, named by `cluster` (k,), it is the test of
    `robust_regress`: the working model's standard error, and df of CR2, which grow with the samples. Raises InputError
    for a difference of 0, unknown levels, bad variances and chances, and a test of fewer than 4 df.
    """
    check_chances(effect, alpha, wanted, "a difference")
    normal = option("ci", ci, terms(CiMethod)) == "wald"
    v = _variances(vi, tau2, omega2)
    rows, difference = _coded(list(map(str, labels("levels", levels, len(v)))), contrast)
    if cluster is None:
        samples, spent = rows.shape
        se = math.sqrt(math.fsum(1 / (rows[:, difference != 0] / (v + tau2)[:, None]).sum(axis=0)))
        df = None if normal else float(samples - spent)
    else:
        check_rho(rho)
        ordered = blocks(np.zeros(len(v)), v, rows, labels("cluster", cluster, len(v)), rho)
        samples, spent = len(ordered.samples), 0
        se, df = _of_clusters(ordered, difference, tau2, omega2)
    _check_df(df, contrast)
    planned = _Planned(abs(effect) / se, samples, df, spent, alpha)
    return ContrastPower(
        effect=float(effect),
        first=contrast[0],
        second=contrast[1],
        k=len(v),
        samples=samples,
        se=se,
        df=df,
        alpha=float(alpha),
        power=planned.power(samples),
        wanted=float(wanted),
        needed=planned.needed(wanted),
    )


def _variances(vi: ArrayLike, tau2: object, omega2: object) -> Array:
    """The sampling variances (k,); raises InputError for them and for the others."""
    v = column("vi", vi, finite=False)
    if not len(v):
        raise InputError([Problem("vi", "no variances", "at least one for each level of the contrast")])
    check_effects([0.0] * len(v), v)
    for name, value in (("tau2", tau2), ("omega2", omega2)):
        number(name, value, 0, LARGEST_VARIANCE, allowed="a finite number of at least 0")
    return v


def _check_df(df: float | None, contrast: tuple[str, str]) -> None:
    if df is not None and df < LEAST_DF:
        raise InputError([Problem("levels", " and ".join(contrast), f"a test of {LEAST_DF:g} df", too_few_df(df))])


def _coded(named: list[str], contrast: tuple[str, str]) -> tuple[Array, Array]:
    """A column for each level, shape (k, levels), and the contrast of the levels' means, shape (levels,)."""
    levels = sorted(set(named))
    if not isinstance(contrast, (tuple, list)) or len(contrast) != 2:
        raise InputError([Problem("contrast", str(contrast), "two levels, as a pair")])
    for level in contrast:
        if level not in levels:
            raise InputError([Problem("contrast", str(level), "one of " + ", ".join(levels))])
    first, second = contrast
    if first == second:
        raise InputError([Problem("contrast", " and ".join(contrast), "two levels")])
    rows = np.array([[float(name == level) for level in levels] for name in named])
    return rows, np.array([float(level == second) - float(level == first) for level in levels])


def _of_clusters(ordered: Blocks, difference: Array, tau2: float, omega2: float) -> tuple[float, float]:
    """Standard error of a difference of levels in the working model, and the df of its CR2 test."""
    x, marginal = np.split(ordered.x, ordered.starts[1:]), ordered.marginal(tau2, omega2)
    information = sum((xj.T @ np.linalg.solve(vj, xj) for xj, vj in zip(x, marginal, strict=True)), np.zeros(1))
    se = math.sqrt(float(difference @ np.linalg.solve(information, difference)))
    nothing = [np.zeros(len(xj)) for xj in x]
    tested = robust(nothing, np.zeros(len(difference)), x, marginal, rows=difference[None])
    held_by = np.array([(xj != 0).any(axis=0) for xj in x]).sum(axis=0)
    # A sample that alone carries a level has no residual there.
    return se, float(tested.df[0]) if held_by[difference != 0].min() > 1 else 0.0


@dataclass(frozen=True, slots=True)
class _Planned:
    """A test whose shift is `shift` standard errors with `samples` samples.

    `df`: None for a normal one; else n - `spent` with n samples, or in proportion to them where nothing is spent.
    """

    shift: float
    samples: int
    df: float | None
    spent: int
    alpha: float

    def power(self, n: int) -> float:
        """Power with n samples of the same precision in the same proportions."""
        shift = self.shift * math.sqrt(n / self.samples)
        if self.df is None:
            critical = -float(scipy.special.ndtri(self.alpha / 2))
            return float(scipy.special.ndtr(shift - critical) + scipy.special.ndtr(-shift - critical))
        df = float(n - self.spent) if self.spent else self.df * n / self.samples
        critical = -float(scipy.special.stdtrit(df, self.alpha / 2))
        if shift - critical > _CERTAIN:
            return 1.0
        # The far side by reflection, since nctdtr is NaN below -critical for large shifts; where the share is 1 but for
        # rounding it is NaN as well (1e-15 before that), and the far side nothing.
        within = float(scipy.special.nctdtr(df, -shift, critical))
        far = 0.0 if math.isnan(within) else 1.0 - within
        return min(1.0, 1.0 - float(scipy.special.nctdtr(df, shift, critical)) + far)

    def needed(self, wanted: float) -> int:
        """Fewest samples with at least this power, and no fewer than have a test at all."""
        low = 1
        if self.df is not None:
            low = self.spent + math.ceil(LEAST_DF) if self.spent else math.ceil(LEAST_DF * self.samples / self.df)
        if self.power(low) >= wanted:
            return low
        high = 2 * low
        while self.power(high) < wanted:
            low, high = high, 2 * high
            if high > COUNTED:
                raise InputError([Problem("effect", "too small", "a difference that fewer than 1e15 samples find")])
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.power(middle) >= wanted else (middle, high)
        return high
