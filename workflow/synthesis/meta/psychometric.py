"""Psychometric meta-analysis: correlations without the error of their measures, beside the correlations as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import check_level, column, number
from synthesis.meta.kernel import Array


@dataclass(frozen=True, slots=True)
class Reliabilities:
    """An artefact distribution: mean and SD of the reliabilities of a measure, each between 0 and 1."""

    mean: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Psychometric:
    """Observed and corrected correlations of `k` samples with `n` people.

    `mean_r`: mean of r weighted by people, its interval `mean_r_low` to `mean_r_high` at 95%, `sd_r` the SD of r; `rho`
    and its interval: the same corrected; `sd_rho`: SD of true correlations, 0 where artefacts explain all variance;
    `low`, `high`: credibility interval, which holds `level` of the true correlations. `attenuation`: what the measures'
    error leaves of rho; `sampling` and `artefacts`: shares of the variance of r (of each corrected r) by sampling error
    and by differences in reliability, which chance may let exceed 1 together.
    """

    k: int
    n: float
    mean_r: float
    mean_r_low: float
    mean_r_high: float
    sd_r: float
    rho: float
    rho_low: float
    rho_high: float
    sd_rho: float
    low: float
    high: float
    level: float
    attenuation: float
    sampling: float
    artefacts: float


def psychometric(
    ri: ArrayLike,
    ni: ArrayLike,
    process: Reliabilities | Sequence[float],
    outcome: Reliabilities | Sequence[float],
    *,
    level: float = 0.8,
) -> Psychometric:
    """Psychometric meta-analysis by artefact distributions of correlations `ri` with `ni` people, shape (k,).

    Hunter & Schmidt (2004), Methods of Meta-Analysis, 2nd ed., ch. 4: reliabilities are not known sample by sample, but
    independent of each other and of the true correlation. With A the product of the mean square roots, rho = mean r / A
    and its variance (var r - var e - mean r^2 V) / A^2; V: the squared coefficients of variation of the square roots.
    Reliabilities: values (their population variance counts), or mean and SD, whose square root has the mean
    sqrt(mean) (1 - sd^2 / (8 mean^2)). `level` of the credibility interval, which is normal. Raises InputError for
    fewer than two correlations, those beyond 1, samples of less than 4 people and reliabilities outside (0, 1].
    """
    r, n = _correlations(ri, ni)
    check_level(level)
    (a, var_a), (b, var_b) = _root("process", process), _root("outcome", outcome)
    mean, variance, error = _bare_bones(r, n, (1 - (np.dot(n, r) / n.sum()) ** 2) ** 2 / (n - 1))
    attenuation = a * b
    explained = mean**2 * (var_a / a**2 + var_b / b**2)
    left = max(0.0, variance - error - explained) / attenuation**2
    half = _half(variance, len(r)) / attenuation
    return _described(r, n, (mean / attenuation, half, left), attenuation, (error, explained, variance), level)


def psychometric_each(
    ri: ArrayLike, ni: ArrayLike, corrected: ArrayLike, attenuation: ArrayLike, *, level: float = 0.8
) -> Psychometric:
    """The same where each correlation was `corrected` by itself, (k,), and `attenuation` (k,) is what error left of it.

    Hunter & Schmidt (2004), ch. 3: weights n A^2, and the error variance of a corrected correlation over A^2. Raises
    InputError as `psychometric` does, and for attenuations that are not above 0.
    """
    r, n = _correlations(ri, ni)
    check_level(level)
    each, left_of_it = column("corrected", corrected, len(r)), column("attenuation", attenuation, len(r))
    if left_of_it.min() <= 0:
        raise InputError([Problem("attenuation", f"{left_of_it.min():g}", "above 0", "what error leaves of r, as 0.8")])
    w = n * left_of_it**2
    errors = (1 - (np.dot(n, r) / n.sum()) ** 2) ** 2 / (n - 1) / left_of_it**2
    rho, variance, error = _bare_bones(each, w, errors)
    attenuated, half = float(np.dot(n, left_of_it) / n.sum()), _half(variance, len(r))
    return _described(r, n, (rho, half, max(0.0, variance - error)), attenuated, (error, 0.0, variance), level)


def _correlations(ri: ArrayLike, ni: ArrayLike) -> tuple[Array, Array]:
    r = column("ri", ri)
    n = column("ni", ni, len(r))
    faults = []
    if len(r) < 2:
        faults.append(Problem("ri", f"{len(r)} correlations", "two or more"))
    if len(r) and abs(r).max() >= 1:
        faults.append(Problem("ri", f"{r[abs(r).argmax()]:g}", "between -1 and 1", "Fisher z?"))
    if len(n) and n.min() < 4:
        faults.append(Problem("ni", f"{n.min():g}", "4 people or more"))
    if faults:
        raise InputError(faults)
    return r, n


def _root(name: str, given: Reliabilities | Sequence[float]) -> tuple[float, float]:
    """Mean and variance of the square root of a reliability."""
    if not isinstance(given, Reliabilities):
        values = column(name, given)
        if not len(values) or values.min() <= 0 or values.max() > 1:
            value_range = "no values" if not len(values) else f"{values.min():g} to {values.max():g}"
            raise InputError([Problem(name, value_range, "reliabilities above 0 and at most 1")])
        return float(np.sqrt(values).mean()), float(np.sqrt(values).var())
    mean = number(name, given.mean, 1e-9, 1, allowed="a mean reliability above 0 and at most 1")
    largest = math.sqrt(mean * (1 - mean))
    sd = number(
        name, given.sd, 0, largest, allowed=f"an SD of at most {largest:.3g}, all that a mean of {mean:g} allows"
    )
    root = math.sqrt(mean) * (1 - sd**2 / (8 * mean**2))
    if root <= 0:
        raise InputError([Problem(name, f"{mean:g} (SD {sd:g})", "a smaller SD: give the values themselves")])
    # The mean of the squares is the mean: what is left of it.
    return root, sd**2 / (4 * mean) * (1 - sd**2 / (16 * mean**2))


def _bare_bones(r: Array, w: Array, errors: Array) -> tuple[float, float, float]:
    """Weighted mean and variance, and the mean error variance."""
    mean = float(np.dot(w, r) / w.sum())
    return mean, float(np.dot(w, (r - mean) ** 2) / w.sum()), float(np.dot(w, errors) / w.sum())


def _half(variance: float, k: int) -> float:
    """Half of the 95% interval of a mean of k correlations."""
    return float(scipy.special.ndtri(0.975)) * math.sqrt(variance / k)


def _described(
    r: Array,
    n: Array,
    corrected: tuple[float, float, float],
    attenuation: float,
    parts: tuple[float, float, float],
    level: float,
) -> Psychometric:
    """`corrected`: rho, half of its interval and the variance of true correlations; `parts`: sampling error, artefacts
    and all of the variance that was seen."""
    (rho, reach_of_mean, left), (error, explained, variance) = corrected, parts
    mean, spread, _ = _bare_bones(r, n, n)
    half = _half(spread, len(r))
    reach = float(scipy.special.ndtri(0.5 + level / 2)) * math.sqrt(left)
    return Psychometric(
        k=len(r),
        n=float(n.sum()),
        mean_r=mean,
        mean_r_low=mean - half,
        mean_r_high=mean + half,
        sd_r=math.sqrt(spread),
        rho=rho,
        rho_low=rho - reach_of_mean,
        rho_high=rho + reach_of_mean,
        sd_rho=math.sqrt(left),
        low=rho - reach,
        high=rho + reach,
        level=level,
        attenuation=attenuation,
        sampling=error / variance if variance else 0.0,
        artefacts=explained / variance if variance else 0.0,
    )
