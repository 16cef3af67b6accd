"""Risk of bias by domain: the optional data/raw/<source>/risk_of_bias.csv, a row for each domain of each sample."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from synthesis.data.columns import RISK_COLUMNS
from synthesis.data.printed import Numbered
from synthesis.data.risk_tools import OVERALL, TOOLS, Tool, overall, possible
from synthesis.data.tables import check_cells, read_table
from synthesis.errors import InputError, Problem
from synthesis.results.extracted import Assessed
from synthesis.results.files import check_inside

RISK = "risk_of_bias.csv"


def find_risk(raw: Path, source: str, samples: Collection[str]) -> tuple[Assessed, ...]:
    """The assessed samples of a source; none where it has no such table. Raises InputError as `read_risk`."""
    path = raw / source / RISK
    if not path.exists():
        return ()
    check_inside(raw, path)
    return read_risk(path, samples)


def read_risk(path: Path, samples: Collection[str]) -> tuple[Assessed, ...]:
    """The assessed samples in their order; `samples`: those of the source.

    Raises InputError for an unknown sample, tool, domain or judgement, a domain that is judged twice or not at all, two
    tools for one sample, and an overall judgement that its domains contradict.
    """
    rows = read_table(path, RISK_COLUMNS)
    problems = check_cells(path, rows, RISK_COLUMNS)
    if problems:
        raise InputError(problems)
    by_sample: dict[str, list[Numbered]] = {}
    for number, row in rows:
        by_sample.setdefault(row["sample_id"], []).append((number, row))
    assessed = []
    for sample, sample_rows in by_sample.items():
        first = f"{path}, row {sample_rows[0][0]}, column"
        tools = {row["tool"] for _, row in sample_rows}
        if sample not in samples:
            problems.append(_unknown(f"{first} sample_id", sample, sorted(samples), "a sample_id of effects.csv"))
        elif len(tools) > 1:
            problems.append(Problem(f"{first} tool", ", ".join(sorted(tools)), "one tool for each sample"))
        else:
            tool = TOOLS[tools.pop()]
            faults = list(_faults(path, sample_rows, tool))
            problems += faults
            assessed += [] if faults else [_assessed(sample, tool, sample_rows)]
    problems += [] if problems else list(_contradictions(path, by_sample, assessed))
    if problems:
        raise InputError(problems)
    return tuple(assessed)


def rate(path: Path, rows: Sequence[Numbered], assessed: Sequence[Assessed]) -> list[Problem]:
    """Gives the typed rows of effects.csv the overall judgement of their sample; returns those that have another."""
    judged = {assessment.sample_id: assessment for assessment in assessed}
    problems = []
    for number, row in rows:
        assessment = judged.get(row["sample_id"])
        if assessment is None:
            continue
        if not row["rob"]:
            row["rob"] = assessment.overall
        elif judgement_of(TOOLS[assessment.tool], row["rob"]) != assessment.overall:
            allowed = f"{assessment.overall}, as {RISK} has it for {assessment.sample_id}, or empty"
            problems.append(Problem(f"{path}, row {number}, column rob", row["rob"], allowed, "leave it empty"))
    return problems


def _unknown(where: str, value: str, known: Sequence[str], allowed: str) -> Problem:
    close = difflib.get_close_matches(value, known, n=1)
    return Problem(where, value, allowed, f"did you mean {close[0]}?" if close else "renamed or removed since?")


def domain_of(tool: Tool, words: str) -> str | None:
    """The domain that words name: in full, with "bias in" or "bias due to" before it, as D1, D2, or overall."""
    plain = " ".join(words.casefold().replace("_", " ").split())
    plain = plain.replace("randomization", "randomisation")
    for lead in ("bias arising from the ", "bias arising from ", "bias due to ", "bias in "):
        plain = plain.removeprefix(lead)
    if plain == OVERALL:
        return OVERALL
    if plain.startswith("d") and plain[1:].isdecimal() and 0 < int(plain[1:]) <= len(tool.domains):
        return tool.domains[int(plain[1:]) - 1]
    short = {domain.removeprefix("study "): domain for domain in tool.domains}
    return plain if plain in tool.domains else short.get(plain)


def judgement_of(tool: Tool, words: str) -> str | None:
    """The judgement of a tool that words say."""
    plain = " ".join(words.casefold().replace("_", " ").split()).removesuffix(" of bias").removesuffix(" risk")
    return plain if plain in tool.judgements else None


def _faults(path: Path, rows: Sequence[Numbered], tool: Tool) -> Iterator[Problem]:
    """Domains and judgements of a sample that its tool does not have, or has twice, or lacks."""
    seen: set[str] = set()
    for number, row in rows:
        where = f"{path}, row {number}, column"
        domain = domain_of(tool, row["domain"])
        if domain is None:
            allowed = f"a domain of {tool.name}: {', '.join(tool.domains)}; D1 to D{len(tool.domains)}; or {OVERALL}"
            yield _unknown(f"{where} domain", row["domain"], tool.domains, allowed)
        elif domain in seen:
            yield Problem(f"{where} domain", row["domain"], "each domain of a sample once", "pasted twice?")
        if judgement_of(tool, row["judgement"]) is None:
            allowed = f"one of {', '.join(tool.judgements)}, the judgements of {tool.name}"
            yield _unknown(f"{where} judgement", row["judgement"], tool.judgements, allowed)
        seen |= {domain} if domain else set()
    lacking = [domain for domain in tool.domains if domain not in seen]
    if lacking and OVERALL not in seen:
        where = f"{path}, row {rows[0][0]}, column domain"
        shown = f"{rows[0][1]['sample_id']} without {', '.join(lacking)}"
        yield Problem(where, shown, f"every domain of {tool.name}, or a row of {OVERALL}")


def _assessed(sample: str, tool: Tool, rows: Sequence[Numbered]) -> Assessed:
    """A sample as it was assessed; the whole follows from the domains where it is not given."""
    cells = {domain_of(tool, row["domain"]): row for _, row in rows}
    judged = {name: judgement_of(tool, cells[name]["judgement"]) or "" for name in tool.domains if name in cells}
    given = judgement_of(tool, cells[OVERALL]["judgement"]) if OVERALL in cells else None
    names = (*tool.domains, OVERALL)
    return Assessed(
        sample_id=sample,
        tool=tool.name,
        overall=given or overall(tool, judged),
        given=given is not None,
        domains=judged,
        reasons={name: words for name in names if name in cells and (words := cells[name].get("reason", ""))},
        quotes={name: words for name in names if name in cells and (words := cells[name].get("quote", ""))},
    )


def _contradictions(path: Path, rows: dict[str, list[Numbered]], assessed: Sequence[Assessed]) -> Iterator[Problem]:
    """Judgements of the whole that those of the domains do not allow."""
    for assessment in assessed:
        tool = TOOLS[assessment.tool]
        allowed = possible(tool, assessment.domains)
        if assessment.given and assessment.overall not in allowed:
            number = next(n for n, row in rows[assessment.sample_id] if domain_of(tool, row["domain"]) == OVERALL)
            allowed_text = (
                f"{' or '.join(allowed)}, by the domains of {assessment.sample_id} and the rule of {tool.name}"
            )
            hint = "without the row it follows from the domains"
            yield Problem(f"{path}, row {number}, column judgement", assessment.overall, allowed_text, hint)
