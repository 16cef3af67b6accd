"""What a multiverse says: its curves, how far decisions move the estimate, and the test of each curve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthesis.meta.kernel import Array, Index, Mask, to_sort_by
from synthesis.meta.many import finite
from synthesis.multiverse.enumeration import Unit
from synthesis.multiverse.fitting import RESULTS, factor_columns
from synthesis.multiverse.permute import SIGNIFICANT, permute_curves
from synthesis.results.curves import (
    MAIN,
    ChoiceSpread,
    Curve,
    CurveRow,
    CurveTest,
    Decision,
    DecisionRow,
    DecisionSpread,
    DrawnSpecification,
    Head,
    MultiverseSummary,
    NamedThreshold,
    Scope,
)
from synthesis.results.files import check_whole

# Specifications that figures draw, evenly spaced over the ranks of each curve: of all curves, and at least of each.
DRAWN, LEAST_DRAWN = 600, 150
# A share of variance below this is none.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class _Specifications:
    """The fitted file as arrays (n,). `choices` (n, decisions): option numbers; `values`: the numbers of the fits."""

    spec: Array
    copies: Array
    equivalent: Mask
    choices: Array
    values: dict[str, Array]


def summarise(head: Head, path: Path, units: Iterable[Unit], thresholds: Sequence[NamedThreshold]) -> MultiverseSummary:
    """The document of one multiverse from its gathered specifications."""
    import pyarrow.parquet as pq

    decisions = (*head.which, *head.how)
    check_whole(path)
    table = pq.read_table(path)
    values = {name: np.array(table[name].to_numpy(zero_copy_only=False), dtype=float) for name in RESULTS}
    named = zip(decisions, factor_columns(head), strict=True)
    choices = np.column_stack([_numbers(decision, table[column].to_pylist()) for decision, column in named])
    specifications = _Specifications(
        spec=table["spec"].to_numpy(),
        copies=table["copies"].to_numpy(),
        equivalent=np.array(table["kind"].to_pylist(), dtype=object) == "equivalent",
        choices=choices,
        values=values,
    )
    curve = np.array(table["curve"].to_pylist(), dtype=object)
    names = list(dict.fromkeys(sorted(curve, key=lambda c: (c != MAIN,))))
    tests = permute_curves(head, units)
    most = max(LEAST_DRAWN, DRAWN // max(1, len(names)))
    curves = [
        _curve(name, specifications, curve == name, decisions, thresholds, tests.get(name), most) for name in names
    ]
    reasons = table["reason"].to_pylist()
    return MultiverseSummary(
        multiverse=head.multiverse,
        title=head.title,
        synthesis=head.synthesis,
        lane=head.lane,
        word=head.word,
        constructs=head.constructs,
        metric=head.metric,
        level=head.level,
        crossing=head.crossing,
        seed=head.seed,
        drawn=head.drawn,
        specifications=len(curve),
        not_fitted={r: reasons.count(r) for r in sorted({r for r in reasons if r})},
        thresholds=tuple(thresholds),
        factors=decisions,
        curves=tuple(curves),
    )


def _curve(
    name: str,
    specifications: _Specifications,
    members: Mask,
    decisions: Sequence[Decision],
    thresholds: Sequence[NamedThreshold],
    test: CurveTest | None,
    most: int,
) -> Curve:
    """A curve of the specifications that are its `members` (n,), of which figures draw at most `most`."""
    equivalent = specifications.equivalent
    estimate = specifications.values["estimate"]
    fitted = members & np.isfinite(estimate)
    shares, explained = variance_shares(estimate[fitted], specifications.choices[fitted])
    return Curve(
        curve=str(name),
        scopes={
            "all": _scope(specifications, members, fitted, thresholds),
            "equivalent": _scope(specifications, members & equivalent, fitted & equivalent, thresholds),
        },
        variance_explained=explained,
        test=test,
        decisions=_decisions(decisions, specifications.choices[fitted], estimate[fitted], shares),
        drawn=_drawn(specifications, np.flatnonzero(fitted), most),
    )


def _numbers(decision: Decision, names: list[str]) -> Array:
    place = {option.name: i for i, option in enumerate(decision.options)}
    return np.array([place[name] for name in names])


_MARKS = (0, 5, 25, 50, 75, 95, 100)


def _scope(specifications: _Specifications, members: Mask, fitted: Mask, thresholds: Sequence[NamedThreshold]) -> Scope:
    estimate, p = (specifications.values[name][fitted] for name in ("estimate", "p"))
    count = len(estimate)
    marks = np.percentile(estimate, _MARKS).tolist() if count else [None] * len(_MARKS)
    significant = p < SIGNIFICANT
    return Scope(
        crossing=int(specifications.copies[members].sum()),
        specifications=int(members.sum()),
        fitted=count,
        estimate_min=marks[0],
        estimate_5=marks[1],
        estimate_25=marks[2],
        estimate_median=marks[3],
        estimate_75=marks[4],
        estimate_95=marks[5],
        estimate_max=marks[6],
        share_positive_significant=float((significant & (estimate > 0)).mean()) if count else None,
        share_negative_significant=float((significant & (estimate < 0)).mean()) if count else None,
        shares_above={t.key: float((estimate > t.value).mean()) for t in thresholds} if count else {},
    )


def variance_shares(estimate: Array, choices: Array) -> tuple[list[float], float]:
    """Share of the variance of the estimates that each decision explains, and what all explain together.

    Of the additive model with one effect per option: R2 averaged over all orders in which decisions enter (Lindeman,
    Merenda & Gold 1980; the Shapley value), so that the shares add up to the R2 of the whole. `choices` (n, factors)
    are option numbers; each distinct specification counts once.
    """
    factors = choices.shape[1]
    shares = [0.0] * factors
    if len(estimate) < 2 or np.ptp(estimate) == 0:
        return shares, 0.0
    y = estimate - estimate.mean()
    blocks = []
    for column in choices.T:
        levels = np.unique(column)[1:]
        dummies = (column[:, None] == levels).astype(float)
        blocks.append(dummies - dummies.mean(axis=0))
    used = [i for i in range(factors) if blocks[i].shape[1]]
    if not used:
        return shares, 0.0
    explained = _explained(y, [blocks[i] for i in used])
    # Sets of the others: the small ones first.
    sets = np.arange(len(explained) // 2)
    size = np.bitwise_count(sets)
    order = np.lexsort((-sets, size))
    count = len(used)
    weights = np.array([1 / (count * math.comb(count - 1, entered)) for entered in range(count)])[size[order]]
    for bit, i in zip(reversed(range(count)), used, strict=True):
        low = sets[order] & ((1 << bit) - 1)
        before = (sets[order] - low << 1) + low
        shares[i] = float(np.cumsum(weights * (explained[before + (1 << bit)] - explained[before]))[-1])
    return [share if abs(share) > _NOTHING else 0.0 for share in shares], float(explained[-1])


def _explained(y: Array, blocks: list[Array]) -> Array:
    """R2 of the regression of y on every set of blocks of columns; bits of its place are the blocks, the first highest.

    All are centred.
    """
    z = np.concatenate(blocks, axis=1)
    gram, cross, total = z.T @ z, z.T @ y, float(y @ y)
    owner = 1 << np.repeat(np.arange(len(blocks))[::-1], [block.shape[1] for block in blocks])
    explained = np.zeros(1 << len(blocks))
    for chosen in range(1, len(explained)):
        index = np.flatnonzero(owner & chosen)
        beta = np.linalg.lstsq(gram[index[:, None], index], cross[index], rcond=1e-10)[0]
        explained[chosen] = float(beta @ cross[index]) / total
    return explained


def _decisions(
    decisions: Sequence[Decision], choices: Array, estimate: Array, shares: list[float]
) -> tuple[DecisionSpread, ...]:
    spreads = []
    for i, (decision, share) in enumerate(zip(decisions, shares, strict=True)):
        if len(decision.options) == 1:
            continue
        options = []
        for number, option in enumerate(decision.options):
            estimates = estimate[choices[:, i] == number]
            low, middle, high = np.percentile(estimates, (5, 50, 95)).tolist() if len(estimates) else (None, None, None)
            options.append(
                ChoiceSpread(
                    name=option.name,
                    title=option.title,
                    kind=option.kind,
                    specifications=len(estimates),
                    estimate_5=low,
                    estimate_median=middle,
                    estimate_95=high,
                )
            )
        spreads.append(DecisionSpread(factor=decision.name, title=decision.title, share=share, options=tuple(options)))
    return tuple(spreads)


def _drawn(specifications: _Specifications, index: Index, most: int) -> tuple[DrawnSpecification, ...]:
    """Evenly spaced specifications of the sorted curve, the first and the last among them."""
    spec, values = specifications.spec, specifications.values
    order = index[np.lexsort((spec[index], to_sort_by(values["estimate"][index])))]
    count = min(most, len(order))
    ranks = [round(i * (len(order) - 1) / max(1, count - 1)) for i in range(count)]
    return tuple(
        DrawnSpecification(
            rank=rank,
            spec=int(spec[place]),
            estimate=float(values["estimate"][place]),
            ci_low=finite(values["ci_low"][place]),
            ci_high=finite(values["ci_high"][place]),
            p=finite(values["p"][place]),
            choice=tuple(int(c) for c in specifications.choices[place]),
        )
        for rank, place in zip(ranks, order[ranks], strict=True)
    )


def tables(documents: Iterable[MultiverseSummary]) -> tuple[list[CurveRow], list[DecisionRow]]:
    """Rows of multiverse.csv and multiverse_decisions.csv."""
    rows, decisions = [], []
    for document in documents:
        for curve in document.curves:
            for name, scope in curve.scopes.items():
                rows.append(_curve_row(document, curve, name, scope))
            for decision in curve.decisions:
                for option in decision.options:
                    if option.specifications:
                        decisions.append(_decision_row(document, curve, decision, option))
    return rows, decisions


def _curve_row(document: MultiverseSummary, curve: Curve, name: str, scope: Scope) -> CurveRow:
    test = curve.test if name == "all" else None
    return CurveRow(
        multiverse=document.multiverse,
        title=document.title,
        curve=curve.curve,
        scope=name,
        crossing=scope.crossing,
        specifications=scope.specifications,
        fitted=scope.fitted,
        estimate_min=scope.estimate_min,
        estimate_5=scope.estimate_5,
        estimate_25=scope.estimate_25,
        estimate_median=scope.estimate_median,
        estimate_75=scope.estimate_75,
        estimate_95=scope.estimate_95,
        estimate_max=scope.estimate_max,
        share_positive_significant=scope.share_positive_significant,
        share_negative_significant=scope.share_negative_significant,
        shares_above="; ".join(f"{key}: {share:.4f}" for key, share in scope.shares_above.items()),
        variance_explained=curve.variance_explained if name == "all" else None,
        permuted=test.specifications if test else None,
        permutations=test.permutations if test else None,
        median_p=test.median_p if test else None,
        share_significant_p=test.share_significant_p if test else None,
        stouffer_z=test.stouffer_z if test else None,
        stouffer_p=test.stouffer_p if test else None,
    )


def _decision_row(
    document: MultiverseSummary, curve: Curve, decision: DecisionSpread, option: ChoiceSpread
) -> DecisionRow:
    return DecisionRow(
        multiverse=document.multiverse,
        curve=curve.curve,
        factor=decision.factor,
        decision=decision.title,
        variance_share=decision.share,
        option=option.name,
        option_title=option.title,
        kind=option.kind,
        specifications=option.specifications,
        estimate_5=option.estimate_5,
        estimate_median=option.estimate_median,
        estimate_95=option.estimate_95,
    )
