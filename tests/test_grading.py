"""Certainty of evidence: each domain by its rule, and what is not decided is said."""

import pytest
from msgspec.structs import replace
from synthesis.compare import grading
from synthesis.compare.grading import optimal_size
from synthesis.data.source import RiskScore
from synthesis.plan.config import Diagnostics
from synthesis.plan.judged import Certainty, Indirectness
from synthesis.report.certainty_table import certainty
from synthesis.results.certainty import DOMAINS
from synthesis.results.comparisons import RelevanceRow
from test_diagnose import diagnosed
from test_diagnose import document as sixteen
from typed import on_documents

graded = on_documents(grading.graded)
SCORE = RiskScore(lowest=0, highest=4, better="larger", basis="stated")
SHOWN = {"lane": "A", "word": "association", "title": "X", "metric": "z"}


def study(i, **changes):
    usual = {"yi": 0.4, "vi": 0.02, "n": 100, "weight": 25.0, "rob": "low"}
    return {"sample_id": f"s{i}", "label": f"S{i}"} | usual | changes


def fitted(lane="B", metric="g", studies=None, **changes):
    fit = {
        "estimate": 0.4, "se": 0.1, "ci_low": 0.2, "ci_high": 0.6, "pi_low": 0.1, "pi_high": 0.7, "i2": 60.0, "k": 4,
        "samples": 4, "metric": metric, "level": 0.95,
    }  # fmt: skip
    word = {"A": "association", "B": "effect", "C": "estimate"}[lane]
    studies = studies or [study(i) for i in range(4)]
    return fit | {"synthesis": "x", "title": "X", "lane": lane, "word": word, "studies": studies} | changes


def relevance(value):
    return RelevanceRow(
        synthesis="x", title="X", metric="g", samples=4, threshold="t", threshold_label="T", threshold_value=value,
        estimate=0.4, ci_low=None, ci_high=None, conclusion="",
    )  # fmt: skip


def judged(document, threshold=0.24, found=None, scores=None, plan=None):
    """The domains by name, and the summary."""
    rows = [relevance(threshold)] if threshold else []
    domains, (summary,) = graded([document], {"x": found} if found else {}, rows, scores or {}, plan or Certainty())
    assert [row.domain for row in domains] == list(DOMAINS)
    return {row.domain: row for row in domains}, summary


@pytest.mark.parametrize(
    ("ratings", "down", "who"),
    [
        (["low", "some concerns", "Low risk", "moderate"], 0, ""),
        (["high", "serious", "low", "low"], 1, "s0; s1"),
        (["high", "low", "low", "low"], 0, "s0"),
        (["", "", "", "high"], None, ""),
        (["0", "1", "2", "4"], 1, "s0; s1"),
        (["mixed", "3", "4", "2"], 0, ""),
    ],
)
def test_risk_of_bias_is_by_share_of_the_rated_weight(ratings, down, who):
    row = judged(fitted(studies=[study(i, rob=rob) for i, rob in enumerate(ratings)]), scores={"s": SCORE})[0]
    assert (row["risk_of_bias"].down, row["risk_of_bias"].rows) == (down, who)


def test_a_score_without_a_meaning_is_no_rating():
    row = judged(fitted(studies=[study(i, rob="1") for i in range(4)]))[0]["risk_of_bias"]
    assert row.judgement == "not decided"
    assert "0 of 4 samples rated" in row.reason


@pytest.mark.parametrize(
    ("i2", "low", "high", "down"),
    [
        (40.0, -0.5, 1.0, 0),
        (60.0, 0.3, 0.9, 0),
        (60.0, 0.1, 0.9, 1),
        (60.0, -0.5, 1.0, 1),
        (80.0, -0.5, 1.0, 2),
        (80.0, -0.1, 1.0, 1),
        (80.0, None, None, None),
    ],
)
def test_inconsistency_is_i2_and_where_true_values_lie(i2, low, high, down):
    assert judged(fitted(i2=i2, pi_low=low, pi_high=high))[0]["inconsistency"].down == down


@pytest.mark.parametrize(
    ("low", "high", "people", "down"),
    [(0.3, 0.5, 200, 0), (0.2, 0.6, 200, 1), (-0.1, 0.9, 200, 2), (0.3, 0.5, 20, 1), (-0.1, 0.9, 20, 2)],
)
def test_imprecision_is_points_crossed_and_people(low, high, people, down):
    document = fitted(ci_low=low, ci_high=high, studies=[study(i, n=people) for i in range(4)])
    assert judged(document)[0]["imprecision"].down == down


def test_the_optimal_size_is_that_of_one_study_with_80_percent_power():
    """Two arms: 2 (1.95996 + 0.84162)^2 / 0.5^2 = 62.8 each; r: 7.8489 / z^2 + 3."""
    assert optimal_size("g", 0.5, 0.95) == 126
    assert optimal_size("z", 0.1, 0.95) == 788
    assert optimal_size("log_odds_ratio", 0.1, 0.95) is None
    assert optimal_size("g", None, 0.95) is None


def test_people_that_are_not_known_are_not_guessed():
    row = judged(fitted(studies=[study(0, n=None), study(1)]))[0]["imprecision"]
    assert "without a number of people" in row.reason


def test_indirectness_is_declared_or_not_decided():
    assert judged(fitted())[0]["indirectness"].judgement == "not decided"
    declared = Certainty(indirectness={"x": Indirectness(level="very serious", reason="other patients")})
    row = judged(fitted(), plan=declared)[0]["indirectness"]
    assert (row.down, row.reason) == (2, "other patients")


def test_publication_bias_is_two_of_three_tests():
    model = sixteen() | SHOWN
    found = diagnosed(sixteen(), [], Diagnostics())
    tests = found["small_study"]
    p = [tests["egger_inverse_root_n"]["p"], tests["selection_model"]["lrt_p"], tests["excess_significance"]["p"]]
    assert judged(model, found=found)[0]["publication_bias"].down == int(sum(x < 0.1 for x in p) >= 2)
    tests["selection_model"]["lrt_p"] = tests["excess_significance"]["p"] = 0.01
    assert judged(model, found=found)[0]["publication_bias"].judgement == "serious"
    few = judged(sixteen(4) | SHOWN, found=diagnosed(sixteen(4), [], Diagnostics()))[0]["publication_bias"]
    assert few.judgement == "not decided"
    assert "fewer than 10" in few.reason


@pytest.mark.parametrize(
    ("lane", "metric", "start", "certainty"),
    [("B", "g", "high", "low"), ("A", "z", "moderate", "very low"), ("C", "logit", "low", "low")],
)
def test_each_lane_starts_where_its_variant_says(lane, metric, start, certainty):
    """Both intervals cross the threshold, a level each; one group has no such points."""
    plan = Certainty(indirectness={"x": Indirectness(level="not serious", reason="r")})
    found = judged(fitted(lane, metric, [study(i, n=200) for i in range(4)]), plan=plan)[1]
    assert (found.start, found.certainty) == (start, certainty)
    assert found.undecided == "Publication bias"
    assert ("prognostic" in found.variant) == (lane == "A")


def test_a_stress_test_is_not_graded():
    assert graded([fitted("A", "z", set_to_zero=3)], {}, [], {}, Certainty()) == ([], [])


def test_associations_that_confirm_start_at_high():
    assert judged(fitted("A", "z"), plan=Certainty(prognostic_start="high"))[1].start == "high"


def test_the_report_says_at_most_while_a_domain_is_open():
    domains, findings = graded([fitted()], {}, [relevance(0.24)], {}, Certainty())
    context = certainty([replace(findings[0], certainty="low")], domains, [])
    found = context["findings"]
    assert found.rows[0][found.heads.index("Certainty")].texts[0].content == "at most low"
    # There is nothing below the lowest.
    lowest = certainty([replace(findings[0], certainty="very low")], domains, [])["findings"]
    assert lowest.rows[0][lowest.heads.index("Certainty")].texts[0].content == "very low"
    assert len(context["reasons"].rows) == len(DOMAINS)
    assert certainty([], [], []) is None
