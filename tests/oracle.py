"""What a printed row gives, by mpmath with 60 digits from the papers' formulas and not from ours."""

import functools

import mpmath as mp
from synthesis.data.registry import Z_95, Policy

# What rows may leave to the plan.
POLICY = Policy(reliability_process=0.9, reliability_outcome=0.8)


@functools.cache
def hedges(df):
    df = mp.mpf(df)
    return mp.exp(mp.loggamma(df / 2) - mp.loggamma((df - 1) / 2)) / mp.sqrt(df / 2)


@functools.cache
def normal(p):
    """The z of a two-sided p."""
    tail = mp.mpf(p)
    if tail == 1:
        return mp.mpf(0)
    # erfc(x) = p in logarithms: x = 0 where p = 1, and x^2 is at most -log p.
    low, high = mp.mpf(0), mp.sqrt(-mp.log(tail)) + 1
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if mp.erfc(middle) > tail else (low, middle)
    return low * mp.sqrt(2)


@functools.cache
def t_975(df):
    """The 97.5% quantile of t, by the incomplete beta function."""

    def missing(t):
        return mp.betainc(mp.mpf(df) / 2, mp.mpf("0.5"), 0, df / (df + t**2), regularized=True) - mp.mpf("0.05")

    low, high = mp.mpf(1), mp.mpf(13)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if missing(middle) > 0 else (low, middle)
    return low


def wan(c, name):
    """Mean, SD and n behind a median with quartiles, range or both."""
    n, m = c[f"n_{name}"], c[f"median_{name}"]
    a, b, q1, q3 = (c.get(f"{what}_{name}") for what in ("min", "max", "q1", "q3"))
    by_range = None if a is None or b is None else (b - a) / (2 * quantile((n - 0.375) / (n + 0.25)))
    by_quartiles = None if q1 is None or q3 is None else (q3 - q1) / (2 * quantile((0.75 * n - 0.125) / (n + 0.25)))
    if by_range is None:
        return (q1 + m + q3) / 3, by_quartiles, n
    if by_quartiles is None:
        return (a + 2 * m + b) / 4, by_range, n
    return (a + 2 * q1 + 2 * m + 2 * q3 + b) / 8, (by_range + by_quartiles) / 2, n


def quantile(p):
    """Of the normal distribution."""
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def right(statistic, metric, cells):
    """yi and vi of a row, as its papers have them."""
    c = {k: mp.mpf(float(v)) for k, v in cells.items() if v and k not in {"p", "standardized_by"}}
    n1, n2 = c.get("n_treat"), c.get("n_control")

    def of_r(r):
        return mp.atanh(r), 1 / (c["n"] - 3)

    def of_d(d):
        g = hedges(n1 + n2 - 2) * d
        return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))

    def spread(scale=lambda x: x):
        return ((scale(c["ci_high"]) - scale(c["ci_low"])) / (2 * mp.mpf(Z_95))) ** 2

    def arm(name):
        """Mean, SD and n of an arm."""
        mean, n = c.get(f"mean_{name}"), c[f"n_{name}"]
        if f"median_{name}" in c:
            return wan(c, name)
        if f"sd_{name}" in c:
            return mean, c[f"sd_{name}"], n
        if f"se_{name}" in c:
            return mean, c[f"se_{name}"] * mp.sqrt(n), n
        half = (c[f"mean_ci_high_{name}"] - c[f"mean_ci_low_{name}"]) / 2
        return mean, half / t_975(n - 1) * mp.sqrt(n), n

    def of_arms(metric):
        (m1, s1, k1), (m2, s2, k2) = arm("treat"), arm("control")
        if metric == "log_ratio_of_means":
            return mp.log(m1 / m2), s1**2 / (k1 * m1**2) + s2**2 / (k2 * m2**2)
        if metric == "mean_difference":
            return m1 - m2, s1**2 / k1 + s2**2 / k2
        return of_d((m1 - m2) / mp.sqrt(((k1 - 1) * s1**2 + (k2 - 1) * s2**2) / (k1 + k2 - 2)))

    def of_change(d, spare):
        g = hedges(n1 - 1) * d
        return g, spare / n1 + g**2 / (2 * n1)

    def adjusted(d):
        left = 1 - c["covariate_r"] ** 2
        g = hedges(n1 + n2 - 2 - c.get("covariates", 1)) * d
        return g, (1 / n1 + 1 / n2) * left + g**2 / (2 * (n1 + n2))

    def within():
        s1, s2 = c["sd_treat"], c["sd_control"]
        return mp.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2))

    z_of_p = normal(float(cells["p"].lstrip("= "))) if statistic == "p" else None
    match statistic, metric:
        case "r", "r_corrected":
            r, n = c["value"], c["n"]
            u = 1 / c.get("range_ratio", 1)
            process, outcome = (
                c.get("reliability_process", POLICY.reliability_process),
                c.get("reliability_outcome", POLICY.reliability_outcome),
            )

            def correct(x):
                x = x / mp.sqrt(outcome)
                return u * x / mp.sqrt(1 + x**2 * (u**2 - 1)) / mp.sqrt(process)

            return correct(r), mp.diff(correct, r) ** 2 * (1 - r**2) ** 2 / (n - 1)
        case "semipartial_r", _:
            r, whole = c["value"], c["r2_model"]
            without = whole - r**2
            v = (whole**2 - 2 * whole + without + 1 - without**2) / c["n"]
            return mp.atanh(r), v / (1 - r**2) ** 2
        case (("mean_sd" | "change_sd" | "median"), ("g" | "mean_difference" | "log_ratio_of_means")):
            return of_arms(metric)
        case "change_sd", "smcc":
            return of_change(c["mean_treat"] / c["sd_treat"], 1)
        case "pre_post", ("smcr" | "smcc"):
            change, s0 = c["mean_treat"] - c["baseline_mean_treat"], c["baseline_sd_treat"]
            if metric == "smcr":
                return of_change(change / s0, 2 * (1 - c["pre_post_r"]))
            s1 = c["sd_treat"]
            return of_change(change / mp.sqrt(s0**2 + s1**2 - 2 * c["pre_post_r"] * s0 * s1), 1)
        case "pre_post", _:
            change = c["mean_treat"] - c["baseline_mean_treat"] - c["mean_control"] + c["baseline_mean_control"]
            s0 = [c["baseline_sd_treat"], c["baseline_sd_control"]]
            if metric == "mean_difference":
                s1 = [c["sd_treat"], c["sd_control"]]
                parts = [
                    (a**2 + b**2 - 2 * c["pre_post_r"] * a * b) / n for a, b, n in zip(s0, s1, (n1, n2), strict=True)
                ]
                return change, parts[0] + parts[1]
            sd = mp.sqrt(((n1 - 1) * s0[0] ** 2 + (n2 - 1) * s0[1] ** 2) / (n1 + n2 - 2))
            g = hedges(n1 + n2 - 2) * change / sd
            return g, 2 * (1 - c["pre_post_r"]) * (1 / n1 + 1 / n2) + g**2 / (2 * (n1 + n2))
        case "ancova", "mean_difference":
            return c["mean_treat"] - c["mean_control"], (1 - c["covariate_r"] ** 2) * within() ** 2 * (1 / n1 + 1 / n2)
        case "ancova", _:
            return adjusted((c["mean_treat"] - c["mean_control"]) / within())
        case (("t_ancova" | "f_ancova"), _):
            t = c["value"] if statistic == "t_ancova" else mp.sqrt(c["value"])
            return adjusted(t * mp.sqrt(1 / n1 + 1 / n2) * mp.sqrt(1 - c["covariate_r"] ** 2))
        case (("rates" | "rate"), _):
            x1, x2 = c["events_treat"], c.get("events_control", 1)
            if 0 in (x1, x2):
                x1, x2 = x1 + mp.mpf("0.5"), x2 + mp.mpf("0.5")
            yi = mp.log(x1 / c["time_treat"])
            return (yi, 1 / x1) if statistic == "rate" else (yi - mp.log(x2 / c["time_control"]), 1 / x1 + 1 / x2)
        case (("proportion" | "count"), _):
            n = c["n"] if statistic == "proportion" else c["total_treat"]
            x = c["value"] * n if statistic == "proportion" else c["events_treat"]
            if metric == "arcsine":
                return mp.asin(mp.sqrt(x / n)), 1 / (4 * n)
            if x in (0, n):
                x, n = x + mp.mpf("0.5"), n + 1
            return mp.log(x / (n - x)), 1 / x + 1 / (n - x)
        case (("or" | "log_or"), "g"):
            yi = c["value"] if statistic == "log_or" else mp.log(c["value"])
            v = (
                c["variance"]
                if "variance" in c
                else c["se"] ** 2
                if "se" in c
                else spread(mp.log if statistic == "or" else lambda x: x)
            )
            factor = mp.sqrt(3) / mp.pi * hedges((c["n"] if "n" in c else n1 + n2) - 2)
            return factor * yi, factor**2 * v
        case (("rr" | "log_rr" | "hr" | "log_hr"), "g"):
            logged = statistic.startswith("log_")
            ratio = mp.exp(c["value"]) if logged else c["value"]
            v = c["se"] ** 2 if "se" in c else spread((lambda x: x) if logged else mp.log)
            p0 = c["risk_control"]

            def odds(log_ratio):
                if "rr" in statistic:
                    p1 = p0 * mp.exp(log_ratio)
                    return mp.log(p1 / (1 - p1)) - mp.log(p0 / (1 - p0))
                # Odds of an event where S = (1 - p0)^HR have none: 1 / S - 1.
                return mp.log(mp.expm1(-mp.exp(log_ratio) * mp.log1p(-p0))) - mp.log(p0 / (1 - p0))

            factor = mp.sqrt(3) / mp.pi * hedges((c["n"] if "n" in c else n1 + n2) - 2)
            return factor * odds(mp.log(ratio)), (factor * mp.diff(odds, mp.log(ratio))) ** 2 * v
        case "2x2", "risk_difference":
            table = [c["events_treat"], c["total_treat"] - c["events_treat"]]
            table += [c["events_control"], c["total_control"] - c["events_control"]]
            a, b, x, y = (cell + mp.mpf("0.5") for cell in table) if 0 in table else table
            return a / (a + b) - x / (x + y), a * b / (a + b) ** 3 + x * y / (x + y) ** 3
        case (("r" | "beta"), _):
            return of_r(c["value"])
        case "z", _:
            return c["value"], c["se"] ** 2 if "se" in c else 1 / (c["n"] - 3) if "n" in c else spread()
        case "r2", _:
            return of_r(mp.sqrt(c["value"]))
        case "f2", _:
            return of_r(mp.sqrt(c["value"] / (1 + c["value"])))
        case "t", "z":
            return of_r(c["value"] / mp.sqrt(c["value"] ** 2 + c.get("df", c["n"] - 2)))
        case "f", "z":
            return of_r(mp.sqrt(c["value"] / (c["value"] + c["df"])))
        case "chi2", _:
            return of_r(mp.sqrt(c["value"] / c["n"]))
        case "p", "z":
            return of_r(z_of_p / mp.sqrt(c["n"]))
        case "d", "z":
            return of_r(c["value"] / mp.sqrt(c["value"] ** 2 + ((n1 + n2) ** 2 / (n1 * n2) if n1 and n2 else 4)))
        case "or", "z":
            return of_r(mp.log(c["value"]) / mp.sqrt(spread(mp.log)) / mp.sqrt(c["n"]))
        case (("or" | "rr" | "hr" | "irr" | "rom"), _):
            return mp.log(c["value"]), c["se"] ** 2 if "se" in c else spread(mp.log)
        case (
            (
                "log_or"
                | "log_rr"
                | "log_hr"
                | "log_irr"
                | "log_rom"
                | "rd"
                | "mean_difference"
                | "coef"
                | "smd_within_arm_change"
            ),
            _,
        ):
            if "variance" in c:
                return c["value"], c["variance"]
            return c["value"], c["se"] ** 2 if "se" in c else spread()
        case "t", "g":
            return of_d(c["value"] * mp.sqrt(1 / n1 + 1 / n2))
        case "f", "g":
            return of_d(mp.sqrt(c["value"]) * mp.sqrt(1 / n1 + 1 / n2))
        case "p", "g":
            return of_d(z_of_p * mp.sqrt(1 / n1 + 1 / n2))
        case "d", "g":
            yi, vi = of_d(c["value"])
            shrink = hedges(n1 + n2 - 2) ** 2
            if "se" in c:
                return yi, c["se"] ** 2 * shrink
            return yi, spread() * shrink if "ci_low" in c else vi
        case (("g" | "smd"), _):
            if "se" in c:
                return c["value"], c["se"] ** 2
            if "ci_low" in c:
                return c["value"], spread()
            return c["value"], 1 / n1 + 1 / n2 + c["value"] ** 2 / (2 * (n1 + n2))
        case "2x2", _:
            table = [c["events_treat"], c["total_treat"] - c["events_treat"]]
            table += [c["events_control"], c["total_control"] - c["events_control"]]
            a, b, x, y = (cell + mp.mpf("0.5") for cell in table) if 0 in table else table
            if metric == "log_risk_ratio":
                return mp.log(a / (a + b) / (x / (x + y))), 1 / a - 1 / (a + b) + 1 / x - 1 / (x + y)
            yi, vi = mp.log(a * y / (b * x)), 1 / a + 1 / b + 1 / x + 1 / y
            factor = mp.sqrt(3) / mp.pi * hedges(c["total_treat"] + c["total_control"] - 2) if metric == "g" else 1
            return factor * yi, factor**2 * vi
    raise AssertionError(f"no oracle for {statistic} to {metric}")
