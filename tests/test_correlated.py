"""Correlations within samples by what a pair has in common, and by time: metafor's vcalc, laws, plan and refusals."""

import json
import math

import numpy as np
import pytest
import synthesis
import yaml
from conftest import DATA, Project
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.draw.chart import sample_note
from synthesis.draw.forest_notes import notes_of
from synthesis.draw.rows import heterogeneity
from synthesis.errors import InputError
from synthesis.export.r_script import r_script
from synthesis.plan.config import read_config
from synthesis.plan.parts import Plan
from synthesis.plan.plan import check
from synthesis.results.document import read_document, write_document
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import by_libraries, by_matrices
from test_dependence import fitted, plan_of
from test_sharing import begin
from tolerances import LAW, RMA_MV, SAME_FORMULA, TWO_SEARCHES

STORED = json.loads((DATA / "dependence.json").read_text())["vcalc"]


def of_metafor(name):
    """The options that say what the call of vcalc in tests/data/dependence.R says."""
    data = STORED[name]["data"]
    return {
        "types": lambda: {"rho": 0.4, "same": {"deltype": (data["deltype"], 0.8)}},
        "time": lambda: {"rho": 1.0, "time": data["time"], "phi": 0.97},
        "both": lambda: {"rho": 0.6, "same": {"scale": (data["scale"], 1.0)}, "time": data["week"], "phi": 0.95},
    }[name]()


def matrix_of(name):
    data = STORED[name]["data"]
    return synthesis.correlated_errors(data["vi"], data["study"], **of_metafor(name))


@pytest.mark.parametrize("name", ["types", "time", "both"])
def test_the_covariance_is_that_of_vcalc(name):
    data, matrix = STORED[name]["data"], matrix_of(name)
    for sample, block in STORED[name]["V"].items():
        at = [i for i, study in enumerate(data["study"]) if str(study) == sample]
        assert matrix[np.ix_(at, at)].ravel() == pytest.approx(np.ravel(block), rel=SAME_FORMULA)
        outside = [i for i in range(len(matrix)) if i not in at]
        assert not matrix[np.ix_(at, outside)].any()


@pytest.mark.parametrize("name", ["types", "time", "both"])
def test_a_pool_under_it_is_that_of_metafor_and_clubsandwich(name):
    data, model, cr2 = STORED[name]["data"], STORED[name]["fit"], STORED[name]["cr2"]
    fit = synthesis.pool(data["yi"], data["vi"], cluster=data["study"], model="che", V=matrix_of(name))
    assert [fit.tau2, fit.omega2] == pytest.approx(model["sigma2"], rel=RMA_MV)
    assert fit.log_likelihood == pytest.approx(model["log_likelihood"], rel=LAW)
    assert fit.q == pytest.approx(model["q"], rel=SAME_FORMULA)
    found = [fit.estimate, fit.se, fit.df, fit.ci_low, fit.ci_high]
    assert found == pytest.approx([cr2[key] for key in ("estimate", "se", "df", "ci_low", "ci_high")], rel=RMA_MV)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.9), st.floats(0.01, 1))
def test_one_correlation_order_and_units_of_time(seed, rho, phi):
    random = np.random.default_rng(seed)
    cluster = random.integers(0, 4, 12).tolist()
    v, weeks = random.uniform(0.01, 0.2, 12), random.uniform(0, 50, 12)
    outcome = random.integers(0, 3, 12).tolist()
    plain = synthesis.correlated_errors(v, cluster, rho=rho)
    assert plain == pytest.approx(
        synthesis.correlated_errors(v, cluster, rho=rho, same={"outcome": (outcome, rho)}), rel=SAME_FORMULA
    )
    together = np.array(cluster)[:, None] == np.array(cluster)
    expected = np.where(together, rho * np.sqrt(np.outer(v, v)), 0)
    np.fill_diagonal(expected, v)
    assert plain == pytest.approx(expected, rel=SAME_FORMULA)
    decayed = synthesis.correlated_errors(v, cluster, rho=rho, time=weeks, phi=phi)
    at = random.permutation(12)
    again = synthesis.correlated_errors(v[at], [cluster[i] for i in at], rho=rho, time=weeks[at], phi=phi)
    assert again == pytest.approx(decayed[np.ix_(at, at)], rel=SAME_FORMULA)
    in_days = synthesis.correlated_errors(v, cluster, rho=rho, time=7 * weeks, phi=phi ** (1 / 7))
    assert in_days == pytest.approx(decayed, rel=LAW)


def test_of_several_things_in_common_the_largest_correlation_counts():
    same = {"outcome": (list("aabb"), 0.7), "rater": (list("xyxx"), 0.4), "both": (list("1234"), 0.9)}
    matrix = synthesis.correlated_errors(np.ones(4), ["s"] * 4, rho=0.2, same=same)
    assert matrix[0].tolist() == [1, 0.7, 0.4, 0.4]
    assert matrix[1].tolist() == [0.7, 1, 0.2, 0.2]
    assert matrix[2, 3] == 0.7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rho": 1.2}, "a correlation between 0 and 1"),
        ({"same": {"outcome": (["a"] * 4, 1.2)}}, "same outcome"),
        ({"same": {"outcome": (["a", None, "b", "b"], 0.5)}}, r"same outcome\[1\]"),
        ({"same": {"outcome": ["a"] * 4}}, "labels and a correlation"),
        ({"time": [1, 2, 3, 4]}, "phi: 'missing'"),
        ({"phi": 0.9}, "time: 'missing'"),
        ({"time": [1, 2, math.nan, 4], "phi": 0.9}, r"time\[2\]"),
        ({"time": [1, 2, 3, 4], "phi": 1.1}, "over one unit of time"),
        ({"vi": [0.1, 0.1, -0.1, 0.1]}, "a variance above 0"),
        ({"rho": 1.0}, "sample s: .*two effects that are one"),
        # a with b and b with c nearly the same, a and c not correlated at all
        ({"rho": 0.0, "same": {"x": (list("aabc"), 0.9), "y": (list("abbc"), 0.9)}}, "sample s: .*positive definite"),
    ],
)
def test_correlations_that_cannot_be_are_named(options, said):
    with pytest.raises(InputError, match=said):
        synthesis.correlated_errors(**({"vi": [0.1] * 4, "cluster": ["s"] * 4, "rho": 0.5} | options))


# --- declared in the plan --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """The study of `both` as a review: a scale is an outcome, its time that of `weeks`."""
    folder = tmp_path_factory.mktemp("correlated")
    data = STORED["both"]["data"]
    rows = zip(*(data[name] for name in ("study", "scale", "week", "yi", "vi")), strict=True)
    lines = ["study,outcome,weeks,g,v", *(f"Study {s},scale {o},{w},{-y},{v}" for s, o, w, y, v in rows)]
    columns = {"study": "study", "outcome": "outcome", "weeks": "weeks", "value": "g", "variance": "v"}
    begin(folder, "\n".join(lines) + "\n", columns, "g")
    return folder / "review"


DECLARED = {"same": {"outcome": 1.0}, "time": "weeks", "phi": 0.95}


def test_the_plan_declares_what_vcalc_does(repeated, tmp_path):
    document = fitted(plan_of(repeated, model="che", rho=0.6, correlations=DECLARED), repeated / "data" / "raw")
    cr2 = STORED["both"]["cr2"]
    found = [document.fit.estimate, document.fit.se, document.fit.ci_low, document.fit.ci_high]
    assert found == pytest.approx([cr2[key] for key in ("estimate", "se", "ci_low", "ci_high")], rel=RMA_MV)
    for study, block in zip(document.studies, STORED["both"]["V"].values(), strict=True):
        assert np.ravel(study.sampling) == pytest.approx(np.ravel(block), rel=SAME_FORMULA)
    assert document.fit.rho is None
    said = "1 of the same outcome, 0.6 otherwise; times 0.95 for each unit of weeks between"
    assert f"(ρ = {said})" in heterogeneity(document)
    assert "control arms" not in heterogeneity(document)
    script = r_script(document)
    assert f"# Correlations within samples: {said}" in script
    assert "V[1:6, 1:6] <- c(" in script
    write_document(tmp_path / "model.json", document)
    assert read_document(tmp_path / "model.json", Fitted) == document
    rows = by_matrices(document) + by_libraries(document)
    assert all(row.agrees for row in rows), [row for row in rows if not row.agrees]


def test_composites_take_the_correlations(repeated):
    plan = plan_of(repeated, model="composites", rho=0.6, correlations=DECLARED)
    document = fitted(plan, repeated / "data" / "raw")
    for study in document.studies:
        assert study.vi == pytest.approx(np.sum(study.sampling) / len(study.members) ** 2, rel=LAW)
    rows = by_matrices(document)
    assert all(row.agrees for row in rows), [row for row in rows if not row.agrees]


def test_without_correlations_the_plan_is_what_it_was(repeated):
    raw = repeated / "data" / "raw"
    plain = fitted(plan_of(repeated, model="che", rho=0.6, correlations=None), raw)
    alike = fitted(plan_of(repeated, model="che", rho=0.6, correlations={"same": {"outcome": 0.6}}), raw)
    assert plain.correlations is None
    assert plain.config_sha256 != alike.config_sha256
    assert alike.fit.estimate == pytest.approx(plain.fit.estimate, rel=TWO_SEARCHES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"correlations": {}}, "same, or time and phi"),
        ({"correlations": {"same": {"outcom": 0.5}}}, "did you mean outcome"),
        ({"correlations": {"same": {"outcome and ratr": 0.5}}}, "did you mean rater"),
        ({"correlations": {"same": {"sample_id": 0.5}}}, "others do not"),
        ({"correlations": {"same": {"outcome and outcome": 0.5}}}, "each column once"),
        ({"correlations": {"same": {"outcome": 1.5}}}, "same.outcome"),
        ({"correlations": {"same": {"rater": 0.5}}}, "correlations, rater: 'empty in"),
        ({"correlations": {"time": "weeks"}}, "phi: 'missing'"),
        ({"correlations": {"phi": 0.9}}, "time: 'missing'"),
        ({"correlations": {"time": "outcome", "phi": 0.9}}, "a column of numbers"),
        ({"correlations": {"same": {"outcome": 1.0}}}, "sample Study"),
        ({"correlations": DECLARED, "model": "three_level"}, "three_level with syntheses"),
    ],
)
def test_correlations_of_the_plan_that_cannot_be_are_named(repeated, changes, said):
    project = Project(repeated)
    kept = project.config_path.read_text()
    try:
        (name, own), *_ = project.config["syntheses"].items()
        own = {key: value for key, value in own.items() if key not in ("correlations", "model")}
        project.config_path.write_text(yaml.safe_dump(project.config | {"syntheses": {name: own | changes}}))
        with pytest.raises(InputError, match=said):
            check(Plan(read_config(project.config_path)), project.raw)
    finally:
        project.config_path.write_text(kept)


def test_a_multiverse_beside_correlations_is_refused(repeated):
    project = Project(repeated)
    kept = project.config_path.read_text()
    try:
        plan_of(repeated, model="che", correlations=DECLARED)
        (name,) = project.config["syntheses"]
        project.configure(multiverses={"m": {"title": "m", "synthesis": name, "which": {}, "how": {}}})
        with pytest.raises(InputError, match="without levels, crossed and correlations"):
            check(Plan(read_config(project.config_path)), project.raw)
    finally:
        project.config_path.write_text(kept)


def test_a_reader_is_told_the_correlations_and_not_one_of_them(repeated):
    plan = plan_of(repeated, model="che", rho=0.6, correlations=DECLARED)
    document = fitted(plan, repeated / "data" / "raw")
    said = "(assumed correlation 1 of the same outcome, 0.6 otherwise; times 0.95 for each unit of weeks between)"
    assert f"A sample with several estimates is drawn as their mean {said}." in notes_of([document])
    assert said in sample_note(document)
    plain = fitted(plan_of(repeated, model="che", rho=0.6, correlations=None), repeated / "data" / "raw")
    assert "A sample with several estimates is drawn as their mean (assumed correlation 0.6)." in notes_of([plain])
