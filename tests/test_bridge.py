"""Conversions and the bridge, against the design's table, printed tables, closed forms and simulation."""

import math

import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from synthesis import pool
from synthesis.compare import bridge as b
from synthesis.compare import conversions as c
from synthesis.draw.bridge_figure import bridge_layout
from synthesis.plan.config import Bridge, MonteCarlo
from synthesis.results.document import plain

Z = pool([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03], metric="z").to_dict() | {"synthesis": "z", "title": "Z"}
D = pool([0.1, 0.2, 0.6, 0.5], [0.03, 0.02, 0.04, 0.03]).to_dict() | {"synthesis": "d", "title": "D"}
PLAN = Bridge(title="x", association="z", effect="d")
DRAWS = MonteCarlo()


@pytest.mark.parametrize(
    ("contrast", "d"), [("2_sd", 0.579), ("1_sd", 0.289), ("median_split", 0.455), ("concordance", 0.321)]
)
def test_conversions_of_flueckiger_2018(contrast, d):
    """r = .278: the abstract itself prints d = .579; the others are the design's .29, .46 (.455) and .32."""
    assert c.CONTRASTS[contrast](0.278) == pytest.approx(d, abs=tolerances.PRINTED_3)


def test_median_split_and_concordance_hold_in_simulated_data():
    rng = np.random.default_rng(20261123)
    r, n = 0.45, 400_000
    x = rng.standard_normal(n)
    y = r * x + math.sqrt(1 - r * r) * rng.standard_normal(n)
    high, low = y[x > np.median(x)], y[x <= np.median(x)]
    d = (high.mean() - low.mean()) / math.sqrt((high.var(ddof=1) + low.var(ddof=1)) / 2)
    assert c.d_after_median_split(r) == pytest.approx(d, abs=0.01)
    half = n // 2
    better = ((x[:half] - x[half:]) * (y[:half] - y[half:]) > 0).mean()
    assert c.concordance_of_r(r) == pytest.approx(better, abs=0.005)


@pytest.mark.parametrize("r", [-0.9, -0.3, 0.0, 0.26, 0.8])
def test_conversions_are_odd_and_keep_concordance(r):
    for convert in c.CONTRASTS.values():
        assert convert(-r) == pytest.approx(-convert(r), abs=1e-12)
    d = c.d_at_equal_concordance(r)
    assert c.concordance_of_d(d) == pytest.approx(c.concordance_of_r(r))
    assert c.d_at_2_sd(r) == pytest.approx(2 * c.d_at_1_sd(r))


# d, percent of variance, U3, NNT: Table 3 of PMC9307914 (which cites Cohen 1988 and Kraemer & Kupfer 2006).
PRINTED = [
    (0.1, 0.2, 0.540, 17.7),
    (0.2, 1.0, 0.579, 8.9),
    (0.3, 2.2, 0.618, 6.0),
    (0.4, 3.8, 0.655, 4.5),
    (0.5, 5.9, 0.691, 3.6),
    (0.6, 8.3, 0.726, 3.0),
    (0.7, 10.9, 0.758, 2.6),
    (0.8, 13.8, 0.788, 2.3),
]


@pytest.mark.parametrize(("d", "variance", "u3", "nnt"), PRINTED)
def test_printed_table_of_variance_u3_and_nnt(d, variance, u3, nnt):
    assert c.variance_percent_of_d(d) == pytest.approx(variance, abs=0.051)
    assert c.u3(d) == pytest.approx(u3, abs=0.00051)
    assert 1 / c.benefit(d) == pytest.approx(nnt, abs=0.051)


@given(st.floats(-0.95, 0.95))
def test_equal_concordance_goes_there_and_back(r):
    assert c.r_at_equal_concordance(c.d_at_equal_concordance(r)) == pytest.approx(r, abs=1e-9)


def test_overlap_and_furukawa_hold_by_integration():
    x = np.linspace(-12, 12, 200_001)
    for d in (-0.7, 0.0, 0.4, 1.5):
        both = np.minimum(stats.norm.pdf(x), stats.norm.pdf(x, d))
        assert c.overlap(d) == pytest.approx(np.trapezoid(both, x), abs=1e-8)
    # Controls respond above a cut that 20% of them reach; the treated are d higher.
    cut = stats.norm.isf(0.2)
    assert c.benefit_at(0.5, 0.2) == pytest.approx(stats.norm.sf(cut, 0.5) - 0.2)
    assert c.benefit_at(0.0, 0.3) == pytest.approx(0)


def table():
    return {row.contrast: row for row in b.bridge("x", PLAN, Z, D, DRAWS)}


def test_every_reading_is_there_and_none_alone():
    rows = table()
    assert list(rows)[:4] == ["2_sd", "1_sd", "median_split", "concordance"]
    for contrast in c.CONTRASTS:
        assert {contrast, f"u3_{contrast}", f"overlap_{contrast}"} <= set(rows)
    assert {"probability", "concordance_r", "variance", "nnt", "nnt_10", "nnt_20", "nnt_40"} <= set(rows)
    assert {row.seed for row in rows.values()} == {1}


def test_intervals_are_the_transformed_limits_of_the_fits():
    """Monotone readings keep quantiles, so the drawn limits are the transformed ones, up to the draws' grid."""
    rows = table()
    for contrast, to_d in c.CONTRASTS.items():
        row = rows[contrast]
        assert row.association_estimate == pytest.approx(to_d(math.tanh(Z["estimate"])))
        for kind in ("ci", "pi"):
            for end in ("low", "high"):
                expected = to_d(math.tanh(Z[f"{kind}_{end}"]))
                assert getattr(row, f"association_{kind}_{end}") == pytest.approx(expected, abs=tolerances.MONTE_CARLO)
                assert getattr(row, f"effect_{kind}_{end}") == pytest.approx(
                    D[f"{kind}_{end}"], abs=tolerances.MONTE_CARLO
                )
        assert row.difference_estimate == pytest.approx(row.association_estimate - D["estimate"])
    row = rows["probability"]
    assert row.association_estimate == pytest.approx(100 * c.concordance_of_r(math.tanh(Z["estimate"])))
    assert row.effect_estimate == pytest.approx(100 * c.concordance_of_d(D["estimate"]))


def test_the_difference_and_its_probability_hold_by_integration():
    """The distribution of association minus effect by quadrature over both t densities."""
    row = table()["2_sd"]
    grid = (np.arange(4000) + 0.5) / 4000
    d = D["estimate"] + D["se"] * stats.t.ppf(grid, D["df"])
    z = Z["estimate"] + Z["se"] * stats.t.ppf(grid, Z["df"])
    converted = np.sort(c.d_at_2_sd(np.tanh(z)))
    larger = 1 - np.searchsorted(converted, d) / len(converted)
    assert row.p_association_larger == pytest.approx(larger.mean(), abs=tolerances.MONTE_CARLO_P)
    for end, tail in (("low", 0.025), ("high", 0.975)):
        below = np.searchsorted(converted, d + getattr(row, f"difference_ci_{end}")) / len(converted)
        assert below.mean() == pytest.approx(tail, abs=tolerances.MONTE_CARLO_P)
    there = (row.difference_estimate, row.difference_ci_low, row.difference_ci_high)
    assert b.differences(Z, D, DRAWS)["2_sd"] == there


def test_draws_depend_on_synthesis_and_seed_alone():
    again = b.draws_of_mean(Z, DRAWS)
    assert np.array_equal(again, b.draws_of_mean(Z, DRAWS))
    other = b.draws_of_mean(Z, MonteCarlo(seed=2))
    assert not np.array_equal(again, other)
    assert np.allclose(np.sort(again), np.sort(other))
    assert abs(np.corrcoef(again, b.draws_of_mean(D, DRAWS))[0, 1]) < 0.02


def test_nnt_is_for_the_randomised_side_and_has_no_end_where_the_interval_includes_none():
    row = table()["nnt"]
    assert row.association_estimate is None
    assert row.effect_estimate == pytest.approx(1 / c.benefit(D["estimate"]))
    clear = D | {"estimate": 0.5, "se": 0.05, "df": None}
    rows = {r.contrast: r for r in b.bridge("x", PLAN, Z, clear, DRAWS)}
    assert rows["nnt"].effect_ci_low < rows["nnt"].effect_estimate < rows["nnt"].effect_ci_high
    unclear = D | {"estimate": 0.05, "se": 0.2, "df": None}
    rows = {r.contrast: r for r in b.bridge("x", PLAN, Z, unclear, DRAWS)}
    assert rows["nnt"].effect_ci_high is None
    assert "no finite end" in rows["nnt"].note


def test_without_a_prediction_interval_there_is_no_new_setting():
    two = pool([0.2, 0.4], [0.01, 0.02], metric="z").to_dict() | {"synthesis": "z"}
    rows = b.bridge("x", PLAN, two, D, DRAWS)
    assert all(row.association_pi_low is None and row.p_association_larger_new is None for row in rows)
    assert rows[0].association_ci_low is not None


def test_a_hopeless_association_stays_below_one():
    """Three samples and one degree of freedom: draws far beyond r = 1 to the last digit must not become infinite."""
    wide = pool([0.1, 0.9, 0.2], [0.01, 0.02, 0.01], metric="z").to_dict() | {"synthesis": "z"}
    rows = b.bridge("x", PLAN, wide, D, DRAWS)
    for row in rows:
        assert all(math.isfinite(v) for v in plain(row).values() if isinstance(v, float)), row.contrast


def test_the_figure_shows_every_reading_with_its_own_axis():
    rows = list(table().values())
    layout = bridge_layout("x", rows, Z, D)
    drawn = {row.key for section in layout.sections for row in section.rows}
    shown = {row.contrast for row in rows if row.unit != "people"}
    assert drawn == shown | {"effect"}
    for section in layout.sections:
        assert section.low <= section.null <= section.high
        effect = section.rows[-1]
        assert (effect.lane, effect.kind) == ("B", "pooled")
        assert all(row.lane == "A" for row in section.rows[:-1])
    words = " ".join(layout.notes)
    assert "not a test of causes" in words
    assert "randomised effect only" in words
