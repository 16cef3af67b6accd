"""Terms of the columns whose known ones are open to others: slips of a known one, and new ones."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from synthesis.data.columns import BY_NAME, COLUMNS, OPEN_COLUMNS, SECOND_COLUMNS
from synthesis.data.printed import Numbered
from synthesis.errors import Problem
from synthesis.results.extracted import Row

# From this similarity on (difflib), a word is taken for a slip of a known term.
_ALIKE = 0.8
# What to do with a term that is like a known one, and is none; a column follows.
DEFINE = "A term of your own that is like it: define it under vocabulary."


def near_term(word: str, known: Iterable[str]) -> str | None:
    """The known term that a word is most likely a slip of; None for a term that is known, or is like none."""
    folded = {term.casefold(): term for term in known}
    if word in folded.values():
        return None
    plain = word.casefold()
    close = difflib.get_close_matches(plain, folded, n=1, cutoff=_ALIKE)
    swapped = [term for term in folded if sorted(term) == sorted(plain)]
    return folded[(close or swapped)[0]] if close or swapped else None


Vocabulary = Mapping[str, Mapping[str, str]]


def check_terms(path: Path, rows: list[Numbered], vocabulary: Vocabulary) -> list[Problem]:
    """Terms that are most likely slips of known ones, or of those that the source defines (`vocabulary`)."""
    problems = []
    for column in (*COLUMNS, *SECOND_COLUMNS):
        if not column.open:
            continue
        name = column.name.removeprefix("second_")
        known = (*column.allowed, *vocabulary.get(name, ()))
        near = {word: near_term(word, known) for word in {row.get(column.name, "") for _, row in rows} - {"", *known}}
        for number, row in rows:
            word = row.get(column.name, "")
            if meant := near.get(word):
                hint = f"did you mean {meant}? {DEFINE}{name} in source.yaml"
                problems.append(Problem(f"{path}, row {number}, column {column.name}", word, column.allowed_text, hint))
    return problems


def new_terms(rows: Iterable[Row], vocabulary: Vocabulary) -> list[str]:
    """What must be said of terms that are neither known nor defined: taken as they stand, in how many rows."""
    counts = Counter((name, term) for row in rows for name in OPEN_COLUMNS if (term := row.words(name)))
    return [
        f"{name} {term!r} ({count} {'row' if count == 1 else 'rows'}) is no known term and is taken as your own; "
        f"its definition belongs under vocabulary.{name} in source.yaml"
        for (name, term), count in counts.items()
        if term not in BY_NAME[name].allowed and term not in vocabulary.get(name, ())
    ]
