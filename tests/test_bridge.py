"""Conversions and the bridge, against the design's table, printed tables, closed forms and simulation."""

import math
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from synthesis import pool
from synthesis.compare import bridge as b
from synthesis.compare import conversions as c
from synthesis.compare.claims import values_of
from synthesis.draw.bridge_figure import bridge_layout
from synthesis.plan.config import Bridge
from synthesis.results.document import plain
from typed import fitted

Z = pool([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03], metric="z").to_dict() | {"synthesis": "z", "title": "Z"}
D = pool([0.1, 0.2, 0.6, 0.5], [0.03, 0.02, 0.04, 0.03]).to_dict() | {"synthesis": "d", "title": "D"}
PLAN = Bridge(title="x", association="z", effect="d")
RATES = (0.1, 0.2, 0.4)


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
    return {row.contrast: row for row in b.bridge("x", PLAN, fitted(Z), fitted(D), RATES)}


def test_every_reading_is_there_and_none_alone():
    rows = table()
    assert list(rows)[:4] == ["2_sd", "1_sd", "median_split", "concordance"]
    for contrast in c.CONTRASTS:
        assert {contrast, f"u3_{contrast}", f"overlap_{contrast}"} <= set(rows)
    assert {"probability", "concordance_r", "variance", "nnt", "nnt_10", "nnt_20", "nnt_40"} <= set(rows)


def test_intervals_are_the_transformed_limits_of_the_fits():
    """Monotone readings keep quantiles, so the limits are the transformed ones."""
    rows = table()
    for contrast, to_d in c.CONTRASTS.items():
        row = rows[contrast]
        assert row.association_estimate == pytest.approx(to_d(math.tanh(Z["estimate"])))
        for kind in ("ci", "pi"):
            for end in ("low", "high"):
                expected = to_d(math.tanh(Z[f"{kind}_{end}"]))
                assert getattr(row, f"association_{kind}_{end}") == pytest.approx(expected, rel=tolerances.QUADRATURE)
                assert getattr(row, f"effect_{kind}_{end}") == pytest.approx(
                    D[f"{kind}_{end}"], rel=tolerances.QUADRATURE
                )
        assert row.difference_estimate == pytest.approx(row.association_estimate - D["estimate"])
    row = rows["probability"]
    assert row.association_estimate == pytest.approx(100 * c.concordance_of_r(math.tanh(Z["estimate"])))
    assert row.effect_estimate == pytest.approx(100 * c.concordance_of_d(D["estimate"]))


def below(unit, z, d, x):
    """P(f(Z) - g(D) <= x), both t or normal: by adaptive quadrature over D, with f inverted by bisection alone."""
    (of_r,) = [u.of_r for u in b.units(()) if u.contrast == unit]
    law = {side: stats.norm if doc["df"] is None else stats.t(doc["df"]) for side, doc in (("z", z), ("d", d))}
    (of_d,) = [u.of_d for u in b.units(()) if u.contrast == unit]

    def inner(p):
        goal = x + of_d(d["estimate"] + d["se"] * law["d"].ppf(p))
        low, high = -15.0, 15.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if of_r(math.tanh(middle)) <= goal else (low, middle)
        return law["z"].cdf((low - z["estimate"]) / z["se"])

    return integrate.quad(inner, 0, 1, epsabs=1e-9, limit=200)[0]


@pytest.mark.parametrize("contrast", ["2_sd", "1_sd", "median_split", "concordance", "probability", "concordance_r"])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_difference_and_its_probability_hold_by_another_integration(contrast, narrow):
    z = Z | {"se": 0.01} if narrow else Z
    row = {row.contrast: row for row in b.bridge("x", PLAN, fitted(z), fitted(D), RATES)}[contrast]
    assert row.p_association_larger == pytest.approx(1 - below(contrast, z, D, 0.0), abs=tolerances.QUADRATURE_P)
    for end, tail in (("low", 0.025), ("high", 0.975)):
        found = below(contrast, z, D, getattr(row, f"difference_ci_{end}"))
        assert found == pytest.approx(tail, abs=tolerances.QUADRATURE_P)
    if contrast in c.CONTRASTS:
        there = (row.difference_estimate, row.difference_ci_low, row.difference_ci_high)
        assert b.differences(fitted(z), fitted(D))[contrast] == there


def test_readings_of_the_size_hold_in_stratified_draws():
    """Shared variance and overlap have a kink at 0; the two sides are paired by a Kronecker sequence.

    One side reads all values of its interval, and these alone; the difference has quantiles of its own.
    """
    n = 400_000
    p, q = (np.arange(n) + 0.5) / n, (np.arange(n) * (math.sqrt(5) - 1) / 2 + 0.5) % 1
    r = np.tanh(Z["estimate"] + Z["se"] * stats.t.ppf(p, Z["df"]))
    d = D["estimate"] + D["se"] * stats.t.ppf(q, D["df"])
    rows = table()
    inside_r = np.tanh(np.linspace(Z["ci_low"], Z["ci_high"], 100_001))
    inside_d = np.linspace(D["ci_low"], D["ci_high"], 100_001)
    for unit in b.units(()):
        if unit.shape == "rising":
            continue
        row, gap = rows[unit.contrast], unit.of_r(r) - unit.of_d(d)
        for inside, kind in ((unit.of_r(inside_r), "association"), (unit.of_d(inside_d), "effect")):
            limits = getattr(row, f"{kind}_ci_low"), getattr(row, f"{kind}_ci_high")
            assert limits == pytest.approx((inside.min(), inside.max()), abs=tolerances.SEQUENCE)
        for end, tail in (("low", 0.025), ("high", 0.975)):
            found = np.mean(gap < getattr(row, f"difference_ci_{end}"))
            assert found == pytest.approx(tail, abs=tolerances.SEQUENCE)
        assert row.p_association_larger == pytest.approx(np.mean(gap > 0), abs=tolerances.SEQUENCE)


@pytest.mark.parametrize("estimate", [0.05, -0.05, 0.25, -0.25])
def test_a_reading_of_the_size_holds_no_difference_where_the_value_does(estimate):
    """Shared variance is that of claims; a quantile of the size is above 0 even where the association may be none."""
    z = pool([estimate + x for x in (-0.06, 0.0, 0.03, 0.04)], [0.01, 0.02, 0.01, 0.03], metric="z").to_dict()
    document = fitted(z | {"synthesis": "z", "title": "Z"})
    rows = {row.contrast: row for row in b.bridge("x", PLAN, document, fitted(D), RATES)}
    across = z["ci_low"] < 0 < z["ci_high"]
    assert across == (abs(estimate) < 0.1)
    variance, overlap = rows["variance"], rows["overlap_2_sd"]
    assert (variance.association_ci_low == 0, overlap.association_ci_high == 100) == (across, across)
    claim = SimpleNamespace(kind="variance", name="z", where=lambda column: column)
    (value,) = values_of(claim, SimpleNamespace(documents={"z": document}))
    assert (value.low, value.high) == pytest.approx(
        (variance.association_ci_low, variance.association_ci_high), rel=tolerances.QUADRATURE
    )


@pytest.mark.parametrize(
    ("unit", "value", "printed"),
    [("%", 0.04, "<1"), ("%", 0.0, "0"), ("%", 99.7, ">99"), ("%", 100.0, "100"), ("%", 0.6, "1"), ("%", None, "")],
)
def test_a_share_that_is_nearly_none_is_not_printed_as_none(unit, value, printed):
    rows = [row for row in table().values() if row.contrast != "variance"]
    rows.append(msgspec.structs.replace(table()["variance"], association_ci_low=value, effect_estimate=value))
    drawn = next(s for s in bridge_layout("x", rows, fitted(Z), fitted(D)).sections if s.name == "variance").rows
    assert drawn[-1].estimate_text == printed
    assert drawn[0].high_text.startswith(f"[{printed}," if printed else "")


@given(
    st.floats(-1, 1), st.floats(1e-3, 0.5), st.floats(-1, 1), st.floats(1e-3, 0.5), st.sampled_from([None, 2.0, 4.3])
)  # fmt: skip
def test_both_sides_turned_round_turn_the_difference(z, z_se, d, d_se, df):
    one, two = Z | {"estimate": z, "se": z_se, "df": df}, D | {"estimate": d, "se": d_se, "df": df}
    there, back = (
        b.Gap(b.units(())[1], b.laws(fitted(side[0]))[0], b.laws(fitted(side[1]))[0])
        for side in ((one, two), (one | {"estimate": -z}, two | {"estimate": -d}))
    )
    assert there.below(0.1) + back.below(-0.1) == pytest.approx(1, abs=tolerances.QUADRATURE_P)
    low, high = there.quantile(0.025), there.quantile(0.975)
    assert low < high
    assert there.below(low) == pytest.approx(0.025, abs=tolerances.QUADRATURE_P)


def test_nnt_is_for_the_randomised_side_and_has_no_end_where_the_interval_includes_none():
    row = table()["nnt"]
    assert row.association_estimate is None
    assert row.effect_estimate == pytest.approx(1 / c.benefit(D["estimate"]))
    clear = D | {"estimate": 0.5, "se": 0.05, "df": None}
    rows = {r.contrast: r for r in b.bridge("x", PLAN, fitted(Z), fitted(clear), RATES)}
    assert rows["nnt"].effect_ci_low < rows["nnt"].effect_estimate < rows["nnt"].effect_ci_high
    unclear = D | {"estimate": 0.05, "se": 0.2, "df": None}
    rows = {r.contrast: r for r in b.bridge("x", PLAN, fitted(Z), fitted(unclear), RATES)}
    assert rows["nnt"].effect_ci_high is None
    assert "no finite end" in rows["nnt"].note


def test_without_a_prediction_interval_there_is_no_new_setting():
    two = pool([0.2, 0.4], [0.01, 0.02], metric="z").to_dict() | {"synthesis": "z"}
    rows = b.bridge("x", PLAN, fitted(two), fitted(D), RATES)
    assert all(row.association_pi_low is None and row.p_association_larger_new is None for row in rows)
    assert rows[0].association_ci_low is not None


def test_a_hopeless_association_stays_below_one():
    """Three samples and one degree of freedom: values far beyond r = 1 to the last digit must not become infinite."""
    wide = pool([0.1, 0.9, 0.2], [0.01, 0.02, 0.01], metric="z").to_dict() | {"synthesis": "z"}
    rows = b.bridge("x", PLAN, fitted(wide), fitted(D), RATES)
    for row in rows:
        assert all(math.isfinite(v) for v in plain(row).values() if isinstance(v, float)), row.contrast


def test_the_figure_shows_every_reading_with_its_own_axis():
    rows = list(table().values())
    layout = bridge_layout("x", rows, fitted(Z), fitted(D))
    drawn = {row.key for section in layout.sections for row in section.rows}
    shown = {row.contrast for row in rows if row.unit != "people"}
    assert drawn == shown | {"effect"}
    for section in layout.sections:
        assert section.low <= section.null <= section.high
        effect = section.rows[-1]
        assert (effect.lane, effect.kind) == ("B", "pooled")
        assert all(row.lane == "A" for row in section.rows[:-1])
    heads = {section.name: section.heading for section in layout.sections}
    assert heads["d"].endswith(f": {len(c.CONTRASTS)} readings")
    equal, two = "equal probability of the better outcome", "one SD above against one SD below the mean"
    assert all(f"the reading \u201c{equal}\u201d, P as above" in heads[name] for name in ("probability", "r"))
    assert f"the reading \u201c{two}\u201d" in heads["variance"]
    assert "the same readings, P as above" in heads["u3"]
    assert "without sign: less is a larger difference" in heads["overlap"]
    assert {s.name for s in layout.sections if "without" in s.axis} == {"variance", "overlap"}
    folded = "where an interval of d holds 0, theirs reach 0% and 100%."
    held = any(row.effect_pi_low < 0 < row.effect_pi_high for row in rows if row.contrast in c.CONTRASTS)
    assert held == any(folded in note for note in layout.notes)
    printed = {row.contrast: f"{row.p_association_larger:.6f}" for row in rows if row.p_association_larger is not None}
    assert printed["probability"] == printed["concordance_r"] == printed["concordance"] == printed["u3_concordance"]
    words = " ".join(layout.notes)
    assert "not a test of causes" in words
    assert "randomised effect only" in words
    assert "over the sampling distributions of the two pools, independent and without a prior" in words
