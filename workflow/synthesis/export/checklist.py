"""The PRISMA 2020 checklist, filled with where each item is met, or with "author must write".

Items and their topics: Page et al. (2021), BMJ 372:n71, Table 1; topics in our own words, in `prisma_2020.csv`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from synthesis.plan.config import Config
from synthesis.results.fitted import Fitted

CHECKLIST_COLUMNS = ("section", "item", "topic", "status", "where", "remark")
WRITE = "author must write"
_ITEMS = Path(__file__).with_name("prisma_2020.csv")
_WITHOUT = {
    "rated": "no risk-of-bias ratings in the data",
    "biased": "fewer samples than tests of small-study effects need",
    "moderated": "no moderators in the plan",
    "claims": "",
}


def checklist(plan: Config, documents: list[Fitted], claims: int) -> list[dict[str, str]]:
    """One record per item, in the order of the statement; a status of met or partly names the file that shows it.

    What depends on the run (ratings, tests, moderators, claims) falls back to the author where the run has none.
    """
    conditions = {
        "rated": any(study.rob for document in documents for study in document.studies),
        "biased": any(document.fit.samples >= plan.diagnostics.funnel_from for document in documents),
        "moderated": any(synthesis.moderators for synthesis in plan.syntheses.values()),
        "claims": claims > 0,
    }
    rows = []
    with _ITEMS.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            needs = row.pop("needs")
            if needs and not conditions[needs]:
                row |= {"status": WRITE, "where": "", "remark": _WITHOUT[needs]}
            rows.append(row)
    return rows
