"""The claims of a review: data/raw/claims.csv, one row for each, with the rule that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from synthesis.data.columns import CLAIM_COLUMNS
from synthesis.data.tables import check_cells, read_table
from synthesis.data.vocabulary import ClaimRule, SourceAgrees
from synthesis.errors import InputError, Problem

CLAIMS = "claims.csv"


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of the table of claims, its cells as text; what they mean is in the data dictionary."""

    claim_id: str
    statement: str
    says: str
    cites: str
    claim: str
    quantity: str
    rule: ClaimRule | Literal[""]
    low: str
    high: str
    evidence: str
    source_agrees: SourceAgrees
    reading: str
    # Its row in the file, the header being the first.
    row: int

    @property
    def kind(self) -> str:
        """The kind of its quantity."""
        return self.quantity.partition(":")[0]

    @property
    def name(self) -> str:
        """What its quantity is read of."""
        return self.quantity.partition(":")[2]

    @property
    def cited(self) -> list[str]:
        """The effect_ids of the rows that quote the cited source."""
        return [cell.strip() for cell in self.evidence.split(";") if cell.strip()]

    def where(self, column: str) -> str:
        """The place of a cell, for errors."""
        return f"{CLAIMS}, row {self.row}, column {column}"


def read_claims(path: Path) -> list[Claim]:
    """The claims in their order. Raises InputError for bad cells, repeated names and rules without bounds."""
    rows = read_table(path, CLAIM_COLUMNS)
    problems = check_cells(path, rows, CLAIM_COLUMNS)
    names: set[str] = set()
    for line, row in rows:
        where = f"{path}, row {line}"
        if row["claim_id"] in names:
            problems.append(Problem(f"{where}, column claim_id", row["claim_id"], "each name once"))
        names.add(row["claim_id"])
        rule = row.get("rule", "")
        if bool(row.get("quantity", "")) != bool(rule):
            allowed = "a quantity and a rule, or neither"
            problems.append(Problem(f"{where}, column rule", rule, allowed))
        needed = {"above": ("low",), "not_above": ("low",), "below": ("high",)}.get(rule, ("low", "high"))
        for name in needed if rule else ():
            if not row.get(name, ""):
                problems.append(Problem(f"{where}, column {name}", "", f"a bound, for rule {rule}"))
    if problems:
        raise InputError(problems)
    return [Claim(row=line, **{c.name: row.get(c.name, "") for c in CLAIM_COLUMNS}) for line, row in rows]
