"""What a fit hands on: the pooled result of one synthesis with its samples, blocks and references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from synthesis.meta.dependent import JointTest
from synthesis.meta.pool import Fit
from synthesis.meta.result import PooledNumbers
from synthesis.results.document import Document
from synthesis.results.extracted import Reference
from synthesis.results.files import Cell


class Described(Document, frozen=True, kw_only=True, omit_defaults=True):
    """What describes a sample in tables and figures; "mixed" where its effects differ, "" where nothing is printed.

    `more`: other columns by name, the user's own among them, where the plan asks for them.
    """

    rater: str
    comparator: str
    outcome: str
    format: str
    disorder: str
    treatment: str
    timepoint: str
    confidence: str
    tier: str
    rob: str
    country: str
    exactness: str
    estimand: str
    more: dict[str, Cell] = msgspec.field(default_factory=dict)

    def cell(self, name: str) -> Cell:
        """One of these, or another column that the plan asks for, by its name."""
        if name in self.more:
            return self.more[name]
        value: Cell = getattr(self, name)
        return value

    def words(self, name: str) -> str:
        """One of these that is text, by its name; "" where nothing is printed."""
        value = self.cell(name)
        if isinstance(value, int | float):
            raise TypeError(f"{name} holds numbers")
        return value or ""


class Member(Described, frozen=True, kw_only=True):
    """One effect of a sample, with its numeric moderators; `cells`: what the plan shows of it, by column; `flags`: of
    its row, where it is shown; `crossed`: its members of crossed random effects, by name."""

    effect_id: str
    yi: float
    vi: float
    year: float | None
    weeks: float | None
    n_total: float | None
    severity: float | None
    cells: dict[str, Cell] = msgspec.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    crossed: dict[str, str] = msgspec.field(default_factory=dict)


class Study(Described, frozen=True, kw_only=True):
    """One independent sample: its mean effect, weight in percent, people (the most of its effects) and effects.

    `held_by`: its members of the levels above the sample, by name. `sampling`: the sampling covariance of its effects,
    row by row, where they share a control arm or those of another sample of the synthesis do, and where the plan has
    several correlations; else it is by `rho`.
    """

    sample_id: str
    label: str
    year: int | None
    yi: float
    vi: float
    weight: float
    n: int | None
    effects: tuple[str, ...]
    members: tuple[Member, ...]
    cells: dict[str, Cell] = msgspec.field(default_factory=dict)
    source: str
    held_by: dict[str, str] = msgspec.field(default_factory=dict)
    sampling: tuple[tuple[float, ...], ...] = ()


class BlockFit(Document, frozen=True, kw_only=True):
    """The pool of the samples that share a value of the grouping column; `model`: that of the whole, composites where
    they are too few for it, independent where none of them has several effects."""

    value: str
    samples: int
    estimate: float
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    i2: float | None
    q: float | None
    q_df: int | None
    q_p: float | None
    model: str
    method: str


class SummaryLine(Document, frozen=True, kw_only=True):
    """Another summary beside the pool: the common-effect estimate, or the Bayesian one."""

    kind: str
    estimate: float
    ci_low: float | None
    ci_high: float | None


class Versions(Document, frozen=True, kw_only=True):
    """Versions of what computed a result."""

    synthesis: str
    python: str
    numpy: str
    scipy: str


class Shown(Document, frozen=True, kw_only=True, omit_defaults=True):
    """How a synthesis is shown. A fit knows its grouping and orientation; the plan says the rest.

    Of ratios, `direction`: 1 where a larger one is better for the patient, -1 where a smaller one is; `turned`: how
    many are one divided by what is printed. `titles`: heads of the user's own columns, by name. `tools`: of the risk of
    bias by domain, where that is shown.
    """

    group_by: str | None
    orientation: str
    direction: float | None = None
    turned: int = 0
    columns: tuple[str, ...] = ()
    titles: dict[str, str] = msgspec.field(default_factory=dict)
    sort: str = ""
    rows: str = ""
    favours: tuple[str, str] | None = None
    note: str = ""
    tools: tuple[str, ...] = ()


class Correlations(Document, frozen=True, kw_only=True, omit_defaults=True):
    """How the plan has effects of one sample correlated: by columns that a pair shares (`same`), else `rho`, times
    `phi` to the power of the difference in `time`; `control_arms`: some share one, which has its own covariance."""

    same: dict[str, float] = msgspec.field(default_factory=dict)
    rho: float
    time: str = ""
    phi: float | None = None
    control_arms: bool = False


class Fitted(Document, frozen=True, kw_only=True, omit_defaults=True):
    """The model document of a synthesis. Its fit's fields stand among its own on disk.

    `title`, what is `shown` of it and the cells of its samples come from the plan where it is shown (`presented`).
    `constructs`: what its effects are of. `groups_test` is None without blocks. `tau_scale`: scale of the half-normal
    prior on tau of Bayesian fits, None for a metric in units that has none. `correlations`: where the plan has several.
    """

    spread: ClassVar[tuple[str, ...]] = ("fit",)

    synthesis: str
    title: str = ""
    lane: str
    word: str
    constructs: tuple[str, ...] = ()
    sources: tuple[str, ...]
    set_to_zero: int
    fit: Fit
    correlations: Correlations | None = None
    tau_scale: float | None
    studies: tuple[Study, ...]
    groups: tuple[BlockFit, ...]
    groups_test: JointTest | None
    summaries: tuple[SummaryLine, ...]
    references: tuple[Reference, ...]
    figure: Shown
    config_sha256: str
    inputs_sha256: str
    versions: Versions

    @property
    def metric(self) -> str:
        """The metric of the fit: every synthesis has one."""
        return self.fit.metric or ""


class PooledRow(Document, frozen=True, kw_only=True):
    """A row of pooled.csv: a fit without its samples; `_transformed`: on the scale that is read (r, ratios)."""

    spread: ClassVar[tuple[str, ...]] = ("fit",)

    synthesis: str
    title: str
    lane: str
    word: str
    sources: str
    set_to_zero: int
    fit: PooledNumbers
    levels: str
    notes: str
    tau_scale: float | None
    config_sha256: str
    inputs_sha256: str
    estimate_transformed: float
    ci_low_transformed: float
    ci_high_transformed: float
    pi_low_transformed: float | None
    pi_high_transformed: float | None
    version_synthesis: str
    version_python: str
    version_numpy: str
    version_scipy: str


def labels_of(samples: Iterable[str], documents: Sequence[Fitted]) -> dict[str, str]:
    """What samples of these documents are called, by sample_id: as in the first that holds them, and in brackets as in
    others whose source prints another name."""
    labels: dict[str, list[str]] = {sample: [] for sample in samples}
    for study in (study for document in documents for study in document.studies):
        if study.sample_id in labels:
            labels[study.sample_id].append(study.label)
    called = {sample: list(dict.fromkeys(printed)) for sample, printed in labels.items()}
    return {
        sample: f"{first} (also {'; '.join(others)})" if others else first
        for sample, (first, *others) in called.items()
    }
