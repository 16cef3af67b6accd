"""What is compared for dependent effects: multilevel models, cluster-robust tests, aggregation."""

from __future__ import annotations

from typing import Any

import numpy as np
import synthesis
from synthesis.meta.dependence import composites
from synthesis.meta.multilevel import fit_multilevel, variance_interval
from synthesis.meta.regression import design
from synthesis.meta.robust import robust, wald_test
from tally import BASIC, EXCEPTIONS, Tally, cells_of, data, reference, section


def _robust_univariate(
    tally: Tally, name: str, path: str, stored: dict[str, Any], method: str, cluster: list[Any], scale: float
) -> None:
    y, v, _ = data(name)
    fit = synthesis.pool(y, v, tau2=method)
    members: dict[Any, list[int]] = {}
    for i, c in enumerate(cluster):
        members.setdefault(c, []).append(i)
    marginal = [np.diag(v[m] + (fit.tau2 or 0.0)) for m in members.values()]
    residuals = [y[m] - fit.estimate for m in members.values()]
    x = [np.ones((len(m), 1)) for m in members.values()]
    for correction, key in (("CR0", "CR0"), ("CR1", "CR1"), ("CR2", "clubSandwich_CR2")):
        expected = stored.get(key)
        if expected:
            found = robust(residuals, np.array([fit.estimate]), x, marginal, correction)
            _robust(tally, name, f"{path}.{correction}", found, expected, scale)


def _robust(tally: Tally, name: str, path: str, found: Any, expected: dict[str, Any], scale: float) -> None:
    names = {"se": "se", "zval": "statistic", "pval": "p", "ci_lb": "ci_low", "ci_ub": "ci_high", "dfs": "df"}
    for theirs, ours in names.items():
        tally.check(name, f"{path}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)


def robust_study(tally: Tally, name: str) -> None:
    stored = section(name, "robust_study")
    _, _, scale = data(name)
    rows = list(range(len(reference(name)["data"]["yi"])))
    for method in ("FE", "REML"):
        found = {key.removeprefix(f"rma_{method}_"): value for key, value in stored.items() if f"_{method}_" in key}
        _robust_univariate(tally, name, f"robust_study.{method}", found, method, rows, scale)


MULTILEVEL = {
    "ml3": {}, "ml3_ML": {"restricted": False}, "che_rho0.6": {"rho": 0.6}, "che_rho0.3": {"rho": 0.3},
    "che_rho0.8": {"rho": 0.8}, "ce_rho0.6": {"rho": 0.6, "within": False},
}  # fmt: skip


def multilevel(tally: Tally, name: str) -> None:
    stored = reference(name).get("mv")
    if stored is None:
        return
    y, v, scale = data(name)
    cluster = reference(name)["table"][reference(name)["meta"]["cluster"]]
    ones = np.ones((len(y), 1))
    for key, options in MULTILEVEL.items():
        if stored.get(key):
            _one_multilevel(tally, name, f"mv.{key}", y, v, ones, cluster, options, stored[key], stored, scale)
    if stored.get("rma_REML_robust"):
        _robust_univariate(tally, name, "mv.rma_robust", stored["rma_REML_robust"], "REML", cluster, scale)
    for key, expected in stored.items():
        if key.startswith("ml3_mod_") and not key.endswith(("_CR2", "_wald")) and expected:
            column = key.removeprefix("ml3_mod_")
            factor = column in reference(name)["meta"]["factor_moderators"]
            cells = cells_of(name, column, factor)
            keep = np.array([cell is not None for cell in cells])
            matrix = design({column: [c for c in cells if c is not None]}, int(keep.sum()))
            rest = [c for c, k in zip(cluster, keep, strict=True) if k]
            assert list(matrix.names) == expected["names"]
            _one_multilevel(tally, name, f"mv.{key}", y[keep], v[keep], matrix.x, rest, {}, expected, stored, scale)
    if stored.get("ml3_pet_CR2"):
        expected = stored["ml3_pet_CR2"]
        matrix = design({"sei": list(np.sqrt(v))}, len(y))
        path = "mv.ml3_pet_CR2"
        _one_multilevel(
            tally, name, path, y, v, matrix.x, cluster, {}, expected, {"ml3_pet_CR2_CR2": expected["CR2"]}, scale
        )
    for key, expected in stored.items():
        if key.startswith("aggregate_rho") and expected:
            rho = float(key.removeprefix("aggregate_rho"))
            combined = composites(y, v, cluster, rho, inverse_variance=True)
            rows = {str(c): i for i, c in enumerate(combined.samples)}
            order = [
                rows[f"{c:g}" if isinstance(c, float) else str(c)] if str(c) in rows else rows[str(float(c))]
                for c in expected["cluster"]
            ]
            tally.check(name, f"mv.{key}.yi", "estimate", combined.yi[order], expected["yi"], scale)
            tally.check(name, f"mv.{key}.vi", "covariance", combined.vi[order], expected["vi"], scale**2)
            fit = synthesis.pool(combined.yi, combined.vi, ci="wald")
            for theirs, ours in (BASIC | {"tau2": "tau2", "QE": "q"}).items():
                tally.check(
                    name, f"mv.{key}.rma.{theirs}", ours, getattr(fit, ours), expected["rma_REML"][theirs], scale
                )


def _one_multilevel(
    tally: Tally,
    name: str,
    path: str,
    y: Any,
    v: Any,
    x: Any,
    cluster: Any,
    options: Any,
    expected: Any,
    stored: Any,
    scale: float,
) -> None:
    found = fit_multilevel(y, v, x, cluster, **options)
    likelihood = expected["ll_ML"] if options.get("restricted") is False else expected["ll_REML"]
    if (name, path) in EXCEPTIONS:
        assert found.log_likelihood > likelihood, (name, path)
    key = path.removeprefix("mv.")
    tally.check(name, f"{path}.ll", "log_likelihood", found.log_likelihood, likelihood, 1.0)
    tally.check(name, f"{path}.beta", "estimate", found.beta, expected["beta"], scale)
    tally.check(name, f"{path}.se", "se", np.sqrt(np.diag(found.covariance)), expected["se"], scale)
    components = [found.tau2, found.omega2][: len(expected["sigma2"])]
    tally.check(name, f"{path}.sigma2", "tau2", components, expected["sigma2"], scale**2)
    tally.check(name, f"{path}.QE", "q", found.q, expected["QE"], 1.0)
    parts = found.blocks
    cut = parts.starts[1:]
    designs, marginal = np.split(parts.x, cut), parts.marginal(found.tau2, found.omega2)
    residuals = np.split(parts.y - parts.x @ found.beta, cut)
    tests = dict(stored.get(f"{key}_robust") or {})
    if stored.get(f"{key}_CR2"):
        tests["clubSandwich_CR2"] = stored[f"{key}_CR2"]
    for correction, label in (("CR0", "CR0"), ("CR1", "CR1"), ("CR2", "clubSandwich_CR2")):
        if tests.get(label):
            tested = robust(residuals, found.beta, designs, marginal, correction)
            _robust(tally, name, f"{path}.{correction}", tested, tests[label], scale)
    wald = stored.get(f"{key}_wald")
    if wald:
        row = wald["test"].index("HTZ")
        tested = robust(residuals, found.beta, designs, marginal)
        if wald["df_denom"][row] not in (None, "Inf") and float(wald["df_denom"][row]) > 0:
            f, _, df2, p = wald_test(found.beta, tested, designs, marginal, np.eye(len(found.beta))[1:])
            tally.check(name, f"{path}.HTZ.F", "statistic", f, wald["Fstat"][row], 1.0)
            tally.check(name, f"{path}.HTZ.df", "df", df2, wald["df_denom"][row], 1.0)
            tally.check(name, f"{path}.HTZ.p", "p", p, wald["pval"][row], 1.0)
    if key == "ml3" and stored.get("ml3_I2"):
        total = found.tau2 + found.omega2
        share = 100 * total / (total + found.typical)
        tally.check(name, f"{path}.I2", "i2", share, stored["ml3_I2"]["total"], 1.0)
    if key == "ml3" and stored.get("ml3_confint") and len(y) < 200:
        for component, row in enumerate(stored["ml3_confint"]):
            low, high = variance_interval(found, component, 0.95)
            tally.check(name, f"{path}_confint.lb", "tau2", low, row["lb"], scale**2)
            tally.check(name, f"{path}_confint.ub", "tau2", high, row["ub"], scale**2)
