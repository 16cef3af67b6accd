"""The figures that stand beside a forest plot: which there are of a synthesis, and their layouts."""

from __future__ import annotations

from collections.abc import Callable

from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.draw.adjusted_figure import adjusted
from synthesis.draw.chart import COLUMNS, Chart
from synthesis.draw.coefficients import coefficients
from synthesis.draw.funnel import funnel, radial
from synthesis.draw.gosh_figure import gosh
from synthesis.draw.layout import Layout
from synthesis.draw.sensitivity import baujat, cumulative, influence, leave_one_out
from synthesis.draw.spread import bubble, caterpillar, orchard
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.fitted import Fitted

__all__ = ["COLUMNS", "LAYOUTS", "layout"]

LAYOUTS: dict[DiagnosticFigure, Callable[[Fitted, Diagnosed], Chart | Layout]] = {
    "funnel": funnel,
    "orchard": orchard,
    "caterpillar": caterpillar,
    "cumulative": cumulative,
    "leave_one_out": leave_one_out,
    "baujat": baujat,
    "radial": radial,
    "influence": influence,
    "gosh": gosh,
    "adjusted": adjusted,
}


def layout(
    kind: DiagnosticFigure, document: Fitted, diagnostics: Diagnosed, moderator: str | None = None
) -> Chart | Layout:
    """One figure of a synthesis from its model, as the plan shows it, and its diagnostics; bubble needs a
    moderator, coefficients a regression by its name."""
    if kind == "bubble":
        return bubble(document, diagnostics, moderator or "")
    if kind == "coefficients":
        return coefficients(document, diagnostics, moderator or "")
    return LAYOUTS[kind](document, diagnostics)
