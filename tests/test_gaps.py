"""What can be filled in: the page says it, the check counts it, and made-up values reach figures and verdicts."""

import csv
import math
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from synthesis.cli.main import main
from synthesis.compare.gaps import PAGE, lacking, page, summary
from synthesis.compare.processes import processes
from synthesis.data.extraction import extract, reference_rows, with_filled
from synthesis.draw.process_figure import process_layout
from synthesis.draw.rows import forest
from synthesis.errors import InputError
from synthesis.plan.config import read_config
from synthesis.plan.parts import Plan
from synthesis.results.extracted import Extracted
from synthesis.review.fit import run_synthesis
from synthesis.review.presentation import presented

RAW = ROOT / "data" / "raw"
CONFIG = read_config(str(ROOT / "config.yaml"))
MADE_UP = "a made-up value of this test"


@pytest.fixture
def raw(tmp_path):
    shutil.copytree(RAW, tmp_path / "raw")
    return tmp_path / "raw"


def correct(raw: Path, effect_id, **cells):
    with (raw / "corrections.csv").open("a", encoding="utf-8", newline="") as handle:
        for field, (old, new) in cells.items():
            csv.writer(handle).writerow([effect_id, field, old, new, MADE_UP, "test", "2026-11-25"])


def add(raw: Path, source, **cells):
    path = raw / source / "effects.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    names = list(dict.fromkeys([*rows[0], *cells]))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, names, restval="")
        writer.writeheader()
        writer.writerows([*rows, cells])


def extracted(raw: Path):
    found = [extract(raw, source, Plan(CONFIG).metrics(source)) for source in CONFIG.sources]
    return Extracted(
        effects=tuple(row for one in found for row in one.effects),
        dropped=tuple(row for one in found for row in one.dropped),
    )


def fitted(name, whole):
    plan = CONFIG.syntheses[name]
    own = [row for row in whole.effects if row.source in plan.sources]
    dropped = [row for row in whole.dropped if row.source in plan.sources]
    return run_synthesis(name, plan, CONFIG.defaults, own, dropped)


def remaining(raw: Path):
    return {one.source: one.remaining for one in lacking(CONFIG, raw)}


def test_the_page_is_what_the_tables_and_the_plan_say():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(CONFIG, RAW), "run: make schemas"


def test_the_check_says_how_many_gaps_remain(capsys):
    assert main(["check", "--config", str(ROOT / "config.yaml"), "--raw", str(RAW)]) == 0
    said = capsys.readouterr().out
    for source, count in remaining(RAW).items():
        assert f"{source}: {count} of " in said
    assert set(remaining(RAW)) == {"horvath_symonds_1991", "beierl_2021", "bower_2013"}


def test_an_interval_of_horvath_and_symonds_reaches_the_figures(raw):
    before = remaining(raw)["horvath_symonds_1991"]
    correct(raw, "hs_01", ci_low=("", "0.2"), ci_high=("", "0.32"))
    assert remaining(raw)["horvath_symonds_1991"] == before - 1
    whole = extracted(raw)
    (drawn,) = reference_rows("key", ("hs_01",), "z", whole.effects)
    assert math.tanh(drawn.ci_low) == pytest.approx(0.2)
    (section,) = process_layout(processes(CONFIG, fitted("alliance", whole), whole)).sections
    (row,) = [row for row in section.rows if row.key == "hs_01"]
    assert (row.ci_low, row.ci_high) == pytest.approx((0.2, 0.32))


def test_a_study_of_horvath_and_symonds_reaches_pool_and_figure(raw):
    before, gaps = fitted("alliance", extracted(raw)), remaining(raw)["horvath_symonds_1991"]
    given = next(part for one in lacking(CONFIG, raw) for part in one.about.fill_in if part.new_rows == 24).as_in
    new = {"effect_id": "hs_x", "sample_id": "made_up_1985", "study": "Made-up", "year": "1985", "value": "0.5"}
    add(raw, "horvath_symonds_1991", **new, n="40", locator="a table", quote="r = .5, n = 40", **given)
    assert remaining(raw)["horvath_symonds_1991"] == gaps - 1
    after = fitted("alliance", extracted(raw))
    assert after.fit.samples == before.fit.samples + 1
    (section,) = forest(presented(after, CONFIG.syntheses["alliance"])).sections
    assert [row.estimate for row in section.rows if row.key == "made_up_1985"] == [pytest.approx(0.5)]


def test_coefficients_of_beierl_reach_the_pool_of_ptsd(raw):
    before = fitted("alliance_ptsd", extracted(raw))
    for effect_id, value in (("be_patient_s1", "0.3"), ("be_therapist_s1", "0.4")):
        cells = {"statistic": ("", "beta"), "value": ("", value), "direction": ("", "1")}
        correct(raw, effect_id, **cells, reported_as=("sig_no_number", "number"))
    assert remaining(raw)["beierl_2021"] == 0
    after = fitted("alliance_ptsd", extracted(raw))
    assert after.fit.samples == before.fit.samples + 1
    (section,) = forest(presented(after, CONFIG.syntheses["alliance_ptsd"])).sections
    assert "beierl_2021" in {row.key for row in section.rows}


def test_the_main_effect_and_a_trial_of_bower_reach_figure_and_pool(raw):
    named = CONFIG.figures["comparison"].references["B"]
    whole = extracted(raw)
    before = fitted("bower_usual_care", whole)
    assert "bo_main_effect" not in with_filled(named.effects, named.when_filled, whole.effects)
    cells = {"statistic": ("", "smd"), "value": ("", "-0.4"), "ci_low": ("", "-0.5"), "ci_high": ("", "-0.3")}
    correct(raw, "bo_main_effect", **cells, direction=("", "-1"), quote=("", "SMD -0.4 (-0.5 to -0.3)"))
    given = next(part for one in lacking(CONFIG, raw) for part in one.about.fill_in if part.new_rows == 16).as_in
    new = {"effect_id": "bo_x", "sample_id": "made_up_2009", "study": "Made-up", "year": "2009", "value": "-0.6"}
    more = {"se": "0.2", "outcome": "BDI", "rater": "self-report", "locator": "a table", "quote": "SMD -0.6 (SE 0.2)"}
    add(raw, "bower_2013", **new, **more, **given)
    assert remaining(raw)["bower_2013"] == remaining(RAW)["bower_2013"] - 2
    whole = extracted(raw)
    shown = reference_rows("key", with_filled(named.effects, named.when_filled, whole.effects), "g", whole.effects)
    assert [row.yi for row in shown if row.effect_id == "bo_main_effect"] == [pytest.approx(0.4)]
    after = fitted("bower_usual_care", whole)
    assert after.fit.samples == before.fit.samples + 1


def test_the_figure_reads_the_sources_of_what_it_waits_for():
    assert "bower_2013" in Plan(CONFIG).sources_of_figure("comparison")


def test_a_row_that_the_source_does_not_have_is_refused_by_name(raw):
    path = raw / "beierl_2021" / "source.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("be_patient_s1,", "be_nobody,"), encoding="utf-8")
    with pytest.raises(InputError, match="be_nobody"):
        lacking(CONFIG, raw)


def test_nothing_is_said_of_a_source_that_is_whole(raw):
    assert not [line for line in summary(lacking(CONFIG, raw)) if "alliance_primary" in line]
