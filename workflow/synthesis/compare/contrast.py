"""Differences on one metric: two syntheses, or a synthesis and a published value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict, Unpack

import msgspec
import scipy
from msgspec.structs import replace

from synthesis import text
from synthesis.data.summaries import BASIS_WORDS
from synthesis.errors import InputError, Problem
from synthesis.meta.options import CiMethod, DependenceModel, Tau2Method, named_ci, named_model, named_tau2
from synthesis.meta.pool import Fit, pool
from synthesis.plan.config import Comparison
from synthesis.plan.selection import check_shared_samples
from synthesis.results.comparisons import ContrastRow
from synthesis.results.extracted import Reference
from synthesis.results.fitted import Fitted, labels_of
from synthesis.review.declared import dependence_of

# Limits of published summaries are 95% limits.
PRINTED_QUANTILE = float(scipy.special.ndtri(0.975))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a contrast, on the scale of its metric.

    `se` None: no standard error is known. `df` None: a normal reference. `samples`, limits and `tau2` are for display.
    """

    estimate: float
    se: float | None
    df: float | None
    samples: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    tau2: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two sides with its standard error, interval and two-sided test; None where there is none."""

    difference: float
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    statistic: float | None = None
    df: float | None = None
    p: float | None = None


class PoolOptions(TypedDict, total=False):
    """The options of `pool` that a refit may change."""

    model: DependenceModel
    tau2: Tau2Method
    ci: CiMethod
    rho: float
    near: tuple[float, float]


def contrast(name: str, plan: Comparison, first: Fitted, second: Fitted, bound: float | None = None) -> ContrastRow:
    """The difference first minus second of two independent pools, each with its own tau2.

    SE = sqrt(se1^2 + se2^2). Where both pools have t-based intervals the reference is t with Welch-Satterthwaite
    df (Satterthwaite 1946), otherwise normal. Samples that stand on both sides make the pools dependent: refused,
    or left out of both sides, which are then pooled again. Equivalence within `bound` by two one-sided tests
    (Schuirmann 1987). Raises InputError where nothing is left.
    """
    ids = [[study.sample_id for study in document.studies] for document in (first, second)]
    shared = check_shared_samples(name, plan, *ids)
    a, b = (_without(name, document, set(shared)) for document in (first, second))
    test = _Test(first.metric, first.fit.level, bound)
    note = left_out_note(first, second, shared)
    return _row(name, plan, test, side_of(a), side_of(b), left_out="; ".join(shared), note=note)


def left_out_note(first: Fitted, second: Fitted, shared: list[str]) -> str:
    """Which samples stand on both sides of a contrast and are left out of both; nothing where none does."""
    if not shared:
        return ""
    verb, left = ("stands", "is") if len(shared) == 1 else ("stand", "are")
    names = text.named(labels_of(shared, (first, second)).values())
    kept = [document.fit.samples - len(shared) for document in (first, second)]
    return (
        f"{text.plural(len(shared), 'sample')} ({names}) {verb} on both sides and {left} left out of both here "
        f"({kept[0]} of {first.fit.samples} and {kept[1]} of {second.fit.samples} samples remain), "
        "but not of the two syntheses"
    )


def contrast_with_published(
    name: str, plan: Comparison, first: Fitted, published: Reference, bound: float | None = None
) -> ContrastRow:
    """A pool minus a published summary on its metric.

    With printed limits the summary's SE is (high - low) / (2 * 1.96), and the reference is normal: summaries with
    limits print no df. Without limits the SE, and df where printed, follow from its standard error, test statistic or p
    (`data/summaries.py`). Where none is printed there is no test; `largest_se` is the SE of the summary up to which the
    difference would still be significant. The summary may hold samples of the pool: the note says so.
    """
    low, high = published.ci_low, published.ci_high
    second = Side(published.yi, published.se, published.df, published.k, low, high)
    test = _Test(first.metric, first.fit.level, bound)
    note = "a published summary, which may hold some of the same samples"
    if words := BASIS_WORDS.get(published.basis):
        note += f"; {words}"
    largest_se = None
    if published.se is None:
        note += "; it prints no interval, so that there is no test"
        reach = ((first.fit.estimate - second.estimate) / test.normal_quantile) ** 2 - first.fit.se**2
        largest_se = math.sqrt(reach) if reach > 0 else None
    return _row(name, plan, test, side_of(first), second, note=note, largest_se=largest_se)


def side_of(document: Fitted) -> Side:
    """A pool as the side of a contrast."""
    return Side(
        estimate=document.fit.estimate,
        se=document.fit.se,
        df=document.fit.df,
        samples=document.fit.samples,
        ci_low=document.fit.ci_low,
        ci_high=document.fit.ci_high,
        tau2=document.fit.tau2,
    )


@dataclass(frozen=True, slots=True)
class _Test:
    metric: str
    level: float
    bound: float | None

    @property
    def normal_quantile(self) -> float:
        return float(scipy.special.ndtri(0.5 + self.level / 2))


def _row(
    name: str,
    plan: Comparison,
    test: _Test,
    first: Side,
    second: Side,
    *,
    note: str,
    left_out: str = "",
    largest_se: float | None = None,
) -> ContrastRow:
    gap = difference(first, second, test.level)
    p_equivalence = None
    if test.bound is not None and gap.se is not None:
        p_equivalence = equivalence_p(gap.difference, gap.se, gap.df, test.bound)
    return ContrastRow(
        comparison=name,
        kind="same metric" if plan.second else "published value",
        title=plan.title,
        metric=test.metric,
        first=plan.first,
        second=plan.second or plan.reference or "",
        samples_first=first.samples,
        samples_second=second.samples,
        left_out=left_out,
        estimate_first=first.estimate,
        ci_low_first=first.ci_low,
        ci_high_first=first.ci_high,
        estimate_second=second.estimate,
        ci_low_second=second.ci_low,
        ci_high_second=second.ci_high,
        tau2_first=first.tau2,
        tau2_second=second.tau2,
        difference=gap.difference,
        se=gap.se,
        ci_low=gap.ci_low,
        ci_high=gap.ci_high,
        statistic=gap.statistic,
        df=gap.df,
        p=gap.p,
        bound=test.bound,
        bound_source=plan.equivalence or "",
        p_equivalence=p_equivalence,
        conclusion=conclusion_of(gap.p, p_equivalence, 1 - test.level),
        largest_se=largest_se,
        note=note,
    )


def difference(a: Side, b: Side, level: float) -> Difference:
    """a minus b with its standard error, interval and two-sided test.

    No test where both standard errors are 0, and no interval either where one of them is not known.
    """
    gap = a.estimate - b.estimate
    if a.se is None or b.se is None:
        return Difference(gap)
    se, df = math.hypot(a.se, b.se), _welch_df((a.se, a.df), (b.se, b.df))
    tail = 0.5 + level / 2
    quantile = float(scipy.special.ndtri(tail) if df is None else scipy.special.stdtrit(df, tail))
    statistic = gap / se if se > 0 else None
    p = None if statistic is None else 2 * lower_tail(-abs(statistic), df)
    return Difference(gap, se, gap - quantile * se, gap + quantile * se, statistic, df, p)


def lower_tail(statistic: float, df: float | None) -> float:
    """P(T <= statistic) for t with df, or the normal where df is None."""
    return float(scipy.special.ndtr(statistic) if df is None else scipy.special.stdtr(df, statistic))


def equivalence_p(estimate: float, se: float, df: float | None, bound: float) -> float:
    """p of the two one-sided tests that |true value| is below `bound`: the larger of both (Schuirmann 1987)."""
    if se == 0:
        return 0.0 if abs(estimate) < bound else 1.0
    return max(lower_tail((estimate - bound) / se, df), lower_tail(-(estimate + bound) / se, df))


def conclusion_of(p: float | None, p_equivalence: float | None, alpha: float) -> str:
    """What a test of a difference and one of equivalence say together."""
    if p is None:
        return "no test"
    equivalent = p_equivalence is not None and p_equivalence < alpha
    if p < alpha:
        return "different, but by less than the bound" if equivalent else "different"
    return "equivalent" if equivalent else "undecided"


def _without(name: str, document: Fitted, shared: set[str]) -> Fitted:
    """One side of a contrast, pooled again without the shared samples."""
    studies = [s for s in document.studies if s.sample_id not in shared]
    if len(studies) == len(document.studies):
        return document
    if not studies:
        where = f"config.yaml, key comparisons.{name}"
        synthesis = document.synthesis
        raise InputError([Problem(where, f"{synthesis} without shared samples", "at least one sample")])
    return refit(document, {s.sample_id for s in studies})


# Several comparisons and claims ask for the same fit: by what it was fitted to.
_REFITTED: dict[bytes, Fit] = {}


def refit(document: Fitted, samples: set[str] | None = None, **changes: Unpack[PoolOptions]) -> Fitted:
    """The document with its fit computed again: on some of its samples, with other options of `pool`.

    `changes` are options of `pool`; what is not changed stays as the document has it. Raises what `pool` raises.
    """
    studies = [s for s in document.studies if samples is None or s.sample_id in samples]
    members = [(s.sample_id, m.yi, m.vi) for s in studies for m in s.members]
    options = _options_of(document, changes)
    dependence = [(s.held_by, s.sampling, [m.crossed for m in s.members]) for s in studies]
    key = msgspec.msgpack.encode([members, dependence, document.fit.level, document.metric, options])
    if key not in _REFITTED:
        _REFITTED[key] = pool(
            [yi for _, yi, _ in members],
            [vi for _, _, vi in members],
            cluster=[sample for sample, _, _ in members],
            level=document.fit.level,
            metric=document.metric,
            **dependence_of(studies),
            **options,
        )
    return replace(document, fit=_REFITTED[key], studies=tuple(studies))


def _options_of(document: Fitted, changes: PoolOptions) -> PoolOptions:
    """The options of `pool` that a document was fitted with, and what changes of them."""
    fit = document.fit
    model = named_model(fit.model)
    options: PoolOptions = {"model": model, "rho": fit.composite_rho or 0.0}
    if fit.method != "single sample":
        options["tau2"] = named_tau2(fit.method)
        if model == "composites":
            options["ci"] = named_ci(fit.ci_method)
    stays = model != "composites" and changes.get("model", model) != "composites"
    if stays and fit.tau2 is not None and fit.omega2 is not None:
        # Started near the full fit, and without the interval of tau2, which nothing here reads.
        options["near"] = (fit.tau2, fit.omega2)
    options.update(changes)
    return options


def _welch_df(*sides: tuple[float, float | None]) -> float | None:
    """Satterthwaite's df of a difference, from standard errors and df; a normal reference counts as infinitely many."""
    if all(df is None for _, df in sides):
        return None
    total = math.fsum(se**4 / df for se, df in sides if df is not None)
    return math.fsum(se**2 for se, _ in sides) ** 2 / total if total > 0 else None
