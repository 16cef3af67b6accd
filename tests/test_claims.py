"""Claims and their tipping points: rules on intervals, gaps, what turns a verdict; only data and config count."""

import csv
import dataclasses
import math
import re
import shutil

import pytest
import tolerances
from conftest import ROOT
from msgspec.structs import replace
from synthesis import pool, text
from synthesis.cli.main import main
from synthesis.compare import claims as c
from synthesis.compare.hanging import Surroundings, with_what_they_hang_on
from synthesis.compare.planned import compare_all, evidence_of
from synthesis.compare.tipping import shift_to_flip, tipping, variants
from synthesis.data.claim_table import Claim, read_claims
from synthesis.data.columns import CLAIM_COLUMNS
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml
from synthesis.draw.claims_layout import VERDICTS, claims_layout
from synthesis.errors import InputError
from synthesis.meta.bias import TrimFill
from synthesis.plan import plan as planning
from synthesis.results import comparisons as types
from synthesis.results.certainty import LowRiskRow
from synthesis.results.curves import Curve, MultiverseSummary, Scope
from synthesis.results.diagnosed import Diagnosed, SmallStudyTests
from synthesis.results.document import plain, read_documents, read_rows, write_documents, write_rows
from synthesis.results.extracted import Extracted
from synthesis.results.files import read_json, write_csv
from synthesis.results.process import DoubtedClaim
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented

RAW = ROOT / "data" / "raw"


def evidence_from(config, raw=RAW, changed=lambda row: row):
    plan = planning.load(config).config
    sources = [extract(raw, source, planning.Plan(plan).metrics(source)) for source in plan.sources]
    found = Extracted(
        effects=tuple(changed(row) for one in sources for row in one.effects),
        dropped=tuple(row for one in sources for row in one.dropped),
    )
    documents = {
        name: presented(run_synthesis(name, synthesis, plan.defaults, found.effects, found.dropped), synthesis)
        for name, synthesis in plan.syntheses.items()
    }
    return evidence_of(plan, documents, found)


@pytest.fixture(scope="module")
def config():
    """The real plan with fewer draws and resamples: verdicts are compared with each other here."""
    content = read_yaml(ROOT / "config.yaml")
    content["relevance"]["bootstrap"] = 200
    return content


@pytest.fixture(scope="module")
def evidence(config):
    return evidence_from(config)


@pytest.fixture(scope="module")
def claims():
    return read_claims(RAW / "claims.csv")


@pytest.fixture(scope="module")
def decided(claims, evidence):
    return {row.claim_id: row for row in c.decided_claims(claims, evidence)}


def cells(claim):
    """A claim as a row of its table."""
    return {column.name: getattr(claim, column.name) for column in CLAIM_COLUMNS}


def value(low, high, estimate=None, unit="g"):
    return c.Value("x", unit, (low + high) / 2 if estimate is None else estimate, low, high)


@pytest.mark.parametrize(
    ("rule", "low", "high", "interval", "verdict"),
    [
        ("above", 0.2, None, (0.21, 0.5), "supported"),
        ("above", 0.2, None, (0.1, 0.2), "not supported"),
        ("above", 0.2, None, (0.1, 0.5), "cannot be decided"),
        ("below", None, 0.2, (0.0, 0.19), "supported"),
        ("below", None, 0.2, (0.2, 0.5), "not supported"),
        ("below", None, 0.2, (0.1, 0.5), "cannot be decided"),
        ("within", 0.1, 0.3, (0.1, 0.3), "supported"),
        ("within", 0.1, 0.3, (0.31, 0.4), "not supported"),
        ("within", 0.1, 0.3, (0.0, 0.09), "not supported"),
        ("within", 0.1, 0.3, (0.2, 0.4), "cannot be decided"),
        ("not_above", 0.0, None, (-0.1, 0.4), "supported"),
        ("not_above", 0.0, None, (0.01, 0.4), "not supported"),
    ],
)
def test_rules_on_intervals(rule, low, high, interval, verdict):
    found, why = c.decide(rule, value(*interval), low, high)
    assert found == verdict
    assert "g = " in why


@pytest.mark.parametrize(
    ("share", "verdict"),
    [((100, 100), "supported"), ((40, 99), "not supported"), ((60, 100), "cannot be decided")],
)
def test_all_within_asks_for_the_whole(share, verdict):
    assert c.decide("all_within", value(*share, unit="%"), 0.1, 0.3)[0] == verdict


def test_no_interval_decides_nothing():
    found, why = c.decide("above", c.Value("x", "r", 0.3, None, None), 0.0, None)
    assert (found, "without an interval" in why) == ("cannot be decided", True)


# --- the real claims ----------------------------------------------------------------------------------------------


def test_every_statement_of_the_text_is_checked(claims, decided):
    """The nine statements of the founding text, the last in three parts, each with a claim, and no other verdicts."""
    assert len({claim.statement for claim in claims}) == 11
    assert {row.verdict for row in decided.values()} <= set(VERDICTS)
    assert all(row.why for row in decided.values())


def test_verdicts_follow_from_the_fits(decided, evidence):
    low = evidence.documents["low_intensity"].fit.ci_low
    assert decided["low_intensity_below_024"].verdict_of_data == (
        "not supported" if low >= 0.24 else "cannot be decided"
    )
    r = math.tanh(evidence.documents["alliance"].fit.ci_low)
    assert decided["predicts_mean"].ci_low == pytest.approx(r)
    assert decided["predicts_mean"].verdict == "supported"
    inside = [0.1 <= math.tanh(s.yi) <= 0.3 for s in evidence.documents["alliance"].studies]
    assert decided["all_estimates_small_to_medium"].estimate == pytest.approx(100 * sum(inside) / len(inside))


def test_a_missing_datum_is_never_guessed(decided):
    for name in ("ptsd_patient_rated", "ptsd_therapist_rated"):
        assert decided[name].verdict == "cannot be decided"
        assert "not in the reachable text" in decided[name].why
        assert decided[name].estimate is None
    assert "no interval" in decided["alliance_above_adherence"].why


def test_what_a_source_does_not_say_is_misquoted_whatever_the_data_say(decided):
    row = decided["low_intensity_below_024"]
    assert (row.verdict, row.source_agrees) == ("misquoted", "no")
    assert "interaction" in row.source_says
    assert decided["components_three"].verdict == "misquoted"


def test_two_percentages_contradict_the_size_that_the_text_gives(decided):
    """sqrt(.13) = .36 and sqrt(.28) = .53 are above .30: arithmetic on the text's own numbers."""
    assert decided["variance_13_is_small"].estimate == pytest.approx(math.sqrt(0.13))
    assert decided["variance_28_is_small"].verdict == "not supported"


def test_levels_are_the_pools_that_the_table_of_moderators_has(claims, evidence):
    """By the model of the whole where it can be fitted; else of one mean per sample, with the ad hoc interval."""
    (claim,) = (one for one in claims if one.quantity == "levels:alliance:disorder_group")
    grouping, models = evidence.plan.groupings["disorder_group"], set()
    for level in c._levels(claim, "alliance:disorder_group", evidence):
        name = level.label.rpartition(" (")[0]
        studies = [s for s in evidence.documents["alliance"].studies if grouping.level_of(s.disorder) == name]
        members = [(m.yi, m.vi, s.sample_id) for s in studies for m in s.members]
        yi, vi, cluster = (list(column) for column in zip(*members, strict=True))
        try:
            wanted = pool(yi, vi, cluster=cluster, model="che", rho=0.6)
        except InputError:
            wanted = pool(yi, vi, cluster=cluster, rho=0.6, ci="hksj_adhoc")
        models.add(wanted.model)
        assert (level.low, level.high) == pytest.approx((math.tanh(wanted.ci_low), math.tanh(wanted.ci_high)))
    assert models == {"che", "composites"}


@pytest.mark.parametrize(("direction", "sign", "r"), [(1, 1, 0.36), (-1, -1, 0.36), (-1, 1, -0.36), (1, -1, -0.36)])
def test_a_share_of_variance_has_the_sign_of_its_finding(claims, evidence, direction, sign, r):
    (claim,) = (one for one in claims if one.claim_id == "variance_13_is_small")
    row = replace(evidence.rows["be_claim_13"], direction=float(direction), sign=float(sign))
    changed = dataclasses.replace(evidence, rows={**evidence.rows, "be_claim_13": row})
    (value,) = c._root(claim, "be_claim_13", changed)
    assert value.estimate == pytest.approx(r, abs=tolerances.PRINTED_2)


def test_a_claim_over_conversions_is_decided_only_where_all_agree(decided):
    row = decided["not_above_low_intensity"]
    assert len(row.values) == 4
    verdicts = {c.decide("below", value(v.low, v.high, v.estimate), None, 0.0)[0] for v in row.values}
    assert row.verdict_of_data == (verdicts.pop() if len(verdicts) == 1 else "cannot be decided")


def test_changing_a_rule_or_threshold_in_the_data_changes_the_verdict(claims, evidence, tmp_path):
    rows = [cells(claim) for claim in claims]
    for row in rows:
        if row["claim_id"] == "low_intensity_below_024":
            row["high"] = "0.9"
        if row["claim_id"] == "predicts_mean":
            row["low"] = "0.6"
        if row["claim_id"] == "low_intensity_below_050":
            row["source_agrees"] = "yes"
    write_csv(tmp_path / "claims.csv", rows, [column.name for column in CLAIM_COLUMNS])
    decided = {row.claim_id: row for row in c.decided_claims(read_claims(tmp_path / "claims.csv"), evidence)}
    assert decided["low_intensity_below_024"].verdict_of_data == "supported"
    assert decided["predicts_mean"].verdict == "not supported"
    assert decided["low_intensity_below_050"].verdict == "cannot be decided"
    lower = {**evidence.rows, "th_mid_024": replace(evidence.rows["th_mid_024"], value=0.75)}
    moved = c.decided_claims(claims, dataclasses.replace(evidence, rows=lower))
    assert next(r for r in moved if r.claim_id == "low_intensity_below_024").verdict_of_data == "supported"


def test_order_scale_and_direction_of_raw_rows_change_nothing(config, claims, decided, tmp_path):
    """Rows turned round, scores multiplied by ten, and signs counted the other way with the other direction."""
    raw = tmp_path / "raw"
    shutil.copytree(RAW, raw)
    path = raw / "full_dose_cbt_depression" / "effects.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    turned = {row["effect_id"] for row in rows if row["statistic"] == "mean_sd"}

    def moved(field, cell):
        scores = re.search("(mean|sd)_(treat|control)", field)
        return repr((10 if "sd" in field else -10) * float(cell)) if cell and scores else cell

    for row in rows:
        if row["effect_id"] in turned:
            row |= {name: moved(name, cell) for name, cell in row.items()}
            row["direction"] = {"1": "-1", "-1": "1"}[row["direction"]]
    write_csv(path, rows[::-1], list(rows[0]))
    with (raw / "corrections.csv").open(encoding="utf-8", newline="") as handle:
        corrections = list(csv.DictReader(handle))
    for row in corrections:
        if row["effect_id"] in turned:
            row |= {name: moved(row["field"], row[name]) for name in ("old", "new")}
    write_csv(raw / "corrections.csv", corrections, list(corrections[0]))
    again = {row.claim_id: row for row in c.decided_claims(claims, evidence_from(config, raw))}
    row, before = again["protocol_matters_depression"], decided["protocol_matters_depression"]
    assert row.verdict == before.verdict
    for name in ("estimate", "ci_low", "ci_high"):
        assert getattr(row, name) == pytest.approx(getattr(before, name), rel=1e-9)
    for before, after in zip(decided["not_above_full_dose"].values, again["not_above_full_dose"].values, strict=True):
        assert after.estimate == pytest.approx(before.estimate, rel=1e-9)


def test_every_table_comes_back_as_it_was_written(evidence, claims, tmp_path):
    """Each row after its way through CSV or JSON is the row itself: types, missing numbers, text like a number."""
    compared = compare_all(evidence, claims)
    tried, summary = tipping(claims[:3], evidence, {})
    tables = [
        (compared.contrasts, types.ContrastRow),
        (compared.bridges, types.BridgeRow),
        (compared.relevance, types.RelevanceRow),
        (compared.interactions, types.InteractionRow),
        (compared.robustness, types.RobustnessRow),
        ([claim.row() for claim in compared.claims], types.ClaimRow),
        (tried, types.ChangeRow),
        (summary, types.TippingRow),
    ]
    for rows, kind in tables:
        assert rows
        write_rows(tmp_path / "table.csv", rows, kind)
        assert read_rows(tmp_path / "table.csv", kind) == rows
    write_documents(tmp_path / "claims.json", compared.claims)
    assert read_documents(tmp_path / "claims.json", types.DecidedClaim) == compared.claims


def test_a_claim_has_the_columns_of_its_table():
    names = [field.name for field in dataclasses.fields(Claim)]
    assert names == [*(column.name for column in CLAIM_COLUMNS), "row"]


# --- tipping points -----------------------------------------------------------------------------------------------


def test_variants_are_single_changes_and_leave_the_original_alone(evidence):
    document = evidence.documents["trauma_focused_usual_care"]
    before = plain(document)
    kinds = [variant.kind for variant in variants(document, evidence.plan, evidence.documents)]
    assert kinds.count("sample left out") == document.fit.samples
    assert "method" in kinds
    assert plain(document) == before
    named = evidence.plan.syntheses["alliance"].alternatives
    chosen = [
        variant.document.synthesis
        for variant in variants(evidence.documents["alliance"], evidence.plan, evidence.documents)
        if variant.kind == "selection"
    ]
    assert chosen == list(named)


def test_a_change_that_turns_a_verdict_is_found_by_fitting_without_it(evidence, claims):
    """Each flip of a claim about five trials, against SMD .24, is checked by pooling the rest by hand."""
    chosen = [claim for claim in claims if claim.claim_id == "protocol_matters_ptsd"]
    rows, (summary,) = tipping(chosen, evidence, {})
    studies = evidence.documents["trauma_focused_usual_care"].studies
    for row in rows:
        if row.kind != "sample left out":
            continue
        rest = [s for s in studies if s.label != row.change]
        fit = pool([s.yi for s in rest], [s.vi for s in rest])
        assert row.estimate == pytest.approx(fit.estimate)
        assert row.flips == ("yes" if fit.ci_low > 0.24 or fit.ci_high < 0.24 else "no")
    assert summary.changes_tried == len(rows)
    assert summary.flips == sum(row.flips == "yes" for row in rows)


def test_what_a_verdict_hangs_on_stands_with_the_claim(evidence, claims):
    names = ("ptsd_pooled", "ptsd_patient_rated", "protocol_matters_ptsd", "variance_13_is_small")
    chosen = [claim for claim in claims if claim.claim_id in (*names, "alliance_above_integrity")]
    changes, _ = tipping(chosen, evidence, {})
    cells = {"doubt": "d", "title": "Held put back", "claim_id": "ptsd_pooled", "claim": "", "why_then": ""}
    put_back = DoubtedClaim(**cells, verdict_of_data="cannot be decided", verdict_of_data_then="supported", turns="yes")
    other = replace(put_back, title="No other verdict", verdict_of_data_then="cannot be decided", turns="")
    decided = c.decided_claims(chosen, evidence)
    found = with_what_they_hang_on(decided, chosen, evidence, Surroundings(changes, [put_back, other]))
    said = {row.claim_id: row.hangs_on for row in found}
    lone = evidence.documents["alliance_ptsd"].studies[0].label
    assert said["ptsd_pooled"] == f"it rests on one sample, {lone}; another verdict with Held put back: supported"
    assert (said["ptsd_patient_rated"], said["variance_13_is_small"]) == ("", "it rests on one published number")
    turned = [row for row in changes if row.claim_id == "protocol_matters_ptsd" and row.flips == "yes"]
    assert turned
    assert all(f"{row.change}: {row.verdict_of_data_then}" in said["protocol_matters_ptsd"] for row in turned)
    assert said["alliance_above_integrity"].startswith("one side is one published summary; another verdict without any")
    assert [replace(row, hangs_on="") for row in found] == decided
    layout = claims_layout(found, "Title")
    assert all(said[row.claim_id][1:] in row.data for statement in layout.statements for row in statement.rows)


def test_a_claim_says_that_it_rests_on_samples_at_high_risk_of_bias(evidence, claims):
    names = {"specific_over_common_ptsd": 1, "protocol_matters_ptsd": 3, "protocol_matters_depression": 2}
    chosen = [claim for claim in claims if claim.claim_id in names]
    risk = []
    for claim in chosen:
        document = evidence.documents[claim.name]
        ends = {"estimate": document.fit.estimate, "ci_low": document.fit.ci_low, "ci_high": document.fit.ci_high}
        cells = {"synthesis": claim.name, "title": "", "metric": "g", "left_out_samples": "", "rated": 1, **ends}
        risk.append(LowRiskRow(**cells, samples=document.fit.samples, left_out=names[claim.claim_id]))
    found = with_what_they_hang_on(c.decided_claims(chosen, evidence), chosen, evidence, Surroundings(risk=risk))
    said = {row.claim_id: row.hangs_on for row in found}
    lone = evidence.documents["trauma_focused_supportive"].studies[0].label
    assert said["specific_over_common_ptsd"] == f"it rests on one sample, {lone}, at high risk of bias"
    samples = evidence.documents["trauma_focused_usual_care"].fit.samples
    assert said["protocol_matters_ptsd"] == f"3 of {samples} samples are at high risk of bias"
    # Of most samples none is: nothing is said.
    assert said["protocol_matters_depression"] == ""


def test_a_claim_says_in_how_many_declared_analyses_it_holds(evidence, claims):
    """By the threshold that the claim names; of the curves with other options, the one with the fewest."""
    names = ["predicts_mean", "mean_small_to_medium", "alliance_matters", "low_intensity_association"]
    chosen = [claim for claim in claims if claim.claim_id in names]
    empty = dict.fromkeys(f"estimate_{k}" for k in ("min", "5", "25", "median", "75", "95", "max"))

    def curve(name, fitted, small, medium, significant):
        scope = Scope(
            crossing=9, specifications=9, fitted=fitted, share_positive_significant=significant,
            share_negative_significant=0.0, shares_above={"th_cohen_small": small, "th_cohen_medium": medium}, **empty,
        )  # fmt: skip
        return Curve(curve=name, scopes={"all": scope}, variance_explained=1.0, test=None, decisions=(), drawn=())

    document = MultiverseSummary(
        multiverse="m", title="All", synthesis="alliance", lane="A", word="association", metric="z", level=0.95,
        crossing=9, seed=1, drawn=None, specifications=9, not_fitted={}, thresholds=(), factors=(),
        curves=(curve("main", 8, 0.97, 0.06, 0.9), curve("entered as 0", 7, 0.4, 0.0, 0.8)),
    )  # fmt: skip
    decided = c.decided_claims(chosen, evidence)
    found = with_what_they_hang_on(decided, chosen, evidence, Surroundings(multiverses=[document]))
    said = {row.claim_id: row.hangs_on for row in found}
    other = "of 7 with \u201centered as 0\u201d"
    assert said["alliance_matters"] == f"All: the estimate lies there in 97% of 8 analyses, in 40% {other}"
    assert said["mean_small_to_medium"] == f"All: the estimate lies there in 91% of 8 analyses, in 40% {other}"
    assert said["predicts_mean"] == f"All: the estimate is significant in 90% of 8 analyses, in 80% {other}"
    # Of another pool.
    assert said["low_intensity_association"] == ""


def test_several_values_are_printed_with_their_labels(decided):
    row = decided["predicts_each_disorder"]
    for value in row.values:
        assert f"{value.label} {text.number(value.estimate)} {text.interval(value.low, value.high)}" in row.why


def test_adjustments_for_small_study_effects_are_tried_on_pooled_values(evidence, claims):
    chosen = [claim for claim in claims if claim.claim_id in {"predicts_mean", "predicts_new_setting"}]
    fit = dataclasses.replace(evidence.documents["alliance"].fit, estimate=0.05, ci_low=-0.1, ci_high=0.2)
    unsure = {"missing_se": None, "missing_p": None, "notes": ()}
    filled = TrimFill(estimator="L0", side="left", missing=0, filled_yi=(), filled_vi=(), fit=fit, **unsure)
    tests = SmallStudyTests(trim_fill_L0=filled, refused={})
    found = Diagnosed(synthesis="alliance", metric="z", skipped={}, small_study=tests, moderators=())
    rows, (mean, new) = tipping(chosen, evidence, {"alliance": found})
    assert "trim and fill (L0) (cannot be decided)" in mean.decisions_that_flip
    assert "trim and fill" not in new.decisions_that_flip
    assert {row.claim_id for row in rows if row.kind == "bias adjustment"} == {"predicts_mean"}


@pytest.mark.parametrize(
    ("rule", "interval", "shift", "then"),
    [
        ("above", (0.3, 0.5), -0.1, "cannot be decided"),
        ("above", (0.1, 0.5), 0.1, "supported"),
        ("below", (0.3, 0.5), -0.1, "cannot be decided"),
    ],
)
def test_the_smallest_shift_that_turns_a_verdict(evidence, claims, rule, interval, shift, then):
    bounds = {"low": "0.2" if rule == "above" else "", "high": "0.2" if rule == "below" else ""}
    claim = dataclasses.replace(claims[0], rule=rule, **bounds)
    verdict, why = c.decide(rule, value(*interval), 0.2, 0.2)
    found, after = shift_to_flip(claim, c.Finding(verdict, why, (value(*interval),)), evidence)
    assert found == pytest.approx(shift)
    assert after == then


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rule": "over"}, "did you mean"),
        ({"rule": ""}, "a quantity and a rule, or neither"),
        ({"low": ""}, "a bound, for rule above"),
        ({"source_agrees": "maybe"}, "one of yes, partly, no, unknown"),
        ({"quantity": "mean:alliance"}, "kind of pooled"),
        ({"quantity": "pooled:aliance"}, "one of alliance"),
        ({"quantity": "comparison:none"}, "alliance_or_adherence"),
        ({"low": "th_none"}, "an effect_id of a source"),
        ({"evidence": "hs_01; nothing"}, "'nothing'"),
    ],
)
def test_bad_claims_are_named_before_the_first_job(claims, evidence, tmp_path, changes, said):
    first = cells(claims[0]) | changes
    write_csv(tmp_path / "claims.csv", [first], [column.name for column in CLAIM_COLUMNS])
    with pytest.raises(InputError) as refused:
        c.check_claims(read_claims(tmp_path / "claims.csv"), evidence.plan, evidence.rows)
    assert "row 2" in str(refused.value)
    assert said in str(refused.value)


def test_a_claim_has_one_row(claims, tmp_path):
    first = cells(claims[0])
    write_csv(tmp_path / "claims.csv", [first, first], [column.name for column in CLAIM_COLUMNS])
    with pytest.raises(InputError, match="each name once"):
        read_claims(tmp_path / "claims.csv")


# --- names that look like numbers ---------------------------------------------------------------------------------

NAMES = ("1", "2", "007", "1e3", "-4", "null", "true", "nan")


def test_claims_may_be_called_by_numbers_from_their_table_to_the_report(project):
    """Verdicts, figure, tipping points and report keep the names as they are written."""
    row = {"statement": "5", "says": "The vaccine protects", "cites": "1998", "claim": "2021", "evidence": "bcg_01"}
    row |= {"quantity": "pooled:bcg", "rule": "below", "high": "0.75", "source_agrees": "unknown"}
    project.write([{"claim_id": name} | row for name in NAMES], project.raw / "claims.csv")
    out, raw = project.folder / "results", project.raw
    tables = out / "tables"
    config, models, sources = (
        ["--config", project.config_path],
        ["--models", out / "bcg.json"],
        ["--sources", out / "source.json"],
    )
    claims, diagnostics = ["--claims", raw / "claims.csv"], ["--diagnostics", out / "diagnostics.json"]

    def run(command, *words):
        assert main([command, *map(str, words)]) == 0

    run("extract", "--raw", raw, "--source", "bcg", "--metrics", "log_risk_ratio", "--out", out / "source.json")
    run("fit", *config, *sources, "--synthesis", "bcg", "--out", out / "bcg.json", "--check", out / "check.json")
    run("diagnose", *config, "--model", out / "bcg.json", "--out", out / "diagnostics.json")
    run("compare", *config, *models, *sources, "--tables", tables)
    run("claims", *config, *models, *sources, *claims, "--table", tables / "claims.csv", "--out", out / "claims.json")
    run("tipping", *config, *models, *sources, *claims, *diagnostics, "--tables", tables)
    run("claims-figure", "--claims", out / "claims.json", "--out", out / "figures")
    write_csv(tables / "crosscheck.csv", read_json(out / "check.json"))
    names = ("comparison", "bridge", "relevance", "interactions", "robustness", "tipping_points")
    compared = ["--compared", *(tables / f"{name}.csv" for name in names), "--claims", out / "claims.json"]
    drawn = ["--crosscheck", tables / "crosscheck.csv", "--figures", out / "figures" / "claims_verdicts.svg"]
    about = ["--about", raw / "bcg" / "source.yaml"]
    run("report", *config, *models, *sources, *about, *diagnostics, *compared, *drawn, "--out", out / "report.html",
        "--appendix", out / "report_appendix.html")  # fmt: skip
    read = {
        "claims": read_rows(tables / "claims.csv", types.ClaimRow),
        "tipping_points": read_rows(tables / "tipping_points.csv", types.TippingRow),
        "claims.json": read_documents(out / "claims.json", types.DecidedClaim),
    }
    for rows in read.values():
        assert tuple(claim.claim_id for claim in rows) == NAMES
    assert {row.claim_id for row in read_rows(tables / "tipping_points_all.csv", types.ChangeRow)} == set(NAMES)
    assert [row.claim_id for s in claims_layout(read["claims.json"], "t").statements for row in s.rows] == list(NAMES)
    report = (out / "report_appendix.html").read_text()
    assert report.count("\u201cThe vaccine protects\u201d 1998<") == len(NAMES)
    assert "single changes" in report
