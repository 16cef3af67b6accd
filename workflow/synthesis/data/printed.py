"""The numbers of a printed row, each checked where it is used: what a converter may count on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from synthesis.data.columns import BY_NAME, LARGEST, LARGEST_COUNT, SMALLEST
from synthesis.errors import CannotConvert

Row = Mapping[str, Any]
# The cells of a row, typed; a missing number is None. With its line in the file.
Cells = dict[str, Any]
Numbered = tuple[int, Cells]

# The statistics without a sign, as a reader calls them.
UNSIGNED_NAME = {"f": "F", "f_ancova": "F", "chi2": "chi-square", "p": "p", "r2": "R2", "f2": "f2"}
# Below this, halves and quantiles lose their digits.
SMALLEST_P = 1e-300
# Correlations closer to 1 than this are a slip, or have lost the digits that Fisher's z is made of.
NEAREST_TO_ONE = 1e-9
_P = re.compile(r"([<>=]?)\s*((?:0?\.\d+|0|1|1\.0+)(?:[eE]-\d+)?|[1-9](?:\.\d*)?[eE]-\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class PrintedP:
    """A p value as printed: `relation` (<, > or nothing), its value, and half a unit of its last decimal."""

    relation: str
    value: float
    half_unit: float


def printed_p(text: str) -> PrintedP | None:
    """A p value as printed (.03, <.001, 1.2e-5); None for anything else, above 1 included."""
    match = _P.fullmatch(text.strip())
    if match is None:
        return None
    mantissa, _, exponent = match[2].lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent[:6] or 0)
    return PrintedP(match[1].replace("=", ""), float(match[2]), 0.5 * 10.0**-decimals)


def z_from_p(p: float) -> float:
    """The absolute standard normal statistic behind a two-sided p, from the lower tail: 1 - p/2 is 1 below 1e-16."""
    return abs(NormalDist().inv_cdf(max(p, SMALLEST_P) / 2))


def two_sided(row: Row, p: float) -> float:
    """The two-sided p of the same test: of a printed one-sided p twice its smaller tail."""
    return 2 * min(p, 1 - p) if row.get("p_sides") == "1" else p


def need(row: Row, *names: str) -> list[float]:
    """The numbers in `names`. CannotConvert names those the source does not print, and those no column may hold."""
    missing = [name for name in names if not has(row, name)]
    if missing:
        raise CannotConvert(f"not printed: {', '.join(missing)}")
    for name in names:
        column, value = BY_NAME[name], float(row[name])
        if row.get("effective") and column.kind == "count":
            # Divided by a design effect: of a few people less than the fewest may be left.
            column = replace(column, low=0.0, low_open=column.low != 0)
        if not column.holds(value) or (column.kind == "count" and value > LARGEST_COUNT):
            sizes = f", and at most {LARGEST:g} in size" if abs(value) > LARGEST else ""
            tiny = f", and at least {SMALLEST:g}" if column.low_open and 0 < value < SMALLEST else ""
            raise refusal(name, value, column.allowed_text.removesuffix(", or empty") + sizes + tiny)
    return [float(row[name]) for name in names]


def has(row: Row, *names: str) -> bool:
    """Whether the source prints all of these numbers."""
    # A loop: asked a hundred times of a row, it is most of the time of the checks.
    for name in names:  # noqa: SIM110
        if row[name] is None:
            return False
    return True


def refusal(column: str, value: float | str, allowed: str, hint: str = "") -> CannotConvert:
    """Why a cell does not convert, in the words of every other problem."""
    printed_value = value if isinstance(value, str) else f"{value:.12g}"
    return CannotConvert(f"{column}: {printed_value!r}; allowed: {allowed}" + (f" ({hint})" if hint else ""))


def interval(row: Row, scale: Callable[[float], float] = float) -> tuple[float, float]:
    """The limits on a scale. CannotConvert for equal or swapped ones, and for those that leave out the value."""
    low, high = need(row, "ci_low", "ci_high")
    if low > high:
        raise refusal("ci_low", low, f"below ci_high {high:g}", "swapped?")
    low, high = scale(low), scale(high)
    if not high - low > SMALLEST:
        hint = "limits printed with too few decimals have no width: enter the standard error, or the limits in full"
        raise refusal("ci_high", float(row["ci_high"]), f"above ci_low {row['ci_low']:g}", hint)
    if has(row, "value") and not row["ci_low"] <= row["value"] <= row["ci_high"]:
        inside = f"inside [{row['ci_low']:g}, {row['ci_high']:g}]"
        raise refusal("value", float(row["value"]), inside, "a sign lost, or limits of another row?")
    return low, high


def log_of_ratio(row: Row) -> float:
    """The logarithm of a printed ratio."""
    (value,) = need(row, "value")
    if value < SMALLEST:
        raise refusal("value", value, "above 0: a ratio is above 0", "a logarithm entered as a ratio?")
    return math.log(value)


def ratio_interval(row: Row) -> tuple[float, float, float]:
    """The logarithms of a ratio and of its limits."""
    numbers = need(row, "value", "ci_low", "ci_high")
    if min(numbers) < SMALLEST:
        name, wrong = next((n, x) for n, x in zip(("value", "ci_low", "ci_high"), numbers, strict=True) if x < SMALLEST)
        hint = "a logarithm entered as a ratio, or a limit rounded to 0?"
        raise refusal(name, wrong, "above 0: an odds ratio and its limits are above 0", hint)
    low, high = interval(row, math.log)
    return math.log(numbers[0]), low, high


def at_least_0(row: Row, statistic: str) -> float:
    """The value of a statistic that is a square. CannotConvert for a negative one."""
    (value,) = need(row, "value")
    if value < 0:
        raise refusal("value", value, f"at least 0 for {statistic}", "the sign belongs into the column sign")
    return value


def correlation(row: Row, column: str) -> float:
    """A printed correlation that Fisher's z can be had of."""
    (r,) = need(row, column)
    if not abs(r) <= 1 - NEAREST_TO_ONE:
        raise refusal(column, r, "a correlation between -1 and 1", "a percentage, or a misplaced decimal point?")
    return r


def check_made(row: Row, r: float, column: str, n: float) -> None:
    """Raises CannotConvert where the correlation that was made from a column is 1 (to nine digits) or above."""
    if not abs(r) <= 1 - NEAREST_TO_ONE:
        allowed = f"what gives a correlation between -1 and 1 with n = {n:g}"
        raise refusal(column, row[column], allowed, f"it gives {r:.10g}; another row's n, or a decimal point lost?")


def fishers_z(row: Row) -> float:
    """A printed Fisher's z. CannotConvert for one whose correlation is 1 (to nine digits)."""
    (z,) = need(row, "value")
    if not abs(math.tanh(z)) <= 1 - NEAREST_TO_ONE:
        raise refusal("value", z, "Fisher's z of a correlation between -1 and 1", "the z of a test is no Fisher's z")
    return z


def covariates(row: Row, usual: int) -> int:
    """How many covariates a row controls for; `usual` where that is not coded."""
    if not has(row, "covariates"):
        return usual
    (count,) = need(row, "covariates")
    if not count.is_integer():
        raise refusal("covariates", count, "a whole number")
    return int(count)


def enough(row: Row, column: str, df: float) -> None:
    """Raises CannotConvert by a column where Hedges' correction has at most one degree of freedom."""
    if not df > 1:
        allowed = f"more people: {df:g} degrees of freedom are too few for Hedges' correction"
        raise refusal(column, float(row[column]), allowed)


def people(row: Row) -> float:
    """The n of a row; where it is empty, both arms together."""
    if not has(row, "n") and has(row, "n_treat", "n_control"):
        return math.fsum(need(row, "n_treat", "n_control"))
    return need(row, "n")[0]


def z_of_p(row: Row) -> float:
    """The absolute normal statistic behind an exact p, two-sided unless p_sides says 1."""
    text = str(row["p"] or "").strip()
    p = printed_p(text)
    if text == "" or (p is not None and p.relation):
        raise CannotConvert(f"p is printed only as {text or 'nothing'}: no value to convert")
    if p is None:
        raise refusal("p", text, "a p value as printed: 0.03, <.001 or >.05")
    if p.value < SMALLEST_P:
        bound = f"{p.half_unit:.9f}".rstrip("0").removeprefix("0") if 1e-9 < p.half_unit < 0.5 else ""
        advice = f"enter the printed bound <{bound}, or" if bound else "enter"
        hint = f"SPSS prints .000 for p < .0005: {advice} the test statistic with its degrees of freedom"
        raise refusal("p", text, f"above 0, at least {SMALLEST_P:g}", hint)
    if row["p_sides"] == "1" and p.value >= 1:
        hint = f"a program's {text} is what rounds to 1: enter the test statistic with its degrees of freedom"
        raise refusal("p", text, "below 1, of a one-sided test", hint)
    if row["p_sides"] == "1":
        # A one-sided p above .5 is of a finding on the other side.
        return abs(NormalDist().inv_cdf(min(max(p.value, SMALLEST_P), 1 - 2**-53)))
    return z_from_p(p.value)


def sign_of(row: Row) -> float:
    """The sign of the finding that an unsigned statistic has lost. CannotConvert where it is not coded."""
    statistic = str(row["statistic"])
    name = UNSIGNED_NAME[statistic]
    if not has(row, "sign"):
        people = "people with more of the process" if row["construct"] != "protocol" else "the treated arm"
        larger = f"1 where {people} have the larger value of the outcome, -1 where they have the smaller one"
        raise CannotConvert(f"{name} has no sign: sign is empty; {larger}")
    if row["sign"] not in (1, -1):
        raise refusal("sign", float(row["sign"]), "1 or -1")
    return float(row["sign"])


def variance(row: Row) -> float | None:
    """The printed sampling variance: of `variance`, or of `se`; None where the source prints neither."""
    if has(row, "variance"):
        return need(row, "variance")[0]
    return need(row, "se")[0] ** 2 if has(row, "se") else None


# Sizes that clustering makes less informative.
SIZES = (
    "n", "n_treat", "n_control", "events_treat", "total_treat", "events_control", "total_control", "nonevents_treat",
    "nonevents_control",
)  # fmt: skip


# What is as large in effective sizes as in whole ones.
_CLUSTERED = (
    "mean_sd", "change_sd", "median", "pre_post", "ancova", "2x2", "d", "g", "smd", "r", "z", "proportion", "count"
)  # fmt: skip


def effective(row: Row) -> Row:
    """A row of a cluster trial with effective sizes: divided by the design effect, unless they have decimals already.

    A design effect of 1 leaves sizes as they are.

    Cochrane Handbook (version 6), section 23.1.4. CannotConvert for test statistics, whose effect would grow with fewer
    people, and for a printed error or interval, which does not say whether it is adjusted.
    """
    if row["design_effect"] is None or row["design_effect"] == 1:
        return row if row["design_effect"] is None else dict(row) | {"effective": True}
    errors = [name for name in ("se", "variance", "ci_low", "ci_high") if has(row, name)]
    if row["statistic"] not in _CLUSTERED or errors:
        what = f"{', '.join(errors)} beside it" if errors else f"statistic {row['statistic']}"
        allowed = f"empty, or a row of {', '.join(_CLUSTERED)} without error or interval"
        hint = f"{what}: enter an error that is adjusted for clusters, and no design effect"
        raise refusal("design_effect", float(row["design_effect"]), allowed, hint)
    sizes = {name: float(row[name]) for name in SIZES if row[name] is not None}
    divisor = row["design_effect"] if all(size.is_integer() for size in sizes.values()) else 1.0
    return dict(row) | {"effective": True} | {name: size / divisor for name, size in sizes.items()}


def table(row: Row, people: int = 2) -> tuple[float, float, float, float]:
    """Events and totals of two arms. CannotConvert for more events than people, and for fewer than `people` in all."""
    row = dict(row) | {
        f"total_{arm}": row[f"events_{arm}"] + row[f"nonevents_{arm}"]
        for arm in ("treat", "control")
        if not has(row, f"total_{arm}") and has(row, f"events_{arm}", f"nonevents_{arm}")
    }
    names = ("events_treat", "total_treat", "events_control", "total_control")
    events_treat, total_treat, events_control, total_control = need(row, *names)
    for arm, events, total in (("treat", events_treat, total_treat), ("control", events_control, total_control)):
        if events > total:
            raise refusal(f"events_{arm}", events, f"at most total_{arm} {total:g}", "swapped?")
    if total_treat + total_control < people:
        allowed = f"at least {people} people with total_control {total_control:g}"
        raise refusal("total_treat", total_treat, allowed, "the correction of a small sample needs them")
    return events_treat, total_treat, events_control, total_control
