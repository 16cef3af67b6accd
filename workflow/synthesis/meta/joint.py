"""Joint meta-regression: several moderators, interactions and transformed numbers by a formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.dependent import NOTHING_TO_TEST
from synthesis.meta.formula import parse_formula
from synthesis.meta.inflation import gvif, vif
from synthesis.meta.inputs import check_effects, check_options, check_rho, labels, whole
from synthesis.meta.kernel import Array
from synthesis.meta.model_matrix import Cells, ModelMatrix, check_apart, model_matrix
from synthesis.meta.multilevel import Multilevel, fit_multilevel
from synthesis.meta.options import CiMethod, Tau2Method
from synthesis.meta.pool import EXACT_FIT
from synthesis.meta.regression import (
    LEAST_APART,
    STUDIES_PER_COEFFICIENT,
    Moderator,
    check_range,
    columns_of,
    regress,
    wald_test_of,
    weighted_least_squares,
)
from synthesis.meta.robust import LEAST_DF, robust, too_few_df, wald_test
from synthesis.meta.shuffling import Shuffled, shuffle

# A row with more than this share in a direction that no other sample holds hangs on one sample.
_ALONE = 1e-8
ONE_SAMPLE_ALONE = "one sample alone carries it"


@dataclass(frozen=True, slots=True)
class Combination:
    """A combination of coefficients with its test, in the units of yi: a coefficient, a mean, a predicted value.

    All but `estimate` are None where there is no test, and `note` says why: below 4 degrees of freedom, without a
    spread of effects around the model, or where of dependent effects one sample alone carries it, whose residuals are
    then 0. `df` is None for normal tests, too. `pi_low`, `pi_high`: where the effect of a new sample lies; None for
    coefficients.
    """

    name: str
    estimate: float
    se: float | None
    df: float | None
    statistic: float | None
    p: float | None
    ci_low: float | None
    ci_high: float | None
    note: str
    pi_low: float | None = None
    pi_high: float | None = None


@dataclass(frozen=True, slots=True)
class TermTest:
    """The test of all coefficients of a term: F (chi-squared where `df2` is None); `term` is "all" for those of all.

    In an interaction a main effect is tested at the reference level, or at 0, of what it interacts with. `gvif`: the
    generalised variance inflation factor, the VIF of a term of one coefficient; None of all. `note` says why there is
    no test, or how many coefficients are left out of it because one sample alone carries them.
    """

    term: str
    statistic: float | None
    df1: int
    df2: float | None
    p: float | None
    gvif: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Left:
    """What a meta-regression explains and leaves, in the units of yi squared.

    `omega2`: within samples, None where effects are independent. `r2`: the share in percent of the variance between
    and within samples that the moderators explain; `r2_between`, `r2_within`: of each, None without it. `i2`: the
    share of what is left that is not sampling error. `q` with its test: residual heterogeneity.
    """

    tau2: float
    omega2: float | None
    i2: float
    r2: float
    r2_between: float | None
    r2_within: float | None
    q: float
    q_df: int
    q_p: float
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class JointRegression:
    """A meta-regression by a formula, in the units of yi. `vif` follows `coefficients`, None for the intercept.

    `rho` is None where effects are independent. `reference`: the reference level of each factor, `held_at`: the mean
    of each number. `means`: estimated marginal means; `predicted`: at values that were asked for.
    """

    formula: str
    k: int
    samples: int
    coefficients: tuple[Combination, ...]
    vif: tuple[float | None, ...]
    covariance: tuple[tuple[float, ...], ...]
    terms: tuple[TermTest, ...]
    left: Left
    rho: float | None
    method: str
    ci_method: str
    level: float
    reference: dict[str, str]
    held_at: dict[str, float]
    means: tuple[Combination, ...]
    predicted: tuple[Combination, ...]
    permutation: Shuffled | None
    notes: tuple[str, ...]


def joint_regress(
    yi: ArrayLike,
    vi: ArrayLike,
    formula: str,
    columns: Mapping[str, Moderator],
    *,
    cluster: Sequence[Hashable] | None = None,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    rho: float = 0.6,
    level: float = 0.95,
    reference: Mapping[str, str] | None = None,
    means: Sequence[str] = (),
    at: Sequence[Mapping[str, float | str]] = (),
    permutations: int = 0,
    seed: int = 0,
) -> JointRegression:
    """Meta-regression of effects `yi` with variances `vi`, shape (k,), by a `formula` over `columns` of k cells.

    `cluster` (k,) names samples. Where one has several effects the working model has correlated (`rho`) and
    hierarchical effects by REML, tests are CR2, Pustejovsky & Tipton (2022), and prediction intervals t with samples -
    p - 1 df; otherwise the model is that of `regress` with `tau2` and `ci`. `reference`: a level by factor. `means`:
    factors, or combinations such as rater:format, whose marginal means are estimated, all else averaged as
    `ModelMatrix.averaged` says; `at`: values to predict at. `permutations`: most arrangements of `shuffle`; 0: none.
    VIF: Fox & Monette (1992), JASA 87:178-183, from the model-based covariance, as metafor's `vif`. Raises InputError
    for bad effects, options, formulas and columns, and for more coefficients than samples less 2.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, level)
    check_rho(rho)
    permutations, seed = whole("permutations", permutations, 0), whole("seed", seed, 0)
    read = parse_formula(formula)
    reference = {} if reference is None else reference
    _check_asked(reference, means, at)
    sample_of = labels("cluster", range(len(y)) if cluster is None else cluster, len(y))
    matrix = model_matrix(read, _cells(read.columns, columns, len(y)), sample_of, reference)
    _check_enough(matrix, len(set(sample_of)))
    check_range(v)
    if len(set(sample_of)) < len(y):
        fit = _dependent(y, v, matrix, sample_of, rho, level)
    else:
        fit = _independent(y, v, matrix, tau2, ci, level)
    shuffled = None
    if permutations:
        centred = matrix.design().centred()[0]
        shuffled = shuffle(y, v, centred, matrix.names, sample_of, tau2, ci, rho, permutations, seed)
    return _described(read.text, fit, matrix, sample_of, means, at, level, shuffled)


def _check_enough(matrix: ModelMatrix, samples: int) -> None:
    """Raises InputError for more coefficients than samples less 2, and for those that cannot be told apart."""
    p = len(matrix.names)
    if p > samples - 2:
        hint = "fewer moderators, or levels put together by a grouping"
        counts = f"{p} coefficients of {samples} samples"
        raise InputError([Problem("formula", counts, f"at most {max(samples - 2, 0)}, two fewer than samples", hint)])
    check_apart(matrix.x, matrix.names)


def _described(
    formula: str,
    fit: _Fit,
    matrix: ModelMatrix,
    cluster: Sequence[Hashable],
    means: Sequence[str],
    at: Sequence[Mapping[str, float | str]],
    level: float,
    shuffled: Shuffled | None,
) -> JointRegression:
    """All that is said of a fitted model."""
    p, samples = len(matrix.names), len(set(cluster))
    asked = [*(point for label in means for point in matrix.levels_of(label)), *at]
    points = np.array([matrix.averaged(point) for point in asked]).reshape(len(asked), p)
    # With independent effects the variance of a lone sample comes from the model, not from its residual.
    alone = _carried(matrix.x, cluster) if fit.dependent else np.zeros((p, 0))
    names = [*matrix.names, *map(_name, asked)]
    combinations = _combinations(fit, names, np.vstack([np.eye(p), points]), alone, level)
    predicted = tuple(_with_prediction(fit, value, level) for value in combinations[p:])
    first = len(asked) - len(at)
    return JointRegression(
        formula=formula,
        k=len(cluster),
        samples=samples,
        coefficients=tuple(combinations[:p]),
        vif=vif(fit.modelled),
        covariance=tuple(tuple(map(float, row)) for row in fit.covariance),
        terms=_term_tests(fit, matrix, alone),
        left=fit.left,
        rho=fit.rho,
        method=fit.method,
        ci_method=fit.ci_method,
        level=level,
        reference={name: levels[0] for name, levels in matrix.factors.items()},
        held_at={name: mean for name, (mean, *_) in matrix.numbers.items()},
        means=predicted[:first],
        predicted=predicted[first:],
        permutation=shuffled,
        notes=(*_thin(samples, p), *fit.notes),
    )


def _cells(names: Sequence[str], columns: Mapping[str, Moderator], k: int) -> dict[str, Cells]:
    """The cells of the formula's columns."""
    if not hasattr(columns, "keys"):
        kind = type(columns).__name__
        raise InputError([Problem("columns", kind, "a mapping of names to values, one per effect")])
    column_names = list(columns.keys())
    for name in names:
        if name not in column_names:
            raise InputError([Problem("formula", name, "one of " + ", ".join(map(str, column_names)))])
    return columns_of({name: columns[name] for name in names}, k)


def _check_asked(reference: object, means: object, at: object) -> None:
    """Raises InputError for other kinds of arguments than those that are looked into."""
    problems = []
    if not isinstance(reference, Mapping):
        problems.append(Problem("reference", type(reference).__name__, "a mapping of factors to levels"))
    if not isinstance(means, (list, tuple)) or not all(isinstance(name, str) for name in means):
        problems.append(Problem("means", type(means).__name__, "a list of factors"))
    if not isinstance(at, (list, tuple)) or not all(isinstance(point, Mapping) for point in at):
        problems.append(Problem("at", type(at).__name__, "a list of mappings of columns to values"))
    if problems:
        raise InputError(problems)


def _thin(samples: int, p: int) -> tuple[str, ...]:
    """The warning that belongs to few samples for each coefficient beside the intercept."""
    if samples >= STUDIES_PER_COEFFICIENT * (p - 1):
        return ()
    return (
        f"{samples} samples for {p - 1} coefficients: fewer than {STUDIES_PER_COEFFICIENT} each; such a regression "
        "finds chance patterns",
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    """A fitted model: coefficients (p,), their covariance for tests, and the model-based one.

    `tests` gives standard errors, df (None: normal) and whether there is a spread, for rows (n, p); `wald` the
    statistic, the second df and p for rows (q, p) that are all 0; `df_new` the df of prediction intervals.
    """

    beta: Array
    covariance: Array
    modelled: Array
    left: Left
    rho: float | None
    method: str
    ci_method: str
    df_new: float | None
    notes: tuple[str, ...]
    tests: Callable[[Array], tuple[Array, list[float | None], list[bool]]]
    wald: Callable[[Array], tuple[float, float | None, float]]

    @property
    def dependent(self) -> bool:
        """Whether samples have several effects."""
        return self.rho is not None

    @property
    def between(self) -> float:
        """The variance of new effects around their mean."""
        return self.left.tau2 + (self.left.omega2 or 0.0)


def _independent(y: Array, v: Array, matrix: ModelMatrix, tau2: Tau2Method, ci: CiMethod, level: float) -> _Fit:
    regression = regress(y, v, matrix.design(), tau2=tau2, ci=ci, level=level)
    covariance = np.array(regression.covariance)
    z, _, back = matrix.design().centred()
    modelled = back @ weighted_least_squares(y, 1 / (v + regression.tau2), z)[1] @ back.T

    def tests(rows: Array) -> tuple[Array, list[float | None], list[bool]]:
        variance = np.einsum("np,pq,nq->n", rows, covariance, rows)
        return np.sqrt(np.maximum(variance, 0.0)), [regression.df] * len(rows), [True] * len(rows)

    def wald(rows: Array) -> tuple[float, float | None, float]:
        statistic, p = wald_test_of(regression, rows)
        return statistic, regression.df, p

    return _Fit(
        beta=np.array(regression.estimate),
        covariance=covariance,
        modelled=modelled,
        left=Left(
            tau2=regression.tau2,
            omega2=None,
            i2=regression.i2,
            r2=regression.r2,
            r2_between=regression.r2,
            r2_within=None,
            q=regression.q,
            q_df=regression.q_df,
            q_p=regression.q_p,
            log_likelihood=regression.log_likelihood,
        ),
        rho=None,
        method=tau2,
        ci_method=regression.ci_method,
        df_new=regression.df,
        notes=tuple(note for note in regression.notes if note == EXACT_FIT),
        tests=tests,
        wald=wald,
    )


def _dependent(y: Array, v: Array, matrix: ModelMatrix, cluster: Sequence[Hashable], rho: float, level: float) -> _Fit:
    z, _, back = matrix.design().centred()
    fitted = fit_multilevel(y, v, z, cluster, rho=rho)
    parts = fitted.blocks
    cut = parts.starts[1:]
    x, marginal = np.split(parts.x, cut), parts.marginal(fitted.tau2, fitted.omega2)
    residuals = np.split(parts.y - parts.x @ fitted.beta, cut)
    of_all = robust(residuals, fitted.beta, x, marginal, level=level)

    def tests(rows: Array) -> tuple[Array, list[float | None], list[bool]]:
        tested = robust(residuals, fitted.beta, x, marginal, level=level, rows=rows @ back)
        return tested.se, [float(df) for df in tested.df], [bool(spread) for spread in tested.spread]

    def wald(rows: Array) -> tuple[float, float | None, float]:
        f, _, df2, p = wald_test(fitted.beta, of_all, x, marginal, rows @ back)
        return f, df2, p

    return _Fit(
        beta=back @ fitted.beta,
        covariance=back @ of_all.covariance @ back.T,
        modelled=back @ fitted.covariance @ back.T,
        left=_left(fitted, fit_multilevel(y, v, np.ones((len(y), 1)), cluster, rho=rho)),
        rho=rho,
        method="REML",
        ci_method="cr2",
        df_new=float(len(x) - matrix.x.shape[1] - 1),
        notes=(),
        tests=tests,
        wald=wald,
    )


def _left(fitted: Multilevel, empty: Multilevel) -> Left:
    """What a model of dependent effects leaves, beside the one without moderators."""
    k, p = fitted.blocks.x.shape
    rest, total = fitted.tau2 + fitted.omega2, empty.tau2 + empty.omega2

    def explained(left: float, before: float) -> float | None:
        return max(0.0, 100 * (1 - left / before)) if before > 0 else None

    return Left(
        tau2=fitted.tau2,
        omega2=fitted.omega2,
        i2=100 * rest / (rest + fitted.typical),
        r2=explained(rest, total) or 0.0,
        r2_between=explained(fitted.tau2, empty.tau2),
        r2_within=explained(fitted.omega2, empty.omega2),
        q=fitted.q,
        q_df=k - p,
        q_p=float(scipy.special.chdtrc(k - p, fitted.q)),
        log_likelihood=fitted.log_likelihood,
    )


def _combinations(fit: _Fit, names: Sequence[str], rows: Array, alone: Array, level: float) -> list[Combination]:
    """The combinations `rows` (n, p) of the coefficients with their tests, or why there is none."""
    errors, degrees, spreads = fit.tests(rows)
    combinations = []
    for name, row, se, df, spread in zip(names, rows, errors, degrees, spreads, strict=True):
        estimate = float(row @ fit.beta)
        note = _no_test(row, df, spread, alone)
        if note:
            combinations.append(Combination(name, estimate, None, df, None, None, None, None, note))
            continue
        half = _quantile(df, level) * float(se)
        statistic = estimate / float(se)
        tail = scipy.special.ndtr(-abs(statistic)) if df is None else scipy.special.stdtr(df, -abs(statistic))
        low, high = estimate - half, estimate + half
        combinations.append(Combination(name, estimate, float(se), df, statistic, float(2 * tail), low, high, ""))
    return combinations


def _no_test(row: Array, df: float | None, spread: bool, alone: Array) -> str:
    """Why a combination of coefficients has no test; nothing where it has one."""
    if np.abs(row @ alone).max(initial=0.0) > _ALONE * np.abs(row).max():
        return f"no test: {ONE_SAMPLE_ALONE}"
    if df is not None and df < LEAST_DF:
        return too_few_df(df)
    return "" if spread else "no test: the effects have no spread around the model"


def _quantile(df: float | None, level: float) -> float:
    tail = 0.5 + level / 2
    return float(scipy.special.ndtri(tail) if df is None else scipy.special.stdtrit(df, tail))


def _with_prediction(fit: _Fit, mean: Combination, level: float) -> Combination:
    """A mean with the interval of a new sample's effect there."""
    if mean.se is None or (fit.df_new is not None and fit.df_new < 1):
        return mean
    half = _quantile(fit.df_new, level) * math.sqrt(mean.se**2 + fit.between)
    return replace(mean, pi_low=mean.estimate - half, pi_high=mean.estimate + half)


def _carried(x: Array, cluster: Sequence[Hashable]) -> Array:
    """Directions (p, n) of the coefficients that the design does not see once some sample is left out.

    A combination that has a share in one of them hangs on that sample: the level that only it has, whatever stands
    against a reference that only it has, a cell of an interaction.
    """
    members: dict[Hashable, list[int]] = {}
    for i, sample in enumerate(cluster):
        members.setdefault(sample, []).append(i)
    norms = np.linalg.norm(x, axis=0)
    unseen = [np.zeros((x.shape[1], 0))]
    for positions in members.values():
        rest = np.delete(x, positions, axis=0) / norms
        sizes, directions = np.linalg.svd(rest)[1:]
        sizes = np.concatenate([sizes, np.zeros(x.shape[1] - len(sizes))])
        unseen.append(directions[sizes <= LEAST_APART * sizes[0]].T / norms[:, None])
    lost = np.column_stack(unseen)
    return np.asarray(lost / np.maximum(np.linalg.norm(lost, axis=0), 1e-300))


def _term_tests(fit: _Fit, matrix: ModelMatrix, alone: Array) -> tuple[TermTest, ...]:
    """The test of each term, and of all together."""
    p = len(fit.beta)
    whole = tuple(range(1, p))
    terms = {**matrix.terms, "all": whole} if len(matrix.terms) > 1 else {"all": whole}
    tests = []
    for term, coefficients in terms.items():
        inflation = None if term == "all" else gvif(fit.modelled, coefficients)
        tests.append(_term_test(fit, term, np.eye(p)[list(coefficients)], alone, inflation))
    return tuple(tests)


def _term_test(fit: _Fit, term: str, rows: Array, alone: Array, gvif: float | None) -> TermTest:
    kept = _rows_of_several(rows, alone)
    left_out = len(rows) - len(kept)
    exclusion = f"{left_out} of {len(rows)} coefficients not in the test: {ONE_SAMPLE_ALONE}" if left_out else ""

    def none(reason: str) -> TermTest:
        return TermTest(term, None, len(kept), None, None, gvif, "; ".join(filter(None, [exclusion, reason])))

    if not len(kept):
        return none(NOTHING_TO_TEST)
    try:
        statistic, df2, p = fit.wald(kept)
    except InputError as error:
        return none(f"no test: {error.problems[0].hint}")
    if df2 is not None and df2 < LEAST_DF:
        return none(too_few_df(df2))
    return TermTest(term, statistic, len(kept), df2, p, gvif, exclusion)


def _rows_of_several(rows: Array, alone: Array) -> Array:
    """The combinations of `rows` (q, p) that no sample carries alone."""
    shares = rows @ alone
    if not shares.size or np.abs(shares).max() <= _ALONE:
        return rows
    directions, sizes, _ = np.linalg.svd(shares)
    rank = int((sizes > _ALONE * sizes[0]).sum())
    return np.asarray(directions[:, rank:].T @ rows)


def _name(point: Mapping[str, float | str]) -> str:
    return ", ".join(
        f"{name} = {value:g}" if isinstance(value, float | int) else f"{name} = {value}"
        for name, value in point.items()
    )
