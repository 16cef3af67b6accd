"""Formulas: what they mean, held against formulaic and R's printed polynomials; what they refuse, by name."""

import string

import numpy as np
import pandas as pd
import pytest
import tolerances as tol
from formulaic import model_matrix as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.errors import InputError
from synthesis.meta.formula import Formula, Part, label_of, parse_formula
from synthesis.meta.model_matrix import check_apart, model_matrix

K = 60
RANDOM = np.random.default_rng(3)
COLUMNS = {
    "a": list(RANDOM.choice(["low", "mid", "top"], K)),
    "b": list(RANDOM.choice(["no", "yes"], K)),
    "x": RANDOM.normal(10, 3, K),
    "z": RANDOM.uniform(1, 5, K),
}
SAMPLES = [i // 3 for i in range(K)]


def matrix(formula, reference=None, columns=None):
    read = parse_formula(formula)
    found = model_matrix(read, {c: (columns or COLUMNS)[c] for c in read.columns}, SAMPLES, reference or {})
    check_apart(found.x, found.names)
    return found


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("a", ["a"]),
        (" ~ a + x ", ["a", "x"]),
        ("a + a", ["a"]),
        ("a * x", ["a", "x", "a:x"]),
        ("x:a + x + a", ["x", "a", "x:a"]),
        ("a * b * x", ["a", "b", "x", "a:b", "a:x", "b:x", "a:b:x"]),
        ("a * b * x - a:b:x", ["a", "b", "x", "a:b", "a:x", "b:x"]),
        ("(a + b + x)^2", ["a", "b", "x", "a:b", "a:x", "b:x"]),
        ("(a + b)^3", ["a", "b", "a:b"]),
        ("a + b : x + b + x", ["a", "b", "x", "b:x"]),
        ("1 + log(z) * poly(x, 2)", ["log(z)", "poly(x, 2)", "log(z):poly(x, 2)"]),
        ("`a` + within(x) + between(x)", ["a", "within(x)", "between(x)"]),
    ],
)
def test_a_formula_means_these_terms(formula, terms):
    assert [label_of(term) for term in parse_formula(formula).terms] == terms


def test_a_formula_names_its_columns_and_those_that_must_hold_numbers():
    read = parse_formula("a * log(x) + poly(z, 2) + x")
    assert read.columns == ("a", "x", "z")
    assert read.numeric == ("x", "z")
    assert Part("z", "poly", 2).label == "poly(z, 2)"


SUMS = st.lists(
    st.sampled_from(["a", "b", "x", "z", "a * b", "a * x", "b * x * z", "(a + z)^2", "center(x)", "a * log(z)"]),
    min_size=1,
    max_size=4,
)


@given(SUMS)
@settings(max_examples=60, deadline=None)
def test_designs_are_those_of_formulaic(parts):
    """The other library reads the same formula over the same columns: the same columns, whatever their order."""
    formula = " + ".join(parts)
    table = pd.DataFrame(COLUMNS)
    wanted = theirs(formula.replace("^", "**"), table)
    if np.linalg.matrix_rank(np.asarray(wanted)) < wanted.shape[1]:
        # x and center(x) follow from each other, which only we refuse.
        with pytest.raises(InputError, match="told apart"):
            matrix(formula)
        return
    found = matrix(formula)
    names = {
        ":".join(sorted(p.replace("[T.", "").replace("]", "") for p in name.split(":"))): np.asarray(column, float)
        for name, column in wanted.items()
    }
    names["intrcpt"] = names.pop("Intercept")
    ours = {":".join(sorted(name.split(":"))): found.x[:, j] for j, name in enumerate(found.names)}
    assert ours.keys() == names.keys()
    for name, column in ours.items():
        assert column == pytest.approx(names[name], rel=tol.FORMULA, abs=tol.FORMULA), name


def test_polynomials_are_orthonormal_and_foretell_themselves():
    found = matrix("poly(x, 3)")
    block = found.x[:, 1:]
    assert block.T @ block == pytest.approx(np.eye(3), abs=tol.LAW)
    assert block.sum(axis=0) == pytest.approx(np.zeros(3), abs=tol.LAW)
    again = found.rows([{"x": float(x)} for x in COLUMNS["x"]])
    assert again == pytest.approx(found.x, abs=tol.LAW)


def test_between_and_within_are_the_mean_of_a_sample_and_what_is_left():
    found = matrix("between(x) + within(x)")
    x = COLUMNS["x"]
    means = np.repeat(x.reshape(-1, 3).mean(axis=1), 3)
    assert found.x[:, 1] == pytest.approx(means, rel=tol.LAW)
    assert found.x[:, 2] == pytest.approx(x - means, abs=tol.LAW)
    # At a new value a sample lies on its own mean.
    assert found.rows([{"x": 7.0}])[0] == pytest.approx([1, 7.0, 0.0])


def test_a_reference_level_is_the_one_that_has_no_column():
    assert matrix("a", {"a": "top"}).names == ("intrcpt", "alow", "amid")
    assert matrix("a").names == ("intrcpt", "amid", "atop")


def test_a_marginal_row_counts_levels_the_same_and_holds_numbers_at_their_mean():
    found = matrix("a * b + x")
    row = dict(zip(found.names, found.averaged({"b": "yes"}), strict=True))
    assert row["byes"] == 1
    assert row["amid"] == row["atop"] == row["amid:byes"] == pytest.approx(1 / 3)
    assert row["x"] == pytest.approx(COLUMNS["x"].mean())


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("", "text such as"),
        ("1", "one moderator"),
        ("a - a", "one moderator"),
        ("a +", "the end"),
        ("a + 0", "the intercept is always there"),
        ("a - 1", "the intercept is always there"),
        ("(a + b", "not closed"),
        ("a:b", r"write a \* b"),
        ("a + a:b", r"b is missing.*write a \* b"),
        ("exp(x)", "log, log2"),
        ("poly(x)", "degree"),
        ("poly(x, 9)", "from 1 to 5"),
        ("log(x + 1)", "log takes one column"),
        ("a b", "b in"),
        ("a; b", "; in"),
        ("a." + "b", r"\. in"),
        ("{a}", "{ in"),
        ("__import__('os')", "log, log2"),
        ("a" * 501, "at most 500"),
        ("(" * 30 + "a" + ")" * 30, "brackets in each other"),
        ("(a+b+c+d+e+f+g)^4", "terms"),
        (" + ".join(f"a{i}" for i in range(70)), "terms"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_place(formula, words):
    with pytest.raises(InputError, match=f"(?s)formula.*{words}"):
        parse_formula(formula)


@given(st.text(alphabet=string.printable, max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_formula_or_refused_by_name(text):
    places = {"formula"}
    try:
        found = parse_formula(text)
    except InputError as error:
        places = {problem.where for problem in error.problems}
        found = parse_formula("a")
    assert isinstance(found, Formula)
    assert places == {"formula"}


@pytest.mark.parametrize(
    ("formula", "changed", "words"),
    [
        ("log(a)", {}, "a column of numbers in log"),
        ("log(x)", {"x": np.append(np.ones(K - 1), 0.0)}, "numbers above 0"),
        ("sqrt(x)", {"x": np.append(np.ones(K - 1), -1.0)}, "at least 0"),
        ("a", {"a": ["low"] * K}, "at least two levels"),
        ("x", {"x": np.full(K, 2.0)}, "x.*columns that vary"),
        ("scale(x)", {"x": np.full(K, 2.0)}, "numbers that differ"),
        ("poly(x, 2)", {"x": np.arange(K) % 2.0}, "more than 2 different numbers"),
        ("within(x) + a", {"x": np.repeat(np.arange(K / 3), 3)}, r"within\(x\).*columns that vary"),
        ("x + z", {"z": 3 * COLUMNS["x"] + 1}, "x, z.*told apart"),
        ("a * b", {"b": ["yes" if a == "top" else "no" for a in COLUMNS["a"]]}, "a combination of levels|told apart"),
        ("a + `am`", {"a": ["no", "mid"] * (K // 2), "am": ["id", "no"] * (K // 2)}, "."),
    ],
)
def test_columns_that_a_formula_does_not_take_are_named(formula, changed, words):
    with pytest.raises(InputError, match=words):
        matrix(formula, columns=COLUMNS | changed)


def test_only_what_follows_from_the_others_is_named():
    with pytest.raises(InputError) as caught:
        matrix("b + x + z", columns=COLUMNS | {"z": 3 * COLUMNS["x"] + 1})
    assert caught.value.problems[0].value == "intrcpt, x, z"


@pytest.mark.parametrize(("reference", "words"), [({"a": "none"}, "low, mid, top"), ({"x": "1"}, "a column of words")])
def test_a_reference_that_there_is_not_is_refused(reference, words):
    with pytest.raises(InputError, match=words):
        matrix("a + x", reference)
