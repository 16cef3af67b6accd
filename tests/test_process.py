"""Findings without a number: what is counted, bounded and imputed; doubted records."""

import csv
import math
from itertools import product
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from synthesis.compare.doubts import doubts, refits
from synthesis.compare.findings import at_least, edge, findings_of, sign_test, stressed
from synthesis.compare.planned import bounds
from synthesis.compare.processes import processes, values_under
from synthesis.data.extraction import extract
from synthesis.draw.forest_columns import weight_of
from synthesis.draw.process_figure import process_layout
from synthesis.errors import InputError
from synthesis.plan.config import read_config
from synthesis.plan.parts import Plan
from synthesis.report.evidence_section import verdict
from synthesis.results.document import read_document, write_document
from synthesis.results.extracted import Extracted
from synthesis.results.process import Finding, ProcessResults
from synthesis.review.fit import run_synthesis
from synthesis.text import NONE

RAW = ROOT / "data" / "raw"


def finding(**changes):
    cells = {"construct": "adherence", "effect_id": "e", "sample_id": "s", "label": "l", "source": "x", "n": 50.0}
    cells |= {"kind": "not significant", "sign": None, "partial": False, "yi": None, "vi": None}
    return Finding(**(cells | changes))


@pytest.fixture(scope="module")
def real():
    config = read_config(str(ROOT / "config.yaml"))
    plan = Plan(config)
    found = [extract(RAW, source, plan.metrics(source)) for source in config.sources]
    return config, Extracted(
        effects=tuple(row for one in found for row in one.effects),
        dropped=tuple(row for one in found for row in one.dropped),
    )


def fitted(real, name):
    config, extracted = real
    plan = config.syntheses[name]
    own = [row for row in extracted.effects if row.source in plan.sources]
    dropped = [row for row in extracted.dropped if row.source in plan.sources]
    return run_synthesis(name, plan, config.defaults, own, dropped)


@pytest.fixture(scope="module")
def results(real):
    config, extracted = real
    return processes(config, fitted(real, "alliance"), extracted)


@given(n=st.integers(6, 5000), partial=st.booleans())
def test_a_correlation_at_the_edge_has_the_p_of_the_level(n, partial):
    r = math.tanh(edge(finding(n=float(n), partial=partial), 0.05))
    df = n - 2 - partial
    assert 2 * student.sf(r * math.sqrt(df / (1 - r**2)), df) == pytest.approx(0.05)


def test_what_has_no_n_or_no_direction_gets_no_value():
    assert edge(finding(n=None), 0.05) is None
    assert edge(finding(n=3.0), 0.05) is None
    assert stressed(finding(n=None)) is None
    assert stressed(finding(kind="significant")) is None
    assert stressed(finding()) == 0
    assert math.tanh(stressed(finding(kind="significant", sign=-1))) == pytest.approx(
        -1.959963984540054 / math.sqrt(50)
    )


def test_a_number_is_the_same_under_every_approach_and_bounds_never_hold_a_significant_finding():
    rows = [finding(kind="number", yi=0.3, vi=0.02), finding(kind="significant", sign=1, sample_id="b")]
    for approach in ("numbers", "nulls 0", "nulls at the lower edge", "nulls at the upper edge"):
        assert [(f.kind, y) for f, y, _ in values_under(approach, rows, 0.05)] == [("number", 0.3)]


def test_values_entered_by_rule_make_no_interval_narrower_than_wald_s(results):
    """Constants vary less than effects do."""
    checked = 0
    for pool in results.pools:
        own = [f for f in results.findings if f.construct == pool.construct]
        values = values_under(pool.approach, own, results.level)
        if pool.approach == "numbers" or len(values) != pool.samples or len(values) < 2:
            continue
        wald = math.fsum(1 / (vi + pool.tau2) for _, _, vi in values) ** -0.5
        assert pool.se >= wald * (1 - 1e-12), (pool.construct, pool.approach)
        checked += pool.se == pytest.approx(wald)
    assert checked > 0


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 4), (3, 8), (8, 8)])
def test_exact_tests_agree_with_every_outcome_counted(k, n):
    outcomes = [sum(draw) for draw in product((0, 1), repeat=n)]
    assert at_least(k, n, 0.5) == pytest.approx(sum(o >= k for o in outcomes) / 2**n)
    both = sum(min(o, n - o) <= min(k, n - k) for o in outcomes) / 2**n
    assert sign_test(k, n - k) == pytest.approx(min(1, both))
    assert sign_test(0, 0) is None
    assert at_least(0, 0, 0.5) is None


def test_every_sample_is_counted_once_and_in_one_class(results):
    for row in results.counts:
        assert row.samples == row.positive + row.negative + row.mixed + row.not_significant
        own = [f for f in results.findings if f.construct == row.construct]
        assert row.samples == len({f.sample_id for f in own})
        assert row.findings == len(own)


def test_a_finding_that_is_excluded_is_not_counted(results):
    """The talk summary of a paper that has its own row, and a sentence that two tables hold."""
    held = {f.effect_id for f in results.findings}
    assert not held & {"po_031", "po_041"}
    assert {"po_060", "ap_e120"} <= held


def test_bounds_enclose_the_nulls_as_zero_for_every_construct(results):
    by = {(row.construct, row.approach): row.estimate for row in results.pools}
    for construct in ("alliance", "adherence", "competence"):
        lower, zero, upper = (
            by[construct, a] for a in ("nulls at the lower edge", "nulls 0", "nulls at the upper edge")
        )
        assert lower < zero < upper


def test_the_numbers_of_the_first_construct_are_those_of_its_synthesis(real, results):
    (pool,) = [row for row in results.pools if (row.construct, row.approach) == ("alliance", "numbers")]
    document = fitted(real, "alliance")
    assert (pool.samples, pool.estimate) == (document.fit.samples, pytest.approx(document.fit.estimate))


def test_the_stress_test_agrees_with_the_second_reading(results):
    """An independent reading by one mean per sample got .04, .07 and .157 (alliance) from the same tables."""
    by = {row.construct: math.tanh(row.estimate) for row in results.pools if row.approach == "stress test"}
    for construct, r in (("adherence", 0.04), ("competence", 0.07), ("alliance", 0.157)):
        assert by[construct] == pytest.approx(r, abs=0.02)


def test_every_process_stands_beside_the_first_under_every_approach_or_says_why_not(results):
    ways = [("numbers", ""), ("nulls 0", ""), ("bounds", "lowest"), ("bounds", "highest"), ("stress test", "")]
    for construct in results.names:
        rows = [r for r in results.contrasts if r.construct == construct and r.approach != "summary"]
        assert [(r.approach, r.bound) for r in rows] == ([] if construct == results.first else ways)
        for row in rows:
            empty = row.difference is None
            assert empty == (row.conclusion == "no test" and "no study" in row.note), construct
            assert not empty or min(row.samples_first, row.samples_second) == 0
    assert {r.construct for r in results.contrasts if r.difference is None} >= {"integrity", "technique", "homework"}


def test_a_study_whose_coefficients_were_not_read_is_counted_by_what_its_quotes_say(results):
    found = {f.effect_id: f.sign for f in results.findings if f.sample_id == "beierl_2021"}
    assert found == {
        "be_patient_s1": None, "be_therapist_s1": None, "be_therapist_concurrent": 1,
        "be_therapist_crosslag_all_to_sym": 1,
    }  # fmt: skip


def test_people_on_both_sides_are_left_out_of_both(results):
    (row,) = [r for r in results.contrasts if (r.construct, r.approach) == ("adherence", "nulls 0")]
    sides = [
        {f.sample_id for f in results.findings if f.construct == c and f.kind != "significant" and f.n}
        for c in ("alliance", "adherence")
    ]
    assert row.left_out == len(sides[0] & sides[1]) > 0
    assert row.samples_second == len(sides[1] - sides[0])


def test_the_sentence_says_that_the_answer_depends_on_the_approach(results):
    assert "depends on the approach" in verdict(results, "competence")
    assert "same answer" not in verdict(results, "adherence")


def test_a_figure_row_for_each_pool_and_summary(results):
    (section,) = process_layout(results).sections
    labels = [row.label for row in section.rows]
    assert [row.label for row in section.rows if row.kind == "heading"] == list(results.names.values())
    assert sum(row.kind == "reference" for row in section.rows) == len(results.summaries)
    assert any("techniques*" in label for label in labels)


def test_marks_and_counts_of_the_figure_say_what_is_pooled_and_what_is_not_printed(results):
    layout = process_layout(results)
    (section,) = layout.sections
    rows = {(row.key, row.label): row for row in section.rows}
    for construct, label, kind, weight in (
        ("alliance", "Printed estimates, pooled", "pooled", "bold"),
        ("adherence", "Printed estimate", "single", "normal"),
    ):
        row = rows[construct, label]
        assert (row.kind, weight_of(row)) == (kind, weight)
    bounds = [row for row in section.rows if row.label.startswith("Bounds, no CI")]
    assert any("may go unmentioned in abstracts" in note for note in layout.notes)
    assert {(row.kind, row.pi_low) for row in bounds} == {("bounds", None)}
    assert all(row.ci_low < row.ci_high for row in bounds)
    unknown = {s.effect_id for s in results.summaries if s.k is None}
    assert unknown
    assert {row.key for row in section.rows if row.kind == "reference" and row.cells == (NONE, "")} == unknown
    assert f"{NONE}: the source prints no number of studies." in layout.notes


def test_a_pool_of_rules_alone_has_no_mark_and_each_row_says_how_many_numbers_are_behind_it(results):
    layout = process_layout(results)
    (section,) = layout.sections
    assert section.columns == ("Samples or k", "Printed estimates")
    drawn = {(row.key, row.label): row for row in section.rows if row.kind not in {"heading", "bounds", "reference"}}
    labels = {"numbers": "Printed", "nulls 0": "Not", "stress test": "Stress"}
    held = [pool for pool in results.pools if pool.approach in labels]
    assert {pool.construct for pool in held if not pool.numbers} == {"competence"}
    for pool in held:
        (row,) = [
            r for (key, label), r in drawn.items() if key == pool.construct and label.startswith(labels[pool.approach])
        ]
        assert row.cells[1] == str(pool.numbers)
        said = (row.estimate is None, row.ci_low is None, f"{row.low_text} {row.high_text}" == "no number")
        assert said == ((not pool.numbers,) * 3)
    notes = " ".join(layout.notes)
    assert "No number: all findings are entered by rule, so that there is neither an estimate nor an interval." in notes
    assert "Column of printed estimates: how many are behind a row" in notes
    assert "k: studies, effect sizes or findings, as the published summary counts them." in notes


def test_the_document_is_read_as_it_was_written(results, tmp_path: Path):
    write_document(tmp_path / "process.json", results)
    assert read_document(tmp_path / "process.json", ProcessResults) == results


def test_findings_of_a_sample_with_a_number_are_not_asked_for_again(real):
    config, extracted = real
    found = findings_of(config.processes, extracted)
    numbered = {(f.construct, f.sample_id) for f in found if f.kind == "number"}
    assert not [f for f in found if f.kind != "number" and (f.construct, f.sample_id) in numbered]


# --- doubts -------------------------------------------------------------------------------------------------------


def doubted(real, name, comparisons=()):
    config, extracted = real
    kept = {key: config.comparisons[key] for key in comparisons}
    one = config.model_copy(update={"doubts": {name: config.doubts[name]}, "comparisons": kept})
    sides = {side for plan in kept.values() for side in (plan.first, plan.second)}
    documents = {s: fitted(real, s) for s in {*config.doubts[name].syntheses, *sides}}
    rows, compared = doubts(one, refits(one, RAW), documents, bounds(config, extracted))
    return {row.synthesis: row for row in rows}, compared


def test_a_conclusion_that_hangs_on_one_record_says_so(real):
    """Without the exclusion of Hatcher 1996 the internet and face-to-face associations are no longer equivalent."""
    _, (row,) = doubted(real, "hatcher_1996", ["alliance_internet_or_face_to_face"])
    assert (row.conclusion, row.conclusion_then, row.turns) == ("equivalent", "undecided", "yes")


def test_undoing_corrections_of_an_estimand_moves_the_samples_between_the_pools(real):
    rows, _ = doubted(real, "change_scores")
    total, partial = rows["alliance_total"], rows["alliance_partial"]
    assert partial.samples_then - partial.samples == total.samples - total.samples_then == 4


def test_swapped_arms_turn_the_sign_of_that_trial_alone(real):
    with (RAW / "low_intensity_depression" / "effects.csv").open(encoding="utf-8", newline="") as handle:
        (row,) = [r for r in csv.DictReader(handle) if r["sample_id"] == "kivi_2014"]
    cells = real[0].doubts["kivi_2014"].set[row["effect_id"]]
    assert (cells["total_treat"], cells["total_control"]) == (row["total_control"], row["total_treat"])
    moved = doubted(real, "kivi_2014")[0]["low_intensity"]
    assert moved.samples == moved.samples_then
    assert moved.moved < 0


def test_records_left_out_and_put_back_change_the_samples(real):
    assert doubted(real, "self_guided_records")[0]["low_intensity_self_guided"].samples_then == 26
    back = doubted(real, "latif_2021")[0]["trauma_focused_wait_list"]
    assert back.samples_then == back.samples + 1


@pytest.mark.parametrize("change", [{"leave_out": ("nobody",)}, {"set": {"ap_e001": {"n": "many"}}}])
def test_a_doubt_about_nothing_is_refused_by_name(real, change):
    config, _ = real
    doubt = config.doubts["held_2022"].model_copy(update={"put_back": ()} | change)
    one = config.model_copy(update={"doubts": {"held_2022": doubt}})
    documents = {name: fitted(real, name) for name in doubt.syntheses}
    with pytest.raises(InputError, match=r"doubts\.held_2022"):
        doubts(one, refits(one, RAW), documents, {})
