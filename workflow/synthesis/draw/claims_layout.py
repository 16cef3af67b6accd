"""The layout of the figure of claims: what a text says, what its source says, what the data say, and the verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Literal

from synthesis import text
from synthesis.draw.axes import linear_ticks
from synthesis.draw.chart import Key
from synthesis.results.comparisons import NO_INTERVAL, DecidedClaim
from synthesis.results.files import Cell

TITLE = "What the text that began this project says, and what the data say"
VERDICTS = ("supported", "not supported", "cannot be decided", "misquoted")
_UNIT_NAME = {"smd": "SMD", "difference in d": "d", "difference in z": "z", "coefficient": "b"}
# What of an interval must lie where the claim holds.
Part = Literal["whole", "lower end"]
_PART_WORDS: dict[Part, str] = {
    "whole": "where the whole interval would have to lie for the claim to hold",
    "lower end": "where its lower end would have to lie",
}
_VERDICT_WORDS = {
    "supported": "the data lie where the claim says",
    "not supported": "they do not",
    "cannot be decided": "the interval holds both, values disagree, or a datum is missing",
    "misquoted": "the cited source does not say it, whatever the data say",
}
# What of a claim's row is no cell of the table of what is drawn.
_NOT_CELLS = {"marks", "holds", "axis", "ticks"}
# The marks of a key that stands on the first page alone.
ONCE = "verdict"
# An axis has at least two ticks, and three where their texts have room: shares of the axis of a letter, and between.
_FEWEST, _MOST = 2, 3
_LETTER, _BETWEEN = 0.034, 0.04
# What the letter of a unit stands for, where the figure says nothing else of it.
_UNIT_WORDS = {"d": "difference in d", "z": "difference in Fisher z", "b": "coefficient"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One interval on a claim's own axis, and what it is; limits are None where none are printed."""

    label: str
    estimate: float
    low: float | None
    high: float | None
    interval: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval: not of what is printed without one, nor of what is exact."""
        return self.low is not None and self.high is not None and self.low < self.high


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim: words, marks, where on its axis `part` of an interval would have to lie, and the axis."""

    claim_id: str
    statement: str
    verdict: str
    claim: str
    data: str
    marks: tuple[Mark, ...]
    holds: tuple[float, float] | None
    axis: tuple[float, float] | None
    ticks: tuple[float, ...]
    unit: str
    part: Part = "whole"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the text with its claims; one that goes on from the page before has its sources there."""

    name: str
    says: str
    cites: str
    source_says: str
    reading: str
    rows: tuple[ClaimRow, ...]
    continued: bool = False


@dataclass(frozen=True, slots=True)
class ClaimsLayout:
    """The whole figure."""

    name: str
    title: str
    statements: tuple[Statement, ...]
    keys: tuple[Key, ...]
    notes: tuple[str, ...]

    def table(self) -> list[dict[str, Cell]]:
        """One record per mark, or per claim without one."""
        records: list[dict[str, Cell]] = []
        for statement in self.statements:
            for row in statement.rows:
                base = {k: v for k, v in asdict(row).items() if k not in _NOT_CELLS}
                ends = row.holds or (None, None)
                base |= {"holds_low": _finite(ends[0]), "holds_high": _finite(ends[1])}
                for mark in row.marks or (None,):
                    cells = asdict(mark) if mark else dict.fromkeys(("label", "estimate", "low", "high", "interval"))
                    records.append(base | cells)
        return records


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def claims_layout(claims: list[DecidedClaim], title: str) -> ClaimsLayout:
    """The layout from the claims as decided, in their order; claims of one statement stand together."""
    by_statement: dict[str, list[DecidedClaim]] = {}
    for claim in claims:
        by_statement.setdefault(claim.statement, []).append(claim)
    statements = tuple(_statement(name, group) for name, group in by_statement.items())
    counted = Counter(claim.verdict for claim in claims)
    counts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict])
    notes = (
        f"{text.plural(len(claims), 'claim')}: {counts}.",
        "The rules stand with the claims in data/raw/claims.csv; they were written when earlier pools were known. "
        "Associations are no causes.",
    )
    return ClaimsLayout("verdicts", title, statements, _keys(statements), notes)


def _keys(statements: Iterable[Statement]) -> tuple[Key, ...]:
    """What is drawn, and what the verdicts and the letters at the axes mean."""
    rows = [row for statement in statements for row in statement.rows]
    verdicts = [Key(ONCE, v, f"{v}: {_VERDICT_WORDS[v]}") for v in VERDICTS if any(row.verdict == v for row in rows)]
    drawn = [row for row in rows if row.marks]
    if not drawn:
        return tuple(verdicts)
    parts = [Key("shade", part, words) for part, words in _PART_WORDS.items() if any(r.part == part for r in drawn)]
    return (
        *verdicts,
        Key("mark", "", "estimate and interval, which the words name; each claim has its own axis"),
        *parts,
        Key("line", "bound", "bound of the rule"),
        *_units(drawn),
    )


def _units(rows: Iterable[ClaimRow]) -> tuple[Key, ...]:
    """What the letters at the axes stand for."""
    used = {row.unit for row in rows}
    meanings = [f"{unit}: {words}" for unit, words in _UNIT_WORDS.items() if unit in used]
    return (Key("words", "", "; ".join(meanings)),) if meanings else ()


def _statement(name: str, claims: list[DecidedClaim]) -> Statement:
    quotes = dict.fromkeys(quote for claim in claims for quote in claim.source_says.split(" | ") if quote)
    readings = [claim.reading for claim in claims if claim.reading]
    return Statement(
        name=name,
        says=claims[0].says,
        cites=claims[0].cites,
        source_says=" | ".join(quotes),
        reading=readings[0] if readings else "",
        rows=tuple(_row(claim) for claim in claims),
    )


def _row(claim: DecidedClaim) -> ClaimRow:
    marks = tuple(Mark(v.label, v.estimate, v.low, v.high, v.interval) for v in claim.values)
    words = claim.why + ("" if claim.why.startswith(NO_INTERVAL) else _named_intervals(marks))
    if claim.verdict == "misquoted" and claim.quantity:
        words = f"{words}; of the claim itself: {claim.verdict_of_data}"
    if claim.hangs_on:
        words = f"{words}. {claim.hangs_on[:1].upper()}{claim.hangs_on[1:]}"
    holds, axis, ticks = _axis(claim, marks)
    unit = claim.unit or next((value.unit for value in claim.values), "")
    return ClaimRow(
        claim_id=claim.claim_id,
        statement=claim.statement,
        verdict=claim.verdict,
        claim=claim.claim,
        data=words,
        marks=marks,
        holds=holds,
        axis=axis,
        ticks=ticks,
        unit=_UNIT_NAME.get(unit, unit),
        part="lower end" if claim.rule == "not_above" else "whole",
    )


def _named_intervals(marks: Sequence[Mark]) -> str:
    """What the intervals of the marks are, in brackets, and that there is none."""
    names = dict.fromkeys(mark.interval if mark.has_interval else "no interval" for mark in marks)
    names.pop("", None)
    return f" ({', '.join(names)})" if names else ""


def _axis(
    claim: DecidedClaim, marks: tuple[Mark, ...]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None, tuple[float, ...]]:
    """Where the claim would hold, the limits of its axis, and its ticks: the bounds themselves."""
    if not marks:
        return None, None, ()
    holds = _holds(claim)
    bounds = tuple(x for x in holds if math.isfinite(x))
    ends = [x for m in marks for x in (m.estimate, m.low, m.high) if x is not None] + list(bounds)
    if 0 not in bounds and claim.rule != "all_within":
        ends.append(0.0)
    first, last = min(ends), max(ends)
    pad = 0.08 * (last - first or 1.0)
    return holds, (first - pad, last + pad), bounds


def _holds(claim: DecidedClaim) -> tuple[float, float]:
    """Where the whole interval, or its lower end, would have to lie."""
    low = -math.inf if claim.low_value is None else claim.low_value
    high = math.inf if claim.high_value is None else claim.high_value
    match claim.rule:
        case "above":
            return low, math.inf
        case "below":
            return -math.inf, high
        case "not_above":
            return -math.inf, low
        case "all_within":
            return 100.0, math.inf
    return low, high


def axis_texts(row: ClaimRow) -> list[tuple[float, str]]:
    """What stands below an axis: its bounds with their unit, 0 where it is on it, other numbers beside few: two that
    make even steps beside one, where there are such and they have room."""
    if row.axis is None:
        return []
    sign = "%" if row.unit == "%" else ""
    unit = "" if sign else f"{row.unit} "
    texts = [(tick, f"{unit}{text.number(tick, _decimals(tick))}{sign}") for tick in row.ticks]
    first, last = row.axis
    if first <= 0 <= last and 0 not in row.ticks:
        texts.append((0.0, f"0{sign}"))
    ticks, decimals = linear_ticks(first, last, 5)
    # As far from the others as one can be without its text leaving the axis.
    inside = [t for t in ticks if min(t - first, last - t) >= 0.06 * (last - first)] or ticks
    most = _MOST if len(texts) > 1 else _FEWEST
    if len(texts) == 1:
        more = (
            [(tick, f"{text.number(tick, decimals)}{sign}") for tick in pair] for pair in _even(texts[0][0], inside)
        )
        texts += next((pair for pair in more if _have_room([*texts, *pair], last - first)), [])
    while len(texts) < most:
        further = max(inside, key=lambda t: (min((abs(t - other) for other, _ in texts), default=0.0), t))
        words = f"{text.number(further, decimals)}{sign}"
        if len(texts) >= _FEWEST and not all(_have_room((placed, (further, words)), last - first) for placed in texts):
            break
        texts.append((further, words))
    return texts


def _even(at: float, ticks: Sequence[float]) -> list[tuple[float, float]]:
    """Pairs of ticks that make even steps with `at`: those of longer steps first, then those on either side of it."""
    pairs = []
    for pair in combinations(ticks, 2):
        low, middle, high = sorted((at, *pair))
        if middle > low and math.isclose(middle - low, high - middle, rel_tol=1e-6):
            pairs.append((round(middle - low, 9), middle == at, pair))
    return [pair for *_, pair in sorted(pairs, reverse=True)]


def _have_room(texts: Sequence[tuple[float, str]], length: float) -> bool:
    return all(_apart(abs(a - b) / length, first, second) for (a, first), (b, second) in combinations(texts, 2))


def _apart(share: float, first: str, second: str) -> bool:
    """Whether two texts that are centred a share of the axis apart do not touch."""
    return share >= _LETTER * (len(first) + len(second)) / 2 + _BETWEEN


def _decimals(value: float) -> int:
    return max(2 if value % 1 else 0, len(f"{value:g}".partition(".")[2]))
