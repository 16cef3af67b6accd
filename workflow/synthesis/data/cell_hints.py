"""The likely slip behind a cell of a column of numbers that holds none, or one out of range."""

from __future__ import annotations

import re
import unicodedata

from synthesis.data.columns import LARGEST, SMALLEST, Column

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MINUS = "\u2212\u2013\u2014\u2010\u2011\u2012\ufe63\uff0d"
# Thousands apart: with a comma, a point, an apostrophe, or a blank of any kind.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([,.'\u2019 \u00a0\u2009\u202f]\d{3})+", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_MONTH = "(?:jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\\.?"
_DATE = re.compile(
    rf"\d{{1,4}}[-/. ]{_MONTH}([-/. ]\d{{2,4}})?|{_MONTH}[-/. ]\d{{1,4}}|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}( .*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}:\d{2}(:\d{2})?",
    re.IGNORECASE | re.ASCII,
)


def number_hint(column: Column, text: str) -> str:
    """What a cell of a column of numbers probably is."""
    if not _NUMBER.fullmatch(text):
        return _no_number(column, text)
    value = float(text)
    if column.name == "year":
        return "a year of four digits?"
    if column.kind == "count":
        return "a number of people is whole; two cells mixed up, or an effective size without its design_effect?"
    if column.kind == "number" and abs(value) > LARGEST:
        return f"nothing is as large as that: at most {LARGEST:g}"
    if column.low_open and 0 < value < SMALLEST:
        return f"nothing is as small as that: at least {SMALLEST:g}"
    if column.high == 1 and 1 < value <= 100:
        return f"a percentage? As a fraction it is {value / 100:g}"
    return ""


def _no_number(column: Column, text: str) -> str:
    number = text[1:].strip() if text[0] in _MINUS else ""
    if number and _NUMBER.fullmatch(number):
        return f"a dash or minus sign of a printed page: write a hyphen-minus, -{number}"
    if text.endswith("%") and _NUMBER.fullmatch(text[:-1].strip()):
        value = text[:-1].strip()
        if column.high == 1:
            return f"a percent sign: write the fraction, {float(value) / 100:g}"
        return f"a percent sign: write the number alone, {value}, in the units of the column"
    if _DATE.fullmatch(text):
        return "a spreadsheet made a date of a number: type it again, in a column formatted as text"
    ascii_text = unicodedata.normalize("NFKC", text)
    if ascii_text != text and _NUMBER.fullmatch(ascii_text):
        return f"digits of another width: write {ascii_text}"
    if _THOUSANDS.fullmatch(text):
        whole = re.sub(r"\D", "", text)
        if column.kind == "count":
            return f"a separator of thousands: write {whole}"
        if "," in text and text.count(",") == 1:
            return f"a decimal comma, or a separator of thousands: write {text.replace(',', '.')} or {whole}"
        return f"a separator of thousands: write {whole}"
    if _COMMA.fullmatch(text):
        return "a whole number has no decimal comma" if column.kind == "count" else "decimal comma; write a point"
    return "not a number; put remarks into note"
