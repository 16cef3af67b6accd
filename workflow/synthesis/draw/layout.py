"""The layout of a forest plot: sections of rows with every text and coordinate, before anything is drawn.

Coordinates are on the axis of their section: r for Fisher z, g, and logarithms of ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal, TypedDict

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.data.vocabulary import RATIO_METRICS
from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted

RowKind = Literal[
    "heading",
    "study",
    "subgroup",
    "pooled",
    "summary",
    "single",
    "prediction",
    "reference",
    "converted",
    "note",
]

AXIS_NAME = {
    "z": "Correlation r",
    "g": "Standardized mean difference (Hedges g)",
    "log_odds_ratio": "Odds ratio",
    "log_risk_ratio": "Risk ratio",
}
ESTIMATE_NAME = {"z": "r", "g": "g", "log_odds_ratio": "OR", "log_risk_ratio": "RR"}


def axis_name(document: Fitted) -> str:
    """The axis of a synthesis; a ratio that was turned is called what it is."""
    metric, how_many = document.metric, turned(document)
    if not how_many:
        return AXIS_NAME[metric]
    what = "1 / " + AXIS_NAME[metric].lower() + (", that is, of no event" if metric == "log_odds_ratio" else "")
    return what if how_many == "all" else f"{AXIS_NAME[metric]}; {what}, where the event is not wanted"


def estimate_name(document: Fitted) -> str:
    """The letters of a synthesis's estimate: 1/OR of an odds ratio that was turned."""
    name = ESTIMATE_NAME[document.metric]
    return {"": name, "all": f"1/{name}", "some": f"{name} or 1/{name}"}[turned(document)]


def turned(document: Fitted) -> Literal["", "all", "some"]:
    """How many of a synthesis's ratios were turned."""
    count = document.figure.turned
    return "" if not count else "all" if count >= document.fit.k else "some"


COLUMN_NAME = {
    "n": "n",
    "rater": "Rater",
    "comparator": "Comparator",
    "outcome": "Outcome",
    "format": "Format",
    "disorder": "Disorder",
    "treatment": "Treatment",
    "timepoint": "Time",
    "confidence": "Confidence",
    "tier": "Tier",
    "rob": "Risk of bias",
    "country": "Country",
    "exactness": "Conversion",
    "converter": "Converter",
    "n_treat": "n treated",
    "n_control": "n control",
    "mean_treat": "Mean treated",
    "sd_treat": "SD treated",
    "mean_control": "Mean control",
    "sd_control": "SD control",
    "events_treat": "Events treated",
    "events_control": "Events control",
    "total_treat": "n treated",
    "total_control": "n control",
    "estimand": "Estimand",
    "samples": "Samples",
    "people": "People",
    "tau2": "τ²",
    "omega2": "ω²",
    "i2": "I², %",
}
GROUP_NAME = {
    "r_total": "Not adjusted for baseline (total correlation)",
    "r_partial": "Adjusted for baseline or earlier change (partial correlation)",
    "exact": "Converted exactly",
    "approximate": "Converted approximately",
    "set to zero": "Reported as not significant, entered as 0",
    "": "Not stated",
    "mixed": "Several",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement of risk of bias: its level, and the symbol that robvis (McGuinness & Higgins 2021) gives it."""

    level: str
    symbol: str
    rank: int


# Words of RoB 2, of ROBINS-I and of the older Cochrane tool, by level from the best to the worst.
_JUDGEMENTS = (
    (Judgement("low", "+", 0), ("low",)),
    (Judgement("some concerns", "\N{MINUS SIGN}", 1), ("some concerns", "some", "moderate")),
    (Judgement("high", "\N{MULTIPLICATION SIGN}", 2), ("high", "serious")),
    (Judgement("critical", "!", 3), ("critical",)),
    (Judgement("no information", "?", 4), ("no information", "unclear", "not reported")),
)
_JUDGED = {word: judged for judged, words in _JUDGEMENTS for word in words}


def judgement(word: str) -> Judgement | None:
    """What a word says about risk of bias, however it is written; nothing where it is no judgement."""
    plain = " ".join(word.casefold().replace("_", " ").split())
    return _JUDGED.get(plain.removesuffix(" of bias").removesuffix(" risk"))


# Below every figure that puts an association beside an effect.
NOT_A_TEST = "A comparison under conversions, not a test of causes: only effects come from groups assigned at random."
# Columns of the bridge: probability that the association is the larger of both, for the means and in a new setting.
PROBABILITY_COLUMNS = ("P mean", "P new")
# Axis limits leave out this share of study limits at each end; those are drawn with arrows.
CLIP_SHARE = 0.02
# Beyond the outermost value, and beyond the outermost estimate where limits are cut, in shares of the axis.
_PAD, _CLEAR = 0.02, 0.06
RATIO_TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 100, 1000)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the figure. Missing coordinates mean that nothing is drawn there."""

    kind: RowKind
    label: str
    lane: str = ""
    cells: tuple[str, ...] = ()
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    pi_low: float | None = None
    pi_high: float | None = None
    weight: float | None = None
    estimate_text: str = ""
    low_text: str = ""
    high_text: str = ""
    weight_text: str = ""
    key: str = ""
    effects: tuple[str, ...] = ()
    # The synthesis behind a mark that draws no single sample.
    synthesis: str = ""
    # Rows of one sample are joined by a bracket: "start", "middle" or "end" of it.
    bracket: str = ""


class MarkTexts(TypedDict):
    """An estimate and its limits as printed beside a row; these are fields of the row."""

    estimate_text: str
    low_text: str
    high_text: str


class Mark(MarkTexts):
    """The mark of a row: coordinates, None where there are none, and texts; these are fields of the row."""

    estimate: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that share an axis."""

    name: str
    heading: str
    axis: str
    columns: tuple[str, ...]
    estimate_name: str
    rows: tuple[Row, ...]
    low: float
    high: float
    ticks: tuple[float, ...]
    tick_texts: tuple[str, ...]
    favours: tuple[str, str] | None
    weights: bool
    row_name: str
    interval_name: str
    null: float = 0.0
    # Where a dashed line crosses all rows.
    guide: float | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole figure."""

    name: str
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())

    def table(self) -> list[dict[str, Cell]]:
        """One record per row: what is drawn, in order; written beside the figure."""
        records = []
        for section in self.sections:
            for row in section.rows:
                record: dict[str, Cell] = {"section": section.name} | asdict(row)
                record["cells"] = " | ".join(row.cells)
                record["effects"] = "; ".join(row.effects)
                records.append(record)
        return records


def coordinates(metric: str, *values: float | None) -> list[float | None]:
    """From the metric's scale to the axis: r for z, unchanged otherwise (ratios stay logarithms)."""
    if metric == "z":
        return [back_transform("z", v) for v in values]
    return list(values)


def interval_texts(metric: str, estimate: float, low: float | None, high: float | None) -> MarkTexts:
    """Estimate and limits as printed, from values on the metric's scale."""
    shown = [back_transform(metric, v) for v in (estimate, low, high)]
    printed = _ratio_text if metric in RATIO_METRICS else text.number
    return {
        "estimate_text": printed(shown[0]),
        "low_text": "" if low is None else f"[{printed(shown[1])},",
        "high_text": "" if high is None else f"{printed(shown[2])}]",
    }


# Two decimals would show a ratio below this as 0, and one above the other with digits that mean nothing.
_SMALL, _LARGE = 0.005, 1e5


def _ratio_text(value: float | None) -> str:
    """A ratio with two decimals; one that they cannot show with two digits and a power of ten."""
    if value is None or value == 0 or _SMALL <= value < _LARGE:
        return text.number(value)
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", text.MINUS)


def mark_of(metric: str, estimate: float, low: float | None, high: float | None) -> Mark:
    """Coordinates and texts of a row's mark, from values on the metric's scale."""
    x, x_low, x_high = coordinates(metric, estimate, low, high)
    texts = interval_texts(metric, estimate, low, high)
    return {"estimate": x, "ci_low": x_low, "ci_high": x_high, **texts}


def axis_of(
    rows: Iterable[Row], ratio: bool, *, null: float = 0.0, clip: float = CLIP_SHARE
) -> tuple[float, float, tuple[float, ...], tuple[str, ...]]:
    """Limits, tick positions and tick texts that show the null, every estimate and nearly every interval."""
    rows = list(rows)
    points = [r.estimate for r in rows if r.estimate is not None]
    firm = [x for r in rows if r.kind != "study" for x in (r.ci_low, r.ci_high, r.pi_low, r.pi_high) if x is not None]
    ends = [x for r in rows if r.kind == "study" for x in (r.ci_low, r.ci_high) if x is not None]
    ends.sort()
    cut = int(clip * len(ends))
    values = [null, *points, *firm, *ends[cut : len(ends) - cut]]
    low, high = float(min(values)), float(max(values))
    span = high - low or 1.0
    low, high = low - _PAD * span, high + _PAD * span
    if cut and points:
        # The arrow of a limit that is cut must not lie on the mark of the outermost estimate.
        low, high = min(low, min(points) - _CLEAR * span), max(high, max(points) + _CLEAR * span)
    if ratio:
        shown = [t for t in RATIO_TICKS if low <= math.log(t) <= high]
        if len(shown) < 3:
            # A short axis has round ratios of its own.
            shown = [t for t in linear_ticks(math.exp(low), math.exp(high))[0] if t > 0]
        ticks = [math.log(t) for t in shown]
        texts = [f"{t:g}" for t in shown]
    else:
        ticks, decimals = linear_ticks(low, high)
        texts = [text.number(t, decimals) for t in ticks]
    return low, high, tuple(ticks), tuple(texts)


def linear_ticks(low: float, high: float, about: int = 6) -> tuple[list[float], int]:
    """Multiples of 1, 2 or 5 times a power of ten inside the limits, with their decimals: for 6, four to eight."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [i * step for i in range(first, last + 1)], decimals


def section_of(
    name: str,
    metric: str,
    columns: tuple[str, ...],
    rows: list[Row],
    level: float,
    *,
    heading: str = "",
    favours: tuple[str, str] | None = None,
    weights: bool = False,
    axis: str | None = None,
    estimate_name: str | None = None,
    row_name: str | None = None,
    guide: float | None = None,
    clip: float = CLIP_SHARE,
) -> Section:
    """Rows on the axis of their metric, which may cut a share `clip` of their limits at each end."""
    low, high, ticks, texts = axis_of(rows, metric in RATIO_METRICS, clip=clip)
    kinds = {row.kind for row in rows}
    usual_name = "" if "converted" in kinds else "Study" if "study" in kinds else "Synthesis"
    return Section(
        name=name,
        heading=heading,
        axis=axis or AXIS_NAME[metric],
        columns=tuple(COLUMN_NAME.get(c, c.replace("_", " ").capitalize()) for c in columns),
        estimate_name=estimate_name or ESTIMATE_NAME[metric],
        rows=tuple(rows),
        low=low,
        high=high,
        ticks=ticks,
        tick_texts=texts,
        favours=favours,
        weights=weights,
        row_name=row_name or usual_name,
        interval_name=f"{100 * level:g}% CI",
        guide=guide,
    )
