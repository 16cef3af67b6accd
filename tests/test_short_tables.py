"""The tables of the short report: what a conclusion hangs on, every adjusted estimate, treatments, doubts, claims."""

import dataclasses
import html
import math
import re

import pytest
import tolerances
from msgspec.structs import replace
from synthesis.data.vocabulary import VERDICT_WORDS, Verdict
from synthesis.meta.options import terms
from synthesis.report import (
    glossary,
    headline,
    methods,
    moving,
    power_table,
    render,
    render_appendix,
    sentences,
    signs,
    turning,
)
from synthesis.report import short as short_report
from synthesis.report.indirect import (
    contrasts,
    indirect,
    left_out,
    not_the_protocol_alone,
    processes,
    without_treatment,
)
from synthesis.report.manuscript import manuscript
from synthesis.report.paper import markdown
from synthesis.report.wording import term
from synthesis.results.adjusted import AdjustedEstimate, AdjustedRow
from synthesis.results.comparisons import Comparisons, ContrastRow, DecidedClaim, ModeratorPowerRow
from synthesis.results.curves import MultiverseSummary
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.results.document import read_document, read_rows
from synthesis.results.fitted import Fitted
from synthesis.results.process import DoubtedClaim, DoubtedComparison, ProcessContrast, ProcessResults
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
    assert "All are indirect, not within studies." in page
    for row in tested:
        (_, _, p, conclusion, turns) = cells(short, row["title"] + (" *" if row["left_out"] else ""))
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
    assert [row[-1] for row in words(shown)] == ["0.10 to 0.50 (3)"]
    # What a method and a test both give counts once.
    twice = signs.bias(with_estimates(("pet", 0.3 + 1e-9), ("limit", 0.4)))["table"]
    assert [row[-1] for row in words(twice)] == ["0.30 to 0.40 (2)"]
    none = with_estimates()
    none.diagnostics.small_study[0] = replace(none.diagnostics.small_study[0], adjusted_estimate=None)
    assert [row[-1] for row in words(signs.bias(none)["table"])] == ["none computed"]


@pytest.mark.parametrize(
    ("metric", "said"),
    [("z", "Egger on 1/\u221an (0.010, smallest of 3 forms), trim and fill, R0 (0.020)"),
     ("g", "Egger on 1/\u221an (0.010), Egger, cluster-robust (0.030, smallest of 2 forms), trim and fill, R0 "
      "(0.020)")],
)  # fmt: skip
def test_a_printed_form_of_a_test_has_its_name_and_how_many_forms_were_tried(metric, said):
    """It was the smallest p of three forms under the name of one. On 1/sqrt(n) is a kind of its own for means."""
    given = {"egger": 0.2, "egger_inverse_root_n": 0.01, "egger_robust": 0.03, "trim_fill_R0": 0.02}
    tests = [SmallStudyRow(synthesis="bcg", test=test, p=p) for test, p in given.items()]
    made = material(
        documents=[document(12, metric, "B", name="bcg", **FIT)], diagnostics=DiagnosticTables(small_study=tests)
    )
    (row,) = words(signs.bias(made)["table"])
    assert row[1] == said
    estimate = made.documents[0].fit.estimate
    assert row[2] == (f"r = {math.tanh(estimate):.2f}" if metric == "z" else f"g = {estimate:.2f}")


def test_pools_without_a_sign_and_without_a_test_are_named():
    tests = [SmallStudyRow(synthesis=name, test="egger", p=p) for name, p in (("a", 0.01), ("b", 0.4))]
    made = material(
        documents=[document(k, "g", "B", name=name, **FIT) for name, k in (("a", 12), ("b", 12), ("c", 4), ("d", 1))],
        diagnostics=DiagnosticTables(small_study=tests),
    )
    shown = signs.bias(made)
    said = "No test has p\u00a0<\u00a00.05 for \u201cTitle of b\u201d, but such tests miss much."
    assert shown["quiet"] == said
    assert [row[:2] for row in words(shown["table"])] == [
        ["Title of a", "Egger (0.010)"],
        ["Title of b", "none (this is no proof)"],
        ["Title of c", "not tested: fewer than 10 samples"],
    ]


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
        contrast("homework", "summary", -0.3, "different"),
        contrast("homework", "summary", None, "no test", None),
        contrast("homework", "numbers", None, "no test", None),
    )
    names = {"alliance": "Alliance", "adherence": "Adherence", "homework": "Homework"}
    return ProcessResults(
        title="x", first="alliance", names=names, level=0.95, findings=(), counts=(), pools=(), summaries=(),
        contrasts=contrasts,
    )  # fmt: skip


def test_treatments_of_findings_without_a_number_are_no_vote():
    results = process_results()
    shown = processes(material(process=results), results)
    assert shown.heads[1] == "By how missing numbers are handled, the association of alliance is"
    assert words(shown) == [
        [
            "Adherence", "larger in 2 of 4; undecided in 1; smaller in 1", "\N{MINUS SIGN}0.50 to 0.40",
            "x: larger, 0.90",
        ],
        # Every summary: those in which the first process is smaller, and those that have no test.
        [
            "Homework", "no test", "", "x: equivalent, 0.00; x: smaller, \N{MINUS SIGN}0.30; no test in 1 of 3",
        ],
    ]  # fmt: skip
    page = html.unescape(section("processes", material(process=results), render))
    assert "approach" not in page
    assert "no vote" in page
    assert "1 published summary prints no interval: no test." in page


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
    assert without_treatment(material(documents=[document(5, "g", "B", name="bcg", **FIT)])) == ""
    effects = [replace(effect, comparator="usual care") for effect in material().effects]
    made = fitted(document(5, "g", "B", name="bcg", **FIT))
    studies = tuple(replace(study, effects=(effects[0].effect_id,)) for study in made.studies)
    review = material(documents=[replace(made, studies=studies)], effects=effects)
    said = without_treatment(review)
    assert "(all samples of 1 of 1 randomised effect) is not the effect of the specific protocol alone" in said
    assert "attention and expectation" in said
    short = not_the_protocol_alone(review, review.documents)
    assert short == "Against usual care this is not the protocol alone: attention and expectation may be part of it."
    assert not_the_protocol_alone(material(documents=[made]), [made]) == ""


def test_a_pool_with_other_comparators_too_is_no_contrast_with_usual_care():
    """It counted a pool in which one sample of several has usual care."""
    first, second, *others = material().effects
    effects = [replace(first, comparator="usual care"), replace(second, comparator="attention placebo"), *others]
    made = fitted(document(5, "g", "B", name="a", **FIT))
    mixed = replace(made, studies=tuple(replace(s, effects=(first.effect_id, second.effect_id)) for s in made.studies))
    assert without_treatment(material(documents=[mixed], effects=effects)) == ""
    usual = replace(made, synthesis="b", studies=tuple(replace(s, effects=(first.effect_id,)) for s in made.studies))
    said = without_treatment(material(documents=[mixed, usual], effects=effects))
    assert "(all samples of 1 of 2 randomised effects, some of 1 more)" in said


def test_the_manuscript_names_sources_by_their_titles(complete):
    paper = (complete / "manuscript" / "manuscript.md").read_text(encoding="utf-8")
    methods_of_each = paper.partition("### Methods of each synthesis")[2].partition("\n## ")[0]
    for names in re.findall(r"\(sources: (.*?)\)\. Metric", methods_of_each):
        assert not re.search(r"\b[a-z0-9]+_[a-z0-9_]+\b", names)
    assert "tier:" not in methods_of_each
    assert term("f2_to_z") == "Cohen's f\u00b2 to Fisher z"
    assert term("strict_borderline") == "strict (borderline)"


def test_each_reading_of_the_association_stands_beside_its_effect(complete):
    """Numbers of the bridge table: none is left out, and each is in the column of its own reading."""
    rows = [row for row in rows_of(complete / "tables" / "bridge.csv") if row["unit"] == "d"]
    assert rows
    page = (complete / "report_appendix.html").read_text(encoding="utf-8")
    page = page[page.index("Effects beside the association, read as d") :].partition("</table>")[0]
    for bridge in dict.fromkeys(row["bridge"] for row in rows):
        own = [row for row in rows if row["bridge"] == bridge]
        effect = [float(own[0][f"effect_{end}"]) for end in ("estimate", "ci_low", "ci_high")]
        found = [
            texts
            for row in re.findall(r"<tr\b.*?</tr>", page, re.S)
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


# --- what is said of rows, pools and verdicts -----------------------------------------------------------------------


def with_locators(*places, **changes):
    """An association of samples whose rows were read at these places."""
    given = material().effects[: len(places)]
    effects = [replace(row, locator=place, **changes) for row, place in zip(given, places, strict=True)]
    made = fitted(document(len(places), "z", "A", name="bcg", title="Alliance", **FIT))
    studies = tuple(replace(s, effects=(e.effect_id,)) for s, e in zip(made.studies, effects, strict=True))
    return material(documents=[replace(made, studies=studies)], effects=effects, dropped=[])


def test_what_was_read_in_abstracts_is_counted_by_the_locators():
    """The plan said that only abstracts were read; ten of 47 numbers came from a table or a figure."""
    made = with_locators("abstract", "PubMed abstract PMID 1", "Table 4", "review Table 3; n from abstract", "figure 1")
    said = "2 of 5 estimates were read in an abstract."
    assert sentences.from_abstracts(made, made.documents[0]) == said
    assert headline.answer(made)[0].remark.endswith(said)
    assert said in markdown(manuscript(made, (), {}, []))
    assert said in html.unescape(render_appendix(made))
    tables = with_locators("Table 1", "Table 2")
    assert sentences.from_abstracts(tables, tables.documents[0]) == ""


@pytest.mark.parametrize(
    ("estimands", "said"),
    [
        (("r_total",) * 3, "; the two measures share 4% of their variance (r squared)."),
        (("r_total", "r_partial", "r_partial"), "people."),
        (("r_partial",) * 3, "people."),
    ],
)  # fmt: skip
def test_r_squared_is_shared_variance_of_unadjusted_correlations_alone(estimands, said):
    made = with_locators(*["abstract"] * 3)
    effects = [replace(row, estimand=one) for row, one in zip(made.effects, estimands, strict=True)]
    (one,) = made.documents
    held = [replace(one, fit=dataclasses.replace(one.fit, estimate=0.2027))]
    words_of = headline.answer(material(documents=held, effects=effects, dropped=[]))[0].words
    assert words_of.endswith(said) or (said == "people." and "squared" not in words_of and "variance" not in words_of)


def test_every_extracted_row_is_somewhere_and_in_one_place(complete, short):
    """326 usable rows read as 326 pooled ones; 78 of them were in no pool."""
    said = re.search(r"Of ([\d ]+) extracted rows, (.*?)\.", html.unescape(short))
    assert said
    counts = [int(x.replace(" ", "")) for x in re.findall(r"(?:^|; )([\d ]*\d) ", said[2])]
    assert sum(counts) == int(said[1].replace(" ", ""))
    used = {
        effect
        for path in (complete / "models").glob("*.json")
        for study in read_document(path, Fitted).studies
        for effect in study.effects
    }
    usable = {row["effect_id"] for row in rows_of(complete / "tables" / "effects.csv")}
    assert counts[0] == len(used & usable) < len(usable)


def compared(complete, **changes):
    """The comparisons of the small review; the first as if it were changed so."""
    rows = read_rows(complete / "tables" / "comparison.csv", ContrastRow)
    rows[0] = replace(rows[0], **changes)
    return rows, material(compared=Comparisons(rows, [], [], [], [], []))


def test_a_difference_without_the_samples_of_both_sides_says_which_two_estimates_it_is_of(complete):
    """0.04 stood beside pools of 0.40 and 0.39, which are of other samples."""
    rows, made = compared(
        complete, title="A minus B", left_out="s1; s2; s3", estimate_first=0.345, estimate_second=0.307, note="",
        difference=0.038, ci_low=-0.1, ci_high=0.2, conclusion="different, but by less than the bound",
    )  # fmt: skip
    assert words(contrasts(made))[0][0] == "A minus B *"
    assert sum(row[0].endswith(" *") for row in words(contrasts(made))) == sum(bool(row.left_out) for row in rows)
    assert "0.34 minus 0.31 (3 samples)" in left_out(made)
    page = html.unescape(section("compared", made, render))
    assert "0.34 minus 0.31 (3 samples)" in page
    assert "\u201cdifferent, but by less than the bound\u201d: both" in page


@pytest.mark.parametrize(("turned", "said"), [(0, "no"), (1, "in 1 doubt"), (3, "in any of 3 doubts")])
def test_doubts_that_turn_a_conclusion_are_no_condition_all_at_once(complete, turned, said):
    """ "with 3 doubts" read as with all three."""
    rows, made = compared(complete, note="", conclusion="undecided")
    doubt = DoubtedComparison(
        doubt="d", title="Put back", comparison=rows[0].comparison, comparison_title="x", difference=0.1, p=0.2,
        conclusion="undecided", difference_then=0.2, p_then=0.01, conclusion_then="different", turns="yes",
    )  # fmt: skip
    shown = words(contrasts(dataclasses.replace(made, doubted=[doubt] * turned)))
    assert shown[0][-1] == said


def test_published_summaries_are_not_said_to_be_of_different_samples(complete):
    _, made = compared(complete, kind="published value", conclusion="undecided")
    said = indirect(made)
    assert "different samples" not in said
    assert "may hold some of the same samples" in said


def test_quotes_are_counted_and_those_that_show_every_number():
    effects = [replace(row, quote="x", not_in_quote="") for row in material().effects]
    effects[0] = replace(effects[0], not_in_quote="n_treat")
    effects[1] = replace(effects[1], quote="")
    said = methods.in_short(material(effects=effects, dropped=[]))[0]
    rows = len(effects)
    assert f"{rows - 1} of them with a verbatim quote, which shows every number in {rows - 2}; in 1 at " in said


def test_verdicts_stand_with_what_turns_them_and_what_the_data_say():
    told = dict.fromkeys(DecidedClaim.__struct_fields__) | {
        "statement": "s", "says": "It is so", "hangs_on": "", "quantity": "", "rule": "", "reading": "",
        "cites": "A 2001",
    }  # fmt: skip
    given = [
        ("supported", "supported", "one sample is left, A 2001"),
        ("supported", "supported", "another verdict without B 2002: cannot be decided"),
        ("supported", "supported", "it rests on one published number"),
        ("misquoted", "not supported", "another verdict with trim and fill: supported"),
        ("misquoted", "cannot be decided", ""),
    ]
    claims = [
        DecidedClaim(**told | {"verdict": verdict, "verdict_of_data": data, "hangs_on": hangs})
        for verdict, data, hangs in given
    ]
    made = material(compared=Comparisons([], [], [], [], [], claims))
    shown = short_report.claims(made)
    (row,) = words(shown["statements"])
    assert row[1] == (
        "supported (3; 1 of them turns), misquoted (2; by the data: not supported 1 of which 1 turns, "
        "cannot be decided 1)"
    )
    assert shown["turns"]
    undecided = [replace(claim, verdict_of_data="cannot be decided") for claim in claims[-2:]]
    assert not short_report.claims(material(compared=Comparisons([], [], [], [], [], undecided)))["turns"]


def test_doubted_claims_are_called_what_the_table_of_claims_calls_them():
    """`verdict` held what claims.csv has as `verdict_of_data`: of a misquoted claim they differ."""
    names = {*DoubtedClaim.__struct_fields__}
    assert {"verdict_of_data", "verdict_of_data_then"} <= names
    assert "verdict" not in names
    assert "verdict_of_data" in DecidedClaim.__struct_fields__


def test_power_says_of_which_pool_it_is_and_how_many_contrasts_have_no_test():
    row = ModeratorPowerRow(
        synthesis="bcg", moderator="rater", first="a", second="b", samples_first=9, samples_second=3, metric="z",
        threshold="t", threshold_value=0.1, se=0.1, df=9.0, power=0.3, samples_for_80=99, note="",
    )  # fmt: skip
    made = material(documents=[document(12, name="bcg", **FIT)], moderator_power=[row, replace(row, power=None)])
    said = power_table.low_power(made)
    assert said.startswith("In 1 of 1 contrast between levels (\u201cTitle of bcg\u201d) the power")
    assert said.endswith("1 more has no test.")


def test_a_figure_of_one_sample_speaks_of_no_diamond():
    one, several = (fitted(document(k, name="bcg", **FIT)) for k in (1, 5))
    assert "diamond" not in short_report.forest_words(one)
    assert "diamond" in short_report.forest_words(several)


def test_abbreviations_that_titles_use_are_explained():
    made = material(documents=[document(5, name="bcg", title="Effect of CBT in PTSD", **FIT)])
    assert [name for name, _ in glossary.abbreviations(made)] == ["CBT", "PTSD"]
    page = section("terms", made, render_appendix)
    assert "Cognitive behavioural therapy" in page
    assert "IAPT" not in page
