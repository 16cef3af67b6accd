"""Numbers that cannot be are named, those of real tables are not; a row can be confirmed."""

import csv
import math

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data.columns import BY_NAME
from synthesis.data.doubts import doubts_between, doubts_of, settled
from synthesis.data.tables import typed

TABLES = sorted([*(ROOT / "data" / "raw").glob("*/effects.csv"), *(ROOT / "examples").rglob("effects.csv")])


def row(**cells):
    """A row of a study; numbers as text, as in a table."""
    usual = {"effect_id": "a", "level": "study", "estimand": "d_between", "construct": "protocol"}
    return typed(dict.fromkeys(BY_NAME, "") | usual | {name: str(value) for name, value in cells.items()})


def doubted(**cells):
    return [(column, hint) for column, _, _, hint in doubts_of(row(**cells))]


# A standard error of .05 with 40 and 39 people: at least sqrt(1/40 + 1/39) = 0.225.
IMPOSSIBLE = {"statistic": "g", "value": 0.41, "se": 0.0523, "n_treat": 40, "n_control": 39}


@pytest.mark.parametrize(
    ("cells", "column", "hint"),
    [
        (IMPOSSIBLE, "se", "looks like a variance"),
        (IMPOSSIBLE | {"n_treat": "", "n_control": "", "n": 79}, "se", "looks like a variance"),
        ({"statistic": "d", "value": 0.4, "variance": 0.2273, "n_treat": 40, "n_control": 39}, "variance",
         "looks like a standard error"),
        ({"statistic": "smd", "value": 0.4, "se": 0.9, "n_treat": 40, "n_control": 39}, "se", "of another row"),
        ({"statistic": "g", "value": 0.4, "ci_low": 0.35, "ci_high": 0.45, "n_treat": 40, "n_control": 39}, "ci_high",
         "another level"),
        # .19 [-.12, .50] without the sign of its lower limit.
        ({"statistic": "g", "value": 0.19, "ci_low": 0.12, "ci_high": 0.5}, "value", "lost its sign"),
        ({"statistic": "or", "value": 1.42, "ci_low": 1.1, "ci_high": 2.83}, "value", "lost its sign or a digit"),
        ({"statistic": "r", "value": 0.3, "ci_low": 0.29, "ci_high": 0.42, "estimand": "r_total"}, "value", "limit"),
        # Fisher's z of 100 people: 1 / sqrt(97) either way.
        ({"statistic": "r", "value": 0.3, "ci_low": 0.27, "ci_high": 0.33, "n": 100, "estimand": "r_total"}, "ci_high",
         "other people"),
        ({"statistic": "g", "value": 0.4, "se": 0.2, "variance": 0.2}, "variance", "another row"),
        ({"statistic": "mean_sd", "sd_treat": 1.1, "sd_control": 8.2}, "sd_treat", "standard error entered as SD"),
        ({"statistic": "g", "value": 0.4, "se": 0.2, "p": ".5"}, "p", "another row"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(cells, column, hint):
    found = doubted(**cells)
    assert [name for name, _ in found] == [column]
    assert hint in found[0][1]


@pytest.mark.parametrize(
    "cells",
    [
        IMPOSSIBLE | {"se": 0.2273},
        # Adjusted for a baseline that correlates .8 with the outcome: sqrt(1 - .64) = .6.
        IMPOSSIBLE | {"se": 0.6 * 0.2273},
        # A design effect of 4.
        IMPOSSIBLE | {"se": 2 * 0.2273},
        # A summary has the standard error of its pool.
        IMPOSSIBLE | {"level": "summary"},
        # Printed with two decimals.
        {"statistic": "g", "value": 0.1, "ci_low": 0.0, "ci_high": 0.1},
        # Symmetric on Fisher's z, and one that somebody computed on r itself.
        {"statistic": "r", "value": 0.8, "ci_low": 0.55, "ci_high": 0.92, "n": 20, "estimand": "r_total"},
        {"statistic": "r", "value": 0.8, "ci_low": 0.64, "ci_high": 0.96, "n": 20, "estimand": "r_total"},
        {"statistic": "or", "value": 2.1, "ci_low": 0.95, "ci_high": 4.64},
        # SD ratios up to 4 exist in print.
        {"statistic": "mean_sd", "sd_treat": 2.4, "sd_control": 9.4},
    ],
)
def test_what_can_be_is_not(cells):
    assert doubted(**cells) == []


@given(
    st.floats(-2, 2), st.integers(5, 5000), st.integers(5, 5000), st.integers(2, 6), st.sampled_from(["d", "g", "smd"])
)
def test_a_rounded_effect_with_its_own_precision_is_never_doubted(g, n_treat, n_control, decimals, statistic):
    se = math.sqrt(1 / n_treat + 1 / n_control + g * g / (2 * (n_treat + n_control)))
    numbers = {"value": g, "ci_low": g - 1.96 * se, "ci_high": g + 1.96 * se}
    numbers = {name: round(x, decimals) for name, x in numbers.items()}
    if numbers["ci_low"] < numbers["ci_high"] and round(1.96 * se, decimals) > 20 * 10.0**-decimals:
        assert doubted(statistic=statistic, n_treat=n_treat, n_control=n_control, **numbers) == []
    assert doubted(statistic=statistic, n_treat=n_treat, n_control=n_control, value=g, se=f"{se:.4g}") == []
    assert doubted(statistic=statistic, n_treat=n_treat, n_control=n_control, value=g, variance=f"{se * se:.4g}") == []


def means(*sds, outcome="BDI", mean=13.0, n=50, statistic="mean_sd"):
    rows = [
        row(statistic=statistic, outcome=outcome, mean_treat=mean, mean_control=mean + 3, sd_treat=sd,
            sd_control=1.05 * sd, n_treat=n, n_control=n)
        for sd in sds
    ]  # fmt: skip
    return list(enumerate(rows, start=2))


def test_standard_errors_among_the_sds_of_an_outcome_are_named():
    """SDs of a depression scale of 7.4 to 9.0, and 1.12 with 52 people: 1.12 sqrt(52) = 8.1."""
    for outcome in ("BDI", ""):
        ((number, (column, _, allowed, hint)),) = doubts_between(means(8.1, 7.4, 1.12, 9.0, n=52, outcome=outcome))
        assert (number, column) == (4, "sd_treat")
        assert "about 7.94" in allowed
        assert hint == "standard errors entered as SDs?"


def test_other_scales_are_not():
    """Without a name of the outcome, small SDs beside small means are another scale."""
    mixed = [*means(8.1, 7.4, 9.0, outcome=""), *means(0.5, outcome="", mean=0.8)]
    assert list(doubts_between(mixed)) == []
    named = [*means(8.1, 7.4, 9.0), *means(0.5, outcome="GSI", mean=0.8)]
    assert list(doubts_between(named)) == []
    # Two rows do not say what is usual.
    assert list(doubts_between(means(8.1, 1.1))) == []
    assert list(doubts_between(means(8.1, 7.4, 3.0))) == []


def test_a_checked_row_and_one_in_no_pool_are_settled():
    assert settled(row(checked="yes", checked_reason="Table 2"))
    assert settled(row(exclusion_reason="probable standard errors"))
    assert not settled(row())
    rows = means(8.1, 7.4, 1.12, 9.0, n=52)
    rows[2][1]["checked"] = "yes"
    assert list(doubts_between(rows)) == []


@pytest.mark.parametrize("path", TABLES, ids=[path.parent.name for path in TABLES])
def test_real_tables_raise_no_false_alarm(path):
    """But for rows that corrections leave out, whose SDs are probably errors of print."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [(number, typed(cells)) for number, cells in enumerate(csv.DictReader(handle), start=2)]
    found = [rows[number - 2][1]["effect_id"] for number, _ in doubts_between(rows)]
    found += [cells["effect_id"] for _, cells in rows if not settled(cells) and list(doubts_of(cells))]
    with (ROOT / "data" / "raw" / "corrections.csv").open(encoding="utf-8", newline="") as handle:
        left_out = {c["effect_id"] for c in csv.DictReader(handle) if c["field"] == "exclusion_reason" and c["new"]}
    assert set(found) <= left_out


def test_the_workflow_asks_and_takes_an_answer(project, capsys):
    from synthesis.cli.main import main

    def check():
        return main(
            ["check", "--config", str(project.folder / "config.yaml"), "--raw", str(project.folder / "data/raw")]
        )

    rows = project.rows()
    columns = list(rows[0])
    wrong = dict.fromkeys(columns, "") | rows[0]
    wrong |= {"effect_id": "doubted", "statistic": "g", "value": "0.41", "se": "0.0523", "quote": "g = 0.41 (0.0523)"}
    wrong |= {"n_treat": "40", "n_control": "39", "sample_id": "doubted", "study": "Doubted"}
    for name in ("events_treat", "total_treat", "events_control", "total_control", "n"):
        if name in wrong:
            wrong[name] = ""
    project.write([*rows, wrong])
    assert check() == 1
    said = capsys.readouterr().err
    assert "column se: '0.0523'" in said
    assert "use the column variance" in said
    assert "checked yes" in said
    project.write([*rows, wrong | {"checked": "yes", "checked_reason": "Table 2 prints it so"}])
    assert check() == 0
