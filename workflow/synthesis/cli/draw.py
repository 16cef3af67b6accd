"""The commands of figures: each makes the files of one, with its layout as a table."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.errors import refuse

if TYPE_CHECKING:
    from synthesis.cli.main import Commands
    from synthesis.draw.chart import Chart
    from synthesis.draw.layout import Layout
    from synthesis.plan.config import Drawing
    from synthesis.results.extracted import Reference

_NUMBERS = "The numbers are in the tables of the report."
_FLAGGED = "the rows behind the estimates, with their flags"


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(forest, plan=True).paths("--sources").path("--model", "--out")
    added = commands.add(comparison_forest, plan=True).words("--figure").paths("--models", "--sources")
    added.path("--bridge", "--out")
    added = commands.add(diagnostic_figure, plan=True).words("--kind").path("--model", "--diagnostics", "--out")
    added.other("--moderator", help="of a bubble figure; the regression of a figure of coefficients")
    added.other("--sources", type=Path, nargs="*", default=[], help=_FLAGGED)
    added = commands.add(bridge_figure, plan=True).words("--bridge").paths("--models").path("--table", "--out")
    added.other("--sources", type=Path, nargs="*", default=[], help=_FLAGGED)
    added = commands.add(claims_figure).path("--claims", "--out")
    added.other("--page-height", type=float, default=math.inf, help="inches; without it one page")
    commands.add(multiverse_figure, plan=True).words("--kind").path("--multiverse", "--out")
    commands.add(multiverse_bridge, plan=True).words("--bridge").paths("--multiverses").path("--table", "--out")
    added = commands.add(prisma_flow, plan=True).paths("--models", "--sources").path("--out")
    added.other("--search", type=Path, help="data/raw/search.csv")
    commands.add(monitoring_figure, plan=True).path("--model", "--looks", "--out")
    commands.add(risk_domains, plan=True).path("--model", "--out").paths("--sources")
    commands.add(risk_of_bias, plan=True).paths("--models", "--about").path("--out")


def forest(args: argparse.Namespace) -> None:
    """Draws the forest plot of a synthesis."""
    from synthesis.draw.rows import forest as layout_of
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    (document,) = read_presented([args.model], plan.syntheses, read_extracted(args.sources), plan.own_columns)
    _write_forest(layout_of(document), args.out, plan.drawing, "forest")


def comparison_forest(args: argparse.Namespace) -> None:
    """Draws a comparison figure of the plan."""
    from synthesis.data.extraction import reference_rows, with_filled
    from synthesis.draw.comparison import comparison
    from synthesis.plan.config import read_config
    from synthesis.results.comparisons import BridgeRow
    from synthesis.results.document import read_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    if args.figure not in plan.figures:
        refuse("--figure", args.figure, plan.figures)
    figure = plan.figures[args.figure]
    extracted = read_extracted(args.sources)
    documents = {d.synthesis: d for d in read_presented(args.models, plan.syntheses, extracted)}
    references: dict[str, list[Reference]] = {}
    for lane, named in figure.references.items():
        metric = next(d.metric for d in documents.values() if d.lane == lane)
        key = f"config.yaml, key figures.{args.figure}.references.{lane}"
        references[lane] = reference_rows(
            key, with_filled(named.effects, named.when_filled, extracted.effects), metric, extracted.effects
        )
    table = read_rows(args.bridge, BridgeRow)
    bridges = [(plan.bridges[name].title, [row for row in table if row.bridge == name]) for name in figure.bridges]
    layout = comparison(args.figure, figure, documents, references, bridges)
    _write_forest(layout, args.out, plan.drawing, "forest")


def bridge_figure(args: argparse.Namespace) -> None:
    """Draws a bridge of the plan."""
    from synthesis.draw.bridge_figure import bridge_layout
    from synthesis.plan.config import read_config
    from synthesis.results.comparisons import BridgeRow
    from synthesis.results.document import read_rows
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented, with_flags

    plan = read_config(args.config)
    if args.bridge not in plan.bridges:
        refuse("--bridge", args.bridge, plan.bridges)
    bridge = plan.bridges[args.bridge]
    documents = {d.synthesis: d for d in read_presented(args.models, plan.syntheses)}
    if args.sources:
        extracted = read_extracted(args.sources)
        documents = {side: with_flags(documents[side], extracted) for side in (bridge.association, bridge.effect)}
    rows = [row for row in read_rows(args.table, BridgeRow) if row.bridge == args.bridge]
    layout = bridge_layout(args.bridge, rows, documents[bridge.association], documents[bridge.effect])
    _write_forest(layout, args.out, plan.drawing, "bridge")


def diagnostic_figure(args: argparse.Namespace) -> None:
    """Draws a diagnostic figure of a synthesis."""
    from synthesis.draw.diagnostic import layout as layout_of
    from synthesis.plan.config import read_config
    from synthesis.plan.parts import Figure
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.results.document import read_document
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented, with_flags

    plan = read_config(args.config)
    (document,) = read_presented([args.model], plan.syntheses, declared=plan.own_columns)
    if args.sources:
        document = with_flags(document, read_extracted(args.sources))
    diagnostics = read_document(args.diagnostics, Diagnosed)
    if diagnostics.synthesis != document.synthesis:
        refuse("--diagnostics", diagnostics.synthesis, [document.synthesis])
    layout = layout_of(args.kind, document, diagnostics, args.moderator)
    name = Figure(args.kind, document.synthesis, args.moderator).name
    _write(layout, args.out, name, f"{layout.title}. {_NUMBERS}", plan.drawing)


def claims_figure(args: argparse.Namespace) -> None:
    """Draws the verdicts on the claims."""
    from synthesis.draw.claims_figure import pages
    from synthesis.draw.claims_layout import TITLE, claims_layout
    from synthesis.draw.writing import write_figure
    from synthesis.results.comparisons import DecidedClaim
    from synthesis.results.document import read_documents

    layout = claims_layout(read_documents(args.claims, DecidedClaim), TITLE)
    description = "Claims, the computed values, the rules, and the verdicts. The same is in a table of the report."
    cut = pages(layout, args.page_height)
    write_figure(args.out, f"claims_{layout.name}", layout, description, None, cut)


def multiverse_figure(args: argparse.Namespace) -> None:
    """Draws the specification curve or the vibration of a multiverse."""
    from synthesis.draw.multiverse_figure import LAYOUTS
    from synthesis.plan.config import read_config
    from synthesis.results.curves import MultiverseSummary
    from synthesis.results.document import read_document

    if args.kind not in LAYOUTS:
        refuse("--kind", args.kind, LAYOUTS)
    chart = LAYOUTS[args.kind](read_document(args.multiverse, MultiverseSummary))
    _write_chart(chart, args.out, read_config(args.config).drawing)


def multiverse_bridge(args: argparse.Namespace) -> None:
    """Draws a bridge over two multiverses."""
    from synthesis.draw.pairs_figure import bridge
    from synthesis.plan.config import read_config
    from synthesis.results.curves import MultiverseSummary, PairRow
    from synthesis.results.document import read_document, read_rows

    rows = [row for row in read_rows(args.table, PairRow) if row.bridge == args.bridge]
    documents = [read_document(path, MultiverseSummary) for path in args.multiverses]
    _write_chart(bridge(args.bridge, rows, documents), args.out, read_config(args.config).drawing)


def prisma_flow(args: argparse.Namespace) -> None:
    """Draws what became of every extracted row."""
    from synthesis.data.search import read_search
    from synthesis.draw.prisma import flow
    from synthesis.draw.writing import write_figure
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    extracted = read_extracted(args.sources)
    documents = read_presented(args.models, plan.syntheses)
    search = read_search(args.search) if args.search else []
    layout = flow(plan.title, documents, extracted.effects, extracted.dropped, search)
    write_figure(args.out, f"prisma_{layout.name}", layout, " ".join(layout.notes))


def monitoring_figure(args: argparse.Namespace) -> None:
    """Draws the looks of a monitored synthesis against their boundaries."""
    from synthesis.draw.looks_figure import looks_figure
    from synthesis.plan.config import read_config
    from synthesis.results.document import read_rows
    from synthesis.results.further import LookRow
    from synthesis.review.presentation import read_presented

    plan = read_config(args.config)
    (document,) = read_presented([args.model], plan.syntheses)
    looks = [row for row in read_rows(args.looks, LookRow) if row.synthesis == document.synthesis]
    _write_chart(looks_figure(document, looks), args.out, plan.drawing)


def risk_domains(args: argparse.Namespace) -> None:
    """Draws the risk of bias of the samples of a synthesis, domain by domain."""
    from synthesis.draw.risk_domains import risk_domains as layout_of
    from synthesis.draw.writing import write_figure
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.presentation import read_presented

    (document,) = read_presented([args.model], read_config(args.config).syntheses)
    layout = layout_of(document, read_extracted(args.sources).assessed)
    write_figure(args.out, layout.name, layout, " ".join(layout.notes))


def risk_of_bias(args: argparse.Namespace) -> None:
    """Draws the risk of bias of the samples of each synthesis."""
    from synthesis.data.source import read_abouts
    from synthesis.draw.risk import risk_of_bias as layout_of
    from synthesis.draw.writing import write_figure
    from synthesis.plan.config import read_config
    from synthesis.review.presentation import read_presented

    documents = read_presented(args.models, read_config(args.config).syntheses)
    layout = layout_of(documents, {name: source.risk_score for name, source in read_abouts(args.about).items()})
    write_figure(args.out, layout.name, layout, " ".join(layout.notes))


def _write_forest(layout: Layout, folder: Path, drawing: Drawing, kind: str) -> None:
    """A forest plot, on as many pages as the plan's height of a page asks for."""
    description = f"{kind.capitalize()} plot: {layout.title}. {_NUMBERS}"
    _write(layout, folder, f"{kind}_{layout.name}", description, drawing)


def _write_chart(chart: Chart, folder: Path, drawing: Drawing) -> None:
    from synthesis.draw import panels  # noqa: F401 tells how a chart is drawn
    from synthesis.draw.canvas import PRESETS
    from synthesis.draw.writing import write_figure

    style = PRESETS[drawing.preset]
    write_figure(folder, f"{chart.kind}_{chart.name}", chart, f"{chart.title}. {_NUMBERS}", style)


def _write(layout: Layout | Chart, folder: Path, name: str, description: str, drawing: Drawing) -> None:
    """A figure in the plan's preset, on pages no taller than the plan's."""
    from synthesis.draw import forest, panels
    from synthesis.draw.canvas import PRESETS
    from synthesis.draw.layout import Layout
    from synthesis.draw.writing import write_figure

    style = PRESETS[drawing.preset]
    if isinstance(layout, Layout):
        pages = forest.pages(layout, drawing.page_height, style)
    else:
        pages = panels.pages(layout, drawing.page_height, style)
    write_figure(folder, name, layout, description, style, pages)
