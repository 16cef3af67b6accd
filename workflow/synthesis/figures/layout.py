"""The layout of a forest plot: sections of rows with every text and coordinate, before any ink.

Coordinates are on the axis of their section: r for Fisher z, g, and logarithms of ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from synthesis import text
from synthesis.effectsizes import back_transform

if TYPE_CHECKING:
    pass

RowKind = Literal["heading", "study", "pooled", "single", "prediction", "reference", "converted", "note"]

AXIS_NAME = {
    "z": "Correlation r",
    "g": "Standardized mean difference (Hedges g)",
    "log_odds_ratio": "Odds ratio",
    "log_risk_ratio": "Risk ratio",
}
ESTIMATE_NAME = {"z": "r", "g": "g", "log_odds_ratio": "OR", "log_risk_ratio": "RR"}
RATIO_METRICS = frozenset({"log_odds_ratio", "log_risk_ratio"})
COLUMN_NAME = {
    "n": "n",
    "rater": "Rater",
    "comparator": "Comparator",
    "outcome": "Outcome",
    "format": "Format",
    "disorder": "Disorder",
    "treatment": "Treatment",
    "timepoint": "Time",
    "confidence": "Confidence",
    "tier": "Tier",
    "rob": "Risk of bias",
    "country": "Country",
    "exactness": "Conversion",
    "estimand": "Estimand",
    "samples": "Samples",
    "people": "People",
    "tau2": "τ²",
    "omega2": "ω²",
    "i2": "I², %",
}
GROUP_NAME = {
    "r_total": "Not adjusted for baseline (total correlation)",
    "r_partial": "Adjusted for baseline or earlier change (partial correlation)",
    "exact": "Converted exactly",
    "approximate": "Converted approximately",
    "set to zero": "Reported as not significant, entered as 0",
    "": "Not stated",
    "mixed": "Several",
}
# Columns of the bridge: probability that the association is the larger of both, for the means and in a new setting.
PROBABILITY_COLUMNS = ("P mean", "P new")
# Axis limits leave out this share of study limits at each end; those are drawn with arrows.
CLIP_SHARE = 0.02
RATIO_TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 100, 1000)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the figure. Missing coordinates mean that nothing is drawn there."""

    kind: RowKind
    label: str
    lane: str = ""
    cells: tuple[str, ...] = ()
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    pi_low: float | None = None
    pi_high: float | None = None
    weight: float | None = None
    estimate_text: str = ""
    low_text: str = ""
    high_text: str = ""
    weight_text: str = ""
    key: str = ""
    effects: tuple[str, ...] = ()
    # The synthesis behind a mark that draws no single sample.
    synthesis: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that share an axis."""

    name: str
    heading: str
    axis: str
    columns: tuple[str, ...]
    estimate_name: str
    rows: tuple[Row, ...]
    low: float
    high: float
    ticks: tuple[float, ...]
    tick_texts: tuple[str, ...]
    favours: tuple[str, str] | None
    weights: bool
    row_name: str
    interval_name: str
    null: float = 0.0
    # Where a dashed line crosses all rows.
    guide: float | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole figure."""

    name: str
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())

    def table(self) -> list[dict[str, Any]]:
        """One record per row: what is drawn, in order; written beside the figure."""
        records = []
        for section in self.sections:
            for row in section.rows:
                record = {"section": section.name} | asdict(row)
                record["cells"] = " | ".join(row.cells)
                record["effects"] = "; ".join(row.effects)
                records.append(record)
        return records


def coordinates(metric: str, *values: float | None) -> list[float | None]:
    """From the metric's scale to the axis: r for z, unchanged otherwise (ratios stay logarithms)."""
    if metric == "z":
        return [back_transform("z", v) for v in values]
    return list(values)


def _texts(metric: str, estimate: float, low: float | None, high: float | None) -> dict[str, Any]:
    """Estimate and limits as printed, from values on the metric's scale."""
    shown = [back_transform(metric, v) for v in (estimate, low, high)]
    return {
        "estimate_text": text.number(shown[0]),
        "low_text": "" if low is None else f"[{text.number(shown[1])},",
        "high_text": "" if high is None else f"{text.number(shown[2])}]",
    }


def mark_of(metric: str, estimate: float, low: float | None, high: float | None) -> dict[str, Any]:
    """Coordinates and texts of a row's mark, from values on the metric's scale."""
    x, x_low, x_high = coordinates(metric, estimate, low, high)
    texts = _texts(metric, estimate, low, high)
    return {"estimate": x, "ci_low": x_low, "ci_high": x_high, **texts}


def study_rows(document: dict[str, Any], columns: Iterable[str], group_by: str | None = None) -> list[Row]:
    """One row per independent sample, in blocks of the column `group_by`, each by year and name."""
    from statistics import NormalDist

    quantile = NormalDist().inv_cdf(0.5 + document["level"] / 2)
    metric, lane = document["metric"], document["lane"]

    def row(study: dict[str, Any]) -> Row:
        half = quantile * math.sqrt(study["vi"])
        several = len(study["effects"])
        label = study["label"] + (f" ({several} estimates)" if several > 1 else "")
        cells = tuple(text.count(study["n"]) if c == "n" else str(study.get(c) or "") for c in columns)
        return Row(
            "study",
            label,
            lane,
            cells,
            weight=study["weight"],
            weight_text=text.number(study["weight"], 1),
            key=study["sample_id"],
            effects=tuple(study["effects"]),
            **mark_of(metric, study["yi"], study["yi"] - half, study["yi"] + half),
        )

    studies = sorted(
        document["studies"],
        key=lambda s: (s["year"] or 9999, s["label"].casefold(), s["sample_id"]),
    )
    if group_by is None:
        return [row(study) for study in studies]
    rows: list[Row] = []
    for value in sorted({study[group_by] for study in studies}):
        rows.append(Row("heading", GROUP_NAME.get(value, value[:1].upper() + value[1:]), lane))
        rows += [row(study) for study in studies if study[group_by] == value]
    return rows


def people(document: dict[str, Any]) -> int:
    """People in all samples whose size is known."""
    return sum(study["n"] for study in document["studies"] if study["n"] is not None)


def pooled_rows(document: dict[str, Any], columns: tuple[str, ...]) -> list[Row]:
    """The diamond, the prediction interval and the heterogeneity line; of a single sample just the line."""
    metric, lane, key = document["metric"], document["lane"], document["synthesis"]
    note = Row("note", heterogeneity(document), lane, key=key)
    if document["samples"] == 1:
        return [note]
    model = "common effect" if document["method"] == "FE" else "random effects"
    label = f"Pooled {document['word']} ({model})"
    cells = tuple(text.count(people(document)) if column == "n" else "" for column in columns)
    mark = mark_of(metric, document["estimate"], document["ci_low"], document["ci_high"])
    rows = [Row("pooled", label, lane, cells, weight=100.0, weight_text="100", key=key, synthesis=key, **mark)]
    if document["pi_low"] is not None:
        low, high = coordinates(metric, document["pi_low"], document["pi_high"])
        texts = _texts(metric, document["estimate"], document["pi_low"], document["pi_high"])
        texts["estimate_text"] = ""
        rows.append(
            Row("prediction", "Prediction interval", lane, pi_low=low, pi_high=high, key=key, synthesis=key, **texts)
        )
    return [*rows, note]


def heterogeneity(document: dict[str, Any]) -> str:
    """The line below a diamond: samples, effects, heterogeneity and how it was fitted."""
    parts = [text.plural(document["samples"], "sample") + ", " + text.plural(document["k"], "estimate")]
    if document["tau2"] is not None and document["method"] != "FE":
        limits = (document["tau2_ci_low"], document["tau2_ci_high"])
        shown = text.variance(document["tau2"], *limits)
        parts.append(f"\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO} = {shown}")
    if document["omega2"] is not None:
        within = text.variance(document["omega2"], None, None)
        parts.append(f"within samples \N{GREEK SMALL LETTER OMEGA}\N{SUPERSCRIPT TWO} = {within}")
    if document["i2"] is not None:
        parts.append(f"I\N{SUPERSCRIPT TWO} = {document['i2']:.0f}%")
        parts.append(f"Q = {document['q']:.1f}, df = {document['q_df']}, {text.p_value(document['q_p'])}")
    if document["samples"] > 1:
        parts.append(method_of(document))
    return "; ".join(parts)


INTERVAL_NAME = {
    "wald": "Wald",
    "wald_t": "Wald with t",
    "hksj": "HKSJ",
    "hksj_adhoc": "HKSJ (ad hoc)",
    "cr2": "cluster-robust CR2",
}


def method_of(document: dict[str, Any]) -> str:
    """Estimator, interval and treatment of dependent effects, in words."""
    return f"{document['method']}, {INTERVAL_NAME[document['ci_method']]}{_dependence(document)}"


def _dependence(document: dict[str, Any]) -> str:
    """How effects of one sample were treated, where any sample has several."""
    match document["model"]:
        case "che":
            return f", correlated and hierarchical effects (ρ = {document['rho']:g})"
        case "three_level":
            return ", three-level model"
        case "composites":
            return f", composites (ρ = {document['rho']:g})"
    return ""


def reference_row(reference: dict[str, Any], metric: str) -> Row:
    """A published summary: drawn hollow, never pooled."""
    construct = reference["construct"]
    said = construct if construct in {"adherence", "competence"} else reference["detail"]
    detail = f": {said}" if said else ""
    count = f" (k = {reference['k']})" if reference["k"] is not None else ""
    return Row(
        "reference",
        f"{reference['label']}{detail}{count}",
        key=reference["effect_id"],
        effects=(reference["effect_id"],),
        **mark_of(metric, reference["yi"], reference["ci_low"], reference["ci_high"]),
    )


def reference_block(references: list[dict[str, Any]], metric: str) -> list[Row]:
    """Published summaries below a heading that says what they are."""
    if not references:
        return []
    heading = Row("heading", "Published meta-analyses, for reference (not pooled)")
    return [heading, *(reference_row(r, metric) for r in references)]


def axis_of(
    rows: Iterable[Row], ratio: bool, null: float = 0.0, clip: float = CLIP_SHARE
) -> tuple[float, float, tuple[float, ...], tuple[str, ...]]:
    """Limits, tick positions and tick texts that show every estimate and nearly every interval."""
    rows = list(rows)
    points = [r.estimate for r in rows if r.estimate is not None]
    firm = [x for r in rows if r.kind != "study" for x in (r.ci_low, r.ci_high, r.pi_low, r.pi_high) if x is not None]
    ends = [x for r in rows if r.kind == "study" for x in (r.ci_low, r.ci_high) if x is not None]
    ends.sort()
    cut = int(clip * len(ends))
    values = [null, *points, *firm, *ends[cut : len(ends) - cut]]
    low, high = float(min(values)), float(max(values))
    # Where much is cut, an arrow must not lie on the mark of the outermost estimate.
    pad = (0.02 if clip <= CLIP_SHARE else 0.06) * (high - low or 1.0)
    low, high = low - pad, high + pad
    if ratio:
        ticks = [math.log(t) for t in RATIO_TICKS if low <= math.log(t) <= high]
        texts = [f"{math.exp(t):g}" for t in ticks]
    else:
        ticks, decimals = linear_ticks(low, high)
        texts = [text.number(t, decimals) for t in ticks]
    return low, high, tuple(ticks), tuple(texts)


def linear_ticks(low: float, high: float, about: int = 6) -> tuple[list[float], int]:
    """Multiples of 1, 2 or 5 times a power of ten inside the limits, with their decimals: for 6, four to eight."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [i * step for i in range(first, last + 1)], decimals


def section_of(
    name: str,
    metric: str,
    columns: tuple[str, ...],
    rows: list[Row],
    level: float,
    *,
    heading: str = "",
    favours: tuple[str, str] | None = None,
    weights: bool = False,
    axis: str | None = None,
    estimate_name: str | None = None,
    row_name: str | None = None,
    guide: float | None = None,
    clip: float = CLIP_SHARE,
) -> Section:
    """Rows on the axis of their metric, which may cut a share `clip` of their limits at each end."""
    low, high, ticks, texts = axis_of(rows, metric in RATIO_METRICS, clip)
    kinds = {row.kind for row in rows}
    usual_name = "" if "converted" in kinds else "Study" if "study" in kinds else "Synthesis"
    return Section(
        name=name,
        heading=heading,
        axis=axis or AXIS_NAME[metric],
        columns=tuple(COLUMN_NAME[c] for c in columns),
        estimate_name=estimate_name or ESTIMATE_NAME[metric],
        rows=tuple(rows),
        low=low,
        high=high,
        ticks=ticks,
        tick_texts=texts,
        favours=favours,
        weights=weights,
        row_name=row_name or usual_name,
        interval_name=f"{100 * level:g}% CI",
        guide=guide,
    )


def forest(document: dict[str, Any]) -> Layout:
    """The forest plot of one synthesis, from its model document."""
    options = document["figure"]
    columns = tuple(options["columns"])
    rows = study_rows(document, columns, options["group_by"])
    rows += pooled_rows(document, columns)
    rows += reference_block(document["references"], document["metric"])
    favours = tuple(options["favours"]) if options["favours"] else None
    name, metric = document["synthesis"], document["metric"]
    section = section_of(name, metric, columns, rows, document["level"], favours=favours, weights=True)
    return Layout(name, document["title"], (section,), notes=notes_of([document]))


def notes_of(documents: list[dict[str, Any]]) -> tuple[str, ...]:
    """What a reader must know of what is drawn."""
    notes = []
    for rho in sorted({d["rho"] for d in documents if d["rho"] is not None}):
        notes.append(f"A sample with several estimates is drawn as their mean (assumed correlation {rho:g}).")
    if any(d["model"] in ("che", "three_level") for d in documents):
        notes.append(
            "The pooled value is of the single estimates, in a model with true differences within samples too."
        )
    if any(d["lane"] == "A" for d in documents):
        notes.append("Correlations are associations: early improvement raises the alliance too.")
    if any(d["set_to_zero"] for d in documents):
        notes.append("Samples reported as not significant and entered as 0 are a stress test, not data.")
    for document in documents:
        own = [document["figure"]["note"]] if document["figure"]["note"] else []
        remarks = [f"{note[:1].upper()}{note[1:]}." for note in document["notes"]] + own
        lead = f"{document['title']}: " if len(documents) > 1 else ""
        notes += [f"{lead}{remark}" for remark in remarks]
    return tuple(notes)
