"""An effect beside the counts, means or people of its own row: neither on another side, nor of another size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from synthesis.data.implied import DIFFERENCES, RATIOS, Doubt, decimals, implied_se, reported_se
from synthesis.data.printed import Numbered, Row, has
from synthesis.data.tested import ADJUSTED_P, P_N_SLACK, against_p

ARMS = ("treat", "control")
# An adjusted ratio beside the crude one of its counts: a factor, or so many standard errors.
RATIO_FACTOR, RATIO_ERRORS = 1.5, 1.5
# The same of a difference of two risks.
RISK_APART = 0.1
# Standardisers differ by some tens of per cent, and adjusted differences from raw ones: a factor, or a part of an SD.
EFFECT_FACTOR, EFFECT_APART = 1.5, 0.15
# A reciprocal, or the other sign, of a printed effect to this share of it.
TURNED = 0.05
# A printed chi-square, or its root, beside the one of the counts: Yates' correction takes a part of it.
OF_TEST = 0.12
_COUNTED = ("or", "log_or", "rr", "log_rr", "rd", "2x2", "irr", "log_irr", "rates", "hr", "log_hr")


# --- counts ---------------------------------------------------------------------------------------------------------


def against_counts(row: Row) -> Iterator[Doubt]:
    """A ratio, a difference of risks, or p beside the counts of two arms."""
    if row["statistic"] not in _COUNTED or row["estimand"] != "d_between":
        return
    by_name = dict(_of_counts(row))
    if not by_name:
        return
    names = _meant(row["statistic"])
    counted = [(name, by_name[name]) for name in names if name in by_name]
    value = row["value"]
    turned = value is not None and any(_turned(value, name, of[0]) for name, of in counted)
    if value is not None and counted and (turned or not any(_agree(value, name, *of) for name, of in counted)):
        shown = " or ".join(f"{name} {_shown(name, of[0]):.3g}" for name, of in counted[:3])
        hint = "counts and effect of two rows, or two outcomes?"
        if turned:
            hint = "the same in the other direction: arms swapped, or people without the event?"
        yield "value", f"{value:g}", f"about what the counts give: {shown}", hint
    elif row["statistic"] in ("2x2", "or", "rr", "rd") and "chi" in by_name and not _with_error(row):
        z = by_name["chi"][0]
        yield from against_p(row, z, P_N_SLACK, "the counts", "counts", ADJUSTED_P + z)


def _with_error(row: Row) -> bool:
    return reported_se(row) is not None or implied_se(row) is not None


def _meant(statistic: str) -> tuple[str, ...]:
    """The effects that the value of a statistic may be."""
    if statistic == "2x2":
        return ("or", "rr", "rd", "log_or", "log_rr", "chi")
    if statistic == "rates":
        return ("irr", "log_irr")
    # A hazard ratio lies between nothing and the odds ratio.
    return {"hr": ("rr", "or"), "log_hr": ("log_rr", "log_or")}.get(statistic, (statistic,))


def _of_counts(row: Row) -> Iterator[tuple[str, tuple[float, float]]]:
    """The effects of counts, by name, each with its standard error: ratios on the logarithm."""
    if has(row, "events_treat", "time_treat", "events_control", "time_control"):
        a, b = (max(row[f"events_{arm}"], 0.5) for arm in ARMS)
        rate = math.log(a / b) - math.log(row["time_treat"] / row["time_control"]), math.sqrt(1 / a + 1 / b)
        yield from (("irr", rate), ("log_irr", rate))
    counts = [_counts_of(row, arm) for arm in ARMS]
    if None in counts:
        return
    (a, n1), (c, n2) = (pair for pair in counts if pair is not None)
    if not (0 <= a <= n1 and 0 <= c <= n2 and n1 > 0 and n2 > 0 and 0 < a + c < n1 + n2):
        return
    share = (a + c) / (n1 + n2)
    yield "chi", (abs(a / n1 - c / n2) / math.sqrt(share * (1 - share) * (1 / n1 + 1 / n2)), 1.0)
    b, d = n1 - a, n2 - c
    if min(a, b, c, d) == 0:
        a, b, c, d = (cell + 0.5 for cell in (a, b, c, d))
    odds = math.log(a / b) - math.log(c / d), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    p1, p2 = a / (a + b), c / (c + d)
    risk = math.log(p1 / p2), math.sqrt((1 - p1) / a + (1 - p2) / c)
    difference = p1 - p2, math.sqrt(p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d))
    yield from (("or", odds), ("log_or", odds), ("rr", risk), ("log_rr", risk), ("rd", difference))


def _counts_of(row: Row, arm: str) -> tuple[float, float] | None:
    events = row[f"events_{arm}"]
    total = row[f"total_{arm}"]
    if total is None and has(row, f"nonevents_{arm}", f"events_{arm}"):
        total = events + row[f"nonevents_{arm}"]
    return None if events is None or total is None else (float(events), float(total))


def _agree(value: float, name: str, estimate: float, error: float) -> bool:
    if name == "chi":
        # The statistic of a test beside the counts, or its root.
        return any(abs(abs(value) ** power - estimate) < OF_TEST * estimate + TURNED for power in (0.5, 1))
    if name in RATIOS:
        if value <= 0:
            return False
        value = math.log(value)
    return abs(value - estimate) <= max(RISK_APART if name == "rd" else math.log(RATIO_FACTOR), RATIO_ERRORS * error)


def _turned(value: float, name: str, estimate: float) -> bool:
    """Whether an effect is that of the counts in the other direction, beyond what rounding does."""
    if name == "chi" or (name in RATIOS and value <= 0):
        return False
    number = math.log(value) if name in RATIOS else value
    unit = 0.5 * 10.0 ** -decimals(value) / (value if name in RATIOS else 1)
    return abs(estimate) > max(2 * TURNED, 3 * unit) and abs(number + estimate) < TURNED * abs(estimate) + unit


def _shown(name: str, estimate: float) -> float:
    return math.exp(estimate) if name in RATIOS else estimate


# --- means ----------------------------------------------------------------------------------------------------------


def effects_and_means(rows: Sequence[Numbered]) -> Iterator[tuple[int, Doubt]]:
    """Doubts of effects beside means. Databases print effects that are better where positive (direction 1) beside the
    means as they were: a table that turns each of them, two at least, is not asked.
    """
    doubts, turned, standing = [], set(), 0
    for number, row in rows:
        as_printed = [*against_means(row)]
        doubts += [(number, doubt) for doubt in as_printed]
        if row["direction"] == 1 and row["value"] is not None:
            other = [*against_means({**row, "value": -row["value"]})]
            turned |= {number} if as_printed and not other else set()
            standing += int(bool(other) and not as_printed)
    by_convention = turned if len(turned) > 1 and not standing else set()
    yield from ((number, doubt) for number, doubt in doubts if number not in by_convention)


def against_means(row: Row) -> Iterator[Doubt]:
    """A difference, standardized or in units of the outcome, or a t, beside the means and SDs of its arms."""
    statistic, value = row["statistic"], row["value"]
    if value is None or row["estimand"] != "d_between" or not has(row, "mean_treat", "mean_control"):
        return
    deviations = [row[f"sd_{arm}"] for arm in ARMS if row[f"sd_{arm}"] is not None]
    if not deviations:
        return
    raw = [row["mean_treat"] - row["mean_control"]]
    if has(row, "baseline_mean_treat", "baseline_mean_control"):
        raw.append(raw[0] - (row["baseline_mean_treat"] - row["baseline_mean_control"]))
        deviations += [row[f"baseline_sd_{arm}"] for arm in ARMS if row[f"baseline_sd_{arm}"] is not None]
    in_sds = [difference / sd for difference in raw for sd in deviations]
    rounding = sum(0.5 * 10.0 ** -decimals(row[f"mean_{arm}"]) for arm in ARMS)
    middle = math.sqrt(sum(sd**2 for sd in deviations) / len(deviations))
    apart = EFFECT_APART + rounding / middle
    if statistic in DIFFERENCES:
        fits = _within(value, in_sds, apart)
    elif statistic == "mean_difference":
        fits = _within(value, raw, apart * max(deviations))
    elif statistic in ("mean_sd", "change_sd"):
        # It may be of either, and in either direction.
        fits = any(_within(x, in_sds, apart) or _within(x, raw, apart * max(deviations)) for x in (value, -value))
    elif statistic in ("rom", "log_rom") and row["mean_treat"] > 0 and row["mean_control"] > 0:
        ratio = math.log(row["mean_treat"] / row["mean_control"])
        fits = _agree(value, statistic, ratio, 0.0) and not _turned(value, statistic, ratio)
    elif statistic in ("t", "t_ancova") and has(row, "n_treat", "n_control"):
        of_t = value * math.sqrt(1 / row["n_treat"] + 1 / row["n_control"])
        fits = any(of_t * d > 0 or min(abs(of_t), abs(d)) <= apart for d in in_sds)
    else:
        return
    if not fits:
        yield from _of_means(row, raw[0], raw[0] / middle)


def _of_means(row: Row, difference: float, standardized: float) -> Iterator[Doubt]:
    value = row["value"]
    means = f"the means {row['mean_treat']:g} and {row['mean_control']:g}"
    hint = "means or effect of another row?"
    if row["statistic"] != "mean_sd" and value * difference < 0:
        hint = "a sign turned, arms swapped, or means of another row?"
    about = f"{difference:.3g}" if row["statistic"] == "mean_difference" else f"{standardized:.2f}"
    if row["statistic"] in ("mean_sd", "change_sd"):
        about = f"{standardized:.2f} in SDs or {difference:.3g} in units"
    if row["statistic"] in ("rom", "log_rom"):
        about = f"{_shown(row['statistic'], math.log(row['mean_treat'] / row['mean_control'])):.3g}"
    if row["statistic"].startswith("t"):
        yield "value", f"{value:g}", f"of the sign of {difference:.3g}, the difference of {means}", hint
    else:
        yield "value", f"{value:g}", f"about {about}, as {means} with their SDs give", hint


def _within(value: float, differences: list[float], apart: float) -> bool:
    """Whether an effect is near one of these, or between them."""
    low, high = min(differences), max(differences)
    if low - apart <= value <= high + apart:
        return True
    return any(value * d > 0 and 1 / EFFECT_FACTOR <= value / d <= EFFECT_FACTOR for d in differences)


# --- people ---------------------------------------------------------------------------------------------------------


def against_people(row: Row) -> Iterator[Doubt]:
    """Totals of counts that are people without the event, or those of both arms."""
    arms = [arm for arm in ARMS if has(row, f"events_{arm}", f"total_{arm}")]
    if not arms:
        return
    events, totals = ([row[f"{name}_{arm}"] for arm in arms] for name in ("events", "total"))
    sizes = [row[f"n_{arm}"] for arm in arms]
    both = len(arms) == len(ARMS)
    if None not in sizes:
        triples = [*zip(events, totals, sizes, strict=True)]
        without = [total + count == size and count > 0 for count, total, size in triples]
        fitting = [total == size or total + count == size for count, total, size in triples]
        if any(without) and all(fitting):
            arm = arms[without.index(True)]
            yield _no_total(arm, row, f"n_{arm}")
            return
        whole = math.fsum(sizes)
        if both and any(total == whole != size for _, total, size in triples):
            arm = next(arm for arm in arms if row[f"total_{arm}"] == whole)
            allowed = f"about n_{arm} {row[f'n_{arm}']:g}"
            yield f"total_{arm}", f"{whole:g}", allowed, "the people of both arms in the place of one arm's?"
    elif (both or row["estimand"] == "one_group") and sum(events) > 0 and math.fsum((*events, *totals)) == row["n"]:
        yield _no_total(arms[0], row, "n")


def _no_total(arm: str, row: Row, size: str) -> Doubt:
    events, total = f"events_{arm}", f"total_{arm}"
    allowed = f"about {row[events] + row[total]:g}: events and totals are {size} {row[size]:g} together"
    return total, f"{row[total]:g}", allowed, f"people without the event? Then the column is nonevents_{arm}"
