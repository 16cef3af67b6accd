"""What figures of risk of bias have in common: a light with its symbol, a bar of shares, the axis below such bars."""

from __future__ import annotations

from collections.abc import Iterable

from synthesis.draw.canvas import DARK, Page

# What nobody judged.
NOT_JUDGED = "#f3f3f3"
# Inches that a symbol takes in a bar.
_ROOM = 0.18


def light(page: Page, x: float, middle: float, radius: float, colour: str, symbol: str) -> None:
    """A judgement as a filled circle with its symbol."""
    page.circle(x, middle, radius, colour)
    symbol_at(page, x, middle, symbol)


def symbol_at(page: Page, x: float, middle: float, symbol: str) -> None:
    """A symbol of a judgement, on its colour."""
    page.text(x, middle - 0.004, symbol, page.style.small, "center", "#ffffff", weight="bold")


def stacked(
    page: Page,
    ends: tuple[float, float],
    middle: float,
    height: float,
    parts: Iterable[tuple[str, float, str]],
    edge: str = "white",
) -> None:
    """The parts of a bar, one after the other: colour, share (0 to 100), and the symbol of those that have room.

    `edge`: the colour around each; one that is seen where a colour is nearly that of the page.
    """
    x, right = ends
    inches, top = (right - x) / 100, middle - height / 2
    for colour, share, symbol in parts:
        wide = inches * share
        page.polygon([(x, top), (x + wide, top), (x + wide, top + height), (x, top + height)], colour, edge, 0.6)
        if symbol and wide > _ROOM:
            symbol_at(page, x + wide / 2, middle, symbol)
        x += wide


def percent_axis(page: Page, ends: tuple[float, float], y: float) -> None:
    """An axis from 0% to 100%."""
    left, right = ends
    page.line([left, right], [y, y], DARK, 0.7)
    for tick in (0, 25, 50, 75, 100):
        x = left + (right - left) * tick / 100
        page.line([x, x], [y, y + 0.035], DARK, 0.7)
        page.text(x, y + 0.095, f"{tick}%", page.style.small, "center")
