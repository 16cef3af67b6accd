"""A review of one's own from a table of one's own: the folder that the workflow runs on."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synthesis.data.columns import BY_NAME, COLUMNS, NUMERIC_KINDS
from synthesis.data.extraction import convert_rows, load_source
from synthesis.data.foreign.carrying import CARRY
from synthesis.data.foreign.words import SIDES
from synthesis.data.people import people_faults, under_several_studies
from synthesis.data.reading import parse, read_yaml
from synthesis.data.sharing import OPTION, Samples, apart, assigned
from synthesis.data.source import Source
from synthesis.data.terms import DEFINE, new_terms
from synthesis.errors import InputError, Problem
from synthesis.meta.options import terms
from synthesis.plan import folder as place
from synthesis.plan.conditions import LONGEST_NAME
from synthesis.plan.config import Config
from synthesis.plan.declaring import with_own_columns
from synthesis.plan.selection import check_model, select_effects
from synthesis.plan.taking import BETTER, NOT_PRINTED, Start, Taken, take
from synthesis.text import plural, unwritable

_ESTIMAND = {"A": "r_total", "B": "d_between", "C": "one_group"}
# Names that YAML reads as something else, and those that no file may have on Windows.
_TAKEN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "con", "prn", "aux", "nul"}
_TAKEN |= {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Started:
    """A folder that was made: how many rows it has, what was read as what, and the rows that cannot be used."""

    count: int
    notes: tuple[str, ...]
    left: tuple[str, ...]


def start(folder: Path, what: Start, today: datetime.date, *, replacing: bool = False) -> Started:
    """Writes `config.yaml` and `data/raw/<table>/` into `folder`.

    Raises InputError for a folder that holds a review already (unless `replacing` one as this made it), a statistic
    without a converter, columns that do not exist, cells that cannot be read, and whatever the workflow would refuse,
    by the table's own rows and columns. Nothing is written then.
    """
    read = take(what, today, place.occupied(folder, replacing))
    what = read.what
    name = source_name(what.table.stem)
    # Every row as it will be written; what relates rows to each other is settled here.
    rows, shared, problems = assigned(_rows(read, name), given="sample_id" in what.columns, how=what.samples)
    if problems:
        raise InputError([_in_table(problem, what) for problem in problems])
    names = [*(c.name for c in COLUMNS if any(c.name in row for row in rows)), *read.carried.columns]
    review = place.Made(
        name, what.title, read.lane, read.metric, what.citation, _how(what, (*read.notes, *shared)), what.by,
        today.isoformat(), frozenset(read.directions), read.mix, read.carried.columns,
        same_people=[*under_several_studies((row["sample_id"], row["study"]) for row in rows)],
        other_people=apart(rows) if what.samples in ("row", "given") else (),
    )  # fmt: skip
    with place.temporary_folder(folder) as temporary:
        cells = [{name: row.get(name, "") for name in names} for row in rows]
        place.write(temporary, review, cells, names)
        try:
            left, new_words = _check(temporary, read, rows)
        except InputError as error:
            if not all(problem.where.endswith(f"{name}.model") for problem in error.problems):
                raise
            place.write(temporary, replace(review, composites=True), cells, names)
            left, new_words = _check(temporary, read, rows)
            shared.append("model: composites, one mean effect of each sample: so few samples have no model within them")
        place.put(temporary, folder)
    return Started(len(rows), (*read.notes, *shared, *new_words), tuple(left))


def _in_table(problem: Problem, what: Start) -> Problem:
    """A question about samples, with the file, and the table's own column of them."""
    if problem.where != "sample_id":
        return replace(problem, where=f"{what.table}, {problem.where}")
    return replace(problem, where=f"{what.table}, column {what.columns['sample_id']}")


def _how(what: Start, notes: Sequence[str]) -> str:
    """How the numbers were read, for `source.yaml`: what was read as what is part of the data."""
    text = f"Taken row by row from {what.table.name}; columns renamed. Read as: {'; '.join(notes)}."
    # Titles and columns that are not used may hold what no page can.
    return "".join(letter for letter in text if not unwritable(letter))


def source_name(stem: str) -> str:
    """A name for a source and its rows, made from a file's: small letters, digits and _, a letter first."""
    plain = unicodedata.normalize("NFKD", stem.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    name = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")
    if name in _TAKEN or not re.match("[a-z]", name):
        name = f"studies_{name}"
    return name[:LONGEST_NAME].strip("_")


def unused(folder: Path) -> tuple[list[str], list[str]]:
    """The rows of a started review that cannot be used as they stand, each with the reason; and its new terms.

    Raises InputError for what the workflow would refuse.
    """
    raw = folder / "data" / "raw"
    config = parse(Config, with_own_columns(read_yaml(folder / "config.yaml"), raw), "config.yaml")
    ((name, synthesis),) = config.syntheses.items()
    about = parse(Source, read_yaml(raw / name / "source.yaml"), "source.yaml")
    rows, problems = load_source(raw, name, [])
    if problems:
        raise InputError(problems)
    extracted = convert_rows(rows, name, (synthesis.metric,))
    selected = select_effects(name, synthesis, extracted.effects, extracted.dropped)
    places = {row["effect_id"]: f"{raw / name / 'effects.csv'}, row {number}" for number, row in rows}
    if faults := people_faults(selected, places, about.same_people, about.other_people):
        raise InputError(faults)
    check_model(name, synthesis, config.defaults, len(selected), len({row.sample_id for row in selected}))
    left = [f"{row.locator}: {row.reason}" for row in extracted.dropped if row.category != "combined"]
    return left, new_terms((*extracted.effects, *extracted.dropped), {})


def _check(temporary: Path, read: Taken, rows: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    """The rows that cannot be used, with the reason in the table's own words; and what is to be said of new terms.

    Raises InputError for what the workflow would refuse, in terms of the table's own rows and columns.
    """
    what = read.what
    theirs = dict(what.columns) | {name: column.title for name, column in read.carried.columns.items()}
    of_folder = re.compile(re.escape(f"{temporary}{os.sep}") + r"\S*effects\.csv(?:, row (\d+))?(?:, column (\w+))?")
    try:
        left, new_words = unused(temporary)
        return [_in_own_words(line, what) for line in left], new_words
    except InputError as error:
        problems = []
        for problem in error.problems:
            place = of_folder.match(problem.where)
            if place:
                row = _line_of(place[1], rows) if place[1] else ""
                column = theirs.get(place[2], place[2])
                where = ", ".join(filter(None, (str(what.table), row, place[2] and f"column {column}")))
                problem = replace(problem, where=where)
            if problem.value == "selects nothing":
                problem = replace(problem, where=str(what.table), value="no row that can be pooled")
            if problem.where.endswith(".orientation"):
                problem = _two_directions(read)
            if DEFINE in problem.hint:
                asked = problem.hint.partition("?")[0]
                hint = f"{asked}? Write it so in the table; a term of your own that is like it: {CARRY} the column"
                problem = replace(problem, hint=hint)
            allowed = of_folder.sub(lambda place: _line_of(place[1], rows), problem.allowed)
            problems.append(replace(problem, allowed=allowed, hint=_in_own_words(problem.hint, what)))
        raise InputError(problems) from None


def _line_of(row: str, rows: Sequence[Mapping[str, str]]) -> str:
    """The row of the table that a row of `effects.csv` was."""
    return rows[int(row) - 2]["locator"].rpartition(", ")[2]


def _two_directions(read: Taken) -> Problem:
    """Numbers that are pooled as printed, larger ones better in some rows and worse in others."""
    rows = {side: [n for (n, _), better in zip(read.translated.rows, read.directions, strict=True) if better == side]
            for side in ("1", "-1")}  # fmt: skip
    shown = "; ".join(
        f"a {word} number is better in row {', '.join(map(str, rows[side][:_SHOWN]))}"
        for side, word in (("1", "larger"), ("-1", "smaller"))
    )
    theirs = read.what.columns.get("direction")
    where = f"{read.what.table}, column {theirs}" if theirs else f"{read.what.table}, {BETTER}"
    hint = "what is good in one row is bad in another: keep the rows of one kind, the others in a table of their own"
    return Problem(where, shown, f"one direction: {read.metric} is pooled as it is printed", hint)


def _in_own_words(text: str, what: Start) -> str:
    """A reason with the table's columns for ours, where it names them as columns."""

    def named(match: re.Match[str]) -> str:
        names = match[2].split(", ")
        return match[1] + ", ".join(what.columns.get(name, name) for name in names)

    text = re.sub(rf"({NOT_PRINTED})(\w+(?:, \w+)*)", named, text)
    return re.sub(r"(: )(\w+)(?=: ')", named, text)


def _rows(read: Taken, name: str) -> list[dict[str, str]]:
    """The rows of `effects.csv`, each with the place of its numbers and what the table prints there."""
    what, translated = read.what, read.translated
    numbers = [ours for ours in what.columns if BY_NAME[ours].kind in {*NUMERIC_KINDS, "p"}]
    width = len(str(len(translated.rows)))
    made = {"estimand": _ESTIMAND[read.lane], "level": "study"}
    rows = []
    of_rows = zip(translated.rows, translated.printed, read.directions, read.carried.rows, strict=True)
    for at, ((number, cells), printed, direction, carried) in enumerate(of_rows, start=1):
        effect_id = f"{name}_{at:0{width}}"
        row = {"statistic": what.statistic} | {
            ours: text for ours, text in cells.items() if text or ours != "statistic"
        }
        row |= made | {"effect_id": effect_id, "direction": direction}
        row["sample_id"] = cells.get("sample_id", "")
        row["construct"] = cells.get("construct") or read.construct
        row["locator"] = f"{what.table.name}, row {number}"
        row["quote"] = "; ".join(_quoted_number(what.columns[o], printed[o], cells[o]) for o in numbers if cells[o])
        if not row["quote"]:
            row["note"] = row.get("note") or "the table has no number in this row"
        rows.append(row | dict(carried))
    return rows


def _quoted_number(theirs: str, printed: str, read: str) -> str:
    """A number with its column as the table prints it, and as it was read where that is written otherwise."""
    printed = printed.strip()
    return f"{theirs} {printed}" if printed == read else f"{theirs} {printed} (= {read})"


def new(args: argparse.Namespace) -> None:
    """Makes a review of one's own from a table: the folder that the workflow runs on."""
    columns, problems = _pairs("--columns", args.columns or [], "<column of the data dictionary>=<column of the table>")
    sides = [word for word in args.better or [] if "=" not in word]
    better_of, faults = _pairs(
        BETTER, [w for w in args.better or [] if "=" in w], f"<outcome>={' or '.join(SIDES)}", last=True
    )
    problems += faults
    if len(sides) > 1 or not set(sides) <= set(SIDES):
        allowed = "larger or smaller, once; or <outcome>=larger and <outcome>=smaller"
        meant = {"lower": "smaller", "less": "smaller", "fewer": "smaller", "higher": "larger", "more": "larger"}
        hint = next((f"did you mean {meant[word.lower()]}?" for word in sides if word.lower() in meant), "")
        problems.append(Problem(BETTER, " ".join(sides), allowed, hint))
    if problems:
        raise InputError(problems)
    what = Start(
        args.title.strip() or args.table.stem, args.table, args.statistic, columns, "".join(sides), args.citation,
        args.metric, args.construct, args.by, better_of, args.sheet, args.decimal, args.ignore, args.mix, args.samples,
        args.carry,
    )  # fmt: skip
    started = start(args.folder, what, datetime.date.today(), replacing=args.replace)
    print(f"{args.table.name} was read as follows")
    print("\n".join(f"  {line}" for line in started.notes))
    print(f"{plural(started.count, 'row')}; run the workflow: snakemake -s <checkout>/Snakefile -d {args.folder}")
    left = started.left
    if left:
        print(f"{len(left)} of them cannot be used as they stand (results/dropped.csv will list them):")
        print("\n".join(f"  {line}" for line in left[:_SHOWN]))
    if len(left) > _SHOWN:
        print(f"  and {len(left) - _SHOWN} more")


def _pairs(
    option: str, words: Sequence[str], allowed: str, *, last: bool = False
) -> tuple[dict[str, str], list[Problem]]:
    """Names with what each is, and what is wrong; `last`: a name may hold an equals sign."""
    split = [word.rsplit("=", 1) if last else word.split("=", 1) for word in words]
    problems = [Problem(option, word, allowed) for word, parts in zip(words, split, strict=True) if len(parts) < 2]
    names = [parts[0].strip() for parts in split if len(parts) == 2]
    once = "each outcome once" if last else "each column of the data dictionary once"
    hint = "" if last else "which of the table's columns is it?"
    problems += [Problem(option, name, once, hint) for name in dict.fromkeys(names) if names.count(name) > 1]
    return {parts[0].strip(): parts[1].strip() for parts in split if len(parts) == 2}, problems


def register(added: argparse.ArgumentParser) -> None:
    """Adds the arguments of `new`."""
    added.add_argument("folder", type=Path, help="where the review is made")
    added.add_argument(
        "--table", type=Path, required=True, help="a header and a row per number: CSV or another text, or .xlsx"
    )
    added.add_argument("--statistic", default="", help="what a row prints: r, mean_sd, 2x2, smd, ...")
    added.add_argument(
        "--columns", nargs="+", metavar="OURS=THEIRS", help="study=... and the numbers; left out: known by their names"
    )
    added.add_argument(
        BETTER, nargs="+", metavar="SIDE",
        help="larger or smaller: which value is better for the patient; or by outcome: 'phq-9=smaller'",
    )  # fmt: skip
    added.add_argument("--citation", required=True, help="where the table is from")
    added.add_argument(
        "--title", default="", help="of the review and of its forest plot; the name of the table if left out"
    )
    added.add_argument("--metric", default="", help="what is pooled, where the statistic leaves a choice")
    added.add_argument("--construct", default="", help="what was rated or compared; process or protocol if left out")
    added.add_argument("--by", default="not stated", help="who extracted the numbers")
    added.add_argument("--sheet", default="", help="of a workbook with several")
    added.add_argument("--decimal", choices=(".", ","), help="the sign of decimals, where the table leaves a doubt")
    added.add_argument("--ignore", nargs="+", default=[], metavar="THEIRS", help="columns that do not matter")
    added.add_argument(
        CARRY, nargs="+", default=[], metavar="THEIRS[,THEIRS]", help="columns that are taken along as they are"
    )
    added.add_argument("--mix", nargs="+", default=[], choices=("statistic",), help="what is knowingly pooled together")
    added.add_argument(
        OPTION, choices=terms(Samples),
        help="who shares people: study: the rows of one study; row: nobody; given: the column sample_id as it stands",
    )  # fmt: skip
    added.add_argument("--replace", action="store_true", help="write again over a review that this command made")
