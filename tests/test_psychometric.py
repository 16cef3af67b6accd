"""Psychometric meta-analysis against the R package psychometric, and formulas written down again."""

import math

import numpy as np
import pytest
import synthesis
import tolerances as tol
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from synthesis import Reliabilities, psychometric, psychometric_each
from synthesis.data.associations import corrected as corrected_r
from synthesis.data.reading import parse
from synthesis.errors import InputError
from synthesis.plan.monitored import Psychometrics, ReliabilityOf
from synthesis.report import declared_tables
from synthesis.review.attenuation import corrected
from typed import fitted, raw_row

# Hunter, Schmidt & Jackson (1982), table 3.5, as the R package psychometric 2.3 holds it (data HSJt35).
HSJ_R, HSJ_N, HSJ_RELIABILITY = [0.01, 0.14, 0.23, 0.34], [68] * 4, [0.7, 0.5]
# Arthur, Bennett & Huffcutt (2001), table 3.2, the same package (ABHt32), without its range restriction.
ABH = ([0.60, 0.12, 0.24, 0.02, 0.50, 0.35, 0.16, 0.28, 0.07, 0.58], [85, 70, 125, 25, 75, 100, 75, 125, 50, 25])
ABH_PROCESS, ABH_OUTCOME = [0.88, 0.74, 0.82, 0.86, 0.78], [0.60, 0.44, 0.58]

ABH_R = {
    "CAFAA": 0.661960046150544,
    "rhoCA": 0.455000350446581,
    "varRCA": 0.0389919498542589,
    "pvaaa": 40.5588560672028,
}


def test_artefact_distributions_give_what_r_gives():
    """psychometric 2.3 on HSJt35: rbar, varr, CAFAA, rhoCA, varRCA, CredIntRho(level = .8), pvaaa, CIrb."""
    found = psychometric(HSJ_R, HSJ_N, HSJ_RELIABILITY, HSJ_RELIABILITY)
    assert (found.k, found.n) == (4, 272)
    assert (found.mean_r, found.sd_r**2) == pytest.approx((0.18, 0.01465), rel=tol.METAFOR)
    assert found.attenuation == pytest.approx(0.595803989154981, rel=tol.METAFOR)
    assert found.rho == pytest.approx(0.302112780841382, rel=tol.METAFOR)
    assert found.sd_rho**2 == pytest.approx(0.000619079501869439, rel=tol.METAFOR)
    assert (found.low, found.high) == pytest.approx((0.270226101258615, 0.333999460424149), rel=tol.METAFOR)
    assert 100 * (found.sampling + found.artefacts) == pytest.approx(98.4999158816651, rel=tol.METAFOR)
    limits = (0.0613857389232128, 0.2986142610767872)
    assert (found.mean_r_low, found.mean_r_high) == pytest.approx(limits, rel=tol.METAFOR)


def test_samples_of_several_sizes_give_what_r_gives():
    """The same functions on ABHt32 with u empty; its sampling variance (vare) averages (1 - r^2)^2 / (n - 1) by n."""
    found = psychometric(*ABH, ABH_PROCESS, ABH_OUTCOME)
    assert (found.mean_r, found.sd_r**2) == pytest.approx((0.301192052980132, 0.028744274373931), rel=tol.METAFOR)
    assert found.sampling * found.sd_r**2 == pytest.approx(0.0111517791253642, rel=tol.METAFOR)
    assert found.attenuation == pytest.approx(ABH_R["CAFAA"], rel=tol.METAFOR)
    assert found.rho == pytest.approx(ABH_R["rhoCA"], rel=tol.METAFOR)
    assert found.sd_rho**2 == pytest.approx(ABH_R["varRCA"], rel=tol.METAFOR)
    assert 100 * (found.sampling + found.artefacts) == pytest.approx(ABH_R["pvaaa"], rel=tol.METAFOR)


def test_mean_and_sd_do_what_values_do():
    """The square root's moments by its series: what is left out is of the third moment on."""
    values = [0.86, 0.9, 0.88, 0.93, 0.83]
    spread = Reliabilities(float(np.mean(values)), float(np.std(values)))
    one, other = (psychometric(*ABH, given, [0.8]) for given in (values, spread))
    assert one.rho == pytest.approx(other.rho, rel=tol.PRINTED_4)
    assert one.artefacts == pytest.approx(other.artefacts, rel=0.05)


@given(st.floats(0.3, 1), st.floats(0.3, 1))
def test_perfect_measures_change_nothing_and_worse_ones_correct_more(process, outcome):
    plain = psychometric(*ABH, Reliabilities(1.0), Reliabilities(1.0))
    assert (plain.rho, plain.attenuation, plain.artefacts) == pytest.approx((plain.mean_r, 1, 0), rel=tol.LAW)
    found = psychometric(*ABH, Reliabilities(process), Reliabilities(outcome))
    assert found.rho == pytest.approx(plain.rho / math.sqrt(process * outcome), rel=tol.LAW)
    assert found.sd_rho == pytest.approx(plain.sd_rho / math.sqrt(process * outcome), rel=tol.LAW)


def test_each_correlation_with_one_reliability_is_the_distribution_without_spread():
    r, n = ABH
    each = psychometric_each(r, n, np.array(r) / 0.8, [0.8] * 10)
    whole = psychometric(r, n, Reliabilities(0.8), Reliabilities(0.8))
    for name in ("rho", "rho_low", "sd_rho", "low", "high", "attenuation", "sampling", "mean_r"):
        assert getattr(each, name) == pytest.approx(getattr(whole, name), rel=tol.LAW), name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ri": [0.1], "ni": [40]}, "two or more"),
        ({"ri": [0.1, 1.2]}, "Fisher z"),
        ({"ni": [3, 40]}, "4 people"),
        ({"process": []}, "above 0 and at most 1"),
        ({"process": [0.8, 1.2]}, "above 0 and at most 1"),
        ({"outcome": Reliabilities(1.3)}, "mean reliability"),
        ({"outcome": Reliabilities(0.9, 0.4)}, "an SD of at most 0.3"),
        ({"level": 1.0}, "level"),
    ],
)
def test_what_cannot_be_corrected_is_refused(change, said):
    given = {"ri": [0.1, 0.3], "ni": [40, 50], "process": [0.8], "outcome": [0.7]} | change
    with pytest.raises(InputError, match=said):
        psychometric(**given)
    with pytest.raises(InputError, match="above 0"):
        psychometric_each([0.1, 0.2], [40, 50], [0.1, 0.2], [1.0, 0.0])


R, N = [0.1, 0.3, 0.25, 0.4], [60, 80, 100, 50]


def material(metric):
    """Four samples with a correlation each, raw or corrected by .9 and .8; the third prints a reliability."""
    made = [corrected_r(r, n, 0.9, 0.8) for r, n in zip(R, N, strict=True)]
    y = np.arctanh(R) if metric == "z" else [estimate.yi for estimate in made]
    v = [1 / (n - 3) for n in N] if metric == "z" else [estimate.vi for estimate in made]
    studies = [
        {"sample_id": f"s{i}", "yi": a, "vi": b, "n": n, "effects": [f"e{i}"],
         "members": [{"effect_id": f"e{i}", "yi": a, "vi": b}]}
        for i, (a, b, n) in enumerate(zip(y, v, N, strict=True))
    ]  # fmt: skip
    rows = {
        f"e{i}": raw_row({"effect_id": f"e{i}", "statistic": "r", "value": r, "n": n, "study": "s"}
                         | ({"reliability_process": 0.85} if i == 2 else {}))
        for i, (r, n) in enumerate(zip(R, N, strict=True))
    }  # fmt: skip
    content = synthesis.pool(y, v, metric=metric).to_dict() | {"synthesis": "x", "title": "X", "lane": "A"}
    return fitted(content | {"studies": studies}), rows


def declared(**sides):
    return {"x": Psychometrics(**{f"reliability_{side}": given for side, given in sides.items()})}


def test_a_declared_synthesis_has_its_pool_beside_the_corrected_correlation():
    document, rows = material("z")
    outcome = ReliabilityOf(mean=0.8, sd=0.05, source="A 2001, table 2")
    (row,) = corrected([document], declared(outcome=outcome), rows)
    whole = psychometric(R, N, [0.85], Reliabilities(0.8, 0.05))
    assert row.raw_estimate == pytest.approx(math.tanh(document.fit.estimate), rel=tol.LAW)
    assert (row.rho, row.sd_rho, row.mean_r) == pytest.approx((whole.rho, whole.sd_rho, whole.mean_r), rel=tol.LAW)
    assert (row.reliability_process, row.process_from) == (0.85, "rows of the synthesis (1)")
    assert (row.reliability_outcome_sd, row.outcome_from) == (0.05, "A 2001, table 2")
    assert row.corrected_estimate is None
    assert corrected([document], {}, rows) == []


def test_without_any_reliability_nothing_is_corrected():
    document, rows = material("z")
    (row,) = corrected([document], declared(process=ReliabilityOf(values=(0.9, 0.8), source="B")), rows)
    assert row.rho is None
    assert row.note == "no row of the synthesis prints reliability_outcome, and the plan declares none"


def test_corrected_correlations_never_stand_alone():
    document, rows = material("r_corrected")
    (row,) = corrected([document], {}, rows)
    raw = synthesis.pool(np.arctanh(R), [1 / (n - 3) for n in N])
    assert row.raw_estimate == pytest.approx(math.tanh(raw.estimate), rel=tol.LAW)
    assert row.corrected_estimate == document.fit.estimate
    assert row.attenuation == pytest.approx(math.sqrt(0.72), rel=tol.LAW)
    assert row.rho == pytest.approx(np.dot(N, R) / sum(N) / math.sqrt(0.72), rel=tol.LAW)


@pytest.mark.parametrize("metric", ["z", "r_corrected"])
def test_the_report_names_the_raw_correlation_first(metric):
    document, rows = material(metric)

    class Review:
        psychometric = corrected([document], declared(outcome=ReliabilityOf(mean=0.8, source="A")), rows)
        by_name = {"x": document}  # noqa: RUF012

    (sentence,) = declared_tables.corrected(Review())
    raw, _, rest = sentence.partition("; corrected for unreliability")
    assert raw.startswith("X: r = 0.2")
    assert "80% of true correlations between" in rest
    assert len(declared_tables.psychometric(Review()).rows) == 1


@pytest.mark.parametrize("given", [{}, {"mean": 0.8, "values": (0.8,)}, {"values": (1.2,)}])
def test_reliabilities_are_declared_in_one_way(given):
    with pytest.raises(InputError, match=r"source.*(either mean|at most 1)"):
        parse(ReliabilityOf, {"source": "x"} | given, "source")


def test_a_sample_too_small_for_fisher_z_is_said():
    document, rows = material("r_corrected")
    (row,) = corrected([document], {}, rows | {"e0": replace(rows["e0"], n=3.0)})
    assert row.raw_estimate is None
    assert row.note == "a sample of 3 people or fewer: Fisher z has no variance"
