"""Columns of a foreign table that were not taken, and without which a pool could be wrong: never passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from synthesis.data.columns import BY_NAME
from synthesis.data.foreign import words
from synthesis.data.foreign.cells import DASHES, is_nothing, plain
from synthesis.data.foreign.header import Table, loose
from synthesis.data.foreign.heads import other_kinds
from synthesis.data.foreign.translation import Reading
from synthesis.data.printed import UNSIGNED_NAME
from synthesis.errors import Problem

IGNORE = "--ignore"
# Scores of a scale, whose side is the scale's own; published effects may have been turned already.
_RAW_SCORES = frozenset({"mean_sd", "change_sd", "mean_difference", "2x2", "coef"})
# Effects that are printed as they are, with a measure of their precision.
_PRINTED = frozenset({"r", "z", "g", "smd", "d", "or", "coef", "mean_difference", "log_or", "rr", "hr", "irr", "rd"})
_PRECISION = frozenset({"se", "variance", "ci_low", "ci_high"})
# Columns of ours whose words are names, and those that hold words at all.
_NAMES = frozenset({"study", "label", "treatment", "outcome", "direction", "statistic", "comparator_detail"})
_NAMES |= words.CODES.keys()
_OF_WORDS = frozenset({"text", "choice"})
_SHOWN = 4


def questions(table: Table, reading: Reading, statistics: Collection[str], ignore: Collection[str]) -> list[Problem]:
    """What the columns that are not used say, and how to use each or confirm that it does not matter."""
    # A column that is taken as words may say something else besides.
    read = {theirs for ours, theirs in reading.columns.items() if ours in _NAMES or BY_NAME[ours].kind not in _OF_WORDS}
    free = [name for name in dict.fromkeys(table.header) if name and name not in read and name not in ignore]
    free = [name for name in free if table.header.count(name) == 1]
    problems = [Problem(IGNORE, name, "a column of the table") for name in ignore if name not in table.header]
    for name in free:
        cells = [text for _, text in table.cells(name) if not is_nothing(text) or text in DASHES]
        problems += _question(table, reading, statistics, name, cells)
        problems += [*_marked(table, reading, name), *_one_id_of_several_studies(table, reading, name)]
    problems += _several_analyses(table, reading, ignore) + _swapped_precision(reading) + _other_levels(reading)
    return problems + other_kinds(reading.columns, statistics, table.header, ignore)


def _question(
    table: Table, reading: Reading, statistics: Collection[str], name: str, cells: list[str]
) -> Iterator[Problem]:
    """The question that one column asks, if any."""
    where, examples = f"{table.path}, column {name}", ", ".join(list(dict.fromkeys(cells))[:_SHOWN])
    findings = _findings_without_sign(table, reading, statistics, name)
    if findings is not None:
        if all(findings):
            yield Problem(where, examples, *findings)
        return
    if "direction" not in reading.columns and not reading.better_of and words.speaks_of_direction(name, cells):
        allowed = f"'direction={name}' in --columns, or {IGNORE} {_quoted(name)}"
        yield Problem(
            where, examples, allowed, "it says which values are better, and the rows would be read without it"
        )
        return
    if not set(statistics) <= _RAW_SCORES and words.speaks_of_favour(name, cells):
        allowed = f"numbers with their sign, or {IGNORE} {_quoted(name)}"
        hint = "it says whom a finding favours: a number that favours the control has the other sign"
        if "sign" in BY_NAME and "sign" not in reading.columns:
            allowed = f"'sign={name}' in --columns where the statistic has no sign (f, p, chi2), {allowed}"
        yield Problem(where, examples, allowed, hint)
        return
    kinds = words.kinds_of_score(cells)
    if "statistic" not in reading.columns and "change_sd" in kinds and not kinds <= set(statistics):
        allowed = f"'statistic={name}' in --columns, or {IGNORE} {_quoted(name)}"
        yield Problem(where, examples, allowed, "change scores and final values are not the same statistic")
    elif words.speaks_of_clusters(name) and _above(cells, 0) and not _is_effective(reading, table, name, cells):
        allowed = f"effective sizes in the columns of n, or {IGNORE} {_quoted(name)}"
        hint = (
            "clustered trials: the sizes of the arms are to be divided by the design effect first, if they are not yet"
        )
        hint = _how(name, hint)
        yield Problem(where, examples, allowed, hint)
    elif set(statistics) & _PRINTED and not _PRECISION & set(reading.columns):
        if words.names_variance(name) and _above(cells, 0):
            way = f"'variance={name}' in --columns" if "variance" in BY_NAME else "its square root as se"
            yield Problem(where, examples, f"{way}, or {IGNORE} {_quoted(name)}", "sampling variances?")
        elif words.names_standard_error(name) and _above(cells, 0):
            yield Problem(where, examples, f"'se={name}' in --columns, or {IGNORE} {_quoted(name)}", "standard errors?")


def _marked(table: Table, reading: Reading, name: str) -> Iterator[Problem]:
    """Rows that a column marks as excluded, or as of clustered trials."""
    marked = words.excluded(name, table.cells(name)) if "exclusion_reason" not in reading.columns else []
    if marked:
        where = f"{table.path}, row {', '.join(str(number) for number, _ in marked[:_SHOWN])}, column {name}"
        reasons = f"'exclusion_reason={name}' in --columns, " if words.names_exclusion_reason(name) else ""
        allowed = f"a table without these rows, {reasons}or {IGNORE} {_quoted(name)}"
        hint = "they would be pooled although they are marked as excluded"
        yield Problem(where, ", ".join(dict.fromkeys(text for _, text in marked)), allowed, hint)
    clustered = words.clustered(name, table.cells(name))
    if clustered and not {"design_effect", "variance", "se", "ci_low"} & set(reading.columns):
        where = f"{table.path}, row {', '.join(str(number) for number, _ in clustered[:_SHOWN])}, column {name}"
        allowed = f"'design_effect=<column>' in --columns, effective sizes, or {IGNORE} {_quoted(name)}"
        hint = "clustered trials: their sizes are to be divided by the design effect first, if they are not yet"
        yield Problem(where, ", ".join(dict.fromkeys(text for _, text in clustered)), allowed, hint)


# Columns of ours that change numbers where they are read.
_MATTERS = (
    "df", "covariates", "design_effect", "p_sides", "covariate_r", "pre_post_r", "r2_model", "range_ratio", "sign",
    "reliability_process", "reliability_outcome", "exclusion_reason", "control_group", "standardized_by", "sample_id",
    "test_statistic", "level", "estimand",
)  # fmt: skip


def mattering(names: Collection[str], table: Table, columns: Mapping[str, str]) -> list[str]:
    """What must be said by itself of columns that nothing is read from: those that would change a number."""
    lines = []
    for name in names:
        ours = next((column for column in _MATTERS if loose(column) == loose(name) and column not in columns), None)
        if ours and any(not is_nothing(text) for _, text in table.cells(name)):
            lines.append(f"{name} is not used, and would change numbers: '{ours}={name}' in --columns reads it")
        crossed = words.crossed_over(name, table.cells(name))
        if crossed:
            lines.append(
                f"{name} is not used: row {', '.join(str(number) for number, _ in crossed[:_SHOWN])} "
                f"({crossed[0][1]}) read as if each arm had other people; as an effect with its paired se it is right"
            )
    return lines


def _findings_without_sign(
    table: Table, reading: Reading, statistics: Collection[str], name: str
) -> tuple[str, str] | None:
    """What is allowed and why, where a column says which findings are negative and the numbers do not; nothing where
    they do, or have none to lose; None for another column.
    """
    signs = words.signs_of_findings(name, [text for _, text in table.cells(name)])
    if signs is None:
        return None
    hint = "it says which findings are negative, and the rows would be read without it"
    if set(statistics) & UNSIGNED_NAME.keys():
        ways = f"'sign={name}' in --columns, or {IGNORE} {_quoted(name)}"
        return ("", "") if "sign" in reading.columns else (ways, hint)
    theirs = reading.columns.get("value", "")
    if not set(statistics) & (_PRINTED | {"t", "beta"}) or not theirs:
        return "", ""
    lost = any(
        sign == "-1" and not plain(number).startswith("-")
        for sign, (_, number) in zip(signs, table.cells(theirs), strict=True)
    )
    return (f"numbers with their sign in {theirs}, or {IGNORE} {_quoted(name)}", hint) if lost else ("", "")


def _how(name: str, hint: str) -> str:
    """How a design effect is mapped where the data dictionary has a column for it."""
    ours = next((c for c in ("design_effect", "deff", "icc") if c in BY_NAME and loose(c)[:3] == loose(name)[:3]), "")
    return f"{hint}; or '{ours}={name}' in --columns" if ours else hint


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name or not name.isascii() else name


def _above(cells: list[str], low: float) -> bool:
    """Whether the cells are numbers, all above a value."""
    numbers = [plain(text).replace(",", ".") for text in cells]
    try:
        return bool(numbers) and all(float(number) > low for number in numbers)
    except ValueError:
        return False


def _is_effective(reading: Reading, table: Table, name: str, cells: list[str]) -> bool:
    """Whether the sizes are effective ones already, which have decimals, or no cluster has any effect."""
    if {plain(text).replace(",", ".").rstrip("0").rstrip(".") for text in cells} <= {"1", ""}:
        return True
    sizes = [
        theirs for ours, theirs in reading.columns.items() if ours in {"n", "n_treat", "n_control"} and theirs != name
    ]
    texts = [plain(text) for theirs in sizes for _, text in table.cells(theirs)]
    marks = (text.replace(",", ".").partition(".")[2].strip("0") for text in texts)
    return any(len(decimals) in {1, 2} and decimals.isdigit() for decimals in marks)


def _several_analyses(table: Table, reading: Reading, ignore: Collection[str]) -> list[Problem]:
    """RevMan exports every analysis of a review into one table."""
    for name in table.header:
        if (
            loose(name) in {"analysis number", "outcome no", "comp no"}
            and name not in ignore
            and table.header.count(name) == 1
        ):
            numbers = list(dict.fromkeys(text for _, text in table.cells(name) if text))
            if len(numbers) > 1 and name not in reading.columns.values():
                allowed = f"the rows of one analysis, or {IGNORE} {_quoted(name)}"
                hint = "a RevMan file holds several analyses: keep the rows of one"
                return [Problem(f"{table.path}, column {name}", ", ".join(numbers[:_SHOWN]), allowed, hint)]
    return []


def _one_id_of_several_studies(table: Table, reading: Reading, name: str) -> list[Problem]:
    """A column of ids, by its name, of which one stands under several studies: people who would be counted twice."""
    if "sample_id" in reading.columns or not words.names_samples(name):
        return []
    studies: dict[str, dict[str, str]] = {}
    ids: dict[str, set[str]] = {}
    for (number, study), (_, sample) in zip(table.cells(reading.columns["study"]), table.cells(name), strict=True):
        if not is_nothing(sample):
            studies.setdefault(sample, {}).setdefault(loose(study), f"{study}, row {number}")
            ids.setdefault(loose(study), set()).add(sample)
    shared = {sample: list(rows.values()) for sample, rows in studies.items() if len(rows) > 1}
    if not shared or len(studies) == 1 or any(len(samples) > 1 for samples in ids.values()):
        # One id for all says nothing; those that are numbered anew in each study are no samples of several.
        return []
    sample, where = next(iter(shared.items()))
    allowed = f"'sample_id={name}' in --columns, or {IGNORE} {_quoted(name)}"
    hint = f"the same people under several studies: {'; '.join(where[:_SHOWN])}?"
    return [Problem(f"{table.path}, column {name}", sample, allowed, hint)]


def _other_levels(reading: Reading) -> list[Problem]:
    """Limits whose column says that they are not those of 95%."""
    return [
        Problem("--columns", f"{ours}={theirs}", "limits of 95%, or se", "limits of 90% are 1.645 se from the value")
        for ours in ("ci_low", "ci_high")
        if (theirs := reading.columns.get(ours)) and words.names_other_level(theirs)
    ]


def _swapped_precision(reading: Reading) -> list[Problem]:
    """A column of variances that is taken for standard errors by its name, or the other way round."""
    pairs = (("se", words.names_variance, "variance"), ("variance", words.names_standard_error, "se"))
    return [
        Problem("--columns", f"{ours}={theirs}", f"{right}={theirs}, or a column with another name", "a slip?")
        for ours, of_another_kind, right in pairs
        if (theirs := reading.columns.get(ours)) and of_another_kind(theirs)
    ]


def logarithms(reading: Reading, statistics: Collection[str]) -> list[Problem]:
    """A column of logarithms, by its name, that is taken for ratios: all of them may be positive."""
    theirs = reading.columns.get("value")
    if not theirs or not words.names_logarithm(theirs):
        return []
    return [
        Problem("--statistic", name, f"log_{name}, or a column with another name", f"{theirs}: named as logarithms are")
        for name in ("or", "rr", "hr", "irr", "rom")
        if name in statistics
    ]


def contradictions(
    table: Table, reading: Reading, statistics: Collection[str], made: list[str], option: str
) -> list[Problem]:
    """Outcomes whose usual side is not the one that the table is read by; a side given for the outcome confirms it."""
    column, against = _against(table, reading, made) if set(statistics) & _RAW_SCORES else ("", {})
    mapped = "outcome" in reading.columns
    problems = []
    for outcome, (side, rows) in against.items():
        other = {"larger": "smaller", "smaller": "larger"}[side]
        more = "" if mapped else f" with outcome={column} in --columns"
        allowed = f"{option} '{outcome}={side}', or '{outcome}={other}' to confirm{more}"
        more_rows = ", ..." if len(rows) > _SHOWN else ""
        where = f"{table.path}, row {', '.join(map(str, rows[:_SHOWN]))}{more_rows}, column {column}"
        hint = f"read as if a {other} value were better: usually a {side} one is"
        problems.append(Problem(where, outcome, allowed, hint))
    return problems


def _against(table: Table, reading: Reading, made: list[str]) -> tuple[str, dict[str, tuple[words.Side, list[int]]]]:
    """The column of outcomes, and those whose usual side is not the one that they are read by, with their rows."""
    column = reading.columns.get("outcome") or next((n for n in table.header if words.names_outcomes(n)), None)
    against: dict[str, tuple[words.Side, list[int]]] = {}
    if column is None or table.header.count(column) > 1 or "direction" in reading.columns:
        return "", against
    given = {loose(name) for name in reading.better_of}
    for (number, outcome), direction in zip(table.cells(column), made, strict=True):
        usual = words.usual_side(outcome)
        if usual and direction and loose(outcome) not in given and direction != {"larger": "1", "smaller": "-1"}[usual]:
            against.setdefault(outcome, (usual, []))[1].append(number)
    return column, against


def turned(table: Table, reading: Reading, statistics: Collection[str], made: list[str], option: str) -> list[str]:
    """What is said of effects that are taken as they are printed, and may have been turned, by an unusual side."""
    if set(statistics) & _RAW_SCORES:
        return []
    lines = []
    for outcome, (side, rows) in _against(table, reading, made)[1].items():
        other = {"larger": "smaller", "smaller": "larger"}[side]
        numbered = f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:_SHOWN]))}"
        more = ", ..." if len(rows) > _SHOWN else ""
        lines.append(
            f"{outcome} ({numbered}{more}) is read as if a {other} value were better; usually a {side} one is: right "
            f"where the numbers were turned already, else {option} {_quoted(f'{outcome}={side}')}"
        )
    return lines


def not_used(table: Table, columns: Mapping[str, str]) -> list[str]:
    """Columns that nothing is read from."""
    return [name for name in dict.fromkeys(table.header) if name and name not in columns.values()]
