"""What stands beside the pools where the plan asks for it: looks of a living review, corrected correlations."""

from __future__ import annotations

from synthesis.results.document import Document


class LookRow(Document, frozen=True, kw_only=True):
    """A row of monitoring.csv: the pool of all samples up to a year, against the boundary of that look.

    `year` None: samples without one, which come last. `information`: sum of 1 / vi; `fraction`: of what is required;
    `ci_low`, `ci_high`: repeated confidence interval, which holds at all looks together. `conclusion`: crossed, not
    crossed, or no boundary (nothing can be spent yet, or all is).
    """

    synthesis: str
    year: int | None
    samples: int
    information: float
    required: float
    fraction: float
    diversity: float
    threshold: str
    smallest_effect: float
    alpha: float
    power: float
    spending: str
    spent: float
    boundary: float | None
    z: float
    estimate: float
    se: float
    ci_low: float | None
    ci_high: float | None
    conclusion: str


class PsychometricRow(Document, frozen=True, kw_only=True):
    """A row of psychometric.csv: a pool of correlations as they are, and corrected for unreliability.

    `way`: artefact distributions, or each correlation by itself. `raw_`: the random-effects pool of the correlations as
    they are, as r; `corrected_`: that of the corrected ones, where each was. `mean_r` to `artefacts`:
    `meta.psychometric.Psychometric`. Reliabilities: mean, SD and origin. `note`: why a row has no numbers.
    """

    synthesis: str
    way: str
    samples: int
    people: float | None = None
    raw_estimate: float | None = None
    raw_ci_low: float | None = None
    raw_ci_high: float | None = None
    corrected_estimate: float | None = None
    corrected_ci_low: float | None = None
    corrected_ci_high: float | None = None
    mean_r: float | None = None
    mean_r_low: float | None = None
    mean_r_high: float | None = None
    sd_r: float | None = None
    rho: float | None = None
    rho_low: float | None = None
    rho_high: float | None = None
    sd_rho: float | None = None
    credibility: float | None = None
    credibility_low: float | None = None
    credibility_high: float | None = None
    attenuation: float | None = None
    sampling: float | None = None
    artefacts: float | None = None
    reliability_process: float | None = None
    reliability_process_sd: float | None = None
    process_from: str = ""
    reliability_outcome: float | None = None
    reliability_outcome_sd: float | None = None
    outcome_from: str = ""
    note: str = ""
