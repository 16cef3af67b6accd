"""Layouts of what single samples do to a pool: one left out, one added, their influence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, median

from synthesis import text
from synthesis.data.vocabulary import LOGARITHMS, NO_NULL
from synthesis.draw.axes import CLIP_SHARE
from synthesis.draw.chart import (
    KIND_NAME,
    WIDE,
    Area,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    RowText,
    few_to_compare,
    narrow_axis,
    number_axis,
    plan_notes,
    pooled_sentence,
    range_note,
    refusal,
    room_for,
    sample_method,
    sample_note,
    title_of,
)
from synthesis.draw.forest_notes import RANGE, beyond_axis, is_between, is_entered, of_range
from synthesis.draw.layout import Layout, Mark, Row, coordinates, decimals_of, mark_of, section_of
from synthesis.draw.rows import method_of, pooled_rows
from synthesis.results.diagnosed import CumulativeStep, Diagnosed, SampleInfluence
from synthesis.results.fitted import Fitted, Study

# Models that leave-one-out refits as they are.
MULTILEVEL = ("che", "three_level")
_LABELS = 8
# Inches of a letter of a label, of a line, and from a mark to its label.
_LETTER, _LABEL_LINE, _BESIDE = 0.053, 0.095, 0.06
# Intervals of early pools that are more than so many times as long as the median of all are cut.
_FAR = 5.0
# Of pools that differ by one sample: with fewer all would be printed alike.
_DECIMALS_WITHOUT = 3
# Marked in a Baujat plot: more than this many times an even share.
_STANDS_OUT = 3.0


def _pooled(document: Fitted, columns: int, decimals: int) -> list[Row]:
    """The diamond and the heterogeneity line of the whole."""
    rows = pooled_rows(document, ("",) * columns, decimals=decimals)
    joined = [replace(row, low_text="", high_text=f"{row.low_text} {row.high_text}".strip()) for row in rows]
    return [row for row in joined if row.kind != "prediction"]


def cumulative(document: Fitted, diagnostics: Diagnosed) -> Layout | Chart:
    """The pool after each sample, by year."""
    reason = few_to_compare(diagnostics) or diagnostics.skipped.get("cumulative", "")
    if reason:
        return refusal("cumulative", document.synthesis, document, reason)
    studies = {study.sample_id: study for study in document.studies}
    rows = [_step_row(document, step, studies[step.sample_id]) for step in diagnostics.cumulative]
    undated = sum(step.year is None for step in diagnostics.cumulative)
    note = (
        "Each row: the pool of all samples up to that one, by year of publication, one value per sample "
        f"({sample_method(document)}); the first row is the first sample itself, which has no I² ({text.NONE}). The "
        f"{_diamond(document)}: all estimates ({method_of(document)}).{_flat_diamonds(document)}"
    )
    if undated:
        note += f" Samples without a year ({undated}) come last."
    if any(row.fill for row in rows):
        note += " Hollow: a value that no source prints."
    # Early pools have hardly an upper limit: at least one is cut at each end, that of the first two samples, and as
    # many as are far longer than usual. A share is of both ends of all rows.
    clip = max(CLIP_SHARE, (_stretched(rows) + 0.002) / (2 * len(rows)))
    return _forest_like("cumulative", document, rows, ("samples", "i2"), "Sample added", note, clip=clip)


def _stretched(rows: Sequence[Row]) -> int:
    """How many intervals of the first pools squeeze the others, at least one; no more than half of them."""
    lengths = [row.ci_high - row.ci_low for row in rows if row.ci_low is not None and row.ci_high is not None]
    usual = median(lengths or [0.0])
    # The first row is one sample, and no pool.
    return min(max(1, sum(length > _FAR * usual for length in lengths[1:])), max(1, len(rows) // 2))


_SUMMARY_WORDS = {"common": "their common effect", "bayes": "the Bayesian pool"}


def _diamond(document: Fitted) -> str:
    """The diamond of the pool, which may have flat ones below it."""
    return "large diamond" if document.summaries else "diamond"


def _flat_diamonds(document: Fitted) -> str:
    """What the flat diamonds are, in order."""
    words = [_SUMMARY_WORDS[summary.kind] for summary in document.summaries]
    return f" Flat: {', '.join(words)}." if words else ""


def _step_row(document: Fitted, step: CumulativeStep, study: Study) -> Row:
    low, high = step.ci_low, step.ci_high
    if step.samples == 1 and step.estimate is not None:
        half = NormalDist().inv_cdf(0.5 + document.fit.level / 2) * math.sqrt(study.vi)
        low, high = step.estimate - half, step.estimate + half
    # One sample has no heterogeneity, which is not the same as none.
    i2 = text.NONE if step.i2 is None else text.number(step.i2, 0)
    cells = (text.count(step.samples), i2)
    mark = _mark(document, step.estimate, low, high)
    label = step.label + of_range(study)
    unprinted = step.samples == 1 and (is_between(study) or is_entered(study))
    return Row(
        "study", label, document.lane, cells, key=step.sample_id, effects=study.effects,
        fill="hollow" if unprinted else "", **mark,
    )  # fmt: skip


def leave_one_out(document: Fitted, diagnostics: Diagnosed) -> Layout | Chart:
    """The pool without each sample, by size of the estimate; of the document's own model where that was refitted."""
    reason = few_to_compare(diagnostics) or diagnostics.skipped.get("influence", "")
    if reason:
        return refusal("leave_one_out", document.synthesis, document, reason)
    refitted = document.fit.model in MULTILEVEL
    within = any(sample.model_omega2_without is not None for sample in diagnostics.influence)
    columns = ("tau2", "omega2") if within else ("tau2",)
    pools = [_without(sample, refitted) for sample in diagnostics.influence]
    pools.sort(key=lambda pool: (pool.estimate is None, pool.estimate or 0.0))
    effects = {study.sample_id: study.effects for study in document.studies}
    decimals = max(_DECIMALS_WITHOUT, decimals_of(document))
    rows = [_without_row(document, pool, columns, effects[pool.sample.sample_id], decimals) for pool in pools]
    how = method_of(document) if refitted else sample_method(document)
    note = (
        f"Each row: the pool without that sample ({how}), by size. Dashed line and {_diamond(document)}: with all "
        f"samples.{_flat_diamonds(document)}"
    )
    guide = coordinates(document.metric, document.fit.estimate)[0]
    near = _near_no_effect(rows)
    if not near and document.metric not in NO_NULL:
        note += f" The axis does not reach {'1' if document.metric in LOGARITHMS else '0'} (no {document.word})."
    return _forest_like(
        "leave_one_out", document, rows, columns, "Left out", note, guide=guide, decimals=decimals, hold_null=near
    )


def _near_no_effect(rows: Sequence[Row]) -> bool:
    """Whether an axis that reaches no effect leaves at least two thirds of itself to the rows."""
    ends = [x for row in rows for x in (row.estimate, row.ci_low, row.ci_high) if x is not None]
    away = max(0.0, min(ends, default=0.0), -max(ends, default=0.0))
    return away <= (max(ends, default=0.0) - min(ends, default=0.0)) / 2


@dataclass(frozen=True, slots=True)
class _Without:
    """The pool without a sample; None where it could not be fitted, or has no interval."""

    sample: SampleInfluence
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    tau2: float | None
    omega2: float | None


def _without(sample: SampleInfluence, refitted: bool) -> _Without:
    if not refitted:
        limits = sample.ci_low_without, sample.ci_high_without
        return _Without(sample, sample.estimate_without, *limits, sample.tau2_without, None)
    limits = sample.model_ci_low_without, sample.model_ci_high_without
    return _Without(
        sample, sample.model_estimate_without, *limits, sample.model_tau2_without, sample.model_omega2_without
    )


def _without_row(
    document: Fitted, pool: _Without, columns: tuple[str, ...], effects: tuple[str, ...], decimals: int
) -> Row:
    cells = tuple(text.small(pool.omega2 if column == "omega2" else pool.tau2, 4) for column in columns)
    mark = _mark(document, pool.estimate, pool.ci_low, pool.ci_high, decimals)
    if pool.ci_low is None:
        mark["high_text"] = "not fitted" if pool.estimate is None else "no interval"
    sample = pool.sample
    return Row("study", sample.label, document.lane, cells, key=sample.sample_id, effects=effects, **mark)


def _mark(document: Fitted, estimate: float | None, low: float | None, high: float | None, decimals: int = 0) -> Mark:
    """A row's mark with both limits in one text: there are many rows, and each text takes its time."""
    if estimate is None:
        return Mark(estimate=None, ci_low=None, ci_high=None, estimate_text="", low_text="", high_text="")
    mark = mark_of(document.metric, estimate, low, high, decimals or decimals_of(document))
    mark["low_text"], mark["high_text"] = "", f"{mark['low_text']} {mark['high_text']}".strip()
    return mark


def _forest_like(
    kind: str,
    document: Fitted,
    rows: list[Row],
    columns: tuple[str, ...],
    row_name: str,
    note: str,
    guide: float | None = None,
    clip: float = 0.0,
    decimals: int = 0,
    hold_null: bool = True,
) -> Layout:
    name = document.synthesis
    section = section_of(
        name,
        document.metric,
        columns,
        [*rows, *_pooled(document, len(columns), decimals)],
        document.fit.level,
        favours=document.figure.favours,
        row_name=row_name,
        guide=guide,
        clip=clip,
        hold_null=hold_null,
    )
    several = () if document.fit.k == document.fit.samples else (sample_note(document),)
    if any(row.ci_low is not None and row.ci_low < section.low for row in rows) or any(
        row.ci_high is not None and row.ci_high > section.high for row in rows
    ):
        note += " Arrows: limits beyond the axis."
    if beyond := beyond_axis([section]):
        note += f" Arrow heads without a square: estimates beyond the axis, of {'; '.join(beyond)}."
    ranges = range_note(document) if kind == "cumulative" else []
    signed = [f"{RANGE}: {sentence[:1].lower()}{sentence[1:]}" for sentence in ranges]
    notes = (note, *(several if kind == "cumulative" else ()), *signed, *plan_notes(document))
    return Layout(name, f"{document.title}: {KIND_NAME[kind]}", (section,), notes)


def baujat(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Share of each sample in the heterogeneity against its influence on the estimate."""
    name = document.synthesis
    reason = few_to_compare(diagnostics) or diagnostics.skipped.get("influence", "")
    if reason:
        return refusal("baujat", name, document, reason)
    effects = {study.sample_id: study.effects for study in document.studies}
    placed = [
        (sample, sample.baujat_q, sample.baujat_influence)
        for sample in diagnostics.influence
        if sample.baujat_q is not None and sample.baujat_influence is not None
    ]
    all_q = math.fsum(q for _, q, _ in placed) or 1.0
    all_influence = math.fsum(moved for _, _, moved in placed) or 1.0
    # Times an even share, of whichever of the two is larger.
    weights = {s.sample_id: len(placed) * max(q / all_q, moved / all_influence) for s, q, moved in placed}
    largest = sorted(weights, key=lambda sample: weights[sample], reverse=True)
    marked = {sample for sample in largest[:_LABELS] if weights[sample] > _STANDS_OUT}
    points = [
        Point(
            "marked" if s.sample_id in marked else "estimate",
            q, moved, 0.062, s.sample_id, s.label, s.sample_id in marked, effects[s.sample_id],
        )
        for s, q, moved in placed
    ]  # fmt: skip
    x = number_axis("Contribution to residual heterogeneity (Q)", [0.0, *(p.x for p in points)], about=5)
    y = number_axis("Influence on the estimate", [0.0, *(p.y for p in points)], about=5, pad=0.06)
    chart = Chart("baujat", name, title_of("baujat", document), document.lane, (Panel(x, y),), left=0.55)
    above = [sample for sample in largest if 1 < weights[sample] <= _STANDS_OUT][: _LABELS - len(marked)]
    named = _with_room(chart, points, above)
    points = [replace(p, named=p.named or p.key in named) for p in points]
    times = f"more than {_STANDS_OUT:g} times the average of either"
    words = f"diamonds: {text.plural(len(marked), 'sample')} with {times}" if marked else f"no sample has {times}"
    labelled = "; labelled, too, where there is room: the largest of those above the average" if named else ""
    note = (
        f"{sample_note(document)} Influence: squared change of the estimate without the sample, in its variances "
        f"(Baujat et al. 2002; {document.fit.method}); {words}{labelled}."
    )
    return replace(
        chart, panels=(Panel(x, y, points=tuple(points)),), notes=(note, *plan_notes(document)),
        legend=(
            Key("point", "estimate", "sample"),
            *([Key("point", "marked", f"more than {_STANDS_OUT:g} times the average")] if marked else []),
        ),
    )  # fmt: skip


def _with_room(chart: Chart, points: Sequence[Point], samples: Iterable[str]) -> set[str]:
    """Which of these samples have room for their label beside their mark, the first ones before the others."""
    (panel,) = chart.panels
    across, up = chart.panel_width / (panel.x.high - panel.x.low), chart.height / (panel.y.high - panel.y.low)
    places = {p.key: ((p.x - panel.x.low) * across, (p.y - panel.y.low) * up, p) for p in points}
    taken = [(x - p.size / 2, y - p.size / 2, x + p.size / 2, y + p.size / 2) for x, y, p in places.values()]
    named = set()
    for sample in samples:
        x, y, point = places[sample]
        wide, aside = _LETTER * len(point.label) + 0.02, 0.7 * _BESIDE
        # In the order in which labels are drawn: right, left, and right of it a little lower or higher.
        for left, middle in (
            (x + _BESIDE, y), (x - _BESIDE - wide, y), (x + aside, y - _BESIDE), (x + aside, y + _BESIDE),
        ):  # fmt: skip
            right, bottom, top = left + wide, middle - _LABEL_LINE / 2, middle + _LABEL_LINE / 2
            inside = left > 0 and right < chart.panel_width and bottom > 0 and top < chart.height
            if inside and not any(left < b[2] and b[0] < right and bottom < b[3] and b[1] < top for b in taken):
                named.add(sample)
                taken.append((left, bottom, right, top))
                break
    return named


_ROWS = Axis("", 0.0, 1.0)
# Inches of a measure: three texts of ticks such as 0.5 have room below it.
_LEAST_MEASURE = 0.6
_MEASURES = (
    ("rstudent", "Residual"),
    ("dffits", "DFFITS"),
    ("cook", "Cook's distance"),
    ("cov_ratio", "COVRATIO"),
    ("hat", "Weight, % (hat)"),
    ("tau2_without", "τ² without"),
)


def influence(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Deletion diagnostics, a row per sample and a panel per measure, influential samples marked."""
    name, count = document.synthesis, len(document.studies)
    reason = few_to_compare(diagnostics) or diagnostics.skipped.get("influence", "")
    if not reason and count < 3:
        reason = f"{text.plural(count, 'sample')}: fewer than 3"
    if reason:
        return refusal("influence", name, document, reason)
    studies = {study.sample_id: study for study in document.studies}
    samples = sorted(
        diagnostics.influence,
        key=lambda s: (studies[s.sample_id].year or 9999, s.label.casefold(), s.sample_id),
    )
    effects = {study.sample_id: study.effects for study in document.studies}
    chart = Chart(
        "influence", name, title_of("influence", document), document.lane, (Panel(_ROWS, _ROWS),) * len(_MEASURES),
        width=WIDE, height=max(0.5, 0.135 * count), left=room_for(s.label for s in samples), gap=0.18,
    )  # fmt: skip
    chart = replace(chart, width=chart.width + len(_MEASURES) * max(0.0, _LEAST_MEASURE - chart.panel_width))
    whole = _whole_tau2(document, diagnostics)
    panels = tuple(
        _measure_panel(key, heading, whole, samples, effects, chart.panel_width) for key, heading in _MEASURES
    )
    nothing = "no influence; of the weight: an even share" + "; of τ²: with all samples" * (whole is not None)
    texts = tuple(RowText(i + 0.5, s.label, bold=bool(s.influential), key=s.sample_id) for i, s in enumerate(samples))
    return replace(
        chart, panels=panels, rows=texts,
        legend=(
            Key("point", "sample", "sample"), Key("point", "marked", "influential sample"),
            Key("line", "null", nothing), Key("line", "threshold", "border"),
        ),
        notes=(_influence_note(document, samples), pooled_sentence(document), *plan_notes(document)),
    )  # fmt: skip


def _measure_panel(
    key: str,
    heading: str,
    whole: float | None,
    samples: Sequence[SampleInfluence],
    effects: Mapping[str, tuple[str, ...]],
    width: float,
) -> Panel:
    """One measure of all samples, in their rows, `whole` their tau2; where it is not defined there is no mark."""
    count = len(samples)
    values = [(i + 0.5, s, s.measure(key)) for i, s in enumerate(samples)]
    times = _times(key, [value for _, _, value in values if value is not None])
    heading += f" (\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{times:g})" if key == "tau2_without" and times > 1 else ""
    marks = [(at, s, times * value) for at, s, value in values if value is not None]
    middle, borders = _references(key, count, whole)
    middle, borders = None if middle is None else times * middle, [times * border for border in borders]
    seen = [value for _, _, value in marks] + ([middle] if middle is not None else [])
    # A border far outside the values would leave them no room.
    reach = max(map(abs, seen), default=1.0)
    drawn = [b for b in borders if abs(b) <= 2.5 * reach]
    x = narrow_axis("", [*seen, *drawn], width)
    lines = [Line("grid", (x.low, x.high), (at, at)) for at, _, _ in marks]
    lines += [Line("null", (middle, middle), (0.0, count))] if middle is not None else []
    lines += [Line("threshold", (b, b), (0.0, count)) for b in drawn]
    points = tuple(
        Point(
            "marked" if s.influential else "sample", value, at, 0.055, s.sample_id, s.label,
            effects=effects[s.sample_id],
        )
        for at, s, value in marks
    )  # fmt: skip
    areas = tuple(
        Area("row", (x.low, x.high, x.high, x.low), (i, i, i + 1.0, i + 1.0))
        for i, s in enumerate(samples)
        if s.influential
    )
    return Panel(x, Axis("", float(count), 0.0), areas, tuple(lines), points, heading=heading)


def _times(key: str, values: Sequence[float]) -> float:
    """By what a measure is multiplied, so that the texts of its ticks are short: weights in percent, a small tau2."""
    if key == "hat":
        return 100.0
    largest = max(map(abs, values), default=0.0)
    return float(10 ** -math.floor(math.log10(largest))) if key == "tau2_without" and 0 < largest < 0.1 else 1.0


def _influence_note(document: Fitted, samples: Sequence[SampleInfluence]) -> str:
    count, influential = len(samples), sum(bool(s.influential) for s in samples)
    return (
        f"One value per sample ({sample_method(document)}). Influential ({influential} of {count}): |DFFITS| above "
        f"{text.number(_dffits_border(count))}, Cook's distance above {text.number(_COOK)}, weight above "
        f"{text.number(300 / count, 1)}%, or |DFBETAS| above 1. Dashed: these borders, and ±{text.number(_NORMAL)} for "
        "studentized deleted residuals; borders far from all values are left out. COVRATIO below 1: more precise "
        f"without the sample.{_other_tau2(document)}"
    )


def _other_tau2(document: Fitted) -> str:
    """Why tau2 is another one than that of the forest plot, where it is."""
    if document.fit.model in ("independent", "composites"):
        return ""
    return " τ² is that of one value per sample; the forest plot's is of all estimates, between and within samples."


_NORMAL = NormalDist().inv_cdf(0.975)
# Median of chi-squared with one degree of freedom.
_COOK = NormalDist().inv_cdf(0.75) ** 2


def _dffits_border(k: int) -> float:
    return 3 * math.sqrt(1 / (k - 1))


def _whole_tau2(document: Fitted, diagnostics: Diagnosed) -> float | None:
    """tau2 of all samples with one value each, whatever the model of the forest plot; None where it was not fitted."""
    if document.fit.model in ("independent", "composites"):
        return document.fit.tau2
    last = diagnostics.cumulative[-1] if diagnostics.cumulative else None
    return last.tau2 if last is not None and last.samples == len(diagnostics.influence) else None


def _references(key: str, k: int, whole: float | None) -> tuple[float | None, Iterable[float]]:
    """Where a measure says nothing, and beyond what it is worth a look (Viechtbauer & Cheung 2010)."""
    match key:
        case "rstudent":
            return 0.0, (-_NORMAL, _NORMAL)
        case "dffits":
            return 0.0, (-_dffits_border(k), _dffits_border(k))
        case "cook":
            return 0.0, (_COOK,)
        case "cov_ratio":
            return 1.0, ()
        case "hat":
            return 1 / k, (3 / k,)
    return whole, ()
