"""The closed sets of terms, each in one place."""

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
Estimand = Literal["r_total", "r_partial", "b_within", "r_therapist", "d_between", "interaction", "descriptive"]
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
    "log_or",
    "log_rr",
    "coef",
    "mean_difference",
    "smd_within_arm_change",
    "proportion",
    "count",
    "threshold_points",
    "threshold_sd",
]
Metric = Literal["z", "g", "log_odds_ratio", "log_risk_ratio"]
Lane = Literal["A", "B"]
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
    "bubble",
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
    "bubble": (
        "Bubble plot: estimates against the moderator, larger the more precise, with the fitted line and its "
        "interval; differences between samples, not causes."
    ),
}
# What decides a claim; docs in the data dictionary.
ClaimRule = Literal["above", "below", "not_above", "within", "all_within"]
SourceAgrees = Literal["yes", "partly", "no", "unknown"]
Verdict = Literal["supported", "not supported", "cannot be decided", "misquoted"]

LANE_WORD: dict[str, str] = {"A": "association", "B": "effect"}
LANE_ESTIMANDS: dict[str, tuple[str, ...]] = {
    "A": ("r_total", "r_partial", "b_within", "r_therapist"),
    "B": ("d_between",),
}
# How each contrast reads a correlation as a difference between two groups.
CONTRAST_NAME: dict[str, str] = {
    "2_sd": "one SD above against one SD below the mean",
    "1_sd": "one SD above against the mean",
    "median_split": "upper against lower half",
    "concordance": "equal probability of the better outcome",
}
METRIC_NAME: dict[str, str] = {
    "z": "Fisher z",
    "g": "Hedges g",
    "log_odds_ratio": "log odds ratio",
    "log_risk_ratio": "log risk ratio",
}
# Logarithms of ratios: pooled as printed, of the event itself, unless a plan turns them.
RATIO_METRICS = frozenset({"log_odds_ratio", "log_risk_ratio"})
LANE_METRICS: dict[str, tuple[str, ...]] = {
    "A": ("z",),
    "B": ("g", "log_odds_ratio", "log_risk_ratio"),
}
