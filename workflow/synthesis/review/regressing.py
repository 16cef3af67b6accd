"""The regression of a synthesis on several moderators together, as the plan declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthesis.errors import InputError
from synthesis.meta.joint import joint_regress
from synthesis.meta.options import CiMethod
from synthesis.plan.config import Grouping
from synthesis.plan.jointly import JointModel
from synthesis.results.diagnosed import JointFit
from synthesis.results.fitted import Fitted, Member
from synthesis.review.declared import NO_TEST, is_declared
from synthesis.review.fit import method_of
from synthesis.review.moderators import MULTILEVEL, SHARED, no_value, reason_of


def joint_model(
    document: Fitted, name: str, model: JointModel, groupings: Mapping[str, Grouping], ci: CiMethod, seed: int
) -> JointFit:
    """A joint regression, or why there is none; effects without a value of some moderator are left out and counted."""
    columns = model.columns
    members = [(study.sample_id, member) for study in document.studies for member in study.members]
    cells = [_values(member, columns, groupings) for _, member in members]
    complete = [i for i, row in enumerate(cells) if len(row) == len(columns)]
    missing = {column: sum(column not in row for row in cells) for column in columns}
    counted = JointFit(
        model=name,
        formula=model.formula,
        k=len(complete),
        without_value=len(members) - len(complete),
        missing={column: count for column, count in missing.items() if count},
    )
    if not complete:
        empty = [column for column, count in missing.items() if count == len(members)]
        return counted.because(no_value(empty[:1] or columns))
    kept = [members[i] for i in complete]
    cluster = [sample for sample, _ in kept]
    if len(set(cluster)) < len(cluster) and document.fit.model not in MULTILEVEL:
        return counted.because(SHARED)
    if is_declared(document.studies):
        return counted.because(NO_TEST)
    try:
        fit = joint_regress(
            [member.yi for _, member in kept],
            [member.vi for _, member in kept],
            model.formula,
            {column: [cells[i][column] for i in complete] for column in columns},
            cluster=cluster,
            tau2=method_of(document.fit),
            ci=ci,
            rho=document.fit.rho or 0.0,
            level=document.fit.level,
            reference=model.reference,
            means=model.means,
            at=model.predict,
            permutations=model.permutations,
            seed=seed,
        )
    except InputError as error:
        return counted.because(reason_of(error))
    return counted.with_fit(fit)


def _values(member: Member, columns: Sequence[str], groupings: Mapping[str, Grouping]) -> dict[str, float | str]:
    """The values of the moderators, without those that there are not."""
    values = {}
    for column in columns:
        grouping = groupings.get(column)
        value = member.cell(column) if grouping is None else grouping.level_of(member.cell(grouping.column))
        if value is not None and value != "":
            values[column] = value
    return values
