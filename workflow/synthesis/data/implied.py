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
# Of before and after, where none is printed.
USUAL_PRE_POST_R = 0.75


def expected_se(row: Row) -> float | None:
    """The standard error of the value that the sample sizes imply, on the scale that `se` is on; None without them.

    Differences: Hedges (1981), 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)); Fisher's z: 1 / (n - 3); r: (1 - r^2)^2 / (n - 1);
    ratios and risk differences with counts: `of_counts`; differences of means with SDs: s1^2/n1 + s2^2/n2; changes of
    one group in SDs: Becker (1988), 2 (1 - r)/n + g^2 / (2 n), by the SD of change 1/n + g^2 / (2 n).
    """
    value: float | None = row["value"]
    n: float | None = row["n"]
    statistic = row["statistic"]
    if row["level"] != "study" or value is None:
        return None
    if statistic in DIFFERENCES and has(row, "n_treat", "n_control"):
        treat, control = float(row["n_treat"]), float(row["n_control"])
        return math.sqrt(1 / treat + 1 / control + value * value / (2 * (treat + control)))
    if statistic in DIFFERENCES and n is not None:
        return math.sqrt(4 / n + value * value / (2 * n))
    if statistic == "z" and n is not None and n > 3:
        return 1 / math.sqrt(n - 3)
    if statistic == "r" and n is not None and abs(value) < 1:
        return (1 - value * value) / math.sqrt(n - 1)
    if statistic == "mean_difference" and has(row, "sd_treat", "n_treat", "sd_control", "n_control"):
        treat, control = (float(row[f"sd_{arm}"]) / math.sqrt(row[f"n_{arm}"]) for arm in ("treat", "control"))
        return math.hypot(treat, control) or None
    if statistic == "smd_within_arm_change":
        return _of_change(row, value)
    return of_counts(row, statistic.removeprefix("log_"))


def _of_change(row: Row, value: float) -> float | None:
    """The standard error of a change of one group in SDs; of a correlation of before and after that is not printed,
    .75: half of the error is that of .94, and above twice of it there is none without a negative one.
    """
    n = row["n_treat"] if row["n_treat"] is not None else row["n"]
    if n is None:
        return None
    r = row["pre_post_r"] if row["pre_post_r"] is not None else USUAL_PRE_POST_R
    of_mean = 1.0 if row["standardized_by"] == "change" else 2 * (1 - r)
    return math.sqrt((of_mean + value * value / 2) / n) or None


def of_counts(row: Row, statistic: str) -> float | None:
    """The standard error of `or`, `rr`, `irr` (on the logarithm) or `rd` that counts of two arms imply; None without.

    Woolf (1955), and as usual: 1/a - 1/n1 + 1/c - 1/n2, 1/a + 1/c, and p1 (1 - p1)/n1 + p2 (1 - p2)/n2.
    """
    events_treat, events_control = row["events_treat"], row["events_control"]
    if events_treat is None or events_control is None or not (events_treat > 0 and events_control > 0):
        return None
    if statistic == "irr":
        return math.sqrt(1 / events_treat + 1 / events_control)
    cells = _cells(row)
    if cells is None:
        return None
    a, b, c, d = cells
    match statistic:
        case "or":
            return math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        case "rr":
            return math.sqrt(b / (a * (a + b)) + d / (c * (c + d)))
        case "rd":
            return math.sqrt(a * b / (a + b) ** 3 + c * d / (c + d) ** 3)
    return None


def _cells(row: Row) -> tuple[float, float, float, float] | None:
    """The cells of a 2x2 table, where all of them are above 0."""
    cells: list[float] = []
    for arm in ("treat", "control"):
        events, total, others = row[f"events_{arm}"], row[f"total_{arm}"], row[f"nonevents_{arm}"]
        others = total - events if total is not None and events is not None else others
        if events is None or others is None or not (events > 0 and others > 0):
            return None
        cells += [float(events), float(others)]
    return cells[0], cells[1], cells[2], cells[3]


def arms_of(row: Row) -> tuple[float, float] | None:
    """The sizes of two arms: of those analysed, else of those counted; None where either is not printed."""
    for names in (("n_treat", "n_control"), ("total_treat", "total_control")):
        if has(row, *names):
            return float(row[names[0]]), float(row[names[1]])
    return None


def least_se(row: Row) -> float | None:
    """The smallest standard error that any rates of events allow, on the scale that `se` is on; None without sizes.

    Odds ratio: half of each arm has the event, 4/n1 + 4/n2. Hazard ratio: everybody has it, 1/n1 + 1/n2. Risk ratio R:
    the larger risk is 1, (R - 1)/n2 or (1 - R)/(R n1). Risk difference D: a risk is 0 or 1, D (1 - D)/max(n1, n2).
    Of n alone, the arms are as suits the error best: halves, or nearly everybody in the arm that it is of.
    """
    arms, n = arms_of(row), row["n"]
    if row["value"] is None or (arms is None and n is None):
        return None
    value = float(row["value"])
    halves = arms or (n / 2, n / 2)
    n_treat, n_control = arms or (float(n), float(n))
    match row["statistic"]:
        case "or" | "log_or":
            return math.sqrt(4 / halves[0] + 4 / halves[1])
        case "hr" | "log_hr":
            return math.sqrt(1 / halves[0] + 1 / halves[1])
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
    pairs = ("n_treat", "n_control"), ("total_treat", "total_control")
    names = next((pair for pair in pairs if has(row, *pair)), ("n_treat", "n") if row["n"] is None else ("n",))
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
