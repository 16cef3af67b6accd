"""Names of studies: which are spellings of one, by authors and year."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from synthesis.data.days import ONLINE_FIRST
from synthesis.results.extracted import Row
from synthesis.text import plain

# Years between papers on one sample that share their first author.
FOLLOWED = 5
# A year of a paper, with its letter; the numbers of trials are none.
_YEAR = re.compile(r"\b((?:19[3-9]|20[0-4])\d)([a-z]?)\b", re.IGNORECASE)
_ET_AL = re.compile(r"\bet\.?\s*al\b\.?|\bu\.\s*a\.|\band (?:colleagues|others)\b", re.IGNORECASE)
# Letters that are written as two where a keyboard has not got them.
_AS_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae"})
# Words of names that are nobody's, and initials.
_NOBODY = frozenset([
    "and", "the", "for", "von", "van", "der", "den", "del", "study", "trial", "sample", "group", "arm", "exp",
    "experiment", "university",
])  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{2,}")
_INITIALS = 2


@cache
def study_key(study: str) -> str:
    """A study's name without its year, "et al." and punctuation: "Fuhr, 2019b" and "Fuhr et al." are one."""
    return plain(_ET_AL.sub(" ", _YEAR.sub(" ", study))) or plain(study)


@cache
def paper_key(study: str) -> str:
    """As `study_key`, without what follows the year: "Hills 2010 (women)" is of one paper with "Hills 2010"."""
    year = _YEAR.search(study)
    return study_key(study[: year.end()]) if year and plain(study[: year.start()]) else study_key(study)


@cache
def surnames(study: str) -> frozenset[str]:
    """The names before the year, each in both of its spellings where it has an umlaut; not initials."""
    return frozenset(form for name in _names(study) for form in (plain(name), name.translate(_AS_TWO)))


@cache
def first_author(study: str) -> str:
    """The first of the names before the year; the whole where there is none."""
    return next((name.translate(_AS_TWO) for name in _names(study)), study_key(study))


def _names(study: str) -> list[str]:
    year = _YEAR.search(study)
    authors = study[: year.start()] if year and plain(study[: year.start()]) else _YEAR.sub(" ", study)
    words = _WORD.findall(unicodedata.normalize("NFC", _ET_AL.sub(" ", authors)))
    named = [word.casefold() for word in words if not (len(word) <= _INITIALS and word.isupper())]
    return [name for name in named if name not in _NOBODY]


@cache
def numbers_of(study: str) -> tuple[str, ...]:
    """The numbers in a name before its year: "Lab 1" is not "Lab 2"."""
    year = _YEAR.search(study)
    return tuple(re.findall(r"\d+", study[: year.start()] if year else study))


def one_study(first: str, second: str) -> bool:
    """Whether names are those of one study, or of papers of the same authors with years that are near.

    Of the first author alone: "Centre North" and "Centre South" would be one, and samples of theirs the same people.
    """
    if study_key(first) == study_key(second):
        years = [[int(year) for year, _ in _YEAR.findall(study)] for study in (first, second)]
        return not all(years) or min(abs(a - b) for a in years[0] for b in years[1]) <= FOLLOWED
    return False


def other_paper(row: Row, other: Row) -> bool:
    """Whether the year, or its letter, makes two rows those of different papers."""
    (first, letter), (second, of_other) = year_of(row), year_of(other)
    if first is None or second is None:
        return False
    return abs(first - second) > ONLINE_FIRST or (first == second and letter != of_other)


def one_year(row: Row, other: Row) -> bool:
    """Whether two rows are of one year, with one letter, or of none."""
    return year_of(row) == year_of(other)


@cache
def _years(study: str) -> list[tuple[str, str]]:
    return _YEAR.findall(study)


def year_of(row: Row) -> tuple[float | None, str]:
    """The year of a row, else that of its study's name; and the letter that stands beside it there."""
    named = _years(row.study)
    letter = named[-1][1].casefold() if named else ""
    year = row.year if row.year is not None else float(named[-1][0]) if named else None
    return year, letter
