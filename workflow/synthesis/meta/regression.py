"""Meta-regression and subgroups: random-effects models with moderators."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.heterogeneity import describe
from synthesis.meta.inputs import check_effects, check_options, check_rho, column, flag, labels, table, whole
from synthesis.meta.kernel import Array, estimate_tau2, no_spread, prepare, terms
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.meta.pool import EXACT_FIT, Fit, pool

# Fewer studies than this for each coefficient: Cochrane Handbook, section 10.11.4.
STUDIES_PER_COEFFICIENT = 10
Moderator = Sequence[float] | Sequence[str] | Sequence[float | str]


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix: x (k, p), a name per column, and the levels of each factor (first: the reference)."""

    x: Array
    names: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    numeric: tuple[str, ...]

    def centred(self) -> tuple[Array, Array, Array]:
        """The same design with numeric columns counted from a value in their middle, as it is fitted.

        Years near 2000 that span a decade square to a condition number of 1e10, and six digits would be rounding. Gives
        z (k, p), the centres (p,) with x - centres = z, and a (p, p) with the coefficients of x = a @ those of z; the
        determinant of a is 1, so that likelihoods are the same.
        """
        centres = np.zeros(self.x.shape[1])
        for name in self.numeric:
            column = self.names.index(name)
            # One of the values, so that the differences of whole numbers are exact.
            centres[column] = np.sort(self.x[:, column])[len(self.x) // 2]
        back = np.eye(len(centres))
        back[0] -= centres
        return self.x - centres, centres, back

    def rows(self, values: Sequence[Mapping[str, float | str]]) -> Array:
        """The design of new values, one mapping (moderator -> value) per row. Raises InputError for other levels."""
        return np.array([self._row(row) for row in values])

    def _row(self, row: Mapping[str, float | str]) -> list[float]:
        cells = [1.0]
        for name in (*self.numeric, *self.levels):
            if name not in row:
                raise InputError([Problem("values", ", ".join(row), f"a value of {name}")])
            if name in self.numeric:
                cells.append(float(row[name]))
                continue
            if row[name] not in self.levels[name]:
                raise InputError([Problem(f"values, {name}", str(row[name]), ", ".join(self.levels[name]))])
            cells += [float(row[name] == level) for level in self.levels[name][1:]]
        return cells


@dataclass(frozen=True, slots=True)
class Regression:
    """A meta-regression, in the units of yi. Tuples follow `names`, the first of which is the intercept.

    `qm` tests all moderators together (chi-squared, or F where `qm_df2` is given); `r2` in percent is the share of tau2
    that they explain. `df` is None for normal tests.
    """

    k: int
    names: tuple[str, ...]
    estimate: tuple[float, ...]
    se: tuple[float, ...]
    statistic: tuple[float, ...]
    df: float | None
    p: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    qm: float
    qm_df: int
    qm_df2: float | None
    qm_p: float
    tau2: float
    tau2_se: float | None
    i2: float
    h2: float
    r2: float
    q: float
    q_df: int
    q_p: float
    log_likelihood: float
    method: str
    ci_method: str
    level: float
    weights: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The mean effect at given moderator values, with its interval and the interval of a new study's effect."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pools by level of a factor, and the test of their difference, Q between, with `q_between_df` df."""

    levels: tuple[str, ...]
    fits: tuple[Fit, ...]
    common_tau2: float | None
    q_between: float
    q_between_df: int
    q_between_p: float
    q_within: float


def design(moderators: Mapping[str, Moderator], k: int) -> Design:
    """Design matrix with intercept of numeric and factor moderators, each of shape (k,).

    Factors (values of text) are coded by treatment contrasts, levels in alphabetical order. Raises InputError for
    missing values, a moderator with one value, and columns that cannot be told apart.
    """
    columns, names = [np.ones(whole("k", k, 1))], ["intrcpt"]
    levels: dict[str, tuple[str, ...]] = {}
    numeric: list[str] = []
    read = columns_of(moderators, k)
    for name in sorted(read, key=lambda n: isinstance(read[n], list)):
        cells = read[name]
        if isinstance(cells, list):
            texts = cells
            levels[name] = tuple(sorted(set(texts)))
            if len(levels[name]) < 2:
                raise InputError([Problem(f"moderator {name}", f"only {texts[0]}", "at least two levels")])
            for level in levels[name][1:]:
                columns.append(np.array([float(cell == level) for cell in texts]))
                names.append(name + level)
            continue
        numeric.append(name)
        columns.append(cells)
        names.append(name)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError([Problem("moderators", twice, "a name of its own for each coefficient", "rename a moderator")])
    x = np.column_stack(columns)
    _check_rank(x, names)
    return Design(x, tuple(names), levels, tuple(numeric))


def columns_of(moderators: Mapping[str, Moderator], k: int) -> dict[str, Array | list[str]]:
    """Numbers of numeric moderators (truth values are 0 and 1), text of factors, by name."""
    if not hasattr(moderators, "keys"):
        kind = type(moderators).__name__
        raise InputError([Problem("moderators", kind, "a mapping of names to values, one per effect")])
    columns: dict[str, Array | list[str]] = {}
    for name in moderators.keys():  # noqa: SIM118 a table has names as well
        where = f"moderator {name}"
        if not isinstance(name, str) or not name:
            raise InputError([Problem("moderators", repr(name), "a name of text for each moderator")])
        cells: Any = moderators[name]
        if _is_list(cells) and any(isinstance(cell, str) for cell in cells):
            columns[name] = list(map(str, labels(where, cells, k)))
            continue
        if _is_list(cells):
            cells = [float(cell) if isinstance(cell, (bool, np.bool_)) else cell for cell in cells]
        columns[name] = column(where, cells, k)
    return columns


def _is_list(cells: Any) -> bool:
    """Whether cells may be looked at one by one; all else is for `column` to refuse."""
    if isinstance(cells, (str, bytes, Mapping)) or not hasattr(cells, "__getitem__"):
        return False
    return getattr(cells, "ndim", 1) == 1


# Columns that differ by less than this share of their size leave their coefficients too few digits.
LEAST_APART = 1e-6
# The weights of a regression lose this factor in digits.
_LARGEST_RANGE = 1e10


def check_range(v: Array) -> None:
    """Raises InputError for variances (k,) that differ too much for the residuals of a design to keep their digits."""
    if v.max() > _LARGEST_RANGE * v.min():
        value_range = f"from {v.min():g} to {v.max():g}"
        allowed = f"variances that differ by at most {_LARGEST_RANGE:g} times in a regression"
        raise InputError([Problem("vi", value_range, allowed, "a variance in other units?")])


def _check_rank(x: Array, names: Sequence[str]) -> None:
    if len(x) <= x.shape[1]:
        allowed = f"more effects than coefficients ({x.shape[1]})"
        raise InputError([Problem("moderators", f"{len(x)} effects", allowed)])
    norms = np.linalg.norm(x, axis=0)
    sizes = np.linalg.svd(x / np.where(norms > 0, norms, 1.0), compute_uv=False)
    if sizes[-1] <= LEAST_APART * sizes[0]:
        hint = "a constant column, one that follows from others, or one that varies too little for its size: centre it"
        raise InputError([Problem("moderators", ", ".join(names), "columns that can be told apart", hint)])


def regress(
    yi: ArrayLike,
    vi: ArrayLike,
    moderators: Design | Mapping[str, Moderator],
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    level: float = 0.95,
) -> Regression:
    """Mixed-effects meta-regression of effects `yi` with variances `vi`, shape (k,), on moderators.

    Estimators of tau2 with moderators: Viechtbauer (2005), Raudenbush (2009); tests and intervals: wald, or t with
    k - p df, hksj and hksj_adhoc with the factor of Knapp & Hartung (2003). R2: Raudenbush (2009), against the model
    without moderators and the same estimator. Where the effects lie exactly on the model (equal effects do), hksj has
    width 0; the ad hoc interval is given then, and `ci_method` and a note say so. Effects are treated as independent;
    `synthesis.robust_regress` is for effects that share samples. Raises InputError for bad effects, options and
    designs, and for variances that differ by more than 1e10 times.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, level)
    matrix = matrix_of(moderators, len(y))
    x = matrix.x
    check_range(v)
    k, p = x.shape
    z, _, back = matrix.centred()
    about = describe(y, v, tau2, z)
    w = 1 / (v + about.tau2)
    beta, covariance = weighted_least_squares(y, w, z)
    factor, ci, exact = _factor(ci, y, z, w, beta)
    beta, covariance = back @ beta, factor * (back @ covariance @ back.T)
    se = np.sqrt(np.diag(covariance))
    statistic = beta / se
    df = None if ci == "wald" else float(k - p)
    quantile, tails = _reference(statistic, df, level)
    qm, qm_p = _omnibus(beta, covariance, None if df is None else k - p)
    return Regression(
        k=k,
        names=matrix.names,
        estimate=_floats(beta),
        se=_floats(se),
        statistic=_floats(statistic),
        df=df,
        p=_floats(tails),
        ci_low=_floats(beta - quantile * se),
        ci_high=_floats(beta + quantile * se),
        covariance=tuple(_floats(row) for row in covariance),
        qm=qm,
        qm_df=p - 1,
        qm_df2=df,
        qm_p=qm_p,
        tau2=about.tau2,
        tau2_se=about.tau2_se,
        i2=about.i2,
        h2=about.h2,
        r2=_explained(y, v, tau2, about.tau2, about.q / about.q_df),
        q=about.q,
        q_df=about.q_df,
        q_p=float(scipy.special.chdtrc(about.q_df, about.q)),
        log_likelihood=about.log_likelihood,
        method=tau2,
        ci_method=ci,
        level=level,
        weights=_floats(100 * w / w.sum()),
        notes=thin_notes(k, p) + exact,
    )


def _factor(ci: CiMethod, y: Array, z: Array, w: Array, beta: Array) -> tuple[float, CiMethod, tuple[str, ...]]:
    """Knapp and Hartung's factor of the covariance, the interval that it leads to, and what is to be noted."""
    if not ci.startswith("hksj"):
        return 1.0, ci, ()
    residual = y - z @ beta
    rss = float(np.dot(w, residual * residual))
    exact = ci == "hksj" and bool(no_spread(np.array([rss]), w[None], y[None])[0])
    factor = rss / (len(y) - z.shape[1])
    if ci == "hksj_adhoc" or exact:
        return max(1.0, factor), "hksj_adhoc", (EXACT_FIT,) if exact else ()
    return factor, ci, ()


def _reference(statistic: Array, df: float | None, level: float) -> tuple[float, Array]:
    """The quantile of intervals and the two-sided p values, of the normal distribution (df None) or of t."""
    if df is None:
        return float(scipy.special.ndtri(0.5 + level / 2)), 2 * scipy.special.ndtr(-abs(statistic))
    return float(scipy.special.stdtrit(df, 0.5 + level / 2)), 2 * scipy.special.stdtr(df, -abs(statistic))


def matrix_of(moderators: Design | Mapping[str, Moderator], k: int) -> Design:
    """The design of `k` effects, made or taken as it is. Raises InputError for one that cannot be fitted."""
    if not isinstance(moderators, Design):
        return design(moderators, k)
    x = table("moderators", moderators.x, len(moderators.names))
    if len(x) != k:
        raise InputError([Problem("moderators", f"{len(x)} rows", f"one per effect, that is {k}")])
    _check_rank(x, moderators.names)
    return moderators


def weighted_least_squares(y: Array, w: Array, x: Array) -> tuple[Array, Array]:
    """Coefficients (p,) and their model-based covariance (p, p) for weights `w` (k,), by QR of the weighted design."""
    root = np.sqrt(w)
    basis, triangle = np.linalg.qr(root[:, None] * x)
    inverse = np.linalg.solve(triangle, np.eye(x.shape[1]))
    return inverse @ (basis.T @ (root * y)), inverse @ inverse.T


@dataclass(frozen=True, slots=True)
class Contrast:
    """What the test of all moderators asks: rows (q, p) that are 0 on coefficients where nothing differs.

    `left_out`: levels that are estimated, but not tested, each with the reason.
    """

    rows: Array
    left_out: tuple[tuple[str, str], ...]


ONE_SAMPLE, ALL_ALIKE = "one sample", "all effects alike"


def contrast_of_all(matrix: Design, cluster: Sequence[Hashable], y: Array) -> Contrast:
    """The contrast of all moderators over the levels of two or more samples whose effects `y` (k,) differ.

    `cluster` (k,) names the samples. A level of one sample is fitted by that sample itself, one of equal effects (a
    stress test that enters one number) by all of its own: the robust variance of either is 0, which is not certainty.
    """
    p = len(matrix.names)
    rows = [np.eye(p)[matrix.names.index(name)] for name in matrix.numeric]
    left_out: list[tuple[str, str]] = []
    for name, levels in matrix.levels.items():
        columns = [matrix.names.index(name + level) for level in levels[1:]]
        inside = [matrix.x[:, columns].sum(axis=1) == 0, *(matrix.x[:, j] == 1 for j in columns)]
        tested = []
        for level, mask, code in zip(levels, inside, [np.zeros(p), *np.eye(p)[columns]], strict=True):
            if len({c for c, in_level in zip(cluster, mask, strict=True) if in_level}) < 2:
                left_out.append((level, ONE_SAMPLE))
            elif np.ptp(y[mask]) == 0:
                left_out.append((level, ALL_ALIKE))
            else:
                tested.append(code)
        rows += [code - tested[0] for code in tested[1:]]
    return Contrast(np.array(rows).reshape(len(rows), p), tuple(left_out))


def wald_test_of(fit: Regression, contrast: Array) -> tuple[float, float]:
    """The Wald test of `fit` that `contrast` (q, p) times its coefficients is 0: F (chi-squared for wald) and p."""
    beta, covariance = np.array(fit.estimate), np.array(fit.covariance)
    # The omnibus test reads everything behind an intercept.
    turned = np.vstack([np.zeros(len(beta)), contrast])
    return _omnibus(turned @ beta, turned @ covariance @ turned.T, fit.df)


def _omnibus(beta: Array, covariance: Array, df: float | None) -> tuple[float, float]:
    slopes, block = beta[1:], covariance[1:, 1:]
    if not len(slopes):
        return 0.0, 1.0
    scale = np.sqrt(np.diag(block))
    wald = float(slopes / scale @ np.linalg.solve(block / np.outer(scale, scale), slopes / scale))
    m = len(slopes)
    return (
        (wald, float(scipy.special.chdtrc(m, wald)))
        if df is None
        else (wald / m, float(scipy.special.fdtrc(m, df, wald / m)))
    )


def _explained(y: Array, v: Array, method: Tau2Method, tau2: float, residual: float) -> float:
    """R2 in percent; with FE from Q per degree of freedom, as there is no tau2. 0 where nothing is to explain."""
    if method == "FE":
        total = float(terms(prepare(y[None], v[None]), np.zeros(1)).q[0]) / (len(y) - 1)
        return max(0.0, 100 * (1 - residual / total)) if total else 0.0
    total = float(estimate_tau2(y[None], v[None], method)[0])
    return max(0.0, 100 * (total - tau2) / total) if total else 0.0


def thin_notes(k: int, p: int) -> tuple[str, ...]:
    """The warning that belongs to a regression with few studies for each of its p - 1 slopes."""
    if k >= STUDIES_PER_COEFFICIENT * (p - 1):
        return ()
    return (
        f"{k} studies for {p - 1} coefficients: fewer than {STUDIES_PER_COEFFICIENT} each; such a regression finds "
        "chance patterns",
    )


def predict(fit: Regression, rows: Array) -> list[Prediction]:
    """Mean effects at design rows (n, p), with confidence and prediction intervals.

    Both use the test's own quantile (normal for wald, t with k - p df otherwise), as metafor's predict does.
    """
    if not isinstance(fit, Regression):
        raise InputError([Problem("fit", type(fit).__name__, "a result of regress")])
    rows = table("rows", rows, len(fit.names))
    beta, covariance = np.array(fit.estimate), np.array(fit.covariance)
    tail = 0.5 + fit.level / 2
    quantile = float(scipy.special.ndtri(tail) if fit.df is None else scipy.special.stdtrit(fit.df, tail))
    predictions = []
    for row in rows:
        mean, variance = float(row @ beta), float(row @ covariance @ row)
        se, spread = math.sqrt(variance), math.sqrt(variance + fit.tau2)
        predictions.append(
            Prediction(
                mean, se, mean - quantile * se, mean + quantile * se, mean - quantile * spread, mean + quantile * spread
            )
        )
    return predictions


def subgroups(
    yi: ArrayLike,
    vi: ArrayLike,
    groups: Sequence[str],
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    common_tau2: bool = False,
    cluster: Sequence[Hashable] | None = None,
    rho: float = 0.6,
    level: float = 0.95,
) -> Subgroups:
    """Pools the effects of each level of `groups` (k,) and tests whether the pooled estimates differ.

    With `common_tau2` all levels share the tau2 of the regression on the factor, else each has its own. Q between is
    the weighted sum of squares of the estimates around their mean, chi-squared with levels - 1 df; Borenstein et al.
    (2009), ch. 19. `cluster`, `rho` as in `pool`. Raises InputError for fewer than two levels.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, level)
    check_rho(rho)
    groups = list(map(str, labels("groups", groups, len(y))))
    names = tuple(sorted(set(groups)))
    if len(names) < 2:
        raise InputError([Problem("groups", f"{len(names)} level", "at least two levels")])
    if cluster is not None:
        cluster = labels("cluster", cluster, len(y))
    members = [np.array([g == name for g in groups]) for name in names]
    shared = _shared_tau2(y, v, tau2, groups, cluster) if flag("common_tau2", common_tau2) else None
    fits = tuple(
        pool(y[m], v[m], tau2=tau2, ci=ci, cluster=_of(m, cluster), rho=rho, level=level, fixed_tau2=shared)
        for m in members
    )
    estimate = np.array([fit.estimate for fit in fits])
    w = np.array([fit.se for fit in fits]) ** -2.0
    between = float(np.dot(w, (estimate - np.dot(w, estimate) / w.sum()) ** 2))
    return Subgroups(
        levels=names,
        fits=fits,
        common_tau2=shared,
        q_between=between,
        q_between_df=len(names) - 1,
        q_between_p=float(scipy.special.chdtrc(len(names) - 1, between)),
        q_within=math.fsum(fit.q or 0.0 for fit in fits),
    )


def _shared_tau2(y: Array, v: Array, tau2: Tau2Method, groups: list[str], cluster: Sequence[Hashable] | None) -> float:
    """The tau2 of the regression on the factor."""
    check_range(v)
    if cluster is not None:
        raise InputError([Problem("common_tau2", "with cluster", "one of them", "aggregate the effects first")])
    return float(estimate_tau2(y[None], v[None], tau2, design({"group": groups}, len(y)).x)[0])


def _of(members: Array, cluster: Sequence[Hashable] | None) -> list[Hashable] | None:
    """The labels of some effects."""
    return None if cluster is None else [label for label, inside in zip(cluster, members, strict=True) if inside]


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
