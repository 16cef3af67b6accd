"""A review of one's own from a table of one's own: the folder that the workflow runs on."""

from __future__ import annotations

import argparse
import datetime
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthesis.data.converters import CONVERTERS
from synthesis.errors import InputError, Problem
from synthesis.results.files import write_csv, write_text
from synthesis.data.columns import BY_NAME, COLUMNS, NUMERIC_KINDS
from synthesis.data.vocabulary import LANE_METRICS
from synthesis.data.tables import csv_lines
from synthesis.data.vocabulary import METRIC_NAME, Construct
from synthesis.meta.options import terms

# Made here for every row; the rest of the columns can be taken from the table.
_MADE = ("effect_id", "construct", "estimand", "level", "statistic", "direction", "locator", "quote")
_ESTIMAND = {"A": "r_total", "B": "d_between"}
_CONSTRUCT = {"A": "alliance", "B": "protocol"}


@dataclass(frozen=True, slots=True)
class Start:
    """What a table holds. `columns`: its columns by those of the data dictionary; `better`: larger or smaller."""

    title: str
    table: Path
    statistic: str
    columns: Mapping[str, str]
    better: str
    citation: str
    metric: str = ""
    construct: str = ""
    by: str = "not stated"


def start(folder: Path, what: Start, today: datetime.date) -> int:
    """Writes `config.yaml` and `data/raw/<table>/` into `folder`; returns the number of rows.

    Raises InputError for a folder that holds a review already, a statistic without a converter, or columns that do
    not exist. Nothing is written then.
    """
    name = re.sub(r"\W+", "_", what.table.stem.casefold(), flags=re.ASCII).strip("_") or "studies"
    rows, problems = _rows(what, name)
    metric, lane = _metric(what, problems)
    construct = what.construct or _CONSTRUCT[lane]
    if construct not in terms(Construct):
        problems.append(Problem("--construct", construct, ", ".join(terms(Construct))))
    for path in (folder / "config.yaml", folder / "data"):
        if path.exists():
            problems.append(Problem("folder", str(path), "a folder without a review in it"))
    if problems:
        raise InputError(problems)
    made_columns = {"construct": construct, "estimand": _ESTIMAND[lane], "level": "study"}
    made_columns |= {"statistic": what.statistic, "direction": {"larger": "1", "smaller": "-1"}[what.better]}
    names = [c.name for c in COLUMNS if c.name in _MADE or c.name in {*what.columns, "sample_id", "study"}]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".start.") as held:
        raw = Path(held) / "data" / "raw" / name
        write_csv(raw / "effects.csv", [row | made_columns for row in rows], names)
        write_text(raw / "source.yaml", _source(what, today))
        write_text(Path(held) / "config.yaml", _config(what, name, lane, metric))
        for made in ("data", "config.yaml"):
            shutil.move(Path(held) / made, folder / made)
    return len(rows)


def _rows(what: Start, name: str) -> tuple[list[dict[str, str]], list[Problem]]:
    header, *lines = csv_lines(what.table) or [[]]
    problems = [
        Problem("--columns", ours, "a column of data/raw/README.md that is not made here", f"made: {', '.join(_MADE)}")
        for ours in what.columns
        if ours not in BY_NAME or ours in _MADE
    ]
    problems += [
        Problem("--columns", f"{ours}={theirs}", f"a column of {what.table}: {', '.join(header)}")
        for ours, theirs in what.columns.items()
        if theirs not in header
    ]
    if "study" not in what.columns:
        problems.append(Problem("--columns", " ".join(what.columns), "study=<column>: what names a row's study"))
    filled = [(number, cells) for number, cells in enumerate(lines, start=2) if any(cell.strip() for cell in cells)]
    problems += [
        Problem(f"{what.table}, row {number}", f"{len(cells)} cells", f"{len(header)} cells as in the header")
        for number, cells in filled
        if len(cells) != len(header)
    ]
    if not filled:
        problems.append(Problem(str(what.table), "no rows below a header", "at least one row"))
    if problems:
        return [], problems
    width = len(str(len(filled)))
    rows = []
    for place, (number, cells) in enumerate(filled, start=1):
        own = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        row = {ours: own[theirs] for ours, theirs in what.columns.items()}
        printed = [theirs for ours, theirs in what.columns.items() if BY_NAME[ours].kind in NUMERIC_KINDS]
        row |= {"effect_id": f"{name}_{place:0{width}}", "locator": f"{what.table.name}, row {number}"}
        row["quote"] = "; ".join(f"{theirs} {own[theirs]}" for theirs in printed if own[theirs])
        rows.append({"sample_id": row["effect_id"]} | row)
    return rows, []


def _metric(what: Start, problems: list[Problem]) -> tuple[str, str]:
    """The metric and its lane; of a statistic with several metrics one must be named."""
    metrics = [metric for statistic, metric in CONVERTERS if statistic == what.statistic]
    if not metrics:
        known = ", ".join(dict.fromkeys(statistic for statistic, _ in CONVERTERS))
        problems.append(Problem("--statistic", what.statistic, known))
    elif what.metric not in metrics and (what.metric or len(metrics) > 1):
        said = "; ".join(f"{metric}: {METRIC_NAME[metric]}" for metric in metrics)
        problems.append(Problem("--metric", what.metric, said))
    metric = what.metric if what.metric in metrics else (metrics or ["g"])[0]
    return metric, next(lane for lane, own in LANE_METRICS.items() if metric in own)


def _text(content: str) -> str:
    # JSON strings are YAML strings, whatever they hold.
    return json.dumps(content, ensure_ascii=False)


def _config(what: Start, name: str, lane: str, metric: str) -> str:
    return f"""# The analysis plan; all keys are in docs/config.md of the pipeline.
title: {_text(what.title)}
sources: [{name}]

syntheses:
  {name}:
    title: {_text(what.title)}
    # A: correlations, called associations; B: differences between randomised arms, called effects.
    lane: {lane}
    metric: {metric}
    sources: [{name}]
    # Columns of data/raw/{name}/effects.csv between study and plot.
    columns: [n]
"""


def _source(what: Start, today: datetime.date) -> str:
    return f"""title: {_text(what.title)}
citation: {_text(what.citation)}
licence: not stated
extraction:
  how: {_text(f"Taken row by row from {what.table.name}; columns renamed.")}
  by: {_text(what.by)}
  'on': '{today.isoformat()}'
limits:
- How the studies were found and read is not stated.
"""


def new(args: argparse.Namespace) -> None:
    """Makes a review of one's own from a CSV table: the folder that the workflow runs on."""
    problems = [
        Problem("--columns", pair, "<column of the data dictionary>=<column of the table>")
        for pair in args.columns
        if "=" not in pair
    ]
    if problems:
        raise InputError(problems)
    what = Start(
        args.title or args.table.stem, args.table, args.statistic, dict(pair.split("=", 1) for pair in args.columns),
        args.better, args.citation, args.metric, args.construct, args.by,
    )  # fmt: skip
    count = start(args.folder, what, datetime.date.today())
    print(f"{count} rows; run the workflow: snakemake -s <checkout>/Snakefile -d {args.folder}")


def register(added: argparse.ArgumentParser) -> None:
    """Adds the arguments of `new`."""
    added.add_argument("folder", type=Path, help="where the review is made")
    added.add_argument("--table", type=Path, required=True, help="comma-separated, with a header, a row per number")
    added.add_argument("--statistic", required=True, help="what a row prints: r, mean_sd, 2x2, smd, ...")
    added.add_argument("--columns", nargs="+", required=True, metavar="OURS=THEIRS", help="study=... and the numbers")
    added.add_argument(
        "--better", choices=("larger", "smaller"), required=True, help="which value is better for the patient"
    )
    added.add_argument("--citation", required=True, help="where the table is from")
    added.add_argument(
        "--title", default="", help="of the review and of its forest plot; the name of the table if left out"
    )
    added.add_argument("--metric", default="", help="what is pooled, where the statistic leaves a choice")
    added.add_argument("--construct", default="", help="what was rated or compared; alliance or protocol if left out")
    added.add_argument("--by", default="not stated", help="who extracted the numbers")
