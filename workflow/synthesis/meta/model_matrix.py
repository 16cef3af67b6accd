"""Design matrices of formulas: coding of columns, rows at new values, and the reference grid of marginal means."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np

from synthesis.errors import InputError, Problem
from synthesis.meta.formula import Formula, Part, label_of
from synthesis.meta.inputs import real
from synthesis.meta.kernel import Array
from synthesis.meta.regression import LEAST_APART, Design

Cells = Array | list[str]
# Combinations of levels that are averaged over.
_LARGEST_GRID = 100_000


@dataclass(frozen=True, slots=True)
class Coded:
    """How a part of a term becomes columns: a factor's `levels`, the first being the reference, or the constants of a
    function of a number (mean and SD; of poly, those of its recurrence)."""

    part: Part
    levels: tuple[str, ...]
    constants: tuple[tuple[float, float], ...]

    def names(self) -> list[str]:
        """Of its columns, as R has them."""
        if self.levels:
            return [self.part.column + level for level in self.levels[1:]]
        if self.part.function == "poly":
            return [f"{self.part.label}{i + 1}" for i in range(self.part.degree)]
        return [self.part.label]

    def block(self, cells: Cells, means: Array | None = None) -> Array:
        """Its columns (n, m) for cells (n,). `means` (n,): those of samples, for between and within; at new values a
        sample lies on its own mean."""
        if isinstance(cells, list):
            return np.array([[float(cell == level) for level in self.levels[1:]] for cell in cells])
        if self.part.function == "poly":
            return _polynomial(cells, self.constants)
        if self.part.function in ("between", "within"):
            sample_means = cells if means is None else means
            return np.asarray(sample_means if self.part.function == "between" else cells - sample_means)[:, None]
        if self.part.function in ("center", "scale"):
            centre, spread = self.constants[0]
            return np.asarray((cells - centre) / spread)[:, None]
        return np.asarray(_function(self.part, cells))[:, None]


_FUNCTIONS = {"log": np.log, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt}


def _function(part: Part, x: Array) -> Array:
    if part.function not in _FUNCTIONS:
        return x
    if (x < 0).any() or (part.function != "sqrt" and (x == 0).any()):
        allowed = "numbers of at least 0" if part.function == "sqrt" else "numbers above 0"
        raise InputError([Problem(f"formula, {part.label}", f"{x.min():g}", allowed)])
    return np.asarray(_FUNCTIONS[part.function](x))


def _polynomial(x: Array, constants: tuple[tuple[float, float], ...]) -> Array:
    """Orthonormal polynomials (n, degree) by their recurrence; Kennedy & Gentle (1980), Statistical Computing, 343-4,
    as R's `poly`: each constant is where the next one is centred, and the squared norm of the one before."""
    last, basis = np.ones(len(x)), [np.ones(len(x))]
    before = np.zeros(len(x))
    norm_before = 1.0
    for centre, norm in constants[:-1]:
        before, last, norm_before = last, (x - centre) * last - norm / norm_before * before, norm
        basis.append(last)
    return np.column_stack([column / math.sqrt(norm) for column, (_, norm) in zip(basis, constants, strict=True)][1:])


def _recurrence(x: Array, degree: int) -> tuple[tuple[float, float], ...]:
    constants: list[tuple[float, float]] = []
    last, before, norm_before = np.ones(len(x)), np.zeros(len(x)), 1.0
    for _ in range(degree + 1):
        norm = float(last @ last)
        centre = float(x @ (last * last)) / norm
        constants.append((centre, norm))
        before, last, norm_before = last, (x - centre) * last - norm / norm_before * before, norm
    return tuple(constants)


@dataclass(frozen=True, slots=True)
class ModelMatrix:
    """The design (k, p) of a formula with its intercept: `terms` has the columns of each term by its label.

    `factors`: the levels of each column of words, the first being the reference; `numbers`: mean, least and largest
    value of the others.
    """

    x: Array
    names: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    factors: dict[str, tuple[str, ...]]
    numbers: dict[str, tuple[float, float, float]]
    coded: tuple[tuple[Coded, ...], ...]

    def design(self) -> Design:
        """For `regress`, which counts columns from a value in their middle while it fits."""
        return Design(self.x, self.names, {}, self.names[1:])

    def rows(self, points: Sequence[Mapping[str, float | str]]) -> Array:
        """The design (n, p) at points that each hold a value of every column."""
        cells: dict[str, Cells] = {
            name: [str(point[name]) for point in points] if name in self.factors else
            np.array([float(point[name]) for point in points])
            for name in (*self.factors, *self.numbers)
        }  # fmt: skip
        blocks = [np.ones((len(points), 1))]
        blocks += [_product([part.block(cells[part.part.column]) for part in term]) for term in self.coded]
        return np.column_stack(blocks)

    def averaged(self, at: Mapping[str, float | str]) -> Array:
        """The row (p,) at these values, averaged over all other factors, each combination of levels counting the same,
        and with other numbers at their mean: an estimated marginal mean, Searle, Speed & Milliken (1980), Am Stat
        34:216-221. Raises InputError for other columns and levels."""
        fixed = {name: self._value(name, value) for name, value in at.items()}
        free = [name for name in self.factors if name not in fixed]
        if math.prod(len(self.factors[name]) for name in free) > _LARGEST_GRID:
            allowed = f"at most {_LARGEST_GRID} combinations of levels"
            raise InputError([Problem("formula", "too many factors to average over", allowed)])
        known = {name: mean for name, (mean, *_) in self.numbers.items()} | fixed
        grid = [
            known | dict(zip(free, levels, strict=True)) for levels in product(*(self.factors[name] for name in free))
        ]
        return np.asarray(self.rows(grid).mean(axis=0))

    def _value(self, name: str, value: object) -> float | str:
        if name in self.factors:
            if value not in self.factors[name]:
                raise InputError([Problem(f"at, {name}", str(value), "one of " + ", ".join(self.factors[name]))])
            return str(value)
        if name not in self.numbers:
            raise InputError([Problem("at", str(name), "one of " + ", ".join((*self.factors, *self.numbers)))])
        scalar = real(value)
        if scalar is None or not math.isfinite(scalar):
            raise InputError([Problem(f"at, {name}", str(value), "a finite number")])
        return scalar

    def levels_of(self, label: str) -> list[dict[str, float | str]]:
        """The combinations of levels that a mean is asked for by, such as rater or rater:format."""
        names = [name.strip() for name in label.split(":")]
        for name in names:
            if name not in self.factors:
                allowed = "columns of words of the formula: " + (", ".join(self.factors) or "it has none")
                hint = "for numbers give values: at" if name in self.numbers else ""
                raise InputError([Problem("means", label, allowed, hint)])
        return [dict(zip(names, levels, strict=True)) for levels in product(*(self.factors[name] for name in names))]


def model_matrix(
    formula: Formula,
    columns: Mapping[str, Cells],
    cluster: Sequence[Hashable],
    reference: Mapping[str, str],
) -> ModelMatrix:
    """The design of a formula over columns of k cells, text being factors with treatment contrasts.

    `cluster` (k,) names the samples, for between and within; `reference` names a level by factor, which is otherwise
    the first in alphabetical order. Raises InputError for a function of words, a factor with one level, and numbers
    that a function does not take; `check_apart` is for what follows from others.
    """
    k = len(cluster)
    factors = {name: _levels(name, cells, reference) for name, cells in columns.items() if isinstance(cells, list)}
    for name in reference:
        if name not in factors:
            allowed = "a column of words of the formula: " + (", ".join(factors) or "it has none")
            raise InputError([Problem("reference", name, allowed)])
    coded = tuple(tuple(_coded(part, columns[part.column], factors) for part in term) for term in formula.terms)
    blocks, names, terms = [np.ones((k, 1))], ["intrcpt"], dict[str, tuple[int, ...]]()
    for term, parts in zip(formula.terms, coded, strict=True):
        block = _product([p.block(columns[p.part.column], _means(p, columns, cluster)) for p in parts])
        terms[label_of(term)] = tuple(range(len(names), len(names) + block.shape[1]))
        names += _product_names([p.names() for p in parts])
        blocks.append(block)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError([Problem("formula", twice, "a name of its own for each coefficient", "rename a column")])
    numbers = {
        name: (float(np.mean(cells)), float(np.min(cells)), float(np.max(cells)))
        for name, cells in columns.items()
        if not isinstance(cells, list)
    }
    return ModelMatrix(np.column_stack(blocks), tuple(names), terms, factors, numbers, coded)


def _levels(name: str, cells: list[str], reference: Mapping[str, str]) -> tuple[str, ...]:
    levels = sorted(set(cells))
    if len(levels) < 2:
        raise InputError([Problem(f"formula, {name}", f"only {levels[0]}", "at least two levels")])
    first = reference.get(name, levels[0])
    if first not in levels:
        raise InputError([Problem(f"reference, {name}", str(first), "one of " + ", ".join(levels))])
    return (first, *(level for level in levels if level != first))


def _coded(part: Part, cells: Cells, factors: Mapping[str, tuple[str, ...]]) -> Coded:
    if isinstance(cells, list):
        if part.function:
            raise InputError([Problem("formula", part.label, f"a column of numbers in {part.function}()")])
        return Coded(part, factors[part.column], ())
    if part.function == "poly":
        if len(np.unique(cells)) <= part.degree:
            allowed = f"more than {part.degree} different numbers"
            raise InputError([Problem(f"formula, {part.label}", f"{len(np.unique(cells))} different numbers", allowed)])
        return Coded(part, (), _recurrence(cells, part.degree))
    if part.function in ("center", "scale"):
        spread = float(np.std(cells, ddof=1)) if part.function == "scale" else 1.0
        if not spread:
            raise InputError([Problem(f"formula, {part.label}", "one number", "numbers that differ")])
        return Coded(part, (), ((float(np.mean(cells)), spread),))
    return Coded(part, (), ())


def _means(coded: Coded, columns: Mapping[str, Cells], cluster: Sequence[Hashable]) -> Array | None:
    """The mean of each effect's sample, where it is asked for."""
    if coded.part.function not in ("between", "within"):
        return None
    cells, places = cast(Array, columns[coded.part.column]), dict[Hashable, list[int]]()
    for i, sample in enumerate(cluster):
        places.setdefault(sample, []).append(i)
    means = np.empty(len(cells))
    for members in places.values():
        # Of equal numbers exactly their value: what is within a sample is then exactly 0.
        low, high = float(cells[members].min()), float(cells[members].max())
        means[members] = low if low == high else min(max(math.fsum(cells[members]) / len(members), low), high)
    return means


def _product(blocks: Sequence[Array]) -> Array:
    """All products of a column of each, those of the first changing fastest."""
    products = blocks[0]
    for block in blocks[1:]:
        products = (block[:, :, None] * products[:, None, :]).reshape(len(products), -1)
    return products


def _product_names(names: Sequence[Sequence[str]]) -> list[str]:
    products = list(names[0])
    for others in names[1:]:
        products = [f"{name}:{other}" for other in others for name in products]
    return products


def check_apart(x: Array, names: Sequence[str]) -> None:
    """Raises InputError with the columns of a design (k, p) that follow from each other."""
    constant = [name for name, column in zip(names[1:], x[:, 1:].T, strict=True) if np.ptp(column) == 0]
    if constant:
        hint = "a combination of levels that no effect has, or a number that does not vary"
        raise InputError([Problem("formula", ", ".join(constant), "columns that vary", hint)])
    scaled = x / np.linalg.norm(x, axis=0)
    sizes, directions = np.linalg.svd(scaled, full_matrices=False)[1:]
    if len(x) < x.shape[1] or sizes[-1] <= LEAST_APART * sizes[0]:
        # Those with a share in the direction that the data do not see.
        together = [name for name, share in zip(names, abs(directions[-1]), strict=True) if share > LEAST_APART]
        hint = "one follows from the others, or varies too little for its size: center() it"
        raise InputError([Problem("formula", ", ".join(together), "columns that can be told apart", hint)])
