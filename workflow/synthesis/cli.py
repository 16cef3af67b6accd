"""`synthesis <command>`: one command per rule. Parses, calls, writes; imports what a command needs, and late."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthesis.errors import Disagreement, InputError
from synthesis.files import read_json, read_parquet, write_csv, write_json, write_parquet, write_records

if TYPE_CHECKING:
    from synthesis.plan import Plan


def _plan(path: Path) -> Plan:
    from synthesis import plan
    from synthesis.models.config import read_yaml

    return plan.load(read_yaml(path), str(path))


def check(args: argparse.Namespace) -> None:
    """Checks config and raw tables and says what was found."""
    from synthesis import plan

    checked = _plan(args.config)
    plan.check(checked, args.raw)
    print(f"{len(checked.config.sources)} sources and {len(checked.config.syntheses)} syntheses: no problem found")


def config(args: argparse.Namespace) -> None:
    """Writes the resolved config: every key, defaults included."""
    from synthesis import plan

    resolved = plan.load(json.loads(args.content), "config")
    write_json(args.out, resolved.config.model_dump(mode="json"))


def extract(args: argparse.Namespace) -> None:
    """Converts one source."""
    from synthesis.effectsizes import Policy
    from synthesis.extraction import extract as run

    conversions = _plan(args.config).config.conversions
    found = run(args.raw, args.source, tuple(args.metrics), Policy(conversions.zero_cells))
    write_parquet(args.effects, found.effects)
    write_parquet(args.dropped, found.dropped)
    print(f"{args.source}: {len(found.effects)} effects, {len(found.dropped)} rows dropped with a reason")


def gather(args: argparse.Namespace) -> None:
    """Puts the sources together: effects as parquet and CSV, and the dropped rows."""
    effects, dropped = read_parquet(args.effects), read_parquet(args.dropped)
    write_parquet(args.effects_out, effects)
    write_csv(args.table_out, effects)
    write_csv(args.dropped_out, dropped)
    print(f"{len(effects)} effects; {len(dropped)} rows dropped with a reason")


def pool(args: argparse.Namespace) -> None:
    """Fits one synthesis."""
    from synthesis.pooling.run import run_synthesis

    plan = _plan(args.config).config
    if args.synthesis not in plan.syntheses:
        _refuse("--synthesis", args.synthesis, plan.syntheses)
    document = run_synthesis(
        args.synthesis,
        plan.syntheses[args.synthesis],
        plan.defaults,
        read_parquet(args.effects),
        read_parquet(args.dropped),
    )
    write_json(args.model, document)
    print(
        f"{args.synthesis}: {document['estimate']:.4f} [{document['ci_low']:.4f}, {document['ci_high']:.4f}] "
        f"({document['metric']}), {document['samples']} samples, {document['k']} effects"
    )


def pooled(args: argparse.Namespace) -> None:
    """Checks every fit by its second route and writes them as one table."""
    import pandas as pd

    from synthesis.pooling.crosscheck import crosscheck_all
    from synthesis.effectsizes import back_transform

    documents = [read_json(path) for path in args.models]
    compared = crosscheck_all(documents)
    nested = {"studies", "references", "weights", "versions"}
    rows = []
    for document in documents:
        row = {key: value for key, value in document.items() if key not in nested}
        row["sources"], row["notes"] = "; ".join(row["sources"]), "; ".join(row["notes"])
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
            row[f"{name}_transformed"] = back_transform(document["metric"], document[name])
        rows.append(row | {f"version_{k}": v for k, v in document["versions"].items()})
    write_csv(args.crosscheck, compared)
    write_csv(args.table, pd.DataFrame(rows))
    print(f"{len(documents)} fits; {len(compared)} numbers agree with the second route")


def compare(args: argparse.Namespace) -> None:
    """Contrasts and bridges as one table."""
    import pandas as pd

    from synthesis import compare as comparing

    plan = _plan(args.config).config
    documents = {d["synthesis"]: d for d in map(read_json, args.models)}
    rows: list[dict[str, Any]] = [
        comparing.contrast(name, c, documents[c.first], documents[c.second])
        for name, c in plan.comparisons.items()
    ]
    for name, b in plan.bridges.items():
        rows += comparing.bridge(name, b, documents[b.association], documents[b.effect])
    write_csv(args.table, pd.DataFrame(rows, columns=list(comparing.COMPARISON_COLUMNS)))
    print(f"{len(plan.comparisons)} contrasts and {len(plan.bridges)} bridges")


def forest(args: argparse.Namespace) -> None:
    """Draws one forest plot, with its layout as a table."""
    from synthesis.figures import forest as drawing
    from synthesis.figures import layout as layouts

    plan = _plan(args.config).config
    documents = {d["synthesis"]: d for d in map(read_json, args.models)}
    if args.figure in plan.syntheses:
        layout = layouts.forest(documents[args.figure], plan.syntheses[args.figure])
    elif args.figure in plan.figures:
        import pandas as pd

        from synthesis.pooling.run import reference_rows

        figure = plan.figures[args.figure]
        effects = read_parquet(args.effects) if args.effects else None
        references = {}
        for lane, named in figure.references.items():
            metric = next(s.metric for s in plan.syntheses.values() if s.lane == lane)
            key = f"config, key figures.{args.figure}.references.{lane}"
            references[lane] = reference_rows(key, named.effects, metric, effects)
        table = pd.read_csv(args.comparison) if args.comparison else None
        bridges = {
            name: (plan.bridges[name], _rows_of(table, name)) for name in figure.bridges
        }
        layout = layouts.comparison(
            args.figure, figure, plan.syntheses, documents, references, bridges
        )
    else:
        _refuse("--figure", args.figure, [*plan.syntheses, *plan.figures])
    paths = {kind: getattr(args, kind) for kind in drawing.FORMATS}
    drawing.save(drawing.draw(layout), paths)
    write_records(args.layout, layout.table())
    print(f"{args.figure}: {sum(len(s.rows) for s in layout.sections)} rows")


def _rows_of(table: Any, name: str) -> list[dict[str, Any]]:
    return [
        {key: None if value != value else value for key, value in row.items()}
        for row in table[table["comparison"] == name].to_dict(orient="records")
    ]


def report(args: argparse.Namespace) -> None:
    """Writes the report."""
    import pandas as pd

    from synthesis.files import write_text
    from synthesis.models.config import Source, parse, read_yaml
    from synthesis.report import render

    plan = _plan(args.config).config
    html = render(
        plan,
        [read_json(path) for path in args.models],
        pd.read_csv(args.comparison),
        read_parquet([args.effects]),
        pd.read_csv(args.dropped, dtype="str", keep_default_na=False),
        pd.read_csv(args.crosscheck),
        {path.parent.name: parse(Source, read_yaml(path), str(path)) for path in args.sources},
    )
    write_text(args.out, html)
    print(f"open {args.out}")


def schemas(args: argparse.Namespace) -> None:
    """Writes what is generated from the models: JSON Schemas, data dictionary, config reference."""
    from synthesis.files import write_text
    from synthesis.models.generated import generated

    for name, content in generated().items():
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
            added.add_argument("--config", type=Path, required=True, help="config.yaml, or results/config.json")
        return added

    def many(added: argparse.ArgumentParser, *names: str, optional: bool = False) -> None:
        for name in names:
            added.add_argument(name, type=Path, nargs="*" if optional else "+", required=not optional)

    def one(added: argparse.ArgumentParser, *names: str) -> None:
        for name in names:
            added.add_argument(name, type=Path, required=True)

    raw = {"type": Path, "default": Path("data/raw"), "help": "folder of the sources"}
    command(check).add_argument("--raw", **raw)  # type: ignore[arg-type]
    added = command(config, plan=False)
    added.add_argument("--content", required=True, help="the config as JSON")
    one(added, "--out")
    added = command(extract)
    added.add_argument("--raw", **raw)  # type: ignore[arg-type]
    added.add_argument("--source", required=True)
    added.add_argument("--metrics", nargs="+", required=True)
    one(added, "--effects", "--dropped")
    added = command(gather, plan=False)
    many(added, "--effects", "--dropped")
    one(added, "--effects-out", "--table-out", "--dropped-out")
    added = command(pool)
    added.add_argument("--synthesis", required=True)
    many(added, "--effects", "--dropped")
    one(added, "--model")
    added = command(pooled, plan=False)
    many(added, "--models")
    one(added, "--table", "--crosscheck")
    added = command(compare)
    many(added, "--models")
    one(added, "--table")
    added = command(forest)
    added.add_argument("--figure", required=True)
    many(added, "--models")
    many(added, "--effects", optional=True)
    added.add_argument("--comparison", type=Path)
    one(added, "--layout", "--svg", "--pdf", "--png")
    added = command(report)
    many(added, "--models", "--sources")
    one(added, "--effects", "--comparison", "--dropped", "--crosscheck", "--out")
    added = command(schemas, plan=False)
    added.add_argument("root", type=Path, help="the checkout")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; errors that a user can mend are printed without a traceback. Returns the exit status."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except (InputError, Disagreement) as error:
        print(f"synthesis {args.command}: {error}", file=sys.stderr)
        return 1
    return 0
