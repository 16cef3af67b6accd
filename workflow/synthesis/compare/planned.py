"""All comparisons of a plan at once: contrasts, bridges, relevance, interactions and claims."""

from __future__ import annotations

from synthesis.compare import bridge as bridging
from synthesis.compare import claims as claiming
from synthesis.compare import contrast as contrasting
from synthesis.compare import relevance as relating
from synthesis.compare.claim_values import Evidence
from synthesis.compare.fragile import with_remark
from synthesis.compare.robustness import robustness
from synthesis.data.claim_table import Claim
from synthesis.data.published import rows_by_id, threshold
from synthesis.plan.config import Config
from synthesis.results.comparisons import BridgeRow, Comparisons, ContrastRow
from synthesis.results.extracted import Extracted
from synthesis.results.fitted import Fitted


def contrasts(evidence: Evidence) -> list[ContrastRow]:
    """Every declared comparison, between syntheses or with a published value."""
    table = []
    documents = evidence.documents
    for name, comparison in evidence.plan.comparisons.items():
        first = documents[comparison.first]
        bound = None
        if comparison.equivalence:
            where = f"config.yaml, key comparisons.{name}.equivalence"
            bound = threshold(where, comparison.equivalence, first.metric, evidence.rows)
        if comparison.second:
            second = documents[comparison.second]
            row = contrasting.contrast(name, comparison, first, second, bound)
            row = with_remark(row, comparison, first, second, bound)
        else:
            published = claiming.published_summary(name, comparison.reference or "", first, evidence)
            row = contrasting.contrast_with_published(name, comparison, first, published, bound)
            row = with_remark(row, comparison, first, published, bound)
        table.append(row)
    return table


def bounds(plan: Config, extracted: Extracted) -> dict[str, float | None]:
    """The difference that does not matter, of each comparison that names one, on its metric."""
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    return {
        name: threshold(
            f"config.yaml, key comparisons.{name}.equivalence",
            comparison.equivalence,
            plan.syntheses[comparison.first].metric,
            rows,
        )
        for name, comparison in plan.comparisons.items()
        if comparison.equivalence
    }


def bridges(evidence: Evidence) -> list[BridgeRow]:
    """Every declared bridge under every reading."""
    plan, documents = evidence.plan, evidence.documents
    return [
        row
        for name, bridge in plan.bridges.items()
        for row in bridging.bridge(
            name,
            bridge,
            documents[bridge.association],
            documents[bridge.effect],
            plan.numbers_needed.control_response_rates,
        )
    ]


def evidence_of(plan: Config, documents: dict[str, Fitted], extracted: Extracted) -> Evidence:
    """What comparisons and claims are decided from."""
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    return Evidence(documents, plan, rows, extracted.effects)


def compare_all(evidence: Evidence, claims: list[Claim]) -> Comparisons:
    """All comparisons of a plan. Raises InputError for names that do not exist."""
    plan, rows = evidence.plan, evidence.rows
    return Comparisons(
        contrasts=contrasts(evidence),
        bridges=bridges(evidence),
        relevance=relating.relevance(list(evidence.documents.values()), rows, plan.relevance),
        interactions=[
            relating.interaction(name, interaction, rows, plan.defaults.level)
            for name, interaction in plan.interactions.items()
        ],
        robustness=robustness(list(evidence.documents.values())),
        claims=claiming.decided_claims(claims, evidence),
    )
