"""The numerical kernel: tau2 of many data sets at once, safe at any scale and spread of the variances.

Rows of `yi`, `vi`, shape (batch, k), are data sets; `vi` = inf marks a study that a row does not hold (it has weight
0 and is not counted). Everything is built from the projection P(t) = W - WX(X'WX)^-1 X'W with W = 1/(vi + t).
With z, b the coordinates of y and the eigenvalues of V in the space orthogonal to X,

    Q(t) = y'Py = sum z^2/(b + t),   D(t) = y'PPy = sum z^2/(b + t)^2,   tr P = sum 1/(b + t),

so that each of them, and the derivative of each, is monotone. That is what makes the searches below safe: the score
of the (restricted) likelihood is a difference of two decreasing convex functions, whose sign over an interval can be
certified from its ends; 1/Q is concave, so Newton's method climbs to a root of Q from the left without overshooting.
There is no absolute threshold anywhere. PyMARE and statsmodels search on fixed scales; tests/test_crosscheck.py
shows what that costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from synthesis.meta.options import Tau2Method

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
# Per data set D and T of `_likelihood` at one tau2, and their slopes.
Score = tuple[Array, ...]

# Rows handled at once: keeps the working set inside the processor's cache.
_CELLS = 1 << 17
_MAX_STEPS = 200
# Of few data sets the likelihood is looked at in so many places at once: a call costs more than its sums.
_PLACES = 8
_FEW_CELLS = 1 << 11
# An interval this short (relative to t + smallest variance) is a point.
_POINT = 1e-9
# A Newton step this short (relative to t) was the last: the error left is about its square.
_LAST_STEP = 1e-9
EPSILON = float(np.finfo(float).eps)
# Binary digits of the largest value by which fits are sorted: twelve decimal ones.
_SORTED_BITS = 40
# Units in the last place that the residuals of equal effects may have.
_ROUNDINGS = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Data sets prepared for the kernel: the most precise study first, effects relative to it.

    y, v: (n, k); x: design (k, p) or (n, k, p) in the same order of columns, None for an intercept alone;
    count: studies per row; p: columns of the design.
    """

    y: Array
    v: Array
    x: Array | None
    count: Array
    p: int

    def rows(self, index: Index) -> Batch:
        """The chosen rows."""
        x = self.x[index] if self.x is not None and self.x.ndim == 3 else self.x
        return Batch(self.y[index], self.v[index], x, self.count[index], self.p)


@dataclass(frozen=True, slots=True)
class Terms:
    """Quadratic forms and traces at one t per row, shape (n,) each.

    q, d, c: y'Py, y'PPy, y'PPPy; tr_p, tr_p2: tr P, tr PP; s1, s2: tr W, tr WW; log_det: log det X'WX.
    """

    q: Array
    d: Array
    c: Array
    tr_p: Array
    tr_p2: Array
    s1: Array
    s2: Array
    log_det: Array


def prepare(yi: Array, vi: Array, design: Array | None = None) -> Batch:
    """A Batch of `yi`, `vi` (n, k) and `design` (k, p) or (n, k, p); absent studies have vi = inf."""
    present = np.isfinite(vi)
    count = present.sum(axis=1).astype(float)
    rows = np.arange(len(yi))
    first = np.argmin(vi, axis=1)
    y, v = yi.copy(), vi.copy()
    y[rows, first], y[:, 0] = yi[:, 0], yi[rows, first]
    v[rows, first], v[:, 0] = vi[:, 0], vi[rows, first]
    y = np.where(np.isfinite(v), y - y[:, :1], 0.0)
    if design is None:
        return Batch(y, v, None, count, 1)
    x = np.broadcast_to(design, (len(yi), *design.shape[-2:])).copy()
    swapped = x[rows, first].copy()
    x[rows, first], x[:, 0] = x[:, 0].copy(), swapped
    return Batch(y, v, x, count, x.shape[2])


def terms(batch: Batch, t: Array) -> Terms:
    """Quadratic forms and traces at `t`, shape (n,)."""
    w = 1 / (batch.v + t[:, None])
    return _intercept_terms(batch.y, w) if batch.x is None else _design_terms(batch.y, w, batch.x)


def _forms(batch: Batch, t: Array) -> tuple[Array, Array, Array]:
    """q, d and log_det alone, at a third of the price of all terms."""
    if batch.x is not None:
        sums = terms(batch, t)
        return sums.q, sums.d, sums.log_det
    w = 1 / (batch.v + t[:, None])
    total = w.sum(axis=1)
    residual = batch.y - (_dot(w, batch.y) / total)[:, None]
    w *= residual
    return _dot(w, residual), _dot(w, w), np.log(total)


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _intercept_terms(y: Array, w: Array) -> Terms:
    # The first study has the largest weight; sums that leave it out are formed without subtracting it, so that
    # variances that differ by 10^16 cost no digits. Arrays are used again: new ones take longer than the sums.
    rest = w[:, 1:].sum(axis=1)
    s1 = w[:, 0] + rest
    residual = y - (_dot(w, y) / s1)[:, None]
    e = w * residual
    others = s1[:, None] - w
    others[:, 0] = rest
    others *= w
    w2 = w * w
    rest2 = w2[:, 1:].sum(axis=1)
    s2 = w2[:, 0] + rest2
    others2 = s2[:, None] - w2
    others2[:, 0] = rest2
    tr_p = others.sum(axis=1) / s1
    # Products of four weights leave the range of floating point; a unit that is a power of two changes no digit.
    unit = np.ldexp(1.0, np.frexp(s1)[1])
    for part in (others, w2, others2):
        part /= unit[:, None]
    q, d = _dot(e, residual), _dot(e, e)
    e -= e[:, :1].copy()
    e -= (_dot(w, e) / s1)[:, None]
    np.multiply(w, e, out=residual)
    return Terms(
        q=q,
        d=d,
        c=_dot(residual, e),
        tr_p=tr_p,
        tr_p2=(_dot(others, others) + _dot(w2, others2)) / (s1 / unit) ** 2,
        s1=s1,
        s2=s2,
        log_det=np.log(s1),
    )


def _design_terms(y: Array, w: Array, x: Array) -> Terms:
    root = np.sqrt(w)
    basis, triangle = np.linalg.qr(root[:, :, None] * x)

    def off(a: Array) -> Array:
        return np.asarray(a - np.einsum("nkp,np->nk", basis, np.einsum("nkp,nk->np", basis, a)))

    residual = off(off(root * y))
    e = root * residual
    third = off(root * e)
    leverage = np.einsum("nkp,nkp->nk", basis, basis)
    inner = np.einsum("nkp,nk,nkq->npq", basis, w, basis)
    s2 = _dot(w, w)
    diagonal = np.abs(np.einsum("npp->np", triangle))
    with np.errstate(divide="ignore"):
        log_det = 2 * np.log(diagonal).sum(axis=1)
    return Terms(
        q=_dot(residual, residual),
        d=_dot(e, e),
        c=_dot(third, third),
        tr_p=_dot(w, 1 - leverage),
        tr_p2=s2 - 2 * _dot(w * w, leverage) + np.einsum("npq,nqp->n", inner, inner),
        s1=w.sum(axis=1),
        s2=s2,
        log_det=log_det,
    )


def no_spread(rss: Array, w: Array, y: Array) -> NDArray[np.bool_]:
    """Whether weighted residual sums of squares (n,) are 0 but for the rounding of effects `y` with weights `w` (n, k).

    metafor takes residuals below the machine epsilon for 0 (rma.uni with test="knha"); the second bound is what a few
    roundings of the effects leave. Absent studies have w = 0 and y = 0.
    """
    rounding = _ROUNDINGS * EPSILON * np.abs(y).max(axis=1)
    return np.asarray(rss <= np.maximum(EPSILON, w.sum(axis=1) * rounding**2))


def without_rounding(difference: Array, size: float | Array) -> Array:
    """Differences of effects of a `size`; 0 where they are only rounding, whose signs and ranks would be chance."""
    return np.where(np.abs(difference) <= _ROUNDINGS * EPSILON * size, 0.0, difference)


def to_sort_by(values: Array) -> Array:
    """Values without the last digits of the largest, by which fits that ought to be equal differ between processors."""
    largest = np.abs(values).max(initial=0.0, where=np.isfinite(values))
    return np.asarray(np.round(np.ldexp(values, _SORTED_BITS - np.frexp(largest)[1])))


def log_likelihood(batch: Batch, t: Array, restricted: bool) -> Array:
    """(Restricted) log-likelihood at `t` (n,) with the coefficients profiled out, without its constant."""
    q, _, log_det = _forms(batch, t)
    marginal = np.where(np.isfinite(batch.v), batch.v, 1.0 - t[:, None]) + t[:, None]
    value = -0.5 * (np.log(marginal).sum(axis=1) + q)
    return np.asarray(value - 0.5 * log_det if restricted else value)


def estimate_tau2(yi: Array, vi: Array, method: Tau2Method, design: Array | None = None) -> Array:
    """tau2 >= 0 of each row of `yi`, `vi` (n, k), in the squared units of yi; `design` (k, p) or (n, k, p).

    vi = inf marks an absent study; every row needs more studies than columns of the design.
    DL: DerSimonian & Laird (1986); HE: Hedges & Olkin (1985), ch. 9; HS, HSk: Hunter & Schmidt (1990), as in
    Viechtbauer (2005), HSk with its small-sample correction (Brannick et al. 2019); SJ: Sidik & Jonkman (2005);
    ML, REML: Viechtbauer (2005), J Educ Behav Stat 30:261-293; PM: Paule & Mandel (1982); EB: Morris (1983), the
    same root; PMM: its median-unbiased variant, Viechtbauer (2021); DL2, HE2: two-step moment estimators,
    DerSimonian & Kacker (2007), eq. 13.
    """
    out = np.empty(len(yi))
    step = max(1, _CELLS // max(1, yi.shape[1]))
    for start in range(0, len(yi), step):
        part = slice(start, start + step)
        x = design[part] if design is not None and design.ndim == 3 else design
        unit = vi[part].min(axis=1)
        scaled = prepare(yi[part] / np.sqrt(unit)[:, None], vi[part] / unit[:, None], x)
        out[part] = _tau2(scaled, method) * unit
    return out


def _tau2(batch: Batch, method: Tau2Method) -> Array:
    zero = np.zeros(len(batch.y))
    df = batch.count - batch.p
    match method:
        case "FE":
            return zero
        case "ML" | "REML":
            return _likelihood(batch, restricted=method == "REML")
        case "PM" | "EB":
            return solve_q(batch, df)
        case "PMM":
            return solve_q(batch, np.asarray(scipy.special.chdtri(df, 0.5)))
        case "DL":
            return np.maximum(0.0, _moment(batch, np.where(np.isfinite(batch.v), 1 / batch.v, 0.0)))
        case "HE":
            return np.maximum(0.0, _moment(batch, np.isfinite(batch.v).astype(float)))
        case "DL2" | "HE2":
            first = _tau2(batch, "DL" if method == "DL2" else "HE")
            return np.maximum(0.0, _moment(batch, 1 / (batch.v + first[:, None])))
        case "HS" | "HSk":
            sums = terms(batch, zero)
            factor = batch.count / df if method == "HSk" else 1.0
            return np.maximum(0.0, (factor * sums.q - batch.count) / sums.s1)
        case "SJ":
            start = spread_of(batch)
            q = terms(batch, start).q
            return np.where(start > 0, start * q / df, 0.0)


def spread_of(batch: Batch) -> Array:
    """Variance of the effects of each row, divisor k: where Sidik and Jonkman start."""
    present = np.isfinite(batch.v)
    mean = batch.y.sum(axis=1) / batch.count
    return _dot(present * (batch.y - mean[:, None]), batch.y - mean[:, None]) / batch.count


def _moment(batch: Batch, weights: Array) -> Array:
    """Generalised method of moments with any weights: (Q_a - tr(P_a V)) / tr P_a. DerSimonian & Kacker (2007)."""
    v = np.where(np.isfinite(batch.v), batch.v, 0.0)
    if batch.x is None:
        sums = _intercept_terms(batch.y, weights)
        rest = weights[:, 1:].sum(axis=1)
        others = sums.s1[:, None] - weights
        others[:, 0] = rest
        return (sums.q - _dot(weights * v, others) / sums.s1) / sums.tr_p
    sums = _design_terms(batch.y, weights, batch.x)
    basis, _ = np.linalg.qr(np.sqrt(weights)[:, :, None] * batch.x)
    return (sums.q - _dot(weights * v, 1 - np.einsum("nkp,nkp->nk", basis, basis))) / sums.tr_p


def solve_q(batch: Batch, target: Array) -> Array:
    """The t >= 0 with Q(t) = `target` (n,), or 0 where Q(0) is already below it.

    Newton's method on 1/Q, concave and rising: from the left every step stays left of the root, and the last bit
    is reached in a few steps at any scale.
    """
    t = np.zeros(len(target))
    active = np.arange(len(target))
    rows = batch
    for _ in range(_MAX_STEPS):
        q, d, _ = _forms(rows, t[active])
        # (1/target - 1/Q) / (D/Q^2), in an order that neither over- nor underflows
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(q <= target[active], 0.0, q * (q / target[active] - 1) / d)
        t[active] += step
        moving = step > _LAST_STEP * t[active]
        if not moving.any():
            break
        if not moving.all():
            active = active[moving]
            rows = batch.rows(active)
    return t


def _likelihood(batch: Batch, restricted: bool) -> Array:
    """Global maximum of the (restricted) likelihood over t >= 0.

    The score D(t) - T(t), T = tr P (REML) or tr W (ML), is examined interval by interval: an interval is dropped
    when the bounds of D and T at its ends show that it holds no maximum, kept when they show that it holds one,
    and otherwise split. Maxima are then compared by their likelihood.
    """
    low, high = _search_range(batch, restricted)
    n = len(high)

    def score(rows: Batch, t: Array) -> Score:
        sums = terms(rows, t)
        if restricted:
            return sums.d, sums.tr_p, -2 * sums.c, -sums.tr_p2
        return sums.d, sums.s1, -2 * sums.c, -sums.s2

    edges = _edges(low, high, batch.y.size)
    everywhere = score(batch.rows(np.repeat(np.arange(n), edges.shape[1])), edges.ravel())
    at_edges = tuple(part.reshape(edges.shape) for part in everywhere)
    flat_at_zero = np.flatnonzero(at_edges[0][:, 0] <= at_edges[1][:, 0])
    tops: list[tuple[Index, Array]] = [(flat_at_zero, np.zeros(len(flat_at_zero)))]
    searched = np.flatnonzero(high > 0)
    index = np.repeat(searched, edges.shape[1] - 1)
    a, b = edges[searched, :-1].ravel(), edges[searched, 1:].ravel()
    left = tuple(part[searched, :-1].ravel() for part in at_edges)
    right = tuple(part[searched, 1:].ravel() for part in at_edges)
    for _ in range(_MAX_STEPS):
        if not len(index):
            break
        keep, flat, split = _judged(left, right, b - a, _POINT * (b + low[index]))
        if keep.any():
            ends = tuple(part[keep] for part in left), tuple(part[keep] for part in right)
            tops.append((index[keep], _refine(batch.rows(index[keep]), a[keep], b[keep], ends, score)))
        if flat.any():
            tops.append((index[flat], b[flat]))
        if not split.any():
            break
        index, a, b = index[split], a[split], b[split]
        left, right = tuple(part[split] for part in left), tuple(part[split] for part in right)
        middle = np.sqrt((a + low[index]) * (b + low[index])) - low[index]
        middle = np.where((middle > a) & (middle < b), middle, a + (b - a) / 2)
        between = score(batch.rows(index), middle)
        index = np.concatenate([index, index])
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
        left, right = (
            tuple(np.concatenate(pair) for pair in zip(left, between, strict=True)),
            tuple(np.concatenate(pair) for pair in zip(between, right, strict=True)),
        )
    return _best(batch, tops, restricted, n)


def _edges(low: Array, high: Array, cells: int) -> Array:
    """From 0 to `high` per row, in equal ratios of t + `low`: shape (n, places + 1), more places the fewer cells."""
    places = max(1, min(_PLACES, _FEW_CELLS // cells))
    share = np.arange(places + 1) / places
    edges = low[:, None] * np.expm1(share * np.log1p(high / low)[:, None])
    edges[:, 0], edges[:, -1] = 0.0, high
    return np.asarray(edges)


def _judged(left: Score, right: Score, length: Array, point: Array) -> tuple[Mask, Mask, Mask]:
    """Which intervals hold one maximum, are no longer than a `point` and so flat, or have to be split.

    `left`, `right`: D, T and their slopes at the ends; the others hold no maximum.
    """
    (d0, t0, dd0, dt0), (d1, t1, dd1, dt1) = left, right
    h0, h1 = d0 - t0, d1 - t1
    if not np.isfinite(h0 + h1).all():
        raise ArithmeticError("the likelihood of tau2 is not finite: variances differ by more than 10^150")
    # A convex decreasing function lies below its chord and above its tangents.
    negative = ((h0 <= 0) & (d1 <= t0 + dt0 * length)) | ((h1 <= 0) & (d0 <= t1 - dt1 * length))
    positive = ((h0 >= 0) & (d0 + dd0 * length >= t1)) | ((h1 >= 0) & (d1 - dd1 * length >= t0))
    # Or by D/T: D'/D and T'/T both rise with t, since each is minus a mean of 1/(b + t) over falling weights.
    falling = (dd1 <= dt0) | (dd1 * t0 <= dt0 * d1)
    rising = (dd0 >= dt1) | (dd0 * t1 >= dt1 * d0)
    root = falling & (h0 > 0) & (h1 <= 0)
    empty = negative | positive | rising | (falling & ~root)
    short = ~empty & ~root & (length <= point)
    keep = root | (short & (h0 > 0) & (h1 <= 0))
    return keep, short & ~keep, ~(empty | root | short)


def _search_range(batch: Batch, restricted: bool) -> tuple[Array, Array]:
    """Smallest variance, and a t beyond which the score is negative, per row.

    D(t) <= RSS/(vmin + t)^2 and T(t) >= m/(vmax + t), with m = k - p (REML) or k (ML) and RSS of least squares.
    """
    present = np.isfinite(batch.v)
    low = batch.v[:, 0]
    top = np.where(present, batch.v, 0.0).max(axis=1)
    if batch.x is None:
        rss = spread_of(batch) * batch.count
    else:
        rss = _design_terms(batch.y, present.astype(float), batch.x).q
    spread = rss / (batch.count - batch.p if restricted else batch.count)
    half = spread / 2 - low
    inside = np.maximum(0.0, half**2 - (low**2 - spread * top))
    return low, np.maximum(0.0, half + np.sqrt(inside)) * (1 + 1e-12)


def _refine(
    batch: Batch, low: Array, high: Array, ends: tuple[Score, Score], score: Callable[[Batch, Array], Score]
) -> Array:
    """The root of a falling score D - T in each bracket, `ends` its terms there.

    Newton's method on T/D = 1, bisection where it leaves the bracket: with equal variances T/D is a straight line.
    """
    (d0, t0, *_), (d1, t1, *_) = ends
    with np.errstate(all="ignore"):
        before, after = t0 / d0, t1 / d1
        t = low + (high - low) * (1 - before) / (after - before)
    t = np.where((t >= low) & (t <= high), t, low + (high - low) / 2)
    active = np.arange(len(t))
    low, high = low.copy(), high.copy()
    rows = batch
    for _ in range(_MAX_STEPS):
        d, trace, d_slope, trace_slope = score(rows, t[active])
        up = d > trace
        low[active[up]], high[active[~up]] = t[active[up]], t[active[~up]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = t[active] + (d - trace) / (trace_slope - trace * (d_slope / d))
        lower, upper = low[active], high[active]
        inside = (new >= lower) & (new <= upper)
        new = np.where(inside, new, lower + (upper - lower) / 2)
        still = np.abs(new - t[active]) > _LAST_STEP * new
        t[active] = new
        if not still.any():
            break
        if not still.all():
            active = active[still]
            rows = batch.rows(active)
    return t


def _best(batch: Batch, tops: list[tuple[Index, Array]], restricted: bool, n: int) -> Array:
    """Per row the candidate with the largest likelihood, the smaller t where two are equal."""
    index = np.concatenate([where for where, _ in tops])
    t = np.concatenate([values for _, values in tops])
    best = np.zeros(n)
    alone = np.bincount(index, minlength=n)[index] == 1
    best[index[alone]] = t[alone]
    index, t = index[~alone], t[~alone]
    if len(index):
        value = log_likelihood(batch.rows(index), t, restricted)
        order = np.lexsort((-t, value, index))
        best[index[order]] = t[order]
    return best
