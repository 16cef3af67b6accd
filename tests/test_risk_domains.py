"""Risk of bias by domain: rules of the tools, the table and its faults, figure and forest plot, the pool without."""

import csv
import math
import re

import msgspec
import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis.compare.low_risk import without_high_risk
from synthesis.data.extraction import extract, load_source
from synthesis.data.risk_table import RISK, domain_of, find_risk, read_risk
from synthesis.data.risk_tools import TOOLS, overall, possible
from synthesis.data.source import RiskScore
from synthesis.draw.canvas import draw
from synthesis.draw.layout import judgement
from synthesis.draw.risk_domains import risk_domains
from synthesis.draw.rows import forest
from synthesis.errors import InputError
from synthesis.meta.pool import pool
from synthesis.plan import plan as planning
from synthesis.plan.config import read_config
from synthesis.results.extracted import Assessed
from synthesis.review.presentation import presented
from test_figures import document
from typed import fitted

TRIALS = ROOT / "tests" / "complete" / "data" / "raw" / "trials"
SAMPLES = {"t01", "t02", "t03", "t04", "t05", "t07"}


# --- the rules of the tools ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "words", "whole", "allowed"),
    [
        ("RoB 2", "low low low low low", "low", {"low"}),
        ("RoB 2", "low some low low low", "some concerns", {"some concerns"}),
        ("RoB 2", "some some low low low", "some concerns", {"some concerns", "high"}),
        ("RoB 2", "some low high low low", "high", {"high"}),
        ("ROBINS-I", "low low low low low low low", "low", {"low", "moderate", "serious", "critical"}),
        ("ROBINS-I", "moderate low low low low low low", "moderate", {"moderate", "serious", "critical"}),
        ("ROBINS-I", "serious none low low low low low", "serious", {"serious", "critical"}),
        ("ROBINS-I", "critical serious low low low low low", "critical", {"critical"}),
        ("ROBINS-I", "none moderate low low low low low", "no information",
         {"moderate", "serious", "critical", "no information"}),
        ("ROBINS-I", "none none none none none none none", "no information",
         {"low", "moderate", "serious", "critical", "no information"}),
        ("QUIPS", "low low low low low low", "low", {"low"}),
        ("QUIPS", "moderate low low low low low", "low", {"low", "moderate"}),
        ("QUIPS", "moderate moderate low low low low", "moderate", {"low", "moderate"}),
        ("QUIPS", "moderate moderate moderate low low low", "high", {"low", "moderate", "high"}),
        ("QUIPS", "high low low low low low", "high", {"low", "moderate", "high"}),
    ],
)  # fmt: skip
def test_the_whole_follows_from_the_domains(tool, words, whole, allowed):
    """RoB 2: Sterne 2019; ROBINS-I: Sterne 2016; QUIPS: Grooten 2019, Diagn Progn Res 3:5, and what people may say."""
    full = {"some": "some concerns", "none": "no information"}
    judged = dict(zip(TOOLS[tool].domains, (full.get(word, word) for word in words.split()), strict=True))
    assert overall(TOOLS[tool], judged) == whole
    assert set(possible(TOOLS[tool], judged)) == allowed
    assert whole in allowed


def test_every_judgement_of_a_tool_can_be_drawn():
    assert {name: len(tool.domains) for name, tool in TOOLS.items()} == {"RoB 2": 5, "ROBINS-I": 7, "QUIPS": 6}
    assert all(judgement(word) for tool in TOOLS.values() for word in tool.judgements)


def test_a_domain_is_named_in_words_or_by_its_place():
    tool = TOOLS["RoB 2"]
    named = [
        "D1",
        "d1",
        "Randomisation process",
        "bias arising from the randomization process",
        "randomisation_process",
    ]
    assert {domain_of(tool, words) for words in named} == {"randomisation process"}
    assert domain_of(tool, "Bias due to missing outcome data") == "missing outcome data"
    assert domain_of(TOOLS["QUIPS"], "confounding") == "study confounding"
    assert domain_of(tool, "D6") is None
    assert domain_of(tool, "D0") is None


# --- the table ----------------------------------------------------------------------------------------------------


def test_the_table_gives_every_domain_and_the_whole():
    found = {one.sample_id: one for one in read_risk(TRIALS / RISK, SAMPLES)}
    assert set(found) == SAMPLES
    assert found["t02"].overall == "high"
    assert not found["t02"].given
    assert found["t02"].domains["missing outcome data"] == "high"
    assert found["t02"].reasons["missing outcome data"] == "a third of one arm lost"
    assert found["t02"].quotes == {"missing outcome data": "31% did not return"}
    assert (found["t04"].overall, found["t04"].given) == ("high", True)
    assert (found["t07"].domains, found["t07"].overall) == ({}, "high")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("t01,RoB 2,D1", "t99,RoB 2,D1", "column sample_id: 't99'; allowed: a sample_id of effects.csv"),
        ("t01,RoB 2,D1", "t01,RoB 3,D1", "row 2, column tool: 'RoB 3'; allowed: one of RoB 2, ROBINS-I, QUIPS"),
        ("t01,RoB 2,D1", "t01,QUIPS,D1", "column tool: 'QUIPS, RoB 2'; allowed: one tool for each sample"),
        ("missing outcome data,high", "mising outcome data,high", "did you mean missing outcome data?"),
        ("t01,RoB 2,D1", "t01,RoB 2,D6", "row 2, column domain: 'D6'; allowed: a domain of RoB 2"),
        ("t01,RoB 2,D2", "t01,RoB 2,D1", "row 3, column domain: 'D1'; allowed: each domain of a sample once"),
        ("t01,RoB 2,D1,low", "t01,RoB 2,D1,moderate", "column judgement: 'moderate'; allowed: one of low, some"),
        ("t01,RoB 2,D5,low,,\n", "", "'t01 without selection of the reported result'; allowed: every domain of RoB 2"),
        ("t05,RoB 2,D1,low", "t05,RoB 2,overall,high,,\nt05,RoB 2,D1,low", "allowed: low, by the domains of t05"),
        ("t04,RoB 2,overall,high", "t04,RoB 2,overall,low", "allowed: some concerns or high, by the domains of t04"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(tmp_path, old, new, said):
    path = tmp_path / RISK
    content = (TRIALS / RISK).read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(said)):
        read_risk(path, SAMPLES)


def assessed_project(project, **domains):
    """The example's review with a table: the first sample by RoB 2."""
    sample = project.rows()[0]["sample_id"]
    judged = {f"D{i}": "low" for i in range(1, 6)} | domains
    rows = [{"sample_id": sample, "tool": "RoB 2", "domain": k, "judgement": v} for k, v in judged.items()]
    project.write(rows, project.table.with_name(RISK))
    return sample


def test_rows_of_an_assessed_sample_have_the_whole_as_their_rating(project):
    sample = assessed_project(project, D3="high")
    found = extract(project.raw, "bcg", ("log_risk_ratio",))
    assert {row.rob for row in found.effects if row.sample_id == sample} == {"high"}
    assert {row.rob for row in found.effects if row.sample_id != sample} == {""}
    assert [one.overall for one in found.assessed] == ["high"]


def test_a_rating_that_says_otherwise_is_refused(project):
    assessed_project(project, D3="high")
    project.change(0, rob="Low")
    _, problems = load_source(project.raw, "bcg", [])
    assert "column rob: 'Low'; allowed: high, as risk_of_bias.csv has it" in str(problems[0])
    project.change(0, rob="High risk")
    assert load_source(project.raw, "bcg", [])[1] == []


def test_a_fault_of_the_table_is_said_before_the_first_job(project):
    assessed_project(project, D3="medium")
    with pytest.raises(InputError, match="'medium'; allowed: one of low, some concerns, high"):
        planning.check(planning.Plan(read_config(str(project.config_path), project.raw)), project.raw)


def test_without_a_table_nothing_is_assessed_and_nothing_written_of_it(project):
    found = extract(project.raw, "bcg", ("log_risk_ratio",))
    assert find_risk(project.raw, "bcg", set()) == ()
    assert b"assessed" not in msgspec.json.encode(found)


def test_columns_of_domains_without_a_table_are_refused(project):
    name = next(iter(project.config["syntheses"]))
    changed = project.config["syntheses"]
    changed[name]["columns"] = ["n", "rob_domains"]
    project.configure(syntheses=changed)
    plan = planning.Plan(read_config(str(project.config_path), project.raw))
    with pytest.raises(InputError, match=f"syntheses.{name}.columns: 'rob_domains'; allowed: columns of its sources"):
        planning.check(plan, project.raw)
    assessed_project(project)
    planning.check(plan, project.raw)


# --- the figures --------------------------------------------------------------------------------------------------


def assessed(sample, *words, tool="RoB 2", whole=None):
    domains = dict(zip(TOOLS[tool].domains, words, strict=False))
    return Assessed(
        sample_id=sample, tool=tool, overall=whole or overall(TOOLS[tool], domains), given=whole is not None,
        domains=domains,
    )  # fmt: skip


def pooled(count=4):
    return fitted(document(count, title="Trials"))


def test_bars_are_shares_of_the_weight_of_the_assessed():
    model = pooled()
    names = [study.sample_id for study in model.studies]
    weights = {study.sample_id: study.weight for study in model.studies}
    low, high = ["low"] * 5, ["low", "high", "low", "some concerns", "low"]
    layout = risk_domains(model, [assessed(names[0], *low), assessed(names[2], *high), assessed("elsewhere", *low)])
    (panel,) = layout.panels
    assert panel.heads == ("D1", "D2", "D3", "D4", "D5", "Overall")
    assert {sample.key for sample in panel.samples} == {names[0], names[2]}
    bars = {bar.name: {light.word: share for light, share in bar.shares} for bar in panel.bars}
    part = 100 * weights[names[2]] / (weights[names[0]] + weights[names[2]])
    assert bars["deviations from intended interventions"] == pytest.approx({"low": 100 - part, "high": part})
    assert bars["overall"] == pytest.approx({"low": 100 - part, "high": part})
    assert bars["missing outcome data"] == pytest.approx({"low": 100.0})
    assert all(math.isclose(sum(share for _, share in bar.shares), 100) for bar in panel.bars)
    assert layout.notes[0].startswith("2 of 4 samples assessed")
    assert [light.word for light in layout.legend] == ["low", "some concerns", "high"]
    texts = [t.get_text() for t in draw(layout).texts]
    assert "D2 deviations from intended interventions" in texts
    rows = [row for row in layout.table() if row["sample_id"] == names[2]]
    assert [row["judgement"] for row in rows] == [*high, "high"]


def test_what_was_not_judged_is_neither_good_nor_left_out():
    model = pooled()
    layout = risk_domains(model, [assessed(model.studies[0].sample_id, whole="high")])
    (panel,) = layout.panels
    assert [(light.word, light.symbol) for light in panel.samples[0].lights[:5]] == [("", "")] * 5
    assert "not judged" in [light.word for light in layout.legend]


def test_each_tool_has_a_panel_of_its_own():
    model = pooled()
    first, second = (study.sample_id for study in model.studies[:2])
    quips = assessed(second, *["moderate"] * 6, tool="QUIPS")
    layout = risk_domains(model, [assessed(first, *["low"] * 5), quips])
    assert [panel.tool for panel in layout.panels] == ["RoB 2", "QUIPS"]
    assert len(layout.panels[1].heads) == 7


def test_nobody_assessed_is_said_and_nothing_drawn():
    layout = risk_domains(pooled(), [])
    assert layout.panels == ()
    assert layout.notes == ("Not drawn: no sample of this synthesis is assessed by domain (risk_of_bias.csv).",)
    draw(layout)


def test_the_forest_plot_has_a_symbol_for_each_domain():
    raw = ROOT / "tests" / "complete" / "data" / "raw"
    plan = planning.load(planning.read_yaml(raw.parents[1] / "config.yaml"), raw=raw).config
    found = extract(raw, "trials", ("g",))
    rows = {row.sample_id: row for row in found.effects if row.comparator == "usual care" and row.vi is not None}
    chosen = [rows[name] for name in ("t01", "t02", "t05", "t09")]
    model = fitted(document(4, name="trials"))
    studies = tuple(
        replace(study, sample_id=row.sample_id, effects=(row.effect_id,),
                members=tuple(replace(m, effect_id=row.effect_id) for m in study.members[:1]))
        for study, row in zip(model.studies, chosen, strict=True)
    )  # fmt: skip
    shown = presented(replace(model, studies=studies), plan.syntheses["trials"], found)
    assert shown.figure.columns[-5:] == tuple(f"rob_domains.{i}" for i in range(1, 6))
    layout = forest(shown)
    (section, *_) = layout.sections
    assert section.columns[-5:] == ("D1", "D2", "D3", "D4", "D5")
    cells = {row.key: row.cells[-5:] for row in section.rows if row.kind == "study"}
    assert cells["t02"] == ("some concerns", "low", "high", "some concerns", "low")
    assert cells["t09"] == ("",) * 5
    assert any(note.startswith("RoB 2: D1 randomisation process; D2") for note in layout.notes)
    assert "Risk of bias by domain: + low, \N{MINUS SIGN} some concerns, \N{MULTIPLICATION SIGN} high." in layout.notes
    unread = presented(replace(model, studies=studies), plan.syntheses["trials"])
    assert not any("domain" in column for column in unread.figure.columns)


# --- the pool without ---------------------------------------------------------------------------------------------


def rated(*words, **changes):
    model = fitted(document(len(words), **changes))
    return replace(model, studies=tuple(replace(s, rob=w) for s, w in zip(model.studies, words, strict=True)))


def test_the_pool_without_high_risk_is_that_of_the_others():
    model = rated("low", "high", "", "Serious", "some concerns", "low")
    (row,) = without_high_risk([model], {})
    held = [study for study in model.studies if study.rob not in ("high", "Serious")]
    again = pool([s.yi for s in held], [s.vi for s in held], tau2=model.fit.method, ci=model.fit.ci_method)
    assert (row.samples, row.rated, row.left_out, row.samples_without) == (6, 5, 2, 4)
    assert row.left_out_samples == "; ".join(s.sample_id for s in model.studies if s not in held)
    assert (row.estimate_without, row.ci_low_without, row.tau2_without) == pytest.approx(
        (again.estimate, again.ci_low, again.tau2)
    )
    assert row.estimate == model.fit.estimate


def test_without_high_risk_effects_are_counted_beside_samples():
    model = rated("low", "high", "low", "low")
    pairs = [(s.members[0], replace(s.members[0], effect_id=f"{s.sample_id}_second")) for s in model.studies]
    studies = tuple(replace(s, members=pair) for s, pair in zip(model.studies, pairs, strict=True))
    effects = [m for s in studies for m in s.members]
    cluster = [s.sample_id for s in studies for _ in s.members]
    fit = pool([m.yi for m in effects], [m.vi for m in effects], cluster=cluster, rho=0.6)
    (row,) = without_high_risk([replace(model, studies=studies, fit=fit)], {})
    assert (row.samples_without, row.k_without) == (3, 6)


def test_a_common_effect_without_high_risk_is_the_weighted_mean():
    model = rated("low", "high", "low", "low")
    model = replace(model, fit=pool([s.yi for s in model.studies], [s.vi for s in model.studies], tau2="FE", ci="wald"))
    (row,) = without_high_risk([model], {})
    held = [study for study in model.studies if study.rob == "low"]
    weight = sum(1 / s.vi for s in held)
    mean = sum(s.yi / s.vi for s in held) / weight
    assert row.estimate_without == pytest.approx(mean, rel=1e-12)
    assert row.ci_low_without == pytest.approx(mean - 1.959963984540054 / weight**0.5, rel=1e-9)


def test_scores_are_high_in_the_worse_half_of_their_scale():
    score = RiskScore(lowest=0, highest=4, better="larger", basis="stated")
    model = rated("1", "3", "4", "2")
    model = replace(model, studies=tuple(replace(study, source="s") for study in model.studies))
    (row,) = without_high_risk([model], {"s": score})
    assert row.left_out_samples == model.studies[0].sample_id
    (unread,) = without_high_risk([model], {})
    assert (unread.rated, unread.reason) == (0, "no sample is rated")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("", "", ""), "no sample is rated"),
        (("low", "low", ""), "no sample is at high risk"),
        (("high", "high", "high"), "every sample is at high risk"),
    ],
)
def test_where_there_is_no_such_pool_that_is_said(words, reason):
    (row,) = without_high_risk([rated(*words)], {})
    assert row.reason == reason
    assert row.estimate_without is None


def test_the_complete_review_is_pooled_without(complete):
    with (complete / "tables" / "without_high_risk.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["synthesis"]: row for row in csv.DictReader(handle)}
    assert rows["trials"]["left_out_samples"] == "t02; t04; t07; t13"
    assert rows["alliance"]["left_out_samples"] == "s01; s05"
    assert 0 < float(rows["trials"]["estimate_without"]) < float(rows["trials"]["estimate"])
    assert rows["alliance_total"]["model_without"] == "composites"
