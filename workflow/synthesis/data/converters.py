"""Conversion of a printed row to an effect size, by the registry that the modules of converters fill.

A `Converter` says which printed statistic it turns into which metric, and whether the result is exact or an
approximation; its name and version stand beside every effect that it made.
"""

from __future__ import annotations

from synthesis.data import associations, counts, designs, differences, one_group, printed, ratios
from synthesis.data.columns import RESULT_COLUMNS
from synthesis.data.printed import Row
from synthesis.data.registry import CONVERTERS, Converter, Estimate, Policy, variance_from_interval
from synthesis.data.scales import on_scale
from synthesis.data.vocabulary import AS_PRINTED
from synthesis.errors import CannotConvert, NoPlace

__all__ = ["CONVERTERS", "MODULES", "Policy", "convert", "summary_point", "turn"]
# The modules that fill the registry.
MODULES = (associations, differences, ratios, counts, designs, one_group)
_LARGEST_EFFECT, _LARGEST_VARIANCE = 1e16, 1e32


def convert(row: Row, metric: str, policy: Policy) -> tuple[Estimate, Converter]:
    """Converts one typed row to `metric`, so that positive is better for the patient; a ratio stays as printed.

    An unsigned statistic takes the sign of its finding from `sign`: yi = sign direction magnitude.
    Raises CannotConvert, with the reason, where no legitimate conversion exists or a number is missing.
    """
    statistic = row["statistic"]
    converter = CONVERTERS.get((statistic, metric))
    if converter is None:
        raise NoPlace(f"no converter from {statistic or 'no statistic'} to {metric}")
    estimate = converter.convert(row, policy)
    # The squares of a few such variances are in the range of floating point.
    if not (abs(estimate.yi) <= _LARGEST_EFFECT and 1 / _LARGEST_VARIANCE <= estimate.vi <= _LARGEST_VARIANCE):
        columns = ", ".join(f"{name} {row[name]:g}" for name in RESULT_COLUMNS if printed.has(row, name))
        gives = f"{columns} give an effect of {estimate.yi:g} with variance {estimate.vi:g}"
        raise CannotConvert(f"{gives}; allowed: an effect of some size (a standard deviation or error of almost 0?)")
    if not printed.has(row, "direction"):
        raise CannotConvert("direction is empty: which sign is better for the patient is not coded")
    if row["direction"] not in (1, -1):
        raise printed.refusal("direction", float(row["direction"]), "1 or -1")
    sign = printed.sign_of(row) if statistic in printed.UNSIGNED_NAME else 1.0
    return Estimate(sign * turn(row, metric) * estimate.yi, estimate.vi), converter


# The statistics of published summaries that have a place on a metric's axis.
_SUMMARIES: dict[str, tuple[str, ...]] = {
    "z": ("r",),
    "g": ("smd", "g", "d"),
    "log_odds_ratio": ("or", "log_or"),
    "log_risk_ratio": ("rr", "log_rr"),
    "log_hazard_ratio": ("hr", "log_hr"),
    "log_rate_ratio": ("irr", "log_irr"),
    "log_ratio_of_means": ("rom", "log_rom"),
    "mean_difference": ("mean_difference",),
    "risk_difference": ("rd",),
    "coefficient": ("coef",),
    "logit": ("proportion",),
    "arcsine": ("proportion",),
}


def summary_point(row: Row, metric: str) -> tuple[float, float | None]:
    """A published summary as (yi, vi): a reference point, with vi None where no interval is printed.

    Limits and value go to the metric's scale; a ratio and a number of one group stay as printed.
    Raises CannotConvert where the row has no value, no direction, or another statistic.
    """
    (value,) = printed.need(row, "value")
    if not printed.has(row, "direction"):
        raise CannotConvert("direction is empty: which sign is better for the patient is not coded")
    statistic = row["statistic"]
    if statistic not in _SUMMARIES.get(metric, ()):
        raise NoPlace(f"a summary {statistic or 'without a number'} has no place on the {metric} axis")
    # A logarithm is on its scale already.
    scale = float if statistic.startswith("log_") else on_scale(metric)
    names = [name for name in ("value", "ci_low", "ci_high") if printed.has(row, name)]
    if metric == "z":
        for name in names:
            printed.correlation(row, name)
    for name in names:
        try:
            scale(float(row[name]))
        except ValueError:
            raise printed.refusal(
                name, float(row[name]), f"a {statistic} that has a place on the {metric} axis"
            ) from None
    variance = None
    if printed.has(row, "ci_low", "ci_high"):
        variance = variance_from_interval(*printed.interval(row, scale))
    elif metric not in ("z", "logit", "arcsine"):
        # On these, `precision` takes the error to the scale.
        variance = printed.variance(row)
    return turn(row, metric) * scale(value), variance


def turn(row: Row, metric: str) -> float:
    """The factor that makes positive better for the patient; 1 for what stays as printed."""
    return 1.0 if metric in AS_PRINTED else float(row["direction"])
