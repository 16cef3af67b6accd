"""Random effects that are not nested: metafor's numbers, the likelihood written down again, laws, plan and refusals."""

import json
import math

import numpy as np
import pytest
import synthesis
import yaml
from conftest import DATA, Project
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from synthesis.draw.rows import heterogeneity
from synthesis.errors import InputError
from synthesis.export.r_script import data_columns, r_data, r_script
from synthesis.plan.config import Diagnostics, read_config
from synthesis.plan.parts import Plan
from synthesis.plan.plan import check
from synthesis.results.document import read_document, write_document
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import by_libraries, by_matrices
from synthesis.review.diagnose import diagnose
from synthesis.review.presentation import pooled_row
from test_dependence import fitted, plan_of
from test_sharing import begin
from tolerances import CROSSED, DENSE_ESTIMATE, DENSE_LIKELIHOOD, LAW, METAFOR_LIMITS, RMA_MV, SAME_FORMULA

STORED = json.loads((DATA / "dependence.json").read_text())["crossed"]


def of(name):
    data = STORED[name]["data"]
    crossed = {
        "knapp2017": ("task",),
        "konstantopoulos2011": ("year",),
        "white2020": ("class", "col_var"),
        "crede2010": ("criterion",),
    }[name]
    options = {"cluster": data.get("study", data.get("study_id"))}
    if name == "konstantopoulos2011":
        options["cluster"] = [f"{d} {s}" for d, s in zip(data["district"], data["school"], strict=True)]
        options["levels"] = {"district": data["district"]}
    return data["yi"], data["vi"], options | {"crossed": {column: data[column] for column in crossed}}


CASES = [
    ("knapp2017", "reml", {}),
    ("knapp2017", "ml", {"tau2": "ML"}),
    ("knapp2017", "rho", {"model": "che", "rho": 0.6}),
    ("konstantopoulos2011", "reml", {}),
    ("konstantopoulos2011", "ml", {"tau2": "ML"}),
    ("crede2010", "reml", {}),
    ("white2020", "reml", {}),
]


@pytest.mark.parametrize(("name", "key", "options"), CASES)
def test_a_crossed_model_is_that_of_metafor(name, key, options):
    y, v, held = of(name)
    fit, stored = synthesis.pool(y, v, **({"model": "three_level"} | held | options)), STORED[name][key]
    assert [level.variance for level in fit.levels] == pytest.approx(stored["sigma2"], abs=CROSSED)
    assert (fit.estimate, fit.se) == pytest.approx((stored["estimate"], stored["se"]), abs=CROSSED)
    assert (fit.ci_low, fit.ci_high) == pytest.approx((stored["ci_low"], stored["ci_high"]), abs=CROSSED * 10)
    assert fit.log_likelihood == pytest.approx(stored["log_likelihood"], abs=CROSSED)
    assert fit.log_likelihood >= stored["log_likelihood"] - DENSE_LIKELIHOOD
    assert fit.df == stored["ddf"] == fit.independent - 1
    assert fit.q == pytest.approx(stored["q"], rel=SAME_FORMULA)
    assert fit.method == ("ML" if key == "ml" else "REML")
    for side in ("low", "high"):
        limits = stored.get(f"sigma2_{side}", ["NA"] * len(fit.levels))
        for level, limit in zip(fit.levels, limits, strict=True):
            if limit != "NA":
                assert getattr(level, f"ci_{side}") == pytest.approx(limit, rel=METAFOR_LIMITS, abs=METAFOR_LIMITS / 10)


def likelihood(theta, y, v, factors, restricted):
    marginal = v + theta[-1] * np.eye(len(y))
    for variance, labels in zip(theta[:-1], factors, strict=True):
        marginal = marginal + variance * (np.array(labels)[:, None] == np.array(labels))
    w = np.linalg.inv(marginal)
    e = y - (w @ y).sum() / w.sum()
    k = len(y)
    fixed = math.log(k) - math.log(w.sum()) + math.log(2 * math.pi) if restricted else 0.0
    return 0.5 * (fixed - np.linalg.slogdet(marginal)[1] - e @ w @ e - k * math.log(2 * math.pi))


def invented(seed, k=36):
    random = np.random.default_rng(seed)
    sample, instrument = np.arange(k) // 2, random.integers(0, 5, k)
    v = random.uniform(0.01, 0.05, k)
    y = 0.3 + 0.3 * random.normal(size=5)[instrument] + 0.2 * random.normal(size=k // 2)[sample]
    return y + random.normal(size=k) * np.sqrt(v + 0.02), v, sample.tolist(), instrument.tolist()


@pytest.mark.parametrize("tau2", ["REML", "ML"])
def test_it_is_the_top_of_the_likelihood_and_its_limits_are_of_the_profile(tau2):
    y, v, sample, instrument = invented(1)
    fit = synthesis.pool(y, v, cluster=sample, model="three_level", crossed={"instrument": instrument}, tau2=tau2)
    factors, reml = [instrument, sample], tau2 == "REML"
    searched = minimize(
        lambda t: -likelihood(t**2, y, np.diag(v), factors, reml), np.full(3, 0.3), method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 2000, "maxfev": 2000},
    )  # fmt: skip
    assert [level.variance for level in fit.levels] == pytest.approx(searched.x**2, abs=DENSE_ESTIMATE)
    assert fit.log_likelihood == pytest.approx(-searched.fun, abs=DENSE_LIKELIHOOD)
    first = fit.levels[0]
    assert (first.level, first.crossed, first.members) == ("instrument", True, 5)
    for limit in (first.ci_low, first.ci_high):
        others = minimize(
            lambda t, held=limit: -likelihood([held, *t**2], y, np.diag(v), factors, reml), np.full(2, 0.3),
            method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12},
        )  # fmt: skip
        # half of the 95% quantile of chi-square with 1 df
        assert fit.log_likelihood + others.fun == pytest.approx(3.841458820694124 / 2, abs=DENSE_ESTIMATE)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 30.0]))
def test_order_unit_and_names_do_not_matter(seed, unit):
    y, v, sample, instrument = invented(3)
    at = np.random.default_rng(seed).permutation(len(y))
    options = {"model": "che", "rho": 0.5}
    first = synthesis.pool(y, v, cluster=sample, crossed={"instrument": instrument}, **options)
    again = synthesis.pool(
        unit * y[at], unit**2 * v[at], cluster=[f"s{sample[i]}" for i in at],
        crossed={"tool": [f"t{instrument[i]}" for i in at]}, **options,
    )  # fmt: skip
    assert again.estimate / unit == pytest.approx(first.estimate, abs=DENSE_ESTIMATE)
    assert (again.df, again.independent) == (first.df, first.independent) == (4, 5)
    assert [level.variance / unit**2 for level in again.levels] == pytest.approx(
        [level.variance for level in first.levels], abs=DENSE_ESTIMATE
    )


def test_what_holds_samples_is_the_same_above_them_and_crossed():
    """A crossed factor that happens to hold whole samples is a level; only the tests differ."""
    random = np.random.default_rng(5)
    lab, sample = np.repeat(np.arange(7), 4).tolist(), np.repeat(np.arange(14), 2).tolist()
    y, v = 0.4 * random.normal(size=28) + 0.3 * random.normal(size=7)[lab], random.uniform(0.01, 0.05, 28)
    above = synthesis.pool(y, v, cluster=sample, model="three_level", levels={"lab": lab})
    crossed = synthesis.pool(y, v, cluster=sample, model="three_level", crossed={"lab": lab})
    assert crossed.log_likelihood == pytest.approx(above.log_likelihood, rel=LAW)
    assert crossed.estimate == pytest.approx(above.estimate, abs=DENSE_ESTIMATE)
    for ours, theirs in zip(crossed.levels, above.levels, strict=True):
        assert (ours.variance, ours.ci_high) == pytest.approx((theirs.variance, theirs.ci_high), abs=DENSE_ESTIMATE)


def test_where_no_sample_repeats_it_is_the_effect():
    y, v, _, instrument = invented(2)
    fit = synthesis.pool(y, v, cluster=list(range(36)), model="che", crossed={"instrument": instrument})
    assert [level.level for level in fit.levels] == ["instrument", "sample"]
    assert (fit.omega2, fit.rho) == (None, None)
    assert fit.tau2 == sum(level.variance for level in fit.levels)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crossed": {}}, "labels by name"),
        ({"crossed": ["a"]}, "labels by name"),
        ({"crossed": {"tool": ["a"] * 36}}, "crossed tool: 'one tool'"),
        ({"crossed": {"tool": list(range(36))}}, "a tool for each effect"),
        ({"crossed": {"tool": [i // 2 for i in range(36)]}}, "the same groups as sample"),
        ({"crossed": {"tool": ["a", None] * 18}}, r"crossed tool\[1\]"),
        ({"crossed": {"tool": ["a", "b"]}}, "2 labels"),
        ({"model": "composites"}, "che or three_level with a cluster"),
        ({"cluster": None}, "che or three_level with a cluster"),
        ({"tau2": "DL"}, "REML for model"),
    ],
)
def test_crossed_effects_that_are_none_are_named(change, said):
    y, v, sample, instrument = invented(1)
    options = {"cluster": sample, "model": "che", "crossed": {"tool": instrument}}
    with pytest.raises(InputError, match=said):
        synthesis.pool(y, v, **(options | change))


# --- declared in the plan --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """knapp2017 as a review: a task is an outcome."""
    folder = tmp_path_factory.mktemp("crossed")
    data = STORED["knapp2017"]["data"]
    rows = zip(*(data[name] for name in ("study", "task", "yi", "vi")), strict=True)
    lines = ["study,outcome,g,v", *(f"Study {s},{o},{-y},{v}" for s, o, y, v in rows)]
    columns = {"study": "study", "outcome": "outcome", "value": "g", "variance": "v"}
    begin(folder, "\n".join(lines) + "\n", columns, "g")
    return folder / "review"


@pytest.mark.parametrize(("key", "changes"), [("reml", {}), ("ml", {"tau2": "ML"})])
def test_crossed_effects_of_the_plan_are_fitted_checked_and_reported(tasks, tmp_path, key, changes):
    plan = plan_of(tasks, **({"model": "three_level", "crossed": ["outcome"], "tau2": "REML"} | changes))
    document, stored = fitted(plan, tasks / "data" / "raw"), STORED["knapp2017"][key]
    assert document.fit.estimate == pytest.approx(stored["estimate"], rel=RMA_MV)
    assert [level.level for level in document.fit.levels] == ["outcome", "sample", "effect"]
    assert "crossed with outcome" in heterogeneity(document)
    assert pooled_row(document).levels.startswith("outcome: 0.0; sample: ")
    write_document(tmp_path / "model.json", document)
    assert read_document(tmp_path / "model.json", Fitted) == document
    rows = by_matrices(document) + by_libraries(document)
    assert all(row.agrees for row in rows), [row for row in rows if not row.agrees]
    assert {"variance of outcome", "variance of sample", "variance of effect", "se", "df"} <= {r.quantity for r in rows}
    script = r_script(document)
    ml = ', method = "ML"' if key == "ml" else ""
    call = f'random = list(~ 1 | outcome, ~ 1 | sample_id / effect_id), data = dat, level = 95{ml}, test = "t"'
    assert call in script
    assert data_columns(document) == tuple(r_data(document)[0])
    assert diagnose(document, [], Diagnostics()).skipped["all"].startswith("crossed random effects: ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crossed": ["outcom"]}, "did you mean outcome"),
        ({"crossed": ["weeks"]}, "a column of words"),
        ({"crossed": ["outcome", "outcome"]}, "each name once"),
        ({"crossed": ["sample_id"]}, "neither a level nor the effect"),
        ({"crossed": ["outcome"], "group_by": "outcome"}, "nothing beside crossed"),
        ({"crossed": ["outcome"], "model": "composites"}, "crossed random effects"),
        ({"crossed": ["outcome"], "tau2": "DL"}, "REML"),
        ({"crossed": ["country"]}, "no country in"),
    ],
)
def test_crossed_effects_of_the_plan_that_cannot_be_are_named(tasks, changes, said):
    project = Project(tasks)
    kept = project.config_path.read_text()
    try:
        (name, own), *_ = project.config["syntheses"].items()
        own = {key: value for key, value in own.items() if key not in ("crossed", "model", "tau2", "group_by")}
        project.config_path.write_text(yaml.safe_dump(project.config | {"syntheses": {name: own | changes}}))
        with pytest.raises(InputError, match=said):
            check(Plan(read_config(project.config_path)), project.raw)
    finally:
        project.config_path.write_text(kept)
