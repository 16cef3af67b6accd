"""Published summaries: all are listed, and figures say how many they draw. What the answer says of its pools."""

import dataclasses

import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis.plan.config import ComparisonFigure
from synthesis.report import headline, render, sentences, signs, summaries_table
from synthesis.results.certainty import LowRiskRow
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.review.diagnostic_tables import DiagnosticTables
from test_figures import document
from test_report import FIT, material
from typed import fitted

STYLE = (ROOT / "workflow" / "synthesis" / "report" / "assets" / "style.css").read_text(encoding="utf-8")


def reviewed():
    """Three summaries, of which a figure names one."""
    made = material(documents=[document(6, "z", "A", name="bcg", **FIT)])
    first = replace(made.effects[0], metric="z")
    rows = [replace(first, effect_id=name, level="summary", label=name) for name in ("one", "two", "three")]
    figure = ComparisonFigure.model_validate(
        {"title": "t", "blocks": [{"synthesis": "bcg"}], "references": {"A": {"effects": ["two"]}}}
    )
    plan = made.config.model_copy(update={"figures": {"f": figure}})
    return material(documents=made.documents, effects=[first, *rows], config=plan), figure


def test_a_figure_says_how_many_published_summaries_it_draws():
    review, figure = reviewed()
    assert "1 of 3 associations" in summaries_table.shown(review, figure)


def test_every_published_summary_is_listed_whether_a_figure_draws_it_or_not():
    review, _ = reviewed()
    rows = [(row[0].texts[0].content, row[-1].texts[0].content) for row in summaries_table.published(review).rows]
    assert rows == [("one", "no"), ("two", "yes"), ("three", "no")]


def test_without_published_summaries_nothing_is_said():
    review = material(documents=[document(6, "z", "A", name="bcg", **FIT)])
    review.effects[:] = [effect for effect in review.effects if effect.level != "summary"]
    assert summaries_table.published(review) is None


def low_risk(rated, left_out):
    return LowRiskRow(
        synthesis="bcg", title="t", metric="g", samples=5, rated=rated, left_out=left_out, left_out_samples="",
        estimate=0.4, ci_low=0.1, ci_high=0.7, samples_without=None, k_without=None, estimate_without=None,
        ci_low_without=None, ci_high_without=None, tau2_without=None, i2_without=None, model_without="", reason="",
    )  # fmt: skip


def answered(row):
    made = material(documents=[document(5, "g", "B", name="bcg", **FIT)], low_risk=[row])
    return headline.answer(made)[0].words


def test_the_answer_names_a_high_share_of_samples_at_high_risk_of_bias():
    assert "(5 samples, 3 of 5 at high risk of bias" in answered(low_risk(5, 3))
    assert "3 of 4 rated at high risk of bias" in answered(low_risk(4, 3))
    assert "risk of bias" not in answered(low_risk(5, 2))


def test_heterogeneity_within_samples_alone_is_said():
    model = fitted(document(6, "z", "A", name="bcg", **FIT))
    within = replace(model, fit=dataclasses.replace(model.fit, tau2=0.0, omega2=0.006))
    assert "was estimated within samples (between them: \u03c4\u00b2 = 0)" in sentences.within_samples(within)
    assert not sentences.within_samples(replace(model, fit=dataclasses.replace(model.fit, tau2=0.01, omega2=0.006)))
    assert not sentences.within_samples(replace(model, fit=dataclasses.replace(model.fit, tau2=0.0, omega2=None)))


def test_short_tables_stay_on_one_printed_page():
    assert ".brief" in STYLE.split("@media print")[1].split("break-inside: avoid")[0]


@pytest.mark.parametrize(("rows", "whole"), [(6, True), (7, False)])
def test_a_longer_table_may_go_on_to_the_next_page(rows, whole):
    """One of nine rows took its paragraphs along, and left a third of the page before it blank."""
    made = material(documents=[document(5, "g", "B", name="bcg", **FIT)] * rows, dropped=[])
    page = render(made).partition('<section aria-labelledby="results">')[2]
    assert page.partition('<div class="wide')[2].partition('"')[0].endswith(" brief") == whole


def test_the_contents_of_a_tall_window_leave_the_text_at_the_top():
    """Two rows of equal height pushed it down."""
    assert '"nav header" auto "nav main" 1fr' in STYLE


def test_the_regression_on_sizes_of_a_difference_of_means_is_a_kind_of_its_own():
    rows = [
        SmallStudyRow(synthesis="bcg", test=f"egger{form}", p=p) for form, p in (("", 0.01), ("_inverse_root_n", 0.02))
    ]
    found = DiagnosticTables(small_study=rows)
    both, one = "Egger (0.010), Egger on 1/\u221an (0.020)", "Egger (0.010, smallest of 2 forms)"
    for metric, lane, said in (("g", "B", both), ("z", "A", one)):
        made = material(documents=[document(12, metric, lane, name="bcg", **FIT)], diagnostics=found)
        assert signs.bias(made)["table"].rows[0][1].texts[0].content == said
