"""The diagnostics of all syntheses as flat tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from synthesis import text
from synthesis.meta.bias import Asymmetry, FailSafe, PetPeese, RankTest, TrimFill
from synthesis.meta.dependent import levels_left_out
from synthesis.meta.discovery import ZCurve
from synthesis.meta.pool import EQUAL_EFFECTS
from synthesis.meta.selection_model import SelectionModel
from synthesis.meta.significance import ExcessSignificance, PCurve
from synthesis.results.adjusted import AdjustedEstimate, AdjustedRow
from synthesis.results.diagnosed import (
    Coefficients,
    CumulativeRow,
    Diagnosed,
    FewSamplesRow,
    InfluenceRow,
    ModeratorFit,
    ModeratorRow,
    RegressionRow,
    SmallStudyRow,
    WorkingRow,
)
from synthesis.results.document import columns, write_rows
from synthesis.review.joint_rows import joint_rows

BY_MEANS = "each sample counts with the mean of its effects"


@dataclass(frozen=True, slots=True)
class DiagnosticTables:
    """The tables by name; their rows in the order of the syntheses."""

    influence: list[InfluenceRow] = field(default_factory=list)
    cumulative: list[CumulativeRow] = field(default_factory=list)
    small_study: list[SmallStudyRow] = field(default_factory=list)
    moderators: list[ModeratorRow] = field(default_factory=list)
    regressions: list[RegressionRow] = field(default_factory=list)
    few_samples: list[FewSamplesRow] = field(default_factory=list)
    adjusted_estimates: list[AdjustedRow] = field(default_factory=list)
    working_models: list[WorkingRow] = field(default_factory=list)


def tables(documents: Iterable[Diagnosed]) -> DiagnosticTables:
    """The flat tables of diagnostics."""
    flat = DiagnosticTables()
    for document in documents:
        name = document.synthesis
        flat.influence.extend(InfluenceRow(synthesis=name, sample=row) for row in document.influence)
        flat.cumulative.extend(CumulativeRow(synthesis=name, step=step) for step in document.cumulative)
        flat.small_study.extend(_small_study_rows(document))
        flat.moderators.extend(row for fit in document.moderators for row in _moderator_rows(name, fit))
        flat.regressions.extend(row for fit in document.regressions for row in joint_rows(name, fit))
        flat.few_samples.extend(_few_rows(document))
        flat.adjusted_estimates.extend(_adjusted_rows(document))
        flat.working_models.extend(_working_rows(document))
    return flat


def write_tables(folder: Path, flat: DiagnosticTables) -> None:
    """Writes each table as CSV under its name."""
    write_rows(folder / "influence.csv", flat.influence, InfluenceRow)
    write_rows(folder / "cumulative.csv", flat.cumulative, CumulativeRow)
    write_rows(folder / "small_study.csv", flat.small_study, SmallStudyRow)
    write_rows(folder / "moderators.csv", flat.moderators, ModeratorRow)
    write_rows(folder / "regressions.csv", flat.regressions, RegressionRow)
    write_rows(folder / "few_samples.csv", flat.few_samples, FewSamplesRow)
    write_rows(folder / "adjusted_estimates.csv", flat.adjusted_estimates, AdjustedRow)
    if flat.working_models:
        write_rows(folder / "working_models.csv", flat.working_models, WorkingRow)


def _working_rows(document: Diagnosed) -> Iterator[WorkingRow]:
    for fit in document.working_models:
        yield WorkingRow(synthesis=document.synthesis, **dataclasses.asdict(fit))
    if "working_models" in document.skipped:
        yield WorkingRow(synthesis=document.synthesis, model="all", note=document.skipped["working_models"])


def _adjusted_rows(document: Diagnosed) -> Iterator[AdjustedRow]:
    for estimate in document.adjusted:
        yield AdjustedRow(synthesis=document.synthesis, adjusted=estimate)
    if "small_study" in document.skipped:
        none = AdjustedEstimate(name="all", reason=document.skipped["small_study"])
        yield AdjustedRow(synthesis=document.synthesis, adjusted=none)


def _small_study_rows(document: Diagnosed) -> Iterator[SmallStudyRow]:
    name, tests = document.synthesis, document.small_study
    if tests is not None:
        for test in columns(type(tests)):
            row = _small_study_row(name, test, getattr(tests, test))
            if row is not None:
                yield row
        for test, reason in tests.refused.items():
            yield SmallStudyRow(synthesis=name, test=test, note=reason)
    if "small_study" in document.skipped:
        yield SmallStudyRow(synthesis=name, test="all", note=document.skipped["small_study"])


def _small_study_row(synthesis: str, test: str, result: object) -> SmallStudyRow | None:
    """The row of one test; None for one that was not done."""
    match result:
        case Asymmetry():
            return _asymmetry_row(synthesis, test, result)
        case RankTest():
            note = "; ".join(result.notes)
            return SmallStudyRow(synthesis=synthesis, test=test, statistic=result.tau, p=result.p, note=note)
        case TrimFill():
            return _trim_fill_row(synthesis, test, result)
        case PetPeese():
            return _pet_peese_row(synthesis, result)
        case SelectionModel():
            return _selection_row(synthesis, test, result)
        case ExcessSignificance():
            note = f"{result.observed} of {result.k} samples are significant, {result.expected:.1f} expected"
            return SmallStudyRow(synthesis=synthesis, test=test, statistic=result.ratio, p=result.p, note=note)
        case PCurve():
            evidence = (
                "evidential value" if result.evidential else "too flat for 33% power" if result.flat else "undecided"
            )
            note = (
                f"{evidence}; {result.significant} significant samples; statistic and p: right skew of the full curve"
            )
            return SmallStudyRow(
                synthesis=synthesis, test=test, statistic=result.skew_full_z, p=result.skew_full_p, note=note
            )
        case ZCurve():
            note = (
                f"significant results: {result.observed:.0%} observed of {text.plural(result.k, 'sample')}, "
                f"{result.discovery:.0%} expected of all studies that were done; {result.replicability:.0%} of the "
                "significant expected again (statistic); no interval"
            )
            return SmallStudyRow(
                synthesis=synthesis, test=test, statistic=result.replicability, note="; ".join([note, *result.notes])
            )
        case FailSafe():
            return SmallStudyRow(synthesis=synthesis, test=test, statistic=result.number)
    return None


def _asymmetry_row(synthesis: str, test: str, result: Asymmetry) -> SmallStudyRow:
    return SmallStudyRow(
        synthesis=synthesis,
        test=test,
        statistic=result.statistic,
        df=result.df,
        p=result.p,
        adjusted_estimate=result.limit,
        adjusted_ci_low=result.limit_ci_low,
        adjusted_ci_high=result.limit_ci_high,
        note="; ".join(result.notes),
    )


def _trim_fill_row(synthesis: str, test: str, result: TrimFill) -> SmallStudyRow:
    remarks = [*result.notes, *(note for note in result.fit.notes if note == EQUAL_EFFECTS)]
    return SmallStudyRow(
        synthesis=synthesis,
        test=test,
        statistic=result.missing,
        p=result.missing_p,
        adjusted_estimate=result.fit.estimate,
        adjusted_ci_low=result.fit.ci_low,
        adjusted_ci_high=result.fit.ci_high,
        note="; ".join(remarks),
    )


def _pet_peese_row(synthesis: str, result: PetPeese) -> SmallStudyRow:
    """The row of the one of the two regressions that was chosen, under its name."""
    chosen = result.pet if result.chosen == "pet" else result.peese
    return SmallStudyRow(
        synthesis=synthesis,
        test=result.chosen,
        adjusted_estimate=result.estimate,
        adjusted_ci_low=result.ci_low,
        adjusted_ci_high=result.ci_high,
        note="; ".join(chosen.notes),
    )


def _selection_row(synthesis: str, test: str, result: SelectionModel) -> SmallStudyRow:
    return SmallStudyRow(
        synthesis=synthesis,
        test=test,
        statistic=result.lrt,
        df=result.lrt_df,
        p=result.lrt_p,
        adjusted_estimate=result.estimate,
        adjusted_ci_low=result.ci_low,
        adjusted_ci_high=result.ci_high,
    )


def _moderator_rows(synthesis: str, fit: ModeratorFit) -> Iterator[ModeratorRow]:
    if fit.regression is None or fit.test is None:
        yield ModeratorRow(synthesis=synthesis, moderator=fit.moderator, kind="refused", k=fit.k, note=fit.refused)
        return
    yield from _coefficient_rows(synthesis, fit, fit.regression)
    test = fit.test
    yield ModeratorRow(
        synthesis=synthesis,
        moderator=fit.moderator,
        kind="test of all",
        term="F or QM",
        k=fit.regression.k,
        estimate=test.statistic,
        df=test.df2,
        p=test.p,
        note="; ".join(words for words in (levels_left_out(test), test.note) if words),
    )
    for level in fit.levels:
        yield ModeratorRow(
            synthesis=synthesis,
            moderator=fit.moderator,
            kind="level",
            term=level.level,
            k=level.k,
            samples=level.samples,
            estimate=level.estimate,
            se=level.se,
            df=level.df,
            ci_low=level.ci_low,
            ci_high=level.ci_high,
            p=level.p,
            tau2=level.tau2,
            note=BY_MEANS if level.model == "composites" else "",
        )


def _coefficient_rows(synthesis: str, fit: ModeratorFit, regression: Coefficients) -> Iterator[ModeratorRow]:
    missing = f"{fit.without_value} effects without a value" if fit.without_value else ""
    note = "; ".join([*regression.notes, *([missing] if missing else [])])
    for i, term in enumerate(regression.names):
        yield ModeratorRow(
            synthesis=synthesis,
            moderator=fit.moderator,
            kind="coefficient",
            term=term,
            k=regression.k,
            samples=regression.k if regression.samples is None else regression.samples,
            estimate=regression.estimate[i],
            se=regression.se[i],
            df=regression.df_of(i),
            ci_low=regression.ci_low[i],
            ci_high=regression.ci_high[i],
            p=regression.p[i],
            tau2=regression.tau2,
            note=note,
        )


def _few_rows(document: Diagnosed) -> Iterator[FewSamplesRow]:
    name, permutation, bayes = document.synthesis, document.permutation, document.bayes
    if permutation is not None:
        p = permutation.p[0]
        how = "all sign changes"
        if not permutation.exact:
            how = f"{text.count(permutation.iterations)} random sign changes, seed {permutation.seed}"
        if permutation.smallest is not None and p <= permutation.smallest * (1 + 1e-9):
            limit = text.plural(len(document.influence), "sample") if permutation.exact else "so many"
            how += f"; {text.p_at_most(permutation.smallest)}, the smallest that {limit} can give"
        yield FewSamplesRow(synthesis=name, what="permutation p", estimate=p, note="; ".join([how, *permutation.notes]))
    if bayes is not None:
        note = f"half-normal prior on tau, scale {bayes.tau_scale:g}"
        for what, posterior in (("mean", bayes.mu), ("tau", bayes.tau), ("new study", bayes.predictive)):
            yield FewSamplesRow(
                synthesis=name,
                what=f"Bayes: {what}",
                estimate=posterior.median,
                ci_low=posterior.low,
                ci_high=posterior.high,
                note=note,
            )
        positive = "Bayes: probability of a mean above 0"
        yield FewSamplesRow(synthesis=name, what=positive, estimate=bayes.p_positive, note=note)
