"""Variance inflation: what a coefficient loses because the others say some of the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from synthesis.meta.kernel import Array


def vif(modelled: Array) -> tuple[float | None, ...]:
    """Variance inflation of each coefficient; None for the intercept."""
    return (None, *(gvif(modelled, (j,)) for j in range(1, len(modelled))))


def gvif(modelled: Array, coefficients: Sequence[int]) -> float:
    """How much larger the squared volume of the joint confidence region of these coefficients is than without the
    others: det R11 det R22 / det R of the correlations of all but the intercept; Fox & Monette (1992), eq. 10."""
    scale = np.sqrt(np.diag(modelled)[1:])
    correlations = modelled[1:, 1:] / np.outer(scale, scale)
    inside = np.zeros(len(scale), dtype=bool)
    inside[np.array(coefficients) - 1] = True
    logs = [np.linalg.slogdet(part)[1] for part in (
        correlations[np.ix_(inside, inside)], correlations[np.ix_(~inside, ~inside)], correlations
    )]  # fmt: skip
    return float(math.exp(logs[0] + logs[1] - logs[2]))
