"""What the multiverse writes and reads: its head, its summary, and the tables of both."""

from __future__ import annotations

from synthesis.results.document import Document

# The curve of all options but the non-equivalent ones, and what it is called wherever it is read.
MAIN = "main"
MAIN_WORDS = "Equivalent and uncertain options"
# Analyses of one side that a bridge pairs: of more than that, evenly spaced ones of the sorted curve.
MOST_PAIRED = 1000


class Choice(Document, frozen=True, kw_only=True):
    """An option of a decision."""

    name: str
    title: str
    kind: str


class Decision(Document, frozen=True, kw_only=True):
    """A decision of a multiverse with its options, in order."""

    name: str
    title: str
    options: tuple[Choice, ...]


class ListedEffect(Document, frozen=True, kw_only=True):
    """An effect that some specification takes; `yi`, `vi` on the multiverse's metric."""

    effect_id: str
    sample_id: str
    yi: float
    vi: float


class Block(Document, frozen=True, kw_only=True):
    """Units from `start` to before `end`, fitted together; `work` in microseconds, about."""

    start: int
    end: int
    work: float


class Head(Document, frozen=True, kw_only=True):
    """First line of an enumeration: all that the fits need beside the units. `drawn`: combinations, if not all;
    `adjusted_from`: the fewest samples for an adjustment of bias."""

    multiverse: str
    title: str
    synthesis: str
    lane: str
    word: str
    constructs: tuple[str, ...] = ()
    metric: str
    level: float
    which: tuple[Decision, ...]
    how: tuple[Decision, ...]
    crossing: int
    drawn: int | None
    seed: int
    permutations: int
    permuted: int
    adjusted_from: int
    effects: tuple[ListedEffect, ...]
    specifications: int
    blocks: tuple[Block, ...] = ()


class NamedThreshold(Document, frozen=True, kw_only=True):
    """A threshold that estimates are counted against, on the multiverse's metric."""

    key: str
    label: str
    value: float


class Scope(Document, frozen=True, kw_only=True):
    """The estimates of a curve: percentiles, and shares between 0 and 1; None where nothing was fitted."""

    crossing: int
    specifications: int
    fitted: int
    estimate_min: float | None
    estimate_5: float | None
    estimate_25: float | None
    estimate_median: float | None
    estimate_75: float | None
    estimate_95: float | None
    estimate_max: float | None
    share_positive_significant: float | None
    share_negative_significant: float | None
    shares_above: dict[str, float]


class CurveTest(Document, frozen=True, kw_only=True):
    """Observed statistics of a curve and their p. `share_significant`: in whichever direction has more of them."""

    specifications: int
    permutations: int
    median: float
    median_p: float
    share_significant: float
    share_significant_p: float
    stouffer_z: float
    stouffer_p: float


class ChoiceSpread(Choice, frozen=True, kw_only=True):
    """The estimates of the specifications with an option."""

    specifications: int
    estimate_5: float | None
    estimate_median: float | None
    estimate_95: float | None


class DecisionSpread(Document, frozen=True, kw_only=True):
    """Share of a curve's variance that goes with a decision, between 0 and 1."""

    factor: str
    title: str
    share: float
    options: tuple[ChoiceSpread, ...]


class DrawnSpecification(Document, frozen=True, kw_only=True):
    """A specification as figures show it: `rank` on the sorted curve, `choice` an option number per decision."""

    rank: int
    spec: int
    estimate: float
    ci_low: float | None
    ci_high: float | None
    p: float | None
    choice: tuple[int, ...]


class Curve(Document, frozen=True, kw_only=True):
    """One curve: specifications that differ in equivalent or uncertain options only. `scopes`: all, equivalent."""

    curve: str
    scopes: dict[str, Scope]
    variance_explained: float
    test: CurveTest | None
    decisions: tuple[DecisionSpread, ...]
    drawn: tuple[DrawnSpecification, ...]


class MultiverseSummary(Document, frozen=True, kw_only=True):
    """The document of one multiverse. `not_fitted`: number of specifications by reason."""

    multiverse: str
    title: str
    synthesis: str
    lane: str
    word: str
    constructs: tuple[str, ...] = ()
    metric: str
    level: float
    crossing: int
    seed: int
    drawn: int | None
    specifications: int
    not_fitted: dict[str, int]
    thresholds: tuple[NamedThreshold, ...]
    factors: tuple[Decision, ...]
    curves: tuple[Curve, ...]


class CurveRow(Document, frozen=True, kw_only=True):
    """A row of multiverse.csv."""

    multiverse: str
    title: str
    curve: str
    scope: str
    crossing: int
    specifications: int
    fitted: int
    estimate_min: float | None
    estimate_5: float | None
    estimate_25: float | None
    estimate_median: float | None
    estimate_75: float | None
    estimate_95: float | None
    estimate_max: float | None
    share_positive_significant: float | None
    share_negative_significant: float | None
    shares_above: str
    variance_explained: float | None
    permuted: int | None
    permutations: int | None
    median_p: float | None
    share_significant_p: float | None
    stouffer_z: float | None
    stouffer_p: float | None


class DecisionRow(Document, frozen=True, kw_only=True):
    """A row of multiverse_decisions.csv."""

    multiverse: str
    curve: str
    factor: str
    decision: str
    variance_share: float
    option: str
    option_title: str
    kind: str
    specifications: int
    estimate_5: float | None
    estimate_median: float | None
    estimate_95: float | None


class PairRow(Document, frozen=True, kw_only=True):
    """A row of multiverse_bridge.csv: analyses of an association paired with analyses of an effect, in d."""

    bridge: str
    title: str
    association: str
    effect: str
    association_curve: str
    effect_curve: str
    scope: str
    contrast: str
    quantity: str
    associations: int
    effects: int
    pairs: int
    share_association_larger: float
    share_association_larger_significant: float
    share_effect_larger_significant: float
    difference_5: float
    difference_25: float
    difference_median: float
    difference_75: float
    difference_95: float
    variance_share_association: float | None
    variance_share_effect: float | None
