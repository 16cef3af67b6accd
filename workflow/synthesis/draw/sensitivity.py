"""Layouts of what single samples do to a pool: one left out, one added, their influence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from statistics import NormalDist

from synthesis import text
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
    Record,
    RowText,
    few_to_compare,
    narrow_axis,
    number_axis,
    own_notes,
    pooled_sentence,
    refusal,
    room_for,
    sample_method,
    sample_note,
    title_of,
)
from synthesis.draw.layout import CLIP_SHARE, Layout, Row, coordinates, mark_of, section_of
from synthesis.draw.rows import method_of, pooled_rows

_LABELS = 8
# Labelled in a Baujat plot: more than this many times an even share.
_STANDS_OUT = 3.0


def _pooled(document: Record, columns: int) -> list[Row]:
    """The diamond and the heterogeneity line of the whole."""
    rows = pooled_rows(document, ("",) * columns)
    joined = [replace(row, low_text="", high_text=f"{row.low_text} {row.high_text}".strip()) for row in rows]
    return [row for row in joined if row.kind != "prediction"]


def cumulative(document: Record, diagnostics: Record) -> Layout | Chart:
    """The pool after each sample, by year."""
    name, metric, lane = document["synthesis"], document["metric"], document["lane"]
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("cumulative", name, document, reason)
    studies = {s["sample_id"]: s for s in document["studies"]}
    quantile = NormalDist().inv_cdf(0.5 + document["level"] / 2)
    rows = []
    for step in diagnostics["cumulative"]:
        study = studies[step["sample_id"]]
        low, high = step["ci_low"], step["ci_high"]
        if step["samples"] == 1:
            half = quantile * math.sqrt(study["vi"])
            low, high = step["estimate"] - half, step["estimate"] + half
        # One sample has no heterogeneity, which is not the same as none.
        i2 = text.NONE if step["samples"] == 1 or step["i2"] is None else text.number(step["i2"], 0)
        cells = (text.count(step["samples"]), i2)
        mark = _mark(metric, step["estimate"], low, high)
        rows.append(
            Row("study", step["label"], lane, cells, key=step["sample_id"], effects=tuple(study["effects"]), **mark)
        )
    undated = sum(step["year"] is None for step in diagnostics["cumulative"])
    note = (
        "Each row: the pool of all samples up to that one, by year of publication, one value per sample "
        f"({sample_method(document)}); the first row is the first sample itself. The diamond: all estimates "
        f"({method_of(document)})."
    )
    if undated:
        note += f" Samples without a year ({undated}) come last."
    # Early pools have hardly an upper limit: at least one is cut at each end, that of the first two samples.
    clip = max(CLIP_SHARE, 0.501 / len(rows))
    return _forest_like("cumulative", document, rows, ("samples", "i2"), "Sample added", note, clip=clip)


def leave_one_out(document: Record, diagnostics: Record) -> Layout | Chart:
    """The pool without each sample, by size of the estimate; of the document's own model where that was refitted."""
    name, metric, lane = document["synthesis"], document["metric"], document["lane"]
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("leave_one_out", name, document, reason)
    effects = {s["sample_id"]: tuple(s["effects"]) for s in document["studies"]}
    found = diagnostics["influence"]
    lead = "model_" if any("model_estimate_without" in r for r in found) else ""
    columns = ("tau2", "omega2") if any(r.get("model_omega2_without") is not None for r in found) else ("tau2",)
    rows = []
    for r in sorted(found, key=lambda r: (r[f"{lead}estimate_without"] is None, r[f"{lead}estimate_without"] or 0.0)):
        estimate, low, high = (r[f"{lead}{key}_without"] for key in ("estimate", "ci_low", "ci_high"))
        cells = tuple(text.small(r[f"{lead}{column}_without"], 4) for column in columns)
        mark = {} if estimate is None else _mark(metric, estimate, low, high)
        if low is None:
            mark["high_text"] = "not fitted" if estimate is None else "no interval"
        rows.append(Row("study", r["label"], lane, cells, key=r["sample_id"], effects=effects[r["sample_id"]], **mark))
    how = method_of(document) if lead else sample_method(document)
    note = f"Each row: the pool without that sample ({how}), by size. Dashed line and diamond: with all samples."
    guide = coordinates(metric, document["estimate"])[0]
    return _forest_like("leave_one_out", document, rows, columns, "Left out", note, guide=guide)


def _mark(metric: str, estimate: float, low: float | None, high: float | None) -> Record:
    """A row's mark with both limits in one text: there are many rows, and each text takes its time."""
    mark = mark_of(metric, estimate, low, high)
    return mark | {"low_text": "", "high_text": f"{mark['low_text']} {mark['high_text']}".strip()}


def _forest_like(
    kind: str,
    document: Record,
    rows: list[Row],
    columns: tuple[str, ...],
    row_name: str,
    note: str,
    guide: float | None = None,
    clip: float = 0.0,
) -> Layout:
    name = document["synthesis"]
    favours = tuple(document["figure"]["favours"]) if document["figure"]["favours"] else None
    section = section_of(
        name,
        document["metric"],
        columns,
        [*rows, *_pooled(document, len(columns))],
        document["level"],
        favours=favours,
        row_name=row_name,
        guide=guide,
        clip=clip,
    )
    several = () if document["k"] == document["samples"] else (sample_note(document),)
    notes = (note, *(several if kind == "cumulative" else ()), *own_notes(document))
    return Layout(name, f"{document['title']}: {KIND_NAME[kind]}", (section,), notes)


def baujat(document: Record, diagnostics: Record) -> Chart:
    """Share of each sample in the heterogeneity against its influence on the estimate."""
    name = document["synthesis"]
    reason = few_to_compare(diagnostics)
    if reason:
        return refusal("baujat", name, document, reason)
    effects = {s["sample_id"]: tuple(s["effects"]) for s in document["studies"]}
    rows = diagnostics["influence"]
    totals = [math.fsum(r[key] for r in rows) or 1.0 for key in ("baujat_q", "baujat_influence")]

    def weight(row: Record) -> float:
        """Times an even share, of whichever of the two is larger."""
        return len(rows) * float(max(row["baujat_q"] / totals[0], row["baujat_influence"] / totals[1]))

    named = {r["sample_id"] for r in sorted(rows, key=weight, reverse=True)[:_LABELS] if weight(r) > _STANDS_OUT}
    points = tuple(
        Point(
            "marked" if r["sample_id"] in named else "sample",
            r["baujat_q"], r["baujat_influence"], 0.062, r["sample_id"], r["label"],
            r["sample_id"] in named, effects[r["sample_id"]],
        )
        for r in rows
    )  # fmt: skip
    x = number_axis("Contribution to residual heterogeneity (Q)", [0.0, *(p.x for p in points)], about=5)
    y = number_axis("Influence on the estimate", [0.0, *(p.y for p in points)], about=5, pad=0.06)
    marked = (
        f"named: {text.plural(len(named), 'sample')} above {_STANDS_OUT:g} times an even share of either"
        if named
        else f"none is above {_STANDS_OUT:g} times an even share of either"
    )
    note = (
        f"{sample_note(document)} Influence: squared change of the estimate without the sample, in its variances "
        f"(Baujat et al. 2002; {document['method']}); {marked}."
    )
    return Chart(
        "baujat", name, title_of("baujat", document), document["lane"], (Panel(x, y, points=points),),
        left=0.55, notes=(note, *own_notes(document)),
    )  # fmt: skip


_ROWS = Axis("", 0.0, 1.0)
_MEASURES = (
    ("rstudent", "Residual"),
    ("dffits", "DFFITS"),
    ("cook", "Cook's distance"),
    ("cov_ratio", "COVRATIO"),
    ("hat", "Weight (hat)"),
    ("tau2_without", "τ² without"),
)


def influence(document: Record, diagnostics: Record) -> Chart:
    """Deletion diagnostics, a row per sample and a panel per measure, influential samples marked."""
    name = document["synthesis"]
    rows = diagnostics.get("influence", [])
    reason = few_to_compare(diagnostics)
    if not reason and not all("rstudent" in r for r in rows):
        reason = f"{text.plural(len(rows), 'sample')}: fewer than 3"
    if reason:
        return refusal("influence", name, document, reason)
    studies = {s["sample_id"]: s for s in document["studies"]}
    rows = sorted(
        rows,
        key=lambda r: (studies[r["sample_id"]]["year"] or 9999, r["label"].casefold(), r["sample_id"]),
    )
    k = len(rows)
    chart = Chart(
        "influence", name, title_of("influence", document), document["lane"], (Panel(_ROWS, _ROWS),) * len(_MEASURES),
        width=WIDE, height=max(0.5, 0.135 * k), left=room_for(r["label"] for r in rows), gap=0.13,
    )  # fmt: skip
    panels = []
    for key, heading in _MEASURES:
        values = [(i + 0.5, r) for i, r in enumerate(rows) if r[key] is not None]
        middle, borders = _references(key, k, document)
        seen = [r[key] for _, r in values] + ([middle] if middle is not None else [])
        # A border far outside the values would leave them no room.
        reach = max(map(abs, seen), default=1.0)
        drawn = [b for b in borders if abs(b) <= 2.5 * reach]
        x = narrow_axis("", [*seen, *drawn], chart.panel_width)
        lines = [Line("grid", (x.low, x.high), (at, at)) for at, _ in values]
        lines += [Line("null", (middle, middle), (0.0, k))] if middle is not None else []
        lines += [Line("threshold", (b, b), (0.0, k)) for b in drawn]
        points = tuple(
            Point(
                "marked" if r["influential"] else "sample", r[key], at, 0.055, r["sample_id"], r["label"],
                effects=tuple(studies[r["sample_id"]]["effects"]),
            )
            for at, r in values
        )  # fmt: skip
        areas = tuple(
            Area("row", (x.low, x.high, x.high, x.low), (i, i, i + 1.0, i + 1.0))
            for i, r in enumerate(rows)
            if r["influential"]
        )
        panels.append(Panel(x, Axis("", float(k), 0.0), areas, tuple(lines), points, heading=heading))
    texts = tuple(
        RowText(i + 0.5, r["label"], bold=r["influential"], key=r["sample_id"]) for i, r in enumerate(rows)
    )  # fmt: skip
    count = sum(r["influential"] for r in rows)
    note = (
        f"One value per sample ({sample_method(document)}). Influential ({count} of {k}): |DFFITS| above "
        f"{text.number(_dffits_border(k))}, Cook's distance above {text.number(_COOK)}, weight above "
        f"{text.number(3 / k)}, or |DFBETAS| above 1. Dashed: these borders, and ±{text.number(_NORMAL)} for "
        "studentized deleted residuals; borders far from all values are left out. COVRATIO below 1: more precise "
        "without the sample."
    )
    return replace(
        chart, panels=tuple(panels), rows=texts,
        legend=(Key("point", "sample", "sample"), Key("point", "marked", "influential sample")),
        notes=(note, pooled_sentence(document), *own_notes(document)),
    )  # fmt: skip


_NORMAL = NormalDist().inv_cdf(0.975)
# Median of chi-squared with one degree of freedom.
_COOK = NormalDist().inv_cdf(0.75) ** 2


def _dffits_border(k: int) -> float:
    return 3 * math.sqrt(1 / (k - 1))


def _references(key: str, k: int, document: Record) -> tuple[float | None, Iterable[float]]:
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
    # Another model's tau2 would be no reference.
    return (document["tau2"] if document["model"] in ("independent", "composites") else None), ()
