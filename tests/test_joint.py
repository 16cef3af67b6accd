"""Joint meta-regression: metafor's and clubSandwich's numbers, the same numbers by hand, laws and refusals."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.errors import InputError
from synthesis.meta.dependent import robust_regress
from synthesis.meta.joint import joint_regress
from synthesis.meta.permutation import permutation_test
from synthesis.meta.regression import regress
from synthesis.meta.shuffling import shuffle
from tally import cells_of, data, reference

STORED = json.loads((Path(__file__).parent / "data" / "joint.json").read_text(encoding="utf-8"))
INDEPENDENT = [name for name, case in STORED.items() if "test" in case]
DEPENDENT = [name for name, case in STORED.items() if "rho" in case]
TESTS = {"knha": "hksj", "z": "wald", "t": "wald_t", "adhoc": "hksj_adhoc"}

RANDOM = np.random.default_rng(8)
K = 48
Y, V = RANDOM.normal(0.3, 0.3, K), RANDOM.uniform(0.01, 0.08, K)
COLUMNS = {
    "who": list(RANDOM.choice(["client", "expert", "other"], K)),
    "how": list(RANDOM.choice(["far", "near"], K)),
    "year": RANDOM.integers(1990, 2024, K).astype(float),
    "weeks": RANDOM.uniform(2, 40, K),
}
SAMPLES = list(np.repeat(np.arange(K // 2), 2))
FORMULA = "who + how * year + log(weeks)"


def fit(formula=FORMULA, y=Y, v=V, columns=COLUMNS, **options):
    return joint_regress(y, v, formula, columns, **options)


def values(found, name):
    return [getattr(one, name) for one in found]


def stored_case(case):
    """Effects, variances, columns and samples of a stored case, by the rows that have all that it needs."""
    y, v, _ = data(case["set"])
    cells = {name: cells_of(case["set"], name, name in case["factors"]) for name in case["need"]}
    keep = [i for i in range(len(y)) if all(column[i] is not None for column in cells.values())]
    keep = [keep[row - 1] for row in case["rows"]] if "rows" in case else keep
    columns = {name: [column[i] for i in keep] for name, column in cells.items()}
    cluster = reference(case["set"])["meta"].get("cluster")
    samples = [reference(case["set"])["table"][cluster][i] for i in keep] if cluster else None
    return y[keep], v[keep], columns, samples


def points_of(case, formula):
    """Where predictions are stored: single values are asked for, lists of levels are averaged over."""
    rename = {"b_aget1": "aget1"}
    points = [{rename.get(k, k): x for k, x in p.items() if not isinstance(x, list)} for p in case["at"]]
    return [{k: x for k, x in point.items() if not k.startswith("w_")} for point in points]


def close(found, wanted, what=tol.METAFOR_JOINT):
    assert found == pytest.approx(wanted, rel=what, abs=what), (found, wanted)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_effects_give_the_numbers_of_metafor(name):
    case = STORED[name]
    y, v, columns, _ = stored_case(case)
    found = joint_regress(
        y, v, case["formula"], columns, tau2=case["method"], ci=TESTS[case["test"]],
        reference=case["reference"], at=points_of(case, case["formula"]),
    )  # fmt: skip
    assert found.k == case["k"]
    order = [found_name(found, name) for name in case["names"]]
    coefficients = [found.coefficients[i] for i in order]
    for ours, theirs in {"estimate": "beta", "se": "se", "p": "p", "ci_low": "lb", "ci_high": "ub"}.items():
        close(values(coefficients, ours), case[theirs])
    for ours, theirs in {
        "tau2": "tau2",
        "i2": "I2",
        "r2": "R2",
        "q": "QE",
        "q_p": "QEp",
        "log_likelihood": "ll",
    }.items():
        close(getattr(found.left, ours), case[theirs])
    close([found.vif[i] for i in order][1:], case["vif"])
    tests = {test.term: test for test in found.terms}
    close([tests["all"].statistic, tests["all"].p], [case["QM"], case["QMp"]])
    for term, test in case["terms"].items():
        close([tests[term].statistic, tests[term].p, tests[term].gvif], [test["stat"], test["p"], test["gvif"]])
    names = {"estimate": "pred", "se": "pse", "ci_low": "plb", "ci_high": "pub", "pi_low": "pilb", "pi_high": "piub"}
    for ours, theirs in names.items():
        close(values(found.predicted, ours), case[theirs])


def found_name(found, name):
    """The place of a coefficient by R's name for it."""
    names = [c.name for c in found.coefficients]
    return names.index(name.replace("(Intercept)", "intrcpt").replace("b_aget1", "between(aget1)").replace(
        "w_aget1", "within(aget1)"))  # fmt: skip


@pytest.mark.parametrize("name", DEPENDENT)
def test_dependent_effects_give_the_numbers_of_metafor_and_clubsandwich(name):
    case = STORED[name]
    y, v, columns, samples = stored_case(case)
    formula = case["formula"].replace("b_aget1", "between(aget1)").replace("w_aget1", "within(aget1)")
    found = joint_regress(
        y, v, formula, columns, cluster=samples, rho=case["rho"], reference=case["reference"],
        at=points_of(case, formula),
    )  # fmt: skip
    assert found.k == case["k"]
    assert found.left.log_likelihood >= case["ll"] - tol.CHE_REFERENCE
    order = [found_name(found, name) for name in case["names"]]
    coefficients = [found.coefficients[i] for i in order]
    close(values(coefficients, "estimate"), case["beta"], tol.CHE_REFERENCE)
    close(values(coefficients, "df"), case["df"], tol.CHE_REFERENCE)
    tested = [i for i, c in enumerate(coefficients) if c.se is not None]
    assert len(tested) >= 3
    for ours, theirs in {"se": "se", "p": "p", "ci_low": "lb", "ci_high": "ub"}.items():
        close([getattr(coefficients[i], ours) for i in tested], [case[theirs][i] for i in tested], tol.CHE_REFERENCE)
    close([found.left.tau2, found.left.omega2], case["sigma2"], tol.CHE_REFERENCE)
    close([found.left.q, found.left.q_p], [case["QE"], case["QEp"]], tol.CHE_REFERENCE)
    total = sum(case["sigma2_0"])
    close(found.left.r2, max(0.0, 100 * (1 - sum(case["sigma2"]) / total)), 100 * tol.CHE_REFERENCE)
    close([found.vif[i] for i in order][1:], case["vif"], tol.CHE_REFERENCE)
    for test in found.terms:
        wanted = case["all"] if test.term == "all" else case["terms"].get(r_term(test.term))
        # clubSandwich tests what one sample alone carries as well.
        if test.statistic is not None and not test.note:
            close([test.statistic, test.df2, test.p], [wanted["stat"], wanted["df"], wanted["p"]], tol.CHE_REFERENCE)
        if test.gvif is not None:
            close(test.gvif, wanted["gvif"], tol.CHE_REFERENCE)
    for i, predicted in enumerate(found.predicted):
        close(predicted.estimate, case["pred"][i], tol.CHE_REFERENCE)
        if predicted.se is not None:
            wanted = [case[key][i] for key in ("pse", "pdf", "plb", "pub")]
            close([predicted.se, predicted.df, predicted.ci_low, predicted.ci_high], wanted, tol.CHE_REFERENCE)


def r_term(label):
    return label.replace("between(aget1)", "b_aget1").replace("within(aget1)", "w_aget1")


@pytest.mark.parametrize("name", [name for name in INDEPENDENT if "perm" in STORED[name]])
def test_the_exact_permutation_test_is_that_of_permutest(name):
    """All 5,040 arrangements of seven studies, each fitted anew."""
    case = STORED[name]
    y, v, columns, _ = stored_case(case)
    found = joint_regress(
        y, v, case["formula"], columns, tau2=case["method"], ci=TESTS[case["test"]], permutations=6000
    ).permutation
    assert (found.exact, found.iterations, found.seed) == (True, math.factorial(7), None)
    close([*found.p, found.p_all], [*case["perm"]["p"][1:], case["perm"]["pall"]])


# --- the same numbers by other routes -------------------------------------------------------------------------------


@pytest.mark.parametrize("ci", ["wald", "wald_t", "hksj", "hksj_adhoc"])
def test_one_moderator_is_the_ordinary_regression(ci):
    for name in ("who", "year"):
        found, plain = fit(name, ci=ci), regress(Y, V, {name: COLUMNS[name]}, ci=ci)
        for ours in ("estimate", "se", "p", "ci_low", "ci_high"):
            assert values(found.coefficients, ours) == pytest.approx(getattr(plain, ours), rel=tol.LAW)
        (test,) = found.terms
        assert (test.statistic, test.p) == pytest.approx((plain.qm, plain.qm_p), rel=tol.LAW)
        assert test.df2 == plain.qm_df2
        assert (found.left.r2, found.left.i2) == pytest.approx((plain.r2, plain.i2), rel=tol.LAW)


def test_one_moderator_of_dependent_effects_is_the_robust_regression():
    for name in ("who", "year"):
        found = fit(name, cluster=SAMPLES, rho=0.4)
        plain = robust_regress(Y, V, {name: COLUMNS[name]}, SAMPLES, rho=0.4)
        for ours in ("estimate", "se", "df", "p", "ci_low", "ci_high"):
            assert values(found.coefficients, ours) == pytest.approx(getattr(plain, ours), rel=tol.LAW)
        (test,) = found.terms
        assert (test.statistic, test.df2, test.p) == pytest.approx((plain.f, plain.f_df2, plain.f_p), rel=tol.LAW)


def test_a_level_of_one_sample_has_no_test_and_stands_in_none():
    """As `robust_regress` has it for one moderator, also where the sample has effects of other levels, too."""
    who = [["client", "expert"][i % 2] for i in range(K)]
    who[5] = who[4] = "other"
    who[4] = "client"
    found = fit("who", columns={"who": who}, cluster=SAMPLES)
    plain = robust_regress(Y, V, {"who": who}, SAMPLES)
    assert plain.f_left_out == (("other", "one sample"),)
    assert [c.se is None for c in found.coefficients] == [False, False, True]
    assert "one sample alone" in found.coefficients[2].note
    assert found.terms[0].statistic == pytest.approx(plain.f, rel=tol.LAW)
    assert found.terms[0].note == "1 of 2 coefficients not in the test: one sample alone carries it"
    # As the reference it leaves the difference of the two others to be tested.
    turned = fit("who", columns={"who": who}, cluster=SAMPLES, reference={"who": "other"}, means=["who"])
    assert [c.se is None for c in turned.coefficients] == [True, True, True]
    assert turned.terms[0].statistic == pytest.approx(plain.f, rel=tol.LAW)
    assert [m.se is None for m in turned.means] == [True, False, False]


def test_marginal_means_are_averages_of_the_cells():
    found = fit(means=["who", "who:how"])
    fixed = {"year": COLUMNS["year"].mean(), "weeks": COLUMNS["weeks"].mean()}
    grid = list(itertools.product(["client", "expert", "other"], ["far", "near"]))
    cells = fit(at=[{"who": who, "how": how, **fixed} for who, how in grid]).predicted
    assert values(found.means[3:], "estimate") == pytest.approx(values(cells, "estimate"), rel=tol.LAW)
    assert values(found.means[3:], "pi_high") == pytest.approx(values(cells, "pi_high"), rel=tol.LAW)
    by_hand = np.array(values(cells, "estimate")).reshape(3, 2).mean(axis=1)
    assert values(found.means[:3], "estimate") == pytest.approx(by_hand, rel=tol.LAW)
    assert [m.name for m in found.means[:4]] == ["who = client", "who = expert", "who = other",
                                                 "who = client, how = far"]  # fmt: skip


def test_variance_inflation_is_by_the_weighted_regression_on_the_others():
    """1 / (1 - R2) of each column on the others with the weights of the fit: Fox & Monette's for one coefficient."""
    found = fit("year + log(weeks) + how")
    w = 1 / (V + found.left.tau2)
    x = np.column_stack([COLUMNS["year"] - 2000, np.log(COLUMNS["weeks"]), [h == "near" for h in COLUMNS["how"]]])
    names = [c.name for c in found.coefficients]
    for j, name in enumerate(["year", "log(weeks)", "hownear"]):
        others = np.column_stack([np.ones(K), np.delete(x, j, axis=1)])
        beta = np.linalg.solve(others.T @ (w[:, None] * others), others.T @ (w * x[:, j]))
        rest = w @ (x[:, j] - others @ beta) ** 2
        total = w @ (x[:, j] - np.average(x[:, j], weights=w)) ** 2
        assert found.vif[names.index(name)] == pytest.approx(total / rest, rel=tol.LAW)


def test_the_share_explained_of_dependent_effects_is_against_the_model_without_moderators():
    y = Y + np.array([float(w == "other") for w in COLUMNS["who"]])
    found, empty = fit("who", y=y, cluster=SAMPLES), fit("year", y=y, cluster=SAMPLES)
    assert found.left.r2 > 50
    assert 0 <= empty.left.r2 < found.left.r2
    assert found.left.i2 < empty.left.i2


# --- laws -----------------------------------------------------------------------------------------------------------


@given(st.permutations(range(K)), st.booleans())
@settings(max_examples=8, deadline=None)
def test_the_order_of_effects_changes_nothing(order, dependent):
    cluster = SAMPLES if dependent else None
    turned = fit(
        y=Y[order], v=V[order], columns={name: [cells[i] for i in order] for name, cells in COLUMNS.items()},
        cluster=[SAMPLES[i] for i in order] if dependent else None, means=["who"],
    )  # fmt: skip
    same(turned, fit(cluster=cluster, means=["who"]), 1.0)


@given(st.floats(0.01, 100), st.booleans())
@settings(max_examples=8, deadline=None)
def test_another_unit_of_the_effects_changes_estimates_alone(factor, dependent):
    cluster = SAMPLES if dependent else None
    turned = fit(y=factor * Y, v=factor**2 * V, cluster=cluster, means=["who"], permutations=50)
    straight = fit(cluster=cluster, means=["who"], permutations=50)
    same(turned, straight, factor)
    assert turned.permutation == straight.permutation


def same(found, wanted, factor):
    for group in ("coefficients", "means"):
        for name in ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high"):
            ours, theirs = (values(getattr(f, group), name) for f in (found, wanted))
            assert [x is None for x in ours] == [x is None for x in theirs]
            scaled = [None if x is None else factor * x for x in theirs]
            assert [x for x in ours if x is not None] == pytest.approx([x for x in scaled if x is not None], rel=1e-6)
    for ours, theirs in zip(found.terms, wanted.terms, strict=True):
        assert (ours.statistic, ours.df2, ours.p) == pytest.approx((theirs.statistic, theirs.df2, theirs.p), rel=1e-6)
    assert found.vif[1:] == pytest.approx(wanted.vif[1:], rel=1e-6)
    assert found.left.tau2 == pytest.approx(factor**2 * wanted.left.tau2, rel=1e-6, abs=1e-9 * factor**2)


@pytest.mark.parametrize("cluster", [None, SAMPLES])
def test_another_reference_level_changes_neither_means_nor_tests(cluster):
    one, other = (fit("who * how + year", reference={"who": w}, cluster=cluster, means=["who", "how"])
                  for w in ("client", "other"))  # fmt: skip
    by_name = [sorted(found.means, key=lambda mean: mean.name) for found in (one, other)]
    for name in ("estimate", "se", "df", "ci_low", "pi_high"):
        assert values(by_name[0], name) == pytest.approx(values(by_name[1], name), rel=1e-7)
    tests = {t.term: (t.statistic, t.df2, t.p) for t in one.terms}
    turned = {t.term: (t.statistic, t.df2, t.p) for t in other.terms}
    for term in ("who", "year", "who:how", "all"):
        assert tests[term] == pytest.approx(turned[term], rel=1e-7), term
    assert one.reference == {"who": "client", "how": "far"}
    assert other.reference["who"] == "other"


def test_a_number_counted_from_elsewhere_keeps_slopes_and_means():
    moved = COLUMNS | {"year": COLUMNS["year"] - 2000}
    one, other = (fit("who + year + log(weeks)", columns=c, cluster=SAMPLES, means=["who"]) for c in (COLUMNS, moved))
    assert values(one.coefficients[1:], "se") == pytest.approx(values(other.coefficients[1:], "se"), rel=tol.SHIFTED)
    assert values(one.means, "ci_low") == pytest.approx(values(other.means, "ci_low"), rel=tol.SHIFTED)
    centred = fit("who + center(year) + log(weeks)", cluster=SAMPLES, means=["who"])
    assert values(one.means, "estimate") == pytest.approx(values(centred.means, "estimate"), rel=tol.LAW)


def test_within_and_between_slopes_are_told_apart():
    """Effects that rise within samples and fall between them."""
    base = np.repeat(RANDOM.normal(0, 3, K // 2), 2)
    inside = np.tile([-1.0, 1.0], K // 2) * RANDOM.uniform(0.5, 1.5, K // 2).repeat(2)
    y = 0.4 * inside - 0.2 * base + RANDOM.normal(0, 0.05, K)
    found = fit("between(x) + within(x)", y=y, v=np.full(K, 0.01), columns={"x": base + inside}, cluster=SAMPLES)
    assert values(found.coefficients, "estimate")[1:] == pytest.approx([-0.2, 0.4], abs=0.05)
    assert found.coefficients[1].ci_high < 0 < found.coefficients[2].ci_low


# --- permutation ----------------------------------------------------------------------------------------------------


def test_the_permutation_of_coefficients_is_the_one_that_there_was():
    found = fit("who + year", permutations=500, seed=4).permutation
    older = permutation_test(Y, V, {"who": COLUMNS["who"], "year": COLUMNS["year"]}, iterations=500, seed=4)
    ours, theirs = (dict(zip(one.names, one.p, strict=True)) for one in (found, older))
    # Other random orders: both are estimates of one share.
    for name, p in ours.items():
        assert p == pytest.approx(theirs[name], abs=4 * math.sqrt(p * (1 - p) * 2 / 500) + 0.004), name
    assert not found.exact
    assert found.fixed == 0


def test_samples_keep_their_rows_together_and_all_arrangements_are_counted():
    """Two samples of two effects and one alone: 2 orders of samples times 2 x 2 within them, by hand."""
    y, v = np.array([0.1, 0.4, 0.6, 0.2, 0.9]), np.full(5, 0.04)
    x = np.column_stack([np.ones(5), [1.0, 2.0, 5.0, 7.0, 3.0]])
    found = shuffle(y, v, x, ["intrcpt", "x"], list("aabbc"), "REML", "hksj", 0.5, 100, 1)
    assert (found.exact, found.iterations, found.fixed) == (True, 8, 1)
    pairs = [(1.0, 2.0), (5.0, 7.0)]
    designs = [
        [*first, *second, 3.0]
        for one, two in (pairs, pairs[::-1])
        for first in (one, one[::-1])
        for second in (two, two[::-1])
    ]
    from synthesis.meta.multilevel import fit_multilevel

    empty = fit_multilevel(y, v, np.ones((5, 1)), list("aabbc"), rho=0.5)
    inverse = np.zeros((5, 5))
    start = 0
    for block in empty.blocks.marginal(empty.tau2, empty.omega2):
        inverse[start : start + len(block), start : start + len(block)] = np.linalg.inv(block)
        start += len(block)
    sizes = []
    for cells in designs:
        d = np.column_stack([np.ones(5), cells])
        covariance = np.linalg.inv(d.T @ inverse @ d)
        sizes.append(abs((covariance @ d.T @ inverse @ y)[1]) / math.sqrt(covariance[1, 1]))
    assert found.p[0] == pytest.approx(sum(s >= sizes[0] * (1 - 1e-9) for s in sizes) / 8)
    assert found.p_all == pytest.approx(found.p[0])


def test_few_random_arrangements_are_near_the_exact_share():
    y, v, x = Y[:7], V[:7], np.column_stack([np.ones(7), COLUMNS["weeks"][:7]])
    given_ = (y, v, x, ["intrcpt", "x"], range(7), "DL", "wald", 0.6)
    exact, drawn = shuffle(*given_, 5040, 1), shuffle(*given_, 2000, 1)
    assert exact.exact
    assert not drawn.exact
    assert drawn.p[0] == pytest.approx(exact.p[0], abs=4 * math.sqrt(exact.p[0] * (1 - exact.p[0]) / 2000) + 0.001)
    assert shuffle(*given_, 2000, 1) == drawn
    assert shuffle(*given_, 2000, 2).p != drawn.p


def test_a_strong_moderator_is_found_and_its_neighbour_is_not():
    y = Y + 0.04 * (COLUMNS["weeks"] - 20)
    found = fit("weeks + how", y=y, cluster=SAMPLES, permutations=400).permutation
    p = dict(zip(found.names, found.p, strict=True))
    assert p["weeks"] == pytest.approx(1 / 401)
    assert found.p_all == pytest.approx(1 / 401)
    assert p["hownear"] > 0.05


# --- guards ---------------------------------------------------------------------------------------------------------


def test_fewer_than_ten_samples_for_each_coefficient_is_said():
    said = "24 samples for 3 coefficients: fewer than 10 each"
    assert any(note.startswith(said) for note in fit("who + year", cluster=SAMPLES).notes)
    assert fit("how + year", cluster=SAMPLES).notes == ()
    assert any("48 samples for 5" in note for note in fit("who + how + year + weeks").notes)


def test_more_coefficients_than_samples_less_two_are_refused_by_name():
    few = {name: cells[:9] for name, cells in COLUMNS.items()}
    cluster = [0, 0, 1, 1, 2, 3, 4, 4, 5]
    assert fit("how + year + weeks", Y[:9], V[:9], few, cluster=cluster).samples == 6
    with pytest.raises(InputError, match=r"formula: '5 coefficients of 6 samples'; allowed: at most 4"):
        fit("how * year + weeks", Y[:9], V[:9], few, cluster=cluster)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formula": "who + colour"}, "formula: 'colour'; allowed: one of who, how, year, weeks"),
        ({"means": ["year"]}, "means: 'year'.*at"),
        ({"means": ["colour"]}, "means: 'colour'; allowed: columns of words of the formula: who, how"),
        ({"means": "who"}, "means: 'str'"),
        ({"at": [{"who": "nobody"}]}, "at, who: 'nobody'; allowed: one of client, expert, other"),
        ({"at": [{"colour": "red"}]}, "at: 'colour'"),
        ({"at": [{"year": "early"}]}, "at, year: 'early'; allowed: a finite number"),
        ({"at": [{"weeks": -1.0}]}, r"log\(weeks\): '-1'; allowed: numbers above 0"),
        ({"reference": {"how": "here"}}, "reference, how: 'here'; allowed: one of far, near"),
        ({"permutations": -1}, "permutations"),
    ],
)
def test_what_the_data_do_not_have_is_refused_by_name(options, words):
    with pytest.raises(InputError, match=words):
        fit(**{"formula": FORMULA, **options})


def test_effects_on_the_model_have_no_robust_test_and_say_so():
    y = np.array([0.1 if who == "client" else 0.4 for who in COLUMNS["who"]])
    found = fit("who", y=y, cluster=SAMPLES)
    assert all(c.se is None and "no spread" in c.note for c in found.coefficients)
    assert found.terms[0].p is None
    assert "no test" in found.terms[0].note
