"""What the comparison stage writes: contrasts, bridges, relevance, interactions, claims and their tipping points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from synthesis.results.document import Document

# What the bridge puts beside each other.
Side = Literal["association", "effect"]


class ContrastRow(Document, frozen=True, kw_only=True):
    """A row of comparison.csv: first minus second on one metric. Without an interval of the second: no test."""

    comparison: str
    kind: str
    title: str
    metric: str
    first: str
    second: str
    samples_first: int | None
    samples_second: int | None
    left_out: str
    estimate_first: float
    ci_low_first: float | None
    ci_high_first: float | None
    estimate_second: float
    ci_low_second: float | None
    ci_high_second: float | None
    tau2_first: float | None
    tau2_second: float | None
    difference: float
    se: float | None
    ci_low: float | None
    ci_high: float | None
    statistic: float | None
    df: float | None
    p: float | None
    bound: float | None
    bound_source: str
    p_equivalence: float | None
    conclusion: str
    largest_se: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Reading:
    """An estimate in some unit, the interval of the mean, and that of a new setting; None where there is none."""

    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None


class BridgeRow(Document, frozen=True, kw_only=True):
    """A row of bridge.csv: an association and an effect in one unit, under one reading of r."""

    bridge: str
    title: str
    contrast: str
    quantity: str
    unit: str
    association: str
    effect: str
    association_estimate: float | None
    association_ci_low: float | None
    association_ci_high: float | None
    association_pi_low: float | None
    association_pi_high: float | None
    effect_estimate: float | None
    effect_ci_low: float | None
    effect_ci_high: float | None
    effect_pi_low: float | None
    effect_pi_high: float | None
    difference_estimate: float | None
    difference_ci_low: float | None
    difference_ci_high: float | None
    difference_pi_low: float | None
    difference_pi_high: float | None
    p_association_larger: float | None
    p_association_larger_new: float | None
    note: str

    def synthesis(self, side: Side) -> str:
        """The synthesis on a side."""
        return self.association if side == "association" else self.effect

    def reading(self, side: Side) -> Reading:
        """What the row reads on a side."""
        if side == "association":
            return Reading(
                self.association_estimate,
                self.association_ci_low,
                self.association_ci_high,
                self.association_pi_low,
                self.association_pi_high,
            )
        return Reading(
            self.effect_estimate, self.effect_ci_low, self.effect_ci_high, self.effect_pi_low, self.effect_pi_high
        )


class RelevanceRow(Document, frozen=True, kw_only=True):
    """A row of relevance.csv: a pool against a threshold on its metric; shares between 0 and 1.

    `power`: of the pool to find a mean of the threshold's size; `samples_for_80`: samples like these for one of 80%.
    """

    synthesis: str
    title: str
    metric: str
    samples: int
    threshold: str
    threshold_label: str
    threshold_value: float | None
    estimate: float
    ci_low: float | None
    ci_high: float | None
    p_above: float | None = None
    p_below: float | None = None
    p_equivalence: float | None = None
    conclusion: str
    share_above: float | None = None
    share_above_low: float | None = None
    share_above_high: float | None = None
    share_above_empirical: float | None = None
    share_above_empirical_low: float | None = None
    share_above_empirical_high: float | None = None
    probability_new_above: float | None = None
    power: float | None = None
    samples_for_80: int | None = None
    note: str = ""


class ModeratorPowerRow(Document, frozen=True, kw_only=True):
    """A row of moderator_power.csv: the test of two levels of a moderator, if their means differ by the threshold.

    `se` of their difference, with `df` of its test (None: normal); `samples_for_80`: samples with a level, in the same
    proportions, for a power of 80%. Without numbers where there is no such test; `note` then says why.
    """

    synthesis: str
    moderator: str
    first: str
    second: str
    samples_first: int
    samples_second: int
    metric: str
    threshold: str
    threshold_value: float
    se: float | None = None
    df: float | None = None
    power: float | None = None
    samples_for_80: int | None = None
    note: str = ""


class InteractionRow(Document, frozen=True, kw_only=True):
    """A row of interactions.csv: a published interaction, above 0 where more severe patients gain more."""

    interaction: str
    title: str
    effect_id: str
    coefficient: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    se: float | None = None
    p: float | None = None
    threshold: str
    threshold_value: float | None = None
    p_equivalence: float | None = None
    conclusion: str
    points: float | None = None
    points_low: float | None = None
    points_high: float | None = None
    points_threshold: str
    points_threshold_value: float | None = None
    points_conclusion: str = ""
    note: str = ""


# Why a claim is decided by no value: one of them has no interval.
NO_INTERVAL = "the published value has no interval"


class ClaimValue(Document, frozen=True, kw_only=True):
    """One value of a claim's quantity, as it is read. Limits None: none printed; equal to the value: exact.

    `interval`: what its limits are.
    """

    label: str
    unit: str
    estimate: float
    low: float | None
    high: float | None
    interval: str = ""


class DecidedClaim(Document, frozen=True, kw_only=True):
    """A claim with what the data and its source say.

    `low`, `high`: its bounds as the table of claims has them; `low_value`, `high_value`: as numbers; `hangs_on`: the
    lone sample, number, or decision that the verdict of the data hangs on, in words.
    """

    claim_id: str
    statement: str
    says: str
    cites: str
    claim: str
    quantity: str
    rule: str
    low: str
    high: str
    source_agrees: str
    evidence: str
    reading: str
    unit: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    verdict_of_data: str
    verdict: str
    why: str
    hangs_on: str
    source_says: str
    low_value: float | None
    high_value: float | None
    values: tuple[ClaimValue, ...]

    def row(self) -> ClaimRow:
        """Its row of the table of claims."""
        return msgspec.convert(self, ClaimRow, from_attributes=True)


class ClaimRow(Document, frozen=True, kw_only=True):
    """A row of claims.csv: a decided claim without its single values."""

    claim_id: str
    statement: str
    says: str
    cites: str
    claim: str
    quantity: str
    rule: str
    low: str
    high: str
    unit: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    verdict_of_data: str
    verdict: str
    why: str
    hangs_on: str
    source_agrees: str
    source_says: str
    evidence: str
    reading: str


class ChangeRow(Document, frozen=True, kw_only=True):
    """A row of tipping_points_all.csv: what the data say after one single change."""

    claim_id: str
    claim: str
    verdict_of_data: str
    kind: str
    synthesis: str
    change: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    unit: str
    verdict_of_data_then: str
    flips: Literal["yes", "no"]


class TippingRow(Document, frozen=True, kw_only=True):
    """A row of tipping_points.csv: how many single changes turn a verdict, and the least shift that does."""

    claim_id: str
    claim: str
    verdict_of_data: str
    changes_tried: int
    flips: int
    samples_that_flip: str
    decisions_that_flip: str
    shift_to_flip: float | None
    verdict_after_shift: str
    unit: str


class RobustnessRow(Document, frozen=True, kw_only=True):
    """A row of robustness.csv: what would leave nothing of a pool.

    `cause_correlation`: that of an unmeasured cause with both variables of an association, for the estimate and for the
    `limit` of its interval that is nearer to none; `e_value`: the same as risk ratios. None for effects, which are
    randomised. `samples_to_lose`: samples, those with the largest effects first, without which the interval holds 0.
    """

    synthesis: str
    title: str
    word: str
    samples: int
    cause_correlation: float | None
    cause_correlation_limit: float | None
    e_value: float | None
    e_value_limit: float | None
    samples_to_lose: int | None
    samples_lost: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All that the comparison stage decides, but for what would turn a verdict."""

    contrasts: list[ContrastRow]
    bridges: list[BridgeRow]
    relevance: list[RelevanceRow]
    interactions: list[InteractionRow]
    robustness: list[RobustnessRow]
    claims: list[DecidedClaim]
