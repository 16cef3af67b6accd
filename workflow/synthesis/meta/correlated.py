"""Sampling covariance of effects of one sample whose correlation depends on what a pair has in common, and on time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_rho, column, labels, number
from synthesis.meta.kernel import Array

# An eigenvalue of a correlation matrix below this is one of no covariance, or of two effects that are one.
_SMALLEST_EIGENVALUE = 1e-12


def correlated_errors(
    vi: ArrayLike,
    cluster: Sequence[Hashable],
    *,
    rho: float = 0.6,
    same: Mapping[str, tuple[Sequence[Hashable], float]] | None = None,
    time: ArrayLike | None = None,
    phi: float | None = None,
) -> Array:
    """Covariance matrix (k, k) of effects with variances `vi` (k,) of the samples `cluster` (k,), 0 between samples.

    Within a sample two effects are correlated `rho`. `same` has by name labels (k,) and a correlation: that of a pair
    with one label; a pair that has several of them in common gets the largest. With `time` (k,) the correlation is
    multiplied by `phi` to the power of the difference in time, `phi` in one unit of `time`. This is vcalc of metafor:
    `vcalc(vi, cluster, type = a, obs = b, rho = c(r1, r2))` has `same={"a": (a, r1)}, rho=r2`, and with `time1, phi`
    `same={"b": (b, 1)}`, since one outcome at two times is correlated phi to that power. For `pool(V=...)`.

    Raises InputError for correlations outside 0 to 1, missing labels and times, a `time` without `phi` or the other way
    round, and for samples whose matrix is not positive definite, by name.
    """
    v = column("vi", vi)
    if len(v) and not (v > 0).all():
        at = int(np.flatnonzero(~(v > 0))[0])
        raise InputError([Problem(f"vi[{at}]", f"{v[at]:g}", "a variance above 0")])
    check_rho(rho)
    named = labels("cluster", cluster, len(v))
    correlation = np.full((len(v), len(v)), float(rho))
    for name, (given, value) in _by_size({} if same is None else same):
        correlation[_alike(labels(f"same {name}", given, len(v)))] = value
    correlation = correlation * _decay(time, phi, len(v)) * _alike(named)
    np.fill_diagonal(correlation, 1.0)
    _check_definite(correlation, named)
    return np.asarray(correlation * np.sqrt(np.outer(v, v)))


def _by_size(
    same: Mapping[str, tuple[Sequence[Hashable], float]],
) -> list[tuple[str, tuple[Sequence[Hashable], float]]]:
    """The smallest correlation first, so that the largest is what stays."""
    if not isinstance(same, Mapping):
        raise InputError([Problem("same", type(same).__name__, "a mapping of names to labels and a correlation")])
    for name, given in same.items():
        if not isinstance(given, tuple) or len(given) != 2:
            raise InputError([Problem(f"same {name}", type(given).__name__, "labels and a correlation")])
        number(f"same {name}", given[1], 0, 1, allowed="a correlation between 0 and 1")
    return sorted(same.items(), key=lambda item: item[1][1])


def _alike(given: Sequence[Hashable]) -> Array:
    codes = {label: code for code, label in enumerate(dict.fromkeys(given))}
    member = np.array([codes[label] for label in given], dtype=int)
    return np.asarray(member[:, None] == member)


def _decay(time: ArrayLike | None, phi: float | None, k: int) -> Array | float:
    """phi to the power of each difference in time; 1 without time."""
    if (time is None) != (phi is None):
        lacking, has = ("phi", "time") if phi is None else ("time", "phi")
        raise InputError([Problem(lacking, "missing", f"given together with {has}")])
    if time is None:
        return 1.0
    decay = number("phi", phi, 0, 1, allowed="the correlation over one unit of time, between 0 and 1")
    at = column("time", time, k)
    return np.asarray(decay ** np.abs(at[:, None] - at))


def _check_definite(correlation: Array, cluster: Sequence[Hashable]) -> None:
    positions: dict[Hashable, list[int]] = {}
    for at, name in enumerate(cluster):
        positions.setdefault(name, []).append(at)
    problems = []
    for name, members in positions.items():
        smallest = float(np.linalg.eigvalsh(correlation[np.ix_(members, members)])[0])
        if smallest < _SMALLEST_EIGENVALUE:
            hint = "correlations that cannot hold together, or two effects that are one: correlated 1 at one time"
            allowed = "correlations that make a positive definite matrix"
            problems.append(Problem(f"sample {name}", f"smallest eigenvalue {smallest:.3g}", allowed, hint))
    if problems:
        raise InputError(problems)
