"""All comparisons of a plan at once: contrasts, bridges, relevance, interactions, claims and their tipping points."""

from __future__ import annotations

from typing import Any

from synthesis.compare import bridge as bridging
from synthesis.compare import claims as claiming
from synthesis.compare import contrast as contrasting
from synthesis.compare import relevance as relating
from synthesis.compare import tipping as flipping
from synthesis.data.extraction import Extracted
from synthesis.data.published import Record, rows_by_id, threshold
from synthesis.plan.config import Config

# The tables that are written, and their columns.
TABLES: dict[str, tuple[str, ...]] = {
    "comparison": contrasting.COMPARISON_COLUMNS,
    "bridge": bridging.BRIDGE_COLUMNS,
    "relevance": relating.RELEVANCE_COLUMNS,
    "interactions": relating.INTERACTION_COLUMNS,
    "claims": claiming.CLAIM_TABLE,
}
TIPPING_TABLES: dict[str, tuple[str, ...]] = {
    "tipping_points": flipping.SUMMARY_COLUMNS,
    "tipping_points_all": flipping.TIPPING_COLUMNS,
}


def comparisons(evidence: claiming.Evidence) -> list[Record]:
    """Every declared comparison, between syntheses or with a published value."""
    found = []
    documents, rows = evidence.documents, evidence.rows
    for name, comparison in evidence.plan.comparisons.items():
        first = documents[comparison.first]
        bound = None
        if comparison.equivalence:
            where = f"config.yaml, key comparisons.{name}.equivalence"
            bound = threshold(where, comparison.equivalence, first["metric"], rows)
        if comparison.second:
            found.append(contrasting.contrast(name, comparison, first, documents[comparison.second], bound))
        else:
            published = claiming.published_summary(name, comparison.reference or "", first, evidence)
            found.append(contrasting.contrast_with_published(name, comparison, first, published, bound))
    return found


def evidence_of(plan: Config, documents: dict[str, Record], extracted: Extracted) -> claiming.Evidence:
    """What comparisons and claims are decided from."""
    rows = rows_by_id([*extracted.dropped, *extracted.effects])
    return claiming.Evidence(documents, plan, rows, extracted.effects)


def compare_all(evidence: claiming.Evidence, claims: list[Record]) -> dict[str, list[Any]]:
    """The tables of TABLES, by name. Raises InputError for names that do not exist."""
    plan, documents, rows = evidence.plan, evidence.documents, evidence.rows
    tables: dict[str, list[Any]] = {
        "comparison": comparisons(evidence),
        "bridge": [],
        "relevance": relating.relevance(list(documents.values()), rows, plan.relevance),
        "interactions": [
            relating.interaction(name, one, rows, plan.defaults.level) for name, one in plan.interactions.items()
        ],
        "claims": claiming.decided_claims(claims, evidence),
    }
    for name, one in plan.bridges.items():
        pair = (documents[one.association], documents[one.effect])
        tables["bridge"] += bridging.bridge(name, one, *pair, plan.monte_carlo)
    return tables


def tipping_all(
    evidence: claiming.Evidence, claims: list[Record], diagnostics: dict[str, Record]
) -> dict[str, list[Any]]:
    """The tables of TIPPING_TABLES, by name."""
    tried, summary = flipping.tipping(claims, evidence, diagnostics)
    return {"tipping_points": summary, "tipping_points_all": tried}
