"""The closed sets of terms, each in one place."""

import math
from collections.abc import Iterable
from typing import Literal

Construct = Literal[
    "alliance",
    "adherence",
    "competence",
    "integrity",
    "technique",
    "homework",
    "protocol",
    "context",
    "threshold",
    "process",
]
# What each construct is; in the data dictionary.
CONSTRUCT_DEFINITIONS: dict[str, str] = {
    "alliance": "Rating of the working alliance: bond, tasks and goals, whole or in part.",
    "adherence": "How far the therapist does what the protocol prescribes, and nothing that it forbids.",
    "competence": "How well the therapist does it, general or specific to the treatment.",
    "integrity": "Adherence and competence taken together, in one score or in one pooled analysis.",
    "technique": "How much of a technique, or kind of technique, the therapist uses; not adherence as a whole.",
    "homework": "How far patients do the tasks agreed between sessions: their compliance, not that of the therapist.",
    "protocol": "A treatment compared with a control condition.",
    "context": "A number that a claim or a threshold needs.",
    "process": "A process that was rated, of whatever kind: for a table that does not say which.",
    "threshold": "A value that effects or associations are held against.",
}
Estimand = Literal[
    "r_total", "r_partial", "b_within", "r_therapist", "d_between", "one_group", "interaction", "descriptive"
]
Level = Literal["study", "summary"]
Statistic = Literal[
    "r",
    "z",
    "beta",
    "r2",
    "f2",
    "t",
    "f",
    "chi2",
    "p",
    "d",
    "g",
    "smd",
    "mean_sd",
    "change_sd",
    "2x2",
    "or",
    "rr",
    "hr",
    "irr",
    "rom",
    "log_or",
    "log_rr",
    "log_hr",
    "log_irr",
    "log_rom",
    "rd",
    "semipartial_r",
    "coef",
    "mean_difference",
    "median",
    "pre_post",
    "ancova",
    "t_ancova",
    "f_ancova",
    "rates",
    "smd_within_arm_change",
    "proportion",
    "count",
    "rate",
    "threshold_points",
    "threshold_sd",
]
Metric = Literal[
    "z",
    "r_corrected",
    "coefficient",
    "g",
    "log_odds_ratio",
    "log_risk_ratio",
    "log_hazard_ratio",
    "log_rate_ratio",
    "log_ratio_of_means",
    "risk_difference",
    "mean_difference",
    "logit",
    "arcsine",
    "log_rate",
    "smcr",
    "smcc",
]
# What a standardised mean difference of 1 is in other metrics: r is half of d where d is small, so is z; a logistic
# distribution has an SD of pi / sqrt(3) (Hasselblad & Hedges 1995; as RoBMA takes the priors from one to another).
SMD_UNITS = {"g": 1.0, "z": 0.5, "log_odds_ratio": math.pi / math.sqrt(3)}
# By which SD a change of one group was standardized.
Standardizer = Literal["baseline", "change"]
Lane = Literal["A", "B", "C"]
# Adjustments of a pooled estimate for small-study effects that a multiverse can try.
BiasAdjustment = Literal["none", "trim_fill", "pet_peese"]
# How a multiverse pools correlations: Fisher's z, or r itself with the variance (1 - r^2)^2 / (n - 1).
CorrelationMetric = Literal["z", "r"]
# Options of a multiverse; Del Giudice & Gangestad (2021).
OptionKind = Literal["equivalent", "uncertain", "non_equivalent"]
Rater = Literal["client", "therapist", "observer", "clinician", "self-report"]
Timepoint = Literal["early", "mid", "late", "averaged", "concurrent", "lagged", "post", "follow-up"]
Comparator = Literal[
    "usual care",
    "wait list",
    "wait list plus usual care",
    "minimal attention",
    "attention placebo",
    "supportive counselling",
    "assessment only",
    "other control",
    "mixed controls",
    "other psychotherapy",
    "none",
]
Confidence = Literal["high", "medium", "low"]
ReportedAs = Literal[
    "number",
    "ns",
    "sig_no_number",
    "range_no_n",
    "unread",
    "inconclusive",
    "not_outcome",
    "secondary",
]
Adjustment = Literal["none", "baseline", "prior change", "unknown"]
DropCategory = Literal["gap", "excluded", "refused", "descriptive", "combined"]
# Columns that describe a sample in tables and figures.
Descriptor = Literal[
    "rater",
    "comparator",
    "outcome",
    "format",
    "disorder",
    "treatment",
    "timepoint",
    "confidence",
    "tier",
    "rob",
    "country",
    "exactness",
    "estimand",
]
# Columns of what may hold samples, and the sample itself: the levels of a model.
LevelColumn = Literal["source", "country", "lab", "study", "doi", "citation", "sample_id"]
NumericModerator = Literal["year", "weeks", "n_total", "severity"]
# The order of studies in a forest plot, what a row is, and what stands beside the pooled estimate.
RowOrder = Literal["year", "label", "estimate", "weight", "n", "given"]
RowUnit = Literal["samples", "estimates"]
Summary = Literal["common", "bayes"]
# How figures print intervals and colour marks.
Preset = Literal["project", "bmj", "revman"]
# Figures beside a forest plot; `bubble` stands for one per numeric moderator.
DiagnosticFigure = Literal[
    "funnel",
    "orchard",
    "caterpillar",
    "cumulative",
    "leave_one_out",
    "baujat",
    "radial",
    "influence",
    "gosh",
    "adjusted",
    "bubble",
    "coefficients",
]
# What there is to see in each, below it in the report.
FIGURE_CAPTIONS: dict[str, str] = {
    "funnel": (
        "Funnel plot: without small-study effects the samples lie evenly on both sides of the pooled value, "
        "and nearer to it the smaller their standard error."
    ),
    "orchard": (
        "Orchard plot: every single estimate, larger the more precise, above the pooled value with its "
        "confidence interval (thick) and its prediction interval (thin)."
    ),
    "caterpillar": (
        "Caterpillar plot: every single estimate with its interval, in order of size; where many intervals "
        "miss the pooled value, the effects differ by more than chance."
    ),
    "cumulative": (
        "Cumulative meta-analysis: the pool as the samples came in, by year of publication; where later rows "
        "stay inside the earlier intervals, the answer has settled."
    ),
    "leave_one_out": (
        "Leave one out: the pool without each sample in turn; a row far from the dashed line names a sample "
        "on which the result depends."
    ),
    "baujat": (
        "Baujat plot: the further right a sample, the more it adds to the heterogeneity; the higher, the more "
        "it moves the estimate."
    ),
    "radial": (
        "Radial (Galbraith) plot: samples outside the band lie more than two standard errors from the pooled value."
    ),
    "influence": (
        "Influence of each sample on the fit, by several measures: values beyond a dashed border are worth a "
        "look, and bold names are influential samples."
    ),
    "gosh": (
        "GOSH plot: the estimate of every subset of the samples against its I\u00b2, with and without one sample; "
        "where the two clouds lie apart, that sample moves the result."
    ),
    "adjusted": (
        "The pool and its estimates adjusted for bias: each row rests on an idea of its own of what is missing; "
        "where all lie on one side of a threshold, the answer does not depend on which of them is right."
    ),
    "bubble": (
        "Bubble plot: estimates against the moderator, larger the more precise, with the fitted line and its "
        "interval; differences between samples, not causes."
    ),
    "coefficients": (
        "Coefficients of a regression on several moderators together, each with its interval: against the reference "
        "level, or per unit, the others held; differences between samples, not causes."
    ),
}
# What decides a claim; docs in the data dictionary.
ClaimRule = Literal["above", "below", "not_above", "within", "all_within"]
SourceAgrees = Literal["yes", "partly", "no", "unknown"]
# Boxes of the PRISMA 2020 flow before extraction (Page et al. 2021, BMJ 372:n71, figure 1), in their order.
SearchStep = Literal[
    "identified", "duplicates", "automation", "other_removed", "screened", "excluded", "sought", "not_retrieved",
    "assessed", "ineligible", "included_studies", "included_reports",
]  # fmt: skip
# A column of forest plots that is one of symbols for each domain of risk of bias.
RISK_DOMAINS, DOMAIN_COLUMN = "rob_domains", "rob_domains.{}"
# Tools that judge risk of bias by domain: data/risk_tools.py.
RiskTool = Literal["RoB 2", "ROBINS-I", "QUIPS"]
Verdict = Literal["supported", "not supported", "cannot be decided", "misquoted"]
# What each verdict says, as the report explains it.
VERDICT_WORDS: dict[Verdict, str] = {
    "supported": "the interval lies where the statement needs it",
    "not supported": "it lies elsewhere",
    "cannot be decided": "it lies on both sides, or no number decides",
    "misquoted": "the cited source does not say it",
}

LANE_WORD: dict[str, str] = {"A": "association", "B": "effect", "C": "estimate"}
LANE_ESTIMANDS: dict[str, tuple[str, ...]] = {
    "A": ("r_total", "r_partial", "b_within", "r_therapist"),
    "B": ("d_between",),
    "C": ("one_group",),
}
RANGE_END, N_DERIVED = "range_end", "n_derived"
# How exact a value is that stands for a finding without a number.
SET_TO_ZERO = "set to zero"
# Flags of a row that a reader must know of, in words.
FLAG_WORDS: dict[str, str] = {
    RANGE_END: "one end of a printed range",
    N_DERIVED: "n is not printed, but derived from other numbers of the source",
    "rater_assumed": "the rater is assumed, not printed",
    "therapist_level_n": "n is the number of therapists",
    "glyphs_mended": "signs of the quote that the copy broke are mended",
    "release_conflict": "two releases of the database differ",
}
# Readings of a correlation as a difference between two groups; `contrast_name` says each in words.
CONTRASTS = ("2_sd", "1_sd", "median_split", "concordance")
METRIC_NAME: dict[str, str] = {
    "z": "Fisher z",
    "r_corrected": "correlation, corrected for unreliability",
    "coefficient": "unstandardized coefficient",
    "g": "Hedges g",
    "log_odds_ratio": "log odds ratio",
    "log_risk_ratio": "log risk ratio",
    "log_hazard_ratio": "log hazard ratio",
    "log_rate_ratio": "log rate ratio",
    "log_ratio_of_means": "log ratio of means",
    "risk_difference": "risk difference",
    "mean_difference": "mean difference",
    "logit": "logit of a proportion",
    "arcsine": "arcsine of the root of a proportion",
    "log_rate": "log rate",
    "smcr": "standardized mean change by the SD before",
    "smcc": "standardized mean change by the SD of change",
}
# On the axis of a figure, and in short.
AXIS_NAME: dict[str, str] = {
    "z": "Correlation r",
    "r_corrected": "Correlation, corrected for unreliability",
    "coefficient": "Coefficient",
    "g": "Standardized mean difference (Hedges g)",
    "log_odds_ratio": "Odds ratio",
    "log_risk_ratio": "Risk ratio",
    "log_hazard_ratio": "Hazard ratio",
    "log_rate_ratio": "Rate ratio",
    "log_ratio_of_means": "Ratio of means",
    "risk_difference": "Risk difference",
    "mean_difference": "Mean difference",
    "logit": "Proportion",
    "arcsine": "Proportion",
    "log_rate": "Rate",
    "smcr": "Standardized mean change (SD before)",
    "smcc": "Standardized mean change (SD of change)",
}
ESTIMATE_NAME: dict[str, str] = {
    "z": "r",
    "r_corrected": "corrected r",
    "coefficient": "b",
    "g": "g",
    "log_odds_ratio": "OR",
    "log_risk_ratio": "RR",
    "log_hazard_ratio": "HR",
    "log_rate_ratio": "IRR",
    "log_ratio_of_means": "RoM",
    "risk_difference": "RD",
    "mean_difference": "MD",
    "logit": "proportion",
    "arcsine": "proportion",
    "log_rate": "rate",
    "smcr": "SMCR",
    "smcc": "SMCC",
}
# Logarithms of ratios: pooled as printed, of the event itself, unless a plan turns them.
RATIO_METRICS = frozenset(
    {"log_odds_ratio", "log_risk_ratio", "log_hazard_ratio", "log_rate_ratio", "log_ratio_of_means"}
)
LOGARITHMS = RATIO_METRICS | {"log_rate"}
# Numbers of one group with no value of no effect.
NO_NULL = frozenset({"logit", "arcsine", "log_rate"})
AS_PRINTED = RATIO_METRICS | NO_NULL
# In the units of an outcome: of one outcome only.
IN_UNITS = frozenset({"mean_difference", "coefficient"})
LANE_METRICS: dict[str, tuple[str, ...]] = {
    "A": ("z", "r_corrected", "coefficient"),
    "B": (
        "g",
        "log_odds_ratio",
        "log_risk_ratio",
        "log_hazard_ratio",
        "log_rate_ratio",
        "log_ratio_of_means",
        "risk_difference",
        "mean_difference",
    ),
    "C": ("logit", "arcsine", "log_rate", "smcr", "smcc"),
}


def process_name(constructs: Iterable[str], article: bool = True) -> str:
    """What associations are of, inside a sentence: "the alliance", "empathy and warmth"; "the process" of none."""
    named = [
        f"the {name}" if article and name in ("alliance", "process") else name for name in dict.fromkeys(constructs)
    ]
    return " and ".join([*([", ".join(named[:-1])] if named[1:] else []), *named[-1:]]) or "the process"


def contrast_name(contrast: str, constructs: Iterable[str] = ()) -> str:
    """How a contrast reads a correlation of these constructs with outcome as a difference between two groups."""
    of = tuple(dict.fromkeys(constructs))
    rating = process_name(of, article=False) if of else "the rating"
    many = "alliances" if of == ("alliance",) else f"{rating} ratings" if of else "the ratings"
    return {
        "2_sd": "one SD above against one SD below the mean",
        "1_sd": f"one SD of {rating}",
        "median_split": f"better against worse half of {many}",
        "concordance": "equal probability of the better outcome",
    }[contrast]


def nobody_assigned(constructs: Iterable[str]) -> str:
    """Why an association is no effect of what it is of."""
    of = tuple(dict.fromkeys(constructs))
    return f"nobody was assigned to {'an alliance' if of == ('alliance',) else f'a level of {process_name(of)}'}"


def early_improvement(constructs: Iterable[str]) -> str:
    """What else may make an association."""
    return f"early improvement may raise {process_name(tuple(dict.fromkeys(constructs)))} too"


# What abbreviations of instruments begin with: databases write them in lower case.
_INSTRUMENTS = frozenset(
    [
        "bai",
        "bdi",
        "bsi",
        "caps",
        "ces",
        "cidi",
        "cis",
        "core",
        "cgi",
        "dass",
        "epds",
        "gad",
        "gds",
        "hads",
        "hai",
        "ham",
        "hamd",
        "hdrs",
        "hrsd",
        "htq",
        "ies",
        "isi",
        "lsas",
        "madrs",
        "mdi",
        "pcl",
        "pds",
        "phq",
        "pss",
        "pswq",
        "qids",
        "scid",
        "scl",
        "si",
        "spin",
        "stai",
        "thi",
        "wai",
        "ybocs",
    ]
)


def instrument_name(outcome: str) -> str:
    """An outcome as it is read: abbreviations of instruments in capitals (CAPS, PSS-I), all else as it is written."""
    parts = outcome.split("-")
    coded = outcome.isascii() and outcome == outcome.lower() and " " not in outcome
    return outcome.upper() if coded and parts[0].rstrip("0123456789") in _INSTRUMENTS else outcome


def is_domain(column: str) -> bool:
    """Whether a column of a forest plot holds the judgements of one domain of risk of bias."""
    return column.startswith(DOMAIN_COLUMN.format(""))
