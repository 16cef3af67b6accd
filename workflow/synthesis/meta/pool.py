"""The random-effects fit: `pool(yi, vi)` and its result."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.clustered import Asked, clustered
from synthesis.meta.covariance import check_covariance
from synthesis.meta.dependence import composites
from synthesis.meta.heterogeneity import Heterogeneity, describe, tau2_interval
from synthesis.meta.inputs import LARGEST_VARIANCE, check_effects, check_options, check_rho, labels, number, value_text
from synthesis.meta.kernel import Array, no_spread
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method
from synthesis.meta.result import Described, notes_on
from synthesis.meta.result import Fit as Fit
from synthesis.meta.result import prediction_interval as prediction_interval

_INSTEAD = "; given is the ad hoc one, no narrower than Wald's"
EQUAL_EFFECTS = "all effects are equal: the HKSJ interval has width 0, as in metafor" + _INSTEAD
EXACT_FIT = "the effects lie exactly on the model: the HKSJ interval has width 0, as in metafor" + _INSTEAD


def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "hksj",
    cluster: Sequence[Hashable] | None = None,
    rho: float = 0.6,
    model: DependenceModel = "composites",
    level: float = 0.95,
    metric: str | None = None,
    fixed_tau2: float | None = None,
    near: tuple[float, float] | None = None,
    V: ArrayLike | None = None,  # noqa: N803 - metafor's name
    levels: Mapping[str, Sequence[Hashable]] | None = None,
    crossed: Mapping[str, Sequence[Hashable]] | None = None,
) -> Fit:
    """Pools effects `yi` with sampling variances `vi`, arrays of shape (k,), by a random-effects model.

    Arrays, lists and columns are read by position; the index of a pandas Series is not looked at.

    Intervals: wald (normal), wald_t (t with samples - 1 df), hksj (Hartung & Knapp 2001; Sidik & Jonkman 2002),
    hksj_adhoc (never narrower than Wald: Knapp & Hartung 2003). Prediction interval: t with samples - 2 df, Higgins,
    Thompson & Spiegelhalter (2009), from three samples. With one sample the study itself is shown. `fixed_tau2`
    takes tau2 as known, in squared units of yi. Where all effects are equal to the last digits, hksj has width 0 and an
    infinite statistic (0/0 for effects of 0), as metafor's test="knha" has; then the ad hoc interval is given, and
    `ci_method` and a note say so. `near` is for refits of almost the same effects by che or three_level: tau2 and
    omega2 to start from; the profile-likelihood interval of tau2 is then left out.

    `cluster`, shape (k,), names the independent sample of each effect. Effects that share one are treated by `model`:
    composites (a mean effect per sample, its effects correlated `rho`), che (correlated and hierarchical effects with
    sampling correlation `rho`) or three_level (sampling correlation 0); the last two by REML with cluster-robust CR2
    tests and Satterthwaite df instead of `ci`. Where no sample repeats they are the ordinary model. Effects without any
    spread have no robust variance: then the model's own is taken, with t and samples - 1 df (`ci_method` wald_t).

    `V`, shape (k, k) in squared units of yi, is the sampling covariance of the effects in place of `rho` (the result's
    is None): symmetric, positive definite, with vi on its diagonal and 0 between samples. Composites are weighted by
    it, and che fits the model under it, as metafor's rma.mv(yi, V, random = ~ 1 | sample / effect). The function
    `synthesis.shared_control` makes that of effects with one control group. `levels` are labels (k,) of what holds the
    samples, by name from the top, as {"lab": labs, "paper": papers}: che and three_level then have a variance for each,
    as random = ~ 1 | lab / paper / sample / effect, and are tested by CR2 between the members of the top level.
    `crossed` are labels (k,) by name of what is neither above nor below them, as {"instrument": instruments}, with a
    variance each: random = list(~ 1 | instrument, ~ 1 | sample / effect), by REML or ML. Tests are the model's own,
    by t with the fewest members of any of them less 1 df, and the prediction interval has one df fewer.

    Raises InputError for bad effects (missing, masked, text, dates, truth values), missing labels of samples, unknown
    options, a rho or level out of range, a `V` of another shape or that is no covariance of these effects, samples that
    stand in two members of a level, for che and three_level with a single sample, and where CR2 has fewer than 4
    degrees of freedom.
    """
    y, v = check_effects(yi, vi)
    check_options(tau2, ci, level, model)
    check_rho(rho)
    _check_few(fixed_tau2, near, metric)
    k, used_rho, used_model = len(y), None, "independent"
    _check_declared(V, {"levels": levels, "crossed": crossed}, cluster, model)
    if cluster is not None:
        cluster = labels("cluster", cluster, k)
        covariance = None if V is None else check_covariance(V, v, cluster)
        if len(set(cluster)) < k or levels or crossed:
            if model != "composites":
                _check_multilevel(cluster, tau2, model, fixed_tau2, crossed)
                factors, reml = (levels or {}, crossed or {}), tau2 == "REML"
                return clustered(y, v, cluster, Asked(model, rho, level, metric, near, covariance, *factors, reml))
            combined = composites(y, v, cluster, rho, covariance=covariance)
            used_rho, used_model = rho, model
            y, v = combined.yi, combined.vi
    about = Described(k, used_model, used_rho, metric, level, notes_on(v, k))
    if len(y) == 1:
        return _single(float(y[0]), float(v[0]), about)
    return _random_effects(y, v, tau2, ci, fixed_tau2, about)


def _check_declared(given: object, factors: Mapping[str, object], cluster: object, model: str) -> None:
    """What `V`, and the `factors` of levels and crossed random effects, need beside them."""
    if given is not None and (cluster is None or model == "three_level"):
        hint = "say by cluster which effects are of one sample; three_level has no sampling covariance, che has"
        declared = f"model {model}" if cluster is not None else "no cluster"
        raise InputError([Problem("V", declared, "nothing but for composites and che with a cluster", hint)])
    for name, labelled in factors.items():
        if labelled is None:
            continue
        if not isinstance(labelled, Mapping) or not labelled:
            allowed = "labels by name of the level, from the top" if name == "levels" else "labels by name"
            raise InputError([Problem(name, value_text(labelled), allowed)])
        if cluster is None or model == "composites":
            what = "a level above it is one" if name == "levels" else "crossed random effects are those"
            hint = f"say by cluster which effects are of one sample; {what} of che and three_level"
            raise InputError([Problem(name, f"model {model}", "che or three_level with a cluster", hint)])


def _check_few(fixed_tau2: object, near: object, metric: object) -> None:
    if fixed_tau2 is not None:
        number("fixed_tau2", fixed_tau2, 0, LARGEST_VARIANCE, allowed="a finite number of at least 0")
    if near is not None:
        if not isinstance(near, (tuple, list)) or len(near) != 2:
            raise InputError([Problem("near", value_text(near), "tau2 and omega2 to start from")])
        for value in near:
            number("near", value, 0, LARGEST_VARIANCE, allowed="finite numbers of at least 0")
    if metric is not None and not isinstance(metric, str):
        raise InputError([Problem("metric", value_text(metric), "the name of a metric")])


def _check_multilevel(
    cluster: Sequence[Hashable], tau2: str, model: str, fixed_tau2: float | None, crossed: object
) -> None:
    if crossed and tau2 == "ML":
        return
    if tau2 != "REML":
        raise InputError([Problem("tau2", tau2, f"REML for model {model}", "model composites takes every estimator")])
    if fixed_tau2 is not None:
        raise InputError([Problem("fixed_tau2", f"{fixed_tau2:g}", f"nothing for model {model}")])
    if len(set(cluster)) == 1:
        hint = "one independent sample says nothing about the spread between samples; model composites shows it"
        raise InputError([Problem("cluster", "one sample", f"at least two samples for model {model}", hint)])


def _few(samples: int, method: str, ci: str) -> tuple[str, ...]:
    """What two and three samples cannot carry."""
    random = method != "FE"
    if samples == 2:
        limitations = ["tau2 is hardly estimable", "there is no prediction interval"] if random else []
        limitations += ["the confidence interval has one degree of freedom"] if ci != "wald" else []
        return (f"two samples: {_listed(limitations)}",) if limitations else ()
    return ("three samples: the prediction interval has one degree of freedom",) if samples == 3 and random else ()


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_UNDEFINED: dict[str, Any] = dict.fromkeys(
    (
        "pi_low", "pi_high", "tau2", "tau2_se", "tau2_ci_low", "tau2_ci_high", "omega2",
        "i2", "i2_ci_low", "i2_ci_high", "h2", "h2_ci_low", "h2_ci_high",
        "q", "q_df", "q_p", "log_likelihood", "aic", "bic",
    )
)  # fmt: skip


def _single(y: float, v: float, about: Described) -> Fit:
    se = v**0.5
    half = float(scipy.special.ndtri(0.5 + about.level / 2)) * se
    return Fit(
        k=about.k,
        samples=1,
        estimate=y,
        se=se,
        statistic=y / se,
        df=None,
        p=float(2 * scipy.special.ndtr(-abs(y / se))),
        ci_low=y - half,
        ci_high=y + half,
        model=about.model,
        method="single sample",
        ci_method="wald",
        rho=about.rho,
        composite_rho=about.rho,
        metric=about.metric,
        level=about.level,
        weights=(100.0,),
        notes=about.notes,
        **_UNDEFINED,
    )


def _random_effects(
    y: Array, v: Array, method: Tau2Method, ci: CiMethod, fixed_tau2: float | None, about: Described
) -> Fit:
    samples, df = len(y), len(y) - 1
    heterogeneity = describe(y, v, method, fixed=fixed_tau2)
    tau2, notes = heterogeneity.tau2, (*_few(samples, method, ci), *about.notes)
    w = 1 / (v + tau2)
    estimate = float(np.dot(w, y) / w.sum())
    se = float(w.sum() ** -0.5)
    if ci.startswith("hksj"):
        rss = float(np.dot(w, (y - estimate) ** 2))
        if ci == "hksj" and no_spread(np.array([rss]), w[None], y[None])[0]:
            ci, notes = "hksj_adhoc", (*notes, EQUAL_EFFECTS)
        factor = rss / df
        se *= max(1.0, factor) ** 0.5 if ci == "hksj_adhoc" else factor**0.5
    normal = ci == "wald"
    tail = 0.5 + about.level / 2
    quantile = float(scipy.special.ndtri(tail)) if normal else float(scipy.special.stdtrit(df, tail))
    statistic = estimate / se
    random = method != "FE"
    predicts = random and samples >= 3
    limits = prediction_interval(estimate, se, tau2, samples - 2, about.level) if predicts else (None, None)
    return Fit(
        k=about.k,
        samples=samples,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=None if normal else float(df),
        p=float(2 * (scipy.special.ndtr(-abs(statistic)) if normal else scipy.special.stdtr(df, -abs(statistic)))),
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
        pi_low=limits[0],
        pi_high=limits[1],
        omega2=None,
        **_heterogeneity(y, v, heterogeneity, random, about.level),
        model=about.model,
        method=method,
        ci_method=ci,
        rho=about.rho,
        composite_rho=about.rho,
        metric=about.metric,
        level=about.level,
        weights=tuple((100 * w / w.sum()).tolist()),
        notes=notes,
    )


_DESCRIBED = ("tau2", "tau2_se", "i2", "h2", "q", "q_df", "log_likelihood", "aic", "bic")


def _heterogeneity(y: Array, v: Array, heterogeneity: Heterogeneity, random: bool, level: float) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(heterogeneity, name) for name in _DESCRIBED}
    fields["q_p"] = float(scipy.special.chdtrc(heterogeneity.q_df, heterogeneity.q))
    names = ("tau2_ci_low", "tau2_ci_high", "i2_ci_low", "i2_ci_high", "h2_ci_low", "h2_ci_high")
    if not random:
        return fields | dict.fromkeys(names)
    typical = heterogeneity.typical
    low, high = tau2_interval(y, v, level)
    i2 = [100 * t / (t + typical) for t in (low, high)]
    h2 = [(t + typical) / typical for t in (low, high)]
    return fields | dict(zip(names, (low, high, *i2, *h2), strict=True))
