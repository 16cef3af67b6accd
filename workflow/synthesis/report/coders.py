"""The section on the second extraction: how many rows were read twice, how well the readings agree, what is open."""

from __future__ import annotations

from synthesis import text
from synthesis.report.markup import Html, details, joined, paragraph, table
from synthesis.report.material import Material
from synthesis.report.result_tables import interval, number
from synthesis.results.readings import AgreementRow, DisagreementRow

_UNSETTLED = "Until a correction settles a disagreement, the first reading counts."


def section(material: Material) -> Html:
    """Agreement of two coders, or, plainly, that there was one."""
    twice = sum(1 for row in material.rows.values() if row.get("second_coder"))
    total = text.plural(len(material.rows), "extracted row")
    if not twice:
        return paragraph(
            f"No row was extracted twice: none of {total} names a second coder, so that it is not known how "
            "often a number was misread. This is a limitation."
        )
    fields, differing = material.agreement, material.disagreements
    unsettled = sum(row.status == "open" for row in differing)
    said = (
        f"{text.count(twice)} of {total} {'was' if twice == 1 else 'were'} extracted twice. The two readings differ in "
        f"{text.plural(len(differing), 'cell')}, of which {text.count(unsettled)} "
        f"{'is' if unsettled == 1 else 'are'} open."
    )
    return joined(
        paragraph(said),
        paragraph(_UNSETTLED) if unsettled else "",
        details("Agreement by field", _fields(fields)) if fields else "",
        details("Disagreements", _differing(differing)) if differing else "",
    )


def _fields(records: list[AgreementRow]) -> Html:
    rows = [
        [
            f"{r.field} ({r.statistic})" if r.statistic else r.field,
            number(r.rows, 0),
            number(r.agree, 0),
            number(r.percent, 0),
            number(r.kappa),
            interval(r.kappa_low, r.kappa_high),
            number(r.icc),
            "" if r.mean_absolute_difference is None else f"{r.mean_absolute_difference:.6g}",
            r.note,
        ]
        for r in records
    ]
    heads = ["Field", "Rows", "Agree", "Percent", "Kappa", "95% CI", "ICC", "Mean absolute difference", "Remark"]
    return table("Agreement of two coders, before corrections", heads, rows, frozenset(range(1, 8)))


def _differing(records: list[DisagreementRow]) -> Html:
    rows = [
        [r.effect_id, r.field, r.coder, r.first, r.second_coder, r.second, r.status, r.settled, r.reason]
        for r in records
    ]
    heads = ["Row", "Field", "Coder", "Read", "Second coder", "Read", "Status", "Settled as", "Reason"]
    return table("Cells on which the coders differ", heads, rows)
