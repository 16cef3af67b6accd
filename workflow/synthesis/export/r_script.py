"""The metafor call that reproduces a fit in R, with its data and the numbers that it must give."""

from __future__ import annotations

import json

from synthesis.results.files import Cell
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import MULTILEVEL
from synthesis.review.declared import crossed_names, in_words

_TEST = {"wald": "z", "wald_t": "t", "hksj": "knha", "hksj_adhoc": "adhoc"}
_UNKNOWN_METHODS = ("DL2", "HE2")
# Estimates of metafor's default optimisers agree to about this, relative to the number.
TOLERANCE = 1e-4


def data_columns(document: Fitted) -> tuple[str, ...]:
    """The columns of the data that the script reads."""
    declared = (*document.studies[0].held_by, *crossed_names(document.studies))
    return ("effect_id", "sample_id", *declared, "label", "yi", "vi")


def r_data(document: Fitted) -> list[dict[str, Cell]]:
    """One record per effect, in the order of the fit, with the user's own columns."""
    declared = own_columns(document)
    rows: list[dict[str, Cell]] = []
    for s in document.studies:
        for m in s.members:
            row: dict[str, Cell] = {"effect_id": m.effect_id, "sample_id": s.sample_id, **s.held_by, **m.crossed}
            rows.append(
                row | {"label": s.label, "yi": m.yi, "vi": m.vi} | {name: m.more.get(name) for name in declared}
            )
    return rows


def own_columns(document: Fitted) -> list[str]:
    """The user's own columns of a fit's effects."""
    return list(dict.fromkeys(name for s in document.studies for m in s.members for name in m.more))


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
        variance, lines = "vi", list[str]()
        nested = " / ".join([*document.studies[0].held_by, "sample_id", "effect_id"])
        if document.fit.levels and document.fit.omega2 is None:
            nested = nested.removesuffix(" / effect_id")
        crossed = crossed_names(document.studies)
        random = ", ".join(f"~ 1 | {name}" for name in (*crossed, nested))
        random = f"list({random})" if crossed else random
        if any(study.sampling for study in document.studies):
            lines, variance = _covariance(document), "V"
        elif document.fit.model == "che" and document.fit.rho is not None:
            lines = [f"V <- vcalc(vi, cluster = sample_id, obs = effect_id, rho = {document.fit.rho:g}, data = dat)"]
            variance = "V"
        ml = ', method = "ML"' if document.fit.method == "ML" else ""
        call = f"yi, {variance}, random = {random}, data = dat, level = {level:g}{ml}"
        if document.fit.ci_method != "cr2":
            return [*lines, f'res <- rma.mv({call}, test = "t", dfs = "contain")']
        return [
            *lines,
            f"fit <- rma.mv({call})",
            f"res <- robust(fit, cluster = {nested.split(' / ')[0]}, clubSandwich = TRUE)",
        ]
    method, test = document.fit.method, _TEST[document.fit.ci_method]
    fixed = f", tau2 = {document.fit.tau2!r}" if method in _UNKNOWN_METHODS else ""
    method = "DL" if method in _UNKNOWN_METHODS else method
    return [
        *_composites(document),
        f'res <- rma(yi, vi, data = dat, method = "{method}", test = "{test}", level = {level:g}{fixed})',
    ]


def _covariance(document: Fitted) -> list[str]:
    """V with the sampling covariance of the effects of each sample that has several, in the order of the rows."""
    comments = (
        [] if document.correlations is None else [f"# Correlations within samples: {in_words(document.correlations)}"]
    )
    lines, at = [*comments, "V <- diag(dat$vi)"], 1
    for study in document.studies:
        count = len(study.members)
        if count > 1:
            values = ", ".join(repr(value) for row in study.sampling for value in row)
            rows = f"{at}:{at + count - 1}"
            lines.append(f"V[{rows}, {rows}] <- c({values})")
        at += count
    return lines


def _composites(document: Fitted) -> list[str]:
    if document.fit.composite_rho is None or all(len(study.members) == 1 for study in document.studies):
        return []
    if any(study.sampling for study in document.studies):
        return [*_covariance(document), "dat <- aggregate(dat, cluster = sample_id, V = V, weighted = FALSE)"]
    rho = document.fit.composite_rho
    return [f'dat <- aggregate(dat, cluster = sample_id, struct = "CS", rho = {rho:g}, weighted = FALSE)']


def _expected(document: Fitted) -> list[str]:
    """The numbers that the fit must give, and the check."""
    numbers = {"estimate": "c(res$beta)", "ci_low": "c(res$ci.lb)", "ci_high": "c(res$ci.ub)"}
    lines = ["print(res)", "# What this project computed:"]
    names = dict(numbers)
    if document.fit.model in MULTILEVEL:
        levels = len(document.fit.levels)
        if document.fit.omega2 is None:
            names["tau2"] = "sum(res$sigma2)"
        else:
            above = f"sum(res$sigma2[1:{levels - 1}])" if levels else "res$sigma2[1]"
            names |= {"tau2": above, "omega2": f"res$sigma2[{levels or 2}]"}
    elif document.fit.samples > 1 and document.fit.tau2 is not None:
        names["tau2"] = "res$tau2"
    values = ", ".join(f"{key} = {json.dumps(getattr(document.fit, key))}" for key in names)
    pairs = ", ".join(f"{key} = {code}" for key, code in names.items())
    largest = max(map(abs, (document.fit.estimate, document.fit.ci_low, document.fit.ci_high)))
    return [
        *lines,
        f"expected <- c({values})",
        f"found <- c({pairs})",
        f"stopifnot(all(abs(found - expected) < {TOLERANCE:g} * pmax(abs(expected), {largest:.3g})))",
    ]
