"""Terms of the user's own for constructs, raters and the like; what is said of an association follows its construct."""

import pytest
import yaml
from synthesis.cli.main import main
from synthesis.data.columns import BY_NAME, OPEN_COLUMNS
from synthesis.data.terms import near_term
from synthesis.data.vocabulary import CONTRASTS, contrast_name, early_improvement, nobody_assigned, process_name
from synthesis.draw.comparison import lane_heading
from synthesis.report.sentences import not_causal
from synthesis.results.document import read_document
from synthesis.results.files import read_json
from synthesis.results.fitted import Fitted
from test_own import checked, refused

# --- terms --------------------------------------------------------------------------------------------------------

SLIPS = {
    "construct": ["allience", "Alliance", "adherance", "competency", "protocoll"],
    "rater": ["clients", "therapsit", "self report", "Observer"],
    "timepoint": ["followup", "avaraged", "pots", "Post"],
    "comparator": ["waitlist", "usual-care", "Wait list", "no ne"],
    "adjusted_for": ["Baseline", "base line", "prior changes"],
}
NEW = {
    "construct": ["empathy", "real relationship", "homework"],
    "rater": ["parent", "teacher", "supervisor"],
    "timepoint": ["6 months", "session 3"],
    "comparator": ["active control", "treatment as usual", "medication"],
    "adjusted_for": ["age and sex"],
}


@pytest.mark.parametrize(("column", "word"), [(column, word) for column, words in SLIPS.items() for word in words])
def test_a_slip_of_a_known_term_is_refused_with_it(column, word):
    assert near_term(word, BY_NAME[column].allowed) in BY_NAME[column].allowed


@pytest.mark.parametrize(("column", "word"), [(column, word) for column, words in NEW.items() for word in words])
def test_a_term_like_none_of_the_known_ones_is_ones_own(column, word):
    assert near_term(word, BY_NAME[column].allowed) is None


def test_no_known_term_is_a_slip_of_another():
    for column in OPEN_COLUMNS:
        assert not any(near_term(term, BY_NAME[column].allowed) for term in BY_NAME[column].allowed)


def test_terms_of_ones_own_are_accepted_with_a_note_and_silently_where_they_are_defined(project, capsys):
    rows = project.rows()
    for row in rows:
        row |= {"construct": "vaccination", "comparator": "usual care plus"}
    project.write(rows)
    refused(
        project, capsys, "column comparator: 'usual care plus'", "did you mean usual care?", "vocabulary.comparator"
    )
    path = project.raw / "bcg" / "source.yaml"
    about = path.read_text()
    path.write_text(about + yaml.safe_dump({"vocabulary": {"comparator": {"usual care plus": "with a leaflet"}}}))
    status, said = checked(project, capsys)
    assert (status, "construct 'vaccination' (13 rows) is no known term" in said, "leaflet" in said) == (0, True, False)
    terms = {"comparator": {"usual care plus": "with a leaflet"}, "construct": {"vaccination": "any vaccine"}}
    path.write_text(about + yaml.safe_dump({"vocabulary": terms}))
    assert "no known term" not in checked(project, capsys)[1]


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"constructs": {"empathy": "x"}}, "did you mean construct?"),
        ({"construct": {"empathy": " "}}, "a term with its definition"),
        ({"construct": ["empathy"]}, "a mapping"),
        ({"rater": {False: "x"}}, "in quotation marks"),
    ],
)
def test_slips_in_a_vocabulary(project, capsys, vocabulary, message):
    path = project.raw / "bcg" / "source.yaml"
    path.write_text(path.read_text() + yaml.safe_dump({"vocabulary": vocabulary}))
    refused(project, capsys, message)


# --- constructs ---------------------------------------------------------------------------------------------------


def test_words_about_associations_follow_the_construct():
    assert early_improvement(["alliance"]) == "early improvement may raise the alliance too"
    assert nobody_assigned(["alliance", "alliance"]) == "nobody was assigned to an alliance"
    assert contrast_name("1_sd", ["alliance"]) == "one SD of alliance"
    assert contrast_name("median_split", ["alliance"]) == "better against worse half of alliances"
    for constructs in (["empathy"], ["empathy", "warmth"], []):
        for words in (early_improvement, nobody_assigned, process_name):
            assert "alliance" not in words(constructs)
        for contrast in CONTRASTS:
            assert "alliance" not in contrast_name(contrast, constructs)
    assert process_name(["empathy", "alliance", "warmth"]) == "empathy, the alliance and warmth"


def test_a_review_of_another_construct_says_nothing_of_the_alliance(tmp_path, capsys):
    """From a table to the words of figure, card and report."""
    table = tmp_path / "empathy.csv"
    table.write_text("study,r,n\n" + "".join(f"Study {i},{0.1 * i:.1f},{40 + i}\n" for i in range(1, 7)))
    raw = tmp_path / "data" / "raw" / "empathy"
    arguments = ["--table", str(table), "--statistic", "r", "--better", "larger", "--citation", "x", "--columns"]
    assert main(["new", str(tmp_path), *arguments, "study=study", "value=r", "n=n"]) == 0
    effects = raw / "effects.csv"
    effects.write_text(effects.read_text().replace("process", "empathy"))
    out = tmp_path / "results"
    config = ["--config", str(tmp_path / "config.yaml")]

    def run(command, *words):
        assert main([command, *map(str, words)]) == 0, capsys.readouterr().err

    run("extract", "--raw", raw.parent, "--source", "empathy", "--metrics", "z", "--out", out / "s.json")
    run("fit", *config, "--synthesis", "empathy", "--sources", out / "s.json", "--out", out / "empathy.json",
        "--check", out / "check.json")  # fmt: skip
    run("forest", *config, "--model", out / "empathy.json", "--sources", out / "s.json", "--out", out / "figures")
    assert read_json(out / "empathy.json")["constructs"] == ["empathy"]
    drawn = (out / "figures" / "forest_empathy.svg").read_text()
    assert "early improvement may raise" in drawn
    assert "alliance" not in drawn
    document = read_document(out / "empathy.json", Fitted)
    assert "alliance" not in not_causal([document])
    assert "alliance" not in lane_heading("A", [document])


def new_review(tmp_path, capsys, *arguments, rater="Observer"):
    """The exit status and what `synthesis new` says of a table with raters."""
    table = tmp_path / "t.csv"
    table.write_text("study,r,n,who\n" + "".join(f"Study {i},0.{i},{40 + i},{rater}\n" for i in range(1, 4)))
    columns = ["--columns", "study=study", "value=r", "n=n", "rater=who"]
    common = ["--statistic", "r", "--better", "larger", "--citation", "x"]
    status = main(["new", str(tmp_path / "made"), "--table", str(table), *common, *columns, *arguments])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_a_new_review_may_be_of_any_construct_and_says_so(tmp_path, capsys):
    status, said = new_review(tmp_path, capsys, "--construct", "warmth", rater="parent")
    assert status == 0, said
    for column, term in (("construct", "warmth"), ("rater", "parent")):
        assert f"{column} {term!r} (3 rows) is no known term and is taken as your own" in said
    assert "construct: warmth\n" not in said
    assert "no known term" not in new_review(tmp_path, capsys, "--construct", "empathy", "--replace")[1].replace(
        "construct 'empathy' (3 rows) is no known term", ""
    )


def test_a_slip_of_a_known_term_in_a_table_is_named_by_its_own_column(tmp_path, capsys):
    status, said = new_review(tmp_path, capsys, rater="therapsit")
    assert status == 1
    assert "row 2, column who: 'therapsit'" in said
    assert (
        "did you mean therapist? Write it so in the table; a term of your own that is like it: --carry the column"
        in said
    )
    assert "source.yaml" not in said
