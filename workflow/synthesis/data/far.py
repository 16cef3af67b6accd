"""Effects and associations of a size that no study has, whatever they are printed as; and numbers that cannot be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from synthesis.data import converters
from synthesis.data.columns import RESULT_COLUMNS
from synthesis.data.implied import DIFFERENCES, RATIOS, Doubt, implied_se, reported_se
from synthesis.data.printed import Numbered, Row, has
from synthesis.data.registry import Policy
from synthesis.errors import CannotConvert

Scale = Literal["g", "change", "z", "logarithm"]

# The numbers by which spreadsheets keep the days from 1990 to 2050.
DAYS = range(32874, 54789)
# Fisher's z printed as such: the z of a test, which begins to be reported at 2, is what is entered for it.
PRINTED_Z = 1.5
# No correlation of two measures that are not the same one explains more than this of the variance.
MOST_EXPLAINED = 0.9
# A correlation of few people is no question where its interval reaches this.
_ORDINARY = 0.9
# A ratio this far from 1 is none where its interval reaches this near to 1: a few events make large ratios.
NEAR_RATIO = 10.0
# Of the standard errors of two risks, the largest possible: two people in each arm, half of them with the event.
LARGEST_RD_ERROR = 0.5
# Rows of one scale, of which the median says whether the field has large effects.
LEAST_ROWS = 4
# Of means and SDs, which have checks of their own, differences of 3.2 and 3.6 SDs are in print.
OF_MEANS = 4.0
_POLICY = Policy(pre_post_r=0.5)
_LOGARITHMS = ("log_or", "log_rr", "log_hr", "log_irr", "log_rom")
_SIZES = ("n", "n_treat", "n_control", "df1", "df", "r2_model", "covariate_r", "covariates", "risk_control")
_OF_ARMS = tuple(f"{name}_{arm}" for arm in ("treat", "control") for name in (
    "time", "se", "mean_ci_low", "mean_ci_high", "baseline_mean", "baseline_sd"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Limit:
    """The largest size that is no question, by the median size of a table from which it holds; `name` of the number.

    Fields of large effects have larger ones; a table of nothing but huge effects is a question again.
    """

    name: str
    by_median: tuple[tuple[float, float], ...]


_EXPLAINED = math.atanh(math.sqrt(MOST_EXPLAINED))
LIMITS: dict[Scale, _Limit] = {
    "g": _Limit("g", ((0.0, 3.0), (1.0, 10.0), (2.0, 3.0))),
    "change": _Limit("change in SDs", ((0.0, 5.0), (2.0, 10.0), (4.0, 5.0))),
    "z": _Limit("correlation", ((0.0, _EXPLAINED), (1.0, 4.0), (1.5, _EXPLAINED))),
    "logarithm": _Limit(
        "logarithm of a ratio", ((0.0, math.log(20)), (math.log(5), 10.0), (math.log(15), math.log(20)))
    ),
}


@dataclass(frozen=True, slots=True)
class _Sized:
    """The size of a row's effect, on the scale of its limit; `printed`: as it stands in the column value."""

    row: int
    cells: Row
    scale: Scale
    size: float
    printed: bool


def far_away(rows: Sequence[Numbered]) -> Iterator[tuple[int, bool, Doubt]]:
    """Effects of a size that no study has: the row, whether the size stands in it as printed, and the doubt."""
    sized = [effect for number, row in rows for effect in _sized(number, row)]
    limits = {scale: _most(scale, [effect.size for effect in sized if effect.scale == scale]) for scale in LIMITS}
    for effect in sized:
        most = limits[effect.scale]
        if (
            effect.scale == "z"
            and effect.cells["statistic"] == "z"
            and not has(effect.cells, "n")
            and not has(effect.cells, "se")
        ):
            most = min(most, PRINTED_Z)
        if effect.scale == "g" and has(effect.cells, "mean_treat"):
            most = max(most, OF_MEANS)
        # sqrt(.9) is .949: a correlation of .95, and an R2 of .90, are beyond it.
        if effect.size >= most - 1e-9 and not _reaches_near(effect):
            yield effect.row, effect.printed, _far(effect, most)


def _most(scale: Scale, sizes: Sequence[float]) -> float:
    usual = median(sizes) if len(sizes) >= LEAST_ROWS else 0.0
    return [most for at_least, most in LIMITS[scale].by_median if usual >= at_least][-1]


def _sized(number: int, row: Row) -> Iterator[_Sized]:
    """The sizes of a study's effect, on every scale with a limit that it has a place on."""
    statistic, value = row["statistic"], row["value"]
    if row["level"] != "study" or row["estimand"] in ("descriptive", "interaction"):
        return
    if value is not None and (statistic in _LOGARITHMS or (statistic in RATIOS and value > 0)):
        yield _Sized(number, row, "logarithm", abs(math.log(value) if statistic in RATIOS else value), True)
    association = row["estimand"] not in ("d_between", "one_group", "")
    if statistic == "z" or (association and (statistic, "z") in converters.CONVERTERS):
        size = _association(row)
        if size is not None:
            yield _Sized(number, row, "z", size, statistic in _AS_PRINTED)
    elif value is not None and statistic in (*DIFFERENCES, "smd_within_arm_change"):
        yield _Sized(number, row, "g" if statistic in DIFFERENCES else "change", abs(value), True)
    elif statistic not in ("2x2", *RATIOS, *_LOGARITHMS):
        for metric, scale in _METRICS[row["estimand"] == "one_group"]:
            size = _converted(row, metric)
            if size is not None:
                yield _Sized(number, row, scale, size, False)
                return


def _association(row: Row) -> float | None:
    """Fisher's z of an association, of 1 and more as that of almost 1."""
    value = row["value"]
    if value is not None and row["statistic"] in _AS_PRINTED:
        if row["statistic"] == "r" and abs(value) >= 1:
            # Refused by itself.
            return None
        return abs(value) if row["statistic"] == "z" else math.atanh(min(abs(value), 1 - 1e-9))
    return _converted(row, "z")


# Associations whose number is the one that is limited.
_AS_PRINTED = ("z", "r", "beta")
# Of two arms, and of one group; a difference of changes is by the SD of change.
_METRICS: dict[bool, tuple[tuple[str, Scale], ...]] = {
    False: (("g", "g"), ("log_rate_ratio", "logarithm")),
    True: (("smcr", "change"), ("smcc", "change")),
}


def _converted(row: Row, metric: str) -> float | None:
    converter = converters.CONVERTERS.get((row["statistic"], metric))
    if converter is None:
        return None
    try:
        return abs(converter.convert(row, _POLICY).yi)
    except CannotConvert:
        return None


def _reaches_near(effect: _Sized) -> bool:
    """Whether the interval of a large ratio, or of an association of few people, holds ordinary ones."""
    row = effect.cells
    if effect.scale == "z" and has(row, "n") and row["n"] > 3:
        return bool(effect.size - 1.96 / math.sqrt(row["n"] - 3) < math.atanh(_ORDINARY))
    if effect.scale != "logarithm":
        return False
    near = math.log(NEAR_RATIO)
    if row["statistic"] in RATIOS and has(row, "value", "ci_low", "ci_high"):
        limit = row["ci_low"] if row["value"] > 1 else row["ci_high"]
        return bool(limit > 0 and (math.log(limit) if row["value"] > 1 else -math.log(limit)) < near)
    error = reported_se(row)
    error = implied_se(row) if error is None else error
    if error is None and row["statistic"] == "rates":
        error = math.sqrt(1 / max(row["events_treat"], 0.5) + 1 / max(row["events_control"], 0.5))
    return error is not None and effect.size - 1.96 * error < near


def _far(effect: _Sized, most: float) -> Doubt:
    row, limit = effect.cells, LIMITS[effect.scale]
    column = _column(row)
    size, shown = effect.size, most
    if effect.scale == "z" and row["statistic"] != "z":
        size, shown = math.tanh(size), math.tanh(most)
    if row["statistic"] in RATIOS:
        allowed = f"a ratio between {math.exp(-most):.2g} and {math.exp(most):.3g}"
        return column, f"{row[column]:g}", allowed, _hint_of_ratio(row[column])
    stands = row["p"] if column == "p" else f"{row[column]:g}"
    if effect.printed:
        return column, stands, f"below {shown:.3g} in size", _hint(row, effect.scale)
    named = [name for name in (*RESULT_COLUMNS, *_SIZES, *_OF_ARMS) if name != column and has(row, name)]
    of = " and ".join(f"{name} {row[name]:g}" for name in named)
    return (
        column,
        f"{stands}, a {limit.name} of {size:.3g}",
        f"below {shown:.3g} in size, with {of}",
        _hint(row, effect.scale),
    )


def _column(row: Row) -> str:
    if row["statistic"] == "p":
        return "p"
    names = ("time_treat", "mean_treat", "median_treat")
    return "value" if has(row, "value") else next((name for name in names if has(row, name)), "value")


def _hint(row: Row, scale: Scale) -> str:
    value = row["value"]
    if value is not None and value in DAYS and value == int(value):
        return "a date that a spreadsheet turned into its number?"
    if row["statistic"] == "z":
        return "the z of a test is no Fisher's z: with its p, it is statistic p"
    if row["statistic"] in _LOGARITHMS:
        return f"a ratio in the place of its logarithm? Then the statistic is {row['statistic'].removeprefix('log_')}"
    if row["statistic"] == "rates":
        return "the time of one arm in another unit, or its events in another's place?"
    if row["statistic"] == "beta":
        return "a coefficient that is not standardized, or a decimal point lost?"
    if scale == "z":
        return "a decimal point lost, an R2 or a reliability in its place, or two measures of the same thing?"
    if row["statistic"] in (*DIFFERENCES, "smd_within_arm_change"):
        return "a percentage, a decimal point lost, a ratio in the place of its logarithm, or another column?"
    if has(row, "mean_treat"):
        return "a decimal point lost, a standard error entered as SD, or the sizes of another row?"
    return "a decimal point lost, or the sizes of another row?"


def _hint_of_ratio(value: float) -> str:
    if value in DAYS:
        return "a date that a spreadsheet turned into its number?"
    if 20 <= value <= 100:
        return f"a percentage? As a ratio it is {value / 100:g}"
    return "a decimal point lost, or a percentage?"


# --- what cannot be -------------------------------------------------------------------------------------------------


def impossible(row: Row) -> Iterator[Doubt]:
    """Numbers outside of what their statistic can be, at every level."""
    statistic, value = row["statistic"], row["value"]
    if statistic == "rd":
        if value is not None and not -1 <= value <= 1:
            yield "value", f"{value:g}", "between -1 and 1: a difference of two risks", _percentage(value)
        else:
            yield from _error_of_risks(row)
    if statistic == "proportion" and value is not None and not 0 <= value <= 1:
        yield "value", f"{value:g}", "a proportion from 0 to 1", _percentage(value)
    if statistic in RATIOS:
        for name in ("ci_low", "ci_high"):
            if row[name] is not None and row[name] < 0:
                hint = f"limits of a logarithm? Then the statistic is log_{statistic}, and so is the value"
                yield name, f"{row[name]:g}", "at least 0: a ratio and its limits are", hint
    yield from _p_in_another_place(row)


def _percentage(value: float) -> str:
    return f"a percentage? As a fraction it is {value / 100:g}" if abs(value) <= 100 else "another column's number?"


def _error_of_risks(row: Row) -> Iterator[Doubt]:
    for column, error in (("se", reported_se(row)), ("ci_low", implied_se(row))):
        if error is not None and error > LARGEST_RD_ERROR:
            name = "variance" if column == "se" and row["se"] is None else column
            limits = f"[{row['ci_low']:g}, {row['ci_high']:g}]" if name == "ci_low" else f"{row[name]:g}"
            allowed = f"a standard error of at most {LARGEST_RD_ERROR:g}, not {error:.3g}: risks are from 0 to 1"
            yield name, limits, allowed, "a percentage beside a fraction?"


def _p_in_another_place(row: Row) -> Iterator[Doubt]:
    """A p in the column value, and a p of 0 where nothing else says how precise a number is."""
    if row["statistic"] == "p" and row["p"] == "" and row["value"] is not None:
        yield "p", "", "the p value as printed", f"it stands in the column value ({row['value']:g})?"
    others = ("se", "variance", "ci_low", "n", "n_treat", "df", "test_statistic")
    alone = row["value"] is not None and row["statistic"] not in ("p", "chi2") and not any(has(row, x) for x in others)
    if row["p"].strip("<= ") in ("0", "0.") and alone:
        hint = "a program prints .000 for p < .0005: enter the printed bound <.0005, or the test statistic"
        yield "p", row["p"], "above 0: no test gives a p of 0", hint
