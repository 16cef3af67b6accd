"""Numbers as the pages of the complete small review print them, against its tables and models.

As in test_numbers.py, each test names a change of the code that nothing else noticed.
"""

import json
import math
import re
from html import unescape

import pytest
from synthesis import text
from synthesis.report.content import Text, cell
from test_numbers import rows_of

POINT = r"(−?\d+\.\d+)"


@pytest.fixture(scope="module")
def appendix(complete):
    return (complete / "report_appendix.html").read_text(encoding="utf-8")


def table_of(page, caption):
    """The rows of a table by head, without markup."""
    body = page.split(f"<caption>{caption}</caption>")[1].split("</table>")[0]
    rows = []
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        cells = re.findall(r'<td data-head="([^"]*)"[^>]*>(.*?)</td>', row, re.DOTALL)
        if cells:
            rows.append({unescape(head): unescape(re.sub("<[^>]+>", "", said)) for head, said in cells})
    return rows


def optional(said):
    return float(said) if said else None


def test_the_answer_counts_the_readings_under_which_a_side_is_larger(complete):
    """By the interval of the difference, not by its estimate."""
    page = (complete / "report.html").read_text(encoding="utf-8")
    rows = [r for r in rows_of(complete / "tables" / "bridge.csv") if r["unit"] == "d" and r["difference_estimate"]]
    larger = []
    for bridge in dict.fromkeys(r["bridge"] for r in rows):
        own = [r for r in rows if r["bridge"] == bridge]
        effect = sum(float(r["difference_ci_high"]) < 0 for r in own)
        association = sum(float(r["difference_ci_low"]) > 0 for r in own)
        larger += [
            (side, count, len(own)) for side, count in (("effect", effect), ("association", association)) if count
        ]
    # "A is larger under 1 of 4 conversions and B under 2 of 4; C is smaller under 3 of 4"
    side, said = {"larger": "effect", "smaller": "association"}, []
    for word, counted in re.findall(r"is (larger|smaller) (under \d+ of \d+ conversions?[^;.<]*)", page):
        said += [(side[word], int(count), int(of)) for count, of in re.findall(r"under (\d+) of (\d+)", counted)]
    assert sorted(said) == sorted(larger)
    assert larger


def test_what_a_regression_leaves_is_printed_with_its_test(complete, appendix):
    left = [r for r in rows_of(complete / "tables" / "regressions.csv") if r["term"] == "Q"]
    said = [unescape(words) for words in re.findall(r"what is left: (Q = [^<]*? df, p [^<]*?)\. ", appendix)]
    wanted = [f"Q = {float(r['estimate']):.1f}, {float(r['df']):.0f} df, {text.p_value(float(r['p']))}" for r in left]
    assert wanted
    assert said == wanted


# From the scale of pooling to the one that is read.
BACK = {
    "z": math.tanh,
    "logit": lambda x: 1 / (1 + math.exp(-x)),
    "arcsine": lambda x: math.sin(min(max(x, 0), math.pi / 2)) ** 2,
    **dict.fromkeys(("log_odds_ratio", "log_risk_ratio", "log_hazard_ratio", "log_rate"), math.exp),
}


def test_bayesian_fits_are_printed_on_the_scale_of_their_synthesis(complete, appendix):
    """Means and new studies with two decimals, tau with three."""
    rows = [r for r in rows_of(complete / "tables" / "few_samples.csv") if r["what"].startswith("Bayes")]
    printed = [r for r in table_of(appendix, "Permutation tests and Bayesian fits") if r["What"].startswith("Bayes")]
    assert len(rows) == len(printed) > 3
    for row, said in zip(rows, printed, strict=True):
        value, low, high = (optional(row[name]) for name in ("estimate", "ci_low", "ci_high"))
        if row["what"] in ("Bayes: mean", "Bayes: new study"):
            number = said["Value"].partition(" = ")[2]
            model = json.loads((complete / "models" / f"{row['synthesis']}.json").read_text(encoding="utf-8"))
            back = BACK.get(model["metric"], float)
            value, low, high = map(back, (value, low, high))
            assert number == text.number(value)
            assert said["95% interval"] == text.interval(low, high)
        else:
            assert said["Value"] == text.number(value, 3)
            assert said["95% interval"] == text.interval(low, high, 3)


DECIMALS = {"%": 0, "people": 1, "d": 2, "r": 2}


def test_readings_of_a_bridge_have_the_decimals_of_their_unit(complete, appendix):
    rows = rows_of(complete / "tables" / "bridge.csv")
    printed = table_of(appendix, "Associations and effects under every reading")
    assert len(rows) == len(printed)
    assert {r["unit"] for r in rows} == set(DECIMALS)
    for row, said in zip(rows, printed, strict=True):
        for side in ("association", "effect"):
            value, low, high = (optional(row[f"{side}_{name}"]) for name in ("estimate", "ci_low", "ci_high"))
            decimals = DECIMALS[row["unit"]]
            wanted = f"{text.number(value, decimals)} {text.interval(low, high, decimals)}".strip()
            assert wanted in said.values(), (row["bridge"], row["quantity"], side)


def test_published_summaries_are_printed_as_correlations(complete, appendix):
    effects = rows_of(complete / "tables" / "effects.csv")
    wanted = [r["yi"] for r in effects if r["level"] == "summary" and r["metric"] == "z"]
    printed = [r for r in table_of(appendix, "Published summaries, never pooled") if r["Measure"] == "r"]
    said = [re.match(POINT, r["Estimate"])[1] for r in printed]
    assert len(said) > 1
    assert sorted(said) == sorted(text.number(math.tanh(float(yi))) for yi in wanted)


def test_a_cell_of_several_texts_keeps_each_and_leaves_out_the_empty_ones():
    parts = cell((Text("0.24", place="row"), "", "[0.20, 0.28]"), 0.24).texts
    assert [part.content for part in parts] == ["0.24", "[0.20, 0.28]"]
    assert [part.content for part in cell(0.25).texts] == ["0.25"]
    assert cell(None).texts == ()


def test_every_estimate_of_the_short_report_has_two_decimals(complete):
    rows = table_of((complete / "report.html").read_text(encoding="utf-8"), "Synthesis by synthesis")
    said = [words for row in rows for head, words in row.items() if head.startswith("Estimate")]
    assert len(said) == len(rows) > 5
    assert [words for words in said if not re.match(r"[^=]+ = −?\d+\.\d\d \[", words)] == []


def titles_of(complete):
    plan = json.loads((complete / "config.json").read_text(encoding="utf-8"))
    return {name: synthesis["title"] for name, synthesis in plan["syntheses"].items()}


def test_each_pool_is_printed_with_its_influential_samples(complete, appendix):
    """And between which values it lies without any one sample."""
    rows = rows_of(complete / "tables" / "influence.csv")
    titles = titles_of(complete)
    by_title = {}
    for row in rows:
        by_title.setdefault(titles[row["synthesis"]], []).append(row)
    printed = table_of(appendix, "Each pool without any one of its samples")
    assert len(printed) == len(by_title) > 3
    marked = {title: [r["label"] for r in pool if r["influential"] == "True"] for title, pool in by_title.items()}
    assert any(marked.values())
    assert not all(marked.values())
    for row in printed:
        assert row["Marked influential"] == (", ".join(marked[row["Pool"]]) or "none")
        labels = [re.search(r"\(without (.*)\)$", row[f"{side} without one"])[1] for side in ("Lowest", "Highest")]
        assert set(labels) <= {r["label"] for r in by_title[row["Pool"]]}


def test_the_answer_names_the_effects_of_the_bridges_and_their_estimates(complete):
    plan = json.loads((complete / "config.json").read_text(encoding="utf-8"))
    effects = dict.fromkeys(bridge["effect"] for bridge in plan["bridges"].values())
    page = unescape(re.sub("<[^>]+>", "", (complete / "report.html").read_text(encoding="utf-8")))
    answer = page[: page.index("Synthesis by synthesis")]
    for name in effects:
        model = json.loads((complete / "models" / f"{name}.json").read_text(encoding="utf-8"))
        value, low, high = (BACK.get(model["metric"], float)(model[key]) for key in ("estimate", "ci_low", "ci_high"))
        lead = f"{titles_of(complete)[name]}, "
        assert lead in answer
        assert f"{text.number(value)} {text.interval(low, high)}" in answer[answer.index(lead) :][:200]


def test_differences_on_one_metric_are_printed_with_both_limits(complete, appendix):
    rows = [r for r in rows_of(complete / "tables" / "comparison.csv") if r["difference"]]
    printed = [r for r in table_of(appendix, "Differences on one metric") if r["Difference"]]
    assert len(rows) == len(printed) > 0
    for row, said in zip(rows, printed, strict=True):
        value, low, high = (optional(row[name]) for name in ("difference", "ci_low", "ci_high"))
        wanted = text.number(value) if low is None else f"{text.number(value)} {text.interval(low, high)}"
        assert said["Difference"] == wanted
    assert any(row["ci_low"] for row in rows)


def test_an_interaction_is_printed_in_both_of_its_units(complete, appendix):
    (row,) = [r for r in rows_of(complete / "tables" / "interactions.csv") if r["points"]]
    in_points = [text.number(float(row[name]), 1) for name in ("points", "points_low", "points_high")]
    assert f"in points of the instrument {in_points[0]} [{in_points[1]}, {in_points[2]}]" in unescape(
        re.sub("<[^>]+>", "", appendix)
    )


def words_of(page):
    return unescape(re.sub("<[^>]+>", "", page))


def test_the_answer_counts_the_tests_that_have_a_p(complete):
    rows = [r for r in rows_of(complete / "tables" / "small_study.csv") if r["p"]]
    tests = {r["synthesis"]: set() for r in rows}
    for r in rows:
        if r["test"] not in ("p_curve", "z_curve"):
            tests[r["synthesis"]].add(r["test"])
    said = words_of((complete / "report.html").read_text(encoding="utf-8"))
    assert f"at least one of up to {max(map(len, tests.values()))} uncorrected tests" in said


def test_the_sentence_on_the_bridge_has_the_limits_of_its_effect(complete, appendix):
    row = next(r for r in rows_of(complete / "tables" / "bridge.csv") if r["effect_estimate"])
    value, low, high = (float(row[f"effect_{name}"]) for name in ("estimate", "ci_low", "ci_high"))
    assert f"beside an effect of g = {text.number(value)} {text.interval(low, high)} (" in words_of(appendix)


def test_correlations_are_printed_raw_beside_corrected_ones(complete, appendix):
    rows = rows_of(complete / "tables" / "psychometric.csv")
    printed = table_of(appendix, "Correlations as they are, and corrected")
    assert len(rows) == len(printed) > 1
    for row, said in zip(rows, printed, strict=True):
        for head, *names in (
            ("r, pooled", "raw_estimate", "raw_ci_low", "raw_ci_high"),
            ("r, mean by people", "mean_r", "mean_r_low", "mean_r_high"),
            ("r corrected for unreliability", "rho", "rho_low", "rho_high"),
        ):
            value, low, high = (float(row[name]) for name in names)
            assert said[head] == f"{text.number(value)} {text.interval(low, high)}"


def test_each_finding_and_each_joint_regression_counts_its_samples(complete):
    samples = {r["synthesis"]: r["samples"] for r in rows_of(complete / "tables" / "pooled.csv")}
    findings = rows_of(complete / "tables" / "summary_of_findings.csv")
    assert {r["samples"] for r in findings if r["synthesis"] == "alliance"} == {samples["alliance"]}
    assert all(r["samples"] == samples[r["synthesis"]] for r in findings)
    fitted = [r for r in rows_of(complete / "tables" / "regressions.csv") if r["samples"] and r["without_value"] == "0"]
    assert all(r["samples"] == samples[r["synthesis"]] for r in fitted)
    assert any(r["k"] != r["samples"] for r in fitted)


def test_tests_of_small_studies_are_printed_with_two_decimals_or_as_counts(complete, appendix):
    rows = rows_of(complete / "tables" / "small_study.csv")
    printed = table_of(appendix, "Tests of small-study effects")
    assert len(rows) == len(printed)
    for row, said in zip(rows, printed, strict=True):
        decimals = 0 if row["test"].startswith(("trim", "fail")) else 2
        wanted = text.number(float(row["statistic"]), decimals) if row["statistic"] else ""
        assert said["Statistic, or studies added"] == wanted


def test_the_manuscript_counts_the_conversions_of_the_effects_that_a_pool_has(complete):
    page = (complete / "manuscript" / "manuscript.md").read_text(encoding="utf-8")
    titles = titles_of(complete)
    for name, title in titles.items():
        document = json.loads((complete / "models" / f"{name}.json").read_text(encoding="utf-8"))
        said = page.split(f"#### {title}\n")[1].split("Conversions: ")[1].split(".")[0]
        counts = sum(int(count) for count in re.findall(r"\((\d+)\)", said))
        converted = sum(len(study["effects"]) for study in document["studies"]) - document["set_to_zero"]
        assert counts == converted, title


def test_a_common_effect_stands_beside_a_pool_as_its_weighted_mean(complete):
    document = json.loads((complete / "models" / "trials.json").read_text(encoding="utf-8"))
    (line,) = [line for line in document["summaries"] if line["kind"] == "common"]
    weight = math.fsum(1 / study["vi"] for study in document["studies"])
    mean = math.fsum(study["yi"] / study["vi"] for study in document["studies"]) / weight
    half = 1.6448536269514722 / weight**0.5
    wanted = [mean, mean - half, mean + half]
    assert [line[name] for name in ("estimate", "ci_low", "ci_high")] == pytest.approx(wanted, rel=1e-9)


def test_what_the_numbers_rest_on_says_the_estimate_with_zeros_beside_the_one_without(complete, appendix):
    pooled = {r["synthesis"]: r for r in rows_of(complete / "tables" / "pooled.csv")}
    zero, main = (text.number(math.tanh(float(pooled[name]["estimate"]))) for name in ("alliance_zero", "alliance"))
    assert f"a stress test, the association is r = {zero} instead of {main}" in words_of(appendix)


def test_the_second_route_is_compared_with_the_numbers_of_the_models(complete):
    rows = [r for r in rows_of(complete / "tables" / "crosscheck.csv") if r["quantity"] in ("estimate", "tau2", "se")]
    assert len(rows) > 40
    for row in rows:
        document = json.loads((complete / "models" / f"{row['synthesis']}.json").read_text(encoding="utf-8"))
        assert float(row["ours"]) == pytest.approx(document[row["quantity"]], rel=1e-12), row


def test_the_data_of_an_r_script_are_those_of_the_effects(complete):
    effects = {(r["effect_id"], r["metric"]): r for r in rows_of(complete / "tables" / "effects.csv")}
    for name in ("alliance", "trials"):
        document = json.loads((complete / "models" / f"{name}.json").read_text(encoding="utf-8"))
        rows = rows_of(complete / "r" / f"{name}.csv")
        assert len(rows) == document["k"]
        for row in rows:
            extracted = effects[row["effect_id"], document["metric"]]
            # A mean difference is pooled with what is better above 0.
            assert abs(float(row["yi"])) == pytest.approx(abs(float(extracted["yi"])), rel=1e-12)
            assert float(row["vi"]) == pytest.approx(float(extracted["vi"]), rel=1e-12)


def test_the_manuscript_says_between_which_values_a_pool_lies_without_any_one_sample(complete):
    page = (complete / "manuscript" / "manuscript.md").read_text(encoding="utf-8")
    rows = [r for r in rows_of(complete / "tables" / "influence.csv") if r["synthesis"] == "alliance"]
    left = sorted((math.tanh(float(r["model_estimate_without"])), r["label"]) for r in rows)
    low, high = (f"{text.number(value)} (without {label})" for value, label in (left[0], left[-1]))
    assert f"between {low} and {high}" in page


def test_a_joint_regression_is_shuffled_as_a_whole_and_a_p_curve_says_what_it_shows(complete):
    tests = [r for r in rows_of(complete / "tables" / "regressions.csv") if r["kind"] == "test"]
    assert {r["term"] for r in tests if r["p_permutation"]} == {"all"}
    curves = [r for r in rows_of(complete / "tables" / "small_study.csv") if r["test"] == "p_curve" and r["p"]]
    assert {r["note"].partition(";")[0] for r in curves} == {"evidential value", "undecided"}


def test_agreement_counts_rows_in_whole_numbers(complete, appendix):
    rows = rows_of(complete / "tables" / "agreement.csv")
    printed = table_of(appendix, "Agreement of two coders, before corrections")
    counts = [[value for value in said.values() if re.fullmatch(r"\d+", value)][:2] for said in printed]
    assert counts == [[r["rows"], r["agree"]] for r in rows]


def test_a_card_counts_the_people_of_its_samples(complete):
    for path in sorted((complete / "model_cards").glob("*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))["data"]
        document = json.loads((complete / "models" / path.name).read_text(encoding="utf-8"))
        sizes = [study["n"] for study in document["studies"] if study["n"] is not None]
        assert said["people"] == (sum(sizes) if sizes else None)
        assert said["samples_of_unknown_size"] == len(document["studies"]) - len(sizes)


def test_pooled_estimates_are_printed_with_their_intervals(complete, appendix):
    page = appendix if "<caption>Pooled estimates</caption>" in appendix else (complete / "report.html").read_text()
    pooled = {r["title"]: r for r in rows_of(complete / "tables" / "pooled.csv")}
    printed = table_of(page, "Pooled estimates")
    assert len(printed) > 5
    for said in printed:
        row = pooled[said["Synthesis"]]
        back = BACK.get(row["metric"], float)
        value, *limits = (
            back(float(row[n])) if row[n] else None for n in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
        )
        if back is float and row["metric"] not in ("g", "mean_difference"):
            continue
        assert said["Estimate"] == text.number(value)
        assert said["90% CI"] == text.interval(*limits[:2])
        assert said["Prediction"] == (text.interval(*limits[2:]) if limits[2] is not None else "")


def test_a_ratio_as_printed_says_which_way_is_better_where_its_rows_agree(complete):
    effects = {(r["effect_id"], r["metric"]): r["direction"] for r in rows_of(complete / "tables" / "effects.csv")}
    found = []
    for path in sorted((complete / "models").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["figure"].get("orientation") == "as_reported" and "ratio" in document["metric"]:
            names = [name for study in document["studies"] for name in study["effects"]]
            ways = {float(effects[name, document["metric"]]) for name in names}
            assert document["figure"]["direction"] == (ways.pop() if len(ways) == 1 else None), path.stem
            found.append(path.stem)
    assert len(found) > 2
