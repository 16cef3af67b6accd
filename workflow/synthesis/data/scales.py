"""The scale that a metric is pooled on, and the one that it is read on."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from synthesis.data.vocabulary import LOGARITHMS

_LARGEST_LOG = math.log(sys.float_info.max)


def _logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _arcsine(share: float) -> float:
    return math.asin(math.sqrt(share))


def on_scale(metric: str) -> Callable[[float], float]:
    """From the scale that is read to the metric's: Fisher's z of a correlation, the logarithm of a ratio.

    The function raises ValueError where the metric has no place for a number.
    """
    if metric in LOGARITHMS:
        return math.log
    return {"z": math.atanh, "logit": _logit, "arcsine": _arcsine}.get(metric, float)


def back_transform(metric: str, value: float | None) -> float | None:
    """From the metric's scale to the one that is read: z to r, logarithms to ratios, logits to proportions.

    None for a missing value, and for a limit whose ratio is beyond the largest number of floating point.
    """
    if value is None:
        return None
    if metric == "z":
        return math.tanh(value)
    if metric == "logit":
        return 1 / (1 + math.exp(-value)) if value > -_LARGEST_LOG else 0.0
    if metric == "arcsine":
        return math.sin(min(max(value, 0.0), math.pi / 2)) ** 2
    if metric not in LOGARITHMS:
        return value
    return math.exp(value) if value < _LARGEST_LOG else None
