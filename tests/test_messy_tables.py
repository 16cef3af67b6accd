"""Messy tables, each read right or refused by one sentence in the words of the table: what a stranger tried."""

import datetime

import openpyxl
import pytest
from synthesis.data.foreign import words
from synthesis.data.reading import read_yaml
from synthesis.errors import InputError
from synthesis.plan import plan
from synthesis.plan.starting import Start, start
from synthesis.results.extracted import Effect

DAY = datetime.date(2026, 1, 2)


def effects(tmp_path, table, statistic="", columns="", better="larger", metric="", **more):
    """The effects of a table by study; `columns` as ours=theirs with | between them."""
    if isinstance(table, str):
        path = tmp_path / "own.csv"
        path.write_text(table, encoding="utf-8")
    else:
        path = table
    pairs = dict(pair.split("=", 1) for pair in columns.split("|")) if columns else {}
    start(tmp_path / "review", Start("T", path, statistic, pairs, better, "x", metric, **more), DAY)
    read = plan.load(read_yaml(tmp_path / "review" / "config.yaml"))
    rows = plan.check(read, tmp_path / "review" / "data" / "raw").values()
    return {row.study: row for row in rows if isinstance(row, Effect)}


SE = "study=study|value=g|se=se"
F = "study=study|value=F|df1=df1|n_treat=n1|n_control=n2"
REFUSED = {
    "arrows in a column of directions": (
        "study,g,se,direction\nA,.3,.1,\u2191\nB,.2,.1,\u2193\n", {}, "column direction.*'direction=direction' in",
    ),
    "words of its own in a column of directions": (
        "study,g,se,direction\nA,.3,.1,improved\nB,.2,.1,worse\n", {}, "column direction: 'improved, worse'",
    ),
    "a column of signs beside correlations without": (
        "study,r,n,sign\nA,.3,100,-\nB,.2,90,+\n", {}, "column sign: '-, \\+'; allowed: numbers with their sign in r",
    ),
    "signs of findings of F that are not taken": (
        "study,F,df1,n1,n2,finding\nA,4.5,1,30,30,negative\n", {"statistic": "f", "columns": F, "metric": "g"},
        "column finding: 'negative'; allowed: 'sign=finding' in --columns",
    ),
    "the arm that did better beside t": (
        "study,t,n1,n2,better\nA,2.1,30,30,control\nB,1.1,20,20,treatment\n", {"statistic": "t", "metric": "g"},
        "column better: 'control, treatment'.*it says whom a finding favours",
    ),
    "a statistic in capitals": (
        "study,RR,lower,upper\nA,1.2,.9,1.6\n", {"statistic": "RR"}, "did you mean rr",
    ),
    "two treatments of one trial by their effects": (
        "study,g,n1,n2\nA 2001 CBT,.5,30,31\nA 2001 (IPT),.4,29,31\nB 2002,.3,40,31\n", {"statistic": "g"},
        "rows 2, 3: '31'.*A 2001 CBT, A 2001 \\(IPT\\) have control arms of one size: one trial",
    ),
    "a dash among other directions": (
        "study,g,se,side\nA,.3,.1,1\nB,.2,.1,-\n", {"statistic": "g", "columns": f"{SE}|direction=side"},
        "row 3, column side: '-'.*a minus, or nothing",
    ),
    "sides of a test in words of its own": (
        "study,p,n1,n2,sign,tails\nA,.03,30,30,1,both\n",
        {"statistic": "p", "columns": "study=study|p=p|n_treat=n1|n_control=n2|sign=sign|p_sides=tails", "metric": "g"},
        "row 2, column tails: 'both'; allowed: one of 1, 2",
    ),
    "one id under several papers": (
        "study,trial_id,r,n\nA 2001,77,.3,100\nB 2002,77,.2,90\nC 2003,78,.1,80\n", {},
        "column trial_id: '77'; allowed: 'sample_id=trial_id'.*the same people under several studies: A 2001, row 2; B",
    ),
    "one short id under several papers": (
        "study,s,r,n\nA 2001,7,.3,100\nB 2002,7,.2,90\nC 2003,8,.1,80\n",
        {"statistic": "r", "columns": "study=study|sample_id=s|value=r|n=n"},
        "column s: '7'; allowed: one study for a sample, or --samples given",
    ),
    "limits of 90%": (
        "study,g,90% low,90% high\nA,.3,.1,.5\n",
        {"statistic": "g", "columns": "study=study|value=g|ci_low=90% low|ci_high=90% high"},
        "ci_low=90% low.*limits of 95%, or se",
    ),
    "an interval in one cell": (
        "study,g,ci,up\nA,.3,0.1-0.5,.5\n",
        {"statistic": "g", "columns": "study=study|value=g|ci_low=ci|ci_high=up"}, "column ci: '0.1-0.5'.*two numbers",
    ),
    "a thousand or a fraction between semicolons": (
        "study;xi;ti\nA;13;1.788\nB;4;366\n", {"statistic": "rate"}, "column ti: '1.788'.*1788 or 1.788",
    ),
    "a fraction or a thousand between semicolons": (
        "study;xi;ti\nA;13;1,788\nB;4;366\n", {"statistic": "rate"}, "column ti: '1,788'.*1788 or 1.788",
    ),
    "a date that became its number": (
        "study,g,se\nA,45323,.1\nB,.2,.1\n", {}, "row 2, column g: '45323'.*a date that a spreadsheet turned into",
    ),
    "a year twice": ("study,year,year,g,se\nA,2001,2002,.3,.1\n", {}, "row 1: 'year'; allowed: each column that is"),
    "a variance as the error of a log odds ratio": (
        "study,logOR,se,n1,n2\nA,.5,.09,100,100\n", {"statistic": "log_or", "metric": "log_odds_ratio"},
        "column se: '0.09'; allowed: at least 0.283 on the logarithm",
    ),
    "an error that no risks allow": (
        "study,RR,lower,upper,n1,n2\nA,1.2,1.19,1.21,30,30\n",
        {"statistic": "rr", "columns": "study=study|value=RR|ci_low=lower|ci_high=upper|n_treat=n1|n_control=n2"},
        "column lower.*at least 0.0816 on the logarithm",
    ),
    "ratios of two events": (
        "study,OR,lower,upper,better\nA,1.2,.8,1.8,higher\nB,.7,.5,.98,lower\n",
        {"statistic": "or", "metric": "log_odds_ratio",
         "columns": "study=study|value=OR|ci_low=lower|ci_high=upper|direction=better"},
        "column better: 'a larger number is better in row 2; a smaller number is better in row 3'.*keep the rows",
    ),
    "the double arcsine": (
        "study,xi,ni\nA,4,30\n", {"statistic": "count", "metric": "double arcsine"},
        "--metric: 'double arcsine'.*PFT is not here: the double arcsine has no way back",
    ),
    "a change by an unnamed SD": (
        "study,change,se\nA,.8,.12\n",
        {"statistic": "smd_within_arm_change", "metric": "smcr", "columns": "study=study|value=change|se=se"},
        "standardized_by=<column>, too",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "given", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_be_read_wrongly_is_refused_in_the_words_of_the_table(tmp_path, table, given, said):
    with pytest.raises(InputError, match=said):
        effects(tmp_path, table, **given)
    assert not (tmp_path / "review").exists()


def test_dashes_of_any_kind_are_minus_beside_a_plus(tmp_path):
    """The minus of typesetters was read as nothing, and the row took the direction of the table."""
    table = "study,g,se,side\nA,.3,.1,+\nB,.2,.1,\u2212\nC,.1,.1,-\nD,.1,.1,\u2013\n"
    found = effects(tmp_path, table, "g", f"{SE}|direction=side")
    assert [found[name].direction for name in "ABCD"] == [1, -1, -1, -1]
    assert [found[name].yi for name in "AB"] == [0.3, -0.2]


def test_signs_that_the_numbers_have_are_not_asked_about(tmp_path):
    found = effects(tmp_path, "study,g,se,sign\nA,-.3,.1,-\nB,.2,.1,+\n")
    assert (found["A"].yi, found["B"].yi) == (-0.3, 0.2)


@pytest.mark.parametrize("printed", ["one-sided", "1", "One-tailed", "einseitig"])
def test_sides_of_a_test_are_read_in_words(tmp_path, printed):
    """Words that were not known were left empty, and the p was read as two-sided."""
    table = f"study,p,n1,n2,sign,sides\nA,.03,30,30,1,{printed}\n"
    columns = "study=study|p=p|n_treat=n1|n_control=n2|sign=sign|p_sides=sides"
    assert effects(tmp_path, table, "p", columns, metric="g")["A"].p_sides == "1"


def test_a_one_sided_p_that_rounds_to_1_is_no_number(tmp_path):
    table = "study,p,n1,n2,sign,sides\nA,1,30,30,1,1\nB,.03,30,30,1,1\n"
    columns = "study=study|p=p|n_treat=n1|n_control=n2|sign=sign|p_sides=sides"
    assert list(effects(tmp_path, table, "p", columns, metric="g")) == ["B"]


def test_ids_that_every_study_begins_anew_are_no_samples_of_several(tmp_path):
    table = "study,sample,r,n\nA 2001,1,.3,100\nA 2001,2,.2,60\nB 2003,1,.1,80\nC 2004,1,.1,70\n"
    assert len(effects(tmp_path, table)) == 3
    found = effects(
        tmp_path / "given", _saved(tmp_path / "given", table), "r", "study=study|sample_id=sample|value=r|n=n"
    )
    assert found["B 2003"].sample_id == "B 2003 / 1"


def _saved(folder, content):
    folder.mkdir()
    path = folder / "own.csv"
    path.write_text(content)
    return path


def test_numbers_of_a_workbook_are_numbers_and_its_texts_are_asked_about(tmp_path):
    """1.788 in a cell of text may be 1788; a number that a workbook holds is what it is."""
    for name, cell in (("number", 1.788), ("text", "1.788")):
        book = openpyxl.Workbook()
        for line in (["study", "xi", "ti"], ["A", 13, cell], ["B", 4, 366]):
            book.active.append(line)
        (tmp_path / name).mkdir()
        book.save(tmp_path / name / "own.xlsx")
    assert effects(tmp_path / "number", tmp_path / "number" / "own.xlsx", "rate")["A"].time_treat == 1.788
    with pytest.raises(InputError, match=r"column ti: '1.788'.*1788 or 1.788"):
        effects(tmp_path / "text", tmp_path / "text" / "own.xlsx", "rate")


def test_a_statistic_is_recognised_that_has_the_metric(tmp_path):
    """Counts with a metric were taken for means, as no converter of means lacked anything."""
    found = effects(tmp_path, "study,ai,n1i,ci,n2i\nA,10,30,5,31\n", metric="log_odds_ratio")
    assert found["A"].statistic == "2x2"


def test_fishers_z_has_its_variance_from_its_interval(tmp_path):
    found = effects(tmp_path, "study,z,lower,upper\nA,.25,.05,.45\n", "z")
    assert found["A"].vi == pytest.approx((0.4 / (2 * 1.959964)) ** 2, rel=1e-5)


def test_what_an_error_of_a_ratio_is_taken_for_is_said(tmp_path):
    path = _saved(tmp_path / "own", "study,OR,SE\nA,2.5,1.2\n")
    columns = {"study": "study", "value": "OR", "se": "SE"}
    started = start(tmp_path / "r", Start("T", path, "or", columns, "larger", "x", "log_odds_ratio"), DAY)
    assert any("SE: taken as standard errors of the logarithm of or" in line for line in started.notes)


@pytest.mark.parametrize(
    "name",
    [
        "Gesamt", "Gesamteffekt (95%-KI)", "Total g\u00e9n\u00e9ral", "Toutes les \u00e9tudes", "Efecto global",
        "Sous-total", "Totale complessivo", "Media ponderata", "Totaal", "I alt", "\u5408\u8a08",
        "\u0418\u0442\u043e\u0433\u043e", "\u03a3\u03cd\u03bd\u03bf\u03bb\u03bf",
        "Yhteens\u00e4", "\u00d6sszesen", "Meta-analysis", "Alle Studien", "k = 5 studies", "\u03a3", "Durchschnitt",
    ],
)  # fmt: skip
def test_totals_are_known_in_several_languages(name):
    assert words.is_total(name)


@pytest.mark.parametrize(
    "name",
    ["Summa et al.", "Gesamt & Meier 2001", "Ensemble study", "All-Stars 2004", "Media 2012", "Alle et al."],
)
def test_studies_that_are_called_like_totals_are_kept(name):
    assert not words.is_total(name)
