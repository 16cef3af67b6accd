"""Statistics of tables in the wild: what their columns are called, and numbers that a study could print.

The five of `in_the_wild.STYLES` have boundary values of their own; these have numbers that agree with each other, as
the checks of precision doubt rows whose numbers do not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Z_95 = 1.96
Numbers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One statistic: `make` prints the numbers of a row, `manner` (0 to 1) being the table's own.

    `names`: by style, what the columns of ours are called. `metric`: what is asked for, where there is a choice.
    `known`: whether the styles are known by their names, the statistic being given.
    """

    make: Callable[[random.Random, float], Numbers]
    names: tuple[Mapping[str, str], ...]
    metric: str = ""
    known: bool = True


def _styles(*styles: str) -> tuple[dict[str, str], ...]:
    """Styles as they are written here: `ours=theirs|ours=theirs`."""
    return tuple(dict(pair.split("=") for pair in style.split("|")) for style in styles)


def _digits(chance: random.Random, number: float, *decimals: int) -> str:
    shown = f"{number:.{chance.choice(decimals)}f}"
    return shown.replace("0.", ".", 1) if number < 1 and chance.random() < 0.15 else shown


def _around(chance: random.Random, value: float, se: float, scale: Callable[[float], float] = float) -> Numbers:
    """A value on a scale where its interval is symmetric, with everything that measures its precision."""
    decimals = chance.choice([3, 4])
    limits = {"value": value, "ci_low": value - Z_95 * se, "ci_high": value + Z_95 * se}
    found = {name: f"{scale(number):.{decimals}f}" for name, number in limits.items()}
    return found | {"se": f"{se:.4f}", "variance": f"{se * se:.5f}"}


def ratio(chance: random.Random, manner: float) -> Numbers:
    n = chance.randrange(40, 1500)
    numbers = _around(chance, chance.uniform(-1.2, 1.2), chance.uniform(0.25, 0.6), math.exp)
    return numbers | {"n": str(n), "n_treat": str(n // 2), "n_control": str(n - n // 2), "risk_control": "0.15"}


def logarithm(chance: random.Random, manner: float) -> Numbers:
    return _around(chance, chance.uniform(-1.2, 1.2), chance.uniform(0.25, 0.6)) | {"n": "1204"}


def points(chance: random.Random, manner: float) -> Numbers:
    size = chance.choice([1.0, 10.0, 100.0])
    return _around(chance, chance.uniform(-9, 9) * size, chance.uniform(0.5, 3) * size)


def risk(chance: random.Random, manner: float) -> Numbers:
    return _around(chance, chance.uniform(-0.4, 0.4), chance.uniform(0.02, 0.1))


def standardized(chance: random.Random, manner: float) -> Numbers:
    one, other = chance.randrange(60, 400), chance.randrange(60, 400)
    value = chance.uniform(-1.5, 1.5)
    se = math.sqrt(1 / one + 1 / other + value * value / (2 * (one + other))) * chance.uniform(0.95, 1.05)
    return _around(chance, value, se) | {"n_treat": str(one), "n_control": str(other), "n": str(one + other)}


def fisher(chance: random.Random, manner: float) -> Numbers:
    n = chance.randrange(12, 1600)
    return _around(chance, chance.uniform(-0.9, 0.9), 1 / math.sqrt(n - 3)) | {"n": str(n)}


def association(chance: random.Random, manner: float) -> Numbers:
    """Sign apart: r2 and f2 are above 0."""
    return {
        "value": _digits(chance, chance.uniform(0.01, 0.6), 2, 3), "n": str(chance.randrange(20, 1600)),
        "r2_model": _digits(chance, chance.uniform(0.4, 0.7), 2), "sign": chance.choice(["1", "-1"]),
    }  # fmt: skip


def test_statistic(chance: random.Random, manner: float) -> Numbers:
    one, other = chance.randrange(40, 300), chance.randrange(40, 300)
    return {
        "value": _digits(chance, chance.uniform(0.1, 9), 1, 2), "df1": "1",
        "n_treat": str(one), "n_control": str(other), "n": str(one + other), "df": str(one + other - 2),
        "sign": chance.choice(["1", "-1"]),
        "covariate_r": _digits(chance, chance.uniform(0.2, 0.8), 2), "covariates": chance.choice(["1", "2", "3"]),
        "p": _digits(chance, chance.uniform(0.001, 0.9), 3), "p_sides": chance.choice(["1", "2"]),
    }  # fmt: skip


def share(chance: random.Random, manner: float) -> Numbers:
    """Percentages, or fractions, as the table has them."""
    if manner < 0.5:
        shown = f"{chance.uniform(1, 99):.{chance.choice([0, 1])}f}" + ("%" if manner < 0.4 else " %")
    else:
        shown = _digits(chance, chance.uniform(0.02, 0.98), 2, 3)
    return {"value": shown, "n": str(chance.choice([chance.randrange(10, 300), chance.randrange(1000, 90000)]))}


def events(chance: random.Random, manner: float) -> Numbers:
    total = chance.choice([chance.randrange(30, 300), chance.randrange(1000, 9000)])
    return {
        "events_treat": str(chance.randrange(0, 30)), "total_treat": str(total),
        "time_treat": _digits(chance, chance.uniform(31, 4000), 0, 1, 2),
        "events_control": str(chance.randrange(1, 30)), "time_control": _digits(chance, chance.uniform(31, 4000), 0, 1),
    }  # fmt: skip


def quantiles(chance: random.Random, manner: float) -> Numbers:
    found: Numbers = {}
    for arm in ("treat", "control"):
        middle, low, high = chance.uniform(15, 25), chance.uniform(2, 5), chance.uniform(2, 5)
        places = (("min", -3 * low), ("q1", -low), ("median", 0.0), ("q3", high), ("max", 3 * high))
        found |= {f"{name}_{arm}": f"{middle + off:.1f}" for name, off in places}
        found[f"n_{arm}"] = str(chance.choice([chance.randrange(11, 200), 1204]))
    return found


def arms(chance: random.Random, manner: float) -> Numbers:
    found: Numbers = {"pre_post_r": _digits(chance, chance.uniform(0.2, 0.9), 2)}
    found |= {"covariate_r": _digits(chance, chance.uniform(0.2, 0.8), 2), "covariates": chance.choice(["1", "2"])}
    for arm in ("treat", "control"):
        n, sd = chance.randrange(30, 200), chance.uniform(5, 9)
        mean = chance.uniform(10, 25)
        se = sd / math.sqrt(n)
        found |= {
            f"baseline_mean_{arm}": _digits(chance, chance.uniform(20, 30), 1, 2),
            f"baseline_sd_{arm}": _digits(chance, chance.uniform(5, 9), 1, 2), f"mean_{arm}": f"{mean:.2f}",
            f"sd_{arm}": f"{sd:.2f}", f"se_{arm}": f"{se:.3f}", f"n_{arm}": str(n),
            f"mean_ci_low_{arm}": f"{mean - 2 * se:.2f}", f"mean_ci_high_{arm}": f"{mean + 2 * se:.2f}",
        }  # fmt: skip
    return found


def changes(chance: random.Random, manner: float) -> Numbers:
    return arms(chance, manner) | {
        f"mean_{arm}": _digits(chance, chance.uniform(-9, 3), 1, 2) for arm in ("treat", "control")
    }


def one_change(chance: random.Random, manner: float) -> Numbers:
    return _around(chance, chance.uniform(-2, 2), chance.uniform(0.08, 0.3)) | {
        "standardized_by": chance.choice(["baseline", "change"])
    }


_OF_ARMS = "mean_treat={0}|sd_treat={1}|n_treat={2}|mean_control={3}|sd_control={4}|n_control={5}"
_PRE = (
    "baseline_mean_treat={}|baseline_sd_treat={}|mean_treat={}|sd_treat={}|n_treat={}|"
    "baseline_mean_control={}|baseline_sd_control={}|mean_control={}|sd_control={}|n_control={}|pre_post_r={}"
)
_RATIO_STYLES = ("value={0}|ci_low=Lower|ci_high=Upper", "value={0}|ci_low=CI low|ci_high=CI high",
                 "value={0}|ci_low=95% LL|ci_high=95% UL", "value={0}|se=SE")  # fmt: skip
_LOG_STYLES = ("value=yi|variance=vi", "value={0}|se=SE", "value=TE|se=seTE", "value={0}|ci_low=ci.lb|ci_high=ci.ub",
               "value=Effect Size|se=Standard Error", "value={0}|variance=var")  # fmt: skip


def _named(styles: tuple[str, ...], *names: str) -> tuple[dict[str, str], ...]:
    return _styles(*(style.format(name) for style in styles for name in names))


def _kinds() -> dict[str, Kind]:
    """The kinds by statistic."""
    pre = ("Pre mean Exp", "Pre SD Exp", "Post mean Exp", "Post SD Exp", "N Exp", "Pre mean Con", "Pre SD Con",
           "Post mean Con", "Post SD Con", "N Con", "r")  # fmt: skip
    quartiles = "|".join(f"{x}_{a}={n} {s}" for a, s in (("treat", "int"), ("control", "ctrl"))
                         for x, n in (("median", "Median"), ("q1", "Q1"), ("q3", "Q3"), ("n", "N")))  # fmt: skip
    ranges = "|".join(f"{x}_{a}={s}.{n}" for a, s in (("treat", "e"), ("control", "c"))
                      for x, n in (("median", "median"), ("min", "min"), ("max", "max"), ("n", "n")))  # fmt: skip
    both = "|".join(f"{x}_{a}={x}{s}" for a, s in (("treat", "1"), ("control", "2"))
                    for x in ("min", "q1", "median", "q3", "max", "n"))  # fmt: skip
    printed = {
        "or": (ratio, _named(_RATIO_STYLES, "OR", "Odds ratio"), "log_odds_ratio"),
        "rr": (ratio, _named(_RATIO_STYLES, "RR", "Risk Ratio"), "log_risk_ratio"),
        "hr": (ratio, _named(_RATIO_STYLES, "HR", "hazard ratio"), "log_hazard_ratio"),
        "irr": (ratio, _named(_RATIO_STYLES, "IRR", "Rate ratio"), ""),
        "rom": (ratio, _named(_RATIO_STYLES, "RoM", "Ratio of means"), ""),
        "log_or": (logarithm, _named(_LOG_STYLES, "logOR", "ln(OR)"), "log_odds_ratio"),
        "log_rr": (logarithm, _named(_LOG_STYLES, "lnRR", "log risk ratio"), "log_risk_ratio"),
        "log_hr": (logarithm, _named(_LOG_STYLES, "logHR", "lnHR"), "log_hazard_ratio"),
        "log_irr": (logarithm, _named(_LOG_STYLES, "logIRR"), ""),
        "log_rom": (logarithm, _named(_LOG_STYLES, "logROM"), ""),
        "rd": (risk, _named(_LOG_STYLES, "RD", "Risk difference"), ""),
        "mean_difference": (points, _named(_LOG_STYLES, "MD", "Mean difference"), ""),
        "smd": (standardized, _named(_LOG_STYLES, "SMD"), ""),
        "g": (standardized, _named(_LOG_STYLES, ".g", "Hedges\u2019 g"), ""),
        "z": (fisher, _styles("value=yi|variance=vi", "value=Fisher's z|n=N", "value=zr|se=SE", "value=z|n=ni",
                                      "value=z|ci_low=ll|ci_high=ul"), ""),
        "d": (standardized, _styles("value=d|n_treat=n1|n_control=n2", "value=Cohen's d|n_treat=nt|n_control=nc"), "g"),
        "proportion": (share, _styles("value=Proportion|n=N", "value=Prevalence|n=sample size"), "logit"),
        "count": (events, _styles("events_treat=xi|total_treat=ni", "events_treat=cases|total_treat=n"), "arcsine"),
        "rate": (events, _styles("events_treat=xi|time_treat=ti"), ""),
        "rates": (events, _styles("events_treat=x1i|time_treat=t1i|events_control=x2i|time_control=t2i",
                                  "events_treat=event.e|time_treat=time.e|events_control=event.c|time_control=time.c"),
                  ""),
        "t": (test_statistic, _styles("value=t|n_treat=n1|n_control=n2"), "g"),
        "median": (quantiles, _styles(quartiles, ranges, both), "g"),
        "change_sd": (changes, _styles(_OF_ARMS.format(*(f"{n} change {a}" for a in "ec" for n in ("mean", "sd", "n"))),
                                       _OF_ARMS.format("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")), "g"),
        "pre_post": (arms, _styles(_PRE.format(*pre)), "g"),
    }  # fmt: skip
    kinds = {statistic: Kind(make, names, metric) for statistic, (make, names, metric) in printed.items()}
    return kinds | _by_columns(pre)


def _by_columns(pre: tuple[str, ...]) -> dict[str, Kind]:
    """Kinds whose columns have names of their own, which the user maps."""
    sized = "n_treat=tx|n_control=cx"
    adjusted = _OF_ARMS.format("adj M 1", "SD 1", "N 1", "adj M 2", "SD 2", "N 2")
    errors = "|".join(f"{ours}_{arm}={ours} {arm[0]}" for arm in ("treat", "control") for ours in ("mean", "se", "n"))
    limits = "|".join(f"{ours}_{arm}={ours} {arm[0]}" for arm in ("treat", "control")
                      for ours in ("mean", "mean_ci_low", "mean_ci_high", "n"))  # fmt: skip
    mapped = {
        "mean_sd": (arms, (errors, limits), "g"),
        "ancova": (arms, (f"{adjusted}|covariate_r=R|covariates=k",), "g"),
        "t_ancova": (test_statistic, (f"value=t adj|{sized}|covariate_r=R",), ""),
        "f_ancova": (test_statistic, (f"value=F adj|df1=df 1|{sized}|covariate_r=R|sign=Finding",), ""),
        "f": (test_statistic, (f"value=F|df1=df 1|{sized}|sign=Finding",), "g"),
        "p": (test_statistic, (f"p=p one|p_sides=sides|{sized}|sign=sign",), "g"),
        "chi2": (test_statistic, ("value=chi\u00b2|df1=dof|n=people|sign=sign",), ""),
        "r2": (association, ("value=R\u00b2|n=people|sign=sign",), ""),
        "f2": (association, ("value=f\u00b2|n=people|sign=sign",), ""),
        "beta": (association, ("value=\u03b2|n=people",), ""),
        "semipartial_r": (association, ("value=sr|n=people|r2_model=R\u00b2 model",), ""),
        "coef": (points, ("value=B|se=SE(B)",), ""),
        "smd_within_arm_change": (one_change, ("value=change|se=SE|standardized_by=by",), "smcr"),
        "rr": (ratio, ("value=RR|ci_low=Lower|ci_high=Upper|n_treat=tx|n_control=cx|risk_control=CER",), "g"),
        "hr": (ratio, ("value=HR|se=SE|n=N|risk_control=events in controls",), "g"),
    }
    return {
        f"{statistic}, mapped": Kind(make, _styles(*names), metric, known=False)
        for statistic, (make, names, metric) in mapped.items()
    }


KINDS = _kinds()
