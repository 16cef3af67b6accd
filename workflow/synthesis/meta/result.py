"""What a pool gives: the result, what it says of itself, and the intervals and notes that all models share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy

from synthesis.meta.kernel import Array

# A variance this many times the median is more often a slip (or a failed model) than a study.
EXTREME_VARIANCE = 1e5


@dataclass(frozen=True, slots=True)
class LevelVariance:
    """One level of a model with levels above the sample: how many members it has, and the variance between them.

    The limits are those of the profile likelihood; None where they were not asked for. `crossed`: it is no level of the
    others, neither above nor below them.
    """

    level: str
    members: int
    variance: float
    ci_low: float | None
    ci_high: float | None
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class PooledNumbers:
    """What a pooled result holds one by one, in the units of yi (variances: squared). None: not defined for these data.

    `k` counts effects, `samples` independent samples; df, weights and heterogeneity refer to samples.
    `i2` in percent and `h2` come from tau2 and the typical variance; `level` is the confidence level.
    `model`: independent (no sample repeats), composites, che or three_level; with the last two `tau2` is the variance
    between samples, `omega2` the one between effects within samples, and `i2` counts both. `rho` is the
    correlation of sampling errors within samples in the model that was fitted (three_level: 0; independent: None;
    None, too, where a covariance was given);
    `composite_rho` the one by which effects of a sample are averaged wherever a sample counts as one value (composites,
    and what is shown beside che and three_level). They differ for three_level alone.
    `ci_method` is the interval that is given: hksj_adhoc where hksj was asked for and all effects are equal (`pool`).
    `log_likelihood` is restricted for REML; `aic`, `bic` go with it.
    """

    k: int
    samples: int
    estimate: float
    se: float
    statistic: float
    df: float | None
    p: float
    ci_low: float
    ci_high: float
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    tau2_se: float | None
    tau2_ci_low: float | None
    tau2_ci_high: float | None
    omega2: float | None
    i2: float | None
    i2_ci_low: float | None
    i2_ci_high: float | None
    h2: float | None
    h2_ci_low: float | None
    h2_ci_high: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    log_likelihood: float | None
    aic: float | None
    bic: float | None
    model: str
    method: str
    ci_method: str
    rho: float | None
    composite_rho: float | None
    metric: str | None
    level: float


@dataclass(frozen=True, slots=True)
class Fit(PooledNumbers):
    """A pooled result: its numbers, the samples' weights in percent, and notes.

    `levels`: of a model with levels above the sample the variance of each, from the top to the effect (where no sample
    repeats, to the sample); `tau2` is then their sum without that of the effect, and has no interval of its own.
    Crossed random effects stand before them.
    """

    weights: tuple[float, ...]
    notes: tuple[str, ...]
    levels: tuple[LevelVariance, ...] = ()

    @property
    def independent(self) -> int:
        """How many groups of people are independent of each other: the members of the top level; of crossed random
        effects the fewest members."""
        if any(level.crossed for level in self.levels):
            return min(level.members for level in self.levels)
        return self.levels[0].members if self.levels else self.samples

    @property
    def numbers(self) -> PooledNumbers:
        """The result without weights, notes and levels."""
        return PooledNumbers(**{field.name: getattr(self, field.name) for field in dataclasses.fields(PooledNumbers)})

    def to_dict(self) -> dict[str, object]:
        """All fields by name, ready for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Described:
    """What a fit says of itself beside its numbers."""

    k: int
    model: str
    rho: float | None
    metric: str | None
    level: float
    notes: tuple[str, ...]


def notes_on(v: Array, k: int) -> tuple[str, ...]:
    """What a reader must know of these variances of samples, and of a pool of one sample with `k` estimates."""
    notes = []
    if len(v) == 1:
        whose = "its own estimate" if k == 1 else "the mean of its estimates"
        notes.append(f"one sample: {whose} with a normal interval, no pooling")
    # The median is asked for only where it can matter: it is a tenth of a small fit.
    if v.max() > EXTREME_VARIANCE * v.min() and v.max() > EXTREME_VARIANCE * np.median(v):
        notes.append(f"one variance is more than {EXTREME_VARIANCE:g} times the median")
    return tuple(notes)


def prediction_interval(
    estimate: float, se: float, variance: float, df: float | None, level: float
) -> tuple[float, float]:
    """Interval of a new study's true effect: estimate -+ quantile x sqrt(variance + se^2); normal where df is None."""
    tail = 0.5 + level / 2
    quantile = float(scipy.special.ndtri(tail) if df is None else scipy.special.stdtrit(df, tail))
    spread = quantile * (variance + se * se) ** 0.5
    return estimate - spread, estimate + spread
