"""Working models side by side: numbers of metafor and clubSandwich, laws, the declared table, refusals."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import synthesis
from conftest import DATA
from synthesis.errors import InputError
from synthesis.plan.config import Diagnostics
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.document import read_document, write_document
from synthesis.review.diagnose import diagnose
from synthesis.review.diagnostic_tables import tables, write_tables
from test_correlated import repeated as repeated
from test_dependence import fitted, plan_of
from tolerances import LAW, RMA_MV, TWO_SEARCHES

STORED = json.loads((DATA / "dependence.json").read_text())["working"]
SETS = ["assink2016", "tannersmith2016"]


def of(name):
    data = STORED[name]["data"]
    return data["yi"], data["vi"], data["study"]


@pytest.mark.parametrize("name", SETS)
def test_each_working_model_is_that_of_metafor_with_cr2_of_clubsandwich(name):
    found, stored = synthesis.working_models(*of(name), rhos=STORED["rhos"]), STORED[name]["models"]
    che = dict(zip(STORED["rhos"], stored["che"], strict=True))
    expected = [("independence", None, stored["independent"])]
    expected += [("correlated", rho, ce) for rho, ce in zip(STORED["rhos"], stored["ce"], strict=True)]
    expected += [("che", rho, che[rho]) for rho in (0.3, 0.5, 0.8)]
    expected += [("three_level", 0, che[0]), ("composites", 0.6, stored["composites"])]
    for ours, (model, rho, theirs) in zip(found, expected, strict=True):
        assert (ours.model, ours.rho, ours.note) == (model, rho, "")
        numbers = [getattr(ours, key) for key in ("estimate", "se", "df", "ci_low", "ci_high")]
        named = [theirs[key] for key in ("estimate", "se", "df", "ci_low", "ci_high")]
        assert numbers == pytest.approx(named, rel=RMA_MV)
        variances = [ours.tau2] if ours.omega2 is None else [ours.tau2, ours.omega2]
        assert variances == pytest.approx(np.ravel(theirs["sigma2"]), rel=RMA_MV)


@pytest.mark.parametrize("name", SETS)
def test_che_and_three_level_are_those_of_the_pool(name):
    y, v, study = of(name)
    for row in synthesis.working_models(y, v, study, rhos=[0.5], level=0.9):
        if row.model in ("che", "three_level"):
            fit = synthesis.pool(y, v, cluster=study, model=row.model, rho=row.rho, level=0.9)
            assert (row.estimate, row.ci_low, row.ci_high, row.p) == (fit.estimate, fit.ci_low, fit.ci_high, fit.p)
        if row.model == "composites":
            fit = synthesis.pool(y, v, cluster=study, model="composites", rho=0.6)
            assert (row.estimate, row.tau2) == pytest.approx((fit.estimate, fit.tau2), rel=TWO_SEARCHES)


def test_order_and_unit_do_not_matter():
    y, v, study = (np.array(part) for part in of("assink2016"))
    at = np.random.default_rng(1).permutation(len(y))
    again = synthesis.working_models(10 * y[at], 100 * v[at], study[at].tolist())
    for first, other in zip(synthesis.working_models(y, v, study.tolist()), again, strict=True):
        numbers = [(row.estimate, row.se, row.df) for row in (first, other)]
        assert numbers[1] == pytest.approx((10 * numbers[0][0], 10 * numbers[0][1], numbers[0][2]), rel=TWO_SEARCHES)


def test_too_few_samples_for_an_interval_have_an_estimate_and_the_reason():
    rows = synthesis.working_models([0.1, 0.2, 0.5, 0.4, 0.3], [0.02, 0.03, 0.02, 0.04, 0.03], list("aabbc"))
    assert all("fewer than 4" in row.note for row in rows)
    assert all((row.se, row.p, row.ci_low, row.ci_high) == (None,) * 4 for row in rows)
    assert all(0.1 < row.estimate < 0.5 for row in rows)


def test_equal_effects_have_no_interval():
    rows = synthesis.working_models([0.2] * 16, [0.02, 0.03] * 8, [i // 2 for i in range(16)])
    assert {row.note for row in rows} == {"no interval: the effects have no spread around the model"}
    assert [row.estimate for row in rows] == pytest.approx([0.2] * len(rows), rel=LAW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rhos": [0.5, 1]}, "at least 0 and below 1"),
        ({"rhos": [-0.1]}, "at least 0 and below 1"),
        ({"composite_rho": 2}, "between 0 and 1"),
        ({"level": 95}, "95% is 0.95"),
        ({"cluster": list("abcdef")}, "samples that repeat"),
        ({"cluster": list("aaaaaa")}, "more samples than coefficients"),
        ({"cluster": list("aabb")}, "4 labels"),
    ],
)
def test_what_cannot_be_is_named(change, said):
    options = {"cluster": list("aabbcc")} | change
    with pytest.raises(InputError, match=said):
        synthesis.working_models([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1] * 6, **options)


# --- the declared table ----------------------------------------------------------------------------------------------


def examined(folder, working, **changes):
    document = fitted(plan_of(folder, **changes), folder / "data" / "raw")
    return document, diagnose(document, [], Diagnostics(gosh_subsets=100, permutations=99), working=working)


def test_a_table_where_the_plan_asks_for_it_and_none_where_not(repeated, tmp_path):
    none = {"correlations": None, "levels": [], "crossed": []}
    document, found = examined(repeated, (0, 0.4), model="che", rho=0.6, **none)
    assert document.fit.level == 0.95
    write_document(tmp_path / "found.json", found)
    assert read_document(tmp_path / "found.json", Diagnosed) == found
    members = [(m.yi, m.vi, s.sample_id) for s in document.studies for m in s.members]
    expected = synthesis.working_models(*zip(*members, strict=True), rhos=(0, 0.4), composite_rho=0.6)
    assert found.working_models == expected
    write_tables(tmp_path, tables([found]))
    with (tmp_path / "working_models.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["model"] for row in rows] == [row.model for row in expected]
    assert list(rows[0]) == ["synthesis", *(field.name for field in dataclasses.fields(expected[0]))]
    assert [float(row["estimate"]) for row in rows] == [row.estimate for row in expected]
    (tmp_path / "without").mkdir()
    write_tables(tmp_path / "without", tables([examined(repeated, (), model="che", rho=0.6, **none)[1]]))
    assert not (tmp_path / "without" / "working_models.csv").exists()


def test_declared_dependence_has_a_row_that_says_why_there_is_none(repeated):
    correlations = {"same": {"outcome": 1.0}, "time": "weeks", "phi": 0.95}
    _, found = examined(repeated, (0.5,), model="che", rho=0.6, correlations=correlations)
    (row,) = tables([found]).working_models
    assert (row.model, row.estimate) == ("all", None)
    assert "no dependence declared" in row.note
