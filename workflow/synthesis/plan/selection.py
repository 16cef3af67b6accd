"""Which effects belong to a synthesis: conditions, copies, stress-test zeros, and mixes that must be named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from synthesis.data.covariances import sampling_covariance
from synthesis.data.extraction import total_n
from synthesis.data.nulls import Nulls, entered
from synthesis.data.vocabulary import (
    AS_PRINTED,
    IN_UNITS,
    LANE_ESTIMANDS,
    METRIC_NAME,
    RATIO_METRICS,
    SET_TO_ZERO,
)
from synthesis.errors import InputError, Problem
from synthesis.meta.kernel import Array
from synthesis.plan.conditions import Condition, number
from synthesis.plan.config import MIX_COLUMNS, Comparison, Defaults, Grouping, Synthesis
from synthesis.results.document import columns
from synthesis.results.extracted import Chosen, Dropped, Effect, Row
from synthesis.results.files import Cell
from synthesis.text import plain

# How a row is marked that stands for a finding without a number.
_ENTERED: dict[Nulls, str] = {
    "zero": SET_TO_ZERO,
    "edge_low": "set to the lower edge of significance",
    "edge_high": "set to the upper edge of significance",
    "imputed": "imputed",
}
# What people behind a row are counted by where its n is empty.
_PEOPLE = ("n", "n_treat", "n_control", "total_treat", "total_control", "estimand")
# Cluster-robust tests need 4 degrees of freedom, and have one fewer than samples at best.
LEAST_SAMPLES = 5


def meets(row: Row, select: Mapping[str, Condition]) -> bool:
    """Whether a row meets every condition. A missing number meets no range; an empty n is that of both arms."""
    return all(_meets(asked_cell(row, name), condition) for name, condition in select.items())


def asked_cell(row: Row, name: str) -> Cell:
    """What a condition on a column is held against."""
    if name != "n" or row.n is not None:
        return row.cell(name)
    return (
        row.n_total if isinstance(row, Effect | Chosen) else total_n({column: row.cell(column) for column in _PEOPLE})
    )


def _meets(value: Cell, condition: Condition) -> bool:
    return (
        (condition.any_of is None or is_one_of(value, condition.any_of))
        and (condition.none_of is None or not is_one_of(value, condition.none_of))
        and (condition.at_least is None or (isinstance(value, float) and value >= condition.at_least))
        and (condition.at_most is None or (isinstance(value, float) and value <= condition.at_most))
    )


def is_one_of(value: Cell, words: Sequence[str]) -> bool:
    """Whether a cell is one of these words; a number by its value, however it is written."""
    if not isinstance(value, float):
        return (value or "") in words
    return any(number(word) == value for word in words)


def select_effects(
    name: str,
    synthesis: Synthesis,
    effects: Iterable[Effect],
    dropped: Sequence[Dropped],
    *,
    check_values: bool = True,
    nulls: Nulls | None = None,
) -> list[Chosen]:
    """The rows of a synthesis, in the order of its sources; findings without a number, where asked for, at the end.

    `effects`, `dropped`: the extracted rows of its sources; `nulls`: what is entered for a sample that is reported
    without a number alone, None: what the synthesis says. Raises InputError when nothing is left, when a value
    of a select condition occurs nowhere (unless `check_values` is off), and when estimands, levels, constructs or
    comparators are mixed unnamed.
    """
    key = f"config.yaml, key syntheses.{name}"
    place = {source: i for i, source in enumerate(synthesis.sources)}
    rows = [row for row in effects if row.source in place and row.metric == synthesis.metric]
    rows.sort(key=lambda row: place[row.source])
    if check_values:
        _check_values_occur(key, synthesis, rows)
    if "level" not in synthesis.mix:
        rows = [row for row in rows if row.level == "study"]
    chosen = _without_copies(
        [
            _chosen(row, row.vi)
            for row in rows
            if meets(row, synthesis.select) and row.estimand in LANE_ESTIMANDS[synthesis.lane] and row.vi is not None
        ]
    )
    if not chosen:
        allowed = f"at least one usable effect in metric {synthesis.metric}"
        raise InputError([Problem(key, "selects nothing", allowed, _emptiest(rows, synthesis, dropped))])
    nulls = nulls or ("zero" if synthesis.nonsignificant_as_zero else "none")
    if nulls != "none":
        chosen += _without_number(synthesis, dropped, {row.sample_id for row in chosen}, nulls)
    _check_mix(key, synthesis, chosen)
    _check_directions(key, synthesis, chosen)
    return [oriented(row, synthesis) for row in chosen]


def oriented(row: Chosen, synthesis: Synthesis) -> Chosen:
    """A row with the sign of its effect as the synthesis has it. Turning a ratio makes one divided by it: of an odds
    ratio that is the odds ratio of no event, of a risk ratio it is not the risk ratio of no event.
    """
    # An extracted effect is better where positive; a ratio is as printed.
    extracted = "as_reported" if synthesis.metric in AS_PRINTED else "better"
    turned = row.direction == -1 and synthesis.oriented != extracted
    return replace(row, yi=-row.yi) if turned else row


def shared_direction(rows: Iterable[Chosen]) -> float | None:
    """Which way is better for the patient in all of these rows as printed; None where it differs, or is not coded."""
    directions = {row.direction for row in rows if row.direction is not None}
    return directions.pop() if len(directions) == 1 else None


def _check_directions(key: str, synthesis: Synthesis, chosen: list[Chosen]) -> None:
    """A larger number cannot be good in one row and bad in another where numbers are pooled as printed."""
    if synthesis.oriented == "better":
        return
    better = [row.effect_id for row in chosen if row.direction == 1]
    worse = [row.effect_id for row in chosen if row.direction == -1]
    if not better or not worse:
        return
    value = "; ".join(f"direction {direction} in {_some(ids)}" for direction, ids in (("1", better), ("-1", worse)))
    what = "ratios" if synthesis.metric in RATIO_METRICS else "numbers"
    hint = "or events of one kind by select; a ratio that is turned is one divided by it"
    allowed = f"one direction where {what} are pooled as printed, or orientation: better, which turns those of -1"
    problem = Problem(f"{key}.orientation", value, allowed, hint if what == "ratios" else "")
    raise InputError([problem])


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _chosen(row: Effect, vi: float) -> Chosen:
    return Chosen(**{name: getattr(row, name) for name in columns(Effect)} | {"vi": vi})


def _without_copies(rows: list[Chosen]) -> list[Chosen]:
    """Without repeats of a finding that two sources list: same sample, instrument, rater, time and estimate.

    The first source of the plan is kept; "PHQ-9" and "phq-9" are one instrument. Repeats inside a source stay.
    """
    first_source: dict[tuple[str | float, ...], str] = {}
    kept = []
    for row in rows:
        identity = (row.sample_id, plain(row.outcome), row.rater, row.timepoint, round(row.yi, 6))
        if first_source.setdefault(identity, row.source) == row.source:
            kept.append(row)
    return kept


def _check_values_occur(key: str, synthesis: Synthesis, rows: list[Effect]) -> None:
    """A word in a condition that no row of the sources has is a slip, not an empty group."""
    problems = []
    for name, condition in synthesis.select.items():
        words = (*(condition.any_of or ()), *(condition.none_of or ()))
        if words:
            problems += words_nowhere(f"{key}.select.{name}", words, (row.cell(name) for row in rows))
    if problems:
        raise InputError(problems)


def words_nowhere(where: str, words: Iterable[str], cells: Iterable[Cell]) -> list[Problem]:
    """Words of a condition that none of a column's cells is; nothing where there is no row."""
    present = set(cells)
    texts = sorted(cell for cell in present if isinstance(cell, str) and cell)
    numbers = sorted(cell for cell in present if isinstance(cell, float))
    problems = []
    for word in words:
        if not present or any(is_one_of(cell, (word,)) for cell in present):
            continue
        named = ", ".join((texts or [f"{cell:.15g}" for cell in numbers])[:20])
        allowed = f"one of {named}" if named else "no word: the column is empty"
        alike = next((text for text in texts if number(word) is not None and number(text) == number(word)), None)
        hint = f"YAML reads {alike} as a number: in quotation marks" if alike else ""
        problems.append(Problem(where, word, allowed, hint))
    return problems


def joint_words_nowhere(
    name: str, synthesis: Synthesis, groupings: Mapping[str, Grouping], chosen: Sequence[Chosen]
) -> list[Problem]:
    """Levels that the joint regressions of a synthesis name, and that none of its effects has."""
    faults: list[Problem] = []
    for key, model in synthesis.regressions.items():
        where = f"config.yaml, key syntheses.{name}.regressions.{key}"
        asked = [(f"{where}.reference", column, word) for column, word in model.reference.items()]
        for i, point in enumerate(model.predict):
            words = ((column, word) for column, word in point.items() if isinstance(word, str))
            asked += [(f"{where}.predict.{i}", column, word) for column, word in words]
        for place, column, word in asked:
            grouping = groupings.get(column)
            cells = (row.cell(grouping.column if grouping else column) for row in chosen)
            levels = (grouping.level_of(cell) for cell in cells) if grouping else cells
            faults += words_nowhere(f"{place}.{column}", [word], levels)
    return faults


def _emptiest(rows: list[Effect], synthesis: Synthesis, dropped: Sequence[Dropped]) -> str:
    """Which condition leaves nothing by itself; where no row is usable, why most are not."""
    if not rows:
        lost = [r for r in dropped if r.source in synthesis.sources and r.metric == synthesis.metric]
        reasons = Counter(r.reason for r in lost if r.level == "study").most_common(1)
        why = "".join(f"; of {count} {'row' if count == 1 else 'rows'}: {reason}" for reason, count in reasons)
        return f"its sources hold no study effect in this metric{why}"
    select = synthesis.select
    alone = [name for name, condition in select.items() if not any(meets(r, {name: condition}) for r in rows)]
    if alone:
        return f"select.{alone[0]} alone excludes every row"
    return "the conditions exclude each other, or the estimands do not belong to the lane"


def _check_mix(key: str, synthesis: Synthesis, chosen: list[Chosen]) -> None:
    problems = []
    mix: Mapping[str, tuple[str, ...]] = {str(k): v for k, v in synthesis.mix.items()}
    for column in MIX_COLUMNS:
        present = sorted({row.words(column) for row in chosen})
        named = mix.get(column)
        if named is None and len(present) > 1:
            allowed = f"one {column}, or all of them named under mix.{column}"
            hint = "what is pooled together must be said"
            problems.append(Problem(key, f"{column} " + ", ".join(present), allowed, hint))
        if named is not None:
            unnamed = [value for value in present if value not in named]
            if unnamed:
                allowed = "only " + ", ".join(named)
                problems.append(Problem(f"{key}.mix.{column}", ", ".join(unnamed), allowed))
    if synthesis.metric in IN_UNITS and "outcome" not in mix:
        outcomes = sorted({plain(row.outcome) for row in chosen})
        if len(outcomes) > 1:
            allowed = "one outcome, or all of them named under mix.outcome"
            hint = f"a {METRIC_NAME[synthesis.metric]} is in the units of its outcome: Hedges g has none"
            problems.append(Problem(key, f"outcome {', '.join(o or 'not named' for o in outcomes)}", allowed, hint))
    if synthesis.metric in IN_UNITS and "outcome" not in mix:
        problems += _nameless(key, chosen)
    scores = {row.statistic for row in chosen} & set(_SCORES)
    if len(scores) > 1 and not scores <= set(mix.get("statistic", ())):
        allowed = f"one kind of score, or mix.statistic: [{', '.join(_SCORES)}]"
        hint = "their standardised differences are in different units (Cochrane Handbook 10.5.2)"
        problems.append(Problem(key, "change scores and final values", allowed, hint))
    if problems:
        raise InputError(problems)


def _nameless(key: str, chosen: Sequence[Chosen]) -> list[Problem]:
    """Rows in units of an outcome that none of them names: of two directions they are not of one."""
    nameless = [row for row in chosen if not plain(row.outcome)]
    if not {1, -1} <= {row.direction for row in nameless}:
        return []
    ids = ((way, _some([row.effect_id for row in nameless if row.direction == way])) for way in (1, -1))
    value = "; ".join(f"direction {direction} in {names}" for direction, names in ids)
    allowed = "the column outcome filled in, or one direction"
    hint = "a larger number is good in one and bad in the other: two outcomes in two units?"
    return [Problem(key, f"outcome not named, {value}", allowed, hint)]


# Statistics of arms that stand for other SDs.
_SCORES = ("change_sd", "mean_sd")


def _without_number(synthesis: Synthesis, dropped: Sequence[Dropped], present: set[str], nulls: Nulls) -> list[Chosen]:
    """Samples that are reported without a number alone, as a declared way enters them, marked as such."""
    select = {k: c for k, c in synthesis.select.items() if k not in {"tier", "exactness"}}
    rows = []
    for row in dropped:
        if (
            row.source not in synthesis.sources
            or row.metric != synthesis.metric
            or row.estimand not in LANE_ESTIMANDS[synthesis.lane]
            or row.sample_id in present
            or not meets(row, select)
        ):
            continue
        value = entered(row, nulls)
        if value is not None:
            rows.append(entered_as(row, *value, _ENTERED[nulls]))
    return rows


def entered_as(row: Dropped, yi: float, vi: float, marked: str = SET_TO_ZERO) -> Chosen:
    """A row without a usable number as what a stress test enters for it."""
    raw = {name: getattr(row, name) for name in columns(Row)} | {"label": row.label or row.study}
    return Chosen(
        source=row.source,
        metric=row.metric,
        yi=yi,
        vi=vi,
        n_total=row.n,
        exactness=marked,
        converter="ns_as_zero" if marked == SET_TO_ZERO else "without_number",
        converter_version=1.0,
        corrected="",
        not_in_quote=row.not_in_quote,
        **raw,
    )


def check_model(name: str, synthesis: Synthesis, defaults: Defaults, effects: int, samples: int) -> None:
    """Refuses a multilevel model that cannot have 4 degrees of freedom, or another estimator than its own.

    The fit itself refuses what only it can see.
    """
    model = synthesis.model or defaults.model
    tau2 = synthesis.tau2 or defaults.tau2
    if model == "composites" or effects == samples:
        return
    if tau2 != "REML" and not (synthesis.crossed and tau2 == "ML"):
        key = f"config.yaml, key {f'syntheses.{name}' if synthesis.tau2 else 'defaults'}.tau2"
        allowed = f"REML, as syntheses.{name} has model {model}"
        raise InputError([Problem(key, tau2, allowed, "model composites takes every estimator")])
    if samples < LEAST_SAMPLES:
        hint = "model composites takes one mean effect of each sample"
        raise InputError(
            [
                Problem(
                    f"config.yaml, key syntheses.{name}.model",
                    f"{model} with {samples} samples",
                    f"at least {LEAST_SAMPLES} samples where a sample has several effects",
                    hint,
                )
            ]
        )


def levels_of(name: str, synthesis: Synthesis, chosen: Sequence[Chosen]) -> dict[str, list[str]]:
    """The labels of each level above the sample, by its column, from the top; empty where the plan has no levels.

    Raises InputError for effects without a label.
    """
    return _labels(name, "levels", synthesis.levels[:-1], chosen, "a sample that shares it with no other has one, too")


def crossed_of(name: str, synthesis: Synthesis, chosen: Sequence[Chosen]) -> dict[str, list[str]]:
    """The labels of each crossed random effect, by its column. Raises InputError for effects without a label."""
    return _labels(name, "crossed", synthesis.crossed, chosen, "an effect that shares it with no other has one, too")


def _labels(name: str, key: str, asked: Iterable[str], chosen: Sequence[Chosen], hint: str) -> dict[str, list[str]]:
    labels: dict[str, list[str]] = {}
    problems = []
    for column in asked:
        labels[column] = [row.words(column) for row in chosen]
        empty = [row.effect_id for row in chosen if not row.words(column)]
        if empty:
            where = f"config.yaml, key syntheses.{name}.{key}"
            problems.append(Problem(where, f"no {column} in {_some(empty)}", f"a {column} of every effect", hint))
    if problems:
        raise InputError(problems)
    return labels


def covariance_of(name: str, synthesis: Synthesis, chosen: Sequence[Chosen], rho: float) -> Array | None:
    """The sampling covariance of the effects as the plan and the data have it; None where `rho` says it all.

    Raises InputError as `sampling_covariance`, with the key of the plan.
    """
    if synthesis.correlations is None:
        return sampling_covariance(chosen, rho)
    try:
        return sampling_covariance(chosen, rho, synthesis.correlations.declared)
    except InputError as error:
        key = f"config.yaml, key syntheses.{name}"
        raise InputError(
            [
                p if "control_group" in p.where else Problem(f"{key}: {p.where}", p.value, p.allowed, p.hint)
                for p in error.problems
            ]
        ) from None


def check_dependence(name: str, synthesis: Synthesis, defaults: Defaults, chosen: Sequence[Chosen]) -> bool:
    """Checks what the plan and the data say of dependence; whether there is more than samples that repeat.

    Raises InputError for levels and crossed columns without a label, for levels with too few members, for models that
    cannot have them, and for control arms that have no covariance.
    """
    key, model = f"config.yaml, key syntheses.{name}", synthesis.model or defaults.model
    levels = levels_of(name, synthesis, chosen)
    rho = defaults.rho if synthesis.rho is None else synthesis.rho
    covariance = covariance_of(name, synthesis, chosen, rho)
    problems = []
    crossed = crossed_of(name, synthesis, chosen)
    if (levels or crossed) and model == "composites":
        allowed = f"che or three_level, as the synthesis has {'levels' if levels else 'crossed random effects'}"
        problems.append(Problem(f"{key}.model", model, allowed, "defaults.model, where the synthesis names none"))
    top = next(iter(levels), "")
    if levels and len(set(levels[top])) < LEAST_SAMPLES:
        value = f"{len(set(levels[top]))} different {top}"
        allowed = f"at least {LEAST_SAMPLES} at the top level"
        problems.append(Problem(f"{key}.levels", value, allowed, "too few for a test between them"))
    if covariance is not None and model == "three_level":
        hint = "three_level has no sampling covariance; che with rho: 0 has that of the control arms alone"
        setting = (
            f"syntheses.{name}.correlations" if synthesis.correlations else "conversions.shared_control: covariance"
        )
        value = f"three_level with {setting}"
        problems.append(Problem(f"{key}.model", value, "che or composites", hint))
    if problems:
        raise InputError(problems)
    return bool(levels) or bool(crossed) or covariance is not None


def check_shared_samples(name: str, comparison: Comparison, first: Iterable[str], second: Iterable[str]) -> list[str]:
    """Samples on both sides of a comparison. Raises InputError for any, unless they are to be left out."""
    shared = sorted(set(first) & set(second))
    if shared and comparison.shared_samples == "refuse":
        allowed = "samples on one side only, or shared_samples: leave_out"
        hint = "pools that share people are not independent"
        raise InputError([Problem(f"config.yaml, key comparisons.{name}", ", ".join(shared), allowed, hint)])
    return shared
