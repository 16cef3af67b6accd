"""Meta-regression where effects share samples: multilevel working model, cluster-robust tests."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synthesis.errors import InputError
from synthesis.meta.inputs import check_effects, check_level, check_rho, labels, table
from synthesis.meta.kernel import Array, Mask
from synthesis.meta.multilevel import fit_multilevel
from synthesis.meta.regression import (
    Design,
    Moderator,
    Regression,
    check_range,
    contrast_of_all,
    matrix_of,
    thin_notes,
    wald_test_of,
)
from synthesis.meta.robust import LEAST_DF, Robust, mean_intervals, robust, too_few_df, wald_test

NOTHING_TO_TEST = "no test: fewer than two levels are left"


@dataclass(frozen=True, slots=True)
class RobustRegression:
    """A meta-regression with CR2 tests, in the units of yi; tuples follow `names`, the first is the intercept.

    `se`, `statistic`, `p` and limits are None where a coefficient has fewer than 4 degrees of freedom, where its robust
    variance is 0 because effects are equal, and where a level is that of a single sample: its residuals are 0, and the
    robust variance would take that for certainty.
    `f`, `f_df1`, `f_df2`, `f_p`: approximate Hotelling T2 test of all moderators, over the levels that two or more
    samples hold; None where fewer than two levels are left or it has fewer than 4 degrees of freedom, and `f_note`
    says which. `f_left_out`: the levels that are not in the test, each with the reason. `means`: mean effect and its
    limits at the design rows that were asked for.
    """

    k: int
    samples: int
    names: tuple[str, ...]
    estimate: tuple[float, ...]
    se: tuple[float | None, ...]
    statistic: tuple[float | None, ...]
    df: tuple[float, ...]
    p: tuple[float | None, ...]
    ci_low: tuple[float | None, ...]
    ci_high: tuple[float | None, ...]
    f: float | None
    f_df1: int | None
    f_df2: float | None
    f_p: float | None
    f_left_out: tuple[tuple[str, str], ...]
    f_note: str
    tau2: float
    omega2: float
    q: float
    q_df: int
    log_likelihood: float
    rho: float
    level: float
    notes: tuple[str, ...]
    means: tuple[tuple[float, float | None, float | None], ...] = ()


def robust_regress(
    yi: ArrayLike,
    vi: ArrayLike,
    moderators: Design | Mapping[str, Moderator],
    cluster: Sequence[Hashable],
    *,
    rho: float = 0.6,
    level: float = 0.95,
    at: ArrayLike | None = None,
) -> RobustRegression:
    """Regression of effects (k,) that share samples, named by `cluster` (k,), on moderators.

    The working model has correlated (`rho`) and hierarchical effects by REML, rho = 0 being the three-level model;
    tests are CR2 with Satterthwaite df, Pustejovsky & Tipton (2022). `at`: design rows (n, p) whose mean effects go
    into `means`. Raises InputError for bad effects, designs and fewer samples than coefficients plus one.
    """
    y, v = check_effects(yi, vi)
    check_level(level)
    check_rho(rho)
    cluster = labels("cluster", cluster, len(y))
    matrix = matrix_of(moderators, len(y))
    rows = None if at is None else table("at", at, len(matrix.names))
    check_range(v)
    return _tested_model(y, v, matrix, cluster, rho, level, rows)


def _tested_model(
    y: Array, v: Array, matrix: Design, cluster: Sequence[Hashable], rho: float, level: float, at: Array | None
) -> RobustRegression:
    k, p = matrix.x.shape
    z, centres, back = matrix.centred()
    fitted = fit_multilevel(y, v, z, cluster, rho=rho)
    parts = fitted.blocks
    cut = parts.starts[1:]
    x, marginal = np.split(parts.x, cut), parts.marginal(fitted.tau2, fitted.omega2)
    residuals = np.split(parts.y - parts.x @ fitted.beta, cut)
    tested = robust(residuals, fitted.beta, x, marginal, level=level, rows=back)
    tested.df[_carried_by_one(matrix, cluster)] = 0.0
    has_test = (tested.df >= LEAST_DF) & tested.spread
    contrast = contrast_of_all(matrix, cluster, y)
    of_all, f_note = _test_of_all(fitted.beta, tested, x, marginal, contrast.rows)
    f, f_df1, f_df2, f_p = of_all or (None, None, None, None)
    return RobustRegression(
        k=k,
        samples=tested.clusters,
        names=matrix.names,
        estimate=tuple(map(float, back @ fitted.beta)),
        se=_where(has_test, tested.se),
        statistic=_where(has_test, tested.statistic),
        df=tuple(map(float, tested.df)),
        p=_where(has_test, tested.p),
        ci_low=_where(has_test, tested.ci_low),
        ci_high=_where(has_test, tested.ci_high),
        f=f,
        f_df1=f_df1,
        f_df2=f_df2,
        f_p=f_p,
        f_left_out=contrast.left_out,
        f_note=f_note,
        tau2=fitted.tau2,
        omega2=fitted.omega2,
        q=fitted.q,
        q_df=k - p,
        log_likelihood=fitted.log_likelihood,
        rho=rho,
        level=level,
        notes=(*thin_notes(tested.clusters, p), *_untested(matrix.names, tested)),
        means=() if at is None else tuple(mean_intervals(at - centres, fitted.beta, tested, x, marginal, level)),
    )


def _where(has_test: Mask, values: Array) -> tuple[float | None, ...]:
    return tuple(float(value) if known else None for value, known in zip(values, has_test, strict=True))


def _untested(names: Sequence[str], tested: Robust) -> Iterator[str]:
    """Which coefficients have no test, and why."""
    low = [name for name, df in zip(names, tested.df, strict=True) if df < LEAST_DF]
    if low:
        yield f"fewer than {LEAST_DF:g} degrees of freedom, no test: " + ", ".join(low)
    alike = [name for name, spread in zip(names, tested.spread, strict=True) if not spread and name not in low]
    if alike:
        yield "the effects have no spread around the model, no test: " + ", ".join(alike)


def _test_of_all(
    beta: Array, tested: Robust, x: list[Array], marginal: list[Array], contrast: Array
) -> tuple[tuple[float, int, float, float] | None, str]:
    """The test of all moderators, or None and why."""
    if not len(contrast):
        return None, NOTHING_TO_TEST
    try:
        wald = wald_test(beta, tested, x, marginal, contrast)
    except InputError as error:
        return None, f"no test: {error.problems[0].hint}"
    return (wald, "") if wald[2] >= LEAST_DF else (None, too_few_df(wald[2]))


@dataclass(frozen=True, slots=True)
class JointTest:
    """The test of all moderators: F, or Q for normal tests (`df2` None).

    `left_out` has the levels that are not in the test with the reasons (`contrast_of_all`). All numbers are None where
    there is no test, which takes two levels and 4 degrees of freedom; `note` then says why.
    """

    statistic: float | None
    df1: int | None
    df2: float | None
    p: float | None
    left_out: tuple[tuple[str, str], ...]
    note: str


def no_joint_test(note: str, left_out: tuple[tuple[str, str], ...] = ()) -> JointTest:
    """What stands in the place of a joint test where there is none."""
    return JointTest(None, None, None, None, left_out, note)


def joint_test(fit: Regression | RobustRegression, matrix: Design, cluster: Sequence[Hashable], y: Array) -> JointTest:
    """The test of all moderators of a regression of effects `y` (k,) that share samples, named by `cluster` (k,)."""
    contrast = contrast_of_all(matrix, cluster, y)
    if isinstance(fit, RobustRegression):
        if fit.f is None:
            return no_joint_test(fit.f_note, contrast.left_out)
        return JointTest(fit.f, fit.f_df1, fit.f_df2, fit.f_p, contrast.left_out, "")
    if not len(contrast.rows):
        return no_joint_test(NOTHING_TO_TEST, contrast.left_out)
    if fit.k - len(fit.names) < LEAST_DF:
        return no_joint_test(too_few_df(fit.k - len(fit.names)), contrast.left_out)
    statistic, p = wald_test_of(fit, contrast.rows)
    return JointTest(statistic, len(contrast.rows), fit.df, p, contrast.left_out, "")


def levels_left_out(test: JointTest) -> str:
    """Which levels are not in a joint test, and why, in words; nothing where all are."""
    levels = [f"{level} ({reason})" for level, reason in test.left_out]
    return f"not in the test: {', '.join(levels)}" if levels else ""


def _carried_by_one(matrix: Design, cluster: Sequence[Hashable]) -> list[int]:
    """Columns of factor levels that only one sample holds; all of a factor, and the intercept, for its reference."""
    carried: set[int] = set()
    for name, levels in matrix.levels.items():
        columns = [matrix.names.index(name + level) for level in levels[1:]]
        reference = matrix.x[:, columns].sum(axis=1) == 0
        holders = [
            len({c for c, inside in zip(cluster, mask, strict=True) if inside})
            for mask in (reference, *(matrix.x[:, j] == 1 for j in columns))
        ]
        carried |= {j for j, count in zip(columns, holders[1:], strict=True) if count == 1}
        if holders[0] == 1:
            carried |= {0, *columns}
    return sorted(carried)
