"""The figure of the claims: every claim with its verdict, its marks and its words, on pages."""

import colorsys
from typing import get_args

import numpy as np
import pytest
from conftest import ROOT
from matplotlib.lines import Line2D
from msgspec.structs import replace
from synthesis.cli.main import main
from synthesis.compare.claims import Value, decide, decided_claims
from synthesis.data.claim_table import read_claims
from synthesis.data.reading import read_yaml
from synthesis.data.vocabulary import ClaimRule
from synthesis.draw.canvas import LANE_COLOUR, draw
from synthesis.draw.claims_figure import VERDICT_COLOUR, pages, parts
from synthesis.draw.claims_layout import VERDICTS, axis_texts, claims_layout
from synthesis.results.comparisons import DecidedClaim
from synthesis.results.document import write_documents
from test_claims import RAW, evidence_from


@pytest.fixture(scope="module")
def evidence():
    return evidence_from(read_yaml(ROOT / "config.yaml"))


@pytest.fixture(scope="module")
def decided(evidence):
    return {row.claim_id: row for row in decided_claims(read_claims(RAW / "claims.csv"), evidence)}


def test_the_figure_shows_every_claim_with_its_verdict_and_marks(decided):
    layout = claims_layout(list(decided.values()), "Title")
    rows = [row for statement in layout.statements for row in statement.rows]
    assert {row.claim_id: row.verdict for row in rows} == {k: r.verdict for k, r in decided.items()}
    for row in rows:
        assert len(row.marks) == len(decided[row.claim_id].values)
        if row.axis:
            for mark in row.marks:
                assert all(
                    row.axis[0] <= x <= row.axis[1] for x in (mark.estimate, mark.low, mark.high) if x is not None
                )
    counted = layout.notes[0]
    for verdict in VERDICTS:
        number = sum(row.verdict == verdict for row in rows)
        assert number == 0 or f"{number} {verdict}" in counted


def test_a_value_without_an_interval_is_drawn_and_said_to_have_none_and_no_datum_is_no_mark(decided):
    layout = claims_layout(list(decided.values()), "Title")
    rows = {row.claim_id: row for statement in layout.statements for row in statement.rows}
    (compared,) = rows["alliance_above_adherence"].marks
    assert (compared.estimate, compared.low, compared.high) == (pytest.approx(0.228, abs=5e-4), None, None)
    assert rows["alliance_above_adherence"].unit == "z"
    # The number decides nothing, and is no value of the table.
    assert decided["alliance_above_adherence"].estimate is None
    assert "(no interval)" in rows["variance_13_is_small"].data
    for row in rows.values():
        bare = any(mark.low is None or mark.low == mark.high for mark in row.marks)
        assert bare == ("no interval" in row.data.replace("has no interval", "no interval")), row.claim_id
    drawn = [t.get_text() for t in draw(layout).texts]
    assert drawn.count("no datum") == sum(not row.marks for row in rows.values())


def test_words_say_which_interval_is_drawn(decided, evidence):
    layout = claims_layout(list(decided.values()), "Title")
    rows = {row.claim_id: row for statement in layout.statements for row in statement.rows}
    kinds = {claim.claim_id: claim.kind for claim in read_claims(RAW / "claims.csv")}
    for name, row in rows.items():
        if any(mark.has_interval for mark in row.marks):
            expected = "95% PI" if kinds[name] == "prediction" else "95% CI"
            assert f"({expected})" in row.data, name
            assert {mark.interval for mark in row.marks} == {expected}
    lines = [t.get_text() for t in draw(layout).texts]
    assert not [line for line in lines if line.startswith(("CI)", "PI)"))]


def test_no_line_of_a_claim_ends_or_begins_with_an_equals_sign(decided):
    lines = [t.get_text() for t in draw(claims_layout(list(decided.values()), "Title")).texts]
    assert any("r\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.10" in line for line in lines)
    assert not [line for line in lines if line.startswith("=") or line.endswith("=")]


def test_several_marks_have_their_names_and_axes_their_zero(decided):
    layout = claims_layout(list(decided.values()), "Title")
    drawn = [t.get_text() for t in draw(layout).texts]
    rows = [row for statement in layout.statements for row in statement.rows]
    assert all(mark.label in drawn for row in rows if len(row.marks) > 1 for mark in row.marks)
    for row in rows:
        at = dict(axis_texts(row))
        assert set(row.ticks) <= set(at)
        if row.axis and row.axis[0] <= 0 <= row.axis[1]:
            assert at[0].endswith(("0", "0%"))
        assert all(words in drawn for words in at.values())
        assert row.axis is None or len(at) >= 2, row.claim_id
        # Beside one bound, which is no effect, ticks are even.
        if len(at) == 3 and row.ticks == (0.0,):
            low, middle, high = sorted(at)
            assert middle - low == pytest.approx(high - middle), row.claim_id
    several = [len(axis_texts(row)) for row in rows if row.axis]
    assert sum(count > 2 for count in several) > len(several) / 2
    letters = {row.unit for row in rows if row.marks} & {"d", "z", "b"}
    assert all(any(f"{letter}: " in key.content for key in layout.keys) for letter in letters)


@pytest.mark.parametrize("rule", get_args(ClaimRule))
def test_a_claim_is_supported_where_what_the_key_says_is_true_of_its_shade(rule):
    """Of every rule and any interval: what the key says of the shade is what decides."""
    random, bounds = np.random.default_rng(7), (0.1, 0.3)
    verdicts = set()
    for low, high in np.sort(random.uniform(-0.5, 0.9, (200, 2)), axis=1):
        if rule == "all_within":
            low, high = 120 * abs(low), 120 * abs(high)
            low, high = sorted((min(low, 100), min(high, 100)))
        value = Value("x", "%" if rule == "all_within" else "g", (low + high) / 2, low, high)
        verdict, _ = decide(rule, value, *bounds)
        claim = DecidedClaim(
            claim_id="a", statement="s", says="", cites="", claim="", quantity="", rule=rule, low="", high="",
            source_agrees="yes", evidence="", reading="", unit=value.unit, estimate=None, ci_low=None, ci_high=None,
            verdict_of_data=verdict, verdict=verdict, why="", hangs_on="", source_says="", low_value=bounds[0],
            high_value=bounds[1], values=(value.stored(),),
        )  # fmt: skip
        layout = claims_layout([claim], "Title")
        (row,) = layout.statements[0].rows
        (said,) = (key for key in layout.keys if key.mark == "shade")
        begins, ends = row.holds
        inside = begins <= low and high <= ends if "whole interval" in said.content else begins <= low <= ends
        assert ("whole interval" in said.content) == (rule != "not_above")
        assert (verdict == "supported") == inside, (rule, low, high)
        verdicts.add(verdict)
    assert len(verdicts) > 1


def test_only_bounds_of_a_rule_are_lines_as_tall_as_the_plot(decided):
    layout = claims_layout([decided["predicts_mean"]], "Title")
    (row,) = layout.statements[0].rows
    lines = [line for line in draw(layout).get_children() if isinstance(line, Line2D)]
    upright = [line for line in lines if len(set(line.get_xdata())) == 1]
    tall = [line for line in upright if np.ptp(line.get_ydata()) > 0.15]
    assert len(tall) == len(row.ticks) < len(axis_texts(row))


def test_no_colour_of_a_verdict_is_that_of_associations_or_effects():
    """Nor near it: marks of both have no colour, verdicts others."""

    def hue(colour):
        return colorsys.rgb_to_hsv(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))[:2]

    lanes = [hue(LANE_COLOUR[lane]) for lane in "AB"]
    for verdict, colour in VERDICT_COLOUR.items():
        at, colourful = hue(colour)
        if colourful > 0.1:
            assert all(min(abs(at - lane), 1 - abs(at - lane)) > 0.1 for lane, _ in lanes), verdict


def test_a_turned_sign_is_said_beside_the_printed_number(decided, evidence):
    claim = decided["bower_interaction_small"]
    printed = evidence.rows[evidence.plan.interactions[claim.quantity.partition(":")[2]].coefficient]
    assert (printed.direction, claim.estimate) == (-1, -float(printed.value))
    said = f"the source prints {printed.value} [{printed.ci_low}, {printed.ci_high}]"
    assert claim.why.replace("\N{MINUS SIGN}", "-").endswith(f"is a larger gain of more severe patients: {said}")
    assert [row.claim_id for row in decided.values() if "sign is turned" in row.why] == [claim.claim_id]


def test_words_of_the_claims_are_drawn_as_written(decided):
    first, second = list(decided.values())[:2]
    evil = [replace(first, says=r"$\alpha$ <b>", why="50% $x$"), replace(second, claim="<script>alert(1)</script>")]
    figure = draw(claims_layout(evil, r"$\beta$"))
    drawn = {t.get_text() for t in figure.texts}
    assert r"$\beta$" in drawn
    assert any(r"$\alpha$ <b>" in t for t in drawn)
    assert all(not t.get_parse_math() for t in figure.texts)


@pytest.mark.parametrize("height", [4.0, 6.0, 10.0, 20.0])
def test_pages_of_the_figure_hold_every_claim_once_and_are_no_taller_than_asked(decided, height):
    layout = claims_layout(list(decided.values()), "Title")
    cut = parts(layout, height)
    assert [row.claim_id for part in cut for s in part.statements for row in s.rows] == [
        row.claim_id for s in layout.statements for row in s.rows
    ]
    assert [part.notes for part in cut] == [*[()] * (len(cut) - 1), layout.notes]
    # Each page has a key, the first one also of the verdicts.
    assert cut[0].keys == layout.keys
    assert {key.mark for key in layout.keys} == {"verdict", "mark", "shade", "line", "words"}
    assert all(part.keys == tuple(key for key in layout.keys if key.mark != "verdict") for part in cut[1:])
    assert [part.title for part in cut] == [f"Title ({i} of {len(cut)})" for i in range(1, len(cut) + 1)]
    drawn = pages(layout, height)
    assert len(drawn) == len(cut) > 1
    for part, page in zip(cut, drawn, strict=True):
        assert page.get_size_inches()[1] <= height + 1e-9 or sum(len(s.rows) for s in part.statements) == 1
        texts = [t.get_text() for t in page.texts]
        assert all(key.content in texts for key in part.keys)
        assert {"Verdict", "Claim", "Data and rule", "In words"} <= {*texts}
        assert ("(continued)" in " ".join(texts)) == part.statements[0].continued
    names = [s.name for part in cut for s in part.statements if not s.continued]
    assert names == [s.name for s in layout.statements]


def test_a_figure_that_one_page_holds_has_no_further_ones(decided):
    layout = claims_layout(list(decided.values())[:2], "Title")
    assert pages(layout, 10.0) == []


def test_the_main_job_asks_for_pages_of_the_figure(decided, tmp_path, project):
    write_documents(tmp_path / "claims.json", list(decided.values()))
    call = ["claims-figure", "--claims", tmp_path / "claims.json", "--page-height", "10", "--out", tmp_path]
    assert main([*map(str, call)]) == 0
    found = [tmp_path / "claims_verdicts.png", *(tmp_path / "pages" / "claims_verdicts").glob("*.png")]
    assert len(found) > 1
    assert all(int.from_bytes(png.read_bytes()[20:24], "big") <= 3000 for png in found)
    rule = (ROOT / "workflow" / "rules" / "draw.smk").read_text().partition("rule claims_figure:")[2]
    assert "--page-height" in rule.partition("\nrule ")[0]
