"""What leaves the project: R calls against stored results of metafor; cards, checklist, flow against data."""

import csv
import json
import re

import pytest
import synthesis
import tolerances
from conftest import ROOT
from hand_made import filled_checklist as checklist
from hand_made import flow, model_card, r_data, risk_of_bias
from hand_made import r_code as r_script
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon
from synthesis.data.reading import read_yaml
from synthesis.data.source import RiskScore, Source
from synthesis.draw.canvas import draw
from synthesis.draw.risk import AXIS, SCORE_COLOURS
from synthesis.errors import InputError
from synthesis.export.checklist import WRITE
from synthesis.plan import plan as planning
from synthesis.plan.config import Diagnostics, Synthesis
from tally import data, reference
from test_figures import boxes_of, document, nothing_cut
from typed import diagnosed, dropped_row, effect_row

# The test that metafor's stored output names as in our scripts.
METAFOR_TEST = {"z": "z", "t": "t", "knha": "knha", "adhoc": "adhoc"}


def from_reference(name, cluster=None, **options):
    """A model document as the pipeline writes it, of a stored data set."""
    y, v, _ = data(name)
    samples = [str(c) for c in (cluster or range(len(y)))]
    fit = synthesis.pool(y, v, cluster=samples, **options)
    studies: dict[str, dict] = {}
    for i, sample in enumerate(samples):
        entry = studies.setdefault(sample, {"sample_id": sample, "label": f"S {sample}", "members": []})
        entry["members"].append({"effect_id": f"e{i}", "yi": y[i], "vi": v[i]})
    return fit.to_dict() | {"synthesis": name, "title": "Title", "studies": list(studies.values())}


def expected_of(script):
    """The numbers that a script says it must give."""
    line = re.search(r"expected <- c\((.*)\)", script)[1]
    return {key: float(value) for key, value in (part.split(" = ") for part in line.split(", "))}


@pytest.mark.parametrize("name", ["colditz1994", "hine1989", "molloy2014"])
@pytest.mark.parametrize(("method", "ci"), [("REML", "hksj"), ("DL", "wald"), ("PM", "hksj_adhoc"), ("ML", "wald_t")])
def test_rma_scripts_name_the_call_whose_stored_output_they_expect(name, method, ci):
    script = r_script(from_reference(name, tau2=method, ci=ci, model="composites"))
    call = re.search(r'rma\(yi, vi, data = dat, method = "(\w+)", test = "(\w+)", level = 95\)', script)
    stored = reference(name)["rma"][call[1]][METAFOR_TEST[call[2]]]
    expected = expected_of(script)
    for theirs, ours in (("estimate", "estimate"), ("ci_lb", "ci_low"), ("ci_ub", "ci_high"), ("tau2", "tau2")):
        assert expected[ours] == pytest.approx(stored[theirs], rel=tolerances.R_SCRIPT, abs=tolerances.R_SCRIPT)


@pytest.mark.parametrize(("model", "key"), [("che", "che_rho0.6"), ("three_level", "ml3")])
@pytest.mark.parametrize("name", ["assink2016", "tannersmith2016"])
def test_multilevel_scripts_name_the_call_whose_stored_output_they_expect(name, model, key):
    table = reference(name)
    cluster = table["table"][table["meta"]["cluster"]]
    script = r_script(from_reference(name, cluster, model=model, rho=0.6))
    assert ("vcalc(vi, cluster = sample_id, obs = effect_id, rho = 0.6" in script) == (model == "che")
    assert "random = ~ 1 | sample_id / effect_id" in script
    assert "clubSandwich = TRUE" in script
    stored, expected = table["mv"], expected_of(script)
    assert expected["estimate"] == pytest.approx(stored[key]["beta"][0], rel=tolerances.R_SCRIPT)
    variances = [expected["tau2"], expected["omega2"]]
    assert variances == pytest.approx(stored[key]["sigma2"], rel=tolerances.R_SCRIPT, abs=tolerances.R_SCRIPT)
    tested = stored[f"{key}_robust"]["clubSandwich_CR2"]
    limits = [tested["ci_lb"], tested["ci_ub"]]
    first = [limit[0] if isinstance(limit, list) else limit for limit in limits]
    assert [expected["ci_low"], expected["ci_high"]] == pytest.approx(first, rel=tolerances.R_SCRIPT)


def test_composites_are_aggregated_in_r_as_here():
    name = "assink2016"
    cluster = reference(name)["table"]["studyid"]
    script = r_script(from_reference(name, cluster, model="composites", rho=0.5))
    assert 'aggregate(dat, cluster = sample_id, struct = "CS", rho = 0.5, weighted = FALSE)' in script
    assert "aggregate" not in r_script(from_reference("colditz1994", model="composites", rho=0.5))


def test_data_of_a_script_are_the_effects_in_order_and_titles_stay_comments():
    made = from_reference("assink2016", reference("assink2016")["table"]["studyid"], model="che")
    rows = r_data(made)
    assert len(rows) == made["k"]
    assert [r["effect_id"] for r in rows[:3]] == [m["effect_id"] for m in made["studies"][0]["members"][:3]]
    evil = r_script(made | {"title": 'x\nsystem("rm")'})
    assert not any(line.startswith("system") for line in evil.splitlines())


def test_a_single_sample_is_shown_and_not_pooled():
    one = document(1)
    one["studies"][0]["members"] = [{"effect_id": "e0", "yi": one["studies"][0]["yi"], "vi": one["studies"][0]["vi"]}]
    script = r_script(one)
    assert 'method = "FE"' in script
    assert expected_of(script)["estimate"] == one["estimate"]


# --- cards --------------------------------------------------------------------------------------------------------

SOURCE = Source.model_validate(
    {
        "title": "A source",
        "citation": "Author (2020)",
        "licence": "facts",
        "limits": ["abstracts only"],
        "extraction": {"how": "read", "by": "AB", "on": "2026-11-23"},
    }
)
PLAN = Synthesis(title="x", lane="A", metric="z", sources=("s",))


def test_a_card_says_what_a_fit_may_not_be_used_for():
    fit = document(12, "z", "A", sources=["s"], config_sha256="0", inputs_sha256="0", versions={})
    card = model_card(fit, PLAN, {"s": SOURCE}, diagnosed(fit, [], Diagnostics(permutations=99)))
    assert card["what"] == "pooled association"
    assert "causal" in card["not_for"]
    assert card["fit"]["estimate"] == fit["estimate"]
    assert card["as_read"]["estimate"] == pytest.approx(0.38, abs=0.1)
    assert "A source: abstracts only" in card["limits"]
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    effect = model_card(
        fit | {"lane": "B", "word": "effect"}, PLAN, {"s": SOURCE}, diagnosed(document(1), [], Diagnostics())
    )
    assert "other comparators" in effect["not_for"]


# --- checklist and flow -------------------------------------------------------------------------------------------


def test_the_checklist_has_every_item_of_prisma_2020_and_names_files_that_exist():
    """42 items and subitems: Page et al. (2021), BMJ 372:n71, Table 1."""
    plan = planning.load(read_yaml(ROOT / "config.yaml")).config
    rows = checklist(plan, [document(12)], claims=3)
    items = [row["item"] for row in rows]
    assert len(items) == len(set(items)) == 42
    assert {int(re.match(r"\d+", item)[0]) for item in items} == set(range(1, 28))
    for row in rows:
        assert (row["status"] == WRITE) == (row["where"] == ""), row["item"]
    made = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    documented = (ROOT / "results" / "README.md").read_text() + made
    for row in rows:
        for name in re.findall(r"results/tables/(\w+)\.csv", row["where"]):
            assert f'"{name}"' in made or f"tables/{name}.csv" in documented, name


def test_items_fall_back_to_the_author_where_a_run_has_nothing():
    plan = planning.load(read_yaml(ROOT / "examples" / "bcg" / "config.yaml")).config
    rows = {row["item"]: row for row in checklist(plan, [document(3)], claims=0)}
    for item in ("11", "14", "13e", "23a"):
        assert rows[item]["status"] == WRITE
    assert "fewer samples" in rows["14"]["remark"]


def test_the_flow_counts_every_row_once():
    levels = ["study"] * 9 + ["summary"]
    effects = [effect_row({"effect_id": f"e{i}", "source": "s", "level": level}) for i, level in enumerate(levels)]
    categories = ["excluded", "gap", "gap", "gap"]
    dropped = [dropped_row({"effect_id": f"d{i}", "source": "t", "category": c}) for i, c in enumerate(categories)]
    dropped.append(dropped_row({"effect_id": "e0", "source": "s", "category": "refused"}))
    model = {"title": "T", "samples": 2, "k": 4, "studies": [
        {"sample_id": "a", "effects": ["e0", "e1"]}, {"sample_id": "b", "effects": ["e2", "d3"]}]}  # fmt: skip
    layout = flow("X", [model], effects, dropped)
    first, second, third = layout.boxes
    assert first.words[0] == "14 rows extracted from 2 sources"
    # What a row and a source are, stands in the box.
    assert [words.partition(":")[0] for words in first.words[1:]] == ["a row", "a source"]
    assert first.left == ("4 rows without a usable number", "excluded, with the reason: 1",
                          "the reachable text prints no number: 3")  # fmt: skip
    assert second.words == ("10 rows converted",)
    assert "1 published summary: shown, never pooled" in second.left
    assert "6 rows of studies that no synthesis selects" in second.left
    assert "4 rows of 2 samples in 1 synthesis" in third.words
    assert "of which 1 entered as 0 in a stress test" in third.words
    texts = " ".join(t.get_text() for t in draw(layout).texts)
    assert "14 rows extracted" in texts


def test_the_checklist_file_is_read_as_csv():
    with (ROOT / "workflow" / "synthesis" / "export" / "prisma_2020.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {row["status"] for row in rows} <= {"met", "partly", WRITE}


FOUR = RiskScore(lowest=0, highest=4, better="larger", basis="the database")


def ratings(name, *given, source="s"):
    made = document(len(given), name=name)
    for study, rating in zip(made["studies"], given, strict=True):
        study |= {"rob": rating, "source": source}
    return made


def test_risk_of_bias_is_weighed_and_ordered_from_low_to_high():
    rated = ratings("x", "High", "Low", "Low", "Some Concerns", "High", "")
    scored = ratings("y", "4", "1", "3", "4", source="four")
    unrated = document(3, name="unrated")
    layout = risk_of_bias([rated, scored, unrated], {"four": FOUR})
    assert [[s.rating for s in segments] for _, segments in layout.bars] == [
        ["low", "some concerns", "high", "not rated"],
        ["4", "3", "1"],
    ]
    for _, segments in layout.bars:
        assert sum(s.share for s in segments) == pytest.approx(100)
    assert layout.bars[0][1][0].samples == 2
    # What is not drawn is named; the axis says what it is of.
    assert f"Not drawn, without a rating (1 of 3 syntheses): {unrated['title']}." in layout.notes
    assert AXIS in [t.get_text() for t in draw(layout).texts]
    # What a score counts, as its source declares it, without where that stands.
    declared = RiskScore(lowest=0, highest=4, better="larger", basis='domains; kept by filter = "rob > 2".')
    (said,) = (n for n in risk_of_bias([scored], {"four": declared}).notes if n.startswith("Score"))
    assert said == "Score, from 4 (lowest risk) to 0 (highest): domains."
    assert "Score, from 4 (lowest risk) to 0 (highest): the database." in layout.notes
    figure = draw(layout)
    boxes_of(figure)
    nothing_cut(figure, "low: 2, some concerns: 1, high: 2, not rated: 1", "score 4: 2, score 3: 1, score 1: 1")


def test_a_level_has_one_colour_in_every_bar_and_a_legend_names_the_good_end():
    bars = [ratings("x", "4", "2", source="four"), ratings("y", "4", "3", "2", "1", "0", source="four")]
    layout = risk_of_bias([*bars, ratings("z", "Low", "HIGH"), ratings("w", "high", "critical")], {"four": FOUR})
    colours = {}
    for _, segments in layout.bars:
        for segment in segments:
            assert colours.setdefault(segment.rating, segment.colour) == segment.colour
    assert len(set(colours.values())) == len(colours) == 8
    legend = dict(layout.legend)
    assert [level.name for level in legend["Judgement"]] == ["low", "high", "critical"]
    assert [level.name for level in legend["Score"]] == ["4 (lowest risk)", "3", "2", "1", "0 (highest risk)"]
    assert all(level.colour == colours[level.name[0]] for level in legend["Score"])
    # The key names what is drawn, and every bar has an edge that is seen.
    some = dict(risk_of_bias([ratings("x", "4", "2", source="four")], {"four": FOUR}).legend)["Score"]
    assert [level.name for level in some] == ["4 (lowest risk)", "2"]
    shapes = [shape for shape in draw(layout).get_children() if isinstance(shape, Polygon)]
    edges = [to_hex(p.get_edgecolor()) for p in shapes if to_hex(p.get_facecolor()) == SCORE_COLOURS[0]]
    assert len(edges) == 3
    assert "#ffffff" not in edges
    # Neutral: not the blue of associations nor the orange of effects.
    for colour in SCORE_COLOURS:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert max(red, green, blue) - min(red, green, blue) <= 35
    boxes_of(draw(layout))


def test_a_score_that_grows_with_risk_is_turned_and_a_long_one_is_binned():
    turned = RiskScore(lowest=0, highest=4, better="smaller", basis="x")
    layout = risk_of_bias([ratings("x", "4", "0", "2", source="t")], {"t": turned})
    assert [s.rating for s in layout.bars[0][1]] == ["0", "2", "4"]
    assert "Score, from 0 (lowest risk) to 4 (highest): x." in layout.notes
    assert dict(layout.legend)["Score"][0].name == "0 (lowest risk)"
    wide = RiskScore(lowest=0, highest=100, better="larger", basis="x")
    layout = risk_of_bias([ratings("x", "100", "0", "81", "79.5", "60", source="w")], {"w": wide})
    assert [(s.rating, s.samples) for s in layout.bars[0][1]] == [("80 to 100", 2), ("60 to 80", 2), ("0 to 20", 1)]


def test_scores_nobody_explained_are_in_order_and_said_to_be_unexplained():
    layout = risk_of_bias([ratings("x", "2", "10", "1"), ratings("y", "10", "1")], {})
    assert [s.rating for s in layout.bars[0][1]] == ["1", "2", "10"]
    assert layout.legend[0][0] == "Score, which end is good is not stated"
    first, second = ({s.rating: s.colour for s in segments} for _, segments in layout.bars)
    assert all(first[rating] == colour for rating, colour in second.items())


def test_a_score_beyond_its_scale_is_refused_by_name():
    with pytest.raises(InputError, match=r"column rob: '7'; allowed: 0 to 4"):
        risk_of_bias([ratings("x", "7", source="four")], {"four": FOUR})
    with pytest.raises(ValueError, match="lowest 4 is not below highest 4"):
        RiskScore(lowest=4, highest=4, better="larger", basis="x")


def test_nothing_is_drawn_where_nothing_is_rated():
    for documents in ([], [document(3)]):
        layout = risk_of_bias(documents, {})
        assert layout.bars == layout.legend == ()
        shown = [t.get_text() for t in draw(layout).texts]
        assert shown == ["Risk of bias", "Not drawn: no sample of any synthesis has a rating (column rob)."]
