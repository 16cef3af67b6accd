"""The columns of a raw table: the single source for checks, JSON Schema and data dictionary."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from synthesis.data import vocabulary as v
from synthesis.meta.options import terms

# Nobody studied more people than there are.
LARGEST_COUNT = 10**9
# Sizes that are a slip of the keyboard, of a program or of an attacker, and whose squares leave the range of floating
# point: no number is larger, and none that divides (an SD, a standard error, an odds ratio) smaller.
LARGEST, SMALLEST = 1e15, 1e-15

Kind = Literal["text", "id", "number", "count", "choice", "sign", "p", "url", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `effects.csv`. An empty cell always means "the source does not print it"."""

    name: str
    kind: Kind
    description: str
    example: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    # A choice whose terms are the known ones: others may stand there too.
    open: bool = False

    @property
    def allowed_text(self) -> str:
        """What may stand in a cell, in words."""
        empty = "" if self.required else ", or empty"
        match self.kind:
            case "choice" if self.open:
                return "one of " + ", ".join(self.allowed) + ", or a term of your own" + empty
            case "choice" | "sign":
                return "one of " + ", ".join(self.allowed) + empty
            case "count":
                most = "a billion" if self.high is None else f"{self.high:g}"
                return f"a whole number of at least {self.low:g} and at most {most}{empty}"
            case "number":
                return "a number with a decimal point" + self._range_text() + empty
            case "p":
                return "a p value as printed: 0.03, <.001 or >.05" + empty
            case "id":
                return "letters, digits and _ . - only" + empty
            case "url":
                return "an address that starts with http:// or https://" + empty
            case "date":
                return "a date like 2026-11-23" + empty
        return "text" + empty

    def holds(self, value: float) -> bool:
        """Whether a number is in the column's range, and of a size that can be computed with."""
        if not math.isfinite(value) or abs(value) > LARGEST:
            return False
        if 0 < abs(value) < SMALLEST and (self.low_open or self.kind == "count"):
            return False
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return not (self.high is not None and (value > self.high or (self.high_open and value == self.high)))

    def _range_text(self) -> str:
        parts = []
        if self.low is not None:
            parts.append(f"above {self.low:g}" if self.low_open else f"at least {self.low:g}")
        if self.high is not None:
            parts.append(f"below {self.high:g}" if self.high_open else f"at most {self.high:g}")
        return (", " + " and ".join(parts)) if parts else ""


def _choice(name: str, literal: object, description: str, example: str, required: bool = False) -> Column:
    return Column(name, "choice", description, example, required, allowed=terms(literal))


def _terms(name: str, literal: object, description: str, example: str, required: bool = False) -> Column:
    """A choice with known terms, open to others."""
    return replace(_choice(name, literal, description, example, required), open=True)


def _positive(name: str, description: str, example: str = "") -> Column:
    return Column(name, "number", description, example, low=0, low_open=True)


def _share(name: str, description: str, example: str = "") -> Column:
    return Column(name, "number", description, example, low=0, high=1, low_open=True)


def _moments() -> tuple[Column, ...]:
    """What stands for the SD of an arm, or for its mean and SD."""
    columns: list[Column] = []
    for arm, name in (("treat", "treatment arm"), ("control", "control arm")):
        columns += [
            _positive(f"se_{arm}", f"Standard error of the mean, {name}, where no SD is printed.", "0.91"),
            Column(
                f"mean_ci_low_{arm}", "number", f"Lower 95% limit of the mean, {name}, where no SD is printed.", "8.1"
            ),
            Column(
                f"mean_ci_high_{arm}", "number", f"Upper 95% limit of the mean, {name}, where no SD is printed.", "11.6"
            ),
            Column(f"median_{arm}", "number", f"Median, {name} (statistic median).", "9"),
            Column(f"q1_{arm}", "number", f"Lower quartile, {name}.", "6"),
            Column(f"q3_{arm}", "number", f"Upper quartile, {name}.", "13"),
            Column(f"min_{arm}", "number", f"Smallest value, {name}.", "1"),
            Column(f"max_{arm}", "number", f"Largest value, {name}.", "24"),
        ]
    return tuple(columns)


def _count(name: str, description: str, low: int, example: str = "", high: int | None = None) -> Column:
    return Column(name, "count", description, example, low=low, high=high)


COLUMNS: tuple[Column, ...] = (
    Column(
        "effect_id",
        "id",
        "Name of this number; unique over all sources.",
        "ap_e161",
        required=True,
    ),
    Column(
        "sample_id",
        "text",
        "Independent sample of people; rows that share it are dependent. Required at level study.",
        "TAILORED27",
    ),
    Column("study", "text", "Short name of the publication.", "Horvath & Symonds", required=True),
    Column(
        "lab",
        "text",
        "Research group or programme of the study; its studies are dependent where levels in the plan names it.",
        "Oxford",
    ),
    Column("label", "text", "Name shown in figures; study and year where empty.", "Arnow 2013"),
    _count("year", "Year of publication.", 1800, "2013", high=2100),
    _terms("construct", v.Construct, "What was measured or compared.", "alliance", required=True),
    _choice("estimand", v.Estimand, "What the number estimates.", "r_total", required=True),
    _choice("level", v.Level, "A study, or a published meta-analysis.", "study", required=True),
    _choice("statistic", v.Statistic, "The statistic that the source prints.", "r"),
    Column("value", "number", "The reported number.", "0.26"),
    _positive("se", "Standard error of the value (of the logarithm, of a ratio).", "0.05"),
    _positive("variance", "Sampling variance of the value, in its units squared: the square of se.", "0.0025"),
    Column("ci_low", "number", "Lower limit of the 95% confidence interval.", "0.19"),
    Column("ci_high", "number", "Upper limit of the 95% confidence interval.", "0.32"),
    Column("p", "p", "p value as printed.", "<.001"),
    Column("p_sides", "choice", "Sides of the test behind p: 1 or 2; two where empty.", "1", allowed=("1", "2")),
    Column(
        "test_statistic",
        "number",
        "t or z of a published summary's value against 0, printed beside it; a study's t is its value.",
        "4.77",
    ),
    _count("df1", "Numerator degrees of freedom of F, or those of chi-square.", 1, "1"),
    _positive("df", "Degrees of freedom of t; denominator degrees of freedom of F.", "55"),
    _count("n", "People in the analysis (patients, of a summary: in all).", 2, "230"),
    _count("covariates", "Covariates that a partial correlation or adjusted means control for.", 0, "2"),
    Column(
        "r2_model",
        "number",
        "R2 of the whole model, of a semi-partial correlation.",
        "0.24",
        low=0,
        high=1,
        high_open=True,
    ),
    Column(
        "risk_control",
        "number",
        "Share of the control arm with the event (of a hazard ratio: by the end of follow-up), for a risk or hazard "
        "ratio that becomes g.",
        "0.4",
        low=0,
        high=1,
        low_open=True,
        high_open=True,
    ),
    _choice(
        "standardized_by",
        v.Standardizer,
        "SD that a printed standardized change was divided by: baseline, the one before treatment; change, that of the "
        "changes. The two are different metrics (smcr, smcc).",
        "baseline",
    ),
    Column(
        "covariate_r",
        "number",
        "Multiple correlation of the covariates with the outcome, of adjusted means.",
        "0.6",
        low=-1,
        high=1,
        low_open=True,
        high_open=True,
    ),
    Column(
        "pre_post_r",
        "number",
        "Correlation of baseline and outcome within arms.",
        "0.5",
        low=-1,
        high=1,
        low_open=True,
        high_open=True,
    ),
    _share(
        "reliability_process", "Reliability of the process rating (of all people, not of a restricted sample).", "0.9"
    ),
    _share("reliability_outcome", "Reliability of the outcome in the sample.", "0.85"),
    _positive("range_ratio", "SD of the process rating in the sample, over that of all people.", "0.8"),
    _count("k", "Effect sizes or studies behind a summary.", 1, "26"),
    _count("n_treat", "People in the treatment arm.", 2, "104"),
    _count("n_control", "People in the control arm.", 2, "105"),
    Column("mean_treat", "number", "Mean of the treatment arm.", "9.67"),
    _positive("sd_treat", "Standard deviation of the treatment arm.", "6.41"),
    Column("mean_control", "number", "Mean of the control arm.", "11.14"),
    _positive("sd_control", "Standard deviation of the control arm.", "7.26"),
    *_moments(),
    _count("events_treat", "People with the event in the treatment arm.", 0, "159"),
    _count("total_treat", "People counted in the treatment arm.", 1, "440"),
    _count("events_control", "People with the event in the control arm.", 0, "114"),
    _count("total_control", "People counted in the control arm.", 1, "440"),
    _count("nonevents_treat", "People without the event in the treatment arm, where no total is printed.", 0, "281"),
    _count("nonevents_control", "People without the event in the control arm, where no total is printed.", 0, "326"),
    _positive("time_treat", "Time at risk in the treatment arm (person-years), of events over time.", "412.5"),
    _positive("time_control", "Time at risk in the control arm (person-years).", "398"),
    Column(
        "design_effect",
        "number",
        "Design effect of a cluster trial. Sizes and counts are divided by it; sizes with decimals are effective ones "
        "already.",
        "1.58",
        low=1,
    ),
    Column(
        "direction",
        "sign",
        "1: a larger value of the outcome is better for the patient; -1: a smaller one is. Of an event: 1 where it is "
        "wanted (recovery), -1 where it is not (relapse).",
        "-1",
        allowed=("1", "-1"),
    ),
    Column(
        "sign",
        "sign",
        "Sign of the finding of a statistic that has none (f, chi2, p, r2, f2), as the source words it. 1: the treated "
        "arm, or people with more of the process, have the larger value of the outcome; -1: the smaller one. Empty for "
        "every other statistic.",
        "-1",
        allowed=("1", "-1"),
    ),
    Column("treatment", "text", "Treatment as the source calls it.", "CT-PTSD"),
    Column(
        "control_group",
        "text",
        "Name of the control arm where several rows of a sample compare with the same one (mean_sd, change_sd, 2x2): "
        "their treatment arms are combined, or their covariance is computed (conversions.shared_control).",
        "wait list",
    ),
    Column("intensity", "choice", "Dose of the treatment.", "low", allowed=("low", "full")),
    _terms("comparator", v.Comparator, "What the treatment was compared with.", "usual care"),
    Column("comparator_detail", "text", "Comparator as the source calls it.", "Waitlist"),
    Column("format", "text", "Form of delivery.", "guided internet"),
    Column("disorder", "text", "Problem treated.", "PTSD"),
    Column("outcome", "text", "Outcome measure.", "phq-9"),
    Column("alliance_measure", "text", "Instrument of the process rating.", "WAI-S"),
    _terms("rater", v.Rater, "Who rated: the process (lane A) or the outcome (lane B).", "client"),
    Column("outcome_rater", "text", "Who rated the outcome, where rater is the process's.", "client"),
    _terms("timepoint", v.Timepoint, "When: the process rating or the outcome.", "early"),
    Column("timepoint_detail", "text", "Time as the source gives it.", "post, week 8"),
    _terms("adjusted_for", v.Adjustment, "What the association is adjusted for.", "baseline"),
    Column("weeks", "number", "Weeks from baseline to the outcome.", "12", low=0),
    Column("sessions", "number", "Sessions, planned or mean attended.", "9.5", low=0),
    Column("baseline_mean_treat", "number", "Mean before treatment, treatment arm.", "14.4"),
    _positive("baseline_sd_treat", "SD before treatment, treatment arm.", "5.45"),
    Column("baseline_mean_control", "number", "Mean before treatment, control arm.", "14.61"),
    _positive("baseline_sd_control", "SD before treatment, control arm.", "5.32"),
    Column(
        "rob",
        "text",
        "Risk of bias as the source's database rates it: low, some concerns, high, no information; or a number on the "
        "scale that risk_score in source.yaml declares.",
        "High",
    ),
    Column("percent_women", "number", "Share of women, 0 to 1.", "0.6", low=0, high=1),
    _positive("mean_age", "Mean age in years.", "49.9"),
    Column("country", "text", "Country or region.", "Sweden"),
    Column("tier", "text", "How cleanly the row fits the question, by the extractor.", "strict"),
    Column("flag", "text", "Short codes for what is special about the row.", "selective"),
    _choice("reported_as", v.ReportedAs, "How the source reports the finding.", "number"),
    Column(
        "finding",
        "choice",
        "Direction of the finding in words, a claim by the extractor.",
        "positive",
        allowed=("positive", "negative", "none", "mixed"),
    ),
    Column("exclusion_reason", "text", "Why the row is kept out of every pool; empty keeps it.", "n not printed"),
    Column(
        "checked",
        "choice",
        "yes: a number of the row that the checks of precision doubt stands so in the source.",
        "yes",
        allowed=("yes",),
    ),
    Column(
        "checked_reason",
        "text",
        "Where it was checked, and why the number is right; required with checked.",
        "Table 2 prints SDs; one item less",
    ),
    Column("locator", "text", "Page, table or record of the number.", "Table 2", required=True),
    Column("quote", "text", "Short and verbatim; required where a number stands.", "r = .26"),
    Column("url", "url", "Where the source can be read.", "https://doi.org/10.1136/bmj.f540"),
    Column("doi", "text", "DOI of the source.", "10.1136/bmj.f540"),
    Column("read_at", "text", "Copy that was read, where not at url.", "https://example.org/copy"),
    _choice("confidence", v.Confidence, "How sure the extraction is.", "high"),
    Column("coder", "text", "Who extracted the row.", "AB"),
    Column("coded_on", "date", "When it was extracted.", "2026-11-23"),
    Column("second_coder", "text", "Who extracted it independently a second time.", "CD"),
    Column("note", "text", "Anything a reader must know.", "arm n derived"),
    Column("citation", "text", "Full reference.", "Bower P, et al. (2013). BMJ 346:f540"),
)

BY_NAME: dict[str, Column] = {c.name: c for c in COLUMNS}
# Columns of known terms that are open to others, which source.yaml may define.
OPEN_COLUMNS: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.open)
REQUIRED: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.required)
NUMERIC_KINDS = frozenset({"number", "count", "sign"})
# Cells that make a row a row with a number: it then needs a quote.
RESULT_COLUMNS: tuple[str, ...] = (
    "value",
    "se",
    "variance",
    "ci_low",
    "ci_high",
    "mean_treat",
    "sd_treat",
    "mean_control",
    "sd_control",
    "events_treat",
    "events_control",
    "nonevents_treat",
    "nonevents_control",
    *(f"{name}_{arm}" for arm in ("treat", "control") for name in ("median", "q1", "q3", "min", "max")),
)
# Numbers that the quote should show; sample sizes often stand elsewhere on the page.
QUOTED_COLUMNS: tuple[str, ...] = (
    *RESULT_COLUMNS,
    "p",
    "df1",
    "df",
    "n",
    "k",
    "n_treat",
    "n_control",
    "total_treat",
    "total_control",
    *(f"{name}_{arm}" for arm in ("treat", "control") for name in ("se", "mean_ci_low", "mean_ci_high", "time")),
    "r2_model",
    "risk_control",
    "covariate_r",
    "pre_post_r",
)

# What a second coder reads again: what decides the number, and which pool it may enter.
SECOND_FIELDS: tuple[str, ...] = (
    "construct",
    "estimand",
    "level",
    "statistic",
    *QUOTED_COLUMNS,
    "direction",
    "sign",
    "standardized_by",
    "comparator",
    "rater",
    "timepoint",
    "adjusted_for",
)
SECOND_COLUMNS: tuple[Column, ...] = tuple(
    replace(BY_NAME[name], name=f"second_{name}", description=f"{name} as the second coder read it.", required=False)
    for name in SECOND_FIELDS
)
# What a file may hold; the second coder's columns stay in the raw tables.
RAW_COLUMNS: tuple[Column, ...] = (*COLUMNS, *SECOND_COLUMNS)

# Names that documents and tables of results have for something else.
_RESERVED = frozenset(
    ["category", "cells", "effects", "exactness", "members", "more", "own", "reason", "severity", "synthesis", "weight"]
)


def taken(name: str) -> str | None:
    """The column of the project that has a name, upper and lower case aside; None for a name that is free."""
    folded = name.casefold()
    names = (*(c.name for c in RAW_COLUMNS), *(c.name for c in EFFECT_COLUMNS), *_RESERVED)
    return next((known for known in names if known == folded), None)


# What extraction adds to a row of `effects.parquet`; an effect has no variance only where it is a published summary.
EFFECT_COLUMNS: tuple[Column, ...] = (
    Column("source", "text", "Folder of data/raw that it comes from.", required=True),
    _choice("metric", v.Metric, "Scale of yi.", "z", required=True),
    Column("yi", "number", "Effect size.", "0.27", required=True),
    _positive("vi", "Sampling variance of yi, in its units squared.", "0.01"),
    _positive("n_total", "People behind it.", "230"),
    Column("exactness", "choice", "Whether the conversion is exact.", "exact", True, ("exact", "approximate")),
    Column("converter", "text", "Name of the conversion.", "r_to_z", required=True),
    Column("converter_version", "number", "Its version.", "1", required=True, low=1),
    Column("corrected", "text", "Columns that corrections changed."),
    Column("not_in_quote", "text", "Columns whose number the quote does not show."),
    *COLUMNS,
)

CORRECTION_COLUMNS: tuple[Column, ...] = (
    Column("effect_id", "id", "Row to correct.", "ap_e063", required=True),
    Column("field", "choice", "Column to correct.", "value", True, tuple(c.name for c in RAW_COLUMNS)),
    Column("old", "text", "What stands there now; must match exactly.", "0.00892"),
    Column("new", "text", "What should stand there; empty removes the value.", "0.009"),
    Column("reason", "text", "Why.", "the source prints f2, not R2", required=True),
    Column("who", "text", "Who decided.", "AB", required=True),
    Column("date", "date", "When.", "2026-11-23", required=True),
)

CLAIM_COLUMNS: tuple[Column, ...] = (
    Column("claim_id", "id", "Name of the claim; unique.", "predicts_ptsd", required=True),
    Column("statement", "id", "Statement of the text that it belongs to.", "predicts", required=True),
    Column("says", "text", "What the text says, verbatim.", "found to predict outcome", required=True),
    Column("cites", "text", "What the text cites for it; empty for nothing.", "Horvath & Symonds 1991"),
    Column("claim", "text", "What is checked, in one sentence.", "The pooled association is above 0.", required=True),
    Column(
        "quantity",
        "text",
        "What decides it: kind:name, for example pooled:alliance; empty where nothing could. Kinds: pooled, "
        "prediction, variance, levels (levels:synthesis:moderator), share_of_estimates, share_of_true_effects (of a "
        "synthesis); "
        "comparison, bridge (of the plan); interaction (of the plan); published, root (of an effect_id).",
        "pooled:alliance",
    ),
    Column(
        "rule",
        "choice",
        "Where the interval must lie: above low; below high; not_above low; within low and high; all_within: every "
        "one of the estimates or true effects.",
        "above",
        allowed=terms(v.ClaimRule),
    ),
    Column("low", "text", "A number, or the effect_id of a threshold; on the scale that is read (r, g).", "0"),
    Column("high", "text", "The same, for the upper bound.", "th_mid_024"),
    Column("evidence", "text", "effect_ids of the rows that quote the cited source, separated by semicolons.", "hs_01"),
    _choice(
        "source_agrees",
        v.SourceAgrees,
        "Whether the cited source says what the text has it say: a reading of the quotes; no makes it misquoted.",
        "yes",
        required=True,
    ),
    Column("reading", "text", "Why source_agrees is what it is, and what was not reached.", "said of the interaction"),
)
SEARCH_COLUMNS: tuple[Column, ...] = (
    Column(
        "step",
        "choice",
        "Box of the PRISMA 2020 flow: identified (a row for each database or register); removed before screening as "
        "duplicates, by automation, as other_removed; screened, excluded; reports sought, not_retrieved; assessed, "
        "ineligible (a row for each reason); included_studies, included_reports.",
        "identified",
        required=True,
        allowed=terms(v.SearchStep),
    ),
    Column("what", "text", "The database, register or reason.", "PubMed, 2026-03-01"),
    Column("records", "count", "How many records, reports or studies.", "412", required=True, low=0),
)
RISK_COLUMNS: tuple[Column, ...] = (
    Column("sample_id", "id", "Sample of effects.csv that is judged.", "guided_2013", required=True),
    Column("tool", "choice", "The tool.", "RoB 2", required=True, allowed=terms(v.RiskTool)),
    Column(
        "domain",
        "text",
        "A domain of the tool, in words or as D1, D2 and so on in its order; or overall, which follows from the "
        "domains where it has no row.",
        "missing outcome data",
        required=True,
    ),
    Column("judgement", "text", "The judgement, in the words of the tool.", "some concerns", required=True),
    Column("reason", "text", "Why.", "a fifth of both arms lost"),
    Column("quote", "text", "What the source says, verbatim.", "19% did not return the questionnaire"),
)
