"""What a row's own numbers imply of its standard error: its sample sizes, its interval, its counts."""

from __future__ import annotations

import math
from collections.abc import Callable

from synthesis.data.printed import Row, has

# (column, value, allowed, hint)
Doubt = tuple[str, str, str, str]

# Two-sided normal quantile behind a printed 95% interval.
Z_95 = 1.959963984540054
# Printed as ratios, their intervals symmetric on the logarithm.
RATIOS = ("or", "rr", "hr", "irr", "rom")
DIFFERENCES = ("d", "g", "smd")
# Logarithms of ratios above this have no ratio that floating point holds with all its digits.
FAR_LOGARITHM = 10.0


def expected_se(row: Row) -> float | None:
    """The standard error of the value that the sample sizes imply, on the scale that `se` is on; None without them.

    Differences: Hedges (1981), 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)); Fisher's z: 1 / (n - 3); r: (1 - r^2)^2 / (n - 1);
    odds ratios with counts: Woolf (1955).
    """
    value: float | None = row["value"]
    n: float | None = row["n"]
    if row["level"] != "study" or value is None:
        return None
    if row["statistic"] in DIFFERENCES and has(row, "n_treat", "n_control"):
        treat, control = float(row["n_treat"]), float(row["n_control"])
        return math.sqrt(1 / treat + 1 / control + value * value / (2 * (treat + control)))
    if row["statistic"] in DIFFERENCES and n is not None:
        return math.sqrt(4 / n + value * value / (2 * n))
    if row["statistic"] == "z" and n is not None and n > 3:
        return 1 / math.sqrt(n - 3)
    if row["statistic"] == "r" and n is not None and abs(value) < 1:
        return (1 - value * value) / math.sqrt(n - 1)
    cells = _cells(row)
    if row["statistic"] == "or" and cells is not None:
        return math.sqrt(sum(1 / cell for cell in cells))
    return None


def _cells(row: Row) -> list[float] | None:
    """The cells of a 2x2 table, where all of them are above 0."""
    if not has(row, "events_treat", "total_treat", "events_control", "total_control"):
        return None
    cells = [row["events_treat"], row["total_treat"] - row["events_treat"]]
    cells += [row["events_control"], row["total_control"] - row["events_control"]]
    return cells if min(cells) > 0 else None


def least_se(row: Row) -> float | None:
    """The smallest standard error that any rates of events allow, on the scale that `se` is on; None without them.

    Odds ratio: half of each arm has the event, 4/n1 + 4/n2. Hazard ratio: everybody has it, 1/n1 + 1/n2. Risk ratio R:
    the larger risk is 1, (R - 1)/n2 or (1 - R)/(R n1). Risk difference D: a risk is 0 or 1, D (1 - D)/max(n1, n2).
    """
    if not has(row, "n_treat", "n_control", "value"):
        return None
    n_treat, n_control, value = float(row["n_treat"]), float(row["n_control"]), float(row["value"])
    match row["statistic"]:
        case "or" | "log_or":
            return math.sqrt(4 / n_treat + 4 / n_control)
        case "hr" | "log_hr":
            return math.sqrt(1 / n_treat + 1 / n_control)
        case "rd" if abs(value) < 1:
            return math.sqrt(abs(value) * (1 - abs(value)) / max(n_treat, n_control))
        case "log_rr" if abs(value) < FAR_LOGARITHM:
            ratio = math.exp(value)
        case "rr" if value > 0:
            ratio = value
        case _:
            return None
    return math.sqrt((ratio - 1) / n_control if ratio > 1 else (1 - ratio) / (ratio * n_treat))


def scale_of(row: Row) -> Callable[[float], float] | None:
    """The scale on which a statistic's interval is symmetric: logarithm, Fisher's z, or its own; None for limits that
    have no place on it.
    """
    limits = [row[name] for name in ("ci_low", "ci_high") if row[name] is not None]
    if row["statistic"] in RATIOS:
        return math.log if all(x > 0 for x in limits) else None
    if row["statistic"] == "r":
        return math.atanh if all(abs(x) < 1 for x in limits) else None
    return float


def implied_se(row: Row) -> float | None:
    """The standard error that a 95% interval implies, on its scale; None without limits of some width."""
    scale = scale_of(row)
    if not has(row, "ci_low", "ci_high") or scale is None or not row["ci_low"] < row["ci_high"]:
        return None
    # The logarithms of two huge limits may be one number.
    width = scale(row["ci_high"]) - scale(row["ci_low"])
    return width / (2 * Z_95) if width > 0 else None


def reported_se(row: Row) -> float | None:
    """The standard error that a row prints, as such or as its square."""
    if row["se"] is not None:
        return float(row["se"])
    return None if row["variance"] is None else math.sqrt(row["variance"])


def sizes(row: Row) -> str:
    """The sample sizes of a row in words."""
    names = ("n_treat", "n_control") if has(row, "n_treat", "n_control") else ("n",)
    if not has(row, *names):
        names = ("total_treat", "total_control")
    return " and ".join(f"{name} {row[name]:g}" for name in names if row[name] is not None)


def off_middle_by(scale: Callable[[float], float], value: float, low: float, high: float) -> float:
    """How far a value is from the middle, in half widths, less what rounding of the three can do."""
    unit = 0.5 * 10.0 ** -max(decimals(x) for x in (value, low, high))
    left, right, middle = scale(low), scale(high), scale(value)
    half = (right - left) / 2
    slack = 0.0
    for number in (value, low, high):
        try:
            slack += abs(scale(number + unit) - scale(number - unit)) / 2
        except ValueError:
            return 0.0
    return max(0.0, abs(middle - (left + right) / 2) - slack) / half


def decimals(number: float) -> int:
    """How many decimals a number is printed with, zeros at its end aside."""
    mantissa, _, exponent = f"{number!r}".partition("e")
    decimals = len(mantissa.partition(".")[2].rstrip("0"))
    return min(max(0, decimals - int(exponent or 0)), 300)
