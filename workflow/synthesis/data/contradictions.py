"""Numbers of a row that say two things: an effect beside its counts or means, p beside its estimate, sizes twice.

As in `precision.py`, a doubted row refuses the run until it is confirmed (`checked: yes` with `checked_reason`),
corrected or excluded; words that give no reason for an exclusion, and estimands that cannot be, are corrected.
docs/defaults.md gives the thresholds with their reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from synthesis.data.beside import against_counts, against_people, effects_and_means
from synthesis.data.columns import RESULT_COLUMNS
from synthesis.data.implied import Doubt, implied_se, reported_se
from synthesis.data.precision import CONFIRM
from synthesis.data.printed import Numbered, Row, has, printed_p, two_sided, z_from_p
from synthesis.data.sides import sides
from synthesis.data.tested import P_N_SLACK, P_Z_SLACK, against_p
from synthesis.errors import Problem
from synthesis.text import plain

# A filled cell excludes: what says that the row stays, or nothing, is no reason.
NO_REASON = frozenset((
    "no", "n", "none", "nil", "null", "0", "0.0", "na", "n/a", "n.a.", "#n/a", "nan", "false", "not applicable",
    "not excluded", "no exclusion", "include", "included", "in", "keep", "kept", "used", "ok", "yes", "y", "true", "x",
    "nein", "keine", "ja", "non", "oui", "aucun", "1", "1.0", ".", "-", "--", "/", "?", "\N{EN DASH}", "\N{EM DASH}",
))  # fmt: skip
# The standard error of a coefficient beside that of its n: other predictors explain three quarters of the outcome, or
# share two thirds of their variance with this one.
BETA_SE = (0.5, 1.8)
# A partial coefficient's z is that of its n times up to 2, where other predictors explain the outcome; and less than
# it by a quarter where they share variance.
PARTIAL_LESS, PARTIAL_MORE = 0.25, 1.0
# The interval of a proportion beside that of its n, with so many people of the rarer kind at least.
PROPORTION_SE, LEAST_PEOPLE = (0.6, 1.7), 5.0
# The times before a treatment, in any spelling.
BEFORE = frozenset((
    "baseline", "pre", "pretest", "pretreatment", "pretherapy", "preintervention", "prerandomisation",
    "prerandomization", "beforetreatment", "intake", "admission", "screening", "t0", "week0", "start", "entry",
))  # fmt: skip
_CHANGES = ("change_sd", "pre_post", "smd_within_arm_change")
_COEFFICIENTS = ("beta", "semipartial_r", "r2", "f2")


def check_contradictions(path: Path, rows: Iterable[Numbered]) -> list[Problem]:
    """Contradictions and doubts of a source's typed rows, each by file, row and column."""
    problems, used = [], []
    for number, row in rows:
        place = f"{path}, row {number}, column"
        faults = [*no_reason(row)] if row["exclusion_reason"] else [*not_total(row)]
        problems += [Problem(f"{place} {column}", *doubt) for column, *doubt in faults]
        if not row["exclusion_reason"]:
            used.append((number, row))
    studies = [(number, row) for number, row in used if row["level"] == "study"]
    doubts = [(number, doubt) for number, row in studies for doubt in _of_row(row)]
    doubts += [*effects_and_means(studies), *sides(studies)]
    unchecked = {number for number, row in used if not row["checked"]}
    for number, (column, value, allowed, hint) in doubts:
        if number in unchecked:
            where = f"{path}, row {number}, column {column}"
            problems.append(Problem(where, value, allowed, f"{hint}; {CONFIRM}"))
    return problems


def _of_row(row: Row) -> Iterator[Doubt]:
    yield from against_counts(row)
    yield from against_people(row)
    yield from coefficient(row)
    yield from proportion(row)
    yield from pooled(row)
    yield from before(row)


def no_reason(row: Row) -> Iterator[Doubt]:
    """An exclusion_reason that is none: the row would be dropped with it."""
    reason = str(row["exclusion_reason"])
    if " ".join(reason.split()).casefold() in NO_REASON:
        hint = "a filled cell excludes the row, whatever it says: leave it empty to keep the row"
        yield "exclusion_reason", reason, "why the row is kept out of every pool, or empty", hint


def not_total(row: Row) -> Iterator[Doubt]:
    """A total association that is adjusted."""
    if row["estimand"] != "r_total" or row["level"] != "study":
        return
    allowed = "r_partial for an association that is adjusted"
    if plain(row["adjusted_for"]) in ("baseline", plain("prior change")):
        hint = f"adjusted_for is {row['adjusted_for']}: one of the two is another row's?"
        yield "estimand", "r_total", allowed, hint
    elif (row["covariates"] or 0) > 0 and any(row[name] is not None for name in RESULT_COLUMNS):
        hint = f"covariates is {row['covariates']:g}; 0 or empty for a plain correlation"
        yield "estimand", "r_total", allowed, hint


# --- associations and proportions -----------------------------------------------------------------------------------


def coefficient(row: Row) -> Iterator[Doubt]:
    """Coefficients and shares of variance beside their n: p, standard error; and correlations that are 'not
    significant'.
    """
    n = row["n"]
    if not has(row, "value", "n") or row["estimand"] not in ("r_total", "r_partial"):
        return
    statistic, value = row["statistic"], row["value"]
    degrees = n - 3 - (row["covariates"] or 0)
    size = {"r2": math.sqrt(max(value, 0)), "f2": math.sqrt(max(value, 0) / (1 + max(value, 0)))}.get(
        statistic, abs(value)
    )
    if degrees <= 0 or size >= 1 or "joint_R2" in row["flag"]:
        return
    z = math.atanh(size) * math.sqrt(degrees)
    if statistic in _COEFFICIENTS:
        error = reported_se(row) or implied_se(row)
        partial = row["estimand"] == "r_partial" or statistic == "semipartial_r"
        of_own = statistic == "beta" and error is not None
        if of_own:
            z = size / error
        slack = P_Z_SLACK if of_own else P_N_SLACK + (PARTIAL_LESS * z if partial else 0)
        below = slack if of_own else P_N_SLACK + (PARTIAL_MORE * z if partial else 0)
        what = "value and standard error" if of_own else f"value and n {n:g}"
        yield from against_p(row, z, slack, what, "value, se" if of_own else "value, n", below)
    if statistic == "beta":
        yield from _of_beta(row, size, degrees)
    if statistic in ("r", "z") and row["estimand"] == "r_total" and not has(row, "se") and not has(row, "ci_low"):
        yield from _not_significant(
            row, (abs(value) if statistic == "z" else z / math.sqrt(degrees)) * math.sqrt(n - 3)
        )


def _of_beta(row: Row, size: float, degrees: float) -> Iterator[Doubt]:
    expected = math.sqrt((1 - size**2) / (degrees + 1))
    for column, error in (("se", reported_se(row)), ("ci_low", implied_se(row))):
        if error is not None and not BETA_SE[0] < error / expected < BETA_SE[1]:
            name = "variance" if column == "se" and row["se"] is None else column
            should = expected**2 if name == "variance" else expected
            allowed = f"a standard error of about {expected:.3g}" if name == "ci_low" else f"about {should:.3g}"
            hint = "a coefficient that is not standardized (statistic coef), or another row's n?"
            yield name, f"{row[name]:g}", f"{allowed} with n {row['n']:g} and a standardized {row['value']:g}", hint


def _not_significant(row: Row, z: float) -> Iterator[Doubt]:
    """A correlation beside a bound from below: no rounding of p is in it."""
    bound = printed_p(row["p"])
    if bound is None or bound.relation != ">" or row["p_sides"] == "1":
        return
    limit = z_from_p(two_sided(row, bound.value))
    if limit + P_Z_SLACK < z <= limit + P_N_SLACK:
        allowed = f"about {math.erfc(z / math.sqrt(2)):.2g}, as value and n {row['n']:g} imply"
        yield "p", row["p"], allowed, "one of value, n and p belongs to another row?"


def proportion(row: Row) -> Iterator[Doubt]:
    """A share of one group beside its count, and its error beside its n."""
    share, events, total = row["value"], row["events_treat"], row["total_treat"]
    if row["statistic"] not in ("proportion", "count"):
        return
    if share is not None and has(row, "events_treat", "total_treat") and total > 0:
        counted = events / total
        as_share = share / 100 if share > 1 and row["statistic"] == "count" else share
        if abs(as_share - counted) > 0.02 and not (row["statistic"] == "count" and share == events):
            allowed = f"about {counted:.3g}, the share that events_treat {events:g} of {total:g} are"
            yield "value", f"{share:g}", allowed, "the count, the total or the share of another row?"
    n = row["n"] if row["n"] is not None else total
    share = share if row["statistic"] == "proportion" else (events / total if events is not None and total else None)
    if share is None or n is None or not 0 < share < 1 or n * min(share, 1 - share) < LEAST_PEOPLE:
        return
    expected = math.sqrt(share * (1 - share) / n)
    for column, error in (("se", reported_se(row)), ("ci_low", implied_se(row))):
        if error is not None and not PROPORTION_SE[0] < error / expected < PROPORTION_SE[1]:
            name = "variance" if column == "se" and row["se"] is None else column
            should = expected**2 if name == "variance" else expected
            what = f"[{row['ci_low']:g}, {row['ci_high']:g}]" if name == "ci_low" else f"{row[name]:g}"
            allowed = f"a standard error of about {expected:.3g}" if name == "ci_low" else f"about {should:.3g}"
            hint = "the n or the limits of another row, or a share on another scale?"
            yield name, what, f"{allowed} with a share of {share:.3g} of {n:g}", hint


# --- what is no result of one study after treatment -----------------------------------------------------------------


def pooled(row: Row) -> Iterator[Doubt]:
    """A summary of several studies at the level of a study."""
    if row["k"] is not None and row["k"] > 1:
        hint = "the result of a meta-analysis? Then level is summary; the mean of several effects of one study may stay"
        yield "k", f"{row['k']:g}", "1 or empty at level study", hint


def before(row: Row) -> Iterator[Doubt]:
    """An outcome of treatment from before the treatment."""
    of_change = row["estimand"] == "one_group" and row["statistic"] in _CHANGES
    if row["estimand"] != "d_between" and not of_change:
        return
    if not any(row[name] is not None for name in RESULT_COLUMNS):
        return
    for column in ("timepoint", "timepoint_detail"):
        if plain(row[column]) in BEFORE:
            hint = "nothing differs yet but by chance: the row of the end of treatment, or baseline_mean columns?"
            yield column, row[column], "a time after treatment began for an outcome of it", hint
            return
