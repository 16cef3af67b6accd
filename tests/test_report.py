"""The report: computed sentences in the words of their lane, text from data escaped."""

import base64
import dataclasses
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from conftest import ROOT
from hand_made import sentence
from jinja2 import UndefinedError
from msgspec.structs import fields, replace
from synthesis.data.extraction import extract
from synthesis.data.reading import read_yaml
from synthesis.data.source import Source
from synthesis.draw.canvas import BAND, DARK, FAINT, GRID, LANE_COLOUR
from synthesis.plan import plan
from synthesis.plan.config import Diagnostics
from synthesis.plan.parts import diagnostic_figures
from synthesis.report import (
    Drawing,
    ReviewResults,
    bridge_sentence,
    changes_page,
    methods,
    render,
    render_appendix,
    short,
)
from synthesis.report.assets import read_asset
from synthesis.report.embedding import without_notes
from synthesis.report.environment import rendered
from synthesis.report.review_results import read_drawings
from synthesis.report.sections import SECTIONS
from synthesis.report.sentences import answer
from synthesis.results.checks import CheckRow
from synthesis.results.comparisons import (
    ClaimValue,
    Comparisons,
    ContrastRow,
    DecidedClaim,
    InteractionRow,
    RelevanceRow,
    RobustnessRow,
    TippingRow,
)
from synthesis.results.document import columns
from synthesis.results.files import read_csv, write_csv
from synthesis.results.fitted import Fitted, Versions
from synthesis.results.readings import DisagreementRow
from synthesis.results.released import Change
from synthesis.review.diagnose import diagnose
from synthesis.review.diagnostic_tables import tables
from test_figures import document, reading
from typed import fitted


def test_lane_a_is_an_association_and_lane_b_an_effect():
    a, b = sentence(document(5, "z", "A")), sentence(document(5, "g", "B"))
    assert "pooled association r = " in a
    assert "effect r" not in a
    assert "pooled effect g = " in b
    assert "in a new setting between" in a


def test_a_single_sample_is_not_called_pooled():
    assert "the effect g = " in sentence(document(1))


def test_bridge_sentence_gives_the_range_of_conversions_and_its_caveat():
    effect = {"effect_estimate": 0.4, "effect_ci_low": 0.2, "effect_ci_high": 0.6}
    rows = [reading(**effect, association_estimate=d) for d in (0.53, 0.26, 0.42)]
    said = bridge_sentence([*rows, reading("%", **effect, association_estimate=60.0)])
    assert "d = 0.26 to 0.53" in said
    assert "g = 0.40 [0.20, 0.60]" in said
    assert "not a test of causes" in said


EVIL = "<script>alert(1)</script>"
FIT = {"versions": {"synthesis": "0"}, "config_sha256": "0", "inputs_sha256": "0"}


def material(**changes):
    """The material of the example's report, with a study, a quote, an address and a title that try to break out."""
    config = plan.load(read_yaml(ROOT / "examples" / "bcg" / "config.yaml")).config
    found = extract(ROOT / "data" / "raw", "beierl_2021", ("z",))
    effects = list(extract(ROOT / "examples" / "bcg" / "data" / "raw", "bcg", ("log_risk_ratio",)).effects)
    effects[0] = replace(effects[0], label=EVIL, quote=EVIL)
    effects[1] = replace(effects[1], url="https://example.org/?q='><script>")
    effects[2] = replace(effects[2], url="javascript:alert(1)")
    dropped = list(found.dropped)
    dropped[0] = replace(dropped[0], note=EVIL, study=EVIL, label=EVIL)
    model = document(5, name="bcg", title=EVIL, **FIT)
    for study, effect in zip(model["studies"], effects, strict=False):
        study["effects"] = [effect.effect_id]
    source = Source.model_validate(
        {
            "title": EVIL,
            "citation": "x",
            "licence": "x",
            "limits": [EVIL],
            "extraction": {"how": "x", "by": "x", "on": "x"},
        }
    )
    given = {
        "config": config,
        "documents": [model],
        "compared": Comparisons([], [], [], [], [], []),
        "tipping": [],
        "effects": effects,
        "dropped": dropped,
        "crosscheck": [],
        "sources": [source],
        "diagnostics": tables([]),
    }
    given |= changes
    given["documents"] = [made if isinstance(made, Fitted) else fitted(made) for made in given["documents"]]
    return ReviewResults(**given)


PAGES = (render, render_appendix)


def section(name, made, page=render_appendix):
    """The HTML of a section of a page."""
    return page(made).split(f'<section aria-labelledby="{name}">')[1].split("</section>")[0]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_escape_data(page):
    html = page(material())
    own = re.findall("<script[^>]*>", html)
    assert own == ['<script type="application/json" id="data">', "<script>"]
    assert html.count("</script") == 2
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'href="javascript' not in html
    assert re.search(r"https?://[^'\"]*\.(js|css)", html) is None


def test_the_appendix_names_every_gap():
    html = render_appendix(material())
    assert 'href="https://example.org/?q=&#39;&gt;&lt;script&gt;" rel="noreferrer"' in html
    assert "be_rumination" in html
    assert "reported as significant, without a number" in html


class Tokens(HTMLParser):
    """The tags of a page with their attributes, its texts, and the data of its figures."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.data = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, content):
        if not content.strip():
            return
        if self.tags[-1] == ("script", [("type", "application/json"), ("id", "data")]):
            self.data = json.loads(content)
        elif self.tags[-1][0] not in ("script", "style"):
            self.texts.append(content)


def filled(kind, words):
    """A row of a type, with these words in every text."""
    values = {str: words, tuple[ClaimValue, ...]: ()}
    content = {field.name: values.get(field.type, 1) for field in fields(kind)}
    return kind(**content | ({"metric": "z"} if "metric" in content else {}))


def report_saying(words):
    """The short report of a plan and of data that say these words wherever they may say something."""
    return render(material_saying(words))


def appendix_saying(words):
    """The appendix of the same."""
    return render_appendix(material_saying(words))


def material_saying(words):
    """A plan and data that say these words wherever they may say something."""

    def saying(*names):
        return dict.fromkeys(names, words)

    made = material()
    told = saying("label", "study", "quote", "locator", "reason", "corrected", "not_in_quote", "second_coder")
    told["url"] = f"https://example.org/{words}"
    for rows in (made.effects, made.dropped):
        rows[:] = [replace(row, **{name: told[name] for name in told.keys() & columns(type(row))}) for row in rows]
    (shown,) = made.documents
    versions = dict.fromkeys(columns(Versions), words)
    figure = replace(shown.figure, note=words)
    made.documents[0] = replace(shown, title=words, figure=figure, versions=Versions(**versions))
    (source,) = made.sources
    how = source.extraction.model_copy(update=saying("how", "by", "on"))
    said = saying("title", "citation", "licence", "doi") | {"limits": [words], "extraction": how}
    synthesis = made.config.syntheses["bcg"].model_copy(update=saying("title"))
    rows = [[filled(kind, words)] for kind in (ContrastRow, RelevanceRow, InteractionRow, RobustnessRow, DecidedClaim)]
    rows[1] = [replace(row, synthesis="bcg") for row in rows[1]]
    return dataclasses.replace(
        made,
        config=made.config.model_copy(update=saying("title", "question") | {"syntheses": {"bcg": synthesis}}),
        sources=[source.model_copy(update=said)],
        compared=Comparisons(rows[0], [], *rows[1:]),
        tipping=[filled(TippingRow, words)],
        disagreements=[filled(DisagreementRow, words)],
        drawings={"forest_bcg": Drawing("<svg></svg>", words)},
    )


def changes_saying(words):
    """The page of changes where titles, names and both sides say these words."""
    said = dict.fromkeys(("name", "title", "field", "before", "after", "reason"), words)
    records = [
        Change(**said | {"kind": "estimate", "change": "other metric", "lane": "A", "metric": "z", "field": "estimate"})
    ]
    kinds = ("claims", "study", "row", "decision", "software")
    records += [Change(**said, kind=kind, change="flipped") for kind in kinds]
    return changes_page.render(words, words, records, 3)


@pytest.mark.parametrize("page", [report_saying, appendix_saying, changes_saying])
@pytest.mark.parametrize(
    "words",
    [
        EVIL,
        "</script></style></title><!-- <img src=x onerror=alert(1)>",
        '" \' ` onfocus=alert(1) autofocus="',
        "&lt;b&gt;&amp;amp;&#39;",
        "{{ 7 * 7 }} {{ cards }} {{ ''.__class__.__mro__ }}",
        "{% set title = 1 %}{% include 'base.html.j2' %}{# gone #}",
        "%s %(x)d {0} {title} $x$ ${x} \\1",
    ],
)
def test_what_plan_and_data_say_is_text(page, words):
    """The same tags as with a harmless word, and the words themselves in every place of it."""
    harmless, hostile = Tokens(page("Harmless")), Tokens(page(words))
    said = lambda content: json.loads(json.dumps(content).replace("Harmless", json.dumps(words)[1:-1]))  # noqa: E731
    assert json.dumps(harmless.tags).count("Harmless") + sum("Harmless" in text for text in harmless.texts) > 10
    assert json.loads(json.dumps(hostile.tags)) == said(harmless.tags)
    assert hostile.texts == said(harmless.texts)
    assert hostile.data == said(harmless.data)


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError, match="'style' is undefined"):
        rendered("changes.html.j2", title="t")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_lets_nothing_run_or_load_but_what_was_hashed(page):
    html = page(material())
    policy = re.search('Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for directive, tag in (("style-src", "style"), ("script-src", "script")):
        content = html.rpartition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert re.search(r"<[^>]* (style|on[a-z]+)=", html.replace("aria-", "")) is None


@pytest.mark.parametrize("page", PAGES)
def test_cards_hold_what_leads_to_the_quote_and_text_cannot_leave_them(page):
    made = material()
    block = page(made).split('id="data">')[1].split("</script>")[0]
    assert "<" not in block
    cards = json.loads(block)
    first, third = (cards["effects"][made.effects[i].effect_id] for i in (0, 2))
    assert first["quote"] == first["study"] == EVIL
    assert {"estimate", "converter", "exactness", "locator", "row"} <= set(first)
    assert "url" not in third
    assert cards["syntheses"]["bcg"]["samples"][0]["effects"] == [made.effects[0].effect_id]
    assert cards["places"] == ("report_appendix.html" if page is render else "")


def test_a_flag_that_a_reader_must_know_of_stands_on_its_card_and_is_counted():
    plain = material()
    assert "Marked rows" not in section("methods", plain)
    first, second, *rest = plain.effects
    made = material(effects=[replace(first, flag="f2;range_end"), replace(second, flag="rater_assumed"), *rest])
    cards = json.loads(render(made).split('id="data">')[1].split("</script>")[0])["effects"]
    assert cards[made.effects[0].effect_id]["marked"] == "one end of a printed range"
    said = "Marked rows: one end of a printed range (1); the rater is assumed, not printed (1)."
    assert said in section("methods", made)


def test_sections_come_in_order_and_an_empty_one_is_left_out():
    html = render_appendix(material(drawings={}))
    heads = re.findall('<h2 id="([^"]*)">', html)
    # Without claims, multiverses, processes and doubts there are no such sections.
    without = {"claims", "multiverse", "processes", "doubts"}
    assert heads == [section.name for section in SECTIONS if section.name not in without]
    assert all(f'<a href="#{name}">' in html for name in heads)
    empty = render_appendix(material(dropped=[]))
    assert '<h2 id="gaps">' not in empty
    assert 'href="#gaps"' not in empty


def test_every_section_has_a_template_and_every_template_a_section():
    for folder, sections in (("sections", SECTIONS), ("short", short.SECTIONS)):
        found = (ROOT / "workflow" / "synthesis" / "report" / "templates" / folder).glob("*")
        assert {path.name for path in found} == {f"{section.name}.html.j2" for section in sections}


def test_a_synthesis_shows_its_own_figures_whatever_others_are_called():
    """Names are not read back: `all` once showed the bubble of `all_client`."""
    block = {"lane": "B", "metric": "g", "sources": ["s"], "moderators": ["year", "n_total"]}
    names = ["all", "all_client", "client"]
    content = {
        "title": "t",
        "sources": ["s"],
        "syntheses": {name: block | {"title": name} for name in names},
        "diagnostic_figures": {"all": ["funnel"], "all_client": ["bubble", "leave_one_out"], "client": ["bubble"]},
    }
    config = plan.load(content).config
    figures = [figure.name for name in names for figure in diagnostic_figures(config, name)]
    drawings = {name: Drawing("<svg></svg>") for name in figures}
    documents = [document(5, name=name, **FIT) for name in names]
    html = section("syntheses", material(config=config, documents=documents, drawings=drawings))
    shown = [re.findall('data-figure="([^"]*)"', part) for part in html.split('id="synthesis-')[1:]]
    assert shown == [
        ["funnel_all"],
        ["bubble_all_client-year", "bubble_all_client-n_total", "leave_one_out_all_client"],
        ["bubble_client-year", "bubble_client-n_total"],
    ]


def test_claims_and_syntheses_may_be_called_by_numbers(tmp_path):
    """What looks like a number in a column of names is a name."""
    rows = [{"claim_id": name, "claim": "2", "change": "1.50", "changes_tried": 3.0} for name in ("1", "2", "1e3")]
    write_csv(tmp_path / "tipping_points.csv", rows)
    read = read_csv(tmp_path / "tipping_points.csv")
    assert [row["claim_id"] for row in read] == ["1", "2", "1e3"]
    assert (read[0]["claim"], read[0]["change"], read[0]["changes_tried"]) == ("2", "1.50", 3.0)


def test_a_figure_of_known_colours_is_recoloured_and_others_keep_their_paper():
    for name in (LANE_COLOUR["A"], LANE_COLOUR["B"], LANE_COLOUR[""], DARK, FAINT, GRID, BAND):
        assert f'="{name}"]' in read_asset("style.css")
    known = render(material(drawings={"forest_bcg": Drawing(f'<svg><path fill="{DARK}"/></svg>', "a,b\n")}))
    other = render(material(drawings={"forest_bcg": Drawing('<svg><path fill="#123456"/></svg>', "a,b\n")}))
    assert '<div class="drawing"' in known
    assert '<div class="drawing paper"' in other
    assert '"csv":{"forest_bcg":"a,b\\n"}' in known


def test_the_answer_has_at_most_five_sentences_and_calls_nothing_of_lane_a_an_effect():
    a, b = document(5, "z", "A", name="a", **FIT), document(6, "g", "B", name="b", **FIT)
    stress = document(8, "z", "A", name="s", **FIT) | {"set_to_zero": 3}
    said = answer(material(documents=[a, stress, b]))
    assert 3 <= len(said) <= 5
    assert "Title of a: the pooled association is r = " in said[0]
    assert "pooled effect is g = " in said[1]
    assert any("a stress test, the association is r = " in words for words in said)
    assert not any("association" in words and "effect of r" in words for words in said)
    assert len(answer(material(documents=[b]))) >= 3


def test_methods_name_the_estimator_interval_and_dependence_of_the_run():
    html = section(
        "methods", material(documents=[document(6, "z", "A", name="bcg", **FIT), document(1, name="bcg", **FIT)])
    )
    assert "restricted maximum likelihood (REML)" in html
    assert "Fisher z" in html
    assert "1 synthesis with a single sample" in html
    for item in ("items 12", "13a", "13d", "13e", "item 14", "Cochrane Handbook 10.10"):
        assert item in html


def test_diagnostics_name_the_sample_that_moves_the_estimate_most_and_every_test():
    far = document(12, "g", "B", name="bcg", **FIT)
    assert far["studies"][3]["label"]
    far["studies"][3]["yi"] += 3
    far["studies"][3]["members"][0]["yi"] += 3
    found = tables([diagnose(fitted(far), ["rater"], Diagnostics(permutations=99))])
    html = section("diagnostics", material(documents=[far], diagnostics=found))
    row = html.split("Each pool without any one")[1].split("<tbody>")[1].split("</tr>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.DOTALL)
    assert f"(without {far['studies'][3]['label']})" in cells[2]
    assert far["studies"][3]["label"] in cells[4]
    for name in ("Egger regression", "Trim and fill, L0", "Three-parameter selection model", "Fail-safe N, Orwin"):
        assert name in html
    assert "not fitted" in html


def test_sentences_on_quotes_and_zeros_follow_the_data():
    """ "Nothing is imputed" stood beside 22 zeros, "each with its quote" beside 255 quotes without a number."""
    made = material(effects=[replace(effect, not_in_quote="") for effect in material().effects])
    assert "each with a quote that shows its numbers" in " ".join(answer(made))
    made.effects[0] = replace(made.effects[0], not_in_quote="n")
    rest = len({e.effect_id for e in made.effects}) - 1
    assert f"which shows every number in {rest} of them" in " ".join(answer(made))
    assert "stay missing; none is filled in." in section("methods", made)
    made.documents[0] = replace(made.documents[0], set_to_zero=4)
    said = section("methods", made)
    assert "none is filled in" not in said
    assert "enters as 0: 4 findings in" in said


def test_a_quote_that_is_missing_is_not_claimed():
    given = material()
    assert "571" not in section("methods", given)
    made = material(dropped=[replace(given.dropped[0], quote=""), *given.dropped[1:]])
    whole = len(made.rows)
    assert f"{whole} rows were extracted, {sum(bool(r.quote) for r in made.rows.values())} of them with a short" in (
        section("methods", made).replace("\u202f", "")
    )


def test_the_second_route_is_described_by_what_was_compared():
    assert "no fit was there" in methods.second_route([])
    numbers = {"ours": 1.0, "theirs": 1.0, "difference": 1e-9, "tolerance": 1e-8, "agrees": True}
    row = CheckRow(synthesis="x", quantity="tau2", route="matrices", **numbers)
    rows = [row, replace(row, quantity="omega2"), replace(row, synthesis="y", difference=0.0)]
    said = methods.second_route([*rows, replace(row, route="PyMARE")])
    assert "2 fits of several samples were computed a second time" in said
    assert "\u03c4\u00b2 and \u03c9\u00b2 (1) (in brackets" in said
    assert "PyMARE gave 1 number once more" in said
    assert "Of 4 comparisons the largest difference is 10.0% of its tolerance" in said
    assert "standard error" not in said
    assert "once more" not in methods.second_route(rows)


def test_two_samples_say_nothing_of_a_new_setting():
    assert "two samples say nothing of a new setting" in sentence(document(2))
    assert "new setting between" in sentence(document(3))


MIXED = {
    "Each pool without any one of its samples": ["All samples"],
    "Each pool without its samples at high risk of bias": ["All samples", "Without those"],
    "Tests of small-study effects": ["Estimate it implies"],
    "Estimates adjusted for bias": ["Value"],
    "Pooled estimates against thresholds of relevance": ["Estimate"],
}


@pytest.mark.parametrize("caption", MIXED)
def test_tables_of_correlations_and_differences_say_which_a_number_is(complete, caption):
    pages = [(complete / name).read_text(encoding="utf-8") for name in ("report.html", "report_appendix.html")]
    tables = [page.split(f"<caption>{caption}</caption>")[1].split("</table>")[0] for page in pages if caption in page]
    cells = [
        unescape(re.sub("<[^>]+>", "", said))
        for body in tables
        for head, said in re.findall(r'<td data-head="([^"]*)"[^>]*>(.*?)</td>', body)
        if unescape(head) in MIXED[caption]
    ]
    numbers = [said for said in cells if re.search(r"\d", said)]
    assert len({said.split(" = ")[0] for said in numbers}) > 1
    assert [said for said in numbers if " = " not in said] == []


def test_a_drawing_is_read_without_the_room_that_its_texts_would_take_in_other_fonts(tmp_path):
    """Pages bring our font, and find notes, heads and sides of an axis by how texts look."""
    drawn = '<svg><text x="1" y="2" font-size="7" fill="#5a5a5a" textLength="20.5">Note</text></svg>\n'
    (tmp_path / "x.svg").write_text(drawn)
    assert read_drawings([tmp_path / "x.svg"])["x"].svg == drawn.replace(' textLength="20.5"', "")
    assert "Note" not in without_notes(read_drawings([tmp_path / "x.svg"])["x"].svg)
