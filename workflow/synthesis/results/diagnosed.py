"""What is examined beside one pooled synthesis: its document, and the rows of the tables of all."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from synthesis.meta.bayes import Bayes
from synthesis.meta.bias import Asymmetry, FailSafe, PetPeese, RankTest, TrimFill
from synthesis.meta.dependent import JointTest
from synthesis.meta.discovery import ZCurve
from synthesis.meta.joint import JointRegression
from synthesis.meta.model_averaging import ModelAverage
from synthesis.meta.permutation import Permutation
from synthesis.meta.selection_model import SelectionModel
from synthesis.meta.significance import ExcessSignificance, PCurve
from synthesis.meta.working import WorkingModel
from synthesis.results.adjusted import AdjustedEstimate
from synthesis.results.document import Document


class SampleInfluence(Document, frozen=True, kw_only=True):
    """What one sample does to a pool; None where a measure is not defined.

    `_without`: the pool of one value per sample without it; `model_`: the synthesis' own model, where that is che or
    three_level. Deletion diagnostics take three samples. `gosh_`: means over the subsets that hold it, or do not.
    """

    sample_id: str
    label: str
    estimate_without: float | None
    ci_low_without: float | None
    ci_high_without: float | None
    p_without: float | None
    tau2_without: float | None
    i2_without: float | None
    q_without: float | None
    model_estimate_without: float | None = None
    model_ci_low_without: float | None = None
    model_ci_high_without: float | None = None
    model_p_without: float | None = None
    model_tau2_without: float | None = None
    model_omega2_without: float | None = None
    rstudent: float | None = None
    dffits: float | None = None
    dfbetas: float | None = None
    cook: float | None = None
    cov_ratio: float | None = None
    hat: float | None = None
    influential: bool | None = None
    baujat_q: float | None
    baujat_influence: float | None
    shrunken: float
    shrunken_low: float
    shrunken_high: float
    gosh_with_estimate: float | None = None
    gosh_without_estimate: float | None = None
    gosh_with_i2: float | None = None
    gosh_without_i2: float | None = None

    def measure(self, name: str) -> float | None:
        """A deletion diagnostic by its name."""
        value: float | None = getattr(self, name)
        return value


class CumulativeStep(Document, frozen=True, kw_only=True):
    """The pool of all samples up to one, by year; the first, a sample by itself, has no heterogeneity."""

    sample_id: str
    label: str
    year: int | None
    samples: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    tau2: float | None
    i2: float | None


class SubsetMap(Document, frozen=True, kw_only=True):
    """Where the fits of all subsets of samples lie; `leading`: the sample that moves them most (`gosh.GoshMap`)."""

    leading: str
    subsets: int
    possible: int
    seed: int | None
    estimate: float
    i2: float
    estimates: tuple[float, float]
    columns: int
    rows: int
    cells: tuple[tuple[int, int, int, int], ...]


class SmallStudyTests(Document, frozen=True, kw_only=True, omit_defaults=True):
    """Tests of small-study effects; one that the data do not allow is None, with its reason in `refused`."""

    egger: Asymmetry | None = None
    egger_inverse_root_n: Asymmetry | None = None
    egger_robust: Asymmetry | None = None
    rank: RankTest | None = None
    trim_fill_L0: TrimFill | None = None  # noqa: N815
    trim_fill_R0: TrimFill | None = None  # noqa: N815
    pet_peese: PetPeese | None = None
    selection_model: SelectionModel | None = None
    excess_significance: ExcessSignificance | None = None
    p_curve: PCurve | None = None
    z_curve: ZCurve | None = None
    fail_safe_rosenthal: FailSafe | None = None
    fail_safe_orwin: FailSafe | None = None
    fail_safe_rosenberg: FailSafe | None = None
    refused: dict[str, str]


class Coefficients(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A meta-regression without its joint test; tuples follow `names`, the first is the intercept.

    `df` is one for all coefficients (None: normal tests), or one for each where the tests are cluster-robust; then
    `samples`, `omega2` and `rho` are given, too, and what only an independent regression has is left out.
    """

    k: int
    samples: int | None = None
    names: tuple[str, ...]
    estimate: tuple[float, ...]
    se: tuple[float | None, ...]
    statistic: tuple[float | None, ...]
    df: float | tuple[float, ...] | None
    p: tuple[float | None, ...]
    ci_low: tuple[float | None, ...]
    ci_high: tuple[float | None, ...]
    covariance: tuple[tuple[float, ...], ...] = ()
    tau2: float
    tau2_se: float | None = None
    omega2: float | None = None
    i2: float | None = None
    h2: float | None = None
    r2: float | None = None
    q: float
    q_df: int
    q_p: float | None = None
    log_likelihood: float
    rho: float | None = None
    method: str = ""
    ci_method: str = ""
    level: float
    weights: tuple[float, ...] = ()
    notes: tuple[str, ...]

    def df_of(self, i: int) -> float | None:
        """Degrees of freedom of a coefficient; None for a normal test."""
        return self.df[i] if isinstance(self.df, tuple) else self.df


class LinePoint(Document, frozen=True, kw_only=True):
    """A point of a regression line with its interval; no limits where there are too few degrees of freedom."""

    x: float
    estimate: float
    ci_low: float | None
    ci_high: float | None


class Bubble(Document, frozen=True, kw_only=True):
    """An effect with its value of a numeric moderator."""

    effect_id: str
    sample_id: str
    x: float
    yi: float
    vi: float


class LevelFit(Document, frozen=True, kw_only=True):
    """The pool of the effects with one level of a factor; `effects`: their effect_id; `model`: that of the whole,
    composites where its samples are too few for it, independent where none of them has several effects."""

    level: str
    effects: tuple[str, ...]
    k: int
    samples: int
    estimate: float
    se: float
    df: float | None
    ci_low: float
    ci_high: float
    pi_low: float | None
    pi_high: float | None
    p: float
    tau2: float | None
    i2: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    model: str


class ModeratorFit(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A regression on one moderator, or why there is none (`refused`).

    `k` effects have a value, `without_value` have none. Numbers have a `line` and `bubbles`, factors have `levels`.
    """

    moderator: str
    k: int
    without_value: int
    refused: str = ""
    regression: Coefficients | None = None
    test: JointTest | None = None
    line: tuple[LinePoint, ...] = ()
    bubbles: tuple[Bubble, ...] = ()
    levels: tuple[LevelFit, ...] = ()


class JointFit(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A regression on several moderators together, by its name in the plan, or why there is none (`refused`).

    `k` effects have all values, `without_value` have not: `missing` counts those without one, by moderator.
    """

    model: str
    formula: str
    k: int
    without_value: int
    missing: dict[str, int]
    refused: str = ""
    fit: JointRegression | None = None

    def because(self, reason: str) -> JointFit:
        """The same with the reason why it was not fitted."""
        return replace(self, refused=reason)

    def with_fit(self, fit: JointRegression) -> JointFit:
        """The same with its fit."""
        return replace(self, fit=fit)


class Diagnosed(Document, frozen=True, kw_only=True, omit_defaults=True):
    """The diagnostics of one synthesis. What is missing is named in `skipped`, with the reason ("all": everything)."""

    synthesis: str
    metric: str
    skipped: dict[str, str]
    influence: tuple[SampleInfluence, ...] = ()
    cumulative: tuple[CumulativeStep, ...] = ()
    gosh: SubsetMap | None = None
    permutation: Permutation | None = None
    bayes: Bayes | None = None
    small_study: SmallStudyTests | None = None
    adjusted: tuple[AdjustedEstimate, ...] = ()
    working_models: tuple[WorkingModel, ...] = ()
    model_average: ModelAverage | None = None
    moderators: tuple[ModeratorFit, ...]
    regressions: tuple[JointFit, ...] = ()


# --- tables of all syntheses --------------------------------------------------------------------------------------


class WorkingRow(Document, frozen=True, kw_only=True):
    """A row of working_models.csv: the pool under one working model; `note` alone where there is none."""

    synthesis: str
    model: str
    rho: float | None = None
    estimate: float | None = None
    se: float | None = None
    df: float | None = None
    p: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    tau2: float | None = None
    omega2: float | None = None
    note: str = ""


class InfluenceRow(Document, frozen=True, kw_only=True):
    """A row of influence.csv."""

    spread: ClassVar[tuple[str, ...]] = ("sample",)

    synthesis: str
    sample: SampleInfluence


class CumulativeRow(Document, frozen=True, kw_only=True):
    """A row of cumulative.csv."""

    spread: ClassVar[tuple[str, ...]] = ("step",)

    synthesis: str
    step: CumulativeStep


class SmallStudyRow(Document, frozen=True, kw_only=True):
    """A row of small_study.csv: a test, and the estimate that it implies."""

    synthesis: str
    test: str
    statistic: float | None = None
    df: float | None = None
    p: float | None = None
    adjusted_estimate: float | None = None
    adjusted_ci_low: float | None = None
    adjusted_ci_high: float | None = None
    note: str = ""


class ModeratorRow(Document, frozen=True, kw_only=True):
    """A row of moderators.csv. `kind`: refused, coefficient, test of all (`estimate`: its statistic), level."""

    synthesis: str
    moderator: str
    kind: str
    term: str = ""
    k: int
    samples: int | None = None
    estimate: float | None = None
    se: float | None = None
    df: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    tau2: float | None = None
    note: str = ""


class RegressionRow(Document, frozen=True, kw_only=True):
    """A row of regressions.csv. `kind`: refused, coefficient, test (of a term, or of all; `estimate`: F, or chi-squared
    where `df` is empty), mean, predicted, heterogeneity (`term` says of what `estimate` is).

    `vif` is the generalised one for tests; `p_permutation` where the plan asks for it.
    """

    synthesis: str
    model: str
    formula: str
    kind: str
    term: str = ""
    k: int
    samples: int | None = None
    without_value: int
    estimate: float | None = None
    se: float | None = None
    df1: int | None = None
    df: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    pi_low: float | None = None
    pi_high: float | None = None
    p: float | None = None
    p_permutation: float | None = None
    vif: float | None = None
    note: str = ""


class FewSamplesRow(Document, frozen=True, kw_only=True):
    """A row of few_samples.csv."""

    synthesis: str
    what: str
    estimate: float
    ci_low: float | None = None
    ci_high: float | None = None
    note: str
