"""Joint regressions as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from synthesis.meta.joint import Combination, JointRegression
from synthesis.results.diagnosed import JointFit, RegressionRow

_LEFT = {
    "tau2": "variance between samples",
    "omega2": "variance within samples",
    "i2": "I2 of what is left, in percent",
    "r2": "R2, in percent",
    "r2_between": "R2 between samples, in percent",
    "r2_within": "R2 within samples, in percent",
}


def joint_rows(synthesis: str, joint: JointFit) -> Iterator[RegressionRow]:
    """The rows of a joint regression: coefficients, tests, means, predictions, heterogeneity."""
    row = partial(
        RegressionRow,
        synthesis=synthesis,
        model=joint.model,
        formula=joint.formula,
        k=joint.k,
        without_value=joint.without_value,
    )
    fit = joint.fit
    if fit is None:
        yield row(kind="refused", note=joint.refused)
        return
    row = partial(row, samples=fit.samples)
    shuffled = fit.permutation
    p_of = dict(zip(shuffled.names, shuffled.p, strict=True)) if shuffled else {}
    for coefficient, vif in zip(fit.coefficients, fit.vif, strict=True):
        yield _combination(row, "coefficient", coefficient, p_of.get(coefficient.name), vif)
    for test in fit.terms:
        yield row(
            kind="test",
            term=test.term,
            estimate=test.statistic,
            df1=test.df1,
            df=test.df2,
            p=test.p,
            p_permutation=shuffled.p_all if shuffled and test.term == "all" else None,
            vif=test.gvif,
            note=test.note,
        )
    for kind, combinations in (("mean", fit.means), ("predicted", fit.predicted)):
        for value in combinations:
            yield _combination(row, kind, value)
    yield from _left(row, fit)


def _combination(
    row: partial[RegressionRow], kind: str, value: Combination, shuffled: float | None = None, vif: float | None = None
) -> RegressionRow:
    return row(
        kind=kind,
        term=value.name,
        estimate=value.estimate,
        se=value.se,
        df=value.df,
        ci_low=value.ci_low,
        ci_high=value.ci_high,
        pi_low=value.pi_low,
        pi_high=value.pi_high,
        p=value.p,
        p_permutation=shuffled,
        vif=vif,
        note=value.note,
    )


def _left(row: partial[RegressionRow], fit: JointRegression) -> Iterator[RegressionRow]:
    """What is left, and what is explained."""
    left = fit.left
    for name, words in _LEFT.items():
        value = getattr(left, name)
        if value is not None:
            yield row(kind="heterogeneity", term=name, estimate=value, note=words)
    note = "; ".join(["residual heterogeneity", *fit.notes])
    yield row(kind="heterogeneity", term="Q", estimate=left.q, df=float(left.q_df), p=left.q_p, note=note)
