"""The figures that stand beside a forest plot: which there are of a synthesis, their layouts, their ink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from synthesis.figures.chart import COLUMNS, Chart, Record
from synthesis.figures.funnel import funnel, radial
from synthesis.figures.gosh import gosh
from synthesis.figures.layout import Layout
from synthesis.figures.sensitivity import baujat, cumulative, influence, leave_one_out
from synthesis.figures.spread import bubble, caterpillar, orchard
from synthesis.models.vocabulary import DiagnosticFigure, NumericModerator, terms

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
