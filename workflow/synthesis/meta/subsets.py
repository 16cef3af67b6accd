"""The kernel for many rows of ONE data set: subsets (GOSH) and sign flips (permutation tests).

Row r weighs study i by `membership` (0 or 1) and turns its effect by a sign. Every sum over studies is then linear in
the rows, so that the sums of all rows at a shared grid of tau2 are one matrix product; from them the score of the
likelihood is known at the grid with its slope, and the certificates of `kernel` say between which two points the only
maximum lies. A few Newton steps finish it. Rows that the grid cannot decide go to `kernel`, which always can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from synthesis.meta.kernel import EPSILON, Array, Index, estimate_tau2
from synthesis.meta.many import Fits, hksj_scale, ratio
from synthesis.meta.options import CiMethod, Tau2Method

# Sums without their differences lose the digits by which these exceed 1; beyond it `kernel` does all the work.
_LARGEST_SPREAD = 1e6
# Ratio of neighbouring grid points (in tau2 + the smallest variance), and most of them.
_GRID_RATIO = 1.8
_MOST_NODES = 32
# A Newton step this short (relative to tau2 + the smallest variance) was the last: what is left is about its square.
_LAST_STEP = 1e-6
_MAX_STEPS = 100
_FAST: frozenset[Tau2Method] = frozenset({"FE", "DL", "HE", "HS", "HSk", "ML", "REML", "PM", "EB", "PMM"})
# Cells of rows x studies handled at once: inside the processor's cache.
CELLS = 1 << 16


@dataclass(frozen=True, slots=True)
class _Rows:
    """Effects y (k,) from their centre and variances v (k,), in units of the smallest; membership (n, k) or (1, k).

    `signed` (n, k): membership times signs, None where no sign is turned. `count` (n,): studies of each row.
    """

    y: Array
    v: Array
    membership: Array
    signed: Array | None
    count: Array

    def chosen(self, index: Index) -> _Rows:
        membership = self.membership[index] if len(self.membership) > 1 else self.membership
        signed = None if self.signed is None else self.signed[index]
        return _Rows(self.y, self.v, membership, signed, self.count[index])


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Rows, the smallest variance that is their unit, and the centre of their effects."""

    rows: _Rows
    unit: float
    centre: float


@dataclass(frozen=True, slots=True)
class _Terms:
    """y'Py, y'PPy, y'PPPy, tr P, tr PP, tr W, tr WW and sum wy, sum wyy; see kernel.Terms."""

    q: Array
    d: Array
    c: Array
    tr_p: Array
    tr_p2: Array
    s1: Array
    s2: Array
    wy: Array


def pool_subsets(
    yi: Array, vi: Array, membership: Array, *, tau2: Tau2Method = "REML", ci: CiMethod = "hksj", level: float = 0.95
) -> Fits:
    """Fits the subsets `membership` (n, k), 0 or 1, of the data set `yi`, `vi` (k,); each holds at least one study.

    As `pool_many` on the same rows, many times faster. A subset of one study has tau2, Q and I2 0 and H2 1.
    """
    return _pool(yi, vi, np.asarray(membership, dtype=float), None, tau2, ci, level)


def pool_flips(
    yi: Array, vi: Array, signs: Array, *, tau2: Tau2Method = "REML", ci: CiMethod = "hksj", level: float = 0.95
) -> Fits:
    """Fits the data sets `signs` * `yi`, `signs` (n, k) of -1 and 1; `yi`, `vi` (k,).

    Statistics are for ordering: as `pool_many` with `equal="zero"`.
    """
    return _pool(yi, vi, np.ones((1, len(yi))), np.asarray(signs, dtype=float), tau2, ci, level)


def flip_tests(
    yi: Array, vi: Array, signs: Array, *, tau2: Tau2Method, intervals: Sequence[CiMethod]
) -> list[tuple[Array, Array]]:
    """Estimates and p (n,) of `pool_flips` alone, for each of some interval methods: tau2 is solved once."""
    scaled = _scaled(yi, vi, np.ones((1, len(yi))), np.asarray(signs, dtype=float))
    between = _between(scaled.rows, tau2)
    tested = []
    for ci in intervals:
        estimate, se = _estimates(scaled, between, ci)
        tested.append((estimate, _p(ratio(estimate, se), scaled.rows.count - 1, ci)))
    return tested


def _pool(
    yi: Array, vi: Array, membership: Array, signed: Array | None, method: Tau2Method, ci: CiMethod, level: float
) -> Fits:
    scaled = _scaled(yi, vi, membership, signed)
    at_zero = _terms(_at_node(scaled.rows, 0.0))
    return _finish(scaled, _between(scaled.rows, method), at_zero, method, ci, level)


def _scaled(yi: Array, vi: Array, membership: Array, signed: Array | None) -> _Scaled:
    unit = float(vi.min())
    # Subsets may be shifted; turned effects may not.
    centre = float(np.dot(1 / vi, yi) / (1 / vi).sum()) if signed is None else 0.0
    n = len(membership) if signed is None else len(signed)
    count = np.broadcast_to(membership.sum(axis=1), (n,)) if len(membership) == 1 else membership.sum(axis=1)
    return _Scaled(
        _Rows((yi - centre) / unit**0.5, vi / unit, membership, signed, np.ascontiguousarray(count)), unit, centre
    )


def _between(rows: _Rows, method: Tau2Method) -> Array:
    """tau2 in units of the smallest variance, 0 for rows of one study."""
    between = np.zeros(len(rows.count))
    several = rows.count > 1
    spread = max(float(rows.v.max()), float((rows.y**2).max()))
    if method != "FE" and several.any():
        part = rows if several.all() else rows.chosen(np.flatnonzero(several))
        fast = method in _FAST and spread <= _LARGEST_SPREAD
        between[several] = _tau2(part, method) if fast else _general(part, method)
    return between


def _general(rows: _Rows, method: Tau2Method) -> Array:
    """tau2 by the kernel that takes each row as a data set of its own."""
    signs = 1.0 if rows.signed is None else rows.signed
    n = len(rows.count)
    y = np.broadcast_to(rows.y * signs, (n, len(rows.y)))
    v = np.where(np.broadcast_to(rows.membership, y.shape) > 0, rows.v, np.inf)
    return estimate_tau2(np.ascontiguousarray(y), v, method)


def _sums(rows: _Rows, t: Array) -> list[Array]:
    """Sums of w, wy, wyy, then of the same with w^2 and w^3, at one t per row."""
    w = rows.membership / (rows.v + t[:, None])
    columns = np.column_stack([np.ones_like(rows.y), rows.y, rows.y**2])
    sums, power = [], w
    for _ in range(3):
        if rows.signed is None:
            sums += list((power @ columns).T)
        else:
            even = power @ columns[:, ::2]
            sums += [even[:, 0], np.einsum("ij,ij,j->i", power, rows.signed, rows.y), even[:, 1]]
        power = power * w
    return sums


def _at_nodes(rows: _Rows, t: Array, powers: int = 3) -> list[Array]:
    """The same sums at a shared grid `t` (g,): arrays (n, g), of the even sums (1, g) where all rows hold all."""
    w = 1 / (rows.v[:, None] + t)
    values = []
    odd_rows = rows.membership if rows.signed is None else rows.signed
    g = len(t)
    even, odd = [], []
    power = w
    y = rows.y[:, None]
    for _ in range(powers):
        even += [power, power * y * y]
        odd.append(power * y)
        power = power * w
    evens = rows.membership @ np.concatenate(even, axis=1)
    odds = odd_rows @ np.concatenate(odd, axis=1)
    for i in range(powers):
        values += [evens[:, 2 * i * g : (2 * i + 1) * g], odds[:, i * g : (i + 1) * g]]
        values += [evens[:, (2 * i + 1) * g : (2 * i + 2) * g]]
    return values


def _at_node(rows: _Rows, t: float) -> list[Array]:
    return [values[:, 0] for values in _at_nodes(rows, np.array([t]))]


def _terms(sums: list[Array]) -> _Terms:
    s1, y1, r1, s2, y2, r2, s3, y3, r3 = sums
    inverse = 1 / s1
    mean = y1 * inverse
    share = s2 * inverse
    weighted = y2 - mean * s2
    return _Terms(
        q=r1 - mean * y1,
        d=r2 - mean * (y2 + weighted),
        c=r3 - mean * (2 * y3 - mean * s3) - weighted * weighted * inverse,
        tr_p=s1 - share,
        tr_p2=s2 - 2 * s3 * inverse + share * share,
        s1=s1,
        s2=s2,
        wy=y1,
    )


def _tau2(rows: _Rows, method: Tau2Method) -> Array:
    df = rows.count - 1
    match method:
        case "ML" | "REML":
            return _likelihood(rows, method)
        case "PM" | "EB":
            return _solve_q(rows, df)
        case "PMM":
            return _solve_q(rows, np.asarray(scipy.special.chdtri(df, 0.5)))
        case "DL":
            at = _terms(_at_node(rows, 0.0))
            return np.maximum(0.0, (at.q - df) / at.tr_p)
        case "HE":
            count, total, squares = (rows.membership @ a for a in (np.ones_like(rows.y), rows.v, rows.y**2))
            mean = (rows.membership if rows.signed is None else rows.signed) @ rows.y / count
            return np.maximum(0.0, (squares - count * mean**2) / (count - 1) - total / count)
    at = _terms(_at_node(rows, 0.0))
    factor = rows.count / df if method == "HSk" else 1.0
    return np.maximum(0.0, (factor * at.q - rows.count) / at.s1)


def _grid(rows: _Rows) -> Array:
    """Points from 0 to where the score of every row is negative, evenly in log(tau2 + smallest variance).

    As kernel._search_range, with the largest spread that rows of these effects can have.
    """
    low, top = 1.0, float(rows.v.max())
    reach = float(np.abs(rows.y).max()) if rows.signed is not None else float(np.ptp(rows.y)) / 2
    spread = 2 * reach * reach
    half = spread / 2 - low
    high = half + max(0.0, half**2 - (low**2 - spread * top)) ** 0.5
    if high <= 0:
        return np.zeros(1)
    ratio = (high * (1 + 1e-9) + low) / low
    nodes = min(_MOST_NODES, max(3, int(np.ceil(np.log(ratio) / np.log(_GRID_RATIO))) + 1))
    t = np.geomspace(low, low * ratio, nodes) - low
    t[0] = 0.0
    return t


def _likelihood(rows: _Rows, method: Tau2Method) -> Array:
    """The global maximum over tau2 >= 0: bracketed on the grid by kernel's certificates, then by Newton's method."""
    restricted = method == "REML"
    t = _grid(rows)
    n = len(rows.count)
    at = _terms(_at_nodes(rows, t))
    d, slope_d = at.d, -2 * at.c
    trace, slope = (at.tr_p, -at.tr_p2) if restricted else (at.s1, -at.s2)
    h = d - trace
    if len(t) == 1:
        return np.zeros(n)
    length = np.diff(t)
    d0, d1, t0, t1 = d[:, :-1], d[:, 1:], trace[:, :-1], trace[:, 1:]
    dd0, dd1, dt0, dt1 = slope_d[:, :-1], slope_d[:, 1:], slope[:, :-1], slope[:, 1:]
    below, above = h <= 0, h >= 0
    negative = (below[:, :-1] & (d1 <= t0 + dt0 * length)) | (below[:, 1:] & (d0 <= t1 - dt1 * length))
    positive = (above[:, :-1] & (d0 + dd0 * length >= t1)) | (above[:, 1:] & (d1 - dd1 * length >= t0))
    crosses = ~below[:, :-1] & below[:, 1:]
    # As in kernel: D/T falls, so that there is at most one root, or rises, so that there is no maximum.
    falling = (dd1 * t0 <= dt0 * d1) | (dd1 <= dt0)
    settled = negative | positive | falling | (dd0 * t1 >= dt1 * d0) | (dd0 >= dt1)
    root = crosses & falling
    tops = root.sum(axis=1) + below[:, 0]
    decided = settled.all(axis=1) & (tops == 1)
    out = np.zeros(n)
    index = np.flatnonzero(decided & ~below[:, 0])
    if len(index):
        place = root[index].argmax(axis=1)
        slopes = slope_d - slope
        ends = h[index, place], h[index, place + 1], slopes[index, place], slopes[index, place + 1]
        low, high = t[place], t[place + 1]
        out[index] = _refine(rows.chosen(index), low, high, _start(low, high, *ends), restricted)
    rest = np.flatnonzero(~decided)
    if len(rest):
        out[rest] = _general(rows.chosen(rest), method)
    return out


def _start(low: Array, high: Array, h0: Array, h1: Array, slope0: Array, slope1: Array) -> Array:
    """Where the score is about 0: the inverse cubic through both ends and slopes, else the chord."""
    s = h0 / (h0 - h1)
    length = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        m0, m1 = (h1 - h0) / (slope0 * length), (h1 - h0) / (slope1 * length)
        u = s * (m0 * (1 - s) ** 2 - m1 * s * (1 - s) + s * (3 - 2 * s))
    good = (slope0 < 0) & (slope1 < 0) & (u > 0) & (u < 1)
    return low + length * np.where(good, u, s)


def _refine(rows: _Rows, low: Array, high: Array, start: Array, restricted: bool) -> Array:
    """The root of the falling score in each bracket: Newton's method, bisection where it leaves the bracket."""
    t = start.copy()
    active = np.arange(len(t))
    part, now, low, high = rows, start, low.copy(), high.copy()
    for _ in range(_MAX_STEPS):
        at = _terms(_sums(part, now))
        h = at.d - (at.tr_p if restricted else at.s1)
        slope = -2 * at.c + (at.tr_p2 if restricted else at.s2)
        up = h > 0
        low, high = np.where(up, now, low), np.where(up, high, now)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = now - h / slope
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        t[active] = new
        still = np.flatnonzero(np.abs(new - now) > _LAST_STEP * (new + 1.0))
        if not len(still):
            break
        now = new
        if len(still) < len(active):
            active, part, now, low, high = active[still], part.chosen(still), new[still], low[still], high[still]
    return t


def _solve_q(rows: _Rows, target: Array) -> Array:
    """The tau2 >= 0 with Q = `target` (n,), or 0 where Q is below it: Newton's method on 1/Q, from the left."""
    nodes = _grid(rows)
    s1, y1, r1 = _at_nodes(rows, nodes, 1)
    inside = r1 - y1 * y1 / s1 > target[:, None]
    t = np.where(inside[:, 0], nodes[np.maximum(inside.sum(axis=1) - 1, 0)], 0.0)
    active = np.flatnonzero(inside[:, 0])
    part = rows.chosen(active)
    for _ in range(_MAX_STEPS):
        if not len(active):
            break
        at = _terms(_sums(part, t[active]))
        goal = target[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(at.q <= goal, 0.0, at.q * (at.q / goal - 1) / at.d)
        t[active] += step
        still = np.flatnonzero(step > _LAST_STEP * (t[active] + 1.0))
        if len(still) < len(active):
            active, part = active[still], part.chosen(still)
    return t


def _estimates(scaled: _Scaled, between: Array, ci: CiMethod) -> tuple[Array, Array]:
    """Estimates and their standard errors (n,) in the units of the effects."""
    rows = scaled.rows
    w = rows.membership / (rows.v + between[:, None])
    total = w.sum(axis=1)
    signed = w if rows.signed is None else w * rows.signed
    mean = signed @ rows.y / total
    df = rows.count - 1
    single = rows.count == 1
    se = total**-0.5
    if ci.startswith("hksj"):
        squares = w @ rows.y**2
        rss = np.maximum(0.0, squares - mean * mean * total)
        factor = np.divide(rss, df, out=np.full(len(df), np.nan), where=~single)
        # The difference of two sums keeps only so many digits.
        flat = ~single & (rss <= len(rows.y) * EPSILON * np.maximum(1.0, squares))
        se = se * hksj_scale(factor, flat, ci, "adhoc" if rows.signed is None else "zero")
    size = scaled.unit**0.5
    return mean * size + scaled.centre, se * size


def _p(statistic: Array, df: Array, ci: CiMethod) -> Array:
    return np.asarray(
        2 * (scipy.special.ndtr(-abs(statistic)) if ci == "wald" else scipy.special.stdtr(df, -abs(statistic)))
    )


def _finish(scaled: _Scaled, between: Array, at_zero: _Terms, method: Tau2Method, ci: CiMethod, level: float) -> Fits:
    rows = scaled.rows
    df = rows.count - 1
    single = rows.count == 1
    estimate, se = _estimates(scaled, between, ci)
    statistic = ratio(estimate, se)
    tail = 0.5 + level / 2
    # Few distinct sizes: their quantiles are looked up.
    sizes, where = np.unique(df, return_inverse=True)
    quantile = (
        np.full(len(df), scipy.special.ndtri(tail)) if ci == "wald" else scipy.special.stdtrit(sizes, tail)[where]
    )
    p = _p(statistic, df, ci)
    q = np.where(single, 0.0, np.maximum(0.0, at_zero.q))
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "FE":
            i2, h2 = np.where(q == 0, 0.0, np.maximum(0.0, 100 * (q - df) / q)), q / df
        else:
            typical = df / at_zero.tr_p
            i2, h2 = 100 * between / (between + typical), (between + typical) / typical
    q_p = np.where(single, 1.0, scipy.special.chdtrc(np.maximum(df, 1), q))
    return Fits(
        rows.count, estimate, se, statistic, p, estimate - quantile * se, estimate + quantile * se,
        between * scaled.unit, np.where(single, 0.0, i2), np.where(single, 1.0, h2), q, q_p,
    )  # fmt: skip
