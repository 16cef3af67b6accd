"""Claims: statements of a text, each decided by a computed quantity and a rule that the data declare."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from synthesis import text
from synthesis.compare.bridge import differences
from synthesis.compare.claim_values import Evidence, Finding, Missing, Value
from synthesis.compare.contrast import PRINTED_QUANTILE, contrast, contrast_with_published, refit
from synthesis.compare.relevance import interaction, shares_between
from synthesis.data.claim_table import CLAIMS, Claim, read_claims
from synthesis.data.extraction import reference_rows
from synthesis.data.published import find, number
from synthesis.data.scales import back_transform, on_scale
from synthesis.data.vocabulary import ESTIMATE_NAME, ClaimRule, Verdict, contrast_name
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config
from synthesis.results.comparisons import NO_INTERVAL, ContrastRow, DecidedClaim
from synthesis.results.document import columns
from synthesis.results.extracted import COLUMN_NAMES, Extracted, Reference, Row
from synthesis.results.files import check_inside
from synthesis.results.fitted import Described, Fitted
from synthesis.review.fit import ci_of_part
from synthesis.review.moderators import MULTILEVEL
from synthesis.review.presentation import with_columns

# Fields of a sample that are names, and no columns.
_NO_LEVEL = frozenset({"sample_id", "label", "source"})


def check_folder(raw: Path, config: Config, rows: dict[str, Row]) -> None:
    """Checks the claims of a data folder, where it has any, against the plan and its rows."""
    if (raw / CLAIMS).exists():
        check_inside(raw, raw / CLAIMS)
        check_claims(read_claims(raw / CLAIMS), config, rows)


def bound_of(claim: Claim, column: Literal["low", "high"], rows: dict[str, Row]) -> float | None:
    """A bound as number: printed in the claim, or the value of the threshold that it names."""
    cell = claim.low if column == "low" else claim.high
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        value = number(find(claim.where(column), cell, rows), "value")
        if value is None:
            raise Missing(f"the threshold {cell} is not in the reachable text") from None
        return value


def bounds_of(claim: Claim, rows: dict[str, Row]) -> tuple[float | None, float | None]:
    """Both bounds as numbers. Raises Missing for a threshold that is a gap."""
    return bound_of(claim, "low", rows), bound_of(claim, "high", rows)


def _bound_or_none(claim: Claim, column: Literal["low", "high"], rows: dict[str, Row]) -> float | None:
    try:
        return bound_of(claim, column, rows)
    except Missing:
        return None


# --- quantities ---------------------------------------------------------------------------------------------------


def values_of(claim: Claim, evidence: Evidence) -> list[Value]:
    """The values of a claim's quantity. Raises Missing for a gap, InputError for a name that does not exist."""
    if claim.kind not in _QUANTITIES:
        allowed = "kind:name with a kind of " + ", ".join(_QUANTITIES)
        raise InputError([Problem(claim.where("quantity"), claim.quantity, allowed)])
    return _QUANTITIES[claim.kind](claim, claim.name, evidence)


def syntheses_of(claim: Claim, plan: Config) -> tuple[str, ...]:
    """The syntheses behind a claim's quantity."""
    match claim.kind:
        case "comparison":
            comparison = plan.comparisons[claim.name]
            return tuple(side for side in (comparison.first, comparison.second) if side)
        case "bridge":
            bridge = plan.bridges[claim.name]
            return bridge.association, bridge.effect
        case "interaction" | "published" | "root" | "":
            return ()
    return (claim.name.split(":")[0],)


def _known(claim: Claim, name: str, allowed: Mapping[str, object]) -> None:
    if name not in allowed:
        raise InputError([Problem(claim.where("quantity"), name, "one of " + ", ".join(allowed))])


def _document(claim: Claim, name: str, evidence: Evidence) -> Fitted:
    _known(claim, name, evidence.documents)
    return evidence.documents[name]


# What the limits of a printed number are, as the data dictionary has them.
_PRINTED_INTERVAL = "95% CI"


def _ci(document: Fitted, name: str = "CI") -> str:
    """The interval of a synthesis by its level."""
    return f"{100 * document.fit.level:g}% {name}"


def _read(document: Fitted, limits: tuple[float | None, float | None], label: str, name: str = "CI") -> Value:
    metric = document.metric
    estimate, low, high = (back_transform(metric, value) for value in (document.fit.estimate, *limits))
    if estimate is None or low is None or high is None:
        raise Missing(f"{document.title}: too few samples")
    return Value(label, ESTIMATE_NAME[metric], estimate, low, high, interval=_ci(document, name))


def _pooled(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    document = _document(claim, name, evidence)
    return [_read(document, (document.fit.ci_low, document.fit.ci_high), document.title)]


def _prediction(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    document = _document(claim, name, evidence)
    limits = (document.fit.pi_low, document.fit.pi_high)
    return [_read(document, limits, f"{document.title}, in a new setting", "PI")]


def _variance(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    (value,) = _pooled(claim, name, evidence)
    limits = sorted(100 * x * x for x in (value.low, value.high) if x is not None)
    low = 0.0 if (value.low or 0) < 0 < (value.high or 0) else limits[0]
    return [Value(value.label, "%", 100 * value.estimate**2, low, limits[1], interval=value.interval)]


def _levels(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    """The pool of each level of a moderator, as the blocks of a forest plot are pooled."""
    synthesis, _, moderator = name.partition(":")
    document, grouping = _document(claim, synthesis, evidence), evidence.plan.groupings.get(moderator)
    column = grouping.column if grouping else moderator
    allowed = "a grouping, or a column of words that a sample has"
    no_words = InputError([Problem(claim.where("quantity"), moderator, allowed)])
    # The plan of this stage names no columns of the user's that claims alone name: its rows have them.
    if column in _NO_LEVEL or not (column in COLUMN_NAMES or any(column in row.own for row in evidence.effects)):
        raise no_words
    document = with_columns(document, Extracted(effects=tuple(evidence.effects), dropped=()), [column])
    by_level: dict[str, set[str]] = {}
    for study in document.studies:
        if column not in (*columns(Described), *study.more) or not isinstance(study.cell(column), str):
            raise no_words
        level = grouping.level_of(study.words(column)) if grouping else study.words(column)
        if level:
            by_level.setdefault(level, set()).add(study.sample_id)
    values = []
    for level, samples in sorted(by_level.items()):
        part = _part(document, samples)
        count = text.plural(len(samples), "sample")
        values.append(_read(part, (part.fit.ci_low, part.fit.ci_high), f"{level} ({count})"))
    return values


def _part(document: Fitted, samples: set[str]) -> Fitted:
    """Some samples pooled as `pool_part` does; without the interval of tau2, and once for all variants of a claim."""
    if document.fit.model in MULTILEVEL:
        with suppress(InputError):
            return refit(document, samples)
    return refit(document, samples, model="composites", ci=ci_of_part(document.fit))


def _comparison(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    _known(claim, name, evidence.plan.comparisons)
    plan = evidence.plan.comparisons[name]
    first = evidence.documents[plan.first]
    if plan.second:
        row = contrast(name, plan, first, evidence.documents[plan.second])
    else:
        row = contrast_with_published(name, plan, first, published_summary(name, plan.reference or "", first, evidence))
    unit = f"difference in {'z' if row.metric == 'z' else ESTIMATE_NAME[row.metric]}"
    if row.se is None:
        raise Missing(_without_interval(row), Value(plan.title, unit, row.difference, None, None))
    remark = row.note if row.left_out else ""
    return [Value(plan.title, unit, row.difference, row.ci_low, row.ci_high, remark, _ci(first))]


def _without_interval(row: ContrastRow) -> str:
    """Why a published value without an interval decides nothing, and how wide its interval could be to decide."""
    words = f"{NO_INTERVAL} (difference in z = {text.number(row.difference)}"
    if row.largest_se is None:
        return words + ")"
    half = PRINTED_QUANTILE * row.largest_se
    low, high = (back_transform(row.metric, row.estimate_second + sign * half) for sign in (-1, 1))
    return f"{words}; it would differ from 0 as long as the value's 95% interval is within {text.interval(low, high)})"


def published_summary(name: str, effect_id: str, first: Fitted, evidence: Evidence) -> Reference:
    """The published summary of a comparison, on the metric of its first side."""
    where = f"config.yaml, key comparisons.{name}.reference"
    (summary,) = reference_rows(where, (effect_id,), first.metric, evidence.effects)
    return summary


def _bridge(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    """Association minus effect in d, under each conversion."""
    _known(claim, name, evidence.plan.bridges)
    plan = evidence.plan.bridges[name]
    sides = (evidence.documents[plan.association], evidence.documents[plan.effect])
    gaps, of = differences(*sides), sides[0].constructs
    return [Value(contrast_name(key, of), "difference in d", *gap, "", _ci(sides[0])) for key, gap in gaps.items()]


def _range(claim: Claim, document: Fitted, evidence: Evidence) -> tuple[float, float]:
    low, high = bounds_of(claim, evidence.rows)
    metric = document.metric
    return (
        -math.inf if low is None else on_scale(metric)(low),
        math.inf if high is None else on_scale(metric)(high),
    )


def _share_of_estimates(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    document = _document(claim, name, evidence)
    low, high = _range(claim, document, evidence)
    studies = document.studies
    inside = sum(low <= study.yi <= high for study in studies)
    share = 100 * inside / len(studies)
    return [Value(f"{inside} of {len(studies)} samples", "%", share, share, share)]


def _share_of_true_effects(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    document = _document(claim, name, evidence)
    share, _ = shares_between(document, *_range(claim, document, evidence), evidence.plan.relevance)
    if share.low is None or share.high is None:
        raise Missing(f"{document.title}: too few samples for a share of true effects")
    limits = (100 * share.low, 100 * share.high)
    return [Value(f"{document.title}, true values", "%", 100 * share.value, *limits, "", _ci(document))]


def _interaction(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    _known(claim, name, evidence.plan.interactions)
    plan = evidence.plan.interactions[name]
    row = interaction(name, plan, evidence.rows, evidence.plan.defaults.level)
    if row.coefficient is None:
        raise Missing(f"{plan.title}: the coefficient is not in the reachable text")
    turned = _turned(evidence.rows[plan.coefficient], "a larger gain of more severe patients")
    interval = f"{100 * evidence.plan.defaults.level:g}% CI"
    return [Value(plan.title, "coefficient", row.coefficient, row.ci_low, row.ci_high, turned, interval)]


def _published(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    row = find(claim.where("quantity"), name, evidence.rows)
    value = number(row, "value")
    if value is None:
        raise Missing(f"{row.label or row.study}: the number is not in the reachable text")
    sign = 1.0 if row.direction is None else row.direction
    limits = sorted(sign * x for x in (number(row, "ci_low"), number(row, "ci_high")) if x is not None)
    low, high = limits if len(limits) == 2 else (None, None)
    label, unit = row.label or row.study, row.statistic or "value"
    return [Value(label, unit, sign * value, low, high, _turned(row, "better"), _PRINTED_INTERVAL)]


def _turned(row: Row, above: str) -> str:
    """That a printed value was turned, and how it is printed; nothing where it stands as it is printed."""
    if row.direction != -1:
        return ""
    printed = [number(row, cell) for cell in ("value", "ci_low", "ci_high")]
    value, low, high = (x if x is None else text.number(x, len(f"{x:g}".partition(".")[2])) for x in printed)
    limits = f" [{low}, {high}]" if low is not None and high is not None else ""
    return f"its sign is turned, so that above 0 is {above}: the source prints {value}{limits}"


def _root(claim: Claim, name: str, evidence: Evidence) -> list[Value]:
    """The correlation behind a printed share of variance, positive where better: arithmetic on what is printed.

    A share has no sign; that of its correlation is the finding's, turned by the outcome's direction.
    """
    (value,) = _published(claim, name, evidence)
    sign = find(claim.where("quantity"), name, evidence.rows).sign or 1.0
    root = math.copysign(math.sqrt(abs(value.estimate)), sign * value.estimate)
    return [Value(value.label, "r", root, root, root)]


_QUANTITIES: dict[str, Callable[[Claim, str, Evidence], list[Value]]] = {
    "pooled": _pooled,
    "prediction": _prediction,
    "variance": _variance,
    "levels": _levels,
    "comparison": _comparison,
    "bridge": _bridge,
    "share_of_estimates": _share_of_estimates,
    "share_of_true_effects": _share_of_true_effects,
    "interaction": _interaction,
    "published": _published,
    "root": _root,
}


# --- verdicts -----------------------------------------------------------------------------------------------------


def decide(rule: ClaimRule | Literal[""], value: Value, low: float | None, high: float | None) -> tuple[Verdict, str]:
    """Verdict of one value, and why. An interval that crosses a bound decides nothing."""
    if value.low is None or value.high is None:
        return "cannot be decided", f"{value.words()} is printed without an interval"
    bottom = -math.inf if low is None else low
    top = math.inf if high is None else high
    if rule == "all_within":
        return _all_within(value, bottom, top)
    if rule == "not_above":
        above = value.low > bottom
        return ("not supported" if above else "supported",
                f"{value.words()} {'lies' if above else 'does not lie'} above {_bound(bottom)}")  # fmt: skip
    if rule == "above":
        yes, no, place = value.low > bottom, value.high <= bottom, f"above {_bound(bottom)}"
    elif rule == "below":
        yes, no, place = value.high < top, value.low >= top, f"below {_bound(top)}"
    else:
        yes = bottom <= value.low and value.high <= top
        no = value.high < bottom or value.low > top
        place = f"between {_bound(bottom)} and {_bound(top)}"
    if yes:
        return "supported", f"{value.words()} lies {place}"
    if no:
        return "not supported", f"{value.words()} does not lie {place}"
    return "cannot be decided", f"{value.words()} may or may not lie {place}"


def _all_within(share: Value, bottom: float, top: float) -> tuple[Verdict, str]:
    """All of the estimates or true effects: the share must be 100%."""
    low, high = share.low or 0.0, share.high or 0.0
    words = f"{share.words()} ({share.label}) lie between {_bound(bottom)} and {_bound(top)}"
    if low >= 100:
        return "supported", words
    return ("not supported" if high < 100 else "cannot be decided"), words


def _bound(value: float) -> str:
    decimals = max(2 if value % 1 else 0, len(f"{value:g}".partition(".")[2]))
    return text.number(value, decimals)


def verdict_of_data(claim: Claim, evidence: Evidence) -> Finding:
    """What the data say of a claim: of several values, what all of them say."""
    if not claim.quantity:
        return Finding("cannot be decided", "no datum decides it")
    try:
        values = tuple(values_of(claim, evidence))
        low, high = bounds_of(claim, evidence.rows)
    except Missing as missing:
        return Finding("cannot be decided", str(missing), undecided=missing.value)
    decided = [decide(claim.rule, value, low, high) for value in values]
    if len(values) == 1:
        verdict, why = decided[0]
        return Finding(verdict, "; ".join(filter(None, (why, values[0].remark))), values)
    parts = []
    for verdict in _ORDER:
        labels = [
            f"{value.label} {value.printed()}"
            for value, (outcome, _) in zip(values, decided, strict=True)
            if outcome == verdict
        ]
        if labels:
            parts.append(f"{verdict} in {len(labels)} of {len(values)} values: {', '.join(labels)}")
    verdicts = {verdict for verdict, _ in decided}
    overall: Verdict = verdicts.pop() if len(verdicts) == 1 else "cannot be decided"
    return Finding(overall, "; ".join(parts), values)


_ORDER: tuple[Verdict, ...] = ("supported", "not supported", "cannot be decided")


def final(claim: Claim, data: Verdict) -> Verdict:
    """A claim whose source does not say it is misquoted, whatever the data say."""
    return "misquoted" if claim.source_agrees == "no" else data


def decided_claims(claims: list[Claim], evidence: Evidence) -> list[DecidedClaim]:
    """The claims with their values, verdicts, reasons, and the words of the cited sources."""
    return [_decided(claim, evidence) for claim in claims]


def _decided(claim: Claim, evidence: Evidence) -> DecidedClaim:
    finding = verdict_of_data(claim, evidence)
    sources = [find(claim.where("evidence"), effect_id, evidence.rows) for effect_id in claim.cited]
    quotes = dict.fromkeys(f"{row.label or row.study}: {row.quote}" for row in sources if row.quote)
    single = finding.single
    return DecidedClaim(
        claim_id=claim.claim_id,
        statement=claim.statement,
        says=claim.says,
        cites=claim.cites,
        claim=claim.claim,
        quantity=claim.quantity,
        rule=claim.rule,
        low=claim.low,
        high=claim.high,
        source_agrees=claim.source_agrees,
        evidence=claim.evidence,
        reading=claim.reading,
        unit=finding.unit,
        estimate=single.estimate if single else None,
        ci_low=single.low if single else None,
        ci_high=single.high if single else None,
        verdict_of_data=finding.verdict,
        verdict=final(claim, finding.verdict),
        why=finding.why,
        hangs_on="",
        source_says=" | ".join(quotes),
        low_value=_bound_or_none(claim, "low", evidence.rows),
        high_value=_bound_or_none(claim, "high", evidence.rows),
        values=tuple(value.stored() for value in finding.drawn),
    )


def check_claims(claims: list[Claim], plan: Config, rows: dict[str, Row]) -> None:
    """Checks every name in the claims before anything is fitted. Raises InputError with every problem."""
    problems = [problem for claim in claims for problem in _problems(claim, plan, rows)]
    if problems:
        raise InputError(problems)


def _problems(claim: Claim, plan: Config, rows: dict[str, Row]) -> Iterator[Problem]:
    if claim.quantity and claim.kind not in _QUANTITIES:
        allowed = "kind:name with a kind of " + ", ".join(_QUANTITIES)
        yield Problem(claim.where("quantity"), claim.quantity, allowed)
        return
    if claim.quantity:
        declared: dict[str, Mapping[str, object]] = {
            "comparison": plan.comparisons,
            "bridge": plan.bridges,
            "interaction": plan.interactions,
            "published": rows,
            "root": rows,
        }
        names = declared.get(claim.kind, plan.syntheses)
        name = claim.name.split(":")[0] if claim.kind == "levels" else claim.name
        if name not in names:
            allowed = "an effect_id of a source" if names is rows else "one of " + ", ".join(names)
            yield Problem(claim.where("quantity"), name, allowed)
    for effect_id in claim.cited:
        if effect_id not in rows:
            yield Problem(claim.where("evidence"), effect_id, "an effect_id of a source")
    columns: tuple[Literal["low", "high"], ...] = ("low", "high")
    for column in columns:
        try:
            bound_of(claim, column, rows)
        except InputError as error:
            yield from error.problems
        except Missing:
            continue
