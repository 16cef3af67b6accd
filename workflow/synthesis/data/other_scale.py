"""Ratios entered as their logarithms, and logarithms as ratios: their limits are symmetric on the other scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from synthesis.data.implied import RATIOS, Doubt, decimals
from synthesis.data.printed import Row, has

# What an estimate must be off the middle of its limits, in half widths, beyond all that rounding does.
OFF = 0.02


def other_scale(row: Row) -> Iterator[Doubt]:
    """A ratio's interval is symmetric on the logarithm, a logarithm's as it stands."""
    statistic = row["statistic"]
    if not has(row, "value", "ci_low", "ci_high") or row["level"] != "study":
        return
    value, low, high = row["value"], row["ci_low"], row["ci_high"]
    if not 0 < low <= value <= high or low == high:
        return
    # Logarithms are printed with a decimal at least, ratios of rare events without.
    least = 0 if statistic in RATIOS else 1
    as_logarithm = _off(float, value, low, high, least)
    as_ratio = _off(math.log, value, low, high, least)
    interval = f"in the middle of [{low:g}, {high:g}]"
    if statistic.startswith("log_") and as_logarithm > OFF and as_ratio == 0:
        ratio = statistic.removeprefix("log_")
        hint = f"symmetric on the logarithm, so a ratio's interval? Then the statistic is {ratio}"
        yield "value", f"{value:g}", f"{interval}, of a logarithm", hint
    if statistic in RATIOS and as_ratio > OFF and as_logarithm == 0:
        hint = f"symmetric as it stands, so a logarithm's interval? Then the statistic is log_{statistic}"
        yield "value", f"{value:g}", f"{interval} on the logarithm", hint


def _off(scale: Callable[[float], float], value: float, low: float, high: float, least: int) -> float:
    """How far a value is from the middle, in half widths, beyond rounding of all three to `least` decimals or more."""
    unit = 0.5 * 10.0 ** -max(least, *(decimals(x) for x in (value, low, high)))
    if scale is not float and low <= unit:
        return 0.0
    middle = (scale(low) + scale(high)) / 2
    rounding = sum(
        (scale(x + unit) - scale(x - unit)) / 2 * share for x, share in ((value, 1), (low, 0.5), (high, 0.5))
    )
    half = (scale(high) - scale(low)) / 2
    return max(0.0, abs(scale(value) - middle) - rounding) / half if half > 0 else 0.0
