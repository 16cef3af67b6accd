"""metafor's measures by what does the same here, or why nothing does; also for those who ask for one by its name."""

from __future__ import annotations

from synthesis.text import plain

_NO_TABLE = "pairs of the same people: the cells of the crossed table have no columns; enter log_or with its se"
_OTHER_SD = (
    "standardized by {}: another unit than g where the arms differ in SD, and one pool holds one unit: g of mean_sd; a "
    "printed one may enter as g with its se where the SDs are alike"
)
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
    "SMDH": _OTHER_SD.format("the root of the mean of both variances (Bonett 2008)"),
    "SMD1": _OTHER_SD.format("the SD of the control arm (Glass)"),
    "SMD1H": _OTHER_SD.format("the SD of the control arm (Glass), its variance for unequal SDs"),
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


# What people call measures of escalc.
_CALLED = {
    "doublearcsine": "PFT", "freemantukey": "PFT", "freemantukeydoublearcsine": "PFT", "glass": "SMD1",
    "glassdelta": "SMD1", "glasssdelta": "SMD1", "bonett": "SMDH",
}  # fmt: skip


def elsewhere(asked: str) -> str:
    """What to use for a measure of metafor that is asked for as a metric or statistic; nothing for other words."""
    words = plain(asked)
    name = _CALLED.get(words, words.upper())
    measure = MEASURES.get(name)
    if measure is None:
        return ""
    if isinstance(measure, str):
        return f"{name} is not here: {measure}"
    return f"metafor's {name} is metric {measure[1]}, of statistic {measure[0]} among others"
