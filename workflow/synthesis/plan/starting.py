"""A review of one's own from a table of one's own: the folder that the workflow runs on."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from synthesis.data.columns import BY_NAME, COLUMNS, NUMERIC_KINDS
from synthesis.data.converters import CONVERTERS
from synthesis.data.extraction import convert_rows, load_source
from synthesis.data.reading import parse, read_yaml
from synthesis.data.sharing import BY_ROW, BY_STUDY, Sharing, shared
from synthesis.data.source import Source
from synthesis.data.tables import csv_lines, unwritable_cells
from synthesis.data.vocabulary import LANE_METRICS, METRIC_NAME, Construct
from synthesis.errors import InputError, Problem
from synthesis.meta.options import terms
from synthesis.plan.conditions import LONGEST_NAME
from synthesis.plan.config import Config
from synthesis.plan.selection import check_model, select_effects
from synthesis.results.files import write_csv, write_text
from synthesis.text import unwritable

# Made here for every row; the rest of the columns can be taken from the table.
_MADE = ("effect_id", "construct", "estimand", "level", "statistic", "direction", "locator", "quote")
_ESTIMAND = {"A": "r_total", "B": "d_between"}
_CONSTRUCT = {"A": "alliance", "B": "protocol"}
# Names that YAML reads as something else, and those that no file may have on Windows.
_TAKEN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "con", "prn", "aux", "nul"}
_TAKEN |= {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
_SHOWN = 10


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
    samples: str = ""


def start(folder: Path, what: Start, today: datetime.date) -> int:
    """Writes `config.yaml` and `data/raw/<table>/` into `folder`; returns the number of rows.

    Raises InputError for a folder that holds a review already, a statistic without a converter, columns that do not
    exist, and whatever the workflow would refuse. Nothing is written then.
    """
    name = source_name(what.table.stem)
    rows, problems = _rows(what, name)
    sharing = _shared(rows, what)
    problems += sharing.problems
    problems += _text_faults(what)
    metric, lane = _metric(what, problems)
    construct = what.construct or _CONSTRUCT[lane]
    if construct not in terms(Construct):
        problems.append(Problem("--construct", construct, ", ".join(terms(Construct))))
    try:
        held_already = [path for path in (folder / "config.yaml", folder / "data") if path.exists()]
    except OSError as error:
        raise _no_folder(folder, error) from None
    problems += [Problem("folder", str(path), "a folder without a review in it") for path in held_already]
    if problems:
        raise InputError(problems)
    made_columns = {"construct": construct, "estimand": _ESTIMAND[lane], "level": "study"}
    made_columns |= {"statistic": what.statistic, "direction": {"larger": "1", "smaller": "-1"}[what.better]}
    names = [c.name for c in COLUMNS if c.name in _MADE or c.name in {*what.columns, "sample_id", "study"}]
    try:
        # Beside the folder or in it: a move within a disk is a change of name.
        place = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(dir=place, prefix=".start.") as held:
            raw = Path(held) / "data" / "raw" / name
            write_csv(raw / "effects.csv", [row | made_columns for row in rows], names)
            write_text(raw / "source.yaml", _source(what, today))
            write_text(Path(held) / "config.yaml", _config(what, name, lane, metric))
            _check(Path(held), what, rows)
            folder.mkdir(parents=True, exist_ok=True)
            for made in ("data", "config.yaml"):
                shutil.move(Path(held) / made, folder / made)
    except OSError as error:
        raise _no_folder(folder, error) from None
    print("\n".join(sharing.remarks), end="\n" if sharing.remarks else "")
    return len(rows)


def _shared(rows: list[dict[str, str]], what: Start) -> Sharing:
    """Who shares people, put to the rows; a row that shares with none is a sample by its own name."""
    places = [row["locator"].rpartition(", ")[2] for row in rows]
    found = shared(rows, places, [row["effect_id"] for row in rows], what.samples)
    for row, sample in zip(rows, found.sample_ids, strict=True):
        row["sample_id"] = sample
    return found


def _no_folder(folder: Path, error: OSError) -> InputError:
    said = os.strerror(error.errno) if error.errno else str(error)
    return InputError([Problem("folder", str(folder), "a folder that can be made and written to", said)])


def source_name(stem: str) -> str:
    """A name for a source and its rows, made from a file's: small letters, digits and _, a letter first."""
    plain = unicodedata.normalize("NFKD", stem.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    name = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")
    if name in _TAKEN or not re.match("[a-z]", name):
        name = f"studies_{name}"
    return name[:LONGEST_NAME].strip("_")


def unused(folder: Path) -> list[str]:
    """The rows of a started review that cannot be used as they stand, each with the reason.

    Raises InputError for what the workflow would refuse.
    """
    raw = folder / "data" / "raw"
    config = parse(Config, read_yaml(folder / "config.yaml"), "config.yaml")
    ((name, synthesis),) = config.syntheses.items()
    parse(Source, read_yaml(raw / name / "source.yaml"), "source.yaml")
    rows, problems = load_source(raw, name, [])
    if problems:
        raise InputError(problems)
    found = convert_rows(rows, name, (synthesis.metric,))
    selected = select_effects(name, synthesis, found.effects, found.dropped)
    check_model(name, synthesis, config.defaults, len(selected), len({row.sample_id for row in selected}))
    return [f"{row.locator}: {row.reason}" for row in found.dropped]


def _check(made: Path, what: Start, rows: list[dict[str, str]]) -> None:
    """Raises InputError for what the workflow would refuse, in terms of the table's own rows and columns."""
    own = re.compile(re.escape(f"{made}{os.sep}") + r".*effects\.csv(?:, row (\d+))?(?:, column (\w+))?")
    try:
        unused(made)
    except InputError as error:
        told = []
        for problem in error.problems:
            found = own.match(problem.where)
            if found:
                row = rows[int(found[1]) - 2]["locator"].rpartition(", ")[2] if found[1] else ""
                column = what.columns.get(found[2], found[2])
                where = ", ".join(filter(None, (str(what.table), row, found[2] and f"column {column}")))
                problem = replace(problem, where=where)
            told.append(problem)
        raise InputError(told) from None


def _text_faults(what: Start) -> list[Problem]:
    """Words that are missing, and those that no figure or file can hold."""
    texts = {"--title": what.title, "--citation": what.citation, "--by": what.by, "--table": what.table.name}
    problems = [
        Problem(option, fault, "text without it", "pasted from a PDF or a terminal? Retype it")
        for option, text in texts.items()
        if (fault := unwritable(text))
    ]
    problems += [Problem(option, text, "some words") for option, text in list(texts.items())[:3] if not text.strip()]
    return problems


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
    problems += [
        Problem(f"{what.table}, row 1", theirs, "each column that is used once", "which of them is meant?")
        for theirs in dict.fromkeys(what.columns.values())
        if header.count(theirs) > 1
    ]
    problems += unwritable_cells(what.table, [header, *lines])
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
        printed = [theirs for ours, theirs in what.columns.items() if BY_NAME[ours].kind in {*NUMERIC_KINDS, "p"}]
        row |= {"effect_id": f"{name}_{place:0{width}}", "locator": f"{what.table.name}, row {number}"}
        row["quote"] = "; ".join(f"{theirs} {own[theirs]}" for theirs in printed if own[theirs])
        rows.append({"sample_id": ""} | row)
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
    return yaml.safe_dump(content, default_style='"', allow_unicode=True, width=float("inf")).strip()


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
    ours = [pair.split("=", 1)[0] for pair in args.columns]
    problems += [
        Problem("--columns", name, "each column of the data dictionary once", "which of the table's columns is it?")
        for name in dict.fromkeys(ours)
        if ours.count(name) > 1
    ]
    if problems:
        raise InputError(problems)
    columns = dict(pair.split("=", 1) for pair in args.columns)
    if args.samples not in ("", BY_STUDY, BY_ROW):
        columns["sample_id"] = args.samples
    what = Start(
        args.title.strip() or args.table.stem, args.table, args.statistic, columns, args.better, args.citation,
        args.metric, args.construct, args.by, args.samples,
    )  # fmt: skip
    count = start(args.folder, what, datetime.date.today())
    print(f"{count} rows; run the workflow: snakemake -s <checkout>/Snakefile -d {args.folder}")
    left = unused(args.folder)
    if left:
        print(f"{len(left)} of them cannot be used as they stand (results/dropped.csv will list them):")
        print("\n".join(f"  {line}" for line in left[:_SHOWN]))
    if len(left) > _SHOWN:
        print(f"  and {len(left) - _SHOWN} more")


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
    added.add_argument(
        "--samples", default="", metavar="study|row|COLUMN",
        help="who shares people: rows of one study, no rows, or rows with the same text in a column",
    )  # fmt: skip
