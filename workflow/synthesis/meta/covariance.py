"""Sampling covariance of effects that share people: shared control groups, and matrices that a user gives."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence, Set
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_effects, column, labels, missing, option, table
from synthesis.meta.kernel import Array

SharedMetric = Literal["g", "mean_difference", "log_odds_ratio", "log_risk_ratio"]
# The columns that each is made of.
_NEEDED: dict[str, tuple[str, ...]] = {
    "g": ("n",),
    "mean_difference": ("sd", "n"),
    "log_odds_ratio": ("events", "total"),
    "log_risk_ratio": ("events", "total"),
}
# A covariance that differs by less than this share of the variances is one that was rounded.
_SAME = 1e-8
_SMALLEST_EIGENVALUE = 1e-12


def control_variance(
    metric: SharedMetric, *, n: ArrayLike = (), sd: ArrayLike = (), events: ArrayLike = (), total: ArrayLike = ()
) -> Array:
    """The control arm's own part of the sampling variance of each effect, arrays of shape (k,).

    It is the covariance of two effects that compare with this arm: sd^2/n for mean differences, 1/a + 1/(n - a) for log
    odds ratios, 1/a - 1/n for log risk ratios, 1/n for g (whose second part `shared_control` adds). Gleser & Olkin
    (2009), in Cooper, Hedges & Valentine, The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., ch. 19.
    Raises InputError for an unknown metric, columns that are missing or of other lengths, and for a part that is not
    finite and above 0.
    """
    option("metric", metric, get_args(SharedMetric))
    given, names = {"n": n, "sd": sd, "events": events, "total": total}, _NEEDED[metric]
    columns = {name: column(name, given[name]) for name in names}
    if len({len(values) for values in columns.values()}) > 1 or not len(columns[names[0]]):
        raise InputError(
            [Problem(k, f"{len(x)} values", "one per effect, as many as the others") for k, x in columns.items()]
        )
    smaller, larger = columns[names[0]], columns[names[-1]]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match metric:
            case "g":
                part = 1 / smaller
            case "mean_difference":
                part = smaller**2 / larger
            case "log_odds_ratio":
                part = 1 / smaller + 1 / (larger - smaller)
            case _:
                part = 1 / smaller - 1 / larger
    bad = np.flatnonzero(~(np.isfinite(part) & (part > 0)))
    if len(bad):
        hint = "no one, or everyone, with the event? Add the zero-cell correction that the effects have"
        at = int(bad[0])
        given_values = ", ".join(f"{name} {values[at]:g}" for name, values in columns.items())
        where = f"{names[0]}[{at}]"
        raise InputError(
            [Problem(where, given_values, "what gives a variance above 0", hint if "events" in columns else "")]
        )
    return np.asarray(part)


def shared_control(
    yi: ArrayLike,
    vi: ArrayLike,
    control: Sequence[Hashable | None],
    part: ArrayLike,
    *,
    n_treat: ArrayLike | None = None,
    n_control: ArrayLike | None = None,
) -> Array:
    """Covariance matrix (k, k) of effects of which some compare with one control group.

    `control` (k,) names the control group of each effect (a missing one: its own); `part` (k,) is `control_variance`.
    With `n_treat`, `n_control` (k,) the effects are standardised mean differences, and g_i g_j / (2 N) is added, N the
    people of all arms that share the control group: Gleser & Olkin (2009), eq. 19.19. Different effects that share a
    control group are taken to have different treatment arms. Raises InputError where control arms of one group differ,
    and as `check_covariance`.
    """
    y, v = check_effects(yi, vi)
    shared_part = column("part", part, len(y))
    if not (shared_part > 0).all():
        at = int(np.flatnonzero(~(shared_part > 0))[0])
        raise InputError([Problem(f"part[{at}]", f"{shared_part[at]:g}", "a variance above 0")])
    arms = {"n_treat": n_treat, "n_control": n_control}
    lacking = [name for name, given in arms.items() if given is None]
    if len(lacking) == 1:
        raise InputError([Problem(lacking[0], "missing", "the sizes of both arms, or of neither")])
    smd = not lacking
    treated, controls = (
        (_sizes(name, given, len(y)) for name, given in arms.items()) if smd else (shared_part, shared_part)
    )
    control = _groups(control, len(y))
    matrix = np.diag(v)
    groups: dict[Hashable, list[int]] = {}
    for i, label in enumerate(control):
        if label is not None:
            groups.setdefault(label, []).append(i)
    for group, members in groups.items():
        parts = shared_part[members]
        if np.ptp(parts) > _SAME * parts.max():
            hint = "effects of one control group print the same control arm"
            raise InputError([Problem(f"control {group}", f"{parts.min():g} to {parts.max():g}", "one variance", hint)])
        block = np.full((len(members), len(members)), parts[0])
        if smd:
            people = controls[members[0]] + treated[members].sum()
            block = block + np.outer(y[members], y[members]) / (2 * people)
        np.fill_diagonal(block, v[members])
        matrix[np.ix_(members, members)] = block
    return check_covariance(matrix, v)


def _sizes(name: str, given: object, k: int) -> Array:
    people = column(name, given, k)  # type: ignore[arg-type]
    if not (people > 0).all():
        at = int(np.flatnonzero(~(people > 0))[0])
        raise InputError([Problem(f"{name}[{at}]", f"{people[at]:g}", "a number of people above 0")])
    return people


def _groups(control: object, k: int) -> list[Hashable | None]:
    """The control group of each effect, None where it is its own. Raises InputError as `labels`."""
    # An array of no dimension counts as a collection, and is none.
    scalar = isinstance(control, np.ndarray) and control.ndim == 0
    if scalar or isinstance(control, (str, bytes, Set, Mapping)) or not isinstance(control, Collection):
        return list(labels("control", control, k))
    listed = list(control)
    unnamed = [(isinstance(label, str) and not label.strip()) or missing(label) for label in listed]
    # A label for itself, so that the others are checked by position.
    filled = [(i,) if unnamed[i] else label for i, label in enumerate(listed)]
    return [None if unnamed[i] else label for i, label in enumerate(labels("control", filled, k))]


def check_covariance(covariance: ArrayLike, vi: ArrayLike, cluster: Sequence[Hashable] | None = None) -> Array:
    """`covariance` as an array (k, k). Raises InputError unless it is finite, symmetric, positive definite, has `vi` on
    its diagonal, and (with `cluster`) is 0 between samples."""
    v = np.asarray(vi, dtype=float)
    matrix = table("V", covariance, len(v), finite=False)
    if matrix.shape != (len(v), len(v)):
        raise InputError([Problem("V", f"shape {matrix.shape}", f"shape ({len(v)}, {len(v)})")])
    scale = np.sqrt(np.outer(v, v))

    def first(wrong: NDArray[np.bool_], allowed: str, hint: str = "") -> None:
        if wrong.any():
            i, j = (int(at) for at in np.argwhere(wrong)[0])
            raise InputError([Problem(f"V[{i}, {j}]", f"{matrix[i, j]:g}", allowed, hint)])

    first(~np.isfinite(matrix), "a finite number")
    first(np.abs(matrix - matrix.T) > _SAME * scale, "a symmetric matrix")
    first(np.diag(np.abs(np.diag(matrix) - v) > _SAME * v), "vi on the diagonal", "the effects in another order?")
    if cluster is not None:
        codes = {name: code for code, name in enumerate(dict.fromkeys(cluster))}
        member = np.array([codes[name] for name in cluster])
        first((member[:, None] != member) & (matrix != 0), "0 between samples", "one sample under two names?")
    if np.linalg.eigvalsh((matrix + matrix.T) / 2 / scale).min() < _SMALLEST_EIGENVALUE:
        hint = "a covariance larger than the two variances allow, or two effects that are one"
        raise InputError([Problem("V", "an eigenvalue that is not above 0", "a positive definite matrix", hint)])
    return np.asarray((matrix + matrix.T) / 2)
