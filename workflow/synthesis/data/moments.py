"""Mean and standard deviation of an arm, from whatever a source prints of it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist

from synthesis.data import printed
from synthesis.data.columns import SMALLEST
from synthesis.data.printed import Row
from synthesis.errors import CannotConvert

_quantile = NormalDist().inv_cdf


@dataclass(frozen=True, slots=True)
class Arm:
    """Mean and standard deviation, in units of the outcome, of `n` people."""

    mean: float
    sd: float
    n: float


def of_arm(row: Row, arm: str) -> Arm:
    """An arm (`treat`, `control`) with its printed mean; its SD is the printed one, or follows from the standard error
    or the 95% interval of the mean.

    Cochrane Handbook (version 6), section 6.5.2.2. CannotConvert names what is missing, and an interval that leaves out
    its mean.
    """
    errors = [f"se_{arm}"], [f"mean_ci_low_{arm}", f"mean_ci_high_{arm}"]
    known = next((names for names in errors if printed.has(row, *names)), None)
    if printed.has(row, f"sd_{arm}") or known is None:
        mean, sd, n = printed.need(row, f"mean_{arm}", f"sd_{arm}", f"n_{arm}")
        return Arm(mean, sd, n)
    if row.get("effective"):
        allowed = "empty beside a standard error or an interval of an arm"
        hint = "divided sizes would change the SD behind it: enter the SD"
        raise printed.refusal("design_effect", float(row["design_effect"]), allowed, hint)
    mean, n, *numbers = printed.need(row, f"mean_{arm}", f"n_{arm}", *known)
    if len(numbers) == 1:
        return Arm(mean, numbers[0] * math.sqrt(n), n)
    low, high = numbers
    if not (low <= mean <= high and high - low > SMALLEST):
        raise printed.refusal(
            f"mean_{arm}", mean, f"inside [{low:g}, {high:g}]", "a sign lost, or another arm's limits?"
        )
    return Arm(mean, math.sqrt(n) * (high - low) / (2 * t_975(n - 1)), n)


def of_both(row: Row) -> tuple[Arm, Arm]:
    """Both arms with means. CannotConvert names everything that is missing of them."""
    missing: list[str] = []
    for arm in ("treat", "control"):
        stands_in = (f"se_{arm}",), (f"mean_ci_low_{arm}", f"mean_ci_high_{arm}")
        needed = [f"mean_{arm}", f"n_{arm}"] if any(printed.has(row, *names) for names in stands_in) else []
        needed = needed or [f"mean_{arm}", f"sd_{arm}", f"n_{arm}"]
        missing += [name for name in needed if not printed.has(row, name)]
    if missing:
        printed.need(row, *missing)
    return of_arm(row, "treat"), of_arm(row, "control")


def of_quantiles(row: Row, arm: str) -> Arm:
    """An arm (`treat`, `control`) of which a source prints the median with quartiles, range or both.

    Wan et al. (2014), BMC Med Res Methodol 14:135, scenarios C1 (range), C2 (both) and C3 (quartiles); right for an
    outcome that is nearly normal. CannotConvert where neither quartiles nor range are printed, or out of order.
    """
    quartiles, extremes = (f"q1_{arm}", f"q3_{arm}"), (f"min_{arm}", f"max_{arm}")
    has_quartiles, has_range = printed.has(row, *quartiles), printed.has(row, *extremes)
    names = [*(quartiles if has_quartiles or not has_range else ()), *(extremes if has_range else ())]
    middle, n, *numbers = printed.need(row, f"median_{arm}", f"n_{arm}", *names)
    quantiles = dict(zip(names, numbers, strict=True))
    ordered = [(name, quantiles[name]) for name in (extremes[0], quartiles[0]) if name in quantiles]
    ordered += [(f"median_{arm}", middle)]
    ordered += [(name, quantiles[name]) for name in (quartiles[1], extremes[1]) if name in quantiles]
    for (low, lower), (high, upper) in itertools.pairwise(ordered):
        if lower > upper:
            raise printed.refusal(low, lower, f"at most {high} {upper:g}", "swapped?")
    if not ordered[-1][1] - ordered[0][1] > SMALLEST:
        raise printed.refusal(ordered[-1][0], ordered[-1][1], f"above {ordered[0][0]} {ordered[0][1]:g}", "no spread")
    return Arm(*_wan(middle, [quantiles[x] for x in quartiles] if has_quartiles else None,
                     [quantiles[x] for x in extremes] if has_range else None, n), n)  # fmt: skip


def _wan(middle: float, quartiles: list[float] | None, extremes: list[float] | None, n: float) -> tuple[float, float]:
    """Mean and SD. Wan et al. (2014)."""
    means, spreads = [], []
    if extremes:
        means.append((extremes[0] + 2 * middle + extremes[1]) / 4)
        spreads.append((extremes[1] - extremes[0]) / (2 * _quantile((n - 0.375) / (n + 0.25))))
    if quartiles:
        means.append((quartiles[0] + middle + quartiles[1]) / 3)
        spreads.append((quartiles[1] - quartiles[0]) / (2 * _quantile((0.75 * n - 0.125) / (n + 0.25))))
    if extremes and quartiles:
        mean = (extremes[0] + 2 * quartiles[0] + 2 * middle + 2 * quartiles[1] + extremes[1]) / 8
        return mean, math.fsum(spreads) / 2
    return means[0], spreads[0]


def pooled_sd(treat: Arm, control: Arm) -> float:
    """Standard deviation within two arms. CannotConvert where both have fewer than 2 degrees of freedom together."""
    df = treat.n + control.n - 2
    if not df > 1:
        raise CannotConvert(f"{df:g} degrees of freedom are too few for Hedges' correction")
    return math.sqrt(((treat.n - 1) * treat.sd**2 + (control.n - 1) * control.sd**2) / df)


def t_975(df: float) -> float:
    """The quantile of t behind a printed 95% interval."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.975))
