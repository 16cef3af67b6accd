"""Which way a finding goes: of the outcome (`direction`), of an unsigned statistic (`sign`)."""

import csv
import datetime

import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from synthesis.data.extraction import extract
from synthesis.meta.pool import pool
from synthesis.plan.starting import Start, start

DAY = datetime.date(2026, 1, 2)
MEANS = ("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control")
# Trials by F or p, fewer symptoms in the treated: https://github.com/strengejacke/esc/issues/17, rebuilt.
F_TABLE = """study,fval,pval,dfn,n1,n2,sign
Nowak 2002,6.40,0.014,1,34,33,-1
Osei 2007,4.90,0.029,1,45,46,-1
Pranoto 2011,9.10,0.004,1,28,27,-1
Quispe 2013,5.20,0.025,1,52,50,-1
Rahal 2019,3.95,0.050,1,40,41,-1
"""
# Quality of life, depression and wellbeing: https://authorea.com/users/674467/articles/672795/download_zip, rebuilt.
SCALES = """study,scale,m1,s1,n1,m0,s0,n0
Adeyemi 2006,quality of life,61.2,14.1,40,55.0,13.7,41
Bruun 2010,depression,12.2,7.7,36,15.9,7.5,35
Cruz 2013,depression,14.0,8.2,52,15.6,8.0,50
Dang 2017,wellbeing,22.9,5.6,70,21.0,5.4,68
Eder 2020,depression,10.8,6.1,29,14.4,6.6,30
"""
SMALLER = (1, 2, 4)


def review(tmp_path, table, columns, statistic, better="smaller"):
    path = tmp_path / "own.csv"
    path.write_text(table)
    what = Start("x", path, statistic, {"study": "study"} | columns, better, "x", "g")
    start(tmp_path / "review", what, DAY)
    return tmp_path / "review" / "data" / "raw"


def pooled(raw, metric="g"):
    found = extract(raw, "own", (metric,)).effects
    return pool([row.yi for row in found], [row.vi for row in found])


COUNTS = {"n_treat": "n1", "n_control": "n2", "sign": "sign"}


def test_an_f_of_a_scale_where_less_is_better(tmp_path):
    """g +0.523 [0.350, 0.696]: metafor's escalc, measure SMD, ti = sqrt(F)."""
    fit = pooled(review(tmp_path, F_TABLE, {"value": "fval", "df1": "dfn"} | COUNTS, "f"))
    right = (0.523, 0.350, 0.696)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_3)


def test_a_p_of_a_scale_where_less_is_better(tmp_path):
    """The size is what the approximation by the normal statistic gives, 0.511; the sign is that of the finding."""
    fit = pooled(review(tmp_path, F_TABLE, {"p": "pval"} | COUNTS, "p"))
    assert fit.estimate == pytest.approx(0.511, abs=tolerances.PRINTED_3)


def mixed(tmp_path, outcome):
    columns = dict(zip(MEANS, ("m1", "s1", "n1", "m0", "s0", "n0"), strict=True)) | outcome
    raw = review(tmp_path, SCALES, columns, "mean_sd", "larger")
    table = raw / "own" / "effects.csv"
    with table.open() as handle:
        rows = list(csv.DictReader(handle))
    for place in SMALLER:
        rows[place]["direction"] = "-1"
    with table.open("w") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return raw


@pytest.mark.parametrize("outcome", [{}, {"outcome": "scale"}], ids=["no outcome", "outcome"])
def test_scales_of_both_directions_in_one_table(tmp_path, outcome):
    """g 0.37632 [0.20887, 0.54377]: metafor rma(yi, vi, test="knha"), yi of the falling scales times -1."""
    fit = pooled(mixed(tmp_path, outcome))
    right = (0.37632, 0.20887, 0.54377)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_4)


@given(st.lists(st.sampled_from([1.0, -1.0]), min_size=5, max_size=5), st.permutations(range(5)))
def test_turning_every_direction_turns_the_pool_and_order_is_nothing(turned, order):
    y, v = np.array([0.4, 0.1, -0.2, 0.3, 0.5]), np.array([0.05, 0.03, 0.04, 0.06, 0.02])
    signed = y * np.array(turned)
    there, back = pool(signed, v), pool(-signed[order], v[order])
    assert there.estimate == pytest.approx(-back.estimate, rel=tolerances.LAW, abs=tolerances.ZERO)
    assert there.ci_low == pytest.approx(-back.ci_high, rel=tolerances.LAW, abs=tolerances.ZERO)
