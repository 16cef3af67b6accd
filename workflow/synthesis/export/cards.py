"""Model cards: what a fit is, what it was made from, what it may be used for, and what not."""

from __future__ import annotations

import msgspec

from synthesis.data.scales import back_transform
from synthesis.data.source import Source
from synthesis.data.vocabulary import METRIC_NAME, early_improvement, nobody_assigned
from synthesis.draw.forest_notes import people, people_words
from synthesis.draw.layout import estimate_name, turned
from synthesis.plan.config import Synthesis
from synthesis.results.diagnosed import Diagnosed
from synthesis.results.fitted import Fitted

_USES = {
    "A": "describing how closely a process rating goes with outcome over the samples that are named",
    "B": "the mean randomised effect of the named protocols against the named comparator",
    "C": "describing one group: how many, how often, or how much they changed",
}
_MODEL = ("model", "method", "ci_method", "rho", "composite_rho", "level")
_READ = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
_FIT = (
    "estimate", "se", "df", "p", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "tau2_ci_low", "tau2_ci_high",
    "omega2", "i2", "h2", "q", "q_df", "q_p",
)  # fmt: skip


def model_card(
    document: Fitted, synthesis: Synthesis, sources: dict[str, Source], diagnostics: Diagnosed
) -> dict[str, object]:
    """The card of one synthesis as a record for JSON; numbers at full precision, missing ones null."""
    metric = document.metric
    limits = [f"{sources[name].title}: {limit}" for name in document.sources for limit in sources[name].limits]
    return {
        "synthesis": document.synthesis,
        "title": document.title,
        "what": f"pooled {document.word}",
        "metric": METRIC_NAME[metric] + (f", turned: {estimate_name(document)}" if turned(document) else ""),
        "data": {
            "sources": {name: sources[name].citation for name in document.sources},
            "samples": document.fit.samples,
            "effects": document.fit.k,
            # Of the samples whose size is known.
            "people": people(document.studies)[0] if people(document.studies)[1] else None,
            "people_in_words": people_words(document.studies) or "not known",
            "samples_of_unknown_size": sum(s.n is None for s in document.studies),
            "years": _span([s.year for s in document.studies if s.year is not None]),
            "set_to_zero": document.set_to_zero,
            "selection": synthesis.model_dump(mode="json", include={"select", "mix", "nonsignificant_as_zero"}),
        },
        "model": {name: getattr(document.fit, name) for name in _MODEL},
        "fit": {name: getattr(document.fit, name) for name in _FIT},
        "as_read": {name: back_transform(metric, getattr(document.fit, name)) for name in _READ},
        "checks": {
            "influential_samples": [sample.label for sample in diagnostics.influence if sample.influential],
            "not_examined": diagnostics.skipped,
        },
        "intended_use": _USES[document.lane],
        "not_for": _not_for(document),
        "limits": [*([document.figure.note] if document.figure.note else []), *document.fit.notes, *limits],
        "provenance": {
            "plan_sha256": document.config_sha256,
            "inputs_sha256": document.inputs_sha256,
            "software": msgspec.to_builtins(document.versions),
        },
    }


def _not_for(document: Fitted) -> str:
    """What a pool must not be used for: associations for causes, effects for other comparators."""
    if document.lane == "A":
        of = document.constructs
        return f"causal claims: {early_improvement(of)}, and {nobody_assigned(of)}"
    if document.lane == "C":
        return "effects of a treatment: nobody was compared with anybody"
    return "comparisons with other comparators: usual care, wait list and attention controls differ"


def _span(years: list[int]) -> list[int] | None:
    return [min(years), max(years)] if years else None
