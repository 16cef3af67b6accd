"""The layout of GOSH: where the fits of all subsets of samples lie, with and without the one that moves them most."""

from __future__ import annotations

from synthesis import text
from synthesis.data.vocabulary import ESTIMATE_NAME
from synthesis.draw.chart import (
    WIDE,
    Area,
    AreaKind,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    estimate_axis,
    few_to_compare,
    interval_text,
    no_effect,
    plan_notes,
    refusal,
    sample_method,
    spaced_name,
    title_of,
)
from synthesis.draw.layout import axis_name
from synthesis.results.diagnosed import Diagnosed, SubsetMap
from synthesis.results.fitted import Fitted

# The densest cells that together hold this share of the subsets.
_SHARES: tuple[tuple[AreaKind, float], ...] = (("all", 1.0), ("most", 0.95), ("half of all", 0.5))
_I2_TICKS = (0.0, 25.0, 50.0, 75.0, 100.0)
# Cells reach a little over the next ones, so that no seams show between them.
_OVERLAP = 0.06


def gosh(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Density of the estimates and I2 of all subsets; a panel of those with the leading sample, one of the others."""
    kind, name, metric = "gosh", document.synthesis, document.metric
    subsets = diagnostics.gosh
    if subsets is None:
        return refusal(kind, name, document, few_to_compare(diagnostics) or diagnostics.skipped["gosh"])
    leading = next(sample for sample in diagnostics.influence if sample.sample_id == subsets.leading)
    means = (leading.gosh_with_estimate, leading.gosh_without_estimate)
    x = estimate_axis(metric, spaced_name(metric, axis_name(document)), subsets.estimates, spaced=True)
    y = Axis("I\u00b2", 0.0, 100.0, _I2_TICKS, tuple(f"{tick:g}%" for tick in _I2_TICKS))
    panels = []
    zero, zero_keys = no_effect(document, (0.0, 0.0), (0.0, 100.0))
    for side, heading in enumerate((f"With {leading.label}", f"Without {leading.label}")):
        mean = means[side]
        lines = [*zero]
        if mean is not None:
            lines.append(Line("limit", (mean, mean), (0.0, 100.0), heading))
        # Where the leading sample is in no subset, the pool of all the others.
        whole = Point("pooled", subsets.estimate, subsets.i2, 0.085, name, "all samples")
        if side == 1 and leading.estimate_without is not None and leading.i2_without is not None:
            whole = Point("pooled", leading.estimate_without, leading.i2_without, 0.085, name, "all other samples")
        named = Axis(y.name, y.low, y.high, y.ticks, y.texts) if side == 0 else Axis("", y.low, y.high)
        panels.append(Panel(x, named, _areas(subsets, side), tuple(lines), (whole,), heading=heading))
    counted = text.count(subsets.subsets)
    drawn = (
        f"All {counted} subsets of two samples or more."
        if subsets.seed is None
        else f"{counted} of the {text.count(subsets.possible)} subsets of two samples or more, drawn at random "
        f"(seed {subsets.seed})."
    )
    with_it, without_it = (interval_text(metric, mean) for mean in means)
    sentence = (
        f"No other sample moves them more than the one named: their mean {ESTIMATE_NAME[metric]} is {with_it} with it "
        f"and {without_it} without."
    )
    return Chart(
        kind, name, title_of(kind, document), document.lane, tuple(panels), width=WIDE, height=2.5, left=0.55,
        legend=(
            Key("area", "half of all", "densest half of the subsets"), Key("area", "most", "densest 95% of them"),
            Key("area", "all", "all subsets"), Key("line", "limit", "their mean"),
            Key("point", "pooled", "all samples (right: all others)"), *zero_keys,
        ),
        notes=(f"{drawn} One value per sample ({sample_method(document)}). {sentence}", *plan_notes(document)),
    )  # fmt: skip


def _areas(subsets: SubsetMap, side: int) -> tuple[Area, ...]:
    """A rectangle per cell; the denser ones lie over the others."""
    low, high = subsets.estimates
    wide, tall = ((high - low) or 1.0) / subsets.columns, 100 / subsets.rows
    cells = sorted((cell for cell in subsets.cells if cell[2 + side]), key=lambda cell: (-cell[2 + side], cell[:2]))
    total = sum(cell[2 + side] for cell in cells)
    areas = []
    for kind, share in _SHARES:
        before = 0
        for column, row, *counts in cells:
            if before >= share * total:
                break
            before += counts[side]
            left, right = low + column * wide, low + (column + 1 + _OVERLAP) * wide
            bottom, top = row * tall, min(100.0, (row + 1 + _OVERLAP) * tall)
            areas.append(Area(kind, (left, right, right, left), (bottom, bottom, top, top)))
    return tuple(areas)
