"""Numbers at the edge: what each statistic says of degenerate data, and that nothing infinite or NaN leaves it."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import synthesis
from degenerate import rows, sets
from hypothesis import HealthCheck, given, settings
from synthesis.compare.contrast import difference, refit
from synthesis.draw.diagnostic import LAYOUTS, layouts
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
from synthesis.results.files import write_csv, write_json
from synthesis.review.crosscheck import crosscheck
from synthesis.review.diagnose import TABLES, diagnose, tables
from synthesis.review.fit import run_synthesis

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


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=sets())
def test_every_statistic_of_degenerate_data_can_be_written(name, data, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = list(STATISTICS[name](data))
        except InputError as error:
            assert all(problem.where and problem.allowed for problem in error.problems)
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
        assert not np.isinf(np.asarray(getattr(found, field.name) or 0.0, dtype=float)
                            if field.name == "seed" else np.asarray(getattr(found, field.name), dtype=float)).any(), field.name  # fmt: skip


def fitted(data, model="che", metric="g", **changes):
    """The model document of a data set, as the workflow makes it."""
    asked = {"title": "t", "lane": "B" if metric == "g" else "A", "metric": metric, "sources": ["s"]}
    plan = Synthesis.model_validate(asked | {"summaries": ["common"], "group_by": "rater"} | changes)
    return run_synthesis("x", plan, Defaults.model_validate({"model": model}), rows(data, metric), [])


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
        write_json(tmp_path / "model.json", document)
        write_json(tmp_path / "diagnostics.json", found)
        for name, records in tables([found]).items():
            write_csv(tmp_path / f"{name}.csv", records, TABLES[name])
        document = json.loads((tmp_path / "model.json").read_text())
        found = json.loads((tmp_path / "diagnostics.json").read_text())
        write_csv(tmp_path / "forest.csv", forest(document).table())
        for _, layout in layouts(document, found, [*LAYOUTS, "bubble"], ["year"]):
            write_csv(tmp_path / "figure.csv", layout.table(), ["x"] if not layout.table() else None)
        write_csv(tmp_path / "r.csv", r_data(document))
        assert not words_for_nothing(r_script(document))
        rest = {s["sample_id"] for s in document["studies"][1:]}
        if rest:
            try:
                write_json(tmp_path / "difference.json", difference(document, refit(document, rest), 0.95))
            except InputError:
                pass
        write_csv(tmp_path / "crosscheck.csv", checked(document), ["quantity"])


def checked(document):
    """The second route, which may part with the first where PyMARE's search ends early, but not in NaN."""
    return crosscheck(document)


def words_for_nothing(text):
    return [word for word in ("nan", "NaN", "inf", "Inf", "None") if word in text.replace("inform", "").split()]


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
            "m", Multiverse.model_validate(PLAN), Synthesis.model_validate(asked), Defaults(), rows(data, "z"), []
        )
        write_enumeration(tmp_path / "m.jsonl", found)
        write_shard(tmp_path / "m.jsonl", 0, 1, tmp_path / "0.parquet")
        gather_shards([tmp_path / "0.parquet"], tmp_path / "all.parquet")
        document = summarise(
            found.head, tmp_path / "all.parquet", found.units, [{"key": "t", "label": "t", "value": 0.1}]
        )
        write_json(tmp_path / "m.json", document)
        for records in multiverse_tables([document]):
            write_csv(tmp_path / "t.csv", records, list(records[0]) if records else ["x"])
