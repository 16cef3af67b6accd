"""Numbers as they are read: fixed decimals, a true minus sign, p values that never become 0."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MINUS = "\N{MINUS SIGN}"
# Of a limit that is not 0 but would be printed as 0.
_MOST_DECIMALS = 4
# Where there is no number to print.
NONE = "\N{EN DASH}"


# What XML 1.0 (section 2.2) has no place for, and so no SVG and no page: control characters, lone surrogates. And the
# two that turn the letters after them round: a name would not be read as it is written.
_TURNS = "\u202d\u202e"
_UNWRITABLE = re.compile(f"[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]|[{_TURNS}]")


def unwritable(text: str) -> str:
    """Code point and name of the first character that no figure or page can hold; nothing where there is none."""
    match = _UNWRITABLE.search(text)
    if match is None:
        return ""
    kind = "half of a surrogate pair" if unicodedata.category(match[0]) == "Cs" else "a control character"
    if match[0] in _TURNS:
        kind = "which turns the letters after it round"
    return f"U+{ord(match[0]):04X}, {kind}"


_PRINTED = {
    "tau2": "\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO}",
    "tau": "\N{GREEK SMALL LETTER TAU}",
    "omega2": "\N{GREEK SMALL LETTER OMEGA}\N{SUPERSCRIPT TWO}",
    "I2": "I\N{SUPERSCRIPT TWO}",
    "R2": "R\N{SUPERSCRIPT TWO}",
    "chi2": "\N{GREEK SMALL LETTER CHI}\N{SUPERSCRIPT TWO}",
    "sqrt(n)": "\N{SQUARE ROOT}n",
}
_STATISTIC = re.compile(r"(?<![\w./-])(?:tau2|tau|omega2|I2|R2|chi2)(?![\w(-])|sqrt\(n\)")


def capital(words: str) -> str:
    """Words with a capital letter first; the others as they are."""
    return words[:1].upper() + words[1:]


def sentence(note: str) -> str:
    """A note of a fit as a sentence of a figure, with its variances as they are written there."""
    return f"{capital(lettered(note))}."


def lettered(words: str) -> str:
    """Words with statistics as they are printed, Greek letters and signs, as figures and pages have them."""
    return _STATISTIC.sub(lambda match: _PRINTED[match[0]], words)


def number(value: float | None, decimals: int = 2) -> str:
    """A number with fixed decimals; "-0.00" is written without its sign."""
    if value is None:
        return ""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def interval(low: float | None, high: float | None, decimals: int = 2) -> str:
    """[low, high], or nothing where a limit is missing; a limit beside 0 has the decimals that show on which side."""
    if low is None or high is None:
        return ""
    return f"[{_beside_zero(low, decimals)}, {_beside_zero(high, decimals)}]"


def _beside_zero(limit: float, decimals: int) -> str:
    """A limit with a third or fourth decimal where two would print it as 0."""
    needed = (d for d in range(decimals, _MOST_DECIMALS + 1) if round(limit, d))
    return number(limit, next(needed, decimals) if decimals > 1 else decimals)


def p_value(p: float) -> str:
    """p as in a paper: three decimals, "< 0.001" below that."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def p_at_most(p: float) -> str:
    """A p that is the smallest its test can give, rounded up: three decimals, one digit below 0.001."""
    decimals = 3
    if p < 0.001:
        decimals = -math.floor(math.log10(p))
        # 9.99e-5 is at most 1e-4, not 10e-5.
        decimals -= p * 10**decimals > 9
    bound = math.ceil(p * 10**decimals - 1e-9) / 10**decimals
    return f"p \N{LESS-THAN OR EQUAL TO} {bound:.{decimals}f}"


def count(value: int | float | None) -> str:
    """A whole number with thin spaces between thousands."""
    return "" if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(value: int, singular: str, plural_form: str | None = None) -> str:
    """ "1 sample", "2 samples"."""
    return f"{count(value)} {singular if value == 1 else plural_form or singular + 's'}"


def small(value: float | None, decimals: int) -> str:
    """A number that is never negative: 0 as "0", and what is not 0 but would be printed so as "<0.0001"."""
    if value == 0:
        return "0"
    if value is not None and 0 < value < 0.5 * 10.0**-decimals:
        return f"<{10.0**-decimals:.{decimals}f}"
    return number(value, decimals)


def variance(value: float, low: float | None, high: float | None) -> str:
    """tau2 with its interval: three decimals, four where the first of the three values needs them."""
    positive = [x for x in (value, low, high) if x is not None and x > 0]
    decimals = 4 if positive and min(positive) < 0.0095 else 3
    limits = "" if low is None or high is None else f"[{small(low, decimals)}, {small(high, decimals)}]"
    return f"{small(value, decimals)} {limits}".rstrip()


def p_of_signs(p: float, changes: int) -> str:
    """p of a test by random sign changes in words; where none was as large it is only known to be no larger."""
    how = f"{plural(changes, 'sign change')}"
    if round(p * (changes + 1)) <= 1:
        return f"{how}, none as large: {p_at_most(p)}"
    return f"{how}: {p_value(p)}"


def probability(p: float) -> str:
    """A probability with two decimals, never rounded to 0 or 1."""
    if p < 0.005:
        return "<0.01"
    return ">0.99" if p > 0.995 else number(p)


# As many names stand in a sentence; the others are counted.
_NAMED = 8


def named(names: Iterable[str]) -> str:
    """Names in the order of letters: some of many, and how many more there are."""
    ordered = sorted(names, key=str.casefold)
    more = [f"and {count(len(ordered) - _NAMED)} more"] if len(ordered) > _NAMED else []
    return ", ".join([*ordered[:_NAMED], *more])


MIXED = "mixed"


def shared(values: Iterable[str]) -> str:
    """The value that all rows share, or "mixed"."""
    distinct = list(dict.fromkeys(value for value in values if value))
    return MIXED if len(distinct) > 1 else "".join(distinct)


@lru_cache(1 << 16)
def plain(name: str) -> str:
    """A name without case, accents, spaces and punctuation: "PHQ-9" and "phq-9" are one instrument."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if c.isalnum())
