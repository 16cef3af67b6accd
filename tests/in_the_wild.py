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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import mpmath as mp
import openpyxl
import tolerances
from fuzzing import FILE_NAMES, NASTY, Broken
from oracle import right
from synthesis.data.reading import read_yaml
from synthesis.data.vocabulary import AS_PRINTED
from synthesis.errors import InputError
from synthesis.plan import plan as planning
from synthesis.plan.starting import start
from synthesis.plan.taking import Start
from synthesis.results.extracted import Effect
from wild_kinds import KINDS, Kind

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
    )
}  # fmt: skip
UNKNOWN = {"a", "x", "w"}
# Other columns of ours that hold words.
WORDS = frozenset({"p_sides", "standardized_by"})
SIGNED = frozenset({"direction", "sign"})
SIDES = (
    ("larger", "smaller"), ("Higher is better", "lower is better"), ("+1", "-1"), ("1", "\u22121"), ("+", "-"),
    ("+", "\u2212"),
)  # fmt: skip
SIGNS = (("1", "-1"), ("+1", "\u22121"), ("+", "-"), ("+", "\u2212"), ("positive", "negative"))
YEARS = (
    (2010.0, "2010"), (1999.0, "1999a"), (2003.0, "(2003)"), (2014.0, "2014.0"), (None, "20100"), (None, "1010"),
    (None, "in press"), (None, "n.d."), (None, "2010-05-01"), (None, "10"),
)  # fmt: skip
# Columns that people keep beside the numbers.
EXTRA = ("Weight (%)", "95% CI", "Comments", "DOI", "Country", "Risk of bias", "Page")
TOTALS = (
    "Total", "Total (95% CI)", "Overall", "Pooled effect", "Subtotal", "Random effects model", "I2 = 45%", "Mean",
    "Heterogeneity: I2 = 45%", "Sum", "Gesamt", "Summe", "Mittelwert", "Total g\u00e9n\u00e9ral", "Somme", "Moyenne",
    "Ensemble", "Promedio", "Suma", "Media", "Totale", "Somma", "Totaal", "Gemiddelde", "Totalt", "I alt", "Sammanlagt",
    "Yhteens\u00e4", "Razem", "\u0141\u0105cznie", "Celkem", "\u00d6sszesen", "Toplam", "M\u00e9dia", "Total geral",
    "\u0418\u0442\u043e\u0433\u043e", "\u0412\u0441\u0435\u0433\u043e", "\u03a3\u03cd\u03bd\u03bf\u03bb\u03bf",
    "\u5408\u8a08", "\u603b\u8ba1", "\u5408\u8ba1", "\uc804\uccb4",
)  # fmt: skip
# Cells that may be a number or not, and those that are none: never read as one.
DOUBTFUL = ("1,204", "1.204", "45%", "-99")
NO_NUMBERS = ("01-May", "2010-05-01", "12 (3.4)", "~60", ".28*", "#DIV/0!", "5-Mar", "1. Mai", "Mrz 05", "mar/03",
              "12.03.2010", "=SUM(B2:B9)", "3 to 5", "1;5", "10:30", "approx 7", "12 \u00b1 3", "see text")  # fmt: skip
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
    """A table with what stands in it: `truth` by row of the file and column of ours; None where there is none.

    `refused`: cells that hold no number, by row and column of ours; `places`: columns of ours by theirs; `unusable`:
    whether `synthesis new` must not take the table at all.
    """

    statistic: str
    names: dict[str, str]
    guess: bool
    metric: str = ""
    kind: Kind | None = None
    manner: float = 0.0
    truth: dict[int, dict[str, float | str | None]] = field(default_factory=dict)
    spoilt: set[tuple[int, str]] = field(default_factory=set)
    refused: set[tuple[int, str]] = field(default_factory=set)
    grid: list[list[Any]] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)
    unusable: bool = False
    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    minus: str = "-"


def number_of(chance: random.Random, ours: str, statistic: str, manner: float) -> str:
    """A printed number in the notation of the project; `manner`: 0 to 1, of the table."""
    arm = ours.replace("control", "treat")
    if (
        chance.random() < (0.04 if statistic == "mean_sd" else 0.12)
        and arm in BOUNDARY
        and (ours, statistic) != ("value", "g")
    ):
        return chance.choice(BOUNDARY[arm])
    if ours.startswith("events"):
        return str(chance.randrange(1, 30))
    if ours.startswith(("n", "total")):
        # Arms of one trial are of about one size.
        most = 200 if ours.endswith(("_treat", "_control")) else 9000
        return str(chance.choice([chance.randrange(31, 200), chance.randrange(31, most)]))
    if ours == "value":
        shown = f"{chance.uniform(-0.9, 0.9):.{chance.choice([1, 2, 3])}f}"
        return shown.replace("0.", ".", 1) if chance.random() < 0.3 else shown
    if ours == "se":
        return f"{chance.uniform(0.05, 0.5):.{chance.choice([2, 3])}f}"
    if ours.startswith("sd"):
        return f"{chance.uniform(5, 9):.{chance.choice([1, 2, 3])}f}"
    return f"{80 * manner - 40 + chance.uniform(-5, 5):.{chance.choice([1, 2, 3])}f}"


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


def chosen(chance: random.Random) -> Wild:
    """What the table holds, and what its columns are called."""
    study = {"study": chance.choice(["Study", "study", "First author", "trial"])}
    if chance.random() < 0.4:
        statistic = chance.choice(list(STYLES))
        names = study | chance.choice(STYLES[statistic])
        known = not UNKNOWN & set(names.values()) and "q" not in names.values() and statistic != "p"
        wild = Wild(
            statistic, names, known and chance.random() < 0.5, {"2x2": "log_odds_ratio", "p": "g"}.get(statistic, "")
        )
    else:
        name = chance.choice(list(KINDS))
        kind = KINDS[name]
        names = study | dict(chance.choice(kind.names))
        guess = kind.known and chance.random() < 0.5
        wild = Wild(name.partition(",")[0], names, guess, kind.metric, kind)
    wild.manner = chance.random()
    if chance.random() < 0.25:
        wild.names["year"] = chance.choice(["Year", "Jahr", "pub_year"])
    if not wild.guess and chance.random() < 0.2:
        wild.names["direction"] = chance.choice(["better", "Direction", "Polarity"])
    return wild


def dialect(chance: random.Random, wild: Wild) -> None:
    """How the table writes its numbers."""
    wild.separator = chance.choice([",", ",", ";", ";", "\t", "|"])
    wild.decimal = chance.choice([".", ","]) if wild.separator != "," else chance.choice([".", ".", ".", ","])
    other = {".": [",", "\u00a0", "'", "\u202f"], ",": [".", "\u00a0", "'", " "]}[wild.decimal]
    wild.thousands = chance.choice(["", "", "", chance.choice(other)])
    wild.minus = chance.choice(["-", "-", "\u2212", "\u2013"])


def table(chance: random.Random) -> Wild:
    """A table, unspoilt but for what people do to tables."""
    wild = chosen(chance)
    dialect(chance, wild)
    header = list(wild.names.values())
    extra = [f"note{n}" for n in range(chance.choice([0, 0, 1, 2]))]
    if chance.random() < 0.15:
        extra.append(chance.choice(EXTRA))
    if chance.random() < 0.03:
        extra.append(chance.choice(header[1:]))
        wild.unusable = True
    order = list(range(len(header) + len(extra)))
    if chance.random() < 0.3:
        chance.shuffle(order)
    wild.places = {order.index(place): ours for place, ours in enumerate(wild.names)}
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        wild.grid.append(["Table 2. Results of trials", *[""] * (len(order) - 1)])
    head(chance, wild, order, [*header, *extra])
    for place, study in enumerate(chance.sample(STUDIES, chance.choice([1, 2, 3, 5, 8]))):
        if chance.random() < 0.1:
            wild.grid.append([""] * len(order))
        if chance.random() < 0.03:
            wild.grid.append([chance.choice(["Adults", "Follow-up", "Group B"]), *[""] * (len(order) - 1)])
        if place and chance.random() < 0.02:
            put(wild, order, [*header, *extra])
        one_row(chance, wild, order, study, extra)
    below(chance, wild, order, extra)
    return wild


def head(chance: random.Random, wild: Wild, order: list[int], header: list[str]) -> None:
    """The names of the columns; now and then those of the arms in a row above."""
    arms = [name.partition(" ") for name in header[1:]]
    bare = len(header) == 7 and order == sorted(order) and {arm for arm, _, _ in arms} == {"Experimental", "Control"}
    if bare and chance.random() < 0.5:
        wild.grid.append(["", "Experimental", "", "", "Control", "", ""])
        header = [header[0], *(name for _, _, name in arms)]
    put(wild, order, header)


def below(chance: random.Random, wild: Wild, order: list[int], extra: list[str]) -> None:
    """Results of several studies, and notes."""
    for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
        total = {
            ours: chance.choice(["5", "5", ""]) if ours != "study" else chance.choice(TOTALS) for ours in wild.names
        }
        total |= {ours: "" for ours in ("direction", "sign") if ours in total}
        put(wild, order, [*total.values(), *["" for _ in extra]])
    if chance.random() < 0.15:
        wild.grid.append(["Note. SD = standard deviation", *[""] * (len(order) - 1)])


def put(wild: Wild, order: list[int], cells: list[str]) -> None:
    wild.grid.append([cells[place] for place in order])


def one_row(chance: random.Random, wild: Wild, order: list[int], study: str, extra: list[str]) -> None:
    truth: dict[str, float | str | None] = {"study": study}
    cells = [study]
    made = wild.kind.make(chance, wild.manner) if wild.kind else {}
    for ours in list(wild.names)[1:]:
        if ours == "year":
            value, cell = chance.choice(YEARS)
        elif ours == "direction":
            value, cell = sided(chance.choice([1.0, -1.0]), SIDES, wild.manner)
        elif chance.random() < (0.02 if ours in made else 0.04):
            value, cell = None, "" if ours in SIGNED else chance.choice(NOTHING)
        else:
            printed = made.get(ours) or number_of(chance, ours, wild.statistic, wild.manner)
            if ours == "p" and chance.random() < 0.2:
                printed = chance.choice(BOUNDARY["p"])
            value, cell = number(chance, wild, printed, ours)
        truth[ours] = value
        cells.append(cell)
    put(wild, order, [*cells, *[chance.choice(["x", "", "4", "a,b"]) for _ in extra]])
    wild.truth[len(wild.grid)] = truth


def sided(side: float, pairs: Sequence[tuple[str, str]], manner: float) -> tuple[float, str]:
    """A sign, and the cell that says it in the way of the table."""
    return side, pairs[int(manner * len(pairs))][0 if side > 0 else 1]


def number(chance: random.Random, wild: Wild, printed: str, ours: str) -> tuple[float | str, str]:
    """What a printed number is, and the cell in which it stands."""
    if ours == "sign":
        return sided(float(printed), SIGNS, wild.manner)
    if ours in WORDS:
        return printed, printed
    if ours == "p":
        bare = printed.replace(" ", "")
        return (bare.lstrip("0") if bare.startswith("0") else bare), printed.replace(".", wild.decimal)
    if printed.endswith("%"):
        bare = printed.rstrip("% ")
        return float(format(Decimal(bare) / 100, "f")), printed.replace(".", wild.decimal)
    return float(printed), shown(chance, wild, printed, ours)


def spoil(chance: random.Random, wild: Wild) -> None:
    """Puts something else into a few cells of rows."""
    rows = sorted(wild.truth)
    # A line break in a cell would move the rows below it where nothing quotes it.
    nasty = [word for word in NASTY if "\n" not in word and "\r" not in word]
    for _ in range(chance.choice([1, 1, 2, 3])):
        row = chance.choice(rows)
        place = chance.randrange(len(wild.grid[row - 1]))
        word = chance.choice([*nasty, *DOUBTFUL, *[*NO_NUMBERS] * 3])
        wild.grid[row - 1][place] = word
        ours = wild.places.get(place, "")
        wild.refused.discard((row, ours))
        if word in NO_NUMBERS and ours not in {"", "study"}:
            wild.refused.add((row, ours))
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
    if chance.random() < 0.08 and not any(str(row["study"]).startswith("=") for row in wild.truth.values()):
        file = folder / "own.xlsx"
    save(chance, wild, file)
    better = chance.choice(["larger", "smaller"])
    # TE is an effect of any kind.
    known = wild.guess and not wild.metric and wild.statistic in STYLES and wild.names.get("value") != "TE"
    statistic = "" if known and not wild.kind else wild.statistic
    what = Start("A title", file, statistic, {} if wild.guess else wild.names, better, "x", wild.metric)
    made = folder / "review"
    try:
        start(made, what, DAY)
    except InputError:
        if made.exists():
            raise Broken("a folder is left behind") from None
        raise
    if wild.unusable:
        raise Broken("a table of which two columns that are needed have one name was taken")
    check_review(wild, made, file, 1.0 if better == "larger" else -1.0)


def check_review(wild: Wild, made: Path, file: Path, direction: float) -> None:
    """Every number of the table is in the effects or in the dropped rows as what it is; no other row is."""
    found = planning.check(planning.load(read_yaml(made / "config.yaml")), made / "data" / "raw").values()
    rows = {int(row.locator.rpartition(" ")[2]): row for row in found}
    odd = set(rows) ^ set(wild.truth)
    if odd - {row for row, _ in wild.spoilt}:
        raise Broken(f"rows {sorted(odd)} are lost or were no rows")
    for number, ours in wild.refused & {(row, name) for row in rows for name in wild.names}:
        if getattr(rows[number], ours) not in (None, ""):
            raise Broken(f"row {number}, {ours}: what is no number came out as {getattr(rows[number], ours)!r}")
    for number, truth in wild.truth.items():
        same_cells(wild, number, truth, rows.get(number), file.suffix == ".xlsx")
        if (number, "study") not in wild.spoilt and rows[number].direction != truth.get("direction", direction):
            raise Broken(f"row {number}: direction {rows[number].direction}")
    for number, row in rows.items():
        if isinstance(row, Effect) and number in wild.truth and (number, "study") not in wild.spoilt:
            right_effect(wild, row, wild.truth[number], direction)


def same_cells(wild: Wild, number: int, truth: Mapping[str, float | str | None], row: Any, in_workbook: bool) -> None:
    """The cells of a row are those of the table."""
    for ours, value in truth.items():
        if (number, ours) in wild.spoilt:
            continue
        read = getattr(row, ours)
        if ours == "p" and value is not None:
            # A workbook keeps .550 as a number, and .000 as 0.
            read, value = ((one.replace("e-0", "e-").strip("0") or ".") for one in (read, str(value)))
        if in_workbook and isinstance(value, float) and read is not None:
            # openpyxl writes numbers with 16 digits.
            value = read if math.isclose(read, value, rel_tol=tolerances.WORKBOOK) else value
        if (None if read == "" else read) != value and not (ours == "study" and same_words(read, value)):
            raise Broken(f"row {number}, {ours}: {value!r} came out as {read!r}")


def right_effect(wild: Wild, effect: Effect, truth: Mapping[str, float | str | None], direction: float) -> None:
    """The effect is the one that `oracle.py` makes of the numbers of the table."""
    cells = {ours: str(x) for ours, x in truth.items() if x is not None and ours not in {"study", *WORDS}}
    if "variance" in cells:
        cells["se"] = str(math.sqrt(float(cells["variance"])))
    if truth.get("p_sides") == "1":
        cells["p"] = str(2 * min(float(cells["p"]), 1 - float(cells["p"])))
    with mp.workdps(30):
        want = [float(one) for one in right(wild.statistic, effect.metric, cells)]
    turned = 1.0 if effect.metric in AS_PRINTED else float(truth.get("direction") or direction)
    want[0] *= turned * float(truth.get("sign") or 1.0)
    for found, one in zip((effect.yi, effect.vi), want, strict=True):
        if not math.isclose(found, one, rel_tol=tolerances.BOUNDARY, abs_tol=tolerances.BOUNDARY_ZERO):
            raise Broken(f"{effect.locator}: {effect.metric} {effect.yi} ({effect.vi}), not {want}, of {cells}")


def same_words(read: str, value: object) -> bool:
    """Whether a name is the same; letters that an encoding does not have were replaced when the table was written."""
    return len(read) == len(str(value)) and all(a == b or a == "?" for a, b in zip(read, str(value), strict=True))
