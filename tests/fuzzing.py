"""Generated tables and plans, valid and not, and what must hold of whatever comes of them.

A case is made of a number alone, so that a failure is repeated by `case(target, number)`. Every outcome is a result
that satisfies the invariants, or an InputError that names place and allowed values.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace
from synthesis.compare.claims import check_folder
from synthesis.data.claim_table import read_claims
from synthesis.data.columns import CLAIM_COLUMNS, COLUMNS, CORRECTION_COLUMNS
from synthesis.data.extraction import Extracted, extract
from synthesis.data.printed import UNSIGNED_NAME
from synthesis.data.reading import read_yaml
from synthesis.data.registry import CONVERTERS
from synthesis.draw.layout import Layout
from synthesis.draw.rows import forest
from synthesis.errors import InputError
from synthesis.export.r_script import r_data, r_script
from synthesis.plan import plan as planning
from synthesis.plan.config import Diagnostics
from synthesis.plan.starting import Start, start
from synthesis.results.extracted import Effect
from synthesis.results.fitted import Fitted
from synthesis.review.diagnose import diagnose
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented

Record = dict[str, Any]
Rows = list[dict[str, str]]

# Numbers of each statistic that make a usable row.
STATISTICS: dict[str, dict[str, str]] = {
    "r": {"value": "0.31", "n": "84"},
    "z": {"value": "0.25", "n": "120"},
    "beta": {"value": "0.2", "n": "95"},
    "r2": {"value": "0.09", "n": "60"},
    "f2": {"value": "0.11", "n": "75"},
    "chi2": {"value": "4.2", "df1": "1", "n": "90"},
    "d": {"value": "0.38", "n": "85", "n_treat": "44", "n_control": "41"},
    "t": {"value": "2.4", "df": "58", "n": "60", "n_treat": "30", "n_control": "30"},
    "f": {"value": "5.1", "df1": "1", "df": "70", "n": "72", "n_treat": "36", "n_control": "36"},
    "p": {"p": "0.03", "n": "66", "n_treat": "33", "n_control": "33"},
    "mean_sd": {
        "mean_treat": "9.6", "sd_treat": "6.4", "n_treat": "40",
        "mean_control": "12.1", "sd_control": "7.2", "n_control": "38",
    },
    "change_sd": {
        "mean_treat": "-6.1", "sd_treat": "5.9", "n_treat": "45",
        "mean_control": "-3.2", "sd_control": "6.6", "n_control": "43",
    },
    "2x2": {"events_treat": "12", "total_treat": "50", "events_control": "5", "total_control": "48"},
    "g": {"value": "0.42", "se": "0.15"},
    "smd": {"value": "0.3", "n_treat": "52", "n_control": "47"},
    "or": {"value": "1.8", "ci_low": "1.1", "ci_high": "2.95", "n": "210"},
    "rr": {"value": "1.4", "ci_low": "1.05", "ci_high": "1.867", "n": "400", "risk_control": "0.2"},
    "log_or": {"value": "0.52", "se": "0.31", "n_treat": "104", "n_control": "98"},
    "log_rr": {"value": "-0.21", "se": "0.14", "n_treat": "104", "n_control": "98", "risk_control": "0.3"},
    "hr": {"value": "0.74", "ci_low": "0.551", "ci_high": "0.994", "n": "400", "risk_control": "0.4"},
    "irr": {"value": "1.3", "ci_low": "0.9", "ci_high": "1.878"},
    "rom": {"value": "0.82", "se": "0.09"},
    "log_hr": {"value": "-0.3", "se": "0.15", "n_treat": "104", "n_control": "98", "risk_control": "0.3"},
    "log_irr": {"value": "0.26", "ci_low": "-0.1", "ci_high": "0.62"},
    "log_rom": {"value": "-0.2", "variance": "0.01"},
    "rd": {"value": "0.12", "se": "0.06"},
    "mean_difference": {"value": "-2.4", "ci_low": "-4.1", "ci_high": "-0.7"},
    "coef": {"value": "0.31", "se": "0.11"},
    "semipartial_r": {"value": "0.22", "n": "150", "r2_model": "0.3"},
    "median": {
        "median_treat": "9", "q1_treat": "6", "q3_treat": "13", "n_treat": "40",
        "median_control": "12", "q1_control": "8", "q3_control": "15", "n_control": "38",
    },
    "pre_post": {
        "baseline_mean_treat": "21.2", "baseline_sd_treat": "5.1", "mean_treat": "13.4", "sd_treat": "6.2",
        "n_treat": "40", "baseline_mean_control": "20.8", "baseline_sd_control": "4.9", "mean_control": "18.9",
        "sd_control": "6.0", "n_control": "38", "pre_post_r": "0.55",
    },
    "ancova": {
        "mean_treat": "9.6", "sd_treat": "6.4", "n_treat": "40", "mean_control": "12.1", "sd_control": "7.2",
        "n_control": "38", "covariate_r": "0.6", "covariates": "2",
    },
    "t_ancova": {"value": "2.4", "n_treat": "30", "n_control": "28", "covariate_r": "0.5"},
    "f_ancova": {"value": "5.1", "df1": "1", "n_treat": "36", "n_control": "35", "covariate_r": "0.5"},
    "rates": {"events_treat": "12", "time_treat": "410.5", "events_control": "21", "time_control": "398"},
    "smd_within_arm_change": {"value": "0.8", "se": "0.12", "standardized_by": "baseline"},
    "proportion": {"value": "0.36", "n": "75"},
    "count": {"events_treat": "27", "total_treat": "75"},
    "rate": {"events_treat": "12", "time_treat": "410.5"},
}  # fmt: skip
# Numbers at the edge of what a column, a formula or floating point can hold.
BOUNDARIES = (
    "0", "-0", "0.0", "1", "-1", "2", "3", "4", "0.5", "2.5", "187.2", "-0.3", "-5", "0.999999999999",
    "0.9999999999999999",    "1.0000001", "-0.9999999", "-1.2", "26", "1e-3", "1e-15",
    "1e-16", "1e-20", "1e-160", "1e-300", "5e-324", "1e-400",
    "-1e-300", "1e6", "1e8", "1e15", "1e16", "1e160", "1e200", "1e308", "-1e308", "1e400", "1000000000", "1000000001",
    "4294967296", "9" * 17,
)  # fmt: skip
BOUNDARY_P = (
    ".000", ".00", "0", "0.0", "0.000", "00", "1", "1.0", "1.000", "0.9999999999999999", "1.5", "2", "-.05", ".05",
    "= .05",     "=.000", "1e-5", "1.2e-5", "1e-12", "1e-16", "1e-20", "3.1E-45", "1e-300", "1e-320", "1e-400", "1e5",
    "<.001", "<.000", "< 1e-20", ">.05", ">1", "ns", "0,03", ".", "5%",
)  # fmt: skip
NASTY = (
    *BOUNDARIES, *BOUNDARY_P,
    "", " ", "NA", "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "1e400", "0", "-0", "-1", "1",
    "0.999999999999", "-0.9999999", "1.0000001", "0,35", "1.234.567", "1 000", "+3", "--3", "1e5", "0x1F", "\u0663",
    "\u00bd", "\uff11\uff12", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t5", "'5", "<.001", "<0.05", ">.05",
    "p<.05", "ns", "None", "null", "true", "{{x}}", "{x}", "%(x)s", "$(id)", "`id`", "; rm -rf /", "../../etc/passwd",
    "a/b", "C:\\x", "\x00", "\x07", "\u202ertl\u202c", "e\u0301\u0302\u0303", "\u200b", "\U0001f600",
    "\u6f22\u5b57", "$\\alpha$", "<script>alert(1)</script>",
    "a,b", 'a"b', "a\nb", "a\r\nb", "x" * 5000, "9" * 400, "0." + "1" * 300, "\ufeff", "\u2028", "https://x y",
    "javascript:1",
    "2026-13-45", "1.", ".5", "5.", "1e", "e1", "1_000", "\u22120.3", "0.3\u00a0", "1/2", "50%",
)  # fmt: skip
PLAN_VALUES = (
    None, "", 0, 1, -1, 1e308, float("nan"), float("inf"), True, False, [], {}, [None], {"": 1}, {1: 2}, "no",
    "x" * 3000, "\x07", "\u202e", "=1", "{x}", "{{x}}", "$(id)", "../..", "/etc", "a b", "A", "-", ["x", "x"], [["x"]],
    10**30, 0.5, 1.5,
    "REML", "che", "composites", "hksj", "A", "B", "z", "g", {"any_of": []}, {"at_least": "x"}, {"none_of": ["a"]},
)  # fmt: skip
PLAN_KEYS = ("tau2", "ci", "rho", "select", "mix", "defaults", "figures", "multiverses", "bridges", "x", 5)


class Broken(AssertionError):
    """A result that breaks an invariant, or an error that does not say what it must."""


def row(chance: random.Random, place: int, lane: str, statistic: str) -> dict[str, str]:
    """A sound row of a table."""
    found = {
        "effect_id": f"e{place}", "sample_id": f"s{chance.randrange(1, place + 2)}", "study": f"Study {place}",
        "year": str(1980 + place), "construct": "alliance" if lane == "A" else "protocol",
        "estimand": "r_total" if lane == "A" else "d_between", "level": "study", "statistic": statistic,
        "direction": chance.choice(["1", "-1"]), "outcome": f"measure {place}", "locator": f"p. {place}",
    }  # fmt: skip
    if statistic in UNSIGNED_NAME:
        found["sign"] = chance.choice(["1", "-1"])
    numbers = dict(STATISTICS[statistic])
    for name, printed in numbers.items():
        # Other sound numbers of about the same size.
        if chance.random() < 0.7:
            scale = chance.uniform(0.6, 1.5)
            other = float(printed) * scale
            numbers[name] = f"{other:.3g}" if "." in printed else str(round(other))
    if statistic == "2x2":
        for arm in ("treat", "control"):
            numbers[f"events_{arm}"] = str(chance.randrange(0, int(numbers[f"total_{arm}"]) + 1))
    if statistic in {"or", "hr", "irr"}:
        value = chance.uniform(0.5, 3)
        numbers |= {"value": f"{value:.3f}", "ci_low": f"{value / 1.6:.4f}", "ci_high": f"{value * 1.6:.4f}"}
    return found | numbers | {"quote": "; ".join(numbers.values())}


def table(chance: random.Random) -> tuple[str, Rows]:
    """Lane and sound rows."""
    metric = chance.choice(["z", "z", "g", "g", "log_odds_ratio"])
    possible = [s for s in STATISTICS if (s, metric) in CONVERTERS]
    lane = "A" if metric == "z" else "B"
    rows = [row(chance, i, lane, chance.choice(possible)) for i in range(1, chance.choice([1, 2, 3, 4, 6, 9]) + 1)]
    return metric, rows


def spoil_rows(chance: random.Random, rows: Rows, columns: list[str]) -> Rows:
    """Changes of cells, rows and columns, each of which a person or a program makes."""
    rows = [dict(r) for r in rows]
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 4])):
        target = chance.choice(rows)
        match chance.randrange(7):
            case 0 | 1 | 2:
                target[chance.choice(columns)] = chance.choice(NASTY)
            case 3:
                name = chance.choice(list(target))
                target[name] = str(chance.choice([10, 1e4, 1e-4, -1, 1e12])) + target[name]
            case 4:
                rows.append(dict(chance.choice(rows)))
            case 5:
                name = chance.choice(list(target))
                for each in rows:
                    each.pop(name, None)
            case _:
                first, second = chance.choice(columns), chance.choice(columns)
                target[first], target[second] = target.get(second, ""), target.get(first, "")
    return rows


def encode(chance: random.Random, rows: Rows, extra: list[str]) -> bytes:
    """A table as bytes, as one program or another writes it."""
    names = list(dict.fromkeys(name for r in rows for name in r))
    chance.shuffle(names)
    names += extra
    out = io.StringIO()
    ending = chance.choice(["\n", "\n", "\n", "\r\n", "\r"])
    writer = csv.writer(out, delimiter=chance.choice("," * 14 + ";\t"), lineterminator=ending,
                        quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))  # fmt: skip
    writer.writerow(names)
    for r in rows:
        writer.writerow([r.get(name, "") for name in names])
    return spoil_bytes(chance, out.getvalue().encode(chance.choice(["utf-8"] * 18 + ["utf-8-sig", "utf-16"])))


def spoil_bytes(chance: random.Random, content: bytes) -> bytes:
    """Bytes lost, doubled or put in; most often none."""
    data = bytearray(content)
    for _ in range(chance.choice([0] * 14 + [1, 2, 5])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                data[at:at] = chance.choice([b'"', b"\x00", b"\n", b",", b"\xff", b"\xef\xbb\xbf", b"'", b":", b"- "])
            case 2:
                del data[at:]
            case 3:
                del data[at : at + chance.randrange(40)]
            case _:
                data[at:at] = data[max(0, at - 30) : at]
    return bytes(data)


def plan(metric: str) -> Record:
    """A sound plan for one table."""
    lane = "A" if metric == "z" else "B"
    own = {"title": "Own", "lane": lane, "metric": metric, "sources": ["own"], "model": "composites"}
    return {"title": "Review", "sources": ["own"], "syntheses": {"own": own}}


def spoil_plan(chance: random.Random, content: Any) -> Any:
    """Another value, one key more, or one key less, anywhere in a plan."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict | list):
            for key in list(node) if isinstance(node, dict) else range(len(node)):
                places.append((node, key))
                walk(node[key])

    walk(content)
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        holder, key = chance.choice(places)
        match chance.randrange(4):
            case 0 | 1:
                holder[key] = chance.choice(PLAN_VALUES)
            case 2 if isinstance(holder, dict):
                holder[chance.choice(PLAN_KEYS)] = chance.choice(PLAN_VALUES)
            case _:
                if isinstance(holder, dict):
                    holder.pop(key, None)
    return content


def case(target: str, number: int, folder: Path) -> str:
    """Runs one case in an empty folder; says whether it had a result. Raises Broken, or whatever slipped out."""
    chance = random.Random(f"{target} {number}")  # noqa: S311
    try:
        TARGETS[target](chance, folder)
    except InputError as error:
        _named(error)
        return "named error"
    return "result"


def _named(error: InputError) -> None:
    if not error.problems:
        raise Broken("an error without a problem")
    for problem in error.problems:
        if not problem.where or not problem.allowed:
            raise Broken(f"an error without place or allowed values: {problem}")


def _write(folder: Path, content: bytes) -> Path:
    own = folder / "data" / "raw" / "own"
    own.mkdir(parents=True, exist_ok=True)
    (own / "effects.csv").write_bytes(content)
    return folder / "data" / "raw"


def _tables(chance: random.Random, folder: Path) -> None:
    metric, rows = table(chance)
    spoilt = spoil_rows(chance, rows, [c.name for c in COLUMNS])
    raw = _write(folder, encode(chance, spoilt, chance.choice([[]] * 12 + [["extra"], ["value"], [""]])))
    extracted_well(extract(raw, "own", (metric,)), metric)


def extracted_well(found: Extracted, metric: str) -> None:
    """Every row is used or dropped with a reason; what is used is finite."""
    for effect in found.effects:
        if not (math.isfinite(effect.yi) and 0 < effect.vi < math.inf):
            raise Broken(f"yi {effect['yi']}, vi {effect['vi']} of {effect['effect_id']}")
        if effect.metric == "z" and abs(effect.yi) > 20:
            raise Broken(f"a correlation of 1: {effect['yi']}")
    for dropped in found.dropped:
        if not dropped.reason:
            raise Broken(f"{dropped['effect_id']} was dropped without a reason")
    names = [r.effect_id for r in (*found.effects, *found.dropped)]
    if len(set(names)) != len(names):
        raise Broken("a row is there twice")


def _corrections(chance: random.Random, folder: Path) -> None:
    metric, rows = table(chance)
    raw = _write(folder, _plain(rows))
    lines = []
    for _ in range(chance.randrange(1, 4)):
        target, name = chance.choice(rows), chance.choice([c.name for c in COLUMNS])
        new = chance.choice([*NASTY, *target.values()])
        line = {"effect_id": target["effect_id"], "field": name, "old": target.get(name, ""), "new": new}
        lines.append(line | {"reason": "slip", "who": "CD", "date": "2026-11-23"})
    content = encode(chance, spoil_rows(chance, lines, [c.name for c in CORRECTION_COLUMNS]), [])
    (raw / "corrections.csv").write_bytes(content)
    extracted_well(extract(raw, "own", (metric,)), metric)


def _plain(rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for r in rows for name in r)), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _claims(chance: random.Random, folder: Path) -> None:
    line = {"claim_id": "c1", "statement": "helps", "says": "x", "cites": "x", "claim": "positive"}
    line |= {"quantity": "pooled:own", "rule": "above", "low": "0", "source_agrees": "yes", "reading": "as it stands"}
    path = folder / "claims.csv"
    path.write_bytes(encode(chance, spoil_rows(chance, [line], [c.name for c in CLAIM_COLUMNS]), []))
    read_claims(path)


def _plans(chance: random.Random, folder: Path) -> None:
    metric, _ = table(chance)
    text = yaml.safe_dump(spoil_plan(chance, plan(metric)), allow_unicode=True, sort_keys=False)
    text = chance.choice([""] * 14 + ["a: &a [x]\nb: *a\n", "!!python/object:os.system {}\n", "%TAG\n", "\t"]) + text
    path = folder / "config.yaml"
    path.write_bytes(spoil_bytes(chance, text.encode()))
    planning.load(read_yaml(path), path.name)


def _reviews(chance: random.Random, folder: Path) -> None:
    """A whole review: plan and table from bytes to fits, diagnostics, forest plot, script."""
    metric, rows = table(chance)
    raw = _write(folder, encode(chance, spoil_rows(chance, rows, [c.name for c in COLUMNS]), []))
    about = {"title": "Own", "citation": "Own", "licence": "own", "limits": ["none known"]}
    about["extraction"] = {"how": "by hand", "by": "CD", "on": "2026-11-23"}
    (raw / "own" / "source.yaml").write_text(yaml.safe_dump(about))
    content = plan(metric)
    own = content["syntheses"]["own"]
    own |= {"tau2": chance.choice(["REML", "DL", "PM", "SJ", "ML", "EB", "FE"])}
    own |= {"ci": chance.choice(["wald", "hksj", "hksj_adhoc"]), "rho": chance.choice([0, 0.6, 1])}
    if chance.random() < 0.2:
        content = spoil_plan(chance, content)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    made = planning.load(read_yaml(path), path.name)
    check_folder(raw, made.config, planning.check(made, raw))
    for name, synthesis in made.config.syntheses.items():
        found = extract(raw, "own", (synthesis.metric,))
        document = run_synthesis(name, synthesis, made.config.defaults, found.effects, found.dropped)
        fitted_well(document, found.effects)
        again = run_synthesis(name, synthesis, made.config.defaults, found.effects, found.dropped)
        if repr(again) != repr(document):
            raise Broken("the same data give other numbers")
        diagnose(document, (), Diagnostics(permutations=99, gosh_subsets=100))
        shown = presented(document, synthesis, found)
        shown = replace(shown, figure=replace(shown.figure, favours=None))
        if not isinstance(forest(shown), Layout):
            raise Broken("no forest plot")
        r_script(shown)
        r_data(document)


def fitted_well(document: Fitted, effects: Sequence[Effect]) -> None:
    """What holds of every fit."""
    low, middle, high = (document.fit.ci_low, document.fit.estimate, document.fit.ci_high)
    if not (math.isfinite(middle) and low <= middle <= high):
        raise Broken(f"interval [{low}, {high}] around {middle}")
    if document.fit.tau2 is not None and not document.fit.tau2 >= 0:
        raise Broken(f"tau2 {document['tau2']}")
    if document.fit.i2 is not None and not 0 <= document.fit.i2 <= 100:
        raise Broken(f"I2 {document['i2']}")
    if document.fit.pi_low is not None and not document.fit.pi_low <= middle <= document.fit.pi_high:
        raise Broken("a prediction interval beside its estimate")
    if not 0 <= document.fit.p <= 1:
        raise Broken(f"p {document['p']}")
    if document.fit.k != len(effects) or document.fit.samples != len({e.sample_id for e in effects}):
        raise Broken(f"{document['k']} estimates of {len(effects)}")
    values = [e.yi for e in effects]
    slack = 1e-9 * (1 + max(map(abs, values)))
    if document.fit.model != "che" and not min(values) - slack <= middle <= max(values) + slack:
        raise Broken(f"a mean of {middle} outside of {min(values)} to {max(values)}")


FILE_NAMES = (
    "studies.csv", "2024.csv", "no.csv", "null.csv", "y.csv", "con.csv", "all.csv", "none.csv", "a.b.c.csv",
    "My table (2).csv", "\u00fcbersicht.csv", "\u6f22\u5b57.csv", "x" * 90 + ".csv", "_.csv", "-.csv", "=1.csv",
    "{x}.csv",
    "$(id).csv", ".csv", "no extension", "a'b\"c.csv", "a,b.csv", "\U0001f600.csv", "results.csv", "9" * 70 + ".csv",
    "True.csv", "1e5.csv",
)  # fmt: skip


def _starts(chance: random.Random, folder: Path) -> None:
    """A review from a table: whatever is started passes every check of the workflow; nothing is left otherwise."""
    metric, rows = table(chance)
    (statistic,) = {rows[0]["statistic"]}
    names = [name for name in ("study", *STATISTICS[statistic]) if name in rows[0]]
    headers = {name: chance.choice([name, name.upper(), f"{name} (x)", "\u00e9" + name]) for name in names}
    if chance.random() < 0.1:
        headers[chance.choice(names)] = chance.choice(NASTY)
    spoilt = spoil_rows(chance, [{headers[n]: r.get(n, "") for n in names} for r in rows], list(headers.values()))
    file = folder / chance.choice(FILE_NAMES)
    file.write_bytes(encode(chance, spoilt, chance.choice([[]] * 6 + [["extra"], [headers["study"]]])))
    words = [chance.choice([*["Own"] * 20, *NASTY]) for _ in range(3)]
    what = Start(
        words[0], file, statistic, headers, chance.choice(["larger", "smaller"]), words[1], metric, by=words[2]
    )
    made = folder / chance.choice(["review", "a b/c", "\u00fc"])
    try:
        start(made, what, datetime.date(2026, 1, 2))
    except InputError:
        if made.exists():
            raise Broken("a folder is left behind") from None
        raise
    planning.check(planning.load(read_yaml(made / "config.yaml")), made / "data" / "raw")


def _wild(chance: random.Random, folder: Path) -> None:
    """A table as people keep them: no number of it comes out as another."""
    import in_the_wild

    in_the_wild.run(chance, folder)


TARGETS: dict[str, Callable[[random.Random, Path], None]] = {
    "starts": _starts,
    "wild": _wild,
    "tables": _tables,
    "corrections": _corrections,
    "claims": _claims,
    "plans": _plans,
    "reviews": _reviews,
}
