"""`synthesis <command>`: one command per rule. Parses, calls, writes; imports what a command needs, and late."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthesis.cli import living as cli_living
from synthesis.cli import multiverse as cli_multiverse
from synthesis.data.converters import Policy
from synthesis.errors import CannotWrite, Disagreement, InputError, placed
from synthesis.plan import starting
from synthesis.results.files import read_csv, read_json, write_csv, write_json, write_parquet

if TYPE_CHECKING:
    from synthesis.compare.claims import Evidence
    from synthesis.data.source import Source
    from synthesis.draw.layout import Layout
    from synthesis.plan.config import Config, Drawing
    from synthesis.plan.plan import Plan


def _plan(name: str) -> Plan:
    """The plan in a file, or, for "-", on standard input."""
    from synthesis.data.reading import read_yaml
    from synthesis.plan import plan

    if name == "-":
        return plan.load(json.load(sys.stdin), "standard input")
    return plan.load(read_yaml(Path(name)), name)


def _config(name: str) -> Config:
    """The plan's content alone, for commands that need no raw data."""
    from synthesis.data.reading import parse, read_yaml
    from synthesis.plan.config import Config

    where = "standard input" if name == "-" else name
    return parse(Config, json.load(sys.stdin) if name == "-" else read_yaml(Path(name)), where)


def check(args: argparse.Namespace) -> None:
    """Checks config and raw tables and says what was found."""
    from synthesis.compare.claims import check_folder
    from synthesis.plan import plan

    checked = _plan(args.config)
    check_folder(args.raw, checked.config, plan.check(checked, args.raw))
    print(f"{len(checked.config.sources)} sources and {len(checked.config.syntheses)} syntheses: no problem found")


def config(args: argparse.Namespace) -> None:
    """Writes the resolved config: every key, defaults included."""
    write_json(args.out, _plan(args.config).config.model_dump(mode="json"))


def extract(args: argparse.Namespace) -> None:
    """Converts one source."""
    from synthesis.data.extraction import extract as run
    from synthesis.data.extraction import write_extracted

    found = run(args.raw, args.source, tuple(args.metrics), Policy(args.zero_cells))
    write_extracted(args.out, found)
    print(f"{args.source}: {len(found.effects)} effects, {len(found.dropped)} rows dropped with a reason")


def gather(args: argparse.Namespace) -> None:
    """Puts the sources together, checks every cell of the whole: effects (parquet, CSV) and dropped rows."""
    from synthesis.data.extraction import DROPPED_TYPES, EFFECT_TYPES, read_extracted
    from synthesis.data.tables import check_effects

    found = read_extracted(args.sources)
    effects, dropped = found.effects, found.dropped
    check_effects(effects)
    write_parquet(args.effects, effects, EFFECT_TYPES)
    write_csv(args.table, effects, EFFECT_TYPES)
    write_csv(args.dropped, dropped, DROPPED_TYPES)
    print(f"{len(effects)} effects; {len(dropped)} rows dropped with a reason")


def pool(args: argparse.Namespace) -> None:
    """Fits syntheses, one model file each, and writes them where a second route to each number agrees."""
    from synthesis.data.extraction import read_extracted
    from synthesis.review.crosscheck import by_matrices, checked
    from synthesis.review.fit import run_synthesis

    plan = _plan(args.config).config
    found = read_extracted(args.sources)
    documents = []
    for name in args.syntheses:
        if name not in plan.syntheses:
            _refuse("--syntheses", name, plan.syntheses)
        synthesis = plan.syntheses[name]
        documents.append(run_synthesis(name, synthesis, plan.defaults, found.effects, found.dropped))
    compared = checked(documents, by_matrices)
    for document in documents:
        write_json(args.out / f"{document['synthesis']}.json", document)
        write_json(args.checks / f"{document['synthesis']}.json", compared[document["synthesis"]])
        print(
            f"{document['synthesis']}: {document['estimate']:.4f} "
            f"[{document['ci_low']:.4f}, {document['ci_high']:.4f}] ({document['metric']}), "
            f"{document['samples']} samples, {document['k']} effects"
        )


def pooled(args: argparse.Namespace) -> None:
    """Writes the fits as one table, and their second routes, those by PyMARE and statsmodels among them, as another."""
    from synthesis.data.converters import back_transform
    from synthesis.review.crosscheck import COLUMNS, by_libraries, checked

    documents = [read_json(path) for path in args.models]
    libraries = checked(documents, by_libraries)
    together = [row for path in args.checks for row in [*read_json(path), *libraries[path.stem]]]
    nested = {"studies", "references", "weights", "versions", "figure"}
    rows = []
    for document in documents:
        row = {key: value for key, value in document.items() if key not in nested}
        row["sources"], row["notes"] = "; ".join(row["sources"]), "; ".join(row["notes"])
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
            row[f"{name}_transformed"] = back_transform(document["metric"], document[name])
        rows.append(row | {f"version_{k}": v for k, v in document["versions"].items()})
    write_csv(args.crosscheck, together, COLUMNS)
    write_csv(args.table, rows)
    print(f"{len(documents)} fits; {len(together)} numbers agree with the second route")


def diagnose(args: argparse.Namespace) -> None:
    """Examines every fit: influence, small-study effects, moderators, small numbers of samples."""
    from synthesis.review import diagnose as diagnosing

    plan = _plan(args.config).config
    found = []
    for path in args.models:
        document = read_json(path)
        synthesis = plan.syntheses[document["synthesis"]]
        found.append(diagnosing.diagnose(document, synthesis.moderators, plan.diagnostics, plan.groupings))
    for one in found:
        write_json(args.out / f"{one['synthesis']}.json", one)
    for name, rows in diagnosing.tables(found).items():
        write_csv(args.tables / f"{name}.csv", rows, diagnosing.TABLES[name])
    print(f"{len(found)} syntheses examined")


def compare(args: argparse.Namespace) -> None:
    """Contrasts, bridges, clinical relevance, interactions, and the verdicts on claims."""
    from synthesis.compare.run import TABLES, compare_all

    evidence, claims = _evidence(args)
    tables = compare_all(evidence, claims)
    for name, columns in TABLES.items():
        write_csv(args.tables / f"{name}.csv", tables[name], columns)
    write_json(args.claims_out, tables["claims"])
    print(f"{len(tables['comparison'])} comparisons, {len(tables['bridge'])} bridge rows, {len(claims)} claims")


def tipping(args: argparse.Namespace) -> None:
    """Tries every single change on every claim, and says which ones turn its verdict."""
    from synthesis.compare.run import TIPPING_TABLES, tipping_all

    evidence, claims = _evidence(args)
    diagnostics = {d["synthesis"]: d for d in map(read_json, args.diagnostics)}
    tables = tipping_all(evidence, claims, diagnostics)
    for name, columns in TIPPING_TABLES.items():
        write_csv(args.tables / f"{name}.csv", tables[name], columns)
    print(f"{len(tables['tipping_points_all'])} changes tried on {len(claims)} claims")


def _evidence(args: argparse.Namespace) -> tuple[Evidence, list[dict[str, Any]]]:
    from synthesis.compare.claims import read_claims
    from synthesis.compare.run import evidence_of
    from synthesis.data.extraction import read_extracted

    documents = {d["synthesis"]: d for d in map(read_json, args.models)}
    claims = read_claims(args.claims) if args.claims else []
    return evidence_of(_plan(args.config).config, documents, read_extracted(args.sources)), claims


def forest(args: argparse.Namespace) -> None:
    """Draws the forest plots of single syntheses, each with its layout as a table."""
    from synthesis.draw.rows import forest as layout_of

    drawing = _plan(args.config).config.drawing
    for path in args.models:
        _draw(layout_of(read_json(path)), args.out, drawing)


def comparison_forest(args: argparse.Namespace) -> None:
    """Draws a comparison figure of the plan, with its layout as a table."""
    from synthesis.data.extraction import read_extracted, reference_rows
    from synthesis.draw.comparison import comparison

    plan = _plan(args.config).config
    if args.figure not in plan.figures:
        _refuse("--figure", args.figure, plan.figures)
    figure = plan.figures[args.figure]
    documents = {d["synthesis"]: d for d in map(read_json, args.models)}
    effects = read_extracted(args.sources).effects
    references: dict[str, list[dict[str, Any]]] = {}
    for lane, named in figure.references.items():
        metric = next(d["metric"] for d in documents.values() if d["lane"] == lane)
        key = f"config.yaml, key figures.{args.figure}.references.{lane}"
        references[lane] = reference_rows(key, named.effects, metric, effects)
    table = read_csv(args.bridge)
    bridges = [(plan.bridges[name].title, [row for row in table if row["bridge"] == name]) for name in figure.bridges]
    _draw(comparison(args.figure, figure, documents, references, bridges), args.out, plan.drawing)


def comparison_figures(args: argparse.Namespace) -> None:
    """Draws each bridge of the plan, and the verdicts on the claims."""
    from synthesis.draw.bridge_figure import bridge_layout
    from synthesis.draw.claims_figure import claims_layout, draw_claims
    from synthesis.draw.forest import FORMATS, save
    from synthesis.draw.live import save_live

    plan = _plan(args.config).config
    documents = {d["synthesis"]: d for d in map(read_json, args.models)}
    table = read_csv(args.bridge)
    for name, bridge in plan.bridges.items():
        rows = [row for row in table if row["bridge"] == name]
        layout = bridge_layout(name, rows, documents[bridge.association], documents[bridge.effect])
        _draw(layout, args.out, plan.drawing, "bridge")
    claims = read_json(args.claims)
    if claims:
        verdicts = claims_layout(claims, "What the text says, and what the data say")
        figure, stem = draw_claims(verdicts), f"claims_{verdicts.name}"
        save(figure, {kind: args.out / f"{stem}.{kind}" for kind in FORMATS})
        described = "Claims, the computed values, the rules, and the verdicts. The same is in a table of the report."
        save_live(figure, args.out / "live" / f"{stem}.svg", verdicts.title, described, ())
        write_csv(args.out / "data" / f"{stem}.csv", verdicts.table())
    print(f"{len(plan.bridges)} bridges, {len(claims)} claims")


def _draw(layout: Layout, folder: Path, drawing: Drawing, kind: str = "forest") -> None:
    from synthesis.draw.forest import FORMATS, draw, pages, save
    from synthesis.draw.live import save_live
    from synthesis.draw.marks import flat

    name = f"{kind}_{layout.name}"
    from synthesis.draw.sheet import PRESETS

    style = PRESETS[drawing.preset]
    figure = draw(layout, style)
    on_pages = pages(layout, drawing.page_height, style)
    save(figure, {suffix: folder / f"{name}.{suffix}" for suffix in FORMATS}, on_pages)
    described = f"{kind.capitalize()} plot: {layout.title}. The numbers are in the tables of the report."
    save_live(figure, folder / "live" / f"{name}.svg", layout.title, described, flat(layout))
    write_csv(folder / "data" / f"{name}.csv", layout.table())
    print(f"{name}: {sum(len(section.rows) for section in layout.sections)} rows")


def diagnostic_figures(args: argparse.Namespace) -> None:
    """Draws the figures beside the forest plots that the plan names, each with its layout as a table."""
    from synthesis.draw import forest, ink
    from synthesis.draw.chart import COLUMNS
    from synthesis.draw.diagnostic import layouts
    from synthesis.draw.layout import Layout
    from synthesis.draw.live import save_live
    from synthesis.draw.marks import chart_marks, flat
    from synthesis.draw.sheet import FORMATS, save

    plan = _config(args.config)
    diagnostics = {d["synthesis"]: d for d in map(read_json, args.diagnostics)}
    for path in args.models:
        document = read_json(path)
        name = document["synthesis"]
        if name not in plan.diagnostic_figures:
            _refuse("--models", name, plan.diagnostic_figures)
        if name not in diagnostics:
            _refuse("--diagnostics", f"none of {name}", [f"results/diagnostics/{name}.json"])
        kinds = plan.diagnostic_figures[name]
        for figure, layout in layouts(document, diagnostics[name], kinds, plan.syntheses[name].moderators):
            drawn = forest.draw(layout) if isinstance(layout, Layout) else ink.draw(layout)
            save(drawn, {kind: args.out / f"{figure}.{kind}" for kind in FORMATS})
            described = f"{layout.title}. The numbers are in the tables of the report."
            marks = flat(layout) if isinstance(layout, Layout) else chart_marks(layout)
            save_live(drawn, args.out / "live" / f"{figure}.svg", layout.title, described, marks)
            columns = None if isinstance(layout, Layout) else COLUMNS
            write_csv(args.out / "data" / f"{figure}.csv", layout.table(), columns)
            print(figure)


def report(args: argparse.Namespace) -> None:
    """Writes the report."""
    from synthesis.data.extraction import read_extracted
    from synthesis.report import Material, render
    from synthesis.report.material import read_drawings, read_rules
    from synthesis.results.curves import MultiverseSummary, PairRow
    from synthesis.results.document import read_document, read_rows
    from synthesis.results.files import write_text
    from synthesis.review.diagnose import tables as diagnostic_tables

    found = read_extracted(args.sources)
    html = render(
        Material(
            config=_plan(args.config).config,
            documents=[read_json(path) for path in args.models],
            compared={path.stem: read_csv(path) for path in args.compared} | {"claims": read_json(args.claims)},
            effects=found.effects,
            dropped=found.dropped,
            crosscheck=read_csv(args.crosscheck),
            sources=list(_sources(args.about).values()),
            diagnostics=diagnostic_tables(map(read_json, args.diagnostics)),
            drawings=read_drawings(args.figures),
            rules=read_rules(args.rules),
            multiverses=[read_document(path, MultiverseSummary) for path in args.multiverses],
            pairs=[row for path in args.pairs for row in read_rows(path, PairRow)],
        )
    )
    write_text(args.out, html)
    print(f"open {args.out}")


def export(args: argparse.Namespace) -> None:
    """Writes what others need of the fits: R scripts with data, model cards, the PRISMA checklist, its flow diagram."""
    from synthesis.data.extraction import read_extracted
    from synthesis.draw.forest import FORMATS, save
    from synthesis.draw.live import save_live
    from synthesis.draw.prisma import draw_flow, flow
    from synthesis.draw.risk import draw_risk, risk_of_bias
    from synthesis.export.cards import model_card
    from synthesis.export.checklist import CHECKLIST_COLUMNS, checklist
    from synthesis.export.r_script import DATA_COLUMNS, r_data, r_script
    from synthesis.results.files import write_text

    plan = _plan(args.config).config
    documents = [read_json(path) for path in args.models]
    diagnostics = {d["synthesis"]: d for d in map(read_json, args.diagnostics)}
    sources = _sources(args.about)
    for document in documents:
        name = document["synthesis"]
        write_text(args.out / "r" / f"{name}.R", r_script(document))
        write_csv(args.out / "r" / f"{name}.csv", r_data(document), DATA_COLUMNS)
        card = model_card(document, plan.syntheses[name], sources, diagnostics[name])
        write_json(args.out / "model_cards" / f"{name}.json", card)
    claims = len(read_json(args.claims))
    write_csv(args.out / "prisma_checklist.csv", checklist(plan, documents, claims), CHECKLIST_COLUMNS)
    found = read_extracted(args.sources)
    layout = flow(plan.title, documents, found.effects, found.dropped)
    figures = args.out / "figures"
    risk = risk_of_bias(documents, {name: source.risk_score for name, source in sources.items()})
    for name, figure, drawn in (
        (f"prisma_{layout.name}", layout, draw_flow(layout)),
        (risk.name, risk, draw_risk(risk)),
    ):
        save(drawn, {kind: figures / f"{name}.{kind}" for kind in FORMATS})
        save_live(drawn, figures / "live" / f"{name}.svg", figure.title, " ".join(figure.notes), ())
        write_csv(figures / "data" / f"{name}.csv", figure.table(), list(figure.table()[0]) if figure.table() else [])
    print(f"{len(documents)} R scripts and model cards, the PRISMA checklist and flow")


def crate(args: argparse.Namespace) -> None:
    """Describes the results as a research object: every file with its hash."""
    from synthesis.export.crate import METADATA
    from synthesis.export.crate import crate as describe

    plan = _plan(args.config).config
    versions = read_json(args.model)["versions"] | {"snakemake": args.snakemake}
    content = describe(plan, _sources(args.about), args.files, args.workflow, args.out, versions)
    write_json(args.out / METADATA, content)
    print(f"{len(args.files)} files described")


def verify(args: argparse.Namespace) -> None:
    """Compares every result with the hash that the run wrote down."""
    from synthesis.export.crate import verify as run

    print(f"{run(args.folder)} files are as the run wrote them")


def _sources(paths: Sequence[Path]) -> dict[str, Source]:
    """Each `source.yaml` by the name of its folder."""
    from synthesis.data.reading import parse, read_yaml
    from synthesis.data.source import Source

    return {path.parent.name: parse(Source, read_yaml(path), str(path)) for path in paths}


def schemas(args: argparse.Namespace) -> None:
    """Writes what is generated from the models: JSON Schemas, data dictionary, references of config and commands."""
    from synthesis.cli.reference import commands
    from synthesis.plan.generated import generated
    from synthesis.results.files import write_text

    for name, content in (generated() | {"docs/commands.md": commands(_parser())}).items():
        write_text(args.root / name, content)


def _refuse(option: str, value: str, allowed: Any) -> None:
    from synthesis.errors import Problem

    raise InputError([Problem(option, value, "one of " + ", ".join(allowed))])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synthesis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(run: Any, name: str | None = None, plan: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name or run.__name__, help=run.__doc__, description=run.__doc__)
        added.set_defaults(run=run)
        if plan:
            added.add_argument("--config", required=True, help="config.yaml, or - for JSON on standard input")
        return added

    def many(added: argparse.ArgumentParser, *names: str) -> None:
        for name in names:
            added.add_argument(name, type=Path, nargs="+", required=True)

    def one(added: argparse.ArgumentParser, *names: str) -> None:
        for name in names:
            added.add_argument(name, type=Path, required=True)

    starting.register(command(starting.new, plan=False))
    raw = {"type": Path, "default": Path("data/raw"), "help": "folder of the sources"}
    command(check).add_argument("--raw", **raw)  # type: ignore[arg-type]
    one(command(config), "--out")
    added = command(extract, plan=False)
    added.add_argument("--raw", **raw)  # type: ignore[arg-type]
    added.add_argument("--zero-cells", type=float, default=Policy().zero_cells)
    added.add_argument("--source", required=True)
    added.add_argument("--metrics", nargs="+", required=True)
    one(added, "--out")
    added = command(gather, plan=False)
    many(added, "--sources")
    one(added, "--effects", "--table", "--dropped")
    added = command(pool)
    added.add_argument("--syntheses", nargs="+", required=True)
    many(added, "--sources")
    one(added, "--out", "--checks")
    added = command(pooled, plan=False)
    many(added, "--models")
    many(added, "--checks")
    one(added, "--table", "--crosscheck")
    added = command(diagnose)
    many(added, "--models")
    one(added, "--out", "--tables")
    added = command(compare)
    many(added, "--models", "--sources")
    added.add_argument("--claims", type=Path)
    one(added, "--tables", "--claims-out")
    added = command(tipping)
    many(added, "--models", "--sources", "--diagnostics")
    added.add_argument("--claims", type=Path)
    one(added, "--tables")
    added = command(forest)
    many(added, "--models")
    one(added, "--out")
    added = command(comparison_forest, "comparison-forest")
    added.add_argument("--figure", required=True)
    many(added, "--models", "--sources")
    one(added, "--bridge", "--out")
    added = command(comparison_figures, "comparison-figures")
    many(added, "--models")
    one(added, "--bridge", "--claims", "--out")
    added = command(diagnostic_figures, "diagnostic-figures")
    many(added, "--models", "--diagnostics")
    one(added, "--out")
    added = command(report)
    many(added, "--models", "--sources", "--about", "--diagnostics", "--compared")
    one(added, "--claims", "--crosscheck", "--out")
    added.add_argument("--figures", type=Path, nargs="*", default=[], help="results/figures/live/*.svg")
    added.add_argument("--rules", nargs="*", default=[], help="rules of the workflow, as rule:rule,rule")
    added.add_argument("--multiverses", type=Path, nargs="*", default=[], help="results/multiverse/*.json")
    added.add_argument("--pairs", type=Path, nargs="*", default=[], help="results/tables/multiverse_bridge.csv")
    added = command(export)
    many(added, "--models", "--diagnostics", "--sources", "--about")
    one(added, "--claims", "--out")
    added = command(crate)
    many(added, "--about", "--files")
    added.add_argument("--snakemake", required=True, help="version of Snakemake")
    added.add_argument("--workflow", type=Path, required=True, help="folder of the Snakefile")
    one(added, "--model", "--out")
    added = command(verify, plan=False)
    added.add_argument("folder", type=Path, nargs="?", default=Path("results"), help="the results")
    cli_multiverse.register(command, _config)
    cli_living.register(command, _config)
    added = command(schemas, plan=False)
    added.add_argument("root", type=Path, help="the checkout")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; errors that a user can mend are printed without a traceback. Returns the exit status."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except (InputError, CannotWrite, Disagreement) as error:
        given = getattr(args, "config", None)
        if isinstance(error, InputError) and given not in (None, "-"):
            error = InputError(placed(error.problems, [(str(given), {})]))
        print(f"synthesis {args.command}: {error}", file=sys.stderr)
        return 1
    return 0
