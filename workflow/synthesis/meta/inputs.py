"""The gate: arguments of the public statistics, checked in one place, right or refused by name.

Arrays are read by position: the index of a pandas Series is not looked at. What would need a guess is refused: masked
and missing values, text and truth values for numbers, dates, generators and sets (they have no order or no second
reading), tables for columns.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method, terms

Array = NDArray[np.float64]

# Beyond these weights and effects cannot be squared, and their squares multiplied, in double precision.
SMALLEST_SHARE = 1e-60
LARGEST_VARIANCE = 1e100
LARGEST_RATIO = 1e50
# The largest seed: numpy takes more, but not in every place.
LARGEST_SEED = 2**63 - 1
_PLAIN = frozenset({float, int, np.float64})
# What numpy and pandas write where a missing value is made text.
_MISSING_WORDS = frozenset({"", "nan", "NaN", "NaT", "<NA>"})
_LEAVE_OUT = "leave out the effects without a value first, and say so"
_KINDS = {
    "b": "truth values",
    "c": "complex numbers",
    "M": "dates",
    "m": "time differences",
    "S": "bytes",
    "U": "text",
    "V": "records",
    "T": "text",
}


def value_text(value: object) -> str:
    """A value as an error shows it."""
    return "missing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _fail(where: str, value: str, allowed: str, hint: str = "") -> InputError:
    return InputError([Problem(where, value, allowed, hint)])


def _as_array(name: str, values: Any) -> NDArray[Any]:
    """`values` as an array of numbers or objects; raises InputError for what is no array, and for masked values."""
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.argwhere(np.ma.getmaskarray(values))
        if len(hidden):
            place = ", ".join(map(str, hidden[0]))
            raise _fail(f"{name}[{place}]", "masked", "values without a mask", _LEAVE_OUT)
        values = values.data
    if isinstance(values, (str, bytes)) or values is None:
        raise _fail(name, value_text(values), "an array of numbers")
    if isinstance(values, (Set, Mapping)) or not (hasattr(values, "__len__") or hasattr(values, "__array__")):
        hint = "" if isinstance(values, numbers.Number) else "list(...) makes one"
        raise _fail(name, f"{type(values).__name__}", "an array, a list or a column of numbers", hint)
    if isinstance(values, (list, tuple)) and set(map(type, values)) - _PLAIN and not any(map(_nested, values)):
        # By element: an array would turn None into NaN and True into 1.
        mixed = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            mixed[i] = value
        return mixed
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        raise _fail(name, "rows of unequal length", "numbers") from None


def _nested(value: object) -> bool:
    """Whether an element is a row of a table."""
    if value is np.ma.masked or isinstance(value, (str, bytes)):
        return False
    return isinstance(value, Sequence) or getattr(value, "ndim", 0) > 0


def real(value: object) -> float | None:
    """A real number as a float; None for text, truth values, missing values and all else that is none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (numbers.Real, Decimal, np.number)):
        return None
    if isinstance(value, (np.timedelta64, np.complexfloating)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None


def _scalar(value: object) -> float | None:
    """A real number that can be reckoned with beside floats: no Decimal, no Fraction, no extended precision."""
    plain = isinstance(value, (int, float, np.integer, np.float32, np.float16))
    return real(value) if plain else None


def _floats(name: str, array: NDArray[Any]) -> Array:
    """A new array of floats; raises InputError naming each element that is no number."""
    if array.dtype.kind in "fiu":
        with np.errstate(over="ignore"):
            return np.array(array, dtype=float)
    if array.dtype.kind != "O":
        hint = "numbers that are text: read them as numbers first" if array.dtype.kind in "UST" else ""
        raise _fail(name, _KINDS.get(array.dtype.kind, str(array.dtype)), "numbers", hint)
    floats, problems = np.empty(array.shape), []
    for place, value in np.ndenumerate(array):
        number = real(value)
        floats[place] = np.nan if number is None else number
        if number is None:
            where = f"{name}[{', '.join(map(str, place))}]" if place else name
            problems.append(Problem(where, _named(value), "a number", _LEAVE_OUT if missing(value) else ""))
    if problems:
        raise InputError(problems)
    return floats


def _named(value: object) -> str:
    if value is np.ma.masked:
        return "masked"
    word = value_text(value)
    return word if missing(value) else f"{word} ({type(value).__name__})"


def missing(value: object) -> bool:
    """Whether a value stands for a missing one: None, NaN, NaT, NA, masked, or text that says no more than that."""
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return value.strip() in _MISSING_WORDS
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    try:
        return bool(value != value)
    except (TypeError, ValueError, ArithmeticError):
        return False


def column(name: str, values: ArrayLike, k: int | None = None, *, finite: bool = True) -> Array:
    """`values` as floats of shape (k,), read by position. Raises InputError with every bad position."""
    array = _as_array(name, values)
    if array.ndim != 1:
        hint = "one column of the table" if array.ndim == 2 else ""
        raise _fail(name, f"shape {array.shape}", "an array of shape (k,)", hint)
    if k is not None and len(array) != k:
        raise _fail(name, f"{len(array)} values", f"one per effect, that is {k}")
    floats = _floats(name, array)
    if finite and not np.isfinite(floats).all():
        bad = np.flatnonzero(~np.isfinite(floats))
        raise InputError([Problem(f"{name}[{i}]", str(floats[i]), "a finite number") for i in bad])
    return floats


def table(name: str, values: ArrayLike, columns: int | None = None, *, finite: bool = True) -> Array:
    """`values` as floats of shape (n, columns)."""
    if isinstance(values, (list, tuple)) and all(map(_nested, values)):
        # Row by row: an array of rows forgets their masks, and makes 1 of a truth value among numbers.
        rows = [column(f"{name}[{i}]", row, finite=False) for i, row in enumerate(values)]
        if len({len(row) for row in rows}) > 1:
            raise _fail(name, "rows of unequal length", "rows of one length")
        values = np.array(rows)
    array = _as_array(name, values)
    if array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        allowed = "an array of shape (n, k)" if columns is None else f"an array of shape (n, {columns})"
        raise _fail(name, f"shape {array.shape}", allowed)
    floats = _floats(name, array)
    if finite and not np.isfinite(floats).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(floats))[0]))
        raise _fail(f"{name}[{place}]", "not finite", "finite numbers")
    return floats


def check_effects(yi: ArrayLike, vi: ArrayLike, least: int = 1) -> tuple[Array, Array]:
    """`yi` and `vi` as new float arrays of one shape (k,), k >= `least`. Raises InputError with every bad position."""
    y, v = column("yi", yi, finite=False), column("vi", vi, finite=False)
    if y.shape != v.shape:
        raise _fail("yi, vi", f"shapes {y.shape} and {v.shape}", "two arrays of one shape (k,)")
    if len(y) == 0:
        raise _fail("yi", "no effects", "at least one effect")
    problems = [Problem(f"yi[{i}]", str(y[i]), "a finite number") for i in np.flatnonzero(~np.isfinite(y))]
    for i in np.flatnonzero(~(np.isfinite(v) & (v > 0))):
        hint = "a variance, not a standard error" if v[i] < 0 else ""
        problems.append(Problem(f"vi[{i}]", str(v[i]), "a finite number above 0", hint))
    problems = problems or _out_of_range(y, v)
    if problems:
        raise InputError(problems)
    if len(y) < least:
        raise _fail("yi", f"{len(y)} effects", f"at least {least}")
    return y, v


def _out_of_range(y: Array, v: Array) -> list[Problem]:
    low, high = float(v.min()), float(v.max())
    if low < SMALLEST_SHARE * high:
        first, last = int(v.argmin()), int(v.argmax())
        allowed = f"variances smaller than the largest by at most {1 / SMALLEST_SHARE:g} times"
        return [Problem(f"vi[{first}], vi[{last}]", f"{low:g}, {high:g}", allowed, "a variance in other units?")]
    problems = []
    if high > LARGEST_VARIANCE or low < 1 / LARGEST_VARIANCE:
        allowed = f"between {1 / LARGEST_VARIANCE:g} and {LARGEST_VARIANCE:g}"
        for i in np.flatnonzero((v > LARGEST_VARIANCE) | (v < 1 / LARGEST_VARIANCE)):
            problems.append(Problem(f"vi[{i}]", f"{v[i]:g}", allowed, "a variance in other units?"))
        return problems
    furthest = LARGEST_RATIO * math.sqrt(low)
    if np.abs(y).max() > furthest:
        allowed = f"at most {LARGEST_RATIO:g} standard errors from 0"
        hint = "an effect in other units, or a slip in its exponent?"
        problems = [Problem(f"yi[{i}]", f"{y[i]:g}", allowed, hint) for i in np.flatnonzero(np.abs(y) > furthest)]
    return problems


def check_rows(yi: ArrayLike, vi: ArrayLike) -> tuple[Array, Array]:
    """`yi` and `vi` as floats of one shape (n, k); vi = inf marks a study that a row does not hold.

    Raises InputError for rows without a study, and for what `check_effects` refuses in a row.
    """
    y, v = table("yi", yi, finite=False), table("vi", vi, finite=False)
    if y.shape != v.shape:
        raise _fail("yi, vi", f"shapes {y.shape} and {v.shape}", "two arrays of one shape (n, k)")
    present = v != np.inf
    empty = np.flatnonzero(~present.any(axis=1)) if y.size else np.zeros(min(1, len(y)), dtype=int)
    if len(empty):
        raise _fail(f"vi[{empty[0]}]", "no study", "at least one study in each row")
    for name, bad, allowed in (
        ("yi", present & ~np.isfinite(y), "a finite number"),
        ("vi", present & ~(v > 0), "a number above 0, or inf for a study that the row does not hold"),
    ):
        if bad.any():
            row, study = np.argwhere(bad)[0]
            raise _fail(f"{name}[{row}, {study}]", str((y if name == "yi" else v)[row, study]), allowed)
    if y.size:
        low, high = v.min(axis=1), np.where(present, v, 0.0).max(axis=1)
        far = np.where(present, np.abs(y), 0.0).max(axis=1) > LARGEST_RATIO * np.sqrt(low)
        wide = (low < SMALLEST_SHARE * high) | (high > LARGEST_VARIANCE) | (low < 1 / LARGEST_VARIANCE)
        for row in np.flatnonzero(far | wide)[:1]:
            mask = present[row]
            problems = _out_of_range(y[row, mask], v[row, mask])
            raise InputError([Problem(f"row {row}, {p.where}", p.value, p.allowed, p.hint) for p in problems])
    return y, v


def labels(name: str, values: Any, k: int) -> list[Hashable]:
    """Labels of `k` effects, such as the samples they come from, by position.

    Raises InputError for missing labels, those that cannot be compared, and different ones that read alike (1 and "1").
    """
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.flatnonzero(np.ma.getmaskarray(values))
        if len(hidden):
            raise _fail(f"{name}[{hidden[0]}]", "masked", "a label for every effect", _LEAVE_OUT)
    ordered = hasattr(values, "__len__") and not isinstance(values, (str, bytes, Set, Mapping))
    if not ordered or getattr(values, "ndim", 1) != 1:
        what = f"shape {values.shape}" if ordered else type(values).__name__
        raise _fail(name, what, f"a list or a column of labels, one per effect, that is {k}")
    listed = values.tolist() if isinstance(values, np.ndarray) and values.dtype.kind in "iufUb" else list(values)
    if len(listed) != k:
        raise _fail(name, f"{len(listed)} labels", f"one per effect, that is {k}")
    _check_labels(name, listed)
    return listed


def _check_labels(name: str, listed: Sequence[Any]) -> None:
    if {type(label) for label in listed} == {str}:
        # Text alone is looked at name by name; what is wrong with one is said below, by its place.
        names = set(listed)
        if not any(map(missing, names)) and len({_read(label) for label in names}) == len(names):
            return
    problems = []
    for i, label in enumerate(listed):
        try:
            hash(label)
        except TypeError:
            problems.append(Problem(f"{name}[{i}]", str(label), "text or a number", "a list or a table in a cell?"))
            continue
        if missing(label):
            problems.append(Problem(f"{name}[{i}]", _named(label) or "empty", "a label", _LEAVE_OUT))
        elif isinstance(label, float) and not math.isfinite(label):
            problems.append(Problem(f"{name}[{i}]", str(label), "a label"))
    if problems:
        raise InputError(problems)
    alike: dict[str, tuple[type, Any]] = {}
    for i, label in enumerate(listed):
        first = alike.setdefault(_read(label), (type(label), label))
        if first[1] != label or (isinstance(label, bool) != (first[0] is bool)):
            hint = f"{first[1]!r} and {label!r} read alike: write one of them for one sample"
            raise _fail(f"{name}[{i}]", repr(label), "labels that read differently, or are the same", hint)


def _read(label: Any) -> str:
    """A label as it is read: 1, 1.0 and True are equal for Python."""
    if isinstance(label, (bool, np.bool_)):
        return str(int(label))
    if isinstance(label, (float, np.floating)) and label == int(label):
        return str(int(label))
    return str(label).strip()


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf, *, allowed: str) -> float:
    """A finite number from `low` to `high`; `allowed` says so in words."""
    scalar = _scalar(value)
    if scalar is None or not math.isfinite(scalar) or not low <= scalar <= high:
        raise _fail(name, _named(value) if scalar is None else value_text(scalar), allowed)
    return scalar


def whole(name: str, value: object, low: int, high: int = LARGEST_SEED) -> int:
    """A whole number from `low` to `high`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        until = "" if high == LARGEST_SEED else f" and at most {high}"
        raise _fail(name, value_text(value), f"a whole number, at least {low}{until}")
    return int(value)


def option(name: str, value: object, allowed: Sequence[str]) -> str:
    """One of the `allowed` words."""
    if not isinstance(value, str) or value not in allowed:
        raise _fail(name, value_text(value), "one of " + ", ".join(allowed))
    return value


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise _fail(name, value_text(value), "True or False")
    return bool(value)


def check_level(level: object) -> None:
    """Raises InputError for a confidence level that is no number between 0 and 1."""
    scalar = _scalar(level)
    if scalar is None or not 0 < scalar < 1:
        hint = "95% is 0.95" if scalar is not None and scalar > 1 else ""
        raise _fail("level", _named(level) if scalar is None else value_text(scalar), "between 0 and 1", hint)


def check_options(tau2: object, ci: object, level: object, model: object = "composites") -> None:
    """Raises InputError for an unknown estimator, interval or model, and a level outside 0 to 1."""
    problems: list[Problem] = []
    for name, value, allowed in (
        ("tau2", tau2, terms(Tau2Method)),
        ("ci", ci, terms(CiMethod)),
        ("model", model, terms(DependenceModel)),
    ):
        if not isinstance(value, str) or value not in allowed:
            problems.append(Problem(name, value_text(value), "one of " + ", ".join(allowed)))
    gathered(lambda: check_level(level), earlier=problems)


def gathered(*checks: Callable[[], object], earlier: Sequence[Problem] = ()) -> None:
    """Makes all of the checks, and raises their problems with the `earlier` ones."""
    problems = list(earlier)
    for check in checks:
        try:
            check()
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)


def check_rho(rho: object, name: str = "rho") -> None:
    """Raises InputError unless 0 <= rho <= 1."""
    number(name, rho, 0, 1, allowed="a correlation between 0 and 1")
