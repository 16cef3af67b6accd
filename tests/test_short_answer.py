"""What the short report once left out, counted together or worded more strongly than the data allow."""

import csv
import dataclasses
import html

import pytest
import yaml
from conftest import ROOT
from msgspec.structs import replace
from synthesis.draw.reference_rows import reference_block
from synthesis.plan.config import Config
from synthesis.report import Drawing, headline, indirect, methods, moving, sentences, signs, verdicts
from synthesis.report import short as short_report
from synthesis.report.embedding import cards
from synthesis.report.narrow import narrow_forest
from synthesis.results.certainty import FindingsRow, LowRiskRow
from synthesis.results.comparisons import DecidedClaim
from synthesis.results.curves import MultiverseSummary
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.results.document import read_document
from synthesis.results.extracted import Reference
from synthesis.results.process import Finding
from synthesis.review.diagnostic_tables import DiagnosticTables
from test_figures import document
from test_numbers import rows_of
from test_report import FIT, material
from test_short_report import HEAD, MARK, STUDY, text_of
from test_short_tables import contrast, process_results, words
from typed import fitted


@pytest.fixture(scope="module")
def short(complete):
    return (complete / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plan():
    return Config.model_validate(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))


# --- signs of bias -------------------------------------------------------------------------------------------------


def test_a_pool_without_a_sign_has_what_methods_that_allow_for_bias_give():
    """Its adjusted estimates stood nowhere on the first screen, and no caution beside "no sign"."""
    tests = [SmallStudyRow(synthesis="a", test="egger", p=0.4, adjusted_estimate=0.15)]
    tests += [SmallStudyRow(synthesis="a", test="selection_model", p=0.3, adjusted_estimate=0.41)]
    documents = [document(12, "g", "B", name="a", **FIT)]
    shown = signs.bias(material(documents=documents, diagnostics=DiagnosticTables(small_study=tests)))
    assert shown["quiet"].endswith("such tests miss much; methods that allow for bias give 0.15 to 0.41.")
    assert words(shown["table"])[0][3] == "0.15 to 0.41 (2)"


def test_the_short_table_of_signs_has_the_pools_of_the_answer_and_counts_the_others(complete, short):
    plan = Config.model_validate(yaml.safe_load((ROOT / "tests" / "complete" / "config.yaml").read_text()))
    answered = {name for bridge in plan.bridges.values() for name in (bridge.association, bridge.effect)}
    rows = rows_of(complete / "tables" / "small_study.csv")
    tests = [row for row in rows if row["test"] not in signs.NO_SIGN]
    flagged = {row["synthesis"] for row in tests if row["p"] and float(row["p"]) < signs.SIGNAL}
    others = len(flagged - answered)
    page = " ".join(text_of(short).split())
    assert (f"{others} of these {len(flagged)} stand" in page) == (0 < others < len(flagged))
    assert ("in the appendix alone" in page) == (others > 0)
    for row in rows_of(complete / "tables" / "pooled.csv"):
        if row["synthesis"] in answered and int(row["samples"]) > 1:
            assert f">{row['title']}</a>" in html.unescape(short).split('id="bias"')[1].split("</table>")[0]


@pytest.mark.parametrize(
    ("lanes", "flagged", "said"),
    [
        ("", 1, None),
        ("A", 1, ("It stands", "")),
        ("B", 3, ("1 of these 3 stands", "")),
        ("BB", 2, ("All stand", "")),
        ("AAB", 4, ("3 of these 4 stand", ", 2 of them pools of associations")),
        ("AB", 2, ("All stand", ", 1 of them a pool of associations")),
    ],
)
def test_pools_with_signs_that_stand_elsewhere_are_part_of_all_with_signs(lanes, flagged, said):
    """ "8 pools ... 7 more pools" read as fifteen."""
    pools = [fitted(document(12, "g", lane, name=f"p{i}", **FIT)) for i, lane in enumerate(lanes)]
    assert signs._elsewhere(pools, flagged) == said


# --- the answer ----------------------------------------------------------------------------------------------------


def test_an_effect_against_another_treatment_stands_beside_those_against_usual_care():
    first, second, *others = material().effects
    effects = [replace(first, comparator="usual care"), replace(second, comparator="supportive counselling"), *others]
    usual, against = (fitted(document(k, "g", "B", name=name, **FIT)) for name, k in (("a", 5), ("b", 1)))
    usual = replace(usual, studies=tuple(replace(s, effects=(first.effect_id,)) for s in usual.studies))
    against = replace(against, studies=tuple(replace(s, effects=(second.effect_id,)) for s in against.studies))
    risk = LowRiskRow(
        synthesis="b", title="b", metric="g", samples=1, rated=1, left_out=1, left_out_samples="x", estimate=0.5,
        ci_low=0.1, ci_high=0.9,
    )  # fmt: skip
    made = material(documents=[usual, against], effects=effects, low_risk=[risk])
    said = indirect.not_the_protocol_alone(made, [usual])
    assert "Against another treatment: Title of b, g = " in said
    assert said.endswith("(1 sample, at high risk of bias).")
    # Nothing is said where an effect is one against a treatment.
    assert indirect.not_the_protocol_alone(made, [usual, against]) == ""


def with_interval(name, low, high, **changes):
    made = fitted(document(6, "z", "A", name=name, **FIT) | changes)
    return replace(made, fit=dataclasses.replace(made.fit, pi_low=low, pi_high=high))


def test_the_association_says_where_a_new_setting_lies_as_the_effects_do():
    stress = with_interval("s", -0.06, 0.36, set_to_zero=3)
    (first, *_) = headline.answer(material(documents=[with_interval("bcg", 0.09, 0.39), stress]))
    assert (
        "In a new setting it may lie between 0.09 and 0.37, or \N{MINUS SIGN}0.06 and 0.35 (stress test): there alone"
        in first.remark
    )
    (none, *_) = headline.answer(material(documents=[with_interval("bcg", -0.01, 0.39), stress]))
    assert "(stress test): there may be no association." in none.remark
    (alone, *_) = headline.answer(material(documents=[with_interval("bcg", 0.09, 0.39)]))
    assert "In a new setting it may lie between 0.09 and 0.37." in alone.remark


def test_a_stress_test_says_how_many_significant_findings_it_leaves_out(plan):
    """It entered those that are not significant and was silent about more that are."""
    found = Finding(
        construct="alliance", effect_id="e", sample_id="s", label="A", source="alliance_primary", kind="significant",
        sign=1, n=10.0, partial=False, yi=None, vi=None,
    )  # fmt: skip
    others = (replace(found, construct="adherence"), replace(found, source="x"), replace(found, kind="number"))
    results = replace(process_results(), findings=(found, found, *others))
    changes = {"set_to_zero": 3, "constructs": ("alliance",)}
    stress = fitted(document(8, "z", "A", name="alliance_null_as_zero", **FIT) | changes)
    made = material(documents=[document(6, "z", "A", name="alliance", **FIT), stress], process=results)
    said = headline.answer(dataclasses.replace(made, config=plan))[0].words
    assert "entered as 0 (2 significant ones without a number left out), a stress test, it is" in said
    assert "left out" not in headline.answer(dataclasses.replace(made, config=plan, process=None))[0].words


def test_a_mixed_association_stands_beside_what_plain_and_adjusted_correlations_give(plan):
    names = ("alliance", "alliance_total", "alliance_partial")
    made = material(
        documents=[document(k, "z", "A", name=name, **FIT) for k, name in zip((9, 5, 4), names, strict=True)]
    )
    review = dataclasses.replace(made, config=plan)
    plain, adjusted = (sentences.estimate(d).split()[2] for d in review.documents[1:])
    said = headline.answer(review)[0].words
    assert f"; {plain} without and {adjusted} with adjustment for baseline" in said
    assert (
        "with adjustment"
        not in headline.answer(dataclasses.replace(made, config=plan, documents=made.documents[:2]))[0].words
    )


def test_certainty_that_starts_lower_says_from_where():
    row = dict.fromkeys(FindingsRow.__struct_fields__, "not serious") | {
        "synthesis": "bcg", "samples": 6, "people": None, "estimate": 0.1, "ci_low": 0.0, "ci_high": 0.2,
        "pi_low": None, "pi_high": None, "threshold": 0.1, "start": "moderate", "certainty": "low",
        "undecided": "Risk of bias", "variant": "GRADE for prognostic factors: nobody assigned them",
    }  # fmt: skip
    made = material(documents=[document(6, "z", "A", name="bcg", **FIT)], findings=[FindingsRow(**row)])
    assert (
        "Certainty (GRADE for prognostic factors, starting at moderate): at most low."
        in headline.answer(made)[0].remark
    )
    effect = material(
        documents=[document(6, "g", "B", name="bcg", **FIT)], findings=[FindingsRow(**row | {"start": "high"})]
    )
    assert "Certainty (GRADE): at most low." in headline.answer(effect)[0].remark


def test_names_without_comparators_are_short_where_they_tell_effects_apart():
    titles = ("Guided self-help against usual care", "CBT against wait list", "CBT against usual care", "Reading")
    made = [fitted(document(3, name=str(i), title=title, **FIT)) for i, title in enumerate(titles)]
    assert sentences.short_names(made) == [
        "guided self-help", "\u201cCBT against wait list\u201d", "\u201cCBT against usual care\u201d",
        "\u201cReading\u201d",
    ]  # fmt: skip


def test_pools_with_all_heterogeneity_within_samples_are_counted():
    """The table gave prediction intervals of six pools without heterogeneity between samples; one was named."""
    made = [fitted(document(6, "z", "A", name=name, **FIT)) for name in ("a", "b", "c")]
    within = [replace(d, fit=dataclasses.replace(d.fit, tau2=0.0, omega2=0.01, tau2_ci_high=0.0103)) for d in made[:2]]
    said = sentences.within_pools([*within, made[2]], within[0])
    assert said.startswith(
        "In 2 pools of associations all heterogeneity was estimated within samples (\u03c4\u00b2 = 0, in "
    )
    assert "at most 0.010)" in said
    assert sentences.within_pools(made, made[0]) == ""


# --- the comparison figure -----------------------------------------------------------------------------------------


def published():
    """The usable published associations of processes in the data, by construct: effect_id, year, tested."""
    found = {}
    for source in ("adherence_competence", "process_outcome"):
        with (ROOT / "data" / "raw" / source / "effects.csv").open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                if row["level"] == "summary" and row["value"]:
                    tested = bool(row.get("ci_low") or row.get("test_statistic"))
                    found.setdefault(row["construct"], []).append((row["effect_id"], int(row["year"]), tested))
    return found


@pytest.mark.parametrize("name", ["comparison", "comparison_studies"])
def test_the_figure_draws_of_each_other_process_the_newest_summary_and_those_with_an_interval(plan, name):
    """It once drew the two lowest, and left out eight that the same report tests."""
    drawn = set(plan.figures[name].references["A"].effects)
    wanted, every = set(), set()
    for construct, rows in published().items():
        if construct in plan.processes.constructs and construct != plan.processes.first:
            newest = max(year for _, year, _ in rows)
            every |= {effect for effect, _, _ in rows}
            wanted |= {effect for effect, year, tested in rows if tested or year == newest}
    assert len(wanted) > 8
    assert drawn & every == wanted


def test_a_summary_of_another_process_names_it():
    unknown = dict.fromkeys(("k", "ci_low", "ci_high", "se", "df")) | {"basis": "", "comparator": ""}
    cited = [
        Reference(effect_id=name, label="A 2001", detail=detail, construct=construct, yi=0.2, **unknown)
        for name, construct, detail in (
            ("a", "integrity", "hierarchical studies"), ("b", "homework", ""), ("c", "technique", "all techniques"),
        )
    ]  # fmt: skip
    heading, *rows = reference_block(cited, "z", [fitted(document(4, "z", "A", constructs=("alliance",), **FIT))])
    assert heading.label == "Published meta-analyses of other processes, for reference (not pooled)"
    said = ["A 2001: integrity, hierarchical studies", "A 2001: homework", "A 2001: all techniques"]
    assert [row.label for row in rows] == said


def test_a_narrow_screen_heads_associations_as_the_wide_figure_does():
    wide = (
        '<text x="8" y="3" font-size="8.2" font-weight="700">Associations of alliance and other processes</text>'
        '<text x="8" y="12" font-size="8.2" font-weight="700">with outcome</text>'
    )
    row = STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90").replace("x,study", "lane A,study")
    heading, _ = narrow_forest(f"{wide}{MARK}", HEAD + row).lines
    assert heading.label == ("Associations of alliance and other processes with", "outcome")


# --- claims --------------------------------------------------------------------------------------------------------


def claim(verdict, **changes):
    told = dict.fromkeys(DecidedClaim.__struct_fields__, "") | {"statement": "s", "says": "It is so", "values": ()}
    return DecidedClaim(**told | {"verdict": verdict, "verdict_of_data": verdict} | changes)


def said_of(*checks):
    ((_, verdict),) = words(verdicts.by_statement(checks, []))
    return verdict


def test_what_a_misquoted_source_says_instead_is_no_support_of_the_statement():
    said = said_of(claim("misquoted", source_agrees="no"), claim("supported", source_agrees="yes"))
    assert said == "misquoted (1); what the source says instead: supported (1)"
    assert said_of(claim("supported", source_agrees="yes")) == "supported (1)"


def test_checks_of_two_questions_are_not_added_up():
    checks = [
        claim("cannot be decided", quantity="bridge:x", rule="below", reading="a"),
        claim("supported", quantity="comparison:y", rule="above", reading="b"),
    ]
    said = said_of(*checks)
    assert said == "association below effect: cannot be decided (1); effect above another: supported (1)"


def test_a_verdict_on_one_sample_at_high_risk_of_bias_says_so():
    alone = claim("supported", hangs_on="it rests on one sample, Ehlers 2014, at high risk of bias", reading="a")
    assert said_of(alone) == "supported (1; it on one sample, at high risk of bias)"
    assert (
        said_of(alone, claim("supported", reading="b"))
        == "supported (2; 1 of them on one sample, at high risk of bias)"
    )


def test_what_the_nearest_data_are_stands_beside_a_statement_that_cites_nothing():
    checks = [
        claim("not supported", reading="The nearest data are others."),
        claim("cannot be decided", reading="The nearest data are others."),
    ]
    assert said_of(*checks).endswith("(The nearest data are others)")
    assert "nearest" not in said_of(*(replace(check, cites="A 2001") for check in checks))


def test_the_parts_of_the_last_statement_are_checked_apart():
    with (ROOT / "data" / "raw" / "claims.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    counted = {
        name: sum(row["statement"] == name for row in rows) for name in ("importance", "not_overriding", "specifics")
    }
    assert counted == {"importance": 1, "not_overriding": 10, "specifics": 4}
    (mixed,) = (row["reading"] for row in rows if row["claim_id"] == "variance_all")
    assert "adjusted" in mixed
    assert any("low-intensity IAPT itself was not among them" in row["reading"] for row in rows)


# --- processes, analyses, method -----------------------------------------------------------------------------------


def test_an_end_of_a_range_that_is_one_sample_says_so_and_its_size():
    finding = Finding(
        construct="adherence", effect_id="e", sample_id="s", label="A", source="x", kind="number", sign=1, n=10.0,
        partial=False, yi=-0.3, vi=0.14,
    )  # fmt: skip
    results = process_results()
    one = tuple(replace(r, samples_second=1) if r.difference == -0.5 else r for r in results.contrasts)
    shown = indirect.processes(material(), replace(results, contrasts=one, findings=(finding,)))
    assert words(shown)[0][2] == "\N{MINUS SIGN}0.50 (one sample of 10 people) to 0.40"


def test_the_difference_from_a_summary_stands_with_its_interval():
    """ "larger in 1 of 2" hid that the interval begins at 0.0005."""
    rows = (replace(contrast("adherence", "summary", 0.0973, "different"), ci_low=0.00048, ci_high=0.194),)
    shown = indirect.processes(material(), replace(process_results(), contrasts=rows))
    assert words(shown)[0][3] == "x: larger, 0.10 [0.0005, 0.19]"


def test_the_share_of_significant_analyses_has_that_of_the_other_questions(complete):
    path = next(
        p
        for p in sorted((complete / "multiverse").glob("*.json"))
        if len(read_document(p, MultiverseSummary).curves) > 1
    )
    summary = read_document(path, MultiverseSummary)
    shares = [c.scopes["all"].share_positive_significant for c in summary.curves if c.scopes["all"].fitted]
    table = moving.multiverse_table([summary], {}, several=False)
    ends = dict.fromkeys(moving.percent(x) for x in (min(shares[1:]), max(shares[1:])))
    assert words(table)[0][4] == f"{moving.percent(shares[0])} (other questions: {' to '.join(ends)})"


def test_the_short_report_says_what_came_of_the_second_route_and_which_version_made_it(complete, short):
    rows = rows_of(complete / "tables" / "crosscheck.csv")
    agreeing = sum(row["agrees"] == "True" for row in rows)
    page = text_of(short)
    assert f"{agreeing} of {len(rows)} numbers agree" in page
    assert "Made with synthesis 0" in page
    assert "report_appendix.html" in page


def test_quotes_that_do_not_show_every_number_are_counted():
    effects = [
        replace(row, quote="x", not_in_quote="n_treat" if i < 3 else "") for i, row in enumerate(material().effects)
    ]
    assert (
        "; in 3 at least one number is not in the quote." in methods.in_short(material(effects=effects, dropped=[]))[0]
    )


def test_cards_show_words_and_not_the_names_of_columns_and_folders():
    made = material()
    made.effects[3] = replace(made.effects[3], converter="summary", corrected="quote; flag; flag")
    card = cards(made, [], "")["effects"][made.effects[3].effect_id]
    assert card["converter"] == "none, a published summary"
    assert "exactness" not in card
    assert card["corrected"] == "quote, remarks"
    assert card["source"] == made.sources[0].title


def test_the_figure_says_that_it_shows_one_of_several_comparisons(plan):
    made = dataclasses.replace(material(drawings={"forest_comparison": Drawing("<svg></svg>")}), config=plan)
    said = "The last panel is one of 3 such comparisons (others: appendix)."
    assert said in short_report.answer(made)["figure"].caption
