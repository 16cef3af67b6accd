"""Days and years: those of the calendar, and those that have not come yet."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from pathlib import Path

from synthesis.data.printed import Numbered
from synthesis.errors import Problem

# The day of this release, as in CITATION.cff, which an installed package is without. A clock behind it is wrong.
RELEASED = "2026-11-23"
# Years between two dates of one publication: online first, then in print.
ONLINE_FIRST = 1
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, as 2026-11-23."""
    try:
        return bool(_DAY.fullmatch(text)) and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def latest_day(today: datetime.date | None = None) -> datetime.date:
    """The last day that is nowhere in the future; a clock behind the release of this package counts as that day."""
    known = max(today or datetime.date.today(), datetime.date.fromisoformat(RELEASED))
    return known + datetime.timedelta(days=1)


def to_come(where: str, day: str, latest: datetime.date) -> list[Problem]:
    """A day that has not come yet; nothing of a text that is no day."""
    if not is_day(day) or datetime.date.fromisoformat(day) <= latest:
        return []
    return [Problem(where, day, "a day that has come", "a slip in the year, or day and month swapped?")]


def days_to_come(path: Path, rows: Iterable[Numbered], column: str, latest: datetime.date) -> list[Problem]:
    """Days of a column that have not come yet."""
    return [
        problem
        for number, row in rows
        for problem in to_come(f"{path}, row {number}, column {column}", str(row[column]), latest)
    ]
