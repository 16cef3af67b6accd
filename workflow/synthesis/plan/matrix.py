"""Which printed statistic becomes which metric, as a document: the registry, and metafor's measures beside it."""

from __future__ import annotations

from synthesis.data.converters import CONVERTERS
from synthesis.data.measures import MEASURES
from synthesis.data.vocabulary import LANE_METRICS, METRIC_NAME, Statistic
from synthesis.meta.options import terms

# What each statistic needs beside the sizes of a row, in words.
NEEDS: dict[str, str] = (
    {
        "r": "value, n; for r_corrected reliability_process and reliability_outcome (or the plan's), range_ratio",
        "z": "value (Fisher's z) with n, se, variance or interval",
        "beta": "value (standardized), n",
        "r2": "value, n, sign; of the predictor alone",
        "f2": "value, n, sign; of the predictor alone",
        "semipartial_r": "value, n, r2_model",
        "t": "value with n (or both arms) and df for z; with n_treat, n_control for g",
        "f": "value, df1 = 1, sign; df and n for z, both arms for g",
        "chi2": "value, df1 = 1, n, sign",
        "p": "p, sign, n or both arms; p_sides 1 for a one-sided test",
        "d": "value with both arms; a printed se or interval goes before the formula",
        "g": "value with se, variance, interval or both arms",
        "smd": "value with se, variance, interval or both arms; taken as g",
        "mean_sd": "mean, n and sd of both arms; instead of sd: se or mean_ci_low, mean_ci_high of the arm",
        "change_sd": "the same of change scores",
        "median": "median, n and quartiles, range or both of both arms (Wan et al. 2014)",
        "pre_post": "mean, sd, n, baseline_mean, baseline_sd of the arms, pre_post_r (or the plan's)",
        "ancova": "adjusted means, sd of the outcome itself, n, covariate_r, covariates",
        "t_ancova": "value, both arms, covariate_r, covariates",
        "f_ancova": "value, df1 = 1, both arms, covariate_r, covariates, sign",
        "mean_difference": "value with se, variance or interval",
        "coef": "value with se, variance or interval",
        "rd": "value with se, variance or interval",
        "2x2": "events and total (or nonevents) of both arms",
        "rates": "events and time of both arms",
        "proportion": "value (0 to 1), n",
        "count": "events_treat, total_treat",
        "rate": "events_treat, time_treat",
        "smd_within_arm_change": "value with se, variance or interval; standardized_by: baseline (smcr), change (smcc)",
    }
    | dict.fromkeys(("or", "irr", "rom"), "value with its interval, or with se or variance of the logarithm")
    | dict.fromkeys(("log_or", "log_irr", "log_rom"), "value with se, variance or interval")
    | dict.fromkeys(
        ("rr", "hr"),
        "value with its interval, or with se or variance of the logarithm; for g risk_control, and n or both arms",
    )
    | dict.fromkeys(("log_rr", "log_hr"), "value with se, variance or interval; for g risk_control, and n or both arms")
)
# Statistics that nothing is made of.
_SHOWN_ONLY = {
    "threshold_points": "a threshold in points of a scale: held against, not pooled",
    "threshold_sd": "a threshold in standard deviations: held against, not pooled",
}


def statistics_reference(remark: str) -> str:
    """`docs/statistics.md`: statistic by metric, exact or approximate; and metafor's measures."""
    lanes = {"A": "Associations (lane A)", "B": "Effects (lane B)", "C": "One group (lane C)"}
    parts = [
        f"# Statistics and metrics\n\n{remark}\n\n"
        "Which printed statistic becomes which metric. Exact: the metric's own formula, or what the source prints, on "
        "another scale. Approximate: another quantity stands in, under an assumption that the converter's docstring "
        "names; such rows carry `exactness: approximate`, and `select: {exactness: [exact]}` leaves them out. An empty "
        "cell: refused, as the statistic has no place on that scale. A row without its numbers is refused by the name "
        "of the column that is missing.\n\n"
        "Double arcsine (PFT) is refused by name, in the plan and in `synthesis new`: a pooled value has no way back "
        "to a proportion that fits studies of several sizes (Schwarzer et al. 2019). A hazard or risk ratio becomes g "
        "by the odds ratio that `risk_control` implies: neither is a difference in SDs by itself. A rate ratio and a "
        "risk difference do not: rates are no shares of people, and a risk difference with its risks is a 2x2 table.\n"
    ]
    statistics = [statistic for statistic in terms(Statistic) if statistic not in _SHOWN_ONLY]
    for lane, metrics in LANE_METRICS.items():
        parts.append(f"## {lanes[lane]}\n\n" + "\n".join(f"- `{m}`: {METRIC_NAME[m]}" for m in metrics) + "\n")
        rows = [f"| statistic | {' | '.join(metrics)} | what a row needs |", "|---|" + "---|" * (len(metrics) + 1)]
        for statistic in statistics:
            converters = [CONVERTERS.get((statistic, metric)) for metric in metrics]
            if any(converters):
                cells = [
                    "" if converter is None else "exact" if converter.exact else "approximate"
                    for converter in converters
                ]
                rows.append(f"| `{statistic}` | {' | '.join(cells)} | {NEEDS[statistic]} |")
        parts.append("\n".join(rows) + "\n")
    not_converted = "\n".join(f"- `{name}`: {why}." for name, why in _SHOWN_ONLY.items())
    parts.append(f"Not converted:\n\n{not_converted}\n")
    lines = [
        f"| {name} | "
        + (f"`{converter[0]}` to `{converter[1]}`" if isinstance(converter, tuple) else f"not here: {converter}")
        + " |"
        for name, converter in MEASURES.items()
    ]
    count = sum(isinstance(converter, tuple) for converter in MEASURES.values())
    parts.append(
        f"## metafor's measures\n\nOf the {len(MEASURES)} measures of `escalc` (metafor 3.8) {count} are here; PETO by "
        "`conversions.odds_ratio: peto`. Of the others, what to use instead.\n\n| measure | here |\n|---|---|\n"
        + "\n".join(lines)
        + "\n"
    )
    return "\n".join(parts)
