"""What is compared with the reference, section by section; see validation.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import synthesis
from synthesis.meta import bias, influence
from synthesis.meta.bayes import bayes
from synthesis.meta.heterogeneity import describe, tau2_interval
from synthesis.meta.permutation import permutation_test
from synthesis.meta.pool import prediction_interval
from synthesis.meta.regression import design, predict, regress, subgroups
from synthesis.meta.selection_model import selection_model
from tally import BASIC, Tally, cells_of, data, reference, section
from validation_dependent import multilevel, robust_study

TESTS = {"z": "wald", "t": "wald_t", "knha": "hksj", "adhoc": "hksj_adhoc"}
MANY = BASIC | {"Q": "q", "Qp": "q_p", "tau2": "tau2", "I2": "i2", "H2": "h2"}


def _rma(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    fields = BASIC | {
        "tau2": "tau2", "se_tau2": "tau2_se", "I2": "i2", "H2": "h2", "QE": "q", "QEp": "q_p", "ddf": "df",
        "ll": "log_likelihood", "AIC": "aic", "BIC": "bic",
    }  # fmt: skip
    for method, by_test in reference(name)["rma"].items():
        for test, expected in by_test.items():
            fit = synthesis.pool(y, v, tau2=method, ci=TESTS[test])
            path = f"rma.{method}.{test}"
            for theirs, ours in fields.items():
                tally.check(name, f"{path}.{theirs}", ours, getattr(fit, ours), expected.get(theirs), scale)
            if method == "FE":
                continue
            k = fit.samples
            for suffix, se, df in (
                ("", fit.se, fit.df),
                ("_riley", fit.se, k - 2),
                ("_t", fit.se, k - 1),
                ("_simple", 0.0, None),
            ):
                limits = prediction_interval(fit.estimate, se, fit.tau2, df, 0.95)
                for end, value in zip(("lb", "ub"), limits, strict=True):
                    key = f"pi_{end}{suffix}"
                    tally.check(name, f"{path}.{key}", "pi", value, expected.get(key), scale)


def _intervals(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = section(name, "confint")
    typical = describe(y, v, "REML").typical
    kinds = {
        "QP": ("q_profile", True), "QP_DL": ("q_profile", True),
        "PL_ML": ("profile_likelihood", False), "PL_REML": ("profile_likelihood", True),
    }  # fmt: skip
    for key, (kind, restricted) in kinds.items():
        expected = stored.get(key)
        if expected is None:
            continue
        limits = tau2_interval(y, v, 0.95, kind=kind, restricted=restricted)
        if expected["ci_null"]:
            tally.check(name, f"confint.{key}", "tau2", list(limits), [0.0, 0.0], scale**2)
            continue
        for end, t in zip(("lb", "ub"), limits, strict=True):
            tally.check(name, f"confint.{key}.tau2_{end}", "tau2", t, expected[f"tau2_{end}"], scale**2)
            if kind == "q_profile":
                i2, h2 = 100 * t / (t + typical), (t + typical) / typical
                tally.check(name, f"confint.{key}.I2_{end}", "i2", i2, expected[f"I2_{end}"], 1.0)
                tally.check(name, f"confint.{key}.H2_{end}", "h2", h2, expected[f"H2_{end}"], 1.0)


def _weights(tally: Tally, name: str) -> None:
    y, v, _ = data(name)
    for method, expected in reference(name)["weights"].items():
        fit = synthesis.pool(y, v, tau2=method)
        tally.check(name, f"weights.{method}", "weight", fit.weights, expected, 1.0)


def _fits(tally: Tally, name: str, path: str, fits: Any, expected: dict[str, Any], scale: float) -> None:
    for theirs, ours in MANY.items():
        if expected.get(theirs) is not None:
            tally.check(name, f"{path}.{theirs}", ours, getattr(fits, ours), expected[theirs], scale)


def _deletion(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = reference(name)
    for key, expected in section(name, "leave1out").items():
        method, test = key.split("_")
        fits = influence.leave_one_out(y, v, tau2=method, ci=TESTS[test])
        _fits(tally, name, f"leave1out.{key}", fits, expected, scale)
    for key, expected in section(name, "influence").items():
        ci = "hksj" if key.endswith("knha") else "wald"
        found = influence.influence(y, v, tau2=key.split("_")[0], ci=ci)
        names = {
            "rstudent": "rstudent", "dffits": "dffits", "cook_d": "cook", "cov_r": "cov_ratio",
            "tau2_del": "tau2_without", "QE_del": "q_without", "hat": "hat",
            "dfbs": "dfbetas", "is_infl": "influential", "rstandard": "rstandard",
        }  # fmt: skip
        for theirs, ours in names.items():
            if theirs in expected:
                path = f"influence.{key}.{theirs}"
                tally.check(name, path, ours, getattr(found, ours), expected[theirs], 1.0)
    for method, expected in section(name, "baujat").items():
        coordinates = influence.baujat(y, v, tau2=method)
        tally.check(name, f"baujat.{method}.x", "heterogeneity", coordinates.heterogeneity, expected["x"], 1.0)
        tally.check(name, f"baujat.{method}.y", "influence", coordinates.influence, expected["y"], 1.0)
    if "blup" in stored:
        drawn = influence.shrunken(y, v)
        for theirs, ours in {"pred": "estimate", "se": "se", "pi_lb": "low", "pi_ub": "high"}.items():
            tally.check(name, f"blup.{theirs}", ours, getattr(drawn, ours), stored["blup"][theirs], scale)


def _cumulative(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = reference(name).get("cumul")
    if stored is None:
        return
    rank = np.empty(len(y))
    rank[np.array(stored["order_index"]) - 1] = np.arange(len(y))
    for key, expected in stored.items():
        if isinstance(expected, dict):
            method, test = key.split("_")
            _, fits = influence.cumulative(y, v, list(rank), tau2=method, ci=TESTS[test])
            _fits(tally, name, f"cumul.{key}", fits, expected, scale)


def _gosh(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    for method, expected in section(name, "gosh").items():
        found = synthesis.gosh(y, v, method)
        place = {mask: i for i, mask in enumerate(found.mask.tolist())}
        order = [place[mask] for mask in expected["subset_mask"]]
        for theirs, ours in {"estimate": "estimate", "tau2": "tau2", "I2": "i2", "QE": "q"}.items():
            tally.check(name, f"gosh.{method}.{theirs}", ours, getattr(found, ours)[order], expected[theirs], scale)


def _permutations(tally: Tally, name: str) -> None:
    y, v, _ = data(name)
    for key, expected in section(name, "permutest").items():
        method, test = key.split("_")
        found = permutation_test(y, v, tau2=method, ci=TESTS[test])
        assert found.exact
        assert found.iterations == expected["iter"]
        tally.check(name, f"permutest.{key}.pval", "p", found.p[0], expected["pval"], 1.0)
        tally.check(name, f"permutest.{key}.zval", "statistic", found.statistic[0], expected["zval"], 1.0)


REGRESSION = {
    "beta": "estimate", "se": "se", "zval": "statistic", "pval": "p", "ci_lb": "ci_low", "ci_ub": "ci_high",
    "ddf": "df", "QM": "qm", "QMp": "qm_p", "QE": "q", "QEdf": "q_df", "QEp": "q_p", "tau2": "tau2",
    "se_tau2": "tau2_se", "I2": "i2", "H2": "h2", "R2": "r2", "ll": "log_likelihood",
}  # fmt: skip


def _regression(tally: Tally, name: str, path: str, found: Any, expected: dict[str, Any], scale: float) -> None:
    for theirs, ours in REGRESSION.items():
        if expected.get(theirs) is not None:
            tally.check(name, f"{path}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
    for ours_row, row in zip(found.covariance, expected["vb"], strict=True):
        tally.check(name, f"{path}.vb", "covariance", ours_row, row, scale**2)


def _moderators(name: str, key: str) -> tuple[dict[str, list[Any]], list[bool]]:
    meta = reference(name)["meta"]
    numeric, factors = meta["numeric_moderators"], meta["factor_moderators"]
    if key == "joint":
        formula = reference(name)["metareg"]["joint"]["formula"].lstrip("~").split(" + ")
    else:
        formula = [key.split("_", 1)[1]]
    assert set(formula) <= {*numeric, *factors}
    cells = {column: cells_of(name, column, column in factors) for column in formula}
    keep = [all(values[i] is not None for values in cells.values()) for i in range(len(reference(name)["data"]["yi"]))]
    return {c: [x for x, k in zip(values, keep, strict=True) if k] for c, values in cells.items()}, keep


def _metareg(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    for key, stored in section(name, "metareg").items():
        cells, keep = _moderators(name, key)
        matrix = design(cells, sum(keep))
        for model, expected in stored.items():
            if not isinstance(expected, dict) or "beta" not in expected:
                continue
            method, test = model.split("_")
            assert list(matrix.names) == expected["names"], (name, key, matrix.names, expected["names"])
            found = regress(y[keep], v[keep], matrix, tau2=method, ci=TESTS[test])
            _regression(tally, name, f"metareg.{key}.{model}", found, expected, scale)
        rows = stored.get("predict_REML_z")
        if rows:
            column = key.split("_", 1)[1]
            new = matrix.rows([{column: value} for value in rows["newmods"]])
            predicted = predict(regress(y[keep], v[keep], matrix, ci="wald"), new)
            names = {
                "pred": "estimate",
                "se": "se",
                "ci_lb": "ci_low",
                "ci_ub": "ci_high",
                "pi_lb": "pi_low",
                "pi_ub": "pi_high",
            }
            for theirs, ours in names.items():
                path = f"metareg.{key}.predict.{theirs}"
                tally.check(name, path, ours, [getattr(p, ours) for p in predicted], rows[theirs], scale)


def _subgroups(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    for column, stored in section(name, "subgroup").items():
        cells = cells_of(name, column, True)
        for model in ("FE_z", "DL_z", "REML_z", "REML_knha"):
            expected = stored.get(model)
            if expected is None:
                continue
            keep = np.array([cell in stored["levels"] for cell in cells])
            groups = [c for c, k in zip(cells, keep, strict=True) if k]
            method, test = model.split("_")
            found = subgroups(y[keep], v[keep], groups, tau2=method, ci=TESTS[test])
            path = f"subgroup.{column}.{model}"
            assert list(found.levels) == sorted(stored["levels"])
            order = [found.levels.index(level) for level in stored["levels"]]
            fits = [found.fits[i] for i in order]
            names = {"k": "k", "estimate": "estimate", "se": "se", "ci_lb": "ci_low", "ci_ub": "ci_high", "pval": "p"}
            for theirs, ours in names.items():
                tally.check(name, f"{path}.{theirs}", ours, [getattr(f, ours) for f in fits], expected[theirs], scale)
            several = [i for i, f in enumerate(fits) if f.samples > 1]
            for theirs, ours in {"tau2": "tau2", "I2": "i2", "QE": "q"}.items():
                wanted = [expected[theirs][i] for i in several]
                tally.check(name, f"{path}.{theirs}", ours, [getattr(fits[i], ours) for i in several], wanted, scale)
            tally.check(name, f"{path}.Qb", "q", found.q_between, expected["Qb"], 1.0)
            tally.check(name, f"{path}.Qb_p", "p", found.q_between_p, expected["Qb_p"], 1.0)
            tally.check(name, f"{path}.Qw", "q", found.q_within, expected.get("Qw"), 1.0)


def _small_study(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = reference(name)
    sizes = stored["table"].get("n") or stored["table"].get("ni")
    for key, expected in section(name, "regtest").items():
        model, predictor = key.split("_")[0], key.split("_")[-1]
        method = key.split("_")[1] if model == "rma" else "REML"
        if expected is None:
            continue
        found = bias.egger(y, v, predictor=predictor, n=sizes, model=model, tau2=method)
        names = {
            "zval": "statistic", "pval": "p", "ddf": "df", "b0": "limit", "b0_se": "limit_se", "b0_pval": "limit_p",
            "b0_ci_lb": "limit_ci_low", "b0_ci_ub": "limit_ci_high", "b1": "slope", "b1_se": "slope_se", "tau2": "tau2",
        }  # fmt: skip
        for theirs, ours in names.items():
            tally.check(name, f"regtest.{key}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
    for kind, exact in (("ranktest", True), ("ranktest_asymptotic", False)):
        if stored.get(kind):
            found = bias.rank_test(y, v, exact=exact)
            tally.check(name, f"{kind}.tau", "tau", found.tau, stored[kind]["tau"], 1.0)
            tally.check(name, f"{kind}.pval", "p", found.p, stored[kind]["pval"], 1.0)
    for key, expected in section(name, "pet_peese").items():
        column = np.sqrt(v) if key.startswith("pet") else v
        label = "sei" if key.startswith("pet") else "vi"
        if key.endswith("wls"):
            found = regress(y, v, {label: list(column)}, tau2="FE", ci="hksj")
            for theirs, ours in {
                "beta": "estimate",
                "se": "se",
                "tval": "statistic",
                "pval": "p",
                "ci_lb": "ci_low",
                "ci_ub": "ci_high",
            }.items():
                tally.check(name, f"pet_peese.{key}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
            continue
        _, method, test = key.split("_")
        found = regress(y, v, {label: list(column)}, tau2=method, ci=TESTS[test])
        _regression(tally, name, f"pet_peese.{key}", found, expected, scale)
    stored_uwls = stored.get("uwls")
    if stored_uwls:
        fit = synthesis.pool(y, v, tau2="FE", ci="hksj")
        for theirs, ours in {
            "estimate": "estimate",
            "se": "se",
            "tval": "statistic",
            "pval": "p",
            "ci_lb": "ci_low",
            "ci_ub": "ci_high",
            "df": "df",
        }.items():
            tally.check(name, f"uwls.{theirs}", ours, getattr(fit, ours), stored_uwls[theirs], scale)


def _missing_studies(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    for key, expected in section(name, "trimfill").items():
        method, estimator = key.split("_")
        if expected is None:
            continue
        found = bias.trim_fill(y, v, estimator=estimator, tau2=method, ci="wald")
        path = f"trimfill.{key}"
        assert found.side == expected["side"]
        for theirs, ours in {"k0": "missing", "se_k0": "missing_se", "p_k0": "missing_p"}.items():
            tally.check(name, f"{path}.{theirs}", ours, getattr(found, ours), expected[theirs], 1.0)
        for theirs, ours in (("filled_yi", found.filled_yi), ("filled_vi", found.filled_vi)):
            tally.check(name, f"{path}.{theirs}", "filled", sorted(ours), sorted(expected[theirs]), scale)
        for theirs, ours in (BASIC | {"tau2": "tau2", "I2": "i2", "QE": "q", "QEp": "q_p"}).items():
            tally.check(name, f"{path}.{theirs}", ours, getattr(found.fit, ours), expected[theirs], scale)
        scaled = bias.trim_fill(y, v, estimator=estimator, tau2=method, ci="hksj").fit
        tally.check(name, f"{path}.knha_se", "se", scaled.se, expected["knha_se"], scale)
        tally.check(name, f"{path}.knha_pval", "p", scaled.p, expected["knha_pval"], scale)
    numbers = section(name, "fsn")
    for key, options in {
        "Rosenthal": {"method": "rosenthal"},
        "Rosenberg": {"method": "rosenberg"},
        "Orwin_weighted": {"method": "orwin"},
        "Orwin_weighted_target0.1": {"method": "orwin", "target": 0.1},
    }.items():
        if numbers.get(key):
            found = bias.fail_safe(y, v, **options)
            tally.check(name, f"fsn.{key}.fsnum", "number", found.number, numbers[key]["fsnum"], 1.0)
            wanted = numbers[key]["pval"] if numbers[key]["pval"] is not None else numbers[key]["est"]
            tally.check(name, f"fsn.{key}.observed", "observed p", found.observed, wanted, scale)


def _extras(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = reference(name).get("extras") or {}
    fit, scaled = synthesis.pool(y, v, ci="wald"), synthesis.pool(y, v, ci="hksj")
    k = fit.samples
    for key, se, df in (
        ("HTS", fit.se, k - 2),
        ("V", fit.se, k - 1),
        ("HK", scaled.se, k - 1),
        ("HK-PR", scaled.se, k - 2),
        ("S", fit.se, None),
    ):
        expected = (stored.get("meta_prediction") or {}).get(key)
        if expected:
            limits = prediction_interval(fit.estimate, se, fit.tau2, df, 0.95)
            tally.check(name, f"extras.{key}", "pi", list(limits), [expected["lb"], expected["ub"]], scale)
    expected = stored.get("bayesmeta_halfnormal0.5_flatmu")
    if expected:
        found = bayes(y, v, tau_scale=0.5)
        columns = {"tau": found.tau, "mu": found.mu, "theta": found.predictive}
        rows = {"mode": "mode", "median": "median", "mean": "mean", "sd": "sd", "95% lower": "low", "95% upper": "high"}
        for column, posterior in columns.items():
            for row, value in zip(expected["rows"], expected[column], strict=True):
                tally.check(
                    name, f"extras.bayesmeta.{column}.{row}", "posterior", getattr(posterior, rows[row]), value, 1.0
                )


def _adjusted(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    stored = reference(name)
    for kind in ("hc", "hc_tight"):
        expected = stored.get(kind)
        if expected:
            found = synthesis.henmi_copas(y, v)
            names = {"estimate": "estimate", "se": "se", "tau2": "tau2", "ci_lb": "ci_low", "ci_ub": "ci_high"}
            for theirs, ours in (names | ({"u0": "multiple"} if kind == "hc_tight" else {})).items():
                tally.check(name, f"{kind}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
    expected = (stored.get("extras") or {}).get("limitmeta")
    if expected:
        found = synthesis.limit_meta(y, v)
        for theirs, ours in {
            "TE_adjust": "estimate", "seTE_adjust": "se", "lower": "ci_low", "upper": "ci_high", "pval": "p",
            "alpha_r": "intercept", "beta_r": "slope", "Q_small": "q_small", "Q_resid": "q_rest",
        }.items():  # fmt: skip
            tally.check(name, f"extras.limitmeta.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
    expected = stored.get("tes")
    if expected:
        found = synthesis.excess_significance(y, v, test=expected["test"])
        for theirs, ours in {
            "O": "observed", "E": "expected", "OEratio": "ratio", "pval": "p", "theta": "effect", "power": "power",
        }.items():  # fmt: skip
            tally.check(name, f"tes.{theirs}", ours, getattr(found, ours), expected[theirs], 1.0)


def _selection(tally: Tally, name: str) -> None:
    y, v, scale = data(name)
    for key, expected in (reference(name).get("selmodel") or {}).items():
        if not key.startswith("step") or not expected or expected.get("status") not in (None, "ok", "polished"):
            continue
        if min(expected["k_per_interval"]) == 0:
            continue
        found = selection_model(
            y, v, steps=tuple(expected["steps"][:-1]), alternative=expected["alternative"].replace(".", "-")
        )
        names = BASIC | {"tau2": "tau2", "se_tau2": "tau2_se", "LRT": "lrt", "LRTp": "lrt_p", "ll": "log_likelihood"}
        for theirs, ours in names.items():
            tally.check(name, f"selmodel.{key}.{theirs}", ours, getattr(found, ours), expected[theirs], scale)
        tally.check(name, f"selmodel.{key}.delta", "delta", found.delta, expected["delta"], 1.0)


COMPARISONS = [
    _rma, _intervals, _weights, _deletion, _cumulative, _gosh, _permutations, _metareg, _subgroups, _small_study,
    _missing_studies, robust_study, multilevel, _extras, _adjusted, _selection,
]  # fmt: skip
