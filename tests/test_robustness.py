"""What would leave nothing of a pool: laws of the formulas, a printed example, and refits by hand."""

import math

import pytest
import synthesis
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from synthesis.compare import robustness as compared
from synthesis.errors import InputError
from test_compare import document
from typed import fitted

correlations = st.floats(-0.99, 0.99)


@given(correlations, st.floats(0, 0.98))
def test_a_cause_of_that_strength_leaves_the_bound(r, bound):
    """The partial correlation by its definition."""
    a = synthesis.impact_threshold(r, bound)
    if abs(r) <= bound:
        assert a == 0
    else:
        partial = (abs(r) - a * a) / (1 - a * a)
        assert partial == pytest.approx(bound, abs=tolerances.LAW)
        # Unequal correlations of the same product leave more.
        q = a**-0.5
        unequal = (abs(r) - a * a) / math.sqrt((1 - (q * a) ** 2) * (1 - (a / q) ** 2))
        assert unequal >= bound - tolerances.LAW


def test_the_e_value_is_the_printed_one():
    """VanderWeele and Ding (2017): the risk ratio 3.9 with lower limit 1.8 has E-values 7.26 and 3.0."""
    assert round(synthesis.e_value(3.9), 2) == 7.26
    assert round(synthesis.e_value(1.8), 1) == 3.0
    assert synthesis.e_value(1) == 1
    assert synthesis.e_value(1 / 3.9) == pytest.approx(synthesis.e_value(3.9))


@given(correlations)
def test_the_e_value_of_a_correlation_is_that_of_its_d(r):
    """Both causes' risk ratios of E give the bias factor E^2 / (2E - 1), which is the ratio."""
    e = synthesis.e_value_of_r(r)
    d = 2 * abs(r) / math.sqrt(1 - r * r)
    assert e * e / (2 * e - 1) == pytest.approx(math.exp(0.91 * d))
    assert e == synthesis.e_value_of_r(-r)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: synthesis.impact_threshold(1.0), "r"),
        (lambda: synthesis.impact_threshold(float("nan")), "r"),
        (lambda: synthesis.impact_threshold(0.3, 1), "bound"),
        (lambda: synthesis.impact_threshold(0.3, -0.1), "bound"),
        (lambda: synthesis.e_value(0), "ratio"),
        (lambda: synthesis.e_value("2"), "ratio"),
        (lambda: synthesis.e_value_of_r(-1), "r"),
    ],
)
def test_what_has_no_answer_is_refused_by_name(call, named):
    with pytest.raises(InputError, match=named):
        call()


def row_of(*arguments, **changes):
    (row,) = compared.robustness([fitted(document("x", *arguments, **changes))])
    return row


def test_an_association_is_asked_for_its_causes():
    yi, vi = [0.2, 0.35, 0.3, 0.25, 0.4], [0.01, 0.02, 0.015, 0.01, 0.02]
    fit = synthesis.pool(yi, vi, metric="z")
    row = row_of(yi, vi, metric="z")
    assert row.cause_correlation == pytest.approx(math.sqrt(math.tanh(fit.estimate)))
    assert row.cause_correlation_limit == pytest.approx(math.sqrt(math.tanh(fit.ci_low)))
    assert row.e_value_limit == synthesis.e_value_of_r(math.tanh(fit.ci_low))
    turned = row_of([-y for y in yi], vi, metric="z")
    assert turned.cause_correlation_limit == pytest.approx(row.cause_correlation_limit)
    assert turned.samples_to_lose == row.samples_to_lose


def test_no_cause_is_asked_of_a_randomised_effect():
    row = row_of([0.2, 0.9, 0.4, 0.6], [0.01, 0.02, 0.015, 0.03], metric="g")
    assert row.cause_correlation is None
    assert row.e_value is None


def test_the_samples_to_lose_are_the_fewest_of_the_largest():
    yi, vi = [0.9, 0.8, 0.3, 0.25, 0.2, 0.1], [0.02] * 6
    row = row_of(yi, vi)
    limits = [synthesis.pool(yi[lost:], vi[lost:]).ci_low for lost in range(5)]
    first = next(i for i, low in enumerate(limits) if low <= 0)
    assert row.samples_to_lose == first > 0
    assert len(row.samples_lost.split("; ")) == first


def test_what_has_nothing_to_lose_says_so():
    assert row_of([0.5, -0.5, 0.1], [0.02] * 3).note == compared.NO_SIGNAL
    assert row_of([0.5, -0.5, 0.1], [0.02] * 3).samples_to_lose == 0
    assert row_of([0.9], [0.02]).note == compared.ONE_SAMPLE
    assert row_of([-1.2, -1.1, -0.9], [0.02] * 3, metric="logit").note == compared.NO_NONE


def test_a_pool_that_holds_as_long_as_its_model_says_so():
    """Ten samples of two effects far from 0: CR2 needs four degrees of freedom, and runs out of them first."""
    yi = [0.5 + 0.02 * (i % 5) for i in range(20)]
    samples = [i // 2 for i in range(20)]
    fit = synthesis.pool(yi, [0.01] * 20, cluster=samples, model="che", metric="g")
    studies = [
        {
            "sample_id": f"s{s}",
            "yi": yi[2 * s],
            "vi": 0.01,
            "members": [{"yi": y, "vi": 0.01} for y in yi[2 * s : 2 * s + 2]],
        }
        for s in range(10)
    ]
    (row,) = compared.robustness([fitted(fit.to_dict() | {"synthesis": "x", "studies": studies})])
    assert row.samples_to_lose is None
    held = int(row.note.split("without the ")[1].split()[0])
    rest = [s >= held for s in samples]
    assert 1 <= held < 10 - 4
    assert sum(rest) == 2 * (10 - held)
    assert "cannot be fitted" in row.note
