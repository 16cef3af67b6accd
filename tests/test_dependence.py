"""Dependence that the plan declares: the covariance of shared control arms, and levels above the sample."""

import json
import re

import numpy as np
import pytest
import synthesis
import yaml
from conftest import DATA, Project
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from synthesis.data.arms import SAME
from synthesis.data.covariances import sampling_covariance
from synthesis.data.extraction import convert_rows
from synthesis.data.registry import Policy
from synthesis.draw.rows import heterogeneity
from synthesis.errors import InputError
from synthesis.export.r_script import data_columns, r_data, r_script
from synthesis.meta.nested import fit_nested
from synthesis.plan.config import Diagnostics, read_config
from synthesis.plan.parts import Plan
from synthesis.plan.plan import check
from synthesis.plan.selection import select_effects
from synthesis.results.document import read_document, write_document
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import by_libraries, by_matrices
from synthesis.review.diagnose import diagnose
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import pooled_row
from test_covariance import restricted
from test_sharing import ARMS, begin, typed_row
from tolerances import DENSE_ESTIMATE, DENSE_LIKELIHOOD, LAW, LEVELS, PRINTED_5, SAME_FORMULA

SETS = json.loads((DATA / "levels.json").read_text())["sets"]


def plan_of(folder, conversions=None, **changes):
    """The plan of a review that `synthesis new` made, with keys of its synthesis changed."""
    project = Project(folder)
    (name, own), *_ = project.config["syntheses"].items()
    project.configure(syntheses={name: own | changes}, conversions=conversions or {})
    return Plan(read_config(project.config_path))


def fitted(plan, raw):
    """The document of a review's only synthesis, after every check of the plan."""
    check(plan, raw)
    (name, own), *_ = plan.config.syntheses.items()
    from synthesis.data.extraction import extract

    found = extract(raw, own.sources[0], plan.metrics(own.sources[0]), plan.config.conversions.policy)
    return run_synthesis(name, own, plan.config.defaults, found.effects, found.dropped)


@pytest.fixture
def arms(tmp_path):
    begin(tmp_path, ARMS)
    return tmp_path / "review"


def by_covariance(folder, **changes):
    return fitted(plan_of(folder, {"shared_control": "covariance"}, **changes), folder / "data" / "raw")


def test_the_covariance_of_a_shared_control_arm_gives_what_metafor_gives(arms):
    """0.30851 [0.05689, 0.56013]: rma.mv(yi, V, random = ~ 1 | trial / es), CR2 by clubSandwich."""
    document = by_covariance(arms)
    fit = document.fit
    assert (fit.k, fit.samples, fit.model, fit.rho, fit.composite_rho) == (8, 6, "che", None, 0.6)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((0.30851, 0.05689, 0.56013), abs=PRINTED_5)
    # V[1, 2] and sigma^2 as R prints them.
    assert document.studies[0].sampling[0][1] == pytest.approx(0.0257798024665103, rel=SAME_FORMULA)
    assert (fit.tau2, fit.log_likelihood) == pytest.approx((0.0095549732, 0.903408319726977), abs=LEVELS)


def test_combining_the_arms_stays_the_default(arms):
    document = fitted(plan_of(arms), arms / "data" / "raw")
    assert (document.fit.k, document.fit.samples, document.fit.model) == (6, 6, "independent")
    assert all(not study.sampling and not study.held_by for study in document.studies)
    said = fitted(plan_of(arms, {"shared_control": "combine"}), arms / "data" / "raw")
    assert said.fit == document.fit


def test_a_composite_has_the_variance_that_its_control_arm_leaves(arms):
    document = by_covariance(arms, model="composites")
    block = np.array(document.studies[0].sampling)
    assert document.studies[0].vi == pytest.approx(block.sum() / 9, rel=SAME_FORMULA)
    again = synthesis.pool([s.yi for s in document.studies], [s.vi for s in document.studies])
    assert (document.fit.estimate, document.fit.se) == pytest.approx((again.estimate, again.se), rel=SAME_FORMULA)
    assert document.fit.model == "composites"


@pytest.mark.parametrize("model", ["che", "composites"])
def test_the_second_route_takes_the_covariance_too(arms, model):
    rows = by_matrices(document := by_covariance(arms, model=model)) + by_libraries(document)
    assert {"tau2", "estimate", "se", "df", "q"} <= {row.quantity for row in rows}
    assert all(row.agrees for row in rows), [row for row in rows if not row.agrees]


def test_a_document_with_a_covariance_is_read_as_written_and_drawn_and_exported(arms, tmp_path):
    document = by_covariance(arms)
    write_document(tmp_path / "model.json", document)
    assert read_document(tmp_path / "model.json", Fitted) == document
    assert "covariance of shared control arms" in heterogeneity(document)
    script = r_script(document)
    assert "V[1:3, 1:3] <- c(" in script
    assert "rma.mv(yi, V, random = ~ 1 | sample_id / effect_id" in script
    assert "rho" not in script
    values = re.search(r"V\[1:3, 1:3\] <- c\((.*)\)", script)[1]
    assert [float(value) for value in values.split(", ")] == [v for row in document.studies[0].sampling for v in row]


def test_without_a_sample_the_covariance_is_that_of_the_others(arms):
    document = by_covariance(arms)
    found = diagnose(document, ["year", "treatment"], Diagnostics(gosh_subsets=100, permutations=99))
    teo = next(sample for sample in found.influence if sample.sample_id == "Teo 2018")
    kept = [s for s in document.studies if s.sample_id != "Teo 2018"]
    matrix = np.zeros((7, 7))
    for start, study in zip((0, 3, 4, 5, 6), kept, strict=True):
        matrix[start : start + len(study.members), start : start + len(study.members)] = study.sampling
    members = [(study.sample_id, m) for study in kept for m in study.members]
    likely = max_restricted([m.yi for _, m in members], matrix, [[name for name, _ in members]])
    if teo.model_estimate_without is not None:
        assert teo.model_estimate_without == pytest.approx(likely, abs=DENSE_ESTIMATE)
    assert all(m.refused for m in found.moderators)


def max_restricted(y, v, levels):
    y = np.array(y)
    found = minimize(
        lambda t: -restricted(t**2, y, v, levels)[0], np.full(len(levels) + 1, 0.1), method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 600, "maxfev": 600},
    )  # fmt: skip
    return restricted(found.x**2, y, v, levels)[1]


COUNTS = [
    {"sample_id": "s", "control_group": "c", "treatment": name, "events_treat": a, "total_treat": n}
    for name, a, n in (("x", 8, 40), ("y", 5, 50))
]


SEPARATE = Policy(shared_control="covariance")


def chosen(rows, metric, policy=SEPARATE):
    cells = [{"statistic": "2x2", "events_control": 12, "total_control": 60, "direction": -1} | row for row in rows]
    numbered = [(i, typed_row(**({"effect_id": f"e{i}", "corrected": ""} | row))) for i, row in enumerate(cells)]
    for _, row in numbered:
        row["corrected"] = ""
    found = convert_rows(numbered, "own", (metric,), policy)
    options = {"title": "x", "lane": "B", "metric": metric, "sources": ("own",)}
    from synthesis.plan.config import Synthesis

    return select_effects("own", Synthesis(**options), found.effects, found.dropped)


@pytest.mark.parametrize(("metric", "part"), [("log_odds_ratio", 1 / 12 + 1 / 48), ("log_risk_ratio", 1 / 12 - 1 / 60)])
def test_ratios_that_share_a_control_arm_share_its_part_of_the_variance(metric, part):
    rows = chosen(COUNTS, metric)
    matrix = sampling_covariance(rows, 0.6)
    assert matrix[0, 1] == pytest.approx(part, rel=SAME_FORMULA)
    assert np.diag(matrix).tolist() == [row.vi for row in rows]


def test_other_outcomes_of_the_arms_are_correlated_as_the_plan_says():
    more = [row | {"outcome": outcome} for outcome in ("bdi", "phq") for row in COUNTS]
    rows = chosen(more, "log_odds_ratio")
    matrix, part = sampling_covariance(rows, 0.5), 1 / 12 + 1 / 48
    assert matrix[0, 1] == pytest.approx(part, rel=SAME_FORMULA)
    # one arm, two outcomes; two arms, two outcomes
    assert matrix[0, 2] == pytest.approx(0.5 * rows[0].vi, rel=SAME_FORMULA)
    assert matrix[0, 3] == pytest.approx(0.5 * part, rel=SAME_FORMULA)
    assert "outcome" in SAME


def test_without_a_shared_arm_there_is_no_matrix():
    assert sampling_covariance(chosen(COUNTS[:1], "log_odds_ratio"), 0.6) is None
    assert sampling_covariance(chosen(COUNTS, "log_odds_ratio", Policy()), 0.6) is None


def test_a_control_arm_without_events_has_no_covariance():
    empty = [row | {"events_control": 0} for row in COUNTS]
    with pytest.raises(InputError, match="shared_control: combine takes it"):
        sampling_covariance(chosen(empty, "log_odds_ratio"), 0.6)


def test_three_level_models_have_no_sampling_covariance(arms):
    with pytest.raises(InputError, match="che with rho: 0"):
        by_covariance(arms, model="three_level")
    assert by_covariance(arms, model="che", rho=0).fit.estimate == pytest.approx(0.30851, abs=PRINTED_5)


def test_a_multiverse_of_a_declared_covariance_is_refused(arms):
    plan_of(arms, {"shared_control": "covariance"})
    project = Project(arms)
    (name,) = project.config["syntheses"]
    project.configure(multiverses={"m": {"title": "m", "synthesis": name, "which": {}, "how": {}}})
    with pytest.raises(InputError, match="effects share no control arm"):
        check(Plan(read_config(project.config_path)), project.raw)


# --- levels above the sample -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "columns", "at"),
    [
        ("konstantopoulos2011", ("district", "school"), 0),
        ("mccurdy2020", ("article", "sample"), 0),
        ("mccurdy2020", ("article", "experiment", "sample"), 1),
    ],
)
def test_nested_levels_are_those_of_metafor(name, columns, at):
    data, stored = SETS[name]["data"], SETS[name]["fits"][at]
    # A school is one effect: the level of effects is that of schools.
    columns = columns[:-1] if name.startswith("konst") else columns
    found = fit_nested(data["yi"], data["vi"], [data[column] for column in columns])
    assert found.variances == pytest.approx(stored["sigma2"], abs=LEVELS)
    assert found.beta[0] == pytest.approx(stored["estimate"], abs=LEVELS)
    assert found.covariance[0, 0] ** 0.5 == pytest.approx(stored["se"], abs=LEVELS)
    assert found.log_likelihood == pytest.approx(stored["log_likelihood"], abs=DENSE_LIKELIHOOD)
    assert found.q == pytest.approx(stored["q"], rel=SAME_FORMULA)


def schools():
    data = SETS["konstantopoulos2011"]["data"]
    return (
        data["yi"],
        data["vi"],
        data["district"],
        [f"{d} {s}" for d, s in zip(data["district"], data["school"], strict=True)],
    )


def test_a_pool_has_a_variance_and_a_profile_interval_for_each_level():
    y, v, district, school = schools()
    fit = synthesis.pool(y, v, cluster=school, model="three_level", levels={"district": district})
    stored = SETS["konstantopoulos2011"]["fits"][0]
    assert [(level.level, level.members) for level in fit.levels] == [("district", 11), ("sample", 56)]
    for ours, theirs in (("variance", "sigma2"), ("ci_low", "sigma2_low"), ("ci_high", "sigma2_high")):
        assert [getattr(level, ours) for level in fit.levels] == pytest.approx(stored[theirs], abs=LEVELS)
    assert (fit.tau2, fit.omega2, fit.independent) == (sum(level.variance for level in fit.levels), None, 11)
    half = (fit.pi_high - fit.pi_low) / 2
    assert half == pytest.approx(2.2621571628 * (fit.tau2 + fit.se**2) ** 0.5, rel=LAW)


@settings(max_examples=2, deadline=None)
@given(st.permutations(range(12)), st.sampled_from([0.01, 7.0]))
def test_order_and_unit_do_not_matter(order, unit):
    random = np.random.default_rng(3)
    lab, sample = np.repeat(np.arange(6), 2), np.arange(12)
    y, v = random.normal(size=12) * 0.5, random.uniform(0.02, 0.1, 12)
    named = [f"s{i}" for i in sample]
    first = synthesis.pool(y, v, cluster=named, model="che", levels={"lab": lab.tolist()})
    at = list(order)
    again = synthesis.pool(
        y[at] * unit, v[at] * unit**2, cluster=[named[i] for i in at], model="che", levels={"lab": lab[at].tolist()}
    )
    assert again.estimate / unit == pytest.approx(first.estimate, abs=DENSE_ESTIMATE)
    assert [level.variance / unit**2 for level in again.levels] == pytest.approx(
        [level.variance for level in first.levels], abs=DENSE_ESTIMATE
    )


def test_levels_and_a_covariance_together_reach_the_top_of_the_likelihood():
    random = np.random.default_rng(5)
    lab, sample = np.repeat(np.arange(7), 4), np.repeat(np.arange(14), 2)
    y = 0.3 * random.normal(size=7)[lab] + 0.2 * random.normal(size=14)[sample] + 0.2 * random.normal(size=28)
    v = random.uniform(0.01, 0.05, 28)
    matrix = 0.4 * np.sqrt(np.outer(v, v)) * (sample[:, None] == sample)
    np.fill_diagonal(matrix, v)
    names = [f"s{i}" for i in sample]
    given_v = synthesis.pool(y, v, cluster=names, model="che", V=matrix, levels={"lab": lab.tolist()})
    by_rho = synthesis.pool(y, v, cluster=names, model="che", rho=0.4, levels={"lab": lab.tolist()})
    assert given_v.estimate == pytest.approx(by_rho.estimate, rel=LAW)
    assert (given_v.rho, by_rho.rho) == (None, 0.4)
    assert given_v.estimate == pytest.approx(max_restricted(y, matrix, [lab, sample]), abs=DENSE_ESTIMATE)
    assert given_v.tau2 == sum(level.variance for level in given_v.levels[:2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levels": {"lab": ["a"] * 12}}, "one lab"),
        ({"levels": {"lab": list("aabbccddeeff")[:5]}}, "5 labels"),
        ({"levels": {"lab": list("abbbccddeeff")}}, "one lab for each sample"),
        ({"levels": {}}, "by name of the level"),
        ({"levels": ["lab"]}, "by name of the level"),
        ({"model": "composites"}, "che or three_level with a cluster"),
        ({"cluster": None}, "che or three_level with a cluster"),
    ],
)
def test_levels_that_are_none_are_named(change, said):
    random = np.random.default_rng(0)
    options = {"cluster": [i // 2 for i in range(12)], "model": "che", "levels": {"lab": list("aabbccddeeff")}}
    with pytest.raises(InputError, match=said):
        synthesis.pool(random.normal(size=12), random.uniform(0.02, 0.1, 12), **(options | change))


@pytest.fixture(scope="module")
def districts(tmp_path_factory):
    """Schools of districts as a review: a lab is a district; a school with two rows is a sample with two effects."""
    tmp_path = tmp_path_factory.mktemp("levels")
    y, v, district, school = schools()
    lines = [
        "school,g,v",
        *(f"{s},{-yi},{vi}" for s, yi, vi in zip(school, y, v, strict=True)),
        f"{school[0]},0.05,0.118",
    ]
    begin(tmp_path, "\n".join(lines) + "\n", {"study": "school", "value": "g", "variance": "v"}, "g")
    project = Project(tmp_path / "review")
    project.table = project.raw / "own" / "effects.csv"
    labs = dict(zip(school, district, strict=True))
    project.write([row | {"lab": labs[row["study"]]} for row in project.rows()])
    return project


def test_levels_of_the_plan_are_fitted_checked_and_reported(districts, tmp_path):
    plan = plan_of(districts.folder, levels=["lab", "sample_id"], model="three_level")
    document = fitted(plan, districts.raw)
    fit = document.fit
    assert [(level.level, level.members) for level in fit.levels] == [("lab", 11), ("sample", 56), ("effect", 57)]
    assert document.studies[0].held_by == {"lab": "11"}
    assert fit.tau2 == pytest.approx(fit.levels[0].variance + fit.levels[1].variance)
    write_document(tmp_path / "model.json", document)
    assert read_document(tmp_path / "model.json", Fitted) == document
    rows = by_matrices(document) + by_libraries(document)
    assert all(row.agrees for row in rows), [row for row in rows if not row.agrees]
    assert {"variance of lab", "variance of sample", "variance of effect", "se", "df"} <= {r.quantity for r in rows}
    assert "of which lab " in heterogeneity(document)
    assert pooled_row(document).levels.startswith("lab: 0.06")
    script = r_script(document)
    assert "random = ~ 1 | lab / sample_id / effect_id" in script
    assert "robust(fit, cluster = lab, clubSandwich = TRUE)" in script
    assert "tau2 = sum(res$sigma2[1:2]), omega2 = res$sigma2[3]" in script
    assert data_columns(document) == tuple(r_data(document)[0])
    found = diagnose(document, [], Diagnostics())
    assert "independent" in found.skipped["all"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": ["lab"]}, "one column or more, then sample_id"),
        ({"levels": ["sample_id"]}, "one column or more, then sample_id"),
        ({"levels": ["lab", "lab", "sample_id"]}, "each name once"),
        ({"levels": ["town", "sample_id"]}, "levels"),
        ({"levels": ["lab", "sample_id"], "group_by": "country"}, "nothing beside levels"),
        ({"levels": ["lab", "sample_id"], "summaries": ["common"]}, "nothing beside levels"),
        ({"levels": ["lab", "sample_id"], "model": "composites"}, "che or three_level"),
        ({"levels": ["country", "sample_id"]}, "no country in"),
        ({"levels": ["source", "sample_id"]}, "1 different source"),
    ],
)
def test_levels_of_the_plan_that_cannot_be_are_named(districts, changes, said):
    kept = districts.config_path.read_text()
    try:
        (name, own), *_ = districts.config["syntheses"].items()
        own = {key: value for key, value in own.items() if key not in ("levels", "model", "group_by", "summaries")}
        districts.config_path.write_text(yaml.safe_dump(districts.config | {"syntheses": {name: own | changes}}))
        with pytest.raises(InputError, match=said):
            check(Plan(read_config(districts.config_path)), districts.raw)
    finally:
        districts.config_path.write_text(kept)
