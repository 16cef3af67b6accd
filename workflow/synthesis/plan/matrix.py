"""Which printed statistic becomes which metric, as a document: the registry, and metafor's measures beside it."""

from __future__ import annotations

from synthesis.data.converters import CONVERTERS
from synthesis.data.vocabulary import LANE_METRICS, METRIC_NAME, Statistic
from synthesis.meta.options import terms

# What each statistic needs beside the sizes of a row, in words.
NEEDS: dict[str, str] = (
    {
        "r": "value, n; for r_corrected reliability_process and reliability_outcome (or the plan's), range_ratio",
        "z": "value (Fisher's z) with n, se or variance",
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
        "smd_within_arm_change": "value with se, variance or interval",
    }
    | dict.fromkeys(
        ("or", "rr", "hr", "irr", "rom"), "value with its interval, or with se or variance of the logarithm"
    )
    | (dict.fromkeys(("log_or", "log_rr", "log_hr", "log_irr", "log_rom"), "value with se, variance or interval"))
)
# Statistics that nothing is made of.
_SHOWN_ONLY = {
    "threshold_points": "a threshold in points of a scale: held against, not pooled",
    "threshold_sd": "a threshold in standard deviations: held against, not pooled",
}
_NO_TABLE = "pairs of the same people: the cells of the crossed table have no columns; enter log_or with its se"
_VARIABILITY = "compares spreads, not levels: no question of this product"
# metafor's measures (escalc, version 3.8), by what does the same here; a text says why nothing does.
MEASURES: dict[str, tuple[str, str] | str] = {
    "RR": ("2x2", "log_risk_ratio"),
    "OR": ("2x2", "log_odds_ratio"),
    "PETO": ("2x2", "log_odds_ratio"),
    "RD": ("2x2", "risk_difference"),
    "AS": "a difference of arcsines has no unit that a reader knows: risk_difference",
    "PHI": "phi of a fourfold table depends on its margins: log_odds_ratio; a printed phi is r",
    "YUQ": "a function of the odds ratio: log_odds_ratio",
    "YUY": "a function of the odds ratio: log_odds_ratio",
    "RTET": "assumes two normal variables cut in two: enter a printed tetrachoric r as r with its n",
    "PBIT": "a probit difference: OR2DL serves, as in the literature of this field",
    "OR2D": ("or", "g"),
    "OR2DN": "the normal variant of OR2DL: one way to do a thing",
    "OR2DL": ("2x2", "g"),
    "MPRD": _NO_TABLE,
    "MPRR": _NO_TABLE,
    "MPOR": _NO_TABLE,
    "MPORC": _NO_TABLE,
    "MPPETO": _NO_TABLE,
    "MPORM": _NO_TABLE,
    "IRR": ("rates", "log_rate_ratio"),
    "IRD": "a difference of rates: log_rate_ratio, which does not hang on the unit of time",
    "IRSD": "a difference of square roots of rates: log_rate_ratio",
    "MD": ("mean_sd", "mean_difference"),
    "SMD": ("mean_sd", "g"),
    "SMDH": "standardized by an average of unequal SDs: enter a printed one as g with its se",
    "SMD1": "standardized by the SD of the control arm (Glass): enter a printed one as g with its se",
    "SMD1H": "standardized by the SD of the control arm (Glass): enter a printed one as g with its se",
    "ROM": ("mean_sd", "log_ratio_of_means"),
    "CVR": _VARIABILITY,
    "VR": _VARIABILITY,
    "RPB": ("d", "z"),
    "RBIS": "a biserial correlation: enter a printed one as r with its n",
    "D2OR": "a standardized difference has no event whose odds could be compared",
    "D2ORN": "a standardized difference has no event whose odds could be compared",
    "D2ORL": "a standardized difference has no event whose odds could be compared",
    "COR": "the raw r: in multiverses (how.metric r); r_corrected with reliabilities of 1",
    "UCOR": "the raw r less its small bias: z",
    "ZCOR": ("r", "z"),
    "PCOR": "a partial r on its own scale: z, whose variance does not hang on r",
    "ZPCOR": ("t", "z"),
    "SPCOR": ("semipartial_r", "z"),
    "PR": "the raw proportion, with limits beyond 0 and 1: logit or arcsine",
    "PLN": "the logarithm of a proportion, with limits above 1: logit",
    "PLO": ("count", "logit"),
    "PAS": ("count", "arcsine"),
    "PFT": "the double arcsine has no way back that fits studies of several sizes (Schwarzer et al. 2019, Res Synth "
    "Methods 10:476): arcsine, or logit",
    "IR": "the raw rate, with limits below 0: log_rate",
    "IRLN": ("rate", "log_rate"),
    "IRS": "the square root of a rate: log_rate",
    "IRFT": "the double square root of a rate: log_rate",
    "MN": "means of single groups are not pooled",
    "MNLN": "means of single groups are not pooled",
    "CVLN": _VARIABILITY,
    "SDLN": _VARIABILITY,
    "SMN": "a mean over its SD: smcc of changes",
    "MC": "a change of one group in points: smcr or smcc; of two groups mean_difference of pre_post",
    "SMCC": ("pre_post", "smcc"),
    "SMCR": ("pre_post", "smcr"),
    "SMCRH": "smcr with a variance that allows for unequal SDs: enter it as smd_within_arm_change with its se",
    "ROMC": "a ratio of the means of one group: log_ratio_of_means of two arms",
    "CVRC": _VARIABILITY,
    "VRC": _VARIABILITY,
    "ARAW": "reliabilities (alpha) are not pooled; they enter as reliability_process and reliability_outcome",
    "AHW": "reliabilities (alpha) are not pooled; they enter as reliability_process and reliability_outcome",
    "ABT": "reliabilities (alpha) are not pooled; they enter as reliability_process and reliability_outcome",
    "REH": "a relative excess heterozygosity: no question of this product",
    "GEN": "any statistic of this table that takes a value with its se or variance",
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
        "of the column that is missing.\n"
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
    some = sum(isinstance(converter, tuple) for converter in MEASURES.values())
    parts.append(
        f"## metafor's measures\n\nOf the {len(MEASURES)} measures of `escalc` (metafor 3.8) {some} are here; PETO by "
        "`conversions.odds_ratio: peto`. Of the others, what to use instead.\n\n| measure | here |\n|---|---|\n"
        + "\n".join(lines)
        + "\n"
    )
    return "\n".join(parts)
