"""One column of a foreign table as the project writes it: numbers with a point, counts in full, dates found out.

Nothing is read two ways in silence. What a comma or a point means is decided by the whole table; a cell that could be
a thousand or a fraction, and that the rest of its column does not settle, is a problem with both readings named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from synthesis.data.foreign.header import tidy

Numbered = Sequence[tuple[int, str]]
# What a column holds: whole people; amounts such as time at risk, of which thousands are likelier than three decimals;
# or anything.
Of = Literal["people", "amounts", "anything"]
DecimalSign = Literal[".", ","]

# What programs and people write for "there is none"; the first are read so in columns of words, too.
NOTHING = frozenset({"NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "<NA>", "#NV"})
_NO_NUMBER = {word.casefold() for word in NOTHING} | {
    "na.", "n.a.", "#na", "n/r", "nr", "n.r.", "nd", "n.d.", "none", "nil", "missing", "not reported", "not stated",
    "unknown", "-", "--", "---", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", ".", "..", "...",
    "\u2026", "?", "\\n",
}  # fmt: skip
# Codes of SPSS for a missing value, which no other cell of the column comes near to.
_CODES = frozenset({"-99", "-999", "-9999", "-99.0", "-999.0", "-99.00", "-999.00"})
# A dash alone: nothing in a column of numbers, a minus in one of signs.
DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")
_RANGE = r"-|\u2013|\u2014|\u2212|to|bis|\u00e0|and|und"
_FAILED = {"#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"}

_BLANKS = "\u00a0\u2007\u2009\u202f\u2008\u200a\u2006\u2005"
_MINUS = "\u2212\u2013\u2010\u2011\u2012\ufe63\uff0d"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
# Without decimals, and so of one meaning in any table.
_POWER = re.compile(r"[+-]?\d+[eE][+-]?\d+", re.ASCII)
_POINT = re.compile(rf"[+-]?(\d*\.\d+|\d+\.|\d+(?=[eE])){_EXPONENT}", re.ASCII)
_COMMA = re.compile(rf"[+-]?(\d*,\d+|\d+,){_EXPONENT}", re.ASCII)
# One separator and three digits: a thousand or a fraction.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_ENGLISH = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3})+\.\d+|(,\d{3}){2,})", re.ASCII)
_EUROPEAN = re.compile(r"[+-]?[1-9]\d{0,2}((\.\d{3})+,\d+|(\.\d{3}){2,})", re.ASCII)
_SPACED = re.compile(r"[+-]?[1-9]\d{0,2}([ \u00a0'\u2019]\d{3})+([.,]\d+)?", re.ASCII)
_MONTH = (
    r"(jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?|janv|f\u00e9vr?|avr|mai|juin|juil|ao\u00fbt|"
    r"d\u00e9c|ene|abr|ago|dic|mrt|mei"
)
_DATE = re.compile(
    rf"\d{{1,4}}[-/. ]\s?({_MONTH})([-/. ]\d{{2,4}})?|({_MONTH})[-/. ]\s?\d{{1,4}}|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}"
    r"( \d{2}:\d{2}.*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}:\d{2}(:\d{2})?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell was read as: `text` as the project writes it; `fault` and `hint` where it cannot be read."""

    row: int
    printed: str
    text: str
    fault: str = ""
    hint: str = ""


@dataclass(slots=True)
class Tally:
    """How often a thing was read as another, for what is said at the end."""

    empty: Counter[str] = field(default_factory=Counter)
    thousands: list[str] = field(default_factory=list)
    percent: list[str] = field(default_factory=list)


def plain(text: str) -> str:
    """A number with an ASCII sign, without a spreadsheet's apostrophe, and with common blanks between thousands."""
    text = tidy(text).removeprefix("'").strip()
    for blank in _BLANKS:
        text = text.replace(blank, "\u00a0")
    text = text.replace("\u00b7", ".").replace("\u066b", ".")
    if text[:1] in _MINUS and len(text) > 1:
        text = "-" + text[1:]
    text = re.sub(rf"(?<=[eE])[{_MINUS}]", "-", text)
    return re.sub(r"^([+-])[ \u00a0](?=[\d.,])", r"\1", text)


def is_nothing(text: str) -> bool:
    """Whether a cell of a column of numbers says that there is none."""
    return tidy(text).removeprefix("'").casefold() in _NO_NUMBER or tidy(text) == ""


def without_nothing(text: str) -> str:
    """A cell of a column of words; empty where a program wrote that there is none."""
    text = tidy(text)
    return "" if text in NOTHING else text


def decimal_sign(texts: Iterable[str]) -> tuple[DecimalSign | None, str]:
    """The sign of decimals of a table, from the cells that leave no doubt, and the cell that shows it.

    None where no cell has decimals of which one can be sure. Of two signs the more frequent one; cells with the other
    are then no numbers.
    """
    commas, points = [], []
    for text in texts:
        text = plain(text).rstrip("% ").lstrip("<>=\u2264\u2265 pP")
        if _EITHER.fullmatch(text):
            continue
        if _EUROPEAN.fullmatch(text) or _COMMA.fullmatch(text):
            commas.append(text)
        elif _ENGLISH.fullmatch(text) or (_POINT.fullmatch(text) and "." in text):
            points.append(text)
    if commas or points:
        return (",", commas[0]) if len(commas) > len(points) else (".", points[0])
    return None, ""


@dataclass(frozen=True, slots=True)
class Signs:
    """The sign of decimals of a table, None where it is not known; `given`: by the user, so that nothing is asked;
    `comma`: whether it may be a comma, as commas do not separate cells.
    """

    decimal: DecimalSign | None
    given: bool = False
    comma: bool = False


def signs_of(texts: Iterable[str], separator: str, given: DecimalSign | None) -> tuple[Signs, str]:
    """The signs of a table whose cells are kept apart by `separator`, and the cell that shows the one of decimals."""
    sign, shown_by = (given, "") if given else decimal_sign(texts)
    return Signs(sign, given=given is not None, comma=separator not in {",", " "}), shown_by


@dataclass(frozen=True, slots=True)
class _Column:
    """What the rest of a column says about one of its cells. `big`: it surely has separators of thousands."""

    signs: Signs
    of: Of
    big: bool
    filled: list[str]
    tally: Tally


def read_numbers(cells: Numbered, signs: Signs, *, of: Of, share: bool, tally: Tally) -> list[Cell]:
    """The cells of a column of numbers, in the notation of the project.

    `signs`: of decimals, in the whole table. `share`: whether the column may hold percentages, which are then divided
    by 100 where every cell has the sign.
    """
    texts = [(row, printed, "" if is_nothing(printed) else plain(printed)) for row, printed in cells]
    filled = [text for _, _, text in texts if text]
    percent = [text for text in filled if text.endswith("%")]
    all_percent = share and bool(filled) and len(percent) == len(filled)
    column = _Column(signs, of, _has_thousands(filled, signs.decimal), filled, tally)
    # Of a column with other numbers as low as that, it may be one.
    codes = _CODES if not any(re.match(r"-(\d{3}|[5-9]\d)", t) for t in filled if t not in _CODES) else frozenset()
    read = []
    for row, printed, text in texts:
        if not text:
            if tidy(printed):
                tally.empty[tidy(printed)] += 1
            read.append(Cell(row, printed, ""))
            continue
        number = text.removesuffix("%").rstrip() if all_percent else text
        fault, hint = ("", "") if number not in codes else ("a number", "a code for a missing value? Empty the cell")
        value = ""
        if not fault:
            value, fault, hint = _number(number, column)
        if value and all_percent:
            tally.percent.append(printed)
            value = _hundredth(value)
        read.append(Cell(row, printed, value, fault, hint))
    return read


def _has_thousands(texts: Iterable[str], sign: DecimalSign | None) -> bool:
    """Whether a column has a number with separators of thousands of which one can be sure."""
    pattern = {".": _ENGLISH, ",": _EUROPEAN}.get(sign or "")
    return any((pattern and pattern.fullmatch(text)) or _SPACED.fullmatch(text.replace(" ", "x")) for text in texts)


def _number(text: str, column: _Column) -> tuple[str, str, str]:
    """A number as (text, fault, hint)."""
    sign, count = column.signs.decimal, column.of == "people"
    if _WHOLE.fullmatch(text) or _POWER.fullmatch(text):
        return text, "", ""
    if _SPACED.fullmatch(text):
        joined = re.sub("[ \u00a0'\u2019]", "", text)
        if " " in text and not count:
            return "", "a number", f"two numbers in one cell, or {joined}?"
        column.tally.thousands.append(text)
        return _number(joined, column)
    if (_ENGLISH.fullmatch(text) and sign != ",") or (_EUROPEAN.fullmatch(text) and sign != "."):
        joined = text.replace("," if _ENGLISH.fullmatch(text) else ".", "").replace(",", ".")
        column.tally.thousands.append(text)
        return _fraction(joined, count), "", ""
    if _EITHER.fullmatch(text):
        return _either(text, column)
    if (sign != "," and _POINT.fullmatch(text)) or (sign != "." and _COMMA.fullmatch(text)):
        return _fraction(text.replace(",", "."), count), "", ""
    return "", "a number", _what_it_is(text, sign)


def _either(text: str, column: _Column) -> tuple[str, str, str]:
    """A number with one separator and three digits after it: a thousand or a fraction."""
    sign, large = column.signs.decimal, column.of != "anything"
    mark = "," if "," in text else "."
    joined, fraction = text.replace(mark, ""), text.replace(mark, ".")
    fault = "a whole number" if column.of == "people" else "a number of one meaning"
    ask = f"{joined} or {fraction}? Write it without doubt, or say --decimal"
    others = [other for other in column.filled if not _EITHER.fullmatch(other)]
    if mark == sign:
        sure = column.signs.given or any(mark in other for other in others)
        # Of people and time thousands are likelier than a fraction, as they are beside other hundreds without decimals.
        thousands = large or any(len(other.lstrip("+-")) > 2 for other in others if _WHOLE.fullmatch(other))
        return (_fraction(fraction, column.of == "people"), "", "") if sure or not thousands else ("", fault, ask)
    if (large and (sign is not None or (mark == "," and not column.signs.comma))) or column.big:
        column.tally.thousands.append(text)
        return joined, "", ""
    # Beside commas between cells a point is a decimal point, where the rest of the column has three decimals, too.
    if sign is None and mark == "." and not large and not column.signs.comma and not others:
        return fraction, "", ""
    return "", fault, ask


def _fraction(text: str, count: bool) -> str:
    """Decimals of a count that are all zero are those of a program: pandas' 58.0, 58.00 of SPSS."""
    head, _, tail = text.partition(".")
    if count and tail.strip("0") == "" and head.lstrip("+").isdigit():
        return head
    return text


def _hundredth(text: str) -> str:
    return format(Decimal(text) / 100, "f")


def _what_it_is(text: str, sign: DecimalSign | None) -> str:
    """The likely slip behind a cell that is no number."""
    if text in _FAILED:
        return "a formula that failed"
    if text.startswith("="):
        return "a formula without its value: open the file in its program, and save it again"
    if _DATE.fullmatch(text):
        return "a spreadsheet turned a number into a date: type it again, in a column formatted as text"
    if text.endswith("%"):
        return "a percentage: write it as a fraction, 45% as 0.45, if that is what the column holds"
    if sign == "." and _COMMA.fullmatch(text):
        return "decimal comma; write a point, as in the other numbers of the table"
    if sign == "," and _POINT.fullmatch(text):
        return "decimal point; write a comma, as in the other numbers of the table"
    if text.rstrip("*\u2020\u2021abc ") != text and _number_like(text.rstrip("*\u2020\u2021abc ")):
        return "a mark of significance or of a footnote; write the number alone"
    if text[:1] in "~<>\u2248\u2264\u2265\u00b1" or text.casefold().startswith(("ca", "about", "approx")):
        return "no exact number; write the number, or empty the cell"
    if re.search(r"\d.*[(\u00b1\[;/].*\d", text) or re.search(rf"\d(\s+|\s*({_RANGE})\s*)[\d(.,-]", text):
        return "two numbers in one cell? Give each a column"
    return "not a number; a remark belongs into a column of its own"


def _number_like(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text) or _POINT.fullmatch(text) or _COMMA.fullmatch(text))


def read_p(cells: Numbered, sign: DecimalSign | None, tally: Tally) -> list[Cell]:
    """p values as printed, with a decimal point: "p < ,05" is "<.05"."""
    read = []
    for row, printed in cells:
        if is_nothing(printed):
            if tidy(printed):
                tally.empty[tidy(printed)] += 1
            read.append(Cell(row, printed, ""))
            continue
        text = re.sub(r"^[pP]\s*(?=[<>=.,\d])", "", plain(printed)).strip()
        relation = re.match(r"[<>=]?", text)
        number = text[relation.end() :].strip() if relation else text
        if sign != "." and _COMMA.fullmatch(number):
            number = number.replace(",", ".")
        if not any(pattern.fullmatch(number) for pattern in (_POINT, _WHOLE, _POWER)):
            read.append(Cell(row, printed, "", "a p value as printed: 0.03, <.001 or >.05", _what_it_is(number, sign)))
        else:
            read.append(Cell(row, printed, f"{relation[0] if relation else ''}{number}"))
    return read


def read_years(cells: Numbered, latest: int) -> list[Cell]:
    """Years of publication: 2020a and 2020.0 are 2020. What is no year has a fault."""
    read = []
    for row, printed in cells:
        text = "" if is_nothing(printed) else plain(printed)
        year = re.fullmatch(r"\(?(\d{4})(\.0+|[a-z])?\)?", text, re.ASCII)
        if text == "" or (year and 1800 <= int(year[1]) <= latest):
            read.append(Cell(row, printed, year[1] if year else ""))
        else:
            hint = "a date" if _DATE.fullmatch(text) else ""
            read.append(Cell(row, printed, "", f"a year from 1800 to {latest}", hint))
    return read
