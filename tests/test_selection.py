"""Which rows a synthesis takes, on the real data and on the example."""

import math

import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis.data.extraction import extract, reference_rows
from synthesis.data.reading import read_yaml
from synthesis.errors import InputError
from synthesis.plan import plan
from synthesis.plan.config import Defaults, Synthesis
from synthesis.plan.selection import select_effects
from synthesis.review.fit import run_synthesis

RAW = ROOT / "data" / "raw"


@pytest.fixture(scope="module")
def alliance():
    return extract(RAW, "alliance_primary", ("z",))


@pytest.fixture(scope="module")
def trauma():
    return extract(RAW, "trauma_focused_cbt_ptsd", ("g",))


def lane_a(**changes):
    content = {
        "title": "x",
        "lane": "A",
        "metric": "z",
        "sources": ["alliance_primary"],
        "mix": {"estimand": ["r_total", "r_partial"]},
    }
    return Synthesis.model_validate(content | changes)


def lane_b(**changes):
    content = {"title": "x", "lane": "B", "metric": "g", "sources": ["trauma_focused_cbt_ptsd"]}
    return Synthesis.model_validate(content | changes)


RATIOS = {"title": "x", "lane": "B", "metric": "log_risk_ratio", "sources": ["bcg"]}


def test_every_raw_row_is_an_effect_or_dropped_with_a_reason():
    checked = plan.load(read_yaml(ROOT / "config.yaml"))
    total = 0
    for source in checked.config.sources:
        found = extract(RAW, source, checked.metrics(source))
        rows = plan_rows(source)
        seen = {r.effect_id for r in (*found.effects, *found.dropped)}
        assert seen == rows, source
        assert all(r.reason for r in found.dropped)
        total += len(rows)
    assert total == 641


def plan_rows(source):
    import csv

    with (RAW / source / "effects.csv").open(encoding="utf-8", newline="") as handle:
        return {row["effect_id"] for row in csv.DictReader(handle)}


def test_pool_of_the_abstracts_agrees_with_the_extractors_check(alliance):
    """The extraction notes: r of about .26 from 34 samples with a number, .16 with null findings as zero.

    Three of the samples were excluded since: change of the alliance, a factor without the general one, no level.
    """
    mean_of_sample = Defaults(model="composites")
    document = run_synthesis("x", lane_a(), mean_of_sample, alliance.effects, alliance.dropped)
    assert document.fit.samples == 31
    assert math.tanh(document.fit.estimate) == pytest.approx(0.26, abs=0.015)
    stressed = run_synthesis(
        "x", lane_a(nonsignificant_as_zero=True), mean_of_sample, alliance.effects, alliance.dropped
    )
    assert math.tanh(stressed.fit.estimate) == pytest.approx(0.16, abs=0.015)
    zeros = [s for s in stressed.studies if s.exactness == "set to zero"]
    assert len(zeros) == stressed.set_to_zero == stressed.fit.samples - 31
    assert all(s.yi == 0 for s in zeros)


def test_findings_without_a_number_are_never_given_one(alliance):
    gaps = [r for r in alliance.dropped if r.reported_as == "sig_no_number"]
    assert len(gaps) == 80
    assert all(r.category == "gap" and "without a number" in r.reason for r in gaps)


def test_entry_errors_of_the_database_are_kept_out_in_the_open():
    found = extract(RAW, "low_intensity_depression", ("g",))
    excluded = {r.effect_id: r.reason for r in found.dropped}
    assert set(excluded) == {"li_boele_2021_cbt_cau_ces_d_self_report", "li_otu_2023_cbt_cau_bdi_2_self_report"}
    assert all("entry error" in reason for reason in excluded.values())


def test_the_second_hand_variance_shares_are_refused_by_default():
    found = extract(RAW, "beierl_2021", ("z",))
    assert found.effects == ()
    reasons = {r.effect_id: r.reason for r in found.dropped}
    assert "other predictors" in reasons["be_claim_13"]


def test_several_effects_of_a_sample_make_one_study(alliance):
    document = run_synthesis("x", lane_a(), Defaults(), alliance.effects, alliance.dropped)
    browne = next(s for s in document.studies if s.sample_id == "RAISE_FEP144")
    assert len(browne.effects) == 5
    assert document.fit.k == sum(len(s.effects) for s in document.studies) == 47
    assert document.fit.rho == 0.6


def test_estimands_and_comparators_are_not_mixed_in_silence(alliance, trauma):
    with pytest.raises(InputError, match="mix.estimand"):
        select_effects("x", lane_a(mix={}), alliance.effects, alliance.dropped)
    with pytest.raises(InputError, match="mix.comparator"):
        select_effects("x", lane_b(), trauma.effects, trauma.dropped)
    with pytest.raises(InputError, match="only wait list"):
        select_effects("x", lane_b(mix={"comparator": ["wait list"]}), trauma.effects, trauma.dropped)


def test_a_word_that_no_row_has_is_an_error(trauma):
    with pytest.raises(InputError, match="select.comparator: 'waitlist'; allowed: one of .*wait list"):
        select_effects("x", lane_b(select={"comparator": ["waitlist"]}), trauma.effects, trauma.dropped)


def test_selecting_nothing_is_an_error_that_says_why(trauma):
    with pytest.raises(InputError, match="select.year alone excludes every row"):
        select_effects("x", lane_b(select={"year": {"at_least": 2050}}), trauma.effects, trauma.dropped)
    both = {"comparator": ["supportive counselling"], "year": {"at_most": 1992}}
    with pytest.raises(InputError, match="exclude each other"):
        select_effects("x", lane_b(select=both), trauma.effects, trauma.dropped)


def test_conditions(trauma):
    select = {
        "comparator": ["wait list"],
        "year": {"at_least": 2000, "at_most": 2010},
        "rater": {"none_of": ["self-report"]},
    }
    rows = select_effects("x", lane_b(select=select), trauma.effects, trauma.dropped)
    assert rows
    assert all(r.comparator == "wait list" and 2000 <= r.year <= 2010 and r.rater == "clinician" for r in rows)


def test_the_same_finding_in_two_sources_counts_once():
    guided = extract(RAW, "low_intensity_depression", ("g",))
    own = extract(RAW, "low_intensity_self_guided", ("g",))
    sources, scores = ["low_intensity_depression", "low_intensity_self_guided"], ["change_sd", "mean_sd"]
    both = lane_b(sources=sources, mix={"statistic": scores})
    rows = select_effects("x", both, guided.effects + own.effects, [])
    assert len(rows) < len(guided.effects) + len(own.effects)
    naeem = [r for r in rows if r.sample_id == "naeem_2013"]
    assert {r.source for r in naeem if r.outcome.casefold() == "hads-d"} == {"low_intensity_depression"}


def test_summaries_are_shown_but_never_pooled():
    found = extract(RAW, "alliance_meta_analyses", ("z",))
    with pytest.raises(InputError, match="selects nothing"):
        select_effects("x", lane_a(sources=["alliance_meta_analyses"]), found.effects, found.dropped)
    (row,) = reference_rows("key", ("am_12",), "z", found.effects)
    assert math.tanh(row.ci_low) == pytest.approx(0.256)
    (turned,) = reference_rows("key", ("am_16",), "z", found.effects)
    assert math.tanh(turned.yi) == pytest.approx(0.34)
    assert turned.ci_low is None
    with pytest.raises(InputError, match="see results/dropped.csv"):
        reference_rows("key", ("am_14",), "z", found.effects)


def test_counting_the_healthy_is_the_same_finding_where_odds_ratios_are_turned(project):
    """The odds ratio of no event is 1/OR: by orientation better both are one pool; as printed, one is the inverse."""
    turned = Synthesis.model_validate(RATIOS | {"metric": "log_odds_ratio", "orientation": "better"})
    printed = Synthesis.model_validate(RATIOS | {"metric": "log_odds_ratio"})
    before = extract(project.raw, "bcg", ("log_odds_ratio",))
    rows = project.rows()
    for row in rows:
        for arm in ("treat", "control"):
            row[f"events_{arm}"] = str(int(row[f"total_{arm}"]) - int(row[f"events_{arm}"]))
        row["direction"] = "1"
    project.write(rows)
    after = extract(project.raw, "bcg", ("log_odds_ratio",))
    for synthesis, sign in ((turned, 1), (printed, -1)):
        first, second = (select_effects("bcg", synthesis, found.effects, ()) for found in (before, after))
        for a, b in zip(first, second, strict=True):
            assert a.yi == pytest.approx(sign * b.yi)
            assert a.vi == pytest.approx(b.vi)


def test_numbers_that_the_quote_does_not_show_are_named():
    found = extract(RAW, "alliance_primary", ("z",))
    by_id = {r.effect_id: r.not_in_quote for r in found.effects}
    assert by_id["ap_e001"] == ""
    assert by_id["ap_e093"] == "n"  # decimal commas are read
    assert by_id["ap_e063"] == "n"  # after the correction to the printed f2
    metapsy = extract(RAW, "full_dose_cbt_depression", ("g",)).effects
    assert all(r.not_in_quote == "" for r in metapsy)


def test_a_multilevel_model_of_few_samples_is_refused_before_the_first_job():
    content = read_yaml(ROOT / "config.yaml")
    del content["syntheses"]["trauma_focused_usual_care"]["model"]
    content["syntheses"]["alliance_ptsd"]["model"] = "three_level"
    with pytest.raises(InputError) as refused:
        plan.check(plan.load(content), RAW)
    assert "syntheses.alliance_ptsd.model" in str(refused.value)
    assert "three_level with 1 samples" in str(refused.value)


def test_units_of_outcomes_that_no_row_names_are_not_pooled_where_directions_differ(trauma):
    """Mean differences of one unnamed outcome may be in one unit; those of two directions are not."""
    rows = [replace(row, metric="mean_difference", outcome="", direction=-1.0) for row in trauma.effects[:4]]
    synthesis = lane_b(metric="mean_difference", mix={"comparator": sorted({row.comparator for row in rows})})
    assert len(select_effects("own", synthesis, rows, ())) == 4
    rows[2] = replace(rows[2], direction=1.0)
    with pytest.raises(InputError, match=f"outcome not named, direction 1 in {rows[2].effect_id[:20]}"):
        select_effects("own", synthesis, rows, ())
    named = lane_b(metric="mean_difference", mix=synthesis.mix | {"outcome": [""]})
    assert len(select_effects("own", named, rows, ())) == 4
    rows[2] = replace(rows[2], direction=-1.0, outcome="caps")
    with pytest.raises(InputError, match="outcome not named, caps"):
        select_effects("own", synthesis, rows, ())
