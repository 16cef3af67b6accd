"""The gallery of the site: every kind of figure, drawn by the last run, and the lines of the plan that ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml


class Kind(NamedTuple):
    """A kind of figure: what it is for, the figure of the main job that shows it, and where the plan asks for it."""

    title: str
    says: str
    figure: str
    # Keys from the top of the plan to the block that is shown; a list shows what is named in it alone.
    plan: tuple[str, ...] = ()
    # Of that block, the keys that are shown; none: all of them.
    keys: tuple[str, ...] = ()


_BESIDE = ("diagnostic_figures", "alliance")
_PLAIN = ("title", "lane", "metric", "sources")

KINDS = (
    Kind(
        "Forest plot",
        "A row per estimate, a diamond for the pool and a bar for where the effect of a new study would lie.",
        "forest_trauma_focused_usual_care",
        ("syntheses", "trauma_focused_usual_care"),
    ),
    Kind(
        "Forest plot in groups",
        "`group_by` gives each level its rows and its own pool.",
        "forest_alliance",
        ("syntheses", "alliance"),
        (*_PLAIN, "columns", "group_by", "favours"),
    ),
    Kind(
        "Comparison",
        "Pools of several syntheses below each other, associations and effects on axes of their own.",
        "forest_comparison",
        ("figures", "comparison"),
    ),
    Kind(
        "Comparison, study by study",
        "The same with every study: `studies` is true unless the plan says otherwise.",
        "forest_comparison_studies",
        ("figures", "comparison_studies"),
    ),
    Kind(
        "Processes",
        "Numbers, published summaries and findings without a number of several constructs beside each other.",
        "forest_process",
        ("processes",),
    ),
    Kind(
        "Bridge",
        "An association and an effect in every common unit, under each declared reading of r.",
        "bridge_alliance_beside_low_intensity",
        ("bridges", "alliance_beside_low_intensity"),
    ),
    Kind(
        "Claims",
        "Each claim of `data/raw/claims.csv` with its verdict; drawn wherever that table has rows.",
        "claims_verdicts",
    ),
    Kind("Funnel plot", "Estimates against standard errors; `funnel_from` says from how many samples on.",
         "funnel_alliance", _BESIDE, ("funnel",)),
    Kind("Orchard plot", "Every estimate, larger the more precise, above the pool.",
         "orchard_alliance", _BESIDE, ("orchard",)),
    Kind("Caterpillar plot", "Every estimate with its interval, by size.",
         "caterpillar_alliance", _BESIDE, ("caterpillar",)),
    Kind("Cumulative", "The pool as the samples came in, by year.",
         "cumulative_alliance", _BESIDE, ("cumulative",)),
    Kind("Leave one out", "The pool without each sample in turn.",
         "leave_one_out_alliance", _BESIDE, ("leave_one_out",)),
    Kind("Baujat plot", "What each sample adds to the heterogeneity, and what it moves.",
         "baujat_alliance", _BESIDE, ("baujat",)),
    Kind("Radial plot", "Standardised estimates against their precision.",
         "radial_alliance", _BESIDE, ("radial",)),
    Kind("Influence", "Residuals, Cook's distances and the other measures of each sample.",
         "influence_alliance", _BESIDE, ("influence",)),
    Kind("GOSH", "The pools of all subsets, or of a seeded draw of them.",
         "gosh_alliance", _BESIDE, ("gosh",)),
    Kind("Adjusted estimates", "The pool beside what it is under every idea of what is missing.",
         "adjusted_alliance", _BESIDE, ("adjusted",)),
    Kind("Bubble plot", "A regression on each moderator of the synthesis that is a number.",
         "bubble_alliance-year", _BESIDE, ("bubble",)),
    Kind("Coefficients", "Those of each regression on several moderators together.",
         "coefficients_alliance-joint", _BESIDE, ("coefficients",)),
    Kind(
        "Specification curve",
        "Every declared analysis by size of its estimate, with its decisions below.",
        "specification_low_intensity",
        ("multiverses", "low_intensity"),
    ),
    Kind(
        "Vibration of effects",
        "The same analyses, estimates against p values; the lines above draw it, too.",
        "vibration_low_intensity",
    ),
    Kind(
        "Two multiverses, bridged",
        "Drawn where both sides of a bridge have a multiverse.",
        "multiverse_bridge_alliance_beside_low_intensity",
        ("bridges", "alliance_beside_low_intensity"),
    ),
    Kind("Flow of the evidence", "What became of every extracted row; drawn in every run.", "prisma_flow"),
    Kind(
        "Risk of bias",
        "By weight, per synthesis; drawn in every run from `rob` and the `risk_score` of `source.yaml`.",
        "risk_of_bias",
    ),
)  # fmt: skip


def lines_of(plan: str, kind: Kind) -> str:
    """The lines of a plan that draw a kind of figure, as they stand there, below the keys that lead to them."""
    if not kind.plan:
        return ""
    lines = plan.splitlines()
    node = yaml.compose(plan, yaml.SafeLoader)
    shown = []
    for depth, name in enumerate(kind.plan):
        key, node = _entry(node, name)
        if isinstance(node, yaml.SequenceNode):
            return "\n".join([*shown, f"{'  ' * depth}{name}: [{', '.join(kind.keys)}]"])
        shown.append(lines[key.start_mark.line])
    for key, value in node.value:
        if not kind.keys or key.value in kind.keys:
            shown += lines[key.start_mark.line : _last(value) + 1]
    return "\n".join(line for line in shown if line.strip() and not line.lstrip().startswith("#"))


def _entry(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node]:
    return next((key, value) for key, value in node.value if key.value == name)


def _last(node: yaml.Node) -> int:
    """The last line of a value: a block ends where the next one begins, and an entry within it before that."""
    if node.value and isinstance(node, yaml.MappingNode) and not node.flow_style:
        return _last(node.value[-1][1])
    if node.value and isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return _last(node.value[-1])
    return node.end_mark.line - (node.end_mark.column == 0)


def page(plan: str, results: Path) -> str:
    """The sections of the gallery. Raises FileNotFoundError for a figure that the run has not drawn."""
    parts = ["[The report of that run](../results/report.html)\n"]
    for kind in KINDS:
        file = results / "figures" / f"{kind.figure}.svg"
        if not file.exists():
            raise FileNotFoundError(f"{file}: run `make results` first")
        parts.append(f"## {kind.title}\n\n{kind.says}\n")
        if kind.plan:
            parts.append(f"```yaml\n{lines_of(plan, kind)}\n```\n")
        parts.append(f"[![{kind.title}](../results/figures/{file.name})](../results/figures/{file.name})\n")
    return "\n".join(parts)
