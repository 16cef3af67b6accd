"""Diagnostic figures whose marks or scales would hide what they show: covered marks, long intervals, few ticks."""

import math

from hand_made import baujat, bubble, cumulative, leave_one_out, radial
from synthesis import text
from synthesis.plan.config import Diagnostics
from test_diagnostic_figures import examined, points, said
from test_figures import document
from typed import diagnosed


def test_the_scale_of_a_radial_plot_goes_on_to_a_tick_beyond_its_largest_estimate():
    """Where that is hardly longer: an estimate of r = .39 that is also the most precise stands below a tick of .4."""
    model = document(12, "z", "A")
    for i, study in enumerate(model["studies"]):
        study["yi"], study["vi"] = (math.atanh(0.39), 0.0014) if i == 0 else (0.2 + i / 200, 0.02)
    model |= {"estimate": math.atanh(0.24)}
    chart = radial(model, diagnosed(model, (), Diagnostics(permutations=99)))
    assert float(chart.panels[0].right.texts[-1]) == 0.4
    assert chart.panels[0].right.ticks[-1] <= chart.panels[0].y.high
    said = "ends at its estimate on the right"
    assert f"{said}. " in chart.notes[0]
    model["studies"][5]["yi"] = 0.9
    chart = radial(model, diagnosed(model, (), Diagnostics(permutations=99)))
    assert f"{said}, but the rays of 1 sample leave the plot before it. " in chart.notes[0]


def test_years_begin_at_a_tick_that_is_hardly_before_the_first_one():
    model, found = examined(24, "z", "A")
    (entry,) = (entry for entry in found["moderators"] if entry["moderator"] == "year")
    years = [p["x"] for p in entry["line"]]
    for point in entry["line"]:
        point["x"] = 2006 + 19 * (point["x"] - min(years)) / (max(years) - min(years))
    axis = bubble(model, found, "year").panels[0].x
    assert axis.ticks[0] == axis.low == 2005
    assert axis.texts[0] == "2005"


def test_early_pools_that_squeeze_all_others_are_cut():
    model = document(24, "z", "A")
    found = diagnosed(model, (), Diagnostics(permutations=99))
    for i, half in ((1, 3.0), (2, 1.5)):
        step = found["cumulative"][i]
        step["ci_low"], step["ci_high"] = step["estimate"] - half, step["estimate"] + half
    section = cumulative(model, found).sections[0]
    rows = [row for row in section.rows if row.kind == "study"]
    beyond = [i for i, row in enumerate(rows) if row.ci_low < section.low and row.ci_high > section.high]
    assert beyond == [1, 2]
    assert all(section.low <= row.ci_low and row.ci_high <= section.high for row in rows[3:])


def test_an_axis_without_no_effect_has_more_than_three_ticks():
    model, found = examined(24)
    for step in found["influence"]:
        for key in ("model_estimate_without", "model_ci_low_without", "model_ci_high_without"):
            # From 0.83 to 1.52, where steps of 0.2 leave three.
            step[key] = {"e": 1.2, "l": 0.83, "h": 1.52}[key.removeprefix("model_").removeprefix("ci_")[0]]
    model |= {"estimate": 1.2, "ci_low": 0.9, "ci_high": 1.49}
    section = leave_one_out(model, found).sections[0]
    assert not section.has_null
    assert len(section.ticks) > 3


def test_baujat_names_what_stands_out_and_what_has_room():
    model, _ = examined(20)
    model["studies"][3]["yi"] += 3
    found = diagnosed(model, (), Diagnostics(permutations=99))
    chart = baujat(model, found)
    totals = [sum(r[key] for r in found["influence"]) for key in ("baujat_q", "baujat_influence")]
    above = {
        r["sample_id"]
        for r in found["influence"]
        if max(r["baujat_q"] / totals[0], r["baujat_influence"] / totals[1]) > 3 / 20
    }
    assert {p.key for p in points(chart, "marked")} == above
    assert "x3" in above
    assert len(above) < 5
    assert [key.content for key in chart.legend][1:] == ["more than 3 times the average"]
    assert f"diamonds: {text.plural(len(above), 'sample')} with more than 3 times the average of either" in said(chart)
    expected = {r["sample_id"]: (r["baujat_q"], r["baujat_influence"]) for r in found["influence"]}
    assert {p.key: (p.x, p.y) for p in chart.panels[0].points} == expected
    # Marks that cover each other let each other be seen; labels cover none.
    named = [p for p in points(chart, "estimate") if p.named]
    assert named
    assert {p.kind for p in chart.panels[0].points} == {"estimate", "marked"}
    assert all(p.named for p in points(chart, "marked"))
    panel = chart.panels[0]
    across, up = chart.panel_width / (panel.x.high - panel.x.low), chart.height / (panel.y.high - panel.y.low)
    for point in named:
        for other in panel.points:
            right, away = (other.x - point.x) * across, abs(other.y - point.y) * up
            assert not (0.1 < right < 0.06 + 0.05 * len(point.label) and away < 0.07), (point.label, other.label)


def test_baujat_names_a_sample_whose_label_has_room_elsewhere_than_right_of_it():
    """Right of it stands the label of another one, which is nearly as high and larger."""
    model, _ = examined(20)
    found = diagnosed(model, (), Diagnostics(permutations=99))
    placed = {"x1": (20.7, 0.75), "x2": (2.6, 0.206), "x3": (4.7, 0.18)}
    for row in found["influence"]:
        row["baujat_q"], row["baujat_influence"] = placed.get(row["sample_id"], (0.3, 0.02))
        row["label"] = f"Segal & Tonning 202{len(row['sample_id'])}"
    chart = baujat(model, found)
    assert {p.key for p in chart.panels[0].points if p.named} == {"x1", "x2", "x3"}
