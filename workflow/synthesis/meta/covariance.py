"""Sampling covariance of effects that share people: shared control groups, and matrices that a user gives."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.kernel import Array

SharedMetric = Literal["g", "mean_difference", "log_odds_ratio", "log_risk_ratio"]
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
    Raises InputError for an unknown metric, and for a part that is not finite and above 0.
    """
    people, spread = np.asarray(n, dtype=float), np.asarray(sd, dtype=float)
    a, of = np.asarray(events, dtype=float), np.asarray(total, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        match metric:
            case "g":
                part = 1 / people
            case "mean_difference":
                part = spread**2 / people
            case "log_odds_ratio":
                part = 1 / a + 1 / (of - a)
            case "log_risk_ratio":
                part = 1 / a - 1 / of
            case _:
                raise InputError([Problem("metric", str(metric), "one of " + ", ".join(get_args(SharedMetric)))])
    bad = np.flatnonzero(~(np.isfinite(part) & (part > 0)))
    if len(bad) or part.ndim != 1:
        shown = f"position {bad[0]}: {part[bad[0]]:g}" if part.ndim == 1 else f"shape {part.shape}"
        hint = "no one, or everyone, with the event? Add the zero-cell correction that the effects have"
        raise InputError([Problem("control arm", shown, "a variance above 0 for each effect", hint)])
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

    `control` (k,) names the control group of each effect (None: its own); `part` (k,) is `control_variance`. With
    `n_treat`, `n_control` (k,) the effects are standardised mean differences, and g_i g_j / (2 N) is added, N the
    people of all arms that share the control group: Gleser & Olkin (2009), eq. 19.19. Different effects that share a
    control group are taken to have different treatment arms. Raises InputError where control arms of one group differ,
    and as `check_covariance`.
    """
    y, v, own = (np.asarray(given, dtype=float) for given in (yi, vi, part))
    smd = n_treat is not None and n_control is not None
    treated, controls = np.asarray(n_treat, dtype=float), np.asarray(n_control, dtype=float)
    for name, given in (("vi", v), ("part", own), ("control", np.arange(len(control)))):
        if given.shape != y.shape:
            raise InputError([Problem(name, f"{given.shape}", f"one per effect, that is {len(y)}")])
    matrix = np.diag(v)
    groups: dict[Hashable, list[int]] = {}
    for i, label in enumerate(control):
        if label is not None and label != "":
            groups.setdefault(label, []).append(i)
    for group, members in groups.items():
        held = own[members]
        if np.ptp(held) > _SAME * held.max():
            hint = "effects of one control group print the same control arm"
            raise InputError([Problem(f"control {group}", f"{held.min():g} to {held.max():g}", "one variance", hint)])
        block = np.full((len(members), len(members)), held[0])
        if smd:
            people = controls[members[0]] + treated[members].sum()
            block = block + np.outer(y[members], y[members]) / (2 * people)
        np.fill_diagonal(block, v[members])
        matrix[np.ix_(members, members)] = block
    return check_covariance(matrix, v)


def check_covariance(covariance: ArrayLike, vi: ArrayLike, cluster: Sequence[Hashable] | None = None) -> Array:
    """`covariance` as an array (k, k). Raises InputError unless it is finite, symmetric, positive definite, has `vi` on
    its diagonal, and (with `cluster`) is 0 between samples."""
    v = np.asarray(vi, dtype=float)
    try:
        matrix = np.array(covariance, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError([Problem("V", str(error), "numbers")]) from None
    if matrix.shape != (len(v), len(v)):
        raise InputError([Problem("V", f"shape {matrix.shape}", f"shape ({len(v)}, {len(v)})")])
    scale = np.sqrt(np.outer(v, v))

    def first(wrong: Array, allowed: str, hint: str = "") -> None:
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
