"""Findings that a source reports without a number: which they are, and what each declared way would enter for them."""

from __future__ import annotations

import math
from typing import Literal

import scipy

from synthesis.data.associations import t_to_r
from synthesis.results.extracted import Dropped

# What is entered: nothing; 0 for a null; a null at the edge of significance of its n; or the stress test, 0 for a null
# and r = 1.96 / sqrt(n) with its sign for a significant finding.
Nulls = Literal["none", "zero", "edge_low", "edge_high", "imputed"]
# Two-sided level at which a source calls a finding significant.
LEVEL = 0.05
SIGN = {"positive": 1, "negative": -1}


def without_number(row: Dropped) -> bool:
    """Whether a row is a finding that is reported as significant or not, without a number, and not excluded."""
    # Gaps may repeat how they are reported as the reason; any other reason excludes the row.
    return row.reported_as in ("ns", "sig_no_number") and row.exclusion_reason in ("", row.reported_as)


def variance(n: float | None, covariates: int) -> float | None:
    """Sampling variance of Fisher's z; None where n is not printed, or too small."""
    if n is None or n - 3 - covariates <= 0:
        return None
    return 1 / (n - 3 - covariates)


def edge(n: float, covariates: int, level: float = LEVEL) -> float:
    """Fisher z of the correlation that is just significant: r = t / sqrt(t^2 + df), df = n - 2 - covariates."""
    df = n - 2 - covariates
    return math.atanh(t_to_r(float(scipy.special.stdtrit(df, 1 - level / 2)), df))


def imputed(n: float, sign: int | None) -> float | None:
    """Fisher z of r = 1.96 / sqrt(n) with its sign; None where the direction is not printed, or n is too small."""
    r = float(scipy.special.ndtri(0.975)) / math.sqrt(n)
    return None if sign is None or r >= 1 else sign * math.atanh(r)


def entered(row: Dropped, nulls: Nulls) -> tuple[float, float] | None:
    """Fisher z and variance that a way enters for a finding between patients; None: nothing."""
    covariates = int(row.estimand == "r_partial")
    vi = variance(row.n, covariates)
    if nulls == "none" or vi is None or row.n is None or not without_number(row):
        return None
    if row.reported_as == "ns":
        at = edge(row.n, covariates) if nulls in ("edge_low", "edge_high") else 0.0
        return (-at if nulls == "edge_low" else at), vi
    yi = imputed(row.n, SIGN.get(row.finding)) if nulls == "imputed" else None
    return None if yi is None else (yi, vi)
