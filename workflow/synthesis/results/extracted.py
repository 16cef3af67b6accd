"""Rows of the raw tables after extraction: usable effects, and rows that are none, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from synthesis.results.document import Document, columns, read_document
from synthesis.results.files import Cell


class Row(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A row of a raw table, corrected and checked: each column of the data dictionary, empty text as "".

    `own`: the user's columns by name, empty cells as None; beside the others in the tables of results.
    """

    effect_id: str
    sample_id: str
    study: str
    lab: str
    label: str
    year: float | None
    construct: str
    estimand: str
    level: str
    statistic: str
    value: float | None
    se: float | None
    variance: float | None
    ci_low: float | None
    ci_high: float | None
    p: str
    p_sides: str
    test_statistic: float | None
    df1: float | None
    df: float | None
    n: float | None
    covariates: float | None
    r2_model: float | None
    risk_control: float | None
    standardized_by: str
    covariate_r: float | None
    pre_post_r: float | None
    reliability_process: float | None
    reliability_outcome: float | None
    range_ratio: float | None
    k: float | None
    n_treat: float | None
    n_control: float | None
    mean_treat: float | None
    sd_treat: float | None
    mean_control: float | None
    sd_control: float | None
    se_treat: float | None
    mean_ci_low_treat: float | None
    mean_ci_high_treat: float | None
    median_treat: float | None
    q1_treat: float | None
    q3_treat: float | None
    min_treat: float | None
    max_treat: float | None
    se_control: float | None
    mean_ci_low_control: float | None
    mean_ci_high_control: float | None
    median_control: float | None
    q1_control: float | None
    q3_control: float | None
    min_control: float | None
    max_control: float | None
    events_treat: float | None
    total_treat: float | None
    events_control: float | None
    total_control: float | None
    nonevents_treat: float | None
    nonevents_control: float | None
    time_treat: float | None
    time_control: float | None
    design_effect: float | None
    direction: float | None
    sign: float | None
    treatment: str
    control_group: str
    intensity: str
    comparator: str
    comparator_detail: str
    format: str
    disorder: str
    outcome: str
    alliance_measure: str
    rater: str
    outcome_rater: str
    timepoint: str
    timepoint_detail: str
    adjusted_for: str
    weeks: float | None
    sessions: float | None
    baseline_mean_treat: float | None
    baseline_sd_treat: float | None
    baseline_mean_control: float | None
    baseline_sd_control: float | None
    rob: str
    percent_women: float | None
    mean_age: float | None
    country: str
    tier: str
    flag: str
    reported_as: str
    finding: str
    exclusion_reason: str
    checked: str
    checked_reason: str
    locator: str
    quote: str
    url: str
    doi: str
    read_at: str
    confidence: str
    coder: str
    coded_on: str
    second_coder: str
    note: str
    citation: str
    own: dict[str, Cell] = msgspec.field(default_factory=dict)

    def cell(self, name: str) -> Cell:
        """What a column holds; for names that are read from the plan. Nothing where it is of another source."""
        if name in COLUMN_NAMES:
            value: Cell = getattr(self, name)
            return value
        return self.own.get(name)

    def number(self, name: str) -> float | None:
        """What a column of numbers holds; for names that are read from the plan."""
        value = self.cell(name)
        if not isinstance(value, float | None):
            raise TypeError(f"{name} holds text")
        return value

    def words(self, name: str) -> str:
        """What a column of text holds; for names that are read from the plan."""
        value = self.cell(name)
        if isinstance(value, float):
            raise TypeError(f"{name} holds numbers")
        return value or ""


class Effect(Row, frozen=True, kw_only=True):
    """A row with its effect: `yi` and its sampling variance `vi` on `metric`, positive where better for the patient;
    the logarithm of a ratio is as printed, above 0 where the treated have more events.

    `vi` is None for published summaries that print no interval. `n_total`: people behind the row.
    """

    source: str
    metric: str
    yi: float
    vi: float | None
    n_total: float | None
    exactness: str
    converter: str
    converter_version: float
    corrected: str
    not_in_quote: str


class Dropped(Row, frozen=True, kw_only=True):
    """A row that gives no effect, with the reason."""

    source: str
    category: str
    reason: str
    metric: str
    not_in_quote: str


class Chosen(Effect, frozen=True, kw_only=True):
    """An effect of a synthesis: it has a variance. `severity`: at baseline, in SD of its instrument."""

    vi: float
    severity: float | None = None


class Assessed(Document, frozen=True, kw_only=True, omit_defaults=True):
    """Risk of bias of a sample by a tool: each domain's judgement, and that of the whole (`given`: by people).

    `reasons`, `quotes` by domain, or "overall".
    """

    sample_id: str
    tool: str
    overall: str
    given: bool
    domains: dict[str, str]
    reasons: dict[str, str] = msgspec.field(default_factory=dict)
    quotes: dict[str, str] = msgspec.field(default_factory=dict)


class Extracted(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A source after extraction. `own`: the kinds of the user's columns, number or text, by name; `assessed`: samples
    whose risk of bias was judged by domain."""

    own: dict[str, str] = msgspec.field(default_factory=dict)
    effects: tuple[Effect, ...]
    dropped: tuple[Dropped, ...]
    assessed: tuple[Assessed, ...] = ()


def read_extracted(paths: Iterable[Path]) -> Extracted:
    """The rows of several sources, in the order of the files."""
    sources = [read_document(path, Extracted) for path in paths]
    return Extracted(
        effects=tuple(row for source in sources for row in source.effects),
        dropped=tuple(row for source in sources for row in source.dropped),
        own={name: kind for source in sources for name, kind in source.own.items()},
        assessed=tuple(sample for source in sources for sample in source.assessed),
    )


# Every column of a row that is no user's own.
COLUMN_NAMES = frozenset((*columns(Effect), *columns(Dropped), *columns(Chosen))) - {"own"}


class Reference(Document, frozen=True, kw_only=True):
    """A published summary on the metric of a pool, as printed, oriented like it.

    Its limits are the printed ones; where none are, `se`, `df` and the limits follow from what `basis` names.
    `comparator`: what it has protocols compared with.
    """

    effect_id: str
    label: str
    detail: str
    construct: str
    yi: float
    k: int | None
    ci_low: float | None
    ci_high: float | None
    se: float | None = None
    df: float | None = None
    basis: str = ""
    comparator: str = ""
