"""Numbers that cannot be, or hardly: a variance entered as standard error, a standard error as SD, a sign lost.

Each is a question, never a correction: a row that says `checked: yes`, with the reason, is taken as it stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist, median
from typing import Any

from synthesis.data.printed import Row, printed_p, z_from_p

# Column, value, what is allowed, hint.
Doubt = tuple[str, str, str, str]

Z_95 = NormalDist().inv_cdf(0.975)
# Rounded limits of a printed interval imply a standard error within this ratio of the printed one.
SE_CI_RATIO = 1.15
# A printed p and the z implied by estimate and standard error may differ by this much on the z scale: t instead of
# normal, rounding of all three.
P_Z_SLACK = 0.45
# Standard deviations of two randomised arms, or of one arm before and after, hardly differ by more than this factor:
# larger ratios exist in print, but more of them are slips.
ARMS_RATIO = 4.0
# A standard error against the one that the people of the arms allow. Adjustment for a covariate that correlates .85 with
# the outcome halves it; a design effect of 9 makes it three times as large.
LEAST_SE, MOST_SE = 0.5, 3.0
# Nearer than this, a number is taken for what it looks like: a variance among standard errors, or the reverse.
LOOKS_LIKE = 0.1
# An estimate away from the middle of its interval, in halves of the interval.
OFF_CENTRE = 0.3
# SDs of both arms against those of the same outcome in other rows.
OUTCOME_RATIO = 3.0
# Rows of an outcome that say what its SDs are like.
LEAST_ROWS = 3

_STANDARDIZED = frozenset({"d", "g", "smd"})
_MEANS = frozenset({"mean_sd", "change_sd"})
_MEAN = ("mean_treat", "mean_control")


def settled(row: Row) -> bool:
    """Whether nothing is asked of a row any more: it was checked, or is in no pool."""
    return bool(row["checked"] == "yes" or row["exclusion_reason"] != "")


def doubts_of(row: Row) -> Iterator[Doubt]:
    """What is doubted of a row by itself."""
    yield from _arms(row)
    implied = _implied_se(row)
    if row["se"] is not None and implied is not None and not 1 / SE_CI_RATIO < row["se"] / implied < SE_CI_RATIO:
        hint = "an SD entered as SE, or an interval that is not 95%?"
        yield "se", f"{row['se']:g}", f"about {implied:.3g}, as the interval implies", hint
    if row["se"] is not None and row["variance"] is not None:
        ratio = row["variance"] / row["se"] ** 2
        if not 1 / SE_CI_RATIO**2 < ratio < SE_CI_RATIO**2:
            allowed = f"about {row['se'] ** 2:.3g}, the square of se {row['se']:g}"
            yield "variance", f"{row['variance']:g}", allowed, "one of the two belongs to another row?"
    yield from _p_against_se(row, implied)
    yield from _off_centre(row)
    if row["level"] == "study":
        yield from _against_people(row)


def doubts_between(rows: Sequence[tuple[int, Row]]) -> Iterator[tuple[int, Doubt]]:
    """What is doubted of rows beside the others of their outcome, by line: SDs of another size in both arms."""
    held: dict[tuple[str, str], list[tuple[int, Row]]] = {}
    for number, row in rows:
        if row["statistic"] in _MEANS and _has(row, "sd_treat", "sd_control") and row["exclusion_reason"] == "":
            held.setdefault((row["statistic"], _instrument(row["outcome"])), []).append((number, row))
    for (_, outcome), group in held.items():
        if len(group) < LEAST_ROWS:
            continue
        usual = median(row[name] for _, row in group for name in ("sd_treat", "sd_control"))
        means = [abs(row[name]) for _, row in group for name in _MEAN if row[name] is not None]
        for number, row in group:
            if row["checked"] != "yes":
                yield from ((number, doubt) for doubt in _unlike(row, usual, median(means) if means else 0.0, outcome))


def _unlike(row: Row, usual: float, usual_mean: float, outcome: str) -> Iterator[Doubt]:
    sds = (row["sd_treat"], row["sd_control"])
    smaller, larger = max(sds) * OUTCOME_RATIO < usual, min(sds) > usual * OUTCOME_RATIO
    if not (smaller or larger):
        return
    errors = smaller and _like_errors(row, usual)
    # Rows that name no outcome may be of several scales: then the means must be alike, too.
    if outcome == "" and not (errors and _means_alike(row, usual_mean)):
        return
    shown = f"{row['sd_treat']:g}, and sd_control {row['sd_control']:g}"
    of = f"of {row['outcome']} " if outcome else ""
    hint = "standard errors entered as SDs?" if errors else "another scale, or cells moved?"
    yield "sd_treat", shown, f"SDs {of}like those of the other rows, about {usual:.3g}", hint


def _like_errors(row: Row, usual: float) -> bool:
    """Whether the SDs would be of the usual size if they were standard errors of the means."""
    pairs = (("sd_treat", "n_treat"), ("sd_control", "n_control"))
    return all(row[n] is not None and usual / 2 < row[sd] * math.sqrt(row[n]) < usual * 2 for sd, n in pairs)


def _means_alike(row: Row, usual: float) -> bool:
    means = [abs(row[name]) for name in _MEAN if row[name] is not None]
    return bool(means) and usual / 2 < median(means) < usual * 2


def _arms(row: Row) -> Iterator[Doubt]:
    """SDs of the arms, and of before and after, against each other."""
    pairs = [("sd_treat", "sd_control")]
    if row["statistic"] == "mean_sd":
        pairs += [("sd_treat", "baseline_sd_treat"), ("sd_control", "baseline_sd_control")]
    for first, second in pairs:
        if _has(row, first, second) and max(row[first], row[second]) > ARMS_RATIO * min(row[first], row[second]):
            shown = f"{row[first]:g} beside {second} {row[second]:g}"
            hint = "a standard error entered as SD, or shifted cells?"
            yield first, shown, f"a ratio of at most {ARMS_RATIO:g}", hint


def _implied_se(row: Row) -> float | None:
    """The standard error behind the interval; of a ratio, on the log scale."""
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None or not low < high:
        return None
    scale = _log_or_same(row)
    if scale is math.log and low <= 0:
        return None
    # The logarithms of two huge limits may be one number.
    width = scale(high) - scale(low)
    return width / (2 * Z_95) if width > 0 else None


def _log_or_same(row: Row) -> Callable[[float], float]:
    return math.log if row["statistic"] == "or" else float


def _p_against_se(row: Row, implied: float | None) -> Iterator[Doubt]:
    se = row["se"]
    if se is None and row["variance"] is not None:
        se = math.sqrt(row["variance"])
    se = implied if se is None else se
    shown = printed_p(row["p"])
    if shown is None or se is None or row["value"] is None or (row["statistic"] == "or" and row["value"] <= 0):
        return
    relation, p = shown.relation, shown.value
    if p == 0:
        # A program's .000 is what is below half a unit of its last decimal.
        relation, p = "<", shown.half_unit
    z = abs(_log_or_same(row)(row["value"])) / se
    z_of_p = z_from_p(p)
    if (z < z_of_p - P_Z_SLACK and relation != ">") or (z > z_of_p + P_Z_SLACK and relation != "<"):
        allowed = f"about {math.erfc(z / math.sqrt(2)):.2g}, as value and standard error imply"
        yield "p", row["p"], allowed, "one of value, se, interval and p belongs to another row?"


def _off_centre(row: Row) -> Iterator[Doubt]:
    """An estimate far from the middle of its interval, on every scale on which the interval could be symmetric."""
    value, low, high = row["value"], row["ci_low"], row["ci_high"]
    if value is None or low is None or high is None or not low < high or not low <= value <= high:
        return
    scales: list[Callable[[float], float]] = [float]
    if row["statistic"] == "or":
        scales = [math.log, float] if low > 0 else []
    elif row["statistic"] == "r" and -1 < low and high < 1:
        scales = [math.atanh, float]
    rounding = 0.5 * 10.0 ** -max(_decimals(x) for x in (value, low, high))
    off = [found for scale in scales if (found := _distance(scale, value, low, high, rounding)) is not None]
    if off and min(off) > OFF_CENTRE:
        allowed = f"about the middle of [{low:g}, {high:g}], {_middle(row, low, high):.3g}"
        yield "value", f"{value:g}", allowed, "a limit that lost its sign or a digit, or limits of another row?"


def _middle(row: Row, low: float, high: float) -> float:
    if row["statistic"] == "or":
        return math.sqrt(low * high)
    if row["statistic"] == "r" and -1 < low and high < 1:
        return math.tanh((math.atanh(low) + math.atanh(high)) / 2)
    return (low + high) / 2


def _distance(
    scale: Callable[[float], float], value: float, low: float, high: float, rounding: float
) -> float | None:
    """From the middle, in halves of the interval, less what rounding of the three numbers explains."""
    half = (scale(high) - scale(low)) / 2
    if not half > 0:
        return None
    slack = max(_moved(scale, x, rounding) for x in (value, low, high))
    return (abs(scale(value) - (scale(high) + scale(low)) / 2) - 2 * slack) / half


def _moved(scale: Callable[[float], float], x: float, by: float) -> float:
    """How far a number can be from the one that was rounded to it."""
    try:
        return max(abs(scale(x + by) - scale(x)), abs(scale(x - by) - scale(x)))
    except ValueError:
        return math.inf


def _decimals(x: float) -> int:
    mantissa, _, exponent = repr(float(x)).partition("e")
    printed = mantissa.partition(".")[2].rstrip("0")
    return len(printed) - int(exponent or 0)


def _against_people(row: Row) -> Iterator[Doubt]:
    """A standard error, variance or interval that the people of the arms, or of a correlation, do not allow."""
    expected = _expected_se(row)
    if expected is None or row["value"] is None:
        return
    people = _people(row)
    if row["se"] is not None:
        column, printed, se = "se", row["se"], row["se"]
    elif row["variance"] is not None:
        column, printed, se = "variance", row["variance"], math.sqrt(row["variance"])
    else:
        implied = _implied_r(row) if row["statistic"] == "r" else _implied_se(row)
        if implied is None:
            return
        column, printed, se = "ci_high", row["ci_high"], implied
    usual = expected**2 if column == "variance" else expected
    confused = expected if column == "variance" else expected**2
    looks = abs(printed / confused - 1) < LOOKS_LIKE and abs(usual / confused - 1) > 2 * LOOKS_LIKE
    if LEAST_SE < se / expected < MOST_SE and not (looks and column != "ci_high"):
        return
    shown = f"{printed:g}"
    if column == "ci_high":
        shown, allowed = f"[{row['ci_low']:g}, {printed:g}]", f"a 95% interval about {2 * Z_95 * expected:.3g} wide"
        hint = "an interval of another level, limits of another row, or other people?"
    else:
        allowed = f"about {usual:.3g}"
        hint = "of another row, or other people?"
        if looks:
            other = "standard error: use the column se" if column == "variance" else "variance: use the column variance"
            hint = f"it looks like a {other};"
    yield column, shown, f"{allowed} with {people}", hint


def _expected_se(row: Row) -> float | None:
    """The standard error that the people imply, by the formula of the statistic."""
    value, n = row["value"], row["n"]
    if value is None:
        return None
    if row["statistic"] in _STANDARDIZED:
        if _has(row, "n_treat", "n_control"):
            first, second = row["n_treat"], row["n_control"]
        elif n is not None:
            first = second = n / 2
        else:
            return None
        return math.sqrt(1 / first + 1 / second + value**2 / (2 * (first + second)))
    if row["estimand"] not in {"r_total", "r_partial"} or n is None or n <= 4:
        return None
    if row["statistic"] == "z":
        return 1 / math.sqrt(n - 3)
    if row["statistic"] == "r" and abs(value) < 1:
        return (1 if row["se"] is None and row["variance"] is None else 1 - value**2) / math.sqrt(n - 3)
    return None


def _implied_r(row: Row) -> float | None:
    """The standard error of Fisher's z behind the interval of a correlation."""
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None or not -1 < low < high < 1:
        return None
    return (math.atanh(high) - math.atanh(low)) / (2 * Z_95)


def _people(row: Row) -> str:
    if _has(row, "n_treat", "n_control") and row["statistic"] in _STANDARDIZED:
        return f"{row['n_treat']:g} and {row['n_control']:g} people"
    return f"{row['n']:g} people"


def _has(row: Row, *names: str) -> bool:
    return all(row[name] is not None for name in names)


def _instrument(outcome: Any) -> str:
    return re.sub(r"[\W_]", "", str(outcome).casefold())
