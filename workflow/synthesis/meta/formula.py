"""Formulas of moderators, read as terms: `rater + log(weeks) * format`.

A small grammar of our own rather than `formulaic`, which evaluates Python that stands in a formula, and a plan is not
trusted (SECURITY.md); it would bring pandas into every job, too. `tests/test_formula.py` holds the two against each
other. No numpy here, so that a plan can be checked without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from synthesis.errors import InputError, Problem

# What may be made of a column of numbers; poly takes a degree. between and within: the mean of a sample's effects, and
# what is left of it.
FUNCTIONS = ("log", "log2", "log10", "sqrt", "center", "scale", "poly", "between", "within")
_TOKEN = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]+)`|(?P<number>[0-9]+)|(?P<sign>[-+*:^(),~]))")
_LONGEST, _DEEPEST, _MOST_TERMS, _HIGHEST = 500, 20, 60, 5
_GRAMMAR = "columns joined by + * : ^ -, brackets, and " + ", ".join(FUNCTIONS)


@dataclass(frozen=True, slots=True)
class Part:
    """A column as it stands in a term: itself (`function` empty), or what a function makes of it."""

    column: str
    function: str = ""
    degree: int = 1

    @property
    def label(self) -> str:
        """As R prints it."""
        if not self.function:
            return self.column
        return f"{self.function}({self.column}{f', {self.degree}' if self.function == 'poly' else ''})"


# A term is the product of its parts.
Term = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """The terms of a model beside its intercept: main effects first, then interactions, each in order of appearance."""

    text: str
    terms: tuple[Term, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, each once."""
        return tuple(dict.fromkeys(part.column for term in self.terms for part in term))

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those of which it takes a function, so that they must hold numbers."""
        return tuple(dict.fromkeys(part.column for term in self.terms for part in term if part.function))


def label_of(term: Iterable[Part]) -> str:
    """A term as it is printed."""
    return ":".join(part.label for part in term)


def parse_formula(formula: object) -> Formula:
    """The terms of a formula in the notation of R: `+` adds, `:` interacts, `a * b` is `a + b + a:b`, `(a + b)^2` all
    of two, `-` takes away; names that are no words stand in backticks. The intercept is always there.

    Raises InputError with the place for all else, and for an interaction without what it is made of.
    """
    if not isinstance(formula, str) or not formula.strip():
        raise InputError([Problem("formula", repr(formula), "text such as rater + year")])
    if len(formula) > _LONGEST:
        raise InputError([Problem("formula", f"{len(formula)} characters", f"at most {_LONGEST}")])
    reader = _Reader(formula)
    part_sets = reader.whole()
    order = {part: i for i, part in enumerate(reader.parts)}
    terms = tuple(tuple(sorted(term, key=order.__getitem__)) for term in sorted(part_sets, key=len) if term)
    if not terms:
        raise InputError([Problem("formula", formula, "one moderator or more")])
    _check_marginal(terms)
    return Formula(formula.strip(), terms)


def _check_marginal(terms: tuple[Term, ...]) -> None:
    part_sets = {frozenset(term) for term in terms}
    for term in terms:
        for part in term:
            rest = frozenset(term) - {part}
            if rest and rest not in part_sets:
                missing = label_of(p for p in term if p != part)
                written = " * ".join(p.label for p in term)
                allowed = f"an interaction with all that it is made of; {missing} is missing"
                raise InputError([Problem("formula", label_of(term), allowed, f"write {written}")])


class _Reader:
    """Reads a formula from left to right; sets of parts stand for terms, in their order."""

    def __init__(self, formula: str) -> None:
        self.text, self.at, self.depth = formula, 0, 0
        self.parts: dict[Part, None] = {}
        self.token: re.Match[str] | None = None
        self.next()

    def next(self) -> None:
        """Goes on to the next token; None at the end."""
        if not self.text[self.at :].strip():
            self.token = None
            return
        self.token = _TOKEN.match(self.text, self.at)
        if self.token is None:
            raise self.fault()
        self.at = self.token.end()

    def fault(self, hint: str = "") -> InputError:
        """The error of what stands here."""
        symbol = self.token[0].strip() if self.token else self.text[self.at :].strip()[:1] or "the end"
        return InputError([Problem("formula", f"{symbol} in {self.text!r}", _GRAMMAR, hint)])

    def takes(self, sign: str) -> bool:
        """Whether this sign stands here, which is then passed."""
        if self.token is None or self.token["sign"] != sign:
            return False
        self.next()
        return True

    def whole(self) -> list[frozenset[Part]]:
        """All terms of the formula."""
        self.takes("~")
        terms = self.sum()
        if self.token is not None:
            raise self.fault()
        return terms

    def sum(self) -> list[frozenset[Part]]:
        """Terms that are added, and taken away."""
        terms = self.crossed()
        while self.token is not None and self.token["sign"] in ("+", "-"):
            if self.takes("+"):
                terms = _added(terms, self.crossed())
                continue
            self.takes("-")
            if self.token is not None and self.token["number"] == "1":
                raise self.fault("the intercept is always there")
            gone = self.crossed()
            terms = [term for term in terms if term not in gone]
        return terms

    def crossed(self) -> list[frozenset[Part]]:
        """a * b."""
        terms = self.interacting()
        while self.takes("*"):
            other = self.interacting()
            terms = _added(_added(terms, other), _products(terms, other))
        return terms

    def interacting(self) -> list[frozenset[Part]]:
        """a : b."""
        terms = self.power()
        while self.takes(":"):
            terms = _products(terms, self.power())
        return terms

    def power(self) -> list[frozenset[Part]]:
        """(a + b)^2."""
        terms = self.atom()
        if self.takes("^"):
            degree, base = self.number(2, _HIGHEST), terms
            for _ in range(degree - 1):
                terms = _added(terms, _products(terms, base))
        return terms

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        if self.token is None or not self.token["number"] or not low <= int(self.token["number"][:9]) <= high:
            raise self.fault(f"a whole number from {low} to {high} stands here")
        value = int(self.token["number"])
        self.next()
        return value

    def atom(self) -> list[frozenset[Part]]:
        """A column, a function of one, or what stands in brackets."""
        if self.takes("("):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.fault(f"at most {_DEEPEST} brackets in each other")
            terms = self.sum()
            self.depth -= 1
            if not self.takes(")"):
                raise self.fault("a bracket is not closed")
            return terms
        if self.token is None:
            raise self.fault()
        if self.token["number"] is not None:
            if self.token["number"] != "1":
                raise self.fault("the intercept is always there" if self.token["number"] == "0" else "")
            self.next()
            return [frozenset()]
        return [frozenset([self.part()])]

    def part(self) -> Part:
        """A column, or a function of one."""
        name, quoted = self.name()
        part = Part(name)
        if not quoted and self.takes("("):
            if name not in FUNCTIONS:
                raise InputError([Problem("formula", f"{name}(", "a function of a column: " + ", ".join(FUNCTIONS))])
            part = Part(self.name()[0], name)
            if name == "poly":
                if not self.takes(","):
                    raise self.fault("poly takes a degree: poly(year, 2)")
                part = Part(part.column, name, self.number(1, _HIGHEST))
            if not self.takes(")"):
                raise self.fault(f"{name} takes one column")
        self.parts.setdefault(part)
        return part

    def name(self) -> tuple[str, bool]:
        """A column, and whether it stands in backticks."""
        token = self.token
        if token is None or (token["name"] is None and token["quoted"] is None):
            raise self.fault()
        self.next()
        return (token["quoted"], True) if token["quoted"] is not None else (token["name"], False)


def _added(terms: list[frozenset[Part]], others: list[frozenset[Part]]) -> list[frozenset[Part]]:
    return _few(dict.fromkeys((*terms, *others)))


def _products(terms: list[frozenset[Part]], others: list[frozenset[Part]]) -> list[frozenset[Part]]:
    return _few(dict.fromkeys(a | b for a, b in product(terms, others)))


def _few(terms: Iterable[frozenset[Part]]) -> list[frozenset[Part]]:
    distinct = list(terms)
    if len(distinct) > _MOST_TERMS:
        raise InputError([Problem("formula", f"{len(distinct)} terms", f"at most {_MOST_TERMS}")])
    return distinct
