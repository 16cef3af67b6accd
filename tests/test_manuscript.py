"""Words for a paper: every number is one of the run, in Markdown, Word and BibTeX; the search stands above the flow."""

import datetime
import io
import re
import zipfile

import pytest
from conftest import ROOT
from msgspec.structs import replace
from synthesis.data.search import find_search, read_search, total
from synthesis.data.source import Source
from synthesis.draw.prisma import flow
from synthesis.errors import InputError
from synthesis.export.checklist import WRITE
from synthesis.plan import plan as planning
from synthesis.plan.config import read_config
from synthesis.plan.parts import TABLES_BESIDE, TABLES_IN_TEXT
from synthesis.report.bibliography import bibtex
from synthesis.report.manuscript import manuscript, summary_of_findings
from synthesis.report.paper import Exhibit, Paragraph, escaped, markdown, plain
from synthesis.results.certainty import DomainRow, FindingsRow, LowRiskRow
from synthesis.results.extracted import Assessed
from synthesis.results.fitted import Fitted
from test_figures import document
from test_report import EVIL, FIT, material
from typed import fitted

SEARCH = ROOT / "tests" / "complete" / "data" / "raw" / "search.csv"
DAY = datetime.date(2026, 11, 23)
FINDING = {
    "synthesis": "bcg", "title": EVIL, "lane": "B", "word": "effect", "variant": "GRADE for effects: x", "samples": 5,
    "people": 100, "estimate": 0.5, "ci_low": 0.25, "ci_high": 0.75, "pi_low": None, "pi_high": None,
    "threshold": None, "start": "high", "risk_of_bias": "not decided", "inconsistency": "serious",
    "indirectness": "not serious", "imprecision": "not serious", "publication_bias": "not serious",
    "certainty": "moderate", "undecided": "Risk of bias",
}  # fmt: skip


def written(found=(), figures=None, **changes):
    return manuscript(material(**changes), found, figures or {}, ["item 1: title"])


def test_every_number_of_a_result_is_that_of_its_fit():
    model = fitted(document(12, name="bcg", title="Vaccine", **FIT))
    said = markdown(written(documents=[model]))
    fit = model.fit
    paragraph = next(line for line in said.splitlines() if line.startswith("Pooled effect"))
    signed = [f"{x:.2f}".replace("-", "\N{MINUS SIGN}") for x in (fit.estimate, fit.ci_low, fit.ci_high)]
    assert f"g = {signed[0]} [{signed[1]}, {signed[2]}] (12 samples, 12 estimates)" in paragraph
    assert f"I\u00b2 = {fit.i2:.0f}%" in paragraph
    assert f"Q = {fit.q:.1f}, df = {fit.q_df}" in paragraph
    assert f"{fit.tau2:.3f}"[:4] in paragraph
    row = next(line for line in said.splitlines() if line.startswith("| Vaccine | effect"))
    assert f"{signed[0]} [{signed[1]}, {signed[2]}]" in row
    tau2, i2, q = (part.strip() for part in row.strip("| ").split("|")[-3:])
    assert tau2.startswith(f"{fit.tau2:.3f}"[:4])
    assert i2.startswith(f"{fit.i2:.0f}%")
    assert q == f"{fit.q:.1f} ({fit.q_df})"


def test_a_single_sample_is_neither_pooled_nor_heterogeneous():
    said = markdown(written(documents=[document(1, name="bcg", title="One", **FIT)]))
    assert "One sample: it is shown, not pooled." in said
    assert "Heterogeneity" not in said
    row = next(line for line in said.splitlines() if line.startswith("| One | effect"))
    assert row.count("\N{EN DASH}") == 3


def test_data_are_text_in_markdown():
    said = markdown(written())
    assert "<script" not in said.replace(r"\<script", "")
    assert r"\<script\>alert(1)\</script\>" in said
    assert escaped("# a\n\n- b | c *d* [e](f) $1") == r"\# a - b \| c \*d\* [e\](f) \$1"
    assert escaped("1. first [0.1, 0.2]") == r"1\. first [0.1, 0.2]"
    assert escaped("-1.5 to 2") == "-1.5 to 2"


def test_the_files_of_tables_are_those_that_the_workflow_expects():
    assert list(written().tables) == ["pools", *(s for s in TABLES_IN_TEXT if s != "pools"), *TABLES_BESIDE]


def test_risk_of_bias_is_said_with_its_tools_and_what_the_pool_is_without():
    one = Assessed(sample_id="a", tool="RoB 2", overall="low", given=False, domains={})
    row = LowRiskRow(
        synthesis="bcg", title="X", metric="g", samples=5, rated=4, left_out=2, left_out_samples="a; b",
        estimate=0.5, ci_low=0.25, ci_high=0.75, samples_without=3, k_without=3, estimate_without=0.25,
        ci_low_without=-0.125, ci_high_without=0.625,
    )  # fmt: skip
    model = document(5, name="bcg", title="Vaccine", **FIT)
    said = markdown(written(documents=[model], assessed=[one, replace(one, tool="QUIPS", given=True)], low_risk=[row]))
    assert "Without 2 samples at high risk of bias: g = 0.25 [\N{MINUS SIGN}0.12, 0.62]." in said
    assert (
        "judged by domain: RoB 2 (1 sample), QUIPS (1 sample). The overall judgement follows from the domains in 1"
        in said
    )
    assert "| X | 4 of 5 | 2 |" in said
    assert "high risk" not in markdown(written(documents=[model])).split("## Supplementary")[0]


def test_certainty_is_said_with_each_result_and_in_a_document_of_its_own():
    row = FindingsRow(**FINDING)
    domains = [DomainRow(synthesis="bcg", domain="inconsistency", judgement="serious", down=1, reason="why")]
    said = markdown(written(findings=[row], domains=domains))
    assert "Certainty (GRADE for effects): at most moderate; not decided: risk of bias." in said
    paper = summary_of_findings(material(findings=[row], domains=domains))
    first, second = (block.table for block in paper.blocks if isinstance(block, Exhibit))
    assert "0.50 [0.25, 0.75]" in [plain(cell) for cell in first.rows[0]]
    assert [plain(cell) for cell in second.rows[0]][1:4] == ["Inconsistency", "serious", "why"]
    # A pool may have most samples, but little weight, at high risk: the rules stand below the table.
    rules = next(block.notes for block in paper.blocks if isinstance(block, Exhibit))[-1]
    assert "samples at high risk have 50% or more of the rated weight" in rules
    assert "2 or more of three tests have p < 0.1" in rules
    nothing = summary_of_findings(material())
    assert nothing.blocks == (Paragraph("No pool was graded."),)


def test_the_lowest_certainty_cannot_be_lower():
    lowest = FindingsRow(**FINDING | {"certainty": "very low"})
    said = markdown(written(findings=[lowest]))
    assert "Certainty (GRADE for effects): very low; not decided: risk of bias." in said
    assert "at most very low" not in said


def test_people_are_said_in_the_summary_of_findings_as_in_the_table_of_pools():
    """Where a sample has no size the cell was blank, beside "at least 1 200 people" in the other table."""
    model = fitted(document(5, name="bcg", **FIT))
    studies = tuple(replace(s, n=1200.0 if i == 0 else None) for i, s in enumerate(model.studies))
    paper = written(documents=[replace(model, studies=studies)], findings=[FindingsRow(**FINDING | {"people": None})])
    shown = [[plain(c) for c in paper.tables[stem].rows[0]] for stem in ("pools", "certainty")]
    assert all("at least 1 200 people (1 of 5 samples)" in row for row in shown), shown


def test_the_word_document_has_the_words_and_tables_and_the_same_bytes(tmp_path, monkeypatch):
    docx = pytest.importorskip("docx")
    from matplotlib.figure import Figure
    from synthesis.report.word import word

    Figure((4, 30)).savefig(tmp_path / "tall.png")
    paper = written(findings=[FindingsRow(**FINDING)], figures={"prisma_flow": tmp_path / "tall.png"})
    content = word(paper, DAY)
    monkeypatch.setattr("time.localtime", lambda *_: (2031, 1, 2, 3, 4, 5, 0, 1, 0))
    assert word(paper, DAY) == content
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        assert {entry.date_time for entry in held.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert held.namelist()[0] == "[Content_Types].xml"
    opened = docx.Document(io.BytesIO(content))
    assert opened.core_properties.created.date() == DAY
    words = [paragraph.text for paragraph in opened.paragraphs]
    for block in paper.blocks:
        if isinstance(block, Paragraph):
            assert f"{block.lead} {block.words}".strip() in words
    tables = [block.table for block in paper.blocks if isinstance(block, Exhibit)]
    assert [[[cell.text for cell in row.cells] for row in made.rows] for made in opened.tables] == [
        [list(table.heads), *([plain(cell) for cell in row] for row in table.rows)] for table in tables
    ]
    (shape,) = opened.inline_shapes
    assert shape.height <= docx.shared.Inches(8.2)
    assert shape.width / shape.height == pytest.approx(4 / 30, rel=0.01)


# --- references ---------------------------------------------------------------------------------------------------


def source(citation, doi=""):
    extraction = {"how": "x", "by": "x", "on": "x"}
    return Source.model_validate(
        {"title": "x", "citation": citation, "doi": doi, "licence": "x", "limits": ["x"], "extraction": extraction}
    )


@pytest.mark.parametrize(
    ("citation", "lines"),
    [
        (
            "Webb CA, van Dijke A, et al. (2010). Adherence: a review. J Consult Clin Psychol 78(2):200-211.",
            [
                "@article{bcg,",
                "author = {Webb, CA and van Dijke, A and others},",
                "title = {{Adherence: a review}},",
                "journal = {J Consult Clin Psychol},",
                "year = {2010},",
                "volume = {78},",
                "number = {2},",
                "pages = {200--211},",
            ],
        ),
        (
            "Bower P, et al. (2013). BMJ 346:f540.",
            [
                "@misc{bcg,",
                "author = {Bower, P and others},",
                "year = {2013},",
                "note = {{Bower P, et al. (2013). BMJ 346:f540.}},",
            ],
        ),
        ("A database of 50% & more_rows", ["@misc{bcg,", r"note = {{A database of 50\% \& more\_rows}},"]),
        (
            "Horvath & Symonds (1991). Words.",
            [
                "@misc{bcg,",
                r"author = {{Horvath \& Symonds}},",
                "year = {1991},",
                r"note = {{Horvath \& Symonds (1991). Words.}},",
            ],
        ),
    ],
)
def test_a_citation_is_taken_apart_only_where_its_form_is_known(citation, lines):
    made = bibtex(material(sources=[source(citation)])).split("\n\n")[0]
    assert [line.strip() for line in made.splitlines()] == [*lines, "}"]


def test_every_source_and_every_study_of_a_pool_has_an_entry_and_what_lacks_is_missing():
    found = material(sources=[source("x", doi="10.1/a_b")])
    made = bibtex(found)
    keys = re.findall(r"^@\w+\{(\w+),$", made, re.M)
    assert len(keys) == len(set(keys)) == 1 + len(found.documents[0].studies)
    assert "doi = {10.1/a_b}," in made
    assert made.count("doi =") == 1
    assert "javascript" not in made


# --- the search ---------------------------------------------------------------------------------------------------


def test_the_search_stands_above_the_extraction():
    found = read_search(SEARCH)
    layout = flow("X", [fitted(document(3))], [], [], found)
    boxes = {box.stage: box for box in layout.boxes}
    assert list(boxes)[:6] == ["Identification", "Screening", "Retrieval", "Eligibility", "Included", "Extraction"]
    assert boxes["Identification"].words[0] == "758 records identified"
    assert boxes["Identification"].left == (
        "203 duplicate records removed",
        "12 records marked as ineligible by automation tools",
    )
    assert boxes["Eligibility"].left == ("91 reports excluded", "no outcome: 58", "another comparator: 33")
    assert boxes["Included"].words == ("41 studies included", "44 reports of included studies")
    assert "data/raw/search.csv" in layout.notes[1]
    said = markdown(written(found=found))
    assert (
        "758 records were identified (PubMed, 2026-03-01 412; PsycINFO, 2026-03-01 305; ClinicalTrials.gov 41)" in said
    )
    assert "215 were removed before screening; 543 records were screened" in said


def test_without_a_table_there_is_no_search_and_that_is_said(tmp_path):
    assert find_search(tmp_path) == []
    layout = flow("X", [fitted(document(3))], [], [])
    assert layout.boxes[0].stage == "Extraction"
    assert "not part of the data" in layout.notes[1]
    assert "The search is not part of the data" in markdown(written())


def test_numbers_that_are_missing_stay_so(tmp_path):
    path = tmp_path / "search.csv"
    path.write_text("step,what,records\nidentified,PubMed,10\nassessed,,4\n")
    found = read_search(path)
    assert total(found, "screened") is None
    assert [box.stage for box in flow("X", [fitted(document(3))], [], [], found).boxes][:2] == [
        "Identification",
        "Eligibility",
    ]
    assert (
        "screened" not in markdown(written(found=found)).split("## Results")[0].split("Search and selection.")[1][:300]
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("screened,,543", "screened,,544", "allowed: 543: 758 identified less 215 of duplicates"),
        ("sought,,141", "sought,,140", "allowed: 141: 543 screened less 402 of excluded"),
        ("included_reports,,44", "included_reports,,45", "allowed: 44: 135 assessed less 91 of ineligible"),
        ("duplicates,,203", "doubles,,203", "row 5, column step: 'doubles'; allowed: one of identified"),
        ("duplicates,,203", "duplicates,,-1", "row 5, column records: '-1'; allowed: a whole number"),
        ("ineligible,no outcome,58", "ineligible,,58", "row 12, column what: ''; allowed: a reason"),
        ("screened,,543", "screened,,543\nscreened,again,1", "row 8, column step: 'screened again'; allowed: each"),
        ("ineligible,no outcome,58", "ineligible,another comparator,58", "allowed: each step and what once"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_is_refused(tmp_path, old, new, said):
    path = tmp_path / "search.csv"
    path.write_text(SEARCH.read_text().replace(old, new))
    with pytest.raises(InputError, match=re.escape(said)):
        read_search(path)


def test_the_plan_is_refused_with_a_search_that_cannot_be(project):
    (project.raw / "search.csv").write_text("step,what,records\nidentified,PubMed,10\nscreened,,11\n")
    plan = planning.Plan(read_config(str(project.config_path), project.raw))
    with pytest.raises(InputError, match="step screened"):
        planning.check(plan, project.raw)


def test_the_figures_are_those_of_bridged_syntheses_or_of_all():
    plan = planning.load(
        planning.read_yaml(ROOT / "tests" / "complete" / "config.yaml"),
        raw=ROOT / "tests" / "complete" / "data" / "raw",
    )
    assert plan.figures_of_manuscript() == [
        "prisma_flow", "forest_comparison", "forest_comparison_studies", "forest_alliance", "forest_alliance_total",
        "forest_trials", "forest_online", "bridge_alliance_beside_trials", "bridge_total_beside_online", "risk_of_bias",
    ]  # fmt: skip
    alone = planning.load(
        planning.read_yaml(ROOT / "examples" / "bcg" / "config.yaml"), raw=ROOT / "examples" / "bcg" / "data" / "raw"
    )
    assert set(alone.config.syntheses) == {n.removeprefix("forest_") for n in alone.figures_of_manuscript()[1:-1]}


def test_what_the_checklist_leaves_is_named():
    assert WRITE == "author must write"
    assert "- item 1: title" in markdown(written())
    assert isinstance(material().documents[0], Fitted)
