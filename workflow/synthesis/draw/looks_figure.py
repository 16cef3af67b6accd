"""The layout of a monitored pool: z of each year against its boundary, over the information that is required."""

from __future__ import annotations

from collections.abc import Sequence

import scipy

from synthesis import text
from synthesis.draw.chart import (
    WIDE,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    number_axis,
    plan_notes,
    refusal,
    sample_note,
    title_of,
)
from synthesis.results.fitted import Fitted
from synthesis.results.further import LookRow

_POINT = 0.055
# Boundaries of the first looks are out of reach; what is above this is not shown unless a z is.
_HIGHEST = 8.0


def looks_figure(document: Fitted, looks: Sequence[LookRow]) -> Chart:
    """The cumulative z with the boundaries of the looks and the usual limits."""
    if not looks:
        return refusal("monitoring", document.synthesis, document, "it is not monitored")
    last = looks[-1]
    usual = -float(scipy.special.ndtri(last.alpha / 2))
    bounded = [(look.fraction, look.boundary) for look in looks if look.boundary is not None]
    highest = max(_HIGHEST, *(abs(look.z) for look in looks))
    shown = [(x, y) for x, y in bounded if y <= highest]
    furthest = max(1.0, last.fraction)
    up = number_axis("z", [-max(y for _, y in (*shown, (0, usual))), *(look.z for look in looks),
                           max(y for _, y in (*shown, (0, usual)))])  # fmt: skip
    across = _percent(number_axis("Share of the required information", [0.0, furthest], pad=0.03))
    lines = [
        Line("null", (0.0, furthest), (0.0, 0.0)),
        Line("effect", (1.0, 1.0), (up.low, up.high)),
        *(Line("threshold", (0.0, furthest), (sign * usual, sign * usual)) for sign in (1, -1)),
        *(Line("limit", tuple(x for x, _ in shown), tuple(sign * y for _, y in shown)) for sign in (1, -1)),
        Line("curve", tuple(look.fraction for look in looks), tuple(look.z for look in looks)),
    ]
    points = [_point(look) for look in looks]
    legend = (
        Key("line", "curve", "z of all samples so far"),
        Key("line", "limit", "boundary of the look"),
        Key("line", "threshold", f"z of a single test, p = {last.alpha:g}"),
        Key("line", "effect", "required information"),
        Key("point", "estimate", "look"),
        Key("point", "marked", "boundary crossed"),
        Key("line", "null", f"no {document.word}"),
    )
    return Chart(
        "monitoring", document.synthesis, title_of("monitoring", document), document.lane,
        (Panel(across, up, (), tuple(lines), tuple(points)),), width=WIDE, height=2.9,
        legend=legend, notes=(_note(document, last), *plan_notes(document)),
    )  # fmt: skip


def _point(look: LookRow) -> Point:
    label = "no year" if look.year is None else str(look.year)
    return Point("marked" if look.conclusion == "crossed" else "estimate", look.fraction, look.z, _POINT, label=label)


def _percent(axis: Axis) -> Axis:
    return Axis(axis.name, axis.low, axis.high, axis.ticks, tuple(f"{100 * tick:.0f}%" for tick in axis.ticks))


def _note(document: Fitted, last: LookRow) -> str:
    method_of_looks = "common effect" if document.fit.method == "FE" else document.fit.method
    spending = {"obrien_fleming": "O'Brien and Fleming", "pocock": "Pocock"}[last.spending]
    return (
        f"A look for each year, {sample_note(document)} Boundaries by alpha spending like {spending}, two-sided alpha "
        f"{last.alpha:g}. Required: what finds {text.number(last.smallest_effect, 3)} ({document.metric}) with "
        f"{last.power:.0%} power, with D\N{SUPERSCRIPT TWO} = {text.number(last.diversity)} ({method_of_looks})."
    )
