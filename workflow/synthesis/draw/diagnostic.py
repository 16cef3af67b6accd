"""The figures that stand beside a forest plot: which there are of a synthesis, their layouts, their ink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from synthesis.data.vocabulary import DiagnosticFigure, NumericModerator
from synthesis.draw.chart import COLUMNS, Chart, Record
from synthesis.draw.funnel import funnel, radial
from synthesis.draw.gosh_figure import gosh
from synthesis.draw.layout import Layout
from synthesis.draw.sensitivity import baujat, cumulative, influence, leave_one_out
from synthesis.draw.spread import bubble, caterpillar, orchard
from synthesis.meta.options import terms

__all__ = ["COLUMNS", "LAYOUTS", "layouts"]

LAYOUTS: dict[DiagnosticFigure, Callable[[Record, Record], Chart | Layout]] = {
    "funnel": funnel,
    "orchard": orchard,
    "caterpillar": caterpillar,
    "cumulative": cumulative,
    "leave_one_out": leave_one_out,
    "baujat": baujat,
    "radial": radial,
    "influence": influence,
    "gosh": gosh,
}


def layouts(
    document: Record, diagnostics: Record, kinds: Iterable[DiagnosticFigure], moderators: Iterable[str]
) -> Iterator[tuple[str, Chart | Layout]]:
    """The named figures of a synthesis from its model and diagnostics; a bubble figure per numeric moderator."""
    for kind in kinds:
        if kind != "bubble":
            layout = LAYOUTS[kind](document, diagnostics)
            yield f"{kind}_{layout.name}", layout
            continue
        for moderator in moderators:
            if moderator in terms(NumericModerator):
                layout = bubble(document, diagnostics, moderator)
                yield f"bubble_{layout.name}", layout
