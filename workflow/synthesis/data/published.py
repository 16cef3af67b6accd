"""Raw rows that are shown or held against, but not pooled: thresholds, interactions, printed proportions."""

from __future__ import annotations

from collections.abc import Iterable

from synthesis.data.scales import on_scale
from synthesis.errors import InputError, Problem
from synthesis.results.extracted import Row

# Statistics that may be a threshold on the scale of a metric.
_THRESHOLD_STATISTICS = {
    "z": ("r",),
    "r_corrected": ("r",),
    "g": ("smd", "d", "g"),
    "log_odds_ratio": ("or",),
    "log_risk_ratio": ("rr",),
    "log_hazard_ratio": ("hr",),
    "log_rate_ratio": ("irr",),
    "log_ratio_of_means": ("rom",),
    "risk_difference": ("rd",),
    "mean_difference": ("mean_difference",),
    "logit": ("proportion",),
    "arcsine": ("proportion",),
}


def rows_by_id(records: Iterable[Row]) -> dict[str, Row]:
    """Extracted rows, used or dropped, by effect_id."""
    return {row.effect_id: row for row in records}


def find(where: str, effect_id: str, rows: dict[str, Row]) -> Row:
    """A row by its effect_id. Raises InputError naming the place in the plan or in the claims."""
    if effect_id not in rows:
        raise InputError([Problem(where, effect_id, "an effect_id of a source", "renamed since?")])
    return rows[effect_id]


def threshold(where: str, effect_id: str, metric: str, rows: dict[str, Row]) -> float | None:
    """The value of a threshold on the metric's scale (Fisher z for correlations); None where it is a gap.

    Raises InputError for an unknown row and for a threshold on another scale.
    """
    row = find(where, effect_id, rows)
    if row.value is None:
        return None
    allowed = _THRESHOLD_STATISTICS.get(metric, ())
    if row.statistic not in allowed:
        value = f"{effect_id} ({row.statistic})"
        raise InputError([Problem(where, value, f"a threshold for metric {metric}: " + ", ".join(allowed) or "none")])
    try:
        return on_scale(metric)(float(row.value))
    except ValueError:
        value = f"{effect_id} ({row.value:g})"
        raise InputError([Problem(where, value, f"a value that has a place on the scale of {metric}")]) from None


def smallest_effect(where: str, key: str, metric: str, rows: dict[str, Row]) -> float:
    """The smallest effect that matters. Raises InputError for one that is a gap or 0."""
    value = threshold(where, key, metric, rows)
    if not value:
        shown = f"{key} ({'a gap' if value is None else value})"
        raise InputError([Problem(where, shown, "a row with a number that is not no effect", "nothing finds it")])
    return value


def number(row: Row, name: str) -> float | None:
    """A number of a raw row; None where the source does not print it."""
    return row.number(name)
