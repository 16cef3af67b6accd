"""How each kind of line, point and area of a chart is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from synthesis.draw.canvas import DARK, FAINT, GRID, Dashes
from synthesis.draw.chart import AreaKind, LineKind, PointKind

LANE = "lane"
_DIAMOND = Path([(0, 0.62), (0.62, 0), (0, -0.62), (-0.62, 0), (0, 0.62)], closed=True)
_TRIANGLE = Path([(-0.55, -0.4), (0.55, -0.4), (0, 0.55), (-0.55, -0.4)], closed=True)
# Arrow heads.
_UP = Path([(-0.4, -0.4), (0.4, -0.4), (0, 0.4), (-0.4, -0.4)], closed=True)
_DOWN, _LEFT, _RIGHT = (Affine2D().rotate_deg(angle).transform_path(_UP) for angle in (180, 90, 270))
_CROSS = Path([(-0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (0.5, -0.5)], [Path.MOVETO, Path.LINETO] * 2)
_ROUND = Affine2D().scale(0.5).transform_path(Path.unit_circle())


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a kind of line is drawn; `over`: above the points."""

    colour: str
    width: float
    dashes: Dashes = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """How a kind of point is drawn."""

    face: str
    edge: str
    edge_width: float = 0.5
    alpha: float = 1.0
    path: Path = _ROUND


STROKES: dict[LineKind, Stroke] = {
    "null": Stroke(GRID, 0.9),
    "grid": Stroke("#e2e2e2", 0.5),
    "threshold": Stroke(FAINT, 0.7, (2.5, 2.0)),
    "effect": Stroke(LANE, 0.6),
    "pooled": Stroke(DARK, 1.1),
    "limit": Stroke(DARK, 0.8, (4.0, 2.5)),
    "regression": Stroke(LANE, 1.3, (1.2, 1.6)),
    "curve": Stroke(DARK, 1.2),
    "prediction": Stroke(DARK, 0.9, over=True),
    "interval": Stroke(DARK, 2.8, over=True),
    "median": Stroke(DARK, 1.6, over=True),
    "choice": Stroke(DARK, 3.4),
    "uncertain choice": Stroke("#909090", 3.4),
}
FILLS: dict[PointKind, Fill] = {
    "added": Fill("white", LANE, 0.9),
    "estimate": Fill(LANE, LANE, 0.4, 0.55),
    "sample": Fill(LANE, "white", 0.4),
    "range end": Fill(LANE, DARK, 0.5, 0.7, path=_TRIANGLE),
    "marked": Fill(DARK, DARK, 0.5, path=_DIAMOND),
    "marked_small": Fill(DARK, DARK, 0.0),
    "pooled": Fill("white", DARK, 1.3),
    "without interval": Fill("white", DARK, 1.3, path=_CROSS),
    "beyond_left": Fill(DARK, DARK, 0.0, path=_LEFT),
    "beyond_right": Fill(DARK, DARK, 0.0, path=_RIGHT),
    "beyond_up": Fill(DARK, DARK, 0.0, path=_UP),
    "beyond_down": Fill(DARK, DARK, 0.0, path=_DOWN),
    "cut_up": Fill("white", DARK, 0.7, path=_UP),
    "cut_down": Fill("white", DARK, 0.7, path=_DOWN),
}
SHADES: dict[AreaKind, str] = {
    "background": "#f3f3f3",
    "p 0.01 to 0.05": "#dedede",
    "p 0.05 to 0.1": "#c4c4c4",
    "p above 0.1": "#ffffff",
    "row": "#e4e4e4",
    "prediction": "#ececec",
    "confidence": "#cfcfcf",
    "half of all": "#707070",
    "middle half": "#c4c4c4",
    "most": "#acacac",
    "all": "#dcdcdc",
}
