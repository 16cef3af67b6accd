"""Sequential monitoring against rpact, the size of the test by simulation, and formulas written down again."""

import math

import numpy as np
import pytest
import synthesis
import tolerances as tol
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from synthesis.draw.looks_figure import looks_figure
from synthesis.errors import InputError
from synthesis.living.yearly import looks
from synthesis.meta.monitoring import spent_error
from synthesis.plan.monitored import Monitored
from synthesis.report import declared_tables
from typed import fitted, raw_row

# rpact 3.3.4, getDesignGroupSequential(kMax, alpha, sided = 2, typeOfDesign = "asOF" or "asP", informationRates)
# $criticalValues. Those of five equal looks by asOF are the 4.8769, 3.3570, 2.6803, 2.2898, 2.0310 of Lan and DeMets.
RPACT = [
    (
        "obrien_fleming",
        0.05,
        (0.2, 0.4, 0.6, 0.8, 1),
        (4.87688494879076, 3.35701192170382, 2.68028006702662, 2.28981677442789, 2.0310320481658),
    ),
    (
        "obrien_fleming",
        0.05,
        (0.1, 0.25, 0.6, 0.9, 1),
        (6.99135170707742, 4.33264415711164, 2.66886875778437, 2.12112229317427, 2.06250389665365),
    ),
    ("obrien_fleming", 0.01, (0.3, 0.5, 1), (4.99272556394308, 3.80175181478262, 2.57758644968271)),
    (
        "pocock",
        0.05,
        (0.2, 0.4, 0.6, 0.8, 1),
        (2.43797668805, 2.42681386322, 2.41019383818, 2.3966454044, 2.38598456234),
    ),
]


@pytest.mark.parametrize(("spending", "alpha", "fraction", "critical"), RPACT)
def test_boundaries_are_those_of_rpact(spending, alpha, fraction, critical):
    found = synthesis.boundaries(fraction, alpha=alpha, spending=spending)
    assert found == pytest.approx(critical, abs=tol.RPACT)


def test_spent_error_is_that_of_rpact():
    """$alphaSpent of the second design above."""
    spent = (2.7224959397228e-12, 1.47336169679268e-05, 0.00761612666003239, 0.0362899926356237, 0.05)
    assert spent_error([0.1, 0.25, 0.6, 0.9, 1]) == pytest.approx(spent, abs=tol.RPACT)
    assert spent_error([1.0, 7.0], spending="pocock") == pytest.approx([0.05, 0.05], rel=tol.LAW)


def paths(fraction, drift=0.0, runs=200_000):
    """Statistics of looks whose information grows in independent steps, (runs, looks)."""
    steps = np.diff([0.0, *fraction])
    noise = np.random.default_rng(20261126).normal(size=(runs, len(steps)))
    return np.cumsum(noise * np.sqrt(steps) + drift * steps, axis=1) / np.sqrt(fraction)


@pytest.mark.parametrize("fraction", [np.linspace(0.1, 1, 10), np.array([0.03, 0.07, 0.5, 0.505, 0.93, 1.2])])
def test_nothing_is_found_as_often_as_alpha_says(fraction):
    """Two-sided 5% over all looks; the usual 1.96 at each of ten looks finds something in one review of five."""
    z = paths(fraction)
    critical = [math.inf if b is None else b for b in synthesis.boundaries(fraction)]
    share = (abs(z) >= critical).any(axis=1).mean()
    assert abs(share - 0.05) < 4 * math.sqrt(0.05 * 0.95 / len(z))
    assert (abs(z) >= norm.ppf(0.975)).any(axis=1).mean() > 0.1


@pytest.mark.slow
def test_reviews_of_nothing_cross_no_more_often_than_alpha():
    """300 reviews of 24 samples in eight years without heterogeneity, with REML as it is used."""
    rng, crossed, naive = np.random.default_rng(7), 0, 0
    for _ in range(300):
        v = rng.uniform(0.02, 0.1, 24)
        found = synthesis.monitor(
            rng.normal(0, np.sqrt(v)), v, np.repeat(np.arange(2000.0, 2008), 3), smallest_effect=0.13
        )
        crossed += found.crossed is not None
        naive += any(abs(look.z) > norm.ppf(0.975) for look in found.looks)
    assert crossed / 300 < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 300)
    assert naive > 2 * crossed


def test_the_required_information_finds_the_effect():
    """A review with all of it, without looks before, has the power that was asked for."""
    required = synthesis.required_information(0.3, power=0.9)
    assert required == pytest.approx(((1.959963984540054 + 1.2815515655446004) / 0.3) ** 2, rel=tol.LAW)
    assert synthesis.pool_power(0.3, [1 / required]).power == pytest.approx(0.9, rel=tol.FORMULA)
    assert synthesis.required_information(0.3, power=0.9, diversity=0.5) == pytest.approx(2 * required, rel=tol.LAW)


def test_looks_are_the_pools_of_the_years():
    y, v = [0.3, 0.1, 0.4, 0.2, 0.5, 0.3], [0.05, 0.02, 0.04, 0.03, 0.02, 0.01]
    year = [2003, 2001, 2001, 2004, 2003, 2009]
    found = synthesis.monitor(y, v, year, smallest_effect=0.3)
    whole = synthesis.pool(y, v, ci="wald")
    assert [look.at for look in found.looks] == [2001, 2003, 2004, 2009]
    assert [look.k for look in found.looks] == [2, 4, 5, 6]
    assert (found.looks[-1].estimate, found.looks[-1].se) == (whole.estimate, whole.se)
    common = 1 / sum(1 / x for x in v)
    assert found.diversity == pytest.approx(1 - common / whole.se**2, rel=tol.LAW)
    assert found.fraction == pytest.approx(1 / common / found.required, rel=tol.LAW)
    second = found.looks[1]
    assert second.high - second.low == pytest.approx(2 * second.boundary * second.se, rel=tol.LAW)
    assert found.crossed == next(i for i, look in enumerate(found.looks) if abs(look.z) >= look.boundary)


def test_looks_after_all_the_information_have_no_boundary_and_early_ones_cannot_spend():
    fraction = [0.001, 0.4, 1.1, 1.4]
    early, middle, last, after = synthesis.boundaries(fraction)
    assert (early, after) == (None, None)
    assert middle > last > norm.ppf(0.975)


def test_a_look_that_adds_next_to_nothing_waits():
    found = synthesis.monitor([0.2, 0.3, 0.1], [0.01, 100.0, 0.02], [1, 2, 3], smallest_effect=0.2)
    assert [look.at for look in found.looks] == [1, 3]
    assert found.looks[-1].k == 3
    last = synthesis.monitor([0.2, 0.3, 0.1], [0.01, 0.02, 100.0], [1, 2, 3], smallest_effect=0.2)
    assert [(look.at, look.k) for look in last.looks] == [(1, 1), (3, 3)]


@given(st.lists(st.floats(0.05, 1), min_size=1, max_size=6), st.sampled_from(["obrien_fleming", "pocock"]))
def test_more_error_is_more_boundary(steps, spending):
    """A smaller alpha has higher boundaries; the error of all looks is spent at the last."""
    fraction = np.cumsum(steps) / math.fsum(steps)
    strict, wide = (synthesis.boundaries(fraction, alpha=a, spending=spending) for a in (0.01, 0.05))
    for narrow, other in zip(strict, wide, strict=True):
        assert narrow is None or narrow > other
    assert norm.ppf(0.975) - tol.LAW < wide[-1] < 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"smallest_effect": 0}, "an effect other than 0"),
        ({"smallest_effect": 1e-300}, "in other units"),
        ({"smallest_effect": 1e200}, "in other units"),
        ({"diversity": 1.0}, "below 1"),
        ({"alpha": 0}, "between 0 and 1"),
        ({"power": 0.01}, "between alpha and 1"),
        ({"spending": "linear"}, "obrien_fleming, pocock"),
        ({"order": [1, 2]}, "3"),
    ],
)
def test_what_cannot_be_monitored_is_refused(change, said):
    given = {"yi": [0.1, 0.2, 0.3], "vi": [0.1] * 3, "order": [1, 2, 3], "smallest_effect": 0.2} | change
    with pytest.raises(InputError, match=said):
        synthesis.monitor(**given)


def test_looks_that_are_one_are_refused():
    with pytest.raises(InputError, match=r"rise by 0\.1% or more"):
        synthesis.boundaries([0.5, 0.5001])
    with pytest.raises(InputError, match="above 0"):
        synthesis.boundaries([0.0, 0.5])


def document():
    y, v = [0.4, 0.5, 0.3, 0.6], [0.02, 0.03, 0.02, 0.01]
    studies = [
        {"sample_id": f"s{i}", "yi": a, "vi": b, "year": year}
        for i, (a, b, year) in enumerate(zip(y, v, [2001, 2002, 2002, None], strict=True))
    ]
    return fitted(synthesis.pool(y, v, metric="g").to_dict() | {"synthesis": "x", "title": "X", "studies": studies})


def rows_of(value):
    return {"mid": raw_row({"effect_id": "mid", "statistic": "smd", "value": value, "study": "mid"})}


def test_a_monitored_synthesis_has_a_row_for_each_year():
    first, second, undated = looks([document()], {"x": Monitored(smallest_effect="mid")}, rows_of(0.5))
    assert [row.year for row in (first, second, undated)] == [2001, 2002, None]
    assert [row.samples for row in (first, second, undated)] == [1, 3, 4]
    assert (undated.smallest_effect, undated.conclusion) == (0.5, "crossed" if undated.boundary else "no boundary")
    assert looks([document()], {}, rows_of(0.5)) == []


@pytest.mark.parametrize("value", [None, 0.0])
def test_the_smallest_effect_must_be_known(value):
    with pytest.raises(InputError, match="monitoring.x.smallest_effect"):
        looks([document()], {"x": Monitored(smallest_effect="mid")}, rows_of(value))


def test_the_figure_has_each_look_and_its_boundaries():
    model, plan = document(), {"x": Monitored(smallest_effect="mid")}
    table = looks([model], plan, rows_of(0.2))
    chart = looks_figure(model, table)
    (panel,) = chart.panels
    assert [(p.x, p.y, p.label) for p in panel.points] == [
        (row.fraction, row.z, str(row.year or "no year")) for row in table
    ]
    assert [p.kind for p in panel.points] == ["estimate", "marked", "marked"]
    upper, lower = (line for line in panel.lines if line.kind == "limit")
    assert upper.y == tuple(row.boundary for row in table if row.boundary is not None)
    assert lower.y == tuple(-y for y in upper.y)
    assert panel.x.low < 0 < 1 < panel.x.high
    drawn = {("line", line.kind) for line in chart.panels[0].lines} | {
        ("point", p.kind) for p in chart.panels[0].points
    }
    assert drawn <= {(key.mark, key.kind) for key in chart.legend}
    assert looks_figure(model, []).refused == "Not drawn: it is not monitored."


@pytest.mark.parametrize(("effect", "said"), [(0.2, "was crossed in 2002"), (0.05, "is not crossed")])
def test_the_report_says_when_the_boundary_was_crossed(effect, said):
    class Review:
        looks = looks([document()], {"x": Monitored(smallest_effect="mid")}, rows_of(effect))
        by_name = {"x": document()}  # noqa: RUF012

    (sentence,) = declared_tables.monitored(Review())
    assert said in sentence
    assert f"g = {effect:.2f}" in sentence
    rows = declared_tables.monitoring(Review()).rows
    assert ["".join(part.content for part in row[1].texts) for row in rows] == [
        str(look.year or "no year") for look in Review.looks
    ]
