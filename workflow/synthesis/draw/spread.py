"""Layouts that show every single estimate: orchard and caterpillar plots, regressions on a number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthesis import text
from synthesis.draw.chart import (
    WIDE,
    Area,
    Axis,
    Chart,
    Key,
    Line,
    Panel,
    Point,
    Record,
    RowText,
    estimate_axis,
    few_to_compare,
    number_axis,
    own_notes,
    pooled_sentence,
    refusal,
    room_for,
    sample_method,
    shown,
    title_of,
)
from synthesis.draw.layout import COLUMN_NAME, ESTIMATE_NAME, GROUP_NAME, axis_name, coordinates
from synthesis.draw.rows import method_of

# Diameters: of the most precise estimate, and the least that is still seen.
_LARGEST, _SMALLEST = 0.13, 0.035
# Estimates lie above their pooled value, clear of its intervals, and no higher than this.
_CLEAR, _HIGHEST = 0.045, 0.75
_LEAST_ABOVE, _BELOW = 0.15, 0.16
MODERATOR_NAME = {
    "year": "Year of publication",
    "weeks": "Weeks",
    "n_total": "People in the sample",
    "severity": "Severity at baseline, SD of its instrument",
}
_SHORT_NAME = {"year": "year", "weeks": "weeks", "n_total": "sample size", "severity": "severity at baseline"}
# What a slope is per; a single person is too little to see.
UNIT_NAME = {"year": "year", "weeks": "week", "n_total": "100 people", "severity": "SD of severity"}
PER = {"year": 1.0, "weeks": 1.0, "n_total": 100.0, "severity": 1.0}


def _members(document: Record) -> list[tuple[Record, Record]]:
    return [(study, member) for study in document["studies"] for member in study["members"]]


def _diameters(variances: Sequence[float]) -> list[float]:
    """Areas in proportion to precision, 1 / SE."""
    precision = [v**-0.5 for v in variances]
    best = max(precision)
    return [max(_SMALLEST, _LARGEST * math.sqrt(p / best)) for p in precision]


def _place(metric: str, value: float) -> float:
    """On the axis of a forest plot: r for z."""
    placed = coordinates(metric, value)[0]
    return value if placed is None else placed


def orchard(document: Record, diagnostics: Record) -> Chart:
    """Every estimate, in a block per level of a factor where one was examined, over pooled value and intervals."""
    name, metric = document["synthesis"], document["metric"]
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("orchard", name, document, reason)
    factor = _factor(document, diagnostics)
    found = _members(document)
    sizes = dict(zip((m["effect_id"] for _, m in found), _diameters([m["vi"] for _, m in found]), strict=True))
    whole = {key: document[key] for key in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "k", "samples")}
    blocks: list[tuple[str, Record, list[tuple[Record, Record]]]] = []
    without = 0
    if factor is not None:
        column = factor["moderator"]
        without = factor["without_value"]
        for level in factor["levels"]:
            held = [(s, m) for s, m in found if m[column] == level["level"]]
            blocks.append((_level_name(level["level"]), level, held))
    all_name = f"All {document['word']}s" if blocks else document["word"].capitalize() + "s"
    blocks.append((all_name, whole, [] if blocks else found))
    values = [_place(metric, m["yi"]) for _, m in found]
    values += [_place(metric, b[key]) for _, b, _ in blocks for key in _LIMITS if b.get(key) is not None]
    x = estimate_axis(metric, axis_name(document), values)
    chart = Chart(
        "orchard", name, title_of("orchard", document), document["lane"],
        width=WIDE, left=room_for([_counts(whole), *(label for label, _, _ in blocks)]), right=1.05,
    )  # fmt: skip
    unit = chart.panel_width / (x.high - x.low)
    top = 0.04
    points: list[Point] = []
    lines: list[Line] = []
    rows: list[RowText] = []
    for label, block, held in blocks:
        own = [
            (_place(metric, m["yi"]), sizes[m["effect_id"]], s, m) for s, m in sorted(held, key=lambda p: p[1]["yi"])
        ]
        offsets = swarm([(at * unit, size) for at, size, _, _ in own])
        above = max((o + size / 2 for o, (_, size, _, _) in zip(offsets, own, strict=True)), default=0.0)
        middle = top + max(_LEAST_ABOVE, above)
        for offset, (at, size, study, member) in zip(offsets, own, strict=True):
            key = member["effect_id"]
            points.append(Point("estimate", at, middle - offset, size, key, study["label"], effects=(key,)))
        low, high, left, right = (_limit(metric, block, k) for k in ("ci_low", "ci_high", "pi_low", "pi_high"))
        if left is not None and right is not None:
            lines.append(Line("prediction", (left, right), (middle, middle), label))
        if low is not None and high is not None:
            lines.append(Line("interval", (low, high), (middle, middle), label))
        points.append(Point("pooled", _place(metric, block["estimate"]), middle, 0.085, label, label))
        prediction = shown(metric, block["estimate"], block.get("pi_low"), block.get("pi_high")).partition(" ")[2]
        value = shown(metric, block["estimate"], block["ci_low"], block["ci_high"])
        rows.append(RowText(middle, label, _counts(block), value, prediction and f"PI {prediction}", True, label))
        top = middle + _BELOW
    bottom = top + 0.04
    zero = Line("null", (0.0, 0.0), (0.0, bottom))
    panel = Panel(x, Axis("", bottom, 0.0), (), (zero, *lines), tuple(points))
    return Chart(
        "orchard", name, chart.title, document["lane"], (panel,),
        width=WIDE, height=bottom, left=chart.left, right=chart.right, rows=tuple(rows),
        legend=(
            Key("point", "estimate", "single estimate, area by precision (1 / SE)"),
            Key("point", "pooled", "pooled"),
            Key("line", "interval", f"{100 * document['level']:g}% CI"),
            Key("line", "prediction", "prediction interval (PI)"),
        ),
        notes=(_orchard_note(document, factor, without), *own_notes(document)),
    )  # fmt: skip


def _counts(block: Record) -> str:
    return f"{text.plural(block['k'], 'estimate')}, {text.plural(block['samples'], 'sample')}"


_LIMITS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def _orchard_note(document: Record, factor: Record | None, without: int) -> str:
    words = pooled_sentence(document)
    if factor is None:
        return f"{words} Heights only keep estimates apart."
    column = COLUMN_NAME[factor["moderator"]].casefold()
    missing = f" {text.plural(without, 'estimate')} without {column} not shown." if without else ""
    return (
        f"{words} Blocks by {column}, each pooled by itself with one value per sample ({document['method']}); "
        f"heights only keep estimates apart.{missing}"
    )


def _factor(document: Record, diagnostics: Record) -> Record | None:
    """The factor whose levels make the blocks: that of the forest plot where it was examined, else the first."""
    factors = [m for m in diagnostics.get("moderators", ()) if m.get("levels")]
    grouped = [m for m in factors if m["moderator"] == document["figure"]["group_by"]]
    return next(iter([*grouped, *factors]), None)


def _level_name(level: str) -> str:
    name = GROUP_NAME.get(level, level[:1].upper() + level[1:])
    # What GROUP_NAME adds in brackets has no room beside the plot.
    return name.partition(" (")[0]


def _limit(metric: str, block: Record, key: str) -> float | None:
    return None if block.get(key) is None else _place(metric, block[key])


def swarm(marks: Sequence[tuple[float, float]]) -> list[float]:
    """Heights at which circles (position, diameter; by position) lie apart, each as low as it can.

    Rather than higher than the highest they overlap.
    """
    placed: list[tuple[float, float, float]] = []
    for at, size in marks:
        near = [(x, o, s) for x, o, s in placed if abs(x - at) < (s + size) / 2]
        step, lowest = 0.012, _CLEAR + size / 2
        for i in range(int(_HIGHEST / step)):
            offset = lowest + step * i
            if all(math.hypot(x - at, o - offset) >= 0.92 * (s + size) / 2 for x, o, s in near):
                break
        placed.append((at, offset, size))
    return [offset for _, offset, _ in placed]


def caterpillar(document: Record, diagnostics: Record) -> Chart:
    """Every estimate with its interval, by size, over the pooled interval and the prediction interval."""
    name, metric = document["synthesis"], document["metric"]
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("caterpillar", name, document, reason)
    from statistics import NormalDist

    quantile = NormalDist().inv_cdf(0.5 + document["level"] / 2)
    found = sorted(_members(document), key=lambda p: (p[1]["yi"], p[1]["effect_id"]))
    count = len(found)
    points, lines, ends = [], [], []
    for i, (study, member) in enumerate(found):
        y, half, key = member["yi"], quantile * math.sqrt(member["vi"]), member["effect_id"]
        low, high = _place(metric, y - half), _place(metric, y + half)
        ends += [low, high]
        lines.append(Line("effect", (low, high), (i + 1.0, i + 1.0), key))
        points.append(Point("sample", _place(metric, y), i + 1.0, 0.042, key, study["label"], effects=(key,)))
    centre, low, high = (_place(metric, document[k]) for k in ("estimate", "ci_low", "ci_high"))
    bottom = count + 1.0
    ends += [low, high]
    areas, legend = [], [Key("point", "sample", f"estimate, {100 * document['level']:g}% CI")]
    if document["pi_low"] is not None:
        left, right = _place(metric, document["pi_low"]), _place(metric, document["pi_high"])
        areas.append(Area("prediction", (left, right, right, left), (0.0, 0.0, bottom, bottom)))
        legend.append(Key("area", "prediction", "prediction interval"))
        ends += [left, right]
    areas.append(Area("confidence", (low, high, high, low), (0.0, 0.0, bottom, bottom)))
    legend += [
        Key("area", "confidence", f"{100 * document['level']:g}% CI of the pooled {document['word']}"),
        Key("line", "pooled", f"pooled {document['word']}"),
    ]
    x = estimate_axis(metric, axis_name(document), ends)
    frame = [Line("null", (0.0, 0.0), (0.0, bottom)), Line("pooled", (centre, centre), (0.0, bottom))]
    panel = Panel(x, Axis("", bottom, 0.0), tuple(areas), (*frame, *lines), tuple(points))
    note = (
        f"{text.plural(count, 'estimate')} of {text.plural(document['samples'], 'sample')}, the smallest on top. "
        f"{pooled_sentence(document)}"
    )
    return Chart(
        "caterpillar", name, title_of("caterpillar", document), document["lane"], (panel,),
        height=min(5.5, max(1.0, 0.058 * count + 0.2)), left=0.14,
        legend=tuple(legend), notes=(note, *own_notes(document)),
    )  # fmt: skip


def bubble(document: Record, diagnostics: Record, moderator: str) -> Chart:
    """Estimates against a number, area by precision, with the fitted regression line and its interval."""
    name, metric = document["synthesis"], document["metric"]
    title = title_of("bubble", document, _SHORT_NAME[moderator])
    full_name = f"{name}_{moderator}"
    found = next((m for m in diagnostics.get("moderators", ()) if m["moderator"] == moderator), None)
    if found is None or "refused" in found:
        reason = found["refused"] if found else few_to_compare(diagnostics) or "the regression was not fitted"
        return Chart("bubble", full_name, title, document["lane"], refused=f"Not drawn: {reason}.")
    labels = {study["sample_id"]: study["label"] for study in document["studies"]}
    bubbles = found["bubbles"]
    sizes = _diameters([b["vi"] for b in bubbles])
    # The largest first, so that none hides another.
    points = sorted(
        (
            Point(
                "estimate", b["x"], _place(metric, b["yi"]), size, b["effect_id"], labels[b["sample_id"]],
                effects=(b["effect_id"],),
            )
            for b, size in zip(bubbles, sizes, strict=True)
        ),
        key=lambda p: -p.size,
    )  # fmt: skip
    line = found["line"]
    at = tuple(p["x"] for p in line)
    band = [(p["x"], p["ci_low"], p["ci_high"]) for p in line if p["ci_low"] is not None]
    lower = [(x, _place(metric, low)) for x, low, _ in band]
    upper = [(x, _place(metric, high)) for x, _, high in band]
    outline = [*lower, *reversed(upper)]
    areas = [Area("confidence", *zip(*outline, strict=True))] if outline else []
    curve = Line("curve", at, tuple(_place(metric, p["estimate"]) for p in line))
    x = number_axis(MODERATOR_NAME[moderator], at, about=5, pad=0.05, whole=moderator in ("year", "n_total"))
    y = estimate_axis(metric, axis_name(document), [*(p.y for p in points), *curve.y, *(v for _, v in outline)])
    legend = [
        Key("point", "estimate", "estimate, area by precision (1 / SE)"),
        Key("line", "curve", "regression"),
        *([Key("area", "confidence", f"{100 * document['level']:g}% CI")] if areas else []),
    ]
    zero = Line("null", (x.low, x.high), (0.0, 0.0))
    panel = Panel(x, y, tuple(areas), (zero, curve), tuple(points))
    return Chart(
        "bubble", full_name, title, document["lane"], (panel,),
        legend=tuple(legend),
        notes=(_bubble_note(document, found, moderator, len(band) / len(line)), *own_notes(document)),
    )  # fmt: skip


def _bubble_note(document: Record, found: Record, moderator: str, banded: float) -> str:
    fit, metric = found["regression"], document["metric"]
    unit = "z" if metric == "z" else ESTIMATE_NAME[metric] if metric == "g" else f"log {ESTIMATE_NAME[metric]}"
    per, p = PER[moderator], fit["p"][1]
    slope, low, high = (v if v is None else per * v for v in (fit[k][1] for k in ("estimate", "ci_low", "ci_high")))
    size = max(abs(v) for v in (slope, low, high) if v is not None)
    decimals = max(2, 1 - math.floor(math.log10(size))) if size else 2
    tested = ", too few degrees of freedom for a test"
    if p is not None:
        tested = f" {text.interval(low, high, decimals)}, {text.p_value(p)}"
    missing = found["without_value"]
    parts = [
        f"{text.plural(found['k'], 'estimate')}; slope {text.number(slope, decimals)} {unit} per "
        f"{UNIT_NAME[moderator]}{tested} ({method_of(document) if 'rho' in fit else sample_method(document)})."
    ]
    if metric == "z":
        parts.append("Fitted to Fisher z, drawn as r.")
    if missing:
        parts.append(f"{text.plural(missing, 'estimate')} without a value not shown.")
    if banded < 1:
        where = "No interval where it has" if banded else "No interval:"
        parts.append(f"{where} too few degrees of freedom.")
    parts += [f"{note[:1].upper()}{note[1:]}." for note in fit["notes"] if "no test" not in note]
    parts.append("Differences between samples, not causes.")
    return " ".join(parts)
