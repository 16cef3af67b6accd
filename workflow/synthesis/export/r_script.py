"""The metafor call that reproduces a fit in R, with its data and the numbers that it must give."""

from __future__ import annotations

import json

from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import MULTILEVEL

DATA_COLUMNS = ("effect_id", "sample_id", "label", "yi", "vi")
_TEST = {"wald": "z", "wald_t": "t", "hksj": "knha", "hksj_adhoc": "adhoc"}
_UNKNOWN_METHODS = ("DL2", "HE2")
# Estimates of metafor's default optimisers agree to about this, relative to the number.
TOLERANCE = 1e-4


def r_data(document: Fitted) -> list[dict[str, Cell]]:
    """One record per effect, in the order of the fit."""
    return [
        {"effect_id": m.effect_id, "sample_id": s.sample_id, "label": s.label, "yi": m.yi, "vi": m.vi}
        for s in document.studies
        for m in s.members
    ]


def r_script(document: Fitted) -> str:
    """An R script that reads `<synthesis>.csv` beside it, fits the model, and stops where a number differs.

    A single sample has no fit: its script shows the estimate and the normal interval. metafor has no two-step
    DerSimonian-Laird or Hedges estimator: those scripts fit with tau2 fixed at our value.
    """
    name = document.synthesis
    lines = [
        f"# {_comment(document.title)}",
        "# Made with the results; run it in this folder. Needs metafor" + _clubsandwich(document),
        "library(metafor)",
        f'dat <- read.csv("{name}.csv")',
        'dat <- escalc(measure = "GEN", yi = yi, vi = vi, data = dat)',
        *_fit(document),
        *_expected(document),
    ]
    return "\n".join(lines) + "\n"


def _comment(words: str) -> str:
    """On one line, whatever a title holds."""
    return " ".join(words.split())


def _clubsandwich(document: Fitted) -> str:
    return " and clubSandwich." if document.fit.ci_method == "cr2" else "."


def _fit(document: Fitted) -> list[str]:
    level = 100 * document.fit.level
    if document.fit.samples == 1:
        return [*_composites(document), f'res <- rma(yi, vi, data = dat, method = "FE", level = {level:g})']
    if document.fit.model in MULTILEVEL:
        variance = "vi"
        lines = []
        if document.fit.model == "che":
            lines = [f"V <- vcalc(vi, cluster = sample_id, obs = effect_id, rho = {document.fit.rho:g}, data = dat)"]
            variance = "V"
        call = f"yi, {variance}, random = ~ 1 | sample_id / effect_id, data = dat, level = {level:g}"
        if document.fit.ci_method != "cr2":
            return [*lines, f'res <- rma.mv({call}, test = "t", dfs = "contain")']
        return [*lines, f"fit <- rma.mv({call})", "res <- robust(fit, cluster = sample_id, clubSandwich = TRUE)"]
    method, test = document.fit.method, _TEST[document.fit.ci_method]
    fixed = f", tau2 = {document.fit.tau2!r}" if method in _UNKNOWN_METHODS else ""
    method = "DL" if method in _UNKNOWN_METHODS else method
    return [
        *_composites(document),
        f'res <- rma(yi, vi, data = dat, method = "{method}", test = "{test}", level = {level:g}{fixed})',
    ]


def _composites(document: Fitted) -> list[str]:
    if document.fit.composite_rho is None or all(len(study.members) == 1 for study in document.studies):
        return []
    rho = document.fit.composite_rho
    return [f'dat <- aggregate(dat, cluster = sample_id, struct = "CS", rho = {rho:g}, weighted = FALSE)']


def _expected(document: Fitted) -> list[str]:
    """The numbers that the fit must give, and the check."""
    numbers = {"estimate": "c(res$beta)", "ci_low": "c(res$ci.lb)", "ci_high": "c(res$ci.ub)"}
    lines = ["print(res)", "# What this project computed:"]
    names = dict(numbers)
    if document.fit.model in MULTILEVEL:
        names |= {"tau2": "res$sigma2[1]", "omega2": "res$sigma2[2]"}
    elif document.fit.samples > 1 and document.fit.tau2 is not None:
        names["tau2"] = "res$tau2"
    values = ", ".join(f"{key} = {json.dumps(getattr(document.fit, key))}" for key in names)
    found = ", ".join(f"{key} = {code}" for key, code in names.items())
    largest = max(map(abs, (document.fit.estimate, document.fit.ci_low, document.fit.ci_high)))
    return [
        *lines,
        f"expected <- c({values})",
        f"found <- c({found})",
        f"stopifnot(all(abs(found - expected) < {TOLERANCE:g} * pmax(abs(expected), {largest:.3g})))",
    ]
