"""Whether the conclusion of a comparison hangs on one sample."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from synthesis.compare.contrast import contrast, contrast_with_published, refit
from synthesis.errors import InputError
from synthesis.plan.config import Comparison
from synthesis.results.comparisons import ContrastRow
from synthesis.results.extracted import Reference
from synthesis.results.fitted import Fitted

NO_TEST = "no test"
# So many samples are named; of more only the number is said.
NAMED = 3
_MANY = "the conclusion turns without any one of "
_FEW = "the conclusion hangs on one sample: it is another one without "


def with_remark(
    row: ContrastRow, plan: Comparison, first: Fitted, second: Fitted | Reference, bound: float | None
) -> ContrastRow:
    """The row with a remark where leaving out one sample of either side turns its conclusion, or where a side is one.

    The samples are left out one at a time, and the pools fitted again by their own models.
    """
    parts = [row.note] if row.note else []
    for side in (first, second):
        if isinstance(side, Fitted) and side.fit.samples == 1:
            parts.append(f"one sample stands for {side.synthesis}")
    if row.conclusion != NO_TEST:
        turned = list(_turned(row, plan, first, second, bound))
        if turned:
            parts.append(_words(turned))
    return replace(row, note="; ".join(parts))


def _turned(
    row: ContrastRow, plan: Comparison, first: Fitted, second: Fitted | Reference, bound: float | None
) -> Iterator[tuple[str, str]]:
    """Samples without which the conclusion is another one, and which."""
    for i, side in enumerate((first, second)):
        if not isinstance(side, Fitted) or side.fit.samples < 2:
            continue
        for study in side.studies:
            kept = {s.sample_id for s in side.studies} - {study.sample_id}
            try:
                fitted = refit(side, kept)
                minuend, subtrahend = (fitted, second) if i == 0 else (first, fitted)
                if isinstance(subtrahend, Fitted):
                    then = contrast(row.comparison, plan, minuend, subtrahend, bound)
                else:
                    then = contrast_with_published(row.comparison, plan, minuend, subtrahend, bound)
            except InputError:
                continue
            if then.conclusion != row.conclusion:
                yield study.label, then.conclusion


def _words(turned: list[tuple[str, str]]) -> str:
    if len(turned) > NAMED:
        return f"{_MANY}{len(turned)} samples"
    named = " or ".join(f"{label} ({conclusion})" for label, conclusion in turned)
    return f"{_FEW}{named}"


def turning(note: str) -> str:
    """What a remark says of the samples without which the conclusion is another one; nothing where there is none."""
    many, few = note.partition(_MANY)[2], note.partition(_FEW)[2]
    return f"any one of {many}" if many else few
