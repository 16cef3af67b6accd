"""The edge of every column, for every converter: a right number, a row dropped by name, or a refusal by name.

The right numbers are those of `oracle.py`.
"""

import itertools
import math
import re
import warnings
from pathlib import Path

import mpmath as mp
import pytest
import tolerances
from fuzzing import BOUNDARIES, BOUNDARY_P, STATISTICS
from oracle import POLICY, normal, right
from synthesis.data import converters as es
from synthesis.data import scales
from synthesis.data.columns import BY_NAME, COLUMNS, NUMERIC_KINDS
from synthesis.data.extraction import convert_rows
from synthesis.data.printed import UNSIGNED_NAME
from synthesis.data.tables import check_cells, check_rows, typed
from synthesis.data.vocabulary import LANE_METRICS
from synthesis.errors import CannotConvert

# Columns of words that a converter reads.
WORDS = {"standardized_by"}
# Several columns at their edge together.
TOGETHER = {
    "r": [{"value": v, "range_ratio": u} for v in ("0", "0.3", "-0.9", "0.99") for u in ("0.5", "1", "2", "1e-15")]
    + [{"reliability_process": x, "reliability_outcome": x} for x in ("1", "0.5", "1e-15", "0")]
    + [{"value": "0", "n": "4"}, {"value": "0.3", "n": "3"}, {"value": "0.999999999999", "n": "4"},
          {"value": "0.3", "ci_low": "-1", "ci_high": "1"}, {"value": "0.3", "ci_low": "-1.2", "ci_high": "1.4"}],
    "z": [{"value": "0.25", "n": "", "se": s} for s in BOUNDARIES] + [{"value": v, "se": "0.1"} for v in BOUNDARIES]
    + [{"value": "0.25", "n": "", "ci_low": low, "ci_high": "0.45"} for low in BOUNDARIES],
    "t": [{"value": "0", "n": "2", "df": ""}, {"value": "0", "n": "2", "df": "1e-15"}, {"value": "1e200", "df": "1"},
          {"value": "0", "n": "3", "df": ""}, {"value": "2", "n": "4", "df": "", "n_treat": "2", "n_control": "2"}],
    "f": [{"value": "0", "df": "1e-15"}, {"value": "0", "n_treat": "2", "n_control": "2"}],
    "chi2": [{"value": "90"}, {"value": "91"}, {"value": "0", "n": "4"}],
    "p": [{"p": p, "n": "4", "n_treat": "2", "n_control": "2"} for p in BOUNDARY_P]
    + [{"p": p, "n": "1000000000", "n_treat": "1000000000", "n_control": "1000000000"} for p in BOUNDARY_P],
    "d": [{"n_treat": "2", "n_control": "2"}, {"n_treat": "", "n_control": ""}]
    + [{"se": s} for s in BOUNDARIES] + [{"ci_low": "0.38", "ci_high": "0.38"}, {"ci_low": "0.1", "ci_high": "0.7"}],
    "mean_sd": [{"sd_treat": "", "sd_control": "", "se_treat": a, "se_control": b}
                for a in BOUNDARIES for b in ("1", a)]
    + [{"sd_treat": "", "mean_ci_low_treat": a, "mean_ci_high_treat": b} for a, b in
       (("8", "11"), ("11", "8"), ("9.6", "9.6"), ("-9", "9"), ("8", ""), ("9", "1e15"))]
    + [{"sd_treat": "0", "sd_control": "0"}, {"sd_treat": "1e-15", "sd_control": "1e-15"},
                {"n_treat": "2", "n_control": "2"}, {"mean_treat": "1e15", "mean_control": "-1e15"},
                {"mean_treat": "5", "mean_control": "5"}, {"n_treat": "1000000000", "n_control": "1000000000"}],
    "2x2": [{"events_treat": a, "total_treat": n, "events_control": c, "total_control": m}
            for a, n, c, m in itertools.product(("0", "1", "2", "3", "4", "1000000000"), ("1", "2", "3", "1000000000"),
                                                ("0", "1", "3"), ("1", "3", "1000000000"))],
    "g": [{"se": "", "ci_low": low, "ci_high": high} for low, high in itertools.product(BOUNDARIES, BOUNDARIES[::3])]
    + [{"se": "", "n_treat": n, "n_control": "2"} for n in BOUNDARIES],
    "smd": [{"n_treat": "", "n_control": "", "se": s} for s in BOUNDARIES],
    "rr": [{"se": text, "ci_low": "", "ci_high": ""} for text in BOUNDARIES],
    "log_or": [{"se": "", "variance": text} for text in BOUNDARIES]
    + [{"se": "", "ci_low": low, "ci_high": high} for low, high in itertools.product(BOUNDARIES, BOUNDARIES[::3])],
    "log_rr": [{"value": "0", "se": text} for text in BOUNDARIES]
    + [{"value": v, "risk_control": p} for v in ("0", "0.5", "-30", "34.6", "-34.6") for p in BOUNDARIES],
    "log_hr": [{"value": v, "risk_control": p} for v in ("0", "0.5", "-30", "34.6", "-34.6") for p in BOUNDARIES],
    "smd_within_arm_change": [{"standardized_by": by} for by in ("", "baseline", "change")],
    "median": [{f"{q}_{a}": v for a in ("treat", "control")
                for q, v in zip(("q1", "q3", "min", "max"), at, strict=True)}
               for at in (("", "", "0", "30"), ("6", "15", "0", "30"), ("", "", "", ""), ("9", "9", "9", "9"),
                          ("12", "6", "", ""), ("6", "15", "7", "30"), ("-1e15", "1e15", "", ""))]
    + [{"n_treat": n, "n_control": n} for n in ("2", "3", "1000000000")],
    "ancova": [{"covariate_r": text, "covariates": ""} for text in BOUNDARIES]
    + [{"covariates": c, "n_treat": "2", "n_control": "3"} for c in ("0", "1", "2", "3", "9")],
    "pre_post": [{"pre_post_r": text, "sd_treat": "5.1"} for text in BOUNDARIES],
    "proportion": [{"value": v, "n": n} for v, n in
                   itertools.product(("0", "1", "0.5", "1e-15"), ("2", "3", "1000000000"))],
    "count": [{"events_treat": v, "total_treat": n} for v, n in
              itertools.product(("0", "1", "2"), ("1", "2", "1000000000"))],
    "rates": [{"events_treat": a, "events_control": b} for a, b in itertools.product(("0", "1"), ("0", "1000000000"))],
    "hr": [{"value": v, "ci_low": "", "ci_high": "", "se": s} for v in ("0", "1", "1e-15") for s in BOUNDARIES],
    "semipartial_r": [{"value": v, "r2_model": w} for v, w in
                      (("0.5", "0.2"), ("0.5", "0.25"), ("0", "0"), ("-0.9", "0.99"))],
    "or": [{"value": v, "ci_low": low, "ci_high": high, "n": "50"}
           for v, low, high in (("1", "1", "1"), ("1.00", "1.00", "1.00"), ("1", "0", "2"), ("0", "0", "2"),
                                ("1", "-1", "2"), ("1.5", "1.6", "2"), ("1.5", "2", "1.1"), ("1", "1e-15", "1e15"),
                                ("1e15", "1e15", "1e15"), ("1e16", "1e15", "1e17"), ("1e-300", "1e-308", "1"),
                                ("1e14", "99999999999999", "100000000000001"))],
}  # fmt: skip


def cells_of(statistic, metric):
    """Every cell of the table for a converter: one column at its edge, then several."""
    base = STATISTICS[statistic] | ({"standardized_by": "change"} if metric == "smcc" else {})
    for name in base.keys() - WORDS:
        for text in BOUNDARY_P if name == "p" else BOUNDARIES:
            yield base | {name: text}, (name, text)
    for changes in TOGETHER.get(statistic, ()):
        yield base | changes, None


TABLE = [(key, cells, at) for key in es.CONVERTERS for cells, at in cells_of(*key)]


def printed(cells):
    """A whole row, as text."""
    lane = {"construct": "alliance", "estimand": "r_total"}
    fixed = {"effect_id": "e1", "sample_id": "s1", "study": "S", "level": "study", "direction": "1", "locator": "p. 1"}
    return fixed | lane | {"quote": "q"} | cells


def one_row(statistic, metric, cells):
    """What becomes of a printed row: ("used", effect), ("dropped", reason) or ("refused", problems)."""
    row = printed(cells) | {"statistic": statistic, "sign": "1" if statistic in UNSIGNED_NAME else ""}
    lane = next(lane for lane, own in LANE_METRICS.items() if metric in own)
    if lane != "A":
        row |= {"construct": "protocol", "estimand": {"B": "d_between", "C": "one_group"}[lane]}
    path = Path("effects.csv")
    problems = check_cells(path, [(2, row)], COLUMNS)
    rows = [] if problems else [(2, typed(row) | {"corrected": ""})]
    problems += check_rows(path, rows)
    if problems:
        return "refused", problems
    found = convert_rows(rows, "own", (metric,), POLICY)
    assert len(found.effects) + len(found.dropped) == 1
    return ("used", found.effects[0]) if found.effects else ("dropped", found.dropped[0].reason)


def number(text):
    return float(text) if text else math.nan


def is_right(statistic, metric, cells, yi, vi):
    with mp.workdps(60):
        want_yi, want_vi = right(statistic, metric, cells)
    assert math.isfinite(yi)
    assert 0 < vi < math.inf
    assert yi == pytest.approx(float(want_yi), rel=tolerances.BOUNDARY, abs=tolerances.BOUNDARY_ZERO)
    assert vi == pytest.approx(float(want_vi), rel=tolerances.BOUNDARY)


@pytest.mark.parametrize("key", es.CONVERTERS, ids="-".join)
def test_every_cell_of_a_printed_row_is_right_dropped_or_refused_by_name(key):
    """By way of the reader's checks: what the workflow does with the row."""
    outcomes = {"used": 0, "dropped": 0, "refused": 0}
    for cells, at in cells_of(*key):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome, said = one_row(*key, cells)
        outcomes[outcome] += 1
        if outcome == "used":
            is_right(*key, cells, said.yi, said.vi)
        elif outcome == "refused":
            assert all(p.where and p.allowed for p in said)
            assert at is None or any(named(*at, str(problem)) for problem in said), (cells, said)
        else:
            names_what_is_wrong(said, cells)
    assert outcomes["used"] > 0
    assert outcomes["dropped"] + outcomes["refused"] > 0


def named(column, text, problem):
    """Whether a problem is about a cell: its column, or what stands there as other columns' problems print it."""
    return column in problem or f"{float(text):g}" in problem


def names_what_is_wrong(reason, cells):
    """A reason names a column with what stands there, or says in words which number it is about."""
    by_column = re.match(r"(\w+): '(.*?)'; allowed: .", reason)
    if by_column:
        assert by_column[1] in BY_NAME
        return
    assert re.search(
        r"p is printed only as|too small for Fisher's z|F with|chi-square with|no events, or nothing but|not printed: |"
        r"is not a standardized one|give an effect of",
        reason,
    ), (reason, cells)


@pytest.mark.parametrize("key", es.CONVERTERS, ids="-".join)
def test_every_converter_itself_is_right_or_refuses(key):
    """Without the reader's checks: the library's own promise, with numbers that no cell may hold."""
    statistic, metric = key
    empty = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
    refused = 0
    for cells, _ in cells_of(statistic, metric):
        row = empty | {k: v if k in {"p", *WORDS} else number(v) for k, v in cells.items()}
        row |= {"statistic": statistic, "direction": 1.0, "sign": 1.0, "estimand": "r_total", "level": "study"}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                estimate, _ = es.convert(row, metric, POLICY)
            except CannotConvert as refusal:
                refused += 1
                names_what_is_wrong(str(refusal), cells)
                continue
        is_right(statistic, metric, cells, estimate.yi, estimate.vi)
    assert refused > 0


def test_the_table_holds_every_converter_and_column():
    assert {key for key, _, _ in TABLE} == set(es.CONVERTERS)
    assert len(TABLE) > 3000


@pytest.mark.parametrize("statistic", ["r", "smd", "g", "d"])
def test_published_summaries_at_the_edge(statistic):
    """A summary has a finite place with a variance above 0 or none, or is dropped by name."""
    metric = "z" if statistic == "r" else "g"
    empty = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
    base = {"value": "0.3", "se": "0.1", "ci_low": "0.1", "ci_high": "0.5"}
    rows = [base | {name: text} for name in base for text in ("", *BOUNDARIES)]
    rows += [{"value": "0.3", "se": text} for text in BOUNDARIES]
    rows += [
        base | {"ci_low": a, "ci_high": b} for a, b in (("0.3", "0.3"), ("0.5", "0.1"), ("-1", "1"), ("0.4", "1.1"))
    ]
    used = 0
    for cells in rows:
        row = empty | {k: number(v) for k, v in cells.items()}
        row |= {"statistic": statistic, "direction": -1.0, "level": "summary"}
        try:
            yi, vi = es.summary_point(row, metric)
        except CannotConvert as refusal:
            names_what_is_wrong(str(refusal), cells)
            continue
        used += 1
        assert math.isfinite(yi)
        assert vi is None or 0 < vi < math.inf
        assert yi == pytest.approx(-math.atanh(row["value"]) if metric == "z" else -row["value"])
    assert 0 < used < len(rows)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"p": ".000"}, "p: '.000'; allowed: above 0, at least 1e-300 (SPSS prints .000 for p < .0005: enter the "
                        "printed bound <.0005, or the test statistic"),
        ({"p": "0.00"}, "enter the printed bound <.005, or the test statistic"),
        ({"p": "0"}, "SPSS prints .000 for p < .0005: enter the test statistic"),
        ({"p": "1e-320"}, "p: '1e-320'; allowed: above 0, at least 1e-300"),
        ({"statistic": "or", "value": 1.0, "ci_low": 1.0, "ci_high": 1.0}, "ci_high: '1'; allowed: above ci_low 1"),
        ({"statistic": "t", "value": 0.0, "n": 2.0}, "n: '2'; allowed: above 2"),
        ({"statistic": "t", "value": 1e12, "n": 50.0}, "value: '1e+12'; allowed: what gives a correlation"),
        ({"statistic": "r", "value": 1.0}, "value: '1'; allowed: a correlation between -1 and 1"),
        ({"statistic": "z", "value": 12.0}, "the z of a test is no Fisher's z"),
        ({"statistic": "or", "value": 0.5, "ci_low": -1.1, "ci_high": 0.9}, "a logarithm entered as a ratio"),
    ],
)  # fmt: skip
def test_what_a_reason_says(cells, said):
    empty = {n: None if c.kind in NUMERIC_KINDS else "" for n, c in BY_NAME.items()}
    row = empty | {"statistic": "p", "n": 50.0, "direction": 1.0, "sign": 1.0, "estimand": "r_total"} | cells
    with pytest.raises(CannotConvert, match=re.escape(said)):
        es.convert(row, "z", es.Policy())


def test_small_p_values_keep_their_z():
    """1 - p/2 is 1 below 1e-16; z of p = 1e-20 is 9.3343 (Wichura 1988, AS 241, by the lower tail)."""
    for p in ("1e-12", "1e-16", "1e-20", "1e-100"):
        outcome, effect = one_row("p", "z", {"p": p, "n": "5000"})
        assert outcome == "used"
        with mp.workdps(60):
            z = normal(float(p))
        assert math.tanh(effect.yi) * math.sqrt(5000) == pytest.approx(float(z), rel=tolerances.LAW)


@pytest.mark.parametrize(
    ("p", "sound"), [(".000", True), (".00", True), ("0", True), (".040", False), ("<.0001", True)]
)
def test_a_printed_zero_is_checked_as_the_bound_that_it_is(p, sound):
    """z = 4 is p = .00006, which a program prints as .000: the row says nothing against itself."""
    outcome, _ = one_row("g", "g", {"value": "0.4", "se": "0.1", "p": p})
    assert outcome == ("used" if sound else "refused")


def test_limits_of_ratios_beyond_floating_point_are_missing_not_infinite():
    assert scales.back_transform("log_odds_ratio", 709.0) == pytest.approx(math.exp(709))
    assert scales.back_transform("log_odds_ratio", 720.0) is None
    assert scales.back_transform("log_risk_ratio", -800.0) == 0.0
