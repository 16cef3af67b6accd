"""The tables of the short report: what a conclusion hangs on, every adjusted estimate, treatments, doubts, claims."""

import html
import re

import pytest
import tolerances
from msgspec.structs import replace
from synthesis.data.vocabulary import VERDICT_WORDS, Verdict
from synthesis.meta.options import terms
from synthesis.report import methods, moving, render, signs, turning
from synthesis.report.indirect import not_the_protocol_alone, only_summaries, processes
from synthesis.report.wording import term
from synthesis.results.adjusted import AdjustedEstimate, AdjustedRow
from synthesis.results.curves import MultiverseSummary
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.results.document import read_document
from synthesis.results.process import DoubtedClaim, ProcessContrast, ProcessResults
from synthesis.review.diagnostic_tables import DiagnosticTables
from test_figures import document
from test_numbers import cells, printed, rows_of
from test_report import FIT, material, section
from typed import fitted


def words(table):
    return [[" ".join(part.content for part in c.texts) for c in row] for row in table.rows]


@pytest.fixture(scope="module")
def short(complete):
    return (complete / "report.html").read_text(encoding="utf-8")


def test_a_difference_stands_beside_its_bound_its_equivalence_and_what_it_hangs_on(complete, short):
    rows = rows_of(complete / "tables" / "comparison.csv")
    tested = [row for row in rows if row["conclusion"] != "no test"]
    assert len(tested) > 0
    page = html.unescape(short)
    assert "(indirect, not head to head)" in page
    for row in tested:
        (_, _, p, conclusion, turns) = cells(short, row["title"])
        assert conclusion == row["conclusion"]
        if row["bound"]:
            assert f"{float(row['bound']):.2f} ({row['metric']})" in page
            assert p == "< 0.001" or printed(p) == pytest.approx([float(row["p_equivalence"])], abs=6e-4)
        hangs = re.search(r"(?:turns without |another one without )(.*)", row["note"])
        assert turns == (f"without {hangs[1]}" if hangs else "no")


def with_estimates(*values):
    made = [AdjustedRow(synthesis="bcg", adjusted=AdjustedEstimate(name=n, estimate=y)) for n, y in values]
    tests = [SmallStudyRow(synthesis="bcg", test="egger", p=0.004, adjusted_estimate=0.3)]
    return material(
        documents=[document(12, "g", "B", name="bcg", **FIT)],
        diagnostics=DiagnosticTables(small_study=tests, adjusted_estimates=made),
    )


def test_every_adjusted_estimate_counts_not_only_that_of_a_significant_test():
    shown = signs.bias(with_estimates(("pool", 0.9), ("limit", 0.1), ("waap", 0.5), ("beta", None)))["table"]
    assert shown.heads[-1] == "All adjusted estimates (how many)"
    assert [row[-1] for row in words(shown)] == ["0.10 to 0.50 (2)"]
    assert [row[-1] for row in words(signs.bias(with_estimates())["table"])] == ["none computed"]


def contrast(construct, approach, difference, conclusion, p=0.01):
    return ProcessContrast(
        construct=construct, title=construct, approach=approach, bound="", second="x", samples_first=3,
        samples_second=3, left_out=0, estimate_first=0.2, estimate_second=0.1, difference=difference, ci_low=None,
        ci_high=None, p=p, p_equivalence=None, conclusion=conclusion, note="",
    )  # fmt: skip


def process_results():
    contrasts = (
        contrast("adherence", "summary", 0.9, "different"),
        contrast("adherence", "numbers", -0.5, "undecided"),
        contrast("adherence", "nulls 0", 0.2, "different"),
        contrast("adherence", "bounds", 0.4, "different"),
        contrast("adherence", "stress test", -0.1, "different"),
        contrast("homework", "summary", 0.0, "equivalent"),
        contrast("homework", "numbers", None, "no test", None),
    )
    names = {"alliance": "Alliance", "adherence": "Adherence", "homework": "Homework"}
    return ProcessResults(
        title="x", first="alliance", names=names, level=0.95, findings=(), counts=(), pools=(), summaries=(),
        contrasts=contrasts,
    )  # fmt: skip


def test_treatments_of_findings_without_a_number_are_no_vote():
    results = process_results()
    (row,) = words(processes(results))
    assert row == [
        "Adherence",
        "larger in 2 of 4; undecided in 1; smaller in 1",
        "\N{MINUS SIGN}0.50 to 0.40",
    ]
    assert only_summaries(results) == ["Homework"]
    page = html.unescape(section("processes", material(process=results), render))
    assert "approach" not in page
    assert "no vote" in page


def test_claims_that_turn_with_a_doubted_record_are_named():
    told = {"doubt": "d", "title": "Put back", "claim_id": "c", "claim": "It is above 0.", "why_then": ""}
    claim = DoubtedClaim(**told, verdict_of_data="supported", verdict_of_data_then="cannot be decided", turns="yes")
    kept = replace(claim, claim="It is below 9.", turns="", verdict_of_data_then="supported")
    said = turning.claims(material(doubted_claims=[claim, kept]))
    assert said == ["\u201cIt is above 0\u201d (by the data then cannot be decided)"]


def test_statements_stand_in_full_beside_what_the_verdicts_mean(complete, short):
    page = html.unescape(short)
    claims = rows_of(complete / "tables" / "claims.csv")
    assert {row["verdict"] for row in claims} <= set(VERDICT_WORDS) == set(terms(Verdict))
    full = {row["statement"]: row["says"] for row in reversed(claims)}
    assert [words for words in full.values() if f">{words}<" not in page] == []
    for row in claims:
        assert f"\u201c{row['verdict']}\u201d: {VERDICT_WORDS[row['verdict']]}" in page


def test_an_interval_over_zero_is_not_said_to_cross_no_effect(complete):
    reasons = [row["reason"] for row in rows_of(complete / "tables" / "certainty.csv")]
    assert any("includes zero" in reason for reason in reasons)
    assert any("includes 1 (no difference)" in reason for reason in reasons)
    assert not [reason for reason in reasons if "crosses" in reason]


def test_all_pools_of_several_samples_are_called_all():
    pools = [fitted(document(5, name=name, **FIT)) for name in ("a", "b")]
    made = material(documents=pools)
    assert methods.model(made, pools)[0].startswith("All 2 pools of several samples use a random-effects model")


def test_a_contrast_with_usual_care_is_not_the_protocol_alone():
    assert not_the_protocol_alone(material(documents=[document(5, "g", "B", name="bcg", **FIT)])) == ""
    effects = [replace(effect, comparator="usual care") for effect in material().effects]
    made = fitted(document(5, "g", "B", name="bcg", **FIT))
    studies = tuple(replace(study, effects=(effects[0].effect_id,)) for study in made.studies)
    said = not_the_protocol_alone(material(documents=[replace(made, studies=studies)], effects=effects))
    assert "(1 of 1 randomised effect) is not the effect of the specific protocol alone" in said
    assert "attention and expectation" in said


def test_the_manuscript_names_sources_by_their_titles(complete):
    paper = (complete / "manuscript" / "manuscript.md").read_text(encoding="utf-8")
    methods_of_each = paper.partition("### Methods of each synthesis")[2].partition("\n## ")[0]
    for names in re.findall(r"\(sources: (.*?)\)\. Metric", methods_of_each):
        assert not re.search(r"\b[a-z0-9]+_[a-z0-9_]+\b", names)
    assert "tier:" not in methods_of_each
    assert term("f2_to_z") == "Cohen's f\u00b2 to Fisher z"
    assert term("strict_borderline") == "strict (borderline)"


def test_each_reading_of_the_association_stands_beside_its_effect(complete, short):
    """Numbers of the bridge table: none is left out, and each is in the column of its own reading."""
    rows = [row for row in rows_of(complete / "tables" / "bridge.csv") if row["unit"] == "d"]
    assert rows
    for bridge in dict.fromkeys(row["bridge"] for row in rows):
        own = [row for row in rows if row["bridge"] == bridge]
        effect = [float(own[0][f"effect_{end}"]) for end in ("estimate", "ci_low", "ci_high")]
        found = [
            texts
            for row in re.findall(r"<tr\b.*?</tr>", short, re.S)
            for texts in [re.findall(r"<td\b.*?>(.*?)</td>", row, re.S)]
            if len(texts) > len(own)
            if printed(texts[-len(own) - 1]) == pytest.approx(effect, abs=tolerances.PRINTED_2)
        ]
        assert len(found) == 1
        for side, row in zip(found[0][-len(own) :], own, strict=True):
            names = ("association_estimate", "association_ci_low", "association_ci_high")
            assert printed(side) == pytest.approx([float(row[name]) for name in names], abs=tolerances.PRINTED_2)


@pytest.mark.parametrize(
    ("tables_2x2", "said"),
    [
        ([(0, 20, 5, 20)], "1 two-by-two table with"),
        ([(3, 20, 20, 20), (20, 20, 5, 20)], "2 two-by-two tables with"),
        ([(3, 20, 5, 20)], None),
        ([(0, None, 5, 20)], None),
    ],
)
def test_tables_with_an_empty_cell_are_counted_where_something_is_added_to_them(tables_2x2, said):
    effects = [
        replace(
            effect, converter="2x2", events_treat=a, total_treat=n, events_control=b, total_control=m,
        )
        for (a, n, b, m), effect in zip(tables_2x2, material().effects, strict=False)
    ]  # fmt: skip
    sentence = methods.measures(material(effects=effects))
    assert ("empty cell" in sentence) == (said is not None)
    assert said is None or said in sentence


def test_two_decisions_are_named_beside_a_curve_the_weightiest_first(complete):
    documents = [read_document(path, MultiverseSummary) for path in sorted((complete / "multiverse").glob("*.json"))]
    curves = [curve for document in documents for curve in document.curves if curve.scopes["all"].fitted]
    rows = moving.multiverse_table(documents, {}).rows
    for curve, row in zip(curves, rows, strict=True):
        shares = sorted((d.share for d in curve.decisions if d.share > 0), reverse=True)
        named = [int(share) for share in re.findall(r"(\d+)%", " ".join(part.content for part in row[-1].texts))]
        assert named == pytest.approx([100 * share for share in shares[:2]], abs=0.5 + tolerances.LAW)
    assert max(sum(d.share > 0 for d in curve.decisions) for curve in curves) > 2
