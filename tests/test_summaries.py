"""How precise a published summary is: limits, standard error, test statistic, p, in this order."""

import math

import pytest
from conftest import ROOT
from scipy.special import ndtr, stdtr
from synthesis.data.extraction import extract, reference_rows
from synthesis.data.summaries import precision

NOTHING = {"value": None, "se": None, "variance": None, "test_statistic": None, "p": "", "df": None}
R = 0.193
Z = math.atanh(R)


def of(**cells):
    return precision(NOTHING | {"value": R} | cells, "z", Z, None, None)


def test_limits_come_first():
    found = precision(NOTHING | {"se": 9.0, "p": ".9"}, "z", 0.2, 0.1, 0.3)
    assert found.basis == "interval"
    assert math.sqrt(found.variance) == pytest.approx(0.2 / (2 * 1.959963984540054))


def test_a_standard_error_of_r_is_stretched_to_fisher_z():
    """The slope of atanh, by a difference quotient."""
    slope = (math.atanh(R + 1e-6) - math.atanh(R - 1e-6)) / 2e-6
    assert math.sqrt(of(se=0.04, test_statistic=9.0).variance) == pytest.approx(0.04 * slope, rel=1e-6)
    assert math.sqrt(precision(NOTHING | {"value": R, "se": 0.04}, "g", R, None, None).variance) == pytest.approx(0.04)


@pytest.mark.parametrize("df", [None, 176.0])
def test_a_p_gives_the_standard_error_whose_test_has_that_p(df):
    found = of(p=".03", df=df)
    t = Z / math.sqrt(found.variance)
    p = 2 * (ndtr(-t) if df is None else stdtr(df, -t))
    assert (found.basis, p) == ("p", pytest.approx(0.03))


def test_a_limit_of_p_gives_the_widest_interval_and_one_from_above_none():
    assert of(p="<.01").basis == "limit of p"
    assert of(p="<.01").variance == pytest.approx(of(p=".01").variance)
    assert of(p=">.05") is None
    assert of() is None


def test_the_test_of_a_summary_with_t_is_the_printed_one():
    """Grevenhaus et al. 2024, abstract: r = .193, t(176) = 4.77; r = .088, t(147) = 1.50, p = .14."""
    effects = extract(ROOT / "data" / "raw", "process_outcome", ("z",)).effects
    techniques, behavioural = reference_rows("key", ("po_047", "po_048"), "z", effects)
    assert techniques.yi / techniques.se == pytest.approx(4.77)
    assert (techniques.df, techniques.basis) == (176, "test statistic")
    assert techniques.ci_low > 0 > behavioural.ci_low
    p = 2 * stdtr(behavioural.df, -behavioural.yi / behavioural.se)
    assert p == pytest.approx(0.14, abs=0.005)
