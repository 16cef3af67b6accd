"""Diagnostics of a fit: laws, published numbers, guards, and the document that a job writes."""

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.errors import InputError
from synthesis.meta import bias, influence
from synthesis.meta.selection_model import selection_model
from synthesis.plan.config import Diagnostics
from tally import reference
from typed import diagnosed, flat

SET = reference("molloy2014")
Y, V = np.array(SET["data"]["yi"]), np.array(SET["data"]["vi"])
N = [float(n) for n in SET["table"]["n"]]


# --- influence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau2", ["FE", "DL", "REML"])
def test_leaving_one_out_is_pooling_the_rest(tau2):
    without = influence.leave_one_out(Y, V, tau2=tau2)
    for i in (0, 7, 15):
        rest = synthesis.pool(np.delete(Y, i), np.delete(V, i), tau2=tau2)
        for field in ("estimate", "se", "ci_low", "tau2", "i2", "q"):
            assert getattr(without, field)[i] == pytest.approx(getattr(rest, field), rel=tolerances.LAW, abs=1e-12)


def test_leaving_out_a_sample_is_pooling_the_other_samples():
    cluster = [i // 2 for i in range(len(Y))]
    for model in ("composites", "che"):
        found = influence.leave_one_sample_out(Y, V, cluster, model=model)
        assert list(found) == list(dict.fromkeys(cluster))
        keep = [c != 1 for c in cluster]
        rest = synthesis.pool(Y[keep], V[keep], cluster=[c for c in cluster if c != 1], model=model)
        assert found[1].estimate == pytest.approx(rest.estimate, rel=1e-8)
        assert found[1].se == pytest.approx(rest.se, rel=1e-7)


def test_a_sample_without_which_nothing_can_be_tested_is_none():
    found = influence.leave_one_sample_out(Y[:12], V[:12], [i // 2 for i in range(12)], model="che")
    assert list(found) == [0, 1, 2, 3, 4, 5]
    assert None in found.values()


def test_the_last_cumulative_pool_is_the_pool_and_the_first_the_first_study():
    order, fits = influence.cumulative(Y, V, SET["table"]["year"], ci="wald")
    assert sorted(order) == list(range(len(Y)))
    assert list(np.array(SET["table"]["year"])[order]) == sorted(SET["table"]["year"])
    assert fits.estimate[-1] == pytest.approx(synthesis.pool(Y, V).estimate)
    assert fits.estimate[0] == pytest.approx(Y[order[0]])


def test_an_outlier_is_found_influential_and_nothing_else():
    y, v = np.append(np.linspace(0.28, 0.32, 12), 2.0), np.full(13, 0.02)
    found = influence.influence(y, v)
    assert list(np.flatnonzero(found.influential)) == [12]
    assert found.rstudent[12] > 5
    assert influence.deleted_residuals(y, v).tolist() == found.rstudent.tolist()
    assert influence.baujat(y, v).heterogeneity.argmax() == 12


def test_shrunken_effects_lie_between_study_and_mean_and_stay_with_no_heterogeneity_on_it():
    fit, drawn = synthesis.pool(Y, V), influence.shrunken(Y, V)
    inside = (drawn.estimate - Y) * (fit.estimate - drawn.estimate) >= 0
    assert inside.all()
    same = influence.shrunken(np.full(5, 0.3), np.full(5, 0.1))
    assert same.estimate == pytest.approx(0.3)


# --- small-study effects ----------------------------------------------------------------------------------------


def test_egger_is_statsmodels_weighted_regression():
    """docs/engines.md: for the classic test WLS of statsmodels is the second route."""
    import statsmodels.api as sm

    theirs = sm.WLS(Y, sm.add_constant(np.sqrt(V)), weights=1 / V).fit()
    found = bias.egger(Y, V)
    assert found.statistic == pytest.approx(theirs.tvalues[1], rel=tolerances.METAFOR)
    assert found.p == pytest.approx(theirs.pvalues[1], rel=1e-7)
    assert found.limit == pytest.approx(theirs.params[0], rel=tolerances.METAFOR)


def test_robust_egger_of_one_effect_per_sample_keeps_the_estimate_of_the_mixed_model():
    robust = bias.robust_egger(Y, V, list(range(len(Y))))
    mixed = bias.egger(Y, V, model="rma")
    assert robust.slope == pytest.approx(mixed.slope, rel=1e-6)
    assert robust.slope_se != pytest.approx(mixed.slope_se, rel=1e-3)


def test_asymmetry_is_found_where_it_was_put_and_not_where_it_was_not():
    random = np.random.default_rng(1)
    v = random.uniform(0.005, 0.3, 60)
    fair = 0.3 + random.normal(0, np.sqrt(v))
    assert bias.egger(fair, v).p > 0.01
    leaning = fair + 1.5 * np.sqrt(v)
    assert bias.egger(leaning, v).p < 0.001
    assert bias.rank_test(leaning, v).p < 0.05
    assert bias.trim_fill(leaning, v).missing > 5
    assert abs(bias.pet_peese(leaning, v).estimate - 0.3) < abs(synthesis.pool(leaning, v).estimate - 0.3)


def test_trim_and_fill_of_a_symmetric_funnel_fills_nothing():
    v = np.array([0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1])
    y = np.array([0.0, 0.1, -0.11, 0.21, -0.2, 0.3, -0.31])
    for estimator in ("L0", "R0", "Q0"):
        found = bias.trim_fill(y, v, estimator=estimator)
        assert found.missing == 0
        assert found.fit == synthesis.pool(y, v)


def test_filled_studies_mirror_the_trimmed_ones():
    found = bias.trim_fill(
        *(np.array(reference("colditz1994")["data"][k]) for k in ("yi", "vi")), estimator="R0", tau2="FE"
    )
    assert found.missing == len(found.filled_yi) == 4
    assert found.side == "right"
    assert found.missing_p == 0.5**5


def test_signs_do_not_matter():
    for name, run in {
        "egger": lambda y: abs(bias.egger(y, V).statistic),
        "trim": lambda y: bias.trim_fill(y, V, estimator="R0").missing,
        "pet": lambda y: abs(bias.pet_peese(y, V).estimate),
        "rosenberg": lambda y: bias.fail_safe(y, V).number,
        "orwin": lambda y: bias.fail_safe(y, V, method="orwin", target=0.1).number,
    }.items():
        assert run(Y) == pytest.approx(run(-Y)), name


def test_fail_safe_numbers_do_what_they_say():
    found = bias.fail_safe(Y, V)
    z = [abs(np.sum(Y / V)) / np.sqrt(np.sum(1 / V) + n * np.mean(1 / V)) for n in (found.number - 1, found.number)]
    assert z[0] > 1.959963984540054 >= z[1]
    rosenthal = bias.fail_safe(Y, V, method="rosenthal")
    total = np.sum(Y / np.sqrt(V))
    assert total / np.sqrt(len(Y) + rosenthal.number) <= 1.6448536269514722
    assert total / np.sqrt(len(Y) + rosenthal.number - 1) > 1.6448536269514722
    orwin = bias.fail_safe(Y, V, method="orwin")
    assert len(Y) * orwin.observed / (len(Y) + orwin.number) <= orwin.target + 1e-12


@pytest.mark.parametrize("test", [bias.egger, bias.rank_test, bias.trim_fill])
def test_fewer_than_ten_studies_are_warned_of(test):
    assert "cannot tell chance" in test(Y[:9], V[:9]).notes[0]
    assert test(Y, V).notes == ()


def test_funnel_limits_are_a_cone():
    low, high = bias.funnel_limits(0.3, [0.0, 0.1])
    assert list(low) == pytest.approx([0.3, 0.3 - 0.1959963984540054])
    assert list(high) == pytest.approx([0.3, 0.3 + 0.1959963984540054])


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: bias.egger(Y[:2], V[:2]), "at least 3"),
        (lambda: bias.egger(Y, V, predictor="sqrtninv"), "a size per effect"),
        (lambda: bias.egger(Y, V, predictor="ni", n=[0.0] * len(Y)), "above 0"),
        (lambda: bias.egger(Y, V, predictor="precision"), "one of sei"),
        (lambda: bias.egger(Y, np.full(len(Y), 0.1)), "told apart"),
        (lambda: bias.trim_fill(Y, V, estimator="M0"), "one of L0"),
        (lambda: bias.fail_safe(Y, V, method="orwin", target=0.0), "other than 0"),
        (lambda: bias.fail_safe(Y, V, method="gleser"), "one of rosenthal"),
        (lambda: influence.influence(Y[:2], V[:2]), "at least 3"),
        (lambda: influence.leave_one_sample_out(Y, V, ["a"] * len(Y)), "at least two samples"),
        (lambda: selection_model(Y, V, steps=(0.05, 0.025)), "rising numbers"),
        (lambda: selection_model(Y, V, alternative="both"), "two-sided"),
        (lambda: selection_model(Y, V, alternative="less"), "no study with p-values from 0 to 0.025"),
    ],
)
def test_bad_requests_are_refused(run, said):
    with pytest.raises(InputError) as caught:
        run()
    assert said in str(caught.value)


# --- the document -----------------------------------------------------------------------------------------------


def document(k=16, model="composites", per_sample=1):
    cluster = [f"s{i // per_sample}" for i in range(k)]
    fit = synthesis.pool(Y[:k], V[:k], cluster=cluster, model=model, metric="z")
    studies = []
    for name in dict.fromkeys(cluster):
        held = [i for i in range(k) if cluster[i] == name]
        members = [
            {"effect_id": f"e{i}", "yi": Y[i], "vi": V[i], "year": SET["table"]["year"][i], "rater": "ab"[i % 2]}
            for i in held
        ]
        first = held[0]
        studies.append(
            {"sample_id": name, "label": f"Study {name}", "year": 2000 + first, "n": int(N[first]), "yi": Y[first]}
            | {"vi": V[first], "members": members}
        )
    return fit.to_dict() | {"synthesis": "x", "tau_scale": 0.25, "studies": studies}


def test_every_section_is_there_and_flat_tables_hold_it():
    found = diagnosed(document(), ["rater", "year"], Diagnostics())
    assert set(found["skipped"]) == {"bayes"}
    assert len(found["influence"]) == len(found["cumulative"]) == 16
    assert {"egger", "egger_inverse_root_n", "rank", "trim_fill_L0", "pet_peese", "selection_model"} <= set(
        found["small_study"]
    )
    rater, year = found["moderators"]
    assert [level["level"] for level in rater["levels"]] == ["a", "b"]
    assert len(year["bubbles"]) == 16
    intercept, slope = year["regression"]["estimate"]
    for point in year["line"]:
        assert point["estimate"] == pytest.approx(intercept + slope * point["x"], rel=tolerances.LAW)
        assert point["ci_low"] < point["estimate"] < point["ci_high"]
    found_in = flat([found])
    assert {name for name, rows in found_in.items() if not rows} == {"regressions", "working_models"}, (
        "those that nobody asked for"
    )
    assert len(found_in) == 8


def test_differences_of_means_have_a_regression_on_sizes_of_the_samples_whose_size_is_known():
    """The standard error of g goes with g; Pustejovsky & Rodgers (2019). The values are those of `bias.egger`, which is
    held to metafor's regtest(predictor="sqrtninv") by the validation."""
    known = document() | {"metric": "g"}
    found = diagnosed(known, [], Diagnostics())["small_study"]
    expected = bias.egger(Y[:16], V[:16], predictor="sqrtninv", n=N[:16])
    assert found["egger_inverse_root_n"]["p"] == pytest.approx(expected.p, rel=1e-6)
    assert found["egger_inverse_root_n"]["p"] != found["egger"]["p"]
    studies = [study | {"n": None} if i == 3 else study for i, study in enumerate(known["studies"])]
    lacking = diagnosed(known | {"studies": studies}, [], Diagnostics())
    without = bias.egger(np.delete(Y[:16], 3), np.delete(V[:16], 3), predictor="sqrtninv", n=np.delete(N[:16], 3))
    test = lacking["small_study"]["egger_inverse_root_n"]
    assert test["p"] == pytest.approx(without.p, rel=1e-6)
    assert test["k"] == 15
    (row,) = [row for row in flat([lacking])["small_study"] if row["test"] == "egger_inverse_root_n"]
    assert row["note"].startswith("of the 15 of 16 samples whose size is known")
    few = [study | {"n": None} if i > 8 else study for i, study in enumerate(known["studies"])]
    refused = diagnosed(known | {"studies": few}, [], Diagnostics())["small_study"]
    assert refused.get("egger_inverse_root_n") is None
    assert refused["refused"]["egger_inverse_root_n"] == "known of 9 of 16 samples: at least 10, where not all are"


def test_few_samples_get_a_bayesian_fit_and_no_funnel():
    found = diagnosed(document(4), [], Diagnostics())
    assert found["bayes"]["tau_scale"] == 0.25
    assert found["permutation"]["exact"]
    assert "fewer than 10" in found["skipped"]["small_study"]
    forced = diagnosed(document(4), [], Diagnostics(force_funnel=["x"]))
    assert "cannot tell chance" in forced["small_study"]["egger"]["notes"][0]
    assert any(row["test"] == "all" for row in flat([found])["small_study"])


def test_dependent_effects_use_their_own_model():
    found = diagnosed(document(16, "che", 2), ["rater"], Diagnostics(funnel_from=5))
    cluster = [i // 2 for i in range(16)]
    slope = bias.robust_egger(Y[:16], V[:16], cluster, rho=0.6).slope
    assert found["small_study"]["egger_robust"]["slope"] == pytest.approx(slope, rel=1e-9)
    assert slope != pytest.approx(bias.robust_egger(Y[:16], V[:16], cluster, rho=0.0).slope, rel=1e-3)
    assert found["influence"][0]["model_estimate_without"] is not None
    assert found["moderators"][0]["regression"]["rho"] == 0.6
    assert flat([found])["influence"][0]["model_omega2_without"] is not None


def test_a_moderator_that_cannot_be_fitted_says_why():
    found = diagnosed(document(16, "composites", 2), ["rater"], Diagnostics())
    assert "che or three_level" in found["moderators"][0]["refused"]
    one = document()
    for study in one["studies"]:
        study["members"][0]["rater"] = "a"
    assert "at least two levels" in diagnosed(one, ["rater"], Diagnostics())["moderators"][0]["refused"]
    assert flat([found])["moderators"][0]["kind"] == "refused"


def test_a_single_sample_has_nothing_to_examine():
    assert diagnosed(document(1), [], Diagnostics())["skipped"] == {"all": "one sample: nothing to compare"}


def test_a_p_that_cannot_be_smaller_says_so_and_the_first_sample_has_no_heterogeneity():
    made = document(k=5)
    for i, study in enumerate(made["studies"]):
        study["yi"] = 1.0 + 0.01 * i
    found = diagnosed(made, (), Diagnostics())
    (row,) = (r for r in flat([found])["few_samples"] if r["what"] == "permutation p")
    assert row["estimate"] == 2 / 2**5
    assert row["note"] == "all sign changes; p \u2264 0.063, the smallest that 5 samples can give"
    first, second = found["cumulative"][:2]
    assert first["tau2"] is first["i2"] is None
    assert second["i2"] is not None


def test_a_regression_on_few_samples_has_no_test():
    """6 samples and 3 levels leave 3 degrees of freedom."""
    made = document(k=6)
    for study, level in zip(made["studies"], ["client", "client", "observer", "observer", "therapist", "therapist"],
                            strict=True):  # fmt: skip
        study["members"][0]["rater"] = level
    (found,) = diagnosed(made, ("rater",), Diagnostics())["moderators"]
    assert found["test"]["p"] is None
    assert "3.0 degrees of freedom" in found["test"]["note"]
    assert set(found["regression"]["p"]) == {None}
    (row,) = (r for r in flat([{"synthesis": "x", "metric": "z", "skipped": {}, "moderators": [found]}])["moderators"]
              if r["kind"] == "test of all")  # fmt: skip
    assert (row["estimate"], row["df"], row["p"]) == (None, None, None)
    assert "fewer than 4" in row["note"]
