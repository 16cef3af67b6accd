"""Generated tables as people keep them, with their numbers: dialects, encodings, names, boundary values.

Whatever `synthesis new` makes of it, no number may come out as another one: a cell
holds its number, or the row is named.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
from fuzzing import FILE_NAMES, NASTY, Broken
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml
from synthesis.errors import InputError
from synthesis.plan import plan as planning
from synthesis.plan.starting import source_name, start
from synthesis.plan.taking import Start
from tolerances import WORKBOOK

DAY = datetime.date(2026, 1, 2)
_ARMS = ["mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control"]
_EVENTS = ["events_treat", "total_treat", "events_control", "total_control"]
# Names that people give the columns of each of ours; those of one style go together.
STYLES: dict[str, list[dict[str, str]]] = {
    statistic: [dict(zip(ours, style, strict=True)) for style in styles]
    for statistic, ours, styles in (
        ("mean_sd", _ARMS, (
            ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
            ("mean.e", "sd.e", "n.e", "mean.c", "sd.c", "n.c"),
            ("mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"),
            ("Experimental mean", "Experimental SD", "Experimental N", "Control mean", "Control SD", "Control N"),
            ("M_exp", "SD_exp", "N_exp", "M_kon", "SD_kon", "N_kon"),
            ("a", "b", "gr\u00f6\u00dfe", "d", "e", "f"),
        )),
        ("r", ("value", "n"), (
            ("r", "n"), ("ri", "ni"), ("Correlation", "Sample size"), ("x", "personnes \u00e9tudi\u00e9es"),
        )),
        ("g", ("value", "se"), (("g", "se"), ("TE", "seTE"), ("Hedges' g", "Standard error"), ("w", "q"))),
        ("2x2", _EVENTS, (
            ("ai", "n1i", "ci", "n2i"),
            ("event.e", "n.e", "event.c", "n.c"),
            ("event_arm1", "totaln_arm1", "event_arm2", "totaln_arm2"),
        )),
        ("p", ("p", "n_treat", "n_control"), (("p", "n1", "n2"), ("p-value", "nt", "nc"))),
    )
}  # fmt: skip
UNKNOWN = {"a", "x", "w"}
STUDIES = (
    "Ada 2001", "B\u00f6hm & S\u00f8n 2012", "\u00c7elik et al. 2015", "-Dash 1999", "@home trial 2020", "=Equal 2003",
    "O'Neil 2011", "'Quoted' 2010", "van der Berg, 2009", "Li; Wu 2018", "Mean 2009", "\u5f20 2020", "NA 2011",
    "\u05db\u05d4\u05df 2014", "Tab\u00f3n 2016", "Pipe|Bar 2017", "100 patients 2005", "\U0001f600 2021", "+Plus 1980",
)  # fmt: skip
NOTHING = ("", "NA", "n/a", "NaN", "NULL", "-", "\u2014", ".", "#N/A", "None")
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac")
BOUNDARY = {
    "value": ("0", "0.0", "-0.0", "0.999999", "-0.95", "1e-3", "1E-05", "0.12345678901234567"),
    "mean_treat": ("0", "-0.5", "1000.25", "12345.6", "1234567.8", "1e3", "2.5E+02", "0.001", "1234", "1.234",
                   "12.345"),
    "sd_treat": ("0.001", "1000.5", "1.234", "15"),
    "n_treat": ("2", "3", "999", "1204", "12345", "1234567", "1000"),
    "p": ("0.03", "<.001", ".000", "1", "0.049", "< 0.05", "1e-5"),
}  # fmt: skip


@dataclass
class Wild:
    """A table with what stands in it: `truth` by row of the file and column of ours; None where there is none."""

    statistic: str
    names: dict[str, str]
    guess: bool
    truth: dict[int, dict[str, float | str | None]] = field(default_factory=dict)
    spoilt: set[tuple[int, str]] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    grid: list[list[Any]] = field(default_factory=list)
    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    minus: str = "-"


def number_of(chance: random.Random, ours: str, statistic: str) -> str:
    """A printed number in the notation of the project."""
    arm = ours.replace("control", "treat")
    if chance.random() < 0.12 and arm in BOUNDARY and (ours, statistic) != ("value", "g"):
        return chance.choice(BOUNDARY[arm])
    if ours == "p":
        return f"{chance.uniform(0.001, 0.9):.3f}".removeprefix("0" if chance.random() < 0.5 else "x")
    if ours.startswith("events"):
        return str(chance.randrange(1, 30))
    if ours.startswith(("n", "total")):
        return str(chance.choice([chance.randrange(31, 200), chance.randrange(31, 9000)]))
    if ours == "value":
        shown = f"{chance.uniform(-0.9, 0.9):.{chance.choice([1, 2, 3])}f}"
        return shown.replace("0.", ".", 1) if chance.random() < 0.3 else shown
    if ours == "se":
        return f"{chance.uniform(0.05, 0.5):.{chance.choice([2, 3])}f}"
    if ours.startswith("sd"):
        return f"{chance.uniform(5, 9):.{chance.choice([1, 2, 3])}f}"
    return f"{chance.uniform(-40, 40):.{chance.choice([1, 2, 3])}f}"


def shown(chance: random.Random, wild: Wild, printed: str, ours: str) -> str:
    """The number in the dialect of the table."""
    sign, digits = ("-", printed[1:]) if printed.startswith("-") else ("", printed)
    head, point, tail = digits.partition(".")
    if wild.thousands and head.isdigit() and len(head) > 3 and "e" not in digits.casefold():
        head = f"{int(head):,}".replace(",", wild.thousands)
    text = (wild.minus if sign else "") + head + (wild.decimal + tail if point else "")
    if ours.startswith(("n", "total", "events")) and chance.random() < 0.1 and not wild.thousands:
        text += wild.decimal + "0"
    if chance.random() < 0.05:
        text = chance.choice([f" {text}", f"{text}\u00a0", f"'{text}", f"{text}\u2009"])
    return text


def table(chance: random.Random) -> Wild:
    """A table, unspoilt but for what people do to tables."""
    statistic = chance.choice(list(STYLES))
    names = {"study": chance.choice(["Study", "study", "First author", "trial"])} | chance.choice(STYLES[statistic])
    wild = Wild(
        statistic, names, chance.random() < 0.5 and not UNKNOWN & set(names.values()) and "q" not in names.values()
    )
    if statistic == "p":
        wild.guess = False
    wild.separator = chance.choice([",", ",", ";", ";", "\t", "|"])
    wild.decimal = chance.choice([".", ","]) if wild.separator != "," else chance.choice([".", ".", ".", ","])
    other = {".": [",", "\u00a0", "'", "\u202f"], ",": [".", "\u00a0", "'", " "]}[wild.decimal]
    wild.thousands = chance.choice(["", "", "", chance.choice(other)])
    wild.minus = chance.choice(["-", "-", "\u2212", "\u2013"])
    header = list(names.values())
    extra = [f"note{n}" for n in range(chance.choice([0, 0, 1, 2]))]
    order = list(range(len(header) + len(extra)))
    if chance.random() < 0.3:
        chance.shuffle(order)
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        wild.grid.append(["Table 2. Results of trials", *[""] * (len(order) - 1)])
    put(wild, order, [*header, *extra])
    for study in chance.sample(STUDIES, chance.choice([1, 2, 3, 5, 8])):
        if chance.random() < 0.1:
            wild.grid.append([""] * len(order))
        one_row(chance, wild, order, study, extra)
    if chance.random() < 0.2:
        total = {
            ours: "5" if ours != "study" else chance.choice(["Total", "Total (95% CI)", "Overall", "Pooled effect"])
            for ours in names
        }
        put(wild, order, [*total.values(), *["" for _ in extra]])
        wild.lost.add(len(wild.grid))
    if chance.random() < 0.15:
        wild.grid.append(["Note. SD = standard deviation", *[""] * (len(order) - 1)])
    return wild


def put(wild: Wild, order: list[int], cells: list[str]) -> None:
    wild.grid.append([cells[place] for place in order])


def one_row(chance: random.Random, wild: Wild, order: list[int], study: str, extra: list[str]) -> None:
    truth: dict[str, float | str | None] = {"study": study}
    cells = [study]
    for ours in list(wild.names)[1:]:
        printed = number_of(chance, ours, wild.statistic)
        if chance.random() < 0.04:
            truth[ours] = None
            cells.append(chance.choice(NOTHING))
        elif ours == "p":
            truth[ours] = printed.replace(" ", "").lstrip("0") if printed.startswith("0") else printed.replace(" ", "")
            cells.append(printed.replace(".", wild.decimal))
        else:
            truth[ours] = float(printed)
            cells.append(shown(chance, wild, printed, ours))
    put(wild, order, [*cells, *[chance.choice(["x", "", "4", "a,b"]) for _ in extra]])
    wild.truth[len(wild.grid)] = truth


def spoil(chance: random.Random, wild: Wild) -> None:
    """Puts something else into a few cells of rows."""
    rows = sorted(wild.truth)
    # A line break in a cell would move the rows below it where nothing quotes it.
    nasty = [word for word in NASTY if "\n" not in word and "\r" not in word]
    for _ in range(chance.choice([1, 1, 2, 3])):
        row = chance.choice(rows)
        place = chance.randrange(len(wild.grid[row - 1]))
        wild.grid[row - 1][place] = chance.choice(
            [*nasty, "01-May", "2010-05-01", "1,204", "1.204", "12 (3.4)", "45%", "~60", ".28*", "-99", "#DIV/0!"]
        )
        wild.spoilt |= {(row, ours) for ours in wild.names}


def save(chance: random.Random, wild: Wild, path: Path) -> None:
    """Writes the table in one of the ways in which tables are kept."""
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        for number, cells in enumerate(wild.grid, start=1):
            for place, cell in enumerate(cells, start=1):
                sheet.cell(number, place).value = workbook_cell(chance, wild, number, cell)
        book.save(path)
        return
    out = io.StringIO(newline="")
    ending = chance.choice(["\n", "\r\n", "\r"])
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    csv.writer(out, delimiter=wild.separator, lineterminator=ending, quoting=quoting).writerows(wild.grid)
    text = out.getvalue()
    encoding = chance.choice(ENCODINGS)
    if encoding == "mac" or (encoding == "cp1252" and ending == "\r"):
        encoding = "mac_roman" if ending == "\r" else "utf-8"
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        content = text.encode("utf-8", "replace")
    path.write_bytes(content)


def workbook_cell(chance: random.Random, wild: Wild, number: int, cell: Any) -> Any:
    """A number as a number, or, as people type them, as text."""
    if number not in wild.truth or any(row == number for row, _ in wild.spoilt):
        return "".join(c for c in cell if c.isprintable())[:30000].lstrip("=")
    text = cell.replace("\u2212", "-").replace("\u2013", "-")
    try:
        return float(text) if wild.decimal == "." and not wild.thousands and chance.random() < 0.7 else cell
    except ValueError:
        return f"\u2019{cell}"[1:] if not cell.startswith("=") else f" {cell}"


def run(chance: random.Random, folder: Path) -> None:
    """One table through `synthesis new` and extraction. Raises Broken where a number came out as another."""
    wild = table(chance)
    if chance.random() < 0.3:
        spoil(chance, wild)
    file = folder / chance.choice(FILE_NAMES)
    if chance.random() < 0.05 and not any(str(row["study"]).startswith("=") for row in wild.truth.values()):
        file = folder / "own.xlsx"
    save(chance, wild, file)
    metric = {"2x2": "log_odds_ratio", "p": "g"}.get(wild.statistic, "")
    better = chance.choice(["larger", "smaller"])
    # TE is an effect of any kind.
    known = wild.guess and not metric and wild.names.get("value") != "TE"
    statistic = "" if known else wild.statistic
    what = Start("A title", file, statistic, {} if wild.guess else wild.names, better, "x", metric)
    made = folder / "review"
    try:
        start(made, what, DAY)
    except InputError:
        if made.exists():
            raise Broken("a folder is left behind") from None
        raise
    check_review(wild, made, file, 1.0 if better == "larger" else -1.0)


def check_review(wild: Wild, made: Path, file: Path, direction: float) -> None:
    """Every number of the table is in the effects or in the dropped rows as what it is; no other row is."""
    config = planning.load(read_yaml(made / "config.yaml"))
    planning.check(config, made / "data" / "raw")
    source = source_name(file.stem)
    found = extract(made / "data" / "raw", source, (config.config.syntheses[source].metric,))
    rows = {int(row.locator.rpartition(" ")[2]): row for row in (*found.effects, *found.dropped)}
    odd = set(rows) ^ set(wild.truth)
    if odd - {row for row, _ in wild.spoilt}:
        raise Broken(f"rows {sorted(odd)} are lost or were no rows")
    for number, truth in wild.truth.items():
        for ours, value in truth.items():
            if (number, ours) in wild.spoilt:
                continue
            read = getattr(rows[number], ours)
            if ours == "p" and value is not None:
                # A workbook keeps .550 as a number.
                read, value = (one.replace("e-0", "e-").strip("0") for one in (read, str(value)))
            if file.suffix == ".xlsx" and isinstance(value, float) and read is not None:
                # openpyxl writes numbers with 16 digits.
                value = read if math.isclose(read, value, rel_tol=WORKBOOK) else value
            if (read or None) != (value or None) and not (ours == "study" and same_words(read, value)):
                raise Broken(f"row {number}, {ours}: {value!r} came out as {read!r}")
        if rows[number].direction != direction:
            raise Broken(f"row {number}: direction {rows[number].direction}")


def same_words(read: str, value: object) -> bool:
    """Whether a name is the same; letters that an encoding does not have were replaced when the table was written."""
    return len(read) == len(str(value)) and all(a == b or a == "?" for a, b in zip(read, str(value), strict=True))
