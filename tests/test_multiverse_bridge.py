"""Every analysis of one multiverse beside every analysis of another, against pairs taken one by one."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tolerances
from synthesis import text
from synthesis.compare.conversions import CONTRASTS
from synthesis.draw.marks import marks_of
from synthesis.draw.multiverse_figure import specification
from synthesis.draw.pairs_figure import bridge
from synthesis.draw.panels import draw
from synthesis.draw.svg import svg_of
from synthesis.multiverse.pairs import Ends, Pair, bridge_rows, read_curves
from synthesis.report.multiverse_section import bridge_sentence
from synthesis.results.curves import MAIN_WORDS, MOST_PAIRED, MultiverseSummary, PairRow
from synthesis.results.document import read_document, read_rows

PAIR = Pair("b", "T", "m1", "m2")


def curve(centre, count, seed, half=0.2):
    estimate = np.sort(np.random.default_rng(seed).normal(centre, 0.1, count))
    # Not symmetric, as intervals of a converted r are not.
    return Ends(estimate, estimate - half, estimate + 1.5 * half)


def found(z, g):
    return list(bridge_rows(PAIR, {("main", "all"): z}, {("main", "all"): g}))


@pytest.mark.parametrize("row", found(curve(0.25, 23, 1), curve(0.4, 17, 2)), ids=lambda row: row.contrast)
def test_shares_are_those_of_pairs_taken_one_by_one(row):
    z, g = curve(0.25, 23, 1), curve(0.4, 17, 2)
    to_d = CONTRASTS[row.contrast]
    differences, larger, smaller = [], 0, 0
    for i in range(23):
        d, low, high = (to_d(math.tanh(values[i])) for values in (z.estimate, z.low, z.high))
        for j in range(17):
            difference = d - g.estimate[j]
            differences.append(difference)
            larger += difference > math.hypot(d - low, g.high[j] - g.estimate[j])
            smaller += -difference > math.hypot(high - d, g.estimate[j] - g.low[j])
    assert row.pairs == len(differences)
    assert row.share_association_larger == np.mean([d > 0 for d in differences])
    assert row.share_association_larger_significant == larger / len(differences)
    assert row.share_effect_larger_significant == smaller / len(differences)
    assert row.difference_median == pytest.approx(np.median(differences), rel=tolerances.ESCALC)
    assert row.difference_5 == pytest.approx(np.percentile(differences, 5), rel=tolerances.ESCALC)
    # The variance over all pairs is the sum of those of the two sides.
    share = np.var(np.asarray(g.estimate)) / np.var(differences)
    assert row.variance_share_effect == pytest.approx(share, rel=tolerances.ESCALC)
    assert row.variance_share_association + row.variance_share_effect == pytest.approx(1)


def test_an_analysis_beside_itself_never_differs():
    one = Ends(np.array([0.0]), np.array([-0.1]), np.array([0.1]))
    for row in found(one, one):
        assert row.difference_median == 0
        assert row.share_association_larger == row.share_effect_larger_significant == 0
        assert row.variance_share_effect is None


def test_a_thinned_curve_keeps_its_shape():
    """Of more than MOST_PAIRED analyses, evenly spaced ones of the sorted curve stand for all."""
    z, g = curve(0.25, 7 * MOST_PAIRED, 3), curve(0.45, 40, 4)
    thin = found(z, g)[0]
    d = CONTRASTS[thin.contrast](np.tanh(z.estimate))
    whole = np.subtract.outer(d, g.estimate)
    assert thin.associations == 7 * MOST_PAIRED
    assert thin.pairs == 40 * MOST_PAIRED
    assert thin.share_association_larger == pytest.approx((whole > 0).mean(), abs=1 / MOST_PAIRED)
    assert thin.difference_median == pytest.approx(np.median(whole), abs=1 / MOST_PAIRED)


def test_curves_and_scopes_are_paired_with_their_own_only():
    z, g = curve(0.25, 5, 1), curve(0.4, 4, 2)
    names = [("main", "all"), ("main", "equivalent"), ("other", "all")]
    rows = list(bridge_rows(PAIR, dict.fromkeys(names, z), dict.fromkeys(names[:2], g)))
    pairs = {(row.association_curve, row.effect_curve, row.scope) for row in rows}
    assert pairs == {("main", "main", "all"), ("main", "main", "equivalent"), ("other", "main", "all")}
    assert len(rows) == len(pairs) * len(CONTRASTS)


def test_curves_are_read_sorted_and_without_what_was_not_fitted(tmp_path):
    table = {
        "curve": ["main", "main", "main", "c"],
        "kind": ["uncertain", "equivalent", "equivalent", "non-equivalent"],
        "estimate": [0.3, math.nan, 0.1, math.nan],
        "ci_low": [0.2, math.nan, 0.0, math.nan],
        "ci_high": [0.4, math.nan, 0.2, math.nan],
    }
    pq.write_table(pa.table(table), tmp_path / "m.parquet")
    curves = read_curves(tmp_path / "m.parquet")
    assert set(curves) == {("main", "all"), ("main", "equivalent")}
    assert curves[("main", "all")].estimate.tolist() == [0.1, 0.3]
    assert curves[("main", "equivalent")].high.tolist() == [0.2]


def test_the_figure_has_a_line_of_numbers_per_reading_and_the_files_the_same_bytes(tmp_path):
    names = [("main", "all"), ("Estimand: total; <script>", "all")]
    rows = list(bridge_rows(PAIR, dict.fromkeys(names, curve(0.25, 9, 1)), {("main", "all"): curve(0.4, 8, 2)}))
    chart = bridge("b", rows)
    assert [row.label for row in chart.rows if row.bold] == [
        MAIN_WORDS,
        "Estimand: total",
    ]
    assert [row.detail for row in chart.rows if row.bold] == ["9 × 8 analyses", "<script>; 9 × 8 analyses"]
    said = [row.cells[0] for row in chart.rows if row.cells]
    assert said == [f"{100 * row.share_association_larger:.0f}%" for row in rows]
    # A head says by itself of what its shares are.
    assert all(head.lower().startswith(("association", "effect")) and "larger" in head for head in chart.heads)
    assert all(len(row.cells) == len(chart.heads) for row in chart.rows if row.cells)
    # A box with its median, and no circle on a thick line, which elsewhere is an estimate with its interval.
    panel = chart.panels[0]
    assert not panel.points
    assert [line.x[0] for line in panel.lines if line.kind == "median"] == [row.difference_median for row in rows]
    assert [(min(a.x), max(a.x)) for a in panel.areas if a.kind == "middle half"] == [
        (row.difference_25, row.difference_75) for row in rows
    ]
    assert {line.kind for line in panel.lines} == {"null", "median", "prediction"}
    assert next(key for key in chart.legend if key.kind == "middle half").content.startswith("box: the middle half")
    contents = [svg_of(draw(chart), "x", chart.title, "", marks_of(chart)) for _ in range(2)]
    assert contents[0] == contents[1]
    assert "<script" not in contents[0]
    assert "&lt;script&gt;" in contents[0]
    assert "no analysis" in bridge("b", []).refused


def test_the_sentence_says_when_the_reading_decides():
    near = bridge_sentence(found(curve(0.25, 30, 1), curve(0.4, 30, 2)))
    assert "Which reading is right" not in near
    narrow = Ends(*(np.full(3, value) for value in (0.25, 0.2, 0.3)))
    far = bridge_sentence(found(narrow, Ends(*(np.full(3, value) for value in (0.4, 0.3, 0.5)))))
    assert "the data cannot say which is" in far
    assert "100% (0% significantly) read as one SD above against one SD below the mean" in far


def test_the_report_says_how_bridged_multiverses_are_compared(complete):
    rows = read_rows(complete / "tables" / "multiverse_bridge.csv", PairRow)
    assert rows
    assert "Bridged multiverses are compared pair by pair" in (complete / "report_appendix.html").read_text(
        encoding="utf-8"
    )


def test_figure_and_sentence_say_how_many_pairs_are_taken():
    """Of the pairs, and of which: the numbers are those of the table."""
    rows = found(curve(0.25, MOST_PAIRED + 500, 1), curve(0.4, 30, 2))
    (said,) = (note for note in bridge("b", rows).notes if "pairs the analyses" in note)
    taken, whole = text.count(rows[0].pairs), text.count(30 * (MOST_PAIRED + 500))
    assert f"{taken} of {whole} pairs" in said
    assert "evenly spaced by rank" in said
    assert f"Of {text.count(rows[0].pairs)} of the {text.count(30 * (MOST_PAIRED + 500))} pairs" in bridge_sentence(
        rows
    )
    whole = found(curve(0.25, 30, 1), curve(0.4, 30, 2))
    assert bridge_sentence(whole).startswith("Of all pairs of 30 analyses")
    assert not any("evenly" in note for note in bridge("b", whole).notes)
    assert "every" not in bridge("b", rows).title


def test_blocks_have_letter_and_name_of_the_specification_curve(complete):
    rows = read_rows(complete / "tables" / "multiverse_bridge.csv", PairRow)
    documents = [
        read_document(complete / "multiverse" / f"{name}.json", MultiverseSummary)
        for name in dict.fromkeys(name for row in rows for name in (row.association, row.effect))
    ]
    held = [row for row in rows if row.bridge == rows[0].bridge]
    blocks = [f"{row.label}; {row.detail}" for row in bridge("b", held, documents).rows if row.bold]
    letters = {
        f"{key.kind}: {key.content}"
        for document in documents
        for key in specification(document).legend
        if key.mark == "letter"
    }
    assert letters
    assert all(any(name in block for block in blocks) for name in letters)
