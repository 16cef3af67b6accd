"""Numbers at the edge: what each statistic says of degenerate data, and that nothing infinite or NaN leaves it."""

import contextlib
import dataclasses
import warnings

import numpy as np
import pytest
import synthesis
import tolerances
from degenerate import build, rows, sets
from hypothesis import HealthCheck, given, settings
from synthesis.compare.contrast import difference, refit, side_of
from synthesis.draw.diagnostic import LAYOUTS, layout
from synthesis.draw.rows import forest
from synthesis.errors import InputError
from synthesis.export.r_script import r_data, r_script
from synthesis.meta import bias, influence
from synthesis.meta.bayes import bayes
from synthesis.meta.dependent import robust_regress
from synthesis.meta.gosh import gosh_map
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.meta.permutation import permutation_test
from synthesis.meta.regression import design, predict, regress, subgroups
from synthesis.meta.selection_model import selection_model
from synthesis.multiverse.enumeration import enumerate_multiverse, write_enumeration
from synthesis.multiverse.fitting import gather_shards, write_shard
from synthesis.multiverse.summary import summarise
from synthesis.multiverse.summary import tables as multiverse_tables
from synthesis.plan.config import Defaults, Diagnostics, Synthesis
from synthesis.plan.decisions import Multiverse
from synthesis.results.checks import CheckRow
from synthesis.results.curves import NamedThreshold
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.document import read_document, write_document, write_rows
from synthesis.results.files import write_csv, write_json
from synthesis.results.fitted import Fitted
from synthesis.review.crosscheck import by_libraries, by_matrices
from synthesis.review.diagnose import diagnose
from synthesis.review.diagnostic_tables import tables, write_tables
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented
from words_for_nothing import NOTHING

OPTIONS = Diagnostics(funnel_from=3, bayes_up_to=12, permutations=99, gosh_subsets=100)
N = (50.0, 80.0)


def regressions(data, moderator):
    """Every regression on one moderator."""
    matrix = design({"m": list(moderator)}, len(data.yi))
    for tau2, ci in (("REML", "hksj"), ("DL", "wald"), ("FE", "hksj_adhoc")):
        found = regress(data.yi, data.vi, matrix, tau2=tau2, ci=ci)
        yield found
        yield predict(found, matrix.x[:1])
    yield permutation_test(data.yi, data.vi, matrix, iterations=50)


def sizes(data):
    return [N[i % 2] for i in range(len(data.yi))]


# Each takes a data set and yields results; what it cannot do it refuses by name.
STATISTICS = {
    "pool": lambda d: [
        synthesis.pool(d.yi, d.vi, tau2=tau2, ci=ci) for tau2 in terms(Tau2Method) for ci in terms(CiMethod)
    ],
    "composites": lambda d: [synthesis.pool(d.yi, d.vi, cluster=d.cluster, rho=rho) for rho in (0.0, 0.6, 1.0)],
    "che": lambda d: [synthesis.pool(d.yi, d.vi, cluster=d.cluster, model="che")],
    "three_level": lambda d: [synthesis.pool(d.yi, d.vi, cluster=d.cluster, model="three_level")],
    "subgroups": lambda d: [subgroups(d.yi, d.vi, d.level), subgroups(d.yi, d.vi, d.level, ci="wald")],
    "common tau2": lambda d: [subgroups(d.yi, d.vi, d.level, common_tau2=True)],
    "factor": lambda d: regressions(d, d.level),
    "number": lambda d: regressions(d, d.number),
    "robust factor": lambda d: [robust_regress(d.yi, d.vi, {"m": list(d.level)}, d.cluster)],
    "robust number": lambda d: [robust_regress(d.yi, d.vi, {"m": list(d.number)}, d.cluster, rho=0.0)],
    "egger": lambda d: [bias.egger(d.yi, d.vi, predictor=p, n=sizes(d), model=m)
                        for p in terms(bias.Predictor) for m in ("lm", "rma")],
    "robust egger": lambda d: [bias.robust_egger(d.yi, d.vi, d.cluster)],
    "pet-peese": lambda d: [bias.pet_peese(d.yi, d.vi)],
    "rank": lambda d: [bias.rank_test(d.yi, d.vi)],
    "trim and fill": lambda d: [bias.trim_fill(d.yi, d.vi, estimator=e) for e in ("L0", "R0")],
    "trim and fill Q0": lambda d: [bias.trim_fill(d.yi, d.vi, estimator="Q0")],
    "fail-safe": lambda d: [bias.fail_safe(d.yi, d.vi, method=m) for m in ("rosenthal", "rosenberg", "orwin")],
    "selection model": lambda d: [selection_model(d.yi, d.vi)],
    "permutation": lambda d: [permutation_test(d.yi, d.vi, ci=ci, iterations=99) for ci in terms(CiMethod)],
    "bayes": lambda d: [bayes(d.yi, d.vi, tau_scale=0.5 * float(np.sqrt(np.median(d.vi))), thresholds=(0.0, 1e3))],
}  # fmt: skip
# These give arrays, where NaN says "not defined": documents have None there.
ARRAYS = {
    "leave one out": lambda d: influence.leave_one_out(d.yi, d.vi),
    "cumulative": lambda d: influence.cumulative(d.yi, d.vi)[1],
    "influence": lambda d: influence.influence(d.yi, d.vi, ci="hksj"),
    "baujat": lambda d: influence.baujat(d.yi, d.vi),
    "shrunken": lambda d: influence.shrunken(d.yi, d.vi),
    "gosh": lambda d: gosh_map(d.yi, d.vi, subsets=100),
}


def plain(value):
    """A result as the writers get it."""
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


OWN = {"clusters": "own", "levels": "two", "numbers": "distinct"}
DATA = {
    "one": build(1, OWN | {"effects": "equal", "variances": "equal"}),
    "two equal": build(2, OWN | {"effects": "equal", "variances": "two sizes"}),
    "three zeros": build(3, OWN | {"effects": "zero", "variances": "two sizes"}),
    "five equal": build(5, OWN | {"effects": "equal", "variances": "two sizes"}),
    "equal but for rounding": build(5, OWN | {"effects": "rounded", "variances": "two sizes"}),
    "one variance": build(12, OWN | {"effects": "two values", "variances": "equal"}),
    "on a line": build(5, OWN | {"effects": "on a line", "variances": "spread"}),
    "one sample": build(4, OWN | {"effects": "equal", "variances": "two sizes", "clusters": "one"}),
    "equal in pairs": build(12, OWN | {"effects": "equal", "variances": "two sizes", "clusters": "pairs"}),
    "constant moderators": build(12, OWN | {"effects": "spread", "variances": "equal", "levels": "single level",
                                            "numbers": "constant"}),
    "levels of one": build(12, OWN | {"effects": "spread", "variances": "spread", "levels": "all of one effect"}),
    "collinear": build(12, OWN | {"effects": "spread", "variances": "spread", "numbers": "huge"}),
}  # fmt: skip
# What each statistic says: the fields of its first result, or the words of its refusal.
TABLE = [
    ("one", "composites", {"tau2": None, "pi_low": None, "q": None, "ci_method": "wald", "se": 0.2, "p": 0.1336}),
    ("one", "che", {"tau2": None, "statistic": 1.5, "df": None}),
    ("one", "subgroups", "two levels"),
    ("one", "factor", "at least two levels"),
    ("one", "egger", "at least 3"),
    ("one", "rank", "at least 3"),
    ("one", "trim and fill", "at least 3"),
    ("one", "selection model", "at least 3"),
    ("one", "permutation", "at least two"),
    ("one", "fail-safe", {"number": 0}),
    (
        "two equal",
        "composites",
        {"estimate": 0.3, "tau2": 0, "ci_method": "hksj_adhoc", "ci_low": -1.8144, "p": 0.3224},
    ),
    ("two equal", "subgroups", {"q_between": 0, "q_between_p": 1}),
    ("two equal", "number", "more effects than coefficients"),
    ("two equal", "pet-peese", "at least 3"),
    ("three zeros", "composites", {"estimate": 0, "statistic": 0, "p": 1, "ci_method": "hksj_adhoc", "tau2": 0}),
    ("three zeros", "factor", {"statistic": (0, 0), "p": (1, 1), "qm": 0, "ci_method": "hksj_adhoc"}),
    ("three zeros", "robust factor", {"statistic": (None, None), "p": (None, None), "f": None}),
    ("three zeros", "egger", {"slope": 0, "slope_se": None, "statistic": None, "p": None}),
    ("three zeros", "rank", {"tau": None, "p": None}),
    ("three zeros", "trim and fill", {"missing": 0}),
    ("three zeros", "fail-safe", "an effect other than 0"),
    ("five equal", "composites", {"ci_method": "hksj_adhoc", "ci_low": -0.0041, "i2": 0, "tau2": 0, "pi_low": -0.0486}),
    ("five equal", "egger", {"slope": 0, "p": None, "limit": 0.3, "limit_ci_low": None}),
    ("five equal", "pet-peese", {"chosen": "pet", "estimate": 0.3, "ci_low": None}),
    ("five equal", "rank", {"tau": None, "p": None}),
    ("five equal", "trim and fill", {"missing": 0}),
    ("five equal", "trim and fill Q0", {"missing": 0}),
    ("five equal", "robust egger", {"statistic": None, "p": None}),
    ("five equal", "selection model", "studies in every interval"),
    ("equal but for rounding", "composites", {"ci_method": "hksj_adhoc", "ci_low": -0.0041, "tau2": 0}),
    ("equal but for rounding", "rank", {"tau": None, "p": None}),
    ("equal but for rounding", "trim and fill", {"missing": 0}),
    ("equal but for rounding", "number", {"ci_method": "hksj_adhoc", "tau2": 0}),
    ("one variance", "egger", "columns that can be told apart"),
    ("one variance", "pet-peese", "columns that can be told apart"),
    ("one variance", "rank", {"tau": None, "p": None}),
    ("one variance", "factor", {"ci_method": "hksj_adhoc", "tau2": 0}),
    ("one variance", "robust factor", {"statistic": (None, None), "f": None, "f_p": None}),
    ("one variance", "permutation", {"statistic": (0,), "p": (1,)}),
    ("on a line", "composites", {"ci_method": "hksj"}),
    ("on a line", "egger", {"slope": 2, "limit": 0.1, "slope_se": None, "p": None}),
    ("on a line", "pet-peese", {"chosen": "pet", "estimate": 0.1, "ci_low": None, "ci_high": None}),
    ("on a line", "rank", {"tau": 1}),
    ("one sample", "che", "at least two samples"),
    ("one sample", "three_level", "at least two samples"),
    ("one sample", "robust factor", "more samples than coefficients"),
    ("one sample", "composites", {"samples": 1, "tau2": None, "method": "single sample"}),
    (
        "equal in pairs",
        "che",
        {"ci_method": "wald_t", "df": 5, "tau2": 0, "omega2": 0, "rho": 0.6, "composite_rho": 0.6},
    ),
    ("equal in pairs", "three_level", {"ci_method": "wald_t", "df": 5, "rho": 0, "composite_rho": 0.6}),
    ("equal in pairs", "robust number", {"p": (None, None)}),
    ("constant moderators", "factor", "at least two levels"),
    ("constant moderators", "number", "columns that can be told apart"),
    ("constant moderators", "subgroups", "two levels"),
    ("constant moderators", "robust number", "columns that can be told apart"),
    ("levels of one", "factor", "more effects than coefficients"),
    ("levels of one", "subgroups", {"q_between_df": 11}),
    ("collinear", "number", "centre it"),
    ("collinear", "robust number", "centre it"),
]


@pytest.mark.parametrize(("data", "name", "expected"), TABLE, ids=[f"{d}: {n}" for d, n, _ in TABLE])
def test_what_a_statistic_says_of_degenerate_data(data, name, expected):
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected):
            list(STATISTICS[name](DATA[data]))
        return
    found = dataclasses.asdict(next(iter(STATISTICS[name](DATA[data]))))
    for field, value in expected.items():
        if value is None or isinstance(value, str):
            assert found[field] == value, field
        else:
            assert found[field] == pytest.approx(value, abs=tolerances.PRINTED_4), field
    unknown = [
        field for field, value in expected.items() if value is None and field in ("p", "slope_se", "ci_low", "tau")
    ]
    assert not unknown or found.get("notes") or found["pet"]["notes"]


def test_a_permutation_test_of_equal_effects_counts_the_infinite_statistic():
    """2 of 2^5 sign changes leave the effects equal; hksj of the others is finite."""
    found = permutation_test([0.3] * 5, [4.0] * 5, ci="hksj")
    assert (found.statistic, found.p) == ((None,), (2 / 32,))
    assert "infinite" in found.notes[0]
    assert permutation_test([0.3] * 5, [4.0] * 5, ci="wald").notes == ()


@pytest.mark.parametrize(
    ("yi", "vi", "said"),
    [
        ([1e200, 0.1], [0.1, 0.1], r"yi\[0\]: '1e\+200'; allowed: at most 1e\+50 standard errors"),
        ([0.1, 0.2], [1e-200, 1e-200], r"vi\[0\]: '1e-200'; allowed: between"),
        ([0.1, 0.2], [1e200, 1e200], r"vi\[1\]: '1e\+200'"),
    ],
)
def test_numbers_that_cannot_be_squared_are_refused_by_name(yi, vi, said):
    with pytest.raises(InputError, match=said):
        synthesis.pool(yi, vi)


def test_a_sample_is_averaged_with_one_correlation_whatever_the_model():
    """A level that holds a single sample is that sample, as the forest plot has it; three_level once used 0 for one."""
    data = build(24, OWN | {"effects": "spread", "variances": "two sizes", "clusters": "pairs"})
    data = dataclasses.replace(data, level=("a",) * 2 + ("b",) * 22)
    for model in ("che", "three_level", "composites"):
        document = fitted(data, model, moderators=["rater"])
        if model != "composites":
            level = diagnose(document, ["rater"], OPTIONS).moderators[0].levels[0]
            assert level.se**2 == pytest.approx(document.studies[0].vi)
        refitted = refit(document, model="composites", tau2="REML", ci="hksj")
        assert refitted.fit.estimate == pytest.approx(fitted(data, "composites").fit.estimate)
        assert document.fit.composite_rho == 0.6
    assert "ρ" not in forest(fitted(data, "three_level")).sections[0].rows[-1].label


def test_probabilities_far_in_the_tail_keep_their_digits():
    """1 - cdf was 0 from 1e-16 on. With hardly any data the posterior of tau is its half-normal prior."""
    from scipy.stats import norm

    found = bayes([0.0, 0.0], [1e6, 1e6], tau_scale=0.5, thresholds=(1.0, 4.0, 5.0)).p_tau_above
    for at, p in found:
        assert p == pytest.approx(2 * norm.sf(at / 0.5), rel=tolerances.NEARLY_PRIOR)


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=sets())
def test_every_statistic_of_degenerate_data_can_be_written(name, data, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = list(STATISTICS[name](data))
        except InputError:
            return
    write_json(tmp_path / "found.json", plain(found))


@pytest.mark.parametrize("name", ARRAYS)
@settings(max_examples=120, deadline=None)
@given(data=sets())
def test_arrays_of_degenerate_data_are_never_infinite(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = ARRAYS[name](data)
        except InputError:
            return
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        assert value is None or not np.isinf(np.asarray(value, dtype=float)).any(), field.name


def planned(metric="g", **changes):
    asked = {"title": "t", "lane": "B" if metric == "g" else "A", "metric": metric, "sources": ["s"]}
    return Synthesis.model_validate(asked | {"summaries": ["common"], "group_by": "rater"} | changes)


def fitted(data, model="che", metric="g", **changes):
    """The model document of a data set, as the workflow makes it."""
    defaults = Defaults.model_validate({"model": model})
    return run_synthesis("x", planned(metric, **changes), defaults, rows(data, metric), [])


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=sets(scales=(1.0, 1e-3)))
@pytest.mark.parametrize("model", ["che", "three_level", "composites"])
def test_whole_documents_of_degenerate_data_are_written_and_drawn(model, data, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            document = fitted(data, model)
        except InputError:
            return
        found = diagnose(document, ["rater", "year"], OPTIONS)
        write_document(tmp_path / "model.json", document)
        write_document(tmp_path / "diagnostics.json", found)
        write_tables(tmp_path, tables([found]))
        document = read_document(tmp_path / "model.json", Fitted)
        found = read_document(tmp_path / "diagnostics.json", Diagnosed)
        shown = presented(document, planned())
        write_csv(tmp_path / "forest.csv", forest(shown).table())
        for kind in (*LAYOUTS, "bubble"):
            table = layout(kind, shown, found, "year").table()
            write_csv(tmp_path / "figure.csv", table, ["x"] if not table else None)
        write_csv(tmp_path / "r.csv", r_data(document))
        assert not NOTHING.search(r_script(document))
        rest = {s.sample_id for s in document.studies[1:]}
        if rest:
            with contextlib.suppress(InputError):
                sides = side_of(document), side_of(refit(document, rest))
                write_json(tmp_path / "difference.json", dataclasses.asdict(difference(*sides, 0.95)))
        write_rows(tmp_path / "crosscheck.csv", [*by_matrices(document), *by_libraries(document)], CheckRow)


PLAN = {
    "title": "All",
    "synthesis": "x",
    "which": {
        "outliers": {"options": {"kept": {"kind": "equivalent"}, "out": {"kind": "uncertain", "outliers": 2.0}}},
        "level": {
            "options": {
                "both": {"kind": "equivalent"},
                "a": {"kind": "non_equivalent", "select": {"rater": ["a"]}},
            }
        },
    },
    "how": {
        "metric": {"z": "equivalent", "r": "equivalent"},
        "model": {"composites": "equivalent", "che": "equivalent"},
        "adjustment": {"none": "equivalent", "trim_fill": "uncertain", "pet_peese": "uncertain"},
        "tau2": {"REML": "equivalent", "DL": "equivalent"},
        "ci": {"hksj": "equivalent", "wald": "uncertain"},
    },
    "permutations": 99,
    "permuted": 20,
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=sets(scales=(1.0, 1e-3)))
def test_multiverses_of_degenerate_data_are_written(data, tmp_path):
    if np.abs(data.yi).max() > 5:
        return
    asked = {"title": "t", "lane": "A", "metric": "z", "sources": ["s"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = enumerate_multiverse(
            "m", Multiverse.model_validate(PLAN), Synthesis.model_validate(asked), Defaults(), rows(data, "z"), [], 3
        )
        write_enumeration(tmp_path / "m.jsonl", found)
        write_shard(tmp_path / "m.jsonl", 0, 1, tmp_path / "0.parquet")
        gather_shards([tmp_path / "0.parquet"], tmp_path / "all.parquet")
        document = summarise(
            found.head, tmp_path / "all.parquet", found.units, [NamedThreshold(key="t", label="t", value=0.1)]
        )
        write_document(tmp_path / "m.json", document)
        for records in multiverse_tables([document]):
            if records:
                write_rows(tmp_path / "t.csv", records, type(records[0]))


def test_every_small_study_test_has_a_name_in_the_report_when_it_is_refused():
    """PET-PEESE of samples of one size was refused under a name that the report did not know."""
    from synthesis.report.result_tables import TEST_NAME

    for data in DATA.values():
        with contextlib.suppress(InputError):
            found = diagnose(fitted(data, "composites"), [], OPTIONS)
            assert {row.test for row in tables([found]).small_study} <= set(TEST_NAME)
