"""Power of a pool for the smallest effect that matters, and the samples that it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import LARGEST_VARIANCE, check_effects, column, number

# Beyond this a float no longer counts one by one.
COUNTED = 1e15


@dataclass(frozen=True, slots=True)
class PoolPower:
    """Power of the two-sided test of a pool of `k` samples if the mean effect is `effect`.

    `se`: standard error of the pool with this tau2; `needed`: samples of the same precision for a power of `wanted`.
    """

    effect: float
    k: int
    tau2: float
    se: float
    alpha: float
    power: float
    wanted: float
    needed: int


def pool_power(
    effect: float, vi: ArrayLike, *, tau2: float = 0.0, alpha: float = 0.05, wanted: float = 0.8
) -> PoolPower:
    """Power of a random-effects pool of samples with variances `vi`, shape (k,), to find a mean effect.

    Hedges & Pigott (2001), Psychol Methods 6:203-217, eq. 12; Valentine, Pigott & Rothstein (2010), J Educ Behav Stat
    35:215-247: with lambda = effect / se and se^-2 = sum of 1 / (vi + tau2) it is Phi(lambda - c) + Phi(-lambda - c),
    c the two-sided quantile of `alpha`; tau2 is taken as known. `needed`: samples whose 1 / (vi + tau2) is the mean of
    these. Of few samples the test by t with the HKSJ variance finds less. Raises InputError for an effect of 0, bad
    variances, and chances that are not between 0 and 1 (`wanted`: not above `alpha`).
    """
    check_chances(effect, alpha, wanted, "an effect")
    v = column("vi", vi, finite=False)
    if not len(v):
        raise InputError([Problem("vi", "no variances", "at least one")])
    check_effects([0.0] * len(v), v)
    number("tau2", tau2, 0, LARGEST_VARIANCE, allowed="a finite number of at least 0")
    each = float((1 / (v + tau2)).mean())
    critical = -float(scipy.special.ndtri(alpha / 2))

    def of(samples: float) -> float:
        shift = abs(effect) * math.sqrt(samples * each)
        return float(scipy.special.ndtr(shift - critical) + scipy.special.ndtr(-shift - critical))

    # Without the far tail it is a formula, which asks for a little more than is needed.
    estimate = ((critical + float(scipy.special.ndtri(wanted))) / effect) ** 2 / each
    if not estimate < COUNTED:
        raise InputError([Problem("effect", f"{effect:g}", "an effect that fewer than 1e15 samples find")])
    needed = max(1, math.ceil(estimate))
    while needed > 1 and of(needed - 1) >= wanted:
        needed -= 1
    return PoolPower(
        effect=float(effect),
        k=len(v),
        tau2=float(tau2),
        se=1 / math.sqrt(each * len(v)),
        alpha=float(alpha),
        power=of(len(v)),
        wanted=float(wanted),
        needed=needed,
    )


def check_chances(
    effect: float, alpha: float, wanted: float, what: str, names: tuple[str, str] = ("effect", "wanted")
) -> None:
    """Raises InputError for an effect of 0, and chances that are not between 0 and 1 (`wanted`: not above `alpha`).

    `names`: those of the effect and of the power.
    """
    number(names[0], effect, allowed=f"{what} other than 0")
    if effect == 0:
        raise InputError([Problem(names[0], "0", f"{what} other than 0", "no number of samples finds it")])
    number("alpha", alpha, 1e-12, 1 - 1e-12, allowed="between 0 and 1")
    number(names[1], wanted, alpha, 1 - 1e-12, allowed="a power between alpha and 1")
