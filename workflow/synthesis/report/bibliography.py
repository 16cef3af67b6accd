"""BibTeX of the sources and of the studies in the pools: what is recorded of them, and no more.

A citation is taken apart where it has the form "Authors (year). Title. Journal volume(number):pages."; of any other the
words stand as they are in `note`. What a record lacks is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from synthesis.data.source import Source, plain_name
from synthesis.report.content import web
from synthesis.report.review_results import ReviewResults
from synthesis.results.extracted import Dropped, Effect

_ARTICLE = re.compile(
    r"(?P<author>[^()]+) \((?P<year>\d{4})\)\. (?P<title>.+?[.?!]) (?P<journal>[^.?!:\d]+) "
    r"(?P<volume>\d+)(?:\((?P<number>[^()]+)\))?:(?P<pages>\w+(?:-\w+)?)\.?"
)
_DATED = re.compile(r"(?P<author>[^()]+) \((?P<year>\d{4})\)\.(?: .*)?")
# A name in a list of authors: a family name, and initials without points.
_NAME = re.compile(r"(?P<family>[^\W\d_][\w'\u2019 -]*) (?P<initials>[A-Z\u00c0-\u00de]{1,4})")
_OTHERS = ("et al.", "et al")
# What TeX reads as a command.
_COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def bibtex(review: ReviewResults) -> str:
    """An entry for each source of the plan, named after its folder, then one for each study of a pool."""
    sources = dict(zip(review.config.sources, review.sources, strict=True))
    entries = {name: _of_source(source) for name, source in sources.items()}
    for row in _pooled(review):
        fields = _of_row(row)
        key = plain_name(f"{row.source} {row.study} {row.year or ''}".replace(".0", ""))
        free, count = key, 1
        while free in entries and entries[free] != fields:
            count += 1
            free = f"{key}_{count}"
        entries[free] = fields
    return "\n".join(_entry(key, fields) for key, fields in entries.items())


def _pooled(review: ReviewResults) -> Iterator[Effect | Dropped]:
    """The rows behind the pools, in the order in which they were extracted."""
    used = {name for d in review.documents for study in d.studies for name in study.effects}
    return (row for name, row in review.rows.items() if name in used)


def _of_source(source: Source) -> dict[str, str]:
    fields = _cited(source.citation)
    return fields | ({"doi": source.doi} if source.doi else {})


def _of_row(row: Effect | Dropped) -> dict[str, str]:
    fields = _cited(row.citation) if row.citation else {"note": row.label or row.study}
    if row.year is not None:
        fields.setdefault("year", f"{row.year:.0f}")
    if row.doi:
        fields["doi"] = row.doi
    if web(row.url):
        fields["url"] = row.url
    return fields


def _cited(citation: str) -> dict[str, str]:
    """A citation taken apart, as far as its form allows without guessing."""
    words = " ".join(citation.split())
    match = _ARTICLE.fullmatch(words)
    if match:
        fields = {name: value.strip() for name, value in match.groupdict().items() if value}
        fields["title"] = fields["title"].removesuffix(".")
        fields["pages"] = fields["pages"].replace("-", "--")
    elif match := _DATED.fullmatch(words):
        fields = {"author": match["author"], "year": match["year"], "note": words}
    else:
        return {"note": words}
    return fields | {"author": _authors(fields["author"])}


def _authors(words: str) -> str:
    """Names as BibTeX parts them: "Webb, CA and others"; as one name in braces where one of them has another form."""
    names = []
    for part in words.split(", "):
        if part in _OTHERS:
            names.append("others")
        elif match := _NAME.fullmatch(part):
            names.append(f"{_tex(match['family'])}, {match['initials']}")
        else:
            return f"{{{_tex(words)}}}"
    return " and ".join(names)


def _entry(key: str, fields: Mapping[str, str]) -> str:
    kind = "article" if "journal" in fields else "misc"
    lines = [f"@{kind}{{{key},"]
    for name in ("author", "title", "journal", "year", "volume", "number", "pages", "doi", "url", "note"):
        if name in fields:
            lines.append(f"  {name} = {{{_value(name, fields[name])}}},")
    return "\n".join([*lines, "}", ""])


def _value(name: str, value: str) -> str:
    if name == "author":
        return value
    if name in ("doi", "url"):
        return value.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
    # In braces of its own a title keeps its capitals.
    return f"{{{_tex(value)}}}" if name in ("title", "note") else _tex(value)


def _tex(words: str) -> str:
    return "".join(_COMMANDS.get(letter, letter) for letter in words)
