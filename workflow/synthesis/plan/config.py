"""The analysis plan: every key of `config.yaml`, with description and default. Unknown keys are refused."""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from synthesis.data.columns import BY_NAME
from synthesis.data.days import is_day
from synthesis.data.measures import elsewhere
from synthesis.data.model import Model, Name
from synthesis.data.reading import parse, read_yaml
from synthesis.data.source import OwnColumn
from synthesis.data.vocabulary import (
    AS_PRINTED,
    IN_UNITS,
    LANE_METRICS,
    RISK_DOMAINS,
    DiagnosticFigure,
    Lane,
    LevelColumn,
    Metric,
    Preset,
    RowOrder,
    RowUnit,
    Summary,
)
from synthesis.errors import InputError, Problem
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method, terms
from synthesis.plan.assumed import Conversions
from synthesis.plan.conditions import (
    Condition,
    is_number,
    own_kinds,
    select_faults,
    undeclared,
    word_column_faults,
)
from synthesis.plan.correlations import Correlations
from synthesis.plan.decisions import Multiverse
from synthesis.plan.doubted import Doubt, Processes
from synthesis.plan.jointly import JointModel
from synthesis.plan.judged import Certainty
from synthesis.plan.monitored import Monitored, Psychometrics
from synthesis.plan.naming import A_COLUMN, name_faults, repeated
from synthesis.results.files import Cell

# Columns in which a pool may hold only one value unless the plan names the mix.
MIX_COLUMNS = ("construct", "estimand", "level", "comparator")
MixColumn = Literal["construct", "estimand", "level", "comparator", "statistic", "outcome"]
# What a forest plot may show of a sample: any column of its rows, and how its number was converted.
FIGURE_COLUMNS = frozenset(BY_NAME) | {"exactness", "converter", RISK_DOMAINS}


# Intervals that hold the truth less often than they miss it are a slip.
LEAST_LEVEL = 0.5


class References(Model):
    """Published summaries shown beside a pool, never in it."""

    effects: tuple[str, ...] = Field(description="effect_id of rows of level summary.")
    when_filled: tuple[str, ...] = Field(
        (), description="effect_id of rows that are still gaps: shown as soon as they hold a usable number."
    )


class Defaults(Model):
    """How syntheses are fitted unless they say otherwise. docs/defaults.md gives the reasons."""

    tau2: Tau2Method = Field("REML", description="Estimator of the between-study variance.")
    ci: CiMethod = Field(
        "hksj", description="Interval of the pooled estimate; che and three_level have their own (CR2)."
    )
    model: DependenceModel = Field(
        "che",
        description="Effects that share a sample: che (correlated and hierarchical effects, cluster-robust tests), "
        "three_level (the same with rho 0), or composites (their mean); the ordinary model where no sample repeats.",
    )
    level: float = Field(0.95, ge=LEAST_LEVEL, lt=1, description="Confidence level of all intervals.")
    rho: float = Field(0.6, ge=0, le=1, description="Correlation assumed between effects of one sample.")
    tau_scale: dict[Metric, Annotated[float, Field(gt=0)]] = Field(
        {"z": 0.25, "g": 0.5, "log_odds_ratio": 0.5, "log_risk_ratio": 0.5},
        description="Scale of the half-normal prior on tau in Bayesian fits, by metric; of others without units 0.5, "
        "of r_corrected 0.25.",
    )

    @field_validator("level", mode="before")
    @classmethod
    def _no_alpha(cls, asked: object) -> object:
        """A level of significance in its place is refused with the level of confidence that it means."""
        if isinstance(asked, int | float) and 0 < asked < LEAST_LEVEL:
            hint = f"an alpha in its place? The intervals of {asked:g} have level {1 - asked:g}"
            raise InputError([Problem("", f"{asked:g}", f"at least {LEAST_LEVEL:g} and below 1, like 0.95", hint)])
        return asked

    def tau_scale_of(self, metric: Metric) -> float | None:
        """The scale of the prior on tau, in the metric's units; None for one in units of an outcome that has none."""
        usual = None if metric in IN_UNITS else 0.25 if metric == "r_corrected" else 0.5
        return self.tau_scale.get(metric, usual)


class Drawing(Model):
    """How figures look."""

    preset: Preset = Field(
        "project",
        description="project: [low, high], lanes in blue and vermilion; bmj: (low to high), weights before "
        "estimates, one blue; revman: weights and estimates before the plot, green squares and black diamonds.",
    )
    page_height: float = Field(
        10.0,
        gt=3,
        description="Inches; a taller forest plot or figure of claims is a PDF of several pages, and from 20 inches on "
        "several PNG files: the first page, and the others in results/figures/pages/<name>/. The SVG stays whole.",
    )


# Fewer samples have no slope.
FEWEST_FORCED = 3


class Diagnostics(Model):
    """What is examined beside each pool, and from how many samples on."""

    funnel_from: int = Field(
        10,
        ge=3,
        description="Fewest samples for tests of small-study effects and publication bias, and for adjustments of bias "
        "in a multiverse.",
    )
    force_funnel: tuple[Name, ...] = Field((), description="Syntheses tested with fewer samples, with a warning.")
    model_averaging: tuple[Name, ...] = Field(
        (),
        description="Syntheses whose adjusted estimates hold the one that is averaged over 36 models with and without "
        "bias, in metric g, z or log_odds_ratio; half a second each.",
    )
    bayes_up_to: int = Field(4, ge=0, description="Most samples for which the Bayesian fit is added.")
    permutations: int = Field(
        10_000,
        ge=99,
        le=1_000_000,
        description="Most arrangements of a permutation test; all are tried where there are fewer.",
    )
    gosh_subsets: int = Field(
        10_000, ge=100, description="Most subsets of samples that are fitted (GOSH); all are where there are fewer."
    )
    seed: int = Field(1, ge=0, description="Seed of permutation tests and subsets that are drawn.")

    def fewest(self, synthesis: str) -> int:
        """The fewest samples with which a synthesis is tested, and adjusted, for bias."""
        return FEWEST_FORCED if synthesis in self.force_funnel else self.funnel_from


class Synthesis(Model):
    """One pool: which rows, and how they are fitted."""

    title: str = Field(min_length=1, description="Shown in figures and tables.")
    lane: Lane = Field(description="A: process-outcome association; B: randomised protocol effect.")
    metric: Metric = Field(description="Scale of the effect sizes.")
    sources: tuple[Name, ...] = Field(min_length=1, description="Folders of data/raw to draw from.")
    select: dict[str, Condition] = Field(default_factory=dict, description="Conditions by column; all must hold.")
    mix: dict[MixColumn, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Values of construct, estimand, level or comparator that are knowingly pooled together.",
    )
    nonsignificant_as_zero: bool = Field(
        False,
        description="Stress test: enter samples reported as 'not significant' without a number as 0 (lane A).",
    )
    orientation: Literal["better", "as_reported"] | None = Field(
        None,
        description="as_reported: the number as printed, the default for ratios; better: positive (of a ratio, above "
        "1) is better for the patient, the default for the rest. A ratio that better turns is one divided by it, and "
        "is called so.",
    )
    tau2: Tau2Method | None = Field(None, description="Overrides defaults.tau2.")
    ci: CiMethod | None = Field(None, description="Overrides defaults.ci.")
    model: DependenceModel | None = Field(None, description="Overrides defaults.model.")
    rho: float | None = Field(None, ge=0, le=1, description="Overrides defaults.rho.")
    correlations: Correlations | None = Field(
        None, description="Correlations by what two effects of a sample have in common, and by time; rho for the rest."
    )
    levels: tuple[LevelColumn, ...] = Field(
        (),
        description="Levels of the model from the top down to the sample, as [study, sample_id]: a variance for each, "
        "and tests between the members of the top one. Needs model che or three_level.",
    )
    crossed: tuple[Name, ...] = Field(
        (),
        description="Columns of words with a variance each that are neither above samples nor below them, such as the "
        "instrument: crossed random effects. Needs model che or three_level; tau2 is REML or ML.",
    )
    working_models: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        (),
        description="Correlations, as [0, 0.3, 0.5, 0.8]: the pooled estimate with cluster-robust interval under "
        "independence, correlated effects and che at each, three_level and composites, in "
        "results/tables/working_models.csv. Without any there is no such table.",
    )
    moderators: tuple[Name, ...] = Field(
        (),
        description="Columns or groupings for meta-regressions, one at a time: text as a factor, numbers as they are; "
        "severity is the baseline severity of a sample in SD of its instrument.",
    )
    regressions: dict[Name, JointModel] = Field(
        default_factory=dict, description="Meta-regressions on several moderators together, by name."
    )
    alternatives: tuple[Name, ...] = Field(
        (), description="Other selections of the same question: would the verdict on a claim change with one of them?"
    )
    references: References | None = Field(None, description="Published summaries to show beside it.")
    columns: tuple[str, ...] = Field(
        ("n",),
        description="Columns of data/raw/README.md between study and plot of the forest plot, as many as fit; "
        "rob_domains: a symbol for each domain of risk of bias.",
    )
    group_by: Name | None = Field(
        None, description="Column of words that orders the forest plot in blocks, each with its own diamond."
    )
    sort: RowOrder = Field("year", description="Order of the studies in a block: given is the order of the data.")
    rows: RowUnit = Field(
        "samples", description="samples: one row each; estimates: every estimate, those of a sample bracketed."
    )
    summaries: tuple[Summary, ...] = Field(
        (), description="Shown beside the pooled estimate: the common-effect estimate, the Bayesian one."
    )
    favours: tuple[str, str] | None = Field(None, description="Words under the axis, left and right of no effect.")
    note: str = Field("", description="What a reader of the figure must know; shown below it.")

    @property
    def oriented(self) -> Literal["better", "as_reported"]:
        """What the sign of its effects means."""
        return self.orientation or ("as_reported" if self.metric in AS_PRINTED else "better")

    def _level_faults(self, declared: Mapping[str, str]) -> list[Problem]:
        """Levels that do not end in the sample, crossed columns that hold no words, and what takes samples as
        independent beside them."""
        faults = repeated("levels", self.levels) + repeated("crossed", self.crossed)
        if self.levels and (self.levels[-1] != "sample_id" or len(self.levels) < 2):
            levels = ", ".join(self.levels)
            hint = "from the top down; effects stand within samples by themselves"
            faults.append(Problem("levels", levels, "one column or more, then sample_id, as [study, sample_id]", hint))
        for name in self.crossed:
            faults += word_column_faults("crossed", name, declared)
            if name in ("effect_id", "sample_id", *self.levels):
                faults.append(Problem("crossed", name, "a column that is neither a level nor the effect itself"))
        dependence = "levels" if self.levels else "crossed" if self.crossed else ""
        hint = f"it takes samples as independent, which {dependence} say that they are not"
        for key, value in (("group_by", self.group_by), ("summaries", ", ".join(self.summaries))):
            if value and dependence:
                faults.append(Problem(key, value, f"nothing beside {dependence}", hint))
        return faults

    @field_validator("metric", mode="before")
    @classmethod
    def _named_elsewhere(cls, asked: object) -> object:
        """A measure of another program is refused with what does the same here, or why nothing does."""
        if isinstance(asked, str) and asked not in terms(Metric) and (hint := elsewhere(asked)):
            raise InputError([Problem("", asked, "one of " + ", ".join(terms(Metric)), hint)])
        return asked

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Synthesis:
        declared = own_kinds(info)
        faults = select_faults(self.select, declared)
        if self.metric not in LANE_METRICS[self.lane]:
            allowed = "one of " + ", ".join(LANE_METRICS[self.lane])
            faults.append(Problem("metric", self.metric, allowed, f"it does not belong to lane {self.lane}"))
        faults += [
            undeclared("columns", name, (*FIGURE_COLUMNS, *declared), A_COLUMN)
            for name in self.columns
            if name not in FIGURE_COLUMNS and name not in declared
        ]
        if self.group_by:
            faults += word_column_faults("group_by", self.group_by, declared)
        faults += repeated("sources", self.sources) + self._level_faults(declared)
        if self.nonsignificant_as_zero and self.lane != "A":
            hint = "it is a stress test of lane A only"
            faults.append(Problem("nonsignificant_as_zero", "true", "false", hint))
        if faults:
            raise InputError(faults)
        return self


class Comparison(Model):
    """The difference first minus second of two syntheses on one metric."""

    title: str = Field(min_length=1, description="Shown in the table.")
    first: Name = Field(description="A synthesis.")
    second: Name | None = Field(None, description="Another synthesis, on the same metric.")
    reference: str | None = Field(None, description="Instead of `second`: effect_id of a published summary.")
    equivalence: str | None = Field(
        None, description="effect_id of the threshold below which a difference does not matter."
    )
    shared_samples: Literal["refuse", "leave_out"] = Field(
        "refuse", description="What to do where both sides hold the same sample."
    )

    @model_validator(mode="after")
    def _one_second(self) -> Comparison:
        if (self.second is None) == (self.reference is None):
            value = "neither second nor reference" if self.second is None else "second and reference"
            raise InputError([Problem("", value, "either second (a synthesis) or reference (a published summary)")])
        return self


class Bridge(Model):
    """A lane A association put beside a lane B effect, after pooling, under each declared contrast."""

    title: str = Field(min_length=1, description="Shown in the table.")
    association: Name = Field(description="A synthesis of lane A.")
    effect: Name = Field(description="A synthesis of lane B in metric g.")


class NumbersNeeded(Model):
    """Numbers needed to treat in the bridges."""

    control_response_rates: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.1, 0.2, 0.4),
        description="Rates of response among controls for which numbers needed to treat are shown; scenarios, no data.",
    )


class Relevance(Model):
    """Clinical relevance: the thresholds that each pool is held against."""

    thresholds: dict[Metric, tuple[str, ...]] = Field(
        default_factory=dict, description="effect_id of rows that hold a threshold, by metric."
    )
    differences: dict[Metric, str] = Field(
        default_factory=dict,
        description="effect_id of the row that holds the smallest difference that matters between levels of a "
        "moderator, by metric; where it is missing the smallest of the thresholds. Power is computed for it.",
    )
    bootstrap: int = Field(2000, ge=200, description="Resamples of the samples for intervals of shares.")
    seed: int = Field(1, ge=0, description="Seed of the resamples.")


class Interaction(Model):
    """A published interaction of treatment with a patient's severity, held against thresholds."""

    title: str = Field(min_length=1, description="Shown in the table.")
    coefficient: str = Field(description="effect_id of the coefficient, with its interval.")
    points: str | None = Field(None, description="effect_id of its translation into points of an instrument.")
    threshold: str | None = Field(None, description="effect_id of the threshold on the coefficient's scale.")
    points_threshold: str | None = Field(None, description="effect_id of the threshold in points.")


class Grouping(Model):
    """Levels of a column put together for a moderator; values that no level names are left out and counted."""

    column: Name = Field(description="A column of words.")
    levels: dict[str, tuple[str, ...]] = Field(min_length=2, description="Values of the column, by level.")

    @model_validator(mode="after")
    def _each_value_once(self, info: ValidationInfo) -> Grouping:
        values = [value for level in self.levels.values() for value in level]
        if faults := word_column_faults("column", self.column, own_kinds(info)) + repeated("levels", values):
            raise InputError(faults)
        return self

    def level_of(self, value: Cell) -> str | None:
        """The level that holds a value."""
        return next((level for level, values in self.levels.items() if value in values), None)


class Block(Model):
    """One block of the comparison figure."""

    synthesis: Name = Field(description="A synthesis.")
    heading: str | None = Field(None, description="Shown above the block; its title where empty.")


class ComparisonFigure(Model):
    """A forest plot that sets several syntheses, lane by lane, above each other."""

    title: str = Field(min_length=1, description="Shown above the figure.")
    blocks: tuple[Block, ...] = Field(min_length=1, description="Syntheses, from top to bottom.")
    studies: bool = Field(True, description="Draw the studies, not only the pooled diamonds.")
    references: dict[Lane, References] = Field(
        default_factory=dict, description="Published summaries shown below a lane's blocks."
    )
    bridges: tuple[Name, ...] = Field((), description="Bridges shown as a last block.")


class Config(Model):
    """The analysis plan."""

    title: str = Field(min_length=1, description="Name of the review.")
    question: str = Field("", description="The question, in one sentence.")
    date: datetime.date | None = Field(
        None, description="Day that the results are dated, like 2026-11-23; otherwise that of the workflow's release."
    )
    sources: tuple[Name, ...] = Field(min_length=1, description="Folders of data/raw to read.")
    defaults: Defaults = Field(default_factory=Defaults, description="How syntheses are fitted.")
    diagnostics: Diagnostics = Field(default_factory=Diagnostics, description="What is examined beside each pool.")
    drawing: Drawing = Field(default_factory=Drawing, description="How figures look.")
    conversions: Conversions = Field(default_factory=Conversions, description="Decisions of converters.")
    syntheses: dict[Name, Synthesis] = Field(min_length=1, description="Pools, by name.")
    groupings: dict[Name, Grouping] = Field(default_factory=dict, description="Coarser levels for moderators.")
    comparisons: dict[Name, Comparison] = Field(default_factory=dict, description="Differences.")
    bridges: dict[Name, Bridge] = Field(default_factory=dict, description="Bridges of the lanes.")
    numbers_needed: NumbersNeeded = Field(
        default_factory=NumbersNeeded, description="Numbers needed to treat in the bridges."
    )
    relevance: Relevance = Field(default_factory=Relevance, description="Clinical relevance.")
    certainty: Certainty = Field(default_factory=Certainty, description="Certainty of the evidence (GRADE).")
    interactions: dict[Name, Interaction] = Field(default_factory=dict, description="Published interactions.")
    figures: dict[Name, ComparisonFigure] = Field(
        default_factory=dict, description="Comparison figures, beside one forest plot per synthesis."
    )
    diagnostic_figures: dict[Name, tuple[DiagnosticFigure, ...]] = Field(
        default_factory=dict,
        description="Figures beside the forest plot, by synthesis; bubble: one for each numeric moderator; "
        "coefficients: one for each of its regressions.",
    )
    own_columns: dict[Name, OwnColumn] = Field(
        default_factory=dict,
        description="Columns that the sources declare beside those of the data dictionary. Taken from their "
        "source.yaml: leave it out.",
    )
    multiverses: dict[Name, Multiverse] = Field(
        default_factory=dict, description="Every defensible analysis of a synthesis, as factors of declared options."
    )

    processes: Processes | None = Field(
        None, description="Processes of treatment beside each other, with the findings that print no number."
    )
    monitoring: dict[Name, Monitored] = Field(
        default_factory=dict, description="Syntheses that are monitored sequentially as samples come in, by name."
    )
    psychometric: dict[Name, Psychometrics] = Field(
        default_factory=dict,
        description="Syntheses of Fisher z whose correlations are corrected for unreliability beside the raw ones, by "
        "name; those of metric r_corrected always have both.",
    )
    doubts: dict[Name, Doubt] = Field(
        default_factory=dict, description="Records and decisions that may be doubted, and what each moves."
    )

    def is_number(self, column: str) -> bool:
        """Whether a column or moderator holds numbers: a grouping does not."""
        return is_number(column, {name: declared.kind or "" for name, declared in self.own_columns.items()})

    @field_validator("date", mode="before")
    @classmethod
    def _a_day(cls, asked: object) -> object:
        """A date in another notation, or a number that would be taken for seconds since 1970, is refused."""
        if asked is None or type(asked) is datetime.date or (isinstance(asked, str) and is_day(asked)):
            return asked
        parts = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", str(asked).strip(), re.ASCII)
        hint = f"{parts[3]}-{parts[2]:>02}-{parts[1]:>02}?" if parts else "a day of the calendar, without a time"
        raise InputError([Problem("", str(asked), "a date as year-month-day, like 2026-11-23", hint)])

    @model_validator(mode="after")
    def _names_exist(self) -> Config:
        if faults := name_faults(self):
            raise InputError(faults)
        return self


def read_config(name: str, raw: Path = Path("data/raw")) -> Config:
    """The plan in a YAML file, with what its sources in `raw` declare, or, for "-", as JSON on standard input.

    Raises InputError with every problem.
    """
    if name == "-":
        return parse(Config, json.load(sys.stdin), "standard input")
    # Read by hand alone, and so not behind the jobs: their parts hold what it finds (plan/code.py).
    from synthesis.plan.declaring import with_own_columns

    return parse(Config, with_own_columns(read_yaml(Path(name)), raw), name)
