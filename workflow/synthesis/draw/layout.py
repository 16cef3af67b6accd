"""The layout of a forest plot: sections of rows with every text and coordinate, before anything is drawn.

Coordinates are on the axis of their section: r for Fisher z, g, and logarithms of ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal, TypedDict

from synthesis import text
from synthesis.data.risk_tools import MOST_DOMAINS
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import AXIS_NAME, DOMAIN_COLUMN, ESTIMATE_NAME, LOGARITHMS, NO_NULL, instrument_name
from synthesis.draw.axes import CLIP_SHARE, axis_of, power_of_ten
from synthesis.results.files import Cell

if TYPE_CHECKING:
    from synthesis.results.fitted import Fitted

# Said of what goes on from the page before.
CONTINUED = " (continued)"
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
    "converted single",
    "bounds",
    "note",
]


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


# Heads of the columns of domains, and of all that hold judgements of risk of bias.
COLUMN_NAME |= {DOMAIN_COLUMN.format(i): f"D{i}" for i in range(1, MOST_DOMAINS + 1)}
JUDGED_HEADS = frozenset({COLUMN_NAME["rob"], *(f"D{i}" for i in range(1, MOST_DOMAINS + 1))})


def column_name(column: str, titles: Mapping[str, str] | None = None) -> str:
    """The head of a column: that of the project, the title that its source declares, or its name in words."""
    return COLUMN_NAME.get(column) or (titles or {}).get(column) or column.replace("_", " ").capitalize()


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


def block_name(column: str, value: str) -> str:
    """The heading of a block: "high" alone would not say of what."""
    judged = judgement(value) if column == "rob" else None
    if judged is not None:
        return f"{judged.level.capitalize()} risk of bias" if judged.level in _OF_RISK else judged.level.capitalize()
    value = instrument_name(value) if column == "outcome" else value
    return GROUP_NAME.get(value, value[:1].upper() + value[1:])


_OF_RISK = ("low", "high", "critical")

# Columns of the bridge: probability that the association is the larger of both, for the means and in a new setting.
PROBABILITY_COLUMNS = ("P mean", "P new")


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
    # Hollow: of values that no source prints.
    fill: Literal["", "hollow"] = ""


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
    # Whether 0 is a value of no effect: not of a proportion.
    has_null: bool = True
    # Where a dashed line crosses all rows.
    guide: float | None = None
    # The weight with the largest square; 0: the heaviest of its own rows.
    heaviest: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole figure."""

    name: str
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())
    # Of these notes the ones that tell of marks, for the pages before the last; none: as `row_notes` tells of them.
    marks: tuple[str, ...] = field(default=())

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
    """From the metric's scale to the axis: as it is read, but that logarithms stay logarithms."""
    if metric in LOGARITHMS:
        return list(values)
    return [back_transform(metric, v) for v in values]


def decimals_of(document: Fitted) -> int:
    """Decimals of a synthesis's estimates: two, and more where its interval would end in the digits that it begins
    with."""
    low, high = (back_transform(document.metric, x) for x in (document.fit.ci_low, document.fit.ci_high))
    length = abs((high or 0.0) - (low or 0.0))
    if not length:
        length = 2 * median(study.vi for study in document.studies) ** 0.5
    return min(_MOST_DECIMALS, max(2, math.ceil(-math.log10(length / 2) - 1e-9))) if length else 2


def interval_texts(metric: str, estimate: float, low: float | None, high: float | None, decimals: int = 2) -> MarkTexts:
    """Estimate and limits as printed, from values on the metric's scale."""
    printed = [estimate_text(metric, v, decimals) for v in (estimate, low, high)]
    return {
        "estimate_text": printed[0],
        "low_text": "" if low is None else f"[{printed[1]},",
        "high_text": "" if high is None else f"{printed[2]}]",
    }


# What the last decimal would show as 0, in units of it; the least and the most written without a power of ten.
_SMALL, _SMALLEST, _LARGE, _MOST_DECIMALS = 0.5, 1e-4, 1e5, 8


def estimate_text(metric: str, value: float | None, decimals: int = 2) -> str:
    """A value on the metric's scale as it is read; a ratio too small for the decimals with two digits."""
    read = back_transform(metric, value)
    if metric not in LOGARITHMS or read is None or read == 0 or _SMALL * 10.0**-decimals <= read < _LARGE:
        return text.number(read, decimals)
    if _SMALLEST <= read < 1:
        return text.number(read, 1 - math.floor(math.log10(read)))
    mantissa, _, power = f"{read:.1e}".partition("e")
    return f"{mantissa}\N{MULTIPLICATION SIGN}{power_of_ten(int(power))}"


def mark_of(metric: str, estimate: float, low: float | None, high: float | None, decimals: int = 2) -> Mark:
    """Coordinates and texts of a row's mark, from values on the metric's scale."""
    x, x_low, x_high = coordinates(metric, estimate, low, high)
    texts = interval_texts(metric, estimate, low, high, decimals)
    return {"estimate": x, "ci_low": x_low, "ci_high": x_high, **texts}


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
    titles: Mapping[str, str] | None = None,
    hold_null: bool = True,
) -> Section:
    """Rows on the axis of their metric, which may cut a share `clip` of their limits at each end.

    `titles`: heads of the user's own columns; `hold_null`: whether no effect, if any, must be on the axis.
    """
    has_null = hold_null and metric not in NO_NULL
    low, high, ticks, texts = axis_of(rows, metric in LOGARITHMS, null=0.0 if has_null else None, clip=clip)
    kinds = {row.kind for row in rows}
    usual_name = "" if kinds & {"converted", "converted single"} else "Study" if "study" in kinds else "Synthesis"
    return Section(
        name=name,
        heading=heading,
        axis=axis or AXIS_NAME[metric],
        columns=tuple(column_name(column, titles) for column in columns),
        estimate_name=estimate_name or ESTIMATE_NAME[metric],
        rows=tuple(rows),
        low=low,
        high=high,
        ticks=ticks,
        tick_texts=texts,
        has_null=has_null,
        favours=favours if has_null or metric in NO_NULL else None,
        weights=weights,
        row_name=row_name or usual_name,
        interval_name=f"{100 * level:g}% CI",
        guide=guide,
    )
