"""Two extractions of the same rows, field by field: how well they agree, and which disagreements are still open."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from synthesis.data.columns import BY_NAME, RAW_COLUMNS, SECOND_FIELDS
from synthesis.data.extraction import CORRECTIONS, apply_corrections, corrections_of
from synthesis.data.own import as_columns, declared
from synthesis.data.printed import Numbered
from synthesis.data.tables import read_table
from synthesis.errors import InputError
from synthesis.results.readings import AgreementRow, DisagreementRow

# Numbers on the scale of the row's statistic: each statistic is a scale of its own.
_SCALED = frozenset(name for name in SECOND_FIELDS if BY_NAME[name].kind == "number")
_WORDS = frozenset({"choice", "sign"})
# The interval of kappa is a large-sample one.
LEAST_FOR_INTERVAL = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A field that two coders read: the cells as written, and as corrected since. One of the two may be empty."""

    source: str
    row: dict[str, str]
    field: str
    first: str
    second: str
    first_now: str
    second_now: str
    corrections: tuple[dict[str, str], ...] = ()

    @property
    def agree(self) -> bool:
        """Whether both coders wrote the same."""
        return same(self.field, self.first, self.second)

    @property
    def open(self) -> bool:
        """Whether they did not, and no correction has made the cells equal."""
        return not self.agree and not same(self.field, self.first_now, self.second_now)


def read_readings(raw: Path, sources: Iterable[str]) -> list[Reading]:
    """Every field that was read twice, in the order of the tables. Corrections that do not fit raise InputError."""
    corrections = corrections_of(raw)
    return [reading for source in sources for reading in _of_source(raw, source, corrections)]


def _of_source(raw: Path, source: str, corrections: list[Numbered]) -> list[Reading]:
    columns = (*RAW_COLUMNS, *as_columns(dict.fromkeys(declared(raw / source).columns, "text")))
    rows = read_table(raw / source / "effects.csv", columns)
    written = [dict(row) for _, row in rows]
    _, problems = apply_corrections(raw / CORRECTIONS, rows, corrections, columns)
    if problems:
        raise InputError(problems)
    readings = []
    for before, (_, now) in zip(written, rows, strict=True):
        if not now.get("second_coder", ""):
            continue
        for field in SECOND_FIELDS:
            second = f"second_{field}"
            cells = before.get(field, ""), before.get(second, "")
            if second not in before or not any(cells):
                continue
            corrected = tuple(
                c for _, c in corrections if c["effect_id"] == now["effect_id"] and c["field"] in {field, second}
            )
            readings.append(Reading(source, now, field, *cells, now.get(field, ""), now[second], corrected))
    return readings


def same(field: str, first: str, second: str) -> bool:
    """Whether two cells say the same: 0.26 is .260, <.001 is < 0.001; words by letter."""
    if BY_NAME[field].kind == "p":
        return _p(first) == _p(second)
    numbers = _number(first), _number(second)
    return first == second if None in numbers else numbers[0] == numbers[1]


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _p(cell: str) -> tuple[str, float | str | None]:
    parts = re.fullmatch(r"([<>=]?)\s*(.*)", cell)
    relation, rest = (parts[1], parts[2]) if parts else ("", cell)
    number = _number(rest)
    return relation.replace("=", ""), rest if number is None else number


def agreement(readings: Sequence[Reading]) -> list[AgreementRow]:
    """One row per field, of numbers on a scale one per statistic, in the order of the data dictionary.

    `rows` are those where at least one coder found something; of two numbers (`pairs`) the mean absolute difference and
    the intraclass correlation are given, of words Cohen's kappa, in which "nothing printed" is a category.
    """
    groups: dict[tuple[str, str], list[Reading]] = {}
    for field in SECOND_FIELDS:
        for reading in readings:
            if reading.field == field:
                statistic = reading.row.get("statistic", "") if field in _SCALED else ""
                groups.setdefault((field, statistic), []).append(reading)
    return [_agreement(field, statistic, group) for (field, statistic), group in groups.items()]


def _agreement(field: str, statistic: str, group: list[Reading]) -> AgreementRow:
    agree = sum(reading.agree for reading in group)
    row = AgreementRow(field=field, statistic=statistic, rows=len(group), agree=agree, percent=100 * agree / len(group))
    kind = BY_NAME[field].kind
    if kind in _WORDS:
        return _of_words(row, [(reading.first, reading.second) for reading in group])
    if kind == "p":
        return row
    numbers = [(_number(reading.first), _number(reading.second)) for reading in group]
    return _of_numbers(row, [(a, b) for a, b in numbers if a is not None and b is not None])


def _of_words(row: AgreementRow, words: list[tuple[str, str]]) -> AgreementRow:
    value, low, high = kappa(words)
    note = ""
    if value is None:
        note = "kappa is not defined: both coders used one and the same word throughout"
    elif low is None:
        note = f"kappa has no interval: it needs {LEAST_FOR_INTERVAL} rows and a disagreement"
    return replace(row, kappa=value, kappa_low=low, kappa_high=high, note=note)


def _of_numbers(row: AgreementRow, pairs: list[tuple[float, float]]) -> AgreementRow:
    correlation = icc(pairs)
    note = ""
    if not pairs:
        note = "no row where both coders found a number"
    elif correlation is None:
        note = "the intraclass correlation is not defined: it needs two rows with different numbers"
    return replace(
        row, pairs=len(pairs), mean_absolute_difference=mean_absolute_difference(pairs), icc=correlation, note=note
    )


def kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, float | None, float | None]:
    """Cohen's kappa (1960), and its 95% interval by Fleiss, Cohen & Everitt (1969), within -1 to 1, from statsmodels.

    All None without pairs, and where both raters used one and the same category throughout; no interval for fewer
    than `LEAST_FOR_INTERVAL` pairs, and without any disagreement.
    """
    words = sorted({word for pair in pairs for word in pair})
    # statsmodels divides 0 by 0 where all is agreed by chance.
    if len(words) < 2:
        return None, None, None
    # Only where two coders worked: it takes longer to import than the rest of the job.
    from statsmodels.stats.inter_rater import cohens_kappa

    counts = Counter(pairs)
    table = [[counts[first, second] for second in words] for first in words]
    if len(pairs) < LEAST_FOR_INTERVAL or all(a == b for a, b in pairs):
        return float(cohens_kappa(table, return_results=False)), None, None
    result = cohens_kappa(table)
    return float(result.kappa), max(float(result.kappa_low), -1.0), min(float(result.kappa_upp), 1.0)


def icc(ratings: Sequence[Sequence[float]]) -> float | None:
    """Intraclass correlation ICC(2,1) of Shrout & Fleiss (1979): single readings, absolute agreement.

    `ratings` has a row per target, a column per rater. None with fewer than two rows, or without any variation.
    """
    rows = len(ratings)
    if rows < 2:
        return None
    raters = len(ratings[0])
    mean = _mean(x for row in ratings for x in row)
    row_means = [_mean(row) for row in ratings]
    rater_means = [_mean(row[j] for row in ratings) for j in range(raters)]
    between_rows = raters * math.fsum((m - mean) ** 2 for m in row_means) / (rows - 1)
    between_raters = rows * math.fsum((m - mean) ** 2 for m in rater_means) / (raters - 1)
    left = math.fsum(
        (x - row_means[i] - rater_means[j] + mean) ** 2 for i, row in enumerate(ratings) for j, x in enumerate(row)
    )
    error = left / ((rows - 1) * (raters - 1))
    whole = between_rows + (raters - 1) * error + raters * (between_raters - error) / rows
    return (between_rows - error) / whole if whole > 0 else None


def mean_absolute_difference(pairs: Sequence[tuple[float, float]]) -> float | None:
    """The mean absolute difference; None without pairs."""
    return _mean(abs(a - b) for a, b in pairs) if pairs else None


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)


def disagreements(readings: Iterable[Reading]) -> list[DisagreementRow]:
    """Every cell on which the coders differed: open ones first, then those that a correction settled, and why."""
    rows = [_disagreement(reading) for reading in readings if not reading.agree]
    return sorted(rows, key=lambda row: row.status != "open")


def _disagreement(reading: Reading) -> DisagreementRow:
    def of_corrections(name: str) -> str:
        words = dict.fromkeys(correction[name] for correction in reading.corrections)
        return "" if reading.open else "; ".join(words)

    row = reading.row
    return DisagreementRow(
        source=reading.source,
        effect_id=row.get("effect_id", ""),
        study=row.get("study", ""),
        locator=row.get("locator", ""),
        field=reading.field,
        coder=row.get("coder", ""),
        first=reading.first,
        second_coder=row.get("second_coder", ""),
        second=reading.second,
        status="open" if reading.open else "settled",
        settled="" if reading.open else reading.first_now,
        reason=of_corrections("reason"),
        who=of_corrections("who"),
        date=of_corrections("date"),
    )
