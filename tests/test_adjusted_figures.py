"""Adjusted estimates of whole pools: in the document, the table and the figure."""

import numpy as np
import pytest
import synthesis
import tolerances as tol
from synthesis.draw import adjusted_figure
from synthesis.draw.layout import Layout
from synthesis.plan.config import Diagnostics
from synthesis.results.adjusted import ESTIMATORS, AdjustedEstimate, samples_words
from test_diagnose import diagnosed, document, flat
from typed import on_documents

adjusted = on_documents(adjusted_figure.adjusted)
SHOWN = {"title": "X", "lane": "A", "word": "association", "metric": "z"}


@pytest.fixture(scope="module")
def dependent():
    model = document(16, "che", 2)
    return model, diagnosed(model, [], Diagnostics(funnel_from=5))


def test_every_estimate_has_numbers_or_a_reason(dependent):
    _, found = dependent
    unasked = [name for name in ESTIMATORS if name != "model_averaged"]
    assert [row["name"] for row in found["adjusted"]] == unasked
    for row in found["adjusted"]:
        assert (row["estimate"] is None) == bool(row["reason"]), row
        assert row["assumes"]


def test_they_are_those_of_the_library(dependent):
    model, found = dependent
    by_name = {row["name"]: row for row in found["adjusted"]}
    y, v = (np.array([study[key] for study in model["studies"]]) for key in ("yi", "vi"))
    assert by_name["pool"]["estimate"] == model["estimate"]
    assert by_name["henmi_copas"]["ci_low"] == pytest.approx(synthesis.henmi_copas(y, v).ci_low, rel=tol.SAME_FORMULA)
    assert by_name["limit"]["estimate"] == pytest.approx(synthesis.limit_meta(y, v).estimate, rel=tol.SAME_FORMULA)
    members = [(s["sample_id"], m["yi"], m["vi"]) for s in model["studies"] for m in s["members"]]
    samples, effects, variances = zip(*members, strict=True)
    robust = synthesis.robust_pet_peese(effects, variances, list(samples), rho=model["rho"])
    assert by_name["pet_peese_cr2"]["estimate"] == pytest.approx(robust.estimate, rel=tol.SAME_FORMULA)
    side = "greater" if model["estimate"] > 0 else "less"
    step = synthesis.selection_model(effects, variances, alternative=side, clusters=list(samples))
    assert (by_name["step_one_robust"]["estimate"], by_name["step_one_robust"]["se"]) == (step.estimate, step.se)
    assert by_name["step_one_robust"]["k"] == len(effects) > len(y)
    assert by_name["pet_peese"]["estimate"] == found["small_study"]["pet_peese"]["estimate"]


def test_independent_effects_have_no_robust_twin():
    found = diagnosed(document(), [], Diagnostics())
    for name in ("pet_peese_cr2", "step_one_robust"):
        row = next(r for r in found["adjusted"] if r["name"] == name)
        assert "no sample has several" in row["reason"]


def test_a_metric_without_a_null_has_nothing_significant():
    model = document() | {"metric": "logit", "lane": "C"}
    found = diagnosed(model, [], Diagnostics())
    reasons = {row["name"]: row["reason"] for row in found["adjusted"]}
    for name in ("waap", "step_one", "step_one_robust", "step_three", "step_two", "beta", "p_uniform"):
        assert "no value of no effect" in reasons[name]
    assert {"excess_significance", "p_curve"} <= set(found["small_study"]["refused"])


def test_the_model_averaged_estimate_is_there_where_the_plan_asks_for_it():
    model = document(16)
    found = diagnosed(model, [], Diagnostics(model_averaging=["x"]))
    row = found["adjusted"][-1]
    y, v = (np.array([study[key] for study in model["studies"]]) for key in ("yi", "vi"))
    of_library = synthesis.model_average(y, v, scale=0.5, alternative="greater" if model["estimate"] > 0 else "less")
    assert (row["name"], row["k"]) == ("model_averaged", 16)
    assert (row["estimate"], row["ci_low"]) == (of_library.estimate, of_library.ci_low)
    assert "Bayes factors: effect" in row["note"]
    weights = [m["posterior"] for m in found["model_average"]["models"]]
    assert len(weights) == 36
    assert sum(weights) == pytest.approx(1, rel=tol.SAME_FORMULA)
    drawn = adjusted(model | SHOWN, found)
    assert drawn.sections[0].rows[-1].key == "x/model_averaged"
    assert "credible interval" in drawn.notes[0]
    assert "an idea of its own of what is missing or biased" in drawn.notes[0]


def test_a_metric_without_the_scale_of_its_priors_has_a_reason_instead():
    model = document() | {"metric": "log_risk_ratio", "lane": "B"}
    row = diagnosed(model, [], Diagnostics(model_averaging=["x"]))["adjusted"][-1]
    assert (row["name"], row["estimate"]) == ("model_averaged", None)
    assert "standardised mean difference" in row["reason"]


def test_few_samples_have_one_row_that_says_so():
    found = diagnosed(document(4), [], Diagnostics())
    (row,) = flat([found])["adjusted_estimates"]
    assert row["name"] == "all"
    assert "fewer than 10" in row["reason"]


def test_the_figure_has_the_pool_and_a_row_for_each_estimate(dependent):
    model, found = dependent
    drawn = adjusted(model | SHOWN, found)
    assert isinstance(drawn, Layout)
    rows = drawn.sections[0].rows
    assert rows[0].kind == "pooled"
    held = [row["name"] for row in found["adjusted"] if row["estimate"] is not None]
    assert [row.key.split("/")[1] for row in rows] == held
    assert all(row.estimate is not None for row in rows)
    for row in found["adjusted"]:
        if row["reason"]:
            assert row["reason"] in drawn.notes[0]


def test_imputed_samples_and_single_estimates_are_counted_apart(dependent):
    model, found = dependent
    section = adjusted(model | SHOWN, found).sections[0]
    assert section.columns == ("Samples", "Remark")
    # Numbers alone, so that they stand under each other.
    assert all(row.cells[0].isdigit() for row in section.rows)
    rows = {row.key.split("/")[1]: " ".join(filter(None, row.cells)) for row in section.rows}
    samples, estimates = model["samples"], model["k"]
    assert rows["pool"] == str(samples)
    assert rows["pet_peese_cr2"] == f"{samples} {estimates} estimates"
    made_up = AdjustedEstimate(name="trim_fill", k=samples + 8)
    assert samples_words(made_up, samples) == f"{samples} + 8 imputed"
    missing = found["small_study"]["trim_fill_L0"]["missing"]
    assert rows["trim_fill"] == (f"{samples} + {missing} imputed" if missing else str(samples))
    assert all(rows.values())


def test_reasons_are_sentences_of_no_program():
    y, v = np.linspace(0.3, 0.5, 12), np.full(12, 0.01)
    made = document(12)
    for study, a, b in zip(made["studies"], y, v, strict=True):
        study |= {"yi": float(a), "vi": float(b)}
    reasons = [row["reason"] for row in diagnosed(made, [], Diagnostics())["adjusted"]]
    assert any("no study with p-values" in reason for reason in reasons)
    assert not any("(greater)" in reason or "needed:" in reason for reason in reasons)


def test_the_figure_of_few_samples_says_why_it_is_not_drawn():
    model = document(4)
    drawn = adjusted(model | SHOWN, diagnosed(model, [], Diagnostics()))
    assert "fewer than 10" in drawn.refused
