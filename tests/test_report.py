"""The report: computed sentences in the words of their lane, text from data escaped."""

import re

from conftest import ROOT
from synthesis import plan
from synthesis.diagnose.run import diagnose, tables
from synthesis.extraction import extract
from synthesis.models.config import Diagnostics, Source, read_yaml
from synthesis.report import _diagnostics, render, sentence
from synthesis.report_comparison import bridge_sentence
from test_figures import document


def test_lane_a_is_an_association_and_lane_b_an_effect():
    a, b = sentence(document(5, "z", "A")), sentence(document(5, "g", "B"))
    assert "pooled association r = " in a
    assert "effect r" not in a
    assert "pooled effect g = " in b
    assert "in a new setting between" in a


def test_a_single_sample_is_not_called_pooled():
    assert "the effect g = " in sentence(document(1))


def test_bridge_sentence_gives_the_range_of_conversions_and_its_caveat():
    row = {"title": "Title", "unit": "d", "effect_estimate": 0.4, "effect_ci_low": 0.2, "effect_ci_high": 0.6}
    rows = [row | {"association_estimate": d} for d in (0.53, 0.26, 0.42)]
    said = bridge_sentence([*rows, row | {"unit": "%", "association_estimate": 60.0}])
    assert "d = 0.26 to 0.53" in said
    assert "g = 0.40 [0.20, 0.60]" in said
    assert "not a test of causes" in said


COMPARED = {key: [] for key in ("comparison", "bridge", "relevance", "interactions", "claims", "tipping_points")}


def test_report_escapes_data_and_names_every_gap():
    config = plan.load(read_yaml(ROOT / "examples" / "bcg" / "config.yaml")).config
    found = extract(ROOT / "data" / "raw", "beierl_2021", ("z",))
    evil = "<script>alert(1)</script>"
    effects = extract(ROOT / "examples" / "bcg" / "data" / "raw", "bcg", ("log_risk_ratio",)).effects
    effects[0]["label"] = effects[0]["quote"] = evil
    effects[1]["url"] = "https://example.org/?q='><script>"
    found.dropped[0]["note"] = found.dropped[0]["study"] = found.dropped[0]["label"] = evil
    model = document(5, name="bcg", title=evil, versions={"synthesis": "0"}, config_sha256="0", inputs_sha256="0")
    source = Source.model_validate(
        {
            "title": evil,
            "citation": "x",
            "licence": "x",
            "limits": [evil],
            "extraction": {"how": "x", "by": "x", "on": "x"},
        }
    )
    html = render(config, [model], COMPARED, effects, found.dropped, [], [source], tables([]))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "be_rumination" in html
    assert "reported as significant, without a number" in html
    assert re.search(r"https?://[^'\"]*\.(js|css)", html) is None


def test_diagnostics_name_the_sample_that_moves_the_estimate_most_and_every_test():
    far = document(12, "g", "B")
    assert far["studies"][3]["label"]
    far["studies"][3]["yi"] += 3
    far["studies"][3]["members"][0]["yi"] += 3
    found = tables([diagnose(far, ["rater"], Diagnostics(permutations=99))])
    html = _diagnostics(found, [far])
    moved = html.split("lies between")[1].split("and")[0]
    assert f"(without {far['studies'][3]['label']})" in moved
    assert f"marked influential: {far['studies'][3]['label']}" in html
    for name in ("Egger regression", "Trim and fill, L0", "Three-parameter selection model", "Fail-safe N, Orwin"):
        assert name in html
    assert "not fitted" in html
