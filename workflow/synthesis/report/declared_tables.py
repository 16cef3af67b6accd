"""What stands beside pools where the plan asks for it: sequential monitoring, correlations without attenuation."""

from __future__ import annotations

from itertools import groupby

from synthesis import text
from synthesis.data.scales import back_transform
from synthesis.data.vocabulary import ESTIMATE_NAME
from synthesis.report.content import Row, Table, cell, table
from synthesis.report.moving import percent
from synthesis.report.result_tables import interval, limited, number, share_cell, with_interval
from synthesis.report.review_results import ReviewResults
from synthesis.report.wording import decoded
from synthesis.results.further import LookRow, PsychometricRow


def monitoring(review: ReviewResults) -> Table | None:
    """Every look of every monitored synthesis."""
    rows: list[Row] = []
    for r in review.looks:
        document = review.by_name[r.synthesis]
        value, low, high = (back_transform(document.metric, x) for x in (r.estimate, r.ci_low, r.ci_high))
        look = "no year" if r.year is None else str(r.year)
        fraction = cell(percent(r.fraction) if r.fraction < 1 else f"{100 * r.fraction:.0f}%", r.fraction)
        rows.append(
            [document.title, look, r.samples, fraction, number(r.z), number(r.boundary), number(value),
             interval(low, high), r.conclusion]
        )  # fmt: skip
    heads = ["Synthesis", "Year", "Samples", "Of the information required", "z", "Boundary", "Estimate",
             "Repeated interval", "Boundary is"]  # fmt: skip
    return table("The pool of each year, against a boundary", heads, rows, {1, 2, 3, 4, 5, 6, 7}) if rows else None


def monitored(review: ReviewResults) -> list[str]:
    """What monitoring says of each synthesis, in a sentence."""
    return [_boundary_sentence(review, list(rows)) for _, rows in groupby(review.looks, lambda row: row.synthesis)]


def _boundary_sentence(review: ReviewResults, rows: list[LookRow]) -> str:
    last, document = rows[-1], review.by_name[rows[-1].synthesis]
    effect = f"{ESTIMATE_NAME[document.metric]} = {text.number(back_transform(document.metric, last.smallest_effect))}"
    crossed = next((row for row in rows if row.conclusion == "crossed"), None)
    information = f"the information that finds {effect} with {last.power:.0%} power"
    if crossed is not None:
        when = "with the samples without a year" if crossed.year is None else f"in {crossed.year}"
        return f"{document.title}: the boundary was crossed {when}, at {_share(crossed.fraction)} of {information}."
    if last.fraction >= 1:
        return f"{document.title}: the boundary was not crossed with all of {information}."
    return f"{document.title}: the boundary is not crossed; the samples have {_share(last.fraction)} of {information}."


def _share(fraction: float) -> str:
    return percent(fraction) if fraction < 1 else f"{100 * fraction:.0f}%"


def psychometric(review: ReviewResults) -> Table | None:
    """Raw and corrected correlations beside each other."""
    rows: list[Row] = [
        [
            review.by_name[r.synthesis].title,
            with_interval((r.raw_estimate, r.raw_ci_low, r.raw_ci_high)),
            with_interval((r.mean_r, r.mean_r_low, r.mean_r_high)),
            with_interval((r.rho, r.rho_low, r.rho_high)),
            number(r.sd_rho),
            interval(r.credibility_low, r.credibility_high),
            share_cell(_explained(r)),
            _reliabilities(r),
            decoded(r.note),
        ]
        for r in review.psychometric
    ]
    heads = ["Synthesis", "r, pooled", "r, mean by people", "r corrected for unreliability", "SD of true r",
             "Credibility interval", "Variance explained", "Reliabilities", "Remark"]  # fmt: skip
    return table("Correlations as they are, and corrected", heads, rows, {1, 2, 3, 4, 5, 6}) if rows else None


def _explained(row: PsychometricRow) -> float | None:
    """Share of the variance that sampling error and unreliability explain, at most all of it."""
    if row.sampling is None or row.artefacts is None:
        return None
    return min(1.0, row.sampling + row.artefacts)


def _reliabilities(row: PsychometricRow) -> str:
    sides = (
        ("rating", row.reliability_process, row.reliability_process_sd, row.process_from),
        ("outcome", row.reliability_outcome, row.reliability_outcome_sd, row.outcome_from),
    )
    known = [f"{name} {text.number(mean)} (SD {text.number(sd)}): {origin}" for name, mean, sd, origin in sides if mean]
    return "; ".join(known) or "each correlation's own"


def corrected(review: ReviewResults) -> list[str]:
    """What attenuation leaves of each correlation, in a sentence; the raw one stands first."""
    sentences = []
    for r in review.psychometric:
        if r.rho is None:
            continue
        raw = limited(r.raw_estimate, r.raw_ci_low, r.raw_ci_high)
        mean = "" if r.way != "artefact distributions" else f", {text.number(r.mean_r)} as a mean weighted by people"
        sentences.append(
            f"{review.by_name[r.synthesis].title}: r = {raw} as measured{mean}; corrected for unreliability of both "
            f"measures {limited(r.rho, r.rho_low, r.rho_high)}, {r.credibility:.0%} of true correlations between "
            f"{text.number(r.credibility_low)} and {text.number(r.credibility_high)}."
        )
    return sentences
