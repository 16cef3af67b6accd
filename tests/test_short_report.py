"""The report as it is read: short, in words that a reader knows, with the answer and the signs of bias first."""

import csv
import html
import re
from html.parser import HTMLParser

import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis.plan.config import Diagnostics
from synthesis.report import Drawing, render, render_appendix
from synthesis.report.headline import answer
from synthesis.report.narrow import narrow_forest
from synthesis.report.result_tables import with_interval
from synthesis.report.wording import decoded, term
from synthesis.results.diagnosed import SmallStudyRow
from synthesis.review.diagnostic_tables import DiagnosticTables
from test_figures import document
from test_report import FIT, material
from typed import fitted

# What a reader of the short report may be asked to read.
MOST_WORDS = 3000
# Codes of tables and libraries without an underscore; "sd treat" is what is left of a column's name.
CODES = re.compile(
    r"\b(?:intrcpt|nan|[Ss]d treat|[Ss]d control|[Mm]ean treat|n total|r total|r partial)\b"
    r"|\b(?:tau2?|omega2|chi2|sqrt)\b|\b[Nn]ulls (?:as|at) "
)
# What a reader may not know, and must find among the terms where it stands in the short report.
TERMS = (
    "Certainty (GRADE)", "Egger", "Excess significance", "Fisher z", "In a new setting", "I\u00b2", "Moderator", "Pool",
    "rank correlation", "reading", "selection model", "synthesis", "trim and fill", "\u03c4\u00b2",
)  # fmt: skip
SNAKE = re.compile(r"\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b")
# Files of the run and of the data, addresses: a path, or parts that a dot joins.
PATH = re.compile(r"[\w.<>*/-]*/[\w.<>*/-]+|[\w-]+(?:\.[\w-]+)+")
MAIN = ROOT / "results"
PAGES = ("report.html", "report_appendix.html")


class Visible(HTMLParser):
    """The texts of a page that a reader sees, each with its elements; a drawing for telephones repeats another one."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "link", "br", "img", "input"}:
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = {tag for tag, _ in self.open}
        repeated = any(kind == "telephone" for _, kind in self.open)
        if data.strip() and not repeated and not tags & {"script", "style", "head", "desc"}:
            self.texts.append((tags, data.strip()))

    @property
    def words(self):
        return sum(len(text.split()) for _, text in self.texts)


def codes(page):
    """Codes that a reader meets: not in verbatim quotes, paths, or names of rows and keys that are set as code."""
    found = []
    for tags, text in Visible(page).texts:
        if tags & {"q", "code"}:
            continue
        rest = PATH.sub("", text)
        found += SNAKE.findall(rest) + CODES.findall(rest)
    return sorted(set(found))


main_job = pytest.mark.skipif(not (MAIN / PAGES[0]).exists(), reason="no run of the main job here")


@main_job
def test_the_report_of_the_main_job_has_few_words():
    assert 500 < Visible((MAIN / PAGES[0]).read_text(encoding="utf-8")).words <= MOST_WORDS


@main_job
@pytest.mark.parametrize("name", PAGES)
def test_the_pages_of_the_main_job_show_no_code(name):
    assert codes((MAIN / name).read_text(encoding="utf-8")) == []


def unexplained(page):
    """The technical terms of a short report that its last section does not hold."""
    body, _, rest = page.partition('<section aria-labelledby="reading">')
    used = text_of(body).casefold()
    held = text_of("".join(re.findall("<dt>(.*?)</dt>", rest.partition("</section>")[0]))).casefold()
    return [term for term in map(str.casefold, TERMS) if term in used and term not in held]


@main_job
def test_every_technical_term_of_the_report_of_the_main_job_is_explained():
    assert unexplained((MAIN / PAGES[0]).read_text(encoding="utf-8")) == []


def test_every_technical_term_of_the_small_review_is_explained(complete):
    assert unexplained((complete / PAGES[0]).read_text(encoding="utf-8")) == []


def test_statistics_are_printed_as_in_a_paper():
    said_of = {"tau2 by REML": "τ² by REML",
               "prior on tau, scale 1": "prior on τ, scale 1", "1.96 / sqrt(n)": "1.96 / √n",
               "R2 of a model": "R² of a model", "Tau the cat": "Tau the cat", "a/tau2.csv": "a/tau2.csv"}  # fmt: skip
    assert {words: decoded(words) for words in said_of} == said_of


@pytest.mark.parametrize(
    ("limits", "shown"),
    [((0.0973, 0.0004, 0.194), "0.10 [0.0004, 0.19]"), ((0.1, 0.004, 0.2), "0.10 [0.004, 0.20]"),
     ((0.001, -0.09, 0.08), "0.00 [\N{MINUS SIGN}0.09, 0.08]"), ((0.1, 0.0, 0.2), "0.10 [0.00, 0.20]")],
)  # fmt: skip
def test_a_limit_shows_on_which_side_of_zero_it_lies(limits, shown):
    (text,) = with_interval(limits).texts
    assert text.content == shown


def test_the_report_of_the_small_review_has_few_words(complete):
    assert 500 < Visible((complete / PAGES[0]).read_text(encoding="utf-8")).words <= MOST_WORDS


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_of_the_small_review_show_no_code(complete, name):
    """Its invented claims say their own names; these are the words of the plan."""
    claims = (ROOT / "tests" / "complete" / "data" / "raw" / "claims.csv").read_text(encoding="utf-8").splitlines()
    invented = {line.partition(",")[0] for line in claims}
    assert set(codes((complete / name).read_text(encoding="utf-8"))) <= invented


def test_the_appendix_holds_what_the_short_report_leaves_out(complete):
    short, appendix = ((complete / name).read_text(encoding="utf-8") for name in PAGES)
    heads = re.findall('<h2 id="([^"]*)">([^<]*)</h2>', appendix)
    assert len(heads) > 8
    # The first section is where the page begins.
    assert 'href="report_appendix.html"' in short
    for name, _ in heads[1:]:
        assert f'href="report_appendix.html#{name}"' in short, name


# --- the first screen ----------------------------------------------------------------------------------------------


def first_screen(made):
    screen = render(made).split('<section aria-labelledby="answer">')[1].split("</section>")[0]
    return html.unescape(screen).replace("\u00a0", " ")


def text_of(page):
    return " ".join(text for _, text in Visible(page).texts)


def test_a_plan_of_one_synthesis_has_an_answer_in_three_sentences_and_its_forest_plot():
    made = material(
        documents=[document(6, "g", "B", name="bcg", **FIT)],
        drawings={"forest_bcg": Drawing("<svg></svg>")},
        dropped=[],
    )
    screen = first_screen(made)
    assert len(answer(made)) == 3
    assert "Effect of randomised treatment: Title of bcg, g = " in screen
    assert "In a new setting" in screen
    assert 'data-figure="forest_bcg"' in screen
    assert "no pool has as many" in screen
    assert "alliance" not in text_of(render(made)).casefold()
    assert "alliance" not in text_of(render_appendix(made)).casefold()


def rated(construct):
    """An association of a construct."""
    effects = [replace(effect, construct=construct) for effect in material().effects]
    model = fitted(document(6, "z", "A", name="bcg", **FIT))
    studies = tuple(replace(s, effects=(effects[0].effect_id,)) for s in model.studies)
    return material(documents=[replace(model, studies=studies, constructs=(construct,))], effects=effects, dropped=[])


def test_an_association_of_something_else_is_not_called_one_of_the_alliance():
    for page in (render, render_appendix):
        words = text_of(page(rated("homework"))).casefold()
        assert "correlations with homework are associations: early improvement may raise homework too" in words
        assert "alliance" not in words
    assert "early improvement may raise the alliance too" in first_screen(rated("alliance"))


def test_what_the_plan_says_of_the_first_association_stands_beside_it():
    noted = document(6, "z", "A", name="bcg", **FIT)
    noted["figure"] |= {"note": "This estimate is probably too high."}
    stress = document(8, "z", "A", name="s", **FIT) | {"set_to_zero": 3}
    (first, *_) = answer(material(documents=[noted, stress]))
    assert first.remark.endswith("This estimate is probably too high.")
    assert "3 findings reported as not significant entered as 0, a stress test, it is r = " in first.words


def with_tests(**values):
    rows = [SmallStudyRow(synthesis="bcg", test=test, p=p, adjusted_estimate=0.1) for test, p in values.items()]
    return material(
        documents=[document(12, "g", "B", name="bcg", **FIT)], diagnostics=DiagnosticTables(small_study=rows)
    )


def test_a_test_that_points_to_bias_stands_on_the_first_screen():
    screen = first_screen(with_tests(egger=0.004, rank=0.2, selection_model=0.03))
    assert "In 1 of 1 tested pool" in screen
    assert "Egger (0.004), selection model (0.030)" in screen
    assert "rank correlation" not in screen
    quiet = first_screen(with_tests(egger=0.4, rank=0.2))
    assert "this is no proof" in quiet
    assert "Egger" not in quiet


def test_no_test_of_bias_is_said_to_have_been_done_where_none_was():
    assert f"need {Diagnostics().funnel_from} samples" in first_screen(material())


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("n_total", "sample size"),
        ("disorder_group", "disorder, grouped"),
        ("r_partial", "adjusted for baseline or earlier change"),
        ("mean_sd_to_g", "mean SD to Hedges g"),
        ("2x2_to_log_risk_ratio", "two-by-two table to log risk ratio"),
        ("one of_a kind", "one of_a kind"),
        ("usual care", "usual care"),
    ],
)
def test_codes_become_words(code, words):
    assert term(code) == words


def test_codes_inside_a_remark_become_words_and_paths_stay():
    assert decoded("no test: intrcpt; see tables/small_study.csv, n_total") == (
        "no test: intercept; see tables/small_study.csv, sample size"
    )


# --- a narrow screen -----------------------------------------------------------------------------------------------

HEAD = (
    "section,kind,label,lane,cells,estimate,ci_low,ci_high,pi_low,pi_high,weight,estimate_text,low_text,high_text,"
    "weight_text,key,effects,synthesis,bracket\n"
)
STUDY = 'x,study,A study,B,,{},{},{},,,5,{},"[{},",{}],,,e1,,\n'
MARK = (
    '<g id="f.1-e1" class="mark" data-label="A study: g = 0.50 [0.10, 0.90]" data-effects="e1">'
    '<rect class="area" fill="none" x="0" y="10" width="9" height="9" /></g>'
    '<text x="1" y="30" font-size="6">\u2190 worse</text><text x="1" y="30" font-size="6">better \u2192</text>'
)


def test_words_about_a_side_keep_their_second_line_on_a_narrow_screen():
    wrapped = (
        '<text x="9" y="40" font-size="6.8" text-anchor="end">\u2190 worse outcome with</text>'
        '<text x="9" y="49" font-size="6.8" text-anchor="end">better alliance</text>'
        '<text x="12" y="40" font-size="6.8">better outcome with</text>'
        '<text x="12" y="49" font-size="6.8">it \u2192</text>'
    )
    drawn = narrow_forest(f"{MARK}{wrapped}", HEAD + STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90"))
    assert drawn.axes[0].sides[-2:] == ("\u2190 worse outcome with better alliance", "better outcome with it \u2192")


def test_a_narrow_screen_names_the_part_of_a_lane_and_draws_hollow_what_is_hollow():
    row = STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90")
    row = row.replace("x,study", "lane B: PTSD,study").replace("\n", ",hollow\n")
    drawn = narrow_forest(MARK, HEAD.replace("\n", ",fill\n") + row)
    heading, line = drawn.lines
    assert heading.label == ("Effects of randomised treatments: PTSD",)
    assert line.kind == "study hollow"


def test_a_narrow_screen_keeps_signs_of_numbers_and_says_what_is_not_printed_and_what_is_one_sample():
    row = STUDY.format(0.5, "", "", "0.50", "", "").replace("[,", "").replace(",]", ",")
    row = row.replace("x,study,A study,B,,", "x,single,A pool,B,1 | \N{ALMOST EQUAL TO}48,")
    heads = '<text x="1" y="3" font-size="6">Samples</text><text x="1" y="3" font-size="6">People</text>'
    (line,) = narrow_forest(f"{heads}{MARK}", HEAD + row).lines
    assert (
        " ".join(line.label).replace("\u00a0", " ")
        == "A pool; samples: 1; people: \N{ALMOST EQUAL TO}48; no interval printed"
    )
    # The letters of a study, not those of a pool.
    assert line.kind == "single study"


def test_a_narrow_screen_counts_what_a_head_on_two_lines_counts_and_draws_published_intervals():
    heads = "".join(f'<text x="1" y="3" font-size="6">{words}</text>' for words in ("Samples", "or k", "Numbers"))
    rows = [STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90"), STUDY.format(0.4, "", "", "0.40", "", "")]
    rows = [row.replace("x,study,A study,B,,", "x,reference,A review,,26 | ,") for row in rows]
    pool = STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90").replace("study,A study,B,,", "pooled,A pool,B,5 | 3,")
    whole, without, pooled = narrow_forest(f"{heads}{MARK * 3}", HEAD + "".join([*rows, pool])).lines
    assert " ".join(whole.label).replace("\u00a0", " ") == "A review; k = 26"
    assert " ".join(pooled.label).replace("\u00a0", " ") == "A pool; samples: 5; numbers: 3"
    ends = [[float(point.partition(",")[0]) for point in line.diamond.split()] for line in (whole, without, pooled)]
    assert (min(ends[0]), max(ends[0])) == (min(ends[2]), max(ends[2]))
    assert max(ends[1]) - min(ends[1]) < 6
    assert whole.whisker is None


def test_the_sign_of_a_tick_at_the_edge_of_a_narrow_screen_is_not_cut():
    rows = [STUDY.format(x, x - 0.2, x + 0.2, f"{x:.2f}", "a", "b") for x in (-0.31, 0.4)]
    drawn = narrow_forest(MARK * 2, HEAD + "".join(rows))
    for x, words, centred in drawn.axes[0].ticks:
        assert not centred or x - 3.5 * len(words) > 0, words


def test_what_a_narrow_axis_cuts_has_an_arrow():
    rows = [STUDY.format(0.1 * i, 0.1 * i - 0.2, 0.1 * i + 0.2, "0.50", "a", "b") for i in range(11)]
    wide = STUDY.format(0.5, -90, 90, "0.50", "a", "b")
    far = STUDY.format(9.0, 8.8, 9.2, "9.00", "a", "b")
    *usual, cut, beyond = narrow_forest(MARK * 13, HEAD + "".join([*rows, wide, far])).lines
    assert all(line.arrows == () and line.box for line in usual)
    assert len(cut.arrows) == 2
    assert cut.box
    assert len(beyond.arrows) == 1
    assert beyond.box is None


def test_a_narrow_drawing_has_the_label_above_the_plot_and_the_estimate_beside_it():
    drawn = narrow_forest(MARK, HEAD + STUDY.format(0.5, 0.1, 0.9, "0.50", "0.10", "0.90"))
    (line,) = drawn.lines
    assert line.label == ("A study",)
    assert line.value == "0.50 [0.10, 0.90]"
    assert line.mark == {"label": "A study: g = 0.50 [0.10, 0.90]", "effects": "e1"}
    assert line.top < line.middle < line.top + line.height
    assert line.null < line.whisker[0] < line.box[0] < line.whisker[1]
    assert drawn.axes[0].name == "g"
    assert drawn.axes[0].sides == ("\u2190 worse", "better \u2192")
    assert drawn.height > line.height


def test_ratios_keep_their_logarithmic_axis():
    drawn = narrow_forest(MARK, HEAD + STUDY.format(-0.6931, -1.2, -0.2, "0.50", "0.30", "0.82"))
    ticks = [float(words) for _, words, _ in drawn.axes[0].ticks]
    assert min(ticks) > 0
    assert 1 in ticks


@pytest.mark.parametrize(
    "data", ["", "a,b\n1,2\n", HEAD + "x,heap,l,B" + "," * 15 + "\n", HEAD + STUDY.format(*"123456")]
)
def test_what_is_no_forest_plot_or_has_other_marks_is_not_redrawn(data):
    assert narrow_forest("", data) is None


# --- what the answer states ----------------------------------------------------------------------------------------


def test_the_answer_counts_the_readings_that_show_a_difference(complete):
    """It once compared point estimates, and called an effect larger whose difference had an interval across 0."""
    screen = text_of((complete / "report.html").read_text(encoding="utf-8"))
    with (complete / "tables" / "bridge.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["unit"] == "d"]
    counted = 0
    for name in {row["bridge"] for row in rows}:
        of_bridge = [row for row in rows if row["bridge"] == name]
        effect = sum(float(row["difference_ci_high"]) < 0 for row in of_bridge)
        association = sum(float(row["difference_ci_low"]) > 0 for row in of_bridge)
        for count in filter(None, (effect, association)):
            assert f"under {count} of {len(of_bridge)}" in screen
            counted += count
        if effect + association < len(of_bridge):
            assert "neither is shown to be larger" in screen
        one_sided = len(of_bridge) in (effect, association)
        assert not one_sided or "Which is larger cannot be said" not in screen
    assert counted


def test_the_answer_says_how_certain_it_is_and_where_there_may_be_no_effect(complete):
    screen = text_of((complete / "report.html").read_text(encoding="utf-8"))
    with (complete / "tables" / "summary_of_findings.csv").open(encoding="utf-8", newline="") as handle:
        graded = {row["synthesis"]: row for row in csv.DictReader(handle)}
    first = graded["alliance"]
    assert f"starting at {first['start']}): {'at most ' if first['undecided'] else ''}{first['certainty']}." in screen
    pooled = graded["trials"]
    crosses = float(pooled["pi_low"]) <= 0 <= float(pooled["pi_high"])
    assert ("In a new setting there may be no effect" in screen) == crosses
