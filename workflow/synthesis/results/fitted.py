"""What a fit hands on: the pooled result of one synthesis with its samples, blocks and references."""

from __future__ import annotations

from synthesis.meta.pool import Fit
from synthesis.results.document import Cell, Document


class Described(Document, frozen=True, kw_only=True):
    """What describes a sample in tables and figures; "mixed" where its effects differ, "" where nothing is printed."""

    rater: str = ""
    comparator: str = ""
    outcome: str = ""
    format: str = ""
    disorder: str = ""
    treatment: str = ""
    timepoint: str = ""
    confidence: str = ""
    tier: str = ""
    rob: str = ""
    country: str = ""
    exactness: str = ""
    estimand: str = ""

    def words(self, name: str) -> str:
        """One of these by its name; for names that are read from the plan."""
        value: str = getattr(self, name)
        return value


class Member(Described, frozen=True, kw_only=True):
    """One effect of a sample, with its numeric moderators; `cells`: what the plan shows of it, by column."""

    effect_id: str
    yi: float
    vi: float
    year: float | None
    weeks: float | None
    n_total: float | None
    severity: float | None
    cells: dict[str, Cell]

    def number(self, name: str) -> float | None:
        """A numeric moderator by its name."""
        value: float | None = getattr(self, name)
        return value


class Study(Described, frozen=True, kw_only=True):
    """One independent sample: its mean effect, weight in percent, people (the most of its effects) and effects."""

    sample_id: str
    label: str
    year: int | None
    yi: float
    vi: float
    weight: float
    n: int | None
    effects: tuple[str, ...]
    members: tuple[Member, ...]
    cells: dict[str, Cell]
    source: str


class BlockFit(Document, frozen=True, kw_only=True):
    """The pool of the samples that share a value of the grouping column."""

    value: str
    samples: int
    estimate: float
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    i2: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    method: str


class BlockTest(Document, frozen=True, kw_only=True):
    """Whether blocks differ: F with two degrees of freedom, or QM with one (`df2` None)."""

    statistic: float
    df1: int
    df2: float | None
    p: float


class SummaryLine(Document, frozen=True, kw_only=True):
    """Another summary beside the pool: the common-effect estimate, or the Bayesian one."""

    kind: str
    estimate: float
    ci_low: float | None
    ci_high: float | None


class Reference(Document, frozen=True, kw_only=True):
    """A published summary on the metric of a pool, as printed, oriented like it."""

    effect_id: str
    label: str
    detail: str
    construct: str
    yi: float
    k: int | None
    ci_low: float | None
    ci_high: float | None


class Versions(Document, frozen=True, kw_only=True):
    """Versions of what computed a result."""

    synthesis: str
    python: str
    numpy: str
    scipy: str
