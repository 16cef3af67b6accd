"""Layouts that set effects against their precision: contour-enhanced funnel, radial plot."""

from __future__ import annotations

import math
from statistics import NormalDist

from synthesis import text
from synthesis.data.vocabulary import ESTIMATE_NAME, LOGARITHMS
from synthesis.draw.chart import (
    Area,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    estimate_axis,
    estimate_ticks,
    few_to_compare,
    interval_text,
    no_effect,
    number_axis,
    plan_notes,
    pooled_sentence,
    refusal,
    sample_note,
    sample_points,
    spaced_name,
    title_of,
)
from synthesis.draw.layout import axis_name
from synthesis.meta.bias import Asymmetry
from synthesis.results.diagnosed import Diagnosed, SmallStudyTests
from synthesis.results.document import columns
from synthesis.results.fitted import Fitted

POINT = 0.062
# Two-sided p values at the borders of the regions around no effect: Peters et al. (2008), J Clin Epidemiol 61:991-996.
CONTOURS = (0.01, 0.05, 0.1)
# What a metric is itself where estimates are read on another scale.
_OWN_SCALE = {"z": "Fisher z", "logit": "Logit", "arcsine": "Arcsine"} | {
    metric: f"Log {ESTIMATE_NAME[metric]}" for metric in LOGARITHMS
}
# Galbraith (1988), Stat Med 7:889-894.
_BAND = 2.0
# The scale of estimates at the right of a radial plot goes on to a tick that is no further than this share of it.
_FURTHER = 0.08


def funnel(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """Estimates against standard errors; only where the diagnostics tested small-study effects."""
    name, metric = document.synthesis, document.metric
    tests = diagnostics.small_study
    if tests is None:
        reason = few_to_compare(diagnostics) or diagnostics.skipped["small_study"]
        why = "With so few samples a funnel plot cannot tell chance from small-study effects."
        return refusal("funnel", name, document, reason, (why,))
    y = [study.yi for study in document.studies]
    se = [math.sqrt(study.vi) for study in document.studies]
    hollow = _added(tests)
    deepest = 1.06 * max(se)
    centre, half = document.fit.estimate, NormalDist().inv_cdf(0.5 + document.fit.level / 2) * deepest
    x = estimate_axis(
        metric,
        spaced_name(metric, axis_name(document)),
        [*y, *(point.x for point in hollow), centre - half, centre + half],
        spaced=True,
    )
    down = number_axis("Standard error", [0.0, deepest], about=5, pad=0.0)
    down = Axis(down.name, down.high, 0.0, down.ticks, down.texts)
    lines = [
        Line("pooled", (centre, centre), (0.0, deepest)),
        Line("limit", (centre - half, centre, centre + half), (deepest, 0.0, deepest)),
    ]
    if tests.egger is not None:
        ends = (tests.egger.limit, tests.egger.limit + tests.egger.slope * deepest)
        lines.append(Line("regression", ends, (0.0, deepest)))
    points = (*hollow, *sample_points(document, y, se, POINT))
    return Chart(
        "funnel",
        name,
        title_of("funnel", document),
        document.lane,
        (Panel(x, down, _contours(x, deepest), tuple(lines), points),),
        legend=_funnel_legend(document, tests),
        notes=(*_warnings(tests), *_funnel_notes(document, tests), *plan_notes(document)),
    )


def _added(tests: SmallStudyTests) -> list[Point]:
    """What trim and fill adds."""
    filled = tests.trim_fill_L0
    if filled is None:
        return []
    return [Point("added", x, math.sqrt(v), POINT) for x, v in zip(filled.filled_yi, filled.filled_vi, strict=True)]


def _funnel_legend(document: Fitted, tests: SmallStudyTests) -> tuple[Key, ...]:
    legend = [
        Key("point", "sample", "sample"),
        Key("line", "pooled", f"pooled {document.word}"),
        Key("line", "limit", f"pseudo {100 * document.fit.level:g}% limits"),
    ]
    if tests.egger is not None:
        legend.append(Key("line", "regression", "Egger regression"))
    if _added(tests):
        legend.append(Key("point", "added", "added by trim and fill"))
    for kind, words in (
        ("p above 0.1", "p > 0.1"),
        ("p 0.05 to 0.1", "p 0.05 to 0.1"),
        ("p 0.01 to 0.05", "p 0.01 to 0.05"),
        ("background", "p < 0.01"),
    ):
        legend.append(Key("area", kind, words))
    return tuple(legend)


def _contours(x: Axis, deepest: float) -> tuple[Area, ...]:
    """The regions of p around no effect, the outermost first, each over the one before."""
    areas = [Area("background", (x.low, x.high, x.high, x.low), (0.0, 0.0, deepest, deepest))]
    for p, kind in zip(CONTOURS, ("p 0.01 to 0.05", "p 0.05 to 0.1", "p above 0.1"), strict=True):
        half = -NormalDist().inv_cdf(p / 2) * deepest
        areas.append(Area(kind, (0.0, half, -half), (0.0, deepest, deepest)))  # type: ignore[arg-type]
    return tuple(areas)


def _warnings(tests: SmallStudyTests) -> tuple[str, ...]:
    """The warnings that the tests carry: those of a funnel that was forced."""
    done = [getattr(tests, name) for name in columns(SmallStudyTests)]
    notes = [note for test in done for note in getattr(test, "notes", ())]
    return tuple(f"Warning: {note}." for note in dict.fromkeys(notes) if "fewer than" in note and "studies" in note)


def _funnel_notes(document: Fitted, tests: SmallStudyTests) -> tuple[str, ...]:
    metric, word = document.metric, document.word
    first = f"{sample_note(document)} Greys: two-sided p of a single {word} against none. {pooled_sentence(document)}"
    notes = []
    if tests.egger is not None:
        notes.append(_egger_note(tests.egger, tests))
    else:
        notes.append(f"No Egger regression: {tests.refused.get('egger', 'not available')}.")
    filled = tests.trim_fill_L0
    if filled is not None and filled.missing:
        value = interval_text(metric, filled.fit.estimate, filled.fit.ci_low, filled.fit.ci_high)
        notes.append(
            f"Trim and fill (L0) adds {text.plural(filled.missing, 'sample')} on the {filled.side}; "
            f"with them {ESTIMATE_NAME[metric]} = {value}."
        )
    elif filled is not None:
        notes.append("Trim and fill (L0) adds no sample.")
    notes.append("Asymmetry can have other causes than publication bias.")
    return (first, " ".join(notes))


def _egger_note(egger: Asymmetry, tests: SmallStudyTests) -> str:
    others = ((tests.egger_inverse_root_n, "on 1/√n"), (tests.egger_robust, "cluster-robust, all estimates"))
    on_sizes = tests.egger_inverse_root_n
    if on_sizes is not None and on_sizes.k < egger.k:
        others = ((on_sizes, f"on 1/√n, {on_sizes.k} of {egger.k} samples whose n is known,"), others[1])
    more = [f"{name} {text.p_value(test.p)}" for test, name in others if test is not None and test.p is not None]
    also = f"; {'; '.join(more)}" if more else ""
    p = "no test" if egger.p is None else text.p_value(egger.p)
    return (
        f"Egger regression on the standard error (weighted, multiplicative dispersion): slope "
        f"{text.number(egger.slope)}, {p}{also}."
    )


def radial(document: Fitted, diagnostics: Diagnosed) -> Chart:
    """z = estimate / SE against 1 / SE: the ray from the origin through a sample ends at its estimate on the right."""
    name, metric = document.synthesis, document.metric
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("radial", name, document, reason)
    y = [s.yi for s in document.studies]
    precision = [1 / math.sqrt(s.vi) for s in document.studies]
    z = [a * b for a, b in zip(y, precision, strict=True)]
    centre, furthest = document.fit.estimate, 1.04 * max(precision)
    band = [centre * furthest + s * _BAND for s in (-1, 1)]
    label = f"{_OWN_SCALE.get(metric, ESTIMATE_NAME[metric])} / SE"
    up = number_axis(label, [*z, *band, -_BAND, _BAND], about=6)
    across = number_axis("1 / SE", [0.0, furthest], about=6, pad=0.0)
    ends = up.low / furthest, up.high / furthest
    ticks, texts = estimate_ticks(metric, *ends, about=8, spaced=True)
    room = _FURTHER * (ends[1] - ends[0])
    reach = ends[0] - room * (min(y) < ticks[0]), ends[1] + room * (max(y) > ticks[-1])
    ticks, texts = estimate_ticks(metric, *reach, about=8, spaced=True)
    up = number_axis(label, [up.low, up.high, *(tick * furthest for tick in ticks)], about=6, pad=0.0)
    right = Axis(spaced_name(metric, axis_name(document)), up.low, up.high, tuple(t * furthest for t in ticks), texts)
    outside = sum(abs(a - centre * b) > _BAND for a, b in zip(z, precision, strict=True))
    zero, zero_keys = no_effect(document, (0.0, furthest), (0.0, 0.0))
    panel = Panel(
        across,
        up,
        (Area("confidence", (0, furthest, furthest, 0), (-_BAND, band[0], band[1], _BAND)),),
        (*zero, Line("pooled", (0, furthest), (0, centre * furthest))),
        tuple(sample_points(document, precision, z, POINT)),
        right,
    )
    leaving = sum(not up.low <= a * furthest <= up.high for a in y)
    before = f", but the rays of {text.plural(leaving, 'sample')} leave the plot before it" if leaving else ""
    note = (
        f"{sample_note(document)} The ray from the origin through a sample ends at its estimate on the right{before}. "
        f"{pooled_sentence(document)} {text.plural(outside, 'sample')} of {len(y)} outside "
        "the band; about 5% would be without heterogeneity."
    )
    return Chart(
        "radial", name, title_of("radial", document), document.lane, (panel,), height=2.5, right=0.5,
        legend=(
            Key("point", "sample", "sample"),
            Key("line", "pooled", f"pooled {document.word}"),
            Key("area", "confidence", f"pooled \N{PLUS-MINUS SIGN} {_BAND:g}"),
            *zero_keys,
        ),
        notes=(note, *plan_notes(document)),
    )  # fmt: skip
