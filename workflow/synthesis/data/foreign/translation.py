"""The rows of a foreign table in the project's columns, with what was read as what, and every cell that cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from synthesis.data.columns import BY_NAME, NUMERIC_KINDS, RESULT_COLUMNS, Column
from synthesis.data.foreign import words
from synthesis.data.foreign.cells import (
    DASHES,
    Cell,
    DecimalSign,
    Numbered,
    Of,
    Signs,
    Tally,
    is_nothing,
    read_numbers,
    read_p,
    read_years,
    signs_of,
    without_nothing,
)
from synthesis.data.foreign.header import Table, loose, tidy
from synthesis.data.tables import cell_ok, check_cells, check_rows, typed
from synthesis.errors import Problem

# Numbers that describe a sample, and from which nothing is pooled: what cannot be read of them is left empty.
_DESCRIPTIVE = frozenset(
    {"year", "weeks", "sessions", "percent_women", "mean_age"} | {name for name in BY_NAME if "baseline" in name}
)
# Columns in which a percentage is a number between 0 and 1.
_SHARES = frozenset({"value", "ci_low", "ci_high", "percent_women", "risk_control"})
# Words that a row needs in one of the project's own.
_CODED = frozenset({"statistic", *words.CODES} | {name for name, column in BY_NAME.items() if column.kind == "sign"})
_SIDES_ALLOWED = "larger or smaller, higher or lower, 1 or -1"
_SIGN_ALLOWED = (
    "1 where the treated arm, or more of the process, goes with the larger value of the outcome; -1 where not"
)
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is to be read. `columns`: ours by theirs; `better`: of the whole table; `better_of`: by outcome."""

    columns: Mapping[str, str]
    better: str = ""
    better_of: Mapping[str, str] = field(default_factory=dict)
    decimal: DecimalSign | None = None
    latest_year: int = 2100


@dataclass(slots=True)
class Translated:
    """Rows as read, with their numbers in the file; what is to be said of them; what is wrong with them."""

    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    printed: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def resolved(table: Table, columns: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The columns by the table's names for them; case and punctuation aside where that is no other column."""
    columns_found, problems = {}, []
    alike: dict[str, list[str]] = {}
    for name in table.header:
        alike.setdefault(loose(name), []).append(name)
    for ours, asked in columns.items():
        theirs = asked.strip()
        same = alike.get(loose(theirs), []) if theirs not in table.header else [theirs]
        if len(same) == 1 and same[0]:
            columns_found[ours] = same[0]
        else:
            heads = ", ".join(filter(None, table.header))
            hint = "separated by commas, semicolons, tabs or |?" if len(table.header) == 1 else ""
            problems.append(Problem("--columns", f"{ours}={asked}", f"a column of {table.path}: {heads}", hint))
    return columns_found, problems + twice(table, columns_found.values())


def twice(table: Table, used: Iterable[str]) -> list[Problem]:
    """Columns that are used and whose name another one has, too."""
    where, hint = f"{table.path}, row {table.at}", "which of them is meant? Give one another name"
    names = (theirs for theirs in dict.fromkeys(used) if table.header.count(theirs) > 1)
    return [Problem(where, theirs, "each column that is used once", hint) for theirs in names]


def read_rows(table: Table, reading: Reading) -> Translated:
    """The rows of a table in our columns: numbers as the project writes them, directions and statistics by row.

    Rows of totals and of nothing are left out and said. Every cell that cannot be read is a problem by the table's
    own column and row.
    """
    translated = Translated()
    table = _without_totals(table, reading.columns["study"], translated)
    numeric = [
        o for o in reading.columns if o in BY_NAME and (BY_NAME[o].kind in NUMERIC_KINDS or BY_NAME[o].kind == "p")
    ]
    numeric = [ours for ours in numeric if ours not in _CODED and ours != "year"]
    texts = (text for ours in numeric for _, text in table.cells(reading.columns[ours]) if not is_nothing(text))
    signs, shown_by = signs_of(texts, table.separator, reading.decimal)
    if signs.decimal:
        name = {",": "decimal commas", ".": "decimal points"}[signs.decimal]
        translated.notes.append(f"{name}, as in {shown_by}" if shown_by else name)
    tally = Tally()
    cells = {ours: _column(table, ours, theirs, reading, signs, tally) for ours, theirs in reading.columns.items()}
    translated.notes += _tallied(tally)
    translated.rows = [
        (number, {ours: column[place].text for ours, column in cells.items()})
        for place, (number, _) in enumerate(table.rows)
    ]
    translated.printed = [{o: column[place].printed for o, column in cells.items()} for place in range(len(table.rows))]
    _sort_out_faults(table, reading, cells, translated)
    _say_repeats(translated)
    return translated


def _without_totals(table: Table, study: str, translated: Translated) -> Table:
    place = table.column(study)
    totals = [(number, cells) for number, cells in table.rows if words.is_total(cells[place])]
    kept = [line for line in table.rows if line not in totals]
    if totals:
        left_out = [f"row {number}: {cells[place]!r}" for number, cells in totals]
        translated.notes.append(f"left out, no studies but results of several: {_some(left_out)}")
    doubtful = [f"row {number}: {cells[place]!r}" for number, cells in kept if words.looks_like_total(cells[place])]
    if doubtful:
        translated.notes.append(f"read as a study, although it begins like a total: {_some(doubtful)}")
    if not kept:
        translated.problems.append(Problem(str(table.path), "no rows below a header", "at least one row"))
    return replace(table, rows=kept)


def _column(table: Table, ours: str, theirs: str, reading: Reading, signs: Signs, tally: Tally) -> list[Cell]:
    """One column of the table, read as what ours may hold."""
    cells, column = table.cells(theirs), BY_NAME[ours]
    if column.kind == "sign":
        return _signs(cells, _SIGN_ALLOWED if ours == "sign" else _SIDES_ALLOWED)
    if ours == "statistic":
        known = BY_NAME["statistic"].allowed
        return [
            _coded(
                row, text, words.score_kind(text) or (text if text in known else None), "final, change, or a statistic"
            )
            for row, text in cells
        ]
    if ours in words.CODES:
        codes = column.allowed_text.removesuffix(", or empty")
        return [_coded(row, text, words.code(ours, text), codes) for row, text in cells]
    if ours == "year":
        return read_years(cells, reading.latest_year)
    if column.kind == "p":
        return read_p(cells, signs.decimal, tally)
    if column.kind in NUMERIC_KINDS:
        read = read_numbers(cells, signs, of=_counted(column), share=ours in _SHARES, tally=tally)
        return _as_share(read, tally) if ours == "percent_women" else read
    return [Cell(row, text, _words(column, text, tally)) for row, text in cells]


def _counted(column: Column) -> Of:
    name = column.name
    if column.kind == "count" or name in {"n", "k"} or name.startswith(("n_", "events_", "total_", "nonevents_")):
        return "people"
    return "amounts" if name.startswith("time_") else "anything"


def _signs(cells: Numbered, allowed: str) -> list[Cell]:
    """Signs and directions: a dash is a minus beside a plus, and else a minus or nothing, which is asked."""
    plus = any(tidy(text) == "+" for _, text in cells)
    signs = []
    for row, text in cells:
        if tidy(text) not in DASHES:
            signs.append(_coded(row, text, words.direction(text), allowed))
        elif plus:
            signs.append(Cell(row, text, "-1"))
        else:
            signs.append(Cell(row, text, "", allowed, "a minus, or nothing? Write -1, or empty the cell"))
    return signs


def _coded(row: int, printed: str, code: str | None, allowed: str) -> Cell:
    if is_nothing(printed) and code is None:
        return Cell(row, printed, "")
    return Cell(row, printed, code or "", "" if code else allowed, "" if code else "one word for each row")


def _as_share(cells: list[Cell], tally: Tally) -> list[Cell]:
    """Percentages without their sign: no share of people is above 1."""
    numbers = [float(cell.text) for cell in cells if cell.text]
    if not numbers or max(numbers) <= 1 or max(numbers) > 100:
        return cells
    tally.percent += [cell.printed for cell in cells if cell.text]
    return [replace(c, text=format(float(c.text) / 100, ".10g")) if c.text else c for c in cells]


def _words(column: Column, text: str, tally: Tally) -> str:
    """A cell of words; of a closed list in the case of the list."""
    text = text.removeprefix("'") if column.name != "study" else text
    words = without_nothing(text)
    if text and not words:
        tally.empty[text] += 1
    if column.kind == "choice":
        return next((word for word in column.allowed if word.casefold() == words.casefold()), words)
    return words


def _sort_out_faults(table: Table, reading: Reading, cells: Mapping[str, list[Cell]], translated: Translated) -> None:
    """Cells that cannot be read: problems where something is pooled from them, else left empty and said."""
    emptied: dict[str, list[str]] = {}
    faulty = set()
    for ours, column in cells.items():
        theirs = reading.columns[ours]
        descriptive = ours in _DESCRIPTIVE or (BY_NAME[ours].kind in {"choice", "url", "date"} and ours not in _CODED)
        for place, cell in enumerate(column):
            problem = _problem(table, ours, theirs, cell, effective="design_effect" in reading.columns)
            if problem is None:
                continue
            if descriptive:
                translated.rows[place][1][ours] = ""
                emptied.setdefault(ours, []).append(f"{cell.printed!r} (row {cell.row})")
            else:
                translated.problems.append(problem)
                faulty.add(place)
    for ours, texts in emptied.items():
        allowed = BY_NAME[ours].allowed_text.removesuffix(", or empty")
        translated.notes.append(f"column {reading.columns[ours]}, left empty as {ours} is {allowed}: {_some(texts)}")
    sound = [(number, typed(row)) for place, (number, row) in enumerate(translated.rows) if place not in faulty]
    if faulty:
        # The rest is checked where the folder is made; here so that everything is named at once.
        related = [fault for fault in check_rows(table.path, sound) if _is_of_numbers(fault, cells)]
        translated.problems += [_renamed(fault, reading.columns) for fault in related]


def _renamed(problem: Problem, columns: Mapping[str, str]) -> Problem:
    """A problem with the table's name for its column."""
    place, _, ours = problem.where.rpartition("column ")
    return replace(problem, where=f"{place}column {columns[ours]}")


def _is_of_numbers(problem: Problem, cells: Collection[str]) -> bool:
    """Whether a problem is one of the table's own numbers rather than of columns that are made later."""
    column = problem.where.rpartition("column ")[2]
    return column in cells and column in {*RESULT_COLUMNS, "p"}


def _problem(table: Table, ours: str, theirs: str, cell: Cell, *, effective: bool) -> Problem | None:
    where = f"{table.path}, row {cell.row}, column {theirs}"
    if cell.fault:
        fault = (
            BY_NAME[ours].allowed_text.replace(" with a decimal point", "") if cell.fault == "a number" else cell.fault
        )
        return Problem(where, cell.printed, fault, cell.hint)
    if ours in _CODED:
        return None
    if BY_NAME[ours].kind == "text" and cell.text and cell_ok(BY_NAME[ours], f"'{cell.text}"):
        # A name may begin like a formula: it is marked where it is written.
        return None
    # Beside a design effect, sizes may have decimals.
    design_effect = {"design_effect": "1"} if effective and ours != "design_effect" else {}
    wrong = check_cells(
        table.path, [(cell.row, {ours: cell.text} | design_effect)], [BY_NAME[ours], BY_NAME["design_effect"]]
    )
    return replace(wrong[0], where=where, value=cell.printed or cell.text) if wrong else None


def _tallied(tally: Tally) -> list[str]:
    notes = []
    if tally.empty:
        notes.append("read as empty: " + ", ".join(f"{word} ({n})" for word, n in tally.empty.most_common(_SHOWN)))
    if tally.thousands:
        notes.append(f"separators of thousands, left out: {_some(tally.thousands)}")
    if tally.percent:
        notes.append(f"percentages, divided by 100: {_some(tally.percent)}")
    return notes


def _say_repeats(translated: Translated) -> None:
    """Rows that are the same in every column read."""
    seen: dict[tuple[str, ...], int] = {}
    same = []
    for number, row in translated.rows:
        first = seen.setdefault(tuple(row.values()), number)
        if first != number:
            same.append(f"{first} and {number}")
    if same:
        translated.notes.append(f"the same in every column read, pasted twice? Rows {_some(same)}")


def directions(table: Table, reading: Reading, translated: Translated, option: str) -> list[str]:
    """The direction of each row: of its own, of its outcome, or of the table. Problems are added to `translated`."""
    sides = {"larger": "1", "smaller": "-1"}
    of_outcome = {loose(name): sides[side] for name, side in reading.better_of.items()}
    made, missing = [], []
    for place, (number, row) in enumerate(translated.rows):
        named = loose(translated.printed[place].get("outcome", ""))
        direction = row.get("direction") or of_outcome.get(named) or sides.get(reading.better, "")
        made.append(direction)
        if not direction:
            missing.append(number)
    outcomes = {loose(row.get("outcome", "")): row.get("outcome", "") for row in translated.printed}
    for name in reading.better_of:
        if loose(name) not in outcomes:
            known = ", ".join(filter(None, outcomes.values())) or "none, as no column is outcome"
            translated.problems.append(Problem(option, name, f"an outcome of the table: {known}"))
    if missing:
        allowed = f"{option} larger or smaller, for the table or by outcome; or direction=<column> in --columns"
        where = f"{table.path}, row {', '.join(map(str, missing[:_SHOWN]))}{', ...' if len(missing) > _SHOWN else ''}"
        translated.problems.append(Problem(where, "no direction", allowed, "which value is better for the patient?"))
    return made


def _some(items: Iterable[str]) -> str:
    listed = list(Counter(items))
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
