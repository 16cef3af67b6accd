"""Numbers that leave the package, of the complete small review, against formulas written down here.

Each test names a change of the code that nothing else noticed. What is read are files of the workflow.
"""

import csv
import html
import itertools
import json
import math
import re

import numpy as np
import pytest
import synthesis
import tolerances
from scipy.optimize import minimize_scalar
from scipy.stats import norm, t
from synthesis.data.vocabulary import METRIC_NAME
from synthesis.meta.robust import LEAST_DF

LEVEL, RHO_OF_ALLIANCE = 0.9, 0.4


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def floats(row, *names):
    return [float(row[name]) for name in names]


@pytest.fixture(scope="module")
def effects(complete):
    """The usable effects of studies by effect_id, in the metric of lane A or g."""
    rows = rows_of(complete / "tables" / "effects.csv")
    return {r["effect_id"]: r for r in rows if r["level"] == "study" and r["metric"] in ("z", "g")}


def chosen(effects, source, **conditions):
    found = [r for r in effects.values() if r["source"] == source]
    return [r for r in found if all(r[name] == value for name, value in conditions.items())]


# --- formulas ------------------------------------------------------------------------------------------------------


def composites(rows, rho):
    """Mean of each sample's effects, and its variance with all correlations equal. Borenstein et al. (2009), ch. 24."""
    y, v = [], []
    for sample in dict.fromkeys(r["sample_id"] for r in rows):
        own = [(float(r["yi"]), float(r["vi"])) for r in rows if r["sample_id"] == sample]
        pairs = sum(rho * math.sqrt(a * b) for (_, a), (_, b) in itertools.permutations(own, 2))
        y.append(sum(a for a, _ in own) / len(own))
        v.append((sum(b for _, b in own) + pairs) / len(own) ** 2)
    return np.array(y), np.array(v)


def reml(y, v):
    """tau2 that maximises the restricted likelihood, by golden section."""

    def loss(tau2):
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum()

    inside = minimize_scalar(loss, bounds=(0, 10 * y.var() + 1e-3), method="bounded", options={"xatol": 1e-12})
    return 0.0 if loss(0) <= inside.fun else float(inside.x)


def hartung_knapp(y, v, tau2, ad_hoc):
    """Mean and limits: t with k - 1 df; ad hoc, the scale is at least 1. IntHout et al. (2014)."""
    w = 1 / (v + tau2)
    mean, k = (w * y).sum() / w.sum(), len(y)
    scale = (w * (y - mean) ** 2).sum() / (k - 1)
    half = t.ppf(0.5 + LEVEL / 2, k - 1) * math.sqrt((max(scale, 1) if ad_hoc else scale) / w.sum())
    return mean, mean - half, mean + half


def expected(rows, rho):
    """Mean and ad hoc limits of few samples: what levels of a moderator and blocks show."""
    y, v = composites(rows, rho)
    return hartung_knapp(y, v, reml(y, v), ad_hoc=True)


def robust(rows, rho):
    """Mean and limits by the model of the alliance, CHE with CR2, as a synthesis of these rows has it."""
    y, v = (np.array([float(r[x]) for r in rows]) for x in ("yi", "vi"))
    fit = synthesis.pool(y, v, cluster=[r["sample_id"] for r in rows], model="che", rho=rho, level=LEVEL)
    return fit.estimate, fit.ci_low, fit.ci_high


BY_MODEL = "client"  # the level that has enough samples for the model of the whole


# --- levels and blocks ---------------------------------------------------------------------------------------------

LEVELS = [
    ("alliance", "rater", "client", {"source": "process", "rater": "client"}),
    ("alliance", "rater", "observer", {"source": "process", "rater": "observer"}),
    ("alliance", "estimand", "r_partial", {"source": "process", "estimand": "r_partial"}),
    ("trials", "rob", "High", {"source": "trials", "rob": "High", "comparator": "usual care"}),
    ("trials", "rob", "Some concerns", {"source": "trials", "rob": "Some concerns", "comparator": "usual care"}),
]


@pytest.mark.parametrize(("name", "moderator", "level", "where"), LEVELS)
def test_levels_of_moderators_have_the_ad_hoc_interval(complete, effects, name, moderator, level, where):
    """Whatever that of the pool: Wald's, or plain HKSJ, would be too narrow. Or that of the model of the whole."""
    found = rows_of(complete / "tables" / "moderators.csv")
    (row,) = [r for r in found if (r["synthesis"], r["moderator"], r["kind"]) == (name, moderator, "level")
              and r["term"] == level]  # fmt: skip
    way = robust if level == BY_MODEL else expected
    wanted = way(chosen(effects, **where), RHO_OF_ALLIANCE if name == "alliance" else 0.6)
    assert level != BY_MODEL or "mean of its effects" not in row["note"]
    assert floats(row, "estimate", "ci_low", "ci_high") == pytest.approx(wanted, rel=tolerances.FORMULA)


@pytest.mark.parametrize(("name", "column"), [("alliance", "estimand"), ("trials", "rob")])
def test_diamonds_of_blocks_have_the_ad_hoc_interval(complete, effects, name, column):
    model = json.loads((complete / "models" / f"{name}.json").read_text())
    rho = RHO_OF_ALLIANCE if name == "alliance" else 0.6
    rows = chosen(effects, **({"source": "process"} if name == "alliance" else
                              {"source": "trials", "comparator": "usual care"}))  # fmt: skip
    blocks = {r[column] for r in rows}
    shown = {group["value"]: group for group in model["groups"]}
    assert set(shown) == blocks
    models = {group["model"] for group in shown.values()}
    assert models == {"composites", "che" if name == "alliance" else "independent"}
    for value in blocks:
        own = [r for r in rows if r[column] == value]
        # The model of the synthesis, so that a block is what a synthesis of its rows would be.
        wanted = (robust if shown[value]["model"] == "che" else expected)(own, rho)
        found = [shown[value][k] for k in ("estimate", "ci_low", "ci_high")]
        assert found == pytest.approx(wanted, rel=tolerances.FORMULA), value


def test_some_level_tells_the_intervals_apart(effects):
    """The tests above would be blind where all three intervals were alike."""
    wider = 0
    for *_, where in LEVELS:
        y, v = composites(chosen(effects, **where), 0.6)
        tau2 = reml(y, v)
        mean, low, _ = hartung_knapp(y, v, tau2, ad_hoc=True)
        wald = mean - norm.ppf(0.5 + LEVEL / 2) / math.sqrt((1 / (v + tau2)).sum())
        wider += low < hartung_knapp(y, v, tau2, ad_hoc=False)[1] - 1e-4
        assert low < wald - 1e-3
    assert wider


# --- a synthesis' own rho ------------------------------------------------------------------------------------------


def test_the_rho_of_a_synthesis_is_the_one_that_is_used(complete, effects):
    rows = chosen(effects, "process")
    y, v = [[float(r[k]) for r in rows] for k in ("yi", "vi")]
    samples = [r["sample_id"] for r in rows]
    own, default = (synthesis.pool(y, v, cluster=samples, model="che", rho=rho, level=LEVEL) for rho in (0.4, 0.6))
    (row,) = [r for r in rows_of(complete / "tables" / "pooled.csv") if r["synthesis"] == "alliance"]
    names = ("estimate", "ci_low", "ci_high", "tau2", "rho")
    wanted = [getattr(own, name) for name in names]
    assert floats(row, *names) == pytest.approx(wanted, rel=tolerances.FORMULA)
    assert abs(own.ci_low - default.ci_low) > 1e-4
    model = json.loads((complete / "models" / "alliance.json").read_text())
    _, variances = composites(rows, RHO_OF_ALLIANCE)
    assert [s["vi"] for s in model["studies"]] == pytest.approx(variances, rel=tolerances.FORMULA)


# --- what the report prints ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(complete):
    return (complete / "report_appendix.html").read_text(encoding="utf-8")


def cells(report, *first):
    """The texts of the only row of a table in the report that begins so."""
    found = []
    for row in re.findall(r"<tr\b.*?</tr>", report, re.S):
        texts = [html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in re.findall(r"<td\b.*?</td>", row, re.S)]
        if tuple(texts[: len(first)]) == first:
            found.append(texts)
    assert len(found) == 1, found
    return found[0]


def printed(text):
    """The numbers of a cell."""
    return [float(x) for x in re.findall(r"-?\d+\.\d+", text.replace("\N{MINUS SIGN}", "-"))]


@pytest.mark.parametrize("level", ["client", "observer", "therapist"])
def test_the_report_prints_levels_of_correlations_as_r(report, effects, level):
    way = robust if level == BY_MODEL else expected
    z = way(chosen(effects, "process", rater=level), RHO_OF_ALLIANCE)
    row = cells(report, "Alliance and outcome", "rater", level)
    r = [math.tanh(x) for x in z]
    assert printed(row[4]) + printed(row[5]) == pytest.approx(r, abs=tolerances.PRINTED_2 + tolerances.ZERO)
    if level == "observer":
        assert max(abs(a - b) for a, b in zip(r, z, strict=True)) > 2 * tolerances.PRINTED_2


def test_the_report_prints_levels_of_odds_as_ratios(report, complete):
    rows = rows_of(complete / "tables" / "effects.csv")
    (row,) = [r for r in rows if (r["metric"], r["comparator"]) == ("log_odds_ratio", "wait list")]
    y, half = float(row["yi"]), norm.ppf(0.5 + LEVEL / 2) * math.sqrt(float(row["vi"]))
    shown = cells(report, "Response, odds ratio", "comparator", "wait list")
    wanted = [math.exp(x) for x in (y, y - half, y + half)]
    assert printed(shown[4]) + printed(shown[5]) == pytest.approx(wanted, abs=tolerances.PRINTED_2 + tolerances.ZERO)


def test_the_card_of_a_row_has_the_interval_of_its_variance(report, complete):
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', report, re.S)
    cards = json.loads(embedded[1])["effects"]
    names = {"z": "r", "r_corrected": "corrected r", "g": "g"}
    compared = []
    for row in rows_of(complete / "tables" / "effects.csv"):
        if row["metric"] not in names or not row["vi"] or row["effect_id"] not in cards:
            continue
        y, half = float(row["yi"]), norm.ppf(0.5 + LEVEL / 2) * math.sqrt(float(row["vi"]))
        back = math.tanh if row["metric"] == "z" else float
        said = dict(part.split(" = ") for part in cards[row["effect_id"]]["estimate"].split("; "))
        want = [back(x) for x in (y, y - half, y + half)]
        assert printed(said[names[row["metric"]]]) == pytest.approx(want, abs=tolerances.PRINTED_2 + tolerances.ZERO)
        compared.append(row["effect_id"])
    assert len(compared) > len(set(compared)) > 20


def test_the_report_counts_the_prediction_intervals_that_hold_zero(report, complete):
    limits = [floats(r, "pi_low", "pi_high") for r in rows_of(complete / "tables" / "pooled.csv") if r["pi_low"] != ""]
    holding = sum(low <= 0 <= high for low, high in limits)
    assert 1 < holding < len(limits) - 1
    assert f"Of {len(limits)} prediction intervals, {holding} include zero" in html.unescape(report)


def test_the_report_counts_the_syntheses_that_have_a_prediction_interval(report, complete):
    rows = list(rows_of(complete / "tables" / "pooled.csv"))
    ranged = sum(row["pi_low"] != "" for row in rows)
    assert 1 < ranged < len(rows)
    assert f"prediction interval ({ranged} of {len(rows)} syntheses" in html.unescape(report)


# --- cards ---------------------------------------------------------------------------------------------------------

READ = {
    "z": math.tanh,
    "logit": lambda x: 1 / (1 + math.exp(-x)),
    "arcsine": lambda x: math.sin(x) ** 2,
} | {metric: math.exp for metric in METRIC_NAME if metric.startswith("log_")}


def test_cards_give_estimates_on_the_scale_on_which_they_are_read(complete):
    names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    seen = set()
    for row in rows_of(complete / "tables" / "pooled.csv"):
        card = json.loads((complete / "model_cards" / f"{row['synthesis']}.json").read_text())
        for name in names:
            wanted = None if row[name] == "" else READ.get(row["metric"], float)(float(row[name]))
            for found in (card["as_read"][name], row[f"{name}_transformed"] or None):
                assert (found is None) == (wanted is None)
                if wanted is not None:
                    assert float(found) == pytest.approx(wanted, rel=tolerances.FORMULA), (row["synthesis"], name)
            fitted = card["fit"][name]
            assert (fitted is None) == (wanted is None)
            if wanted is not None:
                assert fitted == pytest.approx(float(row[name]), rel=tolerances.FORMULA)
        seen.add(row["metric"])
    assert seen == set(METRIC_NAME)


# --- printed summaries ---------------------------------------------------------------------------------------------


def test_printed_limits_of_a_reversed_scale_change_places(complete):
    """Printed: r = -.21 [-.34, -.05] on symptoms, SMD -0.40 [-0.69, -0.11]; both are better for the patient."""
    (row,) = [r for r in rows_of(complete / "tables" / "comparison.csv") if r["comparison"] == "alliance_or_reverse"]
    wanted = [math.atanh(x) for x in (0.21, 0.05, 0.34)]
    found = floats(row, "estimate_second", "ci_low_second", "ci_high_second")
    assert found == pytest.approx(wanted, rel=tolerances.FORMULA)
    se = (wanted[2] - wanted[1]) / (2 * norm.ppf(0.975))
    (pooled,) = [r for r in rows_of(complete / "tables" / "pooled.csv") if r["synthesis"] == "alliance"]
    assert float(row["se"]) == pytest.approx(math.hypot(se, float(pooled["se"])), rel=tolerances.FORMULA)
    (shown,) = json.loads((complete / "models" / "trials.json").read_text())["references"]
    assert [shown[k] for k in ("yi", "ci_low", "ci_high")] == pytest.approx([0.40, 0.11, 0.69])


def test_printed_limits_of_claims_and_interactions_change_places_too(complete):
    (claim,) = [r for r in rows_of(complete / "tables" / "claims.csv") if r["claim_id"] == "printed_reverse"]
    assert floats(claim, "estimate", "ci_low", "ci_high") == pytest.approx([0.21, 0.05, 0.34])
    assert claim["verdict"] == "supported"
    (row,) = rows_of(complete / "tables" / "interactions.csv")
    assert floats(row, "coefficient", "ci_low", "ci_high") == pytest.approx([0.10, 0.002, 0.19])
    assert float(row["se"]) == pytest.approx(0.188 / (2 * norm.ppf(0.975)), rel=tolerances.FORMULA)


# --- severity ------------------------------------------------------------------------------------------------------


def test_severity_is_in_standard_deviations_of_the_instrument(complete, effects):
    """Baseline mean of both arms, minus that of the instrument's samples, over the mean baseline SD; from 3 samples."""
    rows = [r for r in chosen(effects, "trials", comparator="usual care") if r["baseline_mean_treat"]]
    by_instrument = {}
    for r in rows:
        by_instrument.setdefault(re.sub("[^a-z0-9]", "", r["outcome"].lower()), []).append(r)
    wanted = {}
    for own in by_instrument.values():
        if len({r["sample_id"] for r in own}) < 3:
            continue
        means, spreads = {}, []
        for r in own:
            a, b, n, m = floats(r, "baseline_mean_treat", "baseline_mean_control", "n_treat", "n_control")
            means[r["effect_id"]] = (a * n + b * m) / (n + m)
            spreads.append(sum(floats(r, "baseline_sd_treat", "baseline_sd_control")) / 2)
        samples = {}
        for r in own:
            samples.setdefault(r["sample_id"], []).append(means[r["effect_id"]])
        centre = np.mean([np.mean(values) for values in samples.values()])
        wanted |= {key: (mean - centre) / np.mean(spreads) for key, mean in means.items()}
    model = json.loads((complete / "models" / "trials.json").read_text())
    found = {m["effect_id"]: m["severity"] for s in model["studies"] for m in s["members"] if m["severity"] is not None}
    assert found == pytest.approx(wanted, rel=tolerances.FORMULA)
    assert len(found) >= 8


def test_the_slope_of_severity_is_per_standard_deviation(complete, effects):
    """Four trials of one outcome, one effect each, tau2 0: weighted least squares on the severity of the model file."""
    model = json.loads((complete / "models" / "online.json").read_text())
    held = [m for s in model["studies"] for m in s["members"] if m["severity"] is not None]
    y, v, x = (np.array([m[k] for m in held]) for k in ("yi", "vi", "severity"))
    design = np.column_stack([np.ones(len(x)), x])
    slope = np.linalg.solve(design.T @ (design / v[:, None]), design.T @ (y / v))
    found = rows_of(complete / "tables" / "moderators.csv")
    rows = [r for r in found if (r["synthesis"], r["moderator"], r["kind"]) == ("online", "severity", "coefficient")]
    assert [float(r["tau2"]) for r in rows] == [0, 0]
    assert [float(r["estimate"]) for r in rows] == pytest.approx(slope, rel=tolerances.FORMULA)


def test_the_line_of_a_regression_is_that_of_weighted_least_squares_and_has_no_limits_of_few_df(complete):
    """As above, at every point; below four df neither slope nor line has an interval, and the model says why."""
    model = json.loads((complete / "models" / "online.json").read_text())
    held = [m for s in model["studies"] for m in s["members"] if m["severity"] is not None]
    y, v, x = (np.array([m[k] for m in held]) for k in ("yi", "vi", "severity"))
    assert len(y) - 2 < LEAST_DF
    design = np.column_stack([np.ones(len(x)), x])
    line = np.linalg.inv(design.T @ (design / v[:, None])) @ (design.T @ (y / v))
    (found,) = json.loads((complete / "diagnostics" / "online.json").read_text())["moderators"]
    assert (found["line"][0]["x"], found["line"][-1]["x"]) == pytest.approx((x.min(), x.max()))
    for point in found["line"]:
        assert point["estimate"] == pytest.approx(np.array([1, point["x"]]) @ line, rel=tolerances.FORMULA)
        assert (point["ci_low"], point["ci_high"]) == (None, None)
    assert found["regression"]["p"] == [None, None]
    assert any("df" in note or "degrees of freedom" in note for note in found["regression"]["notes"])


# --- shared variance -----------------------------------------------------------------------------------------------


def test_shared_variance_reaches_down_to_zero_only_where_the_interval_does(complete):
    pooled = {r["synthesis"]: r for r in rows_of(complete / "tables" / "pooled.csv")}
    claims = {r["claim_id"]: r for r in rows_of(complete / "tables" / "claims.csv")}
    for claim, name in (("variance_share", "alliance"), ("variance_observer", "alliance_observer"),
                        ("variance_from_zero", "alliance_near_zero")):  # fmt: skip
        r, low, high = (math.tanh(x) for x in floats(pooled[name], "estimate", "ci_low", "ci_high"))
        bottom = 0.0 if low < 0 < high else 100 * low**2
        wanted = [100 * r**2, bottom, 100 * max(low**2, high**2)]
        assert floats(claims[claim], "estimate", "ci_low", "ci_high") == pytest.approx(wanted, rel=tolerances.FORMULA)
        assert (bottom == 0) == (claim == "variance_from_zero")


def test_shared_variance_of_the_bridge_has_the_limits_of_its_correlation(complete):
    """Far from zero squaring is monotone: the limits are those of r or g, squared."""
    pooled = {r["synthesis"]: r for r in rows_of(complete / "tables" / "pooled.csv")}
    for row in rows_of(complete / "tables" / "bridge.csv"):
        if row["contrast"] != "variance":
            continue
        r, low, high = (math.tanh(x) for x in floats(pooled[row["association"]], "estimate", "ci_low", "ci_high"))
        found = floats(row, "association_estimate", "association_ci_low", "association_ci_high")
        assert found == pytest.approx([100 * r**2, 100 * low**2, 100 * high**2], rel=tolerances.FAR_FROM_ZERO)
        if row["effect"] != "trials":
            continue
        d, low, high = floats(pooled[row["effect"]], "estimate", "ci_low", "ci_high")
        found = floats(row, "effect_estimate", "effect_ci_low", "effect_ci_high")
        wanted = [100 * x**2 / (x**2 + 4) for x in (d, low, high)]
        assert found == pytest.approx(wanted, rel=tolerances.FAR_FROM_ZERO)


def test_the_test_of_blocks_is_that_of_their_difference(complete):
    document = json.loads((complete / "models" / "alliance_zero.json").read_text())
    # The block of those set to zero has one value: it is in the model, and no part of the test.
    tested = [(m, study) for study in document["studies"] for m in study["members"]]
    y, v = ([m[name] for m, _ in tested] for name in ("yi", "vi"))
    blocks = ["zero" if study["yi"] == 0 else study["exactness"] for _, study in tested]
    slope = synthesis.design({"block": blocks}, len(tested))
    fit = synthesis.robust_regress(y, v, slope, [study["sample_id"] for _, study in tested], rho=document["rho"])
    found = document["groups_test"]
    assert found["df1"] == 1
    assert found["statistic"] == pytest.approx((fit.estimate[1] / fit.se[1]) ** 2, rel=tolerances.FORMULA)
    assert found["df2"] == pytest.approx(fit.df[1], rel=tolerances.FORMULA)
    assert found["p"] == pytest.approx(2 * t.sf(abs(fit.estimate[1] / fit.se[1]), fit.df[1]), rel=tolerances.FORMULA)


def test_r_scripts_ask_for_the_level_of_the_plan(complete):
    fits = [
        line
        for path in (complete / "r").glob("*.R")
        for line in path.read_text().splitlines()
        if re.match(r"(res|fit) <- rma", line)
    ]
    assert len(fits) > 20
    assert {re.search(r"level = ([\d.]+)", line)[1] for line in fits} == {f"{100 * LEVEL:g}"}


def test_the_short_report_counts_the_checks_of_each_statement(complete):
    report = (complete / "report.html").read_text(encoding="utf-8")
    wanted = {}
    for row in rows_of(complete / "tables" / "claims.csv"):
        of_statement = wanted.setdefault(row["statement"], {"says": row["says"]})
        of_statement[row["verdict"]] = of_statement.get(row["verdict"], 0) + 1
    assert any(count > 1 for found in wanted.values() for count in found.values() if count != found["says"])
    for found in wanted.values():
        (_, verdicts) = cells(report, found.pop("says"))[:2]
        counted = {verdict: int(count) for verdict, count in re.findall(r"([a-z ]+?) \((\d+)[;)]", verdicts)}
        assert {verdict.strip(): count for verdict, count in counted.items()} == found


def test_a_share_of_true_effects_is_in_percent_and_has_an_interval(complete):
    (claim,) = [r for r in rows_of(complete / "tables" / "claims.csv") if r["claim_id"] == "share_true"]
    rows = [r for r in rows_of(complete / "tables" / "relevance.csv") if r["synthesis"] == "alliance"]
    above = {r["threshold"]: float(r["share_above"]) for r in rows}
    share = 100 * (above["small_r"] - above["medium_r"])
    assert float(claim["ci_low"]) < float(claim["estimate"]) == pytest.approx(share, rel=tolerances.FORMULA)
    assert printed_whole(claim["why"])[:3] == [round(float(claim[x])) for x in ("estimate", "ci_low", "ci_high")]
    # A share that is counted has none.
    (counted,) = [r for r in rows_of(complete / "tables" / "claims.csv") if r["claim_id"] == "share_estimates"]
    assert counted["why"].startswith(f"{round(float(counted['estimate']))}% (")


def printed_whole(words):
    return [int(x) for x in re.findall(r"\d+", words)]


def test_a_verdict_that_a_shift_turns_says_which(complete):
    report = html.unescape((complete / "report_appendix.html").read_text(encoding="utf-8"))
    shifts = [r for r in rows_of(complete / "tables" / "tipping_points.csv") if r["shift_to_flip"]]
    assert shifts
    for row in shifts:
        shift = f"{float(row['shift_to_flip']):.2f}".replace("-", "\N{MINUS SIGN}")
        assert f"a shift of {shift} turns it to \u201c{row['verdict_after_shift']}\u201d" in report
    assert len(re.findall("a shift of ", report)) == len(shifts)


def test_pet_peese_among_the_adjusted_has_the_error_of_the_one_that_was_chosen(complete):
    chosen = set()
    for row in rows_of(complete / "tables" / "adjusted_estimates.csv"):
        if row["name"] != "pet_peese" or not row["se"]:
            continue
        studies = json.loads((complete / "models" / f"{row['synthesis']}.json").read_text())["studies"]
        fit = synthesis.pet_peese([s["yi"] for s in studies], [s["vi"] for s in studies], level=LEVEL)
        limit = fit.pet if fit.chosen == "pet" else fit.peese
        assert floats(row, "estimate", "se", "p") == pytest.approx(
            [fit.estimate, limit.limit_se, limit.limit_p], rel=tolerances.FORMULA
        )
        assert row["note"].startswith(fit.chosen.upper())
        chosen.add(fit.chosen)
    assert chosen


def test_measures_of_influence_need_three_samples(complete):
    rows = rows_of(complete / "tables" / "influence.csv")
    samples = {name: len([r for r in rows if r["synthesis"] == name]) for name in {r["synthesis"] for r in rows}}
    assert {2, 3} <= set(samples.values())
    for row in rows:
        assert (row["cook"] == "") == (samples[row["synthesis"]] < 3)


def test_the_appendix_has_both_sides_of_a_bridge_with_their_limits(complete):
    report = (complete / "report_appendix.html").read_text(encoding="utf-8")
    readings = report[report.index("Effects beside the association, read as d") :].partition("</table>")[0]
    titles = {r["synthesis"]: r["title"] for r in rows_of(complete / "tables" / "pooled.csv")}
    rows = [r for r in rows_of(complete / "tables" / "bridge.csv") if r["unit"] == "d"]
    for name in {r["bridge"] for r in rows}:
        of_bridge = [r for r in rows if r["bridge"] == name]
        sides = [[of_bridge[0][f"effect_{x}"] for x in ("estimate", "ci_low", "ci_high")]]
        sides += [[r[f"association_{x}"] for x in ("estimate", "ci_low", "ci_high")] for r in of_bridge]
        row = cells(readings, titles[of_bridge[0]["effect"]])
        for cell, side in zip(row[1:], sides, strict=True):
            assert printed(cell) == pytest.approx([float(x) for x in side], abs=tolerances.PRINTED_2 + tolerances.ZERO)


def test_the_methods_count_the_fits_that_were_computed_twice(complete):
    rows = [r for r in rows_of(complete / "tables" / "crosscheck.csv") if r["route"] == "matrices"]
    report = html.unescape((complete / "report_appendix.html").read_text(encoding="utf-8"))
    said = re.search(r"covariance matrices written out: (.*?) \(in brackets", report)[1]
    fits = len({r["synthesis"] for r in rows})
    words = {"df": "degrees of freedom", "estimate": "the estimate", "omega2": "\u03c9\u00b2"}
    for quantity, name in words.items():
        held = len({r["synthesis"] for r in rows if r["quantity"] == quantity})
        assert (name if held == fits else f"{name} ({held})") in said
