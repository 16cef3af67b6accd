"""Published summaries beside pools: their rows, and in what they differ from the pools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from synthesis.data.summaries import BASIS_WORDS
from synthesis.data.vocabulary import process_name
from synthesis.draw.layout import Row, mark_of
from synthesis.results.extracted import Reference

if TYPE_CHECKING:
    from synthesis.results.fitted import Fitted

# So many constructs without a pool are named in a heading.
_NAMED = 2
# The sides of an axis with associations of several processes.
MORE_OF_IT = ("worse outcome with more of it", "better outcome with more of it")


def reference_block(references: Sequence[Reference], metric: str, documents: Sequence[Fitted]) -> list[Row]:
    """Published summaries below headings that say what they are; those of other constructs than the pools' apart."""
    others = other_constructs(references, documents)
    rows = []
    for of, constructs in ("", set()), (f" of {process_name(named_others(others), article=False)}", set(others)):
        summaries = [r for r in references if (r.construct in constructs if of else r.construct not in others)]
        if summaries:
            rows.append(Row("heading", f"Published meta-analyses{of}, for reference (not pooled)"))
            rows += [_reference_row(r, metric, documents) for r in summaries]
    return rows


def named_others(constructs: Sequence[str]) -> list[str]:
    """What published summaries of constructs without a pool are of: by name, of many together."""
    return list(constructs) if len(constructs) <= _NAMED else ["other processes"]


def other_constructs(references: Sequence[Reference], documents: Sequence[Fitted]) -> list[str]:
    """What published summaries are of and no pool is."""
    pooled = {name for document in documents for name in document.constructs}
    return list(dict.fromkeys(r.construct for r in references if pooled and r.construct not in pooled))


def sides(
    favours: tuple[str, str] | None, references: Sequence[Reference], documents: Sequence[Fitted]
) -> tuple[str, str] | None:
    """The words below an axis of pools, which do not name what some of its rows are not of."""
    return MORE_OF_IT if favours and favours[0] and other_constructs(references, documents) else favours


def derived_sign(basis: str) -> str:
    """The sign of a summary whose interval is not printed, but follows from what `basis` names."""
    return "*" if basis in BASIS_WORDS else ""


def derived_notes(bases: Iterable[str]) -> list[str]:
    """What the intervals of summaries with that sign follow from."""
    origins = sorted({BASIS_WORDS[basis] for basis in bases if basis in BASIS_WORDS})
    return [f"Of a summary marked with an asterisk {words}." for words in origins]


def comparator_note(references: Sequence[Reference], documents: Sequence[Fitted]) -> tuple[str, ...]:
    """Which published summaries have a comparator that no pool has."""
    other = sorted({r.comparator for r in references if _compares_otherwise(r, documents)})
    if not other:
        return ()
    return (f"Published meta-analyses against {' or '.join(other)}: a comparator that differs from the pools'.",)


def _compares_otherwise(reference: Reference, documents: Sequence[Fitted]) -> bool:
    comparators = {study.comparator for document in documents for study in document.studies} - {""}
    return bool(comparators and reference.comparator) and reference.comparator not in comparators


def _reference_row(reference: Reference, metric: str, documents: Sequence[Fitted]) -> Row:
    """A published summary: drawn grey, never pooled."""
    construct = reference.construct
    # Details of techniques name one.
    named = construct if construct in {"adherence", "competence", "integrity", "homework"} else ""
    details = ", ".join(filter(None, (named, reference.detail)))
    detail = f": {details}" if details else ""
    against = f", against {reference.comparator}" if _compares_otherwise(reference, documents) else ""
    sign = derived_sign(reference.basis)
    count = f" (k = {reference.k})" if reference.k is not None else ""
    return Row(
        "reference",
        f"{reference.label}{detail}{against}{sign}{count}",
        key=reference.effect_id,
        effects=(reference.effect_id,),
        **mark_of(metric, reference.yi, reference.ci_low, reference.ci_high),
    )
