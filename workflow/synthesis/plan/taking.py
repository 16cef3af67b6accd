"""What `synthesis new` is told of a table, and the table as it was read: its columns, rows, statistic and metric."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from synthesis.data.columns import BY_NAME, COLUMNS, NUMERIC_KINDS
from synthesis.data.converters import convert
from synthesis.data.foreign import unused as not_taken
from synthesis.data.foreign.carrying import CARRY, Carried, asked_for, carry
from synthesis.data.foreign.cells import DecimalSign
from synthesis.data.foreign.dialects import read_sheet
from synthesis.data.foreign.header import Table, loose, tabulate
from synthesis.data.foreign.layouts import likely, of_any_kind, recognise
from synthesis.data.foreign.translation import Reading, Translated, directions, read_rows, resolved, twice
from synthesis.data.foreign.words import SIDES
from synthesis.data.measures import elsewhere
from synthesis.data.precision import RATIOS
from synthesis.data.registry import CONVERTERS, Policy
from synthesis.data.sharing import Samples
from synthesis.data.tables import cell_ok
from synthesis.data.terms import near_term
from synthesis.data.vocabulary import LANE_METRICS, METRIC_NAME, Construct
from synthesis.errors import CannotConvert, InputError, Problem
from synthesis.meta.options import terms
from synthesis.plan.config import MixColumn
from synthesis.text import unwritable

# Made here for every row; the rest of the columns can be taken from the table.
_MADE = ("effect_id", "estimand", "level", "locator", "quote")
# A correlation does not say of which process; what differs between two arms is what they were given.
_CONSTRUCT = {"A": "process", "B": "protocol", "C": "protocol"}
# What is pooled of statistics that have several metrics, where --metric does not say.
_USUAL = {"r": "z", "log_or": "log_odds_ratio"}
_USUAL |= dict.fromkeys(("rr", "log_rr"), "log_risk_ratio") | dict.fromkeys(("hr", "log_hr"), "log_hazard_ratio")
_USUAL |= dict.fromkeys(("mean_sd", "change_sd", "median", "pre_post", "ancova"), "g")
# Statistics that are known by columns alone.
_COMMON = ("mean_sd", "2x2", "r", "g", "change_sd", "or")
BETTER = "--better"
# What a row may hold, to ask a converter which columns it cannot do without.
_SOUND = {"value": 0.3, "se": 0.1, "n": 40.0, "total": 40.0, "events": 10.0, "df1": 1.0, "df": 38.0, "mean": 5.0}
_SOUND |= {"risk": 0.2}
NOT_PRINTED = "not printed: "


@dataclass(frozen=True, slots=True)
class Start:
    """What a table holds. `columns`: its columns by those of the data dictionary, none to know them by their names.

    `better`: larger or smaller, for the table; `better_of`: by outcome. `mix`: columns whose words are pooled together.
    `carry`: columns of the table that are taken along as they are.
    """

    title: str
    table: Path
    statistic: str
    columns: Mapping[str, str]
    better: str
    citation: str
    metric: str = ""
    construct: str = ""
    by: str = "not stated"
    better_of: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    decimal: DecimalSign | None = None
    ignore: Sequence[str] = ()
    mix: Sequence[str] = ()
    samples: Samples | None = None
    carry: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A table as it was read: what it holds, its rows with their directions, and what is pooled from it."""

    what: Start
    translated: Translated
    carried: Carried
    directions: list[str]
    statistics: frozenset[str]
    metric: str
    lane: str
    construct: str
    mix: Mapping[str, Sequence[str]]
    notes: tuple[str, ...]


def take(what: Start, today: datetime.date, problems: list[Problem]) -> Taken:
    """Reads the table. Raises InputError with everything that is wrong with it and with the options."""
    problems = problems + _text_faults(what)
    wanted = set(what.columns.values())
    sheet = read_sheet(what.table, wanted, what.sheet)
    table = tabulate(what.table, sheet, wanted)
    problems += table.problems
    what, notes, faults = _mapped(what, table)
    if table.header and not faults:
        problems += _unwritable_cells(table, what.columns)
    problems += faults + _missing_options(what, table)
    heads, faults = asked_for(table, what.carry, what.columns)
    problems += faults
    if problems:
        raise InputError(problems)
    reading = Reading(what.columns, what.better, what.better_of, what.decimal, today.year + 1)
    translated = read_rows(table, reading)
    rows = {number for number, _ in translated.rows}
    table = replace(table, rows=[line for line in table.rows if line[0] in rows])
    made = directions(table, reading, translated, BETTER)
    statistics = frozenset(row["statistic"] for _, row in translated.rows if row.get("statistic")) or {what.statistic}
    metric, lane, faults = _metric(what, statistics)
    construct = what.construct or _CONSTRUCT[lane]
    problems = [*translated.problems, *faults, *_option_faults(what, construct)]
    carried, faults = carry(table, heads, [*what.columns.values()], what.decimal)
    problems += faults
    asked = not_taken.questions(table, reading, statistics, what.ignore) + not_taken.logarithms(reading, statistics)
    problems += asked or not_taken.contradictions(table, reading, statistics, made, BETTER)
    mix, mix_notes, faults = _mixed(what, table, translated, statistics)
    if problems + faults:
        raise InputError(problems + faults)
    notes = [*sheet.notes, *table.notes, *notes, *translated.notes, *mix_notes, *carried.notes]
    notes += _error_notes(what, statistics)
    notes += _rest_notes(what, table, lane, heads) + not_taken.turned(table, reading, statistics, made, BETTER)
    return Taken(what, translated, carried, made, frozenset(statistics), metric, lane, construct, mix, tuple(notes))


def _unwritable_cells(table: Table, columns: Mapping[str, str]) -> list[Problem]:
    """Cells of the columns that are read with a character that no figure or page can hold."""
    hint = "pasted from a PDF or a terminal? Retype it"
    return [
        Problem(f"{table.path}, row {number}, column {name}", fault, "text without it", hint)
        for name in dict.fromkeys(columns.values())
        for number, text in table.cells(name)
        if (fault := unwritable(text))
    ]


def _mapped(what: Start, table: Table) -> tuple[Start, list[str], list[Problem]]:
    """The columns by the table's own names, known by them where none are given; what is to be said of that."""
    if table.problems and not table.header:
        return what, [], []
    if not what.columns:
        return _recognised(what, table)
    problems = [
        Problem("--columns", ours, "a column of data/raw/README.md that is not made here", f"made: {', '.join(_MADE)}")
        for ours in what.columns
        if ours not in BY_NAME or ours in _MADE
    ]
    columns, faults = resolved(table, what.columns)
    if "study" not in what.columns:
        problems.append(Problem("--columns", " ".join(what.columns), "study=<column>: what names a row's study"))
    notes = ["columns: " + " ".join(f"{ours}={in_quotes(theirs)}" for ours, theirs in columns.items())]
    if what.better_of and "outcome" not in columns:
        names = {loose(name) for name in what.better_of}
        possible = [
            n for n in table.header if table.header.count(n) == 1 and names <= {loose(t) for _, t in table.cells(n)}
        ]
        if len(possible) == 1:
            columns["outcome"] = possible[0]
            notes.append(f"outcome={possible[0]}, as it has the outcomes of {BETTER}")
    return replace(what, columns=columns), notes, problems + faults


def _recognised(what: Start, table: Table) -> tuple[Start, list[str], list[Problem]]:
    """A table without `--columns`: its statistic and columns are known by their names, or asked for."""
    usual = [name for name in _COMMON if not what.metric or (name, what.metric) in CONVERTERS]
    possible = [what.statistic] if what.statistic else usual
    reasons = []
    for statistic in possible:
        layout, several = recognise(table.header, statistic)
        columns = dict(layout.columns) | _named_study(table, statistic)
        lacking = _lacking(statistic, columns, what.metric or _USUAL.get(statistic, ""))
        unsaid = not what.statistic and of_any_kind(columns.get("value", ""))
        if not several and not lacking and not unsaid and "study" in columns:
            known = f"the layout of {layout.name}" if layout.name else "columns known by their names"
            pairs = " ".join(f"{ours}={in_quotes(theirs)}" for ours, theirs in columns.items())
            notes = [f"{known}: --statistic {statistic} --columns {pairs}"]
            return replace(what, statistic=statistic, columns=columns), notes, twice(table, columns.values())
        if unsaid:
            reasons.append(f"what kind of effect is {columns['value']}? Give --statistic")
            continue
        names = [f"{ours}: {' or '.join(theirs)}" for ours, theirs in several.items()]
        missing = [] if "study" in columns else ["study"]
        reasons.append(
            f"{statistic}: " + ("which is " + "; ".join(names) if names else "no " + ", ".join([*missing, *lacking]))
        )
    heads = ", ".join(filter(None, table.header))
    asked = [reason for reason in reasons if reason.startswith("what kind")]
    hint = "; ".join(reasons) if what.statistic else (*asked, "give --statistic and --columns")[0]
    allowed = "study=<column> and the numbers, each by its column"
    return what, [], [Problem("--columns", heads, allowed, hint)]


def _named_study(table: Table, statistic: str) -> dict[str, str]:
    """The column that names studies; one with words before one with their numbers."""
    possible = [name for name in likely(table.header, statistic, "study") if table.header.count(name) == 1]
    worded = [name for name in possible if not all(text.isdigit() for _, text in table.cells(name) if text)]
    return {"study": (worded or possible)[0]} if possible else {}


def _lacking(statistic: str, columns: Collection[str], wanted: str) -> list[str]:
    """What no column is known for and every row of the statistic needs; asked of the converter with a sound row.

    `wanted`: the metric; of any where it is empty.
    """
    row: dict[str, object] = {c.name: None if c.kind in NUMERIC_KINDS else "" for c in COLUMNS}
    numeric = [name for name in columns if name in BY_NAME and BY_NAME[name].kind in NUMERIC_KINDS]
    row |= {name: _SOUND.get(name.partition("_")[0], 2.0) for name in numeric}
    row |= {"statistic": statistic, "direction": 1.0, "sign": 1.0} | ({"p": ".03"} if "p" in columns else {})
    row |= {"standardized_by": "baseline"} if "standardized_by" in columns else {}
    lacking: list[str] = []
    for name, metric in CONVERTERS:
        if name != statistic or (wanted and metric != wanted):
            continue
        try:
            convert(row, metric, Policy())
        except CannotConvert as refusal:
            if str(refusal).startswith(NOT_PRINTED):
                lacking = str(refusal).removeprefix(NOT_PRINTED).split(", ")
                continue
        return []
    return lacking


def _missing_options(what: Start, table: Table) -> list[Problem]:
    """What the table or the command must say."""
    problems = []
    if what.columns and not what.statistic and "statistic" not in what.columns:
        known = ", ".join(dict.fromkeys(statistic for statistic, _ in CONVERTERS))
        problems.append(Problem("--statistic", "", f"{known}; or statistic=<column> in --columns"))
    for statistic in {what.statistic} - {""} if what.columns and "statistic" not in what.columns else ():
        problems += _metric(what, [statistic])[2]
        lacking = _lacking(statistic, what.columns, what.metric or _USUAL.get(statistic, ""))
        if lacking:
            needed = " ".join(f"{name}=<column>" for name in lacking)
            guesses = [f"{ours}={in_quotes(t)}?" for ours in lacking for t in likely(table.header, statistic, ours)[:1]]
            allowed = f"{needed}, too: {statistic} needs them"
            problems.append(Problem("--columns", " ".join(what.columns), allowed, " ".join(guesses)))
    return problems


def _metric(what: Start, statistics: Collection[str]) -> tuple[str, str, list[Problem]]:
    """The metric and its lane, and what is wrong; of several metrics one must be named."""
    named = [[metric for statistic, metric in CONVERTERS if statistic == name] for name in sorted(statistics)]
    metrics = [metric for metric in named[0] if all(metric in others for others in named)] if named else []
    named_usual = {_USUAL.get(name, "") for name in statistics}
    usual = named_usual.pop() if len(named_usual) == 1 else ""
    problems = []
    if not metrics:
        known = ", ".join(dict.fromkeys(statistic for statistic, _ in CONVERTERS))
        meant = what.statistic.casefold()
        hint = f"did you mean {meant}?" if meant in known.split(", ") else elsewhere(what.statistic)
        problems.append(Problem("--statistic", ", ".join(sorted(statistics)), known, hint))
    elif what.metric not in metrics and (what.metric or (len(metrics) > 1 and not usual)):
        names = "; ".join(f"{metric}: {METRIC_NAME[metric]}" for metric in metrics)
        problems.append(Problem("--metric", what.metric, names, elsewhere(what.metric)))
    metric = what.metric if what.metric in metrics else (usual or (metrics or ["g"])[0])
    return metric, next(lane for lane, lane_metrics in LANE_METRICS.items() if metric in lane_metrics), problems


def _mixed(
    what: Start, table: Table, translated: Translated, statistics: Collection[str]
) -> tuple[dict[str, Sequence[str]], list[str], list[Problem]]:
    """Words that are pooled together, for the plan; what is to be said of them; and what must be named to be."""
    mix: dict[str, Sequence[str]] = {}
    notes, problems = [], []
    for column in terms(MixColumn):
        here = sorted({row.get(column, "") for _, row in translated.rows}) if column in what.columns else []
        if len(here) > 1 and column != "statistic":
            mix[column] = here
            notes.append(
                f"pooled together, as config.yaml says under mix: {column} {', '.join(w or 'none' for w in here)}"
            )
    if len(statistics) > 1 and {"mean_sd", "change_sd"} <= set(statistics):
        if "statistic" in what.mix:
            notes.append("change scores and final values are pooled together, as --mix statistic says")
            if "statistic" in terms(MixColumn):
                mix["statistic"] = sorted(statistics)
        else:
            where, value = f"{table.path}, column {what.columns['statistic']}", "change scores and final values"
            hint = "their standardised differences are in different units (Cochrane Handbook 10.5.2)"
            problems.append(Problem(where, value, "one kind of score, or --mix statistic to pool both knowingly", hint))
    return mix, notes, problems


def _error_notes(what: Start, statistics: Collection[str]) -> list[str]:
    """Of what a standard error of a ratio is taken to be."""
    ratios = sorted(set(statistics) & set(RATIOS))
    theirs = what.columns.get("se") or what.columns.get("variance")
    if not ratios or theirs is None:
        return []
    kind = "standard errors" if "se" in what.columns else "variances"
    return [
        f"{theirs}: taken as {kind} of the logarithm of {ratios[0]}; an error of the ratio itself is to be divided by "
        "the ratio"
    ]


def _rest_notes(what: Start, table: Table, lane: str, carried: Collection[str]) -> list[str]:
    """Columns that are left out, and what the plan leaves to the user."""
    notes = []
    rest = [name for name in not_taken.not_used(table, what.columns) if name not in carried]
    if rest:
        notes.append(f"not used: {', '.join(rest)}; {CARRY} takes a column along, to show, select by and regress on")
    notes += not_taken.mattering([name for name in rest if table.header.count(name) == 1], table, what.columns)
    if not what.construct and lane == "A" and "construct" not in what.columns:
        known = ", ".join(term for term in terms(Construct) if term != _CONSTRUCT["A"])
        notes.append(f"construct: {_CONSTRUCT['A']}, whatever was rated; --construct says which: {known}")
    return notes


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


def _option_faults(what: Start, construct: str) -> list[Problem]:
    problems, column = [], BY_NAME["construct"]
    meant = near_term(construct, column.allowed)
    if meant or not construct.strip() or not cell_ok(column, construct):
        hint = f"did you mean {meant}?" if meant else ""
        problems.append(Problem("--construct", construct, column.allowed_text.removesuffix(", or empty"), hint))
    sides = {f"{BETTER} {name}".strip(): side for name, side in {"": what.better, **what.better_of}.items() if side}
    problems += [Problem(option, side, " or ".join(SIDES)) for option, side in sides.items() if side not in SIDES]
    return problems


def in_quotes(theirs: str) -> str:
    """A column's name as a command line takes it."""
    return theirs if re.fullmatch(r"[\w.\-]+", theirs) else f"'{theirs}'"
