"""Who shares people: what is inferred of a table, said, and asked; arms that share a control arm are one comparison."""

import datetime
import math
import re

import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from pooled import asked, correlation, means, typed_row
from synthesis.data.arms import combined
from synthesis.data.extraction import extract
from synthesis.data.papers import study_key
from synthesis.data.reading import read_yaml
from synthesis.data.sharing import assigned
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.plan import plan
from synthesis.plan.starting import start
from synthesis.plan.taking import Start
from synthesis.text import plain

DAY = datetime.date(2026, 11, 25)
# Several treatment arms against one control, a row each: http://www.cochrane-net.org/openlearning/html/moda2-5.htm,
# rebuilt with invented names and numbers.
ARMS = """trial,arm,m1,s1,n1,m0,s0,n0
Okafor 2012,group CBT,11.2,6.1,38,16.4,6.6,41
Okafor 2012,internet CBT,12.9,6.4,36,16.4,6.6,41
Okafor 2012,telephone CBT,12.1,5.9,40,16.4,6.6,41
Lindqvist 2015,internet CBT,13.3,7.0,52,15.8,7.4,50
Marquez 2009,group CBT,14.8,5.2,24,15.1,5.6,22
Teo 2018,internet CBT,10.1,6.8,75,12.0,6.5,71
Brandt 2011,group CBT,15.9,7.7,31,17.2,7.1,30
Haddad 2016,telephone CBT,12.7,6.2,44,13.4,6.9,47
"""
COLUMNS = {"study": "trial", "treatment": "arm", "mean_treat": "m1", "sd_treat": "s1", "n_treat": "n1"}
COLUMNS |= {"mean_control": "m0", "sd_control": "s0", "n_control": "n0"}


def begin(tmp_path, table, columns=COLUMNS, statistic="mean_sd", metric="g", **options):
    path = tmp_path / "own.csv"
    path.write_text(table)
    what = Start("x", path, statistic, columns, "smaller", "x", metric, **options)
    return start(tmp_path / "review", what, DAY)


def effects(tmp_path, metric="g"):
    return extract(tmp_path / "review" / "data" / "raw", "own", (metric,))


def g_of(m1, s1, n1, m0, s0, n0):
    """Hedges g of smaller values being better, and its variance; Hedges (1981)."""
    df = n1 + n0 - 2
    pooled = math.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    g = j * (m0 - m1) / pooled
    return g, 1 / n1 + 1 / n0 + g * g / (2 * (n1 + n0))


def test_arms_of_one_control_are_one_comparison(tmp_path):
    """Mean and SD of the three arms by their people: from raw moments, not by the formula of the code."""
    said = begin(tmp_path, ARMS).notes
    assert any("rows 2, 3, 4 (Okafor 2012) compare with the same people" in line for line in said)
    assert any("rows of one study are the same people (Okafor 2012, rows 2, 3, 4)" in line for line in said)
    found = effects(tmp_path)
    assert [row.study for row in found.effects] == [
        "Okafor 2012",
        "Lindqvist 2015",
        "Marquez 2009",
        "Teo 2018",
        "Brandt 2011",
        "Haddad 2016",
    ]
    n, m, s = (38, 36, 40), (11.2, 12.9, 12.1), (6.1, 6.4, 5.9)
    people = sum(n)
    mean = sum(a * b for a, b in zip(n, m, strict=True)) / people
    squares = sum((a - 1) * c**2 + a * b**2 for a, b, c in zip(n, m, s, strict=True))
    sd = math.sqrt((squares - people * mean**2) / (people - 1))
    first = found.effects[0]
    assert (first.yi, first.vi) == pytest.approx(g_of(mean, sd, people, 16.4, 6.6, 41), rel=tolerances.LAW)
    assert (first.n_total, first.treatment) == (155.0, "group CBT + internet CBT + telephone CBT")
    # What the table prints stays as it is.
    assert (first.mean_treat, first.n_treat, first.converter) == (11.2, 38.0, "arms_combined_mean_sd_to_g")
    assert [row.category for row in found.dropped] == ["combined", "combined"]


def test_each_row_its_own_sample_where_the_user_says_so(tmp_path):
    said = begin(tmp_path, ARMS, samples="row").notes
    assert "samples: each row is one of its own (--samples row)" in said
    assert len({row.sample_id for row in effects(tmp_path).effects}) == 8


def test_counts_of_arms_are_added(tmp_path):
    table = "study,e1,n1,e0,n0\nA,4,30,9,31\nA,6,29,9,31\nB,5,40,8,41\nC,3,22,6,20\n"
    columns = {
        "study": "study",
        "events_treat": "e1",
        "total_treat": "n1",
        "events_control": "e0",
        "total_control": "n0",
    }
    begin(tmp_path, table, columns, "2x2", "log_odds_ratio")
    first = effects(tmp_path, "log_odds_ratio").effects[0]
    a, b, c, d = 10, 49, 9, 22
    assert first.vi == pytest.approx(1 / a + 1 / b + 1 / c + 1 / d, rel=tolerances.LAW)
    assert abs(first.yi) == pytest.approx(abs(math.log(a * d / (b * c))), rel=tolerances.LAW)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        # One trial under two names.
        (ARMS.replace("Okafor 2012,telephone", "Okafor and Lee 2013,telephone"),
         ["rows 2, 3, 4", "one trial under several names?", "--samples row"]),
    ],
)  # fmt: skip
def test_what_could_be_the_same_people_is_asked(tmp_path, table, said):
    with pytest.raises(InputError) as error:
        begin(tmp_path, table)
    for words in said:
        assert words in str(error.value)
    assert not (tmp_path / "review").exists()


def with_ids(*ids):
    lines = ARMS.splitlines()
    return "\n".join([lines[0] + ",id", *(f"{line},{name}" for line, name in zip(lines[1:], ids, strict=True))]) + "\n"


def test_ids_numbered_within_studies_are_combined_with_them(tmp_path):
    said = begin(tmp_path, with_ids(*"11111111"), COLUMNS | {"sample_id": "id"}).notes
    assert any("ids are numbered within studies" in line for line in said)
    assert [row.sample_id for row in effects(tmp_path).effects][:2] == ["Okafor 2012 / 1", "Lindqvist 2015 / 1"]


def test_one_id_under_several_studies_is_a_question(tmp_path):
    table = with_ids(*["trial X"] * 3, "trial Y", "trial Y", "trial Z", "a", "b")
    with pytest.raises(
        InputError, match="column id: 'trial Y'.*--samples given .*Lindqvist 2015, row 5; Marquez 2009, row 6"
    ):
        begin(tmp_path, table, COLUMNS | {"sample_id": "id"})
    begin(tmp_path, table, COLUMNS | {"sample_id": "id"}, samples="given")
    assert [row.sample_id for row in effects(tmp_path).effects] == [
        "trial X",
        "trial Y",
        "trial Y",
        "trial Z",
        "a",
        "b",
    ]


@pytest.mark.parametrize("name", ["Müller & Söhne, 2004 (women)", "李 2010", "a/b", "x:y|z", "<b>", "1"])
def test_a_sample_may_have_any_name(tmp_path, name):
    table = f'study,r,n,who\nA,.3,40,"{name}"\nB,.2,50,other\nC,.1,60,third\n'
    begin(tmp_path, table, {"study": "study", "value": "r", "n": "n", "sample_id": "who"}, "r", "")
    assert effects(tmp_path, "z").effects[0].sample_id == name


def test_two_papers_of_one_name_and_other_years_are_two_samples():
    rows = [
        {"effect_id": str(i), "study": "Smith", "year": year, "locator": f"t.csv, row {i}", "statistic": "r"}
        for i, year in enumerate(("2001", "2005", "2005"), start=2)
    ]
    named, _, problems = assigned(rows, given=False, how=None)
    assert [row["sample_id"] for row in named] == ["Smith 2001", "Smith 2005", "Smith 2005"]
    assert problems == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"statistic": "g", "value": 0.4}, "only means and counts of arms can be combined"),
        ({"mean_control": 16.5}, "two control arms?"),
        ({"n_treat": ""}, "to combine arms that share a control group"),
    ],
)
def test_control_groups_that_do_not_fit_are_named(changes, said):
    from synthesis.data.arms import faults

    cells = {
        "statistic": "mean_sd",
        "sample_id": "s",
        "control_group": "c",
        "mean_treat": 11,
        "sd_treat": 6,
        "n_treat": 38,
    }
    cells |= {"mean_control": 16.4, "sd_control": 6.6, "n_control": 41}
    both = {key: value for key, value in changes.items() if key in ("statistic", "value")}
    rows = [(2, typed_row(**cells | both)), (3, typed_row(**cells | changes))]
    assert said in " ".join(f"{allowed} {hint}" for _, _, _, allowed, hint in faults(rows))


@given(st.permutations(range(4)), st.lists(st.integers(2, 90), min_size=4, max_size=4), st.floats(0.5, 3))
def test_order_and_units_of_arms_do_not_matter(order, people, unit):
    means, sds = (11.0, 12.5, 9.0, 14.0), (5.0, 6.5, 4.0, 7.0)

    def arms(places, by):
        cells = {"statistic": "mean_sd", "sample_id": "s", "control_group": "c", "mean_control": 16.4 * by}
        cells |= {"sd_control": 6.6 * by, "n_control": 41}
        rows = [
            cells | {"effect_id": str(i), "mean_treat": means[i] * by, "sd_treat": sds[i] * by, "n_treat": people[i]}
            for i in places
        ]
        (one,) = combined([(i, typed_row(**row)) for i, row in enumerate(rows)])[0].values()
        return one["n_treat"], one["mean_treat"] / by, one["sd_treat"] / by

    assert arms(order, unit) == pytest.approx(arms(range(4), 1.0), rel=tolerances.LAW)


def test_the_pool_of_combined_arms_is_the_one_that_metafor_gives(tmp_path):
    """0.311 [0.067, 0.556]: rma(yi, vi, test="knha") of the whole table of eight rows, arms combined."""
    begin(tmp_path, ARMS)
    found = effects(tmp_path).effects
    fit = pool([row.yi for row in found], [row.vi for row in found])
    right = (0.311, 0.067, 0.556)
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx(right, abs=tolerances.PRINTED_3)


def test_few_samples_with_several_rows_have_one_mean_effect_each(tmp_path):
    """A model of effects within samples needs five of them."""
    table = "study,r,n\nA,.3,40\nA,.2,40\nB,.2,50\nC,.1,60\n"
    said = begin(tmp_path, table, {"study": "study", "value": "r", "n": "n"}, "r", "").notes
    assert any(line.startswith("model: composites") for line in said)
    assert "model: composites" in (tmp_path / "review" / "config.yaml").read_text()


def test_names_in_other_alphabets_stay_apart():
    """Without letters beyond a to z, all outcomes in Chinese or Greek would be one instrument."""
    assert plain("PHQ-9") == plain("phq 9") == "phq9"
    assert plain("Ö'Neill (2004)") == plain("O Neill, 2004")
    assert len({plain(name) for name in ("抑郁", "焦虑", "κατάθλιψη", "")}) == 4


# --- people who may be counted wrongly in a pool ------------------------------------------------------------------


def test_one_sample_id_under_two_studies_is_asked_about_by_name():
    rows = [
        means(effect_id="x", sample_id="1", study="A0"),
        means(effect_id="y", sample_id="1", study="B0", n_treat=51),
    ]
    (said,) = asked(*rows)
    assert said.startswith("effects.csv, row 3, column sample_id: '1'; allowed: one study for a sample")
    assert "same_people: ['1'] in source.yaml" in said
    assert "A0, effects.csv, row 2; B0, effects.csv, row 3" in said
    assert asked(*rows, same={"1"}) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("Fuhr, 2019", "Fuhr et al."), ("Williams, 2013B", "Williams, 2013b"), ("Ada 2001", "ADA (2004)"), ("X.", "x")],
)
def test_a_study_in_two_spellings_is_one(one, other):
    assert study_key(one) == study_key(other)
    assert asked(means(effect_id="x", study=one), means(effect_id="y", study=other, mean_treat=21, sd_treat=6)) == []


@pytest.mark.parametrize(("one", "other"), [("A0", "B0"), ("2001", "2002"), ("Trial 1", "Trial 2"), ("Ali", "Alia")])
def test_names_that_differ_are_two_studies(one, other):
    assert study_key(one) != study_key(other)


@pytest.mark.parametrize(
    "cells",
    [
        {"sample_id": "b"},
        {"sample_id": "b", "study": "Ada et al. 2001", "year": ""},
        {"sample_id": "b", "year": 2002, "outcome": "PHQ-9"},
        {"sample_id": "b", "year": 2004},
        {"sample_id": "b", "study": "Ada, Brown & Cole 2001"},
        {"sample_id": "b", "study": "JA Ada 2001", "outcome": "PHQ-9"},
        {},
        # Six numbers do not agree by chance.
        {"outcome": "PHQ-9"},
    ],
)
def test_a_study_entered_twice_is_asked_about_by_name(cells):
    (said,) = asked(means(), means(effect_id="b", **cells))
    assert re.match(r"effects.csv, row 3, column study: '(JA )?Ada\b", said)
    assert "allowed: other numbers than a (sample a; effects.csv, row 2), or an exclusion_reason" in said
    assert "entered twice" in said
    assert asked(means(), means(effect_id="b", checked="yes", **cells)) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"outcome": "PHQ-9", "mean_treat": 12},
        {"outcome": "PHQ-9", "mean_treat": 12, "mean_control": 9},
        {"sample_id": "b", "n_treat": 51, "mean_control": 16},
        {"sample_id": "b", "study": "Bo 2001", "mean_treat": 21},
        {"sample_id": "b", "year": 2004, "mean_treat": 21},
    ],
)
def test_other_outcomes_and_other_samples_of_a_study_are_sound(cells):
    assert asked(means(), means(effect_id="b", **cells)) == []


def test_one_correlation_twice_is_a_chance_where_anything_tells_two_findings_apart():
    assert asked(correlation(), correlation(effect_id="b", outcome="PHQ-9")) == []
    assert len(asked(correlation(), correlation(effect_id="b", outcome="BDI"))) == 1
    assert len(asked(correlation(), correlation(effect_id="b", outcome="BDI", sample_id="b"))) == 1
    assert asked(correlation(), correlation(effect_id="b", outcome="PHQ-9", sample_id="b", n=71)) == []
    # Years and their letters in names, where no column has them.
    named = {"year": "", "study": "Smith 2003"}
    for other in ("Smith 2015", "Smith 2003a"):
        assert (
            asked(correlation(**named), correlation(**named | {"effect_id": "b", "sample_id": "b", "study": other}))
            == []
        )
    zero = correlation(value=0.0), correlation(effect_id="b", value=0.0, sample_id="b")
    assert asked(*zero) == []
    # Findings that are set to zero print no number.
    nothing = correlation(value=""), correlation(effect_id="b", value="", sample_id="b")
    assert asked(*nothing) == []


def test_sources_that_number_their_samples_anew_are_refused_until_the_people_are_said_to_be_the_same(project):
    for name in ("bcg", "other"):
        (project.raw / name).mkdir(exist_ok=True)
    rows = [row | {"sample_id": str(at)} for at, row in enumerate(project.rows(), start=1)]
    others = [row | {"effect_id": f"o{row['effect_id']}", "study": f"Other {row['study']}"} for row in rows[:4]]
    others = [row | {"events_treat": str(int(row["events_treat"]) + 1)} for row in others]
    project.write(rows)
    project.write(others, project.raw / "other" / "effects.csv")
    about = (project.raw / "bcg" / "source.yaml").read_text()
    (project.raw / "other" / "source.yaml").write_text(about)
    syntheses = project.config["syntheses"]
    syntheses["bcg"] |= {"sources": ["bcg", "other"]}
    project.configure(sources=["bcg", "other"], syntheses=syntheses)
    with pytest.raises(InputError) as refused:
        plan.check(plan.load(project.config, raw=project.raw), project.raw)
    said = [str(problem) for problem in refused.value.problems if "sample_id" in problem.where]
    assert len(said) == 4
    assert "other/effects.csv, row 2, column sample_id: '1'" in said[0]
    (project.raw / "other" / "source.yaml").write_text(about + "\nsame_people: ['1', '2', '3', '4']\n")
    plan.check(plan.load(project.config, raw=project.raw), project.raw)
    # In syntheses of their own nobody is counted together.
    (project.raw / "other" / "source.yaml").write_text(about)
    alone = {"bcg": syntheses["bcg"] | {"sources": ["bcg"]}, "other": syntheses["bcg"] | {"sources": ["other"]}}
    project.configure(sources=["bcg", "other"], syntheses=alone)
    plan.check(plan.load(project.config, raw=project.raw), project.raw)


def test_samples_that_are_given_as_the_same_people_are_declared_in_the_review(tmp_path):
    table = with_ids(*["trial X"] * 3, "trial: Y", "trial: Y", "trial Z", "a", "b")
    begin(tmp_path, table, COLUMNS | {"sample_id": "id"}, samples="given")
    raw = tmp_path / "review" / "data" / "raw"
    assert read_yaml(raw / "own" / "source.yaml")["same_people"] == ["trial: Y"]
    plan.check(plan.load(read_yaml(tmp_path / "review" / "config.yaml"), raw=raw), raw)
