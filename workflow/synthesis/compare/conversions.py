"""What a correlation or a standardized difference says in other units. All functions take numbers or arrays."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy
from numpy.typing import NDArray

Values = float | NDArray[np.float64]


def _phi(x: Values) -> Values:
    """The normal distribution function."""
    converted: Values = scipy.special.ndtr(x)
    return converted


def _quantile(p: Values) -> Values:
    """The normal quantile."""
    converted: Values = scipy.special.ndtri(p)
    return converted


def d_at_2_sd(r: Values) -> Values:
    """d between people one SD above and one SD below the mean of the predictor: 2 r / sqrt(1 - r^2).

    The textbook conversion (Borenstein et al. 2009, eq. 7.5): exact only for a two-group predictor.
    """
    return 2 * d_at_1_sd(r)


def d_at_1_sd(r: Values) -> Values:
    """d for one SD of the predictor: r / sqrt(1 - r^2)."""
    converted: Values = r / np.sqrt(1 - r * r)
    return converted


def d_after_median_split(r: Values) -> Values:
    """d between the halves above and below the median of a normal predictor.

    The halves' means differ by 2 r sqrt(2/pi) outcome SDs; the SD within a half is sqrt(1 - 2 r^2 / pi).
    """
    converted: Values = 2 * r * math.sqrt(2 / math.pi) / np.sqrt(1 - 2 * r * r / math.pi)
    return converted


def concordance_of_r(r: Values) -> Values:
    """Probability that of two people the one with the higher predictor has the better outcome: asin(r)/pi + 1/2.

    Bivariate normal; Kruskal (1958), J Am Stat Assoc 53; Dunlap (1994), Psychol Bull 116.
    """
    converted: Values = np.arcsin(r) / math.pi + 0.5
    return converted


def concordance_of_d(d: Values) -> Values:
    """Probability that a treated person does better than a control: Phi(d / sqrt 2). McGraw & Wong (1992)."""
    return _phi(d / math.sqrt(2))


def d_at_equal_concordance(r: Values) -> Values:
    """The d whose concordance is that of r."""
    return math.sqrt(2) * _quantile(concordance_of_r(r))


def r_at_equal_concordance(d: Values) -> Values:
    """The r whose concordance is that of d: the inverse of `d_at_equal_concordance`."""
    converted: Values = np.sin(math.pi * (concordance_of_d(d) - 0.5))
    return converted


def variance_percent_of_r(r: Values) -> Values:
    """Percent of variance that two variables share: 100 r^2. The sign is lost."""
    return 100 * r * r


def variance_percent_of_d(d: Values) -> Values:
    """Percent of outcome variance between two groups of equal size: 100 d^2 / (d^2 + 4) (Cohen 1988, eq. 2.2.6)."""
    return 100 * d * d / (d * d + 4)


def u3(d: Values) -> Values:
    """Share of the better group above the mean of the other, normal outcomes: Phi(d) (Cohen 1988, U3)."""
    return _phi(d)


def overlap(d: Values) -> Values:
    """Overlap of the two normal distributions: 2 Phi(-|d| / 2)."""
    return 2 * _phi(-np.abs(d) / 2)


def benefit(d: Values) -> Values:
    """1 / NNT where success is to do better than a person of the other group: 2 Phi(d / sqrt 2) - 1.

    Kraemer and Kupfer (2006), Biol Psychiatry 59. Needs no event rate, and says less for it.
    """
    return 2 * _phi(d / math.sqrt(2)) - 1


def benefit_at(d: Values, rate: float) -> Values:
    """1 / NNT where `rate` of the controls respond: Phi(Phi^-1(rate) + d) - rate.

    Furukawa and Leucht (2011), PLoS ONE 6:e19070.
    """
    return _phi(_quantile(rate) + d) - rate


# How each contrast reads r as a d; the words are in data.vocabulary.contrast_name.
CONTRASTS: dict[str, Callable[[Values], Values]] = {
    "2_sd": d_at_2_sd,
    "1_sd": d_at_1_sd,
    "median_split": d_after_median_split,
    "concordance": d_at_equal_concordance,
}
