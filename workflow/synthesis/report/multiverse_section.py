"""The section on multiverses: what all declared analyses say together, and which decisions move the estimate."""

from __future__ import annotations

from collections.abc import Sequence

from synthesis import text
from synthesis.data.converters import back_transform
from synthesis.draw.chart import shown
from synthesis.draw.layout import ESTIMATE_NAME
from synthesis.report.embedding import figure
from synthesis.report.markup import Cell, Html, details, heading, items, joined, paragraph, table
from synthesis.report.material import Material
from synthesis.report.result_tables import interval, number, p_cell
from synthesis.results.curves import Curve, CurveTest, MultiverseSummary, PairRow

# Decisions that are named in a sentence.
_NAMED = 3
_ABOUT = (
    "A pooled number hides decisions that could have been made otherwise. Here each declared combination of them is "
    "run. Options are declared as equivalent, uncertain or non-equivalent; the last are other questions and never "
    "share a curve. The test of a curve asks whether chance alone would give one like it: the signs of whole samples "
    "are turned at random and everything is fitted again. It does not ask whether the decisions are right."
)
# What there is to see in a figure.
_SPECIFICATION = (
    "Specification curve: the estimate of every declared analysis with its interval, in order of size, and below it "
    "which options each one took."
)
_VIBRATION = (
    "Vibration: the estimate of every declared analysis against its p value; the wider the cloud, the more the result "
    "depends on decisions."
)
_PAIRS = "Each analysis of the association beside each analysis of the effect: where the differences of all pairs lie."


def section(material: Material) -> str:
    """Each multiverse: sentences, figures, tables; nothing where the plan has none."""
    if not material.multiverses:
        return ""
    return joined(
        paragraph(_ABOUT),
        *(_one(material, document) for document in material.multiverses),
        *_bridges(material),
    )


def _one(material: Material, document: MultiverseSummary) -> Html:
    name = document.multiverse
    return joined(
        heading(3, f"multiverse-{name}", document.title),
        items(sentences(document)),
        figure(material, f"specification_{name}", _SPECIFICATION),
        figure(material, f"vibration_{name}", _VIBRATION),
        details("Curves", _curves(document)),
        details("Decisions", _decisions(document)),
    )


def _bridges(material: Material) -> list[Html]:
    """Every analysis of an association beside every analysis of an effect."""
    found = []
    every = material.pairs
    for name, plan in material.config.bridges.items():
        rows = [row for row in every if row.bridge == name]
        if rows:
            found += [
                heading(3, f"multiverse-bridge-{name}", f"{plan.title}, every analysis beside every other"),
                paragraph(bridge_sentence(rows)),
                figure(material, f"multiverse_bridge_{name}", _PAIRS),
                details("Pairs of curves", _bridge_table(rows)),
            ]
    return found


def bridge_sentence(rows: Sequence[PairRow]) -> str:
    """In how many pairs the association is the larger, by contrast, over the first pair of curves."""
    first = rows[0]
    names = ("association_curve", "effect_curve", "scope")
    own = [row for row in rows if all(getattr(row, key) == getattr(first, key) for key in names)]
    said = "; ".join(
        f"{_percent(row.share_association_larger)} ({_percent(row.share_association_larger_significant)} "
        f"significantly) read as {row.quantity.removeprefix('difference, ')}"
        for row in own
    )
    beyond = max(row.share_effect_larger_significant for row in own)
    found = (
        f"Of all pairs of {text.count(first.associations)} analyses of the association and "
        f"{text.count(first.effects)} of the effect, the association is the larger in {said}. The effect is "
        f"significantly larger in at most {_percent(beyond)} under any reading."
    )
    decides = " Which reading is right decides more than all other decisions, and the data cannot say which is."
    return found + decides * _reading_decides(own)


def _reading_decides(rows: Sequence[PairRow]) -> bool:
    """Whether the medians of the readings lie further apart than the middle nine tenths of any one of them."""
    medians = [row.difference_median for row in rows]
    widest = max(row.difference_95 - row.difference_5 for row in rows)
    return bool(max(medians) - min(medians) > widest)


def _bridge_table(rows: Sequence[PairRow]) -> Html:
    heads = [
        "Association", "Effect", "Options", "Reading", "Analyses", "Median difference", "5% to 95%",
        "Association larger", "significantly", "Effect significantly larger", "Variance from the association",
    ]  # fmt: skip
    return table(
        "The association, read as a difference in standard deviations, minus the effect, over all pairs of analyses",
        heads,
        [
            [
                _words(row.association_curve),
                _words(row.effect_curve),
                "all" if row.scope == "all" else "equivalent only",
                row.quantity.removeprefix("difference, "),
                f"{text.count(row.associations)} \N{MULTIPLICATION SIGN} {text.count(row.effects)}",
                number(row.difference_median),
                interval(row.difference_5, row.difference_95),
                *(_share(getattr(row, key)) for key in _SHARES),
                "" if row.variance_share_association is None else _share(row.variance_share_association),
            ]
            for row in rows
        ],
        frozenset(range(4, len(heads))),
    )


_SHARES = (
    "share_association_larger", "share_association_larger_significant", "share_effect_larger_significant",
)  # fmt: skip


def _words(curve: str) -> str:
    return "equivalent and uncertain options" if curve == "main" else curve


def sentences(document: MultiverseSummary) -> list[str]:
    """How many specifications there are, and what each curve says."""
    combinations = text.count(document.crossing)
    said = f"{combinations} combinations of options come to {text.count(document.specifications)} distinct analyses"
    if document.drawn:
        said = f"{text.count(document.drawn)} of {combinations} combinations of options, drawn at random, come to "
        said += f"{text.count(document.specifications)} distinct analyses"
    missing = sum(document.not_fitted.values())
    if missing:
        reasons = "; ".join(f"{reason} ({text.count(count)})" for reason, count in document.not_fitted.items())
        said += f"; {text.count(missing)} could not be fitted: {reasons}"
    return [f"{said}.", *(_curve_sentence(document, curve) for curve in document.curves)]


def _curve_sentence(document: MultiverseSummary, curve: Curve) -> str:
    found = curve.scopes["all"]
    name = _curve_name(curve)
    above, below = found.share_positive_significant, found.share_negative_significant
    if above is None or below is None:
        return f"{name}: nothing could be fitted."
    metric, measure = document.metric, ESTIMATE_NAME[document.metric]
    middle, low, high = (shown(metric, getattr(found, f"estimate_{key}")) for key in ("median", "5", "95"))
    parts = [
        f"{name}: the median {document.word} of {text.plural(found.fitted, 'analysis', 'analyses')} is "
        f"{measure} = {middle}, nine in ten lie between {low} and {high}",
        f"{_percent(above)} are significantly above and {_percent(below)} significantly below no {document.word}",
    ]
    for threshold in document.thresholds:
        share = _percent(found.shares_above[threshold.key])
        parts.append(f"{share} lie above {shown(metric, threshold.value)} ({threshold.label})")
    moved = sorted((d for d in curve.decisions if d.share > 0), key=lambda d: -d.share)[:_NAMED]
    if moved:
        named = ", ".join(f"{d.title.lower()} ({_percent(d.share)})" for d in moved)
        parts.append(f"of the variance between them most goes with {named}")
    if curve.test:
        tested = text.p_of_signs(curve.test.median_p, curve.test.permutations)
        parts.append(f"the median against no {document.word} at all ({tested})")
    return "; ".join(parts) + "."


def _curve_name(curve: Curve) -> str:
    return "Equivalent and uncertain options" if curve.curve == "main" else str(curve.curve)


def _percent(share: float) -> str:
    """A share in percent, never rounded to none or all."""
    shown_share = 100 * share
    if 0 < shown_share < 1:
        return "under 1%"
    if 99 < shown_share < 100:
        return "over 99%"
    return f"{shown_share:.0f}%"


def _curves(document: MultiverseSummary) -> Html:
    metric = document.metric
    heads = ["Curve", "Options", "Analyses", "Median", "5% to 95%", "All", "Above, p < 0.05", "Below, p < 0.05",
             *(f"Above {shown(metric, t.value)}" for t in document.thresholds),
             "p of median", "p of share", "Stouffer z", "p of z"]  # fmt: skip
    rows = []
    for curve in document.curves:
        for scope, found in curve.scopes.items():
            if not found.fitted:
                continue
            test = curve.test if scope == "all" else None
            value = {
                key: _read(metric, getattr(found, f"estimate_{key}")) for key in ("min", "5", "median", "95", "max")
            }
            rows.append(
                [
                    _curve_name(curve),
                    "all" if scope == "all" else "equivalent only",
                    Cell(text.count(found.fitted), found.fitted),
                    number(value["median"]),
                    interval(value["5"], value["95"]),
                    interval(value["min"], value["max"]),
                    _share(found.share_positive_significant),
                    _share(found.share_negative_significant),
                    *(_share(found.shares_above[t.key]) for t in document.thresholds),
                    _p_of(test, "median_p"),
                    _p_of(test, "share_significant_p"),
                    number(test.stouffer_z if test else None, 1),
                    _p_of(test, "stouffer_p"),
                ]
            )
    return table(f"Curves: {document.title} ({ESTIMATE_NAME[metric]})", heads, rows, frozenset(range(2, len(heads))))


def _p_of(test: CurveTest | None, name: str) -> Cell:
    """A p of sign changes; at most so large where it is the smallest that they can give."""
    if test is None:
        return p_cell(None)
    p: float = getattr(test, name)
    return p_cell(p) if round(p * (test.permutations + 1)) > 1 else Cell(text.p_at_most(p), p)


def _decisions(document: MultiverseSummary) -> Html:
    heads = ["Curve", "Decision", "Share of variance", "Option", "Kind", "Analyses", "Median", "5% to 95%"]
    metric = document.metric
    rows = []
    for curve in document.curves:
        for decision in curve.decisions:
            for option in decision.options:
                if not option.specifications:
                    continue
                low, middle, high = (_read(metric, getattr(option, f"estimate_{key}")) for key in ("5", "median", "95"))
                rows.append(
                    [
                        _curve_name(curve),
                        decision.title,
                        _share(decision.share),
                        option.title,
                        option.kind.replace("_", "-"),
                        Cell(text.count(option.specifications), option.specifications),
                        number(middle),
                        interval(low, high),
                    ]
                )
    return table("How far each decision moves the estimate", heads, rows, frozenset({2, 5, 6, 7}))


def _share(share: float | None) -> Cell:
    return Cell("") if share is None else Cell(_percent(share), share)


def _read(metric: str, value: float | None) -> float | None:
    return back_transform(metric, value)
