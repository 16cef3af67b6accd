"""The multiverse: what its enumeration promises, that its rows are fits, its bytes, and its inference."""

import itertools
import json
import math

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.data.reading import parse
from synthesis.errors import InputError
from synthesis.meta.bias_many import pet_peese_many, trim_fill_many
from synthesis.meta.dependence import composites
from synthesis.multiverse.enumeration import enumerate_multiverse, read_units, shard_of_blocks, write_enumeration
from synthesis.multiverse.fitting import LARGEST_Z, RESULTS, Fitter, as_z, gather_shards, write_shard
from synthesis.multiverse.permute import permute_curves
from synthesis.multiverse.summary import summarise, tables, variance_shares
from synthesis.plan.config import Config, Defaults, Diagnostics, Synthesis
from synthesis.plan.decisions import Multiverse
from synthesis.report.moving import multiverse_table
from synthesis.report.multiverse_section import counted
from synthesis.results.curves import MultiverseSummary, NamedThreshold
from synthesis.results.document import columns, read_document, write_document
from synthesis.results.extracted import Dropped, Row
from synthesis.results.files import read_json
from typed import effect_row

BASE = Synthesis.model_validate(
    {"title": "t", "lane": "A", "metric": "z", "sources": ["s"], "mix": {"estimand": ["r_total", "r_partial"]}}
)
DEFAULTS = Defaults.model_validate({"ci": "hksj"})
PLAN = {
    "title": "All of it",
    "synthesis": "s",
    "which": {
        "tier": {
            "options": {
                "all": {"kind": "equivalent"},
                "strict": {"kind": "equivalent", "select": {"tier": ["strict"]}},
                "none": {"kind": "uncertain", "select": {"tier": ["absent"]}},
            }
        },
        "estimand": {
            "options": {
                "both": {"kind": "equivalent"},
                "total": {"kind": "non_equivalent", "select": {"estimand": ["r_total"]}},
            }
        },
        "effects": {
            "options": {
                "all": {"kind": "equivalent"},
                "first": {"kind": "equivalent", "take": "first"},
                "client": {"kind": "uncertain", "prefer": {"rater": ["client"]}},
            }
        },
        "outliers": {"options": {"kept": {"kind": "equivalent"}, "out": {"kind": "uncertain", "outliers": 2.0}}},
    },
    "how": {
        "rho": {"0.2": "equivalent", "0.8": "uncertain"},
        "adjustment": {"none": "equivalent", "trim_fill": "uncertain", "pet_peese": "uncertain"},
        "tau2": {"REML": "equivalent", "DL": "equivalent"},
        "ci": {"hksj": "equivalent", "wald": "uncertain"},
    },
    "permutations": 199,
    "permuted": 40,
}


def rows(samples=14, effect=0.3, seed=1):
    """Effects of samples, every third with two of them."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(samples):
        for j in range(2 if i % 3 == 0 else 1):
            n = int(random.integers(20, 120))
            found.append(effect_row(
                {
                    "effect_id": f"e{i}_{j}", "sample_id": f"s{i}", "source": "s", "metric": "z", "level": "study",
                    "yi": float(random.normal(effect, (1 / (n - 3) + 0.01) ** 0.5)), "vi": 1 / (n - 3),
                    "estimand": "r_total" if i % 2 else "r_partial", "tier": "strict" if i % 4 else "loose",
                    "rater": "client" if j else "observer", "construct": "alliance", "comparator": "",
                    "timepoint": "early", "outcome": f"o{j}", "exactness": "exact", "direction": 1.0,
                }
            ))  # fmt: skip
    return found


def enumerated(plan=None, data=None, fewest=3, **changes):
    checked = Multiverse.model_validate((plan or PLAN) | changes)
    return enumerate_multiverse("m", checked, BASE, DEFAULTS, data or rows(), [], fewest)


def records(found):
    return Fitter(found.head).records(found.units)


def by_choice(found):
    """Estimates by the options' names, whatever their order."""
    names = [f"which_{f.name}" for f in found.head.which] + [f"how_{f.name}" for f in found.head.how]
    return {frozenset((n, r[n]) for n in names): r for r in records(found)}


def test_every_choice_is_counted_once_and_equal_ones_collapse():
    found = enumerated()
    assert found.head.crossing == 3 * 2 * 3 * 2 * 2 * 3 * 2 * 2
    got = records(found)
    assert sum(r["copies"] for r in got) == found.head.crossing
    assert len(got) == found.head.specifications < found.head.crossing
    assert len({r["spec"] for r in got}) == len(got)
    keys = [
        (u.curve, u.rows, Fitter(found.head).models[u.samples < len(u.rows)][how])
        for u in found.units
        if not u.reason
        for how in u.models
    ]
    assert len(set(keys)) == len(keys)


def test_too_few_samples_are_kept_with_the_reason():
    reasons = {r["reason"] for r in records(enumerated()) if r["estimate"] is None}
    assert "no effect is left" in reasons
    few = records(enumerated(least_samples=12))
    assert {r["reason"] for r in few if r["which_estimand"] == "total"} >= {"7 samples: fewer than 12"}
    assert all(r["reason"] or r["estimate"] is not None for r in few)


def test_the_order_of_options_changes_nothing_but_numbers():
    turned = json.loads(json.dumps(PLAN))
    turned["which"] = {
        name: {"options": dict(reversed(factor["options"].items()))}
        for name, factor in reversed(turned["which"].items())
    }
    turned["how"] = {name: dict(reversed(options.items())) for name, options in turned["how"].items()}
    one, other = records(enumerated()), records(enumerated(turned))

    def seen(found):
        return sorted((r["k"], r["samples"], r["copies"], round(r["estimate"], 9), round(r["p"], 9))
                      for r in found if not r["reason"])  # fmt: skip

    assert seen(one) == seen(other)


def test_non_equivalent_options_never_share_a_curve():
    for r in records(enumerated()):
        if not r["reason"]:
            assert ("total" in r["curve"]) == (r["which_estimand"] == "total")
    changed = json.loads(json.dumps(PLAN))
    changed["how"]["adjustment"]["pet_peese"] = "non_equivalent"
    for r in records(enumerated(changed)):
        assert ("PET-PEESE" in r["curve"]) == (r["how_adjustment"] == "pet_peese")


def unnumbered(name, reported_as, n=50.0, **cells):
    """A finding of a sample of its own without a number."""
    row = rows(samples=1)[0]
    raw = {field: getattr(row, field) for field in columns(Row)} | {"effect_id": name, "sample_id": name, "n": n}
    raw |= {"reported_as": reported_as, "value": None, "exclusion_reason": "", "finding": ""}
    kept = {"source": "s", "metric": "z", "category": "gap", "reason": "no number", "not_in_quote": ""}
    return Dropped(**(raw | kept | cells))


@pytest.mark.parametrize(
    ("nulls", "value"),
    [("none", None), ("zero", (0.0, None)), ("edge_low", (-0.2894, None)), ("edge_high", (0.2894, None)),
     ("imputed", (0.0, -0.2846))],
)  # fmt: skip
def test_findings_without_a_number_enter_as_their_option_says(nulls, value):
    """A null and a significant negative finding of 50 people: at t(47) = 2.0117 r is .2816; 1.96 / sqrt(50) = .2772."""
    dropped = [
        unnumbered("null", "ns"), unnumbered("found", "sig_no_number", finding="negative"),
        unnumbered("unsigned", "sig_no_number"), unnumbered("small", "ns", n=3.0), unnumbered("unknown", "ns", n=None),
        unnumbered("excluded", "ns", exclusion_reason="within-person"), unnumbered("other", "inconclusive"),
    ]  # fmt: skip
    which = {"without": {"options": {nulls: {"kind": "equivalent", "nulls": nulls}}}}
    checked = Multiverse.model_validate({"title": "t", "synthesis": "s", "which": which})
    found = enumerate_multiverse("m", checked, BASE, DEFAULTS, rows(), dropped, 3).head.effects
    entered = {row.effect_id: row for row in found if row.sample_id in {d.sample_id for d in dropped}}
    expected = dict(zip(("null", "found"), value or (), strict=False))
    expected = {name: yi for name, yi in expected.items() if yi is not None}
    assert {name: row.yi for name, row in entered.items()} == pytest.approx(expected, abs=1e-4)
    # All of these are partial correlations: n - 3 - 1.
    assert all(row.vi == pytest.approx(1 / 46) for row in entered.values())


def test_a_sample_with_a_number_gets_no_other_one():
    which = {"without": {"options": {"zero": {"kind": "equivalent", "nulls": "zero"}}}}
    checked = Multiverse.model_validate({"title": "t", "synthesis": "s", "which": which})
    dropped = [unnumbered("null", "ns", sample_id="s0")]
    found = enumerate_multiverse("m", checked, BASE, DEFAULTS, rows(), dropped, 3)
    assert "null" not in {row.effect_id for row in found.head.effects}


def test_a_row_is_what_pool_makes_of_the_same_rows():
    found = enumerated()
    fitter = Fitter(found.head)
    checked = 0
    for unit in found.units:
        for how, record in zip(sorted(unit.models), fitter.records([unit]), strict=True):
            model = fitter.models[unit.samples < len(unit.rows)][how]
            if unit.reason or record["reason"]:
                continue
            index = list(unit.rows)
            cluster = [fitter.sample[i] for i in index]
            y, v = fitter.y[index], fitter.v[index]
            whole = composites(y, v, cluster, model.rho or 0.0)
            if model.adjustment == "none":
                fit = synthesis.pool(y, v, tau2=model.tau2, ci=model.ci, cluster=cluster, rho=model.rho or 0.0,
                                     model="composites")  # fmt: skip
            elif model.adjustment == "trim_fill":
                fit = synthesis.trim_fill(whole.yi, whole.vi, tau2=model.tau2, ci=model.ci).fit
            else:
                fit = synthesis.pet_peese(whole.yi, whole.vi)
            names = ("estimate", "ci_low", "ci_high", *(("p", "tau2", "i2") if model.adjustment == "none" else ()))
            for name in names:
                assert record[name] == pytest.approx(getattr(fit, name), rel=1e-7, abs=1e-9), (model, name)
            checked += 1
    assert checked > 100


def test_multilevel_models_are_those_of_pool():
    plan = json.loads(json.dumps(PLAN))
    plan["how"] = {"model": {"composites": "equivalent", "che": "equivalent", "three_level": "uncertain"}}
    plan["which"] = {}
    found = {r["how_model"]: r for r in records(enumerated(plan))}
    data = rows()
    y, v, cluster = ([getattr(r, n) for r in data] for n in ("yi", "vi", "sample_id"))
    for model in ("che", "three_level"):
        fit = synthesis.pool(y, v, cluster=cluster, model=model, rho=DEFAULTS.rho)
        for name in ("estimate", "ci_low", "ci_high", "p", "tau2", "i2"):
            assert found[model][name] == pytest.approx(getattr(fit, name), rel=1e-6, abs=1e-9), name


def test_fewer_samples_than_the_plan_tests_for_bias_are_not_adjusted_either():
    """As a single pool of them: `Diagnostics.fewest`."""
    found, few, enough = enumerated(fewest=10), 0, 0
    fitter = Fitter(found.head)
    for unit in found.units:
        for record in fitter.records([unit]):
            if unit.reason or record["how_adjustment"] == "none":
                continue
            if unit.samples < 10:
                assert record["reason"] == f"{unit.samples} samples: fewer than 10 for a bias adjustment"
                assert record["estimate"] is None
                few += 1
            else:
                assert record["estimate"] is not None
                enough += 1
    assert few > 0
    assert enough > 0
    asked = Diagnostics(funnel_from=12, force_funnel=("b",))
    assert (asked.fewest("a"), asked.fewest("b")) == (12, 3)


@pytest.mark.parametrize("k", [3, 5, 20])
def test_many_adjustments_are_those_one_by_one(k):
    random = np.random.default_rng(k)
    v = np.exp(random.normal(-3, 1, (60, k)))
    y = random.normal(0.2 + 2 * np.sqrt(v), np.sqrt(v + 0.02))
    absent = np.insert(y, 1, 9.0, axis=1), np.insert(v, 1, np.inf, axis=1)
    filled_y, filled_v = trim_fill_many(*absent)
    estimates = pet_peese_many(*absent)
    for i in range(60):
        one = synthesis.trim_fill(y[i], v[i])
        assert np.isfinite(filled_v[i, k + 1 :]).sum() == one.missing
        held = np.isfinite(filled_v[i])
        fit = synthesis.pool(filled_y[i, held], filled_v[i, held])
        assert fit.estimate == pytest.approx(one.fit.estimate, rel=1e-7)
        pet = synthesis.pet_peese(y[i], v[i])
        assert [a[i] for a in estimates[:3]] == pytest.approx([pet.estimate, pet.ci_low, pet.ci_high], rel=1e-8)


def test_a_draw_of_a_larger_crossing_is_seeded_and_part_of_it():
    whole = {frozenset(r.items() - {("copies", 0)}) for r in _hashable(records(enumerated()))}
    drawn = records(enumerated(max=100))
    assert sum(r["copies"] for r in drawn) == 100
    assert drawn == records(enumerated(max=100)) or drawn[0]["estimate"] is None
    assert {r["spec"] for r in drawn} != {r["spec"] for r in records(enumerated(max=100, seed=2))}
    assert whole


def _hashable(found):
    return [{k: v for k, v in r.items() if k != "copies"} for r in found]


def test_correlations_pooled_as_r_are_given_as_z():
    how = {"metric": {"z": "equivalent", "r": "equivalent"}, "ci": {"hksj": "equivalent"}}
    data = [row for row in rows() if row.effect_id.endswith("_0")]
    found = enumerated({"title": "t", "synthesis": "s", "how": how}, data)
    got = {r["how_metric"]: r for r in records(found)}
    y, v = (np.array([getattr(row, key) for row in data]) for key in ("yi", "vi"))
    r, n = np.tanh(y), 1 / v + 3
    fit = synthesis.pool(r, (1 - r**2) ** 2 / (n - 1), ci="hksj")
    expected = [math.atanh(x) for x in (fit.estimate, fit.ci_low, fit.ci_high)]
    assert [got["r"][name] for name in ("estimate", "ci_low", "ci_high")] == pytest.approx(expected, rel=1e-9)
    assert (got["r"]["p"], got["r"]["tau2"]) == pytest.approx((fit.p, fit.tau2), rel=1e-6)
    assert got["z"]["estimate"] == pytest.approx(synthesis.pool(y, v, ci="hksj").estimate)
    test = permute_curves(found.head, found.units)["main"]
    assert test.median == pytest.approx((got["r"]["estimate"] + got["z"]["estimate"]) / 2)


def test_a_pooled_r_beyond_one_is_refused_and_a_limit_is_cut():
    result = dict.fromkeys(RESULTS, 0.0) | {"estimate": 0.5, "ci_low": -1.3, "ci_high": 1.0, "tau2": 0.01}
    given, reason = as_z(result)
    assert reason == ""
    assert (given["estimate"], given["ci_low"], given["ci_high"]) == pytest.approx(
        (math.atanh(0.5), -LARGEST_Z, LARGEST_Z), abs=0.1
    )
    assert given["tau2"] == result["tau2"]
    given, reason = as_z(result | {"estimate": 1.02})
    assert given["estimate"] is None
    assert reason == "the pooled r is 1.02: outside -1 to 1"


@pytest.fixture
def blocky(monkeypatch):
    """Blocks of a few units, so that there is something to share out."""
    monkeypatch.setattr("synthesis.multiverse.enumeration.BLOCK", 3000.0)


def test_the_gathered_bytes_do_not_depend_on_the_shards(blocky, tmp_path, monkeypatch):
    monkeypatch.setattr("synthesis.multiverse.fitting.ROW_GROUP", 64)
    found = enumerated()
    assert len(found.head.blocks) > 7
    listed = tmp_path / "m.jsonl"
    write_enumeration(listed, found)
    assert [u.rows for u in read_units(listed)] == [u.rows for u in found.units]
    content = {}
    for shards in (1, 2, 3, 7, 40):
        paths = [tmp_path / f"{shards}_{i}.parquet" for i in range(shards)]
        counted = [write_shard(listed, i, shards, path) for i, path in enumerate(paths)]
        assert gather_shards(paths, tmp_path / "all.parquet") == sum(counted) == found.head.specifications
        content[shards] = (tmp_path / "all.parquet").read_bytes()
    assert len(set(content.values())) == 1
    shares = [sum(b.work for b in shard_of_blocks(found.head.blocks, i, 3)) for i in range(3)]
    assert max(shares) < 1.6 * min(shares)


def test_the_document_and_its_tables(tmp_path):
    found = enumerated()
    listed, path = tmp_path / "m.jsonl", tmp_path / "m.parquet"
    write_enumeration(listed, found)
    write_shard(listed, 0, 1, tmp_path / "0.parquet")
    gather_shards([tmp_path / "0.parquet"], path)
    document = summarise(found.head, path, read_units(listed), [NamedThreshold(key="small", label="small", value=0.1)])
    assert [c.curve for c in document.curves] == ["main", "estimand: total"]
    got = [r for r in records(found) if not r["reason"] and r["curve"] == "main"]
    scope = document.curves[0].scopes["all"]
    assert scope.fitted == len(got)
    assert scope.estimate_median == pytest.approx(np.median([r["estimate"] for r in got]))
    assert scope.shares_above["small"] == pytest.approx(np.mean([r["estimate"] > 0.1 for r in got]))
    assert sum(d.share for d in document.curves[0].decisions) == pytest.approx(document.curves[0].variance_explained)
    ranks = [point.estimate for point in document.curves[0].drawn]
    assert ranks == sorted(ranks)
    summary, decisions = tables([document])
    assert {row.scope for row in summary} == {"all", "equivalent"}
    assert {row.factor for row in decisions} >= {"tier", "rho", "tau2"}


def test_variance_shares_of_a_balanced_crossing_are_its_sums_of_squares():
    choices = np.array(list(itertools.product(range(3), range(2), range(4))))
    effect = np.array([0.0, 1.0, 5.0])[choices[:, 0]] + 2.0 * choices[:, 1]
    noise = np.random.default_rng(1).normal(0, 0.5, len(choices))
    y = effect + noise
    shares, total = variance_shares(y, choices)
    whole = ((y - y.mean()) ** 2).sum()
    for i in range(3):
        means = np.array([y[choices[:, i] == level].mean() for level in choices[:, i]])
        assert shares[i] == pytest.approx(((means - y.mean()) ** 2).sum() / whole, abs=1e-12)
    assert sum(shares) == pytest.approx(total)
    assert 0 < total < 1
    assert variance_shares(np.ones(5), np.zeros((5, 2), dtype=int)) == ([0.0, 0.0], 0.0)


def small(seed, effect):
    plan = {"title": "t", "synthesis": "s", "permutations": 99, "which": {"tier": PLAN["which"]["tier"]},
            "how": {"tau2": PLAN["how"]["tau2"]}, "seed": seed}  # fmt: skip
    found = enumerated(plan, rows(12, effect, seed))
    return permute_curves(found.head, found.units)["main"]


def test_the_permutation_test_holds_its_level_and_finds_an_effect():
    null = [small(seed, 0.0) for seed in range(120)]
    for name in ("median_p", "share_significant_p", "stouffer_p"):
        rejected = np.mean([getattr(test, name) <= 0.05 for test in null])
        # Three standard errors above the level.
        assert rejected <= 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5, name
    found = small(1, 0.4)
    assert found.median_p == found.stouffer_p == 0.01


def test_the_observed_statistics_are_those_of_the_fits():
    found = enumerated(permuted=10_000)
    test = permute_curves(found.head, found.units)["main"]
    own = [r for r in records(found) if r["curve"] == "main" and r["how_adjustment"] == "none" and not r["reason"]]
    assert test.specifications == len(own)
    assert test.median == pytest.approx(np.median([r["estimate"] for r in own]), rel=tolerances.LAW)
    assert test.share_significant == pytest.approx(np.mean([r["p"] < 0.05 for r in own]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"synthesis": "alianse"}, "'alianse'; allowed: one of alliance (did you mean alliance?)"),
        ({"which": {"a": {"options": {"b": {"kind": "equal"}}}}}, "equivalent"),
        ({"which": {"a": {"options": {"b": {"kind": "equivalent", "selct": {}}}}}}, "did you mean select?"),
        ({"which": {"a": {"options": {"b": {"kind": "equivalent", "select": {"tir": ["x"]}}}}}}, "did you mean tier?"),
        ({"which": {"tau2": {"options": {"b": {"kind": "equivalent"}}}}}, "taken by a decision of how"),
        ({"how": {"tau2": {"REMLL": "equivalent"}}}, "REML"),
        ({"how": {"rho": {"1.2": "equivalent"}}}, "1"),
        ({"how": {"metric": {"g": "equivalent"}}}, "one of z, r"),
        (
            {
                "which": {
                    "a": {"options": {"b": {"kind": "equivalent", "select": {"tier": ["x"]}}}},
                    "c": {"options": {"d": {"kind": "equivalent", "select": {"tier": ["y"]}}}},
                }
            },
            "'tier'; allowed: a column that no other decision selects by (a selects by it already)",
        ),
    ],
)
def test_a_bad_plan_is_named(change, said):
    config = {
        "title": "t",
        "sources": ["s"],
        "syntheses": {"alliance": {"title": "t", "lane": "A", "metric": "z", "sources": ["s"]}},
        "multiverses": {"m": {"title": "t", "synthesis": "alliance"} | change},
    }
    with pytest.raises(InputError) as error:
        parse(Config, config, "config.yaml")
    assert said in str(error.value)
    assert "multiverses" in str(error.value)


def test_a_document_is_read_as_it_was_written(tmp_path):
    found = enumerated()
    write_enumeration(tmp_path / "m.jsonl", found)
    write_shard(tmp_path / "m.jsonl", 0, 1, tmp_path / "m.parquet")
    document = summarise(found.head, tmp_path / "m.parquet", found.units, [])
    write_document(tmp_path / "m.json", document)
    assert read_document(tmp_path / "m.json", MultiverseSummary) == document
    assert read_json(tmp_path / "m.json")["curves"][0]["curve"] == "main"


def summarised(folder, title):
    found = enumerated(title=title)
    write_enumeration(folder / "m.jsonl", found)
    write_shard(folder / "m.jsonl", 0, 1, folder / "m.parquet")
    return summarise(found.head, folder / "m.parquet", found.units, [NamedThreshold(key="s", label="<b>", value=0.1)])


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    return summarised(tmp_path_factory.mktemp("document"), "$\\alpha$ <script>alert(1)</script>")


def test_the_table_of_curves_calls_nothing_of_lane_a_an_effect(document):
    table = multiverse_table([document], {})
    said = " ".join(part.content for row in table.rows for cell in row for part in cell.texts)
    assert "r = " in said
    assert len(table.rows) == len(document.curves)
    assert "effect" not in said.replace("effects ", "")
    assert "distinct analyses" in counted(document)
